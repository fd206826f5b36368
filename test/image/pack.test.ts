/** `armrun pack`: one archive, the same for the same armrun. */

import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { needs } from '../needs.ts';
import { makeRoot } from '../programs/engines.ts';
import { filesOf } from './buildah.ts';
import { armrun, chroot, copyRoot, packInto, project, temporaryDirectory } from './roots.ts';

let directory: string;
beforeAll(() => {
  directory = temporaryDirectory();
  packInto(`${directory}/armrun.tar`);
});
afterAll(() => rmSync(directory, { recursive: true }));

const list = (file: string) => execFileSync('tar', ['-tvf', file, '--full-time'], { encoding: 'utf8' });

describe('pack', () => {
  test('writes one folder, of root and of one time, and puts the wrapper over /bin/sh', () => {
    const lines = list(`${directory}/armrun.tar`).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    const entry = (line: string) => {
      const pattern = /^(.)(rw[x-]r-[x-]r-[x-]|rwxrwxrwt) root\/root .* 1980-01-01 00:00:00 (.*)$/;
      const [, type, , name] = pattern.exec(line) ?? [];
      return `${type} ${name}`;
    };
    const names = lines.map(entry);
    // In this order: first the image's own gets a second name. GNU tar shows what the way to it comes to.
    const directories = ['d armrun/', 'd armrun/translations/', 'd armrun/translations/users/'];
    expect(names.slice(0, 5)).toEqual([...directories, 'h armrun/sh link to bin/sh', '- armrun/added']);
    expect(names.at(-1)).toBe('- bin/sh');
    const folder = names.slice(5, -1);
    expect(folder).toEqual(folder.toSorted((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1)));
    for (const name of ['armrun', 'wrapper', 'node', 'armrun.blob', 'armrun.cjs', 'LICENSE'])
      expect(folder).toContain(`- armrun/${name}`);
    packInto(`${directory}/folder.tar`, '--folder-only');
    const alone = list(`${directory}/folder.tar`).trimEnd().split('\n').map(entry);
    expect(alone).toEqual([...directories, ...folder]);
  });

  test('writes the same bytes each time', () => {
    packInto(`${directory}/again.tar`);
    const [first, second] = ['armrun', 'again'].map((name) => readFileSync(`${directory}/${name}.tar`));
    expect(first!.equals(second!)).toBe(true);
  });

  test('compresses as the name says', { timeout: 300_000 }, () => {
    const tar = readFileSync(`${directory}/armrun.tar`);
    packInto(`${directory}/armrun.tgz`);
    expect(execFileSync('gzip', ['-dc', `${directory}/armrun.tgz`], { maxBuffer: 1 << 28 }).equals(tar)).toBe(
      true,
    );
  });

  test('is as small as the documentation says', { timeout: 300_000 }, () => {
    expect(statSync(`${directory}/armrun.tar`).size).toBeLessThan(103e6);
    expect(statSync(`${directory}/armrun.tgz`).size).toBeLessThan(36e6);
  });

  test('without -o writes armrun.tar.gz', () => {
    const { stdout } = spawnSync(`${project}src/armrun`, ['pack'], { cwd: directory, encoding: 'utf8' });
    expect(stdout).toMatch(/^armrun\.tar\.gz: [\d,]+ bytes\n$/);
    expect(readFileSync(`${directory}/armrun.tar.gz`).equals(readFileSync(`${directory}/armrun.tgz`))).toBe(
      true,
    );
  });
});

describe('Node in a pack', () => {
  /** What of ICU's data there is a use for in armrun: numbers in English, decoding, normalization, properties of characters. */
  const USES = [
    '(1234567.5).toLocaleString("en-US")',
    '(1e6).toLocaleString()',
    '"\ufb01a\u0308".normalize("NFKC") + "\u00e4".normalize("NFD")',
    '"\u00e4\u00df".toUpperCase()',
    '/\\p{L}\\P{Lu}/iu.test("\u00e4b")',
    'new TextDecoder().decode(Uint8Array.of(0xc3, 0xa4)) + new TextDecoder("latin1").decode(Uint8Array.of(0xe4))',
    'new URL("http://\u00e4x.example").host',
    'new Date(0).toString() + new Date(0).toLocaleString()',
    'new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", timeStyle: "long" }).format(0)',
  ];

  /** Runs the Node of the archive. */
  let node: (...args: string[]) => SpawnSyncReturns<string>;
  const whole = `${project}node_modules/node-linux-${process.arch}/bin/node`;
  const options = { encoding: 'utf8', env: { TZ: 'America/New_York', LANG: 'C' } } as const;
  beforeAll(() => {
    const root = `${directory}/node`;
    mkdirSync(root);
    execFileSync('tar', ['-xf', `${directory}/armrun.tar`, '-C', root, 'armrun/node', 'armrun/lib']);
    const lib = `${root}/armrun/lib`;
    const linker = readdirSync(lib).find((name) => name.startsWith('ld-linux'))!;
    const start = ['--library-path', lib, `${root}/armrun/node`];
    node = (...args) => spawnSync(`${lib}/${linker}`, [...start, ...args], options);
  });

  test('says what the whole Node says, where armrun asks for languages', () => {
    const script = ['-e', `console.log(JSON.stringify([${USES.join(',')}]))`];
    expect(node(...script).stdout).toBe(execFileSync(whole, script, options));
  });

  test('has all modules of its own that the whole one has, but for TypeScript', () => {
    const script = [
      '-e',
      'for (const name of require("module").builtinModules) console.log(name, typeof require(name))',
    ];
    const { status, stdout } = node('--no-warnings', ...script);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: execFileSync(whole, ['--no-warnings', ...script], options),
    });
    const typed = `${directory}/typed.ts`;
    writeFileSync(typed, 'console.log(1 as number)');
    expect(spawnSync(whole, ['--no-warnings', typed], options).stdout).toBe('1\n');
    expect(node(typed).stderr).toContain('CompileError: WebAssembly.Module()');
  });

  test('is given no TypeScript', () => {
    expect(list(`${directory}/armrun.tar`)).not.toMatch(/\.[cm]?ts$/m);
    for (const name of ['armrun.cjs', 'translator.cjs'])
      expect(readFileSync(`${project}dist/${name}`, 'utf8')).not.toMatch(/stripTypeScriptTypes/);
  });

  test('is asked for no more by the sources', () => {
    const asks =
      /\bIntl\b|\.toLocale\w+\([^)]*\)|\.localeCompare\(|new TextDecoder\([^)]*\)|Segmenter|\.normalize\([^)]*\)/g;
    const allowed = /^(\.toLocaleString\('en-US'\)|\.toLocaleString\(\)|new TextDecoder\(('latin1')?\))$/;
    const found = ['src', 'syscalls', 'emu'].flatMap((name) =>
      readdirSync(`${project}${name}`, { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|cjs)$/.test(file))
        .flatMap((file) => readFileSync(`${project}${name}/${file}`, 'utf8').match(asks) ?? []),
    );
    expect(found.filter((use) => !allowed.test(use))).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });
});

describe('what pack refuses', () => {
  test.each([
    [['-o', '/tmp/x.zip'], /^armrun: \/tmp\/x.zip: give a name in .tar, .*\n$/],
    [['-o', '/none/x.tar'], /^armrun: .*\/none\/x.tar.*\n$/],
    [['--arch', 'mips'], /^armrun: --arch: 'mips' is not one of x64, arm64 .*\n$/],
    [['--nonsense'], /^armrun: Unknown option '--nonsense' .*\n$/],
    [['somewhere'], /^armrun: 'somewhere' is not expected .*\n$/],
  ])('%j is refused in one line, and nothing is written', (args, message) => {
    const { status, stdout, stderr } = armrun(['pack', ...args]);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(message);
    expect(readdirSync('/tmp').filter((name) => name.startsWith('x.zip'))).toEqual([]);
  });
});

const x64 = needs('x64');
x64.describe(x64.name('for other machines'), () => {
  test('--arch arm64 packs a Node for arm64, and no snapshot', { timeout: 1_200_000 }, () => {
    // Where npm runs a package's script it is not the machine's own Node that comes first.
    const bin = `${directory}/node_modules/.bin`;
    mkdirSync(bin, { recursive: true });
    writeFileSync(`${bin}/npm`, '#!/bin/sh\necho not this one >&2\nexit 1\n', { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}` };
    const packed = armrun(['pack', '-o', `${directory}/arm64.tar`, '--arch', 'arm64'], { env });
    expect(packed).toMatchObject({ status: 0, stderr: '' });
    const root = `${directory}/arm64`;
    copyRoot(makeRoot('date'), root);
    execFileSync('tar', ['-xf', `${directory}/arm64.tar`, '-C', root]);
    expect(readdirSync(`${root}/armrun`)).not.toContain('armrun.blob');
    for (const name of ['armrun', 'wrapper', 'node', 'lib/libc.so.6', 'lib/ld-linux-aarch64.so.1']) {
      expect(readFileSync(`${root}/armrun/${name}`).readUInt16LE(18), name).toBe(183);
    }
    // What the launcher executes (launcher.test.ts), by qemu-aarch64, which cannot follow an execve.
    copyFileSync('/usr/bin/qemu-aarch64-static', `${root}/qemu`);
    const node = [
      '/armrun/lib/ld-linux-aarch64.so.1',
      '--library-path',
      '/armrun/lib',
      '/armrun/node',
      ...flags,
    ];
    const command = ['--argv0', 'sh', '--', '/bin/sh', '-c', 'uname -m; echo $0'];
    const run = chroot(root, ['/qemu', ...node, '/armrun/start.cjs', ...command]);
    expect(run).toMatchObject({ status: 0, stdout: 'armv7l\nsh\n' });
  });
});

describe('--warm', () => {
  test('packs translations that a run in an image takes', { timeout: 300_000 }, () => {
    packInto(`${directory}/warm.tar`, '--warm', makeRoot('date'));
    const root = `${directory}/warm`;
    copyRoot(makeRoot('date'), root);
    execFileSync('tar', ['-xf', `${directory}/warm.tar`, '-C', root]);
    const translations = () =>
      readdirSync(`${root}/armrun/translations`, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.includes('/'))
        .sort();
    const packed = translations();
    for (const name of packed) expect(name).toMatch(/^[0-9a-f]+\/[0-9a-f]{40}-[0-9a-f]+$/);
    expect(packed.length).toBeGreaterThan(1);
    expect(chroot(root, ['/armrun/armrun', '/bin/ls', '-l', '/bin/'])).toMatchObject({
      status: 0,
      stderr: '',
    });
    // The same files at the same addresses: nothing new has been kept.
    expect(translations()).toEqual(packed);
  });

  test('packs the same bytes for the same root, wherever it is, and leaves that as it was', {
    timeout: 600_000,
  }, () => {
    const archives = ['first', 'second'].map((name) => {
      const root = `${directory}/${name}`;
      copyRoot(makeRoot('image'), root);
      const before = filesOf(root);
      packInto(`${directory}/${name}.tar`, '--warm', root);
      expect(filesOf(root)).toEqual(before);
      return readFileSync(`${directory}/${name}.tar`);
    });
    expect(archives[0]!.length).toBeGreaterThan(statSync(`${directory}/armrun.tar`).size + 1e6);
    expect(archives[0]!.equals(archives[1]!)).toBe(true);
  });

  test('the root must be there, and the machine one that runs the pack', () => {
    expect(armrun(['pack', '--warm', '/none']).stderr).toBe('armrun: /none is not a directory\n');
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    expect(armrun(['pack', '--arch', other, '--warm', '/']).stderr).toMatch(
      /^armrun: --warm runs programs: /,
    );
  });
});
