/**
 * The Unicorn CPU emulator (libunicorn 2, through koffi) behind the method names of unicorn.js, so that the one can be put in the other's place.
 *
 * Both koffi and libunicorn are optional: nothing is loaded before the first engine is made, and then a missing one is a UnicornMissing whose message says
 * what to install.
 *
 * Different from unicorn.js, because the guest is always 32 bits wide: addresses are one number, and hooks get (engine, address, size, ...) without halves.
 * Added: mem_map_ptr (memory of ours, not copied), reg_read_batch and reg_write_batch, ctl_remove_cache.
 *
 * An exception thrown by a hook would be lost inside the C library and the guest would run on: it is kept, emulation is stopped, and emu_start throws it.
 *
 * Constants and calls follow include/unicorn/unicorn.h and arm.h, version 2.0.1.
 */
import { createRequire } from 'node:module';

export const ARCH_ARM = 1;
export const MODE_ARM = 0;
export const MODE_THUMB = 1 << 4;

export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const PROT_EXEC = 4;
export const PROT_ALL = 7;

export const HOOK_INTR = 1;
export const HOOK_CODE = 4;
export const HOOK_BLOCK = 8;
export const HOOK_MEM_READ_UNMAPPED = 1 << 4;
export const HOOK_MEM_WRITE_UNMAPPED = 1 << 5;
export const HOOK_MEM_FETCH_UNMAPPED = 1 << 6;
export const HOOK_MEM_READ_PROT = 1 << 7;
export const HOOK_MEM_WRITE_PROT = 1 << 8;
export const HOOK_MEM_FETCH_PROT = 1 << 9;
export const HOOK_MEM_READ = 1 << 10;
export const HOOK_MEM_WRITE = 1 << 11;
/** Events a hook answers: true means "mapped now, try again". */
const HOOK_MEM_INVALID = 0x3f0;

export const MEM_READ = 16;
export const MEM_WRITE = 17;
export const MEM_FETCH = 18;

export const ERR_OK = 0;
export const ERR_READ_UNMAPPED = 6;
export const ERR_WRITE_UNMAPPED = 7;
export const ERR_FETCH_UNMAPPED = 8;
export const ERR_INSN_INVALID = 10;
export const ERR_EXCEPTION = 21;

export const ARM_REG_APSR = 1;
export const ARM_REG_APSR_NZCV = 2;
export const ARM_REG_CPSR = 3;
export const ARM_REG_FPEXC = 4;
export const ARM_REG_FPSCR = 6;
export const ARM_REG_LR = 10;
export const ARM_REG_PC = 11;
export const ARM_REG_SP = 12;
/** d0..d31, q0..q15, r0..r12 and s0..s31 follow each other. */
export const ARM_REG_D0 = 14;
export const ARM_REG_Q0 = 50;
export const ARM_REG_R0 = 66;
export const ARM_REG_S0 = 79;
/** CPACR, TPIDRURO. */
export const ARM_REG_C1_C0_2 = 111;
export const ARM_REG_C13_C0_3 = 113;
/** A coprocessor register; its value is a struct uc_arm_cp_reg (see cpRegister). */
export const ARM_REG_CP_REG = 139;

/** UC_CTL_TB_REMOVE_CACHE and UC_CTL_TB_FLUSH as uc_ctl wants them: type, number of arguments << 26, write << 30. */
const CTL_REMOVE_CACHE = 9 | (2 << 26) | (1 << 30);
const CTL_FLUSH = 10 | (1 << 30);

/** A call of the library that failed. */
export class UnicornError extends Error {
  /** ERR_*. */
  readonly code: number;
  constructor(call: string, code: number, text: string) {
    super(`${call}: ${text}`);
    this.name = 'UnicornError';
    this.code = code;
  }
}

/** koffi or libunicorn is not there; the message is one line and says what to do. */
export class UnicornMissing extends Error {
  constructor(what: string, fix: string) {
    super(`Unicorn cannot be used: ${what} (${fix})`);
    this.name = 'UnicornMissing';
  }
}

export type InterruptCallback = (engine: Unicorn, intno: number, userData: unknown) => void;
export type CodeCallback = (engine: Unicorn, address: number, size: number, userData: unknown) => void;
/** For HOOK_MEM_*_UNMAPPED and _PROT the answer true means that the access may be tried again. */
export type MemoryCallback = (
  engine: Unicorn,
  type: number,
  address: number,
  size: number,
  value: bigint,
  userData: unknown,
) => boolean | undefined;

export interface Hook {
  readonly handle: bigint;
  readonly callback: bigint;
}

/**
 * Registers read or written together: value i lies in `values`, at the offset in bytes that `add` gave. A fixed place in memory of ours, so that
 * one call moves all of them.
 */
export class RegisterBatch {
  readonly values: DataView;
  readonly bytes: Uint8Array;
  readonly ids: Int32Array;
  readonly pointers: BigUint64Array;
  readonly count: number;

  /** `sizes` in bytes, in the order of `ids`; offsets are multiples of 8. */
  constructor(ids: readonly number[], sizes: readonly number[]) {
    this.count = ids.length;
    this.ids = Int32Array.from(ids);
    const offsets: number[] = [];
    let length = 0;
    for (const size of sizes) {
      offsets.push(length);
      length += (size + 7) & ~7;
    }
    this.bytes = new Uint8Array(new SharedArrayBuffer(length));
    this.values = new DataView(this.bytes.buffer);
    const base = library().address(this.bytes);
    this.pointers = BigUint64Array.from(offsets, (offset) => base + BigInt(offset));
  }
}

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

/** An emulator. Every method throws UnicornError when the library refuses. Not usable after close(). */
export class Unicorn {
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
    for (const hook of this.#hooks) this.#lib.unregister(hook.callback);
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

  /** As an unsigned number. */
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
    const { ids, pointers, count } = batch;
    this.#check('uc_reg_read_batch', this.#lib.regReadBatch(this.#handle, ids, pointers, count));
  }

  reg_write_batch(batch: RegisterBatch): void {
    const { ids, pointers, count } = batch;
    this.#check('uc_reg_write_batch', this.#lib.regWriteBatch(this.#handle, ids, pointers, count));
  }

  // ---- running ----

  /**
   * Runs from `begin` (bit 0 set: Thumb) until the PC is `until` (bit 0 clear), or `count` instructions have been run (0: no limit; the timeout in
   * microseconds too). Code translated while no count was given is not counted later: always give one, or never.
   */
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

  hook_add(type: typeof HOOK_INTR, callback: InterruptCallback, userData?: unknown): Hook;
  hook_add(
    type: typeof HOOK_CODE | typeof HOOK_BLOCK,
    callback: CodeCallback,
    userData?: unknown,
    begin?: number,
    end?: number,
  ): Hook;
  hook_add(type: number, callback: MemoryCallback, userData?: unknown, begin?: number, end?: number): Hook;
  hook_add(
    type: number,
    callback: InterruptCallback | CodeCallback | MemoryCallback,
    userData: unknown = {},
    begin = 1,
    end = 0,
  ): Hook {
    const registered = this.#register(type, callback, userData);
    const out = new BigUint64Array(1);
    const code = this.#lib.hookAdd(this.#handle, out, type, registered, 0, begin, end);
    if (code !== ERR_OK) this.#lib.unregister(registered);
    this.#check('uc_hook_add', code);
    const hook = { handle: out[0]!, callback: registered };
    this.#hooks.add(hook);
    return hook;
  }

  hook_del(hook: Hook): void {
    if (!this.#hooks.delete(hook)) throw new RangeError('hook_del: not a hook of this engine');
    this.#check('uc_hook_del', this.#lib.hookDel(this.#handle, hook.handle));
    this.#lib.unregister(hook.callback);
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
   * Forgets the code translated from begin..end-1. The addresses go through the guest's MMU as they stand: they must be executable in the guest's eyes,
   * and contiguous in physical memory, or nothing happens.
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

/** Where the value of a coprocessor register lies in its struct uc_arm_cp_reg, and the length of that. */
export const CP_REG_VALUE = 32;
export const CP_REG_SIZE = 40;

/**
 * A struct uc_arm_cp_reg for a 32-bit register of CP15, with the value 0, written into `into` at `offset`. crn, crm, opc1, opc2 as in MRC; of the two
 * banks the one Unicorn runs with (sec = 0).
 */
export function cpRegister(
  into: DataView,
  offset: number,
  crn: number,
  crm: number,
  opc1: number,
  opc2: number,
): void {
  const words = [15, 0, 0, crn, crm, opc1, opc2, 0, 0, 0];
  for (const [i, word] of words.entries()) into.setUint32(offset + i * 4, word, true);
}
