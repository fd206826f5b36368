/**
 * One of the two CPUs under verification: a CpuBackend whose hooks only note the event and leave.
 */
import type { BackendFactory } from '../backend.ts';
import type { CpuBackend, CpuHooks, FaultReason, Steps } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import type { AddressSpace } from '../memory/address-space.ts';

/** Where a CPU stopped. `slice`: its fuel was used up; `yield`: it asked for it. */
export type SyncEvent =
  | { kind: 'syscall' | 'undefined' | 'breakpoint'; imm: number }
  | { kind: 'fault'; address: number; access: number; why: FaultReason }
  | { kind: 'slice' | 'yield' };

export function sameEvent(a: SyncEvent, b: SyncEvent): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export class Replica {
  readonly backend: CpuBackend;
  readonly steps: Steps | undefined;
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
    this.steps = this.backend.steps;
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
