/**
 * VFP registers in compiled code. They are in the state block, where every write goes at once; a local holds the value of one
 * besides from when it was last read or written to the end of the block, or of the blocks behind it that nothing else jumps to.
 * So a value goes from one instruction to the next without a way through memory.
 *
 * The same bits are S, D and Q registers: a write of one forgets what locals hold of the others. What a local holds of a wider or
 * of both narrower ones is taken from there: a load would wait for the store of another width.
 */
import { OFF } from '../cpu-state.ts';
import { CPU } from './convention.ts';
import type { FunctionWriter } from './function-writer.ts';
import { F32, F64, OP, type ValType } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

/** Of a register: S0..S31, D0..D31 and Q0..Q15. */
export type RegisterSize = 32 | 64 | 128;

/** Registers cached in locals, as masks of S, D and Q registers. */
export interface CachedRegisters {
  readonly s: number;
  readonly d: number;
  readonly q: number;
}
export const NONE_CACHED: CachedRegisters = { s: 0, d: 0, q: 0 };

const TYPES: Readonly<Record<RegisterSize, ValType>> = { 32: F32, 64: F64, 128: V128 };

export class VfpRegisters {
  readonly #writer: FunctionWriter;
  readonly #locals: Readonly<Record<RegisterSize, number[]>> = { 32: [], 64: [], 128: [] };
  #s = 0;
  #d = 0;
  #q = 0;
  /** Registers written since it was last set. */
  written: CachedRegisters = NONE_CACHED;

  constructor(writer: FunctionWriter) {
    this.#writer = writer;
  }

  /** Begins a function. */
  reset(): void {
    for (const size of [32, 64, 128] as const) this.#locals[size].fill(-1);
    this.forget();
  }

  get cached(): CachedRegisters {
    return { s: this.#s, d: this.#d, q: this.#q };
  }
  /** What is cached on another way. */
  set cached({ s, d, q }: CachedRegisters) {
    this.#s = s;
    this.#d = d;
    this.#q = q;
  }

  /** Where two ways come together, on one of which it is what it was before. */
  join({ s, d, q }: CachedRegisters): void {
    this.#s &= s;
    this.#d &= d;
    this.#q &= q;
  }

  /** The registers may have been written by others. */
  forget(): void {
    this.cached = NONE_CACHED;
  }

  /** Whether a local has the register cached. */
  isCached(size: RegisterSize, n: number): boolean {
    return ((size === 32 ? this.#s : size === 64 ? this.#d : this.#q) & (1 << n)) !== 0;
  }

  /** A local that holds the register. */
  read(size: RegisterSize, n: number): number {
    const local = this.#localOf(size, n);
    if (!this.isCached(size, n)) {
      if (!this.#takeFromOthers(size, n)) this.load(size, n);
      else this.#writer.out.set(local);
      this.#cache(size, n);
    }
    return local;
  }

  /** Leaves the register on the wasm stack when locals of other sizes hold all of it. */
  #takeFromOthers(size: RegisterSize, n: number): boolean {
    const { out } = this.#writer;
    if (size === 128) {
      if (!this.isCached(64, 2 * n) || !this.isCached(64, 2 * n + 1)) return false;
      out.get(this.#localOf(64, 2 * n));
      out.simd(SIMD.f64_splat);
      out.get(this.#localOf(64, 2 * n + 1));
      out.simd(SIMD.f64_replace);
      out.byte(1);
      return true;
    }
    const perQuad = 128 / size;
    const quad = Math.floor(n / perQuad);
    if (!this.isCached(128, quad)) return false;
    out.get(this.#localOf(128, quad));
    out.simd(size === 64 ? SIMD.f64_extract : SIMD.f32_extract);
    out.byte(n % perQuad);
    return true;
  }

  /** Writes the register, with what `value` leaves on the wasm stack. */
  write(size: RegisterSize, n: number, value: () => void): void {
    const { out } = this.#writer;
    out.get(CPU);
    value();
    out.tee(this.#localOf(size, n));
    const offset = vfpOffset(size, n);
    if (size === 128) out.simdMem(SIMD.store, offset);
    else out.mem(size === 32 ? OP.f32_store : OP.f64_store, offset);
    this.#forgetOthers(size, n);
    this.#cache(size, n);
    const { s, d, q } = this.written;
    const bit = 1 << n;
    this.written = {
      s: size === 32 ? s | bit : s,
      d: size === 64 ? d | bit : d,
      q: size === 128 ? q | bit : q,
    };
  }

  /** Loads the register's local again: on a way on which the evaluator wrote it, while on another one `write` did. */
  load(size: RegisterSize, n: number): void {
    const { out } = this.#writer;
    const offset = vfpOffset(size, n);
    out.get(CPU);
    if (size === 128) out.simdMem(SIMD.load, offset);
    else out.mem(size === 32 ? OP.f32_load : OP.f64_load, offset);
    out.set(this.#localOf(size, n));
  }

  /**
   * On a way on which locals hold only `before`, and what has been written since not at all: loads all that they hold on the
   * other.
   */
  loadAgain(before: CachedRegisters): void {
    const { written } = this;
    const missing: readonly [RegisterSize, number][] = [
      [32, this.#s & (~before.s | written.s)],
      [64, this.#d & (~before.d | written.d)],
      [128, this.#q & (~before.q | written.q)],
    ];
    for (const [size, mask] of missing) for (let n = 0; n < 32; n++) if (mask & (1 << n)) this.load(size, n);
  }

  #cache(size: RegisterSize, n: number): void {
    if (size === 32) this.#s |= 1 << n;
    else if (size === 64) this.#d |= 1 << n;
    else this.#q |= 1 << n;
  }

  /** No local holds what the register is a part of, or a part of it. */
  #forgetOthers(size: RegisterSize, n: number): void {
    switch (size) {
      case 32:
        this.#d &= ~(1 << (n >> 1));
        this.#q &= ~(1 << (n >> 2));
        break;
      case 64:
        if (n < 16) this.#s &= ~(3 << (2 * n));
        this.#q &= ~(1 << (n >> 1));
        break;
      case 128:
        if (n < 8) this.#s &= ~(15 << (4 * n));
        this.#d &= ~(3 << (2 * n));
    }
  }

  #localOf(size: RegisterSize, n: number): number {
    const locals = this.#locals[size];
    while (locals.length <= n) locals.push(-1);
    if (locals[n]! < 0) locals[n] = this.#writer.newLocal(TYPES[size]);
    return locals[n]!;
  }
}

/** Of a register in the state block. */
export function vfpOffset(size: RegisterSize, n: number): number {
  return OFF.d + (size / 8) * n;
}
