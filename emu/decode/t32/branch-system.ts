/**
 * 32-bit Thumb branches, status, hints, barriers and the system registers of User mode (ARM ARM A6.3.4, A6.3.6, A6.3.18).
 *
 * Without rows, so UNDEFINED: what User mode cannot do (RFE, SRS, SMC, HVC, SUBS PC, LR, SPSR), ThumbEE and every other coprocessor access.
 */
import * as branch from '../../ops/branch.ts';
import { clrex } from '../../ops/exclusive.ts';
import * as op from '../../ops/system.ts';
import { t32 } from '../build.ts';
import { any, inIT, notLastInIT, pc, spOrPc } from '../predicates.ts';
import type { Row } from '../row.ts';
import * as shape from '../shapes/branch-system.ts';

const ZERO = '(0)(0)(0)(0)';
const ONE = '(1)(1)(1)(1)';
const HINT = `111100111010 ${ONE} 10(0)0 (0)000`;
const BARRIER = `111100111011 ${ONE} 10(0)0 ${ONE}`;

export const branchSystem: Row[] = [
  t32('B T3', 'b', '11110 S cccc iiiiii 10 j 0 k iiiiiiiiiii', shape.branchT32Conditional, branch.b, inIT),
  t32('B T4', 'b', '11110 S iiiiiiiiii 10 j 1 k iiiiiiiiiii', shape.branchT32, branch.b, notLastInIT),
  t32('BL T1', 'bl', '11110 S iiiiiiiiii 11 j 1 k iiiiiiiiiii', shape.branchT32, branch.bl, notLastInIT),
  t32(
    'BLX (immediate) T2',
    'blx',
    '11110 S iiiiiiiiii 11 j 0 k iiiiiiiiiii',
    shape.branchT32ToArm,
    branch.bl,
    notLastInIT,
  ),
  t32(
    'BXJ T1',
    'bxj',
    `111100111100 mmmm 10(0)0 ${ONE} ${ZERO}${ZERO}`,
    shape.branchRegister,
    branch.bx,
    any(spOrPc('m'), notLastInIT),
  ),
  t32(
    'TBB T1',
    'tbb',
    `111010001101 nnnn ${ONE} ${ZERO} 0000 mmmm`,
    shape.tableBranch(false),
    branch.tbb,
    any(spOrPc('m'), (_a, f) => f.n === 13, notLastInIT),
  ),
  t32(
    'TBH T1',
    'tbh',
    `111010001101 nnnn ${ONE} ${ZERO} 0001 mmmm`,
    shape.tableBranch(true),
    branch.tbh,
    any(spOrPc('m'), (_a, f) => f.n === 13, notLastInIT),
  ),

  t32('UDF T2', 'udf', '111101111111 iiii 1010 iiiiiiiiiiii', shape.immediate, op.udf),
  t32(
    'MRS T1',
    'mrs',
    `111100111110 ${ONE} 10(0)0 dddd (0)(0)0(0)${ZERO}`,
    shape.readStatus,
    op.mrs,
    spOrPc('d'),
  ),
  t32(
    'MSR (register) T1',
    'msr',
    `111100111000 nnnn 10(0)0 kkkk (0)(0)0(0)${ZERO}`,
    shape.writeStatus,
    op.msr,
    (_a, f) => f.k === 0 || f.n === 13 || f.n === 15,
  ),
  t32(
    'CPS T2',
    'cps',
    `111100111010 ${ONE} 10(0)0 (0)ppM iiikkkkk`,
    shape.changeState,
    op.nop,
    (_a, f, ctx) => f.p === 1 || (f.M === 0 && f.k !== 0) || f.p! >> 1 === Number(f.i === 0) || ctx.inIT,
  ),
  t32('NOP T2', 'nop', `${HINT} 00000000`, shape.none, op.nop),
  t32('YIELD T2', 'yield', `${HINT} 00000001`, shape.none, op.yieldHint),
  t32('WFE T2', 'wfe', `${HINT} 00000010`, shape.none, op.yieldHint),
  t32('WFI T2', 'wfi', `${HINT} 00000011`, shape.none, op.yieldHint),
  t32('SEV T2', 'sev', `${HINT} 00000100`, shape.none, op.nop),
  t32('DBG T1', 'dbg', `${HINT} 1111 iiii`, shape.immediate, op.nop),
  t32('Unallocated hint T2', 'nop', `${HINT} iiiiiiii`, shape.hintNumber, op.nop),

  t32('CLREX T1', 'clrex', `${BARRIER} 0010 ${ONE}`, shape.none, clrex),
  t32('DSB T1', 'dsb', `${BARRIER} 0100 iiii`, shape.barrier, op.nop),
  t32('DMB T1', 'dmb', `${BARRIER} 0101 iiii`, shape.barrier, op.nop),
  t32('ISB T1', 'isb', `${BARRIER} 0110 iiii`, shape.instructionBarrier, op.isb),

  t32(
    'MRC (TPIDRURO) T1',
    'mrc',
    '111011100001 1101 tttt 1111 0111 0000',
    shape.threadRegister(3),
    op.readTpidruro,
    spOrPc('t'),
  ),
  t32(
    'MRC (TPIDRURW) T1',
    'mrc',
    '111011100001 1101 tttt 1111 0101 0000',
    shape.threadRegister(2),
    op.readTpidrurw,
    spOrPc('t'),
  ),
  t32(
    'MCR (TPIDRURW) T1',
    'mcr',
    '111011100000 1101 tttt 1111 0101 0000',
    shape.threadRegister(2),
    op.writeTpidrurw,
    spOrPc('t'),
  ),
  t32(
    'MCR (CP15ISB) T1',
    'mcr',
    '111011100000 0111 tttt 1111 1001 0101',
    shape.cp15Barrier(5, 4),
    op.isb,
    spOrPc('t'),
  ),
  t32(
    'MCR (CP15DSB) T1',
    'mcr',
    '111011100000 0111 tttt 1111 1001 1010',
    shape.cp15Barrier(10, 4),
    op.nop,
    spOrPc('t'),
  ),
  t32(
    'MCR (CP15DMB) T1',
    'mcr',
    '111011100000 0111 tttt 1111 1011 1010',
    shape.cp15Barrier(10, 5),
    op.nop,
    pc('t'),
  ),
];
