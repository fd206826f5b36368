/**
 * emu/evaluator/fp.ts against the VFP of qemu-arm: every operation, result and FPSCR bit by bit, in all rounding modes, with FZ,
 * DN and AHP. FP_CASES in the environment asks for another number of random cases per operation, FP_SEED for other ones.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from './cases.ts';
import { makeCases, runOurs, show } from './operations.ts';
import { type FpAnswer, type Oracle, openOracle } from './oracle.ts';

const CASES = Number(process.env.FP_CASES ?? 4000);
const SEED = Number(process.env.FP_SEED ?? 20261123);

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
      const cases = makeCases(name, operation, CASES, random);
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
