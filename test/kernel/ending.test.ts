/**
 * A signal ends a run at once, whatever the guest and armrun are busy with (ending.c); and where the guest has something to say
 * to it, it does.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compile } from '../vfs/compile.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** How the guest ends by the signal, what it has written, and after how many milliseconds. */
async function end(what: string, signal: NodeJS.Signals) {
  const program = compile('ending', readFileSync(path('./ending.c'), 'utf8'), 'arm');
  const args = [path('../../src/bin.cjs'), program, what];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((ready) => {
    child.stdout.setEncoding('latin1').on('data', (text) => {
      output += text;
      if (output.startsWith('ready\n')) ready();
    });
  });
  const started = performance.now();
  child.kill(signal);
  const [status, by] = await once(child, 'close');
  return { end: by ?? status, output, milliseconds: performance.now() - started };
}

/** Milliseconds that an end may take; on an idle machine it is 4 to 80, which the host's kernel needs to free the memory. */
const AT_ONCE = 200;
/** On a busy machine everything takes longer: one of so many tries is to be in time. */
const TRIES = 8;

/** The least of what `attempt` gives, as soon as it is in time. */
async function fastest(attempt: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < TRIES && least >= AT_ONCE; i++) least = Math.min(least, await attempt());
  return least;
}

const HARD = ['threads', 'processes', 'flushes', 'long call', 'default again', 'nothing'];
test.each(HARD)('%s', { timeout: 300_000 }, async (what) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const took = await fastest(async () => {
      const { end: by, output, milliseconds } = await end(what, signal);
      expect({ by, output }).toEqual({ by: signal, output: 'ready\n' });
      return milliseconds;
    });
    expect(took).toBeLessThan(AT_ONCE);
  }
});

test('while it starts, also where there is no home', { timeout: 300_000 }, async () => {
  const program = compile('ending', readFileSync(path('./ending.c'), 'utf8'), 'arm');
  const env = { ...process.env, HOME: '/proc/x' };
  for (const delay of [0, 20, 40, 80, 200, 500]) {
    const took = await fastest(async () => {
      const args = [path('../../src/bin.cjs'), program, 'nothing'];
      const child = spawn(process.execPath, args, { stdio: 'ignore', env });
      await setTimeout(delay);
      const started = performance.now();
      child.kill('SIGTERM');
      const [, by] = await once(child, 'close');
      expect(by).toBe('SIGTERM');
      return performance.now() - started;
    });
    expect(took).toBeLessThan(AT_ONCE);
  }
  const { stdout } = spawnSync(process.execPath, [path('../../src/bin.cjs'), program, 'end'], {
    env,
    encoding: 'latin1',
  });
  expect(stdout).toBe('ready\n');
});

test.each(['handler', 'wait'])('%s', async (what) => {
  expect(await end(what, 'SIGTERM')).toMatchObject({ end: 7, output: 'ready\nsignal 15\n' });
  expect(await end(what, 'SIGINT')).toMatchObject({ end: 7, output: 'ready\nsignal 2\n' });
});
