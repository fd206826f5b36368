/** Files of namespaces (fs/nsfs.c): what the links of /proc/PID/ns lead to. */
import { fail } from '../../abi/errno.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { AnonymousFile, AnonymousInode } from './anonymous.ts';
import { FileSystem, type Inode, noSpace } from './inode.ts';
import type { Namespace } from './namespace.ts';
import type { IoctlContext, OpenFile } from './open-file.ts';
import { UserNamespace } from './user-namespace.ts';
import type { Vfs } from './vfs.ts';

const NSFS_MAGIC = 0x6e73_6673;

const NS_GET_USERNS = 0xb701;
const NS_GET_PARENT = 0xb702;
const NS_GET_NSTYPE = 0xb703;
const NS_GET_OWNER_UID = 0xb704;

export class NamespaceFs extends FileSystem {
  readonly type = 'nsfs';
  readonly source = 'nsfs';
  readonly root: Inode;
  readonly #inodes = new WeakMap<Namespace, NamespaceInode>();

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

export class NamespaceInode extends AnonymousInode {
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

  /** ioctl_ns(2): nothing is told of what lies above the caller's own (EPERM). */
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    const { of, fs } = this.inode;
    const install = (found: Namespace) => context.install(fs.inode(found).open(0), true);
    switch (request) {
      case NS_GET_USERNS:
        if (!of.owner?.isWithin(context.creds.user)) fail('EPERM');
        return install(of.owner!);
      case NS_GET_PARENT:
        return install(context.parentOf(of));
      case NS_GET_NSTYPE:
        return of.type;
      case NS_GET_OWNER_UID: {
        if (!(of instanceof UserNamespace)) return fail('EINVAL');
        context.write(argument, 4).setUint32(0, context.creds.user.uids.shown(of.ownerUid), true);
        return 0;
      }
    }
    return super.ioctl(request, argument, context);
  }
}
