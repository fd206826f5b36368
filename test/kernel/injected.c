/*
 * Meets bugs of armrun's (injected.ts) while another process, which is asked after each of them, goes on. argv: the numbers of
 * all calls.
 */
#include "try.h"
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK_FIRST 0x5eed0001
#define MARK_AGAIN 0x5eed0002

static long raw(long number, long a, long b, long c, long mark) {
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  register long r7 __asm__("r7") = number;
  /* Later calls do not have the mark. */
  __asm__ volatile("mov r6, %4\n\tsvc 0\n\tmov r6, #0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r7), "r"(mark) : "r6", "memory");
  return r0;
}

static int ask[2], answer[2];
static int asked;

/* The other process counts. */
static void other(void) {
  int count = 0;
  char c;
  while (read(ask[0], &c, 1) == 1) {
    count++;
    write(answer[1], &count, sizeof count);
  }
  _exit(0);
}
static void otherGoesOn(const char *after) {
  int count = 0;
  asked++;
  write(ask[1], "x", 1);
  if (read(answer[0], &count, sizeof count) != sizeof count || count != asked) printf("the other process ended after %s\n", after);
}

static void childThat(void (*does)(void), const char *what) {
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    does();
    _exit(1);
  }
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
  else printf("%s: status %d\n", what, WEXITSTATUS(status));
  otherGoesOn(what);
}

static void touches(void) { *(volatile char *)0x5eed0000 = 1; }
static void caught(int signal) { _exit(signal + 10); }
static void touchesWithHandler(void) {
  signal(SIGSEGV, caught);
  touches();
}

/* The call is run again when the pipe is written to. */
static void sleeps(void) {
  int fds[2];
  char c;
  pipe(fds);
  if (fork() == 0) {
    usleep(20000);
    write(fds[1], "xy", 2);
    _exit(0);
  }
  long result = raw(3, fds[0], (long)&c, 1, MARK_AGAIN);
  if (result != -EIO) _exit(2);
  /* Nothing was read, and the descriptor is as it was. */
  if (read(fds[0], &c, 1) != 1 || c != 'x') _exit(3);
  _exit(0);
}

/* A connection of which bytes were lost is broken; who waits for them is told, and another one goes on. */
static void connections(void) {
  char bytes[9];
  int server = socket(AF_INET, SOCK_STREAM, 0), client[2], accepted[2];
  struct sockaddr_in at = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof at;
  bind(server, (void *)&at, sizeof at);
  listen(server, 2);
  getsockname(server, (void *)&at, &length);
  for (int i = 0; i < 2; i++) {
    client[i] = socket(AF_INET, SOCK_STREAM, 0);
    connect(client[i], (void *)&at, sizeof at);
    accepted[i] = accept(server, NULL, NULL);
  }
  if (fork() == 0) {
    usleep(50000);
    write(client[0], "fail", 4);
    write(client[1], "good", 4);
    sleep(1);
    _exit(0);
  }
  if (read(accepted[0], bytes, 9) != -1 || errno != EIO) _exit(2);
  if (read(accepted[0], bytes, 9) != 0) _exit(3);
  if (read(accepted[1], bytes, 9) != 4 || memcmp(bytes, "good", 4)) _exit(4);
  _exit(0);
}

/* The byte that came may be lost: the read that waited for it is told, and the next one has what there is. */
static void input(void) {
  char bytes[9];
  puts("input, please");
  fflush(stdout);
  if (read(0, bytes, 9) != -1 || errno != EIO) _exit(2);
  _exit(read(0, bytes, 9) != 6);
}

int main(int argc, char **argv) {
  int wrong = 0;
  alarm(120);
  pipe(ask);
  pipe(answer);
  if (fork() == 0) {
    close(ask[1]);
    other();
  }
  for (int i = 1; i < argc; i++) {
    long number = strtol(argv[i], NULL, 0);
    long result = raw(number, 0, 0, 0, MARK_FIRST);
    if (result != -EIO) printf("call %ld gave %ld\n", number, result), wrong++;
    otherGoesOn(argv[i]);
  }
  printf("%d calls, %d wrong\n", argc - 1, wrong);
  childThat(sleeps, "a call that is run again");
  childThat(touches, "a page fault");
  childThat(touchesWithHandler, "a page fault with a handler");
  childThat(connections, "a connection");
  childThat(input, "standard input");
  close(ask[1]);
  int status;
  wait(&status);
  printf("the other process: status %d\n", status);
}
