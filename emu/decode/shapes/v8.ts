/**
 * Argument shapes of what ARMv8 adds to AArch32 state: CRC32, vectors of the Cryptographic Extension, dot products.
 */
import { lanes } from '../../machine/machine.ts';
import type { Simd } from '../../ops/simd.ts';
import type { Checksum } from '../../ops/v8.ts';
import type { Fields, Shape } from '../row.ts';
import { regs } from './text.ts';

/** Rd, Rn, Rm; Castagnoli's polynomial with 'c'. */
export function checksum(size: string, castagnoli = ''): Shape<Checksum> {
  return {
    decode: (f) => ({
      d: f.d!,
      n: f.n!,
      m: f.m!,
      size: 8 << 'bhw'.indexOf(size),
      castagnoli: castagnoli === 'c',
    }),
    print: (a) => regs(a.d, a.n, a.m),
  };
}

function register(f: Fields, letter: 'd' | 'n' | 'm', extra: 'D' | 'N' | 'M'): number {
  return ((f[extra] ?? 0) << 4) | (f[letter] ?? 0);
}

/** Two or three Q registers. */
export function quads(count: number, bits: number): Shape<Simd> {
  return {
    decode(f) {
      const [d, n, m] = [register(f, 'd', 'D'), register(f, 'n', 'N'), register(f, 'm', 'M')];
      if ((d | n | m) & 1) return null;
      return { t: lanes(Math.log2(bits / 8), true, true), d, n, m, imm: 0, dt: `.${bits}` };
    },
    print: (a) => (count === 2 ? [a.d, a.m] : [a.d, a.n, a.m]).map((r) => `q${r >> 1}`).join(', '),
  };
}

/** Qd, Dn, Dm of polynomials of 64 bits. */
export const longP64: Shape<Simd> = {
  decode(f) {
    const d = register(f, 'd', 'D');
    if (d & 1) return null;
    return {
      t: lanes(3, true, false),
      d,
      n: register(f, 'n', 'N'),
      m: register(f, 'm', 'M'),
      imm: 0,
      dt: '.p64',
    };
  },
  print: (a) => `q${a.d >> 1}, d${a.n}, d${a.m}`,
};

/** Vd, Vn, Vm of words that are sums of four products of bytes. */
export function dot(sign: string): Shape<Simd> {
  return {
    decode(f) {
      const quad = f.Q === 1;
      const [d, n, m] = [register(f, 'd', 'D'), register(f, 'n', 'N'), register(f, 'm', 'M')];
      if (quad && (d | n | m) & 1) return null;
      return { t: lanes(0, sign === 'u', quad), d, n, m, imm: 0, dt: `.${sign}8` };
    },
    print: (a) => [a.d, a.n, a.m].map((r) => (a.t & 8 ? `q${r >> 1}` : `d${r}`)).join(', '),
  };
}
/** Vd, Vn, Dm[x]. */
export function dotScalar(sign: string): Shape<Simd> {
  return {
    decode(f) {
      const quad = f.Q === 1;
      const [d, n] = [register(f, 'd', 'D'), register(f, 'n', 'N')];
      if (quad && (d | n) & 1) return null;
      return { t: lanes(0, sign === 'u', quad), d, n, m: f.m!, imm: f.M!, dt: `.${sign}8` };
    },
    print: (a) =>
      `${[a.d, a.n].map((r) => (a.t & 8 ? `q${r >> 1}` : `d${r}`)).join(', ')}, d${a.m}[${a.imm}]`,
  };
}
