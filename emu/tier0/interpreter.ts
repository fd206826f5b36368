/**
 * The wasm interpreter of one address space: its records and their pages.
 *
 * Invariants:
 *   - A page of code with records has been marked with AddressSpace.markCode, so that whatever changes its bytes or its mapping comes
 *     through onInvalidate, which takes the records away: they are zeros then, and the page tables (RECORD_PAGES_*) know none for the
 *     page. Who is in the midst of them finds out at the next instruction.
 *   - The records of an IT block lie apart, so that the records at an address are always those outside IT blocks. Stale ones stay
 *     valid for who is in the midst of them: up to three instructions may still run, as on a processor that was not told of a change.
 *     Room is made of them when many pages have been invalidated.
 *   - It runs in the default mode only (little endian, default FPSCR mode) and begins outside IT blocks; else the evaluator does.
 */
import { EXIT, type FaultReason } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import { isThumb32 } from '../decode/decoder.ts';
import type { Machinery } from '../jit/machinery.ts';
import type { Access, AddressSpace } from '../memory/address-space.ts';
import {
  EXEC,
  JUMP_TARGETS,
  JUMP_TARGETS_ENTRIES,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  READ,
  RECORD_PAGES_ARM,
  RECORD_PAGES_THUMB,
  RECORDS_END,
  RECORDS_START,
} from '../memory/layout.ts';
import type { RecordDecoder } from './decoder.ts';
import { HANDLER, RECORD, RECORD_SCALE, RECORDS_LENGTH, RECORDS_STRIDE } from './record.ts';

/** Bytes of records of the longest block: four instructions of four bytes, and the way out. */
const IT_BLOCK = 4 * 4 * RECORD_SCALE + 16;

/** What the interpreter tells the engine. */
export interface InterpreterHooks {
  /** A location has been arrived at as often as OFF.heatMask says: by a loop inside a function, or otherwise. */
  hot(location: number, count: number, isLoop: boolean): void;
  /** An indirect jump goes where it did not go the last time. */
  sawJump(address: number, location: number): void;
  /** Compiled code begins or ends; asked only when `timed`. */
  compiled(begins: boolean): void;
  /** A fault is why the interpreter is about to leave. */
  faulted(why: FaultReason): void;
}

const EXIT_WORD = OFF.exit >> 2;

/** Pages that may lose their records before those of their IT blocks are made room of. */
const MAX_DROPPED = 4096;

interface ItArea {
  next: number;
  readonly end: number;
}

export class WasmInterpreter {
  readonly #space: AddressSpace;
  readonly #decoder: RecordDecoder;
  readonly #enter: Machinery['interpret'];
  readonly #hooks: InterpreterHooks;
  readonly #heatMask: number;
  readonly #timed: boolean;
  readonly #views: { readonly u16: Uint16Array; readonly i32: Int32Array };
  /** The thread under way. */
  #cpu!: CpuState;
  /** Records that no page has, all zeros. */
  readonly #free: number[] = [];
  #unused = RECORDS_START;
  /** By page * 2 + thumb: where its records are. */
  readonly #pages = new Map<number, number>();
  #itArea: ItArea = { next: 0, end: 0 };
  readonly #itAreas: number[] = [];
  /** Pages whose records were taken away since all were, and runs under way in each other. */
  #dropped = 0;
  #nesting = 0;

  constructor(
    space: AddressSpace,
    decoder: RecordDecoder,
    machinery: Machinery,
    hooks: InterpreterHooks,
    { heatMask, timed }: { heatMask: number; timed: boolean },
  ) {
    this.#heatMask = heatMask;
    this.#timed = timed;
    this.#space = space;
    this.#decoder = decoder;
    this.#views = { u16: space.u16, i32: space.i32 };
    this.#hooks = hooks;
    this.#enter = machinery.interpret;
    machinery.calls = {
      page: (_cpu, location) => this.#page(location >>> 0),
      decode: (_cpu, record, address) => this.#decode(record >>> 0, address >>> 0),
      fault: (_cpu, record, address, at, code) => this.#fault(record >>> 0, address >>> 0, at >>> 0, code),
      hot: (location, count, isLoop) => {
        hooks.hot(location >>> 0, count, isLoop !== 0);
        return 0;
      },
      sawJump: (address, location) => {
        hooks.sawJump(address >>> 0, location >>> 0);
        return 0;
      },
      compiled: (_cpu, begins) => {
        hooks.compiled(begins !== 0);
        return 0;
      },
    };
  }

  /**
   * Runs from the state's location. Gives LEAVE with the reason in OFF.exit, or a location where the caller is to go on:
   * `stopAt`, or any.
   */
  run(cpu: CpuState, depth: number, stopAt: number): number {
    const outer = this.#cpu;
    this.#cpu = cpu;
    if (this.#nesting++ === 0 && this.#dropped > MAX_DROPPED && this.#itAreas.length > 1) this.#dropAll();
    const w = cpu.i32;
    w[OFF.depth >> 2] = depth;
    w[OFF.stopAt >> 2] = stopAt;
    w[OFF.heatMask >> 2] = this.#heatMask;
    w[OFF.timed >> 2] = this.#timed ? 1 : 0;
    try {
      return this.#enter(cpu.base, cpu.location, 0);
    } finally {
      this.#nesting--;
      this.#cpu = outer;
    }
  }

  /** Whether the instruction at a location has been run, or is just about to be. */
  hasRun(location: number): boolean {
    const record = this.#recordOf(location);
    return record !== 0 && this.#views.u16[(record + RECORD.handler) >>> 1] !== HANDLER.DECODE;
  }

  /** Pages (address >>> 12) with records of code. */
  codePages(): Iterable<number> {
    return new Set(Array.from(this.#pages.keys(), (key) => key >>> 1));
  }

  /** Arrivals counted at a location. */
  arrivals(location: number): number {
    const record = this.#recordOf(location);
    return record === 0 ? 0 : this.#views.u16[(record + RECORD.count) >>> 1]!;
  }

  /** Counts an arrival; gives how many there have been, 0 when the location has no record. */
  countArrival(location: number): number {
    const record = this.#recordOf(location);
    return record === 0 ? 0 : ++this.#views.u16[(record + RECORD.count) >>> 1]!;
  }

  /** From now on arrivals at a location enter the compiled code in a table slot. */
  setCompiled(location: number, slot: number): void {
    const record = this.#recordOf(location);
    if (record === 0) return;
    const { i32 } = this.#views;
    i32[(record + RECORD.word) >>> 2] = slot;
    i32[record >>> 2] = HANDLER.COMPILED;
  }

  /** The location has no compiled code any more. */
  forgetCompiled(location: number): void {
    const record = this.#recordOf(location);
    if (record !== 0 && this.#views.u16[(record + RECORD.handler) >>> 1] === HANDLER.COMPILED)
      this.#views.i32.fill(0, record >>> 2, (record >>> 2) + 4);
  }

  #recordOf(location: number): number {
    const records = this.#pages.get(((location >>> PAGE_SHIFT) << 1) | (location & 1));
    return records === undefined ? 0 : records + (location & PAGE_MASK & ~1) * RECORD_SCALE;
  }

  /** Takes the records of pages away; also called when the address space changes. */
  invalidate(start: number, length: number): void {
    if (length <= 0 || this.#pages.size === 0) return;
    const first = start >>> PAGE_SHIFT;
    const last = Math.floor((start + length - 1) / PAGE_SIZE);
    if (last - first > this.#pages.size) {
      for (const key of [...this.#pages.keys()]) if (key >>> 1 >= first && key >>> 1 <= last) this.#drop(key);
    } else {
      for (let page = first; page <= last; page++) {
        this.#drop(page << 1);
        this.#drop((page << 1) | 1);
      }
    }
    // The last instruction of the page before may have had its other half there.
    const before = this.#pages.get(((first - 1) << 1) | 1);
    if (before !== undefined) {
      const at = (before + RECORDS_LENGTH - RECORD_SCALE * 2) >>> 2;
      this.#views.i32.fill(0, at, at + 4);
    }
  }

  #drop(key: number): void {
    const records = this.#pages.get(key);
    if (records === undefined) return;
    this.#pages.delete(key);
    this.#views.i32[((key & 1 ? RECORD_PAGES_THUMB : RECORD_PAGES_ARM) >>> 2) + (key >>> 1)] = 0;
    this.#clear(records);
    this.#free.push(records);
    this.#dropped++;
  }

  #clear(records: number): void {
    this.#views.i32.fill(0, records >>> 2, (records + RECORDS_STRIDE) >>> 2);
  }

  /** The end of the process: leaves the memory as it was. */
  close(): void {
    this.#dropAll();
    const { i32 } = this.#views;
    i32.fill(0, JUMP_TARGETS >>> 2, (JUMP_TARGETS >>> 2) + JUMP_TARGETS_ENTRIES * 4);
  }

  /** Forgets all records. Those of IT blocks only when nobody may be in the midst of one. */
  #dropAll(): void {
    for (const key of [...this.#pages.keys()]) this.#drop(key);
    this.#dropped = 0;
    if (this.#nesting > 0) return;
    for (const area of this.#itAreas) {
      this.#clear(area);
      this.#free.push(area);
    }
    this.#itAreas.length = 0;
    this.#itArea = { next: 0, end: 0 };
  }

  /** Room for the records of a page; 0 when there is none. */
  #newRecords(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const records = this.#unused;
    if (records + RECORDS_STRIDE > RECORDS_END) return 0;
    this.#unused += RECORDS_STRIDE;
    return records;
  }

  // ---- what the interpreter calls ----

  /** Makes the page of a location executable if it may be, and gives it records. */
  #page(location: number): number {
    const address = (location & ~1) >>> 0;
    const thumb = location & 1;
    if (!thumb && address & 3) return this.#leaveByFault(location, 0, address, EXEC, 'align');
    if (!this.#executable(address, location, 0)) return 0;
    const page = address >>> PAGE_SHIFT;
    let records = this.#newRecords();
    if (records === 0) {
      this.#dropAll();
      records = this.#newRecords();
    }
    const { i32 } = this.#views;
    i32[(records + RECORDS_LENGTH) >>> 2] = HANDLER.NEXT_PAGE;
    i32[(records + RECORDS_LENGTH + 16) >>> 2] = HANDLER.NEXT_PAGE;
    this.#pages.set((page << 1) | thumb, records);
    i32[((thumb ? RECORD_PAGES_THUMB : RECORD_PAGES_ARM) >>> 2) + page] = records;
    return 1;
  }

  /** Brings a page of code in and marks it. False: a fault, noted for the instruction at a location. */
  #executable(address: number, location: number, it: number): boolean {
    const page = address >>> PAGE_SHIFT;
    const space = this.#space;
    while ((space.pages.bytes[page]! & EXEC) === 0) {
      const why = space.fault(address, EXEC);
      if (why !== 'ok') {
        this.#leaveByFault(location, it, address, EXEC, why);
        return false;
      }
    }
    space.markCode(page);
    return true;
  }

  #decode(record: number, address: number): number {
    const { u16, i32 } = this.#views;
    const thumb = this.#cpu.i32[OFF.thumb >> 2]!;
    if (thumb === 0) {
      this.#decoder.arm(i32[address >>> 2]!, i32, record >>> 2);
      return 1;
    }
    const hw1 = u16[address >>> 1]!;
    const next = (address + 2) >>> 0;
    const wide = isThumb32(hw1);
    if (wide && (next & PAGE_MASK) === 0 && !this.#executable(next, address | 1, 0)) return 0;
    const it = this.#decoder.thumb(hw1, wide ? u16[next >>> 1]! : 0, i32, record >>> 2);
    if (it !== 0 && !this.#itBlock(record, next, it)) {
      // The block is on two pages: the evaluator goes through it.
      i32[record >>> 2] = HANDLER.STEP2;
    }
    return 1;
  }

  /** Decodes the instructions behind an IT, up to the end of its block. False when they are not all on its page. */
  #itBlock(record: number, start: number, itstate: number): boolean {
    if ((start & PAGE_MASK) === 0 || (start & PAGE_MASK) > PAGE_SIZE - 16) return false;
    let area = this.#itArea;
    if (area.next + IT_BLOCK > area.end) {
      const records = this.#newRecords();
      if (records === 0) return false;
      this.#itAreas.push(records);
      area = { next: records, end: records + RECORDS_STRIDE };
      this.#itArea = area;
    }
    const { u16, i32 } = this.#views;
    const block = area.next;
    let at = block;
    let address = start;
    for (let it = itstate; it !== 0; ) {
      const hw1 = u16[address >>> 1]!;
      const hw2 = isThumb32(hw1) ? u16[(address + 2) >>> 1]! : 0;
      const { size, itAfter } = this.#decoder.inBlock(hw1, hw2, it, i32, at >>> 2);
      at += size * RECORD_SCALE;
      address += size;
      it = itAfter;
    }
    i32[at >>> 2] = HANDLER.NEXT_PAGE;
    area.next = at + 16;
    i32[(record + RECORD.word) >>> 2] = block;
    return true;
  }

  /** An access that is not allowed as it stands: brings pages in, or leaves by a fault. */
  #fault(record: number, address: number, at: number, code: number): number {
    const length = code & 0xff;
    const kind = (code >>> 8) & 3;
    const align = 1 << (code >>> 10);
    const location = address | this.#cpu.i32[OFF.thumb >> 2]!;
    const it = this.#views.i32[(record + RECORD.it) >>> 2]! >>> 24;
    if (at & (align - 1)) return this.#leaveByFault(location, it, at, kind, 'align');
    const bytes = this.#space.pages.bytes;
    const end = (at + length - 1) >>> 0;
    // Bringing one page in may take access to the other away.
    for (;;) {
      let missing = kind & ~bytes[at >>> PAGE_SHIFT]!;
      let first = at;
      if (missing === 0) {
        missing = kind & ~bytes[end >>> PAGE_SHIFT]!;
        if (missing === 0) return 1;
        first = (end & ~PAGE_MASK) >>> 0;
      }
      const access = (missing & READ || missing) as Access;
      const why = this.#space.fault(first, access);
      if (why !== 'ok') return this.#leaveByFault(location, it, first, access, why);
    }
  }

  #leaveByFault(location: number, it: number, address: number, access: number, why: FaultReason): 0 {
    const cpu = this.#cpu;
    cpu.location = location >>> 0;
    cpu.i32[OFF.it >> 2] = it;
    cpu.u32[OFF.faultAddress >> 2] = address;
    cpu.i32[OFF.faultAccess >> 2] = access;
    cpu.i32[EXIT_WORD] = EXIT.FAULT;
    this.#hooks.faulted(why);
    return 0;
  }
}
