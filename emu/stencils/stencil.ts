/**
 * Stencils: what a handler of the interpreter does, as a piece of wasm with holes in it. Where a handler reads its operands from
 * the record, and is told where it stands, a stencil has room for constants; and it ends by falling through. So the stencils of
 * instructions that follow each other, one behind the other and with their holes filled, are a function that does them all:
 * "copy-and-patch" (H. Xu and F. Kjolstad, Copy-and-patch compilation, OOPSLA 2021). The pieces are made when armrun is built, by
 * the writer of the handlers (stencil-writer.ts); at run time nothing is decoded or translated (stitcher.ts).
 *
 * As bytes, which the file of handlers holds: HEADER_WORDS words (MAGIC, number of handlers, of entries, of holes, bytes of code,
 * of the module's head), then the entries, ENTRY.words words each: one for each handler, and behind them those that leave flags
 * alone; then HOLE_WORDS words for each hole, the code, and the head: the part of a module before its functions, the same for
 * all.
 */
import { PARAMETERS } from '../jit/convention.ts';
import { type ByteWriter, F32, F64, I32, I64, type ValType } from '../jit/wasm.ts';
import { V128 } from '../jit/wasm-simd.ts';
import { type AccessShape, type CoreWrites, packAccess, packWrites } from './access-shape.ts';

/**
 * An entry: where its code begins and how long it is, its first hole and how many there are, FLAG.*, how many locals it needs;
 * how far ahead of the instruction is what a direct branch counts from (0: it is none); the entry of the same without flags (0:
 * there is none); which flags it reads and writes (FLAGS of effects.ts), those that it writes each time in bits 8 to 11; what it
 * accesses (0: that is not known, or its test is not to be left out), and which core registers it writes (access-shape.ts);
 * where the page test is in its code (0: there is none): from (16 bits) and to where it is on the stack whether it is allowed,
 * for an `if` that is to be put there; where, likewise, it is known whether a branch is taken that may be, behind which is what
 * is done then; and of a comparison the first of CONDITIONS entries, each of which leaves whether that condition holds behind it,
 * and sets no flags (0: it is none).
 */
export const ENTRY = {
  code: 0,
  length: 1,
  hole: 2,
  holes: 3,
  flags: 4,
  locals: 5,
  ahead: 6,
  quiet: 7,
  reads: 8,
  writes: 9,
  access: 10,
  plus: 11,
  test: 12,
  core: 13,
  branch: 14,
  fused: 15,
  words: 16,
} as const;

export const FLAG = {
  /** There is a stencil. */
  PRESENT: 1,
  /** Nothing behind it is run: it jumps, always. */
  JUMPS: 2,
  /** It jumps, or not. */
  MAY_JUMP: 4,
  /** What is behind it may have become something else: a system call. */
  ENDS: 8,
  /** Of four bytes; else of two. */
  LONG: 16,
  /** Whether a branch is taken is known by i32.eqz; by a comparison. */
  EQZ: 32,
  COMPARES: 64,
  /** A direct branch under a condition, which stands in COND_SHIFT and above. */
  HAS_COND: 128,
} as const;

export const COND_SHIFT = 8;
/** Conditions that may hold or not. */
export const CONDITIONS = 14;

/** What goes into a hole. */
export const HOLE = {
  /** i32.const of an operand byte, in two bytes. */
  BYTE: 0,
  /** An offset in memory: an operand byte and something, in two bytes. */
  OFFSET: 1,
  /** i32.const of the wide operand, in five bytes. */
  WORD: 2,
  /** The same of the instruction's address and something. */
  ADDRESS: 3,
  /** The same of its record's. */
  RECORD: 4,
  /**
   * The same of where it branches to, by its wide operand: the record (0 in another page), and the address | 1 when it goes back.
   * Not the place in the record but the labels around are told.
   */
  TARGET_RECORD: 5,
  TARGET: 6,
  /** i32.const of the instruction's own handler, in three bytes. */
  HANDLER: 7,
  /** The label of the way out to it, in two bytes. Not the place in the record but the labels around are told. */
  WAY_OUT: 8,
  /** Offset of a register in the state block, in two bytes: of the wide operand's bits that are set, the one of this number. */
  LISTED: 9,
} as const;

/** A hole: where it is in the code (16 bits), and above what it is (HOLE.*, 8 bits) and its operand's place in the record. */
export const HOLE_WORDS = 2;

export interface Hole {
  readonly at: number;
  readonly kind: number;
  /** Place in the record. */
  readonly from: number;
  readonly plus: number;
}

export interface Stencil {
  readonly code: Uint8Array;
  readonly holes: readonly Hole[];
  readonly flags: number;
  readonly locals: number;
  readonly ahead: number;
  readonly reads: number;
  readonly writes: number;
  readonly access: AccessShape | null;
  readonly core: CoreWrites;
  /** Where the page test is in the code. */
  readonly test: readonly [from: number, to: number] | null;
  /** Where what a branch does begins, the end where that is another stencil's; 0 where it is no question whether it is taken. */
  readonly branch: number;
}

/** Of a handler: a stencil, what does the same but for N, Z, C and V, which it leaves as they are, and it with a condition. */
export interface HandlerStencils {
  readonly whole: Stencil;
  readonly quiet: Stencil | undefined;
  /** Of a comparison, by condition. */
  readonly fused?: readonly Stencil[];
}

/**
 * Locals of stencils, behind the parameters: each has a fixed place, so that all may stand in one function, which has those that
 * one of its stencils needs and the ones before. V8's baseline compiler keeps up to five integers in registers, from the
 * beginning; else it fills a frame with zeros first, by `rep stos` when they are more than six: as long as ten instructions take.
 */
export const LOCALS: readonly (readonly [count: number, type: ValType])[] = [
  [6, I32],
  [4, I64],
  [6, F64],
  [6, F32],
  [34, I32],
  [6, V128],
];

/**
 * Sets locals that hold integers to zero. V8's baseline compiler notes that and makes no code of it; what it has in registers
 * would go to the stack before each tail call, and where registers are wanting.
 */
export function forget(out: ByteWriter, locals: readonly number[]): void {
  if (locals.length === 0) return;
  out.i32(0);
  for (let i = 1; i < locals.length; i++) out.tee(locals[i]!);
  out.set(locals[0]!);
}

/** The locals that are a handler's parameters: to be forgotten, too, where it ends. */
export const HANDLER_PARAMETERS: readonly number[] = Array.from({ length: PARAMETERS }, (_, i) => i);

/** Functions of stencils that a memory may have: their places in the table of handlers, behind those. */
export const STITCHED = 8192;

/**
 * A direct branch in a stencil: state block, both holes, and what ends with the tail call. From the first hole back to where it
 * begins, and its length without that.
 */
export const BRANCH = { before: 3, length: 14 } as const;

const MAGIC = 0x3354_5341;
const HEADER_WORDS = 6;

export class Stencils {
  /** Handlers that there are: stitched ones have the numbers behind. */
  readonly handlers: number;
  readonly entries: Int32Array;
  readonly holes: Int32Array;
  readonly code: Uint8Array;
  /** What a module begins with. */
  readonly head: Uint8Array;

  /** Throws when the bytes are no stencils. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const { buffer, byteOffset } = bytes;
    const words = (at: number, count: number) => new Int32Array(buffer, byteOffset + at, count);
    const [magic, handlers = 0, entries = 0, holes = 0, code = 0, head = 0] = words(0, HEADER_WORDS);
    if (magic !== MAGIC) throw new Error('not a file of stencils');
    const entriesAt = 4 * HEADER_WORDS;
    const holesAt = entriesAt + 4 * ENTRY.words * entries;
    const codeAt = holesAt + 4 * HOLE_WORDS * holes;
    this.handlers = handlers;
    this.entries = words(entriesAt, ENTRY.words * entries);
    this.holes = words(holesAt, HOLE_WORDS * holes);
    this.code = bytes.subarray(codeAt, codeAt + code);
    this.head = bytes.subarray(codeAt + code, codeAt + code + head);
  }

  /** The file of stencils by handler, of those that have one. */
  static file(stencils: readonly (HandlerStencils | undefined)[], head: Uint8Array): Uint8Array<ArrayBuffer> {
    const entries: number[][] = [];
    const others: number[][] = [];
    const holes: number[] = [];
    const codes: Uint8Array[] = [];
    let length = 0;
    const entryOf = (s: Stencil, quiet: number, fused: number): number[] => {
      const entry = [
        length,
        s.code.length,
        holes.length / HOLE_WORDS,
        s.holes.length,
        s.flags | FLAG.PRESENT,
      ];
      for (const { at, kind, from, plus } of s.holes) holes.push(at | (kind << 16) | (from << 24), plus);
      codes.push(s.code);
      length += s.code.length;
      const test = s.test === null ? 0 : s.test[0] | (s.test[1] << 16);
      const effects = [s.reads, s.writes, ...packAccess(s.access), test, packWrites(s.core), s.branch];
      return [...entry, s.locals, s.ahead, quiet, ...effects, fused];
    };
    for (const stencil of stencils) {
      if (stencil === undefined) {
        entries.push(Array(ENTRY.words).fill(0));
        continue;
      }
      const { whole, quiet, fused = [] } = stencil;
      const next = stencils.length + others.length;
      const behind = next + (quiet === undefined ? 0 : 1);
      entries.push(entryOf(whole, quiet === undefined ? 0 : next, fused.length === 0 ? 0 : behind));
      for (const s of quiet === undefined ? fused : [quiet, ...fused]) others.push(entryOf(s, 0, 0));
    }
    const all = [...entries, ...others];
    const header = [MAGIC, stencils.length, all.length, holes.length / HOLE_WORDS, length, head.length];
    const words = Int32Array.from([...header, ...all.flat(), ...holes]);
    return Uint8Array.from(Buffer.concat([Buffer.from(words.buffer), ...codes, head]));
  }
}
