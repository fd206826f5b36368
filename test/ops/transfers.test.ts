/**
 * Transfers where Linux differs from the bare processor that qemu-user shows, so that the instruction fuzzer leaves them out:
 * unaligned LDM, STM, LDRD and STRD work (the kernel fixes them up), and one that faults has done nothing at all.
 */
import { describe, expect, test } from 'vitest';
import { decodeA32 } from '../../emu/decode/decoder.ts';
import { BACKENDS } from '../fuzz/backends.ts';
import * as bench from '../fuzz/layout.ts';
import { type BackendFactory, runCases } from '../fuzz/runner.ts';

const scratch = Uint32Array.from({ length: bench.SCRATCH_SIZE / 4 }, (_, i) => 0x03020100 + 0x04040404 * i);
const END = bench.SCRATCH + bench.SCRATCH_SIZE;
/** The word at a byte offset of the scratch memory. */
const at = (offset: number): number => new DataView(scratch.buffer).getUint32(offset, true);

/** Runs one A32 instruction with r1 as given, r2..r7 as 0x22222222 and so on. */
function run(factory: BackendFactory, bits: number, r1: number): bench.Result {
  const address = bench.CODE_BASE + bench.CODE_WINDOW;
  const state = new Uint32Array(bench.STATE_WORDS);
  for (let n = 0; n < 8; n++) state[n] = 0x11111111 * n;
  state[1] = r1;
  state[bench.PC] = address;
  state[bench.CPSR] = 0x10;
  const insn = { ...decodeA32(bits), pc: address };
  const code = Uint32Array.from([bits, bench.BKPT_A32]);
  return runCases(factory, scratch, [{ slot: 0, address, insns: [insn], code, state }])[0]!;
}

const LDM = 0xe8b1003c; // ldm r1!, {r2-r5}
const STM = 0xe8a1003c; // stm r1!, {r2-r5}
const LDMDB = 0xe931003c; // ldmdb r1!, {r2-r5}
const LDRD = 0xe0e140d8; // ldrd r4, r5, [r1], #8
const STRD = 0xe1e140f8; // strd r4, r5, [r1, #8]!
const SWP = 0xe1012093; // swp r2, r3, [r1]
const SWPB = 0xe1412093; // swpb r2, r3, [r1]

describe.each(['interp', 'jit'])('%s', (name) => {
  const factory = BACKENDS.get(name)!;

  test('unaligned transfers of several words', () => {
    const base = bench.SCRATCH + 0x101;
    let { signal, state, changes } = run(factory, LDM, base);
    expect(signal).toBe(bench.SIGTRAP);
    expect([...state.subarray(1, 6)]).toEqual([base + 16, at(0x101), at(0x105), at(0x109), at(0x10d)]);
    ({ state } = run(factory, LDMDB, base));
    expect([...state.subarray(1, 6)]).toEqual([base - 16, at(0xf1), at(0xf5), at(0xf9), at(0xfd)]);
    ({ signal, state } = run(factory, LDRD, base + 1));
    expect(signal).toBe(bench.SIGTRAP);
    expect([state[1], state[4], state[5]]).toEqual([base + 9, at(0x102), at(0x106)]);
    ({ signal, state, changes } = run(factory, STRD, base - 8));
    expect(signal).toBe(bench.SIGTRAP);
    expect(state[1]).toBe(base);
    expect([...changes.keys()]).toEqual([0x40, 0x41, 0x42]);
    expect(changes.get(0x41)).toBe(0x55555544);
    ({ signal, state, changes } = run(factory, STM, base + 2));
    expect([signal, state[1]]).toEqual([bench.SIGTRAP, base + 18]);
    expect([...changes.keys()]).toEqual([0x40, 0x41, 0x42, 0x43, 0x44]);
    expect(changes.get(0x42)).toBe(0x44333333);
  });

  test.each([
    ['LDM', LDM, END - 8, END],
    ['LDM, unaligned', LDM, END - 13, END],
    ['LDMDB', LDMDB, bench.SCRATCH + 12, bench.SCRATCH - 4],
    ['STM', STM, END - 8, END],
    ['LDRD', LDRD, END - 4, END],
    ['STRD', STRD, END - 12, END],
    ['STRD, unaligned', STRD, END - 15, END],
    ['SWP', SWP, END, END],
    ['SWPB', SWPB, END, END],
  ])('%s that faults changes nothing', (_name, bits, r1, fault) => {
    const { signal, faultAddress, state, changes } = run(factory, bits, r1);
    expect(signal).toBe(bench.SIGSEGV);
    expect(faultAddress).toBe(fault);
    expect(changes.size).toBe(0);
    const before = [0, r1, ...[2, 3, 4, 5, 6, 7].map((n) => 0x11111111 * n)];
    expect([...state.subarray(0, 8)]).toEqual(before);
    expect(state[bench.PC]).toBe(bench.CODE_BASE + bench.CODE_WINDOW);
  });

  test('SWP exchanges, and wants words aligned', () => {
    const word = run(factory, SWP, bench.SCRATCH + 0x200);
    expect(word.signal).toBe(bench.SIGTRAP);
    expect(word.state[2]).toBe(at(0x200));
    expect([...word.changes]).toEqual([[0x80, 0x33333333]]);
    const byte = run(factory, SWPB, bench.SCRATCH + 0x202);
    expect(byte.state[2]).toBe((at(0x200) >>> 16) & 0xff);
    expect([...byte.changes]).toEqual([[0x80, (at(0x200) & 0xff00ffff) | 0x00330000]]);
    expect(run(factory, SWP, bench.SCRATCH + 0x201).signal).toBe(bench.SIGBUS);
  });
});
