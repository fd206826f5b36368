/**
 * The file side of one run (gVisor's VirtualFilesystem): everything that its file systems and open files share, which no other
 * run in this process sees, and the verbs on files by path or by inode. A verb checks permission, busy files and read-only
 * mounts, does it, and tells watchers; the system calls only decode what they are given. Files reach it as `inode.fs.vfs`.
 */

import { fail } from '../../abi/errno.ts';
import {
  MAX_NON_LFS,
  NAME_MAX,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  PATH_MAX,
  R_OK,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  W_OK,
} from '../../abi/fcntl.ts';
import {
  IN_ACCESS,
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_OPEN,
} from '../../abi/inotify.ts';
import { MOUNT_ATTR_NODEV } from '../../abi/mount.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK } from '../../abi/stat.ts';
import type { Timespec } from '../../abi/time.ts';
import type { NodeFs } from '../host/node-fs.ts';
import type { HostTerminal } from '../host/terminal.ts';
import type { Pipe } from '../ipc/pipe.ts';
import { Devices } from '../memory/devices.ts';
import { MachineMemory, MemoryQuota } from '../memory/quota.ts';
import { HostNetwork, type Network } from '../net/network.ts';
import type { OutsideAddress } from '../net/outside.ts';
import { Socket } from '../net/socket.ts';
import type { JobControl } from '../tty/job-control.ts';
import { NamelessFiles } from './anonymous.ts';
import { CAP, type Creds, capable } from './creds.ts';
import type { FilePages } from './file-pages.ts';
import { type AttributeChange, Inode, identityOf } from './inode.ts';
import { InodeNumbers } from './inode-numbers.ts';
import { Leases } from './leases.ts';
import { Lingering } from './lingering.ts';
import { Locks } from './locks.ts';
import { MountNamespace } from './mount.ts';
import { firstNumber } from './namespace.ts';
import { NamespaceFs } from './namespaces.ts';
import { Notifier } from './notify.ts';
import type { OpenFile } from './open-file.ts';
import { PassedNames } from './passed-names.ts';
import { PathFile } from './path-file.ts';
import {
  checkChmod,
  checkChown,
  checkCreate,
  checkCreateNameless,
  checkDelete,
  checkXattr,
  owns,
} from './permission.ts';
import {
  lookupIfThere,
  lookupPath,
  type PathOperation,
  type Resolved,
  type ResolveOptions,
  resolve,
  resolveIfThere,
} from './walk.ts';

/** What is changed: a file by its name, or as it is open. */
export type Target = Inode | OpenFile;

const inodeOf = (target: Target): Inode => (target instanceof Inode ? target : target.inode);

/** Kinds of file (S_IF*) that mknod makes (may_mknod). EPERM, EINVAL. */
export function checkMknod(type: number): void {
  if (type === S_IFDIR) fail('EPERM');
  if (type !== 0 && ![S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK].includes(type)) fail('EINVAL');
}

/** Flags of renameat2. EINVAL. */
export function checkRename(flags: number): void {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) fail('EINVAL');
  if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) fail('EINVAL');
}

const OPENED: ResolveOptions = { opened: true };
const OPENED_UNSEEN: ResolveOptions = { opened: true, unseen: true };
const UNSEEN_NAME: ResolveOptions = { name: true, unseen: true };

type Time = Timespec | 'now' | undefined;

/**
 * Directory and name for something new. EEXIST when the name is there, ENOENT for a trailing slash unless it is to be a
 * directory.
 * @param mayBeUnseen to make it is next, and nothing else can be wrong: the host may say EEXIST
 */
function newName(at: PathOperation, directory = false, mayBeUnseen = false): { dir: Inode; name: string } {
  const { dir, name, inode, slash, unseen } = nameOf(at, mayBeUnseen);
  if (unseen) return { dir, name };
  if (inode !== undefined) fail('EEXIST');
  if (slash && !directory) fail('ENOENT');
  checkCreate(dir, at.creds);
  return { dir, name };
}

/** The directory and name a path means, to be made, removed or renamed. ENAMETOOLONG. */
function nameOf(at: PathOperation, unseen = false): Resolved {
  return checkName(unseen ? resolve(at, at.start, at.path, false, UNSEEN_NAME) : parentOf(at));
}

/** As nameOf, whatever name it is: for who has more to look at before it (filename_parentat). */
function parentOf(at: PathOperation): Resolved {
  return resolve(at, at.start, at.path, false, { name: true });
}

/** A directory that is gone is not asked (lookup_one_qstr_excl). */
function checkName(found: Resolved): Resolved {
  if (found.name.length > NAME_MAX && found.dir.fs.takesNames)
    fail(found.dir.deleted ? 'ENOENT' : 'ENAMETOOLONG');
  return found;
}

export class Vfs {
  readonly memory: MachineMemory;
  /** The namespace that the inodes show. */
  mounts = new MountNamespace(undefined, firstNumber('mnt'));
  /** Numbers of peer groups of mounts that are in use. */
  readonly peerGroupIds = new Set<number>();
  readonly locks = new Locks();
  readonly leases = new Leases();
  readonly notifier = new Notifier();
  readonly devices = new Devices();
  /** Inode numbers of the host's files as the guest sees them. */
  readonly numbers = new InodeNumbers(this);
  readonly passed = new PassedNames();
  /** The host's directories are listed by name, and its files numbered as they are met, not as it has them. */
  inOrder = false;
  /** FIFOs that are open, by the identity of their inodes. */
  readonly fifos = new Map<string, Pipe>();
  /** Sockets that are bound to names on the host, by what their files are known by. */
  readonly boundSockets = new Map<string, unknown>();
  /**
   * Sources of shared mappings of the host's files, by identity: all mappings of one file, by whatever process and descriptor,
   * are of one object.
   */
  readonly sharedPages = new Map<string, FilePages>();
  /**
   * File systems of the host's files. Several may show the same directories (bind mounts, --ld-prefix): each has to know when one
   * of these moves or goes.
   */
  readonly nodeFileSystems = new Set<WeakRef<NodeFs>>();
  /** Terminals of the host by device number: descriptors 0, 1 and 2 are mostly one. */
  readonly hostTerminals = new Map<number, HostTerminal>();
  /** Output that is still on its way though the guest has closed the file. */
  readonly lingering = new Lingering();
  /** What terminals ask of the kernel. */
  jobs: JobControl | undefined;
  /** Whether a process runs this file. Of the kernel, too. */
  isExecuted: (inode: Inode) => boolean = () => false;
  /** Tells of a callback of the host's that failed. Of the kernel, too. */
  callbackFailed: (error: unknown) => void = (error) => {
    throw error;
  };
  #walk = 0;
  #lastMount = 0;
  #lastAnonymous = 0;
  readonly nameless = new NamelessFiles(this);
  #memfds: MemoryQuota | undefined;
  #namespaces: NamespaceFs | undefined;

  /** What else is to be done at the end of the run. */
  readonly closing: (() => void)[] = [];

  /** The network that the first process is in. */
  network: Network = new HostNetwork(this, firstNumber('net'));

  constructor(memory = new MachineMemory()) {
    this.memory = memory;
  }

  get namespaces(): NamespaceFs {
    return (this.#namespaces ??= new NamespaceFs(this));
  }

  /** What all files of memfd_create may take together. */
  get memfds(): MemoryQuota {
    return (this.#memfds ??= new MemoryQuota(this.memory));
  }

  /** Number of the present path walk. What a lookup of this walk has found out need not be asked of the host again. */
  get walk(): number {
    return this.#walk;
  }
  /** Starts a path walk: attributes found in an earlier one are no longer fresh. */
  beginWalk(): void {
    this.#walk++;
  }

  /** Closes what is only open to be fast. False when there is nothing of the kind. */
  releaseDescriptors(): boolean {
    let any = false;
    for (const reference of this.nodeFileSystems) any = (reference.deref()?.releaseHandles() ?? false) || any;
    return any;
  }

  /** The run has ended: what is open on the host for no file in particular is given back. */
  close(): void {
    for (const reference of this.nodeFileSystems) reference.deref()?.close();
    for (const close of this.closing.splice(0)) close();
  }

  /** A number for an inode that is only memory. */
  nextAnonymousNumber(): number {
    return ++this.#lastAnonymous;
  }

  /** A number for a new FileSystem. */
  nextMountId(): number {
    return ++this.#lastMount;
  }

  // ---- opening ----

  /**
   * Opens the file a path names, or makes it (O_CREAT). `mode` are the permission bits of a new file, the umask taken off.
   * EEXIST, ENOENT, EISDIR, ENOTDIR, ELOOP, EACCES, EPERM, EROFS, ETXTBSY, EOVERFLOW, EOPNOTSUPP, EINVAL, EAGAIN. Throws
   * LeaseWait, too.
   */
  open(at: PathOperation, flags: number, mode: number, options?: ResolveOptions): OpenFile {
    return this.openIfThere(at, flags, mode, options) ?? fail('ENOENT');
  }

  /** As open, undefined instead of ENOENT for what is not there. */
  openIfThere(
    at: PathOperation,
    flags: number,
    mode: number,
    options?: ResolveOptions,
  ): OpenFile | undefined {
    if (flags & O_PATH) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    else if ((flags & O_TMPFILE) === O_TMPFILE) return this.#openNameless(at, flags, mode, options);
    if (flags & O_CREAT && flags & O_DIRECTORY) fail('EINVAL');
    const exclusive = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL);
    const follow = !(flags & O_NOFOLLOW) && !exclusive;
    if (!(flags & O_CREAT)) {
      const inode = lookupIfThere(at, at.start, at.path, follow, options);
      return inode && this.#openSeen(inode, flags, at.creds);
    }
    const how = options ? { ...options, opened: true } : exclusive ? OPENED_UNSEEN : OPENED;
    const found = resolveIfThere(at, at.start, at.path, follow, how);
    if (found === undefined) return undefined;
    const { dir, name, inode, unseen } = found;
    if (inode !== undefined) {
      if (exclusive) fail('EEXIST');
      return this.#openSeen(inode, flags, at.creds);
    }
    if (!unseen) checkCreate(dir, at.creds);
    const file = dir.create(name, S_IFREG | mode, flags, at.creds);
    this.notifier.name(dir, IN_CREATE, name, false);
    this.notifier.file(file.inode, IN_OPEN);
    return file;
  }

  #openSeen(inode: Inode, flags: number, who: Creds): OpenFile {
    const file = this.#openInode(inode, flags, who);
    if (flags & O_TRUNC) this.notifier.file(inode, IN_MODIFY);
    if (!(flags & O_PATH)) this.notifier.file(inode, IN_OPEN);
    return file;
  }

  /** O_TMPFILE: the path is that of a directory (do_tmpfile). */
  #openNameless(at: PathOperation, flags: number, mode: number, options?: ResolveOptions): OpenFile {
    if (flags & O_CREAT || (flags & O_ACCMODE) === O_RDONLY) fail('EINVAL');
    const dir = lookupPath(at, at.start, at.path, !(flags & O_NOFOLLOW), options);
    if (!dir.isDirectory) fail('ENOTDIR');
    checkCreateNameless(dir, at.creds);
    const file = dir.createNameless(S_IFREG | mode, flags, at.creds);
    this.notifier.file(file.inode, IN_OPEN);
    return file;
  }

  #openInode(inode: Inode, flags: number, who: Creds): OpenFile {
    const access = flags & O_ACCMODE;
    if (inode.isSymlink) {
      if (flags & O_PATH && flags & O_NOFOLLOW && !(flags & O_DIRECTORY)) return new PathFile(inode, flags);
      fail(flags & O_DIRECTORY ? 'ENOTDIR' : 'ELOOP');
    }
    if (flags & O_DIRECTORY && !inode.isDirectory) fail('ENOTDIR');
    if (flags & O_PATH) return new PathFile(inode, flags);
    if (inode.isDirectory && (access !== O_RDONLY || flags & (O_CREAT | O_TRUNC))) fail('EISDIR');
    const type = inode.mode & S_IFMT;
    if ((type === S_IFCHR || type === S_IFBLK) && inode.fs.attributes & MOUNT_ATTR_NODEV) fail('EACCES');
    const wanted = (access === O_WRONLY ? 0 : R_OK) | (access !== O_RDONLY || flags & O_TRUNC ? W_OK : 0);
    if (!inode.permits(wanted, who)) fail('EACCES');
    if (wanted & W_OK && inode.isRegular && inode.fs.readOnly) fail('EROFS');
    if (flags & O_NOATIME && !owns(inode, who)) fail('EPERM');
    if (!(flags & O_LARGEFILE) && inode.isRegular && inode.stat().size > MAX_NON_LFS) fail('EOVERFLOW');
    if (wanted & W_OK && this.isExecuted(inode)) fail('ETXTBSY');
    this.leases.break(inode, (wanted & W_OK) !== 0, (flags & O_NONBLOCK) !== 0);
    return inode.open(flags);
  }

  /** The file a path names, a last link followed or not. ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES. */
  lookup(at: PathOperation, follow: boolean): Inode {
    return lookupPath(at, at.start, at.path, follow);
  }

  // ---- names ----

  /** @param mode permission bits, the umask taken off */
  mkdir(at: PathOperation, mode: number): void {
    const { dir, name } = newName(at, true, true);
    dir.mkdir(name, mode & 0o1777, at.creds);
    this.notifier.name(dir, IN_CREATE, name, true);
  }

  symlink(target: string, at: PathOperation): void {
    if (target.length === 0) fail('ENOENT');
    if (target.length >= PATH_MAX) fail('ENAMETOOLONG');
    const { dir, name } = newName(at, false, true);
    dir.symlink(name, target, at.creds);
    this.notifier.name(dir, IN_CREATE, name, false);
  }

  /** @param mode type (a regular file when there is none) and permission bits, the umask taken off */
  mknod(at: PathOperation, mode: number, rdev: number): Inode {
    const type = mode & S_IFMT || S_IFREG;
    checkMknod(type);
    const { dir, name } = newName(at);
    // What stands for a name that is gone in an overlay (WHITEOUT_DEV) leads to nothing: anybody may make it.
    const isWhiteout = type === S_IFCHR && rdev === 0;
    if ((type === S_IFCHR || type === S_IFBLK) && !isWhiteout && !capable(at.creds, CAP.MKNOD)) fail('EPERM');
    const made = dir.mknod(name, type | (mode & 0o7777), rdev, at.creds);
    this.notifier.name(dir, IN_CREATE, name, false);
    return made;
  }

  link(target: Inode, at: PathOperation): void {
    const { dir, name } = newName(at);
    if (dir.fs !== target.fs) fail('EXDEV');
    if (target.isDirectory) fail('EPERM');
    dir.link(name, target);
    this.notifier.self(target, IN_ATTRIB);
    this.notifier.name(dir, IN_CREATE, name, false);
  }

  unlink(at: PathOperation): void {
    // Watchers are told which file has gone.
    const { dir, name, inode, slash, unseen } = nameOf(at, this.notifier.idle);
    if (unseen) {
      dir.unlink(name);
      return;
    }
    if (dir.fs.readOnly) fail('EROFS');
    if (inode === undefined) fail('ENOENT');
    if (slash) fail(inode.isDirectory ? 'EISDIR' : 'ENOTDIR');
    checkDelete(dir, name, inode, at.creds);
    if (inode.isDirectory) fail('EISDIR');
    const { nlink } = inode.stat();
    dir.unlink(name);
    this.#removed(dir, name, inode, nlink);
  }

  rmdir(at: PathOperation): void {
    const { dir, name, inode } = nameOf(at);
    if (name === '.') fail('EINVAL');
    if (name === '..') fail('ENOTEMPTY');
    if (name === '/') fail('EBUSY');
    if (dir.fs.readOnly) fail('EROFS');
    if (inode === undefined) fail('ENOENT');
    checkDelete(dir, name, inode, at.creds);
    if (!inode.isDirectory) fail('ENOTDIR');
    if (inode.mounts?.size) fail('EBUSY');
    dir.rmdir(name);
    this.#removed(dir, name, inode, 1);
  }

  /** Tells watchers that a name is gone; `links` are what the file had. */
  #removed(dir: Inode, name: string, inode: Inode, links: number): void {
    const { notifier } = this;
    if (!inode.isDirectory) notifier.self(inode, IN_ATTRIB);
    if (inode.isDirectory || links <= 1) notifier.lastNameGone(inode);
    notifier.name(dir, IN_DELETE, name, inode.isDirectory);
  }

  /** @param flags RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT */
  rename(old: PathOperation, at: PathOperation, flags: number): void {
    checkRename(flags);
    const from = parentOf(old);
    const to = parentOf(at);
    if (from.dir.fs !== to.dir.fs) fail('EXDEV');
    const special = (name: string) => name === '.' || name === '..' || name === '/';
    if (special(from.name)) fail('EBUSY');
    if (special(to.name)) fail(flags & RENAME_NOREPLACE ? 'EEXIST' : 'EBUSY');
    if (from.dir.fs.readOnly) fail('EROFS');
    const { inode } = checkName(from);
    if (inode === undefined) fail('ENOENT');
    if (checkName(to).inode !== undefined && flags & RENAME_NOREPLACE) fail('EEXIST');
    if (!inode.isDirectory && (from.slash || (to.slash && !(flags & RENAME_EXCHANGE)))) fail('ENOTDIR');
    // To itself: nothing, whoever may do it.
    if (identityOf(from.dir) === identityOf(to.dir) && from.name === to.name) return;
    checkDelete(from.dir, from.name, inode, old.creds);
    if (to.inode === undefined) checkCreate(to.dir, at.creds);
    else checkDelete(to.dir, to.name, to.inode, at.creds);
    from.dir.rename(from.name, to.dir, to.name, flags);
    const { notifier } = this;
    const cookie = notifier.nextCookie();
    notifier.name(from.dir, IN_MOVED_FROM, from.name, inode.isDirectory, cookie);
    notifier.name(to.dir, IN_MOVED_TO, to.name, inode.isDirectory, cookie);
    if (!(flags & RENAME_EXCHANGE) && to.inode && to.inode !== inode) notifier.lastNameGone(to.inode);
    notifier.self(inode, IN_MOVE_SELF);
  }

  // ---- attributes ----

  /** Changes a file, which must not be on a read-only file system. */
  #setattr(target: Target, what: AttributeChange): void {
    const inode = inodeOf(target);
    if (inode.fs.readOnly) fail('EROFS');
    target.setattr(what);
    this.notifier.file(inode, what.size === undefined ? IN_ATTRIB : IN_MODIFY);
  }

  chmod(target: Target, mode: number, who: Creds): void {
    this.#setattr(target, { mode: checkChmod(target, mode & 0o7777, who) });
  }

  /** Ids that are undefined stay. EPERM, EROFS. */
  chown(target: Target, uid: number | undefined, gid: number | undefined, who: Creds): void {
    checkChown(target, uid, gid, who);
    if (uid === undefined && gid === undefined) return;
    this.#setattr(target, { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) });
  }

  /** Sets times in nanoseconds since 1970; what is undefined stays (utimensat(2)). EPERM, EACCES, EROFS. */
  utimes(target: Target, atime: Time, mtime: Time, who: Creds): void {
    if (atime === undefined && mtime === undefined) return;
    if (!owns(target, who)) {
      if (atime !== 'now' || mtime !== 'now') fail('EPERM');
      if (!inodeOf(target).permits(W_OK, who)) fail('EACCES');
    }
    this.#setattr(target, { ...(atime !== undefined && { atime }), ...(mtime !== undefined && { mtime }) });
  }

  /** The size of a file by its name can be changed. EISDIR, EINVAL, EACCES, ETXTBSY. */
  checkTruncate(inode: Inode, who: Creds): void {
    if (inode.isDirectory) fail('EISDIR');
    if (!inode.isRegular) fail('EINVAL');
    if (!inode.permits(W_OK, who)) fail('EACCES');
    if (this.isExecuted(inode)) fail('ETXTBSY');
  }
  /** Throws LeaseWait, too. */
  truncate(inode: Inode, size: number): void {
    this.leases.break(inode, true, false);
    this.#setattr(inode, { size });
  }
  /** Of a file that is open for writing. */
  ftruncate(file: OpenFile, size: number): void {
    file.truncate(size);
    this.notifier.file(file.inode, IN_MODIFY);
  }

  /** Undefined when the file has none of that name. */
  getxattr(inode: Inode, name: string, who: Creds): Uint8Array | undefined {
    checkXattr(inode, name, R_OK, who);
    return inode.getxattr(name);
  }
  setxattr(inode: Inode, name: string, value: Uint8Array, flags: number, who: Creds): void {
    checkXattr(inode, name, W_OK, who);
    inode.setxattr(name, value, flags);
    this.notifier.file(inode, IN_ATTRIB);
  }
  removexattr(inode: Inode, name: string, who: Creds): void {
    checkXattr(inode, name, W_OK, who);
    inode.removexattr(name);
    this.notifier.file(inode, IN_ATTRIB);
  }
  /** Trusted ones are only seen by administrators. */
  listxattr(inode: Inode, who: Creds): string[] {
    const names = inode.listxattr();
    return capable(who, CAP.SYS_ADMIN) ? names : names.filter((name) => !name.startsWith('trusted.'));
  }

  // ---- contents ----

  /** Bytes of a file have been read: tells watchers, and gives the count. */
  accessed(file: OpenFile, count: number): number {
    if (count > 0) this.notifier.file(file.inode, IN_ACCESS);
    return count;
  }
  /** Bytes of a file have been written. */
  modified(file: OpenFile, count: number): number {
    if (count > 0) this.notifier.file(file.inode, IN_MODIFY);
    return count;
  }

  // ---- sockets ----

  /** The inode of a new Unix socket. EADDRINUSE when the name is there. */
  makeSocket(at: PathOperation, mode: number, stream: boolean): Inode {
    const { dir, name, inode } = nameOf(at);
    if (inode) fail('EADDRINUSE');
    checkCreate(dir, at.creds);
    const made = dir.bindSocket(name, mode, at.creds, stream);
    this.notifier.name(dir, IN_CREATE, name, false);
    return made;
  }

  /** The Unix socket that is bound to a path, in the run or outside of it. EACCES, ECONNREFUSED. */
  socketAt(at: PathOperation): Socket | OutsideAddress {
    const inode = this.lookup(at, true) as Inode & { socket?: unknown; outside?: OutsideAddress | undefined };
    if (!inode.permits(W_OK, at.creds)) fail('EACCES');
    if ((inode.mode & S_IFMT) !== S_IFSOCK) fail('ECONNREFUSED');
    if (inode.socket instanceof Socket) return inode.socket;
    return inode.outside ?? fail('ECONNREFUSED');
  }
}
