/** A timer that fires at a time and then, perhaps, again and again: behind setitimer, alarm, timer_create and timerfd. */
import type { Timers } from './timers.ts';

export class IntervalTimer {
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #fire: (expirations: number) => void;
  /** Milliseconds of kernel.now; Infinity when not armed. */
  #next = Infinity;
  interval = 0;

  /** `fire` gets how many expirations there were since the last time. */
  constructor(timers: Timers, now: () => number, fire: (expirations: number) => void) {
    this.#timers = timers;
    this.#now = now;
    this.#fire = fire;
  }

  /** @param at time of the first expiration; interval: milliseconds between further ones, 0 for none */
  arm(at: number, interval: number): void {
    this.#next = at;
    this.interval = interval;
    this.#timers.add(at, this);
  }

  disarm(): void {
    this.#timers.remove(this);
    this.#next = Infinity;
    this.interval = 0;
  }

  get armed(): boolean {
    return this.#next !== Infinity;
  }

  /** Milliseconds to the next expiration; 0 when not armed. */
  get remaining(): number {
    return this.armed ? Math.max(0.001, this.#next - this.#now()) : 0;
  }

  /** Called by Timers. */
  wake(): void {
    let expirations = 1;
    if (this.interval > 0) {
      expirations += Math.max(0, Math.floor((this.#now() - this.#next) / this.interval));
      this.#next += expirations * this.interval;
      this.#timers.add(this.#next, this);
    } else this.#next = Infinity;
    this.#fire(expirations);
  }
}
