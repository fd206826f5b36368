/**
 * WebAssembly's binary format: a byte writer, the opcodes used, and a builder of modules.
 *
 * Source: the WebAssembly core specification 2.0 (binary format) with the threads (shared memory), tail-call and branch-hinting
 * proposals, which V8 ships.
 */

import { SIMD_PREFIX, type V128 } from './wasm-simd.ts';

/** Value types; V128 is in wasm-simd.ts. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export type ValType = typeof I32 | typeof I64 | typeof F32 | typeof F64 | typeof V128;

/** Block type of a block that gives nothing. */
export const VOID = 0x40;

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  call_indirect: 0x11,
  return_call: 0x12,
  return_call_indirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  global_get: 0x23,
  i32_load: 0x28,
  i64_load: 0x29,
  f32_load: 0x2a,
  f64_load: 0x2b,
  i32_load8_s: 0x2c,
  i32_load8_u: 0x2d,
  i32_load16_s: 0x2e,
  i32_load16_u: 0x2f,
  i32_store: 0x36,
  i64_store: 0x37,
  f32_store: 0x38,
  f64_store: 0x39,
  i32_store8: 0x3a,
  i32_store16: 0x3b,
  i32_const: 0x41,
  i64_const: 0x42,
  f32_const: 0x43,
  f64_const: 0x44,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_lt_s: 0x48,
  i32_lt_u: 0x49,
  i32_gt_s: 0x4a,
  i32_gt_u: 0x4b,
  i32_le_s: 0x4c,
  i32_le_u: 0x4d,
  i32_ge_s: 0x4e,
  i32_ge_u: 0x4f,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_lt_u: 0x54,
  i64_ge_s: 0x59,
  f32_eq: 0x5b,
  f32_ne: 0x5c,
  f32_lt: 0x5d,
  f32_gt: 0x5e,
  f32_le: 0x5f,
  f32_ge: 0x60,
  f64_eq: 0x61,
  f64_ne: 0x62,
  f64_lt: 0x63,
  f64_gt: 0x64,
  f64_le: 0x65,
  f64_ge: 0x66,
  i32_clz: 0x67,
  i32_ctz: 0x68,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_div_s: 0x6d,
  i32_div_u: 0x6e,
  i32_and: 0x71,
  i32_or: 0x72,
  i32_xor: 0x73,
  i32_shl: 0x74,
  i32_shr_s: 0x75,
  i32_shr_u: 0x76,
  i32_rotl: 0x77,
  i32_rotr: 0x78,
  i64_ctz: 0x7a,
  i64_add: 0x7c,
  i64_sub: 0x7d,
  i64_mul: 0x7e,
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  f32_abs: 0x8b,
  f32_neg: 0x8c,
  f32_ceil: 0x8d,
  f32_floor: 0x8e,
  f32_trunc: 0x8f,
  f32_nearest: 0x90,
  f32_sqrt: 0x91,
  f32_add: 0x92,
  f32_sub: 0x93,
  f32_mul: 0x94,
  f32_div: 0x95,
  f32_min: 0x96,
  f32_max: 0x97,
  f32_copysign: 0x98,
  f64_abs: 0x99,
  f64_neg: 0x9a,
  f64_ceil: 0x9b,
  f64_floor: 0x9c,
  f64_trunc: 0x9d,
  f64_nearest: 0x9e,
  f64_sqrt: 0x9f,
  f64_add: 0xa0,
  f64_sub: 0xa1,
  f64_mul: 0xa2,
  f64_div: 0xa3,
  f64_min: 0xa4,
  f64_max: 0xa5,
  f64_copysign: 0xa6,
  i32_wrap_i64: 0xa7,
  i32_trunc_f64_s: 0xaa,
  i32_trunc_f64_u: 0xab,
  i64_extend_i32_s: 0xac,
  i64_extend_i32_u: 0xad,
  f32_convert_i32_s: 0xb2,
  f32_convert_i32_u: 0xb3,
  f32_demote_f64: 0xb6,
  f64_convert_i32_s: 0xb7,
  f64_convert_i32_u: 0xb8,
  f64_promote_f32: 0xbb,
  i32_reinterpret_f32: 0xbc,
  i64_reinterpret_f64: 0xbd,
  f32_reinterpret_i32: 0xbe,
  f64_reinterpret_i64: 0xbf,
  i32_extend8_s: 0xc0,
  i32_extend16_s: 0xc1,
  ref_func: 0xd2,
} as const;

/** Natural alignment hint (log2) per load and store opcode; only a hint, so 0 is always right. */
const NO_ALIGN = 0;

/** A place in a ByteWriter that can be gone back to. */
export interface WriterMark {
  readonly length: number;
  /** Where the local.set stands that ends there, and its local; -1 when there is none. */
  readonly set: number;
  readonly local: number;
}

/** A growing byte buffer with the format's number encodings. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  #room(n: number): void {
    if (this.length + n <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + n));
    bigger.set(this.bytes.subarray(0, this.length));
    this.bytes = bigger;
  }

  byte(b: number): void {
    if (this.length === this.bytes.length) this.#room(1);
    this.bytes[this.length++] = b;
  }

  /** Unsigned LEB128 of a 32-bit number. */
  u32(x: number): void {
    this.#room(5);
    const { bytes } = this;
    x >>>= 0;
    while (x >= 0x80) {
      bytes[this.length++] = (x & 0x7f) | 0x80;
      x >>>= 7;
    }
    bytes[this.length++] = x;
  }

  /** Signed LEB128 of a 32-bit number. */
  s32(x: number): void {
    this.#room(5);
    const { bytes } = this;
    x |= 0;
    for (;;) {
      const low = x & 0x7f;
      x >>= 7;
      if ((x === 0 && (low & 0x40) === 0) || (x === -1 && (low & 0x40) !== 0)) {
        bytes[this.length++] = low;
        return;
      }
      bytes[this.length++] = low | 0x80;
    }
  }

  /** Signed LEB128 of a 64-bit number. */
  s64(x: bigint): void {
    for (;;) {
      const low = Number(x & 0x7fn);
      x >>= 7n;
      if ((x === 0n && (low & 0x40) === 0) || (x === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  raw(b: Uint8Array | readonly number[]): void {
    this.#room(b.length);
    this.bytes.set(b, this.length);
    this.length += b.length;
  }

  /** A part of other code, short as a rule. */
  part(code: Uint8Array, from: number, to: number): void {
    this.#room(to - from);
    const { bytes } = this;
    let at = this.length;
    for (let i = from; i < to; i++) bytes[at++] = code[i]!;
    this.length = at;
  }

  /** A name, ASCII only. */
  name(s: string): void {
    this.u32(s.length);
    for (let i = 0; i < s.length; i++) this.byte(s.charCodeAt(i));
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    this.#setEnd = -1;
  }

  // ---- instructions with immediates ----
  /** The last local.set: where it begins and ends, and its local. */
  #setAt = 0;
  #setEnd = -1;
  #setLocal = 0;

  /** Directly behind a local.set of the same local it becomes a local.tee. */
  get(local: number): void {
    if (this.#setEnd === this.length && this.#setLocal === local) {
      this.bytes[this.#setAt] = OP.local_tee;
      this.#setEnd = -1;
      return;
    }
    this.byte(OP.local_get);
    this.u32(local);
  }
  set(local: number): void {
    this.#setAt = this.length;
    this.byte(OP.local_set);
    this.u32(local);
    this.#setEnd = this.length;
    this.#setLocal = local;
  }
  /** A place that can be gone back to. */
  mark(): WriterMark {
    return {
      length: this.length,
      set: this.#setEnd === this.length ? this.#setAt : -1,
      local: this.#setLocal,
    };
  }
  /** Throws away what has been written since. */
  rollBack({ length, set, local }: WriterMark): void {
    this.length = length;
    this.#setEnd = -1;
    if (set < 0) return;
    this.bytes[set] = OP.local_set;
    this.#setAt = set;
    this.#setEnd = length;
    this.#setLocal = local;
  }
  /** What comes next stays apart from what is before. */
  apart(): void {
    this.#setEnd = -1;
  }
  tee(local: number): void {
    this.byte(OP.local_tee);
    this.u32(local);
  }
  i32(x: number): void {
    this.byte(OP.i32_const);
    this.s32(x);
  }
  /** Leaves room for a number that the module imports (`fillHole`), which is an i32 on the stack. Gives where. */
  hole(): number {
    this.#room(HOLE);
    const at = this.length;
    this.length += HOLE;
    return at;
  }
  mem(op: number, offset: number): void {
    this.byte(op);
    this.u32(NO_ALIGN);
    this.u32(offset);
  }
  /** An instruction of wasm-simd.ts, and one with a place in memory. */
  simd(op: number): void {
    this.byte(SIMD_PREFIX);
    this.u32(op);
  }
  simdMem(op: number, offset: number): void {
    this.simd(op);
    this.u32(NO_ALIGN);
    this.u32(offset);
  }
  call(index: number): void {
    this.byte(OP.call);
    this.u32(index);
  }
}

/** Bytes of a hole: a `global.get` with its index in five, or with a short one an addition. */
const HOLE = 6;
/** What can be added in a hole is less. */
export const MAX_ADDED = 1 << 13;
/** Globals with an index below this have one byte. */
const SHORT = 1 << 7;

/** Has a hole get an imported global. */
export function fillHole(bytes: Uint8Array, at: number, global: number): void {
  bytes[at] = OP.global_get;
  for (let i = 0; i < 4; i++) bytes[at + 1 + i] = ((global >> (7 * i)) & 0x7f) | 0x80;
  bytes[at + 5] = global >>> 28;
}

/** Has a hole get an imported global, one of the first, and a number from 0 up to MAX_ADDED added to it. */
export function fillHoleWithSum(bytes: Uint8Array, at: number, global: number, added: number): void {
  if (global >= SHORT) throw new RangeError('too many numbers for one module');
  bytes.set([OP.global_get, global, OP.i32_const, (added & 0x7f) | 0x80, added >> 7, OP.i32_add], at);
}

export interface FuncType {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** A function to be defined: its type (index in the builder's types), its locals as runs, its code without the final `end`. */
export interface FuncBody {
  readonly type: number;
  readonly locals: readonly (readonly [count: number, type: ValType])[];
  readonly code: Uint8Array;
  /** Offsets in the code of `if` and `br_if` instructions that are rarely taken, ascending. */
  readonly unlikely?: readonly number[];
}
