/**
 * The architectural state of one thread, kept in the wasm memory of its address space, so that compiled code, the
 * evaluator, fork and signal delivery all see the same bytes. At every call boundary of compiled code and whenever
 * TypeScript runs, this block is the whole truth about the thread.
 *
 * Flags are kept as QEMU keeps them: N is bit 31 of `nf`, Z is `zf === 0`, C is `cf` (0 or 1), V is bit 31 of `vf`.
 * So a data-processing instruction stores its result twice and computes nothing else unless C or V is wanted.
 */

/** Byte offsets in the state block. */
export const OFF = {
  /** r0..r14; r15 holds the address of the next instruction (bit 0 clear). */
  r: 0x000,
  nf: 0x040,
  zf: 0x044,
  cf: 0x048,
  vf: 0x04c,
  /** Saturation flag Q, 0 or 1. */
  qf: 0x050,
  /** GE[3:0] as four bits. */
  ge: 0x054,
  /** 1 in Thumb state, 0 in ARM state. */
  thumb: 0x058,
  /** ITSTATE[7:0] (ARM ARM A2.5.2); 0 outside an IT block. */
  it: 0x05c,
  /** CPSR.E: 1 after SETEND BE. */
  e: 0x060,
  /** The whole FPSCR, with its NZCV (bits 31..28). */
  fpscr: 0x064,
  /** TPIDRURW and TPIDRURO (CP15 c13,c0,2 and ,3). */
  tpidrurw: 0x068,
  tpidruro: 0x06c,
  /** Local exclusive monitor: 1 when armed, address, size in bytes, and the value(s) LDREX saw. */
  exArmed: 0x070,
  exAddress: 0x074,
  exSize: 0x078,
  exLow: 0x07c,
  exHigh: 0x080,
  /** Counts down at back-edges and calls; below zero the thread has used its time slice. */
  fuel: 0x084,
  /** Why compiled code left (see EXIT in cpu.ts), and the fault that made it leave. */
  exit: 0x088,
  faultAddress: 0x08c,
  /** READ, WRITE or EXEC of emu/memory/layout.ts. */
  faultAccess: 0x090,
  /** The region that was left last by an edge not compiled, and the location it went to. */
  exitFrom: 0x0a4,
  exitTo: 0x0a8,
  /** The region that found its time slice over. */
  running: 0x0ac,
  /** What the interpreter runs under: calls nested on the host's stack, and the location at which it is done. */
  depth: 0x0b0,
  stopAt: 0x0b4,
  /** The interpreter asks about a location when its count of arrivals has none of these bits. */
  heatMask: 0x0b8,
  /** Of more arrivals than this it asks only about those whose count has none of these bits. */
  seldomMask: 0x0c8,
  /**
   * What compiled code has to store on its way out: a mask of variables, and which function it leaves (jit/cold-exits.ts); and
   * the location it wants to go to then, or when it calls through a table slot that may not be compiled: stored together.
   */
  exitWord: 0x0d0,
  target: 0x0d4,
  /** The page byte that an access has found and leaves for. */
  exitPage: 0x0cc,
  /** Not 0 when the time in compiled code is to be told apart. */
  timed: 0x0bc,
  /** 64-bit count of instructions of the interpreter (kept only with --stats). */
  interpreted: 0x0c0,
  /** 64-bit count of instructions run, low and high word (kept only with --stats; else an estimate from fuel). */
  icount: 0x098,
  /** d0..d31, 8 bytes each, little endian; s(2n) is the low and s(2n+1) the high word of d(n). */
  d: 0x100,
} as const;

/** FPSCR control bits that change results: AHP, DN, FZ, RMode. With any of them set only the evaluator runs. */
export const FPSCR_MODE_MASK = 0x07c0_0000;

/** Bits of the CPSR. */
export const CPSR = {
  N: 1 << 31,
  Z: 1 << 30,
  C: 1 << 29,
  V: 1 << 28,
  Q: 1 << 27,
  E: 1 << 9,
  T: 1 << 5,
} as const;

/** What counts instructions, 64 bits each. */
const COUNT_WORDS = [OFF.icount, OFF.interpreted].flatMap((count) => [count >> 2, (count >> 2) + 1]);

/** A view of one state block. Holds no state of its own: two views of one block always agree. */
export class CpuState {
  /** Byte address of the block in the memory; what compiled code gets as its first argument. */
  readonly base: number;
  readonly buffer: SharedArrayBuffer;
  /** All 32-bit words of the block as signed and unsigned; index = OFF.x >> 2. */
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  /** r0..r15, signed and unsigned. */
  readonly r: Int32Array;
  readonly ru: Uint32Array;
  /** d0..d31 as raw bits, and s0..s31 (and the words of d16..d31) as raw bits. */
  readonly d: BigUint64Array;
  readonly s: Int32Array;

  constructor(buffer: SharedArrayBuffer, base: number) {
    this.base = base;
    this.buffer = buffer;
    this.i32 = new Int32Array(buffer, base, 0x80);
    this.u32 = new Uint32Array(buffer, base, 0x80);
    this.r = new Int32Array(buffer, base + OFF.r, 16);
    this.ru = new Uint32Array(buffer, base + OFF.r, 16);
    this.d = new BigUint64Array(buffer, base + OFF.d, 32);
    this.s = new Int32Array(buffer, base + OFF.d, 64);
  }

  /** Zeroes the whole block. */
  clear(): void {
    this.i32.fill(0);
    this.i32[OFF.zf >> 2] = 1;
  }

  /**
   * Copies every register of another thread (fork, clone). What that thread has run is not counted again; what the one before in
   * this block has stays.
   */
  copyFrom(other: CpuState): void {
    const { i32 } = this;
    const counts = COUNT_WORDS.map((at) => i32[at]!);
    i32.set(other.i32);
    for (const [i, at] of COUNT_WORDS.entries()) i32[at] = counts[i]!;
  }

  /** The PC with bit 0 set in Thumb state: what the code cache, the decoder and branches call a location. */
  get location(): number {
    return (this.ru[15]! | this.i32[OFF.thumb >> 2]!) >>> 0;
  }
  set location(location: number) {
    this.i32[OFF.thumb >> 2] = location & 1;
    this.ru[15] = location & ~1;
  }

  /** CPSR as a user program may see it: NZCVQ, IT, GE, E, T and mode 0x10 (User). */
  get cpsr(): number {
    const w = this.i32;
    const it = w[OFF.it >> 2]!;
    return (
      ((w[OFF.nf >> 2]! & 0x8000_0000) |
        (w[OFF.zf >> 2] === 0 ? CPSR.Z : 0) |
        (w[OFF.cf >> 2]! << 29) |
        ((w[OFF.vf >> 2]! >>> 31) << 28) |
        (w[OFF.qf >> 2]! << 27) |
        ((it & 3) << 25) |
        (w[OFF.ge >> 2]! << 16) |
        ((it >> 2) << 10) |
        (w[OFF.e >> 2]! << 9) |
        (w[OFF.thumb >> 2]! << 5) |
        0x10) >>>
      0
    );
  }
  set cpsr(value: number) {
    const w = this.i32;
    w[OFF.nf >> 2] = value;
    w[OFF.zf >> 2] = value & CPSR.Z ? 0 : 1;
    w[OFF.cf >> 2] = (value >>> 29) & 1;
    w[OFF.vf >> 2] = value << 3;
    w[OFF.qf >> 2] = (value >>> 27) & 1;
    w[OFF.ge >> 2] = (value >>> 16) & 15;
    w[OFF.it >> 2] = (((value >>> 10) & 0x3f) << 2) | ((value >>> 25) & 3);
    w[OFF.e >> 2] = (value >>> 9) & 1;
    w[OFF.thumb >> 2] = (value >>> 5) & 1;
  }

  get fpscr(): number {
    return this.u32[OFF.fpscr >> 2]!;
  }
  set fpscr(value: number) {
    this.u32[OFF.fpscr >> 2] = value;
  }
  get tls(): number {
    return this.u32[OFF.tpidruro >> 2]!;
  }
  set tls(value: number) {
    this.u32[OFF.tpidruro >> 2] = value;
  }
  get fuel(): number {
    return this.i32[OFF.fuel >> 2]!;
  }
  set fuel(value: number) {
    this.i32[OFF.fuel >> 2] = value;
  }
  clearExclusive(): void {
    this.i32[OFF.exArmed >> 2] = 0;
  }
}
