/**
 * VFP arithmetic on the registers of a thread: what the evaluator delegates Machine.fp, fpCompare and fpConvert to.
 *
 * Each operation first tries the host's doubles, which is valid when FPSCR rounds to nearest, the operands are zeros or normal
 * numbers and the result is a zero of an exact operation or a normal number other than the smallest (which may have been rounded
 * up from a tiny value, and then underflowed); the only flag in question is then IXC. Everything else goes to softfloat.ts.
 * Single-precision + - * / and square root computed in double and rounded once more are correctly rounded, as 53 >= 2 * 24 + 2.
 */
import { type CpuState, OFF } from '../cpu-state.ts';
import type { FpConvert, FpOp, FpSize } from '../machine/machine.ts';
import * as soft from './softfloat.ts';
import {
  DOUBLE,
  type Format,
  FZ,
  HALF,
  IXC,
  RMODE_SHIFT,
  ROUND,
  SINGLE,
  takeExceptions,
} from './softfloat.ts';
import * as softConvert from './softfloat-convert.ts';

const FPSCR = OFF.fpscr >> 2;
const RMODE = 3 << RMODE_SHIFT;
const SIGN = 0x8000_0000 | 0;

const MIN_DOUBLE = 2 ** -1022;
const MAX_DOUBLE = Number.MAX_VALUE;
const MIN_SINGLE = 2 ** -126;

const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);
const singles = new Float32Array(scratch.buffer);

/** Of the fast operation under way: whether something was rounded (or IXC is set already, so that nobody need know). */
let inexact = false;

// ---- registers as numbers and as raw bits ----

function getDouble(cpu: CpuState, n: number): number {
  words[0] = cpu.s[2 * n]!;
  words[1] = cpu.s[2 * n + 1]!;
  return scratch[0]!;
}

function setDouble(cpu: CpuState, n: number, value: number): void {
  scratch[0] = value;
  cpu.s[2 * n] = words[0]!;
  cpu.s[2 * n + 1] = words[1]!;
}

function getSingle(cpu: CpuState, n: number): number {
  words[0] = cpu.s[n]!;
  return singles[0]!;
}

function setSingle(cpu: CpuState, n: number, value: number): void {
  singles[0] = value;
  cpu.s[n] = words[0]!;
}

function getBits(cpu: CpuState, f: Format, n: number): bigint {
  return f === DOUBLE ? cpu.d[n]! : BigInt(cpu.s[n]! >>> 0);
}

function setBits(cpu: CpuState, f: Format, n: number, bits: bigint): void {
  if (f === DOUBLE) cpu.d[n] = bits;
  else cpu.s[n] = Number(bits) | 0;
}

// ---- exactness ----

/** Trailing zeros of the significand of a normal double, 0..52. */
function trailingZeros(x: number): number {
  scratch[0] = x;
  const low = words[0]!;
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = words[1]! | 0x10_0000;
  return 63 - Math.clz32(high & -high);
}

function exponentField(x: number): number {
  scratch[0] = x;
  return (words[1]! >>> 20) & 0x7ff;
}

/**
 * Whether a product of normal doubles whose rounding r is normal has at most 53 significant bits. Odd factors of j and k bits
 * have an odd product of j + k bits, or of one less when the significands multiply to less than 2, which shows in the exponents.
 */
function productIsExact(a: number, b: number, r: number): boolean {
  const short = exponentField(a) + exponentField(b) === exponentField(r) + 1023 ? 1 : 0;
  return trailingZeros(a) + trailingZeros(b) + short >= 53;
}

/** Whether r, the rounded sum, is the sum: subtracting the greater term from r is always exact. */
function sumIsExact(a: number, b: number, r: number): boolean {
  return r - a === b && r - b === a;
}

// ---- double precision: NaN means that the general path must decide ----

function isNormalDouble(x: number): boolean {
  const size = Math.abs(x);
  return size > MIN_DOUBLE && size <= MAX_DOUBLE;
}

function addDouble(a: number, b: number): number {
  const r = a + b;
  if (r !== 0 && !isNormalDouble(r)) return Number.NaN;
  if (!inexact && !sumIsExact(a, b, r)) inexact = true;
  return r;
}

function mulDouble(a: number, b: number): number {
  const r = a * b;
  if (isNormalDouble(r)) {
    if (!inexact) {
      if (!isNormalDouble(a) || !isNormalDouble(b)) return Number.NaN;
      inexact = !productIsExact(a, b, r);
    }
    return r;
  }
  return r === 0 && (a === 0 || b === 0) ? r : Number.NaN;
}

function divDouble(a: number, b: number): number {
  const r = a / b;
  if (isNormalDouble(r)) {
    if (!inexact) {
      if (!isNormalDouble(a) || !isNormalDouble(b)) return Number.NaN;
      inexact = r * b !== a || !productIsExact(r, b, a);
    }
    return r;
  }
  return r === 0 && a === 0 ? r : Number.NaN;
}

function sqrtDouble(a: number): number {
  if (a === 0) return a;
  const r = Math.sqrt(a);
  if (!isNormalDouble(r)) return Number.NaN;
  if (!inexact) {
    if (!isNormalDouble(a)) return Number.NaN;
    inexact = r * r !== a || !productIsExact(r, r, a);
  }
  return r;
}

// ---- single precision ----

function isNormalSingle(x: number): boolean {
  const size = Math.abs(x);
  return size > MIN_SINGLE && size <= MAX_DOUBLE;
}

/** Rounds a value computed in double, of which `exact` tells whether it was rounded then. */
function toSingle(value: number, exact: boolean): number {
  const r = Math.fround(value);
  if (r !== 0 ? !isNormalSingle(r) : value !== 0) return Number.NaN;
  if (!exact || r !== value) inexact = true;
  return r;
}

function addSingle(a: number, b: number): number {
  const sum = a + b;
  return toSingle(sum, inexact || sumIsExact(a, b, sum));
}

function mulSingle(a: number, b: number): number {
  return toSingle(a * b, true);
}

function divSingle(a: number, b: number): number {
  const r = Math.fround(a / b);
  if (a === 0) return r;
  if (!isNormalSingle(r)) return Number.NaN;
  if (r * b !== a) inexact = true;
  return r;
}

function sqrtSingle(a: number): number {
  const r = Math.fround(Math.sqrt(a));
  if (r === 0) return a;
  if (!isNormalSingle(r)) return Number.NaN;
  if (r * r !== a) inexact = true;
  return r;
}

// ---- fused multiply-add ----

/**
 * The sum of doubles, rounded to odd: not representable, it becomes the neighbour with an odd last bit. Rounding it again, to two
 * bits fewer or together with a much greater term, gives what the exact sum would give.
 */
function addToOdd(a: number, b: number): number {
  const sum = a + b;
  const error = sumError(a, b, sum);
  // Without error, or not a number.
  if (!(error < 0 || error > 0)) return sum;
  scratch[0] = sum;
  if ((words[0]! & 1) === 0) {
    // The neighbour of an even one away from zero is its last bit's only difference; toward zero there may be a borrow.
    if (error > 0 === sum > 0) words[0]! |= 1;
    else {
      if (words[0] === 0) words[1]!--;
      words[0]!--;
    }
  }
  return scratch[0]!;
}

/** What rounding took from a sum: sum + error = a + b (Knuth's TwoSum). */
function sumError(a: number, b: number, sum: number): number {
  const b1 = sum - a;
  return a - (sum - b1) + (b - b1);
}

/** The product is exact in double; its sum with c, rounded to odd there, gives the rounded exact sum when rounded again. */
function fmaSingle(c: number, a: number, b: number): number {
  const product = a * b;
  return toSingle(addToOdd(product, c), inexact || sumIsExact(product, c, product + c));
}

/** Limits between which neither the parts of a product nor their sums overflow or become subnormal. */
const FMA_MIN = 2 ** -900;
const FMA_MAX = 2 ** 900;

function isMiddle(x: number): boolean {
  const size = Math.abs(x);
  return size > FMA_MIN && size < FMA_MAX;
}

/** What rounding took from a product of doubles (Dekker's product with Veltkamp's splitting). */
function productError(a: number, b: number, product: number): number {
  const a1 = a * 134217729;
  const aHigh = a1 - (a1 - a);
  const aLow = a - aHigh;
  const b1 = b * 134217729;
  const bHigh = b1 - (b1 - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/**
 * c + a * b, rounded once (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
 * odd", 2008).
 */
function fmaDouble(c: number, a: number, b: number): number {
  const product = a * b;
  if (product === 0 && (a === 0 || b === 0)) return addDouble(c, product);
  if (!isMiddle(product) || !isMiddle(a) || !isMiddle(b) || !(isMiddle(c) || c === 0)) return Number.NaN;
  const low = productError(a, b, product);
  const middle = c + low;
  const lowest = sumError(c, low, middle);
  const sum = product + middle;
  const rest = sumError(product, middle, sum);
  const tail = addToOdd(lowest, rest);
  const r = sum + tail;
  if (r === 0 ? tail !== 0 || sum !== 0 : !isMiddle(r)) return Number.NaN;
  if (!inexact) inexact = !(sumIsExact(lowest, rest, lowest + rest) && sumIsExact(sum, tail, r));
  return r;
}

// ---- the fast path ----

function fast64(cpu: CpuState, op: FpOp, d: number, n: number, m: number, fpscr: number): number {
  const b = getDouble(cpu, m);
  if (op === 'sqrt') return fpscr & FZ && isSubnormalDouble(b) ? Number.NaN : sqrtDouble(b);
  const a = getDouble(cpu, n);
  if (fpscr & FZ && (isSubnormalDouble(a) || isSubnormalDouble(b))) return Number.NaN;
  switch (op) {
    case 'add':
      return addDouble(a, b);
    case 'sub':
      return addDouble(a, -b);
    case 'mul':
      return mulDouble(a, b);
    case 'div':
      return divDouble(a, b);
    case 'nmul':
      return -mulDouble(a, b);
    default: {
      const accumulator = getDouble(cpu, d);
      if (fpscr & FZ && isSubnormalDouble(accumulator)) return Number.NaN;
      const c = negatesAccumulator(op) ? -accumulator : accumulator;
      if (isFused(op)) return fmaDouble(c, negatesProduct(op) ? -a : a, b);
      const product = mulDouble(a, b);
      return addDouble(c, negatesProduct(op) ? -product : product);
    }
  }
}

/** c, a, b: the accumulator and the operands; square roots use b alone. */
function fast32(op: FpOp, accumulator: number, a: number, b: number, fpscr: number): number {
  if (op === 'sqrt') return fpscr & FZ && isSubnormalSingle(b) ? Number.NaN : sqrtSingle(b);
  if (fpscr & FZ && (isSubnormalSingle(a) || isSubnormalSingle(b))) return Number.NaN;
  switch (op) {
    case 'add':
      return addSingle(a, b);
    case 'sub':
      return addSingle(a, -b);
    case 'mul':
      return mulSingle(a, b);
    case 'div':
      return divSingle(a, b);
    case 'nmul':
      return -mulSingle(a, b);
    default: {
      if (fpscr & FZ && isSubnormalSingle(accumulator)) return Number.NaN;
      const c = negatesAccumulator(op) ? -accumulator : accumulator;
      if (isFused(op)) return fmaSingle(c, negatesProduct(op) ? -a : a, b);
      const product = mulSingle(a, b);
      return addSingle(c, negatesProduct(op) ? -product : product);
    }
  }
}

function isSubnormalDouble(x: number): boolean {
  return Math.abs(x) < MIN_DOUBLE && x !== 0;
}

function isSubnormalSingle(x: number): boolean {
  return Math.abs(x) < MIN_SINGLE && x !== 0;
}

// ---- the operations ----

function isFused(op: FpOp): boolean {
  return op === 'fma' || op === 'fms' || op === 'fnma' || op === 'fnms';
}
function negatesProduct(op: FpOp): boolean {
  return op === 'mls' || op === 'nmla' || op === 'fms' || op === 'fnma';
}
function negatesAccumulator(op: FpOp): boolean {
  return op === 'nmla' || op === 'nmls' || op === 'fnma' || op === 'fnms';
}

/** How the rint operations round, with null for by FPSCR. */
const RINT: Partial<Readonly<Record<FpOp, number | null>>> = {
  rinta: ROUND.AWAY,
  rintn: ROUND.NEAREST,
  rintp: ROUND.PLUS,
  rintm: ROUND.MINUS,
  rintz: ROUND.ZERO,
  rintr: null,
  rintx: null,
};
const isBeyondFast = (op: FpOp): boolean => op.startsWith('rint') || op === 'maxnm' || op === 'minnm';

function general(f: Format, op: FpOp, accumulator: bigint, a: bigint, b: bigint, fpscr: number): bigint {
  switch (op) {
    case 'sqrt':
      return soft.sqrt(f, b, fpscr);
    case 'add':
      return soft.add(f, a, b, fpscr);
    case 'sub':
      return soft.sub(f, a, b, fpscr);
    case 'mul':
      return soft.mul(f, a, b, fpscr);
    case 'div':
      return soft.div(f, a, b, fpscr);
    case 'nmul':
      return soft.mul(f, a, b, fpscr) ^ f.sign;
    case 'maxnm':
    case 'minnm':
      return soft.maxNum(f, a, b, op === 'maxnm', fpscr);
    default: {
      const mode = RINT[op];
      if (mode !== undefined)
        return soft.roundToInteger(f, b, mode ?? (fpscr >>> RMODE_SHIFT) & 3, op === 'rintx', fpscr);
      const c = negatesAccumulator(op) ? accumulator ^ f.sign : accumulator;
      if (isFused(op)) return soft.mulAdd(f, c, negatesProduct(op) ? a ^ f.sign : a, b, fpscr);
      const product = soft.mul(f, a, b, fpscr);
      return soft.add(f, c, negatesProduct(op) ? product ^ f.sign : product, fpscr);
    }
  }
}

/**
 * An operation on raw singles, rounded to nearest, with an accumulator where the operation has one. Raises its flags
 * (softfloat.ts).
 */
export function single(op: FpOp, c: number, a: number, b: number, fpscr: number): number {
  inexact = false;
  const r = fast32(op, ofBits(c), ofBits(a), ofBits(b), fpscr);
  if (Number.isNaN(r)) {
    const [x, y, z] = [BigInt(c >>> 0), BigInt(a >>> 0), BigInt(b >>> 0)];
    return Number(general(SINGLE, op, x, y, z, fpscr)) | 0;
  }
  if (inexact) soft.raise(IXC);
  singles[0] = r;
  return words[0]!;
}

function ofBits(bits: number): number {
  words[0] = bits;
  return singles[0]!;
}

/** Machine.fp: register d = n op m by FPSCR. Unary operations use m alone. */
export function fp(cpu: CpuState, op: FpOp, size: FpSize, d: number, n: number, m: number): void {
  if (op === 'neg' || op === 'abs') {
    signOperation(cpu, op, size, d, m);
    return;
  }
  const fpscr = cpu.i32[FPSCR]!;
  if ((fpscr & RMODE) === 0 && !isBeyondFast(op)) {
    inexact = (fpscr & IXC) !== 0;
    const r =
      size === 64
        ? fast64(cpu, op, d, n, m, fpscr)
        : fast32(op, getSingle(cpu, d), getSingle(cpu, n), getSingle(cpu, m), fpscr);
    if (!Number.isNaN(r)) {
      if (inexact) cpu.i32[FPSCR] = fpscr | IXC;
      if (size === 64) setDouble(cpu, d, r);
      else setSingle(cpu, d, r);
      return;
    }
  }
  const f = size === 64 ? DOUBLE : SINGLE;
  const bits = general(f, op, getBits(cpu, f, d), getBits(cpu, f, n), getBits(cpu, f, m), fpscr);
  setBits(cpu, f, d, bits);
  cpu.i32[FPSCR]! |= takeExceptions();
}

/** FPNeg and FPAbs change the sign bit of anything, NaNs too, and raise nothing. */
function signOperation(cpu: CpuState, op: 'neg' | 'abs', size: FpSize, d: number, m: number): void {
  const scale = size === 64 ? 2 : 1;
  const high = cpu.s[scale * m + scale - 1]!;
  if (size === 64) cpu.s[2 * d] = cpu.s[2 * m]!;
  cpu.s[scale * d + scale - 1] = op === 'neg' ? high ^ SIGN : high & ~SIGN;
}

/** Machine.fpCompare: FPSCR.NZCV from register n against register m, or against +0.0 when m < 0. */
export function fpCompare(cpu: CpuState, size: FpSize, n: number, m: number, signal: boolean): void {
  const fpscr = cpu.i32[FPSCR]!;
  const a = size === 64 ? getDouble(cpu, n) : getSingle(cpu, n);
  const b = m < 0 ? 0 : size === 64 ? getDouble(cpu, m) : getSingle(cpu, m);
  let nzcv: number;
  if (!(Number.isNaN(a) || Number.isNaN(b) || fpscr & FZ)) {
    nzcv = a === b ? 0b0110 : a < b ? 0b1000 : 0b0010;
  } else {
    const f = size === 64 ? DOUBLE : SINGLE;
    nzcv = soft.compare(f, getBits(cpu, f, n), m < 0 ? 0n : getBits(cpu, f, m), signal, fpscr);
  }
  cpu.i32[FPSCR] = (fpscr & 0x0fff_ffff) | (nzcv << 28) | takeExceptions();
}

// ---- conversions ----

/** What an FpConvert name says. */
interface Conversion {
  readonly kind: 'float' | 'toInteger' | 'fromInteger';
  /** The formats of source and destination where they are floating point. */
  readonly from: Format;
  readonly to: Format;
  /** Bits of the integer or fixed-point number. */
  readonly width: number;
  readonly signed: boolean;
  /** Fixed point stands in a register of the float's own size, extended; integers in an S register. */
  readonly fixed: boolean;
  /** Of ROUND; null by FPSCR. */
  readonly rounding: number | null;
  /** Bit position of a half in its S register. */
  readonly fromShift: number;
  readonly toShift: number;
}

const NAMES: readonly FpConvert[] = [
  ...(['f64_f32', 'f32_f64', 'f32_i32', 'f32_u32', 'f64_i32', 'f64_u32'] as const),
  ...(['i32_f32', 'u32_f32', 'i32_f64', 'u32_f64', 'i32_f32r', 'u32_f32r', 'i32_f64r', 'u32_f64r'] as const),
  ...([
    'f32_x16s',
    'f32_x16u',
    'f32_x32s',
    'f32_x32u',
    'f64_x16s',
    'f64_x16u',
    'f64_x32s',
    'f64_x32u',
  ] as const),
  ...([
    'x16s_f32',
    'x16u_f32',
    'x32s_f32',
    'x32u_f32',
    'x16s_f64',
    'x16u_f64',
    'x32s_f64',
    'x32u_f64',
  ] as const),
  ...(['f32_f16b', 'f32_f16t', 'f16b_f32', 'f16t_f32'] as const),
  ...(['f64_f16b', 'f64_f16t', 'f16b_f64', 'f16t_f64'] as const),
  ...(['i32', 'u32'] as const).flatMap((to) =>
    (['f32', 'f64'] as const).flatMap((from) =>
      (['a', 'n', 'p', 'm'] as const).map((rounding): FpConvert => `${to}_${from}${rounding}`),
    ),
  ),
];

/** By the last letter of a source's name; by FPSCR those with r, toward zero those without. */
const ROUNDINGS: Readonly<Record<string, number | null>> = {
  r: null,
  a: ROUND.AWAY,
  n: ROUND.NEAREST,
  p: ROUND.PLUS,
  m: ROUND.MINUS,
};

function parse(name: FpConvert): Conversion {
  const [to, from] = name.split('_') as [string, string];
  const formatOf = (s: string) => (s.startsWith('f64') ? DOUBLE : s.startsWith('f16') ? HALF : SINGLE);
  const integer = from.startsWith('f') ? to : from;
  const fixed = integer[0] === 'x';
  return {
    kind: to[0] === 'f' ? (from[0] === 'f' ? 'float' : 'fromInteger') : 'toInteger',
    from: formatOf(from),
    to: formatOf(to),
    width: integer.slice(1, 3) === '16' ? 16 : 32,
    signed: fixed ? integer.endsWith('s') : integer[0] === 'i',
    fixed,
    rounding: from.at(-1)! in ROUNDINGS ? ROUNDINGS[from.at(-1)!]! : ROUND.ZERO,
    fromShift: from.endsWith('t') ? 16 : 0,
    toShift: to.endsWith('t') ? 16 : 0,
  };
}

const CONVERSIONS = Object.fromEntries(NAMES.map((name) => [name, parse(name)])) as Record<
  FpConvert,
  Conversion
>;

/** Machine.fpConvert: register d from register m; `fbits` is the number of fraction bits of the fixed-point forms. */
export function fpConvert(cpu: CpuState, op: FpConvert, d: number, m: number, fbits: number): void {
  const conversion = CONVERSIONS[op];
  switch (conversion.kind) {
    case 'float':
      convertFloat(cpu, conversion, d, m);
      return;
    case 'toInteger':
      convertToInteger(cpu, conversion, d, m, fbits);
      return;
    case 'fromInteger':
      convertFromInteger(cpu, conversion, d, m, fbits);
      return;
  }
}

function convertFloat(cpu: CpuState, c: Conversion, d: number, m: number): void {
  const fpscr = cpu.i32[FPSCR]!;
  if (c.from === SINGLE && c.to === DOUBLE) {
    const x = getSingle(cpu, m);
    if (!(Number.isNaN(x) || (fpscr & FZ && isSubnormalSingle(x)))) {
      setDouble(cpu, d, x);
      return;
    }
  } else if (c.from === DOUBLE && c.to === SINGLE && (fpscr & RMODE) === 0) {
    const x = getDouble(cpu, m);
    const r = Math.fround(x);
    if (isNormalSingle(r) || x === 0) {
      if (r !== x) cpu.i32[FPSCR] = fpscr | IXC;
      setSingle(cpu, d, r);
      return;
    }
  }
  const source = c.from === HALF ? BigInt((cpu.s[m]! >>> c.fromShift) & 0xffff) : getBits(cpu, c.from, m);
  const bits = softConvert.convert(c.from, c.to, source, fpscr);
  if (c.to === HALF) {
    cpu.s[d] = (cpu.s[d]! & ~(0xffff << c.toShift)) | (Number(bits) << c.toShift);
  } else {
    setBits(cpu, c.to, d, bits);
  }
  cpu.i32[FPSCR]! |= takeExceptions();
}

function convertToInteger(cpu: CpuState, c: Conversion, d: number, m: number, fbits: number): void {
  const fpscr = cpu.i32[FPSCR]!;
  const x = c.from === DOUBLE ? getDouble(cpu, m) : getSingle(cpu, m);
  const scaled = x * 2 ** fbits;
  const limit = 2 ** (c.signed ? c.width - 1 : c.width);
  const size = Math.abs(x);
  const mode = c.rounding ?? (fpscr >>> RMODE_SHIFT) & 3;
  if (
    Math.abs(scaled) < limit &&
    (size >= MIN_SINGLE || x === 0) &&
    (mode === ROUND.ZERO || mode === ROUND.NEAREST)
  ) {
    // Adding and subtracting 1.5 * 2^52 rounds to the nearest integer, ties to even.
    const integer = mode === ROUND.ZERO ? Math.trunc(scaled) : scaled + 6755399441055744 - 6755399441055744;
    if (integer < limit && (c.signed || integer >= 0)) {
      if (integer !== scaled) cpu.i32[FPSCR] = fpscr | IXC;
      setInteger(cpu, c, d, integer);
      return;
    }
  }
  const bits = getBits(cpu, c.from, m);
  const value = softConvert.toFixed(c.from, bits, c.width, c.signed, fbits, mode, fpscr);
  setInteger(cpu, c, d, Number(value));
  cpu.i32[FPSCR]! |= takeExceptions();
}

/** Stores an integer; fixed point for a double is extended to the whole D register. */
function setInteger(cpu: CpuState, c: Conversion, d: number, integer: number): void {
  if (c.fixed && c.from === DOUBLE) {
    cpu.s[2 * d] = integer | 0;
    cpu.s[2 * d + 1] = integer < 0 ? -1 : 0;
  } else {
    cpu.s[d] = integer | 0;
  }
}

function convertFromInteger(cpu: CpuState, c: Conversion, d: number, m: number, fbits: number): void {
  const fpscr = cpu.i32[FPSCR]!;
  const word = c.fixed && c.to === DOUBLE ? cpu.s[2 * m]! : cpu.s[m]!;
  const integer = extend(word, c.width, c.signed);
  if (c.to === DOUBLE) {
    setDouble(cpu, d, integer / 2 ** fbits);
    return;
  }
  // Fixed point is always rounded to nearest, integers by FPSCR.
  if (c.fixed || (fpscr & RMODE) === 0) {
    const scaled = integer / 2 ** fbits;
    const r = Math.fround(scaled);
    if (r !== scaled) cpu.i32[FPSCR] = fpscr | IXC;
    setSingle(cpu, d, r);
    return;
  }
  setBits(cpu, c.to, d, softConvert.fromInteger(c.to, BigInt(integer), fpscr));
  cpu.i32[FPSCR]! |= takeExceptions();
}

function extend(word: number, width: number, signed: boolean): number {
  if (width === 16) return signed ? (word << 16) >> 16 : word & 0xffff;
  return signed ? word : word >>> 0;
}
