/**
 * Mounting by descriptors: open_tree, move_mount, mount_setattr (fs/namespace.c), fsopen, fspick, fsconfig, fsmount
 * (fs/fsopen.c). Who may not mount is told so first.
 */
import { PAGE_SIZE } from '../../../emu/memory/layout.ts';
import { Errno, fail } from '../../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_PATH,
} from '../../abi/fcntl.ts';
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_PROPAGATION,
  MS_REC,
} from '../../abi/mount.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { struct, u64big } from '../../abi/struct.ts';
import { ContextFile, MountContext } from '../../kernel/mount-context.ts';
import { unmounted } from '../../kernel/mount-use.ts';
import type { Task } from '../../kernel/task.ts';
import { copyTree } from '../../vfs/core/copy-tree.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { type AttributesChange, DetachedMounts } from '../../vfs/core/mount.ts';
import { NamespaceFile } from '../../vfs/core/namespaces.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import { FIRST_USER_NAMESPACE } from '../../vfs/core/user-namespace.ts';
import { dirfd, fd, flags, int, laterPath, oneOf, pathOrEmpty, ptr, size } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { checkExtension } from '../extensible.ts';
import { fileOrInodeAt } from './at.ts';
import { checkReadOnly, mayMount, moveMount, propagate } from './mount.ts';
import { installFile } from './open.ts';

const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_FLAGS = {
  OPEN_TREE_CLONE,
  OPEN_TREE_CLOEXEC: O_CLOEXEC,
  AT_SYMLINK_NOFOLLOW,
  AT_NO_AUTOMOUNT,
  AT_EMPTY_PATH,
  AT_RECURSIVE,
};
const MOVE_MOUNT = {
  MOVE_MOUNT_F_SYMLINKS: 1,
  MOVE_MOUNT_F_AUTOMOUNTS: 2,
  MOVE_MOUNT_F_EMPTY_PATH: 4,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  MOVE_MOUNT_T_AUTOMOUNTS: 0x20,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  MOVE_MOUNT_SET_GROUP: 0x100,
};
const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW,
};
const FSPICK = {
  FSPICK_CLOEXEC: 1,
  FSPICK_SYMLINK_NOFOLLOW: 2,
  FSPICK_NO_AUTOMOUNT: 4,
  FSPICK_EMPTY_PATH: 8,
};
/** FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC and FSPICK_CLOEXEC. */
const CLOEXEC = 1;
const FSCONFIG = {
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_SET_BINARY: 2,
  FSCONFIG_SET_PATH: 3,
  FSCONFIG_SET_PATH_EMPTY: 4,
  FSCONFIG_SET_FD: 5,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
};
/** Kinds of file systems that take no files and bytes in Linux 6.1 (legacy_fs_context_ops). */
const LEGACY = new Set(['devpts', 'devtmpfs']);

const mount_attr = struct('mount_attr', {
  attr_set: u64big,
  attr_clr: u64big,
  propagation: u64big,
  userns_fd: u64big,
});

const all = (names: Readonly<Record<string, number>>) => Object.values(names).reduce((sum, x) => sum | x, 0);

/** may_mount, before flags that nobody knows. EPERM, EINVAL. */
function checkMayMount(t: Task, flags: number, known: number): void {
  if (!mayMount(t)) fail('EPERM');
  if (flags & ~known) fail('EINVAL');
}

/** A path that is read when it is looked up, and may be empty. */
const laterPathOrEmpty: Arg<() => string> = {
  ...pathOrEmpty,
  decode: (t, low, high) => () => pathOrEmpty.decode(t, low, high),
};

function pathInode(t: Task, dirfd: number, path: string, empty: boolean, follow: boolean): Inode {
  const found = fileOrInodeAt(t, dirfd, path, empty ? AT_EMPTY_PATH : 0, follow);
  return 'inode' in found ? found.inode : found;
}

/** A descriptor for a tree that is mounted nowhere: with it the tree goes, unless it has been mounted. */
function installTree(t: Task, tree: DetachedMounts, closeOnExec: boolean): number {
  const { kernel } = t;
  const file = new PathFile(tree.root, O_PATH);
  file.onClose = new Set([
    () => {
      if (tree.root.fs.detached !== tree) return;
      const { fileSystems } = tree;
      for (const fs of fileSystems) fs.detached = undefined;
      unmounted(kernel, fileSystems);
    },
  ]);
  return installFile(t, file, closeOnExec);
}

function openTree(t: Task, dirfd: number, path: () => string, flags: number): number {
  const closeOnExec = (flags & O_CLOEXEC) !== 0;
  t.files.checkFree(t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
  const at = pathInode(t, dirfd, path(), (flags & AT_EMPTY_PATH) !== 0, !(flags & AT_SYMLINK_NOFOLLOW));
  if (flags & OPEN_TREE_CLONE) return installTree(t, copyTree(at, (flags & AT_RECURSIVE) !== 0), closeOnExec);
  return installFile(t, new PathFile(at, O_PATH), closeOnExec);
}

/** Groups cannot be given (do_set_group). */
function moveMountCall(
  t: Task,
  fromFd: number,
  from: () => string,
  toFd: number,
  to: () => string,
  flags: number,
): number {
  const source = pathInode(t, fromFd, from(), (flags & 4) !== 0, (flags & 1) !== 0);
  const target = pathInode(t, toFd, to(), (flags & 0x40) !== 0, (flags & 0x10) !== 0);
  if (flags & MOVE_MOUNT.MOVE_MOUNT_SET_GROUP) fail('EINVAL');
  return moveMount(t, source, target);
}

// ---- mount_setattr ----

/** build_mount_kattr. EINVAL, EBADF, EPERM. */
function attributesChange(
  t: Task,
  set: number,
  clear: number,
  userns: bigint,
): Omit<AttributesChange, 'recursive'> {
  const known = all(MOUNT_ATTR) | MOUNT_ATTR__ATIME | MOUNT_ATTR_IDMAP;
  if ((set | clear) & ~known) fail('EINVAL');
  if (clear & MOUNT_ATTR__ATIME) {
    if ((clear & MOUNT_ATTR__ATIME) !== MOUNT_ATTR__ATIME) fail('EINVAL');
    checkAtime(set);
  } else if (set & MOUNT_ATTR__ATIME) fail('EINVAL');
  if ((set | clear) & MOUNT_ATTR_IDMAP) {
    if (clear & MOUNT_ATTR_IDMAP || userns > 0x7fff_ffffn) fail('EINVAL');
    const file = t.files.get(Number(userns));
    if (!(file instanceof NamespaceFile) || file.namespace.kind !== 'user') fail('EINVAL');
    // The ids of the first one cannot be mapped to itself; of others' no file system here takes them.
    fail(file.namespace === FIRST_USER_NAMESPACE ? 'EPERM' : 'EINVAL');
  }
  return { set, clear };
}

/** Times of access are one of three numbers. EINVAL. */
function checkAtime(attributes: number): void {
  const atime = attributes & MOUNT_ATTR__ATIME;
  if (atime !== 0 && atime !== MOUNT_ATTR_NOATIME && atime !== MOUNT_ATTR_STRICTATIME) fail('EINVAL');
}

function mountSetattr(
  t: Task,
  dirfd: number,
  path: () => string,
  flags: number,
  address: number,
  size: number,
): number {
  checkExtension(t, address, mount_attr.size, size);
  const { attr_set, attr_clr, propagation, userns_fd } = t.mm.get(mount_attr, address);
  if (attr_set === 0n && attr_clr === 0n && propagation === 0n) return 0;
  const kind = Number(propagation & BigInt(MS_PROPAGATION));
  if (propagation !== BigInt(kind) || kind & (kind - 1)) fail('EINVAL');
  if ((attr_set | attr_clr) >> 32n !== 0n) fail('EINVAL');
  const change = attributesChange(t, Number(attr_set), Number(attr_clr), userns_fd);
  const at = pathInode(t, dirfd, path(), (flags & AT_EMPTY_PATH) !== 0, !(flags & AT_SYMLINK_NOFOLLOW));
  const recursive = (flags & AT_RECURSIVE) !== 0;
  const { mounts } = t.kernel.vfs;
  mounts.setAttributes(at, { ...change, recursive }, (fs) => checkReadOnly(t, fs, change.set));
  return kind === 0 ? 0 : propagate(t, at, kind | (recursive ? MS_REC : 0));
}

// ---- contexts ----

function fsopen(t: Task, name: number, flags: number): number {
  const type = t.mm.string(name, PAGE_SIZE, 'EINVAL');
  const file = new ContextFile(t, new MountContext(type), 'create');
  return installFile(t, file, (flags & CLOEXEC) !== 0);
}

function fspick(t: Task, dirfd: number, path: string, flags: number): number {
  const empty = (flags & FSPICK.FSPICK_EMPTY_PATH) !== 0;
  const at = pathInode(t, dirfd, path, empty, !(flags & FSPICK.FSPICK_SYMLINK_NOFOLLOW));
  if (at.fs.root !== at) fail('EINVAL');
  const file = new ContextFile(t, new MountContext(at.fs), 'reconfigure');
  file.made = at.fs;
  return installFile(t, file, (flags & CLOEXEC) !== 0);
}

function contextAt(t: Task, fd: number): ContextFile {
  const file = t.files.get(fd);
  return file instanceof ContextFile ? file : fail('EINVAL');
}

/** What commands take: a key, a value and a number, or not. EINVAL, EOPNOTSUPP. */
function checkConfig(_t: Task, fd: number, command: number, key: number, value: number, aux: number): void {
  if (fd < 0) fail('EINVAL');
  const fits = [
    key !== 0 && value === 0 && aux === 0,
    key !== 0 && value !== 0 && aux === 0,
    key !== 0 && value !== 0 && aux > 0 && aux <= 1 << 20,
    key !== 0 && value !== 0 && (aux === AT_FDCWD || aux >= 0),
    key !== 0 && value !== 0 && (aux === AT_FDCWD || aux >= 0),
    key !== 0 && value === 0 && aux >= 0,
    key === 0 && value === 0 && aux === 0,
    key === 0 && value === 0 && aux === 0,
  ];
  if (command < 0 || command >= fits.length) fail('EOPNOTSUPP');
  if (!fits[command]) fail('EINVAL');
}

/** Most bytes of a key or a string, with the NUL. */
const MOST_TEXT = 256;

/** What a command says beside the key: a string, null for nothing, undefined for what no file system here takes. */
function parameterOf(t: Task, command: number, value: number, aux: number): string | null | undefined {
  switch (command) {
    case FSCONFIG.FSCONFIG_SET_STRING:
      return t.mm.string(value, MOST_TEXT, 'EINVAL');
    case FSCONFIG.FSCONFIG_SET_BINARY:
      t.mm.readable(value, aux);
      return undefined;
    case FSCONFIG.FSCONFIG_SET_PATH:
      if (t.mm.string(value) === '') fail('ENOENT');
      return undefined;
    case FSCONFIG.FSCONFIG_SET_PATH_EMPTY:
      t.mm.string(value);
      return undefined;
    case FSCONFIG.FSCONFIG_SET_FD:
      t.files.get(aux);
      return undefined;
    default:
      return null;
  }
}

function fsconfig(t: Task, fd: number, command: number, key: number, value: number, aux: number): number {
  const file = contextAt(t, fd);
  const isFile = command >= FSCONFIG.FSCONFIG_SET_BINARY && command <= FSCONFIG.FSCONFIG_SET_FD;
  if (isFile && LEGACY.has(file.context.type)) fail('EOPNOTSUPP');
  const name = key === 0 ? '' : t.mm.string(key, MOST_TEXT, 'EINVAL');
  const parameter = parameterOf(t, command, value, aux);
  if (command < FSCONFIG.FSCONFIG_CMD_CREATE) {
    if (file.phase !== 'create' && file.phase !== 'reconfigure') fail('EBUSY');
    file.context.set(name, parameter);
    return 0;
  }
  if (file.phase !== (command === FSCONFIG.FSCONFIG_CMD_CREATE ? 'create' : 'reconfigure')) fail('EBUSY');
  if (command === FSCONFIG.FSCONFIG_CMD_CREATE && !mayMount(t)) fail('EPERM');
  try {
    if (command === FSCONFIG.FSCONFIG_CMD_CREATE) {
      file.made = file.context.create(t);
      file.phase = 'await-mount';
    } else {
      if (!mayMount(t)) fail('EPERM');
      file.context.reconfigure(t);
      file.begin(file.made!);
    }
  } catch (error) {
    if (error instanceof Errno) file.phase = 'failed';
    throw error;
  }
  return 0;
}

function fsmount(t: Task, fd: number, flags: number, attributes: number): number {
  const file = contextAt(t, fd);
  const fs = file.made ?? fail('EINVAL');
  if (file.phase !== 'await-mount') fail('EBUSY');
  file.begin(fs);
  return installTree(t, new DetachedMounts(fs, attributes), (flags & CLOEXEC) !== 0);
}

export const mountFdCalls: readonly Call[] = [
  call(428, 'open_tree', [dirfd, laterPathOrEmpty, flags(OPEN_TREE_FLAGS)], openTree, {
    before(t, _dirfd, _path, flags) {
      if (flags & ~all(OPEN_TREE_FLAGS)) fail('EINVAL');
      if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) === AT_RECURSIVE) fail('EINVAL');
      if (flags & OPEN_TREE_CLONE && !mayMount(t)) fail('EPERM');
    },
  }),
  call(
    429,
    'move_mount',
    [dirfd, laterPathOrEmpty, dirfd, laterPathOrEmpty, flags(MOVE_MOUNT)],
    moveMountCall,
    { before: (t, _from, _path, _to, _toPath, flags) => checkMayMount(t, flags, all(MOVE_MOUNT)) },
  ),
  call(430, 'fsopen', [{ ...laterPath, decode: ptr.decode }, flags({ FSOPEN_CLOEXEC: 1 })], fsopen, {
    before: (t, _name, flags) => checkMayMount(t, flags, CLOEXEC),
  }),
  call(431, 'fsconfig', [fd, oneOf(FSCONFIG), ptr, ptr, int], fsconfig, { before: checkConfig }),
  call(432, 'fsmount', [fd, flags({ FSMOUNT_CLOEXEC: 1 }), flags(MOUNT_ATTR)], fsmount, {
    before(t, _fd, flags, attributes) {
      checkMayMount(t, flags, CLOEXEC);
      if (attributes & ~(all(MOUNT_ATTR) | MOUNT_ATTR__ATIME)) fail('EINVAL');
      checkAtime(attributes);
    },
  }),
  call(433, 'fspick', [dirfd, pathOrEmpty, flags(FSPICK)], fspick, {
    before: (t, _dirfd, _path, flags) => checkMayMount(t, flags, all(FSPICK)),
  }),
  call(
    442,
    'mount_setattr',
    [
      dirfd,
      laterPathOrEmpty,
      flags({ AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_RECURSIVE }),
      ptr,
      size,
    ],
    mountSetattr,
    {
      before(t, _dirfd, _path, flags, _attr, size) {
        if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_RECURSIVE)) fail('EINVAL');
        if (size >>> 0 > PAGE_SIZE) fail('E2BIG');
        if (size >>> 0 < mount_attr.size) fail('EINVAL');
        if (!mayMount(t)) fail('EPERM');
      },
    },
  ),
];
