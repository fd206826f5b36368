/**
 * The CPUs 'unicorn' and 'unicorn.js': Unicorn 2 as a library running on the bytes of the address space itself, or as a
 * WebAssembly module with copies of them (guest-memory.ts). The oracle for the other CPUs, and a choice for hunting bugs.
 *
 * The library's callbacks only note what happened and stop it; all work is done, and all hooks are called, after emu_start has
 * returned, with the state in the CpuState. So hooks may throw, run other threads or change everything. Between two hooks the
 * engine's registers are the truth; at every hook the CpuState is.
 *
 * Pages come from the page bytes through the guest's own MMU (page-tables.ts): an abort either brings a page in or becomes
 * hooks.fault. The library does not say which address an abort was about, so the instruction is run again with memory hooks
 * that tell.
 *
 * Fuel: the library counts instructions, the other CPUs count branches; a unit of fuel is taken for INSTRUCTIONS_PER_FUEL
 * instructions. How many were run when an event comes is not known, so an event costs a fraction of what was left.
 *
 * Exclusive monitor: the library's own; cleared at every hook, as an exception does (ARM ARM A3.4.5 leaves that to the system).
 */
import type { CpuBackend, CpuHooks, CpuName, CpuOptions, CpuStats, FaultReason, Steps } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import type { Access, AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, READ, USER_START, WRITE } from '../memory/layout.ts';
import { ARCH_ARM, type Engine, ERR_INSN_INVALID, HOOK_CODE, MODE_ARM, UnicornError } from './api.ts';
import { Unicorn } from './engine.ts';
import { CHUNK, CopiedMemory, type GuestMemory, SharedMemory } from './guest-memory.ts';
import { alignmentOf, isYield, svcNumber, trapNumber } from './instruction.ts';
import { PageTables, TABLES, TABLES_LENGTH } from './page-tables.ts';
import { type Accessed, MAX_COUNT, NOWHERE, Processor, STUBS } from './processor.ts';

/** QEMU's exception numbers (target/arm/cpu.h), which UC_HOOK_INTR reports. */
const EXCP = { svc: 2, prefetchAbort: 3, dataAbort: 4, bkpt: 7 } as const;

const INSTRUCTIONS_PER_FUEL = 8;
/** Instructions of runTo between two questions to hooks.preempt. */
const RUN_TO_COUNT = 100_000_000;

/** Why the library stopped. `slice`: instructions used up; `yield`: WFI or the like. */
type Event =
  | { kind: 'svc' | 'breakpoint' | 'undefined' | 'slice' | 'yield' }
  | { kind: 'fault'; address: number; access: Access; why: FaultReason };

const SVC: Event = { kind: 'svc' };
const BREAKPOINT: Event = { kind: 'breakpoint' };
const UNDEFINED: Event = { kind: 'undefined' };
const SLICE: Event = { kind: 'slice' };
const YIELD: Event = { kind: 'yield' };

export class UnicornBackend implements CpuBackend, Steps {
  readonly name: CpuName;
  readonly space: AddressSpace;
  readonly steps = this;
  readonly #hooks: CpuHooks;
  readonly #engine: Engine;
  readonly #memory: GuestMemory;
  readonly #tables: PageTables;
  readonly #processor: Processor;
  /**
   * Pages that an instruction in them writes to: executable and writable at once until the next hook, not marked CODE. The
   * library notices the guest's own writes to code; what the kernel writes is taken care of by forgetting their translations at
   * every hook.
   */
  readonly #selfModifying = new Set<number>();
  /** Threads inside run(), innermost last: a hook may run another thread. */
  readonly #running: CpuState[] = [];
  #closed = false;
  readonly #counting: boolean;

  /** `module`: makes an engine of unicorn.js; without it libunicorn is the engine. */
  constructor(space: AddressSpace, options: CpuOptions, module?: () => Engine) {
    this.space = space;
    this.#hooks = options.hooks;
    let engine: Engine;
    if (module === undefined) {
      const library = new Unicorn(ARCH_ARM, MODE_ARM);
      engine = library;
      this.name = 'unicorn';
      this.#tables = new PageTables(engine, space.pages.bytes);
      this.#memory = new SharedMemory(library, space.u8, [
        [TABLES, TABLES + TABLES_LENGTH],
        [STUBS, STUBS + CHUNK],
      ]);
    } else {
      engine = module();
      this.name = 'unicorn.js';
      this.#tables = new PageTables(engine, space.pages.bytes);
      this.#memory = new CopiedMemory(engine, space.u8, this.#tables, (begin, end) =>
        this.#processor.aside(() => this.#processor.stub('rewrite', begin, end)),
      );
    }
    this.#engine = engine;
    this.#processor = new Processor(engine, space.view);
    this.#tables.mapPrivileged(STUBS >>> PAGE_SHIFT);
    this.#counting = options.count === true;
    this.#processor.start(this.#counting);
    space.onInvalidate.push((start, length) => this.invalidate(start, length));
  }

  run(cpu: CpuState): void {
    this.#running.push(cpu);
    const before = this.#processor.instructions;
    try {
      while (this.#deliver(cpu, this.#slice(cpu)));
    } finally {
      this.#running.pop();
      if (this.#counting) addCount(cpu, this.#processor.instructions - before);
    }
  }

  stop(): void {
    const cpu = this.#running.at(-1);
    if (cpu !== undefined) cpu.fuel = 0;
  }

  invalidate(address: number, length: number): void {
    if (this.#closed) return;
    const last = (address + length - 1) >>> PAGE_SHIFT;
    for (let page = address >>> PAGE_SHIFT; page <= last; page++) this.#revokeExec(page);
  }

  close(): void {
    this.#closed = true;
    this.#engine.close();
  }

  stats(): CpuStats {
    return { instructions: this.#processor.instructions, regions: 0, modules: 0, compileMs: 0, wasmBytes: 0 };
  }

  /** As Steps; with those of an IT block after it that do nothing. */
  step(cpu: CpuState): boolean {
    return this.#within(cpu, () => {
      const event = this.#execute(cpu, 1);
      return event === SLICE || this.#deliver(cpu, event);
    });
  }

  runTo(cpu: CpuState, location: number, accept: () => boolean): boolean {
    const address = (location & ~1) >>> 0;
    const page = address >>> PAGE_SHIFT;
    let there = false;
    let first = cpu.location === location;
    const hook = this.#engine.hook_add(
      HOOK_CODE,
      (uc) => {
        if (first) {
          first = false;
          return;
        }
        this.#processor.registers.store(cpu);
        cpu.ru[15] = address;
        there = cpu.location === location && accept();
        if (there) uc.emu_stop();
      },
      undefined,
      address,
      address,
    );
    // A hook is seen by code that is translated while it is there, and by that code for ever.
    this.#dropCode(page);
    try {
      return this.#within(cpu, () => {
        for (;;) {
          const event = this.#execute(cpu, RUN_TO_COUNT);
          if (there) return true;
          if (event === SLICE) cpu.fuel = -1;
          if (!this.#deliver(cpu, event)) return false;
        }
      });
    } finally {
      this.#engine.hook_del(hook);
      this.#dropCode(page);
    }
  }

  #within(cpu: CpuState, body: () => boolean): boolean {
    this.#running.push(cpu);
    try {
      return body();
    } finally {
      this.#running.pop();
    }
  }

  // ---- from the state to an event and back ----

  #slice(cpu: CpuState): Event {
    const fuel = Math.max(cpu.fuel, 0);
    const event = this.#execute(cpu, Math.min((fuel + 1) * INSTRUCTIONS_PER_FUEL, MAX_COUNT));
    if (event === SLICE) cpu.fuel = -1;
    else if (event !== YIELD) cpu.fuel = Math.max(fuel - (fuel >> 3) - 1, 0);
    return event;
  }

  /** Runs from the state to the next event that is not a page to be brought in, and puts the state back. */
  #execute(cpu: CpuState, count: number): Event {
    for (const page of this.#selfModifying) this.#revokeExec(page);
    this.#selfModifying.clear();
    this.#tables.refresh((page) => this.#dropCode(page));
    this.#memory.enter();
    this.#loadExclusive(cpu);
    this.#processor.registers.load(cpu);
    let location = cpu.location;
    for (;;) {
      const event = this.#start(location, count);
      if (event === null) {
        location = this.#processor.location();
      } else {
        // WFE and YIELD report an invalid instruction with the PC past them, WFI nothing.
        const silent = event === SLICE || (event === UNDEFINED && this.#processor.location() !== location);
        const yielded = silent && this.#isBehindYield();
        this.#memory.leave();
        this.#processor.registers.store(cpu);
        if (!this.#engine.readsCoprocessors) cpu.u32[OFF.tpidrurw >> 2] = this.#processor.tpidrurw();
        return yielded ? YIELD : event;
      }
    }
  }

  /** One emu_start; null: a page has been brought in, go on at the engine's PC. */
  #start(location: number, count: number): Event | null {
    this.#processor.interrupt = -1;
    try {
      this.#engine.emu_start(location, NOWHERE, 0, count);
    } catch (error) {
      if (error instanceof UnicornError && error.code === ERR_INSN_INVALID) return UNDEFINED;
      throw error;
    }
    switch (this.#processor.interrupt) {
      case -1:
        return this.#processor.pc() === NOWHERE ? this.#fetch(NOWHERE) : SLICE;
      case EXCP.svc:
        return SVC;
      case EXCP.bkpt:
        return BREAKPOINT;
      case EXCP.prefetchAbort:
        return this.#prefetchAbort();
      case EXCP.dataAbort:
        return this.#dataAbort();
      default:
        return UNDEFINED;
    }
  }

  /** Calls the hook of an event; its answer. */
  #deliver(cpu: CpuState, event: Event): boolean {
    const hooks = this.#hooks;
    switch (event.kind) {
      case 'svc':
        return hooks.syscall(cpu, svcNumber(this.space.view, cpu.location));
      case 'breakpoint':
      case 'undefined':
        return hooks.trap(cpu, event.kind, trapNumber(this.space.view, cpu.location));
      case 'fault':
        return hooks.fault(cpu, event.address, event.access, event.why);
      case 'slice':
      case 'yield':
        return hooks.preempt(cpu);
    }
  }

  // ---- aborts ----

  #prefetchAbort(): Event | null {
    const pc = this.#processor.pc();
    const page = pc >>> PAGE_SHIFT;
    // Its first half is executable: a 32-bit Thumb instruction that reaches into the next page.
    if (this.#tables.granted[page]! & EXEC) return this.#fetch((page + 1) * PAGE_SIZE);
    return this.#fetch(pc);
  }

  #fetch(address: number): Event | null {
    const page = address >>> PAGE_SHIFT;
    const why = this.#bring(address, EXEC);
    if (why !== 'ok') return { kind: 'fault', address, access: EXEC, why };
    this.space.markCode(page);
    this.#tables.refresh((p) => this.#dropCode(p));
    this.#grant(page, READ | EXEC);
    return null;
  }

  #dataAbort(): Event | null {
    const accesses = this.#processor.probe();
    let helped = false;
    for (const accessed of accesses) {
      const event = this.#allow(accessed);
      if (typeof event === 'object') return event;
      helped ||= event;
    }
    if (helped) return null;
    // Nothing was wrong with the pages: it was the alignment.
    if (accesses.length === 0)
      throw new Error(`data abort without an access at ${this.#processor.pc().toString(16)}`);
    const { address, access } = accesses[0]!;
    return { kind: 'fault', address, access, why: 'align' };
  }

  /** Grants what the access needs; whether there was something to grant. */
  #allow({ address, size, access }: Accessed): Event | boolean {
    const { granted } = this.#tables;
    const pc = this.#processor.pc();
    // Alignment comes before the pages (ARM ARM B2.4.6).
    if (address & alignmentOf(this.space.view, this.#processor.location(), size))
      return { kind: 'fault', address, access, why: 'align' };
    let helped = false;
    const last = ((address + size - 1) >>> 0) >>> PAGE_SHIFT;
    for (let at = address; ; at = (at | PAGE_MASK) + 1) {
      const page = at >>> PAGE_SHIFT;
      const why = this.#bring(at, access);
      if (why !== 'ok') return { kind: 'fault', address: at, access, why };
      if (!(granted[page]! & access)) {
        // An instruction that writes to its own page would lose EXEC for WRITE and WRITE for EXEC for ever.
        const modifiesItself =
          access === WRITE && (page === pc >>> PAGE_SHIFT || page === (pc + 3) >>> PAGE_SHIFT);
        if (modifiesItself) this.#selfModifying.add(page);
        this.#grant(page, modifiesItself ? READ | WRITE | EXEC : READ | WRITE);
        helped = true;
      }
      if (page === last) return helped;
    }
  }

  /** Has the page of an address brought in if its byte withholds the access. */
  #bring(address: number, access: Access): FaultReason | 'ok' {
    if (this.space.pages.bytes[address >>> PAGE_SHIFT]! & access) return 'ok';
    this.#memory.leave();
    const why = this.space.fault(address, access);
    this.#memory.enter();
    return why;
  }

  #grant(page: number, wanted: number): void {
    this.#memory.bringIn(page);
    this.#tables.grant(page, wanted);
  }

  // ---- the engine ----

  #isBehindYield(): boolean {
    const pc = this.#processor.pc();
    if (pc < USER_START + 4 || !(this.space.pages.bytes[(pc - 2) >>> PAGE_SHIFT]! & EXEC)) return false;
    return isYield(this.space.view, this.#processor.location());
  }

  #revokeExec(page: number): void {
    if (!(this.#tables.granted[page]! & EXEC)) return;
    this.#dropCode(page);
    this.#tables.revokeExec(page);
  }

  /** Drops the translations of a page that has EXEC. */
  #dropCode(page: number): void {
    if (!(this.#tables.granted[page]! & EXEC)) return;
    this.#memory.dropCode(page);
  }

  /** Arms or clears the library's monitor as the state says. Registers are clobbered. */
  #loadExclusive(cpu: CpuState): void {
    const w = cpu.i32;
    const address = cpu.u32[OFF.exAddress >> 2]!;
    const size = w[OFF.exSize >> 2]!;
    const low = w[OFF.exLow >> 2]!;
    const { view, pages } = this.space;
    let armed = w[OFF.exArmed >> 2] !== 0 && (pages.bytes[address >>> PAGE_SHIFT]! & READ) !== 0;
    // The library takes the value that is there now for the one LDREX saw.
    if (armed && size === 8) armed = view.getInt32(address + 4, true) === w[OFF.exHigh >> 2];
    if (armed && size >= 4) armed = view.getInt32(address, true) === low;
    if (armed && size === 2) armed = view.getUint16(address, true) === (low & 0xffff);
    if (armed && size === 1) armed = view.getUint8(address) === (low & 0xff);
    if (!armed) {
      this.#processor.stub('clearExclusive');
      return;
    }
    this.#grant(address >>> PAGE_SHIFT, READ);
    this.#processor.stub(
      size === 8 ? 'ldrexd' : size === 2 ? 'ldrexh' : size === 1 ? 'ldrexb' : 'ldrex',
      0,
      address,
    );
  }
}

/** Adds to the 64-bit count of a thread. */
function addCount(cpu: CpuState, n: number): void {
  const { u32 } = cpu;
  const low = u32[OFF.icount >> 2]! + n;
  u32[OFF.icount >> 2] = low; // modulo 2^32
  u32[(OFF.icount >> 2) + 1]! += Math.floor(low / 0x1_0000_0000);
}
