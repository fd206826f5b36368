// Takes of one thing as much as there is, until the kernel refuses, and tells with which error. The argument says of what.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char megabyte[1 << 20];

static void told(const char *what, long count) {
  printf("%s: %ld, then %s\n", what, count, strerrorname_np(errno));
}

static void limit(int what, rlim_t most) {
  struct rlimit l;
  getrlimit(what, &l);
  l.rlim_cur = l.rlim_max < most ? l.rlim_max : most;
  setrlimit(what, &l);
}

static void bomb(char **argv) {
  (void)argv;
  for (;;) fork();
}

static void *sleeper(void *unused) {
  pause();
  return unused;
}
static void threads(char **argv) {
  (void)argv;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  pthread_t thread;
  long n = 0;
  while (n < 50000 && (errno = pthread_create(&thread, &small, sleeper, NULL)) == 0) n++;
  told("threads", n > 500);
}

static void memory(char **argv) {
  (void)argv;
  limit(RLIMIT_AS, 256 << 20);
  long n = 0;
  for (char *p; n < 4096 && (p = malloc(1 << 20)); n++) memset(p, 1, 1 << 20);
  told("memory below its limit", n > 200 && n < 256);
}

static void fds(char **argv) {
  limit(RLIMIT_NOFILE, 4096);
  long n = 0;
  int p[2];
  while (open(argv[0], O_RDONLY) >= 0) n++;
  told("files", n > 500);
  for (int fd = 3; fd < 4200; fd++) close(fd);
  for (n = 0; pipe(p) == 0; n++);
  told("pipes", n > 500);
}

static void tmpfs(char **argv) {
  (void)argv;
  mkdir("/t", 0755);
  if (mount("t", "/t", "tmpfs", 0, "size=8m")) told("mount", 0);
  // What is removed makes room again.
  for (int round = 0; round < 3; round++) {
    int fd = open("/t/f", O_CREAT | O_RDWR, 0600);
    long n = 0;
    while (n < 100 && write(fd, megabyte, sizeof megabyte) > 0) n++;
    if (round == 2) told("MiB in a tmpfs of 8", n);
    unlink("/t/f");
    close(fd);
  }
}

// `/small` is a file system of 1 MiB.
static void disk(char **argv) {
  (void)argv;
  int fd = open("/small/file", O_CREAT | O_RDWR, 0600);
  long n = 0;
  while (n < 1000 && write(fd, megabyte, 100000) > 0) n++;
  told("disk", n > 5 && n < 20);
  char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) memset(p, 1, 4096);
  unlink("/small/file");
  close(fd);
}

static void shm(char **argv) {
  (void)argv;
  long n = 0;
  while (n < 100000 && shmget(IPC_PRIVATE, 1 << 30, 0600) >= 0) n++;
  told("segments", n);
  for (n = 0; n < 100000 && msgget(IPC_PRIVATE, 0600) >= 0; n++);
  told("queues", n);
}

// Passes both ends of a pair of sockets through one of them, and closes them: they hang in each other.
static int hang(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)) return -1;
  char control[CMSG_SPACE(sizeof pair)];
  struct iovec byte = {megabyte, 1};
  struct msghdr m = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&m);
  header->cmsg_len = CMSG_LEN(sizeof pair);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  memcpy(CMSG_DATA(header), pair, sizeof pair);
  int sent = sendmsg(pair[0], &m, MSG_DONTWAIT);
  close(pair[0]);
  close(pair[1]);
  return sent;
}
static void sockets(char **argv) {
  (void)argv;
  int s[2];
  long n = 0;
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
  while (n < 100000 && send(s[0], megabyte, 1000, 0) > 0) n++;
  told("datagrams", n < 100000);
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
  for (n = 0; n < 100000 && send(s[0], megabyte, 1000, 0) > 0; n++);
  told("stream", n < 100000);
  pipe2(s, O_NONBLOCK);
  for (n = 0; n < 100000 && write(s[1], megabyte, 1000) > 0; n++);
  told("pipe", n < 100000);
  for (n = 0; n < 20000 && hang() > 0; n++);
  printf("rights %d\n", n > 0);
}

static void arguments(char **argv) {
  long n = 200000;
  char **many = calloc(n + 2, sizeof *many), *large = malloc(10 << 20);
  for (long k = 0; k < n; k++) many[k] = "argument";
  execv(argv[0], many);
  told("arguments", n);
  memset(large, 'x', 10 << 20);
  large[(10 << 20) - 1] = 0;
  char *one[] = {argv[0], large, NULL};
  execv(argv[0], one);
  told("one argument", 1);
}

static void events(char **argv) {
  (void)argv;
  int watcher = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(watcher, "/", IN_ALL_EVENTS);
  for (int n = 0; n < 6000; n++) {
    close(open("/x", O_CREAT | O_RDWR, 0600));
    unlink("/x");
  }
  char buffer[4096];
  long n = 0, length;
  int overflow = 0;
  while ((length = read(watcher, buffer, sizeof buffer)) > 0) {
    for (char *p = buffer; p < buffer + length; n++) {
      struct inotify_event *e = (void *)p;
      overflow |= (e->mask & IN_Q_OVERFLOW) != 0;
      p += sizeof *e + e->len;
    }
  }
  printf("events %d overflow %d\n", n < 20000, overflow);
  int inner = epoll_create1(0);
  struct epoll_event in = {.events = EPOLLIN};
  for (n = 0; n < 100; n++) {
    int outer = epoll_create1(0);
    if (epoll_ctl(outer, EPOLL_CTL_ADD, inner, &in)) break;
    inner = outer;
  }
  told("epolls in each other", n);
}

// What the host lets armrun have, who may have more by the guest's own limits.
static void files(char **argv) {
  limit(RLIMIT_NOFILE, 4096);
  long n = 0;
  int p[2];
  while (open(argv[0], O_RDONLY) >= 0) n++;
  told("files of the host", n > 10 && n < 120);
  printf("a pipe: %d\n", pipe(p));
  for (int fd = 3; fd < 20; fd++) close(fd);
  printf("one more: %d\n", open(argv[0], O_RDONLY) >= 0);
}
static void forks(char **argv) {
  (void)argv;
  int hold[2], status;
  pipe(hold);
  long n = 0;
  int pid;
  fflush(stdout);
  while (n < 500 && (pid = fork()) > 0) n++;
  if (pid == 0) {
    char byte;
    close(hold[1]);
    read(hold[0], &byte, 1);
    _exit(0);
  }
  told("forks", n > 2 && n < 500);
  close(hold[1]);
  while (wait(NULL) > 0);
  fflush(stdout);
  pid = fork();
  if (pid == 0) _exit(3);
  waitpid(pid, &status, 0);
  printf("one more: %d\n", WEXITSTATUS(status));
}

// Much hot code, when memory for processes is used up.
#define WORK(n)                                                                                             \
  __attribute__((noinline)) static unsigned work##n(unsigned x) {                                           \
    for (int i = 0; i < 40000; i++) {                                                                       \
      x = x * 1664525u + n;                                                                                 \
      if (x & 64) x ^= x >> (n % 13 + 3);                                                                   \
      if (x & 32) x = x * 22695477u + ((x >> (n % 11 + 7)) ^ (n << 9));                                         \
      if (x & 16) x -= (x << 7) ^ (x >> (n % 5 + 11)) ^ 0x9e3779b9u * n;                                    \
      if (x % 7 == n % 7) x += (x << 5) ^ n;                                                                \
      x = (x & 0xff00ff) << 8 | ((x >> 8) & 0xff00ff);                                                      \
    }                                                                                                       \
    return x;                                                                                               \
  }
#define EIGHT(m, n) m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7)
#define ALL(m) EIGHT(m, 1) EIGHT(m, 2) EIGHT(m, 3) EIGHT(m, 4) EIGHT(m, 5) EIGHT(m, 6) EIGHT(m, 7) EIGHT(m, 8) EIGHT(m, 9)
ALL(WORK)
static void work(char **argv) {
  (void)argv;
  unsigned x = 1;
#define DO(n) x = work##n(x);
  for (int round = 0; round < 3; round++) {
    ALL(DO)
  }
  printf("work: %x\n", x);
}
static void translator(char **argv) {
  int hold[2], pid;
  pipe(hold);
  while ((pid = fork()) > 0);
  if (pid == 0) {
    close(hold[1]);
    read(hold[0], megabyte, 1);
    _exit(0);
  }
  told("forks", 1);
  work(argv);
}

static int deeper(int n) {
  volatile char frame[65536];
  frame[0] = n;
  return n < 0 ? 0 : deeper(n + 1) + frame[0];
}
static void stacks(char **argv) {
  (void)argv;
  int status;
  if (fork() == 0) _exit(deeper(1));
  wait(&status);
  printf("signal %d\n", WTERMSIG(status));
}

static const struct {
  const char *name;
  void (*take)(char **argv);
} things[] = {
    {"arguments", arguments}, {"bomb", bomb},       {"disk", disk},       {"events", events}, {"fds", fds},     {"memory", memory},
    {"files", files},         {"forks", forks},   {"translator", translator}, {"work", work},
    {"shm", shm},             {"sockets", sockets}, {"stacks", stacks}, {"threads", threads}, {"tmpfs", tmpfs},
};

int main(int argc, char **argv) {
  for (unsigned n = 0; argc == 2 && n < sizeof things / sizeof *things; n++) {
    if (strcmp(argv[1], things[n].name)) continue;
    things[n].take(argv);
    return 0;
  }
  return 3;
}
