/** The code of an image as the thread that runs it sees it. */
import type { Insn } from '../decode/row.ts';
import { EXEC, PAGE_SHIFT, READ, WRITE } from '../memory/layout.ts';
import type { CodeCache } from './code-cache.ts';
import { type CodeImage, holds } from './code-image.ts';
import { type CodeView, wordAt } from './translator.ts';

export class LocalView implements CodeView {
  /** Constant pool pages: of which words have been taken for constants. */
  readonly constantPages = new Set<number>();
  readonly #cache: CodeCache;
  readonly #image: CodeImage;
  readonly #ahead: boolean;
  readonly #wanted: number;

  constructor(cache: CodeCache, image: CodeImage, wanted: number, ahead: boolean) {
    this.#cache = cache;
    this.#image = image;
    this.#wanted = wanted;
    this.#ahead = ahead;
  }

  insn(at: number, it: number, entry: number): Insn | null {
    const { insns } = this.#cache;
    if (this.#cache.imageAt(at) !== this.#image) return null;
    // Of an IT block what has been run shows at its beginning.
    if (this.#ahead || it !== 0 || this.#cache.hooks.records().hasRun(at)) return insns.peek(at, it);
    const known = insns.known(at, it);
    if (known !== null) return known;
    // An earlier run has been where its translation was.
    const earlier = this.#image.translations.get(entry);
    return earlier !== undefined && holds(earlier, (at & ~1) >>> 0) ? insns.peek(at, it) : null;
  }
  kindAt(location: number) {
    return this.#cache.imageAt(location) === this.#image ? this.#image.kindAt(location) : undefined;
  }
  copies(address: number): number {
    return this.#image.copies(address);
  }
  constantWord(address: number, size: number): number | undefined {
    if (address & (size - 1)) return undefined;
    const { space } = this.#cache;
    const vma = space.find(address);
    if (vma === undefined || !(vma.prot & EXEC) || vma.prot & WRITE) return undefined;
    if (this.#cache.imageAt(address) !== this.#image || !space.check(address, size, READ)) return undefined;
    this.constantPages.add(address >>> PAGE_SHIFT);
    return wordAt(space, address, size);
  }
  seen(address: number): readonly number[] {
    return this.#image.jumps.get(address) ?? [];
  }
  isUnaligned(location: number): boolean {
    return this.#image.unaligned.has(location);
  }
  hasOtherCode(location: number): boolean {
    return this.#cache.modules.compiledSlot(location) > 0;
  }
  isWanted(location: number): boolean {
    return (
      this.#cache.hooks.records().arrivals(location) >= this.#wanted &&
      this.#cache.imageAt(location) === this.#image
    );
  }
}
