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
import { OFF } from '../cpu-state.ts';
import {
  type BranchKind,
  type Cond,
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
import { PAGE_BYTES } from '../memory/layout.ts';
import { ArithmeticWriter } from './arithmetic-writer.ts';
import {
  accessCode,
  CPU,
  GROUP_ALIGN,
  importIndex,
  LEAVE,
  Unsupported,
  VAR,
  VAR_OFFSET,
} from './convention.ts';
import { ConversionEmitter } from './emit-convert.ts';
import { FpEmitter } from './emit-fp.ts';
import { VectorEmitter } from './emit-vector.ts';
import { CONST, LOCAL, Node, OPERATION, VARIABLE } from './function-writer.ts';
import { type CachedRegisters, NONE_CACHED, VfpRegisters, vfpOffset } from './vfp-registers.ts';
import { type ByteWriter, F64, I32, I64, OP } from './wasm.ts';
import { SIMD, V128 } from './wasm-simd.ts';

/** The comparison that a condition is after CMP, by condition; 0 where it is none (MI PL VS VC). */
const COMPARISONS: readonly number[] = [
  ...[OP.i32_eq, OP.i32_ne, OP.i32_ge_u, OP.i32_lt_u, 0, 0, 0, 0],
  ...[OP.i32_gt_u, OP.i32_le_u, OP.i32_ge_s, OP.i32_lt_s, OP.i32_gt_s, OP.i32_le_s],
];
const CHECK = importIndex('check');
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
  /** A word of code or read-only data that cannot change while this region is valid, or undefined. */
  constantWord(address: number, size: number): number | undefined;
}

/** Whether a tree reads no guest register or flag, so that it means the same later. */
function isStable(n: Node): boolean {
  if (n.kind !== OPERATION) return n.kind !== VARIABLE;
  return isStable(n.a!) && (n.b === null || isStable(n.b)) && (n.c === null || isStable(n.c));
}

/** A tree that can be written out besides the one it was made from. */
function copyOf(n: Node): Node {
  if (n.kind !== OPERATION) return n;
  return new Node(OPERATION, n.x, copyOf(n.a!), n.b && copyOf(n.b), n.c && copyOf(n.c), 0);
}

const NOTHING = new Node(CONST, 0, null, null, null, 0);

export class Emitter extends ArithmeticWriter implements Machine<Node, Node, Node> {
  pc = 0;
  size = 4;
  thumb = false;
  /** The instruction under way runs under a condition. */
  conditional = false;
  /** ITSTATE before the instruction under way. */
  it = 0;
  /** The access of the instruction under way has been tested with its group (access-groups.ts). */
  tested = false;
  /** Variables newer in locals than in the state block, before the instruction under way. */
  dirty = 0;
  /** Variables nobody reads before they are written again. */
  dead = 0;
  readonly host: EmitterHost;
  /** Label depth of the block that faults branch out of. */
  faultLabel = 0;

  readonly vfp: VfpRegisters = new VfpRegisters(this);
  readonly #floating = new FpEmitter(this);
  readonly #conversions = new ConversionEmitter(this, this.#floating);
  readonly #vector = new VectorEmitter(this);

  constructor(out: ByteWriter, host: EmitterHost) {
    super(out);
    this.host = host;
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

  // ---- flags ----
  /**
   * The operands of the comparison whose flags are current: a condition after CMP a, b becomes one wasm comparison instead of a
   * test of N, Z, C and V. Holds only within a block and until the next flag is set.
   */
  readonly cmp = { valid: false, a: NOTHING, b: NOTHING };
  #flagWritten(v: number, n: Node): void {
    this.cmp.valid = false;
    this.pending.delete(v);
    if (this.dead & (1 << v)) return;
    if (this.deferrable & (1 << v) && isStable(n)) {
      this.pending.set(v, n);
      this.keepTemps();
    } else this.setVar(v, n);
  }

  /**
   * Flags that only a way out of the region at the end of the block needs are computed there, from operands that are kept in
   * temporaries: until then, what each pending flag is.
   */
  pending = new Map<number, Node>();
  /** Flags that may wait for the end of the block. */
  deferrable = 0;

  /** Computes the pending flags after all. */
  settleFlags(): void {
    for (const [v, n] of this.pending) this.setVar(v, n);
    this.pending.clear();
  }

  /** Stores the pending flags; gives their mask. */
  storePending(): number {
    let stored = 0;
    for (const [v, n] of this.pending) {
      stored |= 1 << v;
      this.out.get(CPU);
      this.gen(copyOf(n));
      this.out.mem(OP.i32_store, VAR_OFFSET[v]!);
    }
    return stored;
  }

  #flag(v: number): Node {
    const pending = this.pending.get(v);
    return pending === undefined ? this.readVar(v) : copyOf(pending);
  }
  setNZ(result: Node): void {
    this.cmp.valid = false;
    const both = this.dead & ((1 << VAR.nf) | (1 << VAR.zf));
    if (both === ((1 << VAR.nf) | (1 << VAR.zf))) return;
    const r = both === 0 || this.deferrable !== 0 ? this.let(result) : result;
    this.#flagWritten(VAR.nf, r);
    this.#flagWritten(VAR.zf, r);
  }
  setN(signed: Node): void {
    this.#flagWritten(VAR.nf, signed);
  }
  setZ(zero: Node): void {
    this.#flagWritten(VAR.zf, zero);
  }
  setC(c: Node): void {
    this.#flagWritten(VAR.cf, c);
  }
  setV(v: Node): void {
    const compared = this.#comparison(v);
    this.#flagWritten(VAR.vf, v);
    if (compared) this.cmp.valid = true;
  }
  /**
   * Recognises V as a subtraction sets it, (x ^ y) & (x ^ r), and keeps x and y: N, Z and C have just been set from the same r, x
   * and y.
   */
  #comparison(v: Node): boolean {
    if (v.x !== OP.i32_and || v.kind !== OPERATION) return false;
    const left = v.a!;
    const right = v.b!;
    if (
      left.kind !== OPERATION ||
      left.x !== OP.i32_xor ||
      right.kind !== OPERATION ||
      right.x !== OP.i32_xor
    )
      return false;
    if (left.a !== right.a || !isStable(left)) return false;
    this.cmp.a = left.a!;
    this.cmp.b = left.b!;
    this.keepTemps();
    return true;
  }
  orQ(q: Node): void {
    this.setVar(VAR.qf, this.or(q, this.#flag(VAR.qf)));
  }
  setQ(q: Node): void {
    this.setVar(VAR.qf, q);
  }
  setGE(ge: Node): void {
    this.#flagWritten(VAR.ge, ge);
  }
  getGE(): Node {
    return this.#flag(VAR.ge);
  }
  flagN(): Node {
    return this.shr(this.#flag(VAR.nf), this.const(31));
  }
  flagZ(): Node {
    return this.op1(OP.i32_eqz, this.#flag(VAR.zf));
  }
  flagC(): Node {
    return this.#flag(VAR.cf);
  }
  flagV(): Node {
    return this.shr(this.#flag(VAR.vf), this.const(31));
  }
  flagQ(): Node {
    return this.#flag(VAR.qf);
  }

  cond(c: Cond): Node {
    if (c >= 14) return this.const(1);
    if (this.cmp.valid) {
      const op = COMPARISONS[c]!;
      if (op !== 0) return this.op2(op, this.cmp.a, this.cmp.b);
    }
    const zero = this.const(0);
    const n = () => this.#flag(VAR.nf);
    const z = () => this.#flag(VAR.zf);
    const cf = () => this.#flag(VAR.cf);
    const v = () => this.#flag(VAR.vf);
    switch (c) {
      case 0:
        return this.op1(OP.i32_eqz, z());
      case 1:
        return this.ne(z(), zero);
      case 2:
        return cf();
      case 3:
        return this.op1(OP.i32_eqz, cf());
      case 4:
        return this.ltS(n(), zero);
      case 5:
        return this.op2(OP.i32_ge_s, n(), zero);
      case 6:
        return this.ltS(v(), zero);
      case 7:
        return this.op2(OP.i32_ge_s, v(), zero);
      case 8:
        return this.select(z(), cf(), zero);
      case 9:
        return this.op1(OP.i32_eqz, this.select(z(), cf(), zero));
      case 10:
        return this.op2(OP.i32_ge_s, this.xor(n(), v()), zero);
      case 11:
        return this.ltS(this.xor(n(), v()), zero);
      case 12:
        return this.and(this.ne(z(), zero), this.op2(OP.i32_ge_s, this.xor(n(), v()), zero));
      default:
        return this.or(this.op1(OP.i32_eqz, z()), this.ltS(this.xor(n(), v()), zero));
    }
  }

  // ---- memory ----
  /** Writes the page test for `length` bytes at the address in a LOCAL or CONST node. */
  #test(address: Node, length: number, kind: number, align: number): void {
    const { out } = this;
    // The zeros behind the page bytes are for alignments of up to 8.
    if (align > 8 && !this.tested) {
      this.#testAlignment(address, length, kind, align);
      align = 1;
    }
    if (this.tested) {
      if (align > 1) this.#testAlignment(address, length, kind, align);
      return;
    }
    const aligned = length === 1 || length === 2 || length === 4 || length === 8;
    if (length === 1) {
      this.gen(address);
      out.i32(12);
      out.byte(OP.i32_shr_u);
      out.mem(OP.i32_load8_u, PAGE_BYTES);
    } else if (aligned && align <= length && !this.host.unaligned()) {
      // An address that is not a multiple of the length looks into the zeros behind the page bytes.
      this.#pageByteIfAligned(address, length);
    } else {
      if (align >= 4) this.#pageByteIfAligned(address, align);
      else this.#pageByte(address, 0);
      this.#pageByte(address, length - 1);
      out.byte(OP.i32_and);
    }
    const permissions = this.temp(I32);
    out.tee(permissions);
    out.i32(kind);
    out.byte(OP.i32_and);
    out.byte(OP.i32_eqz);
    this.checkIf(address, accessCode(length, kind, align), permissions);
  }

  /** Leaves the page byte of address + offset. */
  #pageByte(address: Node, offset: number): void {
    const { out } = this;
    this.gen(address);
    if (offset !== 0) {
      out.i32(offset);
      out.byte(OP.i32_add);
    }
    out.i32(12);
    out.byte(OP.i32_shr_u);
    out.mem(OP.i32_load8_u, PAGE_BYTES);
  }

  /** Leaves the page byte of an address, or 0 when it is not a multiple of the alignment. */
  #pageByteIfAligned(address: Node, align: number): void {
    const { out } = this;
    // A rotation by 20, which V8's optimizing compiler makes of this; its baseline compiler would call a C function for the one
    // of wasm.
    this.gen(address);
    out.i32(20);
    out.byte(OP.i32_shl);
    this.gen(address);
    out.i32(12);
    out.byte(OP.i32_shr_u);
    out.byte(OP.i32_or);
    out.i32((align << 20) - 1);
    out.byte(OP.i32_and);
    out.mem(OP.i32_load8_u, PAGE_BYTES);
  }

  #testAlignment(address: Node, length: number, kind: number, align: number): void {
    this.gen(address);
    this.out.i32(align - 1);
    this.out.byte(OP.i32_and);
    this.checkIf(address, accessCode(length, kind, align));
  }

  /** Tests a whole group of accesses before the first of them: READ for loads only, WRITE for others. */
  testGroup(register: number, offset: number, length: number, kind: number): void {
    const { out } = this;
    const address = this.let(this.add(this.reg(register), this.const(offset)));
    this.#pageByte(address, 0);
    this.#pageByte(address, length - 1);
    out.byte(OP.i32_and);
    out.i32(kind);
    out.byte(OP.i32_and);
    out.byte(OP.i32_eqz);
    this.checkIf(address, accessCode(length, kind, GROUP_ALIGN));
  }

  /** With the answer to "does it fail?" on the wasm stack: if so asks `check`, and leaves when that says so. */
  protected checkIf(address: Node, code: number, permissions = -1): void {
    const { out } = this;
    this.openUnlikely();
    const stored = this.storePending();
    out.get(CPU);
    this.gen(address);
    out.i32(code);
    this.site(this.host.site(this.dirty & ~stored));
    if (permissions < 0) out.i32(0);
    else out.get(permissions);
    out.call(CHECK);
    out.byte(OP.i32_eqz);
    this.brIfUnlikely(this.faultLabel);
    this.close();
  }

  load(address: Node, size: 1 | 2 | 4): Node {
    if (address.kind === CONST) {
      const word = this.host.constantWord(address.x >>> 0, size);
      if (word !== undefined) return this.const(word);
    }
    const a = this.let(address);
    this.#test(a, size, 1, 1);
    this.gen(a);
    this.out.mem(size === 4 ? OP.i32_load : size === 2 ? OP.i32_load16_u : OP.i32_load8_u, 0);
    return this.fromStack();
  }
  store(address: Node, size: 1 | 2 | 4, v: Node): void {
    const a = this.let(address);
    this.#test(a, size, 2, 1);
    this.gen(a);
    this.gen(v);
    this.out.mem(size === 4 ? OP.i32_store : size === 2 ? OP.i32_store16 : OP.i32_store8, 0);
  }
  access(address: Node, length: number, kind: 1 | 2, align: number): void {
    if (address.kind === OPERATION || address.kind === VARIABLE)
      throw new Error('emitter: access wants its address from let');
    this.#test(address, length, kind, align);
  }
  /** Address of an already tested range as a base on the wasm stack and a static offset. */
  #based(address: Node, offset: number): number {
    // The sum wraps at 32 bits for the guest; wasm's static offset does not, but a tested range never wraps.
    this.gen(address);
    if (offset >= 0) return offset;
    this.out.i32(offset);
    this.out.byte(OP.i32_add);
    return 0;
  }
  loadWord(address: Node, offset: number): Node {
    this.out.mem(OP.i32_load, this.#based(address, offset));
    return this.fromStack();
  }
  storeWord(address: Node, offset: number, v: Node): void {
    const o = this.#based(address, offset);
    this.gen(v);
    this.out.mem(OP.i32_store, o);
  }
  loadDouble(address: Node, offset: number): Node {
    this.out.mem(OP.f64_load, this.#based(address, offset));
    return this.fromStack(F64);
  }
  storeDouble(address: Node, offset: number, w: Node): void {
    const o = this.#based(address, offset);
    this.#vector.genDouble(w);
    this.out.mem(OP.f64_store, o);
  }

  loadExclusive(address: Node, size: 1 | 2 | 4 | 8): [Node, Node] {
    const a = this.let(address);
    this.#test(a, size, 1, size);
    const { out } = this;
    const low = this.temp(I32);
    let high: Node = this.const(0);
    this.gen(a);
    out.mem(size === 1 ? OP.i32_load8_u : size === 2 ? OP.i32_load16_u : OP.i32_load, 0);
    out.set(low);
    const lowNode = new Node(LOCAL, low, null, null, null, 0);
    if (size === 8) high = this.loadWord(a, 4);
    const put = (offset: number, v: Node) => {
      out.get(CPU);
      this.gen(v);
      out.mem(OP.i32_store, offset);
    };
    put(OFF.exArmed, this.const(1));
    put(OFF.exAddress, a);
    put(OFF.exSize, this.const(size));
    put(OFF.exLow, lowNode);
    put(OFF.exHigh, high);
    return [lowNode, high];
  }
  storeExclusive(address: Node, size: 1 | 2 | 4 | 8, low: Node, high: Node): Node {
    const a = this.let(address);
    const lo = this.let(low);
    const hi = this.let(high);
    this.#test(a, size, 2, size);
    const { out } = this;
    const status = this.temp(I32);
    const state = (offset: number) => {
      out.get(CPU);
      out.mem(OP.i32_load, offset);
    };
    state(OFF.exArmed);
    state(OFF.exAddress);
    this.gen(a);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    state(OFF.exSize);
    out.i32(size);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    this.gen(a);
    out.mem(size === 1 ? OP.i32_load8_u : size === 2 ? OP.i32_load16_u : OP.i32_load, 0);
    state(OFF.exLow);
    out.byte(OP.i32_eq);
    out.byte(OP.i32_and);
    if (size === 8) {
      this.gen(a);
      out.mem(OP.i32_load, 4);
      state(OFF.exHigh);
      out.byte(OP.i32_eq);
      out.byte(OP.i32_and);
    }
    out.byte(OP.i32_eqz);
    out.tee(status);
    out.byte(OP.i32_eqz);
    this.open(OP.if);
    this.gen(a);
    this.gen(lo);
    out.mem(size === 1 ? OP.i32_store8 : size === 2 ? OP.i32_store16 : OP.i32_store, 0);
    if (size === 8) {
      this.gen(a);
      this.gen(hi);
      out.mem(OP.i32_store, 4);
    }
    this.close();
    this.clearExclusive();
    return new Node(LOCAL, status, null, null, null, 0);
  }
  clearExclusive(): void {
    this.storeState(OFF.exArmed, 0);
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
    if (register === 'fpscr') throw new Unsupported();
    this.out.get(CPU);
    this.gen(v);
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
    this.vfp.write(64, n, () => this.#vector.genDouble(w));
  }
  sToV(s: Node): Node {
    return s;
  }
  vToS(v: Node): Node {
    return v;
  }
  lowW(w: Node): Node {
    return this.#vector.word(w, 0);
  }
  highW(w: Node): Node {
    return this.#vector.word(w, 1);
  }
  makeW(low: Node, high: Node): Node {
    if (low.kind === CONST && high.kind === CONST) return this.#vector.pair(low.x, high.x);
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
    this.#vector.gen(w);
  }
  setQuad(n: number, w: Node): void {
    this.vfp.write(128, n >> 1, () => this.genVector(w));
  }
  vec1(op: Vector1, t: Lanes, a: Node): Node {
    return this.#vector.vec1(op, t, a);
  }
  vec2(op: Vector2, t: Lanes, a: Node, b: Node): Node {
    return this.#vector.vec2(op, t, a, b);
  }
  vec3(op: Vector3, t: Lanes, a: Node, b: Node, c: Node): Node {
    return this.#vector.vec3(op, t, a, b, c);
  }
  vecShift(op: VectorShift, t: Lanes, a: Node, amount: number): Node {
    return this.#vector.vecShift(op, t, a, amount);
  }
  shuffle(pattern: readonly number[], a: Node, b: Node): Node {
    return this.#vector.shuffle(pattern, a, b);
  }
  splat(t: Lanes, v: Node): Node {
    return this.#vector.splat(t, v);
  }
  getLane(t: Lanes, w: Node, i: number): Node {
    return this.#vector.getLane(t, w, i);
  }
  setLane(t: Lanes, w: Node, i: number, v: Node): Node {
    return this.#vector.setLane(t, w, i, v);
  }
  loadLanes(address: Node, offset: number, _size: 1 | 2 | 4 | 8, quad: boolean): Node {
    if (!quad) return this.loadDouble(address, offset);
    this.out.simdMem(SIMD.load, this.#based(address, offset));
    return this.fromStack(V128);
  }
  storeLanes(address: Node, offset: number, _size: 1 | 2 | 4 | 8, quad: boolean, w: Node): void {
    if (!quad) {
      this.storeDouble(address, offset, w);
      return;
    }
    const o = this.#based(address, offset);
    this.#vector.gen(w);
    this.out.simdMem(SIMD.store, o);
  }

  /** Labels of the instruction's end and of its slow path, when it has one; and what was cached when the fast path was opened. */
  #paths: { end: number; slow: number; cached: CachedRegisters } | null = null;

  /** Begins code that can be left by leaveFastPathIf. Nothing of the instruction has been written yet. */
  openFastPath(): void {
    if (this.#paths !== null) return;
    this.#paths = { end: this.depth, slow: this.depth + 1, cached: this.vfp.cached };
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
    if (this.conditional) this.storeVars(this.dirty & ~this.storePending());
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
