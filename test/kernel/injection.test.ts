/**
 * One process's trouble is its own: exceptions put into every handler, into a page fault and into a callback of the host's leave
 * all else running (injected.ts, injected.c).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { allCalls } from '../../syscalls/calls/table.ts';
import { compile } from '../vfs/compile.ts';

const { bundledNode } = createRequire(import.meta.url)('../../src/node.cjs') as { bundledNode(): string };
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function run(options: readonly string[], numbers: readonly number[]) {
  const program = compile('injected', readFileSync(path('./injected.c'), 'utf8'), 'arm');
  const args = [...flags, path('./injected.ts'), ...options, program, ...numbers.map(String)];
  const { ARMRUN_STRICT: _, ...env } = process.env;
  const child = spawn(bundledNode(), args, { timeout: 150_000, env });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('latin1').on('data', (text) => {
      output[name] += text;
      if (text.includes('input, please')) setTimeout(() => child.stdin.write('words\n'), 100);
    });
  }
  const [status] = await once(child, 'close');
  return { status, ...output };
}

test.each(['jit', 'interp'])('everything goes on, and each failure is said once (%s)', async (cpu) => {
  const numbers = allCalls.map((call) => call.number);
  const { status, stdout, stderr } = await run(['--cpu', cpu], numbers);
  expect(stdout.split('\n')).toEqual([
    `${numbers.length} calls, 0 wrong`,
    'a call that is run again: status 0',
    'a page fault: signal 11',
    'a page fault with a handler: signal 11',
    'a connection: status 0',
    'input, please',
    'standard input: status 0',
    'the other process: status 0',
    '',
  ]);
  const lines = stderr.trimEnd().split('\n');
  const expected = /^armrun: internal error, not the program's: TypeError: injected \(at .*\), in (.*)$/;
  const places = lines.map((line) => expected.exec(line)?.[1] ?? line);
  const named = (name: string) => places.filter((place) => place.startsWith(`${name}(`));
  for (const { name } of allCalls) {
    if (name !== 'read') expect(named(name)).toEqual([expect.stringMatching(/, which gets EIO$/)]);
  }
  expect(named('openat')[0]).toMatch(
    /^openat\(0, NULL, O_RDONLY.*\) of injected-.* \(\d+\), which gets EIO$/,
  );
  // Before it has begun, and when it is run again: two failures.
  expect(named('read')).toHaveLength(2);
  expect(places.filter((place) => place.startsWith('running of'))).toHaveLength(1);
  expect(places.filter((place) => place === 'a callback of the host')).toHaveLength(2);
  expect(places).toHaveLength(numbers.length + 4);
  expect(status).toBe(0);
});

test('--strict ends the run', async () => {
  const { status, stderr } = await run(['--strict', '--cpu', 'interp'], [20]);
  expect(stderr).toMatch(/^armrun: internal error, not the program's: TypeError: injected\n +at /);
  expect(status).toBe(125);
});
