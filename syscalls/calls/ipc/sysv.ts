/** System V IPC: semget(2), semop(2), semctl(2), shmget(2), shmat(2), shmctl(2), msgget(2), msgsnd(2), msgrcv(2), msgctl(2). */
import { isMachine } from '../../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import {
  IPC_64,
  IPC_NOWAIT,
  MSG,
  MSGCTL,
  MSGMNB,
  msginfo,
  msqidDs,
  SEMCTL,
  SEMOPM,
  SEMVMX,
  SHM,
  SHMCTL,
  SHMLBA,
  sembuf,
  semidDs,
  seminfo,
  shmInfo,
  shmidDs,
  shminfo,
} from '../../abi/ipc.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { type Field, s32, u16 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec } from '../../kernel/clock.ts';
import {
  type Message,
  MessageQueue,
  operate,
  type Segment,
  type SemaphoreOperation,
  Semaphores,
  seconds,
} from '../../kernel/sysv-ipc.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { address, arrayIn, type FlagNames, flags, hex, int, ptr, size } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

/** A command, with or without IPC_64. */
function command(names: FlagNames): Arg<number> {
  const byValue = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  return {
    words: 1,
    decode: (_t, x) => x & ~IPC_64,
    print: (_p, x) => byValue.get(x & ~IPC_64) ?? address(x),
  };
}

// ---- semaphores ----

/** What IPC_INFO tells of limits that nobody keeps to (linux/sem.h, linux/msg.h). */
const SEMMNS = 1_024_000_000;
const SEMUSZ = 20;
const MSGPOOL = 512_000;

function semget(t: Task, key: number, count: number, how: number): number {
  const { semaphores, limits, usedSemaphores } = t.kernel.ipc;
  const [semmsl, semmns] = limits.sem as [number, number];
  if (count < 0 || count > semmsl) fail('EINVAL');
  const check = (set: Semaphores) => {
    if (count > set.values.length) fail('EINVAL');
  };
  return semaphores.get(key, how, t.creds, check, (at) => {
    if (count === 0) fail('EINVAL');
    if (usedSemaphores + count > semmns) fail('ENOSPC');
    return new Semaphores(at, how, t.creds, count);
  });
}

interface Waiting extends Disposable {
  set: Semaphores;
  ops: SemaphoreOperation[];
  deadline: number;
}

function semtimedop(type: Field<{ tv_sec: number; tv_nsec: number }>) {
  return (t: Task, id: number, at: number, count: number, timeoutAt: number): number => {
    let waiting = t.callState as Waiting | undefined;
    if (waiting === undefined) {
      if (count < 1) fail('EINVAL');
      if (count > t.kernel.ipc.limits.sem[2]!) fail('E2BIG');
      const ops = Array.from({ length: count }, (_, i) => t.mm.get(sembuf, at + i * sembuf.size));
      let deadline = Infinity;
      if (timeoutAt !== 0) {
        const time = t.mm.get(type, timeoutAt);
        if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1e9) fail('EINVAL');
        deadline = t.now() + fromTimespec(time);
      }
      const set = t.kernel.ipc.semaphores.find(id);
      if (ops.some((op) => op.sem_num >= set.values.length)) fail('EFBIG');
      set.require(t.creds, ops.some((op) => op.sem_op !== 0) ? 2 : 4);
      waiting = { set, ops, deadline, [Symbol.dispose]: () => set.waiting.delete(t) };
    }
    const { set, ops, deadline } = waiting;
    if (set.removed) fail('EIDRM');
    const stuck = operate(set, ops, t.process);
    if (stuck === undefined) return 0;
    if (stuck.sem_flg & IPC_NOWAIT || t.now() >= deadline) fail('EAGAIN');
    t.callState = waiting;
    set.waiting.set(t, { index: stuck.sem_num, zero: stuck.sem_op === 0 });
    return t.wait(set.queue, deadline, 'EINTR');
  };
}

/** Changes by hand forget what processes would undo there. */
function clearUndo(t: Task, set: Semaphores, index?: number): void {
  for (const p of t.kernel.processes.values()) {
    const undo = p.semaphoreUndo.get(set);
    if (undo === undefined) continue;
    if (index === undefined) undo.fill(0);
    else undo[index] = 0;
  }
}

/** IPC_INFO and SEM_INFO. */
function semaphoreInfo({ kernel, mm }: Task, what: number, at: number): number {
  const { semaphores, limits, usedSemaphores } = kernel.ipc;
  const [semmsl, semmns, semopm, semmni] = limits.sem as [number, number, number, number];
  const used = what === SEMCTL.SEM_INFO;
  mm.put(seminfo, at, {
    semmap: SEMMNS,
    semmni,
    semmns,
    semmnu: SEMMNS,
    semmsl,
    semopm,
    semume: SEMOPM,
    semusz: used ? semaphores.objects.size : SEMUSZ,
    semvmx: SEMVMX,
    semaem: used ? usedSemaphores : SEMVMX,
  });
  return semaphores.highest;
}

function semctl(t: Task, id: number, index: number, what: number, arg: number): number {
  if (id < 0) fail('EINVAL');
  if (what === SEMCTL.IPC_INFO || what === SEMCTL.SEM_INFO) return semaphoreInfo(t, what, arg);
  const { semaphores } = t.kernel.ipc;
  const bySlot = what === SEMCTL.SEM_STAT || what === SEMCTL.SEM_STAT_ANY;
  const set = bySlot ? semaphores.at(id) : semaphores.find(id);
  const { mm, creds } = t;
  const one = () => (index >= 0 && index < set.values.length ? index : fail('EINVAL'));
  const waiters = (zero: boolean) =>
    [...set.waiting.values()].filter((w) => w.index === one() && w.zero === zero).length;
  switch (what) {
    case SEMCTL.IPC_STAT:
    case SEMCTL.SEM_STAT:
    case SEMCTL.SEM_STAT_ANY: {
      if (what !== SEMCTL.SEM_STAT_ANY) set.require(creds, 4);
      const stat = {
        sem_perm: set.permissions(),
        sem_otime: set.operated,
        otime_high: 0,
        sem_ctime: set.changed,
        ctime_high: 0,
        sem_nsems: set.values.length,
        unused3: 0,
        unused4: 0,
      };
      mm.put(semidDs, arg, stat);
      return bySlot ? set.id : 0;
    }
    case SEMCTL.IPC_SET: {
      const { uid, gid, mode } = mm.get(semidDs, arg).sem_perm;
      set.requireOwner(creds);
      set.change(uid, gid, mode);
      return 0;
    }
    case SEMCTL.IPC_RMID:
      set.requireOwner(creds);
      semaphores.remove(set);
      set.queue.wakeAll();
      return 0;
    case SEMCTL.GETVAL:
      set.require(creds, 4);
      return set.values[one()]!;
    case SEMCTL.GETPID:
      set.require(creds, 4);
      return set.pids[one()]!;
    case SEMCTL.GETNCNT:
      set.require(creds, 4);
      return waiters(false);
    case SEMCTL.GETZCNT:
      set.require(creds, 4);
      return waiters(true);
    case SEMCTL.GETALL:
      set.require(creds, 4);
      set.values.forEach((value, i) => {
        mm.put(u16, arg + 2 * i, value);
      });
      return 0;
    case SEMCTL.SETVAL:
      set.require(creds, 2);
      if ((arg | 0) < 0 || arg > SEMVMX) fail('ERANGE');
      set.values[one()] = arg;
      set.pids[index] = t.process.pid;
      clearUndo(t, set, index);
      break;
    case SEMCTL.SETALL: {
      set.require(creds, 2);
      const values = Array.from(set.values, (_, i) => mm.get(u16, arg + 2 * i));
      if (values.some((value) => value > SEMVMX)) fail('ERANGE');
      set.values.set(values);
      set.pids.fill(t.process.pid);
      clearUndo(t, set);
      break;
    }
    default:
      return fail('EINVAL');
  }
  set.changed = seconds();
  set.queue.wakeAll();
  return 0;
}

// ---- shared memory ----

function shmget(t: Task, key: number, bytes: number, how: number): number {
  const { ipc } = t.kernel;
  const { segments, limits } = ipc;
  const check = (segment: Segment) => {
    if (bytes > segment.size) fail('EINVAL');
  };
  return segments.get(key, how, t.creds, check, (at) => {
    if (bytes === 0 || bytes > Math.min(USER_END, limits.shmmax)) fail('EINVAL');
    if (ipc.usedPages + Math.ceil(bytes / PAGE_SIZE) > limits.shmall) fail('ENOSPC');
    return ipc.makeSegment(at, how, t.creds, bytes, t.process.pid);
  });
}

function shmat(t: Task, id: number, wanted: number, how: number): number {
  const segment = t.kernel.ipc.segments.find(id);
  const { space } = t.mm;
  const bytes = segment.pages.size();
  const writes = !(how & SHM.SHM_RDONLY);
  segment.require(t.creds, writes ? 6 : 4);
  let at = wanted;
  if (at === 0) {
    if (how & SHM.SHM_REMAP) fail('EINVAL');
    at = space.findFree(bytes);
    if (at === 0) fail('ENOMEM');
  } else {
    if (at % SHMLBA !== 0) {
      if (how & SHM.SHM_RND) at -= at % SHMLBA;
      else if (at % PAGE_SIZE !== 0) fail('EINVAL');
    }
    if (at + bytes > USER_END || isMachine(at, at + bytes)) fail('EINVAL');
    if (!(how & SHM.SHM_REMAP) && !space.isFree(at, at + bytes)) fail('EINVAL');
  }
  space.map({
    start: at,
    end: at + bytes,
    prot: READ | (writes ? WRITE : 0) | (how & SHM.SHM_EXEC ? EXEC : 0),
    shared: true,
    source: segment.pages,
    offset: 0,
    growsDown: false,
    name: `/SYSV${(segment.key >>> 0).toString(16).padStart(8, '0')} (deleted)`,
  });
  segment.attachTime = seconds();
  segment.lastPid = t.process.pid;
  return at | 0;
}

function shmdt(t: Task, at: number): number {
  const { space } = t.mm;
  const first = space.find(at);
  const segment = [...t.kernel.ipc.segments.objects.values()].find((s) => s.pages === first?.source);
  if (first === undefined || segment === undefined || first.start !== at || first.offset !== 0)
    return fail('EINVAL');
  // All that is left of this attachment, wherever parts of it have been unmapped or protected.
  for (const vma of [...space.vmas()]) {
    if (vma.source === segment.pages && vma.start - vma.offset === at) space.unmap(vma.start, vma.end);
  }
  segment.lastPid = t.process.pid;
  return 0;
}

/** IPC_INFO and SHM_INFO. */
function segmentInfo({ kernel, mm }: Task, what: number, at: number): number {
  const { segments, limits, usedPages } = kernel.ipc;
  if (what === SHMCTL.IPC_INFO) {
    const { shmmax, shmmni, shmall } = limits;
    mm.put(shminfo, at, { shmmax, shmmin: 1, shmmni, shmseg: shmmni, shmall });
  } else {
    const resident = [...segments.objects.values()].reduce((sum, s) => sum + s.residentPages, 0);
    const none = { shm_swp: 0, swap_attempts: 0, swap_successes: 0 };
    mm.put(shmInfo, at, { used_ids: segments.objects.size, shm_tot: usedPages, shm_rss: resident, ...none });
  }
  return segments.highest;
}

/** Whether the task may lock segments in memory (shmctl(2)): with CAP_IPC_LOCK, else its own, as far as RLIMIT_MEMLOCK goes. EPERM. */
function requireLock(t: Task, segment: Segment, locks: boolean): void {
  const { creds, process } = t;
  if (capable(creds, CAP.IPC_LOCK)) return;
  if (creds.euid !== segment.uid && creds.euid !== segment.cuid) fail('EPERM');
  if (locks && process.limits[RLIMIT.RLIMIT_MEMLOCK]!.cur === 0) fail('EPERM');
}

function shmctl(t: Task, id: number, what: number, at: number): number {
  if (id < 0) fail('EINVAL');
  if (what === SHMCTL.IPC_INFO || what === SHMCTL.SHM_INFO) return segmentInfo(t, what, at);
  const { ipc } = t.kernel;
  const bySlot = what === SHMCTL.SHM_STAT || what === SHMCTL.SHM_STAT_ANY;
  const segment = bySlot ? ipc.segments.at(id) : ipc.segments.find(id);
  const { mm, creds } = t;
  switch (what) {
    case SHMCTL.IPC_STAT:
    case SHMCTL.SHM_STAT:
    case SHMCTL.SHM_STAT_ANY: {
      if (what !== SHMCTL.SHM_STAT_ANY) segment.require(creds, 4);
      mm.put(shmidDs, at, {
        shm_perm: segment.permissions(),
        shm_segsz: segment.size,
        shm_atime: segment.attachTime,
        atime_high: 0,
        shm_dtime: segment.detachTime,
        dtime_high: 0,
        shm_ctime: segment.changed,
        ctime_high: 0,
        shm_cpid: segment.creator,
        shm_lpid: segment.lastPid,
        shm_nattch: segment.pages.attached,
        unused4: 0,
        unused5: 0,
      });
      return bySlot ? segment.id : 0;
    }
    case SHMCTL.IPC_SET: {
      const { uid, gid, mode } = mm.get(shmidDs, at).shm_perm;
      segment.requireOwner(creds);
      segment.change(uid, gid, mode);
      return 0;
    }
    case SHMCTL.IPC_RMID:
      segment.requireOwner(creds);
      ipc.removeSegment(segment);
      return 0;
    case SHMCTL.SHM_LOCK:
    case SHMCTL.SHM_UNLOCK:
      requireLock(t, segment, what === SHMCTL.SHM_LOCK);
      // Nothing of ours is ever swapped out by us: that is all there is to it.
      segment.locked = what === SHMCTL.SHM_LOCK;
      return 0;
    default:
      return fail('EINVAL');
  }
}

// ---- messages ----

function msgget(t: Task, key: number, how: number): number {
  return t.kernel.ipc.messages.get(
    key,
    how,
    t.creds,
    () => {},
    (at) => new MessageQueue(at, how, t.creds, t.kernel.ipc.limits.msgmnb),
  );
}

/** The queue a call sleeps on, found again by what it was: its id may have gone to another. */
function queueOf(t: Task, id: number): MessageQueue {
  const queue = (t.callState as MessageQueue | undefined) ?? t.kernel.ipc.messages.find(id);
  if (queue.removed) fail('EIDRM');
  return queue;
}

function msgsnd(t: Task, id: number, at: number, length: number, how: number): number {
  const queue = queueOf(t, id);
  if (length > t.kernel.ipc.limits.msgmax) fail('EINVAL');
  const type = t.mm.get(s32, at);
  if (type < 1) fail('EINVAL');
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
  const queue = queueOf(t, id);
  if ((length | 0) < 0) fail('EINVAL');
  const copies = (how & MSG.MSG_COPY) !== 0;
  if (copies && (how & MSG.MSG_EXCEPT || !(how & IPC_NOWAIT))) fail('EINVAL');
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
function queueInfo({ kernel, mm }: Task, what: number, at: number): number {
  const { messages, limits, usedMessages } = kernel.ipc;
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
  const { messages } = t.kernel.ipc;
  const bySlot = what === MSGCTL.MSG_STAT || what === MSGCTL.MSG_STAT_ANY;
  const queue = bySlot ? messages.at(id) : messages.find(id);
  const { mm, creds } = t;
  switch (what) {
    case MSGCTL.IPC_STAT:
    case MSGCTL.MSG_STAT:
    case MSGCTL.MSG_STAT_ANY:
      if (what !== MSGCTL.MSG_STAT_ANY) queue.require(creds, 4);
      mm.put(msqidDs, at, {
        msg_perm: queue.permissions(),
        msg_stime: queue.sentTime,
        stime_high: 0,
        msg_rtime: queue.receivedTime,
        rtime_high: 0,
        msg_ctime: queue.changed,
        ctime_high: 0,
        msg_cbytes: queue.bytes,
        msg_qnum: queue.messages.length,
        msg_qbytes: queue.limit,
        msg_lspid: queue.lastSender,
        msg_lrpid: queue.lastReceiver,
        unused4: 0,
        unused5: 0,
      });
      return bySlot ? queue.id : 0;
    case MSGCTL.IPC_SET: {
      const stat = mm.get(msqidDs, at);
      queue.requireOwner(creds);
      if (stat.msg_qbytes > t.kernel.ipc.limits.msgmnb && !capable(creds, CAP.SYS_RESOURCE)) fail('EPERM');
      queue.limit = stat.msg_qbytes;
      queue.change(stat.msg_perm.uid, stat.msg_perm.gid, stat.msg_perm.mode);
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

const ops = arrayIn(sembuf, 2);
const msgFlags = flags({ IPC_NOWAIT, ...MSG });

export const ipcCalls: readonly Call[] = [
  call(298, 'semop', [int, ops, int], (t, id, at, count) => semtimedop(timespec32)(t, id, at, count, 0)),
  call(299, 'semget', [hex, int, hex], (t, key, count, how) => semget(t, key | 0, count, how)),
  call(300, 'semctl', [int, int, command(SEMCTL), hex], semctl),
  call(301, 'msgsnd', [int, ptr, size, msgFlags], msgsnd),
  call(302, 'msgrcv', [int, ptr, size, int, msgFlags], msgrcv),
  call(303, 'msgget', [hex, hex], (t, key, how) => msgget(t, key | 0, how)),
  call(304, 'msgctl', [int, command(MSGCTL), ptr], msgctl),
  call(305, 'shmat', [int, ptr, flags(SHM)], shmat, { result: 'hex' }),
  call(306, 'shmdt', [ptr], shmdt),
  call(307, 'shmget', [hex, size, hex], (t, key, bytes, how) => shmget(t, key | 0, bytes, how)),
  call(308, 'shmctl', [int, command(SHMCTL), ptr], shmctl),
  call(312, 'semtimedop', [int, ops, int, ptr], semtimedop(timespec32)),
  call(420, 'semtimedop_time64', [int, ops, int, ptr], semtimedop(timespec64)),
];
