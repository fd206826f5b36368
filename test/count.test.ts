/** The line that counts the tests, and what it takes for a failure. */
import { expect, test } from 'vitest';
import { count, type Report } from '../.ci/count.ts';

const report = (...tests: [fullName: string, status: string][]): Report => ({
  success: true,
  testResults: [
    {
      name: 'file',
      status: 'passed',
      assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
    },
  ],
});

test('counts, and says for want of what tests were skipped', () => {
  const some = report(
    ['a', 'passed'],
    ['b (needs root)', 'skipped'],
    ['c (needs root) d', 'pending'],
    ['e', 'todo'],
  );
  expect(count(some, false)).toEqual({
    lines: [
      'skipped for want of root: 2',
      'skipped for want of no reason given: 1',
      '1 passed, 0 failed, 3 skipped',
    ],
    good: true,
  });
  const { lines, good } = count(some, true);
  expect(good).toBe(false);
  expect(lines.slice(-5)).toEqual([
    'These should have run:',
    '  b (needs root)',
    '  c (needs root) d',
    '  e',
    '1 passed, 0 failed, 3 skipped',
  ]);
});

test('what only another machine can run may be skipped', () => {
  expect(count(report(['a', 'passed'], ['b (needs x64)', 'skipped']), true).good).toBe(true);
});

test('no tests, a failed test and a file that cannot be loaded are failures', () => {
  expect(count(report(), false).good).toBe(false);
  expect(count(report(['a', 'passed'], ['b', 'failed']), false)).toEqual({
    lines: ['1 passed, 1 failed, 0 skipped'],
    good: false,
  });
  const broken = { ...report(['a', 'passed']) };
  broken.testResults.push({ name: 'other', status: 'failed', assertionResults: [] });
  expect(count(broken, false).lines).toEqual(['1 passed, 1 failed, 0 skipped']);
});
