/**
 * --overlay: what is seen over a lower tree, what is refused, and what is written into the upper one, as overlayfs of the
 * host's kernel does it; and what its kernel makes of an upper tree of ours.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../needs.ts';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const source = fs.readFileSync(new URL('./overlay.c', import.meta.url), 'utf8');
const top = fs.mkdtempSync(join(tmpdir(), 'armrun-overlay-'));
afterAll(() => fs.rmSync(top, { recursive: true, force: true }));

const FILES = `file mapped mode owner attributes time fchmod gone linked twice-a moved over exchanged replaced-a replaced-b held`;

/** A lower tree with the program in it. */
function makeLower(directory: string, kind: 'host' | 'arm'): string {
  const root = join(top, directory);
  for (const name of ['tree/dir', 'tree/full', 'tree/lower-dir/sub', 'tree/empty', 'dev', 'proc'])
    fs.mkdirSync(join(root, name), { recursive: true });
  const tree = join(root, 'tree');
  for (const name of [
    ...FILES.split(' '),
    'dir/file',
    'dir/other',
    'full/one',
    'full/two',
    'lower-dir/sub/x',
  ])
    fs.writeFileSync(join(tree, name), `lower ${name}`);
  fs.linkSync(join(tree, 'twice-a'), join(tree, 'twice-b'));
  fs.symlinkSync('file', join(tree, 'link'));
  fs.writeFileSync(join(tree, 'sparse'), 'abc');
  fs.truncateSync(join(tree, 'sparse'), 5 << 20);
  spawnSync('setfattr', ['-n', 'user.a', '-v', '1', join(tree, 'attributes')]);
  for (const name of fs.readdirSync(tree)) fs.lutimesSync(join(tree, name), 1000, 1500);
  fs.copyFileSync(compile('overlay', source, kind), join(root, 'overlay'));
  return root;
}

function run(command: string, args: string[]): string[] {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'latin1', timeout: 60_000 });
  return (stdout + stderr).split('\n');
}
const armrun = (...args: string[]) => run(process.execPath, [bin, '--cpu', 'interp', ...args]);
/** A tree as a list: names, types, modes, owners, sizes, devices, contents, attributes of overlayfs. */
function treeOf(directory: string): string[] {
  const script = `cd "$1" && find . -printf '%P %y %m %U:%G %l\\n' | sort && find . -type f | sort | xargs -r md5sum &&
    find . -type c | sort | xargs -r stat -c '%n %t:%T' && getfattr -Rd -m 'overlay.opaque|user' . | sort`;
  return run('sh', ['-c', script, 'sh', directory]);
}

const root = needs('root');
root.describe(root.name('over a directory'), () => {
  const paths = { upper: join(top, 'upper-arm'), native: join(top, 'upper-host') };
  let lower: string;
  let expected: string[];
  beforeAll(() => {
    lower = makeLower('lower-arm', 'arm');
    const native = makeLower('lower-host', 'host');
    for (const name of ['upper-arm', 'upper-host', 'work', 'merged']) fs.mkdirSync(join(top, name));
    const script = `mount -t overlay overlay -o lowerdir=${native},upperdir=${paths.native},workdir=${top}/work,redirect_dir=off,index=off \\
      ${top}/merged && exec chroot ${top}/merged /overlay`;
    expected = run('unshare', ['--mount', 'sh', '-c', script]);
  });

  test('programs see what they see natively, the lower tree is not changed, and the upper one is the same', () => {
    expect(expected.length).toBeGreaterThan(100);
    const before = treeOf(lower);
    expect(armrun('--root', lower, `--overlay=${paths.upper}`, '/overlay')).toEqual(expected);
    expect(treeOf(lower)).toEqual(before);
    expect(treeOf(paths.upper)).toEqual(treeOf(paths.native));
  });

  test('and so they do in memory', () => {
    const before = treeOf(lower);
    expect(armrun('--root', lower, '--overlay', '/overlay')).toEqual(expected);
    expect(treeOf(lower)).toEqual(before);
  });

  test('applied to the lower tree it is what the kernel shows of both', () => {
    const merged = `mount -t overlay overlay -o lowerdir=${lower},upperdir=${paths.upper},workdir=${top}/work ${top}/merged && cd ${top}/merged &&
      find . -printf '%P %y %m %U:%G %l %T@\\n' | sort && find . -type f | sort | xargs md5sum`;
    const shown = run('unshare', ['--mount', 'sh', '-c', merged]);
    expect(run(process.execPath, [bin, 'overlay', 'apply', lower, paths.upper])).toEqual(['']);
    const plain = `cd ${lower} && find . -printf '%P %y %m %U:%G %l %T@\\n' | sort && find . -type f | sort | xargs md5sum`;
    expect(run('sh', ['-c', plain])).toEqual(shown);
    expect(run(process.execPath, [bin, 'overlay', 'discard', paths.upper])).toEqual(['']);
    expect(fs.readdirSync(paths.upper)).toEqual([]);
  });
});

/** Owners and devices that the host refuses are kept beside the root, and beside the directory. */
root.test(root.name("an ordinary user's overlay has owners and devices, which are applied with it"), () => {
  const program = `
    #include <stdio.h>
    #include <sys/stat.h>
    #include <unistd.h>
    int main(int n, char **v) {
      (void)v;
      if (n > 1 && (chown("/x", 5, 6) || mkdir("/d", 0700) || chown("/d", 7, 8) || mknod("/null", S_IFCHR | 0600, 0x103) ||
                    unlink("/gone") || rename("/y", "/z"))) return 1;
      const char *names[] = {"/x", "/d", "/null", "/gone", "/y", "/z"};
      for (int i = 0; i < 6; i++) {
        struct stat s;
        if (lstat(names[i], &s) < 0) printf("%s is not there\\n", names[i]);
        else printf("%s %o %d:%d %lx\\n", names[i], s.st_mode, s.st_uid, s.st_gid, (long)s.st_rdev);
      }
      return 0;
    }`;
  const NOBODY = 65534;
  const user = join(top, 'user');
  const [lower, upper] = [join(user, 'root'), join(user, 'upper')];
  for (const directory of [lower, upper]) fs.mkdirSync(directory, { recursive: true });
  for (const name of ['x', 'y', 'gone']) fs.writeFileSync(join(lower, name), '', { mode: 0o644 });
  fs.copyFileSync(compile('owners', program, 'arm'), join(lower, 'owners'));
  spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, user]);
  fs.chmodSync(top, 0o755);
  const as = (...args: string[]) =>
    spawnSync(process.execPath, [bin, '--cache', 'none', ...args], {
      encoding: 'latin1',
      uid: NOBODY,
      gid: NOBODY,
    }).stdout;
  const changed =
    '/x 100644 5:6 0\n/d 40700 7:8 0\n/null 20600 0:0 103\n/gone is not there\n/y is not there\n/z 100644 0:0 0\n';
  const under = ['--root', lower, `--overlay=${upper}`, '/owners'];
  expect(as(...under, 'change')).toBe(changed);
  expect(as(...under)).toBe(changed);
  // In the place of what is gone the host has what its overlayfs knows.
  const { mode, rdev } = fs.lstatSync(join(upper, 'gone'));
  expect([mode & fs.constants.S_IFMT, rdev]).toEqual([fs.constants.S_IFCHR, 0]);
  expect(as('--root', lower, '/owners')).toMatch(/^\/x 100644 0:0 0\n\/d is not there\n/);
  const [applied] = [
    spawnSync(process.execPath, [bin, 'overlay', 'apply', lower, upper], { uid: NOBODY, gid: NOBODY }),
  ];
  expect(applied.status).toBe(0);
  expect(as('--root', lower, '/owners')).toBe(changed);
});

describe('what cannot be', () => {
  test.each([
    [['--overlay', '/overlay'], 'armrun: overlay: only with a root of its own'],
    [['--root', top, '--overlay=/missing', '/overlay'], 'armrun: overlay: /missing is not a directory'],
    [['overlay', 'apply', top], "armrun: overlay: 'apply ROOT DIR' or 'discard DIR' (see armrun --help)"],
  ])('%s', (args, message) => {
    expect(run(process.execPath, [bin, ...args])).toEqual([message, '']);
  });
});
