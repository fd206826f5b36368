/** Descriptors of processes: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2) (kernel/pid.c). */
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { siginfo } from '../../abi/siginfo.ts';
import { NSIG, SI } from '../../abi/signal.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import { PidFile } from '../../kernel/pidfd.ts';
import type { Process } from '../../kernel/process.ts';
import { sendToProcess } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { ProcFs } from '../../vfs/proc/proc.ts';
import { fd, flags, hex, int, pid, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { fromUserOf, mayKill } from './signal.ts';

const PIDFD_NONBLOCK = 0o4000;

export function pidFile(t: Task, descriptor: number): PidFile {
  const file = t.files.get(descriptor);
  return file instanceof PidFile ? file : fail('EBADF');
}

export function installPidfd(t: Task, p: Process, nonblocking = false): number {
  return t.files.install(new PidFile(p, nonblocking), true, 0, t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
}

/** Who pidfd_send_signal means: an open /proc/PID does for a pidfd, as killall uses it (tgid_pidfd_to_pid of fs/proc/base.c). */
function signalTarget(t: Task, descriptor: number): Process {
  const file = t.files.get(descriptor);
  if (file instanceof PidFile) return file.process;
  const { inode } = file;
  if (!(inode.fs instanceof ProcFs) || inode.parent !== inode.fs.root || !/^\d+$/.test(inode.name))
    fail('EBADF');
  return t.kernel.processes.get(inode.fs.pidOf(Number(inode.name))) ?? fail('ESRCH');
}

function pidfdSendSignal(t: Task, descriptor: number, signo: number, infoAt: number, how: number): number {
  if (how !== 0) fail('EINVAL');
  const process = signalTarget(t, descriptor);
  if (signo < 0 || signo > NSIG) fail('EINVAL');
  if (process.reaped) fail('ESRCH');
  let info = { signo, code: SI.SI_USER as number, pid: t.process.pid, uid: t.creds.uid };
  if (infoAt !== 0) {
    const given = t.mm.get(siginfo, infoAt);
    if (given.signo !== signo) fail('EINVAL');
    if ((given.code >= 0 || given.code === SI.SI_TKILL) && process !== t.process) fail('EPERM');
    info = { ...info, ...fromUserOf(t, given) };
  }
  if (!mayKill(t, process.leader, signo)) fail('EPERM');
  if (signo !== 0 && !sendToProcess(process, info)) fail('EAGAIN');
  return 0;
}

/** process_mrelease(2): the memory of a process that is being killed is given back; here that has been done by then. */
function mrelease(t: Task, descriptor: number, how: number): number {
  if (how !== 0) fail('EINVAL');
  const { process } = pidFile(t, descriptor);
  if (process.reaped) fail('ESRCH');
  return process.zombie ? fail('ESRCH') : fail('EINVAL');
}

export const pidfdCalls: readonly Call[] = [
  call(448, 'process_mrelease', [fd, hex], mrelease),
  call(424, 'pidfd_send_signal', [fd, int, ptr, hex], pidfdSendSignal),
  call(434, 'pidfd_open', [pid, flags({ PIDFD_NONBLOCK })], (t, id, how) => {
    if (how & ~PIDFD_NONBLOCK || id <= 0) fail('EINVAL');
    const p = t.kernel.processes.get(id);
    // A thread that leads no group has none (before Linux 6.9).
    if (p === undefined) return fail(t.kernel.tasks.has(id) ? 'EINVAL' : 'ESRCH');
    return installPidfd(t, p, (how & PIDFD_NONBLOCK) !== 0);
  }),
  call(438, 'pidfd_getfd', [fd, fd, hex], (t, descriptor, target, how) => {
    if (how !== 0) fail('EINVAL');
    const { process } = pidFile(t, descriptor);
    if (process.zombie) fail('ESRCH');
    if (!mayInspect(t, process.leader)) fail('EPERM');
    return t.files.install(
      process.leader.files.raw(target),
      true,
      0,
      t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur,
    );
  }),
];
