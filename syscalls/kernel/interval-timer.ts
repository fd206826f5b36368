/**
 * A timer that fires at a time and then, perhaps, again and again: behind setitimer, alarm, timer_create and timerfd. As in Linux
 * it goes on only when what it has told has been taken notice of (`rearm`), so that however short the interval, nobody is busy
 * with it alone.
 */
import type { Timers } from './timers.ts';

export class IntervalTimer {
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #fire: () => void;
  /** Milliseconds of kernel.now; Infinity when not armed. */
  #next = Infinity;
  /** It has fired and waits for rearm. */
  #stopped = false;
  interval = 0;

  /** `fire` is called for the first expiration since it was armed, and since each rearm. */
  constructor(timers: Timers, now: () => number, fire: () => void) {
    this.#timers = timers;
    this.#now = now;
    this.#fire = fire;
  }

  /** @param at time of the first expiration; interval: milliseconds between further ones, 0 for none */
  arm(at: number, interval: number): void {
    this.#next = at;
    this.#stopped = false;
    this.interval = interval;
    this.#timers.add(at, this);
  }

  /** Goes on after it has fired; gives how many further expirations there were meanwhile. */
  rearm(): number {
    if (!this.#stopped) return 0;
    this.#stopped = false;
    const missed = this.#forward();
    this.#timers.add(this.#next, this);
    return missed;
  }

  /** Moves the next expiration of a stopped timer into the future; gives over how many. */
  #forward(): number {
    const missed = Math.max(0, Math.floor((this.#now() - this.#next) / this.interval) + 1);
    this.#next += missed * this.interval;
    return missed;
  }

  disarm(): void {
    this.#timers.remove(this);
    this.#next = Infinity;
    this.#stopped = false;
    this.interval = 0;
  }

  get armed(): boolean {
    return this.#next !== Infinity;
  }

  /** Milliseconds to the next expiration; 0 when not armed. */
  get remaining(): number {
    if (!this.armed) return 0;
    const late = this.#now() - this.#next;
    if (late < 0 || this.interval === 0) return Math.max(0.001, -late);
    return this.interval - (late % this.interval);
  }

  /** Called by Timers. */
  wake(): void {
    if (this.interval > 0) {
      // The expiration that is told now is no longer among those to come.
      this.#next += this.interval;
      this.#stopped = true;
    } else this.#next = Infinity;
    this.#fire();
  }
}
