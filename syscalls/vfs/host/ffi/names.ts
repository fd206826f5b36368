/**
 * What is done to names on the host, where the directory is open: by the calls that take its descriptor, which look up nothing
 * but the name. The same through /proc/self/fd/N/NAME and node:fs takes two to four times as long. No name is followed where it
 * is a link. Each throws Errno.
 */
import { constants } from 'node:fs';
import { ERRNO } from '../../../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW } from '../../../abi/fcntl.ts';
import { makedev } from '../../../abi/stat.ts';
import type { Timespec } from '../../../abi/time.ts';
import { type HostNumber, hostNumber } from '../../core/inode-numbers.ts';
import type { HostStats } from '../attributes.ts';
import type { HostCalls } from './call.ts';

const O_CLOEXEC = 0o2000000;
/** What a mode goes with: O_CREAT, __O_TMPFILE, whose numbers are the same on all of the host's architectures. */
const MAKES = constants.O_CREAT | 0o20000000;
const NOFOLLOW = BigInt(AT_SYMLINK_NOFOLLOW);
const EMPTY_PATH = BigInt(AT_EMPTY_PATH);
const PATH_MAX = 4096;

/** A name in a directory of the host that is open as `fd`, or, where that is AT_FDCWD, a path. A byte string. */
export interface Place {
  readonly fd: number;
  readonly name: string;
}

/** Of a path. */
export function placeOf(path: string): Place {
  return { fd: AT_FDCWD, name: path };
}

/** A path to be used once, now, for what takes no descriptor. */
export function pathOf({ fd, name }: Place): string {
  return fd === AT_FDCWD ? name : `/proc/self/fd/${fd}/${name}`;
}

/** Undefined when there is no such name. */
export function statAt(calls: HostCalls, { fd, name }: Place): HostStats | undefined {
  const result = calls.tryStatx(fd, name, NOFOLLOW);
  if (result === 0) return statxOf(calls.statxWords);
  return result === -ERRNO.ENOENT ? undefined : calls.failed(result);
}

/** Of what is open. */
export function statOpen(calls: HostCalls, fd: number): HostStats {
  const result = calls.tryStatx(fd, '', EMPTY_PATH);
  return result === 0 ? statxOf(calls.statxWords) : calls.failed(result);
}

/** struct statx (include/uapi/linux/stat.h), as words. */
function statxOf(words: Int32Array): HostStats {
  return {
    dev: makedev(words[34]!, words[35]!),
    ino: inodeNumber(words[8]!, words[9]!),
    mode: words[7]! & 0xffff,
    nlink: words[4]! >>> 0,
    uid: words[5]! >>> 0,
    gid: words[6]! >>> 0,
    rdev: makedev(words[32]!, words[33]!),
    size: words[11]! * 2 ** 32 + (words[10]! >>> 0),
    blksize: words[1]!,
    blocks: words[13]! * 2 ** 32 + (words[12]! >>> 0),
    atime: time(words, 16),
    mtime: time(words, 28),
    ctime: time(words, 24),
    btime: time(words, 20),
  };
}

function inodeNumber(low: number, high: number): HostNumber {
  const number = (high >>> 0) * 2 ** 32 + (low >>> 0);
  if (number <= Number.MAX_SAFE_INTEGER) return number;
  return hostNumber((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}
function time(words: Int32Array, at: number): Timespec {
  return { tv_sec: words[at + 1]! * 2 ** 32 + (words[at]! >>> 0), tv_nsec: words[at + 2]! };
}

/** The descriptor, or the negative number of the error. */
export function openAt(calls: HostCalls, { fd, name }: Place, flags: number, mode: number): number {
  const all = flags | O_CLOEXEC | constants.O_NOFOLLOW;
  if (!(flags & MAKES)) return calls.tryOpenAt(fd, name, all);
  return calls.tryAt(calls.numbers.openat, fd, name, BigInt(all), BigInt(mode), 0n);
}
export function closeFd(calls: HostCalls, fd: number): void {
  const result = calls.tryClose(fd);
  // Interrupted or not, it is closed (close(2)).
  if (result < 0 && result !== -ERRNO.EINTR) calls.failed(result);
}
export function unlinkAt(calls: HostCalls, { fd, name }: Place): void {
  const result = calls.tryUnlinkAt(fd, name, 0);
  if (result < 0) calls.failed(result);
}
export function rmdirAt(calls: HostCalls, { fd, name }: Place): void {
  const result = calls.tryUnlinkAt(fd, name, AT_REMOVEDIR);
  if (result < 0) calls.failed(result);
}
export function mkdirAt(calls: HostCalls, { fd, name }: Place, mode: number): void {
  const result = calls.tryMkdirAt(fd, name, mode);
  if (result < 0) calls.failed(result);
}
export function symlinkAt(calls: HostCalls, target: string, { fd, name }: Place): void {
  calls.call('symlinkat', target, fd, name);
}
export function linkAt(calls: HostCalls, from: Place, to: Place): void {
  calls.call('linkat', from.fd, from.name, to.fd, to.name, 0);
}
export function chownAt(calls: HostCalls, { fd, name }: Place, uid: number, gid: number): void {
  calls.call('fchownat', fd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}
export function readlinkAt(calls: HostCalls, { fd, name }: Place): string {
  const { valueRoom } = calls;
  const length = calls.call('readlinkat', fd, name, valueRoom, PATH_MAX);
  return Buffer.from(valueRoom.bytes.subarray(0, length)).toString('latin1');
}

/** False where the host's kernel cannot do that to what is no link without opening it (Linux before 6.6). */
export function chmodAt(calls: HostCalls, { fd, name }: Place, mode: number): boolean {
  if (!calls.has('fchmodat2')) return false;
  const result = calls.try('fchmodat2', fd, name, mode, AT_SYMLINK_NOFOLLOW);
  // There is a link by now.
  if (result < 0) calls.failed(result === -ERRNO.EOPNOTSUPP ? -ERRNO.ENOENT : result);
  return true;
}
