/** Extended attributes (xattr(7), fs/xattr.c). Only file systems in memory have them: node:fs has no way to the host's. */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { bytesOut, fd, hex, int, path, ptr, size, str } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';

const NAME_MAX = 255;
const SIZE_MAX = 65536;
const NAMESPACES = ['user.', 'trusted.', 'security.', 'system.'];

/** ERANGE, EOPNOTSUPP for names outside the known namespaces. */
function checkName(name: string): void {
  if (name.length === 0 || name.length > NAME_MAX) fail('ERANGE');
  if (!NAMESPACES.some((space) => name.startsWith(space) && name.length > space.length)) fail('EOPNOTSUPP');
}

/** Gives bytes to the guest; a size of 0 asks how many there are. */
function give(t: Task, bytes: Uint8Array, address: number, size: number): number {
  if (size === 0) return bytes.length;
  if (size < bytes.length) fail('ERANGE');
  t.mm.writable(address, bytes.length).set(bytes);
  return bytes.length;
}

function get(t: Task, inode: Inode, name: string, address: number, size: number): number {
  checkName(name);
  return give(t, inode.getxattr(name), address, size);
}
function list(t: Task, inode: Inode, address: number, size: number): number {
  const names = inode.listxattr().map((name) => `${name}\0`);
  return give(t, Buffer.from(names.join(''), 'latin1'), address, size);
}
function set(t: Task, inode: Inode, name: string, address: number, size: number, flags: number): number {
  if (flags & ~3 || flags === 3) fail('EINVAL');
  if (size > SIZE_MAX) fail('E2BIG');
  checkName(name);
  t.kernel.vfs.setxattr(inode, name, t.mm.readable(address, size), flags, t.creds);
  return 0;
}
function remove(t: Task, inode: Inode, name: string): number {
  checkName(name);
  t.kernel.vfs.removexattr(inode, name, t.creds);
  return 0;
}

const followed = (t: Task, path: string) => inodeAt(t, AT_FDCWD, path, true);
const link = (t: Task, path: string) => inodeAt(t, AT_FDCWD, path, false);
const opened = (t: Task, fd: number) => t.files.get(fd).inode;

export const xattrCalls: readonly Call[] = [
  call(226, 'setxattr', [path, str, ptr, size, hex], (t, path, name, value, size, flags) =>
    set(t, followed(t, path), name, value, size, flags),
  ),
  call(227, 'lsetxattr', [path, str, ptr, size, hex], (t, path, name, value, size, flags) =>
    set(t, link(t, path), name, value, size, flags),
  ),
  call(228, 'fsetxattr', [fd, str, ptr, size, int], (t, fd, name, value, size, flags) =>
    set(t, opened(t, fd), name, value, size, flags),
  ),
  call(229, 'getxattr', [path, str, bytesOut, size], (t, path, name, value, size) =>
    get(t, followed(t, path), name, value, size),
  ),
  call(230, 'lgetxattr', [path, str, bytesOut, size], (t, path, name, value, size) =>
    get(t, link(t, path), name, value, size),
  ),
  call(231, 'fgetxattr', [fd, str, bytesOut, size], (t, fd, name, value, size) =>
    get(t, opened(t, fd), name, value, size),
  ),
  call(232, 'listxattr', [path, bytesOut, size], (t, path, out, size) =>
    list(t, followed(t, path), out, size),
  ),
  call(233, 'llistxattr', [path, bytesOut, size], (t, path, out, size) => list(t, link(t, path), out, size)),
  call(234, 'flistxattr', [fd, bytesOut, size], (t, fd, out, size) => list(t, opened(t, fd), out, size)),
  call(235, 'removexattr', [path, str], (t, path, name) => remove(t, followed(t, path), name)),
  call(236, 'lremovexattr', [path, str], (t, path, name) => remove(t, link(t, path), name)),
  call(237, 'fremovexattr', [fd, str], (t, fd, name) => remove(t, opened(t, fd), name)),
];
