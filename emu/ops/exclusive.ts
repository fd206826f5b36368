/**
 * Synchronisation: exclusive accesses and swaps (ARM ARM A3.4, A4.6.4, A8.8.229).
 */

import type { Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';

export interface Exclusive {
  /** Status register of a store. */
  readonly d: number;
  readonly t: number;
  readonly t2: number;
  readonly n: number;
  /** Offset in bytes (T32 LDREX, STREX only). */
  readonly imm: number;
}

function address<V, W, S>(m: Machine<V, W, S>, a: Exclusive): V {
  return m.add(m.reg(a.n), m.const(a.imm));
}

function load<V, W, S>(m: Machine<V, W, S>, a: Exclusive, size: 1 | 2 | 4): void {
  const [low] = m.loadExclusive(m.let(address(m, a)), size);
  m.setReg(a.t, low);
}

function store<V, W, S>(m: Machine<V, W, S>, a: Exclusive, size: 1 | 2 | 4): void {
  m.setReg(a.d, m.storeExclusive(m.let(address(m, a)), size, m.let(m.reg(a.t)), m.const(0)));
}

export function ldrex<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  load(m, a, 4);
}

export function ldrexb<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  load(m, a, 1);
}

export function ldrexh<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  load(m, a, 2);
}

export function ldrexd<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  const [low, high] = m.loadExclusive(m.let(address(m, a)), 8);
  const second = m.let(high);
  m.setReg(a.t, low);
  m.setReg(a.t2, second);
}

export function strex<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  store(m, a, 4);
}

export function strexb<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  store(m, a, 1);
}

export function strexh<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  store(m, a, 2);
}

/** STREXD stores t at the lower address whatever the endianness. */
export function strexd<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  const low = m.let(m.reg(a.t));
  const high = m.let(m.reg(a.t2));
  m.setReg(a.d, m.storeExclusive(m.let(address(m, a)), 8, low, high));
}

export function clrex<V, W, S>(m: Machine<V, W, S>): void {
  m.clearExclusive();
}

/** SWP: t = [n]; [n] = t2. */
export function swp<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  const at = m.let(m.reg(a.n));
  m.access(at, 4, READ, 4);
  m.access(at, 4, WRITE, 4);
  const old = m.loadWord(at, 0);
  m.storeWord(at, 0, m.reg(a.t2));
  m.setReg(a.t, old);
}

export function swpb<V, W, S>(m: Machine<V, W, S>, a: Exclusive): void {
  const at = m.let(m.reg(a.n));
  const old = m.let(m.load(at, 1));
  m.store(at, 1, m.reg(a.t2));
  m.setReg(a.t, old);
}
