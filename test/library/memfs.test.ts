/** run() over a volume of memfs, with streams of its own: no file of the host is touched. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Volume } from 'memfs';
import { expect, test } from 'vitest';
import { run } from '../../src/index.ts';
import { compile } from '../vfs/compile.ts';

const SOURCE = `
#include "try.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc == 1) {
    if (fork() == 0) execl("/bin/program", "again", "child", NULL);
    int status;
    wait(&status);
    printf("child %d\\n", WEXITSTATUS(status));
  }
  char buffer[100];
  int n = read(0, buffer, sizeof buffer);
  printf("%s read %.*s\\n", argv[0], n, buffer);
  mkdir("/made", 0750);
  FILE *f = fopen("/made/file", "a");
  fprintf(f, "by %s\\n", argv[0]);
  fclose(f);
  DIR *d = opendir("/");
  struct dirent *e;
  int count = 0;
  while ((e = readdir(d)) != NULL) count++;
  fprintf(stderr, "%d names, home is %s\\n", count, getenv("HOME"));
  return argc == 1 ? 3 : 4;
}
`;

async function* pieces() {
  yield 'first';
  await setTimeout(50);
  yield 'second';
}

test('a program in a volume of memfs', { timeout: 180_000 }, async () => {
  const volume = Volume.fromJSON({ '/etc/motd': 'hello' });
  volume.mkdirSync('/bin');
  volume.writeFileSync('/bin/program', readFileSync(compile('library', SOURCE, 'arm')), { mode: 0o755 });
  const out: string[] = [];
  const err: string[] = [];
  const result = await run({
    program: 'program',
    env: ['PATH=/bin', 'HOME=/somewhere'],
    fs: volume,
    stdin: pieces(),
    stdout: (bytes) => out.push(Buffer.from(bytes).toString()),
    stderr: (bytes) => err.push(Buffer.from(bytes).toString()),
    cpu: 'interp',
    uid: 0,
    gid: 0,
  });
  expect(result).toEqual({ exitCode: 3, signal: null });
  expect(out.join('')).toBe('again read first\nchild 4\nprogram read second\n');
  // . .. bin etc made, and proc dev sys, which are always there.
  expect(err.join('')).toBe('8 names, home is /somewhere\n'.repeat(2));
  expect(volume.readFileSync('/made/file', 'utf8')).toBe('by again\nby program\n');
  expect(volume.statSync('/made').mode & 0o777).toBe(0o750);
});

const MODES = `
#include "try.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
static void show(const char *path) {
  struct stat s;
  if (lstat(path, &s) == 0) printf("%s %o %d:%d\\n", path, s.st_mode, s.st_uid, s.st_gid);
  else printf("%s %s\\n", path, strerrorname_np(errno));
}
int main(void) {
  umask(0);
  TRY0(open("/file", O_CREAT | O_RDWR, 0));
  TRY0(open("/file", O_RDWR));
  TRY(mkdir("/dir", 02050));
  TRY(symlink("file", "/dir/link"));
  TRY(chown("/file", 7, 8));
  TRY(chown("/dir", 1000, 1000));
  TRY(lchown("/dir/link", 5, 6));
  TRY(chmod("/file", 04444));
  show("/file");
  show("/dir");
  show("/dir/link");
  show("/given");
  TRY0(open("/given", O_WRONLY));
  show("/given");
  TRY(setgid(1000));
  TRY(setuid(1000));
  TRY0(open("/file", O_RDONLY));
  TRY0(open("/file", O_WRONLY));
  TRY0(open("/dir/link", O_RDONLY));
  TRY(mkdir("/dir/new", 0700));
  TRY(chmod("/dir", 0700));
  TRY0(open("/dir/own", O_CREAT | O_RDWR, 0600));
  TRY(unlink("/dir/own"));
  TRY0(open("/dir/own", O_CREAT | O_RDWR, 0640));
  show("/dir/own");
  TRY(rename("/dir/own", "/dir/renamed"));
  show("/dir/renamed");
  return 0;
}
`;

test("owners and modes in memfs are the guest's, whoever this process is", { timeout: 180_000 }, async () => {
  const volume = Volume.fromJSON({ '/given': 'x' });
  volume.chmodSync('/', 0o777);
  volume.chmodSync('/given', 0o400);
  volume.chownSync('/given', 3, 4);
  volume.writeFileSync('/program', readFileSync(compile('memfs-modes', MODES, 'arm')), { mode: 0o755 });
  const output: string[] = [];
  const stdout = (bytes: Uint8Array) => output.push(Buffer.from(bytes).toString());
  await run({ program: '/program', fs: volume, stdin: '', stdout, cpu: 'interp', uid: 0, gid: 0 });
  expect(output.join('').split('\n')).toEqual([
    'open("/file", O_CREAT | O_RDWR, 0) ok',
    'open("/file", O_RDWR) ok',
    'mkdir("/dir", 02050) = 0',
    'symlink("file", "/dir/link") = 0',
    'chown("/file", 7, 8) = 0',
    'chown("/dir", 1000, 1000) = 0',
    'lchown("/dir/link", 5, 6) = 0',
    'chmod("/file", 04444) = 0',
    '/file 104444 7:8',
    '/dir 40050 1000:1000',
    '/dir/link 120777 5:6',
    '/given 100400 3:4',
    'open("/given", O_WRONLY) ok',
    '/given 100400 3:4',
    'setgid(1000) = 0',
    'setuid(1000) = 0',
    'open("/file", O_RDONLY) ok',
    'open("/file", O_WRONLY) = -1 EACCES',
    'open("/dir/link", O_RDONLY) = -1 EACCES',
    'mkdir("/dir/new", 0700) = -1 EACCES',
    'chmod("/dir", 0700) = 0',
    'open("/dir/own", O_CREAT | O_RDWR, 0600) ok',
    'unlink("/dir/own") = 0',
    'open("/dir/own", O_CREAT | O_RDWR, 0640) ok',
    '/dir/own 100640 1000:1000',
    'rename("/dir/own", "/dir/renamed") = 0',
    '/dir/renamed 100640 1000:1000',
    '',
  ]);
});
