/**
 * Reads the header and program headers of a 32-bit ARM ELF file, and refuses what Linux refuses before anything of the
 * old program is lost. Follows the System V ABI (ELF), the ARM ELF specification (IHI 0044) for e_flags, and Linux
 * (fs/binfmt_elf.c, arch/arm/kernel/elf.c) for what is an error and which.
 *
 * The npm package elfy takes the headers apart; it knows no limits, so the fields that decide how much it reads are
 * checked first and it is given just the header and just the table of program headers.
 */
import elfy, { type Header, type Program } from 'elfy';
import type { PageSource, Prot } from '../memory/address-space.ts';
import { EXEC, PAGE_MASK, READ, USER_END, WRITE } from '../memory/layout.ts';
import { ElfError } from './elf-error.ts';

/** A PT_LOAD segment; addresses are the file's own, without bias. */
export interface Segment {
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly prot: Prot;
}

export interface ElfImage {
  readonly type: 'EXEC' | 'DYN';
  /** Bit 0 set: begins in Thumb state. */
  readonly entry: number;
  /** In the file's order. At least one. */
  readonly segments: readonly Segment[];
  /** Lowest address of a segment, rounded down to its page, and highest end, not rounded. */
  readonly low: number;
  readonly high: number;
  /** Greatest alignment a segment asks for: a power of two, at least a page. */
  readonly align: number;
  /** Where the program headers come to lie in memory (0 when no segment holds them), and their number. */
  readonly phdr: number;
  readonly phnum: number;
  /** Path of PT_INTERP as a byte string. */
  readonly interp: string | null;
  /** PT_GNU_STACK; 'default' when the file has none: ARM then makes all readable memory executable. */
  readonly stack: 'executable' | 'not-executable' | 'default';
  /** By e_flags; null when the file says neither. */
  readonly float: 'hard' | 'soft' | null;
}

export const EHDR_SIZE = 52;
export const PHDR_SIZE = 32;
/** Linux reads no more than a page of program headers. */
const MAX_PHNUM = 4096 / PHDR_SIZE;
/** Linux's PATH_MAX. */
const MAX_INTERPRETER = 4096;

const EF_ARM_EABI_MASK = 0xff00_0000;
const EF_ARM_SOFT_FLOAT = 0x200;
const EF_ARM_HARD_FLOAT = 0x400;
/** EI_OSABI: System V, Linux, ARM AEABI, ARM. 65 is FDPIC, for machines without an MMU. */
const OSABI = [0, 3, 64, 97];

/**
 * Gives the image, or throws ElfError. `name` is for messages. `role` 'interpreter' is for the file PT_INTERP names: what would
 * be ENOEXEC is ELIBBAD then.
 * @param first what has been read of its beginning
 */
export function readElf(
  source: PageSource,
  name: string,
  role: 'program' | 'interpreter' = 'program',
  first?: Uint8Array,
): ElfImage {
  const bad = (why: string, errno: ElfError['errno'] = 'ENOEXEC') => {
    const code = errno === 'ENOEXEC' && role === 'interpreter' ? 'ELIBBAD' : errno;
    return new ElfError(code, `${name}: ${why}`);
  };
  const file = new Reader(source, bad, first);
  const ehdr = file.read(0, EHDR_SIZE, 'ELF header', 'ENOEXEC');
  checkIdent(ehdr, bad);
  const parser = new elfy.Parser();
  const header = parser.parseHeader(ehdr);
  checkHeader(header, ehdr, bad);
  const table = file.read(header.phoff, header.phnum * PHDR_SIZE, 'program headers', 'ENOEXEC');
  // What elfy gets is a file of the header with the table right behind it.
  const programs = parser.parsePrograms(Buffer.concat([ehdr, table]), { ...header, phoff: EHDR_SIZE });
  return describe(header, programs, file, bad);
}

type Bad = (why: string, errno?: ElfError['errno']) => ElfError;

class Reader {
  readonly #source: PageSource;
  readonly #bad: Bad;
  readonly #first: Uint8Array;
  readonly size: number;

  constructor(source: PageSource, bad: Bad, first: Uint8Array = new Uint8Array(0)) {
    this.#source = source;
    this.#bad = bad;
    this.#first = first;
    this.size = source.size();
  }

  read(offset: number, length: number, what: string, errno: ElfError['errno']): Buffer {
    if (offset + length > this.size) {
      throw this.#bad(`too short: ${what} would end at byte ${offset + length} of ${this.size}`, errno);
    }
    if (offset + length <= this.#first.length)
      return Buffer.from(this.#first.subarray(offset, offset + length));
    const into = Buffer.alloc(length);
    const got = this.#source.read(offset, into);
    if (got !== length) throw this.#bad(`cannot read the ${what}`, errno);
    return into;
  }
}

function checkIdent(ehdr: Buffer, bad: Bad): void {
  if (ehdr.readUInt32BE(0) !== 0x7f454c46) throw bad('not an ELF file');
  if (ehdr[4] !== 1) throw bad(ehdr[4] === 2 ? 'a 64-bit ELF file' : `unknown ELF class ${ehdr[4]}`);
  if (ehdr[5] !== 1) throw bad(ehdr[5] === 2 ? 'big-endian' : `unknown ELF data encoding ${ehdr[5]}`);
  if (ehdr[6] !== 1) throw bad(`unknown ELF version ${ehdr[6]}`);
  if (!OSABI.includes(ehdr[7]!)) throw bad(`made for another operating system (EI_OSABI ${ehdr[7]})`);
}

function checkHeader(header: Header, ehdr: Buffer, bad: Bad): void {
  if (header.type !== 'exec' && header.type !== 'dyn') {
    throw bad(`not a program (e_type ${ehdr.readUInt16LE(16)}${header.type ? `, ${header.type}` : ''})`);
  }
  if (header.machine !== 'arm') {
    throw bad(
      `not for 32-bit ARM (e_machine ${ehdr.readUInt16LE(18)}${header.machine ? `, ${header.machine}` : ''})`,
    );
  }
  const eabi = (header.flags & EF_ARM_EABI_MASK) >>> 24;
  if (eabi !== 4 && eabi !== 5) throw bad(`EABI version ${eabi}: only 4 and 5 are known`);
  if ((header.entry & 3) === 2) throw bad(`entry ${hex(header.entry)} is not aligned`);
  if (header.phentsize !== PHDR_SIZE) throw bad(`program headers of ${header.phentsize} bytes`);
  if (header.phnum < 1 || header.phnum > MAX_PHNUM) throw bad(`${header.phnum} program headers`);
}

function describe(header: Header, programs: Program[], file: Reader, bad: Bad): ElfImage {
  const segments: Segment[] = [];
  let align = PAGE_MASK + 1;
  let phdr = 0;
  let stack: ElfImage['stack'] = 'default';
  let interp: string | null = null;
  for (const p of programs) {
    if (p.type === 'interp') interp ??= readInterp(p, file, bad);
    else if (p.type === 'gnu_stack') stack = p.flags.x ? 'executable' : 'not-executable';
    else if (p.type === 'load' && p.memsz + p.filesz > 0) {
      segments.push(segmentOf(p, file, bad));
      // Linux ignores alignments that are not powers of two.
      if (p.align > align && Number.isInteger(Math.log2(p.align))) align = p.align;
      const behind = header.phoff - p.offset;
      if (behind >= 0 && behind < p.filesz) phdr = p.vaddr + behind;
    }
  }
  if (segments.length === 0) throw bad('nothing to load', 'EINVAL');
  checkOverlaps(segments, bad);
  const low = Math.min(...segments.map((s) => pageStart(s.vaddr)));
  const high = Math.max(...segments.map((s) => s.vaddr + s.memsz));
  return {
    type: header.type === 'exec' ? 'EXEC' : 'DYN',
    entry: header.entry,
    segments,
    low,
    high,
    align,
    phdr,
    phnum: header.phnum,
    interp,
    stack,
    float: header.flags & EF_ARM_HARD_FLOAT ? 'hard' : header.flags & EF_ARM_SOFT_FLOAT ? 'soft' : null,
  };
}

function segmentOf(p: Program, file: Reader, bad: Bad): Segment {
  const at = `segment at ${hex(p.vaddr)}`;
  if (p.filesz > p.memsz) throw bad(`${at} has more bytes in the file than in memory`, 'EINVAL');
  if (p.vaddr + p.memsz > USER_END) throw bad(`${at} does not fit in the address space`, 'EINVAL');
  if (p.filesz > 0 && ((p.vaddr ^ p.offset) & PAGE_MASK) !== 0) {
    throw bad(`${at} and its offset ${hex(p.offset)} disagree within a page`, 'EINVAL');
  }
  if (p.filesz > 0 && p.offset + p.filesz > file.size) {
    throw bad(`cut short: ${at} would end at byte ${p.offset + p.filesz} of ${file.size}`, 'EIO');
  }
  const prot = (p.flags.r ? READ : 0) | (p.flags.w ? WRITE : 0) | (p.flags.x ? EXEC : 0);
  return { offset: p.offset, vaddr: p.vaddr, filesz: p.filesz, memsz: p.memsz, prot };
}

function checkOverlaps(segments: readonly Segment[], bad: Bad): void {
  const sorted = [...segments].sort((a, b) => a.vaddr - b.vaddr);
  for (let i = 1; i < sorted.length; i++) {
    const a = sorted[i - 1]!;
    const b = sorted[i]!;
    if (a.vaddr + a.memsz > b.vaddr) {
      throw bad(`segments at ${hex(a.vaddr)} and ${hex(b.vaddr)} overlap`, 'EINVAL');
    }
  }
}

function readInterp(p: Program, file: Reader, bad: Bad): string {
  if (p.filesz < 2 || p.filesz > MAX_INTERPRETER) throw bad(`interpreter path of ${p.filesz} bytes`);
  const bytes = file.read(p.offset, p.filesz, 'interpreter path', 'EIO');
  if (bytes[p.filesz - 1] !== 0) throw bad('interpreter path does not end with a zero byte');
  const path = bytes.toString('latin1', 0, bytes.indexOf(0));
  if (path === '') throw bad('interpreter path is empty');
  return path;
}

export function pageStart(address: number): number {
  return address - (address & PAGE_MASK);
}

export function pageEnd(address: number): number {
  return pageStart(address + PAGE_MASK);
}

function hex(x: number): string {
  return `0x${x.toString(16)}`;
}
