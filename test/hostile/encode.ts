/** What executor.c reads and writes. */
import type { Call } from '../../syscalls/calls/declare.ts';
import type { Made } from './generate.ts';
import { IN_CHILD, ON_STACK, TRACEE_MARK } from './selection.ts';

/** Calls after which the arena is made anew. */
const REPAIR_MEMORY =
  /^(munmap|mprotect|mremap|mmap2|madvise|brk|shmat|shmdt|mlock|mlock2|mlockall|pkey_.*|remap_file_pages|process_madvise|msync)$/;
/** Calls that may take the timer away on which waiting calls end. */
const REPAIR_SIGNALS = /sig|itimer|alarm|prctl|timer_/;
const REPAIR = 1;
const SIGNALS = 2;
const CHILD = 4;
const STACK = 8;
const TRACEE = 16;
export const DESCRIPTORS = 40;
/** So many descriptors of a call are told of, each in NAME bytes. */
const NAMED = 2;
const NONE = 0xffff_ffff;
const NAME = 24;

const isDescriptor = (call: Call, argument: number) => call.args[argument]?.domain.kind === 'fd';
/** Which of the descriptors of a call, counted from its first, an argument is. */
export const descriptorOf = (call: Call, argument: number) =>
  call.args.slice(0, argument).filter((_, i) => isDescriptor(call, i)).length;
function descriptors({ call, words }: Made): number[] {
  const all = words.filter((_, i) => isDescriptor(call, i)).map(([fd]) => fd);
  return Array.from({ length: NAMED }, (_, i) => all[i] ?? NONE);
}

/** Number and argument words for one kernel; undefined when it has no such call. */
export type Convention = (made: Made) => { number: number; words: number[] } | undefined;

function flagsFor({ call: { name }, words }: Made): number {
  return (
    (REPAIR_MEMORY.test(name) ? REPAIR : 0) |
    (REPAIR_SIGNALS.test(name) ? SIGNALS : 0) |
    (IN_CHILD.test(name) ? CHILD : 0) |
    (ON_STACK.test(name) ? STACK : 0) |
    (name === 'ptrace' && words[1]![0] === TRACEE_MARK ? TRACEE : 0)
  );
}

/** 32-bit ARM: a 64-bit argument is in an even and the next register. */
export const forArm: Convention = ({ call, words }) => {
  const registers = new Array<number>(7).fill(0);
  if (ON_STACK.test(call.name)) registers[0] = words[0]![0];
  call.args.forEach((arg, i) => {
    registers[call.registers[i]!] = words[i]![0];
    if (arg.words === 2) registers[call.registers[i]! + 1] = words[i]![1];
  });
  return { number: call.number, words: registers };
};

/** O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE have other bits on x86. */
const OPEN_BITS: readonly [number, number][] = [
  [0o40000, 0o200000],
  [0o100000, 0o400000],
  [0o200000, 0o40000],
  [0o400000, 0o100000],
];
const isOpenFlags = (call: Call, i: number) => {
  if (/^(clone|unshare|setns)$/.test(call.name)) return false;
  const { domain } = call.args[i]!;
  return domain.kind === 'bits' && domain.values.includes(0o40000) && domain.values.includes(0o200000);
};
/** Those of one architecture as the other has them. */
export function openFlags(flags: number): number {
  let other = flags;
  for (const [arm] of OPEN_BITS) other &= ~arm;
  for (const [arm, x86] of OPEN_BITS) if (flags & arm) other |= x86;
  return other >>> 0;
}

/**
 * 32-bit x86, by the numbers of asm/unistd_32.h: 64-bit arguments are not aligned, some calls have other names, and some come
 * with fewer arguments.
 */
export function forX86(numbers: ReadonlyMap<string, number>): Convention {
  return ({ call, words }) => {
    // What is on the stack is the architecture's own.
    if (ON_STACK.test(call.name)) return undefined;
    let flat = call.args.flatMap((arg, i) => {
      const [low, high] = words[i]!;
      return arg.words === 2 ? [low, high] : [isOpenFlags(call, i) ? openFlags(low) : low];
    });
    let { name } = call;
    if (name === 'send' || name === 'recv') {
      name = name === 'send' ? 'sendto' : 'recvfrom';
      flat.push(0, 0);
    } else if (name === 'accept') {
      name = 'accept4';
      flat.push(0);
    } else if (name === 'arm_fadvise64_64') {
      name = 'fadvise64_64';
      flat = [flat[0]!, ...flat.slice(2), flat[1]!];
    } else if (name === 'sync_file_range2') {
      name = 'sync_file_range';
      flat = [flat[0]!, ...flat.slice(2), flat[1]!];
    }
    const number = numbers.get(name);
    return number === undefined || flat.length > 6 ? undefined : { number, words: flat };
  };
}

export function encode(batches: readonly (readonly Made[])[], convention: Convention): Uint8Array {
  const out: number[] = [batches.length];
  for (const batch of batches) {
    const calls = batch.flatMap((made) => {
      const by = convention(made);
      return by ? [{ made, by }] : [];
    });
    out.push(calls.length);
    for (const { made, by } of calls) {
      const words = Array.from({ length: 7 }, (_, i) => by.words[i] ?? 0);
      out.push(flagsFor(made), by.number, ...words, ...descriptors(made), made.fills.length);
      for (const { at, bytes } of made.fills) {
        const padded = new Uint8Array((bytes.length + 3) & ~3);
        padded.set(bytes);
        out.push(at, bytes.length, ...new Uint32Array(padded.buffer));
      }
    }
  }
  return new Uint8Array(Uint32Array.from(out).buffer);
}

export interface CallResult {
  readonly value: number;
  /** Offsets of the first and the last byte of the arena that it changed; -1 for none, -2 when the arena was gone. */
  readonly first: number;
  readonly last: number;
  /**
   * What its descriptors were (`descriptorOf`): where /proc/self/fd leads to, 'directory', of sockets family and type
   * ('socket 02 1'); '' for none. Not recorded.
   */
  readonly names?: readonly string[];
}

export interface BatchResult {
  /** Of the calls that returned. */
  readonly calls: CallResult[];
  /** As wait4 tells it. */
  readonly status: number;
  /** Flags and offset of each descriptor in the end. */
  readonly descriptors: number[];
  /** What each is, as of CallResult. */
  readonly names?: readonly string[];
}

export function decode(bytes: Uint8Array): BatchResult[] {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const batches: BatchResult[] = [];
  let at = 0;
  const word = () => words[at++]!;
  const name = () => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + 4 * at, NAME).toString('latin1');
    at += NAME / 4;
    return text.replace(/\0.*/s, '');
  };
  while (at < words.length) {
    const count = word();
    const status = word();
    const calls = Array.from({ length: count }, (): CallResult => {
      const [value, first, last] = [word(), word(), word()];
      return { value, first, last, names: Array.from({ length: NAMED }, name) };
    });
    const ends = Array.from({ length: DESCRIPTORS }, () => ({ numbers: [word(), word()], name: name() }));
    const descriptors = ends.flatMap((end) => end.numbers);
    batches.push({ calls, status, descriptors, names: ends.map((end) => end.name) });
  }
  return batches;
}
