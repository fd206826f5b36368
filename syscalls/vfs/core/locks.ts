/**
 * File locks between guest processes: record locks (fcntl(2), owned by a process's descriptor table, or with F_OFD_* by an open
 * file description) and flock(2) (owned by an open file description). What the run has locked of a file of the host it has locked
 * there, too, for others to see (OutsideLocks).
 */
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../../abi/fcntl.ts';
import { major, minor } from '../../abi/stat.ts';
import { type Inode, identityOf } from './inode.ts';
import type { OpenFile } from './open-file.ts';
import { WaitQueue } from './wait-queue.ts';

/** Milliseconds until a lock that somebody outside of the run has is tried again. */
const RETRY_MS = 20;

/** A lock of somebody outside of the run. */
export interface OutsideLock {
  readonly type: number;
  readonly start: number;
  readonly end: number;
  readonly pid: number;
}

/** What a run, as one, has locked of a file for all outside of it. */
export interface OutsideLocks {
  /** Sets or removes (F_UNLCK) it on bytes start..end-1; false when somebody is in the way. */
  setRecord(type: number, start: number, end: number): boolean;
  conflicting(type: number, start: number, end: number): OutsideLock | undefined;
  /** False when somebody is in the way; what was held before is lost then. */
  setFlock(kind: 'shared' | 'exclusive' | 'none'): boolean;
  /** Gives up all. */
  close(): void;
}

/** A lock on bytes [start, end); end is Infinity for "to the end of the file". */
export interface RecordLock {
  readonly type: typeof F_RDLCK | typeof F_WRLCK;
  readonly start: number;
  readonly end: number;
  /** Descriptor table or open file. */
  readonly owner: object;
  /** Process that has it, -1 for locks of an open file description. */
  readonly pid: number;
}

interface Flock {
  readonly exclusive: boolean;
  /** Process that took it. */
  readonly pid: number;
}

class FileLocks {
  records: RecordLock[] = [];
  /** Holders of flock locks: all shared, or one exclusive. */
  flocks = new Map<object, Flock>();
  /** The file as /proc/locks names it. */
  readonly place: string;
  /** Woken when a lock goes. */
  readonly queue = new WaitQueue();
  /** Null: not asked for yet. */
  #outside: OutsideLocks | null | undefined = null;
  #retrying = false;

  outside(file: OpenFile): OutsideLocks | undefined {
    if (this.#outside === null) this.#outside = file.outsideLocks();
    return this.#outside;
  }

  /** Somebody of the run had locks on these bytes and has them no more: what nobody else of it has is free outside, too. */
  freed(start: number, end: number): void {
    if (!this.#outside) return;
    const rest = this.records
      .filter((lock) => lock.start < end && start < lock.end)
      .sort((a, b) => a.start - b.start);
    for (const lock of rest) {
      if (lock.start > start) this.#outside.setRecord(F_UNLCK, start, lock.start);
      start = Math.max(start, lock.end);
    }
    if (start < end) this.#outside.setRecord(F_UNLCK, start, end);
  }
  flockFreed(): void {
    if (this.flocks.size === 0) this.#outside?.setFlock('none');
  }

  /** Nobody tells when somebody outside gives a lock up. */
  retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    setTimeout(() => {
      this.#retrying = false;
      this.queue.wakeAll();
    }, RETRY_MS);
  }

  get empty(): boolean {
    return this.records.length === 0 && this.flocks.size === 0;
  }
  close(): void {
    this.#outside?.close();
    this.#outside = null;
  }

  constructor(inode: Inode) {
    const { dev, ino } = inode.stat();
    const two = (n: number) => n.toString(16).padStart(2, '0');
    this.place = `${two(major(dev))}:${two(minor(dev))}:${ino}`;
  }

  /** Lines as /proc/locks has them but for their numbers, of all owners or of some. */
  *lines(of: (owner: object) => boolean): Generator<string> {
    const line = (kind: string, writes: boolean, pid: number, range: string) =>
      `${kind} ADVISORY  ${writes ? 'WRITE' : 'READ '} ${pid} ${this.place} ${range}`;
    for (const { type, start, end, owner, pid } of this.records) {
      const range = `${start} ${end === Infinity ? 'EOF' : end - 1}`;
      if (of(owner)) yield line(pid < 0 ? 'OFDLCK' : 'POSIX ', type === F_WRLCK, pid, range);
    }
    for (const [owner, { exclusive, pid }] of this.flocks) {
      if (of(owner)) yield line('FLOCK ', exclusive, pid, '0 EOF');
    }
  }
}

/** The locks of one run. */
export class Locks {
  /** By the identity of the file. */
  readonly #locks = new Map<string, FileLocks>();
  /** Who waits for whose record lock. */
  readonly #waiting = new Map<object, object>();

  #of(inode: Inode): FileLocks {
    const identity = identityOf(inode);
    let found = this.#locks.get(identity);
    if (!found) this.#locks.set(identity, (found = new FileLocks(inode)));
    return found;
  }

  #changed(inode: Inode, found: FileLocks): void {
    found.queue.wakeAll();
    this.#forgetEmpty(inode, found);
  }
  #forgetEmpty(inode: Inode, found: FileLocks): void {
    if (!found.empty) return;
    found.close();
    this.#locks.delete(identityOf(inode));
  }

  /** Of the locks of others that are in the way, the one that starts first. */
  conflicting(inode: Inode, type: number, start: number, end: number, owner: object): RecordLock | undefined {
    let first: RecordLock | undefined;
    for (const lock of this.#locks.get(identityOf(inode))?.records ?? []) {
      if (lock.owner === owner || lock.start >= end || start >= lock.end) continue;
      if (type !== F_WRLCK && lock.type !== F_WRLCK) continue;
      if (first === undefined || lock.start < first.start) first = lock;
    }
    return first;
  }

  /** A lock of somebody outside of the run that is in the way. */
  conflictingOutside(file: OpenFile, type: number, start: number, end: number): OutsideLock | undefined {
    const found = this.#of(file.inode);
    try {
      return found.outside(file)?.conflicting(type, start, end);
    } finally {
      this.#forgetEmpty(file.inode, found);
    }
  }

  /** The queue to wait on for a lock of somebody outside to go. */
  queueOutside(inode: Inode): WaitQueue {
    const found = this.#of(inode);
    found.retry();
    return found.queue;
  }

  /** The queue to wait on for a lock to go. */
  queue(inode: Inode): WaitQueue {
    return this.#of(inode).queue;
  }

  /**
   * Sets, changes or (F_UNLCK) removes the owner's lock on a range; the caller has seen that nothing of the run conflicts. False
   * when somebody outside is in the way.
   */
  setRecord(file: OpenFile, type: number, start: number, end: number, owner: object, pid: number): boolean {
    const { inode } = file;
    const found = this.#of(inode);
    if (type !== F_UNLCK && found.outside(file)?.setRecord(type, start, end) === false) {
      this.#forgetEmpty(inode, found);
      return false;
    }
    const [from, to] = [start, end];
    const rest: RecordLock[] = [];
    for (const lock of found.records) {
      if (lock.owner !== owner || lock.end <= start || end <= lock.start) {
        rest.push(lock);
        continue;
      }
      if (lock.start < start) rest.push({ ...lock, end: start });
      if (lock.end > end) rest.push({ ...lock, start: end });
    }
    if (type !== F_UNLCK) {
      const kind = type === F_WRLCK ? F_WRLCK : F_RDLCK;
      // One lock with those of its kind that it touches.
      const touching = rest.filter(
        (l) => l.owner === owner && l.type === kind && (l.end === start || l.start === end),
      );
      start = Math.min(start, ...touching.map((l) => l.start));
      end = Math.max(end, ...touching.map((l) => l.end));
      found.records = rest.filter((l) => !touching.includes(l));
      found.records.push({ type: kind, start, end, owner, pid });
    } else {
      found.records = rest;
      found.freed(from, to);
    }
    this.#changed(inode, found);
    return true;
  }

  /** /proc/locks. */
  list(): string {
    const lines = [...this.#locks.values()].flatMap((found) => [...found.lines(() => true)]);
    return lines.map((line, i) => `${i + 1}: ${line}\n`).join('');
  }

  /** What /proc/PID/fdinfo tells of the locks of a descriptor: the record locks of its table and those of the open file. */
  listOf(inode: Inode, table: object, file: object): string {
    if (this.#locks.size === 0) return '';
    const found = this.#locks.get(identityOf(inode));
    found?.records.sort((a, b) => a.start - b.start);
    const lines = [...(found?.lines((owner) => owner === table || owner === file) ?? [])];
    return lines.map((line, i) => `lock:\t${i + 1}: ${line}\n`).join('');
  }

  /** Notes that `owner` waits for `holder`; false when that would be a deadlock (EDEADLK). */
  block(owner: object, holder: object): boolean {
    for (let at: object | undefined = holder; at !== undefined; at = this.#waiting.get(at))
      if (at === owner) return false;
    this.#waiting.set(owner, holder);
    return true;
  }
  unblock(owner: object): void {
    this.#waiting.delete(owner);
  }

  /** A descriptor of the file was closed: the owner's record locks on it go. */
  releaseRecords(inode: Inode, owner: object): void {
    if (this.#locks.size === 0) return;
    const found = this.#locks.get(identityOf(inode));
    if (!found?.records.some((l) => l.owner === owner)) return;
    found.records = found.records.filter((l) => l.owner !== owner);
    found.freed(0, Infinity);
    this.#changed(inode, found);
  }

  /**
   * Takes or changes a flock lock. A change gives the old lock up first, as Linux does.
   * @returns undefined, or the queue to wait on when it must
   */
  takeFlock(file: OpenFile, exclusive: boolean, pid: number): WaitQueue | undefined {
    const { inode } = file;
    const found = this.#of(inode);
    const had = found.flocks.get(file);
    if (had?.exclusive === exclusive) return undefined;
    if (had !== undefined) {
      found.flocks.delete(file);
      found.flockFreed();
      found.queue.wakeAll();
    }
    for (const held of found.flocks.values()) if (exclusive || held.exclusive) return found.queue;
    if (found.outside(file)?.setFlock(exclusive ? 'exclusive' : 'shared') === false) {
      this.#forgetEmpty(inode, found);
      return this.queueOutside(inode);
    }
    found.flocks.set(file, { exclusive, pid });
    return undefined;
  }

  releaseFlock(inode: Inode, owner: object): void {
    if (this.#locks.size === 0) return;
    const found = this.#locks.get(identityOf(inode));
    if (!found?.flocks.delete(owner)) return;
    found.flockFreed();
    this.#changed(inode, found);
  }
}
