/**
 * System V semaphores, shared memory and message queues of a run (sysvipc(7); ipc/util.c, sem.c, shm.c, msg.c). They outlive processes, as in Linux, but not the run.
 */
import { SharedMemory } from '../../emu/memory/shared.ts';
import { fail } from '../abi/errno.ts';
import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE, SEM_UNDO, SEMVMX } from '../abi/ipc.ts';
import { type Creds, capable } from '../vfs/core/creds.ts';
import { WaitQueue } from '../vfs/core/wait-queue.ts';
import type { Process } from './process.ts';
import type { Task } from './task.ts';

const CAP_IPC_OWNER = 15;
const CAP_SYS_ADMIN = 21;
/** Ids are slot plus sequence number times this (IPCMNI), so that old ids are noticed. */
const SLOTS = 32768;

/** What semaphore sets, segments and queues have in common. */
export abstract class IpcObject {
  readonly id: number;
  readonly key: number;
  readonly seq: number;
  uid: number;
  gid: number;
  readonly cuid: number;
  readonly cgid: number;
  mode: number;
  /** Seconds since the epoch. */
  changed = seconds();
  /** Its id has been removed. */
  removed = false;

  constructor(at: Place, mode: number, creds: Creds) {
    this.id = at.id;
    this.key = at.key;
    this.seq = at.seq;
    this.uid = this.cuid = creds.euid;
    this.gid = this.cgid = creds.egid;
    this.mode = mode & 0o777;
  }

  /** ipcperms: `wanted` is 4 to read, 2 to alter. EACCES. */
  require(creds: Creds, wanted: number): void {
    const { euid, egid, groups } = creds;
    const isIn = (gid: number) => egid === gid || groups.includes(gid);
    const shift = euid === this.uid || euid === this.cuid ? 6 : isIn(this.gid) || isIn(this.cgid) ? 3 : 0;
    if (((this.mode >> shift) & wanted) !== wanted && !capable(creds, CAP_IPC_OWNER)) fail('EACCES');
  }

  /** For IPC_SET and IPC_RMID. EPERM. */
  requireOwner(creds: Creds): void {
    if (creds.euid !== this.uid && creds.euid !== this.cuid && !capable(creds, CAP_SYS_ADMIN)) fail('EPERM');
  }

  permissions() {
    const { key, uid, gid, cuid, cgid, mode, seq } = this;
    return { key, uid, gid, cuid, cgid, mode, seq, unused1: 0, unused2: 0 };
  }

  change(uid: number, gid: number, mode: number): void {
    this.uid = uid;
    this.gid = gid;
    this.mode = (this.mode & ~0o777) | (mode & 0o777);
    this.changed = seconds();
  }
}

export interface Place {
  id: number;
  key: number;
  seq: number;
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The objects of one kind, by id and key. */
export class IpcTable<T extends IpcObject> {
  readonly objects = new Map<number, T>();
  readonly #limit: number;
  readonly #used = new Set<number>();
  /** No slot below is free. */
  #freeFrom = 0;
  #sequence = 0;

  /** @param limit how many there may be (/proc/sys/kernel/semmni and the like) */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** semget and the like: finds by key or makes. `check` looks whether the one found is what is asked for. */
  get(key: number, flags: number, creds: Creds, check: (found: T) => void, make: (at: Place) => T): number {
    if (key !== IPC_PRIVATE) {
      for (const object of this.objects.values()) {
        if (object.key !== key || object.removed) continue;
        if (flags & IPC_CREAT && flags & IPC_EXCL) fail('EEXIST');
        check(object);
        object.require(creds, ((flags >> 6) | (flags >> 3) | flags) & 6);
        return object.id;
      }
      if (!(flags & IPC_CREAT)) fail('ENOENT');
    }
    if (this.objects.size >= this.#limit) fail('ENOSPC');
    while (this.#used.has(this.#freeFrom)) this.#freeFrom++;
    const slot = this.#freeFrom;
    const seq = this.#sequence++ & 0xffff;
    const id = seq * SLOTS + slot;
    this.objects.set(id, make({ id, key, seq }));
    this.#used.add(slot);
    return id;
  }

  /** EINVAL for an id there never was or that has been removed. */
  find(id: number): T {
    return this.objects.get(id) ?? fail('EINVAL');
  }

  remove(object: T): void {
    object.removed = true;
    if (!this.objects.delete(object.id)) return;
    const slot = object.id % SLOTS;
    this.#used.delete(slot);
    this.#freeFrom = Math.min(this.#freeFrom, slot);
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

  constructor(at: Place, mode: number, creds: Creds, size: number, pid: number, table: IpcTable<Segment>) {
    super(at, mode, creds);
    this.size = size;
    this.creator = pid;
    this.pages = new SegmentPages(Math.ceil(size / 4096) * 4096, () => {
      this.detachTime = seconds();
      if (this.doomed && this.pages.attached === 0) table.remove(this);
    });
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

export class SysvIpc {
  readonly semaphores = new IpcTable<Semaphores>(32000);
  readonly segments = new IpcTable<Segment>(4096);
  readonly messages = new IpcTable<MessageQueue>(32000);
}
