/** A quota of the host that is used up: what the guest gets is what a program gets natively. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = fs.readFileSync(new URL('./quota.c', import.meta.url), 'utf8').replace('../vfs/programs/', '');

/** A file system in a file, mounted in a namespace of its own: $1 the file, $2 where. Then "$@" in a tree with the quota. */
const SCRIPT = `
  mount -o loop "$1" "$2"
  btrfs -q quota enable "$2"
  btrfs -q subvolume create "$2/root"
  mkdir "$2/root/io"
  cp "$3" "$2/root/program"
  sync
  btrfs qgroup limit -e $(($(stat -c %s "$3") + 1200000)) "$2/root"
  chown 1234:1234 "$2" "$2/root" "$2/root/io"
  cd "$2/root"
  shift 3
  exec setpriv --reuid=1234 --regid=1234 --clear-groups "$@"
`;

const root = needs('root and btrfs-progs');
root.describe(root.name('a quota that is used up'), () => {
  let directory: string;
  beforeAll(() => {
    directory = fs.mkdtempSync(`${tmpdir()}/armrun-quota-`);
    fs.chmodSync(directory, 0o755);
    fs.mkdirSync(`${directory}/at`);
  });
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

  function run(program: string, ...command: string[]): string {
    const image = `${directory}/image`;
    fs.writeFileSync(image, '');
    fs.truncateSync(image, 128 << 20);
    const made = spawnSync('mkfs.btrfs', ['-q', '--mixed', image], { encoding: 'utf8' });
    expect(made.status, made.stderr).toBe(0);
    const args = ['--mount', 'sh', '-ec', SCRIPT, 'sh', image, `${directory}/at`, program, ...command];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'latin1', timeout: 60_000 });
    fs.rmSync(image);
    return stdout + stderr;
  }

  test.each(['--fakeroot', '--no-fakeroot'])('%s', (option) => {
    const expected = run(compile('quota', source, 'host'), 'sh', '-c', 'cd io && exec ../program');
    expect(expected).toContain('1: about a MiB, then EDQUOT');
    const guest = [process.execPath, bin, '--cpu', 'interp', option, '--root', '.', '-w', '/io', '/program'];
    expect(run(compile('quota', source, 'arm'), ...guest)).toBe(expected);
  });
});
