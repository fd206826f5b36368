/** Records that wasm makes from tables (emu/tier0/kinds.ts) are those that decoding gives. */
import { expect, test } from 'vitest';
import { cpuModelNamed } from '../../emu/cpu-model.ts';
import { firstMatch, newA32, newThumb, ROWS } from '../../emu/decode/decoder.ts';
import { withModel } from '../../emu/decode/features.ts';
import type { Insn, Row } from '../../emu/decode/row.ts';
import { itRow } from '../../emu/decode/t16.ts';
import { Machinery } from '../../emu/jit/machinery.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { RECORDS_START } from '../../emu/memory/layout.ts';
import { generate } from '../../emu/tier0/generate.ts';
import { handlerSet } from '../../emu/tier0/handler-set.ts';
import { IN_BLOCK } from '../../emu/tier0/kinds.ts';
import { MASTER_KIND } from '../../emu/tier0/record.ts';
import { RecordMaker } from '../../emu/tier0/record-maker.ts';
import { loadHandlers } from '../../src/handlers-file.ts';
import { Random } from '../fp/cases.ts';

const handlers = loadHandlers();
const space = AddressSpace.create();
const machinery = Machinery.take(space.memory, handlerSet());
const maker = new RecordMaker(handlers, false);

/** The record by the tables; null when they do not have it. */
function quick(row: Row, bits: number): number[] | null {
  const at = RECORDS_START >>> 2;
  space.i32.fill(-1, at, at + 4);
  if (machinery.quick(RECORDS_START, bits, MASTER_KIND[row.isa]) === 0) return null;
  return [...space.i32.subarray(at, at + 4)];
}

/** ITSTATE of the last instruction of a block, under the condition "always". */
const LAST_ALWAYS = 0xe8;
const insnOf = (row: Row, bits: number, itstate = 0): Insn =>
  row.isa === 'A32' ? newA32(bits) : newThumb(...halves(row, bits), itstate);

function decoded(row: Row, bits: number, itstate = 0): number[] {
  maker.make(insnOf(row, bits, itstate));
  return [...maker.record];
}
const halves = (row: Row, bits: number): [number, number] =>
  row.isa === 'T16' ? [bits, 0] : [bits >>> 16, bits & 0xffff];

function encodingOf(row: Row, random: Random): number {
  // Often with fields of all zeros or all ones.
  const noise = [random.u32(), 0, -1, random.u32() & random.u32()][random.u32() & 3]!;
  const mixed = (noise ^ (random.u32() & random.u32() & random.u32())) & ~(row.mask | row.shouldMask);
  const bits = mixed | row.value | (random.u32() & row.shouldMask);
  return row.isa === 'T16' ? bits & 0xffff : bits | 0;
}

test('as decoded', () => {
  const random = new Random(7);
  const wrong: string[] = [];
  let known = 0;
  for (const row of ROWS)
    for (let i = 0; i < 1500; i++) {
      const bits = encodingOf(row, random);
      if (firstMatch(row.isa, bits) !== row) continue;
      const record = quick(row, bits);
      if (record === null) continue;
      known++;
      const right = decoded(row, bits);
      if (record.some((word, k) => word !== right[k]))
        wrong.push(`${row.name} ${bits.toString(16)} ${record} ${right}`);
    }
  expect(wrong).toEqual([]);
  expect(known).toBeGreaterThan(150_000);
});

test('as decoded in IT blocks', () => {
  const wrong: string[] = [];
  const known = new Set<string>();
  for (let bits = 0; bits < 0xe000; bits++) {
    const row = firstMatch('T16', bits);
    if (row === undefined) continue;
    const record = quick(row, bits | IN_BLOCK);
    if (record === null) continue;
    known.add(row.name);
    if (record.some((word, i) => word !== decoded(row, bits, LAST_ALWAYS)[i]))
      wrong.push(`${row.name} ${bits.toString(16)}`);
  }
  expect(wrong).toEqual([]);
  expect(known.size).toBeGreaterThan(60);
  for (const name of ['SVC T1', 'BKPT T1', 'HLT T1', 'IT T1', 'B T1']) expect(known).not.toContain(name);
});

test('the records of an IT have its block: it is in no table', () => {
  for (let bits = 0xbf01; bits < 0xc000; bits++) if (bits & 15) expect(quick(itRow, bits)).toBeNull();
});

test.each([
  ['T32', 'BL T1', 1],
  ['T32', 'B T3', 1],
  ['T32', 'MOV (immediate) T3', 0.9],
  ['T32', 'LDR (immediate) T3', 0.8],
  ['T16', 'LDR (immediate) T1', 1],
  ['A32', 'LDR (immediate) A1', 0.8],
  ['A32', 'STRB (immediate) A1', 0.8],
  ['A32', 'MOV (register) A1', 0.8],
  ['T16', 'ADD (register) T1', 1],
])('most %s %s are known', (isa, name, part) => {
  const row = ROWS.find((r) => r.isa === isa && r.name === name)!;
  const random = new Random(3);
  let [all, known] = [0, 0];
  for (let i = 0; i < 2000; i++) {
    const noise = random.u32() & ~(row.mask | row.shouldMask) & (isa === 'T16' ? 0xffff : -1);
    const bits = noise | row.value | row.shouldValue;
    if (insnOf(row, bits).row !== row) continue;
    all++;
    if (quick(row, bits) !== null) known++;
  }
  expect(known / all).toBeGreaterThanOrEqual(part as number);
});

test('handlers are the same whenever they are made, for whatever model', () => {
  const known = Buffer.from(handlers.file);
  expect(known.equals(generate().file)).toBe(true);
  withModel(cpuModelNamed('arm1176')!, () => {
    expect(known.equals(generate().file)).toBe(true);
  });
});
