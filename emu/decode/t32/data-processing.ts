/**
 * 32-bit Thumb data-processing encodings (ARM ARM A6.3.1 to A6.3.3, A6.3.11, A6.3.12 shifts).
 *
 * Forms with SP as first operand, which the manual describes apart, are these same rows.
 */
import * as op from '../../ops/data-processing.ts';
import { t32 } from '../build.ts';
import { any, type Predicate, pc, spOrPc } from '../predicates.ts';
import type { Op, Row } from '../row.ts';
import * as dp from '../shapes/data-processing.ts';
import { ASR, badThumbImm, LSL, LSR, plain, ROR, RRX, thumbExpandImm } from '../shapes/data-processing.ts';

const badImm: Predicate = (_a, f) => badThumbImm(f.i!);
/** Rd = SP, or Rd = PC without S (with S it is a comparison). */
const badD: Predicate = (_a, f) => f.d === 13 || (f.d === 15 && f.S === 0);
const sp =
  (letter: string): Predicate =>
  (_a, f) =>
    f[letter] === 13;
/** ADD, SUB: SP may be the destination when it is the first operand. */
const badAdd: Predicate = (a, f, ctx) =>
  f.n === 13 ? f.d === 15 && f.S === 0 : badD(a, f, ctx) || f.n === 15;
/** ADD, SUB (register): to SP only shifted left by at most 3. */
const badAddRegister: Predicate = (a, f, ctx) =>
  badAdd(a, f, ctx) || (f.n === 13 && f.d === 13 && (f.y !== 0 || f.i! > 3));

interface Operation {
  readonly mnemonic: string;
  readonly opcode: string;
  readonly op: Op<op.DataProcessing>;
  readonly form: dp.Form;
  /** What is UNPREDICTABLE in both forms; Rm apart. */
  readonly bad: Predicate;
  readonly badRegister?: Predicate;
  /** Encoding letters in the manual, immediate and register. */
  readonly t: readonly [string, string];
}

/** Opcodes are bits 24..21; moves have Rn = PC, comparisons S = 1 and Rd = PC. */
const OPERATIONS: readonly Operation[] = [
  { mnemonic: 'and', opcode: '0000', op: op.and, form: 'dn', bad: any(badD, spOrPc('n')), t: ['T1', 'T2'] },
  { mnemonic: 'tst', opcode: '0000', op: op.tst, form: 'n', bad: spOrPc('n'), t: ['T1', 'T2'] },
  { mnemonic: 'bic', opcode: '0001', op: op.bic, form: 'dn', bad: spOrPc('dn'), t: ['T1', 'T2'] },
  {
    mnemonic: 'orr',
    opcode: '0010',
    op: op.orr,
    form: 'dn',
    bad: any(spOrPc('d'), sp('n')),
    t: ['T1', 'T2'],
  },
  { mnemonic: 'mov', opcode: '0010', op: op.mov, form: 'd', bad: spOrPc('d'), t: ['T2', 'T3'] },
  {
    mnemonic: 'orn',
    opcode: '0011',
    op: op.orn,
    form: 'dn',
    bad: any(spOrPc('d'), sp('n')),
    t: ['T1', 'T1'],
  },
  { mnemonic: 'mvn', opcode: '0011', op: op.mvn, form: 'd', bad: spOrPc('d'), t: ['T1', 'T2'] },
  { mnemonic: 'eor', opcode: '0100', op: op.eor, form: 'dn', bad: any(badD, spOrPc('n')), t: ['T1', 'T2'] },
  { mnemonic: 'teq', opcode: '0100', op: op.teq, form: 'n', bad: spOrPc('n'), t: ['T1', 'T1'] },
  {
    mnemonic: 'add',
    opcode: '1000',
    op: op.add,
    form: 'dn',
    bad: badAdd,
    badRegister: badAddRegister,
    t: ['T3', 'T3'],
  },
  { mnemonic: 'cmn', opcode: '1000', op: op.cmn, form: 'n', bad: pc('n'), t: ['T1', 'T2'] },
  { mnemonic: 'adc', opcode: '1010', op: op.adc, form: 'dn', bad: spOrPc('dn'), t: ['T1', 'T2'] },
  { mnemonic: 'sbc', opcode: '1011', op: op.sbc, form: 'dn', bad: spOrPc('dn'), t: ['T1', 'T2'] },
  {
    mnemonic: 'sub',
    opcode: '1101',
    op: op.sub,
    form: 'dn',
    bad: badAdd,
    badRegister: badAddRegister,
    t: ['T3', 'T2'],
  },
  { mnemonic: 'cmp', opcode: '1101', op: op.cmp, form: 'n', bad: pc('n'), t: ['T2', 'T3'] },
  { mnemonic: 'rsb', opcode: '1110', op: op.rsb, form: 'dn', bad: spOrPc('dn'), t: ['T2', 'T1'] },
];

function forms(o: Operation): Row[] {
  const s = o.form === 'n' ? '1' : 'S';
  const n = o.form === 'd' ? '1111' : 'nnnn';
  const d = o.form === 'n' ? '1111' : 'dddd';
  const flags = o.form === 'n' ? 'always' : 'S';
  const name = o.mnemonic.toUpperCase();
  const rows = [
    t32(
      `${name} (immediate) ${o.t[0]}`,
      o.mnemonic,
      `11110i0 ${o.opcode} ${s} ${n} 0iii ${d} iiiiiiii`,
      dp.immediate(o.form, flags, thumbExpandImm),
      o.op,
      any(o.bad, badImm),
    ),
  ];
  // MOV's register forms with a shift are the shift instructions below.
  if (o.mnemonic === 'mov') return rows;
  return [
    ...rows,
    t32(
      `${name} (register) ${o.t[1]}`,
      o.mnemonic,
      `1110101 ${o.opcode} ${s} ${n} (0)iii ${d} iiyy mmmm`,
      dp.shifted(o.form, flags),
      o.op,
      any(o.badRegister ?? o.bad, spOrPc('m')),
    ),
  ];
}

const SHIFTS: readonly [string, string, number][] = [
  ['lsl', '00', LSL],
  ['lsr', '01', LSR],
  ['asr', '10', ASR],
  ['ror', '11', ROR],
];
const MOV = '11101010010 S 1111';

export const dataProcessing: Row[] = [
  ...OPERATIONS.flatMap(forms),

  t32(
    'ADD (immediate) T4',
    'addw',
    '11110i100000 nnnn 0iii dddd iiiiiiii',
    dp.immediate('dn', 'never', plain()),
    op.add,
    (_a, f) => (f.n === 13 ? f.d === 15 : f.d === 13 || f.d === 15),
  ),
  t32(
    'SUB (immediate) T4',
    'subw',
    '11110i101010 nnnn 0iii dddd iiiiiiii',
    dp.immediate('dn', 'never', plain()),
    op.sub,
    (_a, f) => (f.n === 13 ? f.d === 15 : f.d === 13 || f.d === 15),
  ),
  t32('ADR T3', 'addw', '11110i100000 1111 0iii dddd iiiiiiii', dp.literalAddress(1, 1), op.adr, spOrPc('d')),
  t32(
    'ADR T2',
    'subw',
    '11110i101010 1111 0iii dddd iiiiiiii',
    dp.literalAddress(-1, 1),
    op.adr,
    spOrPc('d'),
  ),
  t32(
    'MOV (immediate) T3',
    'movw',
    '11110i100100 jjjj 0iii dddd iiiiiiii',
    dp.immediate16,
    op.mov,
    spOrPc('d'),
  ),
  t32('MOVT T1', 'movt', '11110i101100 jjjj 0iii dddd iiiiiiii', dp.immediate16, op.movt, spOrPc('d')),

  t32('MOV (register) T3', 'mov', `${MOV} (0)000 dddd 0000 mmmm`, dp.shifted('d', 'S'), op.mov, (_a, f) => {
    if (f.S === 0) return f.d === 15 || f.m === 15 || (f.d === 13 && f.m === 13);
    return f.d === 13 || f.d === 15 || f.m === 13 || f.m === 15;
  }),
  t32('RRX T1', 'rrx', `${MOV} (0)000 dddd 0011 mmmm`, dp.shiftMove('S', RRX), op.mov, spOrPc('dm')),
  ...SHIFTS.flatMap(([mnemonic, type, number]) => [
    t32(
      `${mnemonic.toUpperCase()} (immediate) ${mnemonic === 'ror' ? 'T1' : 'T2'}`,
      mnemonic,
      `${MOV} (0)iii dddd ii${type} mmmm`,
      dp.shiftMove('S', number),
      op.mov,
      spOrPc('dm'),
    ),
    t32(
      `${mnemonic.toUpperCase()} (register) T2`,
      mnemonic,
      `11111010 0${type} S nnnn 1111 dddd 0000 mmmm`,
      dp.shiftByRegister('S', number),
      op.mov,
      spOrPc('dnm'),
    ),
  ]),
];
