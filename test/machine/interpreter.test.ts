/**
 * The interpreter's run loop and the evaluator's memory: hooks, faults, restarts, byte order, exclusive accesses, changing code.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CpuHooks } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { InsnCache } from '../../emu/decode/insn-cache.ts';
import { Interpreter } from '../../emu/evaluator/interpreter.ts';
import { ReferenceBackend } from '../../emu/evaluator/reference-backend.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';

/** Code in the upper half of the address space, where numbers are no int32. */
const CODE = 0xb600_0000;
const DATA = 0xb700_0000;
const SVC = 0xef00_0000;

let space: AddressSpace;
let cpu: CpuState;
/** What hooks were called with, as text. */
let events: string[];
/** Overrides of single hooks. */
let hooks: Partial<CpuHooks>;

function map(start: number, length: number, prot: number): void {
  const end = start + length;
  space.map({ start, end, prot, shared: false, source: null, offset: 0, growsDown: false, name: '' });
}

const hex = (x: number) => (x >>> 0).toString(16);

const recording: CpuHooks = {
  syscall(c, imm) {
    events.push(`svc ${imm} pc ${hex(c.location)}`);
    return hooks.syscall?.(c, imm) ?? false;
  },
  fault(c, address, access, why) {
    events.push(`fault ${hex(address)} ${access} ${why} pc ${hex(c.location)}`);
    return hooks.fault?.(c, address, access, why) ?? false;
  },
  trap(c, kind, imm) {
    events.push(`${kind} ${imm} pc ${hex(c.location)}`);
    return hooks.trap?.(c, kind, imm) ?? false;
  },
  preempt(c) {
    events.push(`preempt pc ${hex(c.location)}`);
    return hooks.preempt?.(c) ?? false;
  },
};

/** Puts words of ARM code at an address. */
function arm(address: number, ...code: number[]): void {
  space.check(address, 4 * code.length, WRITE);
  code.forEach((word, i) => {
    space.view.setUint32(address + 4 * i, word, true);
  });
}

function thumb(address: number, ...code: number[]): void {
  space.check(address, 2 * code.length, WRITE);
  code.forEach((half, i) => {
    space.view.setUint16(address + 2 * i, half, true);
  });
}

beforeEach(() => {
  space = AddressSpace.create();
  cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  cpu.fuel = 1000;
  events = [];
  hooks = {};
  map(CODE, 4 * PAGE_SIZE, READ | WRITE | EXEC);
  map(DATA, 2 * PAGE_SIZE, READ | WRITE);
});

afterEach(() => space.close());

function run(location: number): ReferenceBackend {
  cpu.location = location;
  const backend = new ReferenceBackend(space, { hooks: recording, count: true });
  backend.run(cpu);
  return backend;
}

describe('hooks', () => {
  test('a system call has the PC behind it; the answer true goes on from the state', () => {
    arm(CODE, 0xe3a0_0001, SVC | 7, 0xe280_0010, SVC); // mov r0,#1; svc 7; add r0,#16; svc 0
    hooks.syscall = (c, imm) => {
      if (imm !== 7) return false;
      c.r[0] = 100;
      return true;
    };
    const backend = run(CODE);
    expect(events).toEqual([`svc 7 pc ${hex(CODE + 8)}`, `svc 0 pc ${hex(CODE + 16)}`]);
    expect(cpu.r[0]).toBe(116);
    expect(backend.stats().instructions).toBe(4);
  });

  test('undefined instructions and breakpoints have the PC at them', () => {
    arm(CODE, 0xe7f0_10f2, 0xe120_0375); // udf #0x102; bkpt #0x35
    hooks.trap = (c, kind) => {
      c.ru[15] = c.ru[15]! + 4;
      return kind === 'undefined';
    };
    run(CODE);
    expect(events).toEqual([`undefined 258 pc ${hex(CODE)}`, `breakpoint 53 pc ${hex(CODE + 4)}`]);
  });

  test('a conditional trap that does not run is none', () => {
    arm(CODE, 0x0f00_0001, 0x1f00_0002); // svceq 1; svcne 2
    run(CODE);
    expect(events).toEqual([`svc 2 pc ${hex(CODE + 8)}`]);
  });

  test('a hook may move the thread to another instruction set, and its exceptions pass through', () => {
    arm(CODE, SVC);
    thumb(CODE + 0x100, 0x202a, 0xdf01); // movs r0,#42; svc 1
    hooks.syscall = (c, imm) => {
      c.location = CODE + 0x101;
      if (imm === 1) throw new Error('from the hook');
      return true;
    };
    expect(() => run(CODE)).toThrow('from the hook');
    expect(cpu.r[0]).toBe(42);
    expect(cpu.location).toBe(CODE + 0x101);
  });

  test('fuel ends a loop, with the state at the branch target', () => {
    arm(CODE, 0xe280_0001, 0xeaff_fffd); // 1: add r0,#1; b 1b
    cpu.fuel = 9;
    run(CODE);
    expect(events).toEqual([`preempt pc ${hex(CODE)}`]);
    expect(cpu.r[0]).toBe(10);
  });

  test('stop() asks for the time slice at the next branch', () => {
    arm(CODE, SVC, 0xe280_0001, 0xeaff_fffd);
    hooks.syscall = () => {
      backend.stop();
      return true;
    };
    const backend = new ReferenceBackend(space, { hooks: recording });
    cpu.location = CODE;
    backend.run(cpu);
    expect(events.at(-1)).toBe(`preempt pc ${hex(CODE + 4)}`);
    expect(cpu.r[0]).toBe(1);
  });
});

describe('faults', () => {
  test('an unmapped address: no effect, PC at the instruction, restarted when the hook says so', () => {
    arm(CODE, 0xe5b1_0004, SVC); // ldr r0,[r1,#4]!
    const at = DATA + 2 * PAGE_SIZE;
    cpu.ru[1] = at;
    hooks.fault = (c) => {
      expect(c.ru[1]).toBe(at);
      map(at, PAGE_SIZE, READ | WRITE);
      return true;
    };
    run(CODE);
    expect(events).toEqual([`fault ${hex(at + 4)} 1 unmapped pc ${hex(CODE)}`, `svc 0 pc ${hex(CODE + 8)}`]);
    expect(cpu.ru[1]).toBe(at + 4);
    expect(cpu.r[0]).toBe(0);
  });

  test('a protected page names the access', () => {
    space.protect(DATA, DATA + PAGE_SIZE, READ);
    arm(CODE, 0xe5c1_0000); // strb r0,[r1]
    cpu.ru[1] = DATA + 5;
    run(CODE);
    expect(events).toEqual([`fault ${hex(DATA + 5)} ${WRITE} protected pc ${hex(CODE)}`]);
  });

  test.each([
    ['ldr', 0xe591_0000, READ, 2],
    ['str', 0xe581_0000, WRITE, 3],
    ['strh', 0xe1c1_00b0, WRITE, 1],
    ['ldm of eight', 0xe891_0ff0, READ, 12],
    ['strd', 0xe1c1_20f0, WRITE, 4],
  ])('%s across the end of memory: the address is the first byte beyond', (_name, word, access, before) => {
    arm(CODE, word as number);
    const end = DATA + 2 * PAGE_SIZE;
    space.check(end - 16, 16, WRITE);
    space.u8.fill(0x55, end - 16, end);
    cpu.ru[1] = end - before;
    run(CODE);
    expect(events).toEqual([`fault ${hex(end)} ${access} unmapped pc ${hex(CODE)}`]);
    expect(Array.from(space.bytes(end - 16, 16))).toEqual(new Array(16).fill(0x55));
  });

  test('alignment is asked of exclusive accesses and VFP, not of LDM', () => {
    space.check(DATA, 64, WRITE);
    for (let i = 0; i < 64; i++) space.u8[DATA + i] = i;
    cpu.ru[1] = DATA + 1;
    arm(CODE, 0xe891_000c, 0xe191_0f9f); // ldm r1,{r2,r3}; ldrex r0,[r1]
    run(CODE);
    expect([hex(cpu.r[2]!), hex(cpu.r[3]!)]).toEqual(['4030201', '8070605']);
    expect(events).toEqual([`fault ${hex(DATA + 1)} ${READ} align pc ${hex(CODE + 4)}`]);
    events = [];
    arm(CODE, 0xed91_0b00); // vldr d0,[r1]
    run(CODE);
    expect(events).toEqual([`fault ${hex(DATA + 1)} ${READ} align pc ${hex(CODE)}`]);
  });

  test('code that cannot be executed', () => {
    arm(CODE, 0xe12f_ff11); // bx r1
    cpu.ru[1] = DATA + 1;
    run(CODE);
    expect(events).toEqual([`fault ${hex(DATA)} ${EXEC} protected pc ${hex(DATA + 1)}`]);
    events = [];
    cpu.ru[1] = 0x1000;
    run(CODE);
    expect(events).toEqual([`fault 1000 ${EXEC} unmapped pc 1000`]);
    events = [];
    cpu.ru[1] = CODE + 2;
    run(CODE);
    expect(events).toEqual([`fault ${hex(CODE + 2)} ${EXEC} align pc ${hex(CODE + 2)}`]);
  });

  test('the second half of a Thumb instruction on a page that cannot be executed', () => {
    const border = CODE + 4 * PAGE_SIZE;
    thumb(border - 2, 0xf04f); // mov.w ...
    run(border - 1);
    expect(events).toEqual([`fault ${hex(border)} ${EXEC} unmapped pc ${hex(border - 1)}`]);
    map(border, PAGE_SIZE, READ | WRITE | EXEC);
    thumb(border, 0x0007, 0xdf00); // ... r0, #7; svc 0
    run(border - 1);
    expect(cpu.r[0]).toBe(7);
  });

  test('a fault in an IT block keeps ITSTATE', () => {
    thumb(CODE, 0x2800, 0xbf08, 0x6808, 0xdf00); // cmp r0,#0; it eq; ldreq r0,[r1]; svc
    cpu.ru[1] = 0x1000;
    hooks.fault = (c) => {
      expect((c.cpsr >>> 10) & 0x3f).toBe(2); // cond 0000, mask 1000
      c.ru[1] = DATA;
      return true;
    };
    run(CODE + 1);
    expect(events).toEqual([`fault 1000 ${READ} unmapped pc ${hex(CODE + 5)}`, `svc 0 pc ${hex(CODE + 9)}`]);
    expect(cpu.i32[0x5c >> 2]).toBe(0);
  });
});

describe('memory', () => {
  test('big-endian data after SETEND BE: every size, doubles, and multiples', () => {
    space.check(DATA, 64, WRITE);
    for (let i = 0; i < 64; i++) space.u8[DATA + i] = i;
    cpu.ru[1] = DATA + 4;
    // setend be; ldr r2,[r1]; ldrh r3,[r1]; ldrb r4,[r1]; ldm r1,{r5,r6}; vldr d0,[r1]; str r2,[r1,#16]; vstr d0,[r1,#24]; svc
    arm(CODE, 0xf101_0200, 0xe591_2000, 0xe1d1_30b0, 0xe5d1_4000, 0xe891_0060, 0xed91_0b00, 0xe581_2010);
    arm(CODE + 28, 0xed81_0b06, SVC);
    run(CODE);
    expect([2, 3, 4, 5, 6].map((n) => hex(cpu.r[n]!))).toEqual(['4050607', '405', '4', '4050607', '8090a0b']);
    expect(cpu.d[0]!.toString(16)).toBe('405060708090a0b');
    expect(Array.from(space.bytes(DATA + 20, 4))).toEqual([4, 5, 6, 7]);
    expect(Array.from(space.bytes(DATA + 28, 8))).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test.each([
    [1, 0xe1d1_0f9f, 0xe1c1_2f93],
    [2, 0xe1f1_0f9f, 0xe1e1_2f93],
    [4, 0xe191_0f9f, 0xe181_2f93],
    [8, 0xe1b1_6f9f, 0xe1a1_2f94],
  ])('exclusive access of %d bytes: stores once, and not when memory has changed', (size, ldrex, strex) => {
    space.check(DATA, 16, WRITE);
    cpu.ru[1] = DATA + 8;
    cpu.ru[3] = cpu.ru[4] = cpu.ru[5] = 0x8182_8384;
    arm(CODE, ldrex as number, SVC, strex as number, SVC | 1, strex as number, SVC | 2);
    const status: number[] = [];
    hooks.syscall = (c, imm) => {
      if (imm > 0) status.push(c.r[2]!);
      return imm < 2;
    };
    run(CODE);
    expect(status).toEqual([0, 1]);
    expect(Array.from(space.bytes(DATA + 8, 8))).toEqual(
      [0x84, 0x83, 0x82, 0x81, 0x84, 0x83, 0x82, 0x81].map((byte, i) => (i < (size as number) ? byte : 0)),
    );
    status.length = 0;
    hooks.syscall = (c, imm) => {
      if (imm > 0) status.push(c.r[2]!);
      else space.u8[DATA + 8] = 0x77; // another thread was here
      return imm < 2;
    };
    run(CODE);
    expect(status).toEqual([1, 1]);
    expect(space.u8[DATA + 8]).toBe(0x77);
  });

  test('a write to code just ahead is seen', () => {
    // str r0,[pc]; nop; mov r1,#1 (overwritten by mov r1,#2); svc
    arm(CODE, 0xe58f_0000, 0xe320_f000, 0xe3a0_1001, SVC);
    cpu.ru[0] = 0xe3a0_1002;
    run(CODE);
    expect(cpu.r[1]).toBe(2);
    // Once more, now that all of it has been decoded before.
    cpu.ru[0] = 0xe3a0_1003;
    run(CODE);
    expect(cpu.r[1]).toBe(3);
  });
});

describe('the cache of decoded instructions', () => {
  test('gives one object per ITSTATE, and forgets what is written to or unmapped', () => {
    thumb(CODE, 0x1840); // adds r0,r0,r1, or add<c>
    const cache = new InsnCache(space);
    const plain = cache.fetch(CODE + 1, 0);
    expect(cache.fetch(CODE + 1, 0)).toBe(plain);
    const inBlock = cache.fetch(CODE + 1, 0x08);
    expect(inBlock).toMatchObject({ cond: 0, itBefore: 8, itAfter: 0 });
    expect(plain.cond).toBe(14);
    space.fault(CODE, WRITE); // as a store would
    thumb(CODE, 0x1a40);
    expect(cache.fetch(CODE + 1, 0).row.mnemonic).toBe('sub');
    space.unmap(CODE, CODE + PAGE_SIZE);
    expect(cache.peek(CODE + 1, 0)).toBeNull();
    expect(() => cache.fetch(CODE + 1, 0)).toThrow(expect.objectContaining({ address: CODE, access: EXEC }));
  });

  test('forgets an instruction across a page border when its second page changes', () => {
    const border = CODE + PAGE_SIZE;
    thumb(border - 2, 0xf04f, 0x0007);
    const cache = new InsnCache(space);
    expect(cache.fetch(border - 1, 0).bits).toBe(0xf04f_0007);
    space.fault(border, WRITE);
    thumb(border, 0x0008);
    expect(cache.fetch(border - 1, 0).bits).toBe(0xf04f_0008);
  });
});

describe('as the first tier of the JIT', () => {
  test('run leaves at a branch target when asked, before the instruction there', () => {
    arm(CODE, 0xe280_0001, 0xe350_0003, 0x1aff_fffc, SVC); // 1: add r0,#1; cmp r0,#3; bne 1b; svc
    const interpreter = new Interpreter(space, recording);
    const asked: number[] = [];
    cpu.location = CODE;
    const left = interpreter.run(cpu, (location) => {
      asked.push(location);
      return cpu.r[0] === 2;
    });
    expect(left).toBe(true);
    expect(asked).toEqual([CODE, CODE]);
    expect([cpu.location, cpu.r[0]]).toEqual([CODE, 2]);
    expect(interpreter.run(cpu)).toBe(false);
    expect(events).toEqual([`svc 0 pc ${hex(CODE + 16)}`]);
  });

  test('step runs one instruction: plain, branch, IT, fault, system call', () => {
    const interpreter = new Interpreter(space, recording);
    thumb(CODE, 0xbf18, 0x3001, 0xe000, 0x3002, 0x6808, 0xdf05); // it ne; addne r0,#1; b +; adds r0,#2; ldr r0,[r1]; svc 5
    cpu.location = CODE + 1;
    const steps: string[] = [];
    for (let i = 0; i < 3; i++) steps.push(`${interpreter.step(cpu)} ${hex(cpu.location)}`);
    expect(steps).toEqual([`true ${hex(CODE + 3)}`, `true ${hex(CODE + 5)}`, `true ${hex(CODE + 9)}`]);
    expect(cpu.r[0]).toBe(1);
    cpu.ru[1] = 0x2000;
    expect(interpreter.step(cpu)).toBe(false);
    cpu.ru[1] = DATA;
    hooks.syscall = () => true;
    expect(interpreter.step(cpu)).toBe(true);
    expect(interpreter.step(cpu)).toBe(true);
    expect(events).toEqual([`fault 2000 ${READ} unmapped pc ${hex(CODE + 9)}`, `svc 5 pc ${hex(CODE + 13)}`]);
  });
});
