/**
 * From encodings to records: what the wasm handler DECODE asks when the master table does not have an encoding.
 */

import { isThumb32, newA32, newThumb } from '../decode/decoder.ts';
import { onModelChange } from '../decode/features.ts';
import type { Insn } from '../decode/row.ts';
import { itRow } from '../decode/t16.ts';
import type { Archive } from '../jit/archive.ts';
import { type Args, formKey, testsCondition } from './form.ts';
import type { Handlers } from './handlers.ts';
import { KeptRecords } from './kept-records.ts';
import type { Operand } from './operand.ts';
import {
  conditionHandler,
  HANDLER,
  MASTER,
  MASTER_FACTOR,
  MASTER_KIND,
  RECORD,
  stepHandler,
} from './record.ts';

const ALWAYS = 14;

/** An operand as it stands in its record. */
function encode({ name, kind }: Operand, args: Args): number {
  const value = args[name] as number;
  return kind === 'core' || kind === 'single' ? 4 * value : kind === 'double' ? 8 * value : value;
}

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
  readonly #handlers: Handlers;
  readonly #counting: boolean;
  readonly #master: Int32Array;
  #kept: KeptRecords | null = null;
  /** The record under construction. */
  readonly #record = new Int32Array(4);
  readonly #bytes = new Uint8Array(this.#record.buffer);

  /** `counting`: the interpreter is to count instructions. */
  constructor(handlers: Handlers, counting: boolean) {
    this.#handlers = handlers;
    this.#counting = counting;
    const bytes = MASTER.entry << MASTER.entriesLog2;
    this.memory = new WebAssembly.Memory({ initial: bytes >>> 16, maximum: 65536, shared: true });
    this.#master = new Int32Array(this.memory.buffer);
    onModelChange(() => {
      this.#master.fill(0);
      this.#inBlocks.clear();
    });
  }

  /** Has records kept in an archive, the first that is given. */
  keepIn(archive: Archive | null): void {
    if (archive !== null) this.#kept ??= new KeptRecords(archive, this.#master);
  }

  /** Writes down what is new. */
  async save(): Promise<void> {
    await this.#kept?.save();
  }

  /** Decodes an A32 instruction into the record at a word of `into`, and into the master table. */
  arm(bits: number, into: Int32Array, at: number): void {
    if (this.#recall(bits, MASTER_KIND.A32, into, at)) return;
    this.#make(newA32(bits));
    this.#put(into, at);
    this.#remember(bits, MASTER_KIND.A32);
  }

  /**
   * As `arm`, a Thumb instruction outside IT blocks. `hw2` is looked at when hw1 says so. Gives ITSTATE behind it: an IT's record
   * has still to be given the block's.
   */
  thumb(hw1: number, hw2: number, into: Int32Array, at: number): number {
    const wide = isThumb32(hw1);
    const kind = wide ? MASTER_KIND.T32 : MASTER_KIND.T16;
    if (this.#recall(wide ? (hw1 << 16) | hw2 : hw1, kind, into, at)) return 0;
    const insn = newThumb(hw1, hw2, 0);
    if (insn.row === itRow) this.#set(HANDLER.IT, 0);
    else {
      this.#make(insn);
      this.#remember(insn.bits | 0, kind);
    }
    this.#put(into, at);
    return insn.itAfter;
  }

  /** As `thumb`, an instruction of an IT block. */
  inBlock(hw1: number, hw2: number, itstate: number, into: Int32Array, at: number): BlockStep {
    const key = (isThumb32(hw1) ? hw1 * 0x1_0000 + hw2 : hw1) * 256 + itstate;
    let step = this.#inBlocks.get(key);
    if (step === undefined) {
      const insn = newThumb(hw1, hw2, itstate);
      // What leaves the interpreter has to say where in the block: the evaluator does.
      if (insn.row.mnemonic === 'svc') this.#set(stepHandler(insn.size), 0);
      else this.#make(insn);
      this.#bytes[RECORD.it] = itstate;
      step = { size: insn.size, itAfter: insn.itAfter, record: this.#record.slice() };
      if (this.#inBlocks.size === MAX_IN_BLOCKS) this.#inBlocks.clear();
      this.#inBlocks.set(key, step);
    }
    for (let i = 0; i < 4; i++) into[at + i] = step.record[i]!;
    return step;
  }

  #make(insn: Insn): void {
    const args = insn.args as Args;
    const handlers = this.#handlers;
    const form = handlers.find(formKey(insn));
    if (form < 0) {
      this.#set(stepHandler(insn.size), 0);
      return;
    }
    const handler = handlers.handlerOf(form);
    if (insn.cond === ALWAYS || testsCondition(insn)) this.#set(handler, 0);
    else this.#set(conditionHandler(insn.cond, insn.size), handler);
    const operands = handlers.operandsOf(form);
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]!;
      const value = encode(operand, args);
      if (operand.kind === 'wide') this.#record[operand.at >>> 2] = value;
      else this.#bytes[operand.at] = value;
    }
  }

  /** A record without operands. */
  #set(handler: number, inner: number): void {
    const record = this.#record;
    record[0] = handler | (inner << 16);
    record[1] = 0;
    record[2] = 0;
    record[3] = 0;
    // What the evaluator runs it counts itself.
    if (!this.#counting || handler === HANDLER.STEP2 || handler === HANDLER.STEP4) return;
    record[0] = HANDLER.COUNT | ((inner || handler) << 16);
    if (inner !== 0) this.#bytes[RECORD.counted] = handler;
  }

  #put(into: Int32Array, at: number): void {
    const record = this.#record;
    for (let i = 0; i < 4; i++) into[at + i] = record[i]!;
  }

  /** The word at which the entry of an encoding begins. */
  #entry(bits: number, kind: number): number {
    const hash = Math.imul(bits ^ kind, MASTER_FACTOR) >>> (32 - MASTER.entriesLog2);
    return (hash << MASTER.shift) >>> 2;
  }

  /** Puts the record that the table has, or an earlier run has kept, if there is one. */
  #recall(bits: number, kind: number, into: Int32Array, at: number): boolean {
    const entry = this.#entry(bits, kind);
    this.#kept?.load(entry);
    const master = this.#master;
    if (master[entry + (MASTER.bits >>> 2)] !== bits || master[entry + (MASTER.kind >>> 2)] !== kind)
      return false;
    const from = entry + (MASTER.record >>> 2);
    for (let i = 0; i < 4; i++) into[at + i] = master[from + i]!;
    return true;
  }

  #remember(bits: number, kind: number): void {
    const entry = this.#entry(bits, kind);
    this.#put(this.#master, entry + (MASTER.record >>> 2));
    this.#master[entry + (MASTER.bits >>> 2)] = bits;
    this.#master[entry + (MASTER.kind >>> 2)] = kind;
    this.#kept?.added();
  }
}
