/** clone(2), fork(2), vfork(2), unshare(2) (kernel/fork.c). */
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { CLONE } from '../../abi/sched.ts';
import { NSIG, SIG, signalName } from '../../abi/signal.ts';
import { s32, struct, u64 } from '../../abi/struct.ts';
import { type CloneArgs, cloneTask } from '../../kernel/fork.ts';
import { NEW_NAMESPACES, newNamespaces, newUserNamespace } from '../../kernel/nsproxy.ts';
import type { Task } from '../../kernel/task.ts';
import type { WaitQueue } from '../../vfs/core/wait-queue.ts';
import { flags, flagText, hex, ptr, uint, valuesOf } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { checkExtension } from '../extensible.ts';
import { installPidfd } from './pidfd.ts';

/** clone's flags with the signal in the low byte. */
const cloneFlags: Arg<number> = {
  domain: valuesOf('bits', CLONE),
  words: 1,
  decode: (_t, x) => x,
  print: (_p, x) => {
    const signal = x & 0xff;
    const text = x & ~0xff ? flagText(x & ~0xff, CLONE) : '';
    return [text, signal ? signalName(signal) : ''].filter((s) => s !== '').join('|') || '0';
  },
};

/** What vfork remembers while it waits. */
interface Vfork {
  child: Task;
  tid: number;
  done: WaitQueue;
}

/** kernel_clone: gives the child's tid; with CLONE_VFORK only when it has executed or ended. */
function clone(t: Task, args: CloneArgs): number {
  let waiting = t.callState as Vfork | undefined;
  if (waiting === undefined) {
    const pidfd = (args.flags & CLONE.CLONE_PIDFD) !== 0;
    if (pidfd && args.flags & (CLONE.CLONE_THREAD | CLONE.CLONE_DETACHED)) fail('EINVAL');
    const checkPidfd = () => {
      t.files.checkFree(t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
      t.mm.writable(args.pidfd!, 4);
    };
    const child = cloneTask(t, pidfd ? { ...args, checkPidfd } : args);
    if (pidfd) t.mm.put(s32, args.pidfd!, installPidfd(t, child.process));
    const tid = t.process.pids.numberOf(child.tid);
    if (child.vforkDone === undefined) return tid;
    t.callState = waiting = { child, tid, done: child.vforkDone };
  }
  if (waiting.child.vforkDone === undefined) return waiting.tid;
  return t.sleepKillable(waiting.done);
}

const NO_CLONE: CloneArgs = {
  flags: 0,
  exitSignal: SIG.SIGCHLD,
  stack: 0,
  tls: 0,
  parentTid: 0,
  childTid: 0,
};

const cloneArgs = struct('clone_args', {
  flags: u64,
  pidfd: u64,
  child_tid: u64,
  parent_tid: u64,
  exit_signal: u64,
  stack: u64,
  stack_size: u64,
  tls: u64,
});

/** With set_tid, its size, and cgroup. */
const CLONE_ARGS_SIZE = 88;

/** Beyond the flags of clone: handled signals are back to their defaults in the child. */
const CLONE_CLEAR_SIGHAND = 2 ** 32;

function clone3(t: Task, at: number, size: number): number {
  if (size < cloneArgs.size) fail('EINVAL');
  checkExtension(t, at, CLONE_ARGS_SIZE, size);
  const whole = t.mm.readable(at, Math.min(size, CLONE_ARGS_SIZE));
  if (whole.subarray(cloneArgs.size).some((b) => b !== 0)) fail('EINVAL'); // set_tid, cgroup
  const a = t.mm.get(cloneArgs, at);
  const clearHandlers = a.flags >= CLONE_CLEAR_SIGHAND;
  const flags = clearHandlers ? a.flags - CLONE_CLEAR_SIGHAND : a.flags;
  if (flags > 0xffff_ffff || flags & 0xff & ~CLONE.CLONE_NEWTIME || a.exit_signal > NSIG) fail('EINVAL');
  if (clearHandlers && flags & CLONE.CLONE_SIGHAND) fail('EINVAL');
  if (flags & (CLONE.CLONE_THREAD | CLONE.CLONE_PARENT) && a.exit_signal) fail('EINVAL');
  if ((a.stack === 0) !== (a.stack_size === 0)) fail('EINVAL');
  return clone(t, {
    flags,
    clearHandlers,
    pidfd: a.pidfd,
    exitSignal: a.exit_signal,
    stack: a.stack + a.stack_size,
    tls: a.tls,
    parentTid: a.parent_tid,
    childTid: a.child_tid,
  });
}

/** ksys_unshare: what threads share, and namespaces. */
function unshare(t: Task, how: number): number {
  const own = CLONE.CLONE_FS | CLONE.CLONE_FILES | CLONE.CLONE_SYSVSEM;
  let threads = CLONE.CLONE_THREAD | CLONE.CLONE_SIGHAND | CLONE.CLONE_VM;
  if (how & ~(own | threads | NEW_NAMESPACES | CLONE.CLONE_NEWUSER)) fail('EINVAL');
  threads |= CLONE.CLONE_NEWUSER;
  if (how & threads && t.process.threads.size > 1) fail('EINVAL');
  const creds = how & CLONE.CLONE_NEWUSER ? newUserNamespace(t) : t.creds;
  const ns = newNamespaces(t, how, creds);
  if (how & (CLONE.CLONE_FS | CLONE.CLONE_NEWNS | CLONE.CLONE_NEWUSER)) t.fs = t.fs.clone();
  if (how & CLONE.CLONE_FILES && t.files.shared) {
    const copy = t.files.clone();
    t.files.release();
    t.files = copy;
  }
  t.creds = creds;
  t.ns = ns;
  ns.mnt.enter();
  return 0;
}

export const cloneCalls: readonly Call[] = [
  call(2, 'fork', [], (t) => clone(t, NO_CLONE)),
  call(190, 'vfork', [], (t) => clone(t, { ...NO_CLONE, flags: CLONE.CLONE_VFORK | CLONE.CLONE_VM })),
  call(120, 'clone', [cloneFlags, ptr, ptr, hex, ptr], (t, how, stack, parentTid, tls, childTid) =>
    // The old call puts a pidfd where it would put the parent's tid.
    how & CLONE.CLONE_PIDFD && how & CLONE.CLONE_PARENT_SETTID
      ? fail('EINVAL')
      : clone(t, {
          flags: how & ~0xff,
          exitSignal: how & 0xff,
          pidfd: parentTid,
          stack,
          parentTid,
          tls,
          childTid,
        }),
  ),
  call(435, 'clone3', [ptr, uint], clone3),
  call(337, 'unshare', [flags(CLONE)], unshare),
  call(256, 'set_tid_address', [ptr], (t, at) => {
    t.clearChildTid = at;
    return t.number;
  }),
];
