/** The log of system calls of real programs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeFixtures, makeRoot } from '../programs/engines.ts';
import { compile, programs } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
let fixtures: string;
let root: string;
beforeAll(() => {
  fixtures = makeFixtures();
  root = makeRoot('date');
});

function strace(...args: string[]): string[] {
  const { stderr } = spawnSync(process.execPath, [bin, '--cpu', 'interp', '--strace', ...args], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  return stderr.trimEnd().split('\n');
}

describe('strace', () => {
  test('a program from start to end', () => {
    const lines = strace(`${fixtures}/hello.static`);
    expect(lines.every((line) => /^\[pid \d+\] (\w+\(.*\) += |\+\+\+)/.test(line))).toBe(true);
    expect(lines[0]).toMatch(/brk\(NULL\) += 0x[0-9a-f]+$/);
    expect(lines.at(-2)).toMatch(/exit_group\(0\) += \?$/);
    expect(lines.at(-1)).toMatch(/\+\+\+ exited with 0 \+\+\+$/);
  });

  test('calls that sleep are cut in two, out-parameters come after return', () => {
    // The shell is surely waiting by the time that its child writes, however busy the machine is.
    const lines = strace('--root', root, '/bin/sh', '-c', 'x=$(sleep 0.5; echo hello); echo $x');
    const text = lines.map((line) => line.replace(/^\[pid \d+\] /, '')).join('\n');
    expect(text).toMatch(
      /^openat\(AT_FDCWD, "\/lib\/arm-linux-gnueabihf\/libc\.so\.6", O_RDONLY\|O_LARGEFILE\|O_CLOEXEC.*\) += \d$/m,
    );
    expect(text).toMatch(/^read\(3, {1,2}<unfinished \.\.\.>$/m);
    expect(text).toMatch(/^<\.\.\. read resumed>"hello\\n", \d+\) += 6$/m);
    expect(text).toMatch(/^wait4\(-1, (<unfinished \.\.\.>|\{WIFEXITED)/m);
    expect(text).toMatch(
      /--- SIGCHLD \{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=\d+, si_uid=\d+, si_status=0\} ---/,
    );
    expect(new Set(lines.map((line) => /^\[pid (\d+)\]/.exec(line)?.[1])).size).toBe(3);
  });

  test('children are followed, each with its pid', () => {
    const lines = strace('--root', root, '/bin/sh', '-c', '/bin/true; kill -KILL $$');
    const parent = /^\[pid (\d+)\]/.exec(lines[0]!)![1];
    const made = lines.find((l) => l.startsWith(`[pid ${parent}]`) && /(clone|vfork|fork).*= \d+$/.test(l))!;
    const child = / (\d+)$/.exec(made)![1];
    expect(child).not.toBe(parent);
    const of = (pid: string | undefined) => lines.filter((l) => l.startsWith(`[pid ${pid}] `)).join('\n');
    expect(of(child)).toMatch(/execve\("\/bin\/true", \["\/bin\/true"\], .*\) += 0$/m);
    expect(of(child)).toMatch(/exit_group\(0\) += \?\n.*\+\+\+ exited with 0 \+\+\+$/);
    expect(of(parent)).toMatch(new RegExp(`wait4.*= ${child}$`, 'm'));
    expect(of(parent)).toMatch(/\+\+\+ killed by SIGKILL \+\+\+$/);
  });

  test('a struct is shown when the call has filled it, else where it was to be', () => {
    const source = readFileSync(`${programs}/filesystems.c`, 'utf8');
    const text = strace(compile('filesystems', source, 'arm')).join('\n');
    expect(text).toMatch(/ustat\(0x[0-9a-f]+, \{f_tfree=-?\d+, f_tinode=\d+\}\) += 0$/m);
    expect(text).toMatch(/ustat\(0xfffff, 0x[0-9a-f]+\) += -1 EINVAL \(Invalid argument\)$/m);
    expect(text).toMatch(/ustat\(0xfffff, NULL\) += -1 EINVAL \(Invalid argument\)$/m);
  });

  test('death by a signal', () => {
    const lines = strace(`${fixtures}/fault.static`, 'null');
    expect(
      lines.some((l) => /--- SIGSEGV \{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=.*\} ---/.test(l)),
    ).toBe(true);
    expect(lines.some((l) => l.endsWith('+++ killed by SIGSEGV +++'))).toBe(true);
    expect(lines.at(-1)).toMatch(/^armrun: Segmentation fault at address 0x\w+ \(pc 0x\w+/);
  });
});
