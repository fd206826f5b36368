/**
 * Callbacks of the host that belong to one open file. An exception in one is a bug of armrun's: it is told, and the file has
 * failed, so that the call which waits for it, or the next one, gets EIO (KERNEL.md, "A system call").
 */
import type { Vfs } from './vfs.ts';

/** What there is to be told of a failure, and who gets the EIO. */
export interface Failing {
  readonly vfs: Pick<Vfs, 'callbackFailed'>;
  /** The file is to fail with EIO. */
  hostFailed(): void;
}

/** `action` as a callback for the host. */
export function callback<A extends unknown[]>(
  file: Failing,
  action: (...args: A) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      action(...args);
    } catch (error) {
      file.vfs.callbackFailed(error);
      file.hostFailed();
    }
  };
}
