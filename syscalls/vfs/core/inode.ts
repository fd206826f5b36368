/**
 * A file as the path walk and the file calls see it, whatever file system it is in.
 *
 * Path-based hosts (node:fs, memfs) know no inodes apart from names, so an Inode here is also its directory entry: it knows the
 * directory and the name by which it was reached; two hard links are two Inodes with one number. A rename moves the Inode of a
 * directory along, so descriptors and working directories follow it.
 *
 * Names, paths and link targets are byte strings: one character (0..255) per byte, as the guest gave them; nothing is assumed
 * about their encoding.
 */

import type { DirEntry, Dirents } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { R_OK, RENAME_NOREPLACE, W_OK, X_OK } from '../../abi/fcntl.ts';
import { MOUNT_ATTR_NOEXEC, MOUNT_ATTR_RDONLY } from '../../abi/mount.ts';
import type { Attributes, FsStatistics } from '../../abi/stat.ts';
import { makedev, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/stat.ts';
import type { Timespec } from '../../abi/time.ts';
import { type AclEntry, aclPermits } from './acl.ts';
import { CAP, type Creds, capableOver } from './creds.ts';
import type { DetachedMounts } from './mount.ts';
import type { OpenFile } from './open-file.ts';
import { FIRST_USER_NAMESPACE, type UserNamespace } from './user-namespace.ts';
import type { Vfs } from './vfs.ts';

/** What setattr may change; what is absent stays. 'now' is the present time. */
export interface AttributeChange {
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: Timespec | 'now';
  mtime?: Timespec | 'now';
}

/** Minor number of the first anonymous device: far above those that a host gives. */
const FIRST_ANONYMOUS = 0xf_0000;

/** A mounted file system. */
export abstract class FileSystem {
  readonly vfs: Vfs;
  /** As in /proc/mounts: ext4, tmpfs, proc ... */
  abstract readonly type: string;
  abstract source: string;
  /** Nothing in it can be changed, whatever its mount is like. */
  superReadOnly = false;
  /** Of its mount in the namespace of who asks (MOUNT_ATTR_*). */
  attributes = 0;
  /** Names can be made in it; where not, who would make one is told first that there is none (proc_lookup). */
  readonly takesNames: boolean = true;
  /** What it is mounted in when no namespace has that yet. */
  detached: DetachedMounts | undefined;
  /** It is read-only by the will of who started the run: no process may change that. */
  keptReadOnly = false;
  abstract readonly root: Inode;
  /** What tells it from others of its type of which there is one (procfs of each PID namespace). */
  readonly instance: object | undefined = undefined;
  /** Where it was mounted (s_user_ns): whose its ids are, and who administers it. */
  owner: UserNamespace = FIRST_USER_NAMESPACE;
  /** Number of the mount, unique in a run (statx, mountinfo). */
  readonly id: number;

  constructor(vfs: Vfs) {
    this.vfs = vfs;
    this.id = vfs.nextMountId();
  }
  /** Device number of what is on no device: an anonymous one (get_anon_bdev), which no file of the host's has. */
  get dev(): number {
    return makedev(0, FIRST_ANONYMOUS + this.id);
  }
  /** Nothing in it can be changed. */
  get readOnly(): boolean {
    return this.superReadOnly || (this.attributes & MOUNT_ATTR_RDONLY) !== 0;
  }
  abstract statfs(inode: Inode): FsStatistics;
  /** All of it to the disk. */
  sync(): void {}
}

/** What statfs tells of a file system that is nowhere stored; `type` is its magic number (statfs(2)). */
export function noSpace(type: number): FsStatistics {
  return { type, bsize: 4096, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 255 };
}

export abstract class Inode {
  // Declared, and set by the constructor: to define the fields of a class that has so many heirs costs V8 more than to set them.
  declare readonly fs: FileSystem;
  /** The directory it was found in; undefined for the root of the tree and for files without a name. */
  declare parent: Inode | undefined;
  declare name: string;
  /** Its name is gone (unlinked, removed, replaced). */
  declare deleted: boolean;
  /** Open files of this inode; once it is `nameless` (no name is left at all), the last one to close ends the file. */
  declare openFiles: number;
  declare nameless: boolean;
  /** Roots of file systems mounted on names in this directory. */
  declare mounts: Map<string, Inode> | undefined;

  /** Nothing may be made or deleted in it, whoever asks (S_IMMUTABLE). */
  get immutable(): boolean {
    return false;
  }

  constructor(fs: FileSystem, parent: Inode | undefined, name: string) {
    this.fs = fs;
    this.parent = parent;
    this.name = name;
    this.deleted = false;
    this.openFiles = 0;
    this.nameless = false;
    this.mounts = undefined;
  }

  /** Type and permission bits. Cheap: the type never changes, permissions may be those of the last look. */
  abstract get mode(): number;
  abstract stat(): Attributes;
  /** Its number, as stat tells it. Cheap where it never changes. */
  get ino(): number {
    return this.stat().ino;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }
  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  /** A file that nobody may execute, by its mount (path_noexec). */
  get noExec(): boolean {
    return (this.fs.attributes & MOUNT_ATTR_NOEXEC) !== 0 && this.isRegular;
  }

  /**
   * Whether `who` may do what `mask` says (R_OK 4, W_OK 2, X_OK 1), by owner, group, mode and capabilities (generic_permission of
   * fs/namei.c).
   */
  permits(mask: number, who: Creds): boolean {
    if (capableOver(who, CAP.DAC_OVERRIDE, () => this.stat())) {
      return (mask & X_OK) === 0 || this.isDirectory || (this.mode & 0o111) !== 0;
    }
    const attributes = this.stat();
    const { mode, uid, gid } = attributes;
    // The bits of the group are the mask of a list: without them it grants nobody anything.
    const acl = uid !== who.fsuid && mode & 0o070 ? this.accessList() : undefined;
    const shift = uid === who.fsuid ? 6 : gid === who.fsgid || who.groups.includes(gid) ? 3 : 0;
    if (acl ? aclPermits(acl, attributes, mask, who) : ((mode >> shift) & mask) === mask) return true;
    const reading = mask === R_OK || (this.isDirectory && (mask & W_OK) === 0);
    return reading && capableOver(who, CAP.DAC_READ_SEARCH, () => attributes);
  }

  /** Its access control list, when it has one; `stat` has just been asked. */
  protected accessList(): readonly AclEntry[] | undefined {
    return undefined;
  }

  /** Whether the walk may look for names in this directory. May be left to whoever does the looking. */
  searchable(who: Creds): boolean {
    return this.permits(X_OK, who);
  }

  /**
   * Whether the host alone decides what comes of making or removing that name in this directory: permission included, and nobody
   * in the run has the file open.
   */
  leavesToHost(_name: string, _who: Creds): boolean {
    return false;
  }

  /**
   * A new open file description. `flags` has been checked against the permissions; O_TRUNC is to be done, O_CREAT and O_EXCL are
   * not.
   */
  abstract open(flags: number): OpenFile;

  setattr(_change: AttributeChange): void {
    fail('EPERM');
  }

  /** fsync of a directory: its names are on the disk when it returns. */
  sync(): void {}

  // ---- symbolic links ----
  readlink(): string {
    return fail('EINVAL');
  }
  /** For links that lead to a file itself rather than to a name (/proc/PID/exe, /proc/PID/fd/N); undefined for common links. */
  followLink(): Inode | undefined {
    return undefined;
  }

  // ---- directories ----
  /**
   * The file of that name, not a link's target; undefined when there is none. `passing`: it is on the way to others, and what was
   * just seen there will do (PassedNames).
   */
  lookup(_name: string, _passing = false): Inode | undefined {
    return fail('ENOTDIR');
  }
  /** What stat tells of the file that lookup gives, which need not be made for that. */
  statName(name: string): Attributes | undefined {
    return this.lookup(name)?.stat();
  }
  /** The file of that name, as the last look at any name has found it a moment ago, when it was of this one. */
  seen(_name: string): Inode | undefined {
    return undefined;
  }
  /** All names but `.` and `..`, in objects that are the caller's; `off` is not used. */
  list(): DirEntry[] {
    return fail('ENOTDIR');
  }
  /** The same, added to what there is already. */
  listInto(names: Dirents): void {
    for (const entry of this.list()) names.add(entry);
  }
  /** Makes a regular file that did not exist, and opens it; EACCES where there are none (lookup_open). */
  create(_name: string, _mode: number, _flags: number, _who: Creds): OpenFile {
    return fail('EACCES');
  }
  /** A regular file in this directory's file system that has no name yet (O_TMPFILE), opened. */
  createNameless(_mode: number, _flags: number, _who: Creds): OpenFile {
    return fail('EOPNOTSUPP');
  }
  mkdir(_name: string, _mode: number, _who: Creds): void {
    fail('EPERM');
  }
  symlink(_name: string, _target: string, _who: Creds): void {
    fail('EPERM');
  }
  /** A special file (or an empty regular one); mode includes the type. */
  mknod(_name: string, _mode: number, _rdev: number, _who: Creds): Inode {
    return fail('EPERM');
  }
  /** The file of a Unix socket that is bound to that name: a stream, or one of datagrams or packets. */
  bindSocket(name: string, mode: number, who: Creds, _stream: boolean): Inode {
    return this.mknod(name, S_IFSOCK | mode, 0, who);
  }
  /** A further name for a file of the same file system. ENOENT when it had a name and has none any more. */
  link(_name: string, _target: Inode): void {
    fail('EPERM');
  }
  unlink(_name: string): void {
    fail('EPERM');
  }
  rmdir(_name: string): void {
    fail('EPERM');
  }
  /** Moves `name` to `newName` in a directory of the same file system; flags as RENAME_*. */
  rename(_name: string, _newParent: Inode, _newName: string, _flags: number): void {
    fail('EPERM');
  }

  // ---- extended attributes ----
  /** Undefined when it has none of that name (ENODATA). */
  getxattr(_name: string): Uint8Array | undefined {
    return fail('EOPNOTSUPP');
  }
  setxattr(_name: string, _value: Uint8Array, _flags: number): void {
    fail('EOPNOTSUPP');
  }
  listxattr(): string[] {
    return [];
  }
  removexattr(_name: string): void {
    fail('EOPNOTSUPP');
  }
}

/** By what a file is known under all its names, in this run. */
export function identityOf(inode: Inode): string {
  const { identity } = inode as Inode & { identity?: string };
  return identity ?? `${inode.fs.id}:${inode.stat().ino}`;
}

/** Whether `inode` is `ancestor` or below it. */
export function isWithin(inode: Inode, ancestor: Inode): boolean {
  for (let at: Inode | undefined = inode; at !== undefined; at = at.parent) if (at === ancestor) return true;
  return false;
}

/**
 * Whether `from`, which is in `directory`, may take the place of `to`. Throws as rename(2) does, but does not ask whether a
 * directory is empty: that whoever may not read it may replace it, too.
 */
export function checkReplaced(directory: Inode, from: Inode, to: Inode, flags: number): void {
  if (flags & RENAME_NOREPLACE) fail('EEXIST');
  if (to.isDirectory && isWithin(directory, to)) fail('ENOTEMPTY');
  if (from.isDirectory && !to.isDirectory) fail('ENOTDIR');
  if (!from.isDirectory && to.isDirectory) fail('EISDIR');
}

/** Path of an inode as seen from `root`; what getcwd, /proc/PID/fd and /proc/PID/maps show. */
export function pathOf(inode: Inode, root: Inode): string {
  let path = '';
  let at: Inode | undefined = inode;
  while (at !== undefined && at !== root) {
    if (at.parent === undefined) return `${at.name === '' || at.name === '/' ? '' : at.name}${path}` || '/';
    path = `/${at.name}${path}`;
    at = at.parent;
  }
  return path || '/';
}
