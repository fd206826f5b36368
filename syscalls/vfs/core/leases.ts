/**
 * Leases (fcntl(2), "Leases"; fs/locks.c): who has one is told before another opens the file in a way that conflicts, or
 * truncates it, and that one waits until the holder has given way, or the time for that is over.
 */
import { fail } from '../../abi/errno.ts';
import { F_RDLCK, F_UNLCK, F_WRLCK } from '../../abi/fcntl.ts';
import { type Inode, identityOf } from './inode.ts';
import type { OpenFile } from './open-file.ts';
import { WaitQueue } from './wait-queue.ts';

interface Lease {
  readonly file: OpenFile;
  type: typeof F_RDLCK | typeof F_WRLCK;
  /** What it is to become, and when it does by itself (performance.now). */
  breaking: { readonly to: typeof F_RDLCK | typeof F_UNLCK; readonly deadline: number } | undefined;
  /** Tells the holder. */
  readonly tell: () => void;
}

/** Thrown by an open that has to wait for a lease to go; it is tried again when the queue is woken or the time is over. */
export class LeaseWait {
  readonly queue: WaitQueue;
  /** Milliseconds until then. */
  readonly patience: number;
  constructor(queue: WaitQueue, patience: number) {
    this.queue = queue;
    this.patience = patience;
  }
}

export class Leases {
  /** Seconds (fs.lease-break-time); 0 for ever. */
  breakTime = 45;
  readonly #leases = new Map<string, Lease[]>();
  readonly #queue = new WaitQueue();

  #of(inode: Inode): Lease[] {
    return this.#leases.get(identityOf(inode)) ?? [];
  }

  /** F_GETLEASE. */
  get(file: OpenFile): number {
    this.#expire(file.inode);
    const lease = this.#of(file.inode).find((l) => l.file === file);
    return lease === undefined ? F_UNLCK : (lease.breaking?.to ?? lease.type);
  }

  /** F_SETLEASE of F_RDLCK or F_WRLCK; the caller has looked who else has the file open. EAGAIN. */
  set(file: OpenFile, type: Lease['type'], tell: () => void): void {
    const all = this.#of(file.inode);
    const own = all.find((l) => l.file === file);
    const others = all.filter((l) => l !== own);
    if (others.some((l) => l.breaking?.to === F_UNLCK || type === F_WRLCK)) fail('EAGAIN');
    if (own?.breaking?.to === F_UNLCK || (own?.breaking && type === F_WRLCK)) fail('EAGAIN');
    if (own) {
      own.type = type;
      own.breaking = undefined;
    } else {
      const lease: Lease = { file, type, breaking: undefined, tell };
      this.#leases.set(identityOf(file.inode), [...all, lease]);
      (file.onClose ??= new Set()).add(() => this.#drop(lease));
    }
    this.#queue.wakeAll();
  }

  /** F_SETLEASE of F_UNLCK. EAGAIN when there is none. */
  remove(file: OpenFile): void {
    this.#drop(this.#of(file.inode).find((l) => l.file === file) ?? fail('EAGAIN'));
  }

  #drop(lease: Lease): void {
    const identity = identityOf(lease.file.inode);
    const all = this.#leases.get(identity) ?? [];
    if (!all.includes(lease)) return;
    const rest = all.filter((l) => l !== lease);
    if (rest.length > 0) this.#leases.set(identity, rest);
    else this.#leases.delete(identity);
    // Who is told goes with the lease (lease_modify).
    lease.file.owner = undefined;
    lease.file.signal = 0;
    this.#queue.wakeAll();
  }

  #expire(inode: Inode): void {
    for (const lease of this.#of(inode)) {
      const { breaking } = lease;
      if (breaking === undefined || performance.now() < breaking.deadline) continue;
      if (breaking.to === F_UNLCK) this.#drop(lease);
      else {
        lease.type = F_RDLCK;
        lease.breaking = undefined;
      }
    }
  }

  /**
   * Before a file is opened or truncated: breaks what is in the way (__break_lease). EAGAIN when it is not to be waited for, else
   * throws LeaseWait.
   */
  break(inode: Inode, writes: boolean, nonblocking: boolean): void {
    if (this.#leases.size === 0 || !inode.isRegular) return;
    this.#expire(inode);
    const inTheWay = this.#of(inode).filter((l) => writes || l.type === F_WRLCK);
    if (inTheWay.length === 0) return;
    const to = writes ? F_UNLCK : F_RDLCK;
    for (const lease of inTheWay) {
      if (lease.breaking !== undefined && (lease.breaking.to === F_UNLCK || to === F_RDLCK)) continue;
      const deadline = this.breakTime === 0 ? Infinity : performance.now() + 1000 * this.breakTime;
      lease.breaking = { to, deadline };
      lease.tell();
    }
    if (nonblocking) fail('EAGAIN');
    const deadline = Math.min(...inTheWay.map((l) => l.breaking!.deadline));
    throw new LeaseWait(this.#queue, deadline - performance.now());
  }
}
