/** Calls that end, replace, copy or trace the process that makes them, or return nowhere: each in a process of its own. */
export const IN_CHILD =
  /^(exit|exit_group|fork|vfork|clone|clone3|execve|execveat|ptrace|sigreturn|rt_sigreturn)$/;
/** Calls that find their argument on the stack. */
export const ON_STACK = /^(sigreturn|rt_sigreturn)$/;
/** Stands for a process that is traced and has stopped, as the second argument of ptrace. */
export const TRACEE_MARK = 0x7ace_0000;
