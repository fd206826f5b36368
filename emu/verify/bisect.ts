/**
 * A slice of a program has ended differently on two CPUs: finds the short stretch of code in which they part, and tells it
 * instruction by instruction.
 *
 * The first CPU can be stopped after any number of taken branches (fuel); the second is led to the same place, which is known by
 * its registers. So the longest agreeing prefix is found by bisection, each probe from the slice's start. Probes assume that the
 * first CPU does the same again; a difference that depends on what happened to be compiled may not come again, and the report
 * says so.
 */
import { CpuState } from '../cpu-state.ts';
import { disassemble } from '../decode/disassemble.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { STATE_SIZE } from '../memory/layout.ts';
import {
  type Difference,
  endDifferences,
  hex,
  insnAt,
  memoryDifferences,
  registerDifferences,
  sameMemory,
  samePlace,
} from './compare.ts';
import type { Images, PageLog } from './page-log.ts';
import { type Replica, type SyncEvent, sameEvent } from './replica.ts';

export interface Slice {
  readonly space: AddressSpace;
  readonly log: PageLog;
  readonly first: Replica;
  readonly second: Replica;
  /** State at the slice's beginning. */
  readonly start: CpuState;
  /** States to work in. */
  readonly a: CpuState;
  readonly b: CpuState;
}

const MOST_STEPS = 20_000;
const TOLD_STEPS = 48;

/**
 * Milliseconds the second CPU may look for the place the first is at after `fuel` taken branches: each of them may be a visit of
 * that place.
 */
export function searchTime(fuel: number): number {
  return 1000 + fuel * 0.02;
}

/** The answer to hooks.preempt of a CPU that is to run on until a time. */
export function refillUntil(end: number): (cpu: CpuState) => boolean {
  return (cpu) => {
    cpu.fuel = 1_000_000;
    return performance.now() < end;
  };
}

/** The report of the difference, many lines; null when run again in pieces the slice does not differ. */
export function bisect(slice: Slice): string | null {
  // The fuel of the longest prefix known to agree (-1: nothing run), and of the shortest known to differ.
  let good = -1;
  let bad = 0;
  for (;;) {
    const probe = probeAt(slice, bad);
    if (!probe.agree) break;
    if (probe.event.kind !== 'slice') return null;
    good = bad;
    bad = bad * 2 + 1;
  }
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (probeAt(slice, middle).agree) good = middle;
    else bad = middle;
  }
  return stretch(slice, good, bad);
}

/**
 * The first CPU from the slice's start until its fuel is used up or an event comes: state in `a`; the memory is as before again.
 */
function runFirst({ log, first, a, start }: Slice, fuel: number): { event: SyncEvent; images: Images } {
  log.undo();
  a.copyFrom(start);
  a.fuel = fuel;
  const event = first.run(a);
  const images = log.images();
  log.undo();
  return { event, images };
}

/**
 * Leads the second CPU from the slice's start to the place of `at` with that memory (state in `b`); the event it came to instead,
 * or null.
 */
function leadSecond(slice: Slice, at: CpuState, images: Images, fuel: number): SyncEvent | null {
  const { second, b, start, log, space } = slice;
  b.copyFrom(start);
  const same = () => samePlace(at, b) && sameMemory(space, images, log.before);
  // Compiled code may use up its fuel before its first instruction.
  if (same()) return null;
  const refill = refillUntil(performance.now() + searchTime(fuel));
  return second.runTo(b, at.location, same, () => refill(b));
}

/** Runs a prefix on both CPUs. */
function probeAt(slice: Slice, fuel: number): { event: SyncEvent; agree: boolean } {
  const { second, a, b, start, log, space } = slice;
  const { event, images } = runFirst(slice, fuel);
  if (event.kind === 'slice') return { event, agree: leadSecond(slice, a, images, fuel) === null };
  b.copyFrom(start);
  b.fuel = 0;
  const other = second.run(b, refillUntil(performance.now() + searchTime(fuel)));
  const differences = endDifferences(space, a, b, event, images, log.before);
  return { event, agree: sameEvent(event, other) && differences.length === 0 };
}

/**
 * Tells the stretch between two prefixes: what the second CPU does in it, and how the two differ when the second comes to where
 * the first stopped.
 */
function stretch(slice: Slice, good: number, bad: number): string {
  const { log, first, second, a, b, start, space } = slice;
  const begin = new CpuState(new SharedArrayBuffer(STATE_SIZE), 0);
  const prefix = good >= 0 ? runFirst(slice, good).images : new Map();
  begin.copyFrom(good >= 0 ? a : start);
  const { event, images } = runFirst(slice, bad);
  leadSecond(slice, begin, prefix, good);
  const steps: string[] = [];
  let other: SyncEvent | null = null;
  for (let n = 0; n < MOST_STEPS && other === null; n++) {
    const text = disassembleAt(space, b);
    begin.copyFrom(b);
    other = second.step(b);
    const changes = registerDifferences(b, begin).filter((d) => d.what !== 'pc');
    steps.push(`  ${text.padEnd(48)} ${changes.map((d) => `${d.what}=${d.first}`).join(' ')}`.trimEnd());
    if (b.location === a.location && event.kind === 'slice') break;
  }
  const cut = Math.max(steps.length - TOLD_STEPS, 0);
  const came = (replica: Replica, e: SyncEvent | null, cpu: CpuState) =>
    `  ${replica.name.padEnd(8)} comes to ${hex(cpu.location)}${e === null || e.kind === 'slice' ? '' : `, ${describe(e)}`}`;
  const differences = [...registerDifferences(a, b), ...memoryDifferences(space, images, log.before)];
  return [
    `They part after ${good + 1} taken branches, in these instructions`,
    `(as run by ${second.name}, with the registers they change):`,
    ...(cut > 0 ? [`  (${cut} instructions)`] : []),
    ...steps.slice(cut),
    came(first, event, a),
    came(second, other, b),
    ...tell(differences, first.name, second.name),
  ].join('\n');
}

function disassembleAt(space: AddressSpace, cpu: CpuState): string {
  const pc = cpu.ru[15]!;
  const address = hex(pc);
  const insn = insnAt(space, cpu);
  if (insn === null) return `${address}  ?`;
  const bits = insn.bits.toString(16).padStart(insn.size * 2, '0');
  return `${address}  ${bits.padEnd(8)}  ${disassemble(insn, pc).replaceAll('\t', ' ')}`;
}

export function describe(event: SyncEvent): string {
  switch (event.kind) {
    case 'fault':
      return `fault (${['', 'read', 'write', '', 'execute'][event.access]} of ${hex(event.address)}, ${event.why})`;
    case 'syscall':
      return `svc ${event.imm}`;
    case 'undefined':
    case 'breakpoint':
      return `${event.kind} instruction`;
    default:
      return event.kind;
  }
}

/** Differences as lines. */
export function tell(differences: readonly Difference[], first: string, second: string): string[] {
  return differences.map((d) => `  ${d.what.padEnd(12)} ${first} ${d.first}   ${second} ${d.second}`);
}
