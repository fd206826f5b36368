/**
 * Conditions under which the manual calls an encoding UNPREDICTABLE, by field letter (see row.ts).
 */
import type { DecodeContext, Fields } from './row.ts';

export type Predicate = (a: unknown, f: Fields, ctx: DecodeContext) => boolean;

/** Any of these fields is the PC. */
export function pc(letters: string): Predicate {
  return (_a, f) => [...letters].some((letter) => f[letter] === 15);
}

/** Any of these fields is SP or PC: most T32 instructions take neither. */
export function spOrPc(letters: string): Predicate {
  return (_a, f) => [...letters].some((letter) => f[letter] === 13 || f[letter] === 15);
}

/** Two of these fields are the same register. */
export function same(one: string, others: string): Predicate {
  return (_a, f) => [...others].some((letter) => f[letter] === f[one]);
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
