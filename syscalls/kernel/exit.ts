/**
 * The end of threads and processes (kernel/exit.c): what a thread leaves behind (robust futexes, the cleared tid), zombies,
 * orphans, SIGCHLD.
 */
import { ALL_SIGNALS, NSIG, SA, SI, SIG, SIG_IGN } from '../abi/signal.ts';
import { exitRobustList, wakeAddress } from './futex.ts';
import type { Kernel } from './kernel.ts';
import type { Process } from './process.ts';
import { traceeEnded, tracerEnded } from './ptrace.ts';
import { sendToProcess, signalProcess } from './signals.ts';
import { undoSemaphores } from './sysv-ipc.ts';
import type { Task } from './task.ts';

/** Ends all threads of the task's process. `status` is as wait4 reports it: code << 8, or the signal. */
export function exitGroup(t: Task, status: number): void {
  const { process } = t;
  process.status = status;
  for (const other of [...process.threads]) if (other !== t) endThread(other);
  endThread(t);
}

/** Ends one thread (exit); the last one ends the process with this code. */
export function exitThread(t: Task, code: number): void {
  if (t.process.threads.size === 1) t.process.status = (code & 0xff) << 8;
  endThread(t);
}

/** Ends the other threads of the process, as exec does (de_thread): the task that remains becomes the leader and has its tid. */
export function killOtherThreads(t: Task): void {
  const { process, kernel } = t;
  for (const other of [...process.threads]) if (other !== t) endThread(other);
  if (process.leader === t) return;
  kernel.tasks.delete(t.tid);
  kernel.releasePid(t.tid);
  t.tid = process.pid;
  process.leader = t;
  kernel.tasks.set(t.tid, t);
}

/** Whatever of what it leaves behind fails, in the end it is gone, and who waits for it is told. */
function endThread(t: Task): void {
  if (t.state === 'dead') return;
  const { kernel, process } = t;
  const attempt = (action: () => void) => kernel.attempt('the end of a thread', action);
  attempt(() => {
    if (!process.unkillable) kernel.tracer?.ended(t);
    traceeEnded(t, process.threads.size === 1 || t === process.leader ? process.status : 0);
  });
  t.stopWaiting();
  attempt(() => t.endCall());
  kernel.scheduler.dequeue(t);
  t.pending.discard(ALL_SIGNALS);
  t.state = 'dead';
  t.notify = true;
  leaveMemory(t);
  attempt(() => t.files.release());
  kernel.totals.syscalls += t.syscalls;
  process.usage.syscalls += t.syscalls;
  process.deadThreads.time += kernel.scheduler.cpuTime(t);
  process.deadThreads.system += t.systemTime;
  process.deadThreads.switches.add(t.switches);
  process.retarget(t);
  process.threads.delete(t);
  if (t !== process.leader) {
    kernel.tasks.delete(t.tid);
    kernel.releasePid(t.tid);
  }
  if (process.threads.size === 0) endProcess(process);
}

/** What is due when a task leaves its memory, by exit or exec (mm_release): futexes, the waiting vfork parent. */
export function leaveMemory(t: Task): void {
  const { kernel, process, mm, cpu } = t;
  kernel.attempt('the futexes of a thread that ends', () => {
    if (t.robustList !== 0) exitRobustList(t);
    kernel.futexes.exitLocks(t);
  });
  process.leftResident = Math.max(process.leftResident, mm.mostResident);
  t.robustList = 0;
  if (t.clearChildTid !== 0 && mm.users > 1) {
    try {
      mm.writable(t.clearChildTid, 4);
      mm.view.setUint32(t.clearChildTid, 0, true);
      wakeAddress(t, t.clearChildTid, 1);
    } catch {
      // EFAULT: the word is gone, and there is nobody to tell.
    }
  }
  t.clearChildTid = 0;
  t.vforkDone?.wakeAll();
  t.vforkDone = undefined;
  // The CPU may still be inside this memory.
  kernel.afterSlice(() => {
    if (--mm.users > 0) mm.space.freeState(cpu.base);
    else {
      kernel.closeMemory(mm, process);
    }
  });
}

function endProcess(p: Process): void {
  if (!p.unkillable) p.kernel.totals.processes++;
  if (!p.unkillable)
    p.kernel.ended?.push({ pid: p.pid, comm: p.leader.comm, cpuTime: p.cpuTime, usage: p.usage });
  p.zombie = true;
  if (!p.unkillable) p.kernel.options.observer?.ended(p);
  p.endQueue.wakeAll();
  const attempt = (action: () => void) => p.kernel.attempt('the end of a process', action);
  attempt(() => tracerEnded(p));
  attempt(() => {
    for (const timer of p.timers.values()) {
      timer.disarm();
      p.kernel.queuedSignals.uncharge(timer.uid);
    }
    p.timers.clear();
    p.stopRealTimer();
    p.pending.discard(ALL_SIGNALS);
  });
  attempt(() => undoSemaphores(p));
  attempt(() => p.leader.ns.ipc.sysv.makerEnded(p.pid));

  if (p === p.pids.init) attempt(() => endNamespace(p));
  const reaper = reaperOf(p);
  const loosened = new Set<number>();
  for (const child of [...p.children]) {
    if (holdsTogether(p, child)) loosened.add(child.pgid);
    p.children.delete(child);
    child.parent = reaper;
    // Whatever signal its maker wanted (reparent_leader).
    child.exitSignal = SIG.SIGCHLD;
    reaper?.children.add(child);
    if (child.leader.parentDeathSignal !== 0) signalProcess(child, child.leader.parentDeathSignal);
    if (child.zombie) {
      if (reaper === undefined) reap(child);
      else tellParent(child);
    }
  }
  if (p.pid === p.session.sid) attempt(() => p.session.leaderGone?.());
  if (p.parent !== undefined && holdsTogether(p.parent, p)) loosened.add(p.pgid);
  continueOrphans(p.kernel, loosened);
  tellParent(p);
}

/**
 * Whom its children go to: the nearest subreaper of the same PID namespace, else process 1 of that; undefined for the run's,
 * which waits for all of them (find_new_reaper).
 */
function reaperOf(p: Process): Process | undefined {
  const { pids } = p;
  for (let at = p.parent; at !== undefined && at.pids === pids; at = at.parent)
    if (at.childSubreaper) return at;
  return pids.ended ? undefined : pids.init;
}

/** All that is in a PID namespace ends with its process 1 (zap_pid_ns_processes). */
function endNamespace(init: Process): void {
  init.pids.ended = true;
  for (const p of [...init.kernel.processes.values()])
    if (p !== init && !p.zombie && p.pids.isWithin(init.pids)) exitGroup(p.leader, SIG.SIGKILL);
}

/** CLD_* of a status that wait4 gives for an end. */
export function endCode(status: number): number {
  if ((status & 0x7f) === 0) return SI.CLD_EXITED;
  return status & 0x80 ? SI.CLD_DUMPED : SI.CLD_KILLED;
}

/** exit_notify: SIGCHLD and a zombie, or nothing at all when nobody cares. */
function tellParent(p: Process): void {
  const { parent } = p;
  if (parent === undefined) {
    reap(p);
    return;
  }
  const killed = (p.status & 0x7f) !== 0;
  const { user, system } = p.cpuUse;
  // clone(2) takes any byte for a signal.
  if (p.exitSignal !== 0 && p.exitSignal <= NSIG) {
    const action = parent.leader.sighand.get(p.exitSignal);
    sendToProcess(parent, {
      signo: p.exitSignal,
      code: endCode(p.status),
      pid: p.pid,
      uid: p.leader.creds.uid,
      status: killed ? p.status & 0x7f : p.status >> 8,
      utime: Math.round(user / 10),
      stime: Math.round(system / 10),
    });
    if (p.exitSignal === SIG.SIGCHLD && (action.handler === SIG_IGN || action.flags & SA.SA_NOCLDWAIT))
      reap(p);
  }
  parent.childQueue.wakeAll();
}

/** Removes a zombie. */
export function reap(p: Process): void {
  const { kernel, parent } = p;
  p.reaped = true;
  if (parent !== undefined) {
    const { user, system } = p.cpuUse;
    const { childrenUse: all } = parent;
    all.user += user + p.childrenUse.user;
    all.system += system + p.childrenUse.system;
    all.switches.add(p.switches);
    all.switches.add(p.childrenUse.switches);
    all.mostResident = Math.max(all.mostResident, p.mostResident, p.childrenUse.mostResident);
    parent.children.delete(p);
  }
  kernel.processes.delete(p.pid);
  kernel.tasks.delete(p.pid);
  kernel.releasePid(p.pid);
}

/** Whether the child's process group has, in this parent, somebody of its session who can continue it. */
function holdsTogether(parent: Process, child: Process): boolean {
  return parent.pgid !== child.pgid && parent.session === child.session;
}

/** A stopped process group that nobody can continue any more gets SIGHUP and SIGCONT (kill_orphaned_pgrp). */
function continueOrphans(kernel: Kernel, groups: ReadonlySet<number>): void {
  for (const pgid of groups) {
    const members = kernel.group(pgid).filter((m) => !m.zombie);
    if (!members.some((m) => m.stopped) || !kernel.isOrphanedGroup(pgid)) continue;
    for (const m of members) {
      signalProcess(m, SIG.SIGHUP);
      signalProcess(m, SIG.SIGCONT);
    }
  }
}
