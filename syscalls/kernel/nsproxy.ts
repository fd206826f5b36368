/**
 * The namespaces that a task is in (struct nsproxy; kernel/nsproxy.c), which it shares with others or has of its own. That of
 * users goes with its credentials, that of process ids with its process.
 */
import { fail } from '../abi/errno.ts';
import { CLONE } from '../abi/sched.ts';
import { CAP, CAP_FULL, type Creds, capable } from '../vfs/core/creds.ts';
import type { MountNamespace } from '../vfs/core/mount.ts';
import { firstNumber, kindsIn, Namespace } from '../vfs/core/namespace.ts';
import { FIRST_USER_NAMESPACE, UserNamespace } from '../vfs/core/user-namespace.ts';
import type { Vfs } from '../vfs/core/vfs.ts';
import { MqueueFs } from '../vfs/ipc/mqueue.ts';
import type { Network } from '../vfs/net/network.ts';
import { PrivateNetwork } from '../vfs/net/private-network.ts';
import { checkLimits } from './namespace-limits.ts';
import { PidNamespace } from './pid-namespace.ts';
import { SysvIpc } from './sysv-ipc.ts';
import type { Task } from './task.ts';
import { TimeNamespace } from './time-namespace.ts';

export class UtsNamespace extends Namespace {
  hostname: string;
  domainname: string;

  constructor(hostname: string, domainname: string, owner: UserNamespace, number?: number) {
    super('uts', owner, number);
    this.hostname = hostname;
    this.domainname = domainname;
  }
}

export class IpcNamespace extends Namespace {
  readonly sysv: SysvIpc;
  readonly mqueues: MqueueFs;

  constructor(vfs: Vfs, owner: UserNamespace, number?: number) {
    super('ipc', owner, number);
    this.sysv = new SysvIpc(owner);
    this.mqueues = new MqueueFs(vfs, owner);
  }
}

export interface NsProxy {
  readonly cgroup: Namespace;
  readonly ipc: IpcNamespace;
  readonly mnt: MountNamespace;
  readonly net: Network;
  /** What it makes children in; a process's own is Process.pids. */
  readonly pid_for_children: PidNamespace;
  readonly time: TimeNamespace;
  readonly time_for_children: TimeNamespace;
  readonly uts: UtsNamespace;
}

/** Those that a run begins with. */
export function firstNamespaces(vfs: Vfs, pids: PidNamespace, hostname: string): NsProxy {
  const time = new TimeNamespace();
  return {
    cgroup: new Namespace('cgroup', FIRST_USER_NAMESPACE, firstNumber('cgroup')),
    ipc: new IpcNamespace(vfs, FIRST_USER_NAMESPACE, firstNumber('ipc')),
    mnt: vfs.mounts,
    net: vfs.network,
    pid_for_children: pids,
    time,
    time_for_children: time,
    uts: new UtsNamespace(hostname, '(none)', FIRST_USER_NAMESPACE, firstNumber('uts')),
  };
}

/** How deep they can lie in each other, beside the first (MAX_PID_NS_LEVEL, and that of user namespaces). */
const LEVELS = 32;

/**
 * create_new_namespaces: new ones of the kinds that are asked for by CLONE_NEW*, belonging to the user namespace of `creds`. The
 * caller's mounts are entered. EPERM, EINVAL, ENOSPC.
 */
export function newNamespaces({ kernel, ns: of, process }: Task, kinds: number, creds: Creds): NsProxy {
  if (!(kinds & NEW_NAMESPACES)) return of;
  const { vfs } = kernel;
  const { user } = creds;
  if (!capable(creds, CAP.SYS_ADMIN, user)) fail('EPERM');
  if (kinds & CLONE.CLONE_NEWPID) {
    // Who has asked for one already has children there.
    if (of.pid_for_children !== process.pids || !user.isWithin(process.pids.owner!)) fail('EINVAL');
    if (process.pids.level >= LEVELS) fail('ENOSPC');
  }
  checkLimits(kernel, kindsIn(kinds & NEW_NAMESPACES), user, creds.euid);
  const made: NsProxy = {
    ...of,
    ...(kinds & CLONE.CLONE_NEWNS && { mnt: of.mnt.copy(user) }),
    ...(kinds & CLONE.CLONE_NEWUTS && { uts: new UtsNamespace(of.uts.hostname, of.uts.domainname, user) }),
    ...(kinds & CLONE.CLONE_NEWIPC && { ipc: new IpcNamespace(vfs, user) }),
    ...(kinds & CLONE.CLONE_NEWPID && { pid_for_children: new PidNamespace(process.pids, user) }),
    ...(kinds & CLONE.CLONE_NEWCGROUP && { cgroup: new Namespace('cgroup', user) }),
    ...(kinds & CLONE.CLONE_NEWNET && { net: new PrivateNetwork(vfs, false, undefined, user) }),
    ...(kinds & CLONE.CLONE_NEWTIME && { time_for_children: new TimeNamespace(of.time_for_children, user) }),
  };
  for (const [name, one] of Object.entries(made) as [keyof NsProxy, Namespace][])
    if (one !== of[name]) one.maker = creds.euid;
  return made;
}

/** All but that of users, which is of the credentials. */
export const NEW_NAMESPACES =
  CLONE.CLONE_NEWNS |
  CLONE.CLONE_NEWCGROUP |
  CLONE.CLONE_NEWUTS |
  CLONE.CLONE_NEWIPC |
  CLONE.CLONE_NEWPID |
  CLONE.CLONE_NEWNET |
  CLONE.CLONE_NEWTIME;

/**
 * create_user_ns: credentials with all capabilities in a user namespace of its own. EPERM from inside a chroot, or for ids that
 * have no names in the parent.
 */
export function newUserNamespace({ kernel, creds, fs, ns }: Task): Creds {
  const { user: parent } = creds;
  if (parent.level >= LEVELS) fail('ENOSPC');
  if (fs.root !== ns.mnt.root) fail('EPERM');
  const { euid: uid, egid: gid } = creds;
  if (parent.uids.fromKernel(uid) === undefined || parent.gids.fromKernel(gid) === undefined) fail('EPERM');
  checkLimits(kernel, ['user'], parent, uid);
  return inUserNamespace(
    creds,
    new UserNamespace(parent, { uid, gid, hasSetfcap: capable(creds, CAP.SETFCAP, parent) }),
  );
}

/** set_cred_user_ns. */
export function inUserNamespace(creds: Creds, user: UserNamespace): Creds {
  return {
    ...creds,
    user,
    permitted: CAP_FULL,
    effective: CAP_FULL,
    inheritable: 0n,
    bounding: CAP_FULL,
    ambient: 0n,
    securebits: 0,
  };
}

/** What a child is in: its time is that which its parent has made for its children (timens_on_fork). */
export function forChild(ns: NsProxy): NsProxy {
  const { time_for_children: time } = ns;
  if (ns.time === time) return ns;
  time.frozen = true;
  return { ...ns, time };
}
