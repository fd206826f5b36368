/**
 * Makes functions of stencils, where code is run often: each does what the handlers of a run of instructions do (run.ts), and
 * stands in the record of the first as its handler. So it is entered and left as a handler is, all of the state is in the state
 * block between any two instructions, and nothing else of the interpreter knows of it.
 *
 * It is as follows; a branch onwards in the run leaves the block that ends where it goes:
 *
 *     block (result: handler, record, address)     what an instruction leaves by for its own handler
 *       [loop  fuel, counting]
 *         block ... block                           one for each place that a branch of the run goes to, the last outermost
 *           stencils
 *         end  stencils  end ...
 *       [end]
 *     end
 *     return_call wayOut
 */
import { OFF } from '../cpu-state.ts';
import { CPU, PARAMETERS, WAY_OUT_TYPE } from '../jit/convention.ts';
import type { Machinery } from '../jit/machinery.ts';
import { ByteWriter, OP, type ValType, VOID } from '../jit/wasm.ts';
import { encodeBehind } from '../jit/wasm-module.ts';
import { PAGE_BYTES, PAGE_SHIFT } from '../memory/layout.ts';
import {
  ADDRESS,
  countLoop,
  dispatch,
  FIRST_HANDLER,
  HANDLER_TABLE,
  HANDLER_TYPE,
  REC,
  SIZE_SHIFT,
  state,
  tail,
  takeFuel,
  when,
} from '../tier0/control.ts';
import type { HandlerSet } from '../tier0/handler-set.ts';
import { HANDLER, RECORD, RECORD_SCALE } from '../tier0/record.ts';
import type { Range } from './access-shape.ts';
import { isNear, type Place, RunFinder, type RunInsn } from './run.ts';
import {
  BRANCH,
  ENTRY,
  forget,
  HANDLER_PARAMETERS,
  HOLE,
  HOLE_WORDS,
  LOCALS,
  STITCHED,
  type Stencils,
} from './stencil.ts';

/** A local of stencils. */
const TEMP = PARAMETERS;

export class Stitcher {
  readonly #stencils: Stencils;
  readonly #machinery: Machinery;
  readonly #finder: RunFinder;
  readonly #counting: boolean;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  /** Code of the run under way, and the bodies of the module's functions. */
  readonly #code = new ByteWriter(4096);
  readonly #bodies = new ByteWriter(16384);
  /** Runs of the module under way. */
  #runs: Place[] = [];
  /** The run under way: its instructions, and how many locals they need. */
  #run: readonly RunInsn[] = [];
  #locals = 0;
  /** Where blocks end that are open in it: addresses, that of the innermost last. */
  #blocks: number[] = [];
  #isLoop = false;

  /** For the interpreter that a memory has. */
  constructor(set: HandlerSet, machinery: Machinery) {
    const buffer = machinery.memory.buffer;
    this.#stencils = set.stencils();
    this.#finder = new RunFinder(this.#stencils, set.decoder, buffer);
    this.#counting = set.decoder.counting;
    this.#machinery = machinery;
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#i32 = new Int32Array(buffer);
  }

  /** Makes runs from these places on. Throws a RangeError when V8 has no memory for them. */
  stitch(places: readonly Place[]): void {
    this.#bodies.clear();
    this.#runs = [];
    for (const place of places) for (let next: Place | null = place; next !== null; ) next = this.#make(next);
    const { length } = this.#runs;
    if (length === 0) return;
    const { head, handlers } = this.#stencils;
    const first = handlers + this.#machinery.stitched;
    const module = new ByteWriter(head.length + this.#bodies.length + 1024);
    module.raw(head);
    encodeBehind(module, length, FIRST_HANDLER, first, this.#bodies.view());
    this.#machinery.stitch(module.view() as Uint8Array<ArrayBuffer>, length);
    for (let i = 0; i < length; i++) this.#u16[(this.#runs[i]!.record + RECORD.handler) >>> 1] = first + i;
  }

  /** Whether a run begins at a record. */
  isStitched(record: number): boolean {
    return this.#finder.isStitched(record);
  }

  /** Makes a run. Gives where it would go on: that is run as often. */
  #make(place: Place): Place | null {
    if (this.#machinery.stitched + this.#runs.length === STITCHED) return null;
    if (this.isStitched(place.record)) return null;
    if (this.#runs.some(({ record }) => record === place.record)) return null;
    const { insns, rest } = this.#finder.find(place);
    if (insns.length === 0) return null;
    this.#run = insns;
    const out = this.#code;
    out.clear();
    out.byte(OP.block);
    out.byte(WAY_OUT_TYPE);
    this.#isLoop = this.#run.some(({ target }) => target === place.address);
    // What is written here itself needs one, and counting the turns of a loop two.
    this.#locals = this.#isLoop ? 2 : 1;
    if (this.#isLoop) this.#beginLoop();
    this.#beginBlocks();
    for (const insn of this.#run) this.#instruction(insn);
    if (this.#isLoop) out.byte(OP.end);
    // All ways have gone elsewhere.
    out.byte(OP.unreachable);
    out.byte(OP.end);
    for (const local of [ADDRESS, REC, TEMP]) out.set(local);
    for (const local of [CPU, REC, ADDRESS, TEMP]) out.get(local);
    forget(out, HANDLER_PARAMETERS);
    this.#forgetAll();
    tail(out, 'wayOut');
    this.#finish(place);
    return rest;
  }

  /** Opens blocks that end where branches of the run go onwards. */
  #beginBlocks(): void {
    const places = new Set(this.#run.filter((i) => i.record === i.inPage).map(({ address }) => address));
    const targets = this.#run
      .filter((insn) => insn.target > insn.address && places.has(insn.target))
      .map(({ target }) => target);
    this.#blocks = [...new Set(targets)].sort((a, b) => b - a);
    for (let i = 0; i < this.#blocks.length; i++) {
      this.#code.byte(OP.block);
      this.#code.byte(VOID);
    }
  }

  /** Where ways come together V8 puts into registers what it knew to be zero. */
  #forgetAll(): void {
    const integers = Math.min(this.#locals, LOCALS[0]![0]);
    forget(
      this.#code,
      Array.from({ length: integers }, (_, i) => PARAMETERS + i),
    );
  }

  /** Each time the loop goes round it takes fuel and is counted. Who comes from elsewhere has taken fuel before. */
  #beginLoop(): void {
    const out = this.#code;
    out.get(CPU);
    state(out, OFF.fuel);
    out.i32(1);
    out.byte(OP.i32_add);
    out.mem(OP.i32_store, OFF.fuel);
    out.byte(OP.loop);
    out.byte(VOID);
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
    out.i32(this.#stencils.handlers + this.#machinery.stitched + this.#runs.length);
    out.byte(OP.i32_ne);
    when(out, () => dispatch(out, REC, ADDRESS));
  }

  #instruction(insn: RunInsn): void {
    const out = this.#code;
    while (this.#blocks.at(-1) === insn.address) {
      this.#blocks.pop();
      out.byte(OP.end);
      this.#forgetAll();
    }
    if (this.#counting) this.#count(insn);
    if (insn.condition !== 0) {
      this.#put(insn.condition, insn, 0);
      out.byte(OP.if);
      out.byte(VOID);
    }
    if (insn.test !== null) this.#test(insn, insn.test);
    this.#put(insn.stencil, insn, insn.condition === 0 ? 0 : 1);
    if (insn.condition !== 0) out.byte(OP.end);
    if (insn.leaves) this.#goOn(insn.inPage + insn.size * RECORD_SCALE, insn.address + insn.size);
  }

  /** For --stats: counts an instruction as its handler would, and before those of a block their IT. */
  #count({ handler, beginsBlock }: RunInsn): void {
    const isStepped = handler === HANDLER.STEP2 || handler === HANDLER.STEP4;
    const n = beginsBlock + (isStepped ? 0 : 1);
    const out = this.#code;
    out.get(CPU);
    out.get(CPU);
    out.mem(OP.i64_load, OFF.interpreted);
    out.byte(OP.i64_const);
    out.s64(BigInt(n));
    out.byte(OP.i64_add);
    out.mem(OP.i64_store, OFF.interpreted);
  }

  /** What `wayOut` is told of an instruction: its own handler, and behind how many bytes of code there may be a run. */
  #leaving({ handler, record, inPage, size }: RunInsn): number {
    return handler | ((record === inPage ? size : 0) << SIZE_SHIFT);
  }

  /** Labels around an instruction: of the blocks that are open, and of the loop. */
  get #around(): number {
    return this.#blocks.length + (this.#isLoop ? 1 : 0);
  }

  /** Tests what an instruction and others behind it touch. */
  #test(insn: RunInsn, { base, low, high, kind }: Range): void {
    const out = this.#code;
    const page = (offset: number) => {
      out.get(TEMP);
      out.i32(offset);
      out.byte(OP.i32_add);
      out.i32(PAGE_SHIFT);
      out.byte(OP.i32_shr_u);
      out.mem(OP.i32_load8_u, PAGE_BYTES);
    };
    out.get(CPU);
    out.mem(OP.i32_load, OFF.r + base);
    out.set(TEMP);
    page(low);
    page(high - 1);
    out.byte(OP.i32_and);
    out.i32(kind);
    out.byte(OP.i32_and);
    out.byte(OP.i32_eqz);
    when(out, () => {
      out.i32(this.#leaving(insn));
      out.i32(insn.record);
      out.i32(insn.address);
      out.byte(OP.br);
      out.u32(this.#around + 1);
    });
    forget(out, [TEMP]);
  }

  /** Copies a stencil for an instruction, and patches it. There are so many labels of its own around it. */
  #put(stencil: number, insn: RunInsn, labels: number): void {
    const { entries, holes, code } = this.#stencils;
    const { record, address } = insn;
    const entry = stencil * ENTRY.words;
    const from = entries[entry + ENTRY.code]!;
    const out = this.#code;
    const to = out.length;
    const end = from + entries[entry + ENTRY.length]!;
    const cut = insn.isTested ? entries[entry + ENTRY.cut]! : 0;
    const [cutFrom, cutTo] = [cut & 0xffff, cut >>> 16];
    out.raw(code.subarray(from, from + cutFrom));
    out.raw(code.subarray(from + cutTo, end));
    const { bytes } = out;
    const first = entries[entry + ENTRY.hole]! * HOLE_WORDS;
    const last = first + entries[entry + ENTRY.holes]! * HOLE_WORDS;
    for (let hole = first; hole < last; hole += HOLE_WORDS) {
      const what = holes[hole]!;
      const plus = holes[hole + 1]!;
      const inCode = what & 0xffff;
      if (inCode >= cutFrom && inCode < cutTo) continue;
      const at = to + (inCode < cutFrom ? inCode : inCode - (cutTo - cutFrom));
      const place = what >>> 24;
      switch ((what >>> 16) & 0xff) {
        case HOLE.BYTE:
        case HOLE.OFFSET:
          putNumber(bytes, at, 2, this.#u8[record + place]! + plus);
          break;
        case HOLE.WORD:
          putNumber(bytes, at, 5, (this.#i32[(record + place) >>> 2]! + plus) | 0);
          break;
        case HOLE.LISTED:
          putNumber(bytes, at, 2, OFF.r + 4 * bitOf(this.#i32[(record + place) >>> 2]!, plus));
          break;
        case HOLE.ADDRESS:
          putNumber(bytes, at, 5, (address + plus) | 0);
          break;
        case HOLE.RECORD:
          putNumber(bytes, at, 5, record | 0);
          break;
        case HOLE.HANDLER:
          putNumber(bytes, at, 3, this.#leaving(insn));
          break;
        case HOLE.WAY_OUT:
          putNumber(bytes, at, 2, this.#around + labels + place);
          break;
        case HOLE.TARGET_RECORD:
          this.#target(bytes, at, insn, place + labels);
          // The other hole is filled, too.
          hole += HOLE_WORDS;
      }
    }
    this.#locals = Math.max(this.#locals, entries[entry + ENTRY.locals]!);
  }

  /** Fills both holes of a direct branch, with so many labels around it; inside the run it becomes one to a label. */
  #target(bytes: Uint8Array, at: number, insn: RunInsn, labels: number): void {
    const { target, address, inPage } = insn;
    const isBack = target <= address;
    const block = this.#blocks.lastIndexOf(target);
    if (block >= 0 || target === this.#run[0]!.address) {
      const inner = block >= 0 ? this.#blocks.length - 1 - block : this.#blocks.length;
      const begin = at - BRANCH.before;
      bytes.fill(NOP, begin, begin + BRANCH.length);
      bytes[begin] = OP.br;
      putNumber(bytes, begin + 1, 2, inner + labels);
      return;
    }
    putNumber(bytes, at, 5, isNear(insn) ? (inPage + (target - address) * RECORD_SCALE) | 0 : 0);
    putNumber(bytes, at + 6, 5, target | (isBack ? 1 : 0) | 0);
  }

  /** Goes on with another record: if no run begins there, so that it is found when it is worth one. */
  #goOn(record: number, address: number): void {
    const out = this.#code;
    out.get(CPU);
    out.i32(record);
    out.i32(address);
    if (!this.isStitched(record)) {
      forget(out, HANDLER_PARAMETERS);
      tail(out, 'fallThrough');
      return;
    }
    out.i32(record);
    out.mem(OP.i32_load16_u, RECORD.handler);
    forget(out, HANDLER_PARAMETERS);
    out.byte(OP.return_call_indirect);
    out.u32(HANDLER_TYPE);
    out.u32(HANDLER_TABLE);
  }

  /** Makes a function of what has been written. */
  #finish(place: Place): void {
    const locals: (readonly [number, ValType])[] = [];
    let left = this.#locals;
    for (const [count, type] of LOCALS) {
      if (left <= 0) break;
      locals.push([Math.min(count, left), type]);
      left -= count;
    }
    // A byte each for how many there are, and their type.
    const bodies = this.#bodies;
    bodies.u32(1 + 2 * locals.length + this.#code.length + 1);
    bodies.byte(locals.length);
    for (const [count, type] of locals) {
      bodies.byte(count);
      bodies.byte(type);
    }
    bodies.raw(this.#code.view());
    bodies.byte(OP.end);
    this.#runs.push(place);
  }
}

const NOP = 1;

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
