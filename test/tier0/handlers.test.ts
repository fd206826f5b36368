/** Which instructions have handlers. What compiled code has no form for (Unsupported) has none, either. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpuModelNamed, DEFAULT_MODEL } from '../../emu/cpu-model.ts';
import { ROWS } from '../../emu/decode/decoder.ts';
import { selectModel } from '../../emu/decode/features.ts';
import { formKey } from '../../emu/tier0/form.ts';
import { loadHandlers } from '../../src/handlers-file.ts';
import { decode, encoding, generator } from '../decode/sample.ts';

beforeAll(() => selectModel(cpuModelNamed('max')!));
afterAll(() => selectModel(DEFAULT_MODEL));

const handlers = loadHandlers();

test('all rows have, but for what changes the mode of the CPU and some of ARMv8', () => {
  const random = generator(11);
  const without = ROWS.filter((row) => {
    for (let i = 0; i < 2000; i++) {
      const insn = decode(row, encoding(row, random), i & 1 ? 0xe8 : 0);
      if (insn.row === row && handlers.find(formKey(insn)) >= 0) return false;
    }
    return true;
  });
  const names = without.filter(({ needs }) => needs !== 'v8' && needs !== 'dotprod').map(({ name }) => name);
  expect(names.sort()).toEqual(['SETEND A1', 'SETEND T1', 'VMSR A1', 'VMSR T1']);
});
