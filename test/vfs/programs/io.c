/* Reading and writing: offsets, vectors, appending, holes, pipes, transfers between files, locks. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS__newselect
#define SYS__newselect SYS_select
#endif

static char buffer[200000];
static volatile int pipes_broken;
static void on_pipe(int n) { pipes_broken += n == SIGPIPE; }

static void show(const char *path) {
  int fd = open(path, O_RDONLY);
  int n = read(fd, buffer, sizeof buffer);
  printf("%s: %d bytes:", path, n);
  for (int i = 0; i < n && i < 60; i++) printf(buffer[i] >= ' ' && buffer[i] < 127 ? "%c" : "\\%o", (unsigned char)buffer[i]);
  printf("\n");
  close(fd);
}

/* Runs a function in a child and waits for it. */
static void child(void (*body)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
}

static int fd, other, p[2], q[2], many = 2000, negative = -1;

static void files(void) {
  puts("-- offsets");
  fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
  TRY(write(fd, "0123456789", 10));
  TRY(lseek(fd, 3, SEEK_SET));
  TRY(read(fd, buffer, 2));
  TRY(lseek(fd, -1, SEEK_CUR));
  TRY(lseek(fd, -2, SEEK_END));
  TRY(read(fd, buffer, 100));
  TRY(read(fd, buffer, 100));
  TRY(lseek(fd, -1, SEEK_SET));
  TRY(lseek(fd, 0, 17));
  TRY(pread(fd, buffer, 4, 5));
  TRY(pread(fd, buffer, 4, -1));
  TRY(pwrite(fd, "ab", 2, 12));
  show("file");
  TRY(lseek(fd, 0, SEEK_CUR));
  TRY(read(fd, buffer, 0));
  TRY(write(fd, NULL, 0));
  int dupped = dup(fd);
  TRY(lseek(dupped, 5, SEEK_SET));
  TRY(lseek(fd, 0, SEEK_CUR));
  close(dupped);
  TRY(syscall(SYS_lseek, fd, 100, SEEK_SET));

  puts("-- vectors");
  struct iovec v[3] = {{"one", 3}, {"", 0}, {"three", 5}};
  TRY(lseek(fd, 0, SEEK_SET));
  TRY(writev(fd, v, 3));
  TRY(pwritev(fd, v, 3, 20));
  show("file");
  char a[4] = "", b[6] = "";
  struct iovec r[2] = {{a, 3}, {b, 5}};
  TRY(preadv(fd, r, 2, 0));
  printf("%s %s\n", a, b);
  TRY(lseek(fd, 22, SEEK_SET));
  TRY(readv(fd, r, 2));
  printf("%.3s %.3s\n", a, b);
  TRY(writev(fd, v, negative));
  TRY(writev(fd, v, many));
  v[1].iov_len = -1;
  TRY(writev(fd, v, 3));

  puts("-- appending");
  other = open("file", O_WRONLY | O_APPEND);
  TRY(write(other, "end", 3));
  TRY(lseek(other, 0, SEEK_CUR));
  TRY(lseek(other, 0, SEEK_SET));
  TRY(write(other, "END", 3));
  TRY(pwrite(other, "pw", 2, 0));
  show("file");
  TRY(fcntl(other, F_GETFL) & (O_ACCMODE | O_APPEND));
  TRY(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
  TRY(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_CREAT));
  TRY(lseek(fd, 0, SEEK_SET));
  TRY(write(fd, "late", 4));
  TRY(fcntl(fd, F_SETFL, 0));
  TRY(lseek(fd, 0, SEEK_SET));
  TRY(write(fd, "FIRST", 5));
  show("file");
  TRY(read(other, buffer, 1));
  close(other);

  puts("-- sizes");
  TRY(ftruncate(fd, 4));
  show("file");
  TRY(ftruncate(fd, 8));
  show("file");
  TRY(ftruncate(fd, -1));
  TRY(truncate("file", 2));
  show("file");
  TRY(truncate("none", 2));
  TRY(truncate(".", 2));
  TRY(posix_fallocate(fd, 0, 10));
  show("file");
  other = open("file", O_RDONLY);
  TRY(ftruncate(other, 2));
  close(other);
  other = open("big", O_RDWR | O_CREAT, 0600);
  TRY(ftruncate(other, 5000000000LL));
  TRY(pwrite(other, "x", 1, 4999999999LL));
  TRY(lseek(other, 0, SEEK_END));
  TRY(pread(other, buffer, 10, 4999999998LL));
  struct stat s;
  TRY(fstat(other, &s));
  printf("%lld\n", (long long)s.st_size);
  close(other);
  unlink("big");

  puts("-- descriptors");
  TRY(fcntl(fd, F_GETFD));
  TRY(fcntl(fd, F_SETFD, FD_CLOEXEC));
  TRY(fcntl(fd, F_GETFD));
  TRY0(other = fcntl(fd, F_DUPFD, 100));
  TRY(other);
  TRY(fcntl(other, F_GETFD));
  TRY(fcntl(fd, F_DUPFD_CLOEXEC, 100));
  TRY(fcntl(101, F_GETFD));
  TRY(dup2(fd, 100));
  TRY(dup2(fd, fd));
  TRY(dup2(99, 99));
  TRY(dup2(fd, -1));
  TRY(dup3(fd, fd, 0));
  TRY(dup3(fd, 102, O_CLOEXEC));
  TRY(dup3(fd, 102, 1));
  TRY(syscall(SYS_close_range, 100, 110, 0));
  TRY(fcntl(100, F_GETFD));
  TRY(close(100));
  TRY(fcntl(fd, 9999));
  TRY(ioctl(fd, FIOCLEX));
  TRY(ioctl(fd, TIOCGWINSZ, buffer));
  int n;
  TRY(lseek(fd, 3, SEEK_SET));
  TRY(ioctl(fd, FIONREAD, &n));
  TRY(n);
  TRY(isatty(fd));
  TRY(fsync(fd));
  TRY(fdatasync(fd));
  TRY(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
  TRY(sync_file_range(fd, 1, 2, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
  TRY(sync_file_range(fd, 0, 1, 8));
  TRY(sync_file_range(fd, -1, 1, 0));
  TRY(sync_file_range(fd, 1, -1, 0));
  TRY(sync_file_range(fd, 1, INT64_MAX, 0));
  TRY(flock(fd, LOCK_EX | LOCK_NB));
  other = open("file", O_RDONLY);
  TRY(flock(other, LOCK_SH | LOCK_NB));
  TRY(flock(fd, LOCK_SH));
  TRY(flock(other, LOCK_SH | LOCK_NB));
  TRY(flock(fd, LOCK_UN));
  TRY(flock(fd, 77));
  close(other);
  close(fd);
}

static void try_lock(short type, off_t start, off_t len, int how) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  int r = fcntl(fd, how, &l);
  printf("lock %d %d+%d %s: %d %s", type, (int)start, (int)len, how == F_GETLK ? "get" : "set", r,
         r < 0 ? strerrorname_np(errno) : "");
  if (how == F_GETLK && r == 0)
    printf(" -> %d %d+%d %s", l.l_type, (int)l.l_start, (int)l.l_len, l.l_type == F_UNLCK ? "" : l.l_pid == getppid() ? "parent" : "?");
  puts("");
}

static void locker(void) {
  fd = open("file", O_RDWR);
  try_lock(F_WRLCK, 0, 0, F_GETLK);
  try_lock(F_RDLCK, 12, 2, F_SETLK);
  try_lock(F_RDLCK, 20, 5, F_SETLK);
  try_lock(F_WRLCK, 20, 5, F_SETLK);
  try_lock(F_WRLCK, 15, 4, F_SETLK);
  try_lock(F_WRLCK, 14, 100, F_GETLK);
}

static void locks(void) {
  puts("-- record locks");
  fd = open("file", O_RDWR);
  try_lock(F_WRLCK, 10, 5, F_SETLK);
  try_lock(F_RDLCK, 20, 0, F_SETLK);
  child(locker);
  try_lock(F_UNLCK, 12, 1, F_SETLK);
  child(locker);
  /* Closing any descriptor of the file drops all. */
  close(open("file", O_RDONLY));
  child(locker);
  /* A child that waits gets the lock when the parent lets it go. */
  try_lock(F_WRLCK, 0, 0, F_SETLK);
  pipe(p);
  fflush(stdout);
  if (fork() == 0) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    write(p[1], "w", 1);
    TRY(fcntl(fd, F_SETLKW, &l));
    fflush(stdout);
    _exit(0);
  }
  read(p[0], buffer, 1);
  usleep(20000);
  struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(fd, F_SETLK, &unlock);
  int status;
  wait(&status);
  TRY(fcntl(fd, F_SETLK, &unlock));
  close(fd);
}

static void pipes(void) {
  puts("-- pipes");
  TRY(pipe2(p, O_NONBLOCK));
  TRY(read(p[0], buffer, 10));
  TRY(write(p[1], "abc", 3));
  int n;
  TRY(ioctl(p[0], FIONREAD, &n));
  TRY(n);
  TRY(read(p[0], buffer, 2));
  TRY(read(p[0], buffer, 2));
  memset(buffer, 'p', sizeof buffer);
  TRY(write(p[1], buffer, sizeof buffer));
  TRY(write(p[1], buffer, 1));
  TRY(read(p[0], buffer, sizeof buffer) > 60000);
  TRY(write(p[0], "x", 1));
  TRY(read(p[1], buffer, 1));
  TRY(lseek(p[0], 0, SEEK_SET));
  TRY(pread(p[0], buffer, 1, 0));
  TRY(fcntl(p[0], F_GETPIPE_SZ));
  TRY(fcntl(p[0], F_SETPIPE_SZ, 5000));
  TRY(fcntl(p[1], F_GETPIPE_SZ));
  TRY(ftruncate(p[1], 0));
  TRY(fsync(p[1]));
  TRY(sync_file_range(p[1], 0, 0, SYNC_FILE_RANGE_WRITE));
  struct pollfd f[2] = {{p[0], POLLIN | POLLOUT, 0}, {p[1], POLLIN | POLLOUT, 0}};
  TRY(poll(f, 2, 0));
  printf("%x %x\n", f[0].revents, f[1].revents);
  TRY(close(p[1]));
  TRY(poll(f, 1, 0));
  printf("%x\n", f[0].revents);
  TRY(read(p[0], buffer, 10));
  TRY(close(p[0]));
  TRY(pipe(p));
  TRY(close(p[0]));
  signal(SIGPIPE, on_pipe);
  TRY(write(p[1], "x", 1));
  TRY(pipes_broken);
  TRY(poll(f + 1, 1, 0));
  printf("%x\n", f[1].revents);
  TRY(close(p[1]));
  /* A large write blocks until the reader has taken all. */
  TRY(pipe(p));
  fflush(stdout);
  if (fork() == 0) {
    close(p[1]);
    int total = 0, k;
    while ((k = read(p[0], buffer, 7777)) > 0) total += k;
    printf("child read %d\n", total);
    fflush(stdout);
    _exit(0);
  }
  close(p[0]);
  TRY(write(p[1], buffer, sizeof buffer));
  close(p[1]);
  int status;
  wait(&status);
}

static void transfers(void) {
  puts("-- transfers");
  fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
  write(fd, "abcdefghijklmnopqrstuvwxyz", 26);
  other = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0644);
  off_t offset = 3;
  TRY(sendfile(other, fd, &offset, 5));
  TRY(offset);
  TRY(lseek(fd, 20, SEEK_SET));
  TRY(sendfile(other, fd, NULL, 100));
  TRY(lseek(fd, 0, SEEK_CUR));
  show("copy");
  off64_t in = 0, out = 1;
  TRY(copy_file_range(fd, &in, other, &out, 4, 0));
  printf("%lld %lld\n", (long long)in, (long long)out);
  show("copy");
  TRY(copy_file_range(fd, &in, other, &out, 4, 1));
  TRY(pipe(p));
  TRY(pipe(q));
  in = 10;
  TRY(splice(fd, &in, p[1], NULL, 6, 0));
  printf("%lld\n", (long long)in);
  TRY(tee(p[0], q[1], 4, 0));
  TRY(splice(p[0], NULL, other, NULL, 3, 0));
  show("copy");
  TRY(read(p[0], buffer, 100));
  TRY(read(q[0], buffer, 100));
  TRY(splice(fd, NULL, other, NULL, 3, 0));
  TRY(splice(p[0], &in, other, NULL, 3, 0));
  TRY(splice(p[0], NULL, other, NULL, 3, SPLICE_F_NONBLOCK));
  struct iovec v = {"iovec", 5};
  TRY(vmsplice(p[1], &v, 1, 0));
  TRY(read(p[0], buffer, 100));
  TRY(sendfile(p[1], fd, &(off_t){0}, 4));
  TRY(read(p[0], buffer, 100));
  TRY(sendfile(fd, p[0], NULL, 4));
  for (int i = 0; i < 2; i++) close(p[i]), close(q[i]);

  puts("-- memfd");
  int m = memfd_create("name", MFD_ALLOW_SEALING);
  TRY(write(m, "memory", 6));
  TRY(fcntl(m, F_GET_SEALS));
  TRY(fcntl(m, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
  TRY(ftruncate(m, 3));
  TRY(ftruncate(m, 30));
  TRY(write(m, "x", 1));
  TRY(pwrite(m, "M", 1, 0));
  TRY(pread(m, buffer, 10, 0));
  TRY(fcntl(m, F_ADD_SEALS, F_SEAL_SEAL));
  TRY(fcntl(m, F_ADD_SEALS, F_SEAL_WRITE));
  char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m, 0);
  printf("%.6s\n", map);
  struct stat s;
  TRY(fstat(m, &s));
  printf("%o %lld %d\n", s.st_mode, (long long)s.st_size, (int)s.st_nlink);
  TRY(fcntl(fd, F_GET_SEALS));
  close(m);
}

static void events(void) {
  puts("-- eventfd");
  int e = eventfd(3, EFD_NONBLOCK);
  eventfd_t value = 0;
  TRY(eventfd_read(e, &value));
  printf("%llu\n", (unsigned long long)value);
  TRY(eventfd_read(e, &value));
  TRY(eventfd_write(e, 0xfffffffffffffffeULL));
  TRY(eventfd_write(e, 1));
  TRY(write(e, buffer, 4));
  TRY(read(e, buffer, 4));
  int semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
  TRY(eventfd_read(semaphore, &value));
  printf("%llu\n", (unsigned long long)value);
  TRY(eventfd_read(semaphore, &value));
  TRY(eventfd_read(semaphore, &value));

  puts("-- epoll");
  int ep = epoll_create1(EPOLL_CLOEXEC);
  pipe(p);
  struct epoll_event got[4], want = {.events = EPOLLIN, .data.u64 = 0x123456789abcdefULL};
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
  TRY(epoll_wait(ep, got, 4, 0));
  TRY(epoll_wait(ep, got, 0, 0));
  TRY(write(p[1], "abc", 3));
  TRY(epoll_wait(ep, got, 4, -1));
  printf("%x %llx\n", got[0].events, (unsigned long long)got[0].data.u64);
  TRY(epoll_wait(ep, got, 4, 0));
  want.events = EPOLLIN | EPOLLET;
  TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &want));
  TRY(epoll_wait(ep, got, 4, 0));
  TRY(epoll_wait(ep, got, 4, 0));
  TRY(write(p[1], "d", 1));
  TRY(epoll_wait(ep, got, 4, 0));
  TRY(epoll_wait(ep, got, 4, 0));
  want.events = EPOLLIN | EPOLLONESHOT;
  TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &want));
  TRY(epoll_wait(ep, got, 4, 0));
  TRY(write(p[1], "e", 1));
  TRY(epoll_wait(ep, got, 4, 0));
  want.events = EPOLLOUT;
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &want));
  TRY(epoll_wait(ep, got, 4, 0));
  struct pollfd f = {ep, POLLIN, 0};
  TRY(poll(&f, 1, 0));
  TRY(close(p[1]));
  TRY(epoll_wait(ep, got, 4, 0));
  int ep2 = epoll_create1(0);
  TRY(epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &want));
  TRY(epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &want));
  close(ep);
  close(ep2);
  close(p[0]);

  puts("-- select");
  pipe(p);
  fd_set r, w;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  TRY(select(p[1] + 1, &r, &w, NULL, &(struct timeval){0, 0}));
  printf("%d %d\n", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w));
  FD_SET(p[0], &r);
  struct timeval tv = {0, 20000};
  TRY(select(p[0] + 1, &r, NULL, NULL, &tv));
  printf("%d left %d\n", FD_ISSET(p[0], &r), (int)tv.tv_usec);
  /* Microseconds that are more than a second, before the C library puts them right. */
  static const int times[][2] = {{-2, 2000000}, {-2, 1999999}, {0, 0}, {0, -1}, {1, -1000000}, {2, -3000000}, {-1, 1000000}};
  for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
    struct timeval time = {times[i][0], times[i][1]};
    TRY(syscall(SYS__newselect, 0, NULL, NULL, NULL, &time));
  }
  write(p[1], "x", 1);
  FD_SET(p[0], &r);
  TRY(select(p[0] + 1, &r, NULL, NULL, NULL));
  /* Linux looks at no bit beyond the descriptor table, whose size a program inherits; once it has held 250 it is that large. */
  TRY(dup2(p[0], 250));
  TRY(close(250));
  FD_SET(200, &r);
  TRY(select(201, &r, NULL, NULL, &tv));
  TRY(select(-1, &r, NULL, NULL, &tv));
  TRY(poll(NULL, 0, 10));
  struct pollfd bad = {200, POLLIN, 0};
  TRY(poll(&bad, 1, 0));
  printf("%x\n", bad.revents);
  struct timespec ts = {0, 10000000};
  TRY(ppoll(NULL, 0, &ts, NULL));

  puts("-- timerfd");
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  unsigned long long count = 0;
  TRY(read(t, &count, 8));
  struct itimerspec its = {{0, 5000000}, {0, 5000000}}, old;
  TRY(timerfd_settime(t, 0, &its, NULL));
  usleep(30000);
  TRY(read(t, &count, 8));
  printf("%s\n", count >= 3 ? "several" : "few");
  TRY(timerfd_gettime(t, &old));
  printf("%ld %d\n", (long)old.it_interval.tv_nsec, old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 5000000);
  its.it_value.tv_nsec = 0;
  TRY(timerfd_settime(t, 0, &its, &old));
  TRY(read(t, &count, 8));
  its.it_value.tv_nsec = 1000000000;
  TRY(timerfd_settime(t, 0, &its, &old));
  TRY(timerfd_create(77, 0));

  puts("-- signalfd");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int sf = signalfd(-1, &set, SFD_NONBLOCK);
  struct signalfd_siginfo info;
  TRY(read(sf, &info, sizeof info));
  raise(SIGUSR1);
  f = (struct pollfd){sf, POLLIN, 0};
  TRY(poll(&f, 1, 0));
  TRY(read(sf, &info, sizeof info));
  printf("%d %d\n", info.ssi_signo, info.ssi_pid == (unsigned)getpid());
  TRY(read(sf, &info, sizeof info));
  TRY(read(sf, &info, 10));
  /* A signal sent later wakes who waits for it. */
  fcntl(sf, F_SETFL, 0);
  fflush(stdout);
  if (fork() == 0) {
    usleep(10000);
    kill(getppid(), SIGUSR1);
    _exit(0);
  }
  TRY(read(sf, &info, sizeof info));
  printf("%d\n", info.ssi_signo);
  int status;
  wait(&status);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  files();
  locks();
  pipes();
  transfers();
  events();
  return 0;
}
