/** Processes: fork, clone, exec, exit, wait, ids, groups and sessions (kernel/fork.c, fs/exec.c, kernel/exit.c, kernel/sys.c). */
import { fail } from '../../abi/errno.ts';
import { CLONE } from '../../abi/sched.ts';
import { NSIG, SIG, signalName } from '../../abi/signal.ts';
import { s32, struct, u64 } from '../../abi/struct.ts';
import { ARM_NR_BASE } from '../../abi/unistd.ts';
import { execve, type Program } from '../../kernel/exec.ts';
import { exitGroup, exitThread } from '../../kernel/exit.ts';
import { CLONE_NAMESPACES, type CloneArgs, cloneTask } from '../../kernel/fork.ts';
import type { HostCommand } from '../../kernel/kernel.ts';
import type { Process } from '../../kernel/process.ts';
import { exitTraced, forceSignal } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import type { WaitQueue } from '../../vfs/core/wait-queue.ts';
import { lookupPath } from '../../vfs/core/walk.ts';
import { AT_FDCWD, dirfd, flags, flagText, hex, int, path, pid, ptr, stringVector, uint } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { installPidfd } from './other-process.ts';

// ---- fork, clone ----

/** clone's flags with the signal in the low byte. */
const cloneFlags: Arg<number> = {
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
    if (args.flags & CLONE.CLONE_PIDFD) {
      if (args.flags & (CLONE.CLONE_THREAD | CLONE.CLONE_DETACHED)) fail('EINVAL');
      t.mm.writable(args.pidfd!, 4);
    }
    const child = cloneTask(t, args);
    if (args.flags & CLONE.CLONE_PIDFD) t.mm.put(s32, args.pidfd!, installPidfd(t, child.process));
    if (child.vforkDone === undefined) return child.tid;
    t.callState = waiting = { child, tid: child.tid, done: child.vforkDone };
  }
  if (waiting.child.vforkDone === undefined) return waiting.tid;
  return t.waitKillable(waiting.done);
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

/** Beyond the flags of clone: handled signals are back to their defaults in the child. */
const CLONE_CLEAR_SIGHAND = 2 ** 32;

function clone3(t: Task, at: number, size: number): number {
  if (size < cloneArgs.size) fail('EINVAL');
  // What a newer program knows and we do not must be zero (copy_struct_from_user).
  if (size > 4096) fail('E2BIG');
  if (
    t.mm
      .readable(at, size)
      .subarray(88)
      .some((b) => b !== 0)
  )
    fail('E2BIG');
  if (
    t.mm
      .readable(at, size)
      .subarray(64)
      .some((b) => b !== 0)
  )
    fail('EINVAL'); // set_tid, cgroup
  const a = t.mm.get(cloneArgs, at);
  const clearHandlers = a.flags >= CLONE_CLEAR_SIGHAND;
  const flags = clearHandlers ? a.flags - CLONE_CLEAR_SIGHAND : a.flags;
  if (flags > 0xffff_ffff || flags & 0xff || a.exit_signal > NSIG) fail('EINVAL');
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

// ---- exec ----

/** Longest single string, and most strings (MAX_ARG_STRLEN, MAX_ARG_STRINGS within the limit of the whole). */
const ARG_STRLEN = 32 * 4096;
const ARG_STRINGS = 0x10_0000;

/** A NULL-terminated vector of strings; a null pointer is an empty one. EFAULT, E2BIG. */
function strings(t: Task, at: number): string[] {
  const list: string[] = [];
  if (at === 0) return list;
  for (let i = 0; i < ARG_STRINGS; i++) {
    t.mm.readable(at + 4 * i, 4);
    const string = t.mm.view.getUint32(at + 4 * i, true);
    if (string === 0) return list;
    try {
      list.push(t.mm.string(string, ARG_STRLEN));
    } catch (e) {
      if ((e as { name?: string }).name === 'ENAMETOOLONG') fail('E2BIG');
      throw e;
    }
  }
  return fail('E2BIG');
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;

/** Runs a command of the host's in the place of the task's program, which ends with it. */
function execCommand(t: Task, command: HostCommand, argv: readonly string[], envp: number): number {
  const done = command.run(argv.slice(1), t.creds.euid === 0);
  if ('argv' in done) {
    const path = done.argv[0] ?? fail('ENOENT');
    const context = { root: t.fs.root, creds: t.creds, prefix: t.fs.prefix };
    const inode = lookupPath(context, t.fs.cwd, path, true);
    execve(t, { inode, path, argv: done.argv, envp: strings(t, envp) });
    return 0;
  }
  t.files.find(2)?.write(Buffer.from(done.message));
  const status = (done.status & 0xff) << 8;
  exitTraced(t, status, () => exitGroup(t, status));
  return 0;
}

function exec(t: Task, dir: number, name: string, argv: number, envp: number, how: number): number {
  if (how & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) fail('EINVAL');
  const { command } = t.kernel.options;
  if (command !== undefined && name === command.path) return execCommand(t, command, strings(t, argv), envp);
  const context = { root: t.fs.root, creds: t.creds, prefix: t.fs.prefix };
  let program: Pick<Program, 'inode' | 'path' | 'inaccessible'>;
  if (name === '' && how & AT_EMPTY_PATH) {
    const inode = dir === AT_FDCWD ? t.fs.cwd : t.files.get(dir).inode;
    program = { inode, path: `/dev/fd/${dir}`, inaccessible: t.files.closesOnExec(dir) };
  } else {
    const absolute = name.startsWith('/');
    const start = absolute || dir === AT_FDCWD ? t.fs.cwd : t.files.get(dir).inode;
    const inode = lookupPath(context, start, name, !(how & AT_SYMLINK_NOFOLLOW));
    if (inode.isSymlink) fail('ELOOP');
    const relative = !absolute && dir !== AT_FDCWD;
    program = {
      inode,
      path: relative ? `/dev/fd/${dir}/${name}` : name,
      inaccessible: relative && t.files.closesOnExec(dir),
    };
  }
  execve(t, { ...program, argv: strings(t, argv), envp: strings(t, envp) });
  return 0;
}

// ---- ids, groups, sessions ----

/** A process by its id; ESRCH. */
function find(t: Task, id: number): Process {
  return id === 0
    ? t.process
    : (t.kernel.processes.get(id) ?? t.kernel.tasks.get(id)?.process ?? fail('ESRCH'));
}

function setpgid(t: Task, id: number, group: number): number {
  if (group < 0) fail('EINVAL');
  const p = find(t, id);
  const pgid = group === 0 ? p.pid : group;
  if (p.parent === t.process) {
    if (p.session !== t.process.session) fail('EPERM');
    if (p.executed) fail('EACCES');
  } else if (p !== t.process) fail('ESRCH');
  if (p.session.sid === p.pid) fail('EPERM');
  if (pgid !== p.pid && !t.kernel.group(pgid).some((member) => member.session === p.session)) fail('EPERM');
  p.pgid = pgid;
  return 0;
}

function setsid(t: Task): number {
  const p = t.process;
  if (p.session.sid === p.pid || t.kernel.group(p.pid).length > 0) fail('EPERM');
  p.session = { sid: p.pid, tty: undefined, foreground: 0 };
  p.pgid = p.pid;
  return p.pid;
}

/** What arm_syscall does for a call it does not know: SIGILL, ILL_ILLTRP. */
function illegal(t: Task): number {
  const size = t.cpu.location & 1 ? 2 : 4;
  forceSignal(t, { signo: SIG.SIGILL, code: 4, addr: (t.cpu.ru[15]! - size) >>> 0 });
  return t.cpu.r[0]!;
}

/** Only what threads share may be unshared: there are no namespaces. */
function unshare(t: Task, how: number): number {
  const own = CLONE.CLONE_FS | CLONE.CLONE_FILES | CLONE.CLONE_SYSVSEM;
  const threads = CLONE.CLONE_THREAD | CLONE.CLONE_SIGHAND | CLONE.CLONE_VM;
  if (how & ~(own | threads | CLONE_NAMESPACES)) fail('EINVAL');
  if (how & threads && t.process.threads.size > 1) fail('EINVAL');
  if (how & CLONE_NAMESPACES) fail('EPERM');
  if (how & CLONE.CLONE_FS) t.fs = t.fs.clone();
  if (how & CLONE.CLONE_FILES && t.files.shared) {
    const copy = t.files.clone();
    t.files.release();
    t.files = copy;
  }
  return 0;
}

export const processCalls: readonly Call[] = [
  call(1, 'exit', [int], (t, code) => {
    exitTraced(t, (code & 0xff) << 8, () => exitThread(t, code));
    return 0;
  }),
  call(2, 'fork', [], (t) => clone(t, NO_CLONE)),
  call(11, 'execve', [path, stringVector, stringVector], (t, name, argv, envp) =>
    exec(t, AT_FDCWD, name, argv, envp, 0),
  ),
  call(20, 'getpid', [], (t) => t.process.pid),
  call(57, 'setpgid', [pid, pid], setpgid),
  call(64, 'getppid', [], (t) => t.process.ppid),
  call(65, 'getpgrp', [], (t) => t.process.pgid),
  call(66, 'setsid', [], setsid),
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
  call(132, 'getpgid', [pid], (t, id) => find(t, id).pgid),
  call(147, 'getsid', [pid], (t, id) => find(t, id).session.sid),
  call(190, 'vfork', [], (t) => clone(t, { ...NO_CLONE, flags: CLONE.CLONE_VFORK | CLONE.CLONE_VM })),
  call(224, 'gettid', [], (t) => t.tid),
  call(248, 'exit_group', [int], (t, code) => {
    const status = (code & 0xff) << 8;
    exitTraced(t, status, () => exitGroup(t, status));
    return 0;
  }),
  call(256, 'set_tid_address', [ptr], (t, at) => {
    t.clearChildTid = at;
    return t.tid;
  }),
  call(337, 'unshare', [flags(CLONE)], unshare),
  call(
    387,
    'execveat',
    [dirfd, path, stringVector, stringVector, flags({ AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW })],
    exec,
  ),
  call(435, 'clone3', [ptr, uint], clone3),

  // arm_syscall of arch/arm/kernel/traps.c
  call(ARM_NR_BASE + 1, 'breakpoint', [], (t) => {
    forceSignal(t, { signo: SIG.SIGTRAP, code: 1, addr: (t.cpu.ru[15]! - 4) >>> 0 });
    return t.cpu.r[0]!;
  }),
  // There is no 26-bit mode to change to.
  call(ARM_NR_BASE + 3, 'usr26', [], illegal),
  call(ARM_NR_BASE + 4, 'usr32', [], illegal),
  call(ARM_NR_BASE + 5, 'set_tls', [hex], (t, tls) => {
    t.cpu.tls = tls;
    return 0;
  }),
  call(ARM_NR_BASE + 6, 'get_tls', [], (t) => t.cpu.tls | 0, { result: 'hex' }),
];
