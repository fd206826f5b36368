/**
 * Random cases for the instruction fuzzer: encodings of given rows that are not UNPREDICTABLE, in states that make something
 * happen.
 *
 * Each candidate is run once on the interpreter, and thrown away when its outcome cannot be compared: a branch to where ARM
 * instructions cannot lie, an access to what only the oracle has mapped, a loop. That run decides nothing else; the comparison
 * runs all anew.
 */
import { fieldsOf } from '../../emu/decode/build.ts';
import type { DecodeContext, Insn, Row } from '../../emu/decode/row.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import { ReferenceBackend } from '../../emu/evaluator/reference-backend.ts';
import type { Case, PlacedInsn, Result } from './layout.ts';
import * as bench from './layout.ts';
import { buildProgram } from './programs.ts';
import { Random, randomScratch, randomState } from './random.ts';
import { Runner } from './runner.ts';

/** States tried until a memory instruction hits the scratch memory. */
const TRIES = 12;

/** What qemu-arm has mapped beside the test bench: the fixture and its heap, its stack, the kernel helpers. */
const FOREIGN: readonly (readonly [number, number])[] = [
  [0, 0x20_0000],
  [0x3e00_0000, 0x4200_0000],
  [0xffff_0000, 0x1_0000_0000],
];
const isForeign = (address: number): boolean => FOREIGN.some(([from, to]) => address >= from && address < to);

/** A case without a state. */
export interface Draft {
  readonly address: number;
  readonly thumb: boolean;
  /** ITSTATE at its beginning. */
  readonly itstate: number;
  readonly insns: PlacedInsn[];
  /** Halfwords in memory order, with the terminator. */
  readonly code: number[];
  /** Sets what the code relies on in a random state. */
  readonly prepare?: (state: Uint32Array) => void;
}

export class Generator {
  readonly scratch: Uint32Array;
  readonly random: Random;
  readonly #runner: Runner;
  readonly #interp: ReferenceBackend;
  #slot = 0;
  /** Candidates thrown away, by reason. */
  readonly rejected = new Map<string, number>();

  constructor(seed: number) {
    this.random = new Random(seed);
    this.scratch = randomScratch(this.random);
    let interp: ReferenceBackend | undefined;
    this.#runner = new Runner(
      (space, options) => (interp = new ReferenceBackend(space, options)),
      this.scratch,
    );
    this.#interp = interp!;
  }

  close(): void {
    this.#runner.close();
  }

  /** Begins a new batch: the next case has slot 0. */
  newBatch(): void {
    this.#slot = 0;
    this.#runner.load([]);
  }

  /** Slots left in this batch. */
  get room(): number {
    return bench.SLOTS - this.#slot;
  }

  /**
   * A case of `length` instructions of these rows (all of one instruction set: A32, or T16 and T32), each instruction but the
   * last one that neither branches nor traps; null when none was found in a fair number of attempts.
   */
  case(rows: readonly Row[], length = 1): Case | null {
    return this.#make(() => this.#chain(rows, length));
  }

  /** A case with loops, branches forward and a call, its other instructions from these rows (of one instruction set). */
  program(rows: readonly Row[]): Case | null {
    return this.#make(() => buildProgram(this, rows));
  }

  #make(draft: () => Draft | string): Case | null {
    for (let attempt = 0; attempt < 60; attempt++) {
      const made = draft();
      const c = typeof made === 'string' ? made : this.#finish(made);
      if (typeof c !== 'string') {
        this.#slot++;
        return c;
      }
      this.rejected.set(c, (this.rejected.get(c) ?? 0) + 1);
    }
    return null;
  }

  #chain(rows: readonly Row[], length: number): Draft | string {
    const { random } = this;
    const thumb = rows[0]!.isa !== 'A32';
    const itstate = thumb && random.chance(0.35) ? random.below(15) * 16 + 1 + random.below(15) : 0;
    const draft: Draft = { address: this.address(thumb, true), thumb, itstate, insns: [], code: [] };
    let pc = draft.address;
    let it = itstate;
    for (let n = 0; n < length; n++) {
      const insn = this.draw(rows, pc, it, draft.insns.at(-1));
      if (typeof insn === 'string') return insn;
      const { branch, trap } = effectsOf(insn, insn.pc);
      if (trap === 'svc' || ((branch !== null || trap !== null) && n < length - 1)) return 'ends too early';
      const end = pc + insn.size + 4;
      if (branch?.target !== undefined && !this.#isFree(branch.target, draft.address, end)) {
        return 'branches into code';
      }
      draft.insns.push(insn);
      draft.code.push(...halfwords(insn.bits, insn.size, thumb));
      pc += insn.size;
      it = insn.itAfter;
    }
    draft.code.push(...terminator(thumb));
    return draft;
  }

  /** A draft with a state in which it can be compared, or why there is none. */
  #finish(draft: Draft): Case | string {
    const { random } = this;
    const { address, insns, thumb, itstate } = draft;
    if (has(insns, /^mrs$/i) && has(insns, /^(msr|setend)$/i)) return 'reads the E bit';
    if (has(insns, /^vmrs$/i) && has(insns, /^vmsr$/i)) return 'may read Len and Stride';
    if (exclusivesDiffer(insns)) return 'exclusive accesses of different sizes';
    const code = toWords(address, draft.code);
    if (code.length > bench.CODE_WORDS) return 'too long';
    const memory = insns.map((i) => effectsOf(i, i.pc)).some(({ loads, stores }) => loads || stores);
    const options = { memory, vfp: insns.some(usesVfp), thumb, itstate };
    const anyway = random.chance(0.1); // let it fault
    for (let attempt = 0; ; attempt++) {
      const state = randomState(random, address, options);
      // MRS in User mode gives UNKNOWN for the E bit.
      if (has(insns, /^mrs$/i)) state[bench.CPSR]! &= ~0x200;
      draft.prepare?.(state);
      const c: Case = { slot: this.#slot, address, insns, code, state };
      if (attempt === 0) this.#runner.add(c);
      const result = this.#runner.run(c);
      const why = this.#unfit(result, insns);
      if (why !== null) return why;
      const faulted = result.signal === bench.SIGSEGV || result.signal === bench.SIGBUS;
      if (!memory || anyway || !faulted || attempt === TRIES) return c;
    }
  }

  /** Where the code begins: somewhere in the window, or, when it is short, so that it crosses a page border. */
  address(thumb: boolean, short: boolean): number {
    const { random } = this;
    const slot = this.#slot;
    const start = bench.CODE_BASE + slot * bench.SLOT_SIZE;
    const border = start + bench.SLOT_SIZE;
    const step = thumb ? 2 : 4;
    if (short && (border & 0xfff) === 0 && slot + 1 < bench.SLOTS && random.chance(0.5)) {
      return border - step * (1 + random.below(3));
    }
    return start + bench.CODE_WINDOW + step * random.below(64 / step);
  }

  /**
   * Whether there is padding at a branch's target, or nothing at all: where no case's code is, this one's lying in from..to-1.
   */
  #isFree(location: number, from: number, to: number): boolean {
    const address = (location & ~1) >>> 0;
    if (address < bench.CODE_BASE || address >= bench.CODE_BASE + bench.CODE_SIZE) return !isForeign(address);
    const offset = address % bench.SLOT_SIZE;
    if (offset >= bench.CODE_WINDOW_END && offset < bench.SLOT_SIZE - 16) return true;
    return this.#ownWindow(address) && (address >= to || address < from - 4);
  }

  /** Whether an address is where this case's code, and no other's, may lie. */
  #ownWindow(address: number): boolean {
    return Math.floor((address - bench.CODE_BASE - bench.CODE_WINDOW) / bench.SLOT_SIZE) === this.#slot;
  }

  /** A random instruction of one of the rows for a place; a string when it is no fair one. */
  draw(rows: readonly Row[], pc: number, itstate: number, before: Insn | undefined): PlacedInsn | string {
    const row = this.random.pick(rows);
    return this.#decode(this.#encoding(row, before), row, pc, itstate);
  }

  #encoding(row: Row, before: Insn | undefined): number {
    const { random } = this;
    let bits = (random.u32() & ~(row.mask | row.shouldMask)) | row.value | row.shouldValue;
    if (row.hasCond) {
      const lsb = row.fields.find((field) => field.letter === 'c')!.runs[0]!.lsb;
      const cond = random.chance(0.6) ? 14 : random.below(14);
      // Not of a conditional branch in Thumb, where 1110 and 1111 are other encodings.
      if (row.isa === 'A32') bits = (bits & ~(15 << lsb)) | (cond << lsb);
    }
    if (before !== undefined && /^ld[ra]ex/i.test(before.row.mnemonic) && /^st[rl]ex/i.test(row.mnemonic)) {
      // The same address, so that the store may succeed.
      const fields = fieldsOf(before.row, before.bits);
      for (const letter of ['n', 'i']) bits = insertField(row, letter, bits, fields[letter]);
    }
    return row.isa === 'T16' ? bits & 0xffff : bits >>> 0;
  }

  /** Decodes by way of memory, as a CPU does. */
  decodeAt(bits: number, size: number, thumb: boolean, pc: number, itstate: number): PlacedInsn {
    this.#runner.space.u16.set(halfwords(bits, size, thumb), pc >>> 1);
    this.#interp.invalidate(pc, size);
    return { ...this.#interp.interpreter.cache.fetch(pc | (thumb ? 1 : 0), itstate), pc };
  }

  /** Decodes; a string when the result is not a fair case. */
  #decode(bits: number, row: Row, pc: number, itstate: number): PlacedInsn | string {
    const thumb = row.isa !== 'A32';
    const insn = this.decodeAt(bits, row.isa === 'T16' ? 2 : 4, thumb, pc, itstate);
    if (insn.row !== row) return 'another row';
    if (isDebuggers(row, bits)) return "a debugger's";
    const inIT = (itstate & 15) !== 0;
    const context: DecodeContext = { thumb, inIT, lastInIT: (itstate & 15) === 8 };
    if (row.unpredictable?.(insn.args, fieldsOf(row, bits), context)) return 'unpredictable';
    return insn;
  }

  /** Why an outcome cannot be compared, or null. */
  #unfit(result: Result, insns: readonly PlacedInsn[]): string | null {
    const { signal, faultAddress, state } = result;
    const pc = state[bench.PC]!;
    if (signal === bench.ENDLESS || signal === bench.SVC) return 'endless';
    if (isForeign(pc)) return 'foreign code';
    if ((state[bench.CPSR]! & 0x20) === 0 && pc & 3) return 'unaligned ARM code';
    if (signal === bench.SIGTRAP) {
      const offset = pc % bench.SLOT_SIZE;
      const padding = offset >= bench.CODE_WINDOW_END && offset < bench.SLOT_SIZE - 16;
      return padding || this.#ownWindow(pc) ? null : 'ran into other code';
    }
    const stores = insns.some((insn) => insn.pc === pc && effectsOf(insn, pc).stores);
    if (signal === bench.SIGSEGV && (faultAddress !== pc || stores)) {
      if (isForeign(faultAddress)) return 'foreign memory';
      const inCode = faultAddress >= bench.CODE_BASE && faultAddress < bench.CODE_BASE + bench.CODE_SIZE;
      if (inCode) return 'writes to code';
    }
    return null;
  }
}

/** To qemu these are system calls of a debugger (semihosting), or, as to Linux (arch/arm/kernel/ptrace.c), its breakpoints. */
function isDebuggers(row: Row, bits: number): boolean {
  if (row.isa === 'T16') return bits === 0xbeab || bits === 0xbabc || bits === 0xde01;
  if (row.isa === 'T32') return bits >>> 0 === 0xf7f0_a000;
  const withoutCond = bits & 0x0fff_ffff;
  return withoutCond === 0x010f_0070 || withoutCond === 0x07f0_01f0;
}

function usesVfp(insn: PlacedInsn): boolean {
  const { reads, mayWrite, readsFpscr, writesFpscr } = effectsOf(insn, insn.pc);
  return (reads.s | reads.d | mayWrite.s | mayWrite.d) !== 0 || readsFpscr || writesFpscr;
}

function has(insns: readonly Insn[], mnemonic: RegExp): boolean {
  return insns.some((insn) => mnemonic.test(insn.row.mnemonic));
}

/** A store exclusive after a load exclusive of another size is UNPREDICTABLE (ARM ARM A3.4.5). */
function exclusivesDiffer(insns: readonly Insn[]): boolean {
  let size: string | undefined;
  for (const { row } of insns) {
    const [, way, letter] = /^(ld|st)[ral]ex([bhd]?)/i.exec(row.mnemonic) ?? [];
    if (way === undefined) continue;
    if (size !== undefined && way.toLowerCase() === 'st' && size !== letter) return true;
    size = way.toLowerCase() === 'ld' ? letter : undefined;
  }
  return false;
}

function insertField(row: Row, letter: string, bits: number, value: number | undefined): number {
  const run = row.fields.find((field) => field.letter === letter)?.runs[0];
  if (run === undefined || value === undefined) return bits;
  const mask = ((1 << run.width) - 1) << run.lsb;
  return (bits & ~mask) | ((value << run.lsb) & mask);
}

/** An encoding as it lies in memory. */
export function halfwords(bits: number, size: number, thumb: boolean): number[] {
  if (size === 2) return [bits];
  return thumb ? [bits >>> 16, bits & 0xffff] : [bits & 0xffff, bits >>> 16];
}

/** The breakpoint at the end. */
export function terminator(thumb: boolean): number[] {
  return thumb ? [bench.BKPT_T16] : halfwords(bench.BKPT_A32, 4, false);
}

/** Halfwords from an address as words from the word it lies in; what is missing is padding. */
function toWords(address: number, halfwords: readonly number[]): Uint32Array {
  const all = address & 2 ? [bench.PAD & 0xffff, ...halfwords] : [...halfwords];
  if (all.length & 1) all.push(bench.PAD >>> 16);
  const words = new Uint32Array(all.length / 2);
  for (let i = 0; i < words.length; i++) words[i] = (all[2 * i]! | (all[2 * i + 1]! << 16)) >>> 0;
  return words;
}
