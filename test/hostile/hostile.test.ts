/**
 * Hostile calls, a few: those of the recording have the results they had on Linux, and as many new ones, other ones each day,
 * do not make armrun fail. test/hostile/main.ts makes as many as one likes.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allCalls, subjects } from '../../syscalls/calls/table.ts';
import { Random } from '../fuzz/random.ts';
import { needs } from '../needs.ts';
import { compare, differenceText } from './compare.ts';
import { hostileDocument } from './document.ts';
import { encode, forArm, forX86 } from './encode.ts';
import { Generator, type Made } from './generate.ts';
import { readRecording } from './recording.ts';
import { hostNumbers, run } from './run.ts';

test('docs/HOSTILE.md lists what differs', () => {
  expect(readFileSync(new URL('../../docs/HOSTILE.md', import.meta.url), 'utf8')).toBe(hostileDocument());
});

test('results are those of Linux', async () => {
  const recorded = readRecording();
  const made = recorded.map((batch) => batch.made);
  const { batches, stderr, failure } = await run('arm', encode(made, forArm));
  expect({ stderr, failure }).toEqual({ stderr: '', failure: undefined });
  const differences = recorded.flatMap((batch, i) => compare(batch.made, batches[i]!, batch.result).found);
  expect(differences.map(differenceText)).toEqual([]);
});

test('nothing that is asked makes armrun fail', async () => {
  const seed = Math.floor(Date.now() / 86_400_000);
  const generator = new Generator(new Random(seed));
  const made = Array.from({ length: 50 }, () => generator.batch(Object.values(subjects), 20));
  const { batches, stderr, failure } = await run('arm', encode(made, forArm));
  expect({ seed, stderr, failure }).toEqual({ seed, stderr: '', failure: undefined });
  expect(batches).toHaveLength(made.length);
});

const x64 = needs('x64');
test.each(x64.met ? (['arm', 'host'] as const) : (['arm'] as const))(
  x64.name('calls that take away what is in memory leave the results there (%s)'),
  async (where) => {
    const make = (name: string, ...words: number[]): Made => ({
      call: allCalls.find((call) => call.name === name)!,
      words: words.map((word) => [word, 0]),
      fills: [],
    });
    // MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_WIPEONFORK.
    const advice = [4, 8, 9, 18].flatMap((advice) => [
      make('madvise', 0, 0x8000_0000, advice),
      make('madvise', 0x6000_0000, 0x8000_0000, advice),
    ]);
    const made = [make('getuid32'), ...advice, make('vfork'), make('getuid32')];
    const { batches } = await run(where, encode([made], where === 'arm' ? forArm : forX86(hostNumbers())));
    expect(batches).toMatchObject([{ status: 0, calls: { length: made.length } }]);
    const { calls } = batches[0]!;
    expect([calls[0]?.value, calls.at(-1)?.value]).toEqual([1000, 1000]);
    for (const { value } of calls.slice(1, -2)) expect([-12, -13, -22]).toContain(value);
    expect(calls.at(-2)!.value).toBeGreaterThan(0);
  },
);
