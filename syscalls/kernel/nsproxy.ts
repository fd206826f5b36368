/**
 * The namespaces that a task is in (struct nsproxy; kernel/nsproxy.c), which it shares with others or has of its own. Of process
 * ids, users and time there is one each.
 */
import { fail } from '../abi/errno.ts';
import { CLONE } from '../abi/sched.ts';
import type { MountNamespace } from '../vfs/core/mount.ts';
import { firstNumber, Namespace, type NamespaceKind } from '../vfs/core/namespaces.ts';
import type { Vfs } from '../vfs/core/vfs.ts';
import { MqueueFs } from '../vfs/ipc/mqueue.ts';
import type { Network } from '../vfs/net/network.ts';
import { PrivateNetwork } from '../vfs/net/private-network.ts';
import { SysvIpc } from './sysv-ipc.ts';

export class UtsNamespace extends Namespace {
  hostname: string;
  domainname: string;

  constructor(hostname: string, domainname: string, number?: number) {
    super('uts', number);
    this.hostname = hostname;
    this.domainname = domainname;
  }
}

export class IpcNamespace extends Namespace {
  readonly sysv = new SysvIpc();
  readonly mqueues: MqueueFs;

  constructor(vfs: Vfs, number?: number) {
    super('ipc', number);
    this.mqueues = new MqueueFs(vfs);
  }
}

export interface NsProxy extends Readonly<Record<NamespaceKind, Namespace>> {
  readonly ipc: IpcNamespace;
  readonly mnt: MountNamespace;
  readonly net: Network;
  readonly uts: UtsNamespace;
}

const first = (kind: NamespaceKind) => new Namespace(kind, firstNumber(kind));

/** Those that a run begins with. */
export function firstNamespaces(vfs: Vfs, hostname: string): NsProxy {
  return {
    cgroup: first('cgroup'),
    ipc: new IpcNamespace(vfs, firstNumber('ipc')),
    mnt: vfs.mounts,
    net: vfs.network,
    pid: first('pid'),
    time: first('time'),
    user: vfs.namespaces.user,
    uts: new UtsNamespace(hostname, '(none)', firstNumber('uts')),
  };
}

/** Those of which there can be no other, as in a Linux that is built without them. */
const ABSENT = CLONE.CLONE_NEWPID | CLONE.CLONE_NEWTIME | CLONE.CLONE_NEWUSER;

/** create_new_namespaces: new ones of the kinds that are asked for by CLONE_NEW*. The caller's mounts are entered. EINVAL. */
export function newNamespaces(vfs: Vfs, of: NsProxy, kinds: number): NsProxy {
  if (kinds & ABSENT) fail('EINVAL');
  return {
    ...of,
    ...(kinds & CLONE.CLONE_NEWNS && { mnt: of.mnt.copy() }),
    ...(kinds & CLONE.CLONE_NEWUTS && { uts: new UtsNamespace(of.uts.hostname, of.uts.domainname) }),
    ...(kinds & CLONE.CLONE_NEWIPC && { ipc: new IpcNamespace(vfs) }),
    ...(kinds & CLONE.CLONE_NEWCGROUP && { cgroup: new Namespace('cgroup') }),
    ...(kinds & CLONE.CLONE_NEWNET && { net: new PrivateNetwork(vfs, false) }),
  };
}
