/** The S-boxes of AES (FIPS 197, 5.1.1 and 5.3.2): inverses in GF(2^8), and an affine transformation of their bits. */

/** Product by the AES polynomial. */
function product(x: number, y: number): number {
  let p = 0;
  for (let i = 0; i < 8; i++) {
    if ((y >> i) & 1) p ^= x;
    x = (x << 1) ^ (x & 0x80 ? 0x11b : 0);
  }
  return p;
}

const BYTES = Array.from({ length: 256 }, (_, x) => x);

export const SUB_BYTES: readonly number[] = BYTES.map((x) => {
  const inverse = BYTES.find((y) => product(x, y) === 1) ?? 0;
  const rotated = (n: number) => (inverse << n) | (inverse >> (8 - n));
  return (inverse ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63) & 0xff;
});

export const INVERSE_SUB_BYTES: readonly number[] = BYTES.map((y) => SUB_BYTES.indexOf(y));
