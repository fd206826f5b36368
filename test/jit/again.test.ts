/** Regions are compiled again when that changes something, and not else: for V8 each time is as dear as the first. */
import { afterEach, expect, test } from 'vitest';
import { closeMachines, interp, jit, outcome, run } from './machine.ts';

afterEach(closeMachines);

test('a loop with two beginnings is not compiled again for the way out to a block that it has', () => {
  const source = `
    .arm
    mov   r0, #0
    mov   r6, #0
    movw  r5, #0xffff
  outer:
    tst   r5, #1
    bne   second
  first:
    add   r0, #1
    tst   r0, #12
    beq   body
    add   r0, #3
  body:
    add   r0, #2
    add   r6, #1
    tst   r6, #3
    beq   out
    tst   r6, #4
    beq   first
  second:
    add   r0, #5
    tst   r0, #3
    bne   body
    add   r0, #1
    tst   r0, #8
    beq   first
  out:
    subs  r5, #1
    bne   outer
    svc   #0`;
  const compiled = run(jit, source);
  expect(outcome(compiled)).toEqual(outcome(run(interp, source)));
  // The function, and others that begin where its structured control flow does not reach.
  const { regions } = compiled.backend.stats();
  expect(regions).toBeGreaterThan(0);
  expect(regions).toBeLessThanOrEqual(5);
});

/** A function with a load that is called so often. */
const loads = (times: number, offset: number) => `
    .arm
    movw  r5, #${times & 0xffff}
    movt  r5, #${times >>> 16}
  again:
    bl    load
    add   r6, r1
    subs  r5, #1
    bne   again
    svc   #0
  load:
    add   r2, r5
    ldr   r1, [r0, #${offset}]
    bx    lr`;

test('a function with an access that is never aligned is compiled again with a call for it, once', () => {
  const [aligned, few, many] = [loads(40_000, 4), loads(3000, 5), loads(40_000, 5)].map((source) => {
    const compiled = run(jit, source);
    expect(outcome(compiled)).toEqual(outcome(run(interp, source)));
    return compiled.backend.stats().regions;
  });
  expect(few).toBe(aligned);
  expect(many).toBe(aligned! + 1);
});
