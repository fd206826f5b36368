/**
 * The library: runs one ARM program, with all processes it makes, inside this process.
 *
 * The result is the guest's own end. What prevents a run is reported on standard error in one line and by an exit status as shells have it: 126 when the program cannot be
 * executed, 127 when there is none; 125 when armrun itself failed, which never passes for the guest's doing.
 */
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { engineNamed } from '../emu/backend.ts';
import type { CpuName } from '../emu/cpu.ts';
import { Errno, type ErrnoName } from '../syscalls/abi/errno.ts';
import { X_OK } from '../syscalls/abi/fcntl.ts';
import { RLIMIT } from '../syscalls/abi/resource.ts';
import { NSIG, SIGNAL_TEXT, signalName } from '../syscalls/abi/signal.ts';
import { Dispatcher } from '../syscalls/calls/dispatch.ts';
import { Strace } from '../syscalls/calls/strace.ts';
import { allCalls } from '../syscalls/calls/table.ts';
import { boot, defaultLimits } from '../syscalls/kernel/boot.ts';
import { startJobControl } from '../syscalls/kernel/job-control.ts';
import { Kernel } from '../syscalls/kernel/kernel.ts';
import { procSource } from '../syscalls/kernel/proc.ts';
import type { Process, Rlimit } from '../syscalls/kernel/process.ts';
import { credsFor } from '../syscalls/vfs/core/creds.ts';
import { FdTable } from '../syscalls/vfs/core/fd-table.ts';
import { type Inode, pathOf } from '../syscalls/vfs/core/inode.ts';
import type { OpenFile } from '../syscalls/vfs/core/open-file.ts';
import { mountSystem } from '../syscalls/vfs/core/system-mounts.ts';
import type { Vfs } from '../syscalls/vfs/core/vfs.ts';
import { lookupPath, type PathContext } from '../syscalls/vfs/core/walk.ts';
import { isOrphaned } from '../syscalls/vfs/host/job.ts';
import { type Input, type Output, openInput, openOutput } from '../syscalls/vfs/host/js-stream.ts';
import { type NodeApi, NodeFs } from '../syscalls/vfs/host/node-fs.ts';
import { HostDescriptors } from '../syscalls/vfs/host/stream.ts';
import { openHostControllingTerminal, settleTerminals } from '../syscalls/vfs/host/terminal.ts';
import { forwardSignals } from './host-signals.ts';
import { guestCommand } from './image/command.ts';
import { hideInstallation } from './image/install.ts';
import { openArchive } from './translation-archive.ts';

export interface RunOptions {
  /** The program: a path in the guest's view, or a name to be found by the guest's PATH. */
  program: string;
  /** All arguments, argv[0] first; the program alone unless given. */
  argv?: readonly string[];
  /** KEY=VALUE. */
  env?: readonly string[];
  /** Host directory that is the guest's root; null: the host's own tree. */
  root?: string | null;
  /** A volume of memfs, or anything with the API of node:fs, as the guest's root instead. */
  fs?: NodeApi;
  /** Working directory in the guest's view; by default `/` under a root, else the host's own. */
  cwd?: string | null;
  /** Standard streams; by default the host's descriptors 0, 1 and 2. */
  stdin?: Input;
  stdout?: Output;
  stderr?: Output;
  /** A host directory in which absolute paths of files are looked for first (qemu-user's -L). */
  ldPrefix?: string | null;
  cpu?: CpuName;
  /** Runs a second CPU beside the first and compares; a difference ends the run with MISMATCH_STATUS. */
  verify?: CpuName | null;
  /** '-' logs system calls to standard error, another word to a file of that name. */
  strace?: string | null;
  stats?: boolean;
  /** Says on standard error which file is run, with what arguments, and as whom. */
  debug?: boolean;
  /** Host directory where translations are kept from run to run; null: nowhere. */
  cache?: string | null;
  warn?: boolean;
  /** A failure of armrun's own ends the run; else it is said on standard error, and only what it happened to feels it. */
  strict?: boolean;
  /** uname's release. */
  release?: string | null;
  /** RLIMIT_STACK in bytes. */
  stackSize?: number | null;
  /** User and group of the first process; the host's own unless given. */
  uid?: number;
  gid?: number;
  /** Whether signals that reach this process go to the guest; by default when the standard streams are the host's. */
  signals?: boolean;
  /** Signals that the program finds ignored, bit n - 1 for signal n. */
  ignoredSignals?: bigint;
  /** Called when the program has left a terminal of the host with other settings, which Node would undo at its exit. */
  onTerminalChanged?: () => void;
}

export interface RunResult {
  /** Exit status, as shells have it: 128 + n after a signal. */
  exitCode: number;
  /** Name of the signal that ended the program. */
  signal: NodeJS.Signals | null;
}

/** How long output of a program that was killed may take. */
const KILLED_FLUSH_MS = 300;
const RELEASE = '6.1.0';

/** The two CPUs of a verification differ. */
const MISMATCH_STATUS = 99;
const INTERNAL_ERROR = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** Runs a program to its end. Rejects only for options that cannot be (a root that is no directory, a CPU that is not there). */
export async function run(options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  const archive = openArchive(options.cache ?? null, options.stats ? '-counting' : '');
  const engine = await engineNamed(options.cpu ?? 'jit', { verify: options.verify ?? null, archive });
  const log = options.strace ? lineWriter(options.strace) : undefined;
  const strace = log && new Strace(log);
  const dispatcher = new Dispatcher(allCalls);
  const own = options.stdin === undefined && options.stdout === undefined && options.stderr === undefined;
  const signals = options.signals ?? own;
  const kernel = new Kernel({
    createBackend: (space, hooks) => engine.create(space, { hooks, count: options.stats === true }),
    calls: dispatcher,
    release: options.release ?? RELEASE,
    hostname: os.hostname(),
    firstPid: process.pid,
    isOrphaned: signals ? isOrphaned : () => true,
    stats: options.stats === true,
    warn: options.warn ? complain : undefined,
    failed: (where, error) => {
      if (options.strict || isMismatch(error)) throw error;
      complain(`internal error, not the program's: ${oneLine(error)}, in ${where}`);
    },
  });
  kernel.tracer = strace;
  dispatcher.attach(kernel, strace);

  let init: Process;
  try {
    init = start(kernel, options, () => archive?.close());
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    complain(`${options.program}: ${START_ERRORS[e.name] ?? e.message}`);
    return {
      exitCode: e.name === 'ENOENT' || e.name === 'ENOTDIR' ? NOT_FOUND : NOT_EXECUTABLE,
      signal: null,
    };
  }
  startJobControl(kernel, init, own ? openHostControllingTerminal : undefined);
  const stopForwarding = signals ? forwardSignals(kernel, init) : undefined;
  // What nobody catches in a program that uses the library is that program's.
  const callbackFailed = (error: unknown) => kernel.callbackFailed(error);
  if (own) process.on('uncaughtException', callbackFailed);
  try {
    await kernel.scheduler.run(() => init.zombie);
  } catch (e) {
    if (isMismatch(e)) {
      complain(`verify: ${e.message}`);
      return { exitCode: MISMATCH_STATUS, signal: null };
    }
    complain(`internal error, not the program's: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`);
    return { exitCode: INTERNAL_ERROR, signal: null };
  } finally {
    stopForwarding?.();
    process.off('uncaughtException', callbackFailed);
  }
  kernel.shutDown();
  engine.finish();
  // Who has killed the guest does not want to wait for a reader that takes nothing.
  const killed = (init.status & 0x7f) !== 0;
  const flushed = kernel.vfs.lingering.flushed();
  await (killed ? Promise.race([flushed, setTimeout(KILLED_FLUSH_MS)]) : flushed);
  if (!killed && settleTerminals(kernel.vfs)) options.onTerminalChanged?.();
  if (options.stats) printStats(kernel, performance.now() - started);
  return resultOf(init);
}

/** Opens the standard files and loads the program. Throws Errno. `uninstalled` is called when the guest has armrun removed from its image. */
function start(kernel: Kernel, options: RunOptions, uninstalled: () => void): Process {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  const root = new NodeFs(
    kernel.vfs,
    options.fs ? '/' : bytes(fs.realpathSync(options.root ?? '/')),
    options.fs ? { api: options.fs } : { devices: !options.root },
  ).root;
  const creds = credsFor(
    options.uid ?? process.geteuid?.() ?? 0,
    options.gid ?? process.getegid?.() ?? 0,
    hostGroups(),
  );
  if (hideInstallation(root) && !options.root && !options.fs) {
    kernel.options.command = guestCommand(() => {
      root.fs.hidden = undefined;
      root.fs.generation++;
      uninstalled();
    });
  }
  const prefix = options.ldPrefix
    ? new NodeFs(kernel.vfs, bytes(fs.realpathSync(options.ldPrefix))).root
    : undefined;
  const context = { root, creds, prefix };
  const own = !options.root && !options.fs;
  const files = new FdTable();
  openStandard(kernel.vfs, options).forEach((file, fd) => {
    files.set(fd, file, false);
  });
  mountSystem(root, procSource(kernel), !own, files, kernel.mqueues);
  const cwd = workingDirectory(context, bytes(options.cwd ?? (own ? process.cwd() : '/')));
  const envp = (options.env ?? []).map(bytes);
  const path = findProgram(context, cwd, bytes(options.program), envp, own);
  const inode = lookupPath(context, cwd, path, true);
  if (options.debug) {
    const words = (options.argv ?? [options.program]).map(quoted).join(' ');
    const text = (name: string) => Buffer.from(name, 'latin1').toString();
    const where = `in ${text(pathOf(cwd, root))} as ${creds.euid}:${creds.egid}`;
    complain(`${text(pathOf(inode, root))} runs as: ${words} (${where}, ${startedFrom()})`);
  }
  return boot(kernel, {
    root,
    cwd,
    prefix,
    umask: process.umask(),
    creds,
    files,
    limits: hostLimits(options.stackSize ?? undefined),
    ignoredSignals: options.ignoredSignals ?? 0n,
    program: {
      inode,
      path,
      argv: (options.argv ?? [options.program]).map(bytes),
      envp,
    },
  });
}

function isMismatch(error: unknown): error is Error {
  return error instanceof Error && error.name === 'VerifyMismatch';
}

/** An error with the place where it was thrown. */
function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /^ *at (.*)$/m.exec(error.stack ?? '')?.[1];
  const message = `${error.name}: ${error.message}`.replaceAll('\n', ' ');
  return place ? `${message} (at ${place})` : message;
}

/** The files of descriptors 0, 1 and 2. What is given twice is one file. */
function openStandard(vfs: Vfs, { stdin, stdout, stderr }: RunOptions): OpenFile[] {
  const host = new HostDescriptors(vfs);
  const out = stdout === undefined ? host.open(1) : openOutput(vfs, stdout);
  return [
    stdin === undefined ? host.open(0) : openInput(vfs, stdin),
    out,
    stderr === undefined ? host.open(2) : stderr === stdout ? out : openOutput(vfs, stderr),
  ];
}

/** A word as a shell would read it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function startedFrom(): string {
  if (process.execArgv.includes('--snapshot-blob')) return 'started from the snapshot';
  return import.meta.url.endsWith('.ts') ? 'started from the sources' : 'started from the bundle';
}

function workingDirectory(context: PathContext, path: string): Inode {
  try {
    const inode = lookupPath(context, context.root, path, true);
    if (inode.isDirectory) return inode;
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    throw new Error(`working directory ${path}: ${e.message}`);
  }
  throw new Error(`working directory ${path}: not a directory`);
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As execvp(3): a name without a slash is looked for in PATH. In the host's own tree the working directory comes first, as with qemu-arm. */
function findProgram(
  context: PathContext,
  cwd: Inode,
  program: string,
  envp: readonly string[],
  own: boolean,
): string {
  if (program.includes('/') || program === '') return program;
  const path = envp.find((e) => e.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH;
  const directories = path.split(':').map((d) => (d === '' ? '.' : d));
  if (own) directories.unshift('.');
  for (const directory of directories) {
    const candidate = directory === '.' ? program : `${directory}/${program}`;
    try {
      const inode = lookupPath(context, cwd, candidate, true);
      if (inode.isRegular && inode.permits(X_OK, context.creds)) return candidate;
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    }
  }
  return program;
}

/** How an error of the first execve is told. */
const START_ERRORS: Partial<Record<ErrnoName, string>> = {
  ENOENT: 'not found (the file, its interpreter or its dynamic linker)',
  ENOEXEC: 'not a program for 32-bit ARM Linux',
  EACCES: 'permission denied',
};

function resultOf(init: Process): RunResult {
  const signo = init.status & 0x7f;
  if (signo === 0) return { exitCode: init.status >> 8, signal: null };
  const info = init.fatalSignal;
  if (info?.addr !== undefined) {
    const hex = (x: number) => `0x${(x >>> 0).toString(16)}`;
    const pc = (init.fatalPc & ~1) >>> 0;
    complain(
      `${SIGNAL_TEXT[signo]} at address ${hex(info.addr)} (pc ${hex(pc)}${init.fatalPc & 1 ? ', Thumb' : ''})`,
    );
  }
  const name = signo < 32 && signo <= NSIG ? (signalName(signo) as NodeJS.Signals) : null;
  return { exitCode: 128 + signo, signal: name };
}

/** Supplementary groups of this process. (Those of process.getgroups always have the effective group among them.) */
function hostGroups(): number[] {
  try {
    const line = /^Groups:(.*)$/m.exec(fs.readFileSync('/proc/self/status', 'latin1'));
    return line![1]!.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return process.getgroups?.() ?? [];
  }
}

/** The limits this process runs under, from /proc/self/limits. */
function hostLimits(stackSize: number | undefined): Rlimit[] {
  const limits = defaultLimits();
  const names: Record<string, number> = {
    'Max cpu time': RLIMIT.RLIMIT_CPU,
    'Max file size': RLIMIT.RLIMIT_FSIZE,
    'Max stack size': RLIMIT.RLIMIT_STACK,
    'Max core file size': RLIMIT.RLIMIT_CORE,
    'Max processes': RLIMIT.RLIMIT_NPROC,
    'Max open files': RLIMIT.RLIMIT_NOFILE,
    'Max locked memory': RLIMIT.RLIMIT_MEMLOCK,
    'Max pending signals': RLIMIT.RLIMIT_SIGPENDING,
    'Max msgqueue size': RLIMIT.RLIMIT_MSGQUEUE,
    'Max nice priority': RLIMIT.RLIMIT_NICE,
    'Max realtime priority': RLIMIT.RLIMIT_RTPRIO,
  };
  try {
    for (const line of fs.readFileSync('/proc/self/limits', 'latin1').split('\n')) {
      const match = /^(Max .*?) {2,}(\S+) +(\S+)/.exec(line);
      const index = match ? names[match[1]!] : undefined;
      if (index === undefined) continue;
      const value = (text: string) => (text === 'unlimited' ? Infinity : Number(text));
      limits[index] = { cur: value(match![2]!), max: value(match![3]!) };
    }
  } catch {
    // Not Linux: the defaults stand.
  }
  // Node raises its own soft limit to the hard one; programs expect the usual.
  const files = limits[RLIMIT.RLIMIT_NOFILE]!;
  files.cur = Math.min(1024, files.max);
  if (stackSize !== undefined) limits[RLIMIT.RLIMIT_STACK]!.cur = stackSize;
  return limits;
}

/** Widths of what --stats says of a process. */
const COLUMNS = [7, 15, 12, 8, 12, 11];

function printStats(kernel: Kernel, wall: number): void {
  const { totals } = kernel;
  const number = (x: number) => Math.round(x).toLocaleString('en-US');
  const line = (name: string, value: string) => fs.writeSync(2, `armrun: ${name.padEnd(14)} ${value}\n`);
  line('instructions', number(totals.instructions));
  line('system calls', number(totals.syscalls));
  line('faults', number(totals.faults));
  line('processes', number(totals.processes));
  line(
    'translation',
    `${number(totals.compileMs)} ms, ${totals.regions} regions, ${totals.modules} modules, ${number(totals.wasmBytes)} bytes`,
  );
  const columns = (...words: string[]) => words.map((w, i) => w.padStart(COLUMNS[i]!)).join(' ');
  line('by process', columns('pid', 'instructions', 'system calls', 'faults', 'translation', 'CPU time'));
  for (const { pid, comm, cpuTime, usage } of kernel.ended!) {
    const { instructions, syscalls, faults, compileMs } = usage;
    const counts = [instructions, syscalls, faults].map(number);
    line(comm, columns(String(pid), ...counts, `${number(compileMs)} ms`, `${number(cpuTime)} ms`));
  }
  line('time', `${number(wall)} ms, ${(totals.instructions / wall / 1000).toFixed(1)} MIPS`);
}

function complain(message: string): void {
  fs.writeSync(2, `armrun: ${message}\n`);
}

function lineWriter(where: string): (line: string) => void {
  const fd = where === '-' ? 2 : fs.openSync(where, 'w');
  return (line) => {
    fs.writeSync(fd, `${line}\n`);
  };
}
