/**
 * What a process does with each signal (Linux's sighand_struct): shared by threads (CLONE_SIGHAND), copied by fork, reset by
 * exec.
 */
import {
  IGNORED_BY_DEFAULT,
  NSIG,
  SIG_DFL,
  SIG_IGN,
  type SigSet,
  sigmask,
  UNBLOCKABLE,
} from '../abi/signal.ts';

export interface SigAction {
  /** SIG_DFL, SIG_IGN or the handler's address. */
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: SigSet;
}

const DEFAULT: SigAction = { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n };

export class SignalHandlers {
  readonly #actions: SigAction[];

  constructor(actions: readonly SigAction[] = new Array<SigAction>(NSIG + 1).fill(DEFAULT)) {
    this.#actions = [...actions];
  }

  /** As a process has them whose parent ignored these signals before exec. */
  static ignoring(set: SigSet): SignalHandlers {
    const handlers = new SignalHandlers();
    for (let s = 1; s <= NSIG; s++) {
      if (set & sigmask(s) & ~UNBLOCKABLE) handlers.set(s, { ...DEFAULT, handler: SIG_IGN });
    }
    return handlers;
  }

  get(signal: number): SigAction {
    return this.#actions[signal]!;
  }
  set(signal: number, action: SigAction): void {
    this.#actions[signal] = action;
  }

  clone(): SignalHandlers {
    return new SignalHandlers(this.#actions);
  }
  /** As exec and CLONE_CLEAR_SIGHAND leave it: handlers become default, ignored stays ignored (flush_signal_handlers). */
  withDefaults(): SignalHandlers {
    return new SignalHandlers(
      this.#actions.map((a) => (a.handler === SIG_IGN ? { ...DEFAULT, handler: SIG_IGN } : DEFAULT)),
    );
  }

  /** Signals that would do nothing at all (sig_handler_ignored). */
  ignores(signal: number): boolean {
    const { handler } = this.#actions[signal]!;
    return handler === SIG_IGN || (handler === SIG_DFL && (IGNORED_BY_DEFAULT & sigmask(signal)) !== 0n);
  }

  /** Sets of ignored and of caught signals, for /proc/PID/status. */
  sets(): { ignored: SigSet; caught: SigSet } {
    let ignored = 0n;
    let caught = 0n;
    for (let s = 1; s <= NSIG; s++) {
      const { handler } = this.#actions[s]!;
      if (handler === SIG_IGN) ignored |= sigmask(s);
      else if (handler !== SIG_DFL) caught |= sigmask(s);
    }
    return { ignored, caught };
  }
}
