/**
 * The frame a signal handler runs on, and the way back: arch/arm/kernel/signal.c with struct sigcontext (asm/sigcontext.h),
 * struct ucontext and struct vfp_sigframe (asm/ucontext.h) of 32-bit ARM.
 *
 *   sigframe:     ucontext (744 bytes), retcode[4]
 *   rt_sigframe:  siginfo (128 bytes), then a sigframe
 *   ucontext:     uc_flags 0, uc_link 4, uc_stack 8, sigcontext 20, uc_sigmask 104, uc_regspace 232 (the VFP block, then an
 *                 end magic of 0)
 *   sigcontext:   trap_no, error_code, oldmask, r0..r15, cpsr, fault_address
 */
import type { CpuState } from '../../emu/cpu-state.ts';
import { CPSR } from '../../emu/cpu-state.ts';
import type { AddressSpace } from '../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, WRITE } from '../../emu/memory/layout.ts';
import { SIGINFO_SIZE, siginfo } from '../abi/siginfo.ts';
import { MINSIGSTKSZ, SA, type SigInfo, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from '../abi/signal.ts';
import type { Mm } from './mm.ts';
import type { SigAction } from './signal-handlers.ts';
import type { Task } from './task.ts';

const UC_STACK = 8;
const UC_MCONTEXT = 20;
const UC_SIGMASK = 104;
const UC_REGSPACE = 232;
const UCONTEXT_SIZE = 744;
const SIGFRAME_SIZE = UCONTEXT_SIZE + 16;

const SC_R0 = UC_MCONTEXT + 12;
const SC_CPSR = SC_R0 + 64;
const SC_FAULT_ADDRESS = SC_CPSR + 4;

const VFP_MAGIC = 0x5646_5001;
const VFP_SIZE = 0x120;
/** Bytes of D0 to D31. */
const VFP_REGISTERS = 256;
const VFP_FPSCR = 264;
/** FPEXC.EN, as a task with VFP state has it. */
const FPEXC_EN = 0x4000_0000;

/** uc_flags of a frame without siginfo: a value sc.trap_no never has. */
const NON_RT_MAGIC = 0x5ac3_c35a;

const PSR_FLAGS = 0xff00_0000;
const PSR_IT = 0x0600_fc00;

/**
 * sigreturn_codes of arch/arm/kernel/sigreturn_codes.S: mov r7, #NR; svc for ARM, then Thumb; first sigreturn, then rt_sigreturn.
 */
const SIGRETURN_CODES = [
  0xe3a0_7077, 0xef90_0077, 0xdf00_2777, 0xe3a0_70ad, 0xef90_00ad, 0xdf00_27ad,
] as const;

/** Whether sp lies on the alternate stack (on_sig_stack). */
function onAltStack(t: Task, sp: number): boolean {
  const { altStack } = t;
  if (altStack.flags & SS_AUTODISARM) return false;
  return sp > altStack.sp && sp - altStack.sp <= altStack.size;
}

/** SS_DISABLE, SS_ONSTACK or 0 (sas_ss_flags). */
export function altStackState(t: Task, sp: number): number {
  if (t.altStack.size === 0) return SS_DISABLE;
  return onAltStack(t, sp) ? SS_ONSTACK : 0;
}

/** Of a thread that begins, and of a handler on a stack that disarms itself (sas_ss_reset). */
export const NO_STACK = { sp: 0, size: 0, flags: SS_DISABLE };

/** What keeps the task from having that stack, if anything does (do_sigaltstack). */
export function setAltStack(t: Task, stack: Task['altStack']): 'EPERM' | 'EINVAL' | 'ENOMEM' | undefined {
  if (altStackState(t, t.cpu.ru[13]!) === SS_ONSTACK) return 'EPERM';
  const mode = stack.flags & ~SS_AUTODISARM;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return 'EINVAL';
  const { sp, size, flags } = t.altStack;
  if (mode === SS_DISABLE) t.altStack = { sp: 0, size: 0, flags: stack.flags };
  // What changes nothing is not too small.
  else if (stack.sp !== sp || stack.size !== size || stack.flags !== flags) {
    if (stack.size < MINSIGSTKSZ) return 'ENOMEM';
    t.altStack = stack;
  }
  return undefined;
}

/** Makes the task enter the handler. False when the frame cannot be written: the caller forces SIGSEGV. */
export function setupFrame(t: Task, action: SigAction, info: SigInfo): boolean {
  const { cpu, mm } = t;
  const rt = (action.flags & SA.SA_SIGINFO) !== 0;
  const frameSize = SIGFRAME_SIZE + (rt ? SIGINFO_SIZE : 0);
  let sp = cpu.ru[13]!;
  if (action.flags & SA.SA_ONSTACK && altStackState(t, sp) === 0) {
    sp = t.altStack.sp + t.altStack.size;
  }
  const frame = ((sp - frameSize) & ~7) >>> 0;
  if (frame > sp || !mm.space.check(frame, frameSize, WRITE)) return false;
  const v = mm.view;
  const uc = rt ? frame + SIGINFO_SIZE : frame;
  mm.space.u32.fill(0, frame / 4, (frame + frameSize) / 4);
  if (rt) siginfo.set(v, frame, info);

  v.setUint32(uc, rt ? 0 : NON_RT_MAGIC, true);
  if (rt) {
    v.setUint32(uc + UC_STACK, t.altStack.sp, true);
    v.setUint32(uc + UC_STACK + 4, t.altStack.flags, true);
    v.setUint32(uc + UC_STACK + 8, t.altStack.size, true);
  }
  const mask = t.savedBlocked ?? t.blocked;
  v.setUint32(uc + UC_MCONTEXT, t.lastFault.trapNo, true);
  v.setUint32(uc + UC_MCONTEXT + 4, t.lastFault.errorCode, true);
  v.setUint32(uc + UC_MCONTEXT + 8, Number(mask & 0xffff_ffffn), true);
  for (let i = 0; i < 16; i++) v.setUint32(uc + SC_R0 + 4 * i, cpu.ru[i]!, true);
  v.setUint32(uc + SC_CPSR, cpu.cpsr, true);
  v.setUint32(uc + SC_FAULT_ADDRESS, t.lastFault.address, true);
  v.setBigUint64(uc + UC_SIGMASK, mask, true);
  saveVfp(mm.space, uc + UC_REGSPACE, cpu);

  const thumb = action.handler & 1;
  let restorer = action.restorer;
  if (!(action.flags & SA.SA_RESTORER)) {
    const index = (thumb << 1) + (rt ? 3 : 0);
    for (let i = 0; i < 2 && index + i < 6; i++) {
      v.setUint32(uc + UCONTEXT_SIZE + 4 * i, SIGRETURN_CODES[index + i]!, true);
    }
    restorer = sigPage(mm) + 4 * index + thumb;
  }
  if (t.altStack.flags & SS_AUTODISARM) t.altStack = NO_STACK;

  let cpsr = cpu.cpsr & ~(PSR_FLAGS | CPSR.E | PSR_IT | CPSR.T);
  if (thumb) cpsr |= CPSR.T;
  cpu.r[0] = info.signo;
  if (rt) {
    cpu.r[1] = frame;
    cpu.r[2] = uc;
  }
  cpu.r[13] = frame;
  cpu.r[14] = restorer;
  cpu.cpsr = cpsr;
  cpu.ru[15] = action.handler & (thumb ? ~1 : ~3);
  cpu.clearExclusive();
  return true;
}

/**
 * sigreturn, rt_sigreturn: state and mask as the frame at SP says. False when the frame is no good: the caller forces SIGSEGV.
 */
export function restoreFrame(t: Task, rt: boolean): boolean {
  const { cpu, mm } = t;
  const frame = cpu.ru[13]!;
  const frameSize = SIGFRAME_SIZE + (rt ? SIGINFO_SIZE : 0);
  if (frame & 7 || !mm.space.check(frame, frameSize, READ)) return false;
  const v = mm.view;
  const uc = rt ? frame + SIGINFO_SIZE : frame;
  t.setBlocked(v.getBigUint64(uc + UC_SIGMASK, true));
  const cpsr = v.getUint32(uc + SC_CPSR, true);
  // valid_user_regs: user mode or nothing.
  if ((cpsr & 0x1f) !== 0x10) return false;
  for (let i = 0; i < 16; i++) cpu.ru[i] = v.getUint32(uc + SC_R0 + 4 * i, true);
  cpu.cpsr = cpsr;
  cpu.ru[15] = cpu.ru[15]! & (cpsr & CPSR.T ? ~1 : ~3);
  cpu.clearExclusive();
  if (!restoreVfp(mm.space, uc + UC_REGSPACE, cpu)) return false;
  if (rt) {
    const [sp, flags, size] = [0, 4, 8].map((at) => v.getUint32(uc + UC_STACK + at, true));
    // Whatever comes of it (restore_altstack).
    setAltStack(t, { sp: sp!, size: size!, flags: flags! });
  }
  return true;
}

function saveVfp({ view: v, u8 }: AddressSpace, at: number, { s, fpscr }: CpuState): void {
  v.setUint32(at, VFP_MAGIC, true);
  v.setUint32(at + 4, VFP_SIZE, true);
  // State blocks lie in the same memory.
  u8.copyWithin(at + 8, s.byteOffset, s.byteOffset + VFP_REGISTERS);
  v.setUint32(at + VFP_FPSCR, fpscr, true);
  v.setUint32(at + 272, FPEXC_EN, true);
}

function restoreVfp({ view: v, u8 }: AddressSpace, at: number, cpu: CpuState): boolean {
  if (v.getUint32(at, true) !== VFP_MAGIC || v.getUint32(at + 4, true) !== VFP_SIZE) return false;
  u8.copyWithin(cpu.s.byteOffset, at + 8, at + 8 + VFP_REGISTERS);
  cpu.fpscr = v.getUint32(at + VFP_FPSCR, true);
  return true;
}

/** The page of trampolines for handlers without SA_RESTORER ([sigpage]), mapped when first needed. */
function sigPage(mm: Mm): number {
  if (mm.sigPage !== 0) return mm.sigPage;
  const { space } = mm;
  const at = space.findFree(PAGE_SIZE);
  if (at === 0) return 0;
  const code = new Uint32Array(SIGRETURN_CODES);
  space.map({
    start: at,
    end: at + PAGE_SIZE,
    prot: READ | EXEC,
    shared: false,
    source: {
      key: null,
      size: () => PAGE_SIZE,
      read(offset, into) {
        const bytes = new Uint8Array(PAGE_SIZE);
        bytes.set(new Uint8Array(code.buffer));
        into.set(bytes.subarray(offset, offset + into.length));
        return Math.min(into.length, PAGE_SIZE - offset);
      },
    },
    offset: 0,
    growsDown: false,
    name: '[sigpage]',
  });
  mm.sigPage = at;
  return at;
}
