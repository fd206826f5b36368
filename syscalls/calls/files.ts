/** All calls about files. */
import { attrCalls } from './attr.ts';
import type { Call } from './declare.ts';
import { dirCalls } from './dir.ts';
import { eventCalls } from './events.ts';
import { fdCalls } from './fd.ts';
import { inotifyCalls } from './inotify.ts';
import { ioCalls } from './io.ts';
import { mountCalls } from './mount.ts';
import { openCalls } from './open.ts';
import { pathCalls } from './path.ts';
import { pollCalls } from './poll.ts';
import { socketCalls } from './socket.ts';
import { socketOptionCalls } from './socket-options.ts';
import { statCalls } from './stat.ts';
import { transferCalls } from './transfer.ts';
import { xattrCalls } from './xattr.ts';

export const fileCalls: readonly Call[] = [
  ...openCalls,
  ...ioCalls,
  ...statCalls,
  ...xattrCalls,
  ...pathCalls,
  ...dirCalls,
  ...attrCalls,
  ...fdCalls,
  ...pollCalls,
  ...eventCalls,
  ...inotifyCalls,
  ...transferCalls,
  ...mountCalls,
  ...socketCalls,
  ...socketOptionCalls,
];
