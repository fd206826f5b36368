/** All system calls that are implemented. */
import type { Call } from './declare.ts';
import { epollCalls } from './events/epoll.ts';
import { eventfdCalls } from './events/eventfd.ts';
import { inotifyCalls } from './events/inotify.ts';
import { pollCalls } from './events/poll.ts';
import { signalfdCalls } from './events/signalfd.ts';
import { timerfdCalls } from './events/timerfd.ts';
import { accessCalls } from './files/access.ts';
import { chdirCalls } from './files/chdir.ts';
import { chmodCalls } from './files/chmod.ts';
import { dupCalls } from './files/dup.ts';
import { fadviseCalls } from './files/fadvise.ts';
import { fcntlCalls } from './files/fcntl.ts';
import { getdentsCalls } from './files/getdents.ts';
import { ioctlCalls } from './files/ioctl.ts';
import { memfdCalls } from './files/memfd.ts';
import { mountCalls } from './files/mount.ts';
import { mountFdCalls } from './files/mount-fd.ts';
import { nameiCalls } from './files/namei.ts';
import { openCalls } from './files/open.ts';
import { pipeCalls } from './files/pipe.ts';
import { readWriteCalls } from './files/read-write.ts';
import { spliceCalls } from './files/splice.ts';
import { statCalls } from './files/stat.ts';
import { statfsCalls } from './files/statfs.ts';
import { syncCalls } from './files/sync.ts';
import { truncateCalls } from './files/truncate.ts';
import { utimeCalls } from './files/utime.ts';
import { xattrCalls } from './files/xattr.ts';
import { futexCalls } from './ipc/futex.ts';
import { futexWaitvCalls } from './ipc/futex-waitv.ts';
import { membarrierCalls } from './ipc/membarrier.ts';
import { mqueueCalls } from './ipc/mqueue.ts';
import { msgCalls } from './ipc/msg.ts';
import { semCalls } from './ipc/sem.ts';
import { shmCalls } from './ipc/shm.ts';
import { madviseCalls } from './memory/madvise.ts';
import { mlockCalls } from './memory/mlock.ts';
import { mmapCalls } from './memory/mmap.ts';
import { processVmCalls } from './memory/process-vm.ts';
import { sendReceiveCalls } from './net/send-receive.ts';
import { socketCalls } from './net/socket.ts';
import { socketOptionCalls } from './net/socket-options.ts';
import { armCalls } from './process/arm.ts';
import { capabilityCalls } from './process/capability.ts';
import { cloneCalls } from './process/clone.ts';
import { credentialsCalls } from './process/credentials.ts';
import { execCalls } from './process/exec.ts';
import { exitCalls } from './process/exit.ts';
import { kcmpCalls } from './process/kcmp.ts';
import { pidCalls } from './process/pid.ts';
import { pidfdCalls } from './process/pidfd.ts';
import { prctlCalls } from './process/prctl.ts';
import { priorityCalls } from './process/priority.ts';
import { ptraceCalls } from './process/ptrace.ts';
import { rlimitCalls } from './process/rlimit.ts';
import { schedCalls } from './process/sched.ts';
import { setnsCalls } from './process/setns.ts';
import { signalCalls } from './process/signal.ts';
import { waitCalls } from './process/wait.ts';
import { getrandomCalls } from './system/getrandom.ts';
import { sysinfoCalls } from './system/sysinfo.ts';
import { unameCalls } from './system/uname.ts';
import { adjtimexCalls } from './time/adjtimex.ts';
import { clockCalls } from './time/clock.ts';
import { itimerCalls } from './time/itimer.ts';
import { nanosleepCalls } from './time/nanosleep.ts';
import { timerCalls } from './time/timer.ts';

export const allCalls: readonly Call[] = [
  ...epollCalls,
  ...eventfdCalls,
  ...inotifyCalls,
  ...pollCalls,
  ...signalfdCalls,
  ...timerfdCalls,
  ...accessCalls,
  ...chdirCalls,
  ...chmodCalls,
  ...dupCalls,
  ...fadviseCalls,
  ...fcntlCalls,
  ...getdentsCalls,
  ...ioctlCalls,
  ...memfdCalls,
  ...mountCalls,
  ...mountFdCalls,
  ...nameiCalls,
  ...openCalls,
  ...pipeCalls,
  ...readWriteCalls,
  ...spliceCalls,
  ...statCalls,
  ...statfsCalls,
  ...syncCalls,
  ...truncateCalls,
  ...utimeCalls,
  ...xattrCalls,
  ...futexCalls,
  ...futexWaitvCalls,
  ...membarrierCalls,
  ...mqueueCalls,
  ...msgCalls,
  ...semCalls,
  ...shmCalls,
  ...madviseCalls,
  ...mlockCalls,
  ...mmapCalls,
  ...processVmCalls,
  ...sendReceiveCalls,
  ...socketOptionCalls,
  ...socketCalls,
  ...armCalls,
  ...capabilityCalls,
  ...cloneCalls,
  ...credentialsCalls,
  ...execCalls,
  ...exitCalls,
  ...kcmpCalls,
  ...pidCalls,
  ...pidfdCalls,
  ...prctlCalls,
  ...priorityCalls,
  ...ptraceCalls,
  ...rlimitCalls,
  ...schedCalls,
  ...setnsCalls,
  ...signalCalls,
  ...waitCalls,
  ...getrandomCalls,
  ...sysinfoCalls,
  ...unameCalls,
  ...adjtimexCalls,
  ...clockCalls,
  ...itimerCalls,
  ...nanosleepCalls,
  ...timerCalls,
];
