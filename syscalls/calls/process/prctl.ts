/** prctl(2) (kernel/sys.c). */
import { fail } from '../../abi/errno.ts';
import { NSIG } from '../../abi/signal.ts';
import { s32, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, CAP_LAST, capable, SECBIT, SECURE_ALL_BITS, SECURE_ALL_LOCKS } from '../../vfs/core/creds.ts';
import { hex, oneOf, uint } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

const PR = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_PDEATHSIG: 2,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_GET_KEEPCAPS: 7,
  PR_SET_KEEPCAPS: 8,
  PR_GET_TIMING: 13,
  PR_SET_TIMING: 14,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_CAPBSET_DROP: 24,
  PR_GET_SECUREBITS: 27,
  PR_SET_SECUREBITS: 28,
  PR_SET_TIMERSLACK: 29,
  PR_GET_TIMERSLACK: 30,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_GET_TID_ADDRESS: 40,
  PR_SET_THP_DISABLE: 41,
  PR_GET_THP_DISABLE: 42,
  PR_CAP_AMBIENT: 47,
  PR_SET_VMA: 0x5356_4d41,
  PR_SET_PTRACER: 0x5961_6d61,
} as const;

const PR_TIMING_STATISTICAL = 0;

/** Default timer slack: 50 microseconds. */
const TIMER_SLACK = 50_000;

/** What is asked of capabilities (cap_task_prctl); undefined where it is something else. */
function ofCapabilities(t: Task, option: number, a: number, rest: readonly number[]): number | undefined {
  switch (option) {
    case PR.PR_GET_KEEPCAPS:
      return t.creds.securebits & SECBIT.KEEP_CAPS ? 1 : 0;
    case PR.PR_SET_KEEPCAPS:
      if (a > 1) fail('EINVAL');
      return keepCapabilities(t, a === 1);
    case PR.PR_CAPBSET_READ:
      if (a > CAP_LAST) fail('EINVAL');
      return (t.creds.bounding >> BigInt(a)) & 1n ? 1 : 0;
    case PR.PR_CAPBSET_DROP:
      if (!capable(t.creds, CAP.SETPCAP, t.creds.user)) fail('EPERM');
      if (a > CAP_LAST) fail('EINVAL');
      t.creds = { ...t.creds, bounding: t.creds.bounding & ~(1n << BigInt(a)) };
      return 0;
    case PR.PR_GET_SECUREBITS:
      return t.creds.securebits;
    case PR.PR_SET_SECUREBITS:
      return setSecurebits(t, a);
    case PR.PR_CAP_AMBIENT:
      if (a === 4 && rest[0] !== 0) fail('EINVAL');
      if (rest[1] !== 0 || rest[2] !== 0) fail('EINVAL');
      return ambient(t, a, rest[0]!);
    default:
      return undefined;
  }
}

/** `rest` are the arguments from the third on. */
function prctl(t: Task, option: number, a: number, ...rest: number[]): number {
  const done = ofCapabilities(t, option, a, rest);
  if (done !== undefined) return done;
  const onlyZeros = () => void (rest.some((x) => x !== 0) && fail('EINVAL'));
  switch (option) {
    case PR.PR_SET_PDEATHSIG:
      if (a > NSIG) fail('EINVAL');
      t.parentDeathSignal = a;
      return 0;
    case PR.PR_GET_PDEATHSIG:
      t.mm.put(s32, a, t.parentDeathSignal);
      return 0;
    case PR.PR_GET_DUMPABLE:
      return t.dumpable;
    case PR.PR_SET_DUMPABLE:
      if (a > 1) fail('EINVAL');
      t.dumpable = a;
      return 0;
    case PR.PR_GET_TIMING:
      return 0;
    case PR.PR_SET_TIMING:
      return a === PR_TIMING_STATISTICAL ? 0 : fail('EINVAL');
    case PR.PR_SET_NAME: {
      const window = t.mm.readable(a, 1);
      let name = '';
      for (let i = 0; i < 15; i++) {
        const c = i === 0 ? window[0]! : t.mm.readable(a + i, 1)[0]!;
        if (c === 0) break;
        name += String.fromCharCode(c);
      }
      t.comm = name;
      return 0;
    }
    case PR.PR_GET_NAME: {
      const out = t.mm.writable(a, 16);
      for (let i = 0; i < 16; i++) out[i] = i < t.comm.length ? t.comm.charCodeAt(i) : 0;
      return 0;
    }
    case PR.PR_GET_SECCOMP:
    case PR.PR_SET_SECCOMP:
      // As a kernel without CONFIG_SECCOMP.
      return fail('EINVAL');
    case PR.PR_SET_TIMERSLACK:
      t.timerSlack = a === 0 ? TIMER_SLACK : a;
      return 0;
    case PR.PR_GET_TIMERSLACK:
      return t.timerSlack;
    case PR.PR_SET_CHILD_SUBREAPER:
      t.process.childSubreaper = a !== 0;
      return 0;
    case PR.PR_GET_CHILD_SUBREAPER:
      t.mm.put(s32, a, t.process.childSubreaper ? 1 : 0);
      return 0;
    case PR.PR_SET_NO_NEW_PRIVS:
      if (a !== 1) fail('EINVAL');
      onlyZeros();
      t.noNewPrivs = true;
      return 0;
    case PR.PR_GET_NO_NEW_PRIVS:
      if (a !== 0) fail('EINVAL');
      onlyZeros();
      return t.noNewPrivs ? 1 : 0;
    case PR.PR_GET_TID_ADDRESS:
      t.mm.put(u32, a, t.clearChildTid);
      return 0;
    case PR.PR_SET_THP_DISABLE:
      onlyZeros();
      t.mm.hugePagesOff = a !== 0;
      return 0;
    case PR.PR_GET_THP_DISABLE:
      if (a !== 0) fail('EINVAL');
      onlyZeros();
      return t.mm.hugePagesOff ? 1 : 0;
    default:
      t.kernel.warn(`prctl option ${option} is not supported`);
      return fail('EINVAL');
  }
}

function keepCapabilities(t: Task, on: boolean): number {
  const { securebits } = t.creds;
  // With the lock it stays as it is.
  if (securebits & (SECBIT.KEEP_CAPS << 1)) fail('EPERM');
  t.creds = { ...t.creds, securebits: (securebits & ~SECBIT.KEEP_CAPS) | (on ? SECBIT.KEEP_CAPS : 0) };
  return 0;
}

/** cap_task_prctl: what is locked stays so, and locks are for ever. */
function setSecurebits(t: Task, asked: number): number {
  const { creds } = t;
  const old = creds.securebits;
  const locked = (old & SECURE_ALL_LOCKS) >> 1;
  const isWrong =
    (locked & (old ^ asked)) !== 0 ||
    (old & SECURE_ALL_LOCKS & ~asked) !== 0 ||
    (asked & ~(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) !== 0;
  if (isWrong || !capable(creds, CAP.SETPCAP, creds.user)) fail('EPERM');
  t.creds = { ...creds, securebits: asked };
  return 0;
}

/** PR_CAP_AMBIENT_IS_SET 1, RAISE 2, LOWER 3, CLEAR_ALL 4. */
function ambient(t: Task, command: number, cap: number): number {
  const { creds } = t;
  if (command === 4) {
    t.creds = { ...creds, ambient: 0n };
    return 0;
  }
  if (cap > CAP_LAST) fail('EINVAL');
  const bit = 1n << BigInt(cap);
  if (command === 1) return (creds.ambient & bit) !== 0n ? 1 : 0;
  if (command === 3) t.creds = { ...creds, ambient: creds.ambient & ~bit };
  else if (command === 2) {
    const forbidden = (creds.securebits & SECBIT.NO_CAP_AMBIENT_RAISE) !== 0;
    if (forbidden || (creds.permitted & creds.inheritable & bit) === 0n) fail('EPERM');
    t.creds = { ...creds, ambient: creds.ambient | bit };
  } else fail('EINVAL');
  return 0;
}

const unsigned: Arg<number> = hex;

export const prctlCalls: readonly Call[] = [
  call(172, 'prctl', [oneOf(PR), unsigned, unsigned, unsigned, uint], prctl),
];
