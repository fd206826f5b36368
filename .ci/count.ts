/**
 * Prints vitest's JSON report as one line, 'N passed, N failed, N skipped', before it for want of what tests were skipped;
 * fails unless tests ran and all passed.
 *
 *   node .ci/count.ts REPORT [--complete]     --complete: fails, too, when something was skipped that could have run here
 */
import { readFileSync } from 'node:fs';

interface Assertion {
  fullName: string;
  status: string;
}

export interface Report {
  success: boolean;
  testResults: { name: string; status: string; assertionResults: Assertion[] }[];
}

/** Needs that nobody can meet by installing something. */
const OF_OTHER_MACHINES = ['x64', 'arm64'];

/** What to print, and whether it is good. */
export function count(
  { success, testResults }: Report,
  complete: boolean,
): { lines: string[]; good: boolean } {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  // A file that could not be loaded has no tests to count; it counts as one failure.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length + broken.length;
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
  const needs = new Map<string, Assertion[]>();
  for (const test of skipped) {
    const need = /\(needs ([^()]+)\)/.exec(test.fullName)?.[1] ?? 'no reason given';
    needs.set(need, [...(needs.get(need) ?? []), test]);
  }
  const lines = [...needs].map(([need, list]) => `skipped for want of ${need}: ${list.length}`);
  let good = success && failed === 0 && passed > 0;
  const missing = [...needs]
    .filter(([need]) => !OF_OTHER_MACHINES.includes(need))
    .flatMap(([, list]) => list);
  if (complete && missing.length > 0) {
    good = false;
    lines.push('These should have run:', ...missing.map(({ fullName }) => `  ${fullName}`));
  }
  lines.push(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return { lines, good };
}

if (import.meta.main) {
  const report: Report = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));
  const { lines, good } = count(report, process.argv.includes('--complete'));
  console.log(lines.join('\n'));
  process.exitCode = good ? 0 : 1;
}
