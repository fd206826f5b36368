/** POSIX timers: timer_create(2), timer_settime(2) (kernel/time/posix-timers.c). */
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { NSIG, SIG } from '../../abi/signal.ts';
import { type Field, s32, struct, u32 } from '../../abi/struct.ts';
import { CLOCK, itimerspec32, itimerspec64, TIMER_ABSTIME } from '../../abi/time.ts';
import { fromTimespec, type Timespec, toTimespec, valid } from '../../kernel/clock.ts';
import { PosixTimer, SIGEV, type SigEvent } from '../../kernel/posix-timer.ts';

import type { Task } from '../../kernel/task.ts';
import { int, ptr, structInOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { clockId, clockTime, cpuClock } from './clock.ts';
import { absFlag } from './nanosleep.ts';

type Itimerspec = { it_interval: Timespec; it_value: Timespec };

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

/** Clocks without timers (they have no timer_create in kernel/time/posix-timers.c). */
const UNTIMED: readonly number[] = [
  CLOCK.CLOCK_MONOTONIC_RAW,
  CLOCK.CLOCK_REALTIME_COARSE,
  CLOCK.CLOCK_MONOTONIC_COARSE,
];
const isOfDescriptor = (clock: number) => clock < 0 && (clock & 7) === 3;

/** Who is to be told of a timer (good_sigevent). EINVAL. */
function checked({ kernel, process }: Task, event: SigEvent): SigEvent {
  const { sigev_notify: notify, sigev_signo: signo, sigev_tid: tid } = event;
  const known: number[] = [SIGEV.SIGEV_SIGNAL, SIGEV.SIGEV_NONE, SIGEV.SIGEV_THREAD, SIGEV.SIGEV_THREAD_ID];
  if (!known.includes(notify)) fail('EINVAL');
  if (notify !== SIGEV.SIGEV_NONE && (signo < 1 || signo > NSIG)) fail('EINVAL');
  const id = process.pids.pidOf(tid);
  if (notify & SIGEV.SIGEV_THREAD_ID && kernel.tasks.get(id)?.process !== process) fail('EINVAL');
  return { ...event, sigev_tid: id };
}

/** do_timer_create: whose CPU time a clock counts is found out when the timer's number has been told. */
function timerCreate(t: Task, clock: number, eventAt: number, idAt: number): number {
  const given = eventAt === 0 ? undefined : readSigEvent(t, eventAt);
  if (clock >= 0) clockTime(t, clock);
  if (UNTIMED.includes(clock) || isOfDescriptor(clock)) fail('EOPNOTSUPP');
  const { process, kernel } = t;
  const { uid } = t.creds;
  if (!kernel.queuedSignals.charge(uid, process.limits[RLIMIT.RLIMIT_SIGPENDING]!.cur)) fail('EAGAIN');
  try {
    const id = process.nextTimerId++;
    const event: SigEvent = given
      ? checked(t, given)
      : { sigev_value: id, sigev_signo: SIG.SIGALRM, sigev_notify: SIGEV.SIGEV_SIGNAL, sigev_tid: 0 };
    t.mm.put(s32, idAt, id);
    process.timers.set(id, new PosixTimer(t, id, { id: clock, cpu: cpuClock(t, clock) }, event));
    return 0;
  } catch (error) {
    kernel.queuedSignals.uncharge(uid);
    throw error;
  }
}

function findTimer(t: Task, id: number): PosixTimer {
  return (t.process.timers.get(id) as PosixTimer | undefined) ?? fail('EINVAL');
}

const setting = ({ timer }: PosixTimer): Itimerspec => ({
  it_interval: toTimespec(timer.interval),
  it_value: toTimespec(timer.remaining),
});

function timerSettime(type: Field<Itimerspec>) {
  return (t: Task, id: number, how: number, value: Itimerspec | null, oldAt: number): number => {
    if (value === null) return fail('EINVAL');
    const timer = findTimer(t, id);
    if (!valid(value.it_value) || !valid(value.it_interval)) fail('EINVAL');
    const old = setting(timer);
    const first = fromTimespec(value.it_value);
    timer.overrun = 0;
    timer.disarm();
    if (first !== 0) {
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

export const timerCalls: readonly Call[] = [
  call(257, 'timer_create', [clockId, ptr, structOut(s32)], timerCreate),
  call(
    258,
    'timer_settime',
    [int, absFlag, structInOrNull(itimerspec32), structOut(itimerspec32)],
    timerSettime(itimerspec32),
  ),
  call(
    409,
    'timer_settime64',
    [int, absFlag, structInOrNull(itimerspec64), structOut(itimerspec64)],
    timerSettime(itimerspec64),
  ),
  call(259, 'timer_gettime', [int, structOut(itimerspec32)], timerGettime(itimerspec32)),
  call(408, 'timer_gettime64', [int, structOut(itimerspec64)], timerGettime(itimerspec64)),
  call(260, 'timer_getoverrun', [int], (t, id) => findTimer(t, id).overrun),
  call(261, 'timer_delete', [int], (t, id) => {
    const timer = findTimer(t, id);
    timer.disarm();
    t.kernel.queuedSignals.uncharge(timer.uid);
    t.process.timers.delete(id);
    return 0;
  }),
];
