/**
 * Operands for the tests of floating-point arithmetic: the edges of each format, and random bits drawn so that results meet
 * cancellation, overflow, underflow and ties often. Deterministic.
 */

/** Xorshift32: a reproducible stream of 32-bit numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  u32(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  below(n: number): number {
    return Math.floor((this.u32() / 2 ** 32) * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** Magnitudes of a double at the edges of the format; the sign bit is free. */
export const DOUBLES: readonly bigint[] = [
  0x0000000000000000n, // zero
  0x0000000000000001n, // subnormals
  0x0000000000000002n,
  0x0008000000000000n,
  0x000fffffffffffffn,
  0x0010000000000000n, // smallest normal
  0x0010000000000001n,
  0x001fffffffffffffn,
  0x0020000000000000n,
  0x3690000000000000n, // around the smallest single
  0x36a0000000000000n,
  0x380fffffffffffffn,
  0x3810000000000000n,
  0x3810000010000000n,
  0x3ca0000000000000n, // 2^-53
  0x3fe0000000000000n, // 0.5, 1, next to 1, 1.5, 2, 3
  0x3fefffffffffffffn,
  0x3ff0000000000000n,
  0x3ff0000000000001n,
  0x3ff0000010000000n,
  0x3ff0000030000000n,
  0x3ff8000000000000n,
  0x4000000000000000n,
  0x4008000000000000n,
  0x40e0000000000000n, // 2^15, 2^16, 2^31, 2^32 and neighbours
  0x40dfffe000000000n,
  0x40dffff000000000n,
  0x40effff000000000n,
  0x41dfffffffc00000n,
  0x41dfffffffe00000n,
  0x41e0000000000000n,
  0x41efffffffe00000n,
  0x41effffffff00000n,
  0x41f0000000000000n,
  0x4340000000000000n, // 2^53
  0x47efffffe0000000n, // largest single and beyond
  0x47efffffefffffffn,
  0x47effffff0000000n,
  0x47f0000000000000n,
  0x7fe0000000000000n,
  0x7fefffffffffffffn, // largest
  0x7ff0000000000000n, // infinity
  0x7ff0000000000001n, // signaling NaNs
  0x7ff4000020000000n,
  0x7ff8000000000000n, // quiet NaNs
  0x7ff8000000000123n,
  0x7fffffffffffffffn,
];

/** Magnitudes of a single at the edges of the format. */
export const SINGLES: readonly number[] = [
  0x00000000, 0x00000001, 0x00000002, 0x00400000, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000,
  0x33000000, 0x33000001, 0x33800000, 0x337fffff, 0x387fe000, 0x38800000, 0x387fffff, 0x38000000, 0x33c00000,
  0x3f000000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3f801000, 0x3f803000, 0x3fc00000, 0x40000000, 0x40400000,
  0x46fffe00, 0x46ffff00, 0x47000000, 0x477fe000, 0x477fefff, 0x477ff000, 0x477fff00, 0x47800000, 0x47ffe000,
  0x47fff000, 0x4effffff, 0x4f000000, 0x4f7fffff, 0x4f800000, 0x4b000000, 0x4b800000, 0x7f000000, 0x7f7fffff,
  0x7f800000, 0x7f800001, 0x7fa00400, 0x7fc00000, 0x7fc12345, 0x7fffffff,
];

/** Halves at the edges of the format. */
const HALVES: readonly number[] = [
  0x0000, 0x0001, 0x0200, 0x03ff, 0x0400, 0x3bff, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x7c01, 0x7d55, 0x7e00,
  0x7fff,
];

export function randomDouble(random: Random): bigint {
  const sign = BigInt(random.below(2)) << 63n;
  const kind = random.below(8);
  if (kind < 3) return sign | random.pick(DOUBLES);
  const low = BigInt(random.u32());
  const high = BigInt(random.u32() & 0x7fffffff);
  // Any bits; exponents around 1, where sums cancel; few significant bits, where products are exact; near the least exponent.
  if (kind === 3) return sign | (high << 32n) | low;
  const fraction = kind === 5 ? ((high >> 11n) << 45n) & 0xfffffffffffffn : ((high & 0xfffffn) << 32n) | low;
  const exponent =
    kind === 6 ? random.below(60) : kind === 7 ? 1990 + random.below(58) : 960 + random.below(120);
  return sign | (BigInt(exponent) << 52n) | fraction;
}

export function randomSingle(random: Random): number {
  const sign = random.below(2) << 31;
  const kind = random.below(8);
  if (kind < 3) return (sign | random.pick(SINGLES)) >>> 0;
  const bits = random.u32() & 0x7fffffff;
  if (kind === 3) return (sign | bits) >>> 0;
  const fraction = kind === 5 ? (bits >>> 8) & 0x7ff000 : bits & 0x7fffff;
  const exponent =
    kind === 6 ? random.below(30) : kind === 7 ? 225 + random.below(31) : 100 + random.below(56);
  return (sign | (exponent << 23) | fraction) >>> 0;
}

/** A word to read as a single, an integer or a pair of halves. */
export function randomWord(random: Random): number {
  const kind = random.below(8);
  if (kind < 5) return randomSingle(random);
  if (kind === 5) return random.u32();
  if (kind === 6)
    return (
      (random.pick([0, 1, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]) +
        random.below(3) -
        1) >>>
      0
    );
  return (
    (random.pick(HALVES) |
      (random.below(2) << 15) |
      ((random.pick(HALVES) | (random.below(2) << 15)) << 16)) >>>
    0
  );
}
