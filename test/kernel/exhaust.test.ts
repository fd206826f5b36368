/** A program that takes of something as much as there is: it is refused with Linux's error in the end, and armrun lives on. */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = fs.readFileSync(new URL('./exhaust.c', import.meta.url), 'utf8');
let root: string;
beforeAll(() => {
  root = fs.mkdtempSync(`${tmpdir()}/armrun-exhaust-`);
  fs.mkdirSync(`${root}/small`);
  fs.copyFileSync(compile('exhaust', source, 'arm'), `${root}/exhaust`);
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const REFUSED: [string, string[]][] = [
  ['arguments', ['arguments: 200000, then E2BIG', 'one argument: 1, then E2BIG']],
  ['stacks', ['signal 11']],
  ['memory', ['memory below its limit: 1, then ENOMEM']],
  ['fds', ['files: 1, then EMFILE', 'pipes: 1, then EMFILE']],
  ['threads', ['threads: 1, then EAGAIN']],
  ['tmpfs', ['MiB in a tmpfs of 8: 8, then ENOSPC']],
  ['shm', ['segments: 4096, then ENOSPC', 'queues: 32000, then ENOSPC']],
  ['sockets', ['datagrams: 1, then EAGAIN', 'stream: 1, then EAGAIN', 'pipe: 1, then EAGAIN', 'rights 1']],
  ['events', ['events 1 overflow 1', 'epolls in each other: 4, then ELOOP']],
];
test.each(REFUSED)('%s', (what, lines) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--root', root, '/exhaust', what], {
    encoding: 'latin1',
    timeout: 180_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${lines.join('\n')}\n`, stderr: '' });
});

/** Limits of the host on armrun itself: the guest gets the error, and what is given back can be had again. */
const OF_THE_HOST: [string, string, string[]][] = [
  ['files', 'ulimit -n 120', ['files of the host: 1, then EMFILE', 'a pipe: 0', 'one more: 1']],
  ['forks', 'ulimit -v 200000000', ['forks: 1, then ENOMEM', 'one more: 3']],
];
test.each(OF_THE_HOST)('%s, by the limit of the host: %s', (what, limit, lines) => {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `${limit} && exec "$@"`, 'sh', process.execPath, bin, '--root', root, '/exhaust', what],
    { encoding: 'latin1', timeout: 180_000 },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${lines.join('\n')}\n`, stderr: '' });
});

test('much hot code, whatever forks have left of the addresses that the host gives', {
  timeout: 300_000,
}, () => {
  const native = spawnSync(compile('exhaust', source, 'host'), ['work'], { encoding: 'latin1' }).stdout;
  expect(native).toMatch(/^work: [0-9a-f]{8}\n$/);
  const within = (limit: number | 'unlimited') => {
    const command = `ulimit -v ${limit} && exec "$@"`;
    const words = [process.execPath, bin, '--cache', 'none', '--root', root, '/exhaust'];
    words.push(limit === 'unlimited' ? 'work' : 'translator');
    const options = { encoding: 'latin1', timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', ...words], options);
    return { limit, status, stdout, stderr: stderr.slice(0, 500) };
  };
  expect(within('unlimited').stdout).toBe(native);
  // KiB: from where the first process has room ...
  let first = 25_000_000;
  while (within(first).status === 125) first += 1_000_000;
  // ... by as much as another takes, in steps that a thread does not fit in.
  for (let limit = first; limit < first + 9_000_000; limit += 500_000)
    expect(within(limit)).toEqual({
      limit,
      status: 0,
      stdout: `forks: 1, then ENOMEM\n${native}`,
      stderr: '',
    });
});

test('a full disk', () => {
  const script = 'mount -t tmpfs -o size=1m small "$1/small" && shift && exec "$@"';
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      root,
      process.execPath,
      bin,
      '--root',
      root,
      '/exhaust',
      'disk',
    ],
    { encoding: 'latin1', timeout: 180_000 },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'disk: 1, then ENOSPC\n', stderr: '' });
});

test('a fork bomb ends by a signal to armrun', async () => {
  const child = spawn(process.execPath, [bin, '--root', root, '/exhaust', 'bomb'], { stdio: 'ignore' });
  const ended = new Promise((done) => child.on('exit', (status, signal) => done(signal ?? status)));
  await new Promise((done) => setTimeout(done, 3000));
  child.kill('SIGTERM');
  expect(await ended).toBe('SIGTERM');
});
