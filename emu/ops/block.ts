/**
 * Load and store multiple, push and pop (ARM ARM A4.7).
 *
 * The whole range is tested before any effect. Linux fixes unaligned ones up, so no alignment is asked.
 */

import type { AccessKind, Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';

export interface BlockTransfer {
  readonly n: number;
  /** Bit i is register i, for 0..14, and whether the PC is in the list, too; not both none. */
  readonly list: number;
  readonly withPC: boolean;
  /** How many they are, the PC counted. */
  readonly count: number;
  /** Where the lowest register lies, relative to the base, in bytes. */
  readonly start: number;
  /** What write-back adds to the base: +-4 * count. */
  readonly delta: number;
  readonly wback: boolean;
}

/** Tests the whole range; gives its address, and writes the base back, held values. */
function addresses<V, W, S>(
  m: Machine<V, W, S>,
  a: BlockTransfer,
  kind: AccessKind,
): { address: V; writeBack: () => void } {
  const from = m.let(m.reg(a.n));
  const address = m.let(m.add(from, m.const(a.start)));
  m.access(address, 4 * a.count, kind, 1);
  return {
    address,
    writeBack: () => {
      if (a.wback) m.setReg(a.n, m.add(from, m.const(a.delta)));
    },
  };
}

export function ldm<V, W, S>(m: Machine<V, W, S>, a: BlockTransfer): void {
  const { address, writeBack } = addresses(m, a, READ);
  const others = a.withPC ? a.count - 1 : a.count;
  const pc = a.withPC ? m.loadWord(address, 4 * others) : null;
  // First the base: when it is in the list, what is loaded stays.
  writeBack();
  m.eachRegister(a.list, others, (n, i) => m.setReg(n, m.loadWord(address, 4 * i)));
  // From the stack or the old frame pointer (ldm sp, ldmdb fp) it is a function's end.
  if (pc !== null) m.branch(pc, a.n === 13 || a.n === 11 ? 'return' : 'jump');
}

export function stm<V, W, S>(m: Machine<V, W, S>, a: BlockTransfer): void {
  const { address, writeBack } = addresses(m, a, WRITE);
  const others = a.withPC ? a.count - 1 : a.count;
  m.eachRegister(a.list, others, (n, i) => m.storeWord(address, 4 * i, m.reg(n)));
  if (a.withPC) m.storeWord(address, 4 * others, m.reg(15));
  writeBack();
}
