/** A guest that is root in its root though the user is not: what the host refuses is kept beside it, for later runs, too. */
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { needs } from '../needs.ts';
import { compile, programs } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));
const top = realpathSync(mkdtempSync(join(tmpdir(), 'armrun-fakeroot-')));
afterAll(() => rmSync(top, { recursive: true, force: true }));

const USER = 1234;
const asRoot = needs('root');

/** A root of the user's with these programs, and what runs one of them in it as that user. */
function makeRoot(name: string, made: Readonly<Record<string, string>>) {
  const root = join(top, name, 'root');
  mkdirSync(join(root, 'work'), { recursive: true });
  for (const [program, path] of Object.entries(made)) copyFileSync(path, join(root, program));
  for (const path of [join(top, name), root, join(root, 'work')]) chownSync(path, USER, USER);
  const args = (program: string, ...words: string[]) => [
    `--reuid=${USER}`,
    `--regid=${USER}`,
    '--clear-groups',
    process.execPath,
    bin,
    ...['--cpu', 'interp', '--cache', 'none', '--root', root, '--cwd', '/work', `/${program}`],
    ...words,
  ];
  const run = (program: string, ...words: string[]) => {
    const options = { encoding: 'latin1', timeout: 60_000, killSignal: 'SIGKILL' } as const;
    const { stdout, stderr } = spawnSync('setpriv', args(program, ...words), options);
    return (stdout + stderr).trimEnd().split('\n');
  };
  return { root, run, args };
}
chmodSync(top, 0o755);

/** Does what its arguments say: KIND and what it takes. */
const DO = `
#include "try.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
int main(int argc, char **a) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  umask(022);
  for (int i = 1; i < argc; i++) {
    char *what = a[i], *file = a[++i];
    if (!strcmp(what, "see")) {
      struct stat s;
      if (lstat(file, &s)) { printf("%s: %s\\n", file, strerrorname_np(errno)); continue; }
      char value[100];
      int n = lgetxattr(file, "security.capability", value, sizeof value);
      printf("%s: %o %d:%d %x,%x %d\\n", file, s.st_mode, s.st_uid, s.st_gid, S_ISCHR(s.st_mode) ? major(s.st_rdev) : 0,
             S_ISCHR(s.st_mode) ? minor(s.st_rdev) : 0, n);
    } else if (!strcmp(what, "make")) close(open(file, O_CREAT | O_RDWR, 0644));
    else if (!strcmp(what, "dir")) mkdir(file, 0755);
    else if (!strcmp(what, "link")) symlink("x", file);
    else if (!strcmp(what, "hard")) { char *to = a[++i]; link(file, to); }
    else if (!strcmp(what, "move")) { char *to = a[++i]; rename(file, to); }
    else if (!strcmp(what, "own")) { int id = atoi(a[++i]); TRY(lchown(file, id, id + 1)); }
    else if (!strcmp(what, "mode")) { int m = strtol(a[++i], NULL, 8); TRY(chmod(file, m)); }
    else if (!strcmp(what, "null")) TRY(mknod(file, S_IFCHR | 0666, makedev(1, 3)));
    else if (!strcmp(what, "cap")) TRY(setxattr(file, "security.capability", "\\1\\0\\0\\2\\0\\40\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0", 20, 0));
    else if (!strcmp(what, "write")) { int fd = open(file, O_RDWR | O_APPEND); TRY(write(fd, "x", 1)); close(fd); }
    else if (!strcmp(what, "drop")) TRY(unlink(file));
    else if (!strcmp(what, "as")) { int id = atoi(file); TRY(setgid(id)); TRY(setuid(id)); }
    else if (!strcmp(what, "wait")) { puts(file); pause(); }
  }
}
`;
const doer = () => compile('fakeroot', DO, 'arm');

asRoot.test(asRoot.name('does what root does natively'), { timeout: 120_000 }, () => {
  const source = readFileSync(join(programs, 'attributes.c'), 'utf8');
  const directory = mkdtempSync(join(top, 'native-'));
  chmodSync(directory, 0o755);
  const native = spawnSync(compile('attributes', source, 'host'), { cwd: directory, encoding: 'latin1' });
  const { run } = makeRoot('same', { attributes: compile('attributes', source, 'arm') });
  expect(run('attributes')).toEqual(native.stdout.trimEnd().split('\n'));
});

asRoot.test(asRoot.name('what is kept follows its file, into later runs'), { timeout: 120_000 }, () => {
  const { root, run } = makeRoot('kept', { do: doer() });
  const made = [
    'make',
    'a',
    'own',
    'a',
    '33',
    'mode',
    'a',
    '4755',
    'cap',
    'a',
    'dir',
    'd',
    'own',
    'd',
    '5',
    'mode',
    'd',
    '0',
  ];
  expect(
    run(
      'do',
      ...made,
      'null',
      'd/n',
      'own',
      'd/n',
      '7',
      'link',
      'l',
      'own',
      'l',
      '9',
      'make',
      'b',
      'mode',
      'b',
      '0',
    ),
  ).toEqual([
    'lchown(file, id, id + 1) = 0',
    'chmod(file, m) = 0',
    'setxattr(file, "security.capability", "\\1\\0\\0\\2\\0\\40\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0", 20, 0) = 0',
    'lchown(file, id, id + 1) = 0',
    'chmod(file, m) = 0',
    'mknod(file, S_IFCHR | 0666, makedev(1, 3)) = 0',
    'lchown(file, id, id + 1) = 0',
    'lchown(file, id, id + 1) = 0',
    'chmod(file, m) = 0',
  ]);
  const seen = (...names: string[]) => run('do', ...names.flatMap((name) => ['see', name]));
  expect(seen('a', 'd', 'd/n', 'l', 'b')).toEqual([
    'a: 104755 33:34 0,0 20',
    'd: 40000 5:6 0,0 -1',
    'd/n: 20644 7:8 1,3 -1',
    'l: 120777 9:10 0,0 -1',
    'b: 100000 0:0 0,0 -1',
  ]);
  run('do', 'hard', 'a', 'd/a', 'move', 'd/n', 'n', 'move', 'd', 'e', 'write', 'b', 'own', 'a', '44');
  // A new owner has neither the old one's S_ISUID nor the capability.
  expect(seen('a', 'e/a', 'n', 'e', 'b', 'd')).toEqual([
    'a: 100755 44:45 0,0 -1',
    'e/a: 100755 44:45 0,0 -1',
    'n: 20644 7:8 1,3 -1',
    'e: 40000 5:6 0,0 -1',
    'b: 100000 0:0 0,0 -1',
    'd: ENOENT',
  ]);
  // On the host all of it is the user's.
  expect(statSync(join(root, 'work/a')).uid).toBe(USER);
  // Who is not root in the guest may do there what the modes say.
  const user = run('do', 'as', '44', 'write', 'a', 'write', 'b', 'see', 'e/a', 'own', 'a', '46', 'drop', 'a');
  expect(user.map((line) => line.split(/ = |: /).at(-1))).toEqual([
    '0',
    '0',
    '1',
    '-1 EBADF',
    'EACCES',
    '-1 EPERM',
    '-1 EACCES',
  ]);
  // A name that is gone, and a file that has its number now, has nothing of it.
  run('do', 'drop', 'n', 'make', 'n');
  expect(seen('n')).toEqual(['n: 100644 0:0 0,0 -1']);
});

asRoot.test(
  asRoot.name('what modes on the host keep the user out of is open to root'),
  { timeout: 120_000 },
  () => {
    const { root, run } = makeRoot('locked', { do: doer() });
    for (const name of ['locked', 'listless']) {
      const directory = join(root, 'work', name);
      mkdirSync(directory);
      writeFileSync(join(directory, 'f'), '');
      chmodSync(join(directory, 'f'), 0o400);
      for (const path of [directory, join(directory, 'f')]) chownSync(path, USER, USER);
    }
    chmodSync(join(root, 'work/locked'), 0);
    chmodSync(join(root, 'work/listless'), 0o650);
    const words = [
      'see',
      'locked',
      'see',
      'locked/f',
      'make',
      'locked/new',
      'see',
      'locked/new',
      'write',
      'locked/f',
    ];
    expect(run('do', ...words)).toEqual([
      'locked: 40000 0:0 0,0 -1',
      'locked/f: 100400 0:0 0,0 -1',
      'locked/new: 100644 0:0 0,0 -1',
      'write(fd, "x", 1) = 1',
    ]);
    expect(run('do', 'drop', 'locked/f', 'see', 'locked/f', 'see', 'locked')).toEqual([
      'unlink(file) = 0',
      'locked/f: ENOENT',
      'locked: 40000 0:0 0,0 -1',
    ]);
    const ids = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
    const archive = spawnSync('setpriv', [...ids, process.execPath, bin, 'export', root], {
      timeout: 60_000,
    });
    expect(archive.stderr.toString()).toBe('');
    const listed = spawnSync('tar', ['--numeric-owner', '-tvf', '-'], {
      input: archive.stdout,
      encoding: 'latin1',
    }).stdout;
    expect(listed).toMatch(
      /^drw-r-x--- 0\/0 .* \.\/work\/listless\/\n-r-------- 0\/0 .* \.\/work\/listless\/f$/m,
    );
  },
);

asRoot.test(
  asRoot.name('of a run that is killed all is there, and another sees it at once'),
  { timeout: 120_000 },
  async () => {
    const { root, run, args } = makeRoot('killed', { do: doer() });
    const words = ['make', 'a', 'own', 'a', '33', 'null', 'n', 'wait', 'ready'];
    const child = spawn('setpriv', args('do', ...words), { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const bytes of child.stdout) if ((said += bytes).includes('ready')) break;
    expect(run('do', 'see', 'a', 'see', 'n', 'own', 'a', '55')[0]).toBe('a: 100644 33:34 0,0 -1');
    child.kill('SIGKILL');
    // What somebody was killed over, in the middle of a line.
    appendFileSync(`${root}.owners`, '["12345:678",{"mode":4');
    expect(run('do', 'see', 'a', 'see', 'n', 'own', 'n', '3', 'see', 'n')).toEqual([
      'a: 100644 55:56 0,0 -1',
      'n: 20644 0:0 1,3 -1',
      'lchown(file, id, id + 1) = 0',
      'n: 20644 3:4 1,3 -1',
    ]);
    expect(run('do', 'see', 'n')).toEqual(['n: 20644 3:4 1,3 -1']);
    expect(readFileSync(`${root}.owners`, 'utf8').startsWith('armrun owners 1\n')).toBe(true);
  },
);

asRoot.test(
  asRoot.name('is not asked for with --no-fakeroot, nor where nothing could be kept'),
  { timeout: 120_000 },
  () => {
    const { root, args } = makeRoot('without', { do: doer() });
    const plain = args('do', 'make', 'a', 'see', 'a', 'own', 'a', '33');
    const at = plain.indexOf('--root');
    const without = [...plain.slice(0, at), '--no-fakeroot', ...plain.slice(at)];
    const answer = (words: string[]) =>
      spawnSync('setpriv', words, { encoding: 'latin1', timeout: 60_000 }).stdout.split('\n');
    expect(answer(without)).toEqual([
      `a: 100644 ${USER}:${USER} 0,0 -1`,
      'lchown(file, id, id + 1) = -1 EPERM',
      '',
    ]);
    chownSync(join(top, 'without'), 0, 0);
    chmodSync(join(top, 'without'), 0o755);
    expect(answer(plain)[1]).toBe('lchown(file, id, id + 1) = -1 EPERM');
    const asked = [...plain.slice(0, at), '--fakeroot', ...plain.slice(at)];
    const { status, stderr } = spawnSync('setpriv', asked, { encoding: 'latin1', timeout: 60_000 });
    expect([status, stderr]).toEqual([125, expect.stringContaining(`${root}.owners: EACCES`)]);
  },
);
