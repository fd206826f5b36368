/** Calls that are not made up: they end, replace or copy the process that makes them, or return nowhere. */
export const NEVER =
  /^(exit|exit_group|fork|vfork|clone|clone3|execve|execveat|sigreturn|rt_sigreturn|restart_syscall|ptrace|sync)$/;
