/** Differences that are meant because the host's kernel is newer than the one that uname tells (Linux 6.1). */
import {
  DATAGRAMS,
  EPOLL,
  EVENT_COUNT,
  EVENTS,
  huge,
  isError,
  isOf,
  NAMELESS,
  PLACELESS,
  sendsZeros,
  TIMER_OR_SIGNALS,
  word,
  wordsAt,
} from './asked.ts';
import type { Made } from './generate.ts';
import type { Rule } from './rule.ts';

const AT_EMPTY_PATH = 0x1000;
/** Sets a priority with a hint (IOPRIO_HINT_SHIFT). */
const hasHint = (made: Made) => made.call.name === 'ioprio_set' && (word(made, 2) & 0x1ff8) !== 0;

export const NEWER_RULES: readonly Rule[] = [
  {
    calls: /^futex_waitv$/,
    when: ({ made, ours, theirs }) =>
      ours === 'EFAULT' && theirs === 'EINVAL' && wordsAt(made, word(made, 0), 2)[1] !== 0,
    reason: 'Newer kernels refuse a value of more than 32 bits before they read the next entry (EINVAL).',
  },
  {
    calls: /^ioctl$/,
    when: ({ made, theirs }) => word(made, 1) === 0x8905 && theirs === 'EOPNOTSUPP',
    reason: 'SIOCATMARK is for streams alone in newer kernels.',
  },
  {
    calls: /^p?(read|write)v2?$/,
    when: (difference) =>
      difference.ours === 'EFAULT' && difference.theirs === 'EINVAL' && isOf(difference, EVENTS),
    reason:
      'Newer kernels look whether an epoll descriptor and its like can be read and written before the vector.',
  },
  {
    calls: /^execveat$/,
    when: ({ made, ours }) => ours === 'EINVAL' && (word(made, 4) & 0x10000) !== 0,
    reason: 'AT_EXECVE_CHECK is newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^(accept|accept4|getsockname|getpeername|recvfrom)$/,
    when: ({ made, what }) => {
      const last = made.call.name === 'recvfrom' ? 5 : 2;
      return what === 'memory' && Math.abs(word(made, last) - word(made, last - 1)) < 128;
    },
    reason: 'Newer kernels write the length before the address, which shows where both are at one place.',
  },
  {
    calls: /^execveat?$/,
    when: ({ ours, theirs }) => ours === 'ETXTBSY' && isError(theirs),
    reason: 'Since Linux 6.11 it is looked later whether somebody writes the file.',
  },
  {
    calls: /^f(set|remove)xattr$/,
    when: (difference) =>
      difference.ours === 'EPERM' && difference.theirs === 'EOPNOTSUPP' && isOf(difference, EVENTS),
    reason: 'Attributes of an eventfd and its like are EOPNOTSUPP whoever asks since Linux 6.16.',
  },
  {
    calls: /^(f?(chmod|chown)(at|32)?2?|futimesat|utimensat(_time64)?)$/,
    when: ({ ours, theirs }) => /^(0|EPERM)$/.test(ours) && theirs === 'EOPNOTSUPP',
    reason:
      'Newer kernels than the one that uname tells refuse to change the mode of an eventfd and its like in another way (EPERM before Linux 6.16).',
  },
  {
    calls: /^(f(get|set|list|remove)xattr)$/,
    when: ({ made, ours }) => word(made, 0) === 0xffff_ff9c && ours === 'EBADF',
    reason: 'Newer kernels take AT_FDCWD for a descriptor.',
  },
  {
    calls: /^(statx|fstatat64)$/,
    when: ({ made, ours }) =>
      (word(made, 1) === 0 && ours === 'EFAULT') ||
      ((word(made, made.call.name === 'statx' ? 2 : 3) & AT_EMPTY_PATH) !== 0 && ours === 'EINVAL'),
    reason:
      'Newer kernels take a null pointer for an empty path, and look for one before the flags (since Linux 6.11).',
  },
  {
    calls: /^linkat$/,
    when: ({ made, ours }) => ours === 'ENOENT' && (word(made, 4) & AT_EMPTY_PATH) !== 0,
    reason: 'AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH, whatever the path, before Linux 6.10.',
  },
  {
    calls: /^(sendfile|sendfile64)$/,
    when: (difference) => {
      const { result, theirs } = difference;
      return (
        (result === 'EINVAL' || (result === 'EFAULT' && theirs === 'signal 13')) &&
        isOf(difference, PLACELESS, 1)
      );
    },
    reason:
      'Whatever can be spliced can be sent since Linux 6.5, before only what has a place for each byte.',
  },
  {
    calls: /./,
    when: ({ what, made, before }) =>
      what.startsWith('offset of descriptor') && [...before, made].some(sendsZeros),
    reason:
      '/dev/zero can be sent to a file since Linux 6.5, which moves its offset though the call gave EFAULT.',
  },
  {
    calls: /^mmap2$/,
    when: (difference) => {
      const { made, ours, theirs } = difference;
      return (
        theirs === 'EPERM' &&
        (word(made, 2) & 4) !== 0 &&
        isOf(difference, NAMELESS, 4) &&
        (ours === 'ENODEV' || (ours === 'EINVAL' && (word(made, 3) & 0x100) !== 0))
      );
    },
    reason:
      'Since Linux 6.16 nobody may execute what a pipe, a socket, an eventfd and its like give (EPERM); before they are not mapped (ENODEV).',
  },
  {
    calls: /^mremap$/,
    when: ({ made, ours, theirs }) => ours === 'EFAULT' && theirs === 'EPERM' && word(made, 4) < 0x8000,
    reason: 'Newer kernels look first at where memory is to go, and then at where it is.',
  },
  {
    calls: /^mmap2$/,
    when: ({ made, ours }) => ours === 'EINVAL' && (word(made, 3) & 0xf) === 8,
    reason: 'MAP_DROPPABLE is newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^fcntl(64)?$/,
    when: ({ made, ours }) => word(made, 1) === 1033 && ours === 'EINVAL' && (word(made, 2) & ~0x1f) === 0x20,
    reason: 'F_SEAL_EXEC is newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^setsockopt$/,
    when: ({ made, ours, theirs }) =>
      word(made, 1) === 1 &&
      ((word(made, 2) === 26 && theirs === 'EPERM') || (word(made, 2) === 50 && ours === 'EOPNOTSUPP')),
    reason:
      'Newer kernels let only an administrator filter what TCP receives; there are no filters of bpf(2), as without CONFIG_BPF_SYSCALL.',
  },
  {
    calls: /^(get|set)sockopt$/,
    when: ({ made, theirs }) =>
      word(made, 1) === 1 && (word(made, 2) === 15 || word(made, 2) === 16) && theirs === 'EOPNOTSUPP',
    reason: 'Newer kernels refuse SO_PASSCRED of the Internet and SO_REUSEPORT of Unix sockets (EOPNOTSUPP).',
  },
  {
    calls: /^writev?$/,
    when: (difference) =>
      /^(8|EFAULT)$/.test(difference.ours) && difference.theirs === 'EINVAL' && isOf(difference, EVENT_COUNT),
    reason: 'An eventfd takes more than 8 bytes before Linux 6.9, and counts 8.',
  },
  {
    calls: /^sched_(get_priority_(min|max)|setattr|setscheduler)$/,
    when: ({ made, ours }) =>
      ours === 'EINVAL' && word(made, made.call.name === 'sched_setscheduler' ? 1 : 0) === 7,
    reason: 'SCHED_EXT is newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^sched_getattr$/,
    when: ({ made, theirs }) => word(made, 2) > 56 && theirs === 'EFAULT',
    reason: 'Newer kernels clear what follows a structure that is larger than theirs.',
  },
  {
    calls: /^memfd_create$/,
    when: ({ made, ours }) => ours === 'EINVAL' && (word(made, 1) & 0x18) !== 0,
    reason: 'MFD_NOEXEC_SEAL and MFD_EXEC are newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^preadv2$/,
    when: (difference) => difference.ours === 'EOPNOTSUPP' && isOf(difference, TIMER_OR_SIGNALS),
    reason: 'A timerfd and a signalfd are read with flags in newer kernels.',
  },
  {
    calls: /^(preadv2|pwritev2)$/,
    when: ({ made, ours }) => ours === 'EOPNOTSUPP' && (word(made, 5) & ~0x1f) !== 0,
    reason: 'RWF_NOAPPEND and what came later are newer than Linux 6.1 (EOPNOTSUPP).',
  },
  {
    calls: /^pidfd_(open|send_signal)$/,
    when: ({ ours }) => ours === 'EINVAL',
    reason: 'Descriptors of threads, and flags for whom a signal is, are newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^setsockopt$/,
    when: ({ ours, theirs }) => ours === 'EINVAL' && /^(ENOTSOCK|EBADF)$/.test(theirs),
    reason: 'Newer kernels look for the socket before the length.',
  },
  {
    calls: /^(ioprio_set|ioprio_get)$/,
    when: ({ made, before, ours }) =>
      hasHint(made) ? ours === 'EINVAL' : made.call.name === 'ioprio_get' && before.some(hasHint),
    reason: 'Hints beside the level of a priority are newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^(send|sendto|sendmsg|sendmmsg|writev?)$/,
    when: (difference) =>
      difference.ours === 'ENOTCONN' &&
      /^(EFAULT|EMSGSIZE)$/.test(difference.theirs) &&
      isOf(difference, DATAGRAMS),
    reason:
      'Whether a socket of Unix datagrams has a peer is looked at before the message; since Linux 6.14 after it.',
  },
  {
    calls: /./,
    when: ({ made, before, what, names }) =>
      what.startsWith('offset of descriptor') && (names[0] === 'directory' || [...before, made].some(huge)),
    reason:
      'Where one is in a directory is a number of its file system, of tmpfs another one in newer kernels; offsets are exact to 2^53.',
  },
  {
    calls: /^ioctl$/,
    when: (difference) =>
      difference.ours === 'ENOTTY' && difference.theirs === 'EINVAL' && isOf(difference, EPOLL),
    reason: 'An epoll descriptor knows requests since Linux 6.9, and gives EINVAL for all others.',
  },
  {
    calls: /^prctl$/,
    when: ({ made, ours }) => ours === 'EPERM' && word(made, 0) === 28 && (word(made, 1) & 0xf00) !== 0,
    reason: 'SECBIT_EXEC_RESTRICT_FILE and what belongs to it are newer than Linux 6.1 (EPERM).',
  },
  {
    calls: /^prctl$/,
    when: ({ made, ours, theirs }) =>
      word(made, 0) === 41 && word(made, 2) === 2 && ours === 'EINVAL' && theirs === '0',
    reason: 'PR_THP_DISABLE_EXCEPT_ADVISED is newer than Linux 6.1 (EINVAL).',
  },
  {
    calls: /^membarrier$/,
    when: ({ made }) => word(made, 0) === 0 || word(made, 0) >= 128,
    reason:
      'Barriers of restartable sequences are not there, as without CONFIG_RSEQ; MEMBARRIER_CMD_GET_REGISTRATIONS is newer than Linux 6.1.',
  },
  {
    calls: /^fallocate$/,
    when: ({ made, ours }) => ours === 'EOPNOTSUPP' && (word(made, 1) & 0x80) !== 0,
    reason: 'FALLOC_FL_WRITE_ZEROES is newer than Linux 6.1 (EOPNOTSUPP).',
  },
  {
    calls: /^open_tree$/,
    when: ({ ours, theirs }) => ours === 'EMFILE' && isError(theirs),
    reason: 'Newer kernels look for the path before they look for a descriptor.',
  },
  {
    calls: /^fsconfig$/,
    when: ({ made, ours }) => ours === 'EOPNOTSUPP' && word(made, 1) === 8,
    reason: 'FSCONFIG_CMD_CREATE_EXCL is newer than Linux 6.1 (EOPNOTSUPP).',
  },
];
