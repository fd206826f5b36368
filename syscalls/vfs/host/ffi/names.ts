/**
 * What is done to names on the host, where the directory is open: by the calls that take its descriptor, which look up nothing
 * but the name. The same through /proc/self/fd/N/NAME and node:fs takes two to four times as long. No name is followed where it
 * is a link. Each throws Errno.
 */
import { constants } from 'node:fs';
import { ERRNO } from '../../../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW } from '../../../abi/fcntl.ts';
import { makedev } from '../../../abi/stat.ts';
import type { HostStats } from '../attributes.ts';
import type { HostCalls } from './call.ts';

const O_CLOEXEC = 0o2000000;
const STATX_BASIC_STATS_AND_BTIME = 0xfff;
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
  const { statxRoom } = calls;
  const result = calls.try('statx', fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS_AND_BTIME, statxRoom);
  if (result === -ERRNO.ENOENT) return undefined;
  if (result < 0) calls.failed(result);
  return statxOf(statxRoom.view);
}

/** Of what is open. */
export function statOpen(calls: HostCalls, fd: number): HostStats {
  const { statxRoom } = calls;
  calls.call('statx', fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS_AND_BTIME, statxRoom);
  return statxOf(statxRoom.view);
}

/** struct statx (include/uapi/linux/stat.h). */
function statxOf(view: DataView): HostStats {
  return {
    dev: makedev(view.getUint32(136, true), view.getUint32(140, true)),
    ino: view.getBigUint64(32, true),
    mode: view.getUint16(28, true),
    nlink: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    rdev: makedev(view.getUint32(128, true), view.getUint32(132, true)),
    size: number64(view, 40),
    blksize: view.getUint32(4, true),
    blocks: number64(view, 48),
    atime: time(view, 64),
    mtime: time(view, 112),
    ctime: time(view, 96),
    btime: time(view, 80),
  };
}

function number64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

/** Nanoseconds since 1970. */
function time(view: DataView, at: number): bigint {
  return view.getBigInt64(at, true) * 1_000_000_000n + BigInt(view.getUint32(at + 8, true));
}

/** The descriptor, or the negative number of the error. */
export function openAt(calls: HostCalls, { fd, name }: Place, flags: number, mode: number): number {
  return calls.try('openat', fd, name, flags | O_CLOEXEC | constants.O_NOFOLLOW, mode);
}
export function unlinkAt(calls: HostCalls, { fd, name }: Place): void {
  calls.call('unlinkat', fd, name, 0);
}
export function rmdirAt(calls: HostCalls, { fd, name }: Place): void {
  calls.call('unlinkat', fd, name, AT_REMOVEDIR);
}
export function mkdirAt(calls: HostCalls, { fd, name }: Place, mode: number): void {
  calls.call('mkdirat', fd, name, mode);
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
