/**
 * Has what is usual done once, on nothing, because V8 compiles a function when it is first called. Part of the build
 * (src/handlers-file.ts, src/snapshot).
 */
import { Machinery } from '../jit/machinery.ts';
import {
  PAGE_MASK,
  PAGE_SHIFT,
  RECORD_PAGES_ARM,
  RECORD_PAGES_THUMB,
  RECORDS_START,
  STATE_BASE,
  STATE_SIZE,
} from '../memory/layout.ts';
import { PooledMemory } from '../memory/pool.ts';
import type { RecordDecoder } from './decoder.ts';
import type { HandlerSet } from './handler-set.ts';
import { HANDLER, MASTER_KIND, RECORD, RECORD_SCALE, RECORDS_STRIDE } from './record.ts';
import { usualEncodings } from './usual-encodings.ts';

/** The last instruction of a page that has records; nothing is mapped there. */
const ADDRESS = 0x1_0ffe;
const RECORDS = RECORDS_START + (ADDRESS & PAGE_MASK) * RECORD_SCALE;
/** MOV r0, r0. */
const AN_ENCODING = 0xe1a0_0000 | 0;

/** ITSTATE of the last instruction of a block, for EQ. */
const LAST_EQUAL = 0x08;

const leave = (): number => 0;

/** Decodes each usual encoding, and some in an IT block. */
export function visitEncodings(decoder: RecordDecoder): void {
  const into = new Int32Array(4);
  for (const { isa, bits } of usualEncodings()) {
    const [hw1, hw2] = isa === 'T32' ? [bits >>> 16, bits & 0xffff] : [bits, 0];
    if (isa === 'A32') decoder.arm(bits, into, 0);
    else decoder.thumb(hw1, hw2, into, 0);
    if (isa !== 'A32') decoder.inBlock(hw1, hw2, LAST_EQUAL, into, 0);
  }
}

/** Runs each handler of the first module. */
export function visitHandlers(set: HandlerSet, usual: number): void {
  const { memory, buffer, u32 } = new PooledMemory();
  const machinery = Machinery.take(memory, set);
  machinery.hooks = { check: leave, svc: leave, step: leave, preempt: leave, miss: leave };
  machinery.calls = {
    page: leave,
    decode: leave,
    fault: leave,
    hot: leave,
    sawJump: leave,
    compiled: leave,
    resume: leave,
    evaluate: leave,
  };
  for (const table of [RECORD_PAGES_ARM, RECORD_PAGES_THUMB])
    u32[(table >>> 2) + (ADDRESS >>> PAGE_SHIFT)] = RECORDS_START;
  const records = new Uint16Array(buffer, RECORDS, (RECORDS_START + RECORDS_STRIDE - RECORDS) >>> 1);
  for (let handler = 0; handler < usual; handler++) {
    // Each of them visits the one behind the page; that itself would come back to this place.
    if (handler === HANDLER.NEXT_PAGE) continue;
    new Uint8Array(buffer, STATE_BASE, STATE_SIZE).fill(0);
    records.fill(0);
    for (const next of [2, 4]) records[(next * RECORD_SCALE + RECORD.handler) >>> 1] = HANDLER.NEXT_PAGE;
    records[RECORD.handler >>> 1] = handler;
    records[RECORD.inner >>> 1] = HANDLER.DECODE;
    try {
      machinery.interpret(STATE_BASE, ADDRESS, 0);
    } catch (error) {
      // It has run into a trap, as there is nothing that it could run on.
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    }
  }
  machinery.quick(RECORDS, AN_ENCODING, MASTER_KIND.A32);
}
