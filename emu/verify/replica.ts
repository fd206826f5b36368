/**
 * One of the two CPUs under verification: a CpuBackend whose hooks only note the event and leave.
 */
import type { BackendFactory } from '../backend.ts';
import type { CpuBackend, CpuHooks, FaultReason } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import { ReferenceBackend } from '../evaluator/reference-backend.ts';
import type { AddressSpace } from '../memory/address-space.ts';

/** Where a CPU stopped. `slice`: its fuel was used up; `yield`: it asked for it. */
export type SyncEvent =
  | { kind: 'syscall' | 'undefined' | 'breakpoint'; imm: number }
  | { kind: 'fault'; address: number; access: number; why: FaultReason }
  | { kind: 'slice' | 'yield' };

export function sameEvent(a: SyncEvent, b: SyncEvent): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A CPU that can be led instruction by instruction. Hooks are called as in run(). */
export interface Steps {
  /** Runs one instruction (or a few, when they do nothing). False: a hook said to leave. */
  step(cpu: CpuState): boolean;
  /**
   * Runs at least one instruction, until the thread is at the location and `accept` answers true (gives true), or a hook says to
   * leave or hooks.preempt is to be asked (gives false).
   */
  runTo(cpu: CpuState, location: number, accept: () => boolean): boolean;
}

export class Replica {
  readonly backend: CpuBackend;
  readonly steps: Steps | null;
  #event: SyncEvent | null = null;
  /** Asked when the fuel is used up: true to go on with what it put there. */
  #refill: (cpu: CpuState) => boolean = () => false;

  constructor(space: AddressSpace, factory: BackendFactory, count: boolean) {
    const note = (event: SyncEvent) => {
      this.#event = event;
      return false;
    };
    const hooks: CpuHooks = {
      syscall: (_cpu, imm) => note({ kind: 'syscall', imm }),
      fault: (_cpu, address, access, why) => note({ kind: 'fault', address: address >>> 0, access, why }),
      trap: (_cpu, kind, imm) => note({ kind, imm }),
      preempt: (cpu) => {
        if (cpu.fuel >= 0) return note({ kind: 'yield' });
        return this.#refill(cpu) || note({ kind: 'slice' });
      },
    };
    this.backend = factory(space, { hooks, count, exactFuel: true });
    this.steps = stepsOf(this.backend);
  }

  get name(): string {
    return this.backend.name;
  }

  /** Runs to the next event, with the state's fuel and what `refill` gives when it is used up. */
  run(cpu: CpuState, refill: (cpu: CpuState) => boolean = () => false): SyncEvent {
    this.#event = null;
    this.#refill = refill;
    while (this.#event === null) this.backend.run(cpu);
    return this.#event;
  }

  /** As Steps.runTo; gives the event that came first, or null when there. */
  runTo(cpu: CpuState, location: number, accept: () => boolean, refill: () => boolean): SyncEvent | null {
    this.#event = null;
    this.#refill = refill;
    while (!this.steps!.runTo(cpu, location, accept)) if (this.#event !== null) return this.#event;
    return null;
  }

  /** As Steps.step; gives the event, if one came. */
  step(cpu: CpuState): SyncEvent | null {
    this.#event = null;
    this.#refill = () => false;
    this.steps!.step(cpu);
    return this.#event;
  }
}

function stepsOf(backend: CpuBackend): Steps | null {
  if (backend instanceof ReferenceBackend) return interpreterSteps(backend);
  return 'runTo' in backend ? (backend as CpuBackend & Steps) : null;
}

/** Steps between two looks at the clock. */
const TURN = 1 << 20;

function interpreterSteps({ interpreter }: ReferenceBackend): Steps {
  return {
    step: (cpu) => interpreter.step(cpu),
    runTo(cpu, location, accept) {
      for (let i = 0; i < TURN; i++) {
        if (!interpreter.step(cpu)) return false;
        if (cpu.location === location && accept()) return true;
      }
      cpu.fuel = -1;
      interpreter.hooks.preempt(cpu);
      return false;
    },
  };
}
