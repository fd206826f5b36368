/**
 * Multiply and divide instructions (ARM ARM A4.4.3, A4.4.4).
 *
 * The machine has no 64-bit integer arithmetic: long results are pairs (low, high) with the carry made explicit.
 */
import type { Machine } from '../machine/machine.ts';

/** d = n * m (+ or - a). */
export interface Multiply {
  readonly s: boolean;
  readonly d: number;
  readonly n: number;
  readonly m: number;
  readonly a: number;
}

/** hi:lo = n * m (+ hi:lo). */
export interface LongMultiply {
  readonly s: boolean;
  readonly lo: number;
  readonly hi: number;
  readonly n: number;
  readonly m: number;
}

function finish<V, W, S>(m: Machine<V, W, S>, a: Multiply, result: V): void {
  if (!a.s) {
    m.setReg(a.d, result);
    return;
  }
  const r = m.let(result);
  m.setNZ(r);
  m.setReg(a.d, r);
}

/** low and high are held. */
function finishLong<V, W, S>(m: Machine<V, W, S>, a: LongMultiply, low: V, high: V): void {
  if (a.s) {
    m.setN(high);
    m.setZ(m.or(low, high));
  }
  m.setReg(a.lo, low);
  m.setReg(a.hi, high);
}

/** Adds a held pair to RdHi:RdLo. */
export function accumulateLong<V, W, S>(m: Machine<V, W, S>, a: LongMultiply, low: V, high: V): void {
  const sum = m.let(m.add(m.reg(a.lo), low));
  const top = m.let(m.add(m.add(m.reg(a.hi), high), m.ltU(sum, low)));
  finishLong(m, a, sum, top);
}

export function mul<V, W, S>(m: Machine<V, W, S>, a: Multiply): void {
  finish(m, a, m.mul(m.reg(a.n), m.reg(a.m)));
}

export function mla<V, W, S>(m: Machine<V, W, S>, a: Multiply): void {
  finish(m, a, m.add(m.mul(m.reg(a.n), m.reg(a.m)), m.reg(a.a)));
}

export function mls<V, W, S>(m: Machine<V, W, S>, a: Multiply): void {
  m.setReg(a.d, m.sub(m.reg(a.a), m.mul(m.reg(a.n), m.reg(a.m))));
}

export function umull<V, W, S>(m: Machine<V, W, S>, a: LongMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  finishLong(m, a, m.let(m.mul(x, y)), m.let(m.mulhU(x, y)));
}

export function smull<V, W, S>(m: Machine<V, W, S>, a: LongMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  finishLong(m, a, m.let(m.mul(x, y)), m.let(m.mulhS(x, y)));
}

export function umlal<V, W, S>(m: Machine<V, W, S>, a: LongMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  accumulateLong(m, a, m.let(m.mul(x, y)), m.let(m.mulhU(x, y)));
}

export function smlal<V, W, S>(m: Machine<V, W, S>, a: LongMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  accumulateLong(m, a, m.let(m.mul(x, y)), m.let(m.mulhS(x, y)));
}

/** hi:lo = n * m + hi + lo, which cannot overflow. */
export function umaal<V, W, S>(m: Machine<V, W, S>, a: LongMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  const lo = m.let(m.reg(a.lo));
  const hi = m.let(m.reg(a.hi));
  const sum = m.let(m.add(m.mul(x, y), lo));
  const low = m.let(m.add(sum, hi));
  const high = m.let(m.add(m.add(m.mulhU(x, y), m.ltU(sum, lo)), m.ltU(low, hi)));
  finishLong(m, a, low, high);
}

export function sdiv<V, W, S>(m: Machine<V, W, S>, a: Multiply): void {
  m.setReg(a.d, m.divS(m.reg(a.n), m.reg(a.m)));
}

export function udiv<V, W, S>(m: Machine<V, W, S>, a: Multiply): void {
  m.setReg(a.d, m.divU(m.reg(a.n), m.reg(a.m)));
}
