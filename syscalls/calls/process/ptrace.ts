/**
 * ptrace(2) on ARM: arch/arm/kernel/ptrace.c and kernel/ptrace.c. No single step (EIO, as on ARM).
 */

import { READ, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { siginfo } from '../../abi/siginfo.ts';
import { NSIG, SI, SIG } from '../../abi/signal.ts';
import { s32, u32, u64big } from '../../abi/struct.ts';
import { iovec } from '../../abi/uio.ts';
import { HwBreakpoints, hwBreakpointNumber, hwBreakpointResources } from '../../kernel/hw-breakpoint.ts';
import { mayInspect } from '../../kernel/inspect.ts';
import {
  detach,
  PTRACE_EVENT,
  PTRACE_O,
  resumeTracee,
  startTrace,
  type Trace,
  type TraceStop,
} from '../../kernel/ptrace.ts';
import { accessRemote } from '../../kernel/remote-memory.ts';
import { sendToTask } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { address, hex, pid, valuesOf } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

const PT = {
  PTRACE_TRACEME: 0,
  PTRACE_PEEKTEXT: 1,
  PTRACE_PEEKDATA: 2,
  PTRACE_PEEKUSR: 3,
  PTRACE_POKETEXT: 4,
  PTRACE_POKEDATA: 5,
  PTRACE_POKEUSR: 6,
  PTRACE_CONT: 7,
  PTRACE_KILL: 8,
  PTRACE_SINGLESTEP: 9,
  PTRACE_GETREGS: 12,
  PTRACE_SETREGS: 13,
  PTRACE_GETFPREGS: 14,
  PTRACE_SETFPREGS: 15,
  PTRACE_ATTACH: 16,
  PTRACE_DETACH: 17,
  PTRACE_GET_THREAD_AREA: 22,
  PTRACE_SET_SYSCALL: 23,
  PTRACE_SYSCALL: 24,
  PTRACE_GETVFPREGS: 27,
  PTRACE_SETVFPREGS: 28,
  PTRACE_GETHBPREGS: 29,
  PTRACE_SETHBPREGS: 30,
  PTRACE_SETOPTIONS: 0x4200,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETSIGINFO: 0x4202,
  PTRACE_SETSIGINFO: 0x4203,
  PTRACE_GETREGSET: 0x4204,
  PTRACE_SETREGSET: 0x4205,
  PTRACE_SEIZE: 0x4206,
  PTRACE_INTERRUPT: 0x4207,
  PTRACE_LISTEN: 0x4208,
  PTRACE_GETSIGMASK: 0x420a,
  PTRACE_SETSIGMASK: 0x420b,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
} as const;

const request: Arg<number> = {
  domain: valuesOf('value', PT),
  words: 1,
  decode: (_t, x) => x,
  print: (_p, x) => Object.keys(PT).find((key) => PT[key as keyof typeof PT] === x) ?? address(x),
};

const OPTIONS = Object.values(PTRACE_O).reduce<number>((all, bit) => all | bit, 0);

/** struct pt_regs: r0..r15, cpsr, orig_r0. */
const REGS_SIZE = 72;
const CPSR_WORD = 16;
const ORIG_R0_WORD = 17;
/** struct user_vfp: d0..d31, fpscr. */
const VFP_SIZE = 260;
const NT_PRSTATUS = 1;
const NT_ARM_VFP = 0x400;
const AUDIT_ARCH_ARM = 0x4000_0028;

// ---- registers ----

function getWord(t: Task, word: number): number {
  if (word < 16) return t.cpu.ru[word]!;
  if (word === CPSR_WORD) return t.cpu.cpsr;
  return word === ORIG_R0_WORD ? t.originalR0 >>> 0 : fail('EIO');
}

function setWord(t: Task, word: number, value: number): void {
  if (word < 16) t.cpu.ru[word] = value;
  // Mode bits are not for anybody to change (valid_user_regs).
  else if (word === CPSR_WORD) t.cpu.cpsr = value;
  else if (word === ORIG_R0_WORD) t.originalR0 = value | 0;
  else fail('EIO');
}

function getRegs(t: Task): Uint8Array {
  const words = Uint32Array.from({ length: REGS_SIZE / 4 }, (_, i) => getWord(t, i));
  return new Uint8Array(words.buffer);
}

function setRegs(t: Task, bytes: Uint8Array): void {
  const copy = Uint8Array.from(bytes.subarray(0, REGS_SIZE));
  const words = new Uint32Array(copy.buffer, 0, copy.length >> 2);
  if (words.length > CPSR_WORD && (words[CPSR_WORD]! & 0x1f) !== 0x10) fail('EINVAL');
  // The CPSR first: it says how the PC is to be read.
  if (words.length > CPSR_WORD) setWord(t, CPSR_WORD, words[CPSR_WORD]!);
  words.forEach((value, i) => {
    if (i !== CPSR_WORD) setWord(t, i, value);
  });
  t.cpu.ru[15]! &= t.cpu.location & 1 ? ~1 : ~3;
}

function getVfp(t: Task): Uint8Array {
  const words = new Uint32Array(VFP_SIZE / 4);
  for (let i = 0; i < 64; i++) words[i] = t.cpu.s[i]!;
  words[64] = t.cpu.fpscr;
  return new Uint8Array(words.buffer);
}

function setVfp(t: Task, bytes: Uint8Array): void {
  const copy = Uint8Array.from(bytes.subarray(0, VFP_SIZE));
  const words = new Uint32Array(copy.buffer, 0, copy.length >> 2);
  for (let i = 0; i < Math.min(64, words.length); i++) t.cpu.s[i] = words[i]! | 0;
  if (words.length > 64) t.cpu.fpscr = words[64]!;
}

function getHwBreakpoint(of: Task, register: number): number {
  if (register === 0) return hwBreakpointResources(of.kernel.options.model);
  return (of.hwBreakpoints ?? new HwBreakpoints(of)).get(register);
}

function setHwBreakpoint(t: Task, of: Task, register: number, at: number): void {
  if (register === 0) return;
  hwBreakpointNumber(register);
  const value = t.mm.get(u32, at);
  of.hwBreakpoints ??= new HwBreakpoints(of);
  of.hwBreakpoints.set(register, value);
}

// ---- memory ----

/** A word at any address. EIO when it is not there. */
function peek(t: Task, at: number): number {
  const bytes = new Uint8Array(4);
  if (accessRemote(t, at, 4, READ, (window, from) => bytes.set(window, from)) < 4) fail('EIO');
  return new DataView(bytes.buffer).getInt32(0, true);
}

function poke(t: Task, at: number, value: number): void {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  const copy = (window: Uint8Array, from: number) => window.set(bytes.subarray(from, from + window.length));
  if (accessRemote(t, at, 4, WRITE, copy) < 4) fail('EIO');
}

// ---- requests ----

function attach(t: Task, of: Task, seized: boolean, options: number): number {
  if (options & ~OPTIONS) fail('EIO');
  if (of.process === t.process || of.process.unkillable || of.trace !== undefined || !mayInspect(t, of))
    fail('EPERM');
  startTrace(of, t.process, seized, options);
  if (!seized) sendToTask(of, { signo: SIG.SIGSTOP, code: SI.SI_USER, pid: t.process.pid, uid: t.creds.uid });
  return 0;
}

function regset(t: Task, of: Task, type: number, at: number, write: boolean): number {
  const { iov_base: base, iov_len: length } = t.mm.get(iovec, at);
  const whole = type === NT_PRSTATUS ? getRegs(of) : type === NT_ARM_VFP ? getVfp(of) : fail('EINVAL');
  if (length & 3) fail('EINVAL');
  const count = Math.min(length, whole.length);
  if (write) {
    const bytes = t.mm.readable(base, count);
    if (type === NT_PRSTATUS) setRegs(of, bytes);
    else setVfp(of, bytes);
  } else t.mm.writable(base, count).set(whole.subarray(0, count));
  t.mm.put(u32, at + 4, count);
  return 0;
}

/** struct ptrace_syscall_info; gives the bytes there are. */
function syscallInfo(t: Task, of: Task, stop: TraceStop, size: number, at: number): number {
  const out = new DataView(new ArrayBuffer(88));
  out.setUint8(0, stop.kind === 'entry' ? 1 : stop.kind === 'exit' ? 2 : 0);
  out.setUint32(4, AUDIT_ARCH_ARM, true);
  out.setUint32(8, of.cpu.ru[15]!, true);
  out.setUint32(16, of.cpu.ru[13]!, true);
  let actual = 24;
  if (stop.kind === 'entry') {
    out.setUint32(24, of.cpu.ru[7]!, true);
    for (let i = 0; i < 6; i++) out.setUint32(32 + 8 * i, of.cpu.ru[i]!, true);
    actual = 80;
  } else if (stop.kind === 'exit') {
    const value = of.cpu.r[0]!;
    const isError = value < 0 && value >= -4095;
    out.setInt32(24, value, true);
    out.setInt32(28, isError ? -1 : 0, true);
    out.setUint8(32, isError ? 1 : 0);
    actual = 33;
  }
  const count = Math.min(size, actual);
  t.mm.writable(at, count).set(new Uint8Array(out.buffer, 0, count));
  return actual;
}

function ptrace(t: Task, what: number, id: number, addr: number, data: number): number {
  if (what === PT.PTRACE_TRACEME) {
    if (t.trace !== undefined || t.process.parent === undefined) fail('EPERM');
    startTrace(t, t.process.parent, false);
    return 0;
  }
  const of = t.kernel.tasks.get(id);
  if (of === undefined || of.state === 'dead') return fail('ESRCH');
  if (what === PT.PTRACE_ATTACH) return attach(t, of, false, 0);
  if (what === PT.PTRACE_SEIZE) return addr !== 0 ? fail('EIO') : attach(t, of, true, data);
  const { trace } = of;
  if (trace === undefined || trace.tracer !== t.process) return fail('ESRCH');
  if (what === PT.PTRACE_KILL) {
    sendToTask(of, { signo: SIG.SIGKILL, code: SI.SI_KERNEL, pid: 0, uid: 0 });
    return 0;
  }
  if (what === PT.PTRACE_INTERRUPT) {
    if (!trace.seized) fail('EIO');
    if (trace.stop === undefined) {
      trace.interrupt = true;
      of.notify = true;
      of.wake();
    }
    return 0;
  }
  const { stop } = trace;
  return stop === undefined ? fail('ESRCH') : stoppedRequest({ t, of, trace, stop, what, addr, data });
}

/** A request for a tracee that is stopped. */
interface StoppedRequest {
  readonly t: Task;
  readonly of: Task;
  readonly trace: Trace;
  readonly stop: TraceStop;
  readonly what: number;
  readonly addr: number;
  readonly data: number;
}

function stoppedRequest(all: StoppedRequest): number {
  const done = memoryRequest(all) ?? registerRequest(all) ?? signalRequest(all) ?? controlRequest(all);
  if (done !== undefined) return done;
  all.t.kernel.warn(`ptrace request ${all.what} is not supported`);
  return fail('EIO');
}

/** The tracee's memory, and its struct user. Undefined for other requests. */
function memoryRequest({ t: { mm }, of, what, addr, data }: StoppedRequest): number | undefined {
  switch (what) {
    case PT.PTRACE_PEEKTEXT:
    case PT.PTRACE_PEEKDATA:
      mm.put(s32, data, peek(of, addr));
      return 0;
    case PT.PTRACE_POKETEXT:
    case PT.PTRACE_POKEDATA:
      poke(of, addr, data | 0);
      return 0;
    case PT.PTRACE_PEEKUSR: {
      // Beyond the registers lie the program's bounds: PT_TEXT_ADDR, PT_DATA_ADDR, PT_TEXT_END_ADDR.
      if (addr & 3 || addr >= 0x1000c) fail('EIO');
      const value = addr < REGS_SIZE ? getWord(of, addr >> 2) : addr >= 0x10000 ? of.mm.startBrk : 0;
      mm.put(u32, data, value);
      return 0;
    }
    case PT.PTRACE_POKEUSR:
      if (addr & 3 || addr >= 0x1000c) fail('EIO');
      if (addr < REGS_SIZE) setWord(of, addr >> 2, data);
      return 0;
  }
  return undefined;
}

function registerRequest({ t, of, what, addr, data }: StoppedRequest): number | undefined {
  const { mm } = t;
  switch (what) {
    case PT.PTRACE_GETREGS:
      mm.writable(data, REGS_SIZE).set(getRegs(of));
      return 0;
    case PT.PTRACE_SETREGS:
      setRegs(of, mm.readable(data, REGS_SIZE));
      return 0;
    case PT.PTRACE_GETVFPREGS:
      mm.writable(data, VFP_SIZE).set(getVfp(of));
      return 0;
    case PT.PTRACE_SETVFPREGS:
      setVfp(of, mm.readable(data, VFP_SIZE));
      return 0;
    case PT.PTRACE_GETREGSET:
    case PT.PTRACE_SETREGSET:
      return regset(t, of, addr, data, what === PT.PTRACE_SETREGSET);
    case PT.PTRACE_GET_THREAD_AREA:
      mm.put(u32, data, of.cpu.tls);
      return 0;
    case PT.PTRACE_SET_SYSCALL:
      of.cpu.r[7] = data;
      return 0;
    case PT.PTRACE_GETHBPREGS:
      mm.put(u32, data, getHwBreakpoint(of, addr | 0));
      return 0;
    case PT.PTRACE_SETHBPREGS:
      setHwBreakpoint(t, of, addr | 0, data);
      return 0;
    case PT.PTRACE_SINGLESTEP:
    case PT.PTRACE_GETFPREGS:
    case PT.PTRACE_SETFPREGS:
      return fail('EIO');
  }
  return undefined;
}

function signalRequest({ t: { mm }, of, stop, what, addr, data }: StoppedRequest): number | undefined {
  switch (what) {
    case PT.PTRACE_GETSIGINFO:
      // A group stop has none; that is how a tracer knows it.
      if (stop.kind === 'group') fail('EINVAL');
      mm.put(siginfo, data, stop.info);
      return 0;
    case PT.PTRACE_SETSIGINFO:
      stop.info = mm.get(siginfo, data);
      return 0;
    case PT.PTRACE_GETSIGMASK:
      if (addr !== 8) fail('EINVAL');
      mm.put(u64big, data, of.blocked);
      return 0;
    case PT.PTRACE_SETSIGMASK:
      if (addr !== 8) fail('EINVAL');
      of.setBlocked(mm.get(u64big, data));
      return 0;
  }
  return undefined;
}

/** How it goes on, and what its tracer is told. */
function controlRequest({ t, of, trace, stop, what, addr, data }: StoppedRequest): number | undefined {
  const { mm } = t;
  switch (what) {
    case PT.PTRACE_SYSCALL:
    case PT.PTRACE_CONT:
      if (data > NSIG) fail('EIO');
      trace.syscalls = what === PT.PTRACE_SYSCALL;
      resumeTracee(of, data);
      return 0;
    case PT.PTRACE_DETACH:
      if (data > NSIG) fail('EIO');
      detach(of, data);
      return 0;
    case PT.PTRACE_LISTEN:
      if (!trace.seized || stop.code >> 8 !== PTRACE_EVENT.STOP) fail('EIO');
      return 0;
    case PT.PTRACE_SETOPTIONS:
      if (data & ~OPTIONS) fail('EINVAL');
      trace.options = data;
      return 0;
    case PT.PTRACE_GETEVENTMSG:
      mm.put(u32, data, trace.message);
      return 0;
    case PT.PTRACE_GET_SYSCALL_INFO:
      return syscallInfo(t, of, stop, addr, data);
  }
  return undefined;
}

export const ptraceCalls: readonly Call[] = [call(26, 'ptrace', [request, pid, hex, hex], ptrace)];
