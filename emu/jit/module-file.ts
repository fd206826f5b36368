/**
 * Translations as bytes, to be kept from one run to the next: a wasm module of them, and before it what must be known to give the
 * module the numbers of another run, to compile parts of it anew, and to write it once more.
 *
 *   header   HEADER int32s: magic, counts
 *   records  RECORD int32s for each function
 *   data     int32s: for each function its numbers, hints, locals, blocks and pages; then the sites, and the locations that
 *            functions refer to
 *   module   bytes
 *
 * All int32s in the host's order. What is read is trusted to be what was written: who keeps the bytes sees to that.
 */

import type { CompiledModule, Translation } from './code-image.ts';
import { SITE_WORDS } from './convention.ts';
import type { RunNumber } from './function-writer.ts';
import { importsOf, moduleOf } from './module.ts';
import type { TranslationStore } from './store.ts';
import type { FuncBody, ValType } from './wasm.ts';

const MAGIC = 0x4152_4d34;
const HEADER = 6;
/** Words of a record. */
const R = {
  location: 0,
  /** LOOP, OPTIMIZED and WARM. */
  flags: 1,
  instructions: 2,
  code: 3,
  codeLength: 4,
  data: 5,
  numbers: 6,
  unlikely: 7,
  locals: 8,
  blocks: 9,
  inlined: 10,
  pages: 11,
} as const;
const RECORD = 12;
const LOOP = 1;
const OPTIMIZED = 2;
const WARM = 4;
/** No location: its slot takes functions that are not wanted. */
const NOWHERE = 0xffff_ffff;
/** Words of a number. */
const NUMBER = 3;

/** A translation over the bytes of a file: what only a second compilation needs is made when it is asked for. */
class KeptTranslation implements Translation {
  readonly location: number;
  readonly isLoop: boolean;
  readonly instructions: number;
  readonly isOptimized: boolean;
  readonly isWarm: boolean;
  readonly blocks: Int32Array;
  readonly inlined: Int32Array;
  readonly pages: readonly number[];
  readonly #words: Int32Array;
  readonly #record: number;
  readonly #module: Uint8Array;
  readonly #firstSite: number;

  constructor(words: Int32Array, record: number, module: Uint8Array, firstSite: number) {
    this.#words = words;
    this.#record = record;
    this.#module = module;
    this.#firstSite = firstSite;
    this.location = words[record + R.location]! >>> 0;
    this.isLoop = (words[record + R.flags]! & LOOP) !== 0;
    this.isOptimized = (words[record + R.flags]! & OPTIMIZED) !== 0;
    this.isWarm = (words[record + R.flags]! & WARM) !== 0;
    this.instructions = words[record + R.instructions]!;
    this.blocks = this.#part(R.blocks);
    this.inlined = this.#part(R.inlined);
    this.pages = Array.from(this.#part(R.pages));
  }

  /** Where a part of the data begins: parts follow each other in the order of R. */
  #at(part: number): number {
    let at = this.#words[this.#record + R.data]!;
    for (let before: number = R.numbers; before < part; before++)
      at +=
        this.#words[this.#record + before]! * (before === R.numbers ? NUMBER : before === R.locals ? 2 : 1);
    return at;
  }

  #part(part: number): Int32Array {
    const at = this.#at(part);
    return this.#words.subarray(at, at + this.#words[this.#record + part]!);
  }

  get numbers(): RunNumber[] {
    const words = this.#words;
    const first = this.#at(R.numbers);
    return Array.from({ length: words[this.#record + R.numbers]! }, (_, i) => {
      const at = first + i * NUMBER;
      const site = words[at + 2]!;
      return {
        at: words[at]!,
        location: words[at + 1]! >>> 0,
        site: site < 0 ? -1 : this.#firstSite + site,
      };
    });
  }

  get body(): FuncBody {
    const words = this.#words;
    const record = this.#record;
    const code = words[record + R.code]!;
    const unlikely = this.#at(R.unlikely);
    const locals = this.#at(R.locals);
    return {
      type: 0,
      code: this.#module.subarray(code, code + words[record + R.codeLength]!),
      unlikely: Array.from(words.subarray(unlikely, unlikely + words[record + R.unlikely]!)),
      locals: Array.from({ length: words[record + R.locals]! }, (_, i) => [
        words[locals + 2 * i]!,
        words[locals + 2 * i + 1]! as ValType,
      ]),
    };
  }
}

function flagsOf({ isLoop, isOptimized, isWarm }: Translation): number {
  return (isLoop ? LOOP : 0) | (isOptimized ? OPTIMIZED : 0) | (isWarm ? WARM : 0);
}

/** Translations as bytes. */
export function writeModule(translations: readonly Translation[], store: TranslationStore): Uint8Array {
  // The file's sites are in the order in which translations have them.
  const sites = new Map<number, number>();
  for (const { numbers } of translations)
    for (const { site } of numbers) if (site >= 0 && !sites.has(site)) sites.set(site, sites.size);
  const { bytes, codes, numbers } = moduleOf(translations, sites.size, (site) => sites.get(site)!);
  const records: number[] = [];
  const data: number[] = [];
  const dataStart = HEADER + translations.length * RECORD;
  translations.forEach((t, i) => {
    const { unlikely = [], locals, code } = t.body;
    records.push(
      ...[t.location, flagsOf(t), t.instructions],
      ...[codes[i]!, code.length, dataStart + data.length],
      ...[t.numbers.length, unlikely.length, locals.length],
      ...[t.blocks.length, t.inlined.length, t.pages.length],
    );
    for (const { at, location, site } of t.numbers) data.push(at, location, site < 0 ? -1 : sites.get(site)!);
    for (const at of unlikely) data.push(at);
    for (const [count, type] of locals) data.push(count, type);
    for (const address of t.blocks) data.push(address);
    for (const address of t.inlined) data.push(address);
    for (const page of t.pages) data.push(page);
  });
  const sitesStart = dataStart + data.length;
  for (const number of sites.keys()) {
    const { location, dirty, region } = store.site(number);
    data.push(location, dirty, region);
  }
  data.push(...numbers.references);
  const total = dataStart + data.length;
  const out = new Uint8Array(total * 4 + bytes.length);
  const all = new Int32Array(out.buffer, 0, total);
  all.set([MAGIC, translations.length, bytes.length, sitesStart, sites.size, numbers.references.length]);
  all.set(records, HEADER);
  all.set(data, dataStart);
  out.set(bytes, total * 4);
  return out;
}

/** What writeModule wrote, and the module in it. */
export interface ReadPiece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly module: WebAssembly.Module;
  readonly isOptimized: boolean;
}

export interface ReadModule {
  readonly compiled: CompiledModule;
  /** Those that were wanted. */
  readonly translations: readonly Translation[];
  /** How many translations there are in all. */
  readonly size: number;
}

/** The header of what writeModule wrote. Throws RangeError when the bytes are of another kind. */
function headerOf(file: Uint8Array<ArrayBuffer>) {
  if (file.length < HEADER * 4) throw new RangeError('too short');
  const all = new Int32Array(file.buffer, file.byteOffset, file.length >> 2);
  const [magic, size = 0, length = 0, sitesStart = 0, sites = 0, references = 0] = all.subarray(0, HEADER);
  const sitesEnd = sitesStart + sites * SITE_WORDS;
  const end = sitesEnd + references;
  if (magic !== MAGIC || end * 4 + length !== file.length) throw new RangeError('no module');
  return { all, size, sites, sitesStart, sitesEnd, end, wasm: file.subarray(end * 4) };
}

/**
 * The wasm module in what writeModule wrote, and how many functions it has. Throws RangeError when the bytes are of another kind.
 */
export function moduleIn(file: Uint8Array<ArrayBuffer>): { wasm: Uint8Array<ArrayBuffer>; size: number } {
  const { wasm, size } = headerOf(file);
  return { wasm, size };
}

/**
 * What writeModule wrote as a compiled module of this run, in which translations that are not `wanted` are in nobody's way.
 * Throws RangeError when the bytes are of another kind.
 */
export function readModule(
  { bytes, module, isOptimized }: ReadPiece,
  store: TranslationStore,
  wanted: (location: number) => boolean,
): ReadModule {
  const { all, size, sites, sitesStart, sitesEnd, end, wasm } = headerOf(bytes);
  const firstSite = store.sitesOf(all.subarray(sitesStart, sitesEnd));
  const translations: Translation[] = [];
  const locations: number[] = [];
  for (let i = 0; i < size; i++) {
    const record = HEADER + i * RECORD;
    const location = all[record + R.location]! >>> 0;
    const isWanted = wanted(location);
    if (isWanted) translations.push(new KeptTranslation(all, record, wasm, firstSite));
    locations.push(isWanted ? location : NOWHERE);
  }
  const slotOf = (location: number) => store.slotOf(location >>> 0);
  const numbers = { sites, locations, references: Array.from(all.subarray(sitesEnd, end)) };
  const compiled: CompiledModule = {
    module,
    locations: translations.map((t) => t.location),
    slots: translations.map((t) => slotOf(t.location)),
    references: numbers.references.map(slotOf),
    numbers: importsOf(numbers, firstSite, slotOf),
    isOptimized,
    pages: [...new Set(translations.flatMap((t) => t.pages))],
  };
  return { compiled, translations, size };
}
