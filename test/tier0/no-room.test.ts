/**
 * Without memory of the host's for what the interpreter gets only when it is needed, the evaluator runs in its place: a program
 * goes on, slower.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { takeMemory } from '../../emu/memory/pool.ts';
import { closeMachines, type Factory, interp, jit, machine, outcome, reference } from '../jit/machine.ts';
import { assemble } from '../unicorn/assemble.ts';

/** A memory that an earlier test has left has all of it. */
beforeEach(() => {
  for (let i = 0; i < 40; i++) takeMemory('');
});
afterEach(() => {
  vi.restoreAllMocks();
  closeMachines();
});

/** Instructions without handlers at first: alone, under a condition, in an IT block; again and again. */
const UNUSUAL = `
  .thumb
  movw  r4, #500
  movw  r5, #54321
  movt  r5, #0x8765
again:
  usad8 r1, r5, r4
  add   r6, r6, r1
  ands  r2, r4, #3
  itete eq
  qaddeq r7, r7, r5
  ssubaddxne r8, r8, r5
  addeq r9, #1
  sxtab16ne r9, r9, r5
  cmp   r2, #2
  it    hi
  uqsub8hi r10, r9, r4
  str   r10, [r0, r2, lsl #2]
  subs  r4, #1
  bne   again
  svc   #0`;

/** More branches in another mode of FPSCR than are the evaluator's. */
const ROUNDS_UP = `
  .thumb
  ldr   r1, =0x00400000
  vmsr  fpscr, r1
  movw  r4, #1000
  vmov.f64 d0, #1.0
  vmov.f64 d1, #3.0
again:
  vdiv.f64 d2, d0, d1
  vadd.f64 d3, d3, d2
  subs  r4, #1
  bne   again
  movs  r1, #0
  vmsr  fpscr, r1
  svc   #0
  .ltorg`;

/** From when it runs there is no memory for an instance. */
function without(factory: Factory, source: string) {
  const m = machine(factory, assemble(source), true);
  const made = vi.spyOn(WebAssembly, 'Instance').mockImplementation(function outOfMemory(): never {
    throw new RangeError('WebAssembly.Instance(): Out of memory');
  });
  m.backend.run(m.cpu);
  return { made, outcome: outcome(m) };
}

test.each([
  ['unusual handlers', 'interp', UNUSUAL, interp],
  ['unusual handlers', 'jit', UNUSUAL, jit],
  ['the interpreter of another mode', 'interp', ROUNDS_UP, interp],
  ['the interpreter of another mode', 'jit', ROUNDS_UP, jit],
] as const)('no room for %s, with %s', (_what, _how, source, factory) => {
  const model = machine(reference, assemble(source), true);
  model.backend.run(model.cpu);
  const { made, outcome: found } = without(factory, source);
  expect(made).toHaveBeenCalled();
  expect(found).toEqual(outcome(model));
  // It is not asked for again and again.
  expect(made.mock.calls.length).toBeLessThan(5);
});
