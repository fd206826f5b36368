/** What files are: stat(2), statx(2) (fs/stat.c). */

import { ERRNO, fail } from '../../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
} from '../../abi/fcntl.ts';
import {
  type Attributes,
  STATX__RESERVED,
  stat64Bytes,
  stat64 as stat64Struct,
  statBytes,
  stat as statStruct,
  statxBytes,
  statx as statxStruct,
} from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { type FileSystem, Inode } from '../../vfs/core/inode.ts';
import { FIRST_USER_NAMESPACE } from '../../vfs/core/user-namespace.ts';
import { isName } from '../../vfs/core/walk.ts';
import { dirfd, fd, hex, path, pathOrEmpty, pathOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { atFlags } from '../names.ts';
import { attributesIfThere, fileOrInodeIfThere, startOf } from './at.ts';

/** Owners as the caller's namespace knows them. */
function shown({ creds: { user } }: Task, attributes: Attributes): Attributes {
  if (user === FIRST_USER_NAMESPACE) return attributes;
  const { uid, gid } = attributes;
  return { ...attributes, uid: user.uids.shown(uid), gid: user.gids.shown(gid) };
}

/** Attributes that are undefined are those of what is not there. */
function putStat64(t: Task, address: number, attributes: Attributes | undefined): number {
  if (attributes === undefined) return -ERRNO.ENOENT;
  t.mm.write(address, stat64Bytes(shown(t, attributes)));
  return 0;
}
function putStat(t: Task, address: number, attributes: Attributes | undefined): number {
  if (attributes === undefined) return -ERRNO.ENOENT;
  const bytes = statBytes(shown(t, attributes));
  if (bytes === undefined) return -ERRNO.EOVERFLOW;
  t.mm.write(address, bytes);
  return 0;
}

function putStatx(
  t: Task,
  address: number,
  attributes: Attributes | undefined,
  { id }: FileSystem,
  isRoot: boolean,
): number {
  if (attributes === undefined) return -ERRNO.ENOENT;
  t.mm.write(address, statxBytes(shown(t, attributes), id, isRoot));
  return 0;
}

const STAT_AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;

const statOut = structOut(statStruct);
const stat64Out = structOut(stat64Struct);

export const statCalls: readonly Call[] = [
  call(195, 'stat64', [path, stat64Out], (t, path, out) =>
    putStat64(t, out, attributesIfThere(t, AT_FDCWD, path, 0)),
  ),
  call(196, 'lstat64', [path, stat64Out], (t, path, out) =>
    putStat64(t, out, attributesIfThere(t, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)),
  ),
  call(197, 'fstat64', [fd, stat64Out], (t, fd, out) => putStat64(t, out, t.files.raw(fd).stat())),
  call(
    327,
    'fstatat64',
    [dirfd, pathOrEmpty, stat64Out, atFlags],
    (t, dirfd, path, out, flags) => putStat64(t, out, attributesIfThere(t, dirfd, path, flags)),
    { before: (_t, _dirfd, _path, _out, flags) => void (flags & ~STAT_AT_FLAGS && fail('EINVAL')) },
  ),
  call(106, 'stat', [path, statOut], (t, path, out) =>
    putStat(t, out, attributesIfThere(t, AT_FDCWD, path, 0)),
  ),
  call(107, 'lstat', [path, statOut], (t, path, out) =>
    putStat(t, out, attributesIfThere(t, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)),
  ),
  call(108, 'fstat', [fd, statOut], (t, fd, out) => putStat(t, out, t.files.raw(fd).stat())),
  call(
    397,
    'statx',
    [dirfd, pathOrNull, atFlags, hex, structOut(statxStruct)],
    (t, dirfd, path, flags, _mask, out) => {
      if (path && flags & AT_SYMLINK_NOFOLLOW && isName(path)) {
        const start = startOf(t, dirfd, path);
        // Where nothing is mounted in the directory, all is of its file system, and not the root.
        if (start.mounts === undefined)
          return putStatx(t, out, attributesIfThere(t, dirfd, path, flags), start.fs, false);
      }
      const file = fileOrInodeIfThere(t, dirfd, path, flags, !(flags & AT_SYMLINK_NOFOLLOW));
      if (file === undefined) return -ERRNO.ENOENT;
      const inode = file instanceof Inode ? file : file.inode;
      return putStatx(t, out, file.stat(), inode.fs, inode === inode.fs.root);
    },
    {
      before: (_t, _dirfd, _path, flags, mask) => {
        const sync = flags & AT_STATX_SYNC_TYPE;
        if (flags & ~STAT_AT_FLAGS || sync === AT_STATX_SYNC_TYPE) fail('EINVAL');
        if (mask & STATX__RESERVED) fail('EINVAL');
      },
    },
  ),
];
