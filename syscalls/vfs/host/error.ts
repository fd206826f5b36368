/** Turns what node:fs (or memfs) throws into the Errno of the system call. */
import { type Errno, errnoNamed, errnoOf } from '../../abi/errno.ts';

/** Node checks some arguments itself, before asking the host. */
const OF_NODE: Readonly<Record<string, string | undefined>> = {
  ERR_FS_FILE_TOO_LARGE: 'EFBIG',
  ERR_FS_EISDIR: 'EISDIR',
  ERR_INVALID_ARG_VALUE: 'EINVAL',
  ERR_OUT_OF_RANGE: 'EINVAL',
};

/** Undefined for what is no error of the host. One that libuv has no name for (EDQUOT) has its number only. */
export function hostErrno(error: unknown): Errno | undefined {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  if (typeof code !== 'string') return undefined;
  return errnoNamed(OF_NODE[code] ?? code) ?? (typeof errno === 'number' ? errnoOf(-errno) : undefined);
}

/** Throws the Errno of a host error; anything that is none passes through as it is, being a fault of ours. */
export function rethrow(error: unknown): never {
  throw hostErrno(error) ?? error;
}

/** Runs a host operation, with its error as an Errno. */
export function host<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    return rethrow(error);
  }
}
