/**
 * Finds out which instructions a function of stencils is to have: a **run**, from a place on, in one page of code, so that
 * whatever takes the page's records away takes its runs away with them. It goes on past branches as far as instructions have been
 * decoded, and behind a jump where a branch of the run itself goes: so a way around something is inside it. It leaves behind a
 * system call, before what has no stencil, and where another run begins. A branch to its beginning is a loop.
 */
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout.ts';
import type { RecordDecoder } from '../tier0/decoder.ts';
import {
  CONDITION_HANDLERS,
  HANDLER,
  RECORD,
  RECORD_SCALE,
  RECORDS_BASE,
  type RecordViews,
} from '../tier0/record.ts';
import { Range } from './access-shape.ts';
import { AccessGroups } from './groups.ts';
import { COND_SHIFT, ENTRY, FLAG, type Stencils } from './stencil.ts';

/** Instructions in one run. */
const MAX_LENGTH = 64;
/** There may be more: the last is an IT's block. */
const ROOM = MAX_LENGTH + 3;
const CONDITIONS_END = HANDLER.CONDITIONS + 2 * CONDITION_HANDLERS;
const NZCV = 15;
/** The entry of what does nothing: that of the handler which decodes. */
const NO_STENCIL = HANDLER.DECODE;

/** Where code begins: a record (where it lies among all), and its address, as a signed number. */
export interface Place {
  readonly record: number;
  readonly address: number;
}

/** An instruction of a run. */
export class RunInsn {
  declare record: number;
  /** That of the page: of an instruction in an IT block it is another. */
  declare inPage: number;
  declare address: number;
  /** Bytes of code. */
  declare size: number;
  /** Its own handler, and the entry of the stencil for it: the same, or that of what leaves flags alone. */
  declare handler: number;
  declare stencil: number;
  /** Entry of the stencil for its condition; 0 where it has none. */
  declare condition: number;
  /** 1 for the first of an IT block, else 0. */
  declare beginsBlock: number;
  /** Where a direct branch goes, -1 for what is none; and where in the run that is, -1 for elsewhere. */
  declare target: number;
  declare goesTo: number;
  /** A branch of the run goes there; one from before. */
  declare isJoin: boolean;
  declare endsBlock: boolean;
  /** Flags that are read from it on. */
  declare live: number;
  /** Goes on where the run does not: behind it. */
  declare leaves: boolean;
  /** What it accesses, if that is known; whether it tests all of this first, for others behind it and itself. */
  readonly range = new Range();
  declare tests: boolean;
  /** Its access needs no test of its own. */
  declare isTested: boolean;
  /** Of a branch: the comparison before it that is made together with it, by the entry `fused`. */
  declare comparison: RunInsn | null;
  declare fused: number;
  /** And whether the comparison is to set its flags where the branch is taken. */
  declare setsFlags: boolean;

  constructor() {
    this.begin(0, 0, 0, 0, 0);
  }

  /** Becomes another, of which no more is known. */
  begin(record: number, inPage: number, address: number, size: number, handler: number): void {
    this.record = record;
    this.inPage = inPage;
    this.address = address;
    this.size = size;
    this.handler = handler;
    this.stencil = handler;
    this.condition = 0;
    this.beginsBlock = 0;
    this.target = -1;
    this.goesTo = -1;
    this.isJoin = false;
    this.endsBlock = false;
    this.live = NZCV;
    this.leaves = false;
    this.tests = false;
    this.isTested = false;
    this.comparison = null;
    this.fused = 0;
    this.setsFlags = false;
  }
}

/**
 * So many instructions in the order of addresses, none where there can be no run; and where it would go on if it might be longer.
 * The next run has the same objects: a start of python puts 28,000 into runs.
 */
export interface Run {
  readonly insns: readonly RunInsn[];
  length: number;
  rest: Place | null;
}

export class RunFinder {
  readonly #stencils: Stencils;
  readonly #entries: Int32Array;
  readonly #decoder: RecordDecoder;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  readonly #groups: AccessGroups;
  readonly #run: Run = { insns: Array.from({ length: ROOM }, () => new RunInsn()), length: 0, rest: null };
  /** Where the run under way has each halfword of the page, and one more; 0 for none. */
  readonly #places = new Uint8Array(PAGE_SIZE / 2);
  /** Where branches of the run go that it has not come to. */
  #ahead: number[] = [];

  constructor(stencils: Stencils, decoder: RecordDecoder, records: RecordViews) {
    this.#stencils = stencils;
    this.#entries = stencils.entries;
    this.#decoder = decoder;
    this.#u8 = records.u8;
    this.#u16 = records.u16;
    this.#i32 = records.i32;
    this.#groups = new AccessGroups(stencils.entries, records);
  }

  /** Whether a run begins at a record. */
  isStitched(record: number): boolean {
    return this.#u16[(record + RECORD.handler) >>> 1]! >= this.#stencils.handlers;
  }

  /** The run from a place on, until the next is asked for. */
  find(place: Place): Run {
    const run = this.#run;
    const { insns } = run;
    run.length = 0;
    run.rest = null;
    this.#ahead.length = 0;
    let { record, address } = place;
    for (let goesOn = false; ; ) {
      const before = run.length;
      const size = record !== place.record && this.isStitched(record) ? 0 : this.#add(record, address);
      if (size === 0 && goesOn) {
        insns[before - 1]!.leaves = true;
        if (before >= MAX_LENGTH) run.rest = { record, address };
      }
      goesOn = size !== 0;
      for (let i = before; i < run.length; i++) {
        const insn = insns[i]!;
        if (isNear(insn) && insn.target > insn.address) this.#ahead.push(insn.target);
        goesOn = this.#goesOn(insn);
      }
      record += size * RECORD_SCALE;
      address += size;
      if (goesOn) continue;
      const next = this.#nextAhead(size === 0 ? address + 1 : address);
      if (next === -1) break;
      record += (next - address) * RECORD_SCALE;
      address = next;
    }
    this.#findJoins();
    this.#leaveDeadFlags();
    this.#groups.find(run);
    return run;
  }

  /** The first place from an address on that a branch of the run goes to; -1 when there is none. */
  #nextAhead(from: number): number {
    const ahead = this.#ahead;
    let next = -1;
    for (let i = 0; i < ahead.length; i++) {
      const target = ahead[i]!;
      if (target >= from && (next === -1 || target < next)) next = target;
    }
    return next;
  }

  /** Finds out where in the run its branches go. */
  #findJoins(): void {
    const { insns, length } = this.#run;
    const places = this.#places;
    for (let i = 0; i < length; i++) {
      const insn = insns[i]!;
      if (insn.record === insn.inPage) places[(insn.address & PAGE_MASK) >>> 1] = i + 1;
    }
    for (let i = 0; i < length; i++) {
      const insn = insns[i]!;
      const to = isNear(insn) ? places[(insn.target & PAGE_MASK) >>> 1]! - 1 : -1;
      if (to < 0) continue;
      insn.goesTo = to;
      const target = insns[to]!;
      target.isJoin = true;
      if (to > i) target.endsBlock = true;
    }
    for (let i = 0; i < length; i++) places[(insns[i]!.address & PAGE_MASK) >>> 1] = 0;
  }

  /** Whether the run goes on behind an instruction. */
  #goesOn(insn: RunInsn): boolean {
    const flags = this.#flagsOf(insn.handler);
    if (flags & FLAG.JUMPS && insn.condition === 0) return false;
    insn.leaves = (flags & FLAG.ENDS) !== 0;
    return !insn.leaves;
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
    const ahead = this.#entries[own * ENTRY.words + ENTRY.ahead]!;
    const size = sizeOf(handler, flags);
    const run = this.#run;
    const insn = run.insns[run.length++]!;
    insn.begin(record, inPage, address, size, own);
    if (own !== handler) insn.condition = handler;
    if (ahead !== 0) insn.target = (address + ahead + this.#i32[(record + RECORD.word) >>> 2]!) | 0;
    return size;
  }

  /** Adds the instructions of an IT block. Gives the bytes of code of the IT and its block; 0 when not all have stencils. */
  #block(record: number, address: number): number {
    const run = this.#run;
    const { insns } = run;
    const before = run.length;
    let at = this.#i32[(record + RECORD.word) >>> 2]! - RECORDS_BASE;
    let length = 2;
    for (;;) {
      const handler = this.#handlerAt(at);
      if (handler === HANDLER.NEXT_PAGE) {
        insns[before]!.beginsBlock = 1;
        return length;
      }
      const size = this.#one(handler, at, record + length * RECORD_SCALE, address + length);
      if (size === 0 || this.#flagsOf(insns[run.length - 1]!.handler) & FLAG.ENDS) {
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
    return handler < this.#stencils.handlers ? this.#entries[handler * ENTRY.words + ENTRY.flags]! : 0;
  }

  /**
   * Takes the stencils that write no flags, where nobody reads them. As in compiled code (jit/compile.ts), a fault between may
   * leave a dead flag wrong in the state block, never a live one.
   */
  #leaveDeadFlags(): void {
    const entries = this.#entries;
    const { insns, length } = this.#run;
    let live = NZCV;
    /** Those that are read where the branch behind is taken, and where it is not. */
    let taken = NZCV;
    let notTaken = NZCV;
    for (let i = length - 1; i >= 0; i--) {
      const insn = insns[i]!;
      const entry = insn.stencil * ENTRY.words;
      const flags = entries[entry + ENTRY.flags]!;
      const writes = entries[entry + ENTRY.writes]!;
      const quiet = entries[entry + ENTRY.quiet]!;
      if (insn.leaves || flags & FLAG.ENDS) live = NZCV;
      if (flags & (FLAG.JUMPS | FLAG.MAY_JUMP)) {
        const isOnly = flags & FLAG.JUMPS && insn.condition === 0;
        taken = insn.goesTo > i ? insns[insn.goesTo]!.live : NZCV;
        notTaken = isOnly ? 0 : live;
        live = taken | notTaken;
      }
      const isLast = i === length - 1;
      const branch = isLast || (writes & notTaken & NZCV) !== 0 ? null : this.#branchOf(insn, insns[i + 1]!);
      if (branch !== null) {
        insn.stencil = NO_STENCIL;
        branch.comparison = insn;
        const cond = (this.#flagsOf(branch.handler) >>> COND_SHIFT) & 15;
        branch.fused = entries[entry + ENTRY.fused]! + cond;
        branch.setsFlags = (writes & taken & NZCV) !== 0;
      } else if (quiet !== 0 && (writes & live & NZCV) === 0) insn.stencil = quiet;
      if (insn.condition === 0) live &= ~(writes >>> 8);
      live |= entries[entry + ENTRY.reads]!;
      if (insn.condition !== 0) live |= entries[insn.condition * ENTRY.words + ENTRY.reads]!;
      insn.live = live;
    }
  }

  /** Of a comparison the branch that may be made together with it: the next instruction, when nothing else comes to it. */
  #branchOf(insn: RunInsn, next: RunInsn): RunInsn | null {
    const isComparison =
      this.#entries[insn.stencil * ENTRY.words + ENTRY.fused] !== 0 && insn.condition === 0;
    if (!isComparison || next.isJoin) return null;
    const isBehind = next.address === insn.address + insn.size;
    return isBehind && this.#flagsOf(next.handler) & FLAG.HAS_COND ? next : null;
  }
}

/** Whether a direct branch stays in its page. */
export function isNear({ target, address }: RunInsn): boolean {
  return target !== -1 && (target ^ address) >>> PAGE_SHIFT === 0;
}

const isCondition = (handler: number): boolean => handler >= HANDLER.CONDITIONS && handler < CONDITIONS_END;

/** Bytes of code of an instruction: A32's and T16's that jump may have one handler behind those of their conditions. */
function sizeOf(handler: number, flags: number): number {
  const isLong = isCondition(handler)
    ? handler >= HANDLER.CONDITIONS + CONDITION_HANDLERS
    : (flags & FLAG.LONG) !== 0;
  return isLong ? 4 : 2;
}
