/**
 * Keeper: writes down what a run learns of an image, while it runs. Translations go in pieces, as there are enough for one, to a
 * file that begins with what is kept already and takes its place when it is published: at the end of the run, and before each
 * time that this run has added twice as much as the last time. Who is killed has lost no more than half.
 *
 * Only making a piece takes this thread's time; the archive's writing does not.
 */
import type { Archive, NewFile, PieceFile } from './archive.ts';
import type { CodeImage, Translation } from './code-image.ts';
import { type Place, writeIndex } from './kept-image.ts';
import { writeModule } from './module-file.ts';
import type { TranslationStore } from './store.ts';

/**
 * A piece is made when there are so many translations: a module of them costs little more than its functions. Or so many
 * instructions: then no more than these, 2 ms of work, are left for the end of a run.
 */
const PIECE = 32;
const PIECE_INSTRUCTIONS = 4096;
/** Pieces that are worth a file before the end of the run. */
const MIN_PIECES = 2;
/** A little more than 1 in so many instructions is not worth writing. */
const GRAIN = 1024;

type Places = Map<number, Place>;

export class Keeper {
  readonly #archive: Archive;
  readonly #name: string;
  readonly #image: CodeImage;
  readonly #store: TranslationStore;
  /** What is kept now, and where in it; null before it has been looked at. */
  #kept: { file: PieceFile; places: Places } | null = null;
  /** The file under construction. */
  #next: { file: NewFile; places: Places } | null = null;
  /** Pieces of this run's in it, and in those published before. */
  #pieces = 0;
  #published = 0;
  /** Instructions translated in this run that are in pieces, and those that were kept before. */
  #fresh = 0;
  #old: number;
  /** Under way; nothing is begun before it is done. */
  #publishing: Promise<void> | null = null;
  /** Nothing more is written. */
  #off = false;

  constructor(archive: Archive, name: string, image: CodeImage, store: TranslationStore) {
    this.#archive = archive;
    this.#name = name;
    this.#image = image;
    this.#store = store;
    this.#old = image.kept?.instructions ?? 0;
  }

  /** To be called when the image has got translations. */
  translated(): void {
    if (this.#off || this.#publishing !== null) return;
    // The copy of what is kept is begun as soon as one will be needed.
    const waiting = this.#waiting();
    if (this.#next === null && this.#isWorthIt(waiting)) this.#begin();
    if (this.#image.loose.size < PIECE && waiting < PIECE_INSTRUCTIONS) return;
    this.#write(false);
    if (this.#store.isRepeatable) return;
    if (this.#pieces >= MIN_PIECES && this.#pieces >= this.#published) this.#publishing = this.#publish();
  }

  /** Puts in place what there is, if it is worth it. Resolves when that is done, or cannot be. */
  async finish(): Promise<void> {
    if (this.#publishing !== null) await this.#publishing;
    const { loose, kept } = this.#image;
    if (this.#off || !(this.#isWorthIt(this.#waiting()) || kept?.damaged === true))
      this.#next?.file.abandon();
    else {
      // A piece that is mostly out of use is not carried on: what is left of it goes into a new one.
      for (const t of kept?.remains(this.#image) ?? []) loose.set(t.location, t);
      this.#write(true);
      await this.#publish();
    }
  }

  /** The file's bytes may have been others when some of it was translated: it is tainted, and nothing is to be kept. */
  taint(): void {
    this.#off = true;
    this.#next?.file.abandon();
    this.#next = null;
  }

  /** Instructions that are in no piece. */
  #waiting(): number {
    let sum = 0;
    for (const t of this.#image.loose.values()) sum += t.instructions;
    return sum;
  }

  #isWorthIt(waiting: number): boolean {
    return (this.#fresh + waiting) * GRAIN > this.#old;
  }

  /** Begins a file with all that is kept. */
  #begin(): boolean {
    const file = this.#archive.create(this.#name);
    if (file === null) {
      this.#off = true;
      return false;
    }
    const { kept } = this.#image;
    if (kept !== null) this.#kept ??= { file: kept.file, places: new Map(kept.places()) };
    const places: Places = new Map();
    const copies = new Map<number, number>();
    for (const [location, { piece, ...kind }] of this.#kept?.places ?? []) {
      const copied = copies.get(piece) ?? file.copy(this.#kept!.file, piece);
      copies.set(piece, copied);
      places.set(location, { piece: copied, ...kind });
    }
    this.#next = { file, places };
    return true;
  }

  /** Makes a piece of what is not in one. */
  #write(isLast: boolean): void {
    const { loose } = this.#image;
    if (this.#next === null && !this.#begin()) return;
    if (loose.size === 0) return;
    const all = [...loose.values()];
    loose.clear();
    // A later run uses those at once that are hot, and waits for V8's code of the others.
    this.#add(
      all.filter((t) => !t.isWarm),
      isLast,
    );
    this.#add(
      all.filter((t) => t.isWarm),
      isLast,
    );
  }

  #add(translations: readonly Translation[], isLast: boolean): void {
    if (translations.length === 0) return;
    const { file, places } = this.#next!;
    const piece = file.add(writeModule(translations, this.#store), isLast);
    this.#pieces++;
    for (const { location, isLoop, isWarm, instructions } of translations) {
      places.set(location, { piece, isLoop, isWarm });
      this.#fresh += instructions;
    }
  }

  async #publish(): Promise<void> {
    const next = this.#next;
    if (next === null || this.#off) return;
    const { file, places } = next;
    // What has been published is read no more, now that it is copied; an earlier run's is, as long as it is in use.
    if (this.#kept !== null && this.#kept.file !== this.#image.kept?.file) this.#kept.file.close();
    this.#kept = next;
    this.#next = null;
    this.#published += this.#pieces;
    this.#pieces = 0;
    this.#old += this.#fresh;
    this.#fresh = 0;
    if (!(await file.publish(writeIndex(places, this.#old, this.#image)))) this.#off = true;
    this.#publishing = null;
  }
}
