/**
 * Locked memory: mlock(2), mlockall(2) (mm/mlock.c). Nothing of ours is ever taken out of memory by us, so to lock is to bring
 * in, to count against RLIMIT_MEMLOCK and to tell of it.
 */
import type { Vma } from '../../../emu/memory/address-space.ts';
import { PAGE_MASK, PAGE_SIZE, READ, USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { flags, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';

const MLOCK = { MLOCK_ONFAULT: 1 } as const;
const MCL = { MCL_CURRENT: 1, MCL_FUTURE: 2, MCL_ONFAULT: 4 } as const;

const limitOf = (t: Task) => t.process.limits[RLIMIT.RLIMIT_MEMLOCK]!.cur;

/** Bytes that are locked, of all memory or of a range. */
function lockedBytes(t: Task, start = 0, end = USER_END): number {
  let sum = 0;
  for (const vma of t.mm.space.vmas()) {
    if (vma.locked) sum += Math.max(0, Math.min(end, vma.end) - Math.max(start, vma.start));
  }
  return sum;
}

/** can_do_mlock. */
export function mayLock(t: Task): boolean {
  return limitOf(t) !== 0 || capable(t.creds, CAP.IPC_LOCK);
}

/** Whether so many bytes more may be locked (mlock_future_ok). */
export function mayLockMore(t: Task, bytes: number): boolean {
  return capable(t.creds, CAP.IPC_LOCK) || lockedBytes(t) + bytes <= limitOf(t);
}

/**
 * Brings in what an area's protection lets be read; false when there was something that cannot be had, because nobody may access
 * it or it lies behind the end of its file (populate_vma_page_range).
 */
export function populate(t: Task, start: number, end: number): boolean {
  const { space } = t.mm;
  let whole = true;
  for (let at = start; at < end; at += PAGE_SIZE) {
    // Who may write may have it brought in, too.
    if (!space.check(at, 1, READ) && !space.check(at, 1, WRITE)) whole = false;
  }
  return whole;
}

function setLock(t: Task, start: number, length: number, on: boolean, onFault = false): number {
  const from = start - (start & PAGE_MASK);
  const end = from + Math.ceil((length + (start & PAGE_MASK)) / PAGE_SIZE) * PAGE_SIZE;
  if (on) {
    if (!mayLock(t)) fail('EPERM');
    const more = end - from - lockedBytes(t, from, end);
    if (!mayLockMore(t, more)) fail('ENOMEM');
  }
  if (end > USER_END) fail('ENOMEM');
  if (end === from) return 0;
  if (!t.mm.space.lock(from, end, on)) fail('ENOMEM');
  if (on && !onFault && !populate(t, from, end)) fail('ENOMEM');
  return 0;
}

/** Locks or unlocks every area. */
function setAll(t: Task, on: boolean): void {
  const areas: Vma[] = t.mm.space.vmas().map((vma) => ({ ...vma }));
  for (const { start, end } of areas) t.mm.space.lock(start, end, on);
}

function mlockall(t: Task, how: number): number {
  if (how === 0 || how & ~7 || how === MCL.MCL_ONFAULT) fail('EINVAL');
  if (!mayLock(t)) fail('EPERM');
  const current = (how & MCL.MCL_CURRENT) !== 0;
  const { space } = t.mm;
  const size = space.vmas().reduce((sum, { start, end }) => sum + end - start, 0);
  if (current && size > limitOf(t) && !capable(t.creds, CAP.IPC_LOCK)) fail('ENOMEM');
  t.mm.lockFuture = (how & MCL.MCL_FUTURE) !== 0;
  if (current) {
    setAll(t, true);
    if (!(how & MCL.MCL_ONFAULT)) for (const { start, end } of [...space.vmas()]) populate(t, start, end);
  }
  return 0;
}

export const mlockCalls: readonly Call[] = [
  call(150, 'mlock', [ptr, size], (t, start, length) => setLock(t, start, length, true)),
  call(390, 'mlock2', [ptr, size, flags(MLOCK)], (t, start, length, how) =>
    how & ~MLOCK.MLOCK_ONFAULT ? fail('EINVAL') : setLock(t, start, length, true, how !== 0),
  ),
  call(151, 'munlock', [ptr, size], (t, start, length) => setLock(t, start, length, false)),
  call(152, 'mlockall', [flags(MCL)], mlockall),
  call(153, 'munlockall', [], (t) => {
    t.mm.lockFuture = false;
    setAll(t, false);
    return 0;
  }),
];
