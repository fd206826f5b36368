/**
 * Groups the accesses of a basic block that go to fixed distances from one value (stack slots, fields of a structure, a copy unrolled), so that one page test serves them all.
 *
 * Registers are followed symbolically through the block: each holds an unknown value plus a known distance. The first access of a group tests everything from the lowest to
 * the highest byte that the group will touch, at both ends. When that fails, the evaluator takes over at that instruction: it tests access by access and so finds the one that really faults.
 *
 * Only unconditional accesses count: the rest of a basic block runs to its end unless it faults.
 */
import type { Insn } from '../decode/row.ts';
import { type BlockTransfer, ldm, stm } from '../ops/block.ts';
import { add, type DataProcessing, mov, sub } from '../ops/data-processing.ts';
import {
  ldr,
  ldrb,
  ldrd,
  ldrh,
  ldrsb,
  ldrsh,
  str,
  strb,
  strd,
  strh,
  type Transfer,
} from '../ops/load-store.ts';
import { IMMEDIATE, LSL, SHIFTED } from '../ops/shift.ts';
import { type FpTransfer, vldr, vstr } from '../ops/vfp.ts';
import type { Step } from './region.ts';

const LOAD = 1;
const STORE = 2;
const ALWAYS = 14;
const PC = 15;

/** What is known to be tested when an instruction begins, or is to be tested there. */
export interface AccessPlan {
  /** The instruction's access needs no page test of its own. */
  readonly tested: boolean;
  /** Test this first: bytes from register + offset on, for the kinds of access in the mask. */
  readonly test: {
    readonly register: number;
    readonly offset: number;
    readonly length: number;
    readonly mask: number;
  } | null;
}

/** The longest range that one test covers, in bytes; `check` is told the length in eight bits. */
const MAX_RANGE = 255;

interface Access {
  readonly register: number;
  readonly offset: number;
  readonly length: number;
  readonly kind: number;
}

interface Group {
  low: number;
  high: number;
  mask: number;
  members: number[];
  register: number;
  /** Distance of the register from the group's value at its first member. */
  distance: number;
}

type AnyOp = Insn['row']['op'];
const SINGLES = new Map<AnyOp, readonly [length: number, kind: number]>([
  [ldr, [4, LOAD]],
  [ldrb, [1, LOAD]],
  [ldrh, [2, LOAD]],
  [ldrsb, [1, LOAD]],
  [ldrsh, [2, LOAD]],
  [ldrd, [8, LOAD]],
  [str, [4, STORE]],
  [strb, [1, STORE]],
  [strh, [2, STORE]],
  [strd, [8, STORE]],
] as [AnyOp, readonly [number, number]][]);

/** The access of an instruction, when its address is a register plus a constant. */
function accessOf(insn: Insn): Access | null {
  const { op } = insn.row;
  const single = SINGLES.get(op);
  if (single !== undefined) {
    const a = insn.args as Transfer;
    if (a.m >= 0 || a.n === PC) return null;
    return { register: a.n, offset: a.index ? signed(a) : 0, length: single[0], kind: single[1] };
  }
  if (op === (ldm as AnyOp) || op === (stm as AnyOp)) {
    const a = insn.args as BlockTransfer;
    return {
      register: a.n,
      offset: a.start,
      length: 4 * a.count,
      kind: op === (ldm as AnyOp) ? LOAD : STORE,
    };
  }
  if (op === (vldr as AnyOp) || op === (vstr as AnyOp)) {
    const a = insn.args as FpTransfer;
    if (a.n === PC) return null;
    return {
      register: a.n,
      offset: a.offset,
      length: a.size / 8,
      kind: op === (vldr as AnyOp) ? LOAD : STORE,
    };
  }
  return null;
}

function signed(a: Transfer): number {
  return a.add ? a.imm : -a.imm;
}

/** How an instruction moves its base: what is added to register n, by write-back. */
function writeBack(insn: Insn): { register: number; delta: number } | null {
  const { op } = insn.row;
  if (SINGLES.has(op)) {
    const a = insn.args as Transfer;
    return a.wback && a.m < 0 ? { register: a.n, delta: signed(a) } : null;
  }
  if (op === (ldm as AnyOp) || op === (stm as AnyOp)) {
    const a = insn.args as BlockTransfer;
    return a.wback ? { register: a.n, delta: a.delta } : null;
  }
  return null;
}

/** d = n + delta, for moves and additions of constants. */
function sum(insn: Insn): { d: number; n: number; delta: number } | null {
  const { op } = insn.row;
  if (op === (mov as AnyOp)) {
    const a = insn.args as DataProcessing;
    return a.kind === SHIFTED && a.type === LSL && a.amount === 0 ? { d: a.d, n: a.m, delta: 0 } : null;
  }
  if (op === (add as AnyOp) || op === (sub as AnyOp)) {
    const a = insn.args as DataProcessing;
    return a.kind === IMMEDIATE ? { d: a.d, n: a.n, delta: op === (add as AnyOp) ? a.imm : -a.imm } : null;
  }
  return null;
}

const SEPARATE: AccessPlan = { tested: false, test: null };
const TESTED: AccessPlan = { tested: true, test: null };

/** The plan of each step of a block. */
export function planAccesses(steps: readonly Step[]): AccessPlan[] {
  const value: number[] = [];
  const distance: number[] = [];
  let values = 0;
  const forget = (register: number) => {
    value[register] = values++;
    distance[register] = 0;
  };
  for (let r = 0; r < PC; r++) forget(r);
  const open = new Map<number, Group>();
  const groups: Group[] = [];

  steps.forEach(({ insn, effects }, i) => {
    const always = insn.cond === ALWAYS;
    const access = always ? accessOf(insn) : null;
    if (access !== null) {
      const { register, length, kind } = access;
      const low = distance[register]! + access.offset;
      const high = low + length;
      const group = open.get(value[register]!);
      if (group !== undefined && Math.max(group.high, high) - Math.min(group.low, low) <= MAX_RANGE) {
        group.low = Math.min(group.low, low);
        group.high = Math.max(group.high, high);
        group.mask |= kind;
        group.members.push(i);
      } else {
        const begun = { low, high, mask: kind, members: [i], register, distance: distance[register]! };
        open.set(value[register]!, begun);
        groups.push(begun);
      }
    }
    const moved = always ? writeBack(insn) : null;
    const copied = always ? sum(insn) : null;
    const from = copied === null || copied.n === PC ? -1 : value[copied.n]!;
    const fromDistance = copied === null || copied.n === PC ? 0 : distance[copied.n]! + copied.delta;
    const before = moved === null ? 0 : distance[moved.register]!;
    const beforeValue = moved === null ? 0 : value[moved.register]!;
    const written = effects.writes | effects.mayWrite;
    for (let r = 0; r < PC; r++) if (written & (1 << r)) forget(r);
    if (from >= 0) {
      value[copied!.d] = from;
      distance[copied!.d] = fromDistance;
    }
    // A loaded register that is the base too holds what was loaded: such write-back is UNPREDICTABLE, and not followed.
    if (moved !== null && !loadsBase(insn, moved.register)) {
      value[moved.register] = beforeValue;
      distance[moved.register] = before + moved.delta;
    }
  });

  const plans: AccessPlan[] = new Array(steps.length).fill(SEPARATE);
  for (const g of groups) {
    if (g.members.length < 2) continue;
    for (const m of g.members) plans[m] = TESTED;
    plans[g.members[0]!] = {
      tested: true,
      test: { register: g.register, offset: g.low - g.distance, length: g.high - g.low, mask: g.mask },
    };
  }
  return plans;
}

function loadsBase(insn: Insn, base: number): boolean {
  const { op } = insn.row;
  if (op === (ldm as AnyOp)) return (((insn.args as BlockTransfer).list >> base) & 1) === 1;
  const a = insn.args as Transfer;
  return a.t === base || a.t2 === base;
}
