/**
 * Signed multiply instructions on halfwords and on the most significant word (ARM ARM A4.4.3, A5.4.4).
 */
import type { Machine } from '../machine/machine.ts';
import { accumulateLong } from './multiply.ts';

/** d = products of n and m + a; a is -1 for the forms that do not accumulate. */
export interface SignedMultiply {
  readonly d: number;
  readonly n: number;
  readonly m: number;
  readonly a: number;
  /** Which halves are multiplied: 1 is the top one. For dual forms mHigh means that the halves of m are exchanged. */
  readonly nHigh: number;
  readonly mHigh: number;
  /** Rounds instead of truncating (SMMLAR and kin). */
  readonly round: boolean;
}

export interface LongSignedMultiply {
  readonly s: false;
  readonly lo: number;
  readonly hi: number;
  readonly n: number;
  readonly m: number;
  readonly nHigh: number;
  readonly mHigh: number;
}

function half<V, W, S>(m: Machine<V, W, S>, x: V, high: number): V {
  return high ? m.sar(x, m.const(16)) : m.ext16(x);
}

/** 1 when r = x + y overflowed; all held. */
function addOverflow<V, W, S>(m: Machine<V, W, S>, x: V, y: V, r: V): V {
  return m.shr(m.and(m.xor(x, r), m.xor(y, r)), m.const(31));
}

/** d = product + Ra, setting Q on overflow. */
function accumulate<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply, product: V): void {
  if (a.a < 0) {
    m.setReg(a.d, product);
    return;
  }
  const x = m.let(product);
  const y = m.let(m.reg(a.a));
  const r = m.let(m.add(x, y));
  m.orQ(addOverflow(m, x, y, r));
  m.setReg(a.d, r);
}

/** SMLA<x><y>, SMUL<x><y>. */
export function smla<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  accumulate(m, a, m.mul(half(m, m.reg(a.n), a.nHigh), half(m, m.reg(a.m), a.mHigh)));
}

/** SMLAW<y>, SMULW<y>: bits 47..16 of a 32 by 16 bit product. */
export function smlaw<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(half(m, m.reg(a.m), a.mHigh));
  const low = m.shr(m.mul(x, y), m.const(16));
  accumulate(m, a, m.or(m.shl(m.mulhS(x, y), m.const(16)), low));
}

/** SMLAL<x><y>. */
export function smlalxy<V, W, S>(m: Machine<V, W, S>, a: LongSignedMultiply): void {
  const product = m.let(m.mul(half(m, m.reg(a.n), a.nHigh), half(m, m.reg(a.m), a.mHigh)));
  accumulateLong(m, a, product, m.let(m.sar(product, m.const(31))));
}

/** The two halfword products of n and m, held. */
function products<V, W, S>(
  m: Machine<V, W, S>,
  a: { readonly n: number; readonly m: number; readonly mHigh: number },
): [V, V] {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  const low = m.let(m.mul(half(m, x, 0), half(m, y, a.mHigh)));
  return [low, m.let(m.mul(half(m, x, 1), half(m, y, 1 - a.mHigh)))];
}

/** SMLAD, SMUAD. Q tells whether the exact sum of all three leaves 32 bits: two overflows, of opposite sign, cancel. */
export function smlad<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  const [p, q] = products(m, a);
  const sum = m.let(m.add(p, q));
  const overflow = addOverflow(m, p, q, sum);
  if (a.a < 0) {
    m.orQ(overflow);
    m.setReg(a.d, sum);
    return;
  }
  const y = m.let(m.reg(a.a));
  const r = m.let(m.add(sum, y));
  m.orQ(m.xor(overflow, addOverflow(m, sum, y, r)));
  m.setReg(a.d, r);
}

/** SMLSD, SMUSD; the difference of the products cannot overflow. */
export function smlsd<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  const [p, q] = products(m, a);
  accumulate(m, a, m.sub(p, q));
}

export function smlald<V, W, S>(m: Machine<V, W, S>, a: LongSignedMultiply): void {
  const [p, q] = products(m, a);
  const low = m.let(m.add(p, q));
  const signs = m.add(m.sar(p, m.const(31)), m.sar(q, m.const(31)));
  accumulateLong(m, a, low, m.let(m.add(signs, m.ltU(low, p))));
}

export function smlsld<V, W, S>(m: Machine<V, W, S>, a: LongSignedMultiply): void {
  const [p, q] = products(m, a);
  const low = m.let(m.sub(p, q));
  accumulateLong(m, a, low, m.let(m.sar(low, m.const(31))));
}

/** SMMLA, SMMUL: the upper word of (Ra << 32) + n * m. */
export function smmla<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  let result = m.mulhS(x, y);
  if (a.a >= 0) result = m.add(m.reg(a.a), result);
  // Adding 0x80000000 to the lower word carries when its top bit is set.
  if (a.round) result = m.add(result, m.shr(m.mul(x, y), m.const(31)));
  m.setReg(a.d, result);
}

/** SMMLS: the upper word of (Ra << 32) - n * m. */
export function smmls<V, W, S>(m: Machine<V, W, S>, a: SignedMultiply): void {
  const x = m.let(m.reg(a.n));
  const y = m.let(m.reg(a.m));
  const low = m.let(m.mul(x, y));
  const borrow = m.ne(low, m.const(0));
  let result = m.sub(m.sub(m.reg(a.a), m.mulhS(x, y)), borrow);
  if (a.round) result = m.add(result, m.shr(m.neg(low), m.const(31)));
  m.setReg(a.d, result);
}
