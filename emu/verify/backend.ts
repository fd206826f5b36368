/**
 * Two CPUs in lockstep over one program: the first runs it, the second (unicorn or interp) runs the same stretches, and at every
 * system call, fault and trap all registers and all memory written must agree. The first difference ends the run with a
 * VerifyMismatch that tells where.
 *
 * Both work on the same memory. Of each slice (from one event to the next) the first CPU's writes are logged and taken back, then
 * the second runs the slice from the same state, and what it leaves is compared with what the first left. So the kernel sees each
 * event once, and its own writes need no copying. Pages brought in by the first stay for the second, which is why demand paging
 * goes unseen.
 *
 * Time slices end only where both CPUs can: at an event; or, when there is none for long, where the fuel of the first is used up,
 * to where the second is led by the registers it must have there.
 */
import type { BackendFactory } from '../backend.ts';
import type { CpuBackend, CpuHooks, CpuName, CpuOptions, CpuStats } from '../cpu.ts';
import { CpuState } from '../cpu-state.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { bisect, describe, refillUntil, tell } from './bisect.ts';
import { type Difference, endDifferences, hex, sameMemory, samePlace } from './compare.ts';
import { PageLog } from './page-log.ts';
import { Replica, type SyncEvent, sameEvent } from './replica.ts';

/** The CPUs differ; the message is the report, many lines. */
export class VerifyMismatch extends Error {
  constructor(report: string) {
    super(report);
    this.name = 'VerifyMismatch';
  }
}

/** Taken branches after which the first CPU is stopped without an event. */
const LONGEST_SLICE = 300_000;
/** Milliseconds the second CPU may take for a slice. */
const SECOND_MS = 15_000;
/** Milliseconds after which an event ends the kernel's time slice. */
const TIME_SLICE = 8;

export class VerifyBackend implements CpuBackend {
  readonly space: AddressSpace;
  readonly #hooks: CpuHooks;
  readonly #first: Replica;
  readonly #second: Replica;
  readonly #log: PageLog;
  /** State blocks of ours: the second CPU's, the slice's start, and one for bisecting. */
  readonly #blocks: number[];
  readonly #other: CpuState;
  readonly #start: CpuState;
  readonly #spare: CpuState;
  #stopping = false;

  constructor(space: AddressSpace, options: CpuOptions, first: BackendFactory, second: BackendFactory) {
    this.space = space;
    this.#hooks = options.hooks;
    this.#log = new PageLog(space);
    this.#first = new Replica(space, first, options.count === true);
    this.#second = new Replica(space, second, false);
    if (this.#second.steps === null)
      throw new Error(`${this.#second.name} cannot be the second CPU of a verification`);
    this.#blocks = [space.allocateState(), space.allocateState(), space.allocateState()];
    const states = this.#blocks.map((base) => new CpuState(space.buffer, base));
    this.#other = states[0]!;
    this.#start = states[1]!;
    this.#spare = states[2]!;
  }

  get name(): CpuName {
    return this.#first.backend.name;
  }

  run(cpu: CpuState): void {
    let sliceEnd = performance.now() + TIME_SLICE;
    for (;;) {
      const event = this.#slice(cpu);
      if (!this.#deliver(cpu, event)) return;
      if (!this.#stopping && performance.now() < sliceEnd) continue;
      this.#stopping = false;
      cpu.fuel = -1;
      if (!this.#hooks.preempt(cpu)) return;
      sliceEnd = performance.now() + TIME_SLICE;
    }
  }

  stop(): void {
    this.#stopping = true;
  }

  invalidate(address: number, length: number): void {
    this.#first.backend.invalidate(address, length);
    this.#second.backend.invalidate(address, length);
  }

  close(): void {
    this.#first.backend.close();
    this.#second.backend.close();
    this.#log.close();
    for (const base of this.#blocks) this.space.freeState(base);
  }

  stats(): CpuStats {
    return this.#first.backend.stats();
  }

  /** Runs one slice on both CPUs; the event they agree on, with the state in `cpu` and the memory as both left it. */
  #slice(cpu: CpuState): SyncEvent {
    const { space } = this;
    const first = this.#first;
    const second = this.#second;
    const other = this.#other;
    const start = this.#start;
    const log = this.#log;
    start.copyFrom(cpu);
    log.begin();
    cpu.fuel = LONGEST_SLICE;
    const event = first.run(cpu);
    const images = log.images();
    log.undo();
    other.copyFrom(start);
    other.fuel = 0;
    const refill = refillUntil(performance.now() + SECOND_MS);
    let reached: SyncEvent;
    if (event.kind === 'slice') {
      const same = () => samePlace(cpu, other) && sameMemory(space, images, log.before);
      reached = second.runTo(other, cpu.location, same, () => refill(other)) ?? event;
    } else reached = second.run(other, refill);
    const differences = reached === event ? [] : endDifferences(space, cpu, other, event, images, log.before);
    if (!sameEvent(event, reached) || differences.length > 0) {
      this.#mismatch(cpu, event, reached, differences);
      log.undo(); // only too slow, it seems
    }
    // The first CPU's result stands.
    for (const [page, image] of images) log.put(page, image);
    log.end();
    return event;
  }

  /** Throws VerifyMismatch; returns when the second CPU has merely not come to the end in its time. */
  #mismatch(cpu: CpuState, event: SyncEvent, reached: SyncEvent, differences: readonly Difference[]): void {
    const { space } = this;
    const first = this.#first;
    const second = this.#second;
    const start = this.#start;
    const log = this.#log;
    const spare = this.#spare;
    const other = this.#other;
    const [a, b] = [first.name, second.name];
    const place = (location: number) => {
      const vma = space.find(location);
      const file = vma && `${vma.name || 'anonymous'} + ${(location - vma.start + vma.offset).toString(16)}`;
      return `${hex(location)}${file ? ` (${file})` : ''}`;
    };
    const seen = [
      `${a} and ${b} differ.`,
      `From ${place(start.location)}`,
      `  ${a.padEnd(8)} comes to ${describe(event)} at ${place(cpu.location)}`,
      `  ${b.padEnd(8)} comes to ${describe(reached)} at ${place(other.location)}`,
      ...tell(differences, a, b),
    ];
    const bisected = bisect({ space, log, first, second, start, a: spare, b: other });
    if (bisected === null && reached.kind === 'slice') {
      console.error(
        `armrun: verify: ${b} took too long from ${place(start.location)} on; this stretch is not compared`,
      );
      return;
    }
    log.end();
    seen.push(
      '',
      bisected ?? 'Run again in pieces the stretch does not differ: it depends on what was compiled when.',
    );
    throw new VerifyMismatch(seen.join('\n'));
  }

  #deliver(cpu: CpuState, event: SyncEvent): boolean {
    const hooks = this.#hooks;
    switch (event.kind) {
      case 'syscall':
        return hooks.syscall(cpu, event.imm);
      case 'fault':
        return hooks.fault(cpu, event.address, event.access, event.why);
      case 'undefined':
      case 'breakpoint':
        return hooks.trap(cpu, event.kind, event.imm);
      case 'yield':
        cpu.fuel = 0;
        return hooks.preempt(cpu);
      case 'slice':
        cpu.fuel = -1;
        return hooks.preempt(cpu);
    }
  }
}
