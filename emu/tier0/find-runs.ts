/**
 * Finds out, when armrun is built, in which runs of bits the records of a row are linear (kinds.ts): by trying. A run that is
 * not so found is decoded the long way each time, which is slower, but right; one that is found wrongly would be wrong, so all
 * runs of a row are tried together as well, and test/tier0/kinds compares many records with those made the long way.
 */
import { firstMatch } from '../decode/decoder.ts';
import type { Row } from '../decode/row.ts';

/** A run of bits in which records are linear. */
export interface Run {
  readonly lsb: number;
  readonly width: number;
  /** Values (bits 1 << value, of runs of up to five bits) that say something else: the PC, no shift. */
  readonly excluded: number;
}

export const valueIn = (bits: number, { lsb, width }: Run): number => (bits >>> lsb) & (2 ** width - 1);

/** Whether the value that a run has in an encoding says something else. */
export function isExcluded(bits: number, run: Run): boolean {
  return run.excluded !== 0 && ((run.excluded >>> valueIn(bits, run)) & 1) !== 0;
}

/** The least value of a run that is like others, as is the one above it. */
export function baseOf({ width, excluded }: Run): number {
  for (let value = 0; value + 1 < 2 ** width; value++) if (((excluded >>> value) & 3) === 0) return value;
  throw new Error('a run without two values');
}

export const withValue = (bits: number, { lsb, width }: Run, value: number): number =>
  (bits & ~((2 ** width - 1) << lsb)) | (value << lsb);

/** Encodings of the row that each run is tried in, and that all are. */
const TRIES = 10;
const JOINT_TRIES = 400;
/** Runs of so many bits are tried with all their values; longer ones have none that are excluded. */
const SHORT = 5;
/**
 * Values that may be excluded, by the width of a run: of core registers R11, SP, LR and PC, which are read or jumped by in
 * other ways. What others say (no shift, for one) is told better by a kind.
 */
const EXCLUDABLE: Readonly<Record<number, number>> = { 3: 1 << 7, 4: (1 << 11) | (7 << 13) };
/** The longest immediate that is rotated. */
const ROTATED = 8;
const MAX_UPPER = 5;

export interface Sampler {
  /** What an encoding's record is, as words. */
  recordOf(bits: number): Int32Array;
  /** Whether an encoding, whose bits match the row, is decoded as one of the row's. */
  isOf(row: Row, bits: number): boolean;
  /** A random encoding that matches the row. */
  encodingOf(row: Row): number;
}

type Comparison = (a: Int32Array, b: Int32Array) => boolean;

function isSame(a: Int32Array, b: Int32Array): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

/** But for the wide immediate, which in some kinds is linear and in others is not: a rotated one. That is asked of each kind. */
function isLike(a: Int32Array, b: Int32Array): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[3] === b[3];
}

/** The record that a line through those of two values gives for a third. */
function onLine(first: Int32Array, second: Int32Array, steps: number): Int32Array {
  return first.map((word, i) => word + Math.imul(steps, second[i]! - word));
}

function isOnLine(record: Int32Array, first: Int32Array, second: Int32Array, steps: number): boolean {
  for (let i = 0; i < record.length; i++)
    if (record[i] !== ((first[i]! + Math.imul(steps, second[i]! - first[i]!)) | 0)) return false;
  return true;
}

/** Values that are not as most are, in one encoding; null when most have nothing in common. */
function exceptions(records: readonly Int32Array[]): number[] | null {
  let best: number[] | null = null;
  for (let v = 0; v + 1 < records.length; v++) {
    const [a, b] = [records[v]!, records[v + 1]!];
    if (a[0] !== b[0] || a[3] !== b[3]) continue;
    const others: number[] = [];
    for (const [i, record] of records.entries()) if (!isOnLine(record, a, b, i - v)) others.push(i);
    if (best === null || others.length < best.length) best = others;
  }
  return best;
}

/** A run by itself; null when records are not linear in it. */
function tryRun(row: Row, run: Run, is: Comparison, { recordOf, isOf, encodingOf }: Sampler): Run | null {
  const { width } = run;
  const values =
    width <= SHORT ? Array.from({ length: 2 ** width }, (_, v) => v) : [0, 1, 2, 3, 2 ** width - 1];
  let excluded = 0;
  for (let i = 0; i < TRIES; i++) {
    const bits = encodingOf(row);
    if (width > SHORT) {
      // Other bits may have it decoded as another row's whatever the run is.
      if (!isOf(row, withValue(bits, run, 0))) continue;
      const all = [...values, valueIn(bits, run)];
      const records = all.map((v) => recordOf(withValue(bits, run, v)));
      if (!all.every((v, k) => is(records[k]!, onLine(records[0]!, records[1]!, v)))) return null;
      continue;
    }
    if (values.filter((v) => isOf(row, withValue(bits, run, v))).length < 2) continue;
    const found = exceptions(values.map((v) => recordOf(withValue(bits, run, v))));
    if (found === null) return null;
    for (const v of found) excluded |= 1 << v;
  }
  return (excluded & ~(EXCLUDABLE[width] ?? 0)) === 0 ? { ...run, excluded } : null;
}

/** Whether records are linear in all of these together. */
function areJoint(
  row: Row,
  runs: readonly Run[],
  is: Comparison,
  { recordOf, isOf, encodingOf }: Sampler,
): boolean {
  for (let i = 0; i < JOINT_TRIES; i++) {
    const bits = encodingOf(row);
    if (runs.some((run) => isExcluded(bits, run))) continue;
    const base = runs.reduce((all, run) => withValue(all, run, baseOf(run)), bits);
    if (!isOf(row, base)) {
      if (isOf(row, bits)) return false;
      continue;
    }
    const first = recordOf(base);
    const expected = first.slice();
    for (const run of runs) {
      const next = recordOf(withValue(base, run, baseOf(run) + 1));
      if (next[0] !== first[0]) return false;
      const steps = valueIn(bits, run) - baseOf(run);
      for (let word = 0; word < 4; word++)
        expected[word] = expected[word]! + Math.imul(steps, next[word]! - first[word]!);
    }
    if (!is(expected, recordOf(bits))) return false;
  }
  return true;
}

export function findRuns(row: Row, sampler: Sampler): Run[] {
  const ofRow = samplerOf(row, sampler);
  // What a run excludes together with what another excludes need not be excluded twice: SP and R11 as bases of loads of the PC.
  const alone = runsOf(row).map((run) => tryRun(row, run, isSame, ofRow));
  const apart = search(row, ofRow, (bits, run) =>
    alone.every((other) => other === null || other.lsb === run.lsb || !isExcluded(bits, other)),
  );
  return areJoint(row, apart, isLike, ofRow) ? apart : search(row, ofRow, () => true);
}

const runsOf = (row: Row): Run[] =>
  row.fields
    .flatMap(({ runs }) => runs.map((run): Run => ({ ...run, excluded: 0 })))
    .sort((a, b) => b.width - a.width);

/** Gives only encodings of which the row is the first that they match. */
function samplerOf(row: Row, sampler: Sampler): Sampler {
  return {
    ...sampler,
    encodingOf: () => {
      for (let i = 0; i < 20; i++) {
        const bits = sampler.encodingOf(row);
        if (firstMatch(row.isa, bits) === row) return bits;
      }
      return row.value | row.shouldValue;
    },
  };
}

/** The runs, each of them and with those before it; `isTried` chooses the encodings that a run is tried in. */
function search(row: Row, sampler: Sampler, isTried: (bits: number, run: Run) => boolean): Run[] {
  const found: Run[] = [];
  let comparison: Comparison = isSame;
  const accept = (run: Run, is: Comparison): boolean => {
    const encodingOf = () => {
      for (let i = 0; ; i++) {
        const bits = sampler.encodingOf(row);
        if (i === 20 || isTried(bits, run)) return bits;
      }
    };
    const chosen = { ...sampler, encodingOf };
    const tried = tryRun(row, run, is, chosen);
    if (tried === null || !areJoint(row, [...found, tried], is, chosen)) return false;
    // Where the wide immediate is not compared the others must leave it alone.
    if (comparison !== isSame && changesWide(row, run, chosen)) return false;
    found.push(tried);
    comparison = is;
    return true;
  };
  for (const { lsb, width } of runsOf(row)) {
    // The upper bits of an immediate may say what becomes of the lower ones.
    const parts = Array.from({ length: MAX_UPPER + 1 }, (_, upper) => width - upper)
      .filter((w) => w >= Math.min(width, 2))
      .map((w): Run => ({ lsb, width: w, excluded: 0 }));
    // H of BLX must be 0.
    if (width > SHORT) parts.push({ lsb: lsb + 1, width: width - 1, excluded: 0 });
    if (parts.some((run) => accept(run, comparison)) || comparison !== isSame) continue;
    parts.some((run) => run.width > SHORT && run.width <= ROTATED && accept(run, isLike));
  }
  return found;
}

/** Whether the wide immediate may be another when a run is. */
function changesWide(row: Row, run: Run, { recordOf, encodingOf }: Sampler): boolean {
  for (let i = 0; i < TRIES; i++) {
    const bits = encodingOf(row);
    for (let v = 0; v < Math.min(2 ** run.width, 2 ** SHORT); v++)
      if (recordOf(withValue(bits, run, v))[2] !== recordOf(bits)[2]) return true;
  }
  return false;
}
