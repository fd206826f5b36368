/**
 * What stencils' entries say of an instruction's access and of the core registers that it writes
 * (emu/stencils/access-shape.ts) is what its op does, whatever its operands are.
 */
import { expect, test } from 'vitest';
import { firstMatch, newA32, newThumb, ROWS } from '../../emu/decode/decoder.ts';
import type { Row } from '../../emu/decode/row.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import { ALWAYS } from '../../emu/machine/machine.ts';
import { accessAt, Range, writtenAt } from '../../emu/stencils/access-shape.ts';
import { ENTRY, FLAG } from '../../emu/stencils/stencil.ts';
import { FIRST_FORM } from '../../emu/tier0/record.ts';
import { RecordMaker } from '../../emu/tier0/record-maker.ts';
import { loadHandlers } from '../../src/handlers-file.ts';
import { Random } from '../fp/cases.ts';

const SAMPLES = 200;

function insnOf(row: Row, random: Random) {
  const free = ~(row.mask | row.shouldMask);
  const bits = row.value | (random.u32() & (random.u32() | random.u32()) & free);
  if (firstMatch(row.isa, row.isa === 'T16' ? bits & 0xffff : bits | 0) !== row) return null;
  if (row.isa === 'A32') return newA32(bits | 0);
  return row.isa === 'T16' ? newThumb(bits & 0xffff, 0, 0) : newThumb(bits >>> 16, bits & 0xffff, 0);
}

test('accesses and registers written', { timeout: 300_000 }, () => {
  const handlers = loadHandlers();
  const { entries } = handlers.stencils;
  const maker = new RecordMaker(handlers, false);
  const random = new Random(11);
  const wrong: string[] = [];
  const counts = { accesses: 0, known: 0, writes: 0, exact: 0 };
  for (const row of ROWS)
    for (let i = 0; i < SAMPLES; i++) {
      const insn = insnOf(row, random);
      if (insn === null || insn.row !== row) continue;
      maker.make(insn);
      const record = maker.record.slice();
      const u8 = new Uint8Array(record.buffer);
      const handler = record[0]! & 0xffff;
      const entry = (handler < FIRST_FORM ? record[0]! >>> 16 : handler) * ENTRY.words;
      if ((entries[entry + ENTRY.flags]! & FLAG.PRESENT) === 0) continue;
      const pc = random.u32() & (insn.thumb ? ~1 : ~3);
      const { access, mayWrite } = effectsOf({ ...insn, cond: ALWAYS }, pc);
      const shape = entries[entry + ENTRY.access]!;
      const known = shape === 0 ? null : new Range();
      if (known !== null) accessAt(known, shape, entries[entry + ENTRY.plus]!, 0, u8, record);
      const expected = access && {
        base: 4 * access.register,
        low: access.offset,
        high: access.offset + access.length,
        kind: access.kind,
      };
      if (access !== null) counts.accesses++;
      if (known !== null) counts.known++;
      const name = `${row.name} ${JSON.stringify(insn.args)}`;
      if (known !== null && JSON.stringify(known) !== JSON.stringify(expected))
        wrong.push(`${name}: ${JSON.stringify(known)}`);
      const written = writtenAt(entries[entry + ENTRY.core]!, 0, u8);
      for (let r = 0; r < 15; r++) {
        const says = ((written >>> r) & 1) !== 0;
        const does = ((mayWrite.core >>> r) & 1) !== 0;
        if (does && !says) wrong.push(`${name} writes r${r}`);
        counts.writes++;
        if (does === says) counts.exact++;
      }
    }
  expect(wrong).toEqual([]);
  // What is not known is only slower, but that is seldom.
  expect(counts.accesses).toBeGreaterThan(2000);
  expect(counts.known).toBeGreaterThan(0.5 * counts.accesses);
  expect(counts.exact).toBeGreaterThan(0.9 * counts.writes);
});
