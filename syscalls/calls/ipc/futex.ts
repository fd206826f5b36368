/** futex(2) and robust lists: what threads synchronize by (kernel/futex/). */
import { WRITE } from '../../../emu/memory/layout.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import { type Field, s32, u32 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec, realtime } from '../../kernel/clock.ts';
import { FUTEX_TID_MASK, FutexWaiter } from '../../kernel/futex.ts';
import type { Task } from '../../kernel/task.ts';
import { address, addressOf, fieldAt, hex, int, pid, ptr, structOut, uint, valuesOf } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

const OP = {
  FUTEX_WAIT: 0,
  FUTEX_WAKE: 1,
  FUTEX_FD: 2,
  FUTEX_REQUEUE: 3,
  FUTEX_CMP_REQUEUE: 4,
  FUTEX_WAKE_OP: 5,
  FUTEX_LOCK_PI: 6,
  FUTEX_UNLOCK_PI: 7,
  FUTEX_TRYLOCK_PI: 8,
  FUTEX_WAIT_BITSET: 9,
  FUTEX_WAKE_BITSET: 10,
  FUTEX_WAIT_REQUEUE_PI: 11,
  FUTEX_CMP_REQUEUE_PI: 12,
  FUTEX_LOCK_PI2: 13,
} as const;
const PRIVATE = 128;
const CLOCK_REALTIME = 256;
const COMMAND = ~(PRIVATE | CLOCK_REALTIME);
const ANY = 0xffff_ffff;

type TimespecType = Field<{ tv_sec: number; tv_nsec: number }>;

const op: Arg<number> = {
  domain: valuesOf('value', OP),
  words: 1,
  decode: (_t, x) => x,
  print(_p, x) {
    const name = Object.keys(OP).find((key) => OP[key as keyof typeof OP] === (x & COMMAND)) ?? address(x);
    return name + (x & PRIVATE ? '_PRIVATE' : '') + (x & CLOCK_REALTIME ? '|FUTEX_CLOCK_REALTIME' : '');
  },
};

/** The fourth argument is a timeout for the waiting commands and a number for the others. */
function timeout(type: TimespecType): Arg<number> {
  const waits: readonly number[] = [
    OP.FUTEX_WAIT,
    OP.FUTEX_WAIT_BITSET,
    OP.FUTEX_WAIT_REQUEUE_PI,
    OP.FUTEX_LOCK_PI,
    OP.FUTEX_LOCK_PI2,
  ];
  return {
    domain: addressOf(type),
    words: 1,
    decode: (_t, x) => x >>> 0,
    print: (p, x) => (waits.includes(p.args[1]! & COMMAND) ? fieldAt(p.task, type, x >>> 0) : String(x)),
  };
}

interface Waiting extends Disposable {
  waiter: FutexWaiter;
  deadline: number;
}

/** The deadline of a timeout argument in kernel.now(): absolute for the bitset commands, relative for FUTEX_WAIT. */
function deadlineOf(t: Task, command: number, clock: number, type: TimespecType, at: number): number {
  if (at === 0) return Infinity;
  const time = t.mm.get(type, at);
  if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1e9) fail('EINVAL');
  const ms = fromTimespec(time);
  if (command === OP.FUTEX_WAIT) return t.now() + ms;
  return clock || command === OP.FUTEX_LOCK_PI ? t.now() + ms - realtime() : ms - t.ns.time.monotonic;
}

/** futex_wait. */
function wait(
  t: Task,
  at: number,
  isPrivate: boolean,
  value: number,
  deadline: number,
  bitset: number,
  relative: boolean,
): number {
  if (bitset === 0) fail('EINVAL');
  let waiting = t.callState as Waiting | undefined;
  if (waiting === undefined) {
    const key = t.kernel.futexes.key(t.mm, at, isPrivate);
    if (t.mm.get(u32, at) !== value >>> 0) fail('EAGAIN');
    const waiter = new FutexWaiter(t, key, bitset);
    waiting = { waiter, deadline, [Symbol.dispose]: () => waiter[Symbol.dispose]() };
    t.callState = waiting;
  }
  if (waiting.waiter.woken) return 0;
  if (t.now() >= waiting.deadline) fail('ETIMEDOUT');
  // A relative timeout must not begin anew: restart_syscall waits to the same deadline.
  const { deadline: until } = waiting;
  if (until === Infinity) return t.wait([], until, 'ERESTARTSYS');
  return t.wait(
    [],
    until,
    relative ? (again) => wait(again, at, isPrivate, value, until, bitset, true) : 'ERESTARTSYS',
  );
}

/** FUTEX_WAKE_OP: changes the second word and wakes on it when its old value compares so. */
function wakeOp(
  t: Task,
  at: number,
  second: number,
  isPrivate: boolean,
  count: number,
  count2: number,
  encoded: number,
): number {
  const key = t.kernel.futexes.key(t.mm, at, isPrivate);
  const key2 = t.kernel.futexes.key(t.mm, second, isPrivate, WRITE);
  if (!t.mm.space.check(second, 4, WRITE)) fail('EFAULT');
  const signed12 = (x: number) => (x << 20) >> 20;
  let operand = signed12(encoded >>> 12);
  const comparand = signed12(encoded);
  if ((encoded >>> 28) & 8) operand = 1 << (operand & 31);
  const old = t.mm.view.getInt32(second, true);
  let next: number;
  switch ((encoded >>> 28) & 7) {
    case 0:
      next = operand;
      break;
    case 1:
      next = old + operand;
      break;
    case 2:
      next = old | operand;
      break;
    case 3:
      next = old & ~operand;
      break;
    case 4:
      next = old ^ operand;
      break;
    default:
      return fail('ENOSYS');
  }
  const compares = [
    old === comparand,
    old !== comparand,
    old < comparand,
    old <= comparand,
    old > comparand,
    old >= comparand,
  ];
  t.mm.view.setInt32(second, next, true);
  const holds = compares[(encoded >>> 24) & 15];
  if (holds === undefined) fail('ENOSYS');
  return t.kernel.futexes.wake(key, count) + (holds ? t.kernel.futexes.wake(key2, count2) : 0);
}

/**
 * FUTEX_LOCK_PI and relatives: the word holds the owner's tid. Priorities are nothing here, so the lock is handed to the first
 * that waits.
 */
function lockPi(t: Task, at: number, isPrivate: boolean, deadline: number, tryOnly: boolean): number {
  let waiting = t.callState as Waiting | undefined;
  if (waiting === undefined) {
    const key = t.kernel.futexes.key(t.mm, at, isPrivate, WRITE);
    const state = t.kernel.futexes.takeLock(t, key, at, t);
    if (state === undefined) return 0;
    if (tryOnly) fail('EAGAIN');
    const waiter = new FutexWaiter(t, key, ANY, { state, address: at });
    waiting = { waiter, deadline, [Symbol.dispose]: () => waiter[Symbol.dispose]() };
    t.callState = waiting;
  }
  // The one who unlocked has made us the owner, where the word still was.
  if (waiting.waiter.woken) {
    t.mm.get(u32, at);
    return 0;
  }
  if (t.now() >= waiting.deadline) fail('ETIMEDOUT');
  return t.wait([], waiting.deadline, 'ERESTARTNOINTR');
}

function unlockPi(t: Task, at: number, isPrivate: boolean): number {
  const value = t.mm.get(u32, at);
  if ((value & FUTEX_TID_MASK) !== t.number) fail('EPERM');
  const key = t.kernel.futexes.key(t.mm, at, isPrivate, WRITE);
  if (!t.kernel.futexes.handOver(key, t)) t.mm.put(u32, at, 0);
  return 0;
}

/**
 * FUTEX_WAIT_REQUEUE_PI: waits on a word as FUTEX_WAIT_BITSET does, to be moved to a lock by FUTEX_CMP_REQUEUE_PI; the call
 * ends when the lock has been got.
 */
function waitRequeuePi(
  t: Task,
  at: number,
  isPrivate: boolean,
  value: number,
  deadline: number,
  lock: number,
): number {
  const { futexes } = t.kernel;
  if (at === lock) fail('EINVAL');
  let waiting = t.callState as Waiting | undefined;
  if (waiting === undefined) {
    const target = { key: futexes.key(t.mm, lock, isPrivate, WRITE), address: lock };
    const key = futexes.key(t.mm, at, isPrivate);
    if (t.mm.get(u32, at) !== value >>> 0) fail('EAGAIN');
    if (key === target.key) fail('EINVAL');
    const waiter = new FutexWaiter(t, key, ANY, undefined, target);
    waiting = { waiter, deadline, [Symbol.dispose]: () => waiter[Symbol.dispose]() };
    t.callState = waiting;
  }
  const { waiter } = waiting;
  if (waiter.woken) return 0;
  if (t.now() >= waiting.deadline) fail('ETIMEDOUT');
  // Once it waits for the lock, it cannot be begun anew: the caller is to look again.
  if (waiter.lock !== undefined && t.signalPending) fail('EAGAIN');
  return t.wait([], waiting.deadline, 'ERESTARTNOINTR');
}

/** FUTEX_CMP_REQUEUE_PI: moves waiters of FUTEX_WAIT_REQUEUE_PI to the lock (futex_requeue). */
function requeuePi(
  t: Task,
  at: number,
  isPrivate: boolean,
  wakes: number,
  count: number,
  lock: number,
  value: number,
): number {
  const { futexes } = t.kernel;
  if (count < 0 || at === lock || wakes !== 1) fail('EINVAL');
  const from = futexes.key(t.mm, at, isPrivate);
  const to = futexes.key(t.mm, lock, isPrivate, WRITE);
  if (from === to) fail('EINVAL');
  if (t.mm.get(u32, at) !== value) fail('EAGAIN');
  return futexes.requeueToLock(t, from, to, lock, count);
}

const TIMED: ReadonlySet<number> = new Set([
  OP.FUTEX_WAIT,
  OP.FUTEX_LOCK_PI,
  OP.FUTEX_LOCK_PI2,
  OP.FUTEX_WAIT_BITSET,
  OP.FUTEX_WAIT_REQUEUE_PI,
]);

function futex(type: TimespecType) {
  return (
    t: Task,
    at: number,
    how: number,
    value: number,
    fourth: number,
    second: number,
    third: number,
  ): number => {
    const command = how & COMMAND;
    const isPrivate = (how & PRIVATE) !== 0;
    const clock = how & CLOCK_REALTIME;
    // The time comes first (futex_cmd_has_timeout).
    const timed = TIMED.has(command) && t.callState === undefined;
    const until = timed ? deadlineOf(t, command, clock, type, fourth) : 0;
    if (
      clock &&
      command !== OP.FUTEX_WAIT_BITSET &&
      command !== OP.FUTEX_WAIT_REQUEUE_PI &&
      command !== OP.FUTEX_LOCK_PI2
    ) {
      fail('ENOSYS');
    }
    switch (command) {
      case OP.FUTEX_WAIT:
        return wait(t, at, isPrivate, value, until, ANY, true);
      case OP.FUTEX_WAIT_BITSET:
        return wait(t, at, isPrivate, value, until, third, false);
      case OP.FUTEX_WAKE:
        return t.kernel.futexes.wake(t.kernel.futexes.key(t.mm, at, isPrivate), Math.max(1, value));
      case OP.FUTEX_WAKE_BITSET:
        if (third === 0) fail('EINVAL');
        return t.kernel.futexes.wake(t.kernel.futexes.key(t.mm, at, isPrivate), Math.max(1, value), third);
      case OP.FUTEX_REQUEUE:
      case OP.FUTEX_CMP_REQUEUE: {
        if (value < 0 || (fourth | 0) < 0) fail('EINVAL');
        const from = t.kernel.futexes.key(t.mm, at, isPrivate);
        const to = t.kernel.futexes.key(t.mm, second, isPrivate);
        if (command === OP.FUTEX_CMP_REQUEUE && t.mm.get(u32, at) !== third) return -ERRNO.EAGAIN;
        return t.kernel.futexes.requeue(from, to, value, fourth | 0);
      }
      case OP.FUTEX_WAKE_OP:
        return wakeOp(t, at, second, isPrivate, Math.max(1, value), Math.max(1, fourth), third);
      case OP.FUTEX_LOCK_PI:
      case OP.FUTEX_LOCK_PI2:
        return lockPi(t, at, isPrivate, until, false);
      case OP.FUTEX_TRYLOCK_PI:
        return lockPi(t, at, isPrivate, Infinity, true);
      case OP.FUTEX_UNLOCK_PI:
        return unlockPi(t, at, isPrivate);
      case OP.FUTEX_WAIT_REQUEUE_PI:
        return waitRequeuePi(t, at, isPrivate, value, until, second);
      case OP.FUTEX_CMP_REQUEUE_PI:
        return requeuePi(t, at, isPrivate, value, fourth | 0, second, third);
      default:
        t.kernel.warn(`futex command ${command} is not supported`);
        return fail('ENOSYS');
    }
  };
}

const ROBUST_HEAD_SIZE = 12;

export const futexCalls: readonly Call[] = [
  call(240, 'futex', [ptr, op, int, timeout(timespec32), ptr, hex], futex(timespec32)),
  call(338, 'set_robust_list', [ptr, uint], (t, head, size) => {
    if (size !== ROBUST_HEAD_SIZE) fail('EINVAL');
    t.robustList = head;
    return 0;
  }),
  call(339, 'get_robust_list', [pid, structOut(s32), structOut(s32)], (t, id, headAt, sizeAt) => {
    const of = id === 0 ? t : t.kernel.tasks.get(id);
    if (of === undefined) return fail('ESRCH');
    t.mm.put(s32, sizeAt, ROBUST_HEAD_SIZE);
    t.mm.put(s32, headAt, of.robustList);
    return 0;
  }),
  call(422, 'futex_time64', [ptr, op, int, timeout(timespec64), ptr, hex], futex(timespec64)),
];
