/**
 * What V8 has compiled of a wasm module, as bytes which a later process takes instead of compiling it. Browsers keep compiled
 * modules so. Node has no way to it; this calls the functions of V8's interface for embedders (v8-wasm.h) that browsers call,
 * which the Node binary has under the names that C++ gives them, through node:ffi.
 *
 * A module of V8's has one native module, with the code, for all of a process whose bytes are the same (V8's
 * NativeModuleCache). So it is enough that V8 has made one, here; `new WebAssembly.Module` of the same bytes then has its code,
 * and no JavaScript object goes through C++.
 *
 * Of C++'s types there are here what its ABI and libstdc++ make of them: a Local is the address of a handle, which is good while
 * V8 calls; a std::function is four words, what copies it and what is called being the last; a std::variant is its value, and
 * which it is behind that; a function whose result does not fit into registers takes the place for it before all other arguments
 * (on x86-64, so code is taken from modules there only).
 *
 * What node:v8 has is called so, too: in a thread of a process that began from a snapshot Node aborts when that is loaded.
 *
 * The bytes are for this V8, these flags and a processor with these features: its version tag tells, and V8 refuses others, too.
 * Where anything is not there, or not as expected, there is no code, and V8 compiles as ever.
 */
import { setTimeout } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { nodeFfi } from '../syscalls/vfs/host/ffi/call.ts';

/** The header of the bytes, as words: a number that says what they are, V8's tag, the code's length, and its CRC-32. */
const HEADER = 16;
const MAGIC = 0x4357_5241;

type Type = 'pointer' | 'uint64' | 'uint32';
type Definition = readonly [symbol: string, result: Type | 'void', ...parameters: Type[]];
type Functions<T> = Record<keyof T, (...args: (bigint | string)[]) => bigint>;

/** The functions that are called: symbol, result and parameters. */
const GIVE = {
  /** Isolate::GetCurrent() */
  currentIsolate: ['_ZN2v87Isolate10GetCurrentEv', 'pointer'],
  /** WasmModuleCompilation() */
  construct: ['_ZN2v821WasmModuleCompilationC1Ev', 'void', 'pointer'],
  /** WasmModuleCompilation::SetHasCompiledModuleBytes() */
  hasCode: ['_ZN2v821WasmModuleCompilation25SetHasCompiledModuleBytesEv', 'void', 'pointer'],
  /** WasmModuleCompilation::OnBytesReceived(bytes, size) */
  receive: [
    '_ZN2v821WasmModuleCompilation15OnBytesReceivedEPKhm',
    ...(['void', 'pointer', 'pointer', 'uint64'] as const),
  ],
  /** WasmModuleCompilation::Finish(isolate, a function that is asked for the code, a function that takes the module) */
  finish: [
    '_ZN2v821WasmModuleCompilation6FinishEPNS_7IsolateERKSt8functionIFvRNS_13WasmStreaming22ModuleCachingInterface' +
      'EEERKS3_IFvSt7variantIJNS_5LocalINS_16WasmModuleObjectEEENSC_INS_5ValueEEEEEEE',
    ...(['void', 'pointer', 'pointer', 'pointer', 'pointer'] as const),
  ],
  /** ScriptCompiler::CachedDataVersionTag(): of version, flags and the processor's features */
  versionTag: ['_ZN2v814ScriptCompiler20CachedDataVersionTagEv', 'uint32'],
  /** V8::SetFlagsFromString(characters, length) */
  setFlags: ['_ZN2v82V818SetFlagsFromStringEPKcm', 'void', 'pointer', 'uint64'],
  /**
   * Of nghttp2, which is in Node: calls the fifth word of its first argument with the other two and the first word. So a virtual
   * function can be called, which has no symbol.
   */
  callWord: ['nghttp2_mem_realloc', 'uint64', 'pointer', 'pointer', 'uint64'],
} as const satisfies Record<string, Definition>;
const TAKE = {
  /** WasmModuleObject::GetCompiledModule(), with the place for its result */
  compiledModule: ['_ZN2v816WasmModuleObject17GetCompiledModuleEv', 'pointer', 'pointer', 'pointer'],
  /** CompiledWasmModule::Serialize(), likewise */
  serialize: ['_ZN2v818CompiledWasmModule9SerializeEv', 'pointer', 'pointer', 'pointer'],
} as const satisfies Record<string, Definition>;

/** Offsets in an area of memory for what is passed by its address. */
const AREA = { compiled: 0, bytes: 64, offer: 128, accept: 192, compilation: 256, call: 320 } as const;
const AREA_SIZE = 512;

class V8 {
  readonly #ffi: typeof import('node:ffi');
  readonly #library: InstanceType<typeof import('node:ffi')['DynamicLibrary']>;
  readonly #give: Functions<typeof GIVE>;
  #take: Functions<typeof TAKE> | undefined;
  readonly #area: bigint;
  readonly #words: DataView;
  /** Code that V8 has taken. */
  #given: Uint8Array<ArrayBuffer> | null = null;

  /** Throws when something is not there. */
  constructor(ffi: typeof import('node:ffi')) {
    this.#ffi = ffi;
    this.#library = new ffi.DynamicLibrary(null);
    this.#give = this.#functions(GIVE);
    const area = new ArrayBuffer(AREA_SIZE);
    this.#area = ffi.getRawPointer(area);
    this.#words = new DataView(area);
  }

  get versionTag(): number {
    return Number(this.#give.versionTag());
  }

  /** Sets a flag of V8's. */
  setFlag(flag: string): void {
    const bytes = new TextEncoder().encode(flag);
    this.#give.setFlags(this.#addressOf(bytes), BigInt(bytes.length));
  }

  #functions<T extends Record<string, Definition>>(definitions: T): Functions<T> {
    const entries = Object.entries(definitions).map(([name, [symbol, result, ...parameters]]) => [
      name,
      this.#library.getFunction(symbol, { return: result, arguments: parameters }),
    ]);
    return Object.fromEntries(entries) as Functions<T>;
  }

  /** A C function (a std::function's own words, an address). */
  #callback(body: (address: bigint) => void): bigint {
    return this.#library.registerCallback(
      { return: 'void', arguments: ['pointer', 'pointer'] },
      (_, address) => body(address as bigint),
    );
  }

  /** A function of C that does nothing, whatever it is called with. */
  get #nothing(): bigint {
    return this.#library.getSymbol('getpid');
  }

  #addressOf({ buffer, byteOffset }: Uint8Array<ArrayBuffer>): bigint {
    return this.#ffi.getRawPointer(buffer) + BigInt(byteOffset);
  }

  #set(at: number, ...words: bigint[]): bigint {
    words.forEach((word, i) => {
      this.#words.setBigUint64(at + 8 * i, word, true);
    });
    return this.#area + BigInt(at);
  }

  /** Has V8 make a module, by a compilation of its own. `accept` is called with (anything, the result). */
  #compile(wasm: Uint8Array<ArrayBuffer>, accept: bigint, offer?: bigint): void {
    const give = this.#give;
    const nothing = this.#nothing;
    const compilation = this.#set(AREA.compilation, 0n);
    give.construct(compilation);
    if (offer !== undefined) give.hasCode(compilation);
    give.receive(compilation, this.#addressOf(wasm), BigInt(wasm.length));
    give.finish(
      compilation,
      give.currentIsolate(),
      this.#set(AREA.offer, 0n, 0n, offer === undefined ? 0n : nothing, offer ?? 0n),
      this.#set(AREA.accept, 0n, 0n, nothing, accept),
    );
  }

  /**
   * Has V8 make a module with code that was taken from one. False when V8 does not take the code. `accept` is called, if at all,
   * before this is done.
   */
  give(
    wasm: Uint8Array<ArrayBuffer>,
    code: Uint8Array<ArrayBuffer>,
    accept: bigint = this.#nothing,
  ): boolean {
    const ffi = this.#ffi;
    let taken = false;
    /** (std::function, WasmStreaming::ModuleCachingInterface&): its second virtual function is SetCachedCompiledModuleBytes. */
    const offer = this.#callback((caching) => {
      const called = ffi.getUint64(ffi.getUint64(caching), 8);
      const words = this.#set(AREA.call, BigInt(code.length), 0n, 0n, 0n, called);
      taken = (this.#give.callWord(words, caching, this.#addressOf(code)) & 0xffn) === 1n;
    });
    this.#compile(wasm, accept, offer);
    this.#library.unregisterCallback(offer);
    if (taken) this.#given ??= code;
    return taken;
  }

  /**
   * (std::function, std::variant<Local<WasmModuleObject>, Local<Value>>&&), calls back when the module is in AREA.compiled. Who
   * waits no more says so by `end`. V8 may call it still, for it compiles what it has not taken code for: it stays until then.
   */
  #accept(isMade: () => void): { readonly address: bigint; end(): void } {
    this.#take ??= this.#functions(TAKE);
    const { compiledModule } = this.#take;
    let isAwaited = true;
    let wasCalled = false;
    const address = this.#callback((result) => {
      wasCalled = true;
      if (!isAwaited) {
        // Not while it is being called.
        setImmediate(() => this.#library.unregisterCallback(address));
        return;
      }
      if (this.#ffi.getUint8(result, 8) !== 0) return;
      compiledModule(this.#set(AREA.compiled), this.#ffi.getUint64(result));
      isMade();
    });
    const end = () => {
      isAwaited = false;
      if (wasCalled) this.#library.unregisterCallback(address);
    };
    return { address, end };
  }

  /** The code of those functions of the module in AREA.compiled that V8 has optimized. */
  #serialize(): Uint8Array<ArrayBuffer> {
    this.#take!.serialize(this.#set(AREA.bytes), this.#set(AREA.compiled));
    const bytes = this.#words.getBigUint64(AREA.bytes, true);
    const length = Number(this.#words.getBigUint64(AREA.bytes + 8, true));
    return new Uint8Array(this.#ffi.toArrayBuffer(bytes, length, true));
  }

  /** Has V8 make a module. Resolves to a function that gives the code of those of its functions that V8 has optimized. */
  async take(wasm: Uint8Array<ArrayBuffer>): Promise<() => Uint8Array<ArrayBuffer>> {
    let isMade = false;
    const accept = this.#accept(() => {
      isMade = true;
    });
    this.#compile(wasm, accept.address);
    while (!isMade) await setTimeout(1);
    accept.end();
    return () => this.#serialize();
  }

  /**
   * The code of those functions of a module that V8 has optimized in this process; null when there are none. It is asked for by
   * giving it other code: V8 looks whether that is for this V8, and then takes the module that there is. There must be one, for
   * V8 would else take the other code for its own, if it is of as many functions.
   */
  takeNow(wasm: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
    if (this.#given === null) return null;
    let isMade = false;
    const accept = this.#accept(() => {
      isMade = true;
    });
    const held = [new WebAssembly.Module(wasm)];
    this.give(wasm, this.#given, accept.address);
    held.pop();
    accept.end();
    const code = isMade ? this.#serialize() : null;
    return code === null || code.length === 0 ? null : code;
  }
}

let v8: V8 | null | undefined;

/** Null where V8 cannot be called so. */
function load(): V8 | null {
  if (v8 !== undefined) return v8;
  v8 = null;
  if (process.platform !== 'linux') return v8;
  try {
    const ffi = nodeFfi();
    if (ffi !== undefined) v8 = new V8(ffi);
  } catch {
    // Something is not there.
  }
  return v8;
}

/**
 * Resolves to a function that gives V8's code of a module of these bytes, those functions that it has optimized, as bytes for
 * `moduleWithCode`; to null where that cannot be had.
 */
export async function codeOf(wasm: Uint8Array<ArrayBuffer>): Promise<(() => Uint8Array<ArrayBuffer>) | null> {
  const take = process.arch === 'x64' ? await load()?.take(wasm) : undefined;
  if (take === undefined) return null;
  return () => withHeader(take());
}

function withHeader(code: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + code.length);
  new Uint32Array(bytes.buffer, 0, 4).set([MAGIC, load()!.versionTag, code.length, crc32(code)]);
  bytes.set(code, HEADER);
  return bytes;
}

/** The same of a module in this process, now; null when V8 has optimized none of it, or has not been given other code. */
export function codeNow(wasm: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  const code = process.arch === 'x64' ? (load()?.takeNow(wasm) ?? null) : null;
  return code && withHeader(code);
}

/** A module of these bytes with code that another process has taken from one; null when that is for another V8, or damaged. */
export function moduleWithCode(
  wasm: Uint8Array<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
): WebAssembly.Module | null {
  if (bytes.length < HEADER) return null;
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const [magic, tag, length, sum] = [0, 4, 8, 12].map((at) => header.getUint32(at, true));
  const code = bytes.subarray(HEADER);
  if (magic !== MAGIC || length !== code.length || crc32(code) !== sum) return null;
  const engine = load();
  if (engine === null || engine.versionTag !== tag || !engine.give(wasm, code)) return null;
  return new WebAssembly.Module(wasm);
}

/**
 * A function that has V8 compile a wasm function with its optimizing compiler, at once; null where V8 has none. It is
 * `%WasmTierUpFunction` of V8's own tests, which V8 parses only while a flag is set: here, for a moment.
 */
export function tierUpFunction(): ((wasmFunction: unknown) => void) | null {
  const engine = load();
  if (engine === null) return null;
  engine.setFlag('--allow-natives-syntax');
  try {
    return new Function('f', '%WasmTierUpFunction(f)') as (wasmFunction: unknown) => void;
  } catch {
    return null;
  } finally {
    engine.setFlag('--no-allow-natives-syntax');
  }
}
