/**
 * The form of an instruction: its op with the arguments that the op's TypeScript looks at. There is one handler for each form;
 * what differs between instructions of a form are its operands, which the op only hands on to the machine and which come from the
 * record.
 *
 * Operands are, by the names that shapes give them, registers and small immediates (a byte of the record) and wide immediates. A
 * core register 15 is no operand but part of the form, for the PC is none of the registers; so is a missing register (-1), and
 * what a shift by 0 or 32 or a hint about returns looks at. test/tier0 holds that an op does the same whatever its operands are.
 */
import type { Insn, Row } from '../decode/row.ts';
import { ROWS, UNDEFINED } from '../decode/tables.ts';
import { laneBits } from '../machine/vector-machine.ts';

/** Arguments that are wide immediates: a word of the record. */
export const WIDE: ReadonlySet<string> = new Set(['imm', 'offset', 'bits', 'list', 'align']);
const REGISTERS: ReadonlySet<string> = new Set('d n m t t2 a lo hi'.split(' '));
/** Arguments that are small numbers. */
const SMALL: ReadonlySet<string> = new Set('lsb width to rotation'.split(' '));
/** For the disassembler only, or of what is a NOP here. */
const IGNORED: ReadonlySet<string> = new Set('dt text state flags disable mode'.split(' '));

export type Args = Readonly<Record<string, unknown>>;

/** Numbers of the ops, by their first row. Made when first used. */
let opNumbers: Map<unknown, number> | undefined;

function opNumber(op: unknown): number {
  if (opNumbers === undefined) {
    opNumbers = new Map();
    for (const row of [...ROWS, UNDEFINED.A32])
      if (!opNumbers.has(row.op)) opNumbers.set(row.op, opNumbers.size);
  }
  return opNumbers.get(op)!;
}

/**
 * What an argument may be: always part of the form, a wide operand, a small one, a core register, an extension register, or an
 * amount.
 */
const FIXED = 0;
const OPERAND = 1;
const CORE = 2;
const AMOUNT = 3;
/** Index register of a structure transfer: 13 and 15 say something else. */
const INDEX = 4;
/** Shift of lanes: by 0 and by all their bits is something else. */
const SHIFT = 5;
/** Alignment: none, which is 1, is not tested. */
const ALIGN = 6;
/** Number of fraction bits: without any it is an integer. */
const FRACTION = 7;

/** Of element and structure transfers (ops/simd-memory.ts): what else there is goes into patterns of bytes. */
const TRANSFER: Readonly<Record<string, number>> = {
  d: OPERAND,
  base: CORE,
  m: INDEX,
  index: OPERAND,
  align: ALIGN,
};
/** Of other operations on lanes (ops/simd.ts), t being the lanes. */
const LANES: Readonly<Record<string, number>> = {
  d: OPERAND,
  n: OPERAND,
  m: OPERAND,
  t1: CORE,
  amount: SHIFT,
  bits: OPERAND,
};

/** An argument of all instructions of a row. */
interface Argument {
  readonly name: string;
  readonly kind: number;
  /** Hash of the name. */
  readonly hash: number;
}

/** What is the same for all instructions of a row: shapes give them the same arguments. */
interface Plan {
  readonly args: readonly Argument[];
  readonly isDirectBranch: boolean;
  /** It jumps to what is in a register, and is a return when that is LR. */
  readonly jumps: boolean;
  /** The core registers that it writes, by name: it jumps when one is the PC. */
  readonly written: readonly string[];
  /** Hash of the op. */
  readonly op: number;
}

const plans = new WeakMap<Row, Plan>();

function planOf(row: Row, args: Args): Plan {
  let plan = plans.get(row);
  if (plan === undefined) {
    const names = Object.keys(args).filter((name) => !IGNORED.has(name));
    plan = {
      args: names.map((name) => ({ name, kind: kindOf(name, args), hash: hashOf(name) })),
      isDirectBranch: isDirectBranch(args),
      jumps: names.length === 1 && names[0] === 'm',
      written: ['d', 't'].filter((name) => names.includes(name) && kindOf(name, args) === CORE),
      op: opNumber(row.op) * 8,
    };
    plans.set(row, plan);
  }
  return plan;
}

function kindOf(name: string, args: Args): number {
  if ('stride' in args) return TRANSFER[name] ?? FIXED;
  if ('dt' in args && 't' in args && !('t2' in args)) return LANES[name] ?? FIXED;
  if (name === 'fbits') return FRACTION;
  if (WIDE.has(name) || SMALL.has(name)) return OPERAND;
  if (name === 'amount') return AMOUNT;
  if (!REGISTERS.has(name)) return FIXED;
  // Of extension registers 15 is one like the others.
  const extension =
    'dt' in args ? name === 'd' || name === 'n' || name === 'm' : name === 'd' && 'size' in args;
  return extension ? OPERAND : CORE;
}

/** Whether the op of an instruction that jumps tells returns by this operand. */
function tellsReturn(name: string, value: number): boolean {
  if (name === 'n') return value === 13 || value === 11;
  return name === 'm' ? value === 14 : name === 'imm' && value === 4;
}

function isOperand({ name, kind }: Argument, args: Args, jump: boolean): boolean {
  const value = args[name];
  if (kind === FIXED || typeof value !== 'number') return false;
  if (jump && tellsReturn(name, value)) return false;
  if (kind === CORE) return value >= 0 && value !== 15;
  if (kind === INDEX) return value !== 13 && value !== 15;
  if (kind === ALIGN) return value !== 1;
  if (kind === FRACTION) return value > 0;
  if (kind === SHIFT) return value !== 0 && value !== laneBits(args.t as number);
  return kind === AMOUNT ? value !== 0 && value !== 32 : value >= 0 || WIDE.has(name);
}

/** Whether an instruction with these arguments is a direct branch. */
function isDirectBranch(args: Args): boolean {
  return 'offset' in args && 'thumb' in args && !('n' in args);
}

/** Hash of a word. */
function hashOf(text: string): number {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
  return h;
}
const words = new Map<string, number>();

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value | 0;
  if (typeof value === 'boolean') return value ? 0x7472_7565 : 0x6661_6c73;
  if (typeof value !== 'string') return 0x4e55_4c4c;
  let h = words.get(value);
  if (h === undefined) {
    h = hashOf(value);
    words.set(value, h);
  }
  return h;
}

const AN_OPERAND = 0x4f50_4552;

function isJump({ jumps, written }: Plan, args: Args): boolean {
  if (jumps || args.withPC === true) return true;
  for (let i = 0; i < written.length; i++) if (args[written[i]!] === 15) return true;
  return false;
}

/** Key of an instruction's form. */
export function formKey(insn: Insn): number {
  const args = insn.args as Args;
  const plan = planOf(insn.row, args);
  const jump = isJump(plan, args);
  const head = plan.op + insn.size + (insn.thumb ? 1 : 0);
  let a = Math.imul(head, 0x9e37_79b1);
  let b = Math.imul(head, 0x27d4_eb2f);
  const list = plan.args;
  for (let i = 0; i < list.length; i++) {
    const argument = list[i]!;
    const value = args[argument.name];
    const x = argument.hash ^ (isOperand(argument, args, jump) ? AN_OPERAND : numberOf(value));
    a = Math.imul(a ^ x, 0x85eb_ca6b);
    a ^= a >>> 15;
    b = Math.imul((b + x) | 0, 0xc2b2_ae35) ^ (b >>> 13);
  }
  const cond = plan.isDirectBranch ? insn.cond : 0;
  a = Math.imul(a ^ cond, 0x85eb_ca6b);
  b = Math.imul((b + cond) | 0, 0xc2b2_ae35);
  return (a >>> 6) * 2 ** 26 + (b >>> 6);
}

/** Whether the instruction has lanes. */
export function isSimd(insn: Insn | undefined): boolean {
  const args = (insn?.args ?? {}) as Args;
  return 'dt' in args && ('stride' in args || ('t' in args && !('t2' in args)));
}

/** Whether the condition is tested by the instruction's own handler. */
export function testsCondition(insn: Insn): boolean {
  return planOf(insn.row, insn.args as Args).isDirectBranch;
}

/** Names of the operands, in the order of the arguments. */
export function operandsOf(insn: Insn): string[] {
  const args = insn.args as Args;
  const plan = planOf(insn.row, args);
  const jump = isJump(plan, args);
  return plan.args.filter((a) => isOperand(a, args, jump)).map((a) => a.name);
}

/** The form in words, for messages and to find out whether two have one key. */
export function describe(insn: Insn): string {
  return `${opNumber(insn.row.op)}${insn.thumb ? 'T' : 'A'}${insn.size} ${inWords(insn, true)}`;
}

/** The name of a form, which stays when others come: its row, and what it has that is no operand. */
export function nameOfForm(insn: Insn): string {
  return `${insn.row.name}: ${inWords(insn, false)}`;
}

function inWords(insn: Insn, withOperands: boolean): string {
  const args = insn.args as Args;
  const operands = new Set(operandsOf(insn));
  const parts: string[] = [];
  for (const [name, value] of Object.entries(args)) {
    if (IGNORED.has(name)) continue;
    if (!operands.has(name)) parts.push(`${name}=${value}`);
    else if (withOperands) parts.push(name);
  }
  return `${parts.join(' ')}${testsCondition(insn) ? `?${insn.cond}` : ''}`;
}
