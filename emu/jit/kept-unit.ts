/**
 * What earlier runs have kept of a unit: an index of all its translations, which is read when the unit is first needed, and the
 * translations themselves in pieces, each of which is read when one of its translations is asked for.
 *
 * The index, as int32s in the host's order: HEADER words (magic and counts); the locations, ascending; the piece of each; its
 * kind; indirect jumps (address, count, targets); locations of unaligned accesses.
 */
import type { KeptFile } from './archive.ts';
import { type ReadSegment, readSegment } from './segment-file.ts';
import type { TranslationStore } from './store.ts';
import type { Segment, Translation, Unit } from './unit.ts';

const MAGIC = 0x4152_4d49;
const HEADER = 5;
const LOOP = 1;

/** Where a translation lies. */
export interface Place {
  readonly piece: number;
  readonly isLoop: boolean;
}

/** The index of translations as words. */
export function writeIndex(places: ReadonlyMap<number, Place>, instructions: number, unit: Unit): Int32Array {
  const sorted = [...places].sort(([a], [b]) => a - b);
  const jumps: number[] = [];
  for (const [pc, targets] of unit.jumps) jumps.push(pc, targets.length, ...targets);
  return Int32Array.from([
    ...[MAGIC, sorted.length, jumps.length, unit.unaligned.size, instructions],
    ...sorted.map(([location]) => location),
    ...sorted.map(([, { piece }]) => piece),
    ...sorted.map(([, { isLoop }]) => (isLoop ? LOOP : 0)),
    ...jumps,
    ...unit.unaligned,
  ]);
}

export class KeptUnit {
  readonly file: KeptFile;
  /** Instructions in all its translations. */
  readonly instructions: number;
  /** A piece turned out to be damaged. */
  damaged = false;
  readonly #locations: Uint32Array;
  readonly #pieces: Int32Array;
  readonly #kinds: Int32Array;
  /** By piece: null when it is damaged. */
  readonly #segments = new Map<number, Segment | null>();
  /** By piece that has been read. */
  readonly #read = new Map<number, ReadSegment>();

  /** Null when the file's index is not one. Gives the unit what is known of its jumps. */
  static of(file: KeptFile, unit: Unit): KeptUnit | null {
    const { index } = file;
    const [magic, count = 0, jumps = 0, unaligned = 0] = index;
    const rest = HEADER + 3 * count;
    if (magic !== MAGIC || count < 0 || rest + jumps + unaligned !== index.length) return null;
    for (let at = rest; at < rest + jumps; ) {
      const targets = index.subarray(at + 2, at + 2 + index[at + 1]!);
      unit.jumps.set(
        index[at]! >>> 0,
        Array.from(targets, (t) => t >>> 0),
      );
      at += 2 + targets.length;
    }
    for (const location of index.subarray(rest + jumps)) unit.unaligned.add(location >>> 0);
    return new KeptUnit(file, count);
  }

  private constructor(file: KeptFile, count: number) {
    this.file = file;
    const { index } = file;
    this.instructions = index[4]!;
    const part = (i: number) => index.subarray(HEADER + i * count, HEADER + (i + 1) * count);
    const locations = part(0);
    this.#locations = new Uint32Array(locations.buffer, locations.byteOffset, count);
    this.#pieces = part(1);
    this.#kinds = part(2);
  }

  /** What is kept for a location; undefined when nothing is. */
  kindAt(location: number): 'entry' | 'loop' | undefined {
    const i = this.#find(location);
    if (i < 0 || this.#segments.get(this.#pieces[i]!) === null) return undefined;
    return this.#kinds[i]! & LOOP ? 'loop' : 'entry';
  }

  /**
   * The segment with a location's translation, read now if need be; null when there is none, or nothing that can be used. Of its
   * translations the unit gets those that it has no newer ones of.
   */
  segmentAt(location: number, unit: Unit, store: TranslationStore): Segment | null {
    const i = this.#find(location);
    if (i < 0) return null;
    const piece = this.#pieces[i]!;
    let segment = this.#segments.get(piece);
    if (segment === undefined) {
      segment = this.#load(piece, unit, store);
      this.#segments.set(piece, segment);
      if (segment === null) this.damaged = true;
    }
    return segment;
  }

  #load(piece: number, unit: Unit, store: TranslationStore): Segment | null {
    const bytes = this.file.read(piece);
    if (bytes === null) return null;
    const wanted = (location: number) => {
      const i = this.#find(location);
      return i >= 0 && this.#pieces[i] === piece && !unit.translations.has(location);
    };
    try {
      const read = readSegment(bytes, store, wanted);
      this.#read.set(piece, read);
      for (const t of read.translations) unit.addKept(t);
      return read.segment;
    } catch (error) {
      if (error instanceof WebAssembly.CompileError || error instanceof RangeError) return null;
      throw error;
    }
  }

  /** All locations, by kind. */
  locations(): { entries: Uint32Array; loops: Uint32Array } {
    const isLoop = (i: number) => (this.#kinds[i]! & LOOP) !== 0;
    return {
      entries: this.#locations.filter((_, i) => !isLoop(i)),
      loops: this.#locations.filter((_, i) => isLoop(i)),
    };
  }

  /** All that is kept and not known to be damaged. */
  *places(): Generator<[location: number, place: Place]> {
    for (let i = 0; i < this.#locations.length; i++) {
      const piece = this.#pieces[i]!;
      if (this.#segments.get(piece) !== null)
        yield [this.#locations[i]!, { piece, isLoop: (this.#kinds[i]! & LOOP) !== 0 }];
    }
  }

  /** The translations in use of pieces that have been read, of those pieces of which less than half is. */
  *remains(unit: Unit): Generator<Translation> {
    for (const { translations, size } of this.#read.values()) {
      const used = translations.filter((t) => unit.translations.get(t.location) === t);
      if (2 * used.length < size) yield* used;
    }
  }

  /** A location's place in the index; below 0 when it has none. */
  #find(location: number): number {
    const locations = this.#locations;
    let low = 0;
    let high = locations.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = locations[middle]!;
      if (at === location) return middle;
      if (at < location) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
