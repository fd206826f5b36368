/** Opening and closing: open, openat, openat2, creat, close, close_range (fs/open.c, fs/namei.c). */

import { fail } from '../../abi/errno.ts';
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  R_OK,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  W_OK,
} from '../../abi/fcntl.ts';
import { IN_CREATE, IN_MODIFY, IN_OPEN } from '../../abi/inotify.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { struct, u64 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { isExecuted } from '../../kernel/text-busy.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import { checkCreate, owns } from '../../vfs/core/permission.ts';
import { type ResolveOptions, resolve } from '../../vfs/core/walk.ts';
import { dirfd, fd, mode, path, size, structIn, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { openFlags } from '../names.ts';
import { contextOf, startOf } from './at.ts';

/** A FIFO that waits for its other side while open(2) is blocked. */
class Opening implements Disposable {
  readonly file: OpenFile;
  constructor(file: OpenFile) {
    this.file = file.ref();
  }
  [Symbol.dispose](): void {
    this.file.release();
  }
}

/** Largest size a program without O_LARGEFILE may open (MAX_NON_LFS). */
const MAX_NON_LFS = 0x7fff_ffff;

function openInode(t: Task, inode: Inode, flags: number): OpenFile {
  const access = flags & O_ACCMODE;
  if (inode.isSymlink) {
    if (flags & O_PATH && flags & O_NOFOLLOW) return new PathFile(inode, flags);
    fail(flags & O_DIRECTORY ? 'ENOTDIR' : 'ELOOP');
  }
  if (flags & O_DIRECTORY && !inode.isDirectory) fail('ENOTDIR');
  if (flags & O_PATH) return new PathFile(inode, flags);
  if (inode.isDirectory && (access !== O_RDONLY || flags & (O_CREAT | O_TRUNC))) fail('EISDIR');
  const wanted = (access === O_WRONLY ? 0 : R_OK) | (access !== O_RDONLY || flags & O_TRUNC ? W_OK : 0);
  if (!inode.permits(wanted, t.creds)) fail('EACCES');
  if (flags & O_NOATIME && !owns(inode.stat(), t.creds)) fail('EPERM');
  if (!(flags & O_LARGEFILE) && inode.isRegular && inode.stat().size > MAX_NON_LFS) fail('EOVERFLOW');
  if (wanted & W_OK && isExecuted(t.kernel, inode)) fail('ETXTBSY');
  return inode.open(flags);
}

function openPath(
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  options?: ResolveOptions,
): OpenFile {
  if (flags & O_PATH) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  else if ((flags & O_TMPFILE) === O_TMPFILE) {
    // A file without a name cannot be given one through node:fs. Programs know file systems that refuse it.
    fail((flags & O_ACCMODE) === O_RDONLY ? 'EINVAL' : 'EOPNOTSUPP');
  }
  if (flags & O_CREAT && flags & O_DIRECTORY) fail('EINVAL');
  const exclusive = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
  const follow = !(flags & O_NOFOLLOW) && !exclusive;
  const found = resolve(contextOf(t), startOf(t, dirfd, options?.inRoot ? '.' : path), path, follow, options);
  if (found.inode !== undefined) {
    if (exclusive) fail('EEXIST');
    const file = openInode(t, found.inode, flags);
    if (flags & O_TRUNC) found.inode.fs.vfs.notifier.file(found.inode, IN_MODIFY);
    if (!(flags & O_PATH)) found.inode.fs.vfs.notifier.file(found.inode, IN_OPEN);
    return file;
  }
  if (!(flags & O_CREAT)) fail('ENOENT');
  if (found.slash) fail('EISDIR');
  checkCreate(found.dir, t.creds);
  const file = found.dir.create(found.name, S_IFREG | (mode & 0o7777 & ~t.fs.umask), flags, t.creds);
  found.dir.fs.vfs.notifier.name(found.dir, IN_CREATE, found.name, false);
  file.inode.fs.vfs.notifier.file(file.inode, IN_OPEN);
  return file;
}

function open(
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  options?: ResolveOptions,
): number {
  const waiting = t.callState as Opening | undefined;
  const file = waiting?.file ?? openPath(t, dirfd, path, flags, mode, options);
  if (file.opening) {
    t.callState ??= new Opening(file);
    t.wait(file.queue);
  }
  return installFile(t, file, (flags & O_CLOEXEC) !== 0);
}

/** A new descriptor for a file; when there is none left, the file is closed again. */
export function installFile(t: Task, file: OpenFile, closeOnExec: boolean, min = 0): number {
  file.ref();
  try {
    return t.files.install(file, closeOnExec, min, t.process.limits[RLIMIT_NOFILE]!.cur);
  } finally {
    file.release();
  }
}

const RLIMIT_NOFILE = 7;

const open_how = struct('open_how', { flags: u64, mode: u64, resolve: u64 });

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

export const closeOnExec = (flags: number) => (flags & O_CLOEXEC) !== 0;

export const openCalls: readonly Call[] = [
  call(5, 'open', [path, openFlags, mode], (t, path, flags, mode) => open(t, AT_FDCWD, path, flags, mode)),
  call(322, 'openat', [dirfd, path, openFlags, mode], open),
  call(8, 'creat', [path, mode], (t, path, mode) =>
    open(t, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode),
  ),
  call(437, 'openat2', [dirfd, path, structIn(open_how), size], (t, dirfd, path, how, size) => {
    if (size < open_how.size) fail('EINVAL');
    const { resolve } = how;
    const known =
      RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    if (resolve & RESOLVE_CACHED) fail('EAGAIN');
    if (resolve & ~known || how.flags > 0x7fff_ffff) fail('EINVAL');
    if (how.mode > 0o7777 || (how.mode !== 0 && !(how.flags & O_CREAT))) fail('EINVAL');
    return open(t, dirfd, path, how.flags, how.mode, {
      noSymlinks: (resolve & RESOLVE_NO_SYMLINKS) !== 0,
      noMagicLinks: (resolve & RESOLVE_NO_MAGICLINKS) !== 0,
      noXdev: (resolve & RESOLVE_NO_XDEV) !== 0,
      beneath: (resolve & RESOLVE_BENEATH) !== 0,
      inRoot: (resolve & RESOLVE_IN_ROOT) !== 0,
    });
  }),
  call(6, 'close', [fd], (t, fd) => {
    t.files.close(fd);
    return 0;
  }),
  call(436, 'close_range', [uint, uint, uint], (t, first, last, flags) => {
    if (first > last || flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) fail('EINVAL');
    if (flags & CLOSE_RANGE_UNSHARE && t.files.shared) {
      const own = t.files.clone();
      t.files.release();
      t.files = own;
    }
    for (const fd of t.files.fds()) {
      if (fd < first || fd > last) continue;
      if (flags & CLOSE_RANGE_CLOEXEC) t.files.setCloseOnExec(fd, true);
      else t.files.close(fd);
    }
    return 0;
  }),
];
