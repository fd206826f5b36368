/**
 * Executing a program: execve(2), fs/exec.c, fs/binfmt_script.c, fs/binfmt_elf.c. The new memory is built whole before anything
 * of the old program is touched, so every error leaves the caller as it was.
 */

import { CpuState } from '../../emu/cpu-state.ts';
import { ElfError } from '../../emu/elf/elf-error.ts';
import { biasAt, loadElf, programBias } from '../../emu/elf/load.ts';
import { type ElfImage, pageEnd } from '../../emu/elf/read.ts';
import { buildStack, checkArguments } from '../../emu/elf/stack.ts';
import { AddressSpace, type PageSource } from '../../emu/memory/address-space.ts';
import { fail } from '../abi/errno.ts';
import { O_RDONLY, X_OK } from '../abi/fcntl.ts';
import { READ_IMPLIES_EXEC } from '../abi/mman.ts';
import { RLIMIT } from '../abi/resource.ts';
import { SIG } from '../abi/signal.ts';
import type { Attributes } from '../abi/stat.ts';
import type { Creds } from '../vfs/core/creds.ts';
import { type Inode, identityOf, pathOf } from '../vfs/core/inode.ts';
import type { OpenFile } from '../vfs/core/open-file.ts';
import { lookupPath } from '../vfs/core/walk.ts';
import { randomBytes } from '../vfs/memory/random.ts';
import { committedIn, mayCommit } from './commit.ts';
import { credsAfterExec } from './exec-creds.ts';
import { killOtherThreads, leaveMemory } from './exit.ts';
import type { FsContext } from './fs-context.ts';
import type { Kernel } from './kernel.ts';
import { HEAD } from './known-programs.ts';
import { latin1, Mm, orNoMemory } from './mm.ts';
import { forChild } from './nsproxy.ts';
import { PTRACE_EVENT, PTRACE_O } from './ptrace.ts';
import type { Task } from './task.ts';
import { isWritten } from './text-busy.ts';

/** Interpreters of interpreters. */
const MAX_DEPTH = 5;

export interface Program {
  /** The file, which is executable, and the path by which it was asked for (AT_EXECFN, for a script the script's). */
  readonly inode: Inode;
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** No path leads to the file once exec is done (fexecve of a close-on-exec descriptor): a script cannot be run. */
  readonly inaccessible?: boolean;
}

/** Who executes: enough of a task to look up files, also before there is one. */
export interface Executor {
  readonly kernel: Kernel;
  readonly fs: FsContext;
  readonly creds: Creds;
  readonly noNewPrivs: boolean;
  /** RLIMIT_STACK in bytes. */
  readonly stackLimit: number;
}

/** A program ready to run in a memory of its own. */
export interface Prepared {
  readonly mm: Mm;
  readonly cpu: CpuState;
  readonly creds: Creds;
  readonly comm: string;
  readonly readImpliesExec: boolean;
}

/** Executes in the place of the task's program. Throws Errno when it cannot. */
export function execve(t: Task, program: Program): void {
  const stack = t.process.limits[RLIMIT.RLIMIT_STACK]!.cur;
  const prepared = prepare(
    { kernel: t.kernel, fs: t.fs, creds: t.creds, noNewPrivs: t.noNewPrivs, stackLimit: stack },
    program,
  );
  killOtherThreads(t);
  prepared.mm.coreFilter = t.mm.coreFilter;
  prepared.mm.hugePagesOff = t.mm.hugePagesOff;
  leaveMemory(t);
  t.mm = prepared.mm;
  t.cpu = prepared.cpu;
  t.hwBreakpoints = undefined;
  if (t.creds.euid !== prepared.creds.euid || t.creds.egid !== prepared.creds.egid) t.parentDeathSignal = 0;
  t.creds = prepared.creds;
  t.ns = forChild(t.ns);
  t.comm = prepared.comm;
  t.dumpable = 1;
  t.personality &= ~READ_IMPLIES_EXEC;
  if (prepared.readImpliesExec) t.personality |= READ_IMPLIES_EXEC;
  t.sighand = t.sighand.withDefaults();
  t.process.onSignals?.();
  t.altStack = { ...t.altStack, sp: 0, size: 0 };
  t.lastFault = { trapNo: 0, errorCode: 0, address: 0 };
  t.restartBlock = undefined;
  for (const timer of t.process.timers.values()) timer.disarm();
  t.process.timers.clear();
  if (t.files.shared) {
    const own = t.files.clone();
    t.files.release();
    t.files = own;
  }
  t.files.exec();
  t.process.executed = true;
  t.kernel.options.observer?.executed(t.process, program.path, program.argv);
  if (t.trace !== undefined) {
    if (t.trace.options & PTRACE_O.PTRACE_O_TRACEEXEC)
      t.traceEvent = { event: PTRACE_EVENT.EXEC, message: t.trace.tracer.pids.numberOf(t.tid) };
    else if (!t.trace.seized) t.injectSignal(SIG.SIGTRAP);
  }
  t.leaveCpu = true;
  t.notify = true;
}

/** A file that is executed, or loads what is. */
interface Opened {
  readonly file: OpenFile;
  readonly source: PageSource;
  readonly name: string;
}

/** What is to be loaded: a program, after the scripts that lead to it, and the loader it asks for. */
interface Found {
  readonly inode: Inode;
  readonly argv: readonly string[];
  readonly main: Opened;
  readonly image: ElfImage;
  /** As of when it was looked up. */
  readonly attributes: Attributes;
  readonly loader: (Opened & { image: ElfImage }) | undefined;
}

/** Loads a program into a new memory. Throws Errno; nothing is left behind then. */
export function prepare(by: Executor, program: Program): Prepared {
  const opened: OpenFile[] = [];
  const open = (inode: Inode): Opened => {
    const file = inode.open(O_RDONLY).ref();
    opened.push(file);
    return { file, source: file.pageSource(false, true), name: pathOf(inode, by.fs.root) };
  };
  try {
    const found = findImages(by, program, open);
    checkArguments(found.argv, program.envp, program.path, by.stackLimit);
    const { creds, secure } = credsAfterExec(by.creds, found.inode, found.attributes, by.noNewPrivs);
    const space = orNoMemory(() => AddressSpace.create(found.main.source.key ?? found.main.name));
    let done = false;
    try {
      const { mm, cpu } = load(by, program, found, space, creds, secure);
      if (!mayCommit(by.kernel, () => committedIn(space))) fail('ENOMEM');
      done = true;
      const readImpliesExec = found.image.stack !== 'not-executable';
      return { mm, cpu, creds, comm: commOf(program.path), readImpliesExec };
    } finally {
      if (!done) space.close();
    }
  } catch (e) {
    if (e instanceof ElfError) {
      by.kernel.warn(e.message);
      fail(e.errno);
    }
    throw e;
  } finally {
    for (const file of opened) file.release();
  }
}

/** Follows `#!` lines to a program (load_script), and finds its loader. */
function findImages(by: Executor, program: Program, open: (inode: Inode) => Opened): Found {
  const context = { root: by.fs.root, creds: by.creds, prefix: by.fs.prefix };
  const { programs } = by.kernel;
  let { inode, argv } = program;
  let interpreterPath = program.path;
  let main = open(inode);
  for (let depth = 0; ; depth++) {
    const head = programs.head(main.source);
    if (head[0] !== 0x23 || head[1] !== 0x21) break;
    if (depth >= MAX_DEPTH) fail('ELOOP');
    const script = parseScript(head);
    if (program.inaccessible) fail('ENOENT');
    argv = [
      script.interpreter,
      ...(script.argument === '' ? [] : [script.argument]),
      interpreterPath,
      ...argv.slice(1),
    ];
    interpreterPath = script.interpreter;
    inode = lookupPath(context, by.fs.cwd, interpreterPath, true);
    checkExecutable(by, inode);
    main = open(inode);
  }
  const attributes = inode.stat();
  const image = programs.image(main.source, main.name);
  if (image.interp === null) return { inode, argv, main, image, attributes, loader: undefined };
  const found = lookupPath(context, by.fs.cwd, image.interp, true);
  checkExecutable(by, found);
  const file = open(found);
  const loader = { ...file, image: programs.image(file.source, file.name, 'interpreter') };
  return { inode, argv, main, image, attributes, loader };
}

/** Fills a new memory, and gives a CPU that stands where the program or its loader begins. */
function load(
  by: Executor,
  program: Program,
  { inode, argv, main, image, loader }: Found,
  space: AddressSpace,
  creds: Creds,
  secure: boolean,
): { mm: Mm; cpu: CpuState } {
  space.stackLimit = by.stackLimit;
  space.mayGrow = by.kernel.vfs.memory.mayCommit;
  const bias = programBias(image, (n) => space.findFree(n));
  const loaded = loadElf(space, image, main.source, main.name, bias);
  let start = loaded.entry;
  let base = 0;
  if (loader) {
    const room = pageEnd(loader.image.high) - loader.image.low + loader.image.align;
    const at = biasAt(loader.image, space.findFree(room));
    const interpreter = loadElf(space, loader.image, loader.source, loader.name, at);
    start = interpreter.entry;
    base = interpreter.base;
  }
  const stack = buildStack(space, {
    argv,
    envp: program.envp,
    execfn: program.path,
    phdr: loaded.phdr,
    phnum: loaded.phnum,
    entry: loaded.entry,
    base,
    uid: creds.user.uids.shown(creds.uid),
    euid: creds.user.uids.shown(creds.euid),
    gid: creds.user.gids.shown(creds.gid),
    egid: creds.user.gids.shown(creds.egid),
    secure,
    random: randomBytes(16),
    executable: image.stack !== 'not-executable',
    model: by.kernel.options.model,
  });
  const mm = new Mm(
    space,
    orNoMemory(() => by.kernel.createBackend(space)),
  );
  mm.startBrk = mm.brk = loaded.brk;
  mm.argStart = stack.argStart;
  mm.argEnd = stack.argEnd;
  mm.envStart = stack.envStart;
  mm.envEnd = stack.envEnd;
  mm.auxv = stack.auxv;
  mm.exe = inode;
  mm.exeIdentity = identityOf(inode);
  const cpu = new CpuState(space.buffer, space.allocateState());
  cpu.clear();
  cpu.ru[13] = stack.sp;
  cpu.location = start;
  return { mm, cpu };
}

/** do_open_execat: a regular file with an x bit for the caller, that nobody writes. */
export function checkExecutable(by: Pick<Executor, 'kernel' | 'creds'>, inode: Inode): void {
  if (!inode.isRegular || inode.noExec || !inode.permits(X_OK, by.creds)) fail('EACCES');
  if (isWritten(by.kernel, inode)) fail('ETXTBSY');
}

/** The last component of the path, at most 15 bytes (__set_task_comm). */
function commOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 16);
}

/** The first line of a script (load_script): interpreter and at most one argument, which is all the rest. Throws ENOEXEC. */
export function parseScript(head: Uint8Array): { interpreter: string; argument: string } {
  // The last byte of a full head is not looked at: there it would have put its NUL.
  const text = latin1(head.subarray(0, HEAD - 1)).slice(2);
  const newline = text.indexOf('\n');
  const line = (newline < 0 ? text.replace(/\0.*$/s, '') : text.slice(0, newline)).replace(/^[ \t]+/, '');
  // A line longer than the head may have its end cut off the argument, but not off the path.
  if (newline < 0 && head.length === HEAD && !/[ \t]/.test(line)) fail('ENOEXEC');
  const stripped = line.replace(/[ \t]+$/, '');
  const match = /^([^ \t\0]+)(?:[ \t]+(.*))?$/s.exec(stripped);
  if (match === null) return fail('ENOEXEC');
  return { interpreter: match[1]!, argument: match[2] ?? '' };
}
