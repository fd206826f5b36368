/** Writes stencils (stencil.ts): the writer of handlers, with room for constants where those look at their record. */

import type { Insn } from '../decode/row.ts';
import { effectsOf } from '../evaluator/effects.ts';
import { CPU, PARAMETERS, VAR } from '../jit/convention.ts';
import { LOCAL, type Node } from '../jit/function-writer.ts';
import { ByteWriter, F32, F64, I32, I64, OP, type ValType } from '../jit/wasm.ts';
import { SIMD_PREFIX, V128 } from '../jit/wasm-simd.ts';
import { ALWAYS, type BranchKind, pcReads } from '../machine/machine.ts';
import { controlIndex } from '../tier0/control.ts';
import { testsCondition } from '../tier0/form.ts';
import { HandlerWriter, NoHandler } from '../tier0/handler-writer.ts';
import { FLAG, HOLE, type Hole, LOCALS, type Stencil } from './stencil.ts';

/** First local of each type, and the one behind the last. */
const FIRST: Readonly<Record<number, number>> = {
  [I64]: PARAMETERS,
  [I32]: PARAMETERS + LOCALS.i64,
  [F64]: PARAMETERS + LOCALS.i64 + LOCALS.i32,
  [F32]: PARAMETERS + LOCALS.i64 + LOCALS.i32 + LOCALS.f64,
  [V128]: PARAMETERS + LOCALS.i64 + LOCALS.i32 + LOCALS.f64 + LOCALS.f32,
};
const COUNT: Readonly<Record<number, number>> = {
  [I64]: LOCALS.i64,
  [I32]: LOCALS.i32,
  [F64]: LOCALS.f64,
  [F32]: LOCALS.f32,
  [V128]: LOCALS.v128,
};

/** An offset in memory that has a hole is the place of its operand times this, and the number that is added. */
const MARK = 2 ** 33;

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
    else this.constant(HOLE.OFFSET, Math.floor(offset / MARK), offset % MARK, 2);
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

export class StencilWriter extends HandlerWriter {
  readonly #holes: HoleWriter;
  readonly #used = new Map<ValType, number>();
  /** How far ahead of the instruction is what a direct branch counts from. */
  #ahead = 0;
  /** Locations of direct branches, how to get them, and those in the same instruction set. */
  readonly #targets = new WeakMap<Node, () => Node>();
  readonly #direct = new WeakSet<Node>();

  constructor() {
    const out = new HoleWriter(256);
    super(out);
    this.#holes = out;
  }

  #constant(kind: number, from: number, plus: number, size = 5): void {
    this.out.byte(OP.i32_const);
    this.#holes.constant(kind, from, plus, size);
  }

  protected override operandByte(at: number): void {
    this.#constant(HOLE.BYTE, at, 0, 2);
  }
  protected override operandWord(at: number): void {
    this.#constant(HOLE.WORD, at, 0);
  }
  protected override register(at: number, offset: number): number {
    this.out.get(CPU);
    return at * MARK + offset;
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
    this.out.byte(OP.return_call);
    this.out.u32(controlIndex('sideExit'));
  }
  /** What is behind comes behind; there is no way to it from the midst of an instruction. */
  override next(): void {
    throw new NoHandler('goes on from the midst');
  }

  override newLocal(type: ValType): number {
    const used = this.#used.get(type) ?? 0;
    if (used === COUNT[type]) throw new NoHandler('too many locals');
    this.#used.set(type, used + 1);
    return FIRST[type]! + used;
  }
  override typeOf(n: Node): ValType {
    if (n.kind !== LOCAL) return I32;
    const types = [I64, I32, F64, F32, V128] as const;
    return types.findLast((type) => n.x >= FIRST[type]!) ?? I32;
  }

  /** What has been written, of an instruction. */
  stencil(what: Pick<Stencil, 'flags' | 'reads' | 'writes'>): Stencil {
    const floats = [F64, F32, V128].some((type) => this.#used.has(type as ValType));
    return {
      ...what,
      code: this.out.view().slice(),
      holes: this.#holes.holes,
      flags: what.flags | (floats ? FLAG.FLOATS : 0),
      locals: this.#used.get(I32) ?? 0,
      ahead: this.#ahead,
    };
  }
}

const NZCV = 15;
/** N, Z, C and V, as variables that nobody reads. */
export const DEAD_NZCV = (1 << VAR.nf) | (1 << VAR.zf) | (1 << VAR.cf) | (1 << VAR.vf);

/** What the stencil of an instruction says of it. What is run under a condition tests it outside, or itself. */
export function whatOf(insn: Insn): Pick<Stencil, 'flags' | 'reads' | 'writes'> {
  const effects = effectsOf(testsCondition(insn) ? insn : { ...insn, cond: ALWAYS }, 0);
  const { branch, trap, reads, writes, mayWrite } = effects;
  const jumps = branch === null ? 0 : branch.conditional ? FLAG.MAY_JUMP : FLAG.JUMPS;
  return {
    flags: jumps | (trap !== null ? FLAG.ENDS : 0) | (insn.size === 4 ? FLAG.LONG : 0),
    reads: reads.flags & NZCV,
    writes: (mayWrite.flags & NZCV) | ((writes.flags & NZCV) << 8),
  };
}
