/**
 * 16-bit Thumb encodings (ARM ARM A6.2). Data-processing instructions set the flags outside IT blocks only.
 */

import { ldm, stm } from '../ops/block.ts';
import { b, blx, bx, cbnz, cbz } from '../ops/branch.ts';
import * as data from '../ops/data-processing.ts';
import * as mem from '../ops/load-store.ts';
import * as media from '../ops/media.ts';
import { mul } from '../ops/multiply.ts';
import * as system from '../ops/system.ts';
import { t16 } from './build.ts';
import { inIT, notLastInIT, type Predicate } from './predicates.ts';
import type { Op, Row } from './row.ts';
import * as control from './shapes/branch-system.ts';
import * as dp from './shapes/data-processing.ts';
import { ASR, LSL, LSR, plain, ROR } from './shapes/data-processing.ts';
import * as ls from './shapes/load-store.ts';
import { extend, multiplyT16, twoRegisters } from './shapes/multiply.ts';

const branchToPc: Predicate = (a, f, ctx) => f.d === 15 && notLastInIT(a, f, ctx);

/** Rdn op Rm of the format 010000: mnemonic, opcode, op. */
const REGISTER_OPERATIONS: readonly [string, string, Op<data.DataProcessing>][] = [
  ['and', '0000', data.and],
  ['eor', '0001', data.eor],
  ['adc', '0101', data.adc],
  ['sbc', '0110', data.sbc],
  ['orr', '1100', data.orr],
  ['bic', '1110', data.bic],
];
const REGISTER_SHIFTS: readonly [string, string, number][] = [
  ['lsl', '0010', LSL],
  ['lsr', '0011', LSR],
  ['asr', '0100', ASR],
  ['ror', '0111', ROR],
];
const COMPARISONS: readonly [string, string, Op<data.DataProcessing>][] = [
  ['tst', '1000', data.tst],
  ['cmp', '1010', data.cmp],
  ['cmn', '1011', data.cmn],
];

const dataProcessing: Row[] = [
  t16('MOV (register) T2', 'mov', '00000 00000 mmm ddd', dp.shifted('d', 'outsideIT'), data.mov, inIT),
  t16('LSL (immediate) T1', 'lsl', '00000 iiiii mmm ddd', dp.shiftMove('outsideIT', LSL), data.mov),
  t16('LSR (immediate) T1', 'lsr', '00001 iiiii mmm ddd', dp.shiftMove('outsideIT', LSR), data.mov),
  t16('ASR (immediate) T1', 'asr', '00010 iiiii mmm ddd', dp.shiftMove('outsideIT', ASR), data.mov),
  t16('ADD (register) T1', 'add', '0001100 mmm nnn ddd', dp.shifted('dn', 'outsideIT'), data.add),
  t16('SUB (register) T1', 'sub', '0001101 mmm nnn ddd', dp.shifted('dn', 'outsideIT'), data.sub),
  t16('ADD (immediate) T1', 'add', '0001110 iii nnn ddd', dp.immediate('dn', 'outsideIT', plain()), data.add),
  t16('SUB (immediate) T1', 'sub', '0001111 iii nnn ddd', dp.immediate('dn', 'outsideIT', plain()), data.sub),
  t16('MOV (immediate) T1', 'mov', '00100 ddd iiiiiiii', dp.immediate('d', 'outsideIT', plain()), data.mov),
  t16('CMP (immediate) T1', 'cmp', '00101 nnn iiiiiiii', dp.immediate('n', 'always', plain()), data.cmp),
  t16('ADD (immediate) T2', 'add', '00110 ddd iiiiiiii', dp.immediateInPlace, data.add),
  t16('SUB (immediate) T2', 'sub', '00111 ddd iiiiiiii', dp.immediateInPlace, data.sub),
  ...REGISTER_OPERATIONS.map(([mnemonic, opcode, op]) =>
    t16(
      `${mnemonic.toUpperCase()} (register) T1`,
      mnemonic,
      `010000 ${opcode} mmm ddd`,
      dp.registerInPlace('outsideIT'),
      op,
    ),
  ),
  ...REGISTER_SHIFTS.map(([mnemonic, opcode, type]) =>
    t16(
      `${mnemonic.toUpperCase()} (register) T1`,
      mnemonic,
      `010000 ${opcode} mmm ddd`,
      dp.shiftInPlace(type),
      data.mov,
    ),
  ),
  ...COMPARISONS.map(([mnemonic, opcode, op]) =>
    t16(
      `${mnemonic.toUpperCase()} (register) T1`,
      mnemonic,
      `010000 ${opcode} mmm nnn`,
      dp.shifted('n', 'always'),
      op,
    ),
  ),
  t16('RSB (immediate) T1', 'rsb', '010000 1001 nnn ddd', dp.negate, data.rsb),
  t16('MUL T1', 'mul', '010000 1101 nnn ddd', multiplyT16, mul),
  t16('MVN (register) T1', 'mvn', '010000 1111 mmm ddd', dp.shifted('d', 'outsideIT'), data.mvn),
  t16(
    'ADD (register) T2',
    'add',
    '01000100 d mmmm ddd',
    dp.registerInPlace('never'),
    data.add,
    (a, f, ctx) => (f.d === 15 && f.m === 15) || branchToPc(a, f, ctx),
  ),
  t16(
    'CMP (register) T2',
    'cmp',
    '01000101 n mmmm nnn',
    dp.shifted('n', 'always'),
    data.cmp,
    (_a, f) => (f.n! < 8 && f.m! < 8) || f.n === 15 || f.m === 15,
  ),
  t16('MOV (register) T1', 'mov', '01000110 d mmmm ddd', dp.shifted('d', 'never'), data.mov, branchToPc),
  t16('ADR T1', 'add', '10100 ddd iiiiiiii', dp.literalAddress(1, 4), data.adr),
  t16('ADD (SP plus immediate) T1', 'add', '10101 ddd iiiiiiii', dp.stackPointer('d'), data.add),
  t16('ADD (SP plus immediate) T2', 'add', '101100000 iiiiiii', dp.stackPointer('sp'), data.add),
  t16('SUB (SP minus immediate) T1', 'sub', '101100001 iiiiiii', dp.stackPointer('sp'), data.sub),
  t16('SXTH T1', 'sxth', '1011001000 mmm ddd', extend, media.sxth),
  t16('SXTB T1', 'sxtb', '1011001001 mmm ddd', extend, media.sxtb),
  t16('UXTH T1', 'uxth', '1011001010 mmm ddd', extend, media.uxth),
  t16('UXTB T1', 'uxtb', '1011001011 mmm ddd', extend, media.uxtb),
  t16('REV T1', 'rev', '1011101000 mmm ddd', twoRegisters, media.rev),
  t16('REV16 T1', 'rev16', '1011101001 mmm ddd', twoRegisters, media.rev16),
  t16('REVSH T1', 'revsh', '1011101011 mmm ddd', twoRegisters, media.revsh),
];

/** Register-offset transfers of the format 0101: mnemonic, opcode, op. */
const TRANSFERS: readonly [string, string, Op<mem.Transfer>][] = [
  ['str', '000', mem.str],
  ['strh', '001', mem.strh],
  ['strb', '010', mem.strb],
  ['ldrsb', '011', mem.ldrsb],
  ['ldr', '100', mem.ldr],
  ['ldrh', '101', mem.ldrh],
  ['ldrb', '110', mem.ldrb],
  ['ldrsh', '111', mem.ldrsh],
];

const loadStore: Row[] = [
  t16('LDR (literal) T1', 'ldr', '01001 ttt iiiiiiii', ls.offsetImmediate({ n: 15, scale: 4 }), mem.ldr),
  ...TRANSFERS.map(([mnemonic, opcode, op]) =>
    t16(
      `${mnemonic.toUpperCase()} (register) T1`,
      mnemonic,
      `0101 ${opcode} mmm nnn ttt`,
      ls.offsetRegister(),
      op,
    ),
  ),
  t16('STR (immediate) T1', 'str', '01100 iiiii nnn ttt', ls.offsetImmediate({ scale: 4 }), mem.str),
  t16('LDR (immediate) T1', 'ldr', '01101 iiiii nnn ttt', ls.offsetImmediate({ scale: 4 }), mem.ldr),
  t16('STRB (immediate) T1', 'strb', '01110 iiiii nnn ttt', ls.offsetImmediate(), mem.strb),
  t16('LDRB (immediate) T1', 'ldrb', '01111 iiiii nnn ttt', ls.offsetImmediate(), mem.ldrb),
  t16('STRH (immediate) T1', 'strh', '10000 iiiii nnn ttt', ls.offsetImmediate({ scale: 2 }), mem.strh),
  t16('LDRH (immediate) T1', 'ldrh', '10001 iiiii nnn ttt', ls.offsetImmediate({ scale: 2 }), mem.ldrh),
  t16('STR (immediate) T2', 'str', '10010 ttt iiiiiiii', ls.offsetImmediate({ n: 13, scale: 4 }), mem.str),
  t16('LDR (immediate) T2', 'ldr', '10011 ttt iiiiiiii', ls.offsetImmediate({ n: 13, scale: 4 }), mem.ldr),
  t16('STM T1', 'stmia', '11000 nnn rrrrrrrr', ls.block('ia', { wback: true }), stm),
  t16('LDM T1', 'ldmia', '11001 nnn rrrrrrrr', ls.ldmT16, ldm),
  t16(
    'PUSH T1',
    'push',
    '1011010 M rrrrrrrr',
    ls.block('db', { n: 13, wback: true, stack: true, extra: 0x4000 }),
    stm,
  ),
  t16(
    'POP T1',
    'pop',
    '1011110 M rrrrrrrr',
    ls.block('ia', { n: 13, wback: true, stack: true, extra: 0x8000 }),
    ldm,
    (a, f, ctx) => f.M === 1 && notLastInIT(a, f, ctx),
  ),
];

const HINT = '10111111';

/** IT; the decoder takes ITSTATE from it. */
export const itRow: Row = t16(
  'IT T1',
  'it',
  `${HINT} ffff mmmm`,
  control.it,
  system.nop,
  (_a, f, ctx) => f.f === 15 || (f.f === 14 && ls.bitCount(f.m!) !== 1) || ctx.inIT,
);

const controlRows: Row[] = [
  t16('BX T1', 'bx', '010001110 mmmm (0)(0)(0)', control.branchRegister, bx, notLastInIT),
  t16(
    'BLX (register) T1',
    'blx',
    '010001111 mmmm (0)(0)(0)',
    control.branchRegister,
    blx,
    (a, f, ctx) => f.m === 15 || notLastInIT(a, f, ctx),
  ),
  t16('CBZ T1', 'cbz', '1011 0 0 i 1 iiiii nnn', control.compareBranch, cbz, inIT),
  t16('CBNZ T1', 'cbnz', '1011 1 0 i 1 iiiii nnn', control.compareBranch, cbnz, inIT),
  t16('SETEND T1', 'setend', '101101100101 E (0)(0)(0)', control.setEndianness, system.setend, inIT),
  t16(
    'CPS T1',
    'cps',
    '10110110011 p (0) iii',
    control.changeState,
    system.nop,
    (_a, f, ctx) => f.i === 0 || ctx.inIT,
  ),
  t16('BKPT T1', 'bkpt', '10111110 iiiiiiii', control.hexImmediate, system.bkpt),
  t16('NOP T1', 'nop', `${HINT} 0000 0000`, control.none, system.nop),
  t16('YIELD T1', 'yield', `${HINT} 0001 0000`, control.none, system.yieldHint),
  t16('WFE T1', 'wfe', `${HINT} 0010 0000`, control.none, system.yieldHint),
  t16('WFI T1', 'wfi', `${HINT} 0011 0000`, control.none, system.yieldHint),
  t16('SEV T1', 'sev', `${HINT} 0100 0000`, control.none, system.nop),
  t16('Unallocated hint T1', 'nop', `${HINT} iiii 0000`, control.hintNumber, system.nop),
  itRow,
  t16('B T1', 'b', '1101 cccc iiiiiiii', control.branchT16(8), b, inIT),
  t16('UDF T1', 'udf', '11011110 iiiiiiii', control.immediate, system.udf),
  t16('SVC T1', 'svc', '11011111 iiiiiiii', control.supervisorCallT16, system.svc),
  t16('B T2', 'b', '11100 iiiiiiiiiii', control.branchT16(11), b, notLastInIT),
];

export const t16Rows: Row[] = [...dataProcessing, ...loadStore, ...controlRows];
