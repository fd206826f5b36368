/**
 * unicorn.js, Unicorn 2 compiled by emscripten, as an Engine (api.ts). It is the user's own: a file or package that exports the
 * factory MUnicorn, whose promise gives constants, version() and the class Unicorn.
 *
 * In it 64-bit values are BigInt, and a call that fails throws a string with the code. An exception thrown by a hook must not
 * pass through the module's frames: it is kept, emulation is stopped, and emu_start throws it.
 *
 * Names follow its src/unicorn-wrapper.js and docs/api.md, version 2.1.4.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import {
  ARCH_ARM,
  ARM_REG_CP_REG,
  ARM_REG_D0,
  ARM_REG_PC,
  ARM_REG_R0,
  ARM_REG_SP,
  type CodeCallback,
  type Engine,
  HOOK_BLOCK,
  HOOK_CODE,
  HOOK_INTR,
  type Hook,
  type InterruptCallback,
  type MemoryCallback,
  MODE_ARM,
  type RegisterBatch,
  UnicornError,
  UnicornMissing,
} from './api.ts';

/** What the class Unicorn of the module has, as far as it is used. */
export interface ModuleEngine {
  close(): void;
  mem_map(address: bigint, size: number, perms: number): void;
  mem_read(address: bigint, size: number): Uint8Array;
  mem_write(address: bigint, bytes: Uint8Array): void;
  reg_read(regid: number, size: number): Uint8Array;
  reg_write(regid: number, bytes: Uint8Array): void;
  reg_read_i32(regid: number): number;
  reg_write_i32(regid: number, value: number): void;
  emu_start(begin: bigint, until: bigint, timeout: number, count: number): void;
  emu_stop(): void;
  hook_add(
    type: number,
    callback: (engine: unknown, ...values: never[]) => unknown,
    userData: unknown,
    begin: number,
    end: number,
  ): Hook;
  hook_del(hook: Hook): void;
}

/** The module, as far as it is used. */
export interface UnicornModule {
  readonly Unicorn: new (arch: number, mode: number) => ModuleEngine;
  version(): number;
  arch_supported(arch: number): unknown;
  readonly [constant: string]: unknown;
}

/** Where it is looked for when the user names none. */
const PACKAGES = ['unicorn.js', '@alexaltea/unicorn-js'];
const ADVICE = 'set ARMRUN_UNICORN_JS to the file or package of a build of version 2 with ARM';
/** Constants that tell whether numbers are what they are here. */
const KNOWN = { ARM_REG_R0, ARM_REG_D0, ARM_REG_SP, ARM_REG_PC, HOOK_CODE, ARCH_ARM };

/**
 * Loads the module named, a path or a package as `directory` sees it; null: the packages that it is known by. Rejects with
 * UnicornMissing when there is none, or none that fits.
 */
export async function loadModule(named: string | null, directory: string): Promise<UnicornModule> {
  const require = createRequire(join(directory, 'package.json'));
  let found: { name: string; exported: unknown } | undefined;
  let reason: unknown;
  for (const name of named === null ? PACKAGES : [resolve(directory, named), named]) {
    try {
      found = { name, exported: require(name) };
      break;
    } catch (error) {
      reason ??= error;
    }
  }
  if (found === undefined) {
    const what =
      named === null ? `no package ${PACKAGES.join(' or ')}` : `${named} does not load: ${firstLine(reason)}`;
    throw new UnicornMissing(what, ADVICE);
  }
  const module = await instance(found.exported).catch((error: unknown) => {
    throw new UnicornMissing(`${found.name} does not start: ${firstLine(error)}`, ADVICE);
  });
  const unfit = whyUnfit(module);
  if (unfit !== null) throw new UnicornMissing(`${found.name} ${unfit}`, ADVICE);
  return module as UnicornModule;
}

/** What the factory gives, be it exported as it is, by name or as the default. */
async function instance(exported: unknown): Promise<Partial<UnicornModule>> {
  const named = exported as { MUnicorn?: unknown; default?: unknown } | null;
  const factory = typeof exported === 'function' ? exported : (named?.MUnicorn ?? named?.default ?? exported);
  return (typeof factory === 'function' ? await factory() : await factory) ?? {};
}

function whyUnfit(module: Partial<UnicornModule>): string | null {
  if (typeof module.Unicorn !== 'function' || typeof module.version !== 'function')
    return 'is no build of unicorn.js';
  const version = module.version();
  if (version >>> 24 !== 2) return 'is not version 2';
  if (!module.arch_supported?.(ARCH_ARM)) return 'was built without ARM';
  const odd = Object.entries(KNOWN).find(([name, value]) => module[name] !== value);
  return odd === undefined ? null : `has ${odd[0]} ${module[odd[0]]} where Unicorn 2 has ${odd[1]}`;
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0]!;
}

/** An emulator of the module. */
export class ModuleUnicorn implements Engine {
  readonly hooksFirst = false;
  readonly readsCoprocessors = false;
  readonly #engine: ModuleEngine;
  /** What a hook threw while emu_start was under way. */
  #thrown: { error: unknown } | null = null;

  constructor(module: UnicornModule) {
    this.#engine = calling(() => new module.Unicorn(ARCH_ARM, MODE_ARM));
  }

  close(): void {
    calling(() => this.#engine.close());
  }

  mem_map(address: number, size: number, perms: number): void {
    calling(() => this.#engine.mem_map(BigInt(address), size, perms));
  }
  mem_read(address: number, size: number): Uint8Array {
    return calling(() => this.#engine.mem_read(BigInt(address), size));
  }
  mem_write(address: number, bytes: Uint8Array): void {
    calling(() => this.#engine.mem_write(BigInt(address), bytes));
  }

  reg_read(regid: number, size: number): Uint8Array {
    return calling(() => this.#engine.reg_read(regid, size));
  }
  reg_write(regid: number, bytes: Uint8Array): void {
    calling(() => this.#engine.reg_write(regid, bytes));
  }
  reg_read_i32(regid: number): number {
    return calling(() => this.#engine.reg_read_i32(regid)) >>> 0;
  }
  reg_write_i32(regid: number, value: number): void {
    calling(() => this.#engine.reg_write_i32(regid, value | 0));
  }

  /** Of a register of a coprocessor the value stays: reg_read does not pass on which one is meant. */
  reg_read_batch({ ids, sizes, offsets, bytes }: RegisterBatch): void {
    for (const [i, id] of ids.entries()) {
      if (id !== ARM_REG_CP_REG) bytes.set(this.reg_read(id, sizes[i]!), offsets[i]);
    }
  }
  reg_write_batch({ ids, sizes, offsets, bytes }: RegisterBatch): void {
    for (const [i, id] of ids.entries())
      this.reg_write(id, bytes.slice(offsets[i]!, offsets[i]! + sizes[i]!));
  }

  emu_start(begin: number, until: number, timeout: number, count: number): void {
    this.#thrown = null;
    let failed: unknown = null;
    try {
      calling(() => this.#engine.emu_start(BigInt(begin), BigInt(until), timeout, count));
    } catch (error) {
      failed = error;
    }
    const thrown = this.#thrown as { error: unknown } | null;
    if (thrown !== null) throw thrown.error;
    if (failed !== null) throw failed;
  }
  emu_stop(): void {
    calling(() => this.#engine.emu_stop());
  }

  hook_add(
    type: number,
    callback: InterruptCallback | CodeCallback | MemoryCallback,
    userData: unknown = {},
    begin = 1,
    end = 0,
  ): Hook {
    return calling(() => this.#engine.hook_add(type, this.#guarded(type, callback), userData, begin, end));
  }
  hook_del(hook: Hook): void {
    calling(() => this.#engine.hook_del(hook));
  }

  #guarded(type: number, callback: unknown): (engine: unknown, ...values: never[]) => unknown {
    const guard = <T>(body: () => T): T | undefined => {
      try {
        return body();
      } catch (error) {
        this.#thrown ??= { error };
        this.#engine.emu_stop();
        return undefined;
      }
    };
    if (type === HOOK_INTR) {
      const call = callback as InterruptCallback;
      return (_engine, intno: number, data: unknown) => guard(() => call(this, intno, data));
    }
    if (type === HOOK_CODE || type === HOOK_BLOCK) {
      const call = callback as CodeCallback;
      return (_engine, address: bigint, size: number, data: unknown) =>
        guard(() => call(this, Number(address), size, data));
    }
    const call = callback as MemoryCallback;
    return (_engine, kind: number, address: bigint, size: number, value: bigint, data: unknown) =>
      guard(() => call(this, kind, Number(address), size, value, data)) === true;
  }
}

/** Calls the module; what it throws becomes a UnicornError. */
function calling<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const parts = /Function (\w+) failed with code (\d+):\s*(.*)/s.exec(String(error));
    if (parts === null) throw error;
    throw new UnicornError(parts[1]!, Number(parts[2]), parts[3]!);
  }
}
