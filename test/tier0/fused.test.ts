/**
 * A comparison and the branch behind it, which a function of stencils makes as one (emu/stencils/run.ts): whether the branch is
 * taken, and who reads which flags then, is as in the evaluator.
 */
import { afterEach, expect, test } from 'vitest';
import { closeMachines, type Machine, machine, outcome, reference, stencils } from '../jit/machine.ts';
import { assemble } from '../unicorn/assemble.ts';

afterEach(closeMachines);

const CONDITIONS = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le'.split(' ');
const VALUES = [0, 1, 5, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffb, 0xffff_ffff];

/** Runs a program with all pairs of VALUES as words at r0. */
function agree(source: string, thumb: boolean): Machine {
  const [expected, m] = [reference, stencils].map((factory) => {
    const made = machine(factory, assemble(source), thumb);
    made.space.check(made.cpu.r[0]! >>> 0, 4, 2);
    VALUES.flatMap((a) => VALUES.flatMap((b) => [a, b])).forEach((word, i) => {
      made.space.i32[(made.cpu.r[0]! >>> 2) + i] = word;
    });
    made.backend.run(made.cpu);
    return made;
  }) as [Machine, Machine];
  expect(outcome(m)).toEqual(outcome(expected));
  return m;
}

/**
 * Goes through all pairs again and again. Where the branch is taken (to before the run, or onwards in it) the flags are read, and
 * where it is not, `behind` is run.
 */
const program = (set: string, compare: string, cond: string, behind: string) => `
  ${set}
  .syntax unified
  b     begin
taken:
  mrs   r3, apsr
  eor   r6, r3, r6, ror #27
  b     join
begin:
  mov   r4, #8
  mov   r10, r0
rounds:
  mov   r9, #${VALUES.length ** 2}
  mov   r0, r10
again:
  ldr   r1, [r0], #4
  ldr   r2, [r0], #4
  ${compare}
  b${cond}   taken
  ${behind}
  add   r7, r7, r1
join:
  ${compare}
  b${cond}   onwards
  cmp   r9, #17
  add   r8, r8, #1
onwards:
  mrs   r3, apsr
  eor   r5, r3, r5, ror #29
  subs  r9, r9, #1
  bne   again
  subs  r4, r4, #1
  bne   rounds
  svc   #0`;

const COMPARISONS = {
  T32: ['cmp r1, #5', 'cmp r1, r2', 'cmp r10, r1', 'cmp.w r1, #0x7f800000', 'cmp r1, r2, asr #3'].concat(
    ['cmn r1, r2', 'cmn.w r1, #1', 'tst r1, r2', 'tst r1, #0x80000000', 'tst r1, r2, rrx', 'teq r1, r2'],
    ['teq r1, #0xff000000'],
  ),
  A32: ['cmp r1, #5', 'cmp r1, r2, lsl r9', 'cmn r1, r2, ror #7', 'tst r1, r2, lsr #32', 'teq r1, r2, rrx'],
};
const SETS = { T32: '.thumb', A32: '.arm' } as const;

test.each(
  (['T32', 'A32'] as const).flatMap((set) => COMPARISONS[set].map((compare) => [set, compare] as const)),
)('%s: %s and a branch behind it', { timeout: 60_000 }, (set, compare) => {
  for (const cond of CONDITIONS)
    for (const behind of ['cmp r9, #3', 'mrs r3, apsr\n  eor r5, r5, r3', `b${cond} onwards`])
      agree(program(SETS[set], compare, cond, behind), set === 'T32');
});

test('a branch that something else comes to goes by the flags of where that came from', () => {
  agree(
    `
    .thumb
    .syntax unified
    movs  r4, #201
  again:
    lsls  r2, r4, #30
    beq   shared
    adds  r5, #1
    cmp   r4, #77
  shared:
    bls   low
    adds  r6, #1
  low:
    subs  r4, #1
    bne   again
    svc   #0`,
    true,
  );
});

test('a comparison that is made under a condition is no pair with the branch', () => {
  agree(
    `
    .thumb
    .syntax unified
    movs  r4, #203
  again:
    lsrs  r5, r4, #4
    tst   r4, #2
    it    ne
    cmpne r5, #7
    beq   even
    adds  r6, #1
  even:
    subs  r4, #1
    bne   again
    svc   #0`,
    true,
  );
});

test('what is compared is what the registers hold at the comparison', () => {
  // The branch is not taken when r1 is changed between: then they are no pair.
  agree(
    `
    .thumb
    .syntax unified
    movs  r4, #200
  again:
    mov   r1, r4
    cmp   r1, #50
    mov   r1, r5
    bhi   above
    adds  r5, #3
  above:
    subs  r4, #1
    bne   again
    svc   #0`,
    true,
  );
});

test('a call under a condition needs more locals than all else that is there', () => {
  const m = agree(
    `
    .arm
    mov   r4, #0
  again:
    add   r4, r4, #1
    cmp   r4, #50
    blhi  out
    cmp   r4, #100
    bne   again
  out:
    svc   #0`,
    false,
  );
  expect(m.cpu.r[4]).toBe(51);
});

test('a loop ends by a branch in an IT block, or by a comparison', () => {
  for (const end of ['subs r4, #1\n it ne\n bne again', 'subs r4, #1\n cmp r4, #0\n bne again'])
    agree(
      `
      .thumb
      .syntax unified
      movs  r4, #200
    again:
      adds  r1, #3
      ldr   r2, [r0]
      cmp   r1, #77
      bls   low
      adds  r5, r2
    low:
      ${end}
      mrs   r3, apsr
      svc   #0`,
      true,
    );
});
