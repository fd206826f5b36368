/**
 * Branches (ARM ARM A4.3). Locations have bit 0 set in Thumb state.
 */
import type { Machine } from '../machine/machine.ts';

export interface DirectBranch {
  /** imm32 of the manual: from the PC as it reads, to the word of it when the target is ARM code. */
  readonly offset: number;
  /** The instruction set of the target. */
  readonly thumb: boolean;
}

export function b<V, W, S>(m: Machine<V, W, S>, a: DirectBranch): void {
  m.branch(m.branchTarget(a.offset, a.thumb), 'jump');
}

/** BL, and BLX to a label. */
export function bl<V, W, S>(m: Machine<V, W, S>, a: DirectBranch): void {
  m.setReg(14, m.returnLocation());
  m.branch(m.branchTarget(a.offset, a.thumb), 'call');
}

/** BX, and BXJ without Jazelle. */
export function bx<V, W, S>(m: Machine<V, W, S>, a: { readonly m: number }): void {
  m.branch(m.reg(a.m), a.m === 14 ? 'return' : 'jump');
}

export function blx<V, W, S>(m: Machine<V, W, S>, a: { readonly m: number }): void {
  const target = m.let(m.reg(a.m));
  m.setReg(14, m.returnLocation());
  m.branch(target, 'call');
}

export interface CompareBranch extends DirectBranch {
  readonly n: number;
}

export function cbz<V, W, S>(m: Machine<V, W, S>, a: CompareBranch): void {
  m.when(m.eq(m.reg(a.n), m.const(0)), () => b(m, a));
}

export function cbnz<V, W, S>(m: Machine<V, W, S>, a: CompareBranch): void {
  m.when(m.ne(m.reg(a.n), m.const(0)), () => b(m, a));
}

/** TBB and TBH: forward by twice the table's entry; the table is at n, often the PC. */
export interface TableBranch {
  readonly n: number;
  readonly m: number;
}

function tableBranch<V, W, S>(m: Machine<V, W, S>, address: V, size: 1 | 2): void {
  const offset = m.shl(m.load(address, size), m.const(1));
  m.branch(m.or(m.add(m.reg(15), offset), m.const(1)), 'jump');
}

export function tbb<V, W, S>(m: Machine<V, W, S>, a: TableBranch): void {
  tableBranch(m, m.add(m.reg(a.n), m.reg(a.m)), 1);
}

export function tbh<V, W, S>(m: Machine<V, W, S>, a: TableBranch): void {
  tableBranch(m, m.add(m.reg(a.n), m.shl(m.reg(a.m), m.const(1))), 2);
}
