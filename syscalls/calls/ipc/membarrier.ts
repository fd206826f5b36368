/**
 * membarrier(2) (kernel/sched/membarrier.c). All threads run by turns on one host thread: every switch between them is the
 * barrier asked for.
 */
import { fail } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import { int, oneOf, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';

/** Those of Linux 6.1; the ones for restartable sequences are not there, as without CONFIG_RSEQ. */
const MEMBARRIER = {
  MEMBARRIER_CMD_QUERY: 0,
  MEMBARRIER_CMD_GLOBAL: 1,
  MEMBARRIER_CMD_GLOBAL_EXPEDITED: 2,
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: 4,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED: 8,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: 16,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE: 32,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: 64,
} as const;
const ALL = Object.values(MEMBARRIER).reduce<number>((set, bit) => set | bit, 0);
/** Commands that a process must have registered for, by the command that does. */
const REGISTRATIONS = new Map<number, number>([
  [MEMBARRIER.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED],
  [
    MEMBARRIER.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER.MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
  ],
]);
const REGISTERED_ONLY = new Set(REGISTRATIONS.values());

function membarrier(t: Task, command: number, how: number): number {
  if (how !== 0) fail('EINVAL');
  if (command === MEMBARRIER.MEMBARRIER_CMD_QUERY) return ALL;
  if ((command & (command - 1)) !== 0 || !(command & ALL)) fail('EINVAL');
  const { process } = t;
  process.membarriers |= REGISTRATIONS.get(command) ?? 0;
  if (REGISTERED_ONLY.has(command) && !(process.membarriers & command)) fail('EPERM');
  return 0;
}

export const membarrierCalls: readonly Call[] = [
  call(389, 'membarrier', [oneOf(MEMBARRIER), uint, int], (t, command, how) => membarrier(t, command, how)),
];
