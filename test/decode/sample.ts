/**
 * Random encodings of rows, and how the decoder takes them.
 */
import { fieldsOf } from '../../emu/decode/build.ts';
import { decodeA32, decodeThumb } from '../../emu/decode/decoder.ts';
import type { Insn, Row } from '../../emu/decode/row.ts';

/** xorshift32 numbers from a seed, so that a failure comes again. */
export function generator(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** A random encoding: should-be bits as they should be, and a condition that is one. */
export function encoding(row: Row, random: () => number): number {
  let bits = (random() & ~(row.mask | row.shouldMask)) | row.value | row.shouldValue;
  for (const { letter, runs } of row.fields) {
    if (letter !== 'c') continue;
    const { lsb } = runs[0]!;
    bits = (bits & ~(15 << lsb)) | ((random() % (row.isa === 'A32' ? 15 : 14)) << lsb);
  }
  return row.isa === 'T16' ? bits & 0xffff : bits >>> 0;
}

export function decode(row: Row, bits: number, itstate = 0): Insn {
  if (row.isa === 'A32') return decodeA32(bits);
  if (row.isa === 'T16') return decodeThumb(bits, 0, itstate);
  return decodeThumb(bits >>> 16, bits & 0xffff, itstate);
}

/**
 * Rows of Advanced SIMD and ARMv8 that may have registers beyond d31 or the PC where it makes no sense; what others refuse is
 * UNDEFINED.
 */
const LEFT_OUT = /^(V(LD|ST)[1-4]|VTB[LX]|VDUP \(ARM|VMOV \((ARM|scalar))/;

/** Whether the manual calls this encoding of the row UNPREDICTABLE. */
export function isUnpredictable(row: Row, bits: number, itstate = 0): boolean {
  const thumb = row.isa !== 'A32';
  const inIT = (itstate & 15) !== 0;
  const context = { thumb, inIT, lastInIT: (itstate & 15) === 8 };
  const fields = fieldsOf(row, bits);
  // VFP's rows look at the operands, the others at the fields.
  const args = row.shape.decode(fields, context);
  if (args === null && row.needs !== undefined) return LEFT_OUT.test(row.name);
  if (args === null && /^(V|FLDM|FSTM)/.test(row.name)) return true;
  return row.unpredictable?.(args, fields, context) ?? false;
}

export function hasGoodShouldBits(row: Row, bits: number): boolean {
  return (bits & row.shouldMask) === row.shouldValue;
}

/** Whether every encoding of `inner` is one of `outer`. */
export function isWithin(inner: Row, outer: Row): boolean {
  return (inner.mask & outer.mask) === outer.mask && ((inner.value ^ outer.value) & outer.mask) === 0;
}

/** What the manual calls UNDEFINED among the encodings of a row. */
export function isUndefined(row: Row, bits: number): boolean {
  const f = fieldsOf(row, bits);
  if (row.needs !== undefined) {
    return row.shape.decode(f, { thumb: row.isa !== 'A32', inIT: false, lastInIT: false }) === null;
  }
  if (row.name === 'BLX (immediate) T2') return (f.i! & 1) === 1;
  if (/^(LDM|STM|PUSH|POP)/.test(row.name) && f.r === 0 && !f.M) return true; // UNPREDICTABLE, to be exact
  if (/^(LDRD|STRD)/.test(row.name)) return row.isa === 'T32' && f.P === 0 && f.W === 0;
  if (row.isa !== 'T32' || !/^(LDR|STR)/.test(row.name)) return false;
  return (f.P === 0 && f.W === 0) || (row.name.startsWith('STR') && f.n === 15);
}
