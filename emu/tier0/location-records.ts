/**
 * The records of an address space's code, by location: what they tell of it, and where the interpreter enters what others have
 * compiled.
 */
import { PAGE_MASK, PAGE_SHIFT, RECORDS_START } from '../memory/layout.ts';
import type { Place } from '../stencils/run.ts';
import type { RecordDecoder } from './decoder.ts';
import { HANDLER, RECORD, RECORD_SCALE } from './record.ts';
import type { PageRecords } from './record-area.ts';

export class LocationRecords {
  /** By page * 2 + thumb: its records, and what earlier processes have left. */
  readonly pages: Map<number, PageRecords>;
  readonly #decoder: RecordDecoder;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;

  constructor(pages: Map<number, PageRecords>, decoder: RecordDecoder, u16: Uint16Array, i32: Int32Array) {
    this.pages = pages;
    this.#decoder = decoder;
    this.#u16 = u16;
    this.#i32 = i32;
  }

  /** Whether the instruction at a location has been run, or is just about to be. */
  hasRun(location: number): boolean {
    const record = this.of(location);
    return record !== 0 && this.#u16[(record + RECORD.handler) >>> 1] !== HANDLER.DECODE;
  }

  /** Pages (address >>> 12) with records of code. */
  codePages(): Iterable<number> {
    const pages = new Set<number>();
    for (const [key, { isUsed }] of this.pages) if (isUsed) pages.add(key >>> 1);
    return pages;
  }

  /** Arrivals counted at a location. */
  arrivals(location: number): number {
    const record = this.of(location);
    return record === 0 ? 0 : this.#u16[(record + RECORD.count) >>> 1]!;
  }

  /** Counts an arrival, as oneMore of control.ts does; gives the count, 0 when the location has no record. */
  countArrival(location: number): number {
    const record = this.of(location);
    if (record === 0) return 0;
    const at = (record + RECORD.count) >>> 1;
    const count = this.#u16[at]!;
    this.#u16[at] = (count + 1) | (count & 0x8000);
    return this.#u16[at]!;
  }

  /** Where the record of a location is that has been decoded and is not compiled; null when there is none. */
  placeOf(location: number): Place | null {
    const record = this.of(location);
    const handler = record === 0 ? 0 : this.#u16[(record + RECORD.handler) >>> 1]!;
    if (handler === HANDLER.DECODE || handler === HANDLER.COMPILED) return null;
    return { record: record - RECORDS_START, address: location & ~1 };
  }

  /** From now on arrivals at a location enter the compiled code in a table slot. */
  setCompiled(location: number, slot: number): void {
    const record = this.of(location);
    if (record === 0) return;
    const i32 = this.#i32;
    this.#part(location, record);
    i32[(record + RECORD.word) >>> 2] = slot;
    i32[record >>> 2] = HANDLER.COMPILED;
    const page = this.pages.get(keyOf(location))!;
    page.compiled ??= new Set();
    page.compiled.add(location);
  }

  /** The location has no compiled code any more. */
  forgetCompiled(location: number): void {
    const record = this.of(location);
    if (record !== 0 && this.#u16[(record + RECORD.handler) >>> 1] === HANDLER.COMPILED)
      this.#i32.fill(0, record >>> 2, (record >>> 2) + 4);
    this.used(keyOf(location))?.compiled?.delete(location);
  }

  /** The instruction at a location is no longer the second of a pair. (Its first may well be the second of another.) */
  #part(location: number, record: number): void {
    const u16 = this.#u16;
    for (const size of [2, 4]) {
      if ((location & PAGE_MASK & ~1) < size) return;
      const handler = (record - size * RECORD_SCALE + RECORD.handler) >>> 1;
      const alone = this.#decoder.firstOf(u16[handler]!);
      if (alone !== 0) u16[handler] = alone;
    }
  }

  /** The record of a location; 0 when its page has none. */
  of(location: number): number {
    const page = this.used(keyOf(location));
    return page === undefined ? 0 : page.records + (location & PAGE_MASK & ~1) * RECORD_SCALE;
  }

  /** The process's own records of a page. */
  used(key: number): PageRecords | undefined {
    const page = this.pages.get(key);
    return page?.isUsed === true ? page : undefined;
  }
}

/** Under what the records of a location's page are known. */
export function keyOf(location: number): number {
  return ((location >>> PAGE_SHIFT) << 1) | (location & 1);
}
