/**
 * Signals that reach this process are the guest's, and when the guest's first process stops, so does this one.
 *
 * The host's process group that this process is one of stands for the guest's first process group. What a terminal sends goes to
 * the guest's foreground group, as do SIGINT and SIGQUIT from elsewhere; other signals go to the first process, as if its pid had
 * been named. Not passed on: SIGPIPE, which Node gets for its own writes, and SIGCHLD.
 */
import { SI, SIG, signalName } from '../syscalls/abi/signal.ts';
import type { Kernel } from '../syscalls/kernel/kernel.ts';
import type { Process } from '../syscalls/kernel/process.ts';
import { sendToProcess } from '../syscalls/kernel/signals.ts';
import { HostTerminal } from '../syscalls/vfs/host/terminal.ts';

type Name = Extract<keyof typeof SIG, NodeJS.Signals>;

const TO_FOREGROUND: readonly Name[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'];
const TO_FIRST: readonly Name[] = ['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGURG', 'SIGIO'];

/** Begins forwarding; gives what ends it. */
export function forwardSignals(kernel: Kernel, init: Process): () => void {
  const send = (name: Name, to: Iterable<Process>) => {
    for (const p of to) {
      if (!p.zombie) sendToProcess(p, { signo: SIG[name], code: SI.SI_USER, pid: 0, uid: 0 });
    }
  };
  const foreground = () => kernel.group(init.session.foreground || init.pgid);

  const handlers = new Map<Name, () => void>();
  for (const name of TO_FOREGROUND) handlers.set(name, () => send(name, foreground()));
  for (const name of TO_FIRST) handlers.set(name, () => send(name, [init]));
  // Of a terminal that hangs up both the session's leader and the foreground are told; a daemon is asked to read its
  // configuration again.
  handlers.set('SIGHUP', () => send('SIGHUP', init.session.tty ? new Set([init, ...foreground()]) : [init]));
  // A shell continues a whole job.
  handlers.set('SIGCONT', () => send('SIGCONT', kernel.group(init.pgid)));
  for (const [name, handler] of handlers) process.on(name, handler);

  const terminal = init.session.tty instanceof HostTerminal ? init.session.tty : undefined;
  if (terminal) {
    const signal = (signo: number) => process.kill(0, signalName(signo) as Name);
    terminal.hostGroup = { pgid: init.pgid, signal };
  }
  init.onStop = (signo) => {
    terminal?.suspend();
    const name = signalName(signo) as Name;
    // SIGSTOP is meant for one process; the others stop a job, which is the whole group for a shell outside.
    const whole = signo !== SIG.SIGSTOP && terminal?.signalsUs;
    const handler = handlers.get(name);
    if (handler) process.off(name, handler);
    process.kill(whole ? 0 : process.pid, name);
    // Somebody has continued us, and the handler of SIGCONT will tell the guest.
    if (handler) process.on(name, handler);
  };
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
    if (terminal) terminal.hostGroup = undefined;
    init.onStop = undefined;
  };
}
