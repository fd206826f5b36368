/** What the host has no more of: errors are those that Linux gives, and the run goes on. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { errnoNamed } from '../../syscalls/abi/errno.ts';
import { host } from '../../syscalls/vfs/host/error.ts';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const node = [process.execPath, bin, '--cpu', 'interp', '--cache', 'none'];
const sourceOf = (name: string) => readFileSync(new URL(`./${name}.c`, import.meta.url), 'utf8');

/** What a command says that runs in the root of a new ext4 of 4 MB with 64 inodes. */
function onSmallDisk(command: readonly string[]): string[] {
  const directory = mkdtempSync(`${tmpdir()}/armrun-disk-`);
  const [image, mount] = [`${directory}/image`, `${directory}/mount`];
  mkdirSync(mount);
  execFileSync('mkfs.ext4', ['-q', '-N', '64', '-m', '0', '-b', '1024', image, '4M']);
  try {
    const script = 'mount -o loop "$1" "$2"; cd "$2"; shift 2; exec "$@"';
    const args = ['--mount', 'sh', '-ec', script, 'sh', image, mount, ...command];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'latin1', timeout: 60_000 });
    return (stdout + stderr).split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('errors that libuv has no names for are told by their numbers', () => {
  // As node:fs has thrown them where a quota of btrfs was used up.
  const quota = (code: string) => () => {
    throw Object.assign(new Error(`${code}, write`), { code, errno: -122 });
  };
  expect(() => host(quota('UNKNOWN'))).toThrow(errnoNamed('EDQUOT'));
  expect(() => host(quota('Unknown system error -122'))).toThrow(errnoNamed('EDQUOT'));
  const bug = new TypeError('no error of the host');
  expect(() =>
    host(() => {
      throw bug;
    }),
  ).toThrow(bug);
});

const root = needs('root');
root.test(root.name('a disk that is full, and one without inodes'), () => {
  const source = sourceOf('full-disk');
  const native = onSmallDisk([compile('full-disk', source, 'host')]);
  expect(native.filter((line) => line.includes('ENOSPC')).length).toBeGreaterThan(6);
  expect(onSmallDisk([...node, compile('full-disk', source, 'arm')])).toEqual(native);
});

test('descriptors of the host that are used up are EMFILE, and are there again', () => {
  const program = compile('host-descriptors', sourceOf('host-descriptors'), 'arm');
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 60; exec "$@"', 'sh', ...node, program], {
    encoding: 'latin1',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual(['EMFILE', 'some', 'EMFILE', 'the same', '']);
});

/** Of the kernel of a 32-bit machine, by generic_write_check_limits and do_sys_ftruncate: natively all files are large. */
const SMALL = [
  '-1 EFBIG',
  '2',
  '-1 EFBIG',
  '0',
  '-1 EFBIG',
  '1',
  '1',
  '0',
  ...['-1 EFBIG', '-1 EFBIG', '-1 EFBIG', '-1 EFBIG'],
  '0',
  '4',
  '-1 EOVERFLOW',
];
test('without O_LARGEFILE nobody writes beyond 2 GiB', () => {
  const source = sourceOf('large');
  const directory = mkdtempSync(`${tmpdir()}/armrun-large-`);
  const lines = (...command: string[]) =>
    spawnSync(command[0]!, command.slice(1), { cwd: directory, encoding: 'latin1' }).stdout.split('\n');
  try {
    const guest = lines(...node, compile('large', source, 'arm'));
    const large = guest.indexOf('-- large');
    expect(guest.slice(1, large).map((line) => line.split(' = ').at(-1))).toEqual(SMALL);
    const native = lines(compile('large', source, 'host'));
    expect(native.filter((line) => line.includes('EFBIG'))).toEqual([]);
    expect(guest.slice(large)).toEqual(native.slice(native.indexOf('-- large')));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
