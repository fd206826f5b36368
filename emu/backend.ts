/**
 * Makes the CPU that the user chose. Engines that few runs need are loaded only when asked for.
 */
import { setTimeout } from 'node:timers/promises';
import type { CpuBackend, CpuName, CpuOptions } from './cpu.ts';
import { ReferenceBackend } from './evaluator/reference-backend.ts';
import type { Archive } from './jit/archive.ts';
import { JitBackend } from './jit/backend.ts';
import { TranslationStore } from './jit/store.ts';
import { type Channel, TranslationThread } from './jit/translation-thread.ts';
import type { TranslatorOptions } from './jit/translator.ts';
import type { AddressSpace } from './memory/address-space.ts';

export type BackendFactory = (space: AddressSpace, options: CpuOptions) => CpuBackend;

/** What the end of a run may wait for writing, ms; and where nothing is to be lost. */
const PATIENCE = 5;
const ALL_PATIENCE = 2 ** 30;

/** Those that are run first of two: where they stop the other is led to, by single instructions, which compiled code has not. */
const LEADERS: readonly CpuName[] = ['jit', 'interp'];

/** An engine for all processes of a run. */
export interface Engine {
  readonly create: BackendFactory;
  /**
   * To be called at the end of the run: keeps what is of use to the next one. Takes PATIENCE ms at the most, if not repeatable.
   */
  finish(): Promise<void>;
}

export interface EngineOptions {
  /** A second engine that runs beside the first and is compared with it. */
  readonly verify?: CpuName | null;
  /** Where translations come from and go to. */
  readonly archive?: Archive | null;
  /** How to reach a thread that translates; null: there is none. */
  readonly translator?: ((options: TranslatorOptions) => Channel) | null;
  /** What it does goes by no clock: it is the same each time. There is no other thread, and the end waits for writing. */
  readonly repeatable?: boolean;
  /** File or package of unicorn.js; null: what it is known by. */
  readonly unicornJs?: string | null;
}

/** Gives an engine; rejects with one clear line when it is not available on this machine. */
export async function engineNamed(name: CpuName, options: EngineOptions = {}): Promise<Engine> {
  const { verify, unicornJs = null } = options;
  if (!verify) return engine(name, options);
  if (verify === name) throw new Error(`${name} cannot be compared with itself`);
  const leader = LEADERS.find((cpu) => cpu === name || cpu === verify) ?? name;
  const { VerifyBackend } = await import('./verify/backend.ts');
  const first = await engine(leader, { unicornJs });
  const second = await engine(leader === name ? verify : name, { unicornJs });
  return {
    create: (space, options) => new VerifyBackend(space, options, first.create, second.create),
    finish: async () => {},
  };
}

async function engine(
  name: CpuName,
  { archive = null, translator = null, repeatable = false, unicornJs = null }: EngineOptions,
): Promise<Engine> {
  switch (name) {
    case 'jit': {
      const thread = translator === null || repeatable ? null : new TranslationThread(translator);
      const store = new TranslationStore(archive, undefined, thread, repeatable);
      const patience = repeatable ? ALL_PATIENCE : PATIENCE;
      return {
        create: (space, options) => new JitBackend(space, options, store),
        finish: async () => {
          thread?.close();
          await Promise.race([store.keep(patience), setTimeout(patience, undefined, { ref: false })]);
        },
      };
    }
    case 'interp': {
      const store = new TranslationStore();
      return {
        create: (space, options) => new JitBackend(space, { ...options, interpret: true }, store),
        finish: async () => {},
      };
    }
    case 'reference':
      return { create: (space, options) => new ReferenceBackend(space, options), finish: async () => {} };
    case 'unicorn': {
      const { UnicornBackend } = await import('./unicorn/backend.ts');
      const { version } = await import('./unicorn/engine.ts');
      version(); // throws when the library is not there
      return { create: (space, options) => new UnicornBackend(space, options), finish: async () => {} };
    }
    case 'unicorn.js': {
      const { UnicornBackend } = await import('./unicorn/backend.ts');
      const { loadModule, ModuleUnicorn } = await import('./unicorn/module.ts');
      const module = await loadModule(unicornJs, process.cwd());
      return {
        create: (space, options) => new UnicornBackend(space, options, () => new ModuleUnicorn(module)),
        finish: async () => {},
      };
    }
    default:
      throw new Error(`there is no CPU ${name}`);
  }
}
