/**
 * Futexes (futex(2), kernel/futex.c): waiters by key. A private futex is its address in one memory; one in a shared mapping is
 * its place in the mapped file, so that processes that map it at different addresses meet.
 */
import type { PageSource } from '../../emu/memory/address-space.ts';
import { READ, USER_END, WRITE } from '../../emu/memory/layout.ts';
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
  readonly #futexes: Futexes;
  key: Key;
  readonly bitset: number;
  /** The address of the lock it waits for; undefined in FUTEX_WAIT. */
  lock: number | undefined;
  /** In FUTEX_WAIT_REQUEUE_PI: the lock it is to be moved to. */
  readonly target: { readonly key: Key; readonly address: number } | undefined;
  woken = false;

  constructor(task: Task, key: Key, bitset: number, lock?: number, target?: FutexWaiter['target']) {
    this.target = target;
    this.task = task;
    this.#futexes = task.kernel.futexes;
    this.key = key;
    this.bitset = bitset;
    this.lock = lock;
    this.#futexes.add(this);
  }

  wake(): void {
    this[Symbol.dispose]();
    this.woken = true;
    this.task.wake();
  }

  [Symbol.dispose](): void {
    this.#futexes.remove(this);
  }
}

/** The waiters of a run. */
export class Futexes {
  readonly #queues = new Map<Key, FutexWaiter[]>();
  /** Those in FUTEX_LOCK_PI. */
  readonly #lockWaiters = new Set<FutexWaiter>();
  /** What keys call a memory, or a file that has no name for it. */
  readonly #names = new WeakMap<object, number>();
  #lastName = 0;

  add(waiter: FutexWaiter): void {
    if (waiter.lock !== undefined) this.#lockWaiters.add(waiter);
    this.#append(waiter.key, [waiter]);
  }
  remove(waiter: FutexWaiter): void {
    this.#lockWaiters.delete(waiter);
    const queue = this.#queues.get(waiter.key);
    const at = queue?.indexOf(waiter) ?? -1;
    if (at < 0) return;
    if (queue!.length === 1) this.#queues.delete(waiter.key);
    else queue!.splice(at, 1);
  }
  #append(key: Key, waiters: FutexWaiter[]): void {
    const queue = this.#queues.get(key);
    if (queue) queue.push(...waiters);
    else if (waiters.length > 0) this.#queues.set(key, waiters);
  }

  /** Makes the first that waits for a lock (FUTEX_LOCK_PI) its owner; false when nobody waits. */
  handOver(key: Key, flags = 0): boolean {
    const queue = this.#queues.get(key);
    const next = queue?.[0];
    if (next?.lock === undefined) return false;
    const others = queue!.length > 1 ? FUTEX_WAITERS : 0;
    const { space, view } = next.task.mm;
    // Where the memory has gone meanwhile the waiter is told so when it looks again.
    if (space.check(next.lock, 4, WRITE)) view.setUint32(next.lock, next.task.number | others | flags, true);
    next.wake();
    return true;
  }

  /** A thread ends: locks it still holds that others wait for in FUTEX_LOCK_PI go to them (exit_pi_state_list). */
  exitLocks(t: Task): void {
    for (const { task, lock, key } of [...this.#lockWaiters]) {
      const { space, view } = task.mm;
      if (!space.check(lock!, 4, READ)) continue;
      if ((view.getUint32(lock!, true) & FUTEX_TID_MASK) === t.number) this.handOver(key, FUTEX_OWNER_DIED);
    }
  }

  /**
   * Throws EINVAL for an unaligned word, EFAULT for one that can be nobody's, or is shared and cannot be read: of a private one
   * the address is all that counts (get_futex_key).
   */
  key(mm: Mm, address: number, isPrivate: boolean): Key {
    if (address & 3) fail('EINVAL');
    if (address + 4 > USER_END) fail('EFAULT');
    if (!isPrivate) {
      if (!mm.space.check(address, 4, READ)) fail('EFAULT');
      const vma = mm.space.find(address);
      if (vma?.shared && vma.source) {
        const offset = vma.offset + (address - vma.start);
        return `s${vma.source.key ?? this.#nameOf(vma.source)}:${offset}`;
      }
      // A page of nobody else's that cannot be written will never change.
      if (!mm.space.check(address, 4, WRITE)) fail('EFAULT');
    }
    return `p${this.#nameOf(mm)}:${address}`;
  }

  #nameOf(of: Mm | PageSource): number {
    let name = this.#names.get(of);
    if (name === undefined) this.#names.set(of, (name = ++this.#lastName));
    return name;
  }

  /** Wakes up to `count` waiters whose bitset meets; gives how many. */
  wake(key: Key, count: number, bitset = 0xffff_ffff): number {
    const queue = this.#queues.get(key);
    if (queue === undefined) return 0;
    let woken = 0;
    for (const waiter of [...queue]) {
      if (woken >= count) break;
      // Who waits to be moved to a lock is not woken so.
      if (waiter.target !== undefined) fail('EINVAL');
      if ((waiter.bitset & bitset) === 0) continue;
      waiter.wake();
      woken++;
    }
    return woken;
  }

  /** Moves up to `count` waiters to another key; gives how many. */
  requeue(from: Key, to: Key, count: number): number {
    const queue = this.#queues.get(from);
    if (queue === undefined || from === to) return 0;
    if (queue.slice(0, count).some(({ target }) => target !== undefined)) fail('EINVAL');
    const moved = queue.splice(0, count);
    if (queue.length === 0) this.#queues.delete(from);
    for (const waiter of moved) waiter.key = to;
    this.#append(to, moved);
    return moved.length;
  }

  /**
   * FUTEX_CMP_REQUEUE_PI: moves up to `count` waiters to the lock that they wait to be moved to; the first of them gets it at
   * once when it is free. Gives how many. EINVAL when one waits for anything else.
   */
  requeueToLock(from: Key, to: Key, count: number): number {
    const waiters = (this.#queues.get(from) ?? []).slice(0, count);
    if (waiters.some(({ target }) => target?.key !== to)) fail('EINVAL');
    for (const waiter of waiters) {
      const { address } = waiter.target!;
      const { space, view } = waiter.task.mm;
      if (!space.check(address, 4, WRITE)) continue;
      const value = view.getUint32(address, true);
      if ((value & FUTEX_TID_MASK) === 0) {
        view.setUint32(address, (value & FUTEX_OWNER_DIED) | waiter.task.number, true);
        waiter.wake();
        continue;
      }
      view.setUint32(address, value | FUTEX_WAITERS, true);
      this.remove(waiter);
      waiter.key = to;
      waiter.lock = address;
      this.add(waiter);
    }
    return waiters.length;
  }
}

/** Wakes waiters on a word, private or shared (as for clear_child_tid). */
export function wakeAddress(t: Task, address: number, count: number): void {
  const { futexes } = t.kernel;
  const shared = futexes.key(t.mm, address, false);
  const own = futexes.key(t.mm, address, true);
  const woken = futexes.wake(shared, count);
  if (own !== shared && woken < count) futexes.wake(own, count - woken);
}

/**
 * A thread ends holding robust mutexes: marks each FUTEX_OWNER_DIED and wakes a waiter (exit_robust_list). struct
 * robust_list_head: list.next, futex_offset, list_op_pending.
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
  if ((value & FUTEX_TID_MASK) !== t.number) return;
  view.setUint32(address, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, true);
  if (value & FUTEX_WAITERS) wakeAddress(t, address, 1);
}
