/** Terminals and processes: what the vfs asks of the kernel for job control. */
import { sigmask } from '../abi/signal.ts';
import type { Vfs } from '../vfs/core/vfs.ts';
import type { JobControl } from '../vfs/tty/job-control.ts';
import { type Tty, TtyFile } from '../vfs/tty/tty.ts';
import type { Kernel } from './kernel.ts';
import type { Process } from './process.ts';
import { signalProcess } from './signals.ts';

/**
 * Makes the kernel's processes known to terminals, and a terminal among the first process's standard files its controlling one.
 * @param hostTerminal the controlling terminal when there is none among them
 */
export function startJobControl(
  kernel: Kernel,
  init: Process,
  hostTerminal?: (vfs: Vfs) => Tty | undefined,
): void {
  const jobs: JobControl = {
    current: () => kernel.scheduler.current?.process,
    signalGroup(pgid, signo) {
      for (const p of kernel.group(pgid)) signalProcess(p, signo);
    },
    signalLeader(sid, signo) {
      const leader = kernel.processes.get(sid);
      if (leader) signalProcess(leader, signo);
    },
    ignores(signo) {
      const t = kernel.scheduler.current!;
      return (t.blocked & sigmask(signo)) !== 0n || t.sighand.ignores(signo);
    },
    sessionOf: (pgid) => kernel.group(pgid)[0]?.session,
    isOrphaned: (pgid) => kernel.isOrphanedGroup(pgid),
  };
  kernel.vfs.jobs = jobs;
  for (const fd of [0, 1, 2]) {
    const file = init.leader.files.find(fd);
    if (file instanceof TtyFile && init.session.tty === undefined) file.tty.control(jobs, init);
  }
  if (init.session.tty === undefined) hostTerminal?.(kernel.vfs)?.control(jobs, init);
}
