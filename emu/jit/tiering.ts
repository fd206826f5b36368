/**
 * When code goes up from the interpreter to compiled code: the counts, and the decisions made with them. What was measured is in
 * docs/JIT.md.
 *
 * The interpreter counts arrivals at a location (by calls, loops and indirect jumps) in its record, and asks at every
 * `interval`-th.
 */
import type { Start } from './translator.ts';

/** Arrivals before a location's region is compiled, a power of two up to 2^15: they are counted in 16 bits. */
const HOT = 32768;
/** Arrivals from which on a function that a hot region calls is compiled with it. */
export const WANTED = HOT / 2;
/**
 * Instructions that the main thread translates itself in a run before another thread is begun for it: a program with a few hot
 * loops has its code sooner so, and one with more does not wait for all of it.
 */
export const LOCAL_INSTRUCTIONS = 2000;
/** Arrivals between two questions. The first finds what an earlier run has kept. */
const INTERVAL = 128;
/** Hot locations that are waited for before a module is made of them. */
const BATCH = 16;

/** The hot and the warm locations of an address space. */
export class Tiering {
  readonly #hot: number;
  /** Arrivals between two questions. */
  readonly interval: number;
  /** Locations that have been asked about and have no compiled code, with whether they are loops. */
  readonly #warm = new Map<number, boolean>();
  /** Locations that have become hot since the last module. */
  #waiting = 0;

  constructor(hot = HOT) {
    this.#hot = hot;
    this.interval = Math.min(hot, INTERVAL);
  }

  /** Notes `count` arrivals at a location. Gives true when it is to be compiled now. */
  arrived(location: number, isLoop: boolean, count: number): boolean {
    if (!this.#warm.has(location)) this.#warm.set(location, isLoop);
    if (count < this.#hot) return false;
    // A module costs as much as many functions: wait a little for others.
    if (count < this.#hot + this.interval) this.#waiting++;
    if (this.#waiting < BATCH && count < 1.5 * this.#hot) return false;
    this.#waiting = 0;
    return true;
  }

  compiled(location: number): void {
    this.#warm.delete(location);
  }

  /** Other locations to compile in the same module: those that are hot, too. */
  others(arrivals: (location: number) => number): Start[] {
    const found: Start[] = [];
    for (const [location, isLoop] of this.#warm)
      if (arrivals(location) >= this.#hot) found.push({ location, isLoop });
    return found;
  }

  isWarm(arrivals: number): boolean {
    return arrivals >= WANTED;
  }
}
