/**
 * Scheduling parameters: sched(7). All tasks share one host thread by turns; policies and priorities are kept and told, and
 * decide nothing.
 */
import { PAGE_SIZE } from '../../../emu/memory/layout.ts';
import { Errno, fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { SCHED } from '../../abi/sched.ts';
import { s32, struct, u32, u64 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { oneOf, pid, ptr, structIn, structOut, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { checkExtension } from '../extensible.ts';
import { find, isOwn, mayChange } from './priority.ts';

const policyArg = oneOf(SCHED);
const param = struct('sched_param', { sched_priority: s32 });
/** Bytes of the kernel's CPU mask. */
const CPUMASK = 4;
/** The CPUs that there are. */
export const cpuMask = ({ cpus }: Kernel) => 2 ** cpus - 1;

const isRealTime = (policy: number) => policy === SCHED.SCHED_FIFO || policy === SCHED.SCHED_RR;
const plain = (policy: number) => policy & ~SCHED.SCHED_RESET_ON_FORK;
const resetsOnFork = (of: Task) => (of.policy & SCHED.SCHED_RESET_ON_FORK) !== 0;
const known = (policy: number) =>
  isRealTime(policy) || policy === 0 || policy === SCHED.SCHED_BATCH || policy === SCHED.SCHED_IDLE;

/** As find, where a negative number is merely nobody's. */
const findAny = (t: Task, id: number) => (id < 0 ? fail('ESRCH') : find(t, id));

/** What sched_setattr can say (struct sched_attr), and with it the others; without a policy the old one stays. */
interface Attributes {
  readonly policy: number | undefined;
  readonly priority: number;
  /** For policies without a priority; undefined leaves it. */
  readonly nice?: number;
  readonly resetOnFork: boolean;
  readonly deadline?: Deadline;
}

interface Deadline {
  readonly sched_runtime: number;
  readonly sched_deadline: number;
  readonly sched_period: number;
}

/** __checkparam_dl; nanoseconds. */
function isDeadline({ sched_runtime: runtime, sched_deadline: deadline, sched_period }: Deadline): boolean {
  const period = sched_period || deadline;
  if (runtime < 1024 || deadline === 0 || Math.max(deadline, period) >= 2 ** 63) return false;
  return period >= deadline && deadline >= runtime && period >= 100_000 && period <= 2 ** 22 * 1000;
}

/** RLIMIT_NICE allows it (is_nice_reduction). */
const mayBeNice = (t: Task, nice: number) => 20 - nice <= t.process.limits[RLIMIT.RLIMIT_NICE]!.cur;

/** user_check_sched_setscheduler: what needs CAP_SYS_NICE. */
function needsPrivilege(
  t: Task,
  of: Task,
  policy: number,
  { priority, nice, resetOnFork }: Attributes,
): boolean {
  const old = plain(of.policy);
  if (!isRealTime(policy) && policy !== SCHED.SCHED_DEADLINE && policy !== SCHED.SCHED_IDLE) {
    if (nice !== undefined && nice < of.nice && !mayBeNice(of, nice)) return true;
  }
  if (isRealTime(policy)) {
    const limit = of.process.limits[RLIMIT.RLIMIT_RTPRIO]!.cur;
    if ((policy !== old && limit === 0) || (priority > of.rtPriority && priority > limit)) return true;
  }
  if (policy === SCHED.SCHED_DEADLINE) return true;
  if (old === SCHED.SCHED_IDLE && policy !== SCHED.SCHED_IDLE && !mayBeNice(of, of.nice)) return true;
  return !isOwn(t, of) || (resetsOnFork(of) && !resetOnFork);
}

/** What __sched_setscheduler refuses; gives the policy there is to be. */
function checkScheduler(t: Task, of: Task, attributes: Attributes): number {
  const { priority, deadline } = attributes;
  const policy = attributes.policy ?? plain(of.policy);
  if (!known(policy) && policy !== SCHED.SCHED_DEADLINE) fail('EINVAL');
  if (priority < 0 || priority > 99 || isRealTime(policy) !== (priority !== 0)) fail('EINVAL');
  if (policy === SCHED.SCHED_DEADLINE && (deadline === undefined || !isDeadline(deadline))) fail('EINVAL');
  if (needsPrivilege(t, of, policy, attributes) && !capable(t.creds, CAP.SYS_NICE)) fail('EPERM');
  return policy;
}

function setScheduler(t: Task, of: Task, attributes: Attributes): number {
  const policy = checkScheduler(t, of, attributes);
  const { priority, nice, resetOnFork } = attributes;
  // There is no such scheduling here, as where all of the machine's time is promised to others.
  if (policy === SCHED.SCHED_DEADLINE) fail('EBUSY');
  of.policy = policy | (resetOnFork ? SCHED.SCHED_RESET_ON_FORK : 0);
  of.rtPriority = priority;
  if (nice !== undefined && !isRealTime(policy)) of.nice = nice;
  return 0;
}

/** _sched_setscheduler: SCHED_RESET_ON_FORK is a bit of the policy there. */
function setPolicy(t: Task, id: number, policy: number, priority: number): number {
  const resetOnFork = (policy & SCHED.SCHED_RESET_ON_FORK) !== 0;
  return setScheduler(t, find(t, id), { policy: plain(policy), priority, resetOnFork });
}

function priorityRange(policy: number, real: number): number {
  if (!known(policy) && policy !== SCHED.SCHED_DEADLINE) fail('EINVAL');
  return isRealTime(policy) ? real : 0;
}

const rrInterval = (type: typeof timespec32 | typeof timespec64) => (t: Task, id: number, at: number) => {
  const of = find(t, id);
  t.mm.put(type, at, { tv_sec: 0, tv_nsec: of.policy === SCHED.SCHED_RR ? 100_000_000 : 8_000_000 });
  return 0;
};

const SCHED_FLAG_RESET_ON_FORK = 1;
const SCHED_FLAG_KEEP_POLICY = 8;
const SCHED_FLAG_KEEP_PARAMS = 16;
const SCHED_FLAG_UTIL_CLAMP = 0x60;
const SCHED_FLAG_ALL = 0x7f;
const schedAttr = struct('sched_attr', {
  size: u32,
  sched_policy: s32,
  sched_flags: u64,
  sched_nice: s32,
  sched_priority: u32,
  sched_runtime: u64,
  sched_deadline: u64,
  sched_period: u64,
});
/** With what Linux 5.3 added: sched_util_min and sched_util_max. */
const SCHED_ATTR_SIZE = 56;

/** sched_copy_attr: tells what size it would have liked. */
function attributesAt(t: Task, at: number): ReturnType<typeof schedAttr.get> {
  const size = t.mm.get(u32, at) || schedAttr.size;
  try {
    if (size < schedAttr.size) fail('E2BIG');
    checkExtension(t, at, SCHED_ATTR_SIZE, size);
  } catch (e) {
    if (e instanceof Errno && e.name === 'E2BIG') t.mm.put(u32, at, SCHED_ATTR_SIZE);
    throw e;
  }
  t.mm.readable(at, Math.min(size, SCHED_ATTR_SIZE));
  const attr = t.mm.get(schedAttr, at);
  if ((attr.sched_flags % 128) & SCHED_FLAG_UTIL_CLAMP && size < SCHED_ATTR_SIZE) fail('EINVAL');
  return attr;
}

function setAttr(t: Task, id: number, at: number, how: number): number {
  if (at === 0 || id < 0 || how !== 0) fail('EINVAL');
  const attr = attributesAt(t, at);
  const { sched_policy: policy, sched_flags: flags } = attr;
  if (policy < 0) fail('EINVAL');
  const of = find(t, id);
  const has = (flag: number) => ((flags % 128) & flag) !== 0;
  // The order is Linux's: a policy that there is not, then flags, then what belongs to the policy.
  if (!has(SCHED_FLAG_KEEP_POLICY) && !known(policy) && policy !== SCHED.SCHED_DEADLINE) fail('EINVAL');
  if (flags > SCHED_FLAG_ALL) fail('EINVAL');
  const keep = has(SCHED_FLAG_KEEP_PARAMS);
  const attributes: Attributes = {
    policy: has(SCHED_FLAG_KEEP_POLICY) ? undefined : policy,
    // get_params replaces those of the old policy's kind only.
    priority: keep && isRealTime(plain(of.policy)) ? of.rtPriority : attr.sched_priority,
    nice: keep && !isRealTime(plain(of.policy)) ? of.nice : Math.max(-20, Math.min(19, attr.sched_nice)),
    resetOnFork: has(SCHED_FLAG_KEEP_POLICY) ? resetsOnFork(of) : has(SCHED_FLAG_RESET_ON_FORK),
    deadline: attr,
  };
  // uclamp_validate without CONFIG_UCLAMP_TASK comes after all that is checked, before anything is done.
  if (has(SCHED_FLAG_UTIL_CLAMP)) {
    checkScheduler(t, of, attributes);
    fail('EOPNOTSUPP');
  }
  return setScheduler(t, of, attributes);
}

function getAttr(t: Task, id: number, at: number, size: number, how: number): number {
  if (at === 0 || id < 0 || how !== 0 || size < schedAttr.size || size > PAGE_SIZE) fail('EINVAL');
  const of = find(t, id);
  const count = Math.min(size, SCHED_ATTR_SIZE);
  t.mm.writable(at, count).fill(0);
  t.mm.put(schedAttr, at, {
    size: count,
    sched_policy: plain(of.policy),
    sched_flags: resetsOnFork(of) ? SCHED_FLAG_RESET_ON_FORK : 0,
    sched_nice: isRealTime(plain(of.policy)) ? 0 : of.nice,
    sched_priority: of.rtPriority,
    sched_runtime: 0,
    sched_deadline: 0,
    sched_period: 0,
  });
  return 0;
}

export const schedCalls: readonly Call[] = [
  call(
    154,
    'sched_setparam',
    [pid, structIn(param)],
    (t, id, { sched_priority: priority }) => {
      const of = find(t, id);
      return setScheduler(t, of, { policy: undefined, priority, resetOnFork: resetsOnFork(of) });
    },
    { before: (_t, id, at) => void (id < 0 || at === 0 ? fail('EINVAL') : 0) },
  ),
  call(155, 'sched_getparam', [pid, structOut(param)], (t, id, at) => {
    if (at === 0) fail('EINVAL');
    t.mm.put(param, at, { sched_priority: find(t, id).rtPriority });
    return 0;
  }),
  call(
    156,
    'sched_setscheduler',
    [pid, policyArg, structIn(param)],
    (t, id, policy, { sched_priority }) => setPolicy(t, id, policy, sched_priority),
    { before: (_t, id, policy, at) => void (id < 0 || policy < 0 || at === 0 ? fail('EINVAL') : 0) },
  ),
  call(157, 'sched_getscheduler', [pid], (t, id) => find(t, id).policy),
  call(158, 'sched_yield', [], (t) => {
    t.kernel.scheduler.yield();
    return 0;
  }),
  call(159, 'sched_get_priority_max', [policyArg], (_t, policy) => priorityRange(policy, 99)),
  call(160, 'sched_get_priority_min', [policyArg], (_t, policy) => priorityRange(policy, 1)),
  call(161, 'sched_rr_get_interval', [pid, structOut(timespec32)], rrInterval(timespec32)),
  call(241, 'sched_setaffinity', [pid, uint, ptr], (t, id, length, at) => {
    const mask = t.mm.readable(at, Math.min(length, CPUMASK));
    const wanted = mask.reduce((bits, byte, i) => (bits | (byte << (8 * i))) >>> 0, 0);
    const of = findAny(t, id);
    if (!mayChange(t, of)) fail('EPERM');
    if ((wanted & cpuMask(t.kernel)) === 0) fail('EINVAL');
    of.affinity = wanted;
    return 0;
  }),
  call(242, 'sched_getaffinity', [pid, uint, ptr], (t, id, length, at) => {
    // The bits are counted in 32 bits.
    if ((length * 8) >>> 0 < 1 || length & 3) fail('EINVAL');
    const of = findAny(t, id);
    t.mm.put(u32, at, (of.affinity & cpuMask(t.kernel)) >>> 0);
    return CPUMASK;
  }),
  call(380, 'sched_setattr', [pid, ptr, uint], setAttr),
  call(381, 'sched_getattr', [pid, ptr, uint, uint], getAttr),
  call(423, 'sched_rr_get_interval_time64', [pid, structOut(timespec64)], rrInterval(timespec64)),
];
