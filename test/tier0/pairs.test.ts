/**
 * Each pair that has a handler (emu/tier0/pairs.ts) does what its two instructions do: with random operands, against the
 * evaluator. The instruction fuzzer runs instructions one by one.
 */
import { afterEach, expect, test } from 'vitest';
import { decodeA32, decodeThumb, ROWS } from '../../emu/decode/decoder.ts';
import type { Insn, Row } from '../../emu/decode/row.ts';
import { effectsOf } from '../../emu/evaluator/effects.ts';
import { WRITE } from '../../emu/memory/layout.ts';
import { handlerSet } from '../../emu/tier0/handler-set.ts';
import { PAIRS } from '../../emu/tier0/pairs.ts';
import { Random } from '../fp/cases.ts';
import {
  CODE,
  closeMachines,
  DATA,
  DATA_LENGTH,
  handlerAt,
  interp,
  type Machine,
  machine,
  outcome,
  reference,
} from '../jit/machine.ts';

afterEach(closeMachines);

const SAMPLES = 24;
/** Room for two instructions and an SVC. */
const PLACE = 16;
/** Backward branches might never end. */
const BACKWARD: Readonly<Record<string, number>> = {
  'B T1': 0x80,
  'B T2': 0x400,
  'B T3': 0x0400_0000,
  'B A1': 0x0080_0000,
};

/** Pairs are of plain forms: no shift, no write-back. Bits to clear, and to set. */
function plainBits(row: Row): readonly [clear: number, set: number] {
  let [clear, set] = [BACKWARD[row.name] ?? 0, 0];
  for (const { letter, runs } of row.fields)
    for (const { lsb, width } of runs) {
      const bits = (2 ** width - 1) << lsb;
      if (letter === 'P') set |= bits;
      if (letter === 'W' || (/\(register\)/.test(row.name) && (letter === 'i' || letter === 'y')))
        clear |= bits;
    }
  return [clear, set];
}

function sample(row: Row, random: Random): Insn {
  const [clear, set] = plainBits(row);
  for (;;) {
    const noise = (random.u32() & random.u32()) | (random.u32() & 0x11111111);
    let bits = (noise & ~(row.mask | row.shouldMask | clear)) | row.value | row.shouldValue | set;
    if (row.isa === 'A32') bits = row.name === 'B A1' ? bits : (bits & 0x0fff_ffff) | 0xe000_0000;
    const insn =
      row.isa === 'A32'
        ? decodeA32(bits)
        : row.isa === 'T16'
          ? decodeThumb(bits & 0xffff, 0, 0)
          : decodeThumb(bits >>> 16, bits & 0xffff, 0);
    // Jumps by register go anywhere.
    const isJump = effectsOf(insn, 0).branch !== null && !/^(B|CBN?Z) [TA]/.test(row.name);
    if (insn.row === row && !isJump) return insn;
  }
}

function bytesOf({ bits, size, thumb }: Insn): number[] {
  const halfwords = size === 2 ? [bits] : thumb ? [bits >>> 16, bits & 0xffff] : [bits & 0xffff, bits >>> 16];
  return halfwords.flatMap((h) => [h & 0xff, h >>> 8]);
}

test.each(PAIRS.map(([a, b]) => [a, b]))('%s, then %s', (first, second) => {
  const random = new Random(first.length * 131 + second.length);
  const a = ROWS.filter((row) => row.name === first);
  const b = ROWS.filter((row) => row.name === second);
  expect([a.length, b.length]).toEqual([1, 1]);
  const thumb = a[0]!.isa !== 'A32';
  const places = Array.from({ length: SAMPLES }, () => [sample(a[0]!, random), sample(b[0]!, random)]);
  const code = new Uint8Array(SAMPLES * PLACE + 64);
  const svc = thumb ? [0, 0xdf] : [0, 0, 0, 0xef];
  for (let at = 0; at < code.length; at += svc.length) code.set(svc, at);
  places.forEach((pair, i) => {
    code.set(pair.flatMap(bytesOf), i * PLACE);
  });
  const registers = places.map(() =>
    Array.from({ length: 14 }, () =>
      random.pick([DATA + 4 * random.below(DATA_LENGTH / 8), random.below(300), random.u32()]),
    ),
  );
  const machines = [interp, reference].map((factory) => machine(factory, code, thumb));
  const runAt = (m: Machine, i: number): unknown => {
    m.events.length = 0;
    m.space.check(DATA, DATA_LENGTH, WRITE);
    m.space.bytes(DATA, DATA_LENGTH).fill(i);
    registers[i]!.forEach((value, n) => {
      m.cpu.ru[n] = value;
    });
    m.cpu.cpsr = thumb ? 0x30 : 0x10;
    m.cpu.location = (CODE + i * PLACE) | (thumb ? 1 : 0);
    m.backend.run(m.cpu);
    return outcome(m);
  };
  // The second time both have been decoded, and are a pair.
  for (let round = 0; round < 2; round++)
    places.forEach((pair, i) => {
      const [interpreted, right] = machines.map((m) => runAt(m, i));
      expect(interpreted, pair.map(({ bits }) => bits.toString(16)).join(' ')).toEqual(right);
    });
  const { space } = machines[0]!;
  const isPair = (i: number): boolean =>
    handlerSet().decoder.firstOf(handlerAt(space, (CODE + i * PLACE) | (thumb ? 1 : 0))) !== 0;
  expect(places.filter((_, i) => isPair(i)).length).toBeGreaterThan(0);
});
