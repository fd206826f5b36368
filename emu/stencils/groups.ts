/**
 * Which accesses of a run are tested together: those that go to distances from one register that is not written between them.
 * The first tests all that they touch, at both ends; the others need no test. (In compiled code jit/access-groups.ts does the
 * same, and more.) Where that fails the run is left for the first one's own handler, which makes its access or finds the fault;
 * behind it handlers go on.
 *
 * What has been tested stays accessible while the run goes on: nothing else is run meanwhile, and what takes access away leaves
 * it.
 */
import { WRITE } from '../memory/layout.ts';
import { accessAt, type Range, writesAt } from './access-shape.ts';
import type { RunInsn } from './run.ts';
import { ENTRY } from './stencil.ts';

/** Bytes that one test covers: not all of them are sure to be touched. */
const MAX_RANGE = 128;

/** Sets `test` and `isTested` of a run's instructions, in the order of which they are run. */
export function groupAccesses(
  run: readonly RunInsn[],
  entries: Int32Array,
  u8: Uint8Array,
  i32: Int32Array,
): void {
  /** By base register: the first instruction, and what it is to test. */
  let groups: { first: RunInsn; range: Range }[] = [];
  for (const insn of run) {
    const { record } = insn;
    const entry = insn.stencil * ENTRY.words;
    if (insn.isJoin && groups.length > 0) groups = [];
    const access = entries[entry + ENTRY.access]!;
    // What is run under a condition may be no access.
    if (access !== 0 && insn.condition === 0 && record === insn.inPage) {
      const own = accessAt(access, entries[entry + ENTRY.plus]!, record, u8, i32);
      const group = groups.find(({ range }) => range.base === own.base);
      const range = group === undefined ? null : both(group.range, own);
      if (group === undefined) groups.push({ first: insn, range: own });
      else if (range === null) {
        group.first = insn;
        group.range = own;
      } else {
        group.range = range;
        group.first.test = range;
        group.first.isTested = true;
        insn.isTested = true;
      }
    }
    if (groups.length === 0) continue;
    const writes = entries[entry + ENTRY.core]!;
    if (writes !== 0) groups = groups.filter(({ range }) => !writesAt(writes, range.base, record, u8));
  }
}

/** Null when one test is not for both. */
function both(tested: Range, { low, high, kind }: Range): Range | null {
  if (tested.kind !== WRITE && tested.kind !== kind) return null;
  const range = { ...tested, low: Math.min(tested.low, low), high: Math.max(tested.high, high) };
  return range.high - range.low <= MAX_RANGE ? range : null;
}
