/**
 * What this process is to the job control of the host: fields of /proc/PID/stat (proc_pid_stat(5)). Without /proc it is taken for
 * a job in the foreground.
 */
import fs from 'node:fs';
import { makedev } from '../../abi/stat.ts';

/** /dev/tty, whichever terminal that is. */
const TTY = makedev(5, 0);

interface Job {
  parent: number;
  group: number;
  session: number;
  /** Device number of the controlling terminal; 0 for none. */
  tty: number;
  /** The terminal's foreground process group. */
  foreground: number;
}

function jobOf(pid: number | 'self'): Job | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [parent, group, session, tty, foreground] = fields.slice(1, 6).map(Number);
    return { parent: parent!, group: group!, session: session!, tty: tty!, foreground: foreground! };
  } catch {
    return undefined;
  }
}

/** Whether its process group may use its controlling terminal. */
export function inForeground(): boolean {
  const job = jobOf('self');
  return !job || job.tty === 0 || job.group === job.foreground;
}

/** Whether a terminal's characters for signals are meant for this process's group. */
export function isForegroundOf(rdev: number): boolean {
  const job = jobOf('self');
  if (job === undefined || job.group !== job.foreground) return false;
  return job.tty === rdev || rdev === TTY;
}

/** Whether its process group is orphaned: nobody would continue it, so terminal signals do not stop it (setpgid(2)). */
export function isOrphaned(): boolean {
  const job = jobOf('self');
  if (!job) return false;
  for (let up = jobOf(job.parent); up !== undefined; up = jobOf(up.parent)) {
    if (up.group !== job.group) return up.session !== job.session;
  }
  return true;
}
