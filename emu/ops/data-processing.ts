/**
 * Data-processing instructions: arithmetic, logic, moves and comparisons (ARM ARM A4.4.1, A8.8).
 *
 * Each works for every form of its second operand. C and V come from cheap forms that are exact for their instruction:
 * a + b carries when the sum is below a; a - b does not borrow when b <= a; with a carry in, C is the majority of the top bits.
 */
import type { Machine } from '../machine/machine.ts';
import { type Operand2, operand, operandSettingC, SHIFTED } from './shift.ts';

export interface DataProcessing extends Operand2 {
  /** Sets the flags. */
  readonly s: boolean;
  /** Destination and first operand; unused ones are 0. */
  readonly d: number;
  readonly n: number;
}

/** Writes a result to a register, or to the PC as ALUWritePC does: interworking in ARM state, not in Thumb state. */
function write<V, W, S>(m: Machine<V, W, S>, d: number, result: V, kind: 'jump' | 'return' = 'jump'): void {
  if (d !== 15) m.setReg(d, result);
  else m.branch(m.thumb ? m.or(result, m.const(1)) : result, kind);
}

/** x + y with NZCV; x and y are held. */
function addFlags<V, W, S>(m: Machine<V, W, S>, x: V, y: V): V {
  const r = m.let(m.add(x, y));
  m.setNZ(r);
  m.setC(m.ltU(r, x));
  m.setV(m.and(m.xor(x, r), m.xor(y, r)));
  return r;
}

/** x - y with NZCV; x and y are held. */
function subFlags<V, W, S>(m: Machine<V, W, S>, x: V, y: V): V {
  const r = m.let(m.sub(x, y));
  m.setNZ(r);
  m.setC(m.leU(y, x));
  m.setV(m.and(m.xor(x, y), m.xor(x, r)));
  return r;
}

/** x + y + C, with NZCV when asked for; x and y are held. */
function addCarry<V, W, S>(m: Machine<V, W, S>, a: DataProcessing, x: V, y: V): void {
  const sum = m.add(m.add(x, y), m.flagC());
  if (!a.s) {
    write(m, a.d, sum);
    return;
  }
  const r = m.let(sum);
  m.setNZ(r);
  m.setC(m.shr(m.or(m.and(x, y), m.and(m.or(x, y), m.not(r))), m.const(31)));
  m.setV(m.and(m.xor(x, r), m.xor(y, r)));
  m.setReg(a.d, r);
}

/** Stores the result of a logical instruction, whose C operandSettingC has set. */
function logical<V, W, S>(m: Machine<V, W, S>, a: DataProcessing, result: V): void {
  if (!a.s) {
    write(m, a.d, result);
    return;
  }
  const r = m.let(result);
  m.setNZ(r);
  m.setReg(a.d, r);
}

function logicalOperand<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): V {
  return a.s ? operandSettingC(m, a) : operand(m, a);
}

export function add<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  if (a.s) m.setReg(a.d, addFlags(m, m.let(m.reg(a.n)), m.let(operand(m, a))));
  else write(m, a.d, m.add(m.reg(a.n), operand(m, a)));
}

export function sub<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  if (a.s) m.setReg(a.d, subFlags(m, m.let(m.reg(a.n)), m.let(operand(m, a))));
  else write(m, a.d, m.sub(m.reg(a.n), operand(m, a)));
}

export function rsb<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(operand(m, a));
  if (a.s) m.setReg(a.d, subFlags(m, y, x));
  else write(m, a.d, m.sub(y, x));
}

export function adc<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  addCarry(m, a, m.let(m.reg(a.n)), m.let(operand(m, a)));
}

export function sbc<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  addCarry(m, a, m.let(m.reg(a.n)), m.let(m.not(operand(m, a))));
}

export function rsc<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  const x = m.let(m.not(m.reg(a.n)));
  addCarry(m, a, m.let(operand(m, a)), x);
}

export function cmp<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  subFlags(m, m.let(m.reg(a.n)), m.let(operand(m, a)));
}

export function cmn<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  addFlags(m, m.let(m.reg(a.n)), m.let(operand(m, a)));
}

export function tst<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  m.setNZ(m.and(m.reg(a.n), operandSettingC(m, a)));
}

export function teq<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  m.setNZ(m.xor(m.reg(a.n), operandSettingC(m, a)));
}

export function and<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.and(m.reg(a.n), logicalOperand(m, a)));
}

export function eor<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.xor(m.reg(a.n), logicalOperand(m, a)));
}

export function orr<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.or(m.reg(a.n), logicalOperand(m, a)));
}

export function orn<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.or(m.reg(a.n), m.not(logicalOperand(m, a))));
}

export function bic<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.and(m.reg(a.n), m.not(logicalOperand(m, a))));
}

/** MOV, and the shifts LSL, LSR, ASR, ROR and RRX, which are moves of a shifted register. */
export function mov<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  if (a.d === 15) {
    const fromLr = a.kind === SHIFTED && a.m === 14 && a.amount === 0;
    write(m, 15, operand(m, a), fromLr ? 'return' : 'jump');
  } else logical(m, a, logicalOperand(m, a));
}

export function mvn<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  logical(m, a, m.not(logicalOperand(m, a)));
}

/** MOVT: replaces the upper halfword; the lower stays. `imm` is 0..0xffff. */
export function movt<V, W, S>(m: Machine<V, W, S>, a: DataProcessing): void {
  m.setReg(a.d, m.or(m.and(m.reg(a.d), m.const(0xffff)), m.shl(m.const(a.imm), m.const(16))));
}

/** ADR in Thumb state: an address near the PC (of its word). */
export function adr<V, W, S>(m: Machine<V, W, S>, a: { readonly d: number; readonly imm: number }): void {
  m.setReg(a.d, m.literal(a.imm));
}
