/**
 * The page of kernel helpers (the ARM vectors page) at 0xffff0000, which Linux maps into every process for code built
 * for old architecture versions (Documentation/arch/arm/kernel_user_helpers.rst). Only the documented entry points
 * are there. Our own A32 code, by the ARM ARM's exclusives (A3.4); the barriers are those of CP15 (B3.12.33), which CPUs before
 * ARMv7 have, too.
 *
 *   ffff0f60  int __kuser_cmpxchg64(const int64_t *old, const int64_t *new, volatile int64_t *p)  0 = stored, C set
 *   ffff0fa0  void __kuser_memory_barrier(void)
 *   ffff0fc0  int __kuser_cmpxchg(int old, int new, volatile int *p)                              0 = stored, C set
 *   ffff0fe0  void *__kuser_get_tls(void)
 *   ffff0ffc  int32_t __kuser_helper_version (5: cmpxchg64 is the fifth helper)
 *
 * All other words of the page hold an undefined instruction, as Linux fills it.
 */
import { HELPERS_PAGE, PAGE_SIZE } from './layout.ts';

/** UDF in A32. */
const UNDEFINED = 0xe7fddef1;

const CODE: readonly (readonly [offset: number, words: readonly number[]])[] = [
  [
    0xf60, // __kuser_cmpxchg64
    [
      0xe92d00f0, //    push   {r4, r5, r6, r7}
      0xe1c040d0, //    ldrd   r4, r5, [r0]
      0xe1c160d0, //    ldrd   r6, r7, [r1]
      0xee070fba, //    mcr    p15, 0, r0, c7, c10, 5
      0xe1b20f9f, // 1: ldrexd r0, r1, [r2]
      0xe1500004, //    cmp    r0, r4
      0x01510005, //    cmpeq  r1, r5
      0x13e03000, //    mvnne  r3, #0
      0x1a000002, //    bne    2f
      0xe1a23f96, //    strexd r3, r6, r7, [r2]
      0xe3530000, //    cmp    r3, #0
      0x1afffff7, //    bne    1b
      0xee070fba, // 2: mcr    p15, 0, r0, c7, c10, 5
      0xe8bd00f0, //    pop    {r4, r5, r6, r7}
      0xe2730000, //    rsbs   r0, r3, #0
      0xe12fff1e, //    bx     lr
    ],
  ],
  [
    0xfa0, // __kuser_memory_barrier
    [
      0xee070fba, //    mcr    p15, 0, r0, c7, c10, 5
      0xe12fff1e, //    bx     lr
      0xe2730000, // 3: rsbs   r0, r3, #0         the end of __kuser_cmpxchg
      0xee070fba, //    mcr    p15, 0, r0, c7, c10, 5
      0xe12fff1e, //    bx     lr
    ],
  ],
  [
    0xfc0, // __kuser_cmpxchg
    [
      0xee070fba, //    mcr    p15, 0, r0, c7, c10, 5
      0xe1923f9f, // 1: ldrex  r3, [r2]
      0xe0333000, //    eors   r3, r3, r0
      0x1a000002, //    bne    2f
      0xe1823f91, //    strex  r3, r1, [r2]
      0xe3530000, //    cmp    r3, #0
      0x1afffff9, //    bne    1b
      0xeafffff1, // 2: b      3b
    ],
  ],
  [
    0xfe0, // __kuser_get_tls
    [
      0xee1d0f70, //    mrc    p15, 0, r0, c13, c0, 3
      0xe12fff1e, //    bx     lr
    ],
  ],
  [0xffc, [5]],
];

/** Writes the page into a memory's words (index = address >>> 2). */
export function writeHelpersPage(u32: Uint32Array): void {
  const page = HELPERS_PAGE / 4;
  u32.fill(UNDEFINED, page, page + PAGE_SIZE / 4);
  for (const [offset, words] of CODE) u32.set(words, page + offset / 4);
}
