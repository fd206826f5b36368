/** A regular file of an overlay that is open: of the lower tree until it is copied up, or of the upper one. */
import type { PageSource } from '../../../emu/memory/address-space.ts';
import type { Attributes } from '../../abi/stat.ts';
import type { AttributeChange } from '../core/inode.ts';
import type { OutsideLocks } from '../core/locks.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import type { OverlayInode } from './overlay.ts';

export class OverlayFile extends SeekableFile {
  declare readonly inode: OverlayInode;
  #opened: OpenFile;

  constructor(inode: OverlayInode, flags: number, real: OpenFile) {
    super(inode, flags);
    this.#opened = real.ref();
  }
  /** What is read: the copy, once there is one (ovl_real_file). */
  get #real(): SeekableFile {
    const { inode } = this;
    if (!this.writable && !inode.deleted && inode.isCopied && this.#opened.inode !== inode.real) {
      const copy = inode.real.open(this.flags).ref();
      this.#opened.release();
      this.#opened = copy;
    }
    return this.#opened as SeekableFile;
  }
  protected override close(): void {
    this.#opened.release();
  }

  override pread(into: Uint8Array, offset: number): number {
    return this.#real.pread(into, offset);
  }
  override pwrite(from: Uint8Array, offset: number): number {
    return this.#real.pwrite(from, offset);
  }
  /** The host appends atomically. */
  override write(from: Uint8Array): number {
    const real = this.#real;
    real.offset = this.offset;
    const count = real.write(from);
    this.offset = real.offset;
    return count;
  }
  override seek(offset: number, whence: number): number {
    const real = this.#real;
    real.offset = this.offset;
    return (this.offset = real.seek(offset, whence));
  }
  override size(): number {
    return this.#real.size();
  }
  override flagsChanged(): void {
    this.#real.flags = this.flags;
    this.#real.flagsChanged();
  }

  override stat(): Attributes {
    return this.inode.shown(this.#real.stat());
  }
  /** A lower file is copied first; one that is gone can be changed where it is the upper one. */
  override setattr(change: AttributeChange): void {
    if (this.writable || this.inode.deleted) this.#real.setattr(change);
    else this.inode.setattr(change);
  }
  override allocate(mode: number, offset: number, length: number): void {
    this.#real.allocate(mode, offset, length);
  }
  override sync(dataOnly: boolean): void {
    this.#real.sync(dataOnly);
  }
  override syncRange(offset: number, length: number, flags: number): void {
    this.#real.syncRange(offset, length, flags);
  }
  override outsideLocks(): OutsideLocks | undefined {
    return this.#real.outsideLocks();
  }
  override checkMapping(prot: number, shared: boolean): void {
    this.#real.checkMapping(prot, shared);
  }
  override pageSource(shared: boolean): PageSource {
    return this.#real.pageSource(shared);
  }
}
