/**
 * Makes hostile calls up from the declarations: for each argument a value by its declared type, more often than not one that a
 * program would not give. What they are given for batches, and how executor.c lays out memory and descriptors, both know.
 */
import type { Arg, Call } from '../../syscalls/calls/declare.ts';
import type { Random } from '../fuzz/random.ts';
import { ON_STACK, TRACEE_MARK } from './selection.ts';

/** As in executor.c. */
export const ARENA = 0x7000_0000;
export const ARENA_SIZE = 0x2000;
const READ_ONLY = 0x7000_3000;
const NO_ACCESS = 0x7000_5000;
const GONE = ARENA + ARENA_SIZE;
/** What stands at the first descriptors of a batch. */
export const FDS = [
  ...[
    'null',
    'file',
    'file, read only',
    'file, to append to',
    'directory',
    'file, O_PATH',
    'pipe',
    'pipe, to write',
  ],
  ...[
    'stream',
    'its peer',
    'udp',
    'tcp',
    'unix datagrams',
    'eventfd',
    'epoll',
    'timerfd',
    'signalfd',
    'inotify',
  ],
  ...['memfd', 'zero', 'listening', 'netlink', 'udp6', 'directory, O_PATH'],
];
const OTHER_FDS = [24, 39, 1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_ff9c];

/** Bytes put into memory before the call. */
export interface Fill {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface Made {
  readonly call: Call;
  /** Two words for each argument; the second is 0 where it has only one. */
  readonly words: readonly (readonly [number, number])[];
  readonly fills: readonly Fill[];
}

const EDGES = [
  ...[
    0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 22, 31, 32, 33, 63, 64, 65, 100, 127, 128, 255,
    256, 1000, 1024, 1025,
  ],
  ...[
    4095, 4096, 4097, 5000, 8192, 0xffff, 0x1_0000, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0x8000_0001,
    0xffff_f000,
  ],
  ...[0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff],
];
const SIZES = [
  ...[
    0, 1, 2, 4, 7, 8, 12, 16, 20, 24, 28, 32, 64, 96, 100, 104, 112, 128, 128, 256, 1000, 4095, 4096, 4097,
    5000, 8192,
  ],
  ...[8193, 0x1_0000, 0x7fff_f000, 0x7fff_ffff, 0x8000_0000, 0xffff_f000, 0xffff_ffff],
];
const HIGH_WORDS = [0, 0, 0, 0, 0, 0, 1, 0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_ffff];
const PATHS = [
  ...[
    'file',
    'file',
    'dir',
    'link',
    'new',
    'new',
    'dir/new',
    'dir/file',
    '.',
    '..',
    '',
    '/',
    'dir/',
    'file/',
    'link/',
    'file/x',
    'no/such',
  ],
  ...[
    '/dev/null',
    '/dev/zero',
    './/./file',
    'dir/../file',
    '/proc/self/fd/1',
    'a'.repeat(255),
    'a'.repeat(256),
  ],
  ...[
    './'.repeat(2047),
    './'.repeat(2048),
    'a/'.repeat(300),
    'user.x',
    'security.x',
    'x',
    '\xff\xfe',
    'new2',
    'memory',
    'script',
    'program',
    '/proc/self/exe',
  ],
];

export class Generator {
  readonly #random: Random;
  #fills: Fill[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Half of the batches are of all calls. The others are of one subject: what a call finds another of its kind has left, which
   * of all calls is rare.
   */
  batch(subjects: readonly (readonly Call[])[], length: number): Made[] {
    const all = subjects.flat();
    const some = this.#random.pick(all);
    const calls = this.#random.chance(0.5) ? all : subjects.find((subject) => subject.includes(some))!;
    return Array.from({ length }, () => this.make(this.#random.pick(calls)));
  }

  make(call: Call): Made {
    this.#fills = [];
    const words = call.args.map((arg): [number, number] => {
      const low = this.#value(arg) >>> 0;
      return [low, arg.words === 2 ? this.#random.pick(HIGH_WORDS) : 0];
    });
    if (call.name === 'ptrace' && this.#random.chance(0.8)) words[1] = [TRACEE_MARK, 0];
    if (/sigsuspend$/.test(call.name) && this.#random.chance(0.9)) this.#letThrough(words);
    if (ON_STACK.test(call.name)) words.push([this.#frame(), 0]);
    return { call, words, fills: this.#fills };
  }

  /** Of a mask of signals, SIGALRM: who waits for ever takes as long as hundreds of calls. */
  #letThrough(words: [number, number][]): void {
    const SIGALRM = 1 << 13;
    for (const { at, bytes } of this.#fills) if (at === words[0]![0]) bytes[1]! &= ~(SIGALRM >> 8);
    if (words.length > 2) words[2] = [words[2]![0] & ~SIGALRM, 0];
  }

  #value(arg: Arg<unknown>): number {
    const random = this.#random;
    const { domain } = arg;
    // Sometimes something else altogether.
    if (random.chance(0.03) && domain.kind !== 'pid') return this.#number();
    switch (domain.kind) {
      case 'number':
        return random.chance(0.1) ? this.#address(0) : this.#number();
      case 'fd':
        return random.chance(0.85) ? random.below(FDS.length) : random.pick(OTHER_FDS);
      case 'pid':
        // Neither everybody nor the first process, nor a group that there may be.
        return random.pick([0, 0, 0, 2 ** 22 + 5, 0x7fff_ffff, 0x8000_0000, -(2 ** 22) - 5, 0xffff_8000]);
      case 'id':
        return random.pick([0, 1000, 1000, 1000, 1, 0xffff_ffff, 0xffff_ffff, 65534, 0xfffe, 0xffff]);
      case 'mode':
        return random.pick([
          0, 0o644, 0o755, 0o600, 0o777, 0o7777, 0o100644, 0o40000, 0o10644, 0o20644, 0o140644, 0xffff_ffff,
        ]);
      case 'size':
        return random.chance(0.9) ? random.pick(SIZES) : this.#number();
      case 'value':
        return random.chance(0.9) ? random.pick(domain.values) : this.#number();
      case 'bits': {
        let bits = 0;
        for (let n = random.below(4); n > 0; n--) bits |= random.pick(domain.values);
        return random.chance(0.1) ? bits | (1 << random.below(32)) : bits;
      }
      case 'path':
        return this.#path();
      case 'strings':
      case 'address':
        return this.#address(domain.kind === 'address' ? domain.size : 0);
    }
  }

  #number(): number {
    return this.#random.chance(0.9) ? this.#random.pick(EDGES) : this.#random.u32();
  }

  #path(): number {
    const random = this.#random;
    if (random.chance(0.12)) return this.#address(0);
    const text = random.pick(PATHS);
    const terminated = random.chance(0.95);
    const bytes = Buffer.from(terminated ? `${text}\0` : text, 'latin1');
    // Often the last byte that is mapped is the path's last.
    const at = terminated && random.chance(0.6) ? ARENA + random.below(2) : GONE - bytes.length;
    return this.#put(Math.max(at, ARENA), bytes);
  }

  #put(at: number, bytes: Uint8Array): number {
    const room = GONE - at;
    if (room > 0 && at >= ARENA) this.#fills.push({ at, bytes: bytes.subarray(0, room) });
    return at;
  }

  /** An address for a structure of so many bytes, 0 when that is not known. */
  #address(size: number): number {
    const random = this.#random;
    const length = size || random.pick([4, 8, 16, 28, 64, 128]);
    const at = this.#place(length);
    if (random.chance(0.85)) this.#put(at, this.#content(length));
    return at;
  }

  /** A signal's frame (syscalls/kernel/signal-frame.ts): bytes as everywhere, but often with a mode that a user may have. */
  #frame(): number {
    const random = this.#random;
    const at = random.chance(0.8) ? ARENA + 64 * random.below(60) : this.#place(512);
    const bytes = this.#content(512);
    const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
    for (const cpsr of [96, 128 + 96]) {
      if (random.chance(0.8)) words[cpsr >> 2] = random.pick([0x10, 0x30, 0x210, 0x0600_0030, 0x1f, 0x13, 0]);
    }
    for (const vfp of [232, 128 + 232]) if (random.chance(0.5)) words.set([0x5646_5001, 0x120], vfp >> 2);
    return this.#put(at, bytes);
  }

  #place(length: number): number {
    const random = this.#random;
    const sort = random.below(100);
    if (sort < 30) return GONE - length;
    if (sort < 50) return ARENA + 16 * random.below(64);
    if (sort < 58) return ARENA + 64 * random.below(32) + 1 + random.below(3);
    if (sort < 68) return GONE - length + 1 + random.below(length - 1);
    if (sort < 78) return 0;
    if (sort < 84) return READ_ONLY + random.below(2) * (0x1000 - length);
    if (sort < 88) return NO_ACCESS;
    if (sort < 92) return random.pick([GONE, GONE - 1, READ_ONLY + 0xfff, READ_ONLY - 4]);
    if (sort < 96) return random.pick([1, 4, 8, 0x1000, 0x7fff]);
    return random.pick([0xffff_ffff, 0xffff_fffc, 0xffff_f000, 0xffff_0fc0, 0xc000_0000, 0x6000_0000]);
  }

  #content(length: number): Uint8Array {
    const random = this.#random;
    const size = Math.min(Math.max(length, 16), 512);
    const words = new Uint32Array((size + 3) >> 2);
    const sort = random.below(7);
    for (let i = 0; i < words.length; i++) {
      if (sort === 0) words[i] = 0;
      else if (sort === 1) words[i] = 0xffff_ffff;
      else if (sort === 2) words[i] = random.u32();
      else if (sort === 3) words[i] = random.pick(EDGES);
      else if (sort === 4) words[i] = random.below(4);
      // struct iovec, struct msghdr: addresses and lengths.
      else if (sort === 5) words[i] = i & 1 ? random.pick(SIZES) : this.#place(16);
      else words[i] = i < 2 ? random.pick([0, 1, 0x10002, 2, 10, 16]) : random.pick(EDGES);
    }
    return new Uint8Array(words.buffer, 0, size);
  }
}
