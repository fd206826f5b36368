/**
 * Pipes and FIFOs (pipe(7)), wholly inside this process. A write of at most PIPE_BUF bytes is atomic; larger ones take what there
 * is room for. Both ends share one wait queue: it is woken when bytes come, when room comes and when the last end of a side
 * closes.
 */
import { fail } from '../../abi/errno.ts';
import { accessOf, O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from '../../abi/fcntl.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { S_IFIFO } from '../../abi/stat.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import type { Creds } from '../core/creds.ts';
import type { Inode } from '../core/inode.ts';
import { type IoctlContext, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { WaitQueue } from '../core/wait-queue.ts';

const PAGE_SIZE = 4096;
const CAPACITY = 65536;
/** /proc/sys/fs/pipe-max-size. */
export const PIPE_MAX = 1 << 20;
/** What holds the pages of a larger one is too large for kmalloc: 24 bytes for each, 4 MiB in all. */
export const PIPE_MOST = 1 << 29;

/** A page of a pipe, of which some bytes are used. */
interface Slot {
  /** Where the bytes that are left begin, and how many they are. */
  offset: number;
  length: number;
  /** Later bytes may join it. */
  readonly grows: boolean;
}

const READABLE = POLLIN | POLLRDNORM;
const WRITABLE = POLLOUT | POLLWRNORM;

/**
 * A ring of bytes. What there is room for is counted in pages, as Linux does (fs/pipe.c): each takes the bytes of one write or
 * more, and is free again when all its bytes have been read.
 */
export class Pipe {
  readonly queue = new WaitQueue();
  /** Woken by each write, and by each read: for O_ASYNC. */
  readonly written = new WaitQueue();
  readonly taken = new WaitQueue();
  readers = 0;
  writers = 0;
  /** Opens of each side ever, which a FIFO's blocking open waits for. */
  readerCount = 0;
  writerCount = 0;
  #ring: Uint8Array = new Uint8Array(0);
  #capacity = CAPACITY;
  #start = 0;
  readonly #slots: Slot[] = [];
  length = 0;

  get capacity(): number {
    return this.#capacity;
  }
  /** Pages that are free. */
  get freeSlots(): number {
    return this.#capacity / PAGE_SIZE - this.#slots.length;
  }

  /** F_SETPIPE_SZ: a power of two of at least a page; EBUSY when more is in it. */
  resize(bytes: number): number {
    let capacity = PAGE_SIZE;
    while (capacity < bytes) capacity *= 2;
    if (capacity / PAGE_SIZE < this.#slots.length) fail('EBUSY');
    if (capacity < this.#ring.length) this.#grow(capacity);
    this.#capacity = capacity;
    this.queue.wakeAll();
    return capacity;
  }

  #grow(size: number): void {
    const ring = new Uint8Array(size);
    const length = this.peek(ring);
    this.#ring = ring;
    this.#start = 0;
    this.length = length;
  }

  /** Copies what is in it from `skip` bytes on, oldest first, without taking it out. */
  peek(into: Uint8Array, skip = 0): number {
    const count = Math.min(into.length, this.length - skip);
    if (count <= 0) return 0;
    const start = (this.#start + skip) % this.#ring.length;
    const first = Math.min(count, this.#ring.length - start);
    into.set(this.#ring.subarray(start, start + first));
    if (count > first) into.set(this.#ring.subarray(0, count - first), first);
    return count;
  }

  read(into: Uint8Array): number {
    const count = this.peek(into);
    this.skip(count);
    return count;
  }

  /** Takes bytes out without looking. Writers are woken when the pipe was full and a page has become free. */
  skip(count: number): void {
    if (count === 0) return;
    const wasFull = this.freeSlots <= 0;
    this.length -= count;
    this.#start = this.length === 0 ? 0 : (this.#start + count) % this.#ring.length;
    let left = count;
    while (left > 0) {
      const slot = this.#slots[0]!;
      const part = Math.min(left, slot.length);
      slot.offset += part;
      slot.length -= part;
      left -= part;
      if (slot.length === 0) this.#slots.shift();
    }
    if (wasFull && this.freeSlots > 0) this.queue.wakeAll(WRITABLE);
    this.taken.wakeAll(WRITABLE);
  }

  /** Whether the bytes that do not fill a page can join the last one (can_merge). */
  #joins(count: number): boolean {
    const last = this.#slots.at(-1);
    return count > 0 && last !== undefined && last.grows && last.offset + last.length + count <= PAGE_SIZE;
  }

  /** Whether a write of at most PIPE_BUF bytes goes in whole. */
  fits(bytes: number): boolean {
    return this.freeSlots > 0 || this.#joins(bytes % PAGE_SIZE);
  }

  /** Puts in what there is room for. */
  write(from: Uint8Array): number {
    const odd = from.length % PAGE_SIZE;
    let count = 0;
    if (this.#joins(odd)) {
      this.#slots.at(-1)!.length += odd;
      count = odd;
    }
    while (count < from.length && this.freeSlots > 0) {
      const length = Math.min(PAGE_SIZE, from.length - count);
      this.#slots.push({ offset: 0, length, grows: true });
      count += length;
    }
    return this.#put(from.subarray(0, count));
  }

  /** Puts bytes in as a page of their own, as splicing does; false when there is none free. */
  attach(from: Uint8Array): boolean {
    if (this.freeSlots <= 0) return false;
    this.#slots.push({ offset: 0, length: from.length, grows: false });
    this.#put(from);
    return true;
  }

  /** The lengths of its pages, oldest first. */
  pageLengths(): number[] {
    return this.#slots.map(({ length }) => length);
  }

  #put(from: Uint8Array): number {
    const count = from.length;
    if (count === 0) return 0;
    // Small pipes stay small: most carry a line or two.
    if (this.length + count > this.#ring.length) {
      let size = Math.max(PAGE_SIZE, this.#ring.length);
      while (size < this.length + count) size *= 2;
      this.#grow(Math.min(size, this.#capacity));
    }
    const at = (this.#start + this.length) % this.#ring.length;
    const first = Math.min(count, this.#ring.length - at);
    this.#ring.set(from.subarray(0, first), at);
    if (count > first) this.#ring.set(from.subarray(first, count), 0);
    this.length += count;
    this.queue.wakeAll(READABLE);
    this.written.wakeAll(READABLE);
    return count;
  }
}

/** An end of a pipe, or both (a FIFO opened O_RDWR). */
export class PipeFile extends OpenFile {
  readonly pipe: Pipe;

  constructor(inode: Inode, flags: number, pipe: Pipe) {
    super(inode, flags, pipe.queue);
    this.pipe = pipe;
    if (this.readable) {
      pipe.readers++;
      pipe.readerCount++;
    }
    if (this.writable) {
      pipe.writers++;
      pipe.writerCount++;
    }
    pipe.queue.wakeAll();
  }

  protected override close(): void {
    const { pipe } = this;
    if (this.readable) pipe.readers--;
    if (this.writable) pipe.writers--;
    pipe.queue.wakeAll();
    if (pipe.readers === 0 || pipe.writers === 0) {
      pipe.written.wakeAll();
      pipe.taken.wakeAll();
    }
  }
  override get asynchronous(): boolean {
    return true;
  }
  override get asyncQueue(): WaitQueue {
    return this.readable ? this.pipe.written : this.pipe.taken;
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.pipe.length > 0) return this.pipe.read(into);
    return this.pipe.writers === 0 ? 0 : WOULD_BLOCK;
  }

  override write(from: Uint8Array): number {
    if (from.length === 0) return 0;
    if (this.pipe.readers === 0) fail('EPIPE');
    if (from.length <= PIPE_BUF && !this.pipe.fits(from.length)) return WOULD_BLOCK;
    return this.pipe.write(from) || WOULD_BLOCK;
  }

  override poll(): number {
    const { pipe } = this;
    let events = 0;
    if (this.readable) {
      if (pipe.length > 0) events |= READABLE;
      if (pipe.writers === 0 && pipe.writerCount > 0) events |= POLLHUP;
    }
    if (this.writable) {
      if (pipe.freeSlots > 0) events |= WRITABLE;
      if (pipe.readers === 0) events |= POLLERR;
    }
    return events;
  }
  override get pollable(): boolean {
    return true;
  }

  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (request !== FIONREAD) return fail('ENOTTY');
    context.write(argument, 4).setInt32(0, this.pipe.length, true);
    return 0;
  }
}

/** The inode of pipe(2): opened again through /proc/PID/fd it gives another end of the same pipe. */
class PipeInode extends AnonymousInode {
  readonly pipe = new Pipe();
  constructor(vfs: Vfs) {
    super(vfs.nameless.pipes, 'pipe:[N]', S_IFIFO | 0o600);
  }
  override open(flags: number): OpenFile {
    return new PipeFile(this, flags, this.pipe);
  }
}

/** pipe2: the reading and the writing end. */
export function createPipe(vfs: Vfs, flags: number, maker: Creds): [OpenFile, OpenFile] {
  const inode = new PipeInode(vfs);
  inode.belongsTo(maker);
  return [
    new PipeFile(inode, O_RDONLY | flags, inode.pipe),
    new PipeFile(inode, O_WRONLY | flags, inode.pipe),
  ];
}

/** Opens a FIFO; ENXIO when writing without waiting and nobody reads. Its `opening` says whether open(2) has to wait. */
export function openFifo(inode: Inode, identity: string, flags: number): OpenFile {
  if (accessOf(flags) === 0) fail('EINVAL');
  const { fifos } = inode.fs.vfs;
  let pipe = fifos.get(identity);
  const writing = (flags & O_ACCMODE) === O_WRONLY;
  if (writing && flags & O_NONBLOCK && (pipe === undefined || pipe.readers === 0)) fail('ENXIO');
  if (pipe === undefined) fifos.set(identity, (pipe = new Pipe()));
  return new FifoFile(inode, flags, pipe, identity);
}

class FifoFile extends PipeFile {
  readonly #identity: string;
  /** The open waits while the other side was never open since (see opening). */
  readonly #othersBefore: number;

  constructor(inode: Inode, flags: number, pipe: Pipe, identity: string) {
    super(inode, flags, pipe);
    this.#identity = identity;
    this.#othersBefore = this.readable ? pipe.writerCount : pipe.readerCount;
  }

  /**
   * Whether open(2) has still to wait for the other side (fifo(7)). Not so for the pipe of pipe(2), opened again through
   * /proc/PID/fd, whose other side may be closed for good.
   */
  override get opening(): boolean {
    if (this.nonblocking || (this.readable && this.writable)) return false;
    const { pipe } = this;
    return this.readable
      ? pipe.writers === 0 && pipe.writerCount === this.#othersBefore
      : pipe.readers === 0 && pipe.readerCount === this.#othersBefore;
  }

  protected override close(): void {
    super.close();
    if (this.pipe.readers === 0 && this.pipe.writers === 0) this.vfs.fifos.delete(this.#identity);
  }
}
