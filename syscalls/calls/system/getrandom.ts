/** getrandom(2) (drivers/char/random.c). */
import { WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import { randomFill } from '../../vfs/memory/random.ts';
import { bytesOut, flags, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { accessible } from '../files/read-write.ts';

const GRND = { GRND_NONBLOCK: 1, GRND_RANDOM: 2, GRND_INSECURE: 4 } as const;

function getrandom(t: Task, at: number, length: number, how: number): number {
  if (how & ~7 || (how & 6) === 6) fail('EINVAL');
  if (length === 0) return 0;
  const bytes = accessible(t, { base: at, length: Math.min(length, 0x1ff_ffff) }, WRITE);
  randomFill(bytes);
  return bytes.length;
}

export const getrandomCalls: readonly Call[] = [
  call(384, 'getrandom', [bytesOut, size, flags(GRND)], getrandom),
];
