/** What compiled floating point is written with: the opcodes of a size, tests of numbers, the way to the evaluator, rounding. */
import type { FpSize } from '../machine/machine.ts';
import type { Emitter } from './emitter.ts';
import { F32, F64, OP } from './wasm.ts';

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

export class FloatWriter {
  protected readonly e: Emitter;
  constructor(e: Emitter) {
    this.e = e;
  }

  constant(z: Sized, x: number): void {
    const { out } = this.e;
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
    const { out } = this.e;
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
    this.e.out.get(local);
    this.constant(z, 0);
    this.e.out.byte(z.eq);
  }

  /** Leaves 1 on the wasm stack when the number in a local is not a NaN. */
  isNumber(z: Sized, local: number): void {
    const { out } = this.e;
    out.get(local);
    out.get(local);
    out.byte(z.eq);
  }

  /**
   * Goes on with the fast path when `isFast` leaves 1 on the wasm stack, else the evaluator runs the instruction.
   * `isFastAfterAll`, if given, is asked when that has left 0, and costs nothing else. Nothing of the instruction has been
   * written yet.
   */
  fastPathIf(isFast: () => void, isFastAfterAll?: () => void): void {
    const e = this.e;
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

  /** Leaves the number in a local rounded to an integer, which keeps its sign: as FpOp's rint says, in the default mode. */
  rounded(z: Sized, rounding: Rounding, a: number): void {
    const e = this.e;
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
}
