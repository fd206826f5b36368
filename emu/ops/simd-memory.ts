/**
 * Element and structure loads and stores (ARM ARM A7.7: VLD1 to VLD4, VST1 to VST4).
 *
 * A structure of n elements goes to the same lane of n registers; whole registers are loaded as they lie in memory and put
 * apart by shuffling bytes.
 */

import type { Lanes, Machine } from '../machine/machine.ts';
import { READ, WRITE } from '../memory/layout.ts';

type Size = 1 | 2 | 4 | 8;

export interface SimdTransfer {
  /** Elements of a structure, 1..4. */
  readonly n: number;
  /** Bytes of an element. */
  readonly size: Size;
  /** First D register, and the distance of the registers of a structure. */
  readonly d: number;
  readonly stride: number;
  /** Whole registers: how many structures of registers; one lane: its index; to all lanes: registers for each element. */
  readonly count: number;
  /** Single elements in whole registers that are pairs: moved as Q registers. */
  readonly quads: boolean;
  readonly index: number;
  /** Alignment asked for, in bytes; 1 for none. */
  readonly align: number;
  /** Base; index register, 13 for post-increment by what is transferred, 15 for none. */
  readonly base: number;
  readonly m: number;
  readonly dt: string;
}

function writeBack<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer, address: V, bytes: number): void {
  if (a.m === 15) return;
  m.setReg(a.base, m.add(address, a.m === 13 ? m.const(bytes) : m.reg(a.m)));
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const PAIR = [...range(8), ...range(8).map((i) => 16 + i)];

/** Up to four values of 64 bits as two of 128. */
function pairs<V, W, S>(m: Machine<V, W, S>, w: readonly W[]): [W, W] {
  const first = m.letW(m.shuffle(PAIR, w[0]!, w[1]!));
  return w.length < 3 ? [first, first] : [first, m.letW(m.shuffle(PAIR, w[2]!, w[3] ?? w[2]!))];
}

/** Element e of structure part j lies at byte (e * n + j) * size of what is in memory. */
function inMemory(n: number, size: number, j: number): number[] {
  return range(8).map((i) => (Math.floor(i / size) * n + j) * size + (i % size));
}

/** Where byte `at` of what goes to memory comes from, in registers of 8 bytes. */
function inRegisters(n: number, size: number, at: number): number {
  const element = Math.floor(at / size);
  return (element % n) * 8 + Math.floor(element / n) * size + (at % size);
}

export function loadStructures<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer): void {
  const address = m.let(m.reg(a.base));
  const words = a.n * a.count;
  m.access(address, 8 * words, READ, a.align);
  if (a.quads) {
    const loaded = range(words / 2).map((i) => m.letW(m.loadLanes(address, 16 * i, a.size, true)));
    for (let i = 0; i < words / 2; i++) m.setQuad(a.d + 2 * i, loaded[i]!);
    writeBack(m, a, address, 8 * words);
    return;
  }
  const loaded = range(words).map((i) => m.letW(m.loadLanes(address, 8 * i, a.size, false)));
  if (a.n === 1) for (let i = 0; i < a.count; i++) m.setD(a.d + i, loaded[i]!);
  else
    for (let r = 0; r < a.count; r++) {
      const [x, y] = pairs(m, loaded.slice(a.n * r, a.n * (r + 1)));
      const parts = range(a.n).map((j) => m.letW(m.shuffle(inMemory(a.n, a.size, j), x, y)));
      for (let j = 0; j < a.n; j++) m.setD(a.d + r + j * a.stride, parts[j]!);
    }
  writeBack(m, a, address, 8 * words);
}

export function storeStructures<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer): void {
  const address = m.let(m.reg(a.base));
  const words = a.n * a.count;
  m.access(address, 8 * words, WRITE, a.align);
  if (a.quads)
    for (let i = 0; i < words / 2; i++) m.storeLanes(address, 16 * i, a.size, true, m.getQuad(a.d + 2 * i));
  else if (a.n === 1)
    for (let i = 0; i < a.count; i++) m.storeLanes(address, 8 * i, a.size, false, m.getD(a.d + i));
  else
    for (let r = 0; r < a.count; r++) {
      const [x, y] = pairs(
        m,
        range(a.n).map((j) => m.letW(m.getD(a.d + r + j * a.stride))),
      );
      for (let i = 0; i < a.n; i++) {
        const pattern = range(8).map((byte) => inRegisters(a.n, a.size, 8 * i + byte));
        m.storeLanes(address, 8 * (a.n * r + i), a.size, false, m.shuffle(pattern, x, y));
      }
    }
  writeBack(m, a, address, 8 * words);
}

function lanesOf(size: Size): Lanes {
  return 31 - Math.clz32(size);
}

function loadElement<V, W, S>(m: Machine<V, W, S>, address: V, i: number, size: Size): V {
  return m.let(m.load(i === 0 ? address : m.add(address, m.const(i * size)), size as 1 | 2 | 4));
}

export function loadLane<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer): void {
  const address = m.let(m.reg(a.base));
  m.access(address, a.n * a.size, READ, a.align);
  const elements = range(a.n).map((i) => loadElement(m, address, i, a.size));
  for (let i = 0; i < a.n; i++) {
    const d = a.d + i * a.stride;
    m.setD(d, m.setLane(lanesOf(a.size), m.getD(d), a.index, elements[i]!));
  }
  writeBack(m, a, address, a.n * a.size);
}

export function storeLane<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer): void {
  const address = m.let(m.reg(a.base));
  m.access(address, a.n * a.size, WRITE, a.align);
  for (let i = 0; i < a.n; i++) {
    const at = i === 0 ? address : m.add(address, m.const(i * a.size));
    m.store(at, a.size as 1 | 2 | 4, m.getLane(lanesOf(a.size), m.getD(a.d + i * a.stride), a.index));
  }
  writeBack(m, a, address, a.n * a.size);
}

export function loadToAllLanes<V, W, S>(m: Machine<V, W, S>, a: SimdTransfer): void {
  const address = m.let(m.reg(a.base));
  m.access(address, a.n * a.size, READ, a.align);
  const elements = range(a.n).map((i) =>
    m.letW(m.splat(lanesOf(a.size), loadElement(m, address, i, a.size))),
  );
  for (let i = 0; i < a.n; i++)
    for (let r = 0; r < a.count; r++) m.setD(a.d + i * a.stride + r, elements[i]!);
  writeBack(m, a, address, a.n * a.size);
}
