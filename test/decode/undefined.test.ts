/**
 * What is undefined: encodings with some bits of a row's turned over are an undefined instruction to the decoder exactly when
 * qemu-arm gets SIGILL. UNPREDICTABLE ones are left out, as are coprocessors but for 10 and 11.
 */

import { expect } from 'vitest';
import { decodeA32, decodeThumb, ROWS } from '../../emu/decode/decoder.ts';
import { disassemble } from '../../emu/decode/disassemble.ts';
import { hasRow } from '../../emu/decode/features.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import * as bench from '../fuzz/layout.ts';
import { runOracle } from '../fuzz/oracle.ts';
import { needs } from '../needs.ts';
import { encoding, generator, hasGoodShouldBits, isUnpredictable } from './sample.ts';

type Isa = 'A32' | 'T32';

/** Coprocessor instructions, but for floating point and Advanced SIMD. SVC would be a system call. */
function isElsewhere(isa: Isa, bits: number): boolean {
  const isFloat = ((bits >>> 9) & 7) === 5;
  const top = bits >>> 24;
  // The 1111 forms of coprocessors 10 and 11 are ARMv8's.
  if (isa === 'T32') return (top >= 0xfc && top < 0xff) || (top >= 0xec && top < 0xef && !isFloat);
  if (top >>> 4 === 15) return (top & 15) >= 12;
  return top >>> 4 !== 14 || top === 0xef || (top >= 0xec && !isFloat);
}

/** A random encoding with up to three bits turned over, that is a fair question; null when it is not. */
function candidate(isa: Isa, random: () => number, address: number): bench.PlacedInsn | null {
  const rows = ROWS.filter((row) => row.isa === isa && hasRow(row));
  let bits = encoding(rows[random() % rows.length]!, random);
  for (let n = random() % 4; n > 0; n--) bits ^= 1 << (random() % 28);
  if (isa === 'A32' && random() % 4 !== 0) bits = (bits & 0x0fff_ffff) | 0xe000_0000;
  bits >>>= 0;
  if (isElsewhere(isa, bits) || (isa === 'T32' && bits >>> 27 < 0b11101)) return null;
  const matching = rows.filter((row) => ((bits ^ row.value) & row.mask) === 0);
  if (matching.some((row) => isUnpredictable(row, bits))) return null;
  const insn = isa === 'A32' ? decodeA32(bits) : decodeThumb(bits >>> 16, bits & 0xffff, 0);
  return hasGoodShouldBits(insn.row, bits) && effectsOf(insn, address).branch === null
    ? { ...insn, pc: address }
    : null;
}

const qemu = needs('qemu-arm-static and an ARM compiler');
qemu.test.each(['A32', 'T32'] as const)(qemu.name('%s is undefined where qemu says so'), (isa) => {
  const random = generator(3);
  const scratch = new Uint32Array(bench.SCRATCH_SIZE / 4).fill(bench.SCRATCH + 0x1000);
  const batches = [0, 1].map(() =>
    Array.from({ length: bench.SLOTS }, (_, slot): bench.Case => {
      const address = bench.CODE_BASE + slot * bench.SLOT_SIZE + bench.CODE_WINDOW;
      let insn: bench.PlacedInsn | null = null;
      while (insn === null) insn = candidate(isa, random, address);
      const state = new Uint32Array(bench.STATE_WORDS).fill(bench.SCRATCH + 0x1000, 0, 15);
      state[bench.PC] = address;
      state[bench.CPSR] = isa === 'A32' ? 0x10 : 0x30;
      const swapped = (insn.bits >>> 16) | (insn.bits << 16);
      const code =
        isa === 'A32' ? [insn.bits, bench.BKPT_A32] : [swapped, bench.BKPT_T16 | (bench.BKPT_T16 << 16)];
      return { slot, address, insns: [insn], code: Uint32Array.from(code), state };
    }),
  );
  const results = runOracle(scratch, batches).flat();
  let undefinedOnes = 0;
  const differences = batches.flat().flatMap((c, i) => {
    const insn = c.insns[0]!;
    const theirs = results[i]!.signal === bench.SIGILL;
    const ours = effectsOf(insn, insn.pc).trap === 'undefined';
    if (theirs) undefinedOnes++;
    return ours === theirs
      ? []
      : [`${insn.bits.toString(16)} ${insn.row.name}: ${disassemble(insn, insn.pc)}`];
  });
  expect(differences).toEqual([]);
  expect(undefinedOnes).toBeGreaterThan(100);
});
