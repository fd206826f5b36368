/**
 * What an address space asks of the thread that translates, and whether an answer is right when it comes: meanwhile pages may
 * have changed, or the process may have ended, and another have its memory.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import { PAGE_SHIFT, READ } from '../memory/layout.ts';
import type { LocationRecords } from '../tier0/location-records.ts';
import type { CodeImage } from './code-image.ts';
import { type Answer, READ_WORDS, type TranslationThread } from './translation-thread.ts';
import { type Start, wordAt } from './translator.ts';

/** An address space with code. */
interface Coded {
  readonly space: AddressSpace;
  /** The image that the code at a location belongs to. */
  imageAt(location: number): CodeImage;
}

/** Who asks. */
export interface Asker extends Coded {
  /** Whether the image is this address space's own. */
  isPrivate(image: CodeImage): boolean;
  /** Pages (address >>> 12) with code that has been run. */
  readonly hooks: { records(): Pick<LocationRecords, 'codePages'> };
  /** To be called with each answer, whatever becomes of it. */
  answered(isForLater: boolean): void;
  /** Uses an answer that is right. It is not called when the process has ended. */
  use(image: CodeImage, answer: Answer): void;
}

export class ThreadRequests {
  /** Milliseconds that the thread has translated for this address space. */
  ms = 0;
  readonly #thread: TranslationThread;
  readonly #asker: Asker;
  #closed = false;

  constructor(thread: TranslationThread, asker: Asker) {
    this.#thread = thread;
    this.#asker = asker;
  }

  /** Asks for the region at a location, and `also` others of the image, `isForLater` for later runs alone. */
  request(image: CodeImage, start: Start, also: readonly Start[], wanted: number, isForLater: boolean): void {
    const asker = this.#asker;
    const locations = [start, ...also].map(({ location }) => location);
    for (const l of locations) image.asked.add(l);
    const job = { start, also, wanted, isForLater, ...this.#pagesOf(image) };
    this.#thread.request(asker.space.memory, image, job, (answer, ms) => {
      for (const l of locations) image.asked.delete(l);
      this.ms += ms;
      asker.answered(isForLater);
      if (answer === null) return;
      if (this.#closed) {
        if (!asker.isPrivate(image)) image.late.add(answer);
      } else if (isRightIn(asker, image, answer)) asker.use(image, answer);
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

  /** The end of the process. */
  close(): void {
    this.#closed = true;
    this.#thread.forget(this.#asker.space.memory);
  }
}

/**
 * Whether an answer is right in an address space: what it was made from are bytes of the image, and are the same there now (from
 * when it is used its pages are watched). Undefined when not all of it is there.
 */
export function isRightIn(coded: Coded, image: CodeImage, { read }: Answer): boolean | undefined {
  const { space } = coded;
  const known = new Set<number>();
  for (let i = 0; i < read.length; i += READ_WORDS) {
    const address = read[i]! >>> 0;
    const page = address >>> PAGE_SHIFT;
    if (!known.has(page)) {
      const isPresent = (space.pages.bytes[page]! & READ) !== 0;
      if (!isPresent || coded.imageAt(page * 2 ** PAGE_SHIFT) !== image) return undefined;
      known.add(page);
    }
    if (wordAt(space, address, read[i + 1]!) !== read[i + 2]) return false;
  }
  return true;
}
