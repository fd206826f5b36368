/**
 * What the interpreter's generator takes for operands (emu/tier0/form.ts) is of no account to ops: an op asks the machine for the
 * same whatever they are. Handlers are written with made-up operands, so an op that looks at one (a shift by 0, say) would have a
 * handler that is wrong for some.
 */
import { expect, test } from 'vitest';
import { fieldsOf } from '../../emu/decode/build.ts';
import { decodeA32, decodeThumb, ROWS } from '../../emu/decode/decoder.ts';
import type { Insn, Row } from '../../emu/decode/row.ts';
import { type Args, formKey, operandsOf } from '../../emu/tier0/form.ts';
import { Random } from '../fp/cases.ts';

const SAMPLES = 60;

/** Calls an op makes, with operands by name: a machine that only listens. */
function callsOf({ row, args, size, thumb }: Insn): string {
  const operands = operandsOf({ row, args, size, thumb } as Insn);
  const marked: Record<string, unknown> = { ...(args as Args) };
  // The real operands, made recognisable: nothing else has a fraction.
  operands.forEach((name, i) => {
    marked[name] = (marked[name] as number) + (i + 1) / 64;
  });
  /** A number by the operand that it comes from: itself, its negative, or a register some further on. */
  const shown = (x: unknown): string => {
    if (typeof x === 'function') return 'body';
    if (Array.isArray(x)) return `[${x.map(shown)}]`;
    if (typeof x !== 'number' || Number.isInteger(x)) return String(x);
    for (const [i, name] of operands.entries()) {
      const operand = marked[name] as number;
      if (-x === operand) return `-${name}`;
      if (x - Math.floor(x) === (i + 1) / 64) return `${name}+${x - operand}`;
    }
    return String(x);
  };
  const calls: string[] = [];
  let next = 0;
  const machine: object = new Proxy(
    { thumb },
    {
      get: (target, method) => {
        if (method === 'thumb') return target.thumb;
        return (...parameters: unknown[]) => {
          calls.push(`${String(method)}(${parameters.map(shown).join()})`);
          for (const body of parameters) if (typeof body === 'function') body(-1, 0);
          next++;
          return method === 'loadExclusive' ? [`v${next}`, `w${next}`] : `v${next}`;
        };
      },
    },
  );
  row.op(machine as never, marked);
  return calls.join('\n');
}

function sample(row: Row, random: Random): Insn {
  const bits = (random.u32() & ~(row.mask | row.shouldMask)) | row.value | row.shouldValue;
  if (row.isa === 'A32') return decodeA32(row.hasCond ? (bits & 0x0fff_ffff) | 0xe000_0000 : bits);
  return row.isa === 'T16' ? decodeThumb(bits & 0xffff, 0, 0) : decodeThumb(bits >>> 16, bits & 0xffff, 0);
}

test('an op does the same for all instructions of a form', () => {
  const random = new Random(1);
  const known = new Map<number, { calls: string; insn: Insn }>();
  const different: string[] = [];
  for (const row of ROWS)
    for (let i = 0; i < SAMPLES; i++) {
      const insn = sample(row, random);
      if (insn.row !== row) continue;
      const context = { thumb: insn.thumb, inIT: false, lastInIT: false };
      if (row.unpredictable?.(insn.args, fieldsOf(row, insn.bits), context)) continue;
      const calls = callsOf(insn);
      const key = formKey(insn);
      const before = known.get(key);
      if (before === undefined) known.set(key, { calls, insn });
      else if (before.calls !== calls)
        different.push(`${row.name}: ${JSON.stringify(before.insn.args)} ${JSON.stringify(insn.args)}`);
    }
  expect(different).toEqual([]);
  expect(known.size).toBeGreaterThan(2000);
});
