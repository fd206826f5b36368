/**
 * How many namespaces of each kind a user may have in a user namespace (user.max_*_namespaces; kernel/ucount.c). A namespace
 * counts for who has made it, and in each user namespace above for who has made the one below.
 *
 * Nobody counts them when they go: those that there are are looked for when another is to be made, which is seldom.
 */
import { fail } from '../abi/errno.ts';
import { MountNamespace } from '../vfs/core/mount.ts';
import type { Namespace, NamespaceKind } from '../vfs/core/namespace.ts';
import { NamespaceFile, NamespaceInode } from '../vfs/core/namespaces.ts';
import { UNLIMITED, type UserNamespace } from '../vfs/core/user-namespace.ts';
import type { Kernel } from './kernel.ts';
import { PidNamespace } from './pid-namespace.ts';

/** All in which something is, which somebody has open or mounted, and which those belong to. */
function living(kernel: Kernel): Set<Namespace> {
  const found = new Set<Namespace>();
  const add = (one: Namespace | undefined) => {
    if (one === undefined || found.has(one)) return;
    found.add(one);
    add(one.owner);
    if (one instanceof PidNamespace) add(one.parent);
    if (!(one instanceof MountNamespace)) return;
    for (const { root } of one.fileSystems) if (root instanceof NamespaceInode) add(root.of);
  };
  for (const { ns, creds, process, files } of kernel.tasks.values()) {
    for (const one of Object.values(ns) as Namespace[]) add(one);
    add(creds.user);
    add(process.pids);
    for (const fd of files.fds()) {
      const file = files.find(fd);
      if (file instanceof NamespaceFile) add(file.namespace);
    }
  }
  return found;
}

/** For whom one counts: each user namespace from its own up, and the user there. */
function* countsFor(user: UserNamespace | undefined, maker: number): Iterable<[UserNamespace, number]> {
  for (let at = user, uid = maker; at !== undefined; uid = at.ownerUid, at = at.parent) yield [at, uid];
}

/** A user may have one more of each kind. ENOSPC. */
export function checkLimits(
  kernel: Kernel,
  kinds: readonly NamespaceKind[],
  user: UserNamespace,
  maker: number,
): void {
  let all: Set<Namespace> | undefined;
  for (const kind of kinds)
    for (const [at, uid] of countsFor(user, maker)) {
      const limit = at.limits[kind] ?? UNLIMITED;
      if (limit === UNLIMITED) continue;
      all ??= living(kernel);
      let count = 0;
      for (const one of all) {
        if (one.kind !== kind || one.maker === undefined) continue;
        for (const [where, who] of countsFor(one.owner, one.maker)) if (where === at && who === uid) count++;
      }
      if (count >= limit) fail('ENOSPC');
    }
}
