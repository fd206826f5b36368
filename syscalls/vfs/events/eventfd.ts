/** eventfd(2): a 64-bit counter to wait for. */
import { fail } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { AnonymousFile, ObjectInode } from '../core/anonymous.ts';
import { WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';

const MAX = 0xffff_ffff_ffff_fffen;

export class EventFile extends AnonymousFile {
  #count: bigint;
  readonly #semaphore: boolean;

  constructor(vfs: Vfs, count: number, semaphore: boolean, flags: number) {
    super(new ObjectInode(vfs, 'anon_inode:[eventfd]'), O_RDWR | flags);
    this.#count = BigInt(count);
    this.#semaphore = semaphore;
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) fail('EINVAL');
    if (this.#count === 0n) return WOULD_BLOCK;
    const value = this.#semaphore ? 1n : this.#count;
    this.#count -= value;
    new DataView(into.buffer, into.byteOffset, 8).setBigUint64(0, value, true);
    this.queue.wakeAll();
    return 8;
  }

  override checkWriting(length: number): void {
    if (length < 8) fail('EINVAL');
  }
  override write(from: Uint8Array): number {
    // So little comes of a longer buffer that ends where no memory is (a shorter one: checkWriting).
    if (from.length < 8) fail('EFAULT');
    const value = new DataView(from.buffer, from.byteOffset, 8).getBigUint64(0, true);
    if (value === 0xffff_ffff_ffff_ffffn) fail('EINVAL');
    if (value > MAX - this.#count) return WOULD_BLOCK;
    this.#count += value;
    this.queue.wakeAll();
    return 8;
  }

  override fdInfo(): string {
    return `eventfd-count: ${this.#count.toString(16).padStart(16)}\n`;
  }
  override poll(): number {
    let events = 0;
    if (this.#count > 0n) events |= POLLIN | POLLRDNORM;
    if (this.#count < MAX) events |= POLLOUT | POLLWRNORM;
    else if (this.#count > MAX) events |= POLLERR;
    return events;
  }
  override get pollable(): boolean {
    return true;
  }
}
