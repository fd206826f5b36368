/**
 * The JIT held against the evaluator: control flow, precise faults, preemption, code that changes. Instructions as such are the
 * fuzzer's matter (test/fuzz).
 */
import { afterEach, describe, expect, test } from 'vitest';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { assemble } from '../unicorn/assemble.ts';
import { CODE, closeMachines, DATA, interp, jit, type Machine, machine, outcome, run } from './machine.ts';
import { calling, programs } from './programs.ts';

afterEach(closeMachines);

describe('programs end as in the evaluator', () => {
  for (const [name, source] of Object.entries(programs)) {
    test(name, () => {
      const compiled = run(jit, source);
      expect(compiled.backend.stats().regions).toBeGreaterThan(0);
      expect(outcome(compiled)).toEqual(outcome(run(interp, source)));
    });
    test(`${name}, in slices of three`, () => {
      expect(outcome(run(jit, source, 3))).toEqual(outcome(run(interp, source)));
    });
  }
});

describe('code grows with the program where a block goes to another in two ways', () => {
  const rows = Array.from({ length: 30 }, (_, i) => i);
  const looping = (body: string, rest = '') => `
    .arm
    mov   r0, #0
    movw  r5, #2000
  again:
    tst   r5, #3
    ${body}
    subs  r5, #1
    bne   again
    svc   #0
  ${rest}`;
  const cases: Record<string, string> = {
    'conditional calls': looping(
      rows.map((i) => `blne add\n tst r5, #${1 << (i % 8)}`).join('\n'),
      'add: add r0, #1\n bx lr',
    ),
    'conditional jumps to the next instruction': looping(
      rows.map((i) => `beq 1f\n 1: addeq r0, #${i}\n tst r5, #${1 << (i % 8)}`).join('\n'),
    ),
  };
  for (const [name, source] of Object.entries(cases))
    test(name, () => {
      const compiled = run(jit, source);
      expect(outcome(compiled)).toEqual(outcome(run(interp, source)));
      const { regions, wasmBytes } = compiled.backend.stats();
      expect(regions).toBeGreaterThan(0);
      expect(wasmBytes).toBeLessThan(100_000);
    });
});

describe('faults in compiled code are exact', () => {
  /**
   * Runs a loop on good memory until it is compiled, then lets it run off the end of it: as it is, and with what it does in a
   * function, the region of which is left for what its page tests do not allow.
   */
  const offTheEnd = (body: string, step: number) => {
    const loop = (inside: string, behind: string) => `
    .thumb
    movs  r4, #0
    movs  r6, #0
  again:
    adds  r4, #1
    ${inside}
    adds  r0, #${step}
    b     again
    ${behind}`;
    return { loop: loop(body, ''), called: loop('bl f', `f: cmp r4, #3\n ${body}\n bx lr`) };
  };

  const cases: Record<string, ReturnType<typeof offTheEnd>> = {
    'a word': offTheEnd('ldr r5, [r0]\n adds r6, r5', 4),
    'an unaligned word across the border': offTheEnd('add r6, r4\n ldr r5, [r0, #1]\n movs r7, #1', 4),
    'a group of loads and stores of which one in the middle fails': offTheEnd(
      'str r4, [r0]\n ldr r5, [r0, #4]\n adds r6, r5\n str r6, [r0, #12]\n ldr r7, [r0, #8]',
      4,
    ),
    'a multiple, with write-back': offTheEnd('mov r3, r0\n ldmia r3!, {r5, r7, r8}\n adds r6, r7', 4),
    'a pair, pre-indexed': offTheEnd('mov r3, r0\n strd r4, r6, [r3, #8]!', 8),
    'a double': offTheEnd('vldr d3, [r0]\n vstr s5, [r0, #12]', 4),
    'a double that is not aligned': offTheEnd('cmp r4, #250\n it eq\n addeq r0, #2\n vldr d3, [r0]', 4),
    'structures and a lane, with write-back': offTheEnd(
      'mov r3, r0\n vld2.8 {d0-d3}, [r3]!\n vst1.32 {d1[1]}, [r3]!\n vst1.8 {d2-d3}, [r3], r4\n vld1.8 {d7}, [r3]',
      4,
    ),
    'structures of which a later one is not aligned': offTheEnd(
      'cmp r4, #250\n it eq\n addeq r0, #4\n mov r3, r0\n vld1.8 {d0}, [r3]!\n vld1.32 {d1}, [r3 :64]',
      8,
    ),
    'multiple doubles before a base': offTheEnd(
      'add r3, r0, #32\n vstmdb r3!, {d2-d4}\n vldmia r3, {d5-d6}',
      8,
    ),
    'a conditional load in an IT block': offTheEnd(
      'tst r4, #1\n ite ne\n ldrne r5, [r0, #4]\n ldreq r5, [r0]',
      4,
    ),
    'a post-indexed store of bytes': offTheEnd('mov r3, r0\n strb r4, [r3], #1\n strb r4, [r3], #1', 1),
  };
  const all = Object.entries(cases).flatMap(([name, { loop, called }]) => [
    [name, loop] as const,
    [`${name}, in a function`, called] as const,
  ]);
  for (const [name, source] of all) {
    test(name, () => {
      const compiled = run(jit, source);
      expect(compiled.backend.stats().regions).toBeGreaterThan(0);
      expect(compiled.events).toHaveLength(1);
      const expected = run(interp, source);
      // Flags nobody can read any more may differ.
      expect({ ...outcome(compiled), flags: '' }).toEqual({ ...outcome(expected), flags: '' });
    });
  }

  test('a write to a page that has become read-only', () => {
    const source = `
      .thumb
      movs r4, #0
    again:
      adds r4, #1
      str  r4, [r0]
      str  r4, [r0, #8]
      lsls r5, r4, #22
      bne  again
      svc  #0
      b    again`;
    const outcomes = [jit, interp].map((factory) => {
      const m = run(factory, source);
      m.space.protect(DATA, DATA + 0x1000, 1);
      m.backend.run(m.cpu);
      expect(m.events).toEqual([`fault ${DATA.toString(16)} 2 protected at ${(CODE + 4 + 1).toString(16)}`]);
      return { ...outcome(m), flags: '' };
    });
    expect(outcomes[0]).toEqual(outcomes[1]);
  });
});

describe('code that changes', () => {
  test('is translated anew when the program was changed from outside', () => {
    const code = assemble(calling);
    const m = machine(jit, code, true);
    m.backend.run(m.cpu);
    expect(m.cpu.r[0]).toBe(1000);
    const at = CODE + code.length - 4;
    expect(m.space.view.getUint16(at, true)).toBe(0x2101);
    m.space.check(at, 2, WRITE);
    m.space.view.setUint16(at, 0x2105, true);
    m.backend.run(m.cpu);
    expect(m.cpu.r[0]).toBe(6000);
  });

  test('is translated anew when it is mapped over', () => {
    const m = machine(jit, assemble(calling), true);
    m.backend.run(m.cpu);
    const bytes = m.space.bytes(CODE, 0x1000).slice();
    m.space.unmap(CODE, CODE + 0x1000);
    m.backend.run(m.cpu);
    expect(m.events).toHaveLength(1);
    expect(m.events[0]).toMatch(/^fault b60000\w\w 4 unmapped/);
    const vma = { prot: 7, shared: false, source: null, offset: 0, growsDown: false, name: '' };
    m.space.map({ start: CODE, end: CODE + 0x1000, ...vma });
    m.space.check(CODE, 0x1000, WRITE);
    m.space.bytes(CODE, 0x1000).set(bytes);
    m.backend.run(m.cpu);
    expect(m.cpu.r[0]).toBe(2000);
  });

  test('a program that patches its own loop sees each change', () => {
    const patching = `
      .thumb
      movs  r6, #0
      movw  r5, #600
      adr   r7, target
      movw  r3, #0x3101
    again:
      and   r2, r5, #15
      add   r2, r2, r3
      strh  r2, [r7]
      isb
      movs  r1, #0
      b     target
      .balign 4
    target:
      adds  r1, #1
      adds  r6, r1
      subs  r5, #1
      bne   again
      svc   #0`;
    expect(outcome(run(jit, patching))).toEqual(outcome(run(interp, patching)));
  });
});

describe('what has been tested is tested again when it may have changed', () => {
  /** Loops with an SVC between two accesses to one place; every 500th SVC takes something away from the page. */
  const body = `
    .thumb
    movs  r4, #0
    mov   r5, r0
  again:
    adds  r4, #1
    str   r4, [r5]
    svc   #0
    ldr   r6, [r5, #4]
    str   r4, [r5, #8]
    b     again`;

  for (const prot of [0, READ])
    test(prot === 0 ? 'all access' : 'writing', () => {
      const outcomes = [jit, interp].map((factory) => {
        let calls = 0;
        const m: Machine = machine(
          (space, hooks) =>
            factory(space, {
              ...hooks,
              syscall: () => {
                if (++calls === 700) m.space.protect(DATA, DATA + 0x1000, prot);
                return true;
              },
            }),
          assemble(body),
          true,
          7,
        );
        m.backend.run(m.cpu);
        expect(m.events).toHaveLength(1);
        m.space.protect(DATA, DATA + 0x1000, READ | WRITE);
        return { ...outcome(m), flags: '' };
      });
      expect(outcomes[0]).toEqual(outcomes[1]);
    });

  test('a page is taken away while a loop is asked for its time slice', () => {
    const loop = `
      .thumb
      movs  r4, #0
    again:
      bl    f
      b     again
    f:
      ldr   r6, [r0]
      movs  r3, #200
    1:
      adds  r4, #1
      ldr   r6, [r0]
      subs  r3, #1
      bne   1b
      bx    lr`;
    const m: Machine = machine(
      (space, hooks) =>
        jit(space, {
          ...hooks,
          preempt: (cpu) => {
            if (cpu.r[4]! > 100_000) m.space.protect(DATA, DATA + 0x1000, 0);
            return hooks.preempt(cpu);
          },
        }),
      assemble(loop),
      true,
      50,
    );
    m.backend.run(m.cpu);
    expect(m.events).toEqual([expect.stringMatching(/^fault b7000000 1 protected/)]);
    // Fuel is looked at every 32 iterations.
    expect(m.cpu.r[4]).toBeLessThan(100_150);
  });

  test('a structure of which only the beginning is mapped is not tested as a whole again and again', () => {
    const source = `
      .thumb
      movw  r4, #20000
      mov   r5, r0
      add   r0, #0x2000
      subs  r0, #8
    again:
      bl    f
      subs  r4, #1
      bne   again
      svc   #0
    f:
      ldr   r1, [r0]
      cmp   r4, #5
      bhi   1f
      cmp   r1, #1
      beq   2f
    1:
      adds  r1, #1
      bx    lr
    2:
      ldr   r1, [r0, #12]
      bx    lr`;
    const m = run(jit, source, 100);
    expect(outcome(m)).toEqual(outcome(run(interp, source)));
  });
});
