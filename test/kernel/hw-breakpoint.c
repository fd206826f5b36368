/*
 * A tracer's hardware breakpoints and watchpoints (PTRACE_GETHBPREGS, PTRACE_SETHBPREGS): what registers take, and where a tracee
 * stops.
 */
#include "try.h"
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEEKDATA = 1, CONT = 7, GETREGS = 12, GETHBPREGS = 29, SETHBPREGS = 30, GETSIGINFO = 0x4202 };
enum { EXECUTE = 0, LOAD = 1, STORE = 2, BOTH = 3, BYTE = 1, HALF = 3, WORD = 15, DOUBLE = 255 };
#define ON(type, bytes) ((bytes) << 5 | (type) << 3 | 1)
#define OFF(type, bytes) ((bytes) << 5 | (type) << 3)

static volatile union {
  uint32_t words[64];
  uint8_t bytes[256];
  uint64_t doubles[32];
} data __attribute__((aligned(256)));
static volatile int step;
__attribute__((noinline, target("arm"))) void in_arm(void) { step++; }
__attribute__((noinline, target("thumb"), aligned(4))) void in_thumb(void) { step++; }

static pid_t pid;
static long trace(int request, long addr, void *at) { return syscall(SYS_ptrace, request, pid, addr, at); }
static long set(long number, uint32_t value) { return trace(SETHBPREGS, number, &value); }
static uint32_t get(long number) {
  uint32_t value = 0xdead;
  trace(GETHBPREGS, number, &value);
  return value;
}
#define AT(p) ((uint32_t)(p) & ~1)

/* Goes on to the next stop, and says which it is. */
static void next(const char *what) {
  int status;
  long at, where;
  siginfo_t info;
  uint32_t registers[18];
  do {
    trace(CONT, 0, 0);
    waitpid(pid, &status, 0);
  } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGCHLD);
  if (!WIFSTOPPED(status)) {
    printf("%s: ended %x\n", what, status);
    exit(1);
  }
  if (WSTOPSIG(status) == SIGSTOP) {
    printf("%s: none\n", what);
    return;
  }
  memset(&info, 0, sizeof info);
  trace(GETSIGINFO, 0, &info);
  trace(GETREGS, 0, registers);
  trace(PEEKDATA, (long)&step, &where);
  at = (long)info.si_addr - (long)&data;
  printf("%s: signal %d code %d register %d, step %ld, ", what, WSTOPSIG(status), info.si_code, info.si_errno, where);
  if (at >= 0 && at < 256) printf("data + %ld\n", at);
  else if (info.si_addr != (void *)registers[15]) printf("elsewhere\n");
  else printf("%s\n", registers[15] == AT(in_arm) ? "in_arm" : registers[15] == AT(in_thumb) ? "in_thumb" : "the PC");
}

static void tracee(void) {
  syscall(SYS_ptrace, 0, 0, 0, 0);
  for (;;) {
    raise(SIGSTOP);
    step = 0;
    data.words[1] = 5;
    step = 1;
    data.bytes[10] = data.bytes[11];
    step = 2;
    data.doubles[4]++;
    step = 3;
    syscall(SYS_clock_gettime, 1, &data.words[16]); /* what the kernel writes is not watched */
    step = 4;
    memset((void *)&data.words[20], 1, 64);
    step = 5;
    in_arm();
    in_thumb();
    pid_t child = fork(); /* its child has none */
    if (child == 0) {
      data.words[1] = 9;
      in_arm();
      _exit(data.words[1]);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 9 << 8) abort();
  }
}

int main(void) {
  int status;
  pid = fork();
  if (pid == 0) tracee();
  waitpid(pid, &status, 0);
  printf("%x\n", get(0));
  TRY(set(0, 1));
  TRY(get(1));
  TRY(trace(GETHBPREGS, 33, &status));
  TRY(trace(SETHBPREGS, -33, &status));
  TRY(trace(SETHBPREGS, 1, NULL));
  TRY(trace(GETHBPREGS, 1, NULL));
  TRY(set(2, ON(LOAD, WORD)));
  TRY(set(-2, ON(EXECUTE, WORD)));
  TRY(set(2, ON(EXECUTE, 5)));
  TRY(set(2, ON(EXECUTE, BYTE)));
  TRY(set(2, ON(EXECUTE, DOUBLE)));
  TRY(set(3, 0));
  TRY(set(5, 0));
  TRY(set(7, 0));
  TRY(set(11, 0));
  TRY(set(9, 0));
  TRY(set(-1, AT(&data.words[1])));
  TRY(set(-2, ON(STORE, WORD)));
  printf("%d %x\n", get(-1) == AT(&data.words[1]), get(-2));
  next("word stored");
  next("the same");
  TRY(set(-2, OFF(STORE, WORD)));
  next("off");
  TRY(set(-2, ON(LOAD, WORD)));
  next("word loaded");
  TRY(set(-1, AT(&data.words[16])));
  TRY(set(-2, ON(BOTH, WORD)));
  next("the kernel's");
  TRY(set(-2, OFF(BOTH, WORD)));
  TRY(set(-3, (uint32_t)&data.bytes[11]));
  TRY(set(-4, ON(BOTH, BYTE)));
  next("byte");
  TRY(set(-4, 0));
  TRY(set(-4, OFF(BOTH, BYTE)));
  next("off");
  TRY(set(-3, (uint32_t)&data.bytes[33]));
  TRY(set(-4, ON(BOTH, DOUBLE)));
  TRY(set(-4, ON(BOTH, HALF)));
  TRY(set(-3, (uint32_t)&data.bytes[35]));
  TRY(set(-4, OFF(BOTH, HALF)));
  TRY(set(-3, AT(&data.doubles[4])));
  TRY(set(-4, ON(BOTH, DOUBLE)));
  next("double");
  TRY(set(-4, OFF(BOTH, WORD)));
  next("off");
  TRY(set(-3, AT(&data.words[27])));
  TRY(set(-4, ON(STORE, WORD)));
  next("memset");
  TRY(set(-4, OFF(STORE, WORD)));
  next("off");
  TRY(set(-3, 0xffff0fc0));
  TRY(set(-4, ON(STORE, WORD)));
  TRY(set(1, AT(in_arm)));
  TRY(set(2, ON(EXECUTE, WORD)));
  next("breakpoint");
  next("the same");
  TRY(set(2, OFF(EXECUTE, WORD)));
  next("off");
  TRY(set(3, AT(in_thumb)));
  TRY(set(4, ON(EXECUTE, HALF)));
  next("breakpoint");
  TRY(set(4, OFF(EXECUTE, HALF)));
  next("off");
  kill(pid, SIGKILL);
  return 0;
}
