/**
 * Descriptors of files that the guest has mapped, programs and what these load, stay open when it has closed them: the next
 * process has them again for the look by which it finds the file. What the look tells (device, inode, size, times) is what is
 * known of the descriptor's file, and no other can have its inode number as long as that is open.
 *
 * A name that the guest removes, or gives to another file, takes its descriptor along, as the host frees nothing before. Of what
 * others on the host remove a few stay until they have not been used for longest.
 */
import fs from 'node:fs';
import { isSameTime } from '../../abi/time.ts';
import type { FileIdentity } from '../core/file-pages.ts';
import type { Inode } from '../core/inode.ts';
import type { HostNumber } from '../core/inode-numbers.ts';
import type { HostStats } from './attributes.ts';

/** A program with what it loads and the files of its locale takes 20. */
const MOST = 64;

/** The identity of a file's content, and what the host said of the file when it was told. */
export interface KnownContent {
  readonly stats: HostStats;
  readonly identity: FileIdentity;
}

/** A descriptor for reading, and where its file was found. */
export interface KeptDescriptor {
  readonly fd: number;
  readonly known: KnownContent;
  readonly directory: Inode | undefined;
  readonly name: string;
}

export class KeptDescriptors {
  /** By inode number, in the order in which they were given. */
  readonly #kept = new Map<HostNumber, KeptDescriptor>();

  /** That of a file as the host tells of it now, which is the caller's then. */
  take(now: HostStats): KeptDescriptor | undefined {
    const kept = this.#kept.get(now.ino);
    if (kept === undefined || kept.known.stats.dev !== now.dev) return undefined;
    this.#kept.delete(now.ino);
    if (hasSameContent(kept.known.stats, now)) return kept;
    fs.closeSync(kept.fd);
    return undefined;
  }

  /** Keeps one. False when it is the caller's to close: there is one of the file. */
  give(descriptor: KeptDescriptor): boolean {
    const { ino } = descriptor.known.stats;
    if (this.#kept.has(ino)) return false;
    if (this.#kept.size === MOST) this.#drop(this.#kept.keys().next().value!);
    this.#kept.set(ino, descriptor);
    return true;
  }

  /** A name is about to be removed, or to be another file's. */
  forget(directory: Inode, name: string): void {
    for (const [ino, kept] of this.#kept)
      if (kept.name === name && kept.directory === directory) this.#drop(ino);
  }

  /** Closes all; false when there are none. */
  close(): boolean {
    if (this.#kept.size === 0) return false;
    for (const ino of [...this.#kept.keys()]) this.#drop(ino);
    return true;
  }

  #drop(ino: HostNumber): void {
    fs.closeSync(this.#kept.get(ino)!.fd);
    this.#kept.delete(ino);
  }
}

/** Of one file: whether nothing says that it was changed in between. */
export function hasSameContent(a: HostStats, b: HostStats): boolean {
  return a.size === b.size && isSameTime(a.ctime, b.ctime) && isSameTime(a.mtime, b.mtime);
}
