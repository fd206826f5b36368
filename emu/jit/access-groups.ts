/**
 * Finds out which accesses of a region need no page test of their own, because one before them has tested what they touch:
 * accesses that go to fixed distances from one value (stack slots, fields of a structure, a copy unrolled).
 *
 * Registers are followed symbolically through the region: each holds an unknown value plus a known distance. The first access of
 * a group tests everything from the lowest to the highest byte that the group will touch, at both ends: what the rest of its
 * block touches, and a little more of what only blocks behind it do. When that fails, the evaluator takes over at that
 * instruction: it tests access by access and so finds the one that really faults.
 *
 * What has been tested stays accessible until other code runs (a call, an SVC). Where anything else takes access away, compiled
 * code is left (`revocationEpoch` in backend.ts).
 */

import { ALWAYS } from '../machine/machine.ts';
import { WRITE } from '../memory/layout.ts';
import { REG_MASK } from './convention.ts';
import { dominates } from './graph.ts';
import type { Block, Region } from './region.ts';

const REGISTERS = 15;

/** What is known to be tested when an instruction begins, or is to be tested there. */
export interface AccessPlan {
  /** The instruction's access needs no page test of its own. */
  readonly tested: boolean;
  /** Test this first: bytes from register + offset on, for the kinds of access in the mask. */
  readonly test: {
    readonly register: number;
    readonly offset: number;
    readonly length: number;
    /** READ or WRITE. */
    readonly kind: number;
  } | null;
}

/** The longest range that one test covers, in bytes; `check` is told the length in eight bits. */
const MAX_RANGE = 255;
/** The same where it is not certain that all of it will be touched. */
const MAX_AHEAD = 64;

/** An access as a range of distances from a value. */
interface Place {
  readonly block: Block;
  readonly step: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly kind: number;
  /** It is certainly made when its block runs. */
  readonly always: boolean;
  readonly register: number;
  /** Distance of the register from the value. */
  readonly distance: number;
}

/** A range of distances from a value that has been tested: for READ, or for WRITE and so for both. */
interface Fact {
  readonly low: number;
  readonly high: number;
  readonly kind: number;
}

/** What each register holds: a value plus a distance. */
interface Registers {
  readonly value: number[];
  readonly distance: number[];
}

const SEPARATE: AccessPlan = { tested: false, test: null };
const TESTED: AccessPlan = { tested: true, test: null };
/** Whether a test for one kind of access does for another: pages that can be written can be read (page-table.ts). */
const allows = (tested: number, kind: number) => tested === WRITE || tested === kind;

/**
 * The plans of the steps of each block: of one block at a time, or for a region with much time of all together. `ahead` says of
 * an instruction's location whether it may test what only blocks behind it touch.
 */
export function planAccesses(
  { blocks, isOptimized }: Region,
  ahead: (location: number) => boolean,
): Map<Block, AccessPlan[]> {
  const places = new PlaceFinder(blocks, isOptimized).places;
  const byValue = new Map<number, Place[]>();
  for (const list of places.values())
    for (const p of list) {
      const known = byValue.get(p.value);
      if (known === undefined) byValue.set(p.value, [p]);
      else known.push(p);
    }
  const plans = new Map<Block, AccessPlan[]>();
  const factsAfter = new Map<Block, Map<number, Fact[]>>();
  const calling = isOptimized ? loopsThatCall(blocks) : new Set<Block>();
  for (const b of blocks) {
    const facts = isOptimized && !calling.has(b) ? factsBefore(b, factsAfter) : new Map<number, Fact[]>();
    const plan: AccessPlan[] = new Array(b.steps.length).fill(SEPARATE);
    for (const p of places.get(b)!) {
      const known = facts.get(p.value) ?? [];
      if (known.some((f) => covers(f, p))) {
        plan[p.step] = TESTED;
        continue;
      }
      if (!p.always) continue;
      const fact = group(p, byValue.get(p.value)!, ahead(b.call.locationOf(b.steps[p.step]!.pc)));
      facts.set(p.value, [...known, fact]);
      const { low, high, kind } = fact;
      if (low === p.low && high === p.high && kind === p.kind) continue; // its own test does
      const test = { register: p.register, offset: low - p.distance, length: high - low, kind };
      plan[p.step] = { tested: true, test };
    }
    plans.set(b, plan);
    factsAfter.set(b, facts);
  }
  return plans;
}

function covers(tested: Fact, { low, high, kind }: Fact): boolean {
  return tested.low <= low && high <= tested.high && allows(tested.kind, kind);
}

/** What the first access of a group is to test. */
function group(first: Place, places: readonly Place[], ahead: boolean): Fact {
  let { low, high, kind } = first;
  const extend = (p: Place, limit: number) => {
    if (Math.max(high, p.high) - Math.min(low, p.low) > limit) return;
    low = Math.min(low, p.low);
    high = Math.max(high, p.high);
    if (p.kind === WRITE) kind = WRITE;
  };
  for (const p of places)
    if (p.block === first.block && p.step > first.step && p.always) extend(p, MAX_RANGE);
  if (ahead)
    for (const p of places)
      if (p.block !== first.block && allows(kind, p.kind) && dominates(first.block, p.block))
        extend(p, MAX_AHEAD);
  return { low, high, kind };
}

/** Facts that hold on all ways to a block. */
function factsBefore(b: Block, factsAfter: ReadonlyMap<Block, Map<number, Fact[]>>): Map<number, Fact[]> {
  const before = b.preds.filter((p) => p.order < b.order);
  const facts = new Map<number, Fact[]>();
  if (before.length === 0 || before.some((p) => p.after === b)) return facts;
  const [first, ...others] = before.map((p) => factsAfter.get(p)!);
  for (const [value, list] of first!) {
    const common = list.filter((fact) => others.every((o) => o.get(value)?.some((f) => covers(f, fact))));
    if (common.length > 0) facts.set(value, common);
  }
  return facts;
}

/** The headers of loops in which other code runs. */
function loopsThatCall(blocks: readonly Block[]): Set<Block> {
  const headers = new Set<Block>();
  for (const b of blocks)
    if (b.after !== undefined) for (let at = b.loop; at !== undefined; at = at.outerLoop) headers.add(at);
  return headers;
}

/** To be filled in. */
const noRegisters = (): Registers => ({
  value: new Array(REGISTERS).fill(-1),
  distance: new Array(REGISTERS).fill(0),
});

/** Follows what the registers hold from block to block, and finds the accesses. */
class PlaceFinder {
  readonly places = new Map<Block, Place[]>();
  readonly #after = new Map<Block, Registers>();
  /** By header: registers that hold other values in the next iteration. */
  readonly #changed = new Map<Block, number>();
  #values = 0;

  constructor(blocks: readonly Block[], across: boolean) {
    if (!across) {
      const registers = noRegisters();
      for (const b of blocks) {
        this.#forget(registers, REG_MASK);
        this.places.set(b, this.#follow(b, registers));
      }
      return;
    }
    for (const b of blocks) {
      const changed = b.writes | (b.after === undefined ? 0 : b.end === 'svc' ? 1 : REG_MASK);
      for (let at = b.loop; at !== undefined; at = at.outerLoop)
        this.#changed.set(at, (this.#changed.get(at) ?? 0) | changed);
    }
    for (const b of blocks) {
      const registers = this.#before(b);
      this.places.set(b, this.#follow(b, registers));
      this.#after.set(b, registers);
    }
  }

  #forget({ value, distance }: Registers, mask: number): void {
    for (let r = 0; r < REGISTERS; r++)
      if (mask & (1 << r)) {
        value[r] = this.#values++;
        distance[r] = 0;
      }
  }

  #before(b: Block): Registers {
    const registers = noRegisters();
    const before = b.preds.filter((p) => p.order < b.order);
    let unknown = before.length === 0 ? REG_MASK : 0;
    before.forEach((p, i) => {
      if (p.after === b) unknown |= p.end === 'svc' ? 1 : REG_MASK;
      const { value, distance } = this.#after.get(p)!;
      for (let r = 0; r < REGISTERS; r++) {
        if (i === 0) {
          registers.value[r] = value[r]!;
          registers.distance[r] = distance[r]!;
        } else if (registers.value[r] !== value[r] || registers.distance[r] !== distance[r])
          unknown |= 1 << r;
      }
    });
    this.#forget(registers, unknown | (this.#changed.get(b) ?? 0));
    return registers;
  }

  #follow(block: Block, registers: Registers): Place[] {
    const { value, distance } = registers;
    const places: Place[] = [];
    block.steps.forEach(({ insn, effects }, step) => {
      const always = insn.cond === ALWAYS;
      const { access, sums } = effects;
      if (access !== null) {
        const { register, length, kind } = access;
        const low = distance[register]! + access.offset;
        places.push({
          ...{ block, step, kind, always, register },
          ...{ value: value[register]!, distance: distance[register]!, low, high: low + length },
        });
      }
      const known = sums.map(({ from, plus }) => [value[from]!, distance[from]! + plus] as const);
      this.#forget(registers, effects.writes | effects.mayWrite);
      sums.forEach(({ to }, i) => {
        [value[to], distance[to]] = known[i]! as [number, number];
      });
    });
    return places;
  }
}
