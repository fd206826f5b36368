/**
 * Translation on another thread: code that changes meanwhile is never run as it was, and a thread that is no more costs only
 * time.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { TranslationStore } from '../../emu/jit/store.ts';
import { LOCAL_INSTRUCTIONS } from '../../emu/jit/tiering.ts';
import { TranslationThread } from '../../emu/jit/translation-thread.ts';
import { WRITE } from '../../emu/memory/layout.ts';
import { openTranslator } from '../../src/translator.ts';
import { assemble } from '../unicorn/assemble.ts';
import {
  CODE,
  closeMachines,
  fileWith,
  jitWith,
  type Machine,
  machine,
  outcome,
  reference,
  run,
  threaded,
  threadHere,
} from './machine.ts';

afterEach(closeMachines);

const LOOP = `
  .arm
  ldr r5, =20000
loop:
  add r1, r1, #1
  eor r2, r2, r1, lsl #3
  subs r5, r5, #1
  bne loop
  svc #0`;

test('what a thread has translated is run', () => {
  const m = run(threaded(), LOOP);
  expect(m.backend.stats().regions).toBeGreaterThan(0);
  expect(outcome(m)).toEqual(outcome(run(reference, LOOP)));
});

/** Where `add r1, r1, #1` stands, and what it becomes. */
const PATCHED = CODE + 4;
const ADD_TWO = 0xe281_1002;

function patch({ space }: Machine): void {
  space.check(PATCHED, 4, WRITE);
  space.view.setUint32(PATCHED, ADD_TWO, true);
}

test('a translation of code that has changed meanwhile is thrown away', () => {
  let m: Machine | undefined;
  let answers = 0;
  const factory = threaded(() =>
    threadHere(() => {
      // The answer is made; the code changes before it arrives. The first time only.
      if (answers++ === 0) patch(m!);
    }),
  );
  m = machine(factory, assemble(LOOP), false);
  m.backend.run(m.cpu);
  expect(answers).toBeGreaterThan(0);
  // Each iteration after the change adds two: odd ones before it are none, for it came at a count of arrivals.
  const before = 2 * 20000 - m.cpu.r[1]!;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(1000);
});

/** Over when it has asked for its loop, before it looks for an answer. */
const SHORT = LOOP.replace('20000', '180');
const BY_TWO = SHORT.replace('r1, #1', 'r1, #2');

/** Processes of one run that end before they are answered; how often they have asked, and what this thread has translated. */
function shortProcesses(): { start(source: string): Machine; asked(): number; translated(): number } {
  const thread = threadHere();
  const store = new TranslationStore(null, undefined, thread);
  store.translatedHere = LOCAL_INSTRUCTIONS;
  const request = vi.spyOn(thread, 'request');
  return {
    start(source) {
      const m = machine(jitWith(store), fileWith(source, source), false);
      m.backend.run(m.cpu);
      closeMachines();
      return m;
    },
    asked: () => request.mock.calls.length,
    translated: () => store.translatedHere - LOCAL_INSTRUCTIONS,
  };
}

test('a process that ends while it waits for an answer about code of its own is in nobody’s way', () => {
  const thread = threadHere();
  const m = machine(
    threaded(() => thread),
    assemble(SHORT),
    false,
  );
  m.backend.run(m.cpu);
  m.backend.close();
  expect(thread.poll()).toBe(true);
  expect(m.backend.stats().regions).toBe(0);
});

test('what was translated for a process that has ended is used by the next one with the same code', () => {
  const { start, asked, translated } = shortProcesses();
  start(SHORT);
  expect(asked()).toBe(1);
  const next = start(SHORT);
  expect(next.backend.stats().regions).toBe(1);
  expect([asked(), translated()]).toEqual([1, 0]);
  expect(next.cpu.r[2]).toBe(run(reference, SHORT).cpu.r[2]);
});

test('what the thread has read of a memory that was another process’s by then is not used', () => {
  const { start, asked } = shortProcesses();
  start(SHORT);
  // The first one's question is answered now, and where its code was there is this one's.
  expect(start(BY_TWO).cpu.r[1]).toBe(2 * 180);
  expect(start(SHORT).cpu.r[1]).toBe(180);
  // Each has asked, the third as the first one's answer is none.
  expect(asked()).toBe(3);
});

test('a thread that fails leaves the work to this one', () => {
  const failing = new TranslationThread(() => ({
    send: () => {},
    receive: () => undefined,
    failed: true,
    close: () => {},
  }));
  const m = run((space, hooks) => {
    const store = new TranslationStore(null, undefined, failing);
    store.translatedHere = LOCAL_INSTRUCTIONS;
    return new JitBackend(space, { hooks, hot: 64 }, store);
  }, LOOP);
  expect(outcome(m)).toEqual(outcome(run(reference, LOOP)));
});

test('a worker translates', async () => {
  const channel = openTranslator('cortex-a7', { count: false, exactFuel: false });
  const thread = new TranslationThread(() => channel);
  const m = run((space, hooks) => {
    const store = new TranslationStore(null, undefined, thread);
    store.translatedHere = LOCAL_INSTRUCTIONS;
    return new JitBackend(space, { hooks, hot: 64 }, store);
  }, LOOP);
  while (!thread.poll()) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(m.backend.stats().regions).toBeGreaterThan(0);
  m.cpu.location = CODE;
  m.cpu.r.fill(0, 1, 13);
  m.backend.run(m.cpu);
  thread.close();
  const expected = run(reference, LOOP);
  expect(m.cpu.r[1]).toBe(expected.cpu.r[1]);
  expect(m.cpu.r[2]).toBe(expected.cpu.r[2]);
});
