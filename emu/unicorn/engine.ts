/**
 * libunicorn 2, through koffi, as an Engine (api.ts). Added: mem_map_ptr (memory of ours, not copied), ctl_remove_cache.
 *
 * Both koffi and libunicorn are optional: nothing is loaded before the first engine is made, and then a missing one is a
 * UnicornMissing whose message says what to install.
 *
 * An exception thrown by a hook would be lost inside the C library and the guest would run on: it is kept, emulation is
 * stopped, and emu_start throws it.
 *
 * Calls follow include/unicorn/unicorn.h, version 2.0.1.
 */
import { createRequire } from 'node:module';
import {
  type CodeCallback,
  type Engine,
  ERR_OK,
  HOOK_BLOCK,
  HOOK_CODE,
  HOOK_INTR,
  HOOK_MEM_INVALID,
  type Hook,
  type InterruptCallback,
  type MemoryCallback,
  type RegisterBatch,
  UnicornError,
  UnicornMissing,
} from './api.ts';

export * from './api.ts';

/** UC_CTL_TB_REMOVE_CACHE and UC_CTL_TB_FLUSH as uc_ctl wants them: type, number of arguments << 26, write << 30. */
const CTL_REMOVE_CACHE = 9 | (2 << 26) | (1 << 30);
const CTL_FLUSH = 10 | (1 << 30);

type Call = (...args: unknown[]) => number;

interface Library {
  readonly open: Call;
  readonly close: Call;
  readonly version: Call;
  readonly archSupported: (arch: number) => boolean;
  readonly strerror: (code: number) => string;
  readonly memMap: Call;
  readonly memMapPtr: Call;
  readonly memUnmap: Call;
  readonly memProtect: Call;
  readonly memRead: Call;
  readonly memWrite: Call;
  readonly regRead: Call;
  readonly regWrite: Call;
  readonly regReadBatch: Call;
  readonly regWriteBatch: Call;
  readonly emuStart: Call;
  readonly emuStop: Call;
  readonly hookAdd: Call;
  readonly hookDel: Call;
  readonly ctl: Call;
  readonly errno: Call;
  readonly contextAlloc: Call;
  readonly contextSave: Call;
  readonly contextRestore: Call;
  readonly contextFree: Call;
  readonly address: (bytes: ArrayBufferView) => bigint;
  readonly register: (
    callback: (...args: never[]) => unknown,
    kind: 'intr' | 'code' | 'mem' | 'event',
  ) => bigint;
  readonly unregister: (callback: bigint) => void;
}

const FILES = ['libunicorn.so.2', 'libunicorn.so', 'libunicorn.2.dylib'];

let loaded: Library | undefined;

/** Loads koffi and libunicorn at the first use. Throws UnicornMissing. */
function library(): Library {
  return (loaded ??= load());
}

function load(): Library {
  const koffi = loadKoffi();
  const lib = openLibrary(koffi);
  const ptr = 'uint64_t'; // handles and addresses as numbers: they fit in 53 bits
  const f = (name: string, result: string, args: string[]) => lib.func(name, result, args) as never;
  const types = {
    intr: koffi.proto(`void uc_cb_intr(${ptr} uc, uint32_t intno, void *data)`),
    code: koffi.proto(`void uc_cb_code(${ptr} uc, ${ptr} address, uint32_t size, void *data)`),
    mem: koffi.proto(
      `void uc_cb_mem(${ptr} uc, int type, ${ptr} address, int size, int64_t value, void *data)`,
    ),
    event: koffi.proto(
      `bool uc_cb_event(${ptr} uc, int type, ${ptr} address, int size, int64_t value, void *data)`,
    ),
  };
  return {
    open: f('uc_open', 'int', ['int', 'int', 'void *']),
    close: f('uc_close', 'int', [ptr]),
    version: f('uc_version', 'uint32_t', ['void *', 'void *']),
    archSupported: f('uc_arch_supported', 'bool', ['int']),
    strerror: f('uc_strerror', 'str', ['int']),
    memMap: f('uc_mem_map', 'int', [ptr, ptr, 'size_t', 'uint32_t']),
    memMapPtr: f('uc_mem_map_ptr', 'int', [ptr, ptr, 'size_t', 'uint32_t', 'void *']),
    memUnmap: f('uc_mem_unmap', 'int', [ptr, ptr, 'size_t']),
    memProtect: f('uc_mem_protect', 'int', [ptr, ptr, 'size_t', 'uint32_t']),
    memRead: f('uc_mem_read', 'int', [ptr, ptr, 'void *', 'size_t']),
    memWrite: f('uc_mem_write', 'int', [ptr, ptr, 'void *', 'size_t']),
    regRead: f('uc_reg_read', 'int', [ptr, 'int', 'void *']),
    regWrite: f('uc_reg_write', 'int', [ptr, 'int', 'void *']),
    regReadBatch: f('uc_reg_read_batch', 'int', [ptr, 'void *', 'void *', 'int']),
    regWriteBatch: f('uc_reg_write_batch', 'int', [ptr, 'void *', 'void *', 'int']),
    emuStart: f('uc_emu_start', 'int', [ptr, ptr, ptr, ptr, 'size_t']),
    emuStop: f('uc_emu_stop', 'int', [ptr]),
    hookAdd: f('uc_hook_add', 'int', [ptr, 'void *', 'int', 'void *', ptr, ptr, ptr]),
    hookDel: f('uc_hook_del', 'int', [ptr, ptr]),
    ctl: lib.func('int uc_ctl(uint64_t uc, uint32_t control, ...)') as never,
    errno: f('uc_errno', 'int', [ptr]),
    contextAlloc: f('uc_context_alloc', 'int', [ptr, 'void *']),
    contextSave: f('uc_context_save', 'int', [ptr, ptr]),
    contextRestore: f('uc_context_restore', 'int', [ptr, ptr]),
    contextFree: f('uc_context_free', 'int', [ptr]),
    address: (bytes) => koffi.address(bytes),
    register: (callback, kind) => koffi.register(callback, koffi.pointer(types[kind])),
    unregister: (callback) => koffi.unregister(callback),
  };
}

type Koffi = typeof import('koffi');

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    throw new UnicornMissing(`the npm package koffi does not load: ${firstLine(error)}`, 'npm install koffi');
  }
}

function openLibrary(koffi: Koffi): ReturnType<Koffi['load']> {
  let reason: unknown;
  for (const file of FILES) {
    try {
      return koffi.load(file);
    } catch (error) {
      reason ??= error;
    }
  }
  throw new UnicornMissing(
    `libunicorn 2 does not load: ${firstLine(reason)}`,
    'on Debian: apt-get install libunicorn2',
  );
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0]!;
}

/** The version of the library as [major, minor]. */
export function version(): [number, number] {
  const major = new Uint32Array(1);
  const minor = new Uint32Array(1);
  library().version(major, minor);
  return [major[0]!, minor[0]!];
}

export function arch_supported(arch: number): boolean {
  return library().archSupported(arch);
}

export function strerror(code: number): string {
  return library().strerror(code);
}
/** An emulator of the library. */
export class Unicorn implements Engine {
  readonly hooksFirst = version()[1] === 0;
  readonly readsCoprocessors = true;
  readonly #lib = library();
  readonly #handle: number;
  readonly #hooks = new Set<Hook>();
  /** Memory given to mem_map_ptr, kept alive as long as the library may use it. */
  readonly #mapped: Uint8Array[] = [];
  /** What a hook threw while emu_start was under way. */
  #thrown: { error: unknown } | null = null;
  #closed = false;

  constructor(arch: number, mode: number) {
    const out = new BigUint64Array(1);
    this.#check('uc_open', this.#lib.open(arch, mode, out));
    this.#handle = Number(out[0]);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#check('uc_close', this.#lib.close(this.#handle));
    for (const hook of this.#hooks) this.#lib.unregister(hook.callback as bigint);
    this.#mapped.length = 0;
  }

  // ---- memory ----

  mem_map(address: number, size: number, perms: number): void {
    this.#check('uc_mem_map', this.#lib.memMap(this.#handle, address, size, perms));
  }

  /** Maps memory of ours: the engine works on these very bytes. They must not move (a SharedArrayBuffer's do not). */
  mem_map_ptr(address: number, size: number, perms: number, bytes: Uint8Array): void {
    if (bytes.length < size) throw new RangeError('mem_map_ptr: the memory is shorter than the mapping');
    this.#check('uc_mem_map_ptr', this.#lib.memMapPtr(this.#handle, address, size, perms, bytes));
    this.#mapped.push(bytes);
  }

  mem_unmap(address: number, size: number): void {
    this.#check('uc_mem_unmap', this.#lib.memUnmap(this.#handle, address, size));
  }

  mem_protect(address: number, size: number, perms: number): void {
    this.#check('uc_mem_protect', this.#lib.memProtect(this.#handle, address, size, perms));
  }

  mem_read(address: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    this.#check('uc_mem_read', this.#lib.memRead(this.#handle, address, bytes, size));
    return bytes;
  }

  mem_write(address: number, bytes: Uint8Array): void {
    this.#check('uc_mem_write', this.#lib.memWrite(this.#handle, address, bytes, bytes.length));
  }

  // ---- registers ----

  reg_read(regid: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    this.#check('uc_reg_read', this.#lib.regRead(this.#handle, regid, bytes));
    return bytes;
  }

  reg_write(regid: number, bytes: Uint8Array): void {
    this.#check('uc_reg_write', this.#lib.regWrite(this.#handle, regid, bytes));
  }

  readonly #word = new Uint32Array(2);
  readonly #wordBytes = new Uint8Array(this.#word.buffer);

  reg_read_i32(regid: number): number {
    this.#check('uc_reg_read', this.#lib.regRead(this.#handle, regid, this.#wordBytes));
    return this.#word[0]!;
  }

  reg_write_i32(regid: number, value: number): void {
    this.#word[0] = value;
    this.#check('uc_reg_write', this.#lib.regWrite(this.#handle, regid, this.#wordBytes));
  }

  reg_read_i64(regid: number): bigint {
    return new BigUint64Array(this.reg_read(regid, 8).buffer)[0]!;
  }

  reg_write_i64(regid: number, value: bigint): void {
    this.reg_write(regid, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  reg_read_batch(batch: RegisterBatch): void {
    const { ids } = batch;
    this.#check(
      'uc_reg_read_batch',
      this.#lib.regReadBatch(this.#handle, ids, this.#pointers(batch), ids.length),
    );
  }

  reg_write_batch(batch: RegisterBatch): void {
    const { ids } = batch;
    this.#check(
      'uc_reg_write_batch',
      this.#lib.regWriteBatch(this.#handle, ids, this.#pointers(batch), ids.length),
    );
  }

  readonly #batches = new WeakMap<RegisterBatch, BigUint64Array>();

  /** Where each value of the batch lies. */
  #pointers(batch: RegisterBatch): BigUint64Array {
    let pointers = this.#batches.get(batch);
    if (pointers === undefined) {
      const base = this.#lib.address(batch.bytes);
      pointers = BigUint64Array.from(batch.offsets, (offset) => base + BigInt(offset));
      this.#batches.set(batch, pointers);
    }
    return pointers;
  }

  // ---- running ----

  emu_start(begin: number, until: number, timeout: number, count: number): void {
    this.#thrown = null;
    const code = this.#lib.emuStart(this.#handle, begin, until, timeout, count);
    const thrown = this.#thrown as { error: unknown } | null;
    if (thrown !== null) throw thrown.error;
    this.#check('uc_emu_start', code);
  }

  emu_stop(): void {
    this.#check('uc_emu_stop', this.#lib.emuStop(this.#handle));
  }

  readonly hook_add: Engine['hook_add'] = (
    type: number,
    callback: InterruptCallback | CodeCallback | MemoryCallback,
    userData: unknown = {},
    begin = 1,
    end = 0,
  ): Hook => {
    const registered = this.#register(type, callback, userData);
    const out = new BigUint64Array(1);
    const code = this.#lib.hookAdd(this.#handle, out, type, registered, 0, begin, end);
    if (code !== ERR_OK) this.#lib.unregister(registered);
    this.#check('uc_hook_add', code);
    const hook = { handle: out[0]!, callback: registered };
    this.#hooks.add(hook);
    return hook;
  };

  hook_del(hook: Hook): void {
    if (!this.#hooks.delete(hook)) throw new RangeError('hook_del: not a hook of this engine');
    this.#check('uc_hook_del', this.#lib.hookDel(this.#handle, hook.handle));
    this.#lib.unregister(hook.callback as bigint);
  }

  #register(type: number, callback: unknown, userData: unknown): bigint {
    const guard = <T>(body: () => T): T | undefined => {
      try {
        return body();
      } catch (error) {
        this.#thrown ??= { error };
        this.#lib.emuStop(this.#handle);
        return undefined;
      }
    };
    if (type === HOOK_INTR) {
      const call = callback as InterruptCallback;
      return this.#lib.register(
        (_uc: number, intno: number) => guard(() => call(this, intno, userData)),
        'intr',
      );
    }
    if (type === HOOK_CODE || type === HOOK_BLOCK) {
      const call = callback as CodeCallback;
      return this.#lib.register(
        (_uc: number, address: number, size: number) => guard(() => call(this, address, size, userData)),
        'code',
      );
    }
    const call = callback as MemoryCallback;
    const invalid = (type & HOOK_MEM_INVALID) !== 0;
    if (invalid && type & ~HOOK_MEM_INVALID) {
      throw new RangeError('hook_add: events that want an answer cannot be mixed with others');
    }
    return this.#lib.register(
      (_uc: number, kind: number, address: number, size: number, value: number | bigint) => {
        const answer = guard(() => call(this, kind, address, size, BigInt(value), userData));
        return invalid ? answer === true : undefined;
      },
      invalid ? 'event' : 'mem',
    );
  }

  // ---- translations ----

  /**
   * Forgets the code translated from begin..end-1. The addresses go through the guest's MMU as they stand: they must be
   * executable in the guest's eyes, and contiguous in physical memory, or nothing happens.
   */
  ctl_remove_cache(begin: number, end: number): void {
    this.#check('uc_ctl', this.#lib.ctl(this.#handle, CTL_REMOVE_CACHE, 'uint64_t', begin, 'uint64_t', end));
  }

  /** Forgets all translated code; takes some 15 ms. */
  ctl_flush_tb(): void {
    this.#check('uc_ctl', this.#lib.ctl(this.#handle, CTL_FLUSH));
  }

  // ---- contexts ----

  context_alloc(): number {
    const out = new BigUint64Array(1);
    this.#check('uc_context_alloc', this.#lib.contextAlloc(this.#handle, out));
    return Number(out[0]);
  }
  context_save(context: number): void {
    this.#check('uc_context_save', this.#lib.contextSave(this.#handle, context));
  }
  context_restore(context: number): void {
    this.#check('uc_context_restore', this.#lib.contextRestore(this.#handle, context));
  }
  context_free(context: number): void {
    this.#check('uc_context_free', this.#lib.contextFree(context));
  }

  errno(): number {
    return this.#lib.errno(this.#handle);
  }

  #check(call: string, code: number): void {
    if (code !== ERR_OK) throw new UnicornError(call, code, this.#lib.strerror(code));
  }
}
