/**
 * Hostile calls, a few: those of the recording have the results they had on Linux, and as many new ones, other ones each day,
 * do not make armrun fail. test/hostile/main.ts makes as many as one likes.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { subjects } from '../../syscalls/calls/table.ts';
import { Random } from '../fuzz/random.ts';
import { compare, differenceText } from './compare.ts';
import { hostileDocument } from './document.ts';
import { encode, forArm } from './encode.ts';
import { Generator } from './generate.ts';
import { readRecording } from './recording.ts';
import { run } from './run.ts';

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
