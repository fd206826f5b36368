import { importIndex } from './convention.ts';
import { inexactUnless } from './emit-fpscr.ts';
import { four, LaneWriter } from './emit-lanes.ts';
import type { Node } from './function-writer.ts';
import { SIMD } from './wasm-simd.ts';

/** As the last letter of an operation: see vector-machine.ts. */
export type Rounding = 'a' | 'n' | 'p' | 'm' | 'z' | 'x';

/** Exponent bits of a single, as they are and shifted up by one; twice the smallest normal number's bits, and the infinity's. */
const EXPONENT = 0x7f80_0000;
const LOWEST_BINADE = 0x0200_0000;
const FINITE_SPAN = 0xfd00_0000;

export class FloatLanes extends LaneWriter {
  /**
   * Gives the instruction to the evaluator when a lane of `suspect` has ones, and so has one of `confirmed`, which is asked for
   * only then.
   */
  protected leaveFastPathWhere(suspect: Node, confirmed: () => Node): void {
    const { e } = this;
    this.gen(suspect);
    this.op(SIMD.any_true);
    e.openUnlikely();
    const mask = confirmed();
    this.gen(mask);
    this.op(SIMD.any_true);
    e.leaveFastPathIf();
    e.close();
  }

  /** Lanes whose exponent bits are 0: zeros and what is flushed to zero. */
  protected tiny(a: Node): Node {
    return this.apply2(SIMD.eq[2], this.apply2(SIMD.and, a, this.known(four(EXPONENT))), this.known(four(0)));
  }

  protected isZero(a: Node): Node {
    return this.apply2(SIMD.eq[2], this.byConstant(SIMD.shl[2], a, 1), this.known(four(0)));
  }

  /** Lanes that are not normal, or in the lowest binade. */
  protected notNormal(r: Node): Node {
    const moved = this.apply2(
      SIMD.sub[2],
      this.byConstant(SIMD.shl[2], r, 1),
      this.known(four(LOWEST_BINADE)),
    );
    return this.apply2(SIMD.ge_u[2], moved, this.known(four(FINITE_SPAN)));
  }

  protected either(a: Node, b: Node): Node {
    return this.apply2(SIMD.or, a, b);
  }
  protected butNot(a: Node, b: Node): Node {
    return this.apply2(SIMD.andnot, a, b);
  }

  protected floats(op: 'fadd' | 'fsub' | 'fmul', a: Node, b: Node): Node {
    this.e.openFastPath();
    const code = { fadd: SIMD.f32_add, fsub: SIMD.f32_sub, fmul: SIMD.f32_mul }[op];
    const r = this.apply2(code, a, b);
    const tinyA = this.tiny(a);
    const tinyB = this.tiny(b);
    const odd = this.notNormal(r);
    this.leaveFastPathWhere(this.either(odd, this.either(tinyA, tinyB)), () => {
      const zeroA = this.isZero(a);
      const zeroB = this.isZero(b);
      const flushed = this.either(this.butNot(tinyA, zeroA), this.butNot(tinyB, zeroB));
      let exact = this.isZero(r);
      if (op === 'fmul') exact = this.apply2(SIMD.and, exact, this.either(zeroA, zeroB));
      return this.either(flushed, this.butNot(odd, exact));
    });
    inexactUnless(this.e, () => {
      this.gen(a);
      this.gen(b);
      if (op === 'fsub') {
        this.constant(four(0x8000_0000));
        this.op(SIMD.xor);
      }
      this.gen(r);
      this.e.out.call(importIndex(op === 'fmul' ? 'exact_vmul' : 'exact_vadd'));
    });
    return r;
  }

  /** c + a * b, rounded once. */
  protected fused(c: Node, a: Node, b: Node): Node {
    this.e.openFastPath();
    const r = this.call('vfma', c, a, b);
    const operands = [c, a, b] as const;
    const tiny = operands.map((x) => this.tiny(x));
    const odd = this.notNormal(r);
    const any = (masks: Node[]) => masks.reduce((x, y) => this.either(x, y));
    this.leaveFastPathWhere(any([odd, ...tiny]), () => {
      const zero = operands.map((x) => this.isZero(x));
      const flushed = any(tiny.map((x, i) => this.butNot(x, zero[i]!)));
      // A zero from a zero product is exact; others may have been tiny.
      const exact = this.apply2(SIMD.and, this.isZero(r), this.either(zero[1]!, zero[2]!));
      return this.either(flushed, this.butNot(odd, exact));
    });
    inexactUnless(this.e, () => {
      for (const x of [...operands, r]) this.gen(x);
      this.e.out.call(importIndex('exact_vfma'));
    });
    return r;
  }

  /**
   * Estimates of what is neither zero, infinite nor a NaN, and has an estimate that is normal: the exponent is 1 to 252. Of roots
   * it is positive.
   */
  protected estimate(op: 'frecpe' | 'frsqrte', a: Node): Node {
    this.e.openFastPath();
    const bits = op === 'frecpe' ? this.byConstant(SIMD.shr_u[2], this.byConstant(SIMD.shl[2], a, 1), 1) : a;
    const [low, high] = [0x0080_0000, op === 'frecpe' ? 253 << 23 : EXPONENT];
    const moved = this.apply2(SIMD.sub[2], bits, this.known(four(low)));
    const odd = this.apply2(SIMD.ge_u[2], moved, this.known(four(high - low)));
    this.leaveFastPathWhere(odd, () => odd);
    return this.call(op === 'frecpe' ? 'vrecpe' : 'vrsqrte', a);
  }

  /** Gives the instruction to the evaluator when a lane of a or b is a NaN or would be flushed to zero. */
  protected onlyNumbers(a: Node, b: Node): void {
    this.e.openFastPath();
    // Exponent 0 wraps to the top, where the NaNs are.
    const odd = (x: Node) =>
      this.apply2(
        SIMD.gt_u[2],
        this.apply2(SIMD.sub[2], this.byConstant(SIMD.shl[2], x, 1), this.known(four(0x0100_0000))),
        this.known(four(0xfe00_0000)),
      );
    const oddA = odd(a);
    const oddB = odd(b);
    this.leaveFastPathWhere(this.either(oddA, oddB), () =>
      this.either(this.butNot(oddA, this.isZero(a)), this.butNot(oddB, this.isZero(b))),
    );
  }

  /**
   * UnsignedRecipEstimate and UnsignedRSqrtEstimate: those of a single with these bits as its fraction, or ones where there is no
   * estimate.
   */
  protected integerEstimate(op: 'recpe' | 'rsqrte', a: Node): Node {
    const fractionOf = (x: Node) => this.byConstant(SIMD.shr_u[2], this.byConstant(SIMD.shl[2], x, 1), 9);
    const exponent = (n: number) => this.known(four(n << 23));
    const isHigh = this.byConstant(SIMD.shr_s[2], a, 31);
    let hasEstimate = isHigh;
    let single = this.either(fractionOf(a), exponent(126));
    if (op === 'rsqrte') {
      // Below a half an odd exponent, which halves the fraction.
      const doubled = this.byConstant(SIMD.shl[2], a, 1);
      single = this.select(isHigh, single, this.either(fractionOf(doubled), exponent(127)));
      hasEstimate = this.either(isHigh, this.byConstant(SIMD.shr_s[2], doubled, 31));
    }
    const estimate = this.byConstant(
      SIMD.shl[2],
      this.call(op === 'recpe' ? 'vrecpe' : 'vrsqrte', single),
      8,
    );
    return this.either(
      this.either(estimate, this.known(four(0x8000_0000))),
      this.apply1(SIMD.not, hasEstimate),
    );
  }

  /** Leaves each lane rounded to an integer, which keeps its sign. */
  protected rounded(rounding: Rounding, a: Node): Node {
    if (rounding !== 'a') {
      const ops = {
        n: SIMD.f32_nearest,
        x: SIMD.f32_nearest,
        p: SIMD.f32_ceil,
        m: SIMD.f32_floor,
        z: SIMD.f32_trunc,
      };
      return this.apply1(ops[rounding], a);
    }
    // Ties away from zero: one more, of a's sign, where half or more was cut off.
    const cut = this.apply1(SIMD.f32_trunc, a);
    const rest = this.apply1(SIMD.f32_abs, this.apply2(SIMD.f32_sub, a, cut));
    const isMore = this.apply2(SIMD.f32_ge, rest, this.known(four(0x3f00_0000)));
    const one = this.select(this.known(four(0x8000_0000)), a, this.known(four(0x3f80_0000)));
    return this.select(isMore, this.apply2(SIMD.f32_add, cut, one), cut);
  }

  protected roundToInteger(rounding: Rounding, a: Node): Node {
    this.onlyNumbers(a, a);
    const r = this.rounded(rounding, a);
    if (rounding === 'x') {
      inexactUnless(this.e, () => {
        this.gen(this.apply2(SIMD.f32_eq, r, a));
        this.op(SIMD.all_true[2]);
      });
    }
    return r;
  }

  /** 2^n or 2^-n in all lanes, where the machine may take n for an operand. */
  #powerOfTwo(op: 'add' | 'sub', n: number): Node {
    const { e } = this;
    return this.splat(2, e.shl(e[op](e.const(127), e.const(n)), e.const(23)));
  }

  protected toInteger(unsigned: boolean, a: Node, fbits: number, rounding: Rounding): Node {
    this.e.openFastPath();
    const scaled = fbits === 0 ? a : this.apply2(SIMD.f32_mul, a, this.#powerOfTwo('add', fbits));
    const x = rounding === 'z' ? scaled : this.rounded(rounding, scaled);
    const limit = this.known(four(unsigned ? 0x4f80_0000 : 0x4f00_0000));
    const inRange = unsigned
      ? this.apply2(
          SIMD.and,
          this.apply2(SIMD.f32_ge, x, this.known(four(0))),
          this.apply2(SIMD.f32_lt, x, limit),
        )
      : this.apply2(SIMD.f32_lt, this.apply1(SIMD.f32_abs, x), limit);
    const outside = this.apply1(SIMD.not, inRange);
    const tiny = this.tiny(a);
    this.leaveFastPathWhere(this.either(outside, tiny), () =>
      this.either(outside, this.butNot(tiny, this.isZero(a))),
    );
    inexactUnless(this.e, () => {
      this.gen(rounding === 'z' ? this.apply1(SIMD.f32_trunc, x) : x);
      this.gen(scaled);
      this.op(SIMD.f32_eq);
      this.op(SIMD.all_true[2]);
    });
    return this.apply1(unsigned ? SIMD.trunc_sat_u : SIMD.trunc_sat_s, x);
  }

  /** The bits in their place make a single that is too small by a power of two. Those of infinities and NaNs do not. */
  protected fromHalves(a: Node): Node {
    this.e.openFastPath();
    const h = this.apply1(SIMD.extend_low_u[1]!, a);
    const exponent = this.known(four(0x7c00));
    const odd = this.apply2(SIMD.eq[2], this.apply2(SIMD.and, h, exponent), exponent);
    this.leaveFastPathWhere(odd, () => odd);
    const size = this.byConstant(SIMD.shl[2], this.apply2(SIMD.and, h, this.known(four(0x7fff))), 13);
    const magnitude = this.apply2(SIMD.f32_mul, size, this.known(four((127 + 112) << 23)));
    const sign = this.byConstant(SIMD.shl[2], h, 16);
    return this.select(this.known(four(0x8000_0000)), sign, magnitude);
  }

  /** Rounds the bits where they stand: of what is neither tiny nor rounded beyond the greatest half; and zeros. */
  protected toHalves(a: Node): Node {
    this.e.openFastPath();
    const [least, infinite] = [113 << 23, 0x477f_f000];
    const size = this.apply2(SIMD.and, a, this.known(four(0x7fff_ffff)));
    const odd = this.apply2(
      SIMD.ge_u[2],
      this.apply2(SIMD.sub[2], size, this.known(four(least))),
      this.known(four(infinite - least)),
    );
    const zero = this.isZero(a);
    this.leaveFastPathWhere(odd, () => this.butNot(odd, zero));
    inexactUnless(this.e, () => {
      const cut = this.apply2(SIMD.and, size, this.known(four(0x1fff)));
      this.gen(this.apply2(SIMD.eq[2], cut, this.known(four(0))));
      this.op(SIMD.all_true[2]);
    });
    const even = this.apply2(SIMD.and, this.byConstant(SIMD.shr_u[2], size, 13), this.known(four(1)));
    const bias = this.known(four(0xfff - (112 << 23)));
    const moved = this.apply2(SIMD.add[2], size, this.apply2(SIMD.add[2], even, bias));
    const rounded = this.butNot(this.byConstant(SIMD.shr_u[2], moved, 13), zero);
    const sign = this.apply2(SIMD.and, this.byConstant(SIMD.shr_u[2], a, 16), this.known(four(0x8000)));
    return this.lowHalves(2, this.either(rounded, sign));
  }

  protected fromInteger(unsigned: boolean, a: Node, fbits: number): Node {
    const r = this.apply1(unsigned ? SIMD.f32_convert_u : SIMD.f32_convert_s, a);
    inexactUnless(this.e, () => {
      // Back again it is the same; but for the highest number, which is rounded up and saturated back.
      const back = this.apply1(unsigned ? SIMD.trunc_sat_u : SIMD.trunc_sat_s, r);
      const same = this.apply2(SIMD.eq[2], back, a);
      const highest = this.apply2(SIMD.eq[2], a, this.known(four(unsigned ? -1 : 0x7fff_ffff)));
      this.gen(this.butNot(same, highest));
      this.op(SIMD.all_true[2]);
    });
    return fbits === 0 ? r : this.apply2(SIMD.f32_mul, r, this.#powerOfTwo('sub', fbits));
  }
}
