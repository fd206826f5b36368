/**
 * The interpreter's handlers that belong to no instruction: what decodes, goes on to another page, enters compiled code, goes
 * into an IT block and counts. As all handlers they are (state block, record, address) -> location or LEAVE.
 */
import { OFF } from '../cpu-state.ts';
import { MAX_DEPTH } from '../jit/compile.ts';
import { CPU, LEAVE } from '../jit/convention.ts';
import { addToState } from '../jit/function-writer.ts';
import { ByteWriter, type FuncBody, I32, OP, VOID } from '../jit/wasm.ts';
import { CODE, EXEC, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT } from '../memory/layout.ts';
import {
  A,
  ADDRESS,
  B,
  controlIndex,
  dispatch,
  HANDLER_TABLE,
  HANDLER_TYPE,
  imported,
  leaveUnless,
  offsetInPage,
  REC,
  recordsOf,
  state,
  tail,
  when,
} from './control.ts';
import { loadShared } from './quick.ts';
import { HANDLER, MASTER, MASTER_FACTOR, MASTER_KIND, RECORD } from './record.ts';

function handler(write: (w: ByteWriter) => void): FuncBody {
  const w = new ByteWriter(256);
  write(w);
  return { type: HANDLER_TYPE, locals: [[3, I32]], code: w.view().slice() };
}

/** Has a fresh record counted, as RecordMaker does; `head` is a local that is overwritten. */
function countRecord(w: ByteWriter, head: number): void {
  w.get(REC);
  w.mem(OP.i32_load, RECORD.handler);
  w.set(head);
  const hasInner = () => {
    w.get(head);
    w.i32(16);
    w.byte(OP.i32_shr_u);
  };
  w.get(REC);
  w.get(head);
  w.i32(0);
  hasInner();
  w.byte(OP.select);
  w.mem(OP.i32_store8, RECORD.counted);
  w.get(REC);
  w.get(head);
  w.i32(0xffff_0000 | 0);
  w.byte(OP.i32_and);
  w.get(head);
  w.i32(16);
  w.byte(OP.i32_shl);
  hasInner();
  w.byte(OP.select);
  w.i32(HANDLER.COUNT);
  w.byte(OP.i32_or);
  w.mem(OP.i32_store, RECORD.handler);
}

/** Goes to the location of the address. */
function goToAddress(w: ByteWriter, by: 'goTo' | 'goBranch' = 'goTo'): void {
  w.get(CPU);
  w.get(ADDRESS);
  state(w, OFF.thumb);
  w.byte(OP.i32_or);
  w.i32(0);
  tail(w, by);
}

/** An IT (its bits are in a local) gets the records of its block, unless instructions are counted: TypeScript makes those. */
function decodeBlock(w: ByteWriter, bits: number): void {
  w.get(bits);
  w.i32(0xffff_ff00 | 0);
  w.byte(OP.i32_and);
  w.i32(0xbf00);
  w.byte(OP.i32_eq);
  // Hints have a mask of 0.
  w.get(bits);
  w.i32(15);
  w.byte(OP.i32_and);
  w.i32(0);
  w.byte(OP.i32_ne);
  w.byte(OP.i32_and);
  state(w, OFF.timed);
  w.byte(OP.i32_eqz);
  w.byte(OP.i32_and);
  // A32 encodings have 32 bits, and may look so.
  state(w, OFF.thumb);
  w.byte(OP.i32_and);
  when(w, () => {
    w.get(REC);
    w.get(ADDRESS);
    w.i32(2);
    w.byte(OP.i32_add);
    w.get(bits);
    w.i32(0xff);
    w.byte(OP.i32_and);
    w.call(controlIndex('itBlock'));
    when(w, () => dispatch(w, REC, ADDRESS));
  });
}

/**
 * Sets the encoding at the address and its kind; leaves the block around when a half of it may be on a page that is not there.
 */
function fetch(w: ByteWriter, bits: number, kind: number): void {
  state(w, OFF.thumb);
  w.byte(OP.if);
  w.byte(VOID);
  w.i32(MASTER_KIND.T16);
  w.set(kind);
  w.get(ADDRESS);
  w.mem(OP.i32_load16_u, 0);
  w.tee(bits);
  w.i32(0xe800);
  w.byte(OP.i32_ge_u);
  when(w, () => {
    // The other half may be on a page that is not there, or whose changes nobody would tell.
    w.get(ADDRESS);
    w.i32(PAGE_MASK);
    w.byte(OP.i32_and);
    w.i32(PAGE_MASK - 1);
    w.byte(OP.i32_eq);
    when(w, () => {
      w.get(ADDRESS);
      w.i32(2);
      w.byte(OP.i32_add);
      w.i32(PAGE_SHIFT);
      w.byte(OP.i32_shr_u);
      w.mem(OP.i32_load8_u, PAGE_BYTES);
      w.i32(EXEC | CODE);
      w.byte(OP.i32_and);
      w.i32(EXEC | CODE);
      w.byte(OP.i32_ne);
      w.byte(OP.br_if);
      w.u32(3);
    });
    w.i32(MASTER_KIND.T32);
    w.set(kind);
    w.get(bits);
    w.i32(16);
    w.byte(OP.i32_shl);
    w.get(ADDRESS);
    w.mem(OP.i32_load16_u, 2);
    w.byte(OP.i32_or);
    w.set(bits);
  });
  w.byte(OP.else);
  w.i32(MASTER_KIND.A32);
  w.set(kind);
  w.get(ADDRESS);
  w.mem(OP.i32_load, 0);
  w.set(bits);
  w.byte(OP.end);
}

/** Fills the record from the tables, if they have the encoding, and goes to it. */
function decodeByTables(w: ByteWriter, bits: number, kind: number): void {
  w.get(REC);
  w.get(bits);
  w.get(kind);
  w.call(controlIndex('quick'));
  when(w, () => {
    // Where instructions are counted each has a record of its own, behind HANDLER.COUNT.
    state(w, OFF.timed);
    when(w, () => {
      countRecord(w, bits);
      dispatch(w, REC, ADDRESS);
    });
    w.get(REC);
    w.get(ADDRESS);
    w.i32(2);
    w.i32(4);
    w.get(kind);
    w.i32(MASTER_KIND.T16);
    w.byte(OP.i32_eq);
    w.byte(OP.select);
    w.call(controlIndex('fuse'));
    w.byte(OP.drop);
    dispatch(w, REC, ADDRESS);
  });
}

/** Fills the record from the master table and goes to it; leaves the block around when the encoding is not there. */
function copyFromMaster(w: ByteWriter, bits: number, kind: number, entry: number): void {
  w.get(bits);
  w.get(kind);
  w.byte(OP.i32_xor);
  w.i32(MASTER_FACTOR);
  w.byte(OP.i32_mul);
  w.i32(32 - MASTER.entriesLog2);
  w.byte(OP.i32_shr_u);
  w.i32(MASTER.shift);
  w.byte(OP.i32_shl);
  w.tee(entry);
  loadShared(w, OP.i32_load, MASTER.bits);
  w.get(bits);
  w.byte(OP.i32_ne);
  w.byte(OP.br_if);
  w.u32(0);
  w.get(entry);
  loadShared(w, OP.i32_load, MASTER.kind);
  w.get(kind);
  w.byte(OP.i32_ne);
  w.byte(OP.br_if);
  w.u32(0);
  for (const offset of [0, 8]) {
    w.get(REC);
    w.get(entry);
    loadShared(w, OP.i64_load, MASTER.record + offset);
    w.mem(OP.i64_store, offset);
  }
  dispatch(w, REC, ADDRESS);
}

export const decodeHandler = (): FuncBody =>
  handler((w) => {
    const [bits, kind, entry] = [A, A + 1, A + 2];
    // Records of a page that has been invalidated are those of no page.
    recordsOf(w, ADDRESS, () => state(w, OFF.thumb));
    offsetInPage(w, ADDRESS);
    w.byte(OP.i32_add);
    w.get(REC);
    w.byte(OP.i32_ne);
    when(w, () => goToAddress(w));
    w.byte(OP.block);
    w.byte(VOID);
    fetch(w, bits, kind);
    decodeByTables(w, bits, kind);
    decodeBlock(w, bits);
    copyFromMaster(w, bits, kind, entry);
    w.byte(OP.end);
    w.get(CPU);
    w.get(REC);
    w.get(ADDRESS);
    w.call(imported('decode'));
    leaveUnless(w);
    dispatch(w, REC, ADDRESS);
  });

/**
 * Behind a page, and behind an IT block. In the next page it is counted as a branch there: long code without branches has nothing
 * else that tells how often it is run.
 */
export const nextPageHandler = (): FuncBody =>
  handler((w) => {
    w.get(ADDRESS);
    w.i32(PAGE_MASK & -4);
    w.byte(OP.i32_and);
    w.byte(OP.i32_eqz);
    when(w, () => goToAddress(w, 'goBranch'));
    goToAddress(w);
  });

export const compiledHandler = (): FuncBody =>
  handler((w) => {
    const next = A;
    // For the stub in a slot that has no code any more.
    w.get(CPU);
    w.get(ADDRESS);
    state(w, OFF.thumb);
    w.byte(OP.i32_or);
    w.mem(OP.i32_store, OFF.target);
    const timed = (begins: number) => {
      state(w, OFF.timed);
      when(w, () => {
        w.get(CPU);
        w.i32(begins);
        w.call(imported('compiled'));
        w.byte(OP.drop);
      });
    };
    timed(1);
    w.get(CPU);
    state(w, OFF.depth);
    state(w, OFF.stopAt);
    w.get(REC);
    w.mem(OP.i32_load, RECORD.word);
    w.call(imported('enterCompiled'));
    w.set(next);
    timed(0);
    w.get(next);
    w.i32(LEAVE);
    w.byte(OP.i32_eq);
    w.get(next);
    state(w, OFF.stopAt);
    w.byte(OP.i32_eq);
    w.byte(OP.i32_or);
    // Far up the host's stack nothing is begun anew: the frames below give way until there is room.
    state(w, OFF.depth);
    w.i32(MAX_DEPTH >> 1);
    w.byte(OP.i32_gt_s);
    w.byte(OP.i32_or);
    when(w, () => {
      w.get(next);
      w.byte(OP.return);
    });
    const goOn = (by: 'goTo' | 'goBranch') => {
      w.get(CPU);
      w.get(next);
      w.i32(0);
      tail(w, by);
    };
    // Where a call by the interpreter returns to is counted as it is when the callee is not compiled. `miss` has counted.
    w.get(next);
    state(w, OFF.target);
    w.byte(OP.i32_eq);
    when(w, () => goOn('goTo'));
    goOn('goBranch');
  });

/** For --stats: counts in OFF.interpreted, and goes on with the handler of the instruction. */
export const countHandler = (): FuncBody =>
  handler((w) => {
    addToState(w, OFF.interpreted, 1);
    for (const parameter of [CPU, REC, ADDRESS]) w.get(parameter);
    w.get(REC);
    w.mem(OP.i32_load8_u, RECORD.counted);
    w.get(REC);
    w.mem(OP.i32_load16_u, RECORD.inner);
    w.get(REC);
    w.mem(OP.i32_load8_u, RECORD.counted);
    w.byte(OP.select);
    w.byte(OP.return_call_indirect);
    w.u32(HANDLER_TYPE);
    w.u32(HANDLER_TABLE);
  });

/** Into the records of the block behind. */
export const itHandler = (): FuncBody =>
  handler((w) => {
    w.get(REC);
    w.mem(OP.i32_load, RECORD.word);
    w.set(A);
    w.get(ADDRESS);
    w.i32(2);
    w.byte(OP.i32_add);
    w.set(B);
    dispatch(w, A, B);
  });
