/**
 * An address space with code in it and a thread, for tests of a CPU without a kernel: hooks are noted in `events` and answered by
 * `answer` (default: leave).
 */
import type { CpuBackend, CpuHooks, CpuOptions } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { EXEC, READ, WRITE } from '../../emu/memory/layout.ts';
import { assemble } from './assemble.ts';

export const CODE = 0x1_0000;
export const DATA = 0x2_0000;
export const DATA_SIZE = 0x1_0000;
export const STACK_TOP = DATA + DATA_SIZE;

export interface Event {
  kind: 'syscall' | 'fault' | 'undefined' | 'breakpoint' | 'preempt';
  /** The PC with bit 0 set in Thumb state. */
  location: number;
  imm?: number;
  address?: number;
  access?: number;
  why?: string;
}

export class Guest {
  readonly space = AddressSpace.create();
  readonly cpu = new CpuState(this.space.buffer, this.space.allocateState());
  readonly events: Event[] = [];
  readonly backend: CpuBackend;
  answer: (event: Event) => boolean = () => false;

  /** `make` gets the space and options with the hooks that note events. */
  constructor(
    source: string,
    make: (space: AddressSpace, options: CpuOptions) => CpuBackend,
    options: Partial<CpuOptions> = {},
  ) {
    const code = assemble(source);
    this.map(CODE, Math.max(0x1000, (code.length + 0xfff) & ~0xfff), READ | WRITE | EXEC);
    this.space.check(CODE, code.length, WRITE);
    this.space.bytes(CODE, code.length).set(code);
    this.map(DATA, DATA_SIZE, READ | WRITE);
    this.cpu.clear();
    this.cpu.location = CODE;
    this.cpu.ru[13] = STACK_TOP;
    this.cpu.fuel = 1_000_000;
    const note = (event: Event) => {
      this.events.push(event);
      return this.answer(event);
    };
    const hooks: CpuHooks = {
      syscall: (cpu, imm) => note({ kind: 'syscall', location: cpu.location, imm }),
      fault: (cpu, address, access, why) =>
        note({ kind: 'fault', location: cpu.location, address, access, why }),
      trap: (cpu, kind, imm) => note({ kind, location: cpu.location, imm }),
      preempt: (cpu) => note({ kind: 'preempt', location: cpu.location }),
    };
    this.backend = make(this.space, { hooks, ...options });
  }

  map(start: number, length: number, prot: number): void {
    this.space.map({
      start,
      end: start + length,
      prot,
      shared: false,
      source: null,
      offset: 0,
      growsDown: false,
      name: '',
    });
  }

  /** Runs from `location` (default: where the thread is) and gives the last event. */
  run(location = this.cpu.location): Event {
    this.cpu.location = location;
    this.backend.run(this.cpu);
    return this.events.at(-1)!;
  }

  close(): void {
    this.backend.close();
    this.space.close();
  }
}
