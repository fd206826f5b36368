/**
 * The Machine that runs: values are numbers, and each call takes effect at once on a CpuState and an AddressSpace. With it the
 * ops are the reference interpreter, the first tier of the JIT, and what compiled code falls back on for rare instructions.
 *
 * Invariants:
 *   - An access is tested against the page bytes as compiled code does it; a failed test asks AddressSpace.fault once more and
 *     else throws `fault`, before any effect of the instruction. Nothing is allocated on the way.
 *   - Control flow is only noted (`event`, `target`); the Interpreter acts on it after the op.
 *   - Big-endian data (CPSR.E, ARM ARM A3.3) costs little-endian programs nothing: while E is set `pages` is a table of zeros,
 *     so that every access takes the slow path, and only that looks at E.
 */

import type { GuestFault } from '../cpu.ts';
import type { CpuState } from '../cpu-state.ts';
import { OFF } from '../cpu-state.ts';
import type { Insn } from '../decode/row.ts';
import {
  type AccessKind,
  type BranchKind,
  eachRegister,
  type FpConvert,
  type FpOp,
  type FpSize,
  literalOf,
  type Machine,
  pcReads,
  type Trap,
  targetOf,
} from '../machine/machine.ts';
import type { Lanes, Vector1, Vector2, Vector3, VectorShift } from '../machine/vector-machine.ts';
import type { Access, AddressSpace } from '../memory/address-space.ts';
import { PAGE_BYTES, PAGE_BYTES_LENGTH, PAGE_MASK, PAGE_SHIFT, READ, WRITE } from '../memory/layout.ts';
import { swap32 } from './arithmetic.ts';
import { fpCompare, fpConvert, fp as fpOperate } from './fp.ts';
import { IntegerMachine } from './integer-machine.ts';
import * as vector from './vector.ts';

/** What the instruction under way asked for besides its effects on registers and memory. */
export const EVENT = {
  NONE: 0,
  BRANCH: 1,
  SVC: 2,
  UNDEFINED: 3,
  BREAKPOINT: 4,
  YIELD: 5,
} as const;

const E = OFF.e >> 2;
const FPSCR = OFF.fpscr >> 2;
const EX_ARMED = OFF.exArmed >> 2;
const EX_ADDRESS = OFF.exAddress >> 2;
const EX_SIZE = OFF.exSize >> 2;
const EX_LOW = OFF.exLow >> 2;
const EX_HIGH = OFF.exHigh >> 2;

export class Evaluator extends IntegerMachine implements Machine<number, number, number> {
  readonly space: AddressSpace;
  /** What a failed access throws; filled in, never allocated. */
  readonly fault: GuestFault;

  /** The instruction under way, and its address (an int32). */
  insn!: Insn;
  pc = 0;
  /** One of EVENT; the driver clears it. */
  event: number = EVENT.NONE;
  /** Location of a branch (bit 0: Thumb), an int32, and its kind. */
  target = 0;
  kind: BranchKind = 'jump';
  /** Immediate of a trap. */
  imm = 0;

  #cpu!: CpuState;
  #r!: Int32Array;
  #s!: Int32Array;

  /** Page bytes, or zeros while E is set. Their own view, because an index above 2^31 into the view of all memory is slow. */
  #pages: Uint8Array;
  readonly #pageBytes: Uint8Array;
  readonly #zeros: Uint8Array;
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  /** The lower and the upper 2 GiB, for the same reason. */
  readonly #low: Uint8Array;
  readonly #high: Uint8Array;

  constructor(space: AddressSpace, fault: GuestFault) {
    super();
    this.space = space;
    this.fault = fault;
    this.#pageBytes = new Uint8Array(space.buffer, PAGE_BYTES, PAGE_BYTES_LENGTH);
    this.#zeros = new Uint8Array(space.buffer, PAGE_BYTES + PAGE_BYTES_LENGTH, PAGE_BYTES_LENGTH);
    this.#pages = this.#pageBytes;
    this.#i32 = space.i32;
    this.#u16 = space.u16;
    this.#low = new Uint8Array(space.buffer, 0, 0x8000_0000);
    this.#high = new Uint8Array(space.buffer, 0x8000_0000, 0x8000_0000);
  }

  /** Turns to a thread. To be called again whenever something else may have changed its E bit. */
  bind(cpu: CpuState): void {
    if (this.#cpu !== cpu) {
      this.#cpu = cpu;
      this.#r = cpu.r;
      this.w = cpu.i32;
      this.#s = cpu.s;
    }
    this.#pages = cpu.i32[E] === 0 ? this.#pageBytes : this.#zeros;
  }

  get size(): number {
    return this.insn.size;
  }
  get thumb(): boolean {
    return this.insn.thumb;
  }

  // ---- values ----
  const(x: number): number {
    return x | 0;
  }
  let(v: number): number {
    return v;
  }
  letW(v: number): number {
    return v;
  }
  letS(v: number): number {
    return v;
  }

  // ---- core registers ----
  reg(n: number): number {
    if (n !== 15) return this.#r[n]!;
    return pcReads(this);
  }
  setReg(n: number, v: number): void {
    this.#r[n] = v;
  }
  eachRegister(list: number, count: number, body: (n: number, i: number) => void): void {
    eachRegister(list, count, body);
  }
  branchTarget(offset: number, toThumb: boolean): number {
    return targetOf(this, offset, toThumb);
  }
  literal(offset: number): number {
    return literalOf(this, offset);
  }
  returnLocation(): number {
    return (this.pc + this.insn.size) | (this.insn.thumb ? 1 : 0);
  }

  // ---- memory ----
  load(address: number, size: 1 | 2 | 4): number {
    if ((this.#pages[address >>> PAGE_SHIFT]! & READ) !== 0) {
      if (size === 4) {
        if ((address & 3) === 0) return this.#i32[address >>> 2]!;
      } else if (size === 1) {
        return (this.#i32[address >>> 2]! >>> ((address & 3) << 3)) & 0xff;
      } else if ((address & 1) === 0) return this.#u16[address >>> 1]!;
    }
    return this.#loadSlow(address, size);
  }

  store(address: number, size: 1 | 2 | 4, v: number): void {
    if ((this.#pages[address >>> PAGE_SHIFT]! & WRITE) !== 0) {
      if (size === 4) {
        if ((address & 3) === 0) {
          this.#i32[address >>> 2] = v;
          return;
        }
      } else if (size === 1) {
        this.#setByte(address, v);
        return;
      } else if ((address & 1) === 0) {
        this.#u16[address >>> 1] = v;
        return;
      }
    }
    this.#storeSlow(address, size, v);
  }

  /** Unaligned, big-endian, or not accessible yet. */
  #loadSlow(address: number, size: number): number {
    this.#test(address, size, READ);
    let v = 0;
    if (this.#pages === this.#zeros) for (let i = 0; i < size; i++) v = (v << 8) | this.#byte(address + i);
    else for (let i = size - 1; i >= 0; i--) v = (v << 8) | this.#byte(address + i);
    return v;
  }

  #storeSlow(address: number, size: number, v: number): void {
    this.#test(address, size, WRITE);
    if (this.#pages === this.#zeros)
      for (let i = size - 1; i >= 0; i--, v >>= 8) this.#setByteAgain(address + i, v);
    else for (let i = 0; i < size; i++, v >>= 8) this.#setByteAgain(address + i, v);
  }

  #setByteAgain(address: number, v: number): void {
    this.#again(address, WRITE);
    this.#setByte(address, v);
  }

  /** Has a tested page brought back: of two pages that are the same memory the access to the other has taken it away. */
  #again(address: number, access: number): void {
    while ((this.#pageBytes[address >>> PAGE_SHIFT]! & access) === 0) this.#ask(address >>> 0, access);
  }

  #byte(address: number): number {
    this.#again(address, READ);
    return (this.#i32[address >>> 2]! >>> ((address & 3) << 3)) & 0xff;
  }

  #setByte(address: number, v: number): void {
    const a = address | 0;
    if (a >= 0) this.#low[a] = v;
    else this.#high[a & 0x7fff_ffff] = v;
  }

  /** Makes bytes address..address+length-1 accessible, or throws. A range shorter than a page touches at most two pages. */
  #test(address: number, length: number, access: number): void {
    const pages = this.#pageBytes;
    const last = (address + length - 1) >>> PAGE_SHIFT;
    while ((pages[address >>> PAGE_SHIFT]! & access) === 0) this.#ask(address >>> 0, access);
    while ((pages[last]! & access) === 0) this.#ask((last << PAGE_SHIFT) >>> 0, access);
  }

  #ask(address: number, access: number): void {
    const why = this.space.fault(address, access as Access);
    if (why !== 'ok') throw this.fail(address, access, why);
  }

  protected fail(address: number, access: number, why: GuestFault['why']): GuestFault {
    const fault = this.fault;
    fault.address = address;
    fault.access = access;
    fault.why = why;
    return fault;
  }

  access(address: number, length: number, kind: AccessKind, align: number): void {
    if (align > 1 && (address & (align - 1)) !== 0) throw this.fail(address >>> 0, kind, 'align');
    if (
      (this.#pages[address >>> PAGE_SHIFT]! & kind) === 0 ||
      (address & PAGE_MASK) + length > PAGE_MASK + 1
    ) {
      this.#test(address, length, kind);
    }
  }
  loadWord(address: number, offset: number): number {
    const a = address + offset;
    this.#again(a, READ);
    const v =
      (a & 3) === 0
        ? this.#i32[a >>> 2]!
        : this.#byte(a) | (this.#byte(a + 1) << 8) | (this.#byte(a + 2) << 16) | (this.#byte(a + 3) << 24);
    return this.#pages === this.#zeros ? swap32(v) : v;
  }
  storeWord(address: number, offset: number, v: number): void {
    const a = address + offset;
    const x = this.#pages === this.#zeros ? swap32(v) : v;
    this.#again(a, WRITE);
    if ((a & 3) === 0) this.#i32[a >>> 2] = x;
    else for (let i = 0; i < 4; i++) this.#setByteAgain(a + i, x >>> (i << 3));
  }
  loadDouble(address: number, offset: number): number {
    return this.loadLanes(address, offset, 8, false);
  }
  storeDouble(address: number, offset: number, w: number): void {
    this.storeLanes(address, offset, 8, false, w);
  }
  /** A word of lanes: as it lies in memory. */
  #loadAsIs(address: number, offset: number): number {
    const word = this.loadWord(address, offset);
    return this.#pages === this.#zeros ? swap32(word) : word;
  }
  loadLanes(address: number, offset: number, size: 1 | 2 | 4 | 8, quad: boolean): number {
    const a = this.#loadAsIs(address, offset);
    const b = this.#loadAsIs(address, offset + 4);
    const w = quad
      ? vector.make4(a, b, this.#loadAsIs(address, offset + 8), this.#loadAsIs(address, offset + 12))
      : vector.make2(a, b);
    return this.#pages === this.#zeros ? vector.swapLanes(w, size) : w;
  }
  storeLanes(address: number, offset: number, size: 1 | 2 | 4 | 8, quad: boolean, w: number): void {
    const big = this.#pages === this.#zeros;
    const lanes = big ? vector.swapLanes(w, size) : w;
    for (let i = 0; i < (quad ? 4 : 2); i++) {
      const word = vector.word(lanes, i);
      this.storeWord(address, offset + 4 * i, big ? swap32(word) : word);
    }
  }

  // The local monitor remembers the value seen, and a store succeeds when memory still holds it: other threads and the kernel
  // need not know of the monitor.
  loadExclusive(address: number, size: 1 | 2 | 4 | 8): [number, number] {
    this.access(address, size, READ, size);
    let low: number;
    let high = 0;
    if (size === 8) {
      low = this.loadWord(address, 0);
      high = this.loadWord(address, 4);
    } else low = this.load(address, size);
    const w = this.w;
    w[EX_ARMED] = 1;
    w[EX_ADDRESS] = address;
    w[EX_SIZE] = size;
    w[EX_LOW] = low;
    w[EX_HIGH] = high;
    return [low, high];
  }
  storeExclusive(address: number, size: 1 | 2 | 4 | 8, low: number, high: number): number {
    const w = this.w;
    this.access(address, size, WRITE, size);
    const armed = w[EX_ARMED] !== 0 && w[EX_ADDRESS] === address && w[EX_SIZE] === size;
    w[EX_ARMED] = 0;
    if (!armed) return 1;
    if (size === 8) {
      if (this.loadWord(address, 0) !== w[EX_LOW] || this.loadWord(address, 4) !== w[EX_HIGH]) return 1;
      this.storeWord(address, 0, low);
      this.storeWord(address, 4, high);
    } else {
      if (this.load(address, size) !== w[EX_LOW]) return 1;
      this.store(address, size, low);
    }
    return 0;
  }
  clearExclusive(): void {
    this.w[EX_ARMED] = 0;
  }

  // ---- control flow ----
  branch(location: number, kind: BranchKind): void {
    this.kind = kind;
    this.target = location;
    this.event = EVENT.BRANCH;
  }
  trap(kind: Trap, imm: number): void {
    this.imm = imm;
    this.event = kind === 'svc' ? EVENT.SVC : kind === 'undefined' ? EVENT.UNDEFINED : EVENT.BREAKPOINT;
  }
  /** Nothing to do: a write to translated code is noticed by the page byte at once. */
  isb(): void {}
  yield(): void {
    this.event = EVENT.YIELD;
  }
  setEndian(big: boolean): void {
    this.w[E] = big ? 1 : 0;
    this.#pages = big ? this.#zeros : this.#pageBytes;
  }
  getSys(register: 'tpidruro' | 'tpidrurw' | 'fpscr'): number {
    return this.w[OFF[register] >> 2]!;
  }
  setSys(register: 'tpidrurw' | 'fpscr', v: number): void {
    this.w[OFF[register] >> 2] = v;
  }

  // ---- VFP ----
  getS(n: number): number {
    return this.#s[n]!;
  }
  setS(n: number, v: number): void {
    this.#s[n] = v;
  }
  getD(n: number): number {
    return vector.make2(this.#s[2 * n]!, this.#s[2 * n + 1]!);
  }
  setD(n: number, w: number): void {
    this.#s[2 * n] = vector.word(w, 0);
    this.#s[2 * n + 1] = vector.word(w, 1);
  }
  sToV(s: number): number {
    return s;
  }
  vToS(v: number): number {
    return v;
  }
  lowW(w: number): number {
    return vector.word(w, 0);
  }
  highW(w: number): number {
    return vector.word(w, 1);
  }
  makeW(low: number, high: number): number {
    return vector.make2(low, high);
  }

  // ---- Advanced SIMD ----
  getQuad(n: number): number {
    const s = this.#s;
    const at = 2 * n;
    return vector.make4(s[at]!, s[at + 1]!, s[at + 2]!, s[at + 3]!);
  }
  setQuad(n: number, w: number): void {
    for (let i = 0; i < 4; i++) this.#s[2 * n + i] = vector.word(w, i);
  }
  /** Adds the flags of what a vector operation did. */
  #flagged(w: number): number {
    const flags = vector.takeFlags();
    if (flags !== 0) this.w[FPSCR]! |= flags;
    return w;
  }
  vec1(op: Vector1, t: Lanes, a: number): number {
    return this.#flagged(vector.vec1(op, t, a, this.w[FPSCR]!));
  }
  vec2(op: Vector2, t: Lanes, a: number, b: number): number {
    return this.#flagged(vector.vec2(op, t, a, b));
  }
  vec3(op: Vector3, t: Lanes, a: number, b: number, c: number): number {
    return this.#flagged(vector.vec3(op, t, a, b, c));
  }
  vecShift(op: VectorShift, t: Lanes, a: number, amount: number): number {
    return this.#flagged(vector.vecShift(op, t, a, amount));
  }
  shuffle(pattern: readonly number[], a: number, b: number): number {
    return vector.shuffle(pattern, a, b);
  }
  splat(t: Lanes, v: number): number {
    return vector.splat(t, v);
  }
  getLane(t: Lanes, w: number, i: number): number {
    return vector.getLane(t, w, i);
  }
  setLane(t: Lanes, w: number, i: number, v: number): number {
    return vector.setLane(t, w, i, v);
  }

  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void {
    fpOperate(this.#cpu, op, size, d, n, m);
  }
  fpCompare(size: FpSize, n: number, m: number, signal: boolean): void {
    fpCompare(this.#cpu, size, n, m, signal);
  }
  fpConvert(op: FpConvert, d: number, m: number, fbits: number): void {
    fpConvert(this.#cpu, op, d, m, fbits);
  }
}
