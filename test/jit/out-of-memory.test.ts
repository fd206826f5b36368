/** Without memory of the host's for compiled code a run goes on in the interpreter: V8's RangeError is not its failure. */
import { afterEach, expect, test, vi } from 'vitest';
import { TranslationStore } from '../../emu/jit/store.ts';
import { BytesSource } from '../memory/sources.ts';
import { assemble } from '../unicorn/assemble.ts';
import { closeMachines, jitWith, machine } from './machine.ts';

afterEach(() => {
  vi.restoreAllMocks();
  closeMachines();
});

/** Adds #1 to r1 ten thousand times, in a function: hot code. */
const bytes = new Uint8Array(0x1000);
bytes.set(
  assemble(`
  .thumb
  movw  r4, #10000
  movs  r1, #0
again:
  bl    more
  subs  r4, #1
  bne   again
  svc   #0
more:
  adds  r1, #1
  bx    lr`),
);

function begin() {
  const store = new TranslationStore();
  const m = machine(jitWith(store), new BytesSource(bytes, 'a'), true);
  return { m, store };
}
/** Also called with `new`. */
function outOfMemory(): never {
  throw new RangeError('WebAssembly: Out of memory');
}

test('compiled code is used where there is memory for it', () => {
  const { m, store } = begin();
  m.backend.run(m.cpu);
  expect(m.cpu.r[1]).toBe(10_000);
  expect(m.backend.stats().modules).toBeGreaterThan(0);
  expect(store.outOfMemory).toBe(false);
});

test.each(['Module', 'Instance'] as const)('none for a WebAssembly.%s', (what) => {
  const { m, store } = begin();
  const made = vi.spyOn(WebAssembly, what).mockImplementation(outOfMemory);
  m.backend.run(m.cpu);
  expect(m.cpu.r[1]).toBe(10_000);
  expect(m.events).toEqual([]);
  expect(store.outOfMemory).toBe(true);
  // It is not asked for again.
  expect(made).toHaveBeenCalledTimes(1);
});

test('none for more functions in the table', () => {
  const { m, store } = begin();
  vi.spyOn(WebAssembly.Table.prototype, 'grow').mockImplementation(outOfMemory);
  // More slots than the table has, as other processes give them.
  for (let location = 0x20_0000; location < 0x20_1000; location += 2) store.slotOf(location);
  m.backend.run(m.cpu);
  expect(m.cpu.r[1]).toBe(10_000);
  expect(store.outOfMemory).toBe(true);
});

test('another failure of the translator is told', () => {
  const { m } = begin();
  vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuse() {
    throw new WebAssembly.CompileError('no module');
  });
  expect(() => m.backend.run(m.cpu)).toThrow('no module');
});
