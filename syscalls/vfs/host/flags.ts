/** Flags of open for the host. */
import fs from 'node:fs';
import {
  O_ACCMODE,
  O_APPEND,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOATIME,
  O_RDWR,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../abi/fcntl.ts';

/**
 * Guest flags as the host numbers them, which depends on its architecture. Never follows a link, never waits, never takes a
 * terminal.
 */
export function hostFlags(flags: number): number {
  const c = fs.constants;
  let h = c.O_NOFOLLOW | c.O_NOCTTY | c.O_NONBLOCK;
  const access = flags & O_ACCMODE;
  h |= access === O_RDWR || access === O_ACCMODE ? c.O_RDWR : access === O_WRONLY ? c.O_WRONLY : c.O_RDONLY;
  if (flags & O_TRUNC) h |= c.O_TRUNC;
  if (flags & O_APPEND) h |= c.O_APPEND;
  if (flags & O_NOATIME) h |= c.O_NOATIME;
  if ((flags & O_SYNC) === O_SYNC) h |= c.O_SYNC;
  else if (flags & O_DSYNC) h |= c.O_DSYNC;
  if ((flags & O_TMPFILE) === O_TMPFILE) {
    h |= (O_TMPFILE & ~O_DIRECTORY) | c.O_DIRECTORY;
    if (flags & O_EXCL) h |= c.O_EXCL;
  }
  return h;
}
