/**
 * Leads the wasm interpreter instruction by instruction, for --verify. It stops where it takes a branch (its fuel is used up
 * there) and at locations that hold "compiled" code, to a table slot without any; an IT block is one instruction.
 */
import type { Steps } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import type { InsnCache } from '../decode/insn-cache.ts';

const IT = OFF.it >> 2;

/** Where the interpreter is to stop: at locations, outside IT blocks, and where it has taken a branch. */
export class Stop {
  readonly locations: readonly number[];
  readonly branch: boolean;
  #begun = false;
  #reached = false;

  constructor(locations: readonly number[], branch: boolean) {
    this.locations = locations;
    this.branch = branch;
  }

  /** To be asked whenever the thread may have come to such a place, and at the beginning, which is none. */
  isAt(cpu: CpuState): boolean {
    if (this.#begun && cpu.i32[IT] === 0)
      this.#reached = this.branch || this.locations.includes(cpu.location);
    this.#begun = true;
    return this.#reached;
  }

  get reached(): boolean {
    return this.#reached;
  }
}

/** `runUntil` runs at least one instruction. False: a hook said to leave. */
export function interpreterSteps(runUntil: (cpu: CpuState, stop: Stop) => boolean, cache: InsnCache): Steps {
  /** The location behind the instruction, or behind its IT block; null where there is none to be run. */
  const behind = (cpu: CpuState): number | null => {
    let { location } = cpu;
    let it = cpu.i32[IT]!;
    do {
      const insn = cache.peek(location, it);
      if (insn === null) return null;
      location = (location + insn.size) >>> 0;
      it = insn.itAfter;
    } while (it !== 0);
    return location;
  };
  const step = (cpu: CpuState): boolean => {
    const { fuel } = cpu;
    const next = behind(cpu);
    cpu.fuel = 0;
    const there = runUntil(cpu, new Stop(next === null ? [] : [next], true));
    cpu.fuel = fuel;
    return there;
  };
  return {
    step,
    runTo(cpu, location, accept) {
      do {
        if (!step(cpu)) return false;
        if (cpu.location !== location && !runUntil(cpu, new Stop([location], false))) return false;
      } while (!accept());
      return true;
    },
  };
}
