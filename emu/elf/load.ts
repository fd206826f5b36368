/**
 * Maps the segments of a program or interpreter into an address space, as Linux does (fs/binfmt_elf.c: elf_load).
 *
 * What execve does with this:
 *   image = readElf(file, name); interpreter = readElf(its file, image.interp, 'interpreter')   may fail: nothing is lost yet
 *   checkArguments(...)                                                                          (stack.ts)
 *   program = loadElf(space, image, file, name, programBias(image))
 *   loader = loadElf(space, interpreter, its file, its name, biasAt(interpreter, some free address))
 *   stack = buildStack(space, { ..., base: loader.base, entry: program.entry, phdr: program.phdr })
 *   start at loader.entry (program.entry without interpreter); the heap begins at program.brk
 *
 * Addresses: a position-independent program lies at PIE_BASE (Linux for ARM: ELF_ET_DYN_BASE), its heap behind it.
 * One without interpreter (ld.so run by hand, static PIE) goes where mmap puts it, and its heap to PIE_BASE: `brk` says so.
 * There is no randomization: the same program lies at the same address in every process, so that translations are shared.
 */
import type { AddressSpace, PageSource } from '../memory/address-space.ts';
import { LOWEST } from '../memory/address-space.ts';
import { EXEC, PAGE_MASK, READ, USER_END, WRITE } from '../memory/layout.ts';
import { ElfError } from './elf-error.ts';
import { type ElfImage, pageEnd, pageStart, type Segment } from './read.ts';

/** Linux for ARM, ELF_ET_DYN_BASE. */
export const PIE_BASE = 0x0040_0000;

export interface LoadedElf {
  /** Difference between addresses in memory and in the file: AT_BASE when it is the interpreter's. */
  readonly base: number;
  /** Where to start; bit 0 set means Thumb. */
  readonly entry: number;
  /** Address of the program headers in memory (AT_PHDR). */
  readonly phdr: number;
  readonly phnum: number;
  /** Start of the heap: first page behind the last segment, or PIE_BASE when that would lie in the mmap area. */
  readonly brk: number;
  readonly start: number;
  readonly end: number;
}

/** The bias that puts an image's lowest page at an address, or at the next one its alignment allows. */
export function biasAt(image: ElfImage, address: number): number {
  if (image.type === 'EXEC') return 0;
  return Math.ceil(address / image.align) * image.align - image.low;
}

/** The bias for the program itself. `free` is asked for a place when there is no interpreter. */
export function programBias(image: ElfImage, free: (length: number) => number): number {
  if (image.type === 'EXEC') return 0;
  if (image.interp !== null) return biasAt(image, PIE_BASE);
  const at = free(pageEnd(image.high) - image.low + image.align);
  if (at === 0) throw new ElfError('ENOMEM', 'no room for the program');
  return biasAt(image, at);
}

/** Throws ElfError when the image does not fit (then nothing of it has been mapped). `name` is for /proc/PID/maps. */
export function loadElf(
  space: AddressSpace,
  image: ElfImage,
  source: PageSource,
  name: string,
  bias: number,
): LoadedElf {
  const start = image.low + bias;
  const end = pageEnd(image.high + bias);
  if (start < LOWEST)
    throw new ElfError('EPERM', `${name}: would lie below address 0x${LOWEST.toString(16)}`);
  if (end > USER_END || image.entry + bias >= USER_END) {
    throw new ElfError('EINVAL', `${name}: does not fit in the address space`);
  }
  if (!space.isFree(start, end)) throw new ElfError('ENOMEM', `${name}: its addresses are taken`);
  for (const segment of image.segments) mapSegment(space, segment, source, name, bias);
  return {
    base: bias,
    entry: image.entry + bias,
    phdr: image.phdr === 0 ? 0 : image.phdr + bias,
    phnum: image.phnum,
    brk: image.type === 'DYN' && image.interp === null ? PIE_BASE : end,
    start,
    end,
  };
}

function mapSegment(
  space: AddressSpace,
  segment: Segment,
  source: PageSource,
  name: string,
  bias: number,
): void {
  const { vaddr, filesz, memsz, offset, prot } = segment;
  const start = pageStart(vaddr + bias);
  const fileEnd = vaddr + bias + filesz;
  const memEnd = vaddr + bias + memsz;
  let mapped = start;
  if (filesz > 0) {
    mapped = pageEnd(fileEnd);
    space.map({
      start,
      end: mapped,
      prot,
      shared: false,
      source,
      offset: offset - (vaddr & PAGE_MASK),
      growsDown: false,
      name,
    });
    // The rest of the last file page is bss. A segment nobody can write to keeps the file's bytes there, as in Linux.
    if (memsz > filesz && prot & WRITE && fileEnd < mapped) {
      const length = mapped - fileEnd;
      if (!space.check(fileEnd, length, WRITE)) throw new ElfError('EIO', `${name}: cannot be read`);
      space.bytes(fileEnd, length).fill(0);
    }
  }
  if (pageEnd(memEnd) > mapped) {
    space.map({
      start: mapped,
      end: pageEnd(memEnd),
      prot: READ | WRITE | (prot & EXEC),
      shared: false,
      source: null,
      offset: 0,
      growsDown: false,
      name: '',
    });
  }
}
