/**
 * The test bench of the instruction fuzzer: where code and scratch memory lie, and how a CPU's state stands in words. In step
 * with fixtures/fuzz/run-cases.c.
 */
import type { Insn } from '../../emu/decode/row.ts';

/** Code area: a slot per case, filled with PAD. Nothing else is mapped near it. */
export const CODE_BASE = 0x7000_0000;
export const CODE_SIZE = 0x10_0000;
export const SLOT_SIZE = 512;
export const SLOTS = CODE_SIZE / SLOT_SIZE;
/** Where code begins in a slot (as an offset), and from where on there is none: a branch to there ends at once. */
export const CODE_WINDOW = 192;
export const CODE_WINDOW_END = 384;
/** Most words of code a case has. */
export const CODE_WORDS = 40;

/** Scratch memory: four pages that loads and stores go to, with nothing mapped around them. */
export const SCRATCH = 0x6000_0000;
export const SCRATCH_SIZE = 0x4000;

/**
 * A breakpoint in ARM state and, at its low half, in Thumb state; at the high half Thumb reads a branch forward to a low half. So
 * a branch anywhere into unused code ends there.
 */
export const PAD = 0xe121_be70;
/** What ends a case; BKPT is never conditional, not even in an IT block (ARM ARM A8.8.24). */
export const BKPT_A32 = 0xe120_0070;
export const BKPT_T16 = 0xbe00;

/** What the fixture sets TPIDRURO and TPIDRURW to. */
export const TPIDRURO = 0x1234_5678;
export const TPIDRURW = 0x8765_4321;

export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGBUS = 7;
export const SIGSEGV = 11;
/** Not a signal: an SVC, which no case has. */
export const SVC = 0x100;
/** The case did not come to an end. */
export const ENDLESS = 26;

/** Word indices of a state: r0..r15, CPSR, FPSCR, then d0..d31 as words. */
export const PC = 15;
export const CPSR = 16;
export const FPSCR = 17;
export const VFP = 18;
export const STATE_WORDS = 82;

/** Bits of the CPSR that are the program's: NZCVQ, IT, GE, E, T. */
export const CPSR_MASK = 0xfe0f_fe20;

/** FPSCR bits that armrun has not, and qemu's CPUs have: Len and Stride, FZ16. */
export const FPSCR_ABSENT = 0x003f_0000;

/** An instruction and its address. */
export type PlacedInsn = Insn & { readonly pc: number };

export interface Case {
  /** Index of its slot. */
  readonly slot: number;
  /** Address of the first instruction. */
  readonly address: number;
  /** What runs, in order, before the breakpoint. */
  readonly insns: readonly PlacedInsn[];
  /** The code with its breakpoint as words from `address & ~3`. */
  readonly code: Uint32Array;
  /** STATE_WORDS words; the PC is `address`. */
  readonly state: Uint32Array;
}

export interface Result {
  /** What ended the case: SIGTRAP at the breakpoint when all went well. */
  readonly signal: number;
  /** Of SIGSEGV and SIGBUS. */
  readonly faultAddress: number;
  readonly state: Uint32Array;
  /** Changed words of the scratch memory: index and new value. */
  readonly changes: ReadonlyMap<number, number>;
}
