/**
 * An open file description (what Linux's `struct file` is): made by open, pipe, socket ...; shared by duplicated descriptors and
 * by forked processes.
 *
 * read and write transfer bytes straight from and to the guest's memory and never wait: when nothing can be done now they give
 * -EAGAIN, and the caller, unless the file is O_NONBLOCK, waits on `queue` and tries again. Other failures are thrown (see
 * abi/errno.ts).
 */
import type { PageSource } from '../../../emu/memory/address-space.ts';
import type { DirEntry } from '../../abi/dirent.ts';
import { ERRNO, fail } from '../../abi/errno.ts';
import {
  accessOf,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_NONBLOCK,
  O_TRUNC,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from '../../abi/fcntl.ts';
import { IN_CLOSE_NOWRITE, IN_CLOSE_WRITE } from '../../abi/inotify.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import type { Attributes } from '../../abi/stat.ts';
import type { Creds } from './creds.ts';
import type { AttributeChange, Inode } from './inode.ts';
import type { OutsideLocks } from './locks.ts';
import type { MountNamespace } from './mount.ts';
import type { Namespace } from './namespace.ts';
import type { Vfs } from './vfs.ts';
import { WaitQueue } from './wait-queue.ts';

/** What read and write give when they would have to wait. */
export const WOULD_BLOCK: number = -ERRNO.EAGAIN;

/** The process group and session of who asks, for terminals. The kernel's Process is one. */
export interface JobProcess {
  readonly pid: number;
  pgid: number;
  readonly session: { readonly sid: number; tty: unknown; foreground: number };
  /** Numbers of its namespace for the kernel's ids, and the other way round. */
  readonly pids: { numberOf(pid: number): number; pidOf(number: number): number };
}

/** struct fown_struct: F_OWNER_* and its id, and who set it. */
export interface FileOwner {
  readonly type: number;
  readonly id: number;
  readonly uid: number;
  readonly euid: number;
}

/** What an ioctl of a file may use. */
export interface IoctlContext {
  /** Makes a range of guest memory usable and gives a view of it; throws EFAULT. */
  read(address: number, length: number): DataView;
  write(address: number, length: number): DataView;
  readonly process: JobProcess;
  readonly creds: Creds;
  /** The one above a namespace, where the caller may know of it. EPERM, EINVAL. */
  parentOf(namespace: Namespace): Namespace;
  /** CAP_NET_ADMIN. */
  readonly mayAdministerNetwork: boolean;
  /** Gives the process a descriptor for a file. */
  install(file: OpenFile, closeOnExec: boolean): number;
  /** Sleeps until the queue is woken; the request is made again then. */
  wait(queue: WaitQueue): never;
}

export abstract class OpenFile {
  // Declared, and set by the constructor, as those of Inode are.
  /** The file behind it; anonymous files (pipes, eventfds) have an inode of their own. */
  declare readonly inode: Inode;
  /** Access mode and status flags as F_GETFL tells them (guest's numbers). */
  declare flags: number;
  /** The namespace of mounts that it was opened in. */
  declare readonly mounts: MountNamespace;
  /** Of what was opened in a mount that nobody else has: its root. */
  declare ownRoot: Inode | undefined;
  /** Called when the last reference goes (epoll forgets the file). */
  declare onClose: Set<() => void> | undefined;
  /** F_SETOWN: who gets SIGIO, or the signal of F_SETSIG. */
  declare owner: FileOwner | undefined;
  declare signal: number;
  /** What sends the signals of O_ASYNC. */
  declare async: Disposable | undefined;
  /** Descriptors, in all processes, and mappings or others that hold it open. */
  #references = 0;
  #queue: WaitQueue | undefined;

  constructor(inode: Inode, flags: number, queue?: WaitQueue) {
    this.inode = inode;
    inode.openFiles++;
    this.flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    this.mounts = inode.fs.vfs.mounts;
    this.ownRoot = undefined;
    this.onClose = undefined;
    this.owner = undefined;
    this.signal = 0;
    this.async = undefined;
    this.#queue = queue;
  }

  /** Woken whenever `poll` may give more than before. */
  get queue(): WaitQueue {
    return (this.#queue ??= new WaitQueue());
  }

  /** Milliseconds a read waits at most: SO_RCVTIMEO of sockets, VTIME of terminals. */
  get readTimeout(): number {
    return Infinity;
  }
  /** What a read gives that has waited so long. */
  get timedOut(): number {
    return WOULD_BLOCK;
  }
  /** Milliseconds a write waits at most (SO_SNDTIMEO). */
  get writeTimeout(): number {
    return Infinity;
  }

  get vfs(): Vfs {
    return this.inode.fs.vfs;
  }
  /** Whether it can be read or written at an offset (FMODE_PREAD). */
  get hasOffsets(): boolean {
    return this.pread !== OpenFile.prototype.pread;
  }
  /** It was opened with O_PATH: it names a file, and nothing can be done with it but to use the name. */
  get isPath(): boolean {
    return false;
  }
  /** Whether it knows O_ASYNC, and where it tells what happens to it. */
  get asynchronous(): boolean {
    return false;
  }
  get asyncQueue(): WaitQueue {
    return this.queue;
  }

  get nonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }
  get readable(): boolean {
    return (accessOf(this.flags) & 1) !== 0;
  }
  get writable(): boolean {
    return (accessOf(this.flags) & 2) !== 0;
  }

  /** One more descriptor (dup, fork). */
  ref(): this {
    this.#references++;
    return this;
  }
  /** One descriptor less; the last one closes the file. */
  release(): void {
    if (--this.#references > 0) return;
    const { locks, notifier } = this.vfs;
    notifier.file(this.inode, this.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
    if (this.onClose !== undefined) for (const closing of this.onClose) closing();
    locks.releaseFlock(this.inode, this);
    locks.releaseRecords(this.inode, this);
    try {
      this.close();
    } finally {
      if (--this.inode.openFiles === 0) notifier.lastClosed(this.inode);
    }
  }
  get references(): number {
    return this.#references;
  }

  /** A process, known by its descriptor table, closes one of its descriptors of the file. */
  flush(_owner: object): void {}

  /** Frees what the file holds. Called once, by the last release. */
  protected close(): void {}

  /** Takes whatever is written and gives nothing: guest memory is not even looked at (write_null, read_null). */
  get discards(): boolean {
    return false;
  }
  get isEmpty(): boolean {
    return false;
  }

  /** Bytes read at the file's own offset; 0 at the end of the file; WOULD_BLOCK. */
  read(_into: Uint8Array): number {
    return fail('EINVAL');
  }
  /** Bytes written at the file's own offset (may be fewer than asked for); WOULD_BLOCK. */
  write(_from: Uint8Array): number {
    return fail('EINVAL');
  }
  /** As read and write, at an offset in bytes, leaving the file's own offset alone. ESPIPE where there are no offsets. */
  pread(_into: Uint8Array, _offset: number): number {
    return fail('ESPIPE');
  }
  pwrite(_from: Uint8Array, _offset: number): number {
    return fail('ESPIPE');
  }
  /** Moves the file's own offset and gives the new one. */
  seek(_offset: number, _whence: number): number {
    return fail('ESPIPE');
  }

  /**
   * Entries of a directory from the file's own offset on, `.` and `..` first: `take` is given each and answers whether it had
   * room.
   */
  readdir(_take: (entry: DirEntry) => boolean): void {
    fail('ENOTDIR');
  }
  /**
   * The same, as struct linux_dirent64, as many as there is room for: their bytes, 0 at the end; undefined when each is to be
   * looked at, by readdir. EINVAL when there is no room for one.
   */
  readdir64(_into: Uint8Array): number | undefined {
    return undefined;
  }

  /** POLL* events that hold now. Regular files are always ready. */
  poll(): number {
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
  }
  /** Whether epoll accepts it (EPERM for regular files and directories). */
  get pollable(): boolean {
    return false;
  }

  /** open(2) has not ended yet: a FIFO waits on `queue` for its other side. */
  get opening(): boolean {
    return false;
  }

  stat(): Attributes {
    return this.inode.stat();
  }
  setattr(change: AttributeChange): void {
    // What is known of it is of when it was opened.
    this.vfs.beginWalk();
    this.inode.setattr(change);
  }
  truncate(size: number): void {
    this.setattr({ size });
  }
  /** fallocate: makes sure of space, or punches holes; `mode` as FALLOC_FL_*. */
  allocate(_mode: number, _offset: number, _length: number): void {
    fail('ENODEV');
  }
  /** fsync, fdatasync. EINVAL where there is nothing to be synchronized. */
  sync(_dataOnly: boolean): void {
    fail('EINVAL');
  }
  /** sync_file_range of what is regular: all of it is on the disk, where there is nothing that does less. */
  syncRange(_offset: number, _length: number, _flags: number): void {
    this.sync(true);
  }
  /** The run's locks on it for all outside of the run; undefined when nobody outside knows it. */
  outsideLocks(): OutsideLocks | undefined {
    return undefined;
  }
  /** Device-specific requests; the general ones (FIONBIO ...) are done by the call. */
  ioctl(_request: number, _argument: number, _context: IoctlContext): number {
    return fail('ENOTTY');
  }
  /** Called when F_SETFL has changed `flags`. */
  flagsChanged(): void {}

  /** What /proc/PID/fdinfo tells beside position and flags: whole lines. */
  fdInfo(): string {
    return '';
  }

  /** So many bytes are about to be written, at which nobody has looked yet: throws what is told before. */
  checkWriting(_length: number): void {}

  /** A mapping is about to be made, with PROT_*. EPERM where it may not be. */
  checkMapping(_prot: number, _shared: boolean): void {}

  /**
   * Where mmap gets the pages from. ENODEV when the file cannot be mapped.
   * @param _justOpened nothing has been done since it was opened: what was seen of it then will do
   */
  pageSource(_shared: boolean, _justOpened?: boolean): PageSource {
    return fail('ENODEV');
  }
}

/** A file with offsets: read and write are pread and pwrite at `offset`. */
export abstract class SeekableFile extends OpenFile {
  declare offset: number;

  constructor(inode: Inode, flags: number, queue?: WaitQueue) {
    super(inode, flags, queue);
    this.offset = 0;
  }

  abstract override pread(into: Uint8Array, offset: number): number;
  abstract override pwrite(from: Uint8Array, offset: number): number;
  /** Size in bytes, for SEEK_END and O_APPEND. */
  abstract size(): number;
  /** There are limits to how large it gets by writing (generic_write_checks). */
  get hasLargest(): boolean {
    return this.inode.isRegular;
  }

  override read(into: Uint8Array): number {
    const count = this.pread(into, this.offset);
    this.offset += count;
    return count;
  }

  override write(from: Uint8Array): number {
    // Who has nothing to append stays where he is.
    if (this.flags & O_APPEND && from.length > 0) this.offset = this.size();
    const count = this.pwrite(from, this.offset);
    this.offset += count;
    return count;
  }

  /** Moves the file's own offset over bytes that were read by pread. */
  skip(count: number): void {
    this.offset += count;
  }

  override seek(offset: number, whence: number): number {
    if (whence === SEEK_CUR) offset += this.offset;
    else if (whence === SEEK_END) offset += this.size();
    else if (whence !== SEEK_SET) return fail('EINVAL');
    if (offset < 0 || offset > Number.MAX_SAFE_INTEGER) return fail('EINVAL');
    this.offset = offset;
    return offset;
  }
}
