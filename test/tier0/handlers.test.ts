/** Which instructions have handlers. What compiled code has no form for (Unsupported) has none, either. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpuModelNamed, DEFAULT_MODEL } from '../../emu/cpu-model.ts';
import { fieldsOf } from '../../emu/decode/build.ts';
import { ROWS } from '../../emu/decode/decoder.ts';
import { selectModel } from '../../emu/decode/features.ts';
import type { Insn, Row } from '../../emu/decode/row.ts';
import { describe, formKey } from '../../emu/tier0/form.ts';
import { loadHandlers } from '../../src/handlers-file.ts';
import { decode, encoding, generator } from '../decode/sample.ts';

beforeAll(() => selectModel(cpuModelNamed('max')!));
afterAll(() => selectModel(DEFAULT_MODEL));

const handlers = loadHandlers();

/** What changes the mode of the CPU: SETEND, and CPSR.E by MSR. */
const STEPS = /^(SETEND|MSR) /;
/**
 * Lists have a form for each number of registers, and jumps one for each register that tells a return: not all turn up in the
 * build.
 */
const isRare = ({ args }: Insn) => {
  const { list, count, d, t, stride } = args as Record<string, number>;
  return stride === undefined && (list !== undefined || count !== undefined || d === 15 || t === 15);
};

test('all forms of all rows have, but for what changes the mode of the CPU and rare lists and jumps', () => {
  const random = generator(11);
  const without = new Set<string>();
  const found = new Set<Row>();
  for (const row of ROWS)
    for (let i = 0; i < 2000; i++) {
      const insn = decode(row, encoding(row, random), i & 1 ? 0xe8 : 0);
      const context = { thumb: insn.thumb, inIT: insn.itBefore !== 0, lastInIT: insn.itBefore === 0xe8 };
      if (insn.row !== row || row.unpredictable?.(insn.args, fieldsOf(row, insn.bits), context)) continue;
      if (handlers.find(formKey(insn)) >= 0) found.add(row);
      else if (!STEPS.test(row.name) && !isRare(insn)) without.add(describe(insn));
    }
  expect([...without]).toEqual([]);
  const never = ROWS.filter((row) => !found.has(row)).map(({ name }) => name);
  expect(never.sort()).toEqual(['SETEND A1', 'SETEND T1']);
});
