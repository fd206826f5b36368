/**
 * The VFP rows against binutils: words of the coprocessor 10 and 11 space, disassembled by objdump and by the rows, must read the
 * same, and what no row takes must be no VFP instruction to objdump either.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fieldsOf } from '../../emu/decode/build.ts';
import type { IsaName, Row } from '../../emu/decode/row.ts';
import { vfpRows } from '../../emu/decode/vfp.ts';
import { Random } from './cases.ts';

/** What objdump calls each word (A32, or T32 with the first halfword on top), comments kept. */
function objdump(isa: IsaName, words: readonly number[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'armrun-vfp-'));
  try {
    const bytes = new DataView(new ArrayBuffer(4 * words.length));
    words.forEach((word, i) => {
      bytes.setUint32(4 * i, isa === 'A32' ? word : (word >>> 16) | (word << 16), true);
    });
    const file = join(directory, 'words');
    writeFileSync(file, new Uint8Array(bytes.buffer));
    const mode = isa === 'A32' ? [] : ['-M', 'force-thumb'];
    const options = ['-D', '-z', '-b', 'binary', '-m', 'arm', ...mode, file];
    const text = execFileSync('arm-linux-gnueabihf-objdump', options, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const lines = text.split('\n').filter((line) => /^ *[0-9a-f]+:\t/.test(line));
    expect(lines.length).toBe(words.length);
    return lines.map((line) => line.split('\t').slice(2).join('\t').trim());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** objdump's text as ours: constants are in its comments, PC-relative addresses and should-be bits are not part of the text. */
function normalize(text: string): string {
  const constant = /^(vmov\S*)\s+(\S+), #.*@ 0x[0-9a-f]+\s+(-?[\d.e+-]+)$/.exec(text);
  if (constant) {
    const value = Number(constant[3]);
    return `${constant[1]} ${constant[2]} #${Number.isInteger(value) ? value.toFixed(1) : value}`.replace(
      ' #',
      ', #',
    );
  }
  return text
    .replace(/\s*[@;].*$/, '')
    .replace(/\s+/g, ' ')
    .replace(/^vmov(eq)? (d\d+\[)/, 'vmov$1.32 $2')
    .replace(/^(vmsr|vmrs)(\S*) /, '$1$2 ');
}

function ourText(row: Row, args: unknown, context: { pc: number; thumb: boolean }): string {
  const { dt = '' } = args as { dt?: string };
  return `${row.mnemonic.toLowerCase()}${dt} ${row.shape.print(args as never, context)}`;
}

/** Words that the manual calls UNPREDICTABLE and the rows leave UNDEFINED: bad lists, the PC where it makes no sense, s32. */
function isLeftOut(word: number): boolean {
  const double = (word & 0x100) !== 0;
  if ((word & 0x0e00_0000) === 0x0c00_0000 && (word & 0x0fe0_0000) !== 0x0c40_0000) {
    const n = (word >>> 16) & 15;
    const field = (word >>> 12) & 15;
    const extra = (word >>> 22) & 1;
    const first = double ? (extra << 4) | field : (field << 1) | extra;
    const count = double ? (word & 255) >> 1 : word & 255;
    const wback = (word & 0x0020_0000) !== 0;
    return count === 0 || first + count > 32 || (double && count > 16) || (n === 15 && wback);
  }
  const t = (word >>> 12) & 15;
  if ((word & 0x0fe0_0000) === 0x0c40_0000) {
    return t === 15 || ((word >>> 16) & 15) === 15 || (!double && (word & 0x2f) === 0x2f);
  }
  return t === 15;
}

/**
 * Advanced SIMD, later architectures and privileged registers, by objdump's text; and a form of VMOV.32 that it knows and the
 * manual does not.
 */
function isBeyond(word: number, text: string): boolean {
  const unsignedWord = /^vmov\.32 [rsflip]/.test(text) && (word & 0x0080_0000) !== 0;
  return (
    unsignedWord || /^(vmov\.[su]?(8|16)|vdup|vrint|vjcvt|vcvt[bt]\S*f64|vmrs|vmsr|v\S*\.s?f16)/.test(text)
  );
}

/** All words that the rows give with every field random, and random words of the whole space. */
function makeWords(isa: IsaName): number[] {
  const random = new Random(isa === 'A32' ? 11 : 12);
  const words: number[] = [];
  for (const row of vfpRows.filter((r) => r.isa === isa)) {
    for (let i = 0; i < 200; i++) {
      const free = random.u32() & ~row.mask & ~row.shouldMask & 0x0fff_ffff;
      words.push((0xe000_0000 | (row.value & 0x0fff_ffff) | row.shouldValue | free) >>> 0);
    }
  }
  for (let i = 0; i < 30_000; i++) {
    const top = random.pick([0x0c00_0000, 0x0d00_0000, 0x0e00_0000, 0x0e00_0000]);
    words.push((0xe000_0000 | top | 0x0a00 | (random.u32() & 0x00ff_f1ff)) >>> 0);
  }
  return words;
}

for (const isa of ['A32', 'T32'] as const) {
  test(`${isa} reads as objdump reads it`, () => {
    const rows = vfpRows.filter((row) => row.isa === isa);
    const words = makeWords(isa);
    const texts = objdump(isa, words);
    const wrong: string[] = [];
    const seen = new Set<string>();
    words.forEach((word, i) => {
      const context = { pc: 4 * i, thumb: isa === 'T32', inIT: false, lastInIT: false };
      const candidates = rows.filter((row) => (word & row.mask) === row.value);
      const decoded = candidates.flatMap((row) => {
        const fields = fieldsOf(row, word);
        const args = row.shape.decode(fields, context);
        return args === null ? [] : [{ row, args, fields }];
      });
      const theirs = normalize(texts[i]!);
      const note = (ours: string) => wrong.push(`${word.toString(16)} ${ours}, objdump: ${texts[i]}`);
      if (decoded.length > 1) note(decoded.map((d) => d.row.name).join(' and '));
      const one = decoded[0];
      if (one === undefined) {
        if (candidates.length > 0 ? !isLeftOut(word) : /^[vf]/.test(theirs) && !isBeyond(word, theirs))
          note('nothing');
      } else {
        seen.add(one.row.name);
        if ((word & one.row.shouldMask) !== one.row.shouldValue) return;
        if (one.row.unpredictable?.(one.args, one.fields, context)) return;
        const ours = ourText(one.row, one.args, context);
        if (ours !== theirs) note(ours);
      }
    });
    expect(wrong.slice(0, 40)).toEqual([]);
    expect(seen.size).toBe(rows.length);
  });
}

test('A32 and T32 rows are the same but for the condition', () => {
  const bits = (isa: IsaName) => vfpRows.filter((row) => row.isa === isa).map((row) => row.bits.slice(4));
  expect(bits('T32')).toEqual(bits('A32'));
});
