/** Extended attributes (xattr(7), fs/xattr.c). */
import { ERRNO, fail } from '../../abi/errno.ts';
import { AT_FDCWD, NAME_MAX } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { shownXattr, storedXattr } from '../../vfs/core/xattr-ids.ts';
import { bytesOut, fd, hex, int, path, ptr, size, str } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

const SIZE_MAX = 65536;

/** The name of an attribute: before the file it is of (import_xattr_name). ERANGE, EFAULT. */
function nameAt(t: Task, address: number): string {
  const name = t.mm.string(address >>> 0, NAME_MAX + 1, 'ERANGE');
  return name || fail('ERANGE');
}

/** What set is given, before the file (setxattr_copy). */
function checkValue(t: Task, name: number, value: number, size: number, flags: number): void {
  if (flags & ~3) fail('EINVAL');
  nameAt(t, name);
  if (size >>> 0 > SIZE_MAX) fail('E2BIG');
  t.mm.readable(value >>> 0, size);
}

/** Gives bytes to the guest; a size of 0 asks how many there are. */
function give(t: Task, bytes: Uint8Array, address: number, size: number): number {
  if (size === 0) return bytes.length;
  if (size < bytes.length) fail('ERANGE');
  t.mm.writable(address, bytes.length).set(bytes);
  return bytes.length;
}

function get(t: Task, inode: Inode, name: string, address: number, size: number): number {
  const value = t.kernel.vfs.getxattr(inode, name, t.creds);
  if (value === undefined) return -ERRNO.ENODATA;
  return give(t, shownXattr(name, value, t.creds.user), address, size);
}
function list(t: Task, inode: Inode, address: number, size: number): number {
  const names = t.kernel.vfs.listxattr(inode, t.creds).map((name) => `${name}\0`);
  return give(t, Buffer.from(names.join(''), 'latin1'), address, size);
}
function set(t: Task, inode: Inode, name: string, address: number, size: number, flags: number): number {
  const value = storedXattr(name, t.mm.readable(address, size), t.creds.user);
  t.kernel.vfs.setxattr(inode, name, value, flags, t.creds);
  return 0;
}
function remove(t: Task, inode: Inode, name: string): number {
  t.kernel.vfs.removexattr(inode, name, t.creds);
  return 0;
}

const followed = (t: Task, path: string) => inodeAt(t, AT_FDCWD, path, true, { seen: true });
const link = (t: Task, path: string) => inodeAt(t, AT_FDCWD, path, false, { seen: true });
const opened = (t: Task, fd: number) => t.files.get(fd).inode;

const NAMED = { before: (t: Task, _file: number, ...words: number[]) => void nameAt(t, words[0]!) };
const SET = {
  before: (t: Task, _file: number, ...words: number[]) =>
    checkValue(t, words[0]!, words[1]!, words[2]!, words[3]!),
};

export const xattrCalls: readonly Call[] = [
  call(
    226,
    'setxattr',
    [path, str, ptr, size, hex],
    (t, path, name, value, size, flags) => set(t, followed(t, path), name, value, size, flags),
    SET,
  ),
  call(
    227,
    'lsetxattr',
    [path, str, ptr, size, hex],
    (t, path, name, value, size, flags) => set(t, link(t, path), name, value, size, flags),
    SET,
  ),
  call(
    228,
    'fsetxattr',
    [fd, str, ptr, size, int],
    (t, fd, name, value, size, flags) => set(t, opened(t, fd), name, value, size, flags),
    SET,
  ),
  call(
    229,
    'getxattr',
    [path, str, bytesOut, size],
    (t, path, name, value, size) => get(t, followed(t, path), name, value, size),
    NAMED,
  ),
  call(
    230,
    'lgetxattr',
    [path, str, bytesOut, size],
    (t, path, name, value, size) => get(t, link(t, path), name, value, size),
    NAMED,
  ),
  call(
    231,
    'fgetxattr',
    [fd, str, bytesOut, size],
    (t, fd, name, value, size) => get(t, opened(t, fd), name, value, size),
    NAMED,
  ),
  call(232, 'listxattr', [path, bytesOut, size], (t, path, out, size) =>
    list(t, followed(t, path), out, size),
  ),
  call(233, 'llistxattr', [path, bytesOut, size], (t, path, out, size) => list(t, link(t, path), out, size)),
  call(234, 'flistxattr', [fd, bytesOut, size], (t, fd, out, size) => list(t, opened(t, fd), out, size)),
  call(235, 'removexattr', [path, str], (t, path, name) => remove(t, followed(t, path), name), NAMED),
  call(236, 'lremovexattr', [path, str], (t, path, name) => remove(t, link(t, path), name), NAMED),
  call(237, 'fremovexattr', [fd, str], (t, fd, name) => remove(t, opened(t, fd), name), NAMED),
];
