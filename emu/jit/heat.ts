/**
 * How often the evaluators of a run have branched to which locations. One for all processes: most are too short to find out by themselves, and run the same code.
 */
import type { Start } from './code-cache.ts';

/** Direct mapped: a collision only delays. */
const COUNTERS = 1 << 14;

export class Heat {
  /** By index (`at`): the location that is counted there, and its count. */
  readonly location = new Int32Array(COUNTERS);
  readonly count = new Int32Array(COUNTERS);
  readonly #isLoop = new Uint8Array(COUNTERS);
  /** Locations that have become hot since the last module. */
  waiting = 0;

  at(location: number): number {
    return (location >>> 1) & (COUNTERS - 1);
  }

  /** Counts another location from now on. */
  begin(i: number, location: number, isLoop: boolean, count: number): void {
    this.location[i] = location;
    this.count[i] = count;
    this.#isLoop[i] = isLoop ? 1 : 0;
  }

  /** A location's count; 0 when another has its place. */
  of(location: number): number {
    const i = this.at(location);
    return this.location[i] === (location | 0) ? this.count[i]! : 0;
  }

  atLeast(count: number): Start[] {
    const found: Start[] = [];
    for (let i = 0; i < COUNTERS; i++)
      if (this.count[i]! >= count)
        found.push({ location: this.location[i]! >>> 0, isLoop: this.#isLoop[i] === 1 });
    return found;
  }
}
