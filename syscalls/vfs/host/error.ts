/** Turns what node:fs (or memfs) throws into the Errno of the system call. */
import { errnoNamed } from '../../abi/errno.ts';

/** Throws the Errno of a host error; anything that is none passes through as it is, being a fault of ours. */
export function rethrow(error: unknown): never {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') {
    const errno = errnoNamed(code);
    if (errno) throw errno;
    // Node checks some arguments itself, before asking the host.
    if (code === 'ERR_FS_FILE_TOO_LARGE') throw errnoNamed('EFBIG');
    if (code === 'ERR_FS_EISDIR') throw errnoNamed('EISDIR');
    if (code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_OUT_OF_RANGE') throw errnoNamed('EINVAL');
  }
  throw error;
}

/** Runs a host operation, with its error as an Errno. */
export function host<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    return rethrow(error);
  }
}
