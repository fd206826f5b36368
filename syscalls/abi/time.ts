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
