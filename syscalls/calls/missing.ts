/**
 * What of each system call is not as in Linux, for docs/SYSCALLS.md: a call that is not named here is whole. What is absent is
 * absent as in Linux 6.1, which uname tells, built without it: programs find ENOSYS there, too. What a Node without node:ffi
 * does instead is in docs/FILES.md.
 */

/** By name of an implemented call. */
export const PARTIAL: Readonly<Record<string, string>> = {
  // files
  open: 'O_DIRECT changes nothing',
  openat: 'as open',
  openat2: 'as open; RESOLVE_CACHED always gives EAGAIN',
  creat: 'as open',
  renameat2: "RENAME_WHITEOUT gives EINVAL on the host's files",
  mknod:
    'devices that the host refuses to an ordinary user live in memory, as long as the run (but see --fakeroot)',
  mknodat: 'as mknod',
  setxattr: 'access control lists on tmpfs are kept and told but decide nothing',
  lsetxattr: 'as setxattr',
  fsetxattr: 'as setxattr; files of memfd_create have none',
  lseek: 'a file in memory has its holes at its end only',
  _llseek: 'as lseek',
  mount:
    'tmpfs, ramfs, proc, sysfs, devtmpfs, devpts, mqueue and binds; proc has no parameters ' +
    '(hidepid: EINVAL), those of devtmpfs and max of devpts change nothing; times of access are those of the host',
  ustat: 'what the host has mounted inside its own tree is not found (EINVAL), as it is not in /proc/mounts',
  fsopen: 'as mount',
  fsconfig: 'as mount',
  move_mount: 'MOVE_MOUNT_SET_GROUP gives EINVAL',
  mount_setattr: 'as mount; MOUNT_ATTR_IDMAP gives EPERM, EINVAL',
  umount2: 'the root of the tree stays mounted',
  readahead: 'nothing to be seen happens',
  arm_fadvise64_64: 'nothing to be seen happens',
  preadv2: 'RWF_HIPRI changes nothing',
  pwritev2: 'RWF_HIPRI changes nothing',
  fcntl: 'leases hold between guest processes only; no F_NOTIFY, no hints of write lifetime (EINVAL)',
  fcntl64: 'as fcntl',
  inotify_add_watch: 'tells what the guest does, not what others on the host do',
  ioctl: 'terminals, sockets, pipes and regular files; devices of the host have none (ENOTTY)',
  // memory
  mmap2: 'no huge pages (MAP_HUGETLB: EINVAL); addresses below 0x8000 are EPERM for root, too',
  madvise: 'advice to merge, poison, collapse, populate or remove (MADV_REMOVE) pages gives EINVAL',
  mincore: 'all of a file counts as in memory: the host does not tell; pages of zeros come sixteen at a time',
  memfd_create: 'no huge pages (MFD_HUGETLB: ENOSYS)',
  shmget: 'no huge pages (SHM_HUGETLB: EINVAL)',
  membarrier: 'the commands of Linux 6.1 but those of rseq',
  // processes
  clone3: 'set_tid and CLONE_INTO_CGROUP give EINVAL',
  prctl: 'what programs ask for; no seccomp, no speculation control, no core scheduling (EINVAL)',
  ptrace: 'any thread of the tracer may make requests; no seccomp events',
  reboot: 'ends a PID namespace; nothing else (EPERM)',
  personality: 'only READ_IMPLIES_EXEC and ADDR_NO_RANDOMIZE mean something',
  setpriority: 'kept and told, decides nothing',
  nice: 'as setpriority',
  ioprio_set: 'as setpriority',
  sched_setscheduler: 'as setpriority; SCHED_DEADLINE gives EBUSY',
  sched_setparam: 'as setpriority',
  sched_setattr: 'as sched_setscheduler; no utilization clamps',
  sched_setaffinity: 'kept and told: all tasks take turns on one thread of the host',
  times: 'what is the time of the kernel is told by samples',
  setitimer: 'as times',
  getrusage: 'as times; no page faults, no block input or output',
  setrlimit: 'RLIMIT_RSS and RLIMIT_RTTIME decide nothing',
  prlimit64: 'as setrlimit',
  // locks, queues, sockets
  socket: 'AF_UNIX, AF_INET and AF_INET6 (TCP, UDP, ICMP, raw), AF_NETLINK (NETLINK_ROUTE)',
  bind: 'a TCP socket listens from then on, because Node binds only so',
  setsockopt:
    'options of the network are checked, kept and told; of them Node takes those of reuse, keep-alive, TTL and multicast, ' +
    'and TCP_NODELAY; EOPNOTSUPP for SO_ATTACH_BPF; ENOPROTOOPT for filters of TCP, time stamps but SO_TIMESTAMP and ' +
    'SO_TIMESTAMPNS, busy polling, SO_ZEROCOPY, SO_PEEK_OFF, SO_BINDTODEVICE but of raw sockets, pacing and other hints, IP ' +
    'options and extension headers, tunnels, UDP_SEGMENT and UDP_GRO, multicast by source, netfilter, congestion control, ' +
    'TCP_REPAIR, TCP_MD5SIG, TCP_ULP and TCP_FASTOPEN_KEY',
  getsockopt:
    'as setsockopt; nor SO_COOKIE, SO_MEMINFO, SO_PEERNAME, SO_PEERGROUPS, SO_NETNS_COOKIE; of TCP_INFO the state only',
  send: 'MSG_OOB and MSG_FASTOPEN give EOPNOTSUPP',
  sendto: 'as send',
  sendmsg: 'as send; no control messages of the network',
  sendmmsg: 'as sendmsg',
  recvmsg: 'no urgent data, no error queue, no control messages of the network',
  recvmmsg: 'as recvmsg',
  recvmmsg_time64: 'as recvmmsg',
  // time
  settimeofday: 'EPERM for all',
  clock_settime: 'as settimeofday',
  clock_settime64: 'as settimeofday',
  clock_adjtime: 'tells a clock that is not synchronized; sets nothing (EPERM)',
  clock_adjtime64: 'as clock_adjtime',
  adjtimex: 'as clock_adjtime',
};

/** The last number of Linux 6.1, which uname tells (set_mempolicy_home_node); a few of later ones are here, too. */
const LAST_NUMBER = 450;

/**
 * Why calls that are not declared are not, where more is to be said than that they are not. What is declared since needs no
 * reason, and its name here means nothing.
 */
const REASONS: readonly (readonly [reason: string, names: string])[] = [
  ['no CONFIG_BSD_PROCESS_ACCT', 'acct'],
  ['no CONFIG_SWAP', 'swapon swapoff'],
  ['no CONFIG_PRINTK', 'syslog'],
  ['no CONFIG_MODULES', 'init_module delete_module finit_module'],
  ['no CONFIG_QUOTACTL', 'quotactl quotactl_fd'],
  ['no CONFIG_USELIB', 'uselib'],
  ['no CONFIG_SYSFS_SYSCALL', 'sysfs'],
  [
    'no CONFIG_AIO',
    'io_setup io_destroy io_getevents io_submit io_cancel io_pgetevents io_pgetevents_time64',
  ],
  ['no CONFIG_IO_URING', 'io_uring_setup io_uring_enter io_uring_register'],
  ['no CONFIG_PROFILING', 'lookup_dcookie'],
  ['no CONFIG_PCI_SYSCALL', 'pciconfig_iobase pciconfig_read pciconfig_write'],
  ['no CONFIG_KEYS', 'add_key request_key keyctl'],
  ['no CONFIG_NUMA', 'mbind get_mempolicy set_mempolicy move_pages migrate_pages set_mempolicy_home_node'],
  ['no CONFIG_KEXEC', 'kexec_load kexec_file_load'],
  ['no CONFIG_PERF_EVENTS', 'perf_event_open'],
  ['no CONFIG_FANOTIFY', 'fanotify_init fanotify_mark'],
  ['no CONFIG_FHANDLE', 'name_to_handle_at open_by_handle_at'],
  ['no CONFIG_SECCOMP', 'seccomp'],
  ['no CONFIG_BPF_SYSCALL', 'bpf'],
  ['no CONFIG_USERFAULTFD', 'userfaultfd'],
  ['no protection keys on ARM', 'pkey_mprotect pkey_alloc pkey_free'],
  ['no CONFIG_RSEQ', 'rseq'],
  ['no CONFIG_SECURITY_LANDLOCK', 'landlock_create_ruleset landlock_add_rule landlock_restrict_self'],
  ['gone from Linux', 'bdflush _sysctl nfsservctl'],
  ['never was there', 'vserver'],
];

/** Names that a reason is given for. */
export const reasoned: readonly string[] = REASONS.flatMap(([, names]) => names.split(' '));

/** Why a call that is not declared is absent. */
export function reasonFor(number: number, name: string): string {
  const found = REASONS.find(([, names]) => names.split(' ').includes(name));
  if (found !== undefined) return found[0];
  return number > LAST_NUMBER ? 'newer than Linux 6.1' : 'every Linux 6.1 has it; here it is not';
}
