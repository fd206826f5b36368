/**
 * The encoding rows as a whole: well formed, unambiguous, and each reached by the decoder.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CPU_MODELS } from '../../emu/cpu-model.ts';
import { fieldsOf, parse } from '../../emu/decode/build.ts';
import { decodeA32, decodeThumb, isThumb32, ROWS } from '../../emu/decode/decoder.ts';
import { disassemble } from '../../emu/decode/disassemble.ts';
import { selectModel } from '../../emu/decode/features.ts';
import type { IsaName, Row } from '../../emu/decode/row.ts';
import { simdRows } from '../../emu/decode/simd.ts';
import { UNDEFINED } from '../../emu/decode/tables.ts';
import { coverageDocument } from './coverage.ts';
import { decode, encoding, generator, isUndefined, isUnpredictable, isWithin } from './sample.ts';

/** The model with the most instructions. */
selectModel(CPU_MODELS.find(({ name }) => name === 'max')!);

const ofIsa = (isa: IsaName): Row[] => ROWS.filter((row) => row.isa === isa);
const named = (name: string): Row => {
  const row = ROWS.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
};

test('names are unique and say the encoding', () => {
  const names = ROWS.map((row) => row.name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  for (const row of ROWS) expect(row.name, row.bits).toMatch(row.isa === 'A32' ? / A\d$/ : / T\d$/);
});

test('every bit of a row is fixed, a should-be bit, in one field, or free', () => {
  for (const row of ROWS) {
    const width = row.isa === 'T16' ? 16 : 32;
    let seen = row.mask;
    expect(row.value & ~row.mask, row.name).toBe(0);
    expect(row.mask & row.shouldMask, row.name).toBe(0);
    expect(row.shouldValue & ~row.shouldMask, row.name).toBe(0);
    seen |= row.shouldMask;
    for (const { runs } of row.fields) {
      for (const { lsb, width: bits } of runs) {
        const mask = bits === 32 ? -1 : ((1 << bits) - 1) << lsb;
        expect(seen & mask, row.name).toBe(0);
        seen |= mask;
      }
    }
    const free = row.bits.replaceAll(/[^-]/g, '').length;
    const ones = (seen >>> 0).toString(2).replaceAll('0', '').length;
    expect(ones + free, row.name).toBe(width);
  }
});

test('a malformed bit string is refused', () => {
  expect(() => parse('10111111 0000 000', 16)).toThrow('15 of 16');
  expect(() => parse('10111111 0000 00?0', 16)).toThrow('bad bit string');
  expect(() => parse('10111111 0000 (0x)00', 16)).toThrow('bad bit string');
});

test('fields in several runs are joined from the most significant bit down', () => {
  // MOV (immediate) T3: i is i:imm3:imm8.
  expect(fieldsOf(named('MOV (immediate) T3'), 0xf64a_5ccd | 0)).toEqual({ i: 0xdcd, j: 0xa, d: 0xc });
});

test('of two rows that overlap one is within the other, literal loads and Advanced SIMD apart', () => {
  for (const isa of ['A32', 'T16', 'T32'] as const) {
    const rows = ofIsa(isa).filter((row) => !simdRows.includes(row));
    for (const [i, a] of rows.entries()) {
      for (const b of rows.slice(i + 1)) {
        // The unconditional space is another table.
        if (isa === 'A32' && a.hasCond !== b.hasCond) continue;
        if (((a.value ^ b.value) & a.mask & b.mask) !== 0) continue;
        // Loads with Rn = PC take precedence over all other forms; the shapes of those refuse it.
        if (a.name.includes('(literal)') || b.name.includes('(literal)')) continue;
        expect(isWithin(a, b) !== isWithin(b, a), `${a.name} and ${b.name}`).toBe(true);
      }
    }
  }
});

test('of the Advanced SIMD rows that an encoding matches, one takes it', () => {
  const random = generator(5);
  const context = { thumb: false, inIT: false, lastInIT: false };
  for (const row of simdRows) {
    const others = simdRows.filter((other) => other !== row && other.isa === row.isa);
    for (let n = 0; n < 100; n++) {
      const bits = encoding(row, random);
      const takes = (r: Row) =>
        ((bits ^ r.value) & r.mask) === 0 && r.shape.decode(fieldsOf(r, bits), context) !== null;
      if (!takes(row)) continue;
      expect(
        others.filter(takes).map((r) => r.name),
        `${row.name} ${bits.toString(16)}`,
      ).toEqual([]);
      expect(decode(row, bits).row.name).toBe(row.name);
    }
  }
});

/** Whether the manual says of this encoding of a row: see that other one. */
function sees(row: Row, bits: number, other: Row): boolean {
  if (isWithin(other, row)) return true;
  // Rn = PC, and P = W = 0 of pairs.
  if (other.name.includes('(literal)')) return fieldsOf(row, bits).n === 15;
  return /^(LDRD|STRD) \(immediate\) T1/.test(row.name) && (bits & 0x0120_0000) === 0;
}

test('a random encoding of a row decodes to it, or to a more specific row', () => {
  const random = generator(1);
  const strays: string[] = [];
  for (const row of ROWS) {
    let own = 0;
    for (let n = 0; n < 200; n++) {
      const bits = encoding(row, random);
      const insn = decode(row, bits);
      if (insn.row === row) own++;
      else if (isUnpredictable(row, bits) || isUndefined(row, bits)) continue;
      else if (!sees(row, bits, insn.row)) {
        strays.push(`${row.name} ${bits.toString(16)} as ${insn.row.name}`);
      }
    }
    // Most lists of VFP registers are too long; of the others many are the row's own.
    if (own < (/^(V|F)(LD|ST|PUSH|POP)/.test(row.name) ? 1 : 12)) strays.push(`${row.name}: only ${own}`);
  }
  expect(strays).toEqual([]);
});

test('an instruction tells its size and bits', () => {
  const { row, args: _args, ...rest } = decodeA32(0x9a00_0000);
  expect(row.name).toBe('B A1');
  const a32 = { size: 4, thumb: false, cond: 9, bits: 0x9a00_0000, itBefore: 0, itAfter: 0 };
  expect(rest).toEqual(a32);
  expect(decodeThumb(0xf000, 0xf800, 0)).toMatchObject({ size: 4, bits: 0xf000_f800 });
  expect(decodeThumb(0x4770, 0xffff, 0)).toMatchObject({ size: 2, thumb: true, bits: 0x4770 });
});

test('what is in no row is UNDEFINED', () => {
  const thumb = (hw1: number, hw2: number) => decodeThumb(hw1, hw2, 0);
  expect(decodeA32(0xe7f0_00f0 | 0).row.name).toBe('UDF A1');
  // RFE, SRS, SMC, HVC, MRS of SPSR, LDM of User mode registers, MCR of CP14, TPIDRURO written, TPIDRPRW read.
  const a32 = [0xf8bd0a00, 0xf8cd0510, 0xe1600070, 0xe1400070, 0xe14f0000, 0xe8dd8000, 0xee000e10];
  for (const bits of [...a32, 0xee0d0f70, 0xee1d0f90, 0xe1b0f00e, 0xe7bfffdf]) {
    expect(decodeA32(bits | 0).row, bits.toString(16)).toBe(UNDEFINED.A32);
  }
  // RFE, SMC, SUBS PC LR, MRS of SPSR, ENTERX, BLX with H.
  const t32 = [0xe9bdc000, 0xf7f08000, 0xf3de8f00, 0xf3ff8000, 0xf3bf8f1f, 0xf000c001, 0xfa50e080];
  for (const bits of t32) {
    expect(thumb(bits >>> 16, bits & 0xffff).row, bits.toString(16)).toBe(UNDEFINED.T32);
  }
  expect(thumb(0xb600, 0).row).toBe(UNDEFINED.T16);
  expect(thumb(0xb680, 0).row).toBe(UNDEFINED.T16);
});

test('isThumb32 by the first five bits', () => {
  for (let hw1 = 0; hw1 < 0x10000; hw1++) {
    if (isThumb32(hw1) !== [0b11101, 0b11110, 0b11111].includes(hw1 >> 11)) expect.fail(hw1.toString(16));
  }
});

test('ITSTATE: conditions, advance, and no flags from 16-bit instructions', () => {
  // ITTEE EQ; then four times MOVS/MOV r0, #1 (0x2001), CMP r0, #1 (0x2801) as the last.
  const it = decodeThumb(0xbf07, 0, 0);
  expect(disassemble(it, 0)).toBe('ittee\teq');
  let state = it.itAfter;
  const texts: string[] = [];
  for (const hw of [0x2001, 0x2001, 0x2001, 0x2801]) {
    const insn = decodeThumb(hw, 0, state);
    expect(insn.itBefore).toBe(state);
    texts.push(disassemble(insn, 0).replace('\t', ' '));
    state = insn.itAfter;
  }
  expect(texts).toEqual(['moveq r0, #1', 'moveq r0, #1', 'movne r0, #1', 'cmpne r0, #1']);
  expect(state).toBe(0);
  expect(disassemble(decodeThumb(0x2001, 0, 0), 0)).toBe('movs\tr0, #1');
  // 32-bit instructions keep their S; BKPT runs in any case; AL and the reserved condition are always.
  expect(disassemble(decodeThumb(0xf05f, 0x0001, 0x08), 0)).toBe('movseq.w\tr0, #1');
  expect(decodeThumb(0xbe00, 0, 0x08).cond).toBe(14);
  expect(decodeThumb(0x2001, 0, 0xe8).cond).toBe(14);
  expect(decodeThumb(0x2001, 0, 0xf8).cond).toBe(14);
});

test('conditional branches carry their own condition', () => {
  expect(decodeThumb(0xdcfe, 0, 0).cond).toBe(12);
  expect(decodeThumb(0xf43f, 0xaffe, 0).cond).toBe(0);
  expect(decodeA32(0x1afffffe).cond).toBe(1);
  expect(decodeA32(0xfafffffe | 0).cond).toBe(14);
});

test('an encoding is decoded once, and again in an IT block', () => {
  const movs = decodeThumb(0x2001, 0, 0);
  expect(decodeThumb(0x2001, 0xffff, 0)).toBe(movs);
  expect(decodeThumb(0x2001, 0, 0x08)).not.toBe(movs);
  expect(decodeThumb(0x2001, 0, 0)).toBe(movs);
  // The same bits are another instruction in ARM code.
  expect(decodeA32(0x2001).row.isa).toBe('A32');
  expect(decodeA32(0xe1a0_0000 | 0)).toBe(decodeA32(0xe1a0_0000));
  // Many more than are kept.
  for (let bits = 0; bits < 1 << 20; bits++)
    if (decodeA32(0xe280_0000 | bits | 0).bits !== (0xe280_0000 | bits) >>> 0) expect.fail(`${bits}`);
});

test('docs/INSTRUCTIONS.md is what the rows say, each in one group', () => {
  const written = readFileSync(new URL('../../docs/INSTRUCTIONS.md', import.meta.url), 'utf8');
  expect(written, 'node test/decode/coverage.ts writes it anew').toBe(coverageDocument());
});
