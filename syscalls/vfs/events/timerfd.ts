/** timerfd_create(2): expirations of a timer as a file. The timer itself is the kernel's. */
import { fail } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { POLLIN, POLLRDNORM } from '../../abi/poll.ts';
import { AnonymousFile, ObjectInode } from '../core/anonymous.ts';
import { WOULD_BLOCK } from '../core/open-file.ts';
import type { Vfs } from '../core/vfs.ts';

/** A timer of the kernel; times are milliseconds. */
export interface FileTimer {
  arm(at: number, interval: number): void;
  disarm(): void;
  /** Goes on after it has fired; gives how many further expirations there were meanwhile. */
  rearm(): number;
  readonly remaining: number;
  readonly interval: number;
}

export class TimerFile extends AnonymousFile {
  readonly clock: number;
  readonly timer: FileTimer;
  /** TFD_TIMER_* as it was set with. */
  settimeFlags = 0;
  #expirations = 0;

  /** @param createTimer makes the timer, which calls its argument when it expires */
  constructor(vfs: Vfs, clock: number, flags: number, createTimer: (fire: () => void) => FileTimer) {
    super(new ObjectInode(vfs, 'anon_inode:[timerfd]'), O_RDWR | flags);
    this.clock = clock;
    this.timer = createTimer(() => {
      this.#expirations++;
      this.queue.wakeAll();
    });
  }

  /** Sets the timer anew: expirations not yet read are forgotten. `at` is Infinity to disarm. */
  set(at: number, interval: number): void {
    this.#expirations = 0;
    this.timer.disarm();
    if (at !== Infinity) this.timer.arm(at, interval);
  }

  protected override close(): void {
    this.timer.disarm();
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) fail('EINVAL');
    if (this.#expirations === 0) return WOULD_BLOCK;
    const count = this.#expirations + this.timer.rearm();
    new DataView(into.buffer, into.byteOffset, 8).setBigUint64(0, BigInt(count), true);
    this.#expirations = 0;
    return 8;
  }
  override fdInfo(): string {
    const pair = (ms: number) => {
      const seconds = Math.floor(ms / 1000);
      return `(${seconds}, ${Math.round((ms - seconds * 1000) * 1e6)})`;
    };
    const { remaining, interval } = this.timer;
    const flags = `settime flags: 0${this.settimeFlags.toString(8)}`;
    const setting = `it_value: ${pair(remaining)}\nit_interval: ${pair(interval)}`;
    return `clockid: ${this.clock}\nticks: ${this.#expirations}\n${flags}\n${setting}\n`;
  }
  override poll(): number {
    return this.#expirations > 0 ? POLLIN | POLLRDNORM : 0;
  }
  override get pollable(): boolean {
    return true;
  }
}
