/** Sending and receiving: sendmsg(2), recvmsg(2) and their kin (net/socket.c). */

import { USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { ERRNO, Errno, fail } from '../../abi/errno.ts';
import { RW_MAX } from '../../abi/fcntl.ts';
import * as s from '../../abi/socket.ts';
import { s32, u32 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { IOV_MAX } from '../../abi/uio.ts';
import { fromTimespec, toTimespec, valid } from '../../kernel/clock.ts';
import { BLOCKED, Restart, type Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { RawSocket } from '../../vfs/net/raw-socket.ts';
import { type PeerCreds, type Received, type Socket, WOULD_BLOCK } from '../../vfs/net/socket.ts';
import { bytesIn, fd, flags, int, kernelId, ptr, size, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { installFile } from '../files/open.ts';
import { accessible, brokenPipe, type Iovec, iovecs } from '../files/read-write.ts';
import { addressBytesAt, credsOf, putAddress, shownCreds, socketOf, targetOf } from './socket.ts';

interface Progress {
  done: number;
  deadline: number;
  /** What has come so far is at its start. */
  into?: Uint8Array | undefined;
}

/** Waits for room or data, or gives EAGAIN: at once when it may not wait, else when the socket's timeout has passed. */
function waitOn(
  t: Task,
  socket: Socket,
  flags: number,
  timeout: number,
  done: number,
  into?: Uint8Array,
): number {
  if (socket.nonblocking || flags & s.MSG_DONTWAIT) return done || WOULD_BLOCK;
  const before = t.callState as Progress | undefined;
  const progress: Progress = { done, deadline: before?.deadline ?? t.now() + timeout, into };
  if (t.now() >= progress.deadline || (done > 0 && t.signalPending)) return done || WOULD_BLOCK;
  t.callState = progress;
  return t.wait(socket.queue, progress.deadline, timeout === Infinity ? 'ERESTARTSYS' : 'EINTR');
}

interface Outgoing {
  readonly vector: readonly Iovec[];
  /** A sockaddr. */
  readonly address: Uint8Array | undefined;
  readonly rights?: readonly OpenFile[];
}

function send(t: Task, socket: Socket, message: Outgoing, flags: number): number {
  const { vector, rights } = message;
  let done = (t.callState as Progress | undefined)?.done ?? 0;
  try {
    const address = socket.destination(lengthOf(vector), flags, message.address);
    const bytes = gather(t, vector);
    const target = targetOf(t, address);
    do {
      const count = socket.send(done === 0 ? bytes : bytes.subarray(done), {
        flags,
        address,
        target,
        rights: done === 0 ? rights : undefined,
        creds: credsOf(t),
      });
      if (count === WOULD_BLOCK) return waitOn(t, socket, flags, socket.writeTimeout, done);
      done += count;
    } while (done < bytes.length && socket.type === s.SOCK_STREAM);
    return done;
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    if (error.errno === ERRNO.EPIPE && !(flags & s.MSG_NOSIGNAL)) brokenPipe(t, socket);
    if (done > 0 && error.errno !== ERRNO.EPIPE) return done;
    throw error;
  }
}

const lengthOf = (vector: readonly Iovec[]) => vector.reduce((sum, { length }) => sum + length, 0);

/** Bytes of a vector in guest memory, in one piece. */
function gather(t: Task, vector: readonly Iovec[]): Uint8Array {
  if (vector.length === 1) return t.mm.readable(vector[0]!.base, vector[0]!.length);
  const bytes = new Uint8Array(lengthOf(vector));
  let at = 0;
  for (const { base, length } of vector) {
    bytes.set(t.mm.readable(base, length), at);
    at += length;
  }
  return bytes;
}

const CMSG_ALIGN = (length: number) => (length + 3) & ~3;

/** What is said of the sender must be true, but for who has the capability to lie (scm_check_creds). EINVAL, EPERM. */
function checkCreds({ creds, process, ns }: Task, given: PeerCreds): void {
  const { user } = creds;
  const uid = kernelId(user.uids, given.uid >>> 0);
  const gid = kernelId(user.gids, given.gid >>> 0);
  const mayPid = given.pid === process.number || capable(creds, CAP.SYS_ADMIN, ns.pid_for_children.owner);
  const mayUid = [creds.uid, creds.euid, creds.suid].includes(uid) || capable(creds, CAP.SETUID, user);
  const mayGid = [creds.gid, creds.egid, creds.sgid].includes(gid) || capable(creds, CAP.SETGID, user);
  if (!mayPid || !mayUid || !mayGid) fail('EPERM');
}

/**
 * The files passed with a message (SCM_RIGHTS); credentials are checked to be the sender's own (__scm_send). The network knows
 * neither, and lets them pass (__sock_cmsg_send).
 */
function controlAt(t: Task, socket: Socket, address: number, length: number): OpenFile[] {
  const { family } = socket;
  const passes = family === s.AF_UNIX;
  const known = passes || family === s.AF_NETLINK;
  if (length > 0x7fff_ffff) fail('ENOBUFS');
  t.mm.readable(address, length);
  const rights: OpenFile[] = [];
  let at = 0;
  while (at + s.cmsghdr.size <= length) {
    const header = t.mm.get(s.cmsghdr, address + at);
    if (header.cmsg_len < s.cmsghdr.size || at + header.cmsg_len > length) fail('EINVAL');
    const data = address + at + s.cmsghdr.size;
    const size = header.cmsg_len - s.cmsghdr.size;
    if (header.cmsg_level === s.SOL_SOCKET && header.cmsg_type === s.SCM_RIGHTS) {
      if (known && (!passes || size > 4 * 253)) fail('EINVAL');
      for (let i = 0; passes && i + 4 <= size; i += 4) rights.push(t.files.raw(t.mm.get(s32, data + i)));
    } else if (header.cmsg_level === s.SOL_SOCKET && header.cmsg_type === s.SCM_CREDENTIALS) {
      if (known && size !== s.ucred.size) fail('EINVAL');
      if (known) checkCreds(t, t.mm.get(s.ucred, data));
    } else if (header.cmsg_level === s.SOL_SOCKET) fail('EINVAL');
    at += CMSG_ALIGN(header.cmsg_len);
  }
  return rights;
}

function sendmsg(t: Task, fd: number, at: number, flags: number): number {
  const socket = socketOf(t, fd);
  const m = t.mm.get(s.msghdr, at);
  if (m.msg_name !== 0 && m.msg_namelen > 0x7fff_ffff) fail('EINVAL');
  const address =
    m.msg_name === 0 || m.msg_namelen === 0
      ? undefined
      : addressBytesAt(t, m.msg_name, Math.min(m.msg_namelen, s.SOCKADDR_STORAGE));
  if (m.msg_iovlen > IOV_MAX) fail('EMSGSIZE');
  const vector = iovecs(t, m.msg_iov, m.msg_iovlen);
  const rights = m.msg_controllen > 0 ? controlAt(t, socket, m.msg_control, m.msg_controllen) : [];
  return send(t, socket, { vector, address, rights }, flags);
}

function sendto(
  t: Task,
  fd: number,
  address: number,
  length: number,
  flags: number,
  to: number,
  toLength: number,
): number {
  // import_single_range comes first.
  if (address + length > USER_END) fail('EFAULT');
  const socket = socketOf(t, fd);
  const name = to === 0 ? undefined : addressBytesAt(t, to, toLength);
  const vector = length === 0 ? [] : [{ base: address, length: Math.min(length, RW_MAX) }];
  return send(t, socket, { vector, address: name }, flags);
}

/** There are no urgent data: what streams say, who know of them, and others, who do not; UDP does not look at the flag. */
function refuseOob(socket: Socket): void {
  if (socket.type === s.SOCK_STREAM) fail(isInet(socket) && socket.listening ? 'ENOTCONN' : 'EINVAL');
  if (!isInet(socket)) fail('EOPNOTSUPP');
}
const isInet = ({ family }: Socket) => family === s.AF_INET || family === s.AF_INET6;

/** Receives into a buffer; waits as the socket says. MSG_WAITALL of a stream waits until it is full. */
function receive(t: Task, socket: Socket, into: Uint8Array, flags: number): Received | number {
  // Only the network has a queue of errors, in which is nothing but for packets.
  const hasErrors = isInet(socket) && !(socket instanceof RawSocket);
  if (flags & s.MSG_ERRQUEUE && hasErrors) return WOULD_BLOCK;
  if (flags & s.MSG_OOB) refuseOob(socket);
  const all = flags & s.MSG_WAITALL && !(flags & s.MSG_PEEK) && socket.type === s.SOCK_STREAM;
  const before = t.callState as Progress | undefined;
  let done = before?.done ?? 0;
  // A vector has another buffer each time.
  if (done > 0 && before!.into!.buffer !== into.buffer) into.set(before!.into!.subarray(0, done));
  for (;;) {
    const received = socket.receive(done === 0 ? into : into.subarray(done), flags);
    if (typeof received === 'number') {
      const outcome = waitOn(t, socket, flags, socket.readTimeout, done, into);
      return outcome > 0 ? { count: outcome, length: outcome } : outcome;
    }
    done += received.count;
    if (!all || received.count === 0 || done >= into.length || received.rights)
      return { ...received, count: done };
  }
}

/** A buffer for a vector: the guest's memory itself when it is one piece. With `spread` the bytes are put in their places. */
function bufferFor(
  t: Task,
  vector: readonly Iovec[],
): { buffer: Uint8Array; spread: (count: number) => void } {
  if (vector.length === 1) {
    return { buffer: t.mm.writable(vector[0]!.base, vector[0]!.length), spread: () => {} };
  }
  const buffer = new Uint8Array(vector.reduce((sum, v) => sum + v.length, 0));
  const spread = (count: number) => {
    let at = 0;
    for (const { base, length } of vector) {
      const part = Math.min(length, count - at);
      if (part <= 0) return;
      t.mm.writable(base, part).set(buffer.subarray(at, at + part));
      at += part;
    }
  };
  return { buffer, spread };
}

/**
 * The memory a message is received into, as far as it is there: only what comes must have room. Where there is none at all, that
 * is told when something has come, as the number is which is given when nothing has.
 */
function bufferAt(
  t: Task,
  socket: Socket,
  address: number,
  length: number,
  flags: number,
): Uint8Array | number {
  if (length === 0) return new Uint8Array(0);
  try {
    return accessible(t, { base: address, length }, WRITE);
  } catch (error) {
    const received = receive(t, socket, new Uint8Array(0), flags | s.MSG_PEEK);
    if (typeof received === 'number') return received;
    for (const file of received.rights ?? []) file.release();
    throw error;
  }
}

function recvfrom(
  t: Task,
  fd: number,
  address: number,
  length: number,
  flags: number,
  from: number,
  fromLength: number,
): number {
  const socket = socketOf(t, fd);
  if (address + length > USER_END) fail('EFAULT');
  const into = bufferAt(t, socket, address, Math.min(length, RW_MAX), flags);
  if (typeof into === 'number') return into;
  const received = receive(t, socket, into, flags);
  if (typeof received === 'number') return received;
  for (const file of received.rights ?? []) file.release();
  if (from !== 0) putAddress(t, received.address, from, fromLength);
  return flags & s.MSG_TRUNC && socket.type !== s.SOCK_STREAM ? received.length : received.count;
}

/** Writes control messages; gives how many bytes they take and whether some did not fit. */
function putControl(
  t: Task,
  socket: Socket,
  received: Received,
  address: number,
  room: number,
  flags: number,
): { length: number; truncated: boolean } {
  let length = 0;
  let truncated = false;
  const put = (type: number, size: number, write: (at: number) => void, level = s.SOL_SOCKET) => {
    t.mm.put(s.cmsghdr, address + length, {
      cmsg_len: s.cmsghdr.size + size,
      cmsg_level: level,
      cmsg_type: type,
    });
    write(address + length + s.cmsghdr.size);
    length += Math.min(CMSG_ALIGN(s.cmsghdr.size + size), room - length);
  };
  if (socket.options.get(s.SO_PASSCRED)) {
    const creds = received.creds ? shownCreds(t, received.creds) : { pid: 0, uid: 65534, gid: 65534 };
    if (length + s.cmsghdr.size + s.ucred.size > room) truncated = true;
    else put(s.SCM_CREDENTIALS, s.ucred.size, (at) => t.mm.put(s.ucred, at, creds));
  }
  for (const { level, type, data } of received.control ?? []) {
    // What does not fit is cut (put_cmsg).
    const part = data.subarray(0, Math.max(0, room - length - s.cmsghdr.size));
    truncated ||= part.length < data.length;
    if (length + s.cmsghdr.size > room) continue;
    put(type, part.length, (at) => t.mm.writable(at, part.length).set(part), level);
  }
  const rights = received.rights ?? [];
  if (rights.length > 0) {
    const fits = Math.max(0, Math.min(rights.length, Math.floor((room - length - s.cmsghdr.size) / 4)));
    if (fits < rights.length) truncated = true;
    const fds: number[] = [];
    try {
      for (const file of rights.slice(0, fits)) {
        fds.push(installFile(t, file, (flags & s.MSG_CMSG_CLOEXEC) !== 0));
      }
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      truncated = true;
    }
    if (fds.length > 0) {
      put(s.SCM_RIGHTS, 4 * fds.length, (at) => {
        fds.forEach((fd, i) => {
          t.mm.put(s32, at + 4 * i, fd);
        });
      });
    }
    for (const file of rights) file.release();
  }
  return { length, truncated };
}

function recvmsg(t: Task, fd: number, address: number, flags: number): number {
  const socket = socketOf(t, fd);
  const m = t.mm.get(s.msghdr, address);
  if (m.msg_name !== 0 && m.msg_namelen > 0x7fff_ffff) fail('EINVAL');
  if (m.msg_iovlen > IOV_MAX) fail('EMSGSIZE');
  const { buffer, spread } = bufferFor(t, iovecs(t, m.msg_iov, m.msg_iovlen));
  const received = receive(t, socket, buffer, flags);
  if (typeof received === 'number') return received;
  spread(received.count);
  const control = putControl(t, socket, received, m.msg_control, m.msg_controllen, flags);
  let namelen = 0;
  if (m.msg_name !== 0 && received.address) {
    const bytes = s.writeSockaddr(received.address);
    const part = bytes.subarray(0, m.msg_namelen);
    t.mm.writable(m.msg_name, part.length).set(part);
    namelen = bytes.length;
  }
  const cut = received.length > received.count && socket.type !== s.SOCK_STREAM;
  const out =
    (received.flags ?? 0) |
    (cut ? s.MSG_TRUNC : 0) |
    (control.truncated ? s.MSG_CTRUNC : 0) |
    (flags & s.MSG_CMSG_CLOEXEC);
  t.mm.put(s.msghdr, address, {
    ...m,
    msg_namelen: namelen,
    msg_controllen: control.length,
    msg_flags: out,
  });
  return flags & s.MSG_TRUNC && socket.type !== s.SOCK_STREAM ? received.length : received.count;
}

/** How far a call of several messages has come that waits for the next. */
interface Several {
  readonly messages: number;
  readonly until: number;
  /** What the one it waits for keeps. */
  readonly one: unknown;
}

/**
 * One message after the other, as many as there are to be, or until the time has passed when one is done (do_recvmmsg,
 * __sys_sendmmsg).
 */
function several(
  t: Task,
  address: number,
  count: number,
  timeout: number,
  each: (at: number, first: boolean) => number,
): number {
  const before = t.callState as Several | undefined;
  const until = before?.until ?? t.now() + timeout;
  let messages = before?.messages ?? 0;
  t.callState = before?.one;
  while (messages < count) {
    const at = address + messages * s.mmsghdr.size;
    try {
      const length = each(at, messages === 0);
      if (length < 0) return messages || length;
      t.callState = undefined;
      t.mm.put(u32, at + s.msghdr.size, length);
      messages++;
    } catch (error) {
      if (error === BLOCKED) t.callState = { messages, until, one: t.callState } satisfies Several;
      else if (messages > 0 && (error instanceof Errno || error instanceof Restart)) break;
      throw error;
    }
    if (t.now() >= until) break;
  }
  return messages;
}

function sendmmsg(t: Task, fd: number, address: number, count: number, flags: number): number {
  socketOf(t, fd);
  return several(t, address, Math.min(count, IOV_MAX), Infinity, (at) => sendmsg(t, fd, at, flags));
}

/** What is left of the time is written back. */
function recvmmsg(
  t: Task,
  fd: number,
  address: number,
  count: number,
  flags: number,
  timeoutAt: number,
  timespec: typeof timespec32 | typeof timespec64,
): number {
  let timeout = Infinity;
  if (timeoutAt !== 0) {
    const value = t.mm.get(timespec, timeoutAt);
    if (!valid(value)) fail('EINVAL');
    timeout = fromTimespec(value);
  }
  socketOf(t, fd);
  const until = (t.callState as Several | undefined)?.until ?? t.now() + timeout;
  const received = several(t, address, count, timeout, (at, first) =>
    recvmsg(t, fd, at, flags & s.MSG_WAITFORONE && !first ? flags | s.MSG_DONTWAIT : flags),
  );
  if (timeoutAt !== 0 && received > 0)
    t.mm.put(timespec, timeoutAt, toTimespec(Math.max(0, until - t.now())));
  return received;
}

const MESSAGE_FLAGS = {
  MSG_OOB: s.MSG_OOB,
  MSG_PEEK: s.MSG_PEEK,
  MSG_TRUNC: s.MSG_TRUNC,
  MSG_DONTWAIT: s.MSG_DONTWAIT,
  MSG_WAITALL: s.MSG_WAITALL,
  MSG_NOSIGNAL: s.MSG_NOSIGNAL,
  MSG_MORE: s.MSG_MORE,
  MSG_CMSG_CLOEXEC: s.MSG_CMSG_CLOEXEC,
};
const messageFlags = flags(MESSAGE_FLAGS);

export const sendReceiveCalls: readonly Call[] = [
  call(289, 'send', [fd, bytesIn(2), size, messageFlags], (t, fd, address, length, flags) =>
    sendto(t, fd, address, length, flags, 0, 0),
  ),
  call(290, 'sendto', [fd, bytesIn(2), size, messageFlags, ptr, int], sendto),
  call(291, 'recv', [fd, ptr, size, messageFlags], (t, fd, address, length, flags) =>
    recvfrom(t, fd, address, length, flags, 0, 0),
  ),
  call(292, 'recvfrom', [fd, ptr, size, messageFlags, ptr, ptr], recvfrom),
  call(296, 'sendmsg', [fd, ptr, messageFlags], sendmsg),
  call(297, 'recvmsg', [fd, ptr, messageFlags], recvmsg),
  call(374, 'sendmmsg', [fd, ptr, uint, messageFlags], sendmmsg),
  call(365, 'recvmmsg', [fd, ptr, uint, messageFlags, ptr], (t, fd, address, count, flags, timeout) =>
    recvmmsg(t, fd, address, count, flags, timeout, timespec32),
  ),
  call(417, 'recvmmsg_time64', [fd, ptr, uint, messageFlags, ptr], (t, fd, address, count, flags, timeout) =>
    recvmmsg(t, fd, address, count, flags, timeout, timespec64),
  ),
];
