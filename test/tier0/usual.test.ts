/** The lists of what is usual name what there is (emu/tier0/usual.ts, usual-encodings.ts). */
import { expect, test } from 'vitest';
import { RecordDecoder } from '../../emu/tier0/decoder.ts';
import { namesOfHandlers } from '../../emu/tier0/generate.ts';
import { MASTER, TABLES_AT } from '../../emu/tier0/record.ts';
import { usualForms } from '../../emu/tier0/usual.ts';
import { usualEncodings } from '../../emu/tier0/usual-encodings.ts';
import { visitEncodings } from '../../emu/tier0/visit.ts';
import { loadHandlers } from '../../src/handlers-file.ts';

test('each usual form has a handler', { timeout: 300_000 }, () => {
  const names = new Set(namesOfHandlers());
  expect(usualForms().size).toBeGreaterThan(300);
  expect([...usualForms()].filter((name) => !names.has(name))).toEqual([]);
});

test('the master table begins with the records of usual encodings', { timeout: 300_000 }, () => {
  const handlers = loadHandlers();
  const encodings = usualEncodings();
  const told = new Set(encodings.map(({ isa, bits }) => `${isa} ${bits}`));
  expect(told.size).toBe(encodings.length);
  const master = (decoder: RecordDecoder) => new Int32Array(decoder.memory.buffer, 0, TABLES_AT >>> 2);
  const begun = master(new RecordDecoder(handlers, false, false)).slice();
  // Most have a place of their own.
  expect(begun.filter((kind, i) => i % 8 === MASTER.kind / 4 && kind !== 0).length).toBeGreaterThan(600);
  // Decoded in the same order they give the same table.
  const decoder = new RecordDecoder(handlers, false, false);
  master(decoder).fill(0);
  visitEncodings(decoder);
  expect(master(decoder)).toEqual(begun);
  // Where instructions are counted, or the CPU is another, records are others.
  for (const other of [new RecordDecoder(handlers, true, false), new RecordDecoder(handlers, false, true)])
    expect(master(other).every((word) => word === 0)).toBe(true);
});
