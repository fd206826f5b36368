/**
 * The wasm emitter: Machine as a compiler of one region's instructions.
 *
 * Values are small expression trees over wasm locals and constants; a tree is written out when an effect uses it (setReg, store,
 * branch), so most instructions become one local.set of one expression. Constants fold. The rules of machine.ts are checked: a
 * tree written out twice, or one that reads a register changed since, throws.
 *
 * Guest registers and flags live in wasm locals ("variables", numbered by VAR); the compiler (compile.ts) says at each
 * instruction which of them hold something newer than the state block (`dirty`) and which flags nobody will read (`dead`).
 *
 * An instruction that uses something this machine does not compile throws Unsupported; the compiler then lets the evaluator run
 * that instruction.
 */
import { FPSCR_MODE_MASK, OFF } from '../cpu-state.ts';
import {
  type BranchKind,
  eachRegister,
  type FpConvert,
  type FpOp,
  type FpSize,
  literalOf,
  type Machine,
  pcReads,
  type Trap,
  targetOf,
} from '../machine/machine.ts';
import type { Lanes, Vector1, Vector2, Vector3, VectorShift } from '../machine/vector-machine.ts';
import { CPU, importIndex, LEAVE, Unsupported } from './convention.ts';
import { ConversionEmitter } from './emit-convert.ts';
import { FpEmitter } from './emit-fp.ts';
import { VectorEmitter } from './emit-vector.ts';
import { CONST, type Node } from './function-writer.ts';
import { MemoryWriter } from './memory-writer.ts';
import { type CachedRegisters, NONE_CACHED, VfpRegisters, vfpOffset } from './vfp-registers.ts';
import { type ByteWriter, F64, I64, OP } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

const STEP = importIndex('step');

/** What the compiler provides while instructions are emitted. */
export interface EmitterHost {
  /** A branch of the instruction under way; everything of it has been emitted. */
  branch(location: Node, kind: BranchKind): void;
  trap(kind: Trap, imm: number): void;
  /** The instruction under way accesses memory that is not aligned, often. */
  unaligned(): boolean;
  /** A number for the instruction under way as a place that may fault with these variables dirty. */
  site(dirty: number): number;
  /** Whether the instruction under way is left to the interpreter when its page test fails; and leaves for it. */
  leavesForPages(): boolean;
  leave(dirty: number): void;
  /** A word of code or read-only data that cannot change while this region is valid, or undefined. */
  constantWord(address: number, size: number): number | undefined;
}

export class Emitter extends MemoryWriter implements Machine<Node, Node, Node> {
  pc = 0;
  size = 4;
  thumb = false;
  /** The instruction under way runs under a condition. */
  conditional = false;
  /** ITSTATE before the instruction under way. */
  it = 0;

  readonly vfp: VfpRegisters = new VfpRegisters(this);
  readonly #floating = new FpEmitter(this);
  readonly #conversions = new ConversionEmitter(this);
  protected readonly vector = new VectorEmitter(this);

  constructor(out: ByteWriter, host: EmitterHost) {
    super(out, host);
    this.reset();
  }

  /** Begins a function. */
  override reset(): void {
    super.reset();
    this.#paths = null;
    this.vfp.reset();
    this.cmp.valid = false;
  }

  /** Begins an instruction. */
  begin(pc: number, size: number, thumb: boolean): void {
    this.pc = pc;
    this.size = size;
    this.thumb = thumb;
    this.freeTemps();
  }

  // ---- values and registers ----
  letW(v: Node): Node {
    return v;
  }
  letS(v: Node): Node {
    return v;
  }

  reg(n: number): Node {
    if (n === 15) return this.const(pcReads(this));
    return this.readVar(n);
  }
  setReg(n: number, v: Node): void {
    if (n > 14) throw new Error('emitter: setReg of the PC');
    this.setVar(n, v);
  }
  eachRegister(list: number, count: number, body: (n: number, i: number) => void): void {
    eachRegister(list, count, body);
  }
  branchTarget(offset: number, toThumb: boolean): Node {
    return this.const(targetOf(this, offset, toThumb));
  }
  literal(offset: number): Node {
    return this.const(literalOf(this, offset));
  }
  returnLocation(): Node {
    return this.const((this.pc + this.size) | (this.thumb ? 1 : 0));
  }

  override when(c: Node, body: () => void, otherwise?: () => void): void {
    // What the bodies write comes on top of what was there.
    this.settleFlags();
    const { vfp } = this;
    const before = vfp.cached;
    const joined = (way: () => void) => () => {
      way();
      vfp.join(before);
    };
    super.when(c, joined(body), otherwise && joined(otherwise));
    this.cmp.valid = false;
  }

  // ---- control flow ----
  branch(location: Node, kind: BranchKind): void {
    this.host.branch(location, kind);
  }
  trap(kind: Trap, imm: number): void {
    this.host.trap(kind, imm);
  }
  isb(): void {
    // Writes to code are noticed when they happen; nothing is left to do.
  }
  yield(): void {
    this.storeState(OFF.fuel, 0);
  }
  setEndian(_big: boolean): void {
    throw new Unsupported();
  }
  getSys(register: 'tpidruro' | 'tpidrurw' | 'fpscr'): Node {
    return this.stateWord(OFF[register]);
  }
  setSys(register: 'tpidrurw' | 'fpscr', v: Node): void {
    let value = v;
    if (register === 'fpscr') {
      // What is compiled is for the default mode: the evaluator writes another, and goes on.
      this.openFastPath(true);
      value = this.let(v);
      this.gen(this.and(value, this.const(FPSCR_MODE_MASK)));
      this.leaveFastPathIf();
    }
    this.out.get(CPU);
    this.gen(value);
    this.out.mem(OP.i32_store, OFF[register]);
  }

  // ---- VFP registers ----
  getS(n: number): Node {
    if (!this.vfp.isCached(32, n)) return this.stateWord(vfpOffset(32, n));
    this.out.get(this.vfp.read(32, n));
    this.out.byte(OP.i32_reinterpret_f32);
    return this.fromStack();
  }
  setS(n: number, v: Node): void {
    this.vfp.write(32, n, () => {
      this.gen(v);
      this.out.byte(OP.f32_reinterpret_i32);
    });
  }
  getD(n: number): Node {
    this.out.get(this.vfp.read(64, n));
    return this.fromStack(F64);
  }
  setD(n: number, w: Node): void {
    this.vfp.write(64, n, () => this.vector.genDouble(w));
  }
  sToV(s: Node): Node {
    return s;
  }
  vToS(v: Node): Node {
    return v;
  }
  lowW(w: Node): Node {
    return this.vector.word(w, 0);
  }
  highW(w: Node): Node {
    return this.vector.word(w, 1);
  }
  makeW(low: Node, high: Node): Node {
    if (low.kind === CONST && high.kind === CONST) return this.vector.pair(low.x, high.x);
    const { out } = this;
    this.gen(high);
    out.byte(OP.i64_extend_i32_u);
    out.byte(OP.i64_const);
    out.s64(32n);
    out.byte(OP.i64_shl);
    this.gen(low);
    out.byte(OP.i64_extend_i32_u);
    out.byte(OP.i64_or);
    return this.fromStack(I64);
  }

  // ---- Advanced SIMD: see emit-vector.ts ----
  getQuad(n: number): Node {
    this.out.get(this.vfp.read(128, n >> 1));
    return this.fromStack(V128);
  }
  protected genVector(w: Node): void {
    this.vector.gen(w);
  }
  setQuad(n: number, w: Node): void {
    this.vfp.write(128, n >> 1, () => this.genVector(w));
  }
  vec1(op: Vector1, t: Lanes, a: Node): Node {
    return this.vector.vec1(op, t, a);
  }
  vec2(op: Vector2, t: Lanes, a: Node, b: Node): Node {
    return this.vector.vec2(op, t, a, b);
  }
  vec3(op: Vector3, t: Lanes, a: Node, b: Node, c: Node): Node {
    return this.vector.vec3(op, t, a, b, c);
  }
  vecShift(op: VectorShift, t: Lanes, a: Node, amount: number): Node {
    return this.vector.vecShift(op, t, a, amount);
  }
  shuffle(pattern: readonly number[], a: Node, b: Node): Node {
    return this.vector.shuffle(pattern, a, b);
  }
  splat(t: Lanes, v: Node): Node {
    return this.vector.splat(t, v);
  }
  getLane(t: Lanes, w: Node, i: number): Node {
    return this.vector.getLane(t, w, i);
  }
  setLane(t: Lanes, w: Node, i: number, v: Node): Node {
    return this.vector.setLane(t, w, i, v);
  }
  storeDouble(address: Node, offset: number, w: Node): void {
    const o = this.based(address, offset);
    this.vector.genDouble(w);
    this.out.mem(OP.f64_store, o);
  }
  loadLanes(address: Node, offset: number, _size: 1 | 2 | 4 | 8, quad: boolean): Node {
    if (!quad) return this.loadDouble(address, offset);
    this.out.simdMem(SIMD.load, this.based(address, offset));
    return this.fromStack(V128);
  }
  storeLanes(address: Node, offset: number, _size: 1 | 2 | 4 | 8, quad: boolean, w: Node): void {
    if (!quad) {
      this.storeDouble(address, offset, w);
      return;
    }
    const o = this.based(address, offset);
    this.vector.gen(w);
    this.out.simdMem(SIMD.store, o);
  }

  /** Labels of the instruction's end and of its slow path, when it has one; and what was cached when the fast path was opened. */
  #paths: { end: number; slow: number; cached: CachedRegisters; needsState: boolean } | null = null;

  /**
   * Begins code that can be left by leaveFastPathIf. Nothing of the instruction has been written yet. `needsState`: the evaluator
   * needs more than extension registers, or may not come back.
   */
  openFastPath(needsState = false): void {
    if (this.#paths !== null) return;
    this.#paths = { end: this.depth, slow: this.depth + 1, cached: this.vfp.cached, needsState };
    this.open(OP.block);
    this.open(OP.block);
    this.vfp.written = NONE_CACHED;
  }
  /** With the answer on the wasm stack: has the evaluator run the instruction, of which nothing has been written yet. */
  leaveFastPathIf(): void {
    this.brIfUnlikely(this.#paths!.slow);
  }
  /** Ends an instruction: writes the slow path when it has one. */
  finish(): void {
    const { vfp } = this;
    const paths = this.#paths;
    if (paths === null) return;
    this.#paths = null;
    this.br(OP.br, paths.end);
    this.close();
    // The evaluator tests the condition again, and for that it needs the flags.
    if (this.conditional || paths.needsState) this.storeVars(this.dirty & ~this.storePending());
    this.stepHere();
    vfp.loadAgain(paths.cached);
    this.close();
  }
  /** The instruction under way is given up. */
  abandon(): void {
    this.#paths = null;
  }

  // ---- VFP arithmetic: see emit-fp.ts ----
  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void {
    this.#floating.fp(op, size, d, n, m);
  }
  fpCompare(size: FpSize, n: number, m: number, _signal: boolean): void {
    this.#floating.fpCompare(size, n, m);
  }
  fpConvert(op: FpConvert, d: number, m: number, fbits: number): void {
    this.#conversions.convert(op, d, m, fbits);
  }

  /** Has the evaluator run the instruction under way; leaves when it says so. The caller has stored what is dirty. */
  stepHere(): void {
    this.storeLocation((this.pc | (this.thumb ? 1 : 0)) >>> 0);
    if (this.it !== 0) this.storeState(OFF.it, this.it);
    this.callOrLeave(STEP);
    if (this.it !== 0) this.storeState(OFF.it, 0);
  }

  /** Calls an import that takes the state block; leaves when it answers 0. */
  callOrLeave(index: number): void {
    this.out.get(CPU);
    this.out.call(index);
    this.leaveUnless();
  }

  /** Leaves when the number on the wasm stack is 0. */
  leaveUnless(): void {
    this.out.byte(OP.i32_eqz);
    this.openUnlikely();
    this.leave();
    this.close();
  }

  leave(): void {
    this.out.i32(LEAVE);
    this.out.byte(OP.return);
  }
}
