/**
 * Every encoding row against qemu-arm, a bounded number of cases: the interpreter and the JIT. Longer hunts: test/fuzz/main.ts.
 */

import { expect, test } from 'vitest';
import { cpuModelNamed, DEFAULT_MODEL } from '../../emu/cpu-model.ts';
import { ROWS } from '../../emu/decode/decoder.ts';
import { hasRow, selectModel } from '../../emu/decode/features.ts';
import { needs } from '../needs.ts';
import { BACKENDS } from './backends.ts';
import { describeCase } from './compare.ts';
import { type FuzzReport, fuzz } from './fuzz.ts';
import type { BackendFactory } from './runner.ts';

function backends(...names: string[]): Map<string, BackendFactory> {
  return new Map(names.map((name) => [name, BACKENDS.get(name)!]));
}

function failures(report: FuzzReport): string[] {
  return report.failures.map((f) => `${f.backend}\n${describeCase(f.case, f.oracle, f.differences)}`);
}

/** Rows for which no case was found at all. */
function starved(report: FuzzReport): string[] {
  return [...report.made].filter(([, cases]) => cases === 0).map(([row]) => row.name);
}

/** The decoder's model is the default, all of which qemu's cortex-a15 has. */
const rows = ROWS.filter(hasRow);
const v8Rows = ROWS.filter((row) => !hasRow(row));

const qemu = needs('qemu-arm-static and an ARM compiler');
qemu.describe(qemu.name('instructions against qemu-arm'), { timeout: 120_000 }, () => {
  test('every row alone', () => {
    const report = fuzz({
      rows,
      count: 8,
      chains: 0,
      programs: 0,
      seed: 1,
      backends: backends('interp', 'stencils', 'jit'),
    });
    expect(failures(report)).toEqual([]);
    // SVC would be a system call of the oracle's host.
    expect(starved(report)).toEqual(['SVC A1', 'SVC T1']);
    expect(report.cases).toBeGreaterThan(5500);
  });

  test('every row of ARMv8 alone, and in chains', () => {
    selectModel(cpuModelNamed('max')!);
    try {
      const report = fuzz({
        rows: v8Rows,
        count: 12,
        chains: 300,
        programs: 0,
        seed: 5,
        cpu: 'max',
        backends: backends('interp', 'stencils', 'jit'),
      });
      expect(failures(report)).toEqual([]);
      expect(starved(report)).toEqual([]);
      expect(report.cases).toBeGreaterThan(1800);
    } finally {
      selectModel(DEFAULT_MODEL);
    }
  });

  test('chains of instructions', () => {
    const report = fuzz({
      rows,
      count: 0,
      chains: 2500,
      programs: 0,
      seed: 2,
      backends: backends('interp', 'stencils', 'jit'),
    });
    expect(failures(report)).toEqual([]);
    expect(report.cases).toBeGreaterThan(2300);
  });

  test('programs with loops, branches and calls', () => {
    const report = fuzz({
      rows,
      count: 0,
      chains: 0,
      programs: 1200,
      seed: 4,
      backends: backends('interp', 'stencils', 'jit'),
    });
    expect(failures(report)).toEqual([]);
    expect(report.cases).toBeGreaterThan(1000);
  });

  test('a wrong CPU is found out', () => {
    // One bit of one register wrong, under a condition of another.
    const interp = BACKENDS.get('interp')!;
    const wrong: BackendFactory = (space, options) => {
      const backend = interp(space, options);
      const run = backend.run.bind(backend);
      backend.run = (cpu) => {
        const negative = cpu.r[0]! < 0;
        run(cpu);
        if (negative && cpu.r[1]! > 0x4000_0000) cpu.r[1] = cpu.r[1]! ^ 1;
      };
      return backend;
    };
    const rows = ROWS.filter((row) => row.name.startsWith('ADC'));
    const report = fuzz({
      rows,
      count: 60,
      chains: 0,
      programs: 0,
      seed: 3,
      backends: new Map([['wrong', wrong]]),
    });
    expect(report.failures.length).toBeGreaterThan(0);
    expect(report.failures[0]!.differences[0]).toMatch(/^r1 +oracle [0-9a-f]{8} {3}ours [0-9a-f]{8}$/);
  });
});
