/** A run's heap stays where it is, however many processes it has had: 10,000 leave it where 1,000 did. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { run } from '../../src/run.ts';
import { compile } from '../vfs/compile.ts';

/** Executes ./true so often as a line of standard input says: after vfork, fork and posix_spawn in turns. */
const SOURCE = `
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char *none[] = {NULL};

static pid_t start(int how, char **argv) {
  char *args[] = {argv[0], NULL};
  pid_t child = 0;
  if (how == 0) posix_spawn(&child, argv[1], NULL, NULL, args, none);
  else if ((child = how == 1 ? fork() : vfork()) == 0) {
    execve(argv[1], args, none);
    _exit(1);
  }
  return child;
}

int main(int argc, char **argv) {
  if (argc == 1) return 0;
  int times;
  while (scanf("%d", &times) == 1) {
    for (int i = 0; i < times; i++) {
      int status;
      if (waitpid(start(i % 3, argv), &status, 0) <= 0 || status != 0) abort();
    }
    write(1, "done\\n", 5);
  }
  return 0;
}
`;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes in use when what is garbage is gone. */
function used(): { heap: number; external: number } {
  gc();
  gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, external: external + arrayBuffers };
}

test('the heap after 10,000 processes', { timeout: 300_000 }, async () => {
  const program = compile('many-processes', SOURCE, 'arm');
  const seen: ReturnType<typeof used>[] = [];
  let next = Promise.withResolvers<void>();
  async function* input() {
    for (const times of [1000, 9000]) {
      yield `${times}\n`;
      await next.promise;
      next = Promise.withResolvers();
      seen.push(used());
    }
  }
  const result = await run({
    program,
    argv: ['many', program],
    stdin: input(),
    stdout: () => next.resolve(),
    cache: null,
  });
  expect(result).toEqual({ exitCode: 0, signal: null });
  const [few, many] = seen as [ReturnType<typeof used>, ReturnType<typeof used>];
  // It varies by 2 MB, up and down, with what V8 has compiled. One object of 1 kB left by each process would be 9 MB.
  expect(many.heap - few.heap).toBeLessThan(5e6);
  expect(many.external - few.external).toBeLessThan(8e6);
});
