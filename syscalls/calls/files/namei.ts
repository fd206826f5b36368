/**
 * Making, removing, renaming and reading names: mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), readlink(2),
 * mknod(2) (fs/namei.c).
 */

import { fail } from '../../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from '../../abi/fcntl.ts';
import { S_IFMT } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { checkMknod, checkRename } from '../../vfs/core/vfs.ts';
import { dirfd, flags, hex, laterPath, mode, path, pathOrEmpty, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { atFlags, RENAME_FLAGS, UNLINK_FLAGS } from '../names.ts';
import { inodeAt, laterPathAt, pathAt } from './at.ts';

function mkdir(t: Task, dirfd: number, path: string, mode: number): number {
  t.kernel.vfs.mkdir(pathAt(t, dirfd, path), mode & 0o1777 & ~t.fs.umask);
  return 0;
}

function symlink(t: Task, target: string, dirfd: number, path: string): number {
  t.kernel.vfs.symlink(target, pathAt(t, dirfd, path));
  return 0;
}

function mknod(t: Task, dirfd: number, path: string, mode: number, rdev: number): number {
  t.kernel.vfs.mknod(pathAt(t, dirfd, path), (mode & S_IFMT) | (mode & 0o7777 & ~t.fs.umask), rdev);
  return 0;
}

function unlink(t: Task, dirfd: number, path: string): number {
  t.kernel.vfs.unlink(pathAt(t, dirfd, path));
  return 0;
}

function rmdir(t: Task, dirfd: number, path: string): number {
  t.kernel.vfs.rmdir(pathAt(t, dirfd, path));
  return 0;
}

function rename(
  t: Task,
  oldfd: number,
  oldPath: string,
  newfd: number,
  newPath: () => string,
  flags: number,
): number {
  t.kernel.vfs.rename(pathAt(t, oldfd, oldPath), laterPathAt(t, newfd, newPath), flags);
  return 0;
}

function link(
  t: Task,
  oldfd: number,
  oldPath: string,
  newfd: number,
  newPath: () => string,
  flags: number,
): number {
  let target: Inode;
  if (flags & AT_EMPTY_PATH && !capable(t.creds, CAP.DAC_READ_SEARCH)) fail('ENOENT');
  if (oldPath.length === 0 && !(flags & AT_EMPTY_PATH)) fail('ENOENT');
  if (oldPath.length === 0) {
    target = t.files.raw(oldfd).inode;
  } else target = inodeAt(t, oldfd, oldPath, (flags & AT_SYMLINK_FOLLOW) !== 0);
  t.kernel.vfs.link(target, laterPathAt(t, newfd, newPath));
  return 0;
}

function readlink(t: Task, dirfd: number, path: string, address: number, size: number): number {
  // An empty path is the link itself, opened with O_PATH | O_NOFOLLOW.
  const inode =
    path.length === 0 && dirfd !== AT_FDCWD ? t.files.raw(dirfd).inode : inodeAt(t, dirfd, path, false);
  if (!inode.isSymlink) fail(path.length === 0 ? 'ENOENT' : 'EINVAL');
  const target = inode.readlink();
  const length = Math.min(target.length, size);
  const into = t.mm.writable(address, length);
  for (let i = 0; i < length; i++) into[i] = target.charCodeAt(i);
  return length;
}

export const nameiCalls: readonly Call[] = [
  call(39, 'mkdir', [path, mode], (t, path, mode) => mkdir(t, AT_FDCWD, path, mode)),
  call(323, 'mkdirat', [dirfd, path, mode], mkdir),
  call(40, 'rmdir', [path], (t, path) => rmdir(t, AT_FDCWD, path)),
  call(10, 'unlink', [path], (t, path) => unlink(t, AT_FDCWD, path)),
  call(
    328,
    'unlinkat',
    [dirfd, path, flags(UNLINK_FLAGS)],
    (t, dirfd, path, flags) => (flags & AT_REMOVEDIR ? rmdir(t, dirfd, path) : unlink(t, dirfd, path)),
    { before: (_t, _dirfd, _path, flags) => void (flags & ~AT_REMOVEDIR && fail('EINVAL')) },
  ),
  call(38, 'rename', [path, laterPath], (t, from, to) => rename(t, AT_FDCWD, from, AT_FDCWD, to, 0)),
  call(329, 'renameat', [dirfd, path, dirfd, laterPath], (t, olddir, from, newdir, to) =>
    rename(t, olddir, from, newdir, to, 0),
  ),
  call(382, 'renameat2', [dirfd, path, dirfd, laterPath, flags(RENAME_FLAGS)], rename, {
    before: (_t, _olddir, _from, _newdir, _to, flags) => checkRename(flags),
  }),
  call(9, 'link', [path, laterPath], (t, from, to) => link(t, AT_FDCWD, from, AT_FDCWD, to, 0)),
  call(330, 'linkat', [dirfd, pathOrEmpty, dirfd, laterPath, atFlags], link, {
    before: (_t, _olddir, _from, _newdir, _to, flags) =>
      void (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) && fail('EINVAL')),
  }),
  call(83, 'symlink', [path, path], (t, target, path) => symlink(t, target, AT_FDCWD, path)),
  call(331, 'symlinkat', [path, dirfd, path], symlink),
  call(14, 'mknod', [path, mode, hex], (t, path, mode, rdev) => mknod(t, AT_FDCWD, path, mode, rdev), {
    before: (_t, _path, mode) => checkMknod(mode & S_IFMT),
  }),
  call(324, 'mknodat', [dirfd, path, mode, hex], mknod, {
    before: (_t, _dirfd, _path, mode) => checkMknod(mode & S_IFMT),
  }),
  call(85, 'readlink', [path, ptr, size], (t, path, out, size) => readlink(t, AT_FDCWD, path, out, size), {
    before: (_t, _path, _out, size) => void (size <= 0 && fail('EINVAL')),
  }),
  call(332, 'readlinkat', [dirfd, pathOrEmpty, ptr, size], readlink, {
    before: (_t, _dirfd, _path, _out, size) => void (size <= 0 && fail('EINVAL')),
  }),
];
