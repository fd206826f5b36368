/**
 * Signals: kill(2), sigaction(2), sigprocmask(2), sigsuspend(2), sigtimedwait(2), sigaltstack(2), sigreturn(2): kernel/signal.c.
 */
import { ERRNO, fail } from '../../abi/errno.ts';
import { siginfo } from '../../abi/siginfo.ts';
import {
  ALL_SIGNALS,
  NSIG,
  SA,
  SI,
  SIG,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  type SigInfo,
  type SigSet,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
  sigmask,
  signalName,
  UNBLOCKABLE,
} from '../../abi/signal.ts';
import { type Field, hex32, shown, struct, u32, u64big } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import { fromTimespec } from '../../kernel/clock.ts';
import type { Process } from '../../kernel/process.ts';
import { altStackState, restoreFrame, setAltStack } from '../../kernel/signal-frame.ts';
import { discardIgnored, forceSignal, sendToProcess, sendToTask } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { OVERFLOW_ID } from '../../vfs/core/user-namespace.ts';
import {
  address,
  flagText,
  oneOf,
  pid,
  ptr,
  structIn,
  structInOrNull,
  structOut,
  uint,
  valuesOf,
} from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

/** Bytes of the kernel's sigset_t. */
const SIGSET_SIZE = 8;

function setText(set: SigSet): string {
  const names = (s: SigSet) => {
    const list: string[] = [];
    for (let n = 1; n <= NSIG; n++) if ((s & sigmask(n)) !== 0n) list.push(signalName(n).replace(/^SIG/, ''));
    return list.join(' ');
  };
  const inverted = ALL_SIGNALS & ~set;
  return names(set).length > names(inverted).length ? `~[${names(inverted)}]` : `[${names(set)}]`;
}
/** Two longs: aligned as one. */
const sigset: Field<SigSet> = { ...shown(u64big, setText), align: 4 };
/** The old calls' set: the first 32 signals. */
const sigset32: Field<SigSet> = {
  size: 4,
  align: 4,
  get: (v, a) => BigInt(v.getUint32(a, true)),
  set: (v, a, x) => v.setUint32(a, Number(x & 0xffff_ffffn), true),
  print: setText,
};

const handlerField = shown(u32, (x) => (x === SIG_DFL ? 'SIG_DFL' : x === SIG_IGN ? 'SIG_IGN' : address(x)));
const saFlags = shown(u32, (x) => flagText(x | 0, SA));
const sigaction = struct('sigaction', {
  sa_handler: handlerField,
  sa_flags: saFlags,
  sa_restorer: hex32,
  sa_mask: sigset,
});
const oldSigaction = struct('old_sigaction', {
  sa_handler: handlerField,
  sa_mask: sigset32,
  sa_flags: saFlags,
  sa_restorer: hex32,
});
const stackT = struct('stack_t', {
  ss_sp: hex32,
  ss_flags: shown(u32, (x) => flagText(x | 0, { SS_ONSTACK, SS_DISABLE, SS_AUTODISARM })),
  ss_size: u32,
});

const signal: Arg<number> = {
  domain: valuesOf('value', SIG),
  words: 1,
  decode: (_t, x) => x,
  print: (_p, x) => signalName(x),
};
const how = oneOf({ SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK });

// ---- sending ----

/** check_kill_permission, without the parts about sessions' SIGCONT handled by the caller. */
export function mayKill(t: Task, to: Task, signo: number): boolean {
  if (to.process === t.process) return true;
  const { creds } = t;
  const target = to.creds;
  if (creds.euid === target.suid || creds.euid === target.uid) return true;
  if (creds.uid === target.suid || creds.uid === target.uid) return true;
  if (capable(creds, CAP.KILL, target.user)) return true;
  return signo === SIG.SIGCONT && to.process.session === t.process.session;
}

function fromUser(t: Task, signo: number, code: number): SigInfo {
  return { signo, code, pid: t.process.pid, uid: t.creds.uid };
}

/** Sends to each process that may be sent to. EPERM when there are none such, ESRCH when there are none at all. */
function killAll(t: Task, targets: readonly Process[], signo: number): number {
  if (targets.length === 0) fail('ESRCH');
  if (signo < 0 || signo > NSIG) fail('EINVAL');
  const allowed = targets.filter((p) => mayKill(t, p.leader, signo));
  if (allowed.length === 0) fail('EPERM');
  if (signo !== 0) for (const p of allowed) sendToProcess(p, fromUser(t, signo, SI.SI_USER));
  return 0;
}

function kill(t: Task, id: number, signo: number): number {
  const { kernel } = t;
  if (id > 0) {
    const p = kernel.processes.get(id) ?? kernel.tasks.get(id)?.process ?? fail('ESRCH');
    return killAll(t, [p], signo);
  }
  if (id === 0) return killAll(t, kernel.group(t.process.pgid), signo);
  if (id === -1) {
    return killAll(
      t,
      [...kernel.processes.values()].filter(
        (p) => p !== t.process && !p.unkillable && t.process.pids.numberOf(p.pid) > 1,
      ),
      signo,
    );
  }
  return killAll(t, kernel.group(-id), signo);
}

/** tgkill, tkill (group 0). */
function tgkill(t: Task, group: number, id: number, info: SigInfo): number {
  const { signo } = info;
  const to = t.kernel.tasks.get(id);
  if (to === undefined || (group !== 0 && to.process.pid !== group)) fail('ESRCH');
  if (signo < 0 || signo > NSIG) fail('EINVAL');
  if (!mayKill(t, to, signo)) fail('EPERM');
  if (signo !== 0 && !sendToTask(to, info)) fail('EAGAIN');
  return 0;
}

/** What a program says of a sender, in the kernel's ids. */
export function fromUserOf({ process, creds }: Task, info: SigInfo): SigInfo {
  const { pid, uid } = info;
  if (pid === undefined || uid === undefined) return info;
  return { ...info, pid: process.pids.pidOf(pid), uid: creds.user.uids.toKernel(uid) ?? OVERFLOW_ID };
}

/** Only a thread itself may pretend that the kernel or kill sent it a signal. */
function queuedInfo(t: Task, id: number, signo: number, at: number): SigInfo {
  const info = fromUserOf(t, { ...t.mm.get(siginfo, at), signo });
  if ((info.code >= 0 || info.code === SI.SI_TKILL) && id !== t.tid) fail('EPERM');
  return info;
}

function sigqueue(t: Task, id: number, signo: number, at: number): number {
  const info = queuedInfo(t, id, signo, at);
  // Any thread's id names its process.
  const p = t.kernel.processes.get(id) ?? t.kernel.tasks.get(id)?.process ?? fail('ESRCH');
  if (signo < 0 || signo > NSIG) fail('EINVAL');
  if (!mayKill(t, p.leader, signo)) fail('EPERM');
  if (signo !== 0 && !sendToProcess(p, info)) fail('EAGAIN');
  return 0;
}

// ---- actions ----

interface Action {
  sa_handler: number;
  sa_flags: number;
  sa_restorer: number;
  sa_mask: SigSet;
}

/** do_sigaction; gives the old action. */
function setAction(t: Task, signo: number, action: Action | null): Action {
  if (signo < 1 || signo > NSIG || (action !== null && (UNBLOCKABLE & sigmask(signo)) !== 0n)) fail('EINVAL');
  const old = t.sighand.get(signo);
  if (action !== null) {
    t.sighand.set(signo, {
      handler: action.sa_handler,
      flags: action.sa_flags,
      restorer: action.sa_restorer,
      mask: action.sa_mask & ~UNBLOCKABLE,
    });
    if (t.sighand.ignores(signo)) discardIgnored(t.process, signo);
    t.process.onSignals?.();
  }
  return { sa_handler: old.handler, sa_flags: old.flags, sa_restorer: old.restorer, sa_mask: old.mask };
}

/** The size of a set is looked at before the set: by argument. */
const sizedBy = (argument: number) => ({
  before: (_t: Task, ...words: number[]) => {
    if (words[argument] !== SIGSET_SIZE) fail('EINVAL');
  },
});

function rtSigaction(t: Task, signo: number, action: Action | null, oldAt: number): number {
  const old = setAction(t, signo, action);
  if (oldAt !== 0) t.mm.put(sigaction, oldAt, old);
  return 0;
}

// ---- masks ----

function changeMask(t: Task, way: number, set: SigSet, within: SigSet): void {
  if (way === SIG_BLOCK) t.setBlocked(t.blocked | set);
  else if (way === SIG_UNBLOCK) t.setBlocked(t.blocked & ~set);
  else if (way === SIG_SETMASK) t.setBlocked((t.blocked & ~within) | set);
  else fail('EINVAL');
}

function rtSigprocmask(t: Task, way: number, set: SigSet | null, oldAt: number): number {
  const old = t.blocked;
  if (set !== null) changeMask(t, way, set, ALL_SIGNALS);
  if (oldAt !== 0) t.mm.put(sigset, oldAt, old);
  return 0;
}

function pendingSet(t: Task): SigSet {
  return (t.pending.set | t.process.pending.set) & t.blocked;
}

/** Waits under another mask; deliver() puts the old one back. */
function suspend(t: Task, set: SigSet): number {
  t.setTemporaryMask(set);
  return t.wait([], Infinity, 'ERESTARTNOHAND');
}

interface TimedWait extends Disposable {
  deadline: number;
}

function sigtimedwait(
  t: Task,
  set: SigSet,
  infoAt: number,
  timeout: { tv_sec: number; tv_nsec: number } | null,
): number {
  const wanted = set & ~UNBLOCKABLE;
  let waiting = t.callState as TimedWait | undefined;
  const info = t.pending.take(wanted) ?? t.process.pending.take(wanted);
  if (info !== undefined) {
    t.kernel.tracer?.signal(t, info);
    if (infoAt !== 0) t.mm.put(siginfo, infoAt, info);
    return info.signo;
  }
  if (waiting === undefined) {
    if (timeout !== null && !(timeout.tv_sec >= 0 && timeout.tv_nsec >= 0 && timeout.tv_nsec < 1e9))
      fail('EINVAL');
    const deadline = timeout === null ? Infinity : t.now() + fromTimespec(timeout);
    t.awaited = wanted;
    t.callState = waiting = {
      deadline,
      [Symbol.dispose]() {
        t.awaited = 0n;
      },
    };
  }
  if (t.now() >= waiting.deadline) fail('EAGAIN');
  return t.wait([], waiting.deadline, 'EINTR');
}

// ---- stacks and frames ----

interface Stack {
  ss_sp: number;
  ss_flags: number;
  ss_size: number;
}

function sigaltstack(t: Task, stack: Stack | null, oldAt: number): number {
  const state = altStackState(t, t.cpu.ru[13]!);
  const old = {
    ss_sp: t.altStack.sp,
    ss_flags: (state | (t.altStack.flags & SS_AUTODISARM)) >>> 0,
    ss_size: t.altStack.size,
  };
  const error = stack && setAltStack(t, { sp: stack.ss_sp, size: stack.ss_size, flags: stack.ss_flags });
  if (error) fail(error);
  if (oldAt !== 0) t.mm.put(stackT, oldAt, old);
  return 0;
}

/** The result is r0 of the frame: the registers are those before the signal. */
function sigreturn(t: Task, rt: boolean): number {
  t.restartBlock = undefined;
  if (restoreFrame(t, rt)) return t.cpu.r[0]!;
  forceSignal(t, { signo: SIG.SIGSEGV, code: SI.SI_KERNEL, pid: 0, uid: 0 });
  return 0;
}

export const signalCalls: readonly Call[] = [
  call(0, 'restart_syscall', [], (t) => (t.restartBlock ? t.restartBlock(t) : -ERRNO.EINTR)),
  call(29, 'pause', [], (t) => t.wait([], Infinity, 'ERESTARTNOHAND')),
  call(37, 'kill', [pid, signal], kill),
  call(
    67,
    'sigaction',
    [signal, structInOrNull(oldSigaction), structOut(oldSigaction)],
    (t, signo, action, oldAt) => {
      const old = setAction(t, signo, action);
      if (oldAt !== 0) t.mm.put(oldSigaction, oldAt, old);
      return 0;
    },
  ),
  // The arguments before the mask are not used (arch/arm, sys_sigsuspend takes restart, oldmask, mask).
  call(72, 'sigsuspend', [uint, uint, uint], (t, _restart, _old, mask) =>
    suspend(t, (t.blocked & ~0xffff_ffffn) | BigInt(mask)),
  ),
  call(73, 'sigpending', [structOut(sigset32)], (t, at) => {
    t.mm.put(sigset32, at, pendingSet(t));
    return 0;
  }),
  call(119, 'sigreturn', [], (t) => sigreturn(t, false)),
  call(126, 'sigprocmask', [how, structInOrNull(sigset32), structOut(sigset32)], (t, way, set, oldAt) => {
    const old = t.blocked;
    if (set !== null) changeMask(t, way, set, 0xffff_ffffn);
    if (oldAt !== 0) t.mm.put(sigset32, oldAt, old);
    return 0;
  }),
  call(173, 'rt_sigreturn', [], (t) => sigreturn(t, true)),
  call(
    174,
    'rt_sigaction',
    [signal, structInOrNull(sigaction), structOut(sigaction), uint],
    rtSigaction,
    sizedBy(3),
  ),
  call(
    175,
    'rt_sigprocmask',
    [how, structInOrNull(sigset), structOut(sigset), uint],
    rtSigprocmask,
    sizedBy(3),
  ),
  call(176, 'rt_sigpending', [structOut(sigset), uint], (t, at, size) => {
    if (size > SIGSET_SIZE) fail('EINVAL');
    const { buffer } = BigUint64Array.of(pendingSet(t));
    t.mm.writable(at, size).set(new Uint8Array(buffer, 0, size));
    return 0;
  }),
  call(
    177,
    'rt_sigtimedwait',
    [structIn(sigset), structOut(siginfo), structInOrNull(timespec32), uint],
    (t, set, infoAt, timeout) => sigtimedwait(t, set, infoAt, timeout),
    sizedBy(3),
  ),
  call(178, 'rt_sigqueueinfo', [pid, signal, ptr], (t, id, signo, at) => sigqueue(t, id, signo, at)),
  call(179, 'rt_sigsuspend', [structIn(sigset), uint], (t, set) => suspend(t, set), sizedBy(1)),
  call(186, 'sigaltstack', [structInOrNull(stackT), structOut(stackT)], sigaltstack),
  call(238, 'tkill', [pid, signal], (t, id, signo) =>
    id <= 0 ? fail('EINVAL') : tgkill(t, 0, id, fromUser(t, signo, SI.SI_TKILL)),
  ),
  call(268, 'tgkill', [pid, pid, signal], (t, group, id, signo) =>
    id <= 0 || group <= 0 ? fail('EINVAL') : tgkill(t, group, id, fromUser(t, signo, SI.SI_TKILL)),
  ),
  call(363, 'rt_tgsigqueueinfo', [pid, pid, signal, ptr], (t, group, id, signo, at) => {
    t.mm.get(siginfo, at);
    if (id <= 0 || group <= 0) fail('EINVAL');
    return tgkill(t, group, id, queuedInfo(t, id, signo, at));
  }),
  call(
    421,
    'rt_sigtimedwait_time64',
    [structIn(sigset), structOut(siginfo), structInOrNull(timespec64), uint],
    (t, set, infoAt, timeout) => sigtimedwait(t, set, infoAt, timeout),
    sizedBy(3),
  ),
];
