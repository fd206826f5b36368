/**
 * A process: a thread group with what Linux keeps in signal_struct. Its pid is the tid of its first thread. Lives on as a zombie
 * until its parent has waited for it.
 */
import { RLIMIT } from '../abi/resource.ts';
import { SIG, type SigInfo, sigmask } from '../abi/signal.ts';
import { WaitQueue } from '../vfs/core/wait-queue.ts';
import { CpuTimer } from './cpu-timer.ts';
import { CpuSplit, type CpuUse, Switches } from './cpu-use.ts';
import { IntervalTimer } from './interval-timer.ts';
import type { Kernel } from './kernel.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { SignalQueue } from './signal-queue.ts';
import { signalProcess } from './signals.ts';
import type { Semaphores } from './sysv-ipc.ts';
import type { Task } from './task.ts';

export const RLIM_INFINITY = Infinity;
/** Whom orphans belong to; see init.ts. */
export const INIT_PID = 1;
export interface Rlimit {
  /** Soft and hard limit; Infinity is RLIM_INFINITY. */
  readonly cur: number;
  readonly max: number;
}

/** A session: a leader's pid, and the terminal that controls it. */
export interface Session {
  readonly sid: number;
  /** The controlling terminal (owned by the vfs). */
  tty: unknown;
  /** Process group in the foreground of it; 0 for none. */
  foreground: number;
  /** The leader has ended: the terminal is given up. Set by who owns the terminal. */
  leaderGone?: () => void;
}

export class Process {
  readonly kernel: Kernel;
  /** In the first PID namespace. */
  readonly pid: number;
  /** The namespace that it was made in, whose numbers it sees. */
  readonly pids: PidNamespace;
  /** Undefined for children of process 1, which are reaped when they end. */
  parent: Process | undefined;
  readonly children = new Set<Process>();
  readonly threads = new Set<Task>();
  /** The thread whose tid is the pid; set right after construction, stays when it has ended. */
  leader!: Task;
  pgid: number;
  session: Session;
  /** Signal the parent gets at the end (the low byte of clone's flags); 0 for none. */
  exitSignal: number;

  /** Signals sent to the process as a whole. */
  readonly pending: SignalQueue;
  /** As wait4 reports it, once a zombie: status << 8, or signal (| 0x80 with a core). */
  status = 0;
  zombie = false;
  /** Stopped by a signal: no thread of it runs. */
  stopped = false;
  /** A stop or continuation that wait4/waitid have not yet told: the signal of the stop, or SIGCONT. */
  unreportedStop = 0;
  unreportedContinue = false;
  /** Woken when a child ends, stops or goes on. */
  readonly childQueue = new WaitQueue();
  /** Woken when it has ended (pidfd). */
  readonly endQueue = new WaitQueue();
  /** Somebody has waited for it: its pid means nothing any more. */
  reaped = false;
  /** By RLIMIT_*; processes share what is in it until one of them changes its own. */
  readonly limits: Rlimit[];
  /** CPU milliseconds of threads that have ended, and what of them was the kernel's. */
  readonly deadThreads = { time: 0, system: 0, switches: new Switches() };
  /** Of children waited for, theirs included: CPU time, and the most memory that one of them had. */
  readonly childrenUse = { user: 0, system: 0, mostResident: 0, switches: new Switches() };
  /** Most bytes that memories it has left with exec had. */
  leftResident = 0;
  readonly #split = new CpuSplit();
  /** The process has executed a program since fork (setpgid gives EACCES to its parent). */
  executed = false;
  childSubreaper = false;
  /** No signal does anything to it: process 1. */
  unkillable = false;
  /**
   * Process 1 of a namespace: what it has no handler for does nothing to it, unless it comes from above or from the kernel
   * (SIGNAL_UNKILLABLE).
   */
  shielded = false;
  /** /proc/PID/oom_score_adj. */
  oomScoreAdj = 0;
  /** MEMBARRIER_CMD_* it has registered for. */
  membarriers = 0;
  /** Tasks it traces, and what the end of others was that it has not been told. */
  readonly tracees = new Set<Task>();
  readonly endedTracees: { tid: number; number: number; pgid: number; status: number }[] = [];
  /** What SEM_UNDO is to add at the end, by set. */
  readonly semaphoreUndo = new Map<Semaphores, Int16Array>();
  /** Few processes ever ask for one of these. */
  #realTimer: IntervalTimer | undefined;
  #virtualTimer: CpuTimer | undefined;
  #profTimer: CpuTimer | undefined;
  #cpuLimit: CpuTimer | undefined;
  /** Timers that count CPU time of this process. */
  readonly armedCpuTimers = new Set<CpuTimer>();
  /** POSIX timers by id. */
  readonly timers = new Map<number, { disarm(): void; readonly uid: number }>();
  nextTimerId = 0;
  /** For --stats; memories count when they are closed. */
  readonly usage = { instructions: 0, syscalls: 0, faults: 0, compileMs: 0 };
  fatalPc = 0;
  /** Called, outside of any slice, when it has stopped (set for the first process). */
  onStop: ((signo: number) => void) | undefined;
  /** Called when signals may do something else to it than before: by its actions, its threads' masks, a tracer. */
  onSignals: (() => void) | undefined;
  /** The signal that is killing it, with the fault, for the message at the end of the run. */
  fatalSignal: SigInfo | undefined;

  constructor(
    kernel: Kernel,
    pid: number,
    pids: PidNamespace,
    parent: Process | undefined,
    pgid: number,
    session: Session,
    limits: readonly Rlimit[],
  ) {
    this.kernel = kernel;
    this.pending = new SignalQueue(kernel.signalArrivals, kernel.queuedSignals, (signo) => {
      if (signo === SIG.SIGALRM) this.#realTimer?.rearm();
    });
    this.pid = pid;
    this.pids = pids;
    this.parent = parent;
    this.pgid = pgid;
    this.session = session;
    this.exitSignal = 0;
    this.limits = limits.slice();
    this.armCpuLimit();
  }

  /** ITIMER_REAL and alarm. */
  get realTimer(): IntervalTimer {
    const { timers, now } = this.kernel;
    return (this.#realTimer ??= new IntervalTimer(timers, now, () => {
      signalProcess(this, SIG.SIGALRM);
      // Ignored: the timer goes on as if it had been taken.
      if ((this.pending.set & sigmask(SIG.SIGALRM)) === 0n) this.realTimer.rearm();
    }));
  }
  stopRealTimer(): void {
    this.#realTimer?.disarm();
  }
  get virtualTimer(): CpuTimer {
    return (this.#virtualTimer ??= this.#cpuTimer(
      () => signalProcess(this, SIG.SIGVTALRM),
      () => this.cpuUse.user,
    ));
  }
  get profTimer(): CpuTimer {
    return (this.#profTimer ??= this.#cpuTimer(() => signalProcess(this, SIG.SIGPROF)));
  }

  /** The kernel's id of its parent; 0 for the first process of all. */
  get ppid(): number {
    return this.parent?.pid ?? (this.pid === INIT_PID ? 0 : INIT_PID);
  }
  /** What getpid tells it. */
  get number(): number {
    return this.pids.numberOf(this.pid);
  }

  /** CPU milliseconds of all its threads up to now, ended ones too. */
  get cpuTime(): number {
    let { time } = this.deadThreads;
    for (const t of this.threads) time += this.kernel.scheduler.cpuTime(t);
    return time;
  }

  /** Its CPU time up to now, by whose it was. */
  get cpuUse(): CpuUse {
    let { system } = this.deadThreads;
    for (const t of this.threads) system += t.systemTime;
    return this.#split.of(this.cpuTime, system);
  }

  /** Of all its threads, ended ones too. */
  get switches(): Switches {
    const all = new Switches();
    all.add(this.deadThreads.switches);
    for (const t of this.threads) all.add(t.switches);
    return all;
  }

  /** Most bytes it ever had in memory. */
  get mostResident(): number {
    const { leader } = this;
    return Math.max(this.leftResident, leader.state === 'dead' ? 0 : leader.mm.mostResident);
  }

  /**
   * A thread that was to take a signal sent to the process no longer will: the others look whether they do
   * (retarget_shared_pending).
   */
  retarget(from: Task): void {
    if (this.pending.set === 0n || this.threads.size < 2) return;
    for (const t of this.threads) {
      if (t === from || (this.pending.set & ~t.blocked) === 0n) continue;
      t.notify = true;
      t.wake();
    }
  }

  /** To be called when RLIMIT_CPU has changed. */
  armCpuLimit(): void {
    const { cur, max } = this.limits[RLIMIT.RLIMIT_CPU]!;
    const seconds = Math.min(cur, max);
    if (seconds === Infinity) this.#cpuLimit?.disarm();
    else {
      this.#cpuLimit ??= this.#cpuTimer(() => this.#overCpuLimit());
      this.#cpuLimit.arm(Math.max(seconds, 1) * 1000, 0);
    }
  }

  /** SIGXCPU at the soft limit and every second from then on, SIGKILL at the hard one (getrlimit(2)). */
  #overCpuLimit(): void {
    const limit = this.limits[RLIMIT.RLIMIT_CPU]!;
    if (this.cpuTime >= limit.max * 1000) {
      signalProcess(this, SIG.SIGKILL);
      return;
    }
    signalProcess(this, SIG.SIGXCPU);
    this.limits[RLIMIT.RLIMIT_CPU] = { cur: limit.cur + 1, max: limit.max };
    this.armCpuLimit();
  }

  #cpuTimer(fire: () => void, clock = () => this.cpuTime): CpuTimer {
    return new CpuTimer(this.armedCpuTimers, clock, fire);
  }
}
