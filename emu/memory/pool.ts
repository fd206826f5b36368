/**
 * A pool of wasm memories of 4 GiB. What a fresh memory costs is not making it (20 us) but touching it: the host
 * kernel takes 0.5 to 3 ms to find and zero the pages of each MiB. So the memory of a process that ended is handed to
 * the next one as it is, with flags that say which pages hold leftovers (STALE); a page is zeroed when it is mapped
 * anew, and not at all when a file page or fork's copy fills it.
 *
 * Invariants of a pooled memory: all page bytes are 0 but the helpers page's; the zeros behind the page bytes and the
 * jump cache are 0; `flags` has nothing but STALE in it. JavaScript has no way to give pages of a memory back to the
 * host, so a memory that was touched a lot is left to the garbage collector instead.
 */
import { writeHelpersPage } from './helpers-page.ts';
import {
  EXEC,
  HELPERS_PAGE,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  PAGE_BYTES,
  PAGE_BYTES_LENGTH,
  READ,
} from './layout.ts';
import { PageTable } from './page-table.ts';

/** 64 KiB pages in 4 GiB. */
const WASM_PAGES = 0x1_0000;

/** Most memories kept, and most pages of leftovers one of them may hold (64 MiB). */
const KEEP = 32;
const KEEP_TOUCHED = 0x4000;

export class PooledMemory {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  readonly pages: PageTable;

  constructor() {
    // `initial: 65536` would take the host 2 to 10 ms; growing takes 0.02 ms.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: WASM_PAGES, shared: true });
    memory.grow(WASM_PAGES - 1);
    const buffer = memory.buffer as unknown as SharedArrayBuffer;
    this.memory = memory;
    this.buffer = buffer;
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.view = new DataView(buffer);
    const bytes = new Uint8Array(buffer, PAGE_BYTES, PAGE_BYTES_LENGTH);
    this.pages = new PageTable(bytes, new Uint8Array(PAGE_BYTES_LENGTH), this.u8);
    writeHelpersPage(this.u32);
    bytes[HELPERS_PAGE >>> 12] = READ | EXEC;
  }
}

const free: PooledMemory[] = [];

export function takeMemory(): PooledMemory {
  return free.pop() ?? new PooledMemory();
}

/** The caller has dropped all pages. */
export function giveMemory(memory: PooledMemory): void {
  if (free.length >= KEEP || memory.pages.touched > KEEP_TOUCHED) return;
  memory.u8.fill(0, JUMP_CACHE, JUMP_CACHE + 8 * JUMP_CACHE_ENTRIES);
  free.push(memory);
}
