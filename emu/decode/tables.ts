/**
 * All encoding rows, and the lookup of the rows that an encoding may be.
 *
 * Where rows overlap the one with more fixed bits comes first (the manual's "SEE"); a row whose shape refuses the fields gives
 * way to the next.
 */
import { udf } from '../ops/system.ts';
import { a32Rows } from './a32.ts';
import { coprocessorRows } from './coprocessor.ts';
import { hasRow, onModelChange } from './features.ts';
import type { IsaName, Op, Row, Shape } from './row.ts';
import { noOperands } from './shapes/branch-system.ts';
import { simdRows } from './simd.ts';
import { t16Rows } from './t16.ts';
import { t32Rows } from './t32.ts';
import { undefinedRow } from './table.ts';
import { v8Rows } from './v8.ts';
import { vfpRows } from './vfp.ts';

/** Every row of the manual that a user program may run; A32, then T16, then T32 (VFP's rows are of both). */
export const ROWS: readonly Row[] = [
  ...a32Rows,
  ...t16Rows,
  ...t32Rows,
  ...coprocessorRows,
  ...vfpRows,
  ...simdRows,
  ...v8Rows,
];

/** What is in no row: an undefined instruction exception. Not among ROWS. */
const undefinedOf = (isa: IsaName): Row =>
  undefinedRow(isa, noOperands as Shape<unknown>, udf as Op<unknown>);
export const UNDEFINED: Readonly<Record<IsaName, Row>> = {
  A32: undefinedOf('A32'),
  T16: undefinedOf('T16'),
  T32: undefinedOf('T32'),
};

function fixedBits(row: Row): number {
  let count = 0;
  for (let mask = row.mask; mask !== 0; mask &= mask - 1) count++;
  return count;
}

/** A row as the decoder tries it. */
export interface Candidate {
  readonly row: Row;
  readonly mask: number;
  readonly value: number;
  /** Where its fields are put; overwritten by each decode. */
  readonly fields: Record<string, number>;
}

const COARSE = 5;

/** Rows of one kind by some bits of the encoding. The lists are made when they are first asked for. */
export class RowTable {
  readonly #rows: readonly Row[];
  readonly #indexMask: number;
  readonly #index: (bits: number) => number;
  /** The bits of indexMask that make up the index without its low COARSE bits. */
  readonly #coarseMask: number;
  /**
   * By index, and by index without its low bits: from these few the others are chosen. Made when first used, not for snapshots.
   */
  #lists: (readonly Candidate[] | undefined)[] | undefined = undefined;
  #coarse: (readonly Candidate[] | undefined)[] = [];

  /** `index` may look only at the bits of `indexMask`, and is greatest when all are set. */
  constructor(rows: readonly Row[], indexMask: number, index: (bits: number) => number) {
    const counted = rows.map((row) => ({ row, count: fixedBits(row) })).sort((a, b) => b.count - a.count);
    this.#rows = counted.map(({ row }) => row);
    this.#indexMask = indexMask;
    this.#index = index;
    let coarseMask = 0;
    for (let bit = 1; bit > 0; bit <<= 1) if (bit & indexMask && index(bit) >>> COARSE) coarseMask |= bit;
    this.#coarseMask = coarseMask;
    onModelChange(() => {
      this.#lists = undefined;
      this.#coarse = [];
    });
  }

  /** Values that the index has. */
  get size(): number {
    return this.#index(this.#indexMask) + 1;
  }

  /** As candidatesFor, of all encodings that have an index. */
  candidatesAt(index: number): readonly Candidate[] {
    let bits = 0;
    for (let bit = 1, i = 0; i < 32; i++, bit <<= 1)
      if (bit & this.#indexMask && (this.#index(bit) & index) !== 0) bits |= bit;
    return this.candidatesFor(bits);
  }

  /** Rows that the encoding may be, in order of preference. Their mask and value have still to be compared. */
  candidatesFor(bits: number): readonly Candidate[] {
    // Of full length at once: an array that grows with holes becomes a hash table.
    this.#lists ??= new Array(this.size).fill(undefined);
    const index = this.#index(bits);
    const list = this.#lists[index];
    if (list !== undefined) return list;
    const coarse = (this.#coarse[index >>> COARSE] ??= candidatesOf(this.#rows, bits, this.#coarseMask));
    return (this.#lists[index] = coarse.filter((candidate) => matches(candidate, bits, this.#indexMask)));
  }
}

/** Whether an encoding with these bits, where the mask has ones, may be the row. */
function matches(row: Pick<Row, 'mask' | 'value'>, bits: number, mask: number): boolean {
  return ((bits ^ row.value) & row.mask & mask) === 0;
}

function candidatesOf(rows: readonly Row[], bits: number, mask: number): readonly Candidate[] {
  const found: Candidate[] = [];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (matches(row, bits, mask) && hasRow(row))
      found.push({ row, mask: row.mask, value: row.value, fields: {} });
  }
  return found;
}

const isUnconditional = (row: Row): boolean => row.isa === 'A32' && !row.hasCond;
const ofIsa = (isa: IsaName): Row[] => ROWS.filter((row) => row.isa === isa);

/** Bits 27..20 and 7..4. */
const indexA32 = (bits: number): number => ((bits >>> 16) & 0xff0) | ((bits >>> 4) & 15);

export const A32_CONDITIONAL: RowTable = new RowTable(
  ofIsa('A32').filter((row) => row.hasCond),
  0x0ff0_00f0,
  indexA32,
);
export const A32_UNCONDITIONAL: RowTable = new RowTable(ROWS.filter(isUnconditional), 0x0ff0_00f0, indexA32);
export const T16: RowTable = new RowTable(ofIsa('T16'), 0xffc0, (bits) => bits >>> 6);
/** Bits 28..20, 15 and 7..4. */
export const T32: RowTable = new RowTable(
  ofIsa('T32'),
  0x1ff0_80f0,
  (bits) => ((bits >>> 15) & 0x3fe0) | ((bits >>> 11) & 16) | ((bits >>> 4) & 15),
);
