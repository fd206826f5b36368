/**
 * Whether the host has addresses left (RLIMIT_AS). Who asks V8 for more than there are gets a RangeError; but V8 ends the process
 * where it finds none for its own heap and code.
 */

const GiB = 2 ** 30;

/** What a memory of 4 GiB takes, with what V8 puts around it (measured). */
export const MEMORY_ROOM = 8 * GiB;
/** What another thread takes, and its heap (measured: 0.82 GiB when it starts). */
export const THREAD_ROOM = GiB;
/** What is left to V8's heap and code, and a thread, by who takes much. */
export const RESERVE = 2 * GiB;

/** Takes 12 us (measured). */
export function hasRoom(bytes: number): boolean {
  try {
    // Addresses alone are taken, and given back at once.
    new ArrayBuffer(0, { maxByteLength: bytes }).transferToFixedLength();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
