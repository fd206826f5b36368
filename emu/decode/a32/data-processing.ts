/**
 * A32 data-processing encodings (ARM ARM A5.2.1 to A5.2.4). ADR is ADD or SUB (immediate) with Rn = PC, whose value is word aligned here.
 */
import * as op from '../../ops/data-processing.ts';
import { a32 } from '../build.ts';
import { exceptionReturn, pc } from '../predicates.ts';
import type { Op, Row } from '../row.ts';
import {
  ASR,
  armExpandImm,
  type Form,
  immediate,
  immediate16,
  LSL,
  LSR,
  ROR,
  RRX,
  registerShifted,
  shiftByRegister,
  shifted,
  shiftMove,
} from '../shapes/data-processing.ts';

const ZERO = '(0)(0)(0)(0)';

/** Mnemonic, opcode (bits 24..21), registers besides the second operand, op. */
const OPERATIONS: readonly [string, string, Form, Op<op.DataProcessing>][] = [
  ['and', '0000', 'dn', op.and],
  ['eor', '0001', 'dn', op.eor],
  ['sub', '0010', 'dn', op.sub],
  ['rsb', '0011', 'dn', op.rsb],
  ['add', '0100', 'dn', op.add],
  ['adc', '0101', 'dn', op.adc],
  ['sbc', '0110', 'dn', op.sbc],
  ['rsc', '0111', 'dn', op.rsc],
  ['tst', '1000', 'n', op.tst],
  ['teq', '1001', 'n', op.teq],
  ['cmp', '1010', 'n', op.cmp],
  ['cmn', '1011', 'n', op.cmn],
  ['orr', '1100', 'dn', op.orr],
  ['mov', '1101', 'd', op.mov],
  ['bic', '1110', 'dn', op.bic],
  ['mvn', '1111', 'd', op.mvn],
];

function forms([mnemonic, opcode, form, f]: (typeof OPERATIONS)[number]): Row[] {
  const s = form === 'n' ? '1' : 'S';
  const flags = form === 'n' ? 'always' : 'S';
  const registers = `${form === 'd' ? ZERO : 'nnnn'} ${form === 'n' ? ZERO : 'dddd'}`;
  const name = mnemonic.toUpperCase();
  const immediateName = `${name} (immediate) A1`;
  const rows = [
    a32(
      immediateName,
      mnemonic,
      `cccc 001 ${opcode} ${s} ${registers} iiiiiiiiiiii`,
      immediate(form, flags, armExpandImm),
      f,
      exceptionReturn,
    ),
  ];
  // MOV's register forms with a shift are the shift instructions below.
  if (mnemonic === 'mov') return rows;
  return [
    ...rows,
    a32(
      `${name} (register) A1`,
      mnemonic,
      `cccc 000 ${opcode} ${s} ${registers} iiiii yy 0 mmmm`,
      shifted(form, flags),
      f,
      exceptionReturn,
    ),
    a32(
      `${name} (register-shifted register) A1`,
      mnemonic,
      `cccc 000 ${opcode} ${s} ${registers} ssss 0 yy 1 mmmm`,
      registerShifted(form),
      f,
      pc('dnms'),
    ),
  ];
}

const MOV = `cccc 0001101 S ${ZERO} dddd`;

export const dataProcessing: Row[] = [
  ...OPERATIONS.flatMap(forms),
  a32('MOV (immediate) A2', 'movw', 'cccc 00110000 jjjj dddd iiiiiiiiiiii', immediate16, op.mov, pc('d')),
  a32('MOVT A1', 'movt', 'cccc 00110100 jjjj dddd iiiiiiiiiiii', immediate16, op.movt, pc('d')),
  a32('MOV (register) A1', 'mov', `${MOV} 00000 000 mmmm`, shifted('d', 'S'), op.mov, exceptionReturn),
  a32('LSL (immediate) A1', 'lsl', `${MOV} iiiii 000 mmmm`, shiftMove('S', LSL), op.mov, exceptionReturn),
  a32('LSR (immediate) A1', 'lsr', `${MOV} iiiii 010 mmmm`, shiftMove('S', LSR), op.mov, exceptionReturn),
  a32('ASR (immediate) A1', 'asr', `${MOV} iiiii 100 mmmm`, shiftMove('S', ASR), op.mov, exceptionReturn),
  a32('RRX A1', 'rrx', `${MOV} 00000 110 mmmm`, shiftMove('S', RRX), op.mov, exceptionReturn),
  a32('ROR (immediate) A1', 'ror', `${MOV} iiiii 110 mmmm`, shiftMove('S', ROR), op.mov, exceptionReturn),
  a32('LSL (register) A1', 'lsl', `${MOV} mmmm 0001 nnnn`, shiftByRegister('S', LSL), op.mov, pc('dnm')),
  a32('LSR (register) A1', 'lsr', `${MOV} mmmm 0011 nnnn`, shiftByRegister('S', LSR), op.mov, pc('dnm')),
  a32('ASR (register) A1', 'asr', `${MOV} mmmm 0101 nnnn`, shiftByRegister('S', ASR), op.mov, pc('dnm')),
  a32('ROR (register) A1', 'ror', `${MOV} mmmm 0111 nnnn`, shiftByRegister('S', ROR), op.mov, pc('dnm')),
];
