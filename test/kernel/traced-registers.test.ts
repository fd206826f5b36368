/**
 * d0 to d31 and FPSCR as debuggers see and set them (traced-registers.c says by itself what is wrong): qemu-arm has no ptrace.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compile } from '../vfs/compile.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const EACH = 'stopped by 5\nget 0 of 260 bytes, 0 wrong\nset 0, the tracee finds 0 wrong\n';

test.each(['jit', 'interp', 'reference'])('ptrace shows and sets them all (%s)', (cpu) => {
  const program = compile('traced-registers', readFileSync(path('./traced-registers.c'), 'utf8'), 'arm');
  const run = spawnSync(process.execPath, [path('../../src/bin.cjs'), '--cpu', cpu, program], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect(run).toMatchObject({ status: 0, stderr: '', stdout: EACH + EACH });
});
