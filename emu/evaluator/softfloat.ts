/**
 * IEEE 754 arithmetic on raw bits as the ARM architecture defines it (DDI 0406C A2.7: FPUnpack, FPProcessNaNs, FPRound, FPAdd,
 * FPMul, FPDiv, FPMulAdd, FPSqrt, FPCompare), for every rounding mode, flush-to-zero and default-NaN, with the cumulative
 * exception flags.
 *
 * This is the general path: exact values in BigInts, rounded once. emu/evaluator/fp.ts stands in front of it with fast paths.
 *
 * Invariants: raw bits are non-negative bigints below 2^width. A finite value is (-1)^sign * sig * 2^exp with sig >= 0 exact.
 * Operations return raw bits and raise flags in a module variable, which the caller takes (and so clears) with `takeExceptions`.
 */

/** Cumulative exception bits, at their places in the FPSCR. */
export const IOC = 1 << 0;
export const DZC = 1 << 1;
export const OFC = 1 << 2;
export const UFC = 1 << 3;
export const IXC = 1 << 4;
export const IDC = 1 << 7;

/** FPSCR control bits. */
export const AHP = 1 << 26;
export const DN = 1 << 25;
export const FZ = 1 << 24;
export const RMODE_SHIFT = 22;
/** Values of FPSCR.RMode; and to nearest with ties away from zero, which only rounding to integers has. */
export const ROUND = { NEAREST: 0, PLUS: 1, MINUS: 2, ZERO: 3, AWAY: 4 } as const;

/** An IEEE interchange format. */
export interface Format {
  readonly width: bigint;
  /** Bits of fraction, without the hidden bit. */
  readonly fractionBits: number;
  /** Exponent of the smallest normal number. */
  readonly minExp: number;
  /** The all-ones exponent field. */
  readonly maxField: number;
  readonly sign: bigint;
  /** Bits of +infinity: all exponent bits. */
  readonly infinity: bigint;
  readonly fraction: bigint;
  /** The top fraction bit, set in quiet NaNs. */
  readonly quiet: bigint;
  readonly defaultNaN: bigint;
}

function format(width: number, fractionBits: number): Format {
  const exponentBits = width - 1 - fractionBits;
  const infinity = ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits);
  const quiet = 1n << BigInt(fractionBits - 1);
  return {
    width: BigInt(width),
    fractionBits,
    minExp: 2 - 2 ** (exponentBits - 1),
    maxField: 2 ** exponentBits - 1,
    sign: 1n << BigInt(width - 1),
    infinity,
    fraction: (1n << BigInt(fractionBits)) - 1n,
    quiet,
    defaultNaN: infinity | quiet,
  };
}

export const HALF = format(16, 10);
export const SINGLE = format(32, 23);
export const DOUBLE = format(64, 52);

let exceptions = 0;

export function raise(flags: number): void {
  exceptions |= flags;
}

/** The exception flags raised since the last call, as FPSCR bits. */
export function takeExceptions(): number {
  const taken = exceptions;
  exceptions = 0;
  return taken;
}

export const FINITE = 0;
export const INFINITE = 1;
export const QNAN = 2;
export const SNAN = 3;

export interface Unpacked {
  readonly kind: number;
  /** 0 or 1. */
  readonly sign: number;
  readonly sig: bigint;
  readonly exp: number;
  /** The operand as given. */
  readonly bits: bigint;
}

/**
 * FPUnpack. Subnormals are flushed by FZ (with IDC), but for half precision, which knows no flushing and no infinities when AHP
 * is set.
 */
export function unpack(f: Format, bits: bigint, fpscr: number): Unpacked {
  const sign = bits & f.sign ? 1 : 0;
  const field = Number((bits & f.infinity) >> BigInt(f.fractionBits));
  const fraction = bits & f.fraction;
  const least = f.minExp - f.fractionBits;
  if (field === f.maxField && !(f === HALF && fpscr & AHP)) {
    const kind = fraction === 0n ? INFINITE : fraction & f.quiet ? QNAN : SNAN;
    return { kind, sign, sig: 0n, exp: 0, bits };
  }
  if (field !== 0)
    return { kind: FINITE, sign, sig: fraction | (f.fraction + 1n), exp: least + field - 1, bits };
  if (fraction !== 0n && fpscr & FZ && f !== HALF) {
    raise(IDC);
    return { kind: FINITE, sign, sig: 0n, exp: 0, bits: bits & f.sign };
  }
  return { kind: FINITE, sign, sig: fraction, exp: least, bits };
}

export function bitLength(n: bigint): number {
  const hex = n.toString(16);
  return hex.length * 4 + 28 - Math.clz32(Number.parseInt(hex[0]!, 16));
}

export function zero(f: Format, sign: number): bigint {
  return sign ? f.sign : 0n;
}

export function infinity(f: Format, sign: number): bigint {
  return sign ? f.sign | f.infinity : f.infinity;
}

export function invalid(f: Format): bigint {
  raise(IOC);
  return f.defaultNaN;
}

/** Whether a discarded part makes the magnitude one greater: `rest` of `whole` units below the last kept bit. */
export function roundsUp(mode: number, sign: number, odd: boolean, rest: bigint, whole: bigint): boolean {
  if (rest === 0n) return false;
  if (mode === ROUND.PLUS) return sign === 0;
  if (mode === ROUND.MINUS) return sign === 1;
  if (mode === ROUND.ZERO) return false;
  const twice = rest << 1n;
  return twice > whole || (twice === whole && (odd || mode === ROUND.AWAY));
}

/**
 * FPRound of (-1)^sign * sig * 2^exp, sig > 0. An inexact value may be given as a truncated sig with its lowest bit set, if that
 * bit lies at least two below the last bit of the result. Tininess is detected before rounding.
 */
export function round(f: Format, sign: number, sig: bigint, exp: number, fpscr: number): bigint {
  const top = bitLength(sig) + exp - 1;
  if (top < f.minExp && fpscr & FZ && f !== HALF) {
    raise(UFC);
    return zero(f, sign);
  }
  const scale = Math.max(top, f.minExp);
  const shift = scale - f.fractionBits - exp;
  const mode = (fpscr >>> RMODE_SHIFT) & 3;
  let kept: bigint;
  let inexact = false;
  if (shift <= 0) {
    kept = sig << BigInt(-shift);
  } else {
    const n = BigInt(shift);
    const rest = BigInt.asUintN(shift, sig);
    kept = sig >> n;
    inexact = rest !== 0n;
    if (inexact && top < f.minExp) raise(UFC);
    if (roundsUp(mode, sign, (kept & 1n) !== 0n, rest, 1n << n)) kept++;
  }
  // The hidden bit of a normal number adds one to the exponent field, a carry out of the fraction another.
  let bits = kept + (BigInt(scale - f.minExp) << BigInt(f.fractionBits));
  if (f === HALF && fpscr & AHP) {
    if (bits > 0x7fffn) {
      raise(IOC);
      return zero(f, sign) | 0x7fffn;
    }
  } else if (bits >= f.infinity) {
    raise(OFC | IXC);
    const toInfinity =
      mode === ROUND.NEAREST || (mode === ROUND.PLUS && !sign) || (mode === ROUND.MINUS && sign === 1);
    bits = toInfinity ? f.infinity : f.infinity - 1n;
  }
  if (inexact) raise(IXC);
  return zero(f, sign) | bits;
}

/** FPProcessNaN. */
export function processNaN(f: Format, nan: Unpacked, fpscr: number): bigint {
  if (nan.kind === SNAN) raise(IOC);
  return fpscr & DN ? f.defaultNaN : nan.bits | f.quiet;
}

/** FPProcessNaNs: the first signaling NaN, else the first quiet one; null when there is none. */
function processNaNs(f: Format, a: Unpacked, b: Unpacked, fpscr: number): bigint | null {
  if (a.kind < QNAN && b.kind < QNAN) return null;
  const chosen = a.kind === SNAN ? a : b.kind === SNAN ? b : a.kind === QNAN ? a : b;
  return processNaN(f, chosen, fpscr);
}

/** A sum of exact finite terms; an exact zero of unlike signs is +0, or -0 when rounding toward minus infinity. */
function addFinite(f: Format, a: Term, b: Term, fpscr: number): bigint {
  if (a.sig === 0n && b.sig === 0n && a.sign === b.sign) return zero(f, a.sign);
  const exp = a.sig === 0n ? b.exp : b.sig === 0n ? a.exp : Math.min(a.exp, b.exp);
  const x = a.sig === 0n ? 0n : a.sig << BigInt(a.exp - exp);
  const y = b.sig === 0n ? 0n : b.sig << BigInt(b.exp - exp);
  const sum = (a.sign ? -x : x) + (b.sign ? -y : y);
  if (sum === 0n) return zero(f, ((fpscr >>> RMODE_SHIFT) & 3) === ROUND.MINUS ? 1 : 0);
  return sum < 0n ? round(f, 1, -sum, exp, fpscr) : round(f, 0, sum, exp, fpscr);
}

interface Term {
  readonly sign: number;
  readonly sig: bigint;
  readonly exp: number;
}

function addSigned(f: Format, aBits: bigint, bBits: bigint, negateB: number, fpscr: number): bigint {
  const a = unpack(f, aBits, fpscr);
  const b = unpack(f, bBits, fpscr);
  const nan = processNaNs(f, a, b, fpscr);
  if (nan !== null) return nan;
  const bSign = b.sign ^ negateB;
  if (a.kind === INFINITE) {
    return b.kind === INFINITE && a.sign !== bSign ? invalid(f) : infinity(f, a.sign);
  }
  if (b.kind === INFINITE) return infinity(f, bSign);
  return addFinite(f, a, { sign: bSign, sig: b.sig, exp: b.exp }, fpscr);
}

/** FPAdd. */
export function add(f: Format, a: bigint, b: bigint, fpscr: number): bigint {
  return addSigned(f, a, b, 0, fpscr);
}

/** FPSub: not an addition of -b, because a NaN keeps its sign. */
export function sub(f: Format, a: bigint, b: bigint, fpscr: number): bigint {
  return addSigned(f, a, b, 1, fpscr);
}

/** FPMul. */
export function mul(f: Format, aBits: bigint, bBits: bigint, fpscr: number): bigint {
  const a = unpack(f, aBits, fpscr);
  const b = unpack(f, bBits, fpscr);
  const nan = processNaNs(f, a, b, fpscr);
  if (nan !== null) return nan;
  const sign = a.sign ^ b.sign;
  if (a.kind === INFINITE || b.kind === INFINITE) {
    return isZero(a) || isZero(b) ? invalid(f) : infinity(f, sign);
  }
  const product = a.sig * b.sig;
  return product === 0n ? zero(f, sign) : round(f, sign, product, a.exp + b.exp, fpscr);
}

/** FPDiv. */
export function div(f: Format, aBits: bigint, bBits: bigint, fpscr: number): bigint {
  const a = unpack(f, aBits, fpscr);
  const b = unpack(f, bBits, fpscr);
  const nan = processNaNs(f, a, b, fpscr);
  if (nan !== null) return nan;
  const sign = a.sign ^ b.sign;
  if (a.kind === INFINITE) return b.kind === INFINITE ? invalid(f) : infinity(f, sign);
  if (b.kind === INFINITE) return zero(f, sign);
  if (b.sig === 0n) {
    if (a.sig === 0n) return invalid(f);
    raise(DZC);
    return infinity(f, sign);
  }
  if (a.sig === 0n) return zero(f, sign);
  // Enough quotient bits that the sticky bit lies two below the last bit of a normal result, even from subnormal operands.
  const extra = 2 * f.fractionBits + 4;
  const dividend = a.sig << BigInt(extra);
  let quotient = dividend / b.sig;
  if (quotient * b.sig !== dividend) quotient |= 1n;
  return round(f, sign, quotient, a.exp - b.exp - extra, fpscr);
}

/** FPMulAdd: addend + a * b, rounded once. NaNs are looked for in the order addend, a, b. */
export function mulAdd(f: Format, addend: bigint, aBits: bigint, bBits: bigint, fpscr: number): bigint {
  const c = unpack(f, addend, fpscr);
  const a = unpack(f, aBits, fpscr);
  const b = unpack(f, bBits, fpscr);
  const infiniteProduct = a.kind === INFINITE || b.kind === INFINITE;
  const invalidProduct = infiniteProduct && (isZero(a) || isZero(b));
  const chosen =
    [c, a, b].find((operand) => operand.kind === SNAN) ?? [c, a, b].find((operand) => operand.kind === QNAN);
  if (chosen) {
    // An invalid product beside a quiet NaN addend gives the default NaN, not the addend.
    return chosen === c && chosen.kind === QNAN && invalidProduct ? invalid(f) : processNaN(f, chosen, fpscr);
  }
  const sign = a.sign ^ b.sign;
  if (invalidProduct) return invalid(f);
  if (infiniteProduct) return c.kind === INFINITE && c.sign !== sign ? invalid(f) : infinity(f, sign);
  if (c.kind === INFINITE) return infinity(f, c.sign);
  return addFinite(f, c, { sign, sig: a.sig * b.sig, exp: a.exp + b.exp }, fpscr);
}

/** FPSqrt. */
export function sqrt(f: Format, bits: bigint, fpscr: number): bigint {
  const a = unpack(f, bits, fpscr);
  if (a.kind >= QNAN) return processNaN(f, a, fpscr);
  if (isZero(a)) return zero(f, a.sign);
  if (a.sign) return invalid(f);
  if (a.kind === INFINITE) return infinity(f, 0);
  // An even exponent, and a radicand of twice the precision and some.
  const shift = 2 * f.fractionBits + 8 + (a.exp & 1);
  const radicand = a.sig << BigInt(shift);
  let root = integerSqrt(radicand);
  if (root * root !== radicand) root |= 1n;
  return round(f, 0, root, (a.exp - shift) / 2, fpscr);
}

/** Floor of the square root, by Newton's method from above. */
function integerSqrt(n: bigint): bigint {
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

/** FPRoundInt, by a rounding mode of ROUND; `exact` raises IXC when the value changes. */
export function roundToInteger(f: Format, bits: bigint, mode: number, exact: boolean, fpscr: number): bigint {
  const a = unpack(f, bits, fpscr);
  if (a.kind >= QNAN) return processNaN(f, a, fpscr);
  if (a.kind === INFINITE) return infinity(f, a.sign);
  if (a.sig === 0n) return zero(f, a.sign);
  if (a.exp >= 0) return bits;
  const n = BigInt(-a.exp);
  const rest = BigInt.asUintN(-a.exp, a.sig);
  let kept = a.sig >> n;
  if (roundsUp(mode, a.sign, (kept & 1n) !== 0n, rest, 1n << n)) kept++;
  if (exact && rest !== 0n) raise(IXC);
  return kept === 0n ? zero(f, a.sign) : round(f, a.sign, kept, 0, fpscr);
}

/** FPMaxNum and FPMinNum: a quiet NaN beside a number is no operand. */
export function maxNum(f: Format, aBits: bigint, bBits: bigint, max: boolean, fpscr: number): bigint {
  let a = unpack(f, aBits, fpscr);
  let b = unpack(f, bBits, fpscr);
  const least = max ? f.sign | f.infinity : f.infinity;
  if (a.kind === QNAN && b.kind !== QNAN) a = unpack(f, least, fpscr);
  else if (a.kind !== QNAN && b.kind === QNAN) b = unpack(f, least, fpscr);
  const nan = processNaNs(f, a, b, fpscr);
  if (nan !== null) return nan;
  if (isZero(a) && isZero(b)) return zero(f, max ? a.sign & b.sign : a.sign | b.sign);
  const x = a.sign ? -(a.bits ^ f.sign) : a.bits;
  const y = b.sign ? -(b.bits ^ f.sign) : b.bits;
  return x > y === max ? a.bits : b.bits;
}

/** FPCompare: FPSCR.NZCV in bits 3..0. Quiet NaNs raise IOC only when `signal`. */
export function compare(f: Format, aBits: bigint, bBits: bigint, signal: boolean, fpscr: number): number {
  const a = unpack(f, aBits, fpscr);
  const b = unpack(f, bBits, fpscr);
  if (a.kind >= QNAN || b.kind >= QNAN) {
    if (signal || a.kind === SNAN || b.kind === SNAN) raise(IOC);
    return 0b0011;
  }
  // Apart from the sign, the order of the bits is the order of the values; flushed operands have become zeros.
  const x = a.sign ? -(a.bits ^ f.sign) : a.bits;
  const y = b.sign ? -(b.bits ^ f.sign) : b.bits;
  return x === y ? 0b0110 : x < y ? 0b1000 : 0b0010;
}

function isZero(a: Unpacked): boolean {
  return a.kind === FINITE && a.sig === 0n;
}
