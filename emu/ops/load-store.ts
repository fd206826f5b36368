/**
 * Loads and stores of single registers and pairs (ARM ARM A4.6, A8.5).
 *
 * The base register is written only after the access has succeeded. A load to the PC is an interworking branch. The unprivileged
 * forms (LDRT, STRT ...) are ordinary accesses in User mode.
 */

import type { Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';
import { shift } from './shift.ts';

export interface Transfer {
  /** Register transferred, and the second one of a pair. */
  readonly t: number;
  readonly t2: number;
  /** Base; 15 is the literal pool's Align(PC, 4). */
  readonly n: number;
  /** Offset: a shifted register, or `imm` (its magnitude) when m is -1. */
  readonly m: number;
  readonly imm: number;
  readonly type: number;
  readonly amount: number;
  readonly add: boolean;
  /** Pre-indexed or offset addressing; else post-indexed. */
  readonly index: boolean;
  readonly wback: boolean;
}

function base<V, W, S>(m: Machine<V, W, S>, a: Transfer): V {
  return a.n === 15 ? m.literal(0) : m.reg(a.n);
}

/** Base plus or minus offset. */
function indexed<V, W, S>(m: Machine<V, W, S>, a: Transfer): V {
  if (a.m >= 0) {
    const offset = shift(m, m.reg(a.m), a.type, a.amount);
    return a.add ? m.add(base(m, a), offset) : m.sub(base(m, a), offset);
  }
  return m.add(base(m, a), m.const(a.add ? a.imm : -a.imm));
}

/** Loads and writes the base back; the value is held when there is a write-back. */
function load<V, W, S>(m: Machine<V, W, S>, a: Transfer, size: 1 | 2 | 4): V {
  if (!a.wback) return m.load(indexed(m, a), size);
  const updated = m.let(indexed(m, a));
  const value = m.let(m.load(a.index ? updated : base(m, a), size));
  m.setReg(a.n, updated);
  return value;
}

function store<V, W, S>(m: Machine<V, W, S>, a: Transfer, size: 1 | 2 | 4): void {
  if (!a.wback) {
    m.store(indexed(m, a), size, m.reg(a.t));
    return;
  }
  const updated = m.let(indexed(m, a));
  m.store(a.index ? updated : base(m, a), size, m.reg(a.t));
  m.setReg(a.n, updated);
}

export function ldr<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  const value = load(m, a, 4);
  if (a.t !== 15) m.setReg(a.t, value);
  else m.branch(value, a.n === 13 && a.wback && !a.index && a.imm === 4 ? 'return' : 'jump');
}

export function ldrb<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  m.setReg(a.t, load(m, a, 1));
}

export function ldrh<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  m.setReg(a.t, load(m, a, 2));
}

export function ldrsb<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  m.setReg(a.t, m.ext8(load(m, a, 1)));
}

export function ldrsh<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  m.setReg(a.t, m.ext16(load(m, a, 2)));
}

export function str<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  store(m, a, 4);
}

export function strb<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  store(m, a, 1);
}

export function strh<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  store(m, a, 2);
}

/** LDRD; Linux fixes unaligned ones up, so no alignment is asked. */
export function ldrd<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  const updated = m.let(indexed(m, a));
  const address = a.index ? updated : m.let(base(m, a));
  m.access(address, 8, READ, 1);
  const low = m.loadWord(address, 0);
  const high = m.loadWord(address, 4);
  if (a.wback) m.setReg(a.n, updated);
  m.setReg(a.t, low);
  m.setReg(a.t2, high);
}

export function strd<V, W, S>(m: Machine<V, W, S>, a: Transfer): void {
  const updated = m.let(indexed(m, a));
  const address = a.index ? updated : m.let(base(m, a));
  m.access(address, 8, WRITE, 1);
  m.storeWord(address, 0, m.reg(a.t));
  m.storeWord(address, 4, m.reg(a.t2));
  if (a.wback) m.setReg(a.n, updated);
}
