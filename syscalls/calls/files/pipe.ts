/** pipe(2) (fs/pipe.c). */
import { fail } from '../../abi/errno.ts';
import * as f from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { s32, struct } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { createPipe } from '../../vfs/ipc/pipe.ts';
import { ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { openFlags } from '../names.ts';
import { installFile } from './open.ts';

const int2 = struct('int[2]', { read: s32, write: s32 });

function pipe2(t: Task, address: number, flags: number): number {
  if (flags & ~(f.O_CLOEXEC | f.O_NONBLOCK | f.O_DIRECT)) fail('EINVAL');
  // Two descriptors are looked for before there is told which (do_pipe2).
  const [read, write] = t.files.lowestFree(2, t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur) as [
    number,
    number,
  ];
  t.mm.put(int2, address, { read, write });
  const closeOnExec = (flags & f.O_CLOEXEC) !== 0;
  for (const end of createPipe(t.kernel.vfs, flags & f.O_NONBLOCK, t.creds)) installFile(t, end, closeOnExec);
  return 0;
}

export const pipeCalls: readonly Call[] = [
  call(42, 'pipe', [ptr], (t, address) => pipe2(t, address, 0)),
  call(359, 'pipe2', [ptr, openFlags], pipe2),
];
