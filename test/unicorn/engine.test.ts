import { afterEach, expect, test } from 'vitest';
import * as uc from '../../emu/unicorn/engine.ts';
import { assemble } from './assemble.ts';

const BASE = 0x1_0000;
const open: uc.Unicorn[] = [];

function engine(code: string): uc.Unicorn {
  const e = new uc.Unicorn(uc.ARCH_ARM, uc.MODE_ARM);
  open.push(e);
  e.mem_map(BASE, 0x1000, uc.PROT_ALL);
  e.mem_write(BASE, assemble(code));
  return e;
}

afterEach(() => {
  for (const e of open.splice(0)) e.close();
});

test('version 2 with ARM', () => {
  expect(uc.version()[0]).toBe(2);
  expect(uc.arch_supported(uc.ARCH_ARM)).toBe(true);
});

test('runs the example of the unicorn.js manual', () => {
  const e = engine('mov r0, #0x37\n sub r1, r2, r3');
  e.reg_write_i32(uc.ARM_REG_R0 + 2, 0x456);
  e.reg_write_i32(uc.ARM_REG_R0 + 3, 0x123);
  e.emu_start(BASE, BASE + 8, 0, 0);
  expect(e.reg_read_i32(uc.ARM_REG_R0)).toBe(0x37);
  expect(e.reg_read_i32(uc.ARM_REG_R0 + 1)).toBe(0x333);
});

test('hooks see code, memory and interrupts, and can be taken off again', () => {
  const e = engine('ldr r0, [pc, #8]\n str r0, [sp]\n svc 0\n nop\n .word 0x12345678');
  e.reg_write_i32(uc.ARM_REG_SP, BASE + 0x800);
  const seen: unknown[] = [];
  const code = e.hook_add(
    uc.HOOK_CODE,
    (_e, address, size) => void seen.push(['code', address - BASE, size]),
  );
  e.hook_add(uc.HOOK_MEM_READ | uc.HOOK_MEM_WRITE, (_e, type, address, size, value) => {
    seen.push([type === uc.MEM_WRITE ? 'write' : 'read', address - BASE, size, value]);
    return undefined;
  });
  e.hook_add(uc.HOOK_INTR, (self, intno) => {
    seen.push(['interrupt', intno]);
    self.emu_stop();
  });
  e.emu_start(BASE, BASE + 0x100, 0, 0);
  expect(seen).toEqual([
    ['code', 0, 4],
    ['read', 16, 4, 0n],
    ['code', 4, 4],
    ['write', 0x800, 4, 0x12345678n],
    ['code', 8, 4],
    ['interrupt', 2],
  ]);
  expect(e.reg_read_i32(uc.ARM_REG_PC)).toBe(BASE + 12);
  e.hook_del(code);
  expect(() => e.hook_del(code)).toThrow(RangeError);
});

test('what a hook throws stops the guest and comes out of emu_start', () => {
  const e = engine('1: add r0, r0, #1\n b 1b');
  e.hook_add(uc.HOOK_CODE, () => {
    throw new Error('from the hook');
  });
  expect(() => e.emu_start(BASE, 0, 0, 0)).toThrow('from the hook');
  expect(e.reg_read_i32(uc.ARM_REG_R0)).toBeLessThan(2);
});

test('a fault hook may map what is missing', () => {
  const e = engine('ldr r0, [r1]');
  e.reg_write_i32(uc.ARM_REG_R0 + 1, 0x5_0000);
  const hook = e.hook_add(uc.HOOK_MEM_READ_UNMAPPED, (self, _type, address) => {
    self.mem_map(address & ~0xfff, 0x1000, uc.PROT_READ);
    self.mem_write(address, Uint8Array.of(1, 2, 3, 4));
    return true;
  });
  e.emu_start(BASE, BASE + 4, 0, 0);
  expect(e.reg_read_i32(uc.ARM_REG_R0)).toBe(0x04030201);
  e.hook_del(hook);
  e.mem_unmap(0x5_0000, 0x1000);
  expect(() => e.emu_start(BASE, BASE + 4, 0, 0)).toThrow(uc.UnicornError);
});

test('works on memory of ours', () => {
  const e = engine('str r0, [r1]');
  const bytes = new Uint8Array(new SharedArrayBuffer(0x1000));
  e.mem_map_ptr(0x2_0000, 0x1000, uc.PROT_ALL, bytes);
  e.reg_write_i32(uc.ARM_REG_R0, 0xcafe);
  e.reg_write_i32(uc.ARM_REG_R0 + 1, 0x2_0010);
  e.emu_start(BASE, BASE + 4, 0, 0);
  expect(bytes[0x10]).toBe(0xfe);
  expect(() => e.mem_map_ptr(0x3_0000, 0x2000, uc.PROT_ALL, bytes)).toThrow(RangeError);
});

test('a batch of registers, 64-bit registers and contexts', () => {
  const e = engine('nop');
  const batch = new uc.RegisterBatch([uc.ARM_REG_R0, uc.ARM_REG_D0, uc.ARM_REG_R0 + 1], [4, 8, 4]);
  batch.values.setUint32(0, 7, true);
  batch.values.setBigUint64(8, 0x1122334455667788n, true);
  batch.values.setUint32(16, 9, true);
  e.reg_write_batch(batch);
  expect(e.reg_read_i64(uc.ARM_REG_D0)).toBe(0x1122334455667788n);
  expect(e.reg_read_i32(uc.ARM_REG_S0)).toBe(0x55667788);
  const context = e.context_alloc();
  e.context_save(context);
  e.reg_write_i32(uc.ARM_REG_R0 + 1, 1);
  e.reg_write_i64(uc.ARM_REG_D0, 1n);
  e.context_restore(context);
  e.context_free(context);
  batch.bytes.fill(0);
  e.reg_read_batch(batch);
  expect(batch.values.getBigUint64(8, true)).toBe(0x1122334455667788n);
  expect(batch.values.getUint32(16, true)).toBe(9);
});
