/** The system and its resources: uname(2), sysinfo(2), getrandom(2), limits and usage (kernel/sys.c). */
import os from 'node:os';
import { fail } from '../../abi/errno.ts';
import {
  RLIM_NLIMITS,
  RLIMIT,
  RUSAGE_CHILDREN,
  RUSAGE_SELF,
  RUSAGE_THREAD,
  rlimit,
  rlimit64,
  rusage,
} from '../../abi/resource.ts';
import { chars, s32, struct, u16, u32 } from '../../abi/struct.ts';
import { VERSION } from '../../kernel/kernel.ts';
import type { Process, Rlimit } from '../../kernel/process.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { randomFill } from '../../vfs/memory/random.ts';
import { bytesOut, flags, hex, int, oneOf, pid, ptr, size, structInOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { usageOf } from '../process/wait.ts';

const utsname = struct('new_utsname', {
  sysname: chars(65),
  nodename: chars(65),
  release: chars(65),
  version: chars(65),
  machine: chars(65),
  domainname: chars(65),
});

const UNAME26 = 0x002_0000;

function uname(t: Task, at: number): number {
  const { kernel } = t;
  const { release } = kernel.options;
  t.mm.put(utsname, at, {
    sysname: 'Linux',
    nodename: kernel.hostname,
    release:
      t.personality & UNAME26
        ? release.replace(/^(\d+)\.(\d+)/, (_all, _major, minor) => `2.6.${60 + Number(minor)}`)
        : release,
    version: VERSION,
    machine: 'armv7l',
    domainname: kernel.domainname,
  });
  return 0;
}

const sysinfoT = struct('sysinfo', {
  uptime: s32,
  load1: u32,
  load5: u32,
  load15: u32,
  totalram: u32,
  freeram: u32,
  sharedram: u32,
  bufferram: u32,
  totalswap: u32,
  freeswap: u32,
  procs: u16,
  pad: u16,
  totalhigh: u32,
  freehigh: u32,
  mem_unit: u32,
  tail: chars(8),
});

function sysinfo(t: Task, at: number): number {
  const [load1, load5, load15] = os.loadavg().map((x) => Math.round(x * 65536)) as [number, number, number];
  // In pages, so that the host's memory fits in 32 bits (do_sysinfo scales likewise).
  const unit = 4096;
  t.mm.put(sysinfoT, at, {
    uptime: Math.floor(os.uptime()),
    load1,
    load5,
    load15,
    totalram: Math.floor(os.totalmem() / unit),
    freeram: Math.floor(os.freemem() / unit),
    sharedram: 0,
    bufferram: 0,
    totalswap: 0,
    freeswap: 0,
    procs: t.kernel.tasks.size,
    pad: 0,
    totalhigh: 0,
    freehigh: 0,
    mem_unit: unit,
    tail: '',
  });
  return 0;
}

const GRND = { GRND_NONBLOCK: 1, GRND_RANDOM: 2, GRND_INSECURE: 4 } as const;

function getrandom(t: Task, at: number, length: number, how: number): number {
  if (how & ~7 || (how & 6) === 6) fail('EINVAL');
  const count = Math.min(length, 0x1ff_ffff);
  randomFill(t.mm.writable(at, count));
  return count;
}

// ---- limits ----

function limitOf(p: Process, resource: number): Rlimit {
  if (resource < 0 || resource >= RLIM_NLIMITS) fail('EINVAL');
  return p.limits[resource]!;
}

function setLimit(
  t: Task,
  p: Process,
  resource: number,
  value: { rlim_cur: number; rlim_max: number },
): void {
  const limit = limitOf(p, resource);
  if (value.rlim_cur > value.rlim_max) fail('EINVAL');
  if (value.rlim_max > limit.max && !capable(t.creds, CAP.SYS_RESOURCE)) fail('EPERM');
  limit.cur = value.rlim_cur;
  limit.max = value.rlim_max;
  if (resource === RLIMIT.RLIMIT_STACK) {
    for (const thread of p.threads) thread.mm.space.stackLimit = Math.min(limit.cur, 2 ** 31);
  }
  if (resource === RLIMIT.RLIMIT_CPU) p.armCpuLimit();
}

function prlimit(
  t: Task,
  id: number,
  resource: number,
  value: { rlim_cur: number; rlim_max: number } | null,
  oldAt: number,
): number {
  const p = id === 0 ? t.process : (t.kernel.tasks.get(id)?.process ?? fail('ESRCH'));
  const { uid, gid } = t.creds;
  const other = p.leader.creds;
  const same =
    [other.uid, other.euid, other.suid].every((x) => x === uid) &&
    [other.gid, other.egid, other.sgid].every((x) => x === gid);
  if (p !== t.process && !same && !capable(t.creds, CAP.SYS_RESOURCE)) fail('EPERM');
  const old = { rlim_cur: limitOf(p, resource).cur, rlim_max: limitOf(p, resource).max };
  if (value !== null) setLimit(t, p, resource, value);
  if (oldAt !== 0) t.mm.put(rlimit64, oldAt, old);
  return 0;
}

const who = oneOf({ RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD });

function getrusage(t: Task, of: number, at: number): number {
  let time: number;
  if (of === RUSAGE_SELF) time = t.process.cpuTime;
  else if (of === RUSAGE_CHILDREN) time = t.process.childrenTime;
  else if (of === RUSAGE_THREAD) time = t.kernel.scheduler.cpuTime(t);
  else return fail('EINVAL');
  const usage = usageOf(time);

  t.mm.put(rusage, at, usage);
  return 0;
}

function setName(t: Task, at: number, length: number, put: (name: string) => void): number {
  if (!capable(t.creds, CAP.SYS_ADMIN)) fail('EPERM');
  if (length > 64) fail('EINVAL');
  put(Buffer.from(t.mm.readable(at, length)).toString('latin1'));
  return 0;
}

const resource = oneOf(RLIMIT);

export const systemCalls: readonly Call[] = [
  call(74, 'sethostname', [ptr, int], (t, at, length) =>
    setName(t, at, length, (name) => {
      t.kernel.hostname = name;
    }),
  ),
  call(75, 'setrlimit', [resource, structInOrNull(rlimit)], (t, which, value) => {
    if (value === null) return fail('EFAULT');
    setLimit(t, t.process, which, value);
    return 0;
  }),
  call(77, 'getrusage', [who, structOut(rusage)], getrusage),
  call(88, 'reboot', [hex, hex, hex, ptr], (t) => {
    if (capable(t.creds, CAP.SYS_BOOT)) t.kernel.warn('there is nothing to reboot');
    return fail('EPERM');
  }),
  call(116, 'sysinfo', [structOut(sysinfoT)], sysinfo),
  call(121, 'setdomainname', [ptr, int], (t, at, length) =>
    setName(t, at, length, (name) => {
      t.kernel.domainname = name;
    }),
  ),
  call(122, 'uname', [structOut(utsname)], uname),
  call(136, 'personality', [hex], (t, value) => {
    const old = t.personality;
    if (value !== 0xffff_ffff) t.personality = value;
    return old;
  }),
  call(191, 'ugetrlimit', [resource, structOut(rlimit)], (t, which, at) => {
    const { cur, max } = limitOf(t.process, which);
    t.mm.put(rlimit, at, { rlim_cur: cur, rlim_max: max });
    return 0;
  }),
  call(345, 'getcpu', [structOut(u32), structOut(u32), ptr], (t, cpuAt, nodeAt) => {
    if (cpuAt !== 0) t.mm.put(u32, cpuAt, 0);
    if (nodeAt !== 0) t.mm.put(u32, nodeAt, 0);
    return 0;
  }),
  call(369, 'prlimit64', [pid, resource, structInOrNull(rlimit64), structOut(rlimit64)], prlimit),
  call(384, 'getrandom', [bytesOut, size, flags(GRND)], getrandom),
];
