/**
 * The shape of a region's control flow: the order of its blocks, dominators, loops, and where the code of each block is to be.
 */
import type { Block } from './region.ts';

/** All successors, returns from calls and SVCs included. */
export function successors(b: Block): Block[] {
  return b.after === undefined || b.succ.includes(b.after) ? b.succ : [...b.succ, b.after];
}

/** Numbers the reachable blocks in reverse postorder and sets preds. Iterative: regions can be deep. */
export function orderBlocks(entry: Block): Block[] {
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
export function dominators(blocks: Block[]): void {
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
}

export function dominates(a: Block, b: Block): boolean {
  let x = b;
  while (x.order > a.order) x = x.idom!;
  return x === a;
}

/**
 * An edge backwards in reverse postorder makes a loop when its target dominates its source. Where it does not, the flow is
 * irreducible: such an edge leaves the region (the target is entered as a region of its own), so it counts neither as loop nor as
 * merge.
 */
export function classifyEdges(blocks: Block[]): void {
  for (const b of blocks)
    for (const s of successors(b)) {
      if (s.order <= b.order) {
        if (dominates(s, b)) s.loopHeader = true;
      } else s.forwardEdges += needsLabel(b, s) ? 2 : 1;
    }
  for (const b of blocks) b.merge = b.forwardEdges >= 2;
}

/**
 * Whether a block goes over to another in more ways than one, so that the other cannot be put where it does: a switch does, and a
 * conditional call, which returns to where control goes when it is not made. (Else the other would be written out twice, and what
 * follows it four times.)
 */
function needsLabel(from: Block, to: Block): boolean {
  return from.table !== null || from.repeated === to || (from.after === to && from.succ.includes(to));
}

/** The natural loop of each header: what reaches its back edges without passing it. Inner loops come first. */
export function findLoops(blocks: readonly Block[]): void {
  for (let i = blocks.length - 1; i >= 0; i--) {
    const header = blocks[i]!;
    if (!header.loopHeader) continue;
    header.loop = header;
    const work = header.preds.filter((p) => isBackEdge(p, header));
    while (work.length > 0) {
      let b = work.pop()!;
      let outermost = b.loop;
      while (outermost?.outerLoop !== undefined) outermost = outermost.outerLoop;
      if (outermost === header) continue;
      if (outermost === undefined) b.loop = header;
      else {
        // A loop found before is taken as a whole.
        outermost.outerLoop = header;
        b = outermost;
      }
      for (const p of b.preds) if (!isIrreducible(p, b)) work.push(p);
    }
  }
}

function isInLoop(b: Block, header: Block): boolean {
  for (let at = b.loop; at !== undefined; at = at.outerLoop) if (at === header) return true;
  return false;
}

/**
 * Puts each block where its code is to be: under its immediate dominator, but behind the outermost loop that it is the way out
 * of. (Inside the wasm loop the compiler would take each variable that it sets for one that changes in the loop.)
 */
export function nest(blocks: readonly Block[]): void {
  for (const b of blocks) {
    const { idom } = b;
    if (idom === undefined || idom === b) continue;
    let left: Block | undefined;
    for (let at = idom.loop; at !== undefined && !isInLoop(b, at); at = at.outerLoop) left = at;
    if (left === undefined) idom.children.push(b);
    else {
      left.exits.push(b);
      b.merge = true;
    }
  }
}

export function isBackEdge(from: Block, to: Block): boolean {
  return to.order <= from.order && dominates(to, from);
}

export function isIrreducible(from: Block, to: Block): boolean {
  return to.order <= from.order && !dominates(to, from);
}
