/** Owners and modes: chmod(2), chown(2) (fs/open.c, fs/attr.c). */
import { AT_FDCWD } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import { type IdMap, NO_ID } from '../../vfs/core/user-namespace.ts';
import type { Target } from '../../vfs/core/vfs.ts';
import { dirfd, fd, id, id16, kernelId, mode, path, pathOrEmpty } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { atFlags } from '../names.ts';
import { checkTargetFlags, inodeAt, targetAt } from './at.ts';

function chmod(t: Task, target: Target, mode: number): number {
  t.kernel.vfs.chmod(target, mode, t.creds);
  return 0;
}

function chown(t: Task, target: Target, uid: number, gid: number): number {
  const given = (map: IdMap, id: number) => (id === NO_ID ? undefined : kernelId(map, id));
  const { uids, gids } = t.creds.user;
  t.kernel.vfs.chown(target, given(uids, uid), given(gids, gid), t.creds);
  return 0;
}

export const chmodCalls: readonly Call[] = [
  call(15, 'chmod', [path, mode], (t, path, mode) => chmod(t, inodeAt(t, AT_FDCWD, path, true), mode)),
  call(94, 'fchmod', [fd, mode], (t, fd, mode) => chmod(t, t.files.get(fd), mode)),
  call(333, 'fchmodat', [dirfd, path, mode], (t, dirfd, path, mode) =>
    chmod(t, inodeAt(t, dirfd, path, true), mode),
  ),
  call(
    452,
    'fchmodat2',
    [dirfd, pathOrEmpty, mode, atFlags],
    (t, dirfd, path, mode, flags) => chmod(t, targetAt(t, dirfd, path, flags), mode),
    { before: (_t, _dirfd, _path, _mode, flags) => checkTargetFlags(flags) },
  ),
  call(212, 'chown32', [path, id, id], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, true), uid, gid),
  ),
  call(198, 'lchown32', [path, id, id], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, false), uid, gid),
  ),
  call(207, 'fchown32', [fd, id, id], (t, fd, uid, gid) => chown(t, t.files.get(fd), uid, gid)),
  call(182, 'chown', [path, id16, id16], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, true), uid, gid),
  ),
  call(16, 'lchown', [path, id16, id16], (t, path, uid, gid) =>
    chown(t, inodeAt(t, AT_FDCWD, path, false), uid, gid),
  ),
  call(95, 'fchown', [fd, id16, id16], (t, fd, uid, gid) => chown(t, t.files.get(fd), uid, gid)),
  call(
    325,
    'fchownat',
    [dirfd, pathOrEmpty, id, id, atFlags],
    (t, dirfd, path, uid, gid, flags) => chown(t, targetAt(t, dirfd, path, flags), uid, gid),
    { before: (_t, _dirfd, _path, _uid, _gid, flags) => checkTargetFlags(flags) },
  ),
];
