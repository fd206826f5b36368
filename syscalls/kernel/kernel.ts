/**
 * The kernel of one run: all processes and tasks, the scheduler, the clock's deadlines, its files (vfs), and what the CPUs ask
 * (CpuHooks). Runs at the same time in one process have a kernel each, and share nothing of what it holds.
 */

import type { CpuBackend, CpuHooks, CpuStats } from '../../emu/cpu.ts';
import type { CpuModel } from '../../emu/cpu-model.ts';
import { type CpuState, OFF } from '../../emu/cpu-state.ts';
import type { AddressSpace } from '../../emu/memory/address-space.ts';
import { WRITE } from '../../emu/memory/layout.ts';
import { PreferredAddresses } from '../../emu/memory/preferred-addresses.ts';
import { addWork, noWork } from '../../emu/work.ts';
import { fail } from '../abi/errno.ts';
import { PID_MAX_LIMIT, RESERVED_PIDS } from '../abi/limits.ts';
import { SI, SIG, type SigInfo } from '../abi/signal.ts';
import { firstNumber } from '../vfs/core/namespace.ts';
import { Vfs } from '../vfs/core/vfs.ts';
import { WaitQueue } from '../vfs/core/wait-queue.ts';
import { MachineMemory } from '../vfs/memory/quota.ts';
import { PrivateNetwork } from '../vfs/net/private-network.ts';
import { monotonic } from './clock.ts';
import { mayCommit } from './commit.ts';
import type { CountedClock } from './counted-clock.ts';
import { exitGroup } from './exit.ts';
import { Futexes } from './futex.ts';
import { KnownPrograms } from './known-programs.ts';
import type { Mm } from './mm.ts';
import { firstNamespaces, type NsProxy } from './nsproxy.ts';
import { PidNamespace } from './pid-namespace.ts';
import type { Process } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { deliver } from './signal-delivery.ts';
import { QueuedSignals } from './signal-queue.ts';
import { forceSignal } from './signals.ts';
import type { Task } from './task.ts';
import { isExecuted } from './text-busy.ts';
import { Timers } from './timers.ts';

/** The system calls (syscalls/calls/dispatch.ts): above the kernel, so given to it. */
export interface CallRunner {
  /** Runs the call the registers name. True when the task may run on in the guest at once. */
  enter(t: Task): boolean;
  /** Runs the call again that put the task to sleep. */
  again(t: Task): boolean;
}

/** Who logs calls and signals (syscalls/calls/strace.ts). */
export interface Tracer {
  signal(t: Task, info: SigInfo): void;
  ended(t: Task): void;
}

/** Who is told what becomes of processes. */
export interface ProcessObserver {
  /** A process has been made by another (fork). */
  made(process: Process): void;
  /** Path and arguments as they were given, byte strings. */
  executed(process: Process, path: string, argv: readonly string[]): void;
  /** It is a zombie now. */
  ended(process: Process): void;
}

/** A command of whoever runs the kernel, which the guest reaches by a path where it sees no file. */
export interface HostCommand {
  readonly path: string;
  /**
   * `args` without argv[0]. Does what is asked and gives the exit status and what to say on standard error; or the program that
   * is to be executed instead.
   */
  run(args: readonly string[], isRoot: boolean): { status: number; message: string } | { argv: string[] };
}

export interface KernelOptions {
  createBackend(space: AddressSpace, hooks: CpuHooks): CpuBackend;
  calls: CallRunner;
  /** uname's release. */
  release: string;
  model: CpuModel;
  hostname: string;
  /** kernel.core_pattern at the start; `core` where the host does not say. */
  corePattern?: string | undefined;
  /** The first process id, if it is not beyond those that there are. */
  firstPid: number;
  /** kernel.pid_max at the start. */
  pidMax?: number | undefined;
  /** Most bytes that programs are promised. */
  memory?: number | undefined;
  /** A loopback interface that is down or up, and nothing else; or what the host has. */
  network?: 'none' | 'loopback' | 'host' | undefined;
  /** How many CPUs programs see, at most NR_CPUS. They take turns on one. */
  cpus?: number | undefined;
  command?: HostCommand | undefined;
  /** The time goes by it, not by the host's clock. */
  clock?: CountedClock | undefined;
  /** Whether nobody outside would continue the first process group when it has stopped. */
  isOrphaned(): boolean;
  /** Keep account of every process (Kernel.ended). */
  stats?: boolean;
  observer?: ProcessObserver | undefined;
  /** Says once what the guest asked for and is not there. */
  warn?: ((message: string) => void) | undefined;
  /** Says that armrun itself failed: `where`, and what becomes of it. Throws the error on when it is to end the run. */
  failed(where: string, error: unknown): void;
}

/** What --stats tells of a process. */
export interface EndedProcess {
  readonly pid: number;
  readonly comm: string;
  readonly cpuTime: number;
  readonly usage: Process['usage'];
}

/** uname's version. */
export const VERSION = '#1 SMP armrun';

/**
 * FSR of a fault, as arch/arm/mm/fault.c puts it into the signal frame's error_code: page translation, page permission,
 * alignment; bit 11 for writes.
 */
const FSR = { translation: 0x7, permission: 0xf, alignment: 0x1, write: 1 << 11 } as const;
const TRAP_NO_FAULT = 14;
const TRAP_NO_UNDEFINED = 6;

/**
 * Whether the undefined instruction at the PC is one that Linux takes for a debugger's breakpoint (the break hooks of
 * arch/arm/kernel/ptrace.c).
 */
function isBreakpoint(cpu: CpuState, space: AddressSpace): boolean {
  const pc = cpu.ru[15]!;
  const low = space.u16[pc >>> 1]!;
  const high = space.u16[(pc + 2) >>> 1]!;
  if (cpu.i32[OFF.thumb >> 2]) return low === 0xde01 || (low === 0xf7f0 && high === 0xa000);
  return (high & 0x0fff) === 0x07f0 && low === 0x01f0;
}

export class Kernel {
  readonly options: KernelOptions;
  /** The first process's id. */
  readonly firstPid: number;
  readonly tasks = new Map<number, Task>();
  readonly processes = new Map<number, Process>();
  readonly timers = new Timers((timer) => this.attempt('a timer', () => timer.wake()));
  readonly preferredAddresses = new PreferredAddresses();
  readonly vfs: Vfs;
  readonly programs = new KnownPrograms();
  readonly futexes = new Futexes();
  /** The first PID namespace. */
  readonly pids = new PidNamespace();
  /** What the first process is in. */
  readonly namespaces: NsProxy;
  readonly cpus: number;
  /** Woken whenever any signal is queued anywhere: where signalfd waits. */
  readonly signalArrivals = new WaitQueue();
  readonly queuedSignals = new QueuedSignals();
  readonly scheduler: Scheduler;
  readonly hooks: CpuHooks;
  readonly now: () => number;
  tracer: Tracer | undefined;
  /** Processes, each of which has a memory of its own, and threads of all of them. */
  readonly maxProcesses = 1000;
  readonly maxTasks = 4000;
  /** Ports from which on anybody may bind (net.ipv4.ip_unprivileged_port_start). */
  unprivilegedPorts = 1024;
  /** Most descriptors that RLIMIT_NOFILE can allow (fs.nr_open). */
  nrOpen = 1_048_576;
  /** kernel.core_pattern and kernel.core_uses_pid. */
  corePattern: string;
  coreUsesPid = false;
  pidMax: number;
  #lastPid: number;
  /** Ids that have numbers in other namespaces than the first, and which is the lowest. */
  readonly #numbered = new Map<number, PidNamespace>();
  #deferred: (() => void)[] = [];
  /** Failures that were told. */
  readonly #failures = new Set<string>();
  /** Processes that have ended, in this order; kept for --stats only. */
  readonly ended: EndedProcess[] | undefined;
  /** Sums of CPUs that are gone, for --stats. */
  readonly totals = {
    instructions: 0,
    syscalls: 0,
    faults: 0,
    compileMs: 0,
    regions: 0,
    modules: 0,
    wasmBytes: 0,
    processes: 0,
    work: noWork(),
  };

  constructor(options: KernelOptions) {
    this.options = options;
    this.now = options.clock?.now ?? monotonic;
    this.vfs = new Vfs(new MachineMemory(options.memory));
    this.vfs.memory.mayCommit = (bytes) => mayCommit(this, bytes);
    const { network = 'host' } = options;
    if (network !== 'host')
      this.vfs.network = new PrivateNetwork(this.vfs, network === 'loopback', firstNumber('net'));
    this.namespaces = firstNamespaces(this.vfs, this.pids, options.hostname);
    this.cpus = options.cpus ?? 1;
    this.pidMax = options.pidMax ?? PID_MAX_LIMIT;
    this.corePattern = options.corePattern ?? 'core';
    this.ended = options.stats ? [] : undefined;
    this.firstPid = options.firstPid < this.pidMax ? options.firstPid : RESERVED_PIDS;
    this.#lastPid = this.firstPid - 1;
    this.scheduler = new Scheduler(this);
    this.hooks = this.#makeHooks();
    this.vfs.isExecuted = (inode) => isExecuted(this, inode);
    this.vfs.callbackFailed = (error) => this.#tellCallback(error);
  }

  createBackend(space: AddressSpace): CpuBackend {
    return this.options.createBackend(space, this.hooks);
  }

  /**
   * alloc_pid: the next one that is free, from the highest on from the first again that is not reserved, with a number in its
   * namespace. EAGAIN, ENOMEM.
   */
  allocatePid(pids: PidNamespace = this.pids): number {
    const { pidMax } = this;
    let pid = this.#lastPid;
    for (let tried = 0; tried < pidMax; tried++) {
      pid = pid >= pidMax - 1 ? RESERVED_PIDS : pid + 1;
      if (this.#isPidInUse(pid)) continue;
      this.#lastPid = pid;
      this.#numbered.get(pid)?.leave(pid);
      this.#numbered.delete(pid);
      pids.enter(pid, pidMax);
      if (pids !== this.pids) this.#numbered.set(pid, pids);
      return pid;
    }
    return fail('EAGAIN');
  }

  /** A task's id is nobody's any more; but that of a group or session which has members keeps its numbers. */
  releasePid(pid: number): void {
    const pids = this.#numbered.get(pid);
    if (pids === undefined || this.#isPidInUse(pid)) return;
    pids.leave(pid);
    this.#numbered.delete(pid);
  }

  /** It is a task's, or one's whose group or session has members yet. */
  #isPidInUse(pid: number): boolean {
    if (this.tasks.has(pid)) return true;
    for (const p of this.processes.values()) if (p.pgid === pid || p.session.sid === pid) return true;
    return false;
  }

  /** Processes of a process group, zombies too. */
  group(pgid: number): Process[] {
    return [...this.processes.values()].filter((p) => p.pgid === pgid);
  }

  /**
   * No member's parent is of the same session and another group (will_become_orphaned_pgrp). The first process's group has its
   * parent outside: in the host's shell, which continues what it stopped, or not.
   */
  isOrphanedGroup(pgid: number): boolean {
    if (pgid === this.firstPid) return this.options.isOrphaned();
    return !this.group(pgid).some((p) => {
      const { parent } = p;
      return !p.zombie && parent !== undefined && parent.pgid !== pgid && parent.session === p.session;
    });
  }

  /** Does it when no CPU is inside its memory any more: after the slice under way. */
  afterSlice(action: () => void): void {
    if (this.scheduler.current === undefined) action();
    else this.#deferred.push(action);
  }

  /** Called by the scheduler after each slice. */
  runDeferred(): void {
    if (this.#deferred.length === 0) return;
    const actions = this.#deferred;
    this.#deferred = [];
    for (const action of actions) this.attempt('the end of a time slice', action);
  }

  /** Before a slice: what is left of a sleeping call, then signals. True when the guest's code is to run. */
  resume(t: Task): boolean {
    const left = t.onResume;
    t.onResume = undefined;
    if (left !== undefined ? !left() : t.sleepingCall >= 0 && !this.options.calls.again(t)) {
      // After exec it may run, though not in the CPU that made the call; here there is none.
      if (t.state !== 'runnable' || !t.leaveCpu) return false;
    }
    t.leaveCpu = false;
    return !t.notify || this.returnToUser(t);
  }

  /**
   * Work on the way back to the guest. False when the CPU must be left: the task ended, sleeps, stopped, or has another memory.
   */
  returnToUser(t: Task): boolean {
    if (t.state !== 'runnable' || t.process.stopped) return false;
    if (t.leaveCpu) return false;
    t.notify = false;
    if (!t.signalPending && t.interrupted === undefined && t.savedBlocked === undefined) return true;
    return deliver(t) && t.state === 'runnable';
  }

  /** The last user of a memory, of this process, has left it. */
  closeMemory(mm: Mm, process: Process): void {
    const stats = mm.backend.stats();
    process.usage.instructions += stats.instructions;
    process.usage.compileMs += stats.compileMs;
    this.#addStats(stats);
    mm.backend.close();
    mm.space.close();
  }

  #addStats(stats: CpuStats): void {
    const { totals } = this;
    totals.instructions += stats.instructions;
    totals.compileMs += stats.compileMs;
    totals.regions += stats.regions;
    totals.modules += stats.modules;
    totals.wasmBytes += stats.wasmBytes;
    if (stats.work !== undefined) addWork(totals.work, stats.work);
  }

  /** The run is over: what still runs ends with it, as everything in a PID namespace does with its init (pid_namespaces(7)). */
  shutDown(): void {
    this.runDeferred();
    for (const p of [...this.processes.values()]) {
      if (!p.zombie) this.attempt('the end of the run', () => exitGroup(p.leader, SIG.SIGKILL));
    }
  }

  warn(message: string): void {
    this.options.warn?.(message);
  }

  // ---- armrun's own failures: one process's trouble is its own ----

  /**
   * An exception that is a bug of armrun's, which the run is to outlive: each is told once. Throws it on when the run is to end
   * by it.
   * @param what the kind of place: a call's name
   * @param where the place in full, with what becomes of it
   */
  failed(what: string, error: unknown, where: string = what): void {
    const key = `${what} ${(error instanceof Error && error.stack) || error}`;
    if (this.#failures.has(key)) return;
    this.#failures.add(key);
    this.options.failed(where, error);
  }

  /** Does something on which others do not depend: when it fails, that is told, and everything goes on. */
  attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.failed(what, error);
    }
  }

  /**
   * The task cannot go on: nobody knows its registers or its memory. Its process ends as one that the kernel of Linux has found
   * an oops for.
   */
  crash(t: Task, what: string, error: unknown): void {
    this.failed(what, error, `${what} of ${t.comm} (${t.process.pid}), which gets SIGSEGV`);
    if (!t.process.zombie) this.attempt('the end of a process', () => exitGroup(t, SIG.SIGSEGV));
  }

  /** A callback of the host's failed that belongs to no file. Whom it would have woken is not known: so all look again. */
  callbackFailed(error: unknown): void {
    this.#tellCallback(error);
    for (const t of [...this.tasks.values()]) t.wake();
  }

  #tellCallback(error: unknown): void {
    try {
      this.failed('a callback of the host', error);
    } catch (e) {
      this.scheduler.end(e);
    }
  }

  #makeHooks(): CpuHooks {
    const { scheduler } = this;
    const { calls } = this.options;
    return {
      syscall: () => calls.enter(scheduler.current!),
      preempt: () => scheduler.preempt(scheduler.current!),
      fault: (_cpu: CpuState, address, access, why) => {
        const t = scheduler.current!;
        this.totals.faults++;
        t.process.usage.faults++;
        const write = access === WRITE ? FSR.write : 0;
        const fault = { addr: address >>> 0, trapNo: TRAP_NO_FAULT };
        if (why === 'debug') {
          // force_sig_ptrace_errno_trap: the register that it was, where others have an error.
          const errno = t.hwBreakpoints!.met(fault.addr, access);
          forceSignal(t, { signo: SIG.SIGTRAP, code: SI.TRAP_HWBKPT, errno, addr: fault.addr });
        } else if (why === 'align') {
          forceSignal(t, {
            ...fault,
            signo: SIG.SIGBUS,
            code: SI.BUS_ADRALN,
            errorCode: FSR.alignment | write,
          });
        } else if (why === 'beyond-file') {
          forceSignal(t, {
            ...fault,
            signo: SIG.SIGBUS,
            code: SI.BUS_ADRERR,
            errorCode: FSR.translation | write,
          });
        } else if (why === 'protected') {
          forceSignal(t, {
            ...fault,
            signo: SIG.SIGSEGV,
            code: SI.SEGV_ACCERR,
            errorCode: FSR.permission | write,
          });
        } else {
          forceSignal(t, {
            ...fault,
            signo: SIG.SIGSEGV,
            code: SI.SEGV_MAPERR,
            errorCode: FSR.translation | write,
          });
        }
        return this.returnToUser(t);
      },
      trap: (cpu, kind) => {
        const t = scheduler.current!;
        const addr = cpu.ru[15]!;
        // do_undefinstr leaves fault_address alone; BKPT is a prefetch abort with FSR "debug event" (hook_fault_code,
        // arch/arm/kernel/hw_breakpoint.c).
        if (kind === 'breakpoint' || isBreakpoint(cpu, t.mm.space)) {
          forceSignal(t, { signo: SIG.SIGTRAP, code: SI.TRAP_BRKPT, addr });
        } else {
          t.lastFault = { trapNo: TRAP_NO_UNDEFINED, errorCode: 0, address: t.lastFault.address };
          forceSignal(t, { signo: SIG.SIGILL, code: SI.ILL_ILLOPC, addr });
        }
        return this.returnToUser(t);
      },
    };
  }
}
