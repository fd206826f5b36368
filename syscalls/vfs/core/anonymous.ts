/** Inodes of files without a name in any directory: pipes, sockets, eventfds and their like. */

import { fail } from '../../abi/errno.ts';
import { type Attributes, S_IFMT, TMPFS_MAGIC } from '../../abi/stat.ts';
import { timespecNow } from '../../abi/time.ts';
import type { Creds } from './creds.ts';
import { type AttributeChange, FileSystem, Inode, noSpace } from './inode.ts';
import { OpenFile } from './open-file.ts';
import type { Vfs } from './vfs.ts';

/** The kernel's own file systems, which are mounted nowhere, and what statfs(2) tells of them (linux/magic.h). */
const MAGIC = {
  anon_inodefs: 0x0904_1934,
  pipefs: 0x5049_5045,
  sockfs: 0x534f_434b,
  tmpfs: TMPFS_MAGIC,
} as const;

export class AnonymousFs extends FileSystem {
  readonly type: keyof typeof MAGIC;
  readonly root: Inode;
  /** Of all ObjectInodes. */
  objects: Attributes | undefined;
  constructor(vfs: Vfs, type: keyof typeof MAGIC) {
    super(vfs);
    this.type = type;
    this.root = new AnonymousInode(this, '/', 0o040700);
  }
  get source(): string {
    return this.type;
  }
  statfs() {
    return noSpace(MAGIC[this.type]);
  }
}

/** Where files without a name in any directory are. */
export class NamelessFiles {
  readonly #vfs: Vfs;
  readonly #made = new Map<AnonymousFs['type'], AnonymousFs>();

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
  }
  get pipes(): AnonymousFs {
    return this.#of('pipefs');
  }
  get sockets(): AnonymousFs {
    return this.#of('sockfs');
  }
  /** Files of memfd_create. */
  get memory(): AnonymousFs {
    return this.#of('tmpfs');
  }
  /** All others: eventfds and their like. */
  get others(): AnonymousFs {
    return this.#of('anon_inodefs');
  }
  /** The file systems that have had a file. */
  get all(): readonly FileSystem[] {
    return [...this.#made.values()];
  }
  #of(type: AnonymousFs['type']): AnonymousFs {
    const fs = this.#made.get(type) ?? new AnonymousFs(this.#vfs, type);
    this.#made.set(type, fs);
    return fs;
  }
}

/** An inode that is nothing but its attributes, kept in memory. */
export class AnonymousInode extends Inode {
  readonly attributes: Attributes;

  /**
   * `name` as /proc/PID/fd shows it: `pipe:[N]`, where N in brackets stands for the inode's number, or `anon_inode:[eventfd]`.
   */
  constructor(fs: FileSystem, name: string, mode: number, parent?: Inode, attributes?: Attributes) {
    super(fs, parent, name);
    if (attributes) {
      this.attributes = attributes;
      return;
    }
    const now = timespecNow();
    const ino = fs.vfs.nextAnonymousNumber();
    this.name = name.replace('[N]', `[${ino}]`);
    this.attributes = {
      dev: this.fs.dev,
      ino,
      mode,
      nlink: 1,
      uid: 0,
      gid: 0,
      rdev: 0,
      size: 0,
      blksize: 4096,
      blocks: 0,
      atime: now,
      mtime: now,
      ctime: now,
      btime: now,
    };
  }

  /** Pipes and sockets are their maker's; objects of the kernel's own are root's. */
  belongsTo({ fsuid, fsgid }: Creds): void {
    this.attributes.uid = fsuid;
    this.attributes.gid = fsgid;
  }

  override get mode(): number {
    return this.attributes.mode;
  }
  override stat(): Attributes {
    return { ...this.attributes, nlink: this.deleted ? 0 : this.attributes.nlink };
  }
  override setattr(change: AttributeChange): void {
    const a = this.attributes;
    const now = timespecNow();
    if (change.size !== undefined) fail('EINVAL');
    if (change.mode !== undefined) a.mode = (a.mode & S_IFMT) | (change.mode & 0o7777);
    if (change.uid !== undefined) a.uid = change.uid;
    if (change.gid !== undefined) a.gid = change.gid;
    if (change.atime !== undefined) a.atime = change.atime === 'now' ? now : change.atime;
    if (change.mtime !== undefined) a.mtime = change.mtime === 'now' ? now : change.mtime;
    a.ctime = now;
  }
  override open(_flags: number): OpenFile {
    return fail('ENXIO');
  }
}

/** Of an eventfd and its like, which all have one inode (anon_inode_inode): its attributes, and locks that are held on it. */
export class ObjectInode extends AnonymousInode {
  constructor(vfs: Vfs, name: string) {
    const fs = vfs.nameless.others;
    super(fs, name, 0o600, undefined, fs.objects);
    fs.objects = this.attributes;
  }
}

/**
 * A file that is an object of the kernel's, such as an eventfd or an epoll: of the kind that can be sought to anywhere, to no
 * effect (noop_llseek).
 */
export abstract class AnonymousFile extends OpenFile {
  override seek(_offset: number, _whence: number): number {
    return 0;
  }
}
