/** Locks on files of the host: flock(2), and record locks of an open file description (fcntl(2), F_OFD_*). */
import { ERRNO } from '../../../abi/errno.ts';
import { F_OFD_GETLK, F_OFD_SETLK, F_UNLCK, LOCK_NB, SEEK_SET } from '../../../abi/fcntl.ts';
import { type HostCalls, Room } from './call.ts';

/** Bytes start..end-1; end may be Infinity. */
export interface HostLock {
  type: number;
  start: number;
  end: number;
  /** -1 for a lock of an open file description. */
  pid: number;
}

/** struct flock of a 64-bit Linux. */
function flockBytes({ type, start, end }: Omit<HostLock, 'pid'>): Uint8Array {
  const view = new DataView(new ArrayBuffer(32));
  view.setInt16(0, type, true);
  view.setInt16(2, SEEK_SET, true);
  view.setBigInt64(8, BigInt(start), true);
  view.setBigInt64(16, end === Infinity ? 0n : BigInt(end - start), true);
  return new Uint8Array(view.buffer);
}

/** False when somebody else has it. */
function taken(calls: HostCalls, result: number): boolean {
  if (result >= 0) return true;
  if (result === -ERRNO.EAGAIN || result === -ERRNO.EACCES) return false;
  return calls.failed(result);
}

/** Sets, changes or (F_UNLCK) removes a lock; false when another's is in the way. */
export function setRecordLock(calls: HostCalls, fd: number, lock: Omit<HostLock, 'pid'>): boolean {
  return taken(calls, calls.try('fcntl', fd, F_OFD_SETLK, flockBytes(lock)));
}

/** The lock that would be in the way of this one. */
export function recordLockInTheWay(
  calls: HostCalls,
  fd: number,
  lock: Omit<HostLock, 'pid'>,
): HostLock | undefined {
  const room = new Room(flockBytes(lock));
  calls.call('fcntl', fd, F_OFD_GETLK, room);
  const view = new DataView(room.bytes.buffer, room.bytes.byteOffset, room.length);
  const type = view.getInt16(0, true);
  if (type === F_UNLCK) return undefined;
  const start = Number(view.getBigInt64(8, true));
  const length = Number(view.getBigInt64(16, true));
  return { type, start, end: length === 0 ? Infinity : start + length, pid: view.getInt32(24, true) };
}

/** @param operation LOCK_SH, LOCK_EX, LOCK_UN; false when another has it */
export function flock(calls: HostCalls, fd: number, operation: number): boolean {
  return taken(calls, calls.try('flock', fd, operation | LOCK_NB));
}
