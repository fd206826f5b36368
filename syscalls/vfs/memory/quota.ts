/** Limits of files that are only memory. */
import { totalmem } from 'node:os';
import { fail } from '../../abi/errno.ts';

export const PAGE = 4096;

/** How much memory files may take together: of one file system, or all those of memfd_create. */
export class MemoryQuota {
  readonly pages: number;
  used = 0;
  /** @param bytes by default half of the machine's memory (tmpfs(5)) */
  constructor(bytes = totalmem() / 2) {
    this.pages = Math.floor(bytes / PAGE);
  }
  /** ENOSPC when there is no more. */
  charge(pages: number): void {
    if (pages > 0 && this.used + pages > this.pages) fail('ENOSPC');
    this.used += pages;
  }
}
