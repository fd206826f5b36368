/** Page sources for tests: a file that is an array of bytes. */
import type { PageSource } from '../../emu/memory/address-space.ts';

export class BytesSource implements PageSource {
  readonly key: string | null;
  bytes: Uint8Array;
  reads = 0;
  /** VMAs that hold it. */
  users = 0;

  constructor(bytes: Uint8Array, key: string | null = null) {
    this.bytes = bytes;
    this.key = key;
  }
  unchanged(): boolean {
    return this.key !== null;
  }
  size(): number {
    return this.bytes.length;
  }
  read(offset: number, into: Uint8Array): number {
    this.reads++;
    const part = this.bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
  write(offset: number, from: Uint8Array): void {
    this.bytes.set(from, offset);
  }
  retain(): void {
    this.users++;
  }
  release(): void {
    this.users--;
  }
}
