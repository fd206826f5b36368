/**
 * Signals that reach this process are the guest's, and when the guest's first process stops, so does this one.
 *
 * The host's process group that this process is one of stands for the guest's first process group. What a terminal sends goes to
 * the guest's foreground group, as do SIGINT and SIGQUIT from elsewhere; other signals go to the first process, as if its pid had
 * been named. Not passed on: SIGPIPE, which Node gets for its own writes, and SIGCHLD.
 *
 * A signal that would end the first process by its default action ends this process by the host's: at once, whatever this thread
 * is busy with, and the run with it. Only where that would lose what the guest takes for done (vfs.lingering), or as pid 1 of a
 * container, which no default action ends, is it passed on by this thread.
 */
import { SI, SIG, SIG_DFL, sigmask, signalName } from '../syscalls/abi/signal.ts';
import type { Kernel } from '../syscalls/kernel/kernel.ts';
import type { Process } from '../syscalls/kernel/process.ts';
import { sendToProcess } from '../syscalls/kernel/signals.ts';
import { HostTerminal } from '../syscalls/vfs/host/terminal.ts';

type Name = Extract<keyof typeof SIG, NodeJS.Signals>;

const TO_FOREGROUND: readonly Name[] = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'];
const TO_FIRST: readonly Name[] = ['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGURG', 'SIGIO'];

/** Those that users end programs by, and that leave no core. */
const ENDING: readonly Name[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
/** Milliseconds after which a handler goes that is of no use. */
const HANDLER_MS = 1000;

/** Begins forwarding; gives what ends it. */
export function forwardSignals(kernel: Kernel, init: Process): () => void {
  const send = (name: Name, to: Iterable<Process>) => {
    for (const p of to) {
      if (!p.zombie) sendToProcess(p, { signo: SIG[name], code: SI.SI_USER, pid: 0, uid: 0 });
    }
  };
  const foreground = () => kernel.group(init.session.foreground || init.pgid);

  /** Whether a signal of the host may do what it does by default. */
  const endsAll = (name: Name) => {
    const { leader, session } = init;
    if (process.pid === 1 || kernel.vfs.lingering.owes || leader.trace !== undefined) return false;
    if (name === 'SIGINT' && (session.foreground || init.pgid) !== init.pgid) return false;
    if (name === 'SIGHUP' && session.tty) return false;
    if (leader.sighand.get(SIG[name]).handler !== SIG_DFL) return false;
    for (const t of init.threads) if ((t.blocked & sigmask(SIG[name])) === 0n) return true;
    return false;
  };

  const handlers = new Map<Name, () => void>();
  for (const name of TO_FOREGROUND) handlers.set(name, () => send(name, foreground()));
  for (const name of TO_FIRST) handlers.set(name, () => send(name, [init]));
  // Of a terminal that hangs up both the session's leader and the foreground are told; a daemon is asked to read its
  // configuration again.
  handlers.set('SIGHUP', () => send('SIGHUP', init.session.tty ? new Set([init, ...foreground()]) : [init]));
  // A shell continues a whole job.
  handlers.set('SIGCONT', () => send('SIGCONT', kernel.group(init.pgid)));
  for (const [name, handler] of handlers) {
    if (!ENDING.includes(name)) process.on(name, handler);
  }
  // Handlers come at once and go when they were of no use for a while: libc blocks all signals now and then.
  const installed = new Set<Name>();
  let later: NodeJS.Timeout | undefined;
  const takeAway = () => {
    later = undefined;
    settle(true);
  };
  const settle = (final: boolean) => {
    for (const name of ENDING) {
      const handler = handlers.get(name)!;
      const needed = !endsAll(name);
      if (needed && !installed.has(name)) {
        installed.add(name);
        process.on(name, handler);
      } else if (!needed && installed.has(name)) {
        if (final) {
          installed.delete(name);
          process.off(name, handler);
        } else later ??= setTimeout(takeAway, HANDLER_MS).unref();
      }
    }
  };
  init.onSignals = () => settle(false);
  kernel.vfs.lingering.onFirst = init.onSignals;
  settle(true);

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
    clearTimeout(later);
    init.onSignals = kernel.vfs.lingering.onFirst = undefined;
    for (const [name, handler] of handlers) process.off(name, handler);
    if (terminal) terminal.hostGroup = undefined;
    init.onStop = undefined;
  };
}
