/**
 * Pipes and FIFOs (pipe(7)), wholly inside this process. A write of at most PIPE_BUF bytes is atomic; larger ones take what there is room for.
 * Both ends share one wait queue: it is woken when bytes come, when room comes and when the last end of a side closes.
 */
import { fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from '../../abi/fcntl.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { S_IFIFO } from '../../abi/stat.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import type { Inode } from '../core/inode.ts';
import { type IoctlContext, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { WaitQueue } from '../core/wait-queue.ts';

const CAPACITY = 65536;
/** /proc/sys/fs/pipe-max-size. */
export const PIPE_MAX = 1 << 20;

/** A ring of bytes. */
export class Pipe {
  readonly queue = new WaitQueue();
  readers = 0;
  writers = 0;
  /** Opens of each side ever, which a FIFO's blocking open waits for. */
  readerCount = 0;
  writerCount = 0;
  #ring: Uint8Array = new Uint8Array(0);
  #capacity = CAPACITY;
  #start = 0;
  length = 0;

  get capacity(): number {
    return this.#capacity;
  }
  get room(): number {
    return this.#capacity - this.length;
  }

  /** F_SETPIPE_SZ: a power of two of at least a page; EBUSY when more is in it. */
  resize(bytes: number): number {
    let capacity = 4096;
    while (capacity < bytes) capacity *= 2;
    if (capacity < this.length) fail('EBUSY');
    this.#grow(capacity);
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

  /** Copies what is in it, oldest first, without taking it out. */
  peek(into: Uint8Array): number {
    const count = Math.min(into.length, this.length);
    const first = Math.min(count, this.#ring.length - this.#start);
    into.set(this.#ring.subarray(this.#start, this.#start + first));
    if (count > first) into.set(this.#ring.subarray(0, count - first), first);
    return count;
  }

  read(into: Uint8Array): number {
    const count = this.peek(into);
    this.skip(count);
    return count;
  }

  /** Takes bytes out without looking. */
  skip(count: number): void {
    if (count === 0) return;
    this.length -= count;
    this.#start = this.length === 0 ? 0 : (this.#start + count) % this.#ring.length;
    this.queue.wakeAll();
  }

  /** Puts in what there is room for. */
  write(from: Uint8Array): number {
    const count = Math.min(from.length, this.room);
    if (count === 0) return 0;
    // Small pipes stay small: most carry a line or two.
    if (this.length + count > this.#ring.length) {
      let size = Math.max(4096, this.#ring.length);
      while (size < this.length + count) size *= 2;
      this.#grow(Math.min(size, this.#capacity));
    }
    const at = (this.#start + this.length) % this.#ring.length;
    const first = Math.min(count, this.#ring.length - at);
    this.#ring.set(from.subarray(0, first), at);
    if (count > first) this.#ring.set(from.subarray(first, count), 0);
    this.length += count;
    this.queue.wakeAll();
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
    if (this.readable) this.pipe.readers--;
    if (this.writable) this.pipe.writers--;
    this.pipe.queue.wakeAll();
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.pipe.length > 0) return this.pipe.read(into);
    return this.pipe.writers === 0 ? 0 : WOULD_BLOCK;
  }

  override write(from: Uint8Array): number {
    if (from.length === 0) return 0;
    if (this.pipe.readers === 0) fail('EPIPE');
    const { room } = this.pipe;
    if (room === 0 || (from.length <= PIPE_BUF && room < from.length)) return WOULD_BLOCK;
    return this.pipe.write(from);
  }

  override poll(): number {
    const { pipe } = this;
    let events = 0;
    if (this.readable) {
      if (pipe.length > 0) events |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && pipe.writerCount > 0) events |= POLLHUP;
    }
    if (this.writable) {
      if (pipe.room >= PIPE_BUF) events |= POLLOUT | POLLWRNORM;
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
    super(vfs.anonymous, 'pipe:[N]', S_IFIFO | 0o600);
  }
  override open(flags: number): OpenFile {
    return new PipeFile(this, flags, this.pipe);
  }
}

/** pipe2: the reading and the writing end. */
export function createPipe(vfs: Vfs, flags: number): [OpenFile, OpenFile] {
  const inode = new PipeInode(vfs);
  return [
    new PipeFile(inode, O_RDONLY | flags, inode.pipe),
    new PipeFile(inode, O_WRONLY | flags, inode.pipe),
  ];
}

/** Opens a FIFO; ENXIO when writing without waiting and nobody reads. Its `opening` says whether open(2) has to wait. */
export function openFifo(inode: Inode, identity: string, flags: number): OpenFile {
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
   * Whether open(2) has still to wait for the other side (fifo(7)). Not so for the pipe of pipe(2), opened again through /proc/PID/fd, whose
   * other side may be closed for good.
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
