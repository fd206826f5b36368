/**
 * Conversions between floating-point formats, integers and fixed point on raw bits (DDI 0406C A2.7: FPToFixed, FixedToFP,
 * FPSingleToDouble, FPDoubleToSingle, FPHalfToSingle, FPSingleToHalf). General path, as softfloat.ts, whose conventions and flags
 * it shares.
 */
import {
  AHP,
  DN,
  type Format,
  HALF,
  INFINITE,
  IOC,
  IXC,
  infinity,
  QNAN,
  raise,
  round,
  roundsUp,
  SNAN,
  unpack,
  zero,
} from './softfloat.ts';

/**
 * Between half, single and double. A NaN keeps its sign and the top bits of its fraction, made quiet; alternative half precision,
 * which has neither NaNs nor infinities, makes them zero and the largest number with IOC. Halves are never flushed to zero.
 */
export function convert(from: Format, to: Format, bits: bigint, fpscr: number): bigint {
  const a = unpack(from, bits, fpscr);
  const alternative = to === HALF && (fpscr & AHP) !== 0;
  if (a.kind >= QNAN) {
    if (a.kind === SNAN || alternative) raise(IOC);
    if (alternative) return zero(to, a.sign);
    if (fpscr & DN) return to.defaultNaN;
    const payload = bits & from.fraction;
    const up = to.fractionBits - from.fractionBits;
    const moved = up >= 0 ? payload << BigInt(up) : payload >> BigInt(-up);
    return infinity(to, a.sign) | to.quiet | moved;
  }
  if (a.kind === INFINITE) {
    if (!alternative) return infinity(to, a.sign);
    raise(IOC);
    return zero(to, a.sign) | 0x7fffn;
  }
  return a.sig === 0n ? zero(to, a.sign) : round(to, a.sign, a.sig, a.exp, fpscr);
}

/**
 * FPToFixed: the value times 2^fbits as an integer of `width` bits, by a rounding mode (ROUND). What does not fit is saturated
 * with IOC; a NaN gives 0. The result is signed or unsigned as asked.
 */
export function toFixed(
  f: Format,
  bits: bigint,
  width: number,
  signed: boolean,
  fbits: number,
  mode: number,
  fpscr: number,
): bigint {
  const a = unpack(f, bits, fpscr);
  if (a.kind >= QNAN) {
    raise(IOC);
    return 0n;
  }
  const w = BigInt(width);
  const max = signed ? (1n << (w - 1n)) - 1n : (1n << w) - 1n;
  const min = signed ? -max - 1n : 0n;
  const exp = a.exp + fbits;
  // A value far beyond any integer needs no shifting.
  if (a.kind === INFINITE || (a.sig !== 0n && exp > width)) {
    raise(IOC);
    return a.sign ? min : max;
  }
  let magnitude: bigint;
  let inexact = false;
  if (exp >= 0) {
    magnitude = a.sig << BigInt(exp);
  } else {
    const rest = BigInt.asUintN(-exp, a.sig);
    magnitude = a.sig >> BigInt(-exp);
    inexact = rest !== 0n;
    if (roundsUp(mode, a.sign, (magnitude & 1n) !== 0n, rest, 1n << BigInt(-exp))) magnitude++;
  }
  const value = a.sign ? -magnitude : magnitude;
  if (value > max || value < min) {
    raise(IOC);
    return value > max ? max : min;
  }
  if (inexact) raise(IXC);
  return value;
}

/** FixedToFP of an integer, by FPSCR's rounding mode. Zero is +0. */
export function fromInteger(f: Format, value: bigint, fpscr: number): bigint {
  if (value === 0n) return 0n;
  return value < 0n ? round(f, 1, -value, 0, fpscr) : round(f, 0, value, 0, fpscr);
}
