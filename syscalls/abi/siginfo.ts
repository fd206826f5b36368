/**
 * siginfo_t of 32-bit ARM, 128 bytes (asm-generic/siginfo.h; which union member counts is siginfo_layout() of kernel/signal.c).
 */
import { SI, SIG, type SigInfo, signalName } from './signal.ts';
import type { Field } from './struct.ts';

export const SIGINFO_SIZE = 128;

/** Codes of SIGIO, POLL_IN to POLL_HUP. */
const NSIGPOLL = 6;

type Layout = 'kill' | 'timer' | 'queue' | 'child' | 'fault' | 'poll' | 'sys';

function layoutOf(signo: number, code: number): Layout {
  if (code > SI.SI_USER && code < SI.SI_KERNEL) {
    switch (signo) {
      case SIG.SIGILL:
      case SIG.SIGFPE:
      case SIG.SIGSEGV:
      case SIG.SIGBUS:
      case SIG.SIGTRAP:
        return 'fault';
      case SIG.SIGCHLD:
        return 'child';
      case SIG.SIGIO:
        return 'poll';
      case SIG.SIGSYS:
        return 'sys';
    }
    // Any other signal that F_SETSIG has chosen.
    return code <= NSIGPOLL ? 'poll' : 'kill';
  }
  if (code === SI.SI_TIMER) return 'timer';
  if (code === SI.SI_SIGIO) return 'poll';
  return code < 0 && code !== SI.SI_TKILL ? 'queue' : 'kill';
}

export const siginfo: Field<SigInfo> = {
  size: SIGINFO_SIZE,
  align: 4,

  get(v, a) {
    const signo = v.getInt32(a, true);
    const code = v.getInt32(a + 8, true);
    const info: SigInfo = { signo, code, errno: v.getInt32(a + 4, true) };
    const word = (at: number) => v.getInt32(a + at, true);
    switch (layoutOf(signo, code)) {
      case 'fault':
        return { ...info, addr: word(12) >>> 0 };
      case 'timer':
        return { ...info, timerid: word(12), overrun: word(16), value: word(20) };
      case 'child':
        return { ...info, pid: word(12), uid: word(16), status: word(20), utime: word(24), stime: word(28) };
      case 'poll':
        return { ...info, band: word(12), fd: word(16) };
      case 'sys':
        return { ...info, addr: word(12) >>> 0, syscall: word(16), arch: word(20) };
      default:
        return { ...info, pid: word(12), uid: word(16), value: word(20) };
    }
  },

  set(v, a, info) {
    for (let i = 0; i < SIGINFO_SIZE; i += 4) v.setInt32(a + i, 0, true);
    const words = (...values: (number | undefined)[]) => {
      for (let i = 0; i < values.length; i++) v.setInt32(a + 12 + 4 * i, values[i] ?? 0, true);
    };
    v.setInt32(a, info.signo, true);
    v.setInt32(a + 4, info.errno ?? 0, true);
    v.setInt32(a + 8, info.code, true);
    switch (layoutOf(info.signo, info.code)) {
      case 'fault':
        return words(info.addr);
      case 'timer':
        return words(info.timerid, info.overrun, info.value);
      case 'child':
        return words(info.pid, info.uid, info.status, info.utime, info.stime);
      case 'poll':
        return words(info.band, info.fd);
      case 'sys':
        return words(info.addr, info.syscall, info.arch);
      default:
        return words(info.pid, info.uid, info.value);
    }
  },

  print(info) {
    const parts = [`si_signo=${signalName(info.signo)}`, `si_code=${codeName(info)}`];
    switch (layoutOf(info.signo, info.code)) {
      case 'fault':
        parts.push(`si_addr=${info.addr ? `0x${info.addr.toString(16)}` : 'NULL'}`);
        break;
      case 'timer':
        parts.push(`si_timerid=${info.timerid}`, `si_overrun=${info.overrun ?? 0}`);
        break;
      case 'child':
        parts.push(`si_pid=${info.pid}`, `si_uid=${info.uid}`, `si_status=${info.status}`);
        break;
      default:
        if (info.pid !== undefined) parts.push(`si_pid=${info.pid}`, `si_uid=${info.uid}`);
    }
    return `{${parts.join(', ')}}`;
  },
};

const FAULT_CODES: Readonly<Record<number, readonly string[]>> = {
  [SIG.SIGILL]: ['', 'ILL_ILLOPC'],
  [SIG.SIGSEGV]: ['', 'SEGV_MAPERR', 'SEGV_ACCERR'],
  [SIG.SIGBUS]: ['', 'BUS_ADRALN', 'BUS_ADRERR'],
  [SIG.SIGTRAP]: ['', 'TRAP_BRKPT', 'TRAP_TRACE', 'TRAP_BRANCH', 'TRAP_HWBKPT'],
  [SIG.SIGCHLD]: [
    '',
    'CLD_EXITED',
    'CLD_KILLED',
    'CLD_DUMPED',
    'CLD_TRAPPED',
    'CLD_STOPPED',
    'CLD_CONTINUED',
  ],
};

function codeName({ signo, code }: SigInfo): string {
  const name = FAULT_CODES[signo]?.[code];
  if (name) return name;
  for (const [key, value] of Object.entries(SI)) if (key.startsWith('SI_') && value === code) return key;
  return String(code);
}
