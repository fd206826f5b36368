/** Makes records of decoded instructions. */

import type { Insn } from '../decode/row.ts';
import { effectsOf } from '../evaluator/effects.ts';
import { ALWAYS } from '../machine/machine.ts';
import { type Args, formKey, testsCondition } from './form.ts';
import type { Handlers } from './handlers.ts';
import type { Operand } from './operand.ts';
import { conditionHandler, HANDLER, RECORD, stepHandler } from './record.ts';

/** An operand as it stands in its record. */
function encode({ name, kind }: Operand, args: Args): number {
  const value = args[name] as number;
  return kind === 'core' || kind === 'single' ? 4 * value : kind === 'double' ? 8 * value : value;
}

export class RecordMaker {
  /** What was made last, as int32s. */
  readonly record = new Int32Array(4);
  readonly bytes = new Uint8Array(this.record.buffer);
  readonly #handlers: Handlers;
  readonly #counting: boolean;
  readonly #floatMode: boolean;

  /** `counting`: the interpreter is to count instructions. `floatMode`: to step those that go by a mode of FPSCR. */
  constructor(handlers: Handlers, counting: boolean, floatMode = false) {
    this.#handlers = handlers;
    this.#counting = counting;
    this.#floatMode = floatMode;
  }

  make(insn: Insn): void {
    const args = insn.args as Args;
    const handlers = this.#handlers;
    const form = this.#floatMode && effectsOf(insn, 0).readsFpscr ? -1 : handlers.find(formKey(insn));
    if (form < 0) {
      this.set(stepHandler(insn.size), 0);
      return;
    }
    const handler = handlers.handlerOf(form);
    if (insn.cond === ALWAYS || testsCondition(insn)) this.set(handler, 0);
    else this.set(conditionHandler(insn.cond, insn.size), handler);
    const operands = handlers.operandsOf(form);
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]!;
      const value = encode(operand, args);
      if (operand.kind === 'wide') this.record[operand.at >>> 2] = value;
      else this.bytes[operand.at] = value;
    }
  }

  /** A record without operands. */
  set(handler: number, inner: number): void {
    const { record } = this;
    record[0] = handler | (inner << 16);
    record[1] = 0;
    record[2] = 0;
    record[3] = 0;
    // What the evaluator runs it counts itself.
    if (!this.#counting || handler === HANDLER.STEP2 || handler === HANDLER.STEP4) return;
    record[0] = HANDLER.COUNT | ((inner || handler) << 16);
    if (inner !== 0) this.bytes[RECORD.counted] = handler;
  }

  put(into: Int32Array, at: number): void {
    const { record } = this;
    for (let i = 0; i < 4; i++) into[at + i] = record[i]!;
  }
}
