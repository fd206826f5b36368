/**
 * What earlier runs have kept of an image: an index of all its translations, which is read when the image is first needed, and
 * the translations themselves in pieces, each of which is read when one of its translations is asked for.
 *
 * The index, as int32s in the host's order: HEADER words (magic and counts); the locations, ascending; the piece of each; its
 * kind; indirect jumps (address, count, targets); locations of unaligned accesses.
 */
import type { KeptFile } from './archive.ts';
import type { CodeImage, CompiledModule, Translation } from './code-image.ts';
import { moduleIn, type ReadModule, type ReadPiece, readModule } from './module-file.ts';
import type { TranslationStore } from './store.ts';
import { isWorthTaking } from './tiering.ts';

const MAGIC = 0x4152_4d49;
const HEADER = 5;
const LOOP = 1;
const WARM = 2;

/** Where a translation lies. */
export interface Place {
  readonly piece: number;
  readonly isLoop: boolean;
  readonly isWarm: boolean;
}

/** The index of translations as words. */
export function writeIndex(
  places: ReadonlyMap<number, Place>,
  instructions: number,
  image: CodeImage,
): Int32Array {
  const sorted = [...places].sort(([a], [b]) => a - b);
  const jumps: number[] = [];
  for (const [pc, targets] of image.jumps) jumps.push(pc, targets.length, ...targets);
  return Int32Array.from([
    ...[MAGIC, sorted.length, jumps.length, image.unaligned.size, instructions],
    ...sorted.map(([location]) => location),
    ...sorted.map(([, { piece }]) => piece),
    ...sorted.map(([, { isLoop, isWarm }]) => (isLoop ? LOOP : 0) | (isWarm ? WARM : 0)),
    ...jumps,
    ...image.unaligned,
  ]);
}

export class KeptImage {
  readonly file: KeptFile;
  /** Instructions in all its translations. */
  readonly instructions: number;
  /** A piece turned out to be damaged. */
  damaged = false;
  readonly #name: string;
  readonly #locations: Uint32Array;
  readonly #pieces: Int32Array;
  readonly #kinds: Int32Array;
  /** By piece: null when it is damaged. */
  readonly #modules = new Map<number, CompiledModule | null>();
  /** Arrivals at its locations, by piece that is not in use. */
  readonly #arrivals = new Map<number, number>();
  /** By piece that is in use. */
  readonly #used = new Map<number, ReadModule>();
  /** By piece that has been read and is not in use. */
  readonly #waiting = new Map<number, ReadPiece>();

  /** Null when the file's index is not one. Gives the image what is known of its jumps. */
  static of(file: KeptFile, name: string, image: CodeImage): KeptImage | null {
    const { index } = file;
    const [magic, count = 0, jumps = 0, unaligned = 0] = index;
    const rest = HEADER + 3 * count;
    if (magic !== MAGIC || count < 0 || rest + jumps + unaligned !== index.length) return null;
    for (let at = rest; at < rest + jumps; ) {
      const targets = index.subarray(at + 2, at + 2 + index[at + 1]!);
      for (const target of targets) image.sawJump(index[at]! >>> 0, target >>> 0);
      at += 2 + targets.length;
    }
    for (const location of index.subarray(rest + jumps)) image.unaligned.add(location >>> 0);
    return new KeptImage(file, name, count);
  }

  private constructor(file: KeptFile, name: string, count: number) {
    this.file = file;
    this.#name = name;
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
    if (i < 0 || this.#modules.get(this.#pieces[i]!) === null) return undefined;
    return this.#is(LOOP, i) ? 'loop' : 'entry';
  }

  /**
   * The compiled module with a location's translation, which has been arrived at so many times again; null when there is none,
   * nothing that can be used, or too little has been lost yet for want of it. Of its translations the image gets those that it
   * has no newer ones of. What V8 has not optimized it is asked to optimize meanwhile, for this run and later ones. Code that is
   * not hot is used only then: to have it compiled first would cost more than it gains.
   */
  moduleAt(
    location: number,
    image: CodeImage,
    store: TranslationStore,
    isHot: boolean,
    arrivals: number,
  ): CompiledModule | null {
    const i = this.#find(location);
    if (i < 0) return null;
    const piece = this.#pieces[i]!;
    const known = this.#modules.get(piece);
    if (known !== undefined) return known;
    const sum = (this.#arrivals.get(piece) ?? 0) + arrivals;
    this.#arrivals.set(piece, sum);
    if (!isHot && !isWorthTaking(sum)) return null;
    try {
      const read = this.#waiting.get(piece) ?? this.#load(piece, image, store);
      const isUsed = isHot || read.isOptimized || !this.#is(WARM, i);
      return isUsed ? this.#use(piece, read, image, store) : null;
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError || error instanceof RangeError)) throw error;
      this.#modules.set(piece, null);
      this.damaged = true;
      return null;
    }
  }

  #load(piece: number, image: CodeImage, store: TranslationStore): ReadPiece {
    const bytes = this.file.read(piece);
    if (bytes === null) throw new RangeError('a damaged piece');
    const { wasm, size } = moduleIn(bytes);
    const { module, functions } = store.keptModule(this.#name, wasm);
    const read = { bytes, module, isOptimized: functions === size };
    if (!read.isOptimized) {
      this.#waiting.set(piece, read);
      // V8 has one code for all modules of the same bytes.
      store.optimize(this.#name, { wasm, functions }, size, () => {
        if (this.#waiting.has(piece)) this.#use(piece, { ...read, isOptimized: true }, image, store);
      });
    }
    return read;
  }

  #use(piece: number, read: ReadPiece, image: CodeImage, store: TranslationStore): CompiledModule {
    this.#waiting.delete(piece);
    const wanted = (location: number) => {
      const i = this.#find(location);
      return i >= 0 && this.#pieces[i] === piece && !image.translations.has(location);
    };
    const used = readModule(read, store, wanted);
    this.#used.set(piece, used);
    this.#modules.set(piece, used.compiled);
    for (const t of used.translations) image.addKept(t);
    return used.compiled;
  }

  /** All locations, by kind. */
  locations(): { entries: Uint32Array; loops: Uint32Array } {
    return {
      entries: this.#locations.filter((_, i) => !this.#is(LOOP, i)),
      loops: this.#locations.filter((_, i) => this.#is(LOOP, i)),
    };
  }

  /** All that is kept and not known to be damaged. */
  *places(): Generator<[location: number, place: Place]> {
    for (let i = 0; i < this.#locations.length; i++) {
      const piece = this.#pieces[i]!;
      if (this.#modules.get(piece) !== null)
        yield [this.#locations[i]!, { piece, isLoop: this.#is(LOOP, i), isWarm: this.#is(WARM, i) }];
    }
  }

  /** The translations in use of pieces that have been read, of those pieces of which less than half is. */
  *remains(image: CodeImage): Generator<Translation> {
    for (const { translations, size } of this.#used.values()) {
      const used = translations.filter((t) => image.translations.get(t.location) === t);
      if (2 * used.length < size) yield* used;
    }
  }

  #is(kind: number, i: number): boolean {
    return (this.#kinds[i]! & kind) !== 0;
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
