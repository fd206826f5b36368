/** Regular files that are only memory: those of a TmpFs, and memfd_create(2) with its seals. */
import type { PageSource } from '../../../emu/memory/address-space.ts';
import { fail } from '../../abi/errno.ts';
import {
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  SEEK_DATA,
  SEEK_HOLE,
} from '../../abi/fcntl.ts';
import { PROT } from '../../abi/mman.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { AnonymousInode } from '../core/anonymous.ts';
import { FilePages, MappableFile } from '../core/file-pages.ts';
import type { AttributeChange, Inode } from '../core/inode.ts';
import type { OpenFile } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { type MemoryQuota, PAGE } from './quota.ts';

const MAX_SIZE = 0x7fff_ffff;

/**
 * The content of a file. What is charged to the quota is what has been written, up to the last byte of it: holes at the end cost
 * nothing.
 */
export class MemoryBytes {
  #bytes: Uint8Array = new Uint8Array(0);
  #size = 0;
  #charged = 0;
  readonly #quota: MemoryQuota;
  #opens = 0;
  #nameless = false;
  seals: number;
  /** Shared mappings are all of one object. */
  pages: FilePages | undefined;

  constructor(quota: MemoryQuota, seals = F_SEAL_SEAL) {
    this.#quota = quota;
    this.seals = seals;
  }

  #charge(size: number): void {
    const pages = Math.ceil(size / PAGE);
    this.#quota.charge(pages - this.#charged);
    this.#charged = pages;
  }

  /** The file has lost its last name: its memory is given back when nobody has it open. */
  lastNameGone(): void {
    this.#nameless = true;
    this.#freeUnused();
  }
  named(): void {
    this.#nameless = false;
  }
  opened(): void {
    this.#opens++;
  }
  closed(): void {
    this.#opens--;
    this.#freeUnused();
  }
  #freeUnused(): void {
    if (!this.#nameless || this.#opens > 0) return;
    this.#charge(0);
    this.#bytes = new Uint8Array(0);
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }
  /** Behind it is nothing but zeros, which the host has given no memory yet: nobody is to touch a hole of a gigabyte. */
  get #written(): number {
    return Math.min(this.#size, this.#charged * PAGE);
  }
  /** Memory it takes, in blocks of 512 bytes. */
  get blocks(): number {
    return 8 * Math.ceil(this.#size / PAGE);
  }

  /** Sealed against write(2) and new mappings that write. */
  get sealed(): boolean {
    return (this.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0;
  }

  addSeals(seals: number): void {
    if (seals & F_SEAL_WRITE && this.pages !== undefined) fail('EBUSY');
    this.seals |= seals;
  }

  resize(size: number): void {
    if (size > this.#size && this.seals & F_SEAL_GROW) fail('EPERM');
    if (size < this.#size && this.seals & F_SEAL_SHRINK) fail('EPERM');
    if (size > MAX_SIZE) fail('EFBIG');
    if (size > this.#bytes.length) {
      const bytes = allocate(Math.max(size, Math.min(2 * this.#bytes.length, MAX_SIZE)));
      bytes.set(this.#bytes.subarray(0, this.#written));
      this.#bytes = bytes;
    } else if (size < this.#size) {
      this.#bytes.fill(0, size, this.#written);
      this.#charge(Math.min(size, this.#charged * PAGE));
    }
    this.#size = size;
  }

  read(into: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - offset));
    into.set(this.#bytes.subarray(offset, offset + count));
    return count;
  }

  write(from: Uint8Array, offset: number): number {
    const end = offset + from.length;
    if (end > this.#charged * PAGE) this.#charge(end);
    if (end > this.#size) this.resize(end);
    this.#bytes.set(from, offset);
    return from.length;
  }
}

/** Memory that the host may not have. */
function allocate(size: number): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    return fail('ENOMEM');
  }
}

export class MemoryFile extends MappableFile {
  readonly bytes: MemoryBytes;
  /** Called when the content has changed. */
  readonly #changed: () => void;

  constructor(inode: Inode, flags: number, bytes: MemoryBytes, changed: () => void) {
    super(inode, flags);
    this.bytes = bytes;
    this.#changed = changed;
    bytes.opened();
  }
  protected override close(): void {
    this.bytes.closed();
  }
  override get mapped(): FilePages | undefined {
    return this.bytes.pages;
  }
  override readAt(into: Uint8Array, offset: number): number {
    return this.bytes.read(into, offset);
  }
  override writeAt(from: Uint8Array, offset: number): number {
    if (from.length === 0) return 0;
    this.#changed();
    return this.bytes.write(from, offset);
  }
  protected override append(from: Uint8Array): number {
    if (this.bytes.sealed) fail('EPERM');
    return super.append(from);
  }
  protected override overwrite(from: Uint8Array, offset: number): number {
    if (this.bytes.sealed) fail('EPERM');
    return super.overwrite(from, offset);
  }
  override get mayBeMappedForWriting(): boolean {
    return !this.bytes.sealed;
  }
  override checkMapping(prot: number, shared: boolean): void {
    if (shared && prot & PROT.PROT_WRITE && this.bytes.sealed) fail('EPERM');
  }
  override size(): number {
    return this.bytes.size;
  }
  override sync(): void {}

  override seek(offset: number, whence: number): number {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return super.seek(offset, whence);
    const { size } = this.bytes;
    if (offset < 0 || offset >= size) return fail('ENXIO');
    return (this.offset = whence === SEEK_DATA ? offset : size);
  }

  override allocate(mode: number, offset: number, length: number): void {
    const { bytes } = this;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) fail('EOPNOTSUPP');
    const end = offset + length;
    if (mode & FALLOC_FL_PUNCH_HOLE) {
      if (bytes.sealed) fail('EPERM');
      const last = Math.min(end, bytes.size);
      if (last > offset) bytes.write(new Uint8Array(last - offset), offset);
    }
    if (mode === 0 && end > bytes.size) bytes.resize(end);
    this.#changed();
  }

  override pageSource(shared: boolean): PageSource {
    const { bytes } = this;
    if (!shared) return new FilePages(this, null);
    bytes.pages ??= new FilePages(this, null, true, () => {
      bytes.pages = undefined;
    });
    bytes.pages.useWritable(this);
    return bytes.pages;
  }
}

/** The nameless file of memfd_create. */
export class MemfdInode extends AnonymousInode {
  readonly bytes: MemoryBytes;

  /** @param sealing seals may be added (MFD_ALLOW_SEALING) */
  constructor(vfs: Vfs, name: string, sealing: boolean) {
    super(vfs.nameless.memory, `/memfd:${name}`, S_IFREG | 0o777);
    this.deleted = true;
    this.bytes = new MemoryBytes(vfs.memfds, sealing ? 0 : F_SEAL_SEAL);
    this.bytes.lastNameGone();
  }
  override stat() {
    return { ...super.stat(), size: this.bytes.size, blocks: this.bytes.blocks };
  }
  override setattr({ size, ...rest }: AttributeChange): void {
    if (size !== undefined) this.bytes.resize(size);
    super.setattr(rest);
  }
  override open(flags: number): OpenFile {
    return new MemoryFile(this, flags, this.bytes, () => this.setattr({ mtime: 'now' }));
  }
}
