/**
 * The locks of a run on one file of the host, as other processes of the host and other runs see them: record locks are those of
 * an open file description of our own (a process's record locks would go whenever this process closes the file), which conflict
 * with record locks of any process, and flock(2) on the same.
 */
import fs from 'node:fs';
import { ERRNO, Errno } from '../../abi/errno.ts';
import { LOCK_EX, LOCK_SH, LOCK_UN } from '../../abi/fcntl.ts';
import type { OutsideLock, OutsideLocks } from '../core/locks.ts';
import type { HostCalls } from './ffi/call.ts';
import { flock, recordLockInTheWay, setRecordLock } from './ffi/locks.ts';

export class HostLocks implements OutsideLocks {
  readonly #calls: HostCalls;
  readonly #fd: number;

  private constructor(calls: HostCalls, fd: number) {
    this.#calls = calls;
    this.#fd = fd;
  }

  /** Of the file that this process has open; undefined where it cannot be opened again. */
  static of(calls: HostCalls, fd: number): HostLocks | undefined {
    const { O_RDWR, O_RDONLY, O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
    for (const access of [O_RDWR, O_RDONLY, O_WRONLY]) {
      try {
        return new HostLocks(calls, fs.openSync(`/proc/self/fd/${fd}`, access | O_NONBLOCK | O_NOCTTY));
      } catch {
        // A mode or a file system that does not allow it.
      }
    }
    return undefined;
  }

  setRecord(type: number, start: number, end: number): boolean {
    return this.#known(() => setRecordLock(this.#calls, this.#fd, { type, start, end }));
  }
  conflicting(type: number, start: number, end: number): OutsideLock | undefined {
    return recordLockInTheWay(this.#calls, this.#fd, { type, start, end });
  }
  setFlock(kind: 'shared' | 'exclusive' | 'none'): boolean {
    const operation = { shared: LOCK_SH, exclusive: LOCK_EX, none: LOCK_UN }[kind];
    return this.#known(() => flock(this.#calls, this.#fd, operation));
  }
  close(): void {
    fs.closeSync(this.#fd);
  }

  /**
   * Where the file system has no locks, or the file could not be opened as the lock wants it, those of the run are all there
   * are.
   */
  #known(lock: () => boolean): boolean {
    try {
      return lock();
    } catch (error) {
      const { errno } = error as Errno;
      if (
        error instanceof Errno &&
        ([ERRNO.EBADF, ERRNO.EINVAL, ERRNO.EOPNOTSUPP, ERRNO.ENOLCK] as number[]).includes(errno)
      )
        return true;
      throw error;
    }
  }
}
