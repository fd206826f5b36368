/**
 * Futexes (futex(2), kernel/futex.c): waiters by key. A private futex is its address in one memory; one in a shared mapping is
 * its place in the mapped file, so that processes that map it at different addresses meet.
 */
import type { PageSource } from '../../emu/memory/address-space.ts';
import { READ, USER_END, WRITE } from '../../emu/memory/layout.ts';
import { Errno, fail } from '../abi/errno.ts';
import { u32 } from '../abi/struct.ts';
import type { Mm } from './mm.ts';
import type { Task } from './task.ts';

export const FUTEX_WAITERS = 0x8000_0000;
export const FUTEX_OWNER_DIED = 0x4000_0000;
export const FUTEX_TID_MASK = 0x3fff_ffff;
const ROBUST_LIST_LIMIT = 2048;

type Key = string;

/** A lock that somebody waits for (struct futex_pi_state): whose it is. All its waiters have the same. */
export interface LockState {
  owner: Task;
}

/** A task asleep in FUTEX_WAIT or FUTEX_LOCK_PI; its callState, so that it leaves the queue however the call ends. */
export class FutexWaiter implements Disposable {
  readonly task: Task;
  readonly #futexes: Futexes;
  key: Key;
  readonly bitset: number;
  /** The lock it waits for, and its address; undefined in FUTEX_WAIT. */
  lock: { readonly state: LockState; readonly address: number } | undefined;
  /** In FUTEX_WAIT_REQUEUE_PI: the lock it is to be moved to. */
  readonly target: { readonly key: Key; readonly address: number } | undefined;
  woken = false;

  constructor(
    task: Task,
    key: Key,
    bitset: number,
    lock?: FutexWaiter['lock'],
    target?: FutexWaiter['target'],
  ) {
    this.target = target;
    this.task = task;
    this.#futexes = task.kernel.futexes;
    this.key = key;
    this.bitset = bitset;
    this.lock = lock;
    this.#futexes.add(this);
  }

  /** It waits for a lock, or to be moved to one: not to be woken or moved as others are. */
  get isForLock(): boolean {
    return this.lock !== undefined || this.target !== undefined;
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
  /** Those who wait for a lock. */
  readonly #lockWaiters = new Set<FutexWaiter>();
  /** What keys call a memory, or a file that has no name for it. */
  readonly #names = new WeakMap<object, number>();
  #lastName = 0;

  add(waiter: FutexWaiter): void {
    if (waiter.lock !== undefined) this.#lockWaiters.add(waiter);
    const queue = this.#queues.get(waiter.key);
    if (queue) queue.push(waiter);
    else this.#queues.set(waiter.key, [waiter]);
  }
  remove(waiter: FutexWaiter): void {
    this.#lockWaiters.delete(waiter);
    const queue = this.#queues.get(waiter.key);
    const at = queue?.indexOf(waiter) ?? -1;
    if (at < 0) return;
    if (queue!.length === 1) this.#queues.delete(waiter.key);
    else queue!.splice(at, 1);
  }
  #move(waiter: FutexWaiter, to: Key, lock?: FutexWaiter['lock']): void {
    this.remove(waiter);
    waiter.key = to;
    waiter.lock = lock;
    this.add(waiter);
  }

  /**
   * Takes the lock at an address of a caller's memory for a task; gives undefined when it has been got, else the lock as all who
   * wait for it have it (futex_lock_pi_atomic). With `others` somebody will wait for it. EFAULT, EDEADLK, EINVAL when the word
   * does not say what its waiters wait for, ESRCH when its owner is nobody.
   */
  takeLock(caller: Task, key: Key, address: number, task: Task, others = false): LockState | undefined {
    const { mm } = caller;
    const value = mm.get(u32, address);
    const owner = value & FUTEX_TID_MASK;
    if (owner === task.number) fail('EDEADLK');
    const first = this.#queues.get(key)?.[0];
    if (first !== undefined) {
      const { state } = first.lock ?? fail('EINVAL');
      const isLeft = (value & FUTEX_OWNER_DIED) !== 0 && owner === 0;
      return isLeft || owner === state.owner.number ? state : fail('EINVAL');
    }
    const taken = (value & FUTEX_OWNER_DIED) | task.number | (others ? FUTEX_WAITERS : 0);
    mm.put(u32, address, (owner === 0 ? taken : value | FUTEX_WAITERS) >>> 0);
    if (owner === 0) return undefined;
    return { owner: caller.kernel.tasks.get(caller.process.pids.pidOf(owner)) ?? fail('ESRCH') };
  }

  /**
   * Makes the first that waits for a lock (FUTEX_LOCK_PI) its owner; false when nobody waits. EINVAL when what waits there waits
   * for no lock, or for that of another owner.
   */
  handOver(key: Key, owner: Task, flags = 0): boolean {
    const next = this.#queues.get(key)?.[0];
    if (next === undefined) return false;
    const { state, address } = next.lock ?? fail('EINVAL');
    if (state.owner !== owner) fail('EINVAL');
    const { space, view } = next.task.mm;
    const value = (next.task.number | FUTEX_WAITERS | flags) >>> 0;
    // Where the memory has gone meanwhile the waiter is told so when it looks again.
    if (space.check(address, 4, WRITE)) view.setUint32(address, value, true);
    state.owner = next.task;
    next.wake();
    return true;
  }

  /** A thread ends: locks it still holds that others wait for in FUTEX_LOCK_PI go to them (exit_pi_state_list). */
  exitLocks(t: Task): void {
    for (const { lock, key } of [...this.#lockWaiters]) {
      if (lock!.state.owner === t) this.handOver(key, t, FUTEX_OWNER_DIED);
    }
  }

  /**
   * Throws EINVAL for an unaligned word, EFAULT for one that can be nobody's, or is not private and cannot be accessed so, READ
   * or WRITE: of a private one the address is all that counts. A word in memory of one's own has two keys, and who waits by the
   * one is not woken by the other (get_futex_key).
   */
  key(mm: Mm, address: number, isPrivate: boolean, access: typeof READ | typeof WRITE = READ): Key {
    if (address & 3) fail('EINVAL');
    if (address + 4 > USER_END) fail('EFAULT');
    if (isPrivate) return `p${this.#nameOf(mm)}:${address}`;
    if (!mm.space.check(address, 4, access)) fail('EFAULT');
    const vma = mm.space.find(address);
    if (vma?.shared && vma.source) {
      const offset = vma.offset + (address - vma.start);
      return `s${vma.source.key ?? this.#nameOf(vma.source)}:${offset}`;
    }
    // A page of nobody else's that cannot be written will never change.
    if (!mm.space.check(address, 4, WRITE)) fail('EFAULT');
    return `m${this.#nameOf(mm)}:${address}`;
  }

  #nameOf(of: Mm | PageSource): number {
    let name = this.#names.get(of);
    if (name === undefined) this.#names.set(of, (name = ++this.#lastName));
    return name;
  }

  /** Wakes up to `count` waiters whose bitset meets; gives how many. EINVAL at one that waits for a lock. */
  wake(key: Key, count: number, bitset = 0xffff_ffff): number {
    let woken = 0;
    for (const waiter of [...(this.#queues.get(key) ?? [])]) {
      if (woken >= count) break;
      if (waiter.isForLock) fail('EINVAL');
      if ((waiter.bitset & bitset) === 0) continue;
      waiter.wake();
      woken++;
    }
    return woken;
  }

  /** Wakes up to `wakes` waiters, and moves up to `count` more to another key; gives how many in all. EINVAL as for wake. */
  requeue(from: Key, to: Key, wakes: number, count: number): number {
    let done = 0;
    for (const waiter of [...(this.#queues.get(from) ?? [])]) {
      if (done - wakes >= count) break;
      if (waiter.isForLock) fail('EINVAL');
      if (++done <= wakes) waiter.wake();
      else if (from !== to) this.#move(waiter, to);
    }
    return done;
  }

  /**
   * FUTEX_CMP_REQUEUE_PI: the first of those that wait to be moved to a lock gets it when it is free; the others, up to so many
   * more than one with it, wait for it from now on. Gives how many; EINVAL at one that waits for anything else; as takeLock.
   */
  requeueToLock(caller: Task, from: Key, to: Key, address: number, count: number): number {
    const waiters = [...(this.#queues.get(from) ?? [])];
    caller.mm.get(u32, address);
    const [first] = waiters;
    if (first === undefined) return 0;
    const check = ({ target, lock }: FutexWaiter) => {
      if (target?.key !== to || lock !== undefined) fail('EINVAL');
    };
    check(first);
    let state = this.takeLock(caller, to, address, first.task, count > 0);
    let done = 0;
    if (state === undefined) {
      state = { owner: first.task };
      waiters.shift();
      first.wake();
      done++;
    }
    for (const waiter of waiters) {
      if (done - 1 >= count) break;
      check(waiter);
      this.#move(waiter, to, { state, address: waiter.target!.address });
      done++;
    }
    return done;
  }
}

/** Wakes waiters on a word that others may have, too; whatever comes of it (as for clear_child_tid). */
export function wakeAddress(t: Task, address: number, count: number): void {
  const { futexes } = t.kernel;
  try {
    futexes.wake(futexes.key(t.mm, address, false), count);
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
  }
}

/**
 * A thread ends holding robust mutexes: marks each FUTEX_OWNER_DIED and wakes a waiter (exit_robust_list). struct
 * robust_list_head: list.next, futex_offset, list_op_pending; bit 0 of an entry says that it is a lock of FUTEX_LOCK_PI.
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
  const at = (of: number) => (of & ~1) >>> 0;
  const die = (of: number, isPending: boolean) =>
    handleFutexDeath(t, (at(of) + offset) >>> 0, (of & 1) !== 0, isPending);
  let limit = ROBUST_LIST_LIMIT;
  while (at(entry) !== head && limit-- > 0) {
    const next = word(at(entry));
    if (at(entry) !== at(pending) && !die(entry, false)) return;
    if (next === undefined) return;
    entry = next;
  }
  if (at(pending) !== 0) die(pending, true);
}

/** False when the word cannot be got at. */
function handleFutexDeath(t: Task, address: number, isLock: boolean, isPending: boolean): boolean {
  const { space, view } = t.mm;
  if (address & 3 || !space.check(address, 4, READ)) return false;
  const value = view.getUint32(address, true);
  const owner = value & FUTEX_TID_MASK;
  // It was unlocked, but perhaps nobody woken.
  if (isPending && !isLock && owner === 0) wakeAddress(t, address, 1);
  if (owner !== t.number) return true;
  if (!space.check(address, 4, WRITE)) return false;
  view.setUint32(address, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0, true);
  // Who waits for a lock gets it (exitLocks).
  if (!isLock && value & FUTEX_WAITERS) wakeAddress(t, address, 1);
  return true;
}
