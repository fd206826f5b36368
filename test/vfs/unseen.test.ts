/** Names that are made and removed without a look at what is there: the host says what comes of it. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from '../../syscalls/abi/fcntl.ts';
import { IN_DELETE_SELF } from '../../syscalls/abi/inotify.ts';
import { type Creds, credsFor } from '../../syscalls/vfs/core/creds.ts';
import { identityOf } from '../../syscalls/vfs/core/inode.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import type { Place } from '../../syscalls/vfs/host/ffi/names.ts';
import type { NodeDirectory } from '../../syscalls/vfs/host/node-directory.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import { TmpFs } from '../../syscalls/vfs/memory/tmpfs.ts';
import { errorOf } from './errors.ts';

const me = credsFor(process.geteuid!(), process.getegid!());
let directory: string;
let fs: NodeFs;
let looks: string[];
const directories: string[] = [];
afterAll(() => {
  for (const made of directories) rmSync(made, { recursive: true, force: true });
});

/** A NodeFs that tells where it looks. */
class Watched extends NodeFs {
  #place = '';
  override placeIn(directory: NodeDirectory, name: string) {
    this.#place = `${directory.path}/${name}`;
    return super.placeIn(directory, name);
  }
  override lstat(place: Place) {
    looks?.push(this.#place.slice(this.base.length));
    return super.lstat(place);
  }
}

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/armrun-unseen-`);
  directories.push(directory);
  fs = new Watched(new Vfs(), directory);
  looks = [];
});

const at = (path: string, creds: Creds = me) => ({ root: fs.root, start: fs.root, creds, path });

const create = (path: string, creds?: Creds) =>
  fs.vfs.open(at(path, creds), O_CREAT | O_EXCL | O_WRONLY, 0o644).ref();

test('nothing is looked at', () => {
  create('file').release();
  fs.vfs.mkdir(at('directory'), 0o755);
  fs.vfs.symlink('nowhere', at('link'));
  expect(readdirSync(directory).sort()).toEqual(['directory', 'file', 'link']);
  fs.vfs.unlink(at('file'));
  fs.vfs.unlink(at('link'));
  expect(readdirSync(directory)).toEqual(['directory']);
  expect(looks).toEqual([]);
});

test('what is there, and what is not, is told as after a look', () => {
  writeFileSync(`${directory}/file`, '');
  mkdirSync(`${directory}/directory`);
  symlinkSync('nowhere', `${directory}/link`);
  for (const name of ['file', 'directory', 'link']) {
    expect(errorOf(() => create(name))).toBe('EEXIST');
    expect(errorOf(() => fs.vfs.mkdir(at(name), 0o755))).toBe('EEXIST');
    expect(errorOf(() => fs.vfs.symlink('x', at(name)))).toBe('EEXIST');
  }
  expect(errorOf(() => fs.vfs.unlink(at('nothing')))).toBe('ENOENT');
  expect(errorOf(() => fs.vfs.unlink(at('directory')))).toBe('EISDIR');
  const long = 'x'.repeat(256);
  expect(errorOf(() => create(long))).toBe('ENAMETOOLONG');
  expect(errorOf(() => fs.vfs.unlink(at(long)))).toBe('ENAMETOOLONG');
});

test('a file that is open keeps its content when its name has gone', () => {
  writeFileSync(`${directory}/file`, 'text');
  const file = fs.vfs.open(at('file'), O_RDONLY, 0).ref();
  fs.vfs.unlink(at('file'));
  expect(file.inode.deleted).toBe(true);
  expect(file.stat().nlink).toBe(0);
  expect(file.read(new Uint8Array(9))).toBe(4);
  file.release();
});

test('mount points are looked at', () => {
  writeFileSync(`${directory}/point`, '');
  fs.vfs.mounts.add(fs.root, 'point', new TmpFs(fs.vfs));
  expect(errorOf(() => fs.vfs.unlink(at('point')))).toBe('EBUSY');
  expect(errorOf(() => create('point'))).toBe('EEXIST');
});

test('a read-only file system says that a name is there, or EROFS', () => {
  writeFileSync(`${directory}/file`, '');
  fs.superReadOnly = true;
  expect(errorOf(() => create('file'))).toBe('EEXIST');
  expect(errorOf(() => create('other'))).toBe('EROFS');
  expect(errorOf(() => fs.vfs.unlink(at('file')))).toBe('EROFS');
});

test('who watches a file is told of its end', () => {
  writeFileSync(`${directory}/file`, '');
  const inode = fs.vfs.lookup(at('file'), true);
  const masks: number[] = [];
  const owner = { push: (event: { mask: number }) => masks.push(event.mask), remove: () => {} };
  fs.vfs.notifier.add({ owner, wd: 1, identity: identityOf(inode), mask: 0xfff } as never);
  fs.vfs.unlink(at('file'));
  expect(masks).toContain(IN_DELETE_SELF);
});

test('the guest has the last word where it may less than this process', () => {
  writeFileSync(`${directory}/file`, '');
  const less = { ...me, effective: 0n, fsuid: 1234 };
  expect(errorOf(() => fs.vfs.unlink(at('file', less)))).toBe('EACCES');
  expect(errorOf(() => create('other', less))).toBe('EACCES');
  const other = new NodeFs(fs.vfs, directory, { hostTree: true });
  const weak = { ...at('file', { ...me, effective: 0n }), root: other.root, start: other.root };
  mkdirSync(`${directory}/theirs`, { mode: 0o500 });
  // Root without capabilities is its files' owner, and no more.
  if (process.geteuid!() === 0)
    expect(errorOf(() => fs.vfs.mkdir({ ...weak, path: 'theirs/new' }, 0o755))).toBe('EACCES');
});
