// Takes of one thing as much as there is, until the kernel refuses; then goes on living. The argument says of what.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void told(const char *what, long count) { printf("%s: %ld, then %s\n", what, count, strerrorname_np(errno) ? strerrorname_np(errno) : "-"); }

static void bomb(void) { for (;;) fork(); }
static void *sleeper(void *x) { pause(); return x; }
static void threads(void) {
  pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 16384);
  pthread_t t; long n = 0; int e = 0;
  for (; n < 50000; n++) if ((e = pthread_create(&t, &a, sleeper, NULL))) break;
  errno = e;
  told("threads", n > 500);
}
static void memory(void) {
  struct rlimit l = {256 << 20, 256 << 20};
  setrlimit(RLIMIT_AS, &l);
  long n = 0;
  for (; n < 4096; n++) { char *p = malloc(1 << 20); if (!p) break; memset(p, 1, 1 << 20); }
  told("memory below its limit", n > 200 && n < 256);
}
static void fds(void) {
  struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); l.rlim_cur = l.rlim_max < 4096 ? l.rlim_max : 4096; setrlimit(RLIMIT_NOFILE, &l);
  long n = 0; int p[2];
  for (;; n++) if (open("/exhaust", O_RDONLY) < 0) break;
  told("files", n > 500);
  for (n = 0; n < 4200; n++) close(n + 3);
  for (n = 0; n < 200000; n++) if (pipe(p)) break;
  told("pipes", n > 500);
}
static void tmpfs(void) {
  mkdir("/t", 0755); if (mount("t", "/t", "tmpfs", 0, "size=8m")) { told("mount", 0); }
  int fd = open("/t/f", O_CREAT | O_RDWR, 0600); static char b[1 << 20]; memset(b, 1, sizeof b);
  long n = 0; for (; n < 100; n++) if (write(fd, b, sizeof b) <= 0) break;
  told("MiB in a tmpfs of 8", n);
}
static void disk(void) {
  int fd = open("/small/file", O_CREAT | O_RDWR, 0600); static char b[100000];
  long n = 0; for (; n < 1000; n++) if (write(fd, b, sizeof b) <= 0) break;
  told("disk", n > 5 && n < 20);
  char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p != MAP_FAILED) memset(p, 1, 4096);
  unlink("/small/file"); close(fd);
}
static void shm(void) {
  long n = 0; for (; n < 100000; n++) if (shmget(IPC_PRIVATE, 1 << 30, 0600) < 0) break;
  told("segments", n);
  for (n = 0; n < 100000; n++) if (msgget(IPC_PRIVATE, 0600) < 0) break;
  told("queues", n);
}
static void sockets(void) {
  int s[2]; socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s); static char b[1000];
  long n = 0; for (; n < 1000000; n++) if (send(s[0], b, sizeof b, 0) < 0) break;
  told("datagrams", n < 100000);
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
  for (n = 0; n < 1000000; n++) if (send(s[0], b, sizeof b, 0) < 0) break;
  told("stream", n < 100000);
  int p[2]; pipe2(p, O_NONBLOCK);
  for (n = 0; n < 1000000; n++) if (write(p[1], b, sizeof b) < 0) break;
  told("pipe", n < 100000);
  // A chain of descriptors that are under way in each other.
  for (n = 0; n < 20000; n++) {
    int t[2]; if (socketpair(AF_UNIX, SOCK_DGRAM, 0, t)) break;
    char c[CMSG_SPACE(8)]; struct iovec v = {b, 1}; struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m); h->cmsg_len = CMSG_LEN(8); h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; memcpy(CMSG_DATA(h), t, 8);
    if (sendmsg(t[0], &m, MSG_DONTWAIT) < 0) break;
    close(t[0]); close(t[1]);
  }
  printf("rights %d\n", n > 0);
}
static void depth(void) {
  long n = 0; for (; n < 5000; n++) { if (mkdir("deep", 0755) || chdir("deep")) break; }
  told("directories in each other", n);
  for (;;) { chdir(".."); if (rmdir("deep")) break; n--; }
  printf("left %ld\n", n);
}
static void arguments(char **argv) {
  long n = 200000; char **v = calloc(n + 2, sizeof *v), *big = malloc(10 << 20);
  for (long k = 0; k < n; k++) v[k] = "argument";
  execv(argv[0], v); told("arguments", n);
  memset(big, 'x', 10 << 20); big[(10 << 20) - 1] = 0; char *w[] = {argv[0], big, NULL};
  execv(argv[0], w); told("one argument", 1);
}
static void events(void) {
  int i = inotify_init1(IN_NONBLOCK); inotify_add_watch(i, "/", IN_ALL_EVENTS);
  for (int n = 0; n < 40000; n++) { close(open("/x", O_CREAT | O_RDWR, 0600)); unlink("/x"); }
  char b[4096]; long n = 0, l, overflow = 0;
  while ((l = read(i, b, sizeof b)) > 0) for (char *p = b; p < b + l; n++) { struct inotify_event *e = (void *)p; overflow |= e->mask & IN_Q_OVERFLOW; p += sizeof *e + e->len; }
  printf("events %d overflow %d\n", n < 20000, overflow != 0);
  int a = epoll_create1(0), e = a; struct epoll_event ev = {.events = EPOLLIN};
  for (n = 0; n < 100; n++) { int next = epoll_create1(0); if (epoll_ctl(next, EPOLL_CTL_ADD, e, &ev)) break; e = next; }
  told("epolls in each other", n);
}
static int deeper(int n) {
  volatile char frame[65536];
  frame[0] = n;
  return n < 0 ? 0 : deeper(n + 1) + frame[0];
}
static void stacks(void) {
  if (fork() == 0) _exit(deeper(1));
  int s;
  wait(&s);
  printf("signal %d\n", WTERMSIG(s));
}
int main(int c, char **argv) {
  if (c != 2) return 3;
  setvbuf(stdout, NULL, _IOLBF, 0);
#define W(x) if (!strcmp(argv[1], #x)) x(); else
   W(threads) W(memory) W(fds) W(tmpfs) W(disk) W(shm) W(sockets) W(depth) W(events) W(stacks) W(bomb)
  if (!strcmp(argv[1], "arguments")) arguments(argv);
  return 0;
}
