/** What is built for fast starts (docs/STARTUP.md) runs programs as the sources do, and is not used when it should not be. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeFixtures, makeRoot } from './programs/engines.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

let directory: string;
/** A built copy of the sources that tests may change. */
let copy: string;
let root: string;
let fixtures: string;

beforeAll(() => {
  root = makeRoot('date');
  fixtures = makeFixtures();
  directory = mkdtempSync(`${realpathSync(tmpdir())}/armrun-`);
  copy = `${directory}/copy`;
  for (const part of ['src', 'emu', 'syscalls', 'package.json', 'README.md']) {
    cpSync(`${project}${part}`, `${copy}/${part}`, { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(`${project}node_modules`, `${copy}/node_modules`);
  execFileSync(process.execPath, ['src/snapshot/build.cjs'], { cwd: copy, stdio: 'inherit' });
});

afterAll(() => rmSync(directory, { recursive: true }));

function run(command: string, args: string[], options: { env?: NodeJS.ProcessEnv; input?: string } = {}) {
  const env = { PATH: process.env.PATH, ...options.env };
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 180_000,
    input: options.input ?? '',
    env,
  });
  return { status, signal, stdout, stderr };
}

const armrun = (args: string[], options?: Parameters<typeof run>[2]) =>
  run(`${copy}/src/armrun`, args, options);

/** Runs something after a change of the copy's sources that only the sources show: --help begins with another word. */
function withChangedUsage(modified: Date | undefined, body: () => void): void {
  const file = `${copy}/src/options.ts`;
  const text = readFileSync(file, 'utf8');
  const { mtime } = statSync(file);
  writeFileSync(file, text.replace('usage: ', 'changed: '));
  if (modified) utimesSync(file, modified, modified);
  try {
    body();
  } finally {
    writeFileSync(file, text);
    utimesSync(file, mtime, mtime);
  }
}

/** Those of every start. */
const FLAGS = ['v8-flags.json', 'snapshot/flags.json'].flatMap((file): string[] =>
  JSON.parse(readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')),
);

const LONG_AGO = new Date(0);
const help = (command: string, ...args: string[]) => run(command, [...args, '--help']).stdout.split(' ')[0];

describe.runIf(process.arch === 'x64')('the code of handlers', () => {
  const isUsed = () => {
    const script = 'console.log(require(process.argv[1]).isCodeUsed())';
    const { stdout } = run(`${copy}/node_modules/.bin/node`, [
      ...FLAGS,
      '-e',
      script,
      `${copy}/dist/armrun.cjs`,
    ]);
    return stdout.trim();
  };

  test.each<[string, (code: Uint8Array) => Uint8Array]>([
    ['another file', (code) => changed(code, 0)],
    ['of another V8', (code) => changed(code, 4)],
    ['damaged', (code) => changed(code, code.length >> 1)],
    ['cut', (code) => code.subarray(0, code.length >> 1)],
    ['empty', () => new Uint8Array()],
  ])('is used, and not when it is %s', (_, change) => {
    const file = `${copy}/dist/handlers.code`;
    const code = readFileSync(file);
    expect(isUsed()).toBe('true');
    writeFileSync(file, change(new Uint8Array(code)));
    try {
      expect(isUsed()).toBe('false');
      expect(armrun(['--root', root, '/bin/sh', '-c', 'echo $((6*7))']).stdout).toBe('42\n');
    } finally {
      writeFileSync(file, code);
    }
  });

  /** With a bit of a byte changed. */
  function changed(bytes: Uint8Array, at: number): Uint8Array {
    bytes[at]! ^= 0x10;
    return bytes;
  }
});

describe('the snapshot', () => {
  test.each([
    [() => [`${fixtures}/hello.static`, 'a', '-x', '--root']],
    [() => [`${fixtures}/end.static`, '7']],
    [() => [`${fixtures}/end.static`, 'raise', '15']],
    [() => [`${fixtures}/float.static`]],
    [() => [`${fixtures}/processes.static`]],
    [() => ['--root', root, '/bin/sh', '-c', 'ls -l /bin | head -3; echo $((6*7)) | cat; pwd; exit 3']],
    [() => ['--cpu', 'interp', `${fixtures}/hello.static`]],
    [() => ['--cpu', 'unicorn', `${fixtures}/hello.static`]],
    [() => ['--strace', `${fixtures}/bare.bare`]],
    [() => ['--root', '/none', '/bin/true']],
    [() => ['--version']],
    [() => ['--nonsense']],
  ])('shows what the sources show: %#', (args) => {
    const shown = (env: NodeJS.ProcessEnv) => {
      const { stderr, ...rest } = armrun(args(), { env });
      return { ...rest, stderr: stderr.replace(/pid \d+/g, 'pid') };
    };
    expect(shown({})).toEqual(shown({ ARMRUN_SOURCE: '1' }));
  });

  test('reads standard input, the clock and the working directory when it starts', () => {
    expect(armrun(['--root', root, '/bin/cat'], { input: 'through\n' }).stdout).toBe('through\n');
    const now = Number(armrun(['--root', root, '/bin/date', '+%s%N']).stdout) / 1e9;
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(30);
    const hello = spawnSync(`${copy}/src/armrun`, ['./hello.static'], { cwd: fixtures, encoding: 'utf8' });
    expect(hello.stdout).toMatch(/^Hello, world!\n/);
  });

  test('holds no random numbers', () => {
    const id = () => armrun(['--root', root, '/bin/cat', '/proc/sys/kernel/random/boot_id']).stdout;
    const first = id();
    expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
    expect(id()).not.toBe(first);
  });

  test('is what runs', () => {
    withChangedUsage(LONG_AGO, () => expect(help(`${copy}/src/armrun`)).toBe('usage:'));
  });

  test('is not used when a source is newer, a file has come or gone, or the sources are asked for', () => {
    withChangedUsage(undefined, () => expect(help(`${copy}/src/armrun`)).toBe('changed:'));
    withChangedUsage(LONG_AGO, () => {
      expect(armrun(['--help'], { env: { ARMRUN_SOURCE: '1' } }).stdout).toMatch(/^changed: /);
      const { mtime } = statSync(`${copy}/emu/jit`);
      writeFileSync(`${copy}/emu/jit/new.ts`, '');
      utimesSync(`${copy}/emu/jit/new.ts`, LONG_AGO, LONG_AGO);
      expect(help(`${copy}/src/armrun`)).toBe('changed:');
      rmSync(`${copy}/emu/jit/new.ts`);
      expect(help(`${copy}/src/armrun`)).toBe('changed:');
      utimesSync(`${copy}/emu/jit`, mtime, mtime);
      expect(help(`${copy}/src/armrun`)).toBe('usage:');
    });
  });

  test('is not used on another processor, nor when it is gone', () => {
    const script = `${copy}/dist/start.sh`;
    const text = readFileSync(script, 'utf8');
    // What bin.cjs would run then is the bundle, which says the same; so that it cannot, it is gone as well.
    renameSync(`${copy}/dist/armrun.cjs`, `${copy}/dist/aside`);
    try {
      withChangedUsage(LONG_AGO, () => {
        expect(help(`${copy}/src/armrun`)).toBe('usage:');
        writeFileSync(script, text.replace(/^(flags|Features)\t.*$/m, '$1\t: other'));
        expect(help(`${copy}/src/armrun`)).toBe('changed:');
        writeFileSync(script, text);
        renameSync(`${copy}/dist/armrun.blob`, `${copy}/dist/blob`);
        expect(help(`${copy}/src/armrun`)).toBe('changed:');
        renameSync(`${copy}/dist/blob`, `${copy}/dist/armrun.blob`);
        expect(help(`${copy}/src/armrun`)).toBe('usage:');
      });
    } finally {
      writeFileSync(script, text);
      renameSync(`${copy}/dist/aside`, `${copy}/dist/armrun.cjs`);
    }
  });

  /** Makes a snapshot of a bundle in dist/, with the code in a file there. */
  function snapshotOf(bundle: string, code: string, blob: string) {
    const [dist, sources] = [`${copy}/dist`, `${copy}/src/snapshot`];
    const entry = [`${sources}/entry.cjs`, bundle, `${dist}/${code}`, `${sources}/bundle.cjs`];
    return run(process.execPath, [
      ...FLAGS,
      '--snapshot-blob',
      `${dist}/${blob}`,
      '--build-snapshot',
      ...entry,
    ]);
  }

  test('has the code of what starts need, and of all when V8 does not take that', () => {
    const code = new Uint8Array(readFileSync(`${copy}/dist/used.code`));
    writeFileSync(`${copy}/dist/other.code`, code.subarray(0, code.length >> 1));
    const [used, all] = ['used', 'other'].map((name) => {
      const blob = `${name}.blob`;
      expect(snapshotOf(`${copy}/dist/armrun.cjs`, `${name}.code`, blob).status).toBe(0);
      const start = [...FLAGS, '--snapshot-blob', `${copy}/dist/${blob}`, '--', '--version'];
      expect(run(process.execPath, start).stdout).toMatch(/^armrun /);
      return statSync(`${copy}/dist/${blob}`).size;
    });
    expect(used!).toBeLessThan(all! - 1_000_000);
  });

  test('a module that looks at the machine while it is loaded is refused', () => {
    const file = `${copy}/dist/refused.cjs`;
    writeFileSync(file, 'exports.now = Date.now(); exports.main = () => {};');
    const { status, stderr } = snapshotOf(file, 'none', 'refused.blob');
    expect(status).not.toBe(0);
    expect(stderr).toContain('now is asked for while modules are loaded');
  });
});

describe('the environment', () => {
  const given = [
    'A=1',
    'PWD=/elsewhere',
    'a.b=with a dot',
    'F%%=() {  :\n}',
    'NODE_OPTIONS=--stack-size=500',
    'Z=',
    'B=ä',
  ];

  test.each([
    ['the snapshot', {}],
    ['the sources', { ARMRUN_SOURCE: '1' }],
  ])('reaches the guest as it is through %s', (_, more) => {
    const asked = Object.entries(more).map(([name, value]) => `${name}=${value}`);
    const { stdout } = run('/usr/bin/env', [
      '-i',
      ...asked,
      ...given,
      `${copy}/src/armrun`,
      '--root',
      root,
      '/usr/bin/env',
      '-0',
    ]);
    expect(stdout.split('\0')).toEqual([...asked, ...given, '']);
  });

  test('may be empty', () => {
    expect(run('/usr/bin/env', ['-i', `${copy}/src/armrun`, '--root', root, '/usr/bin/env']).stdout).toBe('');
  });
});

describe('the bundle', () => {
  const bin = () => `${copy}/src/bin.cjs`;

  test('is what bin.cjs runs, unless a source is newer', () => {
    expect(run(process.execPath, [bin(), '--root', root, '/bin/echo', 'x'])).toMatchObject({
      status: 0,
      stdout: 'x\n',
    });
    withChangedUsage(LONG_AGO, () => expect(help(process.execPath, bin())).toBe('usage:'));
    withChangedUsage(undefined, () => expect(help(process.execPath, bin())).toBe('changed:'));
  });

  test('is a library', () => {
    const script = `
      import { run } from ${JSON.stringify(`${copy}/dist/armrun.cjs`)};
      const { exitCode } = await run({ program: ${JSON.stringify(`${fixtures}/hello.static`)} });
      console.log(exitCode);`;
    expect(run(process.execPath, ['--input-type=module', '-e', script]).stdout).toMatch(
      /^Hello, world!\n(.*\n)*0\n$/,
    );
  });
});

describe('the package', () => {
  test('runs where npm puts it, with a snapshot made there and without', () => {
    const modules = `${directory}/user/node_modules`;
    mkdirSync(`${modules}/.bin`, { recursive: true });
    const [{ filename, files }] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
        cwd: copy,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    expect(files.length).toBeLessThan(28);
    execFileSync('tar', ['-xzf', `${directory}/${filename}`, '-C', modules]);
    renameSync(`${modules}/package`, `${modules}/armrun`);
    const node = `node-${process.platform}-${process.arch}`;
    symlinkSync(`${project}node_modules/${node}`, `${modules}/${node}`);
    symlinkSync(`../${node}/bin/node`, `${modules}/.bin/node`);
    symlinkSync('../armrun/src/armrun', `${modules}/.bin/armrun`);

    const bin = `${modules}/.bin/armrun`;
    const hello = () =>
      expect(run(bin, [`${fixtures}/hello.static`])).toMatchObject({ status: 0, stderr: '' });
    hello();
    execFileSync(process.execPath, ['src/snapshot/build.cjs', '--install'], { cwd: `${modules}/armrun` });
    hello();
    // When the bundle cannot be run only the snapshot is left.
    appendFileSync(`${modules}/armrun/dist/armrun.cjs`, 'throw new Error("not the snapshot")');
    utimesSync(`${modules}/armrun/dist/armrun.cjs`, LONG_AGO, LONG_AGO);
    hello();
  });
});
