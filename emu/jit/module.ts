/** Region modules: translations as one wasm module, which puts each of its functions in the table slot of its location. */

import type { Translation } from './code-image.ts';
import { IMPORTS, TYPES } from './convention.ts';
import { encodeModule, type ModuleLayout } from './wasm-module.ts';

/** Names compiled functions by their guest address: for profilers (`node --cpu-prof`, `perf`). */
const NAMES = process.env.ARMRUN_JIT_NAMES !== undefined;

export function moduleOf(
  translations: readonly Translation[],
  slotOf: (location: number) => number,
  layout?: ModuleLayout,
): Uint8Array<ArrayBuffer> {
  return encodeModule(
    {
      types: TYPES,
      functionImports: IMPORTS,
      table: true,
      functions: translations.map((t) => t.body),
      slots: translations.map((t) => slotOf(t.location)),
      ...(NAMES && { names: translations.map((t) => `arm ${t.location.toString(16)}`) }),
    },
    layout,
  );
}
