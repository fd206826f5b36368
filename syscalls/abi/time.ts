/** Times and clocks as 32-bit ARM has them (time(7), clock_gettime(2); linux/time.h, linux/time_types.h). */
import { padding, s32, s64, struct } from './struct.ts';

/** struct timespec of the old calls: 32-bit seconds. */
export const timespec32 = struct('timespec', { tv_sec: s32, tv_nsec: s32 });
/**
 * struct __kernel_timespec of the *_time64 calls. Only the low 32 bits of tv_nsec count for a 32-bit process (get_timespec64).
 */
export const timespec64 = struct('timespec', { tv_sec: s64, tv_nsec: s32, pad: padding(4) });
export const timeval32 = struct('timeval', { tv_sec: s32, tv_usec: s32 });
/** struct __kernel_sock_timeval of SO_RCVTIMEO_NEW and its like. */
export const timeval64 = struct('timeval', { tv_sec: s64, tv_usec: s64 });
export const timezone = struct('timezone', { tz_minuteswest: s32, tz_dsttime: s32 });
export const itimerval32 = struct('itimerval', { it_interval: timeval32, it_value: timeval32 });
export const itimerspec32 = struct('itimerspec', { it_interval: timespec32, it_value: timespec32 });
export const itimerspec64 = struct('itimerspec', { it_interval: timespec64, it_value: timespec64 });
export const tms = struct('tms', { tms_utime: s32, tms_stime: s32, tms_cutime: s32, tms_cstime: s32 });

/** A point in time since 1970 (struct timespec64). tv_nsec is 0 to 999,999,999, also before 1970. */
export interface Timespec {
  readonly tv_sec: number;
  readonly tv_nsec: number;
}

/** Now, to the millisecond. */
export function timespecNow(): Timespec {
  return timespecOf(BigInt(Date.now()) * 1_000_000n);
}
export function timespecOf(nanoseconds: bigint): Timespec {
  const tv_nsec = ((nanoseconds % NS) + NS) % NS;
  return { tv_sec: Number((nanoseconds - tv_nsec) / NS), tv_nsec: Number(tv_nsec) };
}
export function nanosecondsOf({ tv_sec, tv_nsec }: Timespec): bigint {
  return BigInt(tv_sec) * NS + BigInt(tv_nsec);
}
/** In seconds, not exactly. */
export function secondsOf({ tv_sec, tv_nsec }: Timespec): number {
  return tv_sec + tv_nsec / 1e9;
}
export function isSameTime(a: Timespec, b: Timespec): boolean {
  return a.tv_sec === b.tv_sec && a.tv_nsec === b.tv_nsec;
}
const NS = 1_000_000_000n;

export const CLOCK = {
  CLOCK_REALTIME: 0,
  CLOCK_MONOTONIC: 1,
  CLOCK_PROCESS_CPUTIME_ID: 2,
  CLOCK_THREAD_CPUTIME_ID: 3,
  CLOCK_MONOTONIC_RAW: 4,
  CLOCK_REALTIME_COARSE: 5,
  CLOCK_MONOTONIC_COARSE: 6,
  CLOCK_BOOTTIME: 7,
  CLOCK_REALTIME_ALARM: 8,
  CLOCK_BOOTTIME_ALARM: 9,
  CLOCK_TAI: 11,
} as const;
export const TIMER_ABSTIME = 1;
/** Jiffies a second (CONFIG_HZ), as Debian's kernels for ARM have it: how fine coarse clocks and timeouts of sockets are. */
export const HZ = 250;
/** USER_HZ: clock ticks a second, as times(2) counts. */
export const CLOCK_TICKS = 100;
