/** Limits and usage: prlimit(2), getrusage(2) (kernel/sys.c). */
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
import type { Process, Rlimit } from '../../kernel/process.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { oneOf, pid, structInOrNull, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { usageOf } from './wait.ts';

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
  if (resource === RLIMIT.RLIMIT_NOFILE && value.rlim_max > t.kernel.nrOpen) fail('EPERM');
  if (value.rlim_max > limit.max && !capable(t.creds, CAP.SYS_RESOURCE)) fail('EPERM');
  p.limits[resource] = { cur: value.rlim_cur, max: value.rlim_max };
  if (resource === RLIMIT.RLIMIT_STACK) {
    for (const thread of p.threads) thread.mm.space.stackLimit = Math.min(value.rlim_cur, 2 ** 31);
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
  if (p !== t.process && !same && !capable(t.creds, CAP.SYS_RESOURCE, other.user)) fail('EPERM');
  const old = { rlim_cur: limitOf(p, resource).cur, rlim_max: limitOf(p, resource).max };
  if (value !== null) setLimit(t, p, resource, value);
  if (oldAt !== 0) t.mm.put(rlimit64, oldAt, old);
  return 0;
}

const who = oneOf({ RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD });

function getrusage(t: Task, of: number, at: number): number {
  const { process } = t;
  const { childrenUse } = process;
  let usage: ReturnType<typeof usageOf>;
  if (of === RUSAGE_SELF) usage = usageOf(process.cpuUse, process.switches, process.mostResident);
  else if (of === RUSAGE_CHILDREN)
    usage = usageOf(childrenUse, childrenUse.switches, childrenUse.mostResident);
  else if (of === RUSAGE_THREAD) usage = usageOf(t.cpuUse, t.switches, process.mostResident);
  else return fail('EINVAL');
  t.mm.put(rusage, at, usage);
  return 0;
}

const resource = oneOf(RLIMIT);

export const rlimitCalls: readonly Call[] = [
  call(75, 'setrlimit', [resource, structInOrNull(rlimit)], (t, which, value) => {
    if (value === null) return fail('EFAULT');
    setLimit(t, t.process, which, value);
    return 0;
  }),
  call(191, 'ugetrlimit', [resource, structOut(rlimit)], (t, which, at) => {
    const { cur, max } = limitOf(t.process, which);
    t.mm.put(rlimit, at, { rlim_cur: cur, rlim_max: max });
    return 0;
  }),
  call(369, 'prlimit64', [pid, resource, structInOrNull(rlimit64), structOut(rlimit64)], prlimit),
  call(77, 'getrusage', [who, structOut(rusage)], getrusage),
];
