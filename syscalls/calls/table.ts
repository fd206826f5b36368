/** All system calls that are implemented. */
import type { Call } from './declare.ts';
import { fileCalls } from './files.ts';
import { futexCalls } from './futex.ts';
import { identityCalls } from './identity.ts';
import { ipcCalls } from './ipc.ts';
import { memoryCalls } from './memory.ts';
import { mqueueCalls } from './mqueue.ts';
import { otherProcessCalls } from './other-process.ts';
import { processCalls } from './process.ts';
import { ptraceCalls } from './ptrace.ts';
import { schedCalls } from './sched.ts';
import { signalCalls } from './signal.ts';
import { systemCalls } from './system.ts';
import { timeCalls } from './time.ts';
import { waitCalls } from './wait.ts';

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
