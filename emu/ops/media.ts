/**
 * Media instructions: packing, extension, reversal, bit fields and saturation (ARM ARM A4.4.5 to A4.4.8, A5.4).
 */
import type { Machine } from '../machine/machine.ts';
import { shift } from './shift.ts';

/** d from n and m. */
export interface ThreeRegisters {
  readonly d: number;
  readonly n: number;
  readonly m: number;
}

/** d from m. */
export interface TwoRegisters {
  readonly d: number;
  readonly m: number;
}

// ---- extension: SXTAB and kin; n is -1 for the forms that do not add ----

export interface Extend {
  readonly d: number;
  readonly n: number;
  readonly m: number;
  /** 0, 8, 16 or 24 bits to the right. */
  readonly rotation: number;
}

function rotated<V, W, S>(m: Machine<V, W, S>, a: Extend): V {
  return m.ror(m.reg(a.m), m.const(a.rotation));
}

function extendAdd<V, W, S>(m: Machine<V, W, S>, a: Extend, extended: V): void {
  m.setReg(a.d, a.n < 0 ? extended : m.add(m.reg(a.n), extended));
}

export function sxtb<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  extendAdd(m, a, m.ext8(rotated(m, a)));
}

export function sxth<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  extendAdd(m, a, m.ext16(rotated(m, a)));
}

export function uxtb<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  extendAdd(m, a, m.and(rotated(m, a), m.const(0xff)));
}

export function uxth<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  extendAdd(m, a, m.and(rotated(m, a), m.const(0xffff)));
}

/** Two bytes to two halfwords, added to the halfwords of n. */
function extend16<V, W, S>(m: Machine<V, W, S>, a: Extend, low: V, high: V): void {
  if (a.n < 0) {
    m.setReg(a.d, m.or(m.and(low, m.const(0xffff)), m.shl(high, m.const(16))));
    return;
  }
  const n = m.let(m.reg(a.n));
  const top = m.and(m.add(n, m.shl(high, m.const(16))), m.const(-0x10000));
  m.setReg(a.d, m.or(m.and(m.add(n, low), m.const(0xffff)), top));
}

export function sxtb16<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  const x = m.let(rotated(m, a));
  extend16(m, a, m.ext8(x), m.ext8(m.shr(x, m.const(16))));
}

export function uxtb16<V, W, S>(m: Machine<V, W, S>, a: Extend): void {
  const x = m.let(rotated(m, a));
  const byte = m.const(0xff);
  extend16(m, a, m.and(x, byte), m.and(m.shr(x, m.const(16)), byte));
}

// ---- reversal and counting ----

export function clz<V, W, S>(m: Machine<V, W, S>, a: TwoRegisters): void {
  m.setReg(a.d, m.clz(m.reg(a.m)));
}

/** Swaps neighbouring groups of `width` bits; `mask` selects the lower group of each pair. */
function swapGroups<V, W, S>(m: Machine<V, W, S>, x: V, width: number, mask: number): V {
  const low = m.const(mask);
  const n = m.const(width);
  return m.or(m.and(m.shr(x, n), low), m.shl(m.and(x, low), n));
}

export function rev<V, W, S>(m: Machine<V, W, S>, a: TwoRegisters): void {
  const x = m.let(m.reg(a.m));
  const odd = m.and(m.ror(x, m.const(8)), m.const(0xff00ff00 | 0));
  m.setReg(a.d, m.or(odd, m.and(m.ror(x, m.const(24)), m.const(0x00ff00ff))));
}

export function rev16<V, W, S>(m: Machine<V, W, S>, a: TwoRegisters): void {
  m.setReg(a.d, swapGroups(m, m.let(m.reg(a.m)), 8, 0x00ff00ff));
}

export function revsh<V, W, S>(m: Machine<V, W, S>, a: TwoRegisters): void {
  const x = m.let(m.reg(a.m));
  const low = m.and(m.shr(x, m.const(8)), m.const(0xff));
  m.setReg(a.d, m.or(m.shl(m.ext8(x), m.const(8)), low));
}

export function rbit<V, W, S>(m: Machine<V, W, S>, a: TwoRegisters): void {
  let x = m.let(m.reg(a.m));
  x = m.let(swapGroups(m, x, 1, 0x55555555));
  x = m.let(swapGroups(m, x, 2, 0x33333333));
  x = m.let(swapGroups(m, x, 4, 0x0f0f0f0f));
  x = m.let(swapGroups(m, x, 8, 0x00ff00ff));
  m.setReg(a.d, m.ror(x, m.const(16)));
}

// ---- bit fields ----

export interface BitField {
  readonly d: number;
  readonly n: number;
  readonly lsb: number;
  /** 1..32 - lsb. */
  readonly width: number;
}

export function sbfx<V, W, S>(m: Machine<V, W, S>, a: BitField): void {
  const unused = m.let(m.sub(m.const(32), m.const(a.width)));
  m.setReg(a.d, m.sar(m.shl(m.reg(a.n), m.sub(unused, m.const(a.lsb))), unused));
}

export function ubfx<V, W, S>(m: Machine<V, W, S>, a: BitField): void {
  const right = m.shr(m.reg(a.n), m.const(a.lsb));
  m.setReg(a.d, m.and(right, ones(m, a.width)));
}

/** The lowest `width` bits, 1..32. */
function ones<V, W, S>(m: Machine<V, W, S>, width: number): V {
  return m.shr(m.const(-1), m.sub(m.const(32), m.const(width)));
}

export function bfi<V, W, S>(m: Machine<V, W, S>, a: BitField): void {
  const lsb = m.const(a.lsb);
  const mask = m.let(m.shl(ones(m, a.width), lsb));
  const inserted = m.and(m.shl(m.reg(a.n), lsb), mask);
  m.setReg(a.d, m.or(m.and(m.reg(a.d), m.not(mask)), inserted));
}

export function bfc<V, W, S>(m: Machine<V, W, S>, a: BitField): void {
  m.setReg(a.d, m.and(m.reg(a.d), m.not(m.shl(ones(m, a.width), m.const(a.lsb)))));
}

// ---- packing and selection ----

export interface Pack extends ThreeRegisters {
  readonly type: number;
  readonly amount: number;
}

/** PKHBT: bottom half of n, top half of the shifted m. */
export function pkhbt<V, W, S>(m: Machine<V, W, S>, a: Pack): void {
  const top = m.and(shift(m, m.reg(a.m), a.type, a.amount), m.const(-0x10000));
  m.setReg(a.d, m.or(m.and(m.reg(a.n), m.const(0xffff)), top));
}

/** PKHTB: top half of n, bottom half of the shifted m. */
export function pkhtb<V, W, S>(m: Machine<V, W, S>, a: Pack): void {
  const bottom = m.and(shift(m, m.reg(a.m), a.type, a.amount), m.const(0xffff));
  m.setReg(a.d, m.or(m.and(m.reg(a.n), m.const(-0x10000)), bottom));
}

/** SEL: each byte from n where its GE bit is set, from m elsewhere. */
export function sel<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters): void {
  // The product puts GE<i> at bit 8i; times 255 it fills the byte.
  const bits = m.and(m.mul(m.getGE(), m.const(0x00204081)), m.const(0x01010101));
  const mask = m.let(m.mul(bits, m.const(0xff)));
  m.setReg(a.d, m.or(m.and(m.reg(a.n), mask), m.and(m.reg(a.m), m.not(mask))));
}

// ---- saturation ----

export interface Saturate {
  readonly d: number;
  readonly n: number;
  /** Bits of the result: 1..32 signed, 0..31 unsigned. */
  readonly to: number;
  readonly type: number;
  readonly amount: number;
}

/** Clamps a held value to low..high (signed, held); the result is held and Q set when it differs. */
function clamp<V, W, S>(m: Machine<V, W, S>, x: V, low: V, high: V): V {
  const r = m.let(m.select(m.ltS(x, low), low, m.select(m.ltS(high, x), high, x)));
  m.orQ(m.ne(r, x));
  return r;
}

/** The least and the greatest number of `bits` bits, held. */
function signedRange<V, W, S>(m: Machine<V, W, S>, bits: number): [low: V, high: V] {
  const beyond = m.let(m.shl(m.const(1), m.sub(m.const(bits), m.const(1))));
  return [m.let(m.neg(beyond)), m.let(m.sub(beyond, m.const(1)))];
}

function unsignedRange<V, W, S>(m: Machine<V, W, S>, bits: number): [low: V, high: V] {
  return [m.const(0), m.let(m.sub(m.shl(m.const(1), m.const(bits)), m.const(1)))];
}

export function ssat<V, W, S>(m: Machine<V, W, S>, a: Saturate): void {
  const x = m.let(shift(m, m.reg(a.n), a.type, a.amount));
  m.setReg(a.d, clamp(m, x, ...signedRange(m, a.to)));
}

export function usat<V, W, S>(m: Machine<V, W, S>, a: Saturate): void {
  const x = m.let(shift(m, m.reg(a.n), a.type, a.amount));
  m.setReg(a.d, clamp(m, x, ...unsignedRange(m, a.to)));
}

function saturateHalves<V, W, S>(m: Machine<V, W, S>, a: Saturate, [min, max]: [V, V]): void {
  const x = m.let(m.reg(a.n));
  const low = clamp(m, m.let(m.ext16(x)), min, max);
  const high = clamp(m, m.let(m.sar(x, m.const(16))), min, max);
  m.setReg(a.d, m.or(m.and(low, m.const(0xffff)), m.shl(high, m.const(16))));
}

export function ssat16<V, W, S>(m: Machine<V, W, S>, a: Saturate): void {
  saturateHalves(m, a, signedRange(m, a.to));
}

export function usat16<V, W, S>(m: Machine<V, W, S>, a: Saturate): void {
  saturateHalves(m, a, unsignedRange(m, a.to));
}

/**
 * A held sum or difference r whose overflow is bit 31 of `overflow`, saturated to 32 bits; x is the first, held operand. Sets
 * Q.
 */
function saturate32<V, W, S>(m: Machine<V, W, S>, r: V, x: V, overflow: V): V {
  const ov = m.let(m.shr(overflow, m.const(31)));
  m.orQ(ov);
  // An overflow leaves the range on the side of the first operand's sign.
  const limit = m.xor(m.sar(x, m.const(31)), m.const(0x7fffffff));
  return m.let(m.select(ov, limit, r));
}

function addSaturated<V, W, S>(m: Machine<V, W, S>, x: V, y: V): V {
  const r = m.let(m.add(x, y));
  return saturate32(m, r, x, m.and(m.xor(x, r), m.xor(y, r)));
}

function subSaturated<V, W, S>(m: Machine<V, W, S>, x: V, y: V): V {
  const r = m.let(m.sub(x, y));
  return saturate32(m, r, x, m.and(m.xor(x, y), m.xor(x, r)));
}

/** QADD: m + n, saturated. */
export function qadd<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters): void {
  m.setReg(a.d, addSaturated(m, m.let(m.reg(a.m)), m.let(m.reg(a.n))));
}

export function qsub<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters): void {
  m.setReg(a.d, subSaturated(m, m.let(m.reg(a.m)), m.let(m.reg(a.n))));
}

/** QDADD: m + saturated(2n), saturated. */
export function qdadd<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters): void {
  const n = m.let(m.reg(a.n));
  const doubled = addSaturated(m, n, n);
  m.setReg(a.d, addSaturated(m, m.let(m.reg(a.m)), doubled));
}

export function qdsub<V, W, S>(m: Machine<V, W, S>, a: ThreeRegisters): void {
  const n = m.let(m.reg(a.n));
  const doubled = addSaturated(m, n, n);
  m.setReg(a.d, subSaturated(m, m.let(m.reg(a.m)), doubled));
}
