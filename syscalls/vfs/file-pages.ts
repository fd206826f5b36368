/** Where a mapping of a file gets its pages from. */
import type { PageSource } from '../../emu/memory/address-space.ts';
import type { SeekableFile } from './open-file.ts';

/** The bytes of an open file as pages of a mapping; keeps the file open. */
export class FilePages implements PageSource {
  readonly key: string | null;
  file: SeekableFile;
  #users = 0;
  readonly onUnused: (() => void) | undefined;

  constructor(file: SeekableFile, key: string | null, onUnused?: () => void) {
    this.file = file;
    this.key = key;
    this.onUnused = onUnused;
  }
  size(): number {
    return this.file.size();
  }
  read(offset: number, into: Uint8Array): number {
    let done = 0;
    while (done < into.length) {
      const count = this.file.pread(into.subarray(done), offset + done);
      if (count <= 0) break;
      done += count;
    }
    return done;
  }
  write(offset: number, from: Uint8Array): void {
    for (let done = 0; done < from.length; ) done += this.file.pwrite(from.subarray(done), offset + done);
  }
  /** A mapping that may be written to needs a descriptor that may. */
  useWritable(file: SeekableFile): void {
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
    this.onUnused?.();
  }
}
