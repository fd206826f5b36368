/**
 * Regions: the control flow reachable from an entry by direct branches, as basic blocks, with the data flow that the compiler needs.
 *
 * A region has one instruction set. Calls are assumed to return behind themselves. A block ends at a branch, a call, an SVC, or before the
 * target of a branch; what is not decodable or over the limit becomes an edge out of the region.
 */
import type { Insn } from '../decode/row.ts';
import { REG_MASK } from './convention.ts';
import { type JumpTable, jumpTable } from './jump-table.ts';

/** What one instruction does, as masks over VAR of emitter.ts. */
export interface Effects {
  readonly reads: number;
  /** Certainly written. */
  readonly writes: number;
  /** Perhaps written (condition, `when`). */
  readonly mayWrite: number;
  /** May fault or be restarted: registers must be exact. */
  readonly memory: boolean;
  /** Branches it may make; `target` only where it is a constant location. */
  readonly branch: { readonly kind: 'jump' | 'call' | 'return'; readonly target: number | undefined } | null;
  readonly trap: 'svc' | 'undefined' | 'breakpoint' | null;
  /** Runs or branches under a condition: what follows may be reached. */
  readonly conditional: boolean;
}

export interface Step {
  readonly insn: Insn;
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

export class Block {
  readonly start: number;
  readonly steps: Step[] = [];
  end: BlockEnd = 'fall';
  /** Address behind the last instruction. */
  next = 0;
  /** Blocks reached inside the region by jumps or by falling through, not counting returns from calls. */
  succ: Block[] = [];
  /** The block that the last instruction's call returns to, or that an SVC goes on at, if it is in the region. */
  after: Block | undefined;
  /** The switch that the last instruction is. */
  table: JumpTable | null = null;
  /** Where the last instruction, an indirect jump, has been seen to go. */
  guesses: Block[] = [];
  preds: Block[] = [];
  /** Position in reverse postorder. */
  order = -1;
  idom: Block | undefined;
  children: Block[] = [];
  loopHeader = false;
  /** Reached by two or more forward edges. */
  merge = false;
  forwardEdges = 0;
  dirtyIn = 0;
  liveIn = 0;
  constructor(start: number) {
    this.start = start;
  }
}

export interface Region {
  readonly entry: Block;
  /** Location of the entry: its address, bit 0 set for Thumb. */
  readonly location: number;
  readonly thumb: boolean;
  /** Reachable blocks in reverse postorder. */
  readonly blocks: Block[];
  readonly blockAt: ReadonlyMap<number, Block>;
  /** Constant locations called. */
  readonly calls: Set<number>;
  /** Pages (address >>> 12) that hold its instructions and folded constants. */
  readonly pages: Set<number>;
  readonly instructions: number;
}

/** Gives the instruction at a location, or null when there is none that can be decoded. */
export type Fetch = (location: number, itstate: number) => Step | null;

const MAX_INSTRUCTIONS = 1500;
/** Jumps farther than this from the entry are taken to go to another function. */
export const MAX_DISTANCE = 0x8000;

/** Finds the blocks of the region entered at a location. `isEntry` says of a location whether it has code of its own: control goes over to that, instead of compiling it once more. */
export function findRegion(
  location: number,
  fetch: Fetch,
  isEntry: (location: number) => boolean,
  read: (address: number, size: number) => number | undefined,
  seen: (pc: number) => readonly number[],
): Region | null {
  const thumb = location & 1;
  const start = (location & ~1) >>> 0;
  const found = new Map<number, Step | null>();
  const leaders = new Set<number>([start]);
  const work = [start];
  const calls = new Set<number>();
  const tables = new Map<number, JumpTable>();
  const guesses = new Map<number, number[]>();
  let count = 0;
  while (work.length > 0) {
    let pc = work.pop()!;
    let it = 0;
    const line: Step[] = [];
    while (!found.has(pc)) {
      if (it === 0 && (count >= MAX_INSTRUCTIONS || (pc !== start && isEntry((pc | thumb) >>> 0)))) {
        leaders.add(pc);
        break;
      }
      const step = fetch((pc | thumb) >>> 0, it);
      found.set(pc, step);
      if (step === null) break;
      count++;
      const { insn, effects } = step;
      const next = (pc + insn.size) >>> 0;
      const { branch, trap } = effects;
      it = insn.itAfter;
      if (branch !== null) {
        const { target, kind } = branch;
        const table = kind === 'jump' && target === undefined ? jumpTable(step, line, read) : null;
        if (table?.targets.every((t) => (t & 1) === thumb)) {
          tables.set(pc, table);
          for (const t of table.targets) {
            leaders.add((t & ~1) >>> 0);
            work.push((t & ~1) >>> 0);
          }
        }
        if (kind === 'jump' && target === undefined && table === null) {
          const near = seen(pc).filter(
            (t) => (t & 1) === thumb && Math.abs(t - start) <= MAX_DISTANCE && !isEntry(t),
          );
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
  if (found.get(start) == null) return null;

  // Blocks.
  const blockAt = new Map<number, Block>();
  for (const leader of leaders) if (found.get(leader) != null) blockAt.set(leader, new Block(leader));
  const pages = new Set<number>();
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
      pages.add(insn.pc >>> 12);
      pages.add((insn.pc + insn.size - 1) >>> 12);
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
  // Edges.
  for (const block of blockAt.values()) {
    const last = block.steps[block.steps.length - 1]!.effects;
    const next = blockAt.get(block.next);
    const edge = (to: Block | undefined) => {
      if (to !== undefined && !block.succ.includes(to)) block.succ.push(to);
    };
    if (block.end === 'fall') edge(next);
    else if (block.end === 'branch') {
      const { kind, target } = last.branch!;
      if (kind === 'call') block.after = next;
      else if (target !== undefined && (target & 1) === thumb) edge(blockAt.get((target & ~1) >>> 0));
      const { pc } = block.steps[block.steps.length - 1]!.insn;
      block.table = tables.get(pc) ?? null;
      for (const t of block.table?.targets ?? []) edge(blockAt.get((t & ~1) >>> 0));
      for (const t of guesses.get(pc) ?? []) {
        const guess = blockAt.get((t & ~1) >>> 0);
        if (guess !== undefined) block.guesses.push(guess);
        edge(guess);
      }
      if (last.conditional) edge(next);
    } else if (block.end === 'svc') {
      block.after = next;
      if (last.conditional) edge(next);
    } else if (last.conditional) edge(next);
  }
  const entry = blockAt.get(start)!;
  const blocks = orderBlocks(entry);
  dominators(blocks);
  classifyEdges(blocks);
  dataFlow(blocks);
  return { entry, location, thumb: thumb === 1, blocks, blockAt, calls, pages, instructions: count };
}

/** All successors, returns from calls and SVCs included. */
export function successors(b: Block): Block[] {
  return b.after === undefined || b.succ.includes(b.after) ? b.succ : [...b.succ, b.after];
}

/** Numbers the reachable blocks in reverse postorder and sets preds. Iterative: regions can be deep. */
function orderBlocks(entry: Block): Block[] {
  const post: Block[] = [];
  const seen = new Set<Block>([entry]);
  const stack: { block: Block; succ: Block[]; i: number }[] = [
    { block: entry, succ: successors(entry), i: 0 },
  ];
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    if (top.i < top.succ.length) {
      const s = top.succ[top.i++]!;
      if (!seen.has(s)) {
        seen.add(s);
        stack.push({ block: s, succ: successors(s), i: 0 });
      }
    } else {
      post.push(top.block);
      stack.pop();
    }
  }
  const blocks = post.reverse();
  blocks.forEach((b, i) => {
    b.order = i;
  });
  for (const b of blocks) for (const s of successors(b)) s.preds.push(b);
  return blocks;
}

/** Immediate dominators (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm). */
function dominators(blocks: Block[]): void {
  const entry = blocks[0]!;
  entry.idom = entry;
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of blocks) {
      if (b === entry) continue;
      let idom: Block | undefined;
      for (const p of b.preds) {
        if (p.idom === undefined) continue;
        if (idom === undefined) {
          idom = p;
          continue;
        }
        let x: Block = p;
        let y: Block = idom;
        while (x !== y) {
          while (x.order > y.order) x = x.idom!;
          while (y.order > x.order) y = y.idom!;
        }
        idom = x;
      }
      if (b.idom !== idom) {
        b.idom = idom;
        changed = true;
      }
    }
  }
  for (const b of blocks) if (b !== entry) b.idom!.children.push(b);
}

export function dominates(a: Block, b: Block): boolean {
  let x = b;
  while (x.order > a.order) x = x.idom!;
  return x === a;
}

/**
 * An edge backwards in reverse postorder makes a loop when its target dominates its source. Where it does not, the flow is irreducible: such an
 * edge leaves the region (the target is entered as a region of its own), so it counts neither as loop nor as merge.
 */
function classifyEdges(blocks: Block[]): void {
  for (const b of blocks)
    for (const s of successors(b)) {
      if (s.order <= b.order) {
        if (dominates(s, b)) s.loopHeader = true;
      } else s.forwardEdges += b.table === null ? 1 : 2; // br_table needs labels
    }
  for (const b of blocks) b.merge = b.forwardEdges >= 2;
}

export function isBackEdge(from: Block, to: Block): boolean {
  return to.order <= from.order && dominates(to, from);
}

export function isIrreducible(from: Block, to: Block): boolean {
  return to.order <= from.order && !dominates(to, from);
}

/** Dirty masks forwards, then liveness backwards; see the header of compile.ts. */
function dataFlow(blocks: Block[]): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of blocks) {
      let dirty = b.dirtyIn;
      for (const { effects } of b.steps) dirty |= effects.writes | effects.mayWrite;
      for (const s of b.succ)
        if (!isIrreducible(b, s) && (s.dirtyIn | dirty) !== s.dirtyIn) {
          s.dirtyIn |= dirty;
          changed = true;
        }
    }
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = blocks.length - 1; i >= 0; i--) {
      const b = blocks[i]!;
      const live = liveness(b);
      if (live !== b.liveIn) {
        b.liveIn = live;
        changed = true;
      }
    }
  }
}

/** Variables live at the start of a block; `after`, when given, gets those live behind each step. */
export function liveness(b: Block, after?: number[]): number {
  const dirtyBefore: number[] = [];
  let dirty = b.dirtyIn;
  for (const { effects } of b.steps) {
    dirtyBefore.push(dirty);
    dirty |= effects.writes | effects.mayWrite;
  }
  // Whatever leaves the region, calls or enters the kernel stores all that is dirty.
  let live = 0;
  const last = b.steps[b.steps.length - 1]!.effects;
  const inside = b.succ.filter((s) => !isIrreducible(b, s));
  for (const s of inside) live |= s.liveIn;
  const onlyInside =
    b.end === 'fall'
      ? inside.length === 1
      : b.end === 'branch' &&
        last.branch!.kind === 'jump' &&
        last.branch!.target !== undefined &&
        inside.length === (last.conditional ? 2 : 1);
  if (!onlyInside) live |= dirty;
  if (b.end === 'svc' && b.after !== undefined && !isIrreducible(b, b.after)) live |= b.after.liveIn & ~1;
  for (let i = b.steps.length - 1; i >= 0; i--) {
    const e = b.steps[i]!.effects;
    if (after !== undefined) after[i] = live;
    live = (live & ~e.writes) | e.reads | e.mayWrite;
    if (e.memory) live |= dirtyBefore[i]! & REG_MASK;
  }
  if (b.loopHeader) live |= b.dirtyIn & REG_MASK;
  return live;
}
