/**
 * Functions of stencils (emu/stencils): that there are some, and that they are left and thrown away where handlers would be. That
 * they do what the evaluator does is held by random control flow (test/jit/flow.test.ts) and the fuzzer.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { Machinery } from '../../emu/jit/machinery.ts';
import { PAGE_SHIFT, PAGE_SIZE, WRITE } from '../../emu/memory/layout.ts';
import { takeMemory } from '../../emu/memory/pool.ts';
import { ENTRY, FLAG, STITCHED } from '../../emu/stencils/stencil.ts';
import { handlerSet } from '../../emu/tier0/handler-set.ts';
import { CONDITION_HANDLERS, HANDLER } from '../../emu/tier0/record.ts';
import { loadHandlers } from '../../src/handlers-file.ts';
import {
  CODE,
  closeMachines,
  DATA,
  DATA_LENGTH,
  type Factory,
  handlerAt,
  type Machine,
  machine,
  outcome,
  reference,
  stencils,
} from '../jit/machine.ts';
import { assemble } from '../unicorn/assemble.ts';

afterEach(closeMachines);

/** Counts down in a loop with a branch onwards, a call and an IT block. */
const LOOP = `
  .thumb
  movw  r4, #3000
  movs  r1, #0
again:
  tst   r4, #3
  beq   skip
  adds  r1, #1
skip:
  bl    more
  cmp   r4, #7
  itte  hi
  addhi r2, #3
  strhi r2, [r0]
  subls r2, #5
  subs  r4, #1
  bne   again
  svc   #0
more:
  adds  r3, #1
  bx    lr`;

type Prepare = (m: Machine) => void;

function run(factory: Factory, source: string, thumb = true, prepare: Prepare = () => {}) {
  const m = machine(factory, assemble(source), thumb);
  prepare(m);
  m.backend.run(m.cpu);
  return m;
}

test('most handlers have a stencil, and nearly all that are usual', { timeout: 300_000 }, () => {
  const { firstPair, usual, stencils } = loadHandlers();
  const { entries, handlers } = stencils;
  /** How many there are, and which part of them has none. */
  const without = (from: number, to: number) => {
    let none = 0;
    for (let handler = from; handler < to; handler++)
      if ((entries[handler * ENTRY.words + ENTRY.flags]! & FLAG.PRESENT) === 0) none++;
    return { count: to - from, part: none / (to - from) };
  };
  const ofUsual = without(HANDLER.CONDITIONS + 2 * CONDITION_HANDLERS, firstPair);
  expect(ofUsual.count).toBeGreaterThan(300);
  expect(ofUsual.part).toBeLessThan(0.05);
  const ofOthers = without(usual, handlers);
  expect(ofOthers.count).toBeGreaterThan(5000);
  expect(ofOthers.part).toBeLessThan(0.15);
});

test('what is run often is put together, and counted where instructions are', () => {
  const expected = run(reference, LOOP);
  const m = run(stencils, LOOP);
  expect(outcome(m)).toEqual(outcome(expected));
  const counted = run(
    (space, hooks) => new JitBackend(space, { hooks, hot: 2 ** 30, stitched: 1, count: true }),
    LOOP,
  );
  expect(outcome(counted)).toEqual(outcome(expected));
  expect(counted.backend.stats().instructions).toBe(expected.backend.stats().instructions);
  const { backend, space } = m;
  backend.close();
  expect(Machinery.take(space.memory, handlerSet()).stitched).toBeGreaterThan(3);
});

test('who translates nothing has functions of stencils, who is led from instruction to instruction has none', () => {
  const stitchedOf = (exactFuel: boolean): number => {
    const m = run(
      (space, hooks) => new JitBackend(space, { hooks, interpret: true, stitched: 1, exactFuel }),
      LOOP,
    );
    expect(outcome(m)).toEqual(outcome(run(reference, LOOP)));
    const { backend, space } = m;
    backend.close();
    return Machinery.take(space.memory, handlerSet()).stitched;
  };
  expect(stitchedOf(false)).toBeGreaterThan(3);
  expect(stitchedOf(true)).toBe(0);
});

test('a loop over two pages, which stencils go round, is compiled as others are', () => {
  const loop = (between: number) => `
    .thumb
    movw  r4, #20000
  again:
    .rept ${between}
    adds  r1, #1
    .endr
    subs  r4, #1
    bne.w again
    svc   #0`;
  const regionsOf = (between: number) => {
    const m = run(
      (space, hooks) => new JitBackend(space, { hooks, hot: 10_000, stitched: 1 }),
      loop(between),
    );
    return m.backend.stats().regions;
  };
  expect(regionsOf(10)).toBe(1);
  expect(regionsOf(PAGE_SIZE / 2)).toBe(1);
});

test('long code without branches is put together on all its pages', () => {
  // Three pages, which are gone through often enough for the first run only.
  const source = `
    .thumb
    movw  r4, #30000
  again:
    .rept 2900
    eor.w r1, r4, r1, ror #7
    .endr
    subs  r4, #1
    bne.w again
    svc   #0`;
  const m = run((space, hooks) => new JitBackend(space, { hooks, hot: 2 ** 30, count: true }), source);
  expect(m.backend.stats().instructions).toBe(1 + 30_000 * 2902 + 1);
  const { backend, space } = m;
  backend.close();
  const { stitched } = Machinery.take(space.memory, handlerSet(true));
  expect(stitched).toBeGreaterThan(2900 / 64);
});

test('a loop in a function of stencils is left when its time is over, and when code changes', () => {
  let preempted = 0;
  const m = machine(
    (space, hooks) =>
      stencils(space, {
        ...hooks,
        preempt: (cpu) => {
          preempted++;
          cpu.fuel = 100;
          // After a while it is to end: `bne again` becomes a NOP.
          if (preempted === 20) {
            space.u16[(CODE + 6) >>> 1] = 0xbf00;
            m.backend.invalidate(CODE, 0x10);
          }
          return true;
        },
      }),
    assemble(`
      .thumb
      movs  r1, #0
    again:
      adds  r1, #1
      cmp   r1, #0
      bne   again
      svc   #0`),
    true,
    100,
  );
  m.backend.run(m.cpu);
  expect(preempted).toBe(20);
  expect(m.cpu.r[1]).toBeLessThan(100 * 21);
});

test('a loop that is its own and only instruction', () => {
  let preempted = 0;
  const m = machine(
    (space, hooks) => stencils(space, { ...hooks, preempt: () => ++preempted < 3 }),
    assemble(`
      .thumb
    again:
      b     again`),
    true,
    100,
  );
  m.backend.run(m.cpu);
  expect(preempted).toBe(3);
  expect(m.cpu.location).toBe((CODE | 1) >>> 0);
});

test('an access is made by its own handler where its record has become that of compiled code', () => {
  // The second page of the access is not there each time, so that it leaves the function; and compiled code begins there, in the
  // midst of the function.
  const source = `
    .thumb
    b     begin
    .align 2
  part:
    tst   r4, #3
    bne   onwards
    adds  r1, #1
  onwards:
    ldr.w r2, [r6, #0x104]
    add   r3, r3, r2
    subs  r5, #1
    bgt   onwards
    bx    lr
  begin:
    movw  r4, #3000
    movw  r6, #0x1000 - 0x104 - 2
    add   r6, r6, r0
  again:
    bl    part
    cmp   r4, #1000
    it    eq
    moveq r5, #9
    subs  r4, #1
    bne   again
    svc   #0`;
  const onwards = ((CODE + 12) | 1) >>> 0;
  const runWith = (factory: Factory, preempted: (m: Machine) => void) => {
    const second = DATA + PAGE_SIZE;
    const preempt = () => {
      preempted(m);
      m.space.revoke(second >>> PAGE_SHIFT);
      m.cpu.fuel = 50;
      return true;
    };
    const m = machine((space, hooks) => factory(space, { ...hooks, preempt }), assemble(source), true, 50);
    m.space.check(DATA, PAGE_SIZE, WRITE);
    m.space.bytes(DATA, PAGE_SIZE).forEach((_, i, bytes) => {
      bytes[i] = 7 * i + (i >> 8);
    });
    m.backend.run(m.cpu);
    return m;
  };
  let slices = 0;
  let isCompiled = false;
  const m = runWith(stencils, ({ backend }) => {
    if (++slices !== 30) return;
    isCompiled = (backend as JitBackend).code.compile({ location: onwards, isLoop: false });
  });
  expect(isCompiled).toBe(true);
  expect(outcome(m)).toEqual(outcome(runWith(reference, () => {})));
});

test('a store to code that is being run is seen by the instruction behind it', () => {
  // Writes `movs r1, #2` (0x2102) over `movs r1, #1`, at the 50th time.
  const source = `
    .thumb
    movw  r5, #0x2102
    movs  r4, #60
    adr   r3, target
    sub   r6, sp, #64
  again:
    cmp   r4, #10
    ite   eq
    moveq r7, r3
    movne r7, r6
    strh  r5, [r7]
    .align 2
  target:
    movs  r1, #1
    add   r2, r2, r1
    subs  r4, #1
    bne   again
    svc   #0`;
  expect(outcome(run(stencils, source))).toEqual(outcome(run(reference, source)));
});

test('who has used most places for functions gets a new table with its next process', () => {
  const { memory } = takeMemory('');
  const machinery = Machinery.take(memory, handlerSet());
  machinery.give();
  expect(Machinery.take(memory, handlerSet())).toBe(machinery);
  machinery.stitched = STITCHED / 2 + 1;
  machinery.give();
  expect(Machinery.take(memory, handlerSet())).not.toBe(machinery);
});

test('a run goes on past what only A32 has, up to the end of a page', () => {
  // Calls under a condition, as a trace compiler guards by them, and more instructions than a page has.
  const source = `
    .arm
    movw  r4, #30
  again:
    .rept 600
    cmn   r4, #1
    bleq  again
    eors  r1, r4, r1, ror #7
    .endr
    subs  r4, r4, #1
    bne   again
    svc   #0`;
  const m = run(stencils, source, false);
  expect(outcome(m)).toEqual(outcome(run(reference, source, false)));
  const { handlers } = handlerSet().stencils();
  for (const location of [CODE + 4, CODE + 4 + 64 * 4, CODE + PAGE_SIZE])
    expect(handlerAt(m.space, location)).toBeGreaterThanOrEqual(handlers);
});

test('code that is come to only by returns from compiled code is put together, too', () => {
  const source = `
    .thumb
    movw  r4, #200
  first:
    bl    callee
    subs  r4, #1
    bne   first
    movw  r4, #20
  second:
    bl    callee
    adds  r2, #3
    subs  r4, #1
    bne   second
    svc   #0
  callee:
    adds  r1, #1
    bx    lr`;
  const callee = ((CODE + 28) | 1) >>> 0;
  let slices = 0;
  let isCompiled = false;
  const preempt = () => {
    if (++slices === 5)
      isCompiled = (m.backend as JitBackend).code.compile({ location: callee, isLoop: false });
    m.cpu.fuel = 50;
    return true;
  };
  const m = machine((space, hooks) => stencils(space, { ...hooks, preempt }), assemble(source), true, 50);
  m.backend.run(m.cpu);
  expect(isCompiled).toBe(true);
  expect(handlerAt(m.space, callee)).toBe(HANDLER.COMPILED);
  expect(m.cpu.i32[2]).toBe(60);
  const behindCall = ((CODE + 20) | 1) >>> 0;
  expect(handlerAt(m.space, behindCall)).toBeGreaterThanOrEqual(handlerSet().stencils().handlers);
});

describe('accesses that are tested together', () => {
  const agree = (source: string, prepare?: Prepare) => {
    const m = run(stencils, source, true, prepare);
    expect(outcome(m)).toEqual(outcome(run(reference, source, true, prepare)));
    return m;
  };
  const END = DATA + DATA_LENGTH;

  test('fault one by one, where a page ends', () => {
    const source = `
      .thumb
      movs  r4, #40
    again:
      ldr   r1, [r0]
      ldr   r2, [r0, #4]
      add   r3, r1
      str   r3, [r0, #8]
      addw  r3, r3, #1
      str   r3, [r0, #12]
      adds  r0, #4
      subs  r4, #1
      bne   again
      svc   #0`;
    const m = agree(source, ({ cpu }) => {
      cpu.r[0] = END - 80;
    });
    expect(m.events).toEqual([`fault ${END.toString(16)} 2 unmapped at ${(CODE + 15).toString(16)}`]);
  });

  test('are tested again where something else may have come from', () => {
    // The last time it jumps over the first, with another address.
    agree(`
      .thumb
      movs  r4, #40
      mov   r7, r0
    again:
      cmp   r4, #1
      it    eq
      moveq r7, #16
      cmp   r4, #1
      beq   second
      ldr   r1, [r7]
    second:
      ldr   r2, [r7, #4]
      add   r3, r2
      subs  r4, #1
      bne   again
      svc   #0`);
  });

  test.each([
    ['a move', 'mov r7, r5'],
    ['a load that writes its base back', 'ldr r1, [r7], #4'],
    ['a load into it', 'ldr r7, [r6]'],
    ['a list', 'ldm r6, {r7}'],
  ])('go by what the register holds: %s', (_, change) => {
    agree(
      `
      .thumb
      movs  r4, #40
      movs  r5, #16
      mov   r7, r0
      add   r6, r0, #64
      str   r0, [r6]
    again:
      cmp   r4, #1
      it    eq
      streq r5, [r6]
      cmp   r4, #1
      it    ne
      movne r5, r0
      it    eq
      moveq r5, #16
      ldr   r1, [r7]
      ${change}
      ldr   r2, [r7, #4]
      add   r3, r2
      subs  r4, #1
      bne   again
      svc   #0`,
      ({ cpu }) => {
        cpu.r[0] = END - 128;
      },
    );
  });

  test('what may be read may not be written', () => {
    // Writes \`movs r3, #2\` over \`movs r3, #1\`, behind a load from there.
    agree(`
      .thumb
      movw  r5, #0x2302
      movs  r4, #60
      adr   r6, target
    again:
      cmp   r4, #10
      ite   eq
      moveq r7, r6
      movne r7, r0
      ldr   r1, [r7, #4]
      strh  r5, [r7]
      .align 2
    target:
      movs  r3, #1
      add   r2, r2, r3
      subs  r4, #1
      bne   again
      svc   #0`);
  });

  test('alignment is not theirs', () => {
    const m = agree(`
      .thumb
      movs  r4, #40
      mov   r7, r0
    again:
      cmp   r4, #1
      it    eq
      addeq r7, #2
      ldr   r1, [r7]
      vldr  s0, [r7, #4]
      subs  r4, #1
      bne   again
      svc   #0`);
    expect(m.events).toHaveLength(1);
    expect(m.events[0]).toContain('align');
  });
});
