/**
 * Argument shapes of branches, status registers, exceptions and system instructions, for A32, T32 and T16.
 */
import { targetOf } from '../../machine/machine.ts';
import type { CompareBranch, DirectBranch, TableBranch } from '../../ops/branch.ts';
import type { Immediate, WriteStatus } from '../../ops/system.ts';
import type { Fields, Shape } from '../row.ts';
import { armExpandImm } from './data-processing.ts';
import { address, condition, imm, reg } from './text.ts';

function signExtend(x: number, bits: number): number {
  return (x << (32 - bits)) >> (32 - bits);
}

function printTarget(a: DirectBranch, ctx: { pc: number; thumb: boolean }): string {
  return address(targetOf(ctx, a.offset, a.thumb) & ~1);
}

/** B, BL A1: 24 bits of words. */
export const branchA32: Shape<DirectBranch> = {
  decode: (f) => ({ offset: signExtend(f.i!, 24) * 4, thumb: false }),
  print: printTarget,
};

/** BLX A2, to Thumb: i has 24 bits of words and H (the last bit) one halfword. */
export const branchA32ToThumb: Shape<DirectBranch> = {
  decode: (f) => ({ offset: signExtend((f.i! << 1) | f.H!, 25) * 2, thumb: true }),
  print: printTarget,
};

/** B T1, T2: an immediate of `bits` bits of halfwords. */
export function branchT16(bits: number): Shape<DirectBranch> {
  return {
    decode: (f) => ({ offset: signExtend(f.i!, bits) * 2, thumb: true }),
    print: printTarget,
  };
}

/** B T3: S:J2:J1:imm6:imm11; j is J1, k is J2. Conditions 111x are other encodings. */
export const branchT32Conditional: Shape<DirectBranch> = {
  decode(f) {
    if (f.c! >= 14) return null;
    const halfwords = (f.S! << 19) | (f.k! << 18) | (f.j! << 17) | f.i!;
    return { offset: signExtend(halfwords, 20) * 2, thumb: true };
  },
  print: printTarget,
};

/** S:I1:I2:imm21 of B T4, BL T1 and BLX T2, in halfwords; I = NOT(J EOR S). */
function wideOffset(f: Fields): number {
  const i1 = (f.j! ^ f.S! ^ 1) & 1;
  const i2 = (f.k! ^ f.S! ^ 1) & 1;
  return signExtend((f.S! << 23) | (i1 << 22) | (i2 << 21) | f.i!, 24);
}

export const branchT32: Shape<DirectBranch> = {
  decode: (f) => ({ offset: wideOffset(f) * 2, thumb: true }),
  print: printTarget,
};

/** BLX T2, to ARM: from the word of the PC. UNDEFINED when the last bit (H) is set. */
export const branchT32ToArm: Shape<DirectBranch> = {
  decode: (f) => (f.i! & 1 ? null : { offset: wideOffset(f) * 2, thumb: false }),
  print: printTarget,
};

export const compareBranch: Shape<CompareBranch> = {
  decode: (f) => ({ n: f.n!, offset: f.i! * 2, thumb: true }),
  print: (a, ctx) => `${reg(a.n)}, ${printTarget(a, ctx)}`,
};

export function tableBranch(half: boolean): Shape<TableBranch> {
  return {
    decode: (f) => ({ n: f.n!, m: f.m! }),
    print: (a) => `[${reg(a.n)}, ${reg(a.m)}${half ? ', lsl #1' : ''}]`,
  };
}

/** BX, BLX: a register m. */
export const branchRegister: Shape<{ m: number }> = {
  decode: (f) => ({ m: f.m! }),
  print: (a) => reg(a.m),
};

/** IT: the first condition and the mask, as ITSTATE. The mnemonic's t and e letters come from it too: 'te eq' for ITTE EQ. */
export const it: Shape<{ state: number }> = {
  decode: (f) => (f.m === 0 ? null : { state: (f.f! << 4) | f.m! }),
  print(a) {
    const first = a.state >> 4;
    let letters = '';
    for (let mask = a.state & 15; mask & 7; mask = (mask << 1) & 15)
      letters += mask >> 3 === (first & 1) ? 't' : 'e';
    return `${letters}\t${condition(first) || 'al'}`;
  },
};

export const none: Shape<Record<string, never>> = {
  decode: () => ({}),
  print: () => '',
};

/** Operands of what is undefined; never decoded. */
export const noOperands: Shape<Immediate> = {
  decode: () => null,
  print: () => '',
};

export const immediate: Shape<Immediate> = {
  decode: (f) => ({ imm: f.i! }),
  print: (a) => imm(a.imm),
};

export const hexImmediate: Shape<Immediate> = {
  decode: immediate.decode,
  print: (a) => `0x${a.imm.toString(16).padStart(4, '0')}`,
};

export const supervisorCall: Shape<Immediate> = {
  decode: immediate.decode,
  print: (a) => `0x${a.imm.toString(16).padStart(8, '0')}`,
};

export const supervisorCallT16: Shape<Immediate> = {
  decode: immediate.decode,
  print: (a) => String(a.imm),
};

/** An unallocated hint, which is a NOP: '{17}'. */
export const hintNumber: Shape<Immediate> = {
  decode: immediate.decode,
  print: (a) => `{${a.imm}}`,
};

/** Those of ARMv8 (ld) included, which are full barriers to ARMv7. */
const BARRIER: Record<number, string> = {
  15: 'sy',
  14: 'st',
  13: 'ld',
  11: 'ish',
  10: 'ishst',
  9: 'ishld',
  7: 'un',
  6: 'unst',
  5: 'nshld',
  3: 'osh',
  2: 'oshst',
  1: 'oshld',
};
export const barrier: Shape<Immediate> = {
  decode: (f) => ({ imm: f.i! }),
  print: (a) => BARRIER[a.imm] ?? imm(a.imm),
};

export const instructionBarrier: Shape<Immediate> = {
  decode: (f) => ({ imm: f.i! }),
  print: (a) => (a.imm === 15 ? 'sy' : imm(a.imm)),
};

export const setEndianness: Shape<{ big: boolean }> = {
  decode: (f) => ({ big: f.E === 1 }),
  print: (a) => (a.big ? 'be' : 'le'),
};

/**
 * CPS, which User mode ignores: i is A, I, F; p says whether to enable (even) or disable; k is a mode. The letters of the
 * mnemonic come first.
 */
export const changeState: Shape<{ flags: number; disable: number; mode: number }> = {
  decode: (f) => ({ flags: f.i!, disable: f.p! & 1, mode: f.M === 1 ? f.k! : -1 }),
  print(a) {
    const flags = ['a', 'i', 'f'].filter((_, n) => (a.flags >> (2 - n)) & 1).join('');
    const mode = a.mode < 0 ? '' : imm(a.mode);
    if (flags === '') return mode;
    return `i${a.disable ? 'd' : 'e'}\t${flags}${mode && `, ${mode}`}`;
  },
};

export const readStatus: Shape<{ d: number }> = {
  decode: (f) => (f.d === 15 ? null : { d: f.d! }),
  print: (a) => `${reg(a.d)}, CPSR`,
};

function statusFields(mask: number): string {
  return `CPSR_${['f', 's', 'x', 'c'].filter((_, n) => (mask >> (3 - n)) & 1).join('')}`;
}

/** MSR: k is the mask; from register n, or from the immediate i (A32). */
export const writeStatus: Shape<WriteStatus> = {
  decode: (f) =>
    f.k === 0 ? null : { mask: f.k!, n: f.n ?? -1, imm: f.i === undefined ? 0 : armExpandImm(f.i).imm },
  print: (a) => `${statusFields(a.mask)}, ${a.n < 0 ? imm(a.imm) : reg(a.n)}`,
};

/** MRC, MCR of CP15 with opc1 0; of the PC there is no form here. */
export function cp15Register(crn: number, crm: number, opc2: number): Shape<{ t: number }> {
  return {
    decode: (f) => (f.t === 15 ? null : { t: f.t! }),
    print: (a) => `15, 0, ${reg(a.t)}, cr${crn}, cr${crm}, {${opc2}}`,
  };
}

/** The CP15 c7 barriers. */
export function cp15Barrier(crm: number, opc2: number): Shape<{ t: number }> {
  return {
    decode: (f) => ({ t: f.t! }),
    print: (a) => `15, 0, ${reg(a.t)}, cr7, cr${crm}, {${opc2}}`,
  };
}
