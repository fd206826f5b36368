/**
 * What a walk met on the way to the last component of a path: directories, links, and names that lead nowhere. It is believed for
 * a moment, which saves a look for each component; the last component is looked at each time, but for calls that then ask the
 * host by that name themselves (extended attributes): for them what kind of file it was a moment ago will do.
 *
 * Two rules. What the guest does is seen at once: any name made, removed or moved anywhere ends the belief in links and in what
 * is not there (directories have inodes, which are told: NodeDirectory). What others on the host do is seen when the event loop
 * has turned, or a descriptor that came from outside has been read: nothing else tells the guest that something may have
 * changed, but the content of a file. The event loop turns every 8 ms at least (kernel/scheduler.ts).
 */
import type { Inode } from './inode.ts';

export class PassedNames {
  #turn = 0;
  #changes = 0;
  /** By directory and name; null: there was no such name. */
  readonly #names = new Map<Inode, Map<string, Inode | null>>();

  /** Changes whenever others may have changed something. A directory that was seen in this turn is one. */
  get turn(): number {
    return this.#turn;
  }

  /** The link with that name, null when there is nothing; undefined when that is not known. */
  get(directory: Inode, name: string): Inode | null | undefined {
    return this.#names.get(directory)?.get(name);
  }

  set(directory: Inode, name: string, met: Inode | null): void {
    const names = this.#names.get(directory);
    if (names === undefined) this.#names.set(directory, new Map([[name, met]]));
    else names.set(name, met);
  }

  /** Counts what the guest has changed. */
  get changes(): number {
    return this.#changes;
  }

  /** The guest changes a name. */
  changed(): void {
    this.#changes++;
    this.#forget();
  }

  /** Others may have changed anything. */
  turned(): void {
    this.#turn++;
    this.#forget();
  }

  #forget(): void {
    this.#names.clear();
  }
}
