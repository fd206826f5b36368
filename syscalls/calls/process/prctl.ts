/** prctl(2) (kernel/sys.c). */
import { fail } from '../../abi/errno.ts';
import { NSIG } from '../../abi/signal.ts';
import { s32, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, CAP_LAST, capable } from '../../vfs/core/creds.ts';
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

/** Default timer slack: 50 microseconds. */
const TIMER_SLACK = 50_000;

function prctl(t: Task, option: number, a: number, b: number, c: number): number {
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
    case PR.PR_GET_KEEPCAPS:
      return t.creds.keepCaps ? 1 : 0;
    case PR.PR_SET_KEEPCAPS:
      if (a > 1) fail('EINVAL');
      t.creds = { ...t.creds, keepCaps: a === 1 };
      return 0;
    case PR.PR_GET_TIMING:
      return 0;
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
    case PR.PR_CAPBSET_READ:
      if (a > CAP_LAST) fail('EINVAL');
      return (t.creds.bounding >> BigInt(a)) & 1n ? 1 : 0;
    case PR.PR_CAPBSET_DROP:
      if (!capable(t.creds, CAP.SETPCAP, t.creds.user)) fail('EPERM');
      if (a > CAP_LAST) fail('EINVAL');
      t.creds = { ...t.creds, bounding: t.creds.bounding & ~(1n << BigInt(a)) };
      return 0;
    case PR.PR_GET_SECUREBITS:
      return t.creds.keepCaps ? 1 << 4 : 0;
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
      if (a !== 1 || b !== 0 || c !== 0) fail('EINVAL');
      t.noNewPrivs = true;
      return 0;
    case PR.PR_GET_NO_NEW_PRIVS:
      return t.noNewPrivs ? 1 : 0;
    case PR.PR_GET_TID_ADDRESS:
      t.mm.put(u32, a, t.clearChildTid);
      return 0;
    case PR.PR_GET_THP_DISABLE:
      return 0;
    case PR.PR_CAP_AMBIENT:
      return ambient(t, a, b);
    default:
      t.kernel.warn(`prctl option ${option} is not supported`);
      return fail('EINVAL');
  }
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
    if ((creds.permitted & creds.inheritable & bit) === 0n) fail('EPERM');
    t.creds = { ...creds, ambient: creds.ambient | bit };
  } else fail('EINVAL');
  return 0;
}

const unsigned: Arg<number> = hex;

export const prctlCalls: readonly Call[] = [
  call(172, 'prctl', [oneOf(PR), unsigned, unsigned, unsigned, uint], prctl),
];
