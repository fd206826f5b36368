/**
 * File locks between guest processes: record locks (fcntl(2), owned by a process's descriptor table, or with F_OFD_* by an open
 * file description) and flock(2) (owned by an open file description). They are advisory and known only inside this run; other
 * processes of the host do not see them.
 */
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../../abi/fcntl.ts';
import { major, minor } from '../../abi/stat.ts';
import { type Inode, identityOf } from './inode.ts';
import { WaitQueue } from './wait-queue.ts';

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
    if (found.records.length === 0 && found.flocks.size === 0) this.#locks.delete(identityOf(inode));
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

  /** The queue to wait on for a lock to go. */
  queue(inode: Inode): WaitQueue {
    return this.#of(inode).queue;
  }

  /** Sets, changes or (F_UNLCK) removes the owner's lock on a range; the caller has seen that nothing conflicts. */
  setRecord(inode: Inode, type: number, start: number, end: number, owner: object, pid: number): void {
    const found = this.#of(inode);
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
    } else found.records = rest;
    this.#changed(inode, found);
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
    this.#changed(inode, found);
  }

  /** Takes or changes a flock lock; false when it must wait on the queue. A change gives the old lock up first, as Linux does. */
  takeFlock(inode: Inode, owner: object, exclusive: boolean, pid: number): boolean {
    const found = this.#of(inode);
    const had = found.flocks.get(owner);
    if (had?.exclusive === exclusive) return true;
    if (had !== undefined) {
      found.flocks.delete(owner);
      found.queue.wakeAll();
    }
    for (const held of found.flocks.values()) if (exclusive || held.exclusive) return false;
    found.flocks.set(owner, { exclusive, pid });
    return true;
  }

  releaseFlock(inode: Inode, owner: object): void {
    if (this.#locks.size === 0) return;
    const found = this.#locks.get(identityOf(inode));
    if (!found?.flocks.delete(owner)) return;
    this.#changed(inode, found);
  }
}
