/** Ids of processes, groups and sessions: getpid(2), setpgid(2), setsid(2) (kernel/sys.c); vhangup(2). */
import { fail } from '../../abi/errno.ts';
import type { Process } from '../../kernel/process.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { Tty } from '../../vfs/tty/tty.ts';
import { pid } from '../args.ts';
import { type Call, call } from '../declare.ts';

/** A process by its id; ESRCH. */
function find(t: Task, id: number): Process {
  return id === 0
    ? t.process
    : (t.kernel.processes.get(id) ?? t.kernel.tasks.get(id)?.process ?? fail('ESRCH'));
}

function setpgid(t: Task, id: number, group: number): number {
  if (group < 0 || (group === 0 && id < 0)) fail('EINVAL');
  const p = find(t, id);
  const pgid = group === 0 ? p.pid : group;
  if (p.parent === t.process) {
    if (p.session !== t.process.session) fail('EPERM');
    if (p.executed) fail('EACCES');
  } else if (p !== t.process) fail('ESRCH');
  if (p.session.sid === p.pid) fail('EPERM');
  if (pgid !== p.pid && !t.kernel.group(pgid).some((member) => member.session === p.session)) fail('EPERM');
  p.pgid = pgid;
  return 0;
}

function setsid(t: Task): number {
  const p = t.process;
  if (p.session.sid === p.pid || t.kernel.group(p.pid).length > 0) fail('EPERM');
  p.session = { sid: p.pid, tty: undefined, foreground: 0 };
  p.pgid = p.pid;
  return p.number;
}

/** A kernel's id as the caller knows it. */
const shown = (t: Task, id: number) => t.process.pids.numberOf(id);

export const pidCalls: readonly Call[] = [
  call(20, 'getpid', [], (t) => t.process.number),
  call(224, 'gettid', [], (t) => t.number),
  call(64, 'getppid', [], (t) => shown(t, t.process.ppid)),
  call(132, 'getpgid', [pid], (t, id) => shown(t, find(t, id).pgid)),
  call(65, 'getpgrp', [], (t) => shown(t, t.process.pgid)),
  call(57, 'setpgid', [pid, pid], setpgid),
  call(147, 'getsid', [pid], (t, id) => shown(t, find(t, id).session.sid)),
  call(66, 'setsid', [], setsid),
  call(111, 'vhangup', [], (t) => {
    if (!capable(t.creds, CAP.SYS_TTY_CONFIG)) fail('EPERM');
    const { tty } = t.process.session;
    if (tty instanceof Tty) tty.hangupOpen();
    return 0;
  }),
];
