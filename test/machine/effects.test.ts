/**
 * What effectsOf says of every encoding row, held against what the instruction does: what it does not read makes no difference,
 * what it surely writes is overwritten whatever was there, and nothing else changes.
 */
import { expect, test } from 'vitest';
import { CPU_MODELS } from '../../emu/cpu-model.ts';
import { decodeA32, decodeThumb, ROWS } from '../../emu/decode/decoder.ts';
import { selectModel } from '../../emu/decode/features.ts';
import { effectsOf, FLAG, type Resources } from '../../emu/evaluator/effects.ts';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { BACKENDS } from '../fuzz/backends.ts';
import { hex } from '../fuzz/compare.ts';
import { Generator } from '../fuzz/generate.ts';
import { type Case, CPSR, PC, SCRATCH, SIGTRAP, STATE_WORDS, VFP } from '../fuzz/layout.ts';
import { Random } from '../fuzz/random.ts';
import { Runner } from '../fuzz/runner.ts';

/** The model with the most instructions. */
selectModel(CPU_MODELS.find(({ name }) => name === 'max')!);

const CPSR_BITS: readonly (readonly [flag: number, bits: number])[] = [
  [FLAG.N, 0x8000_0000],
  [FLAG.Z, 0x4000_0000],
  [FLAG.C, 0x2000_0000],
  [FLAG.V, 0x1000_0000],
  [FLAG.Q, 0x0800_0000],
  [FLAG.GE, 0x000f_0000],
];

/** A set of resources as masks over the words of a state: index = word. */
function words(set: Readonly<Resources>): Uint32Array {
  const masks = new Uint32Array(STATE_WORDS);
  for (let n = 0; n < 15; n++) if (set.core & (1 << n)) masks[n] = 0xffff_ffff;
  for (const [flag, bits] of CPSR_BITS) if (set.flags & flag) masks[CPSR]! |= bits;
  for (let n = 0; n < 32; n++) {
    if (set.s & (1 << n)) masks[VFP + n] = 0xffff_ffff;
    if (set.d & (1 << n)) masks.fill(0xffff_ffff, VFP + 2 * n, VFP + 2 * n + 2);
  }
  return masks;
}

/** All that effects speak of. */
const ALL = words({ core: 0x7fff, flags: 0x3f, s: 0, d: -1 });

/** Contradictions between the effects of a case's only instruction and two runs of it. */
function check(runner: Runner, c: Case, random: Random): string[] {
  const insn = c.insns[0]!;
  const effects = effectsOf(insn, insn.pc);
  const reads = words(effects.reads);
  const writes = words(effects.writes);
  const mayWrite = words(effects.mayWrite);
  const problems: string[] = [];
  const first = runner.run(c);
  const next = insn.pc + insn.size;
  const completed = first.signal === SIGTRAP && first.state[PC] === next;
  for (let i = 0; i < STATE_WORDS; i++) {
    const changed = (first.state[i]! ^ c.state[i]!) & ALL[i]! & ~mayWrite[i]!;
    if (changed !== 0) problems.push(`word ${i} changed: ${hex(changed)}`);
    if ((writes[i]! & ~mayWrite[i]!) !== 0) problems.push(`word ${i}: writes is no part of mayWrite`);
  }
  if (first.changes.size > 0 && !effects.stores) problems.push('stored');
  if (!completed && !effects.branch && !effects.trap && !effects.loads && !effects.stores) {
    problems.push(`ended by ${first.signal} at ${hex(first.state[PC]!)}`);
  }
  const { branch } = effects;
  // A branch to an unknown place may go to the next instruction.
  if (completed && !effects.fallsThrough && (branch === null || branch.target !== undefined)) {
    problems.push('fell through');
  }
  if (branch !== null && branch.target !== undefined && !branch.conditional) {
    // Padding sends Thumb code on from its high halves.
    const to = (branch.target & ~1) >>> 0;
    const pc = first.state[PC]!;
    if (pc !== to && pc !== to + 0x246) problems.push(`went to ${hex(pc)}, not ${hex(to)}`);
  }
  const { access, sums } = effects;
  if (access !== null) {
    const from = c.state[access.register]! + access.offset;
    for (const i of first.changes.keys()) {
      const at = SCRATCH + 4 * i;
      if (at + 4 <= from || at >= from + access.length)
        problems.push(`stored outside its access: ${hex(at)}`);
    }
    if (first.changes.size > 0 && access.kind !== WRITE) problems.push('stored by reading');
  }
  if (!completed) return problems;
  for (const { to, from, plus } of sums)
    if (first.state[to] !== (c.state[from]! + plus) >>> 0) problems.push(`r${to} is not r${from} + ${plus}`);
  for (const { to } of sums)
    if (!(effects.writes.core & (1 << to))) problems.push(`r${to} is not surely written`);

  // What is neither read nor only perhaps written may have any value before.
  const state = c.state.slice();
  for (let i = 0; i < STATE_WORDS; i++) {
    const free = ALL[i]! & ~reads[i]! & (writes[i]! | ~mayWrite[i]!);
    state[i] = ((state[i]! & ~free) | (random.u32() & free)) >>> 0;
  }
  const second = runner.run(c, state);
  if (second.signal !== first.signal || second.state[PC] !== first.state[PC])
    problems.push('ended otherwise');
  for (let i = 0; i < STATE_WORDS; i++) {
    const kept = ALL[i]! & ~mayWrite[i]!;
    const differs =
      ((second.state[i]! ^ first.state[i]!) & mayWrite[i]!) | ((second.state[i]! ^ state[i]!) & kept);
    if (differs !== 0) problems.push(`word ${i} depends on what is not read: ${hex(differs)}`);
  }
  const same = [...first.changes].every(([index, value]) => second.changes.get(index) === value);
  if (!same || first.changes.size !== second.changes.size) problems.push('stored otherwise');
  return problems;
}

test('effects of every row agree with what it does', () => {
  const generator = new Generator(11);
  const runner = new Runner(BACKENDS.get('interp')!, generator.scratch);
  const random = new Random(12);
  const found = new Map<string, string[]>();
  let cases = 0;
  generator.newBatch();
  runner.load([]);
  for (const row of ROWS) {
    for (let n = 0; n < 12; n++) {
      if (generator.room === 0) generator.newBatch();
      const c = generator.case([row]);
      if (c === null) continue;
      cases++;
      runner.add(c);
      const problems = check(runner, c, random);
      if (problems.length > 0) found.set(row.name, [hex(c.insns[0]!.bits), ...problems]);
    }
  }
  generator.close();
  runner.close();
  expect(Object.fromEntries(found)).toEqual({});
  expect(cases).toBeGreaterThan(8000);
});

test('direct branches have constant targets', () => {
  const at = 0x8000;
  const bl = effectsOf(decodeA32(0xeb00_0010), at);
  expect(bl.branch).toEqual({ kind: 'call', target: 0x8048, conditional: false });
  expect(bl.writes.core).toBe(1 << 14);
  expect(bl.fallsThrough).toBe(false);
  // blx to Thumb, beq, cbz, ldr pc
  expect(effectsOf(decodeA32(0xfa00_0010), at).branch?.target).toBe(0x8049);
  expect(effectsOf(decodeA32(0x0a00_0010), at)).toMatchObject({
    branch: { kind: 'jump', target: 0x8048, conditional: true },
    reads: { flags: FLAG.Z },
    fallsThrough: true,
  });
  expect(effectsOf(decodeThumb(0xb111, 0, 0), at).branch).toMatchObject({
    target: 0x8009,
    conditional: true,
  });
  expect(effectsOf(decodeA32(0xe59f_f000), at).branch).toMatchObject({
    target: undefined,
    conditional: false,
  });
  // bx lr, pop {pc}: returns
  expect(effectsOf(decodeThumb(0x4770, 0, 0), at).branch?.kind).toBe('return');
  expect(effectsOf(decodeThumb(0xbd10, 0, 0), at).branch?.kind).toBe('return');
});

test('accesses and sums at distances from a register are known', () => {
  const known = (bits: number) => {
    const { access, sums } = effectsOf(decodeA32(bits), 0x8000);
    return { access, sums };
  };
  const access = (register: number, offset: number, length: number, kind: number) => ({
    ...{ register, offset, length, kind },
  });
  const sum = (to: number, from: number, plus: number) => ({ to, from, plus });
  // ldrb r0, [r1, #-4]; str r0, [r1], #8; ldr r1, [r1, #4]!; ldr r0, [r1, r2]; ldr r0, [pc]
  expect(known(0xe551_0004)).toEqual({ access: access(1, -4, 1, READ), sums: [] });
  expect(known(0xe481_0008)).toEqual({ access: access(1, 0, 4, WRITE), sums: [sum(1, 1, 8)] });
  expect(known(0xe5b1_1004)).toEqual({ access: access(1, 4, 4, READ), sums: [] });
  expect(known(0xe791_0002)).toEqual({ access: null, sums: [] });
  expect(known(0xe59f_0000)).toEqual({ access: null, sums: [] });
  // push {r0, r1, lr}; pop {r3, sp} loads sp; swp r0, r1, [r2]; ldrex r0, [r1]
  expect(known(0xe92d_4003)).toEqual({ access: access(13, -12, 12, WRITE), sums: [sum(13, 13, -12)] });
  expect(known(0xe8bd_2008)).toEqual({ access: access(13, 0, 8, READ), sums: [] });
  expect(known(0xe102_0091)).toEqual({ access: access(2, 0, 4, WRITE), sums: [] });
  expect(known(0xe191_0f9f)).toEqual({ access: null, sums: [] });
  // mov r7, sp; subs r2, r3, #16; moveq r7, sp; vst1.8 {d0-d3}, [r1]!; vld1.16 {d0[1]}, [r1]!
  expect(known(0xe1a0_700d).sums).toEqual([sum(7, 13, 0)]);
  expect(known(0xe253_2010).sums).toEqual([sum(2, 3, -16)]);
  expect(known(0x01a0_700d).sums).toEqual([]);
  expect(known(0xf401_020d)).toEqual({ access: access(1, 0, 32, WRITE), sums: [sum(1, 1, 32)] });
  expect(known(0xf4a1_044d)).toEqual({ access: access(1, 0, 2, READ), sums: [sum(1, 1, 2)] });
});

test('a conditional instruction surely writes nothing', () => {
  const addeq = effectsOf(decodeA32(0x0081_0002), 0x8000);
  expect(addeq.writes).toEqual({ core: 0, flags: 0, s: 0, d: 0 });
  expect(addeq.mayWrite.core).toBe(1);
  expect(addeq.reads).toMatchObject({ core: 0b110, flags: FLAG.Z });
});
