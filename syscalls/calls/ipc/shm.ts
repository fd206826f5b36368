/** System V shared memory: shmget(2), shmat(2), shmctl(2) (ipc/shm.c). */
import { isMachine, LOWEST } from '../../../emu/memory/address-space.ts';
import { EXEC, PAGE_SIZE, READ, USER_END, WRITE } from '../../../emu/memory/layout.ts';
import { fail } from '../../abi/errno.ts';
import { SHM, SHMCTL, SHMLBA, shmInfo, shmidDs, shminfo } from '../../abi/ipc.ts';
import { RLIMIT } from '../../abi/resource.ts';
import { mayCommit } from '../../kernel/commit.ts';
import { type Segment, seconds } from '../../kernel/sysv-ipc.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { flags, hex, int, ptr, size } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { command } from './command.ts';

const SHM_HUGETLB = 0o4000;

function shmget(t: Task, key: number, bytes: number, how: number): number {
  const ipc = t.ns.ipc.sysv;
  const { segments, limits } = ipc;
  const check = (segment: Segment) => {
    if (bytes > segment.size) fail('EINVAL');
  };
  return segments.get(key, how, t.creds, check, (at) => {
    if (bytes === 0 || bytes > Math.min(USER_END, limits.shmmax)) fail('EINVAL');
    // As without CONFIG_HUGETLBFS.
    if (how & SHM_HUGETLB) fail('EINVAL');
    if (ipc.usedPages + Math.ceil(bytes / PAGE_SIZE) > limits.shmall) fail('ENOSPC');
    if (!mayCommit(t.kernel, bytes)) fail('ENOMEM');
    return ipc.makeSegment(at, how, t.creds, bytes, t.process.pid);
  });
}

function shmat(t: Task, id: number, wanted: number, how: number): number {
  let at = wanted - (wanted % SHMLBA);
  if (at !== wanted && !(how & SHM.SHM_RND)) fail('EINVAL');
  if (at === 0 && how & SHM.SHM_REMAP) fail('EINVAL');
  const segment = t.ns.ipc.sysv.segments.find(id);
  const { space } = t.mm;
  const bytes = segment.pages.size();
  const writes = !(how & SHM.SHM_RDONLY);
  segment.require(t.creds, writes ? 6 : 4);
  if (wanted === 0) {
    at = space.findFree(bytes);
    if (at === 0) fail('ENOMEM');
  } else {
    if (at < LOWEST) fail('EPERM');
    if (at + bytes > USER_END || isMachine(at, at + bytes)) fail('EINVAL');
    if (!(how & SHM.SHM_REMAP) && !space.isFree(at, at + bytes)) fail('EINVAL');
  }
  space.map({
    start: at,
    end: at + bytes,
    prot: READ | (writes ? WRITE : 0) | (how & SHM.SHM_EXEC ? EXEC : 0),
    shared: true,
    source: segment.pages,
    offset: 0,
    growsDown: false,
    noWrite: !writes || undefined,
    name: `/SYSV${(segment.key >>> 0).toString(16).padStart(8, '0')} (deleted)`,
  });
  segment.attachTime = seconds();
  segment.lastPid = t.process.pid;
  return at | 0;
}

function shmdt(t: Task, at: number): number {
  const { space } = t.mm;
  const first = space.find(at);
  const segment = [...t.ns.ipc.sysv.segments.objects.values()].find((s) => s.pages === first?.source);
  if (first === undefined || segment === undefined || first.start !== at || first.offset !== 0)
    return fail('EINVAL');
  // All that is left of this attachment, wherever parts of it have been unmapped or protected.
  for (const vma of [...space.vmas()]) {
    if (vma.source === segment.pages && vma.start - vma.offset === at) space.unmap(vma.start, vma.end);
  }
  segment.lastPid = t.process.pid;
  return 0;
}

/** IPC_INFO and SHM_INFO. */
function segmentInfo({ ns, mm }: Task, what: number, at: number): number {
  const { segments, limits, usedPages } = ns.ipc.sysv;
  if (what === SHMCTL.IPC_INFO) {
    const { shmmax, shmmni, shmall } = limits;
    mm.put(shminfo, at, { shmmax, shmmin: 1, shmmni, shmseg: shmmni, shmall });
  } else {
    const resident = [...segments.objects.values()].reduce((sum, s) => sum + s.residentPages, 0);
    const none = { shm_swp: 0, swap_attempts: 0, swap_successes: 0 };
    mm.put(shmInfo, at, { used_ids: segments.objects.size, shm_tot: usedPages, shm_rss: resident, ...none });
  }
  return segments.highest;
}

/**
 * Whether the task may lock segments in memory (shmctl(2)): with CAP_IPC_LOCK, else its own, as far as RLIMIT_MEMLOCK goes.
 * EPERM.
 */
function requireLock(t: Task, segment: Segment, locks: boolean): void {
  const { creds, process } = t;
  if (capable(creds, CAP.IPC_LOCK)) return;
  if (creds.euid !== segment.uid && creds.euid !== segment.cuid) fail('EPERM');
  if (locks && process.limits[RLIMIT.RLIMIT_MEMLOCK]!.cur === 0) fail('EPERM');
}

/**
 * Nothing of ours is ever swapped out by us: to lock is to count, among what the same user has locked so, against RLIMIT_MEMLOCK
 * (user_shm_lock). ENOMEM.
 */
function lock(t: Task, segment: Segment): void {
  const { creds, process } = t;
  const pagesOf = ({ pages }: Segment) => Math.ceil(pages.size() / PAGE_SIZE);
  let sum = pagesOf(segment);
  for (const other of t.ns.ipc.sysv.segments.objects.values())
    if (other.lockedBy === creds.uid) sum += pagesOf(other);
  const most = Math.floor(process.limits[RLIMIT.RLIMIT_MEMLOCK]!.cur / PAGE_SIZE);
  if (sum > most && !capable(creds, CAP.IPC_LOCK)) fail('ENOMEM');
  segment.lockedBy = creds.uid;
}

function shmctl(t: Task, id: number, what: number, at: number): number {
  if (id < 0) fail('EINVAL');
  if (what === SHMCTL.IPC_INFO || what === SHMCTL.SHM_INFO) return segmentInfo(t, what, at);
  const ipc = t.ns.ipc.sysv;
  // What is to be set is read before there is looked for what.
  const given = what === SHMCTL.IPC_SET ? t.mm.get(shmidDs, at).shm_perm : undefined;
  const bySlot = what === SHMCTL.SHM_STAT || what === SHMCTL.SHM_STAT_ANY;
  const segment = bySlot ? ipc.segments.at(id) : ipc.segments.find(id);
  const { mm, creds } = t;
  switch (what) {
    case SHMCTL.IPC_STAT:
    case SHMCTL.SHM_STAT:
    case SHMCTL.SHM_STAT_ANY: {
      if (what !== SHMCTL.SHM_STAT_ANY) segment.require(creds, 4);
      mm.put(shmidDs, at, {
        shm_perm: segment.permissions(creds.user),
        shm_segsz: segment.size,
        shm_atime: segment.attachTime,
        atime_high: 0,
        shm_dtime: segment.detachTime,
        dtime_high: 0,
        shm_ctime: segment.changed,
        ctime_high: 0,
        shm_cpid: t.process.pids.numberOf(segment.creator),
        shm_lpid: t.process.pids.numberOf(segment.lastPid),
        shm_nattch: segment.pages.attached,
        unused4: 0,
        unused5: 0,
      });
      return bySlot ? segment.id : 0;
    }
    case SHMCTL.IPC_SET:
      segment.requireOwner(creds);
      segment.change(given!, creds.user);
      return 0;
    case SHMCTL.IPC_RMID:
      segment.requireOwner(creds);
      ipc.removeSegment(segment);
      return 0;
    case SHMCTL.SHM_LOCK:
    case SHMCTL.SHM_UNLOCK:
      requireLock(t, segment, what === SHMCTL.SHM_LOCK);
      if (what === SHMCTL.SHM_UNLOCK) segment.lockedBy = undefined;
      else if (segment.lockedBy === undefined) lock(t, segment);
      return 0;
    default:
      return fail('EINVAL');
  }
}

export const shmCalls: readonly Call[] = [
  call(305, 'shmat', [int, ptr, flags(SHM)], shmat, { result: 'hex' }),
  call(306, 'shmdt', [ptr], shmdt),
  call(307, 'shmget', [hex, size, hex], (t, key, bytes, how) => shmget(t, key | 0, bytes, how)),
  call(308, 'shmctl', [int, command(SHMCTL), ptr], shmctl),
];
