/**
 * Compiled Advanced SIMD: the operations of vector-machine.ts on wasm's v128. Saturation is found by comparing with what does
 * not saturate.
 */
import {
  isQuad,
  isUnsigned,
  type Lanes,
  laneBits,
  type Vector1,
  type Vector2,
  type Vector3,
  type VectorShift,
} from '../machine/vector-machine.ts';
import { setFlagIf } from './emit-fpscr.ts';
import { four, range, type Words } from './emit-lanes.ts';
import { FloatLanes, type Rounding } from './emit-vector-floats.ts';
import type { Node } from './function-writer.ts';
import type { VectorHelper } from './vector-helpers.ts';
import { OP } from './wasm.ts';
import { SIMD } from './wasm-simd.ts';

const QC = 1 << 27;

/** Highest and lowest number of signed lanes, as words of all lanes. */
function most(log2: number): Words {
  return log2 === 3
    ? [-1, 0x7fff_ffff, -1, 0x7fff_ffff]
    : four([0x7f7f_7f7f, 0x7fff_7fff, 0x7fff_ffff][log2]!);
}
function least(log2: number): Words {
  const [a, b, c, d] = most(log2);
  return [~a, ~b, ~c, ~d];
}

export class VectorEmitter extends FloatLanes {
  /** Sets QC when any lane of the mask has ones. */
  #saturatedWhere(t: Lanes, mask: Node): void {
    const { out } = this.e;
    this.gen(mask);
    if (isQuad(t)) this.op(SIMD.any_true);
    else {
      this.op(SIMD.extract_s[3]);
      out.byte(0);
      out.byte(OP.i64_eqz);
      out.byte(OP.i32_eqz);
    }
    setFlagIf(this.e, QC);
  }
  #saturatedUnlessSame(t: Lanes, a: Node, b: Node): void {
    this.#saturatedWhere(t, this.apply2(SIMD.xor, a, b));
  }

  // ---- VectorMachine ----

  getLane(t: Lanes, w: Node, i: number): Node {
    this.gen(w);
    this.op((isUnsigned(t) ? SIMD.extract_u : SIMD.extract_s)[t & 3]!);
    this.e.out.byte(i);
    return this.e.fromStack();
  }

  setLane(t: Lanes, w: Node, i: number, v: Node): Node {
    this.gen(w);
    this.e.gen(v);
    this.op(SIMD.replace[t & 3]!);
    this.e.out.byte(i);
    return this.fromStack();
  }

  vec1(op: Vector1, t: Lanes, a: Node): Node {
    const log2 = t & 3;
    const unsigned = isUnsigned(t);
    switch (op) {
      case 'not':
        return this.apply1(SIMD.not, a);
      case 'abs':
        return this.apply1(SIMD.abs[log2]!, a);
      case 'qabs': {
        // The lowest number's is itself, and of unsigned ones the highest.
        const abs = this.apply1(SIMD.abs[log2]!, a);
        const r = this.apply2(SIMD.min_u[log2]!, abs, this.known(most(log2)));
        this.#saturatedUnlessSame(t, abs, r);
        return r;
      }
      case 'qneg': {
        const isLeast = this.apply2(SIMD.eq[log2]!, a, this.known(least(log2)));
        this.#saturatedWhere(t, isLeast);
        return this.apply2(SIMD.xor, this.apply1(SIMD.neg[log2]!, a), isLeast);
      }
      case 'cnt':
        return this.apply1(SIMD.popcnt, a);
      case 'clz':
        return this.#leadingZeros(log2, a);
      case 'widen':
        return this.apply1((unsigned ? SIMD.extend_low_u : SIMD.extend_low_s)[log2]!, a);
      case 'narrow':
        return this.lowHalves(log2, a);
      case 'qnarrow':
        return this.#saturateToHalf(t, a, unsigned, unsigned);
      case 'qnarrowu':
        return this.#saturateToHalf(t, a, false, true);
      case 'aessub':
        return this.call('aes_sub', a);
      case 'aesisub':
        return this.call('aes_inverse_sub', a);
      case 'frecpe':
      case 'frsqrte':
        return this.estimate(op, a);
      case 'paddl':
        return this.#addPairs(log2, unsigned, a);
      case 'recpe':
      case 'rsqrte':
        return this.integerEstimate(op, a);
      case 'ftoh':
        return this.toHalves(a);
      case 'htof':
        return this.fromHalves(a);
      case 'ftoia':
      case 'ftoin':
      case 'ftoip':
      case 'ftoim':
        return this.toInteger(unsigned, a, 0, op.at(-1) as Rounding);
      default:
        return this.roundToInteger(op.at(-1) as Rounding, a);
    }
  }

  /** Ones below the highest one, which are counted. */
  #leadingZeros(log2: number, a: Node): Node {
    const bits = 8 << log2;
    let smeared = a;
    for (let n = 1; n < bits; n *= 2)
      smeared = this.apply2(SIMD.or, smeared, this.byConstant(SIMD.shr_u[log2]!, smeared, n));
    let ones = this.apply1(SIMD.popcnt, smeared);
    for (let i = 0; i < log2; i++) ones = this.apply1(SIMD.extadd_pairwise_u[i]!, ones);
    const all = this.splat(log2, this.e.const(bits));
    return this.apply2(SIMD.sub[log2]!, all, ones);
  }

  #saturateToHalf(t: Lanes, a: Node, fromUnsigned: boolean, toUnsigned: boolean): Node {
    const log2 = t & 3;
    let r: Node;
    if (log2 === 3) {
      const high = this.known(toUnsigned ? [-1, 0, -1, 0] : [0x7fff_ffff, 0, 0x7fff_ffff, 0]);
      let clipped: Node;
      if (fromUnsigned) {
        const upper = this.byConstant(SIMD.shr_u[3], a, 32);
        clipped = this.select(this.apply2(SIMD.ne[3], upper, this.known(four(0))), high, a);
      } else {
        clipped = this.select(this.apply2(SIMD.gt_s[3], a, high), high, a);
        const low = this.known(toUnsigned ? four(0) : [0x8000_0000 | 0, -1, 0x8000_0000 | 0, -1]);
        clipped = this.select(this.apply2(SIMD.lt_s[3], clipped, low), low, clipped);
      }
      r = this.lowHalves(3, clipped);
    } else {
      // wasm's narrowing takes its operand for signed.
      const limit = this.known(four(log2 === 1 ? 0x00ff_00ff : 0xffff));
      const signed = fromUnsigned ? this.apply2(SIMD.min_u[log2]!, a, limit) : a;
      r = this.apply2((toUnsigned ? SIMD.narrow_u : SIMD.narrow_s)[log2 - 1]!, signed, signed);
    }
    const back = this.apply1((toUnsigned ? SIMD.extend_low_u : SIMD.extend_low_s)[log2 - 1]!, r);
    this.#saturatedUnlessSame(t | 8, a, back);
    return r;
  }

  #addPairs(log2: number, unsigned: boolean, a: Node): Node {
    if (log2 < 2) return this.apply1((unsigned ? SIMD.extadd_pairwise_u : SIMD.extadd_pairwise_s)[log2]!, a);
    const shift = unsigned ? SIMD.shr_u[3] : SIMD.shr_s[3];
    const even = this.byConstant(shift, this.byConstant(SIMD.shl[3], a, 32), 32);
    return this.apply2(SIMD.add[3], even, this.byConstant(shift, a, 32));
  }

  vec2(op: Vector2, t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const unsigned = isUnsigned(t);
    switch (op) {
      case 'and':
      case 'or':
      case 'xor':
        return this.apply2(SIMD[op], a, b);
      case 'bic':
        return this.apply2(SIMD.andnot, a, b);
      case 'orn':
        return this.apply2(SIMD.or, a, this.apply1(SIMD.not, b));
      case 'add':
      case 'sub':
        return this.apply2(SIMD[op][log2]!, a, b);
      case 'mul':
        return log2 === 0 ? this.#multiplyBytes(t, a, b) : this.apply2(SIMD.mul[log2]!, a, b);
      case 'pmul':
        return this.#polynomial(0, a, b);
      case 'max':
        return this.apply2((unsigned ? SIMD.max_u : SIMD.max_s)[log2]!, a, b);
      case 'min':
        return this.apply2((unsigned ? SIMD.min_u : SIMD.min_s)[log2]!, a, b);
      case 'eq':
        return this.apply2(SIMD.eq[log2]!, a, b);
      case 'gt':
        return this.apply2((unsigned ? SIMD.gt_u : SIMD.gt_s)[log2]!, a, b);
      case 'ge':
        return this.apply2((unsigned ? SIMD.ge_u : SIMD.ge_s)[log2]!, a, b);
      case 'qadd':
      case 'qsub':
        return this.#saturatingSum(op, t, a, b);
      case 'mull':
        return this.apply2((unsigned ? SIMD.extmul_low_u : SIMD.extmul_low_s)[log2]!, a, b);
      case 'pmull':
        if (log2 === 3) return this.call('vpmull', a, b);
        return this.#polynomial(
          1,
          this.apply1(SIMD.extend_low_u[0], a),
          this.apply1(SIMD.extend_low_u[0], b),
        );
      case 'qdmull': {
        const product = this.apply2(SIMD.extmul_low_s[log2]!, a, b);
        return this.#saturatingSum('qadd', (log2 + 1) | 8, product, product);
      }
      case 'qdmulh':
      case 'qrdmulh':
        return this.#doubledHigh(op === 'qrdmulh', t, a, b);
      case 'shl':
        return this.#shiftBy(t, a, b);
      case 'rshl':
        return this.#roundedShift(t, a, b);
      case 'qshl':
        return this.#saturatedShift(t, a, b, this.#shiftBy(t, a, b));
      case 'qrshl':
        return this.#saturatedShift(t, a, b, this.#roundedShift(t, a, b));
      case 'tbl':
        return this.apply2(SIMD.swizzle, a, b);
      case 'fadd':
      case 'fsub':
      case 'fmul':
        return this.floats(op, a, b);
      case 'fmax':
      case 'fmaxnm':
        this.onlyNumbers(a, b);
        return this.apply2(SIMD.f32_max, a, b);
      case 'fmin':
      case 'fminnm':
        this.onlyNumbers(a, b);
        return this.apply2(SIMD.f32_min, a, b);
      case 'feq':
      case 'fgt':
      case 'fge':
        this.onlyNumbers(a, b);
        return this.apply2(op === 'feq' ? SIMD.f32_eq : op === 'fgt' ? SIMD.f32_gt : SIMD.f32_ge, a, b);
      case 'frecps':
        // Infinity times zero leaves the fast path.
        return this.floats('fsub', this.known(four(0x4000_0000)), this.floats('fmul', a, b));
      case 'frsqrts': {
        const difference = this.floats('fsub', this.known(four(0x4040_0000)), this.floats('fmul', a, b));
        return this.floats('fmul', difference, this.known(four(0x3f00_0000)));
      }
    }
  }

  #shiftBy(t: Lanes, a: Node, b: Node): Node {
    return this.call(`vshl_${isUnsigned(t) ? 'u' : 's'}${laneBits(t)}` as VectorHelper, a, b);
  }

  /** Ones in the lanes that are shifted to the right: the low byte of the amount is negative. */
  #goesRight(t: Lanes, b: Node): Node {
    const log2 = t & 3;
    const bits = laneBits(t);
    const top = bits === 8 ? b : this.byConstant(SIMD.shl[log2]!, b, bits - 8);
    return this.byConstant(SIMD.shr_s[log2]!, top, bits - 1);
  }

  #ones(log2: number): Node {
    return log2 === 3 ? this.known([1, 0, 1, 0]) : this.splat(log2, this.e.const(1));
  }

  /** What is shifted out last is added: the low bit after one step less. */
  #roundedShift(t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const one = this.#ones(log2);
    const last = this.#shiftBy(t, a, this.apply2(SIMD.add[log2]!, b, one));
    const added = this.apply2(SIMD.and, this.apply2(SIMD.and, last, one), this.#goesRight(t, b));
    return this.apply2(SIMD.add[log2]!, this.#shiftBy(t, a, b), added);
  }

  /** `shifted` but where bits that mattered were lost to the left: there the shift back does not give a. */
  #saturatedShift(t: Lanes, a: Node, b: Node, shifted: Node): Node {
    const log2 = t & 3;
    const back = this.#shiftBy(t, shifted, this.apply1(SIMD.neg[log2]!, b));
    const lost = this.butNot(this.apply2(SIMD.ne[log2]!, back, a), this.#goesRight(t, b));
    this.#saturatedWhere(t, lost);
    if (isUnsigned(t)) return this.apply2(SIMD.or, shifted, lost);
    const sign = this.byConstant(SIMD.shr_s[log2]!, a, laneBits(t) - 1);
    return this.select(lost, this.apply2(SIMD.xor, sign, this.known(most(log2))), shifted);
  }

  #multiplyBytes(t: Lanes, a: Node, b: Node): Node {
    const low = this.apply2(SIMD.extmul_low_u[0], a, b);
    if (!isQuad(t)) return this.lowHalves(1, low);
    const high = this.apply2(SIMD.extmul_high_s[0], a, b);
    return this.shuffle(
      range(16).map((i) => 2 * i),
      low,
      high,
    );
  }

  /** Eight partial products: each bit of b, in all bits of its lane, chooses one. */
  #polynomial(log2: number, a: Node, b: Node): Node {
    const top = (8 << log2) - 1;
    let product = this.known(four(0));
    for (let i = 0; i < 8; i++) {
      const bit = this.byConstant(SIMD.shr_s[log2]!, this.byConstant(SIMD.shl[log2]!, b, top - i), top);
      const part = this.apply2(SIMD.and, bit, this.byConstant(SIMD.shl[log2]!, a, i));
      product = this.apply2(SIMD.xor, product, part);
    }
    return product;
  }

  #saturatingSum(op: 'qadd' | 'qsub', t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const unsigned = isUnsigned(t);
    const plain = this.apply2(op === 'qadd' ? SIMD.add[log2]! : SIMD.sub[log2]!, a, b);
    if (log2 < 2) {
      const [s, u] = op === 'qadd' ? [SIMD.add_sat_s, SIMD.add_sat_u] : [SIMD.sub_sat_s, SIMD.sub_sat_u];
      const r = this.apply2((unsigned ? u : s)[log2]!, a, b);
      this.#saturatedUnlessSame(t, plain, r);
      return r;
    }
    if (unsigned) {
      // A sum below its term has wrapped, and so has a difference from a greater number.
      const wrapped = op === 'qadd' ? this.#below(log2, plain, a) : this.#below(log2, a, b);
      this.#saturatedWhere(t, wrapped);
      return this.apply2(op === 'qadd' ? SIMD.or : SIMD.andnot, plain, wrapped);
    }
    // Overflow: the signs of the terms (for a difference, unlike ones) have given the other sign.
    const changed = this.apply2(SIMD.xor, a, plain);
    const other = this.apply2(SIMD.xor, op === 'qadd' ? b : a, op === 'qadd' ? plain : b);
    const sign = (8 << log2) - 1;
    const overflow = this.byConstant(SIMD.shr_s[log2]!, this.apply2(SIMD.and, changed, other), sign);
    this.#saturatedWhere(t, overflow);
    const limit = this.apply2(SIMD.xor, this.byConstant(SIMD.shr_s[log2]!, a, sign), this.known(most(log2)));
    return this.select(overflow, limit, plain);
  }

  /** a < b, unsigned. */
  #below(log2: number, a: Node, b: Node): Node {
    if (log2 < 3) return this.apply2(SIMD.lt_u[log2]!, a, b);
    const sign = this.known(least(3));
    return this.apply2(SIMD.lt_s[3], this.apply2(SIMD.xor, a, sign), this.apply2(SIMD.xor, b, sign));
  }

  #doubledHigh(rounds: boolean, t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const lowest = this.known(least(log2));
    const overflow = () =>
      this.apply2(SIMD.and, this.apply2(SIMD.eq[log2]!, a, lowest), this.apply2(SIMD.eq[log2]!, b, lowest));
    if (log2 === 1) {
      const rounded = this.apply2(SIMD.q15mulr_sat_s, a, b);
      // What overflowed is the greatest number; few others are.
      this.gen(this.apply2(SIMD.eq[1], rounded, this.known(most(1))));
      this.op(SIMD.any_true);
      this.e.openUnlikely();
      this.#saturatedWhere(t, overflow());
      this.e.close();
      if (rounds) return rounded;
      // It was rounded up where the highest bit that is cut off is set.
      const product = this.apply2(SIMD.mul[1], a, b);
      const up = this.byConstant(SIMD.shr_u[1], this.byConstant(SIMD.shl[1], product, 1), 15);
      return this.apply2(SIMD.sub[1], rounded, up);
    }
    const saturated = overflow();
    this.#saturatedWhere(t, saturated);
    const half = (extmul: readonly number[]): Node => {
      const product = this.apply2(extmul[log2]!, a, b);
      const rounded = rounds
        ? this.apply2(SIMD.add[3], product, this.known([0x4000_0000, 0, 0x4000_0000, 0]))
        : product;
      return this.byConstant(SIMD.shr_s[3], rounded, 31);
    };
    const low = half(SIMD.extmul_low_s);
    const high = isQuad(t) ? half(SIMD.extmul_high_s) : low;
    const r = this.shuffle(
      range(16).map((i) => (i >> 2) * 8 + (i & 3)),
      low,
      high,
    );
    return this.select(saturated, this.known(most(2)), r);
  }

  vec3(op: Vector3, _t: Lanes, a: Node, b: Node, c: Node): Node {
    return op === 'bsl' ? this.select(a, b, c) : this.fused(a, b, c);
  }

  vecShift(op: VectorShift, t: Lanes, a: Node, amount: number): Node {
    const log2 = t & 3;
    const bits = laneBits(t);
    const unsigned = isUnsigned(t);
    const right = unsigned ? SIMD.shr_u[log2]! : SIMD.shr_s[log2]!;
    if (op === 'ftoi') return this.toInteger(unsigned, a, amount, 'z');
    if (op === 'itof') return this.fromInteger(unsigned, a, amount);
    const n = this.e.const(amount);
    switch (op) {
      case 'shl':
        return amount === bits ? this.known(four(0)) : this.shift(SIMD.shl[log2]!, a, n);
      case 'shr':
        if (amount !== bits) return this.shift(right, a, n);
        return unsigned ? this.known(four(0)) : this.byConstant(right, a, bits - 1);
      case 'rshr': {
        // What is shifted out last is added.
        const last = this.shift(SIMD.shr_u[log2]!, a, this.e.let(this.e.sub(n, this.e.const(1))));
        const one = this.#ones(log2);
        const shifted = this.vecShift('shr', t, a, amount);
        return this.apply2(SIMD.add[log2]!, shifted, this.apply2(SIMD.and, last, one));
      }
      case 'qshl': {
        if (amount === 0) return a;
        const r = this.shift(SIMD.shl[log2]!, a, n);
        const lost = this.apply2(SIMD.ne[log2]!, this.shift(right, r, n), a);
        this.#saturatedWhere(t, lost);
        if (unsigned) return this.apply2(SIMD.or, r, lost);
        const sign = this.byConstant(SIMD.shr_s[log2]!, a, bits - 1);
        return this.select(lost, this.apply2(SIMD.xor, sign, this.known(most(log2))), r);
      }
      case 'qshlu': {
        const sign = this.byConstant(SIMD.shr_s[log2]!, a, bits - 1);
        const r = this.shift(SIMD.shl[log2]!, a, n);
        const back = this.shift(SIMD.shr_u[log2]!, r, n);
        const lost = this.apply2(SIMD.or, sign, this.apply2(SIMD.ne[log2]!, back, a));
        this.#saturatedWhere(t, lost);
        return this.select(lost, this.apply1(SIMD.not, sign), r);
      }
    }
  }
}
