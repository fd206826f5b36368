/**
 * A slice of a program has ended differently on two CPUs: finds the short stretch of code in which they part, and tells it instruction by instruction.
 *
 * The first CPU can be stopped after any number of taken branches (fuel); the second is led to the same place, which is found by its registers. So the
 * longest agreeing prefix is found by bisection, each probe from the slice's start. Probes assume that the first CPU does the same again; a difference that
 * depends on what happened to be compiled may not come again, and the report says so.
 */
import type { CpuState } from '../cpu-state.ts';
import { decodeA32, decodeThumb } from '../decode/decoder.ts';
import { disassemble } from '../decode/disassemble.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_SHIFT } from '../memory/layout.ts';
import { type Difference, hex, memoryDifferences, registerDifferences, sameRegisters } from './compare.ts';
import type { Images, PageLog } from './page-log.ts';
import { type Side, type SyncEvent, sameEvent } from './side.ts';

/** What a prefix of the slice came to on both sides. */
interface Probe {
  event: SyncEvent;
  /** Null: both were in the same state (perhaps the second has been there before its end). */
  second: SyncEvent | 'there' | 'nowhere';
  differences: Difference[];
  /** Where the first CPU was. */
  location: number;
}

export interface Slice {
  readonly space: AddressSpace;
  readonly log: PageLog;
  readonly first: Side;
  readonly second: Side;
  /** State at the slice's beginning. */
  readonly start: CpuState;
  /** Scratch states. */
  readonly a: CpuState;
  readonly b: CpuState;
  /** Fuel the first CPU used for the whole slice. */
  readonly fuel: number;
}

/** Milliseconds the second CPU may look for the place the first is at. */
const SEARCH_MS = 20_000;
const MOST_STEPS = 20_000;
const TOLD_STEPS = 48;

/** The report of the difference, many lines. `seen` is what was found at the slice's end. */
export function narrow(slice: Slice, seen: readonly string[]): string {
  const lines = [...seen, ''];
  // The fuel of the longest prefix known to agree (-1: nothing run), of the shortest known to differ.
  let good = -1;
  let bad = -1;
  let found: Probe | null = null;
  for (let fuel = 0; ; fuel = fuel * 2 + 1) {
    const probe = probeAt(slice, fuel);
    if (probe.differences.length > 0) {
      [bad, found] = [fuel, probe];
      break;
    }
    good = fuel;
    if (probe.event.kind !== 'slice') break;
  }
  if (found === null) {
    lines.push(
      'Run again from its start in smaller pieces, the slice does not differ: it depends on what is compiled.',
    );
    return lines.join('\n');
  }
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    const probe = probeAt(slice, middle);
    if (probe.differences.length > 0) [bad, found] = [middle, probe];
    else good = middle;
  }
  const { first, second } = slice;
  lines.push(`They part after ${good + 1} taken branches, before branch ${bad + 1}:`);
  lines.push(`  ${first.name.padEnd(8)} ${describe(found.event)} at ${hex(found.location)}`);
  if (found.second !== 'there') {
    const text =
      found.second === 'nowhere'
        ? `never comes to ${hex(found.location)} with these registers`
        : describe(found.second);
    lines.push(`  ${second.name.padEnd(8)} ${text}`);
  }
  lines.push(...tell(found.differences, first.name, second.name), '');
  lines.push(`What ${second.name} runs there (registers: new values):`);
  lines.push(...trace(slice, good, found.location));
  return lines.join('\n');
}

/** Runs a prefix on both CPUs from the slice's start. */
function probeAt(slice: Slice, fuel: number): Probe {
  const { log, first, second, a, b, start, space } = slice;
  log.undo();
  a.copyFrom(start);
  a.fuel = fuel;
  const event = first.run(a);
  const images = log.images();
  log.undo();
  b.copyFrom(start);
  const location = a.location;
  const probe: Probe = { event, second: 'there', differences: [], location };
  if (event.kind === 'slice') {
    const end = performance.now() + SEARCH_MS;
    const other = second.runTo(
      b,
      location,
      () => sameRegisters(a, b),
      () => refill(b, end),
    );
    if (other !== null) probe.second = other.kind === 'slice' ? 'nowhere' : other;
  } else {
    const end = performance.now() + SEARCH_MS;
    b.fuel = 1_000_000;
    probe.second = second.run(b, () => refill(b, end));
    if (sameEvent(event, probe.second)) probe.second = 'there';
  }
  probe.differences = differencesOf(slice, images, space);
  if (probe.second !== 'there' && probe.differences.length === 0) {
    probe.differences.push({ what: 'event', first: describe(event), second: String(probe.second) });
  }
  return probe;
}

function refill(cpu: CpuState, end: number): boolean {
  if (performance.now() > end) return false;
  cpu.fuel = 1_000_000;
  return true;
}

function differencesOf({ a, b, log }: Slice, images: Images, space: AddressSpace): Difference[] {
  return [...registerDifferences(a, b), ...memoryDifferences(space, images, log.before)];
}

/** Leads the second CPU to the end of the agreeing prefix and lists what it does from there. */
function trace(slice: Slice, good: number, until: number): string[] {
  const { log, first, second, a, b, start, space } = slice;
  log.undo();
  a.copyFrom(start);
  if (good >= 0) {
    a.fuel = good;
    first.run(a);
    log.undo();
  }
  b.copyFrom(start);
  if (good >= 0) {
    const end = performance.now() + SEARCH_MS;
    const lost = second.runTo(
      b,
      a.location,
      () => sameRegisters(a, b),
      () => refill(b, end),
    );
    if (lost !== null) return ['  (its beginning is not found again)'];
  }
  const lines: string[] = [];
  for (let n = 0; n < MOST_STEPS; n++) {
    const text = disassembleAt(space, b);
    a.copyFrom(b);
    const event = second.step(b);
    const changes = registerDifferences(b, a).filter((d) => d.what !== 'pc');
    lines.push(`  ${text.padEnd(48)} ${changes.map((d) => `${d.what}=${d.first}`).join(' ')}`.trimEnd());
    if (event !== null) {
      lines.push(`  ${describe(event)}`);
      break;
    }
    if (b.location === until) break;
  }
  const cut = lines.length - TOLD_STEPS;
  return cut > 0 ? [`  (${cut} instructions before)`, ...lines.slice(cut)] : lines;
}

function disassembleAt(space: AddressSpace, cpu: CpuState): string {
  const pc = cpu.ru[15]!;
  const { view, pages } = space;
  if (!(pages.bytes[pc >>> PAGE_SHIFT]! & EXEC)) return `${hex(pc)}  ?`;
  const it = ((cpu.cpsr >>> 25) & 3) | ((cpu.cpsr >>> 8) & 0xfc);
  const insn =
    cpu.location & 1
      ? decodeThumb(view.getUint16(pc, true), view.getUint16(pc + 2, true), pc, it)
      : decodeA32(view.getUint32(pc, true), pc);
  const bits = insn.bits
    .toString(16)
    .padStart(insn.size * 2, '0')
    .padEnd(8);
  return `${hex(pc)}  ${bits}  ${disassemble(insn).replaceAll('\t', ' ')}`;
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
