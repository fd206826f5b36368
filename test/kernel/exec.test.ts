/** Executing programs: how the first execve's failures are told, scripts, what a program sees of how it was started. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseScript } from '../../syscalls/kernel/exec.ts';
import { makeFixtures } from '../programs/engines.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
let root: string;

beforeAll(() => {
  const fixtures = makeFixtures();
  root = mkdtempSync(`${tmpdir()}/armrun-exec-`);
  mkdirSync(`${root}/bin`);
  mkdirSync(`${root}/tmp`);
  copyFileSync(`${fixtures}/hello.static`, `${root}/bin/hello`);
  copyFileSync(`${fixtures}/hello.dyn`, `${root}/bin/dynamic`);
  copyFileSync('/bin/true', `${root}/bin/foreign`);
  const file = (name: string, text: string, mode = 0o755) => {
    writeFileSync(`${root}/bin/${name}`, text, 'latin1');
    chmodSync(`${root}/bin/${name}`, mode);
  };
  file('script', '#! /bin/hello  one argument \nignored\n');
  file('nested', '#!/bin/script\n');
  file('plain', 'no program\n');
  file('empty', '');
  file('truncated', '\x7fELF\x01\x01\x01\0');
  file('lost', '#!/bin/none\n');
  file('denied', '#!/bin/hello\n', 0o644);
  file('loop', '#!/bin/loop\n');
  symlinkSync('circle', `${root}/bin/circle`);
  symlinkSync('/bin/hello', `${root}/bin/link`);
});
afterAll(() => rmSync(root, { recursive: true }));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [bin, '--cpu', 'interp', '--root', root, ...args],
    {
      encoding: 'utf8',
      timeout: 180_000,
    },
  );
  return { status, stdout, stderr };
}

describe('failures', () => {
  test.each([
    ['/bin/none', 127, 'not found'],
    ['/none/at/all', 127, 'not found'],
    ['/bin/hello/x', 127, 'Not a directory'],
    ['/bin/lost', 127, 'not found'],
    ['/bin/dynamic', 127, 'not found'],
    ['none', 127, 'not found'],
    ['/bin', 126, 'permission denied'],
    ['/bin/denied', 126, 'permission denied'],
    ['/bin/plain', 126, 'not a program for 32-bit ARM Linux'],
    ['/bin/empty', 126, 'not a program for 32-bit ARM Linux'],
    ['/bin/truncated', 126, 'not a program for 32-bit ARM Linux'],
    ['/bin/foreign', 126, 'not a program for 32-bit ARM Linux'],
    ['/bin/circle', 126, 'Too many levels of symbolic links'],
    ['/bin/loop', 126, 'Too many levels of symbolic links'],
    [`/${'x'.repeat(5000)}`, 126, 'File name too long'],
  ])('%s', (program, status, why) => {
    const result = run(program);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^armrun: .*\n$/);
    expect(result.stderr).toContain(why);
  });
});

describe('scripts', () => {
  test('one argument, blanks stripped, the script in place of argv[0]', () => {
    const { status, stdout, stderr } = run('--argv0', 'zero', '/bin/script', 'a', 'b c');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe('Hello, world!\n1: one argument\n2: /bin/script\n3: a\n4: b c\n');
  });

  test('of scripts', () => {
    const { status, stdout } = run('/bin/nested', 'x');
    expect(status).toBe(0);
    expect(stdout).toBe('Hello, world!\n1: one argument\n2: /bin/script\n3: /bin/nested\n4: x\n');
  });

  test('first lines', () => {
    const parse = (text: string) => parseScript(Buffer.from(text, 'latin1'));
    expect(parse('#!/bin/sh\n')).toEqual({ interpreter: '/bin/sh', argument: '' });
    expect(parse('#! \t/bin/sh \t -e  x \t\nrest')).toEqual({ interpreter: '/bin/sh', argument: '-e  x' });
    expect(parse('#!/bin/sh -x')).toEqual({ interpreter: '/bin/sh', argument: '-x' });
    const fails = (text: string) =>
      expect(() => parse(text)).toThrow(Object(expect.objectContaining({ name: 'ENOEXEC' })));
    fails('#!\n');
    fails('#!  \t \n/bin/sh');
    fails(`#!/${'x'.repeat(300)}`.slice(0, 256));
    expect(parse(`#!/x ${'y'.repeat(300)}`.slice(0, 256)).argument).toBe('y'.repeat(250));
  });
});

test('links and names found by PATH', () => {
  expect(run('/bin/link').status).toBe(0);
  const { status, stdout } = run('-E', 'PATH=/none:/bin', 'hello', 'x');
  expect(status).toBe(0);
  expect(stdout).toContain('x');
});
