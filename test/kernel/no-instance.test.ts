/** Without memory of the host's for another process's interpreter fork and execve give ENOMEM, and the run goes on. */
import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/run.ts';
import { compile } from '../vfs/compile.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const SOURCE = `
#include "try.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) return 3;
  puts("begun");
  TRY(fork());
  char *again[] = {argv[0], "again", NULL};
  TRY(execv("/proc/self/exe", again));
  puts("now");
  int status, pid = fork();
  if (pid == 0) execv("/proc/self/exe", again);
  waitpid(pid, &status, 0);
  printf("status %d\\n", WEXITSTATUS(status));
  return 0;
}
`;

test('fork and execve', async () => {
  const program = compile('no-instance', SOURCE, 'arm');
  const { Instance } = WebAssembly;
  let has = true;
  vi.spyOn(WebAssembly, 'Instance').mockImplementation(function make(...args): WebAssembly.Instance {
    if (!has) throw new RangeError('WebAssembly.Instance(): Out of memory');
    return new Instance(...args);
  });
  let output = '';
  const stdout = (bytes: Uint8Array) => {
    output += Buffer.from(bytes).toString('latin1');
    if (output.endsWith('begun\n')) has = false;
    if (output.endsWith('now\n')) has = true;
  };
  expect(await run({ program, argv: ['no-instance'], stdout, cpu: 'interp' })).toEqual({
    exitCode: 0,
    signal: null,
  });
  expect(output.split('\n')).toEqual([
    'begun',
    'fork() = -1 ENOMEM',
    'execv("/proc/self/exe", again) = -1 ENOMEM',
    'now',
    'status 3',
    '',
  ]);
});
