/**
 * A pool of wasm memories of 4 GiB. What a fresh memory costs is not making it (20 us) but touching it: the host
 * kernel takes 0.5 to 3 ms to find and zero the pages of each MiB. So the memory of a process that ended is handed to
 * the next one as it is, with flags that say which pages hold leftovers (STALE); a page is zeroed when it is mapped
 * anew, and not at all when a file page or fork's copy fills it. File pages stay what they are (KEPT) for who maps the same file
 * there; that, and what engines leave (jit/leftovers.ts), serves best a process of the program that was there before.
 *
 * JavaScript has no way to give pages of a memory back to the host, and the collector does not see how much a wasm
 * memory holds: dropped memories pile up for gigabytes. So the pool keeps a budget of leftovers, drops the memory that
 * holds most when it is exceeded, and asks for a collection when enough has been dropped.
 *
 * Invariants of a pooled memory: all page bytes are 0 but the helpers page's; the zeros behind the page bytes and the
 * jump cache are 0; the flags of its page table hold nothing but STALE and KEPT.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { writeHelpersPage } from './helpers-page.ts';
import { EXEC, HELPERS_PAGE, PAGE_SHIFT, READ } from './layout.ts';
import { PageTable } from './page-table.ts';
import { hasRoom, MEMORY_ROOM, RESERVE } from './room.ts';

/** 64 KiB pages in 4 GiB. */
const WASM_PAGES = 0x1_0000;

/** A program that finds no memory of its own gets a new one while there are fewer free ones. */
const ENOUGH = 8;
/** Most memories kept; most pages of leftovers they may hold together; dropped pages that make a collection worth its 40 ms. */
const KEEP = 32;
const KEEP_TOUCHED = (256 << 20) >> PAGE_SHIFT;
const COLLECT_AFTER = (256 << 20) >> PAGE_SHIFT;

export class PooledMemory {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  /** For zeroing only: four times as fast as filling bytes (docs/MEMORY.md). */
  readonly f64: Float64Array;
  readonly view: DataView;
  /** For text. */
  readonly text: Buffer;
  readonly pages: PageTable;
  /** What has run in it. */
  program = '';

  /** RangeError when the host has no addresses left for it. */
  constructor() {
    if (!hasRoom(MEMORY_ROOM + RESERVE)) throw new RangeError('no addresses left for a memory of 4 GiB');
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
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.text = Buffer.from(buffer);
    this.pages = new PageTable(buffer, this.f64);
    writeHelpersPage(this.u32);
    this.pages.bytes[HELPERS_PAGE >>> PAGE_SHIFT] = READ | EXEC;
  }
}

/** In the order in which they were given. */
const free: PooledMemory[] = [];
let freeTouched = 0;
let droppedPages = 0;

/** A memory for a program: one in which it has run, or a new one as long as there are few, or the one not used for longest. */
export function takeMemory(program: string): PooledMemory {
  let i = free.length - 1;
  while (i >= 0 && free[i]!.program !== program) i--;
  if (i < 0 && free.length < ENOUGH && freeTouched < KEEP_TOUCHED / 2) return new PooledMemory();
  const [memory] = free.splice(Math.max(i, 0), 1);
  if (memory === undefined) return new PooledMemory();
  freeTouched -= memory.pages.touched;
  return memory;
}

/** The caller has dropped all pages, and the CPU has left the jump cache as it was. */
export function giveMemory(memory: PooledMemory, program: string): void {
  memory.program = program;
  free.push(memory);
  freeTouched += memory.pages.touched;
  while (free.length > KEEP || freeTouched > KEEP_TOUCHED) dropFullest();
  if (droppedPages >= COLLECT_AFTER) {
    droppedPages = 0;
    collect();
  }
}

/** What the pool holds: memories, and bytes of them the host has had to provide. */
export function poolStats(): { memories: number; touchedBytes: number } {
  return { memories: free.length, touchedBytes: freeTouched * 4096 };
}

function dropFullest(): void {
  let fullest = 0;
  for (let i = 1; i < free.length; i++) {
    if (free[i]!.pages.touched > free[fullest]!.pages.touched) fullest = i;
  }
  const [memory] = free.splice(fullest, 1);
  freeTouched -= memory!.pages.touched;
  droppedPages += memory!.pages.touched;
}

let gc: (() => void) | undefined;

/** A full garbage collection. The memory of a dropped object is given back by the second one (measured). */
function collect(): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as () => void;
  }
  setImmediate(() => {
    gc!();
    gc!();
  });
}
