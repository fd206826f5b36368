/** Deadlines of the kernel: a binary heap of things to be woken at a time of the monotonic clock (milliseconds, kernel.now). */

export interface Timed {
  wake(): void;
}

interface Entry {
  time: number;
  what: Timed | undefined;
}

export class Timers {
  #heap: Entry[] = [];
  #byWhat = new Map<Timed, Entry>();
  readonly #wake: (what: Timed) => void;

  /** @param wake how to wake one of them; it does not throw, lest the others sleep on */
  constructor(wake: (what: Timed) => void) {
    this.#wake = wake;
  }

  /** Wakes `what` at `time`, once. Replaces an earlier entry of it. */
  add(time: number, what: Timed): void {
    this.remove(what);
    const entry: Entry = { time, what };
    this.#byWhat.set(what, entry);
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.time <= time) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  remove(what: Timed): void {
    const entry = this.#byWhat.get(what);
    if (entry === undefined) return;
    this.#byWhat.delete(what);
    entry.what = undefined; // stays in the heap until its time or until it comes to the top
    this.#dropCancelled();
  }

  /** Time of the earliest entry; Infinity when there is none. */
  get next(): number {
    return this.#heap.length > 0 ? this.#heap[0]!.time : Infinity;
  }

  /** Wakes all whose time has come. */
  expire(now: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.time <= now) {
      const { what } = this.#pop();
      if (what === undefined) continue;
      this.#byWhat.delete(what);
      this.#wake(what);
    }
    this.#dropCancelled();
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.what === undefined) this.#pop();
  }

  #pop(): Entry {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    const length = heap.length;
    if (length > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= length) break;
        if (child + 1 < length && heap[child + 1]!.time < heap[child]!.time) child++;
        if (heap[child]!.time >= last.time) break;
        heap[i] = heap[child]!;
        i = child;
      }
      heap[i] = last;
    }
    return top;
  }
}
