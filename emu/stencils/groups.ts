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
import type { RecordViews } from '../tier0/record.ts';
import { accessAt, type Range, writtenAt } from './access-shape.ts';
import type { Run, RunInsn } from './run.ts';
import { ENTRY } from './stencil.ts';

/** Bytes that one test covers: not all of them are sure to be touched. */
const MAX_RANGE = 128;

export class AccessGroups {
  readonly #entries: Int32Array;
  readonly #records: RecordViews;
  /** By register: the first instruction of its group. */
  readonly #first: RunInsn[] = [];

  constructor(entries: Int32Array, records: RecordViews) {
    this.#entries = entries;
    this.#records = records;
  }

  /** Sets `range`, `tests` and `isTested` of a run's instructions, in the order in which they are run. */
  find({ insns, length }: Run): void {
    const entries = this.#entries;
    const { u8, i32 } = this.#records;
    const first = this.#first;
    /** Registers that have a group, a bit each. */
    let open = 0;
    for (let i = 0; i < length; i++) {
      const insn = insns[i]!;
      const { record, range } = insn;
      const entry = insn.stencil * ENTRY.words;
      if (insn.isJoin) open = 0;
      const access = entries[entry + ENTRY.access]!;
      // What is run under a condition may be no access.
      if (access !== 0 && insn.condition === 0 && record === insn.inPage) {
        accessAt(range, access, entries[entry + ENTRY.plus]!, record, u8, i32);
        const register = range.base >>> 2;
        if ((open >>> register) & 1 && widen(first[register]!.range, range)) {
          first[register]!.tests = true;
          first[register]!.isTested = true;
          insn.isTested = true;
        } else {
          first[register] = insn;
          open |= 1 << register;
        }
      }
      if (open === 0) continue;
      const writes = entries[entry + ENTRY.core]!;
      if (writes !== 0) open &= ~writtenAt(writes, record, u8);
    }
  }
}

/** Has a test cover another access, too; false when one test is not for both. */
function widen(tested: Range, { low, high, kind }: Range): boolean {
  if (tested.kind !== WRITE && tested.kind !== kind) return false;
  const from = Math.min(tested.low, low);
  const to = Math.max(tested.high, high);
  if (to - from > MAX_RANGE) return false;
  tested.low = from;
  tested.high = to;
  return true;
}
