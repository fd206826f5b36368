/**
 * A wait queue: where tasks wait for something to become true (data in a pipe, a child's exit, a timer). Waiting and being woken
 * promise nothing: whoever is woken looks again and, if need be, waits again. So a wake-up too many is harmless and one too few
 * is the only bug.
 *
 * It stands here, below the kernel, because files own queues; it knows nothing of tasks.
 */

export interface Waiter {
  /** @param events POLL* that may have come to hold, all when nobody says; see wakeAll */
  wake(events?: number): void;
}

/** Nobody knows what has happened: all events may hold. */
export const ANYTHING = 0xffff;

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

  /**
   * Wakes everybody. A waiter that adds itself again meanwhile waits for the next time.
   * @param events POLL* that may have come to hold: who watches a file for others need not look (ep_poll_callback)
   */
  wakeAll(events: number = ANYTHING): void {
    if (this.#waiters.length === 0) return;
    const woken = this.#waiters;
    this.#waiters = [];
    for (const waiter of woken) waiter.wake(events);
  }
}

/** A wait queue that says when somebody begins to wait. */
export class WatchedQueue extends WaitQueue {
  onWaiting: (() => void) | undefined;
  override add(waiter: Waiter): void {
    super.add(waiter);
    this.onWaiting?.();
  }
}
