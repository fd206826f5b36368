/**
 * Region modules: translations as one wasm module, which puts each of its functions in the table slot of its location.
 *
 * The bytes are the same in every run: slots, and the numbers of places that may fault, are imported. So what V8 has made of the
 * bytes can be used again (src/wasm-code.ts), and whoever has them can make the module.
 */

import type { Translation } from './code-image.ts';
import { IMPORTS, SITE_WORDS, TYPES } from './convention.ts';
import type { Batch } from './translator.ts';
import { fillHole, fillHoleWithSum, MAX_ADDED } from './wasm.ts';
import { encodeModule } from './wasm-module.ts';

/** Names compiled functions by their guest address: for profilers (`node --cpu-prof`, `perf`). */
const NAMES = process.env.ARMRUN_JIT_NAMES !== undefined;

/** The numbers that a module imports, in this order: the sites MAX_ADDED apart, a slot for each function, slots. */
export interface Numbers {
  /** How many sites there are. */
  readonly sites: number;
  /** Of each function. */
  readonly locations: readonly number[];
  /** Locations that functions call or jump to. */
  readonly references: readonly number[];
}

export interface RegionModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offset of the code of each function. */
  readonly codes: readonly number[];
  readonly numbers: Numbers;
}

/** A module as V8 has it, of so many bytes, and what is to be imported. */
export interface MadeModule {
  readonly module: WebAssembly.Module;
  readonly length: number;
  readonly numbers: Numbers;
}

/** Has V8 make a module of bytes. */
export type CompileModule = (wasm: Uint8Array<ArrayBuffer>) => WebAssembly.Module;

/** Has V8 make a module of a batch. */
export function makeModule(
  { translations, sites }: Batch,
  compile: CompileModule = (wasm) => new WebAssembly.Module(wasm),
): MadeModule {
  const { bytes, numbers } = moduleOf(translations, sites.length / SITE_WORDS, (site) => site);
  return { module: compile(bytes), length: bytes.length, numbers };
}

/** `siteOf` tells which of the module's sites, 0 to `sites` - 1, a translation's is. */
export function moduleOf(
  translations: readonly Translation[],
  sites: number,
  siteOf: (site: number) => number,
): RegionModule {
  const firstPlace = Math.ceil(sites / MAX_ADDED);
  const firstReference = firstPlace + translations.length;
  const references = new Map<number, number>();
  for (const { numbers } of translations)
    for (const { location, site } of numbers)
      if (site < 0 && !references.has(location)) references.set(location, firstReference + references.size);
  const codes: number[] = [];
  const bytes = encodeModule(
    {
      types: TYPES,
      functionImports: IMPORTS,
      table: true,
      functions: translations.map((t) => t.body),
      numbers: firstReference + references.size,
      placed: translations.map((_, i) => firstPlace + i),
      ...(NAMES && { names: translations.map((t) => `arm ${t.location.toString(16)}`) }),
    },
    codes,
  );
  translations.forEach(({ numbers }, i) => {
    for (const { at, location, site } of numbers) {
      if (site < 0) fillHole(bytes, codes[i]! + at, references.get(location)!);
      else {
        const own = siteOf(site);
        fillHoleWithSum(bytes, codes[i]! + at, Math.floor(own / MAX_ADDED), own % MAX_ADDED);
      }
    }
  });
  const locations = translations.map((t) => t.location);
  return { bytes, codes, numbers: { sites, locations, references: [...references.keys()] } };
}

/** What is to be imported. `firstSite` is the number of the module's first site in this run; the others follow. */
export function importsOf(
  { sites, locations, references }: Numbers,
  firstSite: number,
  slotOf: (location: number) => number,
): number[] {
  return [
    ...Array.from({ length: Math.ceil(sites / MAX_ADDED) }, (_, i) => firstSite + i * MAX_ADDED),
    ...locations.map(slotOf),
    ...references.map(slotOf),
  ];
}
