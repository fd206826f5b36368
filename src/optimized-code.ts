/**
 * V8's best code of region modules, made ahead: in a run V8 compiles a function quickly when it is first called, and well when it
 * has run for long, which most functions of a program that starts never do.
 *
 * A function is compiled for all modules of the same bytes that there are in the process, on whichever thread: they have their
 * code in common.
 */
import { setImmediate } from 'node:timers/promises';
import { IMPORTS } from '../emu/jit/convention.ts';
import type { Unoptimized } from '../emu/jit/translation-thread.ts';
import { MEMORY_PAGES_MAX, NUMBERS } from '../emu/jit/wasm-module.ts';
import { tierUpFunction } from './wasm-code.ts';

/** Milliseconds after which what there is by then is given. */
const SLICE = 40;

/** TypeScript's library of Node's types lacks it. */
const { imports: importsOf } = WebAssembly.Module as unknown as {
  imports(module: WebAssembly.Module): { readonly module: string }[];
};

let tierUp: ReturnType<typeof tierUpFunction> | undefined;
/** What has V8 optimize a function; null where it cannot be asked to. */
function optimizer(): ReturnType<typeof tierUpFunction> {
  if (tierUp === undefined) tierUp = tierUpFunction();
  return tierUp;
}

/** What the modules import; nothing of it is called. */
interface Imports {
  readonly e: WebAssembly.ModuleImports;
  readonly table: WebAssembly.Table;
}
let imports: Imports | undefined;
function makeImports(): Imports {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: MEMORY_PAGES_MAX, shared: true });
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
  const functions = Object.fromEntries(IMPORTS.map(({ name }) => [name, () => 0]));
  return { e: { m: memory, t: table, ...functions }, table };
}

/** A module of regions, and its functions. */
interface Regions {
  readonly module: WebAssembly.Module;
  readonly functions: readonly unknown[];
}
/** What is being optimized: V8 forgets the code of a module that nobody has. */
let under: Regions | undefined;

/**
 * Has V8 optimize more functions of a region module, for SLICE milliseconds; gives how many have been by then. What else the
 * thread is to do comes in between functions.
 */
export async function optimizeMore({ wasm, functions }: Unoptimized): Promise<number> {
  const optimize = optimizer();
  if (optimize === null) return functions;
  const began = performance.now();
  under = functionsOf(wasm);
  const all = under.functions;
  let done = functions;
  while (done < all.length && performance.now() - began < SLICE) {
    optimize(all[done++]);
    await setImmediate();
  }
  return done;
}

/** A module all of whose functions V8 has optimized, where it can be asked to. */
export function optimizedModule(wasm: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  const optimize = optimizer();
  if (optimize === null) return new WebAssembly.Module(wasm);
  const { module, functions } = functionsOf(wasm);
  for (const f of functions) optimize(f);
  return module;
}

export function functionsOf(wasm: Uint8Array<ArrayBuffer>): Regions {
  imports ??= makeImports();
  const { e, table } = imports;
  const module = new WebAssembly.Module(wasm);
  const numbers = importsOf(module).filter((i) => i.module === NUMBERS).length;
  if (table.length < numbers) table.grow(numbers - table.length);
  // Each number is the slot of its own, so no function takes the place of another.
  const slots = Array.from({ length: numbers }, (_, i) => i);
  new WebAssembly.Instance(module, { e, [NUMBERS]: slots as unknown as WebAssembly.ModuleImports });
  const functions = slots.map((slot) => table.get(slot)).filter((f) => f !== null);
  for (const slot of slots) table.set(slot, null);
  return { module, functions };
}
