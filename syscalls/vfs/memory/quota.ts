/** The machine's memory as the guest has it, and limits of files that are only memory. */
import { totalmem } from 'node:os';
import { fail } from '../../abi/errno.ts';

export const PAGE = 4096;

export class MachineMemory {
  /** Bytes. */
  readonly total: number;
  /** No more than that can be promised to programs (vm.overcommit_memory is 2). */
  readonly limited: boolean;
  /** What files take of it. */
  filePages = 0;
  /** Whether so many bytes more can be promised. Of the kernel, which knows its processes. */
  mayCommit: (bytes: number) => boolean = () => true;

  /** @param limit bytes; without one all memory of the host can be seen, and more be promised */
  constructor(limit?: number) {
    this.total = limit ?? totalmem();
    this.limited = limit !== undefined;
  }
}

/** How much memory files may take together: of one file system, or all those of memfd_create. */
export class MemoryQuota {
  readonly #memory: MachineMemory;
  #pages = 0;
  used = 0;
  /** @param bytes by default half of the machine's memory (tmpfs(5)) */
  constructor(memory: MachineMemory, bytes = memory.total / 2) {
    this.#memory = memory;
    this.resize(bytes);
  }
  get pages(): number {
    return this.#pages;
  }
  /** EINVAL when more is in use. */
  resize(bytes: number): void {
    const pages = Math.floor(bytes / PAGE);
    if (pages < this.used) fail('EINVAL');
    this.#pages = pages;
  }
  /** ENOSPC when there is no more. */
  charge(pages: number): void {
    if (pages > 0 && (this.used + pages > this.pages || !this.#memory.mayCommit(pages * PAGE)))
      fail('ENOSPC');
    this.used += pages;
    this.#memory.filePages += pages;
  }
  /** Nobody can reach the files any more. */
  release(): void {
    this.#memory.filePages -= this.used;
    this.used = 0;
  }
}
