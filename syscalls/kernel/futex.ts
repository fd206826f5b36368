/**
 * Futexes (futex(2), kernel/futex.c): waiters by key. A private futex is its address in one memory; one in a shared mapping is its place in the mapped file, so that processes that map
 * it at different addresses meet.
 */
import type { PageSource } from '../../emu/memory/address-space.ts';
import { READ, WRITE } from '../../emu/memory/layout.ts';
import { fail } from '../abi/errno.ts';
import type { Mm } from './mm.ts';
import type { Task } from './task.ts';

export const FUTEX_WAITERS = 0x8000_0000;
export const FUTEX_OWNER_DIED = 0x4000_0000;
export const FUTEX_TID_MASK = 0x3fff_ffff;
const ROBUST_LIST_LIMIT = 2048;

type Key = string;

/** A task asleep in FUTEX_WAIT or FUTEX_LOCK_PI; its callState, so that it leaves the queue however the call ends. */
export class FutexWaiter implements Disposable {
  readonly task: Task;
  key: Key;
  readonly bitset: number;
  /** The address of the lock it waits for; undefined in FUTEX_WAIT. */
  readonly lock: number | undefined;
  woken = false;

  constructor(task: Task, key: Key, bitset: number, lock?: number) {
    this.task = task;
    this.key = key;
    this.bitset = bitset;
    this.lock = lock;
    if (lock !== undefined) lockWaiters.add(this);
    const queue = queues.get(key);
    if (queue) queue.push(this);
    else queues.set(key, [this]);
  }

  /** Who waits longest on a key, and how many wait. */
  static first(key: Key): FutexWaiter | undefined {
    return queues.get(key)?.[0];
  }
  static count(key: Key): number {
    return queues.get(key)?.length ?? 0;
  }

  wake(): void {
    this[Symbol.dispose]();
    this.woken = true;
    this.task.wake();
  }

  [Symbol.dispose](): void {
    lockWaiters.delete(this);
    const queue = queues.get(this.key);
    const at = queue?.indexOf(this) ?? -1;
    if (at < 0) return;
    if (queue!.length === 1) queues.delete(this.key);
    else queue!.splice(at, 1);
  }
}

const queues = new Map<Key, FutexWaiter[]>();
/** Those in FUTEX_LOCK_PI. */
const lockWaiters = new Set<FutexWaiter>();

/** Makes the first that waits for a lock (FUTEX_LOCK_PI) its owner; false when nobody waits. */
export function handOver(key: Key, flags = 0): boolean {
  const next = FutexWaiter.first(key);
  if (next?.lock === undefined) return false;
  const others = FutexWaiter.count(key) > 1 ? FUTEX_WAITERS : 0;
  const { space, view } = next.task.mm;
  // Where the memory has gone meanwhile the waiter is told so when it looks again.
  if (space.check(next.lock, 4, WRITE)) view.setUint32(next.lock, next.task.tid | others | flags, true);
  next.wake();
  return true;
}

/** A thread ends: locks it still holds that others wait for in FUTEX_LOCK_PI go to them (exit_pi_state_list). */
export function exitLocks(t: Task): void {
  for (const { task, lock, key } of [...lockWaiters]) {
    const { space, view } = task.mm;
    if (!space.check(lock!, 4, READ)) continue;
    if ((view.getUint32(lock!, true) & FUTEX_TID_MASK) === t.tid) handOver(key, FUTEX_OWNER_DIED);
  }
}

let names = 0;
const nameOf = new WeakMap<object, number>();
function identity(of: Mm | PageSource): number {
  let name = nameOf.get(of);
  if (name === undefined) nameOf.set(of, (name = ++names));
  return name;
}

/** Throws EINVAL for an unaligned word, EFAULT for one that cannot be read. */
export function futexKey(mm: Mm, address: number, isPrivate: boolean): Key {
  if (address & 3) fail('EINVAL');
  if (!mm.space.check(address, 4, READ)) fail('EFAULT');
  if (!isPrivate) {
    const vma = mm.space.find(address);
    if (vma?.shared && vma.source) {
      const offset = vma.offset + (address - vma.start);
      return `s${vma.source.key ?? identity(vma.source)}:${offset}`;
    }
  }
  return `p${identity(mm)}:${address}`;
}

/** Wakes up to `count` waiters whose bitset meets; gives how many. */
export function futexWake(key: Key, count: number, bitset = 0xffff_ffff): number {
  const queue = queues.get(key);
  if (queue === undefined) return 0;
  let woken = 0;
  for (const waiter of [...queue]) {
    if (woken >= count) break;
    if ((waiter.bitset & bitset) === 0) continue;
    waiter.wake();
    woken++;
  }
  return woken;
}

/** Moves up to `count` waiters to another key; gives how many. */
export function futexRequeue(from: Key, to: Key, count: number): number {
  const queue = queues.get(from);
  if (queue === undefined || from === to) return 0;
  const moved = queue.splice(0, count);
  if (queue.length === 0) queues.delete(from);
  for (const waiter of moved) waiter.key = to;
  const target = queues.get(to);
  if (target) target.push(...moved);
  else if (moved.length > 0) queues.set(to, moved);
  return moved.length;
}

/** Wakes waiters on a word, private or shared (as for clear_child_tid). */
export function wakeAddress(t: Task, address: number, count: number): void {
  const shared = futexKey(t.mm, address, false);
  const own = futexKey(t.mm, address, true);
  const woken = futexWake(shared, count);
  if (own !== shared && woken < count) futexWake(own, count - woken);
}

/**
 * A thread ends holding robust mutexes: marks each FUTEX_OWNER_DIED and wakes a waiter (exit_robust_list). struct robust_list_head: list.next, futex_offset,
 * list_op_pending.
 */
export function exitRobustList(t: Task): void {
  const { space, view } = t.mm;
  const word = (address: number): number | undefined =>
    space.check(address, 4, READ) ? view.getUint32(address, true) : undefined;
  const head = t.robustList;
  let entry = word(head);
  const offset = word(head + 4);
  const pending = word(head + 8);
  if (entry === undefined || offset === undefined || pending === undefined) return;
  let limit = ROBUST_LIST_LIMIT;
  while ((entry & ~1) >>> 0 !== head && limit-- > 0) {
    const next = word((entry & ~1) >>> 0);
    if ((entry & ~1) !== (pending & ~1)) handleFutexDeath(t, ((entry & ~1) + offset) >>> 0);
    if (next === undefined) return;
    entry = next;
  }
  if ((pending & ~1) !== 0) handleFutexDeath(t, ((pending & ~1) + offset) >>> 0);
}

function handleFutexDeath(t: Task, address: number): void {
  const { space, view } = t.mm;
  if (address & 3 || !space.check(address, 4, WRITE)) return;
  const value = view.getUint32(address, true);
  if ((value & FUTEX_TID_MASK) !== t.tid) return;
  view.setUint32(address, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, true);
  if (value & FUTEX_WAITERS) wakeAddress(t, address, 1);
}
