/** Opening and closing: open, openat, openat2, creat, close, close_range (fs/open.c, fs/namei.c). */

import { ERRNO, fail } from '../../abi/errno.ts';
import {
  AT_FDCWD,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_KNOWN,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { struct, u64 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { LeaseWait } from '../../vfs/core/leases.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import type { ResolveOptions } from '../../vfs/core/walk.ts';
import { dirfd, fd, mode, path, size, structIn, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { checkExtension } from '../extensible.ts';
import { openFlags } from '../names.ts';
import { pathAt } from './at.ts';

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

function open(
  t: Task,
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  options?: ResolveOptions,
): number {
  const waiting = t.callState as Opening | undefined;
  // A descriptor is reserved before anything is opened or made.
  t.files.checkFree(t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
  const at = pathAt(t, dirfd, path, options?.inRoot);
  let file = waiting?.file;
  try {
    file ??= t.kernel.vfs.openIfThere(at, flags, mode & 0o7777 & ~t.fs.umask, options);
  } catch (e) {
    waitForLease(t, e);
  }
  if (file === undefined) return -ERRNO.ENOENT;
  if (file.opening) {
    t.callState ??= new Opening(file);
    t.wait(file.queue);
  }
  return installFile(t, file, (flags & O_CLOEXEC) !== 0);
}

/** Does what may have to wait for a lease to go. */
export function afterLeases<T>(t: Task, action: () => T): T {
  try {
    return action();
  } catch (e) {
    return waitForLease(t, e);
  }
}
/** What has been thrown by an open: throws it on, unless it is to wait. */
function waitForLease(t: Task, e: unknown): never {
  if (e instanceof LeaseWait) t.wait(e.queue, t.now() + e.patience);
  throw e;
}

/** A new descriptor for a file; when there is none left, the file is closed again. */
export function installFile(t: Task, file: OpenFile, closeOnExec: boolean, min = 0): number {
  file.ref();
  try {
    return t.files.install(file, closeOnExec, min, t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
  } finally {
    file.release();
  }
}

const open_how = struct('open_how', { flags: u64, mode: u64, resolve: u64 });

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

export const closeOnExec = (flags: number) => (flags & O_CLOEXEC) !== 0;

/** copy_struct_from_user and build_open_flags: before the path. */
function checkHow(t: Task, at: number, size: number): void {
  if (size < open_how.size) fail('EINVAL');
  checkExtension(t, at, open_how.size, size);
  const { flags, mode, resolve } = t.mm.get(open_how, at);
  const known =
    RESOLVE_NO_XDEV |
    RESOLVE_NO_MAGICLINKS |
    RESOLVE_NO_SYMLINKS |
    RESOLVE_BENEATH |
    RESOLVE_IN_ROOT |
    RESOLVE_CACHED;
  if (flags > 0x7fff_ffff || flags & ~O_KNOWN || resolve > 0x7fff_ffff || resolve & ~known) fail('EINVAL');
  if (flags & O_PATH && flags & ~(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) fail('EINVAL');
  if (resolve & RESOLVE_BENEATH && resolve & RESOLVE_IN_ROOT) fail('EINVAL');
  const makes = (flags & O_CREAT) !== 0 || (flags & O_TMPFILE) === O_TMPFILE;
  if (mode > 0o7777 || (mode !== 0 && !makes)) fail('EINVAL');
}

/** build_open_flags, which comes before the path: a file without a name is made in a directory, to be written. */
function checkFlags(flags: number): void {
  if (flags & O_PATH) return;
  if (flags & O_CREAT && flags & O_DIRECTORY) fail('EINVAL');
  const nameless = (flags & O_TMPFILE & ~O_DIRECTORY) !== 0;
  if (nameless && ((flags & (O_TMPFILE | O_CREAT)) !== O_TMPFILE || (flags & O_ACCMODE) === O_RDONLY))
    fail('EINVAL');
}

export const openCalls: readonly Call[] = [
  // What they do not know of flags, these two ignore (build_open_how).
  call(
    5,
    'open',
    [path, openFlags, mode],
    (t, path, flags, mode) => open(t, AT_FDCWD, path, flags & O_KNOWN, mode),
    { before: (_t, _path, flags) => checkFlags(flags) },
  ),
  call(
    322,
    'openat',
    [dirfd, path, openFlags, mode],
    (t, dirfd, path, flags, mode) => open(t, dirfd, path, flags & O_KNOWN, mode),
    { before: (_t, _dirfd, _path, flags) => checkFlags(flags) },
  ),
  call(8, 'creat', [path, mode], (t, path, mode) =>
    open(t, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode),
  ),
  call(
    437,
    'openat2',
    [dirfd, path, structIn(open_how), size],
    (t, dirfd, path, how) => {
      const { resolve } = how;
      if (resolve & RESOLVE_CACHED) fail('EAGAIN');
      return open(t, dirfd, path, how.flags, how.mode, {
        noSymlinks: (resolve & RESOLVE_NO_SYMLINKS) !== 0,
        noMagicLinks: (resolve & RESOLVE_NO_MAGICLINKS) !== 0,
        noXdev: (resolve & RESOLVE_NO_XDEV) !== 0,
        beneath: (resolve & RESOLVE_BENEATH) !== 0,
        inRoot: (resolve & RESOLVE_IN_ROOT) !== 0,
      });
    },
    { before: (t, _dirfd, _path, at, size) => checkHow(t, at >>> 0, size >>> 0) },
  ),
  call(6, 'close', [fd], (t, fd) => {
    // Shells close what is closed already.
    if (t.files.find(fd) === undefined) return -ERRNO.EBADF;
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
