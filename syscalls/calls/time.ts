/** Clocks, sleeping and timers (kernel/time/): clock_gettime(2), nanosleep(2), setitimer(2), timer_create(2), times(2). */
import { fail } from '../abi/errno.ts';
import { NSIG, SI, SIG } from '../abi/signal.ts';
import { type Field, s32, struct, u32 } from '../abi/struct.ts';
import {
  CLOCK,
  CLOCK_TICKS,
  itimerspec32,
  itimerspec64,
  itimerval32,
  TIMER_ABSTIME,
  timespec32,
  timespec64,
  timeval32,
  timezone,
  tms,
} from '../abi/time.ts';
import { fromTimespec, realtime, toTimespec, toTimeval } from '../kernel/clock.ts';
import { IntervalTimer } from '../kernel/interval-timer.ts';
import type { Process } from '../kernel/process.ts';
import { sendToProcess, sendToTask } from '../kernel/signals.ts';
import type { Task } from '../kernel/task.ts';
import { CAP, capable } from '../vfs/creds.ts';
import { flags, int, oneOf, ptr, structIn, structInOrNull, structOut } from './args.ts';
import { type Call, call } from './declare.ts';

type Timespec = { tv_sec: number; tv_nsec: number };
type TimespecType = Field<Timespec>;
type Itimerspec = { it_interval: Timespec; it_value: Timespec };

const clockId = oneOf(CLOCK);
const TIMERS = { ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 } as const;
const which = oneOf(TIMERS);
const absFlag = flags({ TIMER_ABSTIME });

const valid = (x: Timespec) => x.tv_sec >= 0 && x.tv_nsec >= 0 && x.tv_nsec < 1e9;

/** CPU time of a process, its running slice included. */
function processTime(t: Task, p: Process = t.process): number {
  let time = p.cpuTime;
  for (const thread of p.threads) time += t.kernel.scheduler.cpuTime(thread) - thread.cpuTime;
  return time;
}

/** Milliseconds of a clock. Negative ids are CPU clocks of a process or thread (kernel/time/posix-cpu-timers.c). EINVAL. */
function clockTime(t: Task, id: number): number {
  switch (id) {
    case CLOCK.CLOCK_REALTIME:
    case CLOCK.CLOCK_REALTIME_COARSE:
    case CLOCK.CLOCK_REALTIME_ALARM:
    case CLOCK.CLOCK_TAI:
      return realtime();
    case CLOCK.CLOCK_MONOTONIC:
    case CLOCK.CLOCK_MONOTONIC_RAW:
    case CLOCK.CLOCK_MONOTONIC_COARSE:
    case CLOCK.CLOCK_BOOTTIME:
    case CLOCK.CLOCK_BOOTTIME_ALARM:
      return t.now();
    case CLOCK.CLOCK_PROCESS_CPUTIME_ID:
      return processTime(t);
    case CLOCK.CLOCK_THREAD_CPUTIME_ID:
      return t.kernel.scheduler.cpuTime(t);
  }
  if (id >= 0 || (id & 3) === 3) return fail('EINVAL');
  const who = ~(id >> 3);
  if (id & 4) {
    const thread = who === 0 ? t : t.kernel.tasks.get(who);
    if (thread === undefined || thread.process !== t.process) return fail('EINVAL');
    return t.kernel.scheduler.cpuTime(thread);
  }
  const p = who === 0 ? t.process : t.kernel.processes.get(who);
  return p ? processTime(t, p) : fail('EINVAL');
}

function gettime(type: TimespecType) {
  return (t: Task, id: number, at: number): number => {
    t.mm.put(type, at, toTimespec(clockTime(t, id)));
    return 0;
  };
}

function getres(type: TimespecType) {
  return (t: Task, id: number, at: number): number => {
    clockTime(t, id);
    const coarse = id === CLOCK.CLOCK_REALTIME_COARSE || id === CLOCK.CLOCK_MONOTONIC_COARSE;
    if (at !== 0) t.mm.put(type, at, { tv_sec: 0, tv_nsec: coarse ? 4_000_000 : 1 });
    return 0;
  };
}

/** Setting the host's clock is nothing a guest may do. */
function settime(t: Task): number {
  if (capable(t.creds, CAP.SYS_TIME)) t.kernel.warn('the clock cannot be set');
  return fail('EPERM');
}

// ---- sleeping ----

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

function clockNanosleep(type: TimespecType) {
  return (t: Task, id: number, how: number, time: Timespec, restAt: number): number => {
    if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) fail('EINVAL');
    if (id < 0 || id === CLOCK.CLOCK_PROCESS_CPUTIME_ID || id === CLOCK.CLOCK_MONOTONIC_RAW)
      fail('EOPNOTSUPP');
    const now = clockTime(t, id);
    if (!valid(time)) fail('EINVAL');
    if (!(how & TIMER_ABSTIME)) return sleep(t, time, restAt, type);
    const rest = fromTimespec(time) - now;
    return rest <= 0 ? 0 : t.wait([], t.now() + rest, 'ERESTARTNOHAND');
  };
}

// ---- interval timers ----

function readTimer(t: Task, type: number): { it_interval: number; it_value: number } {
  if (type === TIMERS.ITIMER_REAL) {
    const timer = t.process.realTimer;
    return { it_interval: timer.interval, it_value: timer.remaining };
  }
  if (type !== TIMERS.ITIMER_VIRTUAL && type !== TIMERS.ITIMER_PROF) fail('EINVAL');
  const timer = t.process.cpuTimers[type - 1]!;
  return {
    it_interval: timer.interval,
    it_value: timer.next === Infinity ? 0 : Math.max(0.001, timer.next - processTime(t)),
  };
}

function putItimerval(t: Task, at: number, value: { it_interval: number; it_value: number }): void {
  t.mm.put(itimerval32, at, {
    it_interval: toTimeval(value.it_interval),
    it_value: toTimeval(value.it_value),
  });
}

type Itimerval = {
  it_interval: { tv_sec: number; tv_usec: number };
  it_value: { tv_sec: number; tv_usec: number };
};

function setitimer(t: Task, type: number, value: Itimerval | null, oldAt: number): number {
  const old = readTimer(t, type);
  const ms = (x: { tv_sec: number; tv_usec: number }) => {
    if (x.tv_usec < 0 || x.tv_usec >= 1e6 || x.tv_sec < 0) fail('EINVAL');
    return x.tv_sec * 1000 + x.tv_usec / 1000;
  };
  const first = value ? ms(value.it_value) : 0;
  const interval = value ? ms(value.it_interval) : 0;
  if (type === TIMERS.ITIMER_REAL) {
    if (first === 0) t.process.realTimer.disarm();
    else t.process.realTimer.arm(t.now() + first, interval);
  } else {
    const timer = t.process.cpuTimers[type - 1]!;
    timer.next = first === 0 ? Infinity : processTime(t) + first;
    timer.interval = interval;
  }
  if (oldAt !== 0) putItimerval(t, oldAt, old);
  return 0;
}

// ---- POSIX timers ----

const SIGEV = { SIGEV_SIGNAL: 0, SIGEV_NONE: 1, SIGEV_THREAD: 2, SIGEV_THREAD_ID: 4 } as const;
const sigevent = struct('sigevent', {
  sigev_value: u32,
  sigev_signo: s32,
  sigev_notify: s32,
  sigev_tid: s32,
});
const SIGEVENT_SIZE = 64;

/** A timer of timer_create, with its clock and its count of expirations nobody was told of. */
class PosixTimer extends IntervalTimer {
  readonly clock: number;
  overrun = 0;

  constructor(t: Task, id: number, clock: number, notify: number, signo: number, value: number, tid: number) {
    const { kernel, process } = t;
    super(kernel.timers, kernel.now, (expirations) => {
      if (notify === SIGEV.SIGEV_NONE) return;
      const thread = notify & SIGEV.SIGEV_THREAD_ID ? kernel.tasks.get(tid) : undefined;
      const queue = thread ? thread.pending : process.pending;
      const pending = queue.findTimer(id);
      if (pending !== undefined) {
        pending.overrun = (pending.overrun ?? 0) + expirations;
        this.overrun = pending.overrun;
        return;
      }
      this.overrun = expirations - 1;
      const info = { signo, code: SI.SI_TIMER, timerid: id, overrun: expirations - 1, value };
      if (thread) sendToTask(thread, info);
      else sendToProcess(process, info);
    });
    this.clock = clock;
  }
}

function timerCreate(t: Task, clock: number, event: number, idAt: number): number {
  if (clock < 0 || clock === CLOCK.CLOCK_PROCESS_CPUTIME_ID || clock === CLOCK.CLOCK_THREAD_CPUTIME_ID) {
    t.kernel.warn('timer_create on CPU clocks is not supported');
    fail('EOPNOTSUPP');
  }
  clockTime(t, clock);
  const { process } = t;
  const id = process.nextTimerId++;
  let notify: number = SIGEV.SIGEV_SIGNAL;
  let signo: number = SIG.SIGALRM;
  let value = id;
  let tid = 0;
  if (event !== 0) {
    t.mm.readable(event, SIGEVENT_SIZE);
    const e = t.mm.get(sigevent, event);
    notify = e.sigev_notify;
    signo = e.sigev_signo;
    value = e.sigev_value;
    tid = e.sigev_tid;
    const known = [SIGEV.SIGEV_SIGNAL, SIGEV.SIGEV_NONE, SIGEV.SIGEV_THREAD, SIGEV.SIGEV_THREAD_ID];
    if (!known.includes(notify as 0)) fail('EINVAL');
    if (notify !== SIGEV.SIGEV_NONE && (signo < 1 || signo > NSIG)) fail('EINVAL');
    if (notify & SIGEV.SIGEV_THREAD_ID && t.kernel.tasks.get(tid)?.process !== process) fail('EINVAL');
  }
  t.mm.put(s32, idAt, id);
  process.timers.set(id, new PosixTimer(t, id, clock, notify, signo, value, tid));
  return 0;
}

function findTimer(t: Task, id: number): PosixTimer {
  return (t.process.timers.get(id) as PosixTimer | undefined) ?? fail('EINVAL');
}

const setting = (timer: IntervalTimer): Itimerspec => ({
  it_interval: toTimespec(timer.interval),
  it_value: toTimespec(timer.remaining),
});

function timerSettime(type: Field<Itimerspec>) {
  return (t: Task, id: number, how: number, value: Itimerspec, oldAt: number): number => {
    const timer = findTimer(t, id);
    if (!valid(value.it_value) || !valid(value.it_interval)) fail('EINVAL');
    const old = setting(timer);
    const first = fromTimespec(value.it_value);
    timer.overrun = 0;
    if (first === 0) timer.disarm();
    else {
      const now = t.now();
      timer.arm(
        how & TIMER_ABSTIME ? now + first - clockTime(t, timer.clock) : now + first,
        fromTimespec(value.it_interval),
      );
    }
    if (oldAt !== 0) t.mm.put(type, oldAt, old);
    return 0;
  };
}

function timerGettime(type: Field<Itimerspec>) {
  return (t: Task, id: number, at: number): number => {
    t.mm.put(type, at, setting(findTimer(t, id)));
    return 0;
  };
}

export const timeCalls: readonly Call[] = [
  call(43, 'times', [structOut(tms)], (t, at) => {
    const ticks = (ms: number) => Math.floor((ms * CLOCK_TICKS) / 1000);
    if (at !== 0) {
      t.mm.put(tms, at, {
        tms_utime: ticks(processTime(t)),
        tms_stime: 0,
        tms_cutime: ticks(t.process.childrenTime),
        tms_cstime: 0,
      });
    }
    return ticks(t.now()) & 0x7fff_ffff;
  }),
  call(78, 'gettimeofday', [structOut(timeval32), structOut(timezone)], (t, at, zoneAt) => {
    if (at !== 0) t.mm.put(timeval32, at, toTimeval(realtime()));
    if (zoneAt !== 0) t.mm.put(timezone, zoneAt, { tz_minuteswest: 0, tz_dsttime: 0 });
    return 0;
  }),
  call(79, 'settimeofday', [ptr, ptr], settime),
  call(104, 'setitimer', [which, structInOrNull(itimerval32), structOut(itimerval32)], setitimer),
  call(105, 'getitimer', [which, structOut(itimerval32)], (t, type, at) => {
    putItimerval(t, at, readTimer(t, type));
    return 0;
  }),
  call(162, 'nanosleep', [structIn(timespec32), structOut(timespec32)], (t, time, restAt) =>
    sleep(t, time, restAt, timespec32),
  ),
  call(257, 'timer_create', [clockId, ptr, structOut(s32)], timerCreate),
  call(
    258,
    'timer_settime',
    [int, absFlag, structIn(itimerspec32), structOut(itimerspec32)],
    timerSettime(itimerspec32),
  ),
  call(259, 'timer_gettime', [int, structOut(itimerspec32)], timerGettime(itimerspec32)),
  call(260, 'timer_getoverrun', [int], (t, id) => findTimer(t, id).overrun),
  call(261, 'timer_delete', [int], (t, id) => {
    findTimer(t, id).disarm();
    t.process.timers.delete(id);
    return 0;
  }),
  call(262, 'clock_settime', [clockId, ptr], settime),
  call(263, 'clock_gettime', [clockId, structOut(timespec32)], gettime(timespec32)),
  call(264, 'clock_getres', [clockId, structOut(timespec32)], getres(timespec32)),
  call(
    265,
    'clock_nanosleep',
    [clockId, absFlag, structIn(timespec32), structOut(timespec32)],
    clockNanosleep(timespec32),
  ),
  call(403, 'clock_gettime64', [clockId, structOut(timespec64)], gettime(timespec64)),
  call(404, 'clock_settime64', [clockId, ptr], settime),
  call(406, 'clock_getres_time64', [clockId, structOut(timespec64)], getres(timespec64)),
  call(
    407,
    'clock_nanosleep_time64',
    [clockId, absFlag, structIn(timespec64), structOut(timespec64)],
    clockNanosleep(timespec64),
  ),
  call(408, 'timer_gettime64', [int, structOut(itimerspec64)], timerGettime(itimerspec64)),
  call(
    409,
    'timer_settime64',
    [int, absFlag, structIn(itimerspec64), structOut(itimerspec64)],
    timerSettime(itimerspec64),
  ),
];
