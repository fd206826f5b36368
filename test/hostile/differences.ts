/** Differences from the host's kernel that are meant, each with its reason: docs/HOSTILE.md is made from them. */
import {
  alarmClock,
  atPageEnd,
  BY_REQUEST,
  beyond,
  COMMON_PTRACE,
  EVENTS,
  hasControl,
  hasNegative,
  huge,
  isError,
  isOf,
  locksByNumber,
  MEMORY,
  NEW_USER,
  NO_OPTION,
  O_CREAT,
  PROGRAM,
  reachesMachine,
  runsOut,
  SHM_RND,
  seeksHoles,
  setsCpuTime,
  setsLargeLimit,
  setsProcesses,
  USER_END,
  WITH_VECTORS,
  word,
  wordsAt,
} from './asked.ts';
import { openFlags } from './encode.ts';
import type { Made } from './generate.ts';
import { NEWER_RULES } from './newer.ts';
import type { Difference, Rule } from './rule.ts';
import { IN_CHILD } from './selection.ts';

/** A socket of IPv4 of that type is one of AF_PACKET. */
const SOCK_PACKET = 10;
/** Asks for a priority for files of its own: as a process, a group or a user. */
const setsOwnIoPriority = (made: Made) =>
  made.call.name === 'ioprio_set' && [0, 1000].includes(word(made, 1));
/** What is put into memory for it begins as a path of the caller's own process does. */
const namesItself = ({ fills }: Made) =>
  fills.some(({ bytes }) => Buffer.from(bytes).toString('latin1').startsWith('/proc/self'));

export const RULES: readonly Rule[] = [
  {
    calls: /^(p?readv?2?|pread64|sendfile(64)?|copy_file_range|_?l?lseek|splice)$/,
    when: ({ names, ours, theirs }) =>
      !isError(ours) &&
      (!isError(theirs) || theirs === 'EOVERFLOW') &&
      names.some((name) => PROGRAM.test(name)),
    reason:
      'The program that makes the calls (/proc/self/exe) is as long as its code for ARM, or for x86; it is not in a tmpfs, and the offsets of its file system end earlier (EOVERFLOW).',
  },
  {
    calls: /./,
    when: ({ what, made, before, ours, theirs }) =>
      (what === 'end' || IN_CHILD.test(made.call.name)) &&
      /signal (9|24)$/.test(`${ours} ${theirs}`) &&
      [...before, made].some(setsCpuTime),
    reason:
      'A limit of CPU time (RLIMIT_CPU) ends who has taken so much; what calls take, syncfs of the host for one, is not the same.',
  },
  {
    calls: /^link(at)?$/,
    when: ({ ours, theirs }) => ours === 'EACCES' && theirs === 'EPERM',
    reason:
      "fs.protected_hardlinks is 0, as the kernel begins with; most systems set 1, and then a link to what is not the caller's own is refused before the directory is looked at (EPERM).",
  },
  {
    calls: /^ioprio_get$/,
    when: ({ before, ours, theirs }) => !isError(ours) && !isError(theirs) && !before.some(setsOwnIoPriority),
    reason:
      'A priority for files that another batch gave all processes of the user is inherited; which batches came to that is not the same.',
  },
  {
    calls: /^(setpriority|sched_setattr)$/,
    when: ({ made, ours, theirs }) =>
      word(made, 0) === 0 &&
      (made.call.name === 'sched_setattr' || word(made, 1) === 0) &&
      /^((EACCES|EPERM) (0|success)|(0|success) (EACCES|EPERM))$/.test(`${ours} ${theirs}`),
    reason:
      'A priority that another batch gave all processes of the user is inherited; which batches came to that is not the same.',
  },
  {
    calls: /./,
    when: ({ what, result }) => what === 'memory' && result === 'EFAULT',
    reason:
      'What a call that gave EFAULT had written before is not compared: here a structure is written whole or not at all.',
  },
  {
    calls: /./,
    when: ({ made, what, ours, result, theirs }) =>
      beyond(made) &&
      (what === 'memory'
        ? /^(EFAULT|EINVAL|ENOMEM)$/.test(result)
        : what === 'result'
          ? (BY_REQUEST.test(made.call.name) ? /^EFAULT$/ : /^(EFAULT|EINVAL|ENOMEM|EOVERFLOW)$/).test(ours)
          : /^(EFAULT|EINVAL|ENOMEM)$/.test(result) && /^signal (11|13|25)$/.test(theirs)),
    reason:
      'A 32-bit program of an x86-64 kernel has 4 GiB of addresses, one of an ARM kernel 3 GiB: ranges that reach beyond are refused (EFAULT, EINVAL, ENOMEM).',
  },
  {
    calls: /^(readv?|preadv2?)$/,
    when: ({ before, ours, theirs }) =>
      ours !== theirs &&
      theirs === 'EAGAIN' &&
      before.some((each) => /^p?readv?2?$/.test(each.call.name) && beyond(each)),
    reason:
      'What a program of an x86-64 kernel reads to where one for ARM has no addresses is taken, though that gives EFAULT, too: the count of an eventfd.',
  },
  {
    calls: /^readlink(at)?$/,
    when: ({ made, what, ours, theirs, result }) =>
      namesItself(made) && /^[1-7] [1-7]$/.test(what === 'memory' ? `${result} 1` : `${ours} ${theirs}`),
    reason: 'The link /proc/self is the number of the process, which is not the same.',
  },
  {
    calls: /^(mmap2|mremap)$/,
    when: ({ made, ours }) =>
      ours === 'ENOMEM' && word(made, made.call.name === 'mmap2' ? 1 : 2) >= 0x4000_0000,
    reason: 'Of 3 GiB of addresses there is less in one piece than of 4 GiB.',
  },
  {
    calls: /^(mmap2|mremap)$/,
    when: ({ made, ours }) => ours === 'ENOMEM' && reachesMachine(made),
    reason:
      'Nothing can be mapped from 0x7f000000 to 0x80000000, where the machine has its own (docs/MEMORY.md).',
  },
  {
    calls: /^(mmap2|mremap)$/,
    when: ({ made, ours }) => ours === 'EPERM' && word(made, made.call.name === 'mmap2' ? 0 : 4) < 0x8000,
    reason:
      'Below 0x8000 nothing is mapped on ARM (vm.mmap_min_addr), of a host for x86 below 0x1000 or 0x10000.',
  },
  {
    calls: /^mmap2$/,
    when: ({ made, ours }) =>
      ours === 'EOPNOTSUPP' && (word(made, 3) & 0xf) === 3 && (word(made, 3) & 0xc0) !== 0,
    reason: 'MAP_32BIT and MAP_ABOVE4G are of x86: for MAP_SHARED_VALIDATE on ARM unknown flags.',
  },
  {
    calls: /^mmap2$/,
    when: ({ made, ours }) =>
      ours === 'EOVERFLOW' && word(made, 5) + Math.ceil(word(made, 1) / 0x1000) >= 2 ** 32,
    reason: 'A 32-bit kernel counts the pages of a file in 32 bits.',
  },
  {
    calls: WITH_VECTORS,
    when: ({ made, ours, theirs }) => ours === 'EFAULT' && theirs === 'EINVAL' && hasNegative(made),
    reason:
      'A 64-bit kernel looks at each entry of a vector as it reads it, a 32-bit one reads the vector first.',
  },
  {
    calls:
      /^(stat|lstat|fstat|stat64|lstat64|fstat64|fstatat64|mq_notify|timer_create|epoll_ctl|epoll_wait|epoll_pwait|epoll_pwait2|msgctl|semctl|shmctl)$/,
    when: ({ made, what, ours, theirs }) =>
      ((ours === 'EFAULT' || theirs === 'EFAULT') && atPageEnd(made)) ||
      (what === 'memory' && /^epoll_p?wait/.test(made.call.name)) ||
      (ours === 'EINVAL' && /^epoll_p?wait/.test(made.call.name) && word(made, 2) > 0x7ff_ffff),
    reason: 'The structure has another length on ARM than on x86.',
  },
  {
    calls: /^ptrace$/,
    when: ({ made }) => word(made, 0) < 0x4200 && !COMMON_PTRACE.includes(word(made, 0)),
    reason: 'Requests for registers, and those with numbers of the architecture, are others on x86.',
  },
  {
    calls: /^ptrace$/,
    when: ({ made }) => (word(made, 0) === 0x4204 || word(made, 0) === 0x4205) && word(made, 2) >= 0x100,
    reason: 'Sets of registers beyond the common ones are those of ARM (NT_ARM_VFP).',
  },
  {
    calls: /^ptrace$/,
    when: ({ made }) => /^(16896|16902)$/.test(String(word(made, 0))) && (word(made, 3) & 0x60_0080) !== 0,
    reason: 'There are no events of seccomp.',
  },
  {
    calls: /^(open|openat|openat2|mq_open)$/,
    when: ({ made, theirs }) =>
      theirs === 'EINVAL' && (word(made, /^(open|mq_open)$/.test(made.call.name) ? 1 : 2) & 0x10000) !== 0,
    reason: 'O_DIRECT changes nothing, on file systems that have it not neither.',
  },
  {
    calls: /^(_newselect|pselect6|pselect6_time64)$/,
    when: ({ made, what, ours, theirs }) =>
      what === 'result' && word(made, 0) > 32 && [ours, theirs].some((text) => /^(EFAULT|EBADF)$/.test(text)),
    reason: 'The table of descriptors, up to whose end sets are looked at, has other sizes on 64 bits.',
  },
  {
    calls: /^ustat$/,
    when: ({ made, ours }) => ours === 'EINVAL' && word(made, 0) < 0x100,
    reason: 'Which file systems are on no device, and their numbers, are not the same.',
  },
  {
    calls: /^(unshare|clone|clone3)$/,
    when: ({ made, theirs }) =>
      theirs === 'EPERM' &&
      ((made.call.name === 'clone3' ? wordsAt(made, word(made, 0), 1)[0]! : word(made, 0)) & NEW_USER) !== 0,
    reason: 'Anybody makes a user namespace, which the host may forbid.',
  },
  {
    calls: /./,
    when: ({ made, before, what, ours, theirs }) =>
      (what.startsWith('name of descriptor')
        ? theirs === 'directory'
        : ours === 'EACCES' &&
          theirs !== 'EACCES' &&
          made.call.args.some((arg) => /^(path|fd)$/.test(arg.domain.kind))) &&
      [...before, made].some(({ call }) => /^f?chmod(at2?)?$/.test(call.name)),
    reason:
      'Of an ordinary user, the host is asked by path: what is in a directory above which nobody may search (chmod 0 of ..) is not reached by who stands in it.',
  },
  {
    calls: /^creat$/,
    when: ({ ours, theirs }) => ours === 'EOVERFLOW' && !isError(theirs),
    reason:
      'A file of 2 GiB and more is none for creat(2) of a 32-bit kernel; one of 64 bits opens it for a 32-bit program.',
  },
  {
    calls: /^fcntl64$/,
    when: ({ made }) => [12, 13, 14, 36, 37, 38].includes(word(made, 1)),
    reason:
      'A struct flock64 of ARM has 32 bytes, of x86 24, and all but the first two members are elsewhere.',
  },
  {
    calls: /^sigaltstack$/,
    when: ({ made, theirs }) => theirs === 'ENOMEM' && (wordsAt(made, word(made, 0), 3)[2] ?? 0) < 0x4000,
    reason: 'What the frame of a signal takes, and so the least stack, is more on x86.',
  },
  {
    calls: /^clone$/,
    when: ({ made, what }) =>
      what === 'memory' && (word(made, 0) & 0x100) !== 0 && (word(made, 0) & 0x120_0000) !== 0,
    reason:
      "A child's own number is written when it runs, and cleared when it ends, which may be after its parent has looked.",
  },
  {
    calls: /^(shm|msg|sem)(ctl|at|op|snd|rcv|timedop.*)$/,
    when: ({ made, before, ours, theirs }) =>
      word(made, 0) < 0x8000_0000 &&
      [ours, theirs].some((text) => /^(EINVAL|EIDRM|EACCES)$/.test(text)) &&
      before.some(({ call }) => /^(shm|msg|sem)get$/.test(call.name)),
    reason: 'Numbers of System V objects go on from batch to batch, of which one may have ended early.',
  },
  {
    calls: /^ioctl$/,
    when: ({ made }) => [0x545e, 0x5460].includes(word(made, 1)),
    reason: 'FIOQSIZE has another number on ARM.',
  },
  {
    calls: /^shmat$/,
    when: ({ made }) =>
      (word(made, 1) & 0x3fff) !== 0 && ((word(made, 1) & 0xfff) === 0 || (word(made, 2) & SHM_RND) !== 0),
    reason: 'Segments lie at multiples of 16 KiB on ARM (SHMLBA), of 4 KiB on x86.',
  },
  {
    calls: /^shmget$/,
    when: ({ made, ours }) => /^(EINVAL|ENOMEM)$/.test(ours) && word(made, 1) > USER_END,
    reason: 'A segment of more than 3 GiB is too large for a 32-bit kernel.',
  },
  {
    calls: /./,
    when: (difference) => {
      const { what, made, before, names } = difference;
      return what === 'result'
        ? seeksHoles(made) && isOf(difference, MEMORY)
        : /^offset /.test(what) && MEMORY.test(names[0]!) && [...before, made].some(seeksHoles);
    },
    reason: 'A file in memory has its holes at its end only.',
  },
  {
    calls: /^lseek$/,
    when: ({ ours, theirs }) => ours === 'EOVERFLOW' && !isError(theirs),
    reason: 'A 64-bit kernel gives a 32-bit program the low half of a position that is too large.',
  },
  {
    calls: /^f(get|set|list|remove)xattr$/,
    when: (difference) => difference.ours === 'EOPNOTSUPP' && isOf(difference, MEMORY),
    reason: 'Files of memfd_create have no extended attributes.',
  },
  {
    calls: /^fcntl(64)?$/,
    when: ({ made, ours, theirs }) => word(made, 1) === 3 && Number(ours) === openFlags(Number(theirs)),
    reason: 'F_GETFL tells O_DIRECTORY and its like, which have other numbers on ARM.',
  },
  {
    calls: /^clone$/,
    when: ({ made, what, theirs }) =>
      (word(made, 0) & 0x80000) !== 0 && (what === 'memory' || /^(EFAULT|EINVAL|ESRCH)$/.test(theirs)),
    reason: 'CLONE_SETTLS is given a structure on x86.',
  },
  {
    calls: /^mq_open$/,
    when: ({ made, ours }) => ours === 'EFAULT' && (word(made, 1) & O_CREAT) === 0,
    reason:
      'A 64-bit kernel reads the attributes that a 32-bit program gives only with O_CREAT; one for ARM always.',
  },
  {
    calls: /^(clock_|timer_create|timerfd_create)/,
    when: ({ made }) => alarmClock(made),
    reason:
      'CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM need a clock that wakes the machine, which the host has not; here they exist.',
  },
  {
    calls: /^(memfd_create|shmget|mmap2)$/,
    when: ({ made }) =>
      (made.call.name === 'memfd_create' && (word(made, 1) & 4) !== 0) ||
      (made.call.name === 'shmget' && (word(made, 2) & 0o4000) !== 0) ||
      (made.call.name === 'mmap2' && (word(made, 3) & 0x40000) !== 0),
    reason: 'There are no huge pages, as in a kernel without CONFIG_HUGETLBFS (EINVAL, ENOSYS).',
  },
  {
    calls: /^socket(pair)?$/,
    when: ({ made, ours }) =>
      /^(EAFNOSUPPORT|EPROTONOSUPPORT)$/.test(ours) &&
      (![1, 2, 10].includes(word(made, 0)) || (word(made, 0) === 2 && (word(made, 1) & 0xf) === SOCK_PACKET)),
    reason: 'AF_PACKET and the netlink protocols other than NETLINK_ROUTE are not there.',
  },
  {
    calls: /^(setrlimit|u?getrlimit|prlimit64)$/,
    when: ({ made, before, what, theirs }) =>
      (setsLargeLimit(made) && /^(EINVAL|EPERM)$/.test(theirs)) ||
      ((what === 'memory' || theirs === 'EPERM') && before.some(setsLargeLimit)),
    reason:
      'A limit of 2^32 - 1 and more is none for a 32-bit kernel; one of 64 bits compares it, and has a lower one from then on.',
  },
  {
    calls: IN_CHILD,
    when: ({ before, ours, theirs }) =>
      (ours === 'EAGAIN' || theirs === 'EAGAIN') && before.some(setsProcesses),
    reason:
      'How many processes a user has (RLIMIT_NPROC) is not the same: other runs of his count on the host.',
  },
  {
    calls: /^(get|set)sockopt$/,
    when: ({ made, ours }) =>
      ours === 'ENOPROTOOPT' &&
      (NO_OPTION[word(made, 1)] ?? []).some(
        ([first, last]) => word(made, 2) >= first && word(made, 2) <= last,
      ),
    reason: 'Options that are not there give ENOPROTOOPT (docs/SYSCALLS.md).',
  },
  {
    calls: /^pipe2$/,
    when: ({ ours, theirs }) => ours === 'EINVAL' && theirs === 'ENOPKG',
    reason: 'O_NOTIFICATION_PIPE is EINVAL without CONFIG_WATCH_QUEUE in Linux 6.1, ENOPKG in later ones.',
  },
  {
    calls: /^ftruncate64$/,
    when: ({ made, theirs }) =>
      theirs === 'EINVAL' && (made.words[1]![1] > 0 || made.words[1]![0] > 0x7fff_ffff),
    reason:
      'A 64-bit kernel refuses a 32-bit program 2 GiB and more for a file that was not opened with O_LARGEFILE, one for ARM does not.',
  },
  {
    calls: /^(adjtimex|clock_adjtime|clock_adjtime64)$/,
    when: ({ what, ours, theirs }) =>
      what === 'memory' || (!isError(ours) && !isError(theirs)) || ours === 'EPERM',
    reason: 'The clock is told as not synchronized, and nobody sets it (EPERM).',
  },
  {
    calls: /^(send|sendto|sendmsg|sendmmsg)$/,
    when: ({ ours, made }) =>
      ours === 'EOPNOTSUPP' && (word(made, made.call.name === 'sendmsg' ? 2 : 3) & 1) !== 0,
    reason: 'There are no urgent data (MSG_OOB): streams refuse them.',
  },
  {
    calls: /^(send|sendto|sendmsg|sendmmsg)$/,
    when: ({ result, made }) =>
      result === 'EOPNOTSUPP' && (word(made, made.call.name === 'sendmsg' ? 2 : 3) & 0x2000_0000) !== 0,
    reason: 'There is no TCP Fast Open (MSG_FASTOPEN), as with net.ipv4.tcp_fastopen = 0.',
  },
  {
    calls: /^sendm?msg$/,
    when: ({ made, theirs }) => theirs === 'EINVAL' && hasControl(made),
    reason:
      'A 64-bit kernel translates control messages of 32-bit programs, and gives EINVAL for less than a whole one.',
  },
  {
    calls: /^prctl$/,
    when: ({ made, what, theirs }) => word(made, 0) === 40 && (what === 'memory' || theirs === 'EFAULT'),
    reason: 'PR_GET_TID_ADDRESS gives an address of 8 bytes on a 64-bit kernel, to 32-bit programs, too.',
  },
  {
    calls: /^getrandom$/,
    when: ({ what }) => what === 'memory',
    reason: 'Random bytes may be those that were there.',
  },
  {
    calls: /^ioctl$/,
    when: ({ made, what }) => word(made, 1) === 0x5411 && what === 'memory',
    reason: 'How much memory a message takes that nobody has read (SIOCOUTQ) is not the same on 64 bits.',
  },
  {
    calls: /^(read|recv|recvfrom|readv|write|writev|vmsplice)$/,
    when: ({ made, ours, theirs }) =>
      (/^\d+$/.test(ours) || (made.call.name === 'recvfrom' && ours === 'EINVAL')) &&
      runsOut(made) &&
      (theirs === 'EFAULT' || Number(theirs) < Number(ours)),
    reason:
      'Memory of which a part can be used is used as far as it goes; Linux copies whole pages to a pipe, and whole messages of a socket.',
  },
  {
    calls: /./,
    when: (difference) =>
      /^(preadv?2?|pread64|pwritev?2?|pwrite64|f?truncate64|fallocate|_llseek|sync_file_range2|readahead|arm_fadvise64_64|copy_file_range|sendfile64)$/.test(
        difference.made.call.name,
      ) &&
      (huge(difference.made) ||
        (/^(EFBIG|ENOSPC)$/.test(difference.ours) && difference.names.some((name) => MEMORY.test(name))) ||
        (difference.theirs === 'EFBIG' && /truncate|fallocate/.test(difference.made.call.name))),
    reason:
      'Sizes and offsets are exact to 2^53, beyond that they are refused; files of the host may be larger than those in memory, and may not have the same limit.',
  },
  {
    calls: /^(write|writev|splice)$/,
    when: (difference) =>
      /^(EFBIG|ENOSPC)$/.test(difference.ours) &&
      isOf(difference, MEMORY, difference.made.call.name === 'splice' ? 2 : 0),
    reason: 'A file in memory (memfd_create) has not the room of one of the host.',
  },
  {
    calls: /^madvise$/,
    when: ({ made, ours }) => ours === 'EINVAL' && [9, 12, 13, 22, 23, 25, 100, 101].includes(word(made, 2)),
    reason: 'Pages are not merged, poisoned, collapsed, populated or removed by advice (docs/SYSCALLS.md).',
  },
  {
    calls: /^mlockall$/,
    when: ({ made, before, theirs }) =>
      theirs === 'ENOMEM' &&
      (word(made, 0) & 1) !== 0 &&
      before.some(({ call }) => /^(setrlimit|prlimit64)$/.test(call.name)),
    reason:
      'How much memory a program has in all, which a limit of locked memory is held against, is not the same.',
  },
  {
    calls: /^mincore$/,
    when: ({ what }) => what === 'memory',
    reason: 'Which pages are in memory is not the same (docs/SYSCALLS.md).',
  },
  {
    calls: /^(getcpu|sched_getaffinity|sched_setaffinity|sched_rr_get_interval(_time64)?)$/,
    when: ({ made, what, ours, theirs }) =>
      what === 'memory' ||
      (/affinity$/.test(made.call.name) &&
        ((word(made, 1) !== 4 && (theirs === 'EFAULT' || ours === 'EFAULT')) ||
          /^(EINVAL success|success EINVAL)$/.test(`${ours} ${theirs}`))),
    reason: 'There is one CPU, with time slices of its own; masks of CPUs are as long as that takes.',
  },
  {
    calls: /^(getpriority|setpriority|ioprio_[gs]et)$/,
    when: ({ made, ours }) =>
      ours !== 'EINVAL' &&
      (word(made, 0) !== (made.call.name.startsWith('ioprio') ? 1 : 0) || word(made, 1) !== 0),
    reason:
      'What processes there are beside its own is not the same, and of process 1 all batches change the priority.',
  },
  {
    calls: /^ioctl$/,
    when: ({ made, ours }) => ours === 'ENOTTY' && [0x8004_6601, 0x4004_6602].includes(word(made, 1)),
    reason: 'Files have no flags of chattr(1) (FS_IOC_GETFLAGS, FS_IOC_SETFLAGS).',
  },
  {
    calls: /^fcntl(64)?$/,
    when: ({ made, ours }) => word(made, 1) === 0x402 && ours === 'EINVAL',
    reason: 'There is no F_NOTIFY, as in a kernel without CONFIG_DNOTIFY.',
  },
  {
    calls: /^fcntl$/,
    when: ({ made, ours }) => [12, 13, 14, 36, 37, 38].includes(word(made, 1)) && ours === 'EINVAL',
    reason: 'Locks with 64-bit offsets are fcntl64 alone; on x86 fcntl is the same call.',
  },
  {
    calls: /^fcntl(64)?$/,
    when: ({ made, ours, theirs }) =>
      word(made, 1) === 4 && (word(made, 2) & 0x1_4000) !== 0 && [ours, theirs].includes('EINVAL'),
    reason: 'O_DIRECT has another number on ARM.',
  },
  {
    calls: /^prctl$/,
    when: ({ made, ours }) => ours === 'EINVAL' && [21, 22].includes(word(made, 0)),
    reason: 'There is no seccomp, as in a kernel without CONFIG_SECCOMP.',
  },
  {
    calls: /^prctl$/,
    when: ({ made, ours }) => [31, 32].includes(word(made, 0)) && ours === 'EINVAL',
    reason: 'There are no performance counters, as in a kernel without CONFIG_PERF_EVENTS.',
  },
  {
    calls: /^(fcntl(64)?|ioctl)$/,
    when: ({ made, ours, theirs }) =>
      [8, 15, 0x8901, 0x8902].includes(word(made, 1)) && (ours === 'ESRCH' || theirs === 'ESRCH'),
    reason: 'Which other processes there are that could own a file (F_SETOWN, FIOSETOWN) is not the same.',
  },
  {
    calls: /^futex(_time64)?$/,
    when: ({ made }) => locksByNumber(made),
    reason:
      'Which processes there are that could own a lock, and what number the caller has, is not the same.',
  },
  {
    calls: /^mmap2$/,
    when: ({ before, theirs }) =>
      theirs === 'ENOMEM' && before.some(({ call }) => call.name === 'personality'),
    reason: 'Layouts that personality(2) asks for leave no room in the address space of an x86 program.',
  },
  {
    calls: /^flock$/,
    when: (difference) =>
      difference.ours === '0' && difference.theirs === 'EAGAIN' && isOf(difference, EVENTS),
    reason: 'All eventfds and their like of the host have one inode, and others may hold a lock on it.',
  },
  {
    calls: /./,
    when: ({ what, ours, theirs }) =>
      /^(EINTR (\d+|success|EAGAIN|ETIMEDOUT)|(\d+|success|EAGAIN|ETIMEDOUT) EINTR)$/.test(
        `${ours} ${theirs}`,
      ) ||
      (what === 'end' && /signal (14|26|27)$/.test(`${ours} ${theirs}`)) ||
      (what === 'end' && (/^signal (14|26|27)/.test(ours) || theirs === 'signal 9')),
    reason: 'Timers ring while a call waits, or before it does.',
  },
  {
    calls: /^rt_sigtimedwait(_time64)?$/,
    when: ({ ours, theirs }) => /^(EAGAIN (EFAULT|14)|(EFAULT|14) EAGAIN)$/.test(`${ours} ${theirs}`),
    reason:
      'A timer that rings is a signal that comes, or does not yet, and is told of, which may not be possible (EFAULT).',
  },
  {
    calls: /^getdents(64)?$/,
    when: ({ ours, theirs }) => Number(theirs) > 0 && Number(theirs) < Number(ours),
    reason: 'A timer that rings while a directory is read has the call give what it has so far.',
  },
  {
    calls: IN_CHILD,
    when: ({ theirs }) => theirs === 'signal 9',
    reason: 'On a busy machine a process may take longer than it has, and is ended (SIGKILL).',
  },
  {
    calls: /^(sendfile(64)?|copy_file_range)$/,
    when: ({ ours, theirs }) => Number(ours) >= 0x1_0000 && Number(theirs) >= 0x1_0000,
    reason: 'How much of megabytes is sent when a timer rings, which ends the call, is not the same.',
  },
  {
    calls: /^(_newselect|pselect6(_time64)?)$/,
    when: ({ ours, theirs }) => /^(EINTR EFAULT|EFAULT EINTR)$/.test(`${ours} ${theirs}`),
    reason:
      'A timer that rings while a program waits for descriptors has nothing be told of them; without it that may not be possible (EFAULT).',
  },
  {
    calls: /^(clock_)?nanosleep/,
    when: ({ ours, theirs }) => /^(0 EFAULT|EFAULT 0)$/.test(`${ours} ${theirs}`),
    reason:
      'A timer that rings while a program sleeps has the rest be written, which may not be possible (EFAULT).',
  },
  {
    calls:
      /^(_newselect|pselect6|pselect6_time64|ppoll|ppoll_time64|nanosleep|clock_nanosleep.*|clock_get(time|res).*|times|getrusage|wait4|waitid|gettimeofday|timerfd?_[gs]ettime.*|[gs]etitimer|sysinfo)$/,
    when: ({ what }) => what === 'memory',
    reason: 'How much time was left, or used, is not the same.',
  },
  ...NEWER_RULES,
];

/** The first rule that has it. */
export function explanation(difference: Difference): Rule | undefined {
  return RULES.find(
    ({ calls, when }) => calls.test(difference.made.call.name) && (when?.(difference) ?? true),
  );
}
