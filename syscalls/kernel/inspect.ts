/** Who may look into whom (kernel/ptrace.c). */
import { CAP, capable } from '../vfs/core/creds.ts';
import type { Task } from './task.ts';

/** ptrace_may_access: the same user throughout, or CAP_SYS_PTRACE. */
export function mayInspect(t: Task, of: Task): boolean {
  const { uid, gid } = t.creds;
  const { creds } = of;
  const same =
    [creds.uid, creds.euid, creds.suid].every((x) => x === uid) &&
    [creds.gid, creds.egid, creds.sgid].every((x) => x === gid);
  return of.process === t.process || (same && of.dumpable === 1) || capable(t.creds, CAP.SYS_PTRACE);
}
