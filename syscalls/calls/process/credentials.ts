/** Who a process is: user and group ids, capabilities, prctl (credentials(7); kernel/sys.c, kernel/capability.c). */
import { fail } from '../../abi/errno.ts';
import { NSIG } from '../../abi/signal.ts';
import { s32, struct, u16, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, CAP_FULL, CAP_LAST, type Creds, capable } from '../../vfs/core/creds.ts';
import { hex, id, id16, int, oneOf, ptr, structOut, uint } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';

const NO_CHANGE = 0xffff_ffff;
const NGROUPS_MAX = 65536;

/** Sets the ids; what capabilities follow is capabilities(7), "Effect of user ID changes on capabilities" (cap_emulate_setxuid). */
function setCreds(t: Task, change: Partial<Creds>): number {
  const old = t.creds;
  let next: Creds = { ...old, ...change };
  const hadRoot = old.uid === 0 || old.euid === 0 || old.suid === 0;
  const hasRoot = next.uid === 0 || next.euid === 0 || next.suid === 0;
  if (hadRoot && !hasRoot && !old.keepCaps) next = { ...next, permitted: 0n, effective: 0n, ambient: 0n };
  if (old.euid === 0 && next.euid !== 0) next = { ...next, effective: 0n };
  else if (old.euid !== 0 && next.euid === 0) next = { ...next, effective: next.permitted };
  if (old.euid !== next.euid || old.egid !== next.egid) {
    t.dumpable = 0;
    t.parentDeathSignal = 0;
  }
  t.creds = next;
  return 0;
}

function setuid(t: Task, uid: number): number {
  const { creds } = t;
  if (uid === NO_CHANGE) fail('EINVAL');
  if (capable(creds, CAP.SETUID)) return setCreds(t, { uid, euid: uid, suid: uid, fsuid: uid });
  if (uid !== creds.uid && uid !== creds.suid) fail('EPERM');
  return setCreds(t, { euid: uid, fsuid: uid });
}

function setgid(t: Task, gid: number): number {
  const { creds } = t;
  if (gid === NO_CHANGE) fail('EINVAL');
  if (capable(creds, CAP.SETGID)) return setCreds(t, { gid, egid: gid, sgid: gid, fsgid: gid });
  if (gid !== creds.gid && gid !== creds.sgid) fail('EPERM');
  return setCreds(t, { egid: gid, fsgid: gid });
}

function setreuid(t: Task, ruid: number, euid: number): number {
  const { creds } = t;
  const free = capable(creds, CAP.SETUID);
  if (ruid !== NO_CHANGE && !free && ruid !== creds.uid && ruid !== creds.euid) fail('EPERM');
  if (euid !== NO_CHANGE && !free && ![creds.uid, creds.euid, creds.suid].includes(euid)) fail('EPERM');
  const uid = ruid === NO_CHANGE ? creds.uid : ruid;
  const effective = euid === NO_CHANGE ? creds.euid : euid;
  const saved = ruid !== NO_CHANGE || (euid !== NO_CHANGE && euid !== creds.uid) ? effective : creds.suid;
  return setCreds(t, { uid, euid: effective, suid: saved, fsuid: effective });
}

function setregid(t: Task, rgid: number, egid: number): number {
  const { creds } = t;
  const free = capable(creds, CAP.SETGID);
  if (rgid !== NO_CHANGE && !free && rgid !== creds.gid && rgid !== creds.egid) fail('EPERM');
  if (egid !== NO_CHANGE && !free && ![creds.gid, creds.egid, creds.sgid].includes(egid)) fail('EPERM');
  const gid = rgid === NO_CHANGE ? creds.gid : rgid;
  const effective = egid === NO_CHANGE ? creds.egid : egid;
  const saved = rgid !== NO_CHANGE || (egid !== NO_CHANGE && egid !== creds.gid) ? effective : creds.sgid;
  return setCreds(t, { gid, egid: effective, sgid: saved, fsgid: effective });
}

function setresuid(t: Task, ruid: number, euid: number, suid: number): number {
  const { creds } = t;
  const mine = [creds.uid, creds.euid, creds.suid, NO_CHANGE];
  if (!capable(creds, CAP.SETUID) && ![ruid, euid, suid].every((x) => mine.includes(x))) fail('EPERM');
  const pick = (x: number, old: number) => (x === NO_CHANGE ? old : x);
  const effective = pick(euid, creds.euid);
  return setCreds(t, {
    uid: pick(ruid, creds.uid),
    euid: effective,
    suid: pick(suid, creds.suid),
    fsuid: effective,
  });
}

function setresgid(t: Task, rgid: number, egid: number, sgid: number): number {
  const { creds } = t;
  const mine = [creds.gid, creds.egid, creds.sgid, NO_CHANGE];
  if (!capable(creds, CAP.SETGID) && ![rgid, egid, sgid].every((x) => mine.includes(x))) fail('EPERM');
  const pick = (x: number, old: number) => (x === NO_CHANGE ? old : x);
  const effective = pick(egid, creds.egid);
  return setCreds(t, {
    gid: pick(rgid, creds.gid),
    egid: effective,
    sgid: pick(sgid, creds.sgid),
    fsgid: effective,
  });
}

/** Both give the old value, whether they changed it or not. */
function setfsuid(t: Task, uid: number): number {
  const { creds } = t;
  const allowed =
    [creds.uid, creds.euid, creds.suid, creds.fsuid].includes(uid) || capable(creds, CAP.SETUID);
  if (allowed && uid !== NO_CHANGE) t.creds = { ...creds, fsuid: uid };
  return creds.fsuid | 0;
}
function setfsgid(t: Task, gid: number): number {
  const { creds } = t;
  const allowed =
    [creds.gid, creds.egid, creds.sgid, creds.fsgid].includes(gid) || capable(creds, CAP.SETGID);
  if (allowed && gid !== NO_CHANGE) t.creds = { ...creds, fsgid: gid };
  return creds.fsgid | 0;
}

type Width = typeof u16 | typeof u32;

function getgroups(width: Width) {
  return (t: Task, count: number, at: number): number => {
    const { groups } = t.creds;
    if (count < 0) fail('EINVAL');
    if (count === 0) return groups.length;
    if (count < groups.length) fail('EINVAL');
    groups.forEach((group, i) => {
      t.mm.put(width, at + i * width.size, group);
    });
    return groups.length;
  };
}

function setgroups(width: Width) {
  return (t: Task, count: number, at: number): number => {
    if (!capable(t.creds, CAP.SETGID)) fail('EPERM');
    if (count < 0 || count > NGROUPS_MAX) fail('EINVAL');
    t.creds = {
      ...t.creds,
      groups: Array.from({ length: count }, (_, i) => t.mm.get(width, at + i * width.size)),
    };
    return 0;
  };
}

/** Ids as the 16-bit calls give them (high2lowuid): 65534 when too big. */
const low = (x: number) => (x > 0xffff ? 0xfffe : x);

function getres(width: Width, ids: (c: Creds) => readonly number[]) {
  return (t: Task, ...at: number[]): number => {
    const narrow = width === u16;
    ids(t.creds).forEach((value, i) => {
      t.mm.put(width, at[i]!, narrow ? low(value) : value);
    });
    return 0;
  };
}
const uids = (c: Creds) => [c.uid, c.euid, c.suid];
const gids = (c: Creds) => [c.gid, c.egid, c.sgid];

// ---- capabilities ----

const CAP_V1 = 0x1998_0330;
const CAP_V2 = 0x2007_1026;
const CAP_V3 = 0x2008_0522;
const capHeader = struct('__user_cap_header_struct', { version: u32, pid: s32 });

/** Words of 32 capabilities in a version; 0 after the preferred version has been written back. */
function capWords(t: Task, headerAt: number): number {
  const { version } = t.mm.get(capHeader, headerAt);
  if (version === CAP_V1) return 1;
  if (version === CAP_V2 || version === CAP_V3) return 2;
  t.mm.put(u32, headerAt, CAP_V3);
  return 0;
}

function capget(t: Task, headerAt: number, dataAt: number): number {
  const words = capWords(t, headerAt);
  if (words === 0) return dataAt === 0 ? 0 : fail('EINVAL');
  const { pid } = t.mm.get(capHeader, headerAt);
  if (pid < 0) fail('EINVAL');
  const of = pid === 0 ? t : (t.kernel.tasks.get(pid) ?? fail('ESRCH'));
  if (dataAt === 0) return 0;
  const { effective, permitted, inheritable } = of.creds;
  for (let i = 0; i < words; i++) {
    [effective, permitted, inheritable].forEach((set, field) => {
      t.mm.put(u32, dataAt + 12 * i + 4 * field, Number((set >> BigInt(32 * i)) & 0xffff_ffffn));
    });
  }
  return 0;
}

function capset(t: Task, headerAt: number, dataAt: number): number {
  const words = capWords(t, headerAt);
  if (words === 0) return fail('EINVAL');
  const { pid } = t.mm.get(capHeader, headerAt);
  if (pid !== 0 && pid !== t.tid) fail('EPERM');
  const read = (field: number) => {
    let set = 0n;
    for (let i = 0; i < words; i++)
      set |= BigInt(t.mm.get(u32, dataAt + 12 * i + 4 * field)) << BigInt(32 * i);
    return set & CAP_FULL;
  };
  const [effective, permitted, inheritable] = [read(0), read(1), read(2)];
  const old = t.creds;
  if ((permitted & ~old.permitted) !== 0n || (effective & ~permitted) !== 0n) fail('EPERM');
  if ((inheritable & ~(old.inheritable | old.permitted)) !== 0n && !capable(old, CAP.SETPCAP)) fail('EPERM');
  if ((inheritable & ~(old.inheritable | old.bounding)) !== 0n) fail('EPERM');
  t.creds = { ...old, effective, permitted, inheritable, ambient: old.ambient & permitted & inheritable };
  return 0;
}

// ---- prctl ----

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
      return 0;
    case PR.PR_CAPBSET_READ:
      if (a > CAP_LAST) fail('EINVAL');
      return (t.creds.bounding >> BigInt(a)) & 1n ? 1 : 0;
    case PR.PR_CAPBSET_DROP:
      if (!capable(t.creds, CAP.SETPCAP)) fail('EPERM');
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
const out16 = structOut(u16);
const out32 = structOut(u32);

export const identityCalls: readonly Call[] = [
  call(23, 'setuid', [id16], setuid),
  call(24, 'getuid', [], (t) => low(t.creds.uid)),
  call(46, 'setgid', [id16], setgid),
  call(47, 'getgid', [], (t) => low(t.creds.gid)),
  call(49, 'geteuid', [], (t) => low(t.creds.euid)),
  call(50, 'getegid', [], (t) => low(t.creds.egid)),
  call(70, 'setreuid', [id16, id16], setreuid),
  call(71, 'setregid', [id16, id16], setregid),
  call(80, 'getgroups', [int, ptr], getgroups(u16)),
  call(81, 'setgroups', [int, ptr], setgroups(u16)),
  call(138, 'setfsuid', [id16], setfsuid),
  call(139, 'setfsgid', [id16], setfsgid),
  call(164, 'setresuid', [id16, id16, id16], setresuid),
  call(165, 'getresuid', [out16, out16, out16], getres(u16, uids)),
  call(170, 'setresgid', [id16, id16, id16], setresgid),
  call(171, 'getresgid', [out16, out16, out16], getres(u16, gids)),
  call(172, 'prctl', [oneOf(PR), unsigned, unsigned, unsigned, uint], prctl),
  call(184, 'capget', [ptr, ptr], capget),
  call(185, 'capset', [ptr, ptr], capset),
  call(199, 'getuid32', [], (t) => t.creds.uid | 0),
  call(200, 'getgid32', [], (t) => t.creds.gid | 0),
  call(201, 'geteuid32', [], (t) => t.creds.euid | 0),
  call(202, 'getegid32', [], (t) => t.creds.egid | 0),
  call(203, 'setreuid32', [id, id], setreuid),
  call(204, 'setregid32', [id, id], setregid),
  call(205, 'getgroups32', [int, ptr], getgroups(u32)),
  call(206, 'setgroups32', [int, ptr], setgroups(u32)),
  call(208, 'setresuid32', [id, id, id], setresuid),
  call(209, 'getresuid32', [out32, out32, out32], getres(u32, uids)),
  call(210, 'setresgid32', [id, id, id], setresgid),
  call(211, 'getresgid32', [out32, out32, out32], getres(u32, gids)),
  call(213, 'setuid32', [id], setuid),
  call(214, 'setgid32', [id], setgid),
  call(215, 'setfsuid32', [id], setfsuid),
  call(216, 'setfsgid32', [id], setfsgid),
];
