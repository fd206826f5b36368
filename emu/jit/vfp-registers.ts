/**
 * VFP registers in compiled code. They are in the state block, where every write goes at once; a local holds the value of one besides from when it was last read or written to the end of the
 * block, or of the blocks behind it that nothing else jumps to. So a value goes from one instruction to the next without a way through memory.
 *
 * D0..D15 are S0..S31 in pairs: a write of one forgets what locals hold of the other.
 */
import { OFF } from '../cpu-state.ts';
import type { FpSize } from '../machine/machine.ts';
import { CPU } from './convention.ts';
import type { FunctionWriter } from './function-writer.ts';
import { F32, F64, OP } from './wasm.ts';

/** Registers that locals hold, as masks of S and D registers. */
export interface HeldRegisters {
  readonly s: number;
  readonly d: number;
}

export class VfpRegisters {
  private readonly writer: FunctionWriter;
  private readonly singles: number[] = [];
  private readonly doubles: number[] = [];
  private s = 0;
  private d = 0;

  constructor(writer: FunctionWriter) {
    this.writer = writer;
  }

  /** Begins a function. */
  reset(): void {
    this.singles.fill(-1);
    this.doubles.fill(-1);
    this.forget();
  }

  get held(): HeldRegisters {
    return { s: this.s, d: this.d };
  }
  /** What is held on another way. */
  set held({ s, d }: HeldRegisters) {
    this.s = s;
    this.d = d;
  }

  /** Where two ways come together, on one of which it is what it was before. */
  join({ s, d }: HeldRegisters): void {
    this.s &= s;
    this.d &= d;
  }

  /** The registers may have been written by others. */
  forget(): void {
    this.s = 0;
    this.d = 0;
  }

  /** Whether a local holds the register. */
  isHeld(size: FpSize, n: number): boolean {
    return ((size === 32 ? this.s : this.d) & (1 << n)) !== 0;
  }

  /** A local that holds the register. */
  read(size: FpSize, n: number): number {
    if (!this.isHeld(size, n)) {
      this.load(size, n);
      this.hold(size, n);
    }
    return this.localOf(size, n);
  }

  /** Writes the register, with what `value` leaves on the wasm stack. */
  write(size: FpSize, n: number, value: () => void): void {
    const { out } = this.writer;
    out.get(CPU);
    value();
    out.tee(this.localOf(size, n));
    out.mem(size === 32 ? OP.f32_store : OP.f64_store, vfpOffset(size, n));
    this.forgetHalves(size, n);
    this.hold(size, n);
  }

  /** Loads the register's local again: on a way on which the evaluator wrote it, while on another one `write` did. */
  load(size: FpSize, n: number): void {
    const { out } = this.writer;
    out.get(CPU);
    out.mem(size === 32 ? OP.f32_load : OP.f64_load, vfpOffset(size, n));
    out.set(this.localOf(size, n));
  }

  private hold(size: FpSize, n: number): void {
    if (size === 32) this.s |= 1 << n;
    else this.d |= 1 << n;
  }

  /** No local holds what the register is a half of, or a half of it. */
  private forgetHalves(size: FpSize, n: number): void {
    if (size === 32) this.d &= ~(1 << (n >> 1));
    else if (n < 16) this.s &= ~(3 << (2 * n));
  }

  private localOf(size: FpSize, n: number): number {
    const locals = size === 32 ? this.singles : this.doubles;
    while (locals.length <= n) locals.push(-1);
    if (locals[n]! < 0) locals[n] = this.writer.newLocal(size === 32 ? F32 : F64);
    return locals[n]!;
  }
}

/** Of a register in the state block. */
export function vfpOffset(size: FpSize, n: number): number {
  return OFF.d + (size === 32 ? 4 : 8) * n;
}
