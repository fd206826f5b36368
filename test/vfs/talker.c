/* The server or the client at a Unix socket with a path, for host-sockets.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[65536];

static void say(const char *what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "ok");
}

/* All that comes until the end: how much, and a sum over it. */
static void drain(int fd) {
  unsigned long count = 0, sum = 0;
  int n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0)
    for (int i = 0; i < n; i++) sum = (sum * 31 + (unsigned char)buffer[i]) % 1000003, count++;
  printf("received %lu, sum %lu, end %d\n", count, sum, n);
}

static void fill(int fd, int seed, int count) {
  for (int done = 0; done < count;) {
    int part = count - done < 5000 ? count - done : 5000;
    for (int i = 0; i < part; i++) buffer[i] = seed + (done + i) % 251;
    int n = write(fd, buffer, part);
    if (n < 0) {
      say("write", n);
      return;
    }
    done += n;
  }
}

int main(int count, char **arguments) {
  if (count < 3) return 1;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, arguments[2]);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct ucred other = {0};
  socklen_t size = sizeof other;
  if (!strcmp(arguments[1], "server")) {
    umask(022);
    say("bind", bind(fd, (void *)&address, sizeof address));
    struct stat s;
    stat(address.sun_path, &s);
    printf("mode %o\n", s.st_mode);
    int again = socket(AF_UNIX, SOCK_STREAM, 0);
    say("bind again", bind(again, (void *)&address, sizeof address));
    say("listen", listen(fd, 5));
    puts("ready");
    for (int n = 0; n < 3; n++) {
      struct pollfd p = {fd, POLLIN, 0};
      poll(&p, 1, -1);
      int client = accept(fd, NULL, NULL);
      say("accept", client);
      getsockopt(client, SOL_SOCKET, SO_PEERCRED, &other, &size);
      printf("from uid %d, a pid %d\n", other.uid, other.pid > 0);
      if (n == 0) { /* greetings, then much both ways, then the end */
        write(client, "hello\n", 6);
        drain(client);
        fill(client, 3, 300000);
      } else if (n == 1) { /* it does not read, and goes: the client finds out */
        sleep(1);
      } else drain(client);
      close(client);
    }
    close(fd);
    return 0;
  }
  for (int n = 0; n < 3; n++) {
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    say("connect", connect(fd, (void *)&address, sizeof address));
    say("connect again", connect(fd, (void *)&address, sizeof address));
    
    if (n == 0) {
      struct pollfd p = {fd, POLLIN, 0};
      poll(&p, 1, -1);
      int k = read(fd, buffer, 6);
      printf("greeted %.*s", k, buffer);
      fill(fd, 7, 400000);
      say("shutdown", shutdown(fd, SHUT_WR));
      drain(fd);
    } else if (n == 1) {
      int k = read(fd, buffer, 10);
      printf("read %d\n", k);
      // The other end closes when it comes to it.
      int written = 1;
      for (int i = 0; i < 200 && written > 0; i++) {
        usleep(50000);
        written = write(fd, "x", 1);
      }
      say("write after the end", written);
    } else fill(fd, 1, 100000);
    close(fd);
  }
  /* Whoever listened is gone. */
  sleep(1);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  say("connect", connect(fd, (void *)&address, sizeof address));
  int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
  say("connect for datagrams", connect(datagrams, (void *)&address, sizeof address));
  return 0;
}
