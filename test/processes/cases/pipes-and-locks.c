/* Full and half full pipes, signals of descriptors that are ready, leases, and locks in each other's way. */
#include "cases.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>

static char page[65536 * 4];

static int can_write(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  poll(&p, 1, 0);
  return p.revents;
}
static int in(int fd) { int n = -1; ioctl(fd, FIONREAD, &n); return n; }
static void make(int p[2]) { pipe2(p, O_NONBLOCK); }
static int fill(int fd, int by) {
  int sum = 0, n;
  while ((n = write(fd, page, by)) > 0) sum += n;
  return sum;
}

CASE(room_is_pages) {
  int p[2];
  make(p);
  SHOW(fill(p[1], 65536));
  SHOW(can_write(p[1]));
  SHOW(read(p[0], page, 1));
  SHOW(can_write(p[1]));
  SHOW(write(p[1], page, 1));
  SHOW(read(p[0], page, 4094));
  SHOW(can_write(p[1]));
  SHOW(read(p[0], page, 1));
  SHOW(can_write(p[1]));
  SHOW(write(p[1], page, 5000));
  SHOW(in(p[0]));
  make(p);
  SHOW(fill(p[1], 1000));
  make(p);
  SHOW(fill(p[1], 4095));
  make(p);
  SHOW(fill(p[1], 4097));
  make(p);
  SHOW(fill(p[1], 100000));
  make(p);
  SHOW(write(p[1], page, 3000));
  SHOW(write(p[1], page, 65536));
  SHOW(in(p[0]));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 17));
  SHOW(fill(p[1], 4096));
}

CASE(edge_triggered_writers) {
  int p[2], e = epoll_create1(0);
  make(p);
  struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev));
  SHOW(epoll_wait(e, &ev, 1, 0));
  SHOW(epoll_wait(e, &ev, 1, 0));
  write(p[1], page, 10);
  read(p[0], page, 10);
  SHOW(epoll_wait(e, &ev, 1, 0));
  fill(p[1], 4096);
  SHOW(epoll_wait(e, &ev, 1, 0));
  read(p[0], page, 100);
  SHOW(epoll_wait(e, &ev, 1, 0));
  read(p[0], page, 4000);
  SHOW(epoll_wait(e, &ev, 1, 0));
  SHOW(epoll_wait(e, &ev, 1, 0));
  read(p[0], page, 8192);
  SHOW(epoll_wait(e, &ev, 1, 0));
  struct epoll_event in = {.events = EPOLLIN | EPOLLET};
  int r = epoll_create1(0);
  epoll_ctl(r, EPOLL_CTL_ADD, p[0], &in);
  SHOW(epoll_wait(r, &in, 1, 0));
  SHOW(epoll_wait(r, &in, 1, 0));
  read(p[0], page, 1);
  SHOW(epoll_wait(r, &in, 1, 0));
  write(p[1], page, 1);
  SHOW(epoll_wait(r, &in, 1, 0));
  write(p[1], page, 1);
  SHOW(epoll_wait(r, &in, 1, 0));
}

CASE(vmsplice_into_pipes) {
  int p[2];
  char *aligned = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct iovec whole = {aligned, 1 << 20}, odd = {aligned + 100, 8192}, bytes[20];
  make(p);
  SHOW(vmsplice(p[1], &whole, 1, SPLICE_F_NONBLOCK));
  SHOW(vmsplice(p[1], &whole, 1, SPLICE_F_NONBLOCK));
  make(p);
  SHOW(vmsplice(p[1], &odd, 1, 0));
  SHOW(in(p[0]));
  SHOW(fill(p[1], 4096));
  make(p);
  for (int i = 0; i < 20; i++) bytes[i] = (struct iovec){aligned + i * 4096, 1};
  SHOW(vmsplice(p[1], bytes, 20, 0));
  SHOW(in(p[0]));
  int flags = fcntl(p[1], F_GETFL);
  fcntl(p[1], F_SETFL, flags & ~O_NONBLOCK);
  SHOW(vmsplice(p[1], bytes, 1, SPLICE_F_NONBLOCK));
  SHOW(vmsplice(p[1], bytes, 0, 0));
  SHOW(vmsplice(p[1], bytes, -1, 0));
  SHOW(vmsplice(p[1], bytes, 1, 64));
  SHOW(vmsplice(0, bytes, 1, 0));
  SHOW(vmsplice(p[0], bytes, 20, 0));
  SHOW(vmsplice(p[0], bytes, 1, SPLICE_F_NONBLOCK));
}

CASE(tee_between_pipes) {
  int a[2], b[2];
  make(a);
  make(b);
  SHOW(tee(a[0], b[1], 100, SPLICE_F_NONBLOCK));
  write(a[1], page, 5000);
  SHOW(tee(a[0], b[1], 100000, 0));
  SHOW(tee(a[0], b[1], 10, 0));
  SHOW(in(a[0]));
  SHOW(in(b[0]));
  SHOW(fill(b[1], 4096));
  SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
  SHOW(read(b[0], page, 4096));
  SHOW(tee(a[0], b[1], 100000, SPLICE_F_NONBLOCK));
  SHOW(tee(a[0], b[1], 0, 0));
  SHOW(tee(a[0], a[1], 10, 0));
  SHOW(tee(a[1], b[1], 10, 0));
  SHOW(tee(a[0], 0, 10, 0));
  close(a[1]);
  read(a[0], page, sizeof page);
  SHOW(tee(a[0], b[1], 10, 0));
  signal(SIGPIPE, SIG_IGN);
  make(a);
  write(a[1], "x", 1);
  close(b[0]);
  SHOW(tee(a[0], b[1], 10, 0));
  int flags = fcntl(a[0], F_GETFL);
  make(b);
  fill(b[1], 4096);
  fcntl(a[0], F_SETFL, flags & ~O_NONBLOCK);
  SHOW(tee(a[0], b[1], 10, 0));
  fcntl(b[1], F_SETFL, 0);
  SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
}

static volatile int signals, last_fd, last_code, last_band;
static void on_io(int n, siginfo_t *i, void *context) {
  (void)context;
  signals++;
  last_fd = i->si_fd;
  last_code = i->si_code;
  last_band = i->si_band;
  (void)n;
}
static void catch_io(int signo) {
  struct sigaction a = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(signo, &a, NULL);
}
#define TELL(WHAT)                                                             \
  do {                                                                         \
    signals = last_fd = last_code = last_band = 0;                             \
    WHAT;                                                                      \
    if (last_code == SI_KERNEL) printf("%s: %d by the kernel\n", #WHAT, signals); \
    else printf("%s: %d code %d band %x fd %d\n", #WHAT, signals, last_code, last_band, last_fd); \
  } while (0)
static void asynchronous(int fd, int signo) {
  SHOW(fcntl(fd, F_SETOWN, getpid()));
  SHOW(fcntl(fd, F_SETSIG, signo));
  SHOW(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
  SHOW((fcntl(fd, F_GETFL) & O_ASYNC) != 0);
}

CASE(signals_of_pipes) {
  int p[2];
  catch_io(SIGIO);
  catch_io(SIGRTMIN);
  make(p);
  asynchronous(p[0], 0);
  TELL(write(p[1], "x", 1));
  TELL(write(p[1], "x", 1));
  TELL(read(p[0], page, 1));
  SHOW(fcntl(p[0], F_SETSIG, SIGIO));
  TELL(write(p[1], "x", 1));
  SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN));
  TELL(write(p[1], "x", 1));
  SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
  TELL(write(p[1], "x", 1));
  asynchronous(p[1], SIGRTMIN);
  TELL(read(p[0], page, 2));
  TELL(read(p[0], page, 100));
  TELL(close(p[0]));
}

CASE(signals_of_sockets) {
  int s[2];
  catch_io(SIGRTMIN);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  asynchronous(s[0], SIGRTMIN);
  TELL(write(s[1], "x", 1));
  TELL(write(s[1], "x", 1));
  TELL(read(s[0], page, 10));
  TELL(shutdown(s[1], SHUT_WR));
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
  asynchronous(s[0], SIGRTMIN);
  TELL(send(s[1], "x", 1, 0));
}

CASE(signals_of_watches) {
  int i = inotify_init1(0);
  catch_io(SIGRTMIN);
  mkdir("watched", 0700);
  SHOW(inotify_add_watch(i, "watched", IN_CREATE | IN_DELETE));
  asynchronous(i, SIGRTMIN);
  TELL(mkdir("watched/a", 0700));
  TELL(rmdir("watched/a"));
  TELL(read(i, page, sizeof page));
  TELL(inotify_rm_watch(i, 1));
  rmdir("watched");
  /* These know no O_ASYNC and do not keep it. */
  int e = eventfd(0, 0), m = open("/dev/null", O_RDWR | O_ASYNC);
  SHOW(fcntl(e, F_SETFL, O_ASYNC));
  SHOW(fcntl(e, F_GETFL) & O_ASYNC);
  SHOW(ioctl(e, FIOASYNC, &m));
  SHOW((fcntl(m, F_GETFL) & O_ASYNC) != 0);
}

CASE(signals_of_terminals) {
  catch_io(SIGRTMIN);
  int m = posix_openpt(O_RDWR | O_NOCTTY);
  grantpt(m);
  unlockpt(m);
  int t = open(ptsname(m), O_RDWR | O_NOCTTY);
  struct termios raw;
  tcgetattr(t, &raw);
  raw.c_lflag &= ~ECHO;
  tcsetattr(t, TCSANOW, &raw);
  asynchronous(t, SIGRTMIN);
  TELL(write(m, "a", 1));
  TELL(write(m, "b\n", 2); nap(20));
  SHOW(last_code == POLL_IN);
}

CASE(signals_to_whom) {
  int p[2];
  catch_io(SIGRTMIN);
  make(p);
  SHOW(fcntl(p[0], F_SETOWN, 4194000));
  SHOW(fcntl(p[0], F_SETOWN, -4194000));
  SHOW(fcntl(p[0], F_GETOWN));
  struct f_owner_ex x = {F_OWNER_TID, syscall(SYS_gettid)};
  SHOW(fcntl(p[0], F_SETOWN_EX, &x));
  SHOW(fcntl(p[0], F_GETOWN) == getpid());
  x.type = 7;
  SHOW(fcntl(p[0], F_SETOWN_EX, &x));
  SHOW(fcntl(p[0], F_GETOWN_EX, &x));
  printf("%d\n", x.type);
  SHOW(fcntl(p[0], F_SETOWN, -getpgrp()));
  SHOW(fcntl(p[0], F_GETOWN_EX, &x));
  printf("%d %d\n", x.type, x.pid == getpgrp());
  SHOW(fcntl(p[0], F_SETSIG, 65));
  SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN));
  SHOW(fcntl(p[0], F_GETSIG) == SIGRTMIN);
  SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
  TELL(write(p[1], "x", 1));
  int f = open("file", O_RDWR | O_CREAT, 0600);
  SHOW(fcntl(f, F_SETFL, O_ASYNC));
  SHOW((fcntl(f, F_GETFL) & O_ASYNC) != 0);
}

static const char *lease(int n) { return n == F_RDLCK ? "read" : n == F_WRLCK ? "write" : n == F_UNLCK ? "none" : "?"; }
static void show_lease(int fd) { printf("lease: %s\n", lease(fcntl(fd, F_GETLEASE))); }
static int lease_fd;
static volatile int broken, new_lease;
static void on_break(int n, siginfo_t *i, void *context) {
  (void)n;
  (void)context;
  broken++;
  last_fd = i->si_fd;
  last_code = i->si_code;
  if (new_lease >= 0) fcntl(lease_fd, F_SETLEASE, new_lease);
}
CASE(leases) {
  int w = open("l", O_RDWR | O_CREAT, 0600), r = open("l", O_RDONLY), d = open(".", O_RDONLY), p[2];
  make(p);
  signal(SIGIO, SIG_IGN);
  show_lease(r);
  SHOW(fcntl(r, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(w, F_SETLEASE, F_WRLCK));
  SHOW(fcntl(r, F_SETLEASE, F_UNLCK));
  SHOW(fcntl(d, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(p[0], F_SETLEASE, F_RDLCK));
  SHOW(fcntl(r, F_SETLEASE, 9));
  close(r);
  SHOW(fcntl(w, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(w, F_SETLEASE, F_WRLCK));
  show_lease(w);
  SHOW(open("l", O_RDONLY | O_NONBLOCK));
  show_lease(w);
  SHOW(fcntl(w, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(w, F_SETLEASE, F_UNLCK));
  show_lease(w);
  close(w);
  r = open("l", O_RDONLY);
  SHOW(fcntl(r, F_SETLEASE, F_RDLCK));
  show_lease(r);
  SHOW(open("l", O_RDONLY) >= 0);
  SHOW(open("l", O_WRONLY | O_NONBLOCK));
  show_lease(r);
  SHOW(fcntl(r, F_SETLEASE, F_UNLCK));
  setuid(1000);
  SHOW(fcntl(r, F_SETLEASE, F_RDLCK));
}

static void break_lease(int access) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGIO, SIG_DFL);
    int fd = open("l", access);
    printf("opened: %d\n", fd >= 0);
    exit(0);
  }
  waitpid(pid, NULL, 0);
  printf("broken %d code %d fd %d\n", broken, last_code, last_fd == lease_fd);
  broken = 0;
  show_lease(lease_fd);
}
static void set_break_time(const char *seconds) {
  int fd = open("/proc/sys/fs/lease-break-time", O_WRONLY);
  SHOW(write(fd, seconds, strlen(seconds)) > 0);
  close(fd);
}
CASE(broken_leases) {
  struct sigaction a = {.sa_sigaction = on_break, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGIO, &a, NULL);
  sigaction(SIGRTMIN, &a, NULL);
  close(open("l", O_RDWR | O_CREAT, 0600));
  lease_fd = open("l", O_RDONLY);
  SHOW(fcntl(lease_fd, F_SETSIG, SIGRTMIN));
  SHOW(fcntl(lease_fd, F_SETLEASE, F_WRLCK));
  new_lease = F_RDLCK;
  break_lease(O_RDONLY);
  SHOW(fcntl(lease_fd, F_SETLEASE, F_WRLCK));
  new_lease = F_UNLCK;
  break_lease(O_WRONLY);
  /* Who does not give way loses it when the time is over. */
  set_break_time("1");
  new_lease = -1;
  SHOW(fcntl(lease_fd, F_SETLEASE, F_WRLCK));
  break_lease(O_RDONLY);
  SHOW(fcntl(lease_fd, F_SETLEASE, F_WRLCK));
  break_lease(O_WRONLY);
  set_break_time("45");
  new_lease = F_UNLCK;
  close(lease_fd);
  lease_fd = open("l", O_RDONLY);
  SHOW(fcntl(lease_fd, F_SETSIG, SIGRTMIN));
  SHOW(fcntl(lease_fd, F_SETLEASE, F_RDLCK));
  break_lease(O_RDONLY);
  break_lease(O_RDWR | O_TRUNC);
  SHOW(fcntl(lease_fd, F_SETLEASE, F_RDLCK));
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    close(lease_fd);
    SHOW(truncate("l", 0));
    exit(0);
  }
  waitpid(pid, NULL, 0);
  printf("broken %d\n", broken);
}

static void lock(int fd, int type, int start, int length) {
  struct flock l = {.l_type = type, .l_start = start, .l_len = length};
  fcntl(fd, F_SETLK, &l);
}
static void conflict(int fd, int type, int start, int length, pid_t other) {
  struct flock l = {.l_type = type, .l_start = start, .l_len = length};
  SHOW(fcntl(fd, F_GETLK, &l));
  printf("%d %d %d %d %d\n", l.l_type, (int)l.l_start, (int)l.l_len, l.l_whence, l.l_pid == other);
}
/* Lines about one file, without numbers, pids and places. */
static void show_locks(const char *path, ino_t ino) {
  char line[200], kind[20], advice[20], type[20], place[60], start[30], end[30], tail[30];
  int n;
  FILE *f = fopen(path, "r");
  sprintf(tail, ":%llu", (unsigned long long)ino);
  while (fgets(line, sizeof line, f)) {
    char *colon = strncmp(line, "lock:", 5) ? line : line + 6;
    if (sscanf(colon, "%*d: %19s %19s %19s %d %59s %29s %29s", kind, advice, type, &n, place, start, end) != 7) continue;
    size_t have = strlen(place), want = strlen(tail);
    if (have < want || strcmp(place + have - want, tail)) continue;
    printf("%s %s %s %s %s %s\n", kind, advice, type, n == getpid() ? "self" : n < 0 ? "-1" : "other", start, end);
  }
  fclose(f);
}
CASE(locks_are_told) {
  int a = open("f", O_RDWR | O_CREAT, 0600), b = open("g", O_RDWR | O_CREAT, 0600);
  struct stat st;
  char path[50];
  lock(a, F_WRLCK, 0, 10);
  lock(a, F_WRLCK, 10, 10);
  lock(a, F_RDLCK, 30, 0);
  lock(a, F_WRLCK, 5, 2);
  fstat(a, &st);
  sprintf(path, "/proc/self/fdinfo/%d", a);
  show_locks(path, st.st_ino);
  lock(a, F_UNLCK, 5, 1);
  show_locks(path, st.st_ino);
  struct flock l = {.l_type = F_RDLCK, .l_start = 7, .l_len = 1};
  fcntl(b, F_OFD_SETLK, &l);
  fstat(b, &st);
  show_locks("/proc/locks", st.st_ino);
  int c = open("h", O_RDWR | O_CREAT, 0600);
  flock(c, LOCK_EX);
  fstat(c, &st);
  show_locks("/proc/locks", st.st_ino);
  sprintf(path, "/proc/self/fdinfo/%d", c);
  show_locks(path, st.st_ino);
}

CASE(first_conflict) {
  int fd = open("f", O_RDWR | O_CREAT, 0600), p[2];
  pipe(p);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    lock(fd, F_WRLCK, 40, 10);
    lock(fd, F_RDLCK, 20, 5);
    lock(fd, F_WRLCK, 0, 10);
    lock(fd, F_RDLCK, 5, 2);
    write(p[1], "x", 1);
    pause();
  }
  char c;
  read(p[0], &c, 1);
  conflict(fd, F_WRLCK, 0, 0, pid);
  conflict(fd, F_WRLCK, 4, 0, pid);
  conflict(fd, F_RDLCK, 5, 0, pid);
  conflict(fd, F_RDLCK, 12, 0, pid);
  conflict(fd, F_WRLCK, 12, 0, pid);
  conflict(fd, F_WRLCK, 25, 10, pid);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}
