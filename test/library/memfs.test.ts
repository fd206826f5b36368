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
