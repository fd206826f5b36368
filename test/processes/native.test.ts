import { checkGroups } from './check.ts';

checkGroups(
  'threads.c',
  'kernel.c',
  'mqueue.c',
  'sysvipc.c',
  'sockets.c',
  'signals-and-time.c',
  'proc-files.c',
  'pipes-and-locks.c',
  'newer-calls.c',
  'futexes.c',
  'files.c',
);
