/** Flags of open for the host. */
import { constants } from 'node:fs';
import {
  O_ACCMODE,
  O_APPEND,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOATIME,
  O_RDONLY,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../abi/fcntl.ts';

const host = { ...constants };
/** Flags that are seldom set. */
const MORE = O_TRUNC | O_APPEND | O_NOATIME | O_SYNC | O_DSYNC | O_TMPFILE;

/** Whether a file opened so is opened for reading, with nothing special about it. */
export function isPlainRead(flags: number): boolean {
  return (flags & (O_ACCMODE | MORE)) === O_RDONLY;
}

/**
 * Guest flags as the host numbers them, which depends on its architecture. Never follows a link, never waits, never takes a
 * terminal.
 */
export function hostFlags(flags: number): number {
  let h = host.O_NOFOLLOW | host.O_NOCTTY | host.O_NONBLOCK;
  const access = flags & O_ACCMODE;
  if (access !== O_RDONLY) h |= access === O_WRONLY ? host.O_WRONLY : host.O_RDWR;
  if ((flags & MORE) === 0) return h;
  if (flags & O_TRUNC) h |= host.O_TRUNC;
  if (flags & O_APPEND) h |= host.O_APPEND;
  if (flags & O_NOATIME) h |= host.O_NOATIME;
  if ((flags & O_SYNC) === O_SYNC) h |= host.O_SYNC;
  else if (flags & O_DSYNC) h |= host.O_DSYNC;
  if ((flags & O_TMPFILE) === O_TMPFILE) {
    h |= (O_TMPFILE & ~O_DIRECTORY) | host.O_DIRECTORY;
    if (flags & O_EXCL) h |= host.O_EXCL;
  }
  return h;
}
