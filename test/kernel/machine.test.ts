/** --cpus, --pid-max and --memory: what programs see and are refused then, as on a machine of Linux that is so. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./machine.c', import.meta.url), 'utf8');

function run(command: string, args: string[]): string[] {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'latin1', timeout: 120_000 });
  return (stdout + stderr).trimEnd().split('\n');
}
const armrun = (...args: string[]) => run(process.execPath, [bin, '--cpu', 'interp', ...args]);
const program = () => compile('machine', source, 'arm');

test('as many processors as the host has are seen in the same places', () => {
  const expected = run(compile('machine', source, 'host'), ['cpus']);
  expect(expected.length).toBeGreaterThan(20);
  expect(armrun('--cpus', String(cpus().length), program(), 'cpus')).toEqual(expected);
});

test('one processor, and more than the host has', () => {
  expect(armrun(program(), 'cpus')[1]).toBe('1 in cpuinfo, 2 in stat');
  const many = armrun('--cpus', '32', program(), 'cpus');
  expect(many.slice(0, 3)).toEqual([
    '32 online, 32 configured, 32 32',
    '32 in cpuinfo, 33 in stat',
    '/sys/devices/system/cpu/online 0-31',
  ]);
});

const root = needs('root');
const PIDS = ['highest 399, then EAGAIN', 'then from 300 to 399'];
test('process ids end where they are to, and begin again', () => {
  expect(armrun('--pid-max', '400', program(), 'pids')).toEqual(PIDS);
});
root.test(root.name('and so they do when a program sets where'), () => {
  const script = 'echo 400 > /proc/sys/kernel/pid_max && cat /proc/sys/kernel/pid_max && exec "$1" pids';
  const native = run('unshare', [
    '-p',
    '-f',
    '-m',
    '--mount-proc',
    'sh',
    '-c',
    script,
    'sh',
    compile('machine', source, 'host'),
  ]);
  // Before Linux 6.14 this is of the whole machine, and not to be touched.
  if (native[0] === '400') expect(native.slice(1)).toEqual(PIDS);
});

/** By Documentation/mm/overcommit-accounting.rst, mode 2; of the host all programs would have to be so to find it out. */
test('memory that is not promised', () => {
  expect(armrun('--memory', '64M', program(), 'memory')).toEqual([
    'sysinfo 64 MiB, meminfo 64, limit 64',
    '/proc/sys/vm/overcommit_memory 2',
    'all of it: ENOMEM',
    'without reserve: ENOMEM',
    'to read only: done',
    'shared: ENOMEM',
    'not at all: done',
    'then 20 MiB of it: done',
    'promised more: 20 MiB',
    '20 again: done',
    '70: ENOMEM',
    'over it: done',
    'to 70: ENOMEM',
    'fork: ENOMEM',
    'vfork: done',
    'sbrk: ENOMEM',
    'malloc: ENOMEM',
    'shmget: ENOMEM',
    'a thread: EAGAIN',
    'a file of 30: done',
    'written: some, ENOSPC',
    'child: done',
    'its stack: Segmentation fault',
    'afterwards: done',
    'left: 0 MiB',
  ]);
});

test('files in memory that have been unmounted take none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'armrun-machine-'));
  mkdirSync(join(directory, 't'));
  copyFileSync(program(), join(directory, 'machine'));
  const lines = armrun('--root', directory, '--memory', '64M', '/machine', 'tmpfs');
  rmSync(directory, { recursive: true });
  expect(lines).toEqual(Array.from({ length: 4 }, () => 'mount done, 30 written, umount done'));
});
