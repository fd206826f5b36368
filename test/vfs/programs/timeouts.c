// Timeouts of sockets: how finely they are kept, what has none, and which calls they end; and how long closing waits.
#include "try.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

enum { OLD_RECEIVE = 20, OLD_SEND, NEW_RECEIVE = 66, NEW_SEND };

static int s;

static void show(int option) {
  char bytes[16];
  socklen_t length = sizeof bytes;
  TRY(getsockopt(s, SOL_SOCKET, option, bytes, &length));
  if (option >= NEW_RECEIVE) {
    int64_t *time = (int64_t *)bytes;
    printf("%d: %lld %lld\n", option, (long long)time[0], (long long)time[1]);
  } else {
    struct timeval *time = (struct timeval *)bytes;
    printf("%d: %lld %lld\n", option, (long long)time->tv_sec, (long long)time->tv_usec);
  }
}

static void kept(void) {
  static const int64_t times[][2] = {{0, 1},        {0, 3999},   {0, 4000}, {0, 4001}, {1, 999999}, {2, 123456}, {-1, 5},
                                     {-7, 1000000}, {5, 999999}, {0, -1},   {0, 0},    {7, 0},      {100000, 3}};
  for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
    struct timeval old = {times[i][0], times[i][1]};
    int64_t new[2] = {times[i][0], times[i][1]};
    printf("%lld %lld\n", (long long)new[0], (long long)new[1]);
    TRY(setsockopt(s, SOL_SOCKET, OLD_RECEIVE, &old, sizeof old));
    show(OLD_RECEIVE);
    show(NEW_RECEIVE);
    TRY(setsockopt(s, SOL_SOCKET, NEW_SEND, new, sizeof new));
    show(OLD_SEND);
    show(NEW_SEND);
  }
  int64_t far[2] = {INT64_MAX, 5};
  TRY(setsockopt(s, SOL_SOCKET, NEW_SEND, far, sizeof far));
  show(NEW_SEND);
}

static void lingers(void) {
  static const int times[][2] = {{1, 7}, {0, 9}, {9, 3}, {0, 0}, {1, 0}, {-1, 8000000}};
  for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
    struct linger l = {times[i][0], times[i][1]};
    TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    socklen_t length = sizeof l;
    TRY(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &length));
    printf("%d %d\n", l.l_onoff, l.l_linger);
  }
}

static void wait_ms(int fd, int option, int ms) {
  struct timeval time = {ms / 1000, ms % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static void on_alarm(int n) { (void)n; }

/* A call that takes its timeout, one that does not wait, and one that a signal ends. */
#define ENDS(fd, option, call)                               \
  do {                                                       \
    wait_ms(fd, option, 60);                                 \
    double began_ = now();                                   \
    TRY(call);                                               \
    printf("waited %d\n", now() - began_ >= 0.055);          \
    struct timeval past_ = {-1, 0};                          \
    setsockopt(fd, SOL_SOCKET, option, &past_, sizeof past_); \
    TRY(call);                                               \
    wait_ms(fd, option, 100000);                             \
    struct itimerval soon_ = {{0, 0}, {0, 50000}};           \
    setitimer(ITIMER_REAL, &soon_, NULL);                    \
    TRY(call);                                               \
  } while (0)

int main(void) {
  s = socket(AF_INET, SOCK_STREAM, 0);
  kept();
  lingers();
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  char byte;
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  ENDS(pair[0], SO_RCVTIMEO, read(pair[0], &byte, 1));
  ENDS(pair[0], SO_RCVTIMEO, recv(pair[0], &byte, 1, 0));
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in any = {.sin_family = AF_INET};
  TRY(bind(udp, (void *)&any, sizeof any));
  ENDS(udp, SO_RCVTIMEO, recv(udp, &byte, 1, 0));
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  TRY(bind(tcp, (void *)&any, sizeof any));
  TRY(listen(tcp, 1));
  ENDS(tcp, SO_RCVTIMEO, accept(tcp, NULL, NULL));
  int local = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  socklen_t length = sizeof name;
  TRY(bind(local, (void *)&name, sizeof(sa_family_t)));
  getsockname(local, (void *)&name, &length);
  TRY(listen(local, 0));
  ENDS(local, SO_RCVTIMEO, accept(local, NULL, NULL));
  int first = socket(AF_UNIX, SOCK_STREAM, 0), second = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(connect(first, (void *)&name, length));
  ENDS(second, SO_SNDTIMEO, connect(second, (void *)&name, length));
  return 0;
}
