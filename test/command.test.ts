/** The command armrun itself: which Node it runs on, its own errors, and how it ends. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

import { makeFixtures, makeRoot } from './programs/engines.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const bin = `${project}src/bin.cjs`;

/** Nodes on the PATH that are too old to run armrun themselves: of the machine, which need not have any. */
const olderNodes = [
  ...new Set((process.env.PATH ?? '').split(':').map((directory) => `${directory}/node`)),
].filter((node) => {
  if (!existsSync(node)) return false;
  const major = Number(
    execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0],
  );
  return major >= 20 && major < 26;
});

let root: string;
let fixtures: string;
beforeAll(() => {
  root = makeRoot('date');
  fixtures = makeFixtures();
});

function run(args: string[], options: { node?: string; env?: NodeJS.ProcessEnv; input?: string } = {}) {
  const { node = process.execPath, ...rest } = options;
  const { status, signal, stdout, stderr } = spawnSync(node, [bin, ...args], {
    encoding: 'utf8',
    timeout: 180_000,
    ...rest,
  });
  return { status, signal, stdout, stderr };
}

describe('armrun', () => {
  test('--version and --help', () => {
    const { version } = JSON.parse(readFileSync(`${project}package.json`, 'utf8'));
    expect(run(['--version'])).toEqual({
      status: 0,
      signal: null,
      stdout: `armrun ${version}\n`,
      stderr: '',
    });
    expect(run(['--help']).stdout).toMatch(/^usage: armrun /);
  });

  test('a bad option is one line and status 125', () => {
    const { status, stdout, stderr } = run(['--nonsense', '/bin/true']);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^armrun: unknown option --nonsense.*\n$/);
  });

  test.each([
    ['/none', 127, /^armrun: \/none: not found.*\n$/],
    ['/etc/passwd', 126, /^armrun: \/etc\/passwd: .*permission denied\n$/i],
    ['/etc', 126, /^armrun: \/etc: .*\n$/i],
    ['/tmp/garbage', 126, /^armrun: \/tmp\/garbage: .*not a program for 32-bit ARM Linux\n$/],
  ])('%s cannot be run: %i', (program, expected, message) => {
    writeFileSync(`${root}/tmp/garbage`, '\0garbage', { mode: 0o755 });
    const { status, stdout, stderr } = run(['--root', root, program]);
    expect({ status, stdout }).toEqual({ status: expected, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('a root that is not there is one line and status 125', () => {
    const { status, stderr } = run(['--root', '/no/such/root', '/bin/true']);
    expect(status).toBe(125);
    expect(stderr).toMatch(/^armrun: .*\/no\/such\/root.*\n$/);
  });

  test("the guest's exit status and death by signal are its own", () => {
    expect(run([`${fixtures}/end.static`, '7'])).toMatchObject({ status: 7, signal: null });
    for (const [number, name] of [
      [15, 'SIGTERM'],
      [9, 'SIGKILL'],
      [13, 'SIGPIPE'],
      [10, 'SIGUSR1'],
      [11, 'SIGSEGV'],
    ] as const) {
      expect(run([`${fixtures}/end.static`, 'raise', String(number)])).toMatchObject({
        status: null,
        signal: name,
      });
    }
  });

  test('prints the date from a root', () => {
    const before = Math.floor(Date.now() / 1000);
    const { status, stdout, stderr } = run(['--root', root, '/bin/date', '+%s']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Number(stdout)).toBeGreaterThanOrEqual(before);
    expect(Number(stdout)).toBeLessThanOrEqual(Date.now() / 1000);
  });

  test('runs a program of the host’s tree without a root', () => {
    expect(run([`${fixtures}/hello.static`, '-x'])).toMatchObject({
      status: 0,
      stdout: 'Hello, world!\n1: -x\n',
      stderr: '',
    });
  });

  test('runs a script by its #! line, and a name without a slash from the PATH', () => {
    writeFileSync(`${root}/tmp/script`, '#!/bin/echo with one argument\n', { mode: 0o755 });
    expect(run(['--root', root, '/tmp/script', 'x']).stdout).toBe('with one argument /tmp/script x\n');
    expect(run(['--root', root, 'echo', 'found'], { env: { PATH: '/none:/usr/bin' } }).stdout).toBe(
      'found\n',
    );
  });

  test('environment, argv[0], working directory, release', () => {
    const seen = run(['--root', root, '-E', 'A=1,B=2', '-U', 'HOME', '/usr/bin/env'], {
      env: { HOME: '/h', C: '3' },
    }).stdout;
    expect(seen.split('\n').sort()).toEqual(['', 'A=1', 'B=2', 'C=3']);
    expect(run(['--root', root, '--cwd', '/usr/share', '/bin/pwd']).stdout).toBe('/usr/share\n');
    expect(run(['--root', root, '-r', '5.4.321', '/bin/uname', '-r']).stdout).toBe('5.4.321\n');
    expect(run(['-0', 'other', `${fixtures}/stack.static`]).stdout).toMatch(/^argv\[0\] other\n/);
  });

  test('reads standard input and reports a closed pipe', () => {
    expect(run(['--root', root, '/bin/cat'], { input: 'through\n' }).stdout).toBe('through\n');
    const { stdout } = spawnSync(
      'bash',
      [
        '-o',
        'pipefail',
        '-c',
        `"$@" | head -c 3; echo " \${PIPESTATUS[0]}"`,
        'bash',
        process.execPath,
        bin,
        '--root',
        root,
        '/bin/seq',
        '1',
        '1000000',
      ],
      { encoding: 'utf8' },
    );
    expect(stdout).toBe('1\n2 141\n');
  });

  test('--repeatable takes the same turns each time, and waits for nothing', async () => {
    // Who comes first depends on how fast each is, and on what the others do.
    const count = 'i=0; while [ $i -lt 1500 ]; do i=$((i+1)); [ $((i % 150)) != 0 ] || echo $p$i; done';
    const now = 'read now idle </proc/uptime';
    const race = `for p in a b c; do (${count}) & done; ${now}; sleep 2000; wait; from=${'${now%.*}'}; ${now}; echo $((${'${now%.*}'} - from))`;
    const args = [bin, '--repeatable', '--cache', 'none', '--root', root, '/bin/sh', '-c', race];
    const began = performance.now();
    // At the same time, so that they hold each other up.
    const runs = await Promise.all([1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, args)));
    const [{ stdout }] = runs as [(typeof runs)[0]];
    expect(stdout).toMatch(/^([abc]\d+\n){30}2000\n$/);
    for (const run of runs) expect(run).toEqual({ stdout, stderr: '' });
    expect(performance.now() - began).toBeLessThan(1000_000);
  });

  test('--repeatable numbers files the same wherever they are', () => {
    const copies = mkdtempSync(`${tmpdir()}/armrun-copies-`);
    try {
      const list = (name: string) => {
        const copy = `${copies}/${name}`;
        cpSync(`${root}/etc`, copy, { recursive: true, verbatimSymlinks: true });
        const options = ['--repeatable', '--root', root, '--bind', `${copy}:/mnt`];
        return run([...options, '/bin/sh', '-c', "ls -aifR /mnt; stat -c '%d %i %n' / /mnt /mnt/*"]).stdout;
      };
      const [first, second] = ['one', 'two'].map(list);
      expect(first).toMatch(/^\d+ \d+ \/mnt\/passwd$/m);
      expect(second).toBe(first);
    } finally {
      rmSync(copies, { recursive: true });
    }
  });

  test('--stats tells what each process did', () => {
    const { stderr, status } = run([
      '--stats',
      '--root',
      root,
      '/bin/sh',
      '-c',
      '/bin/true; /bin/cat /proc/version; exit 3',
    ]);
    expect(status).toBe(3);
    const row = (name: string) =>
      new RegExp(
        `^armrun: ${name} +(\\d+) +([\\d,]+) +([\\d,]+) +[\\d,]+ +[\\d,]+ ms +[\\d,]+ ms$`,
        'm',
      ).exec(stderr)!;
    const rows = ['true', 'cat', 'sh'].map(row);
    expect(new Set(rows.map(([, pid]) => pid)).size).toBe(3);
    const number = (text: string) => Number(text.replaceAll(',', ''));
    for (const [, , instructions] of rows) expect(number(instructions!)).toBeGreaterThan(10_000);
    const total = (name: string) => number(new RegExp(`^armrun: ${name} +([\\d,]+)$`, 'm').exec(stderr)![1]!);
    expect(rows.reduce((sum, r) => sum + number(r[2]!), 0)).toBe(total('instructions'));
    expect(rows.reduce((sum, r) => sum + number(r[3]!), 0)).toBe(total('system calls'));
    const tiers = [...stderr.matchAll(/^armrun: in (\w+) +([\d,]+) instructions, [\d,]+ ms$/gm)];
    expect(tiers.reduce((sum, [, , n]) => sum + number(n!), 0)).toBe(total('instructions'));
    expect(stderr).toMatch(/^armrun: thread main +[\d,]+ ms decoding, [\d,]+ ms translating$/m);
    expect(stderr).toMatch(/^armrun: left to step +[\d,]+ of \d+ encodings/m);
  });

  test('--stats counts what threads did, and to nobody else', () => {
    const script = '/mnt/threads.static; /mnt/threads.static; /bin/true; (:)';
    const { stderr } = run([
      '--stats',
      '--bind',
      `${fixtures}:/mnt`,
      '--root',
      root,
      '/bin/sh',
      '-c',
      script,
    ]);
    const rows = [...stderr.matchAll(/^armrun: (\S+) +\d+ +([\d,]+) +[\d,]+ +[\d,]+ +[\d,]+ ms/gm)];
    const counts = rows.map(([, name, count]) => ({ name, count: Number(count!.replaceAll(',', '')) }));
    const of = (name: string) => counts.filter((row) => row.name!.startsWith(name)).map(({ count }) => count);
    expect([of('threads'), of('true'), of('sh')].map(({ length }) => length)).toEqual([2, 1, 2]);
    // Each of its threads has the place of one before.
    for (const count of of('threads')) expect(count).toBeGreaterThan(4_000_000);
    for (const count of [...of('true'), ...of('sh')]) expect(count).toBeLessThan(1_000_000);
  });

  test('--strace logs system calls to a file or to standard error', () => {
    const directory = mkdtempSync(`${tmpdir()}/armrun-`);
    try {
      expect(run([`--strace=${directory}/log`, `${fixtures}/bare.bare`])).toMatchObject({
        stdout: 'bare\n',
        stderr: '',
      });
      expect(readFileSync(`${directory}/log`, 'utf8')).toMatch(/write\(1, "bare\\n", 5\)\s+= 5\n.*exit\(0\)/);
      expect(run(['-strace', `${fixtures}/bare.bare`]).stderr).toContain('write(1, "bare\\n", 5)');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.runIf(olderNodes.length > 0).each(olderNodes)('under the older %s goes on in its own Node', (node) => {
    expect(run(['--version'], { node })).toMatchObject({ status: 0, stderr: '' });
    expect(run([`${fixtures}/end.static`, '9'], { node })).toMatchObject({ status: 9 });
    expect(run([`${fixtures}/end.static`, 'raise', '15'], { node })).toMatchObject({
      status: null,
      signal: 'SIGTERM',
    });
    expect(run([`${fixtures}/hello.static`], { node, input: '' })).toMatchObject({
      stdout: 'Hello, world!\n',
      stderr: '',
    });
  });
});
