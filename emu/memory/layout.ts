/**
 * Where things lie in the one wasm memory of an address space.
 *
 * Guest address a is byte a of the memory. The guest owns USER_START..USER_END-1 (the 3 GiB of 32-bit
 * ARM Linux) but for the machine's own 16 MiB in the middle, and one page of kernel helpers. All the rest is out of the guest's
 * reach, because the page bytes there are 0.
 *
 *   00000000  never accessible (null pointers)
 *   00010000  user space
 *   7F000000  page bytes: one byte per 4 KiB page, index = address >>> 12
 *   7F100000  7 MiB of zeros: `rotl(address, 20) & mask` indexes here when an access is not aligned,
 *             so that one byte load tests alignment and permission together
 *   7F800000  where the records of a page of Thumb code are (emu/tier0/record.ts): one word per page, 0 for none
 *   7FC00000  jump cache: JUMP_CACHE_ENTRIES pairs (location, table slot)
 *   80000000  user space
 *   C0800000  CPU states, one STATE_SIZE block per thread
 *   C3000000  site counters, by a place's number: how often accesses failed the quick test of compiled code
 *             though they were allowed
 *   C3020000  where indirect jumps went the last time: JUMP_TARGETS_ENTRIES of (address, location, how often it
 *             was another one, unused)
 *   C3030000  where there is room for the records of IT blocks: the next free byte, and the end
 *   C3100000  flags of the pages (page-table.ts): one byte per page
 *   C3200000  labels of the pages (kept-pages.ts), likewise
 *   C3400000  as 7F800000, for pages of ARM code
 *   C4000000  records
 *   FFFF0000  the page of kernel helpers (vectors page), readable and executable by the guest
 *
 * The page bytes and the jump cache lie below 2 GiB because x86-64's addressing has displacements of 31 bits: V8 keeps a greater
 * offset in a register, in every function (docs/JIT.md has what that cost).
 */

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
export const PAGE_MASK = 0xfff;

export const USER_START = 0x0001_0000;
export const USER_END = 0xc000_0000;

/** The machine's own in the middle of user space: nothing can be mapped there. */
export const MACHINE_START = 0x7f00_0000;
export const MACHINE_END = 0x8000_0000;

export const PAGE_BYTES = 0x7f00_0000;
export const PAGE_BYTES_LENGTH = 0x10_0000;
/** End of the zeros behind the page bytes. */
export const PAGE_BYTES_END = 0x7f80_0000;

export const STATE_BASE = 0xc080_0000;
export const STATE_SIZE = 0x1000;
export const STATE_MAX = 0x1800 - 0x800; // blocks between STATE_BASE and 0xc180_0000

export const JUMP_CACHE = 0x7fc0_0000;
export const JUMP_CACHE_ENTRIES = 0x1_0000;

export const SITE_COUNTERS = 0xc300_0000;
export const SITE_COUNTERS_LENGTH = 0x1_0000;

export const RECORD_PAGES_THUMB = 0x7f80_0000;
export const RECORD_PAGES_ARM = 0xc340_0000;
export const JUMP_TARGETS = 0xc302_0000;
export const JUMP_TARGETS_ENTRIES = 0x1000;
export const IT_ROOM = 0xc303_0000;

export const PAGE_FLAGS = 0xc310_0000;
export const PAGE_LABELS = 0xc320_0000;
export const RECORDS_START = 0xc400_0000;
export const RECORDS_END = 0xffc0_0000;

export const HELPERS_PAGE = 0xffff_0000;

/** Bits of a page byte. READ, WRITE and EXEC are what an access may do at once, without asking anybody. */
export const READ = 1;
export const WRITE = 2;
export const EXEC = 4;
/** Code was translated from this page: WRITE is withheld so that the write is noticed. */
export const CODE = 8;
