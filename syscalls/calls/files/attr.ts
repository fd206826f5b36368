/** Changing what files are: chmod, chown, utimes, truncate, fallocate, fsync, extended attributes (fs/attr.c, fs/open.c, fs/utimes.c, fs/xattr.c). */
import { fail } from '../../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  FALLOC_FL_KEEP_SIZE,
  UTIME_NOW,
  UTIME_OMIT,
  W_OK,
} from '../../abi/fcntl.ts';
import { IN_ATTRIB, IN_MODIFY } from '../../abi/inotify.ts';
import type { Field } from '../../abi/struct.ts';
import { timespec32, timespec64, timeval32 } from '../../abi/time.ts';
import type { Task } from '../../kernel/task.ts';
import { isExecuted } from '../../kernel/text-busy.ts';
import { type AttributeChange, Inode } from '../../vfs/core/inode.ts';
import { notifyFile } from '../../vfs/core/notify.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import { checkChmod, checkChown, owns } from '../../vfs/core/permission.ts';
import { arrayIn, dirfd, fd, flags, id, id16, int, mode, path, pathOrNull, s64, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { AT_FLAGS } from '../names.ts';
import { fileOrInodeAt, inodeAt } from './at.ts';
import { checkSizeLimit, writerOf } from './read-write.ts';

type Target = Inode | OpenFile;

/** Changes a file, which must not be on a read-only file system. */
function change(target: Target, what: AttributeChange): number {
  const inode = target instanceof Inode ? target : target.inode;
  if (inode.fs.readOnly) fail('EROFS');
  target.setattr(what);
  notifyFile(inode, what.size === undefined ? IN_ATTRIB : IN_MODIFY);
  return 0;
}

/** The file of a descriptor that is more than a path (not O_PATH). */
function fileOf(t: Task, fd: number): OpenFile {
  const file = t.files.get(fd);
  return file instanceof PathFile ? fail('EBADF') : file;
}

/** A target of the *at calls may be a descriptor opened with O_PATH, which stands for its inode. */
function targetAt(t: Task, dirfd: number, path: string | null, flags: number): Target {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
  const target = fileOrInodeAt(t, dirfd, path, flags, !(flags & AT_SYMLINK_NOFOLLOW));
  return target instanceof PathFile ? target.inode : target;
}

function chmod(t: Task, target: Target, mode: number): number {
  return change(target, { mode: checkChmod(target.stat(), mode & 0o7777, t.creds) });
}

const NONE = 0xffff_ffff;
function chown(t: Task, target: Target, uid: number, gid: number): number {
  const what: AttributeChange = {};
  if (uid !== NONE) what.uid = uid;
  if (gid !== NONE) what.gid = gid;
  checkChown(target.stat(), what.uid, what.gid, t.creds);
  return what.uid === undefined && what.gid === undefined ? 0 : change(target, what);
}

interface Time {
  tv_sec: number;
  tv_nsec: number;
}

/** Sets access and modification time; `times` null is now (utimensat(2)). */
function utimens(t: Task, target: Target, times: readonly [Time, Time] | null): number {
  const pick = ({ tv_sec, tv_nsec }: Time): bigint | 'now' | undefined => {
    if (tv_nsec === UTIME_OMIT) return undefined;
    if (tv_nsec === UTIME_NOW) return 'now';
    if (tv_nsec < 0 || tv_nsec > 999_999_999) fail('EINVAL');
    return BigInt(tv_sec) * 1_000_000_000n + BigInt(tv_nsec);
  };
  const atime = times ? pick(times[0]) : 'now';
  const mtime = times ? pick(times[1]) : 'now';
  if (atime === undefined && mtime === undefined) return 0;
  const inode = target instanceof Inode ? target : target.inode;
  if (!owns(target.stat(), t.creds)) {
    if (atime !== 'now' || mtime !== 'now') fail('EPERM');
    if (!inode.permits(W_OK, t.creds)) fail('EACCES');
  }
  const what: AttributeChange = {};
  if (atime !== undefined) what.atime = atime;
  if (mtime !== undefined) what.mtime = mtime;
  return change(target, what);
}

/** An array of two times in guest memory, or null. */
function timesAt<T>(
  t: Task,
  type: Field<T>,
  address: number,
  convert: (time: T) => Time,
): [Time, Time] | null {
  if (address === 0) return null;
  return [convert(t.mm.get(type, address)), convert(t.mm.get(type, address + type.size))];
}

function utimensat<T extends Time>(
  t: Task,
  dirfd: number,
  path: string | null,
  address: number,
  flags: number,
  type: Field<T>,
): number {
  const times = timesAt(t, type, address, (time) => time);
  // A null path is the descriptor itself (futimens).
  if (path === null && dirfd !== AT_FDCWD) {
    if (flags !== 0) fail('EINVAL');
    return utimens(t, fileOf(t, dirfd), times);
  }
  return utimens(t, targetAt(t, dirfd, path, flags), times);
}

const fromTimeval = ({ tv_sec, tv_usec }: { tv_sec: number; tv_usec: number }): Time => {
  if (tv_usec < 0 || tv_usec > 999_999) fail('EINVAL');
  return { tv_sec, tv_nsec: tv_usec * 1000 };
};

function truncate(t: Task, path: string, size: number): number {
  if (size < 0) fail('EINVAL');
  const inode = inodeAt(t, AT_FDCWD, path, true);
  if (inode.isDirectory) fail('EISDIR');
  if (!inode.isRegular) fail('EINVAL');
  if (!inode.permits(W_OK, t.creds)) fail('EACCES');
  if (isExecuted(t.kernel, inode)) fail('ETXTBSY');
  checkSizeLimit(t, size);
  return change(inode, { size });
}

function ftruncate(t: Task, fd: number, size: number): number {
  const file = fileOf(t, fd);
  if (size < 0 || !file.inode.isRegular || !file.writable) fail('EINVAL');
  checkSizeLimit(t, size);
  file.truncate(size);
  notifyFile(file.inode, IN_MODIFY);
  return 0;
}

function fsync(t: Task, fd: number, dataOnly: boolean): number {
  fileOf(t, fd).sync(dataOnly);
  return 0;
}

const atFlags = flags(AT_FLAGS);
const times32 = arrayIn(timespec32, 2);
const times64 = arrayIn(timespec64, 2);

export const attrCalls: Call[] = [
  call(15, 'chmod', [path, mode], (t, path, mode) => chmod(t, inodeAt(t, AT_FDCWD, path, true), mode)),
  call(94, 'fchmod', [fd, mode], (t, fd, mode) => chmod(t, fileOf(t, fd), mode)),
  call(333, 'fchmodat', [dirfd, path, mode], (t, dirfd, path, mode) =>
    chmod(t, inodeAt(t, dirfd, path, true), mode),
  ),
  call(452, 'fchmodat2', [dirfd, path, mode, atFlags], (t, dirfd, path, mode, flags) =>
    chmod(t, targetAt(t, dirfd, path, flags), mode),
  ),

  call(212, 'chown32', [path, id, id], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, true), uid, gid),
  ),
  call(198, 'lchown32', [path, id, id], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, false), uid, gid),
  ),
  call(207, 'fchown32', [fd, id, id], (t, fd, uid, gid) => chown(t, fileOf(t, fd), uid, gid)),
  call(182, 'chown', [path, id16, id16], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, true), uid, gid),
  ),
  call(16, 'lchown', [path, id16, id16], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, false), uid, gid),
  ),
  call(95, 'fchown', [fd, id16, id16], (t, fd, uid, gid) => chown(t, fileOf(t, fd), uid, gid)),
  call(325, 'fchownat', [dirfd, path, id, id, atFlags], (t, dirfd, path, uid, gid, flags) =>
    chown(t, targetAt(t, dirfd, path, flags), uid, gid),
  ),

  call(348, 'utimensat', [dirfd, pathOrNull, times32, atFlags], (t, dirfd, path, times, flags) =>
    utimensat(t, dirfd, path, times, flags, timespec32),
  ),
  call(412, 'utimensat_time64', [dirfd, pathOrNull, times64, atFlags], (t, dirfd, path, times, flags) =>
    utimensat(t, dirfd, path, times, flags, timespec64),
  ),
  call(269, 'utimes', [path, arrayIn(timeval32, 2)], (t, path, times) =>
    utimens(t, inodeAt(t, AT_FDCWD, path, true), timesAt(t, timeval32, times, fromTimeval)),
  ),
  call(326, 'futimesat', [dirfd, pathOrNull, arrayIn(timeval32, 2)], (t, dirfd, path, address) => {
    const times = timesAt(t, timeval32, address, fromTimeval);
    return utimens(t, path === null ? fileOf(t, dirfd) : inodeAt(t, dirfd, path, true), times);
  }),

  call(92, 'truncate', [path, int], truncate),
  call(93, 'ftruncate', [fd, int], ftruncate),
  call(193, 'truncate64', [path, s64], truncate),
  call(194, 'ftruncate64', [fd, s64], ftruncate),
  call(352, 'fallocate', [fd, int, s64, s64], (t, fd, mode, offset, length) => {
    if (offset < 0 || length <= 0) fail('EINVAL');
    const file = writerOf(t, fd);
    if (!(mode & FALLOC_FL_KEEP_SIZE)) checkSizeLimit(t, offset + length);
    file.allocate(mode, offset, length);
    return 0;
  }),
  call(118, 'fsync', [fd], (t, fd) => fsync(t, fd, false)),
  call(148, 'fdatasync', [fd], (t, fd) => fsync(t, fd, true)),
  call(341, 'sync_file_range2', [fd, uint, s64, s64], (t, fd) => fsync(t, fd, true)),
];
