/**
 * Sending signals, and what they do at once: stopping and continuing (kernel/signal.c). They are delivered when a task returns to
 * the guest (signal-delivery.ts).
 */
import { RLIMIT } from '../abi/resource.ts';
import {
  SA,
  SI,
  SIG,
  SIG_DFL,
  SIG_IGN,
  SIGRTMIN,
  type SigInfo,
  STOP_SIGNALS,
  sigmask,
  UNBLOCKABLE,
} from '../abi/signal.ts';
import { FIRST_USER_NAMESPACE } from '../vfs/core/user-namespace.ts';
import type { Process } from './process.ts';
import type { SignalQueue } from './signal-queue.ts';
import type { Task } from './task.ts';

/** Sends to one thread (tgkill, faults). False when RLIMIT_SIGPENDING does not allow it (EAGAIN). */
export function sendToTask(t: Task, info: SigInfo): boolean {
  const seen = seenBy(t, info);
  if (t.state === 'dead' || !prepare(t.process, t, seen)) return true;
  const sent = enqueue(t.pending, t, seen);
  if (sent) notify(t, info.signo);
  return sent !== undefined;
}

/**
 * Puts a signal into a queue: true when it is new there, false when it was pending, undefined when it must not be. Over
 * RLIMIT_SIGPENDING a signal loses what is said of it; a real-time one that was sent by sigqueue is refused
 * (__send_signal_locked).
 */
function enqueue(queue: SignalQueue, to: Task, info: SigInfo): boolean | undefined {
  const { signo, code } = info;
  if (code === SI.SI_TIMER) return queue.push(info);
  if (signo < SIGRTMIN && (queue.set & sigmask(signo)) !== 0n) return false;
  const limit = to.process.limits[RLIMIT.RLIMIT_SIGPENDING]!.cur;
  const { uid } = to.creds;
  const { queuedSignals } = to.kernel;
  if (queuedSignals.charge(uid, signo < SIGRTMIN && code >= 0 ? Infinity : limit))
    return queue.push(info, uid);
  if (signo >= SIGRTMIN && code !== SI.SI_USER && code !== SI.SI_KERNEL) return undefined;
  return queue.raise(signo);
}

/**
 * Sends to a process: any thread that does not block it may take it (kill, timers, SIGCHLD). False when RLIMIT_SIGPENDING does
 * not allow it (EAGAIN).
 */
export function sendToProcess(p: Process, info: SigInfo): boolean {
  const seen = seenBy(p.leader, info);
  if (p.zombie || !prepare(p, p.leader, seen)) return true;
  const sent = enqueue(p.pending, p.leader, seen);
  if (!sent) return sent !== undefined;
  // The main thread if it will take it, else any other (complete_signal).
  const bit = sigmask(info.signo);
  const takes = (t: Task) => t.state !== 'dead' && ((t.blocked & bit) === 0n || waitsFor(t, info.signo));
  const t = takes(p.leader) ? p.leader : [...p.threads].find(takes);
  if (t) notify(t, info.signo);
  return true;
}

/** A signal from the kernel to a whole process, as from kill by nobody. */
export function signalProcess(p: Process, signo: number): void {
  sendToProcess(p, { signo, code: SI.SI_KERNEL, pid: 0, uid: 0 });
}

/** Wakes a thread that is to take a signal. */
function notify(t: Task, signo: number): void {
  if (t.state === 'traced' && signo === SIG.SIGKILL) {
    // Nothing of what the stop interrupted is done any more.
    t.trace!.stop = undefined;
    t.onResume = () => true;
    t.state = 'runnable';
    t.notify = true;
    t.kernel.scheduler.enqueue(t);
    return;
  }
  if ((t.blocked & sigmask(signo)) !== 0n && !waitsFor(t, signo)) return;
  t.notify = true;
  t.wake();
}

/** sigtimedwait waits for signals that are blocked. */
function waitsFor(t: Task, signo: number): boolean {
  return (t.awaited & sigmask(signo)) !== 0n;
}

/**
 * What a signal does at once, even when blocked or ignored: SIGCONT continues and forgets stops, stops forget SIGCONT
 * (prepare_signal). False when the signal is ignored and need not be queued.
 */
function prepare(p: Process, t: Task, info: SigInfo): boolean {
  const { signo } = info;
  if (p.unkillable || (p.shielded && isShielded(t, info))) return false;
  const bit = sigmask(signo);
  if ((STOP_SIGNALS & bit) !== 0n) discardEverywhere(p, sigmask(SIG.SIGCONT));
  else if (signo === SIG.SIGCONT) {
    discardEverywhere(p, STOP_SIGNALS);
    continueProcess(p);
  } else if (signo === SIG.SIGKILL) continueProcess(p, true);
  if (signo === SIG.SIGKILL) return true;
  // Blocked signals are kept even when ignored: the action may change before they are unblocked.
  if ((t.blocked & bit) !== 0n || t.trace !== undefined) return true;
  return !t.sighand.ignores(signo);
}

/** Of what process 1 of a namespace has no handler for, only what nobody can handle is sent to it, and only from above. */
function isShielded(t: Task, { signo, code, pid }: SigInfo): boolean {
  const bit = sigmask(signo);
  const isKillOrStop = (UNBLOCKABLE & bit) !== 0n;
  if (isKillOrStop) return code !== SI.SI_KERNEL && pid !== 0;
  return (t.blocked & bit) === 0n && t.trace === undefined && t.sighand.get(signo).handler === SIG_DFL;
}

/** The sender as the receiver knows it, by numbers of its namespaces: pid 0 of one from above (__send_signal_locked). */
function seenBy({ process, creds }: Task, info: SigInfo): SigInfo {
  const { pid, uid = 0, code } = info;
  if (pid === undefined || code === SI.SI_KERNEL) return info;
  if (process.pids.parent === undefined && creds.user === FIRST_USER_NAMESPACE) return info;
  return { ...info, pid: process.pids.numberOf(pid), uid: creds.user.uids.shown(uid) };
}

function discardEverywhere(p: Process, set: bigint): void {
  p.pending.discard(set);
  for (const t of p.threads) t.pending.discard(set);
}

/** Forgets pending signals that have become ignored (sigaction(2); POSIX 3.3.1.3). */
export function discardIgnored(p: Process, signo: number): void {
  discardEverywhere(p, sigmask(signo));
}

/** A fault of the thread's own: cannot be blocked or ignored (force_sig_info). */
export function forceSignal(t: Task, info: SigInfo): void {
  const { signo } = info;
  const action = t.sighand.get(signo);
  const blocked = (t.blocked & sigmask(signo)) !== 0n;
  if (blocked || action.handler === SIG_IGN) {
    t.sighand.set(signo, { ...action, handler: SIG_DFL });
    t.blocked &= ~sigmask(signo);
  }
  if (info.trapNo !== undefined) {
    t.lastFault = { trapNo: info.trapNo, errorCode: info.errorCode ?? 0, address: info.addr ?? 0 };
  }
  // Its own fault ends process 1 of a namespace, too.
  if (t.sighand.get(signo).handler === SIG_DFL) t.process.shielded = false;
  t.pending.push(info);
  t.notify = true;
}

// ---- stop and continue ----

/** All threads of the process stop (do_signal_stop). */
export function stopProcess(p: Process, signo: number): void {
  if (p.stopped) return;
  p.stopped = true;
  p.unreportedStop = signo;
  p.unreportedContinue = false;
  for (const t of p.threads) {
    t.kernel.scheduler.dequeue(t);
    t.notify = true;
  }
  tellParent(p, SI.CLD_STOPPED, signo);
  if (p.onStop) p.kernel.afterSlice(() => p.onStop?.(signo));
}

/** SIGCONT, or SIGKILL, which only wants the threads to run so that they can end. */
function continueProcess(p: Process, silently = false): void {
  if (!p.stopped) return;
  p.stopped = false;
  p.unreportedStop = 0;
  for (const t of p.threads) if (t.state === 'runnable') t.kernel.scheduler.enqueue(t);
  if (silently) return;
  p.unreportedContinue = true;
  tellParent(p, SI.CLD_CONTINUED, SIG.SIGCONT);
}

/** SIGCHLD of a stop or continuation (do_notify_parent_cldstop). */
function tellParent(p: Process, code: number, status: number): void {
  const { parent } = p;
  if (parent === undefined) return;
  if (!(parent.leader.sighand.get(SIG.SIGCHLD).flags & SA.SA_NOCLDSTOP)) {
    sendToProcess(parent, { signo: SIG.SIGCHLD, code, pid: p.pid, uid: p.leader.creds.uid, status });
  }
  parent.childQueue.wakeAll();
}
