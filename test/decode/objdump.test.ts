/**
 * The decoder and disassembler against binutils: random encodings of every row, every first halfword, and a real C library.
 *
 * VFP's rows have their own comparison (test/fp). Left out, with reasons, is what binutils reads by another architecture or
 * leaves open: see `skips`.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CPU_MODELS } from '../../emu/cpu-model.ts';
import { decodeA32, decodeThumb, ROWS } from '../../emu/decode/decoder.ts';
import { disassemble } from '../../emu/decode/disassemble.ts';
import { selectModel } from '../../emu/decode/features.ts';
import type { Insn, IsaName, Row } from '../../emu/decode/row.ts';
import { vfpRows } from '../../emu/decode/vfp.ts';
import { hidePairs, type Line, normalize, objdump, objdumpFile } from './objdump.ts';
import { encoding, generator, hasGoodShouldBits, isUndefined, isUnpredictable } from './sample.ts';

/** The model with the most instructions. */
selectModel(CPU_MODELS.find(({ name }) => name === 'max')!);

const isVfp = (row: Row): boolean => vfpRows.includes(row);
const rowsOf = (isa: IsaName): Row[] =>
  ROWS.filter((row) => row.isa === isa && !isVfp(row) && row.name !== 'IT T1');

function insnOf(isa: IsaName, line: Line, itstate = 0): Insn {
  if (isa === 'A32') return decodeA32(line.bits);
  if (line.size === 2) return decodeThumb(line.bits, 0, itstate);
  return decodeThumb(line.bits >>> 16, line.bits & 0xffff, itstate);
}

const skips: readonly RegExp[] = [
  // Hints of later architectures (SEVL, ESB, CSDB ...), and SSBB, PSSBB and DFB, which are DSB; MOV r8, r8 as the NOP of old.
  /^(Unallocated hint|DSB .*#(0|4|12)$|MOV .* mov r8, r8$)/,
  // binutils has no condition for SEVL, and takes other bits for the register of CRC32H.
  /^(SEVL|CRC32H T1) /,
  // binutils takes PC as the target of a load, the manual as the mark of a memory hint.
  /^Unallocated memory hint/,
  // Of LDRT and kin with Rn = PC the manual says: see the literal form. Of PLDW (literal): a should-be bit of PLD.
  /^(LDR\w* \(literal\) T\d .*\[pc, #-\d+\]|PLD \(literal\))/,
];

/** Lines that differ, as 'row: encoding, ours, objdump's'. */
function difference(row: Row, insn: Insn, line: Line): string[] {
  const text = normalize(disassemble(insn, line.address));
  const ours = row.isa === 'A32' ? hidePairs(text) : text;
  const theirs = normalize(line.text);
  if (ours === theirs) return [];
  if (skips.some((skip) => skip.test(`${insn.row.name} ${ours}`))) return [];
  const undefinedToBoth = insn.row.name.startsWith('UNDEFINED') && /undefined/i.test(line.text);
  if (undefinedToBoth) return [];
  return [`${row.name}: ${line.bits.toString(16)} ${ours} | ${line.text}`];
}

test.each(['A32', 'T16', 'T32'] as const)(
  'a random sample of each %s row reads as objdump reads it',
  (isa) => {
    const random = generator(2);
    const rows = rowsOf(isa).flatMap((row) => new Array<Row>(200).fill(row));
    const words = rows.map((row) => encoding(row, random));
    let code: Uint16Array | Uint32Array = Uint16Array.from(words);
    if (isa === 'A32') code = Uint32Array.from(words);
    if (isa === 'T32') code = Uint16Array.from(words.flatMap((word) => [word >>> 16, word & 0xffff]));
    const lines = objdump(code);
    expect(lines.length).toBe(rows.length);
    let compared = 0;
    const seen = new Set<Row>();
    const differences = lines.flatMap((line, i) => {
      const row = rows[i]!;
      const insn = insnOf(isa, line);
      // An encoding with a wrong should-be bit, as another row than its own, is no objdump matter.
      if (isUnpredictable(row, line.bits, line.address) || isUndefined(row, line.bits)) return [];
      if (!hasGoodShouldBits(insn.row, line.bits)) return [];
      compared++;
      seen.add(insn.row);
      return difference(row, insn, line);
    });
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(words.length / 2);
    // Each row has been read, but for what is VFP's test.
    const unread = rowsOf(isa).filter((row) => !seen.has(row));
    expect(unread.map((row) => row.name)).toEqual([]);
  },
);

test('every 16-bit encoding is defined or undefined as to objdump', () => {
  const halfwords = Array.from({ length: 0xe800 }, (_, hw) => hw).filter((hw) => hw >> 8 !== 0xbf);
  const lines = objdump(Uint16Array.from(halfwords));
  expect(lines.length).toBe(halfwords.length);
  const differences = lines.flatMap((line) => {
    const insn = insnOf('T16', line);
    if (isUnpredictable(insn.row, line.bits, line.address) || !hasGoodShouldBits(insn.row, line.bits))
      return [];
    // Empty register lists; HLT and PAN of ARMv8.
    if (/\{\}|^hlt|^setpan/.test(line.text)) return [];
    return difference(insn.row, insn, line);
  });
  expect(differences).toEqual([]);
});

test('every IT instruction reads as objdump reads it, and so do those it makes conditional', () => {
  const states = Array.from({ length: 0xe0 }, (_, state) => state).filter((state) => state & 15);
  const block = [0x2001, 0x1840, 0x4048, 0x4770];
  // Only the last one may branch; what follows the block is not conditional.
  const code = states.flatMap((state) => {
    const length = 4 - Math.log2(state & -state);
    return [0xbf00 | state, ...block.slice(4 - length), 0x2001];
  });
  let state = 0;
  const differences = objdump(Uint16Array.from(code)).flatMap((line) => {
    const insn = insnOf('T16', line, state);
    state = insn.itAfter;
    return difference(insn.row, insn, line);
  });
  expect(differences).toEqual([]);
});

test('a C library reads as objdump reads it', () => {
  const path = '/usr/arm-linux-gnueabihf/lib/libc.so.6';
  const elf = readFileSync(path);
  expect(elf.readUInt32BE(0)).toBe(0x7f454c46);
  let state = 0;
  let compared = 0;
  const seen = new Set<string>();
  const differences: string[] = [];
  for (const line of objdumpFile(path, 0x20000, 0x60000)) {
    // Data between functions is not marked in a stripped library; objdump decodes it like code, and so do we.
    const insn = insnOf('T32', line, state);
    state = insn.itAfter;
    if (isVfp(insn.row) || insn.row.name.startsWith('UNDEFINED') || insn.itBefore & 15) continue;
    if (isUnpredictable(insn.row, line.bits, line.address) || !hasGoodShouldBits(insn.row, line.bits))
      continue;
    compared++;
    seen.add(insn.row.name);
    differences.push(...difference(insn.row, insn, line));
  }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(50_000);
  expect(seen.size).toBeGreaterThan(150);
});
