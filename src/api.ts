/** What the library takes and gives. docs/API.md is made from this file by `node src/api-document.ts`. */

/** Text (as UTF-8) or bytes. */
export type Piece = string | Uint8Array;

/**
 * What a program reads: all of it, or pieces as an iterable gives them, such as a Readable of Node. An asynchronous iterable is
 * asked for the next piece when the program wants one, and closed (its `return`) when the program closes its end before that is
 * all.
 */
export type Input = Piece | Iterable<Piece> | AsyncIterable<Piece>;

/**
 * Where a program writes: a function, called with a copy of every piece as it is written, or a Writable of Node. A Writable that
 * is full makes the program wait; it is not ended when the program ends.
 */
export type Output = ((bytes: Uint8Array) => void) | NodeJS.WritableStream;

/** The synchronous functions of node:fs that a file system must have. A Volume of memfs has them. */
export type FileSystemApi = Record<
  | 'lstatSync'
  | 'fstatSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'openSync'
  | 'closeSync'
  | 'readSync'
  | 'writeSync'
  | 'mkdirSync'
  | 'rmdirSync'
  | 'unlinkSync'
  | 'symlinkSync'
  | 'linkSync'
  | 'renameSync'
  | 'chmodSync'
  | 'fchmodSync'
  | 'lchownSync'
  | 'fchownSync'
  | 'lutimesSync'
  | 'futimesSync'
  | 'ftruncateSync'
  | 'fsyncSync'
  | 'fdatasyncSync',
  (...args: never[]) => unknown
>;

/** A file or directory of the host that the program sees at another place. */
export interface Bind {
  /** Path on the host. */
  readonly from: string;
  /** Absolute path as the program sees it. The directory it is in must be there. */
  readonly to: string;
  readonly readOnly?: boolean;
}

/** An empty file system in memory. */
export interface Tmpfs {
  /** Absolute path as the program sees it. The directory it is in must be there. */
  readonly to: string;
  /** Bytes that its files may take; by default half of the machine's memory. */
  readonly size?: number;
}

/** A resource limit: a number is both the soft and the hard one. Infinity is none. A hard limit that is not given stays. */
export type Limit = number | { readonly soft: number; readonly hard?: number };

/** Resource limits (getrlimit(2)), by their names of prlimit(1). What is not given is as for this process. */
export interface Limits {
  /** Address space of a process in bytes. */
  readonly as?: Limit;
  /** Size of a core file in bytes. No core is written; a limit of 0 is what programs are told. */
  readonly core?: Limit;
  /** CPU time of a process in seconds: SIGXCPU, then SIGKILL. */
  readonly cpu?: Limit;
  /** Size of a file that is written, in bytes: SIGXFSZ, EFBIG. */
  readonly fsize?: Limit;
  /** Bytes of memory that may be locked. */
  readonly memlock?: Limit;
  /** Bytes that message queues of a user may take. */
  readonly msgqueue?: Limit;
  /** Open files of a process. */
  readonly nofile?: Limit;
  /** Tasks (processes and threads) of a user who is not root. */
  readonly nproc?: Limit;
  /** Pending signals of a user. */
  readonly sigpending?: Limit;
  /** Stack of the first thread of a process, in bytes. */
  readonly stack?: Limit;
}

/** A program that is about to run. Names are as the program sees them. */
export interface StartEvent {
  readonly pid: number;
  /** The program's file. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Effective ids. */
  readonly uid: number;
  readonly gid: number;
}

/** Something happened to a process of the run. */
export type ProcessEvent =
  | { readonly type: 'fork'; readonly pid: number; readonly ppid: number }
  | { readonly type: 'exec'; readonly pid: number; readonly path: string; readonly argv: readonly string[] }
  | {
      readonly type: 'exit';
      readonly pid: number;
      /** Name of its program, at most 15 characters. */
      readonly comm: string;
      /** 128 + n after a signal. */
      readonly exitCode: number;
      readonly signal: NodeJS.Signals | null;
      /** CPU time in milliseconds. */
      readonly cpuTime: number;
    };

/** Called while a program runs. They must not throw. */
export interface Events {
  /** The program is loaded and about to run. */
  start?(event: StartEvent): void;
  /** A process has been made, has executed a program, or has ended. */
  process?(event: ProcessEvent): void;
  /** A system call or signal, in the form of strace(1), without a newline. */
  syscall?(line: string): void;
  /** The program asked for something that is not supported. */
  warning?(message: string): void;
  /** Armrun has failed in something; the process that asked for it was told an error, and the run goes on. */
  failure?(message: string): void;
  /** The program has left a terminal of the host with other settings, which Node would undo at its exit. */
  terminalChanged?(): void;
}

export interface RunOptions {
  /** The program: a path as the program sees it, or a name that is looked for in the PATH of `env`. */
  program: string;
  /** All arguments, argv[0] first; by default the program alone. */
  argv?: readonly string[];
  /** The environment: KEY=VALUE strings, or an object. By default empty. */
  env?: readonly string[] | Readonly<Record<string, string | undefined>>;
  /** Directory of the host that is the program's root; null or undefined: the host's own tree. */
  root?: string | null;
  /** A Volume of memfs, or anything with these functions of node:fs, as the root instead. */
  fs?: FileSystemApi;
  /** Files and directories of the host that are shown in the root: those with shorter paths first, else in this order. */
  binds?: readonly Bind[];
  /** File systems in memory, likewise. */
  tmpfs?: readonly Tmpfs[];
  /** The root, or the host's own tree, is read-only; what is mounted in it is not. */
  readOnly?: boolean;
  /**
   * The root is not changed: changes go to memory (true), or to a directory of the host, in the form of Linux's overlayfs, where
   * they are found again by the next run.
   */
  overlay?: string | boolean | null;
  /**
   * The program is root in its root, though this process need not be: owners, devices and attributes that the host refuses are
   * kept in a file beside the root, its path with `.owners` behind it, for this and later runs.
   */
  fakeroot?: boolean;
  /** What uname and /proc/sys/kernel/hostname give; by default the host's. */
  hostname?: string | null;
  /**
   * `none`: programs have a loopback interface that is down, as in a new network namespace of Linux; `loopback`: it is up. What
   * they say to each other by it stays in this process. By default `host`.
   */
  net?: 'none' | 'loopback' | 'host' | null;
  /** Process ids are below it (kernel.pid_max), 301 to 4194304: when none is free fork fails with EAGAIN. */
  pidMax?: number | null;
  /** Bytes of memory that programs are promised at the most, all together: what is beyond fails with ENOMEM. */
  memory?: number | null;
  /** How many CPUs programs see, 1 to 32; by default 1. They take turns on one. */
  cpus?: number | null;
  /** Working directory as the program sees it; by default `/` under a root, else this process's. */
  cwd?: string | null;
  /** A directory of the host in which absolute paths of files are looked for first (qemu-user's -L). */
  ldPrefix?: string | null;

  /** Standard input, output and error; by default descriptors 0, 1 and 2 of this process. */
  stdin?: Input;
  stdout?: Output;
  stderr?: Output;

  /**
   * User and group of the first process; by default this process's. They are the program's own view: on the host all is done as
   * this process.
   */
  uid?: number;
  gid?: number;
  limits?: Limits;
  /** What uname(2) gives as the kernel's release; by default 6.1.0. */
  release?: string | null;
  /** Signals that the program finds ignored, bit n - 1 for signal n. */
  ignoredSignals?: bigint;

  /** Ends the run, with all its processes, when it is aborted; run() rejects with its reason. */
  signal?: AbortSignal;
  /** Whether signals that reach this process go to the program; by default when all standard streams are this process's. */
  forwardSignals?: boolean;
  on?: Events;

  /**
   * What runs the program: translated code (jit, the default), the interpreter without it, the slow reference, libunicorn
   * (Debian's libunicorn2, with npm's koffi), or unicorn.js (the user's own, the file or package that ARMRUN_UNICORN_JS names).
   */
  cpu?: 'jit' | 'interp' | 'reference' | 'unicorn' | 'unicorn.js';
  /**
   * Name of one of CPU_MODELS (emu/cpu-model.ts), by default cortex-a7. Runs at the same time in one process must have the same:
   * OptionError.
   */
  cpuModel?: string;
  /** A second CPU, another than `cpu`, that runs beside it; a difference ends the run with a {@link VerifyError}. */
  verify?: 'jit' | 'interp' | 'reference' | 'unicorn' | 'unicorn.js' | null;
  /** Directory of the host where compiled code is kept for later runs; null or undefined: nowhere. */
  cache?: string | null;
  /**
   * The first run of a process takes the same turns each time, as far as it asks nobody outside: time passes as programs run, not
   * by the host's clock, one thread does everything, the host's files are listed by name and numbered in the order they are met.
   * (The time of day and random numbers are the host's.) What is kept in `cache` is the same bytes.
   */
  repeatable?: boolean;
  /** Counts what `stats` of the result tells. It takes a little time. */
  stats?: boolean;
  /**
   * A failure of armrun's own ends the run with an {@link InternalError}, rather than giving the process that met it an error.
   */
  strict?: boolean;
}

/** Why a program was killed by a fault of its own. */
export interface Fault {
  /** The signal in words, such as "Segmentation fault". */
  readonly text: string;
  /** The address that could not be used. */
  readonly address: number;
  /** Address of the instruction. */
  readonly pc: number;
  readonly thumb: boolean;
}

export interface ProcessStats {
  readonly pid: number;
  readonly comm: string;
  readonly instructions: number;
  readonly syscalls: number;
  readonly faults: number;
  /** Milliseconds spent in translation. */
  readonly compileMs: number;
  /** CPU time in milliseconds. */
  readonly cpuTime: number;
}

export interface WorkStats {
  /** By tier of the CPU: instructions, and milliseconds in its code. */
  readonly tiers: Readonly<Record<string, { readonly instructions: number; readonly ms: number }>>;
  /** By thread: milliseconds of decoding and of translating. */
  readonly threads: Readonly<Record<string, { readonly decodeMs: number; readonly translateMs: number }>>;
  /** Modules of compiled code that earlier runs have kept, and of these the ones that came with V8's code. */
  readonly kept: { readonly modules: number; readonly compiled: number };
  /** How often compiled code had another tier run an instruction, by its encoding's name. */
  readonly steps: Readonly<Record<string, number>>;
  /** Milliseconds in system calls, faults and whatever else the CPU asks the kernel. */
  readonly hooksMs: number;
}

export interface Stats {
  readonly instructions: number;
  readonly syscalls: number;
  readonly faults: number;
  readonly processes: number;
  /** Milliseconds spent in translation, and what came of it. */
  readonly compileMs: number;
  readonly regions: number;
  readonly modules: number;
  readonly wasmBytes: number;
  /** Where instructions and time went. */
  readonly work: WorkStats;
  /** Milliseconds the run took. */
  readonly wallMs: number;
  /** In the order in which they ended. */
  readonly byProcess: readonly ProcessStats[];
}

export interface RunResult {
  /** Exit status as shells have it: 128 + n after a signal. */
  exitCode: number;
  /** Name of the signal that ended the program; null when none did, and for real-time signals. */
  signal: NodeJS.Signals | null;
  /** When the program was killed for what it did at an address. */
  fault?: Fault;
  /** With the option `stats`. */
  stats?: Stats;
}

/** For capture(): as for run(), but output is taken, and input is nothing unless given. */
export type CaptureOptions = Omit<RunOptions, 'stdout' | 'stderr'>;

export interface CaptureResult extends RunResult {
  /** What was written to standard output and standard error, read as UTF-8. */
  stdout: string;
  stderr: string;
}
