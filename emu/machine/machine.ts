/**
 * What the instruction semantics (emu/ops) are written against: a small abstract machine.
 *
 * One op function, run with different machines, is
 *   - with the evaluator: the reference interpreter (values are numbers);
 *   - with the wasm emitter: the compiler (values are expression trees);
 *   - with the effects recorder: flag and register liveness, control flow and addresses (values are what is known of them).
 *
 * Types: V is a 32-bit integer, W 64 or 128 raw bits (a double, a vector: vector-machine.ts), S a single as raw bits. In the
 * evaluator V and S are int32 numbers (always `| 0`) and W is a place in its temporaries.
 *
 * Rules for ops, which the machines rely on and check where they can:
 *   1. A value that is used twice goes through `let` first (constants need not): the emitter would compute it twice, or too late.
 *      A value read from a register must be used before that register is written, or be held by `let`.
 *   2. Everything that can fault (load, store, access) comes before the first lasting effect (setReg, set flags) of the
 *      instruction, so that the instruction can be restarted. Several accesses: one `access` for the whole range first.
 *   3. TypeScript `if` only on operands of the encoding; on values use `select` or `when`.
 *   4. An op does not test its condition: the driver does (`cond` of the Insn).
 *   5. `branch` is the last thing an op does on its path.
 */

import type { READ, WRITE } from '../memory/layout.ts';
import type { VectorMachine } from './vector-machine.ts';

export * from './vector-machine.ts';

/** ARM conditions 0..14 as encoded: EQ NE CS CC MI PL VS VC HI LS GE LT GT LE AL. */
export type Cond = number;

/** How a branch relates to the call stack; a hint for the compiler, never for the meaning. */
export type BranchKind = 'jump' | 'call' | 'return';

export type FpSize = 32 | 64;

/** The place of an instruction. */
export interface Place {
  readonly pc: number;
  readonly thumb: boolean;
}

/** The condition of what has none (ARM ARM A8.3). */
export const ALWAYS: Cond = 14;

/** What an access is: READ or WRITE of memory/layout.ts. */
export type AccessKind = typeof READ | typeof WRITE;

/** What the PC reads as (ARM ARM A2.3): the instruction's address plus 8, or 4 in Thumb state. */
export function pcReads({ pc, thumb }: Place): number {
  return (pc + (thumb ? 4 : 8)) | 0;
}

/**
 * Location (an int32) that a direct branch goes to: `offset` bytes from the PC, from the word of it when the target is ARM code.
 */
export function targetOf(place: Place, offset: number, toThumb: boolean): number {
  return toThumb ? (pcReads(place) + offset) | 1 : ((pcReads(place) & ~3) + offset) | 0;
}

/** Machine.eachRegister where registers are numbers. */
export function eachRegister(list: number, _count: number, body: (n: number, i: number) => void): void {
  let i = 0;
  for (let n = 0; n < 15; n++) if ((list >> n) & 1) body(n, i++);
}

/** Align(PC, 4) + offset, as literals and ADR are addressed. */
export function literalOf(place: Place, offset: number): number {
  return ((pcReads(place) & ~3) + offset) | 0;
}

/** What a thrown-out-of-line event is; the kernel turns each into a signal or a system call. */
export type Trap = 'svc' | 'undefined' | 'breakpoint';

export interface Machine<V, W = V, S = V> extends VectorMachine<V, W> {
  /** Whether the instruction under way is a Thumb instruction. */
  readonly thumb: boolean;

  // ---- values ----
  const(x: number): V;
  /** Holds v so that it may be used any number of times, and after registers it came from have changed. */
  let(v: V): V;
  letW(v: W): W;
  letS(v: S): S;

  // ---- core registers ----
  /** Register n; 15 reads as the address of the instruction plus 8 (ARM) or 4 (Thumb), not aligned. */
  reg(n: number): V;
  /** n is 0..14; writes of the PC are branches. */
  setReg(n: number, v: V): void;
  /**
   * Runs the body for each register of a list (bit n is rn, 0..14), lowest first, with the register and its place among them. The
   * body hands the register only to reg and setReg. `count` is how many there are.
   */
  eachRegister(list: number, count: number, body: (n: number, i: number) => void): void;

  // ---- what depends on where the instruction stands ----
  /** Where a direct branch goes (targetOf). */
  branchTarget(offset: number, toThumb: boolean): V;
  /** Align(PC, 4) + offset. */
  literal(offset: number): V;
  /** The location behind the instruction, for the link register. */
  returnLocation(): V;

  // ---- 32-bit integer arithmetic; results wrap ----
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  /** High 32 bits of the 64-bit product. */
  mulhS(a: V, b: V): V;
  mulhU(a: V, b: V): V;
  /** ARM's division: x/0 = 0, 0x80000000/-1 = 0x80000000. */
  divS(a: V, b: V): V;
  divU(a: V, b: V): V;
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  not(a: V): V;
  neg(a: V): V;
  /** Shifts use the low five bits of the amount (as wasm does). */
  shl(a: V, n: V): V;
  shr(a: V, n: V): V;
  sar(a: V, n: V): V;
  ror(a: V, n: V): V;
  clz(a: V): V;
  /** Sign extension of the low 8 or 16 bits. */
  ext8(a: V): V;
  ext16(a: V): V;
  /** Comparisons give 0 or 1. */
  eq(a: V, b: V): V;
  ne(a: V, b: V): V;
  ltS(a: V, b: V): V;
  ltU(a: V, b: V): V;
  leS(a: V, b: V): V;
  leU(a: V, b: V): V;
  /** c !== 0 ? a : b. Both a and b are computed. */
  select(c: V, a: V, b: V): V;
  /** Runs the body when c !== 0. Bodies may set registers and flags, access memory and branch. */
  when(c: V, body: () => void, otherwise?: () => void): void;

  // ---- flags ----
  /** N and Z from a result. */
  setNZ(result: V): void;
  /** Z from a value that is 0 when Z is to be set, N from bit 31 of another (64-bit results, MSR). */
  setN(signed: V): void;
  setZ(zero: V): void;
  /** c is 0 or 1. */
  setC(c: V): void;
  /** V is bit 31 of v. */
  setV(v: V): void;
  /** Sets Q when q is 1; never clears it. */
  orQ(q: V): void;
  setQ(q: V): void;
  /** GE[3:0] as a four-bit number. */
  setGE(ge: V): void;
  getGE(): V;
  /** Flags as 0 or 1. */
  flagN(): V;
  flagZ(): V;
  flagC(): V;
  flagV(): V;
  flagQ(): V;
  /** 0 or 1: whether the condition holds. */
  cond(c: Cond): V;

  // ---- memory: little endian, or big endian after SETEND BE; a failed page test ends the instruction ----
  /** size 1, 2, 4; any alignment (ARM ARM A3.2.1). The result is zero-extended. */
  load(address: V, size: 1 | 2 | 4): V;
  store(address: V, size: 1 | 2 | 4, v: V): void;
  /**
   * Tests bytes address..address+length-1 for reading (1) or writing (2) before any effect. `align` (4 or more) asks for an
   * alignment fault when the address is not a multiple of it; 1 asks for none. After it loadWord/storeWord/loadDouble/storeDouble
   * in that range test nothing.
   */
  access(address: V, length: number, kind: AccessKind, align: number): void;
  /** Word or doubleword at address + offset (a constant), already tested by `access`. Loaded values are held (as by let). */
  loadWord(address: V, offset: number): V;
  storeWord(address: V, offset: number, v: V): void;
  loadDouble(address: V, offset: number): W;
  storeDouble(address: V, offset: number, w: W): void;
  /**
   * Exclusive access, size 1, 2, 4 or 8, aligned (else alignment fault). loadExclusive arms the local monitor and gives [low,
   * high] (high is 0 unless 8); storeExclusive gives 0 when it stored and 1 when it did not, and disarms the monitor.
   */
  loadExclusive(address: V, size: 1 | 2 | 4 | 8): [V, V];
  storeExclusive(address: V, size: 1 | 2 | 4 | 8, low: V, high: V): V;
  clearExclusive(): void;

  // ---- control flow ----
  /**
   * Goes to a location: an address with bit 0 set for Thumb (BXWritePC). BranchWritePC callers set or clear bit 0 themselves.
   * A constant V gives a direct branch. For 'call' the op has already set LR.
   */
  branch(location: V, kind: BranchKind): void;
  /** SVC, UDF/undefined, BKPT. For svc the PC in the state is past the instruction; for the others at it. */
  trap(kind: Trap, imm: number): void;
  /** ISB and the like: changes to code made before are to be seen by what follows. */
  isb(): void;
  /** A hint that this thread waits (YIELD, WFE, WFI): ends its time slice. */
  yield(): void;
  /** SETEND. */
  setEndian(big: boolean): void;
  /** System registers of user mode: TPIDRURO (read only), TPIDRURW, FPSCR. Writing FPSCR may change the mode of compiled code. */
  getSys(register: 'tpidruro' | 'tpidrurw' | 'fpscr'): V;
  setSys(register: 'tpidrurw' | 'fpscr', v: V): void;

  // ---- VFP registers: s0..s31, d0..d31, raw bits ----
  getS(n: number): S;
  setS(n: number, v: S): void;
  getD(n: number): W;
  setD(n: number, v: W): void;
  /** Moves between raw bits of different kinds. */
  sToV(s: S): V;
  vToS(v: V): S;
  lowW(w: W): V;
  highW(w: W): V;
  makeW(low: V, high: V): W;

  // ---- VFP arithmetic by FPSCR (rounding, FZ, DN, NaN rules of ARM ARM A2.7), setting its cumulative flags ----
  /**
   * One operation on registers: d = n op m, all of the given size. Accumulating kinds read d too (ARM ARM A8: VMLA is a multiply,
   * rounded, then an add).
   */
  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void;
  /**
   * Compares register n with register m (or with +0.0 when m < 0), sets FPSCR.NZCV; `signal` raises IOC on quiet NaNs too
   * (VCMPE).
   */
  fpCompare(size: FpSize, n: number, m: number, signal: boolean): void;
  /** Conversions between registers; see FpConvert. */
  fpConvert(op: FpConvert, d: number, m: number, fbits: number): void;
}

/**
 * sqrt, neg, abs and the rint ones use only m. `rint` rounds to an integer: to nearest with ties away from zero (a) or to even
 * (n), up (p), down (m), by FPSCR (r, and x with IXC), toward zero (z). `maxnm` and `minnm` take a number rather than a quiet
 * NaN.
 */
export type FpOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'nmul'
  | 'mla'
  | 'mls'
  | 'nmla'
  | 'nmls'
  | 'fma'
  | 'fms'
  | 'fnma'
  | 'fnms'
  | 'sqrt'
  | 'neg'
  | 'abs'
  | 'maxnm'
  | 'minnm'
  | 'rinta'
  | 'rintn'
  | 'rintp'
  | 'rintm'
  | 'rintr'
  | 'rintz'
  | 'rintx';

/**
 * Names: target_from_source. i32/u32 stand in an S register. A trailing `r` rounds by FPSCR, `a`, `n`, `p` and `m` as in FpOp's
 * rint, without it toward zero (to integer) or by FPSCR (from integer). `x` forms are fixed point with `fbits` fraction bits in
 * the low 16 or 32 bits of the destination register itself (VCVT fixed). f16 forms: b is the bottom, t the top half of the S
 * register.
 */
export type FpConvert =
  | 'f64_f32'
  | 'f32_f64'
  | 'f32_i32'
  | 'f32_u32'
  | 'f64_i32'
  | 'f64_u32'
  | 'i32_f32'
  | 'u32_f32'
  | 'i32_f64'
  | 'u32_f64'
  | 'i32_f32r'
  | 'u32_f32r'
  | 'i32_f64r'
  | 'u32_f64r'
  | `${'i32' | 'u32'}_${'f32' | 'f64'}${'a' | 'n' | 'p' | 'm'}`
  | 'f32_x16s'
  | 'f32_x16u'
  | 'f32_x32s'
  | 'f32_x32u'
  | 'f64_x16s'
  | 'f64_x16u'
  | 'f64_x32s'
  | 'f64_x32u'
  | 'x16s_f32'
  | 'x16u_f32'
  | 'x32s_f32'
  | 'x32u_f32'
  | 'x16s_f64'
  | 'x16u_f64'
  | 'x32s_f64'
  | 'x32u_f64'
  | 'f32_f16b'
  | 'f32_f16t'
  | 'f16b_f32'
  | 'f16t_f32'
  | 'f64_f16b'
  | 'f64_f16t'
  | 'f16b_f64'
  | 'f16t_f64';
