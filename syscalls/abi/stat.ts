/**
 * File modes and the stat family of structures as 32-bit ARM EABI lays them out
 * (arch/arm/include/uapi/asm/stat.h, statfs.h; include/uapi/linux/stat.h for statx).
 */

import type { Field } from './struct.ts';

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
export const S_IXGRP = 0o010;

/**
 * What is known about a file. Numbers are 32-bit safe where the guest's structures are: `ino` is below 2^32 (remapped if need
 * be), `dev` and `rdev` are in Linux's new_encode_dev form. Times are nanoseconds since 1970.
 */
export interface Attributes {
  dev: number;
  ino: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  /** Bytes. */
  size: number;
  blksize: number;
  /** Of 512 bytes. */
  blocks: number;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  btime: bigint;
}

/** A device number as Linux encodes it for user space (new_encode_dev). */
export function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}

const NS = 1_000_000_000n;

/** Writes a time of nanoseconds as two 32-bit words (seconds wrap after 2038, as the kernel's do for 32-bit time_t). */
function time32(view: DataView, at: number, time: bigint): void {
  const nanoseconds = ((time % NS) + NS) % NS;
  view.setInt32(at, Number(BigInt.asIntN(32, (time - nanoseconds) / NS)), true);
  view.setInt32(at + 4, Number(nanoseconds), true);
}

export const STAT64_SIZE = 104;

/** struct stat64 (stat64, lstat64, fstat64, fstatat64). */
export function writeStat64(view: DataView, at: number, a: Attributes): void {
  view.setUint32(at, a.dev, true);
  view.setUint32(at + 4, 0, true);
  view.setUint32(at + 8, 0, true);
  view.setUint32(at + 12, a.ino, true);
  view.setUint32(at + 16, a.mode, true);
  view.setUint32(at + 20, a.nlink, true);
  view.setUint32(at + 24, a.uid, true);
  view.setUint32(at + 28, a.gid, true);
  view.setUint32(at + 32, a.rdev, true);
  view.setUint32(at + 36, 0, true);
  view.setUint32(at + 40, 0, true);
  view.setUint32(at + 44, 0, true);
  setUint64(view, at + 48, a.size);
  view.setUint32(at + 56, a.blksize, true);
  view.setUint32(at + 60, 0, true);
  setUint64(view, at + 64, a.blocks);
  time32(view, at + 72, a.atime);
  time32(view, at + 80, a.mtime);
  time32(view, at + 88, a.ctime);
  view.setUint32(at + 96, a.ino, true);
  view.setUint32(at + 100, 0, true);
}

export const STAT_SIZE = 64;

/** struct stat, of the calls before stat64. False when the size does not fit (EOVERFLOW). */
export function writeStat(view: DataView, at: number, a: Attributes): boolean {
  if (a.size > 0x7fff_ffff) return false;
  view.setUint32(at, a.dev, true);
  view.setUint32(at + 4, a.ino, true);
  view.setUint16(at + 8, a.mode, true);
  view.setUint16(at + 10, Math.min(a.nlink, 0xffff), true);
  view.setUint16(at + 12, a.uid > 0xffff ? 0xfffe : a.uid, true);
  view.setUint16(at + 14, a.gid > 0xffff ? 0xfffe : a.gid, true);
  view.setUint32(at + 16, a.rdev, true);
  view.setUint32(at + 20, a.size, true);
  view.setUint32(at + 24, a.blksize, true);
  view.setUint32(at + 28, a.blocks, true);
  time32(view, at + 32, a.atime);
  time32(view, at + 40, a.mtime);
  time32(view, at + 48, a.ctime);
  view.setUint32(at + 56, 0, true);
  view.setUint32(at + 60, 0, true);
  return true;
}

export const STATX_SIZE = 256;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX__RESERVED = 0x8000_0000;
const STATX_ATTR_MOUNT_ROOT = 0x2000;

function statxTime(view: DataView, at: number, time: bigint): void {
  const nanoseconds = ((time % NS) + NS) % NS;
  view.setBigInt64(at, (time - nanoseconds) / NS, true);
  view.setUint32(at + 8, Number(nanoseconds), true);
  view.setUint32(at + 12, 0, true);
}

/** struct statx with the basic statistics, the time of birth and the mount's number. */
export function writeStatx(
  view: DataView,
  at: number,
  a: Attributes,
  mountId: number,
  mountRoot: boolean,
): void {
  new Uint8Array(view.buffer, view.byteOffset + at, STATX_SIZE).fill(0);
  view.setUint32(at, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, true);
  view.setUint32(at + 4, a.blksize, true);
  view.setUint32(at + 8, mountRoot ? STATX_ATTR_MOUNT_ROOT : 0, true);
  view.setUint32(at + 16, a.nlink, true);
  view.setUint32(at + 20, a.uid, true);
  view.setUint32(at + 24, a.gid, true);
  view.setUint16(at + 28, a.mode, true);
  setUint64(view, at + 32, a.ino);
  setUint64(view, at + 40, a.size);
  setUint64(view, at + 48, a.blocks);
  view.setUint32(at + 56, STATX_ATTR_MOUNT_ROOT, true);
  statxTime(view, at + 64, a.atime);
  statxTime(view, at + 80, a.btime);
  statxTime(view, at + 96, a.ctime);
  statxTime(view, at + 112, a.mtime);
  view.setUint32(at + 128, major(a.rdev), true);
  view.setUint32(at + 132, minor(a.rdev), true);
  view.setUint32(at + 136, major(a.dev), true);
  view.setUint32(at + 140, minor(a.dev), true);
  setUint64(view, at + 144, mountId);
}

/** Of statfs(2): what is in memory. */
export const TMPFS_MAGIC = 0x0102_1994;

/** What statfs(2) tells of a file system; block counts are in units of `bsize`. */
export interface FsStatistics {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  namelen: number;
}

export const STATFS64_SIZE = 84;

/** struct statfs64, packed to 4 bytes on ARM EABI. */
export function writeStatfs64(view: DataView, at: number, s: FsStatistics, flags: number): void {
  new Uint8Array(view.buffer, view.byteOffset + at, STATFS64_SIZE).fill(0);
  view.setUint32(at, s.type, true);
  view.setUint32(at + 4, s.bsize, true);
  setUint64(view, at + 8, s.blocks);
  setUint64(view, at + 16, s.bfree);
  setUint64(view, at + 24, s.bavail);
  setUint64(view, at + 32, s.files);
  setUint64(view, at + 40, s.ffree);
  view.setUint32(at + 56, s.namelen, true);
  view.setUint32(at + 60, s.bsize, true);
  view.setUint32(at + 64, flags, true);
}

export const STATFS_SIZE = 64;

/** struct statfs; larger file systems are scaled to bigger blocks, so that df of an old program still tells the truth. */
export function writeStatfs(view: DataView, at: number, s: FsStatistics, flags: number): void {
  let { bsize, blocks, bfree, bavail } = s;
  while (blocks > 0xffff_ffff) {
    bsize *= 2;
    blocks = Math.floor(blocks / 2);
    bfree = Math.floor(bfree / 2);
    bavail = Math.floor(bavail / 2);
  }
  const words = [
    s.type,
    bsize,
    blocks,
    bfree,
    bavail,
    Math.min(s.files, 0xffff_ffff),
    Math.min(s.ffree, 0xffff_ffff),
  ];
  words.push(0, 0, s.namelen, bsize, flags, 0, 0, 0, 0);
  words.forEach((word, i) => {
    view.setUint32(at + 4 * i, word, true);
  });
}

/** Mode and size as strace shows them. */
function show(a: Attributes): string {
  const kind = Object.keys(KINDS).find((name) => KINDS[name] === (a.mode & S_IFMT)) ?? '0';
  const content =
    kind === 'S_IFCHR' || kind === 'S_IFBLK'
      ? `st_rdev=makedev(0x${major(a.rdev).toString(16)}, 0x${minor(a.rdev).toString(16)})`
      : `st_size=${a.size}`;
  return `{st_mode=${kind}|0${(a.mode & 0o7777).toString(8)}, ${content}, ...}`;
}
const KINDS: Readonly<Record<string, number>> = {
  S_IFSOCK,
  S_IFLNK,
  S_IFREG,
  S_IFBLK,
  S_IFDIR,
  S_IFCHR,
  S_IFIFO,
};

/** A structure the kernel only ever writes; what `get` gives serves strace, which shows mode and size. */
function written(
  size: number,
  align: number,
  modeAt: number,
  sizeAt: number,
  rdevAt: number,
  set: Field<Attributes>['set'],
): Field<Attributes> {
  const unknown = {
    dev: 0,
    ino: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    blksize: 0,
    blocks: 0,
    atime: 0n,
    mtime: 0n,
    ctime: 0n,
    btime: 0n,
  };
  return {
    size,
    align,
    set,
    get: (view, at) => ({
      ...unknown,
      mode: view.getUint16(at + modeAt, true),
      size: view.getUint32(at + sizeAt, true),
      rdev: view.getUint32(at + rdevAt, true),
    }),
    print: show,
  };
}

export const stat64: Field<Attributes> = written(STAT64_SIZE, 8, 16, 48, 32, writeStat64);
export const stat: Field<Attributes> = written(STAT_SIZE, 4, 8, 20, 16, writeStat);
export const statx: Field<Attributes> = written(STATX_SIZE, 8, 28, 40, 128, (view, at, a) =>
  writeStatx(view, at, a, 0, false),
);

function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
