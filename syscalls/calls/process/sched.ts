/**
 * Scheduling parameters: sched(7). All tasks share one host thread by turns; policies and priorities are kept and told, and
 * decide nothing.
 */
import { PAGE_SIZE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { SCHED } from '../../abi/sched.ts';
import { s32, struct, u32, u64 } from '../../abi/struct.ts';
import { timespec32, timespec64 } from '../../abi/time.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { oneOf, pid, ptr, structIn, structOut, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { find, mayChange, setNice } from './priority.ts';

const policyArg = oneOf(SCHED);
const param = struct('sched_param', { sched_priority: s32 });
/** Bytes of the kernel's CPU mask. */
const CPUMASK = 4;

const isRealTime = (policy: number) => policy === SCHED.SCHED_FIFO || policy === SCHED.SCHED_RR;
const known = (policy: number) =>
  isRealTime(policy) || policy === 0 || policy === SCHED.SCHED_BATCH || policy === SCHED.SCHED_IDLE;

/** As find, where a negative number is merely nobody's. */
const findAny = (t: Task, id: number) => (id < 0 ? fail('ESRCH') : find(t, id));

function setScheduler(t: Task, id: number, policy: number, priority: number): number {
  const plain = policy & ~SCHED.SCHED_RESET_ON_FORK;
  const of = find(t, id);
  if (!known(plain)) fail('EINVAL');
  if (isRealTime(plain) ? priority < 1 || priority > 99 : priority !== 0) fail('EINVAL');
  const limit = t.process.limits[RLIMIT.RLIMIT_RTPRIO]!.cur;
  if (!mayChange(t, of) || (isRealTime(plain) && priority > limit && !capable(t.creds, CAP.SYS_NICE)))
    fail('EPERM');
  const unsets = of.policy & SCHED.SCHED_RESET_ON_FORK && !(policy & SCHED.SCHED_RESET_ON_FORK);
  if (unsets && !capable(t.creds, CAP.SYS_NICE)) fail('EPERM');
  of.policy = policy;
  of.rtPriority = priority;
  return 0;
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
const schedAttr = struct('sched_attr', {
  size: u32,
  sched_policy: u32,
  sched_flags: u64,
  sched_nice: s32,
  sched_priority: u32,
  sched_runtime: u64,
  sched_deadline: u64,
  sched_period: u64,
});

function setAttr(t: Task, id: number, at: number, how: number): number {
  if (at === 0 || id < 0 || how !== 0) fail('EINVAL');
  const size = t.mm.get(u32, at);
  // Of the newer fields nothing must be set (sched_copy_attr).
  const tooMuch = size > PAGE_SIZE || (size > 0 && size < schedAttr.size);
  if (tooMuch || (size > schedAttr.size && t.mm.readable(at, size).subarray(schedAttr.size).some(Boolean))) {
    t.mm.put(u32, at, schedAttr.size);
    fail('E2BIG');
  }
  const attr = t.mm.get(schedAttr, at);
  if (attr.sched_flags & ~SCHED_FLAG_RESET_ON_FORK || attr.sched_flags > SCHED_FLAG_RESET_ON_FORK)
    fail('EINVAL');
  if (attr.sched_policy === SCHED.SCHED_DEADLINE) fail('EPERM');
  if (attr.sched_policy > 0xff) fail('EINVAL');
  const reset = attr.sched_flags ? SCHED.SCHED_RESET_ON_FORK : 0;
  setScheduler(t, id, attr.sched_policy | reset, attr.sched_priority);
  if (!isRealTime(attr.sched_policy)) setNice(t, find(t, id), attr.sched_nice);
  return 0;
}

function getAttr(t: Task, id: number, at: number, size: number, how: number): number {
  if (at === 0 || id < 0 || how !== 0 || size < schedAttr.size || size > PAGE_SIZE) fail('EINVAL');
  const of = find(t, id);
  t.mm.put(schedAttr, at, {
    size: schedAttr.size,
    sched_policy: of.policy & ~SCHED.SCHED_RESET_ON_FORK,
    sched_flags: of.policy & SCHED.SCHED_RESET_ON_FORK ? SCHED_FLAG_RESET_ON_FORK : 0,
    sched_nice: of.nice,
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
    (t, id, { sched_priority }) => setScheduler(t, id, find(t, id).policy, sched_priority),
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
    (t, id, policy, { sched_priority }) => setScheduler(t, id, policy, sched_priority),
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
    const of = findAny(t, id);
    if (!mayChange(t, of)) fail('EPERM');
    // There is one CPU; a mask without it cannot be.
    return (mask[0] ?? 0) & 1 ? 0 : fail('EINVAL');
  }),
  call(242, 'sched_getaffinity', [pid, uint, ptr], (t, id, length, at) => {
    if (length < CPUMASK || length & 3) fail('EINVAL');
    findAny(t, id);
    const out = t.mm.writable(at, CPUMASK);
    out.fill(0);
    out[0] = 1;
    return CPUMASK;
  }),
  call(380, 'sched_setattr', [pid, ptr, uint], setAttr),
  call(381, 'sched_getattr', [pid, ptr, uint, uint], getAttr),
  call(423, 'sched_rr_get_interval_time64', [pid, structOut(timespec64)], rrInterval(timespec64)),
];
