/** Advice on reading: posix_fadvise(2), readahead(2) (mm/fadvise.c). */
import { fail } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import { PipeFile } from '../../vfs/ipc/pipe.ts';
import { fd, int, s64 as s64Argument, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { readerOf } from './read-write.ts';

/** POSIX_FADV_* are hints: a bad one or a pipe is refused, a good one changes nothing that can be seen. */
function fadvise(t: Task, fd: number, advice: number, length: number): number {
  const file = t.files.get(fd);
  if (file instanceof PipeFile) fail('ESPIPE');
  if (length < 0 || advice < 0 || advice > 5) fail('EINVAL');
  return 0;
}

export const fadviseCalls: readonly Call[] = [
  call(270, 'arm_fadvise64_64', [fd, int, s64Argument, s64Argument], (t, fd, advice, _offset, length) =>
    fadvise(t, fd, advice, length),
  ),
  call(225, 'readahead', [fd, s64Argument, size], (t, fd) => {
    const file = readerOf(t, fd);
    return file.inode.isRegular ? 0 : fail('EINVAL');
  }),
];
