/** Resource limits and usage (setrlimit(2), getrusage(2); asm-generic/resource.h). */
import { type Field, s32, shown, struct, u32, u64 } from './struct.ts';

export const RLIMIT = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
} as const;
export const RLIM_NLIMITS = 16;

/** Infinity on our side is RLIM_INFINITY (32-bit: ~0) or RLIM64_INFINITY (~0). */
const INFINITE = 2 ** 32 - 1;
const text = (x: number) => (x === Infinity ? 'RLIM_INFINITY' : String(x));
const limit32: Field<number> = shown(
  {
    ...u32,
    get: (v, a) => (u32.get(v, a) === INFINITE ? Infinity : u32.get(v, a)),
    set: (v, a, x) => u32.set(v, a, Math.min(x, INFINITE)),
  },
  text,
);
/** Anything from 2^63 on counts as infinite: a double could not hold ~0 - 1 either. */
const limit64: Field<number> = shown(
  {
    ...u64,
    get: (v, a) => (u64.get(v, a) >= 2 ** 63 ? Infinity : u64.get(v, a)),
    set: (v, a, x) => {
      if (x === Infinity) v.setBigUint64(a, 0xffff_ffff_ffff_ffffn, true);
      else u64.set(v, a, x);
    },
  },
  text,
);
export const rlimit = struct('rlimit', { rlim_cur: limit32, rlim_max: limit32 });
export const rlimit64 = struct('rlimit64', { rlim_cur: limit64, rlim_max: limit64 });

const timeval32 = struct('timeval', { tv_sec: s32, tv_usec: s32 });
export const rusage = struct('rusage', {
  ru_utime: timeval32,
  ru_stime: timeval32,
  ru_maxrss: s32,
  ru_ixrss: s32,
  ru_idrss: s32,
  ru_isrss: s32,
  ru_minflt: s32,
  ru_majflt: s32,
  ru_nswap: s32,
  ru_inblock: s32,
  ru_oublock: s32,
  ru_msgsnd: s32,
  ru_msgrcv: s32,
  ru_nsignals: s32,
  ru_nvcsw: s32,
  ru_nivcsw: s32,
});

export const RUSAGE_SELF = 0;
export const RUSAGE_CHILDREN = -1;
export const RUSAGE_THREAD = 1;
