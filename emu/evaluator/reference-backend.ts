/**
 * The CPU 'reference': every instruction through the evaluator. Slow and simple; what the wasm interpreter and compiled code are
 * compared with, and a choice for hunting bugs.
 */

import type { CpuBackend, CpuOptions, CpuStats, Steps } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import { OFF } from '../cpu-state.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { Interpreter } from './interpreter.ts';

/** Steps between two questions to hooks.preempt. */
const TURN = 1 << 20;

export class ReferenceBackend implements CpuBackend, Steps {
  readonly name = 'reference';
  readonly space: AddressSpace;
  readonly steps = this;
  readonly interpreter: Interpreter;
  readonly #count: boolean;
  /** Threads inside run(), innermost last: a hook may run another thread. */
  readonly #running: CpuState[] = [];

  constructor(space: AddressSpace, options: CpuOptions) {
    this.space = space;
    this.interpreter = new Interpreter(space, options.hooks);
    this.#count = options.count === true;
  }

  run(cpu: CpuState): void {
    const before = this.interpreter.instructions;
    this.#running.push(cpu);
    try {
      this.interpreter.run(cpu);
    } finally {
      this.#running.pop();
      if (this.#count) addCount(cpu, this.interpreter.instructions - before);
    }
  }

  step(cpu: CpuState): boolean {
    return this.interpreter.step(cpu);
  }

  runTo(cpu: CpuState, location: number, accept: () => boolean): boolean {
    for (;;) {
      for (let i = 0; i < TURN; i++) {
        if (!this.interpreter.step(cpu)) return false;
        if (cpu.location === location && accept()) return true;
      }
      cpu.fuel = -1;
      if (!this.interpreter.hooks.preempt(cpu)) return false;
    }
  }

  stop(): void {
    const cpu = this.#running.at(-1);
    if (cpu !== undefined) cpu.fuel = 0;
  }

  invalidate(address: number, length: number): void {
    this.interpreter.cache.invalidate(address, length);
  }

  close(): void {}

  stats(): CpuStats {
    return {
      instructions: this.interpreter.instructions,
      regions: 0,
      modules: 0,
      compileMs: 0,
      wasmBytes: 0,
    };
  }
}

/** Adds to the 64-bit count of a thread. */
function addCount(cpu: CpuState, n: number): void {
  const low = cpu.u32[OFF.icount >> 2]! + n;
  cpu.u32[OFF.icount >> 2] = low; // modulo 2^32
  cpu.u32[(OFF.icount >> 2) + 1]! += Math.floor(low / 0x1_0000_0000);
}
