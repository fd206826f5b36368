/**
 * Two results of running the same code from the same state, and in what they differ.
 */
import { type CpuState, OFF } from '../cpu-state.ts';
import { decodeA32, decodeThumb } from '../decode/decoder.ts';
import type { Insn } from '../decode/row.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { EXEC, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout.ts';
import type { Images } from './page-log.ts';
import type { SyncEvent } from './replica.ts';

/** A register or a word of memory that differs; values as hexadecimal text. */
export interface Difference {
  what: string;
  first: string;
  second: string;
}

/** NZCV and GE. */
const FLAGS = 0xf00f_0000;

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

/** The instruction a thread is at, or null where it cannot be executed. */
export function insnAt(space: AddressSpace, cpu: CpuState): Insn | null {
  const pc = cpu.ru[15]!;
  const { view, pages } = space;
  if (!(pages.bytes[pc >>> PAGE_SHIFT]! & EXEC)) return null;
  if (!(cpu.location & 1)) return decodeA32(view.getUint32(pc, true));
  return decodeThumb(view.getUint16(pc, true), view.getUint16(pc + 2, true), cpu.i32[OFF.it >> 2]!);
}

const MULTI_WORD = /^(LDM|STM|LDRD|STRD|PUSH|POP|F?V?LDM|F?V?STM|VLDR|VSTR|VPUSH|VPOP)/i;

/**
 * In what two CPUs differ that have come to the same kind of event. At a fault NZCV and GE do not count (docs/ORACLE.md), nor
 * what a transfer of several words has done before: registers and memory it was to write are UNKNOWN (ARM ARM B1.9.8).
 */
export function endDifferences(
  space: AddressSpace,
  a: CpuState,
  b: CpuState,
  event: SyncEvent,
  first: Images,
  before: Images,
): Difference[] {
  const faulted = event.kind === 'fault';
  const differences = [...registerDifferences(a, b, !faulted), ...memoryDifferences(space, first, before)];
  if (differences.length === 0 || !faulted || a.location !== b.location) return differences;
  if (!MULTI_WORD.test(insnAt(space, a)?.row.mnemonic ?? '')) return differences;
  return differences.filter(({ what }) => {
    const at = what.startsWith('[') ? Number.parseInt(what.slice(1), 16) : event.address;
    return !/^[rd[]/.test(what) || Math.abs(at - event.address) > 128;
  });
}

/** `flags`: whether NZCV and GE count. */
export function registerDifferences(a: CpuState, b: CpuState, flags = true): Difference[] {
  const differences: Difference[] = [];
  for (const [what, x, y] of registers(a, b)) {
    if (!flags && what === 'cpsr' && ((x ^ y) & ~FLAGS) === 0) continue;
    if (x !== y) differences.push({ what, first: hex(x), second: hex(y) });
  }
  for (let n = 0; n < 32; n++) {
    const [x, y] = [a.d[n]!, b.d[n]!];
    const text = (d: bigint) => d.toString(16).padStart(16, '0');
    if (x !== y) differences.push({ what: `d${n}`, first: text(x), second: text(y) });
  }
  return differences;
}

/**
 * Whether two threads are at the same place of the same run: all registers agree, but for flags. Where compiled code is left
 * without a system call or trap, flags that are written before they are read are not kept (docs/ORACLE.md). Called often.
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
 * The memory after the second run against what the first left in the pages it wrote. Pages only the second wrote are compared
 * with what they had before, which is in `before` too.
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
