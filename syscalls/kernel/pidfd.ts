/** Process file descriptors (pidfd_open(2)): readable when the process has ended. */
import { O_NONBLOCK, O_RDWR } from '../abi/fcntl.ts';
import { POLLIN, POLLRDNORM } from '../abi/poll.ts';
import { ObjectInode } from '../vfs/core/anonymous.ts';
import { OpenFile } from '../vfs/core/open-file.ts';
import type { Process } from './process.ts';

export class PidFile extends OpenFile {
  readonly process: Process;

  constructor(process: Process, nonblocking = false) {
    super(
      new ObjectInode(process.kernel.vfs, 'anon_inode:[pidfd]'),
      O_RDWR | (nonblocking ? O_NONBLOCK : 0),
      process.endQueue,
    );
    this.process = process;
  }

  override fdInfo(): string {
    const { process } = this;
    if (process.reaped) return 'Pid:\t-1\nNSpid:\t-1\n';
    // Of who looks, as /proc is.
    const { pids } = process.kernel.scheduler.current?.process ?? process;
    const numbers = process.pids.numbersFrom(pids, process.pid);
    return `Pid:\t${numbers[0] ?? 0}\nNSpid:\t${numbers.join('\t') || 0}\n`;
  }
  override poll(): number {
    return this.process.zombie ? POLLIN | POLLRDNORM : 0;
  }
  override get pollable(): boolean {
    return true;
  }
}
