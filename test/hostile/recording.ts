/**
 * Calls with what the host's kernel made of them, kept for where there is no such kernel (recorded.jsonl, made by main.ts
 * --record).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allCalls } from '../../syscalls/calls/table.ts';
import type { BatchResult } from './encode.ts';
import type { Made } from './generate.ts';

const file = fileURLToPath(new URL('./recorded.jsonl', import.meta.url));

/** A call: name, argument words, fills (address, bytes in base64), and result, first and last byte changed when it returned. */
type Row = [string, Made['words'], [number, string][], ([number, number, number] | undefined)?];
interface Batch {
  status: number;
  descriptors: number[];
  calls: Row[];
}

export interface Recorded {
  readonly made: Made[];
  readonly result: BatchResult;
}

export function writeRecording(batches: readonly Recorded[]): void {
  const rows = batches.map(({ made, result }): Batch => {
    const calls = made.map(({ call, words, fills }, i): Row => {
      const kept = fills.map(({ at, bytes }): [number, string] => [
        at,
        Buffer.from(bytes).toString('base64'),
      ]);
      const done = result.calls[i];
      return [call.name, words, kept, done ? [done.value, done.first, done.last] : undefined];
    });
    return { status: result.status, descriptors: result.descriptors, calls };
  });
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

export function readRecording(): Recorded[] {
  const byName = new Map(allCalls.map((call) => [call.name, call]));
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const batches = lines.map((line) => JSON.parse(line) as Batch);
  return batches.map(({ status, descriptors, calls }) => ({
    made: calls.map(([name, words, fills]) => ({
      call: byName.get(name)!,
      words,
      fills: fills.map(([at, bytes]) => ({ at, bytes: new Uint8Array(Buffer.from(bytes, 'base64')) })),
    })),
    result: {
      status,
      descriptors,
      calls: calls.flatMap(([, , , done]) =>
        done ? [{ value: done[0], first: done[1], last: done[2] }] : [],
      ),
    },
  }));
}
