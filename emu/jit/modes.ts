/**
 * Modes of the processor, by who can run them: handlers and compiled code are for the default one. In another mode of FPSCR an
 * interpreter with records of its own has the evaluator do what goes by the mode, and all else by the same handlers. When data is
 * big endian (SETEND BE) the evaluator does everything.
 */
import { type CpuState, FPSCR_MODE_MASK, OFF } from '../cpu-state.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { handlerSet } from '../tier0/handler-set.ts';
import { type InterpreterHooks, WasmInterpreter } from '../tier0/interpreter.ts';
import { Machinery } from './machinery.ts';
import type { RuntimeHooks } from './runtime.ts';
import { NEVER_TOLD } from './tiering.ts';

const IT = OFF.it >> 2;
const E = OFF.e >> 2;
const FPSCR = OFF.fpscr >> 2;

export const MODE = { DEFAULT: 0, FLOATS: 1, BIG_ENDIAN: 2 } as const;
export type Mode = (typeof MODE)[keyof typeof MODE];

export function modeOf({ i32 }: CpuState): Mode {
  if (i32[E] !== 0) return MODE.BIG_ENDIAN;
  return (i32[FPSCR]! & FPSCR_MODE_MASK) === 0 ? MODE.DEFAULT : MODE.FLOATS;
}

/**
 * Taken branches of MODE.FLOATS that the evaluator runs before the interpreter does. That one has to put the places of its
 * records where they are looked for, and the other one again when it is over, in which time the evaluator runs a few hundred
 * branches: who rounds up for one sum has it over before.
 */
const BRIEF = 256;

/** The wasm interpreters of an address space. */
export class ModeInterpreters {
  /** What the wasm code under way is for. */
  mode: Mode = MODE.DEFAULT;
  readonly #ofDefault: WasmInterpreter;
  readonly #newOfFloats: () => FloatModeInterpreter;
  readonly #brief: number;
  /** null when there is no memory for it. */
  #ofFloats: FloatModeInterpreter | null | undefined;
  /** Branches that the evaluator has run of MODE.FLOATS since the default mode. */
  #evaluated = 0;

  constructor(ofDefault: WasmInterpreter, newOfFloats: () => FloatModeInterpreter, brief = BRIEF) {
    this.#ofDefault = ofDefault;
    this.#newOfFloats = newOfFloats;
    this.#brief = brief;
  }

  /**
   * As WasmInterpreter.run, of the interpreter for a mode (not MODE.BIG_ENDIAN). Compiled code that waits for a location gets it
   * in the default mode only: another one has to be over before.
   */
  run(mode: Mode, cpu: CpuState, depth: number, stopAt: number): number {
    const outer = this.mode;
    this.mode = mode;
    if (mode === MODE.DEFAULT) this.#evaluated = 0;
    const next =
      mode === MODE.DEFAULT ? this.#ofDefault.run(cpu, depth, stopAt) : this.#floats()!.run(cpu, depth, 0);
    this.mode = outer;
    return next;
  }

  /** Whether the evaluator is to run a mode. */
  evaluates(mode: Mode): boolean {
    if (mode !== MODE.FLOATS) return mode === MODE.BIG_ENDIAN;
    return this.#evaluated < this.#brief || this.#floats() === null;
  }

  /** What V8 has no memory for it says by a RangeError. */
  #floats(): FloatModeInterpreter | null {
    if (this.#ofFloats !== undefined) return this.#ofFloats;
    try {
      this.#ofFloats = this.#newOfFloats();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#ofFloats = null;
    }
    return this.#ofFloats;
  }

  /** To be asked at each branch that the evaluator takes meanwhile: whether it is to run no more. */
  isEvaluated(cpu: CpuState): boolean {
    const mode = modeOf(cpu);
    if (mode === MODE.FLOATS) this.#evaluated++;
    return !this.evaluates(mode);
  }

  /** Whether the wasm code under way may go on. It assumes ITSTATE 0, too. */
  mayGoOn(cpu: CpuState): boolean {
    return cpu.i32[IT] === 0 && modeOf(cpu) === this.mode;
  }

  invalidate(address: number, length: number): void {
    this.#ofDefault.invalidate(address, length);
    this.#ofFloats?.invalidate(address, length);
  }

  close(): void {
    this.#ofFloats?.close();
    this.#ofDefault.close();
  }
}

/** That for MODE.FLOATS. Nothing in it gets hot, and it leaves nothing to the memory's next process. */
export class FloatModeInterpreter extends WasmInterpreter {
  readonly #machinery: Machinery;

  constructor(space: AddressSpace, runtime: RuntimeHooks, hooks: InterpreterHooks, counting: boolean) {
    const set = handlerSet(counting, true);
    const machinery = Machinery.take(space.memory, set);
    machinery.hooks = runtime;
    const own = { ...hooks, hot: () => {}, image: () => null, found: () => false, isCompiled: () => false };
    super(space, set.decoder, machinery, own, { ...NEVER_TOLD, timed: counting }, new Map());
    this.#machinery = machinery;
  }

  override close(): void {
    super.close();
    this.#machinery.give();
  }
}
