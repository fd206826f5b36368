/**
 * Signals that reach this process are the guest's: those a terminal sends go to its foreground process group, others to the first process. When the first process stops, so does
 * this one, so that the host's shell sees a stopped job.
 */
import { isatty } from 'node:tty';
import { SI, SIG } from '../syscalls/abi/signal.ts';
import type { Kernel } from '../syscalls/kernel/kernel.ts';
import type { Process } from '../syscalls/kernel/process.ts';
import { sendToProcess } from '../syscalls/kernel/signals.ts';

const FROM_TERMINAL = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'] as const;
const TO_FIRST = [
  'SIGHUP',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGURG',
  'SIGIO',
] as const;

/** Begins forwarding; gives what ends it. */
export function forwardSignals(kernel: Kernel, init: Process): () => void {
  const tell = (p: Process, signo: number) => {
    if (!p.zombie) sendToProcess(p, { signo, code: SI.SI_USER, pid: 0, uid: 0 });
  };
  const toForeground = (name: (typeof FROM_TERMINAL)[number]) => {
    if (!isatty(0)) return tell(init, SIG[name]);
    for (const p of kernel.group(init.session.foreground || init.pgid)) tell(p, SIG[name]);
  };
  const toFirst = (name: (typeof TO_FIRST)[number]) => tell(init, SIG[name]);
  for (const name of FROM_TERMINAL) process.on(name, toForeground);
  for (const name of TO_FIRST) process.on(name, toFirst);
  init.onStop = () => {
    process.kill(process.pid, 'SIGSTOP');
    // Somebody has continued us.
    for (const p of kernel.group(init.session.foreground || init.pgid)) tell(p, SIG.SIGCONT);
  };
  return () => {
    for (const name of FROM_TERMINAL) process.off(name, toForeground);
    for (const name of TO_FIRST) process.off(name, toFirst);
  };
}
