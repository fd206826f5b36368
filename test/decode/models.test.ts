/**
 * CPU models: for each of them every row is an undefined instruction exactly when qemu-arm's CPU of that name gets SIGILL, and
 * what Linux says of it is qemu's.
 */

import { afterAll, expect } from 'vitest';
import { CPU_MODELS, type CpuModel, DEFAULT_MODEL } from '../../emu/cpu-model.ts';
import { ROWS } from '../../emu/decode/decoder.ts';
import { selectModel } from '../../emu/decode/features.ts';
import type { Row } from '../../emu/decode/row.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import * as bench from '../fuzz/layout.ts';
import { runOracle } from '../fuzz/oracle.ts';
import { needs } from '../needs.ts';
import { decode, encoding, generator, hasGoodShouldBits, isUndefined, isUnpredictable } from './sample.ts';

afterAll(() => selectModel(DEFAULT_MODEL));

/** Encodings of each row that are fair questions, as far as some are found, with a condition that holds. */
function samples(random: () => number): { row: Row; bits: number }[] {
  return ROWS.flatMap((row) => {
    for (let n = 0; n < 300; n++) {
      let bits = encoding(row, random);
      if (row.isa === 'A32' && row.hasCond) bits = ((bits & 0x0fff_ffff) | 0xe000_0000) >>> 0;
      if (isUnpredictable(row, bits) || isUndefined(row, bits)) continue;
      const insn = decode(row, bits);
      const { branch, trap } = effectsOf(insn, bench.CODE_BASE);
      if (insn.row === row && branch === null && trap === null) return [{ row, bits }];
    }
    return [];
  });
}

function caseOf(row: Row, bits: number, slot: number): bench.Case {
  const address = bench.CODE_BASE + slot * bench.SLOT_SIZE + bench.CODE_WINDOW;
  const state = new Uint32Array(bench.STATE_WORDS).fill(bench.SCRATCH + 0x1000, 0, 15);
  state[bench.PC] = address;
  state[bench.CPSR] = row.isa === 'A32' ? 0x10 : 0x30;
  const end = bench.BKPT_T16 | (bench.BKPT_T16 << 16);
  const code =
    row.isa === 'A32'
      ? [bits, bench.BKPT_A32]
      : row.isa === 'T16'
        ? [bits | (bench.BKPT_T16 << 16), end]
        : [(bits >>> 16) | (bits << 16), end];
  const insn = { ...decode(row, bits), pc: address };
  return { slot, address, insns: [insn], code: Uint32Array.from(code), state };
}

const scratch = new Uint32Array(bench.SCRATCH_SIZE / 4).fill(bench.SCRATCH + 0x1000);

/** With the models that have most, each row is there to be sampled. */
selectModel(CPU_MODELS.find(({ name }) => name === 'max')!);
const all = samples(generator(9));

/**
 * qemu 7.2 has no 32-bit Cortex-A53. It lets CPUs without VFPv4 run the fused operations of vectors, and those without Thumb-2 IT
 * and hints.
 */
const models = CPU_MODELS.filter(({ name }) => name !== 'cortex-a53');
const isQemusOwn = (row: Row) =>
  (row.needs === 'neon' && /^VFM[AS]/.test(row.name)) || (row.isa === 'T16' && row.value >> 8 === 0xbf);
/** Without Thumb-2 such a halfword is one half of a BL or BLX, and goes somewhere. */
const isHalfOfBranch = ({ isa }: Row, { features }: CpuModel) => isa === 'T32' && !features.has('v6t2');

const qemu = needs('qemu-arm-static and an ARM compiler');
qemu.test.each(models)(qemu.name('$name has the instructions that qemu has'), (model) => {
  selectModel(model);
  const cases = all.map(({ row, bits }, slot) => caseOf(row, bits, slot));
  const results = runOracle(scratch, [cases], model.name)[0]!;
  const differences = cases.flatMap((c, i) => {
    const insn = c.insns[0]!;
    const { row, bits } = all[i]!;
    if (!hasGoodShouldBits(insn.row, bits)) return [];
    const ours = insn.row.name.startsWith('UNDEFINED');
    const theirs = results[i]!.signal === bench.SIGILL;
    return ours === theirs || isQemusOwn(row) || isHalfOfBranch(row, model)
      ? []
      : [`${row.name} ${bits.toString(16)}: ${ours ? 'undefined here' : 'undefined there'}`];
  });
  expect(differences).toEqual([]);
});
