/**
 * Argument shapes of data-processing instructions, for A32, T32 and T16 (ARM ARM A5.2, A6.2.1, A6.3.1, A6.3.11).
 *
 * Field letters: d, n, m registers; s register holding a shift amount; S sets flags; i immediate; y shift type.
 */
import type { DataProcessing } from '../../ops/data-processing.ts';
import { ASR, IMMEDIATE, LSL, LSR, REGISTER_SHIFTED, ROR, RRX, SHIFTED } from '../../ops/shift.ts';
import type { DecodeContext, Fields, Shape } from '../row.ts';
import { imm, reg, regs, shiftBy, shiftName } from './text.ts';

/** Which registers there are besides the second operand: Rd and Rn, Rd only (moves), Rn only (comparisons). */
export type Form = 'dn' | 'd' | 'n';
/** When flags are set: by the S bit; outside IT blocks (16-bit instructions); never; always. */
export type Flags = 'S' | 'outsideIT' | 'never' | 'always';

interface Expanded {
  imm: number;
  carry: 0 | 1 | null;
}

function ror32(x: number, n: number): number {
  return n === 0 ? x : (x >>> n) | (x << (32 - n));
}

/** ARMExpandImm_C: 8 bits rotated right by twice the upper 4 bits. */
export function armExpandImm(imm12: number): Expanded {
  const rotation = (imm12 >> 8) * 2;
  const value = ror32(imm12 & 255, rotation) | 0;
  return { imm: value, carry: rotation === 0 ? null : value < 0 ? 1 : 0 };
}

/** ThumbExpandImm_C. The UNPREDICTABLE replications of zero give zero. */
export function thumbExpandImm(imm12: number): Expanded {
  const byte = imm12 & 255;
  switch (imm12 >> 8) {
    case 0:
      return { imm: byte, carry: null };
    case 1:
      return { imm: byte * 0x10001, carry: null };
    case 2:
      return { imm: (byte * 0x1000100) | 0, carry: null };
    case 3:
      return { imm: (byte * 0x1010101) | 0, carry: null };
  }
  const value = ror32(128 | (imm12 & 127), imm12 >> 7) | 0;
  return { imm: value, carry: value < 0 ? 1 : 0 };
}

/** True for the modified immediates of T32 that are UNPREDICTABLE. */
export function badThumbImm(imm12: number): boolean {
  return (imm12 & 255) === 0 && imm12 >= 0x100 && imm12 < 0x400;
}

/** An immediate taken as it is, times a scale. */
export function plain(scale = 1): (field: number) => Expanded {
  return (field) => ({ imm: field * scale, carry: null });
}

/** DecodeImmShift: the type with ROR #0 made RRX. */
export function shiftType(type: number, imm5: number): number {
  return type === ROR && imm5 === 0 ? RRX : type;
}

/** DecodeImmShift: the amount; 0 means 32 for LSR and ASR, and 1 for RRX. */
export function shiftAmount(type: number, imm5: number): number {
  if (imm5 !== 0 || type === LSL) return imm5;
  return type === ROR ? 1 : 32;
}

function setsFlags(flags: Flags, f: Fields, ctx: DecodeContext): boolean {
  if (flags === 'S') return f.S === 1;
  return flags === 'always' || (flags === 'outsideIT' && !ctx.inIT);
}

/** S with Rd = PC is an exception return, for User mode UNPREDICTABLE and here UNDEFINED. */
function exceptionReturn(s: boolean, d: number): boolean {
  return s && d === 15;
}

function operandText(a: DataProcessing): string {
  if (a.kind === IMMEDIATE) return imm(a.imm);
  if (a.kind === SHIFTED) return reg(a.m) + shiftBy(a.type, a.amount);
  return `${reg(a.m)}, ${shiftName(a.type)} ${reg(a.amount)}`;
}

function printer(form: Form): (a: DataProcessing) => string {
  if (form === 'dn') return (a) => `${regs(a.d, a.n)}, ${operandText(a)}`;
  if (form === 'd') return (a) => `${reg(a.d)}, ${operandText(a)}`;
  return (a) => `${reg(a.n)}, ${operandText(a)}`;
}

/** Second operand immediate. */
export function immediate(
  form: Form,
  flags: Flags,
  expand: (imm: number) => Expanded,
): Shape<DataProcessing> {
  return {
    decode(f, ctx) {
      const s = setsFlags(flags, f, ctx);
      const d = form === 'n' ? 0 : f.d!;
      if (form !== 'n' && exceptionReturn(s, d)) return null;
      const { imm, carry } = expand(f.i!);
      return constantOperand(s, d, form === 'd' ? 0 : f.n!, imm, carry);
    },
    print: printer(form),
  };
}

function constantOperand(s: boolean, d: number, n: number, imm: number, carry: 0 | 1 | null): DataProcessing {
  return { s, d, n, kind: IMMEDIATE, imm, carry, m: 0, type: 0, amount: 0 };
}

// ---- 16-bit Thumb: the destination is the first operand, or SP is ----

/** ADD, SUB (immediate) T2. */
export const immediateInPlace: Shape<DataProcessing> = {
  decode: (f, ctx) => constantOperand(!ctx.inIT, f.d!, f.d!, f.i!, null),
  print: (a) => `${reg(a.d)}, ${imm(a.imm)}`,
};

/** Rdn op Rm. */
export function registerInPlace(flags: Flags): Shape<DataProcessing> {
  return { decode: shifted('dn', flags).decode, print: (a) => regs(a.d, a.m) };
}

/** RSB (immediate) T1: Rd = 0 - Rn. */
export const negate: Shape<DataProcessing> = {
  decode: (f, ctx) => constantOperand(!ctx.inIT, f.d!, f.n!, 0, null),
  print: printer('dn'),
};

/** SP plus or minus a number of words, to Rd or to SP. */
export function stackPointer(into: 'd' | 'sp'): Shape<DataProcessing> {
  return {
    decode: (f) => constantOperand(false, into === 'sp' ? 13 : f.d!, 13, f.i! * 4, null),
    print: into === 'sp' ? (a) => `sp, ${imm(a.imm)}` : printer('dn'),
  };
}

/** MOVW, MOVT: a 16-bit immediate whose upper four bits are field j. */
export const immediate16: Shape<DataProcessing> = {
  decode: (f) => (f.d === 15 ? null : constantOperand(false, f.d!, 0, (f.j! << 12) | f.i!, null)),
  print: printer('d'),
};

/** Second operand a register, shifted by a constant (no fields i and y: not shifted). */
export function shifted(form: Form, flags: Flags): Shape<DataProcessing> {
  return {
    decode(f, ctx) {
      const s = setsFlags(flags, f, ctx);
      const d = form === 'n' ? 0 : f.d!;
      if (form !== 'n' && exceptionReturn(s, d)) return null;
      const i = f.i ?? 0;
      const y = f.y ?? 0;
      return {
        s,
        d,
        n: form === 'd' ? 0 : (f.n ?? d),
        kind: SHIFTED,
        imm: 0,
        carry: null,
        m: f.m!,
        type: shiftType(y, i),
        amount: shiftAmount(y, i),
      };
    },
    print: printer(form),
  };
}

/** LSL, LSR, ASR, ROR by a constant and RRX: moves with the shift as the instruction's name. */
export function shiftMove(flags: Flags, type: number): Shape<DataProcessing> {
  return {
    decode(f, ctx) {
      const s = setsFlags(flags, f, ctx);
      if (exceptionReturn(s, f.d!)) return null;
      const amount = type === RRX ? 1 : shiftAmount(type, f.i!);
      return { s, d: f.d!, n: 0, kind: SHIFTED, imm: 0, carry: null, m: f.m!, type, amount };
    },
    print: (a) => `${regs(a.d, a.m)}${a.type === RRX ? '' : `, ${imm(a.amount)}`}`,
  };
}

/** LSL, LSR, ASR, ROR by a register, never to the PC: n is shifted by m; without a field n (T16) it is d. */
export function shiftByRegister(flags: Flags, type: number): Shape<DataProcessing> {
  return {
    decode(f, ctx) {
      if (f.d === 15) return null;
      const s = setsFlags(flags, f, ctx);
      return {
        s,
        d: f.d!,
        n: 0,
        kind: REGISTER_SHIFTED,
        imm: 0,
        carry: null,
        m: f.n ?? f.d!,
        type,
        amount: f.m!,
      };
    },
    print: (a) => regs(a.d, a.m, a.amount),
  };
}

/** The 16-bit shifts by a register: Rdn by Rm. */
export function shiftInPlace(type: number): Shape<DataProcessing> {
  return { decode: shiftByRegister('outsideIT', type).decode, print: (a) => regs(a.d, a.amount) };
}

/** Second operand a register shifted by a register (A32); never to the PC. */
export function registerShifted(form: Form): Shape<DataProcessing> {
  return {
    decode(f, ctx) {
      if (f.d === 15) return null;
      return {
        s: form === 'n' || setsFlags('S', f, ctx),
        d: f.d ?? 0,
        n: f.n ?? 0,
        kind: REGISTER_SHIFTED,
        imm: 0,
        carry: null,
        m: f.m!,
        type: f.y!,
        amount: f.s!,
      };
    },
    print: printer(form),
  };
}

/** ADR in Thumb state; sign is +1 or -1. */
export function literalAddress(sign: 1 | -1, scale: number): Shape<{ d: number; imm: number }> {
  return {
    decode: (f) => (f.d === 15 ? null : { d: f.d!, imm: sign * f.i! * scale }),
    print: (a) => `${reg(a.d)}, pc, ${imm(Math.abs(a.imm))}`,
  };
}

export { ASR, LSL, LSR, ROR, RRX };
