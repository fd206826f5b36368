/**
 * A clock that goes by what programs do: a millisecond for so many back-edges and calls. Turns and timers of a run come at the
 * same places each time so, on any machine.
 */

/** About what compiled code does in a millisecond. */
const FUEL_PER_MS = 100_000;

export class CountedClock {
  #ms = 0;

  /** Milliseconds since the run began. */
  readonly now = (): number => this.#ms;

  /** Programs have used so much fuel (CpuState.fuel). */
  ran(fuel: number): void {
    this.#ms += fuel / FUEL_PER_MS;
  }

  /** Nothing can run before that time. */
  sleepUntil(ms: number): void {
    this.#ms = Math.max(this.#ms, ms);
  }
}
