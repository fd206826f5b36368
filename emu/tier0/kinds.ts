/**
 * Tables with which wasm makes the record of an encoding (quick.ts): without decoding it, and so without TypeScript, which is
 * slow when a program begins.
 *
 * Instructions of a row that differ in registers and immediates alone have one handler, and operands that are linear in these
 * bits. A **run** is such bits (find-runs.ts); what the others of the row are makes a **kind**. For each kind there are a
 * handler, the operands as they are where all runs are 0, and how much each run adds for each 1: a U bit, which is in no run,
 * says the sign.
 *
 * The tables are made when armrun is built, and lie behind the master table in the memory that all processes share. What is not
 * in them, TypeScript decodes (decoder.ts): kinds that random encodings do not show, Advanced SIMD, what older CPU models lack.
 */
import { firstMatch } from '../decode/decoder.ts';
import type { IsaName, Row } from '../decode/row.ts';
import { A32_CONDITIONAL, A32_UNCONDITIONAL, ROWS, type RowTable, T16, T32 } from '../decode/tables.ts';
import { baseOf, isExcluded, type Run, valueIn, withValue } from './find-runs.ts';
import { HANDLER } from './record.ts';

const HEADER = 16;
const [T16_AT, T32_AT] = [HEADER, HEADER + 2 * T16.size];
const A32_AT = T32_AT + 2 * T32.size;
const A32_UNCONDITIONAL_AT = A32_AT + 2 * A32_CONDITIONAL.size;
const HASH_AT = A32_UNCONDITIONAL_AT + 2 * A32_UNCONDITIONAL.size;
const HASH_LOG2 = 15;
/**
 * The tables: header words (where rows and lists of rows begin, where master entries do and how many there are), indexes of
 * halfwords, and a hash table of kinds of words.
 */
export const TABLES = {
  rows: 0,
  lists: 4,
  entries: 8,
  entryCount: 12,
  T16: T16_AT,
  T32: T32_AT,
  A32: A32_AT,
  A32_UNCONDITIONAL: A32_UNCONDITIONAL_AT,
  hash: HASH_AT,
  hashLog2: HASH_LOG2,
  pairs: HASH_AT + (4 << HASH_LOG2),
  pairsLog2: 11,
} as const;
const FIXED = TABLES.pairs + (8 << TABLES.pairsLog2);

/**
 * A pair in its hash table: the handlers of both instructions (halfwords), the handler of the pair, which is never 0, and the
 * length of the first (halfwords).
 */
export const PAIR = { first: 0, second: 2, handler: 4, size: 6 } as const;

/** A master entry in the tables: encoding, MASTER_KIND, and the record's four words. */
export const ENTRY_WORDS = 6;

/** A handler that does what two in a row do, the first of them of so many bytes. */
export interface Pair {
  readonly first: number;
  readonly second: number;
  readonly size: number;
  readonly handler: number;
}

/** A row: mask, value, mask of the bits that tell kinds, flags and number of runs (bytes), where its runs are. */
export const ROW = { mask: 0, value: 4, kindMask: 8, flags: 12, runs: 13, runsAt: 16, size: 20 } as const;
/** The row has kinds; and its instructions run under a condition which is not part of the kind. */
export const HAS_KINDS = 1;
export const CONDITIONAL = 2;
/** A run: its least bit and width (bytes), and excluded values (a word). */
export const RUN = { lsb: 0, width: 1, excluded: 4, size: 8 } as const;
/** A kind: row, its bits, word 0 of the record, words 1 and 2 for runs of 0; then for each run what it adds to both. */
export const KIND = { row: 0, bits: 4, head: 8, words: 12, weights: 20, weight: 8 } as const;
/**
 * Set in T16 encodings of an IT block: there most of them do not set flags, and are other forms. Those of T32 and A32 have all
 * 32 bits.
 */
export const IN_BLOCK = 0x1_0000;
/** Ends a list of rows. */
export const NO_ROW = 0xffff;

export const KIND_FACTORS = { row: 0x85eb_ca6b | 0, all: 0x9e37_79b1 | 0 } as const;

const CONDITION = 0xf000_0000 | 0;

/** What the tables are made with. */
export interface KindSource {
  /** In which bits records of a row are linear. */
  runsOf(row: Row): readonly Run[];
  /** Random encodings of a row, and values of a run. */
  samples(row: Row): number[];
  valueOf(run: Run): number;
  /** The record of an encoding; in a block when it says so, but for its condition and ITSTATE. */
  recordOf(isa: IsaName, bits: number): Int32Array;
  /** Whether instructions of a row may be conditional in an IT block, and are no others there but for that. */
  isInBlocks(row: Row): boolean;
  /** Whether the condition of a row's instructions is tested by their own handlers. */
  testsCondition(row: Row): boolean;
}

interface Kind {
  readonly row: number;
  readonly bits: number;
  readonly words: readonly [head: number, word1: number, word2: number];
  readonly weights: readonly number[];
}

/** Of a row; those with few ones, as short shifts, are met most. */
const MAX_KINDS = 160;
/** Encodings of a kind that must have the records that it says. */
const KIND_TRIES = 30;

/** Whether an encoding is one of the row's. */
function isOf(row: Row, bits: number): boolean {
  return firstMatch(row.isa, row.isa === 'T16' ? bits & ~IN_BLOCK : bits) === row;
}

/** The kind of an encoding; null when records are not as it says, or nothing is to be gained. */
function kindOf(row: Row, bits: number, runs: readonly Run[], source: KindSource): Omit<Kind, 'bits'> | null {
  const bases = runs.map(baseOf);
  const base = runs.reduce((all, run, i) => withValue(all, run, bases[i]!), bits);
  const first = source.recordOf(row.isa, base);
  const head = first[0]!;
  if ((head & 0xffff) === HANDLER.STEP2 || (head & 0xffff) === HANDLER.STEP4) return null;
  if (first[3] !== 0) return null;
  const words: [number, number, number] = [head, first[1]!, first[2]!];
  const weights: number[] = [];
  runs.forEach((run, i) => {
    const next = source.recordOf(row.isa, withValue(base, run, bases[i]! + 1));
    for (const word of [1, 2] as const) {
      const weight = (next[word]! - first[word]!) | 0;
      weights.push(weight);
      words[word] = (words[word] - Math.imul(bases[i]!, weight)) | 0;
    }
  });
  for (let i = 0; i < KIND_TRIES; i++) {
    const other = i === 0 ? bits : runs.reduce((all, run) => withValue(all, run, source.valueOf(run)), base);
    if (runs.some((run) => isExcluded(other, run)) || !isOf(row, other)) continue;
    const actual = source.recordOf(row.isa, other);
    if (actual[0] !== head || actual[3] !== 0) return null;
    for (const word of [1, 2] as const) {
      const weighted = (run: Run, k: number) => Math.imul(valueIn(other, run), weights[2 * k + word - 1]!);
      if (actual[word] !== runs.reduce((sum, run, k) => (sum + weighted(run, k)) | 0, words[word]))
        return null;
    }
  }
  return { row: ROWS.indexOf(row), words, weights };
}

/** Words of a growing table. */
class Words {
  readonly #words: number[] = [];
  readonly #base: number;
  constructor(base: number) {
    this.#base = base;
  }
  /** Where the next word will be. */
  get end(): number {
    return this.#base + 4 * this.#words.length;
  }
  push(...words: number[]): void {
    this.#words.push(...words);
  }
  view(): Int32Array {
    return Int32Array.from(this.#words);
  }
}

const INDEXES: readonly (readonly [RowTable, number])[] = [
  [T16, TABLES.T16],
  [T32, TABLES.T32],
  [A32_CONDITIONAL, TABLES.A32],
  [A32_UNCONDITIONAL, TABLES.A32_UNCONDITIONAL],
];

/**
 * Makes the tables. `at` is where they will lie in memory; `entries` are those that the master table begins with (encoding, kind,
 * record: ENTRY_WORDS each).
 */
export function buildTables(
  source: KindSource,
  pairs: readonly Pair[],
  entries: Int32Array,
  at: number,
): Uint8Array {
  const words = new Words(at + FIXED);
  const runsAt: number[] = [];
  const allRuns = ROWS.map((row) => source.runsOf(row));
  for (const runs of allRuns) {
    runsAt.push(words.end);
    for (const { lsb, width, excluded } of runs) words.push(lsb | (width << 8), excluded);
  }
  const kinds = ROWS.flatMap((row, i) => [
    ...kindsOf(row, allRuns[i]!, source),
    ...(row.isa === 'T16' && source.isInBlocks(row) ? kindsOf(row, allRuns[i]!, source, IN_BLOCK) : []),
  ]);
  const rowsAt = words.end;
  ROWS.forEach((row, i) => {
    const runs = allRuns[i]!;
    const flags = runs.length > 0 ? HAS_KINDS | (isWrapped(row, source) ? CONDITIONAL : 0) : 0;
    words.push(row.mask, row.value, kindMask(row, runs, source), flags | (runs.length << 8), runsAt[i]!);
  });
  const places = kinds.map((kind) => {
    const place = words.end;
    words.push(kind.row, kind.bits, ...kind.words, ...kind.weights);
    return place;
  });
  const entriesAt = words.end;
  words.push(...entries);
  const listsAt = words.end;
  const { lists, indexes } = listRows();
  const bytes = new Uint8Array(listsAt - at + ((2 * lists.length + 3) & ~3));
  new Int32Array(bytes.buffer, 0, 4).set([rowsAt, listsAt, entriesAt - at, entries.length / ENTRY_WORDS]);
  for (const [table, offset] of INDEXES)
    new Uint16Array(bytes.buffer, offset, table.size).set(indexes.get(table)!);
  new Int32Array(bytes.buffer, FIXED, (listsAt - at - FIXED) / 4).set(words.view());
  new Uint16Array(bytes.buffer, listsAt - at, lists.length).set(lists);
  fillHash(new Int32Array(bytes.buffer, TABLES.hash, 1 << TABLES.hashLog2), kinds, places);
  fillPairs(new Uint16Array(bytes.buffer, TABLES.pairs, 4 << TABLES.pairsLog2), pairs);
  return bytes;
}

function fillPairs(slots: Uint16Array, pairs: readonly Pair[]): void {
  const mask = (1 << TABLES.pairsLog2) - 1;
  if (pairs.length > mask / 2) throw new Error(`${pairs.length} pairs are too many for their hash table`);
  for (const { first, second, handler, size } of pairs) {
    let slot = Math.imul((second << 16) | first, KIND_FACTORS.all) >>> (32 - TABLES.pairsLog2);
    while (slots[4 * slot + PAIR.handler / 2] !== 0) slot = (slot + 1) & mask;
    slots.set([first, second, handler, size], 4 * slot);
  }
}

/** Whether a condition stands before the instructions of a row, whatever their kind. */
function isWrapped(row: Row, source: KindSource): boolean {
  return row.isa === 'A32' && row.hasCond && !source.testsCondition(row);
}

function kindMask(row: Row, runs: readonly Run[], source: KindSource): number {
  let mask = isWrapped(row, source) ? ~CONDITION : -1;
  for (const { lsb, width } of runs) mask &= ~((2 ** width - 1) << lsb);
  return mask;
}

/** `also`: set in all encodings. */
function kindsOf(row: Row, runs: readonly Run[], source: KindSource, also = 0): Kind[] {
  if (runs.length === 0) return [];
  const mask = kindMask(row, runs, source);
  const found = new Map<number, Kind | null>();
  for (const sample of source.samples(row)) {
    const bits = isWrapped(row, source) ? (sample & ~CONDITION) | (14 << 28) : sample | also;
    const key = bits & mask;
    if (found.has(key) || runs.some((run) => isExcluded(bits, run))) continue;
    const kind = kindOf(row, bits, runs, source);
    found.set(key, kind && { ...kind, bits: key });
  }
  const kinds = [...found.values()].filter((kind) => kind !== null);
  return kinds.sort((a, b) => ones(a.bits) - ones(b.bits)).slice(0, MAX_KINDS);
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The rows that an encoding may be, in order of preference, by index: lists that end with NO_ROW, each once. */
function listRows(): { lists: number[]; indexes: Map<RowTable, Uint16Array> } {
  const lists: number[] = [];
  const known = new Map<string, number>();
  const numbers = new Map(ROWS.map((row, i) => [row, i]));
  const indexes = new Map<RowTable, Uint16Array>();
  for (const [table] of INDEXES)
    indexes.set(
      table,
      Uint16Array.from({ length: table.size }, (_, index) => {
        const list = table.candidatesAt(index).map(({ row }) => numbers.get(row)!);
        const text = list.join();
        let place = known.get(text);
        if (place === undefined) {
          place = lists.length;
          known.set(text, place);
          lists.push(...list, NO_ROW);
        }
        return place;
      }),
    );
  if (lists.length > 0xffff) throw new Error('lists of rows are too long for halfwords');
  return { lists, indexes };
}

function fillHash(slots: Int32Array, kinds: readonly Kind[], places: readonly number[]): void {
  if (kinds.length > slots.length / 2)
    throw new Error(`${kinds.length} kinds are too many for their hash table`);
  kinds.forEach(({ row, bits }, i) => {
    let slot =
      Math.imul(bits ^ Math.imul(row, KIND_FACTORS.row), KIND_FACTORS.all) >>> (32 - TABLES.hashLog2);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = places[i]!;
  });
}
