/**
 * Memory that is promised to programs (mm/util.c, __vm_enough_memory). When the run has a limit, no more is promised than that,
 * as Linux does it with vm.overcommit_memory=2 (Documentation/mm/overcommit-accounting.rst): private memory that can be written
 * to counts in each process, shared memory once, whether anybody has touched it or not.
 */
import { freemem } from 'node:os';
import type { AddressSpace, PageSource } from '../../emu/memory/address-space.ts';
import { PAGE_SIZE, USER_END, WRITE } from '../../emu/memory/layout.ts';
import { SharedMemory } from '../../emu/memory/shared.ts';
import { PAGE } from '../vfs/memory/quota.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';

/** Whether an area counts for itself (accountable_mapping). */
export const isAccountable = ({ prot, shared }: { prot: number; shared: boolean }) =>
  !shared && (prot & WRITE) !== 0;

/** Bytes of an address space's own that count, between two addresses. */
export function committedIn(space: AddressSpace, from = 0, to = USER_END): number {
  let sum = 0;
  for (const vma of space.vmas()) {
    if (isAccountable(vma)) sum += Math.max(0, Math.min(vma.end, to) - Math.max(vma.start, from));
  }
  return sum;
}

const memories = ({ tasks }: Kernel): Set<Mm> => new Set(Array.from(tasks.values(), (t) => t.mm));

/** Bytes promised in all (Committed_AS). */
export function committed(kernel: Kernel): number {
  const shared = new Set<PageSource>();
  for (const { sysv } of new Set(Array.from(kernel.tasks.values(), (t) => t.ns.ipc)))
    for (const { pages } of sysv.segments.objects.values()) shared.add(pages);
  let sum = kernel.vfs.memory.filePages * PAGE;
  for (const { space } of memories(kernel)) {
    sum += committedIn(space);
    for (const { source } of space.vmas()) if (source instanceof SharedMemory) shared.add(source);
  }
  for (const source of shared) sum += Math.ceil(source.size() / PAGE_SIZE) * PAGE_SIZE;
  return sum;
}

/** Whether so many bytes more can be promised; a function is asked for them only where memory is limited. */
export function mayCommit(kernel: Kernel, bytes: number | (() => number)): boolean {
  const { limited, total } = kernel.vfs.memory;
  if (!limited) return true;
  const more = typeof bytes === 'number' ? bytes : bytes();
  return more <= 0 || committed(kernel) + more <= total;
}

/**
 * Bytes of memory that there are and that are free: the host's, or of the limit what processes and files in memory have not
 * taken.
 */
export function memoryUse(kernel: Kernel): { total: number; free: number } {
  const { limited, total, filePages } = kernel.vfs.memory;
  if (!limited) return { total, free: freemem() };
  let used = filePages * PAGE;
  for (const mm of memories(kernel)) used += mm.residentBytes;
  return { total, free: Math.max(0, total - used) };
}
