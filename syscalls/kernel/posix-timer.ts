/**
 * Timers of timer_create(2): an interval or CPU timer with whom to tell, and a count of expirations nobody was told of
 * (kernel/time/posix-timers.c).
 */
import { SI, type SigInfo, sigmask } from '../abi/signal.ts';
import { CpuTimer } from './cpu-timer.ts';
import { IntervalTimer } from './interval-timer.ts';
import type { Kernel } from './kernel.ts';
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

/** Most overruns that are told (timer_overrun_to_int). */
const INT_MAX = 0x7fff_ffff;
/** Milliseconds between expirations of a timer whose signal is ignored, at least. */
const IGNORED_INTERVAL = 1;

export class PosixTimer {
  readonly clock: TimerClock;
  readonly timer: IntervalTimer | CpuTimer;
  /** Whose RLIMIT_SIGPENDING it counts against. */
  readonly uid: number;
  /** Of the signal taken last: how many expirations it stood for beside one. */
  overrun = 0;
  readonly #kernel: Kernel;
  readonly #process: Process;
  readonly #event: SigEvent;
  readonly #id: number;
  /** The signal that is in a queue, and how many expirations were since. */
  #pending: SigInfo | undefined;
  #missed = 0;

  constructor(t: Task, id: number, clock: TimerClock, event: SigEvent) {
    this.#kernel = t.kernel;
    this.#process = t.process;
    this.uid = t.creds.uid;
    this.clock = clock;
    this.#event = event;
    this.#id = id;
    this.timer = clock.cpu
      ? new CpuTimer(
          clock.cpu.process.armedCpuTimers,
          () => clock.cpu!.now(),
          (expirations) => this.#fire(expirations),
        )
      : new IntervalTimer(t.kernel.timers, t.kernel.now, () => this.#fire(1));
  }

  #fire(expirations: number): void {
    const { sigev_notify: how, sigev_tid: tid, sigev_signo: signo, sigev_value: value } = this.#event;
    if (how === SIGEV.SIGEV_NONE) return;
    if (this.#pending !== undefined) {
      this.#missed += expirations;
      return;
    }
    this.#missed = expirations - 1;
    const info: SigInfo = {
      signo,
      code: SI.SI_TIMER,
      timerid: this.#id,
      overrun: 0,
      value,
      onLeave: () => this.#left(info),
    };
    this.#pending = info;
    const thread = how & SIGEV.SIGEV_THREAD_ID ? this.#kernel.tasks.get(tid) : undefined;
    const queue = thread ? thread.pending : this.#process.pending;
    if (thread) sendToTask(thread, info);
    else sendToProcess(this.#process, info);
    if ((queue.set & sigmask(signo)) !== 0n) return;
    // It is ignored: nobody will take it.
    this.#pending = undefined;
    if (this.timer instanceof IntervalTimer) {
      const { interval } = this.timer;
      if (interval > 0) this.timer.arm(this.#kernel.now() + Math.max(interval, IGNORED_INTERVAL), interval);
    }
  }

  /** Its signal has been taken, or forgotten: it goes on (posixtimer_rearm). */
  #left(info: SigInfo): void {
    if (this.#pending !== info) return;
    this.#pending = undefined;
    const missed = this.#missed + (this.timer instanceof IntervalTimer ? this.timer.rearm() : 0);
    this.overrun = info.overrun = Math.min(missed, INT_MAX);
  }

  disarm(): void {
    this.timer.disarm();
    // What is in the queue is of a setting that is over.
    this.#pending = undefined;
  }
}
