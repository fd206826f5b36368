// Options of sockets: which there are, and what is looked at first of a value, its length and its address.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Level, first and last option. The C library would translate some of them. */
static const int known[][3] = {
    {0, 0, 3},
    {0, 6, 18},
    {0, 20, 21},
    {0, 23, 24},
    {0, 26, 31},
    {0, 33, 34},
    {0, 53, 63},
    {0, 68, 79},
    {1, 0, 6},
    {1, 9, 13},
    {1, 17, 19},
    {1, 22, 24},
    {1, 29, 33},
    {1, 35, 36},
    {1, 38, 40},
    {1, 54, 54},
    {1, 66, 67},
    {6, 0, 10},
    {6, 12, 12},
    {6, 15, 15},
    {6, 18, 18},
    {6, 23, 23},
    {6, 25, 25},
    {6, 47, 83},
    {17, 0, 9},
    {17, 12, 83},
    {41, 0, 0},
    {41, 7, 7},
    {41, 9, 10},
    {41, 12, 16},
    {41, 18, 19},
    {41, 23, 23},
    {41, 25, 26},
    {41, 29, 29},
    {41, 36, 41},
    {41, 49, 49},
    {41, 51, 53},
    {41, 56, 56},
    {41, 58, 58},
    {41, 60, 60},
    {41, 62, 63},
    {41, 66, 67},
    {41, 70, 71},
    {41, 78, 79},
    {41, 81, 83},
};

static const struct {
  const char *name;
  int family, type;
} kinds[] = {
    {"udp", AF_INET, SOCK_DGRAM},
    {"tcp", AF_INET, SOCK_STREAM},
    {"udp6", AF_INET6, SOCK_DGRAM},
    {"tcp6", AF_INET6, SOCK_STREAM},
    {"unix", AF_UNIX, SOCK_STREAM},
};

static const char *outcome(long result) { return result < 0 ? strerrorname_np(errno) : "ok"; }

static void set(int kind, int level, int option) {
  static const int lengths[] = {-1, 0, 1, 3, 4, 8, 16, 41};
  printf("set %s %d %d:", kinds[kind].name, level, option);
  for (int i = 0; i < 8; i++) {
    for (int what = 0; what < 4; what++) {
      int s = socket(kinds[kind].family, kinds[kind].type, 0);
      char value[64];
      memset(value, what == 3 ? 255 : 0, sizeof value);
      value[0] = what == 2 ? 1 : value[0];
      printf(" %s", outcome(syscall(SYS_setsockopt, s, level, option, what == 1 ? (void *)1 : value, lengths[i])));
      close(s);
    }
  }
  printf("\n");
}

static void get(int kind, int level, int option) {
  static const int lengths[] = {-1, 0, 1, 3, 4, 8, 64};
  int s = socket(kinds[kind].family, kinds[kind].type, 0);
  printf("get %s %d %d:", kinds[kind].name, level, option);
  for (int i = 0; i < 7; i++) {
    char value[64] = {0};
    socklen_t length = lengths[i], other = lengths[i];
    long result = syscall(SYS_getsockopt, s, level, option, value, &length);
    printf(" %s", outcome(result));
    if (result == 0) printf(" %d %d %d", (int)length, value[0], value[1]);
    printf(" %s", outcome(syscall(SYS_getsockopt, s, level, option, (void *)1, &other)));
  }
  printf(" %s\n", outcome(syscall(SYS_getsockopt, s, level, option, NULL, (void *)1)));
  close(s);
}

/* Ports that are not everybody's at addresses that are not there. */
static void binds(void) {
  static const char *const addresses[] = {"127.0.0.1", "127.3.2.1", "0.0.0.0", "2.0.0.1", "224.0.0.1", "255.255.255.255"};
  static const char *const addresses6[] = {"::1", "::", "2::1", "ff02::1"};
  for (int kind = 0; kind < 2; kind++) {
    for (int port = 80; port < 2000; port += 1900) {
      for (int i = 0; i < 6; i++) {
        int s = socket(AF_INET, kinds[kind].type, 0);
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
        inet_pton(AF_INET, addresses[i], &at.sin_addr);
        printf("%s %s %d %s\n", kinds[kind].name, addresses[i], port, outcome(bind(s, (void *)&at, sizeof at)));
        close(s);
      }
      for (int i = 0; i < 4; i++) {
        int s = socket(AF_INET6, kinds[kind].type, 0);
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        inet_pton(AF_INET6, addresses6[i], &at.sin6_addr);
        if (port == 80) printf("%s %s %d %s\n", kinds[kind].name, addresses6[i], port, outcome(bind(s, (void *)&at, sizeof at)));
        close(s);
      }
    }
  }
}

int main(void) {
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  binds();
  for (int kind = 0; kind < 5; kind++) {
    for (unsigned k = 0; k < sizeof known / sizeof *known; k++) {
      for (int option = known[k][1]; option <= known[k][2]; option++) {
        set(kind, known[k][0], option);
        get(kind, known[k][0], option);
      }
    }
  }
  return 0;
}
