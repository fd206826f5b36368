/** Our own fixtures, in all their variants: as under qemu-arm, and as Linux does where qemu-arm is known not to. */
import { linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';

import { armrun, difference, makeFixtures, makeRoot, type Outcome, qemu } from './programs/engines.ts';

/** What qemu-arm 7.2 shows, and what Linux on ARM does. */
const LINUX: Record<string, readonly (readonly [RegExp, string])[]> = {
  fault: [
    // The context's fault_address is not filled in.
    [/but another in the context/g, 'same'],
    // The guard page below the stack is a mapping of qemu-arm's own.
    [/signal 11 code 2 address not as expected same/, 'signal 11 code 1 address not as expected same'],
    // do_undefinstr says ILL_ILLOPC.
    [/signal 4 code 2/, 'signal 4 code 1'],
  ],
  files: [
    // getdents of a 32-bit program gives EOVERFLOW on the file systems of 64-bit hosts.
    [/^\. has .*$/m, '. has 7, again 7: ..:4 .:4 a:8 c:8 e:4 loop:10 s:10'],
    [/^e\/f has .*$/m, 'e/f has 2, again 2: ..:4 .:4'],
    // Descriptors of qemu-arm's own are in the way.
    [/F_DUPFD, 10\) = 11/, 'F_DUPFD, 10) = 10'],
    // It looks at the buffer before it knows that the file has ended.
    [/(EBADF\n)read\(fd, bad, 1\) = EFAULT/, '$1read(fd, bad, 1) = 0'],
    // It opens with the O_LARGEFILE of its 64-bit host.
    [/(O_TRUNC \| O_WRONLY\)) = 7/, '$1 = EOVERFLOW'],
  ],
  mapping: [
    [/mprotect over a hole: done/, 'mprotect over a hole: Cannot allocate memory'],
    [/702 elsewhere/g, '702'],
  ],
  // A flush invalidates only the addresses it names, not the same page mapped elsewhere.
  selfmod: [[/two views 12\ntwo views 13/, 'two views 22\ntwo views 33']],
  stack: [
    // The machine that qemu-arm's "max" CPU is.
    [/platform v8l/, 'platform v7l'],
    [/stack high 0/, 'stack high 1'],
  ],
  // do_undefinstr of arch/arm/kernel/traps.c: ILL_ILLOPC, trap_no 6.
  ucontext: [
    [/^signo errno code: 00000004 00000000 00000002$/m, 'signo errno code: 00000004 00000000 00000001'],
    [/^trap_no error_code oldmask: 00000000/m, 'trap_no error_code oldmask: 00000006'],
  ],
};

const FAULTS = [
  ...[
    'null',
    'nullwrite',
    'wild',
    'kernel',
    'readonly',
    'text',
    'none',
    'jump',
    'noexec',
    'cross',
    'crosswrite',
  ],
  ...[
    'multiple',
    'align',
    'stack',
    'undefined',
    'breakpoint',
    'armbreak',
    'thumbbreak',
    'widebreak',
    'abort',
    'trap',
  ],
];

/** Arguments that each fixture is run with; [] alone where nothing is said. */
const ARGUMENTS: Record<string, readonly (readonly string[])[]> = {
  hello: [[], ['one', 'two words', '']],
  fault: FAULTS.flatMap((kind) => [[kind, 'handle'], [kind]]),
  end: [
    [],
    ['3'],
    ['256'],
    ['abort'],
    ['raise', '15'],
    ['raise', '9'],
    ['raise', '10'],
    ['raise', '17'],
    ['exit_group'],
    ['_exit'],
  ],
  stack: [['a', '', 'with blank', 'é']],
  sha256: [['16']],
  heap: [['1500']],
};

/** Files rather than a table: a fixture that is added is run. */
const directory = makeFixtures();
/** Not these: qemu-arm hangs in their threads and vforks; test/kernel/native.test.ts holds them against the host's kernel. */
const NATIVE = ['costs', 'threads', 'processes', 'timers', 'sysvipc', 'leaders', 'ptrace', 'stress'];
/** test/cpu-model.test.ts runs it with each CPU model. */
const ELSEWHERE = ['model'];
const programs = readdirSync(directory).filter((name) => {
  const [fixture, variant] = name.split('.') as [string, string];
  return (
    fixture !== '' &&
    variant !== 'host' &&
    !name.endsWith('.new') &&
    ![...NATIVE, ...ELSEWHERE].includes(fixture)
  );
});

let root: string;
beforeAll(() => {
  root = makeRoot('full');
  const inside = `${root}/srv/fixtures`;
  mkdirSync(inside, { recursive: true });
  for (const program of programs) {
    const [from, to] = [`${directory}/${program}`, `${inside}/${program}`];
    if (statSync(to, { throwIfNoEntry: false })?.ino === statSync(from).ino) continue;
    rmSync(to, { force: true });
    linkSync(from, to);
  }
});

describe.each(programs)('%s', (program) => {
  const [name, variant] = program.split('.') as [string, string];
  const runs = (ARGUMENTS[name] ?? [[]]).map((args) => ({ args }));
  describe.each(runs)('$args', ({ args }) => {
    // One variant is enough for the interpreter.
    test.each(
      ['static', 'neon', 'softneon', 'v8'].includes(variant) || variant.startsWith('bare')
        ? (['jit', 'interp'] as const)
        : (['jit'] as const),
    )('%s', async (cpu) => {
      const invocation = {
        root,
        argv: [`/srv/fixtures/${program}`, ...args],
        cwd: `/tmp/fixture-${program}`,
        stdin: '',
      };
      const expected = asLinux(name, await qemu(invocation, `${directory}/${program}`));
      const actual = await armrun(invocation, cpu, variant === 'v8' ? ['--cpu-model', 'max'] : []);
      const differs = difference(actual, expected);
      expect(differs, differs).toBeUndefined();
    });
  });
});

function asLinux(name: string, outcome: Outcome): Outcome {
  const stdout = (LINUX[name] ?? []).reduce(
    (text, [pattern, line]) => text.replace(pattern, line),
    outcome.stdout,
  );
  return { ...outcome, stdout };
}
