/**
 * File modes and the stat family of structures as 32-bit ARM EABI lays them out
 * (arch/arm/include/uapi/asm/stat.h, statfs.h; include/uapi/linux/stat.h for statx).
 */

import type { Field } from './struct.ts';
import type { Timespec } from './time.ts';

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
 * be), `dev` and `rdev` are in Linux's new_encode_dev form.
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
  atime: Timespec;
  mtime: Timespec;
  ctime: Timespec;
  btime: Timespec;
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

/** A struct that is filled word by word, as bytes: what a call gives is good until the next of the same struct. */
class Words {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  constructor(size: number) {
    this.words = new Int32Array(size / 4);
    this.bytes = new Uint8Array(this.words.buffer);
  }
}

/** Seconds wrap after 2038, as the kernel's do for 32-bit time_t. */
function time32(words: Int32Array, at: number, { tv_sec, tv_nsec }: Timespec): void {
  words[at] = tv_sec;
  words[at + 1] = tv_nsec;
}
/** Also of a negative number. */
function word64(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / 0x1_0000_0000);
}

export const STAT64_SIZE = 104;
const STAT64 = new Words(STAT64_SIZE);

/** struct stat64 (stat64, lstat64, fstat64, fstatat64). */
export function stat64Bytes(a: Attributes): Uint8Array {
  const { words, bytes } = STAT64;
  words[0] = a.dev;
  words[3] = a.ino;
  words[4] = a.mode;
  words[5] = a.nlink;
  words[6] = a.uid;
  words[7] = a.gid;
  words[8] = a.rdev;
  word64(words, 12, a.size);
  words[14] = a.blksize;
  word64(words, 16, a.blocks);
  time32(words, 18, a.atime);
  time32(words, 20, a.mtime);
  time32(words, 22, a.ctime);
  words[24] = a.ino;
  return bytes;
}

export const STAT_SIZE = 64;
const STAT = new Words(STAT_SIZE);
const half = (id: number) => (id > 0xffff ? 0xfffe : id);

/** struct stat, of the calls before stat64. Undefined when the size does not fit (EOVERFLOW). */
export function statBytes(a: Attributes): Uint8Array | undefined {
  if (a.size > 0x7fff_ffff) return undefined;
  const { words, bytes } = STAT;
  words[0] = a.dev;
  words[1] = a.ino;
  words[2] = (a.mode & 0xffff) | (Math.min(a.nlink, 0xffff) << 16);
  words[3] = half(a.uid) | (half(a.gid) << 16);
  words[4] = a.rdev;
  words[5] = a.size;
  words[6] = a.blksize;
  words[7] = a.blocks;
  time32(words, 8, a.atime);
  time32(words, 10, a.mtime);
  time32(words, 12, a.ctime);
  return bytes;
}

export const STATX_SIZE = 256;
export const STATX_BASIC_STATS = 0x7ff;
export const STATX_BTIME = 0x800;
export const STATX_MNT_ID = 0x1000;
export const STATX__RESERVED = 0x8000_0000;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const STATX = new Words(STATX_SIZE);

function statxTime(words: Int32Array, at: number, { tv_sec, tv_nsec }: Timespec): void {
  word64(words, at, tv_sec);
  words[at + 2] = tv_nsec;
}

/** struct statx with the basic statistics, the time of birth and the mount's number. */
export function statxBytes(a: Attributes, mountId: number, mountRoot: boolean): Uint8Array {
  const { words, bytes } = STATX;
  words[0] = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
  words[1] = a.blksize;
  words[2] = mountRoot ? STATX_ATTR_MOUNT_ROOT : 0;
  words[4] = a.nlink;
  words[5] = a.uid;
  words[6] = a.gid;
  words[7] = a.mode;
  words[8] = a.ino;
  word64(words, 10, a.size);
  word64(words, 12, a.blocks);
  words[14] = STATX_ATTR_MOUNT_ROOT;
  statxTime(words, 16, a.atime);
  statxTime(words, 20, a.btime);
  statxTime(words, 24, a.ctime);
  statxTime(words, 28, a.mtime);
  words[32] = major(a.rdev);
  words[33] = minor(a.rdev);
  words[34] = major(a.dev);
  words[35] = minor(a.dev);
  words[36] = mountId;
  return bytes;
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

type Shown = Pick<Attributes, 'mode' | 'size' | 'rdev'>;

/** Mode and size as strace shows them. */
function show(a: Shown): string {
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

/** What strace shows of a structure that the kernel only ever writes: mode and size. */
function shown(size: number, align: number, modeAt: number, sizeAt: number, rdevAt: number): Field<Shown> {
  return {
    size,
    align,
    set: () => {
      throw new Error('written as bytes');
    },
    get: (view, at) => ({
      mode: view.getUint16(at + modeAt, true),
      size: view.getUint32(at + sizeAt, true),
      rdev: view.getUint32(at + rdevAt, true),
    }),
    print: show,
  };
}

export const stat64: Field<Shown> = shown(STAT64_SIZE, 8, 16, 48, 32);
export const stat: Field<Shown> = shown(STAT_SIZE, 4, 8, 20, 16);
export const statx: Field<Shown> = shown(STATX_SIZE, 8, 28, 40, 128);

function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}
