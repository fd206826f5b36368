/** Clocks, sleeping and timers (kernel/time/): clock_gettime(2), nanosleep(2), setitimer(2), timer_create(2), times(2). */
import { fail } from '../../abi/errno.ts';
import { NSIG, SIG } from '../../abi/signal.ts';
import { type Field, s32, struct, u32 } from '../../abi/struct.ts';
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
} from '../../abi/time.ts';
import { fromTimespec, realtime, toTimespec, toTimeval } from '../../kernel/clock.ts';
import { CpuTimer } from '../../kernel/cpu-timer.ts';
import { PosixTimer, SIGEV, type SigEvent, type TimerClock } from '../../kernel/posix-timer.ts';
import type { Process } from '../../kernel/process.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { WaitQueue } from '../../vfs/core/wait-queue.ts';
import { flags, int, oneOf, ptr, structIn, structInOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

type Timespec = { tv_sec: number; tv_nsec: number };
type TimespecType = Field<Timespec>;
type Itimerspec = { it_interval: Timespec; it_value: Timespec };

const clockId = oneOf(CLOCK);
const TIMERS = { ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 } as const;
const which = oneOf(TIMERS);
const absFlag = flags({ TIMER_ABSTIME });

const valid = (x: Timespec) => x.tv_sec >= 0 && x.tv_nsec >= 0 && x.tv_nsec < 1e9;

/** The CPU time that a clock counts; undefined for another kind. Negative ids name a process or thread (kernel/time/posix-cpu-timers.c). EINVAL. */
function cpuClock(t: Task, id: number): TimerClock['cpu'] {
  const ofThread = (thread: Task) => ({
    process: thread.process,
    now: () => t.kernel.scheduler.cpuTime(thread),
  });
  const ofProcess = (process: Process) => ({ process, now: () => process.cpuTime });
  if (id === CLOCK.CLOCK_PROCESS_CPUTIME_ID) return ofProcess(t.process);
  if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) return ofThread(t);
  if (id >= 0) return undefined;
  if ((id & 3) === 3) return fail('EINVAL');
  const who = ~(id >> 3);
  if (id & 4) {
    const thread = who === 0 ? t : t.kernel.tasks.get(who);
    return thread?.process === t.process ? ofThread(thread) : fail('EINVAL');
  }
  const p = who === 0 ? t.process : t.kernel.processes.get(who);
  return p ? ofProcess(p) : fail('EINVAL');
}

/** Milliseconds of a clock. EINVAL. */
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
  }
  return (cpuClock(t, id) ?? fail('EINVAL')).now();
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

  sleep(t: Task): number {
    if (this.#cpu.now() >= this.#until) return 0;
    return t.wait(this.#queue, Infinity, (again) => {
      again.callState ??= new CpuSleep(this.#cpu, this.#until);
      return (again.callState as CpuSleep).sleep(again);
    });
  }

  [Symbol.dispose](): void {
    this.#timer.disarm();
  }
}

function clockNanosleep(type: TimespecType) {
  return (t: Task, id: number, how: number, time: Timespec, restAt: number): number => {
    if (id === CLOCK.CLOCK_THREAD_CPUTIME_ID) fail('EINVAL');
    if (id === CLOCK.CLOCK_MONOTONIC_RAW) fail('EOPNOTSUPP');
    const cpu = cpuClock(t, id);
    const now = clockTime(t, id);
    if (!valid(time)) fail('EINVAL');
    if (cpu) {
      t.callState ??= new CpuSleep(cpu, fromTimespec(time) + (how & TIMER_ABSTIME ? 0 : now));
      return (t.callState as CpuSleep).sleep(t);
    }
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
  const timer = cpuTimer(t, type);
  return { it_interval: timer.interval, it_value: timer.remaining };
}

function cpuTimer(t: Task, type: number): CpuTimer {
  return type === TIMERS.ITIMER_VIRTUAL ? t.process.virtualTimer : t.process.profTimer;
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
    const timer = cpuTimer(t, type);
    if (first === 0) timer.disarm();
    else timer.arm(t.process.cpuTime + first, interval);
  }
  if (oldAt !== 0) putItimerval(t, oldAt, old);
  return 0;
}

// ---- POSIX timers ----

const sigevent = struct('sigevent', {
  sigev_value: u32,
  sigev_signo: s32,
  sigev_notify: s32,
  sigev_tid: s32,
});
const SIGEVENT_SIZE = 64;

/** struct sigevent; all of it must be there. */
export function readSigEvent(t: Task, at: number): SigEvent {
  t.mm.readable(at, SIGEVENT_SIZE);
  return t.mm.get(sigevent, at);
}

function timerCreate(t: Task, clock: number, eventAt: number, idAt: number): number {
  const cpu = cpuClock(t, clock);
  if (cpu === undefined) clockTime(t, clock);
  // As timers cannot be made on these (they have no timer_create in kernel/time/posix-timers.c).
  const untimed: readonly number[] = [
    CLOCK.CLOCK_MONOTONIC_RAW,
    CLOCK.CLOCK_REALTIME_COARSE,
    CLOCK.CLOCK_MONOTONIC_COARSE,
  ];
  if (untimed.includes(clock)) fail('EOPNOTSUPP');
  const { process } = t;
  const id = process.nextTimerId++;
  let event: SigEvent = {
    sigev_value: id,
    sigev_signo: SIG.SIGALRM,
    sigev_notify: SIGEV.SIGEV_SIGNAL,
    sigev_tid: 0,
  };
  if (eventAt !== 0) {
    event = readSigEvent(t, eventAt);
    const { sigev_notify: notify, sigev_signo: signo, sigev_tid: tid } = event;
    const known: number[] = [SIGEV.SIGEV_SIGNAL, SIGEV.SIGEV_NONE, SIGEV.SIGEV_THREAD, SIGEV.SIGEV_THREAD_ID];
    if (!known.includes(notify)) fail('EINVAL');
    if (notify !== SIGEV.SIGEV_NONE && (signo < 1 || signo > NSIG)) fail('EINVAL');
    if (notify & SIGEV.SIGEV_THREAD_ID && t.kernel.tasks.get(tid)?.process !== process) fail('EINVAL');
  }
  t.mm.put(s32, idAt, id);
  process.timers.set(id, new PosixTimer(t, id, { id: clock, cpu }, event));
  return 0;
}

function findTimer(t: Task, id: number): PosixTimer {
  return (t.process.timers.get(id) as PosixTimer | undefined) ?? fail('EINVAL');
}

const setting = ({ timer }: PosixTimer): Itimerspec => ({
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
      const { id, cpu } = timer.clock;
      // Armed by the time it runs on; other clocks than that are some way ahead of it.
      const now = cpu ? cpu.now() : t.now();
      const at = how & TIMER_ABSTIME ? now + first - (cpu ? now : clockTime(t, id)) : now + first;
      timer.timer.arm(at, fromTimespec(value.it_interval));
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
        tms_utime: ticks(t.process.cpuTime),
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
