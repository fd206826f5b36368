/**
 * The wasm interpreter of one address space: its records and their pages.
 *
 * Invariants:
 *   - A page of code with records has been marked with AddressSpace.markCode, so that whatever changes its bytes or its mapping
 *     comes through onInvalidate, which takes the records away: they are zeros then, and the page tables (RECORD_PAGES_*) know
 *     none for the page. Who is in the midst of them finds out at the next instruction.
 *   - The records of an IT block lie apart, so that the records at an address are always those outside IT blocks. Stale ones
 *     stay valid for who is in the midst of them: up to three instructions may still run, as on a processor that was not told
 *     of a change. Room is made of them when many pages have been invalidated.
 *   - What a process leaves are the records of pages that hold what a program file does (InterpreterHooks.image). They serve the
 *     memory's next process where its page is of the same image, and compiled code for them is in place then.
 *   - A handler of a pair stands in the first instruction's record and reads that of the second, so both are forgotten
 *     together: they are on one page, and neither is at its last halfword; and the second has no compiled code.
 *   - RECORD_PAGES_* tell the records of the interpreter that runs; another one of the same memory (of a second engine, of
 *     another mode) is concealed meanwhile.
 *   - Its records are right for the mode it runs in (jit/modes.ts), and it begins outside IT blocks; else the evaluator does.
 */

import { EXIT, type FaultReason } from '../cpu.ts';
import { type CpuState, OFF } from '../cpu-state.ts';
import { isThumb32 } from '../decode/decoder.ts';
import type { Machinery } from '../jit/machinery.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { bringIn } from '../memory/bring.ts';
import {
  EXEC,
  JUMP_TARGETS,
  JUMP_TARGETS_ENTRIES,
  PAGE_MASK,
  PAGE_SHIFT,
  PAGE_SIZE,
  RECORD_PAGES_ARM,
  RECORD_PAGES_THUMB,
} from '../memory/layout.ts';
import type { RecordDecoder } from './decoder.ts';
import { BLOCK_ROOM } from './it-block.ts';
import { keyOf, LocationRecords } from './location-records.ts';
import { HANDLER, RECORD, RECORD_SCALE, RECORDS_LENGTH } from './record.ts';
import { type PageRecords, RecordArea } from './record-area.ts';

/** What the interpreter tells the engine. */
export interface InterpreterHooks {
  /** A location has been arrived at as often as OFF.heatMask and seldomMask say, this time by ARRIVAL.*. */
  hot(location: number, count: number, arrival: number): void;
  /** An indirect jump goes where it did not go the last time. */
  sawJump(address: number, location: number): void;
  /** What time is spent on from now on; told only when `timed`. */
  begin(what: 'interpreter' | 'compiled' | 'decode'): void;
  /**
   * Below a call of compiled code the interpreter has left (a location, or LEAVE) and not where the call is to return to: goes
   * on, and gives what a region function does.
   */
  resume(depth: number, ret: number, left: number): number;
  /** A fault is why the interpreter is about to leave. */
  faulted(why: FaultReason): void;
  /** What part of a program file the page of an address holds, as long as nobody changes it; null when it holds anything else. */
  image(address: number): object | null;
  /**
   * Records of an image are there that were left: puts its compiled code in place where it can. True when that is all that there
   * was.
   */
  found(image: object): boolean;
  /** Whether a location has compiled code. */
  isCompiled(location: number): boolean;
}

const EXIT_REASON = OFF.exit >> 2;
/** The table slot that never has code. */
const NO_SLOT = 0;

/** Which counts of arrivals the interpreter tells of (OFF.heatMask, OFF.seldomMask). */
export interface ArrivalMasks {
  readonly heatMask: number;
  readonly seldomMask: number;
}

export class WasmInterpreter {
  readonly #space: AddressSpace;
  readonly #decoder: RecordDecoder;
  readonly #enter: Machinery['interpret'];
  readonly #hooks: InterpreterHooks;
  readonly #masks: ArrivalMasks;
  readonly #timed: boolean;
  readonly #views: { readonly u16: Uint16Array; readonly i32: Int32Array };
  /** The thread under way. */
  #cpu!: CpuState;
  readonly #area: RecordArea;
  readonly records: LocationRecords;
  /** By page * 2 + thumb: its records, and what earlier processes have left. */
  readonly #pages: Map<number, PageRecords>;
  #stops: readonly number[] = [];
  /** Pages whose records have been taken away. */
  #dropped = 0;

  constructor(
    space: AddressSpace,
    decoder: RecordDecoder,
    machinery: Machinery,
    hooks: InterpreterHooks,
    { timed, ...masks }: ArrivalMasks & { readonly timed: boolean },
    pages: Map<number, PageRecords>,
  ) {
    this.#area = RecordArea.of(space);
    this.#area.users.add(this);
    this.#pages = pages;
    this.#masks = masks;
    this.#timed = timed;
    this.#space = space;
    this.#decoder = decoder;
    this.#views = { u16: space.u16, i32: space.i32 };
    this.records = new LocationRecords(pages, decoder, space.u16, space.i32);
    this.#hooks = hooks;
    this.#enter = machinery.interpret;
    machinery.calls = {
      page: (_cpu, location) => this.#page(location >>> 0),
      decode: (_cpu, record, address) => {
        if (!this.#timed) return this.#decode(record >>> 0, address >>> 0);
        hooks.begin('decode');
        const made = this.#decode(record >>> 0, address >>> 0);
        hooks.begin('interpreter');
        return made;
      },
      fault: (_cpu, record, address, at, code) => this.#fault(record >>> 0, address >>> 0, at >>> 0, code),
      hot: (location, count, arrival) => {
        hooks.hot(location >>> 0, count, arrival);
        return 0;
      },
      sawJump: (address, location) => {
        // 0: of an entry that nobody has used.
        if (address !== 0) hooks.sawJump(address >>> 0, location >>> 0);
        return 0;
      },
      compiled: (_cpu, begins) => {
        hooks.begin(begins !== 0 ? 'compiled' : 'interpreter');
        return 0;
      },
      resume: (_cpu, depth, ret, left) => hooks.resume(depth, ret >>> 0, left),
      evaluate: (_cpu, record, address) => this.#leaveToStep(record >>> 0, address >>> 0),
    };
  }

  /**
   * Runs from the state's location. Gives LEAVE with the reason in OFF.exit, or a location where the caller is to go on:
   * `stopAt`, or any.
   */
  run(cpu: CpuState, depth: number, stopAt: number): number {
    const outer = this.#cpu;
    this.#cpu = cpu;
    const area = this.#area;
    const { shown } = area;
    if (shown !== this) this.show();
    if (area.running === 0 && area.worn) area.clear();
    area.running++;
    const w = cpu.i32;
    w[OFF.depth >> 2] = depth;
    w[OFF.stopAt >> 2] = stopAt;
    w[OFF.heatMask >> 2] = this.#masks.heatMask;
    w[OFF.seldomMask >> 2] = this.#masks.seldomMask;
    w[OFF.timed >> 2] = this.#timed ? 1 : 0;
    try {
      return this.#enter(cpu.base, cpu.location, 0);
    } finally {
      area.running--;
      this.#cpu = outer;
      // Who is in the midst of it finds its records again.
      if (shown !== this && area.running > 0) shown?.show();
    }
  }

  /** Its records are those that are found. */
  show(): void {
    const area = this.#area;
    area.shown?.conceal();
    area.shown = this;
    const { i32 } = this.#views;
    this.#pages.forEach(({ records, isUsed }, key) => {
      if (isUsed) i32[tableEntry(key)] = records;
    });
  }

  /** Another interpreter of this memory is about to run. */
  conceal(): void {
    for (const key of this.#pages.keys()) this.#views.i32[tableEntry(key)] = 0;
    this.#area.shown = undefined;
  }

  /**
   * Locations at which it leaves with EXIT.HOOK (they are "compiled", to a slot without code), instead of those before. Such
   * whose pages are not there are left out until these come.
   */
  stopAt(locations: readonly number[]): void {
    if (this.#area.shown !== this) this.show();
    for (const location of this.#stops) this.records.forgetCompiled(location);
    this.#stops = locations;
    this.#putStops();
  }

  #putStops(): void {
    for (const location of this.#stops) this.records.setCompiled(location, NO_SLOT);
  }

  /** Decodes so many bytes of code before they are run, up to the end of the page. For tests. */
  decodeAhead(cpu: CpuState, location: number, length: number): void {
    this.#cpu = cpu;
    if (this.#area.shown !== this) this.show();
    if (this.records.of(location) === 0 && this.#page(location) === 0) return;
    const { u16 } = this.#views;
    const end = Math.min(location + length, (location | PAGE_MASK) - 3);
    for (let at = location; at < end; ) {
      const record = this.records.of(at);
      if (u16[record >>> 1] === HANDLER.DECODE) this.#decode(record, (at & ~1) >>> 0);
      at += at & 1 && !isThumb32(u16[at >>> 1]!) ? 2 : 4;
    }
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
    const before = this.records.used(((first - 1) << 1) | 1);
    if (before !== undefined) this.#forgetLast(before.records);
    this.#putStops();
  }

  /** Forgets the last instruction of a page, which may go on in the next. */
  #forgetLast(records: number): void {
    const at = (records + RECORDS_LENGTH - RECORD_SCALE * 2) >>> 2;
    this.#views.i32.fill(0, at, at + 4);
  }

  #drop(key: number): void {
    const page = this.records.used(key);
    if (page === undefined) return;
    this.#dropped++;
    this.#hide(key);
    this.#pages.delete(key);
    this.#area.give(page.records);
  }

  /** The page has no records for who looks. */
  #hide(key: number): void {
    if (this.#area.shown === this) this.#views.i32[tableEntry(key)] = 0;
  }

  /** All records of the memory are to be others'. */
  forget(): void {
    for (const [key, { isUsed }] of this.#pages) if (isUsed) this.#hide(key);
    this.#pages.clear();
  }

  /** The end of the process: leaves what the next one can use. To be called while everything is still mapped. */
  close(): void {
    let dropped = false;
    // Not by an iterator: that makes two objects for each page.
    this.#pages.forEach((page, key) => {
      if (!page.isUsed) return;
      page.image = this.#hooks.image((key >>> 1) * PAGE_SIZE);
      if (page.image === null) {
        this.#drop(key);
        dropped = true;
        return;
      }
      // The next process may have another page behind this one.
      this.#forgetLast(page.records);
      this.#hide(key);
      page.isUsed = false;
    });
    this.#area.users.delete(this);
    if (this.#area.shown === this) this.#area.shown = undefined;
    // Of the code of an image where its jumps went is as good as ever.
    if (!dropped) return;
    const { i32 } = this.#views;
    i32.fill(0, JUMP_TARGETS >>> 2, (JUMP_TARGETS >>> 2) + JUMP_TARGETS_ENTRIES * 4);
  }

  /** Forgets all records but those of IT blocks, which somebody may be in the midst of. */
  #dropAll(): void {
    for (const [key, { records, isUsed }] of this.#pages) {
      if (isUsed) this.#hide(key);
      this.#area.give(records);
    }
    this.#pages.clear();
  }

  // ---- what the interpreter calls ----

  /** Makes the page of a location executable if it may be, and gives it records. */
  #page(location: number): number {
    const address = (location & ~1) >>> 0;
    const thumb = location & 1;
    const key = keyOf(location);
    if (!thumb && address & 3) return this.#leaveByFault(location, 0, address, EXEC, 'align');
    if (!this.#executable(address, location, 0)) return 0;
    const { i32 } = this.#views;
    const left = this.#takeLeft(key, address);
    if (left !== undefined) {
      i32[tableEntry(key)] = left.records;
      if (left.compiled !== undefined && !this.#hooks.found(left.image!))
        for (const l of left.compiled) if (!this.#hooks.isCompiled(l)) this.records.forgetCompiled(l);
      this.#putStops();
      return 1;
    }
    let records = this.#area.take();
    if (records === 0) {
      this.#dropAll();
      records = this.#area.take();
    }
    i32[(records + RECORDS_LENGTH) >>> 2] = HANDLER.NEXT_PAGE;
    i32[(records + RECORDS_LENGTH + 16) >>> 2] = HANDLER.NEXT_PAGE;
    this.#pages.set(key, { records, isUsed: true, image: null, compiled: undefined });
    i32[tableEntry(key)] = records;
    this.#putStops();
    return 1;
  }

  /** The records that were left for a page are the process's, if it is still the same page. */
  #takeLeft(key: number, address: number): PageRecords | undefined {
    const left = this.#pages.get(key);
    if (left === undefined) return undefined;
    if (left.image === this.#hooks.image(address)) {
      left.isUsed = true;
      return left;
    }
    this.#pages.delete(key);
    this.#area.give(left.records);
    return undefined;
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
    // A block on two pages the evaluator goes through.
    if (it !== 0 && !this.#itBlock(record, next, it)) i32[record >>> 2] = HANDLER.STEP2;
    return 1;
  }

  /** Decodes the instructions behind an IT, up to the end of its block. False when they are not all on its page. */
  #itBlock(record: number, start: number, itstate: number): boolean {
    const end = (((start - 2) | PAGE_MASK) >>> 0) + 1;
    const block = this.#area.itRoom(BLOCK_ROOM);
    if (block === 0) return false;
    const { u16, i32 } = this.#views;
    let at = block;
    let address = start;
    for (let it = itstate; it !== 0; ) {
      const hw1 = u16[address >>> 1]!;
      const wide = isThumb32(hw1);
      if (address === end || (wide && address + 2 === end)) return false;
      const hw2 = wide ? u16[(address + 2) >>> 1]! : 0;
      const { size, itAfter } = this.#decoder.inBlock(hw1, hw2, it, i32, at >>> 2);
      at += size * RECORD_SCALE;
      address += size;
      it = itAfter;
    }
    i32[at >>> 2] = HANDLER.NEXT_PAGE;
    this.#area.itUsed(at + 16);
    i32[(record + RECORD.word) >>> 2] = block;
    return true;
  }

  /** An access that is not allowed as it stands: brings pages in, or leaves by a fault. */
  #fault(record: number, address: number, at: number, code: number): number {
    const length = code & 0xff;
    const kind = (code >>> 8) & 3;
    const align = 1 << (code >>> 10);
    const location = address | this.#cpu.i32[OFF.thumb >> 2]!;
    const it = this.#itBefore(record);
    if (at & (align - 1)) return this.#leaveByFault(location, it, at, kind, 'align');
    const dropped = this.#dropped;
    // Bringing one page in may take access to the other away: once more.
    for (let i = 0; i < 2; i++) {
      const fault = bringIn(this.#space, at, length, kind);
      if (fault !== null) return this.#leaveByFault(location, it, fault.address, fault.access, fault.why);
      if (this.#space.pages.allows(at, length, kind)) break;
    }
    // Who runs a function of stencils does not look at the records that are gone.
    const isDone = dropped === this.#dropped && this.#space.pages.allows(at, length, kind);
    return isDone ? 1 : this.#leaveToStep(record, address);
  }

  /** The evaluator is to run the instruction. */
  #leaveToStep(record: number, address: number): 0 {
    this.#leaveAt(address | this.#cpu.i32[OFF.thumb >> 2]!, this.#itBefore(record), EXIT.STEP);
    return 0;
  }
  #itBefore(record: number): number {
    return this.#views.i32[(record + RECORD.it) >>> 2]! >>> 24;
  }

  #leaveAt(location: number, it: number, reason: number): void {
    this.#cpu.location = location >>> 0;
    this.#cpu.i32[OFF.it >> 2] = it;
    this.#cpu.i32[EXIT_REASON] = reason;
  }

  #leaveByFault(location: number, it: number, address: number, access: number, why: FaultReason): 0 {
    const cpu = this.#cpu;
    this.#leaveAt(location, it, EXIT.FAULT);
    cpu.u32[OFF.faultAddress >> 2] = address;
    cpu.i32[OFF.faultAccess >> 2] = access;
    this.#hooks.faulted(why);
    return 0;
  }
}

/** The word that says where the records of a page are. */
function tableEntry(key: number): number {
  return ((key & 1 ? RECORD_PAGES_THUMB : RECORD_PAGES_ARM) >>> 2) + (key >>> 1);
}
