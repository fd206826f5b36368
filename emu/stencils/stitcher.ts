/**
 * Makes functions of stencils, where code is run often: each does what the handlers of a run of instructions do (run.ts), and
 * stands in the record of the first as its handler. So it is entered and left as a handler is, all of the state is in the state
 * block between any two instructions, and nothing else of the interpreter knows of it. run-writer.ts has what is in one.
 */
import type { Machinery } from '../jit/machinery.ts';
import { ByteWriter } from '../jit/wasm.ts';
import { encodeBehind } from '../jit/wasm-module.ts';
import { FIRST_HANDLER } from '../tier0/control.ts';
import type { HandlerSet } from '../tier0/handler-set.ts';
import { RECORD, RecordViews } from '../tier0/record.ts';
import { type Place, RunFinder } from './run.ts';
import { RunWriter } from './run-writer.ts';
import { STITCHED, type Stencils } from './stencil.ts';

export class Stitcher {
  readonly #stencils: Stencils;
  readonly #machinery: Machinery;
  readonly #finder: RunFinder;
  readonly #writer: RunWriter;
  readonly #u16: Uint16Array;
  /** The bodies of the module's functions, and where their runs begin. */
  readonly #bodies = new ByteWriter(16384);
  #runs: Place[] = [];

  /** For the interpreter that a memory has. */
  constructor(set: HandlerSet, machinery: Machinery) {
    const records = new RecordViews(machinery.memory.buffer);
    const { decoder } = set;
    this.#stencils = set.stencils();
    this.#machinery = machinery;
    this.#finder = new RunFinder(this.#stencils, decoder, records);
    this.#writer = new RunWriter(this.#stencils, records, decoder.counting, (record) =>
      this.isStitched(record),
    );
    this.#u16 = records.u16;
  }

  /** Makes runs from these places on. Throws a RangeError when V8 has no memory for them. */
  stitch(places: readonly Place[]): void {
    this.#bodies.clear();
    this.#runs = [];
    for (const place of places) for (let next: Place | null = place; next !== null; ) next = this.#make(next);
    const { length } = this.#runs;
    if (length === 0) return;
    const { head, handlers } = this.#stencils;
    const first = handlers + this.#machinery.stitched;
    const module = new ByteWriter(head.length + this.#bodies.length + 1024);
    module.raw(head);
    encodeBehind(module, length, FIRST_HANDLER, first, this.#bodies.view());
    this.#machinery.stitch(module.view() as Uint8Array<ArrayBuffer>, length);
    for (let i = 0; i < length; i++) this.#u16[(this.#runs[i]!.record + RECORD.handler) >>> 1] = first + i;
  }

  /** Whether a run begins at a record. */
  isStitched(record: number): boolean {
    return this.#finder.isStitched(record);
  }

  /** Makes a run. Gives where it would go on: that is run as often. */
  #make(place: Place): Place | null {
    if (this.#machinery.stitched + this.#runs.length === STITCHED) return null;
    if (this.isStitched(place.record)) return null;
    if (this.#runs.some(({ record }) => record === place.record)) return null;
    const run = this.#finder.find(place);
    if (run.length === 0) return null;
    this.#writer.write(
      run,
      this.#stencils.handlers + this.#machinery.stitched + this.#runs.length,
      this.#bodies,
    );
    this.#runs.push(place);
    return run.rest;
  }
}
