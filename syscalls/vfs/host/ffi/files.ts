/**
 * What Linux does with files and node:fs does not, one function for each call, on paths (byte strings, never followed where their
 * last component is a link) and descriptors of the host. Each throws Errno.
 */
import { constants } from 'node:fs';
import type { Dirents } from '../../../abi/dirent.ts';
import { ERRNO, fail } from '../../../abi/errno.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../../abi/fcntl.ts';
import type { Timespec } from '../../../abi/time.ts';
import type { HostCalls } from './call.ts';
import { type Place, pathOf } from './names.ts';

/** The host's numbers, the same on its architectures. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000n;

/** UTIME_NOW and UTIME_OMIT as nanoseconds. */
const UTIME_NOW = 0x3fff_ffffn;
const UTIME_OMIT = 0x3fff_fffen;

const NOFOLLOW = BigInt(AT_SYMLINK_NOFOLLOW);

/** A file: by its place, where a link is never followed, or as it is open. */
export type HostFile = Place | number;

/** Undefined when it has none of that name. */
export function getxattr(calls: HostCalls, file: HostFile, name: string): Uint8Array | undefined {
  const { valueRoom } = calls;
  const { length } = valueRoom;
  const result =
    typeof file === 'number'
      ? calls.try('fgetxattr', file, name, valueRoom, length)
      : file.fd !== AT_FDCWD && calls.has('getxattrat')
        ? calls.tryXattrAt(file.fd, file.name, NOFOLLOW, name)
        : calls.try('lgetxattr', pathOf(file), name, valueRoom, length);
  if (result === -ERRNO.ENODATA) return undefined;
  return valueRoom.bytes.slice(0, result < 0 ? calls.failed(result) : result);
}

/** @param flags XATTR_CREATE, XATTR_REPLACE */
export function setxattr(
  calls: HostCalls,
  file: HostFile,
  name: string,
  value: Uint8Array,
  flags: number,
): void {
  if (typeof file === 'number') calls.call('fsetxattr', file, name, value, value.length, flags);
  else calls.call('lsetxattr', pathOf(file), name, value, value.length, flags);
}

export function listxattr(calls: HostCalls, file: HostFile): string[] {
  const room = calls.valueRoom;
  const length =
    typeof file === 'number'
      ? calls.call('flistxattr', file, room, room.length)
      : calls.call('llistxattr', pathOf(file), room, room.length);
  // Each name with a zero at its end.
  return Buffer.from(room.bytes.subarray(0, length)).toString('latin1').split('\0').slice(0, -1);
}

export function removexattr(calls: HostCalls, file: HostFile, name: string): void {
  if (typeof file === 'number') calls.call('fremovexattr', file, name);
  else calls.call('lremovexattr', pathOf(file), name);
}

/** @param mode with the type; the umask of this process is taken off */
export function mknod(calls: HostCalls, { fd, name }: Place, mode: number, rdev: number): void {
  calls.call('mknodat', fd, name, mode, rdev);
}

/** Gives a file that is open a (further) name. ENOENT when it had one and has none any more. */
export function linkOpen(calls: HostCalls, fd: number, to: Place): void {
  // For root, and needs no /proc.
  const result = calls.try('linkat', fd, '', to.fd, to.name, AT_EMPTY_PATH);
  if (result === -ERRNO.ENOENT) {
    calls.call('linkat', AT_FDCWD, `/proc/self/fd/${fd}`, to.fd, to.name, AT_SYMLINK_FOLLOW);
  } else if (result < 0) calls.failed(result);
}

type Time = Timespec | 'now' | undefined;

/** Sets times; what is undefined stays. */
export function utimens(calls: HostCalls, file: HostFile, atime: Time, mtime: Time): void {
  const times = new BigInt64Array(4);
  for (const [i, time] of [atime, mtime].entries()) {
    if (typeof time === 'object') times.set([BigInt(time.tv_sec), BigInt(time.tv_nsec)], 2 * i);
    else times.set([0n, time === 'now' ? UTIME_NOW : UTIME_OMIT], 2 * i);
  }
  const bytes = new Uint8Array(times.buffer);
  if (typeof file === 'number') calls.call('utimensat', file, 0, bytes, 0);
  else calls.call('utimensat', file.fd, file.name, bytes, AT_SYMLINK_NOFOLLOW);
}

/** @param flags RENAME_NOREPLACE, RENAME_EXCHANGE */
export function rename(calls: HostCalls, from: Place, to: Place, flags: number): void {
  calls.call('renameat2', from.fd, from.name, to.fd, to.name, flags);
}

/** @param mode FALLOC_FL_*. Throws EFBIG where a number of ours cannot say the end exactly; no file system has such files. */
export function allocate(calls: HostCalls, fd: number, mode: number, offset: number, length: number): void {
  if (offset + length > Number.MAX_SAFE_INTEGER) fail('EFBIG');
  calls.call('fallocate', fd, mode, offset, length);
}

/** Moves the offset of what the host has open, whoever shares it. */
export function seek(calls: HostCalls, fd: number, offset: number, whence: number): number {
  if (!Number.isSafeInteger(offset)) fail(whence === SEEK_DATA || whence === SEEK_HOLE ? 'ENXIO' : 'EINVAL');
  return calls.call('lseek', fd, offset, whence);
}

/**
 * Adds all names of an open directory, with the host's inode numbers, which are missing in what node:fs gives.
 * @param isSafe of a number below 2^32: others are left out
 */
export function readDirectory(
  calls: HostCalls,
  fd: number,
  names: Dirents,
  isSafe: (ino: number) => boolean,
): void {
  const room = calls.valueRoom;
  for (;;) {
    const length = calls.call('getdents64', fd, room, room.length);
    if (length === 0) return;
    names.addRecords(room.bytes.subarray(0, length), isSafe);
  }
}

/** Part of an open file on its way to the disk, or there. @param flags SYNC_FILE_RANGE_* */
export function syncFileRange(
  calls: HostCalls,
  fd: number,
  offset: number,
  length: number,
  flags: number,
): void {
  calls.call('sync_file_range', fd, offset, length, flags);
}

/** The file system of an open file to the disk. */
export function syncfs(calls: HostCalls, fd: number): void {
  calls.call('syncfs', fd);
}

const RESOLVE_NO_MAGICLINKS = 2;
const RESOLVE_NO_SYMLINKS = 4;
const RESOLVE_BENEATH = 8;

/**
 * A descriptor (O_PATH) of a directory below another, with no link followed on the way to it. ELOOP when there is one.
 * @param path relative to `top`, a descriptor
 */
export function openBeneath(calls: HostCalls, top: number, path: string): number {
  const { O_DIRECTORY, O_NOFOLLOW } = constants;
  // struct open_how.
  const how = new BigUint64Array(3);
  how[0] = BigInt(O_PATH | O_DIRECTORY | O_NOFOLLOW) | O_CLOEXEC;
  how[2] = BigInt(RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
  const bytes = new Uint8Array(how.buffer);
  for (;;) {
    const result = calls.try('openat2', top, path, bytes, bytes.length);
    // Something was renamed at the same moment.
    if (result !== -ERRNO.EAGAIN) return result >= 0 ? result : calls.failed(result);
  }
}
