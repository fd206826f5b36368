/**
 * When code goes up from the interpreter, to stencils and to compiled regions: the counts, and the decisions made with them. What
 * was measured is in docs/INTERPRETER.md and docs/JIT.md.
 *
 * The interpreter counts arrivals at a location (by taken branches) in its record, and tells of every so many of them.
 */
import type { CpuOptions } from '../cpu.ts';
import type { ArrivalMasks } from '../tier0/interpreter.ts';
import type { Start } from './translator.ts';

/** Arrivals before a location's region is compiled, when it has at least one in SHARE of the run's: a loop where the time is. */
const HOT = 32_768;
const SHARE = 16;
/** The same of others; and of all in a run that has taken so long: a program that starts is over before. */
const HOT_AMONG_MANY = 262_144;
const HOT_LATER = 4096;
const LATER_MS = 1500;
/**
 * What is arrived at so often is translated on the other thread, to be kept: compiling it would cost this run more than it gains,
 * but a later one has it with V8's code.
 */
const WARM = 4096;
/** Warm locations that are waited for before they are translated: they are to be in the same modules. */
const WARM_BATCH = 48;
/** So many wait for it at the most. */
const MAX_WARM = 256;
/** A run that is over before has no other thread. */
const THREAD_MS = 1000;
/**
 * Instructions that the main thread translates itself in a run before another thread is begun for it, unless that may be there
 * already: a program with a few hot loops has its code sooner so, and one with more does not wait for all of it.
 */
export const LOCAL_INSTRUCTIONS = 2000;
/** Arrivals by calls, loops and jumps before what handlers do is put together as a function (../stencils/stitcher.ts). */
const STITCHED = 512;
/**
 * Places that are waited for before a module is made of them; and how often it may be told of them meanwhile: then what they lose
 * is as much as a module costs.
 */
const STITCHED_BATCH = 32;
const STITCHED_WAIT = 16;
/** Arrivals that are told of together. */
const INTERVAL = 512;
/** The same from then on: what is arrived at so often has stencils, and is not hot yet. */
const SELDOM_INTERVAL = 4096;
/**
 * Arrivals in the interpreter, of all processes of a run together, before anything is taken of what earlier runs have kept. Most
 * runs are over before, and taking it would cost them more than they gain: what has run for so long is likely to go on.
 */
const KEPT_LATER = 100_000;
/** The same at the locations of one piece of it, from then on. */
const PIECE_ARRIVALS = 1_000;
/** Counts in records go up to twice this, and then back to it. */
const COUNTED = 0x8000;
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
  /** An access that the interpreter makes, because it is not aligned, or its page has first to be looked at. */
  left: 1,
  /** An access that takes the slow path. */
  unaligned: 0.008,
  /** An access that the evaluator makes, because a group of them was promised what was not so. */
  group: 3,
  /** A millisecond in a region that would be faster with what it calls inside it. */
  sample: 500,
} as const;

/** Whether another thread may be begun for what is not waited for. */
export const mayBeginThread = (run: Run): boolean => run.hasRun(THREAD_MS);
/** Whether another thread translates what is hot, when there is one. */
export const isForThread = (run: Run & { readonly translatedHere: number }): boolean =>
  run.translatedHere >= LOCAL_INSTRUCTIONS || run.hasRun(THREAD_MS);
/** Whether what is kept may be worth looking for, after so many arrivals of the run. */
export const mayUseKept = (ofRun: number): boolean => ofRun >= KEPT_LATER;
/** Whether a piece of it may be worth taking then, after so many at its locations. */
export const isWorthTaking = (ofPiece: number): boolean => ofPiece >= PIECE_ARRIVALS;

const NOTHING: readonly number[] = [];

/** How long the run has taken, and arrivals of all its processes at what has no compiled code. */
interface Run {
  hasRun(ms: number): boolean;
  readonly arrivals: number;
}

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

/** A location that arrivals are counted of. */
interface Warm {
  readonly isLoop: boolean;
  arrivals: number;
  /** Arrivals when it became hot; 0 before. */
  hot: number;
}

/** What is known of the arrivals at an image's locations, in all processes that have it: one alone may be over soon. */
export class Heat {
  /** Locations that have been told of and have no compiled code. */
  readonly locations = new Map<number, Warm>();
  /** Those that have become hot since the last module. */
  waiting = 0;
  /** Those that have become warm and have not been asked for, in that order. */
  readonly warm = new Map<number, Start>();
}

/** Locations that wait for others, to be put together from stencils. */
export class ToStitch {
  readonly locations = new Set<number>();
  /** How often it has been told of such. */
  told = 0;
}

/** For who is told of no arrival. */
export const NEVER_TOLD: ArrivalMasks = { heatMask: -1, seldomMask: -1 };

type TieringOptions = Pick<CpuOptions, 'hot' | 'stitched' | 'interpret' | 'exactFuel'>;

/** Decides for an address space. */
export class Tiering {
  readonly #run: Run;
  readonly #always: number | undefined;
  readonly #stitched: number;
  readonly #interval: number;
  readonly masks: ArrivalMasks;
  /** The run is known to have taken LATER_MS. */
  #isLater = false;

  constructor(run: Run, options: TieringOptions) {
    const { hot, stitched = STITCHED, interpret = false, exactFuel = false } = options;
    this.#run = run;
    this.#always = hot;
    this.#stitched = stitched;
    const fewest = Math.min(hot ?? HOT, stitched);
    this.#interval = Math.min(fewest, INTERVAL);
    // Who leads the interpreter from instruction to instruction finds no place to stop in a function of stencils.
    const isNeverTold = interpret && exactFuel;
    const seldomMask = hot === undefined ? SELDOM_INTERVAL - 1 : -1;
    this.masks = isNeverTold ? NEVER_TOLD : { heatMask: this.#interval - 1, seldomMask };
  }

  /** Whether it is told of so many arrivals at a location. */
  isTold(count: number): boolean {
    const { heatMask, seldomMask } = this.masks;
    return (count & heatMask) === 0 && (count <= seldomMask >>> 0 || (count & seldomMask) === 0);
  }

  /** Arrivals at a location since it was told of it before, when it is told of so many. */
  since(count: number): number {
    return this.masks.seldomMask >= 0 && count > SELDOM_INTERVAL ? SELDOM_INTERVAL : this.#interval;
  }

  /** Notes `count` arrivals at a location that is not stitched. Gives what is to be stitched now. */
  toStitch(waiting: ToStitch, location: number, count: number): readonly number[] {
    if (count < this.#stitched) return NOTHING;
    waiting.locations.add(location);
    waiting.told++;
    const isNow = waiting.locations.size >= STITCHED_BATCH || waiting.told >= STITCHED_WAIT;
    if (!isNow && this.#stitched >= STITCHED) return NOTHING;
    const locations = [...waiting.locations];
    waiting.locations.clear();
    waiting.told = 0;
    return locations;
  }

  /** Whether V8 may as well compile what is kept for the location: it has been translated, so no share is asked for. */
  isHot({ locations }: Heat, location: number): boolean {
    return (locations.get(location)?.arrivals ?? 0) >= (this.#always ?? HOT);
  }

  /** Whether so many arrivals are enough to compile now. The clock is looked at no more when the run has taken LATER_MS. */
  #areHot(arrivals: number): boolean {
    if (this.#always !== undefined) return arrivals >= this.#always;
    if (arrivals < HOT_LATER) return false;
    const run = this.#run;
    if (arrivals >= HOT_AMONG_MANY || (arrivals >= HOT && arrivals * SHARE >= run.arrivals)) return true;
    this.#isLater ||= run.hasRun(LATER_MS);
    return this.#isLater;
  }

  /** Notes `count` arrivals at a location that has nothing compiled. True when enough wait to be translated for later runs. */
  becomesWarm({ warm }: Heat, location: number, isLoop: boolean, count: number): boolean {
    if (count < WARM || count >= WARM + this.#interval) return false;
    if (warm.size < MAX_WARM) warm.set(location, { location, isLoop });
    return warm.size >= WARM_BATCH && mayBeginThread(this.#run);
  }

  /** Those that became warm first, of those that have been run here. */
  takeWarm({ warm }: Heat, hasRun: (location: number) => boolean): readonly Start[] {
    const taken = [...warm.values()].filter(({ location }) => hasRun(location)).slice(0, WARM_BATCH);
    for (const { location } of taken) warm.delete(location);
    return taken;
  }

  /** The same of a warm region. */
  readonly wantedWarm = WARM;

  /** Arrivals from which on a function that a hot region calls is compiled with it: no more than counts tell. */
  get wanted(): number {
    return this.#always === undefined ? COUNTED : this.#always / 2;
  }

  /** Notes that a location has been arrived at so many times again. Gives true when it is to be compiled now. */
  arrived(heat: Heat, location: number, isLoop: boolean, times: number): boolean {
    let known = heat.locations.get(location);
    if (known === undefined) {
      known = { isLoop, arrivals: 0, hot: 0 };
      heat.locations.set(location, known);
    }
    known.arrivals += times;
    if (!this.#areHot(known.arrivals)) return false;
    // A module costs as much as many functions: wait a little for others.
    known.hot ||= known.arrivals;
    if (known.arrivals === known.hot) heat.waiting++;
    if (heat.waiting < BATCH && known.arrivals < 1.5 * known.hot) return false;
    heat.waiting = 0;
    return true;
  }

  /** Other locations to compile in the same module: those that are hot, too. */
  others({ locations }: Heat): Start[] {
    const found: Start[] = [];
    for (const [location, { isLoop, arrivals }] of locations)
      if (this.#areHot(arrivals)) found.push({ location, isLoop });
    return found;
  }
}
