/**
 * Where the records of a memory lie. It outlives processes, so that what one has decoded, and counted, is there for the next one
 * of the same program (PageRecords).
 *
 * Invariants: what is free holds zeros; RECORD_PAGES_* are the business of the interpreter that uses the memory.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { IT_ROOM, PAGE_SHIFT, RECORDS_END, RECORDS_START } from '../memory/layout.ts';
import type { PageTable } from '../memory/page-table.ts';
import { RECORDS_STRIDE } from './record.ts';

/** The records of a page of code. */
export interface PageRecords {
  readonly records: number;
  /** The process has them; else an earlier one has left them. */
  isUsed: boolean;
  /** What the page had when they were left: the part of a program file at an address (jit/code-image.ts). */
  image: object | null;
  /** Locations whose records enter compiled code. */
  compiled: Set<number> | undefined;
}

/** Pages that may lose their records before those of their IT blocks are made room of. */
const MAX_DROPPED = 4096;

const areas = new WeakMap<WebAssembly.Memory, RecordArea>();

export class RecordArea {
  /** Of whom the records are that were left; others begin with `clear`. */
  owner: symbol | undefined;
  readonly #words: Float64Array;
  readonly #pages: PageTable;
  readonly #free: number[] = [];
  #unused = RECORDS_START;
  /** What the host has given goes to here. */
  #most = RECORDS_START;
  /** Where records of IT blocks lie, which are apart. */
  readonly #itAreas: number[] = [];
  /** Where there is room for more of them: the next free byte, and the end. Also it-block.ts takes from it. */
  readonly #itRoom: Uint32Array;
  /** Pages whose records were taken away since those of IT blocks were. */
  #dropped = 0;
  /**
   * Whose records RECORD_PAGES_* tell. Two engines may be at work in a memory (emu/verify), by turns: who runs puts its own
   * there.
   */
  shown: { show(): void; conceal(): void } | undefined;
  /** Runs of interpreters under way, one in the other. */
  running = 0;
  /** Interpreters that have records here. */
  readonly users = new Set<{ forget(): void }>();

  /** That of an address space's memory. */
  static of({ memory, pages }: AddressSpace): RecordArea {
    let area = areas.get(memory);
    if (area === undefined) {
      area = new RecordArea(memory, pages);
      areas.set(memory, area);
    }
    return area;
  }

  private constructor(memory: WebAssembly.Memory, pages: PageTable) {
    this.#pages = pages;
    this.#words = new Float64Array(memory.buffer);
    this.#itRoom = new Uint32Array(memory.buffer, IT_ROOM, 2);
  }

  /** Room for the records of a page; 0 when there is none. */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const records = this.#unused;
    if (records + RECORDS_STRIDE > RECORDS_END) return 0;
    this.#unused += RECORDS_STRIDE;
    if (this.#unused > this.#most) {
      this.#most = this.#unused;
      this.#pages.touched += RECORDS_STRIDE >> PAGE_SHIFT;
    }
    return records;
  }

  give(records: number): void {
    this.#zero(records, records + RECORDS_STRIDE);
    this.#free.push(records);
    this.#dropped++;
  }

  /** Room for the records of an IT block, so many bytes at most; 0 when there is none. What is used of it goes to `itUsed`. */
  itRoom(bytes: number): number {
    const room = this.#itRoom;
    if (room[0]! + bytes > room[1]!) {
      const records = this.take();
      if (records === 0) return 0;
      this.#itAreas.push(records);
      room[0] = records;
      room[1] = records + RECORDS_STRIDE;
    }
    return room[0]!;
  }
  itUsed(end: number): void {
    this.#itRoom[0] = end;
  }

  /** Whether so many IT blocks may be nobody's any more that it is time to `clear`. */
  get worn(): boolean {
    return this.#dropped > MAX_DROPPED && this.#itAreas.length > 1;
  }

  /** Forgets all records; nobody may be in the midst of any. */
  clear(): void {
    for (const user of this.users) user.forget();
    this.#zero(RECORDS_START, this.#unused);
    this.#free.length = 0;
    this.#unused = RECORDS_START;
    this.#itAreas.length = 0;
    this.#itRoom.fill(0);
    this.#dropped = 0;
  }

  #zero(start: number, end: number): void {
    this.#words.fill(0, start / 8, end / 8);
  }
}
