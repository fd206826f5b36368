/** What an image knows of its translations. */
import { expect, test } from 'vitest';
import { decodeA32 } from '../../emu/decode/decoder.ts';
import { CodeImage } from '../../emu/jit/code-image.ts';
import { type CodeView, Translator } from '../../emu/jit/translator.ts';
import { assemble } from '../unicorn/assemble.ts';
import { CODE } from './machine.ts';

/** A loop in another, which goes to it from above and from below. */
const NESTED = `
  .arm
outer:
  add r1, r1, #1
inner:
  add r2, r2, #1
  cmp r2, r3
  bne inner
  cmp r1, r4
  bne outer
  svc #0`;
const INNER = CODE + 4;

function viewOf(code: Uint8Array): CodeView {
  const words = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return {
    insn: (location) =>
      location >= CODE && location < CODE + code.length
        ? decodeA32(words.getUint32(location - CODE, true))
        : null,
    kindAt: () => undefined,
    copies: () => 0,
    constantWord: () => undefined,
    seen: () => [],
    isUnaligned: () => false,
    hasOtherCode: () => false,
    isWanted: () => false,
  };
}

test('a region that begins at a loop inside another holds each of its blocks once', () => {
  const start = { location: INNER, isLoop: true, optimize: true };
  const batch = new Translator({ count: false, exactFuel: false }).translate(
    start,
    [],
    viewOf(assemble(NESTED)),
  );
  const image = new CodeImage();
  for (const t of batch!.translations) image.add(t);
  expect(image.copies(INNER)).toBe(1);
  image.remove(INNER);
  expect(image.copies(INNER)).toBe(0);
});
