/** signalfd(2) (fs/signalfd.c). */
import { fail } from '../../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../abi/fcntl.ts';
import { u64big } from '../../abi/struct.ts';
import { SignalFile } from '../../kernel/signalfd.ts';
import type { Task } from '../../kernel/task.ts';
import { fd, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { closeOnExec, installFile } from '../files/open.ts';
import { fdFlags } from '../names.ts';

function signalfd(t: Task, fd: number, address: number, size: number, flags: number): number {
  if (size !== 8) fail('EINVAL');
  const mask = t.mm.get(u64big, address);
  if (flags & ~(O_CLOEXEC | O_NONBLOCK)) fail('EINVAL');
  if (fd === -1)
    return installFile(t, new SignalFile(t.kernel, mask, flags & O_NONBLOCK), closeOnExec(flags));
  const file = t.files.get(fd);
  if (!(file instanceof SignalFile)) return fail('EINVAL');
  file.mask = mask;
  return fd;
}

export const signalfdCalls: readonly Call[] = [
  call(349, 'signalfd', [fd, ptr, size], (t, fd, mask, size) => signalfd(t, fd, mask, size, 0)),
  call(355, 'signalfd4', [fd, ptr, size, fdFlags], signalfd),
];
