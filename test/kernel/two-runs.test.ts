/** Two runs in one process, on the same directory of the host, share nothing: what one claims the other can claim too. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../../src/run.ts';
import { compile } from '../vfs/compile.ts';

/** Claims everything that a run's kernel knows by name, tells, and looks around when it reads a byte. */
const SOURCE = `
#include "try.h"
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un named(const char *name, socklen_t *length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path + 1, name);
  *length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
  return address;
}

int main(int, char **argv) {
  const char *mine = argv[1], *others = argv[2];
  setvbuf(stdout, NULL, _IOLBF, 0);
  socklen_t length;
  struct sockaddr_un address = named("same", &length);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(bind(listener, (void *)&address, length));
  TRY(listen(listener, 1));
  int bound = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(bind(bound, (void *)&address, sizeof(sa_family_t)));
  length = sizeof address;
  getsockname(bound, (void *)&address, &length);
  printf("autobound %.5s\\n", address.sun_path + 1);
  address = named(mine, &length);
  int own = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(own, (void *)&address, length);
  listen(own, 1);

  /* Of one file of the host only one of them could have them: test/vfs/locks.test.ts. */
  int file = open(argv[3], O_RDWR);
  TRY(flock(file, LOCK_EX | LOCK_NB));
  struct flock lock = {.l_type = F_WRLCK};
  TRY(fcntl(file, F_SETLK, &lock));
  TRY(semget(0x1234, 1, IPC_CREAT | IPC_EXCL | 0600) >= 0);
  TRY(mq_open("/same", O_CREAT | O_EXCL | O_RDWR, 0600, NULL) >= 0);
  FILE *score = fopen("/proc/self/oom_score_adj", "r+");
  fprintf(score, "%s", mine);
  fclose(score);
  int watcher = inotify_init1(0);
  TRY(inotify_add_watch(watcher, ".", IN_CREATE));

  int ends[2];
  pipe(ends);
  pid_t child = fork();
  if (child == 0) {
    int adjust = 0;
    score = fopen("/proc/self/oom_score_adj", "r");
    fscanf(score, "%d", &adjust);
    printf("child inherits %d\\n", adjust == atoi(mine));
    close(ends[0]);
    write(ends[1], "x", 1);
    pause();
  }
  char c;
  read(ends[0], &c, 1);
  printf("pids %d %d\\n", getpid(), child);
  read(0, &c, 1);

  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  address = named(others, &length);
  TRY(connect(client, (void *)&address, length));
  address = named(mine, &length);
  TRY(connect(client, (void *)&address, length));
  mkdir(mine, 0700);
  char events[1000];
  int size = read(watcher, events, sizeof events);
  struct pollfd more = {.fd = watcher, .events = POLLIN};
  printf("told only of its own: %d\\n",
         !strcmp(((struct inotify_event *)events)->name, mine) && size < 64 && poll(&more, 1, 0) == 0);
  // A pid means one's own process: the other run's child has the same.
  TRY(kill(child, SIGTERM));
  int status;
  wait(&status);
  printf("killed by %d\\n", WTERMSIG(status));
  read(0, &c, 1);
  return 0;
}
`;

const directory = mkdtempSync(join(tmpdir(), 'two-runs-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('two runs share nothing', { timeout: 120_000 }, async () => {
  const program = compile('two-runs', SOURCE, 'arm');
  const names = ['11', '22'];
  for (const name of names) writeFileSync(join(directory, `file ${name}`), '');
  const outputs = ['', ''];
  /** A byte for every run once each has said `pids`, and one when each has said `killed by`. */
  const stages = ['pids', 'killed by'].map((word) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { word, promise, resolve };
  });
  async function* input() {
    for (const { promise } of stages) {
      await promise;
      yield 'x';
    }
  }
  const results = await Promise.all(
    names.map((name, i) =>
      run({
        program,
        argv: ['two-runs', name, names[1 - i]!, `file ${name}`],
        cwd: directory,
        stdin: input(),
        stdout: (bytes) => {
          outputs[i] += Buffer.from(bytes).toString('latin1');
          for (const { word, resolve } of stages) if (outputs.every((text) => text.includes(word))) resolve();
        },
        cpu: 'interp',
      }),
    ),
  );
  expect(results).toEqual(names.map(() => ({ exitCode: 0, signal: null })));
  expect(outputs[0]).toContain('autobound 00001');
  expect(outputs[0]).toMatch(/^connect.* = -1 ECONNREFUSED$/m);
  expect(outputs[0]).toContain('told only of its own: 1');
  expect(outputs[0]).toContain('killed by 15');
  expect(outputs[0]!.match(/ = -1 /g)).toHaveLength(1);
  // The same pids, the same names, the same locks: every line is the same.
  expect(outputs[1]).toBe(outputs[0]);
});
