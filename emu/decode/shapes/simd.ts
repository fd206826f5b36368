/**
 * Argument shapes of Advanced SIMD data processing, for A32 and T32 alike (ARM ARM A7.4; register numbers by A7.3, data types
 * by A7.2).
 *
 * Field letters: d with D, n with N, m with M are registers; Q asks for Q registers, U for unsigned lanes; s is the size, i an
 * immediate.
 *
 * A shape is named in the tables with the data type's letter and the sizes it takes: 'same su bhw' is signed or unsigned by U,
 * of bytes, halfwords or words. A size that is not named, and a Q register with an odd number, is UNDEFINED.
 */
import { isQuad, type Lanes, laneBits, lanes, WORDS } from '../../machine/machine.ts';
import type { Simd, SimdCoreMove, SimdImmediate, SimdShift, SimdTable } from '../../ops/simd.ts';
import type { Fields, Shape } from '../row.ts';
import { imm, reg } from './text.ts';

const SIZES = 'bhwd';

/** 'd3' or 'q1'. */
function name(n: number, quad: boolean): string {
  return quad ? `q${n >> 1}` : `d${n}`;
}

function register(f: Fields, letter: 'd' | 'n' | 'm', extra: 'D' | 'N' | 'M'): number {
  return ((f[extra] ?? 0) << 4) | (f[letter] ?? 0);
}

interface Registers {
  readonly d: number;
  readonly n: number;
  readonly m: number;
}
const registers = (f: Fields): Registers => ({
  d: register(f, 'd', 'D'),
  n: register(f, 'n', 'N'),
  m: register(f, 'm', 'M'),
});

/** The letter of the data type: s or u by U when it is 'su'; none for '-', which is lanes without a type ('.8'). */
function letterOf(kind: string, f: Fields): string {
  if (kind === 'su') return f.U ? 'u' : 's';
  return kind === '-' ? '' : kind;
}

/** Lanes of a size (log2 of bytes) with the data type's signedness: polynomials and untyped ones are unsigned. */
function lanesFor(letter: string, log2: number, quad: boolean): Lanes {
  return lanes(log2, letter === 'u' || letter === 'p' || letter === '', quad);
}

const suffix = (letter: string, bits: number): string => `.${letter}${bits}`;

/** Whether these registers, Q registers all, have even numbers. */
const areQuads = (...numbers: number[]): boolean => numbers.every((n) => (n & 1) === 0);

function text(a: Omit<Simd, 'imm'>, quads: string, operands: string): string {
  const numbers: Record<string, number> = { d: a.d, n: a.n, m: a.m };
  return [...operands].map((o) => name(numbers[o]!, quads.includes(o))).join(', ');
}

/** Operands of one length, of which these are registers. */
function uniform(operands: string, kind: string, sizes: string): Shape<Simd> {
  return {
    decode(f) {
      const r = registers(f);
      const quad = f.Q === 1;
      if (quad && !areQuads(r.d, r.n, r.m)) return null;
      if (kind === '') return { ...r, t: lanes(0, true, quad), imm: 0, dt: '' };
      const log2 = kind === 'f' && f.s === undefined ? 2 : (f.s ?? SIZES.indexOf(sizes));
      if (!sizes.includes(SIZES[log2]!)) return null;
      const letter = letterOf(kind, f);
      return { ...r, t: lanesFor(letter, log2, quad), imm: 0, dt: suffix(letter, 8 << log2) };
    },
    print: (a) => text(a, isQuad(a.t) ? operands : '', operands),
  };
}

/** Vd, Vn, Vm. Without a kind: bits. */
export const same = (kind = '', sizes = ''): Shape<Simd> => uniform('dnm', kind, sizes);
/** Vd, Vm. */
export const two = (kind = '', sizes = ''): Shape<Simd> => uniform('dm', kind, sizes);
/** Of VUZP and VZIP, whose words in D registers are VTRN. */
export const permuted: Shape<Simd> = {
  decode: (f, ctx) => (f.Q === 0 && f.s === 2 ? null : two('-', 'bhw').decode(f, ctx)),
  print: (a) => text(a, isQuad(a.t) ? 'dm' : '', 'dm'),
};
/** Vd, Vm, #0. */
export function withZero(kind: string, sizes: string): Shape<Simd> {
  const shape = uniform('dm', kind, sizes);
  return { decode: shape.decode, print: (a, ctx) => `${shape.print(a, ctx)}, #0` };
}
/** Vd, Vm, Vn: shifts by a register, with what is shifted as n. */
export function shifted(kind: string, sizes: string): Shape<Simd> {
  const shape = uniform('dnm', kind, sizes);
  return {
    decode(f, ctx) {
      const a = shape.decode(f, ctx);
      return a && { ...a, n: a.m, m: a.n };
    },
    print: shape.print,
  };
}

/**
 * Operands of which those in `quads` are Q registers; t is lanes of the source, and `shown` the factor to its size in the data
 * type.
 */
function mixed(operands: string, quads: string, source: 'quad' | 'double', shown: number) {
  return (kind: string, sizes: string): Shape<Simd> => ({
    decode(f) {
      const r = registers(f);
      for (const q of quads) if (r[q as keyof Registers] & 1) return null;
      const log2 = f.s ?? SIZES.indexOf(sizes);
      if (!sizes.includes(SIZES[log2]!)) return null;
      const letter = letterOf(kind, f);
      const t = lanesFor(letter, source === 'quad' ? log2 + 1 : log2, source === 'quad');
      return { ...r, t, imm: 0, dt: suffix(letter, (8 << log2) * shown) };
    },
    print: (a) => text(a, quads, operands),
  });
}

/** Qd, Dn, Dm. */
export const long = mixed('dnm', 'd', 'double', 1);
/** Qd, Qn, Dm. */
export const wide = mixed('dnm', 'dn', 'double', 1);
/** Dd, Qn, Qm. The size is the result's, the data type the source's. */
export const narrow = mixed('dnm', 'nm', 'quad', 2);
/** Dd, Qm. */
export const twoNarrow = mixed('dm', 'm', 'quad', 2);
/** Qd, Dm, #size. */
export function longMax(kind: string, sizes: string): Shape<Simd & SimdShift> {
  const shape = mixed('dm', 'd', 'double', 1)(kind, sizes);
  return {
    decode(f, ctx) {
      const a = shape.decode(f, ctx);
      return a && { ...a, amount: laneBits(a.t) };
    },
    print: (a, ctx) => `${shape.print(a, ctx)}, ${imm(a.amount)}`,
  };
}

// ---- scalars ----

/** Register and index of the scalar: m<2:0> of halfwords, m<3:0> of words. */
function scalarOf(f: Fields, log2: number): { m: number; imm: number } {
  const m = register(f, 'm', 'M');
  return log2 === 1 ? { m: m & 7, imm: m >> 3 } : { m: m & 15, imm: m >> 4 };
}
const scalarText = (a: Simd): string => `d${a.m}[${a.imm}]`;

/** Vd, Vn, Dm[x]. */
export function byScalar(kind: string, sizes: string): Shape<Simd> {
  return {
    decode(f) {
      const quad = f.Q === 1;
      const { d, n } = registers(f);
      if (!sizes.includes(SIZES[f.s!]!) || (quad && !areQuads(d, n))) return null;
      return { t: lanesFor(kind, f.s!, quad), d, n, ...scalarOf(f, f.s!), dt: suffix(kind, 8 << f.s!) };
    },
    print: (a) => `${text(a, isQuad(a.t) ? 'dn' : '', 'dn')}, ${scalarText(a)}`,
  };
}
/** Qd, Dn, Dm[x]. */
export function longByScalar(kind: string, sizes: string): Shape<Simd> {
  return {
    decode(f) {
      const { d, n } = registers(f);
      if (!sizes.includes(SIZES[f.s!]!) || d & 1) return null;
      const letter = letterOf(kind, f);
      return { t: lanesFor(letter, f.s!, false), d, n, ...scalarOf(f, f.s!), dt: suffix(letter, 8 << f.s!) };
    },
    print: (a) => `${text(a, 'd', 'dn')}, ${scalarText(a)}`,
  };
}
/** Vd, Dm[x]: the size is where imm4's lowest one is. */
export const dupScalar: Shape<Simd> = {
  decode(f) {
    const quad = f.Q === 1;
    const { d, m } = registers(f);
    const log2 = f.i! & 1 ? 0 : f.i! & 2 ? 1 : f.i! & 4 ? 2 : -1;
    if (log2 < 0 || (quad && d & 1)) return null;
    return { t: lanes(log2, true, quad), d, n: 0, m, imm: f.i! >> (log2 + 1), dt: suffix('', 8 << log2) };
  },
  print: (a) => `${text(a, isQuad(a.t) ? 'd' : '', 'd')}, ${scalarText(a)}`,
};

// ---- shifts by an immediate ----

/** L:imm6 (i): the size is where its highest one is, below that a number. Null when that is another encoding. */
function shiftOf(f: Fields): { log2: number; value: number } | null {
  const value = ((f.L ?? 0) << 6) | f.i!;
  return value < 8 ? null : { log2: 28 - Math.clz32(value), value };
}

/** Vd, Vm, #shift. */
function shiftImmediate(direction: 'left' | 'right') {
  return (kind: string): Shape<SimdShift> => ({
    decode(f) {
      const quad = f.Q === 1;
      const { d, m } = registers(f);
      const shift = shiftOf(f);
      if (shift === null || (quad && !areQuads(d, m))) return null;
      const { log2, value } = shift;
      const bits = 8 << log2;
      const letter = letterOf(kind, f);
      const amount = direction === 'left' ? value - bits : 2 * bits - value;
      return { t: lanesFor(letter, log2, quad), d, n: 0, m, amount, dt: suffix(letter, bits) };
    },
    print: (a) => `${text(a, isQuad(a.t) ? 'dm' : '', 'dm')}, ${imm(a.amount)}`,
  });
}
export const shiftLeft = shiftImmediate('left');
export const shiftRight = shiftImmediate('right');

/** Dd, Qm, #shift. */
export function shiftNarrow(kind: string): Shape<SimdShift> {
  return {
    decode(f) {
      const { d, m } = registers(f);
      const shift = shiftOf(f);
      if (shift === null || m & 1) return null;
      const { log2, value } = shift;
      const letter = letterOf(kind, f);
      const t = lanesFor(letter, log2 + 1, true);
      return { t, d, n: 0, m, amount: (16 << log2) - value, dt: suffix(letter, 16 << log2) };
    },
    print: (a) => `${text(a, 'm', 'dm')}, ${imm(a.amount)}`,
  };
}
/** Qd, Dm, #shift; a shift of 0 is VMOVL. */
export function shiftLong(kind: string): Shape<SimdShift> {
  return {
    decode(f) {
      const { d, m } = registers(f);
      const shift = shiftOf(f);
      if (shift === null || d & 1) return null;
      const { log2, value } = shift;
      const letter = letterOf(kind, f);
      if (value === 8 << log2) return null;
      return {
        t: lanesFor(letter, log2, false),
        d,
        n: 0,
        m,
        amount: value - (8 << log2),
        dt: suffix(letter, 8 << log2),
      };
    },
    print: (a) => `${text(a, 'd', 'dm')}, ${imm(a.amount)}`,
  };
}
/** Qd, Dm: the size is the one bit of imm3. */
export const moveLong: Shape<Simd> = {
  decode(f) {
    const { d, m } = registers(f);
    const log2 = [1, 2, 4].indexOf(f.i!);
    if (log2 < 0 || d & 1) return null;
    const letter = letterOf('su', f);
    return { t: lanesFor(letter, log2, false), d, n: 0, m, imm: 0, dt: suffix(letter, 8 << log2) };
  },
  print: (a) => text(a, 'd', 'dm'),
};

// ---- conversions ----

/** The data types of a conversion: `to` is the result's letter, where 'i' is an integer by U. */
function conversionTypes(to: string, f: Fields): string {
  const integer = f.U ? '.u32' : '.s32';
  return to === 'f' ? `.f32${integer}` : `${integer}.f32`;
}
/** Vd, Vm between floats and integers. */
export function convert(to: string): Shape<SimdShift> {
  return {
    decode(f) {
      const quad = f.Q === 1;
      const { d, m } = registers(f);
      if (quad && !areQuads(d, m)) return null;
      return { t: lanes(2, f.U === 1, quad), d, n: 0, m, amount: 0, dt: conversionTypes(to, f) };
    },
    print: (a) => text(a, isQuad(a.t) ? 'dm' : '', 'dm'),
  };
}
/** The same with fixed point: 64 - imm6 fraction bits, of which the upper bit is 1. */
export function convertFixed(to: string): Shape<SimdShift> {
  const shape = convert(to);
  return {
    decode(f, ctx) {
      const a = shape.decode(f, ctx);
      return a && { ...a, amount: 32 - f.i! };
    },
    print: (a, ctx) => `${shape.print(a, ctx)}, ${imm(a.amount)}`,
  };
}
/** Dd, Qm to half precision, and Qd, Dm from it. */
export function half(to: string): Shape<Simd> {
  const quads = to === 'half' ? 'm' : 'd';
  return {
    decode(f) {
      const { d, m } = registers(f);
      if ((quads === 'm' ? m : d) & 1) return null;
      return { t: WORDS, d, n: 0, m, imm: 0, dt: to === 'half' ? '.f16.f32' : '.f32.f16' };
    },
    print: (a) => text(a, quads, 'dm'),
  };
}

// ---- other forms ----

/** Vd, Vn, Vm, #byte. */
export const extract: Shape<Simd> = {
  decode(f) {
    const quad = f.Q === 1;
    const r = registers(f);
    if (quad ? !areQuads(r.d, r.n, r.m) : f.i! > 7) return null;
    return { t: lanes(0, true, quad), ...r, imm: f.i!, dt: '.8' };
  },
  print: (a) => `${text(a, isQuad(a.t) ? 'dnm' : '', 'dnm')}, ${imm(a.imm)}`,
};

/** Dd, {list}, Dm. A list beyond d31 is UNPREDICTABLE, and UNDEFINED here. */
export const table: Shape<SimdTable> = {
  decode(f) {
    const r = registers(f);
    const count = f.l! + 1;
    return r.n + count > 32 ? null : { t: 0, ...r, imm: 0, count, dt: '.8' };
  },
  print: (a) => `d${a.d}, ${list(a.n, a.count)}, d${a.m}`,
};
function list(first: number, count: number): string {
  return count === 1 ? `{d${first}}` : `{d${first}-d${first + count - 1}}`;
}

/** Vd, Rt. B:E is the size. */
export const dupCore: Shape<SimdCoreMove> = {
  decode(f) {
    const quad = f.Q === 1;
    const d = register(f, 'd', 'D');
    const log2 = 2 - ((f.b! << 1) | f.e!);
    if (log2 < 0 || f.t === 15 || (quad && d & 1)) return null;
    return { t: lanes(log2, true, quad), d, n: 0, m: 0, imm: 0, t1: f.t!, dt: suffix('', 8 << log2) };
  },
  print: (a) => `${text(a, isQuad(a.t) ? 'd' : '', 'd')}, ${reg(a.t1)}`,
};
/** Dd[x], Rt or Rt, Dn[x]; x is the index. */
export function lane(direction: string, size: string): Shape<SimdCoreMove> {
  const log2 = SIZES.indexOf(size);
  return {
    decode(f) {
      if (f.t === 15) return null;
      const letter = direction === 'toCore' ? letterOf('su', f) : '';
      const t = lanesFor(letter, log2, false);
      const dt = suffix(letter, 8 << log2);
      return { t, d: register(f, 'n', 'N'), n: 0, m: 0, imm: f.x!, t1: f.t!, dt };
    },
    print(a) {
      const scalar = `d${a.d}[${a.imm}]`;
      return direction === 'toCore' ? `${reg(a.t1)}, ${scalar}` : `${scalar}, ${reg(a.t1)}`;
    },
  };
}

// ---- modified immediates ----

/** AdvSIMDExpandImm (A7.4.6): `bits` of SimdImmediate, and the size and the constant that the text has. */
function expand(op: number, cmode: number, imm8: number): { bits: number; log2: number; text: string } {
  const integer = (word: number, value: number, log2: number) => ({
    bits: word | 0,
    log2,
    text: `#${value >>> 0}`,
  });
  switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
      return integer(imm8 << (8 * (cmode >> 1)), imm8 << (8 * (cmode >> 1)), 2);
    case 4:
    case 5: {
      const value = imm8 << (cmode & 2 ? 8 : 0);
      return integer(value | (value << 16), value, 1);
    }
    case 6: {
      const value = cmode & 1 ? (imm8 << 16) | 0xffff : (imm8 << 8) | 0xff;
      return integer(value, value, 2);
    }
  }
  if ((cmode & 1) === 0) {
    if (op === 0) return integer(imm8 * 0x0101_0101, imm8, 0);
    const spread = (bits: number) =>
      [0, 1, 2, 3].reduce((word, i) => ((bits >> i) & 1 ? word | (0xff << (8 * i)) : word), 0);
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return { bits: imm8, log2: 3, text: `#0x${hex(spread(imm8 >> 4))}${hex(spread(imm8))}` };
  }
  const exponent = ((imm8 >> 4) & 3) + (imm8 & 0x40 ? 124 : 128);
  const word = ((imm8 & 0x80) << 24) | (exponent << 23) | ((imm8 & 15) << 19);
  return { bits: word, log2: 2, text: '' };
}

/** Which cmodes are the instruction's, as a mask; `o` of the encoding is its second operand. */
const CMODES: Record<string, number> = {
  mov: 0b1111_0101_0101_0101,
  mov64: 0b0100_0000_0000_0000,
  mvn: 0b0011_0101_0101_0101,
  logical: 0b0000_1010_1010_1010,
};

/** Vd, #constant. k is cmode, and o, which is 1 for the inverted ones, fixed in the row's bits. */
export function modified(form: string, kind: string): Shape<SimdImmediate> {
  return {
    decode(f) {
      const quad = f.Q === 1;
      const d = register(f, 'd', 'D');
      if (((CMODES[form]! >> f.k!) & 1) === 0 || (quad && d & 1)) return null;
      const { bits, log2, text: constant } = expand(form === 'mov64' ? 1 : 0, f.k!, f.i!);
      const isFloat = f.k === 15;
      return {
        t: lanes(2, true, quad),
        d,
        bits,
        dt: isFloat ? '.f32' : suffix(kind, 8 << log2),
        text: isFloat ? floatText(bits) : constant,
      };
    },
    print: (a) => `${name(a.d, isQuad(a.t))}, ${a.text}`,
  };
}
/** The one of doublewords, whose k is fixed. */
export const modified64: Shape<SimdImmediate> = {
  decode: (f, ctx) => modified('mov64', 'i').decode({ ...f, k: 14 }, ctx),
  print: (a, ctx) => modified('mov64', 'i').print(a, ctx),
};
function floatText(bits: number): string {
  const value = new Float32Array(Int32Array.of(bits).buffer)[0]!;
  return `#${Number.isInteger(value) ? value.toFixed(1) : value}`;
}

// ---- UNPREDICTABLE operands that have a natural meaning ----

export function sameRegister(a: Simd): boolean {
  return a.d === a.m;
}
