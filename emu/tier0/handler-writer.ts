/**
 * Machine as a writer of interpreter handlers: the wasm emitter with operands as holes.
 *
 * An op is run with made-up numbers for its operands (`holeOf`). Where such a number reaches the machine, as a register or a
 * constant, code is written that takes the operand from the record. A number that TypeScript has computed from one would go
 * unnoticed into the code: so each handler is written twice, with other numbers, and must come out the same (generate.ts).
 *
 * A handler is (state block, record, address) -> location or LEAVE, as a region function is: it does the instruction on the state
 * block itself, and ends with the next handler in a tail call.
 */

import { OFF } from '../cpu-state.ts';
import { CPU, importIndex, LEAVE, VAR_OFFSET } from '../jit/convention.ts';
import { Emitter, type EmitterHost } from '../jit/emitter.ts';
import type { Node } from '../jit/function-writer.ts';
import { type RegisterSize, VfpRegisters, vfpOffset } from '../jit/vfp-registers.ts';
import { type ByteWriter, F32, F64, I32, I64, OP } from '../jit/wasm.ts';
import { SIMD, V128 } from '../jit/wasm-simd.ts';
import {
  type AccessKind,
  type BranchKind,
  isUnsigned,
  type Lanes,
  laneBits,
  pcReads,
  type Trap,
} from '../machine/machine.ts';
import { type ControlName, controlIndex, HANDLER_TABLE, HANDLER_TYPE } from './control.ts';
import { WIDE } from './form.ts';
import type { Operand, OperandKind } from './operand.ts';
import { MAX_BYTES, RECORD, RECORD_SCALE } from './record.ts';

const STEP = importIndex('step');
const SVC = importIndex('svc');

/** The parameters of a handler beside CPU. */
export const REC = 1;
export const ADDRESS = 2;

/** Made-up numbers stand so far apart, and so far may an op count on from one. */
const SPACING = 0x1_0000;
const NEAR = 64;

/** The number that stands for operand i; `base` differs between the two times a handler is written. */
export function holeOf(base: number, i: number): number {
  return base + i * SPACING;
}

/** An op did something with an operand that no handler can: the evaluator runs such instructions. */
export class NoHandler extends Error {}

/** Extension registers in the state block; a Q register goes by the number of its lower D register. */
class VfpOperands extends VfpRegisters {
  readonly #w: HandlerWriter;
  constructor(writer: HandlerWriter) {
    super(writer);
    this.#w = writer;
  }
  override isCached(): boolean {
    return false;
  }
  override read(size: RegisterSize, n: number): number {
    const { out } = this.#w;
    const offset = this.#w.vfpAddress(size, n);
    if (size === 128) out.simdMem(SIMD.load, offset);
    else out.mem(size === 32 ? OP.f32_load : OP.f64_load, offset);
    const local = this.#w.temp(size === 32 ? F32 : size === 64 ? F64 : V128);
    out.set(local);
    return local;
  }
  override write(size: RegisterSize, n: number, value: () => void): void {
    const { out } = this.#w;
    const offset = this.#w.vfpAddress(size, n);
    value();
    if (size === 128) out.simdMem(SIMD.store, offset);
    else out.mem(size === 32 ? OP.f32_store : OP.f64_store, offset);
  }
  override load(): void {}
  override loadAgain(): void {}
}

/** What the emitter's host does in regions, the writer does itself. */
export const NO_HOST: EmitterHost = {
  branch: () => {},
  trap: () => {},
  unaligned: () => false,
  site: () => 0,
  leavesForPages: () => false,
  leave: () => {},
  constantWord: () => undefined,
};

export class HandlerWriter extends Emitter {
  override readonly vfp = new VfpOperands(this);
  /** Operands by hole, in the order of their first use. */
  readonly used = new Map<number, Operand>();
  #names: readonly string[] = [];
  #base = 0;
  /** The register that a loop over a list is at, in a local; -1 outside. */
  #listRegister = -1;
  /** Locations made by branchTarget. */
  readonly #direct = new WeakSet<Node>();
  /** How far behind the handler's address the instruction is: it is the second of a pair. */
  #ahead = 0;

  constructor(out: ByteWriter, host = NO_HOST) {
    super(out, host);
  }

  /** Begins a handler. */
  beginHandler(operands: readonly string[], base: number, size: number, thumb: boolean): void {
    this.reset();
    this.#ahead = 0;
    this.#operandsOf(operands, base);
    this.begin(0, size, thumb);
  }

  /** Goes on with a second instruction, of the same set, in the same handler. */
  beginSecond(operands: readonly string[], base: number, size: number): void {
    this.#ahead = this.size;
    this.#operandsOf(operands, base);
    this.begin(0, size, this.thumb);
  }

  #operandsOf(names: readonly string[], base: number): void {
    this.#names = names;
    this.#base = base;
    this.used.clear();
  }

  // ---- what is known when the handler runs; a stencil knows it when it is put in place ----
  /** Leaves an operand of one byte, and a wide one. */
  protected operandByte(at: number): void {
    this.#loadRecord(OP.i32_load8_u, at);
  }
  protected operandWord(at: number): void {
    this.#loadRecord(OP.i32_load, at);
  }
  #loadRecord(op: number, at: number): void {
    this.out.get(REC);
    this.out.mem(op, at + this.#ahead * RECORD_SCALE);
  }

  /** Leaves a base address for the register that an operand names; gives the offset to it, `offset` being that of register 0. */
  protected register(at: number, offset: number): number {
    this.out.get(CPU);
    this.operandByte(at);
    this.out.byte(OP.i32_add);
    return offset;
  }

  /** Leaves the address of the instruction's record. */
  protected record(): void {
    this.out.get(REC);
    if (this.#ahead === 0) return;
    this.out.i32(this.#ahead * RECORD_SCALE);
    this.out.byte(OP.i32_add);
  }

  /** Leaves the instruction's address, and something more. */
  protected address(more: number): void {
    this.out.get(ADDRESS);
    if (this.#ahead + more === 0) return;
    this.out.i32(this.#ahead + more);
    this.out.byte(OP.i32_add);
  }

  // ---- operands ----
  #hole(x: number): { i: number; delta: number } | null {
    const from = x - this.#base;
    const i = Math.round(from / SPACING);
    const delta = from - i * SPACING;
    return i >= 0 && i < this.#names.length && Math.abs(delta) <= NEAR ? { i, delta } : null;
  }

  #operand(i: number, kind: OperandKind): Operand {
    const known = this.used.get(i);
    if (known !== undefined) {
      if (known.kind !== kind) throw new NoHandler(`${known.name} is ${known.kind} and ${kind}`);
      return known;
    }
    const name = this.#names[i]!;
    const others = [...this.used.values()];
    let at: number = RECORD.word;
    if (kind === 'wide') {
      if (others.some((o) => o.kind === 'wide')) throw new NoHandler('two wide operands');
    } else {
      at = RECORD.bytes + others.filter((o) => o.kind !== 'wide').length;
      if (at >= RECORD.bytes + MAX_BYTES) throw new NoHandler('too many operands');
    }
    const operand = { name, kind, at };
    this.used.set(i, operand);
    return operand;
  }

  /** Leaves a base address for core register n; gives the offset to it. */
  #coreAddress(n: number): number {
    if (n === LIST_REGISTER) return this.listed();
    const hole = this.#hole(n);
    if (hole === null) {
      this.out.get(CPU);
      return OFF.r + 4 * n;
    }
    return this.register(this.#operand(hole.i, 'core').at, OFF.r + 4 * hole.delta);
  }

  /** Leaves a base address for an extension register; gives the offset to it. */
  vfpAddress(size: RegisterSize, n: number): number {
    const hole = this.#hole(n);
    const unit = size === 32 ? 32 : 64;
    if (hole === null) {
      this.out.get(CPU);
      return vfpOffset(unit, n);
    }
    const { at } = this.#operand(hole.i, unit === 32 ? 'single' : 'double');
    return this.register(at, vfpOffset(unit, hole.delta));
  }

  // ---- registers ----
  override reg(n: number): Node {
    const { out } = this;
    if (n === 15) {
      this.address(pcReads({ pc: 0, thumb: this.thumb }));
      return this.fromStack();
    }
    out.mem(OP.i32_load, this.#coreAddress(n));
    return this.fromStack();
  }
  override setReg(n: number, v: Node): void {
    const value = this.let(v);
    const offset = this.#coreAddress(n);
    this.gen(value);
    this.out.mem(OP.i32_store, offset);
  }
  override eachRegister(list: number, count: number, body: (n: number, i: number) => void): void {
    const hole = this.#hole(list);
    if (hole === null) {
      super.eachRegister(list, count, body);
      return;
    }
    this.eachListed(this.#operand(hole.i, 'wide').at, count, (i) => body(LIST_REGISTER, i));
  }

  /** For each of `count` registers in a list, which is an operand. */
  protected eachListed(at: number, count: number, body: (i: number) => void): void {
    const rest = this.newLocal(I32);
    this.#listRegister = this.newLocal(I32);
    this.operandWord(at);
    this.out.set(rest);
    eachBit(this.out, rest, this.#listRegister, count, body);
  }
  /** Leaves a base address for the register that it is at; gives the offset to it. */
  protected listed(): number {
    const { out } = this;
    out.get(CPU);
    out.get(this.#listRegister);
    out.i32(2);
    out.byte(OP.i32_shl);
    out.byte(OP.i32_add);
    return OFF.r;
  }

  // ---- what depends on where the instruction stands ----
  #pc(align: boolean, offset: number): Node {
    let pc = this.reg(15);
    if (align) pc = this.and(pc, super.const(-4));
    return this.add(pc, this.const(offset));
  }
  override branchTarget(offset: number, toThumb: boolean): Node {
    const target = this.#pc(!toThumb, offset);
    const location = this.let(toThumb ? this.or(target, super.const(1)) : target);
    this.#direct.add(location);
    return location;
  }
  override literal(offset: number): Node {
    return this.#pc(true, offset);
  }
  override returnLocation(): Node {
    // An instruction's address has bit 0 clear.
    this.address(this.size + (this.thumb ? 1 : 0));
    return this.fromStack();
  }

  override const(x: number): Node {
    const hole = this.#hole(x);
    if (hole !== null) {
      if (hole.delta !== 0) throw new NoHandler('counts on from an immediate');
      return this.#immediate(hole.i);
    }
    const negative = this.#hole(-x);
    if (negative === null || negative.delta !== 0) return super.const(x);
    return this.neg(this.#immediate(negative.i));
  }

  #immediate(i: number): Node {
    const known = this.used.get(i)?.kind;
    const wide = known === 'wide' || (known === undefined && WIDE.has(this.#names[i]!));
    const { at } = this.#operand(i, wide ? 'wide' : 'small');
    if (wide) this.operandWord(at);
    else this.operandByte(at);
    return this.fromStack();
  }

  // ---- memory and lanes, by operands ----
  override access(address: Node, length: number, kind: AccessKind, align: number): void {
    const hole = this.#hole(align);
    if (hole === null) {
      super.access(address, length, kind, align);
      return;
    }
    // An address that is not aligned is the evaluator's.
    this.gen(this.and(address, this.sub(this.#immediate(hole.i), super.const(1))));
    this.openUnlikely();
    this.stepHere();
    this.next();
    this.close();
    super.access(address, length, kind, 1);
  }

  override getLane(t: Lanes, w: Node, i: number): Node {
    const hole = this.#hole(i);
    if (hole === null) return super.getLane(t, w, i);
    const { out } = this;
    const at = this.#laneAt(t, hole.i);
    this.vector.genDouble(w);
    out.byte(OP.i64_reinterpret_f64);
    out.get(at);
    out.byte(OP.i64_shr_u);
    out.byte(OP.i32_wrap_i64);
    const word = this.fromStack();
    const bits = laneBits(t);
    if (bits === 32) return word;
    if (isUnsigned(t)) return this.and(word, super.const(2 ** bits - 1));
    return bits === 8 ? this.ext8(word) : this.ext16(word);
  }

  override setLane(t: Lanes, w: Node, i: number, v: Node): Node {
    const hole = this.#hole(i);
    if (hole === null) return super.setLane(t, w, i, v);
    const { out } = this;
    const at = this.#laneAt(t, hole.i);
    const ones = () => {
      out.byte(OP.i64_const);
      out.s64(2n ** BigInt(laneBits(t)) - 1n);
    };
    this.vector.genDouble(w);
    out.byte(OP.i64_reinterpret_f64);
    ones();
    out.get(at);
    out.byte(OP.i64_shl);
    out.byte(OP.i64_const);
    out.s64(-1n);
    out.byte(OP.i64_xor);
    out.byte(OP.i64_and);
    this.gen(v);
    out.byte(OP.i64_extend_i32_u);
    ones();
    out.byte(OP.i64_and);
    out.get(at);
    out.byte(OP.i64_shl);
    out.byte(OP.i64_or);
    return this.fromStack(I64);
  }

  /** A local of the lowest bit of a D register's lane whose index is an operand. */
  #laneAt(t: Lanes, i: number): number {
    const { out } = this;
    const at = this.temp(I64);
    this.gen(this.mul(this.#immediate(i), super.const(laneBits(t))));
    out.byte(OP.i64_extend_i32_u);
    out.set(at);
    return at;
  }

  // ---- variables live in the state block ----
  protected override setVar(v: number, n: Node): void {
    const value = this.let(n);
    this.out.get(CPU);
    this.gen(value);
    this.out.mem(OP.i32_store, VAR_OFFSET[v]!);
  }
  protected override readVar(v: number): Node {
    return this.stateWord(VAR_OFFSET[v]!);
  }

  override getS(n: number): Node {
    this.out.mem(OP.i32_load, this.vfpAddress(32, n));
    return this.fromStack();
  }
  override getQuad(n: number): Node {
    this.out.get(this.vfp.read(128, n));
    return this.fromStack(V128);
  }
  override setQuad(n: number, w: Node): void {
    this.vfp.write(128, n, () => this.genVector(w));
  }

  // ---- ways out ----
  protected override keepPermissions(): number {
    return -1;
  }
  protected override checkIf(address: Node, code: number): void {
    const { out } = this;
    this.openUnlikely();
    out.get(CPU);
    this.record();
    this.address(0);
    this.gen(address);
    out.i32(code);
    out.call(controlIndex('check'));
    this.leaveUnless();
    this.close();
  }

  override branch(location: Node, kind: BranchKind): void {
    const direct = this.#direct.has(location);
    const name: ControlName =
      kind === 'call' ? 'call' : kind === 'return' ? 'returnTo' : direct ? 'jumpDirect' : 'jump';
    this.#genJump(location);
    this.goOnBy(name);
  }
  /** Ends with a control function, whose arguments are on the stack. */
  protected goOnBy(name: ControlName): void {
    this.out.byte(OP.return_call);
    this.out.u32(controlIndex(name));
  }
  /** The parameters of a control function: state block, location, the instruction's address. */
  #genJump(location: Node): void {
    const to = this.let(location);
    this.out.get(CPU);
    this.gen(to);
    this.address(0);
  }

  override trap(kind: Trap, imm: number): void {
    if (kind !== 'svc') {
      this.stepHere();
      return;
    }
    const { out } = this;
    this.storeAddress(this.size);
    const number = this.let(this.const(imm));
    out.get(CPU);
    this.gen(number);
    out.call(SVC);
    this.leaveUnless();
  }

  override yield(): void {
    this.stepHere();
  }

  /** Puts a place in the state: `ahead` bytes behind the instruction's address. */
  storeAddress(ahead: number): void {
    const { out } = this;
    out.get(CPU);
    this.address(ahead);
    out.mem(OP.i32_store, OFF.r + 60);
  }

  override stepHere(): void {
    if (this.#ahead > 0) throw new NoHandler('the second of a pair is not left to the evaluator');
    const { out } = this;
    this.storeAddress(0);
    out.get(CPU);
    this.record();
    out.mem(OP.i32_load8_u, RECORD.it);
    out.mem(OP.i32_store, OFF.it);
    out.get(CPU);
    out.call(STEP);
    this.leaveUnless();
  }

  /** Goes on with the instruction behind this one. */
  next(): void {
    const { out, size } = this;
    out.get(CPU);
    out.get(REC);
    out.i32((this.#ahead + size) * RECORD_SCALE);
    out.byte(OP.i32_add);
    this.address(size);
    this.#loadRecord(OP.i32_load16_u, RECORD.handler + size * RECORD_SCALE);
    out.byte(OP.return_call_indirect);
    out.u32(HANDLER_TYPE);
    out.u32(HANDLER_TABLE);
  }

  override leave(): void {
    this.out.i32(LEAVE);
    this.out.byte(OP.return);
  }
}

const LIST_REGISTER = -2;

/** For each of `count` bits that are set in a local, which has none of them then: puts its number in another. */
function eachBit(
  out: ByteWriter,
  rest: number,
  number: number,
  count: number,
  body: (i: number) => void,
): void {
  for (let i = 0; i < count; i++) {
    out.get(rest);
    out.byte(OP.i32_ctz);
    out.set(number);
    body(i);
    if (i === count - 1) break;
    out.get(rest);
    out.get(rest);
    out.i32(-1);
    out.byte(OP.i32_add);
    out.byte(OP.i32_and);
    out.set(rest);
  }
}
