/**
 * Argument shapes of element and structure loads and stores (ARM ARM A7.7 and the alignment tables of A8.8.320 to A8.8.414).
 *
 * Field letters: n is the base, m the index register, d with D the first register, s the size, a the alignment, k the type that
 * says how many registers. What the manual calls UNPREDICTABLE (the PC as base, registers beyond d31) is UNDEFINED here.
 */
import type { SimdTransfer } from '../../ops/simd-memory.ts';
import type { Fields, Shape } from '../row.ts';
import { reg } from './text.ts';

const PC = 15;

interface Form {
  readonly size: 1 | 2 | 4 | 8;
  readonly stride: number;
  readonly count: number;
  readonly index: number;
  /** In bytes. */
  readonly align: number;
}

const bytes = (log2: number) => (1 << log2) as Form['size'];

/** By type: registers of a structure's element, and their distance. */
const TYPES: Record<number, Record<number, readonly [count: number, stride: number]>> = {
  1: { 7: [1, 1], 10: [2, 1], 6: [3, 1], 2: [4, 1] },
  2: { 8: [1, 1], 9: [1, 2], 3: [2, 2] },
  3: { 4: [1, 1], 5: [1, 2] },
  4: { 0: [1, 1], 1: [1, 2] },
};

function multipleForm(n: number, f: Fields): Form | null {
  const type = TYPES[n]![f.k!];
  if (type === undefined || (n > 1 && f.s === 3)) return null;
  const [count, stride] = type;
  const registers = n * count;
  if (f.a! > (registers === 4 ? 3 : registers === 2 ? 2 : 1)) return null;
  return { size: bytes(f.s!), stride, count, index: 0, align: f.a === 0 ? 1 : 4 << f.a! };
}

/** index_align (i): the index above, then whether registers are two apart, then the alignment. */
function laneForm(n: number, f: Fields): Form | null {
  const log2 = f.s!;
  if (log2 === 3) return null;
  const size = bytes(log2);
  const spaced = log2 > 0 && ((f.i! >> log2) & 1) === 1;
  const low = f.i! & (log2 === 2 ? 3 : 1);
  let align: number | null = low === 0 ? 1 : null;
  if (n === 1) {
    if (spaced) return null;
    if (low === (log2 === 2 ? 3 : 1) && log2 > 0) align = size;
  } else if (n === 2 && low === 1) align = 2 * size;
  else if (n === 4 && low > 0 && low < 3) align = log2 === 2 ? 4 << low : 4 * size;
  if (align === null) return null;
  return { size, stride: spaced ? 2 : 1, count: 1, index: f.i! >> (log2 + 1), align };
}

/** T is the second register of VLD1, the spacing of others. */
function allLanesForm(n: number, f: Fields): Form | null {
  const aligned = f.a === 1;
  if (f.s === 3) {
    return n === 4 && aligned ? { size: 4, stride: f.T! + 1, count: 1, index: 0, align: 16 } : null;
  }
  if ((n === 1 && f.s === 0 && aligned) || (n === 3 && aligned)) return null;
  const size = bytes(f.s!);
  const align = !aligned ? 1 : n === 4 && f.s === 2 ? 8 : n * size;
  return { size, stride: n === 1 ? 1 : f.T! + 1, count: n === 1 ? f.T! + 1 : 1, index: 0, align };
}

function shape(
  n: number,
  formOf: (n: number, f: Fields) => Form | null,
  suffix: (a: SimdTransfer) => string,
): Shape<SimdTransfer> {
  return {
    decode(f) {
      const form = formOf(n, f);
      const d = (f.D! << 4) | f.d!;
      if (form === null || f.n === PC) return null;
      const last = d + (n - 1) * form.stride + form.count - 1;
      if (last > 31) return null;
      const quads = n === 1 && formOf === multipleForm && ((d | form.count) & 1) === 0;
      return { ...form, n, d, quads, base: f.n!, m: f.m!, dt: `.${8 * form.size}` };
    },
    print(a) {
      const align = a.align > 1 ? ` :${8 * a.align}` : '';
      const index = a.m === PC ? '' : a.m === 13 ? '!' : `, ${reg(a.m)}`;
      return `${listOf(a, suffix(a))}, [${reg(a.base)}${align}]${index}`;
    },
  };
}

/** '{d0-d3}', '{d0,d2}', '{d0[1],d1[1]}'. */
function listOf(a: SimdTransfer, suffix: string): string {
  const registers: number[] = [];
  for (let j = 0; j < a.n; j++) for (let r = 0; r < a.count; r++) registers.push(a.d + j * a.stride + r);
  const sorted = registers.sort((x, y) => x - y);
  const inRow = sorted.every((x, i) => x === sorted[0]! + i);
  if (inRow && sorted.length > 1 && !/\d/.test(suffix))
    return `{d${sorted[0]}${suffix}-d${sorted.at(-1)}${suffix}}`;
  return `{${sorted.map((x) => `d${x}${suffix}`).join(',')}}`;
}

/** Whole registers of n-element structures. */
export const multiple = (n: number): Shape<SimdTransfer> => shape(n, multipleForm, () => '');
/** One lane of each register. */
export const oneLane = (n: number): Shape<SimdTransfer> => shape(n, laneForm, (a) => `[${a.index}]`);
/** All lanes. */
export const allLanes = (n: number): Shape<SimdTransfer> => shape(n, allLanesForm, () => '[]');
