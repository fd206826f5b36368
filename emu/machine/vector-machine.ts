/**
 * The part of Machine that Advanced SIMD is written against (ARM ARM A7.4 to A7.9): a small set of operations on the lanes of
 * 64-bit and 128-bit values.
 *
 * A W is 64 or 128 bits; `Lanes` says how an operation takes it. What an operation leaves in the upper half of a 64-bit result
 * nobody may look at, and what it finds there must make no difference. Results are held, as by `letW`: they may be used any
 * number of times.
 *
 * Operations that can set FPSCR flags (saturation, floats) come before the first register is written: compiled code gives the
 * whole instruction to the evaluator when one of its lanes is none that its fast path has.
 */

/**
 * How a value is divided: bits 1..0 the size of a lane (0 bytes, 1 halfwords, 2 words, 3 doublewords), bit 2 unsigned, bit 3 a
 * value of 128 bits. Floats are words.
 */
export type Lanes = number;

const UNSIGNED = 4;
const QUAD = 8;

/** @param log2 of the bytes of a lane */
export function lanes(log2: number, unsigned: boolean, quad: boolean): Lanes {
  return log2 | (unsigned ? UNSIGNED : 0) | (quad ? QUAD : 0);
}
/** Bits of a lane. */
export function laneBits(t: Lanes): number {
  return 8 << (t & 3);
}
export function laneCount(t: Lanes): number {
  return (t & QUAD ? 16 : 8) >> (t & 3);
}
export function isUnsigned(t: Lanes): boolean {
  return (t & UNSIGNED) !== 0;
}
export function isQuad(t: Lanes): boolean {
  return (t & QUAD) !== 0;
}
/** Lanes twice as wide, of 128 bits. */
export function widened(t: Lanes): Lanes {
  return (t + 1) | QUAD;
}
/** Lanes half as wide, of 64 bits. */
export function narrowed(t: Lanes): Lanes {
  return (t - 1) & ~QUAD;
}
/** The same bits in lanes of another size. */
export function withSize(t: Lanes, log2: number): Lanes {
  return (t & ~3) | log2;
}
export function asSigned(t: Lanes): Lanes {
  return t & ~UNSIGNED;
}
export function asUnsigned(t: Lanes): Lanes {
  return t | UNSIGNED;
}
export const WORDS: Lanes = 2;

/**
 * `widen` gives lanes twice as wide of the 64-bit a; `narrow` takes 128 bits and gives the lower half of each lane, `qnarrow`
 * saturated to the same signedness, `qnarrowu` from signed to unsigned. `paddl` adds neighbours to lanes twice as wide. `recpe`
 * and `rsqrte` are the estimates of unsigned words, `frecpe` and `frsqrte` of floats; `frint` rounds floats to integers and
 * `ftoi` converts them, as FpOp's `rint` says; `ftoh` and `htof` between four floats and four halves. `aessub` and `aesisub` are
 * the S-box of AES and its inverse, on bytes.
 */
export type Vector1 =
  | 'not'
  | 'abs'
  | 'qabs'
  | 'qneg'
  | 'clz'
  | 'cnt'
  | 'widen'
  | 'narrow'
  | 'qnarrow'
  | 'qnarrowu'
  | 'paddl'
  | 'recpe'
  | 'rsqrte'
  | 'frecpe'
  | 'frsqrte'
  | 'frinta'
  | 'frintn'
  | 'frintp'
  | 'frintm'
  | 'frintz'
  | 'frintx'
  | 'ftoia'
  | 'ftoin'
  | 'ftoip'
  | 'ftoim'
  | 'ftoh'
  | 'htof'
  | 'aessub'
  | 'aesisub';

/**
 * Comparisons give ones or zeros. Shifts take the amount from the low byte of each lane of b, negative to the right; `r` rounds,
 * `q` saturates. `bic` is a and not b, `orn` a or not b. `qdmulh` is the high half of the doubled product. `mull`, `pmull` and
 * `qdmull` (doubled) take 64 bits and give lanes twice as wide. `tbl` looks bytes up in the 16 of a by the indexes b, and gives 0
 * beyond. Floats are computed with the Standard FPSCR value (A2.7.1); `frecps` and `frsqrts` are the steps of Newton's
 * iterations.
 */
export type Vector2 =
  | 'and'
  | 'or'
  | 'xor'
  | 'bic'
  | 'orn'
  | 'add'
  | 'sub'
  | 'mul'
  | 'pmul'
  | 'qadd'
  | 'qsub'
  | 'max'
  | 'min'
  | 'eq'
  | 'gt'
  | 'ge'
  | 'shl'
  | 'rshl'
  | 'qshl'
  | 'qrshl'
  | 'qdmulh'
  | 'qrdmulh'
  | 'mull'
  | 'pmull'
  | 'qdmull'
  | 'tbl'
  | 'fadd'
  | 'fsub'
  | 'fmul'
  | 'fmax'
  | 'fmin'
  | 'fmaxnm'
  | 'fminnm'
  | 'feq'
  | 'fgt'
  | 'fge'
  | 'frecps'
  | 'frsqrts';

/** `bsl`: the bits of b where a has ones, else of c. `ffma`: a + b * c, rounded once. */
export type Vector3 = 'bsl' | 'ffma';

/** By a constant: shifts (`qshlu` from signed to unsigned), and conversions with that many fraction bits. */
export type VectorShift = 'shl' | 'shr' | 'rshr' | 'qshl' | 'qshlu' | 'ftoi' | 'itof';

export interface VectorMachine<V, W> {
  /** The 128-bit register made of d(n) and d(n+1); n is even. */
  getQuad(n: number): W;
  setQuad(n: number, w: W): void;
  vec1(op: Vector1, t: Lanes, a: W): W;
  vec2(op: Vector2, t: Lanes, a: W, b: W): W;
  vec3(op: Vector3, t: Lanes, a: W, b: W, c: W): W;
  vecShift(op: VectorShift, t: Lanes, a: W, amount: number): W;
  /** 8 or 16 bytes: byte i is byte pattern[i] of a, or from 16 on of b. */
  shuffle(pattern: readonly number[], a: W, b: W): W;
  /** The low bits of v in every lane. */
  splat(t: Lanes, v: V): W;
  /** Lane i, extended by signedness; lanes of at most 32 bits. */
  getLane(t: Lanes, w: W, i: number): V;
  setLane(t: Lanes, w: W, i: number, v: V): W;
  /**
   * Eight or sixteen (`quad`) bytes in memory order, in lanes of `size` bytes of the current endianness, already tested by
   * `access`.
   */
  loadLanes(address: V, offset: number, size: 1 | 2 | 4 | 8, quad: boolean): W;
  storeLanes(address: V, offset: number, size: 1 | 2 | 4 | 8, quad: boolean, w: W): void;
}
