/**
 * How an engine comes to the guest's memory: libunicorn works on the bytes of the address space themselves, unicorn.js has a
 * memory of its own, into and out of which pages are copied. Physical and virtual addresses are the same in both.
 */
import { PAGE_SIZE } from '../memory/layout.ts';
import {
  type Engine,
  HOOK_MEM_FETCH_UNMAPPED,
  HOOK_MEM_READ_UNMAPPED,
  HOOK_MEM_WRITE_UNMAPPED,
  PROT_ALL,
} from './api.ts';
import type { Unicorn } from './engine.ts';
import type { PageTables } from './page-tables.ts';

/** Ranges of physical memory are multiples of this. */
export const CHUNK = 0x10_0000;

export interface GuestMemory {
  /** Before the engine runs: what others have written since `leave` is in its memory. */
  enter(): void;
  /** Before anybody else looks: what the guest has written is in the address space. */
  leave(): void;
  /** Before a page is granted. */
  bringIn(page: number): void;
  /** Drops the translations of an executable page. */
  dropCode(page: number): void;
}

/** libunicorn on the bytes of the address space. */
export class SharedMemory implements GuestMemory {
  readonly #engine: Unicorn;

  /** `reserved`: ranges [start, end) of physical memory that are not the guest's, in order. */
  constructor(engine: Unicorn, bytes: Uint8Array, reserved: readonly (readonly [number, number])[]) {
    this.#engine = engine;
    // All of it, though the tables keep the guest to its part: the library wants every address the guest tries to be backed by
    // something.
    let from = 0;
    for (const [start, end] of [...reserved, [bytes.length, bytes.length] as const]) {
      if (start > from) engine.mem_map_ptr(from, start - from, PROT_ALL, bytes.subarray(from, start));
      from = end;
    }
  }

  enter(): void {}
  leave(): void {}
  bringIn(): void {}

  dropCode(page: number): void {
    this.#engine.ctl_remove_cache(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  }
}

/**
 * An engine with a memory of its own. It has copies of the pages that were touched, by chunks of a MiB, as many small maps are
 * too much for it.
 *
 * Invariants: outside of a run of the engine (`leave` to `enter`) the address space is right; a copy is what the engine has,
 * which only differs from it in pages that are granted WRITE. That is taken back by `leave`, so that the next write shows.
 */
export class CopiedMemory implements GuestMemory {
  readonly #engine: Engine;
  readonly #bytes: Uint8Array;
  readonly #tables: PageTables;
  readonly #rewrite: (begin: number, end: number) => void;
  readonly #chunks = new Set<number>();
  /** What the engine has of each page. */
  readonly #copies = new Map<number, Buffer>();

  /**
   * `rewrite` has the engine's processor store each word of begin..end-1 where it is: it then drops the translations, which a
   * write from outside would leave, and not all builds can be told to.
   */
  constructor(
    engine: Engine,
    bytes: Uint8Array,
    tables: PageTables,
    rewrite: (begin: number, end: number) => void,
  ) {
    this.#engine = engine;
    this.#bytes = bytes;
    this.#tables = tables;
    this.#rewrite = rewrite;
    // Unicorn 2.0 wants every address that is tried to be backed by something before it asks the MMU.
    const missing = HOOK_MEM_READ_UNMAPPED | HOOK_MEM_WRITE_UNMAPPED | HOOK_MEM_FETCH_UNMAPPED;
    engine.hook_add(missing, (_engine, _type, address) => this.#back(address));
  }

  enter(): void {
    for (const page of this.#copies.keys()) if (this.#tables.granted[page]) this.bringIn(page);
  }

  leave(): void {
    this.#tables.takeWrites((page) => {
      const bytes = this.#engine.mem_read(page * PAGE_SIZE, PAGE_SIZE);
      this.#copies.get(page)!.set(bytes);
      this.#bytes.set(bytes, page * PAGE_SIZE);
    });
  }

  bringIn(page: number): void {
    const start = page * PAGE_SIZE;
    const bytes = this.#bytes.subarray(start, start + PAGE_SIZE);
    let copy = this.#copies.get(page);
    if (copy === undefined) {
      this.#back(start);
      copy = Buffer.alloc(PAGE_SIZE);
      this.#copies.set(page, copy);
    } else if (copy.equals(bytes)) {
      return;
    }
    copy.set(bytes);
    this.#engine.mem_write(start, copy);
  }

  dropCode(page: number): void {
    this.#rewrite(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  }

  #back(address: number): boolean {
    const chunk = address - (address % CHUNK);
    if (this.#chunks.has(chunk)) return false;
    this.#chunks.add(chunk);
    this.#engine.mem_map(chunk, CHUNK, PROT_ALL);
    return true;
  }
}
