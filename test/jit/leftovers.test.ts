/** What a process leaves in its memory serves the next one where it has the same pages of the same file, and nowhere else. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { TranslationStore } from '../../emu/jit/store.ts';
import type { PageSource } from '../../emu/memory/address-space.ts';
import { EXEC, READ, WRITE } from '../../emu/memory/layout.ts';
import { handlerSet } from '../../emu/tier0/handler-set.ts';
import { BytesSource } from '../memory/sources.ts';
import { assemble } from '../unicorn/assemble.ts';
import {
  CODE,
  closeMachines,
  type Factory,
  fileWith,
  handlerAt,
  jitWith,
  type Machine,
  machine,
} from './machine.ts';

afterEach(closeMachines);

/** Adds #1 to r1 a thousand times, in a function. */
const counting = `
  .thumb
  movw  r4, #1000
  movs  r1, #0
again:
  bl    more
  subs  r4, #1
  bne   again
  svc   #0
more:
  adds  r1, #1
  bx    lr`;
const byTwo = counting.replace('adds  r1, #1', 'adds  r1, #2');

const PAGE = 0x1000;

const interpWith =
  (store: TranslationStore): Factory =>
  (space, hooks) =>
    new JitBackend(space, { hooks, interpret: true }, store);

/** The memory of the process that was before. */
let before: WebAssembly.Memory | undefined;
beforeEach(() => {
  before = undefined;
});

/** A process, in the memory of the one before it, runs a file; `prepare` comes before it begins. */
function begin(factory: Factory, file: PageSource, prepare: (m: Machine) => void = () => {}): Machine {
  const m = machine(factory, file, true);
  if (before !== undefined) expect(m.space.memory).toBe(before);
  before = m.space.memory;
  prepare(m);
  m.backend.run(m.cpu);
  expect(m.events).toEqual([]);
  return m;
}
/** A whole process; gives r1 at its end. */
function process(factory: Factory, file: PageSource, prepare?: (m: Machine) => void): number {
  const m = begin(factory, file, prepare);
  closeMachines();
  return m.cpu.r[1]!;
}

/** Changes the code of a process, in its own copy of the page. */
function patch({ space }: Machine): void {
  space.protect(CODE, CODE + PAGE, READ | WRITE | EXEC);
  space.check(CODE, PAGE, WRITE);
  const at = space.bytes(CODE, PAGE).findIndex((byte, i, all) => byte === 1 && all[i + 1] === 0x31);
  space.u8[CODE + at] = 9;
  space.protect(CODE, CODE + PAGE, READ | EXEC);
}

test('what processes arrive at together becomes hot, though none of them does so often', () => {
  const store = new TranslationStore();
  const short = counting.replace('1000', '30');
  const file = fileWith(short, 'short');
  let regions = 0;
  for (let i = 0; i < 10; i++) {
    const m = begin(jitWith(store), file);
    regions += m.backend.stats().regions;
    expect(m.cpu.r[1]).toBe(30);
    closeMachines();
  }
  expect(regions).toBeGreaterThan(0);
});

test('places wait for others to be put together from stencils with, in the next process if it is over', () => {
  const factory = interpWith(new TranslationStore());
  const file = fileWith(counting.replace('1000', '700'), 'longer');
  const { handlers } = handlerSet().stencils();
  const isStitched = Array.from({ length: 20 }, () => {
    const m = begin(factory, file);
    const handler = handlerAt(m.space, CODE + 6 + 1);
    closeMachines();
    return handler >= handlers;
  });
  expect(isStitched).toContain(true);
  expect(isStitched[0]).toBe(false);
});

/** Calls a function at each of so many turns, a thousand in all. */
const calling = (by: number, every: number) => `
  .thumb
  b     begin
more:
  adds  r1, #${by}
  bx    lr
begin:
  movw  r4, #1000
  movs  r1, #0
  movs  r2, #0
again:
  adds  r2, #1
  cmp   r2, #${every}
  bne   skip
  movs  r2, #0
  bl    more
skip:
  subs  r4, #1
  bne   again
  svc   #0`;
/** Where that function is. */
const MORE = CODE + 3;

/** A function on a second page, which is called r6 times from there and at each 64th of r5 turns from the first. */
const onTwoPages = (by: number) =>
  assemble(`
    .thumb
    movs  r1, #0
    mov   r4, r6
    cbz   r6, again
    bl    often
  again:
    tst   r5, #63
    bne   skip
    bl    more
  skip:
    subs  r5, #1
    bne   again
    svc   #0
    .org  ${PAGE}
  often:
    mov   r7, lr
  each:
    bl    more
    subs  r4, #1
    bne   each
    bx    r7
  more:
    adds  r1, #${by}
    bx    lr`);

describe.each([
  ['compiled code', jitWith],
  ['the interpreter', interpWith],
])('%s', (_name, withStore) => {
  test('the same file', () => {
    const factory = withStore(new TranslationStore());
    // So often that it is compiled, and that no stencils are put together for all of them.
    const file = fileWith(counting.replace('1000', '300'), 'the same');
    expect(process(factory, file)).toBe(300);
    const instances = vi.spyOn(WebAssembly, 'Instance');
    for (let i = 0; i < 3; i++) expect(process(factory, file)).toBe(300);
    expect(instances).not.toHaveBeenCalled();
    instances.mockRestore();
  });

  test('a file that has changed, and another one', () => {
    const factory = withStore(new TranslationStore());
    expect(process(factory, fileWith(counting, 'a'))).toBe(1000);
    expect(process(factory, fileWith(byTwo, 'a, later'))).toBe(2000);
    expect(process(factory, fileWith(counting, 'a'))).toBe(1000);
  });

  test('a process that changes its code before it runs', () => {
    const factory = withStore(new TranslationStore());
    const file = fileWith(counting, 'a');
    expect(process(factory, file)).toBe(1000);
    expect(process(factory, file, patch)).toBe(9000);
    expect(process(factory, file)).toBe(1000);
  });

  test('a process that changes its code when it has run', () => {
    const factory = withStore(new TranslationStore());
    const file = fileWith(counting, 'a');
    const m = begin(factory, file);
    patch(m);
    m.cpu.location = CODE | 1;
    m.backend.run(m.cpu);
    expect(m.cpu.r[1]).toBe(9000);
    closeMachines();
    expect(process(factory, file)).toBe(1000);
  });

  test('code of no file', () => {
    const factory = withStore(new TranslationStore());
    expect(process(factory, new BytesSource(fileWith(counting, '').bytes))).toBe(1000);
    expect(process(factory, new BytesSource(fileWith(byTwo, '').bytes))).toBe(2000);
  });

  test('another run, with other numbers', () => {
    const file = fileWith(counting, 'a');
    expect(process(withStore(new TranslationStore()), file)).toBe(1000);
    const later = new TranslationStore();
    for (let i = 1; i < 100; i++) later.slotOf(CODE + 2 * i);
    expect(process(withStore(later), file)).toBe(1000);
    expect(process(withStore(later), fileWith(byTwo, 'b'))).toBe(2000);
  });

  test('an instruction that goes on in the next page', () => {
    const factory = withStore(new TranslationStore());
    const straddling = (value: number) => assemble(`.thumb\n movw r1, #${value}\n svc #0`);
    const first = new Uint8Array(PAGE);
    first.set(straddling(1).subarray(0, 2), PAGE - 2);
    const file = new BytesSource(first, 'first');
    const value = (n: number) =>
      process(factory, file, ({ space, cpu }) => {
        const second = new Uint8Array(PAGE);
        second.set(straddling(n).subarray(2));
        const source = new BytesSource(second, `second ${n}`);
        space.map({ ...space.find(CODE)!, start: CODE + PAGE, end: CODE + 2 * PAGE, source });
        cpu.location = (CODE + PAGE - 2) | 1;
      });
    expect(value(1)).toBe(1);
    expect(value(2)).toBe(2);
  });

  test('two runs in turns', () => {
    const first = withStore(new TranslationStore());
    const second = withStore(new TranslationStore());
    for (let i = 0; i < 2; i++) {
      expect(process(first, fileWith(counting, 'a'))).toBe(1000);
      expect(process(second, fileWith(byTwo, 'b'))).toBe(2000);
    }
  });

  test('a loop over two pages, of which one is not what it was', () => {
    const factory = withStore(new TranslationStore());
    const loop = (by: number) =>
      assemble(`
        .thumb
        movw  r4, #1000
        movs  r1, #0
      again:
        b.w   far
      back:
        subs  r4, #1
        bne   again
        svc   #0
        .org  ${PAGE}
      far:
        adds  r1, #${by}
        b.w   back`);
    const bytes = new Uint8Array(2 * PAGE);
    bytes.set(loop(1));
    const file = new BytesSource(bytes, 'two pages');
    const both = (change: (m: Machine) => void) => (m: Machine) => {
      m.space.map({ ...m.space.find(CODE)!, end: CODE + 2 * PAGE });
      change(m);
    };
    expect(
      process(
        factory,
        file,
        both(() => {}),
      ),
    ).toBe(1000);
    const other = new BytesSource(loop(3).slice(PAGE), 'another');
    const changed = both(({ space }) => {
      space.map({ ...space.find(CODE)!, start: CODE + PAGE, end: CODE + 2 * PAGE, offset: 0, source: other });
    });
    expect(process(factory, file, changed)).toBe(3000);
    expect(
      process(
        factory,
        file,
        both(() => {}),
      ),
    ).toBe(1000);
  });

  test('a function that is compiled in one file, and called by what is compiled in another', () => {
    const factory = withStore(new TranslationStore());
    const [often, seldom] = [fileWith(calling(1, 1), 'often'), fileWith(calling(2, 20), 'seldom')];
    for (let i = 0; i < 3; i++) {
      expect(process(factory, often)).toBe(1000);
      expect(process(factory, seldom)).toBe(100);
    }
  });

  test('a function of no file, and one of another run, that is called by what is compiled', () => {
    const seldom = fileWith(calling(2, 20), 'seldom');
    const store = new TranslationStore();
    expect(process(withStore(store), new BytesSource(fileWith(calling(1, 1), '').bytes))).toBe(1000);
    expect(process(withStore(store), seldom)).toBe(100);
    for (const before of [[], [MORE], [0, MORE]]) {
      expect(process(withStore(new TranslationStore()), fileWith(calling(1, 1), 'often'))).toBe(1000);
      const later = new TranslationStore();
      for (const location of before) later.slotOf(location);
      expect(process(withStore(later), seldom)).toBe(100);
    }
  });

  test.each([
    ['both were', 2048],
    ['it alone was', 64],
  ])('a function on a page that is not what it was, when %s often run', (_who, turns) => {
    const factory = withStore(new TranslationStore());
    const bytes = new Uint8Array(2 * PAGE);
    bytes.set(onTwoPages(1));
    const file = new BytesSource(bytes, 'caller and function');
    const other = new BytesSource(onTwoPages(3).slice(PAGE), 'another function');
    const of = (fromFirst: number, fromSecond: number, isChanged: boolean) =>
      process(factory, file, ({ space, cpu }) => {
        const vma = space.find(CODE)!;
        space.map({ ...vma, end: CODE + 2 * PAGE });
        if (isChanged)
          space.map({ ...vma, start: CODE + PAGE, end: CODE + 2 * PAGE, offset: 0, source: other });
        cpu.r[5] = fromFirst;
        cpu.r[6] = fromSecond;
      });
    for (let i = 0; i < 2; i++) {
      expect(of(turns, 1000, false)).toBe(turns / 64 + 1000);
      expect(of(2048, 0, true)).toBe(3 * (2048 / 64));
    }
  });
});
