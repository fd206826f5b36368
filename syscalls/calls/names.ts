/**
 * Names of the flags and values of file calls, for strace, and the flag arguments that several calls have.
 * Values are those of abi/fcntl.ts.
 */
import * as f from '../abi/fcntl.ts';
import { type FlagNames, flags } from './args.ts';

const OPEN_FLAGS: FlagNames = {
  O_RDONLY: f.O_RDONLY,
  O_WRONLY: f.O_WRONLY,
  O_RDWR: f.O_RDWR,
  O_CREAT: f.O_CREAT,
  O_EXCL: f.O_EXCL,
  O_NOCTTY: f.O_NOCTTY,
  O_TRUNC: f.O_TRUNC,
  O_APPEND: f.O_APPEND,
  O_NONBLOCK: f.O_NONBLOCK,
  O_SYNC: f.O_SYNC,
  O_DSYNC: f.O_DSYNC,
  O_ASYNC: f.O_ASYNC,
  O_TMPFILE: f.O_TMPFILE,
  O_DIRECTORY: f.O_DIRECTORY,
  O_NOFOLLOW: f.O_NOFOLLOW,
  O_DIRECT: f.O_DIRECT,
  O_LARGEFILE: f.O_LARGEFILE,
  O_NOATIME: f.O_NOATIME,
  O_CLOEXEC: f.O_CLOEXEC,
  O_PATH: f.O_PATH,
};

const AT_FLAGS: FlagNames = {
  AT_SYMLINK_NOFOLLOW: f.AT_SYMLINK_NOFOLLOW,
  AT_SYMLINK_FOLLOW: f.AT_SYMLINK_FOLLOW,
  AT_NO_AUTOMOUNT: f.AT_NO_AUTOMOUNT,
  AT_EMPTY_PATH: f.AT_EMPTY_PATH,
};
export const UNLINK_FLAGS: FlagNames = { AT_REMOVEDIR: f.AT_REMOVEDIR };
export const ACCESS_FLAGS: FlagNames = { ...AT_FLAGS, AT_EACCESS: f.AT_EACCESS };

export const ACCESS_MODES: FlagNames = { F_OK: 0, R_OK: f.R_OK, W_OK: f.W_OK, X_OK: f.X_OK };

export const RENAME_FLAGS: FlagNames = {
  RENAME_NOREPLACE: f.RENAME_NOREPLACE,
  RENAME_EXCHANGE: f.RENAME_EXCHANGE,
  RENAME_WHITEOUT: f.RENAME_WHITEOUT,
};

export const WHENCE: FlagNames = {
  SEEK_SET: f.SEEK_SET,
  SEEK_CUR: f.SEEK_CUR,
  SEEK_END: f.SEEK_END,
  SEEK_DATA: f.SEEK_DATA,
  SEEK_HOLE: f.SEEK_HOLE,
};

export const FCNTL: FlagNames = {
  F_DUPFD: f.F_DUPFD,
  F_GETFD: f.F_GETFD,
  F_SETFD: f.F_SETFD,
  F_GETFL: f.F_GETFL,
  F_SETFL: f.F_SETFL,
  F_GETLK: f.F_GETLK,
  F_SETLK: f.F_SETLK,
  F_SETLKW: f.F_SETLKW,
  F_SETOWN: f.F_SETOWN,
  F_GETOWN: f.F_GETOWN,
  F_SETSIG: f.F_SETSIG,
  F_GETSIG: f.F_GETSIG,
  F_GETLK64: f.F_GETLK64,
  F_SETLK64: f.F_SETLK64,
  F_SETLKW64: f.F_SETLKW64,
  F_SETOWN_EX: f.F_SETOWN_EX,
  F_GETOWN_EX: f.F_GETOWN_EX,
  F_GETOWNER_UIDS: f.F_GETOWNER_UIDS,
  F_OFD_GETLK: f.F_OFD_GETLK,
  F_OFD_SETLK: f.F_OFD_SETLK,
  F_OFD_SETLKW: f.F_OFD_SETLKW,
  F_SETLEASE: f.F_SETLEASE,
  F_GETLEASE: f.F_GETLEASE,
  F_NOTIFY: f.F_NOTIFY,
  F_DUPFD_CLOEXEC: f.F_DUPFD_CLOEXEC,
  F_SETPIPE_SZ: f.F_SETPIPE_SZ,
  F_GETPIPE_SZ: f.F_GETPIPE_SZ,
  F_ADD_SEALS: f.F_ADD_SEALS,
  F_GET_SEALS: f.F_GET_SEALS,
};

export const FLOCK: FlagNames = {
  LOCK_SH: f.LOCK_SH,
  LOCK_EX: f.LOCK_EX,
  LOCK_UN: f.LOCK_UN,
  LOCK_NB: f.LOCK_NB,
};

export const openFlags = flags(OPEN_FLAGS, f.O_ACCMODE);
export const atFlags = flags(AT_FLAGS);
/** Of calls that make a descriptor. */
export const fdFlags = flags({ O_CLOEXEC: f.O_CLOEXEC, O_NONBLOCK: f.O_NONBLOCK });
