/**
 * The master table (record.ts) from one run to the next: what an encoding's record is depends on nothing but this build and the CPU model, by which the archive is parted. It is kept in
 * slices, each of which is read when an encoding that belongs there is first asked for and not known.
 */
import type { Archive, KeptFile } from '../jit/archive.ts';
import { MASTER } from './record.ts';

const NAME = 'records';
const MAGIC = 0x4152_4d52;
const SLICES = 16;
/** Words of a slice. */
const SLICE = ((MASTER.entry << MASTER.entriesLog2) >>> 2) / SLICES;
/** New records that are worth writing all of them, besides a part of those that are kept. */
const MIN_FRESH = 256;
const EARLY = 4096;
const GRAIN = 16;

export class KeptRecords {
  readonly #archive: Archive;
  readonly #master: Int32Array;
  /** Null when there is none, or it has been read to the end. */
  #file: KeptFile | null;
  readonly #read = new Uint8Array(SLICES);
  /** Records that are kept, and those that are new. */
  #kept: number;
  #fresh = 0;
  #isSaving = false;

  constructor(archive: Archive, master: Int32Array) {
    this.#archive = archive;
    this.#master = master;
    const file = archive.open(NAME);
    const [magic, slice, kept = 0] = file?.index ?? [];
    const isRight = magic === MAGIC && slice === SLICE;
    this.#file = isRight ? file : null;
    this.#kept = isRight ? kept : 0;
  }

  /** Reads what is kept around an entry (its word in the master table), if that has not been done. */
  load(entry: number): void {
    const slice = Math.floor(entry / SLICE);
    if (this.#read[slice] !== 0) return;
    this.#read[slice] = 1;
    const bytes = this.#file?.read(slice) ?? null;
    if (bytes === null || bytes.length !== SLICE * 4) return;
    const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(buffer, byteOffset, SLICE);
    const master = this.#master;
    const start = slice * SLICE;
    if (this.#fresh === 0) {
      master.set(words, start);
      return;
    }
    // What this run has made meanwhile stays.
    for (let at = 0; at < SLICE; at += MASTER.entry >>> 2)
      if (master[start + at + (MASTER.kind >>> 2)] === 0)
        master.set(words.subarray(at, at + (MASTER.entry >>> 2)), start + at);
  }

  /** A record has been added to the master table. */
  added(): void {
    this.#fresh++;
    // The end of the run waits for little: as soon as there is twice as much it is written.
    if (this.#fresh >= Math.max(EARLY, this.#kept)) void this.save();
  }

  /** Writes the table when enough is new in it. */
  async save(): Promise<void> {
    if (this.#isSaving || this.#fresh < Math.max(MIN_FRESH, this.#kept / GRAIN)) return;
    this.#isSaving = true;
    // What has not been asked for is kept on.
    for (let slice = 0; slice < SLICES; slice++) this.load(slice * SLICE);
    const file = this.#archive.create(NAME);
    if (file === null) return; // and it is not tried again
    for (let slice = 0; slice < SLICES; slice++)
      file.add(
        new Uint8Array(this.#master.slice(slice * SLICE, (slice + 1) * SLICE).buffer),
        slice === SLICES - 1,
      );
    this.#kept += this.#fresh;
    this.#fresh = 0;
    await file.publish(Int32Array.of(MAGIC, SLICE, this.#kept));
    this.#isSaving = false;
  }
}
