/**
 * Mounting inside the run (fs/namespace.c): tmpfs, proc, sysfs, devtmpfs and bind mounts of the host's files; mounts are moved,
 * and made read-only. Each mount namespace has its own.
 */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, PATH_MAX } from '../../abi/fcntl.ts';
import { procSource } from '../../kernel/proc.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { type FileSystem, type Inode, isWithin } from '../../vfs/core/inode.ts';
import type { Vfs } from '../../vfs/core/vfs.ts';
import { NodeFs } from '../../vfs/host/node-fs.ts';
import { NodeInode } from '../../vfs/host/node-inode.ts';
import { createDev } from '../../vfs/memory/dev.ts';
import { TmpFs } from '../../vfs/memory/tmpfs.ts';
import { OverlayFs } from '../../vfs/overlay/overlay.ts';
import { ProcFs } from '../../vfs/proc/proc.ts';
import { SysFs, system } from '../../vfs/proc/sys.ts';
import { DevPts } from '../../vfs/tty/pty.ts';
import { flags, laterPath, path, pathOrNull, ptr } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

const MS_RDONLY = 1;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_MOVE = 8192;
const MS_REC = 1 << 14;
const MS_SILENT = 1 << 15;
const MS_UNBINDABLE = 1 << 17;
const MS_SHARED = 1 << 20;
const MS_PROPAGATION = MS_UNBINDABLE | (1 << 18) | (1 << 19) | MS_SHARED;
const MS_FLAGS = {
  MS_RDONLY,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_REMOUNT,
  MS_BIND,
  MS_MOVE,
  MS_REC,
  MS_SILENT,
  MS_UNBINDABLE,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED,
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

function treeRoot(t: Task): Inode {
  let at = t.fs.root;
  while (at.parent !== undefined) at = at.parent;
  return at;
}

/** Of a tmpfs's size (tmpfs(5)). */
const UNITS: Record<string, (memory: number) => number> = {
  '': () => 1,
  k: () => 1024,
  m: () => 1 << 20,
  g: () => 1 << 30,
  '%': (memory) => memory / 100,
};

function create(t: Task, type: string, source: string | null, data: string | null): FileSystem {
  const { vfs } = t.kernel;
  switch (type) {
    case 'tmpfs':
    case 'ramfs': {
      const mode = /(?:^|,)mode=([0-7]+)/.exec(data ?? '');
      const size = /(?:^|,)size=(\d+)([kmg%]?)/i.exec(data ?? '');
      return new TmpFs(vfs, {
        type,
        source: source ?? type,
        mode: mode ? Number.parseInt(mode[1]!, 8) : 0o1777,
        size: size ? Number(size[1]) * UNITS[size[2]!.toLowerCase()]!(vfs.memory.total) : undefined,
      });
    }
    case 'proc':
      return new ProcFs(vfs, procSource(t.kernel), () => treeRoot(t));
    case 'sysfs':
      return new SysFs(vfs, system(t.kernel.cpus, t.network));
    case 'devtmpfs':
      return createDev(vfs);
    case 'mqueue':
      return t.ns.ipc.mqueues;
    case 'devpts':
      return new DevPts(vfs);
    default:
      return fail('ENODEV');
  }
}

/** A directory or file once more, under another name. */
function bind(source: Inode): FileSystem {
  const { fs: from } = source;
  const { mounts, namespaces } = from.vfs;
  // Not what is mounted in no namespace (a pipe, a file that armrun was given open), or in another one; but a namespace's file.
  if ((!mounts.has(from) && from !== namespaces) || mounts.isUnbindable(from)) fail('EINVAL');
  if (!(source instanceof NodeInode)) {
    const bound = new OverlayFs(undefined, source);
    bound.readOnly = source.fs.readOnly;
    bound.keptReadOnly = source.fs.keptReadOnly;
    return bound;
  }
  const { fs } = source;
  const bound = new NodeFs(fs.vfs, source.path, {
    type: fs.type,
    source: fs.source,
    readOnly: fs.readOnly,
    hostTree: fs.hostTree,
    reachesSockets: fs.reachesSockets,
    within: fs,
  });
  bound.hidden = fs.hidden;
  return bound;
}

function mount(
  t: Task,
  sourceAt: () => string | null,
  target: () => string,
  type: string | null,
  flags: number,
  data: number,
): number {
  const source = sourceAt();
  if (data !== 0) t.mm.readable(data, 1);
  const at = inodeAt(t, AT_FDCWD, target(), true);
  if (!capable(t.creds, CAP.SYS_ADMIN)) fail('EPERM');
  const { mounts } = t.kernel.vfs;
  if (flags & MS_REMOUNT) {
    const readOnly = (flags & MS_RDONLY) !== 0;
    if (readOnly && !(flags & MS_BIND) && isWritten(t, at.fs)) fail('EBUSY');
    mounts.remount(at, readOnly, (flags & MS_BIND) !== 0);
    return 0;
  }
  if (flags & MS_PROPAGATION && !(flags & (MS_BIND | MS_MOVE))) return propagate(t, at, flags);
  if (flags & MS_MOVE) {
    if (source === null) fail('EINVAL');
    mounts.move(inodeAt(t, AT_FDCWD, source, true), at.parent, at.parent === undefined ? '' : at.name);
    return 0;
  }
  if (flags & MS_BIND) {
    if (source === null) fail('EINVAL');
    const from = inodeAt(t, AT_FDCWD, source, true);
    const bound = bind(from);
    t.kernel.vfs.mount(bound, at);
    if (flags & MS_REC) bindBelow(t.kernel.vfs, from, bound.root);
    return 0;
  }
  if (type === null) fail('EINVAL');
  const fs = create(t, type, source, data === 0 ? null : t.mm.string(data));
  if (flags & MS_RDONLY) fs.readOnly = true;
  t.kernel.vfs.mount(fs, at);
  return 0;
}

/**
 * do_change_type: nothing spreads from a mount to others, as none is shared; so a slave of nobody is private. EINVAL for what is
 * to be shared.
 */
function propagate(t: Task, at: Inode, flags: number): number {
  const { vfs } = t.kernel;
  const kind = flags & MS_PROPAGATION;
  if (kind & (kind - 1) || flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT)) fail('EINVAL');
  if (at.fs.root !== at || kind === MS_SHARED) fail('EINVAL');
  vfs.mounts.setUnbindable(at, kind === MS_UNBINDABLE, (flags & MS_REC) !== 0);
  return 0;
}

/** MS_REC: what is mounted below a directory is bound, too, below where that is now. */
function bindBelow({ mounts }: Vfs, source: Inode, target: Inode): void {
  for (const { root } of mounts.inside(source.fs)) {
    if (!isWithin(root, source) || isWithin(root, target) || mounts.isUnbindable(root.fs)) continue;
    const names: string[] = [];
    for (let at = root; at !== source; at = at.parent!) names.unshift(at.name);
    const name = names.pop();
    let dir: Inode | undefined = target;
    for (const step of names) dir = dir?.mounts?.get(step) ?? dir?.lookup(step);
    if (dir !== undefined && name !== undefined) mounts.add(dir, name, bind(root));
  }
}

/** Whether any process has a file of it open for writing. */
function isWritten(t: Task, fs: FileSystem): boolean {
  for (const task of t.kernel.tasks.values())
    for (const file of task.files.writers()) if (file.inode.fs === fs && file.inode.isRegular) return true;
  return false;
}

/** Whether a process stands in a file system, runs a program of it or has a file of it open. */
function isBusy({ kernel }: Task, fs: FileSystem): boolean {
  for (const { fs: at, files, mm } of kernel.tasks.values()) {
    if (at.root.fs === fs || at.cwd.fs === fs || mm.exe?.fs === fs) return true;
    for (const fd of files.fds()) if (files.find(fd)?.inode.fs === fs) return true;
  }
  return false;
}

function umount(t: Task, target: string, flags: number): number {
  const at = inodeAt(t, AT_FDCWD, target, !(flags & UMOUNT_NOFOLLOW));
  if (!capable(t.creds, CAP.SYS_ADMIN)) fail('EPERM');
  const { mounts } = t.kernel.vfs;
  const fs = mounts.mountedAt(at);
  const inside = mounts.inside(fs);
  if (!(flags & MNT_DETACH) && (inside.length > 0 || isBusy(t, fs))) fail('EBUSY');
  mounts.remove(fs, ...inside);
  const isMounted = (one: FileSystem) => [...t.kernel.tasks.values()].some(({ ns }) => ns.mnt.has(one));
  for (const one of [fs, ...inside])
    if (one instanceof TmpFs && !isMounted(one) && !isBusy(t, one)) one.quota.release();
  return 0;
}

/** Who stood at the old root, or had it as theirs, is at the new one (chroot_fs_refs). */
function pivotRoot(t: Task, newRoot: string, putOld: string): number {
  const { vfs, tasks } = t.kernel;
  const root = vfs.checkEnter(inodeAt(t, AT_FDCWD, newRoot, true), t.creds);
  const old = vfs.checkEnter(inodeAt(t, AT_FDCWD, putOld, true), t.creds);
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
    before: (t) => void (capable(t.creds, CAP.SYS_ADMIN) || fail('EPERM')),
  }),
];
