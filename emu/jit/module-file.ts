/**
 * Translations as bytes, to be kept from one run to the next: a wasm module of them, and behind it what must be known to give the
 * module the numbers of another run, to compile parts of it anew, and to write it once more.
 *
 *   header   HEADER int32s: magic, counts
 *   records  RECORD int32s for each function
 *   data     int32s: for each function its numbers, hints, locals, blocks and pages; then the sites
 *   module   bytes
 *
 * All int32s in the host's order. What is read is trusted to be what was written: who keeps the bytes sees to that.
 */

import type { CompiledModule, Translation } from './code-image.ts';
import type { RunNumber } from './function-writer.ts';
import { moduleOf } from './module.ts';
import type { TranslationStore } from './store.ts';
import { type FuncBody, patchI32, type ValType } from './wasm.ts';
import type { ModuleLayout } from './wasm-module.ts';

const MAGIC = 0x4152_4d34;
const HEADER = 5;
/** Words of a record. */
const R = {
  location: 0,
  /** LOOP and OPTIMIZED. */
  flags: 1,
  instructions: 2,
  code: 3,
  codeLength: 4,
  slotPlace: 5,
  data: 6,
  numbers: 7,
  unlikely: 8,
  locals: 9,
  blocks: 10,
  inlined: 11,
  pages: 12,
} as const;
const RECORD = 13;
const LOOP = 1;
const OPTIMIZED = 2;
/** No location: its slot takes functions that are not wanted. */
const NOWHERE = 0xffff_ffff;
/** Words of a number and of a site. */
const NUMBER = 3;
const SITE = 3;

/** A translation over the bytes of a file: what only a second compilation needs is made when it is asked for. */
class KeptTranslation implements Translation {
  readonly location: number;
  readonly isLoop: boolean;
  readonly instructions: number;
  readonly isOptimized: boolean;
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

/** Translations as bytes. */
export function writeModule(translations: readonly Translation[], store: TranslationStore): Uint8Array {
  const layout: ModuleLayout = { codes: [], slots: [] };
  const bytes = moduleOf(translations, (location) => store.slotOf(location), layout);
  const records: number[] = [];
  const data: number[] = [];
  const sites: number[] = [];
  const dataStart = HEADER + translations.length * RECORD;
  translations.forEach((t, i) => {
    const { numbers, body } = t;
    const { unlikely = [], locals } = body;
    records.push(
      ...[
        t.location,
        (t.isLoop ? LOOP : 0) | (t.isOptimized ? OPTIMIZED : 0),
        t.instructions,
        layout.codes[i]!,
        body.code.length,
      ],
      ...[layout.slots[i]!, dataStart + data.length],
      ...[numbers.length, unlikely.length, locals.length, t.blocks.length, t.inlined.length, t.pages.length],
    );
    for (const { at, location, site } of numbers) {
      data.push(at, location, site < 0 ? -1 : sites.length / SITE);
      if (site < 0) continue;
      const { location: place, dirty, region } = store.site(site);
      sites.push(place, dirty, region);
    }
    for (const at of unlikely) data.push(at);
    for (const [count, type] of locals) data.push(count, type);
    for (const address of t.blocks) data.push(address);
    for (const address of t.inlined) data.push(address);
    for (const page of t.pages) data.push(page);
  });
  const rest = dataStart + data.length;
  const total = rest + sites.length;
  const out = new Uint8Array(total * 4 + bytes.length);
  const all = new Int32Array(out.buffer, 0, total);
  all.set([MAGIC, translations.length, bytes.length, rest, sites.length]);
  all.set(records, HEADER);
  all.set(data, dataStart);
  all.set(sites, rest);
  out.set(bytes, total * 4);
  return out;
}

export interface ReadModule {
  readonly compiled: CompiledModule;
  /** Those that were wanted. */
  readonly translations: readonly Translation[];
  /** How many translations there are in all. */
  readonly size: number;
}

/**
 * What writeModule wrote as a compiled module of this run, in which translations that are not `wanted` are in nobody's way.
 * Throws RangeError when the bytes are of another kind, WebAssembly.CompileError when V8 does not take the module.
 */
export function readModule(
  file: Uint8Array<ArrayBuffer>,
  store: TranslationStore,
  wanted: (location: number) => boolean,
): ReadModule {
  if (file.length < HEADER * 4) throw new RangeError('too short');
  const all = new Int32Array(file.buffer, file.byteOffset, file.length >> 2);
  const [magic, count, length, rest, siteWords] = all.subarray(0, HEADER) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const total = rest + siteWords;
  if (magic !== MAGIC || total * 4 + length !== file.length) throw new RangeError('no module');
  const module = file.subarray(total * 4);
  const firstSite = store.sitesOf(all.subarray(rest, total));
  const translations: Translation[] = [];
  for (let i = 0; i < count; i++) {
    const record = HEADER + i * RECORD;
    const code = all[record + R.code]!;
    const end = all[record + R.data]! + all[record + R.numbers]! * NUMBER;
    for (let at = all[record + R.data]!; at < end; at += NUMBER) {
      const site = all[at + 2]!;
      patchI32(module, code + all[at]!, site < 0 ? store.slotOf(all[at + 1]! >>> 0) : firstSite + site);
    }
    const location = all[record + R.location]! >>> 0;
    const isWanted = wanted(location);
    patchI32(module, all[record + R.slotPlace]!, store.slotOf(isWanted ? location : NOWHERE));
    if (isWanted) translations.push(new KeptTranslation(all, record, module, firstSite));
  }
  const compiled: CompiledModule = {
    module: new WebAssembly.Module(module),
    locations: translations.map((t) => t.location),
    slots: translations.map((t) => store.slotOf(t.location)),
    pages: new Set(translations.flatMap((t) => t.pages)),
  };
  return { compiled, translations, size: count };
}
