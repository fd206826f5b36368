/**
 * Makes translations: a batch of regions, from a job and a view of the code, to functions in which the numbers of the run (table
 * slots, places that may fault) have still to be put. It knows neither images nor address spaces, so that it can work on another
 * thread (translation-job.ts).
 */

import type { Insn } from '../decode/row.ts';
import type { Translation } from './code-image.ts';
import { RegionCompiler } from './compile.ts';
import { SITE_WORDS } from './convention.ts';
import { effectsOf } from './effects.ts';
import { type CodeSource, findRegion, type Region } from './region.ts';

/** Limits of one batch. */
const BATCH_REGIONS = 64;
const BATCH_INSTRUCTIONS = 6000;
/** A block that is in so many regions already is compiled as one of its own. */
const MAX_COPIES = 3;

/** Where a region begins; `isLoop` when it is a loop inside a function, and not a place that is called or jumped to. */
export interface Start {
  readonly location: number;
  readonly isLoop: boolean;
  /** It is worth having what it calls inside it. */
  readonly optimize?: boolean;
}

/** The code of one image in one address space, as translations are made from it. */
export interface CodeView {
  /** The instruction at a location of the image, when it has been run; `entry` is the region's. Else null. */
  insn(location: number, itstate: number, entry: number): Insn | null;
  /** What is known to begin at a location of the image; undefined when nothing is translated there. */
  kindAt(location: number): 'entry' | 'loop' | undefined;
  /** How many translations hold the block at an address. */
  copies(address: number): number;
  /** The value of a word that only changes together with code, else undefined. */
  constantWord(address: number, size: number): number | undefined;
  /** Where an indirect jump has been seen to go. */
  seen(address: number): readonly number[];
  /**
   * Whether the access at a location has turned out to be unaligned, or the first of a group that cannot be tested together,
   * or one that leaves its region, often.
   */
  isUnaligned(location: number): boolean;
  /** Whether a location that the image has no translation of has code. */
  hasOtherCode(location: number): boolean;
  /** Whether a function that a region calls is worth compiling with it. */
  isWanted(location: number): boolean;
}

/** A memory as bytes, halfwords and words. */
export interface Views {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
}

/** What so many bytes hold, at an address that is a multiple of them: four as int32. */
export function wordAt({ u8, u16, i32 }: Views, address: number, size: number): number {
  return size === 4 ? i32[address >>> 2]! : size === 2 ? u16[address >>> 1]! : u8[address]!;
}

/**
 * A batch: translations whose numbers (`Translation.numbers`) count sites from 0, and their sites: location, dirty variables,
 * region.
 */
export interface Batch {
  readonly translations: readonly Translation[];
  readonly sites: readonly number[];
}

export interface TranslatorOptions {
  /** Count instructions exactly in OFF.icount. */
  readonly count: boolean;
  /** Take fuel for one iteration at a time. */
  readonly exactFuel: boolean;
}

export class Translator {
  readonly #compiler: RegionCompiler;
  #view!: CodeView;
  #batch: ReadonlySet<number> = new Set();
  #sites: number[] = [];

  constructor({ count, exactFuel }: TranslatorOptions) {
    this.#compiler = new RegionCompiler({
      hasCode: (location) => this.#hasCode(location),
      constantWord: (address, size) => this.#view.constantWord(address, size),
      siteOf: (location, dirty, region) => this.#sites.push(location, dirty, region) / SITE_WORDS - 1,
      isUnaligned: (location) => this.#view.isUnaligned(location),
      count,
      exactFuel,
    });
  }

  #hasCode(location: number): boolean {
    return (
      this.#batch.has(location) ||
      this.#view.kindAt(location) !== undefined ||
      this.#view.hasOtherCode(location)
    );
  }

  /**
   * Translates the region at a location, and with it others: those it calls that are wanted, and `also`. Null when nothing can be
   * compiled there. Only what has been run is taken into a region: cold paths cost as much to compile as hot ones, and most never
   * run.
   *
   * A region ends where another begins, but for loops: one that was compiled because it ran long in the interpreter is compiled
   * once more inside its function.
   */
  translate(start: Start, also: readonly Start[], view: CodeView): Batch | null {
    this.#view = view;
    this.#sites = [];
    const queue = [start, ...also];
    const entries = new Set(queue.filter((s) => !s.isLoop).map((s) => s.location));
    const optimize = start.optimize === true;
    const source: CodeSource = {
      fetch: (at, it, entry) => {
        const insn = view.insn(at, it, entry);
        const pc = (at & ~1) >>> 0;
        return insn === null ? null : { insn, pc, effects: effectsOf(insn, pc) };
      },
      isEntry: (at) => !optimize && (entries.has(at) || isEntry(view, at)),
      read: (address, size) => view.constantWord(address, size),
      seen: (pc) => view.seen(pc),
      optimize,
      isInlined: (at) => view.kindAt(at) !== undefined,
    };
    const regions: { region: Region; start: Start }[] = [];
    let instructions = 0;
    for (const next of queue) {
      if (regions.length === BATCH_REGIONS || instructions > BATCH_INSTRUCTIONS) break;
      // Who comes by the one loop of a function is in the other's region already. If not, it will be asked for again.
      if (next !== start && next.isLoop && regions.some(({ region }) => isInside(region, next.location)))
        continue;
      const region = findRegion(next.location, source);
      if (region === null) {
        if (next === start) return null;
        continue;
      }
      regions.push({ region, start: next });
      instructions += region.instructions;
      for (const callee of region.calls)
        if (!entries.has(callee) && !this.#hasCode(callee) && view.isWanted(callee)) {
          entries.add(callee);
          queue.push({ location: callee, isLoop: false });
        }
    }
    this.#batch = new Set(regions.map(({ region }) => region.location));
    const translations = regions.map(({ region, start }) => this.#one(region, start));
    this.#batch = new Set();
    return { translations, sites: this.#sites };
  }

  #one(region: Region, { isLoop }: Start): Translation {
    const { numbers, ...body } = this.#compiler.compile(region, isLoop);
    const [root] = region.inlinedCalls;
    const blocks: number[] = [];
    const inlined: number[] = [];
    for (const b of region.blocks) {
      // An empty one only heads a loop (separateLoops), and the block that begins at its address is another.
      if (b.steps.length > 0) (b.call === root ? blocks : inlined).push(b.start, b.next);
    }
    return {
      location: region.location,
      isLoop,
      isOptimized: region.isOptimized,
      isWarm: false,
      instructions: region.instructions,
      body: { type: 0, ...body },
      numbers,
      blocks: Int32Array.from(blocks),
      inlined: Int32Array.from(inlined),
      pages: [...region.pages],
    };
  }
}

function isInside({ inlinedCalls }: Region, location: number): boolean {
  return inlinedCalls[0]!.at(location) !== undefined;
}

/** Whether regions end where they come to this location. */
export function isEntry(view: Pick<CodeView, 'kindAt' | 'copies'>, location: number): boolean {
  const kind = view.kindAt(location);
  if (kind !== undefined) return kind === 'entry';
  return view.copies((location & ~1) >>> 0) >= MAX_COPIES;
}
