/**
 * Pages of MAP_SHARED mappings between processes. Every process has its own memory, so a shared page exists in as many copies as
 * there are processes that look at it; the page bytes keep the copies one page, by the protocol of multiprocessor caches
 * (MSI, a page for a line). All processes run in one JavaScript thread, so the order is exact:
 *
 *   a page may be written to (WRITE in its page byte) in one copy only, and then no other copy is present;
 *   any number of copies may be present without WRITE, all the same;
 *   at most one copy is DIRTY: newer than the source, to be written back.
 *
 * A read fault copies from a present copy, or reads the source; a write fault takes all other copies away, and DIRTY with them.
 *
 * Mappings of one file belong together when they have the same PageSource object; the vfs gives one for each file. An anonymous
 * shared mapping gets a source of its own, SharedMemory.
 */
import type { AddressSpace, PageSource, Vma } from './address-space.ts';
import { PAGE_SHIFT, PAGE_SIZE, WRITE } from './layout.ts';
import { DIRTY, PRESENT } from './page-table.ts';

/** The shared areas of one source, in all address spaces. The Vma objects are the live ones of the VmaLists. */
export class Sharers {
  readonly areas = new Map<Vma, AddressSpace>();

  /** The present copies of the page at an offset of the source. */
  *copies(offset: number): Generator<{ space: AddressSpace; page: number }> {
    for (const [vma, space] of this.areas) {
      const behind = offset - vma.offset;
      if (behind < 0 || behind >= vma.end - vma.start) continue;
      const page = (vma.start + behind) / PAGE_SIZE;
      if (space.pages.flags[page]! & PRESENT) yield { space, page };
    }
  }

  /** Fills a page of `space` from another copy, which may not be written to from now on; false when there is none. */
  copyTo(space: AddressSpace, page: number, offset: number): boolean {
    for (const from of this.copies(offset)) {
      const at = from.page * PAGE_SIZE;
      from.space.pages.withhold(from.page, WRITE);
      space.u8.set(from.space.u8.subarray(at, at + PAGE_SIZE), page * PAGE_SIZE);
      return true;
    }
    return false;
  }

  /** Makes the copy in `space` the only one. */
  takeOthers(space: AddressSpace, page: number, offset: number): void {
    for (const other of this.copies(offset)) {
      if (other.space === space && other.page === page) continue;
      other.space.revoke(other.page);
    }
  }
}

const sharersOf = new WeakMap<PageSource, Sharers>();

/** The shared mappings of a source, when there are any. */
export function sharers(source: PageSource): Sharers | undefined {
  return sharersOf.get(source);
}

export function join(space: AddressSpace, vma: Vma, source: PageSource): void {
  let all = sharersOf.get(source);
  if (all === undefined) sharersOf.set(source, (all = new Sharers()));
  all.areas.set(vma, space);
}

export function leave(vma: Vma, source: PageSource): void {
  const all = sharersOf.get(source);
  all?.areas.delete(vma);
  if (all?.areas.size === 0) sharersOf.delete(source);
}

/**
 * Writes bytes from..to-1 of the source back where any process has changed them through a mapping: before the file is read
 * otherwise. Costs next to nothing for a source without shared mappings.
 */
export function flushShared(source: PageSource, from = 0, to = Number.MAX_SAFE_INTEGER): void {
  const all = sharersOf.get(source);
  if (all === undefined) return;
  for (const [vma, space] of all.areas) {
    const part = partOf(vma, from, to);
    if (part !== null) writeBack(space, vma, part.start, part.end);
  }
}

/**
 * The file has changed by other means than a mapping (write(2), truncate): every process reads these pages anew. Call flushShared
 * before the change, or what was written through mappings is lost.
 */
export function forgetShared(source: PageSource, from = 0, to = Number.MAX_SAFE_INTEGER): void {
  const all = sharersOf.get(source);
  if (all === undefined) return;
  for (const [vma, space] of all.areas) {
    const part = partOf(vma, from, to);
    if (part === null) continue;
    for (let at = part.start; at < part.end; at += PAGE_SIZE) {
      const page = at / PAGE_SIZE;
      if (!(space.pages.flags[page]! & PRESENT)) continue;
      space.pages.flags[page]! &= ~DIRTY;
      space.revoke(page);
    }
  }
}

/** The whole pages of an area that hold bytes from..to-1 of its source. */
function partOf(vma: Vma, from: number, to: number): { start: number; end: number } | null {
  const first = Math.floor(from / PAGE_SIZE) * PAGE_SIZE;
  const start = Math.max(vma.start, vma.start + (first - vma.offset));
  const end = Math.min(vma.end, vma.start + Math.ceil((to - vma.offset) / PAGE_SIZE) * PAGE_SIZE);
  return start < end ? { start, end } : null;
}

/**
 * Memory that belongs to no file and no single process: anonymous shared mappings, System V segments. Pages that are in no
 * process's memory are kept here.
 */
export class SharedMemory implements PageSource {
  readonly key = null;
  readonly #length: number;
  /** By page number; a page that is absent holds zeros. */
  readonly #pages = new Map<number, Uint8Array>();

  /** Length in bytes; pages beyond it give SIGBUS. */
  constructor(length: number) {
    this.#length = length;
  }
  size(): number {
    return this.#length;
  }
  keeps(page: number): boolean {
    return this.#pages.has(page);
  }
  /** Numbers of the pages that are kept here, in no order. */
  keptPages(): Iterable<number> {
    return this.#pages.keys();
  }
  /** Both ends are multiples of the page size: mappings ask for nothing else. */
  read(offset: number, into: Uint8Array): number {
    const length = Math.min(into.length, Math.max(this.#length - offset, 0));
    for (let at = 0; at < length; at += PAGE_SIZE) {
      const bytes = this.#pages.get((offset + at) / PAGE_SIZE);
      const part = into.subarray(at, Math.min(at + PAGE_SIZE, length));
      if (bytes === undefined) part.fill(0);
      else part.set(bytes.subarray(0, part.length));
    }
    return length;
  }
  write(offset: number, from: Uint8Array): void {
    const number = offset / PAGE_SIZE;
    let bytes = this.#pages.get(number);
    if (bytes === undefined) this.#pages.set(number, (bytes = new Uint8Array(PAGE_SIZE)));
    bytes.set(from);
  }
}

/** How many pages of it hold anything: here or in some process's memory. */
export function residentPages(memory: SharedMemory): number {
  const resident = new Set(memory.keptPages());
  for (const [vma, space] of sharersOf.get(memory)?.areas ?? []) {
    for (let at = vma.start; at < vma.end; at += PAGE_SIZE) {
      const page = at / PAGE_SIZE;
      if (space.pages.flags[page]! & PRESENT) resident.add(((vma.offset + at - vma.start) / PAGE_SIZE) | 0);
    }
  }
  return resident.size;
}

/**
 * Writes the dirty pages of a shared mapping back, and takes WRITE from them so that the next write is noticed.
 */
export function writeBack(space: AddressSpace, vma: Vma, start: number, end: number): void {
  const source = vma.source;
  if (!vma.shared || source === null) return;
  const { flags } = space.pages;
  const size = source.size();
  for (let page = start >>> PAGE_SHIFT; page < end / PAGE_SIZE; page++) {
    if (!(flags[page]! & DIRTY)) continue;
    flags[page]! &= ~DIRTY;
    space.pages.withhold(page, WRITE);
    // A shared mapping never makes the file longer.
    const offset = vma.offset + (page * PAGE_SIZE - vma.start);
    const length = Math.min(PAGE_SIZE, size - offset);
    if (length > 0) source.write?.(offset, space.bytes(page * PAGE_SIZE, length));
  }
}
