/**
 * Status registers, exceptions, barriers, hints and the system registers of User mode (ARM ARM A4.4.9, A4.5, A4.8, A8.8, B3.17).
 */
import type { Machine } from '../machine/machine.ts';

/** MRS Rd, APSR: NZCVQ, GE, and User mode as mode bits; the execution state bits read as zero. */
export function mrs<V, W, S>(m: Machine<V, W, S>, a: { readonly d: number }): void {
  const flag = (v: V, lsb: number): V => m.shl(v, m.const(lsb));
  let value = m.or(m.const(0x10), flag(m.flagN(), 31));
  value = m.or(value, flag(m.flagZ(), 30));
  value = m.or(value, flag(m.flagC(), 29));
  value = m.or(value, flag(m.flagV(), 28));
  value = m.or(value, flag(m.flagQ(), 27));
  m.setReg(a.d, m.or(value, flag(m.getGE(), 16)));
}

export interface WriteStatus {
  /** Bit 3 writes NZCVQ, bit 2 GE, bit 1 E; bit 0 has no effect in User mode. */
  readonly mask: number;
  /** Source register, or -1 for `imm`. */
  readonly n: number;
  readonly imm: number;
}

/** MSR APSR; in User mode only NZCVQ, GE and E are written. */
export function msr<V, W, S>(m: Machine<V, W, S>, a: WriteStatus): void {
  const v = a.n < 0 ? m.const(a.imm) : m.let(m.reg(a.n));
  const bits = (lsb: number, mask: number): V => m.and(m.shr(v, m.const(lsb)), m.const(mask));
  if (a.mask & 8) {
    m.setN(v);
    m.setZ(m.xor(bits(30, 1), m.const(1)));
    m.setC(bits(29, 1));
    m.setV(m.shl(v, m.const(3)));
    m.setQ(bits(27, 1));
  }
  if (a.mask & 4) m.setGE(bits(16, 15));
  if (a.mask & 2)
    m.when(
      bits(9, 1),
      () => m.setEndian(true),
      () => m.setEndian(false),
    );
}

export interface Immediate {
  readonly imm: number;
}

export function svc<V, W, S>(m: Machine<V, W, S>, a: Immediate): void {
  m.trap('svc', a.imm);
}

export function bkpt<V, W, S>(m: Machine<V, W, S>, a: Immediate): void {
  m.trap('breakpoint', a.imm);
}

export function udf<V, W, S>(m: Machine<V, W, S>, a: Immediate): void {
  m.trap('undefined', a.imm);
}

export function setend<V, W, S>(m: Machine<V, W, S>, a: { readonly big: boolean }): void {
  m.setEndian(a.big);
}

/** NOP and what is one here: hints, preloads, CPS in User mode, and memory barriers, as memory accesses are never reordered. */
export function nop(): void {}

/** YIELD, WFE, WFI. */
export function yieldHint<V, W, S>(m: Machine<V, W, S>): void {
  m.yield();
}

export function isb<V, W, S>(m: Machine<V, W, S>): void {
  m.isb();
}

interface SystemTransfer {
  readonly t: number;
}

export function readTpidruro<V, W, S>(m: Machine<V, W, S>, a: SystemTransfer): void {
  m.setReg(a.t, m.getSys('tpidruro'));
}

/** Of a register that reads as zero. */
export function readZero<V, W, S>(m: Machine<V, W, S>, a: SystemTransfer): void {
  m.setReg(a.t, m.const(0));
}

export function readTpidrurw<V, W, S>(m: Machine<V, W, S>, a: SystemTransfer): void {
  m.setReg(a.t, m.getSys('tpidrurw'));
}

export function writeTpidrurw<V, W, S>(m: Machine<V, W, S>, a: SystemTransfer): void {
  m.setSys('tpidrurw', m.reg(a.t));
}
