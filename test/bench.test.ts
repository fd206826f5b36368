/** What `npm run bench` says to its options: one line, and no trace of a stack. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { benchOptions } from '../bench/options.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const bench = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [`${project}bench/${script}.ts`, ...args], { encoding: 'utf8' });

test('--help lists every option', () => {
  const { status, stdout, stderr } = bench('run', '--help');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const option of ['--first', '--only', '--rounds', '--long', '--cpu', '--cache', '--help'])
    expect(stdout).toContain(`\n  ${option} `);
});

test('options say which benchmarks run', () => {
  const kinds = (...args: string[]) => (benchOptions(args) as { kind: string }).kind;
  expect(kinds()).toBe('steady');
  expect(kinds('--only', 'fib,sha256', '--rounds', '2', '--cpu', 'interp', '--cache', 'none')).toBe('steady');
  expect(kinds('--long', '--only', 'fib')).toBe('steady');
  expect(kinds('--first', '--only', 'date')).toBe('first');
  expect(kinds('--only', 'exec')).toBe('work');
  expect(benchOptions(['--first'])).toMatchObject({ rounds: 3, only: [], cpu: 'jit', cache: null });
});

test.each([
  [['--only', 'nothing'], /^--only nothing: no such program; there are crc32, sieve, /],
  [['--only', 'fib,nothing'], /^--only nothing: /],
  [['--only', ''], /^--only : no such program; /],
  [['--first', '--only', 'fib'], /^--only fib: no such program; there are date, /],
  [['--only', 'exec,nothing'], /^--only nothing: no such program; there are exec, files, /],
  [['--rounds', '0'], /^--rounds 0: not a number of rounds$/],
  [['--rounds', 'x'], /^--rounds x: not a number of rounds$/],
  [['--cpu', 'z80'], /^--cpu z80: no such CPU; there are jit, /],
  [['--first', '--long'], /^--long goes with neither /],
  [['--first', '--cache', 'none'], /^--cache goes with neither /],
  [['--wrong'], /^Unknown option '--wrong'; --help lists the options$/],
  [['--rounds'], /^Option '--rounds <value>' argument missing; --help lists the options$/],
  [['--long=1'], /^Option '--long' does not take an argument; --help lists the options$/],
  [['word'], /^Unexpected argument 'word'; --help lists the options$/],
])('%s is refused in one line', (args, message) => {
  let said = '';
  try {
    benchOptions(args);
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toMatch(message);
  expect(said).not.toContain('\n');
});

test('the command shows that line, and ends with 2', () => {
  const { status, stdout, stderr } = bench('run', '--rounds', 'x');
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: 'bench: --rounds x: not a number of rounds\n',
  });
  expect(bench('compare', '/nowhere.json', '/nowhere.json').stderr).toMatch(
    /^bench:compare: \/nowhere\.json: ENOENT[^\n]*\n$/,
  );
});
