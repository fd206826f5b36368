/**
 * Tests of an ARM build, with Node's own test runner.
 *
 *   ARM_ROOT=ROOT node --test examples/runner.test.mjs
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { capture } from 'armrun';

const root = process.env.ARM_ROOT;

/** A script in the root's shell. What it writes to /mnt lands in a directory of the host. */
function shell(script, options = {}) {
  return capture({
    program: '/bin/sh',
    argv: ['sh', '-euc', script],
    root,
    env: { PATH: '/usr/bin:/bin' },
    ...options,
  });
}

test('it sorts what it reads', async () => {
  const { stdout, exitCode } = await shell('sort', { stdin: 'b\nc\na\n' });
  assert.equal(stdout, 'a\nb\nc\n');
  assert.equal(exitCode, 0);
});

test('it says what is wrong', async () => {
  const { stderr, exitCode } = await shell('cat /no/such/file');
  assert.match(stderr, /No such file/);
  assert.notEqual(exitCode, 0);
});

test('what it makes is found on the host', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'arm-'));
  await shell('uname -m >/mnt/machine', { binds: [{ from: directory, to: '/mnt' }] });
  assert.equal(readFileSync(join(directory, 'machine'), 'utf8'), 'armv7l\n');
});

test('it stays within its limits', async () => {
  const { signal } = await shell('while :; do :; done', { limits: { cpu: 1 } });
  assert.equal(signal, 'SIGKILL');
});

test('it starts no program but these', async () => {
  const started = [];
  await shell('ls / | wc -l', {
    on: { process: (event) => event.type === 'exec' && started.push(event.path) },
  });
  assert.deepEqual(started.sort(), ['/usr/bin/ls', '/usr/bin/wc']);
});
