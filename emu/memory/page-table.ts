/**
 * The page table of an address space: for each 4 KiB page of the 4 GiB, the page byte compiled code tests and the
 * state flags only TypeScript looks at.
 *
 * Both lie in the wasm memory (layout.ts): where nothing is mapped the host gives them no memory. READ, WRITE and EXEC in one
 * mean "this access needs to ask nobody"; they say less than the protection of the VMA does: a page that is not present, a
 * write to translated code and the first write to a page of a shared file all come to AddressSpace.fault.
 *
 * Invariants: a page byte is 0 or CODE unless the page is PRESENT (the helpers page apart); PRESENT and STALE are never both
 * set; a page with neither holds zeros only.
 */
import { KeptPages } from './kept-pages.ts';
import {
  CODE,
  EXEC,
  PAGE_BYTES,
  PAGE_BYTES_LENGTH,
  PAGE_FLAGS,
  PAGE_SHIFT,
  PAGE_SIZE,
  READ,
  WRITE,
} from './layout.ts';

/** The bytes of the page are what its VMA says they are. */
export const PRESENT = 1;
/** The page is not present, and its bytes in the wasm memory are left over from an earlier mapping or process. */
export const STALE = 2;
/** Page of a shared file mapping that was written to and not yet written back. */
export const DIRTY = 4;
/** Page of a private file mapping nobody could write to: still what the file holds, fork need not copy it. */
export const CLEAN = 8;
/** With STALE: what is left over is a page of a file as the file holds it (kept-pages.ts). */
export const KEPT = 16;

/**
 * What a protection lets a user program do, as READ | WRITE | EXEC. ARM pages that can be written or executed can be
 * read (Linux, arch/arm/mm/mmu.c: there is no write-only and no execute-only page).
 */
export function accessOf(prot: number): number {
  return prot & (WRITE | EXEC) ? (prot & (READ | WRITE | EXEC)) | READ : prot & READ;
}

export class PageTable {
  /** Page bytes, index = address >>> 12; the same bytes compiled code reads. */
  readonly bytes: Uint8Array;
  /** PRESENT, STALE, DIRTY, CLEAN; index = address >>> 12. */
  readonly flags: Uint8Array;
  /** Number of pages of this memory ever written to: what the host has given it. */
  touched = 0;
  /** Number of pages that are PRESENT. */
  #present = 0;
  /**
   * Counts up whenever page bytes may have lost an access. An engine that keeps permissions of its own compares it after each
   * fault and hook: a fault on one page may take WRITE, or everything, from another page of the same space (shared.ts).
   */
  revocationEpoch = 0;
  readonly #kept: KeptPages;
  /** The whole memory; index = guest address >>> 3. */
  readonly #f64: Float64Array;

  /** That of a memory, with a view of all of it. */
  constructor(buffer: SharedArrayBuffer, f64: Float64Array) {
    this.bytes = new Uint8Array(buffer, PAGE_BYTES, PAGE_BYTES_LENGTH);
    this.flags = new Uint8Array(buffer, PAGE_FLAGS, PAGE_BYTES_LENGTH);
    this.#kept = new KeptPages(buffer);
    this.#f64 = f64;
  }

  /** Number of present pages (the resident set). */
  get residents(): number {
    return this.#present;
  }

  present(page: number): boolean {
    return (this.flags[page]! & PRESENT) !== 0;
  }

  /** Number of present pages in first..last-1 (the resident set of a range). */
  resident(first: number, last: number): number {
    let count = 0;
    for (let page = first; page < last; page++) count += this.flags[page]! & PRESENT;
    return count;
  }

  /** Zeroes what earlier users left in the stale pages among first..last-1. */
  zero(first: number, last: number): void {
    const flags = this.flags;
    for (let page = first; page < last; ) {
      if (!(flags[page]! & STALE)) {
        page++;
        continue;
      }
      const from = page;
      while (page < last && flags[page]! & STALE) page++;
      this.#f64.fill(0, (from * PAGE_SIZE) / 8, (page * PAGE_SIZE) / 8);
    }
  }

  /** Whether the page of a private file mapping holds what the file does, or will when it is brought in. */
  pristine(page: number): boolean {
    return (this.flags[page]! & (PRESENT | CLEAN)) !== PRESENT;
  }

  /**
   * Makes pages first..last-1, whose content is in place, present with the given flags and page byte; keeps CODE, and withholds
   * WRITE with it.
   */
  bring(first: number, last: number, flag: number, byte: number): void {
    const { flags, bytes } = this;
    let touched = 0;
    let present = 0;
    for (let page = first; page < last; page++) {
      const before = flags[page]!;
      if (before === 0) touched++;
      present += (flag & PRESENT) - (before & PRESENT);
      flags[page] = flag;
      bytes[page] = bytes[page]! & CODE ? (byte & ~WRITE) | CODE : byte;
    }
    this.touched += touched;
    this.#present += present;
  }

  /**
   * Takes pages first..last-1 away: their bytes become stale, their page bytes 0. What is CLEAN is kept for who maps the same
   * file there, with the bias, if it has a key.
   */
  drop(first: number, last: number, key: string | null = null, bias = 0): void {
    this.revocationEpoch++;
    this.bytes.fill(0, first, last);
    const flags = this.flags;
    let label = 0;
    for (let page = first; page < last; page++) {
      const flag = flags[page]!;
      if (!(flag & PRESENT)) continue;
      this.#present--;
      if (key === null || !(flag & CLEAN)) flags[page] = STALE;
      else {
        label ||= this.#kept.label(key, bias);
        this.#kept.put(page, label);
        flags[page] = STALE | KEPT;
      }
    }
  }

  /** The label of a page that is kept for a file with that key and bias, else 0. */
  kept(page: number, key: string, bias: number): number {
    if (!(this.flags[page]! & KEPT)) return 0;
    const label = this.#kept.find(key, bias);
    return this.#kept.has(page, label) ? label : 0;
  }

  /** The label under which pages of a file with that key and bias may be kept; 0 when there are none. */
  labelOf(key: string, bias: number): number {
    return this.#kept.find(key, bias);
  }

  /** Brings those of the pages first..last-1 back that are kept under a label. */
  bringKept(first: number, last: number, label: number, flag: number, byte: number): void {
    const { flags } = this;
    for (let page = first; page < last; page++) {
      const from = page;
      while (page < last && flags[page]! & KEPT && this.#kept.has(page, label)) page++;
      if (page > from) this.bring(from, page, flag, byte);
    }
  }

  /** Sets the page byte of a present page by the protection of its VMA; keeps CODE, and withholds WRITE with it. */
  grant(page: number, access: number): void {
    const before = this.bytes[page]!;
    const after = before & CODE ? (access & ~WRITE) | CODE : access;
    if (before & ~after) this.revocationEpoch++;
    this.bytes[page] = after;
  }

  /** Takes an access from a page. */
  withhold(page: number, access: number): void {
    this.revocationEpoch++;
    this.bytes[page]! &= ~access;
  }

  /**
   * Whether an access shorter than a page can be made at once. Of two pages that are the same memory only one can be written to:
   * an access to both is never allowed, and is the evaluator's.
   */
  allows(address: number, length: number, kind: number): boolean {
    const { bytes } = this;
    return (bytes[address >>> PAGE_SHIFT]! & bytes[(address + length - 1) >>> PAGE_SHIFT]! & kind) === kind;
  }

  /** The pages with CODE in first..last-1 as [first, last] of their hull, or null. */
  codeIn(first: number, last: number): readonly [number, number] | null {
    const bytes = this.bytes;
    let low = first;
    while (low < last && !(bytes[low]! & CODE)) low++;
    if (low === last) return null;
    let high = last;
    while (!(bytes[high - 1]! & CODE)) high--;
    return [low, high];
  }

  /** Forgets CODE in first..last-1 without granting anything. */
  clearCode(first: number, last: number): void {
    for (let page = first; page < last; page++) this.bytes[page]! &= ~CODE;
  }
}
