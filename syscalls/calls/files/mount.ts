/**
 * Mounting inside the run (fs/namespace.c): tmpfs, proc, sysfs, devtmpfs and bind mounts of the host's files; mounts are moved,
 * and made read-only. Each mount namespace has its own.
 */

import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, PATH_MAX } from '../../abi/fcntl.ts';
import {
  attributesOf,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_MGC_MSK,
  MS_MGC_VAL,
  MS_MOVE,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_NOUSER,
  MS_PRIVATE,
  MS_PROPAGATION,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_UNBINDABLE,
} from '../../abi/mount.ts';
import { MountContext } from '../../kernel/mount-context.ts';
import { isBusy, isWritten, unmounted } from '../../kernel/mount-use.ts';
import type { Task } from '../../kernel/task.ts';
import { copyTree } from '../../vfs/core/copy-tree.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import type { FileSystem, Inode } from '../../vfs/core/inode.ts';
import { checkEnter } from '../../vfs/core/permission.ts';
import { flags, laterPath, path, pathOrNull, ptr } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

const MS_FLAGS = {
  MS_RDONLY,
  MS_NOSUID,
  MS_NODEV,
  MS_NOEXEC,
  MS_REMOUNT,
  MS_NOSYMFOLLOW,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_BIND,
  MS_MOVE,
  MS_REC,
  MS_SILENT,
  MS_UNBINDABLE,
  MS_PRIVATE,
  MS_SLAVE,
  MS_SHARED,
  MS_RELATIME,
  MS_STRICTATIME,
};
const UMOUNT_FLAGS = { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 };
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/**
 * A string of mount's (copy_mount_string): EINVAL when it is too long, null for a null pointer. The source is read after the
 * type.
 */
const text: Arg<string | null> = {
  ...pathOrNull,
  decode: (t, low) => (low === 0 ? null : t.mm.string(low >>> 0, PATH_MAX, 'EINVAL')),
};
const laterText: Arg<() => string | null> = {
  ...text,
  decode: (t, low, high) => () => text.decode(t, low, high),
};

/** may_mount: who administers the namespace. */
export const mayMount = (t: Task) => capable(t.creds, CAP.SYS_ADMIN, t.ns.mnt.owner);

/** No file of it is open for writing, where it is about to become read-only. EBUSY. */
export function checkReadOnly(t: Task, fs: FileSystem, attributes: number): void {
  if (attributes & MOUNT_ATTR_RDONLY && !fs.readOnly && isWritten(t.kernel, fs)) fail('EBUSY');
}

function mount(
  t: Task,
  sourceAt: () => string | null,
  target: () => string,
  type: string | null,
  given: number,
  data: number,
): number {
  const source = sourceAt();
  if (data !== 0) t.mm.readable(data, 1);
  const at = inodeAt(t, AT_FDCWD, target(), true);
  const flags = (given & MS_MGC_MSK) === MS_MGC_VAL ? given & ~MS_MGC_MSK : given;
  if (flags & MS_NOUSER) fail('EINVAL');
  if (!mayMount(t)) fail('EPERM');
  if (flags & MS_REMOUNT) return remount(t, at, flags, data);
  if (flags & MS_PROPAGATION && !(flags & (MS_BIND | MS_MOVE))) return propagate(t, at, flags);
  if (flags & MS_MOVE) {
    if (source === null) fail('EINVAL');
    return moveMount(t, inodeAt(t, AT_FDCWD, source, true), at);
  }
  if (flags & MS_BIND) {
    if (source === null) fail('EINVAL');
    const from = inodeAt(t, AT_FDCWD, source, true);
    t.kernel.vfs.mounts.attachOver(at, copyTree(from, (flags & MS_REC) !== 0));
    return 0;
  }
  if (type === null) fail('EINVAL');
  const context = contextFor(t, type, flags, data);
  context.source = source;
  t.kernel.vfs.mounts.addOver(at, context.create(t), attributesOf(flags, 0));
  return 0;
}

function contextFor(t: Task, of: string | FileSystem, flags: number, data: number): MountContext {
  const context = new MountContext(of);
  context.readOnly = (flags & MS_RDONLY) !== 0;
  if (data !== 0) context.setAll(t.mm.string(data));
  return context;
}

/** do_remount, and do_reconfigure_mnt of the mount alone. */
function remount(t: Task, at: Inode, flags: number, data: number): number {
  const { mounts } = t.kernel.vfs;
  const { fs } = at;
  if (!mounts.has(fs) || fs.root !== at) fail('EINVAL');
  const attributes = attributesOf(flags, fs.attributes);
  if (!(flags & MS_BIND)) contextFor(t, fs, flags, data).reconfigure(t);
  else checkReadOnly(t, fs, attributes);
  mounts.setAttributes(at, { clear: ~0, set: attributes, recursive: false });
  return 0;
}

/** do_move_mount: what is mounted, or detached, to another place. EINVAL, ELOOP. */
export function moveMount(t: Task, from: Inode, to: Inode): number {
  const { mounts } = t.kernel.vfs;
  const { detached } = from.fs;
  if (!mounts.has(to.fs) || (detached ? detached.root !== from : !mounts.has(from.fs))) fail('EINVAL');
  if (from.fs.root !== from || from.isDirectory !== to.isDirectory) fail('EINVAL');
  const name = to.parent === undefined ? '' : to.name;
  if (detached) mounts.attach(detached, to.parent, name);
  else mounts.move(from, to.parent, name);
  return 0;
}

/** do_change_type. EINVAL. */
export function propagate(t: Task, at: Inode, flags: number): number {
  const { vfs } = t.kernel;
  const kind = flags & MS_PROPAGATION;
  if (kind & (kind - 1) || flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT)) fail('EINVAL');
  if (at.fs.root !== at) fail('EINVAL');
  vfs.mounts.setPropagation(at, kind, (flags & MS_REC) !== 0);
  return 0;
}

function umount(t: Task, target: string, flags: number): number {
  const at = inodeAt(t, AT_FDCWD, target, !(flags & UMOUNT_NOFOLLOW));
  if (!mayMount(t)) fail('EPERM');
  const { mounts } = t.kernel.vfs;
  const fs = mounts.mountedAt(at);
  const inside = mounts.inside(fs);
  if (!(flags & MNT_DETACH)) {
    const going = mounts.withCopies(fs);
    if (inside.length > 0 || going.some((m) => isBusy(t.kernel, m.fs, m.namespace))) fail('EBUSY');
  }
  unmounted(t.kernel, mounts.remove(fs, ...inside));
  return 0;
}

/** Who stood at the old root, or had it as theirs, is at the new one (chroot_fs_refs). */
function pivotRoot(t: Task, newRoot: string, putOld: string): number {
  const { vfs, tasks } = t.kernel;
  const root = checkEnter(inodeAt(t, AT_FDCWD, newRoot, true), t.creds);
  const old = checkEnter(inodeAt(t, AT_FDCWD, putOld, true), t.creds);
  const before = t.fs.root;
  if (before !== vfs.mounts.root) fail('EINVAL');
  vfs.mounts.pivot(root, old);
  for (const { fs, ns } of tasks.values()) {
    if (ns.mnt !== t.ns.mnt) continue;
    if (fs.root === before) fs.root = root;
    if (fs.cwd === before) fs.cwd = root;
  }
  return 0;
}

export const mountCalls: readonly Call[] = [
  call(21, 'mount', [laterText, laterPath, text, flags(MS_FLAGS), ptr], mount),
  call(52, 'umount2', [path, flags(UMOUNT_FLAGS)], umount, {
    before: (_t, _target, flags) => void (flags & ~15 && fail('EINVAL')),
  }),
  call(218, 'pivot_root', [path, path], pivotRoot, {
    before: (t) => void (mayMount(t) || fail('EPERM')),
  }),
];
