/** The interpreter in other modes of FPSCR: what goes by the mode is the evaluator's, all else its own. */
import { afterEach, describe, expect, test } from 'vitest';
import { CpuState } from '../../emu/cpu-state.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { closeMachines, type Factory, interp, jit, machine, outcome, reference } from '../jit/machine.ts';
import { assemble } from '../unicorn/assemble.ts';

afterEach(closeMachines);

/** FPSCR: rounding up, down, to zero; FZ, DN, both; AHP. */
const MODES = [0x0040_0000, 0x0080_0000, 0x00c0_0000, 0x0100_0000, 0x0200_0000, 0x0300_0000, 0x0400_0000];

/**
 * Sums thirds and tiny numbers, in IT blocks and in a function, in the default mode and in another by turns of 256; halves, for
 * AHP; and much that is no float.
 */
const program = (mode: number) => `
  .thumb
  mov   r4, r0
  ldr   r9, =${mode}
  movw  r5, #1000
  vmov.f64 d0, #1.0
  vmov.f64 d1, #3.0
  vmov.f64 d2, #1.0
  ldr   r1, =0x00800001
  vmov  s10, r1
  vmov.f32 s11, #0.5
again:
  lsls  r2, r5, #24
  it    eq
  eoreq r8, r9
  vmsr  fpscr, r8
  bl    sum
  ands  r2, r5, #3
  itete eq
  vaddeq.f64 d3, d3, d2
  addne r7, r7, r5
  vcvteq.s32.f64 s12, d3
  strne r7, [r4, #64]
  vmul.f32 s13, s10, s11
  vmov  r1, s13
  add   r6, r6, r1
  vcvtb.f16.f32 s14, s11
  str   r6, [r4, r2, lsl #2]
  vmrs  r1, fpscr
  eor   r10, r1, r10, ror #3
  subs  r5, #1
  bne   again
  vmrs  r11, fpscr
  svc   #0
sum:
  push  {r5, lr}
  movs  r3, #7
1:
  add   r6, r6, r3, lsl #1
  eors  r6, r5
  subs  r3, #1
  bne   1b
  vdiv.f64 d4, d0, d1
  vadd.f64 d2, d2, d4
  vadd.f64 d0, d0, d2
  vcmp.f64 d2, d3
  vmrs  apsr_nzcv, fpscr
  it    gt
  addgt r7, #3
  pop   {r5, pc}
  .ltorg`;

function result(factory: Factory, code: Uint8Array, fuel?: number) {
  const m = machine(factory, code, true, fuel);
  m.backend.run(m.cpu);
  return { ...outcome(m), fpscr: m.cpu.fpscr };
}

describe.each(MODES)('FPSCR %i', (mode) => {
  const code = assemble(program(mode));
  test.each([
    ['interp', interp],
    ['jit', jit],
  ] as const)('%s', (_, factory) => {
    const expected = result(reference, code);
    expect(expected.fpscr & 0x07c0_0000).toBe(mode);
    for (const fuel of [1 << 30, 1, 3, 40]) expect(result(factory, code, fuel)).toEqual(expected);
  });
});

test('the evaluator has only what goes by the mode', () => {
  const counting: Factory = (space, hooks) => new JitBackend(space, { hooks, interpret: true, count: true });
  const m = machine(counting, assemble(program(0x0040_0000)), true);
  m.backend.run(m.cpu);
  const { tiers, steps } = m.backend.stats().work!;
  expect(Object.keys(steps).filter((row) => !/^V(ADD|DIV|MUL|CMP|CVTB?|MRS|MSR)\b/.test(row))).toEqual([]);
  expect(tiers.evaluator!.instructions).toBeLessThan(tiers.interpreter!.instructions / 2);
});

/** A loop of integers, with a system call in each turn; `mode` is set before. */
const turns = (mode: number, n: number) => `
  .thumb
  ldr   r9, =${mode}
  vmsr  fpscr, r9
  movw  r5, #${n}
again:
  add   r6, r6, r5, lsl #3
  svc   #1
  cmp   r5, #3
  ite   eq
  eoreq r7, r6
  addne r7, r5
  subs  r5, #1
  bne   again
  svc   #0
  .ltorg`;

test.each([
  ['a mode in the default one', 0, 0x0040_0000],
  ['the default mode in another', 0x0040_0000, 0],
  ['a mode in itself', 0x0100_0000, 0x0100_0000],
])('threads that run inside each other’s system calls: %s', (_, outer, inner) => {
  const results = [interp, jit, reference].map((factory) => {
    const other: { cpu: CpuState | null } = { cpu: null };
    const m = machine(
      (space, hooks) =>
        factory(space, {
          ...hooks,
          syscall: (cpu, imm) => {
            if (imm === 0) return false;
            // The other thread runs the same code in the other mode, some hundred turns now and then.
            const thread = other.cpu!;
            if (cpu !== thread) {
              if (cpu.r[5]! % 30 !== 0) return true;
              if (cpu.r[5]! % 7 === 1) thread.fpscr ^= inner ^ outer;
              m.backend.run(thread);
              return true;
            }
            return cpu.r[5]! % 400 !== 0;
          },
        }),
      assemble(turns(outer, 900)),
      true,
    );
    const { space } = m;
    other.cpu = new CpuState(space.buffer, space.allocateState());
    other.cpu.clear();
    other.cpu.location = m.cpu.location + 8;
    other.cpu.r[5] = 100_000;
    other.cpu.fpscr = inner;
    other.cpu.fuel = 1 << 30;
    m.backend.run(m.cpu);
    return { ...outcome(m), other: [...other.cpu.ru], fpscr: [m.cpu.fpscr, other.cpu.fpscr] };
  });
  expect(results[0]).toEqual(results[2]);
  expect(results[1]).toEqual(results[2]);
});

test('code that changes in a mode', () => {
  // Writes `mov r1, #2` over `mov r1, #1` in its third turn from the end.
  const source = `
    .arm
    ldr  r9, =0x00400000
    vmsr fpscr, r9
    ldr  r2, =0xe3a01002
    adr  r3, next
    mov  r5, #1000
  again:
    cmp  r5, #3
    streq r2, [r3]
  next:
    mov  r1, #1
    add  r7, r1, r7, lsl #4
    subs r5, r5, #1
    bne  again
    svc  #0`;
  const run = (factory: Factory) => {
    const m = machine(factory, assemble(source), false);
    m.backend.run(m.cpu);
    return m;
  };
  const m = run(interp);
  expect(m.cpu.r[7]).toBe(0x1111_1222);
  expect(outcome(m)).toEqual(outcome(run(reference)));
});
