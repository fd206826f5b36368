/**
 * Load and store multiple, push and pop (ARM ARM A4.7).
 *
 * The whole range is tested before any effect. Linux fixes unaligned ones up, so no alignment is asked.
 */
import type { Machine } from '../machine/machine.ts';

export interface BlockTransfer {
  readonly n: number;
  /** Bit i is register i. Not 0. */
  readonly list: number;
  readonly count: number;
  /** Where the lowest register lies, relative to the base, in bytes. */
  readonly start: number;
  /** What write-back adds to the base: +-4 * count. */
  readonly delta: number;
  readonly wback: boolean;
}

function start<V, W, S>(m: Machine<V, W, S>, a: BlockTransfer, from: V): V {
  return a.start === 0 ? from : m.let(m.add(from, m.const(a.start)));
}

export function ldm<V, W, S>(m: Machine<V, W, S>, a: BlockTransfer): void {
  const from = m.let(m.reg(a.n));
  const address = start(m, a, from);
  m.access(address, 4 * a.count, 1, 1);
  const values: V[] = [];
  for (let i = 0; i < a.count; i++) values.push(m.loadWord(address, 4 * i));
  if (a.wback) m.setReg(a.n, m.add(from, m.const(a.delta)));
  let next = 0;
  for (let r = 0; r < 15; r++) if ((a.list >> r) & 1) m.setReg(r, values[next++]!);
  // From the stack or the old frame pointer (ldm sp, ldmdb fp) it is a function's end.
  if (a.list & 0x8000) m.branch(values[next]!, a.n === 13 || a.n === 11 ? 'return' : 'jump');
}

export function stm<V, W, S>(m: Machine<V, W, S>, a: BlockTransfer): void {
  const from = m.let(m.reg(a.n));
  const address = start(m, a, from);
  m.access(address, 4 * a.count, 2, 1);
  let next = 0;
  for (let r = 0; r < 16; r++) if ((a.list >> r) & 1) m.storeWord(address, 4 * next++, m.reg(r));
  if (a.wback) m.setReg(a.n, m.add(from, m.const(a.delta)));
}
