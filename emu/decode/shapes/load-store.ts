/**
 * Argument shapes of loads and stores, single, multiple and exclusive, for A32, T32 and T16 (ARM ARM A5.2.8, A5.3, A5.5, A6.3.5
 * to A6.3.10).
 *
 * Field letters: t, u registers transferred (u the second of a pair); n base; m offset register; d status; i offset; y shift
 * type; P, U, W addressing; r register list.
 */
import type { BlockTransfer } from '../../ops/block.ts';
import type { Exclusive } from '../../ops/exclusive.ts';
import type { Transfer } from '../../ops/load-store.ts';
import type { Fields, Shape } from '../row.ts';
import { shiftAmount, shiftType } from './data-processing.ts';
import { imm, reg, registerList, regs, shiftBy } from './text.ts';

/** '[r1, #4]!', '[r1], -r2, lsl #2' ... */
function addressText(a: Transfer): string {
  const sign = a.add ? '' : '-';
  let offset = '';
  if (a.m >= 0) offset = `, ${sign}${reg(a.m)}${shiftBy(a.type, a.amount)}`;
  else if (a.imm !== 0 || !a.add || a.wback) offset = `, #${sign}${a.imm}`;
  return a.index ? `[${reg(a.n)}${offset}]${a.wback ? '!' : ''}` : `[${reg(a.n)}]${offset}`;
}

const printOne = (a: Transfer): string => `${reg(a.t)}, ${addressText(a)}`;
const printTwo = (a: Transfer): string => `${regs(a.t, a.t2)}, ${addressText(a)}`;

/**
 * P, U and W as a row gives them; a row without them has offset addressing, upward. For the unprivileged forms (`post`: A32's)
 * it is post-indexed.
 */
function addressing(f: Fields, post: boolean): { add: boolean; index: boolean; wback: boolean } {
  const add = f.U !== 0;
  if (post) return { add, index: false, wback: true };
  const index = f.P !== 0;
  return { add, index, wback: !index || f.W === 1 };
}

interface Options {
  /** A base that is not a field. */
  n?: number;
  /** Multiplies the immediate. */
  scale?: number;
  /** Always post-indexed. */
  post?: boolean;
  /** Two registers. */
  pair?: boolean;
  /** The register loaded cannot be the PC. */
  notPc?: boolean;
}

/**
 * True for what is not this instruction: write-back to the PC and pairs that A32 cannot have (UNPREDICTABLE, taken as
 * UNDEFINED), and in T32 a base of PC (literal loads, which give `n`; UNDEFINED stores) and P = W = 0.
 */
function refused(f: Fields, thumb: boolean, wback: boolean, o: Options): boolean {
  if (o.notPc && f.t === 15) return true;
  if (wback && (o.n ?? f.n) === 15) return true;
  if (thumb && f.P === 0 && f.W === 0) return true;
  if (o.pair) {
    if (f.u === undefined) return f.t! === 14 || (f.t! & 1) === 1;
    return f.t === 15 || f.u === 15;
  }
  return thumb && o.n === undefined && f.n === 15;
}

/** Base and immediate; no field i: 0. */
export function offsetImmediate(options: Options = {}): Shape<Transfer> {
  const { scale = 1, n, post = false, pair = false } = options;
  return {
    decode(f, ctx) {
      const { add, index, wback } = addressing(f, post);
      if (refused(f, ctx.thumb, wback, options)) return null;
      return {
        t: f.t ?? 0,
        t2: pair ? (f.u ?? f.t! + 1) : 0,
        n: n ?? f.n!,
        m: -1,
        imm: (f.i ?? 0) * scale,
        type: 0,
        amount: 0,
        add,
        index,
        wback,
      };
    },
    print: pair ? printTwo : printOne,
  };
}

/** Base minus an immediate (T32 preloads). */
export const offsetNegative: Shape<Transfer> = {
  decode(f, ctx) {
    const args = offsetImmediate().decode(f, ctx);
    return args === null ? null : { ...args, add: false };
  },
  print: printOne,
};

/** Base and a register, shifted by i and y. */
export function offsetRegister(options: Options = {}): Shape<Transfer> {
  const { post = false, pair = false } = options;
  return {
    decode(f, ctx) {
      const { add, index, wback } = addressing(f, post);
      if (refused(f, ctx.thumb, wback, options)) return null;
      const i = f.i ?? 0;
      const y = f.y ?? 0;
      return {
        t: f.t ?? 0,
        t2: pair ? (f.u ?? f.t! + 1) : 0,
        n: f.n!,
        m: f.m!,
        imm: 0,
        type: shiftType(y, i),
        amount: shiftAmount(y, i),
        add,
        index,
        wback,
      };
    },
    print: pair ? printTwo : printOne,
  };
}

/** T32 single-register PUSH and POP, and A32's: as STR Rt, [SP, #-4]! and LDR Rt, [SP], #4. */
export function stackSingle(push: boolean): Shape<Transfer> {
  return {
    decode: (f) => ({
      t: f.t!,
      t2: 0,
      n: 13,
      m: -1,
      imm: 4,
      type: 0,
      amount: 0,
      add: !push,
      index: push,
      wback: true,
    }),
    print: (a) => `{${reg(a.t)}}`,
  };
}

/** Preloads: an address without a register transferred. */
export function preload(shape: Shape<Transfer>): Shape<Transfer> {
  return { decode: shape.decode, print: addressText };
}

export function bitCount(list: number): number {
  let count = 0;
  for (; list !== 0; list &= list - 1) count++;
  return count;
}

/**
 * Register lists. Mode 'ia', 'ib', 'da', 'db'. Write-back by field W, or `wback`. `extra` is added to the list when field M is
 * set (T16: LR or PC).
 */
export function block(
  mode: 'ia' | 'ib' | 'da' | 'db',
  options: { n?: number; wback?: boolean; extra?: number; stack?: boolean } = {},
): Shape<BlockTransfer> {
  const { n, wback, extra = 0, stack = false } = options;
  return {
    decode(f) {
      const list = f.r! | (f.M === 1 ? extra : 0);
      const count = bitCount(list);
      if (count === 0 || f.n === 15) return null;
      const up = mode === 'ia' || mode === 'ib';
      const start = up ? (mode === 'ib' ? 4 : 0) : (mode === 'da' ? 4 : 0) - 4 * count;
      return {
        n: n ?? f.n!,
        list: list & 0x7fff,
        withPC: list > 0x7fff,
        count,
        start,
        delta: up ? 4 * count : -4 * count,
        wback: wback ?? f.W === 1,
      };
    },
    print: (a) => (stack ? '' : `${reg(a.n)}${a.wback ? '!' : ''}, `) + listText(a),
  };
}

function listText(a: BlockTransfer): string {
  return registerList(a.withPC ? a.list | 0x8000 : a.list);
}

/** LDM T1: write-back unless the base is loaded. */
export const ldmT16: Shape<BlockTransfer> = {
  decode(f) {
    const count = bitCount(f.r!);
    if (count === 0) return null;
    const wback = ((f.r! >> f.n!) & 1) === 0;
    return { n: f.n!, list: f.r!, withPC: false, count, start: 0, delta: 4 * count, wback };
  },
  print: (a) => `${reg(a.n)}${a.wback ? '!' : ''}, ${listText(a)}`,
};

/** Exclusive accesses. A32 pairs have t2 = t + 1, t even. The PC among the registers is UNPREDICTABLE, taken as UNDEFINED. */
function exclusive(print: (a: Exclusive) => string, pair = false): Shape<Exclusive> {
  return {
    decode(f) {
      const t2 = f.u ?? (pair ? f.t! + 1 : 0);
      const oddPair = pair && f.u === undefined && (f.t! & 1) === 1;
      if (f.d === 15 || f.t === 15 || t2 === 15 || oddPair) return null;
      return { d: f.d ?? 0, t: f.t!, t2, n: f.n!, imm: (f.i ?? 0) * 4 };
    },
    print,
  };
}

function at(a: Exclusive): string {
  return a.imm === 0 ? `[${reg(a.n)}]` : `[${reg(a.n)}, ${imm(a.imm)}]`;
}

export const loadExclusive: Shape<Exclusive> = exclusive((a) => `${reg(a.t)}, ${at(a)}`);
export const loadExclusivePair: Shape<Exclusive> = exclusive((a) => `${regs(a.t, a.t2)}, ${at(a)}`, true);
export const storeExclusive: Shape<Exclusive> = exclusive((a) => `${regs(a.d, a.t)}, ${at(a)}`);
export const storeExclusivePair: Shape<Exclusive> = exclusive(
  (a) => `${regs(a.d, a.t, a.t2)}, ${at(a)}`,
  true,
);
/** SWP Rt, Rt2, [Rn]. */
export const swap: Shape<Exclusive> = exclusive((a) => `${regs(a.t, a.t2)}, ${at(a)}`);
