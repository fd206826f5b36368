/**
 * When a region is compiled once more: bigger, as a way out of it turns out to be hot; with what it calls inside it; with a call
 * for an access that is not as most are. Each time when as much has been wasted for want of it as it costs (Waste in tiering.ts).
 */
import { beginsBlock, type CodeImage, holds } from './code-image.ts';
import type { ModuleTable } from './module-table.ts';
import type { TranslationStore } from './store.ts';
import { isEntry, type Start } from './translator.ts';

/** A region is compiled again so often, as more of it turns out to be hot. */
const MAX_EXTENSIONS = 6;

/** Who compiles. */
export interface Compiler {
  readonly modules: ModuleTable;
  imageAt(location: number): CodeImage;
  isAskedFor(image: CodeImage, location: number): boolean;
  /** True when there is code for the location now. */
  compile(start: Start): boolean;
}

export class Again {
  readonly #code: Compiler;
  readonly #store: TranslationStore;

  constructor(code: Compiler, store: TranslationStore) {
    this.#code = code;
    this.#store = store;
  }

  /** Compiles a translated region once more, for what has become known since. */
  #compileAgain(image: CodeImage, location: number): void {
    const { isLoop, isOptimized } = image.translations.get(location)!;
    this.#code.compile({ location, isLoop, optimize: isOptimized });
  }

  /**
   * The region was running, at a location, when fuel was over. Where that happens often it is worth having what it calls inside
   * it. True when there is now better code for the location than what is running.
   */
  sampled(region: number, location: number): boolean {
    const image = this.#code.imageAt(region);
    const translation = image.translations.get(region);
    if (translation === undefined) return false;
    const { isLoop, isOptimized } = translation;
    // It may be in a loop for long, in the function as it was before.
    if (isOptimized && location === region) return false;
    if (!image.waste.add('sample', isOptimized ? location : region, 1, translation.instructions))
      return false;
    if (!isOptimized)
      return this.#code.compile({ location: region, isLoop, optimize: true }) && location === region;
    if (image.translations.get(location)?.isOptimized === true)
      return this.#code.modules.compiledSlot(location) > 0;
    return this.#code.compile({ location, isLoop: true, optimize: true });
  }

  /**
   * Compiles a region once more, when a way out of it is taken so often that it is worth it; it was, so many times again. False
   * when that would not help.
   */
  extend(from: number, target: number, times: number): boolean {
    const image = this.#code.imageAt(from);
    const extensions = image.extended.get(from) ?? 0;
    const translation = image.translations.get(from);
    if (translation === undefined || extensions === MAX_EXTENSIONS || isEntry(image, target)) return false;
    // It is in the region, and this is an edge that structured control flow has no way for (compile.ts): nothing would change.
    if (beginsBlock(translation, (target & ~1) >>> 0)) return false;
    if (this.#code.isAskedFor(image, from) || !image.waste.add('exit', from, times, translation.instructions))
      return true;
    image.extended.set(from, extensions + 1);
    this.#compileAgain(image, from);
    return true;
  }

  /**
   * A region was left so many times again for the access at a location in it, which the interpreter makes. True when it was one:
   * then the region is compiled with a call for it, when that is worth it.
   */
  sawLeft(from: number, location: number, times: number): boolean {
    const image = this.#code.imageAt(from);
    const translation = image.translations.get(from);
    const address = (location & ~1) >>> 0;
    if (translation === undefined || !holds(translation, address) || beginsBlock(translation, address))
      return false;
    if (image.unaligned.has(location)) return false;
    if (!image.waste.add('left', from, times, translation.instructions)) return true;
    image.unaligned.add(location);
    this.#compileAgain(image, from);
    return true;
  }

  /** Whether another region has this loop inside. */
  isInside(location: number): boolean {
    return this.#code.imageAt(location).around(location) !== undefined;
  }

  /** As isInside, when a region of its own is not worth compiling yet. It was arrived at so many times again. */
  waitsInside(location: number, times: number): boolean {
    const image = this.#code.imageAt(location);
    const around = image.around(location);
    return around !== undefined && !image.waste.add('loop', location, times, around.instructions);
  }

  /**
   * The access at a site is often unaligned, but allowed: its region is compiled again with a test that lets such accesses pass
   * at once, when that is worth it: it was so many times again. True when it has been.
   */
  sawUnaligned(number: number, why: 'unaligned' | 'group', times: number): boolean {
    const { location, region } = this.#store.site(number);
    const image = this.#code.imageAt(location);
    image.unaligned.add(location);
    const translation = image.translations.get(region);
    if (translation === undefined || !image.waste.add(why, region, times, translation.instructions))
      return false;
    this.#compileAgain(image, region);
    return true;
  }
}
