import type { Lanes } from '../machine/vector-machine.ts';
import { importIndex, Unsupported } from './convention.ts';
import type { Emitter } from './emitter.ts';
import { CONST, type Node } from './function-writer.ts';
import type { VectorHelper } from './vector-helpers.ts';
import { F64, I64, OP } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

/** A constant of 128 bits. */
export type Words = readonly [number, number, number, number];
export const four = (x: number): Words => [x | 0, x | 0, x | 0, x | 0];
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export class LaneWriter {
  protected readonly e: Emitter;
  /** Values known when they are compiled, by node. */
  protected readonly constants = new WeakMap<Node, Words>();

  constructor(e: Emitter) {
    this.e = e;
  }

  // ---- values ----

  protected op(op: number): void {
    this.e.out.simd(op);
  }

  protected fromStack(): Node {
    return this.e.fromStack(V128);
  }

  /** A constant: no code until it is used. */
  protected known(words: Words): Node {
    const node = this.e.placeholder();
    this.constants.set(node, words);
    return node;
  }

  /** A 64-bit constant. */
  pair(low: number, high: number): Node {
    return this.known([low, high, low, high]);
  }

  protected constant(words: Words): void {
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
    return e.fromStack();
  }

  // ---- writing ----

  protected apply1(op: number, a: Node): Node {
    this.gen(a);
    this.op(op);
    return this.fromStack();
  }
  protected apply2(op: number, a: Node, b: Node): Node {
    if (op < 0) throw new Unsupported();
    this.gen(a);
    this.gen(b);
    this.op(op);
    return this.fromStack();
  }
  protected byConstant(op: number, a: Node, n: number): Node {
    this.gen(a);
    this.e.out.i32(n);
    this.op(op);
    return this.fromStack();
  }
  /** Shifts by a number that the machine may take for an operand. */
  protected shift(op: number, a: Node, amount: Node): Node {
    this.gen(a);
    this.e.gen(amount);
    this.op(op);
    return this.fromStack();
  }
  /** Calls a function of vector-helpers.ts. */
  protected call(name: VectorHelper, ...operands: Node[]): Node {
    for (const operand of operands) this.gen(operand);
    this.e.out.call(importIndex(name));
    return this.fromStack();
  }
  protected select(mask: Node, a: Node, b: Node): Node {
    this.gen(a);
    this.gen(b);
    this.gen(mask);
    this.op(SIMD.bitselect);
    return this.fromStack();
  }

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
    return this.fromStack();
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
    return this.fromStack();
  }

  /** The lower half of each lane. */
  protected lowHalves(log2: number, a: Node): Node {
    const size = 1 << (log2 - 1);
    return this.shuffle(
      range(8).map((i) => Math.floor(i / size) * 2 * size + (i % size)),
      a,
      a,
    );
  }
}
