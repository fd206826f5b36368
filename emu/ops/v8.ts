/**
 * What ARMv8 adds to AArch32 state besides vectors (DDI 0487 F5, F6): load-acquire and store-release, CRC32, VSEL, VMAXNM and
 * VMINNM, rounding to integers.
 */

import type { Cond, FpOp, Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';
import type { Exclusive } from './exclusive.ts';
import type { FpRegisters } from './vfp.ts';

type Size = 1 | 2 | 4;

function acquire(size: Size) {
  return <V, W, S>(m: Machine<V, W, S>, a: Exclusive): void => {
    const address = m.let(m.reg(a.n));
    m.access(address, size, READ, size);
    m.setReg(a.t, m.load(address, size));
  };
}
function release(size: Size) {
  return <V, W, S>(m: Machine<V, W, S>, a: Exclusive): void => {
    const address = m.let(m.reg(a.n));
    m.access(address, size, WRITE, size);
    m.store(address, size, m.reg(a.t));
  };
}
export const lda = acquire(4);
export const ldah = acquire(2);
export const ldab = acquire(1);
export const stl = release(4);
export const stlh = release(2);
export const stlb = release(1);

export interface Checksum {
  readonly d: number;
  readonly n: number;
  readonly m: number;
  /** Bits of the value: 8, 16 or 32. */
  readonly size: number;
  readonly castagnoli: boolean;
}

/** Bit by bit, with the polynomials reflected. */
export function crc32<V, W, S>(m: Machine<V, W, S>, a: Checksum): void {
  const polynomial = a.castagnoli ? 0x82f6_3b78 : 0xedb8_8320;
  const value = a.size === 32 ? m.reg(a.m) : m.and(m.reg(a.m), m.const(2 ** a.size - 1));
  let crc = m.let(m.xor(m.reg(a.n), value));
  for (let i = 0; i < a.size; i++) {
    const odd = m.neg(m.and(crc, m.const(1)));
    crc = m.let(m.xor(m.shr(crc, m.const(1)), m.and(odd, m.const(polynomial | 0))));
  }
  m.setReg(a.d, crc);
}

function select(cond: Cond) {
  return <V, W, S>(m: Machine<V, W, S>, a: FpRegisters): void => {
    const holds = m.let(m.cond(cond));
    if (a.size === 32) {
      m.setS(a.d, m.vToS(m.select(holds, m.sToV(m.getS(a.n)), m.sToV(m.getS(a.m)))));
      return;
    }
    const n = m.letW(m.getD(a.n));
    const other = m.letW(m.getD(a.m));
    const low = m.select(holds, m.lowW(n), m.lowW(other));
    const high = m.select(holds, m.highW(n), m.highW(other));
    m.setD(a.d, m.makeW(low, high));
  };
}
export const vseleq = select(0);
export const vselvs = select(6);
export const vselge = select(10);
export const vselgt = select(12);

const floating =
  (op: FpOp) =>
  <V, W, S>(m: Machine<V, W, S>, a: FpRegisters): void =>
    m.fp(op, a.size, a.d, a.n, a.m);
export const vmaxnm = floating('maxnm');
export const vminnm = floating('minnm');
export const vrinta = floating('rinta');
export const vrintn = floating('rintn');
export const vrintp = floating('rintp');
export const vrintm = floating('rintm');
export const vrintr = floating('rintr');
export const vrintz = floating('rintz');
export const vrintx = floating('rintx');
