/**
 * Streams and files of the host that are handed to the guest: standard input, output and error (descriptors.ts), and devices of
 * the host. Terminals are in terminal.ts.
 *
 * Reading never blocks this process, in which other tasks may run: a pipe is opened a second time without O_NONBLOCK being shared
 * with other processes, and read until it has no more. Only when a task goes to sleep on the queue does a watcher of Node's event
 * loop begin to look; it takes one byte, which is kept for the next read, so that no more is taken from a shared input than the
 * guest asked for. Writing to a pipe is in output.ts; to others it is synchronous.
 */
import fs from 'node:fs';
import type net from 'node:net';
import type { PageSource } from '../../../emu/memory/address-space.ts';
import { Errno, fail } from '../../abi/errno.ts';
import { O_ACCMODE, O_APPEND, O_RDONLY, O_RDWR, O_WRONLY, SEEK_CUR } from '../../abi/fcntl.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { S_IFIFO, S_IFMT, S_IFSOCK } from '../../abi/stat.ts';
import { callback } from '../core/callback.ts';
import { FilePages, MappableFile } from '../core/file-pages.ts';
import type { Inode } from '../core/inode.ts';
import { type IoctlContext, OpenFile, WOULD_BLOCK } from '../core/open-file.ts';
import { WatchedQueue } from '../core/wait-queue.ts';
import { host, rethrow } from './error.ts';
import { hostCalls } from './ffi/call.ts';
import { seek } from './ffi/files.ts';
import { HostOutput } from './output.ts';

/** Milliseconds until a socket without room is tried again. */
const RETRY_MS = 10;

/** A pipe, socket, terminal or other character device of the host. */
export class HostStream extends OpenFile {
  readonly fd: number;
  readonly #owned: boolean;
  readonly #kind: number;
  /** Descriptor for reading that gives EAGAIN instead of waiting. */
  #input = -1;
  #watcher: net.Socket | undefined;
  #watching = false;
  /** The byte the watcher took. */
  #peeked = -1;
  #ended = false;
  /** A callback has failed: the next read does. */
  #failed = false;
  #output: HostOutput | undefined;
  /** The last write found no room. */
  #blocked = false;

  /** @param owned the descriptor is closed with the file */
  constructor(inode: Inode, flags: number, fd: number, owned: boolean) {
    super(inode, flags, new WatchedQueue());
    this.fd = fd;
    this.#owned = owned;
    this.#kind = fs.fstatSync(fd).mode & S_IFMT;
    (this.queue as WatchedQueue).onWaiting = () => this.#watch();
  }

  protected override close(): void {
    this.#stop();
    this.#output?.close();
    if (this.#input >= 0 && this.#input !== this.fd) fs.closeSync(this.#input);
    if (this.#owned) fs.closeSync(this.fd);
  }

  /** Other character devices (the host's /dev/null) never make one wait. */
  get #waits(): boolean {
    return this.#kind === S_IFIFO || this.#kind === S_IFSOCK;
  }

  /** A byte that the guest has not read yet and the host has no more; -1 for none. */
  get peeked(): number {
    return this.#peeked;
  }

  #open(): number {
    if (this.#input >= 0) return this.#input;
    this.#input = this.fd;
    if (this.#owned || !this.#waits) return this.fd;
    if (this.#kind !== S_IFSOCK) {
      try {
        const { O_RDONLY: read, O_NONBLOCK, O_NOCTTY } = fs.constants;
        this.#input = fs.openSync(`/proc/self/fd/${this.fd}`, read | O_NONBLOCK | O_NOCTTY);
        return this.#input;
      } catch {
        // No /proc, or not our terminal: the watcher makes the descriptor itself non-blocking.
      }
    }
    this.#makeWatcher();
    return this.#input;
  }

  #makeWatcher(): net.Socket {
    if (this.#watcher) return this.#watcher;
    const arrived = callback(this, (count: number, buffer: Uint8Array) => {
      this.#watching = false;
      if (count > 0) this.#peeked = buffer[0]!;
      this.queue.wakeAll();
    });
    const onread = {
      buffer: new Uint8Array(1),
      callback: (count: number, buffer: Uint8Array): boolean => {
        arrived(count, buffer);
        return false;
      },
    };
    // manualStart: Node's own streams use it to begin reading only on resume.
    const options = { fd: this.#input, readable: true, writable: false, manualStart: true, onread };
    const { Socket } = process.getBuiltinModule('node:net');
    const watcher = new Socket(options as net.SocketConstructorOpts);
    const end = callback(this, () => {
      this.#ended = true;
      this.#watching = false;
      this.queue.wakeAll();
    });
    watcher.on('end', end);
    watcher.on('close', end);
    watcher.on('error', end);
    this.#watcher = watcher;
    return watcher;
  }

  /** Somebody waits: look for input, or for room. */
  #watch(): void {
    if (this.#blocked) {
      setTimeout(() => {
        this.#blocked = false;
        this.queue.wakeAll();
      }, RETRY_MS);
      return;
    }
    if (!this.readable || this.#watching || this.#ended || !this.#waits) return;
    // Who waits has found nothing to read; a byte that came since has woken all.
    if (this.#peeked >= 0) return;
    this.#open();
    this.#watching = true;
    this.#makeWatcher().resume();
  }

  /** The byte that came may be lost. */
  hostFailed(): void {
    this.#failed = true;
    this.queue.wakeAll();
  }

  #stop(): void {
    this.#watcher?.removeAllListeners();
    this.#watcher?.on('error', () => {});
    if (this.#watcher && this.#input !== this.fd) {
      // The socket owns the second descriptor and closes it.
      this.#input = -1;
      this.#watcher.destroy();
    } else this.#watcher?.pause();
    this.#watcher = undefined;
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.#failed) {
      this.#failed = false;
      fail('EIO');
    }
    let count = 0;
    if (this.#peeked >= 0) {
      into[count++] = this.#peeked;
      this.#peeked = -1;
      if (into.length === 1 || !this.#waits) return count;
    }
    if (this.#ended) return count;
    this.vfs.passed.turned();
    try {
      const more = fs.readSync(this.#open(), into, count, into.length - count, null);
      return count + more;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        // An epoll waits all the time.
        if (!this.queue.empty) this.#watch();
        return count || WOULD_BLOCK;
      }
      // A terminal whose other end has gone.
      if (code === 'EIO' || code === 'EOF') return count;
      return rethrow(error);
    }
  }

  override write(from: Uint8Array): number {
    if (from.length === 0) return 0;
    if (this.#kind === S_IFIFO && !this.#owned) {
      this.#output ??= new HostOutput(this.fd, this.vfs, () => this.queue.wakeAll());
      return this.#output.write(from);
    }
    try {
      return fs.writeSync(this.fd, from, 0, from.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#blocked = true;
        return WOULD_BLOCK;
      }
      return rethrow(error);
    }
  }

  get #full(): boolean {
    return this.#blocked || (this.#output?.full ?? false);
  }

  override poll(): number {
    let events = this.writable && !this.#full ? POLLOUT | POLLWRNORM : 0;
    if (!this.readable) return events;
    if (this.#failed) return events | POLLERR | POLLIN | POLLRDNORM;
    if (this.#peeked < 0 && !this.#ended && this.#waits) {
      const byte = new Uint8Array(1);
      try {
        if (this.read(byte) === 1) this.#peeked = byte[0]!;
        else this.#ended = this.#peeked < 0 && this.#atEnd();
      } catch (error) {
        if (!(error instanceof Errno)) throw error;
      }
    }
    if (this.#peeked >= 0 || !this.#waits) events |= POLLIN | POLLRDNORM;
    if (this.#ended) events |= this.#kind === S_IFIFO ? POLLHUP : POLLIN | POLLRDNORM | POLLHUP;
    return events;
  }

  /** Whether reading now gives the end of the input rather than EAGAIN. */
  #atEnd(): boolean {
    try {
      const byte = new Uint8Array(1);
      if (fs.readSync(this.#open(), byte, 0, 1, null) === 0) return true;
      this.#peeked = byte[0]!;
    } catch {
      // EAGAIN: not at the end.
    }
    return false;
  }

  override get pollable(): boolean {
    return this.#waits;
  }

  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (request === FIONREAD && this.#waits) {
      this.poll();
      context.write(argument, 4).setInt32(0, this.#peeked >= 0 ? 1 : 0, true);
      return 0;
    }
    return fail('ENOTTY');
  }
}

/**
 * A regular file the host process was started with, whose offset other processes of the host may share: a shell, and what it
 * starts next. Reading and writing goes on at the shared offset.
 *
 * Where it cannot be moved (no node:ffi), what is read and written after a seek has an offset of its own; when the file is
 * closed, the shared offset is moved to where the guest has left off (if that is further on).
 */
export class InheritedFile extends MappableFile {
  readonly fd: number;
  #own: boolean;

  readonly #reopened: boolean;

  /** @param reopened the descriptor is one of our own for the same file, with an offset nobody shares */
  constructor(inode: Inode, flags: number, fd: number, reopened: boolean) {
    super(inode, flags);
    this.fd = fd;
    this.#reopened = reopened;
    this.#own = reopened;
  }

  protected override close(): void {
    try {
      if (this.#reopened) fs.closeSync(this.fd);
      else if (this.#own && !(this.flags & O_APPEND)) this.#settle();
    } catch {
      // The file has been made unreadable, or the disk is full: nobody is left to be told.
    }
  }

  #settle(): void {
    const buffer = new Uint8Array(65536);
    let at = descriptorInfo(this.fd).position;
    const { offset } = this;
    if (at >= offset) return;
    const reading = this.readable ? this.fd : fs.openSync(`/proc/self/fd/${this.fd}`, 'r');
    try {
      while (at < offset) {
        const part = Math.min(buffer.length, offset - at);
        const count = fs.readSync(reading, buffer, 0, part, this.readable ? null : at);
        if (count === 0) return;
        // Writing what is there moves the offset and changes nothing.
        if (!this.readable) fs.writeSync(this.fd, buffer, 0, count, null);
        at += count;
      }
    } finally {
      if (reading !== this.fd) fs.closeSync(reading);
    }
  }

  override read(into: Uint8Array): number {
    if (this.#own) return super.read(into);
    return into.length === 0 ? 0 : host(() => fs.readSync(this.fd, into, 0, into.length, null));
  }
  override write(from: Uint8Array): number {
    if (this.#own) return super.write(from);
    return from.length === 0 ? 0 : host(() => fs.writeSync(this.fd, from, 0, from.length, null));
  }
  override skip(count: number): void {
    if (this.#own) super.skip(count);
    else this.read(new Uint8Array(count));
  }
  override readAt(into: Uint8Array, offset: number): number {
    return into.length === 0 ? 0 : host(() => fs.readSync(this.fd, into, 0, into.length, offset));
  }
  override writeAt(from: Uint8Array, offset: number): number {
    return from.length === 0 ? 0 : host(() => fs.writeSync(this.fd, from, 0, from.length, offset));
  }
  override get mapped(): undefined {
    return undefined;
  }
  override size(): number {
    return host(() => fs.fstatSync(this.fd).size);
  }
  override seek(offset: number, whence: number): number {
    if (this.#own) return super.seek(offset, whence);
    this.offset = descriptorInfo(this.fd).position;
    if (whence === SEEK_CUR && offset === 0) return this.offset;
    const calls = hostCalls();
    if (calls !== undefined) return (this.offset = seek(calls, this.fd, offset, whence));
    this.#own = true;
    return super.seek(offset, whence);
  }
  override sync(dataOnly: boolean): void {
    host(() => (dataOnly ? fs.fdatasyncSync(this.fd) : fs.fsyncSync(this.fd)));
  }
  override pageSource(_shared: boolean): PageSource {
    return new FilePages(this, null);
  }
}

/** Offset and flags of one of this process's descriptors, from /proc; without it a guess. */
export function descriptorInfo(fd: number): { position: number; flags: number } {
  try {
    const text = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    const position = Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? 0);
    const bits = Number.parseInt(/^flags:\s*(\d+)/m.exec(text)?.[1] ?? '2', 8);
    const flags = (bits & O_ACCMODE) | (bits & fs.constants.O_APPEND ? O_APPEND : 0);
    return { position, flags };
  } catch {
    return { position: 0, flags: fd === 0 ? O_RDONLY : fd <= 2 ? O_WRONLY : O_RDWR };
  }
}
