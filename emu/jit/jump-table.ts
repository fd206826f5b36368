/**
 * Recognises switch statements: an indirect jump through a table whose length a comparison before it tells.
 *
 * The length is only a hint (something may jump in behind the comparison): compiled code goes by the table for indexes within it,
 * and looks any other target up as it does for other indirect jumps. The entries are read once, from memory that cannot change
 * while the region is valid.
 */
import type { Insn } from '../decode/row.ts';
import { type TableBranch, tbb, tbh } from '../ops/branch.ts';
import { add, cmp, type DataProcessing } from '../ops/data-processing.ts';
import { IMMEDIATE, LSL, SHIFTED } from '../ops/shift.ts';
import type { Step } from './region.ts';

export interface JumpTable {
  /** Register that holds the index. */
  readonly index: number;
  /** Location for each index from 0. */
  readonly targets: readonly number[];
}

const MAX_TARGETS = 512;
const LS = 9;
const PC = 15;

/**
 * The table that the instruction jumps through; `before` are those executed before it in a straight line, `read` gives constant
 * memory.
 */
export function jumpTable(
  { insn, pc }: Step,
  before: readonly Step[],
  read: (address: number, size: number) => number | undefined,
): JumpTable | null {
  const { op } = insn.row;
  if (op === tbb || op === tbh) {
    const a = insn.args as TableBranch;
    const size = op === tbb ? 1 : 2;
    const base = pc + 4;
    if (a.n !== PC) return null;
    return collect(a.m, count(a.m, before), (i) => {
      const offset = read(base + size * i, size);
      return offset === undefined ? undefined : (base + 2 * offset) | 1;
    });
  }
  if (op === add && insn.cond === LS && !insn.thumb) {
    // addls pc, pc, rm, lsl #2 into a row of branches (position-independent ARM code).
    const a = insn.args as DataProcessing;
    if (a.d !== PC || a.n !== PC || a.kind !== SHIFTED || a.type !== LSL || a.amount !== 2) return null;
    return collect(a.m, count(a.m, before), (i) => pc + 8 + 4 * i);
  }
  return null;
}

function collect(index: number, length: number, target: (i: number) => number | undefined): JumpTable | null {
  if (length === 0 || length > MAX_TARGETS) return null;
  const targets: number[] = [];
  for (let i = 0; i < length; i++) {
    const t = target(i);
    if (t === undefined) return null;
    targets.push(t >>> 0);
  }
  return { index, targets };
}

/** Entries of the table by the nearest comparison of the index register with a constant; 0 when there is none. */
function count(register: number, before: readonly Step[]): number {
  for (let i = before.length - 1, n = 0; i >= 0 && n < 8; i--, n++) {
    const { insn, effects } = before[i]!;
    if (isCompare(insn, register)) {
      const limit = (insn.args as DataProcessing).imm + 1;
      return limit > 0 && limit <= MAX_TARGETS ? limit : 0;
    }
    if ((effects.writes | effects.mayWrite) & (1 << register)) return 0;
  }
  return 0;
}

function isCompare(insn: Insn, register: number): boolean {
  if (insn.row.op !== cmp) return false;
  const a = insn.args as DataProcessing;
  return a.n === register && a.kind === IMMEDIATE;
}
