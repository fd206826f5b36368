/** madvise(2), mincore(2), msync(2) (mm/madvise.c, mm/mincore.c, mm/msync.c). */
import type { AddressSpace, Vma } from '../../../emu/memory/address-space.ts';
import { PAGE_MASK, PAGE_SIZE, USER_END } from '../../../emu/memory/layout.ts';
import { Errno, fail } from '../../abi/errno.ts';
import { MADV, MS } from '../../abi/mman.ts';
import { u8 } from '../../abi/struct.ts';
import { iovec } from '../../abi/uio.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { arrayIn, fd, flags, oneOf, ptr, size, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { iovecs } from '../files/read-write.ts';
import { pidFile } from '../process/pidfd.ts';
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
  MADV.MADV_COLD,
  MADV.MADV_PAGEOUT,
];

/** Advice that takes memory away, which is not to be given for what is locked (can_madv_lru_vma). */
const NOT_OF_LOCKED: readonly number[] = [
  MADV.MADV_DONTNEED,
  MADV.MADV_FREE,
  MADV.MADV_COLD,
  MADV.MADV_PAGEOUT,
];

/** Advice that process_madvise gives to others (process_madvise_remote_valid). */
const REMOTE: readonly number[] = [MADV.MADV_COLD, MADV.MADV_PAGEOUT, MADV.MADV_WILLNEED];

function processMadvise(
  t: Task,
  descriptor: number,
  at: number,
  count: number,
  advice: number,
  how: number,
): number {
  if (how !== 0) fail('EINVAL');
  const list = iovecs(t, at, count);
  const { process } = pidFile(t, descriptor);
  if (process.zombie) fail('ESRCH');
  if (!REMOTE.includes(advice)) fail('EINVAL');
  if (!mayInspect(t, process.leader)) fail('EPERM');
  if (process !== t.process && !capable(t.creds, CAP.SYS_NICE)) fail('EPERM');
  let done = 0;
  try {
    for (const { base, length } of list) {
      madvise(process.leader, base, length, advice);
      done += length;
    }
  } catch (e) {
    if (done === 0 || !(e instanceof Errno)) throw e;
  }
  return done;
}

/** What becomes of memory in a child. */
const ON_FORK = new Map<number, Vma['onFork']>([
  [MADV.MADV_DONTFORK, 'nothing'],
  [MADV.MADV_WIPEONFORK, 'zeros'],
  [MADV.MADV_DOFORK, undefined],
  [MADV.MADV_KEEPONFORK, undefined],
]);

/** Only memory of the process's own can be wiped. Each of the two that take something back undoes its own counterpart. */
function setOnFork(space: AddressSpace, vma: Vma, from: number, to: number, advice: number): void {
  if (advice === MADV.MADV_WIPEONFORK && (vma.shared || vma.source !== null)) fail('EINVAL');
  if (advice === MADV.MADV_DOFORK && vma.onFork !== 'nothing') return;
  if (advice === MADV.MADV_KEEPONFORK && vma.onFork !== 'zeros') return;
  space.setOnFork(from, to, ON_FORK.get(advice));
}

function madvise(t: Task, start: number, length: number, advice: number): number {
  const discards = advice === MADV.MADV_DONTNEED;
  if (!discards && advice !== MADV.MADV_FREE && !HINTS.includes(advice) && !ON_FORK.has(advice)) {
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
    if (vma.locked && NOT_OF_LOCKED.includes(advice)) fail('EINVAL');
    if (ON_FORK.has(advice)) setOnFork(space, vma, at, stop, advice);
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
  const { space } = t.mm;
  const isLocked = () => space.vmas().some((vma) => vma.locked && vma.start < end && vma.end > start);
  if (how & MS.MS_INVALIDATE && isLocked()) fail('EBUSY');
  return end === start || space.sync(start, end) ? 0 : fail('ENOMEM');
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
  call(440, 'process_madvise', [fd, arrayIn(iovec, 2), size, oneOf(MADV), uint], processMadvise),
  call(219, 'mincore', [ptr, size, ptr], mincore),
  call(144, 'msync', [ptr, size, flags(MS)], msync),
];
