/**
 * Integer arithmetic as expression trees, with constants folded (Machine's `add` to `when`).
 */
import { CONST, FunctionWriter, Node, OPERATION } from './function-writer.ts';
import { I32, OP } from './wasm.ts';

export class ArithmeticWriter extends FunctionWriter {
  add(a: Node, b: Node): Node {
    if (a.kind === CONST) {
      if (b.kind === CONST) return this.const(a.x + b.x);
      if (a.x === 0) return b;
    } else if (b.kind === CONST && b.x === 0) return a;
    return this.op2(OP.i32_add, a, b);
  }
  sub(a: Node, b: Node): Node {
    if (b.kind === CONST) {
      if (a.kind === CONST) return this.const(a.x - b.x);
      if (b.x === 0) return a;
    }
    return this.op2(OP.i32_sub, a, b);
  }
  mul(a: Node, b: Node): Node {
    if (a.kind === CONST && b.kind === CONST) return this.const(Math.imul(a.x, b.x));
    return this.op2(OP.i32_mul, a, b);
  }
  #mulHigh(extend: number, a: Node, b: Node): Node {
    const product = this.op2(OP.i64_mul, this.op1(extend, a), this.op1(extend, b));
    const { out } = this;
    this.gen(product);
    out.byte(OP.i64_const);
    out.s64(32n);
    out.byte(OP.i64_shr_u);
    out.byte(OP.i32_wrap_i64);
    return this.fromStack();
  }
  mulhS(a: Node, b: Node): Node {
    return this.#mulHigh(OP.i64_extend_i32_s, a, b);
  }
  mulhU(a: Node, b: Node): Node {
    return this.#mulHigh(OP.i64_extend_i32_u, a, b);
  }
  divS(a: Node, b: Node): Node {
    const x = this.let(a);
    const y = this.let(b);
    const { out } = this;
    // x / 0 = 0; x / -1 = -x, which also covers the one overflow.
    this.gen(y);
    this.out.byte(OP.i32_eqz);
    out.byte(OP.if);
    out.byte(I32);
    out.i32(0);
    out.byte(OP.else);
    this.gen(y);
    out.i32(-1);
    out.byte(OP.i32_eq);
    out.byte(OP.if);
    out.byte(I32);
    out.i32(0);
    this.gen(x);
    out.byte(OP.i32_sub);
    out.byte(OP.else);
    this.gen(x);
    this.gen(y);
    out.byte(OP.i32_div_s);
    out.byte(OP.end);
    out.byte(OP.end);
    return this.fromStack();
  }
  divU(a: Node, b: Node): Node {
    const x = this.let(a);
    const y = this.let(b);
    const { out } = this;
    this.gen(y);
    out.byte(OP.if);
    out.byte(I32);
    this.gen(x);
    this.gen(y);
    out.byte(OP.i32_div_u);
    out.byte(OP.else);
    out.i32(0);
    out.byte(OP.end);
    return this.fromStack();
  }
  and(a: Node, b: Node): Node {
    if (a.kind === CONST && b.kind === CONST) return this.const(a.x & b.x);
    if (b.kind === CONST) {
      if (b.x === -1) return a;
      // The top bit needs no mask.
      if (
        b.x === 1 &&
        a.kind === OPERATION &&
        a.x === OP.i32_shr_u &&
        a.b!.kind === CONST &&
        (a.b!.x & 31) === 31
      )
        return a;
    }
    return this.op2(OP.i32_and, a, b);
  }
  or(a: Node, b: Node): Node {
    if (a.kind === CONST && b.kind === CONST) return this.const(a.x | b.x);
    if (b.kind === CONST && b.x === 0) return a;
    if (a.kind === CONST && a.x === 0) return b;
    return this.op2(OP.i32_or, a, b);
  }
  xor(a: Node, b: Node): Node {
    if (a.kind === CONST && b.kind === CONST) return this.const(a.x ^ b.x);
    return this.op2(OP.i32_xor, a, b);
  }
  not(a: Node): Node {
    return a.kind === CONST ? this.const(~a.x) : this.op2(OP.i32_xor, a, this.const(-1));
  }
  neg(a: Node): Node {
    return a.kind === CONST ? this.const(-a.x) : this.op2(OP.i32_sub, this.const(0), a);
  }
  #shift(op: number, a: Node, n: Node, fold: (a: number, n: number) => number): Node {
    if (n.kind === CONST) {
      if (a.kind === CONST) return this.const(fold(a.x, n.x & 31));
      if ((n.x & 31) === 0) return a;
    }
    return this.op2(op, a, n);
  }
  shl(a: Node, n: Node): Node {
    return this.#shift(OP.i32_shl, a, n, (x, k) => x << k);
  }
  shr(a: Node, n: Node): Node {
    return this.#shift(OP.i32_shr_u, a, n, (x, k) => x >>> k);
  }
  sar(a: Node, n: Node): Node {
    return this.#shift(OP.i32_shr_s, a, n, (x, k) => x >> k);
  }
  ror(a: Node, n: Node): Node {
    return this.#shift(OP.i32_rotr, a, n, (x, k) => (x >>> k) | (x << (32 - k)));
  }
  clz(a: Node): Node {
    return a.kind === CONST ? this.const(Math.clz32(a.x)) : this.op1(OP.i32_clz, a);
  }
  ext8(a: Node): Node {
    return a.kind === CONST ? this.const((a.x << 24) >> 24) : this.op1(OP.i32_extend8_s, a);
  }
  ext16(a: Node): Node {
    return a.kind === CONST ? this.const((a.x << 16) >> 16) : this.op1(OP.i32_extend16_s, a);
  }
  #compare(op: number, a: Node, b: Node, fold: (a: number, b: number) => boolean): Node {
    if (a.kind === CONST && b.kind === CONST) return this.const(fold(a.x, b.x) ? 1 : 0);
    return this.op2(op, a, b);
  }
  eq(a: Node, b: Node): Node {
    if (b.kind === CONST && b.x === 0 && a.kind !== CONST) return this.op1(OP.i32_eqz, a);
    return this.#compare(OP.i32_eq, a, b, (x, y) => x === y);
  }
  ne(a: Node, b: Node): Node {
    return this.#compare(OP.i32_ne, a, b, (x, y) => x !== y);
  }
  ltS(a: Node, b: Node): Node {
    return this.#compare(OP.i32_lt_s, a, b, (x, y) => x < y);
  }
  ltU(a: Node, b: Node): Node {
    return this.#compare(OP.i32_lt_u, a, b, (x, y) => x >>> 0 < y >>> 0);
  }
  leS(a: Node, b: Node): Node {
    return this.#compare(OP.i32_le_s, a, b, (x, y) => x <= y);
  }
  leU(a: Node, b: Node): Node {
    return this.#compare(OP.i32_le_u, a, b, (x, y) => x >>> 0 <= y >>> 0);
  }
  select(c: Node, a: Node, b: Node): Node {
    if (c.kind === CONST) return c.x !== 0 ? a : b;
    return new Node(OPERATION, OP.select, a, b, c, 0);
  }
  when(c: Node, body: () => void, otherwise?: () => void): void {
    if (c.kind === CONST) {
      if (c.x !== 0) body();
      else otherwise?.();
      return;
    }
    this.gen(c);
    this.open(OP.if);
    body();
    if (otherwise !== undefined) {
      this.out.byte(OP.else);
      otherwise();
    }
    this.close();
  }
}
