/** Who a process is: user and group ids (credentials(7); kernel/sys.c). */
import { fail } from '../../abi/errno.ts';
import { u16, u32 } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, CAP_FS, type Creds, capable, SECBIT } from '../../vfs/core/creds.ts';
import { gid, gid16, id, id16, int, kernelId, ptr, structOut, uid, uid16 } from '../args.ts';
import { type Call, call } from '../declare.ts';

const NO_CHANGE = 0xffff_ffff;
const NGROUPS_MAX = 65536;

/**
 * Sets the ids; what capabilities follow is capabilities(7), "Effect of user ID changes on capabilities" (cap_emulate_setxuid).
 */
function setCreds(t: Task, change: Partial<Creds>): number {
  const old = t.creds;
  let next: Creds = { ...old, ...change };
  const { root } = old.user;
  const isRoot = ({ uid, euid, suid }: Creds) => [uid, euid, suid].some((id) => id === root);
  const [hadRoot, hasRoot] = [isRoot(old), isRoot(next)];
  if ((old.securebits & SECBIT.NO_SETUID_FIXUP) === 0) {
    if (hadRoot && !hasRoot && !(old.securebits & SECBIT.KEEP_CAPS))
      next = { ...next, permitted: 0n, effective: 0n, ambient: 0n };
    if (old.euid === root && next.euid !== root) next = { ...next, effective: 0n };
    else if (old.euid !== root && next.euid === root) next = { ...next, effective: next.permitted };
  }
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
  if (capable(creds, CAP.SETUID, creds.user)) return setCreds(t, { uid, euid: uid, suid: uid, fsuid: uid });
  if (uid !== creds.uid && uid !== creds.suid) fail('EPERM');
  return setCreds(t, { euid: uid, fsuid: uid });
}

function setgid(t: Task, gid: number): number {
  const { creds } = t;
  if (gid === NO_CHANGE) fail('EINVAL');
  if (capable(creds, CAP.SETGID, creds.user)) return setCreds(t, { gid, egid: gid, sgid: gid, fsgid: gid });
  if (gid !== creds.gid && gid !== creds.sgid) fail('EPERM');
  return setCreds(t, { egid: gid, fsgid: gid });
}

function setreuid(t: Task, ruid: number, euid: number): number {
  const { creds } = t;
  const free = capable(creds, CAP.SETUID, creds.user);
  if (ruid !== NO_CHANGE && !free && ruid !== creds.uid && ruid !== creds.euid) fail('EPERM');
  if (euid !== NO_CHANGE && !free && ![creds.uid, creds.euid, creds.suid].includes(euid)) fail('EPERM');
  const uid = ruid === NO_CHANGE ? creds.uid : ruid;
  const effective = euid === NO_CHANGE ? creds.euid : euid;
  const saved = ruid !== NO_CHANGE || (euid !== NO_CHANGE && euid !== creds.uid) ? effective : creds.suid;
  return setCreds(t, { uid, euid: effective, suid: saved, fsuid: effective });
}

function setregid(t: Task, rgid: number, egid: number): number {
  const { creds } = t;
  const free = capable(creds, CAP.SETGID, creds.user);
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
  if (!capable(creds, CAP.SETUID, creds.user) && ![ruid, euid, suid].every((x) => mine.includes(x)))
    fail('EPERM');
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
  if (!capable(creds, CAP.SETGID, creds.user) && ![rgid, egid, sgid].every((x) => mine.includes(x)))
    fail('EPERM');
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
function setfsuid(t: Task, given: number): number {
  const { creds } = t;
  const { root, uids } = creds.user;
  const uid = uids.toKernel(given) ?? NO_CHANGE;
  const allowed =
    [creds.uid, creds.euid, creds.suid, creds.fsuid].includes(uid) || capable(creds, CAP.SETUID, creds.user);
  if (allowed && uid !== NO_CHANGE) {
    // Root's power over files goes with the id and comes back with it (capabilities(7), "Effect of user ID changes").
    let { effective } = creds;
    const fixes = (creds.securebits & SECBIT.NO_SETUID_FIXUP) === 0;
    if (fixes && creds.fsuid === root && uid !== root) effective &= ~CAP_FS;
    else if (fixes && creds.fsuid !== root && uid === root) effective |= creds.permitted & CAP_FS;
    t.creds = { ...creds, fsuid: uid, effective };
  }
  return uids.shown(creds.fsuid) | 0;
}
function setfsgid(t: Task, given: number): number {
  const { creds } = t;
  const { gids } = creds.user;
  const gid = gids.toKernel(given) ?? NO_CHANGE;
  const allowed =
    [creds.gid, creds.egid, creds.sgid, creds.fsgid].includes(gid) || capable(creds, CAP.SETGID, creds.user);
  if (allowed && gid !== NO_CHANGE) t.creds = { ...creds, fsgid: gid };
  return gids.shown(creds.fsgid) | 0;
}

type Width = typeof u16 | typeof u32;

function getgroups(width: Width) {
  return (t: Task, count: number, at: number): number => {
    const { groups, user } = t.creds;
    if (count < 0) fail('EINVAL');
    if (count === 0) return groups.length;
    if (count < groups.length) fail('EINVAL');
    groups.forEach((group, i) => {
      t.mm.put(width, at + i * width.size, user.gids.shown(group));
    });
    return groups.length;
  };
}

function setgroups(width: Width) {
  return (t: Task, count: number, at: number): number => {
    const { user } = t.creds;
    if (!capable(t.creds, CAP.SETGID, user) || !user.allowsSetgroups || user.gids.extents.length === 0)
      fail('EPERM');
    if (count < 0 || count > NGROUPS_MAX) fail('EINVAL');
    t.creds = {
      ...t.creds,
      groups: Array.from({ length: count }, (_, i) =>
        kernelId(user.gids, t.mm.get(width, at + i * width.size)),
      ),
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
const shownUid = ({ user }: Creds, id: number) => user.uids.shown(id);
const shownGid = ({ user }: Creds, id: number) => user.gids.shown(id);
const uids = (c: Creds) => [c.uid, c.euid, c.suid].map((id) => shownUid(c, id));
const gids = (c: Creds) => [c.gid, c.egid, c.sgid].map((id) => shownGid(c, id));
const out16 = structOut(u16);
const out32 = structOut(u32);

export const credentialsCalls: readonly Call[] = [
  call(23, 'setuid', [uid16], setuid),
  call(24, 'getuid', [], (t) => low(shownUid(t.creds, t.creds.uid))),
  call(46, 'setgid', [gid16], setgid),
  call(47, 'getgid', [], (t) => low(shownGid(t.creds, t.creds.gid))),
  call(49, 'geteuid', [], (t) => low(shownUid(t.creds, t.creds.euid))),
  call(50, 'getegid', [], (t) => low(shownGid(t.creds, t.creds.egid))),
  call(70, 'setreuid', [uid16, uid16], setreuid),
  call(71, 'setregid', [gid16, gid16], setregid),
  call(80, 'getgroups', [int, ptr], getgroups(u16)),
  call(81, 'setgroups', [int, ptr], setgroups(u16)),
  call(138, 'setfsuid', [id16], setfsuid),
  call(139, 'setfsgid', [id16], setfsgid),
  call(164, 'setresuid', [uid16, uid16, uid16], setresuid),
  call(165, 'getresuid', [out16, out16, out16], getres(u16, uids)),
  call(170, 'setresgid', [gid16, gid16, gid16], setresgid),
  call(171, 'getresgid', [out16, out16, out16], getres(u16, gids)),
  call(199, 'getuid32', [], (t) => shownUid(t.creds, t.creds.uid) | 0),
  call(200, 'getgid32', [], (t) => shownGid(t.creds, t.creds.gid) | 0),
  call(201, 'geteuid32', [], (t) => shownUid(t.creds, t.creds.euid) | 0),
  call(202, 'getegid32', [], (t) => shownGid(t.creds, t.creds.egid) | 0),
  call(203, 'setreuid32', [uid, uid], setreuid),
  call(204, 'setregid32', [gid, gid], setregid),
  call(205, 'getgroups32', [int, ptr], getgroups(u32)),
  call(206, 'setgroups32', [int, ptr], setgroups(u32)),
  call(208, 'setresuid32', [uid, uid, uid], setresuid),
  call(209, 'getresuid32', [out32, out32, out32], getres(u32, uids)),
  call(210, 'setresgid32', [gid, gid, gid], setresgid),
  call(211, 'getresgid32', [out32, out32, out32], getres(u32, gids)),
  call(213, 'setuid32', [uid], setuid),
  call(214, 'setgid32', [gid], setgid),
  call(215, 'setfsuid32', [id], setfsuid),
  call(216, 'setfsgid32', [id], setfsgid),
];
