/** What `--stats` says of the tiers: where instructions and time went, and what compiled code leaves to the evaluator. */
import { afterEach, expect, test } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { addWork, noWork, TimeSheet } from '../../emu/work.ts';
import { assemble } from '../unicorn/assemble.ts';
import { closeMachines, type Factory, jit, machine } from './machine.ts';

afterEach(closeMachines);

const counting: Factory = (space, hooks) => new JitBackend(space, { hooks, count: true, hot: 64 });
const LOOPS = 2000;

/** A loop with an instruction in it. */
const loop = (instruction: string) => `
  .thumb
  movw  r0, #${LOOPS}
again:
  ${instruction}
  subs  r0, #1
  bne   again
  svc   #0`;

function workOf(instruction: string) {
  const m = machine(counting, assemble(loop(instruction)), true);
  m.backend.run(m.cpu);
  const { work, instructions } = m.backend.stats();
  return { work: work!, instructions };
}

test('an instruction that compiled code does not have is seen to be left to the evaluator', () => {
  const { steps } = workOf('setend le').work;
  const [[name, count], ...others] = Object.entries(steps) as [[string, number]];
  expect(name).toMatch(/^SETEND /);
  expect(count).toBeGreaterThan(LOOPS / 2);
  expect(count).toBeLessThanOrEqual(LOOPS);
  expect(others).toEqual([]);
});

test('one that it has is not', () => {
  expect(workOf('vmul.f64 d0, d1, d2').work.steps).toEqual({});
  // As long as the mode stays the default one.
  expect(workOf('vmsr fpscr, r2').work.steps).toEqual({});
});

test('instructions of the tiers are all that there were', () => {
  const { work, instructions } = workOf('adds r1, #1');
  const tiers = Object.values(work.tiers);
  expect(tiers.reduce((sum, tier) => sum + tier.instructions, 0)).toBe(instructions);
  expect(instructions).toBe(3 * LOOPS + 2);
  expect(work.tiers.compiled!.instructions).toBeGreaterThan(instructions / 2);
});

test('an instruction that compiled code leaves to the interpreter is counted once', () => {
  const source = `
    .arm
    movw  r5, #${LOOPS}
  again:
    bl    load
    subs  r5, #1
    bne   again
    svc   #0
  load:
    add   r2, r5
    ldr   r1, [r0, #5]
    add   r2, r1
    bx    lr`;
  const m = machine(counting, assemble(source), false);
  m.backend.run(m.cpu);
  expect(m.backend.stats().instructions).toBe(7 * LOOPS + 2);
  expect(m.backend.stats().regions).toBeGreaterThan(0);
});

test('time goes to one thing at a time', () => {
  const began = performance.now();
  const { work } = workOf('adds r1, #1');
  const took = performance.now() - began;
  const { decodeMs, translateMs } = work.threads.main!;
  const parts = [...Object.values(work.tiers).map(({ ms }) => ms), decodeMs, translateMs, work.hooksMs];
  for (const ms of parts) expect(ms).toBeGreaterThanOrEqual(0);
  expect(translateMs).toBeGreaterThan(0);
  expect(parts.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(took);
});

test('nothing is told unless it was asked for', () => {
  const m = machine(jit, assemble(loop('adds r1, #1')), true);
  m.backend.run(m.cpu);
  expect(m.backend.stats().work).toBeUndefined();
});

test('what is begun inside something is not counted to it', () => {
  let now = 1000;
  const times = new TimeSheet(true, () => now);
  const wait = (ms: number) => {
    now += ms;
  };
  const object = times.timed({ call: () => wait(20) }, 'inner');
  wait(100);
  const before = times.begin('outer');
  wait(3);
  object.call();
  wait(4);
  times.end(before);
  wait(100);
  expect([times.of('inner'), times.of('outer')]).toEqual([20, 7]);
  const failing = times.timed(
    {
      call: () => {
        wait(1);
        throw new Error('of a hook');
      },
    },
    'inner',
  );
  times.begin('outer');
  expect(() => failing.call()).toThrow('of a hook');
  wait(2);
  times.end(null);
  expect([times.of('inner'), times.of('outer')]).toEqual([21, 9]);
});

test('work of several CPUs is added up', () => {
  const sum = noWork();
  const one = {
    tiers: { a: { instructions: 1, ms: 2 } },
    threads: { main: { decodeMs: 1, translateMs: 2 } },
    kept: { modules: 2, compiled: 1 },
    steps: { x: 3 },
    hooksMs: 1,
  };
  addWork(sum, one);
  addWork(sum, { ...one, tiers: { b: { instructions: 5, ms: 0 } } });
  expect(sum).toEqual({
    tiers: { a: { instructions: 1, ms: 2 }, b: { instructions: 5, ms: 0 } },
    threads: { main: { decodeMs: 2, translateMs: 4 } },
    kept: { modules: 4, compiled: 2 },
    steps: { x: 6 },
    hooksMs: 2,
  });
});
