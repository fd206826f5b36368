/**
 * binutils' disassembler as an oracle: runs it over encodings, and brings its text and ours to one form.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OBJDUMP = 'arm-linux-gnueabihf-objdump';

/** One line of objdump's: address, encoding as Insn.bits, whether it has 16 bits, and the text with its comment. */
export interface Line {
  readonly address: number;
  readonly bits: number;
  readonly size: 2 | 4;
  readonly text: string;
}

function parseLine(line: string, thumb: boolean): Line | null {
  const match = /^ *([0-9a-f]+):\t([0-9a-f ]+?) *\t(.*)$/.exec(line);
  if (match === null) return null;
  const words = match[2]!.split(' ');
  const bits = words.reduce((all, word) => (all << 16) | Number.parseInt(word, 16), 0) >>> 0;
  const size = thumb && words.length === 1 ? 2 : 4;
  return { address: Number.parseInt(match[1]!, 16), bits, size, text: match[3]! };
}

function run(options: readonly string[], thumb: boolean): Line[] {
  const text = execFileSync(OBJDUMP, options, { encoding: 'utf8', maxBuffer: 2 ** 29 });
  return text.split('\n').flatMap((line) => parseLine(line, thumb) ?? []);
}

/** Disassembles halfwords (Thumb) or words (A32) from address 0. */
export function objdump(code: Uint16Array | Uint32Array): Line[] {
  const thumb = code instanceof Uint16Array;
  const directory = mkdtempSync(join(tmpdir(), 'armrun-objdump-'));
  try {
    const file = join(directory, 'code');
    writeFileSync(file, new Uint8Array(code.buffer, code.byteOffset, code.byteLength));
    const mode = thumb ? ['-M', 'force-thumb'] : [];
    return run(['-D', '-z', '-b', 'binary', '-m', 'arm', ...mode, file], thumb);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Disassembles the text section of a Thumb ELF file. */
export function objdumpFile(path: string, from: number, to: number): Line[] {
  const range = [`--start-address=${from}`, `--stop-address=${to}`];
  return run(['-d', '-z', '-j', '.text', '-M', 'force-thumb', ...range, path], true);
}

/** Spellings of binutils and what the manual calls them. */
const SPELLINGS: readonly [RegExp, string][] = [
  [/^(stmfd|stmdb)(\w*) sp!, /, 'push$2 '],
  [/^(ldmfd|ldmia|ldm)(\w*) sp!, /, 'pop$2 '],
  [/^str(\w*) (\w+), \[sp, #-4\]!$/, 'push$1 {$2}'],
  [/^ldr(\w*) (\w+), \[sp\], #4$/, 'pop$1 {$2}'],
  [/^(ldm|stm)ia/, '$1'],
  [/^neg(s?\w*) (\w+), (\w+)$/, 'rsb$1 $2, $3, #0'],
  // T32's shifts, which binutils writes as moves.
  [/^mov(s?)(\w*) (\w+), (\w+), (lsl|lsr|asr|ror) (#\w+)$/, '$5$1$2 $3, $4, $6'],
  [/^mov(s?)(\w*) (\w+), (\w+), rrx$/, 'rrx$1$2 $3, $4'],
  // The second register of A32's pairs is left out, and r10 to r15 have their other names here.
  [/^((?:ldr|str)d\w* \w+), \[/, '$1, +, ['],
  [/^((?:ldrexd)\w* \w+), \[/, '$1, +, ['],
  [/^((?:strexd)\w* \w+, \w+), \[/, '$1, +, ['],
  [/\bROR\b/, 'ror'],
  [/\br10\b/g, 'sl'],
  [/\br11\b/g, 'fp'],
  [/\br12\b/g, 'ip'],
  [/\br13\b/g, 'sp'],
  [/\br14\b/g, 'lr'],
  // Offsets of zero.
  [/, #-?0\]/, ']'],
  [/\], #-0$/, '], #0'],
  // A shift to the left by a constant has no sign (A8.8.397).
  [/^(vshl\w*)\.s(\d+ .*, #\d+)$/, '$1.i$2'],
  // Values without sign; branch targets; the plain hint's number; constants that are neither.
  [/^([us]sat\w* \w+, #\d+, \w+, asr) #0$/, '$1 #32'],
  [/^((?:b|bl|blx|cbn?z)(?:[a-z]{2})?(?: \w+,)?) 0x/, '$1 '],
  [/^(nop\w*) \{0\}$/, '$1'],
  [/^(cps\w+ \w+),#/, '$1, #'],
];

/** Data-processing instructions with a constant, for which binutils tells the rotation when it is not the canonical one. */
const ROTATED =
  /^((?:and|eor|sub|rsb|add|adc|sbc|rsc|tst|teq|cmp|cmn|orr|mov|bic|mvn|msr)\w* .*)#(\d+), (\d+)$/;

/** One form for both texts: comments, symbols and width qualifiers dropped, the manual's spelling. */
export function normalize(text: string): string {
  let s = text
    .replace(/\s*[@;<].*$/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(\w+)\.[wn]\b/, '$1');
  const rotated = ROTATED.exec(s);
  if (rotated !== null) {
    const [, head, byte, rotation] = rotated;
    s = `${head}#${(Number(byte) >>> Number(rotation)) | (Number(byte) << (32 - Number(rotation)))}`;
  }
  // A float that is whole.
  s = s.replace(/^(vmov\w*\.f32 \w+, #-?\d+)$/, '$1.0');
  // Constants are signed or not; offsets in brackets are as written.
  if (!s.includes('[')) s = s.replace(/#(-\d+)$/, (_all, digits: string) => `#${Number(digits) >>> 0}`);
  for (const [from, to] of SPELLINGS) s = s.replace(from, to);
  return s;
}

/** Our text of a pair in binutils' way: its second register is the one after the first. */
export function hidePairs(text: string): string {
  return text
    .replace(/^((?:ldr|str|ldrex)d\w* \w+), \w+, \[/, '$1, +, [')
    .replace(/^(strexd\w* \w+, \w+), \w+, \[/, '$1, +, [');
}
