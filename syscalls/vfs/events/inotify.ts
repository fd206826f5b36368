/**
 * inotify(7): the events of watched files, to be read. What other processes of the host do to them is not seen.
 */
import { fail } from '../../abi/errno.ts';
import { O_RDONLY } from '../../abi/fcntl.ts';
import { IN_ALL_EVENTS, IN_IGNORED, IN_MASK_ADD, IN_MASK_CREATE, IN_Q_OVERFLOW } from '../../abi/inotify.ts';
import { FIONREAD } from '../../abi/ioctl.ts';
import { POLLIN, POLLRDNORM } from '../../abi/poll.ts';
import { AnonymousFile, ObjectInode } from '../core/anonymous.ts';
import { type Inode, identityOf } from '../core/inode.ts';
import type { Watch, WatchEvent, Watcher } from '../core/notify.ts';
import { type IoctlContext, WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';

/** Events kept for a reader (/proc/sys/fs/inotify/max_queued_events). */
const MOST = 16384;
const HEADER = 16;

export class InotifyFile extends AnonymousFile implements Watcher {
  readonly #watches = new Map<number, Watch>();
  #last = 0;
  #events: WatchEvent[] = [];

  constructor(vfs: Vfs, flags: number) {
    super(new ObjectInode(vfs, 'anon_inode:inotify'), O_RDONLY | flags);
  }

  protected override close(): void {
    for (const added of this.#watches.values()) this.vfs.notifier.remove(added);
  }

  /** A watch on a file, or a change of the one it has. */
  add(inode: Inode, mask: number): number {
    const identity = identityOf(inode);
    const known = this.vfs.notifier.watchesOf(identity).find((w) => w.owner === this);
    if (known) {
      if (mask & IN_MASK_CREATE) fail('EEXIST');
      known.mask = mask & IN_MASK_ADD ? known.mask | mask : mask;
      return known.wd;
    }
    const { ino, dev } = inode.stat();
    const added: Watch = { owner: this, wd: ++this.#last, identity, ino, dev, mask };
    this.#watches.set(added.wd, added);
    this.vfs.notifier.add(added);
    return added.wd;
  }

  /** EINVAL when there is none of that number. */
  remove(wd: number): void {
    const added = this.#watches.get(wd) ?? fail('EINVAL');
    this.#watches.delete(wd);
    this.vfs.notifier.remove(added);
    this.push({ wd, mask: IN_IGNORED, cookie: 0, name: '' });
  }

  push(event: WatchEvent): void {
    const last = this.#events.at(-1);
    // The same again says nothing new.
    if (
      last &&
      last.wd === event.wd &&
      last.mask === event.mask &&
      last.name === event.name &&
      last.cookie === event.cookie
    )
      return;
    if (this.#events.length > MOST) return;
    if (this.#events.length === MOST) this.#events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' });
    else this.#events.push(event);
    this.queue.wakeAll();
  }

  override read(into: Uint8Array): number {
    if (this.#events.length === 0) return WOULD_BLOCK;
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    let at = 0;
    let taken = 0;
    for (const { wd, mask, cookie, name } of this.#events) {
      const length = nameLength(name);
      if (at + HEADER + length > into.length) break;
      view.setInt32(at, wd, true);
      view.setUint32(at + 4, mask, true);
      view.setUint32(at + 8, cookie, true);
      view.setUint32(at + 12, length, true);
      into.fill(0, at + HEADER, at + HEADER + length);
      for (let i = 0; i < name.length; i++) into[at + HEADER + i] = name.charCodeAt(i);
      at += HEADER + length;
      taken++;
    }
    if (taken === 0) fail('EINVAL');
    this.#events.splice(0, taken);
    return at;
  }

  override fdInfo(): string {
    const line = ({ wd, mask, ino, dev }: Watch) => {
      const file = `ino:${ino.toString(16)} sdev:${dev.toString(16)}`;
      return `inotify wd:${wd.toString(16)} ${file} mask:${(mask & IN_ALL_EVENTS).toString(16)} ignored_mask:0 \n`;
    };
    return [...this.#watches.values()].reverse().map(line).join('');
  }
  override poll(): number {
    return this.#events.length > 0 ? POLLIN | POLLRDNORM : 0;
  }
  override get pollable(): boolean {
    return true;
  }
  override get asynchronous(): boolean {
    return true;
  }
  override ioctl(request: number, argument: number, context: IoctlContext): number {
    if (request !== FIONREAD) return fail('ENOTTY');
    const bytes = this.#events.reduce((sum, e) => sum + HEADER + nameLength(e.name), 0);
    context.write(argument, 4).setInt32(0, bytes, true);
    return 0;
  }
}

/** Room for a name and its NUL, in multiples of the header's size. */
function nameLength(name: string): number {
  return name === '' ? 0 : Math.ceil((name.length + 1) / HEADER) * HEADER;
}
