/** Priorities for CPU and I/O: nice(2), setpriority(2), ioprio_set(2) (kernel/sys.c, block/ioprio.c). */
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { SCHED } from '../../abi/sched.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { int, oneOf } from '../args.ts';
import { type Call, call } from '../declare.ts';

const PRIO = { PRIO_PROCESS: 0, PRIO_PGRP: 1, PRIO_USER: 2 } as const;

/** The tasks a PRIO_* selection means. */
function selected(t: Task, which: number, id: number): Task[] {
  let tasks: Task[];
  if (which === PRIO.PRIO_PROCESS) tasks = [id < 0 ? fail('ESRCH') : find(t, t.process.pids.argument(id))];
  else if (which === PRIO.PRIO_PGRP) {
    const pgid = id === 0 ? t.process.pgid : t.process.pids.pidOf(id);
    tasks = t.kernel.group(pgid).flatMap((p) => [...p.threads]);
  } else if (which === PRIO.PRIO_USER) {
    const uid = id === 0 ? t.creds.uid : (t.creds.user.uids.toKernel(id >>> 0) ?? fail('ESRCH'));
    tasks = [...t.kernel.tasks.values()].filter((x) => x.creds.uid === uid);
  } else return fail('EINVAL');
  return tasks.length > 0 ? tasks : fail('ESRCH');
}

function setNice(t: Task, of: Task, value: number): void {
  const nice = Math.max(-20, Math.min(19, value));
  if (!mayChange(t, of)) fail('EPERM');
  const lowest = 20 - Math.min(40, t.process.limits[RLIMIT.RLIMIT_NICE]!.cur);
  if (nice < of.nice && nice < lowest && !capable(t.creds, CAP.SYS_NICE)) fail('EACCES');
  of.nice = nice;
}

const IOPRIO = { IOPRIO_WHO_PROCESS: 1, IOPRIO_WHO_PGRP: 2, IOPRIO_WHO_USER: 3 } as const;

const IOPRIO_CLASS = { NONE: 0, RT: 1, BE: 2, IDLE: 3 } as const;

function ioTasks(t: Task, which: number, id: number): Task[] {
  if (which < 1 || which > 3) fail('EINVAL');
  return selected(t, which - 1, id);
}

/** ioprio_check_cap: three bits of class above 13 of level. */
function checkIoPriority({ creds }: Task, value: number): void {
  const level = value & 0x1fff;
  switch ((value >>> 13) & 7) {
    case IOPRIO_CLASS.RT:
      if (!capable(creds, CAP.SYS_ADMIN) && !capable(creds, CAP.SYS_NICE)) fail('EPERM');
      if (level > 7) fail('EINVAL');
      return;
    case IOPRIO_CLASS.BE:
      if (level > 7) fail('EINVAL');
      return;
    case IOPRIO_CLASS.IDLE:
      return;
    case IOPRIO_CLASS.NONE:
      if (level !== 0) fail('EINVAL');
      return;
    default:
      fail('EINVAL');
  }
}

function setIoPriority(t: Task, which: number, id: number, value: number): number {
  checkIoPriority(t, value);
  for (const of of ioTasks(t, which, id)) {
    if (!mayChange(t, of)) fail('EPERM');
    of.ioPriority = value & 0xffff;
  }
  return 0;
}

/** Of one task as it was set; of several the best, and who has none has it by his policy and niceness (__get_task_ioprio). */
function getIoPriority(t: Task, which: number, id: number): number {
  const tasks = ioTasks(t, which, id);
  if (which === IOPRIO.IOPRIO_WHO_PROCESS) return tasks[0]!.ioPriority;
  return Math.min(...tasks.map((of) => (of.ioPriority >>> 13 ? of.ioPriority : ioPriorityByNice(of))));
}

function ioPriorityByNice({ policy, nice }: Task): number {
  const plain = policy & ~SCHED.SCHED_RESET_ON_FORK;
  const level = Math.floor((nice + 20) / 5);
  if (plain === SCHED.SCHED_IDLE) return (IOPRIO_CLASS.IDLE << 13) | level;
  const isRealTime = plain === SCHED.SCHED_FIFO || plain === SCHED.SCHED_RR;
  return ((isRealTime ? IOPRIO_CLASS.RT : IOPRIO_CLASS.BE) << 13) | level;
}

export function find(t: Task, id: number): Task {
  if (id < 0) fail('EINVAL');
  return id === 0 ? t : (t.kernel.tasks.get(id) ?? fail('ESRCH'));
}

/** check_same_owner. */
export function isOwn(t: Task, of: Task): boolean {
  const { euid } = t.creds;
  return euid === of.creds.uid || euid === of.creds.euid;
}

export const mayChange = (t: Task, of: Task): boolean =>
  isOwn(t, of) || capable(t.creds, CAP.SYS_NICE, of.creds.user);

export const priorityCalls: readonly Call[] = [
  call(34, 'nice', [int], (t, by) => {
    try {
      setNice(t, t, t.nice + by);
    } catch {
      fail('EPERM');
    }
    return 0;
  }),
  call(96, 'getpriority', [oneOf(PRIO), int], (t, which, id) =>
    Math.max(...selected(t, which, id).map((x) => 20 - x.nice)),
  ),
  call(97, 'setpriority', [oneOf(PRIO), int, int], (t, which, id, value) => {
    for (const of of selected(t, which, id)) setNice(t, of, value);
    return 0;
  }),
  call(314, 'ioprio_set', [oneOf(IOPRIO), int, int], setIoPriority),
  call(315, 'ioprio_get', [oneOf(IOPRIO), int], getIoPriority),
];
