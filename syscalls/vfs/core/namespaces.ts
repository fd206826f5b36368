/**
 * Namespaces (namespaces(7)), and their files (fs/nsfs.c): what the links of /proc/PID/ns lead to. The numbers of those that a
 * run begins with are Linux's own for the first ones.
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

/** By the name of the link: CLONE_NEW*, and the number of the first. */
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

/** Of the next that is made; each run's own would be as good. */
let nextNumber = 4026532200;

/** One namespace: what is in it, subclasses have. */
export class Namespace {
  readonly kind: NamespaceKind;
  /** By which it is known to programs. */
  readonly number: number;

  constructor(kind: NamespaceKind, number: number = nextNumber++) {
    this.kind = kind;
    this.number = number;
  }
  /** CLONE_NEW* of it. */
  get type(): number {
    return KINDS[this.kind][0];
  }
  get text(): string {
    return `${this.kind}:[${this.number}]`;
  }
}

/** The number of the first namespace of a kind. */
export const firstNumber = (kind: NamespaceKind): number => KINDS[kind][1];

export class NamespaceFs extends FileSystem {
  readonly type = 'nsfs';
  readonly source = 'nsfs';
  readonly root: Inode;
  readonly #inodes = new WeakMap<Namespace, NamespaceInode>();
  /** Whose the first of all kinds are. */
  readonly user = new Namespace('user', firstNumber('user'));

  constructor(vfs: Vfs) {
    super(vfs);
    this.root = new AnonymousInode(this, '/', 0o040700);
  }

  inode(of: Namespace): NamespaceInode {
    let inode = this.#inodes.get(of);
    if (inode === undefined) this.#inodes.set(of, (inode = new NamespaceInode(this, of)));
    return inode;
  }

  statfs() {
    return noSpace(NSFS_MAGIC);
  }
}

class NamespaceInode extends AnonymousInode {
  declare readonly fs: NamespaceFs;
  readonly of: Namespace;

  constructor(fs: NamespaceFs, of: Namespace) {
    super(fs, of.text, S_IFREG | 0o444);
    this.of = of;
    this.attributes.ino = of.number;
  }

  override open(flags: number): OpenFile {
    return new NamespaceFile(this, flags);
  }
}

export class NamespaceFile extends AnonymousFile {
  declare readonly inode: NamespaceInode;

  get namespace(): Namespace {
    return this.inode.of;
  }

  /** ioctl_ns(2): the first user namespace belongs to nobody, and the first ones have no parents. */
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    const { of, fs } = this.inode;
    const { kind } = of;
    switch (request) {
      case NS_GET_USERNS:
        if (kind === 'user') fail('EPERM');
        return context.install(fs.inode(fs.user).open(0), true);
      case NS_GET_PARENT:
        return fail(kind === 'user' || kind === 'pid' ? 'EPERM' : 'EINVAL');
      case NS_GET_NSTYPE:
        return of.type;
      case NS_GET_OWNER_UID:
        if (kind !== 'user') fail('EINVAL');
        context.write(argument, 4).setUint32(0, 0, true);
        return 0;
    }
    return super.ioctl(request, argument, context);
  }
}
