/** To the disk: sync(2), fsync(2), sync_file_range(2) (fs/sync.c). */
import { Errno, fail } from '../../abi/errno.ts';
import { S_IFBLK, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { fd, s64, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';

function fsync(t: Task, fd: number, dataOnly: boolean): number {
  t.files.get(fd).sync(dataOnly);
  return 0;
}

/** Whatever comes of it. */
function quietly(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
  }
}

/** Writes what the guest has open, mapped pages too, to the disk; what cannot be, its file system tells. */
function syncFiles(files: Iterable<OpenFile>): void {
  for (const file of files) if (file.writable && file.inode.isRegular) quietly(() => file.sync(false));
}

function* allFiles(t: Task): Generator<OpenFile> {
  for (const task of t.kernel.tasks.values()) {
    for (const fd of task.files.fds()) yield task.files.raw(fd);
  }
}

function syncFileRange(t: Task, fd: number, flags: number, offset: number, length: number): number {
  const file = t.files.get(fd);
  if (flags & ~7 || offset < 0 || length < 0 || offset + length > Number.MAX_SAFE_INTEGER) fail('EINVAL');
  const { inode } = file;
  const kinds = [S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK];
  if (!kinds.includes(inode.mode & S_IFMT)) fail('ESPIPE');
  file.syncRange(offset, length, flags);
  return 0;
}

export const syncCalls: readonly Call[] = [
  call(118, 'fsync', [fd], (t, fd) => fsync(t, fd, false)),
  call(148, 'fdatasync', [fd], (t, fd) => fsync(t, fd, true)),
  call(341, 'sync_file_range2', [fd, uint, s64, s64], syncFileRange),
  call(36, 'sync', [], (t) => {
    syncFiles(allFiles(t));
    for (const fs of t.kernel.vfs.mounts.below(t.fs.root)) quietly(() => fs.sync());
    return 0;
  }),
  call(373, 'syncfs', [fd], (t, fd) => {
    const { fs } = t.files.get(fd).inode;
    syncFiles([...allFiles(t)].filter((file) => file.inode.fs === fs));
    fs.sync();
    return 0;
  }),
];
