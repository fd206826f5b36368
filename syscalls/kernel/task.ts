/**
 * A task: one thread of control, as in Linux (task_struct). What threads may share hangs on it by reference: process (thread
 * group), memory, files, working directory, signal handlers.
 *
 * A system call that must wait calls `wait`, which throws; the dispatcher leaves the task asleep with its registers untouched,
 * and runs the same handler again once the task is woken. If a signal is pending, `wait` throws how the call is to be restarted
 * instead (signal(7), "Interruption of system calls"), so every handler looks first whether it can complete, as Linux's
 * wait_event_interruptible does.
 */
import type { CpuState } from '../../emu/cpu-state.ts';
import { fail } from '../abi/errno.ts';
import { SI, SIG, type SigSet, sigmask, UNBLOCKABLE } from '../abi/signal.ts';
import type { Creds } from '../vfs/core/creds.ts';
import type { FdTable } from '../vfs/core/fd-table.ts';
import type { Waiter, WaitQueue } from '../vfs/core/wait-queue.ts';
import type { Network } from '../vfs/net/network.ts';
import { CpuSplit, type CpuUse, Switches } from './cpu-use.ts';
import type { FsContext } from './fs-context.ts';
import type { HwBreakpoints } from './hw-breakpoint.ts';
import type { Kernel } from './kernel.ts';
import type { Mm } from './mm.ts';
import type { NsProxy } from './nsproxy.ts';
import type { Process } from './process.ts';
import type { Trace, TraceEvent } from './ptrace.ts';
import type { SignalHandlers } from './signal-handlers.ts';
import { SignalQueue } from './signal-queue.ts';

/** Given by `sleep` and thrown by `wait`: the call goes on when the task is woken. No call gives a number so large. */
export const BLOCKED = 0x100_0000_0000;

/**
 * Thrown when a signal interrupts a call: what becomes of the call after the signal was taken (include/linux/errno.h).
 *   ERESTARTSYS: restarted if the handler has SA_RESTART or there is none, else EINTR
 *   ERESTARTNOHAND: restarted only if no handler runs
 *   ERESTARTNOINTR: always restarted
 *   ERESTART_RESTARTBLOCK: as ERESTARTNOHAND, but by restart_syscall, which runs task.restartBlock
 */
export class Restart {
  readonly kind: RestartKind;
  constructor(kind: RestartKind) {
    this.kind = kind;
  }
}
export type RestartKind = 'ERESTARTSYS' | 'ERESTARTNOHAND' | 'ERESTARTNOINTR' | 'ERESTART_RESTARTBLOCK';
const RESTART: Readonly<Record<RestartKind, Restart>> = {
  ERESTARTSYS: new Restart('ERESTARTSYS'),
  ERESTARTNOHAND: new Restart('ERESTARTNOHAND'),
  ERESTARTNOINTR: new Restart('ERESTARTNOINTR'),
  ERESTART_RESTARTBLOCK: new Restart('ERESTART_RESTARTBLOCK'),
};

/** What a task can sleep on; WaitQueue is one. */
export interface Waitable {
  add(waiter: Waiter): void;
  remove(waiter: Waiter): void;
}

export type TaskState = 'runnable' | 'sleeping' | 'traced' | 'dead';

/** What a task is made of. */
export type TaskParts = Pick<
  Task,
  'kernel' | 'tid' | 'process' | 'mm' | 'cpu' | 'fs' | 'ns' | 'files' | 'creds' | 'sighand' | 'comm'
>;

export class Task implements Waiter {
  readonly kernel: Kernel;
  /** In the first PID namespace. */
  tid: number;
  process: Process;
  mm: Mm;
  cpu: CpuState;
  fs: FsContext;
  ns: NsProxy;
  files: FdTable;
  creds: Creds;
  sighand: SignalHandlers;
  /** Name of the thread, at most 15 bytes (prctl PR_SET_NAME, /proc/PID/comm). */
  comm: string;

  /** What gettid tells it. */
  get number(): number {
    return this.process.pids.numberOf(this.tid);
  }

  /** The network that its sockets are made in. */
  get network(): Network {
    return this.ns.net;
  }

  state: TaskState = 'runnable';
  /**
   * Return to the guest must go through the kernel: a signal is pending, the task ended, slept, stopped or changed its memory.
   */
  notify = false;

  // ---- signals ----
  readonly pending: SignalQueue;
  blocked: SigSet = 0n;
  /** The mask to restore after the handler of a signal that ended sigsuspend, ppoll ... (set_restore_sigmask). */
  savedBlocked: SigSet | undefined;
  /** The last fault, as every later frame tells it (thread.trap_no, error_code, address of arch/arm). */
  lastFault = { trapNo: 0, errorCode: 0, address: 0 };
  altStack = { sp: 0, size: 0, flags: 0 };

  // ---- the system call under way ----
  /** Number of the call that sleeps, -1 when none does. */
  sleepingCall = -1;
  /**
   * What a blocked call remembers until it is run again; undefined at its first run. If it has [Symbol.dispose], that is called
   * when the call ends, however it ends.
   */
  callState: unknown;
  /** A signal broke the call: how it is to be restarted, until `deliver` has decided. */
  interrupted: RestartKind | undefined;
  /** Signals that sigtimedwait waits for though they are blocked. */
  awaited: SigSet = 0n;
  /** How it is traced; undefined when it is not. */
  trace: Trace | undefined;
  /** What a tracer has set; goes with the program (flush_ptrace_hw_breakpoint). */
  hwBreakpoints: HwBreakpoints | undefined;
  /** An event the call under way has to tell its tracer before it returns. */
  traceEvent: TraceEvent | undefined;
  /** What is left to do of what a stop interrupted; answers whether the guest's code may run. */
  onResume: (() => boolean) | undefined;
  /** r0 as it was when the last call was made. */
  originalR0 = -1;
  /** exec changed the memory: the CPU that runs must be left, though the task is runnable. */
  leaveCpu = false;
  /** What restart_syscall does (nanosleep, poll, futex with a timeout). */
  restartBlock: ((t: Task) => number) | undefined;
  #waitingOn: readonly Waitable[] = NONE;
  /** Time (kernel.now) at which a sleep ends by itself; Infinity for never. */
  deadline = Infinity;

  // ---- threads ----
  /** CLONE_CHILD_CLEARTID, set_tid_address. */
  clearChildTid = 0;
  robustList = 0;
  /** Where the parent of a vfork child waits until it executes or exits. */
  vforkDone: WaitQueue | undefined;
  parentDeathSignal = 0;
  dumpable = 1;
  noNewPrivs = false;
  /** Nanoseconds; kept for prctl only. */
  timerSlack = 50_000;
  personality = 0;
  nice = 0;
  policy = 0;
  rtPriority = 0;
  ioPriority = 0;
  /** The CPUs it may use, as bits of 32. */
  affinity = 0xffff_ffff;
  /** CPU time used, in milliseconds. */
  cpuTime = 0;
  /** About how much of it was spent in system calls; see cpuUse. */
  systemTime = 0;
  readonly #split = new CpuSplit();
  readonly switches = new Switches();
  readonly startTime: number;
  syscalls = 0;

  constructor(parts: TaskParts) {
    this.kernel = parts.kernel;
    this.pending = new SignalQueue(parts.kernel.signalArrivals, parts.kernel.queuedSignals);
    this.tid = parts.tid;
    this.process = parts.process;
    this.mm = parts.mm;
    this.cpu = parts.cpu;
    this.fs = parts.fs;
    this.ns = parts.ns;
    this.files = parts.files;
    this.creds = parts.creds;
    this.sighand = parts.sighand;
    this.comm = parts.comm;
    this.startTime = parts.kernel.now();
  }

  /** Runs its code until the kernel has it leave. */
  run(): void {
    if (this.hwBreakpoints?.active) this.hwBreakpoints.run();
    else this.mm.backend.run(this.cpu);
  }

  /** Milliseconds of the monotonic clock. Deadlines of `wait` are in it. */
  now(): number {
    return this.kernel.now();
  }

  /** Its CPU time up to now, by whose it was. */
  get cpuUse(): CpuUse {
    return this.#split.of(this.kernel.scheduler.cpuTime(this), this.systemTime);
  }

  /** Whether a signal that is not blocked waits to be delivered. */
  get signalPending(): boolean {
    const pending = this.pending.set;
    const shared = this.process.pending.set;
    // Nearly always there is none, and big integers are slow.
    if (pending === 0n && shared === 0n) return this.trace?.interrupt ?? false;
    return ((pending | shared) & ~this.blocked) !== 0n || (this.trace?.interrupt ?? false);
  }

  /** Changes the mask; SIGKILL and SIGSTOP cannot be blocked. */
  setBlocked(mask: SigSet): void {
    this.blocked = mask & ~UNBLOCKABLE;
    this.recalcSignals();
    this.process.retarget(this);
    this.process.onSignals?.();
  }

  /**
   * Another mask for as long as the call waits (sigsuspend, ppoll, pselect, epoll_pwait). The old one comes back when the call
   * ends, or, when a signal interrupts it, after the signal's frame has been made. May be called again when the call is run
   * again.
   */
  setTemporaryMask(mask: SigSet): void {
    if (this.savedBlocked !== undefined) return;
    this.savedBlocked = this.blocked;
    this.setBlocked(mask);
  }

  /** A signal given by the tracer. */
  injectSignal(signo: number): void {
    const tracer = this.trace?.tracer;
    this.pending.push({ signo, code: SI.SI_USER, pid: tracer?.pid ?? 0, uid: tracer?.leader.creds.uid ?? 0 });
    this.notify = true;
  }

  /** To be called when a pending set or the mask changed (recalc_sigpending). */
  recalcSignals(): void {
    if (this.signalPending) this.notify = true;
  }

  /**
   * Sleeps until one of these queues is woken or the deadline is reached, then the call is run again from its start. Always
   * throws; a handler that can return what `sleep` gives is spared an exception, which costs as much as a short call.
   * @param on where to wait; an empty array for the deadline or a signal alone
   * @param deadline by `now()`; the handler itself must see that it has passed
   * @param restart what becomes of the call when a signal comes instead; a function is what restart_syscall runs
   * (ERESTART_RESTARTBLOCK);
   *   'EINTR' for calls that are never restarted
   */
  wait(
    on: Waitable | readonly Waitable[],
    deadline: number = Infinity,
    restart: RestartKind | 'EINTR' | ((t: Task) => number) = 'ERESTARTSYS',
  ): never {
    throw this.sleep(on, deadline, restart);
  }

  /** As wait, but gives BLOCKED, which the handler is to return at once. Throws when a signal has come. */
  sleep(
    on: Waitable | readonly Waitable[],
    deadline: number = Infinity,
    restart: RestartKind | 'EINTR' | ((t: Task) => number) = 'ERESTARTSYS',
  ): typeof BLOCKED {
    if (this.signalPending) {
      if (restart === 'EINTR') fail('EINTR');
      if (typeof restart === 'string') throw RESTART[restart];
      this.restartBlock = restart;
      throw RESTART.ERESTART_RESTARTBLOCK;
    }
    this.#sleep(Array.isArray(on) ? on : [on as Waitable], deadline);
    return BLOCKED;
  }

  /** As sleep, but only a fatal signal ends it (TASK_KILLABLE: vfork). */
  sleepKillable(on: Waitable): typeof BLOCKED {
    const kill = sigmask(SIG.SIGKILL);
    if (((this.pending.set | this.process.pending.set) & kill) !== 0n) throw RESTART.ERESTARTNOINTR;
    this.#sleep([on], Infinity);
    return BLOCKED;
  }

  #sleep(on: readonly Waitable[], deadline: number): void {
    this.#waitingOn = on;
    for (const queue of on) queue.add(this);
    this.deadline = deadline;
    this.state = 'sleeping';
    this.notify = true;
    if (deadline !== Infinity) this.kernel.timers.add(deadline, this);
  }

  /** Ends the sleep, for whatever reason: the call is run again. */
  wake(): void {
    if (this.state !== 'sleeping') return;
    this.stopWaiting();
    this.state = 'runnable';
    this.kernel.scheduler.enqueue(this);
  }

  /** Leaves all queues. */
  stopWaiting(): void {
    for (const queue of this.#waitingOn) queue.remove(this);
    this.#waitingOn = NONE;
    if (this.deadline !== Infinity) this.kernel.timers.remove(this);
    this.deadline = Infinity;
  }

  /** The call under way has ended: forget what it kept. */
  endCall(): void {
    this.sleepingCall = -1;
    if (this.callState === undefined) return;
    const dispose = (this.callState as Partial<Disposable>)[Symbol.dispose];
    if (dispose) dispose.call(this.callState);
    this.callState = undefined;
  }
}

const NONE: readonly Waitable[] = [];
