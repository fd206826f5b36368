/**
 * Finds out which instructions a function of stencils is to have: a **run**, from a place on, in one page of code, so that
 * whatever takes the page's records away takes its runs away with them. It goes on past branches as far as instructions have been
 * decoded, and behind a jump where a branch of the run itself goes: so a way around something is inside it. It leaves behind a
 * system call, before what has no stencil, where another run begins, and behind a branch that is often taken. A branch to its
 * beginning is a loop.
 */
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout.ts';
import type { RecordDecoder } from '../tier0/decoder.ts';
import { CONDITION_HANDLERS, HANDLER, RECORD, RECORD_SCALE } from '../tier0/record.ts';
import type { Range } from './access-shape.ts';
import { groupAccesses } from './groups.ts';
import { ENTRY, FLAG, type Stencils } from './stencil.ts';

/** Instructions in one run. */
const MAX_LENGTH = 64;
/** A branch to where has been arrived so often may be taken more often than not. */
const OFTEN = 512;
const CONDITIONS_END = HANDLER.CONDITIONS + 2 * CONDITION_HANDLERS;
const NZCV = 15;

/** Where code begins: a record, and its address. */
export interface Place {
  readonly record: number;
  readonly address: number;
}

/** An instruction of a run. */
export interface RunInsn {
  readonly record: number;
  /** That of the page: of an instruction in an IT block it is another. */
  readonly inPage: number;
  readonly address: number;
  /** Bytes of code. */
  readonly size: number;
  /** Its own handler, and the entry of the stencil for it: the same, or that of what leaves flags alone. */
  readonly handler: number;
  stencil: number;
  /** Entry of the stencil for its condition; 0 where it has none. */
  readonly condition: number;
  /** 1 for the first of an IT block, else 0. */
  beginsBlock: number;
  /** Where a direct branch goes; -1 for what is none. */
  readonly target: number;
  /** Goes on where the run does not: behind it. */
  leaves: boolean;
  /** It makes this test first, for itself and others behind it. */
  test: Range | null;
  /** Its access needs no test of its own. */
  isTested: boolean;
}

/** Instructions in the order of addresses, none where there can be no run; and where it would go on if it might be longer. */
export interface Run {
  readonly insns: readonly RunInsn[];
  readonly rest: Place | null;
}

export class RunFinder {
  readonly #stencils: Stencils;
  readonly #decoder: RecordDecoder;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  #run: RunInsn[] = [];

  constructor(stencils: Stencils, decoder: RecordDecoder, buffer: ArrayBufferLike) {
    this.#stencils = stencils;
    this.#decoder = decoder;
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#i32 = new Int32Array(buffer);
  }

  /** Whether a run begins at a record. */
  isStitched(record: number): boolean {
    return this.#u16[(record + RECORD.handler) >>> 1]! >= this.#stencils.handlers;
  }

  /** The run from a place on. */
  find(place: Place): Run {
    this.#run = [];
    const run = this.#run;
    let rest: Place | null = null;
    /** Where branches of the run go that it has not come to. */
    let ahead: number[] = [];
    let { record, address } = place;
    for (let goesOn = false; ; ) {
      const before = run.length;
      const size = record !== place.record && this.isStitched(record) ? 0 : this.#add(record, address);
      if (size === 0 && goesOn) {
        run[before - 1]!.leaves = true;
        if (before >= MAX_LENGTH) rest = { record, address };
      }
      goesOn = size !== 0;
      for (let i = before; i < run.length; i++) {
        const insn = run[i]!;
        if (isNear(insn) && insn.target > insn.address) ahead.push(insn.target);
        goesOn = this.#goesOn(insn);
      }
      record += size * RECORD_SCALE;
      address += size;
      if (goesOn) continue;
      ahead = ahead.filter((target) => target > address || (target === address && size !== 0));
      if (ahead.length === 0) break;
      const next = Math.min(...ahead);
      record += (next - address) * RECORD_SCALE;
      address = next;
    }
    this.#leaveDeadFlags();
    groupAccesses(run, this.#stencils, this.#u8, this.#i32);
    return { insns: run, rest };
  }

  /** Whether the run goes on behind an instruction. */
  #goesOn(insn: RunInsn): boolean {
    const flags = this.#flagsOf(insn.handler);
    if (flags & FLAG.JUMPS && insn.condition === 0) return false;
    insn.leaves = (flags & FLAG.ENDS) !== 0 || this.#isOftenTaken(insn);
    return !insn.leaves;
  }

  #isOftenTaken(insn: RunInsn): boolean {
    if (!isNear(insn) || insn.target < insn.address) return false;
    const target = insn.inPage + (insn.target - insn.address) * RECORD_SCALE;
    return this.isStitched(target) || this.#u16[(target + RECORD.count) >>> 1]! >= OFTEN;
  }

  /** Adds the instruction at a place, or an IT and its block. Gives their bytes of code; 0 when there is no stencil. */
  #add(record: number, address: number): number {
    // The last instruction of a page may go on in the next.
    if (this.#run.length >= MAX_LENGTH || (address & PAGE_MASK) > PAGE_SIZE - 4) return 0;
    const handler = this.#handlerAt(record);
    return handler === HANDLER.IT
      ? this.#block(record, address)
      : this.#one(handler, record, record, address);
  }

  #one(handler: number, record: number, inPage: number, address: number): number {
    const own = isCondition(handler) ? this.#u16[(record + RECORD.inner) >>> 1]! : handler;
    const flags = this.#flagsOf(own);
    if (flags === 0) return 0;
    const ahead = this.#stencils.entries[own * ENTRY.words + ENTRY.ahead]!;
    const size = sizeOf(handler, flags);
    this.#run.push({
      record,
      inPage,
      address,
      size,
      handler: own,
      stencil: own,
      condition: own === handler ? 0 : handler,
      beginsBlock: 0,
      target: ahead === 0 ? -1 : address + ahead + this.#i32[(record + RECORD.word) >>> 2]!,
      leaves: false,
      test: null,
      isTested: false,
    });
    return size;
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
        run[before]!.beginsBlock = 1;
        return length;
      }
      const size = this.#one(handler, at, record + length * RECORD_SCALE, address + length);
      if (size === 0 || this.#flagsOf(run[run.length - 1]!.handler) & FLAG.ENDS) {
        run.length = before;
        return 0;
      }
      at += size * RECORD_SCALE;
      length += size;
    }
  }

  /** An instruction's own handler, also where that of a pair stands, or one that counts. */
  #handlerAt(record: number): number {
    const handler = this.#u16[(record + RECORD.handler) >>> 1]!;
    if (handler === HANDLER.COUNT)
      return this.#u8[record + RECORD.counted]! || this.#u16[(record + RECORD.inner) >>> 1]!;
    return this.#decoder.firstOf(handler) || handler;
  }

  /** FLAG.*, 0 of what has no stencil. */
  #flagsOf(handler: number): number {
    const { entries, handlers } = this.#stencils;
    return handler < handlers ? entries[handler * ENTRY.words + ENTRY.flags]! : 0;
  }

  /**
   * Takes the stencils that write no flags, where nobody reads them. As in compiled code (jit/compile.ts), a fault between may
   * leave a dead flag wrong in the state block, never a live one.
   */
  #leaveDeadFlags(): void {
    const { entries } = this.#stencils;
    const run = this.#run;
    /** Flags that are read from an instruction on. */
    const liveAt = new Map<number, number>();
    let live = NZCV;
    for (let i = run.length - 1; i >= 0; i--) {
      const insn = run[i]!;
      const entry = insn.stencil * ENTRY.words;
      const flags = entries[entry + ENTRY.flags]!;
      const writes = entries[entry + ENTRY.writes]!;
      const quiet = entries[entry + ENTRY.quiet]!;
      if (insn.leaves || flags & FLAG.ENDS) live = NZCV;
      if (flags & (FLAG.JUMPS | FLAG.MAY_JUMP)) {
        const isOnly = flags & FLAG.JUMPS && insn.condition === 0;
        live = (isOnly ? 0 : live) | (liveAt.get(insn.target) ?? NZCV);
      }
      if (quiet !== 0 && (writes & live & NZCV) === 0) insn.stencil = quiet;
      else if (insn.condition === 0) live &= ~(writes >>> 8);
      live |= entries[entry + ENTRY.reads]!;
      if (insn.condition !== 0) live |= entries[insn.condition * ENTRY.words + ENTRY.reads]!;
      if (insn.record === insn.inPage) liveAt.set(insn.address, live);
    }
  }
}

/** Whether a direct branch stays in its page. */
export function isNear({ target, address }: RunInsn): boolean {
  return target >= 0 && (target ^ address) >>> PAGE_SHIFT === 0;
}

const isCondition = (handler: number): boolean => handler >= HANDLER.CONDITIONS && handler < CONDITIONS_END;

/** Bytes of code of an instruction: A32's and T16's that jump may have one handler behind those of their conditions. */
function sizeOf(handler: number, flags: number): number {
  const isLong = isCondition(handler)
    ? handler >= HANDLER.CONDITIONS + CONDITION_HANDLERS
    : (flags & FLAG.LONG) !== 0;
  return isLong ? 4 : 2;
}
