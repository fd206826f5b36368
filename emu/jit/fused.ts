/**
 * The fused multiply-add of doubles as a wasm function: c + a * b, rounded once, or a NaN where the way it is found does not
 * hold (then the evaluator does it). As in emu/evaluator/fp.ts: the product and its rounding error (Dekker, with Veltkamp's
 * splitting), sums with their errors (Knuth's TwoSum), and the last sum from a term rounded to odd (Boldo and Melquiond,
 * "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
 */
import { ByteWriter, F64, type FuncBody, OP } from './wasm.ts';

/** Index of the type (f64, f64, f64) -> f64 in TYPES of convention.ts. */
const TYPE = 14;

/** Limits between which neither the parts of a product nor their sums overflow or become subnormal. */
const LEAST = 2 ** -900;
const MOST = 2 ** 900;
const SPLITTER = 134217729;

const [C, A, B] = [0, 1, 2];

/** An expression of doubles; numbers are locals. */
type Term = number | (() => void);

class Writer {
  readonly w = new ByteWriter();
  #locals = 3;

  get locals(): FuncBody['locals'] {
    return [[this.#locals - 3, F64]];
  }

  put(x: Term): void {
    if (typeof x === 'number') this.w.get(x);
    else x();
  }
  number(x: number): Term {
    return () => {
      this.w.byte(OP.f64_const);
      this.w.raw(new Uint8Array(Float64Array.of(x).buffer));
    };
  }
  op(op: number, ...terms: Term[]): Term {
    return () => {
      for (const term of terms) this.put(term);
      this.w.byte(op);
    };
  }
  add = (x: Term, y: Term): Term => this.op(OP.f64_add, x, y);
  sub = (x: Term, y: Term): Term => this.op(OP.f64_sub, x, y);
  mul = (x: Term, y: Term): Term => this.op(OP.f64_mul, x, y);

  /** Holds a value in a local. */
  hold(x: Term): number {
    const local = this.#locals++;
    this.put(x);
    this.w.set(local);
    return local;
  }

  /** What rounding took from a sum. */
  sumError(x: number, y: number, sum: number): number {
    const virtual = this.hold(this.sub(sum, x));
    return this.hold(this.add(this.sub(x, this.sub(sum, virtual)), this.sub(y, virtual)));
  }

  /** The upper and the lower half of a number's bits. */
  split(x: number): [number, number] {
    const scaled = this.hold(this.mul(x, this.number(SPLITTER)));
    const high = this.hold(this.sub(scaled, this.sub(scaled, x)));
    return [high, this.hold(this.sub(x, high))];
  }

  productError(x: number, y: number, product: number): number {
    const [xHigh, xLow] = this.split(x);
    const [yHigh, yLow] = this.split(y);
    let rest = this.sub(product, this.mul(xHigh, yHigh));
    rest = this.sub(rest, this.mul(xLow, yHigh));
    rest = this.sub(rest, this.mul(xHigh, yLow));
    return this.hold(this.sub(this.mul(xLow, yLow), rest));
  }

  /** The sum rounded to odd: when it is not exact and even, its neighbour on the error's side. */
  addToOdd(x: number, y: number): number {
    const sum = this.hold(this.add(x, y));
    const error = this.sumError(x, y, sum);
    const { w } = this;
    const bits = (local: number) => {
      w.get(local);
      w.byte(OP.i64_reinterpret_f64);
    };
    const constant = (n: bigint) => {
      w.byte(OP.i64_const);
      w.s64(n);
    };
    // 1 or -1, and 0 when nothing is to be done.
    bits(sum);
    bits(error);
    bits(sum);
    w.byte(OP.i64_xor);
    constant(63n);
    w.byte(OP.i64_shr_s);
    constant(1n);
    w.byte(OP.i64_or);
    constant(0n);
    this.put(error);
    this.put(this.number(0));
    w.byte(OP.f64_ne);
    bits(sum);
    constant(1n);
    w.byte(OP.i64_and);
    w.byte(OP.i64_eqz);
    w.byte(OP.i32_and);
    w.byte(OP.select);
    w.byte(OP.i64_add);
    w.byte(OP.f64_reinterpret_i64);
    w.set(sum);
    return sum;
  }

  /** Returns a NaN unless all of these are of middling size, or 0 where `orZero` says so. */
  giveUpUnless(numbers: readonly number[], orZero: number): void {
    const { w } = this;
    numbers.forEach((local, i) => {
      const size = this.op(OP.f64_abs, local);
      this.put(size);
      this.put(this.number(LEAST));
      w.byte(OP.f64_gt);
      this.put(size);
      this.put(this.number(MOST));
      w.byte(OP.f64_lt);
      w.byte(OP.i32_and);
      if (local === orZero) {
        w.get(local);
        this.put(this.number(0));
        w.byte(OP.f64_eq);
        w.byte(OP.i32_or);
      }
      if (i > 0) w.byte(OP.i32_and);
    });
    w.byte(OP.i32_eqz);
    w.byte(OP.if);
    w.byte(0x40);
    this.put(this.number(Number.NaN));
    w.byte(OP.return);
    w.byte(OP.end);
  }
}

function fma64(): FuncBody {
  const writer = new Writer();
  const product = writer.hold(writer.mul(A, B));
  writer.giveUpUnless([product, A, B, C], C);
  const low = writer.productError(A, B, product);
  const middle = writer.hold(writer.add(C, low));
  const lowest = writer.sumError(C, low, middle);
  const sum = writer.hold(writer.add(product, middle));
  const rest = writer.sumError(product, middle, sum);
  const tail = writer.addToOdd(lowest, rest);
  const r = writer.hold(writer.add(sum, tail));
  writer.giveUpUnless([r], -1);
  writer.w.get(r);
  return { type: TYPE, locals: writer.locals, code: writer.w.view().slice() };
}

export const fused: Record<'fma64', FuncBody> = { fma64: fma64() };
