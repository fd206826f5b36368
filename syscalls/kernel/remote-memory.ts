/**
 * The memory of another process as debuggers have it (access_remote_vm with FOLL_FORCE): readable and writable whatever the
 * protection says, as long as something is mapped. Writing to a private file page makes it the process's own, which is how
 * breakpoints get into code.
 */
import { EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import type { Task } from './task.ts';

/**
 * Copies page by page until one is not there. `copy` gets each window and its distance from the start; the result is the number
 * of bytes.
 */
export function accessRemote(
  t: Task,
  address: number,
  length: number,
  access: typeof READ | typeof WRITE,
  copy: (window: Uint8Array, at: number) => void,
): number {
  let done = 0;
  while (done < length) {
    const at = address + done;
    const count = Math.min(length - done, PAGE_SIZE - (at % PAGE_SIZE));
    if (!forced(t, at, count, access, () => copy(t.mm.space.bytes(at, count), done))) break;
    if (access === WRITE) t.mm.backend.invalidate(at, count);
    done += count;
  }
  return done;
}

/** Does it with the page open for this access; false when nothing is mapped there or writing would reach a shared file. */
function forced(
  t: Task,
  at: number,
  count: number,
  access: typeof READ | typeof WRITE,
  action: () => void,
): boolean {
  const { space } = t.mm;
  if (space.check(at, count, access)) {
    action();
    return true;
  }
  const vma = space.find(at);
  if (vma === undefined || (access === WRITE && vma.shared)) return false;
  const { prot } = vma;
  const page = at - (at % PAGE_SIZE);
  space.protect(page, page + PAGE_SIZE, (prot & ~EXEC) | READ | access);
  try {
    if (!space.check(at, count, access)) return false;
    action();
    return true;
  } finally {
    space.protect(page, page + PAGE_SIZE, prot);
  }
}
