/**
 * The operations of fixtures/fpops.c on emu/evaluator/fp.ts, and cases for them.
 */
import { CpuState } from '../../emu/cpu-state.ts';
import { fp, fpCompare, fpConvert } from '../../emu/evaluator/fp.ts';
import { DOUBLE, mul, SINGLE, takeExceptions } from '../../emu/evaluator/softfloat.ts';
import type { FpConvert, FpOp } from '../../emu/machine/machine.ts';
import { STATE_SIZE } from '../../emu/memory/layout.ts';
import { DOUBLES, type Random, randomDouble, randomWord, SINGLES } from './cases.ts';
import type { FpAnswer, FpCase } from './oracle.ts';

const cpu = new CpuState(new SharedArrayBuffer(STATE_SIZE), 0);

/** Runs an operation of the oracle's name on d0, d1, d2 or s0, s2, s4. */
export function runOurs(name: string, c: FpCase): FpAnswer {
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

export const show = (c: FpCase) =>
  `fpscr=${c.fpscr.toString(16)} ${[c.d0, c.d1, c.d2].map((d) => d.toString(16).padStart(16, '0')).join(' ')}`;

/** A random FPSCR: modes: half of all cases to nearest without anything else, the rest any. */
function randomMode(random: Random): number {
  const mode = random.below(2) ? 0 : (random.u32() & 0x07c0_0000) >>> 0;
  return (mode | (random.below(4) ? 0 : random.u32() & 0xf000_009f)) >>> 0;
}

/** Every pair of edge values, and `count` random cases, of the oracle's operation of that name and number. */
export function makeCases(
  name: string,
  operation: number,
  count: number,
  random: Random,
  fpscr: () => number = () => randomMode(random),
): FpCase[] {
  const cases: FpCase[] = [];
  const unary = /^(sqrt|neg|abs|cmpe?z)_|_(f|i|u|x)/.test(name);
  const onDoubles = name.endsWith('_64') || /_f64/.test(name);
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
  for (let i = 0; i < count; i++) {
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
