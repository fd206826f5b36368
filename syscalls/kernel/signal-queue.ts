/**
 * Signals sent and not yet delivered (Linux's sigpending): one queue per task and one per process. A standard signal is queued once,
 * real-time signals (32..64) as often as sent (signal(7), "Queueing and delivery semantics").
 */
import { SIGRTMIN, type SigInfo, type SigSet, SYNCHRONOUS, sigmask } from '../abi/signal.ts';
import type { WaitQueue } from '../vfs/core/wait-queue.ts';

export class SignalQueue {
  /** Signals with at least one entry. */
  set: SigSet = 0n;
  #entries: SigInfo[] = [];
  readonly #arrivals: WaitQueue;

  /** @param arrivals woken by every signal that is queued */
  constructor(arrivals: WaitQueue) {
    this.#arrivals = arrivals;
  }

  /** False when a standard signal was pending already and this one is lost. */
  push(info: SigInfo): boolean {
    const bit = sigmask(info.signo);
    if (info.signo < SIGRTMIN && (this.set & bit) !== 0n) return false;
    this.set |= bit;
    this.#entries.push(info);
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
    const at = this.#entries.findIndex((e) => e.signo === signo);
    const [info] = this.#entries.splice(at, 1);
    if (!this.#entries.some((e) => e.signo === signo)) this.set &= ~sigmask(signo);
    return info;
  }

  /** The entry of a timer, which counts overruns instead of queueing twice. */
  findTimer(timerid: number): SigInfo | undefined {
    return this.#entries.find((e) => e.timerid === timerid);
  }

  /** Forgets all signals of the set (flush_sigqueue_mask). */
  discard(set: SigSet): void {
    if ((this.set & set) === 0n) return;
    this.set &= ~set;
    this.#entries = this.#entries.filter((e) => (set & sigmask(e.signo)) === 0n);
  }
}
