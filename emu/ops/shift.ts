/**
 * Shifts and the second operand of data-processing instructions (ARM ARM A8.4, A5.2.4, A6.3.2).
 *
 * Types 0..4 are LSL, LSR, ASR, ROR, RRX; a constant amount is what DecodeImmShift gives: 0..31 for LSL, 1..32 for LSR and ASR,
 * 1..31 for ROR, 1 for RRX.
 */
import type { Machine } from '../machine/machine.ts';

export const LSL = 0;
export const LSR = 1;
export const ASR = 2;
export const ROR = 3;
export const RRX = 4;

/** Kinds of second operand. */
export const IMMEDIATE = 0;
export const SHIFTED = 1;
export const REGISTER_SHIFTED = 2;

export interface Operand2 {
  readonly kind: typeof IMMEDIATE | typeof SHIFTED | typeof REGISTER_SHIFTED;
  /** IMMEDIATE: the value, and the carry out of its expansion (null: C stays). */
  readonly imm: number;
  readonly carry: 0 | 1 | null;
  /** SHIFTED, REGISTER_SHIFTED: the register shifted and how. */
  readonly m: number;
  readonly type: number;
  /** SHIFTED: the amount in bits. REGISTER_SHIFTED: the number of the register that holds it. */
  readonly amount: number;
}

/** Shift by a constant. */
export function shift<V, W, S>(m: Machine<V, W, S>, x: V, type: number, amount: number): V {
  switch (type) {
    case LSL:
      return amount === 0 ? x : m.shl(x, m.const(amount));
    case LSR:
      return amount === 32 ? m.const(0) : m.shr(x, m.const(amount));
    case ASR:
      return m.sar(x, m.const(amount === 32 ? 31 : amount));
    case ROR:
      return m.ror(x, m.const(amount));
    default:
      return m.or(m.shl(m.flagC(), m.const(31)), m.shr(x, m.const(1)));
  }
}

/** Carry out of a shift by a constant; not for LSL #0, which has none. */
function shiftCarry<V, W, S>(m: Machine<V, W, S>, x: V, type: number, amount: number): V {
  if (type === RRX) return m.and(x, m.const(1));
  const n = m.const(amount);
  return m.and(m.shr(x, type === LSL ? m.sub(m.const(32), n) : m.sub(n, m.const(1))), m.const(1));
}

/** Shift by the low byte of a register; x and amount are held values, amount is 0..255. */
function shiftByRegister<V, W, S>(m: Machine<V, W, S>, x: V, type: number, amount: V): V {
  const within = m.ltU(amount, m.const(32));
  switch (type) {
    case LSL:
      return m.select(within, m.shl(x, amount), m.const(0));
    case LSR:
      return m.select(within, m.shr(x, amount), m.const(0));
    case ASR:
      return m.sar(x, m.select(within, amount, m.const(31)));
    default:
      return m.ror(x, amount);
  }
}

/** Carry out of a shift by a register; C itself when the amount is 0. */
function shiftByRegisterCarry<V, W, S>(m: Machine<V, W, S>, x: V, type: number, amount: V): V {
  const one = m.const(1);
  let carry: V;
  switch (type) {
    case LSL:
      carry = m.and(m.shr(x, m.sub(m.const(32), amount)), one);
      break;
    case ASR:
      carry = m.and(m.sar(x, m.select(m.leU(amount, m.const(32)), m.sub(amount, one), m.const(31))), one);
      break;
    default: // LSR; for ROR wasm's modulo 32 is the rotation's own
      carry = m.and(m.shr(x, m.sub(amount, one)), one);
  }
  if (type === LSL || type === LSR) carry = m.select(m.leU(amount, m.const(32)), carry, m.const(0));
  return m.select(m.eq(amount, m.const(0)), m.flagC(), carry);
}

/** The value of the second operand; C is left alone. */
export function operand<V, W, S>(m: Machine<V, W, S>, a: Operand2): V {
  if (a.kind === IMMEDIATE) return m.const(a.imm);
  if (a.kind === SHIFTED) return shift(m, m.reg(a.m), a.type, a.amount);
  const amount = m.let(m.and(m.reg(a.amount), m.const(255)));
  return shiftByRegister(m, m.let(m.reg(a.m)), a.type, amount);
}

/** The value of the second operand, held; the shifter's carry out goes to C (logical instructions that set flags). */
export function operandSettingC<V, W, S>(m: Machine<V, W, S>, a: Operand2): V {
  if (a.kind === IMMEDIATE) {
    if (a.carry !== null) m.setC(m.const(a.carry));
    return m.const(a.imm);
  }
  const x = m.let(m.reg(a.m));
  if (a.kind === SHIFTED) {
    if (a.type === LSL && a.amount === 0) return x;
    const y = m.let(shift(m, x, a.type, a.amount));
    m.setC(shiftCarry(m, x, a.type, a.amount));
    return y;
  }
  const amount = m.let(m.and(m.reg(a.amount), m.const(255)));
  const y = m.let(shiftByRegister(m, x, a.type, amount));
  m.setC(shiftByRegisterCarry(m, x, a.type, amount));
  return y;
}
