/** madvise(2), mincore(2), msync(2) (mm/madvise.c, mm/mincore.c, mm/msync.c). */
import { PAGE_MASK, PAGE_SIZE, USER_END } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { MADV, MS } from '../../abi/mman.ts';
import { u8 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { flags, oneOf, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { pageUp, range } from './mmap.ts';

/** Advice that changes nothing a program could see. */
const HINTS: readonly number[] = [
  MADV.MADV_NORMAL,
  MADV.MADV_RANDOM,
  MADV.MADV_SEQUENTIAL,
  MADV.MADV_WILLNEED,
  MADV.MADV_HUGEPAGE,
  MADV.MADV_NOHUGEPAGE,
  MADV.MADV_DONTDUMP,
  MADV.MADV_DODUMP,
  MADV.MADV_DOFORK,
  MADV.MADV_KEEPONFORK,
  MADV.MADV_COLD,
  MADV.MADV_PAGEOUT,
];

function madvise(t: Task, start: number, length: number, advice: number): number {
  const discards = advice === MADV.MADV_DONTNEED;
  if (!discards && advice !== MADV.MADV_FREE && !HINTS.includes(advice)) {
    t.kernel.warn(`madvise advice ${advice} is not supported`);
    fail('EINVAL');
  }
  const end = range(start, length);
  if (end === start) return 0;
  const { space } = t.mm;
  if (advice === MADV.MADV_FREE) {
    for (const vma of space.vmas()) {
      if (vma.start < end && vma.end > start && (vma.shared || vma.source)) fail('EINVAL');
    }
  }
  // Gaps are skipped and reported afterwards.
  let complete = true;
  for (let at = start; at < end; ) {
    const vma = space.find(at);
    if (vma === undefined) {
      complete = false;
      const next = space.vmas().find((v) => v.start > at);
      at = next ? next.start : end;
      continue;
    }
    const stop = Math.min(vma.end, end);
    if (vma.locked && (discards || advice === MADV.MADV_FREE)) fail('EINVAL');
    if (discards) {
      t.mm.noteResident(stop - at);
      space.discard(at, stop);
    }
    at = stop;
  }
  return complete ? 0 : fail('ENOMEM');
}

function msync(t: Task, start: number, length: number, how: number): number {
  if (how & ~(MS.MS_ASYNC | MS.MS_INVALIDATE | MS.MS_SYNC)) fail('EINVAL');
  if (how & MS.MS_ASYNC && how & MS.MS_SYNC) fail('EINVAL');
  if (start & PAGE_MASK) fail('EINVAL');
  const end = start + pageUp(length);
  if (end > USER_END) fail('ENOMEM');
  return end === start || t.mm.space.sync(start, end) ? 0 : fail('ENOMEM');
}

/** What lies before a gap is told all the same. */
function mincore(t: Task, start: number, length: number, vector: number): number {
  if (start & PAGE_MASK) fail('EINVAL');
  const end = start + pageUp(length);
  if (start + length > USER_END) fail('ENOMEM');
  if (vector + (end - start) / PAGE_SIZE > USER_END) fail('EFAULT');
  const { space } = t.mm;
  for (let at = start; at < end; at += PAGE_SIZE) {
    const vma = space.find(at) ?? fail('ENOMEM');
    t.mm.put(u8, vector + (at - start) / PAGE_SIZE, +space.isResident(vma, at / PAGE_SIZE));
  }
  return 0;
}

export const madviseCalls: readonly Call[] = [
  call(220, 'madvise', [ptr, size, oneOf(MADV)], madvise),
  call(219, 'mincore', [ptr, size, ptr], mincore),
  call(144, 'msync', [ptr, size, flags(MS)], msync),
];
