/**
 * Structures that grow from one kernel to the next, and come with their size (copy_struct_from_user of
 * include/linux/uaccess.h).
 */
import { PAGE_SIZE } from '../../emu/memory/layout.ts';
import { fail } from '../abi/errno.ts';
import type { Task } from '../kernel/task.ts';

/**
 * Of what a newer program knows and we do not (bytes `known` to `size`) all must be zero. Throws E2BIG where it is not, EFAULT
 * where it cannot be read, whichever comes first in memory; E2BIG beforehand when it is longer than a page.
 */
export function checkExtension(t: Task, at: number, known: number, size: number): void {
  if (size > PAGE_SIZE) fail('E2BIG');
  for (let done = known; done < size; ) {
    const from = at + done;
    const count = Math.min(size - done, PAGE_SIZE - (from % PAGE_SIZE));
    if (t.mm.readable(from, count).some((byte) => byte !== 0)) fail('E2BIG');
    done += count;
  }
}
