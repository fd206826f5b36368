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
    getdents64: 217,
    openat: 257,
    mkdirat: 258,
    mknodat: 259,
    fchownat: 260,
    unlinkat: 263,
    linkat: 265,
    symlinkat: 266,
    readlinkat: 267,
    ppoll: 271,
    sync_file_range: 277,
    utimensat: 280,
    fallocate: 285,
    syncfs: 306,
    renameat2: 316,
    statx: 332,
    openat2: 437,
    fchmodat2: 452,
    getxattrat: 464,
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
    mkdirat: 34,
    unlinkat: 35,
    symlinkat: 36,
    linkat: 37,
    statfs: 43,
    fallocate: 47,
    fchownat: 54,
    openat: 56,
    getdents64: 61,
    lseek: 62,
    ppoll: 73,
    readlinkat: 78,
    sync_file_range: 84,
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
    fchmodat2: 452,
    getxattrat: 464,
  },
} as const;
export type CallName = keyof (typeof NUMBERS)['x64'];

/** Room for paths and structs, and for the largest value of an extended attribute; as much again for rooms that stay. */
const AREA_SIZE = 0x10000 + 0x8000;
/** Behind a path. */
const ATTRIBUTE_AT = 0x2000;

/**
 * An argument: a number, bytes that the call reads, text that is given with a zero at its end, room for what it writes, or a
 * struct of 64-bit words.
 */
export type Argument = number | bigint | Uint8Array | string | Room | Words;

const EMPTY = new Uint8Array(0);

/** Room for bytes that a call writes. */
export class Room {
  readonly length: number;
  /** What is in it before the call; after it what is in it then, good until the next one. */
  bytes: Uint8Array;
  /** @param of its length, or what is in it */
  constructor(of: number | Uint8Array) {
    this.bytes = typeof of === 'number' ? EMPTY : of;
    this.length = typeof of === 'number' ? of : of.length;
  }
}

/** A struct of 64-bit words, each an argument of its own: a number, or what it points to. */
export class Words {
  readonly words: readonly Argument[];
  /** What is in it after the call, good until the next one. */
  bytes: Uint8Array = EMPTY;
  constructor(...words: Argument[]) {
    this.words = words;
  }
  /** The low half of a word, after the call. */
  uint(word: number): number {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(8 * word, true);
  }
}

/** Room with a place of its own: for calls that are made often. What is in it is good until it is next given to a call. */
export class OwnRoom extends Room {
  readonly words: Int32Array;
  readonly address: bigint;
  constructor(bytes: Uint8Array, address: bigint) {
    super(bytes);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.address = address;
  }
}

const EBADF = 9;
const STATX_BASIC_STATS_AND_BTIME = 0xfffn;
type Syscall = (...args: bigint[]) => bigint;

/**
 * Functions of libc for what is called most and has at most three arguments: node:ffi has optimized code call such ones itself
 * (10 to 30 ns), where it takes 100 for those of seven and more, and up to 340 for those in between. All give -1 and errno.
 */
const SHORT = {
  openat: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
  close: { return: 'int32', arguments: ['int32'] },
  unlinkat: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
  mkdirat: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
} as const;
type NameCall = (fd: number, name: bigint, last: number) => number;
interface ShortCalls {
  readonly openat: NameCall;
  readonly close: (fd: number) => number;
  readonly unlinkat: NameCall;
  readonly mkdirat: NameCall;
}

export class HostCalls {
  readonly #syscall: Syscall;
  readonly #short: ShortCalls;
  readonly #errno: Int32Array;
  readonly #area: Uint8Array;
  readonly #address: bigint;
  /** How much of the area the arguments of the present call have taken, and where that of rooms that stay begins. */
  #used = 0;
  #own = 2 * AREA_SIZE;
  readonly numbers: Readonly<Record<CallName, bigint>>;
  readonly #known = new Map<CallName, boolean>();
  readonly #statxNumber: bigint;
  #statx: OwnRoom | undefined;
  #value: OwnRoom | undefined;
  #xattrArgs: bigint | undefined;

  /** Throws when something is not as expected. */
  constructor(ffi: typeof import('node:ffi'), numbers: Readonly<Record<CallName, number>>) {
    const { functions } = ffi.dlopen(null, {
      syscall: {
        return: 'int64',
        arguments: ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64'],
      },
      __errno_location: { return: 'pointer', arguments: [] },
      ...SHORT,
    });
    this.#syscall = functions.syscall as Syscall;
    this.#short = functions as unknown as ShortCalls;
    this.#errno = new Int32Array(ffi.toArrayBuffer(functions.__errno_location() as bigint, 4, false));
    const area = new ArrayBuffer(2 * AREA_SIZE);
    this.#area = new Uint8Array(area);
    this.#address = ffi.getRawPointer(area);
    this.numbers = Object.fromEntries(
      Object.entries(numbers).map(([name, number]) => [name, BigInt(number)]),
    ) as Record<CallName, bigint>;
    this.#statxNumber = this.numbers.statx;
    if (this.try('getpid') !== process.pid || this.try('fcntl', -1, 1) !== -EBADF) throw new Error();
  }

  /** For the largest value of an extended attribute. */
  get valueRoom(): OwnRoom {
    return (this.#value ??= this.#ownRoom(0x10000));
  }
  #ownRoom(length: number): OwnRoom {
    this.#own -= length;
    if (this.#own < AREA_SIZE) throw new RangeError();
    return new OwnRoom(this.#area.subarray(this.#own, this.#own + length), this.#address + BigInt(this.#own));
  }

  /** What the call gives, or the negative number of its error. */
  try(name: CallName, ...args: Argument[]): number {
    this.#used = 0;
    const count = args.length;
    const a = count > 0 ? this.#word(name, args[0]!) : 0n;
    const b = count > 1 ? this.#word(name, args[1]!) : 0n;
    const c = count > 2 ? this.#word(name, args[2]!) : 0n;
    const d = count > 3 ? this.#word(name, args[3]!) : 0n;
    const e = count > 4 ? this.#word(name, args[4]!) : 0n;
    const f = count > 5 ? this.#word(name, args[5]!) : 0n;
    const result = this.#syscall(this.numbers[name], a, b, c, d, e, f);
    return result === -1n ? -this.#errno[0]! : Number(result);
  }

  /** An extended attribute of a name, as tryAt: what is given goes to `valueRoom`. */
  tryXattrAt(fd: number, name: string, flags: bigint, attribute: string): number {
    if (name.length >= ATTRIBUTE_AT || attribute.length >= ATTRIBUTE_AT) throw new RangeError(name);
    this.#put(name, 0);
    this.#put(attribute, ATTRIBUTE_AT);
    if (this.#xattrArgs === undefined) {
      // struct xattr_args: where the value goes, the room for it and no flags.
      const { bytes, address } = this.#ownRoom(16);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setBigInt64(0, this.valueRoom.address, true);
      view.setUint32(8, this.valueRoom.length, true);
      this.#xattrArgs = address;
    }
    const at = this.#address + BigInt(ATTRIBUTE_AT);
    const { getxattrat } = this.numbers;
    const result = this.#syscall(getxattrat, BigInt(fd), this.#address, flags, at, this.#xattrArgs, 16n);
    return result === -1n ? -this.#errno[0]! : Number(result);
  }

  /**
   * As `try`, of a call that takes a directory, a name in it, and up to three words more (0 and `address` of rooms that stay are
   * such): what is done most, so it makes nothing but what it must.
   * @param number one of `numbers`
   */
  tryAt(number: bigint, fd: number, name: string, c: bigint, d: bigint, e: bigint): number {
    this.#putName(name);
    const result = this.#syscall(number, BigInt(fd), this.#address, c, d, e, 0n);
    return result === -1n ? -this.#errno[0]! : Number(result);
  }

  /** statx: what it gives is in `statxWords` until the next one. @param flags AT_* */
  tryStatx(fd: number, name: string, flags: bigint): number {
    const room = (this.#statx ??= this.#ownRoom(256));
    this.#putName(name);
    const result = this.#syscall(
      this.#statxNumber,
      BigInt(fd),
      this.#address,
      flags,
      STATX_BASIC_STATS_AND_BTIME,
      room.address,
      0n,
    );
    return result === -1n ? -this.#errno[0]! : 0;
  }
  get statxWords(): Int32Array {
    return this.#statx!.words;
  }

  /** openat without O_CREAT. @param flags of 32 bits */
  tryOpenAt(fd: number, name: string, flags: number): number {
    this.#putName(name);
    const result = this.#short.openat(fd, this.#address, flags);
    return result === -1 ? -this.#errno[0]! : result;
  }
  tryUnlinkAt(fd: number, name: string, flags: number): number {
    this.#putName(name);
    return this.#short.unlinkat(fd, this.#address, flags) === -1 ? -this.#errno[0]! : 0;
  }
  tryMkdirAt(fd: number, name: string, mode: number): number {
    this.#putName(name);
    return this.#short.mkdirat(fd, this.#address, mode) === -1 ? -this.#errno[0]! : 0;
  }
  tryClose(fd: number): number {
    return this.#short.close(fd) === -1 ? -this.#errno[0]! : 0;
  }

  /** What the call is given for an argument; what is more than a number is copied into the area. */
  #word(name: CallName, arg: Argument): bigint {
    if (typeof arg === 'number') {
      if (!Number.isSafeInteger(arg)) throw new RangeError(`${name}: ${arg} is no integer`);
      return BigInt(arg);
    }
    if (typeof arg === 'bigint') return BigInt.asIntN(64, arg);
    if (arg instanceof OwnRoom) return arg.address;
    let at: number;
    if (arg instanceof Words) {
      const length = 8 * arg.words.length;
      at = this.#take(name, length);
      arg.bytes = this.#area.subarray(at, at + length);
      const view = new DataView(this.#area.buffer, at);
      arg.words.forEach((each, i) => {
        view.setBigInt64(8 * i, this.#word(name, each), true);
      });
    } else if (typeof arg === 'string') {
      at = this.#take(name, arg.length + 1);
      this.#put(arg, at);
    } else {
      at = this.#take(name, arg.length);
      this.#area.set(arg instanceof Uint8Array ? arg : arg.bytes, at);
      if (arg instanceof Room) arg.bytes = this.#area.subarray(at, at + arg.length);
    }
    return at === 0 ? this.#address : this.#address + BigInt(at);
  }

  /** Puts a name where the area begins. */
  #putName(name: string): void {
    if (name.length >= AREA_SIZE) throw new RangeError(`${name.length} bytes are too many`);
    this.#put(name, 0);
  }

  /** Puts text into the area, with a zero at its end, where there is room for it. */
  #put(text: string, at: number): void {
    const area = this.#area;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const byte = text.charCodeAt(i);
      if (byte === 0 || byte > 0xff) throw new RangeError('no byte string');
      area[at + i] = byte;
    }
    area[at + length] = 0;
  }

  /** Takes room in the area, at multiples of 8. */
  #take(name: CallName, length: number): number {
    const at = this.#used;
    this.#used += (length + 7) & ~7;
    if (!(length >= 0 && this.#used <= AREA_SIZE))
      throw new RangeError(`${name}: ${length} bytes are too many`);
    return at;
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

  /** Whether the host's kernel has the call, the first argument of which is a descriptor; a filter may refuse what is new. */
  has(name: 'fchmodat2' | 'getxattrat'): boolean {
    let known = this.#known.get(name);
    if (known === undefined) {
      const args = name === 'fchmodat2' ? [0, 0] : [0, 'x', new Uint8Array(16), 16];
      this.#known.set(name, (known = this.try(name, -1, 'x', ...args) === -EBADF));
    }
    return known;
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
