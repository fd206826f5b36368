/** To the disk: sync(2), fsync(2), sync_file_range(2) (fs/sync.c). */
import type { Task } from '../../kernel/task.ts';
import type { OpenFile } from '../../vfs/core/open-file.ts';
import { fd, s64, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';

function fsync(t: Task, fd: number, dataOnly: boolean): number {
  t.files.get(fd).sync(dataOnly);
  return 0;
}

/** Writes the guest's own open files to the disk; the host has no call for the rest of its file systems here. */
function sync(files: Iterable<OpenFile>): number {
  for (const file of files) if (file.writable && file.inode.isRegular) file.sync(false);
  return 0;
}

function* allFiles(t: Task): Generator<OpenFile> {
  for (const task of t.kernel.tasks.values()) {
    for (const fd of task.files.fds()) yield task.files.raw(fd);
  }
}

export const syncCalls: readonly Call[] = [
  call(118, 'fsync', [fd], (t, fd) => fsync(t, fd, false)),
  call(148, 'fdatasync', [fd], (t, fd) => fsync(t, fd, true)),
  call(341, 'sync_file_range2', [fd, uint, s64, s64], (t, fd) => fsync(t, fd, true)),
  call(36, 'sync', [], (t) => sync(allFiles(t))),
  call(373, 'syncfs', [fd], (t, fd) => {
    const { fs } = t.files.get(fd).inode;
    return sync([...allFiles(t)].filter((file) => file.inode.fs === fs));
  }),
];
