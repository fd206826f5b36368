/**
 * What is absent answers as the kernel that uname names (6.1) does when it is built without it: programs that ask first go
 * another way.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compile } from '../vfs/compile.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));

/** Calls by number, with the option that Linux would be built without; those of later kernels, with theirs. */
const ABSENT: readonly (readonly [name: string, number: number, why: string])[] = [
  ['add_key', 309, 'CONFIG_KEYS'],
  ['request_key', 310, 'CONFIG_KEYS'],
  ['keyctl', 311, 'CONFIG_KEYS'],
  ['io_setup', 243, 'CONFIG_AIO'],
  ['perf_event_open', 364, 'CONFIG_PERF_EVENTS'],
  ['fanotify_init', 367, 'CONFIG_FANOTIFY'],
  ['name_to_handle_at', 370, 'CONFIG_FHANDLE'],
  ['open_by_handle_at', 371, 'CONFIG_FHANDLE'],
  ['seccomp', 383, 'CONFIG_SECCOMP'],
  ['bpf', 386, 'CONFIG_BPF_SYSCALL'],
  ['userfaultfd', 388, 'CONFIG_USERFAULTFD'],
  ['rseq', 398, 'CONFIG_RSEQ'],
  ['io_uring_setup', 425, 'CONFIG_IO_URING'],
  ['io_uring_enter', 426, 'CONFIG_IO_URING'],
  ['io_uring_register', 427, 'CONFIG_IO_URING'],
  ['landlock_create_ruleset', 444, 'CONFIG_SECURITY_LANDLOCK'],
  ['landlock_add_rule', 445, 'CONFIG_SECURITY_LANDLOCK'],
  ['landlock_restrict_self', 446, 'CONFIG_SECURITY_LANDLOCK'],
  ['statmount', 457, 'Linux 6.8'],
  ['listmount', 458, 'Linux 6.8'],
  ['lsm_list_modules', 461, 'Linux 6.8'],
  ['mseal', 462, 'Linux 6.10'],
];

const SOURCE = `#include "try.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  long word = 0;
${ABSENT.map(([name, number]) => `  errno = 0; syscall(${number}, &word, 0, 0, 0, 0, 0); printf("${name} %s\\n", strerrorname_np(errno));`).join('\n')}
  TRY(prctl(PR_GET_SECCOMP));
  TRY(prctl(PR_SET_SECCOMP, 1));
  pid_t pid = fork();
  if (pid == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); _exit(0); }
  waitpid(pid, NULL, 0);
  TRY(ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
  kill(pid, SIGKILL);
  return 0;
}
`;

test('absent calls', { timeout: 120_000 }, () => {
  const program = compile('absent', SOURCE, 'arm');
  const { stdout } = spawnSync(process.execPath, [bin, program], { encoding: 'utf8' });
  expect(stdout.split('\n')).toEqual([
    ...ABSENT.map(([name]) => `${name} ENOSYS`),
    'prctl(PR_GET_SECCOMP) = -1 EINVAL',
    'prctl(PR_SET_SECCOMP, 1) = -1 EINVAL',
    // No ARM has it.
    'ptrace(PTRACE_SINGLESTEP, pid, 0, 0) = -1 EIO',
    '',
  ]);
});

test('without CONFIG_AUDIT /proc/PID has nothing of it: pam_loginuid(8) lets sessions begin where it cannot write', () => {
  const source = `
    #include "try.h"
    #include <sys/socket.h>
    #include <unistd.h>
    int main(void) {
      TRY(access("/proc/self/loginuid", F_OK));
      TRY(access("/proc/self/sessionid", F_OK));
      TRY(socket(AF_NETLINK, SOCK_RAW, 9));
    }`;
  const { stdout } = spawnSync(process.execPath, [bin, '--cpu', 'interp', compile('audit', source, 'arm')], {
    encoding: 'latin1',
  });
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').at(-1)),
  ).toEqual(['ENOENT', 'ENOENT', 'EPROTONOSUPPORT']);
});
