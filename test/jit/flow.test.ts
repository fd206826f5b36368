/**
 * Random control flow (flow.ts) under the interpreter and the JIT and under the evaluator, in one slice and in short ones: after
 * some of these a region is compiled again with what it calls inside it.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { JitBackend } from '../../emu/jit/backend.ts';
import { assemble } from '../unicorn/assemble.ts';
import { flowProgram } from './flow.ts';
import {
  closeMachines,
  type Factory,
  interp,
  jit,
  machine,
  outcome,
  reference,
  stencils,
  threaded,
} from './machine.ts';

/** `FLOW_SEEDS=1000-2000 npx vitest run test/jit/flow` for a longer hunt. */
const [first, last] = (process.env.FLOW_SEEDS ?? '0-39').split('-').map(Number) as [number, number];
const SLICES = [1 << 30, 1, 3, 40];
const TIERS: readonly [string, Factory][] = [
  ['interp', interp],
  ['stencils', stencils],
  ['stencils, then jit', (space, hooks) => new JitBackend(space, { hooks, hot: 16, stitched: 2 })],
  ['jit', jit],
  ['jit with a thread', threaded()],
];

/** Regions compiled so far. */
let compiled = 0;

afterEach(closeMachines);

function result(factory: Factory, code: Uint8Array, fuel?: number) {
  const m = machine(factory, code, true, fuel);
  m.backend.run(m.cpu);
  compiled += m.backend.stats().regions;
  return outcome(m);
}

describe('random control flow', () => {
  for (let seed = first; seed <= last; seed++)
    test(`program ${seed}`, () => {
      const code = assemble(flowProgram(seed));
      const expected = result(reference, code);
      for (const [name, factory] of TIERS)
        for (const fuel of SLICES)
          expect(result(factory, code, fuel), `${name} in slices of ${fuel}`).toEqual(expected);
    });

  test('most of them were compiled', () => {
    expect(compiled).toBeGreaterThan(SLICES.length * (last - first + 1));
  });
});
