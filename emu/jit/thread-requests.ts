/**
 * What an address space asks of the thread that translates, and whether an answer is still right when it comes: meanwhile pages
 * may have changed, or the process may have ended.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { PAGE_SHIFT, READ } from '../memory/layout.ts';
import type { LocationRecords } from '../tier0/location-records.ts';
import type { CodeImage } from './code-image.ts';
import type { Answer, TranslationThread } from './translation-thread.ts';
import type { Start } from './translator.ts';

/** Who asks. */
export interface Asker {
  readonly space: AddressSpace;
  /** The image that the code at a location belongs to. */
  imageAt(location: number): CodeImage;
  /** Whether the image is this address space's own. */
  isPrivate(image: CodeImage): boolean;
  /** Pages (address >>> 12) with code that has been run. */
  readonly hooks: { records(): Pick<LocationRecords, 'codePages'> };
}

export class ThreadRequests {
  /** Milliseconds that the thread has translated for this address space. */
  ms = 0;
  readonly #thread: TranslationThread;
  readonly #asker: Asker;
  /** Starts that the thread has been asked for. */
  readonly #pending = new Set<number>();
  /** Counts invalidations, and when a page was in one, since the thread was asked for something. */
  #epoch = 0;
  readonly #invalidated = new Map<number, number>();
  #closed = false;

  constructor(thread: TranslationThread, asker: Asker) {
    this.#thread = thread;
    this.#asker = asker;
  }

  /** Whether the thread has been asked for the region at a location. */
  has(location: number): boolean {
    return this.#pending.has(location);
  }

  /**
   * Asks for the region at a location, and `also` others of the image, `isForLater` for later runs alone. `use` gets the answer;
   * null when there is none, or it is not right any more. It is not called when the process has ended.
   */
  request(
    image: CodeImage,
    start: Start,
    also: readonly Start[],
    wanted: number,
    isForLater: boolean,
    use: (answer: Answer | null) => void,
  ): void {
    const { location } = start;
    const locations = [location, ...also.map((other) => other.location)];
    for (const l of locations) this.#pending.add(l);
    const asked = this.#epoch;
    const job = { start, also, wanted, isForLater, ...this.#pagesOf(image) };
    this.#thread.request(this.#asker.space.memory, image, job, (answer, ms) => {
      for (const l of locations) this.#pending.delete(l);
      this.ms += ms;
      if (this.#closed) {
        image.missed.add(location);
        return;
      }
      use(answer !== null && this.#isValid(image, answer, asked) ? answer : null);
      if (this.#pending.size === 0) this.#invalidated.clear();
    });
  }

  /**
   * Pages (address >>> 12) of the image's code that has been run, and constant pool pages, of which words may be taken for
   * constants.
   */
  #pagesOf(image: CodeImage): { code: Int32Array; constantPages: Int32Array } {
    const asker = this.#asker;
    const isOfImage = (page: number) => asker.imageAt(page * 2 ** PAGE_SHIFT) === image;
    const code = Int32Array.from(asker.hooks.records().codePages()).filter(isOfImage);
    if (asker.isPrivate(image)) return { code, constantPages: code };
    // An image's pages are as they are in the file, and stay so or are an image's no more.
    const constantPages = new Set(code);
    for (const page of code)
      for (const near of [page - 1, page + 1])
        if (this.#isPresent(near) && isOfImage(near)) constantPages.add(near);
    return { code, constantPages: Int32Array.from(constantPages) };
  }

  #isPresent(page: number): boolean {
    return ((this.#asker.space.pages.bytes[page] ?? 0) & READ) !== 0;
  }

  /** Whether all pages it was made of are the image's, and nothing has changed in them since it was asked for. */
  #isValid(image: CodeImage, { batch, constantPages }: Answer, asked: number): boolean {
    const pages = new Set([...batch.translations.flatMap((t) => t.pages), ...constantPages]);
    for (const page of pages) {
      if ((this.#invalidated.get(page) ?? 0) > asked) return false;
      if (this.#asker.imageAt(page * 2 ** PAGE_SHIFT) !== image) return false;
    }
    return true;
  }

  /** Pages first..last change. To be called while it is known which have code. */
  invalidate(first: number, last: number): void {
    if (this.#pending.size === 0) return;
    this.#epoch++;
    for (const page of this.#asker.hooks.records().codePages())
      if (page >= first && page <= last) this.#invalidated.set(page, this.#epoch);
  }

  /** The end of the process. */
  close(): void {
    this.#closed = true;
    this.#thread.forget(this.#asker.space.memory);
  }
}
