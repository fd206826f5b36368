/** Descriptors again: dup(2) (fs/file.c). */

import { fail } from '../../abi/errno.ts';
import * as f from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import type { Task } from '../../kernel/task.ts';
import { fd } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { openFlags } from '../names.ts';
import { installFile } from './open.ts';

export function limitOf(t: Task): number {
  return t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur;
}

function dup3(t: Task, from: number, to: number, closeOnExec: boolean): number {
  const file = t.files.raw(from);
  if (to < 0 || to >= limitOf(t)) fail('EBADF');
  t.files.set(to, file, closeOnExec);
  return to;
}

export const dupCalls: readonly Call[] = [
  call(41, 'dup', [fd], (t, fd) => installFile(t, t.files.raw(fd), false)),
  call(63, 'dup2', [fd, fd], (t, from, to) => {
    if (from !== to) return dup3(t, from, to, false);
    t.files.raw(from);
    return to;
  }),
  call(358, 'dup3', [fd, fd, openFlags], (t, from, to, flags) => {
    if (flags & ~f.O_CLOEXEC || from === to) fail('EINVAL');
    return dup3(t, from, to, flags !== 0);
  }),
];
