/** IT blocks that lie on two pages, of which a region has only the first: its code ends before the IT. */
import { afterEach, expect, test } from 'vitest';
import { PAGE_SIZE } from '../../emu/memory/layout.ts';
import { BytesSource } from '../memory/sources.ts';
import { assemble } from '../unicorn/assemble.ts';
import {
  CODE,
  closeMachines,
  type Factory,
  jit,
  machine,
  mapAt,
  outcome,
  reference,
  threaded,
} from './machine.ts';

afterEach(closeMachines);

/** A loop with such a block at the end of a page; what is under the condition is run every other time. */
const loop = (pageEnd: string, nextPage: string) => `
  .thumb
  movw r5, #5000
  b loop
  .org ${PAGE_SIZE - 12}
loop:
  adds r1, r1, #1
  nop
  tst.w r1, #1
  ${pageEnd}
  ${nextPage}
  subs r5, r5, #1
  bne loop
  svc #0`;

/** Runs it with its two pages from two files, as if what is behind the first page had changed. */
function run(factory: Factory, source: string) {
  const code = assemble(source);
  const m = machine(factory, new BytesSource(code.slice(0, PAGE_SIZE), 'first'), true);
  mapAt(m.space, CODE + PAGE_SIZE, PAGE_SIZE, 5, new BytesSource(code.slice(PAGE_SIZE), 'second'));
  m.backend.run(m.cpu);
  return m;
}

test.each([
  ['between two instructions', 'nop\n it ne', 'addne r2, r2, #1'],
  ['in the midst of its only instruction', 'it ne', 'addne.w r2, r2, #1'],
  ['behind the first of two', 'ite ne\n addne r2, r2, #1', 'addeq r3, r3, #1'],
])('%s', (_, pageEnd, nextPage) => {
  const source = loop(pageEnd, nextPage);
  const expected = outcome(run(reference, source));
  expect(expected.registers.slice(1, 6)).toEqual(['1388', '9c4', expect.any(String), '0', '0']);
  for (const factory of [jit, threaded()]) {
    const m = run(factory, source);
    expect(outcome(m)).toEqual(expected);
    expect(m.backend.stats().regions).toBeGreaterThan(0);
  }
});
