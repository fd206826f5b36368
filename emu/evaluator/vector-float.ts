/**
 * Single-precision lanes of Advanced SIMD on raw bits (DDI 0406C A2.7): arithmetic with the Standard FPSCR value, which rounds to
 * nearest, flushes to zero and gives default NaNs. Flags are raised as in softfloat.ts, and taken by the caller.
 */
import { single } from './fp.ts';
import * as soft from './softfloat.ts';
import {
  compare,
  DN,
  DZC,
  FZ,
  HALF,
  INFINITE,
  IXC,
  invalid,
  QNAN,
  ROUND,
  raise,
  SINGLE,
  SNAN,
  UFC,
  type Unpacked,
  unpack,
} from './softfloat.ts';
import { convert, toFixed } from './softfloat-convert.ts';

/** StandardFPSCRValue but for AHP, which is the program's. */
export const STANDARD = DN | FZ;

const DEFAULT_NAN = 0x7fc0_0000;
const SIGN = 0x8000_0000 | 0;
const INFINITY = 0x7f80_0000;
const TWO = 0x4000_0000;
const THREE = 0x4040_0000;
const HALF_ONE = 0x3f00_0000;
const ONE_AND_HALF = 0x3fc0_0000;

const floats = new Float32Array(1);
const words = new Int32Array(floats.buffer);

function floatOf(bits: number): number {
  words[0] = bits;
  return floats[0]!;
}
function bitsOf(value: number): number {
  floats[0] = value;
  return words[0]!;
}

const opened = (bits: number): Unpacked => unpack(SINGLE, BigInt(bits >>> 0), STANDARD);
const isZero = (a: Unpacked) => a.kind < INFINITE && a.sig === 0n;
const isANaN = (a: Unpacked) => a.kind === QNAN || a.kind === SNAN;
const isSubnormal = (bits: number) => (bits & INFINITY) === 0 && bits << 1 !== 0;

/** The default NaN when a or b is a NaN, with IOC when one is signaling; else null. */
function ofNaNs(a: Unpacked, b: Unpacked): number | null {
  if (!isANaN(a) && !isANaN(b)) return null;
  if (a.kind === SNAN || b.kind === SNAN) invalid(SINGLE);
  return DEFAULT_NAN;
}

export const add = (a: number, b: number): number => single('add', 0, a, b, STANDARD);
export const sub = (a: number, b: number): number => single('sub', 0, a, b, STANDARD);
export const mul = (a: number, b: number): number => single('mul', 0, a, b, STANDARD);
/** c + a * b. */
export const fma = (c: number, a: number, b: number): number => single('fma', c, a, b, STANDARD);

/** FPMax and FPMin: of zeros the positive or the negative one. */
function extreme(a: number, b: number, max: boolean): number {
  const x = opened(a);
  const y = opened(b);
  const nan = ofNaNs(x, y);
  if (nan !== null) return nan;
  const xBits = isZero(x) ? a & SIGN : a;
  const yBits = isZero(y) ? b & SIGN : b;
  if (isZero(x) && isZero(y)) return max ? xBits & yBits : xBits | yBits;
  return floatOf(xBits) > floatOf(yBits) === max ? xBits : yBits;
}
export const max = (a: number, b: number): number => extreme(a, b, true);
export const min = (a: number, b: number): number => extreme(a, b, false);

/** NZCV of the comparison as FPCompare gives it. */
function order(a: number, b: number, signal: boolean): number {
  return compare(SINGLE, BigInt(a >>> 0), BigInt(b >>> 0), signal, STANDARD);
}
export const eq = (a: number, b: number): number => (order(a, b, false) === 0b0110 ? -1 : 0);
export const gt = (a: number, b: number): number => (order(a, b, true) === 0b0010 ? -1 : 0);
export function ge(a: number, b: number): number {
  const nzcv = order(a, b, true);
  return nzcv === 0b0010 || nzcv === 0b0110 ? -1 : 0;
}

/** Infinity times zero, of which the steps make a number. */
function isUndefinedProduct(x: Unpacked, y: Unpacked): boolean {
  return (x.kind === INFINITE && isZero(y)) || (y.kind === INFINITE && isZero(x));
}

/** FPRecipStep: 2 - a * b. */
export function recipStep(a: number, b: number): number {
  const x = opened(a);
  const y = opened(b);
  const nan = ofNaNs(x, y);
  if (nan !== null) return nan;
  return isUndefinedProduct(x, y) ? TWO : sub(TWO, mul(a, b));
}

/** FPRSqrtStep: (3 - a * b) / 2. */
export function rsqrtStep(a: number, b: number): number {
  const x = opened(a);
  const y = opened(b);
  const nan = ofNaNs(x, y);
  if (nan !== null) return nan;
  return isUndefinedProduct(x, y) ? ONE_AND_HALF : mul(sub(THREE, mul(a, b)), HALF_ONE);
}

/** recip_estimate of a number in [0.5, 1): 256..511, in units of 1/256. */
function recipEstimate(a: number): number {
  const q = Math.floor(a * 512);
  return Math.floor(256 / ((q + 0.5) / 512) + 0.5);
}

/** recip_sqrt_estimate of a number in [0.25, 1): 256..511, in units of 1/256. */
function rsqrtEstimate(a: number): number {
  let r: number;
  if (a < 0.5) {
    const q = Math.floor(a * 512);
    r = 1 / Math.sqrt((q + 0.5) / 512);
  } else {
    const q = Math.floor(a * 256);
    r = 1 / Math.sqrt((q + 0.5) / 256);
  }
  return Math.floor(256 * r + 0.5);
}

/** UnsignedRecipEstimate. */
export function unsignedRecip(x: number): number {
  return x >>> 31 === 0 ? -1 : recipEstimate((x >>> 0) / 2 ** 32) << 23;
}
/** UnsignedRSqrtEstimate. */
export function unsignedRSqrt(x: number): number {
  return x >>> 30 === 0 ? -1 : rsqrtEstimate((x >>> 0) / 2 ** 32) << 23;
}

/** FPRecipEstimate. */
export function floatRecip(a: number): number {
  const x = opened(a);
  const nan = ofNaNs(x, x);
  if (nan !== null) return nan;
  if (x.kind === INFINITE) return a & SIGN;
  if (isZero(x)) {
    raise(DZC);
    return (a & SIGN) | INFINITY;
  }
  const exponent = (a >>> 23) & 0xff;
  if (exponent >= 253) {
    raise(UFC);
    return a & SIGN;
  }
  const fraction = (a & 0x7f_ffff) / 2 ** 24 + 0.5;
  return (a & SIGN) | ((253 - exponent) << 23) | ((recipEstimate(fraction) & 0xff) << 15);
}

/** FPRSqrtEstimate. */
export function floatRSqrt(a: number): number {
  const x = opened(a);
  const nan = ofNaNs(x, x);
  if (nan !== null) return nan;
  if (isZero(x)) {
    raise(DZC);
    return (a & SIGN) | INFINITY;
  }
  if (a < 0) {
    invalid(SINGLE);
    return DEFAULT_NAN;
  }
  if (x.kind === INFINITE) return 0;
  const exponent = (a >>> 23) & 0xff;
  // The fraction scaled into [0.5, 1) for an even exponent, [0.25, 0.5) for an odd one.
  const fraction = ((a & 0x7f_ffff) / 2 ** 24 + 0.5) / (exponent & 1 ? 2 : 1);
  return (((380 - exponent) >> 1) << 23) | ((rsqrtEstimate(fraction) & 0xff) << 15);
}

/** FPMaxNum and FPMinNum. */
export function maxNum(a: number, b: number, isMax: boolean): number {
  return Number(soft.maxNum(SINGLE, BigInt(a >>> 0), BigInt(b >>> 0), isMax, STANDARD)) | 0;
}

/** FPRoundInt by a mode of ROUND. */
export function roundToInteger(a: number, mode: number, exact: boolean): number {
  return Number(soft.roundToInteger(SINGLE, BigInt(a >>> 0), mode, exact, STANDARD)) | 0;
}

/** FPToFixed of 32 bits, by a mode of ROUND. */
export function toInteger(a: number, unsigned: boolean, fbits: number, mode: number = ROUND.ZERO): number {
  if (mode === ROUND.ZERO && !isSubnormal(a)) {
    const scaled = floatOf(a) * 2 ** fbits;
    const integer = Math.trunc(scaled);
    if (unsigned ? integer >= 0 && integer < 2 ** 32 : integer >= -(2 ** 31) && integer < 2 ** 31) {
      if (integer !== scaled) raise(IXC);
      return integer | 0;
    }
  }
  return Number(toFixed(SINGLE, BigInt(a >>> 0), 32, !unsigned, fbits, mode, STANDARD)) | 0;
}

/** FixedToFP. */
export function fromInteger(a: number, unsigned: boolean, fbits: number): number {
  const value = (unsigned ? a >>> 0 : a | 0) / 2 ** fbits;
  const rounded = Math.fround(value);
  if (rounded !== value) raise(IXC);
  return bitsOf(rounded);
}

/** @param ahp FPSCR.AHP */
export function toHalf(a: number, ahp: number): number {
  return Number(convert(SINGLE, HALF, BigInt(a >>> 0), STANDARD | ahp));
}
export function fromHalf(a: number, ahp: number): number {
  return Number(convert(HALF, SINGLE, BigInt(a), STANDARD | ahp)) | 0;
}
