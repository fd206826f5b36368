/**
 * What an instruction accesses and which core registers it writes, by the operands that its record has: found out when armrun
 * is built, by asking the effects recorder about other operands; at run time nothing is decoded. An access is to so many bytes
 * from a core register plus an immediate on (`Access` of effects.ts).
 *
 * In a stencil's entry it is two words, and registers written are one.
 */
import type { Insn } from '../decode/row.ts';
import { type Effects, effectsOf } from '../evaluator/effects.ts';
import { ALWAYS } from '../machine/machine.ts';
import { WRITE } from '../memory/layout.ts';
import { testsCondition } from '../tier0/form.ts';
import type { Operand } from '../tier0/operand.ts';

export interface AccessShape {
  /** Place in the record of the register's offset among registers; or that itself. */
  readonly base: { readonly at: number } | { readonly offset: number };
  /** Place in the record of the immediate, and 1 or -1; null when it has none. */
  readonly immediate: { readonly at: number; readonly factor: 1 | -1 } | null;
  readonly plus: number;
  readonly length: number;
  /** READ or WRITE. */
  readonly kind: number;
}

/** Core registers that an instruction writes: those, and those that bytes of the record name; or any. */
export interface CoreWrites {
  readonly fixed: number;
  readonly at: readonly number[];
  readonly any: boolean;
}

export const NO_WRITES: CoreWrites = { fixed: 0, at: [], any: false };
const ANY: CoreWrites = { fixed: 0, at: [], any: true };
const MAX_AT = 3;

/** Registers that stand for core operands, two times: what changes with them goes by the operand. */
const FIRST = [1, 2, 3, 4];
const SECOND = [5, 6, 7, 8];
/** And what an immediate is more. */
const MORE = 16;

/** Of an instruction of a form whose operands are kept so. */
export function shapesOf(
  insn: Insn,
  operands: readonly Operand[],
): { access: AccessShape | null; core: CoreWrites } {
  const core = operands.filter(({ kind }) => kind === 'core');
  const immediate = operands.find(
    ({ name, kind }) => name === 'imm' && (kind === 'wide' || kind === 'small'),
  );
  if (core.length > FIRST.length) return { access: null, core: ANY };
  const access = accessOf(insn, core, immediate);
  // A list that is loaded may be any registers.
  const loadsList = operands.some(({ name }) => name === 'list') && access?.kind !== WRITE;
  return { access, core: loadsList ? ANY : writesOf(insn, core) };
}

function effectsWith(
  insn: Insn,
  core: readonly Operand[],
  registers: readonly number[],
  more?: Operand,
): Effects {
  const args: Record<string, unknown> = { ...(insn.args as Readonly<Record<string, unknown>>) };
  core.forEach(({ name }, i) => {
    args[name] = registers[i];
  });
  if (more !== undefined) args[more.name] = (args[more.name] as number) + MORE;
  return effectsOf({ ...insn, args, cond: testsCondition(insn) ? insn.cond : ALWAYS } as Insn, 0);
}

function writesOf(insn: Insn, core: readonly Operand[]): CoreWrites {
  const written = (registers: readonly number[]) => {
    const mask = effectsWith(insn, core, registers).mayWrite.core;
    const at = core.filter((_, i) => (mask >>> registers[i]!) & 1).map((operand) => operand.at);
    const named = registers.slice(0, core.length).reduce((all, r) => all | (1 << r), 0);
    return { fixed: mask & ~named, at, any: false };
  };
  const [a, b] = [written(FIRST), written(SECOND)];
  return a.at.length <= MAX_AT && JSON.stringify(a) === JSON.stringify(b) ? a : ANY;
}

function accessOf(insn: Insn, core: readonly Operand[], immediate: Operand | undefined): AccessShape | null {
  const first = effectsWith(insn, core, FIRST).access;
  const second = effectsWith(insn, core, SECOND).access;
  if (first === null || second === null || first.offset !== second.offset) return null;
  const { length, kind } = first;
  const operand = core.find((_, i) => FIRST[i] === first.register && SECOND[i] === second.register);
  if (operand === undefined && first.register !== second.register) return null;
  const base = operand === undefined ? { offset: 4 * first.register } : { at: operand.at };
  if (immediate === undefined) return { base, immediate: null, plus: first.offset, length, kind };
  const third = effectsWith(insn, core, FIRST, immediate).access;
  const factor = ((third?.offset ?? Number.NaN) - first.offset) / MORE;
  if (factor === 0) return { base, immediate: null, plus: first.offset, length, kind };
  if (factor !== 1 && factor !== -1) return null;
  const value = (insn.args as { readonly imm: number }).imm;
  return {
    base,
    immediate: { at: immediate.at, factor },
    plus: first.offset - factor * value,
    length,
    kind,
  };
}

const PRESENT = 1 << 24;
const BY_OPERAND = 1 << 25;
const ADDS = 1 << 26;
const SUBTRACTS = 1 << 27;
const ANY_WRITTEN = 1 << 15;

/** Both words. */
export function packAccess(shape: AccessShape | null): [access: number, plus: number] {
  if (shape === null) return [0, 0];
  const { base, immediate, plus, length, kind } = shape;
  const register = 'at' in base ? base.at | BY_OPERAND : base.offset;
  const sign = immediate === null ? 0 : immediate.factor === 1 ? ADDS : SUBTRACTS;
  return [PRESENT | sign | register | ((immediate?.at ?? 0) << 6) | (kind << 10) | (length << 12), plus];
}

export function packWrites({ fixed, at, any }: CoreWrites): number {
  return at.reduce((word, place, i) => word | (place << (16 + 4 * i)), fixed | (any ? ANY_WRITTEN : 0));
}

/** Bytes that an instruction accesses, as distances from a register (its offset in the state block). */
export interface Range {
  readonly base: number;
  readonly low: number;
  readonly high: number;
  /** READ or WRITE. */
  readonly kind: number;
}

/** What an instruction with the record at `record` accesses, if that is known. */
export function accessAt(
  access: number,
  plus: number,
  record: number,
  u8: Uint8Array,
  i32: Int32Array,
): Range | null {
  if (access === 0) return null;
  const place = access & 0x3f;
  const base = access & BY_OPERAND ? u8[record + place]! : place;
  const at = record + ((access >>> 6) & 15);
  const value = (access >>> 6) & 8 ? i32[at >>> 2]! : u8[at]!;
  const low = access & ADDS ? plus + value : access & SUBTRACTS ? plus - value : plus;
  return { base, low, high: low + ((access >>> 12) & 0xff), kind: (access >>> 10) & 3 };
}

/** Whether it writes the register with that offset. */
export function writesAt(writes: number, base: number, record: number, u8: Uint8Array): boolean {
  if (writes & ANY_WRITTEN || (writes >>> (base >>> 2)) & 1) return true;
  for (let places = writes >>> 16; places !== 0; places >>>= 4)
    if (u8[record + (places & 15)] === base) return true;
  return false;
}
