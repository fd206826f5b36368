/** Making tasks: fork, vfork, clone (kernel/fork.c, copy_process). */
import { CpuState } from '../../emu/cpu-state.ts';
import { fail } from '../abi/errno.ts';
import { RLIMIT } from '../abi/resource.ts';
import { CLONE, SCHED } from '../abi/sched.ts';
import { SI, SIG } from '../abi/signal.ts';
import { CAP, capable } from '../vfs/core/creds.ts';
import { WaitQueue } from '../vfs/core/wait-queue.ts';
import { committedIn, mayCommit } from './commit.ts';
import { Mm, orNoMemory } from './mm.ts';
import { forChild, newNamespaces, newUserNamespace } from './nsproxy.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { Process } from './process.ts';
import { PTRACE_EVENT, PTRACE_O, startTrace } from './ptrace.ts';
import { NO_STACK } from './signal-frame.ts';
import { Task } from './task.ts';

export interface CloneArgs {
  /** CLONE_* without the signal. */
  flags: number;
  exitSignal: number;
  /** Stack pointer of the child; 0 keeps the parent's. */
  stack: number;
  tls: number;
  parentTid: number;
  childTid: number;
  /** Where CLONE_PIDFD puts the descriptor. */
  pidfd?: number;
  /** Whether it can be put there: asked when namespaces have been made, before there is a child. */
  checkPidfd?: () => void;
  /** CLONE_CLEAR_SIGHAND. */
  clearHandlers?: boolean;
}

/** Of tasks there is a number at most; RLIMIT_NPROC holds for those of one user, but for administrators. */
function tooMany({ kernel, creds, process }: Task, isThread: boolean): boolean {
  const { tasks, maxTasks, processes, maxProcesses } = kernel;
  if (isThread ? tasks.size >= maxTasks : processes.size >= maxProcesses) return true;
  const limit = process.limits[RLIMIT.RLIMIT_NPROC]!.cur;
  if (limit >= maxTasks || creds.uid === 0) return false;
  if (capable(creds, CAP.SYS_RESOURCE) || capable(creds, CAP.SYS_ADMIN)) return false;
  let count = 0;
  for (const task of tasks.values()) if (task.creds.uid === creds.uid) count++;
  return count >= limit;
}

/** What does not go together. EINVAL. */
export function checkCloneFlags(flags: number): void {
  const has = (flag: number) => (flags & flag) !== 0;
  if (has(CLONE.CLONE_THREAD) && !has(CLONE.CLONE_SIGHAND)) fail('EINVAL');
  if (has(CLONE.CLONE_SIGHAND) && !has(CLONE.CLONE_VM)) fail('EINVAL');
  if (has(CLONE.CLONE_FS) && flags & (CLONE.CLONE_NEWNS | CLONE.CLONE_NEWUSER)) fail('EINVAL');
  if (has(CLONE.CLONE_THREAD) && flags & (CLONE.CLONE_NEWUSER | CLONE.CLONE_NEWPID)) fail('EINVAL');
}

/** Makes a task as clone(2) says; it starts behind the call with r0 = 0. */
export function cloneTask(parent: Task, args: CloneArgs): Task {
  const { kernel } = parent;
  const { flags } = args;
  const has = (flag: number) => (flags & flag) !== 0;
  checkCloneFlags(flags);
  if (tooMany(parent, has(CLONE.CLONE_THREAD))) fail('EAGAIN');

  // A thread is of its process's namespace, and process 1 has no sister that would not go with it.
  if (has(CLONE.CLONE_THREAD) && parent.ns.pid_for_children !== parent.process.pids) fail('EINVAL');
  if (has(CLONE.CLONE_PARENT) && parent.process.shielded) fail('EINVAL');
  const creds = has(CLONE.CLONE_NEWUSER) ? newUserNamespace(parent) : parent.creds;
  const made = newNamespaces(parent, flags, creds);
  // copy_namespaces looks at this behind the privilege.
  if (has(CLONE.CLONE_SYSVSEM) && has(CLONE.CLONE_NEWIPC)) fail('EINVAL');
  const ns = has(CLONE.CLONE_VM) ? made : forChild(made);
  // dup_mmap: what the child has of its own is promised once more.
  if (!has(CLONE.CLONE_VM) && !mayCommit(kernel, () => committedIn(parent.mm.space))) fail('ENOMEM');
  args.checkPidfd?.();
  const tid = kernel.allocatePid(ns.pid_for_children);
  let mm: Mm;
  let cpu: CpuState;
  try {
    mm = has(CLONE.CLONE_VM) ? parent.mm : copyMemory(parent);
    cpu = new CpuState(
      mm.space.buffer,
      orNoMemory(() => mm.space.allocateState()),
    );
  } catch (error) {
    kernel.releasePid(tid);
    throw error;
  }
  if (has(CLONE.CLONE_VM)) mm.users++;
  cpu.copyFrom(parent.cpu);
  cpu.clearExclusive();
  cpu.r[0] = 0;
  if (args.stack !== 0) cpu.ru[13] = args.stack;
  if (has(CLONE.CLONE_SETTLS)) cpu.tls = args.tls;

  const process = has(CLONE.CLONE_THREAD)
    ? parent.process
    : makeProcess(parent, tid, ns.pid_for_children, args);
  const child = new Task({
    kernel,
    tid,
    process,
    mm,
    cpu,
    fs: has(CLONE.CLONE_FS) ? parent.fs : parent.fs.clone(),
    ns,
    files: has(CLONE.CLONE_FILES) ? parent.files.share() : parent.files.clone(),
    creds,
    sighand: has(CLONE.CLONE_SIGHAND)
      ? parent.sighand
      : args.clearHandlers
        ? parent.sighand.withDefaults()
        : parent.sighand.clone(),
    comm: parent.comm,
  });
  if (process.pid === tid) {
    process.leader = child;
    process.parent?.children.add(process);
    kernel.processes.set(tid, process);
    kernel.options.observer?.made(process);
  }
  process.threads.add(child);
  kernel.tasks.set(tid, child);

  child.blocked = parent.blocked;
  child.personality = parent.personality;
  child.noNewPrivs = parent.noNewPrivs;
  child.dumpable = parent.dumpable;
  child.timerSlack = parent.timerSlack;
  inheritScheduling(parent, child);
  child.ioPriority = parent.ioPriority;
  child.affinity = parent.affinity;
  // A thread with a stack of its own loses the alternate stack; a vfork child, which borrows the parent's, keeps it.
  child.altStack = has(CLONE.CLONE_VM) && !has(CLONE.CLONE_VFORK) ? NO_STACK : parent.altStack;
  if (has(CLONE.CLONE_CHILD_CLEARTID)) child.clearChildTid = args.childTid;
  if (has(CLONE.CLONE_PARENT_SETTID)) putTid(parent.mm, args.parentTid, parent.process.pids.numberOf(tid));
  if (has(CLONE.CLONE_CHILD_SETTID)) putTid(mm, args.childTid, child.number);
  if (has(CLONE.CLONE_VFORK)) child.vforkDone = new WaitQueue();
  traceChild(parent, child, args);
  kernel.scheduler.enqueue(child);
  return child;
}

/** The first of a PID namespace is its process 1. */
function makeProcess({ kernel, process }: Task, pid: number, pids: PidNamespace, args: CloneArgs): Process {
  const isSister = (args.flags & CLONE.CLONE_PARENT) !== 0;
  const { parent, pgid, session, limits } = process;
  const made = new Process(kernel, pid, pids, isSister ? parent : process, pgid, session, limits);
  if (made.number === 1) {
    made.shielded = true;
    pids.init = made;
  }
  made.oomScoreAdj = process.oomScoreAdj;
  made.exitSignal = isSister ? process.exitSignal : args.exitSignal;
  return made;
}

/** dup_mm. ENOMEM. */
function copyMemory({ kernel, mm }: Task): Mm {
  const space = orNoMemory(() => mm.space.fork());
  try {
    return Mm.copy(
      mm,
      space,
      orNoMemory(() => kernel.createBackend(space)),
    );
  } catch (error) {
    space.close();
    throw error;
  }
}

/** Real-time policies and raised priorities do not go over to the child of one with SCHED_RESET_ON_FORK (sched_fork). */
function inheritScheduling(parent: Task, child: Task): void {
  const { nice, policy, rtPriority } = parent;
  if (!(policy & SCHED.SCHED_RESET_ON_FORK)) {
    child.nice = nice;
    child.policy = policy;
    child.rtPriority = rtPriority;
    return;
  }
  const plain = policy & ~SCHED.SCHED_RESET_ON_FORK;
  const realTime = plain === SCHED.SCHED_FIFO || plain === SCHED.SCHED_RR;
  child.policy = realTime ? SCHED.SCHED_OTHER : plain;
  child.nice = realTime ? 0 : Math.max(0, nice);
}

/**
 * A traced parent's child is traced too when the tracer wants that, and stops before its first instruction (ptrace_init_task).
 */
function traceChild(parent: Task, child: Task, args: CloneArgs): void {
  const { trace } = parent;
  if (trace === undefined || args.flags & CLONE.CLONE_UNTRACED) return;
  let [event, option]: [number, number] = [PTRACE_EVENT.FORK, PTRACE_O.PTRACE_O_TRACEFORK];
  if (args.flags & CLONE.CLONE_VFORK) [event, option] = [PTRACE_EVENT.VFORK, PTRACE_O.PTRACE_O_TRACEVFORK];
  else if (args.exitSignal !== SIG.SIGCHLD)
    [event, option] = [PTRACE_EVENT.CLONE, PTRACE_O.PTRACE_O_TRACECLONE];
  const wanted = (trace.options & option) !== 0;
  if (wanted) parent.traceEvent = { event, message: trace.tracer.pids.numberOf(child.tid) };
  if (!wanted && !(args.flags & CLONE.CLONE_PTRACE)) return;
  startTrace(child, trace.tracer, trace.seized, trace.options);
  if (trace.seized) child.trace!.interrupt = true;
  else child.pending.push({ signo: SIG.SIGSTOP, code: SI.SI_USER, pid: 0, uid: 0 });
  child.notify = true;
}

/** As put_user whose failure is nobody's (schedule_tail, kernel_clone). */
function putTid(mm: Mm, address: number, tid: number): void {
  try {
    mm.writable(address, 4);
    mm.view.setInt32(address, tid, true);
  } catch {
    // EFAULT is ignored by Linux too.
  }
}
