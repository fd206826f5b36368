/**
 * A32 branches, status, exceptions, hints, barriers and the system registers of User mode (ARM ARM A5.2.11, A5.2.12, A5.5, A5.6, A5.7).
 *
 * Without rows, so UNDEFINED: what User mode cannot do (RFE, SRS, SMC, HVC, ERET, banked MRS and MSR, SPSR) and every other coprocessor access.
 */
import * as branch from '../../ops/branch.ts';
import { clrex } from '../../ops/exclusive.ts';
import * as op from '../../ops/system.ts';
import { a32 } from '../build.ts';
import { pc } from '../predicates.ts';
import type { Row } from '../row.ts';
import * as shape from '../shapes/branch-system.ts';

const ZERO = '(0)(0)(0)(0)';
const ONE = '(1)(1)(1)(1)';
const HINT = `cccc 001100100000 ${ONE} ${ZERO}`;
const BARRIER = `1111 01010111 ${ONE} ${ONE} ${ZERO}`;

export const branchSystem: Row[] = [
  a32('B A1', 'b', 'cccc 1010 iiiiiiiiiiiiiiiiiiiiiiii', shape.branchA32, branch.b),
  a32('BL A1', 'bl', 'cccc 1011 iiiiiiiiiiiiiiiiiiiiiiii', shape.branchA32, branch.bl),
  a32('BLX (immediate) A2', 'blx', '1111 101 H iiiiiiiiiiiiiiiiiiiiiiii', shape.branchA32ToThumb, branch.bl),
  a32('BX A1', 'bx', `cccc 00010010 ${ONE} ${ONE} ${ONE} 0001 mmmm`, shape.branchRegister, branch.bx),
  a32(
    'BXJ A1',
    'bxj',
    `cccc 00010010 ${ONE} ${ONE} ${ONE} 0010 mmmm`,
    shape.branchRegister,
    branch.bx,
    pc('m'),
  ),
  a32(
    'BLX (register) A1',
    'blx',
    `cccc 00010010 ${ONE} ${ONE} ${ONE} 0011 mmmm`,
    shape.branchRegister,
    branch.blx,
    pc('m'),
  ),

  a32('SVC A1', 'svc', 'cccc 1111 iiiiiiiiiiiiiiiiiiiiiiii', shape.supervisorCall, op.svc),
  a32(
    'BKPT A1',
    'bkpt',
    'cccc 00010010 iiiiiiiiiiii 0111 iiii',
    shape.hexImmediate,
    op.bkpt,
    (_a, f) => f.c !== 14,
  ),
  a32(
    'UDF A1',
    'udf',
    'cccc 01111111 iiiiiiiiiiii 1111 iiii',
    shape.immediate,
    op.udf,
    (_a, f) => f.c !== 14,
  ),

  a32(
    'MRS A1',
    'mrs',
    `cccc 00010000 ${ONE} dddd (0)(0)0(0) 0000 ${ZERO}`,
    shape.readStatus,
    op.mrs,
    pc('d'),
  ),
  a32(
    'MSR (register) A1',
    'msr',
    `cccc 00010010 kkkk ${ONE} (0)(0)0(0) 0000 nnnn`,
    shape.writeStatus,
    op.msr,
    (_a, f) => f.k === 0 || f.n === 15,
  ),
  a32('MSR (immediate) A1', 'msr', `cccc 00110010 kkkk ${ONE} iiiiiiiiiiii`, shape.writeStatus, op.msr),
  a32(
    'SETEND A1',
    'setend',
    `1111 00010000 (0)(0)(0)1 (0)(0)(0)(0) (0)(0)E(0) 0000 ${ZERO}`,
    shape.setEndianness,
    op.setend,
  ),
  a32(
    'CPS A1',
    'cps',
    '1111 00010000 ppM0 (0)(0)(0)(0) (0)(0)(0)i ii0k kkkk',
    shape.changeState,
    op.nop,
    (_a, f) =>
      f.p === 1 || (f.p === 0 && f.M === 0) || (f.M === 0 && f.k !== 0) || f.p! >> 1 === Number(f.i === 0),
  ),

  a32('NOP A1', 'nop', `${HINT} 00000000`, shape.none, op.nop),
  a32('YIELD A1', 'yield', `${HINT} 00000001`, shape.none, op.yieldHint),
  a32('WFE A1', 'wfe', `${HINT} 00000010`, shape.none, op.yieldHint),
  a32('WFI A1', 'wfi', `${HINT} 00000011`, shape.none, op.yieldHint),
  a32('SEV A1', 'sev', `${HINT} 00000100`, shape.none, op.nop),
  a32('DBG A1', 'dbg', `${HINT} 1111 iiii`, shape.immediate, op.nop),
  a32('Unallocated hint A1', 'nop', `${HINT} iiiiiiii`, shape.hintNumber, op.nop),

  a32('CLREX A1', 'clrex', `${BARRIER} 0001 ${ONE}`, shape.none, clrex),
  a32('DSB A1', 'dsb', `${BARRIER} 0100 iiii`, shape.barrier, op.nop),
  a32('DMB A1', 'dmb', `${BARRIER} 0101 iiii`, shape.barrier, op.nop),
  a32('ISB A1', 'isb', `${BARRIER} 0110 iiii`, shape.instructionBarrier, op.isb),

  a32(
    'MRC (TPIDRURO) A1',
    'mrc',
    'cccc 11100001 1101 tttt 1111 0111 0000',
    shape.threadRegister(3),
    op.readTpidruro,
    pc('t'),
  ),
  a32(
    'MRC (TPIDRURW) A1',
    'mrc',
    'cccc 11100001 1101 tttt 1111 0101 0000',
    shape.threadRegister(2),
    op.readTpidrurw,
    pc('t'),
  ),
  a32(
    'MCR (TPIDRURW) A1',
    'mcr',
    'cccc 11100000 1101 tttt 1111 0101 0000',
    shape.threadRegister(2),
    op.writeTpidrurw,
    pc('t'),
  ),
  a32(
    'MCR (CP15ISB) A1',
    'mcr',
    'cccc 11100000 0111 tttt 1111 1001 0101',
    shape.cp15Barrier(5, 4),
    op.isb,
    pc('t'),
  ),
  a32(
    'MCR (CP15DSB) A1',
    'mcr',
    'cccc 11100000 0111 tttt 1111 1001 1010',
    shape.cp15Barrier(10, 4),
    op.nop,
    pc('t'),
  ),
  a32(
    'MCR (CP15DMB) A1',
    'mcr',
    'cccc 11100000 0111 tttt 1111 1011 1010',
    shape.cp15Barrier(10, 5),
    op.nop,
    pc('t'),
  ),
];
