/** A root's view: what is read-only, bound or in memory in it is so as in a mount namespace of the host's that has the same. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = readFileSync(new URL('./view.c', import.meta.url), 'utf8');
const top = mkdtempSync(join(tmpdir(), 'armrun-view-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** A root with the program in it, and what is bound. */
function makeRoot(kind: 'host' | 'arm'): string {
  const root = join(top, kind, 'root');
  for (const name of ['dir', 'src', 'ro', 'tmp', 'proc']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['src', 'ro']) mkdirSync(join(top, kind, name));
  for (const directory of [root, join(top, kind, 'src'), join(top, kind, 'ro')])
    writeFileSync(join(directory, 'file'), 'text');
  copyFileSync(compile('view', source, kind), join(root, 'view'));
  return root;
}

const answer = (command: string, args: string[]) => {
  const { stdout, stderr } = spawnSync(command, args, {
    encoding: 'latin1',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return (stdout + stderr).split('\n');
};

const root = needs('root');
root.test(root.name('a read-only root with binds and a tmpfs'), () => {
  const native = makeRoot('host');
  const script = `cd ${native} && mount --bind . . && cd ${native} && mount --bind ../src src && mount --bind ../ro ro &&
    mount -t tmpfs -o size=64k tmpfs tmp && mount -t proc proc proc && mount -o remount,bind,ro ro &&
    mount -o remount,bind,ro . && hostname elsewhere && exec chroot . /view`;
  const expected = answer('unshare', ['--mount', '--uts', 'sh', '-c', script]);
  expect(expected.length).toBeGreaterThan(100);
  const guest = makeRoot('arm');
  const options = [
    '--root',
    guest,
    '--read-only',
    '--bind',
    `${join(top, 'arm/src')}:/src`,
    '--hostname',
    'elsewhere',
  ];
  options.push('--bind', `${join(top, 'arm/ro')}:/ro:ro`, '--tmpfs', '/tmp:size=64k');
  expect(answer(process.execPath, [bin, '--cpu', 'interp', ...options, '/view'])).toEqual(expected);
});

test('what was made read-only for the guest stays so', () => {
  const source = `
    #include "try.h"
    #include <sys/mount.h>
    #include <fcntl.h>
    #include <sys/stat.h>
    int main(void) {
      TRY(mount(0, "/", 0, MS_REMOUNT, 0));
      TRY(mount(0, "/ro", 0, MS_REMOUNT | MS_BIND, 0));
      TRY(mount("/ro", "/tmp", 0, MS_BIND, 0));
      TRY(mount(0, "/tmp", 0, MS_REMOUNT | MS_BIND, 0));
      TRY0(open("/tmp/file", O_RDWR));
      TRY(mount("/", "/dir", 0, MS_BIND, 0));
      TRY(mount(0, "/dir", 0, MS_REMOUNT | MS_BIND, 0));
      TRY0(open("/dir/file", O_RDWR));
      return 0;
    }`;
  const root = join(top, 'kept');
  for (const name of ['ro', 'tmp', 'dir']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['ro/file', 'file']) writeFileSync(join(root, name), '');
  copyFileSync(compile('kept', source, 'arm'), join(root, 'kept'));
  const args = [
    bin,
    '--cpu',
    'interp',
    '--root',
    root,
    '--read-only',
    '--bind',
    `${join(root, 'ro')}:/ro:ro`,
    '/kept',
  ];
  const lines = answer(process.execPath, args).filter((line) => line !== '');
  expect(lines.map((line) => line.split(') ').at(-1))).toEqual([
    '= -1 EPERM',
    '= -1 EPERM',
    '= 0',
    '= -1 EPERM',
    '= -1 EROFS',
    '= 0',
    '= -1 EPERM',
    '= -1 EROFS',
  ]);
});
