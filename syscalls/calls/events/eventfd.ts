/** eventfd(2) (fs/eventfd.c). */
import { fail } from '../../abi/errno.ts';
import { O_CLOEXEC, O_NONBLOCK } from '../../abi/fcntl.ts';
import type { Task } from '../../kernel/task.ts';
import { EventFile } from '../../vfs/events/eventfd.ts';
import { uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { closeOnExec, installFile } from '../files/open.ts';
import { fdFlags } from '../names.ts';

const EFD_SEMAPHORE = 1;

function eventfd(t: Task, count: number, flags: number): number {
  if (flags & ~(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK)) fail('EINVAL');
  const file = new EventFile(t.kernel.vfs, count, (flags & EFD_SEMAPHORE) !== 0, flags & O_NONBLOCK);
  return installFile(t, file, closeOnExec(flags));
}

export const eventfdCalls: readonly Call[] = [
  call(351, 'eventfd', [uint], (t, count) => eventfd(t, count, 0)),
  call(356, 'eventfd2', [uint, fdFlags], eventfd),
];
