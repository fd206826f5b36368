/** Taking signals on the way back to the guest: handlers, stops, ends, and what becomes of the call that was interrupted
 * (kernel/signal.c, get_signal; arch/arm/kernel/signal.c). */
import { OFF } from '../../emu/cpu-state.ts';
import { ERRNO } from '../abi/errno.ts';
import {
  IGNORED_BY_DEFAULT,
  SA,
  SI,
  SIG,
  SIG_DFL,
  SIG_IGN,
  type SigInfo,
  STOP_SIGNALS,
  sigmask,
  UNBLOCKABLE,
} from '../abi/signal.ts';
import { dumpCore } from './core-dump.ts';
import { exitGroup } from './exit.ts';
import { eventStop, PTRACE_EVENT, PTRACE_O, traceStop } from './ptrace.ts';
import { setupFrame } from './signal-frame.ts';
import type { SignalQueue } from './signal-queue.ts';
import { forceSignal, stopProcess } from './signals.ts';
import type { RestartKind, Task } from './task.ts';

/** In a status of wait4: a core file was written. */
const DUMPED = 0x80;

/** The call under way was interrupted: `deliver` decides whether it is restarted. */
export function interruptCall(t: Task, kind: RestartKind): void {
  t.interrupted = kind;
  t.notify = true;
}

/**
 * On the way back to the guest: delivers what is pending. True when the task may run on; false when it ended or stopped.
 */
export function deliver(t: Task): boolean {
  const { process } = t;
  for (;;) {
    if (t.trace?.interrupt) {
      t.trace.interrupt = false;
      return eventStop(t, PTRACE_EVENT.STOP, 0, () => deliver(t));
    }
    const info = next(t.pending, t) ?? next(process.pending, t);
    if (info === undefined) break;
    if (t.trace !== undefined && info.signo !== SIG.SIGKILL) {
      return traceStop(t, 'signal', info.signo, info, (signal, given) => {
        if (signal === 0) return deliver(t);
        return act(t, signal === given.signo ? given : { ...given, signo: signal }) && deliver(t);
      });
    }
    if (!act(t, info)) return false;
  }
  if (t.interrupted !== undefined) restart(t);
  if (t.savedBlocked !== undefined) {
    const saved = t.savedBlocked;
    t.savedBlocked = undefined;
    t.setBlocked(saved);
    if (t.signalPending) return deliver(t);
  }
  return true;
}

/** Does what the task's action for the signal is. False when it ended or stopped. */
function act(t: Task, info: SigInfo): boolean {
  const { process } = t;
  const { signo } = info;
  t.kernel.tracer?.signal(t, info);
  const action = t.sighand.get(signo);
  if (action.handler === SIG_IGN) return true;
  if (action.handler !== SIG_DFL) {
    if (t.interrupted !== undefined) restartOrEintr(t, (action.flags & SA.SA_RESTART) !== 0);
    if (!setupFrame(t, action, info)) {
      // No room for the frame: SIGSEGV, and if that was the signal, by default (force_sigsegv).
      if (signo === SIG.SIGSEGV) t.sighand.set(signo, { ...action, handler: SIG_DFL });
      forceSignal(t, { signo: SIG.SIGSEGV, code: SI.SI_KERNEL, pid: 0, uid: 0 });
      return true;
    }
    if (action.flags & SA.SA_RESETHAND) t.sighand.set(signo, { ...action, handler: SIG_DFL });
    t.savedBlocked = undefined;
    let blocked = t.blocked | action.mask;
    if (!(action.flags & SA.SA_NODEFER)) blocked |= sigmask(signo);
    t.setBlocked(blocked);
    return true;
  }
  const bit = sigmask(signo);
  if ((IGNORED_BY_DEFAULT & bit) !== 0n) return true;
  // What process 1 of a namespace had blocked.
  if (process.shielded && (UNBLOCKABLE & bit) === 0n) return true;
  if ((STOP_SIGNALS & bit) !== 0n) {
    if (signo !== SIG.SIGSTOP && t.kernel.isOrphanedGroup(process.pgid)) return true;
    if (t.trace !== undefined) {
      // The stop of the whole group, which for a traced task is its tracer's to end.
      const event = t.trace.seized ? PTRACE_EVENT.STOP << 8 : 0;
      return traceStop(t, 'group', signo | event, info, () => deliver(t));
    }
    stopProcess(process, signo);
    return false;
  }
  process.fatalSignal = info;
  process.fatalPc = t.cpu.location;
  const status = dumpCore(t, info) ? signo | DUMPED : signo;
  exitTraced(t, status, () => exitGroup(t, status));
  return false;
}

/** Ends a task; a tracer that wants to know before may look at it first. */
export function exitTraced(t: Task, status: number, exit: () => void): void {
  const { trace } = t;
  if (trace === undefined || !(trace.options & PTRACE_O.PTRACE_O_TRACEEXIT) || status === SIG.SIGKILL) {
    exit();
    return;
  }
  eventStop(t, PTRACE_EVENT.EXIT, status, () => {
    exit();
    return false;
  });
}

function next(queue: SignalQueue, t: Task): SigInfo | undefined {
  return queue.take(~t.blocked);
}

/** No handler runs: the call is made again, by its own SVC or by restart_syscall. */
function restart(t: Task): void {
  if (t.interrupted === 'ERESTART_RESTARTBLOCK') t.cpu.r[7] = 0;
  backToSvc(t);
  t.interrupted = undefined;
}

function restartOrEintr(t: Task, saRestart: boolean): void {
  const again = t.interrupted === 'ERESTARTNOINTR' || (t.interrupted === 'ERESTARTSYS' && saRestart);
  if (again) backToSvc(t);
  else t.cpu.r[0] = -ERRNO.EINTR;
  t.interrupted = undefined;
}

/** The PC goes back, and r0 is the argument it was: it is, unless a tracer has been shown the error. */
function backToSvc(t: Task): void {
  t.cpu.r[0] = t.originalR0;
  t.cpu.ru[15]! -= t.cpu.i32[OFF.thumb >> 2]! ? 2 : 4;
}
