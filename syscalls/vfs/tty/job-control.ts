/** What terminals ask of the kernel, which lies above: job control (tty_ioctl(4), credentials(7)). */
import type { JobProcess } from '../core/open-file.ts';

export interface JobControl {
  /** The process that runs; undefined outside its time slice. */
  current(): JobProcess | undefined;
  signalGroup(pgid: number, signo: number): void;
  /** For the leader of a session alone. */
  signalLeader(sid: number, signo: number): void;
  /** The running thread blocks or ignores the signal. */
  ignores(signo: number): boolean;
  /** The session of a process group; undefined when there is no such group. */
  sessionOf(pgid: number): JobProcess['session'] | undefined;
  /** Nobody outside the group could continue it (orphaned process group). */
  isOrphaned(pgid: number): boolean;
}
