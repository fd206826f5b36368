/** Moving bytes between files without the guest's memory: sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2)
 * (fs/splice.c, fs/read_write.c). */
import { PAGE_SIZE, READ } from '../../../emu/memory/layout.ts';
import { ERRNO, Errno, fail } from '../../abi/errno.ts';
import { MAX_NON_LFS, O_APPEND, RW_MAX, SEEK_CUR } from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { S_IFBLK, S_IFCHR, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import { type Field, s32, s64, u64big } from '../../abi/struct.ts';
import { iovec } from '../../abi/uio.ts';
import type { Task } from '../../kernel/task.ts';
import { identityOf } from '../../vfs/core/inode.ts';
import { type OpenFile, SeekableFile, WOULD_BLOCK } from '../../vfs/core/open-file.ts';
import { QueueFile } from '../../vfs/ipc/mqueue.ts';
import { PipeFile } from '../../vfs/ipc/pipe.ts';
import { Socket } from '../../vfs/net/socket.ts';
import { arrayIn, fd, flags, hex, int, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import {
  brokenPipe,
  checkSizeLimit,
  iovecs,
  largestOf,
  readerOf,
  withinSizeLimit,
  writerOf,
} from './read-write.ts';

const CHUNK = 1 << 16;
/** Bytes that are moved before the other tasks have their turn. */
const SLICE = 1 << 22;

/** One end of a transfer: gives and takes bytes, and moves its position by what was really moved. */
interface End {
  readonly file: OpenFile;
  /** Bytes to come next, up to the length of the buffer, without taking them; WOULD_BLOCK. */
  peek(into: Uint8Array): number;
  advance: (count: number) => void;
  /** As a file's write, as far as RLIMIT_FSIZE allows. */
  write(from: Uint8Array): number;
  /** Puts the offset back where it came from. EFAULT, though all has been moved. */
  finish(): void;
}

/** A file at its own offset. */
function ownEnd(t: Task, file: OpenFile): End {
  let written = 0;
  return {
    file,
    peek: (into) => file.pread(into, file.seek(0, SEEK_CUR)),
    advance(count) {
      // Writing has moved the offset already.
      if (written > 0) written -= count;
      else if (file instanceof SeekableFile) file.skip(count);
    },
    write(from) {
      const count = file.write(withinSizeLimit(t, file, from, 0));
      if (count > 0) written += count;
      return count;
    },
    finish() {},
  };
}

/**
 * A file at an offset: the one in guest memory, or (address 0) its own. ESPIPE for files without offsets that are given one,
 * EINVAL where so many bytes from there on reach beyond all offsets (rw_verify_area). `moved` says that an offset which has not
 * moved is not written back.
 */
function fileEnd(
  t: Task,
  file: OpenFile,
  address: number,
  type: Field<number>,
  count: number,
  moved = false,
): End {
  if (address === 0) return ownEnd(t, file);
  const first = t.mm.get(type, address);
  if (!file.hasOffsets) fail('ESPIPE');
  if (first < 0 || (count > 0 && count >= 2 ** 63 - first)) fail('EINVAL');
  let done = 0;
  // So far no file goes, and the host is not asked.
  const isBehind = file.inode.isRegular && first > Number.MAX_SAFE_INTEGER;
  return {
    file,
    peek: (into) => (isBehind ? 0 : file.pread(into, first + done)),
    advance(count) {
      // A device without a position has none to be moved.
      if (file instanceof SeekableFile) done += count;
    },
    write: (from) => file.pwrite(withinSizeLimit(t, file, from, 0, first + done), first + done),
    // What has not moved stays exact.
    finish: () => {
      if (done > 0) t.mm.put(type, address, first + done);
      else if (!moved) t.mm.writable(address, type.size);
    },
  };
}

/** A pipe, or whatever else is written to in order. */
function streamEnd(file: OpenFile): End {
  return {
    file,
    peek: (into) => {
      if (!(file instanceof PipeFile)) return fail('EINVAL');
      if (file.pipe.length === 0) return file.pipe.writers === 0 ? 0 : WOULD_BLOCK;
      return file.pipe.peek(into);
    },
    advance(count) {
      if (file instanceof PipeFile && file.readable) file.pipe.skip(count);
    },
    write: (from) => {
      // What fits: a transfer need not be atomic.
      if (file instanceof PipeFile && file.pipe.readers > 0) return file.pipe.write(from) || WOULD_BLOCK;
      return isObject(file) ? fail('EINVAL') : file.write(from);
    },
    finish() {},
  };
}

/** A transfer on its way, which is done in slices: the others run between them, and a signal ends it. */
class Transfer implements Disposable {
  readonly #from: End;
  readonly #to: End;
  readonly #length: number;
  readonly #buffer: Uint8Array;
  #done = 0;

  constructor(from: End, to: End, length: number) {
    this.#from = from;
    this.#to = to;
    this.#length = length;
    this.#buffer = new Uint8Array(Math.min(length, CHUNK));
  }

  /** Moves what goes; waits only while nothing has been moved. */
  run(t: Task, nonblocking: boolean): number {
    const until = this.#done + SLICE;
    try {
      while (this.#done < this.#length) {
        if (this.#done >= until) {
          if (t.signalPending) break;
          if (t.callState !== this) for (const { file } of [this.#from, this.#to]) file.ref();
          t.callState = this;
          return t.sleep([], t.now());
        }
        const waits = this.#chunk();
        if (waits === undefined) break;
        if (waits === MOVED) continue;
        if (this.#done > 0) break;
        return nonblocking || waits.nonblocking ? WOULD_BLOCK : t.wait(waits.queue);
      }
    } catch (error) {
      if (error instanceof Errno && error.errno === ERRNO.EPIPE) brokenPipe(t, this.#to.file);
      if (this.#done === 0 || !(error instanceof Errno)) throw error;
    }
    try {
      this.#from.finish();
    } finally {
      this.#to.finish();
    }
    return this.#done;
  }

  /** Only what the call keeps between slices is disposed of. */
  [Symbol.dispose](): void {
    for (const { file } of [this.#from, this.#to]) file.release();
  }

  /** MOVED, the file that is to be waited for, or undefined at the end. */
  #chunk(): typeof MOVED | OpenFile | undefined {
    const [from, to] = [this.#from, this.#to];
    const most = Math.min(this.#buffer.length, this.#length - this.#done);
    const got = from.peek(this.#buffer.subarray(0, most));
    if (got === 0) return undefined;
    if (got === WOULD_BLOCK) return from.file;
    const put = to.write(this.#buffer.subarray(0, got));
    if (put === WOULD_BLOCK) return to.file;
    from.advance(put);
    to.advance(put);
    this.#done += put;
    return put === 0 ? undefined : MOVED;
  }
}
const MOVED = Symbol('moved');

const transfer = (t: Task, from: End, to: End, length: number, nonblocking: boolean): number =>
  new Transfer(from, to, length).run(t, nonblocking);

/** A call that may be a transfer's next slice. */
const inSlices =
  <A extends readonly unknown[]>(handler: (t: Task, ...args: A) => number) =>
  (t: Task, ...args: A): number =>
    t.callState instanceof Transfer ? t.callState.run(t, false) : handler(t, ...args);

/** The offset is written back whatever comes of it; that it cannot be is worse than any other error. */
function sendfile(
  t: Task,
  outFd: number,
  inFd: number,
  address: number,
  count: number,
  type: Field<number>,
): number {
  if (address !== 0) t.mm.get(type, address);
  try {
    return sendTo(t, outFd, inFd, address, count, type);
  } catch (error) {
    if (address !== 0 && error instanceof Errno) t.mm.writable(address, type.size);
    throw error;
  }
}

function sendTo(
  t: Task,
  outFd: number,
  inFd: number,
  address: number,
  count: number,
  type: Field<number>,
): number {
  const from = readerOf(t, inFd);
  const source = fileEnd(t, from, address, type, count);
  const to = writerOf(t, outFd);
  if (address !== 0 && isLast(t, type, address)) fail('EOVERFLOW');
  const full = to instanceof PipeFile ? waitForSpace(t, to, to.nonblocking) : undefined;
  if (full !== undefined) return full;
  if (to.flags & O_APPEND && !(to instanceof PipeFile)) fail('EINVAL');
  // Into a pipe goes whatever can be spliced; to others, what has a place for each byte (splice_direct_to_actor).
  if (to instanceof PipeFile && from instanceof Socket)
    return spliceStream(t, from, to, count, to.nonblocking);
  const kind = from.inode.mode & S_IFMT;
  const fits = kind === S_IFREG || kind === S_IFBLK || (kind === S_IFCHR && to instanceof PipeFile);
  if (!fits || from.isEmpty) fail('EINVAL');
  const length = Math.min(count, RW_MAX);
  // Who sends a file to itself moves its one offset once.
  if (to === from && address === 0) source.advance = () => {};
  const end = to.inode.isRegular ? fileEnd(t, to, 0, type, count) : streamEnd(to);
  return transfer(t, source, end, length, false);
}

/** An offset that no file goes to: the last one there is (MAX_LFS_FILESIZE). */
const isLast = (t: Task, type: Field<number>, address: number) =>
  type === s32 ? t.mm.get(s32, address) === MAX_NON_LFS : t.mm.get(u64big, address) === 2n ** 63n - 1n;

/** An eventfd and its like, which are of no type: nothing is spliced from or to them. */
const isObject = (file: OpenFile) => (file.inode.mode & S_IFMT) === 0;

const SPLICE_F_NONBLOCK = 2;
const SPLICE = { SPLICE_F_MOVE: 1, SPLICE_F_NONBLOCK, SPLICE_F_MORE: 4, SPLICE_F_GIFT: 8 };
const spliceFlags = flags(SPLICE);

function splice(
  t: Task,
  inFd: number,
  inOff: number,
  outFd: number,
  outOff: number,
  length: number,
  flags: number,
): number {
  if (length === 0) return 0;
  if (flags & ~15) fail('EINVAL');
  const from = t.files.get(inFd);
  const to = t.files.get(outFd);
  const fromPipe = from instanceof PipeFile;
  const toPipe = to instanceof PipeFile;
  if ((fromPipe && inOff !== 0) || (toPipe && outOff !== 0)) fail('ESPIPE');
  for (const at of [outOff, inOff]) if (at !== 0) t.mm.get(s64, at);
  if (!from.readable || !to.writable) fail('EBADF');
  if (!fromPipe && !toPipe) fail('EINVAL');
  if ((inOff !== 0 && !from.hasOffsets) || (outOff !== 0 && !to.hasOffsets)) fail('EINVAL');
  if (fromPipe && toPipe && from.pipe === to.pipe) fail('EINVAL');
  if (to.flags & O_APPEND && !toPipe) fail('EINVAL');
  const nonblocking = (flags & SPLICE_F_NONBLOCK) !== 0;
  const full = toPipe && !fromPipe ? waitForSpace(t, to, nonblocking) : undefined;
  if (full !== undefined) return full;
  // From /dev/null, directories and message queues nothing can be spliced (no splice_read).
  if (from.isEmpty || from.inode.isDirectory || from instanceof QueueFile) fail('EINVAL');
  if (isObject(from) || isObject(to)) fail('EINVAL');
  if (!fromPipe && from.pollable) return spliceStream(t, from, to as PipeFile, length, nonblocking);
  const source = fromPipe ? streamEnd(from) : fileEnd(t, from, inOff, s64, Math.min(length, CHUNK));
  const target = toPipe || to.pollable ? streamEnd(to) : fileEnd(t, to, outOff, s64, length);
  return transfer(t, source, target, Math.min(length, RW_MAX), nonblocking);
}

/** Whether there is room in a pipe is asked before there is anything to go there: undefined when there is. EPIPE. */
function waitForSpace(t: Task, to: PipeFile, nonblocking: boolean): number | undefined {
  if (to.pipe.readers === 0) {
    brokenPipe(t, to);
    fail('EPIPE');
  }
  if (to.pipe.freeSlots > 0) return undefined;
  return nonblocking || to.nonblocking ? WOULD_BLOCK : t.wait(to.queue);
}

/** From a socket or terminal into a pipe with room: what is read cannot be put back, so no more is read than there is room. */
function spliceStream(t: Task, from: OpenFile, to: PipeFile, length: number, nonblocking: boolean): number {
  // Nothing is nothing of anything (do_splice_read).
  if (length === 0) return 0;
  const buffer = new Uint8Array(Math.min(length, to.pipe.freeSlots * PAGE_SIZE, CHUNK));
  const count = from.read(buffer);
  if (count === WOULD_BLOCK) return nonblocking || from.nonblocking ? WOULD_BLOCK : t.wait(from.queue);
  return to.pipe.write(buffer.subarray(0, count));
}

function tee(t: Task, inFd: number, outFd: number, length: number, flags: number): number {
  if (flags & ~15) fail('EINVAL');
  if (length === 0) return 0;
  const from = readerOf(t, inFd);
  const to = writerOf(t, outFd);
  if (!(from instanceof PipeFile) || !(to instanceof PipeFile) || from.pipe === to.pipe)
    return fail('EINVAL');
  // Either end that is O_NONBLOCK does for both.
  const nonblocking = (flags & SPLICE_F_NONBLOCK) !== 0 || from.nonblocking || to.nonblocking;
  const wait = (file: OpenFile) => (nonblocking ? WOULD_BLOCK : t.wait(file.queue));
  if (to.pipe.readers === 0) {
    brokenPipe(t, to);
    fail('EPIPE');
  }
  if (from.pipe.length === 0) return from.pipe.writers === 0 && !nonblocking ? 0 : wait(from);
  if (to.pipe.freeSlots <= 0) return wait(to);
  // Page by page, as many as there is room for (link_pipe).
  let done = 0;
  for (const bytes of from.pipe.pageLengths()) {
    const buffer = new Uint8Array(Math.min(bytes, length - done));
    from.pipe.peek(buffer, done);
    if (buffer.length === 0 || !to.pipe.attach(buffer)) break;
    done += buffer.length;
  }
  return done;
}

/**
 * Puts pages of memory into a pipe, or takes bytes out into memory: what goes at once, or waits while nothing goes at all.
 * O_NONBLOCK is not asked.
 */
function vmsplice(t: Task, fd: number, vector: number, count: number, flags: number): number {
  if (flags & ~15) fail('EINVAL');
  const file = t.files.get(fd);
  const list = iovecs(t, vector, count);
  if (list.length === 0) return 0;
  if (!(file instanceof PipeFile)) return fail('EBADF');
  const { pipe } = file;
  const wait = () => (flags & SPLICE_F_NONBLOCK ? WOULD_BLOCK : t.wait(file.queue));
  let done = 0;
  if (!file.writable) {
    if (pipe.length === 0) return pipe.writers === 0 ? 0 : wait();
    for (const { base, length } of list) {
      const got = pipe.read(t.mm.writable(base, Math.min(length, pipe.length)));
      done += got;
      if (got < length) break;
    }
    return done;
  }
  if (pipe.readers === 0) {
    brokenPipe(t, file);
    fail('EPIPE');
  }
  if (pipe.freeSlots <= 0) return wait();
  for (const { base, length } of list) {
    for (let at = base; at < base + length; ) {
      const next = Math.min(at - (at % PAGE_SIZE) + PAGE_SIZE, base + length);
      if (!t.mm.space.check(at, next - at, READ)) return done || fail('EFAULT');
      if (!pipe.attach(t.mm.space.bytes(at, next - at))) return done;
      done += next - at;
      at = next;
    }
  }
  return done;
}

function copyFileRange(
  t: Task,
  inFd: number,
  inOff: number,
  outFd: number,
  outOff: number,
  length: number,
  flags: number,
): number {
  const from = t.files.get(inFd);
  const to = t.files.get(outFd);
  const position = (file: OpenFile, at: number) => (at === 0 ? file.seek(0, SEEK_CUR) : t.mm.get(s64, at));
  for (const at of [inOff, outOff]) if (at !== 0) t.mm.get(s64, at);
  if (flags !== 0) fail('EINVAL');
  if (from.inode.isDirectory || to.inode.isDirectory) fail('EISDIR');
  if (!from.inode.isRegular || !to.inode.isRegular) fail('EINVAL');
  if (!from.readable || !to.writable || to.flags & O_APPEND) fail('EBADF');
  const source = from.stat();
  if (source.dev !== to.stat().dev) fail('EXDEV');
  // Of what goes beyond the limits nothing is tried (generic_copy_file_checks, which adds without a sign).
  const [first, start] = [position(from, inOff), position(to, outOff)];
  for (const at of [first, start]) if (at < 0 && at + length >= 0) fail('EOVERFLOW');
  const left = Math.min(length, Math.max(0, source.size - first));
  const limit = t.process.limits[RLIMIT.RLIMIT_FSIZE]!.cur;
  if (start >= limit) checkSizeLimit(t, start + 1);
  const most = largestOf(to);
  if (start >= most) fail('EFBIG');
  const count = Math.min(left, limit - start, most - start);
  const isSame = identityOf(from.inode) === identityOf(to.inode);
  if (isSame && start + count > first && start < first + count) fail('EINVAL');
  const [give, take] = [fileEnd(t, from, inOff, s64, count, true), fileEnd(t, to, outOff, s64, count, true)];
  return count === 0 ? 0 : transfer(t, give, take, Math.min(count, RW_MAX), false);
}

/** sendfile with an offset of that type. */
const sendfileBy = (type: Field<number>) =>
  inSlices((t, out: number, from: number, offset: number, count: number) =>
    sendfile(t, out, from, offset, count, type),
  );

export const spliceCalls: readonly Call[] = [
  call(187, 'sendfile', [fd, fd, ptr, size], sendfileBy(s32)),
  call(239, 'sendfile64', [fd, fd, ptr, size], sendfileBy(s64)),
  call(340, 'splice', [fd, ptr, fd, ptr, size, spliceFlags], inSlices(splice)),
  call(342, 'tee', [fd, fd, size, spliceFlags], tee),
  call(343, 'vmsplice', [fd, arrayIn(iovec, 2), int, spliceFlags], vmsplice),
  call(391, 'copy_file_range', [fd, ptr, fd, ptr, size, hex], inSlices(copyFileRange)),
];
