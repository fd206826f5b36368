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
/**
 * The same in a run that has taken so long: what is arrived at more slowly has a part in it, too. A start of a program ends
 * before, and compiling more of it costs more than it gains.
 */
const HOT_LATER = 8192;
const LATER_MS = 1000;
/**
 * What is arrived at so often is translated on the other thread, to be kept: compiling it would cost this run more than it gains,
 * but a later one has it with V8's code.
 */
const WARM = 4096;
/** Warm locations that are waited for before they are translated: they are to be in the same modules. */
const WARM_BATCH = 48;
/** A run that is over before has no other thread. */
export const THREAD_MS = 500;
/**
 * Instructions that the main thread translates itself in a run before another thread is begun for it: a program with a few hot
 * loops has its code sooner so, and one with more does not wait for all of it.
 */
export const LOCAL_INSTRUCTIONS = 2000;
/** Arrivals between two questions. */
const INTERVAL = 128;
/**
 * Arrivals in the interpreter, of all processes of a run together, before anything is taken of what earlier runs have kept. Most
 * runs are over before, and taking it would cost them more than they gain: what has run for so long is likely to go on.
 */
const KEPT_LATER = 100_000;
/** The same at the locations of one piece of it, from then on. */
const PIECE_ARRIVALS = 1_000;
/** Hot locations that are waited for before a module is made of them. */
const BATCH = 16;

/**
 * A region is compiled once more when what has been wasted for want of it is as much as compiling it takes, in microseconds: the
 * translator's and V8's optimizing compiler's, for each instruction.
 */
const COMPILE_US = 100;
/** Instructions that would take as long as what a region costs besides. */
const REGION = 30;
/** What is wasted each time, by its reason. */
const WASTE_US = {
  /** A way out into the interpreter, and back. */
  exit: 0.5,
  /** An arrival at a loop that has no code of its own, though another region has it inside. */
  loop: 0.6,
  /** An access that takes the slow path. */
  unaligned: 0.008,
  /** An access that the evaluator makes, because a group of them was promised what was not so. */
  group: 3,
  /** A millisecond in a region that would be faster with what it calls inside it. */
  sample: 500,
} as const;

/** Whether what is kept may be worth looking for, after so many arrivals of the run. */
export const mayUseKept = (ofRun: number): boolean => ofRun >= KEPT_LATER;
/** Whether a piece of it may be worth taking then, after so many at its locations. */
export const isWorthTaking = (ofPiece: number): boolean => ofPiece >= PIECE_ARRIVALS;

/** What has been wasted in an image's regions, by location and reason. */
export class Waste {
  readonly #us = new Map<string, number>();

  /**
   * It has happened so often again. True when it has become as much as a region of so many instructions costs; then it is
   * forgotten.
   */
  add(reason: keyof typeof WASTE_US, location: number, times: number, instructions: number): boolean {
    const key = `${reason} ${location}`;
    const us = (this.#us.get(key) ?? 0) + times * WASTE_US[reason];
    const isEnough = us >= (REGION + instructions) * COMPILE_US;
    if (isEnough) this.#us.delete(key);
    else this.#us.set(key, us);
    return isEnough;
  }
}

/** The hot and the warm locations of an address space. */
export class Tiering {
  readonly #began: number;
  readonly #always: number | undefined;
  /** Arrivals between two questions. */
  readonly interval: number;
  /** Locations that have been asked about and have no compiled code, with whether they are loops. */
  readonly #warm = new Map<number, boolean>();
  /** Locations that have become hot since the last module. */
  #waiting = 0;
  /** Locations that have become warm since they were last asked for. */
  readonly #becameWarm: Start[] = [];

  /** Of a run that began then, by performance.now(); `hot` is always the number of arrivals, when given. */
  constructor(began: number, hot?: number) {
    this.#began = began;
    this.#always = hot;
    this.interval = Math.min(hot ?? HOT, INTERVAL);
  }

  /** Whether V8 may as well compile what is kept for the location. */
  isHot(count: number): boolean {
    return count >= this.#hot;
  }

  /** Notes `count` arrivals at a location that has nothing compiled. True when enough wait to be translated for later runs. */
  becomesWarm(location: number, isLoop: boolean, count: number): boolean {
    if (count < WARM || count >= WARM + this.interval) return false;
    this.#becameWarm.push({ location, isLoop });
    return this.#becameWarm.length >= WARM_BATCH && performance.now() - this.#began >= THREAD_MS;
  }

  /** Those that became warm first. */
  takeWarm(): readonly Start[] {
    return this.#becameWarm.splice(0, WARM_BATCH);
  }

  get #hot(): number {
    return this.#always ?? (performance.now() - this.#began < LATER_MS ? HOT : HOT_LATER);
  }

  /** Arrivals at a location for each time that `arrived` says so: they are counted modulo 2^16, from 1.5 times `hot` on. */
  get arrivalsEach(): number {
    return (this.interval * 0x1_0000) / (0x1_0000 - 1.5 * this.#hot);
  }

  /** The same of a warm region. */
  readonly wantedWarm = WARM;

  /** Arrivals from which on a function that a hot region calls is compiled with it. */
  get wanted(): number {
    return this.#hot / 2;
  }

  /** Notes `count` arrivals at a location. Gives true when it is to be compiled now. */
  arrived(location: number, isLoop: boolean, count: number): boolean {
    if (!this.#warm.has(location)) this.#warm.set(location, isLoop);
    const hot = this.#hot;
    if (count < hot) return false;
    // A module costs as much as many functions: wait a little for others.
    if (count < hot + this.interval) this.#waiting++;
    if (this.#waiting < BATCH && count < 1.5 * hot) return false;
    this.#waiting = 0;
    return true;
  }

  compiled(location: number): void {
    this.#warm.delete(location);
  }

  /** Other locations to compile in the same module: those that are hot, too. */
  others(arrivals: (location: number) => number): Start[] {
    const found: Start[] = [];
    const hot = this.#hot;
    for (const [location, isLoop] of this.#warm)
      if (arrivals(location) >= hot) found.push({ location, isLoop });
    return found;
  }
}
