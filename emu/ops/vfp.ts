/**
 * Scalar floating point: VFPv3 and VFPv4 (ARM ARM A7, A8.6 to A8.8: the V* instructions of coprocessors 10 and 11).
 *
 * Arithmetic, comparison and conversion are the machine's (Machine.fp, fpCompare, fpConvert), which work by FPSCR. Singles are
 * s0..s31, doubles d0..d31, by register number. There are no short vectors: FPSCR.Len and Stride read as zero, as ARMv8 and
 * later ARMv7 cores have it.
 */

import type { FpConvert, FpOp, FpSize, Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';

/** FPSCR bits that can be written: NZCV, QC, AHP, DN, FZ, RMode and the cumulative exceptions. */
const FPSCR_WRITABLE = 0xffc0_009f | 0;

export interface FpRegisters {
  readonly size: FpSize;
  readonly d: number;
  readonly n: number;
  readonly m: number;
  /** Data types as the mnemonic's suffix: '.f64'. */
  readonly dt: string;
}

/** The op of an arithmetic instruction: d = n op m, or d = op m. */
export function fpArithmetic(op: FpOp): <V, W, S>(m: Machine<V, W, S>, a: FpRegisters) => void {
  return (m, a) => m.fp(op, a.size, a.d, a.n, a.m);
}

export function vmovRegister<V, W, S>(m: Machine<V, W, S>, a: FpRegisters): void {
  if (a.size === 64) m.setD(a.d, m.getD(a.m));
  else m.setS(a.d, m.getS(a.m));
}

export interface FpImmediate {
  readonly size: FpSize;
  readonly d: number;
  /** Raw bits of the constant: the single's, or the high word of the double, whose low word is 0. */
  readonly bits: number;
  readonly dt: string;
}

export function vmovImmediate<V, W, S>(m: Machine<V, W, S>, a: FpImmediate): void {
  const bits = m.const(a.bits);
  if (a.size === 64) m.setD(a.d, m.makeW(m.const(0), bits));
  else m.setS(a.d, m.vToS(bits));
}

/** d is the first operand; m is -1 for the comparison with zero. */
export function vcmp<V, W, S>(m: Machine<V, W, S>, a: FpRegisters): void {
  m.fpCompare(a.size, a.d, a.m, false);
}

export function vcmpe<V, W, S>(m: Machine<V, W, S>, a: FpRegisters): void {
  m.fpCompare(a.size, a.d, a.m, true);
}

export interface FpConversion {
  readonly op: FpConvert;
  readonly d: number;
  readonly m: number;
  /** Fraction bits of the fixed-point forms, else 0. */
  readonly fbits: number;
  readonly dt: string;
}

export function vcvt<V, W, S>(m: Machine<V, W, S>, a: FpConversion): void {
  m.fpConvert(a.op, a.d, a.m, a.fbits);
}

// ---- loads and stores: words, of which the addresses must be multiples of 4 whatever SCTLR.A says ----

export interface FpTransfer {
  readonly size: FpSize;
  readonly d: number;
  /** Base; 15 is Align(PC, 4). */
  readonly n: number;
  /** Offset in bytes, with its sign. */
  readonly offset: number;
  /** The sign as encoded: an offset of -0 exists. */
  readonly add: boolean;
}

function transferAddress<V, W, S>(m: Machine<V, W, S>, a: FpTransfer): V {
  return m.let(a.n === 15 ? m.literal(a.offset) : m.add(m.reg(a.n), m.const(a.offset)));
}

export function vldr<V, W, S>(m: Machine<V, W, S>, a: FpTransfer): void {
  const address = transferAddress(m, a);
  m.access(address, a.size / 8, READ, 4);
  if (a.size === 64) m.setD(a.d, m.loadDouble(address, 0));
  else m.setS(a.d, m.vToS(m.loadWord(address, 0)));
}

export function vstr<V, W, S>(m: Machine<V, W, S>, a: FpTransfer): void {
  const address = transferAddress(m, a);
  m.access(address, a.size / 8, WRITE, 4);
  if (a.size === 64) m.storeDouble(address, 0, m.getD(a.d));
  else m.storeWord(address, 0, m.sToV(m.getS(a.d)));
}

export interface FpBlockTransfer {
  readonly size: FpSize;
  /** First register and how many, 1..32. */
  readonly d: number;
  readonly count: number;
  readonly n: number;
  /** Decrement before (VSTMDB, VPUSH); else increment after. */
  readonly before: boolean;
  readonly wback: boolean;
  /** What write-back adds or subtracts: 8 or 4 bytes a register, and 4 more for FLDMX and FSTMX. */
  readonly bytes: number;
}

function blockAddress<V, W, S>(m: Machine<V, W, S>, a: FpBlockTransfer): V {
  return m.let(a.before ? m.sub(m.reg(a.n), m.const(a.bytes)) : m.reg(a.n));
}

function writeBack<V, W, S>(m: Machine<V, W, S>, a: FpBlockTransfer, address: V): void {
  if (a.wback) m.setReg(a.n, a.before ? address : m.add(address, m.const(a.bytes)));
}

export function vldm<V, W, S>(m: Machine<V, W, S>, a: FpBlockTransfer): void {
  const address = blockAddress(m, a);
  m.access(address, (a.size / 8) * a.count, READ, 4);
  for (let i = 0; i < a.count; i++) {
    if (a.size === 64) m.setD(a.d + i, m.loadDouble(address, 8 * i));
    else m.setS(a.d + i, m.vToS(m.loadWord(address, 4 * i)));
  }
  writeBack(m, a, address);
}

export function vstm<V, W, S>(m: Machine<V, W, S>, a: FpBlockTransfer): void {
  const address = blockAddress(m, a);
  m.access(address, (a.size / 8) * a.count, WRITE, 4);
  for (let i = 0; i < a.count; i++) {
    if (a.size === 64) m.storeDouble(address, 8 * i, m.getD(a.d + i));
    else m.storeWord(address, 4 * i, m.sToV(m.getS(a.d + i)));
  }
  writeBack(m, a, address);
}

// ---- moves between core and floating-point registers ----

export interface FpCoreMove {
  /** Of the extension registers. */
  readonly size: FpSize;
  readonly t: number;
  /** Second core register of the 64-bit moves. */
  readonly t2: number;
  /** D register, S register, or first of two S registers. */
  readonly d: number;
  /** Which word of a D register: 0 or 1. */
  readonly x: number;
  readonly dt: string;
}

export function vmovCoreToSingle<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  m.setS(a.d, m.vToS(m.reg(a.t)));
}

export function vmovSingleToCore<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  m.setReg(a.t, m.sToV(m.getS(a.d)));
}

export function vmovCoreToHalf<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  const old = m.letW(m.getD(a.d));
  m.setD(a.d, a.x === 0 ? m.makeW(m.reg(a.t), m.highW(old)) : m.makeW(m.lowW(old), m.reg(a.t)));
}

export function vmovHalfToCore<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  const w = m.getD(a.d);
  m.setReg(a.t, a.x === 0 ? m.lowW(w) : m.highW(w));
}

export function vmovCoresToDouble<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  m.setD(a.d, m.makeW(m.reg(a.t), m.reg(a.t2)));
}

export function vmovDoubleToCores<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  const w = m.letW(m.getD(a.d));
  m.setReg(a.t, m.lowW(w));
  m.setReg(a.t2, m.highW(w));
}

export function vmovCoresToSingles<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  m.setS(a.d, m.vToS(m.reg(a.t)));
  m.setS(a.d + 1, m.vToS(m.reg(a.t2)));
}

export function vmovSinglesToCores<V, W, S>(m: Machine<V, W, S>, a: FpCoreMove): void {
  m.setReg(a.t, m.sToV(m.getS(a.d)));
  m.setReg(a.t2, m.sToV(m.getS(a.d + 1)));
}

// ---- FPSCR ----

export interface FpStatusMove {
  /** 15 with VMRS means the flags (APSR_nzcv). */
  readonly t: number;
}

export function vmrs<V, W, S>(m: Machine<V, W, S>, a: FpStatusMove): void {
  if (a.t !== 15) {
    m.setReg(a.t, m.getSys('fpscr'));
    return;
  }
  const fpscr = m.let(m.getSys('fpscr'));
  m.setN(fpscr);
  m.setZ(m.and(m.not(fpscr), m.const(1 << 30)));
  m.setC(m.and(m.shr(fpscr, m.const(29)), m.const(1)));
  m.setV(m.shl(fpscr, m.const(3)));
}

export function vmsr<V, W, S>(m: Machine<V, W, S>, a: FpStatusMove): void {
  m.setSys('fpscr', m.and(m.reg(a.t), m.const(FPSCR_WRITABLE)));
}
