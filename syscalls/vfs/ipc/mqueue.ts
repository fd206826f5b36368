/**
 * POSIX message queues (mq_overview(7), ipc/mqueue.c): the file system that /dev/mqueue shows, its queues, and open queues. The
 * calls on them are in calls/mqueue.ts.
 *
 * A message goes straight to a receiver that waits, and room straight to a sender that waits, the one that has waited longest
 * first; so there are never both messages and receivers, nor both room and senders.
 */
import { type DirEntry, modeToType } from '../../abi/dirent.ts';
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, R_OK, SEEK_END, W_OK } from '../../abi/fcntl.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { type FsStatistics, S_IFDIR, S_IFREG } from '../../abi/stat.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import { CAP, type Creds, capable } from '../core/creds.ts';
import { DirectoryFile } from '../core/directory-file.ts';
import { FileSystem, type Inode, noSpace } from '../core/inode.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import { checkCreate, checkDelete } from '../core/permission.ts';
import type { UserNamespace } from '../core/user-namespace.ts';
import type { Vfs } from '../core/vfs.ts';
import { type Waiter, WaitQueue } from '../core/wait-queue.ts';

/** Limits of /proc/sys/fs/mqueue, and those of the privileged. */
export const MQ = { queues_max: 256, msg_max: 10, msgsize_max: 8192, msg_default: 10, msgsize_default: 8192 };
const HARD_MSGMAX = 65536;
const HARD_MSGSIZEMAX = 16 << 20;
export const MQ_PRIO_MAX = 32768;
/** What a read of a queue's file gives at most (FILENT_SIZE). */
const FILE_SIZE = 80;
/** struct msg_msg and struct posix_msg_tree_node of 32-bit ARM, which count against RLIMIT_MSGQUEUE. */
const MESSAGE_OVERHEAD = 24;
const PRIORITY_OVERHEAD = 24;

export interface Message {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

/** A task that waits to send or to receive. */
export interface Receiver {
  readonly task: Waiter;
  message: Message | undefined;
}
export interface Sender {
  readonly task: Waiter;
  readonly message: Message;
  sent: boolean;
}

/** Who is told when a message comes to the empty queue: once, until asked for anew. */
export interface Notification {
  /** The descriptor table of the process that asked: closing a descriptor of the queue in it takes the notification back. */
  readonly owner: object;
  readonly pid: number;
  readonly signo: number;
  readonly how: number;
  send(): void;
  /** It is taken back without having been sent. */
  readonly removed?: (() => void) | undefined;
}

/** struct mq_attr, as far as a queue is made of it. */
export interface QueueAttributes {
  readonly maxMessages: number;
  readonly maxSize: number;
}

export class QueueInode extends AnonymousInode {
  declare readonly fs: MqueueFs;
  readonly maxMessages: number;
  readonly maxSize: number;
  readonly charged: { readonly uid: number; readonly bytes: number };
  /** Highest priority first, and the oldest of a priority first. */
  readonly messages: Message[] = [];
  readonly receivers: Receiver[] = [];
  readonly senders: Sender[] = [];
  notification: Notification | undefined;
  /** Where poll waits. */
  readonly changes = new WaitQueue();

  constructor(
    fs: MqueueFs,
    name: string,
    mode: number,
    who: Creds,
    maxMessages: number,
    maxSize: number,
    bytes: number,
  ) {
    super(fs, name, S_IFREG | mode, fs.root);
    Object.assign(this.attributes, { uid: who.fsuid, gid: who.fsgid, size: FILE_SIZE });
    this.maxMessages = maxMessages;
    this.maxSize = maxSize;
    this.charged = { uid: who.fsuid, bytes };
  }

  override open(flags: number): OpenFile {
    return new QueueFile(this, flags);
  }

  removeNotification(): void {
    this.notification?.removed?.();
    this.notification = undefined;
  }

  /** Gives it to a receiver that waits, else queues it. False when there is no room. */
  send(message: Message): boolean {
    if (this.messages.length >= this.maxMessages) return false;
    const receiver = this.receivers.shift();
    if (receiver) {
      receiver.message = message;
      receiver.task.wake();
      return true;
    }
    const wasEmpty = this.messages.length === 0;
    this.#insert(message);
    if (wasEmpty && this.notification) {
      const { notification } = this;
      this.notification = undefined;
      notification.send();
    }
    this.changes.wakeAll();
    return true;
  }

  /** The next message; undefined when there is none. */
  receive(): Message | undefined {
    const message = this.messages.shift();
    if (message === undefined) return undefined;
    const sender = this.senders.shift();
    if (sender) {
      this.#insert(sender.message);
      sender.sent = true;
      sender.task.wake();
    }
    this.changes.wakeAll();
    return message;
  }

  #insert(message: Message): void {
    const behind = this.messages.findIndex((m) => m.priority < message.priority);
    this.messages.splice(behind < 0 ? this.messages.length : behind, 0, message);
  }

  /** What a read of the file shows (mq_overview(7), "Mounting the message queue filesystem"). */
  describe(): string {
    const size = this.messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { how = 0, signo = 0, pid = 0 } = this.notification ?? {};
    const field = (name: string, value: number, width: number) => `${name}:${String(value).padEnd(width)}`;
    return `${field('QSIZE', size, 10)} ${field('NOTIFY', how, 5)} ${field('SIGNO', signo, 5)} ${field('NOTIFY_PID', pid, 6)}\n`;
  }
}

/** An open queue: a message queue descriptor is a descriptor of it. */
export class QueueFile extends SeekableFile {
  declare readonly inode: QueueInode;

  constructor(inode: QueueInode, flags: number) {
    super(inode, flags, inode.changes);
  }

  override pread(into: Uint8Array, offset: number): number {
    const text = Buffer.from(this.inode.describe().slice(0, FILE_SIZE), 'latin1').subarray(offset);
    into.set(text.subarray(0, into.length));
    return Math.min(text.length, into.length);
  }
  override pwrite(_from: Uint8Array, _offset: number): number {
    return fail('EINVAL');
  }
  override size(): number {
    return FILE_SIZE;
  }
  override seek(offset: number, whence: number): number {
    return whence === SEEK_END ? fail('EINVAL') : super.seek(offset, whence);
  }

  override poll(): number {
    const { messages, maxMessages } = this.inode;
    const readable = messages.length > 0 ? POLLIN | POLLRDNORM : 0;
    return messages.length < maxMessages ? readable | POLLOUT | POLLWRNORM : readable;
  }
  override get pollable(): boolean {
    return true;
  }

  override flush(owner: object): void {
    if (this.inode.notification?.owner === owner) this.inode.removeNotification();
  }

  protected override close(): void {
    // This file still counts as open.
    if (this.inode.deleted && this.inode.openFiles === 1) this.inode.fs.free(this.inode);
  }
}

class MqueueDirectory extends AnonymousInode {
  declare readonly fs: MqueueFs;
  readonly queues = new Map<string, QueueInode>();

  constructor(fs: MqueueFs) {
    super(fs, '', S_IFDIR | 0o1777);
  }

  override lookup(name: string): Inode | undefined {
    return this.queues.get(name);
  }
  override list(): DirEntry[] {
    return [...this.queues.values()].map((q) => ({
      ino: q.attributes.ino,
      off: 0,
      type: modeToType(q.mode),
      name: q.name,
    }));
  }
  override open(flags: number): OpenFile {
    return new DirectoryFile(this, flags);
  }
  override create(name: string, mode: number, flags: number, who: Creds): OpenFile {
    return this.fs.create(name, mode, who, undefined, Infinity).open(flags);
  }
  override unlink(name: string): void {
    const queue = this.queues.get(name) ?? fail('ENOENT');
    this.queues.delete(name);
    queue.deleted = queue.nameless = true;
    if (queue.openFiles === 0) this.fs.free(queue);
  }
}

export class MqueueFs extends FileSystem {
  readonly type = 'mqueue';
  readonly source = 'mqueue';
  readonly root: MqueueDirectory;
  /** Bytes that the queues of each user may take, for RLIMIT_MSGQUEUE. */
  readonly #charged = new Map<number, number>();

  constructor(vfs: Vfs, owner: UserNamespace) {
    super(vfs);
    this.owner = owner;
    this.root = new MqueueDirectory(this);
  }

  /**
   * mq_open(3): the queue of a name, made if need be and asked for. EEXIST, ENOENT, EACCES, EINVAL, and as `create`.
   * @param limit RLIMIT_MSGQUEUE
   */
  open(
    name: string,
    flags: number,
    mode: number,
    who: Creds,
    attributes: QueueAttributes | undefined,
    limit: number,
  ): QueueInode {
    const queue = this.root.queues.get(name);
    if (queue === undefined) {
      if (!(flags & O_CREAT)) fail('ENOENT');
      checkCreate(this.root, who);
      return this.create(name, mode, who, attributes, limit);
    }
    if (flags & O_CREAT && flags & O_EXCL) fail('EEXIST');
    const access = flags & O_ACCMODE;
    if (access === O_ACCMODE) fail('EINVAL');
    const wanted = (access === O_WRONLY ? 0 : R_OK) | (access === O_RDONLY ? 0 : W_OK);
    return queue.permits(wanted, who) ? queue : fail('EACCES');
  }

  /** mq_unlink(3). */
  unlink(name: string, who: Creds): void {
    const queue = this.root.queues.get(name) ?? fail('ENOENT');
    checkDelete(this.root, name, queue, who);
    this.root.unlink(name);
  }

  /** A new queue. EINVAL for what may not be so large, ENOSPC for too many, EMFILE over RLIMIT_MSGQUEUE. */
  create(
    name: string,
    mode: number,
    who: Creds,
    attributes: QueueAttributes | undefined,
    limit: number,
  ): QueueInode {
    const privileged = capable(who, CAP.SYS_RESOURCE);
    if (this.root.queues.size >= MQ.queues_max && !privileged) fail('ENOSPC');
    const { maxMessages, maxSize } = attributes ?? {
      maxMessages: MQ.msg_default,
      maxSize: MQ.msgsize_default,
    };
    if (maxMessages <= 0 || maxSize <= 0) fail('EINVAL');
    if (maxMessages > (privileged ? HARD_MSGMAX : MQ.msg_max)) fail('EINVAL');
    if (maxSize > (privileged ? HARD_MSGSIZEMAX : MQ.msgsize_max)) fail('EINVAL');
    const overhead = maxMessages * MESSAGE_OVERHEAD + Math.min(maxMessages, MQ_PRIO_MAX) * PRIORITY_OVERHEAD;
    const bytes = overhead + maxMessages * maxSize;
    if (bytes > 0xffff_ffff) fail('EOVERFLOW');
    const charged = (this.#charged.get(who.fsuid) ?? 0) + bytes;
    if (charged > limit) fail('EMFILE');
    this.#charged.set(who.fsuid, charged);
    const queue = new QueueInode(this, name, mode, who, maxMessages, maxSize, bytes);
    this.root.queues.set(name, queue);
    return queue;
  }

  /** The last name and the last descriptor of a queue are gone. */
  free({ charged: { uid, bytes } }: QueueInode): void {
    this.#charged.set(uid, this.#charged.get(uid)! - bytes);
  }

  statfs(): FsStatistics {
    return noSpace(0x1980_0202);
  }
}
