/**
 * A code image is a stretch of guest code with its translations. What a program file has at an address is one for all processes
 * that have it there, as long as nobody changes the pages; code that is one address space's alone (made at run time, patched)
 * is the private image of that.
 *
 * An image knows translations, not where they are in use: module-table.ts does, for one address space each.
 */
import type { InsnPage } from '../decode/insn-cache.ts';
import type { PageSource } from '../memory/address-space.ts';
import type { RunNumber } from './function-writer.ts';
import type { KeptImage } from './kept-image.ts';
import { Heat, Waste } from './tiering.ts';
import type { Answer } from './translation-thread.ts';
import type { FuncBody } from './wasm.ts';

/** Targets of one indirect jump that are compared with, before the jump cache is asked. */
const MAX_GUESSES = 4;
/** Locations of answers that wait. */
const MAX_LATE = 512;

/** A compiled region. */
export interface Translation {
  readonly location: number;
  /** It begins at a loop inside a function, and not at a place that is called or jumped to. */
  readonly isLoop: boolean;
  readonly instructions: number;
  readonly body: FuncBody;
  readonly numbers: readonly RunNumber[];
  /** Made with functions inlined, because much time is spent there. */
  readonly isOptimized: boolean;
  /** Made for later runs, which are to have it with V8's code. */
  readonly isWarm: boolean;
  /** Start and end of each block. */
  readonly blocks: Int32Array;
  /** The same of inlined ones. */
  readonly inlined: Int32Array;
  /** Pages (address >>> 12) that it came from. */
  readonly pages: readonly number[];
}

/** A wasm module of translations; any address space that has the pages can make an instance of it. */
export interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly locations: readonly number[];
  /** Table slot of each location. */
  readonly slots: readonly number[];
  /** Slots that its functions call or jump to. */
  readonly references: readonly number[];
  /** What it imports (importsOf). */
  readonly numbers: readonly number[];
  /** V8 has optimized all of it. */
  readonly isOptimized: boolean;
  readonly pages: readonly number[];
}

/** A translation has come, or is gone. */
export type News = Translation | { readonly location: number; readonly removed: true };

/** Answers that wait for a process that has the code, by the locations of what they hold. */
export class LateAnswers {
  readonly #byLocation = new Map<number, Answer>();

  /** Of more the oldest are forgotten. */
  add(answer: Answer): void {
    for (const { location } of answer.batch.translations) this.#byLocation.set(location, answer);
    while (this.#byLocation.size > MAX_LATE) this.remove(this.#byLocation.values().next().value!);
  }
  at(location: number): Answer | undefined {
    return this.#byLocation.get(location);
  }
  remove(answer: Answer): void {
    for (const { location } of answer.batch.translations)
      if (this.#byLocation.get(location) === answer) this.#byLocation.delete(location);
  }
}

export class CodeImage {
  /** Translations in use, by location: the last one made of each. Of kept ones those that have been asked for. */
  readonly translations = new Map<number, Translation>();
  /** Translations of this run that have not been written down yet (keeper.ts), by location. */
  readonly loose = new Map<number, Translation>();
  /** Oldest first: what a later one has takes the place of what an earlier one has. */
  readonly modules: CompiledModule[] = [];
  /** Instructions decoded from an image's pages; see InsnCache. */
  readonly insns = new Map<number, InsnPage>();
  /** Locations of accesses that are often unaligned, the first of an untestable group, or leave their region. */
  readonly unaligned = new Set<number>();
  /** Targets of indirect jumps that the evaluator has seen, by the jump's address; few each. */
  readonly jumps = new Map<number, number[]>();
  readonly waste = new Waste();
  /** How often a region was compiled again with more in it. */
  readonly extended = new Map<number, number>();
  readonly heat = new Heat();
  /** Locations of regions that another thread has been asked for. */
  readonly asked = new Set<number>();
  /** What it has answered when the process was gone that had asked: another that has the same code may use it. */
  readonly late = new LateAnswers();
  /** Instructions in its translations. */
  instructions = 0;
  /** What has been added and removed since it was last told to another thread; null when none is told. */
  news: News[] | null = null;
  /** The translations that hold a block, by where it begins. Made when it is first asked for. */
  #holders: Map<number, Translation[]> | undefined;
  /** The file, as it was mapped where the image was last asked for. */
  source: PageSource | null = null;
  readonly #findKept: () => KeptImage | null;
  #kept: KeptImage | null | undefined;

  /** `findKept` looks for what earlier runs have kept of it, when that is first asked for. */
  constructor(findKept: () => KeptImage | null = () => null) {
    this.#findKept = findKept;
  }

  /** What earlier runs have kept of it; null when there is nothing. */
  get kept(): KeptImage | null {
    if (this.#kept === undefined) this.#kept = this.#findKept();
    return this.#kept;
  }

  /** Something of what is kept has turned out to be damaged. */
  get isDamaged(): boolean {
    return this.#kept?.damaged === true;
  }

  /** Adds a translation that was made now, in place of the one that its location has. */
  add(t: Translation): void {
    this.addKept(t);
    this.loose.set(t.location, t);
  }

  /** Adds a translation that has been written down. */
  addKept(t: Translation): void {
    this.remove(t.location);
    if (this.#holders !== undefined) holdBlocks(this.#holders, t);
    this.translations.set(t.location, t);
    this.instructions += t.instructions;
    this.news?.push(t);
  }

  /** What is known to begin at a location; undefined when nothing is translated there. */
  kindAt(location: number): 'entry' | 'loop' | undefined {
    const t = this.translations.get(location);
    if (t !== undefined) return t.isLoop ? 'loop' : 'entry';
    return this.kept?.kindAt(location);
  }

  remove(location: number): void {
    this.loose.delete(location);
    const t = this.translations.get(location);
    if (t === undefined) return;
    if (this.#holders !== undefined) releaseBlocks(this.#holders, t);
    this.translations.delete(location);
    this.instructions -= t.instructions;
    this.news?.push({ location, removed: true });
  }

  /** The smallest translation that holds the block at an address and begins elsewhere. */
  around(location: number): Translation | undefined {
    let found: Translation | undefined;
    for (const t of this.#holdersOf((location & ~1) >>> 0))
      if (t.location !== location && t.instructions < (found?.instructions ?? Infinity)) found = t;
    return found;
  }

  /** The number of translations that hold the block at an address. */
  copies(address: number): number {
    return this.#holdersOf(address).length;
  }

  #holdersOf(address: number): readonly Translation[] {
    if (this.#holders === undefined) {
      this.#holders = new Map();
      for (const t of this.translations.values()) holdBlocks(this.#holders, t);
    }
    return this.#holders.get(address) ?? NONE;
  }

  /** Notes where an indirect jump went. False when it goes to so many places that each should be an entry of its own. */
  sawJump(pc: number, location: number): boolean {
    const targets = this.jumps.get(pc);
    if (targets === undefined) this.jumps.set(pc, [location]);
    else if (!targets.includes(location)) {
      if (targets.length === MAX_GUESSES) return false;
      targets.push(location);
    }
    return true;
  }
}

const NONE: readonly Translation[] = [];

function holdBlocks(holders: Map<number, Translation[]>, t: Translation): void {
  for (let i = 0; i < t.blocks.length; i += 2) {
    const start = t.blocks[i]! >>> 0;
    const known = holders.get(start);
    if (known === undefined) holders.set(start, [t]);
    else known.push(t);
  }
}

function releaseBlocks(holders: Map<number, Translation[]>, t: Translation): void {
  for (let i = 0; i < t.blocks.length; i += 2) {
    const start = t.blocks[i]! >>> 0;
    const left = holders.get(start)!.filter((other) => other !== t);
    if (left.length > 0) holders.set(start, left);
    else holders.delete(start);
  }
}

/** Whether a block of the translation, but for inlined ones, begins at an address. */
export function beginsBlock({ blocks }: Translation, address: number): boolean {
  for (let i = 0; i < blocks.length; i += 2) if (blocks[i]! >>> 0 === address) return true;
  return false;
}

/** Whether an address lies in a block of the translation. */
export function holds({ blocks, inlined }: Translation, address: number): boolean {
  return isWithin(blocks, address) || isWithin(inlined, address);
}

function isWithin(blocks: Int32Array, address: number): boolean {
  for (let i = 0; i < blocks.length; i += 2)
    if (address >= blocks[i]! >>> 0 && address < blocks[i + 1]! >>> 0) return true;
  return false;
}
