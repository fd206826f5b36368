/** The first process of a run: what login and exec would have given it. */
import { READ_IMPLIES_EXEC } from '../abi/mman.ts';
import { RLIM_NLIMITS, RLIMIT } from '../abi/resource.ts';
import type { SigSet } from '../abi/signal.ts';
import type { Creds } from '../vfs/core/creds.ts';
import type { FdTable } from '../vfs/core/fd-table.ts';
import type { Inode } from '../vfs/core/inode.ts';
import { checkExecutable, type Program, prepare } from './exec.ts';
import { FsContext } from './fs-context.ts';
import { startInit } from './init.ts';
import type { Kernel } from './kernel.ts';
import { INIT_PID, Process, type Rlimit, type Session } from './process.ts';
import { SignalHandlers } from './signal-handlers.ts';
import { Task } from './task.ts';

export interface BootOptions {
  root: Inode;
  cwd: Inode;
  /** See PathContext. */
  prefix: Inode | undefined;
  umask: number;
  creds: Creds;
  /** As PR_SET_NO_NEW_PRIVS leaves it. */
  noNewPrivs?: boolean;
  files: FdTable;
  limits: readonly Rlimit[];
  ignoredSignals: SigSet;
  program: Program;
}

/** Makes the first process and gives it the program; throws Errno as execve does. It runs when the scheduler does. */
export function boot(kernel: Kernel, options: BootOptions): Process {
  const { creds, limits, files, noNewPrivs = false } = options;
  const fs = new FsContext(options.root, options.cwd, options.umask);
  fs.prefix = options.prefix;
  const stackLimit = Math.min(limits[RLIMIT.RLIMIT_STACK]!.cur, 2 ** 31);
  checkExecutable({ kernel, creds }, options.program.inode);
  const prepared = prepare({ kernel, fs, creds, noNewPrivs, stackLimit }, options.program);
  const pid = kernel.allocatePid();
  if (pid !== INIT_PID) startInit(kernel, options.root, limits);
  const session: Session = { sid: pid, tty: undefined, foreground: pid };
  const process = new Process(kernel, pid, kernel.pids, undefined, pid, session, limits);
  const task = new Task({
    kernel,
    tid: pid,
    process,
    mm: prepared.mm,
    cpu: prepared.cpu,
    fs,
    ns: kernel.namespaces,
    files,
    creds: prepared.creds,
    sighand: SignalHandlers.ignoring(options.ignoredSignals),
    comm: prepared.comm,
  });
  if (prepared.readImpliesExec) task.personality |= READ_IMPLIES_EXEC;
  task.noNewPrivs = noNewPrivs;
  process.leader = task;
  process.threads.add(task);
  kernel.processes.set(pid, process);
  kernel.tasks.set(pid, task);
  kernel.scheduler.enqueue(task);
  return process;
}

/** Limits where the host does not tell: unlimited but for the usual few. */
export function defaultLimits(): Rlimit[] {
  const limits = Array.from({ length: RLIM_NLIMITS }, () => ({ cur: Infinity, max: Infinity }));
  limits[RLIMIT.RLIMIT_STACK] = { cur: 8 << 20, max: Infinity };
  limits[RLIMIT.RLIMIT_CORE] = { cur: 0, max: Infinity };
  limits[RLIMIT.RLIMIT_NOFILE] = { cur: 1024, max: 4096 };
  limits[RLIMIT.RLIMIT_MEMLOCK] = { cur: 65536, max: 65536 };
  limits[RLIMIT.RLIMIT_MSGQUEUE] = { cur: 819200, max: 819200 };
  limits[RLIMIT.RLIMIT_NICE] = { cur: 0, max: 0 };
  limits[RLIMIT.RLIMIT_RTPRIO] = { cur: 0, max: 0 };
  return limits;
}
