/* Files: descriptors that are no more than a path, whom permissions are asked of, transfers between files and their limits. */
#include "cases.h"
#include <linux/fs.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifdef __arm__
#define SYS_FSTATAT SYS_fstatat64
#else
#define SYS_FSTATAT SYS_newfstatat
#endif

static int file(const char *name, const char *text) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  write(fd, text, strlen(text));
  lseek(fd, 0, SEEK_SET);
  return fd;
}
static long offset(int fd) { return lseek(fd, 0, SEEK_CUR); }

CASE(path_descriptors) {
  char c[300];
  struct stat st;
  struct statfs fs;
  struct iovec v = {c, 1};
  struct epoll_event e = {.events = EPOLLIN};
  struct itimerspec never = {0};
  close(file("file", "hello"));
  int fd = open("file", O_PATH), dir = open(".", O_PATH | O_DIRECTORY), p[2], ep = epoll_create1(0), plain = open("file", O_RDWR);
  pipe(p);
  SHOW(read(fd, c, 1));
  SHOW(write(fd, c, 1));
  SHOW(pread(fd, c, 1, 0));
  SHOW(pwrite(fd, c, 1, 0));
  SHOW(readv(fd, &v, 1));
  SHOW(writev(fd, &v, 1));
  SHOW(preadv(fd, &v, 1, 0));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(ftruncate(fd, 0));
  SHOW(fallocate(fd, 0, 0, 1));
  SHOW(fchmod(fd, 0600));
  SHOW(fchown(fd, 0, 0));
  SHOW(futimens(fd, NULL));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(syncfs(fd));
  SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
  SHOW(sync_file_range(fd, 0, 0, 0));
  SHOW(readahead(fd, 0, 1));
  SHOW(flock(fd, LOCK_SH));
  SHOW(ioctl(fd, FIONREAD, c));
  SHOW(fgetxattr(fd, "user.x", c, 1));
  SHOW(flistxattr(fd, c, 1));
  SHOW(syscall(SYS_getdents64, dir, c, sizeof c));
  SHOW(mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
  SHOW(sendfile(p[1], fd, NULL, 1));
  SHOW(sendfile(fd, plain, NULL, 1));
  SHOW(splice(fd, NULL, p[1], NULL, 1, 0));
  SHOW(tee(fd, p[1], 1, 0));
  SHOW(copy_file_range(fd, NULL, plain, NULL, 1, 0));
  SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
  SHOW(epoll_wait(fd, &e, 1, 0));
  SHOW(timerfd_settime(fd, 0, &never, NULL));
  SHOW(inotify_rm_watch(fd, 1));
  SHOW(getsockname(fd, (void *)c, (void *)c));
  SHOW(listen(fd, 1));
  SHOW(fcntl(fd, F_SETFL, 0));
  SHOW(fcntl(fd, F_GETOWN, 0));
  struct pollfd look = {fd, POLLIN, 0};
  SHOW(poll(&look, 1, 0));
  SHOW(look.revents == POLLNVAL);
  /* The name is as good as any. */
  SHOW(fstat(fd, &st));
  SHOW(st.st_size);
  SHOW(fstatfs(fd, &fs));
  SHOW(fchdir(dir));
  SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
  SHOW(faccessat(dir, "file", R_OK, 0));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
  SHOW(close(dup(fd)));
  SHOW(dup2(fd, 50));
  SHOW(close(50));
  SHOW(openat(fd, "x", O_RDONLY));
  SHOW(close(openat(dir, "file", O_RDONLY)));
  SHOW(close(fd));
  SHOW(close(fd));
}

CASE(fsuid) {
  int fd;
  close(file("secret", "x"));
  chmod("secret", 0600);
  mkdir("mine", 0700);
  SHOW(setfsuid(1000));
  SHOW(fd = open("secret", O_RDONLY));
  SHOW(open("mine/new", O_WRONLY | O_CREAT, 0600));
  SHOW(access("secret", R_OK));
  SHOW(chmod("secret", 0644));
  SHOW(setfsuid(-1));
  SHOW(setfsuid(0));
  SHOW(setfsuid(-1));
  SHOW((fd = open("secret", O_RDONLY)) >= 0);
  close(fd);
  SHOW(setfsgid(1000));
  SHOW((fd = open("of-a-group", O_WRONLY | O_CREAT, 0600)) >= 0);
  struct stat st;
  fstat(fd, &st);
  SHOW(st.st_gid);
}

CASE(offsets_of_transfers) {
  int from = file("from", "0123456789"), to = file("to", ""), p[2];
  pipe(p);
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  off64_t *at = page;
  *at = 2;
  mprotect(page, 4096, PROT_READ);
  SHOW(sendfile64(to, from, at, 4));
  SHOW(offset(to));
  SHOW(offset(from));
  SHOW(splice(from, at, p[1], NULL, 4, 0));
  SHOW(copy_file_range(from, at, to, NULL, 4, 0));
  SHOW(sendfile64(to, from, (void *)8, 4));
  mprotect(page, 4096, PROT_READ | PROT_WRITE);
  SHOW(sendfile64(to, from, at, 4));
  SHOW(*at);
  *at = -1;
  SHOW(sendfile64(to, from, at, 4));
  *at = 0;
  SHOW(sendfile64(to, p[0], at, 4));
  SHOW(splice(p[0], at, to, NULL, 4, 0));
  *at = 8;
  SHOW(copy_file_range(from, at, to, NULL, 4, 0));
  SHOW(*at);
}

static int toobig;
static void count_toobig(int n) { toobig += n == SIGXFSZ; }

/* Under the limit nothing can be said: what is said goes to a file, too. */
static long results[20][2];
static int said;
static void keep(long value) {
  results[said][0] = value < 0 ? -errno : value;
  results[said++][1] = toobig;
}
CASE(transfers_of_nothing) {
  int from = file("from", "0123456789"), p[2], event = eventfd(0, EFD_NONBLOCK), changes = inotify_init1(IN_NONBLOCK);
  pipe2(p, O_NONBLOCK);
  SHOW(splice(changes, NULL, p[1], NULL, 20, 0));
  SHOW(splice(changes, NULL, p[1], NULL, 4096, 0));
  SHOW(splice(event, NULL, p[1], NULL, 8, 0));
  write(p[1], "\1\0\0\0\0\0\0\0", 8);
  SHOW(splice(p[0], NULL, event, NULL, 8, 0));
  uint64_t count = 0;
  SHOW(read(event, &count, 8));
  off64_t behind = 100;
  SHOW(sendfile64(event, from, &behind, 4));
  SHOW(sendfile64(event, from, NULL, 4));
  SHOW(sendfile64(event, from, NULL, 0));
  off64_t last = INT64_MAX;
  SHOW(sendfile64(p[1], from, &last, 0));
  SHOW(sendfile64(p[1], from, &last, 1));
  SHOW(sendfile64(event, from, &last, 0));
}

static void no_more(int n) { (void)n; }
/* The source is a hole, and takes no room. */
CASE(others_run_during_a_transfer) {
  int from = open("hole", O_RDWR | O_CREAT | O_TRUNC, 0644), to = open("/dev/null", O_WRONLY);
  volatile int *ticks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SHOW(ftruncate(from, 1 << 30));
  pid_t child = fork();
  while (child == 0) {
    usleep(1000);
    ticks[0]++;
  }
  while (ticks[0] == 0) usleep(1000);
  int begun = ticks[0];
  SHOW(sendfile(to, from, NULL, 1 << 30));
  SHOW(ticks[0] - begun > 4);
  kill(child, SIGKILL);
  SHOW(offset(from));
  signal(SIGALRM, no_more);
  struct itimerval soon = {.it_value = {.tv_usec = 2000}};
  lseek(from, 0, SEEK_SET);
  setitimer(ITIMER_REAL, &soon, NULL);
  ssize_t sent = sendfile(to, from, NULL, 1 << 30);
  SHOW(sent == offset(from));
  SHOW(sent < 1 << 30);
}

CASE(descriptors_before_memory) {
  struct rlimit none = {3, 3}, one = {4, 4};
  close_range(3, ~0U, 0);
  setrlimit(RLIMIT_NOFILE, &one);
  SHOW(syscall(SYS_pipe2, 8, 0));
  SHOW(syscall(SYS_pipe2, 8, 1));
  setrlimit(RLIMIT_NOFILE, &none);
  SHOW(syscall(SYS_pipe2, 8, 0));
  SHOW(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8));
  SHOW(open("/dev/null", O_RDONLY));
}

CASE(flags_of_stat) {
  struct stat st;
  int flags[] = {0, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC, AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, AT_SYMLINK_FOLLOW, AT_REMOVEDIR, 0x8000};
  for (int i = 0; i < 7; i++) {
    SHOW(i);
    SHOW(syscall(SYS_FSTATAT, AT_FDCWD, ".", &st, flags[i]));
    SHOW(syscall(SYS_FSTATAT, AT_FDCWD, "none", &st, flags[i]));
    SHOW(syscall(SYS_FSTATAT, AT_FDCWD, "", &st, flags[i]));
    SHOW(syscall(SYS_FSTATAT, AT_FDCWD, 8, &st, flags[i]));
    SHOW(syscall(SYS_FSTATAT, 99, ".", 8, flags[i]));
  }
}

CASE(who_appends_does_so_anywhere) {
  close(file("log", "0123456789"));
  int fd = open("log", O_RDWR | O_APPEND);
  struct rlimit few = {100000, 100000};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &few);
  SHOW(pwrite(fd, "abc", 3, 1000000));
  SHOW(lseek(fd, 0, SEEK_END));
  struct iovec two[] = {{"de", 2}, {"f", 1}};
  SHOW(pwritev(fd, two, 2, 500000));
  SHOW(lseek(fd, 0, SEEK_END));
  int plain = open("log", O_RDWR);
  SHOW(pwrite(plain, "abc", 3, 1000000));
}

static int opens(const char *name, int how) {
  int fd = open(name, how, 0644);
  return fd < 0 ? -1 : close(fd);
}
CASE(slashes_behind_what_is_made) {
  close(file("target", "x"));
  mkdir("sub", 0755);
  symlink("target/", "to-file");
  symlink("none/", "to-none");
  symlink("sub/", "to-sub");
  symlink("to-sub", "to-to");
  symlink("none/x/", "lost");
  const char *names[] = {"to-file", "to-none", "to-sub", "to-to", "lost", "sub/", "sub//", "sub/.", "sub/./", "none/", "none/x/", "target/x/", "to-file/", "./", "/", "to-sub/new"};
  int hows[] = {O_CREAT | O_RDONLY, O_CREAT | O_WRONLY, O_CREAT | O_EXCL | O_WRONLY, O_CREAT | O_NOFOLLOW};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
    for (int j = 0; j < 4; j++) {
      printf("%s %d ", names[i], j);
      SHOW(opens(names[i], hows[j]));
    }
}

CASE(memory_is_looked_at_when_there_is_something) {
  int e = epoll_create1(0), d = open(".", O_DIRECTORY), p[2], s[2];
  struct epoll_event event = {.events = EPOLLIN};
  struct iovec bad[] = {{(void *)3, 2}, {(void *)3, 2}};
  char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(two + 4096, 4096);
  pipe2(p, O_NONBLOCK);
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
  SHOW(syscall(SYS_epoll_wait, e, 8, 10, 5));
  SHOW(syscall(SYS_epoll_wait, e, 0, 10, 5));
  epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event);
  epoll_ctl(e, EPOLL_CTL_ADD, s[0], &event);
  SHOW(readv(p[0], bad, 2));
  SHOW(readv(s[0], bad, 2));
  SHOW(readv(d, bad, 2));
  write(p[1], "x", 1);
  write(s[1], "xyz", 3);
  SHOW(syscall(SYS_epoll_wait, e, 8, 10, 5));
  SHOW(syscall(SYS_epoll_wait, e, two + 4096 - 16, 10, 5));
  SHOW(syscall(SYS_epoll_wait, e, two, 10, 5));
  SHOW(readv(p[0], bad, 2));
  SHOW(readv(d, bad, 2));
}

CASE(entries_at_the_end_of_memory) {
  char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  mkdir("empty", 0755);
  for (int room = 19; room < 26; room++) {
    int d = open("empty", O_DIRECTORY);
    SHOW(room);
    SHOW(syscall(SYS_getdents64, d, page + 4096 - room, 1000));
    close(d);
  }
}

CASE(objects_have_one_inode) {
  int event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0), changes = inotify_init1(0), ep = epoll_create1(0);
  struct stat a, b;
  fstat(event, &a);
  fstat(timer, &b);
  SHOW(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  fstat(ep, &b);
  SHOW(a.st_ino == b.st_ino);
  SHOW(flock(event, LOCK_SH | LOCK_NB));
  SHOW(flock(timer, LOCK_SH | LOCK_NB));
  SHOW(flock(changes, LOCK_EX | LOCK_NB));
  SHOW(flock(event, LOCK_UN));
  SHOW(flock(timer, LOCK_UN));
  SHOW(flock(changes, LOCK_EX | LOCK_NB));
}

CASE(names_in_a_directory_that_is_gone) {
  char name[301];
  memset(name, 'a', 300);
  name[300] = 0;
  mkdir("gone", 0755);
  int gone = open("gone", O_DIRECTORY), plain = open("plain", O_RDWR | O_CREAT, 0644);
  rmdir("gone");
  SHOW(renameat(gone, name, plain, name));
  SHOW(renameat(gone, name, gone, name));
  SHOW(renameat(gone, "x", plain, name));
  SHOW(linkat(AT_FDCWD, "plain", gone, name, 0));
  SHOW(mkdirat(gone, name, 0755));
  SHOW(unlinkat(gone, name, 0));
  SHOW(openat(gone, name, O_CREAT, 0644));
  SHOW(openat(gone, name, 0));
  SHOW(faccessat(gone, name, F_OK, 0));
}

CASE(size_limit_of_transfers) {
  char bytes[64] = {0};
  int from = file("from", ""), to = file("to", ""), p[2];
  write(from, bytes, sizeof bytes);
  pipe(p);
  write(p[1], bytes, sizeof bytes);
  signal(SIGXFSZ, count_toobig);
  struct rlimit limit = {20, RLIM_INFINITY};
  off64_t at = 0, in = 0, out = 10;
  setrlimit(RLIMIT_FSIZE, &limit);
  keep(sendfile64(to, from, &at, 64));
  keep(at);
  keep(offset(to));
  keep(sendfile64(to, from, &at, 64));
  keep(at);
  lseek(to, 15, SEEK_SET);
  keep(splice(p[0], NULL, to, NULL, 64, 0));
  keep(splice(p[0], NULL, to, NULL, 64, 0));
  keep(offset(to));
  keep(copy_file_range(from, &in, to, &out, 64, 0));
  keep(in);
  keep(copy_file_range(from, &in, to, &out, 64, 0));
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_FSIZE, &limit);
  for (int i = 0; i < said; i++) printf("%ld, SIGXFSZ %ld\n", results[i][0], results[i][1]);
}

CASE(outside_the_root) {
  char name[300];
  int status;
  mkdir("root", 0755);
  if (fork() == 0) {
    chroot("root");
    SHOW(syscall(SYS_getcwd, name, sizeof name) > 0);
    printf("%.13s\n", name);
    SHOW(chdir("/") || syscall(SYS_getcwd, name, sizeof name) < 0);
    puts(name);
    fflush(stdout);
    _exit(0);
  }
  wait(&status);
}

#define KCMP(a, b, type, x, y) syscall(SYS_kcmp, a, b, type, x, y)
CASE(compared) {
  int fd = file("file", "x"), same = dup(fd), other = open("file", O_RDONLY), path = open("file", O_PATH), me = getpid(), status;
  SHOW(KCMP(me, me, KCMP_FILE, fd, same));
  SHOW(KCMP(me, me, KCMP_FILE, fd, other) > 0);
  SHOW(KCMP(me, me, KCMP_FILE, fd, other) != KCMP(me, me, KCMP_FILE, other, fd));
  SHOW(KCMP(me, me, KCMP_FILE, path, path));
  SHOW(KCMP(me, me, KCMP_FILE, fd, 99));
  SHOW(KCMP(me, me, KCMP_FILE, -1, fd));
  SHOW(KCMP(me, me, KCMP_VM, 0, 0));
  SHOW(KCMP(me, me, KCMP_FS, 0, 0));
  SHOW(KCMP(me, me, KCMP_SIGHAND, 0, 0));
  SHOW(KCMP(me, me, KCMP_IO, 0, 0));
  SHOW(KCMP(me, me, KCMP_SYSVSEM, 0, 0));
  SHOW(KCMP(me, me, 99, 0, 0));
  SHOW(KCMP(me, 0x3fffffff, KCMP_VM, 0, 0));
  int child = fork();
  if (child == 0) pause();
  SHOW(KCMP(me, child, KCMP_FILE, fd, fd));
  SHOW(KCMP(me, child, KCMP_VM, 0, 0) > 0);
  SHOW(KCMP(me, child, KCMP_FILES, 0, 0) > 0);
  SHOW(KCMP(me, child, KCMP_SIGHAND, 0, 0) > 0);
  kill(child, SIGKILL);
  wait(&status);
}

CASE(owners_of_pipes_and_sockets) {
  struct stat st;
  int p[2], s[2];
  setfsuid(0);
  SHOW(setresuid(-1, 1000, -1));
  pipe(p);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  fstat(p[0], &st);
  SHOW(st.st_uid);
  fstat(s[1], &st);
  SHOW(st.st_uid);
  SHOW(fchmod(p[0], 0640));
  fstat(p[1], &st);
  printf("%o\n", st.st_mode & 07777);
  SHOW(fchown(p[0], 0, -1));
}
