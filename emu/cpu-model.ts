/**
 * CPU models: what a program is told of its processor, and which instructions it has. One record per model; the default is
 * DEFAULT_MODEL.
 *
 * AT_HWCAP and AT_HWCAP2 have Linux's bits (arch/arm/include/uapi/asm/hwcap.h). A bit stands in a model only when emu/ops
 * implements all of it: libraries choose hand-written code by it. No model has THUMBEE, CRUNCH, IWMMXT, JAVA, FPA, 26BIT or
 * EVTSTRM.
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
  /** Aligned LDRD and STRD are single-copy atomic; they are, as threads of a process never run at the same time. */
  LPAE: 1 << 20,
} as const;

export const HWCAP2 = { AES: 1 << 0, PMULL: 1 << 1, SHA1: 1 << 2, SHA2: 1 << 3, CRC32: 1 << 4 } as const;

/** The words of /proc/cpuinfo (hwcap_str and hwcap2_str of arch/arm/kernel/setup.c), in its order. */
const HWCAP_WORDS: readonly (readonly [bit: number, word: string])[] = [
  [HWCAP.SWP, 'swp'],
  [HWCAP.HALF, 'half'],
  [HWCAP.THUMB, 'thumb'],
  [HWCAP.FAST_MULT, 'fastmult'],
  [HWCAP.VFP, 'vfp'],
  [HWCAP.EDSP, 'edsp'],
  [HWCAP.NEON, 'neon'],
  [HWCAP.VFPv3, 'vfpv3'],
  [HWCAP.VFPv3D16, 'vfpv3d16'],
  [HWCAP.TLS, 'tls'],
  [HWCAP.VFPv4, 'vfpv4'],
  [HWCAP.IDIVA, 'idiva'],
  [HWCAP.IDIVT, 'idivt'],
  [HWCAP.VFPD32, 'vfpd32'],
  [HWCAP.LPAE, 'lpae'],
];
const HWCAP2_WORDS: readonly (readonly [bit: number, word: string])[] = [
  [HWCAP2.AES, 'aes'],
  [HWCAP2.PMULL, 'pmull'],
  [HWCAP2.SHA1, 'sha1'],
  [HWCAP2.SHA2, 'sha2'],
  [HWCAP2.CRC32, 'crc32'],
];

/**
 * Groups of instructions that not all models have. v6t2: Thumb-2 and what came to A32 with it; v7: barriers and PLI;
 * multiprocessing: PLDW; doubles32: D16 to D31; vfp3: constants and fixed point; half: half precision; vfp4: fused
 * multiply-add.
 */
export type Feature =
  | 'v6t2'
  | 'v7'
  | 'multiprocessing'
  | 'division'
  | 'doubles32'
  | 'vfp3'
  | 'half'
  | 'vfp4'
  | 'neon'
  | 'v8'
  | 'crc'
  | 'crypto'
  | 'dotprod';

export interface CpuModel {
  readonly name: string;
  readonly features: ReadonlySet<Feature>;
  readonly hwcap: number;
  readonly hwcap2: number;
  /** AT_PLATFORM, ld.so's $PLATFORM; uname's machine is 'arm' and this. */
  readonly platform: 'v6l' | 'v7l' | 'v8l';
  readonly machine: string;
  /** 'model name' of /proc/cpuinfo, and the fields of the main ID register (MIDR). */
  readonly description: string;
  readonly midr: {
    readonly implementer: number;
    readonly architecture: number;
    readonly variant: number;
    readonly part: number;
    readonly revision: number;
  };
}

const V6 = HWCAP.HALF | HWCAP.THUMB | HWCAP.FAST_MULT | HWCAP.VFP | HWCAP.EDSP | HWCAP.TLS;
const V7 = V6 | HWCAP.SWP | HWCAP.NEON | HWCAP.VFPv3 | HWCAP.VFPD32;
const V7VE = V7 | HWCAP.VFPv4 | HWCAP.IDIVA | HWCAP.IDIVT | HWCAP.LPAE;
const V8_HWCAP2 = HWCAP2.AES | HWCAP2.PMULL | HWCAP2.SHA1 | HWCAP2.SHA2 | HWCAP2.CRC32;

const V7_FEATURES: readonly Feature[] = ['v6t2', 'v7', 'doubles32', 'vfp3', 'neon'];
const V7VE_FEATURES: readonly Feature[] = [...V7_FEATURES, 'multiprocessing', 'half', 'vfp4', 'division'];
const V8_FEATURES: readonly Feature[] = [...V7VE_FEATURES, 'v8', 'crc', 'crypto'];

function model(
  name: string,
  features: readonly Feature[],
  [hwcap, hwcap2]: readonly [number, number],
  [platform, machine]: readonly [CpuModel['platform'], string],
  [variant, part, revision]: readonly [number, number, number],
): CpuModel {
  const v8 = platform === 'v8l';
  const description =
    platform === 'v6l'
      ? `ARMv6-compatible processor rev ${revision} (v6l)`
      : `ARMv${v8 ? 8 : 7} Processor rev ${revision} (${platform})`;
  return {
    name,
    features: new Set(features),
    hwcap,
    hwcap2,
    platform,
    machine,
    description,
    midr: { implementer: 0x41, architecture: v8 ? 8 : 7, variant, part, revision },
  };
}

/**
 * `max` is what qemu's 32-bit `max` has as far as compilers use it; it calls itself a Cortex-A57, and armv7l as qemu does, for
 * programs know no armv8l.
 */
export const CPU_MODELS: readonly CpuModel[] = [
  model('arm1176', [], [V6, 0], ['v6l', 'armv6l'], [0, 0xb76, 7]),
  model('cortex-a7', V7VE_FEATURES, [V7VE, 0], ['v7l', 'armv7l'], [0, 0xc07, 5]),
  model('cortex-a8', V7_FEATURES, [V7, 0], ['v7l', 'armv7l'], [3, 0xc08, 2]),
  model('cortex-a9', [...V7_FEATURES, 'multiprocessing', 'half'], [V7, 0], ['v7l', 'armv7l'], [4, 0xc09, 1]),
  model('cortex-a15', V7VE_FEATURES, [V7VE, 0], ['v7l', 'armv7l'], [2, 0xc0f, 4]),
  model('cortex-a53', V8_FEATURES, [V7VE, V8_HWCAP2], ['v8l', 'armv7l'], [0, 0xd03, 4]),
  model('max', [...V8_FEATURES, 'dotprod'], [V7VE, V8_HWCAP2], ['v8l', 'armv7l'], [1, 0xd07, 0]),
];

/**
 * What most programs expect of a machine that armhf images are built on: all of ARMv7-A, and no ARMv8, which neither `uname -m`
 * (armv7l) nor Debian's armhf knows. gcc -mcpu=native finds a Cortex-A7 by the part number.
 */
export const DEFAULT_MODEL: CpuModel = CPU_MODELS.find(({ name }) => name === 'cortex-a7')!;

export function cpuModelNamed(name: string): CpuModel | undefined {
  return CPU_MODELS.find((m) => m.name === name);
}

/** The 'Features' line of /proc/cpuinfo. */
export function featureWords({ hwcap, hwcap2 }: CpuModel): string {
  const words = [
    ...HWCAP_WORDS.filter(([bit]) => hwcap & bit),
    ...HWCAP2_WORDS.filter(([bit]) => hwcap2 & bit),
  ];
  return words.map(([, word]) => word).join(' ');
}
