/** What a made call asks, as far as the rules of differences.ts want to know. */
import { descriptorOf } from './encode.ts';
import { ARENA, ARENA_SIZE, type Made } from './generate.ts';
import type { Difference } from './rule.ts';

/** Low word of an argument. */
export const word = (made: Made, argument: number) => made.words[argument]?.[0] ?? 0;
export const isError = (text: string) => /^E[A-Z]/.test(text);
/** Where the addresses of an ARM program end, but for its stack. */
export const USER_END = 0xbe00_0000;
export const WITH_VECTORS =
  /^(readv|writev|preadv2?|pwritev2?|vmsplice|process_vm_(readv|writev)|process_madvise|(send|recv)m?msg.*|futex_waitv)$/;
/** What these are given is an address for many of their requests. */
export const BY_REQUEST = /^(ptrace|prctl|ioctl|semctl|fcntl(64)?|[gs]etsockopt)$/;
/** Some address, or its end by a size among the arguments or in a vector, is beyond 3 GiB. */
export function beyond({ call, words, fills }: Made): boolean {
  const low = (wanted: RegExp) =>
    words.flatMap(([x], i) => (wanted.test(call.args[i]!.domain.kind) ? [x] : []));
  const addresses = low(/^(address|path|strings)$/);
  if (BY_REQUEST.test(call.name)) addresses.push(...words.map(([x]) => x));
  const sizes = low(/^(size|number)$/);
  if (WITH_VECTORS.test(call.name)) {
    for (const { bytes } of fills)
      sizes.push(...new Uint32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~3)).buffer));
  }
  return (
    addresses.some((at) => at > USER_END || sizes.some((size) => at + size > USER_END)) ||
    (WITH_VECTORS.test(call.name) && sizes.some((size) => size > USER_END - 0x7000_6000))
  );
}
/** Of what is put into memory for it, a word is negative: a length of a vector may be. */
export const hasNegative = ({ fills }: Made) =>
  fills.some(({ bytes }) => bytes.some((byte, i) => i % 4 === 3 && byte >= 0x80));
/** Something is an address so near to the end of its page that the structure may reach into the next. */
export const atPageEnd = ({ words }: Made) => words.some(([at]) => at > 0xfff && (at & 0xfff) > 0xe00);
/** A message that is sent has control messages: of struct mmsghdr the first ones are looked at. */
export function hasControl(made: Made): boolean {
  const count = made.call.name === 'sendmmsg' ? Math.min(word(made, 2), 8) : 1;
  const headers = wordsAt(made, word(made, 1), 8 * count);
  return Array.from({ length: count }, (_, i) => headers[8 * i + 5]).some((length) => length !== 0);
}
/** Less memory is there than the size says, or may be. */
export function runsOut(made: Made): boolean {
  const [at, size] = [word(made, 1), word(made, 2)];
  const isInArena = at >= ARENA && at < ARENA + ARENA_SIZE;
  return WITH_VECTORS.test(made.call.name) || !isInArena || at + size > ARENA + ARENA_SIZE;
}
/** Clocks that wake a machine: 8 and 9. */
export const alarmClock = (made: Made) => word(made, 0) === 8 || word(made, 0) === 9;
/** A 64-bit argument that is no exact number here. */
export const huge = ({ call, words }: Made) =>
  (call.name === '_llseek' && words[1]![0] > 0x1f_ffff) ||
  words.some(([, high], i) => call.args[i]?.words === 2 && high > 0x1f_ffff) ||
  (/^p(read|write)v2?$/.test(call.name) && words[4]![0] > 0x1f_ffff);
export const O_CREAT = 0o100;
export const SHM_RND = 0o20000;
export const NEW_USER = 0x1000_0000;
/** Options of sockets by level that are not there (docs/SYSCALLS.md): first and last of each sequence. */
export const NO_OPTION: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  0: [
    [4, 5],
    [19, 19],
    [22, 22],
    [25, 25],
    [32, 32],
    [35, 48],
    [50, 52],
    [64, 67],
    [80, 83],
  ],
  1: [
    [14, 14],
    [25, 25],
    [27, 28],
    [34, 34],
    [37, 37],
    [41, 43],
    [45, 49],
    [51, 53],
    [55, 57],
    [59, 65],
    [68, 83],
  ],
  6: [
    [13, 14],
    [16, 17],
    [19, 22],
    [24, 24],
    [26, 37],
    [42, 46],
  ],
  17: [
    [10, 11],
    [100, 104],
  ],
  41: [
    [1, 6],
    [8, 8],
    [11, 11],
    [17, 17],
    [20, 22],
    [24, 24],
    [27, 28],
    [30, 35],
    [42, 48],
    [50, 50],
    [54, 55],
    [57, 57],
    [59, 59],
    [61, 61],
    [64, 65],
    [68, 69],
    [72, 73],
    [75, 77],
    [80, 80],
  ],
};
/** What is to be mapped reaches into the machine's own 16 MiB (docs/MEMORY.md). */
export function reachesMachine(made: Made): boolean {
  const isFixed = (word(made, 3) & 2) !== 0;
  const [at, size] = made.call.name === 'mmap2' ? [0, 1] : [isFixed ? 4 : 0, 2];
  return word(made, at) < 0x8000_0000 && word(made, at) + word(made, size) > 0x7f00_0000;
}
const ARENA_FILL = 0xa5;
const PID_MAX = 0x8000;
/** 32-bit words of the arena as a call finds them, what was put there later over what was there before. */
export function wordsAt({ fills }: Made, at: number, count: number): Uint32Array {
  const memory = new Uint8Array(4 * count).fill(ARENA_FILL);
  for (const fill of fills)
    for (const [i, byte] of fill.bytes.entries()) {
      const to = fill.at + i - at;
      if (to >= 0 && to < memory.length) memory[to] = byte;
    }
  return new Uint32Array(memory.buffer);
}
/** Sets a limit that a 32-bit kernel takes for none: 2^32 - 1 and more. */
export function setsLargeLimit(made: Made): boolean {
  if (made.call.name !== 'prlimit64' || word(made, 2) === 0) return false;
  const [low, high, lowMax, highMax] = wordsAt(made, word(made, 2), 4);
  return high !== 0 || highMax !== 0 || low === 0xffff_ffff || lowMax === 0xffff_ffff;
}
const setsLimit = (made: Made, resource: number) =>
  (made.call.name === 'setrlimit' && word(made, 0) === resource) ||
  (made.call.name === 'prlimit64' && word(made, 1) === resource);
/** Sets RLIMIT_CPU, RLIMIT_NPROC. */
export const setsCpuTime = (made: Made) => setsLimit(made, 0);
export const setsProcesses = (made: Made) => setsLimit(made, 6);
/** An argument of a call is a descriptor of that sort. */
export const isOf = ({ made, names }: Difference, sort: RegExp, argument = 0): boolean =>
  sort.test(names[descriptorOf(made.call, argument)] ?? '');
/** Of memfd_create; an eventfd and its like; of those, some; sockets of Unix datagrams; the program that makes the calls. */
export const MEMORY = /^\/memfd:/;
export const EVENTS = /^anon_inode:/;
export const EPOLL = /^anon_inode:\[eventpoll/;
export const EVENT_COUNT = /^anon_inode:\[eventfd/;
export const TIMER_OR_SIGNALS = /^anon_inode:\[(timer|signal)fd/;
export const DATAGRAMS = /^socket 01 2/;
export const PROGRAM = /^\/io\/executor/;
/** Files without a name, but of memfd_create. */
export const NAMELESS = /^(pipe|socket|anon_inode)/;
/** What has no place for each byte. */
export const PLACELESS = /^(\/dev\/(null|zero)|directory|anon_inode)/;
/** Looks for a hole, or for what is none (SEEK_HOLE, SEEK_DATA). */
export const seeksHoles = (made: Made) =>
  /^(lseek|_llseek)$/.test(made.call.name) && word(made, made.call.name === 'lseek' ? 2 : 4) > 2;
/** Sends of descriptor 19, which a batch begins with. */
export const sendsZeros = (made: Made) => /^sendfile(64)?$/.test(made.call.name) && word(made, 1) === 19;
/** FUTEX_LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI, LOCK_PI2. */
const ON_LOCKS = [6, 7, 8, 11, 12, 13];
const CMP_REQUEUE_PI = 12;
/** Asks for a lock whose word says that it is some process's. */
export function locksByNumber(made: Made): boolean {
  const command = word(made, 1) & 0x7f;
  if (!/^futex(_time64)?$/.test(made.call.name) || !ON_LOCKS.includes(command)) return false;
  const [value = 0] = wordsAt(made, word(made, command === CMP_REQUEUE_PI ? 4 : 0), 1);
  const owner = value & 0x3fff_ffff;
  return owner > 0 && owner < PID_MAX;
}
/** Requests of ptrace that all architectures have, up to 17; what has a number of its own from 0x4200 on is everybody's, too. */
export const COMMON_PTRACE = [0, 1, 2, 4, 5, 7, 8, 16, 17, 24];
