/** Numbers and names of the system calls against the kernel's own headers for armhf. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERRNO } from '../../syscalls/abi/errno.ts';
import { ARM_NR_BASE, SYSCALL_NAMES } from '../../syscalls/abi/unistd.ts';
import { coverageDocument } from '../../syscalls/calls/coverage.ts';
import { PARTIAL, reasoned } from '../../syscalls/calls/missing.ts';
import { allCalls } from '../../syscalls/calls/table.ts';
import { CAP, CAP_LAST } from '../../syscalls/vfs/core/creds.ts';

const headers = '/usr/arm-linux-gnueabihf/include';

function defines(file: string, pattern: RegExp): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, name, value] of readFileSync(`${headers}/${file}`, 'utf8').matchAll(pattern)) {
    found.set(name!, Number(value));
  }
  return found;
}

const eabi = defines('asm/unistd-eabi.h', /^#define __NR_(\w+) \(__NR_SYSCALL_BASE \+ (\d+)\)/gm);
const own = defines('asm/unistd.h', /^#define __ARM_NR_(\w+)\s+\(__ARM_NR_BASE\+(\d+)\)/gm);

describe('numbers', () => {
  test('every number of the headers has its name', () => {
    expect(eabi.size).toBeGreaterThan(390);
    for (const [name, number] of eabi) expect([number, SYSCALL_NAMES.get(number)]).toEqual([number, name]);
    expect(own.size).toBe(6);
    for (const [name, number] of own) expect(SYSCALL_NAMES.get(ARM_NR_BASE + number)).toBe(name);
  });

  test('no number below the newest of the headers is ours alone', () => {
    const known = new Set(eabi.values());
    const newest = Math.max(...known);
    for (const number of SYSCALL_NAMES.keys()) {
      if (number <= newest) expect(known).toContain(number);
    }
  });

  test('every declared call has the name of its number, once', () => {
    // asm/unistd.h: #define __NR_sync_file_range2 __NR_arm_sync_file_range
    const alias = (name: string) => (name === 'sync_file_range2' ? 'arm_sync_file_range' : name);
    const seen = new Set<number>();
    for (const call of allCalls) {
      expect([call.number, alias(call.name)]).toEqual([call.number, SYSCALL_NAMES.get(call.number)]);
      expect(seen).not.toContain(call.number);
      seen.add(call.number);
    }
  });

  test('error numbers', () => {
    const values = new Map([
      ...defines('asm-generic/errno-base.h', /^#define\s+(E\w+)\s+(\d+)/gm),
      ...defines('asm-generic/errno.h', /^#define\s+(E\w+)\s+(\d+)/gm),
    ]);
    expect(values.size).toBeGreaterThan(125);
    expect(new Map(Object.entries(ERRNO))).toEqual(values);
  });

  test('what is said to be partly here is here, and reasons are given for calls that there are, once', () => {
    const here = new Set(allCalls.map((call) => SYSCALL_NAMES.get(call.number)!));
    for (const name of Object.keys(PARTIAL)) expect(here).toContain(name);
    const all = new Set(SYSCALL_NAMES.values());
    for (const name of reasoned) expect(all).toContain(name);
    expect(new Set(reasoned).size).toBe(reasoned.length);
  });

  test('capabilities', () => {
    const values = defines('linux/capability.h', /^#define CAP_(\w+)\s+(\d+)$/gm);
    expect(values.size).toBeGreaterThan(40);
    expect(new Map(Object.entries(CAP))).toEqual(values);
    expect(CAP_LAST).toBe(Math.max(...values.values()));
  });

  test('docs/SYSCALLS.md is what the declarations say', () => {
    const written = readFileSync(new URL('../../docs/SYSCALLS.md', import.meta.url), 'utf8');
    expect(written).toBe(coverageDocument());
  });
});
