/** access(2) (fs/open.c). */

import { ERRNO, fail } from '../../abi/errno.ts';
import { AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import type { Creds } from '../../vfs/core/creds.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { checkAccess } from '../../vfs/core/permission.ts';
import { lookupIfThere } from '../../vfs/core/walk.ts';
import { dirfd, flags, path, pathOrEmpty } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { ACCESS_FLAGS, ACCESS_MODES } from '../names.ts';
import { startOf } from './at.ts';

/** access(2) asks for the real user, with the capabilities it would have. */
function realCreds(creds: Creds): Creds {
  const effective = creds.uid === 0 ? creds.permitted : 0n;
  return { ...creds, fsuid: creds.uid, fsgid: creds.gid, effective };
}

function access(t: Task, dirfd: number, path: string, mode: number, flags: number): number {
  const creds = flags & AT_EACCESS ? t.creds : realCreds(t.creds);
  let inode: Inode | undefined;
  if (path.length === 0 && !(flags & AT_EMPTY_PATH)) fail('ENOENT');
  if (path.length === 0 && flags & AT_EMPTY_PATH) {
    inode = dirfd === AT_FDCWD ? t.fs.cwd : t.files.raw(dirfd).inode;
  } else {
    const follow = !(flags & AT_SYMLINK_NOFOLLOW);
    inode = lookupIfThere({ root: t.fs.root, creds }, startOf(t, dirfd, path), path, follow);
    if (inode === undefined) return -ERRNO.ENOENT;
  }
  checkAccess(inode, mode, creds);
  return 0;
}
const accessMode = flags(ACCESS_MODES);

function check(mode: number, flags = 0): void {
  if (mode & ~7 || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
}

export const accessCalls: readonly Call[] = [
  call(33, 'access', [path, accessMode], (t, path, mode) => access(t, AT_FDCWD, path, mode, 0), {
    before: (_t, _path, mode) => check(mode),
  }),
  call(
    334,
    'faccessat',
    [dirfd, path, accessMode],
    (t, dirfd, path, mode) => access(t, dirfd, path, mode, 0),
    { before: (_t, _dirfd, _path, mode) => check(mode) },
  ),
  call(439, 'faccessat2', [dirfd, pathOrEmpty, accessMode, flags(ACCESS_FLAGS)], access, {
    before: (_t, _dirfd, _path, mode, flags) => check(mode, flags),
  }),
];
