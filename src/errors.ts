/** The errors of the library. Each has a `code`, which stays what it is whatever the message says. */

export class ArmrunError extends Error {
  /** `ERR_ARMRUN_...` (`ERR_ARMRUN_NODE`: this Node is too old), or for a {@link StartError} the name Linux has for the error. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Options that cannot be: `ERR_ARMRUN_OPTION`, or `ERR_ARMRUN_CPU` for a CPU that is not there. */
export class OptionError extends ArmrunError {}

/** The program cannot be executed. Its code is what execve(2) would give: `ENOENT`, `EACCES`, `ENOEXEC`, `ELOOP` ... */
export class StartError extends ArmrunError {
  /** What a shell's `$?` would be: 127 when there is no such program, 126 when there is one that cannot be executed. */
  readonly exitCode: number;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.exitCode = code === 'ENOENT' || code === 'ENOTDIR' ? 127 : 126;
  }
}

/** Two CPUs that were to be compared differ: `ERR_ARMRUN_VERIFY`. The message says where. */
export class VerifyError extends ArmrunError {}

/** Armrun itself has failed, and the run with it: `ERR_ARMRUN_INTERNAL`. The `cause` is what was thrown. */
export class InternalError extends ArmrunError {}
