/**
 * Inode numbers that a 32-bit guest can hold. Hosts have 64-bit ones (overlayfs, XFS, network file systems), for which a program
 * without large file support gets EOVERFLOW from stat and readdir. Numbers below FIRST stay as they are; others are given the
 * next free number from FIRST on, the same for the whole run.
 *
 * Of a run that is repeatable all are given: the host's numbers are others for a copy of the same files, and programs put them
 * into hash tables, or sort by them.
 */
import { makedev } from '../../abi/stat.ts';

/** Of devices that numbers are given to: one of those that Linux leaves for local use (devices.txt). */
const DEVICES_MAJOR = 127;
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
  readonly #devices = new Map<number, number>();
  readonly #vfs: { readonly inOrder: boolean };

  constructor(vfs = { inOrder: false }) {
    this.#vfs = vfs;
  }

  /** The number of inode `ino` of device `dev`, below 2^31. */
  safe(dev: number, ino: HostNumber): number {
    if (typeof ino === 'number' && ino < FIRST && !this.#vfs.inOrder) return ino;
    let numbers = this.#given.get(dev);
    if (!numbers) this.#given.set(dev, (numbers = new Map()));
    let number = numbers.get(ino);
    if (number === undefined) numbers.set(ino, (number = FIRST + numbers.size));
    return number;
  }

  /** The number of a device of the host's, for the guest. */
  device(dev: number): number {
    if (!this.#vfs.inOrder) return dev;
    let given = this.#devices.get(dev);
    if (given === undefined) this.#devices.set(dev, (given = makedev(DEVICES_MAJOR, this.#devices.size + 1)));
    return given;
  }
}
