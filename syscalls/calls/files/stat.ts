/** What files are: stat in all its forms, statfs, access, readlink (fs/stat.c, fs/statfs.c, fs/open.c). */
import { ERRNO, fail } from '../../abi/errno.ts';
import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
  W_OK,
} from '../../abi/fcntl.ts';
import {
  type Attributes,
  STAT_SIZE,
  STAT64_SIZE,
  STATFS_SIZE,
  STATFS64_SIZE,
  STATX__RESERVED,
  STATX_SIZE,
  stat64 as stat64Struct,
  stat as statStruct,
  statx as statxStruct,
  writeStat,
  writeStat64,
  writeStatfs,
  writeStatfs64,
  writeStatx,
} from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { Creds } from '../../vfs/core/creds.ts';
import { Inode } from '../../vfs/core/inode.ts';
import { lookupPath } from '../../vfs/core/walk.ts';
import { dirfd, fd, flags, hex, path, pathOrNull, ptr, size, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { ACCESS_FLAGS, ACCESS_MODES, AT_FLAGS } from '../names.ts';
import { fileOrInodeAt, inodeAt, startOf } from './at.ts';

function putStat64(t: Task, address: number, attributes: Attributes): number {
  t.mm.writable(address, STAT64_SIZE);
  writeStat64(t.mm.view, address, attributes);
  return 0;
}
function putStat(t: Task, address: number, attributes: Attributes): number {
  t.mm.writable(address, STAT_SIZE);
  return writeStat(t.mm.view, address, attributes) ? 0 : -ERRNO.EOVERFLOW;
}

const STAT_AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

/** access(2) asks for the real user, with the capabilities it would have. */
function realCreds(creds: Creds): Creds {
  const effective = creds.uid === 0 ? creds.permitted : 0n;
  return { ...creds, fsuid: creds.uid, fsgid: creds.gid, effective };
}

function access(t: Task, dirfd: number, path: string, mode: number, flags: number): number {
  if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
  const creds = flags & AT_EACCESS ? t.creds : realCreds(t.creds);
  let inode: Inode;
  if (path.length === 0 && flags & AT_EMPTY_PATH) {
    inode = dirfd === AT_FDCWD ? t.fs.cwd : t.files.get(dirfd).inode;
  } else {
    const follow = !(flags & AT_SYMLINK_NOFOLLOW);
    inode = lookupPath({ root: t.fs.root, creds }, startOf(t, dirfd, path), path, follow);
  }
  if (mode === 0) return 0;
  if (mode & W_OK && inode.fs.readOnly && (inode.isRegular || inode.isDirectory)) fail('EROFS');
  if (!inode.permits(mode, creds)) fail('EACCES');
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

/** fstatfs needs the size of the structure said; ARM takes 88, which an old ABI had, for 84 (arch/arm/kernel/sys_oabi-compat.c). */
function statfs64(t: Task, inode: Inode, size: number, address: number): number {
  if (size !== STATFS64_SIZE && size !== 88) fail('EINVAL');
  const statistics = inode.fs.statfs(inode);
  t.mm.writable(address, STATFS64_SIZE);
  writeStatfs64(t.mm.view, address, statistics);
  return 0;
}
function statfs(t: Task, inode: Inode, address: number): number {
  const statistics = inode.fs.statfs(inode);
  t.mm.writable(address, STATFS_SIZE);
  writeStatfs(t.mm.view, address, statistics);
  return 0;
}

const statOut = structOut(statStruct);
const stat64Out = structOut(stat64Struct);
const atFlags = flags(AT_FLAGS);
const accessMode = flags(ACCESS_MODES);

export const statCalls: Call[] = [
  call(195, 'stat64', [path, stat64Out], (t, path, out) =>
    putStat64(t, out, inodeAt(t, AT_FDCWD, path, true).stat()),
  ),
  call(196, 'lstat64', [path, stat64Out], (t, path, out) =>
    putStat64(t, out, inodeAt(t, AT_FDCWD, path, false).stat()),
  ),
  call(197, 'fstat64', [fd, stat64Out], (t, fd, out) => putStat64(t, out, t.files.get(fd).stat())),
  call(327, 'fstatat64', [dirfd, path, stat64Out, atFlags], (t, dirfd, path, out, flags) => {
    if (flags & ~STAT_AT_FLAGS) fail('EINVAL');
    const file = fileOrInodeAt(t, dirfd, path, flags, !(flags & AT_SYMLINK_NOFOLLOW));
    return putStat64(t, out, file.stat());
  }),
  call(106, 'stat', [path, statOut], (t, path, out) =>
    putStat(t, out, inodeAt(t, AT_FDCWD, path, true).stat()),
  ),
  call(107, 'lstat', [path, statOut], (t, path, out) =>
    putStat(t, out, inodeAt(t, AT_FDCWD, path, false).stat()),
  ),
  call(108, 'fstat', [fd, statOut], (t, fd, out) => putStat(t, out, t.files.get(fd).stat())),
  call(
    397,
    'statx',
    [dirfd, pathOrNull, atFlags, hex, structOut(statxStruct)],
    (t, dirfd, path, flags, mask, out) => {
      if (
        flags & ~(STAT_AT_FLAGS | AT_STATX_SYNC_TYPE) ||
        (flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE
      ) {
        fail('EINVAL');
      }
      if (mask & STATX__RESERVED) fail('EINVAL');
      const file = fileOrInodeAt(t, dirfd, path, flags, !(flags & AT_SYMLINK_NOFOLLOW));
      const inode = file instanceof Inode ? file : file.inode;
      const attributes = file.stat();
      t.mm.writable(out, STATX_SIZE);
      writeStatx(t.mm.view, out, attributes, inode.fs.id, inode === inode.fs.root);
      return 0;
    },
  ),
  call(99, 'statfs', [path, ptr], (t, path, out) => statfs(t, inodeAt(t, AT_FDCWD, path, true), out)),
  call(100, 'fstatfs', [fd, ptr], (t, fd, out) => statfs(t, t.files.get(fd).inode, out)),
  call(266, 'statfs64', [path, size, ptr], (t, path, size, out) =>
    statfs64(t, inodeAt(t, AT_FDCWD, path, true), size, out),
  ),
  call(267, 'fstatfs64', [fd, size, ptr], (t, fd, size, out) =>
    statfs64(t, t.files.get(fd).inode, size, out),
  ),
  call(33, 'access', [path, accessMode], (t, path, mode) => access(t, AT_FDCWD, path, mode, 0)),
  call(334, 'faccessat', [dirfd, path, accessMode], (t, dirfd, path, mode) =>
    access(t, dirfd, path, mode, 0),
  ),
  call(439, 'faccessat2', [dirfd, path, accessMode, flags(ACCESS_FLAGS)], access),
  call(85, 'readlink', [path, ptr, size], (t, path, out, size) => readlink(t, AT_FDCWD, path, out, size)),
  call(332, 'readlinkat', [dirfd, path, ptr, size], readlink),
];
