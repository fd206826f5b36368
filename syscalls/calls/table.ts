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

/** By subject: folder and file. */
export const subjects: Readonly<Record<string, readonly Call[]>> = {
  'events/epoll': epollCalls,
  'events/eventfd': eventfdCalls,
  'events/inotify': inotifyCalls,
  'events/poll': pollCalls,
  'events/signalfd': signalfdCalls,
  'events/timerfd': timerfdCalls,
  'files/access': accessCalls,
  'files/chdir': chdirCalls,
  'files/chmod': chmodCalls,
  'files/dup': dupCalls,
  'files/fadvise': fadviseCalls,
  'files/fcntl': fcntlCalls,
  'files/getdents': getdentsCalls,
  'files/ioctl': ioctlCalls,
  'files/memfd': memfdCalls,
  'files/mount': mountCalls,
  'files/mount-fd': mountFdCalls,
  'files/namei': nameiCalls,
  'files/open': openCalls,
  'files/pipe': pipeCalls,
  'files/read-write': readWriteCalls,
  'files/splice': spliceCalls,
  'files/stat': statCalls,
  'files/statfs': statfsCalls,
  'files/sync': syncCalls,
  'files/truncate': truncateCalls,
  'files/utime': utimeCalls,
  'files/xattr': xattrCalls,
  'ipc/futex': futexCalls,
  'ipc/futex-waitv': futexWaitvCalls,
  'ipc/membarrier': membarrierCalls,
  'ipc/mqueue': mqueueCalls,
  'ipc/msg': msgCalls,
  'ipc/sem': semCalls,
  'ipc/shm': shmCalls,
  'memory/madvise': madviseCalls,
  'memory/mlock': mlockCalls,
  'memory/mmap': mmapCalls,
  'memory/process-vm': processVmCalls,
  'net/send-receive': sendReceiveCalls,
  'net/socket-options': socketOptionCalls,
  'net/socket': socketCalls,
  'process/arm': armCalls,
  'process/capability': capabilityCalls,
  'process/clone': cloneCalls,
  'process/credentials': credentialsCalls,
  'process/exec': execCalls,
  'process/exit': exitCalls,
  'process/kcmp': kcmpCalls,
  'process/pid': pidCalls,
  'process/pidfd': pidfdCalls,
  'process/prctl': prctlCalls,
  'process/priority': priorityCalls,
  'process/ptrace': ptraceCalls,
  'process/rlimit': rlimitCalls,
  'process/sched': schedCalls,
  'process/setns': setnsCalls,
  'process/signal': signalCalls,
  'process/wait': waitCalls,
  'system/getrandom': getrandomCalls,
  'system/sysinfo': sysinfoCalls,
  'system/uname': unameCalls,
  'time/adjtimex': adjtimexCalls,
  'time/clock': clockCalls,
  'time/itimer': itimerCalls,
  'time/nanosleep': nanosleepCalls,
  'time/timer': timerCalls,
};

export const allCalls: readonly Call[] = Object.values(subjects).flat();
