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
const gc = runInNewContext('gc') as (how?: { type: 'minor' }) => void;

/** Bytes in use when what is garbage is gone. */
function used(): { heap: number; external: number } {
  gc();
  gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, external: external + arrayBuffers };
}

/** Has a run make so many processes and so many more; what `look` gives after each. */
async function afterEach<T>(times: readonly number[], look: () => T): Promise<T[]> {
  const program = compile('many-processes', SOURCE, 'arm');
  const seen: T[] = [];
  let next = Promise.withResolvers<void>();
  async function* input() {
    for (const n of times) {
      yield `${n}\n`;
      await next.promise;
      next = Promise.withResolvers();
      seen.push(look());
    }
  }
  const argv = ['many', program];
  const result = await run({ program, argv, stdin: input(), stdout: () => next.resolve(), cache: null });
  expect(result).toEqual({ exitCode: 0, signal: null });
  return seen;
}

test('the heap after 10,000 processes', { timeout: 300_000 }, async () => {
  const [few, many] = (await afterEach([1000, 9000], used)) as [
    ReturnType<typeof used>,
    ReturnType<typeof used>,
  ];
  // It varies by 2 MB, up and down, with what V8 has compiled. One object of 1 kB left by each process would be 9 MB.
  expect(many.heap - few.heap).toBeLessThan(5e6);
  expect(many.external - few.external).toBeLessThan(8e6);
});

/**
 * What V8 makes in the old generation at once (getters of object literals, closures assigned to properties) holds what it leads
 * to until a full collection: a process would leave all it had, some 45 kB.
 */
test('what a process leaves is gone with the young generation', { timeout: 300_000 }, async () => {
  const heap = () => {
    gc({ type: 'minor' });
    gc({ type: 'minor' });
    return process.memoryUsage().heapUsed;
  };
  const processes = 200;
  const sizes = await afterEach([1000, ...Array<number>(5).fill(processes)], heap);
  const each = sizes.slice(1).map((size, i) => (size - sizes[i]!) / processes);
  // A full collection may come in between, and V8 compiles something.
  each.sort((a, b) => a - b);
  expect(each[2]).toBeLessThan(12_000);
});
