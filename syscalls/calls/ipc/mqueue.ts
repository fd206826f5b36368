/** POSIX message queues: mq_open(3), mq_send(3), mq_receive(3), mq_notify(3), mq_getattr(3), mq_unlink(3) (ipc/mqueue.c). */

import { fail } from '../../abi/errno.ts';
import { NAME_MAX, O_NONBLOCK, O_PATH } from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { NSIG, SI } from '../../abi/signal.ts';
import { s32, struct, u32 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec, realtime } from '../../kernel/clock.ts';
import { SIGEV, type SigEvent } from '../../kernel/posix-timer.ts';
import { sendToProcess } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { PathFile } from '../../vfs/core/path-file.ts';
import { MQ_PRIO_MAX, QueueFile, type QueueInode, type Receiver, type Sender } from '../../vfs/ipc/mqueue.ts';
import { NetlinkSocket } from '../../vfs/net/netlink-socket.ts';
import {
  bytesIn,
  fd,
  int,
  laterPath,
  mode,
  path,
  ptr,
  size,
  structInOrNull,
  structOut,
  uint,
} from '../args.ts';
import { type Call, call } from '../declare.ts';
import { installFile } from '../files/open.ts';
import { openFlags } from '../names.ts';
import { readSigEvent } from '../time/timer.ts';

const mqAttr = struct('mq_attr', {
  mq_flags: s32,
  mq_maxmsg: s32,
  mq_msgsize: s32,
  mq_curmsgs: s32,
  reserved0: s32,
  reserved1: s32,
  reserved2: s32,
  reserved3: s32,
});
type MqAttr = ReturnType<typeof mqAttr.get>;

/** A queue's name, which libc passes without its slash. */
function checkName(name: string): string {
  if (name === '') fail('ENOENT');
  if (name.includes('/')) fail('EACCES');
  if (name.length > NAME_MAX) fail('ENAMETOOLONG');
  return name === '.' || name === '..' ? fail('EACCES') : name;
}

function mqOpen(t: Task, name: () => string, how: number, mode: number, attr: MqAttr | null): number {
  const given = name();
  const attributes = attr ? { maxMessages: attr.mq_maxmsg, maxSize: attr.mq_msgsize } : undefined;
  const limit = t.process.limits[RLIMIT.RLIMIT_MSGQUEUE]!.cur;
  const bits = mode & 0o7777 & ~t.fs.umask;
  if (given === '') fail('ENOENT');
  t.files.checkFree(t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
  const queue = t.ns.ipc.mqueues.open(checkName(given), how, bits, t.creds, attributes, limit);
  const file = how & O_PATH ? new PathFile(queue, how) : queue.open(how);
  file.ownRoot = queue.fs.root;
  // All of a path's flags are kept (do_dentry_open).
  if (how & O_PATH) file.flags = how;
  return installFile(t, file, true);
}

function mqUnlink(t: Task, given: string): number {
  t.ns.ipc.mqueues.unlink(checkName(given), t.creds);
  return 0;
}

function queueFile(t: Task, fd: number): QueueFile {
  const file = t.files.get(fd);
  return file instanceof QueueFile ? file : fail('EBADF');
}

type Timeout = { tv_sec: number; tv_nsec: number } | null;

/** When to give up, by CLOCK_REALTIME, in the kernel's time. EINVAL. */
function deadlineOf(t: Task, timeout: Timeout): number {
  if (timeout === null) return Infinity;
  if (timeout.tv_sec < 0 || timeout.tv_nsec < 0 || timeout.tv_nsec >= 1e9) fail('EINVAL');
  return t.now() + fromTimespec(timeout) - realtime();
}

/** What a waiting call keeps: its place in the queue's list of waiters, and when it gives up. */
class Waiting<W extends Receiver | Sender> implements Disposable {
  readonly waiter: W;
  readonly deadline: number;
  readonly #list: W[];

  constructor(list: W[], waiter: W, deadline: number) {
    this.waiter = waiter;
    this.deadline = deadline;
    this.#list = list;
    list.push(waiter);
  }

  /** Sleeps on; whoever serves the waiter wakes it. */
  sleep(t: Task): never {
    if (t.now() >= this.deadline) fail('ETIMEDOUT');
    return t.wait([], this.deadline);
  }

  [Symbol.dispose](): void {
    const at = this.#list.indexOf(this.waiter);
    if (at >= 0) this.#list.splice(at, 1);
  }
}

function send(t: Task, fd: number, at: number, length: number, priority: number, timeout: Timeout): number {
  const waiting = t.callState as Waiting<Sender> | undefined;
  if (waiting) return waiting.waiter.sent ? 0 : waiting.sleep(t);
  if (priority >= MQ_PRIO_MAX) fail('EINVAL');
  const deadline = deadlineOf(t, timeout);
  const file = queueFile(t, fd);
  if (!file.writable) fail('EBADF');
  const { inode: queue } = file;
  if (length > queue.maxSize) fail('EMSGSIZE');
  const message = { priority, bytes: t.mm.readable(at, length).slice() };
  if (queue.send(message)) return 0;
  if (file.nonblocking) fail('EAGAIN');
  const state = new Waiting<Sender>(queue.senders, { task: t, message, sent: false }, deadline);
  t.callState = state;
  return state.sleep(t);
}

function receive(
  t: Task,
  fd: number,
  at: number,
  length: number,
  priorityAt: number,
  timeout: Timeout,
): number {
  const waiting = t.callState as Waiting<Receiver> | undefined;
  let message = waiting?.waiter.message;
  if (waiting && message === undefined) return waiting.sleep(t);
  if (!waiting) {
    const deadline = deadlineOf(t, timeout);
    const file = queueFile(t, fd);
    if (!file.readable) fail('EBADF');
    const { inode: queue } = file;
    if (length < queue.maxSize) fail('EMSGSIZE');
    message = queue.receive();
    if (message === undefined) {
      if (file.nonblocking) fail('EAGAIN');
      const state = new Waiting<Receiver>(queue.receivers, { task: t, message: undefined }, deadline);
      t.callState = state;
      return state.sleep(t);
    }
  }
  const { bytes, priority } = message!;
  if (priorityAt !== 0) t.mm.put(u32, priorityAt, priority);
  t.mm.writable(at, bytes.length).set(bytes);
  return bytes.length;
}

/** Bytes of the cookie that the kernel gives back, and what its last one then says (linux/mqueue.h). */
const NOTIFY_COOKIE_LEN = 32;
const NOTIFY_WOKENUP = 1;
const NOTIFY_REMOVED = 2;

/**
 * SIGEV_THREAD: libc's helper thread reads the cookie that sigev_value leads to from the netlink socket that stands in the
 * place of the signal. EBADF, ENOTSOCK, EFAULT.
 */
function cookiesFor(t: Task, { sigev_signo, sigev_value }: SigEvent): { send(): void; removed(): void } {
  const cookie = t.mm.readable(sigev_value, NOTIFY_COOKIE_LEN).slice();
  const file = t.files.get(sigev_signo);
  if (!(file instanceof NetlinkSocket)) return fail('ENOTSOCK');
  file.ref();
  const tell = (what: number) => {
    cookie[NOTIFY_COOKIE_LEN - 1] = what;
    file.fromKernel(cookie);
    file.release();
  };
  return { send: () => tell(NOTIFY_WOKENUP), removed: () => tell(NOTIFY_REMOVED) };
}

function mqNotify(t: Task, fd: number, eventAt: number): number {
  const event = eventAt === 0 ? undefined : readSigEvent(t, eventAt);
  const { process, files, creds } = t;
  if (event) {
    const { sigev_notify: how, sigev_signo: signo } = event;
    const known: readonly number[] = [SIGEV.SIGEV_NONE, SIGEV.SIGEV_SIGNAL, SIGEV.SIGEV_THREAD];
    if (!known.includes(how)) fail('EINVAL');
    if (how === SIGEV.SIGEV_SIGNAL && (signo < 0 || signo > NSIG)) fail('EINVAL');
  }
  const cookies = event?.sigev_notify === SIGEV.SIGEV_THREAD ? cookiesFor(t, event) : undefined;
  const queue: QueueInode = queueFile(t, fd).inode;
  if (event === undefined) {
    if (queue.notification?.owner === files) queue.removeNotification();
    return 0;
  }
  if (queue.notification) fail('EBUSY');
  const { sigev_notify: how, sigev_signo: signo, sigev_value: value } = event;
  queue.notification = {
    owner: files,
    pid: process.pid,
    signo: how === SIGEV.SIGEV_SIGNAL ? signo : 0,
    how,
    removed: cookies?.removed,
    send() {
      if (cookies) cookies.send();
      if (how !== SIGEV.SIGEV_SIGNAL || signo === 0) return;
      // From whoever sends the message.
      const sender = t.kernel.scheduler.current ?? t;
      sendToProcess(process, {
        signo,
        code: SI.SI_MESGQ,
        pid: sender.process.pid,
        uid: creds.uid,
        value,
      });
    },
  };
  return 0;
}

function mqGetSetAttr(t: Task, fd: number, wanted: MqAttr | null, oldAt: number): number {
  if (wanted && wanted.mq_flags & ~O_NONBLOCK) fail('EINVAL');
  const file = queueFile(t, fd);
  const { inode: queue } = file;
  const old = {
    mq_flags: file.flags & O_NONBLOCK,
    mq_maxmsg: queue.maxMessages,
    mq_msgsize: queue.maxSize,
    mq_curmsgs: queue.messages.length,
    reserved0: 0,
    reserved1: 0,
    reserved2: 0,
    reserved3: 0,
  };
  if (wanted) file.flags = (file.flags & ~O_NONBLOCK) | wanted.mq_flags;
  if (oldAt !== 0) t.mm.put(mqAttr, oldAt, old);
  return 0;
}

export const mqueueCalls: readonly Call[] = [
  call(274, 'mq_open', [laterPath, openFlags, mode, structInOrNull(mqAttr)], mqOpen),
  call(275, 'mq_unlink', [path], mqUnlink),
  call(276, 'mq_timedsend', [fd, bytesIn(2), size, uint, structInOrNull(timespec32)], send),
  call(277, 'mq_timedreceive', [fd, ptr, size, structOut(u32), structInOrNull(timespec32)], receive),
  call(278, 'mq_notify', [int, ptr], mqNotify),
  call(279, 'mq_getsetattr', [int, structInOrNull(mqAttr), structOut(mqAttr)], mqGetSetAttr),
  call(418, 'mq_timedsend_time64', [fd, bytesIn(2), size, uint, structInOrNull(timespec64)], send),
  call(419, 'mq_timedreceive_time64', [fd, ptr, size, structOut(u32), structInOrNull(timespec64)], receive),
];
