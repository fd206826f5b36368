/** The tier between handlers and regions: has what is run often put together from stencils, as long as there is memory for it. */
import type { CpuState } from '../cpu-state.ts';
import type { Leftovers } from '../jit/leftovers.ts';
import type { TranslationStore } from '../jit/store.ts';
import type { Tiering } from '../jit/tiering.ts';
import type { HandlerSet } from '../tier0/handler-set.ts';
import type { WasmInterpreter } from '../tier0/interpreter.ts';
import type { TimeSheet } from '../work.ts';
import type { Place } from './run.ts';
import { Stitcher } from './stitcher.ts';

export class StencilTier {
  readonly #interpreter: WasmInterpreter;
  readonly #set: HandlerSet;
  readonly #left: Leftovers;
  readonly #tiering: Tiering;
  readonly #store: TranslationStore;
  readonly #times: TimeSheet;
  /** Made when it is first needed: most runs are over before. */
  #stitcher: Stitcher | undefined;

  constructor(
    interpreter: WasmInterpreter,
    set: HandlerSet,
    left: Leftovers,
    tiering: Tiering,
    store: TranslationStore,
    times: TimeSheet,
  ) {
    this.#interpreter = interpreter;
    this.#set = set;
    this.#left = left;
    this.#tiering = tiering;
    this.#store = store;
    this.#times = times;
  }

  /** A location has been arrived at so often: a function of stencils may be worth it, there and at others. */
  arrived(location: number, count: number): void {
    if (this.#store.outOfMemory || this.#placeOf(location) === null) return;
    const places: Place[] = [];
    for (const l of this.#tiering.toStitch(this.#left.toStitch, location, count)) {
      const place = this.#placeOf(l);
      if (place !== null) places.push(place);
    }
    if (places.length > 0) this.#stitch(places);
  }

  /** Puts together what is in so many bytes of code before it is run. For tests. */
  ahead(cpu: CpuState, location: number, length: number): void {
    this.#interpreter.decodeAhead(cpu, location, length);
    const place = this.#placeOf(location);
    if (place !== null) this.#stitch([place]);
  }

  /** The place of a location that has only handlers. */
  #placeOf(location: number): Place | null {
    const place = this.#interpreter.records.placeOf(location);
    return place === null || this.#stitcher?.isStitched(place.record) === true ? null : place;
  }

  #stitch(places: readonly Place[]): void {
    const before = this.#times.begin('translate');
    this.#stitcher ??= new Stitcher(this.#set, this.#left.machinery);
    try {
      this.#stitcher.stitch(places);
    } catch (error) {
      // V8 has no memory for it: then handlers go on alone.
      if (!(error instanceof RangeError)) throw error;
      this.#store.outOfMemory = true;
    }
    this.#times.end(before);
  }
}
