/**
 * A program that was run is replaced: what earlier processes have left of it (pages, records, compiled functions, what exec found
 * out) serves none that should run the new one. Between two answers files are so old that their times are sure to change.
 */
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { run } from '../../src/run.ts';
import { O_RDONLY, O_RDWR } from '../../syscalls/abi/fcntl.ts';
import { Vfs } from '../../syscalls/vfs/core/vfs.ts';
import { NodeFs } from '../../syscalls/vfs/host/node-fs.ts';
import { compile } from '../vfs/compile.ts';

/** Prints numbers out of its data and out of its code, which runs often. */
const answer = (n: number) => `
#include <stdio.h>
static const char text[] = "${n}";
__attribute__((noinline)) static int code(void) {
  int n;
  __asm__ volatile("mov %0, #${n}" : "=r"(n));
  return n;
}
int main(void) {
  int sum = 0;
  for (int i = 0; i < 10000; i++) sum += code();
  printf("%s%d\\n", text, sum / 10000);
}
`;

/**
 * r: runs ./answer three times; n: gives another file its name; i: writes another into it and sets its times back; f: writes it
 * and the other into it in turns, and runs each; e: opens it, runs it, writes the other into it and executes what
 * is open.
 */
const DRIVER = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(void) {
  pid_t child = fork();
  if (child == 0) {
    execl("./answer", "answer", NULL);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  if (status != 0) printf("status %d\\n", status);
}

static void put(const char *name, const struct timespec *times) {
  static char bytes[4 << 20];
  int from = open(name, O_RDONLY);
  int size = read(from, bytes, sizeof bytes);
  int to = open("answer", O_WRONLY);
  if (pwrite(to, bytes, size, 0) != size) abort();
  futimens(to, times);
  close(to);
  close(from);
}

int main(void) {
  char command;
  while (read(0, &command, 1) == 1) {
    if (command == 'r') for (int i = 0; i < 3; i++) answer();
    if (command == 'n') rename("other", "answer");
    if (command == 'i') {
      struct stat before;
      stat("answer", &before);
      struct timespec times[] = {before.st_atim, before.st_mtim};
      put("other", times);
    }
    if (command == 'e') {
      int self = open("answer", O_RDONLY);
      answer();
      int to = open("answer", O_WRONLY), from = open("other", O_RDONLY);
      static char bytes[4 << 20];
      int size = read(from, bytes, sizeof bytes);
      struct stat before;
      stat("answer", &before);
      if (pwrite(to, bytes, size, 0) != size || close(to) != 0) abort();
      pid_t child = vfork();
      if (child == 0) {
        char *argv[] = {"answer", NULL};
        syscall(SYS_execveat, self, "", argv, NULL, AT_EMPTY_PATH);
        _exit(1);
      }
      waitpid(child, NULL, 0);
    }
    if (command == 'f')
      for (int i = 0; i < 20; i++) {
        static const struct timespec times[2];
        put(i % 2 == 0 ? "other" : "first", times);
        answer();
      }
    write(1, "done\\n", 5);
  }
}
`;

const directory = mkdtempSync(join(tmpdir(), 'replaced-'));
afterAll(() => rmSync(directory, { recursive: true }));
const here = (name: string) => join(directory, name);

const versions = [1, 2].map((n) => compile(`answer-${n}`, answer(n), 'arm'));
const driver = compile('driver', DRIVER, 'arm');

/** Until changes of what has been changed now show in its times. */
const settle = () => setTimeout(2100);

beforeEach(async () => {
  copyFileSync(versions[0]!, here('answer'));
  copyFileSync(versions[0]!, here('first'));
  copyFileSync(versions[1]!, here('other'));
  utimesSync(here('answer'), 1, 1);
  expect(statSync(here('answer')).size).toBe(statSync(here('other')).size);
  await settle();
});

/** A run of the driver. Each call gives it a command; resolves with what was printed. */
function begin() {
  let output = '';
  let next = Promise.withResolvers<string>();
  let finished = Promise.withResolvers<string>();
  async function* input() {
    for (;;) {
      const command = await next.promise;
      next = Promise.withResolvers();
      if (command === '') return;
      yield command;
    }
  }
  const ended = run({
    program: driver,
    cwd: directory,
    stdin: input(),
    stdout: (bytes) => {
      output += Buffer.from(bytes).toString('latin1');
      if (output.endsWith('done\n')) finished.resolve(output.slice(0, -5));
    },
  });
  return {
    async command(command: string): Promise<string> {
      output = '';
      finished = Promise.withResolvers();
      next.resolve(command);
      return finished.promise;
    },
    async end(): Promise<void> {
      next.resolve('');
      expect(await ended).toEqual({ exitCode: 0, signal: null });
    },
  };
}

const inPlace = () => {
  writeFileSync(here('answer'), readFileSync(here('other')), { flag: 'r+' });
  utimesSync(here('answer'), 1, 1);
};

const OLD = '11\n11\n11\n';
const NEW = '22\n22\n22\n';

test.each([
  ['by rename, from outside', () => renameSync(here('other'), here('answer'))],
  ['in place with the same size and time, from outside', inPlace],
  ['by rename, by the guest', 'n'],
  ['in place with the same size and time, by the guest', 'i'],
] as const)('%s', { timeout: 60_000 }, async (_name, change) => {
  const guest = begin();
  expect(await guest.command('r')).toBe(OLD);
  if (typeof change === 'string') await guest.command(change);
  else change();
  // At once, and when the new one is old enough to leave something, too.
  expect(await guest.command('r')).toBe(NEW);
  await settle();
  expect(await guest.command('r')).toBe(NEW);
  await guest.end();
});

test.each(['n', 'i'])('by another guest on the same root: %s', { timeout: 60_000 }, async (change) => {
  const [guest, other] = [begin(), begin()];
  expect(await guest.command('r')).toBe(OLD);
  expect(await other.command('r')).toBe(OLD);
  await other.command(change);
  expect(await guest.command('r')).toBe(NEW);
  expect(await other.command('r')).toBe(NEW);
  await settle();
  expect(await guest.command('r')).toBe(NEW);
  expect(await other.command('r')).toBe(NEW);
  await guest.end();
  await other.end();
});

test('in place, between its opening and its execution', { timeout: 60_000 }, async () => {
  const guest = begin();
  expect(await guest.command('r')).toBe(OLD);
  expect(await guest.command('e')).toBe('11\n22\n');
  await guest.end();
});

test('again and again, faster than times can tell', { timeout: 120_000 }, async () => {
  const guest = begin();
  expect(await guest.command('f')).toBe('22\n11\n'.repeat(10));
  await guest.end();
});

test('what may change without its times telling has no identity', () => {
  const { root } = new NodeFs(new Vfs(), directory);
  const open = (flags: number) => root.lookup('answer')!.open(flags).ref();
  const file = open(O_RDONLY);
  const key = () => file.pageSource(false).key;
  const before = key();
  expect(before).not.toBeNull();
  const writer = open(O_RDWR);
  expect(writer.pageSource(false).key).toBeNull();
  const shared = writer.pageSource(true);
  shared.retain!();
  expect(key()).toBeNull();
  shared.release!();
  expect(key()).toBe(before);
  writer.pwrite(Uint8Array.of(0), 0);
  expect(key()).toBeNull();
  const later = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2100);
  expect(key()).not.toBeNull();
  expect(key()).not.toBe(before);
  later.mockRestore();
  writer.release();
  file.release();
});
