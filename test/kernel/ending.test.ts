/**
 * A signal ends a run at once, whatever the guest and armrun are busy with (ending.c); and where the guest has something to say
 * to it, it does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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

const HARD = ['threads', 'processes', 'flushes', 'long call', 'default again'];
test.each(HARD)('%s', async (what) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { end: by, output, milliseconds } = await end(what, signal);
    expect({ by, output }).toEqual({ by: signal, output: 'ready\n' });
    // Measured: 30 to 140; the host's kernel takes this time to free the memory.
    expect(milliseconds).toBeLessThan(2000);
  }
});

test.each(['handler', 'wait'])('%s', async (what) => {
  expect(await end(what, 'SIGTERM')).toMatchObject({ end: 7, output: 'ready\nsignal 15\n' });
  expect(await end(what, 'SIGINT')).toMatchObject({ end: 7, output: 'ready\nsignal 2\n' });
});
