/** The kernel helpers against the assembler: the words in the page are these instructions, at these addresses. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { HELPERS_PAGE } from '../../emu/memory/layout.ts';

const SOURCE = `
  .syntax unified
  .arch armv7-a
  .arm
  .org 0xf60
    push {r4-r7}
    ldrd r4, r5, [r0]
    ldrd r6, r7, [r1]
    mcr p15, 0, r0, c7, c10, 5
  1: ldrexd r0, r1, [r2]
    cmp r0, r4
    cmpeq r1, r5
    mvnne r3, #0
    bne 2f
    strexd r3, r6, r7, [r2]
    cmp r3, #0
    bne 1b
  2: mcr p15, 0, r0, c7, c10, 5
    pop {r4-r7}
    rsbs r0, r3, #0
    bx lr
  barrier:
    mcr p15, 0, r0, c7, c10, 5
    bx lr
  3: rsbs r0, r3, #0
    mcr p15, 0, r0, c7, c10, 5
    bx lr
  .org 0xfc0
    mcr p15, 0, r0, c7, c10, 5
  1: ldrex r3, [r2]
    eors r3, r3, r0
    bne 2f
    strex r3, r1, [r2]
    cmp r3, #0
    bne 1b
  2: b 3b
  .org 0xfe0
    mrc p15, 0, r0, c13, c0, 3
    bx lr
  .org 0xffc
    .word 5
`;

it('holds the documented helpers, and undefined instructions elsewhere', () => {
  const directory = mkdtempSync(join(tmpdir(), 'helpers-'));
  const space = AddressSpace.create();
  try {
    const object = join(directory, 'page.o');
    const binary = join(directory, 'page.bin');
    execFileSync('arm-linux-gnueabihf-as', ['-o', object, '-'], { input: SOURCE });
    execFileSync('arm-linux-gnueabihf-objcopy', ['-O', 'binary', object, binary]);
    const assembled = readFileSync(binary);
    expect(assembled.length).toBe(0x1000);
    for (let at = 0; at < 0x1000; at += 4) {
      const word = assembled.readUInt32LE(at) || 0xe7fd_def1;
      expect(space.view.getUint32(HELPERS_PAGE + at, true), `at ${at.toString(16)}`).toBe(word);
    }
  } finally {
    space.close();
    rmSync(directory, { recursive: true });
  }
});
