/**
 * Compiled VFP arithmetic.
 *
 * wasm's arithmetic is IEEE 754 round-to-nearest, as the ARM's is in the default mode (compiled code runs in no other). What
 * differs is at the edges: NaN payloads, tininess, exception flags. So: the native operation, then a test that the result is an
 * ordinary one (normal, or a zero that is exact). If it is not, the evaluator does the instruction again. Of the cumulative flags
 * only IXC can come from an ordinary result; once it is set nothing more is to be found out, before that a helper decides whether
 * the result is exact.
 */
import { OFF } from '../cpu-state.ts';
import type { FpConvert, FpOp, FpSize } from '../machine/machine.ts';
import { CPU, importIndex, Unsupported } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { F32, F64, I32, OP } from './wasm.ts';
import { SIMD } from './wasm-simd.ts';

const IXC = 0x10;

/** The opcodes of one size. */
interface Sized {
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
  readonly suffix: '32' | '64';
}

const SINGLE: Sized = {
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
  suffix: '32',
};
const DOUBLE: Sized = {
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
  suffix: '64',
};

const sized = (size: FpSize) => (size === 32 ? SINGLE : DOUBLE);

export class FpEmitter {
  private readonly e: Emitter;
  constructor(e: Emitter) {
    this.e = e;
  }

  private constant(z: Sized, x: number): void {
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
  private isNormal(z: Sized, local: number): void {
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

  private isZero(z: Sized, local: number): void {
    this.e.out.get(local);
    this.constant(z, 0);
    this.e.out.byte(z.eq);
  }

  /**
   * Does `ordinary` when the result is an ordinary one, else the evaluator runs the instruction. `isUsual` leaves whether it is,
   * on the wasm stack; `isOrdinary`, if given, is asked when it has left 0, and costs nothing else. `destination` is the register
   * that the instruction writes, if it is one of which a local is to hold the value.
   */
  private ifOrdinary(
    isUsual: () => void,
    ordinary: () => void,
    destination?: readonly [size: FpSize, n: number],
    isOrdinary?: () => void,
  ): void {
    const { e } = this;
    const { out } = e;
    const end = e.depth;
    e.open(OP.block);
    isUsual();
    out.byte(OP.i32_eqz);
    e.openUnlikely();
    if (isOrdinary !== undefined) {
      isOrdinary();
      out.byte(OP.i32_eqz);
      e.open(OP.if);
    }
    // The evaluator tests the condition again, and for that it needs the flags.
    if (e.conditional) e.storeVars(e.dirty & ~e.storePending());
    e.stepHere();
    if (destination !== undefined) e.vfp.load(...destination);
    e.br(OP.br, end);
    if (isOrdinary !== undefined) e.close();
    e.close();
    ordinary();
    e.close();
  }

  /** Sets IXC unless it is set already or `exact` leaves 1 on the wasm stack. */
  private inexactUnless(exact: () => void): void {
    const { e } = this;
    const { out } = e;
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fpscr);
    out.i32(IXC);
    out.byte(OP.i32_and);
    out.byte(OP.i32_eqz);
    e.openUnlikely();
    exact();
    out.byte(OP.i32_eqz);
    e.openUnlikely();
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fpscr);
    out.i32(IXC);
    out.byte(OP.i32_or);
    out.mem(OP.i32_store, OFF.fpscr);
    e.close();
    e.close();
  }

  private callExact(name: 'add' | 'mul' | 'div' | 'sqrt', z: Sized, locals: number[]): void {
    const { out } = this.e;
    for (const local of locals) out.get(local);
    out.call(importIndex(`exact_${name}${z.suffix}`));
  }

  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void {
    switch (op) {
      case 'neg':
      case 'abs':
        this.sign(op, size, d, m);
        return;
      case 'add':
      case 'sub':
      case 'mul':
      case 'div':
      case 'nmul':
        this.binary(op, size, d, n, m);
        return;
      case 'sqrt':
        this.squareRoot(size, d, m);
        return;
      case 'mla':
      case 'mls':
      case 'nmla':
      case 'nmls':
        this.accumulate(op, size, d, n, m);
        return;
      case 'fma':
      case 'fms':
      case 'fnma':
      case 'fnms':
        this.fused(op, size, d, n, m);
        return;
      default:
        throw new Unsupported();
    }
  }

  /** Of a NaN, too, nothing changes but the sign. */
  private sign(op: 'neg' | 'abs', size: FpSize, d: number, m: number): void {
    const { out, vfp } = this.e;
    const a = vfp.read(size, m);
    vfp.write(size, d, () => {
      out.get(a);
      out.byte(sized(size)[op]);
    });
  }

  private binary(
    op: 'add' | 'sub' | 'mul' | 'div' | 'nmul',
    size: FpSize,
    d: number,
    n: number,
    m: number,
  ): void {
    const { e } = this;
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
    this.ifOrdinary(
      () => this.isNormal(z, r),
      () => {
        this.inexactUnless(() => {
          if (kind !== 'sub') this.callExact(kind, z, [a, b, r]);
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
      },
      [size, d],
      () => this.isExactZero(kind, z, a, b, r),
    );
  }

  /** Leaves whether r is a zero without any flag: a sum of 0 always, a product or quotient with an operand 0 that gives 0. */
  private isExactZero(kind: 'add' | 'sub' | 'mul' | 'div', z: Sized, a: number, b: number, r: number): void {
    const { out } = this.e;
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

  private squareRoot(size: FpSize, d: number, m: number): void {
    const { e } = this;
    const z = sized(size);
    const a = e.vfp.read(size, m);
    const r = e.temp(z.type);
    e.out.get(a);
    e.out.byte(z.sqrt);
    e.out.set(r);
    this.ifOrdinary(
      () => this.isNormal(z, r),
      () => {
        this.inexactUnless(() => this.callExact('sqrt', z, [a, r]));
        e.vfp.write(size, d, () => e.out.get(r));
      },
      [size, d],
      () => this.isZero(z, r),
    );
  }

  /** d = (-)d + (-)(n * m), both roundings done. */
  private accumulate(
    op: 'mla' | 'mls' | 'nmla' | 'nmls',
    size: FpSize,
    d: number,
    n: number,
    m: number,
  ): void {
    const { e } = this;
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
    this.ifOrdinary(
      () => {
        this.isNormal(z, p);
        this.isNormal(z, r);
        out.byte(OP.i32_and);
      },
      () => {
        this.inexactUnless(() => {
          this.callExact('mul', z, [a, b, p]);
          this.callExact('add', z, [c, q, r]);
          out.byte(OP.i32_and);
        });
        vfp.write(size, d, () => out.get(r));
      },
      [size, d],
      () => {
        this.isNormal(z, p);
        this.isExactZero('mul', z, a, b, p);
        out.byte(OP.i32_or);
        this.isNormal(z, r);
        this.isExactZero('add', z, c, q, r);
        out.byte(OP.i32_or);
        out.byte(OP.i32_and);
      },
    );
  }

  /** d = (-)d + (-)n * m, rounded once: singles as one lane of a vector. */
  private fused(op: 'fma' | 'fms' | 'fnma' | 'fnms', size: FpSize, d: number, n: number, m: number): void {
    const { e } = this;
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
      const isUsual = () => {
        this.isNormal(z, r);
        out.get(CPU);
        out.mem(OP.i32_load, OFF.fpscr);
        out.i32(IXC);
        out.byte(OP.i32_and);
        out.byte(OP.i32_eqz);
        out.byte(OP.i32_eqz);
        out.byte(OP.i32_and);
      };
      this.ifOrdinary(isUsual, () => vfp.write(64, d, () => out.get(r)), [64, d]);
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
    this.ifOrdinary(() => this.isNormal(SINGLE, r), () => {
      this.inexactUnless(() => {
        lanes(c, a, b, r);
        out.call(importIndex('exact_vfma'));
      });
      vfp.write(32, d, () => out.get(r));
    }, [32, d]);
  }

  fpCompare(size: FpSize, n: number, m: number): void {
    const { e } = this;
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
    this.ifOrdinary(isOrdered, () => {
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
    });
  }

  fpConvert(op: FpConvert, d: number, m: number): void {
    switch (op) {
      case 'f64_f32':
        this.widen(d, m);
        return;
      case 'f32_f64':
        this.narrow(d, m);
        return;
      case 'f64_i32':
      case 'f64_u32':
        this.doubleFromInteger(op === 'f64_i32', d, m);
        return;
      case 'f32_i32':
      case 'f32_u32':
        this.singleFromInteger(op === 'f32_i32', d, m);
        return;
      case 'i32_f32':
      case 'u32_f32':
      case 'i32_f32r':
      case 'u32_f32r':
        this.toInteger(32, op[0] === 'i', op.endsWith('r'), d, m);
        return;
      case 'i32_f64':
      case 'u32_f64':
      case 'i32_f64r':
      case 'u32_f64r':
        this.toInteger(64, op[0] === 'i', op.endsWith('r'), d, m);
        return;
      default:
        throw new Unsupported();
    }
  }

  private widen(d: number, m: number): void {
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
    this.ifOrdinary(isNumber, () => vfp.write(64, d, widened), [64, d]);
  }

  private narrow(d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const a = vfp.read(64, m);
    const r = e.temp(F32);
    out.get(a);
    out.byte(OP.f32_demote_f64);
    out.set(r);
    this.ifOrdinary(
      () => this.isNormal(SINGLE, r),
      () => {
        this.inexactUnless(() => {
          out.get(r);
          out.byte(OP.f64_promote_f32);
          out.get(a);
          out.byte(OP.f64_eq);
        });
        vfp.write(32, d, () => out.get(r));
      },
      [32, d],
      () => this.isZero(DOUBLE, a),
    );
  }

  private doubleFromInteger(signed: boolean, d: number, m: number): void {
    const { e } = this;
    const a = e.getS(m);
    e.vfp.write(64, d, () => {
      e.gen(a);
      e.out.byte(signed ? OP.f64_convert_i32_s : OP.f64_convert_i32_u);
    });
  }

  private singleFromInteger(signed: boolean, d: number, m: number): void {
    const { e } = this;
    const { out } = e;
    const a = e.getS(m);
    const r = e.temp(F32);
    e.gen(a);
    out.byte(signed ? OP.f32_convert_i32_s : OP.f32_convert_i32_u);
    out.set(r);
    this.inexactUnless(() => {
      out.get(r);
      out.byte(OP.f64_promote_f32);
      e.gen(a);
      out.byte(signed ? OP.f64_convert_i32_s : OP.f64_convert_i32_u);
      out.byte(OP.f64_eq);
    });
    e.vfp.write(32, d, () => out.get(r));
  }

  private toInteger(from: FpSize, signed: boolean, nearest: boolean, d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    let a = vfp.read(from, m);
    if (from === 32) {
      out.get(a);
      out.byte(OP.f64_promote_f32);
      a = e.temp(F64);
      out.set(a);
    }
    const x = e.temp(F64);
    out.get(a);
    out.byte(nearest ? OP.f64_nearest : OP.f64_trunc);
    out.set(x);
    // Which a NaN never is.
    const isInRange = () => {
      out.get(x);
      this.constant(DOUBLE, signed ? -2147483648 : 0);
      out.byte(OP.f64_ge);
      out.get(x);
      this.constant(DOUBLE, signed ? 2147483647 : 4294967295);
      out.byte(OP.f64_le);
      out.byte(OP.i32_and);
    };
    const ordinary = () => {
      this.inexactUnless(() => {
        out.get(x);
        out.get(a);
        out.byte(OP.f64_eq);
      });
      vfp.write(32, d, () => {
        out.get(x);
        out.byte(signed ? OP.i32_trunc_f64_s : OP.i32_trunc_f64_u);
        out.byte(OP.f32_reinterpret_i32);
      });
    };
    this.ifOrdinary(isInRange, ordinary, [32, d]);
  }
}
