/** Vectors of readv(2) and its kin (linux/uio.h). */
import { struct, u32 } from './struct.ts';

/** UIO_MAXIOV. */
export const IOV_MAX = 1024;
export const iovec = struct('iovec', { iov_base: u32, iov_len: u32 });
