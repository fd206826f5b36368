/**
 * Compiled Advanced SIMD: the operations of vector-machine.ts on wasm's v128.
 *
 * A 64-bit value may stand in a local of 64 bits, or in the lower half of a v128 with anything above it; made a v128 it is there
 * twice, so that what looks at all lanes (flags) sees nothing new. Saturation is found by comparing with what does not saturate.
 * What has no exact form here is Unsupported, and so the evaluator's.
 *
 * Floats are computed as they are, and then tested: operands that would be flushed to zero, NaNs, infinities and results that are
 * not normal (nor zeros that are exact) give the instruction to the evaluator (Emitter.slowUnless). Of the flags IXC remains, as
 * in emit-fp.ts.
 */
import { OFF } from '../cpu-state.ts';
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
import { CPU, importIndex, Unsupported } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { CONST, type Node } from './function-writer.ts';
import type { VectorHelper } from './vector-helpers.ts';
import { F64, I64, OP } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

const QC = 1 << 27;
const IXC = 0x10;

type Words = readonly [number, number, number, number];
const four = (x: number): Words => [x | 0, x | 0, x | 0, x | 0];
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Exponent bits of a single, as they are and shifted up by one; twice the smallest normal number's bits, and the infinity's. */
const EXPONENT = 0x7f80_0000;
const LOWEST_BINADE = 0x0200_0000;
const FINITE_SPAN = 0xfd00_0000;

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

export class VectorEmitter {
  private readonly e: Emitter;
  /** Values known when they are compiled, by node. */
  private readonly constants = new WeakMap<Node, Words>();

  constructor(e: Emitter) {
    this.e = e;
  }

  // ---- values ----

  private op(op: number): void {
    this.e.out.simd(op);
  }

  private held(): Node {
    return this.e.heldAs(V128);
  }

  /** A constant: no code until it is used. */
  private known(words: Words): Node {
    const node = this.e.placeholder();
    this.constants.set(node, words);
    return node;
  }

  /** A 64-bit constant. */
  pair(low: number, high: number): Node {
    return this.known([low, high, low, high]);
  }

  private constant(words: Words): void {
    this.op(SIMD.const);
    this.e.out.raw(new Uint8Array(Int32Array.from(words).buffer));
  }

  /** Leaves a value as a v128. */
  gen(w: Node): void {
    const known = this.constants.get(w);
    if (known !== undefined) {
      this.constant(known);
      return;
    }
    this.e.gen(w);
    switch (this.e.typeOf(w)) {
      case F64:
        this.op(SIMD.f64_splat);
        break;
      case I64:
        this.op(SIMD.splat[3]);
        break;
    }
  }

  /** Leaves a 64-bit value as a double. */
  genDouble(w: Node): void {
    const { out } = this.e;
    const known = this.constants.get(w);
    if (known !== undefined) {
      out.byte(OP.f64_const);
      out.raw(new Uint8Array(Int32Array.of(known[0], known[1]).buffer));
      return;
    }
    this.e.gen(w);
    switch (this.e.typeOf(w)) {
      case V128:
        this.op(SIMD.f64_extract);
        out.byte(0);
        break;
      case I64:
        out.byte(OP.f64_reinterpret_i64);
        break;
    }
  }

  /** A word of a 64-bit value. */
  word(w: Node, i: 0 | 1): Node {
    const { e } = this;
    const known = this.constants.get(w);
    if (known !== undefined) return e.const(known[i]);
    this.gen(w);
    this.op(SIMD.extract_s[2]);
    e.out.byte(i);
    return e.heldAs();
  }

  // ---- writing ----

  private apply1(op: number, a: Node): Node {
    this.gen(a);
    this.op(op);
    return this.held();
  }
  private apply2(op: number, a: Node, b: Node): Node {
    if (op < 0) throw new Unsupported();
    this.gen(a);
    this.gen(b);
    this.op(op);
    return this.held();
  }
  private byConstant(op: number, a: Node, n: number): Node {
    this.gen(a);
    this.e.out.i32(n);
    this.op(op);
    return this.held();
  }
  /** Calls a function of vector-helpers.ts. */
  private call(name: VectorHelper, ...operands: Node[]): Node {
    for (const operand of operands) this.gen(operand);
    this.e.out.call(importIndex(name));
    return this.held();
  }
  private select(mask: Node, a: Node, b: Node): Node {
    this.gen(a);
    this.gen(b);
    this.gen(mask);
    this.op(SIMD.bitselect);
    return this.held();
  }

  /** Sets flags of FPSCR, with the answer to "is it to be?" on the wasm stack. */
  private setFlagIf(flag: number): void {
    const { e } = this;
    const { out } = e;
    e.openUnlikely();
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fpscr);
    out.i32(flag);
    out.byte(OP.i32_or);
    out.mem(OP.i32_store, OFF.fpscr);
    e.close();
  }

  /** Sets QC when any lane of the mask has ones. */
  private saturatedWhere(t: Lanes, mask: Node): void {
    const { out } = this.e;
    this.gen(mask);
    if (isQuad(t)) this.op(SIMD.any_true);
    else {
      this.op(SIMD.extract_s[3]);
      out.byte(0);
      out.byte(OP.i64_eqz);
      out.byte(OP.i32_eqz);
    }
    this.setFlagIf(QC);
  }
  private saturatedUnlessSame(t: Lanes, a: Node, b: Node): void {
    this.saturatedWhere(t, this.apply2(SIMD.xor, a, b));
  }

  // ---- VectorMachine ----

  shuffle(pattern: readonly number[], a: Node, b: Node): Node {
    const all = pattern.length === 16 ? pattern : [...pattern, ...pattern];
    const known = [this.constants.get(a), this.constants.get(b)];
    if (known[0] !== undefined && known[1] !== undefined) {
      const source = new Uint8Array(Int32Array.from([...known[0], ...known[1]]).buffer);
      const words = new Int32Array(Uint8Array.from(all, (i) => source[i]!).buffer);
      return this.known([words[0]!, words[1]!, words[2]!, words[3]!]);
    }
    this.gen(a);
    this.gen(b);
    this.op(SIMD.shuffle);
    this.e.out.raw(all);
    return this.held();
  }

  splat(t: Lanes, v: Node): Node {
    const x = this.e.constantOf(v);
    const log2 = t & 3;
    if (x !== undefined && v.kind === CONST) {
      const word = log2 === 0 ? (x & 0xff) * 0x0101_0101 : log2 === 1 ? (x & 0xffff) * 0x1_0001 : x;
      return this.known(four(word));
    }
    this.e.gen(v);
    this.op(SIMD.splat[log2]!);
    return this.held();
  }

  getLane(t: Lanes, w: Node, i: number): Node {
    this.gen(w);
    this.op((isUnsigned(t) ? SIMD.extract_u : SIMD.extract_s)[t & 3]!);
    this.e.out.byte(i);
    return this.e.heldAs();
  }

  setLane(t: Lanes, w: Node, i: number, v: Node): Node {
    this.gen(w);
    this.e.gen(v);
    this.op(SIMD.replace[t & 3]!);
    this.e.out.byte(i);
    return this.held();
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
        this.saturatedUnlessSame(t, abs, r);
        return r;
      }
      case 'qneg': {
        const isLeast = this.apply2(SIMD.eq[log2]!, a, this.known(least(log2)));
        this.saturatedWhere(t, isLeast);
        return this.apply2(SIMD.xor, this.apply1(SIMD.neg[log2]!, a), isLeast);
      }
      case 'cnt':
        return this.apply1(SIMD.popcnt, a);
      case 'clz':
        return this.leadingZeros(log2, a);
      case 'widen':
        return this.apply1((unsigned ? SIMD.extend_low_u : SIMD.extend_low_s)[log2]!, a);
      case 'narrow':
        return this.lowHalves(log2, a);
      case 'qnarrow':
        return this.saturateToHalf(t, a, unsigned, unsigned);
      case 'qnarrowu':
        return this.saturateToHalf(t, a, false, true);
      case 'aessub':
        return this.call('aes_sub', a);
      case 'aesisub':
        return this.call('aes_inverse_sub', a);
      case 'frecpe':
      case 'frsqrte':
        return this.estimate(op, a);
      case 'paddl':
        return this.addPairs(log2, unsigned, a);
      default:
        throw new Unsupported();
    }
  }

  /** Ones below the highest one, which are counted. */
  private leadingZeros(log2: number, a: Node): Node {
    const bits = 8 << log2;
    let smeared = a;
    for (let n = 1; n < bits; n *= 2)
      smeared = this.apply2(SIMD.or, smeared, this.byConstant(SIMD.shr_u[log2]!, smeared, n));
    let ones = this.apply1(SIMD.popcnt, smeared);
    for (let i = 0; i < log2; i++) ones = this.apply1(SIMD.extadd_pairwise_u[i]!, ones);
    const all = this.splat(log2, this.e.const(bits));
    return this.apply2(SIMD.sub[log2]!, all, ones);
  }

  /** The lower half of each lane. */
  private lowHalves(log2: number, a: Node): Node {
    const size = 1 << (log2 - 1);
    return this.shuffle(
      range(8).map((i) => Math.floor(i / size) * 2 * size + (i % size)),
      a,
      a,
    );
  }

  private saturateToHalf(t: Lanes, a: Node, fromUnsigned: boolean, toUnsigned: boolean): Node {
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
    this.saturatedUnlessSame(t | 8, a, back);
    return r;
  }

  private addPairs(log2: number, unsigned: boolean, a: Node): Node {
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
        return log2 === 0 ? this.multiplyBytes(t, a, b) : this.apply2(SIMD.mul[log2]!, a, b);
      case 'pmul':
        return this.polynomial(0, a, b);
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
        return this.saturatingSum(op, t, a, b);
      case 'mull':
        return this.apply2((unsigned ? SIMD.extmul_low_u : SIMD.extmul_low_s)[log2]!, a, b);
      case 'pmull':
        if (log2 === 3) return this.call('vpmull', a, b);
        return this.polynomial(1, this.apply1(SIMD.extend_low_u[0], a), this.apply1(SIMD.extend_low_u[0], b));
      case 'qdmull': {
        const product = this.apply2(SIMD.extmul_low_s[log2]!, a, b);
        return this.saturatingSum('qadd', (log2 + 1) | 8, product, product);
      }
      case 'qdmulh':
      case 'qrdmulh':
        return this.doubledHigh(op === 'qrdmulh', t, a, b);
      case 'shl':
        return this.call(`vshl_${unsigned ? 'u' : 's'}${laneBits(t)}` as VectorHelper, a, b);
      case 'tbl':
        return this.apply2(SIMD.swizzle, a, b);
      case 'fadd':
      case 'fsub':
      case 'fmul':
        return this.floats(op, a, b);
      case 'fmax':
      case 'fmin':
        this.onlyNumbers(a, b);
        return this.apply2(op === 'fmax' ? SIMD.f32_max : SIMD.f32_min, a, b);
      case 'feq':
      case 'fgt':
      case 'fge':
        this.onlyNumbers(a, b);
        return this.apply2(op === 'feq' ? SIMD.f32_eq : op === 'fgt' ? SIMD.f32_gt : SIMD.f32_ge, a, b);
      case 'frecps':
        // Infinity times zero is not ordinary.
        return this.floats('fsub', this.known(four(0x4000_0000)), this.floats('fmul', a, b));
      case 'frsqrts': {
        const difference = this.floats('fsub', this.known(four(0x4040_0000)), this.floats('fmul', a, b));
        return this.floats('fmul', difference, this.known(four(0x3f00_0000)));
      }
      default:
        throw new Unsupported();
    }
  }

  private multiplyBytes(t: Lanes, a: Node, b: Node): Node {
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
  private polynomial(log2: number, a: Node, b: Node): Node {
    const top = (8 << log2) - 1;
    let product = this.known(four(0));
    for (let i = 0; i < 8; i++) {
      const bit = this.byConstant(SIMD.shr_s[log2]!, this.byConstant(SIMD.shl[log2]!, b, top - i), top);
      const part = this.apply2(SIMD.and, bit, this.byConstant(SIMD.shl[log2]!, a, i));
      product = this.apply2(SIMD.xor, product, part);
    }
    return product;
  }

  private saturatingSum(op: 'qadd' | 'qsub', t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const unsigned = isUnsigned(t);
    const plain = this.apply2(op === 'qadd' ? SIMD.add[log2]! : SIMD.sub[log2]!, a, b);
    if (log2 < 2) {
      const [s, u] = op === 'qadd' ? [SIMD.add_sat_s, SIMD.add_sat_u] : [SIMD.sub_sat_s, SIMD.sub_sat_u];
      const r = this.apply2((unsigned ? u : s)[log2]!, a, b);
      this.saturatedUnlessSame(t, plain, r);
      return r;
    }
    if (unsigned) {
      // A sum below its term has wrapped, and so has a difference from a greater number.
      const wrapped = op === 'qadd' ? this.below(log2, plain, a) : this.below(log2, a, b);
      this.saturatedWhere(t, wrapped);
      return this.apply2(op === 'qadd' ? SIMD.or : SIMD.andnot, plain, wrapped);
    }
    // Overflow: the signs of the terms (for a difference, unlike ones) have given the other sign.
    const changed = this.apply2(SIMD.xor, a, plain);
    const other = this.apply2(SIMD.xor, op === 'qadd' ? b : a, op === 'qadd' ? plain : b);
    const sign = (8 << log2) - 1;
    const overflow = this.byConstant(SIMD.shr_s[log2]!, this.apply2(SIMD.and, changed, other), sign);
    this.saturatedWhere(t, overflow);
    const limit = this.apply2(SIMD.xor, this.byConstant(SIMD.shr_s[log2]!, a, sign), this.known(most(log2)));
    return this.select(overflow, limit, plain);
  }

  /** a < b, unsigned. */
  private below(log2: number, a: Node, b: Node): Node {
    if (log2 < 3) return this.apply2(SIMD.lt_u[log2]!, a, b);
    const sign = this.known(least(3));
    return this.apply2(SIMD.lt_s[3], this.apply2(SIMD.xor, a, sign), this.apply2(SIMD.xor, b, sign));
  }

  private doubledHigh(rounds: boolean, t: Lanes, a: Node, b: Node): Node {
    const log2 = t & 3;
    const lowest = this.known(least(log2));
    const overflow = this.apply2(
      SIMD.and,
      this.apply2(SIMD.eq[log2]!, a, lowest),
      this.apply2(SIMD.eq[log2]!, b, lowest),
    );
    this.saturatedWhere(t, overflow);
    if (log2 === 1 && rounds) return this.apply2(SIMD.q15mulr_sat_s, a, b);
    const half = (extmul: readonly number[]): Node => {
      const product = this.apply2(extmul[log2]!, a, b);
      if (log2 === 1) return this.byConstant(SIMD.shr_s[2], product, 15);
      const rounded = rounds
        ? this.apply2(SIMD.add[3], product, this.known([0x4000_0000, 0, 0x4000_0000, 0]))
        : product;
      return this.byConstant(SIMD.shr_s[3], rounded, 31);
    };
    const low = half(SIMD.extmul_low_s);
    const high = isQuad(t) ? half(SIMD.extmul_high_s) : low;
    if (log2 === 1) return this.apply2(SIMD.narrow_s[1], low, high);
    const r = this.shuffle(
      range(16).map((i) => (i >> 2) * 8 + (i & 3)),
      low,
      high,
    );
    return this.select(overflow, this.known(most(2)), r);
  }

  vec3(op: Vector3, _t: Lanes, a: Node, b: Node, c: Node): Node {
    return op === 'bsl' ? this.select(a, b, c) : this.fused(a, b, c);
  }

  vecShift(op: VectorShift, t: Lanes, a: Node, amount: number): Node {
    const log2 = t & 3;
    const bits = laneBits(t);
    const unsigned = isUnsigned(t);
    const right = unsigned ? SIMD.shr_u[log2]! : SIMD.shr_s[log2]!;
    switch (op) {
      case 'shl':
        return amount === bits ? this.known(four(0)) : this.byConstant(SIMD.shl[log2]!, a, amount);
      case 'shr':
        if (amount < bits) return this.byConstant(right, a, amount);
        return unsigned ? this.known(four(0)) : this.byConstant(right, a, bits - 1);
      case 'rshr': {
        // What is shifted out last is added.
        const last = this.byConstant(SIMD.shr_u[log2]!, a, amount - 1);
        const one = log2 === 3 ? this.known([1, 0, 1, 0]) : this.splat(log2, this.e.const(1));
        const shifted = this.vecShift('shr', t, a, amount);
        return this.apply2(SIMD.add[log2]!, shifted, this.apply2(SIMD.and, last, one));
      }
      case 'qshl': {
        if (amount === 0) return a;
        const r = this.byConstant(SIMD.shl[log2]!, a, amount);
        const lost = this.apply2(SIMD.ne[log2]!, this.byConstant(right, r, amount), a);
        this.saturatedWhere(t, lost);
        if (unsigned) return this.apply2(SIMD.or, r, lost);
        const sign = this.byConstant(SIMD.shr_s[log2]!, a, bits - 1);
        return this.select(lost, this.apply2(SIMD.xor, sign, this.known(most(log2))), r);
      }
      case 'qshlu': {
        const sign = this.byConstant(SIMD.shr_s[log2]!, a, bits - 1);
        const r = this.byConstant(SIMD.shl[log2]!, a, amount);
        const back = this.byConstant(SIMD.shr_u[log2]!, r, amount);
        const lost = this.apply2(SIMD.or, sign, this.apply2(SIMD.ne[log2]!, back, a));
        this.saturatedWhere(t, lost);
        return this.select(lost, this.apply1(SIMD.not, sign), r);
      }
      case 'ftoi':
        return this.toInteger(unsigned, a, amount);
      case 'itof':
        return this.fromInteger(unsigned, a, amount);
    }
  }

  // ---- floats ----

  /**
   * Gives the instruction to the evaluator when a lane of `usual` has ones, and so has `unusual`, which is asked for only then.
   */
  private slowWhere(usual: Node, unusual: () => Node): void {
    const { e } = this;
    this.gen(usual);
    this.op(SIMD.any_true);
    e.openUnlikely();
    const mask = unusual();
    this.gen(mask);
    this.op(SIMD.any_true);
    e.slowIf();
    e.close();
  }

  /** Lanes whose exponent bits are 0: zeros and what is flushed to zero. */
  private tiny(a: Node): Node {
    return this.apply2(SIMD.eq[2], this.apply2(SIMD.and, a, this.known(four(EXPONENT))), this.known(four(0)));
  }

  private isZero(a: Node): Node {
    return this.apply2(SIMD.eq[2], this.byConstant(SIMD.shl[2], a, 1), this.known(four(0)));
  }

  /** Lanes that are not normal, or in the lowest binade. */
  private notNormal(r: Node): Node {
    const moved = this.apply2(
      SIMD.sub[2],
      this.byConstant(SIMD.shl[2], r, 1),
      this.known(four(LOWEST_BINADE)),
    );
    return this.apply2(SIMD.ge_u[2], moved, this.known(four(FINITE_SPAN)));
  }

  private either(a: Node, b: Node): Node {
    return this.apply2(SIMD.or, a, b);
  }
  private butNot(a: Node, b: Node): Node {
    return this.apply2(SIMD.andnot, a, b);
  }

  private floats(op: 'fadd' | 'fsub' | 'fmul', a: Node, b: Node): Node {
    this.e.openSlow();
    const code = { fadd: SIMD.f32_add, fsub: SIMD.f32_sub, fmul: SIMD.f32_mul }[op];
    const r = this.apply2(code, a, b);
    const tinyA = this.tiny(a);
    const tinyB = this.tiny(b);
    const odd = this.notNormal(r);
    this.slowWhere(this.either(odd, this.either(tinyA, tinyB)), () => {
      const zeroA = this.isZero(a);
      const zeroB = this.isZero(b);
      const flushed = this.either(this.butNot(tinyA, zeroA), this.butNot(tinyB, zeroB));
      let exact = this.isZero(r);
      if (op === 'fmul') exact = this.apply2(SIMD.and, exact, this.either(zeroA, zeroB));
      return this.either(flushed, this.butNot(odd, exact));
    });
    this.inexactUnless(() => {
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
  private fused(c: Node, a: Node, b: Node): Node {
    this.e.openSlow();
    const r = this.call('vfma', c, a, b);
    const operands = [c, a, b] as const;
    const tiny = operands.map((x) => this.tiny(x));
    const odd = this.notNormal(r);
    const any = (masks: Node[]) => masks.reduce((x, y) => this.either(x, y));
    this.slowWhere(any([odd, ...tiny]), () => {
      const zero = operands.map((x) => this.isZero(x));
      const flushed = any(tiny.map((x, i) => this.butNot(x, zero[i]!)));
      // A zero from a zero product is exact; others may have been tiny.
      const exact = this.apply2(SIMD.and, this.isZero(r), this.either(zero[1]!, zero[2]!));
      return this.either(flushed, this.butNot(odd, exact));
    });
    this.inexactUnless(() => {
      for (const x of [...operands, r]) this.gen(x);
      this.e.out.call(importIndex('exact_vfma'));
    });
    return r;
  }

  /**
   * Estimates of what is neither zero, infinite nor a NaN, and has an estimate that is normal: the exponent is 1 to 252. Of roots
   * it is positive.
   */
  private estimate(op: 'frecpe' | 'frsqrte', a: Node): Node {
    this.e.openSlow();
    const bits = op === 'frecpe' ? this.byConstant(SIMD.shr_u[2], this.byConstant(SIMD.shl[2], a, 1), 1) : a;
    const [low, high] = [0x0080_0000, op === 'frecpe' ? 253 << 23 : EXPONENT];
    const moved = this.apply2(SIMD.sub[2], bits, this.known(four(low)));
    const odd = this.apply2(SIMD.ge_u[2], moved, this.known(four(high - low)));
    this.slowWhere(odd, () => odd);
    return this.call(op === 'frecpe' ? 'vrecpe' : 'vrsqrte', a);
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
    this.setFlagIf(IXC);
    e.close();
  }

  /** Gives the instruction to the evaluator when a lane of a or b is a NaN or would be flushed to zero. */
  private onlyNumbers(a: Node, b: Node): void {
    this.e.openSlow();
    // Exponent 0 wraps to the top, where the NaNs are.
    const odd = (x: Node) =>
      this.apply2(
        SIMD.gt_u[2],
        this.apply2(SIMD.sub[2], this.byConstant(SIMD.shl[2], x, 1), this.known(four(0x0100_0000))),
        this.known(four(0xfe00_0000)),
      );
    const oddA = odd(a);
    const oddB = odd(b);
    this.slowWhere(this.either(oddA, oddB), () =>
      this.either(this.butNot(oddA, this.isZero(a)), this.butNot(oddB, this.isZero(b))),
    );
  }

  private toInteger(unsigned: boolean, a: Node, fbits: number): Node {
    this.e.openSlow();
    const scaled = fbits === 0 ? a : this.apply2(SIMD.f32_mul, a, this.known(four((127 + fbits) << 23)));
    const limit = this.known(four(unsigned ? 0x4f80_0000 : 0x4f00_0000));
    const inRange = unsigned
      ? this.apply2(
          SIMD.and,
          this.apply2(SIMD.f32_ge, scaled, this.known(four(0))),
          this.apply2(SIMD.f32_lt, scaled, limit),
        )
      : this.apply2(SIMD.f32_lt, this.apply1(SIMD.f32_abs, scaled), limit);
    const outside = this.apply1(SIMD.not, inRange);
    const tiny = this.tiny(a);
    this.slowWhere(this.either(outside, tiny), () => this.either(outside, this.butNot(tiny, this.isZero(a))));
    this.inexactUnless(() => {
      this.gen(scaled);
      this.op(SIMD.f32_trunc);
      this.gen(scaled);
      this.op(SIMD.f32_eq);
      this.op(SIMD.all_true[2]);
    });
    return this.apply1(unsigned ? SIMD.trunc_sat_u : SIMD.trunc_sat_s, scaled);
  }

  private fromInteger(unsigned: boolean, a: Node, fbits: number): Node {
    const r = this.apply1(unsigned ? SIMD.f32_convert_u : SIMD.f32_convert_s, a);
    this.inexactUnless(() => {
      // Back again it is the same; but for the highest number, which is rounded up and saturated back.
      const back = this.apply1(unsigned ? SIMD.trunc_sat_u : SIMD.trunc_sat_s, r);
      const same = this.apply2(SIMD.eq[2], back, a);
      const highest = this.apply2(SIMD.eq[2], a, this.known(four(unsigned ? -1 : 0x7fff_ffff)));
      this.gen(this.butNot(same, highest));
      this.op(SIMD.all_true[2]);
    });
    return fbits === 0 ? r : this.apply2(SIMD.f32_mul, r, this.known(four((127 - fbits) << 23)));
  }
}
