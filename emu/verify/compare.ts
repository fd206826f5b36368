/**
 * Two results of running the same code from the same state, and in what they differ.
 */
import { type CpuState, OFF } from '../cpu-state.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { PAGE_SIZE } from '../memory/layout.ts';
import type { Images } from './page-log.ts';

/** A register or a word of memory that differs; values as hexadecimal text. */
export interface Difference {
  what: string;
  first: string;
  second: string;
}

export function hex(x: number): string {
  return (x >>> 0).toString(16).padStart(8, '0');
}

/** Registers a program can see. The exclusive monitor is left out: clearing it at any time is allowed (ARM ARM A3.4). */
function* registers(a: CpuState, b: CpuState): Generator<[string, number, number]> {
  for (let n = 0; n < 15; n++) yield [`r${n}`, a.ru[n]!, b.ru[n]!];
  yield ['pc', a.location, b.location];
  yield ['cpsr', a.cpsr, b.cpsr];
  yield ['fpscr', a.fpscr, b.fpscr];
  yield ['tpidruro', a.tls, b.tls];
  yield ['tpidrurw', a.u32[OFF.tpidrurw >> 2]!, b.u32[OFF.tpidrurw >> 2]!];
}

export function registerDifferences(a: CpuState, b: CpuState): Difference[] {
  const differences: Difference[] = [];
  for (const [what, x, y] of registers(a, b)) {
    if (x !== y) differences.push({ what, first: hex(x), second: hex(y) });
  }
  for (let n = 0; n < 32; n++) {
    const [x, y] = [a.d[n]!, b.d[n]!];
    const text = (d: bigint) => d.toString(16).padStart(16, '0');
    if (x !== y) differences.push({ what: `d${n}`, first: text(x), second: text(y) });
  }
  return differences;
}

/** NZCV and GE. */
const FLAGS = 0xf00f_0000;

/**
 * Whether two threads are at the same place of the same run: all registers agree, but for flags. Where compiled code is stopped without an event, flags that are
 * written before they are read are not kept. Called often.
 */
export function samePlace(a: CpuState, b: CpuState): boolean {
  const [r, s] = [a.ru, b.ru];
  for (let n = 0; n < 16; n++) if (r[n] !== s[n]) return false;
  if ((a.cpsr ^ b.cpsr) & ~FLAGS || a.fpscr !== b.fpscr || a.tls !== b.tls) return false;
  if (a.u32[OFF.tpidrurw >> 2] !== b.u32[OFF.tpidrurw >> 2]) return false;
  for (let n = 0; n < 32; n++) if (a.d[n] !== b.d[n]) return false;
  return true;
}

/** Whether the memory is what the first run left; see memoryDifferences. */
export function sameMemory(space: AddressSpace, first: Images, before: Images): boolean {
  for (const [page, was] of before) {
    const now = space.u8.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    if (Buffer.compare(first.get(page) ?? was, now) !== 0) return false;
  }
  return true;
}

/** The most words of memory that are told. */
const MOST = 16;

/**
 * The memory after the second run against what the first left in the pages it wrote. Pages only the second wrote are compared with what they held before, which is in
 * `before` too.
 */
export function memoryDifferences(space: AddressSpace, first: Images, before: Images): Difference[] {
  const differences: Difference[] = [];
  for (const [page, was] of before) {
    const expected = first.get(page) ?? was;
    const start = page * PAGE_SIZE;
    const now = space.u8.subarray(start, start + PAGE_SIZE);
    if (Buffer.compare(expected, now) === 0) continue;
    const a = new DataView(expected.buffer, expected.byteOffset, PAGE_SIZE);
    for (let at = 0; at < PAGE_SIZE && differences.length < MOST; at += 4) {
      const [x, y] = [a.getUint32(at, true), space.view.getUint32(start + at, true)];
      if (x !== y) differences.push({ what: `[${hex(start + at)}]`, first: hex(x), second: hex(y) });
    }
  }
  return differences;
}
