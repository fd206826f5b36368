/**
 * Regions: the control flow reachable from an entry by direct branches, as basic blocks, with the data flow that the compiler
 * needs.
 *
 * Calls are assumed to return behind themselves. A block ends at a branch, a call, an SVC, or before the target of a branch; what
 * is not decodable or over the limit becomes an edge out of the region.
 *
 * A function that is called may be inlined: its blocks, once more for each such call, are an InlinedCall of the region. Its
 * returns are edges to what is behind the call, for the case that they do go there.
 */
import type { Insn } from '../decode/row.ts';
import type { Branch, Effects as InsnEffects } from '../evaluator/effects.ts';
import { dataFlow } from './data-flow.ts';
import { classifyEdges, dominators, findLoops, nest, orderBlocks, successors } from './graph.ts';
import { type JumpTable, jumpTable } from './jump-table.ts';

/** What one instruction does, as masks over VAR of convention.ts. */
export interface Effects {
  readonly reads: number;
  /** Certainly written. */
  readonly writes: number;
  /** Perhaps written (condition, `when`). */
  readonly mayWrite: number;
  /** May fault or be restarted: registers must be exact. */
  readonly memory: boolean;
  readonly access: InsnEffects['access'];
  readonly sums: InsnEffects['sums'];
  readonly compares: InsnEffects['compares'];
  /** Branches it may make. */
  readonly branch: Branch | null;
  readonly trap: 'svc' | 'undefined' | 'breakpoint' | null;
  /** Runs or branches under a condition: what follows may be reached. */
  readonly conditional: boolean;
}

export interface Step {
  readonly insn: Insn;
  /** Its address. */
  readonly pc: number;
  readonly effects: Effects;
}

/** How control leaves a block. */
export type BlockEnd =
  /** Goes on at the next block. */
  | 'fall'
  /** The last instruction branches (jump, return or call). */
  | 'branch'
  | 'svc'
  /** The last instruction traps, or cannot be compiled: the evaluator has it from there. */
  | 'leave';

/**
 * A call whose function is compiled in its place, or (the root) that of the region itself: the function's blocks for this call.
 * It has one instruction set.
 */
export class InlinedCall {
  /** Address of its first instruction. */
  readonly start: number;
  readonly thumb: boolean;
  /** The one that it is called from; null for the root. */
  readonly parent: InlinedCall | null;
  /** Where it is expected to return to; 0 for the root. */
  readonly returnTo: number;
  /** The block there. */
  after: Block | undefined;
  readonly blockAt = new Map<number, Block>();
  /** Position in Region.inlinedCalls: that of the parent is lower. */
  readonly index: number;

  constructor(
    location: number,
    index: number,
    parent: InlinedCall | null,
    returnTo: number,
    after: Block | undefined,
  ) {
    this.start = (location & ~1) >>> 0;
    this.thumb = (location & 1) === 1;
    this.index = index;
    this.parent = parent;
    this.returnTo = returnTo;
    this.after = after;
  }

  locationOf(address: number): number {
    return (address | (this.thumb ? 1 : 0)) >>> 0;
  }

  /** Its block at a location, if there is one. */
  at(location: number): Block | undefined {
    return (location & 1) === (this.thumb ? 1 : 0) ? this.blockAt.get((location & ~1) >>> 0) : undefined;
  }

  /** How many calls deep it is. */
  get depth(): number {
    return this.parent === null ? 0 : this.parent.depth + 1;
  }

  /** How many calls of the function at an address are around it, itself included. */
  copies(start: number): number {
    return (this.start === start ? 1 : 0) + (this.parent?.copies(start) ?? 0);
  }
}

export class Block {
  /** What it is a block of. */
  readonly call: InlinedCall;
  readonly start: number;
  readonly steps: Step[] = [];
  /** Variables that its instructions write, or perhaps do. */
  writes = 0;
  end: BlockEnd = 'fall';
  /** Address behind the last instruction. */
  next = 0;
  /** Blocks reached inside the region by jumps or by falling through, not counting returns from calls. */
  succ: Block[] = [];
  /** One that is reached in two ways: by a conditional jump to the next instruction. */
  repeated: Block | undefined;
  /** The first blocks of the inlined calls that the last instruction goes over to. */
  callees: Block[] = [];
  /**
   * Where control goes on with all of the state in the state block: the block that a call returns to, or that an SVC goes on at;
   * what is behind the inlined call when it is left by a jump to code outside the region.
   */
  after: Block | undefined;
  /** The switch that the last instruction is. */
  table: JumpTable | null = null;
  /** Where the last instruction, an indirect jump, has been seen to go. */
  guesses: Block[] = [];
  preds: Block[] = [];
  /** Position in reverse postorder. */
  order = -1;
  idom: Block | undefined;
  /** Those of which it is the immediate dominator, but for ways out of a loop that it is in. */
  children: Block[] = [];
  loopHeader = false;
  /** Header of the innermost loop that it is in (its own, for a header). */
  loop: Block | undefined;
  /** Of a header: of the loop around its own. */
  outerLoop: Block | undefined;
  /** Of a header: blocks behind its loop, which one inside it immediately dominates. */
  exits: Block[] = [];
  /** Jumped to, and not only gone on at: reached by two or more forward edges, or out of a loop. */
  merge = false;
  forwardEdges = 0;
  /** Variables that some path to it has written and not stored. */
  dirtyIn = 0;
  liveIn = 0;
  /**
   * Variables that are only in the state block while control is in the block's loop, which does not use them: a loop that many
   * variables live through would move them about. They are loaded again on the ways out of the loop.
   */
  spilledInLoop = 0;
  /**
   * Of a header: variables that the loop does not write, and that are stored before it, so that no way out of the loop has to
   * know them.
   */
  storedBefore = 0;
  constructor(call: InlinedCall, start: number) {
    this.call = call;
    this.start = start;
  }

  get location(): number {
    return this.call.locationOf(this.start);
  }

  get last(): Step {
    return this.steps[this.steps.length - 1]!;
  }

  /** The block that a jump to a location of the same inlined call goes on at, if it is in the region. */
  successor(location: number): Block | undefined {
    const { call } = this;
    if ((location & 1) !== (call.thumb ? 1 : 0)) return undefined;
    const address = (location & ~1) >>> 0;
    return this.succ.find((s) => s.start === address && s.call === call);
  }

  /** It ends with the return of an inlined function. */
  get returns(): boolean {
    return this.end === 'branch' && this.call.parent !== null && this.last.effects.branch!.kind === 'return';
  }
}

export interface Region {
  readonly entry: Block;
  /** Location of the entry: its address, bit 0 set for Thumb. */
  readonly location: number;
  /** Much time is spent in it: it is worth more work. */
  readonly isOptimized: boolean;
  /** Reachable blocks in reverse postorder. */
  readonly blocks: Block[];
  /** The root first. */
  readonly inlinedCalls: readonly InlinedCall[];
  /** Constant locations called. */
  readonly calls: Set<number>;
  /** Pages (address >>> 12) that hold its instructions. */
  readonly pages: Set<number>;
  readonly instructions: number;
}

/** What regions are made of. */
export interface CodeSource {
  /**
   * The instruction at a location, or null when there is none that can be decoded or none has been run; `entry` is the location
   * of the function or region that it is in.
   */
  fetch(location: number, itstate: number, entry: number): Step | null;
  /** Whether a location has code of its own: control goes over to that, instead of compiling it once more. */
  isEntry(location: number): boolean;
  /** A word that cannot change while the region is valid. */
  read(address: number, size: number): number | undefined;
  /** Where an indirect jump or call has been seen to go. */
  seen(pc: number): readonly number[];
  /** Much time is spent there. */
  readonly optimize: boolean;
  /** Whether the function at a location is to be had inside its callers, when these are optimized. */
  isInlined(location: number): boolean;
}

/**
 * A decompressor's main loop has 2500: in pieces of what there is room for it is ten regions that go over to each other all the
 * time. What is much larger costs V8's optimizing compiler more than is gained.
 */
const MAX_INSTRUCTIONS = 4000;
/** Jumps farther than this from the entry are taken to go to another function. */
export const MAX_DISTANCE = 0x8000;

/**
 * Limits of inlining: instructions of one function, functions in each other, and copies of a function in each other (recursion).
 */
const MAX_INLINED = 100;
const MAX_NESTING = 4;
const MAX_COPIES = 3;
/** Inlined calls are numbered in a byte (compile.ts). */
export const MAX_INLINED_CALLS = 200;

/** What an inlined call is made of: instructions by address, where blocks begin, and what is known of indirect jumps. */
class Flow {
  readonly found = new Map<number, Step | null>();
  readonly leaders = new Set<number>();
  readonly tables = new Map<number, JumpTable>();
  readonly guesses = new Map<number, number[]>();
  readonly calls = new Set<number>();
  instructions = 0;
}

/**
 * Follows direct branches from a location. Beyond the limit of instructions a block ends, with an edge out of the region.
 */
function follow(location: number, source: CodeSource, limit: number): Flow {
  const thumb = location & 1;
  const start = (location & ~1) >>> 0;
  const flow = new Flow();
  const { found, leaders, tables, guesses, calls } = flow;
  leaders.add(start);
  const work = [start];
  while (work.length > 0) {
    let pc = work.pop()!;
    let it = 0;
    /** Address of the IT whose block it is in. */
    let itAt = pc;
    const line: Step[] = [];
    while (!found.has(pc)) {
      if (it === 0 && (flow.instructions >= limit || (pc !== start && source.isEntry((pc | thumb) >>> 0)))) {
        leaders.add(pc);
        break;
      }
      if (it === 0) itAt = pc;
      const step = source.fetch((pc | thumb) >>> 0, it, location);
      if (step === null) {
        // A location does not say that it is inside an IT block (as when the next page has the rest): the region ends before.
        found.set(itAt, null);
        break;
      }
      found.set(pc, step);
      flow.instructions++;
      const { insn, effects } = step;
      const next = (pc + insn.size) >>> 0;
      const { branch, trap } = effects;
      it = insn.itAfter;
      if (branch !== null) {
        const { target, kind } = branch;
        const table = kind === 'jump' && target === undefined ? jumpTable(step, line, source.read) : null;
        if (table?.targets.every((t) => (t & 1) === thumb)) {
          tables.set(pc, table);
          for (const t of table.targets) {
            leaders.add((t & ~1) >>> 0);
            work.push((t & ~1) >>> 0);
          }
        }
        if (kind === 'jump' && target === undefined && table === null) {
          const near = source
            .seen(pc)
            .filter((t) => (t & 1) === thumb && Math.abs(t - start) <= MAX_DISTANCE && !source.isEntry(t));
          if (near.length > 0) guesses.set(pc, near);
          for (const t of near) {
            leaders.add((t & ~1) >>> 0);
            work.push((t & ~1) >>> 0);
          }
        }
        if (kind === 'call') {
          if (target !== undefined) calls.add(target);
        } else if (target !== undefined && (target & 1) === thumb) {
          const to = (target & ~1) >>> 0;
          if (to === start || Math.abs(to - start) <= MAX_DISTANCE) {
            leaders.add(to);
            work.push(to);
          }
        }
        if (kind !== 'call' && !effects.conditional) break;
        leaders.add(next);
      } else if (trap === 'svc') {
        leaders.add(next);
      } else if (trap !== null) {
        if (!effects.conditional) break;
        leaders.add(next);
      }
      line.push(step);
      pc = next;
    }
    if (found.has(pc)) leaders.add(pc);
  }
  return flow;
}

/** Makes the blocks of an inlined call and the edges between them. */
function makeBlocks(call: InlinedCall, { found, leaders, tables, guesses }: Flow): void {
  const { blockAt } = call;
  for (const leader of leaders) if (found.get(leader) != null) blockAt.set(leader, new Block(call, leader));
  for (const block of blockAt.values()) {
    let pc = block.start;
    for (;;) {
      const step = found.get(pc);
      if (step == null) {
        block.end = 'fall'; // to an address outside: the compiler makes an exit of it
        break;
      }
      block.steps.push(step);
      const { insn, effects } = step;
      block.writes |= effects.writes | effects.mayWrite;
      pc = (pc + insn.size) >>> 0;
      if (effects.branch !== null) {
        block.end = 'branch';
        break;
      }
      if (effects.trap !== null) {
        block.end = effects.trap === 'svc' && insn.itAfter === 0 ? 'svc' : 'leave';
        break;
      }
      if (leaders.has(pc)) break;
    }
    block.next = pc;
  }
  for (const block of blockAt.values()) {
    const { pc, effects } = block.last;
    const next = blockAt.get(block.next);
    const edge = (to: Block | undefined) => {
      if (to === undefined) return;
      if (block.succ.includes(to)) block.repeated = to;
      else block.succ.push(to);
    };
    let leaves = false;
    if (block.end === 'fall') edge(next);
    else if (block.end === 'branch') {
      const { kind, target } = effects.branch!;
      const to = target === undefined ? undefined : call.at(target);
      if (kind === 'call') block.after = next;
      else if (kind === 'return' && call.parent !== null) edge(call.after);
      else {
        edge(to);
        leaves = to === undefined;
      }
      block.table = tables.get(pc) ?? null;
      for (const t of block.table?.targets ?? []) edge(call.at(t));
      for (const t of guesses.get(pc) ?? []) {
        const guess = call.at(t);
        if (guess !== undefined) block.guesses.push(guess);
        edge(guess);
      }
      if (effects.conditional) edge(next);
    } else {
      if (block.end === 'svc') block.after = next;
      if (effects.conditional) edge(next);
    }
    if (leaves || (block.end === 'fall' && next === undefined)) block.after = call.after;
  }
}

/** The blocks of the region entered at a location; null when there is nothing there. */
export function findRegion(location: number, source: CodeSource): Region | null {
  const root = new InlinedCall(location, 0, null, 0, undefined);
  const flow = follow(location, source, MAX_INSTRUCTIONS);
  if (flow.found.get(root.start) == null) return null;
  makeBlocks(root, flow);
  const inlinedCalls = [root];
  const inlining = { ...source, isEntry: () => false };
  let instructions = flow.instructions;
  // Breadth first: what is nearer to the root is run more often, or as often.
  for (let i = 0; source.optimize && i < inlinedCalls.length; i++)
    for (const block of [...inlinedCalls[i]!.blockAt.values()])
      instructions += inline(block, inlinedCalls, instructions, inlining);

  const entry = source.optimize ? separateLoops(inlinedCalls) : root.blockAt.get(root.start)!;
  const blocks = orderBlocks(entry);
  dominators(blocks);
  classifyEdges(blocks);
  findLoops(blocks);
  nest(blocks);
  dataFlow(blocks, source.optimize);
  const pages = new Set<number>();
  for (const b of blocks)
    for (let page = b.start >>> 12; page <= (b.next - 1) >>> 12; page++) pages.add(page);
  return {
    entry,
    location,
    isOptimized: source.optimize,
    blocks,
    inlinedCalls,
    calls: flow.calls,
    pages,
    instructions,
  };
}

/**
 * Gives the region's entry. A region that begins at a loop inside another one has one header for both; where the outer loop comes
 * from above to the inner one, it gets an empty block as its header.
 */
function separateLoops(inlinedCalls: readonly InlinedCall[]): Block {
  const root = inlinedCalls[0]!;
  const inner = root.blockAt.get(root.start)!;
  const blocks = inlinedCalls.flatMap((f) => [...f.blockAt.values()]);
  const isAbove = (b: Block) => b.call !== root || b.start < root.start;
  const jumping = blocks.filter((b) => successors(b).includes(inner));
  if (jumping.every(isAbove) || !jumping.some(isAbove)) return inner;
  const outer = new Block(root, root.start);
  outer.next = root.start;
  outer.succ = [inner];
  const redirect = (b: Block) => (b === inner ? outer : b);
  for (const b of jumping) {
    if (!isAbove(b)) continue;
    b.succ = b.succ.map(redirect);
    b.guesses = b.guesses.map(redirect);
    if (b.after === inner) b.after = outer;
    if (b.repeated === inner) b.repeated = outer;
  }
  for (const f of inlinedCalls) if (f.after === inner) f.after = outer;
  return outer;
}

/** Inlines what a block calls, if it is to be; gives the number of instructions that this adds. */
function inline(block: Block, inlinedCalls: InlinedCall[], before: number, source: CodeSource): number {
  const { call, after } = block;
  const { effects, pc } = block.last;
  if (block.end !== 'branch' || effects.branch!.kind !== 'call' || after === undefined) return 0;
  const { target } = effects.branch!;
  let added = 0;
  for (const location of target === undefined ? source.seen(pc) : [target]) {
    const start = (location & ~1) >>> 0;
    if (inlinedCalls.length === MAX_INLINED_CALLS || call.depth === MAX_NESTING) break;
    if (call.copies(start) === MAX_COPIES || !source.isInlined(location)) continue;
    const flow = follow(location, source, MAX_INLINED + 1);
    if (flow.found.get(start) == null || flow.instructions > MAX_INLINED) continue;
    if (before + added + flow.instructions > MAX_INSTRUCTIONS) continue;
    const callee = new InlinedCall(location, inlinedCalls.length, call, call.locationOf(block.next), after);
    makeBlocks(callee, flow);
    inlinedCalls.push(callee);
    const entry = callee.blockAt.get(start)!;
    block.callees.push(entry);
    block.succ.push(entry);
    added += flow.instructions;
  }
  if (block.callees.length > 0 && target !== undefined) block.after = undefined;
  return added;
}
