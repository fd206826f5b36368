/**
 * Recognises switch statements: an indirect jump through a table whose length a comparison before it tells.
 *
 * The length is only a hint (something may jump in behind the comparison): compiled code goes by the table for indexes within it,
 * and looks any other target up as it does for other indirect jumps. The entries are read once, from memory that cannot change
 * while the region is valid.
 */
import type { Step } from './region.ts';

export interface JumpTable {
  /** Register that holds the index. */
  readonly index: number;
  /** Location for each index from 0. */
  readonly targets: readonly number[];
}

const MAX_TARGETS = 512;

/**
 * The table that the instruction jumps through; `before` are those executed before it in a straight line, `read` gives constant
 * memory.
 */
export function jumpTable(
  { effects }: Step,
  before: readonly Step[],
  read: (address: number, size: number) => number | undefined,
): JumpTable | null {
  const to = effects.branch?.goesBy;
  if (to === undefined) return null;
  // Through entries in memory (TBB, TBH, LDR pc), or into a row of branches (ADD pc).
  const entry = typeof to.of === 'number' ? null : to.of;
  const place = entry === null ? to : entry.address;
  const register = place.of;
  if (typeof register !== 'number' || (entry === null ? place.scale < 2 : place.scale !== entry.size))
    return null;
  const targets: number[] = [];
  for (let i = 0, length = count(register, before); i < length; i++) {
    const at = place.scale * i + place.offset;
    const value = entry === null ? at : read(at >>> 0, entry.size);
    if (value === undefined) return null;
    targets.push((entry === null ? value : to.scale * value + to.offset) >>> 0);
  }
  return targets.length === 0 ? null : { index: register, targets };
}

/** Entries of the table by the nearest comparison of the index register with a constant; 0 when there is none, or too many. */
function count(register: number, before: readonly Step[]): number {
  for (let i = before.length - 1, n = 0; i >= 0 && n < 8; i--, n++) {
    const { writes, mayWrite, compares } = before[i]!.effects;
    if ((writes | mayWrite) & (1 << register)) return 0;
    if (compares?.register === register) return compares.bound < MAX_TARGETS ? compares.bound + 1 : 0;
  }
  return 0;
}
