/**
 * The instruction fuzzer: makes cases for rows, runs them on the oracle and on CPUs of ours, and gives the differences.
 */
import type { Row } from '../../emu/decode/row.ts';
import { isUnicornsOwn } from './backends.ts';
import { differences } from './compare.ts';
import { Generator } from './generate.ts';
import type { Case, Result } from './layout.ts';
import { runOracle } from './oracle.ts';
import { type BackendFactory, Runner } from './runner.ts';

export interface FuzzOptions {
  /** Rows to test; each gets `count` cases of one instruction. */
  readonly rows: readonly Row[];
  readonly count: number;
  /** Cases of 2 to 8 instructions, drawn from all the rows of an instruction set together. */
  readonly chains: number;
  /** Cases with branches, loops and calls, likewise. */
  readonly programs: number;
  readonly seed: number;
  /** CPU of qemu's, whose model the decoder must have; cortex-a15 when not given. */
  readonly cpu?: string;
  readonly backends: ReadonlyMap<string, BackendFactory>;
}

export interface Failure {
  readonly backend: string;
  readonly case: Case;
  readonly oracle: Result;
  readonly differences: readonly string[];
}

export interface FuzzReport {
  readonly cases: number;
  readonly failures: readonly Failure[];
  /** Cases of one instruction that were found for each row. */
  readonly made: ReadonlyMap<Row, number>;
  /** Candidates thrown away by reason. */
  readonly rejected: ReadonlyMap<string, number>;
  /** Milliseconds: making cases, the oracle, our CPUs. */
  readonly ms: { readonly generate: number; readonly oracle: number; readonly ours: number };
}

/** Most failures kept per row and backend: one bug makes thousands. */
const KEEP = 3;

/** Cases asked of the generator, which may find none, for each that a row is to have. */
const MAKES = 2;

/** Whether a row can stand within a chain. Those that always end it are only tested alone. */
function chainable(row: Row): boolean {
  return !/^(B|BL|BLX|BX|BXJ|CBZ|CBNZ|TBB|TBH|SVC|UDF|BKPT|SETEND)$/i.test(row.mnemonic);
}

export function fuzz(options: FuzzOptions): FuzzReport {
  const { rows, count, chains, programs, seed } = options;
  const generator = new Generator(seed);
  const batches: Case[][] = [[]];
  const made = new Map<Row, number>();
  const ms = { generate: 0, oracle: 0, ours: 0 };
  const begin = performance.now();
  generator.newBatch();
  /** Length 0: a program. */
  const make = (from: readonly Row[], length: number): boolean => {
    if (generator.room === 0) {
      generator.newBatch();
      batches.push([]);
    }
    const c = length > 0 ? generator.case(from, length) : generator.program(from);
    if (c !== null) batches.at(-1)!.push(c);
    return c !== null;
  };
  for (const row of rows) {
    let n = 0;
    for (let i = 0; n < count && i < MAKES * count; i++) if (make([row], 1)) n++;
    made.set(row, n);
  }
  const inChains = rows.filter(chainable);
  const arm = inChains.filter((row) => row.isa === 'A32');
  const thumb = inChains.filter((row) => row.isa !== 'A32');
  for (let i = 0; i < chains + programs; i++) {
    const from = i & 1 ? arm : thumb;
    if (from.length > 0) make(from, i < chains ? 2 + (i % 7) : 0);
  }
  generator.close();
  ms.generate = performance.now() - begin;

  const oracleBegin = performance.now();
  const filled = batches.filter((batch) => batch.length > 0);
  const expected = runOracle(generator.scratch, filled, options.cpu);
  ms.oracle = performance.now() - oracleBegin;

  const oursBegin = performance.now();
  const failures: Failure[] = [];
  for (const [name, factory] of options.backends) {
    const kept = new Map<string, number>();
    const runner = new Runner(factory, generator.scratch);
    for (const [b, batch] of filled.entries()) {
      runner.load(batch);
      for (const [i, c] of batch.entries()) {
        const oracle = expected[b]![i]!;
        const lines = differences(c, oracle, runner.run(c));
        if (lines.length === 0 || (name === 'unicorn' && isUnicornsOwn(c, oracle))) continue;
        const key = c.insns.length === 1 ? c.insns[0]!.row.name : `chain of ${c.insns.length}`;
        const before = kept.get(key) ?? 0;
        kept.set(key, before + 1);
        if (before < KEEP) failures.push({ backend: name, case: c, oracle, differences: lines });
      }
    }
    runner.close();
  }
  ms.ours = performance.now() - oursBegin;
  const cases = filled.reduce((sum, batch) => sum + batch.length, 0);
  return { cases, failures, made, rejected: generator.rejected, ms };
}
