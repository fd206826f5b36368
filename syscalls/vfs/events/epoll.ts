/**
 * epoll(7). Every watched file has a waiter on its queue all the time: what wakes it may have made the file ready.
 * Level-triggered entries are asked (OpenFile.poll) when somebody looks; edge-triggered ones are told of only after such a
 * wake-up. An entry goes when its open file description is closed.
 */
import { fail } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import {
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLONESHOT,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLRDNORM,
} from '../../abi/poll.ts';
import { AnonymousFile, ObjectInode } from '../core/anonymous.ts';
import { type OpenFile, SeekableFile } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';
import { ANYTHING, type Waiter } from '../core/wait-queue.ts';

/** Files that are epolls of epolls may nest so deep (EP_MAX_NESTS). */
const MAX_NESTS = 4;

export interface EpollEvent {
  events: number;
  /** epoll_data, 64 bits as two words. */
  low: number;
  high: number;
}

class Entry implements Waiter {
  readonly fd: number;
  readonly file: OpenFile;
  event: EpollEvent;
  /** Something has happened since it was last told of. */
  triggered = true;
  /** EPOLLONESHOT: told once, silent until EPOLL_CTL_MOD. */
  disabled = false;
  readonly #epoll: EpollFile;
  readonly #closed = () => this.#epoll.forget(this);

  constructor(epoll: EpollFile, fd: number, file: OpenFile, event: EpollEvent) {
    this.#epoll = epoll;
    this.fd = fd;
    this.file = file;
    this.event = event;
    file.queue.add(this);
    (file.onClose ??= new Set()).add(this.#closed);
  }

  wake(events: number = ANYTHING): void {
    this.file.queue.add(this);
    if (!(events & (this.event.events | POLLERR | POLLHUP))) return;
    this.triggered = true;
    this.#epoll.queue.wakeAll();
  }
  stop(): void {
    this.file.queue.remove(this);
    this.file.onClose?.delete(this.#closed);
  }
  /** Events to tell of; 0 for none. */
  ready(): number {
    if (this.disabled) return 0;
    if (this.event.events & EPOLLET && !this.triggered) return 0;
    return this.file.poll() & (this.event.events | POLLERR | POLLHUP) & 0xffff;
  }
}

export class EpollFile extends AnonymousFile {
  readonly #entries = new Map<number, Entry[]>();
  /** In the order in which they are looked at; who was told of goes to the end. */
  readonly #order = new Set<Entry>();

  constructor(vfs: Vfs) {
    super(new ObjectInode(vfs, 'anon_inode:[eventpoll]'), O_RDWR);
  }

  protected override close(): void {
    for (const entry of [...this.#order]) this.forget(entry);
  }

  #find(fd: number, file: OpenFile): Entry | undefined {
    return this.#entries.get(fd)?.find((e) => e.file === file);
  }

  /** EPERM for files that are always ready, EEXIST, EINVAL for itself, ELOOP. */
  add(fd: number, file: OpenFile, event: EpollEvent): void {
    if (!file.pollable) fail('EPERM');
    if (file === this) fail('EINVAL');
    if (file instanceof EpollFile && (file.#reaches(this) || file.#depth() + 1 > MAX_NESTS)) fail('ELOOP');
    if (this.#find(fd, file)) fail('EEXIST');
    const entry = new Entry(this, fd, file, event);
    const same = this.#entries.get(fd);
    if (same) same.push(entry);
    else this.#entries.set(fd, [entry]);
    this.#order.add(entry);
    if (entry.ready() !== 0) this.queue.wakeAll();
  }

  #reaches(other: EpollFile): boolean {
    return [...this.#order].some(
      (e) => e.file === other || (e.file instanceof EpollFile && e.file.#reaches(other)),
    );
  }
  #depth(): number {
    return Math.max(
      0,
      ...[...this.#order].map((e) => (e.file instanceof EpollFile ? 1 + e.file.#depth() : 0)),
    );
  }

  modify(fd: number, file: OpenFile, event: EpollEvent): void {
    const entry = this.#find(fd, file) ?? fail('ENOENT');
    if (entry.event.events & EPOLLEXCLUSIVE) fail('EINVAL');
    entry.event = event;
    entry.disabled = false;
    entry.triggered = true;
    if (entry.ready() !== 0) this.queue.wakeAll();
  }

  remove(fd: number, file: OpenFile): void {
    this.forget(this.#find(fd, file) ?? fail('ENOENT'));
  }

  forget(entry: Entry): void {
    entry.stop();
    this.#order.delete(entry);
    const rest = this.#entries.get(entry.fd)!.filter((e) => e !== entry);
    if (rest.length > 0) this.#entries.set(entry.fd, rest);
    else this.#entries.delete(entry.fd);
  }

  /** Up to `max` events that hold now; those told of count as told. */
  take(max: number): EpollEvent[] {
    const taken: EpollEvent[] = [];
    const told: Entry[] = [];
    for (const entry of this.#order) {
      const events = entry.ready();
      if (events === 0) continue;
      taken.push({ ...entry.event, events });
      told.push(entry);
      entry.triggered = false;
      if (entry.event.events & EPOLLONESHOT) entry.disabled = true;
      if (taken.length === max) break;
    }
    for (const entry of told) {
      this.#order.delete(entry);
      this.#order.add(entry);
    }
    return taken;
  }

  override fdInfo(): string {
    const hex = (n: number, width = 0) => (n >>> 0).toString(16).padStart(width);
    const line = ({ fd, file, event }: Entry) => {
      const data = ((BigInt(event.high >>> 0) << 32n) | BigInt(event.low >>> 0)).toString(16);
      const { ino, dev } = file.stat();
      const position = file instanceof SeekableFile ? file.offset : 0;
      const events = `events: ${hex(event.events | POLLERR | POLLHUP, 8)} data: ${data.padStart(16)}`;
      return `tfd: ${String(fd).padStart(8)} ${events}  pos:${position} ino:${hex(ino)} sdev:${hex(dev)}\n`;
    };
    return [...this.#order].map(line).join('');
  }
  override poll(): number {
    for (const entry of this.#order) if (entry.ready() !== 0) return POLLIN | POLLRDNORM;
    return 0;
  }
  override get pollable(): boolean {
    return true;
  }
}
