/**
 * Signals sent and not yet delivered (Linux's sigpending): one queue per task and one per process. A standard signal is queued
 * once, real-time signals (32..64) as often as sent (signal(7), "Queueing and delivery semantics").
 */
import { SI, SIGRTMIN, type SigInfo, type SigSet, SYNCHRONOUS, sigmask } from '../abi/signal.ts';
import type { WaitQueue } from '../vfs/core/wait-queue.ts';

/** How many signals are queued for each user, timers included (RLIMIT_SIGPENDING counts by real uid). */
export class QueuedSignals {
  readonly #count = new Map<number, number>();

  of(uid: number): number {
    return this.#count.get(uid) ?? 0;
  }
  /** One more for a user; false when that would be more than the limit. */
  charge(uid: number, limit: number): boolean {
    const count = this.of(uid) + 1;
    if (count > limit) return false;
    this.#count.set(uid, count);
    return true;
  }
  uncharge(uid: number): void {
    const count = this.of(uid) - 1;
    if (count > 0) this.#count.set(uid, count);
    else this.#count.delete(uid);
  }
}

interface Entry {
  readonly info: SigInfo;
  /** Whose limit it counts against; undefined for a timer's, which counts as long as the timer is. */
  readonly uid: number | undefined;
}

export class SignalQueue {
  /** Signals that are pending. One without an entry is told without what was to be said of it. */
  set: SigSet = 0n;
  #entries: Entry[] = [];
  readonly #arrivals: WaitQueue;
  readonly #queued: QueuedSignals;
  readonly #onLeave: ((signo: number) => void) | undefined;

  /**
   * @param arrivals woken by every signal that is queued
   * @param onLeave called with each signal that is taken or forgotten
   */
  constructor(arrivals: WaitQueue, queued: QueuedSignals, onLeave?: (signo: number) => void) {
    this.#onLeave = onLeave;
    this.#arrivals = arrivals;
    this.#queued = queued;
  }

  /** False when a standard signal was pending already and this one is lost. The caller has charged `uid`. */
  push(info: SigInfo, uid?: number): boolean {
    // A timer's is queued beside one that is pending (send_sigqueue).
    if (!this.raise(info.signo) && info.code !== SI.SI_TIMER) {
      if (uid !== undefined) this.#queued.uncharge(uid);
      return false;
    }
    this.#entries.push({ info, uid });
    return true;
  }

  /** A signal of which nothing is kept but that it came. False when it was pending already. */
  raise(signo: number): boolean {
    const bit = sigmask(signo);
    if (signo < SIGRTMIN && (this.set & bit) !== 0n) return false;
    this.set |= bit;
    this.#arrivals.wakeAll();
    return true;
  }

  /** Takes the next signal out of `wanted`: synchronous ones first, then the lowest number, then the oldest. */
  take(wanted: SigSet): SigInfo | undefined {
    let ready = this.set & wanted;
    if (ready === 0n) return undefined;
    if ((ready & SYNCHRONOUS) !== 0n) ready &= SYNCHRONOUS;
    let signo = 1;
    while ((ready & sigmask(signo)) === 0n) signo++;
    const at = this.#entries.findIndex((e) => e.info.signo === signo);
    const [entry] = at < 0 ? [] : this.#entries.splice(at, 1);
    if (!this.#entries.some((e) => e.info.signo === signo)) this.set &= ~sigmask(signo);
    if (entry === undefined) {
      this.#onLeave?.(signo);
      return { signo, code: SI.SI_USER, pid: 0, uid: 0 };
    }
    this.#left(entry);
    return entry.info;
  }

  #left({ info, uid }: Entry): void {
    if (uid !== undefined) this.#queued.uncharge(uid);
    info.onLeave?.();
    this.#onLeave?.(info.signo);
  }

  /** Forgets all signals of the set (flush_sigqueue_mask). */
  discard(set: SigSet): void {
    if ((this.set & set) === 0n) return;
    this.set &= ~set;
    const gone = this.#entries.filter((e) => (set & sigmask(e.info.signo)) !== 0n);
    this.#entries = this.#entries.filter((e) => !gone.includes(e));
    for (const entry of gone) this.#left(entry);
  }
}
