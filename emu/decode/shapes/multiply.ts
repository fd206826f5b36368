/**
 * Argument shapes of multiply, divide and media instructions, for A32, T32 and T16 (ARM ARM A5.2.5, A5.4, A6.3.12 to A6.3.17).
 *
 * Field letters: d, n, m, a registers; l, h RdLo, RdHi; i shift amount; w width or saturation; r rotation. A destination that
 * is the PC is UNPREDICTABLE everywhere here, and taken as UNDEFINED.
 */
import type { BitField, Extend, Pack, Saturate, ThreeRegisters, TwoRegisters } from '../../ops/media.ts';
import type { LongMultiply, Multiply } from '../../ops/multiply.ts';
import { ASR, LSL } from '../../ops/shift.ts';
import type { LongSignedMultiply, SignedMultiply } from '../../ops/signed-multiply.ts';
import type { DecodeContext, Fields, Shape } from '../row.ts';
import { imm, reg, regs, shiftBy } from './text.ts';

function accumulating(a: { d: number; n: number; m: number; a: number }): string {
  return a.a < 0 ? regs(a.d, a.n, a.m) : regs(a.d, a.n, a.m, a.a);
}

/** MUL, MLA, MLS, SDIV, UDIV. Without a field a nothing is accumulated. */
export const multiply: Shape<Multiply> = {
  decode: (f) => (f.d === 15 ? null : { s: f.S === 1, d: f.d!, n: f.n!, m: f.m!, a: f.a ?? -1 }),
  print: accumulating,
};

/** MUL T1: Rd is also an operand; flags outside IT blocks. */
export const multiplyT16: Shape<Multiply> = {
  decode: (f: Fields, ctx: DecodeContext) => ({ s: !ctx.inIT, d: f.d!, n: f.n!, m: f.d!, a: -1 }),
  print: (a) => regs(a.d, a.n),
};

export const longMultiply: Shape<LongMultiply> = {
  decode: (f) => (f.l === 15 || f.h === 15 ? null : { s: f.S === 1, lo: f.l!, hi: f.h!, n: f.n!, m: f.m! }),
  print: (a) => regs(a.lo, a.hi, a.n, a.m),
};

/** SMLA<x><y> and all that follow its form: halves 1 are top halves (m: or exchanged halves, for the dual forms). */
export function halves(nHigh: number, mHigh: number): Shape<SignedMultiply> {
  return {
    decode: (f) =>
      f.d === 15 ? null : { d: f.d!, n: f.n!, m: f.m!, a: f.a ?? -1, nHigh, mHigh, round: false },
    print: accumulating,
  };
}

/** SMMLA and kin. */
export function mostSignificant(round: boolean): Shape<SignedMultiply> {
  return {
    decode: (f) =>
      f.d === 15 ? null : { d: f.d!, n: f.n!, m: f.m!, a: f.a ?? -1, nHigh: 0, mHigh: 0, round },
    print: accumulating,
  };
}

/** SMLAL<x><y>, SMLALD, SMLSLD. */
export function longHalves(nHigh: number, mHigh: number): Shape<LongSignedMultiply> {
  return {
    decode: (f) =>
      f.l === 15 || f.h === 15 ? null : { s: false, lo: f.l!, hi: f.h!, n: f.n!, m: f.m!, nHigh, mHigh },
    print: (a) => regs(a.lo, a.hi, a.n, a.m),
  };
}

export const threeRegisters: Shape<ThreeRegisters> = {
  decode: (f) => (f.d === 15 ? null : { d: f.d!, n: f.n!, m: f.m! }),
  print: (a) => regs(a.d, a.n, a.m),
};

/** QADD and kin are written Rd, Rm, Rn. */
export const threeRegistersSwapped: Shape<ThreeRegisters> = {
  decode: threeRegisters.decode,
  print: (a) => regs(a.d, a.m, a.n),
};

export const fourRegisters: Shape<ThreeRegisters & { a: number }> = {
  decode: (f) => (f.d === 15 ? null : { d: f.d!, n: f.n!, m: f.m!, a: f.a ?? -1 }),
  print: accumulating,
};

export const twoRegisters: Shape<TwoRegisters> = {
  decode: (f) => (f.d === 15 ? null : { d: f.d!, m: f.m! }),
  print: (a) => regs(a.d, a.m),
};

/** SXTAB and kin; without a field n nothing is added. */
export const extend: Shape<Extend> = {
  decode: (f) => (f.d === 15 ? null : { d: f.d!, n: f.n ?? -1, m: f.m!, rotation: 8 * (f.r ?? 0) }),
  print: (a) =>
    (a.n < 0 ? regs(a.d, a.m) : regs(a.d, a.n, a.m)) + (a.rotation === 0 ? '' : `, ror ${imm(a.rotation)}`),
};

function bitField(d: number, n: number, lsb: number, width: number): BitField | null {
  return d === 15 || width < 1 || lsb + width > 32 ? null : { d, n, lsb, width };
}

function bitFieldText(a: BitField): string {
  return `${regs(a.d, a.n)}, ${imm(a.lsb)}, ${imm(a.width)}`;
}

/** SBFX, UBFX: w is the width minus one. */
export const bitFieldExtract: Shape<BitField> = {
  decode: (f) => bitField(f.d!, f.n!, f.i!, f.w! + 1),
  print: bitFieldText,
};

/** BFI: w is the most significant bit. */
export const bitFieldInsert: Shape<BitField> = {
  decode: (f) => bitField(f.d!, f.n!, f.i!, f.w! - f.i! + 1),
  print: bitFieldText,
};

export const bitFieldClear: Shape<BitField> = {
  decode: (f) => bitField(f.d!, 0, f.i!, f.w! - f.i! + 1),
  print: (a) => `${reg(a.d)}, ${imm(a.lsb)}, ${imm(a.width)}`,
};

/** PKHBT shifts left by i, PKHTB arithmetically right (0 is 32). */
function pack(type: number): Shape<Pack> {
  return {
    decode(f) {
      if (f.d === 15) return null;
      const amount = type === ASR && f.i === 0 ? 32 : f.i!;
      return { d: f.d!, n: f.n!, m: f.m!, type, amount };
    },
    print: (a) => regs(a.d, a.n, a.m) + shiftBy(a.type, a.amount),
  };
}
export const packBottom: Shape<Pack> = pack(LSL);
export const packTop: Shape<Pack> = pack(ASR);

/**
 * SSAT, USAT: w is the saturation position (signed: minus one), y is 1 for ASR. An ASR by 0 means 32 in A32; in T32 that is
 * SSAT16's encoding.
 */
function saturate(signed: boolean): Shape<Saturate> {
  return {
    decode(f) {
      if (f.d === 15) return null;
      const to = f.w! + (signed ? 1 : 0);
      const amount = f.y === 1 && f.i === 0 ? 32 : (f.i ?? 0);
      return { d: f.d!, n: f.n!, to, type: f.y === 1 ? ASR : LSL, amount };
    },
    print: (a) => `${reg(a.d)}, ${imm(a.to)}, ${reg(a.n)}${shiftBy(a.type, a.amount)}`,
  };
}
export const saturateSigned: Shape<Saturate> = saturate(true);
export const saturateUnsigned: Shape<Saturate> = saturate(false);
