/** All calls about files. */

import type { Call } from './declare.ts';
import { eventCalls } from './events/events.ts';
import { inotifyCalls } from './events/inotify.ts';
import { pollCalls } from './events/poll.ts';
import { attrCalls } from './files/attr.ts';
import { dirCalls } from './files/dir.ts';
import { fdCalls } from './files/fd.ts';
import { mountCalls } from './files/mount.ts';
import { openCalls } from './files/open.ts';
import { pathCalls } from './files/path.ts';
import { ioCalls } from './files/read-write.ts';
import { transferCalls } from './files/splice.ts';
import { statCalls } from './files/stat.ts';
import { xattrCalls } from './files/xattr.ts';
import { socketCalls } from './net/socket.ts';
import { socketOptionCalls } from './net/socket-options.ts';

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
