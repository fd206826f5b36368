/**
 * Advanced SIMD of the evaluator: the operations of vector-machine.ts, lane by lane.
 *
 * A value is a place in a ring of temporaries (a byte offset). An instruction may hold no more than the ring has; `next`
 * overwrites the oldest.
 */

import {
  isQuad,
  isUnsigned,
  type Lanes,
  laneBits,
  laneCount,
  narrowed,
  type Vector1,
  type Vector2,
  type Vector3,
  type VectorShift,
  widened,
} from '../machine/vector-machine.ts';
import { INVERSE_SUB_BYTES, SUB_BYTES } from './aes.ts';
import { AHP, ROUND, takeExceptions } from './softfloat.ts';
import * as float from './vector-float.ts';

const TEMPORARIES = 64;
const bytes = new ArrayBuffer(16 * TEMPORARIES);
const u8 = new Uint8Array(bytes);
const i32 = new Int32Array(bytes);

type NumberView = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;
/** By the low three bits of Lanes; doublewords have views of their own. */
const VIEWS: readonly NumberView[] = [
  ...[new Int8Array(bytes), new Int16Array(bytes), i32, i32],
  ...[u8, new Uint16Array(bytes), new Uint32Array(bytes), i32],
];
const i64 = new BigInt64Array(bytes);
const u64 = new BigUint64Array(bytes);

/** FPSCR.QC. */
export const QC = 1 << 27;

let top = 0;
/** Something was saturated. */
let saturated = false;

/** A new temporary. */
function next(): number {
  top = (top + 16) % (16 * TEMPORARIES);
  return top;
}

/** What the operations since the last call have to add to FPSCR: cumulative flags and QC. */
export function takeFlags(): number {
  const flags = takeExceptions() | (saturated ? QC : 0);
  saturated = false;
  return flags;
}

// ---- values from and to words ----

export function make2(low: number, high: number): number {
  const r = next();
  i32[r >> 2] = low;
  i32[(r >> 2) + 1] = high;
  return r;
}
export function make4(a: number, b: number, c: number, d: number): number {
  const r = make2(a, b);
  i32[(r >> 2) + 2] = c;
  i32[(r >> 2) + 3] = d;
  return r;
}
/** Word i of a value. */
export function word(w: number, i: number): number {
  return i32[(w >> 2) + i]!;
}

// ---- integer lanes ----

type Number2 = (x: number, y: number, t: Lanes) => number;
type Big2 = (x: bigint, y: bigint, t: Lanes) => bigint;

const isSaturating = (v: number, low: number, high: number): number => {
  if (v >= low && v <= high) return v;
  saturated = true;
  return v < low ? low : high;
};

/** v within the range of a lane of t. */
function saturate(v: number, t: Lanes): number {
  const bits = laneBits(t);
  return isUnsigned(t)
    ? isSaturating(v, 0, 2 ** bits - 1)
    : isSaturating(v, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
}

function saturateBig(v: bigint, t: Lanes): bigint {
  const fit = isUnsigned(t) ? BigInt.asUintN(64, v) : BigInt.asIntN(64, v);
  if (fit === v) return v;
  saturated = true;
  if (isUnsigned(t)) return v < 0n ? 0n : 0xffff_ffff_ffff_ffffn;
  return v < 0n ? -(1n << 63n) : (1n << 63n) - 1n;
}

/** The low byte of a shift amount, signed. */
const amountOf = (y: number): number => (y << 24) >> 24;

/**
 * x * 2^s; to the right rounded down, or to nearest. Exact in a double but for what does not matter: |x| < 2^32, and results far
 * below 1.
 */
function scaled(x: number, s: number, rounds: boolean): number {
  if (s >= 0) return x * 2 ** s;
  return rounds ? Math.floor((x + 2 ** (-s - 1)) / 2 ** -s) : Math.floor(x / 2 ** -s);
}

function scaledBig(x: bigint, s: number, rounds: boolean): bigint {
  if (s >= 0) return x << BigInt(s);
  return ((rounds ? x + (1n << BigInt(-s - 1)) : x) >> BigInt(-s)) as bigint;
}

/** The left shift of a lane, where what is shifted out is lost. */
function shifted(x: number, s: number, rounds: boolean): number {
  if (s >= 0) return s < 32 ? x << s : 0;
  return scaled(x, s, rounds);
}

/** Product of polynomials over {0, 1} of 8 bits. */
function polynomial(x: number, y: number): number {
  let product = 0;
  for (let i = 0; i < 8; i++) if ((x >> i) & 1) product ^= (y & 0xff) << i;
  return product;
}

/** The same of 64 bits. */
function longPolynomial(x: bigint, y: bigint): bigint {
  let product = 0n;
  for (let i = 0n; i < 64n; i++) if ((y >> i) & 1n) product ^= x << i;
  return product;
}

/** The high half of the doubled product. */
function doubledHigh(x: number, y: number, t: Lanes, rounds: boolean): number {
  const bits = laneBits(t);
  if (bits === 16) return saturate(Math.floor((2 * x * y + (rounds ? 0x8000 : 0)) / 2 ** 16), t);
  const product = 2n * BigInt(x) * BigInt(y) + (rounds ? 0x8000_0000n : 0n);
  return saturate(Number(product >> 32n), t);
}

const mask = (yes: boolean): number => (yes ? -1 : 0);

const NUMBER2: Partial<Record<Vector2, Number2>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => Math.imul(x, y),
  pmul: polynomial,
  qadd: (x, y, t) => saturate(x + y, t),
  qsub: (x, y, t) => saturate(x - y, t),
  max: (x, y) => (x > y ? x : y),
  min: (x, y) => (x < y ? x : y),
  eq: (x, y) => mask(x === y),
  gt: (x, y) => mask(x > y),
  ge: (x, y) => mask(x >= y),
  shl: (x, y) => shifted(x, amountOf(y), false),
  rshl: (x, y) => shifted(x, amountOf(y), true),
  qshl: (x, y, t) => saturate(scaled(x, amountOf(y), false), t),
  qrshl: (x, y, t) => saturate(scaled(x, amountOf(y), true), t),
  qdmulh: (x, y, t) => doubledHigh(x, y, t, false),
  qrdmulh: (x, y, t) => doubledHigh(x, y, t, true),
  fadd: float.add,
  fsub: float.sub,
  fmul: float.mul,
  fmax: float.max,
  fmin: float.min,
  fmaxnm: (x, y) => float.maxNum(x, y, true),
  fminnm: (x, y) => float.maxNum(x, y, false),
  feq: float.eq,
  fgt: float.gt,
  fge: float.ge,
  frecps: float.recipStep,
  frsqrts: float.rsqrtStep,
};

const amountOfBig = (y: bigint): number => amountOf(Number(BigInt.asIntN(8, y)));

const BIG2: Partial<Record<Vector2, Big2>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  qadd: (x, y, t) => saturateBig(x + y, t),
  qsub: (x, y, t) => saturateBig(x - y, t),
  shl: (x, y) => scaledBig(x, amountOfBig(y), false),
  rshl: (x, y) => scaledBig(x, amountOfBig(y), true),
  qshl: (x, y, t) => saturateBig(scaledBig(x, amountOfBig(y), false), t),
  qrshl: (x, y, t) => saturateBig(scaledBig(x, amountOfBig(y), true), t),
};

/** Bit by bit, word by word. */
const BITWISE: Partial<Record<Vector2, (x: number, y: number) => number>> = {
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  bic: (x, y) => x & ~y,
  orn: (x, y) => x | ~y,
};

export function vec2(op: Vector2, t: Lanes, a: number, b: number): number {
  const r = next();
  const bitwise = BITWISE[op];
  if (bitwise !== undefined) {
    for (let i = 0; i < (isQuad(t) ? 4 : 2); i++)
      i32[(r >> 2) + i] = bitwise(i32[(a >> 2) + i]!, i32[(b >> 2) + i]!);
    return r;
  }
  const n = laneCount(t);
  const log2 = t & 3;
  switch (op) {
    case 'tbl':
      for (let i = 0; i < n; i++) {
        const index = u8[b + i]!;
        u8[r + i] = index < 16 ? u8[a + index]! : 0;
      }
      return r;
    case 'mull':
    case 'pmull':
    case 'qdmull':
      widening2(op, t, r, a, b);
      return r;
  }
  if (log2 === 3) {
    const view = isUnsigned(t) ? u64 : i64;
    const lane = BIG2[op]!;
    for (let i = 0; i < n; i++) view[(r >> 3) + i] = lane(view[(a >> 3) + i]!, view[(b >> 3) + i]!, t);
    return r;
  }
  const view = VIEWS[t & 7]!;
  const lane = NUMBER2[op]!;
  for (let i = 0; i < n; i++) view[(r >> log2) + i] = lane(view[(a >> log2) + i]!, view[(b >> log2) + i]!, t);
  return r;
}

function widening2(op: 'mull' | 'pmull' | 'qdmull', t: Lanes, r: number, a: number, b: number): void {
  if ((t & 3) === 3) {
    const product = longPolynomial(u64[a >> 3]!, u64[b >> 3]!);
    u64[r >> 3] = product;
    u64[(r >> 3) + 1] = product >> 64n;
    return;
  }
  const from = VIEWS[t & 7]!;
  const log2 = t & 3;
  const wide = widened(t);
  for (let i = 0; i < 8 >> log2; i++) {
    const x = from[(a >> log2) + i]!;
    const y = from[(b >> log2) + i]!;
    if (log2 === 2) {
      const product = BigInt(x) * BigInt(y);
      i64[(r >> 3) + i] = op === 'mull' ? product : saturateBig(2n * product, wide);
    } else {
      const to = VIEWS[wide & 7]!;
      to[(r >> (log2 + 1)) + i] =
        op === 'mull' ? x * y : op === 'pmull' ? polynomial(x, y) : saturate(2 * x * y, wide);
    }
  }
}

/** @param fpscr of the thread, for AHP */
export function vec1(op: Vector1, t: Lanes, a: number, fpscr: number): number {
  const r = next();
  const log2 = t & 3;
  const n = laneCount(t);
  const view = VIEWS[t & 7]!;
  const each = (lane: (x: number) => number) => {
    for (let i = 0; i < n; i++) view[(r >> log2) + i] = lane(view[(a >> log2) + i]!);
  };
  switch (op) {
    case 'not':
      for (let i = 0; i < 4; i++) i32[(r >> 2) + i] = ~i32[(a >> 2) + i]!;
      break;
    case 'abs':
      each(Math.abs);
      break;
    case 'qabs':
      each((x) => saturate(Math.abs(x), t));
      break;
    case 'qneg':
      each((x) => saturate(-x, t));
      break;
    case 'clz':
      each((x) => Math.min(laneBits(t), Math.clz32(x << (32 - laneBits(t)))));
      break;
    case 'cnt':
      each(bitCount);
      break;
    case 'widen':
      widen(t, r, a);
      break;
    case 'narrow':
    case 'qnarrow':
    case 'qnarrowu':
      narrow(op, t, r, a);
      break;
    case 'paddl':
      addPairs(t, r, a);
      break;
    case 'recpe':
      each(float.unsignedRecip);
      break;
    case 'rsqrte':
      each(float.unsignedRSqrt);
      break;
    case 'frecpe':
      each(float.floatRecip);
      break;
    case 'frsqrte':
      each(float.floatRSqrt);
      break;
    case 'frinta':
    case 'frintn':
    case 'frintp':
    case 'frintm':
    case 'frintz':
    case 'frintx':
      each((x) => float.roundToInteger(x, ROUNDINGS[op.at(-1)!]!, op === 'frintx'));
      break;
    case 'ftoia':
    case 'ftoin':
    case 'ftoip':
    case 'ftoim':
      each((x) => float.toInteger(x, isUnsigned(t), 0, ROUNDINGS[op.at(-1)!]!));
      break;
    case 'aessub':
    case 'aesisub': {
      const box = op === 'aessub' ? SUB_BYTES : INVERSE_SUB_BYTES;
      for (let i = 0; i < 16; i++) u8[r + i] = box[u8[a + i]!]!;
      break;
    }
    case 'ftoh':
      for (let i = 0; i < 4; i++) VIEWS[5]![(r >> 1) + i] = float.toHalf(word(a, i), fpscr & AHP);
      break;
    case 'htof':
      for (let i = 0; i < 4; i++) i32[(r >> 2) + i] = float.fromHalf(VIEWS[5]![(a >> 1) + i]!, fpscr & AHP);
      break;
  }
  return r;
}

/** By the last letter of an operation; x rounds as the Standard FPSCR value says. */
const ROUNDINGS: Readonly<Record<string, number>> = {
  a: ROUND.AWAY,
  n: ROUND.NEAREST,
  p: ROUND.PLUS,
  m: ROUND.MINUS,
  z: ROUND.ZERO,
  x: ROUND.NEAREST,
};

function bitCount(x: number): number {
  let n = 0;
  for (let rest = x & 0xff; rest !== 0; rest &= rest - 1) n++;
  return n;
}

function widen(t: Lanes, r: number, a: number): void {
  const log2 = t & 3;
  const from = VIEWS[t & 7]!;
  for (let i = 0; i < 8 >> log2; i++) {
    const x = from[(a >> log2) + i]!;
    if (log2 === 2) i64[(r >> 3) + i] = BigInt(x);
    else VIEWS[widened(t) & 7]![(r >> (log2 + 1)) + i] = x;
  }
}

function narrow(op: 'narrow' | 'qnarrow' | 'qnarrowu', t: Lanes, r: number, a: number): void {
  const log2 = t & 3;
  const half = op === 'qnarrowu' ? narrowed(t) | 4 : narrowed(t);
  for (let i = 0; i < 16 >> log2; i++) {
    let x: number;
    if (log2 === 3) {
      const big = (isUnsigned(t) ? u64 : i64)[(a >> 3) + i]!;
      // A double keeps on which side of the limits it lies.
      x = op === 'narrow' ? Number(BigInt.asIntN(32, big)) : Number(big);
    } else x = VIEWS[t & 7]![(a >> log2) + i]!;
    VIEWS[half & 7]![(r >> (log2 - 1)) + i] = op === 'narrow' ? x : saturate(x, half);
  }
}

function addPairs(t: Lanes, r: number, a: number): void {
  const log2 = t & 3;
  const from = VIEWS[t & 7]!;
  for (let i = 0; i < laneCount(t) / 2; i++) {
    const sum = from[(a >> log2) + 2 * i]! + from[(a >> log2) + 2 * i + 1]!;
    if (log2 === 2) i64[(r >> 3) + i] = BigInt(sum);
    else VIEWS[widened(t) & 7]![(r >> (log2 + 1)) + i] = sum;
  }
}

export function vec3(op: Vector3, t: Lanes, a: number, b: number, c: number): number {
  const r = next();
  for (let i = 0; i < (isQuad(t) ? 4 : 2); i++) {
    const [x, y, z] = [word(a, i), word(b, i), word(c, i)];
    i32[(r >> 2) + i] = op === 'bsl' ? (y & x) | (z & ~x) : float.fma(x, y, z);
  }
  return r;
}

export function vecShift(op: VectorShift, t: Lanes, a: number, amount: number): number {
  const r = next();
  const log2 = t & 3;
  const n = laneCount(t);
  const s = op === 'shr' || op === 'rshr' ? -amount : amount;
  if (log2 === 3) {
    const view = isUnsigned(t) ? u64 : i64;
    for (let i = 0; i < n; i++) {
      const y = scaledBig(view[(a >> 3) + i]!, s, op === 'rshr');
      if (op === 'qshlu') u64[(r >> 3) + i] = saturateBig(y, t | 4);
      else view[(r >> 3) + i] = op === 'qshl' ? saturateBig(y, t) : y;
    }
    return r;
  }
  const view = VIEWS[t & 7]!;
  for (let i = 0; i < n; i++) {
    const x = view[(a >> log2) + i]!;
    let y: number;
    if (op === 'ftoi') y = float.toInteger(x, isUnsigned(t), amount);
    else if (op === 'itof') y = float.fromInteger(x, isUnsigned(t), amount);
    else if (op === 'qshl') y = saturate(scaled(x, s, false), t);
    else if (op === 'qshlu') y = saturate(scaled(x, s, false), t | 4);
    else y = shifted(x, s, op === 'rshr');
    view[(r >> log2) + i] = y;
  }
  return r;
}

export function shuffle(pattern: readonly number[], a: number, b: number): number {
  const r = next();
  for (let i = 0; i < pattern.length; i++) {
    const p = pattern[i]!;
    u8[r + i] = u8[p < 16 ? a + p : b + p - 16]!;
  }
  return r;
}

export function splat(t: Lanes, v: number): number {
  const log2 = t & 3;
  const x = log2 === 0 ? (v & 0xff) * 0x0101_0101 : log2 === 1 ? (v & 0xffff) * 0x1_0001 : v;
  return make4(x | 0, x | 0, x | 0, x | 0);
}

export function getLane(t: Lanes, w: number, i: number): number {
  return VIEWS[t & 7]![(w >> (t & 3)) + i]! | 0;
}

export function setLane(t: Lanes, w: number, i: number, v: number): number {
  const r = make4(word(w, 0), word(w, 1), word(w, 2), word(w, 3));
  VIEWS[t & 7]![(r >> (t & 3)) + i] = v;
  return r;
}

/** Bytes as they lie in memory, when lanes of so many bytes are to be read big endian. */
export function swapLanes(w: number, size: number): number {
  const r = next();
  for (let i = 0; i < 16; i++) u8[r + i] = u8[w + (i ^ (size - 1))]!;
  return r;
}
