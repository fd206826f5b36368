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
import { IXC } from '../evaluator/softfloat.ts';
import type { FpOp, FpSize } from '../machine/machine.ts';
import { CPU, importIndex } from './convention.ts';
import { inexactUnless } from './emit-fpscr.ts';
import { FloatWriter, type Rounding, SINGLE, type Sized, sized } from './float-writer.ts';
import { I32, OP } from './wasm.ts';
import { SIMD } from './wasm-simd.ts';

export class FpEmitter extends FloatWriter {
  #callExact(name: 'add' | 'mul' | 'div' | 'sqrt', z: Sized, locals: number[]): void {
    const { out } = this.e;
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

  #extreme(op: 'maxnm' | 'minnm', size: FpSize, d: number, n: number, m: number): void {
    const { out, vfp } = this.e;
    const z = sized(size);
    const a = vfp.read(size, n);
    const b = vfp.read(size, m);
    const areNumbers = () => {
      this.isNumber(z, a);
      this.isNumber(z, b);
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

  #roundToInteger(op: `rint${Rounding}`, size: FpSize, d: number, m: number): void {
    const { e } = this;
    const { out, vfp } = e;
    const z = sized(size);
    const a = vfp.read(size, m);
    const r = e.temp(z.type);
    this.rounded(z, op[4] as Rounding, a);
    out.set(r);
    this.fastPathIf(() => this.isNumber(z, a));
    if (op === 'rintx') {
      inexactUnless(this.e, () => {
        out.get(r);
        out.get(a);
        out.byte(z.eq);
      });
    }
    vfp.write(size, d, () => out.get(r));
  }

  /** Of a NaN, too, nothing changes but the sign. */
  #sign(op: 'neg' | 'abs', size: FpSize, d: number, m: number): void {
    const { out, vfp } = this.e;
    const a = vfp.read(size, m);
    vfp.write(size, d, () => {
      out.get(a);
      out.byte(sized(size)[op]);
    });
  }

  #binary(op: 'add' | 'sub' | 'mul' | 'div' | 'nmul', size: FpSize, d: number, n: number, m: number): void {
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
    this.fastPathIf(
      () => this.isNormal(z, r),
      () => this.#isExactZero(kind, z, a, b, r),
    );
    inexactUnless(this.e, () => {
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

  #squareRoot(size: FpSize, d: number, m: number): void {
    const { e } = this;
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
    inexactUnless(this.e, () => this.#callExact('sqrt', z, [a, r]));
    e.vfp.write(size, d, () => e.out.get(r));
  }

  /** d = (-)d + (-)(n * m), both roundings done. */
  #accumulate(op: 'mla' | 'mls' | 'nmla' | 'nmls', size: FpSize, d: number, n: number, m: number): void {
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
    inexactUnless(this.e, () => {
      this.#callExact('mul', z, [a, b, p]);
      this.#callExact('add', z, [c, q, r]);
      out.byte(OP.i32_and);
    });
    vfp.write(size, d, () => out.get(r));
  }

  /** d = (-)d + (-)n * m, rounded once: singles as one lane of a vector. */
  #fused(op: 'fma' | 'fms' | 'fnma' | 'fnms', size: FpSize, d: number, n: number, m: number): void {
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
    inexactUnless(this.e, () => {
      lanes(c, a, b, r);
      out.call(importIndex('exact_vfma'));
    });
    vfp.write(32, d, () => out.get(r));
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
