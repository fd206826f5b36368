/**
 * Decoded instructions of an address space, per page and instruction set: what the interpreter runs from and the JIT finds its
 * regions in.
 *
 * Invariants:
 *   - A page with a cached instruction has been marked with AddressSpace.markCode, so that whatever changes its bytes or its
 *     mapping comes through onInvalidate, which empties the page's slots. Slots are emptied in place: whoever holds a page's
 *     array never sees a stale instruction.
 *   - The slots of an image's page (emu/jit/code-image.ts) are shared by all address spaces that have it. When it changes in
 *     one of them, that one goes on with slots of its own; who is running from the shared ones does so up to the next branch,
 *     as a processor may that was not told of the change.
 *   - A slot holds the instruction for one ITSTATE only (Insn.itBefore); asking with another one decodes anew and replaces it.
 *   - A Thumb-2 instruction of four bytes whose second half lies on the next page is kept on the page it begins on; both pages
 *     are marked, and invalidating the second page drops it.
 */

import { GuestFault } from '../cpu.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_MASK, PAGE_SHIFT } from '../memory/layout.ts';
import { TimeSheet } from '../work.ts';
import { decodeA32, decodeThumb } from './decoder.ts';
import type { Insn } from './row.ts';

/** One slot per halfword: index = (address & 0xfff) >>> 1. */
export type InsnPage = (Insn | undefined)[];

const SLOTS = 2048;

export type SharedPages = (location: number) => Map<number, InsnPage> | null;

/** Pages looked up last, so that going back and forth between pages needs no Map. */
const RECENT = 64;

export class InsnCache {
  readonly space: AddressSpace;
  /** What fetch throws; the same object each time. */
  readonly fault: GuestFault;
  /** Where decoding is 'decode'. */
  times = new TimeSheet(false);
  /** Pages by (address >>> 12) * 2 + thumb. */
  readonly #pages = new Map<number, InsnPage>();
  readonly #recentKey: number[] = new Array(RECENT).fill(-1);
  readonly #recentPage: InsnPage[] = new Array(RECENT).fill([]);
  /** Keys of pages whose slots others use, too. */
  readonly #shared = new Set<number>();
  readonly #sharedPages: SharedPages;

  /** `sharedPages` gives the pages that the page of a location is shared through, or null. */
  constructor(
    space: AddressSpace,
    fault: GuestFault = new GuestFault(),
    sharedPages: SharedPages = () => null,
  ) {
    this.space = space;
    this.fault = fault;
    this.#sharedPages = sharedPages;
    space.onInvalidate.push((start, length) => this.invalidate(start, length));
  }

  /** The slots of the page of a location (bit 0: Thumb), made when there are none yet. */
  page(location: number): InsnPage {
    const key = ((location >>> PAGE_SHIFT) << 1) | (location & 1);
    const recent = key & (RECENT - 1);
    if (this.#recentKey[recent] === key) return this.#recentPage[recent]!;
    const page = this.#pages.get(key) ?? this.#newPage(key, location);
    this.#recentKey[recent] = key;
    this.#recentPage[recent] = page;
    return page;
  }

  #newPage(key: number, location: number): InsnPage {
    const shared = this.#sharedPages(location >>> 0);
    let page = shared?.get(key);
    if (page === undefined) {
      page = new Array<Insn | undefined>(SLOTS).fill(undefined);
      shared?.set(key, page);
    }
    if (shared !== null) {
      this.#shared.add(key);
      // Others decoded it, or will: what they find must be noticed here when it changes, the half of a last instruction too.
      this.space.expectCode(key >>> 1);
      this.space.expectCode((key >>> 1) + 1);
    }
    this.#pages.set(key, page);
    return page;
  }

  /**
   * The instruction at a location (bit 0: Thumb) under an ITSTATE. Brings the page in when need be. Throws `fault` (access
   * EXEC) when it cannot be executed; for a Thumb instruction across a page border, at the half that cannot.
   */
  fetch(location: number, itstate: number): Insn {
    const page = this.page(location);
    const slot = (location & PAGE_MASK) >>> 1;
    const cached = page[slot];
    if (cached !== undefined && cached.itBefore === itstate) return cached;
    const pc = (location & ~1) >>> 0;
    const before = this.times.begin('decode');
    try {
      const insn = location & 1 ? this.#decodeThumb(pc, itstate) : this.#decodeArm(pc);
      page[slot] = insn;
      return insn;
    } finally {
      this.times.end(before);
    }
  }

  /** As fetch, but gives null instead of a fault: for looking ahead where the program may never go. */
  peek(location: number, itstate: number): Insn | null {
    try {
      return this.fetch(location, itstate);
    } catch (error) {
      if (error === this.fault) return null;
      throw error;
    }
  }

  /**
   * The instruction at a location if it has been fetched before (by whoever ran it), else null: nothing is decoded, no page is
   * brought in.
   */
  known(location: number, itstate: number): Insn | null {
    const insn = this.page(location)[(location & PAGE_MASK) >>> 1];
    return insn !== undefined && insn.itBefore === itstate ? insn : null;
  }

  /** Drops what was decoded from these bytes. Also called by the address space. */
  invalidate(start: number, length: number): void {
    if (length <= 0 || this.#pages.size === 0) return;
    const first = start >>> PAGE_SHIFT;
    const last = Math.floor((start + length - 1) / (PAGE_MASK + 1));
    if (last - first > this.#pages.size) {
      for (const key of [...this.#pages.keys()])
        if (key >>> 1 >= first && key >>> 1 <= last) this.#empty(key);
    } else {
      for (let n = first; n <= last; n++) {
        this.#empty(n << 1);
        this.#empty((n << 1) | 1);
      }
    }
    const before = ((first - 1) << 1) | 1;
    const page = this.#pages.get(before);
    if (page === undefined) return;
    if (this.#shared.has(before)) {
      // Its last instruction may no longer be what the others have there.
      this.#empty(before);
      this.#pages.set(before, new Array<Insn | undefined>(SLOTS).fill(undefined));
    } else page[SLOTS - 1] = undefined;
  }

  /** Empties a page's slots, or leaves shared ones to the others. */
  #empty(key: number): void {
    if (this.#shared.delete(key)) {
      this.#pages.delete(key);
      this.#recentKey[key & (RECENT - 1)] = -1;
    } else this.#pages.get(key)?.fill(undefined);
  }

  #decodeArm(pc: number): Insn {
    if (pc & 3) this.#fail(pc, 'align');
    this.#enter(pc);
    return decodeA32(this.space.u32[pc >>> 2]!);
  }

  #decodeThumb(pc: number, itstate: number): Insn {
    this.#enter(pc);
    const u16 = this.space.u16;
    const first = u16[pc >>> 1]!;
    // 0b11101, 0b11110 and 0b11111 begin an instruction of 32 bits (ARM ARM A6.1).
    if (first < 0xe800) return decodeThumb(first, 0, itstate);
    const next = (pc + 2) >>> 0;
    if ((next & PAGE_MASK) === 0) this.#enter(next);
    return decodeThumb(first, u16[next >>> 1]!, itstate);
  }

  /** Makes the page executable if it may be, and marks it as code. */
  #enter(address: number): void {
    const page = address >>> PAGE_SHIFT;
    while ((this.space.pages.bytes[page]! & EXEC) === 0) {
      const why = this.space.fault(address, EXEC);
      if (why !== 'ok') this.#fail(address, why);
    }
    this.space.markCode(page);
  }

  #fail(address: number, why: GuestFault['why']): never {
    this.fault.address = address;
    this.fault.access = EXEC;
    this.fault.why = why;
    throw this.fault;
  }
}
