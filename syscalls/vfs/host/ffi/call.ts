/**
 * System calls of the host that node:fs has none of, through node:ffi, which Node 26.10 and later have (unless started with
 * `--no-experimental-ffi`). Raw memory is handled in this file only, and in src/wasm-code.ts, which calls V8.
 *
 * One C function is called, syscall(2), which every libc has, with numbers as arguments. What a number points to lies in an
 * area of our own, which is never freed: paths, names and values are copied into it, with their lengths checked, and results
 * are copied out of it; no pointer of anybody else's is ever passed. errno is read where __errno_location(3) says it is for
 * this thread, with nothing called in between.
 *
 * Nothing is loaded before the first use. Where there is no node:ffi (an older Node, or one started with that option), or what it
 * does is not what is expected, `hostCalls()` is undefined, and its callers do without.
 */
import { errnoOf } from '../../../abi/errno.ts';

/** The architecture's numbers of the calls that are used (asm/unistd.h). */
const NUMBERS = {
  x64: {
    lseek: 8,
    ioctl: 16,
    getpid: 39,
    socket: 41,
    connect: 42,
    recvfrom: 45,
    sendmsg: 46,
    recvmsg: 47,
    shutdown: 48,
    bind: 49,
    listen: 50,
    getsockname: 51,
    getpeername: 52,
    setsockopt: 54,
    getsockopt: 55,
    fcntl: 72,
    flock: 73,
    statfs: 137,
    lsetxattr: 189,
    fsetxattr: 190,
    lgetxattr: 192,
    fgetxattr: 193,
    llistxattr: 195,
    flistxattr: 196,
    lremovexattr: 198,
    fremovexattr: 199,
    mknodat: 259,
    linkat: 265,
    ppoll: 271,
    getdents64: 217,
    utimensat: 280,
    fallocate: 285,
    syncfs: 306,
    renameat2: 316,
    statx: 332,
    openat2: 437,
  },
  arm64: {
    lsetxattr: 6,
    fsetxattr: 7,
    lgetxattr: 9,
    fgetxattr: 10,
    llistxattr: 12,
    flistxattr: 13,
    lremovexattr: 15,
    fremovexattr: 16,
    fcntl: 25,
    ioctl: 29,
    flock: 32,
    mknodat: 33,
    linkat: 37,
    statfs: 43,
    fallocate: 47,
    getdents64: 61,
    lseek: 62,
    ppoll: 73,
    utimensat: 88,
    getpid: 172,
    socket: 198,
    bind: 200,
    listen: 201,
    connect: 203,
    getsockname: 204,
    getpeername: 205,
    recvfrom: 207,
    setsockopt: 208,
    getsockopt: 209,
    shutdown: 210,
    sendmsg: 211,
    recvmsg: 212,
    syncfs: 267,
    renameat2: 276,
    statx: 291,
    openat2: 437,
  },
} as const;
export type CallName = keyof (typeof NUMBERS)['x64'];

/** The largest value of an extended attribute, and room for paths and structs beside it. */
const AREA_SIZE = 0x10000 + 0x8000;

/**
 * An argument: a number, bytes that the call reads, text that is given with a zero at its end, room for what it writes, or a
 * struct of 64-bit words.
 */
export type Argument = number | bigint | Uint8Array | string | Room | Words;

/** Room for bytes that a call writes. */
export class Room {
  readonly length: number;
  /** What is in it before the call; after it what is in it then, good until the next one. */
  bytes: Uint8Array;
  /** @param of its length, or what is in it */
  constructor(of: number | Uint8Array) {
    this.bytes = typeof of === 'number' ? new Uint8Array(0) : of;
    this.length = typeof of === 'number' ? of : of.length;
  }
}

/** A struct of 64-bit words, each an argument of its own: a number, or what it points to. */
export class Words {
  readonly words: readonly Argument[];
  /** What is in it after the call, good until the next one. */
  bytes: Uint8Array = new Uint8Array(0);
  constructor(...words: Argument[]) {
    this.words = words;
  }
  /** The low half of a word, after the call. */
  uint(word: number): number {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(8 * word, true);
  }
}

export class HostCalls {
  readonly #syscall: (...args: bigint[]) => bigint;
  readonly #errno: Int32Array;
  readonly #area: Uint8Array;
  readonly #address: bigint;
  readonly #numbers: Readonly<Record<CallName, number>>;

  /** Throws when something is not as expected. */
  constructor(ffi: typeof import('node:ffi'), numbers: Readonly<Record<CallName, number>>) {
    const { functions } = ffi.dlopen(null, {
      syscall: {
        return: 'int64',
        arguments: ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64'],
      },
      __errno_location: { return: 'pointer', arguments: [] },
    });
    this.#syscall = functions.syscall as (...args: bigint[]) => bigint;
    this.#errno = new Int32Array(ffi.toArrayBuffer(functions.__errno_location() as bigint, 4, false));
    const area = new ArrayBuffer(AREA_SIZE);
    this.#area = new Uint8Array(area);
    this.#address = ffi.getRawPointer(area);
    this.#numbers = numbers;
    if (this.try('getpid') !== process.pid || this.try('fcntl', -1, 1) !== -9 /* EBADF */) throw new Error();
  }

  /** What the call gives, or the negative number of its error. */
  try(name: CallName, ...args: Argument[]): number {
    let used = 0;
    /** Takes room in the area, at multiples of 8. */
    const take = (length: number): number => {
      const at = used;
      used += (length + 7) & ~7;
      if (!(length >= 0 && used <= AREA_SIZE)) throw new RangeError(`${name}: ${length} bytes are too many`);
      return at;
    };
    const word = (arg: Argument): bigint => {
      if (typeof arg === 'number') {
        if (!Number.isSafeInteger(arg)) throw new RangeError(`${name}: ${arg} is no integer`);
        return BigInt(arg);
      }
      if (typeof arg === 'bigint') return BigInt.asIntN(64, arg);
      if (typeof arg === 'string') {
        const at = take(arg.length + 1);
        for (let i = 0; i < arg.length; i++) {
          const byte = arg.charCodeAt(i);
          if (byte === 0 || byte > 0xff) throw new RangeError(`${name}: no byte string`);
          this.#area[at + i] = byte;
        }
        this.#area[at + arg.length] = 0;
        return this.#address + BigInt(at);
      }
      if (arg instanceof Words) {
        const at = take(8 * arg.words.length);
        arg.bytes = this.#area.subarray(at, at + 8 * arg.words.length);
        const view = new DataView(this.#area.buffer, at);
        arg.words.forEach((each, i) => {
          view.setBigInt64(8 * i, word(each), true);
        });
        return this.#address + BigInt(at);
      }
      const at = take(arg.length);
      this.#area.set(arg instanceof Uint8Array ? arg : arg.bytes, at);
      if (arg instanceof Room) arg.bytes = this.#area.subarray(at, at + arg.length);
      return this.#address + BigInt(at);
    };
    const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = args.map(word);
    const result = this.#syscall(BigInt(this.#numbers[name]), a, b, c, d, e, f);
    return result === -1n ? -this.#errno[0]! : Number(result);
  }

  /** What the call gives. Throws its Errno. */
  call(name: CallName, ...args: Argument[]): number {
    const result = this.try(name, ...args);
    return result < 0 ? this.failed(result) : result;
  }

  /** Throws the Errno of what `try` has given. */
  failed(result: number): never {
    throw errnoOf(-result) ?? new Error(`unknown error ${-result} of the host`);
  }
}

let found: HostCalls | null | undefined;

/** The host's system calls; undefined where they cannot be had. */
export function hostCalls(): HostCalls | undefined {
  if (found === undefined) found = load();
  return found ?? undefined;
}

function load(): HostCalls | null {
  const numbers = NUMBERS[process.arch as keyof typeof NUMBERS];
  if (process.platform !== 'linux' || numbers === undefined) return null;
  try {
    const ffi = nodeFfi();
    return ffi === undefined ? null : new HostCalls(ffi, numbers);
  } catch {
    return null;
  }
}

/**
 * node:ffi, without Node's warning that it is experimental: nobody who runs a program can do anything about it. Undefined, or an
 * error, where there is none.
 */
export function nodeFfi(): typeof import('node:ffi') | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:ffi');
  } finally {
    process.emitWarning = emitWarning;
  }
}
