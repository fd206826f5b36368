/**
 * Files of namespaces (namespaces(7), fs/nsfs.c): what the links of /proc/PID/ns lead to. There are only those that a kernel
 * begins with, so all processes are in the same ones; the numbers are Linux's own for these.
 */
import { fail } from '../../abi/errno.ts';
import { CLONE } from '../../abi/sched.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { AnonymousFile, AnonymousInode } from './anonymous.ts';
import { FileSystem, type Inode, noSpace } from './inode.ts';
import type { IoctlContext, OpenFile } from './open-file.ts';
import type { Vfs } from './vfs.ts';

const NSFS_MAGIC = 0x6e73_6673;

const NS_GET_USERNS = 0xb701;
const NS_GET_PARENT = 0xb702;
const NS_GET_NSTYPE = 0xb703;
const NS_GET_OWNER_UID = 0xb704;

/** By the name of the link: CLONE_NEW*, and the number. */
const KINDS = {
  cgroup: [CLONE.CLONE_NEWCGROUP, 4026531835],
  ipc: [CLONE.CLONE_NEWIPC, 4026531839],
  mnt: [CLONE.CLONE_NEWNS, 4026531841],
  net: [CLONE.CLONE_NEWNET, 4026531840],
  pid: [CLONE.CLONE_NEWPID, 4026531836],
  time: [CLONE.CLONE_NEWTIME, 4026531834],
  user: [CLONE.CLONE_NEWUSER, 4026531837],
  uts: [CLONE.CLONE_NEWUTS, 4026531838],
} as const;
export type NamespaceKind = keyof typeof KINDS;

/** What the links are called, and which of the namespaces each leads to. */
export const NAMESPACE_LINKS: Readonly<Record<string, NamespaceKind>> = {
  ...(Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, kind])) as Record<
    NamespaceKind,
    NamespaceKind
  >),
  pid_for_children: 'pid',
  time_for_children: 'time',
};

export const namespaceText = (kind: NamespaceKind): string => `${kind}:[${KINDS[kind][1]}]`;

export class NamespaceFs extends FileSystem {
  readonly type = 'nsfs';
  readonly source = 'nsfs';
  readonly root: Inode;
  readonly #inodes = new Map<NamespaceKind, NamespaceInode>();

  constructor(vfs: Vfs) {
    super(vfs);
    this.root = new AnonymousInode(this, '/', 0o040700);
  }

  inode(kind: NamespaceKind): NamespaceInode {
    let inode = this.#inodes.get(kind);
    if (inode === undefined) this.#inodes.set(kind, (inode = new NamespaceInode(this, kind)));
    return inode;
  }

  statfs() {
    return noSpace(NSFS_MAGIC);
  }
}

class NamespaceInode extends AnonymousInode {
  declare readonly fs: NamespaceFs;
  readonly kind: NamespaceKind;

  constructor(fs: NamespaceFs, kind: NamespaceKind) {
    super(fs, namespaceText(kind), S_IFREG | 0o444);
    this.kind = kind;
    this.attributes.ino = KINDS[kind][1];
  }

  override open(flags: number): OpenFile {
    return new NamespaceFile(this, flags);
  }
}

export class NamespaceFile extends AnonymousFile {
  declare readonly inode: NamespaceInode;

  /** CLONE_NEW* of it. */
  get type(): number {
    return KINDS[this.inode.kind][0];
  }

  /** ioctl_ns(2): the first user namespace belongs to nobody, and the first ones have no parents. */
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    const { kind, fs } = this.inode;
    switch (request) {
      case NS_GET_USERNS:
        if (kind === 'user') fail('EPERM');
        return context.install(fs.inode('user').open(0), true);
      case NS_GET_PARENT:
        return fail(kind === 'user' || kind === 'pid' ? 'EPERM' : 'EINVAL');
      case NS_GET_NSTYPE:
        return this.type;
      case NS_GET_OWNER_UID:
        if (kind !== 'user') fail('EINVAL');
        context.write(argument, 4).setUint32(0, 0, true);
        return 0;
    }
    return super.ioctl(request, argument, context);
  }
}
