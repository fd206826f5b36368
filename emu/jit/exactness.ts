/**
 * wasm functions that tell whether a rounded result is the exact one: what compiled code asks before it sets FPSCR.IXC.
 *
 * exact_OP(a, b, r) with r the rounded a OP b, and exact_sqrt(a, r), give 1 when r is exact and else 0. They are right whenever
 * no operand is a NaN and the result is normal, or is a zero that came from a zero operand or from a sum; operands may be
 * subnormal. (An infinite divisor of zero is right too.)
 *
 * How: a sum is exact when taking either term from it leaves the other, for the greater term is taken off without rounding
 * (Dekker's Fast2Sum). A product of doubles is exact when it fits in 53 bits: odd factors of j and k bits have an odd product of
 * j + k bits, or of j + k - 1 when the significands multiply to less than 2, which shows in the exponents. Quotients and roots
 * are exact when multiplying them back is. Singles are multiplied in double, which is always exact.
 */
import { ByteWriter, F64, type FuncBody, OP } from './wasm.ts';
import { SIMD } from './wasm-simd.ts';

const [A, B, R] = [0, 1, 2];

/** Indexes of the function types in TYPES of convention.ts. */
const TYPE = { f64x3: 4, f64x2: 5, f32x3: 6, f32x2: 7, v128x3: 9 } as const;

const HIDDEN_BIT = 1n << 52n;

function f64Const(w: ByteWriter, x: number): void {
  w.byte(OP.f64_const);
  w.raw(new Uint8Array(new Float64Array([x]).buffer));
}

function i64Const(w: ByteWriter, x: bigint): void {
  w.byte(OP.i64_const);
  w.s64(x);
}

/** Returns 1 when a double local is zero. */
function oneIfZero(w: ByteWriter, local: number): void {
  w.get(local);
  f64Const(w, 0);
  w.byte(OP.f64_eq);
  w.byte(OP.if);
  w.byte(0x40);
  w.i32(1);
  w.byte(OP.return);
  w.byte(OP.end);
}

/** Leaves |local| < limit. */
function below(w: ByteWriter, local: number, limit: number): void {
  w.get(local);
  w.byte(OP.f64_abs);
  f64Const(w, limit);
  w.byte(OP.f64_lt);
}

/** With a condition on the stack: multiplies locals by powers of two. */
function scaleIf(w: ByteWriter, ...factors: [local: number, factor: number][]): void {
  w.byte(OP.if);
  w.byte(0x40);
  for (const [local, factor] of factors) {
    w.get(local);
    f64Const(w, factor);
    w.byte(OP.f64_mul);
    w.set(local);
  }
  w.byte(OP.end);
}

function trailingZeros(w: ByteWriter, local: number): void {
  w.get(local);
  w.byte(OP.i64_reinterpret_f64);
  i64Const(w, HIDDEN_BIT);
  w.byte(OP.i64_or);
  w.byte(OP.i64_ctz);
}

function exponent(w: ByteWriter, local: number): void {
  w.get(local);
  w.byte(OP.i64_reinterpret_f64);
  i64Const(w, 1n);
  w.byte(OP.i64_shl);
  i64Const(w, 53n);
  w.byte(OP.i64_shr_u);
}

/**
 * Leaves whether normal a times normal b is normal r exactly, given that r is the rounded product: 53 trailing zeros between
 * them.
 */
function productIsExact(w: ByteWriter, a: number, b: number, r: number): void {
  trailingZeros(w, a);
  trailingZeros(w, b);
  w.byte(OP.i64_add);
  exponent(w, a);
  exponent(w, b);
  w.byte(OP.i64_add);
  exponent(w, r);
  i64Const(w, 1023n);
  w.byte(OP.i64_add);
  w.byte(OP.i64_eq);
  w.byte(OP.i64_extend_i32_u);
  w.byte(OP.i64_add);
  i64Const(w, 53n);
  w.byte(OP.i64_ge_s);
}

/** Leaves whether the rounded product of normal a and b is r, and exact. */
function productIs(w: ByteWriter, a: number, b: number, r: number): void {
  w.get(a);
  w.get(b);
  w.byte(OP.f64_mul);
  w.get(r);
  w.byte(OP.f64_eq);
  productIsExact(w, a, b, r);
  w.byte(OP.i32_and);
}

/** r - a = b and r - b = a. */
function add(w: ByteWriter, sub: number, eq: number): void {
  for (const [x, y] of [
    [A, B],
    [B, A],
  ] as const) {
    w.get(R);
    w.get(x);
    w.byte(sub);
    w.get(y);
    w.byte(eq);
  }
  w.byte(OP.i32_and);
}

function promote(w: ByteWriter, local: number): void {
  w.get(local);
  w.byte(OP.f64_promote_f32);
}

/** Leaves whether the product of singles a and b is the single r. */
function singleProduct(w: ByteWriter, a: number, b: number, r: number): void {
  promote(w, a);
  promote(w, b);
  w.byte(OP.f64_mul);
  promote(w, r);
  w.byte(OP.f64_eq);
}

function body(type: number, write: (w: ByteWriter) => void, locals: FuncBody['locals'] = []): FuncBody {
  const w = new ByteWriter();
  write(w);
  return { type, locals, code: w.view().slice() };
}

const TINY = 2 ** -1022;

/** By import name. */
export const exactness = {
  exact_add64: body(TYPE.f64x3, (w) => add(w, OP.f64_sub, OP.f64_eq)),

  exact_mul64: body(TYPE.f64x3, (w) => {
    oneIfZero(w, A);
    oneIfZero(w, B);
    // One factor may be subnormal; the result is below 4 then.
    for (const x of [A, B]) {
      below(w, x, TINY);
      scaleIf(w, [x, 2 ** 64], [R, 2 ** 64]);
    }
    productIsExact(w, A, B, R);
  }),

  exact_div64: body(TYPE.f64x3, (w) => {
    oneIfZero(w, A);
    // So that the product r * b does not come near the subnormals; both operands are below 2^130 when one of these holds.
    below(w, A, 2 ** -900);
    below(w, B, TINY);
    w.byte(OP.i32_or);
    scaleIf(w, [A, 2 ** 128], [B, 2 ** 128]);
    productIs(w, R, B, A);
  }),

  exact_sqrt64: body(TYPE.f64x2, (w) => {
    const [a, r] = [0, 1];
    oneIfZero(w, a);
    below(w, a, 2 ** -900);
    scaleIf(w, [a, 2 ** 128], [r, 2 ** 64]);
    productIs(w, r, r, a);
  }),

  exact_add32: body(TYPE.f32x3, (w) => add(w, OP.f32_sub, OP.f32_eq)),

  exact_mul32: body(TYPE.f32x3, (w) => singleProduct(w, A, B, R)),

  exact_div32: body(
    TYPE.f32x3,
    (w) => {
      promote(w, A);
      w.tee(3);
      f64Const(w, 0);
      w.byte(OP.f64_eq);
      promote(w, R);
      promote(w, B);
      w.byte(OP.f64_mul);
      w.get(3);
      w.byte(OP.f64_eq);
      w.byte(OP.i32_or);
    },
    [[1, F64]],
  ),

  exact_sqrt32: body(TYPE.f32x2, (w) => singleProduct(w, 1, 1, 0)),

  exact_vadd: body(TYPE.v128x3, (w) => {
    for (const [x, y] of [
      [A, B],
      [B, A],
    ] as const) {
      w.get(R);
      w.get(x);
      w.simd(SIMD.f32_sub);
      w.get(y);
      w.simd(SIMD.f32_eq);
    }
    w.simd(SIMD.and);
    w.simd(SIMD.all_true[2]);
  }),

  exact_vmul: body(TYPE.v128x3, (w) => {
    for (const half of [0, 8]) {
      const promote = (local: number) => {
        w.get(local);
        if (half > 0) {
          w.get(local);
          w.simd(SIMD.shuffle);
          w.raw(Array.from({ length: 16 }, (_, i) => half + (i & 7)));
        }
        w.simd(SIMD.f64_promote_low);
      };
      promote(A);
      promote(B);
      w.simd(SIMD.f64_mul);
      promote(R);
      w.simd(SIMD.f64_eq);
    }
    w.simd(SIMD.and);
    w.simd(SIMD.all_true[3]);
  }),
} as const satisfies Record<string, FuncBody>;
