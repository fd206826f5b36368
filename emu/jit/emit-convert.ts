/**
 * Compiled conversions of VFP: between sizes, halves, integers and fixed point. As in emit-fp.ts, what has a NaN, a subnormal
 * result or a number out of range is the evaluator's.
 */
import type { FpConvert, FpSize } from '../machine/machine.ts';
import { inexactUnless } from './emit-fpscr.ts';
import { DOUBLE, FloatWriter, type Rounding, SINGLE } from './float-writer.ts';
import { F32, F64, I32, I64, OP } from './wasm.ts';

const HALF_EXPONENT = 0x7c00;

/** A number of so many bits, of which the lowest are fraction bits. */
interface Fixed {
  readonly bits: 16 | 32;
  readonly signed: boolean;
  readonly fbits: number;
}

/** What the parts of an FpConvert name say. */
const sizeOf = (name: string): FpSize => (name.startsWith('f64') ? 64 : 32);
const shiftOf = (half: string): number => (half.endsWith('t') ? 16 : 0);
const fixedOf = (name: string, fbits: number): Fixed => ({
  bits: name.startsWith('x16') ? 16 : 32,
  signed: name.endsWith('s'),
  fbits,
});

export class ConversionEmitter extends FloatWriter {
  /** Machine.fpConvert. */
  convert(op: FpConvert, d: number, m: number, fbits: number): void {
    const [to, from] = op.split('_') as [string, string];
    if (to.startsWith('f16')) this.#toHalf(sizeOf(from), shiftOf(to), d, m);
    else if (from.startsWith('f16')) this.#fromHalf(sizeOf(to), shiftOf(from), d, m);
    else if (to[0] === 'x') this.#toInteger(sizeOf(from), fixedOf(to, fbits), 'z', sizeOf(from), d, m);
    else if (from[0] === 'x') this.#fromFixed(sizeOf(to), fixedOf(from, fbits), d, m);
    else if (op === 'f64_f32') this.#widen(d, m);
    else if (op === 'f32_f64') this.#narrow(d, m);
    else if (to[0] === 'f') {
      if (to === 'f64') this.#doubleFromInteger(from === 'i32', d, m);
      else this.#singleFromInteger(from === 'i32', d, m);
    } else {
      const rounding = (from[3] ?? 'z') as Rounding;
      this.#toInteger(sizeOf(from), { bits: 32, signed: to === 'i32', fbits: 0 }, rounding, 32, d, m);
    }
  }

  #widen(d: number, m: number): void {
    const { out, vfp } = this.e;
    const a = vfp.read(32, m);
    const isNumber = () => {
      out.get(a);
      out.get(a);
      out.byte(OP.f32_eq);
    };
    const widened = () => {
      out.get(a);
      out.byte(OP.f64_promote_f32);
    };
    this.fastPathIf(isNumber);
    vfp.write(64, d, widened);
  }

  #narrow(d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const a = vfp.read(64, m);
    const r = e.temp(F32);
    out.get(a);
    out.byte(OP.f32_demote_f64);
    out.set(r);
    this.fastPathIf(
      () => this.isNormal(SINGLE, r),
      () => this.isZero(DOUBLE, a),
    );
    inexactUnless(this.e, () => {
      out.get(r);
      out.byte(OP.f64_promote_f32);
      out.get(a);
      out.byte(OP.f64_eq);
    });
    vfp.write(32, d, () => out.get(r));
  }

  #doubleFromInteger(signed: boolean, d: number, m: number): void {
    const { e } = this;
    const a = e.getS(m);
    e.vfp.write(64, d, () => {
      e.gen(a);
      e.out.byte(signed ? OP.f64_convert_i32_s : OP.f64_convert_i32_u);
    });
  }

  #singleFromInteger(signed: boolean, d: number, m: number): void {
    const { e } = this;
    const { out } = e;
    const a = e.getS(m);
    const r = e.temp(F32);
    e.gen(a);
    out.byte(signed ? OP.f32_convert_i32_s : OP.f32_convert_i32_u);
    out.set(r);
    inexactUnless(this.e, () => {
      out.get(r);
      out.byte(OP.f64_promote_f32);
      e.gen(a);
      out.byte(signed ? OP.f64_convert_i32_s : OP.f64_convert_i32_u);
      out.byte(OP.f64_eq);
    });
    e.vfp.write(32, d, () => out.get(r));
  }

  /** Leaves 2^n or 2^-n, where the machine may take n for an operand. */
  #powerOfTwo(op: 'add' | 'sub', n: number): void {
    const { e } = this;
    const exponent = e[op](e.const(1023), e.const(n));
    const known = e.constantOf(exponent);
    if (known !== undefined) {
      this.constant(DOUBLE, 2 ** (known - 1023));
      return;
    }
    e.gen(exponent);
    e.out.byte(OP.i64_extend_i32_u);
    e.out.byte(OP.i64_const);
    e.out.s64(52n);
    e.out.byte(OP.i64_shl);
    e.out.byte(OP.f64_reinterpret_i64);
  }

  /** `size` of the register that the integer goes to, extended. */
  #toInteger(
    from: FpSize,
    { bits, signed, fbits }: Fixed,
    rounding: Rounding,
    size: FpSize,
    d: number,
    m: number,
  ): void {
    const { e } = this;
    const { out, vfp } = e;
    let a = vfp.read(from, m);
    if (from === 32 || fbits > 0) {
      out.get(a);
      if (from === 32) out.byte(OP.f64_promote_f32);
      if (fbits > 0) {
        this.#powerOfTwo('add', fbits);
        out.byte(OP.f64_mul);
      }
      a = e.temp(F64);
      out.set(a);
    }
    const x = e.temp(F64);
    this.rounded(DOUBLE, rounding, a);
    out.set(x);
    // Which a NaN never is.
    const isInRange = () => {
      out.get(x);
      this.constant(DOUBLE, signed ? -(2 ** (bits - 1)) : 0);
      out.byte(OP.f64_ge);
      out.get(x);
      this.constant(DOUBLE, signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1);
      out.byte(OP.f64_le);
      out.byte(OP.i32_and);
    };
    this.fastPathIf(isInRange);
    inexactUnless(this.e, () => {
      out.get(x);
      out.get(a);
      out.byte(OP.f64_eq);
    });
    vfp.write(size, d, () => {
      out.get(x);
      out.byte(signed ? OP.i32_trunc_f64_s : OP.i32_trunc_f64_u);
      if (size === 64) {
        out.byte(signed ? OP.i64_extend_i32_s : OP.i64_extend_i32_u);
        out.byte(OP.f64_reinterpret_i64);
      } else out.byte(OP.f32_reinterpret_i32);
    });
  }

  /** A number of at most 32 bits is exact in a double, and so is its quotient. */
  #fromFixed(to: FpSize, { bits, signed, fbits }: Fixed, d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const word = () => {
      if (to === 64) {
        out.get(vfp.read(64, m));
        out.byte(OP.i64_reinterpret_f64);
        out.byte(OP.i32_wrap_i64);
      } else e.gen(e.getS(m));
    };
    const x = e.temp(F64);
    word();
    if (bits === 16) {
      if (signed) out.byte(OP.i32_extend16_s);
      else {
        out.i32(0xffff);
        out.byte(OP.i32_and);
      }
    }
    out.byte(signed ? OP.f64_convert_i32_s : OP.f64_convert_i32_u);
    this.#powerOfTwo('sub', fbits);
    out.byte(OP.f64_mul);
    out.set(x);
    if (to === 64) {
      vfp.write(64, d, () => out.get(x));
      return;
    }
    const r = e.temp(F32);
    out.get(x);
    out.byte(OP.f32_demote_f64);
    out.set(r);
    inexactUnless(this.e, () => {
      out.get(r);
      out.byte(OP.f64_promote_f32);
      out.get(x);
      out.byte(OP.f64_eq);
    });
    vfp.write(32, d, () => out.get(r));
  }

  /** The bits in their place make a single that is too small by a power of two. Those of infinities and NaNs do not. */
  #fromHalf(to: FpSize, shift: number, d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const h = e.temp(I32);
    e.gen(e.getS(m));
    out.i32(shift);
    out.byte(OP.i32_shr_u);
    out.set(h);
    const isNumber = () => {
      out.get(h);
      out.i32(HALF_EXPONENT);
      out.byte(OP.i32_and);
      out.i32(HALF_EXPONENT);
      out.byte(OP.i32_ne);
    };
    const value = () => {
      out.get(h);
      out.i32(0x7fff);
      out.byte(OP.i32_and);
      out.i32(13);
      out.byte(OP.i32_shl);
      out.byte(OP.f32_reinterpret_i32);
      this.constant(SINGLE, 2 ** 112);
      out.byte(OP.f32_mul);
      out.get(h);
      out.i32(16);
      out.byte(OP.i32_shl);
      out.byte(OP.f32_reinterpret_i32);
      out.byte(OP.f32_copysign);
      if (to === 64) out.byte(OP.f64_promote_f32);
    };
    this.fastPathIf(isNumber);
    vfp.write(to, d, value);
  }

  /** Rounds the bits where they stand: of what is neither tiny nor rounded beyond the greatest half; and zeros. */
  #toHalf(from: FpSize, shift: number, d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const { fraction, bias } = from === 32 ? { fraction: 23n, bias: 127n } : { fraction: 52n, bias: 1023n };
    const cut = fraction - 10n;
    const size = e.temp(I64);
    const sign = e.temp(I32);
    const rounded = e.temp(I32);
    const i64 = (x: bigint) => {
      out.byte(OP.i64_const);
      out.s64(x);
    };
    out.get(vfp.read(from, m));
    if (from === 32) {
      out.byte(OP.i32_reinterpret_f32);
      out.byte(OP.i64_extend_i32_u);
    } else out.byte(OP.i64_reinterpret_f64);
    out.set(size);
    out.get(size);
    i64(from === 32 ? 16n : 48n);
    out.byte(OP.i64_shr_u);
    out.byte(OP.i32_wrap_i64);
    out.i32(0x8000);
    out.byte(OP.i32_and);
    out.set(sign);
    out.get(size);
    i64(from === 32 ? 0x7fff_ffffn : 0x7fff_ffff_ffff_ffffn);
    out.byte(OP.i64_and);
    out.set(size);
    // From the lowest normal half up to where 65520 would become infinite.
    const least = (bias - 14n) << fraction;
    const most = ((bias + 15n) << fraction) | (0x7ffn << (fraction - 11n)); // 65520
    const isFast = () => {
      out.get(size);
      i64(least);
      out.byte(OP.i64_sub);
      i64(most - least);
      out.byte(OP.i64_lt_u);
    };
    const isZero = () => {
      out.get(size);
      out.byte(OP.i64_eqz);
    };
    this.fastPathIf(isFast, isZero);
    inexactUnless(this.e, () => {
      out.get(size);
      i64((1n << cut) - 1n);
      out.byte(OP.i64_and);
      out.byte(OP.i64_eqz);
    });
    out.i32(0);
    out.get(size);
    out.get(size);
    i64(cut);
    out.byte(OP.i64_shr_u);
    i64(1n);
    out.byte(OP.i64_and);
    i64((1n << (cut - 1n)) - 1n - ((bias - 15n) << fraction));
    out.byte(OP.i64_add);
    out.byte(OP.i64_add);
    i64(cut);
    out.byte(OP.i64_shr_u);
    out.byte(OP.i32_wrap_i64);
    isZero();
    out.byte(OP.select);
    out.get(sign);
    out.byte(OP.i32_or);
    out.set(rounded);
    vfp.write(32, d, () => {
      e.gen(e.getS(d));
      out.i32(~(0xffff << shift));
      out.byte(OP.i32_and);
      out.get(rounded);
      out.i32(shift);
      out.byte(OP.i32_shl);
      out.byte(OP.i32_or);
      out.byte(OP.f32_reinterpret_i32);
    });
  }
}
