/** What the library tells of processes and of their ends. */
import { NSIG, signalName } from '../syscalls/abi/signal.ts';
import type { Kernel, ProcessObserver } from '../syscalls/kernel/kernel.ts';
import type { ProcessEvent, Stats } from './api.ts';

/**
 * The end that a wait4 status says, as shells have it. Signals that only Linux's real-time range has are told by the exit code
 * alone.
 */
export function endOf(status: number): { exitCode: number; signal: NodeJS.Signals | null } {
  const signo = status & 0x7f;
  if (signo === 0) return { exitCode: status >> 8, signal: null };
  const signal = signo < 32 && signo <= NSIG ? (signalName(signo) as NodeJS.Signals) : null;
  return { exitCode: 128 + signo, signal };
}

const text = (bytes: string) => Buffer.from(bytes, 'latin1').toString();

export function processObserver(tell: (event: ProcessEvent) => void): ProcessObserver {
  return {
    made: ({ pid, ppid }) => tell({ type: 'fork', pid, ppid }),
    executed: ({ pid }, path, argv) => tell({ type: 'exec', pid, path: text(path), argv: argv.map(text) }),
    ended: ({ pid, status, cpuTime, leader }) =>
      tell({ type: 'exit', pid, comm: text(leader.comm), ...endOf(status), cpuTime }),
  };
}

/** @param wallMs how long the run took */
export function statsOf({ totals, ended }: Kernel, wallMs: number): Stats {
  return {
    ...totals,
    wallMs,
    byProcess: (ended ?? []).map(({ pid, comm, cpuTime, usage }) => ({ pid, comm, cpuTime, ...usage })),
  };
}
