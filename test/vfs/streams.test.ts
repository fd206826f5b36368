/** Standard input and output of the host: shell scripts run a program, once native and once as ARM's, and must see the same. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from './compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));

/** Does what its arguments say, one after the other. */
const SOURCE = `
#include "try.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
static char buffer[100000];
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    char *what = argv[i], *colon = strchr(what, ':');
    int n = colon ? atoi(colon + 1) : 0;
    if (!strncmp(what, "read", 4)) {
      int k = read(0, buffer, n);
      printf("[read %d %.*s]", k < 0 ? -errno : k, k > 0 ? k : 0, buffer);
    } else if (!strncmp(what, "line", 4)) {
      /* As head(1): what was read too much is given back. */
      int k = read(0, buffer, sizeof buffer);
      int end = 0;
      while (end < k && buffer[end] != '\\n') end++;
      printf("[line %.*s]", end, buffer);
      if (end + 1 < k) lseek(0, end + 1 - k, SEEK_CUR);
    } else if (!strncmp(what, "all", 3)) {
      int k;
      while ((k = read(0, buffer, sizeof buffer)) > 0) fflush(stdout), write(1, buffer, k);
      if (k < 0) printf("[%s]", strerrorname_np(errno));
    } else if (!strncmp(what, "out", 3)) {
      fflush(stdout);
      write(1, what, strlen(what));
    } else if (!strncmp(what, "err", 3)) {
      fflush(stdout);
      write(2, what, strlen(what));
    } else if (!strncmp(what, "seek", 4)) {
      fflush(stdout);
      long to = lseek(1, n, n < 0 ? SEEK_END : SEEK_SET);
      if (to < 0) printf("[seek %s]", strerrorname_np(errno));
    } else if (!strncmp(what, "back", 4)) {
      if (lseek(0, -n, SEEK_CUR) < 0) printf("[back %s]", strerrorname_np(errno));
    } else if (!strncmp(what, "socket", 6)) {
      fflush(stdout);
      for (int fd = 0; fd < 3; fd++) {
        struct sockaddr_un a;
        socklen_t size = sizeof a, other = sizeof a, four = 4;
        int own = getsockname(fd, (void *)&a, &size), peer = getpeername(fd, (void *)&a, &other), type = -1, domain = -1;
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &four);
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &four);
        dprintf(1, "[%d %u %d %u family %d type %d %d]", own, size, peer, other, a.sun_family, type, domain);
      }
      int k = recv(0, buffer, 5, MSG_PEEK), m = recv(0, buffer + 100, 3, 0), waiting = -1;
      ioctl(0, FIONREAD, &waiting);
      dprintf(1, "[peek %d %.*s received %.*s of %d]", k, k, buffer, m, buffer + 100, m + waiting);
      send(1, "sent", 4, 0);
    } else if (!strncmp(what, "shut", 4)) {
      fflush(stdout);
      signal(SIGPIPE, SIG_IGN);
      int done = shutdown(1, SHUT_WR), written = write(1, "x", 1);
      fprintf(stderr, "[shut %d %d %s]", done, written, strerrorname_np(errno));
    } else if (!strncmp(what, "where", 5)) {
      long in = lseek(0, 0, SEEK_CUR), out = lseek(1, 0, SEEK_CUR);
      printf("[at %ld %ld]", in, out);
    } else if (!strncmp(what, "poll", 4)) {
      struct pollfd p = {0, POLLIN, 0};
      int k = poll(&p, 1, n);
      printf("[poll %d %x]", k, p.revents);
    } else if (!strncmp(what, "many", 4)) {
      memset(buffer, 'm', sizeof buffer);
      for (int done = 0; done < n; done += sizeof buffer)
        if (write(1, buffer, sizeof buffer) < 0) {
          fprintf(stderr, "[%s]", strerrorname_np(errno));
          break;
        }
    } else if (!strncmp(what, "send", 4)) {
      fflush(stdout);
      sendfile(1, 0, NULL, n);
    } else if (!strncmp(what, "open", 4)) {
      int fd = open("/dev/stdin", O_RDONLY);
      int k = read(fd, buffer, n);
      printf("[open %.*s]", k > 0 ? k : 0, buffer);
      close(fd);
    } else if (!strncmp(what, "fork", 4)) {
      fflush(stdout);
      if (fork() == 0) {
        read(0, buffer, n);
        _exit(0);
      }
      wait(NULL);
    } else if (!strncmp(what, "type", 4)) {
      struct stat s[3];
      for (int k = 0; k < 3; k++) fstat(k, s + k);
      printf("[%o %o %d]", s[0].st_mode >> 12, s[1].st_mode >> 12, fcntl(0, F_GETFL) & O_ACCMODE);
    }
    fflush(stdout);
  }
  return 0;
}
`;

const directory = mkdtempSync(`${tmpdir()}/armrun-streams-`);
const native = `${directory}/native`;
const guest = `${directory}/guest`;
beforeAll(() => {
  writeFileSync(native, `#!/bin/sh\nexec ${compile('streams', SOURCE, 'host')} "$@"\n`);
  writeFileSync(
    guest,
    `#!/bin/sh\nexec ${process.execPath} ${bin} --cpu interp ${compile('streams', SOURCE, 'arm')} "$@"\n`,
  );
  chmodSync(native, 0o755);
  chmodSync(guest, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(program: string, script: string): { status: number | null; stdout: string; stderr: string } {
  const cwd = mkdtempSync(`${directory}/run-`);
  writeFileSync(`${cwd}/in`, 'one\ntwo\nthree\nfour\n');
  const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', script], {
    cwd,
    encoding: 'latin1',
    env: { ...process.env, P: program },
    timeout: 120_000,
  });
  return { status, stdout, stderr };
}

const SCRIPTS: Record<string, string> = {
  'a file is read': '$P type where read:4 where all < in',
  'what is read is taken from the next reader': '(read a; $P read:4; cat) < in',
  'what is sought back is read again': '($P read:8 back:5; cat; $P back:6 read:3; $P read:1; cat) < in',
  'children seek for each other': '($P read:8 fork:2 back:7 read:3 where; cat) < in',
  'what is given back is not': '(read a; $P line; $P line; cat) < in',
  'a child reads on': '$P read:4 fork:4 read:6 < in',
  'the same file opened again': '$P read:4 open:3 read:4 < in',
  'output goes on at the shared place': '(echo before; $P out1 out2; echo after) > f; cat f',
  'output and errors to one file': '(echo before; $P out1 err1 out2 err2; echo after) > f 2>&1; cat f',
  appending: 'echo old > f; ($P out1 where out2; echo after) >> f; cat f',
  'seeking to the end': '(echo 0123456789; $P seek:2 outXX seek:-1 where outYY; echo after) > f; cat f',
  'reading and writing one file': '(echo abcdef >&0; $P out1; cat f) 0<>f',
  'a pipe': 'printf abcdef | $P type read:2 read:2 where all',
  'a pipe that takes its time':
    ': > out; (seen() { until grep -q "$1" out; do sleep 0.05; done; }; printf ab; seen "poll 0"; printf cd; seen cd; printf ef) | $P read:10 poll:20 read:10 read:10 read:10 > out; cat out',
  'polling a pipe':
    ': > out; (seen() { until grep -q "$1" out; do sleep 0.05; done; }; seen "poll 0 0..poll 0 0"; printf ab; seen "read 1 b") | $P poll:0 poll:20 poll:-1 read:1 poll:0 read:10 poll:-1 read:1 > out; cat out',
  'an empty input': '$P read:10 poll:0 all < /dev/null',
  'a lot through pipes': 'head -c 3000000 /dev/zero | $P all | cksum',
  'a reader that goes away': '$P many:10000000 | head -c 10; echo; echo ${PIPESTATUS[0]}',
  'sendfile from and to inherited files': '(read a; $P send:4; cat) < in > f; cat f',
};

describe('standard streams', () => {
  test.concurrent.each(Object.keys(SCRIPTS))('%s', { timeout: 180_000 }, async (name) => {
    const script = SCRIPTS[name]!;
    const expected = run(native, script);
    expect(expected.stdout.length).toBeGreaterThan(0);
    expect(run(guest, script)).toEqual(expected);
  });

  // As Node gives them to its children.
  test('sockets', { timeout: 180_000 }, () => {
    const [expected, seen] = [native, guest].map((program) => {
      const { status, stdout, stderr } = spawnSync(
        program,
        ['type', 'socket', 'poll:0', 'all', 'poll:0', 'shut'],
        {
          input: 'hello in\nmore',
          encoding: 'latin1',
        },
      );
      return { status, stdout, stderr };
    });
    expect(expected!.stdout).toContain('[peek 5 hello received hel of 13]');
    expect(seen).toEqual(expected);
  });
});
