/** Sizes of files: truncate(2), fallocate(2) (fs/open.c). */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, FALLOC_FL_KEEP_SIZE, W_OK } from '../../abi/fcntl.ts';
import { IN_MODIFY } from '../../abi/inotify.ts';
import type { Task } from '../../kernel/task.ts';
import { isExecuted } from '../../kernel/text-busy.ts';
import { fd, int, path, s64 } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { fileOf, inodeAt } from './at.ts';
import { change } from './attr.ts';
import { checkSizeLimit, writerOf } from './read-write.ts';

function truncate(t: Task, path: string, size: number): number {
  if (size < 0) fail('EINVAL');
  const inode = inodeAt(t, AT_FDCWD, path, true);
  if (inode.isDirectory) fail('EISDIR');
  if (!inode.isRegular) fail('EINVAL');
  if (!inode.permits(W_OK, t.creds)) fail('EACCES');
  if (isExecuted(t.kernel, inode)) fail('ETXTBSY');
  checkSizeLimit(t, size);
  return change(inode, { size });
}

function ftruncate(t: Task, fd: number, size: number): number {
  const file = fileOf(t, fd);
  if (size < 0 || !file.inode.isRegular || !file.writable) fail('EINVAL');
  checkSizeLimit(t, size);
  file.truncate(size);
  file.inode.fs.vfs.notifier.file(file.inode, IN_MODIFY);
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
