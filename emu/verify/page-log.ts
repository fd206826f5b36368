/**
 * Knows what was written to an address space since a moment, page by page, and can take it back.
 *
 * Between begin() and end() WRITE is withheld from every page, so that the first write to each comes to AddressSpace.fault, where
 * the page is copied. The log puts itself in the place of that method of its space. It must see every write: nothing but CPUs may
 * run between begin() and end().
 *
 * Invariant while logging: a page byte has WRITE only if the page is in the log.
 */
import type { Access, AddressSpace, FaultResult } from '../memory/address-space.ts';
import { CODE, PAGE_BYTES, PAGE_SHIFT, PAGE_SIZE, WRITE } from '../memory/layout.ts';

/** Page number -> its 4096 bytes. */
export type Images = Map<number, Uint8Array>;

/** A fault may bring in pages around its own; AddressSpace takes a window of 16. */
const AROUND = 64;

export class PageLog {
  readonly #space: AddressSpace;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  #logging = false;
  /** The content of the logged pages at begin(). */
  readonly before: Images = new Map();

  constructor(space: AddressSpace) {
    this.#space = space;
    this.#bytes = space.pages.bytes;
    this.#words = new Uint32Array(space.buffer, PAGE_BYTES, this.#bytes.length / 4);
    const fault = space.fault;
    space.fault = (address: number, access: Access): FaultResult => {
      const result = fault.call(space, address, access);
      if (this.#logging && result === 'ok') this.#granted((address >>> 0) >>> PAGE_SHIFT, access);
      return result;
    };
  }

  /** Gives AddressSpace its own method back. */
  close(): void {
    this.#logging = false;
    Reflect.deleteProperty(this.#space, 'fault');
  }

  begin(): void {
    this.before.clear();
    for (const vma of this.#space.vmas()) {
      if (vma.prot & WRITE) this.#withhold(vma.start >>> PAGE_SHIFT, vma.end / PAGE_SIZE);
    }
    this.#logging = true;
  }

  end(): void {
    this.#logging = false;
  }

  /** What the logged pages hold now. */
  images(): Images {
    const images: Images = new Map();
    for (const page of this.before.keys()) images.set(page, this.#copy(page));
    return images;
  }

  /** Makes the memory what it was at begin(). The pages stay in the log. */
  undo(): void {
    for (const [page, image] of this.before) this.put(page, image);
  }

  /** Writes a page as the kernel would: code that was translated from it is forgotten. */
  put(page: number, image: Uint8Array): void {
    const now = this.#space.bytes(page * PAGE_SIZE, PAGE_SIZE);
    if (Buffer.compare(now, image) === 0) return;
    if (this.#bytes[page]! & CODE) {
      this.#bytes[page]! &= ~CODE;
      for (const listener of this.#space.onInvalidate) listener(page * PAGE_SIZE, PAGE_SIZE);
    }
    now.set(image);
  }

  #granted(page: number, access: Access): void {
    const bytes = this.#bytes;
    for (let p = Math.max(page - AROUND, 0); p < page + AROUND; p++) {
      if (!(bytes[p]! & WRITE) || this.before.has(p)) continue;
      if (p === page && access === WRITE) this.before.set(p, this.#copy(p));
      else bytes[p]! &= ~WRITE;
    }
  }

  #copy(page: number): Uint8Array {
    return this.#space.u8.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  }

  #withhold(first: number, last: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    let page = first;
    for (; page < last && page & 3; page++) bytes[page]! &= ~WRITE;
    for (; page + 4 <= last; page += 4) {
      const word = words[page >>> 2]!;
      if (word & 0x0202_0202) words[page >>> 2] = word & ~0x0202_0202;
    }
    for (; page < last; page++) bytes[page]! &= ~WRITE;
  }
}
