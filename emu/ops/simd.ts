/**
 * Advanced SIMD data processing (ARM ARM A7.4), on D registers, or on pairs of them (Q registers) when the lanes say so.
 *
 * The exports are named as the op column of emu/decode/simd.ts has them. They are composed of the few lane operations of
 * vector-machine.ts: so VABA is an addition of an absolute difference.
 */
import {
  asSigned,
  asUnsigned,
  isQuad,
  isUnsigned,
  type Lanes,
  laneBits,
  lanes,
  type Machine,
  type Vector1,
  type Vector2,
  type VectorShift,
  WORDS,
  widened,
  withSize,
} from '../machine/machine.ts';

/** Operands of a data-processing instruction. Registers are numbers of D registers; a Q register has that of its lower half. */
export interface Simd {
  /** Lanes of the operation; of those that widen or narrow, of the source. */
  readonly t: Lanes;
  readonly d: number;
  readonly n: number;
  readonly m: number;
  /** Index of a lane or byte. */
  readonly imm: number;
  /** Data type as the mnemonic's suffix: '.s16'. */
  readonly dt: string;
}

/** Of shifts by a constant, and conversions of fixed point with so many fraction bits. */
export interface SimdShift extends Omit<Simd, 'imm'> {
  readonly amount: number;
}

type Op = <V, W, S>(m: Machine<V, W, S>, a: Simd) => void;
type ShiftOp = <V, W, S>(m: Machine<V, W, S>, a: SimdShift) => void;
/** A value computed from others. */
type Function2 = <V, W, S>(m: Machine<V, W, S>, t: Lanes, x: W, y: W) => W;
type Function3 = <V, W, S>(m: Machine<V, W, S>, t: Lanes, d: W, x: W, y: W) => W;

function get<V, W, S>(m: Machine<V, W, S>, t: Lanes, n: number): W {
  return isQuad(t) ? m.getQuad(n) : m.getD(n);
}
function set<V, W, S>(m: Machine<V, W, S>, t: Lanes, n: number, w: W): void {
  if (isQuad(t)) m.setQuad(n, w);
  else m.setD(n, w);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * Byte i of a value that has lanes of 2^log2 bytes: of lane pick(lane) of the 16-byte values a and b, of which the second one's
 * lanes come behind the first one's.
 */
function byLane(t: Lanes, log2: number, pick: (lane: number) => number): number[] {
  const size = 1 << log2;
  return range(isQuad(t) ? 16 : 8).map((i) => pick(i >> log2) * size + (i & (size - 1)));
}

/** The lanes of two values of t in one row, as places in the 16-byte values a and b. */
function placeOf(t: Lanes, lane: number): number {
  const count = (isQuad(t) ? 16 : 8) >> (t & 3);
  return lane < count ? lane : lane - count + (16 >> (t & 3));
}

// ---- functions of lanes ----

const lane2 =
  (op: Vector2): Function2 =>
  (m, t, x, y) =>
    m.vec2(op, t, x, y);

const add = lane2('add');
const mul = lane2('mul');
const fadd = lane2('fadd');
const fmul = lane2('fmul');

const absoluteDifference: Function2 = (m, t, x, y) =>
  m.vec2('sub', t, m.vec2('max', t, x, y), m.vec2('min', t, x, y));

/** x + y = 2 * (x & y) + (x ^ y), bit by bit. */
const halvingAdd: Function2 = (m, t, x, y) =>
  m.vec2('add', t, m.vec2('and', t, x, y), m.vecShift('shr', t, m.vec2('xor', t, x, y), 1));
/** x + y + 1 = 2 * (x | y) - (x ^ y) + 1, halved and rounded down. */
const roundingHalvingAdd: Function2 = (m, t, x, y) =>
  m.vec2('sub', t, m.vec2('or', t, x, y), m.vecShift('shr', t, m.vec2('xor', t, x, y), 1));
/** x - y = (x ^ y) - 2 * (y & ~x). */
const halvingSubtract: Function2 = (m, t, x, y) =>
  m.vec2('sub', t, m.vecShift('shr', t, m.vec2('xor', t, x, y), 1), m.vec2('bic', t, y, x));

function zero<V, W, S>(m: Machine<V, W, S>): W {
  return m.splat(WORDS, m.const(0));
}

const test: Function2 = (m, t, x, y) => m.vec1('not', t, m.vec2('eq', t, m.vec2('and', t, x, y), zero(m)));

const swapped =
  (f: Function2): Function2 =>
  (m, t, x, y) =>
    f(m, t, y, x);

const fabsOf = <V, W, S>(m: Machine<V, W, S>, t: Lanes, x: W): W =>
  m.vec2('and', t, x, m.splat(WORDS, m.const(0x7fff_ffff)));
const fnegOf = <V, W, S>(m: Machine<V, W, S>, t: Lanes, x: W): W =>
  m.vec2('xor', t, x, m.splat(WORDS, m.const(0x8000_0000 | 0)));

const floatDifference: Function2 = (m, t, x, y) => fabsOf(m, t, m.vec2('fsub', t, x, y));
const absolutely =
  (op: Vector2): Function2 =>
  (m, t, x, y) =>
    m.vec2(op, t, fabsOf(m, t, x), fabsOf(m, t, y));

/** On neighbours, the first value's before the second's. */
const pairwise =
  (f: Function2): Function2 =>
  (m, t, x, y) => {
    const log2 = t & 3;
    const even = byLane(t, log2, (i) => placeOf(t, 2 * i));
    const odd = byLane(t, log2, (i) => placeOf(t, 2 * i + 1));
    return f(m, t, m.shuffle(even, x, y), m.shuffle(odd, x, y));
  };

const accumulating =
  (f: Function2, into: Function2): Function3 =>
  (m, t, d, x, y) =>
    into(m, t, d, f(m, t, x, y));
const sub = lane2('sub');
const fsub = lane2('fsub');

/** Bits of x and y widened first. */
const long =
  (f: Function2): Function2 =>
  (m, t, x, y) =>
    f(m, widened(t), m.vec1('widen', t, x), m.vec1('widen', t, y));
/** An absolute difference fits, unsigned, before it is widened. */
const longDifference: Function2 = (m, t, x, y) =>
  m.vec1('widen', asUnsigned(t), absoluteDifference(m, t, x, y));
/** Of operations that widen their result themselves. */
const lane2Long =
  (op: Vector2): Function2 =>
  (m, t, x, y) =>
    m.vec2(op, t, x, y);

// ---- three registers of the same length (A7.4.1) ----

const same =
  (f: Function2): Op =>
  (m, a) =>
    set(m, a.t, a.d, f(m, a.t, get(m, a.t, a.n), get(m, a.t, a.m)));
const sameInto =
  (f: Function3): Op =>
  (m, a) =>
    set(m, a.t, a.d, f(m, a.t, get(m, a.t, a.d), get(m, a.t, a.n), get(m, a.t, a.m)));

export const vhadd = same(halvingAdd);
export const vrhadd = same(roundingHalvingAdd);
export const vhsub = same(halvingSubtract);
export const vqadd = same(lane2('qadd'));
export const vqsub = same(lane2('qsub'));
export const vand = same(lane2('and'));
export const vbic = same(lane2('bic'));
export const vorr = same(lane2('or'));
export const vorn = same(lane2('orn'));
export const veor = same(lane2('xor'));
export const vbsl = sameInto((m, t, d, x, y) => m.vec3('bsl', t, d, x, y));
export const vbit = sameInto((m, t, d, x, y) => m.vec3('bsl', t, y, x, d));
export const vbif = sameInto((m, t, d, x, y) => m.vec3('bsl', t, y, d, x));
export const vcgt = same(lane2('gt'));
export const vcge = same(lane2('ge'));
export const vceq = same(lane2('eq'));
export const vtst = same(test);
/** Shifts by a register: n is what is shifted, m the amounts. */
export const vshl = same(lane2('shl'));
export const vqshl = same(lane2('qshl'));
export const vrshl = same(lane2('rshl'));
export const vqrshl = same(lane2('qrshl'));
export const vmax = same(lane2('max'));
export const vmin = same(lane2('min'));
export const vabd = same(absoluteDifference);
export const vaba = sameInto(accumulating(absoluteDifference, add));
export const vadd = same(add);
export const vsub = same(sub);
export const vmul = same(mul);
export const vmulPolynomial = same(lane2('pmul'));
export const vmla = sameInto(accumulating(mul, add));
export const vmls = sameInto(accumulating(mul, sub));
export const vqdmulh = same(lane2('qdmulh'));
export const vqrdmulh = same(lane2('qrdmulh'));
export const vpadd = same(pairwise(add));
export const vpmax = same(pairwise(lane2('max')));
export const vpmin = same(pairwise(lane2('min')));

export const vaddFloat = same(fadd);
export const vsubFloat = same(fsub);
export const vmulFloat = same(fmul);
export const vabdFloat = same(floatDifference);
export const vmlaFloat = sameInto(accumulating(fmul, fadd));
export const vmlsFloat = sameInto(accumulating(fmul, fsub));
export const vfma = sameInto((m, t, d, x, y) => m.vec3('ffma', t, d, x, y));
export const vfms = sameInto((m, t, d, x, y) => m.vec3('ffma', t, d, fnegOf(m, t, x), y));
export const vpaddFloat = same(pairwise(fadd));
export const vmaxFloat = same(lane2('fmax'));
export const vminFloat = same(lane2('fmin'));
export const vpmaxFloat = same(pairwise(lane2('fmax')));
export const vpminFloat = same(pairwise(lane2('fmin')));
export const vceqFloat = same(lane2('feq'));
export const vcgtFloat = same(lane2('fgt'));
export const vcgeFloat = same(lane2('fge'));
export const vacge = same(absolutely('fge'));
export const vacgt = same(absolutely('fgt'));
export const vrecps = same(lane2('frecps'));
export const vrsqrts = same(lane2('frsqrts'));

// ---- three registers of different lengths (A7.4.2) ----

const longer =
  (f: Function2): Op =>
  (m, a) =>
    m.setQuad(a.d, f(m, a.t, m.getD(a.n), m.getD(a.m)));
const longerInto =
  (f: Function2, into: Vector2): Op =>
  (m, a) =>
    m.setQuad(a.d, m.vec2(into, widened(a.t), m.getQuad(a.d), f(m, a.t, m.getD(a.n), m.getD(a.m))));
const wide =
  (op: Vector2): Op =>
  (m, a) =>
    m.setQuad(a.d, m.vec2(op, widened(a.t), m.getQuad(a.n), m.vec1('widen', a.t, m.getD(a.m))));
/** The high halves of the lanes of a sum or difference, rounded or not. */
const highHalf =
  (op: Vector2, shift: 'shr' | 'rshr'): Op =>
  (m, a) => {
    const t = asUnsigned(a.t);
    const sum = m.vec2(op, t, m.getQuad(a.n), m.getQuad(a.m));
    m.setD(a.d, m.vec1('narrow', t, m.vecShift(shift, t, sum, laneBits(t) / 2)));
  };

export const vaddl = longer(long(add));
export const vsubl = longer(long(sub));
export const vaddw = wide('add');
export const vsubw = wide('sub');
export const vaddhn = highHalf('add', 'shr');
export const vraddhn = highHalf('add', 'rshr');
export const vsubhn = highHalf('sub', 'shr');
export const vrsubhn = highHalf('sub', 'rshr');
export const vabdl = longer(longDifference);
export const vabal = longerInto(longDifference, 'add');
export const vmull = longer(lane2Long('mull'));
export const vmullPolynomial = longer(lane2Long('pmull'));
export const vmlal = longerInto(lane2Long('mull'), 'add');
export const vmlsl = longerInto(lane2Long('mull'), 'sub');
export const vqdmull = longer(lane2Long('qdmull'));
export const vqdmlal = longerInto(lane2Long('qdmull'), 'qadd');
export const vqdmlsl = longerInto(lane2Long('qdmull'), 'qsub');

// ---- two registers and a scalar (A7.4.3): lane `imm` of d(m) in all lanes ----

function scalar<V, W, S>(m: Machine<V, W, S>, t: Lanes, a: Simd): W {
  const w = m.letW(m.getD(a.m));
  return m.shuffle(
    byLane(t, t & 3, () => a.imm),
    w,
    w,
  );
}
const byScalar =
  (f: Function2): Op =>
  (m, a) =>
    set(m, a.t, a.d, f(m, a.t, get(m, a.t, a.n), scalar(m, a.t, a)));
const byScalarInto =
  (f: Function3): Op =>
  (m, a) =>
    set(m, a.t, a.d, f(m, a.t, get(m, a.t, a.d), get(m, a.t, a.n), scalar(m, a.t, a)));
const longByScalar =
  (f: Function2): Op =>
  (m, a) =>
    m.setQuad(a.d, f(m, a.t, m.getD(a.n), scalar(m, a.t, a)));
const longByScalarInto =
  (f: Function2, into: Vector2): Op =>
  (m, a) =>
    m.setQuad(a.d, m.vec2(into, widened(a.t), m.getQuad(a.d), f(m, a.t, m.getD(a.n), scalar(m, a.t, a))));

export const vmulScalar = byScalar(mul);
export const vmlaScalar = byScalarInto(accumulating(mul, add));
export const vmlsScalar = byScalarInto(accumulating(mul, sub));
export const vmulScalarFloat = byScalar(fmul);
export const vmlaScalarFloat = byScalarInto(accumulating(fmul, fadd));
export const vmlsScalarFloat = byScalarInto(accumulating(fmul, fsub));
export const vqdmulhScalar = byScalar(lane2('qdmulh'));
export const vqrdmulhScalar = byScalar(lane2('qrdmulh'));
export const vmullScalar = longByScalar(lane2Long('mull'));
export const vmlalScalar = longByScalarInto(lane2Long('mull'), 'add');
export const vmlslScalar = longByScalarInto(lane2Long('mull'), 'sub');
export const vqdmullScalar = longByScalar(lane2Long('qdmull'));
export const vqdmlalScalar = longByScalarInto(lane2Long('qdmull'), 'qadd');
export const vqdmlslScalar = longByScalarInto(lane2Long('qdmull'), 'qsub');

// ---- two registers and a shift amount (A7.4.4) ----

const shift =
  (op: VectorShift): ShiftOp =>
  (m, a) =>
    set(m, a.t, a.d, m.vecShift(op, a.t, get(m, a.t, a.m), a.amount));
const shiftInto =
  (op: VectorShift): ShiftOp =>
  (m, a) =>
    set(m, a.t, a.d, m.vec2('add', a.t, get(m, a.t, a.d), m.vecShift(op, a.t, get(m, a.t, a.m), a.amount)));
/** The bits that a shift brings in come from d. */
const insert =
  (op: 'shl' | 'shr'): ShiftOp =>
  (m, a) => {
    const t = asUnsigned(a.t);
    const ones = m.splat(WORDS, m.const(-1));
    const moved = m.vecShift(op, t, ones, a.amount);
    set(m, t, a.d, m.vec3('bsl', t, moved, m.vecShift(op, t, get(m, t, a.m), a.amount), get(m, t, a.d)));
  };
const shiftNarrow =
  (op: 'shr' | 'rshr', narrow: Vector1): ShiftOp =>
  (m, a) =>
    m.setD(a.d, m.vec1(narrow, a.t, m.vecShift(op, a.t, m.getQuad(a.m), a.amount)));

export const vshr = shift('shr');
export const vrshr = shift('rshr');
export const vsra = shiftInto('shr');
export const vrsra = shiftInto('rshr');
export const vshlImmediate = shift('shl');
export const vqshlImmediate = shift('qshl');
export const vqshlu = shift('qshlu');
export const vsri = insert('shr');
export const vsli = insert('shl');
export const vshrn = shiftNarrow('shr', 'narrow');
export const vrshrn = shiftNarrow('rshr', 'narrow');
export const vqshrn = shiftNarrow('shr', 'qnarrow');
export const vqrshrn = shiftNarrow('rshr', 'qnarrow');
export const vqshrun = shiftNarrow('shr', 'qnarrowu');
export const vqrshrun = shiftNarrow('rshr', 'qnarrowu');
export const vshll: ShiftOp = (m, a) =>
  m.setQuad(a.d, m.vecShift('shl', widened(a.t), m.vec1('widen', a.t, m.getD(a.m)), a.amount));
export const vmovl: Op = (m, a) => m.setQuad(a.d, m.vec1('widen', a.t, m.getD(a.m)));
const convert =
  (op: 'ftoi' | 'itof'): ShiftOp =>
  (m, a) =>
    set(m, a.t, a.d, m.vecShift(op, a.t, get(m, a.t, a.m), a.amount));
/** To and from integers, and fixed point. */
export const vcvtToInteger = convert('ftoi');
export const vcvtFromInteger = convert('itof');

// ---- two registers (A7.4.5) ----

const two =
  (op: Vector1): Op =>
  (m, a) =>
    set(m, a.t, a.d, m.vec1(op, a.t, get(m, a.t, a.m)));
const withZero =
  (f: Function2): Op =>
  (m, a) =>
    set(m, a.t, a.d, f(m, a.t, get(m, a.t, a.m), zero(m)));
/** Lanes in reverse order within 2^log2 bytes. */
const reverse =
  (log2: number): Op =>
  (m, a) => {
    const w = m.letW(get(m, a.t, a.m));
    const group = (1 << (log2 - (a.t & 3))) - 1;
    set(
      m,
      a.t,
      a.d,
      m.shuffle(
        byLane(a.t, a.t & 3, (i) => i ^ group),
        w,
        w,
      ),
    );
  };
const narrow =
  (op: Vector1): Op =>
  (m, a) =>
    m.setD(a.d, m.vec1(op, a.t, m.getQuad(a.m)));

export const vrev64 = reverse(3);
export const vrev32 = reverse(2);
export const vrev16 = reverse(1);
export const vpaddl = two('paddl');
export const vpadal: Op = (m, a) => {
  const t = withSize(a.t, (a.t & 3) + 1);
  set(m, a.t, a.d, m.vec2('add', t, get(m, a.t, a.d), m.vec1('paddl', a.t, get(m, a.t, a.m))));
};
/** Bits below the sign that are like it: leading zeros of x ^ (x >> 1), but for the sign's place. */
export const vcls: Op = (m, a) => {
  const t = asSigned(a.t);
  const w = m.letW(get(m, t, a.m));
  const changes = m.vec2('xor', t, w, m.vecShift('shr', t, w, laneBits(t) - 1));
  const count = m.vec1('clz', t, changes);
  set(m, t, a.d, m.vec2('add', t, count, m.splat(WORDS, m.const(-1))));
};
export const vclz = two('clz');
export const vcnt = two('cnt');
export const vmvn = two('not');
export const vqabs = two('qabs');
export const vqneg = two('qneg');
export const vabs = two('abs');
export const vneg: Op = (m, a) => set(m, a.t, a.d, m.vec2('sub', a.t, zero(m), get(m, a.t, a.m)));
export const vabsFloat: Op = (m, a) => set(m, a.t, a.d, fabsOf(m, a.t, get(m, a.t, a.m)));
export const vnegFloat: Op = (m, a) => set(m, a.t, a.d, fnegOf(m, a.t, get(m, a.t, a.m)));
export const vcgtZero = withZero(lane2('gt'));
export const vcgeZero = withZero(lane2('ge'));
export const vceqZero = withZero(lane2('eq'));
export const vcleZero = withZero(swapped(lane2('ge')));
export const vcltZero = withZero(swapped(lane2('gt')));
export const vcgtZeroFloat = withZero(lane2('fgt'));
export const vcgeZeroFloat = withZero(lane2('fge'));
export const vceqZeroFloat = withZero(lane2('feq'));
export const vcleZeroFloat = withZero(swapped(lane2('fge')));
export const vcltZeroFloat = withZero(swapped(lane2('fgt')));
export const vmovn = narrow('narrow');
export const vqmovn = narrow('qnarrow');
export const vqmovun = narrow('qnarrowu');
export const vcvtToHalf = narrow('ftoh');
export const vcvtFromHalf: Op = (m, a) => m.setQuad(a.d, m.vec1('htof', a.t, m.getD(a.m)));
export const vrecpe = two('recpe');
export const vrsqrte = two('rsqrte');
export const vrecpeFloat = two('frecpe');
export const vrsqrteFloat = two('frsqrte');

/** Both registers get lanes of both. */
const permute =
  (first: (t: Lanes, i: number) => number, second: (t: Lanes, i: number) => number): Op =>
  (m, a) => {
    const { t } = a;
    const x = m.letW(get(m, t, a.d));
    const y = m.letW(get(m, t, a.m));
    const pick = (f: typeof first) => byLane(t, t & 3, (i) => placeOf(t, f(t, i)));
    const low = m.letW(m.shuffle(pick(first), x, y));
    const high = m.letW(m.shuffle(pick(second), x, y));
    set(m, t, a.d, low);
    set(m, t, a.m, high);
  };
const countOf = (t: Lanes) => (isQuad(t) ? 16 : 8) >> (t & 3);

export const vswp = permute(
  (t, i) => countOf(t) + i,
  (_t, i) => i,
);
export const vtrn = permute(
  (t, i) => (i & 1 ? countOf(t) + i - 1 : i),
  (t, i) => (i & 1 ? countOf(t) + i : i + 1),
);
export const vuzp = permute(
  (_t, i) => 2 * i,
  (_t, i) => 2 * i + 1,
);
export const vzip = permute(
  (t, i) => (i >> 1) + (i & 1 ? countOf(t) : 0),
  (t, i) => (countOf(t) >> 1) + (i >> 1) + (i & 1 ? countOf(t) : 0),
);

// ---- other forms ----

/** Bytes from byte `imm` on of m behind n. */
export const vext: Op = (m, a) =>
  set(
    m,
    a.t,
    a.d,
    m.shuffle(
      byLane(a.t, 0, (i) => placeOf(a.t, i + a.imm)),
      get(m, a.t, a.n),
      get(m, a.t, a.m),
    ),
  );

/** 16 bytes from two halves. */
const PAIR = [...range(8), ...range(8).map((i) => 16 + i)];

/** The bytes of `count` D registers from d(n) on by the indexes in d(m). */
function lookUp<V, W, S>(m: Machine<V, W, S>, a: SimdTable): W {
  const indexes = m.letW(m.getD(a.m));
  const pair = (i: number) => {
    const upper = a.count > i + 1 ? m.getD(a.n + i + 1) : zero(m);
    return m.shuffle(PAIR, m.getD(a.n + i), upper);
  };
  const first = m.vec2('tbl', 0, pair(0), indexes);
  if (a.count <= 2) return first;
  const beyond = m.vec2('sub', 0, indexes, m.splat(0, m.const(16)));
  return m.vec2('or', 0, first, m.vec2('tbl', 0, pair(2), beyond));
}

export interface SimdTable extends Simd {
  /** Registers of the table, 1..4. */
  readonly count: number;
}

export function vtbl<V, W, S>(m: Machine<V, W, S>, a: SimdTable): void {
  m.setD(a.d, lookUp(m, a));
}
/** What has no entry stays as it is. */
export function vtbx<V, W, S>(m: Machine<V, W, S>, a: SimdTable): void {
  const bytes = lanes(0, true, false);
  const found = m.vec2('gt', bytes, m.splat(0, m.const(8 * a.count)), m.getD(a.m));
  m.setD(a.d, m.vec3('bsl', bytes, found, lookUp(m, a), m.getD(a.d)));
}

/** VDUP (scalar): lane `imm` of d(m). */
export const vdupScalar: Op = (m, a) => set(m, a.t, a.d, scalar(m, a.t, a));

export interface SimdCoreMove extends Simd {
  /** Core register. */
  readonly t1: number;
}
export function vdupCore<V, W, S>(m: Machine<V, W, S>, a: SimdCoreMove): void {
  set(m, a.t, a.d, m.splat(a.t, m.reg(a.t1)));
}
export function vmovCoreToLane<V, W, S>(m: Machine<V, W, S>, a: SimdCoreMove): void {
  m.setD(a.d, m.setLane(a.t, m.getD(a.d), a.imm, m.reg(a.t1)));
}
export function vmovLaneToCore<V, W, S>(m: Machine<V, W, S>, a: SimdCoreMove): void {
  m.setReg(a.t1, m.getLane(a.t, m.getD(a.d), a.imm));
}

export interface SimdImmediate {
  readonly t: Lanes;
  readonly d: number;
  /** The word that the immediate expands to (AdvSIMDExpandImm); of doublewords a bit for each of their bytes. */
  readonly bits: number;
  readonly dt: string;
  /** As text. */
  readonly text: string;
}

function immediate<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): W {
  return m.splat(WORDS, m.const(a.bits));
}
export function vmovImmediate<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): void {
  set(m, a.t, a.d, immediate(m, a));
}
/** Four bits as the bytes of a word: each in the lowest bit of its byte, which is multiplied to all of them. */
function bytesOf<V, W, S>(m: Machine<V, W, S>, bits: V): V {
  const apart = m.and(m.mul(bits, m.const(0x0020_4081)), m.const(0x0101_0101));
  return m.let(m.mul(apart, m.const(0xff)));
}
export function vmovDoubleword<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): void {
  const bits = m.let(m.const(a.bits));
  const low = bytesOf(m, m.and(bits, m.const(15)));
  const w = m.letW(m.makeW(low, bytesOf(m, m.shr(bits, m.const(4)))));
  set(m, a.t, a.d, isQuad(a.t) ? m.shuffle(PAIR, w, w) : w);
}
export function vmvnImmediate<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): void {
  set(m, a.t, a.d, m.vec1('not', a.t, immediate(m, a)));
}
export function vorrImmediate<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): void {
  set(m, a.t, a.d, m.vec2('or', a.t, get(m, a.t, a.d), immediate(m, a)));
}
export function vbicImmediate<V, W, S>(m: Machine<V, W, S>, a: SimdImmediate): void {
  set(m, a.t, a.d, m.vec2('bic', a.t, get(m, a.t, a.d), immediate(m, a)));
}

// ---- ARMv8 ----

export const vmaxnmVector = same(lane2('fmaxnm'));
export const vminnmVector = same(lane2('fminnm'));
export const vrintnVector = two('frintn');
export const vrintxVector = two('frintx');
export const vrintaVector = two('frinta');
export const vrintzVector = two('frintz');
export const vrintmVector = two('frintm');
export const vrintpVector = two('frintp');
export const vcvtaVector = two('ftoia');
export const vcvtnVector = two('ftoin');
export const vcvtpVector = two('ftoip');
export const vcvtmVector = two('ftoim');

/** Words of d plus, in each, the products of its four bytes. */
function dotProduct<V, W, S>(m: Machine<V, W, S>, a: Simd, y: W): void {
  const narrow = lanes(0, isUnsigned(a.t), false);
  const words = withSize(a.t, 2);
  const x = m.letW(get(m, a.t, a.n));
  const high = [...range(8).map((i) => 8 + i)];
  /** Sums of pairs of products of eight bytes: four words. */
  const pairs = (p: W, q: W): W =>
    m.letW(m.vec1('paddl', lanes(1, isUnsigned(a.t), true), m.vec2('mull', narrow, p, q)));
  const low = pairs(x, y);
  const upper = isQuad(a.t) ? pairs(m.shuffle(high, x, x), m.shuffle(high, y, y)) : low;
  const quadWords = lanes(2, true, true);
  const even = m.shuffle(
    byLane(quadWords, 2, (i) => 2 * i),
    low,
    upper,
  );
  const odd = m.shuffle(
    byLane(quadWords, 2, (i) => 2 * i + 1),
    low,
    upper,
  );
  const sums = m.vec2('add', quadWords, even, odd);
  set(m, a.t, a.d, m.vec2('add', words, get(m, a.t, a.d), sums));
}
export const vdot: Op = (m, a) => dotProduct(m, a, m.letW(get(m, a.t, a.m)));
/** With word `imm` of d(m) in all words. */
export const vdotScalar: Op = (m, a) => {
  const w = m.letW(m.getD(a.m));
  dotProduct(
    m,
    a,
    m.letW(
      m.shuffle(
        byLane(a.t, 2, () => a.imm),
        w,
        w,
      ),
    ),
  );
};
