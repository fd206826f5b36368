/**
 * 32-bit integer arithmetic that JavaScript's operators do not give: used by the evaluator and the effects recorder.
 * Arguments and results are int32 numbers.
 */

/** High word of the unsigned 64-bit product. */
export function mulhU(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // < 2^32, exact
  const middle2 = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (middle2 >>> 16)) | 0;
}

/** High word of the signed 64-bit product. */
export function mulhS(a: number, b: number): number {
  return (mulhU(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0;
}

/** SDIV: rounds toward zero; x/0 = 0 (user mode never traps), 0x80000000/-1 = 0x80000000. */
export function divS(a: number, b: number): number {
  return b === 0 ? 0 : (a / b) | 0;
}

/** UDIV; x/0 = 0. */
export function divU(a: number, b: number): number {
  return b === 0 ? 0 : ((a >>> 0) / (b >>> 0)) | 0;
}

export function ror(a: number, n: number): number {
  return (a >>> n) | (a << (32 - n));
}

/** Reverses the four bytes. */
export function swap32(a: number): number {
  return (a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24);
}
