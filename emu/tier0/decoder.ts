/**
 * From encodings to records: what the wasm handler DECODE asks when the master table does not have an encoding.
 */

import { isThumb32, newA32, newThumb } from '../decode/decoder.ts';
import { isDefaultModel, onModelChange } from '../decode/features.ts';
import { itRow } from '../decode/t16.ts';
import type { Handlers } from './handlers.ts';
import { ENTRY_WORDS, PAIR, TABLES } from './kinds.ts';
import { HANDLER, MASTER, MASTER_FACTOR, MASTER_KIND, RECORD, stepHandler, TABLES_AT } from './record.ts';
import { RecordMaker } from './record-maker.ts';

/** An instruction of an IT block. */
interface BlockStep {
  readonly size: number;
  readonly itAfter: number;
  readonly record: Int32Array;
}

const MAX_IN_BLOCKS = 1 << 15;

export class RecordDecoder {
  /** Instructions of IT blocks by encoding and ITSTATE, which the master table has not. */
  readonly #inBlocks = new Map<number, BlockStep>();
  /** The master table, shared by all processes of a run. */
  readonly memory: WebAssembly.Memory;
  /** The interpreter is to count instructions. */
  readonly counting: boolean;
  readonly #handlers: Handlers;
  /** The handlers of the first instructions of pairs, by the pair's. */
  readonly #firsts = new Map<number, number>();
  readonly #maker: RecordMaker;
  readonly #master: Int32Array;

  /** `floatMode`: to step those that go by a mode of FPSCR. */
  constructor(handlers: Handlers, counting: boolean, floatMode: boolean) {
    this.#handlers = handlers;
    this.counting = counting;
    this.#maker = new RecordMaker(handlers, counting, floatMode);
    const bytes = TABLES_AT + handlers.tables.length;
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536), maximum: 65536, shared: true });
    this.#master = new Int32Array(this.memory.buffer, 0, TABLES_AT >>> 2);
    const tables = new Uint8Array(this.memory.buffer, TABLES_AT);
    const kinds = new Int32Array(this.memory.buffer, TABLES_AT + TABLES.hash, 1 << TABLES.hashLog2);
    /** The kinds are of the default model and mode; and what the master table begins with does not count. */
    const load = (): void => {
      tables.set(handlers.tables);
      const isUsual = isDefaultModel() && !floatMode;
      if (!isUsual) kinds.fill(0);
      if (isUsual && !counting) this.#begin();
    };
    load();
    onModelChange(() => {
      this.#master.fill(0);
      this.#inBlocks.clear();
      load();
    });
  }

  /** Puts in the master table what is usual. */
  #begin(): void {
    const { buffer } = this.memory;
    const [at = 0, count = 0] = new Int32Array(buffer, TABLES_AT + TABLES.entries, 2);
    const words = new Int32Array(buffer, TABLES_AT + at, count * ENTRY_WORDS);
    for (let i = 0; i < words.length; i += ENTRY_WORDS) {
      const entry = this.#entryFor(words[i]!, words[i + 1]!);
      for (let word = 0; word < 4; word++) this.#master[entry + word] = words[i + 2 + word]!;
    }
  }

  /** The handler of a pair's first instruction alone; 0 when the handler is of no pair. */
  firstOf(handler: number): number {
    if (handler < this.#handlers.firstPair || handler >= this.#handlers.usual) return 0;
    if (this.#firsts.size === 0) {
      const slots = new Uint16Array(this.memory.buffer, TABLES_AT + TABLES.pairs, 4 << TABLES.pairsLog2);
      for (let at = 0; at < slots.length; at += 4)
        this.#firsts.set(slots[at + PAIR.handler / 2]!, slots[at + PAIR.first / 2]!);
    }
    return this.#firsts.get(handler)!;
  }

  /** Decodes an A32 instruction into the record at a word of `into`, and into the master table. */
  arm(bits: number, into: Int32Array, at: number): void {
    this.#maker.make(newA32(bits));
    this.#maker.put(into, at);
    this.#remember(bits, MASTER_KIND.A32);
  }

  /**
   * As `arm`, a Thumb instruction outside IT blocks. `hw2` is looked at when hw1 says so. Gives ITSTATE behind it: an IT's record
   * has still to be given the block's.
   */
  thumb(hw1: number, hw2: number, into: Int32Array, at: number): number {
    const wide = isThumb32(hw1);
    const insn = newThumb(hw1, hw2, 0);
    if (insn.row === itRow) {
      this.#maker.set(HANDLER.IT, 0);
      this.#maker.put(into, at);
      return insn.itAfter;
    }
    this.#maker.make(insn);
    this.#maker.put(into, at);
    this.#remember(insn.bits | 0, wide ? MASTER_KIND.T32 : MASTER_KIND.T16);
    return 0;
  }

  /** As `thumb`, an instruction of an IT block of which the tables do not know all (it-block.ts). */
  inBlock(
    hw1: number,
    hw2: number,
    itstate: number,
    into: Int32Array,
    at: number,
  ): { readonly size: number; readonly itAfter: number } {
    const key = (isThumb32(hw1) ? hw1 * 0x1_0000 + hw2 : hw1) * 256 + itstate;
    let step = this.#inBlocks.get(key);
    if (step === undefined) {
      const insn = newThumb(hw1, hw2, itstate);
      // What leaves the interpreter has to say where in the block: the evaluator does.
      const maker = this.#maker;
      if (insn.row.mnemonic === 'svc') maker.set(stepHandler(insn.size), 0);
      else maker.make(insn);
      maker.bytes[RECORD.it] = itstate;
      step = { size: insn.size, itAfter: insn.itAfter, record: maker.record.slice() };
      if (this.#inBlocks.size === MAX_IN_BLOCKS) this.#inBlocks.clear();
      this.#inBlocks.set(key, step);
    }
    for (let i = 0; i < 4; i++) into[at + i] = step.record[i]!;
    return step;
  }

  #remember(bits: number, kind: number): void {
    this.#maker.put(this.#master, this.#entryFor(bits, kind));
  }

  /** Makes an entry of the master table that of an encoding; gives the word where its record is to be put. */
  #entryFor(bits: number, kind: number): number {
    const hash = Math.imul(bits ^ kind, MASTER_FACTOR) >>> (32 - MASTER.entriesLog2);
    const entry = (hash << MASTER.shift) >>> 2;
    const master = this.#master;
    master[entry + (MASTER.bits >>> 2)] = bits;
    master[entry + (MASTER.kind >>> 2)] = kind;
    return entry + (MASTER.record >>> 2);
  }
}
