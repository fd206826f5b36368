/** System V messages: msgget(2), msgsnd(2), msgrcv(2), msgctl(2) (ipc/msg.c). */
import { fail } from '../../abi/errno.ts';
import { IPC_NOWAIT, MSG, MSGCTL, MSGMNB, msginfo, msqidDs } from '../../abi/ipc.ts';
import { s32 } from '../../abi/struct.ts';
import { type Message, MessageQueue, seconds } from '../../kernel/sysv-ipc.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { flags, hex, int, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { command } from './command.ts';

const MSGPOOL = 512_000;

function msgget(t: Task, key: number, how: number): number {
  return t.ns.ipc.sysv.messages.get(
    key,
    how,
    t.creds,
    () => {},
    (at) => new MessageQueue(at, how, t.creds, t.ns.ipc.sysv.limits.msgmnb),
  );
}

/** The queue a call sleeps on, found again by what it was: its id may have gone to another. */
function queueOf(t: Task, id: number): MessageQueue {
  const queue = (t.callState as MessageQueue | undefined) ?? t.ns.ipc.sysv.messages.find(id);
  if (queue.removed) fail('EIDRM');
  return queue;
}

function msgsnd(t: Task, id: number, at: number, length: number, how: number): number {
  const type = t.mm.get(s32, at);
  if (length > t.ns.ipc.sysv.limits.msgmax || id < 0 || type < 1) fail('EINVAL');
  t.mm.readable(at + 4, length);
  const queue = queueOf(t, id);
  queue.require(t.creds, 2);
  if (queue.bytes + length > queue.limit) {
    if (how & IPC_NOWAIT) fail('EAGAIN');
    t.callState = queue;
    return t.wait(queue.queue, Infinity, 'EINTR');
  }
  queue.messages.push({ type, bytes: Uint8Array.from(t.mm.readable(at + 4, length)) });
  queue.bytes += length;
  queue.lastSender = t.process.pid;
  queue.sentTime = seconds();
  queue.queue.wakeAll();
  return 0;
}

/** Which message msgrcv takes: the first, the first of a type or of another, or the lowest type up to a limit. */
function select(queue: MessageQueue, type: number, how: number): Message | undefined {
  if (type === 0) return queue.messages[0];
  if (type > 0) return queue.messages.find((m) => (m.type === type) !== ((how & MSG.MSG_EXCEPT) !== 0));
  const fitting = queue.messages.filter((m) => m.type <= -type);
  return fitting.reduce<Message | undefined>(
    (best, m) => (best === undefined || m.type < best.type ? m : best),
    undefined,
  );
}

function msgrcv(t: Task, id: number, at: number, length: number, type: number, how: number): number {
  if (id < 0 || (length | 0) < 0) fail('EINVAL');
  const copies = (how & MSG.MSG_COPY) !== 0;
  if (copies) {
    if (how & MSG.MSG_EXCEPT || !(how & IPC_NOWAIT)) fail('EINVAL');
    // The copy is prepared from what is at the place it is to go to (prepare_copy).
    t.mm.readable(at, Math.min(length, t.ns.ipc.sysv.limits.msgmax));
  }
  const queue = queueOf(t, id);
  queue.require(t.creds, 4);
  const message = copies ? queue.messages[type] : select(queue, type, how);
  if (message === undefined) {
    if (how & IPC_NOWAIT) fail('ENOMSG');
    t.callState = queue;
    return t.wait(queue.queue, Infinity, 'EINTR');
  }
  if (message.bytes.length > length && !(how & MSG.MSG_NOERROR)) fail('E2BIG');
  // A copy must be whole (copy_msg).
  if (copies && message.bytes.length > length) fail('EINVAL');
  const count = Math.min(length, message.bytes.length);
  t.mm.put(s32, at, message.type);
  t.mm.writable(at + 4, count).set(message.bytes.subarray(0, count));
  if (copies) return count;
  queue.messages.splice(queue.messages.indexOf(message), 1);
  queue.bytes -= message.bytes.length;
  queue.lastReceiver = t.process.pid;
  queue.receivedTime = seconds();
  queue.queue.wakeAll();
  return count;
}

/** IPC_INFO and MSG_INFO. */
function queueInfo({ ns, mm }: Task, what: number, at: number): number {
  const { messages, limits, usedMessages } = ns.ipc.sysv;
  const { msgmax, msgmnb, msgmni } = limits;
  const used = what === MSGCTL.MSG_INFO;
  mm.put(msginfo, at, {
    msgpool: used ? messages.objects.size : MSGPOOL,
    msgmap: used ? usedMessages.count : MSGMNB,
    msgmax,
    msgmnb,
    msgmni,
    msgssz: 16,
    msgtql: used ? usedMessages.bytes : MSGMNB,
    msgseg: 0xffff,
  });
  return messages.highest;
}

function msgctl(t: Task, id: number, what: number, at: number): number {
  if (id < 0) fail('EINVAL');
  if (what === MSGCTL.IPC_INFO || what === MSGCTL.MSG_INFO) return queueInfo(t, what, at);
  const { messages } = t.ns.ipc.sysv;
  // What is to be set is read before there is looked for what.
  const given = what === MSGCTL.IPC_SET ? t.mm.get(msqidDs, at) : undefined;
  const bySlot = what === MSGCTL.MSG_STAT || what === MSGCTL.MSG_STAT_ANY;
  const queue = bySlot ? messages.at(id) : messages.find(id);
  const { mm, creds } = t;
  switch (what) {
    case MSGCTL.IPC_STAT:
    case MSGCTL.MSG_STAT:
    case MSGCTL.MSG_STAT_ANY:
      if (what !== MSGCTL.MSG_STAT_ANY) queue.require(creds, 4);
      mm.put(msqidDs, at, {
        msg_perm: queue.permissions(creds.user),
        msg_stime: queue.sentTime,
        stime_high: 0,
        msg_rtime: queue.receivedTime,
        rtime_high: 0,
        msg_ctime: queue.changed,
        ctime_high: 0,
        msg_cbytes: queue.bytes,
        msg_qnum: queue.messages.length,
        msg_qbytes: queue.limit,
        msg_lspid: t.process.pids.numberOf(queue.lastSender),
        msg_lrpid: t.process.pids.numberOf(queue.lastReceiver),
        unused4: 0,
        unused5: 0,
      });
      return bySlot ? queue.id : 0;
    case MSGCTL.IPC_SET: {
      const { msg_qbytes: limit, msg_perm } = given!;
      queue.requireOwner(creds);
      if (limit > t.ns.ipc.sysv.limits.msgmnb && !capable(creds, CAP.SYS_RESOURCE)) fail('EPERM');
      queue.limit = limit;
      queue.change(msg_perm, creds.user);
      queue.queue.wakeAll();
      return 0;
    }
    case MSGCTL.IPC_RMID:
      queue.requireOwner(creds);
      messages.remove(queue);
      queue.queue.wakeAll();
      return 0;
    default:
      return fail('EINVAL');
  }
}
const msgFlags = flags({ IPC_NOWAIT, ...MSG });

export const msgCalls: readonly Call[] = [
  call(301, 'msgsnd', [int, ptr, size, msgFlags], msgsnd),
  call(302, 'msgrcv', [int, ptr, size, int, msgFlags], msgrcv),
  call(303, 'msgget', [hex, hex], (t, key, how) => msgget(t, key | 0, how)),
  call(304, 'msgctl', [int, command(MSGCTL), ptr], msgctl),
];
