/** Who may look into whom (kernel/ptrace.c). */
import { CAP, capable } from '../vfs/core/creds.ts';
import type { Task } from './task.ts';

/**
 * __ptrace_may_access: a thread of the same process, the same user throughout who has all that it may use, or CAP_SYS_PTRACE over
 * it (cap_ptrace_access_check).
 */
export function mayInspect(t: Task, of: Task): boolean {
  if (of.process === t.process) return true;
  const { uid, gid } = t.creds;
  const { creds } = of;
  const isPrivileged = capable(t.creds, CAP.SYS_PTRACE, creds.user);
  if (isPrivileged) return true;
  const same =
    [creds.uid, creds.euid, creds.suid].every((x) => x === uid) &&
    [creds.gid, creds.egid, creds.sgid].every((x) => x === gid);
  return (
    same && of.dumpable === 1 && creds.user === t.creds.user && (creds.permitted & ~t.creds.permitted) === 0n
  );
}
