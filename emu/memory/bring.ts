/** Bringing pages of an area into memory: zeros, a file's, those of another mapping; and moving those that are there. */
import type { Access, AddressSpace, PageFault, PageSource, Vma } from './address-space.ts';
import { EXEC, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, READ, WRITE } from './layout.ts';
import { accessOf, CLEAN, type PageTable, PRESENT } from './page-table.ts';
import { flushShared, sharers } from './shared.ts';

/**
 * Pages brought in around a fault, an aligned window: of files 32 KiB (measured over shells and their children: 16 and 64 KiB
 * cost more), of zeros 64 KiB.
 */
const FILE_AROUND = 8;
const ZEROS_AROUND = 16;

/** Zero pages around the fault, within the area. */
export function bringZeros({ pages }: AddressSpace, vma: Vma, page: number, allowed: number): void {
  const window = page & ~(ZEROS_AROUND - 1);
  const first = Math.max(window, vma.start >>> PAGE_SHIFT);
  const last = Math.min(window + ZEROS_AROUND, vma.end / PAGE_SIZE);
  const { flags } = pages;
  pages.zero(first, last);
  for (let p = first; p < last; p++) {
    if (!(flags[p]! & PRESENT)) pages.bring(p, p + 1, PRESENT, allowed);
  }
}

/** File pages around the fault; false when the page is wholly beyond the end of the file. */
export function bringFile(
  space: AddressSpace,
  vma: Vma,
  source: PageSource,
  page: number,
  allowed: number,
): boolean {
  const { pages, u8 } = space;
  const toOffset = vma.offset - vma.start;
  const window = page & ~(FILE_AROUND - 1);
  const first = Math.max(window, vma.start >>> PAGE_SHIFT);
  const last = Math.min(window + FILE_AROUND, vma.end / PAGE_SIZE);
  const { flags } = pages;
  const flag = vma.shared || allowed & WRITE ? PRESENT : PRESENT | CLEAN;
  // A first write to a page of a shared file is to be noticed: it must be written back, and be the only copy.
  const grant = vma.shared ? allowed & ~WRITE : allowed;
  if (vma.shared) copyShared(space, source, first, last, toOffset, grant);
  else {
    flushShared(source, toOffset + first * PAGE_SIZE, toOffset + last * PAGE_SIZE);
    bringKept(pages, vma, source, page, first, last, flag, grant);
  }
  for (let p = first; p < last; ) {
    if (flags[p]! & PRESENT) {
      p++;
      continue;
    }
    const from = p;
    while (p < last && !(flags[p]! & PRESENT)) p++;
    const start = from * PAGE_SIZE;
    const got = source.read(toOffset + start, u8.subarray(start, p * PAGE_SIZE));
    // A short read is the end of the file: zeros to the end of its last page, and nothing behind it.
    const end = Math.ceil((start + got) / PAGE_SIZE);
    u8.fill(0, start + got, end * PAGE_SIZE);
    pages.bring(from, end, flag, grant);
  }
  return pages.present(page);
}

/**
 * Takes pages that an earlier mapping of the file has left at the same address, if the file is still the same. Of code all that
 * there are: who changes a program that runs cannot mean well.
 */
function bringKept(
  pages: PageTable,
  vma: Vma,
  source: PageSource,
  page: number,
  first: number,
  last: number,
  flag: number,
  grant: number,
): void {
  if (source.key === null) return;
  const label = pages.kept(page, source.key, vma.start - vma.offset);
  if (label === 0 || source.unchanged?.() !== true) return;
  const all = (vma.prot & EXEC) !== 0;
  pages.bringKept(
    all ? vma.start >>> PAGE_SHIFT : first,
    all ? vma.end / PAGE_SIZE : last,
    label,
    flag,
    grant,
  );
}

/**
 * As bringKept, all the code of a mapping that is made just now, of a source whose key was asked for to make it: nothing has to
 * be asked once more.
 */
export function bringKeptCode(
  { pages }: AddressSpace,
  { start, end, offset, prot, shared, source }: Vma,
): void {
  if (source === null || source.key === null || shared || (prot & (EXEC | WRITE)) !== EXEC) return;
  const label = pages.labelOf(source.key, start - offset);
  if (label === 0) return;
  pages.bringKept(start >>> PAGE_SHIFT, end / PAGE_SIZE, label, PRESENT | CLEAN, accessOf(prot));
}

/** Takes pages that another mapping of the same source has from there: they may be newer than the source. */
function copyShared(
  space: AddressSpace,
  source: PageSource,
  first: number,
  last: number,
  toOffset: number,
  grant: number,
): void {
  const all = sharers(source);
  if (all === undefined || all.areas.size < 2) return;
  for (let page = first; page < last; page++) {
    if (space.pages.present(page)) continue;
    if (all.copyTo(space, page, toOffset + page * PAGE_SIZE))
      space.pages.bring(page, page + 1, PRESENT, grant);
  }
}

/** Moves present pages with their flags and page bytes to pages that are not present. */
export function movePages({ pages, u8 }: AddressSpace, from: number, to: number, count: number): void {
  const { flags, bytes } = pages;
  for (let i = 0; i < count; ) {
    if (!(flags[from + i]! & PRESENT)) {
      i++;
      continue;
    }
    const first = i;
    while (i < count && flags[from + i]! & PRESENT) i++;
    u8.copyWithin((to + first) * PAGE_SIZE, (from + first) * PAGE_SIZE, (from + i) * PAGE_SIZE);
    for (let j = first; j < i; j++) pages.bring(to + j, to + j + 1, flags[from + j]!, bytes[from + j]!);
  }
  pages.drop(from, from + count);
}

/** Has the pages of a guest's access brought in, each once; where it faults, if it does. `kind` may be READ | WRITE. */
export function bringIn(
  space: AddressSpace,
  address: number,
  length: number,
  kind: number,
): PageFault | null {
  const { bytes } = space.pages;
  const end = address + length - 1;
  for (let at = address; at <= end; at = ((at | PAGE_MASK) >>> 0) + 1) {
    const page = at >>> PAGE_SHIFT;
    for (let missing = kind & ~bytes[page]!; missing !== 0; missing = kind & ~bytes[page]!) {
      const access = (missing & READ || missing) as Access;
      const why = space.fault(at >>> 0, access);
      if (why !== 'ok') return { address: at >>> 0, access, why };
    }
  }
  return null;
}
