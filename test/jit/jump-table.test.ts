/** Which indirect jumps are known to go through a table, and where its entries lead. */
import { expect, test } from 'vitest';
import { decodeA32, decodeThumb, isThumb32 } from '../../emu/decode/decoder.ts';
import { effectsOf } from '../../emu/jit/effects.ts';
import { jumpTable } from '../../emu/jit/jump-table.ts';
import type { Step } from '../../emu/jit/region.ts';
import { assemble } from '../unicorn/assemble.ts';

const PC = 0x1_0000;

/** The table of the last instruction of a straight line, whose bytes stand from PC on; entries are read from the same bytes. */
function tableOf(source: string, instructions: number) {
  const code = assemble(source);
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const thumb = source.includes('.thumb');
  const steps: Step[] = [];
  for (let pc = PC; steps.length < instructions; pc += steps.at(-1)!.insn.size) {
    const hw1 = view.getUint16(pc - PC, true);
    const hw2 = thumb && isThumb32(hw1) ? view.getUint16(pc - PC + 2, true) : 0;
    const insn = thumb ? decodeThumb(hw1, hw2, 0) : decodeA32(view.getUint32(pc - PC, true));
    steps.push({ insn, pc, effects: effectsOf(insn, pc) });
  }
  const read = (address: number, size: number) => {
    const at = address - PC;
    return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getInt32(at, true);
  };
  return jumpTable(steps.at(-1)!, steps.slice(0, -1), read);
}

const THUMB = '.syntax unified\n .thumb\n';

test('table branches of bytes and halfwords', () => {
  expect(tableOf(`${THUMB} cmp r2, #2\n bhi 1f\n tbb [pc, r2]\n .byte 2, 3, 2, 9\n 1: nop`, 3)).toEqual({
    index: 2,
    targets: [PC + 12, PC + 14, PC + 12].map((at) => at + 1),
  });
  expect(tableOf(`${THUMB} cmp r3, #1\n movs r0, #1\n tbh [pc, r3, lsl #1]\n .hword 2, 700`, 3)).toEqual({
    index: 3,
    targets: [PC + 13, PC + 8 + 1401],
  });
});

test('ARM code into a row of branches, and through addresses', () => {
  expect(tableOf('cmp r1, #2\n addls pc, pc, r1, lsl #2', 2)).toEqual({
    index: 1,
    targets: [PC + 12, PC + 16, PC + 20],
  });
  expect(tableOf('cmp r1, #1\n ldrls pc, [pc, r1, lsl #2]\n nop\n .word 0x10020, 0x20001', 2)).toEqual({
    index: 1,
    targets: [0x1_0020, 0x2_0001],
  });
});

test.each([
  ['nothing tells how long it is', `${THUMB} tbb [pc, r2]\n .byte 1`, 1],
  ['another register is compared', `${THUMB} cmp r1, #2\n tbb [pc, r2]\n .byte 1`, 2],
  [
    'the index changes behind the comparison',
    `${THUMB} cmp r2, #2\n adds r2, #1\n tbb [pc, r2]\n .byte 1`,
    3,
  ],
  ['the comparison itself changes it', 'subs r1, r1, #2\n addls pc, pc, r1, lsl #2', 2],
  ['compared with a register', 'cmp r1, r2\n addls pc, pc, r1, lsl #2', 2],
  ['the table is anywhere', `${THUMB} cmp r2, #2\n tbb [r1, r2]`, 2],
  ['an address and no index', 'cmp r1, #2\n bx r1', 2],
  ['a pointer', 'cmp r1, #2\n ldr pc, [r1]', 2],
  ['entries and steps of other lengths', 'cmp r1, #2\n ldr pc, [pc, r1, lsl #3]\n nop', 2],
])('none: %s', (_, source, instructions) => {
  expect(tableOf(source, instructions)).toBeNull();
});
