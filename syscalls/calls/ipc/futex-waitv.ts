/** futex_waitv(2): waits on several words at once (kernel/futex/syscalls.c, futex_wait_multiple). */
import { fail } from '../../abi/errno.ts';
import { struct, u32, u64 } from '../../abi/struct.ts';
import { CLOCK, timespec64 } from '../../abi/time.ts';
import { fromTimespec, realtime, valid } from '../../kernel/clock.ts';
import { FutexWaiter } from '../../kernel/futex.ts';
import type { Task } from '../../kernel/task.ts';
import { arrayIn, oneOf, structInOrNull, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';

const futexWaitv = struct('futex_waitv', { val: u64, uaddr: u64, flags: u32, reserved: u32 });
const FUTEX_WAITV_MAX = 128;
const FUTEX_32 = 2;
const FUTEX_PRIVATE_FLAG = 128;
const ANY = 0xffff_ffff;

class Waiting implements Disposable {
  readonly waiters: readonly FutexWaiter[];
  readonly deadline: number;
  constructor(waiters: readonly FutexWaiter[], deadline: number) {
    this.waiters = waiters;
    this.deadline = deadline;
  }
  [Symbol.dispose](): void {
    for (const waiter of this.waiters) waiter[Symbol.dispose]();
  }
}

type Timeout = { tv_sec: number; tv_nsec: number } | null;

/** The absolute time, in the kernel's. EINVAL. */
function deadlineOf(t: Task, timeout: Timeout, clock: number): number {
  if (timeout === null) return Infinity;
  if ((clock !== CLOCK.CLOCK_MONOTONIC && clock !== CLOCK.CLOCK_REALTIME) || !valid(timeout)) fail('EINVAL');
  const ms = fromTimespec(timeout);
  return clock === CLOCK.CLOCK_REALTIME ? t.now() + ms - realtime() : ms - t.ns.time.monotonic;
}

/** Gives the position of a word that was woken. EAGAIN when one does not have its value, ETIMEDOUT, EINVAL, EFAULT. */
function waitv(t: Task, at: number, count: number, _how: number, timeout: Timeout, clock: number): number {
  let waiting = t.callState as Waiting | undefined;
  if (waiting === undefined) {
    const deadline = deadlineOf(t, timeout, clock);
    const words = Array.from({ length: count }, (_, i) => {
      const word = t.mm.get(futexWaitv, at + i * futexWaitv.size);
      const { flags, reserved } = word;
      if (flags & ~(FUTEX_32 | FUTEX_PRIVATE_FLAG) || !(flags & FUTEX_32) || reserved !== 0) fail('EINVAL');
      return word;
    });
    const keys = words.map(({ uaddr, flags }) => {
      if (uaddr > ANY) fail('EFAULT');
      return t.kernel.futexes.key(t.mm, uaddr, (flags & FUTEX_PRIVATE_FLAG) !== 0);
    });
    for (const { uaddr, val } of words) if (t.mm.get(u32, uaddr) !== val) fail('EAGAIN');
    waiting = new Waiting(
      keys.map((key) => new FutexWaiter(t, key, ANY)),
      deadline,
    );
    t.callState = waiting;
  }
  const woken = waiting.waiters.findLastIndex((waiter) => waiter.woken);
  if (woken >= 0) return woken;
  if (t.now() >= waiting.deadline) fail('ETIMEDOUT');
  return t.wait([], waiting.deadline);
}

export const futexWaitvCalls: readonly Call[] = [
  call(
    449,
    'futex_waitv',
    [arrayIn(futexWaitv, 1), uint, uint, structInOrNull(timespec64), oneOf(CLOCK)],
    waitv,
    {
      before(_t, at, count, how, timeout, clock) {
        if (how !== 0 || count <= 0 || count > FUTEX_WAITV_MAX || at === 0) fail('EINVAL');
        if (timeout !== 0 && clock !== CLOCK.CLOCK_MONOTONIC && clock !== CLOCK.CLOCK_REALTIME)
          fail('EINVAL');
      },
    },
  ),
];
