/**
 * Hardware breakpoints and watchpoints, by hw-breakpoint.c: what is expected is what arch/arm/kernel/ptrace.c and
 * hw_breakpoint.c do, as neither this machine's kernel nor qemu-arm has ARM's.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compile } from '../vfs/compile.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const EXPECTED = `\
5080405
set(0, 1) = 0
get(1) = 0
trace(GETHBPREGS, 33, &status) = -1 EINVAL
trace(SETHBPREGS, -33, &status) = -1 EINVAL
trace(SETHBPREGS, 1, NULL) = -1 EFAULT
trace(GETHBPREGS, 1, NULL) = -1 EFAULT
set(2, ON(LOAD, WORD)) = -1 EINVAL
set(-2, ON(EXECUTE, WORD)) = -1 EINVAL
set(2, ON(EXECUTE, 5)) = -1 EINVAL
set(2, ON(EXECUTE, BYTE)) = -1 EINVAL
set(2, ON(EXECUTE, DOUBLE)) = -1 EINVAL
set(3, 0) = 0
set(5, 0) = 0
set(7, 0) = 0
set(11, 0) = 0
set(9, 0) = -1 ENOSPC
set(-1, AT(&data.words[1])) = 0
set(-2, ON(STORE, WORD)) = 0
1 1f5
word stored: signal 5 code 4 register -1, step 0, data + 4
the same: signal 5 code 4 register -1, step 0, data + 4
set(-2, OFF(STORE, WORD)) = 0
off: none
set(-2, ON(LOAD, WORD)) = 0
word loaded: none
set(-1, AT(&data.words[16])) = 0
set(-2, ON(BOTH, WORD)) = 0
the kernel's: none
set(-2, OFF(BOTH, WORD)) = 0
set(-3, (uint32_t)&data.bytes[11]) = 0
set(-4, ON(BOTH, BYTE)) = 0
byte: signal 5 code 4 register -3, step 1, data + 11
set(-4, 0) = -1 EINVAL
set(-4, OFF(BOTH, BYTE)) = 0
off: none
set(-3, (uint32_t)&data.bytes[33]) = 0
set(-4, ON(BOTH, DOUBLE)) = -1 EINVAL
set(-4, ON(BOTH, HALF)) = 0
set(-3, (uint32_t)&data.bytes[35]) = -1 EINVAL
set(-4, OFF(BOTH, HALF)) = 0
set(-3, AT(&data.doubles[4])) = 0
set(-4, ON(BOTH, DOUBLE)) = 0
double: signal 5 code 4 register -3, step 2, data + 32
set(-4, OFF(BOTH, WORD)) = 0
off: none
set(-3, AT(&data.words[27])) = 0
set(-4, ON(STORE, WORD)) = 0
memset: signal 5 code 4 register -3, step 4, data + 108
set(-4, OFF(STORE, WORD)) = 0
off: none
set(-3, 0xffff0fc0) = 0
set(-4, ON(STORE, WORD)) = -1 EINVAL
set(1, AT(in_arm)) = 0
set(2, ON(EXECUTE, WORD)) = 0
breakpoint: signal 5 code 4 register 1, step 5, in_arm
the same: signal 5 code 4 register 1, step 5, in_arm
set(2, OFF(EXECUTE, WORD)) = 0
off: none
set(3, AT(in_thumb)) = 0
set(4, ON(EXECUTE, HALF)) = 0
breakpoint: signal 5 code 4 register 3, step 6, in_thumb
set(4, OFF(EXECUTE, HALF)) = 0
off: none
`;

test.each(['jit', 'interp', 'reference'])('stops where the tracer wants (%s)', (cpu) => {
  const program = compile('hw-breakpoint', readFileSync(path('./hw-breakpoint.c'), 'utf8'), 'arm');
  const run = spawnSync(process.execPath, [path('../../src/bin.cjs'), '--cpu', cpu, program], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect(run).toMatchObject({ status: 0, stderr: '', stdout: EXPECTED });
});
