/** Files that are only memory: memfd_create(2), with its seals. */
import type { PageSource } from '../../emu/memory/address-space.ts';
import { fail } from '../abi/errno.ts';
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  FALLOC_FL_ZERO_RANGE,
} from '../abi/fcntl.ts';
import { S_IFREG } from '../abi/stat.ts';
import { AnonymousInode } from './anonymous.ts';
import { FilePages } from './file-pages.ts';
import type { AttributeChange } from './inode.ts';
import { type OpenFile, SeekableFile } from './open-file.ts';

const ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

export class MemoryInode extends AnonymousInode {
  #bytes: Uint8Array = new Uint8Array(0);
  size = 0;
  seals: number;
  /** All shared mappings are of one object. */
  pages: FilePages | undefined;

  constructor(name: string, sealing: boolean) {
    super(`/memfd:${name}`, S_IFREG | 0o777);
    this.deleted = true;
    this.seals = sealing ? 0 : F_SEAL_SEAL;
  }

  addSeals(seals: number): void {
    if (seals & ~ALL_SEALS) fail('EINVAL');
    if (this.seals & F_SEAL_SEAL) fail('EPERM');
    if (seals & F_SEAL_WRITE && this.pages !== undefined) fail('EBUSY');
    this.seals |= seals;
  }

  override stat() {
    return { ...super.stat(), size: this.size, blocks: Math.ceil(this.#bytes.length / 512) };
  }

  override setattr(change: AttributeChange): void {
    const { size, ...rest } = change;
    if (size !== undefined) this.resize(size);
    super.setattr(rest);
  }

  resize(size: number): void {
    if (size > this.size && this.seals & F_SEAL_GROW) fail('EPERM');
    if (size < this.size && this.seals & F_SEAL_SHRINK) fail('EPERM');
    this.#reserve(size);
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.size = size;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    if (size > 0x7fff_ffff) fail('ENOSPC');
    const bytes = new Uint8Array(Math.max(size, Math.min(2 * this.#bytes.length, 0x7fff_ffff), 4096));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  read(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.size - offset));
    into.set(this.#bytes.subarray(offset, offset + count));
    return count;
  }

  write(from: Uint8Array, offset: number): number {
    if (this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) fail('EPERM');
    const end = offset + from.length;
    if (end > this.size) this.resize(end);
    this.#bytes.set(from, offset);
    return from.length;
  }

  override open(flags: number): OpenFile {
    return new MemoryFile(this, flags);
  }
}

export class MemoryFile extends SeekableFile {
  declare readonly inode: MemoryInode;

  constructor(inode: MemoryInode, flags: number) {
    super(inode, flags);
  }
  override pread(into: Uint8Array, offset: number): number {
    return this.inode.read(into, offset);
  }
  override pwrite(from: Uint8Array, offset: number): number {
    return this.inode.write(from, offset);
  }
  override size(): number {
    return this.inode.size;
  }
  override sync(): void {}
  override allocate(mode: number, offset: number, length: number): void {
    const { inode } = this;
    const end = offset + length;
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
      const last = Math.min(end, inode.size);
      if (last > offset) inode.write(new Uint8Array(last - offset), offset);
    }
    if (!(mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) && end > inode.size) inode.resize(end);
  }
  override pageSource(shared: boolean): PageSource {
    if (!shared) return new FilePages(this, null);
    const { inode } = this;
    inode.pages ??= new FilePages(this, null, () => {
      inode.pages = undefined;
    });
    return inode.pages;
  }
}
