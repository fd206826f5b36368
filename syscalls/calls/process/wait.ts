/** wait4(2), waitid(2): kernel/exit.c, do_wait. */
import { ERRNO, Errno, fail } from '../../abi/errno.ts';
import { rusage } from '../../abi/resource.ts';
import { siginfo } from '../../abi/siginfo.ts';
import { SI, SIG } from '../../abi/signal.ts';
import { type Field, s32, shown, struct } from '../../abi/struct.ts';
import { toTimeval } from '../../kernel/clock.ts';
import { type CpuUse, Switches } from '../../kernel/cpu-use.ts';
import { endCode, reap } from '../../kernel/exit.ts';
import { PidFile } from '../../kernel/pidfd.ts';
import type { Process } from '../../kernel/process.ts';
import { BLOCKED, type Task } from '../../kernel/task.ts';
import { flags, int, oneOf, pid, structOut } from '../args.ts';
import { type Call, call } from '../declare.ts';

const W = {
  WNOHANG: 1,
  WUNTRACED: 2,
  WEXITED: 4,
  WCONTINUED: 8,
  WNOWAIT: 0x0100_0000,
  __WNOTHREAD: 0x2000_0000,
  __WALL: 0x4000_0000,
  __WCLONE: 0x8000_0000,
} as const;
const WSTOPPED = W.WUNTRACED;
const CONTINUED_STATUS = 0xffff;

const P = { P_ALL: 0, P_PID: 1, P_PGID: 2, P_PIDFD: 3 } as const;

/** What a child or tracee has to tell. */
interface Event {
  /** Its process or thread id, as the caller knows it. */
  number: number;
  uid: number;
  /** The child, when it has ended or stopped as such. */
  child?: Process;
  /** As wait4 gives it. */
  status: number;
  code: number;
  /** si_status. */
  value: number;
}

function wants(child: Process, options: number): boolean {
  if (options & W.__WALL) return true;
  return (child.exitSignal !== SIG.SIGCHLD) === ((options & W.__WCLONE) !== 0);
}

type Matches = (id: number, pgid: number) => boolean;

/** Stops and ends of tracees: undefined when there are such tracees with nothing to tell, 'none' when there are none. */
function lookTraced(t: Task, matches: Matches, options: number): Event | undefined | 'none' {
  const { tracees, endedTracees } = t.process;
  const peek = (options & W.WNOWAIT) !== 0;
  const at = options & W.WEXITED ? endedTracees.findIndex((e) => matches(e.tid, e.pgid)) : -1;
  if (at >= 0) {
    const { number, status } = endedTracees[at]!;
    if (!peek) endedTracees.splice(at, 1);
    const signal = status & 0x7f;
    const [code, value] = [endCode(status), signal === 0 ? status >> 8 : signal];
    return { number, uid: 0, status, code, value };
  }
  let any = false;
  for (const tracee of tracees) {
    if (!matches(tracee.tid, tracee.process.pgid)) continue;
    any = true;
    const stop = tracee.trace!.stop;
    if (stop === undefined || stop.reported) continue;
    if (!peek) stop.reported = true;
    const { uid } = tracee.creds;
    return {
      number: t.process.pids.numberOf(tracee.tid),
      uid,
      status: (stop.code << 8) | 0x7f,
      code: SI.CLD_TRAPPED,
      value: stop.code & 0x7f,
    };
  }
  return any ? undefined : 'none';
}

/** Looks for something to tell; undefined when there is nothing yet, 'none' when there are no such children. */
function look(t: Task, matches: Matches, options: number): Event | undefined | 'none' {
  const traced = lookTraced(t, matches, options);
  if (traced !== undefined && traced !== 'none') return traced;
  let any = traced === undefined;
  for (const child of t.process.children) {
    if (!matches(child.pid, child.pgid) || !wants(child, options)) continue;
    // One that has ended is none for who does not ask for ends (wait_task_zombie).
    if (child.zombie && !(options & W.WEXITED)) continue;
    any = true;
    const peek = (options & W.WNOWAIT) !== 0;
    if (child.zombie) {
      const { status } = child;
      const signal = status & 0x7f;
      const code = endCode(status);
      return {
        child,
        number: t.process.pids.numberOf(child.pid),
        uid: child.leader.creds.uid,
        status,
        code,
        value: signal === 0 ? status >> 8 : signal,
      };
    }
    if (child.unreportedStop !== 0 && options & WSTOPPED) {
      const value = child.unreportedStop;
      if (!peek) child.unreportedStop = 0;
      return {
        child,
        number: t.process.pids.numberOf(child.pid),
        uid: child.leader.creds.uid,
        status: (value << 8) | 0x7f,
        code: SI.CLD_STOPPED,
        value,
      };
    }
    if (child.unreportedContinue && options & W.WCONTINUED) {
      if (!peek) child.unreportedContinue = false;
      return {
        child,
        number: t.process.pids.numberOf(child.pid),
        uid: child.leader.creds.uid,
        status: CONTINUED_STATUS,
        code: SI.CLD_CONTINUED,
        value: SIG.SIGCONT,
      };
    }
  }
  return any ? undefined : 'none';
}

/** Finds an event or waits for one; undefined under WNOHANG, 'none' when there are no such children. */
function wait(t: Task, matches: Matches, options: number): ReturnType<typeof look> | typeof BLOCKED {
  const event = look(t, matches, options);
  if (event !== undefined || options & W.WNOHANG) return event;
  return t.sleep(t.process.childQueue);
}

/** struct rusage of CPU time, turns, and the most bytes that were in memory. */
export function usageOf(
  { user, system }: CpuUse,
  { voluntary, involuntary }: Switches,
  mostResident: number,
) {
  return {
    ru_utime: toTimeval(user),
    ru_stime: toTimeval(system),
    ru_maxrss: Math.floor(mostResident / 1024),
    ru_ixrss: 0,
    ru_idrss: 0,
    ru_isrss: 0,
    ru_minflt: 0,
    ru_majflt: 0,
    ru_nswap: 0,
    ru_inblock: 0,
    ru_oublock: 0,
    ru_msgsnd: 0,
    ru_msgrcv: 0,
    ru_nsignals: 0,
    ru_nvcsw: voluntary,
    ru_nivcsw: involuntary,
  };
}

/** Of a child with those it has waited for (RUSAGE_BOTH); nothing of a tracee. */
function usageOfBoth(child: Process | undefined) {
  if (child === undefined) return usageOf({ user: 0, system: 0 }, new Switches(), 0);
  const { cpuUse, childrenUse } = child;
  const use = { user: cpuUse.user + childrenUse.user, system: cpuUse.system + childrenUse.system };
  const { switches } = child;
  switches.add(childrenUse.switches);
  return usageOf(use, switches, Math.max(child.mostResident, childrenUse.mostResident));
}

const waitStatus: Field<number> = shown(s32, (status) => {
  if (status === CONTINUED_STATUS) return '{WIFCONTINUED(s)}';
  if ((status & 0xff) === 0x7f) return `{WIFSTOPPED(s) && WSTOPSIG(s) == ${status >> 8}}`;
  if ((status & 0x7f) === 0) return `{WIFEXITED(s) && WEXITSTATUS(s) == ${status >> 8}}`;
  const dumped = status & 0x80 ? ' && WCOREDUMP(s)' : '';
  return `{WIFSIGNALED(s) && WTERMSIG(s) == ${status & 0x7f}${dumped}}`;
});

function wait4(t: Task, id: number, statusAt: number, options: number, usageAt: number): number {
  if (options & ~(W.WNOHANG | W.WUNTRACED | W.WCONTINUED | W.__WNOTHREAD | W.__WCLONE | W.__WALL))
    fail('EINVAL');
  if (id === -0x8000_0000) fail('ESRCH');
  const group = id === 0 ? t.process.pgid : -id;
  const matches = (pid: number, pgid: number) => id === -1 || (id > 0 ? pid === id : pgid === group);
  const event = wait(t, matches, options | W.WEXITED);
  if (event === BLOCKED) return BLOCKED;
  // Shells ask until they are told so.
  if (event === 'none') return -ERRNO.ECHILD;
  if (event === undefined) return 0;
  const { child } = event;
  const usage = usageOfBoth(child);
  if (child?.zombie) reap(child);
  if (statusAt !== 0) t.mm.put(s32, statusAt, event.status);
  if (usageAt !== 0) t.mm.put(rusage, usageAt, usage);
  return event.number;
}

/** What waitid writes of siginfo_t; the rest stays as it is. */
const waitInfo = struct('siginfo_t', { signo: s32, errno: s32, code: s32, pid: s32, uid: s32, status: s32 });
const NOBODY = { signo: 0, errno: 0, code: 0, pid: 0, uid: 0, status: 0 };

/**
 * Whatever comes of it, what is to be told of nobody is written where it is asked for; a bad place for it is worse than any other
 * error.
 */
function waitid(t: Task, type: number, id: number, infoAt: number, options: number, usageAt: number): number {
  try {
    return waitFor(t, type, id, infoAt, options, usageAt);
  } catch (error) {
    if (error instanceof Errno && infoAt !== 0) t.mm.put(waitInfo, infoAt, NOBODY);
    throw error;
  }
}

function waitFor(
  t: Task,
  type: number,
  id: number,
  infoAt: number,
  options: number,
  usageAt: number,
): number {
  const known =
    W.WNOHANG | W.WNOWAIT | W.WEXITED | WSTOPPED | W.WCONTINUED | W.__WNOTHREAD | W.__WCLONE | W.__WALL;
  if (options & ~known || !(options & (W.WEXITED | WSTOPPED | W.WCONTINUED))) fail('EINVAL');
  let matches: Matches;
  let nonblocking = false;
  if (type === P.P_ALL) matches = () => true;
  else if (type === P.P_PID) {
    if (id <= 0) fail('EINVAL');
    const wanted = t.process.pids.pidOf(id);
    matches = (pid) => pid === wanted;
  } else if (type === P.P_PGID) {
    if (id < 0) fail('EINVAL');
    const group = id === 0 ? t.process.pgid : t.process.pids.pidOf(id);
    matches = (_pid, pgid) => pgid === group;
  } else if (type === P.P_PIDFD) {
    if (id < 0) fail('EINVAL');
    const file = t.files.get(id);
    if (!(file instanceof PidFile)) fail('EBADF');
    matches = (pid) => pid === file.process.pid;
    nonblocking = file.nonblocking && !(options & W.WNOHANG);
  } else return fail('EINVAL');
  const event = nonblocking ? (look(t, matches, options) ?? fail('EAGAIN')) : wait(t, matches, options);
  if (event === BLOCKED) return BLOCKED;
  if (event === 'none') return fail('ECHILD');
  if (infoAt !== 0) {
    const info = event
      ? {
          signo: SIG.SIGCHLD,
          errno: 0,
          code: event.code,
          pid: event.number,
          uid: t.creds.user.uids.shown(event.uid),
          status: event.value,
        }
      : NOBODY;
    t.mm.put(waitInfo, infoAt, info);
  }
  if (event === undefined) return 0;
  const { child } = event;
  if (usageAt !== 0) t.mm.put(rusage, usageAt, usageOfBoth(child));
  if (child?.zombie && !(options & W.WNOWAIT)) reap(child);
  return 0;
}

const isPid = (result: number) => result > 0;

export const waitCalls: readonly Call[] = [
  call(114, 'wait4', [pid, structOut(waitStatus, isPid), flags(W), structOut(rusage, isPid)], wait4),
  call(280, 'waitid', [oneOf(P), int, structOut(siginfo), flags(W), structOut(rusage)], waitid),
];
