/**
 * Argument shapes of the VFP encodings, for A32 and T32 alike (ARM ARM A7.5 to A7.8, register numbers by A7.3).
 *
 * Field letters: d with D, n with N, m with M are extension registers; z is 1 for double precision; t, u core registers; i an
 * immediate. The data types, which follow the condition in assembly text, are the args' `dt`.
 */
import type { FpConvert, FpSize } from '../../machine/machine.ts';
import type {
  FpBlockTransfer,
  FpConversion,
  FpCoreMove,
  FpImmediate,
  FpRegisters,
  FpStatusMove,
  FpTransfer,
} from '../../ops/vfp.ts';
import type { DecodeContext, Fields, Shape } from '../row.ts';
import { imm, reg, regs } from './text.ts';

/** A register number from its four-bit field and its extra bit: the top bit of a double's, the lowest of a single's. */
function number(size: FpSize, field: number, extra: number): number {
  return size === 64 ? (extra << 4) | field : (field << 1) | extra;
}

function sizeOf(f: Fields): FpSize {
  return f.z === 1 ? 64 : 32;
}

function name(size: FpSize, n: number): string {
  return (size === 64 ? 'd' : 's') + n;
}

function registers(f: Fields): FpRegisters {
  const size = sizeOf(f);
  return {
    size,
    d: number(size, f.d!, f.D!),
    n: number(size, f.n ?? 0, f.N ?? 0),
    m: number(size, f.m ?? 0, f.M ?? 0),
    dt: `.f${size}`,
  };
}

/** Vd, Vn, Vm. */
export const three: Shape<FpRegisters> = {
  decode: registers,
  print: (a) => `${name(a.size, a.d)}, ${name(a.size, a.n)}, ${name(a.size, a.m)}`,
};

/** Vd, Vm. */
export const two: Shape<FpRegisters> = {
  decode: registers,
  print: (a) => `${name(a.size, a.d)}, ${name(a.size, a.m)}`,
};

/** Vd, #0.0: the comparison with zero. */
export const withZero: Shape<FpRegisters> = {
  decode: (f) => ({ ...registers(f), m: -1 }),
  print: (a) => `${name(a.size, a.d)}, #0.0`,
};

/** VFPExpandImm: bits of the single or of the high word of the double from sign, three exponent bits and four fraction bits. */
function expandImm(size: FpSize, imm8: number): number {
  const sign = (imm8 & 0x80) << 24;
  const exponent = ((imm8 >> 4) & 3) + (imm8 & 0x40 ? -4 : 0);
  const fraction = imm8 & 15;
  if (size === 64) return sign | ((exponent + 1024) << 20) | (fraction << 16);
  return sign | ((exponent + 128) << 23) | (fraction << 19);
}

/** Value of an encoded immediate: +-(16..31)/16 * 2^(-3..4). */
function immediateValue(a: FpImmediate): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setInt32(0, a.bits);
  return a.size === 64 ? view.getFloat64(0) : view.getFloat32(0);
}

/** Vd, #constant. */
export const immediate: Shape<FpImmediate> = {
  decode(f) {
    const size = sizeOf(f);
    return { size, d: number(size, f.d!, f.D!), bits: expandImm(size, f.i!), dt: `.f${size}` };
  },
  print(a) {
    const value = immediateValue(a);
    return `${name(a.size, a.d)}, #${Number.isInteger(value) ? value.toFixed(1) : value}`;
  },
};

// ---- conversions ----

/** Registers of a conversion's operands as text: doubles by the type's name, all else in singles. */
function printConversion(a: FpConversion): string {
  const [, to, from] = a.dt.split('.');
  return `${to === 'f64' ? 'd' : 's'}${a.d}, ${from === 'f64' ? 'd' : 's'}${a.m}`;
}

/** VCVT between double and single; z is the source's precision. */
export const betweenFloats: Shape<FpConversion> = {
  decode(f) {
    const from = sizeOf(f);
    const to = from === 64 ? 32 : 64;
    return {
      op: from === 64 ? 'f32_f64' : 'f64_f32',
      d: number(to, f.d!, f.D!),
      m: number(from, f.m!, f.M!),
      fbits: 0,
      dt: `.f${to}.f${from}`,
    };
  },
  print: printConversion,
};

/** VCVT from an integer; s is 1 for a signed one. */
export const fromInteger: Shape<FpConversion> = {
  decode(f) {
    const size = sizeOf(f);
    return {
      op: `f${size}_${f.s ? 'i' : 'u'}32`,
      d: number(size, f.d!, f.D!),
      m: number(32, f.m!, f.M!),
      fbits: 0,
      dt: `.f${size}.${f.s ? 's' : 'u'}32`,
    };
  },
  print: printConversion,
};

/** VCVT (toward zero), VCVTR (by FPSCR), or VCVTA and kin, to an integer; s is 1 for a signed one. */
export function toInteger(rounding = ''): Shape<FpConversion> {
  return {
    decode(f) {
      const size = sizeOf(f);
      return {
        op: `${f.s ? 'i' : 'u'}32_f${size}${rounding}` as FpConvert,
        d: number(32, f.d!, f.D!),
        m: number(size, f.m!, f.M!),
        fbits: 0,
        dt: `.${f.s ? 's' : 'u'}32.f${size}`,
      };
    },
    print: printConversion,
  };
}

/**
 * VCVT between floating and fixed point, in one register. x is 1 for 32 bits, U for unsigned; the immediate i:j is subtracted
 * from the width. `to` names what the result is.
 */
export function fixedPoint(to: 'fixed' | 'float'): Shape<FpConversion> {
  return {
    decode(f) {
      const size = sizeOf(f);
      const width = f.x ? 32 : 16;
      const sign = f.U ? 'u' : 's';
      const d = number(size, f.d!, f.D!);
      const fixed = `x${width}${sign}`;
      return {
        op: (to === 'fixed' ? `${fixed}_f${size}` : `f${size}_${fixed}`) as FpConvert,
        d,
        m: d,
        fbits: width - ((f.i! << 1) | f.j!),
        dt: to === 'fixed' ? `.${sign}${width}.f${size}` : `.f${size}.${sign}${width}`,
      };
    },
    print(a) {
      const register = name(a.dt.includes('f64') ? 64 : 32, a.d);
      return `${register}, ${register}, ${imm(a.fbits)}`;
    },
  };
}

/** VCVTB, VCVTT: half precision in the bottom or top of a single register. */
export function half(part: string, to: string): Shape<FpConversion> {
  const wide = to === 'double' || to === 'fromDouble' ? 64 : 32;
  const toHalf = to === 'half' || to === 'fromDouble';
  return {
    decode: (f) => ({
      op: (toHalf ? `f16${part}_f${wide}` : `f${wide}_f16${part}`) as FpConvert,
      d: number(toHalf ? 32 : wide, f.d!, f.D!),
      m: number(toHalf ? wide : 32, f.m!, f.M!),
      fbits: 0,
      dt: toHalf ? `.f16.f${wide}` : `.f${wide}.f16`,
    }),
    print: printConversion,
  };
}

// ---- loads and stores ----

/** Vd, [Rn, #+-imm8*4]. */
export function transfer(size: FpSize): Shape<FpTransfer> {
  return {
    decode(f) {
      const add = f.U === 1;
      const offset = f.i! * 4;
      return { size, d: number(size, f.d!, f.D!), n: f.n!, offset: add ? offset : 0 - offset, add };
    },
    print(a) {
      const offset = a.offset !== 0 ? `, #${a.offset}` : a.add ? '' : ', #-0';
      return `${name(a.size, a.d)}, [${reg(a.n)}${offset}]`;
    },
  };
}

/** What a list is of. i counts words of singles, and pairs of words else; the X forms have one word more, which holds nothing. */
export type List = 'double' | 'single' | 'x';

/** Rn{!}, {list}. */
export function block(list: List, mode: 'IA' | 'DB', form: 'load' | 'store'): Shape<FpBlockTransfer> {
  const before = mode === 'DB';
  return {
    decode(f) {
      const wback = before || f.W === 1;
      if (f.n === 15 && wback) return null;
      // These are VPOP and VPUSH.
      if (list !== 'x' && f.n === 13 && wback && before === (form === 'store')) return null;
      return blockOf(list, f, f.n!, before, wback);
    },
    print: (a) => `${reg(a.n)}${a.wback ? '!' : ''}, ${listOf(a)}`,
  };
}

/** VPUSH, VPOP: {list}. */
export function stack(list: List, form: 'push' | 'pop'): Shape<FpBlockTransfer> {
  return {
    decode: (f) => blockOf(list, f, 13, form === 'push', true),
    print: listOf,
  };
}

/** Null (UNDEFINED) for lists that are empty, too long or run past the last register. */
function blockOf(list: List, f: Fields, n: number, before: boolean, wback: boolean): FpBlockTransfer | null {
  const size = list === 'single' ? 32 : 64;
  const d = number(size, f.d!, f.D!);
  const count = f.i!;
  if (count === 0 || d + count > 32 || (size === 64 && count > 16)) return null;
  return { size, d, count, n, before, wback, bytes: count * (size / 8) + (list === 'x' ? 4 : 0) };
}

function listOf(a: FpBlockTransfer): string {
  const first = name(a.size, a.d);
  return a.count === 1 ? `{${first}}` : `{${first}-${name(a.size, a.d + a.count - 1)}}`;
}

// ---- moves between core and floating-point registers; with the PC they are UNPREDICTABLE, and UNDEFINED here ----

type DecodeMove = (f: Fields) => FpCoreMove | null;
type PrintMove = (a: FpCoreMove) => string;

/** The destination comes first in the text. */
function coreMove(
  toCore: boolean,
  decode: DecodeMove,
  core: PrintMove,
  extension: PrintMove,
): Shape<FpCoreMove> {
  return {
    decode: (f) => (f.t === 15 || f.u === 15 ? null : decode(f)),
    print: (a) => (toCore ? `${core(a)}, ${extension(a)}` : `${extension(a)}, ${core(a)}`),
  };
}

/** An S register and a core register. */
export function single(toCore: boolean): Shape<FpCoreMove> {
  return coreMove(
    toCore,
    (f) => ({ size: 32, t: f.t!, t2: -1, d: number(32, f.n!, f.N!), x: 0, dt: '' }),
    (a) => reg(a.t),
    (a) => `s${a.d}`,
  );
}

/** One word of a D register and a core register. */
export function scalar(toCore: boolean): Shape<FpCoreMove> {
  return coreMove(
    toCore,
    (f) => ({ size: 64, t: f.t!, t2: -1, d: number(64, f.n!, f.N!), x: f.x!, dt: '.32' }),
    (a) => reg(a.t),
    (a) => `d${a.d}[${a.x}]`,
  );
}

/** A D register and two core registers. */
export function double(toCore: boolean): Shape<FpCoreMove> {
  return coreMove(
    toCore,
    (f) => ({ size: 64, t: f.t!, t2: f.u!, d: number(64, f.m!, f.M!), x: 0, dt: '' }),
    (a) => regs(a.t, a.t2),
    (a) => `d${a.d}`,
  );
}

/** Two S registers in a row and two core registers; there is no s32. */
export function twoSingles(toCore: boolean): Shape<FpCoreMove> {
  return coreMove(
    toCore,
    (f) => {
      const d = number(32, f.m!, f.M!);
      return d === 31 ? null : { size: 32, t: f.t!, t2: f.u!, d, x: 0, dt: '' };
    },
    (a) => regs(a.t, a.t2),
    (a) => `s${a.d}, s${a.d + 1}`,
  );
}

/** FPSCR, Rt. */
export const toStatus: Shape<FpStatusMove> = {
  decode: (f) => (f.t === 15 ? null : { t: f.t! }),
  print: (a) => `fpscr, ${reg(a.t)}`,
};

/** Rt, FPSCR; Rt 15 is the flags. */
export const fromStatus: Shape<FpStatusMove> = {
  decode: (f) => ({ t: f.t! }),
  print: (a) => `${a.t === 15 ? 'APSR_nzcv' : reg(a.t)}, fpscr`,
};

// ---- UNPREDICTABLE operands that have a natural meaning ----

export function negativeFractionBits(a: FpConversion): boolean {
  return a.fbits < 0;
}

export function sameTarget(a: FpCoreMove): boolean {
  return a.t === a.t2;
}

/** A store relative to the PC, in Thumb state. */
export function thumbPC(a: FpTransfer, _f: Fields, ctx: DecodeContext): boolean {
  return a.n === 15 && ctx.thumb;
}

export function blockFromPC(a: FpBlockTransfer, _f: Fields, ctx: DecodeContext): boolean {
  return a.n === 15 && (a.wback || ctx.thumb);
}
