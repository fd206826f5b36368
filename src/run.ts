/**
 * Runs one ARM program, with all processes it makes, inside this process: what src/index.ts exports.
 *
 * The result is the program's own end. What prevents a run, and armrun's own failure, is an error (errors.ts), which never passes
 * for the program's doing. Nothing is said on standard error: the command says it (cli.ts).
 */
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { engineNamed } from '../emu/backend.ts';
import { type CpuModel, DEFAULT_MODEL } from '../emu/cpu-model.ts';
import { Errno, type ErrnoName } from '../syscalls/abi/errno.ts';
import { X_OK } from '../syscalls/abi/fcntl.ts';
import { RESERVED_PIDS } from '../syscalls/abi/limits.ts';
import { SIGNAL_TEXT } from '../syscalls/abi/signal.ts';
import { Dispatcher } from '../syscalls/calls/dispatch.ts';
import { Strace } from '../syscalls/calls/strace.ts';
import { allCalls } from '../syscalls/calls/table.ts';
import { boot } from '../syscalls/kernel/boot.ts';
import { CountedClock } from '../syscalls/kernel/counted-clock.ts';
import { startJobControl } from '../syscalls/kernel/job-control.ts';
import { Kernel } from '../syscalls/kernel/kernel.ts';
import { procSource } from '../syscalls/kernel/proc.ts';
import type { Process, Rlimit } from '../syscalls/kernel/process.ts';
import { CAP_FULL, type Creds, credsFor } from '../syscalls/vfs/core/creds.ts';
import { FdTable } from '../syscalls/vfs/core/fd-table.ts';
import { type FileSystem, type Inode, pathOf } from '../syscalls/vfs/core/inode.ts';
import type { OpenFile } from '../syscalls/vfs/core/open-file.ts';
import { bindHost, mountSystem, mountTmpfs } from '../syscalls/vfs/core/system-mounts.ts';
import type { Vfs } from '../syscalls/vfs/core/vfs.ts';
import { lookupPath, type PathContext } from '../syscalls/vfs/core/walk.ts';
import { HostDescriptors } from '../syscalls/vfs/host/descriptors.ts';
import { isOrphaned } from '../syscalls/vfs/host/job.ts';
import { AttributesFile, ownersOf } from '../syscalls/vfs/host/kept-attributes.ts';
import { type NodeApi, NodeFs } from '../syscalls/vfs/host/node-fs.ts';
import { openHostControllingTerminal, settleTerminals } from '../syscalls/vfs/host/terminal.ts';
import { TmpFs } from '../syscalls/vfs/memory/tmpfs.ts';
import { copyAttributes } from '../syscalls/vfs/overlay/layers.ts';
import { OverlayFs } from '../syscalls/vfs/overlay/overlay.ts';
import type { CaptureOptions, CaptureResult, RunOptions, RunResult } from './api.ts';
import { ArmrunError, InternalError, OptionError, StartError, VerifyError } from './errors.ts';
import { useHandlersFile } from './handlers-file.ts';
import { forwardSignals } from './host-signals.ts';
import { guestCommand } from './image/command.ts';
import { ownTranslations } from './image/folder.ts';
import { hideInstallation } from './image/install.ts';
import { checkMachine, limitsOf } from './limits.ts';
import { claimModel, modelNamed } from './model.ts';
import { endOf, processObserver, statsOf } from './process-events.ts';
import { openInput, openOutput } from './streams.ts';
import { openArchive } from './translation-archive.ts';
import { translatorFor } from './translator.ts';

/** How long output of a program that was killed may take. */
const KILLED_FLUSH_MS = 300;
const RELEASE = '6.1.0';
/** The command brings a Node of its own; who uses the library has one. */
const OLDEST_NODE = 24;

/**
 * Runs a program to its end. Nothing is written to this process's standard streams but by the program, when it has them.
 *
 * Rejects with a StartError when the program cannot be executed, with an OptionError for options that cannot be (a root that is
 * no directory, a CPU that is not there), with the reason of `signal`, and with a VerifyError or InternalError as the options
 * say.
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const started = performance.now();
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE)
    throw new ArmrunError(
      'ERR_ARMRUN_NODE',
      `armrun needs Node ${OLDEST_NODE} or newer, this is ${process.version}`,
    );
  options.signal?.throwIfAborted();
  const model = modelNamed(options.cpuModel);
  const endClaim = claimModel(model);
  try {
    return await runWith(model, options, started);
  } finally {
    endClaim();
  }
}

async function runWith(model: CpuModel, options: RunOptions, started: number): Promise<RunResult> {
  const { on = {}, repeatable = false } = options;
  const limits = limitsOf(options.limits ?? {});
  checkMachine(options);
  useHandlersFile();
  // Translations hold what was undefined.
  const variant = model === DEFAULT_MODEL ? '' : `-${model.name}`;
  const archive = openArchive(options.cache ?? null, `${options.stats ? '-counting' : ''}${variant}`, {
    // In an image, armrun's folder is all users'.
    shared: options.cache === ownTranslations(),
  });
  const engine = await engineNamed(options.cpu ?? 'jit', {
    verify: options.verify ?? null,
    archive,
    translator: translatorFor(model.name, os.availableParallelism()),
    repeatable,
    unicornJs: process.env.ARMRUN_UNICORN_JS ?? null,
  }).catch((error: Error) => {
    throw new OptionError('ERR_ARMRUN_CPU', error.message, { cause: error });
  });
  const strace = on.syscall && new Strace((line) => on.syscall!(line));
  const dispatcher = new Dispatcher(allCalls);
  const inherits =
    options.stdin === undefined && options.stdout === undefined && options.stderr === undefined;
  const forwards = options.forwardSignals ?? inherits;
  const kernel = new Kernel({
    createBackend: (space, hooks) => engine.create(space, { hooks, count: options.stats === true }),
    calls: dispatcher,
    release: options.release ?? RELEASE,
    model,
    hostname: options.hostname ?? os.hostname(),
    corePattern: hostCorePattern(),
    clock: repeatable ? new CountedClock() : undefined,
    firstPid: repeatable ? RESERVED_PIDS : process.pid,
    network: options.net ?? undefined,
    pidMax: options.pidMax ?? undefined,
    memory: options.memory ?? undefined,
    cpus: options.cpus ?? undefined,
    isOrphaned: forwards ? isOrphaned : () => true,
    stats: options.stats === true,
    observer: on.process && processObserver((event) => on.process!(event)),
    warn: on.warning && ((message) => on.warning!(message)),
    failed: (where, error) => {
      if (options.strict || isMismatch(error)) throw error;
      on.failure?.(`${oneLine(error)}, in ${where}`);
    },
  });
  kernel.vfs.inOrder = repeatable;
  kernel.tracer = strace;
  dispatcher.attach(kernel, strace);
  try {
    return await runIn(kernel, options, { engine, archive, limits, inherits, forwards, started });
  } finally {
    kernel.vfs.close();
  }
}

interface Surroundings {
  engine: Awaited<ReturnType<typeof engineNamed>>;
  archive: ReturnType<typeof openArchive>;
  limits: readonly Rlimit[];
  inherits: boolean;
  forwards: boolean;
  /** When the run began, by performance.now(). */
  started: number;
}

async function runIn(
  kernel: Kernel,
  options: RunOptions,
  { engine, archive, limits, inherits, forwards, started }: Surroundings,
): Promise<RunResult> {
  const { on = {} } = options;
  let init: Process;
  try {
    init = start(kernel, options, limits, () => archive?.close());
  } catch (error) {
    if (!(error instanceof Errno)) throw error;
    throw new StartError(error.name, `${options.program}: ${START_ERRORS[error.name] ?? error.message}`, {
      cause: error,
    });
  }
  startJobControl(kernel, init, inherits ? openHostControllingTerminal : undefined);
  const stopForwarding = forwards ? forwardSignals(kernel, init) : undefined;
  try {
    await untilEnd(kernel, init, options, inherits);
  } finally {
    stopForwarding?.();
  }
  kernel.shutDown();
  await engine.finish();
  archive?.close();
  // Who has killed the guest does not want to wait for a reader that takes nothing.
  const killed = (init.status & 0x7f) !== 0;
  const flushed = kernel.vfs.lingering.flushed();
  await (killed ? Promise.race([flushed, setTimeout(KILLED_FLUSH_MS)]) : flushed);
  if (!killed && settleTerminals(kernel.vfs)) on.terminalChanged?.();
  const result = resultOf(init);
  if (options.stats) result.stats = statsOf(kernel, performance.now() - started);
  return result;
}

/** Runs all processes until the first one has ended. */
async function untilEnd(
  kernel: Kernel,
  init: Process,
  options: RunOptions,
  inherits: boolean,
): Promise<void> {
  const abort = () => kernel.scheduler.end(new Aborted());
  options.signal?.addEventListener('abort', abort);
  // What nobody catches in a program that uses the library is that program's.
  const callbackFailed = (error: unknown) => kernel.callbackFailed(error);
  if (inherits) process.on('uncaughtException', callbackFailed);
  try {
    await kernel.scheduler.run(() => init.zombie);
  } catch (error) {
    if (error instanceof Aborted) {
      kernel.shutDown();
      throw options.signal!.reason;
    }
    if (isMismatch(error)) throw new VerifyError('ERR_ARMRUN_VERIFY', error.message, { cause: error });
    throw new InternalError('ERR_ARMRUN_INTERNAL', oneLine(error), { cause: error });
  } finally {
    options.signal?.removeEventListener('abort', abort);
    process.off('uncaughtException', callbackFailed);
  }
}

/** Runs a program and takes its output. Rejects as run() does; an exit status that is not 0 is no error. */
export async function capture(options: CaptureOptions): Promise<CaptureResult> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const result = await run({
    stdin: '',
    ...options,
    stdout: (bytes) => out.push(bytes),
    stderr: (bytes) => err.push(bytes),
  });
  return { ...result, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Thrown in the scheduler when the run is to end. */
class Aborted extends Error {}

/** The CPU model asked for; throws an OptionError when there is none of that name. */
/**
 * Opens the standard files and loads the program. Throws Errno. `uninstalled` is called when the guest has armrun removed from
 * its image.
 */
function start(
  kernel: Kernel,
  options: RunOptions,
  limits: readonly Rlimit[],
  uninstalled: () => void,
): Process {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  const fakeroot = options.fakeroot ? openOwners(kernel, options.root) : undefined;
  const lower = new NodeFs(kernel.vfs, options.fs ? '/' : bytes(directory('root', options.root ?? '/')), {
    ...(options.fs ? { api: options.fs as unknown as NodeApi } : { hostTree: !options.root }),
    readOnly: Boolean(options.readOnly || options.overlay),
    fakeroot,
  }).root;
  const root = options.overlay ? overlayOver(kernel, lower, options) : lower;
  const login = credsFor(
    options.uid ?? (fakeroot ? 0 : (process.geteuid?.() ?? 0)),
    options.gid ?? (fakeroot ? 0 : (process.getegid?.() ?? 0)),
    fakeroot ? [0] : hostGroups(),
  );
  const isHost = !options.root && !options.fs;
  const creds = isHost && options.uid === undefined ? asOnHost(login) : login;
  if (hideInstallation(lower) && isHost) {
    kernel.options.command = guestCommand(() => {
      lower.fs.hidden = undefined;
      lower.fs.generation++;
      uninstalled();
    });
  }
  const prefix = options.ldPrefix
    ? new NodeFs(kernel.vfs, bytes(directory('ldPrefix', options.ldPrefix))).root
    : undefined;
  const context = { root, creds, prefix };
  const files = new FdTable();
  openStandard(kernel.vfs, options).forEach((file, fd) => {
    files.set(fd, file, false);
  });
  mountSystem(root, procSource(kernel), !isHost, files, kernel.namespaces.ipc.mqueues);
  mountAsked(root, options);
  const cwd = workingDirectory(context, bytes(options.cwd ?? (isHost ? process.cwd() : '/')));
  const envp = environment(options.env ?? []).map(bytes);
  const path = findProgram(context, cwd, bytes(options.program), envp, isHost);
  const inode = lookupPath(context, cwd, path, true);
  const argv = options.argv ?? [options.program];
  const text = (name: string) => Buffer.from(name, 'latin1').toString();
  const init = boot(kernel, {
    root,
    cwd,
    prefix,
    umask: process.umask(),
    creds,
    noNewPrivs: isHost && hostStatus('NoNewPrivs') === '1',
    files,
    limits,
    ignoredSignals: options.ignoredSignals ?? 0n,
    program: {
      inode,
      path,
      argv: argv.map(bytes),
      envp,
    },
  });
  options.on?.start?.({
    pid: init.pid,
    path: text(pathOf(inode, root)),
    argv,
    cwd: text(pathOf(cwd, root)),
    uid: creds.euid,
    gid: creds.egid,
  });
  return init;
}

function isMismatch(error: unknown): error is Error {
  return error instanceof Error && error.name === 'VerifyMismatch';
}

/** An error with the place where it was thrown. */
function oneLine(error: unknown): string {
  if (error instanceof Errno) return error.name;
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

/** A directory of the host, by its real path. */
function directory(option: string, path: string): string {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new OptionError('ERR_ARMRUN_OPTION', `${option}: ${path} is not a directory`);
  return fs.realpathSync(path);
}

/** A root whose changes go to memory, or to a directory of the host. */
function overlayOver(kernel: Kernel, lower: Inode, { root, overlay, readOnly, fakeroot }: RunOptions): Inode {
  if (!root) throw new OptionError('ERR_ARMRUN_OPTION', 'overlay: only with a root of its own');
  const { vfs } = kernel;
  let upper: FileSystem;
  if (typeof overlay === 'string') {
    const path = directory('overlay', overlay);
    const base = Buffer.from(path).toString('latin1');
    upper = new NodeFs(vfs, base, { fakeroot: fakeroot ? openOwners(kernel, path) : undefined });
  } else upper = new TmpFs(vfs);
  if (upper.root.list().length === 0) copyAttributes(lower, upper.root);
  const made = new OverlayFs(lower, upper.root);
  made.superReadOnly = made.keptReadOnly = readOnly ?? false;
  return made.root;
}

/** Where what the host refuses of a root is kept. */
function openOwners(kernel: Kernel, root: string | null | undefined): AttributesFile {
  if (!root) throw new OptionError('ERR_ARMRUN_OPTION', 'fakeroot: only with a root of its own');
  const path = ownersOf(directory('root', root));
  try {
    const owners = new AttributesFile(path, kernel.vfs.passed);
    kernel.vfs.closing.push(() => owners.close());
    return owners;
  } catch (error) {
    throw new OptionError('ERR_ARMRUN_OPTION', `fakeroot: ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** What the options have mounted: what lies in something else that is, after that. */
function mountAsked(root: Inode, { binds = [], tmpfs = [] }: RunOptions): void {
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  const depth = (path: string) => path.split('/').filter((name) => name !== '').length;
  const mounts = [
    ...binds.map(({ from, to, readOnly = false }) => ({
      to,
      what: `binds: ${from} at ${to}`,
      mount: () => bindHost(root, bytes(from), bytes(to), readOnly),
    })),
    ...tmpfs.map(({ to, size }) => ({
      to,
      what: `tmpfs: ${to}`,
      mount: () => mountTmpfs(root, bytes(to), size),
    })),
  ];
  for (const { what, mount } of mounts.sort((a, b) => depth(a.to) - depth(b.to))) {
    try {
      mount();
    } catch (error) {
      if (!(error instanceof Errno)) throw error;
      throw new OptionError('ERR_ARMRUN_OPTION', `${what}: ${error.message}`, { cause: error });
    }
  }
}

/** KEY=VALUE strings. */
function environment(env: RunOptions['env'] & {}): readonly string[] {
  if (Array.isArray(env)) return env;
  return Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

function workingDirectory(context: PathContext, path: string): Inode {
  try {
    const inode = lookupPath(context, context.root, path, true);
    if (inode.isDirectory) return inode;
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    throw new OptionError('ERR_ARMRUN_OPTION', `working directory ${path}: ${e.message}`, { cause: e });
  }
  throw new OptionError('ERR_ARMRUN_OPTION', `working directory ${path}: not a directory`);
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * As execvp(3): a name without a slash is looked for in PATH. In the host's own tree the working directory comes first, as with
 * qemu-arm.
 */
function findProgram(
  context: PathContext,
  cwd: Inode,
  program: string,
  envp: readonly string[],
  hostTree: boolean,
): string {
  if (program.includes('/') || program === '') return program;
  const path = envp.find((e) => e.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH;
  const directories = path.split(':').map((d) => (d === '' ? '.' : d));
  if (hostTree) directories.unshift('.');
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
  const { exitCode, signal } = endOf(init.status);
  const result: RunResult = { exitCode, signal };
  const info = init.fatalSignal;
  if (signal !== null && info?.addr !== undefined) {
    const text = SIGNAL_TEXT[init.status & 0x7f]!;
    const { fatalPc } = init;
    const thumb = (fatalPc & 1) !== 0;
    result.fault = { text, address: info.addr >>> 0, pc: (fatalPc & ~1) >>> 0, thumb };
  }
  return result;
}

/** Where the host's kernel puts core files: a guest's go there too, and none is made where a program takes them. */
function hostCorePattern(): string | undefined {
  try {
    return fs.readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

/** A field of this process's status (proc(5)); undefined where the host has no /proc. */
function hostStatus(field: string): string | undefined {
  try {
    const status = fs.readFileSync('/proc/self/status', 'latin1');
    return new RegExp(`^${field}:(.*)$`, 'm').exec(status)?.[1]?.trim();
  } catch {
    return undefined;
  }
}

/** Supplementary groups of this process. (Those of process.getgroups always have the effective group among them.) */
function hostGroups(): number[] {
  return hostStatus('Groups')?.split(/\s+/).filter(Boolean).map(Number) ?? process.getgroups?.() ?? [];
}

/** Who has no more than the host gives this process, whose tree is the guest's: a container may have taken capabilities. */
function asOnHost(creds: Creds): Creds {
  const set = (field: string, otherwise: bigint) => {
    const digits = hostStatus(field);
    return digits === undefined ? otherwise : BigInt(`0x${digits}`) & CAP_FULL;
  };
  return {
    ...creds,
    permitted: set('CapPrm', creds.permitted),
    effective: set('CapEff', creds.effective),
    inheritable: set('CapInh', creds.inheritable),
    bounding: set('CapBnd', creds.bounding),
    ambient: set('CapAmb', creds.ambient),
  };
}
