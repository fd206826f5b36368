/**
 * Compiled VFP arithmetic.
 *
 * wasm's arithmetic is IEEE 754 round-to-nearest, as the ARM's is in the default mode (compiled code runs in no other). What
 * differs is at the edges: NaN payloads, tininess, exception flags. So: the native operation, then a test that the result stays
 * on the fast path (is normal, or a zero that is exact). If it does not, the evaluator does the instruction again. Of the
 * cumulative flags only IXC can come from the fast path; once it is set nothing more is to be found out, before that a helper
 * decides whether the result is exact.
 */
import { OFF } from '../cpu-state.ts';
import type { FpOp, FpSize } from '../machine/machine.ts';
import { IXC } from '../machine/softfloat.ts';
import { CPU, importIndex } from './convention.ts';
import { inexactUnless } from './emit-fpscr.ts';
import type { Emitter } from './emitter.ts';
import { F32, F64, I32, OP } from './wasm.ts';
import { SIMD } from './wasm-simd.ts';

/** The opcodes of one size. */
export interface Sized {
  readonly type: typeof F32 | typeof F64;
  readonly add: number;
  readonly sub: number;
  readonly mul: number;
  readonly div: number;
  readonly sqrt: number;
  readonly neg: number;
  readonly abs: number;
  readonly eq: number;
  readonly lt: number;
  readonly gt: number;
  readonly min: number;
  readonly max: number;
  readonly ceil: number;
  readonly floor: number;
  readonly trunc: number;
  readonly nearest: number;
  readonly ge: number;
  readonly copysign: number;
  readonly suffix: '32' | '64';
}

export const SINGLE: Sized = {
  type: F32,
  add: OP.f32_add,
  sub: OP.f32_sub,
  mul: OP.f32_mul,
  div: OP.f32_div,
  sqrt: OP.f32_sqrt,
  neg: OP.f32_neg,
  abs: OP.f32_abs,
  eq: OP.f32_eq,
  lt: OP.f32_lt,
  gt: OP.f32_gt,
  min: OP.f32_min,
  max: OP.f32_max,
  ceil: OP.f32_ceil,
  floor: OP.f32_floor,
  trunc: OP.f32_trunc,
  nearest: OP.f32_nearest,
  ge: OP.f32_ge,
  copysign: OP.f32_copysign,
  suffix: '32',
};
export const DOUBLE: Sized = {
  type: F64,
  add: OP.f64_add,
  sub: OP.f64_sub,
  mul: OP.f64_mul,
  div: OP.f64_div,
  sqrt: OP.f64_sqrt,
  neg: OP.f64_neg,
  abs: OP.f64_abs,
  eq: OP.f64_eq,
  lt: OP.f64_lt,
  gt: OP.f64_gt,
  min: OP.f64_min,
  max: OP.f64_max,
  ceil: OP.f64_ceil,
  floor: OP.f64_floor,
  trunc: OP.f64_trunc,
  nearest: OP.f64_nearest,
  ge: OP.f64_ge,
  copysign: OP.f64_copysign,
  suffix: '64',
};

export const sized = (size: FpSize) => (size === 32 ? SINGLE : DOUBLE);

/** As the last letter of FpOp's rint. */
export type Rounding = 'a' | 'n' | 'p' | 'm' | 'r' | 'z' | 'x';

export class FpEmitter {
  readonly #e: Emitter;
  constructor(e: Emitter) {
    this.#e = e;
  }

  constant(z: Sized, x: number): void {
    const { out } = this.#e;
    if (z.type === F64) {
      out.byte(OP.f64_const);
      out.raw(new Uint8Array(new Float64Array([x]).buffer));
    } else {
      out.byte(OP.f32_const);
      out.raw(new Uint8Array(new Float32Array([x]).buffer));
    }
  }

  /**
   * Leaves 1 on the wasm stack when the number in a local is finite, normal and not in the lowest binade: a result there may have
   * been tiny before it was rounded, which sets UFC (ARM ARM A2.7.4).
   */
  isNormal(z: Sized, local: number): void {
    const { out } = this.#e;
    out.get(local);
    if (z.type === F64) {
      out.byte(OP.i64_reinterpret_f64);
      out.byte(OP.i64_const);
      out.s64(52n);
      out.byte(OP.i64_shr_u);
      out.byte(OP.i32_wrap_i64);
    } else {
      out.byte(OP.i32_reinterpret_f32);
      out.i32(23);
      out.byte(OP.i32_shr_u);
    }
    const all = z.type === F64 ? 0x7ff : 0xff;
    out.i32(all);
    out.byte(OP.i32_and);
    out.i32(-2);
    out.byte(OP.i32_add);
    out.i32(all - 2);
    out.byte(OP.i32_lt_u);
  }

  isZero(z: Sized, local: number): void {
    this.#e.out.get(local);
    this.constant(z, 0);
    this.#e.out.byte(z.eq);
  }

  /**
   * Goes on with the fast path when `isFast` leaves 1 on the wasm stack, else the evaluator runs the instruction.
   * `isFastAfterAll`, if given, is asked when that has left 0, and costs nothing else. Nothing of the instruction has been
   * written yet.
   */
  fastPathIf(isFast: () => void, isFastAfterAll?: () => void): void {
    const e = this.#e;
    const { out } = e;
    e.openFastPath();
    isFast();
    out.byte(OP.i32_eqz);
    if (isFastAfterAll === undefined) {
      e.leaveFastPathIf();
      return;
    }
    e.openUnlikely();
    isFastAfterAll();
    out.byte(OP.i32_eqz);
    e.leaveFastPathIf();
    e.close();
  }

  #callExact(name: 'add' | 'mul' | 'div' | 'sqrt', z: Sized, locals: number[]): void {
    const { out } = this.#e;
    for (const local of locals) out.get(local);
    out.call(importIndex(`exact_${name}${z.suffix}`));
  }

  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void {
    switch (op) {
      case 'neg':
      case 'abs':
        this.#sign(op, size, d, m);
        return;
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
      case 'nmul':
        this.#binary(op, size, d, n, m);
        return;
      case 'sqrt':
        this.#squareRoot(size, d, m);
        return;
      case 'mla':
      case 'mls':
      case 'nmla':
      case 'nmls':
        this.#accumulate(op, size, d, n, m);
        return;
      case 'fma':
      case 'fms':
      case 'fnma':
      case 'fnms':
        this.#fused(op, size, d, n, m);
        return;
      case 'maxnm':
      case 'minnm':
        this.#extreme(op, size, d, n, m);
        return;
      default:
        this.#roundToInteger(op, size, d, m);
    }
  }

  /** Leaves 1 on the wasm stack when the number in a local is not a NaN. */
  #isNumber(z: Sized, local: number): void {
    const { out } = this.#e;
    out.get(local);
    out.get(local);
    out.byte(z.eq);
  }

  #extreme(op: 'maxnm' | 'minnm', size: FpSize, d: number, n: number, m: number): void {
    const { out, vfp } = this.#e;
    const z = sized(size);
    const a = vfp.read(size, n);
    const b = vfp.read(size, m);
    const areNumbers = () => {
      this.#isNumber(z, a);
      this.#isNumber(z, b);
      out.byte(OP.i32_and);
    };
    const value = () => {
      out.get(a);
      out.get(b);
      out.byte(op === 'maxnm' ? z.max : z.min);
    };
    this.fastPathIf(areNumbers);
    vfp.write(size, d, value);
  }

  /** Leaves the number in a local rounded to an integer, which keeps its sign: as FpOp's rint says, in the default mode. */
  rounded(z: Sized, rounding: Rounding, a: number): void {
    const e = this.#e;
    const { out } = e;
    if (rounding !== 'a') {
      out.get(a);
      out.byte({ n: z.nearest, r: z.nearest, x: z.nearest, p: z.ceil, m: z.floor, z: z.trunc }[rounding]);
      return;
    }
    // Ties away from zero: one more where half or more was cut off.
    const t = e.temp(z.type);
    out.get(a);
    out.byte(z.trunc);
    out.tee(t);
    this.constant(z, 1);
    out.get(a);
    out.byte(z.copysign);
    out.byte(z.add);
    out.get(t);
    out.get(a);
    out.get(t);
    out.byte(z.sub);
    out.byte(z.abs);
    this.constant(z, 0.5);
    out.byte(z.ge);
    out.byte(OP.select);
  }

  #roundToInteger(op: `rint${Rounding}`, size: FpSize, d: number, m: number): void {
    const e = this.#e;
    const { out, vfp } = e;
    const z = sized(size);
    const a = vfp.read(size, m);
    const r = e.temp(z.type);
    this.rounded(z, op[4] as Rounding, a);
    out.set(r);
    this.fastPathIf(() => this.#isNumber(z, a));
    if (op === 'rintx') {
      inexactUnless(this.#e, () => {
        out.get(r);
        out.get(a);
        out.byte(z.eq);
      });
    }
    vfp.write(size, d, () => out.get(r));
  }

  /** Of a NaN, too, nothing changes but the sign. */
  #sign(op: 'neg' | 'abs', size: FpSize, d: number, m: number): void {
    const { out, vfp } = this.#e;
    const a = vfp.read(size, m);
    vfp.write(size, d, () => {
      out.get(a);
      out.byte(sized(size)[op]);
    });
  }

  #binary(op: 'add' | 'sub' | 'mul' | 'div' | 'nmul', size: FpSize, d: number, n: number, m: number): void {
    const e = this.#e;
    const { out, vfp } = e;
    const z = sized(size);
    const a = vfp.read(size, n);
    const b = vfp.read(size, m);
    const r = e.temp(z.type);
    const kind = op === 'nmul' ? 'mul' : op;
    out.get(a);
    out.get(b);
    out.byte(z[kind]);
    out.set(r);
    this.fastPathIf(
      () => this.isNormal(z, r),
      () => this.#isExactZero(kind, z, a, b, r),
    );
    inexactUnless(this.#e, () => {
      if (kind !== 'sub') this.#callExact(kind, z, [a, b, r]);
      else {
        out.get(a);
        out.get(b);
        out.byte(z.neg);
        out.get(r);
        out.call(importIndex(`exact_add${z.suffix}`));
      }
    });
    vfp.write(size, d, () => {
      out.get(r);
      if (op === 'nmul') out.byte(z.neg);
    });
  }

  /** Leaves whether r is a zero without any flag: a sum of 0 always, a product or quotient with an operand 0 that gives 0. */
  #isExactZero(kind: 'add' | 'sub' | 'mul' | 'div', z: Sized, a: number, b: number, r: number): void {
    const { out } = this.#e;
    this.isZero(z, r);
    if (kind === 'mul' || kind === 'div') {
      this.isZero(z, a);
      if (kind === 'mul') {
        this.isZero(z, b);
        out.byte(OP.i32_or);
      }
      out.byte(OP.i32_and);
    }
  }

  #squareRoot(size: FpSize, d: number, m: number): void {
    const e = this.#e;
    const z = sized(size);
    const a = e.vfp.read(size, m);
    const r = e.temp(z.type);
    e.out.get(a);
    e.out.byte(z.sqrt);
    e.out.set(r);
    this.fastPathIf(
      () => this.isNormal(z, r),
      () => this.isZero(z, r),
    );
    inexactUnless(this.#e, () => this.#callExact('sqrt', z, [a, r]));
    e.vfp.write(size, d, () => e.out.get(r));
  }

  /** d = (-)d + (-)(n * m), both roundings done. */
  #accumulate(op: 'mla' | 'mls' | 'nmla' | 'nmls', size: FpSize, d: number, n: number, m: number): void {
    const e = this.#e;
    const { out, vfp } = e;
    const z = sized(size);
    const a = vfp.read(size, n);
    const b = vfp.read(size, m);
    let c = vfp.read(size, d);
    const p = e.temp(z.type);
    const r = e.temp(z.type);
    out.get(a);
    out.get(b);
    out.byte(z.mul);
    out.set(p);
    if (op === 'nmla' || op === 'nmls') {
      out.get(c);
      out.byte(z.neg);
      c = e.temp(z.type);
      out.set(c);
    }
    const q = e.temp(z.type);
    out.get(p);
    if (op === 'mls' || op === 'nmla') out.byte(z.neg);
    out.set(q);
    out.get(c);
    out.get(q);
    out.byte(z.add);
    out.set(r);
    this.fastPathIf(
      () => {
        this.isNormal(z, p);
        this.isNormal(z, r);
        out.byte(OP.i32_and);
      },
      () => {
        this.isNormal(z, p);
        this.#isExactZero('mul', z, a, b, p);
        out.byte(OP.i32_or);
        this.isNormal(z, r);
        this.#isExactZero('add', z, c, q, r);
        out.byte(OP.i32_or);
        out.byte(OP.i32_and);
      },
    );
    inexactUnless(this.#e, () => {
      this.#callExact('mul', z, [a, b, p]);
      this.#callExact('add', z, [c, q, r]);
      out.byte(OP.i32_and);
    });
    vfp.write(size, d, () => out.get(r));
  }

  /** d = (-)d + (-)n * m, rounded once: singles as one lane of a vector. */
  #fused(op: 'fma' | 'fms' | 'fnma' | 'fnms', size: FpSize, d: number, n: number, m: number): void {
    const e = this.#e;
    const { out, vfp } = e;
    const z = sized(size);
    const negated = (register: number, isNegated: boolean): number => {
      const a = vfp.read(size, register);
      if (!isNegated) return a;
      const local = e.temp(z.type);
      out.get(a);
      out.byte(z.neg);
      out.set(local);
      return local;
    };
    const c = negated(d, op === 'fnma' || op === 'fnms');
    const a = negated(n, op === 'fms' || op === 'fnma');
    const b = vfp.read(size, m);
    const r = e.temp(z.type);
    if (size === 64) {
      for (const local of [c, a, b]) out.get(local);
      out.call(importIndex('fma64'));
      out.set(r);
      // Whether it is exact the evaluator finds out, as long as that is of interest.
      const isFast = () => {
        this.isNormal(z, r);
        out.get(CPU);
        out.mem(OP.i32_load, OFF.fpscr);
        out.i32(IXC);
        out.byte(OP.i32_and);
        out.byte(OP.i32_eqz);
        out.byte(OP.i32_eqz);
        out.byte(OP.i32_and);
      };
      this.fastPathIf(isFast);
      vfp.write(64, d, () => out.get(r));
      return;
    }
    const lanes = (...locals: number[]) => {
      for (const local of locals) {
        out.get(local);
        out.simd(SIMD.f32_splat);
      }
    };
    lanes(c, a, b);
    out.call(importIndex('vfma'));
    out.simd(SIMD.f32_extract);
    out.byte(0);
    out.set(r);
    this.fastPathIf(() => this.isNormal(SINGLE, r));
    inexactUnless(this.#e, () => {
      lanes(c, a, b, r);
      out.call(importIndex('exact_vfma'));
    });
    vfp.write(32, d, () => out.get(r));
  }

  fpCompare(size: FpSize, n: number, m: number): void {
    const e = this.#e;
    const { out, vfp } = e;
    const z = sized(size);
    const a = vfp.read(size, n);
    let b: number;
    if (m >= 0) b = vfp.read(size, m);
    else {
      b = e.temp(z.type);
      this.constant(z, 0);
      out.set(b);
    }
    // NZCV: equal 0110, less 1000, greater 0010, unordered 0011 (with flags for the kind of NaN: the evaluator).
    const nzcv = e.temp(I32);
    const test = (op: number, value: number) => {
      out.get(a);
      out.get(b);
      out.byte(op);
      out.i32(value);
      out.byte(OP.i32_mul);
    };
    const isOrdered = () => {
      test(z.eq, 6);
      test(z.lt, 8);
      out.byte(OP.i32_or);
      test(z.gt, 2);
      out.byte(OP.i32_or);
      out.tee(nzcv);
    };
    this.fastPathIf(isOrdered);
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fpscr);
    out.i32(0x0fff_ffff);
    out.byte(OP.i32_and);
    out.get(nzcv);
    out.i32(28);
    out.byte(OP.i32_shl);
    out.byte(OP.i32_or);
    out.mem(OP.i32_store, OFF.fpscr);
  }
}
