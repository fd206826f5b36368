/**
 * The JIT held against the evaluator: control flow, precise faults, preemption, code that changes. Instructions as such are the fuzzer's matter (test/fuzz).
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CpuBackend, CpuHooks } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { JitBackend } from '../../emu/jit/backend.ts';
import { InterpBackend } from '../../emu/machine/interp-backend.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { assemble } from '../unicorn/assemble.ts';
import { programs } from './programs.ts';

const CODE = 0xb600_0000;
const DATA = 0xb700_0000;
const DATA_LENGTH = 0x2000;
const STACK = 0xbe00_0000;
const STACK_LENGTH = 0x20_0000;

let spaces: AddressSpace[] = [];
let backends: CpuBackend[] = [];
beforeEach(() => {
  spaces = [];
  backends = [];
});
afterEach(() => {
  for (const backend of backends) backend.close();
  for (const space of spaces) space.close();
});

interface Machine {
  cpu: CpuState;
  space: AddressSpace;
  backend: CpuBackend;
  events: string[];
}

type Factory = (space: AddressSpace, hooks: CpuHooks) => CpuBackend;
const jit: Factory = (space, hooks) => new JitBackend(space, { hooks });
const interp: Factory = (space, hooks) => new InterpBackend(space, { hooks });

/** A machine with the program at CODE, a scratch area and a stack. SVC and faults end run(); slices are `fuel` long. */
function machine(factory: Factory, code: Uint8Array, thumb: boolean, fuel = 1 << 30): Machine {
  const space = AddressSpace.create();
  const map = (start: number, length: number, prot: number) =>
    space.map({
      start,
      end: start + length,
      prot,
      shared: false,
      source: null,
      offset: 0,
      growsDown: false,
      name: '',
    });
  map(CODE, 0x1000, 7);
  map(DATA, DATA_LENGTH, 3);
  map(STACK, STACK_LENGTH, 3);
  space.check(CODE, code.length, WRITE);
  space.bytes(CODE, code.length).set(code);
  const cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  cpu.location = CODE | (thumb ? 1 : 0);
  cpu.r[0] = DATA;
  cpu.r[13] = STACK + STACK_LENGTH;
  cpu.fuel = fuel;
  const events: string[] = [];
  const backend = factory(space, {
    syscall: () => false,
    fault: (c, address, access, why) => {
      events.push(`fault ${address.toString(16)} ${access} ${why} at ${c.location.toString(16)}`);
      return false;
    },
    trap: (c, kind) => {
      events.push(`${kind} at ${c.location.toString(16)}`);
      return false;
    },
    preempt: (c) => {
      c.fuel = fuel;
      return true;
    },
  });
  spaces.push(space);
  backends.push(backend);
  return { cpu, space, backend, events };
}

/** All that a program can see of the machine. */
function outcome({ cpu, space, events }: Machine) {
  space.check(DATA, DATA_LENGTH, READ);
  return {
    registers: [...cpu.ru].map((r) => r.toString(16)),
    flags: (cpu.cpsr >>> 27).toString(2),
    doubles: [...cpu.d],
    data: Buffer.from(space.bytes(DATA, DATA_LENGTH)).toString('base64'),
    events,
  };
}

function run(factory: Factory, source: string, fuel?: number): Machine {
  const m = machine(factory, assemble(source), /^\s*\.thumb/.test(source), fuel);
  m.backend.run(m.cpu);
  return m;
}

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

describe('faults in compiled code are exact', () => {
  /** Runs the loop on good memory until it is compiled, then lets it run off the end of it. */
  const offTheEnd = (body: string, step: number) => `
    .thumb
    movs  r4, #0
    movs  r6, #0
  again:
    adds  r4, #1
    ${body}
    adds  r0, #${step}
    b     again`;

  const cases: Record<string, string> = {
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
    'a conditional load in an IT block': offTheEnd(
      'tst r4, #1\n ite ne\n ldrne r5, [r0, #4]\n ldreq r5, [r0]',
      4,
    ),
    'a post-indexed store of bytes': offTheEnd('mov r3, r0\n strb r4, [r3], #1\n strb r4, [r3], #1', 1),
  };
  for (const [name, source] of Object.entries(cases)) {
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
  /** Calls the function at `patch` in a loop; its first instruction is `movs r1, #1`. */
  const source = `
    .thumb
    movs  r0, #0
    movw  r5, #1000
  again:
    bl    patch
    adds  r0, r1
    subs  r5, #1
    bne   again
    svc   #0
    movw  r5, #1000
    b     again
  patch:
    movs  r1, #1
    bx    lr`;

  test('is translated anew when the program was changed from outside', () => {
    const code = assemble(source);
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
    const m = machine(jit, assemble(source), true);
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
