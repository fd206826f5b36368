/**
 * Conditions under which the manual calls an encoding UNPREDICTABLE, by field letter (see row.ts).
 */
import type { DecodeContext, Fields } from './row.ts';
import { badThumbImm } from './shapes/data-processing.ts';
import { bitCount } from './shapes/load-store.ts';

export type Predicate = (a: unknown, f: Fields, ctx: DecodeContext) => boolean;

/** Any of these fields is the PC. */
export function pc(letters: string): Predicate {
  return (_a, f) => [...letters].some((letter) => f[letter] === 15);
}

/** Any of these fields is SP or PC: most T32 instructions take neither. */
export function spOrPc(letters: string): Predicate {
  return (_a, f) => [...letters].some((letter) => f[letter] === 13 || f[letter] === 15);
}

/** The PC, or SP in T32, which has no condition. */
export function pcOrThumbSp(letter: string): Predicate {
  return (_a, f) => f[letter] === 15 || (f.c === undefined && f[letter] === 13);
}

/** Two of these fields are the same register. */
export function same(one: string, others: string): Predicate {
  return (_a, f) => [...others].some((letter) => f[letter] === f[one]);
}

/** Any of these fields is SP. */
export function sp(letters: string): Predicate {
  return (_a, f) => [...letters].some((letter) => f[letter] === 13);
}

/** Two fields that are to be the same are not: both are the source in REV and kin. */
export function differ(one: string, other: string): Predicate {
  return (_a, f) => f[one] !== f[other];
}

/** S with Rd = PC: an exception return, for User mode UNPREDICTABLE; decoded as UNDEFINED. */
export const exceptionReturn: Predicate = (_a, f) => f.S === 1 && f.d === 15;

/** A bit field (lsb i, width - 1 or msb w) that is not within the word; decoded as UNDEFINED. */
export const badExtract: Predicate = (_a, f) => f.i! + f.w! > 31;
export const badInsert: Predicate = (_a, f) => f.w! < f.i!;

export function any(...predicates: Predicate[]): Predicate {
  return (a, f, ctx) => predicates.some((p) => p(a, f, ctx));
}

/** A branch inside an IT block that is not its last instruction. */
export const notLastInIT: Predicate = (_a, _f, ctx) => ctx.inIT && !ctx.lastInIT;

export const inIT: Predicate = (_a, _f, ctx) => ctx.inIT;

/** A condition on what has none. */
export const notAlways: Predicate = (_a, f) => f.c !== 14;

// ---- data processing ----

/** What ThumbExpandImm makes of a zero byte that is repeated. */
export const badImm: Predicate = (_a, f) => badThumbImm(f.i!);
/** Rd = SP, or Rd = PC without S (with S it is a comparison). */
export const badD: Predicate = (_a, f) => f.d === 13 || (f.d === 15 && f.S === 0);
/** ADD, SUB: SP may be the destination when it is the first operand. */
export const badAdd: Predicate = (a, f, ctx) =>
  f.n === 13 ? f.d === 15 && f.S === 0 : badD(a, f, ctx) || f.n === 15;
/** ADD, SUB (register): to SP only shifted left by at most 3. */
export const badAddRegister: Predicate = (a, f, ctx) =>
  badAdd(a, f, ctx) || (f.n === 13 && f.d === 13 && (f.y !== 0 || f.i! > 3));
/** ADDW, SUBW. */
export const badAddWide: Predicate = (_a, f) => (f.n === 13 ? f.d === 15 : f.d === 13 || f.d === 15);
/** MOV (register) T3: SP is allowed once, without S. */
export const badMove: Predicate = (_a, f) =>
  f.S === 0
    ? f.d === 15 || f.m === 15 || (f.d === 13 && f.m === 13)
    : f.d === 13 || f.d === 15 || f.m === 13 || f.m === 15;
/** Of the 16-bit forms with high registers. */
export const branchToPc: Predicate = (a, f, ctx) => f.d === 15 && notLastInIT(a, f, ctx);
export const bothPc: Predicate = (_a, f) => f.d === 15 && f.m === 15;
export const bothLow: Predicate = (_a, f) => f.n! < 8 && f.m! < 8;

// ---- loads and stores ----

/** Write-back to the PC or to a register transferred: A32's. */
export const badWriteBack: Predicate = (_a, f) => (f.P === 0 || f.W === 1) && (f.n === 15 || f.n === f.t);
export const badPairWriteBack: Predicate = (_a, f) =>
  (f.P === 0 || f.W === 1) && (f.n === 15 || f.n === f.t || f.n === f.t! + 1);
/** P = 0 with W = 1, the second register the PC, or an odd first register (decoded as UNDEFINED). */
export const badPair: Predicate = (_a, f) => (f.P === 0 && f.W === 1) || f.t! >= 14 || (f.t! & 1) === 1;
/** The pair loaded includes the offset register. */
export const loadsOffset: Predicate = (_a, f) => f.m === f.t || f.m === f.t! + 1;
/** An exclusive pair of A32 begins with an even register, and does not end with the PC. */
export const oddPair: Predicate = (_a, f) => (f.t! & 1) === 1 || f.t === 14;
/** The status register is the second one of an exclusive pair of A32. */
export const statusInPair: Predicate = (_a, f) => f.d === f.t! + 1;
/** Write-back to a register transferred: T32's, whose base is not the PC. */
export const baseWriteBack: Predicate = (_a, f) => (f.P === 0 || f.W === 1) && f.n === f.t;
export const pairIsBase: Predicate = (_a, f) => (f.P === 0 || f.W === 1) && (f.n === f.t || f.n === f.u);
export const pcWriteBack: Predicate = (_a, f) => f.n === 15 && (f.P === 0 || f.W === 1);
export const loadsPc: Predicate = (a, f, ctx) => f.t === 15 && notLastInIT(a, f, ctx);
export const popsPc: Predicate = (a, f, ctx) => f.M === 1 && notLastInIT(a, f, ctx);

/** Lists. */
export const loadBlock: Predicate = (_a, f) => f.n === 15 || (f.W === 1 && ((f.r! >> f.n!) & 1) === 1);
export const spInList: Predicate = (_a, f) => ((f.r! >> 13) & 1) === 1;
/** Of T32: two registers at least, SP never, PC and LR not both. */
export const badLoadBlock: Predicate = (a, f, ctx) =>
  f.n === 15 ||
  bitCount(f.r!) < 2 ||
  (f.r! & 0x2000) !== 0 ||
  (f.r! & 0xc000) === 0xc000 ||
  (f.W === 1 && ((f.r! >> f.n!) & 1) === 1) ||
  ((f.r! & 0x8000) !== 0 && notLastInIT(a, f, ctx));
export const badStoreBlock: Predicate = (_a, f) =>
  f.n === 15 || bitCount(f.r!) < 2 || (f.r! & 0xa000) !== 0 || (f.W === 1 && ((f.r! >> f.n!) & 1) === 1);

// ---- control ----

/** MSR that writes nothing. */
export const noMask: Predicate = (_a, f) => f.k === 0;
/** CPS that changes neither mode nor masks, or names what it does not change. */
export const badChangeA32: Predicate = (_a, f) =>
  f.p === 1 || (f.p === 0 && f.M === 0) || (f.M === 0 && f.k !== 0) || f.p! >> 1 === Number(f.i === 0);
export const badChangeT32: Predicate = (_a, f) =>
  f.p === 1 || (f.M === 0 && f.k !== 0) || f.p! >> 1 === Number(f.i === 0);
export const changesNothing: Predicate = (_a, f) => f.i === 0;
/** IT with condition 1111, or AL with an else. */
export const badIT: Predicate = (_a, f) => f.f === 15 || (f.f === 14 && bitCount(f.m!) !== 1);
