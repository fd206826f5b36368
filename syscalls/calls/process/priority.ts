/** Priorities for CPU and I/O: nice(2), setpriority(2), ioprio_set(2) (kernel/sys.c, block/ioprio.c). */
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { int, oneOf } from '../args.ts';
import { type Call, call } from '../declare.ts';

const PRIO = { PRIO_PROCESS: 0, PRIO_PGRP: 1, PRIO_USER: 2 } as const;

/** The tasks a PRIO_* selection means. */
function selected(t: Task, which: number, id: number): Task[] {
  let tasks: Task[];
  if (which === PRIO.PRIO_PROCESS) tasks = [id < 0 ? fail('ESRCH') : find(t, id)];
  else if (which === PRIO.PRIO_PGRP) {
    const pgid = id === 0 ? t.process.pgid : id;
    tasks = t.kernel.group(pgid).flatMap((p) => [...p.threads]);
  } else if (which === PRIO.PRIO_USER) {
    const uid = id === 0 ? t.creds.uid : id;
    tasks = [...t.kernel.tasks.values()].filter((x) => x.creds.uid === uid);
  } else return fail('EINVAL');
  return tasks.length > 0 ? tasks : fail('ESRCH');
}

export function setNice(t: Task, of: Task, value: number): void {
  const nice = Math.max(-20, Math.min(19, value));
  if (!mayChange(t, of)) fail('EPERM');
  const lowest = 20 - Math.min(40, t.process.limits[RLIMIT.RLIMIT_NICE]!.cur);
  if (nice < of.nice && nice < lowest && !capable(t.creds, CAP.SYS_NICE)) fail('EACCES');
  of.nice = nice;
}

const IOPRIO = { IOPRIO_WHO_PROCESS: 1, IOPRIO_WHO_PGRP: 2, IOPRIO_WHO_USER: 3 } as const;

function ioTasks(t: Task, which: number, id: number): Task[] {
  if (which < 1 || which > 3) fail('EINVAL');
  return selected(t, which - 1, id);
}

function setIoPriority(t: Task, which: number, id: number, value: number): number {
  const kind = value >>> 13;
  const level = value & 0x1fff;
  if (kind > 3 || level > 7 || (kind === 0 && level !== 0)) fail('EINVAL');
  if (kind === 1 && !capable(t.creds, CAP.SYS_ADMIN)) fail('EPERM');
  for (const of of ioTasks(t, which, id)) {
    if (!mayChange(t, of)) fail('EPERM');
    of.ioPriority = value;
  }
  return 0;
}

export function find(t: Task, id: number): Task {
  if (id < 0) fail('EINVAL');
  return id === 0 ? t : (t.kernel.tasks.get(id) ?? fail('ESRCH'));
}

export function mayChange(t: Task, of: Task): boolean {
  const { euid } = t.creds;
  return euid === of.creds.uid || euid === of.creds.euid || capable(t.creds, CAP.SYS_NICE);
}

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
  call(315, 'ioprio_get', [oneOf(IOPRIO), int], (t, which, id) =>
    Math.max(...ioTasks(t, which, id).map((of) => of.ioPriority)),
  ),
];
