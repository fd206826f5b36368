/**
 * Files that can be mapped, and where a mapping gets its pages from. What is written through a shared mapping is seen by read(2)
 * and the other way round: before the file is read or changed, mapped pages that are newer are written back, and after a change
 * they are read anew.
 */
import type { PageSource } from '../../../emu/memory/address-space.ts';
import { flushShared, forgetShared } from '../../../emu/memory/shared.ts';
import { O_APPEND } from '../../abi/fcntl.ts';
import { SeekableFile } from './open-file.ts';

/** How ELF files begin. */
const ELFMAG = [0x7f, 0x45, 0x4c, 0x46];

/** A file's content as the host tells of it: device, inode, size and times; and when it was last changed, in ms since 1970. */
export interface FileIdentity {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  readonly changed: number;
}

export abstract class MappableFile extends SeekableFile {
  /** Null when it is not known, or somebody may be writing to the file through this description. */
  identity(): FileIdentity | null {
    return null;
  }

  /** Whether a shared mapping may be made writable. */
  get mayBeMappedForWriting(): boolean {
    return true;
  }

  /** Bytes of the file itself, whatever is mapped. */
  abstract readAt(into: Uint8Array, offset: number): number;
  abstract writeAt(from: Uint8Array, offset: number): number;
  /** The source of the file's shared mappings, if there are any. */
  abstract readonly mapped: FilePages | undefined;

  /** What was read of its beginning is that of an ELF file. */
  isElf = false;

  override pread(into: Uint8Array, offset: number): number {
    const { mapped } = this;
    if (mapped) flushShared(mapped, offset, offset + into.length);
    const count = this.readAt(into, offset);
    if (offset === 0 && count >= ELFMAG.length) this.isElf = ELFMAG.every((byte, i) => into[i] === byte);
    return count;
  }

  /** Writes at the end of the file. */
  protected append(from: Uint8Array): number {
    return this.writeAt(from, this.size());
  }

  /** With O_APPEND the offset is ignored (pwrite(2), BUGS). */
  override pwrite(from: Uint8Array, offset: number): number {
    if ((this.flags & O_APPEND) === 0) return this.overwrite(from, offset);
    const end = this.size();
    return this.#seen(end, end + from.length, () => this.append(from));
  }

  /** Writes at the offset, O_APPEND or not. */
  protected overwrite(from: Uint8Array, offset: number): number {
    return this.#seen(offset, offset + from.length, () => this.writeAt(from, offset));
  }

  /** Makes a change between two offsets that mappings see. */
  #seen(start: number, end: number, change: () => number): number {
    const { mapped } = this;
    if (!mapped) return change();
    flushShared(mapped, start, end);
    const count = change();
    forgetShared(mapped, start, end);
    return count;
  }

  override truncate(size: number): void {
    const { mapped } = this;
    if (mapped) flushShared(mapped);
    super.truncate(size);
    // The rest of the last page is zero now, and what lies beyond is gone.
    if (mapped) forgetShared(mapped, size);
  }
}

/** The bytes of an open file as pages of a mapping; keeps the file open. */
export class FilePages implements PageSource {
  readonly key: string | null;
  readonly changed: number;
  /** The size that goes with the key. */
  readonly #size: number | undefined;
  file: MappableFile;
  /** One source for all shared mappings of the file, rather than one of a private mapping. */
  readonly #shared: boolean;
  #users = 0;
  readonly #onUnused: (() => void) | undefined;

  constructor(file: MappableFile, identity: FileIdentity | null, shared = false, onUnused?: () => void) {
    this.file = file;
    this.key = identity?.key ?? null;
    this.changed = identity?.changed ?? 0;
    this.#size = identity?.size;
    this.#shared = shared;
    this.#onUnused = onUnused;
  }
  mayWrite(): boolean {
    return this.file.mayBeMappedForWriting;
  }
  get isElf(): boolean {
    return this.file.isElf;
  }
  unchanged(): boolean {
    return this.key !== null && this.file.identity()?.key === this.key;
  }
  size(): number {
    return this.file.size();
  }
  read(offset: number, into: Uint8Array): number {
    const { file } = this;
    let done = 0;
    while (done < into.length) {
      const part = into.subarray(done);
      // A private mapping sees what shared ones have written.
      const count = this.#shared ? file.readAt(part, offset + done) : file.pread(part, offset + done);
      if (count <= 0) break;
      done += count;
      // The host need not be asked once more whether there is more.
      if (offset + done === this.#size) break;
    }
    return done;
  }
  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) done += this.file.writeAt(from.subarray(done), offset + done);
  }
  /** A mapping that may be written to needs a descriptor that may. */
  useWritable(file: MappableFile): void {
    if (!file.writable || this.file.writable) return;
    if (this.#users > 0) {
      file.ref();
      this.file.release();
    }
    this.file = file;
  }
  retain(): void {
    if (this.#users++ === 0) this.file.ref();
  }
  release(): void {
    if (--this.#users > 0) return;
    this.file.release();
    this.#onUnused?.();
  }
}
