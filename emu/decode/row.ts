/**
 * The form of an encoding row, and what decoding one gives.
 *
 * A row is one encoding of the ARM ARM (DDI 0406C): a bit string, an argument shape and an op. The same row drives decoder,
 * disassembler, coverage report and instruction fuzzer; nothing states an encoding twice.
 *
 * Bit strings, most significant bit first; blanks are free. 0 and 1 are fixed bits, a letter is a field (bits of one letter,
 * contiguous or not, are joined from the most significant down), '-' is a should-be-zero bit taken as any value, and '(0)',
 * '(1)' or several in one bracket should-be bits whose other value is UNPREDICTABLE: decoded all the same, left out by the
 * fuzzer. A leading 'cccc' in an A32 row is its condition and never 1111.
 */
import type { Feature } from '../cpu-model.ts';
import type { Machine } from '../machine/machine.ts';

export type IsaName = 'A32' | 'T16' | 'T32';

/** The raw fields of an encoding, by letter, as unsigned numbers. */
export type Fields = Readonly<Record<string, number>>;

/**
 * What decoding may depend on besides the bits. Not the address: an instruction that is decoded once serves all places that
 * have it.
 */
export interface DecodeContext {
  readonly thumb: boolean;
  /** Inside an IT block (any position), and at its last position. */
  readonly inIT: boolean;
  readonly lastInIT: boolean;
}

/**
 * An argument shape: operands from fields, and operands as assembly text (UAL, without mnemonic). Shared by A32, T32 and T16
 * rows.
 */
export interface Shape<A> {
  /** Gives null where the manual says UNDEFINED or "see another encoding". */
  decode(f: Fields, ctx: DecodeContext): A | null;
  print(a: A, ctx: { pc: number; thumb: boolean }): string;
}

/** Semantics of one instruction; see the rules in machine.ts. */
export type Op<A> = <V, W, S>(m: Machine<V, W, S>, a: A) => void;

export interface Row<A = unknown> {
  readonly isa: IsaName;
  /** The manual's name with the encoding: 'ADD (immediate) A1'. Unique. */
  readonly name: string;
  /**
   * UAL mnemonic; the disassembler adds S (when args.s), the condition, the data types (when args.dt, as '.f32.f64') and a
   * width qualifier.
   */
  readonly mnemonic: string;
  readonly bits: string;
  /** What a CPU must have for it, when not all that are like the default have. */
  readonly needs?: Feature | undefined;
  readonly shape: Shape<A>;
  readonly op: Op<A>;
  /**
   * True for operands the manual calls UNPREDICTABLE: the fuzzer skips them. Decoding gives the natural meaning where there is
   * one and UNDEFINED where there is none.
   */
  readonly unpredictable?: ((a: A, f: Fields, ctx: DecodeContext) => boolean) | undefined;
  /** Derived from bits. */
  readonly mask: number;
  readonly value: number;
  readonly shouldMask: number;
  readonly shouldValue: number;
  readonly fields: readonly Field[];
  readonly hasCond: boolean;
}

export interface Field {
  readonly letter: string;
  /** Runs of bits, most significant first: shift right by `lsb`, take `width` bits. */
  readonly runs: readonly { readonly lsb: number; readonly width: number }[];
}

/** A decoded instruction, wherever it stands. Immutable; the decoder mostly gives the same one for the same encoding again. */
export interface Insn {
  readonly row: Row;
  readonly args: unknown;
  /** 2 or 4. */
  readonly size: number;
  readonly thumb: boolean;
  /** The condition it runs under: of the encoding (A32, B<c>) or of the IT block; 14 is always. */
  readonly cond: number;
  /** The encoding; for T32 the first halfword is the upper 16 bits. */
  readonly bits: number;
  /** ITSTATE before and after this instruction. An instruction in an IT block is cached for that ITSTATE only. */
  readonly itBefore: number;
  readonly itAfter: number;
}
