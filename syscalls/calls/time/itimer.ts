/** setitimer(2), getitimer(2) (kernel/time/itimer.c). */
import { fail } from '../../abi/errno.ts';
import { itimerval32 } from '../../abi/time.ts';
import { toTimeval } from '../../kernel/clock.ts';
import type { CpuTimer } from '../../kernel/cpu-timer.ts';
import type { Task } from '../../kernel/task.ts';
import { oneOf, structInOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

const TIMERS = { ITIMER_REAL: 0, ITIMER_VIRTUAL: 1, ITIMER_PROF: 2 } as const;
const which = oneOf(TIMERS);

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
    else timer.armIn(first, interval);
  }
  if (oldAt !== 0) putItimerval(t, oldAt, old);
  return 0;
}

export const itimerCalls: readonly Call[] = [
  call(104, 'setitimer', [which, structInOrNull(itimerval32), structOut(itimerval32)], setitimer),
  call(105, 'getitimer', [which, structOut(itimerval32)], (t, type, at) => {
    putItimerval(t, at, readTimer(t, type));
    return 0;
  }),
];
