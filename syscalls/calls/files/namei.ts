/** Making, removing, renaming and reading names: mkdir(2), rmdir(2), unlink(2), rename(2), link(2), symlink(2), readlink(2), mknod(2) (fs/namei.c). */

import { fail } from '../../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  PATH_MAX,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
} from '../../abi/fcntl.ts';
import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from '../../abi/inotify.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { checkCreate, checkDelete } from '../../vfs/core/permission.ts';
import type { Resolved } from '../../vfs/core/walk.ts';
import { dirfd, flags, hex, mode, path, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { atFlags, RENAME_FLAGS, UNLINK_FLAGS } from '../names.ts';
import { inodeAt, nameAt } from './at.ts';

/** Directory and name for something new. EEXIST when the name is there. */
function newName(t: Task, dirfd: number, path: string, directory: boolean): { dir: Inode; name: string } {
  const { dir, name, inode, slash } = nameAt(t, dirfd, path);
  if (inode !== undefined) fail('EEXIST');
  if (slash && !directory) fail('ENOENT');
  checkCreate(dir, t.creds);
  return { dir, name };
}

function mkdir(t: Task, dirfd: number, path: string, mode: number): number {
  const { dir, name } = newName(t, dirfd, path, true);
  dir.mkdir(name, mode & 0o1777 & ~t.fs.umask, t.creds);
  dir.fs.vfs.notifier.name(dir, IN_CREATE, name, true);
  return 0;
}

function symlink(t: Task, target: string, dirfd: number, path: string): number {
  if (target.length === 0) fail('ENOENT');
  if (target.length >= PATH_MAX) fail('ENAMETOOLONG');
  const { dir, name } = newName(t, dirfd, path, false);
  dir.symlink(name, target, t.creds);
  dir.fs.vfs.notifier.name(dir, IN_CREATE, name, false);
  return 0;
}

function mknod(t: Task, dirfd: number, path: string, mode: number, rdev: number): number {
  switch (mode & S_IFMT) {
    case 0:
      mode |= S_IFREG;
      break;
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
      break;
    case S_IFCHR:
    case S_IFBLK:
      if (!capable(t.creds, CAP.MKNOD)) fail('EPERM');
      break;
    default:
      fail((mode & S_IFMT) === 0o040000 ? 'EPERM' : 'EINVAL');
  }
  const { dir, name } = newName(t, dirfd, path, false);
  dir.mknod(name, (mode & S_IFMT) | (mode & 0o7777 & ~t.fs.umask), rdev, t.creds);
  dir.fs.vfs.notifier.name(dir, IN_CREATE, name, false);
  return 0;
}

function unlink(t: Task, dirfd: number, path: string): number {
  const { dir, name, inode, slash } = nameAt(t, dirfd, path);
  if (inode === undefined) fail('ENOENT');
  if (inode.isDirectory) fail('EISDIR');
  if (slash) fail('ENOTDIR');
  checkDelete(dir, name, inode, t.creds);
  const { nlink } = inode.stat();
  dir.unlink(name);
  removed(dir, name, inode, nlink);
  return 0;
}

function rmdir(t: Task, dirfd: number, path: string): number {
  const { dir, name, inode } = nameAt(t, dirfd, path);
  if (inode === undefined) fail('ENOENT');
  if (name === '.') fail('EINVAL');
  if (name === '..') fail('ENOTEMPTY');
  if (name === '/') fail('EBUSY');
  if (!inode.isDirectory) fail('ENOTDIR');
  checkDelete(dir, name, inode, t.creds);
  if (inode.mounts?.size) fail('EBUSY');
  dir.rmdir(name);
  removed(dir, name, inode, 1);
  return 0;
}

/** Tells watchers that a name is gone; `links` are what the file had. */
function removed(dir: Inode, name: string, inode: Inode, links: number): void {
  if (!inode.isDirectory) inode.fs.vfs.notifier.self(inode, IN_ATTRIB);
  if (inode.isDirectory || links <= 1) inode.fs.vfs.notifier.lastNameGone(inode);
  dir.fs.vfs.notifier.name(dir, IN_DELETE, name, inode.isDirectory);
}

function moved(from: Resolved, to: Resolved, flags: number): void {
  const inode = from.inode!;
  const cookie = inode.fs.vfs.notifier.nextCookie();
  from.dir.fs.vfs.notifier.name(from.dir, IN_MOVED_FROM, from.name, inode.isDirectory, cookie);
  to.dir.fs.vfs.notifier.name(to.dir, IN_MOVED_TO, to.name, inode.isDirectory, cookie);
  if (!(flags & RENAME_EXCHANGE) && to.inode && to.inode !== inode)
    to.inode.fs.vfs.notifier.lastNameGone(to.inode);
  inode.fs.vfs.notifier.self(inode, IN_MOVE_SELF);
}

function rename(
  t: Task,
  oldfd: number,
  oldPath: string,
  newfd: number,
  newPath: string,
  flags: number,
): number {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) fail('EINVAL');
  if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) fail('EINVAL');
  const from = nameAt(t, oldfd, oldPath);
  const to = nameAt(t, newfd, newPath);
  if (from.dir.fs !== to.dir.fs) fail('EXDEV');
  const special = (name: string) => name === '.' || name === '..' || name === '/';
  if (special(from.name)) fail('EBUSY');
  if (special(to.name)) fail(flags & RENAME_NOREPLACE ? 'EEXIST' : 'EBUSY');
  if (from.inode === undefined) fail('ENOENT');
  if (to.inode !== undefined && flags & RENAME_NOREPLACE) fail('EEXIST');
  if (!from.inode.isDirectory && (from.slash || (to.slash && !(flags & RENAME_EXCHANGE)))) fail('ENOTDIR');
  checkDelete(from.dir, from.name, from.inode, t.creds);
  if (to.inode === undefined) checkCreate(to.dir, t.creds);
  else checkDelete(to.dir, to.name, to.inode, t.creds);
  from.dir.rename(from.name, to.dir, to.name, flags);
  moved(from, to, flags);
  return 0;
}

function link(
  t: Task,
  oldfd: number,
  oldPath: string,
  newfd: number,
  newPath: string,
  flags: number,
): number {
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
  let target: Inode;
  if (flags & AT_EMPTY_PATH && oldPath.length === 0) {
    if (!capable(t.creds, CAP.DAC_READ_SEARCH)) fail('ENOENT');
    target = t.files.get(oldfd).inode;
  } else target = inodeAt(t, oldfd, oldPath, (flags & AT_SYMLINK_FOLLOW) !== 0);
  const { dir, name } = newName(t, newfd, newPath, false);
  if (dir.fs !== target.fs) fail('EXDEV');
  if (target.isDirectory) fail('EPERM');
  if (target.deleted) fail('ENOENT');
  dir.link(name, target);
  target.fs.vfs.notifier.self(target, IN_ATTRIB);
  dir.fs.vfs.notifier.name(dir, IN_CREATE, name, false);
  return 0;
}

function readlink(t: Task, dirfd: number, path: string, address: number, size: number): number {
  if (size > 0x7fff_ffff || size === 0) fail('EINVAL');
  // An empty path is the link itself, opened with O_PATH | O_NOFOLLOW.
  const inode =
    path.length === 0 && dirfd !== AT_FDCWD ? t.files.get(dirfd).inode : inodeAt(t, dirfd, path, false);
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
  call(328, 'unlinkat', [dirfd, path, flags(UNLINK_FLAGS)], (t, dirfd, path, flags) => {
    if (flags & ~AT_REMOVEDIR) fail('EINVAL');
    return flags & AT_REMOVEDIR ? rmdir(t, dirfd, path) : unlink(t, dirfd, path);
  }),
  call(38, 'rename', [path, path], (t, from, to) => rename(t, AT_FDCWD, from, AT_FDCWD, to, 0)),
  call(329, 'renameat', [dirfd, path, dirfd, path], (t, olddir, from, newdir, to) =>
    rename(t, olddir, from, newdir, to, 0),
  ),
  call(382, 'renameat2', [dirfd, path, dirfd, path, flags(RENAME_FLAGS)], rename),
  call(9, 'link', [path, path], (t, from, to) => link(t, AT_FDCWD, from, AT_FDCWD, to, 0)),
  call(330, 'linkat', [dirfd, path, dirfd, path, atFlags], link),
  call(83, 'symlink', [path, path], (t, target, path) => symlink(t, target, AT_FDCWD, path)),
  call(331, 'symlinkat', [path, dirfd, path], symlink),
  call(14, 'mknod', [path, mode, hex], (t, path, mode, rdev) => mknod(t, AT_FDCWD, path, mode, rdev)),
  call(324, 'mknodat', [dirfd, path, mode, hex], mknod),
  call(85, 'readlink', [path, ptr, size], (t, path, out, size) => readlink(t, AT_FDCWD, path, out, size)),
  call(332, 'readlinkat', [dirfd, path, ptr, size], readlink),
];
