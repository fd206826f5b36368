/** Sizes of files: truncate(2), fallocate(2) (fs/open.c). */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, FALLOC_FL_KEEP_SIZE } from '../../abi/fcntl.ts';
import { S_IFIFO, S_IFMT } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import { fd, int, path, s64 } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { inodeAt } from './at.ts';
import { afterLeases } from './open.ts';
import { checkSizeLimit } from './read-write.ts';

function truncate(t: Task, path: string, size: number): number {
  const inode = inodeAt(t, AT_FDCWD, path, true);
  t.kernel.vfs.checkTruncate(inode, t.creds);
  checkSizeLimit(t, size, inode);
  afterLeases(t, () => t.kernel.vfs.truncate(inode, size));
  return 0;
}

function ftruncate(t: Task, fd: number, size: number): number {
  if (size < 0) fail('EINVAL');
  const file = t.files.get(fd);
  if (!file.inode.isRegular || !file.writable) fail('EINVAL');
  checkSizeLimit(t, size, file.inode);
  t.kernel.vfs.ftruncate(file, size);
  return 0;
}

/**
 * What fallocate may be asked for: allocation, FALLOC_FL_KEEP_SIZE, holes with it, and alone or with it collapsing, zeroing,
 * inserting and unsharing of ranges (vfs_fallocate).
 */
const ALLOCATIONS: readonly number[] = [0, 1, 3, 8, 0x10, 0x11, 0x20, 0x40, 0x41];

export const truncateCalls: readonly Call[] = [
  call(92, 'truncate', [path, int], truncate, {
    before: (_t, _path, size) => void (size < 0 && fail('EINVAL')),
  }),
  call(93, 'ftruncate', [fd, int], ftruncate),
  call(193, 'truncate64', [path, s64], truncate, {
    before: (_t, _path, _low, high) => void (high < 0 && fail('EINVAL')),
  }),
  call(194, 'ftruncate64', [fd, s64], ftruncate),
  call(352, 'fallocate', [fd, int, s64, s64], (t, fd, mode, offset, length) => {
    const file = t.files.get(fd);
    if (offset < 0 || length <= 0) fail('EINVAL');
    if (!ALLOCATIONS.includes(mode)) fail('EOPNOTSUPP');
    if (!file.writable) fail('EBADF');
    const { inode } = file;
    if (!inode.isRegular)
      fail((inode.mode & S_IFMT) === S_IFIFO ? 'ESPIPE' : inode.isDirectory ? 'EISDIR' : 'ENODEV');
    if (!(mode & FALLOC_FL_KEEP_SIZE)) checkSizeLimit(t, offset + length, inode);
    file.allocate(mode, offset, length);
    return 0;
  }),
];
