/**
 * The compiled code of one address space: what is translated when (and when again: again.ts), on which thread, and what becomes
 * of it when pages change. Functions are compiled in batches, one wasm module each, and are dropped with their module
 * (module-table.ts).
 *
 * What is translated from the pages of a program file belongs to the file's image (code-image.ts), and is compiled once for all
 * processes.
 */
import type { CpuOptions, CpuStats } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import type { InsnCache } from '../decode/insn-cache.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { JUMP_TARGETS, JUMP_TARGETS_ENTRIES, PAGE_SHIFT, STATE_BASE, STATE_SIZE } from '../memory/layout.ts';
import type { LocationRecords } from '../tier0/location-records.ts';
import { TimeSheet } from '../work.ts';
import { Again } from './again.ts';
import { CodeImage, type CompiledModule, type Translation } from './code-image.ts';
import { LocalView } from './local-view.ts';
import { importsOf, type MadeModule, makeModule } from './module.ts';
import type { ModuleTable } from './module-table.ts';
import type { TranslationStore } from './store.ts';
import { isRightIn, ThreadRequests } from './thread-requests.ts';
import { isForThread, mayBeginThread, mayUseKept, type Tiering } from './tiering.ts';
import type { Answer, TranslationThread } from './translation-thread.ts';
import { type Batch, type Start, Translator, type TranslatorOptions } from './translator.ts';

export interface CompileOptions {
  /** What is compiled in the same module. */
  readonly also?: readonly Start[];
  /** Arrivals from which on a function that the region calls is compiled with it. */
  readonly wanted?: number;
  /** Takes all that can be reached into the region, and is always done now. */
  readonly ahead?: boolean;
}

/** What a code cache asks of who runs the code, and tells it. */
export interface CodeCacheHooks {
  /** Of what has been run: only that is worth compiling. */
  records(): LocationRecords;
  /** Locations have got code from the other thread. */
  translated(locations: readonly number[]): void;
}

export class CodeCache {
  /** Where making translations is 'translate'. */
  times = new TimeSheet(false);
  readonly stats: Omit<CpuStats, 'instructions' | 'work'> = {
    regions: 0,
    modules: 0,
    compileMs: 0,
    wasmBytes: 0,
  };
  /** Modules of earlier runs in use here, and those with V8's code. */
  readonly kept = { modules: 0, compiled: 0 };
  readonly space: AddressSpace;
  readonly insns: InsnCache;
  readonly modules: ModuleTable;
  readonly #store: TranslationStore;
  /** Code that is this address space's alone. */
  readonly #privateImage = new CodeImage();
  /** How many of an image's modules have been looked at. */
  readonly #attached = new Map<CodeImage, number>();
  /** The images of pages with indirect jumps. */
  readonly #jumpImages = new Map<number, CodeImage>();
  readonly #options: TranslatorOptions;
  #translator: Translator | undefined;
  /** Another thread that translates; null when this one does. */
  readonly #thread: TranslationThread | null;
  readonly #requests: ThreadRequests | null;
  /** Milliseconds that the other thread has translated for this address space. */
  get threadMs(): number {
    return this.#requests?.ms ?? 0;
  }
  readonly #counting: boolean;
  readonly hooks: CodeCacheHooks;
  readonly again: Again;

  constructor(
    space: AddressSpace,
    insns: InsnCache,
    store: TranslationStore,
    options: CpuOptions,
    modules: ModuleTable,
    hooks: CodeCacheHooks,
  ) {
    this.space = space;
    this.insns = insns;
    this.#store = store;
    this.#counting = options.count === true;
    this.modules = modules;
    this.hooks = hooks;
    this.again = new Again(this, store);
    const { count = false, exactFuel = false } = options;
    this.#options = { count, exactFuel };
    this.#thread = exactFuel ? null : store.thread;
    this.#requests = this.#thread && new ThreadRequests(this.#thread, this);
    if (this.#thread !== null) this.#thread.options = this.#options;
  }

  /** Has done what the other thread has answered. */
  poll(): void {
    this.#thread?.poll(mayBeginThread(this.#store));
  }

  /**
   * As compiledSlot of a location in an image, but takes what others have translated, too. It has been arrived at so many times
   * again.
   */
  acquire(image: CodeImage, location: number, isHot: boolean, arrivals: number): number {
    const slot = this.modules.compiledSlot(location);
    if (slot > 0 || this.isPrivate(image)) return slot;
    this.#takeLate(image, location);
    if (this.#attach(image) && this.modules.compiledSlot(location) > 0)
      return this.modules.compiledSlot(location);
    this.#store.arrivals += arrivals;
    if (!isHot && !mayUseKept(this.#store.arrivals)) return 0;
    const compiled = image.kept?.moduleAt(location, image, this.#store, isHot, arrivals) ?? null;
    if (compiled === null || this.modules.has(compiled) || !this.modules.fits(compiled, image)) return 0;
    this.#instantiate(compiled, image);
    this.kept.modules++;
    if (compiled.isOptimized) this.kept.compiled++;
    return this.modules.compiledSlot(location);
  }

  /** Whether the other thread has been asked for the region at a location of an image, and may answer. */
  isAskedFor(image: CodeImage, location: number): boolean {
    return image.asked.has(location) && this.#thread?.failed === false;
  }

  /** The image that the code at a location belongs to. */
  imageAt(location: number): CodeImage {
    return this.#store.fileImageAt(this.space, location) ?? this.#privateImage;
  }

  isPrivate(image: CodeImage): boolean {
    return image === this.#privateImage;
  }

  /**
   * Compiles the region at a location, and others with it (Translator.translate): now, or when the other thread is done. True
   * when there is code for the location.
   */
  compile(start: Start, { also = [], wanted = Infinity, ahead = false }: CompileOptions = {}): boolean {
    if (this.#store.isFull) return false;
    const image = this.imageAt(start.location);
    const others = also.filter(
      ({ location }) =>
        location !== start.location &&
        !this.isAskedFor(image, location) &&
        this.imageAt(location) === image &&
        image.kindAt(location) === undefined,
    );
    const store = this.#store;
    const requests = this.#thread?.failed === false && !ahead ? this.#requests : null;
    if (requests !== null && isForThread(store)) {
      if (this.isAskedFor(image, start.location)) return false;
      this.#noteJumps();
      requests.request(image, start, others, wanted, false);
      return false;
    }
    const began = performance.now();
    const before = this.times.begin('translate');
    this.#noteJumps();
    const view = new LocalView(this, image, wanted, ahead);
    this.#translator ??= new Translator(this.#options);
    const batch = this.#translator.translate(start, others, view);
    const made = batch === null ? undefined : this.#ifRoom(() => makeModule(batch));
    const isBuilt =
      batch !== null && made !== undefined && this.#accept(image, batch, made, view.constantPages);
    if (isBuilt) {
      for (const { instructions } of batch.translations) this.#store.translatedHere += instructions;
    }
    this.stats.compileMs += performance.now() - began;
    this.times.end(before);
    return isBuilt;
  }

  /**
   * Has warm regions of an image translated for later runs, when the other thread is there for it and has come to those before.
   * Those of images that are kept only.
   */
  prepare(image: CodeImage, tiering: Tiering): void {
    const store = this.#store;
    const requests = this.#thread?.failed === false ? this.#requests : null;
    if (requests === null || store.isFull || store.preparing > 0 || !store.keeps(image)) return;
    this.#noteJumps();
    const records = this.hooks.records();
    const [start, ...also] = tiering
      .takeWarm(image.heat, (l) => records.hasRun(l))
      .filter(
        ({ location: l }) =>
          image.kindAt(l) === undefined && !this.isAskedFor(image, l) && !image.loose.has(l),
      );
    if (start === undefined) return;
    store.preparing++;
    requests.request(image, start, also, tiering.wantedWarm, true);
  }

  /** What was asked for has been answered, for this process or when it is over. */
  answered(isForLater: boolean): void {
    if (isForLater) this.#store.preparing--;
  }

  /** Uses an answer that is right here. */
  use(image: CodeImage, { batch, made, constantPages }: Answer): void {
    if (made === null) this.#leave(image, batch);
    else if (this.#accept(image, batch, made, constantPages))
      this.hooks.translated(batch.translations.map((t) => t.location));
  }

  /** What was translated at a location for others that have ended is this process's, too, when it has the same code. */
  #takeLate(image: CodeImage, location: number): void {
    const answer = image.late.at(location);
    if (answer === undefined) return;
    const isRight = isRightIn(this, image, answer);
    if (isRight === undefined) return;
    image.late.remove(answer);
    if (isRight) this.use(image, answer);
  }

  /** Leaves a batch to the keeper. */
  #leave(image: CodeImage, batch: Batch): void {
    const { translations } = this.#numbered(batch);
    for (const t of translations)
      if (image.kindAt(t.location) === undefined && !image.loose.has(t.location))
        image.loose.set(t.location, { ...t, isWarm: true });
    this.#store.translated(this.space, translations[0]!.location, image);
  }

  /** Gives the sites of a batch the numbers of this run, the first of which it tells. */
  #numbered({ translations, sites }: Batch): { translations: readonly Translation[]; first: number } {
    const first = this.#store.sitesOf(Int32Array.from(sites));
    const numbered = translations.map((t): Translation => {
      const numbers = t.numbers.map((n) => (n.site < 0 ? n : { ...n, site: first + n.site }));
      return { ...t, numbers };
    });
    return { translations: numbered, first };
  }

  /** Puts a batch in use; false when there is no memory for it. */
  #accept(image: CodeImage, batch: Batch, made: MadeModule, constantPages: Iterable<number>): boolean {
    const { translations, first } = this.#numbered(batch);
    if (!this.#build(image, translations, made, first, constantPages)) return false;
    this.#store.translated(this.space, translations[0]!.location, image);
    return true;
  }

  /** False when there is no memory for it. */
  #build(
    image: CodeImage,
    translations: readonly Translation[],
    { module, length, numbers }: MadeModule,
    firstSite: number,
    constantPages: Iterable<number>,
  ): boolean {
    const slotOf = (location: number) => this.#store.slotOf(location);
    const { locations, references } = numbers;
    const compiled: CompiledModule = {
      module,
      locations,
      slots: locations.map(slotOf),
      references: references.map(slotOf),
      numbers: importsOf(numbers, firstSite, slotOf),
      isOptimized: false,
      pages: [...new Set([...translations.flatMap((t) => t.pages), ...constantPages])],
    };
    for (const t of translations) image.add(t);
    this.#attach(image);
    image.modules.push(compiled);
    this.#attached.set(image, image.modules.length);
    const isThere = this.#instantiate(compiled, image);
    this.stats.regions += translations.length;
    this.stats.modules++;
    this.stats.wasmBytes += length;
    return isThere;
  }

  /** What V8 has no memory for it says by a RangeError: then there is no more compiled code, and the interpreter goes on. */
  #ifRoom<T>(make: () => T): T | undefined {
    if (this.#store.outOfMemory) return undefined;
    try {
      return make();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#store.outOfMemory = true;
      return undefined;
    }
  }

  #instantiate(compiled: CompiledModule, image: CodeImage): boolean {
    this.#ifRoom(() => this.modules.instantiate(compiled, image));
    return !this.#store.outOfMemory;
  }

  /** Makes instances of an image's modules that this address space does not have yet; false when there are none. */
  #attach(image: CodeImage): boolean {
    const { modules } = image;
    let next = this.#attached.get(image) ?? 0;
    if (next === modules.length) return false;
    for (; next < modules.length; next++) {
      const compiled = modules[next]!;
      if (!this.modules.has(compiled) && this.modules.fits(compiled, image))
        this.#instantiate(compiled, image);
    }
    this.#attached.set(image, next);
    return true;
  }

  /** Notes where the indirect jumps went that have gone to one place only. */
  #noteJumps(): void {
    const { i32 } = this.space;
    for (let i = 0, at = JUMP_TARGETS >>> 2; i < JUMP_TARGETS_ENTRIES; i++, at += 4)
      if (i32[at] !== 0 && i32[at + 2] === 0) this.sawJump(i32[at]! >>> 0, i32[at + 1]! >>> 0);
  }

  /** Notes where an indirect jump went. False when it goes to so many places that each should be an entry of its own. */
  sawJump(pc: number, location: number): boolean {
    // The evaluator asks at every jump, and the page cannot become another image's without invalidate.
    const page = pc >>> PAGE_SHIFT;
    let image = this.#jumpImages.get(page);
    if (image === undefined) {
      image = this.imageAt(pc);
      this.#jumpImages.set(page, image);
    }
    return image.sawJump(pc, location);
  }

  /** Puts a faulting instruction's place in the state. */
  placeAt(cpu: CpuState, number: number): void {
    const { location, dirty } = this.#store.site(number);
    cpu.location = location;
    cpu.i32[OFF.it >> 2] = dirty >>> 24;
    cpu.i32[OFF.exitWord >> 2] = dirty;
    cpu.i32[OFF.target >> 2] = 0;
  }

  /** Drops every module that came from these bytes; true when there was one. */
  invalidate(address: number, length: number): boolean {
    this.#jumpImages.clear();
    if (length <= 0) return false;
    const first = address >>> PAGE_SHIFT;
    const last = Math.floor((address + length - 1) / 2 ** PAGE_SHIFT);
    return this.modules.drop(first, last);
  }

  /**
   * Of images the other processes may go on with a module, and this one when the pages come back; what was this address space's
   * own is gone.
   */
  forget(compiled: CompiledModule): void {
    const privateImage = this.#privateImage;
    const i = privateImage.modules.indexOf(compiled);
    if (i < 0) {
      this.#attached.clear();
      return;
    }
    privateImage.modules.splice(i, 1);
    this.#attached.set(privateImage, privateImage.modules.length);
    for (const location of compiled.locations) privateImage.remove(location);
  }

  /** Instructions that all threads have counted: in OFF.icount those of compiled code, in OFF.interpreted the interpreter's. */
  countedInstructions(counter: number): number {
    if (!this.#counting) return 0;
    let n = 0;
    for (let i = 0; i < this.space.states; i++) {
      const at = (STATE_BASE + i * STATE_SIZE + counter) >>> 2;
      n += this.space.u32[at]! + this.space.u32[at + 1]! * 2 ** 32;
    }
    return n;
  }

  /** The end of the process. To be called while everything is still mapped. */
  close(): void {
    const ofPrivate = new Set(this.#privateImage.modules);
    this.modules.close((compiled) => ofPrivate.has(compiled));
    this.#requests?.close();
  }
}
