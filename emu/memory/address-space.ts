/**
 * The address space of a guest process: its wasm memory, its virtual memory areas (VMAs) and the page bytes.
 *
 * Pages become present on demand: an access whose page byte forbids it comes to `fault`, which brings in a file page,
 * lets a zero page be used, grows a stack, notices a write to translated code or to a shared file, or says why not.
 * Since every process has its own memory, a private file page is never shared with anybody: there is no copy on write,
 * the page read in at first access is the process's own. fork copies (fork.ts).
 *
 * Invariants: page bytes grant nothing that the VMA forbids; every page with a page byte other than 0 lies in a VMA
 * (the helpers page apart); listeners of onInvalidate hear of every page with CODE before its content or its
 * executability changes.
 *
 * Names and rules follow Linux (mm/mmap.c, mm/mprotect.c, mm/mremap.c, arch/arm/mm/fault.c).
 */
import { bringFile, bringKeptCode, bringZeros, movePages } from './bring.ts';
import { copyPages } from './fork.ts';
import {
  CODE,
  EXEC,
  MACHINE_END,
  MACHINE_START,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  type READ,
  STATE_BASE,
  STATE_MAX,
  STATE_SIZE,
  USER_END,
  USER_START,
  WRITE,
} from './layout.ts';
import { accessOf, CLEAN, DIRTY, type PageTable, PRESENT } from './page-table.ts';
import { giveMemory, type PooledMemory, takeMemory } from './pool.ts';
import { flushShared, join, leave, SharedMemory, sharers, writeBack } from './shared.ts';
import { STACK_GUARD_GAP, VmaList } from './vma.ts';

/** PROT_READ | PROT_WRITE | PROT_EXEC as Linux numbers them; the same bits as READ, WRITE, EXEC of the page bytes. */
export type Prot = number;
export type Access = typeof READ | typeof WRITE | typeof EXEC;

/** Where the bytes of a file mapping come from. emu opens no file: the vfs implements this over an open file. */
export interface PageSource {
  /**
   * Identity of the content (device, inode, size, times), by which pages may be used again and translations shared between
   * processes and runs; null: do not.
   */
  readonly key: string | null;
  /** When it was last changed as of `key`, in ms since 1970. */
  readonly changed?: number;
  /** Its header has been read, and is that of an ELF file. */
  readonly isElf?: boolean;
  /** Whether the file is still as it was when `key` was taken. */
  unchanged?(): boolean;
  /** Current size in bytes. */
  size(): number;
  /**
   * Fills `into` from `offset`; gives the number of bytes read, short only at the end of the file: pages wholly beyond it give
   * SIGBUS. A page that cannot be read because of an I/O error is given as beyond the end, too: read does not throw.
   */
  read(offset: number, into: Uint8Array): number;
  /** Whether a shared area that cannot be written to may be made so (VM_MAYWRITE); true when nothing is said. */
  mayWrite?(): boolean;
  /** Writes back a page of a shared mapping. Does not throw: it happens at munmap and exit, too, where an error is nobody's. */
  write?(offset: number, from: Uint8Array): void;
  /** Called once for each VMA that begins and ends to use the source: when all are released the file may be closed. */
  retain?(): void;
  release?(): void;
}

export interface Vma {
  start: number;
  /** Exclusive; page aligned. */
  end: number;
  prot: Prot;
  shared: boolean;
  source: PageSource | null;
  /** Offset in the source of `start`, in bytes. */
  offset: number;
  growsDown: boolean;
  /** Locked in memory (mlock): kept for who asks, and not inherited by fork. */
  locked?: boolean | undefined;
  /** What a child of fork gets of it when that is not all: nothing (VM_DONTCOPY), or zeros (VM_WIPEONFORK). */
  onFork?: 'nothing' | 'zeros' | undefined;
  /** It may not be made executable: the file's mount forbids it (VM_MAYEXEC is not set). */
  noExec?: boolean | undefined;
  /** It may not be made writable: a shared mapping of what was opened for reading only (VM_MAYWRITE is not set). */
  noWrite?: boolean | undefined;
  /** As in /proc/PID/maps: a path, [heap], [stack] or ''. */
  name: string;
}

/** Where and why an access cannot be made. */
export interface PageFault {
  readonly address: number;
  readonly access: Access;
  readonly why: Exclude<FaultResult, 'ok'>;
}
export type FaultResult = 'ok' | 'unmapped' | 'protected' | 'beyond-file';

/** Linux's mmap_base with the usual stack limit: 128 MiB below TASK_SIZE, which on ARM is 16 MiB below the kernel. */
export const MMAP_BASE = USER_END - (16 << 20) - (128 << 20);
/**
 * Lowest address that can be mapped (mmap_min_addr of ARM kernels): programs linked by old binutils begin here, below
 * USER_START, where findFree never goes.
 */
export const LOWEST = 0x8000;
/** TASK_UNMAPPED_BASE: where the search from below begins when there is no room under the mmap base. */
const UNMAPPED_BASE = 0x4000_0000;

export class AddressSpace {
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Views of the whole memory (index = guest address, or address >>> 1, 2, 3). */
  readonly u8: Uint8Array;
  readonly i8: Int8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  /** The same for byte strings. */
  readonly text: Buffer;
  /**
   * Called with a byte range whose code is no longer what it was: written to (page had CODE), unmapped, remapped or made
   * non-executable.
   */
  readonly onInvalidate: ((start: number, length: number) => void)[] = [];

  /** RLIMIT_STACK in bytes: how far a stack may grow down. Set by the kernel. */
  stackLimit = 8 << 20;
  /** Whether a stack may grow by so many bytes. Set by the kernel, too. */
  mayGrow: (bytes: number) => boolean = () => true;
  /** Where findFree begins to search, downwards. Set at exec. */
  mmapBase = MMAP_BASE;

  readonly pages: PageTable;
  /** What it was made for: the next process of that may find its memory. */
  readonly #program: string;
  readonly #pooled: PooledMemory;
  readonly #areas: VmaList;
  /** Freed state blocks, and the number ever handed out. */
  readonly #freeStates: number[] = [];
  #states = 0;
  #closed = false;

  private constructor(pooled: PooledMemory, program: string) {
    this.#program = program;
    this.#pooled = pooled;
    this.memory = pooled.memory;
    this.buffer = pooled.buffer;
    this.u8 = pooled.u8;
    this.i8 = pooled.i8;
    this.u16 = pooled.u16;
    this.i32 = pooled.i32;
    this.u32 = pooled.u32;
    this.view = pooled.view;
    this.text = pooled.text;
    this.pages = pooled.pages;
    this.#areas = new VmaList(
      (vma) => {
        vma.source?.retain?.();
        if (vma.shared && vma.source !== null) join(this, vma, vma.source);
      },
      (vma) => {
        if (vma.shared && vma.source !== null) leave(vma, vma.source);
        vma.source?.release?.();
      },
    );
  }

  /**
   * Takes a memory from the pool (clean) or makes one; writes the kernel helpers page. Throws RangeError when the host has no
   * addresses left for one (16365 alive, or a limit on the address space): ENOMEM to the guest. `program` is whatever names what
   * is to run in it: the memory of an earlier process of the same is best.
   */
  static create(program = ''): AddressSpace {
    return new AddressSpace(takeMemory(program), program);
  }

  /**
   * A copy for fork: same VMAs, present private pages copied. State blocks, listeners and CODE are not copied: the child's
   * threads allocate their own, and its CPU translates for itself.
   */
  fork(): AddressSpace {
    const child = AddressSpace.create(this.#program);
    child.stackLimit = this.stackLimit;
    child.mayGrow = this.mayGrow;
    child.mmapBase = this.mmapBase;
    for (const vma of this.#areas.list) {
      if (vma.onFork !== 'nothing') child.#areas.append({ ...vma, locked: undefined });
    }
    copyPages(this, child, this.#areas.list);
    return child;
  }

  /** Gives the memory back to the pool, cleaned. The object must not be used after. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onInvalidate.length = 0;
    this.unmap(LOWEST, USER_END);
    giveMemory(this.#pooled, this.#program);
  }

  /**
   * Maps [vma.start, vma.end), replacing whatever was there. Pages become present at first access. A shared area without source
   * is anonymous shared memory and gets a source of its own.
   */
  map(vma: Vma): void {
    checkPlace(vma.start, vma.end);
    if (vma.start === vma.end) return;
    if (this.#areas.meets(vma.start, vma.end)) this.unmap(vma.start, vma.end);
    if (vma.shared && vma.source === null) {
      const source = new SharedMemory(vma.end - vma.start);
      vma = { ...vma, source, offset: 0, name: vma.name || '/dev/zero (deleted)' };
    }
    bringKeptCode(this, vma);
    this.#areas.insert(vma);
  }

  unmap(start: number, end: number): void {
    checkRange(start, end);
    for (const vma of this.#areas.within(start, end)) {
      writeBack(this, vma, Math.max(start, vma.start), Math.min(end, vma.end));
    }
    this.#drop(start, end);
    this.#areas.remove(start, end);
  }

  /** False when part of the range is not mapped (ENOMEM); what lies before the hole is changed all the same, as Linux does. */
  protect(start: number, end: number, prot: Prot): boolean {
    return this.#change(start, end, (vma) => {
      vma.prot = prot;
      this.#regrant(vma);
    });
  }

  /** mlock, munlock: as protect. */
  lock(start: number, end: number, on: boolean): boolean {
    return this.#change(start, end, (vma) => {
      vma.locked = on || undefined;
    });
  }

  /** What a child is to have of it: as protect. */
  setOnFork(start: number, end: number, what: Vma['onFork']): void {
    this.#change(start, end, (vma) => {
      vma.onFork = what;
    });
  }

  /** Does something to the areas of a range, cut to it; false when part of the range is not mapped. */
  #change(start: number, end: number, change: (vma: Vma) => void): boolean {
    checkRange(start, end);
    const areas = this.#areas;
    let at = start;
    let first = areas.split(start);
    while (at < end) {
      const vma = areas.list[first];
      if (vma === undefined || vma.start > at) break;
      if (vma.end > end) areas.split(end);
      at = vma.end;
      change(vma);
      first++;
    }
    areas.merge(areas.indexOf(start), first);
    return at >= end;
  }

  /**
   * mremap: moves or resizes; contents kept. With newStart === start the area shrinks or grows in place (the caller has
   * made sure the room is free); otherwise whatever was at the new place is unmapped. The old range must be mapped.
   */
  move(start: number, oldLength: number, newStart: number, newLength: number): void {
    checkRange(start, start + oldLength);
    checkPlace(newStart, newStart + newLength);
    if (newLength < oldLength) {
      this.unmap(start + newLength, start + oldLength);
      oldLength = newLength;
    }
    if (newStart === start) {
      if (newLength > oldLength) this.#areas.extend(start + oldLength, newLength - oldLength);
      return;
    }
    this.unmap(newStart, newStart + newLength);
    const areas = this.#areas;
    this.#invalidate(start >>> PAGE_SHIFT, (start + oldLength) / PAGE_SIZE);
    movePages(this, start >>> PAGE_SHIFT, newStart >>> PAGE_SHIFT, oldLength / PAGE_SIZE);
    const delta = newStart - start;
    // The new place holds the source before the old one lets go of it.
    for (const vma of areas.within(start, start + oldLength)) {
      const from = Math.max(start, vma.start);
      const to = Math.min(start + oldLength, vma.end);
      const offset = vma.source === null ? 0 : vma.offset + (from - vma.start);
      areas.insert({ ...vma, start: from + delta, end: to + delta, offset });
    }
    areas.remove(start, start + oldLength);
    if (newLength > oldLength) this.#areas.extend(newStart + oldLength, newLength - oldLength);
  }

  find(address: number): Vma | undefined {
    return this.#areas.at(address);
  }

  /** All areas in ascending order. Live objects: read only. */
  vmas(): readonly Vma[] {
    return this.#areas.list;
  }

  /** Highest free gap of that length (page aligned) below the mmap base, or at `hint` when free there; 0 when there is none. */
  findFree(length: number, hint = 0): number {
    const size = (length + PAGE_MASK) & ~PAGE_MASK;
    if (size <= 0 || size > USER_END - USER_START) return 0;
    const at = (hint & ~PAGE_MASK) >>> 0;
    if (at >= USER_START && at + size <= USER_END && this.isFree(at, at + size)) return at;
    const { mmapBase } = this;
    return (
      this.#areas.findGap(size, MACHINE_END, mmapBase) ||
      this.#areas.findGap(size, USER_START, Math.min(mmapBase, MACHINE_START)) ||
      this.#areas.findGapUp(size, UNMAPPED_BASE, MACHINE_START) ||
      this.#areas.findGapUp(size, MACHINE_END, USER_END)
    );
  }

  /** Whether nothing is mapped in start..end-1, something could be, and it does not come too near to a stack above it. */
  isFree(start: number, end: number): boolean {
    if (isMachine(start, end)) return false;
    const next = this.#areas.list[this.#areas.indexOf(start)];
    if (next === undefined) return true;
    return end <= (next.growsDown ? next.start - STACK_GUARD_GAP : next.start);
  }

  /**
   * Whether a page of an area is in memory (mincore(2)): present here; for memory that is shared, in another process. Of a file
   * that is taken to be so for what the file has: the host, which keeps its pages, does not tell.
   */
  isResident(vma: Vma, page: number): boolean {
    if (this.pages.present(page)) return true;
    const { source } = vma;
    if (source === null) return false;
    const offset = vma.offset + page * PAGE_SIZE - vma.start;
    if (!(source instanceof SharedMemory)) return offset < source.size();
    return source.keeps(offset / PAGE_SIZE) || sharers(source)?.copies(offset).next().done === false;
  }

  /** A page test failed: loads, copies or grows what is needed. 'ok' means the access may be tried again. */
  fault(address: number, access: Access): FaultResult {
    address >>>= 0;
    const vma = this.#areas.at(address) ?? this.#growStack(address);
    if (vma === undefined) return 'unmapped';
    const allowed = accessOf(vma.prot);
    if (!(allowed & access)) return 'protected';
    const page = address >>> PAGE_SHIFT;
    if (!this.pages.present(page)) {
      if (vma.source === null) bringZeros(this, vma, page, allowed);
      else if (!bringFile(this, vma, vma.source, page, allowed)) return 'beyond-file';
    }
    if (access === WRITE) this.#grantWrite(vma, page, allowed);
    return 'ok';
  }

  /** Makes the whole range accessible for the kernel's own use; false means EFAULT. length 0 is always true. */
  check(address: number, length: number, access: Access): boolean {
    if (length <= 0) return length === 0;
    address >>>= 0;
    const end = address + length;
    if (end > USER_END) return false;
    const bytes = this.pages.bytes;
    const last = (end - 1) >>> PAGE_SHIFT;
    for (let page = address >>> PAGE_SHIFT; page <= last; page++) {
      if (bytes[page]! & access) continue;
      if (this.fault(page * PAGE_SIZE, access) !== 'ok') return false;
    }
    return true;
  }

  /** A window on the guest's bytes; call check first. */
  bytes(address: number, length: number): Uint8Array {
    address >>>= 0;
    return this.u8.subarray(address, address + length);
  }

  /** Code of this page has been translated: writes to it will be noticed (page byte CODE, WRITE withheld). */
  markCode(page: number): void {
    const byte = this.pages.bytes[page]!;
    if (byte === 0) return;
    if (byte & WRITE) this.pages.revocationEpoch++;
    this.pages.bytes[page] = (byte & ~WRITE) | CODE;
  }

  /** As markCode, for a page whose code others have translated: it need not be present. */
  expectCode(page: number): void {
    if (this.pages.present(page)) this.markCode(page);
    else if (this.#areas.at(page * PAGE_SIZE) !== undefined) this.pages.bytes[page]! |= CODE;
  }

  /** Frees untouched pages' content (MADV_DONTNEED): next access reads zeros or the file again. */
  discard(start: number, end: number): void {
    checkRange(start, end);
    for (const vma of this.#areas.within(start, end)) {
      const from = Math.max(start, vma.start);
      const to = Math.min(end, vma.end);
      writeBack(this, vma, from, to);
      this.#drop(from, to);
    }
  }

  /**
   * msync: writes the changed pages of the shared files mapped in the range back, whichever process changed them. False when part
   * of the range is not mapped (ENOMEM).
   */
  sync(start: number, end: number): boolean {
    checkRange(start, end);
    for (const vma of this.#areas.within(start, end)) {
      if (!vma.shared || vma.source === null) continue;
      const from = Math.max(start, vma.start) - vma.start + vma.offset;
      const to = Math.min(end, vma.end) - vma.start + vma.offset;
      flushShared(vma.source, from, to);
    }
    return this.#areas.covers(start, end);
  }

  /** A state block for a thread (STATE_BASE...): all zeros, or as the one that had it has left it. */
  allocateState(): number {
    const free = this.#freeStates.pop();
    if (free !== undefined) return free;
    if (this.#states === STATE_MAX) throw new RangeError(`no room for more than ${STATE_MAX} threads`);
    const base = STATE_BASE + STATE_SIZE * this.#states++;
    this.#pooled.f64.fill(0, base / 8, (base + STATE_SIZE) / 8);
    return base;
  }
  /** How many there have been: the first of them. */
  get states(): number {
    return this.#states;
  }
  freeState(base: number): void {
    this.#freeStates.push(base);
  }

  /** For shared.ts. Takes a present page away: another process is about to write to it, or the file has changed. */
  revoke(page: number): void {
    this.#invalidate(page, page + 1);
    this.pages.drop(page, page + 1);
  }

  /** WRITE was withheld from a present page: for translated code in it, or to notice the first write to a shared file. */
  #grantWrite(vma: Vma, page: number, allowed: number): void {
    if (this.pages.bytes[page]! & CODE) this.#invalidate(page, page + 1);
    if (vma.shared && vma.source !== null) {
      sharers(vma.source)?.takeOthers(this, page, vma.offset + (page * PAGE_SIZE - vma.start));
      this.pages.flags[page]! |= DIRTY;
    }
    this.pages.grant(page, allowed);
  }

  /** The stack above the address, grown down to it; undefined when there is none or it may not grow so far. */
  #growStack(address: number): Vma | undefined {
    const list = this.#areas.list;
    const i = this.#areas.indexOf(address);
    const vma = list[i];
    if (vma === undefined || !vma.growsDown) return undefined;
    const start = (address & ~PAGE_MASK) >>> 0;
    if (start < USER_START || isMachine(start, vma.end) || vma.end - start > this.stackLimit)
      return undefined;
    const below = list[i - 1];
    if (below !== undefined) {
      const gap = below.prot === 0 || below.growsDown ? 0 : STACK_GUARD_GAP;
      if (start - below.end < gap) return undefined;
    }
    if (!this.mayGrow(vma.start - start)) return undefined;
    vma.start = start;
    return vma;
  }

  // ---- changing pages ----

  /** Sets the page bytes of an area whose protection has changed. */
  #regrant(vma: Vma): void {
    const allowed = accessOf(vma.prot);
    const first = vma.start >>> PAGE_SHIFT;
    const last = vma.end / PAGE_SIZE;
    if (!(allowed & EXEC)) this.#invalidate(first, last);
    const { flags } = this.pages;
    for (let page = first; page < last; page++) {
      const flag = flags[page]!;
      if (!(flag & PRESENT)) continue;
      if (allowed & WRITE) flags[page] = flag & ~CLEAN;
      this.pages.grant(page, vma.shared ? allowed & ~WRITE : allowed);
    }
  }

  /** Tells the listeners of the pages with CODE in first..last-1, and takes CODE from them. */
  #invalidate(first: number, last: number): void {
    const code = this.pages.codeIn(first, last);
    if (code === null) return;
    this.pages.clearCode(code[0], code[1]);
    for (const listener of this.onInvalidate) {
      listener(code[0] * PAGE_SIZE, (code[1] - code[0]) * PAGE_SIZE);
    }
  }

  #drop(start: number, end: number): void {
    for (const vma of this.#areas.within(start, end)) {
      const first = Math.max(start, vma.start) >>> PAGE_SHIFT;
      const last = Math.min(end, vma.end) / PAGE_SIZE;
      if (this.onInvalidate.length > 0) this.#invalidate(first, last);
      this.pages.drop(first, last, vma.source?.key ?? null, vma.start - vma.offset);
    }
  }
}

/** Whether a range touches the machine's own addresses, where nothing can be mapped. */
export function isMachine(start: number, end: number): boolean {
  return start < MACHINE_END && end > MACHINE_START;
}

function checkPlace(start: number, end: number): void {
  checkRange(start, end);
  if (start < LOWEST) throw new RangeError(`${start.toString(16)} is too low to be mapped`);
  if (isMachine(start, end))
    throw new RangeError(`${start.toString(16)}-${end.toString(16)} is the machine's own`);
}

/**
 * Ranges come from the kernel, which has checked what the guest asked for: a bad one is a bug of ours. Nothing is mapped below
 * LOWEST, but a program may name it.
 */
function checkRange(start: number, end: number): void {
  if ((start | end) & PAGE_MASK || start < 0 || end > USER_END || start > end) {
    throw new RangeError(`bad page range ${start.toString(16)}-${end.toString(16)}`);
  }
}
