/** signalfd(2): pending signals of whoever reads, as records of 128 bytes. */
import { fail } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { POLLIN, POLLRDNORM } from '../abi/poll.ts';
import { type SigInfo, type SigSet, UNBLOCKABLE } from '../abi/signal.ts';
import { AnonymousFile, ObjectInode } from '../vfs/core/anonymous.ts';
import { WOULD_BLOCK } from '../vfs/core/open-file.ts';
import type { Kernel } from './kernel.ts';

const RECORD = 128;

export class SignalFile extends AnonymousFile {
  #mask: SigSet;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, mask: SigSet, flags: number) {
    super(new ObjectInode(kernel.vfs, 'anon_inode:[signalfd]'), O_RDWR | flags, kernel.signalArrivals);
    this.#kernel = kernel;
    this.#mask = mask & ~UNBLOCKABLE;
  }

  set mask(mask: SigSet) {
    this.#mask = mask & ~UNBLOCKABLE;
    this.queue.wakeAll();
  }

  override read(into: Uint8Array): number {
    if (into.length < RECORD) fail('EINVAL');
    const t = this.#kernel.scheduler.current!;
    let done = 0;
    while (done + RECORD <= into.length) {
      const info = t.pending.take(this.#mask) ?? t.process.pending.take(this.#mask);
      if (info === undefined) break;
      write(new DataView(into.buffer, into.byteOffset + done, RECORD), info);
      done += RECORD;
    }
    t.recalcSignals();
    return done || WOULD_BLOCK;
  }

  override fdInfo(): string {
    return `sigmask:\t${this.#mask.toString(16).padStart(16, '0')}\n`;
  }
  override poll(): number {
    const t = this.#kernel.scheduler.current;
    if (t === undefined) return 0;
    return (t.pending.set | t.process.pending.set) & this.#mask ? POLLIN | POLLRDNORM : 0;
  }
  override get pollable(): boolean {
    return true;
  }
}

/** struct signalfd_siginfo (linux/signalfd.h). */
function write(view: DataView, info: SigInfo): void {
  for (let i = 0; i < RECORD; i += 4) view.setUint32(i, 0, true);
  const word = (at: number, value: number | undefined) => view.setInt32(at, value ?? 0, true);
  word(0, info.signo);
  word(4, info.errno);
  word(8, info.code);
  word(12, info.pid);
  word(16, info.uid);
  word(20, info.fd);
  word(24, info.timerid);
  word(28, info.band);
  word(32, info.overrun);
  word(36, info.trapNo);
  word(40, info.status);
  word(44, info.value);
  view.setBigUint64(48, BigInt(info.value ?? 0) & 0xffff_ffffn, true);
  view.setBigUint64(56, BigInt(info.utime ?? 0), true);
  view.setBigUint64(64, BigInt(info.stime ?? 0), true);
  view.setBigUint64(72, BigInt(info.addr ?? 0), true);
}
