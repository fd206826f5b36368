/**
 * The initial stack of a program: strings, auxiliary vector, environment and argument pointers, as Linux for ARM lays
 * them out (fs/exec.c: copy_strings; fs/binfmt_elf.c: create_elf_tables). From the top down:
 *
 *   4 zero bytes; path executed (AT_EXECFN); environment strings; argument strings;
 *   to 16 bytes; platform name; 16 random bytes;
 *   to 16 bytes, so that SP is aligned: auxv, envp with its null, argv with its null, argc   <- SP
 *
 * Strings are byte strings: one char (0..255) per byte.
 */
import type { CpuModel } from '../cpu-model.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, WRITE } from '../memory/layout.ts';
import { ElfError } from './elf-error.ts';
import { PHDR_SIZE, pageStart } from './read.ts';

/** Linux for ARM: 16 MiB below the kernel (TASK_SIZE), where modules lie. */
export const STACK_TOP = 0xbf00_0000;

/** Types of auxiliary vector entries (include/uapi/linux/auxvec.h). */
export const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
} as const;

/** USER_HZ. */
const CLOCK_TICKS = 100;
/** Longest single string with its zero byte: 32 pages. */
const MAX_ARG_STRLEN = 32 * PAGE_SIZE;
const ARG_MAX = 131072;
/** Three quarters of the usual stack limit (_STK_LIM). */
const ARGUMENTS_MAX = 6 << 20;
/** Room mapped below the arguments at once (fs/exec.c: stack_expand). */
const STACK_EXPAND = 128 << 10;

export interface StackInputs {
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** The path given to execve (for a script, the interpreter's). */
  readonly execfn: string;
  /** Of the program; base is the interpreter's (0 without one). */
  readonly phdr: number;
  readonly phnum: number;
  readonly entry: number;
  readonly base: number;
  readonly uid: number;
  readonly euid: number;
  readonly gid: number;
  readonly egid: number;
  /** AT_SECURE: ids or capabilities were gained. */
  readonly secure: boolean;
  /** 16 bytes for AT_RANDOM. */
  readonly random: Uint8Array;
  /** By PT_GNU_STACK of the program: 'executable' or 'default'. */
  readonly executable: boolean;
  readonly model: Pick<CpuModel, 'platform' | 'hwcap' | 'hwcap2'>;
  readonly stackTop?: number;
}

export interface InitialStack {
  readonly sp: number;
  /** The strings, for /proc/PID/cmdline and environ. */
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
  /** For /proc/PID/auxv. */
  readonly auxv: Uint8Array;
}

/** Throws E2BIG as execve does, before anything is lost. `stackLimit` is RLIMIT_STACK in bytes. */
export function checkArguments(
  argv: readonly string[],
  envp: readonly string[],
  execfn: string,
  stackLimit: number,
): void {
  let strings = execfn.length + 1;
  for (const list of [argv, envp]) {
    for (const text of list) {
      if (text.length + 1 > MAX_ARG_STRLEN) {
        throw new ElfError('E2BIG', `an argument or variable of ${text.length} bytes`);
      }
      strings += text.length + 1;
    }
  }
  const limit = Math.max(Math.min(ARGUMENTS_MAX, Math.floor(stackLimit / 4)), ARG_MAX);
  const pointers = (Math.max(argv.length, 1) + envp.length) * 4;
  if (strings + pointers > limit) {
    throw new ElfError('E2BIG', `${strings + pointers} bytes of arguments and environment, ${limit} allowed`);
  }
}

/**
 * Maps the stack and writes it. Sets space.stackLimit's area to grow from there. Call checkArguments first; throws ENOMEM when
 * the room is taken. An empty argv gets one empty string, as Linux does since 5.18.
 */
export function buildStack(space: AddressSpace, inputs: StackInputs): InitialStack {
  const top = inputs.stackTop ?? STACK_TOP;
  const argv = inputs.argv.length > 0 ? inputs.argv : [''];
  const { envp, execfn } = inputs;
  const { platform, hwcap, hwcap2 } = inputs.model;

  const args = terminated(argv);
  const environment = terminated(envp);
  const execfnAt = top - 4 - (execfn.length + 1);
  const envStart = execfnAt - environment.length;
  const argStart = envStart - args.length;
  const platformAt = align16(argStart) - (platform.length + 1);
  const randomAt = platformAt - 16;

  // biome-ignore format: pairs
  const auxv = Uint32Array.of(
    AT.HWCAP, hwcap,
    AT.PAGESZ, PAGE_SIZE,
    AT.CLKTCK, CLOCK_TICKS,
    AT.PHDR, inputs.phdr,
    AT.PHENT, PHDR_SIZE,
    AT.PHNUM, inputs.phnum,
    AT.BASE, inputs.base,
    AT.FLAGS, 0,
    AT.ENTRY, inputs.entry,
    AT.UID, inputs.uid,
    AT.EUID, inputs.euid,
    AT.GID, inputs.gid,
    AT.EGID, inputs.egid,
    AT.SECURE, inputs.secure ? 1 : 0,
    AT.RANDOM, randomAt,
    AT.HWCAP2, hwcap2,
    AT.EXECFN, execfnAt,
    AT.PLATFORM, platformAt,
    AT.NULL, 0,
  );
  const words = 1 + argv.length + 1 + envp.length + 1 + auxv.length;
  const sp = align16(randomAt - words * 4);

  mapStack(space, sp, top, inputs.executable);
  space.text.write(args + environment + execfn, argStart, 'latin1');
  space.text.write(platform, platformAt, 'latin1');
  space.u8.set(inputs.random, randomAt);

  let word = sp >>> 2;
  const u32 = space.u32;
  u32[word++] = argv.length;
  let at = argStart;
  for (const list of [argv, envp]) {
    for (const string of list) {
      u32[word++] = at;
      at += string.length + 1;
    }
    u32[word++] = 0;
  }
  u32.set(auxv, word);
  return { sp, argStart, argEnd: envStart, envStart, envEnd: execfnAt, auxv: new Uint8Array(auxv.buffer) };
}

/** Each with its zero byte. */
function terminated(list: readonly string[]): string {
  return list.length === 0 ? '' : `${list.join('\0')}\0`;
}

function mapStack(space: AddressSpace, sp: number, top: number, executable: boolean): void {
  const used = top - pageStart(sp);
  const length = Math.max(used, Math.min(used + STACK_EXPAND, pageStart(space.stackLimit)));
  const start = top - length;
  if (!space.isFree(start, top)) throw new ElfError('ENOMEM', 'the room for the stack is taken');
  space.map({
    start,
    end: top,
    prot: READ | WRITE | (executable ? EXEC : 0),
    shared: false,
    source: null,
    offset: 0,
    growsDown: true,
    name: '[stack]',
  });
  if (!space.check(sp, top - sp, WRITE)) throw new ElfError('ENOMEM', 'no memory for the stack');
}

function align16(address: number): number {
  return address - (address & 15);
}
