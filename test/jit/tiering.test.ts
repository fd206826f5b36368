/** Which arrivals the interpreter tells of; and that what the other thread translates comes with V8's best code. */
import { setFlagsFromString } from 'node:v8';
import { afterEach, expect, test } from 'vitest';
import { Tiering } from '../../emu/jit/tiering.ts';
import { functionsOf, optimizedModule } from '../../src/optimized-code.ts';
import { closeMachines, interp, outcome, run, threaded, threadHere } from './machine.ts';

afterEach(closeMachines);

const RUN = { hasRun: () => true, arrivals: 1e9 };

test.each([
  ['as usual', {}],
  ['with other counts', { hot: 64, stitched: 16 }],
])('what is told of adds up to all arrivals: %s', (_, options) => {
  const tiering = new Tiering(RUN, options);
  let told = 0;
  let times = 0;
  for (let arrivals = 1; arrivals <= 1 << 17; arrivals++) {
    // As the interpreter counts: in 16 bits, the highest of which stays.
    const count = arrivals < 0x8000 ? arrivals : 0x8000 | (arrivals & 0x7fff);
    if (!tiering.isTold(count)) continue;
    times++;
    told += tiering.since(count);
    expect(told).toBe(arrivals);
  }
  expect(told).toBe(1 << 17);
  // Few times of what is arrived at often: to tell of it costs a call of TypeScript.
  if (!('hot' in options)) expect(times).toBeLessThan(64);
});

test('the thread gives modules that V8 has optimized', () => {
  setFlagsFromString('--allow-natives-syntax');
  const isOptimized = new Function('f', 'return %IsTurboFanFunction(f)') as (f: unknown) => boolean;
  const modules: Uint8Array<ArrayBuffer>[] = [];
  const held: WebAssembly.Module[] = [];
  const thread = () =>
    threadHere(undefined, (wasm) => {
      modules.push(wasm);
      held.push(optimizedModule(wasm));
      return held.at(-1)!;
    });
  const source = `
    .arm
    movw  r5, #60000
  again:
    add   r6, r5
    str   r6, [r0]
    bl    f
    subs  r5, #1
    bne   again
    svc   #0
  f:
    eor   r6, r6, r5, lsl #3
    bx    lr`;
  expect(outcome(run(threaded(thread), source))).toEqual(outcome(run(interp, source)));
  const functions = modules.flatMap((wasm) => functionsOf(wasm).functions);
  expect(functions.length).toBeGreaterThan(0);
  expect(functions.map(isOptimized)).toEqual(functions.map(() => true));
});
