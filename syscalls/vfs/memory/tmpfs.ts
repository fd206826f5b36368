/**
 * A file system in memory, for /dev, /dev/shm and whatever else a run mounts so: directories, files, links, devices, FIFOs,
 * sockets and user attributes. Several names of one file are several Inodes that share a TmpNode.
 */

import { type DirEntry, modeToType } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_EXCL, O_TRUNC, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import {
  type Attributes,
  type FsStatistics,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
  TMPFS_MAGIC,
} from '../../abi/stat.ts';
import { timespecNow } from '../../abi/time.ts';
import type { Creds } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import { type AttributeChange, FileSystem, Inode, isWithin } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { Xattrs } from '../core/xattrs.ts';
import { openFifo } from '../ipc/pipe.ts';
import { MemoryBytes, MemoryFile } from './memory-file.ts';
import { MemoryQuota } from './quota.ts';

export interface TmpFsOptions {
  /** As in /proc/mounts. */
  type?: string;
  source?: string;
  /** Of the root directory. */
  mode?: number;
  /** Its owner; root when nothing is said. */
  uid?: number;
  gid?: number;
  /** Bytes that the files may take; by default half of the machine's memory. */
  size?: number | undefined;
  /** How many files there may be. */
  nodes?: number | undefined;
}

/** Files of one TmpFs at most: each costs this process's heap about a kilobyte. */
const MOST_NODES = 1 << 19;

export class TmpFs extends FileSystem {
  readonly type: string;
  readonly source: string;
  readonly root: TmpInode;
  readonly quota: MemoryQuota;
  #numbers = 0;
  #nodes = 0;
  #mostNodes = MOST_NODES;

  constructor(vfs: Vfs, options: TmpFsOptions = {}) {
    super(vfs);
    this.quota = new MemoryQuota(vfs.memory, options.size || undefined);
    this.type = options.type ?? 'tmpfs';
    this.source = options.source ?? this.type;
    const { mode = 0o755, uid = 0, gid = 0 } = options;
    this.resize(undefined, options.nodes);
    this.root = new TmpInode(this, undefined, '', this.node(S_IFDIR | (mode & 0o7777), uid, gid));
  }

  /** Other limits, where they are said; 0 is none but the machine's. EINVAL when more is in use. */
  resize(size: number | undefined, nodes: number | undefined): void {
    if (nodes !== undefined) {
      const most = Math.min(nodes || MOST_NODES, MOST_NODES);
      if (most < this.#nodes) fail('EINVAL');
      this.#mostNodes = most;
    }
    if (size !== undefined) this.quota.resize(size);
  }

  node(mode: number, uid: number, gid: number): TmpNode {
    if (this.#nodes >= this.#mostNodes) fail('ENOSPC');
    this.#nodes++;
    return new TmpNode(this.dev, ++this.#numbers, mode, uid, gid, this.quota);
  }
  /** A file without a name has been given one. */
  named(node: TmpNode): void {
    this.#nodes++;
    node.bytes.named();
  }
  /** A file has lost its last name. */
  lastNameGone(node: TmpNode): void {
    this.#nodes--;
    node.bytes.lastNameGone();
  }

  statfs(): FsStatistics {
    const { pages: blocks, used } = this.quota;
    const bfree = blocks - used;
    return {
      type: TMPFS_MAGIC,
      bsize: 4096,
      blocks,
      bfree,
      bavail: bfree,
      files: this.#mostNodes,
      ffree: this.#mostNodes - this.#nodes,
      namelen: 255,
    };
  }
}

/** What all names of a file share. */
class TmpNode {
  readonly attributes: Attributes;
  readonly bytes: MemoryBytes;
  readonly xattrs = new Xattrs();
  target = '';
  /** It has had no name yet, and may be given one. */
  linkable = false;

  constructor(dev: number, ino: number, mode: number, uid: number, gid: number, quota: MemoryQuota) {
    this.bytes = new MemoryBytes(quota);
    const time = timespecNow();
    const nlink = (mode & S_IFMT) === S_IFDIR ? 2 : 1;
    const times = { atime: time, mtime: time, ctime: time, btime: time };
    this.attributes = {
      dev,
      ino,
      mode,
      nlink,
      uid,
      gid,
      rdev: 0,
      size: 0,
      blksize: 4096,
      blocks: 0,
      ...times,
    };
  }
  /** The content, or a directory's names, have changed. */
  modified(): void {
    const a = this.attributes;
    a.mtime = a.ctime = timespecNow();
  }
  changed(): void {
    this.attributes.ctime = timespecNow();
  }
}

export class TmpInode extends Inode {
  declare readonly fs: TmpFs;
  readonly node: TmpNode;
  readonly #children = new Map<string, TmpInode>();
  /** What a bound socket's name leads to. */
  socket: unknown;

  constructor(fs: TmpFs, parent: Inode | undefined, name: string, node: TmpNode) {
    super(fs, parent, name);
    this.node = node;
  }

  override get mode(): number {
    return this.node.attributes.mode;
  }
  override stat(): Attributes {
    const { attributes, bytes, target } = this.node;
    const a = { ...attributes };
    if (this.isRegular) {
      a.size = bytes.size;
      a.blocks = bytes.blocks;
    } else if (this.isSymlink) a.size = target.length;
    else if (this.isDirectory) a.size = 20 * (this.#children.size + 2);
    return a;
  }

  override setattr(change: AttributeChange): void {
    const a = this.node.attributes;
    if (change.size !== undefined) {
      if (!this.isRegular) fail(this.isDirectory ? 'EISDIR' : 'EINVAL');
      this.node.bytes.resize(change.size);
      this.node.modified();
    }
    if ((change.uid ?? change.gid) !== undefined && this.isRegular) {
      // A new owner does not get what the old one's S_ISUID granted (chown(2)).
      a.mode &= a.mode & S_IXGRP ? ~(S_ISUID | S_ISGID) : ~S_ISUID;
    }
    if (change.uid !== undefined) a.uid = change.uid;
    if (change.gid !== undefined) a.gid = change.gid;
    if (change.mode !== undefined) {
      if (this.isSymlink) fail('EOPNOTSUPP');
      a.mode = (a.mode & S_IFMT) | (change.mode & 0o7777);
    }
    if (change.atime !== undefined) a.atime = change.atime === 'now' ? timespecNow() : change.atime;
    if (change.mtime !== undefined) a.mtime = change.mtime === 'now' ? timespecNow() : change.mtime;
    this.node.changed();
  }

  override open(flags: number): OpenFile {
    const { node } = this;
    switch (this.mode & S_IFMT) {
      case S_IFREG:
        if (flags & O_TRUNC) this.setattr({ size: 0 });
        return new MemoryFile(this, flags, node.bytes, () => node.modified());
      case S_IFDIR:
        return new DirectoryFile(this, flags);
      case S_IFIFO:
        return openFifo(this, `tmp:${node.attributes.dev}:${node.attributes.ino}`, flags);
      case S_IFCHR:
      case S_IFBLK:
        return this.fs.vfs.devices.open(this, flags, node.attributes.rdev);
      default:
        return fail(this.isSymlink ? 'ELOOP' : 'ENXIO');
    }
  }

  override readlink(): string {
    return this.isSymlink ? this.node.target : fail('EINVAL');
  }

  // ---- directories ----
  override lookup(name: string): TmpInode | undefined {
    if (!this.isDirectory) fail('ENOTDIR');
    return this.#children.get(name);
  }
  override list(): DirEntry[] {
    const type = (inode: Inode) => modeToType(inode.mode);
    return [...this.#children].map(([name, inode]) => ({ ino: 0, off: 0, type: type(inode), name }));
  }

  /** The group of what is made in this directory. */
  #groupOf(who: Creds): number {
    return this.mode & S_ISGID ? this.node.attributes.gid : who.fsgid;
  }

  #add(name: string, mode: number, who: Creds): TmpInode {
    if (this.deleted) fail('ENOENT');
    if (this.#children.has(name)) fail('EEXIST');
    const inherits = this.mode & S_ISGID;
    if (inherits && (mode & S_IFMT) === S_IFDIR) mode |= S_ISGID;
    const node = this.fs.node(mode, who.fsuid, this.#groupOf(who));
    const inode = new TmpInode(this.fs, this, name, node);
    this.#children.set(name, inode);
    this.node.modified();
    return inode;
  }

  override create(name: string, mode: number, flags: number, who: Creds): OpenFile {
    return this.#add(name, mode, who).open(flags);
  }
  override createNameless(mode: number, flags: number, who: Creds): OpenFile {
    const node = this.fs.node(mode, who.fsuid, this.#groupOf(who));
    node.attributes.nlink = 0;
    node.linkable = !(flags & O_EXCL);
    const inode = new TmpInode(this.fs, this, `#${node.attributes.ino}`, node);
    inode.deleted = true;
    const file = inode.open(flags);
    // From now on only who has it open keeps it.
    this.fs.lastNameGone(node);
    return file;
  }
  override mkdir(name: string, mode: number, who: Creds): void {
    this.#add(name, S_IFDIR | mode, who);
    this.node.attributes.nlink++;
  }
  override symlink(name: string, target: string, who: Creds): void {
    this.#add(name, S_IFLNK | 0o777, who).node.target = target;
  }
  override mknod(name: string, mode: number, rdev: number, who: Creds): Inode {
    const inode = this.#add(name, mode, who);
    inode.node.attributes.rdev = rdev;
    return inode;
  }
  override link(name: string, target: Inode): void {
    if (this.deleted) fail('ENOENT');
    if (!(target instanceof TmpInode)) fail('EXDEV');
    if (this.#children.has(name)) fail('EEXIST');
    const { node } = target;
    if (node.attributes.nlink === 0) {
      if (!node.linkable) fail('ENOENT');
      node.linkable = false;
      this.fs.named(node);
    }
    if (target.deleted) {
      // The inode of who has it open has this name from now on.
      target.deleted = false;
      target.parent = this;
      target.name = name;
      this.#children.set(name, target);
    } else this.#children.set(name, new TmpInode(this.fs, this, name, node));
    node.attributes.nlink++;
    node.changed();
    this.node.modified();
  }

  /** Takes a name away; the file lives on while it is open. */
  #remove(name: string): void {
    const child = this.#children.get(name) ?? fail('ENOENT');
    this.#children.delete(name);
    child.deleted = true;
    child.node.attributes.nlink -= child.isDirectory ? 2 : 1;
    child.node.changed();
    if (child.node.attributes.nlink === 0) this.fs.lastNameGone(child.node);
    if (child.isDirectory) this.node.attributes.nlink--;
    this.node.modified();
  }
  override unlink(name: string): void {
    if (this.#children.get(name)?.isDirectory) fail('EISDIR');
    this.#remove(name);
  }
  override rmdir(name: string): void {
    const child = this.#children.get(name) ?? fail('ENOENT');
    if (!child.isDirectory) fail('ENOTDIR');
    if (child.#children.size > 0) fail('ENOTEMPTY');
    this.#remove(name);
  }

  override rename(name: string, newParent: Inode, newName: string, flags: number): void {
    if (flags & RENAME_WHITEOUT) fail('EINVAL');
    if (!(newParent instanceof TmpInode)) fail('EXDEV');
    if (newParent.deleted) fail('ENOENT');
    const from = this.#children.get(name) ?? fail('ENOENT');
    const to = newParent.#children.get(newName);
    if (from.isDirectory && isWithin(newParent, from)) fail('EINVAL');
    if (flags & RENAME_EXCHANGE) {
      if (to === undefined) fail('ENOENT');
      if (to.isDirectory && isWithin(this, to)) fail('EINVAL');
      this.#place(name, to);
      newParent.#place(newName, from);
      return;
    }
    if (to !== undefined) {
      if (flags & RENAME_NOREPLACE) fail('EEXIST');
      if (from.node === to.node) return;
      if (from.isDirectory && !to.isDirectory) fail('ENOTDIR');
      if (!from.isDirectory && to.isDirectory) fail('EISDIR');
      if (to.#children.size > 0) fail('ENOTEMPTY');
      newParent.#remove(newName);
    }
    this.#children.delete(name);
    newParent.#place(newName, from);
    this.node.modified();
  }

  /** Puts a file that was in another directory, or under another name, here. */
  #place(name: string, inode: TmpInode): void {
    if (inode.isDirectory && inode.parent !== this) {
      (inode.parent as TmpInode).node.attributes.nlink--;
      this.node.attributes.nlink++;
    }
    this.#children.set(name, inode);
    inode.parent = this;
    inode.name = name;
    inode.node.changed();
    this.node.modified();
  }

  // ---- extended attributes ----
  override getxattr(name: string): Uint8Array | undefined {
    return this.node.xattrs.get(name);
  }
  override setxattr(name: string, value: Uint8Array, flags: number): void {
    this.node.xattrs.set(name, value, flags);
    this.node.changed();
  }
  override listxattr(): string[] {
    return this.node.xattrs.names;
  }
  override removexattr(name: string): void {
    this.node.xattrs.remove(name);
    this.node.changed();
  }
}
