/** Writes stencils (stencil.ts): the writer of handlers, with room for constants where those look at their record. */

import type { Insn } from '../decode/row.ts';
import { effectsOf } from '../evaluator/effects.ts';
import { CPU, PARAMETERS, VAR } from '../jit/convention.ts';
import { LOCAL, type Node, OPERATION } from '../jit/function-writer.ts';
import { ByteWriter, I32, OP, type ValType } from '../jit/wasm.ts';
import { SIMD_PREFIX } from '../jit/wasm-simd.ts';
import { ALWAYS, type BranchKind, pcReads } from '../machine/machine.ts';
import type { ControlName } from '../tier0/control.ts';
import { testsCondition } from '../tier0/form.ts';
import { HandlerWriter, NO_HOST, NoHandler } from '../tier0/handler-writer.ts';
import type { Operand } from '../tier0/operand.ts';
import { shapesOf } from './access-shape.ts';
import {
  COND_SHIFT,
  CONDITIONS,
  FLAG,
  forget,
  HANDLER_PARAMETERS,
  HOLE,
  type Hole,
  LOCALS,
  type Stencil,
} from './stencil.ts';

/** The type of each local behind the parameters. */
const TYPES: readonly ValType[] = LOCALS.flatMap(([count, type]) => Array<ValType>(count).fill(type));

/** An offset in memory that has a hole: its kind and the place of its operand, times these, and the number that belongs to it. */
const MARK = 2 ** 33;
const KIND = 2 ** 45;
const marked = (kind: number, from: number, plus: number): number => kind * KIND + from * MARK + plus;

/** Puts holes where offsets are marked. */
class HoleWriter extends ByteWriter {
  readonly holes: Hole[] = [];

  /** Room for a number that has `size` bytes as LEB128. */
  constant(kind: number, from: number, plus: number, size: number): void {
    this.holes.push({ at: this.length, kind, from, plus });
    for (let i = 1; i < size; i++) this.byte(0x80);
    this.byte(0);
  }
  #offset(offset: number): void {
    if (offset < MARK) this.u32(offset);
    else this.constant(Math.floor(offset / KIND), Math.floor((offset % KIND) / MARK), offset % MARK, 2);
  }
  override mem(op: number, offset: number): void {
    this.byte(op);
    this.u32(0);
    this.#offset(offset);
  }
  override simdMem(op: number, offset: number): void {
    this.byte(SIMD_PREFIX);
    this.u32(op);
    this.u32(0);
    this.#offset(offset);
  }
}

/**
 * Unaligned accesses are done as others are: to leave for them costs a run behind each, and the test of both ends is no longer
 * than the one that asks for alignment.
 */
const HOST = { ...NO_HOST, unaligned: () => true };

export class StencilWriter extends HandlerWriter {
  readonly #holes: HoleWriter;
  /** Of each local behind the parameters, whether it is used; and how many have been. */
  readonly #used = TYPES.map(() => false);
  #locals = 0;
  /** The register of a list that it is at. */
  #listed = 0;
  /** How far ahead of the instruction is what a direct branch counts from. */
  #ahead = 0;
  readonly #what: What;
  /** Where the page test begins, whether nothing but pages is tested there, and where its answer is on the stack. */
  #test: { readonly from: number; readonly isOnly: boolean; readonly to: number } | null = null;
  /** The same of one that is being written. */
  #testing: { readonly from: number; readonly isOnly: boolean } | null = null;
  /** Where it is on the stack whether a branch is taken, -1 when that need not be asked; and how the code before ends. */
  #branch = { at: -1, ends: 0 };
  /** Where it has gone on elsewhere. */
  #gone = -1;
  /** Locations of direct branches, how to get them, and those in the same instruction set. */
  readonly #targets = new WeakMap<Node, () => Node>();
  readonly #direct = new WeakSet<Node>();

  constructor(what: What) {
    const out = new HoleWriter(256);
    super(out, HOST);
    this.#holes = out;
    this.#what = what;
  }

  #constant(kind: number, from: number, plus: number, size = 5): void {
    this.out.byte(OP.i32_const);
    this.#holes.constant(kind, from, plus, size);
  }

  protected override test(address: Node, length: number, kind: number, align: number): void {
    this.out.apart();
    this.#testing = { from: this.out.length, isOnly: align === 1 };
    super.test(address, length, kind, align);
    this.#testing = null;
  }
  protected override operandByte(at: number): void {
    this.#constant(HOLE.BYTE, at, 0, 2);
  }
  protected override operandWord(at: number): void {
    this.#constant(HOLE.WORD, at, 0);
  }
  protected override register(at: number, offset: number): number {
    this.out.get(CPU);
    return marked(HOLE.OFFSET, at, offset);
  }
  /** What is computed of one register of a list the next one needs no more. */
  protected override eachListed(at: number, count: number, body: (i: number) => void): void {
    const before = [...this.#used];
    for (let i = 0; i < count; i++) {
      this.#listed = marked(HOLE.LISTED, at, i);
      body(i);
      before.forEach((isUsed, local) => {
        this.#used[local] = isUsed;
      });
    }
  }
  protected override listed(): number {
    this.out.get(CPU);
    return this.#listed;
  }
  protected override record(): void {
    this.#constant(HOLE.RECORD, 0, 0);
  }
  protected override address(more: number): void {
    this.#constant(HOLE.ADDRESS, 0, more);
  }
  /** Where a branch goes is worked out when it is put in place, if it stays in the instruction set. */
  override branchTarget(offset: number, toThumb: boolean): Node {
    const location = this.placeholder();
    this.#targets.set(location, () => super.branchTarget(offset, toThumb));
    if (toThumb === this.thumb) this.#direct.add(location);
    return location;
  }
  override branch(location: Node, kind: BranchKind): void {
    if (kind !== 'jump' || !this.#direct.has(location)) {
      super.branch(this.#targets.get(location)?.() ?? location, kind);
      return;
    }
    this.#ahead = pcReads({ pc: 0, thumb: this.thumb });
    this.out.get(CPU);
    this.#constant(HOLE.TARGET_RECORD, this.depth, this.#ahead);
    this.#constant(HOLE.TARGET, this.depth, this.#ahead);
    this.goOnBy('sideExit');
  }
  protected override goOnBy(name: ControlName): void {
    forget(this.out, [...HANDLER_PARAMETERS, ...this.#integers()]);
    super.goOnBy(name);
    this.#gone = this.out.length;
  }
  /** What a branch does that is taken or not stands apart, for it may be put where it is out of the way. */
  override when(c: Node, body: () => void, otherwise?: () => void): void {
    if (!(this.#what.flags & FLAG.MAY_JUMP) || this.depth > 0) {
      super.when(c, body, otherwise);
      return;
    }
    this.#genTaken(c);
    this.out.apart();
    this.depth++;
    body();
    this.depth--;
    if (this.#gone !== this.out.length) throw new Error('something is behind a branch');
  }
  /** What is behind comes behind; there is no way to it from the midst of an instruction. */
  override next(): void {
    throw new NoHandler('goes on from the midst');
  }

  /** The way that is not usual is written where the test is put in place: apart from the other, as that of a branch. */
  protected override checkUnless(address: Node, code: number, permissions = -1): void {
    if (this.#testing === null || this.#test !== null || this.depth > 0) {
      super.checkUnless(address, code, permissions);
      return;
    }
    this.#test = { ...this.#testing, to: this.out.length };
    this.out.apart();
  }

  /**
   * What the page test does not allow the instruction's own handler does, from its beginning: nothing has been done by then. So
   * the way that is usual has no call, and V8 keeps what it has in registers.
   */
  protected override checkIf(): void {
    this.openUnlikely();
    this.#constant(HOLE.HANDLER, 0, 0, 3);
    this.record();
    this.address(0);
    this.out.byte(OP.br);
    this.#holes.constant(HOLE.WAY_OUT, this.depth, 0, 2);
    this.close();
  }

  override newLocal(type: ValType): number {
    const free = TYPES.findIndex((t, i) => t === type && !this.#used[i]);
    if (free < 0) throw new NoHandler('too many locals');
    this.#used[free] = true;
    this.#locals = Math.max(this.#locals, free + 1);
    return PARAMETERS + free;
  }
  override typeOf(n: Node): ValType {
    return n.kind === LOCAL && n.x >= PARAMETERS ? TYPES[n.x - PARAMETERS]! : I32;
  }

  /** The locals that have been used and hold integers. */
  #integers(): number[] {
    const isInteger = (local: number) => TYPES[local - PARAMETERS] === I32;
    return Array.from({ length: this.#locals }, (_, i) => PARAMETERS + i).filter(isInteger);
  }

  /** Leaves whether a condition holds behind a comparison, which `body` makes: of the flags nothing but that is worked out. */
  fused(cond: number, body: () => void): Stencil {
    this.deferrable = DEAD_NZCV;
    body();
    this.#genTaken(this.cond(cond));
    return this.stencil();
  }
  #genTaken(c: Node): void {
    this.gen(c);
    this.#branch = { at: this.out.length, ends: endOf(c) };
  }

  /** What has been written, of an instruction. Nobody needs its locals any more. */
  stencil(): Stencil {
    const what = this.#what;
    const test = this.#test;
    const branch = this.#branch;
    if (branch.at < 0) forget(this.out, this.#integers());
    return {
      ...what,
      flags: what.flags | branch.ends,
      access: test?.isOnly ? what.access : null,
      test: test === null ? null : [test.from, test.to],
      branch: Math.max(0, branch.at),
      code: this.out.view().slice(),
      holes: this.#holes.holes,
      locals: this.#locals,
      ahead: this.#ahead,
    };
  }
}

/** How the code of a condition ends. */
function endOf({ kind, x }: Node): number {
  if (kind !== OPERATION) return 0;
  return x === OP.i32_eqz ? FLAG.EQZ : x > OP.i32_eqz && x <= OP.i32_ge_u ? FLAG.COMPARES : 0;
}

/** What the code does not tell. */
export type What = Pick<Stencil, 'flags' | 'reads' | 'writes' | 'access' | 'core'>;

export const NZCV = 15;
/** N, Z, C and V, as variables that nobody reads. */
export const DEAD_NZCV = (1 << VAR.nf) | (1 << VAR.zf) | (1 << VAR.cf) | (1 << VAR.vf);

/** What the stencil of an instruction says of it. What is run under a condition tests it outside, or itself. */
export function whatOf(insn: Insn, operands: readonly Operand[]): What {
  const always = testsCondition(insn) ? insn : { ...insn, cond: ALWAYS };
  const { branch, trap, reads, writes, mayWrite } = effectsOf(always, 0);
  const jumps = branch === null ? 0 : branch.conditional ? FLAG.MAY_JUMP : FLAG.JUMPS;
  const cond = testsCondition(insn) && insn.cond < CONDITIONS ? FLAG.HAS_COND | (insn.cond << COND_SHIFT) : 0;
  return {
    flags: jumps | cond | (trap !== null ? FLAG.ENDS : 0) | (insn.size === 4 ? FLAG.LONG : 0),
    reads: reads.flags & NZCV,
    writes: (mayWrite.flags & NZCV) | ((writes.flags & NZCV) << 8),
    ...shapesOf(always, operands),
  };
}
