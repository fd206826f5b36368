/**
 * The modules that have an instance in one memory, and the table with their functions.
 *
 * Every location that compiled code calls or jumps to has a slot of the table for ever; the slot holds the function compiled for
 * it, or the miss stub. Calls between regions always go through the table, so that a region can be replaced.
 *
 * Functions stay in their slots when a process ends, for the memory's next one (Machinery.left): to put in as many as a short
 * program needs, and to take them out again, took a tenth of its time. Nobody comes to them before their image has been found,
 * which looks at the pages of all:
 *   - no slot is entered that has not been filled here, by whoever looks for a location;
 *   - compiled code names slots itself: those of its own image, which has been found before the code is there; and for those of
 *     others, where one image's code branches into another's, the stub is put back when the code gets its place.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES, PAGE_SHIFT } from '../memory/layout.ts';
import type { CodeImage, CompiledModule } from './code-image.ts';
import type { LeftFunctions, LeftModules, Leftovers } from './leftovers.ts';
import type { Machinery } from './machinery.ts';
import type { TranslationStore } from './store.ts';
import { NUMBERS } from './wasm-module.ts';

export interface ModuleTableHooks {
  /** A module is gone. */
  dropped(compiled: CompiledModule): void;
  /** The compiled code of a location is gone. */
  emptied(location: number): void;
}

export class ModuleTable {
  readonly #space: AddressSpace;
  readonly #store: TranslationStore;
  readonly #table: WebAssembly.Table;
  readonly #machinery: Machinery;
  /** 1 for slots that hold code. */
  #filled: Uint8Array;
  /** Modules with an instance in this address space. */
  readonly #live = new Set<CompiledModule>();
  /** The same by page, from when code is first dropped: in most processes none is. */
  #byPage: Map<number, Set<CompiledModule>> | undefined;
  /** What earlier processes have left. */
  readonly #left: Leftovers['modules'];
  /** What of it has been put in place; but for modules whose pages are not here. */
  readonly #found = new Map<CodeImage, LeftModules>();
  /** All of that is in place, and nothing else. */
  #isAsFound = true;
  readonly #jumpCache: Uint32Array;
  /** Entries of the jump cache that have been used. */
  readonly #remembered: number[] = [];
  readonly #hooks: ModuleTableHooks;

  constructor(
    space: AddressSpace,
    store: TranslationStore,
    machinery: Machinery,
    left: Leftovers['modules'],
    hooks: ModuleTableHooks,
  ) {
    this.#space = space;
    this.#store = store;
    this.#table = machinery.table;
    this.#machinery = machinery;
    this.#left = left;
    this.#hooks = hooks;
    this.#filled = new Uint8Array(Math.max(this.#table.length, 1024));
    this.#jumpCache = new Uint32Array(space.buffer, JUMP_CACHE, JUMP_CACHE_ENTRIES * 2);
  }

  /** The slot of a location that has code, else 0. */
  compiledSlot(location: number): number {
    const slot = this.#store.knownSlot(location);
    return this.#filled[slot] ? slot : 0;
  }

  /** Calls the function in a slot. */
  enter(cpu: number, depth: number, ret: number, slot: number): number {
    return this.#machinery.runtime.enter(cpu, depth, ret, slot);
  }

  /** Puts a compiled location in the jump cache. */
  remember(location: number, slot: number): void {
    const i = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
    if (this.#jumpCache[i + 1] === 0) this.#remembered.push(i);
    this.#jumpCache[i] = location;
    this.#jumpCache[i + 1] = slot;
  }

  /** Whether all pages are here, as they were where the module was compiled. */
  fits(compiled: CompiledModule, image: CodeImage): boolean {
    return compiled.pages.every(
      (page) => this.#store.fileImageAt(this.#space, page * 2 ** PAGE_SHIFT) === image,
    );
  }

  /** RangeError when there is no memory for it. */
  instantiate(compiled: CompiledModule, image: CodeImage): void {
    this.found(image);
    const table = this.#table;
    const store = this.#store;
    const machinery = this.#machinery;
    if (table.length < store.slotCount) {
      machinery.grow(Math.max(store.slotCount - table.length, table.length >> 1));
      const filled = new Uint8Array(table.length);
      filled.set(this.#filled.subarray(0, table.length));
      this.#filled = filled;
    }
    const numbers = compiled.numbers as unknown as WebAssembly.ModuleImports;
    new WebAssembly.Instance(compiled.module, { e: machinery.imports, [NUMBERS]: numbers });
    this.#isAsFound = false;
    const { left } = machinery;
    for (const slot of compiled.slots) {
      this.#filled[slot] = 1;
      left[slot] = undefined;
    }
    this.#placed(compiled, image);
  }

  /** A module's functions are in the table. */
  #placed(compiled: CompiledModule, image: CodeImage): void {
    const { left } = this.#machinery;
    for (const slot of compiled.references) {
      const of = left[slot];
      if (of !== undefined && of !== image) this.#machinery.empty(slot);
    }
    this.#live.add(compiled);
    compiled.pages.forEach((page) => {
      this.#space.expectCode(page);
    });
    if (this.#byPage !== undefined) addByPage(this.#byPage, compiled);
  }

  /** Drops every module that came from pages first..last; true when there was one. */
  drop(first: number, last: number): boolean {
    if (this.#live.size === 0) return false;
    if (this.#byPage === undefined) {
      this.#byPage = new Map();
      for (const compiled of this.#live) addByPage(this.#byPage, compiled);
    }
    const byPage = this.#byPage;
    let any = false;
    if (last - first < byPage.size) {
      for (let page = first; page <= last; page++) any = this.#dropPage(byPage, page) || any;
    } else {
      for (const page of [...byPage.keys()])
        if (page >= first && page <= last) any = this.#dropPage(byPage, page) || any;
    }
    return any;
  }

  #dropPage(byPage: Map<number, Set<CompiledModule>>, page: number): boolean {
    const modules = byPage.get(page);
    if (modules === undefined) return false;
    this.#isAsFound = false;
    for (const compiled of modules) {
      compiled.locations.forEach((location, i) => {
        const slot = compiled.slots[i]!;
        if (!this.#filled[slot]) return;
        this.#filled[slot] = 0;
        this.#hooks.emptied(location);
        this.#table.set(slot, this.#machinery.missStub);
        const j = ((location >>> 1) & (JUMP_CACHE_ENTRIES - 1)) * 2;
        if (this.#jumpCache[j] === location) {
          this.#jumpCache[j] = 0;
          this.#jumpCache[j + 1] = 0;
        }
      });
      this.#live.delete(compiled);
      for (const other of compiled.pages) if (other !== page) byPage.get(other)?.delete(compiled);
      this.#hooks.dropped(compiled);
    }
    byPage.delete(page);
    return true;
  }

  /**
   * Puts the functions in place that earlier processes have left of an image, where its pages are the same. True when all that
   * there are have their places.
   */
  found(of: object): boolean {
    const image = of as CodeImage;
    const modules = this.#left.get(image);
    if (modules === undefined) return this.#isAsFound && this.#found.has(image);
    this.#left.delete(image);
    this.#found.set(image, modules);
    const fitting = [...modules.keys()].filter((m) => !this.#live.has(m) && this.fits(m, image));
    if (fitting.length < modules.size) {
      this.#isAsFound = false;
      const { left } = this.#machinery;
      for (const { slots } of modules.keys())
        for (const slot of slots) if (left[slot] === image) this.#machinery.empty(slot);
    }
    for (const compiled of fitting) this.#put(image, compiled, modules.get(compiled)!);
    return this.#isAsFound;
  }

  #put(image: CodeImage, compiled: CompiledModule, functions: LeftFunctions): void {
    const { slots } = compiled;
    const { left } = this.#machinery;
    for (let i = 0; i < slots.length; i++) {
      const f = functions[i] ?? null;
      if (f === null) continue;
      const slot = slots[i]!;
      // What stands there is the last one's that has this slot, as it is when each is put there.
      if (left[slot] === image) left[slot] = undefined;
      else this.#table.set(slot, f);
      this.#filled[slot] = 1;
    }
    this.#placed(compiled, image);
  }

  /** Leaves an image's functions, where they are in the table, to the memory's next process. */
  #leaveOf(image: CodeImage, modules: LeftModules): void {
    this.#left.set(image, modules);
    const { left } = this.#machinery;
    for (const { slots } of modules.keys())
      for (const slot of slots) if (this.#filled[slot]) left[slot] = image;
  }

  /** Leaves what is not private; of the rest the stub takes the places. */
  #leave(isPrivate: (compiled: CompiledModule) => boolean): void {
    if (this.#isAsFound) {
      this.#found.forEach((modules, image) => {
        this.#leaveOf(image, modules);
      });
      return;
    }
    const taken = new Set<number>();
    const byImage = new Map<CodeImage, [CompiledModule, LeftFunctions][]>();
    // What came last has the slot.
    for (const compiled of [...this.#live].reverse()) {
      const [page] = compiled.pages;
      const image =
        isPrivate(compiled) || page === undefined
          ? null
          : this.#store.fileImageAt(this.#space, page * 2 ** PAGE_SHIFT);
      if (image === null) continue;
      const functions =
        this.#found.get(image)?.get(compiled) ??
        compiled.slots.map((slot) => (taken.has(slot) || !this.#filled[slot] ? null : this.#table.get(slot)));
      for (const slot of compiled.slots) taken.add(slot);
      const others = byImage.get(image);
      if (others === undefined) byImage.set(image, [[compiled, functions]]);
      else others.push([compiled, functions]);
    }
    for (const [image, modules] of byImage) this.#leaveOf(image, new Map(modules.reverse()));
    // What nobody is to have.
    const { left } = this.#machinery;
    for (const { slots } of this.#live)
      for (const slot of slots)
        if (this.#filled[slot] && left[slot] === undefined) this.#machinery.empty(slot);
  }

  /** Whether it has an instance here. */
  has(compiled: CompiledModule): boolean {
    return this.#live.has(compiled);
  }

  /** The end of the process: leaves what the next one can use, all but what is private. */
  close(isPrivate: (compiled: CompiledModule) => boolean): void {
    this.#leave(isPrivate);
    this.#remembered.forEach((i) => {
      this.#jumpCache[i] = 0;
      this.#jumpCache[i + 1] = 0;
    });
  }
}

function addByPage(byPage: Map<number, Set<CompiledModule>>, compiled: CompiledModule): void {
  for (const page of compiled.pages) {
    const modules = byPage.get(page);
    if (modules === undefined) byPage.set(page, new Set([compiled]));
    else modules.add(compiled);
  }
}
