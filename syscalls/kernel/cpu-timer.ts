/**
 * A timer of CPU time (kernel/time/posix-cpu-timers.c): behind ITIMER_VIRTUAL, ITIMER_PROF, RLIMIT_CPU and the CPU clocks of
 * timer_create. The scheduler looks at those armed whenever the process it counts has run.
 */
export class CpuTimer {
  readonly #armed: Set<CpuTimer>;
  readonly #clock: () => number;
  readonly #fire: (expirations: number) => void;
  /** CPU milliseconds at the next expiration; Infinity when not armed. */
  #next = Infinity;
  interval = 0;

  /**
   * @param armed where the process whose time it is keeps its armed timers
   * @param clock milliseconds of CPU time
   * @param fire gets how many expirations there were since the last time
   */
  constructor(armed: Set<CpuTimer>, clock: () => number, fire: (expirations: number) => void) {
    this.#armed = armed;
    this.#clock = clock;
    this.#fire = fire;
  }

  /** @param at CPU time of the first expiration; interval: milliseconds between further ones, 0 for none */
  arm(at: number, interval: number): void {
    this.#next = at;
    this.interval = interval;
    this.#armed.add(this);
  }

  /** @param delay CPU milliseconds from now */
  armIn(delay: number, interval: number): void {
    this.arm(this.#clock() + delay, interval);
  }

  disarm(): void {
    this.#next = Infinity;
    this.interval = 0;
    this.#armed.delete(this);
  }

  /** Milliseconds to the next expiration; 0 when not armed. */
  get remaining(): number {
    return this.#next === Infinity ? 0 : Math.max(0.001, this.#next - this.#clock());
  }

  /** Fires when it is due. */
  check(): void {
    const late = this.#clock() - this.#next;
    if (late < 0) return;
    let expirations = 1;
    if (this.interval > 0) {
      expirations += Math.floor(late / this.interval);
      this.#next += expirations * this.interval;
    } else {
      this.#next = Infinity;
      this.#armed.delete(this);
    }
    this.#fire(expirations);
  }
}
