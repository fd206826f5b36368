/** The host's system calls through node:ffi: what they check, when they are loaded, and what is done without them. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { Dirents } from '../../syscalls/abi/dirent.ts';
import { errnoNamed } from '../../syscalls/abi/errno.ts';
import { hostCalls, Room } from '../../syscalls/vfs/host/ffi/call.ts';
import { getxattr, mknod, readDirectory, setxattr } from '../../syscalls/vfs/host/ffi/files.ts';
import { placeOf } from '../../syscalls/vfs/host/ffi/names.ts';
import { compile, programs } from './compile.ts';

const directory = mkdtempSync(`${tmpdir()}/armrun-ffi-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const library = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

/** Runs an ARM program by the library in a Node with these options; what `after` gives is said last. */
function runBy(options: readonly string[], program: string, after = '') {
  const script = `
    const { run } = await import(${JSON.stringify(library)});
    await run({ program: ${JSON.stringify(program)}, cwd: ${JSON.stringify(directory)} });
    ${after}`;
  const { stdout, stderr } = spawnSync(process.execPath, [...options, '--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: {},
  });
  return { lines: stdout.trimEnd().split('\n'), errors: stderr };
}

const without = [...flags, '--no-experimental-ffi'];

test('the host has them here, and errors are those of the call', () => {
  const calls = hostCalls()!;
  expect(calls.call('getpid')).toBe(process.pid);
  const file = join(directory, 'a fifo');
  mknod(calls, placeOf(file), 0o010600, 0);
  expect(lstatSync(file).isFIFO()).toBe(true);
  const errors: [() => unknown, string][] = [
    [() => mknod(calls, placeOf(file), 0o010600, 0), 'EEXIST'],
    [() => mknod(calls, placeOf(`${directory}/none/x`), 0o010600, 0), 'ENOENT'],
    [() => getxattr(calls, placeOf(`${directory}/none`), 'user.none'), 'ENOENT'],
    [() => calls.call('lseek', -1, 0, 0), 'EBADF'],
  ];
  // Again and again: what collects garbage in between, or compiles, leaves errno alone.
  for (let i = 0; i < 2000; i++) {
    for (const [body, name] of errors) {
      let thrown: unknown;
      try {
        body();
      } catch (error) {
        thrown = error;
      }
      expect(thrown === errnoNamed(name)).toBe(true);
    }
  }
});

test('arguments that are none do not get to the host', () => {
  const calls = hostCalls()!;
  expect(() => calls.call('lseek', Number.NaN, 0, 0)).toThrow(RangeError);
  expect(() => calls.call('lseek', 1.5, 0, 0)).toThrow(RangeError);
  expect(() => calls.call('lseek', 2 ** 60, 0, 0)).toThrow(RangeError);
  expect(() => getxattr(calls, placeOf('a\0b'), 'user.x')).toThrow(RangeError);
  expect(() => getxattr(calls, placeOf('/\u0100'), 'user.x')).toThrow(RangeError);
  expect(() => calls.call('lgetxattr', '/', 'user.x', new Room(1 << 20), 1 << 20)).toThrow(RangeError);
  expect(() => calls.call('lgetxattr', '/', 'user.x', new Room(-1), 8)).toThrow(RangeError);
  expect(() => setxattr(calls, placeOf(directory), 'user.x', new Uint8Array(1 << 20), 0)).toThrow(RangeError);
});

test('names in a directory come with the numbers and types that a look at each file gives', () => {
  const path = mkdtempSync(join(directory, 'names-'));
  mkdirSync(join(path, 'directory'));
  symlinkSync('nowhere', join(path, 'link'));
  // More than one call gives, and names that are not UTF-8.
  for (let i = 0; i < 3000; i++) writeFileSync(join(path, `a rather long name of a file, ${i}`), '');
  writeFileSync(Buffer.from(`${path}/\xff\xfe`, 'latin1'), '');
  const fd = openSync(path, 'r');
  const names = new Dirents();
  readDirectory(hostCalls()!, fd, names, () => true);
  closeSync(fd);
  const entries = names.entries();
  expect(entries).toHaveLength(3003);
  expect(entries.map(({ off }) => off)).toEqual(entries.map((_, i) => i + 1));
  expect(names.complete).toBe(true);
  for (const { name, type, ino } of entries) {
    const stats = lstatSync(Buffer.from(`${path}/${name}`, 'latin1'), { bigint: true });
    expect([name, type, ino]).toEqual([name, Number(stats.mode >> 12n), Number(stats.ino)]);
  }
});

test('a value comes back as it was given, whatever is in it', () => {
  const calls = hostCalls()!;
  const value = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
  setxattr(calls, placeOf(directory), 'user.value', value, 0);
  const first = getxattr(calls, placeOf(directory), 'user.value');
  setxattr(calls, placeOf(directory), 'user.other', new Uint8Array(1000), 0);
  expect(first).toEqual(value);
  expect(getxattr(calls, placeOf(directory), 'user.none')).toBeUndefined();
});

test('a program that does not need them does not have them loaded', () => {
  const source =
    '#include <stdio.h>\nint main(void) { FILE *f = fopen("made", "w"); fclose(f); remove("made"); puts("done"); }';
  const program = compile('plain', source, 'arm');
  const loaded = 'console.log(process.moduleLoadList.some((name) => /\\bffi$/.test(name)));';
  expect(runBy(flags, program, loaded)).toEqual({ lines: ['done', 'false'], errors: '' });
});

test('a Node without node:ffi does what node:fs can', () => {
  const file = compile('attributes', readFileSync(`${programs}/attributes.c`, 'utf8'), 'arm');
  const { lines, errors } = runBy(without, file);
  expect(errors).toBe('');
  for (const line of [
    'fd = open("link", O_TMPFILE | O_RDWR, 0666) = -1 EOPNOTSUPP',
    'setxattr("file", "user.a", "one", 3, 0) = -1 EOPNOTSUPP',
    'mkfifo("fifo", 0622) = 0',
    'bind(s, (void *)&to, sizeof to) = 0',
    'renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) = 0',
    'fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 32768) = 0',
    'lseek(fd, 1 << 20, SEEK_HOLE) = 1048577',
    'utimensat(AT_FDCWD, "file", exact, 0) = 0',
  ])
    expect(lines).toContain(line);
  // What the guest has made of special files is not on the host.
  expect(lstatSync(join(directory, 'file'), { throwIfNoEntry: false })?.isFile()).toBe(true);
  expect(lstatSync(join(directory, 'socket'), { throwIfNoEntry: false })).toBeUndefined();
});
