/**
 * Writes the function of a run: stencils one behind the other, with their holes filled, and what is between them. A branch
 * onwards in the run leaves the block that ends where it goes:
 *
 *     block (result: handler, record, address)     what an instruction leaves by for its own handler
 *       [loop  fuel, counting]
 *         block ... block                           one for each place that a branch of the run goes to, the last outermost
 *           stencils, a branch or a page test of which opens an `if`
 *           br  else  what is done then  end ...
 *         end  stencils ... end ...
 *       [end]
 *     end
 *     return_call wayOut
 *
 * So **what is usual is straight**: all that is behind a page test, or behind a branch that is not taken, is in the first arm of
 * its `if`, and what is done else comes where ways join, or at the end. A comparison and the branch behind it are one stencil,
 * which sets no flags; where somebody may read them, the comparison is made once more, in the arm of the branch.
 */
import { OFF } from '../cpu-state.ts';
import { CPU, PARAMETERS, WAY_OUT_TYPE } from '../jit/convention.ts';
import { addToState } from '../jit/function-writer.ts';
import { ByteWriter, OP, type ValType, VOID } from '../jit/wasm.ts';
import { encodeLocals } from '../jit/wasm-module.ts';
import { PAGE_BYTES, PAGE_SHIFT } from '../memory/layout.ts';
import {
  ADDRESS,
  countLoop,
  dispatch,
  HANDLER_TABLE,
  HANDLER_TYPE,
  REC,
  SIZE_SHIFT,
  state,
  tail,
  takeFuel,
  when,
} from '../tier0/control.ts';
import { HANDLER, RECORD, RECORD_SCALE, RECORDS_BASE, type RecordViews } from '../tier0/record.ts';
import { isNear, type Run, type RunInsn } from './run.ts';
import {
  BRANCH,
  ENTRY,
  FLAG,
  forget,
  HANDLER_PARAMETERS,
  HOLE,
  HOLE_WORDS,
  LOCALS,
  type Stencils,
} from './stencil.ts';

/** A local of stencils. */
const TEMP = PARAMETERS;

/** Code that forgets so many locals of stencils, by how many. */
const FORGOTTEN = Array.from({ length: LOCALS[0]![0] + 1 }, (_, count) =>
  written((out) => {
    forget(
      out,
      Array.from({ length: count }, (_, i) => TEMP + i),
    );
  }),
);

/** The locals of a function, which needs so many of them, as they stand in front of its code. */
const DECLARED = Array.from({ length: LOCALS.reduce((sum, [count]) => sum + count, 1) }, (_, needed) => {
  let left = needed;
  const locals = LOCALS.map(([count, type]): [number, ValType] => {
    const used = Math.max(0, Math.min(count, left));
    left -= used;
    return [used, type];
  });
  return encodeLocals(locals.filter(([count]) => count > 0));
});

/** From what an instruction leaves by to what `wayOut` is called with. */
const TO_PARAMETERS = written((out) => {
  for (const local of [ADDRESS, REC, TEMP]) out.set(local);
  for (const local of [CPU, REC, ADDRESS, TEMP]) out.get(local);
});

/**
 * A label: of the loop, of a block (the address where it ends, an even number), of an `if` that ends with an instruction, or of
 * another, in which the instruction's branch is taken, or its own handler makes its access.
 */
type Label = typeof LOOP | typeof CONDITION | number | RunInsn;
const LOOP = 1;
const CONDITION = 3;

export class RunWriter {
  readonly #entries: Int32Array;
  readonly #holes: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #counting: boolean;
  readonly #u8: Uint8Array;
  readonly #i32: Int32Array;
  readonly #isStitched: (record: number) => boolean;
  readonly #code = new ByteWriter(4096);
  /** The run under way: its instructions, and how many locals they need. */
  #run: readonly RunInsn[] = [];
  #locals = 0;
  /** What is open in it, the innermost last. */
  readonly #labels: Label[] = [];

  /** For the records in a memory, of which it can be asked where runs begin; --stats has instructions counted. */
  constructor(
    stencils: Stencils,
    records: RecordViews,
    counting: boolean,
    isStitched: (record: number) => boolean,
  ) {
    this.#entries = stencils.entries;
    this.#holes = stencils.holes;
    this.#bytes = stencils.code;
    this.#counting = counting;
    this.#u8 = records.u8;
    this.#i32 = records.i32;
    this.#isStitched = isStitched;
  }

  /** Writes the function of a run, which is to have a number in the table of handlers, behind others. */
  write({ insns, length }: Run, number: number, bodies: ByteWriter): void {
    this.#run = insns;
    const out = this.#code;
    out.clear();
    out.byte(OP.block);
    out.byte(WAY_OUT_TYPE);
    const isLoop = insns[0]!.isJoin;
    // What is written here itself needs one, and counting the turns of a loop two.
    this.#locals = isLoop ? 2 : 1;
    this.#labels.length = 0;
    // Where nothing is counted these parameters are not needed, and their registers are free.
    if (isLoop) this.#beginLoop(number);
    else forget(out, [REC, ADDRESS]);
    for (let i = length - 1; i >= 0; i--) {
      // Branches of the run go onwards there.
      const { endsBlock, address } = insns[i]!;
      if (endsBlock) this.#open(OP.block, address);
    }
    for (let i = 0; i < length; i++) this.#instruction(insns[i]!);
    this.#closeArms(isLoop ? 1 : 0);
    if (isLoop) out.byte(OP.end);
    // All ways have gone elsewhere.
    out.byte(OP.unreachable);
    out.byte(OP.end);
    out.raw(TO_PARAMETERS);
    forget(out, HANDLER_PARAMETERS);
    this.#forgetAll();
    tail(out, 'wayOut');
    this.#finish(bodies);
  }

  /** Where ways come together V8 puts into registers what it knew to be zero. */
  #forgetAll(): void {
    const out = this.#code;
    out.raw(FORGOTTEN[Math.min(this.#locals, FORGOTTEN.length - 1)]!);
    out.apart();
  }

  /** Each time the loop goes round it takes fuel and is counted. Who comes from elsewhere has taken fuel before. */
  #beginLoop(number: number): void {
    const out = this.#code;
    out.get(CPU);
    state(out, OFF.fuel);
    out.i32(1);
    out.byte(OP.i32_add);
    out.mem(OP.i32_store, OFF.fuel);
    this.#open(OP.loop, LOOP);
    const location = () => {
      out.get(ADDRESS);
      state(out, OFF.thumb);
      out.byte(OP.i32_or);
    };
    takeFuel(out, location);
    countLoop(out, REC, location);
    // It may be another handler's now.
    out.get(REC);
    out.mem(OP.i32_load16_u, RECORD.handler);
    out.i32(number);
    out.byte(OP.i32_ne);
    when(out, () => dispatch(out, REC, ADDRESS));
  }

  #open(op: number, label: Label): void {
    this.#code.byte(op);
    this.#code.byte(VOID);
    this.#labels.push(label);
  }

  /** Ends every `if` that was opened when there were so many labels, or since. */
  #closeArms(from: number): void {
    const out = this.#code;
    while (this.#labels.length > from) {
      const insn = this.#labels.pop() as RunInsn;
      out.byte(OP.else);
      if (this.#branchIn(insn) !== 0) this.#putBranch(insn);
      else this.#leave(insn);
      out.byte(OP.end);
    }
  }

  /** Ends the block that ends at an address, if there is one. */
  #endBlock(address: number): void {
    const out = this.#code;
    const block = this.#labels.lastIndexOf(address);
    if (block < 0) return;
    if (block < this.#labels.length - 1) {
      out.byte(OP.br);
      out.u32(this.#depthOf(block));
    }
    this.#closeArms(block + 1);
    this.#labels.pop();
    out.byte(OP.end);
    this.#forgetAll();
    // V8 has it on the stack here, and would load it anew at each use.
    out.get(CPU);
    out.set(CPU);
  }

  /** The number that a branch has for a label. */
  #depthOf(label: number): number {
    return this.#labels.length - 1 - label;
  }

  #instruction(insn: RunInsn): void {
    const out = this.#code;
    this.#endBlock(insn.address);
    if (this.#counting) this.#count(insn);
    const { length } = this.#labels;
    if (insn.condition !== 0) {
      this.#put(insn.condition, insn);
      this.#open(OP.if, CONDITION);
    }
    if (insn.tests) this.#test(insn);
    if (insn.comparison === null) this.#put(insn.stencil, insn);
    else this.#put(insn.fused, insn, insn.comparison);
    if (insn.condition !== 0) {
      this.#closeArms(length + 1);
      this.#labels.pop();
      out.byte(OP.end);
    }
    if (insn.leaves) this.#goOn(insn.inPage + insn.size * RECORD_SCALE, insn.address + insn.size);
  }

  /** For --stats: counts an instruction as its handler would, and before those of a block their IT. */
  #count({ handler, beginsBlock }: RunInsn): void {
    const isStepped = handler === HANDLER.STEP2 || handler === HANDLER.STEP4;
    addToState(this.#code, OFF.interpreted, beginsBlock + (isStepped ? 0 : 1));
  }

  /** What `wayOut` is told of an instruction: its own handler, and behind how many bytes of code there may be a run. */
  #leaving({ handler, record, inPage, size }: RunInsn): number {
    return handler | ((record === inPage ? size : 0) << SIZE_SHIFT);
  }

  /** Leaves for an instruction's own handler, out of what is open and an `if` more. */
  #leave(insn: RunInsn): void {
    const out = this.#code;
    out.i32(this.#leaving(insn));
    out.i32(insn.record + RECORDS_BASE);
    out.i32(insn.address);
    out.byte(OP.br);
    out.u32(this.#labels.length + 1);
  }

  /** Tests what an instruction and others behind it touch. */
  #test(insn: RunInsn): void {
    const { base, low, high, kind } = insn.range;
    const out = this.#code;
    out.get(CPU);
    out.mem(OP.i32_load, OFF.r + base);
    out.set(TEMP);
    this.#pageByte(low);
    this.#pageByte(high - 1);
    out.byte(OP.i32_and);
    out.i32(kind);
    out.byte(OP.i32_and);
    this.#beginAllowed(insn);
    forget(out, [TEMP]);
  }

  #pageByte(offset: number): void {
    const out = this.#code;
    out.get(TEMP);
    out.i32(offset);
    out.byte(OP.i32_add);
    out.i32(PAGE_SHIFT);
    out.byte(OP.i32_shr_u);
    out.mem(OP.i32_load8_u, PAGE_BYTES);
  }

  /** With whether an access is allowed on the stack: goes on if it is. */
  #beginAllowed(insn: RunInsn): void {
    const out = this.#code;
    if (insn.condition === 0) {
      this.#open(OP.if, insn);
      return;
    }
    // Here it would be a way around what is usual, and V8 would have to have all where it is behind both.
    out.byte(OP.i32_eqz);
    when(out, () => this.#leave(insn));
  }

  /** Puts a stencil in place for an instruction, with another's operands perhaps, and opens what its test or its branch opens. */
  #put(stencil: number, insn: RunInsn, operands = insn): void {
    const entries = this.#entries;
    const entry = stencil * ENTRY.words;
    const length = entries[entry + ENTRY.length]!;
    const test = entries[entry + ENTRY.test]!;
    const branch = entries[entry + ENTRY.branch]!;
    if (branch !== 0) {
      this.#copy(entry, operands, 0, branch);
      this.#beginBranch(insn, entries[entry + ENTRY.flags]!);
      this.#forgetAll();
    } else if (test === 0) this.#copy(entry, insn, 0, length);
    else {
      const to = test >>> 16;
      this.#copy(entry, insn, 0, insn.isTested ? test & 0xffff : to);
      if (!insn.isTested) this.#beginAllowed(insn);
      this.#copy(entry, insn, to, length);
    }
  }

  /** With whether a branch is taken on the stack: goes on if it is not. In a loop, the one that goes round is as it is. */
  #beginBranch(insn: RunInsn, flags: number): void {
    const out = this.#code;
    if (insn.target === this.#run[0]!.address) {
      when(out, () => this.#putBranch(insn));
      return;
    }
    out.apart();
    if (flags & FLAG.EQZ) out.length--;
    else if (flags & FLAG.COMPARES) out.bytes[out.length - 1] = OPPOSITE[out.bytes[out.length - 1]!]!;
    else out.byte(OP.i32_eqz);
    this.#open(OP.if, insn);
  }

  /** Where what a branch does that is taken begins in an instruction's stencil; 0 in what is no branch. */
  #branchIn({ comparison, fused, stencil }: RunInsn): number {
    return this.#entries[(comparison === null ? stencil : fused) * ENTRY.words + ENTRY.branch]!;
  }

  /** What a branch does that is taken. Its stencil counts the `if` around it. */
  #putBranch(insn: RunInsn): void {
    const entries = this.#entries;
    if (insn.comparison !== null && insn.setsFlags) this.#put(insn.comparison.handler, insn.comparison);
    const entry = insn.stencil * ENTRY.words;
    this.#copy(entry, insn, entries[entry + ENTRY.branch]!, entries[entry + ENTRY.length]!);
  }

  /** Copies a part of a stencil for an instruction, and patches it. */
  #copy(entry: number, insn: RunInsn, from: number, end: number): void {
    const { record, address } = insn;
    const entries = this.#entries;
    const holes = this.#holes;
    const u8 = this.#u8;
    const i32 = this.#i32;
    this.#locals = Math.max(this.#locals, entries[entry + ENTRY.locals]!);
    const begin = entries[entry + ENTRY.code]!;
    const out = this.#code;
    const delta = out.length - from;
    out.part(this.#bytes, begin + from, begin + end);
    const { bytes } = out;
    const first = entries[entry + ENTRY.hole]! * HOLE_WORDS;
    const last = first + entries[entry + ENTRY.holes]! * HOLE_WORDS;
    for (let hole = first; hole < last; hole += HOLE_WORDS) {
      const what = holes[hole]!;
      const plus = holes[hole + 1]!;
      const inCode = what & 0xffff;
      if (inCode < from || inCode >= end) continue;
      const at = inCode + delta;
      const place = what >>> 24;
      switch ((what >>> 16) & 0xff) {
        case HOLE.BYTE:
        case HOLE.OFFSET:
          putNumber(bytes, at, 2, u8[record + place]! + plus);
          break;
        case HOLE.WORD:
          putNumber(bytes, at, 5, (i32[(record + place) >>> 2]! + plus) | 0);
          break;
        case HOLE.LISTED:
          putNumber(bytes, at, 2, OFF.r + 4 * bitOf(i32[(record + place) >>> 2]!, plus));
          break;
        case HOLE.ADDRESS:
          putNumber(bytes, at, 5, (address + plus) | 0);
          break;
        case HOLE.RECORD:
          putNumber(bytes, at, 5, record + RECORDS_BASE);
          break;
        case HOLE.HANDLER:
          putNumber(bytes, at, 3, this.#leaving(insn));
          break;
        case HOLE.WAY_OUT:
          putNumber(bytes, at, 2, this.#labels.length + place);
          break;
        case HOLE.TARGET_RECORD:
          this.#target(bytes, at, insn, place);
          // The other hole is filled, too.
          hole += HOLE_WORDS;
      }
    }
  }

  /** Fills both holes of a direct branch, with so many labels around it; inside the run it becomes one to a label. */
  #target(bytes: Uint8Array, at: number, insn: RunInsn, labels: number): void {
    const { target, address, inPage } = insn;
    const isBack = target >>> 0 <= address >>> 0;
    const label = this.#labels.lastIndexOf(target === this.#run[0]!.address ? LOOP : target);
    if (label >= 0) {
      const begin = at - BRANCH.before;
      bytes.fill(NOP, begin, begin + BRANCH.length);
      bytes[begin] = OP.br;
      putNumber(bytes, begin + 1, 2, this.#depthOf(label) + labels);
      return;
    }
    putNumber(bytes, at, 5, isNear(insn) ? inPage + (target - address) * RECORD_SCALE + RECORDS_BASE : 0);
    putNumber(bytes, at + 6, 5, target | (isBack ? 1 : 0));
  }

  /** Goes on with another record: if no run begins there, so that it is found when it is worth one. */
  #goOn(record: number, address: number): void {
    const out = this.#code;
    out.get(CPU);
    out.i32(record + RECORDS_BASE);
    out.i32(address);
    if (!this.#isStitched(record)) {
      forget(out, HANDLER_PARAMETERS);
      tail(out, 'fallThrough');
      return;
    }
    out.i32(record + RECORDS_BASE);
    out.mem(OP.i32_load16_u, RECORD.handler);
    forget(out, HANDLER_PARAMETERS);
    out.byte(OP.return_call_indirect);
    out.u32(HANDLER_TYPE);
    out.u32(HANDLER_TABLE);
  }

  /** Makes a function of what has been written. */
  #finish(bodies: ByteWriter): void {
    const locals = DECLARED[this.#locals]!;
    bodies.u32(locals.length + this.#code.length + 1);
    bodies.raw(locals);
    bodies.raw(this.#code.view());
    bodies.byte(OP.end);
  }
}

/** Code that is the same in each function. */
function written(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter(32);
  write(out);
  return out.view();
}

const NOP = 1;

/** Of each comparison the one that says the opposite. */
const OPPOSITE: Readonly<Record<number, number>> = Object.fromEntries(
  (
    [
      [OP.i32_eq, OP.i32_ne],
      [OP.i32_lt_s, OP.i32_ge_s],
      [OP.i32_lt_u, OP.i32_ge_u],
      [OP.i32_gt_s, OP.i32_le_s],
      [OP.i32_gt_u, OP.i32_le_u],
    ] as const
  ).flatMap(([a, b]) => [
    [a, b],
    [b, a],
  ]),
);

/** The number of a bit that is set, by how many are below it. */
function bitOf(word: number, below: number): number {
  let rest = word;
  for (let i = 0; i < below; i++) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}

/** LEB128 in so many bytes; of five, of a word as a signed number. */
function putNumber(bytes: Uint8Array, at: number, length: number, value: number): void {
  for (let i = 0; i < length - 1; i++) bytes[at + i] = ((value >> (7 * i)) & 0x7f) | 0x80;
  bytes[at + length - 1] = (value >> (7 * (length - 1))) & 0x7f;
}
