/** ioctl(2): what every descriptor knows; the rest is the file's own (fs/ioctl.c). */
import { READ, WRITE } from '../../../emu/memory/layout.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import * as f from '../../abi/fcntl.ts';
import {
  FIBMAP,
  FICLONE,
  FICLONERANGE,
  FIGETBSZ,
  FIOASYNC,
  FIOCLEX,
  FIOGETOWN,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  FIOQSIZE,
  FIOSETOWN,
  IOCTL_NAMES,
  SIOCGPGRP,
  SIOCSPGRP,
} from '../../abi/ioctl.ts';
import { s32, s64, struct, u64 } from '../../abi/struct.ts';
import { PidNamespace } from '../../kernel/pid-namespace.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import type { Namespace } from '../../vfs/core/namespace.ts';
import type { IoctlContext, OpenFile } from '../../vfs/core/open-file.ts';
import { UserNamespace } from '../../vfs/core/user-namespace.ts';
import { Socket } from '../../vfs/net/socket.ts';
import { fd, oneOf, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { ownerOf, setFlags, setOwner } from './fcntl.ts';
import { installFile } from './open.ts';

/** The one above a namespace of pids or users, if it is not above the caller's own (pidns_get_parent, ns_get_owner). */
function parentOf(t: Task, of: Namespace): Namespace {
  if (of instanceof UserNamespace) return of.parent?.isWithin(t.creds.user) ? of.parent : fail('EPERM');
  if (!(of instanceof PidNamespace)) return fail('EINVAL');
  return of.parent?.isWithin(t.process.pids) ? of.parent : fail('EPERM');
}

/** Guest memory and identity for a file's own requests. */
function ioctlContext(t: Task): IoctlContext {
  const view = (address: number, length: number, access: typeof READ | typeof WRITE): DataView => {
    if (!t.mm.space.check(address, length, access)) fail('EFAULT');
    return new DataView(t.mm.space.buffer, address, length);
  };
  return {
    read: (address, length) => view(address, length, READ),
    write: (address, length) => view(address, length, WRITE),
    process: t.process,
    mayAdministerNetwork: capable(t.creds, CAP.NET_ADMIN, t.network.owner),
    creds: t.creds,
    parentOf: (namespace) => parentOf(t, namespace),
    install: (file, closeOnExec) => installFile(t, file, closeOnExec),
    wait: (queue) => t.wait(queue),
  };
}

const file_clone_range = struct('file_clone_range', {
  src_fd: s32,
  src_fd_high: s32,
  src_offset: u64,
  src_length: u64,
  dest_offset: u64,
});

/** vfs_clone_file_range, of file systems that share no blocks. What the host's files are on, their device tells. */
function clone(from: OpenFile, to: OpenFile): never {
  if (from.stat().dev !== to.stat().dev) fail('EXDEV');
  if (from.inode.isDirectory || to.inode.isDirectory) fail('EISDIR');
  if (!from.inode.isRegular || !to.inode.isRegular) fail('EINVAL');
  if (!from.readable || !to.writable || to.flags & f.O_APPEND) fail('EBADF');
  return fail('EOPNOTSUPP');
}

function ioctl(t: Task, fd: number, request: number, argument: number): number {
  const file = t.files.get(fd);
  const boolean = () => t.mm.get(s32, argument) !== 0;
  switch (request) {
    case FIOCLEX:
    case FIONCLEX:
      t.files.setCloseOnExec(fd, request === FIOCLEX);
      return 0;
    case FIONBIO:
      return setFlags(t, fd, file, boolean() ? file.flags | f.O_NONBLOCK : file.flags & ~f.O_NONBLOCK);
    case FIOASYNC:
      if (!file.asynchronous && boolean()) return -ERRNO.ENOTTY;
      return setFlags(t, fd, file, boolean() ? file.flags | f.O_ASYNC : file.flags & ~f.O_ASYNC);
    case FIOQSIZE:
      if (!file.inode.isRegular && !file.inode.isDirectory) return -ERRNO.ENOTTY;
      t.mm.put(s64, argument, file.stat().size);
      return 0;
    case FIBMAP:
      if (!file.inode.isRegular) break;
      if (!capable(t.creds, CAP.SYS_RAWIO)) fail('EPERM');
      t.mm.get(s32, argument);
      return -ERRNO.EINVAL;
    case FIGETBSZ:
      t.mm.put(s32, argument, file.inode.fs.statfs(file.inode).bsize);
      return 0;
    case FICLONE:
      return clone(t.files.get(argument), file);
    case FICLONERANGE: {
      const { src_fd } = t.mm.get(file_clone_range, argument);
      return clone(t.files.get(src_fd), file);
    }
    case FIONREAD:
      if (!file.inode.isRegular) break;
      t.mm.put(s32, argument, Math.max(0, file.stat().size - file.seek(0, f.SEEK_CUR)) | 0);
      return 0;
    case FIOSETOWN:
    case SIOCSPGRP:
      if (!(file instanceof Socket)) break;
      return setOwner(t, file, t.process.pids.argument(t.mm.get(s32, argument)));
    case FIOGETOWN:
    case SIOCGPGRP:
      if (!(file instanceof Socket)) break;
      t.mm.put(s32, argument, ownerOf(t, file));
      return 0;
  }
  return file.ioctl(request, argument, ioctlContext(t));
}

export const ioctlCalls: readonly Call[] = [
  call(54, 'ioctl', [fd, oneOf(IOCTL_NAMES), ptr], (t, fd, request, argument) =>
    ioctl(t, fd, request >>> 0, argument),
  ),
];
