/** emu/jit/exactness.ts against the general arithmetic of emu/evaluator/softfloat.ts. */
import { expect, test } from 'vitest';
import * as soft from '../../emu/evaluator/softfloat.ts';
import { TYPES } from '../../emu/jit/convention.ts';
import { exactness } from '../../emu/jit/exactness.ts';
import { encodeModule } from '../../emu/jit/wasm-module.ts';
import { DOUBLES, Random, randomDouble, randomSingle, SINGLES } from './cases.ts';

type Name = keyof typeof exactness;
const names = Object.keys(exactness) as Name[];

const wasmModule = encodeModule({
  types: TYPES,
  functionImports: [],
  table: false,
  functions: names.map((name) => exactness[name]),
  exports: names.map((name, i) => ({ name, function: i })),
});
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const instance = new WebAssembly.Instance(new WebAssembly.Module(wasmModule), { e: { m: memory } });
const wasm = instance.exports as Record<Name, (...numbers: number[]) => number>;

const view = new DataView(new ArrayBuffer(8));

function numberOf(f: soft.Format, bits: bigint): number {
  if (f === soft.DOUBLE) view.setBigUint64(0, bits);
  else view.setUint32(0, Number(bits));
  return f === soft.DOUBLE ? view.getFloat64(0) : view.getFloat32(0);
}

const OPERATIONS = { add: soft.add, mul: soft.mul, div: soft.div } as const;

function check(f: soft.Format, kind: 'add' | 'mul' | 'div' | 'sqrt', a: bigint, b: bigint): string | null {
  const size = f === soft.DOUBLE ? '64' : '32';
  soft.takeExceptions();
  const r = kind === 'sqrt' ? soft.sqrt(f, a, 0) : OPERATIONS[kind](f, a, b, 0);
  const exact = (soft.takeExceptions() & soft.IXC) === 0;
  const field = r & f.infinity;
  const isZero = (bits: bigint) => (bits & ~f.sign) === 0n;
  const ordinary = isZero(r)
    ? kind === 'add' || isZero(a) || (kind === 'mul' && isZero(b))
    : field !== 0n && field !== f.infinity;
  if (!ordinary) return null;
  const numbers = (kind === 'sqrt' ? [a, r] : [a, b, r]).map((bits) => numberOf(f, bits));
  const answer = wasm[`exact_${kind}${size}`](...numbers);
  counts[exact ? 1 : 0]!++;
  return answer === (exact ? 1 : 0) ? null : `${kind}${size} ${numbers}: ${answer}`;
}

const counts = [0, 0];

/** Checks edges against edges and random pairs; half of these made so that the result is exact. */
function failures(f: soft.Format): string[] {
  const random = new Random(7);
  const found: string[] = [];
  const all = f === soft.DOUBLE ? DOUBLES : SINGLES.map(BigInt);
  const edges = all.filter((bits) => bits <= f.infinity);
  const draw = () => (f === soft.DOUBLE ? randomDouble(random) : BigInt(randomSingle(random)));
  const note = (problem: string | null) => {
    if (problem !== null) found.push(problem);
  };
  for (const a of edges) {
    for (const b of edges) {
      for (const kind of ['add', 'mul', 'div', 'sqrt'] as const) {
        note(check(f, kind, a, b));
        note(check(f, kind, a | f.sign, b));
      }
    }
  }
  for (let i = 0; i < 60_000; i++) {
    const a = draw();
    const b = draw();
    if ((a & ~f.sign) > f.infinity || (b & ~f.sign) > f.infinity) continue;
    for (const kind of ['add', 'mul', 'div', 'sqrt'] as const) note(check(f, kind, a, b));
    // Factors of 53 significant bits together, or 54 (24 or 25): at the edge of exactness.
    const bits = f.fractionBits + 1;
    const keepA = 1 + random.below(bits - 1);
    const keepB = bits - keepA + random.below(2);
    const x = a & ~((1n << BigInt(bits - keepA)) - 1n);
    const y = b & ~((1n << BigInt(Math.max(0, bits - keepB))) - 1n);
    note(check(f, 'mul', x, y));
    const product = soft.mul(f, x, y, 0);
    if (product < f.infinity) {
      note(check(f, 'div', product, y));
      note(check(f, 'sqrt', soft.mul(f, x, x, 0) & ~f.sign, 0n));
    }
  }
  return found;
}

test('of doubles', () => {
  expect(failures(soft.DOUBLE)).toEqual([]);
});

test('of singles', () => {
  expect(failures(soft.SINGLE)).toEqual([]);
});

test('exact and inexact results were both many', () => {
  expect(counts[0]).toBeGreaterThan(100_000);
  expect(counts[1]).toBeGreaterThan(100_000);
});
