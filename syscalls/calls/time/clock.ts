/** Clocks: clock_gettime(2), gettimeofday(2), times(2) (kernel/time/). */
import { fail } from '../../abi/errno.ts';
import type { Field } from '../../abi/struct.ts';
import { CLOCK, CLOCK_TICKS, HZ, timespec32, timespec64, timeval32, timezone, tms } from '../../abi/time.ts';
import { realtime, type Timespec, toTimespec, toTimeval, valid } from '../../kernel/clock.ts';
import type { TimerClock } from '../../kernel/posix-timer.ts';
import type { Process } from '../../kernel/process.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { oneOf, ptr, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

export type TimespecType = Field<Timespec>;

export const clockId = oneOf(CLOCK);

/**
 * The CPU time that a clock counts; undefined for another kind. Negative ids name a process or thread
 * (kernel/time/posix-cpu-timers.c). EINVAL.
 */
export function cpuClock(t: Task, id: number): TimerClock['cpu'] {
  const ofThread = (thread: Task) => ({
    process: thread.process,
    now: () => t.kernel.scheduler.cpuTime(thread),
  });
  const ofProcess = (process: Process) => ({ process, now: () => process.cpuTime });
  if (id === CLOCK.CLOCK_PROCESS_CPUTIME_ID) return ofProcess(t.process);
  if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) return ofThread(t);
  if (id >= 0) return undefined;
  if ((id & 3) === 3) return fail('EINVAL');
  const number = ~(id >> 3);
  const who = number === 0 ? 0 : t.process.pids.pidOf(number);
  if (id & 4) {
    const thread = who === 0 ? t : t.kernel.tasks.get(who);
    return thread?.process === t.process ? ofThread(thread) : fail('EINVAL');
  }
  const p = who === 0 ? t.process : t.kernel.processes.get(who);
  return p ? ofProcess(p) : fail('EINVAL');
}

/** Milliseconds of a clock. EINVAL. */
export function clockTime(t: Task, id: number): number {
  switch (id) {
    case CLOCK.CLOCK_REALTIME:
    case CLOCK.CLOCK_REALTIME_COARSE:
    case CLOCK.CLOCK_REALTIME_ALARM:
    case CLOCK.CLOCK_TAI:
      return realtime();
    case CLOCK.CLOCK_MONOTONIC:
    case CLOCK.CLOCK_MONOTONIC_RAW:
    case CLOCK.CLOCK_MONOTONIC_COARSE:
      return t.now() + t.ns.time.monotonic;
    case CLOCK.CLOCK_BOOTTIME:
    case CLOCK.CLOCK_BOOTTIME_ALARM:
      return t.now() + t.ns.time.boottime;
  }
  return (cpuClock(t, id) ?? fail('EINVAL')).now();
}

function gettime(type: TimespecType) {
  return (t: Task, id: number, at: number): number => {
    const time = toTimespec(clockTime(t, id));
    t.mm.put(type, at, time);
    return 0;
  };
}

function getres(type: TimespecType) {
  return (t: Task, id: number, at: number): number => {
    clockTime(t, id);
    const coarse = id === CLOCK.CLOCK_REALTIME_COARSE || id === CLOCK.CLOCK_MONOTONIC_COARSE;
    if (at !== 0) t.mm.put(type, at, { tv_sec: 0, tv_nsec: coarse ? 1e9 / HZ : 1 });
    return 0;
  };
}

/** Setting the host's clock is nothing a guest may do. */
export function refuseSetting(t: Task): never {
  if (capable(t.creds, CAP.SYS_TIME)) t.kernel.warn('the clock cannot be set');
  return fail('EPERM');
}

/** What is not a time, or is too far in the future, is refused before (timespec64_valid_settod). */
function setRealtime(t: Task, time: { tv_sec: number; tv_nsec: number }): number {
  return valid(time) && time.tv_sec <= LAST_SECOND ? refuseSetting(t) : fail('EINVAL');
}
/** TIME_SETTOD_SEC_MAX: what a nanosecond counter of 63 bits reaches, less thirty years. */
const LAST_SECOND = 9_223_372_036 - 30 * 365 * 24 * 3600;

/** A clock that is a descriptor's (CLOCKFD), of which there are none: no such file is there. */
export const isDescriptors = (id: number): boolean => id < 0 && (id & 7) === 3;

/** Of the clocks only CLOCK_REALTIME and those of CPU time and of descriptors (negative numbers) have a way to be set. */
function settime(type: TimespecType) {
  return (t: Task, id: number, at: number): number => {
    if (id >= 0 && id !== CLOCK.CLOCK_REALTIME) fail('EINVAL');
    const time = t.mm.get(type, at);
    if (id < 0) return cpuClock(t, id) ? fail('EPERM') : fail('EINVAL');
    return setRealtime(t, time);
  };
}

function settimeofday(t: Task, at: number, zoneAt: number): number {
  const time = at === 0 ? undefined : t.mm.get(timeval32, at);
  if (time && (time.tv_usec < 0 || time.tv_usec > 1_000_000)) fail('EINVAL');
  if (zoneAt !== 0) t.mm.get(timezone, zoneAt);
  if (time) return setRealtime(t, { tv_sec: time.tv_sec, tv_nsec: time.tv_usec * 1000 });
  return capable(t.creds, CAP.SYS_TIME) ? 0 : fail('EPERM');
}

export const clockCalls: readonly Call[] = [
  call(263, 'clock_gettime', [clockId, structOut(timespec32)], gettime(timespec32)),
  call(403, 'clock_gettime64', [clockId, structOut(timespec64)], gettime(timespec64)),
  call(262, 'clock_settime', [clockId, ptr], settime(timespec32)),
  call(404, 'clock_settime64', [clockId, ptr], settime(timespec64)),
  call(264, 'clock_getres', [clockId, structOut(timespec32)], getres(timespec32)),
  call(406, 'clock_getres_time64', [clockId, structOut(timespec64)], getres(timespec64)),
  call(78, 'gettimeofday', [structOut(timeval32), structOut(timezone)], (t, at, zoneAt) => {
    if (at !== 0) t.mm.put(timeval32, at, toTimeval(realtime()));
    if (zoneAt !== 0) t.mm.put(timezone, zoneAt, { tz_minuteswest: 0, tz_dsttime: 0 });
    return 0;
  }),
  call(79, 'settimeofday', [ptr, ptr], settimeofday),
  call(43, 'times', [structOut(tms)], (t, at) => {
    const ticks = (ms: number) => Math.floor((ms * CLOCK_TICKS) / 1000);
    if (at !== 0) {
      const { cpuUse, childrenUse } = t.process;
      t.mm.put(tms, at, {
        tms_utime: ticks(cpuUse.user),
        tms_stime: ticks(cpuUse.system),
        tms_cutime: ticks(childrenUse.user),
        tms_cstime: ticks(childrenUse.system),
      });
    }
    return ticks(t.now()) & 0x7fff_ffff;
  }),
];
