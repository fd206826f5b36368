/**
 * Tracing (ptrace(2); kernel/ptrace.c): who traces whom, and the stops of a traced task. A stop interrupts whatever the kernel
 * was doing for the task, so what is left of that is kept as `resume` and done when the tracer lets the task go on.
 *
 * Simpler than Linux in one point: a tracer is a process, any thread of which may make requests.
 */
import { SI, SIG, type SigInfo } from '../abi/signal.ts';
import type { Process } from './process.ts';
import { sendToProcess } from './signals.ts';
import type { Task } from './task.ts';

export const PTRACE_EVENT = {
  FORK: 1,
  VFORK: 2,
  CLONE: 3,
  EXEC: 4,
  VFORK_DONE: 5,
  EXIT: 6,
  STOP: 128,
} as const;

export const PTRACE_O = {
  PTRACE_O_TRACESYSGOOD: 1,
  PTRACE_O_TRACEFORK: 2,
  PTRACE_O_TRACEVFORK: 4,
  PTRACE_O_TRACECLONE: 8,
  PTRACE_O_TRACEEXEC: 16,
  PTRACE_O_TRACEVFORKDONE: 32,
  PTRACE_O_TRACEEXIT: 64,
  PTRACE_O_EXITKILL: 1 << 20,
} as const;

export interface TraceStop {
  /** Signal in the low byte, event above it: what WSTOPSIG gives, and status >> 16. */
  readonly code: number;
  /** PTRACE_GETSIGINFO; the tracer may change it. */
  info: SigInfo;
  readonly kind: 'signal' | 'entry' | 'exit' | 'event' | 'group';
  reported: boolean;
  /** Goes on with the signal the tracer gave, 0 for none; answers whether the task may run in the guest. */
  readonly resume: (signal: number, info: SigInfo) => boolean;
}

/** How a task is traced. */
export interface Trace {
  tracer: Process;
  readonly seized: boolean;
  options: number;
  /** Stops at system calls (PTRACE_SYSCALL). */
  syscalls: boolean;
  /** PTRACE_INTERRUPT was asked for. */
  interrupt: boolean;
  message: number;
  stop: TraceStop | undefined;
}

/** An event that the call under way has caused, to be told before it returns. */
export interface TraceEvent {
  event: number;
  message: number;
}

export function startTrace(t: Task, tracer: Process, seized: boolean, options = 0): void {
  t.trace = { tracer, seized, options, syscalls: false, interrupt: false, message: 0, stop: undefined };
  t.process.onSignals?.();
  tracer.tracees.add(t);
}

/** The task stops until its tracer resumes it. Always gives false: it may not run. */
export function traceStop(
  t: Task,
  kind: TraceStop['kind'],
  code: number,
  info: SigInfo,
  resume: (signal: number, info: SigInfo) => boolean,
): false {
  const trace = t.trace!;
  trace.stop = { kind, code, info, resume, reported: false };
  t.state = 'traced';
  t.notify = true;
  const { tracer } = trace;
  sendToProcess(tracer, {
    signo: SIG.SIGCHLD,
    code: SI.CLD_TRAPPED,
    pid: t.tid,
    uid: t.creds.uid,
    status: code & 0x7f,
  });
  tracer.childQueue.wakeAll();
  return false;
}

/** An event stop: SIGTRAP with the event in the second byte. */
export function eventStop(t: Task, event: number, message: number, resume: () => boolean): false {
  t.trace!.message = message;
  const info = { signo: SIG.SIGTRAP, code: SIG.SIGTRAP | (event << 8), pid: t.tid, uid: t.creds.uid };
  return traceStop(t, 'event', SIG.SIGTRAP | (event << 8), info, resume);
}

/** Stops at entry to or exit from a system call. */
export function syscallStop(t: Task, kind: 'entry' | 'exit', resume: () => boolean): false {
  const good = t.trace!.options & PTRACE_O.PTRACE_O_TRACESYSGOOD ? 0x80 : 0;
  // The compiler's scratch register tells entry from exit, as on hardware (tracehook_report_syscall).
  const ip = t.cpu.r[12]!;
  t.cpu.r[12] = kind === 'entry' ? 0 : 1;
  const code = SIG.SIGTRAP | good;
  return traceStop(t, kind, code, { signo: SIG.SIGTRAP, code, pid: t.tid, uid: t.creds.uid }, (signal) => {
    t.cpu.r[12] = ip;
    if (signal !== 0) t.injectSignal(signal);
    return resume();
  });
}

/** Lets a stopped tracee go on. */
export function resumeTracee(t: Task, signal: number): void {
  const trace = t.trace!;
  const { stop } = trace;
  trace.stop = undefined;
  t.onResume = () => stop!.resume(signal, stop!.info);
  t.state = 'runnable';
  t.notify = true;
  t.kernel.scheduler.enqueue(t);
}

/** Ends tracing (PTRACE_DETACH, end of the tracer). A stopped task goes on. */
export function detach(t: Task, signal: number): void {
  const { trace } = t;
  if (trace === undefined) return;
  trace.tracer.tracees.delete(t);
  if (trace.stop !== undefined) resumeTracee(t, signal);
  t.trace = undefined;
}

/** The tracer has ended: its tracees are free, or killed when it wished so. */
export function tracerEnded(p: Process): void {
  for (const t of [...p.tracees]) {
    const kill = (t.trace!.options & PTRACE_O.PTRACE_O_EXITKILL) !== 0;
    detach(t, 0);
    if (kill) sendToProcess(t.process, { signo: SIG.SIGKILL, code: SI.SI_KERNEL, pid: 0, uid: 0 });
  }
}

/** A traced task has ended: a tracer that is not the parent (or whose tracee is no leader) is told once. */
export function traceeEnded(t: Task, status: number): void {
  const { trace } = t;
  if (trace === undefined) return;
  const { tracer } = trace;
  tracer.tracees.delete(t);
  t.trace = undefined;
  const isChild = t === t.process.leader && t.process.parent === tracer;
  if (isChild || tracer.zombie) return;
  tracer.endedTracees.push({
    tid: t.tid,
    number: tracer.pids.numberOf(t.tid),
    pgid: t.process.pgid,
    status,
  });
  const killed = (status & 0x7f) !== 0;
  sendToProcess(tracer, {
    signo: SIG.SIGCHLD,
    code: !killed ? SI.CLD_EXITED : status & 0x80 ? SI.CLD_DUMPED : SI.CLD_KILLED,
    pid: t.tid,
    uid: t.creds.uid,
    status: killed ? status & 0x7f : status >> 8,
  });
  tracer.childQueue.wakeAll();
}
