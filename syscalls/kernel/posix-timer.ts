/** Timers of timer_create(2): an interval or CPU timer with whom to tell, and a count of expirations nobody was told of (kernel/time/posix-timers.c). */
import { SI } from '../abi/signal.ts';
import { CpuTimer } from './cpu-timer.ts';
import { IntervalTimer } from './interval-timer.ts';
import type { Process } from './process.ts';
import { sendToProcess, sendToTask } from './signals.ts';
import type { Task } from './task.ts';

export const SIGEV = { SIGEV_SIGNAL: 0, SIGEV_NONE: 1, SIGEV_THREAD: 2, SIGEV_THREAD_ID: 4 } as const;

/** struct sigevent. */
export interface SigEvent {
  sigev_value: number;
  sigev_signo: number;
  sigev_notify: number;
  sigev_tid: number;
}

/** What a timer counts: the time of the clock on the wall, or CPU time of a process or one of its threads. */
export interface TimerClock {
  /** As timer_create was given it. */
  readonly id: number;
  readonly cpu: { readonly process: Process; now(): number } | undefined;
}

export class PosixTimer {
  readonly clock: TimerClock;
  readonly timer: IntervalTimer | CpuTimer;
  overrun = 0;

  constructor(t: Task, id: number, clock: TimerClock, event: SigEvent) {
    const { kernel, process } = t;
    this.clock = clock;
    const fire = (expirations: number) => {
      if (event.sigev_notify === SIGEV.SIGEV_NONE) return;
      const thread =
        event.sigev_notify & SIGEV.SIGEV_THREAD_ID ? kernel.tasks.get(event.sigev_tid) : undefined;
      const queue = thread ? thread.pending : process.pending;
      const pending = queue.findTimer(id);
      if (pending !== undefined) {
        pending.overrun = (pending.overrun ?? 0) + expirations;
        this.overrun = pending.overrun;
        return;
      }
      this.overrun = expirations - 1;
      const info = {
        signo: event.sigev_signo,
        code: SI.SI_TIMER,
        timerid: id,
        overrun: expirations - 1,
        value: event.sigev_value,
      };
      if (thread) sendToTask(thread, info);
      else sendToProcess(process, info);
    };
    this.timer = clock.cpu
      ? new CpuTimer(clock.cpu.process.armedCpuTimers, () => clock.cpu!.now(), fire)
      : new IntervalTimer(kernel.timers, kernel.now, fire);
  }

  disarm(): void {
    this.timer.disarm();
  }
}
