/**
 * Makes functions of stencils, where code is run often: each does what the handlers of consecutive instructions do, and stands in
 * the record of the first as its handler. So it is entered and left as a handler is, all of the state is in the state block
 * between any two instructions, and nothing else of the interpreter knows of it.
 *
 * A run goes on from its beginning past branches that are rarely taken, as far as instructions have been decoded, in one page of
 * code: whatever takes the page's records away takes its runs away with them. It ends at a jump, behind a system call, before
 * what has no stencil, where another run begins, and behind a branch that is often taken. A branch to its beginning is a loop.
 *
 * Flags that the run itself writes again before anybody reads them are not written: as in compiled code (jit/compile.ts), a fault
 * between may leave a dead flag wrong in the state block, never a live one.
 */
import { OFF } from '../cpu-state.ts';
import { CPU, PARAMETERS } from '../jit/convention.ts';
import type { Machinery } from '../jit/machinery.ts';
import { ByteWriter, F32, F64, I32, I64, OP, VOID } from '../jit/wasm.ts';
import { encodeBehind } from '../jit/wasm-module.ts';
import { V128 } from '../jit/wasm-simd.ts';
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout.ts';
import {
  ARRIVAL,
  controlIndex,
  FIRST_HANDLER,
  HANDLER_TABLE,
  HANDLER_TYPE,
  imported,
  oneMore,
} from '../tier0/control.ts';
import type { RecordDecoder } from '../tier0/decoder.ts';
import type { HandlerSet } from '../tier0/handler-set.ts';
import { CONDITION_HANDLERS, HANDLER, RECORD, RECORD_SCALE } from '../tier0/record.ts';
import { BRANCH, ENTRY, FLAG, HOLE, HOLE_WORDS, LOCALS, STITCHED, type Stencils } from './stencil.ts';

/** Instructions in one run. */
const MAX_LENGTH = 48;
/** A branch to where has been arrived so often may be taken more often than not. */
const OFTEN = 512;
const CONDITIONS_END = HANDLER.CONDITIONS + 2 * CONDITION_HANDLERS;
const NZCV = 15;
/** Locals by type, in the order of their places. */
const INTEGERS = [LOCALS.i64, I64] as const;
const FLOATS = [
  [LOCALS.f64, F64],
  [LOCALS.f32, F32],
  [LOCALS.v128, V128],
] as const;
/** A local of stencils. */
const TEMP = PARAMETERS + LOCALS.i64;

/** Where a run begins: a record, and its address. */
export interface Place {
  readonly record: number;
  readonly address: number;
}

/** The instructions of a run. */
class Run {
  readonly #most = MAX_LENGTH + 4;
  length = 0;
  readonly records = new Float64Array(this.#most);
  /** Those of the page: of an instruction in an IT block it is another. */
  readonly inPage = new Float64Array(this.#most);
  readonly addresses = new Float64Array(this.#most);
  /** Entries of stencils; of conditions 0 where there is none. */
  readonly conditions = new Int32Array(this.#most);
  readonly stencils = new Int32Array(this.#most);
  /** 1 for the first of an IT block, else 0. */
  readonly beginsBlock = new Uint8Array(this.#most);

  add(record: number, inPage: number, address: number, condition: number, stencil: number): void {
    const i = this.length++;
    this.records[i] = record;
    this.inPage[i] = inPage;
    this.addresses[i] = address;
    this.conditions[i] = condition;
    this.stencils[i] = stencil;
    this.beginsBlock[i] = 0;
  }
}

export class Stitcher {
  readonly #stencils: Stencils;
  readonly #machinery: Machinery;
  readonly #decoder: RecordDecoder;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  /** Code of the run under way, and the bodies of the module's functions. */
  readonly #code = new ByteWriter(4096);
  readonly #bodies = new ByteWriter(16384);
  /** Runs of the module under way. */
  #runs: Place[] = [];
  readonly #run = new Run();
  /** What the run under way needs. */
  #locals = 0;
  #hasFloats = false;
  #isLoop = false;

  /** For the interpreter that a memory has. */
  constructor(set: HandlerSet, machinery: Machinery) {
    const buffer = machinery.memory.buffer;
    this.#stencils = set.stencils();
    this.#decoder = set.decoder;
    this.#machinery = machinery;
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#i32 = new Int32Array(buffer);
  }

  /** Makes runs from these places on. Throws a RangeError when V8 has no memory for them. */
  stitch(places: readonly Place[]): void {
    this.#bodies.clear();
    this.#runs = [];
    for (const place of places) this.#make(place);
    const { length } = this.#runs;
    if (length === 0) return;
    const { head, handlers } = this.#stencils;
    const first = handlers + this.#machinery.stitched;
    const module = new ByteWriter(head.length + this.#bodies.length + 1024);
    module.raw(head);
    encodeBehind(module, length, FIRST_HANDLER, first, this.#bodies.view());
    this.#machinery.stitch(module.view() as Uint8Array<ArrayBuffer>, length);
    for (let i = 0; i < length; i++) this.#u16[(this.#runs[i]!.record + RECORD.handler) >>> 1] = first + i;
  }

  #make(place: Place): void {
    if (this.#machinery.stitched + this.#runs.length === STITCHED) return;
    if (this.isStitched(place.record)) return;
    if (this.#runs.some(({ record }) => record === place.record)) return;
    const end = this.#collect(place);
    if (this.#run.length === 0) return;
    this.#code.clear();
    this.#locals = 1;
    this.#hasFloats = false;
    if (this.#isLoop) this.#beginLoop(place);
    this.#leaveDeadFlags();
    for (let i = 0; i < this.#run.length; i++) this.#instruction(i);
    if (end !== null) this.#goOn(end);
    if (this.#isLoop) this.#code.byte(OP.end);
    if (this.#isLoop) this.#code.byte(OP.unreachable);
    this.#finish(place);
  }

  /** Finds out which instructions the run from a place on has. Gives where it goes on behind them; null where it does not. */
  #collect(place: Place): Place | null {
    const run = this.#run;
    run.length = 0;
    this.#isLoop = false;
    const { entries } = this.#stencils;
    let { record, address } = place;
    for (;;) {
      // The last instruction of a page may go on in the next.
      if (run.length >= MAX_LENGTH || (address & PAGE_MASK) >= PAGE_SIZE - 4) break;
      if (record !== place.record && this.isStitched(record)) break;
      const handler = this.#handlerAt(record);
      if (handler === HANDLER.IT) {
        const length = this.#block(record, address);
        if (length === 0) break;
        record += length * RECORD_SCALE;
        address += length;
        continue;
      }
      const own = this.#ownAt(record, handler);
      const flags = this.#flagsOf(own);
      if (flags === 0) break;
      const isUnder = own !== handler;
      run.add(record, record, address, isUnder ? handler : 0, own);
      const ahead = entries[own * ENTRY.words + ENTRY.ahead]!;
      const distance = ahead === 0 ? 0 : ahead + this.#i32[(record + RECORD.word) >>> 2]!;
      if (ahead !== 0 && address + distance === place.address) this.#isLoop = true;
      const size = sizeOf(handler, flags);
      const isOften = ahead !== 0 && distance > 0 && this.#isOftenTaken(record, address, distance);
      record += size * RECORD_SCALE;
      address += size;
      if (flags & FLAG.JUMPS && !isUnder) return null;
      if (flags & FLAG.ENDS || isOften) break;
    }
    return { record, address };
  }

  #isOftenTaken(record: number, address: number, distance: number): boolean {
    if (((address + distance) ^ address) >>> PAGE_SHIFT !== 0) return false;
    const target = record + distance * RECORD_SCALE;
    return this.isStitched(target) || this.#u16[(target + RECORD.count) >>> 1]! >= OFTEN;
  }

  /** Adds the instructions of an IT block. Gives the bytes of code of the IT and its block; 0 when not all have stencils. */
  #block(record: number, address: number): number {
    const run = this.#run;
    const before = run.length;
    let at = this.#i32[(record + RECORD.word) >>> 2]! >>> 0;
    let length = 2;
    for (;;) {
      const handler = this.#handlerAt(at);
      if (handler === HANDLER.NEXT_PAGE) {
        run.beginsBlock[before] = 1;
        return length;
      }
      const own = this.#ownAt(at, handler);
      const flags = this.#flagsOf(own);
      if (flags === 0 || flags & FLAG.ENDS) {
        run.length = before;
        return 0;
      }
      const isUnder = own !== handler;
      run.add(at, record + length * RECORD_SCALE, address + length, isUnder ? handler : 0, own);
      const size = sizeOf(handler, flags);
      at += size * RECORD_SCALE;
      length += size;
    }
  }

  /** Whether a run begins at a record. */
  isStitched(record: number): boolean {
    return this.#u16[(record + RECORD.handler) >>> 1]! >= this.#stencils.handlers;
  }

  /** An instruction's own handler, also where that of a pair stands, or one that counts. */
  #handlerAt(record: number): number {
    const handler = this.#u16[(record + RECORD.handler) >>> 1]!;
    if (handler === HANDLER.COUNT)
      return this.#u8[record + RECORD.counted]! || this.#u16[(record + RECORD.inner) >>> 1]!;
    return this.#decoder.firstOf(handler) || handler;
  }

  /** The handler of the instruction itself, where that of a record only tests its condition. */
  #ownAt(record: number, handler: number): number {
    return isCondition(handler) ? this.#u16[(record + RECORD.inner) >>> 1]! : handler;
  }

  /** FLAG.*, 0 of what has no stencil. */
  #flagsOf(handler: number): number {
    const { entries, handlers } = this.#stencils;
    return handler < handlers ? entries[handler * ENTRY.words + ENTRY.flags]! : 0;
  }

  /** Takes the stencils that write no flags, where nobody reads them. */
  #leaveDeadFlags(): void {
    const { entries } = this.#stencils;
    const { length, stencils, conditions } = this.#run;
    let live = NZCV;
    for (let i = length - 1; i >= 0; i--) {
      const entry = stencils[i]! * ENTRY.words;
      const writes = entries[entry + ENTRY.writes]!;
      const quiet = entries[entry + ENTRY.quiet]!;
      const condition = conditions[i]!;
      if (quiet !== 0 && (writes & live & NZCV) === 0) stencils[i] = quiet;
      else if (condition === 0) live &= ~(writes >>> 8);
      if (entries[entry + ENTRY.flags]! & (FLAG.JUMPS | FLAG.MAY_JUMP | FLAG.ENDS)) live = NZCV;
      live |= entries[entry + ENTRY.reads]!;
      if (condition !== 0) live |= entries[condition * ENTRY.words + ENTRY.reads]!;
    }
  }

  /** Adds to the fuel, which stays in TEMP. */
  #addFuel(n: number): void {
    const out = this.#code;
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.fuel);
    out.i32(n);
    out.byte(OP.i32_add);
    out.tee(TEMP);
    out.mem(OP.i32_store, OFF.fuel);
  }

  /** Each time the loop goes round it takes fuel and is counted. Who comes from elsewhere has taken fuel before. */
  #beginLoop({ record, address }: Place): void {
    const out = this.#code;
    this.#addFuel(1);
    out.byte(OP.loop);
    out.byte(VOID);
    this.#addFuel(-1);
    out.get(TEMP);
    out.i32(0);
    out.byte(OP.i32_lt_s);
    out.byte(OP.if);
    out.byte(VOID);
    const location = () => {
      out.i32(address);
      out.get(CPU);
      out.mem(OP.i32_load, OFF.thumb);
      out.byte(OP.i32_or);
    };
    out.get(CPU);
    location();
    out.i32(address);
    out.byte(OP.return_call);
    out.u32(controlIndex('preempt'));
    out.byte(OP.end);
    out.i32(record);
    out.i32(record);
    out.mem(OP.i32_load16_u, RECORD.count);
    oneMore(out, TEMP);
    out.mem(OP.i32_store16, RECORD.count);
    out.get(TEMP);
    out.get(CPU);
    out.mem(OP.i32_load, OFF.heatMask);
    out.byte(OP.i32_and);
    out.byte(OP.i32_eqz);
    out.byte(OP.if);
    out.byte(VOID);
    location();
    out.get(TEMP);
    out.i32(ARRIVAL.LOOP);
    out.call(imported('hot'));
    out.byte(OP.drop);
    // It may be another handler's now.
    this.#dispatchUnless(record, address);
    out.byte(OP.end);
  }

  /** Goes to the handler of the record where it is not this run any more. */
  #dispatchUnless(record: number, address: number): void {
    const out = this.#code;
    out.i32(record);
    out.mem(OP.i32_load16_u, RECORD.handler);
    out.i32(this.#stencils.handlers + this.#machinery.stitched + this.#runs.length);
    out.byte(OP.i32_ne);
    out.byte(OP.if);
    out.byte(VOID);
    this.#dispatch(record, address);
    out.byte(OP.end);
  }

  #instruction(i: number): void {
    const run = this.#run;
    const condition = run.conditions[i]!;
    if (this.#decoder.counting) this.#count(i);
    if (condition !== 0) {
      this.#put(condition, i, 0);
      this.#code.byte(OP.if);
      this.#code.byte(VOID);
    }
    this.#put(run.stencils[i]!, i, condition === 0 ? 0 : 1);
    if (condition !== 0) this.#code.byte(OP.end);
  }

  /** For --stats: counts an instruction as its handler would, and before those of a block their IT. */
  #count(i: number): void {
    const { stencils, beginsBlock } = this.#run;
    const isStepped = stencils[i] === HANDLER.STEP2 || stencils[i] === HANDLER.STEP4;
    const n = beginsBlock[i]! + (isStepped ? 0 : 1);
    const out = this.#code;
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i64_load, OFF.interpreted);
    out.byte(OP.i64_const);
    out.s64(BigInt(n));
    out.byte(OP.i64_add);
    out.mem(OP.i64_store, OFF.interpreted);
  }

  /** Copies a stencil for an instruction, and patches it. There are so many labels of its own around it. */
  #put(stencil: number, i: number, labels: number): void {
    const { entries, holes, code } = this.#stencils;
    const { records, addresses } = this.#run;
    const record = records[i]!;
    const address = addresses[i]!;
    const entry = stencil * ENTRY.words;
    const from = entries[entry + ENTRY.code]!;
    const out = this.#code;
    const to = out.length;
    out.raw(code.subarray(from, from + entries[entry + ENTRY.length]!));
    const { bytes } = out;
    const first = entries[entry + ENTRY.hole]! * HOLE_WORDS;
    const last = first + entries[entry + ENTRY.holes]! * HOLE_WORDS;
    for (let hole = first; hole < last; hole += HOLE_WORDS) {
      const what = holes[hole]!;
      const plus = holes[hole + 1]!;
      const at = to + (what & 0xffff);
      const place = what >>> 24;
      switch ((what >>> 16) & 0xff) {
        case HOLE.BYTE:
        case HOLE.OFFSET: {
          const value = this.#u8[record + place]! + plus;
          bytes[at] = (value & 0x7f) | 0x80;
          bytes[at + 1] = value >> 7;
          break;
        }
        case HOLE.WORD:
          putConstant(bytes, at, (this.#i32[(record + place) >>> 2]! + plus) | 0);
          break;
        case HOLE.ADDRESS:
          putConstant(bytes, at, (address + plus) | 0);
          break;
        case HOLE.RECORD:
          putConstant(bytes, at, record | 0);
          break;
        case HOLE.TARGET_RECORD:
          this.#target(bytes, at, i, plus, place + labels);
          // The other hole is filled, too.
          hole += HOLE_WORDS;
      }
    }
    this.#locals = Math.max(this.#locals, entries[entry + ENTRY.locals]!);
    if (entries[entry + ENTRY.flags]! & FLAG.FLOATS) this.#hasFloats = true;
  }

  /** Fills both holes of a direct branch, with so many labels around it; to the run's beginning it is one to the loop. */
  #target(bytes: Uint8Array, at: number, i: number, ahead: number, labels: number): void {
    const { records, inPage, addresses } = this.#run;
    const address = addresses[i]!;
    const distance = this.#i32[(records[i]! + RECORD.word) >>> 2]! + ahead;
    if (this.#isLoop && address + distance === addresses[0]!) {
      const begin = at - BRANCH.before;
      bytes.fill(NOP, begin, begin + BRANCH.length);
      bytes[begin] = OP.br;
      bytes[begin + 1] = labels;
      return;
    }
    const isNear = ((address + distance) ^ address) >>> PAGE_SHIFT === 0;
    putConstant(bytes, at, isNear ? (inPage[i]! + distance * RECORD_SCALE) | 0 : 0);
    putConstant(bytes, at + 6, (address + distance) | (distance > 0 ? 0 : 1) | 0);
  }

  /** Goes on behind the run: if there is no other one there, so that it is found when it is worth it. */
  #goOn({ record, address }: Place): void {
    if (this.isStitched(record)) {
      this.#dispatch(record, address);
      return;
    }
    const out = this.#code;
    out.get(CPU);
    out.i32(record);
    out.i32(address);
    out.byte(OP.return_call);
    out.u32(controlIndex('fallThrough'));
  }

  /** Goes on with the handler of a record. */
  #dispatch(record: number, address: number): void {
    const out = this.#code;
    out.get(CPU);
    out.i32(record);
    out.i32(address);
    out.i32(record);
    out.mem(OP.i32_load16_u, RECORD.handler);
    out.byte(OP.return_call_indirect);
    out.u32(HANDLER_TYPE);
    out.u32(HANDLER_TABLE);
  }

  /** Makes a function of what has been written. */
  #finish(place: Place): void {
    const floats = this.#hasFloats ? FLOATS : [];
    const locals = [INTEGERS, [this.#hasFloats ? LOCALS.i32 : this.#locals, I32] as const, ...floats];
    // A byte each for how many there are, and their type.
    const bodies = this.#bodies;
    bodies.u32(1 + 2 * locals.length + this.#code.length + 1);
    bodies.byte(locals.length);
    for (const [count, type] of locals) {
      bodies.byte(count);
      bodies.byte(type);
    }
    bodies.raw(this.#code.view());
    bodies.byte(OP.end);
    this.#runs.push(place);
  }
}

const NOP = 1;

const isCondition = (handler: number): boolean => handler >= HANDLER.CONDITIONS && handler < CONDITIONS_END;

/** Bytes of code of an instruction: A32's and T16's that jump may have one handler behind those of their conditions. */
function sizeOf(handler: number, flags: number): number {
  const isLong = isCondition(handler)
    ? handler >= HANDLER.CONDITIONS + CONDITION_HANDLERS
    : (flags & FLAG.LONG) !== 0;
  return isLong ? 4 : 2;
}

/** Signed LEB128 of a word, in five bytes. */
function putConstant(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value & 0x7f) | 0x80;
  bytes[at + 1] = ((value >> 7) & 0x7f) | 0x80;
  bytes[at + 2] = ((value >> 14) & 0x7f) | 0x80;
  bytes[at + 3] = ((value >> 21) & 0x7f) | 0x80;
  bytes[at + 4] = (value >> 28) & 0x7f;
}
