/** The command `armrun`, after bin.cjs has found a Node for it: options in, one run, and an end that is the guest's own. */
import { accessSync, closeSync, existsSync, constants as fsConstants, realpathSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';

import { CPU_MODELS } from '../emu/cpu-model.ts';
import manifest from '../package.json' with { type: 'json' };
import { ownersOf } from '../syscalls/vfs/host/kept-attributes.ts';
import { restoreEnvironment } from './environment.ts';
import { InternalError, StartError, VerifyError } from './errors.ts';
import { isCommand, runCommand } from './image/command.ts';
import { parseOptions, USAGE, UsageError } from './options.ts';
import { complain, lineWriter, sayFault, sayStart, sayStats } from './report.ts';

/** Exit status of armrun's own failures, as of chroot(1), env(1) and their like. */
const FAILURE = 125;
/** The two CPUs of a verification differ. */
const MISMATCH = 99;

/** Runs one command line (without node and script) and ends the process as the guest ended. */
export async function main(args: readonly string[]): Promise<void> {
  const ignoredSignals = restoreEnvironment();
  let options: ReturnType<typeof parseOptions>;
  try {
    const [word, ...rest] = args;
    const done = isCommand(word) ? await runCommand(word, rest) : args;
    if (typeof done === 'number') {
      process.exitCode = done;
      return;
    }
    options = parseOptions(done, process.env);
  } catch (error) {
    fail(error instanceof UsageError ? `${error.message} (see armrun --help)` : (error as Error).message);
  }
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  if (options === 'cpu-models') {
    process.stdout.write(CPU_MODELS.map((m) => `${m.name}\n`).join(''));
    return;
  }
  if (options === 'version') {
    process.stdout.write(`armrun ${manifest.version}\n`);
    return;
  }

  // Not before: what the guest does not need need not be loaded.
  const { run } = await import('./run.ts');
  const { command, argv0, strace, warn, debug, stackSize, fakeroot, ...rest } = options;
  const program = command[0]!;
  let terminalChanged = false;
  const result = await run({
    ...rest,
    fakeroot: fakeroot ?? isFakerootUsual(options.root),
    ignoredSignals,
    program,
    argv: [argv0 ?? program, ...command.slice(1)],
    ...(stackSize !== null && { limits: { stack: { soft: stackSize } } }),
    on: {
      ...(strace !== null && { syscall: lineWriter(strace) }),
      ...(warn && { warning: complain }),
      ...(debug && { start: sayStart }),
      failure: (message) => complain(`internal error, not the program's: ${message}`),
      terminalChanged: () => {
        terminalChanged = true;
      },
    },
  }).catch(notRun);
  if (result.fault) sayFault(result.fault);
  if (result.stats) sayStats(result.stats);
  if (result.signal !== null) dieBy(result.signal);
  // Node would give terminals among them the settings it was started with.
  if (terminalChanged) for (const fd of [0, 1, 2]) closeSync(fd);
  process.exit(result.exitCode);
}

/** An ordinary user is root in a root of their own, beside which they can keep what the host refuses them. */
function isFakerootUsual(root: string | null): boolean {
  if (root === null || process.geteuid?.() === 0) return false;
  try {
    const owners = ownersOf(realpathSync(root));
    accessSync(existsSync(owners) ? owners : dirname(owners), fsConstants.W_OK);
    return statSync(root).uid === process.geteuid?.();
  } catch {
    return false;
  }
}

/** Says why there is no end of the program's own, and ends this process. */
function notRun(error: unknown): never {
  if (error instanceof StartError) fail(error.message, error.exitCode);
  if (error instanceof VerifyError) fail(`verify: ${error.message}`, MISMATCH);
  if (error instanceof InternalError) {
    const { cause } = error;
    fail(`internal error, not the program's: ${(cause as Error | undefined)?.stack ?? error.message}`);
  }
  return fail((error as Error).message);
}

function fail(message: string, status = FAILURE): never {
  complain(message);
  process.exit(status);
}

/** Ends this process by a signal as the guest ended; by its shell status where the signal does not end Node. */
function dieBy(signal: NodeJS.Signals): never {
  if (signal !== 'SIGKILL') {
    // Node ignores some signals and uses others; taking a handler away leaves the default action.
    process.on(signal, () => {});
    process.removeAllListeners(signal);
  }
  process.kill(process.pid, signal);
  // Wait for it: it may be delivered to another thread of this process first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  process.exit(128 + constants.signals[signal]);
}
