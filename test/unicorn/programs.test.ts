/** Programs of Debian's armhf packages on the Unicorn CPU as under qemu-arm, and on two CPUs in lockstep. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import { words } from '../programs/commands.ts';
import { armrun, difference, type Invocation, makeRoot, qemu } from '../programs/engines.ts';

let root: string;
beforeAll(() => {
  root = makeRoot('full');
});

function invocation(line: string): Invocation {
  const id = createHash('md5').update(line).digest('hex').slice(0, 8);
  return { root, argv: words(line), cwd: `/tmp/unicorn-${id}`, stdin: '' };
}

const PROGRAMS = [
  'date -u -d @1700000000',
  'sha256sum /etc/passwd /usr/bin/date',
  'sort -k2 -t: -n /etc/passwd',
  'gawk \'BEGIN{for(i=0;i<200;i++) s+=sin(i)*i; printf "%.9f %s\\n", s, substr("hello",2,3)}\'',
];

describe.each(PROGRAMS)('%s', (line) => {
  test.each(['unicorn', 'unicorn.js'] as const)('--cpu %s', async (cpu) => {
    const run = invocation(line);
    expect(difference(await armrun(run, cpu), await qemu(run))).toBeUndefined();
  });

  test.each([
    ['jit', 'unicorn'],
    ['jit', 'reference'],
    ['interp', 'jit'],
    ['unicorn.js', 'interp'],
  ] as const)('--cpu %s --verify %s', async (cpu, second) => {
    const run = invocation(line);
    expect(difference(await armrun(run, cpu, ['--verify', second]), await qemu(run))).toBeUndefined();
  });
});

// qemu-arm loses the program at execve.
test.each([
  ['unicorn', []],
  ['unicorn.js', []],
  ['jit', ['--verify', 'unicorn']],
  ['jit', ['--verify', 'interp']],
] as const)('a shell with children: --cpu %s %j', async (cpu, options) => {
  const script =
    'for i in 1 2; do echo $(echo $i | sed s/1/one/); done; cat <(seq 3) | tail -1; (exit 5) || echo $?';
  const run: Invocation = { root, argv: ['/bin/bash', '-c', script], cwd: '/tmp/unicorn-sh', stdin: '' };
  expect(await armrun(run, cpu, options)).toEqual({
    status: 0,
    signal: null,
    stdout: 'one\n2\n3\n5\n',
    stderr: '',
  });
});
