/** Differences from the host's kernel that are meant, each with its reason: docs/HOSTILE.md is made from them. */
import type { Made } from './generate.ts';

export interface Difference {
  readonly made: Made;
  /** 'result', 'memory', 'end', or what of the process is different after the batch. */
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface Rule {
  readonly calls: RegExp;
  readonly reason: string;
  readonly when?: (difference: Difference) => boolean;
}

/** Low word of an argument. */
const word = (made: Made, argument: number) => made.words[argument]?.[0] ?? 0;
const isError = (text: string) => /^E[A-Z]/.test(text);
/** Some argument is an address or a length beyond 3 GiB, or both together are. */
const USER_END = 0xbf00_0000;
function beyond({ words }: Made): boolean {
  const low = words.map(([x]) => x);
  return low.some(
    (a, i) => a > USER_END || low.some((b, j) => i !== j && a < 0x8000_0000 && a + b > USER_END),
  );
}
/** Clocks that wake a machine: 8 and 9. */
const alarmClock = (made: Made) => word(made, 0) === 8 || word(made, 0) === 9;

export const RULES: readonly Rule[] = [
  {
    calls: /./,
    when: ({ what, ours, made }) => what === 'memory' && (ours === 'nothing' || made.call.args.length > 1),
    reason:
      'What a call that failed had written before is not compared: a structure is written whole or not at all.',
  },
  {
    calls: /./,
    when: ({ made, what }) => what !== 'end' && beyond(made),
    reason:
      'A 32-bit program of an x86-64 kernel has 4 GiB of addresses, one of an ARM kernel 3 GiB: ranges that reach beyond are refused (EFAULT, EINVAL, ENOMEM).',
  },
  {
    calls: /^(clock_|timer_create|timerfd_create)/,
    when: ({ made }) => alarmClock(made),
    reason:
      'CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM need a clock that wakes the machine, which the host has not; here they exist.',
  },
  {
    calls: /xattr$/,
    when: ({ ours, theirs }) => ours === 'EOPNOTSUPP' || theirs === '21',
    reason:
      "Node has no way to extended attributes of the host's files; the names of a socket's protocols are not told.",
  },
  {
    calls: /^(memfd_create|shmget|mmap2)$/,
    when: ({ made }) =>
      (made.call.name === 'memfd_create' && (word(made, 1) & 4) !== 0) ||
      (made.call.name === 'shmget' && (word(made, 2) & 0o4000) !== 0) ||
      (made.call.name === 'mmap2' && (word(made, 3) & 0x40000) !== 0),
    reason: 'There are no huge pages: memory for them is refused (EINVAL), or comes as other memory.',
  },
  {
    calls: /^(fchmod|fchown|fchown32)$/,
    when: ({ theirs }) => theirs === 'EOPNOTSUPP',
    reason:
      'Newer kernels than the one that uname tells refuse to change the mode of an eventfd and its like in another way (EPERM before Linux 6.16).',
  },
  {
    calls:
      /^(mq_notify|timer_create|epoll_ctl|epoll_wait|epoll_pwait|epoll_pwait2|stat|lstat|fstat|stat64|lstat64|fstat64|fstatat64|msgctl|semctl|shmctl)$/,
    when: ({ ours, theirs }) => ours === 'EFAULT' || theirs === 'EFAULT',
    reason: 'The structure has another length on ARM than on x86.',
  },
  {
    calls: /^mq_open$/,
    when: ({ ours }) => ours === 'EFAULT',
    reason:
      'A 64-bit kernel reads the attributes that a 32-bit program gives only with O_CREAT; one for ARM always.',
  },
  {
    calls: /^(read|write|readv|writev|pread64|pwrite64|preadv|pwritev|preadv2|pwritev2)$/,
    when: ({ made, ours }) => ours === 'EFAULT' && [0, 19].includes(word(made, 0)),
    reason:
      '/dev/null and /dev/zero do not look at what is written to them, nor /dev/null at where to read to: here memory must be there.',
  },
  {
    calls: /^(send|sendto|sendmsg|sendmmsg|write|writev|setsockopt|getsockopt)$/,
    when: ({ ours }) => ours === 'EFAULT',
    reason: 'What is sent, and the value of an option, is looked at before the state of the socket.',
  },
  {
    calls: /^(rename|renameat|renameat2|link|linkat|symlink|symlinkat)$/,
    when: ({ ours, theirs }) => isError(ours) && isError(theirs),
    reason: 'With two bad paths the second is read before the first is looked up.',
  },
  {
    calls: /^memfd_create$/,
    when: ({ made, ours }) => (word(made, 1) & 0x18) !== 0 || ours === 'ENAMETOOLONG',
    reason:
      'MFD_NOEXEC_SEAL and MFD_EXEC are newer than Linux 6.1 (EINVAL); a name that is too long is ENAMETOOLONG.',
  },
  {
    calls:
      /^(preadv2|pwritev2|pipe2|clock_adjtime|clock_adjtime64|adjtimex|sched_setattr|pidfd_open|pidfd_send_signal|open|openat|creat)$/,
    when: ({ ours, theirs }) => isError(ours) || theirs === 'EINVAL',
    reason:
      'Flags that Linux has since 6.1, and what is said of the clock and of files without a name, are refused in other words.',
  },
  {
    calls: /^(madvise|mlock|mlock2|munlock|mlockall)$/,
    when: ({ ours, theirs }) => ours === 'EINVAL' || theirs === 'ENOMEM',
    reason: 'There is no merging of equal pages; pages without access can be locked.',
  },
  {
    calls: /^(getpriority|setpriority|ioprio_get|ioprio_set|sched_.*|setpgid)$/,
    reason: 'What processes there are beside its own, and how nice it is, is not the same; here is one CPU.',
  },
  {
    calls: /./,
    when: ({ ours, theirs, what }) =>
      ours === 'EFBIG' || theirs === 'EFBIG' || (what.startsWith('offset') && ours === '-75'),
    reason: 'Files of the host may be larger than those in memory, and may not have the same limit.',
  },
  {
    calls:
      /^(setns|unshare|prctl|membarrier|fcntl|fcntl64|fallocate|io.*|seccomp|futex|futex_time64|personality)$/,
    when: ({ made: { call }, ours, theirs }) =>
      isError(ours) || isError(theirs) || /^(membarrier|personality)$/.test(call.name),
    reason: 'Not all commands are there: docs/SYSCALLS.md says which.',
  },
];

/** The first rule that has it. */
export function explanation(difference: Difference): Rule | undefined {
  return RULES.find(
    ({ calls, when }) => calls.test(difference.made.call.name) && (when?.(difference) ?? true),
  );
}
