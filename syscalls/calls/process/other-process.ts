/** Reaching into other processes: process_vm_readv(2), kcmp(2), pidfd_open(2) and its relatives. */
import { READ, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { siginfo } from '../../abi/siginfo.ts';
import { NSIG, SI } from '../../abi/signal.ts';
import { struct, u32 } from '../../abi/struct.ts';
import { PidFile } from '../../kernel/pidfd.ts';
import type { Process } from '../../kernel/process.ts';
import { sendToProcess } from '../../kernel/signals.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { ProcFs } from '../../vfs/proc/proc.ts';
import { arrayIn, fd, flags, hex, int, oneOf, pid, ptr, uint } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { mayKill } from './signal.ts';

const iovec = struct('iovec', { iov_base: u32, iov_len: u32 });
const IOV_MAX = 1024;

/** ptrace_may_access: the same user throughout, or CAP_SYS_PTRACE. */
export function mayInspect(t: Task, of: Task): boolean {
  const { uid, gid } = t.creds;
  const { creds } = of;
  const same =
    [creds.uid, creds.euid, creds.suid].every((x) => x === uid) &&
    [creds.gid, creds.egid, creds.sgid].every((x) => x === gid);
  return of.process === t.process || (same && of.dumpable === 1) || capable(t.creds, CAP.SYS_PTRACE);
}

// ---- process_vm_readv, process_vm_writev ----

function vectors(t: Task, at: number, count: number): { iov_base: number; iov_len: number }[] {
  if (count > IOV_MAX) fail('EINVAL');
  return Array.from({ length: count }, (_, i) => t.mm.get(iovec, at + i * iovec.size));
}

/** Copies until one side has no more or a page of the other process is not there; EFAULT when that is at once. */
function transfer(writes: boolean) {
  return (
    t: Task,
    id: number,
    localAt: number,
    localCount: number,
    remoteAt: number,
    remoteCount: number,
    how: number,
  ) => {
    if (how !== 0) fail('EINVAL');
    const local = vectors(t, localAt, localCount);
    const remote = vectors(t, remoteAt, remoteCount);
    const other = t.kernel.tasks.get(id);
    if (other === undefined || other.state === 'dead') return fail('ESRCH');
    if (!mayInspect(t, other)) fail('EPERM');
    const { space } = other.mm;
    let done = 0;
    let [i, inLocal] = [0, 0];
    for (const { iov_base, iov_len } of remote) {
      for (let at = 0; at < iov_len; ) {
        while (i < local.length && inLocal === local[i]!.iov_len) [i, inLocal] = [i + 1, 0];
        if (i === local.length) return done;
        const theirs = iov_base + at;
        const mine = local[i]!.iov_base + inLocal;
        const count = Math.min(iov_len - at, local[i]!.iov_len - inLocal, 4096 - (theirs & 4095));
        if (!space.check(theirs, count, writes ? WRITE : READ)) return done > 0 ? done : fail('EFAULT');
        if (writes) space.bytes(theirs, count).set(t.mm.readable(mine, count));
        else t.mm.writable(mine, count).set(space.bytes(theirs, count));
        done += count;
        at += count;
        inLocal += count;
      }
    }
    return done;
  };
}

// ---- kcmp ----

const KCMP = {
  KCMP_FILE: 0,
  KCMP_VM: 1,
  KCMP_FILES: 2,
  KCMP_FS: 3,
  KCMP_SIGHAND: 4,
  KCMP_IO: 5,
  KCMP_SYSVSEM: 6,
} as const;

/** Order of objects: by when each was first compared. */
let named = 0;
const names = new WeakMap<object, number>();
function nameOf(object: object): number {
  let name = names.get(object);
  if (name === undefined) names.set(object, (name = ++named));
  return name;
}

function kcmp(t: Task, a: number, b: number, type: number, first: number, second: number): number {
  const find = (id: number) => t.kernel.tasks.get(id) ?? fail('ESRCH');
  const [one, two] = [find(a), find(b)];
  if (!mayInspect(t, one) || !mayInspect(t, two)) fail('EPERM');
  const pick = (of: Task, descriptor: number): object => {
    switch (type) {
      case KCMP.KCMP_FILE:
        return of.files.get(descriptor);
      case KCMP.KCMP_VM:
        return of.mm;
      case KCMP.KCMP_FILES:
        return of.files;
      case KCMP.KCMP_FS:
        return of.fs;
      case KCMP.KCMP_SIGHAND:
        return of.sighand;
      case KCMP.KCMP_SYSVSEM:
      case KCMP.KCMP_IO:
        return of.process;
      default:
        return fail('EINVAL');
    }
  };
  const [x, y] = [pick(one, first), pick(two, second)];
  return x === y ? 0 : nameOf(x) < nameOf(y) ? 1 : 2;
}

// ---- pidfds ----

const PIDFD_NONBLOCK = 0o4000;

function pidFile(t: Task, descriptor: number): PidFile {
  const file = t.files.get(descriptor);
  return file instanceof PidFile ? file : fail('EBADF');
}

export function installPidfd(t: Task, p: Process, nonblocking = false): number {
  return t.files.install(new PidFile(p, nonblocking), true, 0, t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
}

/** Who pidfd_send_signal means: an open /proc/PID does for a pidfd, as killall uses it (tgid_pidfd_to_pid of fs/proc/base.c). */
function signalTarget(t: Task, descriptor: number): Process {
  const file = t.files.get(descriptor);
  if (file instanceof PidFile) return file.process;
  const { inode } = file;
  if (!(inode.fs instanceof ProcFs) || inode.parent !== inode.fs.root || !/^\d+$/.test(inode.name))
    fail('EBADF');
  return t.kernel.processes.get(Number(inode.name)) ?? fail('ESRCH');
}

function pidfdSendSignal(t: Task, descriptor: number, signo: number, infoAt: number, how: number): number {
  if (how !== 0 || signo < 0 || signo > NSIG) fail('EINVAL');
  const process = signalTarget(t, descriptor);
  if (process.reaped) fail('ESRCH');
  let info = { signo, code: SI.SI_USER as number, pid: t.process.pid, uid: t.creds.uid };
  if (infoAt !== 0) {
    const given = t.mm.get(siginfo, infoAt);
    if (given.signo !== signo) fail('EINVAL');
    if ((given.code >= 0 || given.code === SI.SI_TKILL) && process !== t.process) fail('EPERM');
    info = { ...info, ...given };
  }
  if (!mayKill(t, process.leader, signo)) fail('EPERM');
  if (signo !== 0) sendToProcess(process, info);
  return 0;
}

export const otherProcessCalls: readonly Call[] = [
  call(376, 'process_vm_readv', [pid, arrayIn(iovec, 2), uint, ptr, uint, hex], transfer(false)),
  call(377, 'process_vm_writev', [pid, arrayIn(iovec, 2), uint, ptr, uint, hex], transfer(true)),
  call(378, 'kcmp', [pid, pid, oneOf(KCMP), int, int], kcmp),
  call(424, 'pidfd_send_signal', [fd, int, ptr, hex], pidfdSendSignal),
  call(434, 'pidfd_open', [pid, flags({ PIDFD_NONBLOCK })], (t, id, how) => {
    if (how & ~PIDFD_NONBLOCK || id <= 0) fail('EINVAL');
    const p = t.kernel.processes.get(id);
    // A thread that leads no group has none (before Linux 6.9).
    if (p === undefined) return fail(t.kernel.tasks.has(id) ? 'EINVAL' : 'ESRCH');
    return installPidfd(t, p, (how & PIDFD_NONBLOCK) !== 0);
  }),
  call(438, 'pidfd_getfd', [fd, fd, hex], (t, descriptor, target, how) => {
    if (how !== 0) fail('EINVAL');
    const { process } = pidFile(t, descriptor);
    if (process.zombie) fail('ESRCH');
    if (!mayInspect(t, process.leader)) fail('EPERM');
    return t.files.install(
      process.leader.files.get(target),
      true,
      0,
      t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur,
    );
  }),
];
