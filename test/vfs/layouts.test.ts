/**
 * Numbers and struct layouts of the ABI, held against the headers for ARM: a C program compiled for ARM prints them, under
 * qemu-arm.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { writeDirent, writeDirent64 } from '../../syscalls/abi/dirent.ts';
import * as fcntl from '../../syscalls/abi/fcntl.ts';
import { IOCTL_NAMES } from '../../syscalls/abi/ioctl.ts';
import * as poll from '../../syscalls/abi/poll.ts';
import * as stat from '../../syscalls/abi/stat.ts';
import * as termios from '../../syscalls/abi/termios.ts';
import { timespecOf } from '../../syscalls/abi/time.ts';
import { compile } from './compile.ts';

/** Runs a C program made of includes and the body of main; gives its lines. */
function ask(name: string, includes: readonly string[], body: string): string[] {
  const text = includes.map((file) => `#include <${file}>\n`).join('');
  const source = `#define _GNU_SOURCE\n${text}#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n${body}\nreturn 0;\n}\n`;
  return execFileSync('qemu-arm-static', [compile(name, source, 'arm')], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

/** What the headers say of constants; null for those they do not have. */
function constants(
  name: string,
  includes: readonly string[],
  names: readonly string[],
): Record<string, number> {
  const body = names.map((n) => `#ifdef ${n}\nprintf("${n} %lld\\n", (long long)(${n}));\n#endif`).join('\n');
  return Object.fromEntries(
    ask(name, includes, body).map((line) => {
      const [constant, value] = line.split(' ');
      return [constant!, Number(value)];
    }),
  );
}

type Field = { offset: number; size: number };

/** Offsets and sizes of a struct's fields; the struct's own size as ''. */
function layout(
  name: string,
  includes: readonly string[],
  type: string,
  fields: readonly string[],
): Map<string, Field> {
  const body = fields.map(
    (f) => `printf("${f} %d %d\\n", (int)offsetof(${type}, ${f}), (int)sizeof((${type} *)0)->${f});`,
  );
  const lines = ask(name, includes, `${body.join('\n')}\nprintf("self 0 %d\\n", (int)sizeof(${type}));`);
  return new Map(
    lines.map((line) => {
      const [field, offset, size] = line.split(' ');
      return [field!, { offset: Number(offset), size: Number(size) }];
    }),
  );
}

function read(view: DataView, { offset, size }: Field): number {
  if (size === 8) return Number(view.getBigUint64(offset, true));
  return size === 4
    ? view.getUint32(offset, true)
    : size === 2
      ? view.getUint16(offset, true)
      : view.getUint8(offset);
}

const attributes: stat.Attributes = {
  dev: 0x12345,
  ino: 0x2345678,
  mode: 0o104755,
  nlink: 7,
  uid: 1001,
  gid: 1002,
  rdev: 0x54321,
  size: 0x7654321,
  blksize: 4096,
  blocks: 99,
  atime: timespecOf(1_100_000_001_000_000_002n),
  mtime: timespecOf(1_200_000_003_000_000_004n),
  ctime: timespecOf(1_300_000_005_000_000_006n),
  btime: timespecOf(1_400_000_007_000_000_008n),
};
const expected: Record<string, number> = {
  st_dev: 0x12345,
  st_ino: 0x2345678,
  __st_ino: 0x2345678,
  st_mode: 0o104755,
  st_nlink: 7,
  st_uid: 1001,
  st_gid: 1002,
  st_rdev: 0x54321,
  st_size: 0x7654321,
  st_blksize: 4096,
  st_blocks: 99,
  st_atime: 1_100_000_001,
  st_atime_nsec: 2,
  st_mtime: 1_200_000_003,
  st_mtime_nsec: 4,
  st_ctime: 1_300_000_005,
  st_ctime_nsec: 6,
};

function check(
  view: DataView,
  fields: Map<string, Field>,
  values: Record<string, number>,
  size: number,
): void {
  expect(fields.get('self')!.size).toBe(size);
  const seen = Object.fromEntries(Object.keys(values).map((name) => [name, read(view, fields.get(name)!)]));
  expect(seen).toEqual(values);
}

describe('constants', () => {
  test.each([
    [
      'fcntl',
      ['linux/fcntl.h', 'linux/falloc.h', 'linux/openat2.h', 'linux/memfd.h', 'linux/fs.h', 'linux/stat.h'],
      fcntl,
      90,
    ],
    ['poll', ['poll.h', 'sys/epoll.h'], poll, 15],
    ['mode', ['linux/stat.h', 'linux/magic.h'], stat, 12],
    ['termios', ['asm/termbits.h'], termios, 40],
    [
      'ioctl',
      ['asm/ioctls.h', 'linux/sockios.h', 'asm/sockios.h', 'linux/fs.h', 'linux/random.h', 'asm/termbits.h'],
      IOCTL_NAMES,
      40,
    ],
  ] as const)('%s', (name, includes, ours, atLeast) => {
    const numbers = Object.fromEntries(
      Object.entries(ours).filter(([key, value]) => typeof value === 'number' && !OURS.has(key)),
    ) as Record<string, number>;
    const theirs = constants(name, includes, Object.keys(numbers));
    expect(Object.keys(theirs).length).toBeGreaterThanOrEqual(atLeast);
    for (const [key, value] of Object.entries(theirs))
      expect([key, numbers[key]! >>> 0]).toEqual([key, value >>> 0]);
    const unknown = Object.keys(numbers).filter((key) => !(key in theirs));
    expect(unknown.filter((key) => !key.endsWith('_SIZE') && !KERNEL_ONLY.has(key))).toEqual([]);
  });
});

/** Names that are our own. */
const OURS = new Set([
  'STATX_SIZE',
  'O_SETFL',
  'O_KNOWN',
  'SYMLINKS_MAX',
  'RW_MAX',
  'MAX_NON_LFS',
  'PIPE_BUF',
  'PATH_MAX',
  'NAME_MAX',
]);
/** What no header for programs defines under this name. */
const KERNEL_ONLY = new Set([
  'O_RDONLY',
  'F_ALL_SEALS', // mm/memfd.c
  'O_ASYNC', // FASYNC
  'R_OK',
  'W_OK',
  'X_OK',
  'F_OK',
  'SEEK_DATA',
  'UTIME_NOW',
  'UTIME_OMIT',
  'AT_EACCESS',
  'O_PATH',
  'EPOLLEXCLUSIVE_OK_BITS', // fs/eventpoll.c
]);

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length);

describe('structs', () => {
  test('stat64', () => {
    const fields = layout('stat64', ['asm/stat.h'], 'struct stat64', Object.keys(expected));
    check(viewOf(stat.stat64Bytes(attributes)), fields, expected, stat.STAT64_SIZE);
  });

  test('stat', () => {
    const { __st_ino, ...values } = expected;
    const fields = layout('stat', ['asm/stat.h'], 'struct stat', Object.keys(values));
    check(viewOf(stat.statBytes(attributes)!), fields, values, stat.STAT_SIZE);
    expect(stat.statBytes({ ...attributes, size: 2 ** 31 })).toBe(undefined);
  });

  test('statx', () => {
    const values: Record<string, number> = {
      stx_mask: stat.STATX_BASIC_STATS | stat.STATX_BTIME | stat.STATX_MNT_ID,
      stx_blksize: 4096,
      stx_nlink: 7,
      stx_uid: 1001,
      stx_gid: 1002,
      stx_mode: 0o104755,
      stx_ino: 0x2345678,
      stx_size: 0x7654321,
      stx_blocks: 99,
      'stx_atime.tv_sec': 1_100_000_001,
      'stx_atime.tv_nsec': 2,
      'stx_btime.tv_sec': 1_400_000_007,
      'stx_btime.tv_nsec': 8,
      'stx_ctime.tv_sec': 1_300_000_005,
      'stx_ctime.tv_nsec': 6,
      'stx_mtime.tv_sec': 1_200_000_003,
      'stx_mtime.tv_nsec': 4,
      stx_rdev_major: stat.major(0x54321),
      stx_rdev_minor: stat.minor(0x54321),
      stx_dev_major: stat.major(0x12345),
      stx_dev_minor: stat.minor(0x12345),
      stx_mnt_id: 17,
    };
    const fields = layout('statx', ['linux/stat.h'], 'struct statx', Object.keys(values));
    check(viewOf(stat.statxBytes(attributes, 17, false)), fields, values, stat.STATX_SIZE);
  });

  test('statfs64 and statfs', () => {
    const statistics = {
      type: 0xef53,
      bsize: 4096,
      blocks: 1000,
      bfree: 500,
      bavail: 400,
      files: 300,
      ffree: 200,
      namelen: 255,
    };
    const values = {
      f_type: 0xef53,
      f_bsize: 4096,
      f_blocks: 1000,
      f_bfree: 500,
      f_bavail: 400,
      f_files: 300,
      f_ffree: 200,
      f_namelen: 255,
      f_frsize: 4096,
      f_flags: 1,
    };
    let view = new DataView(new ArrayBuffer(stat.STATFS64_SIZE));
    stat.writeStatfs64(view, 0, statistics, 1);
    const includes = ['asm/statfs.h'];
    check(
      view,
      layout('statfs64', includes, 'struct statfs64', Object.keys(values)),
      values,
      stat.STATFS64_SIZE,
    );
    view = new DataView(new ArrayBuffer(stat.STATFS_SIZE));
    stat.writeStatfs(view, 0, statistics, 1);
    check(view, layout('statfs', includes, 'struct statfs', Object.keys(values)), values, stat.STATFS_SIZE);
    // 2^34 blocks do not fit 32 bits: the block is told larger.
    stat.writeStatfs(view, 0, { ...statistics, blocks: 2 ** 34 }, 1);
    expect(view.getUint32(4, true) * view.getUint32(8, true)).toBe(4096 * 2 ** 34);
  });

  test('termios', () => {
    const names = ['c_iflag', 'c_oflag', 'c_cflag', 'c_lflag', 'c_line', 'c_cc'];
    const fields = layout('termios-struct', ['asm/termbits.h'], 'struct termios', names);
    const two = layout('termios2', ['asm/termbits.h'], 'struct termios2', [...names, 'c_ispeed', 'c_ospeed']);
    expect(fields.get('self')!.size).toBe(termios.TERMIOS_SIZE);
    expect(two.get('self')!.size).toBe(termios.TERMIOS2_SIZE);
    const cc = Uint8Array.from({ length: 19 }, (_, i) => 100 + i);
    const t = { iflag: 1, oflag: 2, cflag: 3, lflag: 4, line: 5, cc, ispeed: 6, ospeed: 7 };
    const view = new DataView(new ArrayBuffer(termios.TERMIOS2_SIZE));
    termios.writeTermios(view, t);
    expect([...names.slice(0, 5), 'c_ispeed', 'c_ospeed'].map((n) => read(view, two.get(n)!))).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(view.getUint8(two.get('c_cc')!.offset + 18)).toBe(118);
    expect(termios.readTermios(view, termios.defaultTermios())).toEqual(t);
  });

  test('dirent64 and dirent', () => {
    const includes = ['dirent.h'];
    const fields = layout('dirent64', includes, 'struct dirent64', [
      'd_ino',
      'd_off',
      'd_reclen',
      'd_type',
      'd_name',
    ]);
    const entry = { ino: 0x1234567, off: 0x7654321, type: 4, name: 'abcde' };
    const bytes = new Uint8Array(64).fill(0xee);
    const length = writeDirent64(bytes, 8, 56, entry);
    expect(length).toBe(24 + 8);
    const view = new DataView(bytes.buffer, 8);
    expect(['d_ino', 'd_off', 'd_reclen', 'd_type'].map((n) => read(view, fields.get(n)!))).toEqual([
      entry.ino,
      entry.off,
      length,
      4,
    ]);
    const at = fields.get('d_name')!.offset;
    expect(Buffer.from(bytes.subarray(8 + at, 8 + at + 6)).toString()).toBe('abcde\0');
    expect([bytes[7], bytes[8 + length]]).toEqual([0xee, 0xee]);
    expect(writeDirent64(bytes, 8, length - 1, entry)).toBe(0);
    // struct linux_dirent: two words, a length, the name, the type in the last byte (getdents(2)).
    const old = writeDirent(bytes, 0, 64, entry);
    expect(old).toBe(20);
    const o = new DataView(bytes.buffer);
    expect([o.getUint32(0, true), o.getUint32(4, true), o.getUint16(8, true), o.getUint8(19)]).toEqual([
      entry.ino,
      entry.off,
      20,
      4,
    ]);
    expect(Buffer.from(bytes.subarray(10, 16)).toString()).toBe('abcde\0');
  });
});
