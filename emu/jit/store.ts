/**
 * TranslationStore: what the processes of one run share of the JIT. Table slots and places that may fault are numbered here, so
 * that a module compiled for one process is right for all; images are found here, and come from and go to an archive that
 * outlives the run.
 */
import { setTimeout } from 'node:timers/promises';
import type { InsnPage } from '../decode/insn-cache.ts';
import type { AddressSpace, PageSource, Vma } from '../memory/address-space.ts';
import { EXEC, PAGE_SHIFT, WRITE } from '../memory/layout.ts';
import type { Archive } from './archive.ts';
import { CodeImage } from './code-image.ts';
import { SITE_WORDS } from './convention.ts';
import { Keeper } from './keeper.ts';
import { KeptImage } from './kept-image.ts';
import { LeftoversOfRun } from './leftovers.ts';
import type { TranslationThread, Unoptimized } from './translation-thread.ts';

/**
 * What the images of a run may hold together, in bytes as estimated: a page of decoded instructions with its slots, and a
 * translated instruction as wasm, with V8's code. Beyond it the images that were not mapped for longest are forgotten (who still
 * runs them goes on with them).
 */
const MAX_WEIGHT = 256 << 20;
const PAGE_WEIGHT = 64 << 10;
const INSTRUCTION_WEIGHT = 200;

/** 200 MB of them. */
const MAX_SITES = 1 << 24;

/** The image of a program file at an address, and who keeps it. */
interface Entry {
  readonly image: CodeImage;
  readonly bias: number;
  /** Under which its translations are kept; null when they are not to be, undefined when nobody has asked. */
  name?: string | null;
  /** Undefined when there has been nothing to keep. */
  keeper?: Keeper;
}

export class TranslationStore {
  readonly thread: TranslationThread | null;
  /** When the run began, by performance.now(); what is repeatable goes by no clock, and began long ago. */
  readonly #began: number;
  /** Milliseconds that the run is known to have taken. */
  #hasRun = 0;
  /** What is done does not depend on time: nothing is kept before the end, and then all of it. */
  readonly isRepeatable: boolean;
  /** Arrivals in the interpreter at locations without compiled code, of all processes; as far as they have been told. */
  arrivals = 0;
  /** What the other thread has been asked to translate for later runs, and has not answered yet. */
  preparing = 0;
  /** Instructions translated on this thread. */
  translatedHere = 0;
  readonly archive: Archive | null;
  readonly leftovers = new LeftoversOfRun();
  readonly #slots = new Map<number, number>();
  #nextSlot = 1;
  #sites = new Int32Array(SITE_WORDS << 12);
  #siteCount = 0;
  readonly #images = new Map<string, Entry>();
  readonly #entryOf = new WeakMap<CodeImage, Entry>();
  readonly #imageOfVma = new WeakMap<Vma, CodeImage>();

  readonly #maxWeight: number;

  /** `thread` translates beside this one; null: there is none. */
  constructor(
    archive: Archive | null = null,
    maxWeight = MAX_WEIGHT,
    thread: TranslationThread | null = null,
    isRepeatable = false,
  ) {
    this.isRepeatable = isRepeatable;
    this.#began = isRepeatable ? -Infinity : performance.now();
    this.thread = thread;
    this.archive = archive;
    this.#maxWeight = maxWeight;
  }

  /** Whether the run has taken so many milliseconds. */
  hasRun(ms: number): boolean {
    if (ms > this.#hasRun) this.#hasRun = performance.now() - this.#began;
    return ms <= this.#hasRun;
  }

  // ---- numbers ----

  /** The table slot of a location, taken for it when it has none; the same in all address spaces. */
  slotOf(location: number): number {
    let slot = this.#slots.get(location);
    if (slot === undefined) {
      slot = this.#nextSlot++;
      this.#slots.set(location, slot);
    }
    return slot;
  }

  /** The slot of a location, 0 when it has none. */
  knownSlot(location: number): number {
    return this.#slots.get(location) ?? 0;
  }

  /** Slots given so far: the length that a table must have. */
  get slotCount(): number {
    return this.#nextSlot;
  }

  /** The host has no memory for more code: what is not compiled is interpreted from now on. */
  outOfMemory = false;

  get isFull(): boolean {
    return this.outOfMemory || this.#siteCount > MAX_SITES;
  }

  /** A number for a place that may fault: its location, the dirty variables with ITSTATE in bits 31..24, and its region. */
  siteOf(location: number, dirty: number, region: number): number {
    const at = this.#siteCount * SITE_WORDS;
    if (at >= this.#sites.length) {
      const bigger = new Int32Array(at * 2);
      bigger.set(this.#sites);
      this.#sites = bigger;
    }
    this.#sites[at] = location;
    this.#sites[at + 1] = dirty;
    this.#sites[at + 2] = region;
    return this.#siteCount++;
  }

  /** Numbers for as many places as there are words for (location, dirty, region of each); gives the first. */
  sitesOf(words: Int32Array): number {
    const first = this.#siteCount;
    const end = first * SITE_WORDS + words.length;
    if (end > this.#sites.length) {
      const bigger = new Int32Array(Math.max(end, this.#sites.length * 2));
      bigger.set(this.#sites);
      this.#sites = bigger;
    }
    this.#sites.set(words, first * SITE_WORDS);
    this.#siteCount = end / SITE_WORDS;
    return first;
  }

  site(number: number): { location: number; dirty: number; region: number } {
    const at = number * SITE_WORDS;
    const sites = this.#sites;
    return { location: sites[at]! >>> 0, dirty: sites[at + 1]!, region: sites[at + 2]! >>> 0 };
  }

  // ---- images ----

  /** The image that the code at an address belongs to; null when the code is the address space's own. */
  fileImageAt(space: AddressSpace, address: number): CodeImage | null {
    const vma = space.find(address);
    if (vma === undefined || vma.source === null || vma.source.key === null) return null;
    if (vma.shared || (vma.prot & (EXEC | WRITE)) !== EXEC) return null;
    if (!space.pages.pristine(address >>> PAGE_SHIFT)) return null;
    let image = this.#imageOfVma.get(vma);
    if (image === undefined) {
      image = this.#fileImage(vma.source, vma.start - vma.offset);
      this.#imageOfVma.set(vma, image);
    }
    image.source = vma.source;
    return image;
  }

  #fileImage(source: PageSource, bias: number): CodeImage {
    const key = `${source.key}@${bias}`;
    const known = this.#images.get(key);
    if (known !== undefined) {
      // The map's order is that of their use.
      this.#images.delete(key);
      this.#images.set(key, known);
      return known.image;
    }
    this.#makeRoom();
    const entry: Entry = { image: new CodeImage(() => this.#findKept(entry)), bias };
    this.#images.set(key, entry);
    this.#entryOf.set(entry.image, entry);
    return entry.image;
  }

  #nameOf(entry: Entry): string | null {
    const { source } = entry.image;
    if (entry.name === undefined && source !== null)
      entry.name = this.archive?.nameOf(source, entry.bias) ?? null;
    return entry.name ?? null;
  }

  /** When it is first needed: short programs are over before. */
  #findKept(entry: Entry): KeptImage | null {
    const name = this.#nameOf(entry);
    const file = name === null ? null : this.archive!.open(name);
    return file && KeptImage.of(file, name!, entry.image);
  }

  /** Null when nothing of it is to be kept. */
  #keeperOf(entry: Entry): Keeper | null {
    const name = this.#nameOf(entry);
    if (name === null) return null;
    entry.keeper ??= new Keeper(this.archive!, name, entry.image, this);
    return entry.keeper;
  }

  /** A module that is kept under a name, and how many of its functions have V8's code, from the first on. */
  keptModule(name: string, wasm: Uint8Array<ArrayBuffer>): { module: WebAssembly.Module; functions: number } {
    const code = this.archive?.codeOf(name, wasm) ?? null;
    const module = code && this.archive!.moduleWithCode(wasm, code);
    return module
      ? { module, functions: code.functions }
      : { module: new WebAssembly.Module(wasm), functions: 0 };
  }

  /**
   * Has V8's code of a kept module of so many functions made, and kept. `done` is called when all have it.
   */
  optimize(name: string, { wasm, functions }: Unoptimized, size: number, done: () => void): void {
    this.thread?.optimize({ wasm: wasm.slice(), functions }, (now) => {
      // V8 does not do that.
      if (now === functions) return;
      this.archive?.keepCode(name, wasm, now);
      if (now < size) this.optimize(name, { wasm, functions: now }, size, done);
      else done();
    });
  }

  #makeRoom(): void {
    let weight = 0;
    for (const { image } of this.#images.values()) weight += weightOf(image);
    for (const [key, entry] of this.#images) {
      if (weight <= this.#maxWeight) return;
      weight -= weightOf(entry.image);
      void entry.keeper?.finish();
      this.#images.delete(key);
    }
  }

  /** Where instructions decoded from the page at a location are shared with other address spaces; null when they are not. */
  sharedInsns(space: AddressSpace, location: number): Map<number, InsnPage> | null {
    return this.fileImageAt(space, location)?.insns ?? null;
  }

  /** Whether translations of an image are kept. */
  keeps(image: CodeImage): boolean {
    const entry = this.#entryOf.get(image);
    return entry !== undefined && this.#nameOf(entry) !== null;
  }

  /**
   * To be called when code at an address has been translated: who changes a file while it is mapped must not get into the archive
   * so.
   */
  translated(space: AddressSpace, address: number, image: CodeImage): void {
    const entry = this.#entryOf.get(image);
    const keeper = entry && this.#keeperOf(entry);
    if (!keeper) return;
    if (space.find(address)?.source?.unchanged?.() === true) keeper.translated();
    else {
      keeper.taint();
      entry!.name = null;
    }
  }

  /**
   * Gives the archive what this run has found out. Resolves when that is written, or is not to be; after `patience` ms at the
   * latest, half of them for making ready what is to be written: what is not written by then is lost.
   */
  async keep(patience = 60_000): Promise<void> {
    const began = performance.now();
    const writing: Promise<void>[] = [];
    // What has learned most comes first.
    for (const entry of [...this.#images.values()].sort((a, b) => b.image.loose.size - a.image.loose.size)) {
      // What is damaged is replaced also when nothing has been translated.
      const keeper = entry.image.isDamaged ? this.#keeperOf(entry) : entry.keeper;
      if (keeper && performance.now() < began + patience / 2) writing.push(keeper.finish());
    }
    const left = Math.max(0, began + patience - performance.now());
    await Promise.race([Promise.all(writing), setTimeout(left, undefined, { ref: false })]);
  }
}

function weightOf({ insns, instructions }: CodeImage): number {
  return insns.size * PAGE_WEIGHT + instructions * INSTRUCTION_WEIGHT;
}
