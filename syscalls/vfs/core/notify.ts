/**
 * Who watches files, and telling them what the guest's processes do (fsnotify). The calls say what has happened; without watches that costs one comparison.
 * It stands below open files, which tell of their closing.
 */
import { IN_ALL_EVENTS, IN_DELETE_SELF, IN_EXCL_UNLINK, IN_ISDIR, IN_ONESHOT } from '../../abi/inotify.ts';
import { type Inode, identityOf } from './inode.ts';

/** What one watcher wants to know of one file. */
export interface Watch {
  readonly owner: Watcher;
  readonly wd: number;
  readonly identity: string;
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

/** Watches by the identity of what they watch. */
const watches = new Map<string, Set<Watch>>();

let cookies = 0;
/** Ties the two events of a rename together. */
export function nextCookie(): number {
  return ++cookies;
}

/** @param unlinked the name is gone, though the file is open: IN_EXCL_UNLINK does not want to know */
function tell(inode: Inode, mask: number, name: string, cookie: number, unlinked = false): void {
  for (const watch of [...(watches.get(identityOf(inode)) ?? [])]) {
    if (!(watch.mask & mask & IN_ALL_EVENTS) || (unlinked && watch.mask & IN_EXCL_UNLINK)) continue;
    watch.owner.push({ wd: watch.wd, mask, cookie, name });
    if (watch.mask & IN_ONESHOT) watch.owner.remove(watch.wd);
  }
}

/** Something happened to a file: it is told to who watches it, and to who watches its directory. */
export function notifyFile(inode: Inode, mask: number): void {
  if (watches.size === 0) return;
  const what = inode.isDirectory ? mask | IN_ISDIR : mask;
  if (inode.parent) tell(inode.parent, what, inode.name, 0, inode.deleted);
  tell(inode, what, '', 0);
}

/** Something that only who watches the file itself is told. */
export function notifySelf(inode: Inode, mask: number): void {
  if (watches.size > 0) tell(inode, mask, '', 0);
}

/** A file has lost its last name: it goes as soon as nobody has it open. */
export function lastNameGone(inode: Inode): void {
  if (watches.size === 0) return;
  inode.nameless = true;
  if (inode.openFiles === 0) gone(inode);
}

/** The last open file of an inode was closed. */
export function lastClosed(inode: Inode): void {
  if (watches.size > 0 && inode.nameless) gone(inode);
}

function gone(inode: Inode): void {
  tell(inode, IN_DELETE_SELF, '', 0);
  for (const watch of [...(watches.get(identityOf(inode)) ?? [])]) watch.owner.remove(watch.wd);
}

/** Something happened to a name in a directory. */
export function notifyName(dir: Inode, mask: number, name: string, isDirectory: boolean, cookie = 0): void {
  if (watches.size === 0) return;
  tell(dir, isDirectory ? mask | IN_ISDIR : mask, name, cookie);
}

/** The watches on a file. */
export function watchesOf(identity: string): readonly Watch[] {
  return [...(watches.get(identity) ?? [])];
}

export function watch(watch: Watch): void {
  const same = watches.get(watch.identity);
  if (same) same.add(watch);
  else watches.set(watch.identity, new Set([watch]));
}

export function unwatch(watch: Watch): void {
  const same = watches.get(watch.identity);
  same?.delete(watch);
  if (same?.size === 0) watches.delete(watch.identity);
}
