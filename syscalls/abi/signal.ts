/**
 * Signals of 32-bit ARM Linux (signal(7); asm-generic/signal.h, asm-generic/siginfo.h, arch/arm/include/uapi/asm/signal.h):
 * numbers, flags, codes, default actions. A signal set is a bigint mask with bit n-1 for signal n.
 */

export const NSIG = 64;
export const SIGRTMIN = 32;

export const SIG = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

const NAMES: string[] = [];
for (const [name, number] of Object.entries(SIG)) NAMES[number] = name;

/** SIGSEGV, SIGRT_5 ...; a number when it is no signal. */
export function signalName(signal: number): string {
  if (signal >= SIGRTMIN && signal <= NSIG)
    return signal === SIGRTMIN ? 'SIGRTMIN' : `SIGRT_${signal - SIGRTMIN}`;
  return NAMES[signal] ?? String(signal);
}

/** Text of strsignal(3) for the signals that end a program. */
export const SIGNAL_TEXT: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  4: 'Illegal instruction',
  5: 'Trace/breakpoint trap',
  6: 'Aborted',
  7: 'Bus error',
  8: 'Floating point exception',
  9: 'Killed',
  10: 'User defined signal 1',
  11: 'Segmentation fault',
  12: 'User defined signal 2',
  13: 'Broken pipe',
  14: 'Alarm clock',
  15: 'Terminated',
  16: 'Stack fault',
  24: 'CPU time limit exceeded',
  25: 'File size limit exceeded',
  26: 'Virtual timer expired',
  27: 'Profiling timer expired',
  29: 'I/O possible',
  30: 'Power failure',
  31: 'Bad system call',
};

export type SigSet = bigint;
export const sigmask = (signal: number): SigSet => MASKS[signal]!;
const MASKS = Array.from({ length: NSIG + 1 }, (_, n) => (n === 0 ? 0n : 1n << BigInt(n - 1)));
export const ALL_SIGNALS: SigSet = (1n << 64n) - 1n;

const setOf = (...signals: number[]): SigSet => signals.reduce((set, s) => set | sigmask(s), 0n);
/** Signals that no handler, mask or ignoring holds off. */
export const UNBLOCKABLE: SigSet = setOf(SIG.SIGKILL, SIG.SIGSTOP);
export const STOP_SIGNALS: SigSet = setOf(SIG.SIGSTOP, SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU);
/** Signals whose default action is to do nothing. */
export const IGNORED_BY_DEFAULT: SigSet = setOf(SIG.SIGCONT, SIG.SIGCHLD, SIG.SIGWINCH, SIG.SIGURG);
/** Delivered before others (SYNCHRONOUS_MASK of kernel/signal.c). */
export const SYNCHRONOUS: SigSet = setOf(
  SIG.SIGSEGV,
  SIG.SIGBUS,
  SIG.SIGILL,
  SIG.SIGTRAP,
  SIG.SIGFPE,
  SIG.SIGSYS,
);

export const SIG_DFL = 0;
export const SIG_IGN = 1;
export const SIG_ERR = 0xffff_ffff;

export const SA = {
  SA_NOCLDSTOP: 0x0000_0001,
  SA_NOCLDWAIT: 0x0000_0002,
  SA_SIGINFO: 0x0000_0004,
  SA_THIRTYTWO: 0x0200_0000,
  SA_RESTORER: 0x0400_0000,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
  SA_NODEFER: 0x4000_0000,
  SA_RESETHAND: 0x8000_0000,
} as const;

export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 1 << 31;
export const MINSIGSTKSZ = 2048;

/** Values of si_code. */
export const SI = {
  SI_USER: 0,
  SI_KERNEL: 0x80,
  SI_QUEUE: -1,
  SI_TIMER: -2,
  SI_MESGQ: -3,
  SI_ASYNCIO: -4,
  SI_SIGIO: -5,
  SI_TKILL: -6,
  ILL_ILLOPC: 1,
  SEGV_MAPERR: 1,
  SEGV_ACCERR: 2,
  BUS_ADRALN: 1,
  BUS_ADRERR: 2,
  TRAP_BRKPT: 1,
  TRAP_HWBKPT: 4,
  CLD_EXITED: 1,
  CLD_KILLED: 2,
  CLD_DUMPED: 3,
  CLD_TRAPPED: 4,
  CLD_STOPPED: 5,
  CLD_CONTINUED: 6,
} as const;

/**
 * What is known of a signal sent (siginfo_t). Which fields count depends on signo and code, as sigaction(2) tells.
 */
export interface SigInfo {
  signo: number;
  code: number;
  errno?: number;
  pid?: number;
  uid?: number;
  /** SIGCHLD: exit status or signal, and CPU time in clock ticks. */
  status?: number;
  utime?: number;
  stime?: number;
  /** Faults. */
  addr?: number;
  /** SI_QUEUE, SI_TIMER, SI_MESGQ: sigval as 32 bits. */
  value?: number;
  timerid?: number;
  overrun?: number;
  /** Called when it leaves the queue, taken or forgotten. */
  onLeave?: () => void;
  /** SIGIO. */
  band?: number;
  fd?: number;
  /** SIGSYS. */
  syscall?: number;
  arch?: number;
  /** ARM's context of a fault (struct sigcontext): trap_no and error_code. */
  trapNo?: number;
  errorCode?: number;
}
