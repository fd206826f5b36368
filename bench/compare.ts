/**
 * Compares two JSON files of the benchmarks: `npm run bench:compare -- OLD.json NEW.json`. For each program and engine that both
 * have: the medians, new/old, and whether that says anything: 'faster' and 'slower' only when all runs of the one lie on one side
 * of all runs of the other. Then the geometric mean of new/old for each engine, and the same as multiples of qemu-arm's time,
 * which leaves out what the machine itself was slower or faster.
 */
import { readFileSync } from 'node:fs';
import type { Result, Results } from './measure.ts';

const [oldFile, newFile] = process.argv.slice(2);
if (oldFile === undefined || newFile === undefined || process.argv.length !== 4) {
  console.error('usage: npm run bench:compare -- OLD.json NEW.json');
  process.exit(2);
}
const [before, after] = [read(oldFile), read(newFile)];

function read(file: string): Results {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results;
  } catch (error) {
    console.error(`bench:compare: ${file}: ${(error as Error).message}`);
    process.exit(2);
  }
}

const line = (cells: readonly string[]) =>
  console.log(
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(14) : cell.padStart(11)))
      .join('')
      .trimEnd(),
  );
for (const [file, { date, machine, rounds }] of [
  [oldFile, before],
  [newFile, after],
] as const)
  console.log(`${file}: ${date.slice(0, 16)}, ${machine.cpu}, Node ${machine.node}, ${rounds} rounds`);
line(['', '', 'old', 'new', 'new/old', '']);

/** new/old by engine, and the same of times as multiples of qemu-arm's. */
const changes = new Map<string, number[]>();
const note = (what: string, change: number) => changes.set(what, [...(changes.get(what) ?? []), change]);
for (const old of before.results) {
  const now = after.results.find(({ name }) => name === old.name);
  if (now === undefined) continue;
  for (const engine of Object.keys(old.median)) {
    const [was, is] = [old.median[engine], now.median[engine]];
    if (was === undefined || is === undefined) continue;
    line([
      old.name,
      engine,
      `${was.toFixed(0)} ms`,
      `${is.toFixed(0)} ms`,
      (is / was).toFixed(2),
      verdict(old, now, engine),
    ]);
    note(engine, is / was);
    const [wasQemu, isQemu] = [old.median['qemu-arm'], now.median['qemu-arm']];
    if (engine !== 'qemu-arm' && wasQemu !== undefined && isQemu !== undefined)
      note(`${engine} / qemu-arm`, is / isQemu / (was / wasQemu));
  }
}
if (changes.size === 0) {
  console.error('no program is in both');
  process.exit(1);
}
for (const [what, list] of changes) {
  const mean = Math.exp(list.reduce((sum, change) => sum + Math.log(change), 0) / list.length);
  console.log(`${what}: ${mean.toFixed(3)} of the old time, geometric mean of ${list.length}`);
}

function verdict(old: Result, now: Result, engine: string): string {
  const [was, is] = [old.runs[engine] ?? [], now.runs[engine] ?? []];
  if (Math.max(...is) < Math.min(...was)) return 'faster';
  if (Math.min(...is) > Math.max(...was)) return 'slower';
  return '';
}
