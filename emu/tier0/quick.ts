/**
 * Decoding without TypeScript: a function of the interpreter's module that makes the record of an encoding from the tables of
 * kinds.ts. (record, encoding, MASTER_KIND) -> 1 when it has; 0: the tables do not know it. T16 in an IT block has IN_BLOCK
 * besides. And another that makes pairs (pairs.ts).
 */
import type { ByteWriter, FuncBody } from '../jit/wasm.ts';
import { I32, OP, VOID } from '../jit/wasm.ts';
import { PAGE_MASK, PAGE_SIZE } from '../memory/layout.ts';
import { CONDITIONAL, HAS_KINDS, KIND, KIND_FACTORS, NO_ROW, PAIR, ROW, RUN, TABLES } from './kinds.ts';
import { conditionHandler, MASTER_KIND, RECORD, RECORD_SCALE, TABLES_AT } from './record.ts';

const [REC, BITS, ISA] = [0, 1, 2];
/** Locals behind the parameters. */
const [AT, ID, ROW_AT, RUN_AT, LEFT, KEY, SLOT, VALUE, WORD1, WORD2] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const LOCALS = 10;

/** Loads from the memory of the tables, with the address on the stack. */
export function loadShared(w: ByteWriter, op: number, offset: number): void {
  w.byte(op);
  w.u32(0x40);
  w.u32(1);
  w.u32(offset);
}

function load(w: ByteWriter, local: number, offset: number, op: number = OP.i32_load): void {
  w.get(local);
  loadShared(w, op, offset);
}

function constants(w: ByteWriter, op: number, value: number): void {
  w.i32(value);
  w.byte(op);
}

function block(w: ByteWriter, op: number, body: () => void): void {
  w.byte(op);
  w.byte(VOID);
  body();
  w.byte(OP.end);
}

function branch(w: ByteWriter, op: number, label: number): void {
  w.byte(op);
  w.u32(label);
}

/** Adds a constant to a local. */
function advance(w: ByteWriter, local: number, by: number): void {
  w.get(local);
  constants(w, OP.i32_add, by);
  w.set(local);
}

function failIf(w: ByteWriter): void {
  block(w, OP.if, () => {
    w.i32(0);
    w.byte(OP.return);
  });
}

/** Leaves bits `from`.. of the encoding, shifted right, where the mask has ones. */
function field(w: ByteWriter, shift: number, mask: number): void {
  w.get(BITS);
  constants(w, OP.i32_shr_u, shift);
  constants(w, OP.i32_and, mask);
}

/** Puts the place of the index's halfword in AT. The indexes are those of the tables in decode/tables.ts. */
function findIndex(w: ByteWriter): void {
  const halfword = (table: number) => {
    constants(w, OP.i32_shl, 1);
    constants(w, OP.i32_add, table);
  };
  w.get(ISA);
  constants(w, OP.i32_eq, MASTER_KIND.T16);
  w.byte(OP.if);
  w.byte(I32);
  field(w, 6, 0x3ff);
  halfword(TABLES.T16);
  w.byte(OP.else);
  w.get(ISA);
  constants(w, OP.i32_eq, MASTER_KIND.T32);
  w.byte(OP.if);
  w.byte(I32);
  field(w, 15, 0x3fe0);
  field(w, 11, 16);
  w.byte(OP.i32_or);
  field(w, 4, 15);
  w.byte(OP.i32_or);
  halfword(TABLES.T32);
  w.byte(OP.else);
  field(w, 16, 0xff0);
  field(w, 4, 15);
  w.byte(OP.i32_or);
  constants(w, OP.i32_shl, 1);
  w.i32(TABLES.A32_UNCONDITIONAL);
  w.i32(TABLES.A32);
  w.get(BITS);
  constants(w, OP.i32_ge_u, 0xf000_0000 | 0);
  w.byte(OP.select);
  w.byte(OP.i32_add);
  w.byte(OP.end);
  w.byte(OP.end);
  w.set(AT);
}

/** Puts the first row that the bits match in ID and its place in ROW_AT. */
function findRow(w: ByteWriter): void {
  findIndex(w);
  load(w, AT, TABLES_AT, OP.i32_load16_u);
  constants(w, OP.i32_shl, 1);
  w.i32(0);
  loadShared(w, OP.i32_load, TABLES_AT + TABLES.lists);
  w.byte(OP.i32_add);
  w.set(AT);
  block(w, OP.loop, () => {
    load(w, AT, 0, OP.i32_load16_u);
    w.tee(ID);
    constants(w, OP.i32_eq, NO_ROW);
    failIf(w);
    advance(w, AT, 2);
    w.get(ID);
    constants(w, OP.i32_mul, ROW.size);
    w.i32(0);
    loadShared(w, OP.i32_load, TABLES_AT + TABLES.rows);
    w.byte(OP.i32_add);
    w.tee(ROW_AT);
    loadShared(w, OP.i32_load, ROW.mask);
    w.get(BITS);
    w.byte(OP.i32_and);
    load(w, ROW_AT, ROW.value);
    w.byte(OP.i32_ne);
    branch(w, OP.br_if, 0);
  });
}

/** Goes through the row's runs, with the value that each has in VALUE. */
function eachRun(w: ByteWriter, body: () => void): void {
  load(w, ROW_AT, ROW.runsAt);
  w.set(RUN_AT);
  load(w, ROW_AT, ROW.runs, OP.i32_load8_u);
  w.set(LEFT);
  block(w, OP.loop, () => {
    w.get(BITS);
    load(w, RUN_AT, RUN.lsb, OP.i32_load8_u);
    w.byte(OP.i32_shr_u);
    w.i32(1);
    load(w, RUN_AT, RUN.width, OP.i32_load8_u);
    w.byte(OP.i32_shl);
    constants(w, OP.i32_add, -1);
    w.byte(OP.i32_and);
    w.set(VALUE);
    body();
    advance(w, RUN_AT, RUN.size);
    w.get(LEFT);
    constants(w, OP.i32_add, -1);
    w.tee(LEFT);
    branch(w, OP.br_if, 0);
  });
}

/** Puts the place of the kind in AT. */
function findKind(w: ByteWriter): void {
  w.get(BITS);
  load(w, ROW_AT, ROW.kindMask);
  w.byte(OP.i32_and);
  w.tee(KEY);
  w.get(ID);
  constants(w, OP.i32_mul, KIND_FACTORS.row);
  w.byte(OP.i32_xor);
  constants(w, OP.i32_mul, KIND_FACTORS.all);
  constants(w, OP.i32_shr_u, 32 - TABLES.hashLog2);
  w.set(SLOT);
  block(w, OP.loop, () => {
    w.get(SLOT);
    constants(w, OP.i32_shl, 2);
    loadShared(w, OP.i32_load, TABLES_AT + TABLES.hash);
    w.tee(AT);
    w.byte(OP.i32_eqz);
    failIf(w);
    w.get(SLOT);
    constants(w, OP.i32_add, 1);
    constants(w, OP.i32_and, (1 << TABLES.hashLog2) - 1);
    w.set(SLOT);
    load(w, AT, KIND.row);
    w.get(ID);
    w.byte(OP.i32_ne);
    load(w, AT, KIND.bits);
    w.get(KEY);
    w.byte(OP.i32_ne);
    w.byte(OP.i32_or);
    branch(w, OP.br_if, 0);
  });
}

function hasFlag(w: ByteWriter, flag: number): void {
  load(w, ROW_AT, ROW.flags, OP.i32_load8_u);
  constants(w, OP.i32_and, flag);
}

/** Stores word 0: the kind's, under a condition that is not part of it behind the handler that tests it. */
function storeHead(w: ByteWriter): void {
  w.get(REC);
  hasFlag(w, CONDITIONAL);
  constants(w, OP.i32_ne, 0);
  w.get(BITS);
  constants(w, OP.i32_lt_u, 0xe000_0000 | 0);
  w.byte(OP.i32_and);
  w.byte(OP.if);
  w.byte(I32);
  load(w, AT, KIND.head);
  constants(w, OP.i32_shl, 16);
  w.get(BITS);
  constants(w, OP.i32_shr_u, 28);
  constants(w, OP.i32_add, conditionHandler(0, 4));
  w.byte(OP.i32_or);
  w.byte(OP.else);
  load(w, AT, KIND.head);
  w.byte(OP.end);
  w.mem(OP.i32_store, RECORD.handler);
}

export function quickBody(w: ByteWriter, type: number): FuncBody {
  findRow(w);
  hasFlag(w, HAS_KINDS);
  w.byte(OP.i32_eqz);
  failIf(w);
  eachRun(w, () => {
    load(w, RUN_AT, RUN.excluded);
    w.get(VALUE);
    w.byte(OP.i32_shr_u);
    constants(w, OP.i32_and, 1);
    failIf(w);
  });
  findKind(w);
  storeHead(w);
  for (const [word, offset] of [
    [WORD1, 0],
    [WORD2, 4],
  ] as const) {
    load(w, AT, KIND.words + offset);
    w.set(word);
  }
  w.get(AT);
  w.set(SLOT);
  eachRun(w, () => {
    for (const [word, offset] of [
      [WORD1, 0],
      [WORD2, 4],
    ] as const) {
      w.get(word);
      w.get(VALUE);
      load(w, SLOT, KIND.weights + offset);
      w.byte(OP.i32_mul);
      w.byte(OP.i32_add);
      w.set(word);
    }
    advance(w, SLOT, KIND.weight);
  });
  for (const [local, offset] of [
    [WORD1, RECORD.bytes],
    [WORD2, RECORD.word],
  ] as const) {
    w.get(REC);
    w.get(local);
    w.mem(OP.i32_store, offset);
  }
  w.get(REC);
  w.i32(0);
  w.mem(OP.i32_store, RECORD.count);
  w.i32(1);
  return { type, locals: [[LOCALS, I32]], code: w.view().slice() };
}

const PAIR_MASK = (1 << TABLES.pairsLog2) - 1;
/** Parameters and locals of `fuse`. */
const [ADDRESS, SIZE] = [1, 2];
const [ENTRY, BOTH] = [3, 4];

/**
 * Makes pairs with the instructions before and behind one that has just been decoded: (record, address, size) -> 0. Both must
 * lie on one page, so that they are forgotten together.
 */
export function fuseBody(w: ByteWriter, type: number): FuncBody {
  const handlerAt = (record: number, offset: number) => {
    w.get(record);
    if (offset !== 0) constants(w, OP.i32_add, offset);
    w.mem(OP.i32_load16_u, RECORD.handler);
  };
  const offsetOnPage = () => {
    w.get(ADDRESS);
    constants(w, OP.i32_and, PAGE_MASK);
  };
  /** Looks for the pair in BOTH, and where it is one whose first is of `size` bytes, puts its handler in the first's record. */
  const pairUp = (size: () => void, record: () => void) => {
    w.get(BOTH);
    constants(w, OP.i32_mul, KIND_FACTORS.all);
    constants(w, OP.i32_shr_u, 32 - TABLES.pairsLog2);
    w.set(ENTRY);
    block(w, OP.block, () => {
      block(w, OP.loop, () => {
        const at = (op: number, offset: number) => {
          w.get(ENTRY);
          constants(w, OP.i32_shl, 3);
          loadShared(w, op, TABLES_AT + TABLES.pairs + offset);
        };
        at(OP.i32_load16_u, PAIR.handler);
        w.byte(OP.i32_eqz);
        branch(w, OP.br_if, 1);
        at(OP.i32_load, PAIR.first);
        w.get(BOTH);
        w.byte(OP.i32_eq);
        at(OP.i32_load16_u, PAIR.size);
        size();
        w.byte(OP.i32_eq);
        w.byte(OP.i32_and);
        block(w, OP.if, () => {
          record();
          at(OP.i32_load16_u, PAIR.handler);
          w.mem(OP.i32_store16, RECORD.handler);
          branch(w, OP.br, 2);
        });
        w.get(ENTRY);
        constants(w, OP.i32_add, 1);
        constants(w, OP.i32_and, PAIR_MASK);
        w.set(ENTRY);
        branch(w, OP.br, 0);
      });
    });
  };
  const before = (size: number) => {
    offsetOnPage();
    constants(w, OP.i32_ge_u, size);
    block(w, OP.if, () => {
      handlerAt(REC, 0);
      constants(w, OP.i32_shl, 16);
      handlerAt(REC, -size * RECORD_SCALE);
      w.byte(OP.i32_or);
      w.set(BOTH);
      pairUp(
        () => w.i32(size),
        () => {
          w.get(REC);
          constants(w, OP.i32_add, -size * RECORD_SCALE);
        },
      );
    });
  };
  // The last halfword's instruction may be forgotten alone, for it may go on in the next page.
  offsetOnPage();
  constants(w, OP.i32_le_u, PAGE_SIZE - 4);
  block(w, OP.if, () => {
    before(2);
    before(4);
  });
  offsetOnPage();
  w.get(SIZE);
  w.byte(OP.i32_add);
  constants(w, OP.i32_le_u, PAGE_SIZE - 4);
  block(w, OP.if, () => {
    w.get(REC);
    w.get(SIZE);
    constants(w, OP.i32_mul, RECORD_SCALE);
    w.byte(OP.i32_add);
    w.mem(OP.i32_load16_u, RECORD.handler);
    constants(w, OP.i32_shl, 16);
    handlerAt(REC, 0);
    w.byte(OP.i32_or);
    w.set(BOTH);
    pairUp(
      () => w.get(SIZE),
      () => w.get(REC),
    );
  });
  w.i32(0);
  return { type, locals: [[2, I32]], code: w.view().slice() };
}
