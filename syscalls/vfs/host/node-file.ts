import type { PageSource } from '../../../emu/memory/address-space.ts';
import { flushShared, forgetShared } from '../../../emu/memory/shared.ts';
import { fail } from '../../abi/errno.ts';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
  O_APPEND,
  O_WRONLY,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../abi/fcntl.ts';
import type { Attributes } from '../../abi/stat.ts';
import { nanosecondsOf, secondsOf } from '../../abi/time.ts';
import { type FileIdentity, FilePages, MappableFile } from '../core/file-pages.ts';
import type { AttributeChange } from '../core/inode.ts';
import type { OutsideLocks } from '../core/locks.ts';
import { host, rethrow } from './error.ts';
import { allocate, seek, syncFileRange } from './ffi/files.ts';
import { hostFlags, isPlainRead } from './flags.ts';
import { HostLocks } from './host-locks.ts';
import { hasSameContent, type KnownContent } from './kept-descriptors.ts';
import type { NodeApi } from './node-fs.ts';
import type { NodeInode } from './node-inode.ts';

/** The host's clock of file times goes in steps of 10 ms at the most, those of some file systems in seconds. */
const SETTLED_MS = 2000;

/** Opens a file for a change that needs a descriptor (truncate), and closes it again. */
export function openForChange(inode: NodeInode, change: (fd: number) => void): void {
  if (inode.isDirectory) fail('EISDIR');
  const { api } = inode.fs;
  const fd = inode.fs.open(inode, hostFlags(O_WRONLY));
  try {
    change(fd);
  } finally {
    api.closeSync(fd);
  }
}

export class NodeFile extends MappableFile {
  declare readonly inode: NodeInode;
  readonly fd: number;
  readonly #api: NodeApi;
  readonly #sharedPages: ReadonlyMap<string, FilePages>;
  /** The host appends through `fd`, atomically, as the file was opened so. */
  readonly #hostAppends: boolean;
  /** Then this one, when it was needed, writes where it is told. */
  #positional = -1;
  /** The identity that was told last, and of what. */
  #known: KnownContent | undefined;

  /** @param known as of a moment ago */
  constructor(inode: NodeInode, flags: number, fd: number, known?: KnownContent) {
    super(inode, flags);
    this.fd = fd;
    this.#api = inode.fs.api;
    this.#sharedPages = inode.fs.vfs.sharedPages;
    this.#hostAppends = (flags & O_APPEND) !== 0;
    this.#known = known;
    inode.opened(fd);
  }

  protected override close(): void {
    this.inode.closed(this.fd);
    const { fs } = this.inode;
    if (!this.#isKept()) fs.closeFd(this.fd);
    if (this.#positional !== -1) fs.closeFd(this.#positional);
  }

  /** Whether the descriptor stays open for the next. */
  #isKept(): boolean {
    const { fd, inode, flags } = this;
    const known = this.#known;
    if (known === undefined || inode.deleted || !isPlainRead(flags)) return false;
    return inode.fs.kept.give({ fd, known, directory: inode.parent, name: inode.name });
  }

  override get mapped(): FilePages | undefined {
    const shared = this.#sharedPages;
    return shared.size === 0 ? undefined : shared.get(this.inode.identity);
  }

  override readAt(into: Uint8Array, offset: number): number {
    if (into.length === 0) return 0;
    try {
      return this.#api.readSync(this.fd, into, 0, into.length, offset);
    } catch (error) {
      return rethrow(error);
    }
  }

  override writeAt(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    let { fd } = this;
    if (this.#hostAppends) {
      if (this.#positional === -1) this.#positional = this.inode.reopen(fd, this.flags & ~O_APPEND);
      fd = this.#positional;
    }
    try {
      return this.#api.writeSync(fd, from, 0, from.length, offset);
    } catch (error) {
      return rethrow(error);
    }
  }

  protected override append(from: Uint8Array): number {
    if (!this.#hostAppends || from.length === 0) return super.append(from);
    return host(() => this.#api.writeSync(this.fd, from, 0, from.length));
  }

  override write(from: Uint8Array): number {
    const count = super.write(from);
    // Another process of the host may have appended between the look at the size and the write.
    if (this.#hostAppends && this.flags & O_APPEND && count > 0) this.offset = this.size();
    return count;
  }

  override size(): number {
    return host(() => this.#api.fstatSync(this.fd).size);
  }

  override stat(): Attributes {
    const { inode } = this;
    return inode.attributes(inode.fs.fstat(this.fd));
  }

  override setattr(change: AttributeChange): void {
    this.inode.setOpen(this.fd, change);
  }

  override seek(offset: number, whence: number): number {
    if (whence === SEEK_DATA || whence === SEEK_HOLE) {
      const { calls } = this.inode.fs;
      if (calls !== undefined) {
        const { mapped } = this;
        if (mapped) flushShared(mapped);
        return (this.offset = seek(calls, this.fd, offset, whence));
      }
      // A file without knowledge of holes is all data, with one hole at its end (lseek(2)).
      const size = this.size();
      if (offset < 0 || offset >= size) return fail('ENXIO');
      return (this.offset = whence === SEEK_DATA ? offset : size);
    }
    return super.seek(offset, whence);
  }

  override allocate(mode: number, offset: number, length: number): void {
    const { calls } = this.inode.fs;
    if (calls !== undefined) {
      const { mapped } = this;
      if (mapped) flushShared(mapped);
      allocate(calls, this.fd, mode, offset, length);
      // What is moved by FALLOC_FL_COLLAPSE_RANGE and _INSERT_RANGE is all that follows.
      if (mapped) forgetShared(mapped, offset);
      return;
    }
    const end = offset + length;
    const size = this.size();
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
      const keep = (mode & FALLOC_FL_KEEP_SIZE) !== 0;
      const zeros = new Uint8Array(Math.min(1 << 20, length));
      for (let at = offset; at < Math.min(end, size); at += zeros.length) {
        this.overwrite(zeros.subarray(0, Math.min(zeros.length, Math.min(end, size) - at)), at);
      }
      if (!keep && end > size) this.setattr({ size: end });
      return;
    }
    if ((mode & ~FALLOC_FL_KEEP_SIZE) !== 0) fail('EOPNOTSUPP');
    // The host's blocks cannot be reserved through node:fs; the size, which the guest can see, is what it asked for.
    if ((mode & FALLOC_FL_KEEP_SIZE) === 0 && end > size) this.setattr({ size: end });
  }

  override outsideLocks(): OutsideLocks | undefined {
    const { calls } = this.inode.fs;
    return calls === undefined ? undefined : HostLocks.of(calls, this.fd);
  }

  override sync(dataOnly: boolean): void {
    if (this.mapped) flushShared(this.mapped);
    host(() => (dataOnly ? this.#api.fdatasyncSync(this.fd) : this.#api.fsyncSync(this.fd)));
  }

  override syncRange(offset: number, length: number, flags: number): void {
    const { calls } = this.inode.fs;
    if (this.mapped) flushShared(this.mapped, offset, length === 0 ? undefined : offset + length);
    if (calls === undefined) super.syncRange(offset, length, flags);
    else syncFileRange(calls, this.fd, offset, length, flags);
  }

  override pageSource(shared: boolean, justOpened = false): PageSource {
    if (!shared) {
      const known = justOpened && this.mapped === undefined ? this.#known : undefined;
      return new FilePages(this, known?.identity ?? this.identity());
    }
    const { identity } = this.inode;
    const { sharedPages } = this.vfs;
    let pages = sharedPages.get(identity);
    if (!pages) {
      pages = new FilePages(this, null, true, () => sharedPages.delete(identity));
      sharedPages.set(identity, pages);
    }
    pages.useWritable(this);
    return pages;
  }

  /**
   * What is read, decoded and translated under the same identity may be used again. So files have none that somebody may be
   * writing to, through this description or a shared mapping, and those whose ctime is so young that a change might not show in
   * it.
   */
  override identity(): FileIdentity | null {
    if (!this.inode.fs.native || this.writable || this.mapped !== undefined) return null;
    const s = this.inode.fs.fstat(this.fd);
    this.inode.update(s);
    const known = this.#known;
    if (known !== undefined && hasSameContent(known.stats, s)) return known.identity;
    const changed = Math.floor(1000 * secondsOf(s.ctime));
    if (Date.now() - changed < SETTLED_MS) return null;
    const key = `${s.dev}:${s.ino}:${s.size}:${nanosecondsOf(s.mtime)}:${nanosecondsOf(s.ctime)}`;
    const identity = { key, size: s.size, changed };
    this.#known = { stats: s, identity };
    return identity;
  }
}
