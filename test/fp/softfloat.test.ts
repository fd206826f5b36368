/**
 * emu/machine/fp.ts against the VFP of qemu-arm: every operation, result and FPSCR bit by bit, in all rounding modes, with FZ, DN and AHP.
 * FP_CASES in the environment asks for another number of random cases per operation, FP_SEED for other ones.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { CpuState } from '../../emu/cpu-state.ts';
import { fp, fpCompare, fpConvert } from '../../emu/machine/fp.ts';
import type { FpConvert, FpOp } from '../../emu/machine/machine.ts';
import { DOUBLE, mul, SINGLE, takeExceptions } from '../../emu/machine/softfloat.ts';
import { STATE_SIZE } from '../../emu/memory/layout.ts';
import { DOUBLES, Random, randomDouble, randomWord, SINGLES } from './cases.ts';
import { type FpAnswer, type FpCase, type Oracle, openOracle } from './oracle.ts';

const CASES = Number(process.env.FP_CASES ?? 4000);
const SEED = Number(process.env.FP_SEED ?? 20261123);

const cpu = new CpuState(new SharedArrayBuffer(STATE_SIZE), 0);

/** Runs an operation of the oracle's name on d0, d1, d2 or s0, s2, s4. */
function runOurs(name: string, c: FpCase): FpAnswer {
  cpu.d[0] = c.d0;
  cpu.d[1] = c.d1;
  cpu.d[2] = c.d2;
  cpu.fpscr = c.fpscr;
  const arithmetic = /^(cmpe?)?(z?)(.*?)_(32|64)$/.exec(name)!;
  const fixed = /^(\w+_\w+)_(\d+)$/.exec(name)!;
  if (arithmetic && !name.startsWith('f32_') && !name.startsWith('f64_') && !/^x/.test(name)) {
    const size = arithmetic[4] === '64' ? 64 : 32;
    const scale = size === 64 ? 1 : 2;
    if (arithmetic[1]) {
      fpCompare(cpu, size, scale, arithmetic[2] ? -1 : 2 * scale, arithmetic[1] === 'cmpe');
    } else {
      fp(cpu, arithmetic[3] as FpOp, size, 0, scale, 2 * scale);
    }
  } else if (fixed) {
    const double = fixed[1]!.includes('f64');
    const register = double ? 2 : 4;
    fpConvert(cpu, fixed[1] as FpConvert, register, register, Number(fixed[2]));
    if (double) cpu.d[0] = cpu.d[2]!;
    else cpu.s[0] = cpu.s[4]!;
  } else {
    fpConvert(cpu, name as FpConvert, 0, name.split('_')[1]!.startsWith('f64') ? 2 : 4, 0);
  }
  return { d0: cpu.d[0]!, fpscr: cpu.fpscr };
}

const low = (bits: bigint) => BigInt.asUintN(32, bits);

const show = (c: FpCase) =>
  `fpscr=${c.fpscr.toString(16)} ${[c.d0, c.d1, c.d2].map((d) => d.toString(16).padStart(16, '0')).join(' ')}`;

/** FPSCR modes: half of all cases to nearest without anything else, the rest any. */
function randomMode(random: Random): number {
  const mode = random.below(2) ? 0 : (random.u32() & 0x07c0_0000) >>> 0;
  return (mode | (random.below(4) ? 0 : random.u32() & 0xf000_009f)) >>> 0;
}

function makeCases(name: string, operation: number, random: Random): FpCase[] {
  const cases: FpCase[] = [];
  const unary = /^(sqrt|neg|abs|cmpe?z)_|_(f|i|u|x)/.test(name);
  const onDoubles = name.endsWith('_64') || /_f64/.test(name);
  const fpscr = () => randomMode(random);
  const word = () => BigInt(randomWord(random));
  const pair = () => (word() << 32n) | word();
  const operand = () => (onDoubles ? randomDouble(random) : pair());
  const edges: readonly bigint[] = onDoubles ? DOUBLES : SINGLES.map(BigInt);
  const sign = onDoubles ? 63n : 31n;
  const signed = (bits: bigint) => bits | (BigInt(random.below(2)) << sign);
  // Every pair of edges in the default mode and in another, then random operands.
  for (const a of unary ? [0n] : edges) {
    for (const b of edges) {
      for (let i = 0; i < (unary ? 16 : 2); i++) {
        cases.push({ operation, fpscr: i === 0 ? 0 : fpscr(), d0: operand(), d1: signed(a), d2: signed(b) });
      }
    }
  }
  for (let i = 0; i < CASES; i++) {
    const c = { operation, fpscr: fpscr(), d0: operand(), d1: operand(), d2: operand() };
    // Sums and differences of neighbours.
    if (random.below(8) === 0) c.d2 = c.d1 ^ BigInt(random.below(4)) ^ (BigInt(random.below(2)) << sign);
    // An addend that nearly takes the product away, or has its last bits beside it.
    if (/^f?n?m[las]/.test(name) && random.below(3) === 0) {
      const product = onDoubles ? mul(DOUBLE, c.d1, c.d2, 0) : mul(SINGLE, low(c.d1), low(c.d2), 0);
      const scale = BigInt(random.pick([0, 0, 0, 1, 20, 24, 30, 52, 53, 54])) << (sign === 63n ? 52n : 23n);
      c.d0 =
        ((product ^ BigInt(random.below(4))) + (random.below(2) ? scale : -scale)) ^
        (BigInt(random.below(2)) << sign);
      c.d0 = BigInt.asUintN(onDoubles ? 64 : 32, c.d0);
    }
    cases.push(c);
  }
  takeExceptions();
  return cases;
}

describe('VFP arithmetic as qemu-arm does it', () => {
  let oracle: Oracle;
  beforeAll(() => {
    oracle = openOracle();
  });

  test('results and FPSCR of every operation', () => {
    const random = new Random(SEED);
    const failures: string[] = [];
    let count = 0;
    oracle.operations.forEach((name, operation) => {
      const cases = makeCases(name, operation, random);
      const answers = oracle.run(cases);
      let shown = 0;
      cases.forEach((c, i) => {
        count++;
        const ours = runOurs(name, c);
        const theirs = answers[i]!;
        if (ours.d0 === theirs.d0 && ours.fpscr === theirs.fpscr) return;
        if (shown++ < 4) {
          const is = (a: FpAnswer) => `${a.d0.toString(16).padStart(16, '0')} fpscr=${a.fpscr.toString(16)}`;
          failures.push(`${name} ${show(c)}: ${is(ours)}, not ${is(theirs)}`);
        }
      });
    });
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(oracle.operations.length * CASES);
  });
});
