/** timerfd_create(2) (fs/timerfd.c). */
import { fail } from '../../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../abi/fcntl.ts';
import type { Field } from '../../abi/struct.ts';
import { CLOCK, itimerspec32, itimerspec64, TIMER_ABSTIME } from '../../abi/time.ts';
import { fromTimespec, toTimespec } from '../../kernel/clock.ts';
import { IntervalTimer } from '../../kernel/interval-timer.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { TimerFile } from '../../vfs/events/timerfd.ts';
import { fd, int, oneOf, ptr, structIn, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { closeOnExec, installFile } from '../files/open.ts';
import { fdFlags } from '../names.ts';
import { clockTime } from '../time/clock.ts';

const CLOCKS: readonly number[] = [
  CLOCK.CLOCK_REALTIME,
  CLOCK.CLOCK_MONOTONIC,
  CLOCK.CLOCK_BOOTTIME,
  CLOCK.CLOCK_REALTIME_ALARM,
  CLOCK.CLOCK_BOOTTIME_ALARM,
];

const TFD_TIMER_CANCEL_ON_SET = 2;

interface Itimerspec {
  it_interval: { tv_sec: number; tv_nsec: number };
  it_value: { tv_sec: number; tv_nsec: number };
}

function timerOf(t: Task, fd: number): TimerFile {
  const file = t.files.get(fd);
  return file instanceof TimerFile ? file : fail('EINVAL');
}

function setting(file: TimerFile): Itimerspec {
  const { timer } = file;
  return { it_interval: toTimespec(timer.interval), it_value: toTimespec(timer.remaining) };
}

function timerSettime(
  t: Task,
  fd: number,
  flags: number,
  spec: Itimerspec,
  old: number,
  type: Field<never>,
): number {
  if (flags & ~(TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) fail('EINVAL');
  for (const { tv_sec, tv_nsec } of [spec.it_interval, spec.it_value]) {
    if (tv_sec < 0 || tv_nsec < 0 || tv_nsec > 999_999_999) fail('EINVAL');
  }
  const file = timerOf(t, fd);
  if (old !== 0) t.mm.put(type as Field<Itimerspec>, old, setting(file));
  const value = fromTimespec(spec.it_value);
  let at = value === 0 ? Infinity : value;
  if (!(flags & TIMER_ABSTIME)) at += t.now();
  else at += t.now() - clockTime(t, file.clock);
  file.settimeFlags = flags;
  file.set(at, fromTimespec(spec.it_interval));
  return 0;
}

function timerGettime(t: Task, fd: number, out: number, type: Field<never>): number {
  t.mm.put(type as Field<Itimerspec>, out, setting(timerOf(t, fd)));
  return 0;
}

const type32 = itimerspec32 as unknown as Field<never>;
const type64 = itimerspec64 as unknown as Field<never>;

export const timerfdCalls: readonly Call[] = [
  call(350, 'timerfd_create', [oneOf(CLOCK), fdFlags], (t, clock, flags) => {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK) || !CLOCKS.includes(clock)) fail('EINVAL');
    const wakes = clock === CLOCK.CLOCK_REALTIME_ALARM || clock === CLOCK.CLOCK_BOOTTIME_ALARM;
    if (wakes && !capable(t.creds, CAP.WAKE_ALARM)) fail('EPERM');
    const { timers, now, vfs } = t.kernel;
    const file = new TimerFile(
      vfs,
      clock,
      flags & O_NONBLOCK,
      (fire) => new IntervalTimer(timers, now, fire),
    );
    return installFile(t, file, closeOnExec(flags));
  }),
  call(353, 'timerfd_settime', [fd, int, structIn(itimerspec32), ptr], (t, fd, flags, spec, old) =>
    timerSettime(t, fd, flags, spec, old, type32),
  ),
  call(411, 'timerfd_settime64', [fd, int, structIn(itimerspec64), ptr], (t, fd, flags, spec, old) =>
    timerSettime(t, fd, flags, spec, old, type64),
  ),
  call(354, 'timerfd_gettime', [fd, structOut(itimerspec32)], (t, fd, out) =>
    timerGettime(t, fd, out, type32),
  ),
  call(410, 'timerfd_gettime64', [fd, structOut(itimerspec64)], (t, fd, out) =>
    timerGettime(t, fd, out, type64),
  ),
];
