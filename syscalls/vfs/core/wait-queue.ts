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
  /** Hardly ever more than one or two. */
  #waiters: Waiter[] = [];

  add(waiter: Waiter): void {
    if (!this.#waiters.includes(waiter)) this.#waiters.push(waiter);
  }

  remove(waiter: Waiter): void {
    const at = this.#waiters.indexOf(waiter);
    if (at >= 0) this.#waiters.splice(at, 1);
  }

  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  /** Wakes everybody. A waiter that adds itself again meanwhile waits for the next time. */
  wakeAll(): void {
    if (this.#waiters.length === 0) return;
    const woken = this.#waiters;
    this.#waiters = [];
    for (const waiter of woken) waiter.wake();
  }
}
