/**
 * mmap(2), mprotect(2), mremap(2), madvise(2), msync(2), personality(2) constants of ARM (asm-generic/mman-common.h,
 * linux/mman.h).
 */
export const PROT = {
  PROT_NONE: 0,
  PROT_READ: 1,
  PROT_WRITE: 2,
  PROT_EXEC: 4,
  PROT_SEM: 8,
  PROT_GROWSDOWN: 0x0100_0000,
  PROT_GROWSUP: 0x0200_0000,
} as const;

export const MAP = {
  MAP_SHARED: 0x01,
  MAP_PRIVATE: 0x02,
  MAP_FIXED: 0x10,
  MAP_ANONYMOUS: 0x20,
  MAP_GROWSDOWN: 0x0100,
  MAP_DENYWRITE: 0x0800,
  MAP_EXECUTABLE: 0x1000,
  MAP_LOCKED: 0x2000,
  MAP_NORESERVE: 0x4000,
  MAP_POPULATE: 0x8000,
  MAP_NONBLOCK: 0x1_0000,
  MAP_STACK: 0x2_0000,
  MAP_HUGETLB: 0x4_0000,
  MAP_SYNC: 0x8_0000,
  MAP_FIXED_NOREPLACE: 0x10_0000,
} as const;
/** The low bits: MAP_SHARED, MAP_PRIVATE or MAP_SHARED_VALIDATE. */
export const MAP_TYPE = 0xf;
export const MAP_SHARED_VALIDATE = 3;
/** Flags that MAP_SHARED_VALIDATE knows, sizes of huge pages (MAP_HUGE_2MB, MAP_HUGE_1GB) among them. */
export const LEGACY_MAP_MASK =
  (Object.values(MAP).reduce((sum, bit) => sum | bit, 0) & ~(MAP.MAP_SYNC | MAP.MAP_FIXED_NOREPLACE)) |
  (21 << 26) |
  (30 << 26);

export const MREMAP = { MREMAP_MAYMOVE: 1, MREMAP_FIXED: 2, MREMAP_DONTUNMAP: 4 } as const;
export const MS = { MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4 } as const;

export const MADV = {
  MADV_NORMAL: 0,
  MADV_RANDOM: 1,
  MADV_SEQUENTIAL: 2,
  MADV_WILLNEED: 3,
  MADV_DONTNEED: 4,
  MADV_FREE: 8,
  MADV_REMOVE: 9,
  MADV_DONTFORK: 10,
  MADV_DOFORK: 11,
  MADV_MERGEABLE: 12,
  MADV_UNMERGEABLE: 13,
  MADV_HUGEPAGE: 14,
  MADV_NOHUGEPAGE: 15,
  MADV_DONTDUMP: 16,
  MADV_DODUMP: 17,
  MADV_WIPEONFORK: 18,
  MADV_KEEPONFORK: 19,
  MADV_COLD: 20,
  MADV_PAGEOUT: 21,
} as const;

export const READ_IMPLIES_EXEC = 0x040_0000;
export const MMAP_PAGE_ZERO = 0x010_0000;
