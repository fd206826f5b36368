/**
 * wasm functions for the vector operations that are too long to stand in compiled code each time. They are right for
 * operands on the fast path only, which the code that calls them tests (emit-vector.ts).
 */
import { INVERSE_SUB_BYTES, SUB_BYTES } from '../evaluator/aes.ts';
import { ByteWriter, F64, type FuncBody, I32, I64, OP } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

/** Indexes of the function types in TYPES of convention.ts. */
const TYPE = { unary: 10, binary: 11, ternary: 12, test: 13 } as const;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function body(type: number, locals: FuncBody['locals'], write: (w: ByteWriter) => void): FuncBody {
  const w = new ByteWriter();
  write(w);
  return { type, locals, code: w.view().slice() };
}

function vectorConst(w: ByteWriter, bytes: ArrayLike<number>): void {
  w.simd(SIMD.const);
  w.raw(Uint8Array.from(bytes));
}
function splat64(w: ByteWriter, x: bigint): void {
  w.simd(SIMD.const);
  w.raw(new Uint8Array(BigInt64Array.of(x, x).buffer));
}
function i64(w: ByteWriter, x: bigint): void {
  w.byte(OP.i64_const);
  w.s64(x);
}
function f64(w: ByteWriter, x: number): void {
  w.byte(OP.f64_const);
  w.raw(new Uint8Array(Float64Array.of(x).buffer));
}

/** Each byte by a table of 256, sixteen entries at a time: what is not among them gives 0. */
function lookUp(table: readonly number[]): FuncBody {
  return body(TYPE.unary, [], (w) => {
    const [index] = [0];
    for (let i = 0; i < 16; i++) {
      vectorConst(w, table.slice(16 * i, 16 * (i + 1)));
      w.get(index);
      if (i > 0) {
        vectorConst(w, range(16).fill(16));
        w.simd(SIMD.sub[0]);
        w.tee(index);
      }
      w.simd(SIMD.swizzle);
      if (i > 0) w.simd(SIMD.or);
    }
  });
}

// ---- fused multiply-add: c + a * b, in double, where the product is exact ----

const FMA_LOCALS: FuncBody['locals'] = [[6, V128]];

/**
 * With halves of c, a and b: leaves the sum in local `sum` and what rounding took from it in `error` (Knuth's TwoSum). The locals
 * behind `first` are free.
 */
function fmaHalf(w: ByteWriter, half: 0 | 1, first: number): { sum: number; error: number } {
  const [c, a, b] = [0, 1, 2];
  const [product, term, sum, error, virtual] = [first, first + 1, first + 2, first + 3, first + 4] as const;
  const promote = (local: number) => {
    w.get(local);
    if (half === 1) {
      w.get(local);
      w.simd(SIMD.shuffle);
      w.raw(range(16).map((i) => 8 + (i & 7)));
    }
    w.simd(SIMD.f64_promote_low);
  };
  promote(a);
  promote(b);
  w.simd(SIMD.f64_mul);
  w.set(product);
  promote(c);
  w.set(term);
  w.get(product);
  w.get(term);
  w.simd(SIMD.f64_add);
  w.set(sum);
  w.get(sum);
  w.get(product);
  w.simd(SIMD.f64_sub);
  w.set(virtual);
  w.get(product);
  w.get(sum);
  w.get(virtual);
  w.simd(SIMD.f64_sub);
  w.simd(SIMD.f64_sub);
  w.get(term);
  w.get(virtual);
  w.simd(SIMD.f64_sub);
  w.simd(SIMD.f64_add);
  w.set(error);
  return { sum, error };
}

const fma = body(TYPE.ternary, FMA_LOCALS, (w) => {
  const low = 8;
  for (const half of [0, 1] as const) {
    const { sum, error } = fmaHalf(w, half, 3);
    // Rounded to odd: an even sum that is not exact becomes its neighbour on the error's side. Rounded again it is as if rounded
    // once.
    w.get(sum);
    w.get(error);
    w.get(sum);
    w.simd(SIMD.xor);
    w.i32(63);
    w.simd(SIMD.shr_s[3]);
    splat64(w, 1n);
    w.simd(SIMD.or);
    w.get(sum);
    splat64(w, 1n);
    w.simd(SIMD.and);
    splat64(w, 0n);
    w.simd(SIMD.eq[3]);
    w.get(error);
    splat64(w, 0n);
    w.simd(SIMD.f64_ne);
    w.simd(SIMD.and);
    w.simd(SIMD.and);
    w.simd(SIMD.add[3]);
    w.simd(SIMD.f32_demote);
    if (half === 0) w.set(low);
  }
  w.set(3);
  w.get(low);
  w.get(3);
  w.simd(SIMD.shuffle);
  w.raw(range(16).map((i) => (i < 8 ? i : i + 8)));
});

/** (c, a, b, r) -> 1 when all lanes of r, the rounded results, are exact. */
const exactFma = body(TYPE.test, [[5, V128]], (w) => {
  for (const half of [0, 1] as const) {
    const { sum, error } = fmaHalf(w, half, 4);
    w.get(error);
    splat64(w, 0n);
    w.simd(SIMD.f64_eq);
    w.get(3);
    if (half === 1) {
      w.get(3);
      w.simd(SIMD.shuffle);
      w.raw(range(16).map((i) => 8 + (i & 7)));
    }
    w.simd(SIMD.f64_promote_low);
    w.get(sum);
    w.simd(SIMD.f64_eq);
    w.simd(SIMD.and);
    if (half === 1) w.simd(SIMD.and);
  }
  w.simd(SIMD.all_true[3]);
});

// ---- shifts by a register ----

/** Lane by lane in 64 bits: left by the signed low byte of b's lane, or right when that is negative. */
function shiftLanes(log2: number, unsigned: boolean): FuncBody {
  const [a, b, amount, x] = [0, 1, 2, 3];
  return body(
    TYPE.binary,
    [
      [1, I32],
      [1, I64],
    ],
    (w) => {
      w.get(a);
      for (let lane = 0; lane < 16 >> log2; lane++) {
        w.get(b);
        w.simd(SIMD.extract_s[0]);
        w.byte(lane << log2);
        w.set(amount);
        w.get(a);
        w.simd((unsigned ? SIMD.extract_u : SIMD.extract_s)[log2]!);
        w.byte(lane);
        if (log2 < 3) w.byte(unsigned ? OP.i64_extend_i32_u : OP.i64_extend_i32_s);
        w.set(x);
        // To the left, with 0 beyond 63.
        w.get(x);
        w.get(amount);
        w.byte(OP.i64_extend_i32_s);
        w.byte(OP.i64_shl);
        i64(w, 0n);
        w.get(amount);
        w.i32(64);
        w.byte(OP.i32_lt_u);
        w.byte(OP.select);
        // To the right: by 63 and once more by what is left of 64 and more.
        w.get(x);
        w.i32(0);
        w.get(amount);
        w.byte(OP.i32_sub);
        w.i32(63);
        w.i32(0);
        w.get(amount);
        w.byte(OP.i32_sub);
        w.i32(63);
        w.byte(OP.i32_lt_s);
        w.byte(OP.select);
        w.byte(OP.i64_extend_i32_u);
        w.byte(unsigned ? OP.i64_shr_u : OP.i64_shr_s);
        w.get(amount);
        w.i32(-63);
        w.byte(OP.i32_lt_s);
        w.byte(OP.i64_extend_i32_u);
        w.byte(unsigned ? OP.i64_shr_u : OP.i64_shr_s);
        w.get(amount);
        w.i32(0);
        w.byte(OP.i32_ge_s);
        w.byte(OP.select);
        if (log2 < 3) w.byte(OP.i32_wrap_i64);
        w.simd(SIMD.replace[log2]!);
        w.byte(lane);
      }
    },
  );
}

// ---- estimates of singles (A2.7.5, A2.7.6) ----

/** Leaves one number, or another when the exponent in a local is odd. */
function byParity(w: ByteWriter, exponent: number, odd: number, even: number): void {
  f64(w, odd);
  f64(w, even);
  w.get(exponent);
  w.i32(1);
  w.byte(OP.i32_and);
  w.byte(OP.select);
}

/** Sets `x` to the fraction of a single's bits as a double in [0.5, 1), or for roots of odd exponents in [0.25, 0.5). */
function setFraction(w: ByteWriter, root: boolean, bits: number, exponent: number, x: number): void {
  w.get(bits);
  w.i32(0x7f_ffff);
  w.byte(OP.i32_and);
  w.byte(OP.i64_extend_i32_u);
  i64(w, 29n);
  w.byte(OP.i64_shl);
  i64(w, 0x3fe0_0000_0000_0000n);
  w.byte(OP.i64_or);
  w.byte(OP.f64_reinterpret_i64);
  if (root) {
    byParity(w, exponent, 0.5, 1);
    w.byte(OP.f64_mul);
  }
  w.set(x);
}

/** Leaves the estimate of a fraction as an integer: 256..511 as 1/256. */
function estimateOf(w: ByteWriter, root: boolean, exponent: number, x: number): void {
  // In steps of 1/512, but of 1/256 for roots of what is not below a half.
  const step = () => {
    if (root) byParity(w, exponent, 512, 256);
    else f64(w, 512);
  };
  f64(w, 256);
  w.get(x);
  step();
  w.byte(OP.f64_mul);
  w.byte(OP.f64_floor);
  f64(w, 0.5);
  w.byte(OP.f64_add);
  step();
  w.byte(OP.f64_div);
  if (root) w.byte(OP.f64_sqrt);
  w.byte(OP.f64_div);
  f64(w, 0.5);
  w.byte(OP.f64_add);
  w.byte(OP.f64_floor);
  w.byte(OP.i32_trunc_f64_s);
}

/** recip_estimate or recip_sqrt_estimate of each lane. */
function estimate(root: boolean): FuncBody {
  const [a, bits, exponent, x] = [0, 1, 2, 3];
  return body(
    TYPE.unary,
    [
      [2, I32],
      [1, F64],
    ],
    (w) => {
      w.get(a);
      for (let lane = 0; lane < 4; lane++) {
        w.get(a);
        w.simd(SIMD.extract_s[2]);
        w.byte(lane);
        w.tee(bits);
        w.i32(23);
        w.byte(OP.i32_shr_u);
        w.i32(0xff);
        w.byte(OP.i32_and);
        w.set(exponent);
        setFraction(w, root, bits, exponent, x);
        estimateOf(w, root, exponent, x);
        w.i32(0xff);
        w.byte(OP.i32_and);
        w.i32(15);
        w.byte(OP.i32_shl);
        w.i32(root ? 380 : 253);
        w.get(exponent);
        w.byte(OP.i32_sub);
        if (root) {
          w.i32(1);
          w.byte(OP.i32_shr_u);
        }
        w.i32(23);
        w.byte(OP.i32_shl);
        w.byte(OP.i32_or);
        w.get(bits);
        w.i32(0x8000_0000 | 0);
        w.byte(OP.i32_and);
        w.byte(OP.i32_or);
        w.simd(SIMD.replace[2]);
        w.byte(lane);
      }
    },
  );
}

/** Product of polynomials of 64 bits, bit by bit of b: the high half has what is shifted out of the low one. */
const polynomial = body(
  TYPE.binary,
  [
    [5, I64],
    [1, I32],
  ],
  (w) => {
    const [a, b, x, y, low, high, mask, i] = [0, 1, 2, 3, 4, 5, 6, 7];
    for (const [from, to] of [
      [a, x],
      [b, y],
    ] as const) {
      w.get(from);
      w.simd(SIMD.extract_s[3]);
      w.byte(0);
      w.set(to);
    }
    w.byte(OP.loop);
    w.byte(0x40);
    i64(w, 0n);
    w.get(y);
    i64(w, 1n);
    w.byte(OP.i64_and);
    w.byte(OP.i64_sub);
    w.set(mask);
    w.get(x);
    w.get(i);
    w.byte(OP.i64_extend_i32_u);
    w.byte(OP.i64_shl);
    w.get(mask);
    w.byte(OP.i64_and);
    w.get(low);
    w.byte(OP.i64_xor);
    w.set(low);
    w.get(x);
    i64(w, 1n);
    w.byte(OP.i64_shr_u);
    w.i32(63);
    w.get(i);
    w.byte(OP.i32_sub);
    w.byte(OP.i64_extend_i32_u);
    w.byte(OP.i64_shr_u);
    w.get(mask);
    w.byte(OP.i64_and);
    w.get(high);
    w.byte(OP.i64_xor);
    w.set(high);
    w.get(y);
    i64(w, 1n);
    w.byte(OP.i64_shr_u);
    w.set(y);
    w.get(i);
    w.i32(1);
    w.byte(OP.i32_add);
    w.tee(i);
    w.i32(64);
    w.byte(OP.i32_lt_u);
    w.byte(OP.br_if);
    w.u32(0);
    w.byte(OP.end);
    w.get(low);
    w.simd(SIMD.splat[3]);
    w.get(high);
    w.simd(SIMD.replace[3]);
    w.byte(1);
  },
);

/** By import name. */
export const vectorHelpers: Record<VectorHelper, FuncBody> = {
  aes_sub: lookUp(SUB_BYTES),
  aes_inverse_sub: lookUp(INVERSE_SUB_BYTES),
  vfma: fma,
  exact_vfma: exactFma,
  vrecpe: estimate(false),
  vrsqrte: estimate(true),
  vpmull: polynomial,
  vshl_s8: shiftLanes(0, false),
  vshl_s16: shiftLanes(1, false),
  vshl_s32: shiftLanes(2, false),
  vshl_s64: shiftLanes(3, false),
  vshl_u8: shiftLanes(0, true),
  vshl_u16: shiftLanes(1, true),
  vshl_u32: shiftLanes(2, true),
  vshl_u64: shiftLanes(3, true),
};

/** Names and types, as IMPORTS of convention.ts has them. */
export const VECTOR_IMPORTS = [
  { name: 'aes_sub', type: TYPE.unary },
  { name: 'aes_inverse_sub', type: TYPE.unary },
  { name: 'vfma', type: TYPE.ternary },
  { name: 'exact_vfma', type: TYPE.test },
  { name: 'vrecpe', type: TYPE.unary },
  { name: 'vrsqrte', type: TYPE.unary },
  { name: 'vpmull', type: TYPE.binary },
  { name: 'vshl_s8', type: TYPE.binary },
  { name: 'vshl_s16', type: TYPE.binary },
  { name: 'vshl_s32', type: TYPE.binary },
  { name: 'vshl_s64', type: TYPE.binary },
  { name: 'vshl_u8', type: TYPE.binary },
  { name: 'vshl_u16', type: TYPE.binary },
  { name: 'vshl_u32', type: TYPE.binary },
  { name: 'vshl_u64', type: TYPE.binary },
] as const;
export type VectorHelper = (typeof VECTOR_IMPORTS)[number]['name'];
