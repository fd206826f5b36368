/**
 * A file as the path walk and the file calls see it, whatever file system it is in.
 *
 * Path-based hosts (node:fs, memfs) know no inodes apart from names, so an Inode here is also its directory entry: it knows the directory and the name by
 * which it was reached; two hard links are two Inodes with one number. A rename moves the Inode of a directory along, so descriptors and working directories follow it.
 *
 * Names, paths and link targets are byte strings: one character (0..255) per byte, as the guest gave them; nothing is assumed about their encoding.
 */
import { fail } from '../abi/errno.ts';
import type { DirEntry } from '../abi/dirent.ts';
import type { Attributes, FsStatistics } from '../abi/stat.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { OpenFile } from './open-file.ts';

/** Who acts on files: the file system user and group of a process. */
export interface Credentials {
  uid: number;
  gid: number;
  groups: readonly number[];
}

/** What setattr may change; what is absent stays. Times are nanoseconds, 'now' is the present time. */
export interface AttributeChange {
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: bigint | 'now';
  mtime?: bigint | 'now';
}

/** A mounted file system. */
export interface FileSystem {
  /** As in /proc/mounts: ext4, tmpfs, proc ... */
  readonly type: string;
  readonly source: string;
  readonly readOnly: boolean;
  readonly root: Inode;
  /** Number of the mount, unique in a run (statx, mountinfo). */
  readonly id: number;
  statfs(inode: Inode): FsStatistics;
}

let mounts = 0;
/** A number for a new FileSystem. */
export function nextMountId(): number {
  return ++mounts;
}

export abstract class Inode {
  readonly fs: FileSystem;
  /** The directory it was found in; undefined for the root of the tree and for files without a name. */
  parent: Inode | undefined;
  name: string;
  /** Its name is gone (unlinked, removed, replaced). */
  deleted = false;
  /** Roots of file systems mounted on names in this directory. */
  mounts: Map<string, Inode> | undefined;

  constructor(fs: FileSystem, parent: Inode | undefined, name: string) {
    this.fs = fs;
    this.parent = parent;
    this.name = name;
  }

  /** Type and permission bits. Cheap: the type never changes, permissions may be those of the last look. */
  abstract get mode(): number;
  abstract stat(): Attributes;

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }
  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }

  /** A new open file description. `flags` has been checked against the permissions; O_TRUNC is to be done, O_CREAT and O_EXCL are not. */
  abstract open(flags: number): OpenFile;

  setattr(_change: AttributeChange): void {
    fail('EPERM');
  }

  // ---- symbolic links ----
  readlink(): string {
    return fail('EINVAL');
  }
  /** For links that lead to a file itself rather than to a name (/proc/PID/exe, /proc/PID/fd/N); undefined for common links. */
  followLink(): Inode | undefined {
    return undefined;
  }

  // ---- directories ----
  /** The file of that name, not a link's target; undefined when there is none. */
  lookup(_name: string): Inode | undefined {
    return fail('ENOTDIR');
  }
  /** All names but `.` and `..`; `off` is not used. */
  list(): DirEntry[] {
    return fail('ENOTDIR');
  }
  /** Makes a regular file that did not exist, and opens it. */
  create(_name: string, _mode: number, _flags: number, _who: Credentials): OpenFile {
    return fail('EPERM');
  }
  mkdir(_name: string, _mode: number, _who: Credentials): void {
    fail('EPERM');
  }
  symlink(_name: string, _target: string, _who: Credentials): void {
    fail('EPERM');
  }
  /** A special file (or an empty regular one); mode includes the type. */
  mknod(_name: string, _mode: number, _rdev: number, _who: Credentials): Inode {
    return fail('EPERM');
  }
  /** A further name for a file of the same file system. */
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
  getxattr(_name: string): Uint8Array {
    return fail('EOPNOTSUPP');
  }
  setxattr(_name: string, _value: Uint8Array, _flags: number): void {
    fail('EOPNOTSUPP');
  }
  listxattr(): string[] {
    return fail('EOPNOTSUPP');
  }
  removexattr(_name: string): void {
    fail('EOPNOTSUPP');
  }
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
