/**
 * docs/INSTRUCTIONS.md: the instruction groups of the ARM Architecture Reference Manual, and what of each is here. Made from
 * the rows; run this file to write it anew:
 *
 *   node test/decode/coverage.ts
 */
import { writeFileSync } from 'node:fs';
import { CPU_MODELS } from '../../emu/cpu-model.ts';
import type { Row } from '../../emu/decode/row.ts';
import { ROWS } from '../../emu/decode/tables.ts';

interface Group {
  /** Of DDI 0406C, or DDI 0487 for ARMv8. */
  readonly section: string;
  readonly title: string;
  readonly has: (row: Row) => boolean;
  /** What the group has and User mode has not, or what is left out. */
  readonly absent: string;
}

const isA32 = (row: Row) => row.isa === 'A32' && row.needs === undefined && !isFloat(row);
const isT32 = (row: Row) => row.isa === 'T32' && row.needs === undefined && !isFloat(row);
const isFloat = (row: Row) => row.needs === undefined && /^(V|F(LD|ST)M)/.test(row.name);
const isSimd = (row: Row) => row.needs === 'neon';
/** Bits of an encoding, where the row fixes them. */
const field = (row: Row, lsb: number, width: number) => (row.value >>> lsb) & ((1 << width) - 1);
const isUnconditional = (row: Row) => row.isa === 'A32' && !row.hasCond;

/** In A32 bits 27..25 divide the conditional instructions (A5.1). */
const a32 =
  (...op1: number[]) =>
  (row: Row) =>
    isA32(row) && !isUnconditional(row) && op1.includes(field(row, 25, 3));
const t32 = (test: (op1: number, op2: number) => boolean) => (row: Row) =>
  isT32(row) && test(field(row, 27, 2), field(row, 20, 7));

const GROUPS: readonly Group[] = [
  {
    section: 'A5.2',
    title: 'A32 data processing and miscellaneous',
    has: a32(0, 1),
    absent: 'SMC, HVC, ERET, MRS and MSR of SPSR and banked registers: not for User mode',
  },
  { section: 'A5.3', title: 'A32 load and store word and byte', has: a32(2), absent: '' },
  { section: 'A5.3, A5.4', title: 'A32 load and store by register, media', has: a32(3), absent: '' },
  {
    section: 'A5.5',
    title: 'A32 branch and block transfer',
    has: a32(4, 5),
    absent: 'LDM and STM of User mode registers, LDM with exception return',
  },
  {
    section: 'A5.6',
    title: 'A32 coprocessor and supervisor call',
    has: a32(6, 7),
    absent: 'coprocessors but 10 and 11, the thread registers and barriers of 15',
  },
  {
    section: 'A5.7',
    title: 'A32 unconditional',
    has: (row) => isA32(row) && isUnconditional(row),
    absent: 'RFE, SRS: not for User mode',
  },
  {
    section: 'A6.2',
    title: '16-bit Thumb',
    has: (row) => row.isa === 'T16' && row.needs === undefined,
    absent: '',
  },
  {
    section: 'A6.3.5 to A6.3.7, A6.3.11',
    title: 'T32 block and dual transfer, exclusive, table branch, shifted register',
    has: t32((op1) => op1 === 1),
    absent: 'RFE, SRS',
  },
  {
    section: 'A6.3.1 to A6.3.4',
    title: 'T32 data processing with immediates, branch and control',
    has: t32((op1) => op1 === 2),
    absent: 'SMC, HVC, ERET, SUBS PC LR, ENTERX, LEAVEX',
  },
  {
    section: 'A6.3.8 to A6.3.17',
    title: 'T32 load and store, register operations, multiply',
    has: t32((op1) => op1 === 3),
    absent: '',
  },
  {
    section: 'A7.5, A7.6, A7.8, A7.9',
    title: 'floating point: arithmetic, transfers, loads and stores',
    has: isFloat,
    absent: 'short vectors (FPSCR.Len); FPSID, MVFR and FPEXC: not for User mode',
  },
  {
    section: 'A7.4.1',
    title: 'Advanced SIMD: three registers of the same length',
    has: (row) => isSimd(row) && !isTransfer(row) && !isCoreMove(row) && field(row, 23, 1) === 0,
    absent: '',
  },
  {
    section: 'A7.4.2 to A7.4.6',
    title: 'Advanced SIMD: different lengths, scalars, shifts, immediates, two registers, permutations',
    has: (row) => isSimd(row) && !isTransfer(row) && field(row, 23, 1) === 1 && !isCoreMove(row),
    absent: '',
  },
  {
    section: 'A7.8',
    title: 'Advanced SIMD: transfers to and from core registers',
    has: (row) => isSimd(row) && isCoreMove(row),
    absent: '',
  },
  {
    section: 'A7.7',
    title: 'Advanced SIMD: element and structure loads and stores',
    has: (row) => isSimd(row) && isTransfer(row),
    absent: '',
  },
  {
    section: 'ARMv8',
    title: 'load-acquire, store-release, floating point, hints',
    has: (row) => row.needs === 'v8',
    absent: 'half-precision arithmetic, VJCVT',
  },
  { section: 'ARMv8', title: 'CRC32', has: (row) => row.needs === 'crc', absent: '' },
  { section: 'ARMv8', title: 'Cryptographic Extension', has: (row) => row.needs === 'crypto', absent: '' },
  {
    section: 'ARMv8.2',
    title: 'dot products',
    has: (row) => row.needs === 'dotprod',
    absent: 'VQRDMLAH, VCMLA, VFMAL, BFloat16, matrix multiplication',
  },
];

const isTransfer = (row: Row) => /^V(LD|ST)[1-4]/.test(row.name);
const isCoreMove = (row: Row) => row.name.includes('ARM core register');

/** The mnemonics of rows, each once. */
function mnemonics(rows: readonly Row[]): string {
  return [...new Set(rows.map((row) => row.mnemonic.toUpperCase()))].sort().join(' ');
}

/** Throws when a row is in no group, or in two. */
export function coverageDocument(): string {
  const seen = new Map<Row, string>();
  const lines = GROUPS.map(({ section, title, has, absent }) => {
    const rows = ROWS.filter(has);
    for (const row of rows) {
      if (seen.has(row)) throw new Error(`${row.name} is in two groups: ${title}, ${seen.get(row)}`);
      seen.set(row, title);
    }
    return `| ${section} | ${title} | ${rows.length} | ${mnemonics(rows)} | ${absent} |`;
  });
  for (const row of ROWS) if (!seen.has(row)) throw new Error(`${row.name} is in no group`);
  const models = CPU_MODELS.map(({ name }) => name).join(', ');
  return `# Instructions

Made by \`node test/decode/coverage.ts\` from the tables in emu/decode: ${ROWS.length} encodings. All of what ARMv7-A has for User
mode is here, and of ARMv8 in AArch32 state what compilers and libraries use. Which of it a program has depends on the CPU model
(${models}; docs/CPU.md). What is absent is an undefined instruction.

| section | group | encodings | instructions | absent |
| --- | --- | ---: | --- | --- |
${lines.join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../docs/INSTRUCTIONS.md', import.meta.url), coverageDocument());
}
