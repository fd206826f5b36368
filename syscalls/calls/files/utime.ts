/** Times of files: utimensat(2), utimes(2), futimesat(2) (fs/utimes.c). */
import { fail } from '../../abi/errno.ts';
import { AT_FDCWD, UTIME_NOW, UTIME_OMIT } from '../../abi/fcntl.ts';
import type { Field } from '../../abi/struct.ts';
import { type Timespec, timespec32, timespec64, timeval32 } from '../../abi/time.ts';
import type { Task } from '../../kernel/task.ts';
import type { Target } from '../../vfs/core/vfs.ts';
import { arrayIn, dirfd, path, pathOrNull } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { atFlags } from '../names.ts';
import { checkTargetFlags, inodeAt, targetAt } from './at.ts';

/** Sets access and modification time; `times` null is now (utimensat(2)). */
function utimens(t: Task, target: Target, times: readonly [Timespec, Timespec] | null): number {
  const pick = ({ tv_sec, tv_nsec }: Timespec): Timespec | 'now' | undefined => {
    if (tv_nsec === UTIME_OMIT) return undefined;
    if (tv_nsec === UTIME_NOW) return 'now';
    if (tv_nsec < 0 || tv_nsec > 999_999_999) fail('EINVAL');
    return { tv_sec, tv_nsec };
  };
  const atime = times ? pick(times[0]) : 'now';
  const mtime = times ? pick(times[1]) : 'now';
  t.kernel.vfs.utimes(target, atime, mtime, t.creds);
  return 0;
}

/** An array of two times in guest memory, or null. */
function timesAt<T>(
  t: Task,
  type: Field<T>,
  address: number,
  convert: (time: T) => Timespec,
): [Timespec, Timespec] | null {
  if (address === 0) return null;
  const both = [t.mm.get(type, address), t.mm.get(type, address + type.size)] as const;
  return [convert(both[0]), convert(both[1])];
}

function utimensat<T extends Timespec>(
  t: Task,
  dirfd: number,
  path: string | null,
  address: number,
  flags: number,
  type: Field<T>,
): number {
  const times = timesAt(t, type, address, (time) => time);
  // A null path is the descriptor itself (futimens).
  if (path === null && dirfd !== AT_FDCWD) {
    if (flags !== 0) fail('EINVAL');
    return utimens(t, t.files.get(dirfd), times);
  }
  // Also AT_EMPTY_PATH wants a path.
  if (path === null) return fail('EFAULT');
  return utimens(t, targetAt(t, dirfd, path, flags), times);
}

const fromTimeval = ({ tv_sec, tv_usec }: { tv_sec: number; tv_usec: number }): Timespec => {
  if (tv_usec < 0 || tv_usec > 999_999) fail('EINVAL');
  return { tv_sec, tv_nsec: tv_usec * 1000 };
};
const times32 = arrayIn(timespec32, 2);
const times64 = arrayIn(timespec64, 2);

/** The times come first, then the flags, then the path. */
const checkTimes =
  (type: typeof timespec32 | typeof timespec64) =>
  (t: Task, _dirfd: number, _path: number, times: number, flags: number): void => {
    timesAt(t, type, times >>> 0, (time) => time);
    checkTargetFlags(flags);
  };
const checkTimevals = (t: Task, times: number) => void timesAt(t, timeval32, times >>> 0, fromTimeval);

export const utimeCalls: readonly Call[] = [
  call(
    348,
    'utimensat',
    [dirfd, pathOrNull, times32, atFlags],
    (t, dirfd, path, times, flags) => utimensat(t, dirfd, path, times, flags, timespec32),
    { before: checkTimes(timespec32) },
  ),
  call(
    412,
    'utimensat_time64',
    [dirfd, pathOrNull, times64, atFlags],
    (t, dirfd, path, times, flags) => utimensat(t, dirfd, path, times, flags, timespec64),
    { before: checkTimes(timespec64) },
  ),
  call(
    269,
    'utimes',
    [path, arrayIn(timeval32, 2)],
    (t, path, times) =>
      utimens(t, inodeAt(t, AT_FDCWD, path, true), timesAt(t, timeval32, times, fromTimeval)),
    { before: (t, _path, times) => checkTimevals(t, times) },
  ),
  call(
    326,
    'futimesat',
    [dirfd, pathOrNull, arrayIn(timeval32, 2)],
    (t, dirfd, path, address) => {
      const times = timesAt(t, timeval32, address, fromTimeval);
      if (path === null && dirfd === AT_FDCWD) fail('EFAULT');
      if (path === '') fail('ENOENT');
      return utimens(t, path === null ? t.files.get(dirfd) : inodeAt(t, dirfd, path, true), times);
    },
    { before: (t, _dirfd, _path, times) => checkTimevals(t, times) },
  ),
];
