/** System V semaphores: semget(2), semop(2), semctl(2) (ipc/sem.c). */
import { fail } from '../../abi/errno.ts';
import { IPC_NOWAIT, SEMCTL, SEMOPM, SEMVMX, sembuf, semidDs, seminfo } from '../../abi/ipc.ts';
import { type Field, u16 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec } from '../../kernel/clock.ts';
import { operate, type SemaphoreOperation, Semaphores, seconds } from '../../kernel/sysv-ipc.ts';
import type { Task } from '../../kernel/task.ts';
import { arrayIn, hex, int, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { command } from './command.ts';

/** What IPC_INFO tells of limits that nobody keeps to (linux/sem.h, linux/msg.h). */
const SEMMNS = 1_024_000_000;
const SEMUSZ = 20;

function semget(t: Task, key: number, count: number, how: number): number {
  const { semaphores, limits, usedSemaphores } = t.ns.ipc.sysv;
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
      const time = timeoutAt === 0 ? undefined : t.mm.get(type, timeoutAt);
      if (count >>> 0 > t.ns.ipc.sysv.limits.sem[2]!) fail('E2BIG');
      const ops = Array.from({ length: count }, (_, i) => t.mm.get(sembuf, at + i * sembuf.size));
      if (count < 1 || id < 0) fail('EINVAL');
      let deadline = Infinity;
      if (time) {
        if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1e9) fail('EINVAL');
        deadline = t.now() + fromTimespec(time);
      }
      const set = t.ns.ipc.sysv.semaphores.find(id);
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
function semaphoreInfo({ ns, mm }: Task, what: number, at: number): number {
  const { semaphores, limits, usedSemaphores } = ns.ipc.sysv;
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
  if (what === SEMCTL.SETVAL && ((arg | 0) < 0 || arg > SEMVMX)) fail('ERANGE');
  const { semaphores } = t.ns.ipc.sysv;
  // What is to be set is read before there is looked for what.
  const given = what === SEMCTL.IPC_SET ? t.mm.get(semidDs, arg).sem_perm : undefined;
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
        sem_perm: set.permissions(creds.user),
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
    case SEMCTL.IPC_SET:
      set.requireOwner(creds);
      set.change(given!, creds.user);
      return 0;
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
      return t.process.pids.numberOf(set.pids[one()]!);
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
      one();
      set.require(creds, 2);
      set.values[index] = arg;
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

const ops = arrayIn(sembuf, 2);

export const semCalls: readonly Call[] = [
  call(298, 'semop', [int, ops, int], (t, id, at, count) => semtimedop(timespec32)(t, id, at, count, 0)),
  call(299, 'semget', [hex, int, hex], (t, key, count, how) => semget(t, key | 0, count, how)),
  call(300, 'semctl', [int, int, command(SEMCTL), hex], semctl),
  call(312, 'semtimedop', [int, ops, int, ptr], semtimedop(timespec32)),
  call(420, 'semtimedop_time64', [int, ops, int, ptr], semtimedop(timespec64)),
];
