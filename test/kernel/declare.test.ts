/** Declarations: where the EABI puts arguments, how they decode, and how strace prints them. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { CpuBackend } from '../../emu/cpu.ts';
import { CpuState } from '../../emu/cpu-state.ts';
import { AddressSpace } from '../../emu/memory/address-space.ts';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { Errno, fail } from '../../syscalls/abi/errno.ts';
import { s32, struct, u64 } from '../../syscalls/abi/struct.ts';
import { timespec64 } from '../../syscalls/abi/time.ts';
import * as arg from '../../syscalls/calls/args.ts';
import { type Arg, type Call, call } from '../../syscalls/calls/declare.ts';
import { Mm } from '../../syscalls/kernel/mm.ts';
import type { Task } from '../../syscalls/kernel/task.ts';

const BASE = 0x20000;
let t: Task;
let mm: Mm;

beforeEach(() => {
  const space = AddressSpace.create();
  space.map({
    start: BASE,
    end: BASE + 0x2000,
    prot: READ | WRITE,
    shared: false,
    source: null,
    offset: 0,
    growsDown: false,
    name: '',
  });
  mm = new Mm(space, {} as CpuBackend);
  const cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  t = { mm, cpu } as unknown as Task;
  return () => space.close();
});

function put(at: number, text: string): number {
  mm.writable(at, text.length + 1).set(Buffer.from(`${text}\0`, 'latin1'));
  return at;
}

function invoke(c: Call, ...registers: number[]): number {
  t.cpu.r.set(registers);
  return c.invoke(t, t.cpu.r);
}

/** As strace prints an argument with these register values. */
function printed<T>(
  kind: Arg<T>,
  low: number,
  options: { args?: number[]; result?: number; high?: number } = {},
) {
  const { args = [low], result = 0, high = 0 } = options;
  return kind.print({ task: t, args, result }, low, high);
}

describe('arguments', () => {
  test('64-bit arguments take even/odd pairs', () => {
    let got: unknown[] = [];
    const c = call(180, 'pread64', [arg.fd, arg.ptr, arg.size, arg.s64], (_t, ...values) => {
      got = values;
      return 7;
    });
    expect(c.registers).toEqual([0, 1, 2, 4]);
    expect(invoke(c, 3, -4096, 10, 99, 5, 1)).toBe(7);
    expect(got).toEqual([3, 0xffff_f000, 10, 2 ** 32 + 5]);
    invoke(c, 3, 0, 0, 0, -1, -1);
    expect(got[3]).toBe(-1);
    expect(call(270, 'arm_fadvise64_64', [arg.fd, arg.int, arg.s64, arg.s64], () => 0).registers).toEqual([
      0, 1, 2, 4,
    ]);
    expect(() => call(1, 'x', [arg.fd, arg.s64, arg.s64, arg.s64], () => 0)).toThrow(/more argument words/);
  });

  test('any number of arguments', () => {
    for (let n = 0; n <= 7; n++) {
      const kinds = Array.from({ length: n }, () => arg.int);
      const c = call(1, 'x', kinds, (_t, ...values) => values.reduce((a, b) => a * 10 + b, 0));
      expect(invoke(c, 1, 2, 3, 4, 5, 6, 7)).toBe(Number('1234567'.slice(0, n) || '0'));
    }
  });

  test('paths: byte strings, EFAULT, ENAMETOOLONG', () => {
    const seen: string[] = [];
    const c = call(5, 'open', [arg.path], (_t, path) => seen.push(path));
    invoke(c, put(BASE + 0xffe, '/caf\xe9'));
    expect(seen).toEqual(['/caf\xe9']);
    const error = (at: number) => {
      try {
        invoke(c, at);
      } catch (e) {
        return e instanceof Errno ? e.name : e;
      }
      return undefined;
    };
    expect(error(0)).toBe('EFAULT');
    expect(error(BASE + 0x2000)).toBe('EFAULT');
    mm.writable(BASE, 0x2000).fill(0x61);
    expect(error(BASE)).toBe('ENAMETOOLONG');
    expect(error(BASE + 0x1800)).toBe('EFAULT'); // runs into the end of the mapping
  });

  test('structs by value, null for a null pointer', () => {
    mm.put(timespec64, BASE, { tv_sec: -2, tv_nsec: 5 });
    let got: unknown;
    const c = call(1, 'x', [arg.structIn(timespec64), arg.structInOrNull(timespec64)], (_t, a, b) => {
      got = [a.tv_sec, a.tv_nsec, b];
      return 0;
    });
    invoke(c, BASE, 0);
    expect(got).toEqual([-2, 5, null]);
    expect(() => invoke(c, 0, 0)).toThrow(Object(expect.objectContaining({ name: 'EFAULT' })));
  });

  test('fail throws one object per number, and no stack', () => {
    const errors = [0, 1].map(() => {
      try {
        return fail('ENOENT');
      } catch (e) {
        return e as Errno;
      }
    });
    expect(errors[0]).toBe(errors[1]);
    expect(errors[0]).toMatchObject({ name: 'ENOENT', errno: 2, message: 'No such file or directory' });
    expect(errors[0]).not.toBeInstanceOf(Error);
  });
});

describe('printing', () => {
  test('numbers and addresses', () => {
    expect(printed(arg.int, -1)).toBe('-1');
    expect(printed(arg.uint, -1)).toBe('4294967295');
    expect(printed(arg.ptr, 0)).toBe('NULL');
    expect(printed(arg.ptr, -4096)).toBe('0xfffff000');
    expect(printed(arg.mode, 0o644)).toBe('0644');
    expect(printed(arg.dirfd, -100)).toBe('AT_FDCWD');
    expect(printed(arg.s64, -2, { high: -1 })).toBe('-2');
    expect(printed(arg.u64, -1, { high: 1 })).toBe('8589934591');
  });

  test('strings as C writes them', () => {
    expect(arg.quote('a"b\\c\n\t\x01\x011\xff')).toBe('"a\\"b\\\\c\\n\\t\\1\\0011\\377"');
    expect(printed(arg.path, put(BASE, '/etc/passwd'))).toBe('"/etc/passwd"');
    expect(printed(arg.path, 0x100)).toBe('0x100');
    const text = 'x'.repeat(40);
    put(BASE, text);
    expect(printed(arg.bytesIn(2), BASE, { args: [1, BASE, 40] })).toBe(`"${'x'.repeat(32)}"...`);
    expect(printed(arg.bytesOut, BASE, { result: 3 })).toBe('"xxx"');
    expect(printed(arg.bytesOut, BASE, { result: -14 })).toBe('0x20000');
  });

  test('flags', () => {
    const names = {
      O_RDONLY: 0,
      O_WRONLY: 1,
      O_RDWR: 2,
      O_SYNC: 0o4010000,
      O_DSYNC: 0o10000,
      O_CREAT: 0o100,
    };
    const kind = arg.flags(names, 3);
    expect(printed(kind, 0)).toBe('O_RDONLY');
    expect(printed(kind, 2 | 0o100)).toBe('O_RDWR|O_CREAT');
    expect(printed(kind, 1 | 0o4010000)).toBe('O_WRONLY|O_SYNC');
    expect(printed(kind, 1 | 0o10000 | 0x4000_0000)).toBe('O_WRONLY|O_DSYNC|0x40000000');
    expect(printed(arg.flags({ A: 1, B: 0x8000_0000 }), 0x8000_0001 | 0)).toBe('A|B');
    expect(printed(arg.flags({ A: 1 }), 0)).toBe('0');
    expect(printed(arg.oneOf({ SEEK_SET: 0, SEEK_CUR: 1 }), 1)).toBe('SEEK_CUR');
    expect(printed(arg.oneOf({ SEEK_SET: 0 }), 9)).toBe('0x9');
  });

  test('structs, arrays and vectors', () => {
    mm.put(timespec64, BASE, { tv_sec: 1, tv_nsec: 2 });
    expect(printed(arg.structIn(timespec64), BASE)).toBe('{tv_sec=1, tv_nsec=2}');
    expect(printed(arg.structOut(timespec64), BASE, { result: -22 })).toBe('0x20000');
    expect(arg.structOut(timespec64).out).toBe(true);
    mm.put(s32, BASE, -3);
    expect(printed(arg.structOut(s32), BASE)).toBe('[-3]');
    mm.writable(BASE, 12).set(
      new Uint8Array(Uint32Array.of(put(BASE + 64, 'ls'), put(BASE + 72, '-l'), 0).buffer),
    );
    expect(printed(arg.stringVector, BASE)).toBe('["ls", "-l"]');
  });

  test('results', () => {
    expect(arg.resultText(3, 'int')).toBe('3');
    expect(arg.resultText(-2, 'int')).toBe('-1 ENOENT (No such file or directory)');
    expect(arg.resultText(0xb6f0_0000 | 0, 'hex')).toBe('0xb6f00000');
  });
});

describe('structs', () => {
  test('AAPCS layout', () => {
    const s = struct('s', { a: s32, b: u64, c: s32, nested: struct('n', { x: s32 }) });
    expect(s.offsets).toEqual({ a: 0, b: 8, c: 16, nested: 20 });
    expect(s.size).toBe(24);
    mm.put(s, BASE, { a: -1, b: 2 ** 40 + 1, c: 3, nested: { x: 4 } });
    expect(mm.get(s, BASE)).toEqual({ a: -1, b: 2 ** 40 + 1, c: 3, nested: { x: 4 } });
    expect(mm.view.getUint32(BASE + 12, true)).toBe(256);
  });
});
