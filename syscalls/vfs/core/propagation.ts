/**
 * Shared mounts, their slaves, and what spreads from one to the others (mount_namespaces(7), "Shared subtrees"; fs/pnode.c).
 */
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../../abi/mount.ts';
import { bound } from './bind.ts';
import { type FileSystem, type Inode, pathOf } from './inode.ts';
import type { Mount, MountNamespace } from './mount.ts';

/** What a mount cannot lose in a namespace with less power. */
export const LOCKED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** Mounts that get what is mounted in any of them, and those that only get it. */
export class PeerGroup {
  /** As mountinfo shows it: the smallest that is free. */
  readonly id: number;
  readonly members = new Set<Mount>();
  readonly slaves = new Set<Mount>();
  readonly #ids: Set<number>;

  constructor(ids: Set<number>) {
    let id = 1;
    while (ids.has(id)) id++;
    ids.add((this.id = id));
    this.#ids = ids;
  }
  add(mount: Mount): void {
    mount.group = this;
    this.members.add(mount);
  }
  enslave(mount: Mount): void {
    mount.master?.slaves.delete(mount);
    mount.master = this;
    this.slaves.add(mount);
  }
  /** The last one to go leaves the slaves to its own master. */
  leave(mount: Mount): void {
    mount.group = undefined;
    this.members.delete(mount);
    if (this.members.size > 0) return;
    for (const slave of this.slaves) {
      slave.master = undefined;
      mount.master?.enslave(slave);
    }
    this.slaves.clear();
    this.#ids.delete(this.id);
  }
}

/** Neither gives nor gets any more: it is private, or gone. */
export function isolate(mount: Mount): void {
  mount.group?.leave(mount);
  mount.master?.slaves.delete(mount);
  mount.master = undefined;
}

export function share(mount: Mount): void {
  if (mount.group === undefined) new PeerGroup(mount.fs.vfs.peerGroupIds).add(mount);
}

/** change_mnt_propagation: `kind` is MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
export function changeType(mount: Mount, kind: number): void {
  mount.isUnbindable = kind === MS_UNBINDABLE;
  if (kind === MS_SHARED) share(mount);
  else if (kind === MS_SLAVE) {
    const { group } = mount;
    group?.leave(mount);
    // Of nobody left it stays a slave of whom it was, or private.
    if (group && group.members.size > 0) group.enslave(mount);
  } else if (kind === MS_PRIVATE || kind === MS_UNBINDABLE) isolate(mount);
}

/** A copy of a mount gives and gets what that does; in a namespace with less power it only gets (CL_SHARED_TO_SLAVE). */
export function joinAs(copy: Mount, of: Mount, slaveOnly: boolean): void {
  copy.group = copy.master = undefined;
  if (of.group && slaveOnly) of.group.enslave(copy);
  else {
    of.group?.add(copy);
    of.master?.enslave(copy);
  }
}

/** The nearest group above a mount that has a member among those to be seen (get_dominating_id). */
function dominating({ master }: Mount, isSeen: (mount: Mount) => boolean): PeerGroup | undefined {
  for (let group = master; group !== undefined; ) {
    const members: Mount[] = [...group.members];
    if (members.some(isSeen)) return group;
    group = members[0]?.master;
  }
  return undefined;
}

/**
 * The optional fields of mountinfo.
 * @param isSeen whether a mount is in the namespace, and below the root, of who looks
 */
export function propagationText(mount: Mount, isSeen: (mount: Mount) => boolean): string {
  const { group, master, isUnbindable } = mount;
  const from = dominating(mount, isSeen);
  return (
    (group ? ` shared:${group.id}` : '') +
    (master ? ` master:${master.id}` : '') +
    (from && from !== master ? ` propagate_from:${from.id}` : '') +
    (isUnbindable ? ' unbindable' : '')
  );
}

/** A file of a mount as all mounts that show the same know it: the names from the root of the file system. */
export const fullPath = (mount: Mount, inode: Inode): string => {
  const path = pathOf(inode, mount.fs.root);
  return path === '/' ? mount.base : mount.base + path;
};

/** The same file in another mount; undefined where that does not show it. */
function placeIn(mount: Mount, path: string): Inode | undefined {
  if (path !== mount.base && !path.startsWith(`${mount.base}/`)) return undefined;
  return descend(mount.fs.root, path.slice(mount.base.length));
}

/** What has these names below a directory. */
function descend(root: Inode, path: string): Inode | undefined {
  let at: Inode | undefined = root;
  for (const name of path.split('/')) if (name !== '') at = at?.isDirectory ? at.lookup(name) : undefined;
  return at;
}

/** A mount that gets what happens in another, at a directory of it. */
interface Target {
  readonly mount: Mount;
  readonly dir: Inode;
  /** It is a slave: of which group that has got it before. */
  readonly slaveOf: PeerGroup | undefined;
}

/** All that get it, masters before slaves. */
function targets(of: Mount, dir: Inode): Target[] {
  const path = fullPath(of, dir);
  const found: Target[] = [];
  const seen = new Set<Mount>([of]);
  const reach = (mount: Mount, slaveOf: PeerGroup | undefined) => {
    if (seen.has(mount)) return;
    seen.add(mount);
    // What nobody has mounted yet gets nothing.
    if (mount.namespace === undefined) return;
    const there = mount.fs === of.fs ? dir : placeIn(mount, path);
    if (there !== undefined) found.push({ mount, dir: there, slaveOf });
  };
  const spread = (group: PeerGroup, slaveOf: PeerGroup | undefined) => {
    for (const peer of group.members) reach(peer, slaveOf);
    for (const slave of group.slaves) {
      if (seen.has(slave)) continue;
      reach(slave, group);
      if (slave.group) spread(slave.group, group);
    }
  };
  if (of.group) spread(of.group, undefined);
  return found;
}

/** Where a namespace takes a mount up. */
export type Receive = (namespace: MountNamespace, mount: Mount) => void;

/**
 * A tree has been mounted in a directory of `parent`: those that are to get it get copies (propagate_mnt). Its mounts are shared
 * then.
 */
export function spreadMounts(tree: readonly Mount[], parent: Mount, dir: Inode, receive: Receive): void {
  if (parent.group === undefined) return;
  for (const mount of tree) share(mount);
  /** What each group of targets has made of a mount. */
  const copies = new Map<PeerGroup, Map<Mount, Mount>>([[parent.group, new Map(tree.map((m) => [m, m]))]]);
  for (const target of targets(parent, dir)) {
    const made = copyTo(target, tree, parent.namespace!);
    const first = target.mount.group && copies.get(target.mount.group);
    for (const [mount, copy] of made) {
      const peer = first?.get(mount);
      const master = target.slaveOf && copies.get(target.slaveOf)?.get(mount);
      if (peer?.group) peer.group.add(copy);
      else if (target.mount.group) share(copy);
      master?.group?.enslave(copy);
      receive(copy.namespace!, copy);
    }
    if (target.mount.group && !first) copies.set(target.mount.group, made);
  }
}

/** As it is in a namespace with less power. */
const lock = ({ attributes }: Mount) => ({ locked: true, lockedAttributes: attributes & LOCKED });

/** Copies of a tree for one target. File systems are shared between namespaces; where one is there already, it is bound. */
function copyTo(target: Target, tree: readonly Mount[], from: MountNamespace): Map<Mount, Mount> {
  const namespace = target.mount.namespace!;
  const made = new Map<Mount, Mount>();
  const counterparts = new Map<FileSystem, FileSystem>();
  for (const mount of tree) {
    const fs = namespace.has(mount.fs) ? bound(mount.fs.root) : mount.fs;
    counterparts.set(mount.fs, fs);
    const within = mount === tree[0] ? undefined : counterparts.get(mount.dir!.fs);
    const dir = within === undefined ? target.dir : counterpart(mount.dir!, within);
    if (dir === undefined) continue;
    made.set(mount, {
      ...mount,
      fs,
      dir,
      namespace,
      group: undefined,
      master: undefined,
      isUnbindable: false,
      ...(namespace.owner !== from.owner && lock(mount)),
    });
  }
  return made;
}

/** The directory that has the same names in a copy of its file system. */
function counterpart(dir: Inode, within: FileSystem): Inode | undefined {
  return dir.fs === within ? dir : descend(within.root, pathOf(dir, dir.fs.root));
}

/** What is mounted on a name in a directory is gone from there: what those that get it have mounted there (propagate_umount). */
export function spreadUmount(parent: Mount, dir: Inode, name: string): Mount[] {
  const found: Mount[] = [];
  for (const target of targets(parent, dir)) {
    const there = target.mount.namespace!.mountedOn(target.dir, name);
    if (there && !there.namespace!.hasMountsIn(there.fs)) found.push(there);
  }
  return found;
}
