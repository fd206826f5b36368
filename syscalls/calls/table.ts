/** All system calls that are implemented. */
import type { Call } from './declare.ts';
import { fileCalls } from './files.ts';
import { futexCalls } from './ipc/futex.ts';
import { mqueueCalls } from './ipc/mqueue.ts';
import { ipcCalls } from './ipc/sysv.ts';
import { memoryCalls } from './memory/mmap.ts';
import { identityCalls } from './process/credentials.ts';
import { otherProcessCalls } from './process/other-process.ts';
import { processCalls } from './process/process.ts';
import { ptraceCalls } from './process/ptrace.ts';
import { schedCalls } from './process/sched.ts';
import { signalCalls } from './process/signal.ts';
import { waitCalls } from './process/wait.ts';
import { systemCalls } from './system/system.ts';
import { timeCalls } from './system/time.ts';

export const allCalls: readonly Call[] = [
  ...fileCalls,
  ...futexCalls,
  ...identityCalls,
  ...ipcCalls,
  ...memoryCalls,
  ...mqueueCalls,
  ...otherProcessCalls,
  ...processCalls,
  ...ptraceCalls,
  ...schedCalls,
  ...signalCalls,
  ...systemCalls,
  ...timeCalls,
  ...waitCalls,
];
