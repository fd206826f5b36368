/**
 * What an instruction reads, writes and where it goes, found by running its op with a recorder: for liveness of registers and
 * flags and for finding control flow in the JIT, and for choosing test cases in the fuzzer.
 *
 * Values are what is known of them (known-arithmetic.ts). What comes from the PC is constant, so a direct branch has a constant
 * target. Bodies under an unknown condition all run, and what they write is only a "may".
 *
 * "Reads" means reads of what was there before the instruction. "Writes" are those that happen each time the instruction
 * completes: none for a conditional instruction; "mayWrite" is a superset of them. A fault or trap ends an instruction before its
 * writes.
 */

import type { Insn } from '../decode/row.ts';
import {
  type AccessKind,
  ALWAYS,
  type BranchKind,
  type Cond,
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
import { READ, WRITE } from '../memory/layout.ts';
import { AtLeast, KnownArithmetic, Linear, type Value } from './known-arithmetic.ts';

/** Bits of the flag masks. */
export const FLAG = { V: 1, C: 2, Z: 4, N: 8, Q: 16, GE: 32 } as const;

const { N, Z, C, V } = FLAG;
/** Flags a condition reads, index = condition. */
export const COND_FLAGS: readonly number[] = [
  ...[Z, Z, C, C, N, N, V, V],
  ...[C | Z, C | Z, N | V, N | V, N | V | Z, N | V | Z, 0, 0],
];

/** A set of resources: one bit each. */
export interface Resources {
  /** r0..r14 as bits 0..14; bit 15 of a read says that the PC is used as a value. */
  core: number;
  /** FLAG. */
  flags: number;
  /** s0..s31 used as singles, and d0..d31 used as doubles. d(n) is s(2n) and s(2n+1). */
  s: number;
  d: number;
}

export interface Branch {
  readonly kind: BranchKind;
  /** Location (bit 0: Thumb) as an unsigned number when it is constant. */
  readonly target: number | undefined;
  /** Otherwise, what is known of it. */
  readonly goesBy: Linear | undefined;
  /** False when it is taken each time the instruction completes. */
  readonly conditional: boolean;
}

/** An access to fixed distances from a register: bytes from register + offset on. */
export interface Access {
  readonly register: number;
  readonly offset: number;
  readonly length: number;
  /** WRITE when it stores. */
  readonly kind: AccessKind;
}

/** A register gets what another (or itself) held before, plus a constant. */
export interface Sum {
  readonly to: number;
  readonly from: number;
  readonly plus: number;
}

export interface Effects {
  readonly reads: Readonly<Resources>;
  readonly writes: Readonly<Resources>;
  readonly mayWrite: Readonly<Resources>;
  /** Whether FPSCR is read as a whole or through its mode bits, and written (also: cumulative flags, NZCV of a comparison). */
  readonly readsFpscr: boolean;
  readonly writesFpscr: boolean;
  readonly loads: boolean;
  readonly stores: boolean;
  /** Uses the exclusive monitor. */
  readonly exclusive: boolean;
  /** All that is accessed when the instruction runs, if it is known; null for exclusive accesses. */
  readonly access: Access | null;
  /** Of the registers that it writes each time it runs, those of which this is known. */
  readonly sums: readonly Sum[];
  /** What C tells of a register behind it. */
  readonly compares: AtLeast | null;
  readonly branch: Branch | null;
  readonly trap: Trap | null;
  readonly isb: boolean;
  readonly yields: boolean;
  /** SETEND: what follows runs with another byte order. */
  readonly setsEndian: boolean;
  /** Whether the end of the instruction may be followed by the next one (not after an unconditional branch or trap but SVC). */
  readonly fallsThrough: boolean;
}

/** The effects of an instruction at an address, where only the target of a direct branch depends on it. */
export function effectsOf(insn: Insn, pc: number): Effects {
  return new Recorder(insn, pc).run();
}

function none(): Resources {
  return { core: 0, flags: 0, s: 0, d: 0 };
}

type Unknown = undefined;

class Recorder extends KnownArithmetic implements Machine<Value, Unknown, Unknown> {
  readonly pc: number;
  readonly size: number;
  readonly thumb: boolean;
  readonly #insn: Insn;
  readonly #reads = none();
  readonly #writes = none();
  readonly #mayWrite = none();
  #readsFpscr = false;
  #writesFpscr = false;
  #loads = false;
  #stores = false;
  #exclusive = false;
  #access: Access | null | undefined;
  readonly #sums: Sum[] = [];
  #compares: AtLeast | null = null;
  #branchTo: Branch | null = null;
  #trapKind: Trap | null = null;
  #trapEnds = false;
  #hasIsb = false;
  #hasYield = false;
  #hasEndian = false;
  /** Depth of bodies under unknown conditions. */
  #unsure = 0;

  constructor(insn: Insn, pc: number) {
    super();
    this.#insn = insn;
    this.pc = pc;
    this.size = insn.size;
    this.thumb = insn.thumb;
  }

  run(): Effects {
    const insn = this.#insn;
    insn.row.op(this, insn.args);
    const conditional = insn.cond < ALWAYS;
    if (conditional) this.#reads.flags |= COND_FLAGS[insn.cond]!;
    const branch = this.#branchTo;
    const leaves = branch !== null ? !branch.conditional : this.#trapEnds;
    return {
      reads: this.#reads,
      writes: conditional ? none() : this.#writes,
      mayWrite: this.#mayWrite,
      readsFpscr: this.#readsFpscr,
      writesFpscr: this.#writesFpscr,
      loads: this.#loads,
      stores: this.#stores,
      exclusive: this.#exclusive,
      access: (!this.#exclusive && this.#access) || null,
      sums: conditional ? [] : this.#sums,
      compares: this.#compares,
      branch: branch === null ? null : { ...branch, conditional: branch.conditional || conditional },
      trap: this.#trapKind,
      isb: this.#hasIsb,
      yields: this.#hasYield,
      setsEndian: this.#hasEndian,
      fallsThrough: conditional || !leaves,
    };
  }

  #readBit(set: keyof Resources, bit: number): void {
    this.#reads[set] |= bit & ~this.#writes[set];
  }
  #writeBit(set: keyof Resources, bit: number): void {
    this.#mayWrite[set] |= bit;
    if (this.#unsure === 0) this.#writes[set] |= bit;
  }

  // ---- values ----
  const(x: number): Value {
    return x | 0;
  }
  let(v: Value): Value {
    return v;
  }
  letW(v: Unknown): Unknown {
    return v;
  }
  letS(v: Unknown): Unknown {
    return v;
  }

  // ---- core registers ----
  reg(n: number): Value {
    const bit = 1 << n;
    this.#readBit('core', bit);
    if (n === 15) return pcReads(this);
    return this.#mayWrite.core & bit ? undefined : new Linear(n);
  }
  setReg(to: number, v: Value): void {
    const known = this.#sums.findIndex((sum) => sum.to === to);
    if (known >= 0) this.#sums.splice(known, 1);
    if (this.#unsure === 0 && v instanceof Linear && v.base >= 0)
      this.#sums.push({ to, from: v.base, plus: v.offset });
    this.#writeBit('core', 1 << to);
  }
  eachRegister(list: number, count: number, body: (n: number, i: number) => void): void {
    eachRegister(list, count, body);
  }
  branchTarget(offset: number, toThumb: boolean): Value {
    return targetOf(this, offset, toThumb);
  }
  literal(offset: number): Value {
    return literalOf(this, offset);
  }
  returnLocation(): Value {
    return (this.pc + this.size) | (this.thumb ? 1 : 0);
  }

  // ---- integer arithmetic: of constants ----
  select(c: Value, a: Value, b: Value): Value {
    if (typeof c !== 'number') return a === b ? a : undefined;
    return c !== 0 ? a : b;
  }
  when(c: Value, body: () => void, otherwise?: () => void): void {
    if (typeof c === 'number') {
      if (c !== 0) body();
      else otherwise?.();
      return;
    }
    this.#unsure++;
    body();
    otherwise?.();
    this.#unsure--;
  }

  // ---- flags ----
  setNZ(_result: Value): void {
    this.#writeBit('flags', N | Z);
  }
  setN(_signed: Value): void {
    this.#writeBit('flags', N);
  }
  setZ(_zero: Value): void {
    this.#writeBit('flags', Z);
  }
  setC(c: Value): void {
    if (c instanceof AtLeast) this.#compares = c;
    this.#writeBit('flags', C);
  }
  setV(_v: Value): void {
    this.#writeBit('flags', V);
  }
  orQ(q: Value): void {
    if (q === 0) return;
    this.#readBit('flags', FLAG.Q);
    this.#writeBit('flags', FLAG.Q);
  }
  setQ(_q: Value): void {
    this.#writeBit('flags', FLAG.Q);
  }
  setGE(_ge: Value): void {
    this.#writeBit('flags', FLAG.GE);
  }
  getGE(): Value {
    return this.#flag(FLAG.GE);
  }
  #flag(bits: number): Value {
    this.#readBit('flags', bits);
    return undefined;
  }
  flagN(): Value {
    return this.#flag(N);
  }
  flagZ(): Value {
    return this.#flag(Z);
  }
  flagC(): Value {
    return this.#flag(C);
  }
  flagV(): Value {
    return this.#flag(V);
  }
  flagQ(): Value {
    return this.#flag(FLAG.Q);
  }
  cond(c: Cond): Value {
    return c >= 14 ? 1 : this.#flag(COND_FLAGS[c]!);
  }

  // ---- memory ----
  load(address: Value, size: 1 | 2 | 4): Value {
    this.access(address, size, READ);
    return address instanceof Linear ? new Linear({ address, size }) : undefined;
  }
  store(address: Value, size: 1 | 2 | 4, _v: Value): void {
    this.access(address, size, WRITE);
  }
  access(address: Value, length: number, kind: AccessKind): void {
    if (kind === READ) this.#loads = true;
    else this.#stores = true;
    const before = this.#access;
    const register = address instanceof Linear && this.#unsure === 0 ? address.base : -1;
    if (register < 0 || before === null || (before !== undefined && before.register !== register)) {
      this.#access = null;
      return;
    }
    const { offset } = address as Linear;
    const low = Math.min(offset, before?.offset ?? offset);
    const high = Math.max(offset + length, before === undefined ? offset : before.offset + before.length);
    this.#access = { register, offset: low, length: high - low, kind: this.#stores ? WRITE : READ };
  }
  loadWord(_address: Value, _offset: number): Value {
    this.#loads = true;
    return undefined;
  }
  storeWord(_address: Value, _offset: number, _v: Value): void {
    this.#stores = true;
  }
  loadDouble(_address: Value, _offset: number): Unknown {
    this.#loads = true;
  }
  storeDouble(_address: Value, _offset: number, _w: Unknown): void {
    this.#stores = true;
  }
  loadExclusive(_address: Value, _size: 1 | 2 | 4 | 8): [Value, Value] {
    this.#loads = true;
    this.#exclusive = true;
    return [undefined, undefined];
  }
  storeExclusive(_address: Value, _size: 1 | 2 | 4 | 8, _low: Value, _high: Value): Value {
    this.#stores = true;
    this.#exclusive = true;
    return undefined;
  }
  clearExclusive(): void {
    this.#exclusive = true;
  }

  // ---- control flow ----
  branch(location: Value, kind: BranchKind): void {
    const target = typeof location === 'number' ? location >>> 0 : undefined;
    const before = this.#branchTo;
    // Two branches in one op stand in two bodies of `when`.
    this.#branchTo = {
      kind,
      target: before === null || before.target === target ? target : undefined,
      goesBy: before === null && location instanceof Linear ? location : undefined,
      conditional: this.#unsure > 0,
    };
  }
  trap(kind: Trap, _imm: number): void {
    this.#trapKind = kind;
    this.#trapEnds = kind !== 'svc' && this.#unsure === 0;
  }
  isb(): void {
    this.#hasIsb = true;
  }
  yield(): void {
    this.#hasYield = true;
  }
  setEndian(_big: boolean): void {
    this.#hasEndian = true;
  }
  getSys(register: 'tpidruro' | 'tpidrurw' | 'fpscr'): Value {
    if (register === 'fpscr') this.#readsFpscr = true;
    return undefined;
  }
  setSys(register: 'tpidrurw' | 'fpscr', _v: Value): void {
    if (register === 'fpscr') this.#writesFpscr = true;
  }

  // ---- VFP ----
  getS(n: number): Unknown {
    this.#readBit('s', 1 << n);
  }
  setS(n: number, _v: Unknown): void {
    this.#writeBit('s', 1 << n);
  }
  getD(n: number): Unknown {
    this.#readBit('d', 1 << n);
  }
  setD(n: number, _v: Unknown): void {
    this.#writeBit('d', 1 << n);
  }
  sToV(_s: Unknown): Value {
    return undefined;
  }
  vToS(_v: Value): Unknown {}
  lowW(_w: Unknown): Value {
    return undefined;
  }
  highW(_w: Unknown): Value {
    return undefined;
  }
  makeW(_low: Value, _high: Value): Unknown {}

  getQuad(n: number): Unknown {
    this.#readBit('d', 3 << n);
  }
  setQuad(n: number, _w: Unknown): void {
    this.#writeBit('d', 3 << n);
  }
  vec1(op: Vector1, _t: Lanes, _a: Unknown): Unknown {
    this.#vectorFlags(op);
  }
  vec2(op: Vector2, _t: Lanes, _a: Unknown, _b: Unknown): Unknown {
    this.#vectorFlags(op);
  }
  vec3(op: Vector3, _t: Lanes, _a: Unknown, _b: Unknown, _c: Unknown): Unknown {
    this.#vectorFlags(op);
  }
  vecShift(op: VectorShift, _t: Lanes, _a: Unknown, _amount: number): Unknown {
    this.#vectorFlags(op);
  }
  /** Floats and what saturates set cumulative flags. Of the mode only AHP counts (ARM ARM A2.7.2). */
  #vectorFlags(op: Vector1 | Vector2 | Vector3 | VectorShift): void {
    if (op === 'ftoh' || op === 'htof') this.#readsFpscr = true;
    if (/^(f|q|itof|htof)/.test(op)) this.#writesFpscr = true;
  }
  shuffle(_pattern: readonly number[], _a: Unknown, _b: Unknown): Unknown {}
  splat(_t: Lanes, _v: Value): Unknown {}
  getLane(_t: Lanes, _w: Unknown, _i: number): Value {
    return undefined;
  }
  setLane(_t: Lanes, _w: Unknown, _i: number, _v: Value): Unknown {}
  loadLanes(_address: Value, _offset: number, _size: 1 | 2 | 4 | 8, _quad: boolean): Unknown {
    this.#loads = true;
  }
  storeLanes(_address: Value, _offset: number, _size: 1 | 2 | 4 | 8, _quad: boolean, _w: Unknown): void {
    this.#stores = true;
  }

  fp(op: FpOp, size: FpSize, d: number, n: number, m: number): void {
    const set = size === 32 ? 's' : 'd';
    if (op !== 'neg' && op !== 'abs') this.#usesMode();
    if (!/^(neg|abs|sqrt|rint)/.test(op)) this.#readBit(set, 1 << n);
    if (ACCUMULATES.has(op)) this.#readBit(set, 1 << d);
    this.#readBit(set, 1 << m);
    this.#writeBit(set, 1 << d);
  }
  fpCompare(size: FpSize, n: number, m: number, _signal: boolean): void {
    const set = size === 32 ? 's' : 'd';
    this.#usesMode();
    this.#readBit(set, 1 << n);
    if (m >= 0) this.#readBit(set, 1 << m);
  }
  fpConvert(op: FpConvert, d: number, m: number, _fbits: number): void {
    this.#usesMode();
    const [target, source] = op.split('_') as [string, string];
    // The integer stands in an S register; a fixed point number in the register of the other operand's size; a half in half an S
    // register.
    const ofDouble = (one: string, other: string): boolean =>
      one.startsWith('f64') || (one[0] === 'x' && other.startsWith('f64'));
    this.#readBit(ofDouble(source, target) ? 'd' : 's', 1 << m);
    const set = ofDouble(target, source) ? 'd' : 's';
    if (target.startsWith('f16')) this.#readBit(set, 1 << d);
    this.#writeBit(set, 1 << d);
  }
  /** Arithmetic rounds by FPSCR and sets its cumulative flags. */
  #usesMode(): void {
    this.#readsFpscr = true;
    this.#writesFpscr = true;
  }
}

const ACCUMULATES: ReadonlySet<FpOp> = new Set(['mla', 'mls', 'nmla', 'nmls', 'fma', 'fms', 'fnma', 'fnms']);
