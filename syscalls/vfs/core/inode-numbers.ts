/**
 * Inode numbers that a 32-bit guest can hold. Hosts have 64-bit ones (overlayfs, XFS, network file systems), for which a program
 * without large file support gets EOVERFLOW from stat and readdir. Numbers below FIRST stay as they are; others are given the
 * next free number from FIRST on, the same for the whole run.
 */

const FIRST = 0x4000_0000;

/** A number of the host's: a bigint where it is beyond 2^53, and only there. */
export type HostNumber = number | bigint;
export function hostNumber(ino: bigint): HostNumber {
  return ino <= Number.MAX_SAFE_INTEGER ? Number(ino) : ino;
}

/** Whether a number of the host's stays as it is. */
export function isSafe(ino: number): boolean {
  return ino < FIRST;
}

export class InodeNumbers {
  /** By device and number of the host. */
  readonly #given = new Map<number, Map<HostNumber, number>>();

  /** The number of inode `ino` of device `dev`, below 2^31. */
  safe(dev: number, ino: HostNumber): number {
    if (typeof ino === 'number' && ino < FIRST) return ino;
    let numbers = this.#given.get(dev);
    if (!numbers) this.#given.set(dev, (numbers = new Map()));
    let number = numbers.get(ino);
    if (number === undefined) numbers.set(ino, (number = FIRST + numbers.size));
    return number;
  }
}
