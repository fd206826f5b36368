/** fcntl(2) with its locks, and flock(2) (fs/fcntl.c, fs/locks.c). */
import { ERRNO, fail } from '../../abi/errno.ts';
import * as f from '../../abi/fcntl.ts';
import { TMPFS_MAGIC } from '../../abi/stat.ts';
import { s16, s32, s64, struct, u32 } from '../../abi/struct.ts';
import { POLL_MSG, setAsync, tellOwner } from '../../kernel/async-io.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { identityOf } from '../../vfs/core/inode.ts';
import type { Locks } from '../../vfs/core/locks.ts';
import { type OpenFile, SeekableFile } from '../../vfs/core/open-file.ts';
import { owns } from '../../vfs/core/permission.ts';
import { PIPE_MAX, PIPE_MOST, type Pipe, PipeFile } from '../../vfs/ipc/pipe.ts';
import { MemfdInode, MemoryFile } from '../../vfs/memory/memory-file.ts';
import { fd, flags, hex, oneOf } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { FCNTL, FLOCK } from '../names.ts';
import { limitOf } from './dup.ts';
import { installFile } from './open.ts';

const flock32 = struct('flock', { l_type: s16, l_whence: s16, l_start: s32, l_len: s32, l_pid: s32 });
const flock64 = struct('flock64', {
  l_type: s16,
  l_whence: s16,
  l_start: s64,
  l_len: s64,
  l_pid: s32,
});
type Flock = { l_type: number; l_whence: number; l_start: number; l_len: number; l_pid: number };
const f_owner_ex = struct('f_owner_ex', { type: s32, pid: s32 });
const owner_uids = struct('owner_uids', { uid: u32, euid: u32 });

const OFFSET_MAX = 2 ** 63 - 1;

/** The bytes a struct flock means, [start, end). EINVAL, EOVERFLOW (flock64_to_posix_lock). */
function lockRange(file: OpenFile, { l_whence, l_start, l_len, l_type }: Flock): [number, number] {
  let base = 0;
  if (l_whence === f.SEEK_CUR) base = file instanceof SeekableFile ? file.offset : 0;
  else if (l_whence === f.SEEK_END) base = file.stat().size;
  else if (l_whence !== f.SEEK_SET) fail('EINVAL');
  if (base > 0 && l_start >= OFFSET_MAX - base) fail('EOVERFLOW');
  const start = base + l_start;
  if (start < 0 || start + Math.min(l_len, 0) < 0) fail('EINVAL');
  if (l_len > 0 && l_len - 1 > OFFSET_MAX - start) fail('EOVERFLOW');
  if (l_type !== f.F_RDLCK && l_type !== f.F_WRLCK && l_type !== f.F_UNLCK) fail('EINVAL');
  if (l_len === 0) return [start, Infinity];
  return l_len < 0 ? [start + l_len, start] : [start, start + l_len];
}

class LockWait implements Disposable {
  readonly #locks: Locks;
  readonly #owner: object;
  constructor(locks: Locks, owner: object) {
    this.#locks = locks;
    this.#owner = owner;
  }
  [Symbol.dispose](): void {
    this.#locks.unblock(this.#owner);
  }
}

function lock(
  t: Task,
  fd: number,
  how: 'get' | 'set' | 'wait',
  type: typeof flock32 | typeof flock64,
  address: number,
  ofd: boolean,
): number {
  const file = t.files.get(fd);
  const { locks } = t.kernel.vfs;
  const asked = t.mm.get(type, address);
  const owner: object = ofd ? file : t.files;
  if (how === 'get' && asked.l_type !== f.F_RDLCK && asked.l_type !== f.F_WRLCK) fail('EINVAL');
  const [start, end] = lockRange(file, asked);
  if (how === 'get') {
    if (ofd && asked.l_pid !== 0) fail('EINVAL');
    const other =
      locks.conflicting(file.inode, asked.l_type, start, end, owner) ??
      locks.conflictingOutside(file, asked.l_type, start, end);
    if (other === undefined) t.mm.put(type, address, { ...asked, l_type: f.F_UNLCK });
    else {
      const length = other.end === Infinity ? 0 : other.end - other.start;
      if (type === flock32 && (other.start > 0x7fff_ffff || length > 0x7fff_ffff)) fail('EOVERFLOW');
      t.mm.put(type, address, {
        l_type: other.type,
        l_whence: f.SEEK_SET,
        l_start: other.start,
        l_len: length,
        l_pid: other.pid < 0 ? other.pid : t.process.pids.numberOf(other.pid),
      });
    }
    return 0;
  }
  if (asked.l_type === f.F_RDLCK && !file.readable) fail('EBADF');
  if (asked.l_type === f.F_WRLCK && !file.writable) fail('EBADF');
  if (ofd && asked.l_pid !== 0) fail('EINVAL');
  if (asked.l_type !== f.F_UNLCK) {
    const other = locks.conflicting(file.inode, asked.l_type, start, end, owner);
    if (other !== undefined) {
      if (how === 'set') return -ERRNO.EAGAIN;
      if (!ofd && !locks.block(owner, other.owner)) fail('EDEADLK');
      t.callState ??= new LockWait(locks, owner);
      t.wait(locks.queue(file.inode));
    }
  }
  if (locks.setRecord(file, asked.l_type, start, end, owner, ofd ? -1 : t.process.pid)) return 0;
  if (how === 'set') return -ERRNO.EAGAIN;
  return t.wait(locks.queueOutside(file.inode));
}

/** Locks of other systems that Linux once had: asked for in vain, whatever the descriptor. */
const LOCK_MAND = 32;

function flock(t: Task, fd: number, operation: number): number {
  const kind = operation & ~f.LOCK_NB;
  if (kind & LOCK_MAND) return 0;
  if (kind !== f.LOCK_UN && kind !== f.LOCK_SH && kind !== f.LOCK_EX) fail('EINVAL');
  const file = t.files.get(fd);
  if (kind !== f.LOCK_UN && !file.readable && !file.writable) fail('EBADF');
  const { locks } = t.kernel.vfs;
  if (kind === f.LOCK_UN) {
    locks.releaseFlock(file.inode, file);
    return 0;
  }
  const queue = locks.takeFlock(file, kind === f.LOCK_EX, t.process.pid);
  if (queue === undefined) return 0;
  return operation & f.LOCK_NB ? -ERRNO.EAGAIN : t.wait(queue);
}

// ---- who gets SIGIO ----

const NOBODY = { type: f.F_OWNER_TID, id: 0 };

/** ESRCH when there is no such process, thread or group; id 0 is nobody. */
function setOwnerOfType(t: Task, file: OpenFile, type: number, id: number): number {
  const { kernel, creds } = t;
  if (id !== 0 && !kernel.tasks.has(id) && kernel.group(id).length === 0) fail('ESRCH');
  file.owner = id === 0 ? undefined : { type, id, uid: creds.uid, euid: creds.euid };
  return 0;
}

/** As F_SETOWN and FIOSETOWN name it: a process, or with a minus sign a group (f_setown). */
export function setOwner(t: Task, file: OpenFile, who: number): number {
  if (who === -0x8000_0000) fail('EINVAL');
  return setOwnerOfType(t, file, who < 0 ? f.F_OWNER_PGRP : f.F_OWNER_PID, Math.abs(who));
}
export function ownerOf({ process }: Task, { owner }: OpenFile): number {
  if (owner === undefined) return 0;
  const number = process.pids.numberOf(owner.id);
  return owner.type === f.F_OWNER_PGRP ? -number : number;
}

export function setFlags(t: Task, fd: number, file: OpenFile, flags: number): number {
  if (flags & ~file.flags & f.O_NOATIME && !owns(file, t.creds)) fail('EPERM');
  // Of pipes it means packets; what has no blocks has no way past the cache.
  if (flags & f.O_DIRECT && !file.inode.isRegular && !(file instanceof PipeFile)) fail('EINVAL');
  // Files that know no O_ASYNC do not keep it.
  const wanted = file.asynchronous ? flags : flags & ~f.O_ASYNC;
  if ((file.flags ^ wanted) & f.O_ASYNC) setAsync(t.kernel, file, fd, (wanted & f.O_ASYNC) !== 0);
  file.flags = (file.flags & ~f.O_SETFL) | (wanted & f.O_SETFL);
  file.flagsChanged();
  return 0;
}

// ---- leases ----

/** Who else has this file open: for reading, and for writing. */
function openedElsewhere(t: Task, file: OpenFile): { readers: boolean; writers: boolean } {
  const identity = identityOf(file.inode);
  const found = { readers: false, writers: false };
  for (const task of t.kernel.tasks.values()) {
    for (const fd of task.files.fds()) {
      const other = task.files.find(fd);
      // A path is not open, and what memfd_create gives counts as no writer (alloc_file_pseudo).
      if (other === undefined || other.isPath || other.inode instanceof MemfdInode) continue;
      if (other === file || !other.inode.isRegular || identityOf(other.inode) !== identity) continue;
      if (other.writable) found.writers = true;
      else found.readers = true;
    }
  }
  return found;
}

/** F_SETLEASE (generic_setlease). */
function setLease(t: Task, fd: number, file: OpenFile, type: number): number {
  const { leases } = t.kernel.vfs;
  const { inode } = file;
  if (type !== f.F_RDLCK && type !== f.F_WRLCK && type !== f.F_UNLCK) fail('EINVAL');
  if (inode.stat().uid !== t.creds.fsuid && !capable(t.creds, CAP.LEASE)) fail('EACCES');
  if (!inode.isRegular) fail('EINVAL');
  if (type === f.F_UNLCK) {
    leases.remove(file);
    return 0;
  }
  const { readers, writers } = openedElsewhere(t, file);
  const uncounted = inode instanceof MemfdInode;
  if (type === f.F_RDLCK ? writers || (file.writable && !uncounted) : readers || writers || uncounted)
    fail('EAGAIN');
  leases.set(file, type, () => tellOwner(t.kernel, file, fd, POLL_MSG));
  if (file.owner === undefined) setOwnerOfType(t, file, f.F_OWNER_PID, t.process.pid);
  return 0;
}

/** F_SETPIPE_SZ (pipe_set_size). */
function setPipeSize(t: Task, pipe: Pipe, bytes: number): number {
  if (bytes > 2 ** 31) fail('EINVAL');
  if (bytes > PIPE_MAX && bytes > pipe.capacity && !capable(t.creds, CAP.SYS_RESOURCE)) fail('EPERM');
  if (bytes > PIPE_MOST) fail('ENOMEM');
  return pipe.resize(bytes);
}

/** The seals of a file in memory, the host's, too: those that have a name are sealed against seals (shmem_file). EINVAL. */
function sealsOf(file: OpenFile): number {
  if (file instanceof MemoryFile) return file.bytes.seals;
  if (!file.inode.isRegular || file.inode.fs.statfs(file.inode).type !== TMPFS_MAGIC) fail('EINVAL');
  return f.F_SEAL_SEAL;
}

function fcntl(t: Task, fd: number, command: number, argument: number): number {
  const file = t.files.raw(fd);
  switch (command) {
    case f.F_DUPFD:
    case f.F_DUPFD_CLOEXEC:
      if (argument < 0 || argument >= limitOf(t)) fail('EINVAL');
      return installFile(t, file, command === f.F_DUPFD_CLOEXEC, argument);
    case f.F_GETFD:
      return t.files.closesOnExec(fd) ? f.FD_CLOEXEC : 0;
    case f.F_SETFD:
      t.files.setCloseOnExec(fd, (argument & f.FD_CLOEXEC) !== 0);
      return 0;
    case f.F_GETFL:
      return file.flags;
  }
  if (file.isPath) fail('EBADF');
  switch (command) {
    case f.F_SETFL:
      return setFlags(t, fd, file, argument);
    case f.F_GETLK:
      return lock(t, fd, 'get', flock32, argument >>> 0, false);
    case f.F_SETLK:
      return lock(t, fd, 'set', flock32, argument >>> 0, false);
    case f.F_SETLKW:
      return lock(t, fd, 'wait', flock32, argument >>> 0, false);
    case f.F_SETOWN:
      return setOwner(t, file, t.process.pids.argument(argument));
    case f.F_GETOWN:
      return ownerOf(t, file);
    case f.F_SETOWN_EX: {
      const { type, pid } = t.mm.get(f_owner_ex, argument >>> 0);
      if (type < 0 || type > f.F_OWNER_PGRP) fail('EINVAL');
      return setOwnerOfType(t, file, type, t.process.pids.argument(pid));
    }
    case f.F_GETOWN_EX: {
      const { type, id } = file.owner ?? NOBODY;
      t.mm.put(f_owner_ex, argument >>> 0, { type, pid: t.process.pids.numberOf(id) });
      return 0;
    }
    case f.F_SETSIG:
      if (argument < 0 || argument > 64) fail('EINVAL');
      file.signal = argument;
      return 0;
    case f.F_GETSIG:
      return file.signal;
    case f.F_GETPIPE_SZ:
      return file instanceof PipeFile ? file.pipe.capacity : fail('EBADF');
    case f.F_SETPIPE_SZ:
      if (!(file instanceof PipeFile)) return fail('EBADF');
      return setPipeSize(t, file.pipe, argument >>> 0);
    case f.F_GETOWNER_UIDS: {
      const { uid = 0, euid = 0 } = file.owner ?? {};
      const shown = (id: number) => t.creds.user.uids.fromKernel(id) ?? 0xffff_ffff;
      t.mm.put(owner_uids, argument >>> 0, { uid: shown(uid), euid: shown(euid) });
      return 0;
    }
    case f.F_GET_SEALS:
      return sealsOf(file);
    case f.F_ADD_SEALS:
      if (!file.writable) fail('EPERM');
      if (argument & ~f.F_ALL_SEALS) fail('EINVAL');
      if (sealsOf(file) & f.F_SEAL_SEAL || !(file instanceof MemoryFile)) return fail('EPERM');
      file.bytes.addSeals(argument);
      return 0;
    case f.F_SETLEASE:
      return setLease(t, fd, file, argument);
    case f.F_GETLEASE:
      return t.kernel.vfs.leases.get(file);
    default:
      // Directory notification (F_NOTIFY) is not there, as in a kernel without CONFIG_DNOTIFY.
      return fail('EINVAL');
  }
}

/** fcntl64 knows the commands with 64-bit offsets, which the old fcntl does not. */
function fcntl64(t: Task, fd: number, command: number, argument: number): number {
  const at = argument >>> 0;
  switch (command) {
    case f.F_GETLK64:
      return lock(t, fd, 'get', flock64, at, false);
    case f.F_SETLK64:
      return lock(t, fd, 'set', flock64, at, false);
    case f.F_SETLKW64:
      return lock(t, fd, 'wait', flock64, at, false);
    case f.F_OFD_GETLK:
      return lock(t, fd, 'get', flock64, at, true);
    case f.F_OFD_SETLK:
      return lock(t, fd, 'set', flock64, at, true);
    case f.F_OFD_SETLKW:
      return lock(t, fd, 'wait', flock64, at, true);
    default:
      return fcntl(t, fd, command, argument);
  }
}

const fcntlCommand = oneOf(FCNTL);

export const fcntlCalls: readonly Call[] = [
  call(55, 'fcntl', [fd, fcntlCommand, hex], (t, fd, command, argument) =>
    fcntl(t, fd, command, argument | 0),
  ),
  call(221, 'fcntl64', [fd, fcntlCommand, hex], (t, fd, command, argument) =>
    fcntl64(t, fd, command, argument | 0),
  ),
  call(143, 'flock', [fd, flags(FLOCK)], flock),
];
