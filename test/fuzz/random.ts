/**
 * Random numbers with a seed, and random machine states biased toward where bugs live: edge values, pointers near page borders,
 * special floats.
 */
import {
  CODE_BASE,
  CODE_WINDOW_END,
  CPSR,
  FPSCR,
  SCRATCH,
  SCRATCH_SIZE,
  SLOT_SIZE,
  SLOTS,
  STATE_WORDS,
  VFP,
} from './layout.ts';

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** A uniform unsigned 32-bit number (splitmix32). */
  u32(): number {
    let z = (this.#state = (this.#state + 0x9e37_79b9) | 0);
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  /** 0..n-1 */
  below(n: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * n);
  }
  chance(probability: number): boolean {
    return this.u32() < probability * 0x1_0000_0000;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const EDGES = [
  ...[0, 1, 2, 3, 31, 32, 33, 255, 256, 0xffff_ffff, 0xffff_fffe, 0x8000_0000, 0x8000_0001, 0x7fff_ffff],
  ...[0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7f, 0x80, 0xffff_8000, 0xffff_ff80, 0x7fff_8000, 0x8000_7fff],
  ...[0x5555_5555, 0xaaaa_aaaa, 0x7f80_ff01, 0x0001_ffff, 0x4000_0001, 0xc000_0000, 0x3fff_ffff],
];

const SINGLES = [
  ...[0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc0_1234],
  ...[0x7f80_0001, 0xffbf_ffff, 0x0000_0001, 0x807f_ffff, 0x0080_0000, 0x7f7f_ffff, 0x4b00_0000, 0x3f00_0000],
  ...[0x4f00_0000, 0x4eff_ffff, 0xcf00_0000, 0xcf00_0001, 0x4f7f_ffff, 0x4f80_0000, 0x3fc0_0000, 0x4020_0000],
  ...[0x3380_0000, 0x3880_0000, 0x477f_e000, 0x477f_f000, 0x3f7f_ffff, 0x0000_7fff, 0x4700_0000, 0x46ff_fe00],
];
const DOUBLES_HIGH = [
  ...[
    0, 0x8000_0000, 0x3ff0_0000, 0xbff0_0000, 0x7ff0_0000, 0xfff0_0000, 0x7ff8_0000, 0xfff8_1234, 0x7ff0_0001,
  ],
  ...[0xfff7_ffff, 0x000f_ffff, 0x0010_0000, 0x7fef_ffff, 0x41e0_0000, 0xc1e0_0000, 0x41df_ffff, 0x41ef_ffff],
  ...[0x3fe0_0000, 0x3ff8_0000, 0x47ef_ffff, 0x3810_0000, 0x3690_0000, 0x36a0_0000, 0x4330_0000, 0x4340_0000],
];
const DOUBLES_LOW = [0, 1, 0xffff_ffff, 0xe000_0000, 0x1000_0000, 0x8000_0000, 0xffc0_0000, 0xffe0_0000];

/** An address in the code area where no case's code is: a branch there ends at once. */
export function codePointer(random: Random): number {
  const address = CODE_BASE + random.below(SLOTS) * SLOT_SIZE + CODE_WINDOW_END + 4 * random.below(26);
  return random.chance(0.5) ? address : address + random.pick([1, 3]);
}

/**
 * An address in the scratch memory: mostly its middle, where every offset of an instruction stays inside, sometimes at a border.
 */
function pointer(random: Random): number {
  const middle = SCRATCH + SCRATCH_SIZE / 2;
  const at = random.below(100);
  if (at < 60) return middle + 4 * (random.below(64) - 32);
  if (at < 80) return middle + random.below(64) - 32;
  if (at < 90) return SCRATCH + 0x1000 * (1 + random.below(3)) + random.below(24) - 12;
  if (at < 95) return SCRATCH + SCRATCH_SIZE - random.below(80);
  return SCRATCH + random.below(64) - 16;
}

function register(random: Random, memory: boolean): number {
  const at = random.below(100);
  if (at < (memory ? 50 : 12)) return pointer(random);
  if (at < (memory ? 62 : 50)) return random.pick(EDGES);
  if (at < (memory ? 82 : 65)) return random.chance(0.8) ? random.below(72) : -random.below(72) >>> 0;
  if (at < (memory ? 88 : 70)) return codePointer(random);
  return random.u32();
}

/** Fills `words` with one random double or two random singles or integers. */
function vfpRegister(random: Random, words: Uint32Array, at: number): void {
  const kind = random.below(10);
  if (kind < 3) {
    words[at] = random.pick(DOUBLES_LOW);
    words[at + 1] = random.pick(DOUBLES_HIGH);
  } else if (kind < 5) {
    // An ordinary double, often with few significant bits, so that sums are exact or halfway.
    words[at] = random.chance(0.5) ? 0 : random.u32();
    const exponent = 0x3ff + random.below(80) - 40;
    words[at + 1] = ((random.u32() & 0x800f_ffff) | (exponent << 20)) >>> 0;
  } else {
    for (let i = 0; i < 2; i++) {
      const single = random.below(5);
      if (single < 2) words[at + i] = random.pick(SINGLES);
      else if (single < 3) words[at + i] = random.pick(EDGES);
      else if (single < 4) {
        const exponent = 0x7f + random.below(40) - 20;
        words[at + i] = ((random.u32() & 0x807f_ffff) | (exponent << 23)) >>> 0;
      } else words[at + i] = random.u32();
    }
  }
}

/** The NZCV flags, Q and GE at random; GE is often all or nothing. */
function flags(random: Random): number {
  const ge = random.chance(0.5) ? random.below(16) : random.pick([0, 15]);
  return ((random.u32() & 0xf800_0000) | (ge << 16) | 0x10) >>> 0;
}

export interface StateOptions {
  /** The instruction loads or stores: registers are mostly addresses and offsets. */
  readonly memory: boolean;
  /** It uses VFP registers: else they are left as they were (zero). */
  readonly vfp: boolean;
  readonly thumb: boolean;
  readonly itstate: number;
}

export function randomState(random: Random, address: number, options: StateOptions): Uint32Array {
  const state = new Uint32Array(STATE_WORDS);
  for (let n = 0; n < 15; n++) state[n] = register(random, options.memory);
  state[15] = address;
  const it = options.itstate;
  const big = options.memory && random.chance(0.05) ? 1 << 9 : 0;
  state[CPSR] =
    flags(random) | big | (options.thumb ? 0x20 : 0) | ((it >> 2) << 10) | (((it & 3) << 25) >>> 0);
  state[FPSCR] = random.u32() & 0xf000_0000;
  if (options.vfp) {
    for (let at = VFP; at < STATE_WORDS; at += 2) vfpRegister(random, state, at);
    if (random.chance(0.5)) state[FPSCR]! |= random.u32() & 0x07c0_0000; // AHP, DN, FZ, RMode
    if (random.chance(0.3)) state[FPSCR]! |= random.u32() & 0x9f; // cumulative flags
  }
  return state;
}

/** Content for the scratch memory: data, addresses of data and of code, and values that make loads into the PC well defined. */
export function randomScratch(random: Random): Uint32Array {
  const scratch = new Uint32Array(SCRATCH_SIZE / 4);
  for (let i = 0; i < scratch.length; i++) {
    let word = random.chance(0.3) ? codePointer(random) : register(random, true);
    // An ARM address that is no multiple of 4 would be UNPREDICTABLE in the PC.
    if ((word & 3) === 2) word ^= 2;
    scratch[i] = word;
  }
  return scratch;
}
