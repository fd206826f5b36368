/**
 * AT_HWCAP and AT_HWCAP2: what the processor offers to programs, by Linux's bits (arch/arm/include/uapi/asm/hwcap.h).
 * A bit stands here only when emu/ops implements all of it: libraries choose hand-written code by it.
 */

export const HWCAP = {
  SWP: 1 << 0,
  HALF: 1 << 1,
  THUMB: 1 << 2,
  FAST_MULT: 1 << 4,
  VFP: 1 << 6,
  EDSP: 1 << 7,
  THUMBEE: 1 << 11,
  NEON: 1 << 12,
  VFPv3: 1 << 13,
  VFPv3D16: 1 << 14,
  TLS: 1 << 15,
  VFPv4: 1 << 16,
  IDIVA: 1 << 17,
  IDIVT: 1 << 18,
  VFPD32: 1 << 19,
  LPAE: 1 << 20,
} as const;

/**
 * An ARMv7-A with VFPv4-D32 and division, as a Cortex-A7.
 *
 *   SWP      the A32 rows have SWP and SWPB (plain load and store: threads of a process never run at the same time)
 *   LPAE     says that aligned LDRD and STRD are single-copy atomic; they are, for the same reason
 *   VFPv3D16 is not set beside VFPD32: it means "only 16 double registers"
 *   THUMBEE, CRUNCH, IWMMXT, JAVA, FPA, 26BIT, EVTSTRM: the machine has none of them
 */
export const AT_HWCAP_VALUE =
  HWCAP.SWP |
  HWCAP.HALF |
  HWCAP.THUMB |
  HWCAP.FAST_MULT |
  HWCAP.VFP |
  HWCAP.EDSP |
  HWCAP.NEON |
  HWCAP.VFPv3 |
  HWCAP.TLS |
  HWCAP.VFPv4 |
  HWCAP.IDIVA |
  HWCAP.IDIVT |
  HWCAP.VFPD32 |
  HWCAP.LPAE;

/** AES, PMULL, SHA1, SHA2, CRC32 are ARMv8 instructions: none. */
export const AT_HWCAP2_VALUE = 0;

/** AT_PLATFORM and, with it, what `uname -m` begins with: ld.so's $PLATFORM. */
export const PLATFORM = 'v7l';
