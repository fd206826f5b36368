/** Sizes of files: truncate(2), fallocate(2) (fs/open.c). */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, FALLOC_FL_KEEP_SIZE } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import { fd, int, path, s64 } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { fileOf, inodeAt } from './at.ts';
import { checkSizeLimit, writerOf } from './read-write.ts';

function truncate(t: Task, path: string, size: number): number {
  if (size < 0) fail('EINVAL');
  const inode = inodeAt(t, AT_FDCWD, path, true);
  t.kernel.vfs.checkTruncate(inode, t.creds);
  checkSizeLimit(t, size);
  t.kernel.vfs.truncate(inode, size);
  return 0;
}

function ftruncate(t: Task, fd: number, size: number): number {
  const file = fileOf(t, fd);
  if (size < 0 || !file.inode.isRegular || !file.writable) fail('EINVAL');
  checkSizeLimit(t, size);
  t.kernel.vfs.ftruncate(file, size);
  return 0;
}

export const truncateCalls: readonly Call[] = [
  call(92, 'truncate', [path, int], truncate),
  call(93, 'ftruncate', [fd, int], ftruncate),
  call(193, 'truncate64', [path, s64], truncate),
  call(194, 'ftruncate64', [fd, s64], ftruncate),
  call(352, 'fallocate', [fd, int, s64, s64], (t, fd, mode, offset, length) => {
    if (offset < 0 || length <= 0) fail('EINVAL');
    const file = writerOf(t, fd);
    if (!(mode & FALLOC_FL_KEEP_SIZE)) checkSizeLimit(t, offset + length);
    file.allocate(mode, offset, length);
    return 0;
  }),
];
