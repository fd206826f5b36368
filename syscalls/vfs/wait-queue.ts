/**
 * A wait queue: where tasks wait for something to become true (data in a pipe, a child's exit, a timer). Waiting and being woken promise nothing: whoever
 * is woken looks again and, if need be, waits again. So a wake-up too many is harmless and one too few is the only bug.
 *
 * It stands here, below the kernel, because files own queues; it knows nothing of tasks.
 */

export interface Waiter {
  wake(): void;
}

export class WaitQueue {
  #waiters = new Set<Waiter>();

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  get empty(): boolean {
    return this.#waiters.size === 0;
  }

  /** Wakes everybody. A waiter that adds itself again meanwhile waits for the next time. */
  wakeAll(): void {
    if (this.#waiters.size === 0) return;
    const woken = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of woken) waiter.wake();
  }
}
