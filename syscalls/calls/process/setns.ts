/** setns(2): entering namespaces that there are (kernel/nsproxy.c). */
import { fail } from '../../abi/errno.ts';
import { CLONE } from '../../abi/sched.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import { inUserNamespace, NEW_NAMESPACES, type NsProxy } from '../../kernel/nsproxy.ts';
import { PidNamespace } from '../../kernel/pid-namespace.ts';
import { PidFile } from '../../kernel/pidfd.ts';
import type { Task } from '../../kernel/task.ts';
import { TimeNamespace } from '../../kernel/time-namespace.ts';
import { CAP, type Creds, capable } from '../../vfs/core/creds.ts';
import { MountNamespace } from '../../vfs/core/mount.ts';
import type { Namespace } from '../../vfs/core/namespace.ts';
import { NamespaceFile } from '../../vfs/core/namespaces.ts';
import { UserNamespace } from '../../vfs/core/user-namespace.ts';
import { fd, flags } from '../args.ts';
import { type Call, call } from '../declare.ts';

/** Who shares his root with other tasks cannot leave it. */
const sharesRoot = (t: Task) =>
  [...t.kernel.tasks.values()].some((other) => other !== t && other.fs === t.fs);

/** userns_install. One's own is not entered, which would give all capabilities back. */
function enterUser(t: Task, user: UserNamespace): Creds {
  if (user === t.creds.user || t.process.threads.size > 1 || sharesRoot(t)) fail('EINVAL');
  if (!capable(t.creds, CAP.SYS_ADMIN, user)) fail('EPERM');
  return inUserNamespace(t.creds, user);
}

/** What the `install` of each kind of namespace refuses, and what of NsProxy it sets. */
function enter(t: Task, into: Namespace, creds: Creds): Partial<NsProxy> {
  const isAdmin = capable(creds, CAP.SYS_ADMIN, into.owner) && capable(creds, CAP.SYS_ADMIN, creds.user);
  if (into instanceof MountNamespace) {
    if (!isAdmin || !capable(creds, CAP.SYS_CHROOT, creds.user)) fail('EPERM');
    if (sharesRoot(t)) fail('EINVAL');
  }
  if (into instanceof TimeNamespace && t.process.threads.size > 1) fail('EUSERS');
  if (!isAdmin) fail('EPERM');
  if (into instanceof PidNamespace) {
    // Only down: what is made there is to be seen from here.
    if (!into.isWithin(t.process.pids)) fail('EINVAL');
    return { pid_for_children: into };
  }
  if (into instanceof TimeNamespace) {
    into.frozen = true;
    return { time: into, time_for_children: into };
  }
  return { [into.kind]: into };
}

/** The namespaces that are meant, in the order that they are entered in (validate_nsset). */
function meant(t: Task, descriptor: number, wanted: number): Namespace[] {
  const file = t.files.get(descriptor);
  if (file instanceof NamespaceFile) {
    const { namespace } = file;
    if (wanted !== 0 && wanted !== namespace.type) fail('EINVAL');
    return [namespace];
  }
  const all = NEW_NAMESPACES | CLONE.CLONE_NEWUSER;
  if (!(file instanceof PidFile) || wanted === 0 || wanted & ~all) return fail('EINVAL');
  const { process } = file;
  if (process.reaped) fail('ESRCH');
  if (!mayInspect(t, process.leader)) fail('EPERM');
  if (process.zombie) fail('ESRCH');
  const { ns, creds } = process.leader;
  const { user } = creds;
  const { mnt, uts, ipc, cgroup, net, time } = ns;
  return [user, mnt, uts, ipc, process.pids, cgroup, net, time].filter(({ type }) => type & wanted);
}

function setns(t: Task, descriptor: number, wanted: number): number {
  let { creds, ns } = t;
  let arrives = false;
  for (const into of meant(t, descriptor, wanted)) {
    if (into instanceof UserNamespace) creds = enterUser(t, into);
    else ns = { ...ns, ...enter(t, into, creds) };
    arrives ||= into instanceof MountNamespace;
  }
  t.creds = creds;
  t.ns = ns;
  ns.mnt.enter();
  // Who enters a mount namespace is at its root.
  if (arrives) t.fs.root = t.fs.cwd = ns.mnt.root;
  return 0;
}

export const setnsCalls: readonly Call[] = [call(375, 'setns', [fd, flags(CLONE)], setns)];
