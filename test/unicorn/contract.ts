/** The Unicorn CPU against the contract of CpuBackend, without a kernel. */
import { afterEach, expect, test } from 'vitest';
import type { BackendFactory } from '../../emu/backend.ts';
import type { CpuOptions } from '../../emu/cpu.ts';
import { OFF } from '../../emu/cpu-state.ts';
import { EXEC, READ, WRITE } from '../../emu/memory/layout.ts';
import type { UnicornBackend } from '../../emu/unicorn/backend.ts';
import { CODE, DATA, DATA_SIZE, Guest, STACK_TOP } from './harness.ts';

export function contract(make: BackendFactory): void {
  const open: Guest[] = [];
  function guest(source: string, options: Partial<CpuOptions> = {}): Guest {
    const g = new Guest(source, make, options);
    open.push(g);
    return g;
  }
  afterEach(() => {
    for (const g of open.splice(0)) g.close();
  });

  test('registers, flags and VFP state go in and come out', () => {
    const g = guest('svc 0');
    const { cpu } = g;
    for (let n = 0; n < 15; n++) cpu.ru[n] = 0x1000_0000 + n;
    for (let n = 0; n < 32; n++) cpu.d[n] = 0x8000_0000_0000_0100n + BigInt(n);
    cpu.cpsr = 0xa80a_0010; // N, C, Q, GE = 1010
    cpu.fpscr = 0x9f00_0011; // N, V... rounding and modes are kept too
    cpu.tls = 0xdead_0000;
    cpu.u32[OFF.tpidrurw >> 2] = 0xbeef;
    const before = Uint32Array.from(cpu.u32);
    expect(g.run()).toMatchObject({ kind: 'syscall', location: CODE + 4, imm: 0 });
    for (let n = 0; n < 15; n++) expect(cpu.ru[n]).toBe(before[n]);
    expect(cpu.cpsr).toBe(0xa80a_0010);
    expect(cpu.fpscr).toBe(0x9f00_0011);
    expect(cpu.tls).toBe(0xdead_0000);
    expect(cpu.u32[OFF.tpidrurw >> 2]).toBe(0xbeef);
    for (let n = 0; n < 32; n++) expect(cpu.d[n]).toBe(0x8000_0000_0000_0100n + BigInt(n));
  });

  test('the thread registers are what the guest reads and writes', () => {
    const g = guest(
      'mrc p15, 0, r0, c13, c0, 3\n mrc p15, 0, r1, c13, c0, 2\n mcr p15, 0, r2, c13, c0, 2\n svc 0',
    );
    g.cpu.tls = 0x111;
    g.cpu.u32[OFF.tpidrurw >> 2] = 0x222;
    g.cpu.ru[2] = 0x333;
    g.run();
    expect([g.cpu.ru[0], g.cpu.ru[1], g.cpu.u32[OFF.tpidrurw >> 2]]).toEqual([0x111, 0x222, 0x333]);
  });

  test('SVC in ARM and Thumb state gives its immediate, with the PC past it, and goes on when told to', () => {
    const g = guest(
      'mov r0, #1\n svc 0x123456\n blx 1f\n svc 2\n .thumb\n 1: adds r0, #1\n svc 0x7f\n bx lr',
    );
    g.answer = () => g.events.length < 3;
    g.run();
    expect(g.events).toEqual([
      { kind: 'syscall', location: CODE + 8, imm: 0x123456 },
      { kind: 'syscall', location: CODE + 20 + 1, imm: 0x7f },
      { kind: 'syscall', location: CODE + 16, imm: 2 },
    ]);
    expect(g.cpu.ru[0]).toBe(2);
  });

  test('what a hook changes is what the guest goes on with', () => {
    const g = guest('svc 0\n add r0, r0, #1\n svc 1\n nop\n vadd.f64 d0, d0, d0\n svc 2');
    g.answer = (event) => {
      if (event.imm === 0) g.cpu.ru[0] = 41;
      if (event.imm === 1) {
        g.cpu.location += 4;
        g.cpu.d[0] = 0x3ff0_0000_0000_0000n;
      }
      return event.imm !== 2;
    };
    g.run();
    expect(g.cpu.ru[0]).toBe(42);
    expect(g.cpu.d[0]).toBe(0x4000_0000_0000_0000n);
  });

  test('pages are brought in on demand', () => {
    const g = guest('str r0, [r1]\n ldr r2, [r3]\n ldr r4, [r1]\n svc 0');
    g.cpu.ru.set([77, DATA, 0, DATA + 0x2000], 0);
    g.cpu.ru[2] = 5;
    expect(g.run().kind).toBe('syscall');
    expect([g.cpu.ru[2], g.cpu.ru[4]]).toEqual([0, 77]);
    expect(g.space.view.getUint32(DATA, true)).toBe(77);
  });

  test.each([
    ['a read', 'nop\n add r0, r0, #1\n ldr r2, [r1]', READ, 0x50_0000],
    ['a write', 'nop\n add r0, r0, #1\n str r2, [r1]', WRITE, 0x50_0000],
    ['a byte', 'nop\n add r0, r0, #1\n ldrb r2, [r1]', READ, 0x50_0123],
    ['the null pointer', 'nop\n add r0, r0, #1\n ldr r2, [r1]', READ, 0],
    ['an address above user space', 'nop\n add r0, r0, #1\n str r2, [r1]', WRITE, 0xc000_0000],
    ['the page tables of the engine', 'nop\n add r0, r0, #1\n ldr r2, [r1]', READ, 0xe000_0000],
    ['VFP', 'nop\n add r0, r0, #1\n vldr d7, [r1]', READ, 0x50_0000],
  ])('a fault for good: %s', (_name, code, access, address) => {
    const g = guest(`${code}\n svc 0`);
    g.cpu.ru[1] = address;
    expect(g.run()).toEqual({ kind: 'fault', location: CODE + 8, address, access, why: 'unmapped' });
    expect(g.cpu.ru[0]).toBe(1);
  });

  test('a write to memory without PROT_WRITE is a fault, and works once it has it', () => {
    const g = guest('ldr r0, [r1]\n str r2, [r1]\n svc 0');
    g.map(0x40_0000, 0x1000, READ);
    g.cpu.ru[1] = 0x40_0000;
    g.cpu.ru[2] = 9;
    expect(g.run()).toMatchObject({
      kind: 'fault',
      address: 0x40_0000,
      access: WRITE,
      why: 'protected',
      location: CODE + 4,
    });
    g.space.protect(0x40_0000, 0x40_1000, READ | WRITE);
    expect(g.run().kind).toBe('syscall');
    g.space.protect(0x40_0000, 0x40_1000, READ);
    expect(g.run(CODE)).toMatchObject({ kind: 'fault', access: WRITE, why: 'protected' });
    g.space.unmap(0x40_0000, 0x40_1000);
    expect(g.run(CODE)).toMatchObject({ kind: 'fault', access: READ, why: 'unmapped', location: CODE });
  });

  test('an access across two pages faults at the first byte that is missing, without effect', () => {
    const g = guest('stm r1!, {r2, r3}\n svc 0\n str r2, [r1]\n svc 0\n ldrd r2, r3, [r1]\n svc 0');
    const edge = DATA + DATA_SIZE;
    g.cpu.ru.set([0, edge - 4, 1, 2], 0);
    g.cpu.ru[13] = 0;
    expect(g.run()).toMatchObject({ kind: 'fault', address: edge, access: WRITE, location: CODE });
    expect(g.cpu.ru[1]).toBe(edge - 4);
    g.cpu.ru[1] = edge - 2;
    expect(g.run(CODE + 8)).toMatchObject({ kind: 'fault', address: edge, access: WRITE });
    expect(g.space.view.getUint16(edge - 2, true)).toBe(0);
    g.cpu.ru[1] = edge - 4;
    expect(g.run(CODE + 16)).toMatchObject({ kind: 'fault', address: edge, access: READ });
  });

  test('jumps to what cannot be executed', () => {
    const g = guest('bx r1\n svc 0');
    g.map(0x40_0000, 0x1000, READ | WRITE);
    for (const [target, why] of [
      [0x40_0000, 'protected'],
      [0x50_0000, 'unmapped'],
      [0, 'unmapped'],
      [0xffff_fff0, 'unmapped'],
      [0xf000_0000, 'unmapped'],
    ] as const) {
      g.cpu.ru[1] = target;
      const expected = { kind: 'fault', location: target, address: target, access: EXEC, why };
      expect(g.run(CODE)).toEqual(expected);
    }
  });

  test('a 32-bit Thumb instruction that reaches into a missing page', () => {
    const g = guest('.thumb\n .space 0xffe\n ldr.w r0, [r1]\n svc 1');
    g.space.unmap(CODE + 0x1000, CODE + 0x2000);
    g.cpu.ru[1] = DATA;
    expect(g.run((CODE + 0xffe) | 1)).toMatchObject({
      kind: 'fault',
      location: (CODE + 0xffe) | 1,
      address: CODE + 0x1000,
      access: EXEC,
    });
  });

  test('a fault inside an IT block can be restarted', () => {
    const g = guest(
      '.thumb\n cmp r0, r0\n itte eq\n ldreq r2, [r1]\n addeq r3, r2, #1\n movne r3, #0\n svc 0',
    );
    g.cpu.ru[1] = 0x40_0000;
    expect(g.run(CODE | 1)).toMatchObject({ kind: 'fault', location: (CODE + 4) | 1 });
    expect(g.cpu.i32[OFF.it >> 2]).not.toBe(0);
    g.map(0x40_0000, 0x1000, READ | WRITE);
    g.space.check(0x40_0000, 4, WRITE);
    g.space.view.setUint32(0x40_0000, 6, true);
    expect(g.run().kind).toBe('syscall');
    expect(g.cpu.ru[3]).toBe(7);
    expect(g.cpu.i32[OFF.it >> 2]).toBe(0);
  });

  test('undefined instructions and breakpoints: the PC is at them', () => {
    const g = guest(
      'nop\n udf #0x1234\n .inst 0xee112f10\n bkpt #0x55aa\n blx 1f\n .thumb\n 1: nop\n udf #9\n bkpt #3\n udf.w #0x123',
    );
    g.answer = (event) => {
      g.cpu.location += event.location & 1 ? 2 : 4;
      return g.events.length < 6;
    };
    g.run();
    expect(g.events).toEqual([
      { kind: 'undefined', location: CODE + 4, imm: 0x1234 },
      { kind: 'undefined', location: CODE + 8, imm: 0 },
      { kind: 'breakpoint', location: CODE + 12, imm: 0x55aa },
      { kind: 'undefined', location: CODE + 22 + 1, imm: 9 },
      { kind: 'breakpoint', location: CODE + 24 + 1, imm: 3 },
      { kind: 'undefined', location: CODE + 26 + 1, imm: 0x123 },
    ]);
  });

  test('an exclusive access that is not aligned is an alignment fault', () => {
    const g = guest('ldrex r0, [r1]\n svc 0');
    g.cpu.ru[1] = DATA + 2;
    expect(g.run()).toEqual({ kind: 'fault', location: CODE, address: DATA + 2, access: READ, why: 'align' });
  });

  test('exclusive accesses: a loop of LDREX and STREX, through page faults', () => {
    const g = guest('1: ldrex r0, [r1]\n add r0, r0, #1\n strex r2, r0, [r1]\n cmp r2, #0\n bne 1b\n svc 0');
    g.cpu.ru[1] = DATA + 0x3000;
    for (let i = 1; i <= 3; i++) {
      expect(g.run(CODE).kind).toBe('syscall');
      expect(g.space.view.getUint32(DATA + 0x3000, true)).toBe(i);
    }
  });

  test.each([
    ['ldrex', 'strex r2, r3, [r1]', 4],
    ['ldrexb', 'strexb r2, r3, [r1]', 1],
    ['ldrexh', 'strexh r2, r3, [r1]', 2],
    ['ldrexd', 'strexd r2, r4, r5, [r1]', 8],
  ])('the monitor of the state is the monitor of the guest: %s', (_name, store, size) => {
    const g = guest(`${store}\n svc 0`);
    const { cpu, space } = g;
    space.check(DATA, 8, WRITE);
    space.view.setUint32(DATA, 0x11223344, true);
    const arm = () => {
      const w = cpu.u32;
      w[OFF.exArmed >> 2] = 1;
      w[OFF.exAddress >> 2] = DATA;
      w[OFF.exSize >> 2] = size;
      w[OFF.exLow >> 2] = size === 1 ? 0x44 : size === 2 ? 0x3344 : 0x11223344;
      w[OFF.exHigh >> 2] = 0;
    };
    const stored = () => {
      cpu.ru[1] = DATA;
      cpu.ru[2] = 99;
      g.run(CODE);
      return cpu.ru[2];
    };
    expect(stored()).toBe(1);
    arm();
    expect(stored()).toBe(0);
    space.view.setUint32(DATA, 0x11223344, true);
    arm();
    space.view.setUint32(DATA, 0x11223345, true);
    expect(stored()).toBe(1);
  });

  test('another thread does not inherit the monitor', () => {
    const g = guest('ldrex r0, [r1]\n svc 0\n strex r2, r0, [r1]\n svc 1');
    g.answer = (event) => event.imm === 0;
    g.cpu.ru[1] = DATA;
    g.run();
    expect(g.cpu.ru[2]).toBe(1);
  });

  test('the kernel helpers', () => {
    const g = guest('ldr r4, =0xffff0fe0\n blx r4\n svc 0\n ldr r4, =0xffff0fc0\n blx r4\n svc 1\n .ltorg');
    g.cpu.tls = 0x4321;
    expect(g.run()).toMatchObject({ kind: 'syscall', imm: 0 });
    expect(g.cpu.ru[0]).toBe(0x4321);
    g.cpu.ru.set([0, 5, DATA], 0);
    expect(g.run()).toMatchObject({ kind: 'syscall', imm: 1 });
    expect(g.cpu.ru[0]).toBe(0);
    expect(g.space.view.getUint32(DATA, true)).toBe(5);
  });

  test('code that was written to is seen: by the guest, by the kernel, by cacheflush', () => {
    const g = guest('mov r0, #1\n svc 0\n str r2, [r1]\n mov r0, #1\n svc 1');
    expect(g.run().imm).toBe(0);
    // the guest, in a page that has run
    g.cpu.ru[1] = CODE + 12;
    g.cpu.ru[2] = 0xe3a0_0007; // mov r0, #7
    expect(g.run().imm).toBe(1); // without a barrier the old instruction may still be run
    expect(g.run(CODE + 12).imm).toBe(1);
    expect(g.cpu.ru[0]).toBe(7);
    // the kernel, as read() does
    g.space.check(CODE, 4, WRITE);
    g.space.view.setUint32(CODE, 0xe3a0_0002, true);
    g.run(CODE);
    expect(g.cpu.ru[0]).toBe(2);
    // behind the back of the page bytes
    g.space.view.setUint32(CODE, 0xe3a0_0003, true);
    g.backend.invalidate(CODE, 4);
    g.run(CODE);
    expect(g.cpu.ru[0]).toBe(3);
  });

  test('new code at an address that held code before', () => {
    const g = guest('bx r1');
    for (const n of [1, 2, 3]) {
      g.map(0x40_0000, 0x1000, READ | WRITE | EXEC);
      g.space.check(0x40_0000, 8, WRITE);
      g.space.view.setUint32(0x40_0000, 0xe3a0_0000 | n, true);
      g.space.view.setUint32(0x40_0004, 0xef00_0000, true);
      g.cpu.ru[1] = 0x40_0000;
      expect(g.run(CODE).kind).toBe('syscall');
      expect(g.cpu.ru[0]).toBe(n);
      g.space.unmap(0x40_0000, 0x40_1000);
    }
  });

  test('fuel: an endless loop is preempted, and goes on', () => {
    const g = guest('1: add r0, r0, #1\n b 1b');
    g.cpu.fuel = 1000;
    let slices = 0;
    g.answer = (event) => {
      expect(event.kind).toBe('preempt');
      expect(g.cpu.fuel).toBeLessThan(0);
      g.cpu.fuel = 1000;
      return ++slices < 3;
    };
    g.run();
    expect(slices).toBe(3);
    expect(g.cpu.ru[0]).toBeGreaterThan(3000);
    expect(g.cpu.ru[0]).toBeLessThan(100_000);
  });

  test('stop() asks for preemption soon', () => {
    const g = guest('svc 0\n 1: add r0, r0, #1\n b 1b');
    g.cpu.fuel = 0x7fff_ffff;
    g.answer = (event) => {
      if (event.kind === 'syscall') g.backend.stop();
      return event.kind === 'syscall';
    };
    expect(g.run().kind).toBe('preempt');
    expect(g.cpu.ru[0]).toBeLessThan(1000);
  });

  test.each(['wfe', 'wfi', 'yield'])('%s ends the time slice', (hint) => {
    for (const state of ['.arm', '.thumb']) {
      const g = guest(`${state}\n mov r0, r1\n ${hint}\n mov r2, r1\n svc 0`);
      g.cpu.ru[1] = 5;
      g.answer = (event) => event.kind === 'preempt' && g.cpu.fuel > 0;
      const location = state === '.arm' ? CODE : CODE | 1;
      expect(g.run(location).kind).toBe('syscall');
      expect(g.events.map((e) => e.kind)).toEqual(['preempt', 'syscall']);
      expect(g.events[0]!.location).toBe(state === '.arm' ? CODE + 8 : (CODE + 4) | 1);
      expect(g.cpu.ru[2]).toBe(5);
    }
  });

  test('an exception of a hook passes through, with the state as the hook saw it', () => {
    const g = guest('mov r0, #3\n svc 0\n mov r0, #4\n svc 1');
    g.answer = () => {
      throw new Error('exit');
    };
    expect(() => g.run()).toThrow('exit');
    expect(g.cpu.ru[0]).toBe(3);
    expect(g.cpu.location).toBe(CODE + 8);
    g.answer = () => false;
    expect(g.run().imm).toBe(1);
  });

  test('a hook may run another thread', () => {
    const g = guest('mov r0, #3\n svc 0\n add r0, r0, #1\n svc 1');
    const other = new (g.cpu.constructor as typeof import('../../emu/cpu-state.ts').CpuState)(
      g.space.buffer,
      g.space.allocateState(),
    );
    other.clear();
    other.location = CODE + 8;
    other.ru[0] = 100;
    other.fuel = 1000;
    g.answer = () => {
      if (g.events.length > 1) return false;
      g.backend.run(other);
      return true;
    };
    g.run();
    expect([g.cpu.ru[0], other.ru[0]]).toEqual([4, 101]);
  });

  test('instructions are counted when asked for', () => {
    const g = guest('mov r0, #10\n 1: str r0, [r1], r2\n subs r0, r0, #1\n bne 1b\n svc 0', { count: true });
    g.cpu.ru[1] = DATA;
    g.cpu.ru[2] = 0x1000;
    expect(g.run().kind).toBe('syscall');
    expect(g.backend.stats().instructions).toBe(1 + 30 + 1);
    expect(g.cpu.u32[OFF.icount >> 2]).toBe(32);
  });

  test('big endian data after SETEND', () => {
    const g = guest('setend be\n ldr r0, [r1]\n svc 0\n ldr r2, [r1]\n setend le\n svc 1');
    g.answer = (event) => event.imm === 0;
    g.space.check(DATA, 4, WRITE);
    g.space.view.setUint32(DATA, 0x11223344, true);
    g.cpu.ru[1] = DATA;
    g.run();
    expect([g.cpu.ru[0], g.cpu.ru[2]]).toEqual([0x44332211, 0x44332211]);
    expect(g.cpu.cpsr & 0x200).toBe(0);
  });

  test('step and runTo stop where they should', () => {
    const g = guest('mov r0, #0\n 1: add r0, r0, #1\n cmp r0, #5\n bne 1b\n svc 0');
    const backend = g.backend as UnicornBackend;
    expect(backend.step(g.cpu)).toBe(true);
    expect(g.cpu.location).toBe(CODE + 4);
    for (let i = 1; i < 4; i++) {
      expect(backend.runTo(g.cpu, CODE + 4, () => true)).toBe(true);
      expect([g.cpu.location, g.cpu.ru[0]]).toEqual([CODE + 4, i]);
    }
    expect(backend.runTo(g.cpu, CODE + 8, () => g.cpu.ru[0] === 5)).toBe(true);
    expect(backend.runTo(g.cpu, CODE + 4, () => true)).toBe(false);
    expect(g.events.splice(0)).toHaveLength(1);
    g.cpu.location = CODE + 8;
    expect(g.events).toEqual([]);
    expect(g.run()).toMatchObject({ kind: 'syscall' });
    expect(g.cpu.ru[0]).toBe(5);
    expect(g.cpu.ru[13]).toBe(STACK_TOP);
  });
}
