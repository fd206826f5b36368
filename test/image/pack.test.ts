/** `armrun pack`: one archive, the same for the same armrun. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { needs } from '../needs.ts';
import { makeRoot } from '../programs/engines.ts';
import { armrun, chroot, copyRoot, packInto, project, temporaryDirectory } from './roots.ts';

let directory: string;
beforeAll(() => {
  directory = temporaryDirectory();
  packInto(`${directory}/armrun.tar`);
});
afterAll(() => rmSync(directory, { recursive: true }));

const list = (file: string) => execFileSync('tar', ['-tvf', file, '--full-time'], { encoding: 'utf8' });

describe('pack', () => {
  test('writes one folder, of root and of one time', () => {
    const lines = list(`${directory}/armrun.tar`).trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines)
      expect(line).toMatch(/^(drwxr-xr-x|-rw[x-]r-[x-]r-[x-]) root\/root .* 1980-01-01 00:00:00 armrun\//);
    const names = lines.map((line) => line.split('armrun/').slice(1).join('armrun/'));
    for (const name of ['', 'armrun', 'wrapper', 'node', 'lib/', 'armrun.blob', 'armrun.cjs', 'LICENSE']) {
      expect(names).toContain(name);
    }
    expect(names).toEqual(names.toSorted());
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
    expect(statSync(`${directory}/armrun.tgz`).size).toBeLessThan(50e6);
  });

  test('packs a Node without symbols', () => {
    const { size } = statSync(`${directory}/armrun.tar`);
    const node = statSync(`${project}node_modules/node-linux-${process.arch}/bin/node`);
    expect(size).toBeLessThan(node.size - 10e6);
  });

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
    packInto(`${directory}/arm64.tar`, '--arch', 'arm64');
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

  test('the root must be there, and the machine one that runs the pack', () => {
    expect(armrun(['pack', '--warm', '/none']).stderr).toBe('armrun: /none is not a directory\n');
    const other = process.arch === 'x64' ? 'arm64' : 'x64';
    expect(armrun(['pack', '--arch', other, '--warm', '/']).stderr).toMatch(
      /^armrun: --warm runs programs: /,
    );
  });
});
