/** The package as its users have it: packed, installed by npm, imported in both ways, with types; and the examples. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFixtures, makeRoot } from '../programs/engines.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

let directory: string;
/** A project that has armrun among its dependencies. */
let user: string;

beforeAll(() => {
  directory = mkdtempSync(join(realpathSync(tmpdir()), 'package-'));
  // Not in place: the tests that run at the same time use what is built there.
  const copy = join(directory, 'copy');
  for (const part of ['src', 'emu', 'syscalls', 'package.json', 'README.md', 'LICENSE'])
    cpSync(join(project, part), join(copy, part), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  // Which runs the script `prepare`.
  const npm = (args: string[], cwd: string) =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const packed = npm(['pack', '--silent', '--pack-destination', directory], copy).trim().split('\n').at(-1)!;
  user = join(directory, 'user');
  mkdirSync(user);
  writeFileSync(join(user, 'package.json'), '{ "name": "user", "private": true }');
  npm(
    ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', join(directory, packed), 'memfs'],
    user,
  );
  cpSync(join(project, 'examples'), join(user, 'examples'), { recursive: true });
});

afterAll(() => rmSync(directory, { recursive: true }));

function node(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: user,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return { status, stdout, stderr };
}

test('the command', () => {
  const { status, stdout } = spawnSync(
    join(user, 'node_modules/.bin/armrun'),
    ['--root', makeRoot('date'), '/bin/uname', '-m'],
    {
      encoding: 'utf8',
    },
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'armv7l\n' });
});

test('import and require give the same', () => {
  const script = `
    import * as imported from 'armrun';
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('armrun');
    for (const name of Object.keys(imported)) if (imported[name] !== required[name]) throw new Error(name);
    console.log(Object.keys(imported).sort().join());`;
  const names = 'ArmrunError,InternalError,OptionError,StartError,VerifyError,capture,run';
  expect(node(['--input-type=module', '-e', script])).toEqual({
    status: 0,
    stdout: `${names}\n`,
    stderr: '',
  });
});

test('types, for both kinds of module', () => {
  const source = `
    import { capture, type RunOptions, run, StartError } from 'armrun';
    import { Volume } from 'memfs';
    const options: RunOptions = { program: '/bin/true', fs: new Volume(), stdout: process.stdout, stdin: process.stdin };
    async function main(): Promise<number> {
      const { stdout } = await capture({ program: 'x' });
      // @ts-expect-error capture takes the output
      await capture({ program: 'x', stdout: process.stdout });
      // @ts-expect-error there is no such CPU
      await run({ program: 'x', cpu: 'z80' });
      return stdout.length + (await run(options)).exitCode;
    }
    main().catch((error) => console.log(error instanceof StartError && error.exitCode));`;
  for (const name of ['user.mts', 'user.cts']) writeFileSync(join(user, name), source);
  mkdirSync(join(user, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(project, 'node_modules/@types/node'), join(user, 'node_modules/@types/node'));
  const { status, stdout } = spawnSync(
    join(project, 'node_modules/.bin/tsc'),
    ['--noEmit', '--strict', '--module', 'nodenext', '--types', 'node', 'user.mts', 'user.cts'],
    { cwd: user, encoding: 'utf8' },
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});

test('an older Node is told what is needed', () => {
  const script = `
    Object.defineProperty(process.versions, 'node', { value: '22.1.0' });
    import('armrun').then(({ run }) => run({ program: 'x' })).catch(({ code }) => console.log(code));`;
  expect(node(['-e', script]).stdout).toBe('ERR_ARMRUN_NODE\n');
});

test('example: a program and its output', () => {
  const root = makeRoot('date');
  expect(node(['examples/output.mjs', root])).toEqual({
    status: 0,
    stdout: '> Linux 6.1.0 armv7l\nended with 0\n',
    stderr: '',
  });
  expect(node(['examples/output.mjs', root, '/none'])).toMatchObject({ status: 127, stdout: '' });
});

test('example: a root in memory', () => {
  const { status, stdout } = node(['examples/memory.cjs', join(makeFixtures(), 'hello.static'), 'a']);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: 'Hello, world!\n1: a\nprocess program: 0\nfiles: .keep\n',
  });
});

test('example: a test runner', () => {
  const { status, stdout } = node(['--test', 'examples/runner.test.mjs'], { ARM_ROOT: makeRoot('date') });
  expect(stdout).toMatch(/pass 5\n/);
  expect(status).toBe(0);
});
