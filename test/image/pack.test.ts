/** `armrun pack`: one archive, the same for the same armrun. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { armrun, packInto, project, temporaryDirectory } from './roots.ts';

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

  test('compresses as the name says', () => {
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
