/**
 * System V semaphores, shared memory and message queues of a run (sysvipc(7); ipc/util.c, sem.c, shm.c, msg.c). They outlive
 * processes, as in Linux, but not the run.
 */
import { PAGE_SIZE } from '../../emu/memory/layout.ts';
import { residentPages, SharedMemory } from '../../emu/memory/shared.ts';
import { fail } from '../abi/errno.ts';
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  IPCMNI,
  MSGMAX,
  MSGMNB,
  SEM_UNDO,
  SEMMSL,
  SEMOPM,
  SEMVMX,
  SHM_DEST,
  SHM_LOCKED,
} from '../abi/ipc.ts';
import { CAP, type Creds, capable } from '../vfs/core/creds.ts';
import type { UserNamespace } from '../vfs/core/user-namespace.ts';
import { WaitQueue } from '../vfs/core/wait-queue.ts';
import type { SysvLimits } from '../vfs/proc/source.ts';
import type { Process } from './process.ts';
import type { Task } from './task.ts';

const SEQUENCES = 65535;
/** Slots are given out in turn, at least so many before the first is used again (ipc_min_cycle). */
const MIN_CYCLE = 64;

/** What semaphore sets, segments and queues have in common. */
export abstract class IpcObject {
  readonly id: number;
  key: number;
  readonly seq: number;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  mode: number;
  /** Seconds since the epoch. */
  changed = seconds();
  /** Whose administrator has power over it. */
  readonly #owner: UserNamespace;
  /** Its id has been removed. */
  removed = false;

  constructor(at: Place, mode: number, creds: Creds) {
    this.id = at.id;
    this.#owner = at.owner;
    this.key = at.key;
    this.seq = at.seq;
    this.uid = this.cuid = creds.euid;
    this.gid = this.cgid = creds.egid;
    this.mode = mode & 0o777;
  }

  /** ipcperms: `wanted` is 4 to read, 2 to alter; 1 means nothing, but must be granted. EACCES. */
  require(creds: Creds, wanted: number): void {
    const { euid, egid, groups } = creds;
    const isIn = (gid: number) => egid === gid || groups.includes(gid);
    const shift = euid === this.uid || euid === this.cuid ? 6 : isIn(this.gid) || isIn(this.cgid) ? 3 : 0;
    if (((this.mode >> shift) & wanted) !== wanted && !capable(creds, CAP.IPC_OWNER, this.#owner))
      fail('EACCES');
  }

  /** For IPC_SET and IPC_RMID. EPERM. */
  requireOwner(creds: Creds): void {
    if (creds.euid !== this.uid && creds.euid !== this.cuid && !capable(creds, CAP.SYS_ADMIN, this.#owner))
      fail('EPERM');
  }

  /** struct ipc64_perm, as a namespace knows the owners. */
  permissions({ uids, gids }: UserNamespace) {
    const { key, mode, seq } = this;
    const [uid, cuid] = [uids.shown(this.uid), uids.shown(this.cuid)];
    const [gid, cgid] = [gids.shown(this.gid), gids.shown(this.cgid)];
    return { key, uid, gid, cuid, cgid, mode, seq, unused1: 0, unused2: 0 };
  }

  /** IPC_SET, with ids of a namespace. EINVAL. */
  change(given: { uid: number; gid: number; mode: number }, { uids, gids }: UserNamespace): void {
    const [uid, gid] = [uids.toKernel(given.uid), gids.toKernel(given.gid)];
    this.uid = uid ?? fail('EINVAL');
    this.gid = gid ?? fail('EINVAL');
    this.mode = (this.mode & ~0o777) | (given.mode & 0o777);
    this.changed = seconds();
  }
}

export interface Place {
  id: number;
  key: number;
  seq: number;
  readonly owner: UserNamespace;
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The objects of one kind, by id and key. */
export class IpcTable<T extends IpcObject> {
  readonly objects = new Map<number, T>();
  /** The slot of the next object (/proc/sys/kernel/msg_next_id and the like); -1 leaves it to the kernel. */
  nextId = -1;
  readonly #owner: UserNamespace;
  readonly #limit: () => number;
  readonly #slots = new Map<number, T>();
  #lastSlot = -1;
  #sequence = 0;

  /**
   * @param owner whose administrator has power over them
   * @param limit how many there may be (/proc/sys/kernel/msgmni and the like)
   */
  constructor(owner: UserNamespace, limit: () => number) {
    this.#owner = owner;
    this.#limit = limit;
  }

  /** semget and the like: finds by key or makes. `check` looks whether the one found is what is asked for. */
  get(key: number, flags: number, creds: Creds, check: (found: T) => void, make: (at: Place) => T): number {
    if (key !== IPC_PRIVATE) {
      for (const object of this.objects.values()) {
        if (object.key !== key || object.removed) continue;
        if (flags & IPC_CREAT && flags & IPC_EXCL) fail('EEXIST');
        check(object);
        object.require(creds, ((flags >> 6) | (flags >> 3) | flags) & 7);
        return object.id;
      }
      if (!(flags & IPC_CREAT)) fail('ENOENT');
    }
    const { slot, seq } = this.#place();
    const made = make({ id: seq * IPCMNI + slot, key, seq, owner: this.#owner });
    this.#lastSlot = slot;
    this.#sequence = seq;
    this.objects.set(made.id, made);
    this.#slots.set(slot, made);
    return made.id;
  }

  /** Where the next object goes (ipc_idr_alloc). ENOSPC. */
  #place(): { slot: number; seq: number } {
    if (this.objects.size >= this.#limit()) fail('ENOSPC');
    if (this.nextId >= 0) {
      let slot = this.nextId % IPCMNI;
      const seq = Math.floor(this.nextId / IPCMNI);
      this.nextId = -1;
      while (this.#slots.has(slot)) slot++;
      return { slot, seq };
    }
    const end = Math.min(IPCMNI, Math.max(MIN_CYCLE, Math.floor((this.objects.size * 3) / 2)));
    let slot = this.#lastSlot + 1;
    while (slot < end && this.#slots.has(slot)) slot++;
    if (slot >= end) for (slot = 0; this.#slots.has(slot); ) slot++;
    return { slot, seq: slot <= this.#lastSlot ? (this.#sequence + 1) % SEQUENCES : this.#sequence };
  }

  /** EINVAL for an id there never was or that has been removed. */
  find(id: number): T {
    return this.objects.get(id) ?? fail('EINVAL');
  }
  /** The object in a slot, as MSG_STAT and the like count them; of an id the slot counts. EINVAL. */
  at(slot: number): T {
    return this.#slots.get(slot & (IPCMNI - 1)) ?? fail('EINVAL');
  }
  /** The highest slot in use, 0 when there is none: what IPC_INFO gives. */
  get highest(): number {
    return Math.max(0, ...this.#slots.keys());
  }

  remove(object: T): void {
    object.removed = true;
    if (this.objects.delete(object.id)) this.#slots.delete(object.id % IPCMNI);
  }
}

export class Semaphores extends IpcObject {
  readonly values: Int16Array;
  readonly pids: Int32Array;
  readonly queue = new WaitQueue();
  operated = 0;
  /** Tasks that wait for a semaphore to grow, or to become zero. */
  readonly waiting = new Map<Task, { index: number; zero: boolean }>();

  constructor(at: Place, mode: number, creds: Creds, count: number) {
    super(at, mode, creds);
    this.values = new Int16Array(count);
    this.pids = new Int32Array(count);
  }
}

export interface SemaphoreOperation {
  sem_num: number;
  sem_op: number;
  sem_flg: number;
}

/**
 * Does all operations, or none: then gives the one that must wait (perform_atomic_semop). ERANGE.
 */
export function operate(
  set: Semaphores,
  ops: readonly SemaphoreOperation[],
  p: Process,
): SemaphoreOperation | undefined {
  const before = set.values.slice();
  for (const op of ops) {
    const value = set.values[op.sem_num]!;
    if (op.sem_op === 0 ? value !== 0 : value + op.sem_op < 0) {
      set.values.set(before);
      return op;
    }
    if (value + op.sem_op > SEMVMX) {
      set.values.set(before);
      fail('ERANGE');
    }
    set.values[op.sem_num] = value + op.sem_op;
  }
  for (const op of ops) {
    set.pids[op.sem_num] = p.pid;
    if (!(op.sem_flg & SEM_UNDO) || op.sem_op === 0) continue;
    let undo = p.semaphoreUndo.get(set);
    if (undo === undefined) p.semaphoreUndo.set(set, (undo = new Int16Array(set.values.length)));
    undo[op.sem_num]! -= op.sem_op;
  }
  set.operated = seconds();
  set.queue.wakeAll();
  return undefined;
}

/** At the end of a process: what its SEM_UNDO operations did is taken back (exit_sem). */
export function undoSemaphores(p: Process): void {
  for (const [set, undo] of p.semaphoreUndo) {
    if (set.removed) continue;
    undo.forEach((by, i) => {
      if (by === 0) return;
      set.values[i] = Math.max(0, Math.min(SEMVMX, set.values[i]! + by));
      set.pids[i] = p.pid;
    });
    set.operated = seconds();
    set.queue.wakeAll();
  }
  p.semaphoreUndo.clear();
}

/** The pages of a segment; counts the mappings, as shm_open and shm_close do. */
class SegmentPages extends SharedMemory {
  attached = 0;
  readonly onDetached: () => void;

  constructor(length: number, onDetached: () => void) {
    super(length);
    this.onDetached = onDetached;
  }
  retain(): void {
    this.attached++;
  }
  release(): void {
    this.attached--;
    this.onDetached();
  }
}

export class Segment extends IpcObject {
  readonly size: number;
  readonly pages: SegmentPages;
  readonly creator: number;
  lastPid = 0;
  attachTime = 0;
  detachTime = 0;
  /** IPC_RMID was asked for: it goes when nobody has it attached. */
  doomed = false;
  /** The user who has locked it in memory (SHM_LOCK). */
  lockedBy: number | undefined;
  /** Its maker has ended. */
  orphaned = false;

  constructor(
    at: Place,
    mode: number,
    creds: Creds,
    size: number,
    pid: number,
    detached: (s: Segment) => void,
  ) {
    super(at, mode, creds);
    this.size = size;
    this.creator = pid;
    this.pages = new SegmentPages(Math.ceil(size / PAGE_SIZE) * PAGE_SIZE, () => {
      this.detachTime = seconds();
      detached(this);
    });
  }

  get residentPages(): number {
    return residentPages(this.pages);
  }
  override permissions(user: UserNamespace) {
    const perm = super.permissions(user);
    return {
      ...perm,
      mode: perm.mode | (this.doomed ? SHM_DEST : 0) | (this.lockedBy === undefined ? 0 : SHM_LOCKED),
    };
  }
}

export interface Message {
  type: number;
  bytes: Uint8Array;
}

export class MessageQueue extends IpcObject {
  readonly messages: Message[] = [];
  readonly queue = new WaitQueue();
  bytes = 0;
  limit: number;
  sentTime = 0;
  receivedTime = 0;
  lastSender = 0;
  lastReceiver = 0;

  constructor(at: Place, mode: number, creds: Creds, limit: number) {
    super(at, mode, creds);
    this.limit = limit;
  }
}

const sum = <T>(of: Iterable<T>, value: (one: T) => number) => {
  let total = 0;
  for (const one of of) total += value(one);
  return total;
};

export class SysvIpc {
  /**
   * What /proc/sys/kernel shows and sets: of messages, semaphores (sem: semmsl, semmns, semopm, semmni) and segments (sizes in
   * bytes, shmall in pages).
   */
  readonly limits: SysvLimits = {
    msgmax: MSGMAX,
    msgmnb: MSGMNB,
    msgmni: 32000,
    sem: [SEMMSL, 1_024_000_000, SEMOPM, 32000],
    shmmax: 0xfeff_ffff,
    shmall: 0xfeff_ffff,
    shmmni: 4096,
  };
  readonly semaphores: IpcTable<Semaphores>;
  readonly segments: IpcTable<Segment>;
  readonly messages: IpcTable<MessageQueue>;
  #removeUnused = false;

  constructor(owner: UserNamespace) {
    this.semaphores = new IpcTable(owner, () => this.limits.sem[3]!);
    this.segments = new IpcTable(owner, () => this.limits.shmmni);
    this.messages = new IpcTable(owner, () => this.limits.msgmni);
  }

  /** Semaphores of all sets, pages of all segments, and what all queues hold. */
  get usedSemaphores(): number {
    return sum(this.semaphores.objects.values(), (set) => set.values.length);
  }
  get usedPages(): number {
    return sum(this.segments.objects.values(), (s) => s.pages.size() / PAGE_SIZE);
  }
  get usedMessages(): { count: number; bytes: number } {
    const queues = [...this.messages.objects.values()];
    return { count: sum(queues, (q) => q.messages.length), bytes: sum(queues, (q) => q.bytes) };
  }

  makeSegment(at: Place, mode: number, creds: Creds, size: number, pid: number): Segment {
    return new Segment(at, mode, creds, size, pid, (segment) => {
      if (segment.doomed || this.#removeUnused) this.#removeIfUnused(segment);
    });
  }

  /** IPC_RMID: its key finds it no more, and it goes when nobody has it attached. */
  removeSegment(segment: Segment): void {
    segment.doomed = segment.removed = true;
    segment.key = IPC_PRIVATE;
    this.#removeIfUnused(segment);
  }

  #removeIfUnused(segment: Segment): void {
    if (segment.pages.attached === 0) this.segments.remove(segment);
  }

  /** /proc/sys/kernel/shm_rmid_forced: segments that nobody has attached go with the process that made them. */
  get removeUnused(): boolean {
    return this.#removeUnused;
  }
  set removeUnused(on: boolean) {
    this.#removeUnused = on;
    if (on)
      for (const segment of this.segments.objects.values())
        if (segment.orphaned) this.#removeIfUnused(segment);
  }

  /** A process has ended (exit_shm). */
  makerEnded(pid: number): void {
    for (const segment of this.segments.objects.values()) {
      if (segment.creator !== pid) continue;
      segment.orphaned = true;
      if (this.#removeUnused) this.#removeIfUnused(segment);
    }
  }
}
