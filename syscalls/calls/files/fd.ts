/** Descriptors: dup, fcntl with its locks, flock, ioctl, pipe, sync (fs/fcntl.c, fs/locks.c, fs/ioctl.c, fs/pipe.c). */
import { READ, WRITE } from '../../../emu/memory/layout.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import * as f from '../../abi/fcntl.ts';
import { FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, FIOQSIZE, IOCTL_NAMES } from '../../abi/ioctl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { s16, s32, s64, struct } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import {
  blockLock,
  conflictingLock,
  lockQueue,
  releaseFlock,
  setRecordLock,
  takeFlock,
  unblockLock,
} from '../../vfs/core/locks.ts';
import { type IoctlContext, type OpenFile, SeekableFile } from '../../vfs/core/open-file.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import { createPipe, PIPE_MAX, PipeFile } from '../../vfs/ipc/pipe.ts';
import { MemoryFile } from '../../vfs/memory/memory-file.ts';
import { fd, flags, hex, oneOf, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { FCNTL, FLOCK, OPEN_FLAGS } from '../names.ts';
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

function limitOf(t: Task): number {
  return t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur;
}

function dup3(t: Task, from: number, to: number, closeOnExec: boolean): number {
  const file = t.files.get(from);
  if (to < 0 || to >= limitOf(t)) fail('EBADF');
  t.files.set(to, file, closeOnExec);
  return to;
}

// ---- locks ----

/** The bytes a struct flock means, [start, end). */
function lockRange(file: OpenFile, lock: Flock): [number, number] {
  let start = lock.l_start;
  if (lock.l_whence === f.SEEK_CUR) start += file instanceof SeekableFile ? file.offset : 0;
  else if (lock.l_whence === f.SEEK_END) start += file.stat().size;
  else if (lock.l_whence !== f.SEEK_SET) fail('EINVAL');
  let end = lock.l_len === 0 ? Infinity : start + lock.l_len;
  if (lock.l_len < 0) [start, end] = [end, start];
  if (start < 0) fail('EINVAL');
  return [start, end];
}

class LockWait implements Disposable {
  readonly owner: object;
  constructor(owner: object) {
    this.owner = owner;
  }
  [Symbol.dispose](): void {
    unblockLock(this.owner);
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
  if (file instanceof PathFile) fail('EBADF');
  const asked = t.mm.get(type, address);
  const owner: object = ofd ? file : t.files;
  if (ofd && asked.l_pid !== 0) fail('EINVAL');
  if (asked.l_type !== f.F_RDLCK && asked.l_type !== f.F_WRLCK && asked.l_type !== f.F_UNLCK) fail('EINVAL');
  const [start, end] = lockRange(file, asked);
  if (how === 'get') {
    if (asked.l_type === f.F_UNLCK) fail('EINVAL');
    const other = conflictingLock(file.inode, asked.l_type, start, end, owner);
    if (other === undefined) t.mm.put(type, address, { ...asked, l_type: f.F_UNLCK });
    else {
      const length = other.end === Infinity ? 0 : other.end - other.start;
      if (type === flock32 && (other.start > 0x7fff_ffff || length > 0x7fff_ffff)) fail('EOVERFLOW');
      t.mm.put(type, address, {
        l_type: other.type,
        l_whence: f.SEEK_SET,
        l_start: other.start,
        l_len: length,
        l_pid: other.pid,
      });
    }
    return 0;
  }
  if (asked.l_type === f.F_RDLCK && !file.readable) fail('EBADF');
  if (asked.l_type === f.F_WRLCK && !file.writable) fail('EBADF');
  if (asked.l_type !== f.F_UNLCK) {
    const other = conflictingLock(file.inode, asked.l_type, start, end, owner);
    if (other !== undefined) {
      if (how === 'set') return -ERRNO.EAGAIN;
      if (!ofd && !blockLock(owner, other.owner)) fail('EDEADLK');
      t.callState ??= new LockWait(owner);
      t.wait(lockQueue(file.inode));
    }
  }
  setRecordLock(file.inode, asked.l_type, start, end, owner, ofd ? -1 : t.process.pid);
  return 0;
}

function flock(t: Task, fd: number, operation: number): number {
  const file = t.files.get(fd);
  if (file instanceof PathFile) fail('EBADF');
  const kind = operation & ~f.LOCK_NB;
  if (kind === f.LOCK_UN) releaseFlock(file.inode, file);
  else if (kind !== f.LOCK_SH && kind !== f.LOCK_EX) fail('EINVAL');
  else if (!takeFlock(file.inode, file, kind === f.LOCK_EX)) {
    if (operation & f.LOCK_NB) return -ERRNO.EAGAIN;
    t.wait(lockQueue(file.inode));
  }
  return 0;
}

// ---- fcntl ----

function setFlags(file: OpenFile, flags: number): number {
  file.flags = (file.flags & ~f.O_SETFL) | (flags & f.O_SETFL);
  file.flagsChanged();
  return 0;
}

function fcntl(t: Task, fd: number, command: number, argument: number): number {
  const file = t.files.get(fd);
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
  if (file instanceof PathFile) fail('EBADF');
  switch (command) {
    case f.F_SETFL:
      return setFlags(file, argument);
    case f.F_GETLK:
      return lock(t, fd, 'get', flock32, argument >>> 0, false);
    case f.F_SETLK:
      return lock(t, fd, 'set', flock32, argument >>> 0, false);
    case f.F_SETLKW:
      return lock(t, fd, 'wait', flock32, argument >>> 0, false);
    case f.F_SETOWN:
      file.owner = argument;
      return 0;
    case f.F_GETOWN:
      return file.owner;
    case f.F_SETOWN_EX: {
      const { type, pid } = t.mm.get(f_owner_ex, argument >>> 0);
      if (type < 0 || type > 2) fail('EINVAL');
      file.owner = type === 2 ? -pid : pid;
      return 0;
    }
    case f.F_GETOWN_EX:
      t.mm.put(f_owner_ex, argument >>> 0, { type: file.owner < 0 ? 2 : 1, pid: Math.abs(file.owner) });
      return 0;
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
      if (argument >>> 0 > PIPE_MAX) fail('EPERM');
      return file.pipe.resize(argument >>> 0);
    case f.F_GET_SEALS:
      return file instanceof MemoryFile ? file.bytes.seals : fail('EINVAL');
    case f.F_ADD_SEALS:
      if (!(file instanceof MemoryFile)) return fail('EINVAL');
      if (!file.writable) fail('EPERM');
      file.bytes.addSeals(argument);
      return 0;
    case f.F_GETLEASE:
      return f.F_UNLCK;
    default:
      // Leases and directory notification are not there, as on many file systems.
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

// ---- ioctl ----

/** Guest memory and identity for a file's own requests. */
export function ioctlContext(t: Task): IoctlContext {
  const view = (address: number, length: number, access: typeof READ | typeof WRITE): DataView => {
    if (!t.mm.space.check(address, length, access)) fail('EFAULT');
    return new DataView(t.mm.space.buffer, address, length);
  };
  return {
    read: (address, length) => view(address, length, READ),
    write: (address, length) => view(address, length, WRITE),
    process: t.process,
    install: (file, closeOnExec) => installFile(t, file, closeOnExec),
    wait: (queue) => t.wait(queue),
  };
}

function ioctl(t: Task, fd: number, request: number, argument: number): number {
  const file = t.files.get(fd);
  if (file instanceof PathFile) fail('EBADF');
  const boolean = () => t.mm.get(s32, argument) !== 0;
  switch (request) {
    case FIOCLEX:
    case FIONCLEX:
      t.files.setCloseOnExec(fd, request === FIOCLEX);
      return 0;
    case FIONBIO:
      return setFlags(file, boolean() ? file.flags | f.O_NONBLOCK : file.flags & ~f.O_NONBLOCK);
    case FIOASYNC:
      return setFlags(file, boolean() ? file.flags | f.O_ASYNC : file.flags & ~f.O_ASYNC);
    case FIOQSIZE:
      if (!file.inode.isRegular && !file.inode.isDirectory) return -ERRNO.ENOTTY;
      t.mm.put(s64, argument, file.stat().size);
      return 0;
    case FIONREAD:
      if (!file.inode.isRegular) break;
      t.mm.put(s32, argument, Math.max(0, file.stat().size - file.seek(0, f.SEEK_CUR)) | 0);
      return 0;
  }
  return file.ioctl(request, argument, ioctlContext(t));
}

const int2 = struct('int[2]', { read: s32, write: s32 });

function pipe2(t: Task, address: number, flags: number): number {
  if (flags & ~(f.O_CLOEXEC | f.O_NONBLOCK | f.O_DIRECT)) fail('EINVAL');
  t.mm.writable(address, int2.size);
  const [reading, writing] = createPipe(flags & f.O_NONBLOCK);
  const closeOnExec = (flags & f.O_CLOEXEC) !== 0;
  reading.ref();
  writing.ref();
  try {
    const read = installFile(t, reading, closeOnExec);
    let write: number;
    try {
      write = installFile(t, writing, closeOnExec);
    } catch (error) {
      t.files.close(read);
      throw error;
    }
    t.mm.put(int2, address, { read, write });
  } finally {
    reading.release();
    writing.release();
  }
  return 0;
}

/** Writes the guest's own open files to the disk; the host has no call for the rest of its file systems here. */
function sync(files: Iterable<OpenFile>): number {
  for (const file of files) if (file.writable && file.inode.isRegular) file.sync(false);
  return 0;
}

function* allFiles(t: Task): Generator<OpenFile> {
  for (const task of t.kernel.tasks.values()) {
    for (const fd of task.files.fds()) yield task.files.get(fd);
  }
}

const fcntlCommand = oneOf(FCNTL);
const openFlags = flags(OPEN_FLAGS, f.O_ACCMODE);

export const fdCalls: Call[] = [
  call(41, 'dup', [fd], (t, fd) => installFile(t, t.files.get(fd), false)),
  call(63, 'dup2', [fd, fd], (t, from, to) => {
    if (from !== to) return dup3(t, from, to, false);
    t.files.get(from);
    return to;
  }),
  call(358, 'dup3', [fd, fd, openFlags], (t, from, to, flags) => {
    if (flags & ~f.O_CLOEXEC || from === to) fail('EINVAL');
    return dup3(t, from, to, flags !== 0);
  }),
  call(55, 'fcntl', [fd, fcntlCommand, hex], (t, fd, command, argument) =>
    fcntl(t, fd, command, argument | 0),
  ),
  call(221, 'fcntl64', [fd, fcntlCommand, hex], (t, fd, command, argument) =>
    fcntl64(t, fd, command, argument | 0),
  ),
  call(143, 'flock', [fd, flags(FLOCK)], flock),
  call(54, 'ioctl', [fd, oneOf(IOCTL_NAMES), ptr], (t, fd, request, argument) =>
    ioctl(t, fd, request >>> 0, argument),
  ),
  call(42, 'pipe', [ptr], (t, address) => pipe2(t, address, 0)),
  call(359, 'pipe2', [ptr, openFlags], pipe2),
  call(36, 'sync', [], (t) => sync(allFiles(t))),
  call(373, 'syncfs', [fd], (t, fd) => {
    const { fs } = t.files.get(fd).inode;
    return sync([...allFiles(t)].filter((file) => file.inode.fs === fs));
  }),
];
