/* A C program of many cases: CASE(name) { ... }, run as `program name`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct test_case {
  const char *name;
  void (*run)(void);
  struct test_case *next;
};
static struct test_case *all_cases;

#define CASE(NAME)                                                             \
  static void case_##NAME(void);                                               \
  static struct test_case entry_##NAME = {#NAME, case_##NAME, 0};              \
  __attribute__((constructor)) static void add_##NAME(void) {                  \
    entry_##NAME.next = all_cases;                                             \
    all_cases = &entry_##NAME;                                                 \
  }                                                                            \
  static void case_##NAME(void)

/* Says what a call gave: its value, or its errno. */
#define SHOW(EXPRESSION)                                                       \
  do {                                                                         \
    errno = 0;                                                                 \
    long show_result = (long)(EXPRESSION);                                     \
    if (show_result == -1 && errno)                                            \
      printf("%s: %s\n", #EXPRESSION, strerrorname_np(errno));                 \
    else                                                                       \
      printf("%s: %ld\n", #EXPRESSION, show_result);                           \
  } while (0)

/* A call of pthreads gives its error as its value. */
#define SHOW_ERROR(EXPRESSION)                                                 \
  do {                                                                         \
    int show_error = (EXPRESSION);                                             \
    printf("%s: %s\n", #EXPRESSION, show_error ? strerrorname_np(show_error) : "0"); \
  } while (0)

/* How a child ended, in words. */
__attribute__((unused)) static void show_status(const char *what, int status) {
  if (WIFEXITED(status)) printf("%s: exit %d\n", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) printf("%s: SIG%s\n", what, sigabbrev_np(WTERMSIG(status)));
  else if (WIFSTOPPED(status)) printf("%s: stopped by SIG%s\n", what, sigabbrev_np(WSTOPSIG(status)));
  else if (WIFCONTINUED(status)) printf("%s: continued\n", what);
  else printf("%s: %x\n", what, status);
}

__attribute__((unused)) static void nap(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  while (nanosleep(&t, &t) && errno == EINTR) {
  }
}

static void until_stat_sleeps(const char *path) {
  char line[200];
  for (;;) {
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    line[n > 0 ? n : 0] = 0;
    if (strstr(line, ") S")) return;
    nap(5);
  }
}
/* Waits until a child sleeps: in the one call in which it can. */
__attribute__((unused)) static void until_asleep(pid_t pid) {
  char path[32];
  sprintf(path, "/proc/%d/stat", pid);
  until_stat_sleeps(path);
}
/* The same of a thread. */
__attribute__((unused)) static void until_tid_asleep(pid_t thread) {
  char path[60];
  sprintf(path, "/proc/self/task/%d/stat", thread);
  until_stat_sleeps(path);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (struct test_case *c = all_cases; c; c = c->next)
    if (argc > 1 && !strcmp(c->name, argv[1])) {
      c->run();
      return 0;
    }
  return 99;
}
