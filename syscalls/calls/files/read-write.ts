/**
 * Reading and writing: read, write, their vector and positioned forms, and lseek (fs/read_write.c).
 *
 * Bytes go between files and guest memory directly. Guest memory is made accessible a piece at a time, so that a large buffer of
 * which little is used costs little.
 */

import { PAGE_SIZE, READ, USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { ERRNO, Errno, fail } from '../../abi/errno.ts';
import {
  MAX_NON_LFS,
  O_APPEND,
  O_LARGEFILE,
  RW_MAX,
  RWF_APPEND,
  RWF_DSYNC,
  RWF_HIPRI,
  RWF_NOWAIT,
  RWF_SYNC,
  SEEK_CUR,
} from '../../abi/fcntl.ts';
import { POLLHUP, POLLIN } from '../../abi/poll.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { SI, SIG } from '../../abi/signal.ts';
import { SOCK_STREAM } from '../../abi/socket.ts';
import { TMPFS_MAGIC } from '../../abi/stat.ts';
import { s64 as s64field } from '../../abi/struct.ts';
import { IOV_MAX, iovec } from '../../abi/uio.ts';
import { sendToTask } from '../../kernel/signals.ts';
import { BLOCKED, type Task } from '../../kernel/task.ts';
import { AnonymousFile } from '../../vfs/core/anonymous.ts';
import { MappableFile } from '../../vfs/core/file-pages.ts';
import type { Inode } from '../../vfs/core/inode.ts';
import { OpenFile, SeekableFile, WOULD_BLOCK } from '../../vfs/core/open-file.ts';
import { EventFile } from '../../vfs/events/eventfd.ts';
import { Socket } from '../../vfs/net/socket.ts';
import { arrayIn, bytesIn, bytesOut, fd, flags, int, oneOf, s64, size, structOut, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { WHENCE } from '../names.ts';

/** Most bytes made accessible and moved at once. */
const PIECE = 1 << 20;
/**
 * Vectors of up to this many bytes are moved at once through a buffer: one call of the host, atomic on pipes and whole for
 * datagrams.
 */
const GATHER = 1 << 16;

/** A piece of guest memory. */
export interface Iovec {
  readonly base: number;
  readonly length: number;
}

/** Whether a range could be a program's at all: asked before anything of it is looked at (access_ok). */
function checkRange(base: number, length: number): void {
  if (base + length > USER_END) fail('EFAULT');
}

/** struct iovec[count]; the sum of lengths is cut at RW_MAX. EINVAL for more than IOV_MAX or a negative length. */
export function iovecs(t: Task, address: number, count: number): Iovec[] {
  if (count < 0 || count > IOV_MAX) fail('EINVAL');
  const whole = t.mm.space.check(address, count * iovec.size, READ);
  const { view } = t.mm;
  const list: Iovec[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    // What is wrong with an entry is told before it is that there is no next one.
    if (!whole) t.mm.readable(address + i * iovec.size, iovec.size);
    const base = view.getUint32(address + 8 * i, true);
    const length = view.getInt32(address + 8 * i + 4, true);
    if (length < 0) fail('EINVAL');
    checkRange(base, length);
    const used = Math.min(length, RW_MAX - total);
    if (used > 0) list.push({ base, length: used });
    total += used;
  }
  return list;
}

/** Where a call reads to or writes from; asked for when its descriptor is known to be good. */
type Memory = (t: Task) => readonly Iovec[];

/** One buffer as a vector. A length that is negative as a number is beyond the address space. */
function single(base: number, length: number): Memory {
  return () => {
    checkRange(base, length);
    return [{ base, length: Math.min(length, RW_MAX) }];
  };
}
function several(address: number, count: number): Memory {
  return (t) => iovecs(t, address, count);
}

/** Moves bytes of one piece; `done` bytes were moved before in this call. Gives the count, or WOULD_BLOCK. */
type Move = (bytes: Uint8Array, done: number) => number;

const EMPTY = new Uint8Array(0);

/** The accessible part of guest memory from an address on. EFAULT when its first byte is not accessible. */
export function accessible(t: Task, { base, length }: Iovec, access: typeof READ | typeof WRITE): Uint8Array {
  const { space } = t.mm;
  if (space.check(base, length, access)) return space.bytes(base, length);
  let end = base;
  while (end < base + length) {
    const next = Math.min(end - (end % PAGE_SIZE) + PAGE_SIZE, base + length);
    if (!space.check(end, next - end, access)) break;
    end = next;
  }
  if (end === base) fail('EFAULT');
  return space.bytes(base, end - base);
}

/** As accessible, to be written to; of what is not, no byte. */
export function accessibleOrNone(t: Task, part: Iovec): Uint8Array {
  return part.length > 0 && t.mm.space.check(part.base, 1, WRITE) ? accessible(t, part, WRITE) : EMPTY;
}

/**
 * Reads until the vector is full, the file has no more for now, or an error comes, which is told only if nothing was read.
 * BLOCKED when there is nothing yet.
 * `start` is the offset read at, if not the file's own.
 */
function readVector(t: Task, file: OpenFile, vector: readonly Iovec[], move: Move, start?: number): number {
  // Of a vector nothing is nothing; a single buffer without room is the file's to judge.
  if (file.read === OpenFile.prototype.read) fail('EINVAL');
  if (vector.length === 0 || file.isEmpty) return 0;
  // As System V's: sockets do not look when nothing is asked for (sock_read_iter).
  if (vector[0]!.length === 0) {
    const count = file instanceof Socket ? 0 : move(EMPTY, 0);
    return count === WOULD_BLOCK && file instanceof AnonymousFile
      ? blockReading(t, file)
      : Math.max(count, 0);
  }
  // A file is read as far as there is memory, and not at all at its end.
  const isWhole = () => vector.every(({ base, length }) => t.mm.space.check(base, length, WRITE));
  if (vector.length > 1 && total(vector) <= GATHER && (file instanceof Socket || isWhole()))
    return scatter(t, file, vector, move);
  let done = 0;
  for (const { base, length } of vector) {
    for (let at = 0; at < length; ) {
      const asked = Math.min(length - at, PIECE);
      let count: number;
      try {
        count = readPart(t, file, { base: base + at, length: asked }, done, move, start);
      } catch (error) {
        if (done > 0 && error instanceof Errno) return done;
        throw error;
      }
      if (count === WOULD_BLOCK) {
        if (done > 0) return done;
        return blockReading(t, file);
      }
      done += count;
      at += count;
      if (count < asked) return done;
    }
  }
  return done;
}

/** Reads into a piece of memory. Gives the count, or WOULD_BLOCK. */
function readPart(
  t: Task,
  file: OpenFile,
  part: Iovec,
  done: number,
  move: Move,
  start: number | undefined,
): number {
  if (!(file instanceof AnonymousFile)) return move(readInto(t, file, part, done, move, start), done);
  const into = accessibleOrNone(t, part);
  if (into.length === part.length) return move(into, done);
  // What comes in pieces of its own is taken before there is looked where it goes.
  const bytes = new Uint8Array(Math.min(part.length, GATHER));
  const count = move(bytes, done);
  if (count > into.length) fail('EFAULT');
  if (count > 0) into.set(bytes.subarray(0, count));
  return count;
}

/** Where to read to. That there is no such memory is told last: when there is something to read. */
function readInto(
  t: Task,
  file: OpenFile,
  part: Iovec,
  done: number,
  move: Move,
  start: number | undefined,
): Uint8Array {
  try {
    return accessible(t, part, WRITE);
  } catch (error) {
    if (done > 0) throw error;
    // At the end of a file there is nothing to put anywhere.
    if (file.inode.isRegular) {
      if (file.pread(new Uint8Array(1), start ?? file.seek(0, SEEK_CUR)) !== 0) throw error;
      return EMPTY;
    }
    if (!file.pollable || file instanceof Socket) {
      if (move(EMPTY, 0) !== WOULD_BLOCK) throw error;
      return EMPTY;
    }
    if (file.poll() & (POLLIN | POLLHUP)) throw error;
    return new Uint8Array(Math.min(part.length, PAGE_SIZE));
  }
}

/** Nothing to read: EAGAIN for who may not wait or has waited long enough, else BLOCKED. */
function blockReading(t: Task, file: OpenFile): number {
  if (file.nonblocking) return WOULD_BLOCK;
  if (file.readTimeout === Infinity) return t.sleep(file.queue);
  const { deadline } = (t.callState ??= { deadline: t.now() + file.readTimeout }) as { deadline: number };
  return t.now() >= deadline ? file.timedOut : t.sleep(file.queue, deadline, 'EINTR');
}

function total(vector: readonly Iovec[]): number {
  let sum = 0;
  for (const { length } of vector) sum += length;
  return sum;
}

/** Reads a small vector at once and spreads the bytes over it. */
function scatter(t: Task, file: OpenFile, vector: readonly Iovec[], move: Move): number {
  if (!vector.every(({ base, length }) => t.mm.space.check(base, length, WRITE))) {
    // That there is no such memory is told when there is something to read.
    if (move(EMPTY, 0) === WOULD_BLOCK) return blockReading(t, file);
    fail('EFAULT');
  }
  const buffer = new Uint8Array(total(vector));
  const count = move(buffer, 0);
  if (count === WOULD_BLOCK) return blockReading(t, file);
  let at = 0;
  for (const { base, length } of vector) {
    if (at >= count) break;
    const part = Math.min(length, count - at);
    t.mm.space.bytes(base, part).set(buffer.subarray(at, at + part));
    at += part;
  }
  return count;
}

/** What a blocked write has done so far. */
interface WriteProgress {
  readonly done: number;
  readonly deadline: number;
}

/** Writes all of the vector, waiting for room when the file blocks. Raises SIGPIPE with EPIPE. */
function writeVector(t: Task, file: OpenFile, vector: readonly Iovec[], move: Move): number {
  try {
    if (file.write === OpenFile.prototype.write && !(file instanceof Socket)) fail('EINVAL');
    if (vector.length === 0) return 0;
    // What comes in pieces of its own has no write_iter: each buffer is a write (do_loop_readv_writev).
    const oneByOne = file instanceof AnonymousFile;
    file.checkWriting(oneByOne ? vector[0]!.length : total(vector));
    if (file.discards) return total(vector);
    if (vector[0]!.length === 0) return Math.max(move(EMPTY, 0), 0);
    // Most writes are of one buffer that is not large.
    if (vector.length === 1 && vector[0]!.length <= PIECE) {
      const [one] = vector as [Iovec];
      // A message is sent whole or not at all.
      const bytes = file instanceof Socket ? t.mm.readable(one.base, one.length) : accessible(t, one, READ);
      return writePieces(t, file, [bytes], move);
    }
    const whole = !oneByOne && vector.length > 1 && total(vector) <= GATHER ? gather(t, vector) : undefined;
    return whole ? writePieces(t, file, [whole], move) : writePieces(t, file, pieces(t, vector), move);
  } catch (error) {
    if (error instanceof Errno && error.errno === ERRNO.EPIPE) brokenPipe(t, file);
    throw error;
  }
}

/** SIGPIPE, for the thread that wrote; of sockets, only streams send it. */
export function brokenPipe(t: Task, file: OpenFile): void {
  if (file instanceof Socket && file.type !== SOCK_STREAM) return;
  sendToTask(t, { signo: SIG.SIGPIPE, code: SI.SI_USER, pid: t.process.pid, uid: t.creds.uid });
}

/** As large as the file gets by who has it open so. */
export const largestOf = ({ flags }: OpenFile) => (flags & O_LARGEFILE ? Infinity : MAX_NON_LFS);

/**
 * What may be written of `bytes` as RLIMIT_FSIZE and O_LARGEFILE allow, when `done` bytes of the call are written already; the
 * call began at an offset, by default the file's own. SIGXFSZ and EFBIG when the call can write nothing
 * (generic_write_check_limits).
 */
export function withinSizeLimit(
  t: Task,
  file: OpenFile,
  bytes: Uint8Array,
  done: number,
  offset?: number,
): Uint8Array {
  const limit = t.process.limits[RLIMIT.RLIMIT_FSIZE]!.cur;
  const most = largestOf(file);
  const end = Math.min(limit, most);
  if (end === Infinity || bytes.length === 0 || !(file instanceof SeekableFile) || !file.hasLargest)
    return bytes;
  // Who appends does so wherever he says.
  const at = file.flags & O_APPEND ? file.size() : offset === undefined ? file.offset : offset + done;
  if (at >= end && done > 0) return EMPTY;
  if (at >= limit) checkSizeLimit(t, at + 1);
  if (at >= most) fail('EFBIG');
  return bytes.subarray(0, end - at);
}

/** Whether anything can be written there is asked before memory is looked at. SIGXFSZ and EFBIG. */
function checkLargest(t: Task, file: OpenFile, vector: readonly Iovec[], offset?: number): void {
  if (total(vector) > 0) withinSizeLimit(t, file, ONE_BYTE, 0, offset);
}
const ONE_BYTE = new Uint8Array(1);

/** For calls that make a file larger: EFBIG, and SIGXFSZ, when RLIMIT_FSIZE is less (inode_newsize_ok). */
export function checkSizeLimit(t: Task, size: number, inode?: Inode): void {
  if (size <= t.process.limits[RLIMIT.RLIMIT_FSIZE]!.cur || (inode && size <= inode.stat().size)) return;
  sendToTask(t, { signo: SIG.SIGXFSZ, code: SI.SI_USER, pid: t.process.pid, uid: t.creds.uid });
  fail('EFBIG');
}

function gather(t: Task, vector: readonly Iovec[]): Uint8Array {
  const buffer = new Uint8Array(total(vector));
  let at = 0;
  for (const { base, length } of vector) {
    buffer.set(t.mm.readable(base, length), at);
    at += length;
  }
  return buffer;
}

function* pieces(t: Task, vector: readonly Iovec[]): Generator<Uint8Array> {
  for (const { base, length } of vector) {
    for (let at = 0; at < length; at += PIECE) {
      const asked = Math.min(length - at, PIECE);
      const bytes = accessible(t, { base: base + at, length: asked }, READ);
      yield bytes;
      if (bytes.length < asked) return;
    }
  }
}

function writePieces(t: Task, file: OpenFile, all: Iterable<Uint8Array>, move: Move): number {
  const before = (t.callState as WriteProgress | undefined)?.done ?? 0;
  let skip = before;
  let done = before;
  try {
    for (const piece of all) {
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      for (let at = skip; at < piece.length; ) {
        const count = move(at === 0 ? piece : piece.subarray(at), done);
        if (count === WOULD_BLOCK) {
          if (file.nonblocking || (done > 0 && t.signalPending)) return done > 0 ? done : WOULD_BLOCK;
          const deadline =
            (t.callState as WriteProgress | undefined)?.deadline ?? t.now() + file.writeTimeout;
          if (t.now() >= deadline) return done > 0 ? done : WOULD_BLOCK;
          t.callState = { done, deadline } satisfies WriteProgress;
          t.wait(file.queue, deadline, deadline === Infinity ? 'ERESTARTSYS' : 'EINTR');
        }
        done += count;
        at += count;
        // An eventfd takes one number, however much there is.
        if (count === 0 || (file instanceof AnonymousFile && at < piece.length)) return done;
      }
      skip = 0;
    }
  } catch (error) {
    if (done > 0 && error instanceof Errno && error.errno !== ERRNO.EPIPE) return done;
    throw error;
  }
  return done;
}

export function readerOf(t: Task, fd: number): OpenFile {
  const file = t.files.get(fd);
  return file.readable ? file : fail('EBADF');
}
export function writerOf(t: Task, fd: number): OpenFile {
  const file = t.files.get(fd);
  return file.writable ? file : fail('EBADF');
}

/** A file that has offsets; ESPIPE comes before whether it may be read or written. */
function seekable(t: Task, fd: number, offset: number): OpenFile {
  if (offset < 0) fail('EINVAL');
  const file = t.files.get(fd);
  return file.hasOffsets ? file : fail('ESPIPE');
}

function read(t: Task, fd: number, memory: Memory): number {
  const file = readerOf(t, fd);
  const vector = memory(t);
  const count = readVector(t, file, vector, (bytes) => file.read(bytes));
  return count === BLOCKED ? BLOCKED : t.kernel.vfs.accessed(file, count);
}
function write(t: Task, fd: number, memory: Memory): number {
  const file = writerOf(t, fd);
  const vector = memory(t);
  if (file instanceof Socket) {
    const creds = { pid: t.process.pid, uid: t.creds.euid, gid: t.creds.egid };
    return writeVector(t, file, vector, (bytes) => file.send(bytes, { flags: 0, creds }));
  }
  checkLargest(t, file, vector);
  return t.kernel.vfs.modified(
    file,
    writeVector(t, file, vector, (bytes, done) => file.write(withinSizeLimit(t, file, bytes, done))),
  );
}
function pread(t: Task, fd: number, memory: Memory, offset: number): number {
  const file = seekable(t, fd, offset);
  if (!file.readable) fail('EBADF');
  const vector = memory(t);
  const count = readVector(t, file, vector, (bytes, done) => file.pread(bytes, offset + done), offset);
  return count === BLOCKED ? BLOCKED : t.kernel.vfs.accessed(file, count);
}
function pwrite(t: Task, fd: number, memory: Memory, offset: number): number {
  const file = seekable(t, fd, offset);
  if (!file.writable) fail('EBADF');
  const vector = memory(t);
  checkLargest(t, file, vector, offset);
  return t.kernel.vfs.modified(
    file,
    writeVector(t, file, vector, (bytes, done) =>
      file.pwrite(withinSizeLimit(t, file, bytes, done, offset), offset + done),
    ),
  );
}

/** preadv and pwritev pass their offset as two words, low and high, in no aligned pair. */
function pair(low: number, high: number): number {
  return high * 2 ** 32 + (low >>> 0);
}

const RWF = { RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND };
const rwfFlags = flags(RWF);
const RWF_KNOWN = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND;

function lseek(t: Task, fd: number, offset: number, whence: number): number {
  const file = t.files.get(fd);
  if (whence < 0 || whence > 4) fail('EINVAL');
  return file.seek(offset, whence);
}

/** Directories and most objects of the kernel's are read and written piece by piece (do_loop_readv_writev). */
const iterates = (file: OpenFile, writes: boolean) =>
  !file.inode.isDirectory && (!(file instanceof AnonymousFile) || (!writes && file instanceof EventFile));

/** Flags are judged after the vector, unless that is of no length. Files of tmpfs know no RWF_NOWAIT. */
function withFlags(file: OpenFile, writes: boolean, memory: Memory, flags: number): Memory {
  if (!(writes ? file.writable : file.readable)) fail('EBADF');
  return (t) => {
    const vector = memory(t);
    const known = iterates(file, writes) ? RWF_KNOWN : RWF_HIPRI;
    if (vector.length > 0 && (flags & ~known || (flags & RWF_NOWAIT && isOnTmpfs(file)))) fail('EOPNOTSUPP');
    return vector;
  };
}
const isOnTmpfs = ({ inode }: OpenFile) => inode.isRegular && inode.fs.statfs(inode).type === TMPFS_MAGIC;

const vector = arrayIn(iovec, 2);

/**
 * A window on a buffer that is all there, for a regular file, which never blocks: what is done most. Undefined where there is
 * more to be thought of.
 */
function plain(
  t: Task,
  file: OpenFile,
  address: number,
  length: number,
  access: typeof READ | typeof WRITE,
): Uint8Array | undefined {
  if (length === 0 || length > PIECE || !(file instanceof MappableFile)) return undefined;
  return t.mm.space.check(address, length, access) ? t.mm.space.bytes(address, length) : undefined;
}

export const readWriteCalls: readonly Call[] = [
  call(3, 'read', [fd, bytesOut, size], (t, fd, address, length) => {
    const file = readerOf(t, fd);
    const into = plain(t, file, address, length, WRITE);
    if (into === undefined) return read(t, fd, single(address, length));
    return t.kernel.vfs.accessed(file, file.read(into));
  }),
  call(4, 'write', [fd, bytesIn(2), size], (t, fd, address, length) => {
    const file = writerOf(t, fd);
    const from = plain(t, file, address, length, READ);
    if (from === undefined) return write(t, fd, single(address, length));
    file.checkWriting(length);
    return t.kernel.vfs.modified(file, file.write(withinSizeLimit(t, file, from, 0)));
  }),
  call(145, 'readv', [fd, vector, int], (t, fd, v, count) => read(t, fd, several(v, count))),
  call(146, 'writev', [fd, vector, int], (t, fd, v, count) => write(t, fd, several(v, count))),
  call(180, 'pread64', [fd, bytesOut, size, s64], (t, fd, address, length, offset) => {
    const file = seekable(t, fd, offset);
    const into = file.readable ? plain(t, file, address, length, WRITE) : undefined;
    if (into === undefined) return pread(t, fd, single(address, length), offset);
    return t.kernel.vfs.accessed(file, file.pread(into, offset));
  }),
  call(181, 'pwrite64', [fd, bytesIn(2), size, s64], (t, fd, address, length, offset) =>
    pwrite(t, fd, single(address, length), offset),
  ),
  call(361, 'preadv', [fd, vector, int, uint, int], (t, fd, v, count, low, high) =>
    pread(t, fd, several(v, count), pair(low, high)),
  ),
  call(362, 'pwritev', [fd, vector, int, uint, int], (t, fd, v, count, low, high) =>
    pwrite(t, fd, several(v, count), pair(low, high)),
  ),
  call(392, 'preadv2', [fd, vector, int, uint, int, rwfFlags], (t, fd, v, count, low, high, flags) => {
    const offset = pair(low, high);
    const file = offset === -1 ? t.files.get(fd) : seekable(t, fd, offset);
    const memory = withFlags(file, false, several(v, count), flags);
    if (flags & RWF_NOWAIT && iterates(file, false) && file.pollable && !(file.poll() & 1))
      return WOULD_BLOCK;
    return offset === -1 ? read(t, fd, memory) : pread(t, fd, memory, offset);
  }),
  call(393, 'pwritev2', [fd, vector, int, uint, int, rwfFlags], (t, fd, v, count, low, high, flags) => {
    const offset = pair(low, high);
    const file = offset === -1 ? t.files.get(fd) : seekable(t, fd, offset);
    const list = withFlags(file, true, several(v, count), flags);
    if (flags & RWF_NOWAIT && iterates(file, true) && file.pollable && !(file.poll() & 4)) return WOULD_BLOCK;
    const end = flags & RWF_APPEND && !file.pollable ? file.stat().size : -1;
    let count2: number;
    if (end >= 0) count2 = pwrite(t, fd, list, end);
    else count2 = offset === -1 ? write(t, fd, list) : pwrite(t, fd, list, offset);
    // What has been written is, where there is something to be written to (generic_write_sync).
    if (count2 > 0 && file.inode.isRegular && flags & (RWF_DSYNC | RWF_SYNC))
      file.sync((flags & RWF_SYNC) === 0);
    return count2;
  }),
  call(19, 'lseek', [fd, int, oneOf(WHENCE)], (t, fd, offset, whence) => {
    const position = lseek(t, fd, offset, whence);
    return position > 0x7fff_ffff ? -ERRNO.EOVERFLOW : position;
  }),
  call(
    140,
    '_llseek',
    [fd, int, uint, structOut(s64field), oneOf(WHENCE)],
    (t, fd, high, low, out, whence) => {
      t.mm.put(s64field, out, lseek(t, fd, pair(low, high), whence));
      return 0;
    },
  ),
];
