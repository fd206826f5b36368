/** The library with programs of Debian: streams, limits, events, binds, and runs that are given up. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CaptureOptions, capture, type ProcessEvent, run } from '../../src/index.ts';
import { makeRoot } from '../programs/engines.ts';

let root: string;
let directory: string;
beforeAll(() => {
  root = makeRoot('date');
  directory = mkdtempSync(join(tmpdir(), 'library-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const shell = (script: string, options: Partial<CaptureOptions> = {}): CaptureOptions => ({
  program: 'sh',
  argv: ['sh', '-c', script],
  env: { PATH: '/bin:/usr/bin', ABSENT: undefined },
  root,
  ...options,
});

describe('streams', () => {
  test('input in pieces, output to a stream that is soon full', async () => {
    const output = new PassThrough({ highWaterMark: 3 });
    const written = text(output);
    const stdin = Readable.from(['one ', Buffer.from('two '), '', 'three']);
    const result = await run({ ...shell('cat; echo; echo end'), stdin, stdout: output, stderr: output });
    output.end();
    expect(result).toEqual({ exitCode: 0, signal: null });
    expect(await written).toBe('one two three\nend\n');
  });

  test('input is closed when the program has had enough', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield 'line\n';
      } finally {
        closed = true;
      }
    }
    const { stdout } = await capture(shell('head -n 2', { stdin: endless() }));
    expect(stdout).toBe('line\nline\n');
    expect(closed).toBe(true);
  });

  test('errors of streams are errors of the program', async () => {
    async function* broken() {
      yield 'some';
      throw new Error('broken');
    }
    const { stdout, stderr, exitCode } = await capture(shell('cat', { stdin: broken() }));
    expect(stdout).toBe('some');
    expect(stderr).toMatch(/Input\/output error/);
    expect(exitCode).toBe(1);
    const full = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('full'), { code: 'ENOSPC' })),
    });
    const written: Uint8Array[] = [];
    await run({
      ...shell('echo a; sleep 0.1; /bin/echo b'),
      stdin: '',
      stdout: full,
      stderr: (bytes) => written.push(bytes),
    });
    expect(Buffer.concat(written).toString()).toMatch(/No space left on device/);
  });
});

test('limits', async () => {
  const limits = { nofile: 64, fsize: 1024, stack: { soft: 1 << 20 }, cpu: Infinity };
  const { stdout } = await capture(
    shell('ulimit -n; ulimit -Hn; ulimit -f; ulimit -s; ulimit -t', { limits }),
  );
  expect(stdout).toBe('64\n64\n2\n1024\nunlimited\n');
  const over = await capture(shell('while :; do :; done', { limits: { cpu: 1 } }));
  expect(over).toMatchObject({ signal: 'SIGKILL', exitCode: 137 });
});

test('events', async () => {
  const starts: unknown[] = [];
  const processes: ProcessEvent[] = [];
  const lines: string[] = [];
  const { exitCode, stats } = await capture({
    ...shell('/bin/true; kill -9 $$'),
    stats: true,
    on: {
      start: (event) => starts.push(event),
      process: (event) => processes.push(event),
      syscall: (line) => lines.push(line),
    },
  });
  expect(exitCode).toBe(137);
  const pid = process.pid;
  const argv = ['sh', '-c', '/bin/true; kill -9 $$'];
  expect(starts).toMatchObject([
    { pid, argv, cwd: '/', path: expect.stringMatching(/^(\/usr)?\/bin\/dash$/) },
  ]);
  const child = expect.any(Number);
  expect(processes).toMatchObject([
    { type: 'fork', pid: child, ppid: pid },
    { type: 'exec', pid: child, path: '/bin/true', argv: ['/bin/true'] },
    { type: 'exit', pid: child, comm: 'true', exitCode: 0, signal: null },
    { type: 'exit', pid, comm: 'sh', exitCode: 137, signal: 'SIGKILL' },
  ]);
  expect(lines.some((line) => line.includes('execve("/bin/true"'))).toBe(true);
  expect(stats).toMatchObject({ processes: 2 });
  expect(stats!.byProcess.map(({ comm }) => comm).sort()).toEqual(['sh', 'true']);
});

test('binds', async () => {
  writeFileSync(join(directory, 'file'), 'from the host\n');
  const binds = [
    { from: directory, to: '/mnt', readOnly: true },
    { from: join(directory, 'file'), to: '/etc/bound' },
  ];
  const { stdout, stderr } = await capture(
    shell('cat /mnt/file; echo more >>/etc/bound; echo x >/mnt/new', { binds }),
  );
  expect(stdout).toBe('from the host\n');
  expect(stderr).toMatch(/\/mnt\/new: Read-only file system/);
  expect(readFileSync(join(directory, 'file'), 'latin1')).toBe('from the host\nmore\n');
});

describe('a run that is given up', () => {
  test.each([
    ['that computes', 'while :; do :; done'],
    ['that sleeps', 'sleep 1000 & sleep 1000'],
    ['that ignores signals', 'trap "" TERM INT HUP; while :; do /bin/true; done'],
  ])('%s', async (_, script) => {
    const before = performance.now();
    await expect(capture(shell(script, { signal: AbortSignal.timeout(300) }))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  test('before it begins', async () => {
    const reason = new Error('no');
    await expect(capture(shell('echo x', { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });
});
