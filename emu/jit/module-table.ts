/**
 * The modules that have an instance in one memory, and the table with their functions.
 *
 * Every location that compiled code calls or jumps to has a slot of the table for ever; the slot holds the function compiled for
 * it, or the miss stub. Calls between regions always go through the table, so that a region can be replaced.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES, PAGE_SHIFT } from '../memory/layout.ts';
import type { CodeImage, CompiledModule } from './code-image.ts';
import type { LeftFunctions, Leftovers } from './leftovers.ts';
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
  /** Modules with an instance in this address space, by page. */
  readonly #byPage = new Map<number, Set<CompiledModule>>();
  readonly #live = new Set<CompiledModule>();
  /** What earlier processes have left, and what of it is in use. */
  readonly #left: Leftovers['modules'];
  readonly #used = new Map<CompiledModule, LeftFunctions>();
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
    for (const page of compiled.pages)
      if (this.#store.fileImageAt(this.#space, page * 2 ** PAGE_SHIFT) !== image) return false;
    return true;
  }

  /** RangeError when there is no memory for it. */
  instantiate(compiled: CompiledModule): void {
    const table = this.#table;
    const store = this.#store;
    const machinery = this.#machinery;
    if (table.length < store.slotCount) {
      table.grow(Math.max(store.slotCount - table.length, table.length >> 1), machinery.missStub);
      const filled = new Uint8Array(table.length);
      filled.set(this.#filled.subarray(0, table.length));
      this.#filled = filled;
    }
    const numbers = compiled.numbers as unknown as WebAssembly.ModuleImports;
    new WebAssembly.Instance(compiled.module, { e: machinery.imports, [NUMBERS]: numbers });
    this.#placed(compiled, compiled.slots);
  }

  /** A module's functions are in the table. */
  #placed(compiled: CompiledModule, slots: readonly number[]): void {
    const space = this.#space;
    this.#live.add(compiled);
    for (const slot of slots) this.#filled[slot] = 1;
    for (const page of compiled.pages) {
      space.expectCode(page);
      const set = this.#byPage.get(page);
      if (set === undefined) this.#byPage.set(page, new Set([compiled]));
      else set.add(compiled);
    }
  }

  /** Drops every module that came from pages first..last; true when there was one. */
  drop(first: number, last: number): boolean {
    if (this.#byPage.size === 0) return false;
    let any = false;
    if (last - first < this.#byPage.size) {
      for (let page = first; page <= last; page++) any = this.#dropPage(page) || any;
    } else {
      for (const page of [...this.#byPage.keys()])
        if (page >= first && page <= last) any = this.#dropPage(page) || any;
    }
    return any;
  }

  #dropPage(page: number): boolean {
    const modules = this.#byPage.get(page);
    if (modules === undefined) return false;
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
      for (const other of compiled.pages) if (other !== page) this.#byPage.get(other)?.delete(compiled);
      this.#hooks.dropped(compiled);
    }
    this.#byPage.delete(page);
    return true;
  }

  /** Puts the functions in place that earlier processes have left of an image. */
  found(of: object): void {
    const image = of as CodeImage;
    const left = this.#left.get(image);
    if (left === undefined) return;
    this.#left.delete(image);
    for (const [compiled, functions] of left) {
      if (this.#live.has(compiled) || !this.fits(compiled, image)) continue;
      const slots = compiled.slots.filter((slot, i) => {
        const f = functions[i] ?? null;
        if (f !== null) this.#table.set(slot, f);
        return f !== null;
      });
      this.#placed(compiled, slots);
      this.#used.set(compiled, functions);
    }
  }

  /** Leaves the functions of images to the memory's next process. */
  #leave(isPrivate: (compiled: CompiledModule) => boolean): void {
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
        this.#used.get(compiled) ??
        compiled.slots.map((slot) => (taken.has(slot) || !this.#filled[slot] ? null : this.#table.get(slot)));
      for (const slot of compiled.slots) taken.add(slot);
      const others = byImage.get(image);
      if (others === undefined) byImage.set(image, [[compiled, functions]]);
      else others.push([compiled, functions]);
    }
    for (const [image, modules] of byImage) this.#left.set(image, new Map(modules.reverse()));
  }

  /** Whether it has an instance here. */
  has(compiled: CompiledModule): boolean {
    return this.#live.has(compiled);
  }

  /** The end of the process: leaves what the next one can use, all but what is private. */
  close(isPrivate: (compiled: CompiledModule) => boolean): void {
    this.#leave(isPrivate);
    for (const { slots } of this.#live)
      for (const slot of slots) {
        if (this.#filled[slot]) this.#table.set(slot, this.#machinery.missStub);
        this.#filled[slot] = 0;
      }
    for (const i of this.#remembered) {
      this.#jumpCache[i] = 0;
      this.#jumpCache[i + 1] = 0;
    }
  }
}
