/** What operations of the vfs fail with. */
import { Errno } from '../../syscalls/abi/errno.ts';

/** The error's name; 'none' when there is none. Throws what is no Errno. */
export function errorOf(operation: () => unknown): string {
  try {
    operation();
  } catch (error) {
    if (error instanceof Errno) return error.name;
    throw error;
  }
  return 'none';
}
