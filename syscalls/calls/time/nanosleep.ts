/** Sleeping: nanosleep(2), clock_nanosleep(2) (kernel/time/hrtimer.c). */
import { fail } from '../../abi/errno.ts';
import { CLOCK, TIMER_ABSTIME, timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec, type Timespec, toTimespec, valid } from '../../kernel/clock.ts';
import { CpuTimer } from '../../kernel/cpu-timer.ts';
import type { TimerClock } from '../../kernel/posix-timer.ts';
import type { Task } from '../../kernel/task.ts';
import { WaitQueue } from '../../vfs/core/wait-queue.ts';
import { flags, structIn, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { clockId, clockTime, cpuClock, isDescriptors, type TimespecType } from './clock.ts';

export const absFlag = flags({ TIMER_ABSTIME });

/** Sleeps to a deadline of kernel.now(); a signal leaves the rest at `restAt` and restart_syscall sleeps on. */
function sleepUntil(t: Task, deadline: number, restAt: number, type: TimespecType): number {
  const rest = deadline - t.now();
  if (rest <= 0) return 0;
  if (t.signalPending && restAt !== 0) t.mm.put(type, restAt, toTimespec(rest));
  return t.wait([], deadline, (again) => sleepUntil(again, deadline, restAt, type));
}

function sleep(t: Task, time: Timespec, restAt: number, type: TimespecType): number {
  if (!valid(time)) fail('EINVAL');
  t.callState ??= { deadline: t.now() + fromTimespec(time) };
  return sleepUntil(t, (t.callState as { deadline: number }).deadline, restAt, type);
}

/** Sleeps until a process or thread has used its CPU up to a time. */
class CpuSleep implements Disposable {
  readonly #cpu: TimerClock['cpu'] & {};
  readonly #until: number;
  readonly #queue = new WaitQueue();
  readonly #timer: CpuTimer;

  constructor(cpu: TimerClock['cpu'] & {}, until: number) {
    this.#cpu = cpu;
    this.#until = until;
    this.#timer = new CpuTimer(
      cpu.process.armedCpuTimers,
      () => cpu.now(),
      () => this.#queue.wakeAll(),
    );
    this.#timer.arm(until, 0);
  }

  /** A signal leaves the rest at `restAt`. */
  sleep(t: Task, restAt: number, type: TimespecType): number {
    const rest = this.#until - this.#cpu.now();
    if (rest <= 0) return 0;
    if (t.signalPending && restAt !== 0) t.mm.put(type, restAt, toTimespec(rest));
    return t.wait(this.#queue, Infinity, (again) => {
      again.callState ??= new CpuSleep(this.#cpu, this.#until);
      return (again.callState as CpuSleep).sleep(again, restAt, type);
    });
  }

  /** To a time of the clock: a signal ends it, and there is no rest. */
  sleepTo(t: Task): number {
    return this.#cpu.now() >= this.#until ? 0 : t.wait(this.#queue, Infinity, 'ERESTARTNOHAND');
  }

  [Symbol.dispose](): void {
    this.#timer.disarm();
  }
}

/** Clocks that nobody can sleep by: they have no nsleep in kernel/time/posix-timers.c and posix-cpu-timers.c. */
const SLEEPLESS: readonly number[] = [
  CLOCK.CLOCK_THREAD_CPUTIME_ID,
  CLOCK.CLOCK_MONOTONIC_RAW,
  CLOCK.CLOCK_REALTIME_COARSE,
  CLOCK.CLOCK_MONOTONIC_COARSE,
];
const CLOCK_FIRST = {
  before: (t: Task, id: number) => {
    if (id >= 0) clockTime(t, id);
    // Which process or thread a clock is of is looked for when the time is known.
    if (SLEEPLESS.includes(id) || isDescriptors(id)) fail('EOPNOTSUPP');
  },
};

/** A number that is this thread's clock of CPU time. */
const isOwnThreads = (t: Task, id: number): boolean =>
  id < 0 && (id & 4) !== 0 && (id >> 3 === -1 || t.process.pids.pidOf(~(id >> 3)) === t.tid);

function clockNanosleep(type: TimespecType) {
  return (t: Task, id: number, how: number, time: Timespec, restAt: number): number => {
    if (!valid(time)) fail('EINVAL');
    const cpu = cpuClock(t, id);
    const now = clockTime(t, id);
    if (cpu) {
      // Who sleeps takes no time of his own.
      if (isOwnThreads(t, id)) fail('EINVAL');
      const absolute = (how & TIMER_ABSTIME) !== 0;
      t.callState ??= new CpuSleep(cpu, fromTimespec(time) + (absolute ? 0 : now));
      const sleeper = t.callState as CpuSleep;
      return absolute ? sleeper.sleepTo(t) : sleeper.sleep(t, restAt, type);
    }
    if (!(how & TIMER_ABSTIME)) return sleep(t, time, restAt, type);
    const rest = fromTimespec(time) - now;
    return rest <= 0 ? 0 : t.wait([], t.now() + rest, 'ERESTARTNOHAND');
  };
}

export const nanosleepCalls: readonly Call[] = [
  call(162, 'nanosleep', [structIn(timespec32), structOut(timespec32)], (t, time, restAt) =>
    sleep(t, time, restAt, timespec32),
  ),
  call(
    265,
    'clock_nanosleep',
    [clockId, absFlag, structIn(timespec32), structOut(timespec32)],
    clockNanosleep(timespec32),
    CLOCK_FIRST,
  ),
  call(
    407,
    'clock_nanosleep_time64',
    [clockId, absFlag, structIn(timespec64), structOut(timespec64)],
    clockNanosleep(timespec64),
    CLOCK_FIRST,
  ),
];
