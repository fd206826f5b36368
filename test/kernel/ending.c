/* Guests that are hard to end: argv[1] names one. */
#include "try.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void ready(void) {
  puts("ready");
  fflush(stdout);
}
static void *sleeps(void *unused) {
  for (;;) pause();
  return unused;
}
static void *computes(void *unused) {
  for (volatile unsigned i = 0;; i++) {
  }
  return unused;
}
static void handled(int n) {
  dprintf(1, "signal %d\n", n);
  _exit(7);
}

int main(int argc, char **argv) {
  const char *what = argv[argc - 1];
  if (!strcmp(what, "threads")) {
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    for (int i = 0; i < 2000; i++) {
      if (pthread_create(&thread, &small, sleeps, NULL)) return 1;
    }
  } else if (!strcmp(what, "processes")) {
    for (int i = 0; i < 100; i++) {
      if (fork() == 0) computes(NULL);
    }
  } else if (!strcmp(what, "flushes")) {
    unsigned *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ready();
    for (;;) {
      *code = 0xe12fff1e; /* bx lr */
      __builtin___clear_cache((char *)code, (char *)code + 4);
      ((void (*)(void))code)();
    }
  } else if (!strcmp(what, "long call")) {
    char *bytes = malloc(200 << 20);
    ready();
    for (;;) {
      int fd = memfd_create("x", 0);
      write(fd, bytes, 200 << 20);
      close(fd);
    }
  } else if (!strcmp(what, "handler")) {
    signal(SIGTERM, handled);
    signal(SIGINT, handled);
  } else if (!strcmp(what, "wait")) {
    sigset_t set;
    int n;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    ready();
    sigwait(&set, &n);
    handled(n);
  } else if (!strcmp(what, "end")) {
    ready();
    return 0;
  } else if (!strcmp(what, "default again")) {
    signal(SIGTERM, handled);
    signal(SIGINT, handled);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
  }
  ready();
  sleeps(NULL);
}
