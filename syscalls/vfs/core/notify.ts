/**
 * Who watches files, and telling them what the guest's processes do (fsnotify). The calls say what has happened; without watches
 * that costs one comparison. It stands below open files, which tell of their closing.
 */
import { IN_ALL_EVENTS, IN_DELETE_SELF, IN_EXCL_UNLINK, IN_ISDIR, IN_ONESHOT } from '../../abi/inotify.ts';
import { type Inode, identityOf } from './inode.ts';

/** What one watcher wants to know of one file. */
export interface Watch {
  readonly owner: Watcher;
  readonly wd: number;
  readonly identity: string;
  /** Of the file, as /proc tells. */
  readonly ino: number;
  readonly dev: number;
  mask: number;
}

export interface WatchEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
}

export interface Watcher {
  push(event: WatchEvent): void;
  remove(wd: number): void;
}

/** The watches of one run, and who tells them. */
export class Notifier {
  /** By the identity of what they watch. */
  readonly #watches = new Map<string, Set<Watch>>();
  #cookies = 0;

  /** Nobody watches anything. */
  get idle(): boolean {
    return this.#watches.size === 0;
  }

  /** Ties the two events of a rename together. */
  nextCookie(): number {
    return ++this.#cookies;
  }

  /** @param unlinked the name is gone, though the file is open: IN_EXCL_UNLINK does not want to know */
  #tell(inode: Inode, mask: number, name: string, cookie: number, unlinked = false): void {
    for (const watch of [...(this.#watches.get(identityOf(inode)) ?? [])]) {
      if (!(watch.mask & mask & IN_ALL_EVENTS) || (unlinked && watch.mask & IN_EXCL_UNLINK)) continue;
      watch.owner.push({ wd: watch.wd, mask, cookie, name });
      if (watch.mask & IN_ONESHOT) watch.owner.remove(watch.wd);
    }
  }

  /** Something happened to a file: it is told to who watches it, and to who watches its directory. */
  file(inode: Inode, mask: number): void {
    if (this.#watches.size === 0) return;
    const what = inode.isDirectory ? mask | IN_ISDIR : mask;
    if (inode.parent) this.#tell(inode.parent, what, inode.name, 0, inode.deleted);
    this.#tell(inode, what, '', 0);
  }

  /** Something that only who watches the file itself is told. */
  self(inode: Inode, mask: number): void {
    if (this.#watches.size > 0) this.#tell(inode, mask, '', 0);
  }

  /** A file has lost its last name: it goes as soon as nobody has it open. */
  lastNameGone(inode: Inode): void {
    if (this.#watches.size === 0) return;
    inode.nameless = true;
    if (inode.openFiles === 0) this.#gone(inode);
  }

  /** The last open file of an inode was closed. */
  lastClosed(inode: Inode): void {
    if (this.#watches.size > 0 && inode.nameless) this.#gone(inode);
  }

  #gone(inode: Inode): void {
    this.#tell(inode, IN_DELETE_SELF, '', 0);
    for (const watch of [...(this.#watches.get(identityOf(inode)) ?? [])]) watch.owner.remove(watch.wd);
  }

  /** Something happened to a name in a directory. */
  name(dir: Inode, mask: number, name: string, isDirectory: boolean, cookie = 0): void {
    if (this.#watches.size === 0) return;
    this.#tell(dir, isDirectory ? mask | IN_ISDIR : mask, name, cookie);
  }

  /** The watches on a file. */
  watchesOf(identity: string): readonly Watch[] {
    return [...(this.#watches.get(identity) ?? [])];
  }

  add(watch: Watch): void {
    const same = this.#watches.get(watch.identity);
    if (same) same.add(watch);
    else this.#watches.set(watch.identity, new Set([watch]));
  }

  remove(watch: Watch): void {
    const same = this.#watches.get(watch.identity);
    same?.delete(watch);
    if (same?.size === 0) this.#watches.delete(watch.identity);
  }
}
