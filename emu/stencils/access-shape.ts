/**
 * What an instruction accesses and which core registers it writes, by the operands that its record has: found out when armrun
 * is built, by asking the effects recorder about other operands; at run time nothing is decoded. An access is to so many bytes
 * from a core register plus an immediate on (`Access` of effects.ts).
 *
 * In a stencil's entry it is two words, and registers written are one.
 */
import type { Insn } from '../decode/row.ts';
import { type Access, type Effects, effectsOf } from '../evaluator/effects.ts';
import { WRITE } from '../memory/layout.ts';
import type { Operand } from '../tier0/operand.ts';
import { RECORD } from '../tier0/record.ts';

export interface AccessShape {
  /** Place in the record of the register's offset among registers; or that itself. */
  readonly base: { readonly at: number } | { readonly offset: number };
  /** How the record's immediate counts. */
  readonly factor: number;
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
const ELSEWHERE = 0x1000;

/** Of an instruction that is run each time, of a form whose operands are kept so. */
export function shapesOf(
  insn: Insn,
  operands: readonly Operand[],
): { access: AccessShape | null; core: CoreWrites } {
  const core = operands.filter(({ kind }) => kind === 'core');
  if (core.length > FIRST.length) return { access: null, core: ANY };
  const first = effectsWith(insn, core, FIRST, 0);
  // Elsewhere: what is a distance from a register plus the PC is none from the register.
  const second = effectsWith(insn, core, SECOND, 0, ELSEWHERE);
  const hasImmediate = operands.some(({ name }) => name === 'imm');
  const more = hasImmediate ? effectsWith(insn, core, FIRST, MORE) : first;
  const access = accessOf(
    core,
    first.access,
    second.access,
    more.access,
    hasImmediate ? immediateOf(insn) : 0,
  );
  // A list that is loaded may be any registers.
  const loadsList = operands.some(({ name }) => name === 'list') && access?.kind !== WRITE;
  return { access, core: loadsList ? ANY : writesOf(core, first, second) };
}

const immediateOf = ({ args }: Insn): number => (args as { readonly imm: number }).imm;

/** Its effects at a place, with such registers for its core operands, and so much more for its immediate, if there is one. */
function effectsWith(
  insn: Insn,
  core: readonly Operand[],
  registers: readonly number[],
  more: number,
  pc = 0,
): Effects {
  const args: Record<string, unknown> = { ...(insn.args as Readonly<Record<string, unknown>>) };
  core.forEach(({ name }, i) => {
    args[name] = registers[i];
  });
  if (more !== 0) args.imm = immediateOf(insn) + more;
  return effectsOf({ ...insn, args } as Insn, pc);
}

function writesOf(core: readonly Operand[], first: Effects, second: Effects): CoreWrites {
  const written = ({ mayWrite }: Effects, registers: readonly number[]): CoreWrites => {
    const at = core.filter((_, i) => (mayWrite.core >>> registers[i]!) & 1).map((operand) => operand.at);
    const named = registers.slice(0, core.length).reduce((all, r) => all | (1 << r), 0);
    return { fixed: mayWrite.core & ~named, at, any: false };
  };
  const [a, b] = [written(first, FIRST), written(second, SECOND)];
  return a.at.length <= MAX_AT && JSON.stringify(a) === JSON.stringify(b) ? a : ANY;
}

/** From the accesses with either registers, and with a greater immediate. */
function accessOf(
  core: readonly Operand[],
  first: Access | null,
  second: Access | null,
  more: Access | null,
  immediate: number,
): AccessShape | null {
  if (first === null || second === null || more === null || first.offset !== second.offset) return null;
  const operand = core.find((_, i) => FIRST[i] === first.register && SECOND[i] === second.register);
  if (operand === undefined && first.register !== second.register) return null;
  const factor = (more.offset - first.offset) / MORE;
  if (![-1, 0, 1].includes(factor)) return null;
  const base = operand === undefined ? { offset: 4 * first.register } : { at: operand.at };
  const { length, kind, offset } = first;
  return { base, factor, plus: offset - factor * immediate, length, kind };
}

const BY_OPERAND = 1 << 25;
const ADDS = 1 << 26;
const SUBTRACTS = 1 << 27;
const ANY_WRITTEN = 1 << 15;

/** Both words; 0 for an access that is not known. */
export function packAccess(shape: AccessShape | null): [access: number, plus: number] {
  if (shape === null) return [0, 0];
  const { base, factor, plus, length, kind } = shape;
  const register = 'at' in base ? base.at | BY_OPERAND : base.offset;
  const sign = factor === 0 ? 0 : factor === 1 ? ADDS : SUBTRACTS;
  // No access is of no bytes.
  return [sign | register | (kind << 10) | (length << 12), plus];
}

export function packWrites({ fixed, at, any }: CoreWrites): number {
  return at.reduce((word, place, i) => word | (place << (16 + 4 * i)), fixed | (any ? ANY_WRITTEN : 0));
}

/** Bytes that an instruction accesses, as distances from a register (its offset in the state block). */
export class Range {
  base = 0;
  low = 0;
  high = 0;
  /** READ or WRITE. */
  kind = 0;
}

/** Puts into a range what an instruction with the record at `record` accesses, by the words of what is known. */
export function accessAt(
  range: Range,
  access: number,
  plus: number,
  record: number,
  u8: Uint8Array,
  i32: Int32Array,
): void {
  const place = access & 0x3f;
  const value = i32[(record + RECORD.word) >>> 2]!;
  const low = access & ADDS ? plus + value : access & SUBTRACTS ? plus - value : plus;
  range.base = access & BY_OPERAND ? u8[record + place]! : place;
  range.low = low;
  range.high = low + ((access >>> 12) & 0xff);
  range.kind = (access >>> 10) & 3;
}

/** The registers that it writes, a bit each. */
export function writtenAt(writes: number, record: number, u8: Uint8Array): number {
  if (writes & ANY_WRITTEN) return ~0;
  let written = writes & 0xffff;
  for (let places = writes >>> 16; places !== 0; places >>>= 4)
    written |= 1 << (u8[record + (places & 15)]! >>> 2);
  return written;
}
