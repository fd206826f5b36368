/**
 * VFP arithmetic of the interpreter and of compiled code (emu/jit/emit-fp.ts and exactness.ts) against qemu-arm: an ARM loop
 * that does one operation on an array of cases, long enough to be compiled.
 */
import { beforeAll, expect } from 'vitest';
import { CpuState } from '../../emu/cpu-state.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { EXEC, READ, WRITE } from '../../emu/memory/layout.ts';
import { needs } from '../needs.ts';
import { Random } from './cases.ts';
import { makeCases, show } from './operations.ts';
import { type FpAnswer, type Oracle, openOracle } from './oracle.ts';

const CODE = 0x10000;
const IN = 0x100_0000;
const OUT = 0x200_0000;
const SPAN = 0x80_0000;

/**
 * A32 encodings with s0 or d0 as destination (s2 or d1 first operand of comparisons), s2 or d1, s4 or d2. Bit 8 makes singles
 * doubles.
 */
const SIZED: Readonly<Record<string, number>> = {
  mla: 0xee010a02,
  mls: 0xee010a42,
  nmls: 0xee110a02,
  nmla: 0xee110a42,
  mul: 0xee210a02,
  nmul: 0xee210a42,
  add: 0xee310a02,
  sub: 0xee310a42,
  div: 0xee810a02,
  fnms: 0xee910a02,
  fnma: 0xee910a42,
  fma: 0xeea10a02,
  fms: 0xeea10a42,
  sqrt: 0xeeb10ac2,
  neg: 0xeeb10a42,
  abs: 0xeeb00ac2,
  cmp: 0xeeb41a42,
  cmpe: 0xeeb41ac2,
  cmpz: 0xeeb51a40,
  cmpez: 0xeeb51ac0,
};
/** Conversions by the name of the single-precision form; the letters f32 stand for f64 too. */
const CONVERSIONS: Readonly<Record<string, number>> = {
  f32_i32: 0xeeb80ac2,
  f32_u32: 0xeeb80a42,
  i32_f32: 0xeebd0ac2,
  u32_f32: 0xeebc0ac2,
  i32_f32r: 0xeebd0a42,
  u32_f32r: 0xeebc0a42,
};
const OPERATIONS: readonly (readonly [name: string, word: number])[] = [
  ...Object.entries(SIZED).flatMap(([name, word]): [string, number][] => [
    [`${name}_32`, word],
    [`${name}_64`, word | 0x100],
  ]),
  ...Object.entries(CONVERSIONS).flatMap(([name, word]): [string, number][] => [
    [name, word],
    [name.replace('f32', 'f64'), word | 0x100],
  ]),
  ['f64_f32', 0xeeb70ac2],
  ['f32_f64', 0xeeb70bc2],
];

/** r0 cases { fpscr, d0, d1, d2 }, r1 answers { fpscr, d0 }, r2 their number. */
function loop(operation: number): number[] {
  return [
    0xe490_3004, //    loop: ldr r3, [r0], #4
    0xeee1_3a10, //          vmsr fpscr, r3
    0xecb0_0b06, //          vldmia r0!, {d0-d2}
    operation,
    0xeef1_3a10, //          vmrs r3, fpscr
    0xe481_3004, //          str r3, [r1], #4
    0xeca1_0b02, //          vstmia r1!, {d0}
    0xe252_2001, //          subs r2, r2, #1
    0x1aff_fff6, //          bne loop
    0xe120_0070, //          bkpt
  ];
}

const space = AddressSpace.create();
for (const [start, prot] of [
  [CODE, READ | EXEC],
  [IN, READ | WRITE],
  [OUT, READ | WRITE],
] as const) {
  const end = start + (start === CODE ? 0x1000 : SPAN);
  space.map({ start, end, prot, shared: false, source: null, offset: 0, growsDown: false, name: '' });
  space.check(start, end - start, READ);
}
const cpu = new CpuState(space.buffer, space.allocateState());

const qemu = needs('qemu-arm-static and an ARM compiler');

let oracle: Oracle;
beforeAll(() => {
  if (qemu.met) oracle = openOracle();
});

const CPUS = ['interp', 'jit'] as const;
const CASES = CPUS.flatMap((engine) => OPERATIONS.map((o) => [engine, ...o] as const));

qemu.test.each(CASES)(qemu.name('%s: %s'), (engine, name, word) => {
  const operation = oracle.operations.indexOf(name);
  expect(operation).toBeGreaterThanOrEqual(0);
  const random = new Random(word);
  // The modes of compiled code, with and without flags set before.
  const fpscr = () => (random.below(2) ? 0 : (random.u32() & 0xf000_009f) >>> 0);
  const cases = makeCases(name, operation, 3000, random, fpscr);
  loop(word).forEach((instruction, i) => {
    space.view.setUint32(CODE + 4 * i, instruction, true);
  });
  cases.forEach((c, i) => {
    space.view.setUint32(IN + 28 * i, c.fpscr, true);
    [c.d0, c.d1, c.d2].forEach((d, j) => {
      space.view.setBigUint64(IN + 28 * i + 4 + 8 * j, d, true);
    });
  });
  let ended = '';
  const backend = new JitBackend(space, {
    interpret: engine === 'interp',
    hot: 64,
    hooks: {
      syscall: () => false,
      fault: (_cpu, address) => {
        ended = `fault at ${address.toString(16)}`;
        return false;
      },
      trap: (_cpu, kind) => {
        ended = kind;
        return false;
      },
      preempt: (thread) => {
        thread.fuel = 1_000_000;
        return true;
      },
    },
  });
  cpu.clear();
  cpu.location = CODE;
  cpu.r.set([IN, OUT, cases.length]);
  cpu.fuel = 1_000_000;
  backend.run(cpu);
  const { regions } = backend.stats();
  backend.close();
  expect(ended).toBe('breakpoint');
  if (engine === 'jit') expect(regions).toBeGreaterThan(0);
  const wrong: string[] = [];
  const answers = oracle.run(cases);
  cases.forEach((c, i) => {
    const theirs = answers[i]!;
    const compiled = {
      fpscr: space.view.getUint32(OUT + 12 * i, true),
      d0: space.view.getBigUint64(OUT + 12 * i + 4, true),
    };
    if (theirs.d0 === compiled.d0 && theirs.fpscr === compiled.fpscr) return;
    const is = (a: FpAnswer) => `${a.d0.toString(16).padStart(16, '0')} fpscr=${a.fpscr.toString(16)}`;
    wrong.push(`${show(c)}: ${is(compiled)}, not ${is(theirs)}`);
  });
  expect(wrong.slice(0, 8)).toEqual([]);
});
