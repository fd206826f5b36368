/**
 * The records of an IT block, made in wasm from the tables (quick.ts). They lie apart from those of the page, one behind the
 * other: each has its condition, and ITSTATE for who leaves in the midst of the block. The record of the IT names them.
 */

import { type ByteWriter, type FuncBody, I32, OP, VOID } from '../jit/wasm.ts';
import { ALWAYS } from '../machine/machine.ts';
import { IT_ROOM, PAGE_MASK, PAGE_SIZE } from '../memory/layout.ts';
import { IN_BLOCK } from './kinds.ts';
import { conditionHandler, HANDLER, MASTER_KIND, RECORD, RECORD_SCALE } from './record.ts';

/** Bytes of code in the longest block: four instructions. */
const LONGEST_BLOCK = 16;
/** Room for the records of a block, with the one behind it. */
export const BLOCK_ROOM = (LONGEST_BLOCK + 2) * RECORD_SCALE;

/** Parameters; START goes on to each instruction. */
const [REC, START, STATE] = [0, 1, 2];
const [AT, BITS, KIND, SIZE] = [3, 4, 5, 6];

function block(w: ByteWriter, op: number, body: () => void): void {
  w.byte(op);
  w.byte(VOID);
  body();
  w.byte(OP.end);
}

function giveUpIf(w: ByteWriter): void {
  block(w, OP.if, () => {
    w.i32(0);
    w.byte(OP.return);
  });
}

function constant(w: ByteWriter, op: number, value: number): void {
  w.i32(value);
  w.byte(op);
}

/** Sets AT to where the records are to be; gives up when there is none, or the block may not be made. */
function findRoom(w: ByteWriter): void {
  // Of a block that may go on in another page TypeScript finds out whether it does, and one for "always" is rare.
  w.get(START);
  constant(w, OP.i32_add, -1);
  constant(w, OP.i32_and, PAGE_MASK);
  constant(w, OP.i32_ge_u, PAGE_SIZE - LONGEST_BLOCK);
  w.get(STATE);
  constant(w, OP.i32_ge_u, ALWAYS << 4);
  w.byte(OP.i32_or);
  giveUpIf(w);
  w.i32(IT_ROOM);
  w.mem(OP.i32_load, 0);
  w.tee(AT);
  constant(w, OP.i32_add, BLOCK_ROOM);
  w.i32(IT_ROOM);
  w.mem(OP.i32_load, 4);
  w.byte(OP.i32_gt_u);
  giveUpIf(w);
}

/** Sets BITS, KIND and SIZE to those of the instruction at START. */
function fetch(w: ByteWriter): void {
  w.get(START);
  w.mem(OP.i32_load16_u, 0);
  w.tee(BITS);
  constant(w, OP.i32_ge_u, 0xe800);
  w.byte(OP.if);
  w.byte(VOID);
  w.get(BITS);
  constant(w, OP.i32_shl, 16);
  w.get(START);
  w.mem(OP.i32_load16_u, 2);
  w.byte(OP.i32_or);
  w.set(BITS);
  w.i32(MASTER_KIND.T32);
  w.set(KIND);
  w.i32(4);
  w.set(SIZE);
  w.byte(OP.else);
  w.get(BITS);
  constant(w, OP.i32_or, IN_BLOCK);
  w.set(BITS);
  w.i32(MASTER_KIND.T16);
  w.set(KIND);
  w.i32(2);
  w.set(SIZE);
  w.byte(OP.end);
}

/** Puts the condition into a record whose instruction has been decoded, and goes on to the next instruction. */
function finishRecord(w: ByteWriter): void {
  // The handler that tests the condition, and the instruction's own behind it.
  w.get(AT);
  w.get(AT);
  w.mem(OP.i32_load16_u, RECORD.handler);
  constant(w, OP.i32_shl, 16);
  w.i32(conditionHandler(0, 4));
  w.i32(conditionHandler(0, 2));
  w.get(SIZE);
  constant(w, OP.i32_eq, 4);
  w.byte(OP.select);
  w.get(STATE);
  constant(w, OP.i32_shr_u, 4);
  w.byte(OP.i32_add);
  w.byte(OP.i32_or);
  w.mem(OP.i32_store, RECORD.handler);
  w.get(AT);
  w.get(STATE);
  w.mem(OP.i32_store8, RECORD.it);
  w.get(AT);
  w.get(SIZE);
  constant(w, OP.i32_mul, RECORD_SCALE);
  w.byte(OP.i32_add);
  w.set(AT);
  w.get(START);
  w.get(SIZE);
  w.byte(OP.i32_add);
  w.set(START);
}

/** Leaves ITSTATE as it is behind the instruction. */
function advance(w: ByteWriter): void {
  // ITAdvance() (ARM ARM A2.5.2).
  w.get(STATE);
  constant(w, OP.i32_and, 0xe0);
  w.get(STATE);
  constant(w, OP.i32_shl, 1);
  constant(w, OP.i32_and, 0x1f);
  w.byte(OP.i32_or);
  w.i32(0);
  w.get(STATE);
  constant(w, OP.i32_and, 7);
  w.byte(OP.select);
}

/** Has the record of the IT name those of its block, and takes their room. */
function finishBlock(w: ByteWriter): void {
  w.get(AT);
  w.i32(HANDLER.NEXT_PAGE);
  w.mem(OP.i32_store, RECORD.handler);
  w.get(REC);
  w.i32(HANDLER.IT);
  w.mem(OP.i32_store, RECORD.handler);
  w.get(REC);
  w.i32(IT_ROOM);
  w.mem(OP.i32_load, 0);
  w.mem(OP.i32_store, RECORD.word);
  w.i32(IT_ROOM);
  w.get(AT);
  constant(w, OP.i32_add, 2 * RECORD_SCALE);
  w.mem(OP.i32_store, 0);
}

/**
 * (record of the IT, address behind it, ITSTATE) -> 1 when it has made the block's records; 0: the tables do not know all of
 * them, or there is no room, and TypeScript makes them. `quick` is the number of that function.
 */
export function itBlockBody(w: ByteWriter, type: number, quick: number): FuncBody {
  findRoom(w);
  block(w, OP.loop, () => {
    fetch(w);
    for (const argument of [AT, BITS, KIND]) w.get(argument);
    w.call(quick);
    w.byte(OP.i32_eqz);
    giveUpIf(w);
    finishRecord(w);
    advance(w);
    w.tee(STATE);
    w.byte(OP.br_if);
    w.u32(0);
  });
  finishBlock(w);
  w.i32(1);
  return { type, locals: [[4, I32]], code: w.view().slice() };
}
