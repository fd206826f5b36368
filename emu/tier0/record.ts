/**
 * Decoded instructions as the wasm interpreter runs them: records of 16 bytes in the guest's own memory, out of the guest's
 * reach, one for each halfword of a page of code.
 *
 * A record knows neither its address nor its process: it is a function of the encoding (and of the place in an IT block) alone.
 * Zeros are the record of what has not been decoded yet, for handler 0 decodes.
 *
 *    0  u16  handler: index in the table of handlers
 *    2  u16  handler of the instruction itself, where the first one only tests its condition
 *    4  u8   four operands: registers as offsets in their file (core and S registers 4n, D registers 8n), small
 *            immediates as they are
 *    8  i32  a wide immediate; for HANDLER.COMPILED the table slot of the compiled code
 *   12  u16  arrivals by taken branches; from 2^16 on back to 2^15 (oneMore of control.ts)
 *   14  u8   where instructions are counted, the handler behind HANDLER.COUNT when it is not the inner one (else 0)
 *   15  u8   ITSTATE before the instruction, in an IT block (else 0)
 *
 * The records of a page lie at `records + (address & 0xfff) * 8`, so going on by n bytes of code is going on by 8n bytes of
 * records. Behind the last halfword stand two records (an instruction of four bytes may begin there) that go to the next page.
 */
import { PAGE_SIZE, RECORDS_END, RECORDS_START } from '../memory/layout.ts';

export const RECORD = { handler: 0, inner: 2, bytes: 4, word: 8, count: 12, counted: 14, it: 15 } as const;

/** Bytes of records per byte of code. */
export const RECORD_SCALE = 8;
export const RECORDS_LENGTH = PAGE_SIZE * RECORD_SCALE;
/** From one page's records to the next one's: with the two at the end, a multiple of 64. */
export const RECORDS_STRIDE = RECORDS_LENGTH + 64;

/** Where records begin, as a signed number: what is added to where one lies among them. */
export const RECORDS_BASE: number = RECORDS_START | 0;
/**
 * All records of a memory, from where they begin: what goes by where a record lies *there* has numbers of less than 31 bits, and
 * V8 makes an object of any greater one.
 */
export class RecordViews {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;

  constructor(buffer: ArrayBufferLike) {
    const bytes = RECORDS_END - RECORDS_START;
    this.u8 = new Uint8Array(buffer, RECORDS_START, bytes);
    this.u16 = new Uint16Array(buffer, RECORDS_START, bytes / 2);
    this.i32 = new Int32Array(buffer, RECORDS_START, bytes / 4);
  }
}

/** Operand bytes in a record. */
export const MAX_BYTES = 4;

/** Handlers that belong to no instruction. Conditions come behind them: 14 for instructions of two bytes, then 14 for four. */
export const HANDLER = {
  /** Takes the record from the master table, or has it decoded. */
  DECODE: 0,
  /** Behind the last record of a page. */
  NEXT_PAGE: 1,
  /** The evaluator runs the instruction, of 2 or 4 bytes. */
  STEP2: 2,
  STEP4: 3,
  /** Enters compiled code. */
  COMPILED: 4,
  /** IT: `word` is the address of the records of the block (see it-block.ts). */
  IT: 5,
  /** Counts the instruction, and goes on with its own handler. */
  COUNT: 6,
  CONDITIONS: 7,
} as const;
export const CONDITION_HANDLERS = 14;
export const FIRST_FORM: number = HANDLER.CONDITIONS + 2 * CONDITION_HANDLERS;

/** The handler that tests a condition (0..13) for an instruction of `size` bytes. */
export function conditionHandler(cond: number, size: number): number {
  return HANDLER.CONDITIONS + (size === 4 ? CONDITION_HANDLERS : 0) + cond;
}
export function stepHandler(size: number): number {
  return size === 4 ? HANDLER.STEP4 : HANDLER.STEP2;
}

/**
 * The master table: records that TypeScript has made, by encoding, in a memory of their own that all processes of a run share.
 * Direct mapped; an entry of 32 bytes is the encoding, its instruction set (0: empty) and, from 16 on, the record.
 */
export const MASTER = { bits: 0, kind: 4, record: 16, entry: 32, shift: 5, entriesLog2: 13 } as const;
/** Behind it are the tables of kinds.ts. */
export const TABLES_AT: number = MASTER.entry << MASTER.entriesLog2;
export const MASTER_KIND = { T16: 1, T32: 2, A32: 3 } as const;
/** Multiplicative hashing of bits ^ kind. */
export const MASTER_FACTOR = 0x9e37_79b1 | 0;
