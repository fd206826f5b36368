/**
 * The data flow of a region: which variables are dirty where (written, and not stored since), which are live, and which a loop is
 * to be kept free of. See the header of compile.ts.
 */
import { REG_MASK } from './convention.ts';
import { isIrreducible } from './graph.ts';
import type { Block } from './region.ts';

/** Variables that a loop may have in V8's registers, besides what it computes with. */
const ROOM_IN_LOOP = 7;

/**
 * Dirty masks forwards, then liveness backwards; see the header of compile.ts. With `spills` loops are kept free of variables
 * that they do not use.
 */
export function dataFlow(blocks: Block[], spills: boolean): void {
  const { written, used } = inLoops(blocks);
  dirtiness(blocks, written);
  liveVariables(blocks);
  if (!spills) return;
  // Outer loops first.
  let any = false;
  for (const header of blocks) {
    if (!header.loopHeader) continue;
    header.spilledInLoop = header.outerLoop?.spilledInLoop ?? 0;
    if (bitCount(header.liveIn) <= ROOM_IN_LOOP) continue;
    header.spilledInLoop |= ~used.get(header)! & header.liveIn;
    any ||= header.spilledInLoop !== 0;
  }
  if (!any) return;
  for (const b of blocks) b.spilledInLoop = b.loop?.spilledInLoop ?? 0;
  for (const b of blocks) b.liveIn = 0;
  liveVariables(blocks);
}

function bitCount(mask: number): number {
  let n = 0;
  for (let m = mask; m !== 0; m &= m - 1) n++;
  return n;
}

function dirtiness(blocks: readonly Block[], written: ReadonlyMap<Block, number>): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of blocks) {
      const dirty = b.dirtyIn | b.writes;
      for (const s of b.succ) {
        if (isIrreducible(b, s) || (dirty & ~(s.dirtyIn | s.storedBefore)) === 0) continue;
        const inside = s.loopHeader ? written.get(s)! : ~0;
        s.dirtyIn |= dirty & inside;
        s.storedBefore |= dirty & ~inside;
        changed = true;
      }
    }
  }
}

function liveVariables(blocks: readonly Block[]): void {
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

/** By header, what the blocks of its loop write, and what they read or write. */
function inLoops(blocks: readonly Block[]): { written: Map<Block, number>; used: Map<Block, number> } {
  const written = new Map<Block, number>();
  const used = new Map<Block, number>();
  for (const b of blocks) {
    let uses = b.writes | (b.end === 'svc' ? 1 : 0);
    for (const { effects } of b.steps) uses |= effects.reads;
    for (let at = b.loop; at !== undefined; at = at.outerLoop) {
      written.set(at, (written.get(at) ?? 0) | b.writes);
      used.set(at, (used.get(at) ?? 0) | uses);
    }
  }
  return { written, used };
}

/** Whether a block with so many successors goes to no other place. */
function staysInside(b: Block, successors: number): boolean {
  if (b.end === 'fall') return successors === 1;
  if (b.end !== 'branch') return false;
  const { branch, conditional } = b.last.effects;
  const { kind, target } = branch!;
  return (
    (kind === 'jump' || b.callees.length > 0) && target !== undefined && successors === (conditional ? 2 : 1)
  );
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
  const inside = b.succ.filter((s) => !isIrreducible(b, s));
  for (const s of inside) live |= s.liveIn & ~(b.spilledInLoop & ~s.spilledInLoop);
  if (!staysInside(b, inside.length)) live |= dirty;
  if (b.end === 'svc' && b.after !== undefined && !isIrreducible(b, b.after))
    live |= b.after.liveIn & ~1 & ~b.spilledInLoop;
  for (let i = b.steps.length - 1; i >= 0; i--) {
    const e = b.steps[i]!.effects;
    if (after !== undefined) after[i] = live;
    live = (live & ~e.writes) | e.reads | e.mayWrite;
    if (e.memory) live |= dirtyBefore[i]! & REG_MASK;
  }
  if (b.loopHeader) live |= (b.dirtyIn & REG_MASK) | b.storedBefore;
  return live;
}
