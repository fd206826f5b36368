/* For fixtures that hold system calls against a real kernel: prints each call with its result or the name of its error. */
#ifndef TRY_H
#define TRY_H
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The text of the call, its result, and errno when it failed. */
#define TRY(call)                                                                       \
  do {                                                                                  \
    errno = 0;                                                                          \
    long long result_ = (long long)(call);                                              \
    if (result_ < 0) printf("%s = %lld %s\n", #call, result_, strerrorname_np(errno));  \
    else printf("%s = %lld\n", #call, result_);                                         \
  } while (0)

/* As TRY, where the value of a success means nothing (a new descriptor). */
#define TRY0(call)                                                                      \
  do {                                                                                  \
    errno = 0;                                                                          \
    long long result_ = (long long)(call);                                              \
    if (result_ < 0) printf("%s = -1 %s\n", #call, strerrorname_np(errno));             \
    else printf("%s ok\n", #call);                                                      \
  } while (0)

/* Waits for a process, and tells how it ended. */
static inline void finish(int pid) {
  int status;
  waitpid(pid, &status, 0);
  printf("ended %x\n", status);
}

/* Does something in a process of its own. */
static inline void run(void (*what)(void)) {
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    what();
    fflush(stdout);
    _exit(0);
  }
  finish(pid);
}
#endif
