/**
 * setns(2) (kernel/nsproxy.c): there is one namespace of each kind, which all are in already; who may enter it stays where he
 * is.
 */
import { fail } from '../../abi/errno.ts';
import { CLONE } from '../../abi/sched.ts';
import { CLONE_NAMESPACES } from '../../kernel/fork.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import type { NsProxy } from '../../kernel/nsproxy.ts';
import { PidFile } from '../../kernel/pidfd.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { type Namespace, NamespaceFile, type NamespaceKind } from '../../vfs/core/namespaces.ts';
import { fd, flags } from '../args.ts';
import { type Call, call } from '../declare.ts';

const { CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWTIME } = CLONE;
const KINDS = CLONE_NAMESPACES | CLONE_NEWTIME;

/** What the `install` of each kind of namespace refuses. */
function enter(t: Task, kinds: number): void {
  // One's own is not entered, which would give all capabilities back.
  if (kinds & CLONE_NEWUSER) fail('EINVAL');
  const admin = capable(t.creds, CAP.SYS_ADMIN);
  if (kinds & CLONE_NEWNS) {
    if (!admin || !capable(t.creds, CAP.SYS_CHROOT)) fail('EPERM');
    // Who shares his root with other tasks cannot leave it.
    if ([...t.kernel.tasks.values()].some((other) => other !== t && other.fs === t.fs)) fail('EINVAL');
  }
  if (kinds & CLONE_NEWTIME && t.process.threads.size > 1) fail('EUSERS');
  if (!admin) fail('EPERM');
}

/** Who enters a mount namespace is at its root. */
function arrive(t: Task, ns: NsProxy, kinds: number): void {
  t.ns = ns;
  ns.mnt.enter();
  if (kinds & CLONE_NEWNS) t.fs.root = t.fs.cwd = ns.mnt.root;
}

function setns(t: Task, descriptor: number, wanted: number): number {
  const file = t.files.get(descriptor);
  let kinds = wanted;
  let entered: Partial<Record<NamespaceKind, Namespace>>;
  if (file instanceof NamespaceFile) {
    const { namespace } = file;
    if (wanted !== 0 && wanted !== namespace.type) fail('EINVAL');
    kinds = namespace.type;
    entered = { [namespace.kind]: namespace };
  } else {
    if (!(file instanceof PidFile) || wanted === 0 || wanted & ~KINDS) fail('EINVAL');
    const { process } = file;
    if (process.reaped) fail('ESRCH');
    if (!mayInspect(t, process.leader)) fail('EPERM');
    if (process.zombie) fail('ESRCH');
    entered = Object.fromEntries(Object.entries(process.leader.ns).filter(([, { type }]) => type & kinds));
  }
  enter(t, kinds);
  arrive(t, { ...t.ns, ...entered } as NsProxy, kinds);
  return 0;
}

export const setnsCalls: readonly Call[] = [call(375, 'setns', [fd, flags(CLONE)], setns)];
