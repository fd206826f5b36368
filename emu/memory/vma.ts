/**
 * The virtual memory areas of an address space: a sorted list without overlaps, split and merged as Linux does
 * (mm/vma.c): neighbours with the same protection, sharing, source, name and growth, and with adjoining offsets, are
 * one area. Pure bookkeeping: it knows nothing of pages or bytes.
 *
 * The list owns its Vma objects: what is inserted is copied, and what `at` and `list` give is live but not to be
 * written to by others.
 */
import type { Vma } from './address-space.ts';
import { PAGE_SIZE } from './layout.ts';

/** Gap kept free below a stack (Linux: stack_guard_gap, 256 pages). */
export const STACK_GUARD_GAP = 256 * PAGE_SIZE;

function mergeable(a: Vma, b: Vma): boolean {
  return (
    a.end === b.start &&
    a.prot === b.prot &&
    a.shared === b.shared &&
    a.source === b.source &&
    a.growsDown === b.growsDown &&
    a.noWrite === b.noWrite &&
    a.locked === b.locked &&
    a.onFork === b.onFork &&
    a.name === b.name &&
    (a.source === null || a.offset + (a.end - a.start) === b.offset)
  );
}

export class VmaList {
  readonly list: Vma[] = [];
  readonly #added: (vma: Vma) => void;
  readonly #removed: (vma: Vma) => void;

  /** `added` and `removed` are called for each object that enters and leaves the list, splits and merges included. */
  constructor(added: (vma: Vma) => void, removed: (vma: Vma) => void) {
    this.#added = added;
    this.#removed = removed;
  }

  /** Index of the first area that ends above the address (it contains the address or lies above it). */
  indexOf(address: number): number {
    const list = this.list;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  at(address: number): Vma | undefined {
    const vma = this.list[this.indexOf(address)];
    return vma !== undefined && vma.start <= address ? vma : undefined;
  }

  /** Whether any area has something of start..end-1. */
  meets(start: number, end: number): boolean {
    const next = this.list[this.indexOf(start)];
    return next !== undefined && next.start < end;
  }

  /** The areas that meet start..end-1, in order. */
  within(start: number, end: number): Vma[] {
    const first = this.indexOf(start);
    let last = first;
    while (last < this.list.length && this.list[last]!.start < end) last++;
    return this.list.slice(first, last);
  }

  /** Whether start..end-1 is wholly covered by areas. */
  covers(start: number, end: number): boolean {
    let at = start;
    for (let i = this.indexOf(start); at < end; i++) {
      const vma = this.list[i];
      if (vma === undefined || vma.start > at) return false;
      at = vma.end;
    }
    return true;
  }

  /** Makes `address` a boundary between areas; gives the index of the first area at or above it. */
  split(address: number): number {
    const i = this.indexOf(address);
    const vma = this.list[i];
    if (vma === undefined || vma.start >= address) return i;
    const upper: Vma = {
      ...vma,
      start: address,
      offset: vma.source === null ? 0 : vma.offset + (address - vma.start),
    };
    vma.end = address;
    this.list.splice(i + 1, 0, upper);
    this.#added(upper);
    return i + 1;
  }

  /** Cuts start..end-1 out and gives the pieces that were there. */
  remove(start: number, end: number): Vma[] {
    const first = this.split(start);
    const last = this.split(end);
    const pieces = this.list.splice(first, last - first);
    for (const vma of pieces) this.#removed(vma);
    return pieces;
  }

  /** Puts an area into free room (`remove` first) and merges it with its neighbours. */
  insert(vma: Vma): void {
    const i = this.indexOf(vma.start);
    const copy = { ...vma };
    this.list.splice(i, 0, copy);
    this.#added(copy);
    this.merge(i, i + 1);
  }

  /** Puts an area behind all others, and merges it with none. */
  append(vma: Vma): void {
    this.list.push(vma);
    this.#added(vma);
  }

  /** Lengthens the area that ends at `end`. */
  extend(end: number, by: number): void {
    const vma = this.at(end - 1);
    if (vma === undefined) throw new RangeError('move: the old range is not mapped');
    this.insert({
      ...vma,
      start: end,
      end: end + by,
      offset: vma.source === null ? 0 : vma.offset + (end - vma.start),
    });
  }

  /** Merges what can be merged among the areas first-1..last of the list. */
  merge(first: number, last: number): void {
    const list = this.list;
    for (let i = Math.min(last, list.length - 1); i >= Math.max(first, 1); i--) {
      const a = list[i - 1]!;
      const b = list[i]!;
      if (!mergeable(a, b)) continue;
      a.end = b.end;
      list.splice(i, 1);
      this.#removed(b);
    }
  }

  /**
   * Top-down: the highest address below `top` with `length` free bytes, at or above `bottom`; 0 when there is none. The guard
   * gap below a growing area counts as taken.
   */
  findGap(length: number, bottom: number, top: number): number {
    const list = this.list;
    let high = top;
    for (let i = this.indexOf(top); i >= 0; i--) {
      const vma = list[i];
      if (vma !== undefined) {
        // An area at or above `high` may still keep its guard gap free below it.
        if (vma.end <= high && high - vma.end >= length) return high - length;
        const low = vma.growsDown ? vma.start - STACK_GUARD_GAP : vma.start;
        if (low < high) high = low;
      }
      if (high - length < bottom) return 0;
    }
    return high - length >= bottom ? high - length : 0;
  }

  /**
   * Bottom-up, when there is no room below the mmap base: the lowest free address at or above `bottom` with `length` free bytes
   * below `top`; 0 when there is none.
   */
  findGapUp(length: number, bottom: number, top: number): number {
    let low = bottom;
    for (let i = this.indexOf(bottom); i < this.list.length; i++) {
      const vma = this.list[i]!;
      const limit = Math.min(top, vma.growsDown ? vma.start - STACK_GUARD_GAP : vma.start);
      if (limit - low >= length) return low;
      low = Math.max(low, vma.end);
    }
    return top - low >= length ? low : 0;
  }
}
