/**
 * Runs cases on a CPU of ours: any CpuBackend, over an address space with the code area and the scratch memory of layout.ts.
 */
import type { CpuBackend, CpuHooks, CpuOptions } from '../../emu/cpu.ts';
import { CpuState, OFF } from '../../emu/cpu-state.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { EXEC, HELPERS_PAGE, PAGE_SHIFT, READ, WRITE } from '../../emu/memory/layout.ts';
import type { Case, Result } from './layout.ts';
import * as bench from './layout.ts';

/** A CPU that may want to know where the cases of a batch begin (locations: bit 0 is set in Thumb state). */
export interface BenchCpu extends CpuBackend {
  load?(locations: readonly number[]): void;
}
export type BackendFactory = (space: AddressSpace, options: CpuOptions) => BenchCpu;

/** A case is endless when it has used so many time slices. They are short, so that loops are preempted. */
const SLICES = 400;
const FUEL = 2;

export class Runner {
  readonly space = AddressSpace.create();
  readonly backend: BenchCpu;
  readonly cpu: CpuState;
  readonly #scratch: Uint32Array;
  /** The scratch memory in the address space. */
  readonly #memory: Uint32Array;
  readonly #code: Uint32Array;
  #signal = 0;
  #faultAddress = 0;
  #slices = 0;

  /** @param scratch content of the scratch memory that each case begins with */
  constructor(factory: BackendFactory, scratch: Uint32Array) {
    const { space } = this;
    this.#scratch = scratch;
    this.#map(bench.CODE_BASE, bench.CODE_SIZE, READ | EXEC, 'code');
    this.#map(bench.SCRATCH, bench.SCRATCH_SIZE, READ | WRITE, 'scratch');
    this.#code = new Uint32Array(space.buffer, bench.CODE_BASE, bench.CODE_SIZE / 4);
    this.#code.fill(bench.PAD);
    this.#memory = new Uint32Array(space.buffer, bench.SCRATCH, bench.SCRATCH_SIZE / 4);
    this.#memory.set(scratch);
    // The oracle's helpers are another kernel's: neither side is to run or read them.
    space.pages.bytes[HELPERS_PAGE >>> PAGE_SHIFT] = 0;
    this.cpu = new CpuState(space.buffer, space.allocateState());
    this.backend = factory(space, { hooks: this.#hooks() });
  }

  #map(start: number, size: number, prot: number, name: string): void {
    const { space } = this;
    const end = start + size;
    space.map({ start, end, prot, shared: false, source: null, offset: 0, growsDown: false, name });
    if (!space.check(start, size, READ)) throw new Error(`cannot map the ${name} area`);
  }

  #end(signal: number, address = 0): false {
    this.#signal = signal;
    this.#faultAddress = address;
    return false;
  }

  #hooks(): CpuHooks {
    return {
      syscall: () => this.#end(bench.SVC),
      fault: (_cpu, address, _access, why) =>
        this.#end(why === 'align' || why === 'beyond-file' ? bench.SIGBUS : bench.SIGSEGV, address >>> 0),
      trap: (_cpu, kind) => this.#end(kind === 'breakpoint' ? bench.SIGTRAP : bench.SIGILL),
      preempt: (cpu) => {
        cpu.fuel = FUEL;
        return ++this.#slices <= SLICES || this.#end(bench.ENDLESS);
      },
    };
  }

  /** Puts the code of a batch in place. */
  load(cases: readonly Case[]): void {
    this.#code.fill(bench.PAD);
    for (const c of cases) this.#code.set(c.code, ((c.address & ~3) - bench.CODE_BASE) / 4);
    this.#changed(bench.CODE_BASE, bench.CODE_SIZE);
    this.backend.load?.(cases.map((c) => c.address + (c.state[bench.CPSR]! & 0x20 ? 1 : 0)));
  }

  /** Puts the code of one more case in place. It may reach into the first bytes of the next slot (see Generator.address). */
  add(c: Case): void {
    const start = bench.CODE_BASE + c.slot * bench.SLOT_SIZE + bench.CODE_WINDOW;
    const word = (start - bench.CODE_BASE) / 4;
    this.#code.fill(bench.PAD, word, word + bench.SLOT_SIZE / 4);
    this.#code.set(c.code, ((c.address & ~3) - bench.CODE_BASE) / 4);
    this.#changed(start, bench.SLOT_SIZE);
  }

  /** The code was written past the page bytes: tells all that translate. */
  #changed(start: number, length: number): void {
    for (const listener of this.space.onInvalidate) listener(start, length);
    this.backend.invalidate(start, length);
  }

  /** Runs a case whose code is in place, from another state than its own when one is given. */
  run(c: Case, state: Uint32Array = c.state): Result {
    const { cpu } = this;
    const memory = this.#memory;
    const scratch = this.#scratch;
    cpu.clear();
    cpu.ru.set(state.subarray(0, 16));
    cpu.cpsr = state[bench.CPSR]!;
    cpu.fpscr = state[bench.FPSCR]!;
    cpu.s.set(state.subarray(bench.VFP));
    cpu.tls = bench.TPIDRURO;
    cpu.u32[OFF.tpidrurw >> 2] = bench.TPIDRURW;
    cpu.fuel = FUEL;
    this.#signal = 0;
    this.#slices = 0;
    this.backend.run(cpu);
    const after = new Uint32Array(bench.STATE_WORDS);
    after.set(cpu.ru);
    after[bench.CPSR] = cpu.cpsr;
    after[bench.FPSCR] = cpu.fpscr;
    after.set(cpu.s, bench.VFP);
    const changes = new Map<number, number>();
    for (let i = 0; i < scratch.length; i++) {
      if (memory[i] === scratch[i]) continue;
      changes.set(i, memory[i]!);
      memory[i] = scratch[i]!;
    }
    return { signal: this.#signal, faultAddress: this.#faultAddress, state: after, changes };
  }

  close(): void {
    this.backend.close();
    this.space.close();
  }
}

/** Results of one batch of cases on a CPU. */
export function runCases(factory: BackendFactory, scratch: Uint32Array, cases: readonly Case[]): Result[] {
  const runner = new Runner(factory, scratch);
  try {
    runner.load(cases);
    return cases.map((c) => runner.run(c));
  } finally {
    runner.close();
  }
}
