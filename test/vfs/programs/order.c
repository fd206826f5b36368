// What Linux looks at first where several things are wrong with a call, and limits that are seldom met.
#include "try.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The last of a page behind which there is none. */
static char *edge(int bytes) {
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  return pages + 4096 - bytes;
}

static void directories(void) {
  mkdir("empty", 0755);
  int fd = open("empty", O_RDONLY | O_DIRECTORY);
  TRY(syscall(SYS_getdents64, fd, edge(3), 20));
  TRY(syscall(SYS_getdents64, fd, NULL, 16));
  TRY(syscall(SYS_getdents64, fd, edge(3), 100));
  TRY(syscall(SYS_getdents64, fd, edge(30), 100) > 0);
  char buffer[1000];
  TRY(syscall(SYS_getdents64, fd, buffer, 1000) > 0);
  TRY(syscall(SYS_getdents64, fd, NULL, 100));
}

static void paths(void) {
  struct timeval times[2] = {{0}};
  TRY(syscall(SYS_futimesat, 99, "", times));
  TRY(linkat(99, "", AT_FDCWD, "x", 0));
  TRY(open((char *)1, O_CREAT | O_DIRECTORY | O_RDWR, 0600));
  TRY(open("new", O_CREAT | O_DIRECTORY | O_RDWR, 0600));
  TRY(openat(99, "new", O_CREAT | O_DIRECTORY, 0600));
}

static void records(void) {
  int fd = eventfd(3, EFD_NONBLOCK);
  TRY(read(fd, edge(4), 100));
  TRY(read(fd, edge(0), 100));
  uint64_t value = 5;
  TRY(write(fd, &value, 8));
  TRY(read(fd, edge(8), 100));
  TRY(write(fd, edge(0), 4));
  TRY(write(fd, edge(0), 8));
  char *half = edge(4);
  memset(half, 255, 4);
  TRY(write(fd, half, 8));
  TRY(write(fd, half, 4));
  struct iovec halves[2] = {{half, 8}, {&value, 8}};
  TRY(writev(fd, halves, 2));
  struct iovec v[3] = {{&value, 8}, {&value, 8}, {&value, 4}};
  TRY(writev(fd, v, 3));
  TRY(read(fd, &value, 8));
  TRY(value);
  v[0].iov_len = v[1].iov_len = 4;
  TRY(writev(fd, v, 3));
  TRY(read(fd, edge(4), 4));
  TRY(read(fd, edge(4), 8));
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  TRY(read(timer, edge(4), 100));
  struct itimerspec soon = {{0}, {0, 1}};
  timerfd_settime(timer, 0, &soon, NULL);
  usleep(2000);
  TRY(read(timer, &value, 8));
  TRY(read(timer, edge(4), 100));
  int watch = inotify_init1(IN_NONBLOCK);
  TRY(read(watch, NULL, 0));
  TRY(inotify_add_watch(watch, ".", IN_CREATE));
  close(open("seen", O_CREAT | O_WRONLY, 0600));
  TRY(read(watch, NULL, 0));
  TRY(read(watch, edge(8), 100));
}

static void exclusive(void) {
  int fd = epoll_create1(0), other = epoll_create1(0), p[2];
  pipe(p);
  struct epoll_event e = {EPOLLIN | EPOLLEXCLUSIVE, {0}};
  TRY(epoll_ctl(fd, EPOLL_CTL_MOD, p[0], &e));
  TRY(epoll_ctl(fd, EPOLL_CTL_ADD, other, &e));
  TRY(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &e));
  TRY(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &e));
  e.events = EPOLLIN;
  TRY(epoll_ctl(fd, EPOLL_CTL_MOD, p[0], &e));
  TRY(epoll_ctl(fd, EPOLL_CTL_DEL, p[0], &e));
  e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
  TRY(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &e));
  e.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLET;
  TRY(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &e));
}

static void ipc(void) {
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  int queue = msgget(4321, IPC_CREAT | 0600);
  TRY(msgget(4321, 0600) == queue);
  TRY(msgget(4321, 0100));
  TRY(msgget(4321, 0001));
  struct msqid_ds ds;
  int slot;
  for (slot = 0; slot < 100 && msgctl(slot, MSG_STAT, &ds) != queue; slot++) continue;
  TRY(msgctl(slot + 32768 * 7, MSG_STAT, &ds) == queue);
  TRY(msgctl(queue, IPC_RMID, NULL));
  struct rlimit l = {8 << 12, 8 << 12};
  setrlimit(RLIMIT_MEMLOCK, &l);
  int large = shmget(IPC_PRIVATE, 9 << 12, 0600), some = shmget(IPC_PRIVATE, 5 << 12, 0600);
  int more = shmget(IPC_PRIVATE, (3 << 12) + 1, 0600);
  TRY(shmctl(large, SHM_LOCK, NULL));
  TRY(shmctl(some, SHM_LOCK, NULL));
  TRY(shmctl(some, SHM_LOCK, NULL));
  TRY(shmctl(more, SHM_LOCK, NULL));
  TRY(shmctl(some, SHM_UNLOCK, NULL));
  TRY(shmctl(more, SHM_LOCK, NULL));
  shmctl(large, IPC_RMID, NULL), shmctl(some, IPC_RMID, NULL), shmctl(more, IPC_RMID, NULL);
}

static void memory(void) {
  char *grows = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(grows, 4096);
  munmap(grows + 32768, 4096);
  TRY(mprotect(grows, 8192, PROT_READ | PROT_GROWSDOWN));
  TRY(mprotect(grows, 8192, PROT_READ | PROT_GROWSUP));
  TRY(mprotect(grows, 4096, PROT_READ | PROT_GROWSDOWN));
  TRY(mprotect(grows + 4096, 4096, PROT_READ | PROT_GROWSUP));
  TRY(mremap(grows + 32768, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, NULL) == MAP_FAILED);
  printf("%s\n", strerrorname_np(errno));
  TRY(mlock(grows + 4096, 4096));
  TRY(msync(grows + 4096, 8192, MS_SYNC | MS_INVALIDATE));
  TRY(msync(grows + 8192, 4096, MS_SYNC | MS_INVALIDATE));
  TRY(msync(grows, 16384, MS_ASYNC | MS_INVALIDATE));
  TRY(msync(grows, 16384, MS_ASYNC));
  TRY(munlock(grows + 4096, 4096));
  // What cannot be had cannot be locked, and counts as locked.
  mprotect(grows + 8192, 4096, PROT_NONE);
  mprotect(grows + 12288, 4096, PROT_WRITE);
  TRY(mlock(grows + 4096, 12288));
  TRY(mlock(grows + 12288, 4096));
  TRY(mlock2(grows + 8192, 4096, MLOCK_ONFAULT));
  TRY(msync(grows + 4096, 12288, MS_INVALIDATE));
  munlock(grows + 4096, 12288);
  int empty = open("no pages", O_RDWR | O_CREAT, 0600);
  char *nothing = mmap(NULL, 4096, PROT_READ, MAP_SHARED, empty, 0);
  TRY(mlock(nothing, 4096));
  TRY(munlock(nothing, 4096));
  struct rlimit l = {1 << 20, RLIM_INFINITY};
  TRY(setrlimit(RLIMIT_DATA, &l));
  TRY(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  printf("%s\n", strerrorname_np(errno));
  TRY(mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  TRY(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  char *read_only = mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY(mprotect(read_only, 2 << 20, PROT_READ | PROT_WRITE));
  TRY(mprotect(read_only, 4096, PROT_READ | PROT_WRITE));
  TRY(mremap(read_only, 4096, 2 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
  TRY(brk((char *)sbrk(0) + (2 << 20)));
  l.rlim_cur = 0;
  TRY(setrlimit(RLIMIT_DATA, &l));
  TRY(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

// Mapping by mapping: those before a hole, or before one that may not be protected so, are.
static void protections(void) {
  int zero = open("/dev/zero", O_RDONLY), file = open("read only", O_RDONLY | O_CREAT, 0600);
  char *at = mmap((void *)0x70000000, 3 << 14, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap(at + (1 << 14), 4096, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
  munmap(at + (2 << 14), 1 << 14);
  TRY(read(zero, at, 1));
  TRY(mprotect(at, 2 << 14, PROT_READ | PROT_WRITE));
  TRY(read(zero, at, 1));
  TRY(mprotect(at, 0x60000000, PROT_READ));
  TRY(read(zero, at, 1));
  TRY(mprotect(at, 0x60000000, PROT_WRITE | PROT_READ | PROT_EXEC));
  TRY(read(zero, at, 1));
  TRY(mprotect(at, 3 << 14, PROT_NONE));
  TRY(access(at, F_OK));
  int id = shmget(IPC_PRIVATE, 4096, 0600);
  at = shmat(id, NULL, SHM_RDONLY);
  TRY(mprotect(at, 4096, PROT_READ | PROT_WRITE));
  TRY(mprotect(at, 4096, PROT_READ | PROT_EXEC));
  shmctl(id, IPC_RMID, NULL);
}

// Pipes, sockets, files in memory and the rest are on file systems of their own.
static void clones(void) {
  int p[2], s[2], event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0), memory = memfd_create("x", 0);
  pipe(p);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  TRY(ioctl(s[0], FICLONE, timer));
  TRY(ioctl(s[0], FICLONE, p[0]));
  TRY(ioctl(s[0], FICLONE, s[1]));
  TRY(ioctl(timer, FICLONE, event));
  TRY(ioctl(memory, FICLONE, event));
  TRY(ioctl(memory, FICLONE, memory));
  int all[] = {p[0], s[0], event, memory};
  struct statfs of;
  for (int i = 0; i < 4; i++) {
    TRY(fstatfs(all[i], &of));
    printf("%lx %d %d\n", (long)of.f_type, (int)of.f_bsize, (int)of.f_namelen);
  }
}

static void others(void) {
  int p[2], zero = open("/dev/zero", O_RDONLY);
  pipe(p);
  off_t offset = 3;
  TRY(sendfile(p[1], zero, &offset, 100));
  TRY(offset);
  int null = open("/dev/null", O_RDWR);
  TRY(sendfile(p[1], null, NULL, 100));
  TRY(splice(null, NULL, p[1], NULL, 100, 0));
  struct iovec some = {&offset, 8};
  TRY(pwritev2(null, &some, 1, 5, RWF_SYNC));
  TRY(pwritev2(null, NULL, 0, 5, RWF_SYNC | RWF_APPEND));
  TRY(pwritev2(p[1], &some, 1, -1, RWF_DSYNC));
  // What is read and written piece by piece takes no flags.
  int directory = open(".", O_RDONLY | O_DIRECTORY), event = eventfd(5, EFD_NONBLOCK), watch = inotify_init1(IN_NONBLOCK);
  loff_t start = 0;
  TRY(splice(directory, NULL, p[1], NULL, 100, 0));
  TRY(splice(directory, &start, p[1], NULL, 100, 0));
  TRY(copy_file_range(directory, NULL, null, NULL, 100, 0));
  // A stream that is connected to nobody, of which nothing is asked; and offsets at the end of all.
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  TRY(sendfile(p[1], tcp, NULL, 0));
  TRY(sendfile(p[1], tcp, NULL, 1));
  // Pipes that are full, or nobody reads, say so also where nothing would come; that one is to append to says nothing.
  int full[2], broken[2], empty = memfd_create("empty", 0);
  pipe2(full, O_NONBLOCK);
  char bytes[4096] = {0};
  while (write(full[1], bytes, sizeof bytes) > 0) continue;
  pipe2(broken, O_NONBLOCK);
  close(broken[0]);
  signal(SIGPIPE, SIG_IGN);
  int from_[] = {empty, null, zero, directory, tcp}, into[] = {full[1], broken[1], p[1]};
  for (int i = 0; i < 3; i++) {
    fcntl(into[i], F_SETFL, O_APPEND | O_NONBLOCK);
    for (int j = 0; j < 5; j++) {
      printf("%d %d ", i, j);
      // Since Linux 6.5 nothing can be had of everything.
      if (i < 2 || j == 0 || j == 2) TRY(sendfile(into[i], from_[j], NULL, 0));
      TRY(sendfile(into[i], from_[j], NULL, 10));
      TRY(splice(from_[j], NULL, into[i], NULL, 10, 0));
      TRY(splice(from_[j], NULL, into[i], NULL, 10, SPLICE_F_NONBLOCK));
    }
  }
  fcntl(p[1], F_SETFL, 0);
  loff_t last = INT64_MAX - 4095;
  TRY(sendfile(99, null, &last, 4096));
  TRY(sendfile(99, null, &last, 4095));
  TRY(sendfile(p[1], zero, &last, 4096));
  TRY(splice(zero, &last, p[1], NULL, 4096, 0));
  struct iovec no_memory = {(void *)1, 8}, nothing = {NULL, 0};
  TRY(preadv2(directory, &some, 1, -1, RWF_SYNC));
  TRY(preadv2(directory, &some, 1, -1, RWF_HIPRI));
  TRY(preadv2(directory, &no_memory, 1, -1, RWF_SYNC));
  TRY(preadv2(directory, &nothing, 1, -1, RWF_SYNC));
  TRY(preadv2(directory, &some, 1, 0, RWF_DSYNC));
  TRY(preadv2(event, &some, 1, -1, RWF_SYNC));
  TRY(preadv2(event, &some, 1, -1, RWF_NOWAIT));
  TRY(pwritev2(event, &some, 1, -1, RWF_SYNC));
  TRY(pwritev2(event, &some, 1, -1, RWF_NOWAIT));
  TRY(preadv2(watch, &some, 1, -1, RWF_NOWAIT));
  TRY(preadv2(watch, &some, 1, -1, RWF_HIPRI));
  int netlink = socket(AF_NETLINK, SOCK_RAW, 0), value = 0;
  TRY(ioctl(netlink, FIONREAD, &value));
  TRY(ioctl(netlink, TIOCOUTQ, &value));
  TRY(ioctl(netlink, FIONREAD, (void *)1));
  TRY(mknod("whiteout", S_IFCHR | 0600, 0));
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  // Namespaces are made before the descriptor of a process is.
  TRY(syscall(SYS_clone, CLONE_PIDFD | CLONE_NEWUTS | SIGCHLD, NULL, (void *)1, NULL, NULL));
  TRY(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, (void *)1, NULL, NULL));
}

// Who makes nothing larger needs no limit, and who asks for too much is told so before he is refused.
static void sizes(void) {
  struct rlimit l = {100, 100};
  int fd = open("short", O_RDWR | O_CREAT, 0600), p[2];
  TRY(ftruncate(fd, 300));
  TRY(setrlimit(RLIMIT_FSIZE, &l));
  signal(SIGXFSZ, SIG_IGN);
  TRY(ftruncate(fd, 200));
  TRY(ftruncate(fd, 201));
  TRY(truncate("short", 150));
  TRY(fallocate(fd, 0, 0, 150));
  TRY(fallocate(fd, 0, 0, 151));
  TRY(truncate("short", 0));
  TRY(truncate("short", 101));
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  pipe(p);
  TRY(fcntl(p[0], F_SETPIPE_SZ, (1 << 20) + 1));
  TRY(fcntl(p[0], F_SETPIPE_SZ, (int)(1u << 31)));
  TRY(fcntl(p[0], F_SETPIPE_SZ, (int)(1u << 31) + 1));
  TRY(fcntl(p[0], F_SETPIPE_SZ, -1));
  TRY(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
  TRY(fcntl(p[0], F_SETPIPE_SZ, 0));
}

static void gone(void) {
  char value[100], name[256];
  memset(name, 'a', 255);
  name[255] = 0;
  mkdir("removed", 0755), mkdir("renamed", 0755), mkdir("swapped", 0755), close(open("unlinked", O_CREAT | O_WRONLY, 0600));
  TRY(rmdir("removed"));
  TRY(syscall(SYS_lgetxattr, "removed", name, value, sizeof value));
  TRY(rename("renamed", "moved"));
  TRY(syscall(SYS_lgetxattr, "renamed", name, value, sizeof value));
  TRY(syscall(SYS_renameat2, AT_FDCWD, "swapped", AT_FDCWD, "unlinked", 2));
  TRY(syscall(SYS_lsetxattr, "unlinked", "user.x", value, 1, 0));
  TRY(syscall(SYS_lsetxattr, "swapped", "user.x", value, 1, 0));
  TRY(unlink("swapped"));
  TRY(syscall(SYS_lgetxattr, "swapped", name, value, sizeof value));
  char longer[257];
  memset(longer, 'a', 256);
  longer[256] = 0;
  mkdir("dead", 0755);
  int dead = open("dead", O_RDONLY | O_DIRECTORY);
  TRY(mkdirat(dead, longer, 0755));
  TRY(rmdir("dead"));
  TRY(mkdirat(dead, longer, 0755));
  TRY(symlinkat("x", dead, longer));
  TRY(unlinkat(dead, longer, 0));
  TRY(faccessat(dead, longer, F_OK, 0));
}

static void unmoved(void) {
  char value[100];
  int fd = open("appended", O_RDWR | O_CREAT | O_APPEND, 0600);
  if (write(fd, "0123456789", 10) != 10 || lseek(fd, 3, SEEK_SET) != 3) return;
  TRY(write(fd, "", 0));
  TRY(lseek(fd, 0, SEEK_CUR));
  struct iovec nothing = {NULL, 0}, some = {&fd, 1};
  TRY(writev(fd, &nothing, 1));
  TRY(lseek(fd, 0, SEEK_CUR));
  TRY(write(fd, "x", 1));
  TRY(lseek(fd, 0, SEEK_CUR));
  TRY(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, AT_EMPTY_PATH));
  TRY(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
  TRY(syscall(SYS_utimensat, fd, NULL, NULL, AT_EMPTY_PATH));
  TRY(syscall(SYS_utimensat, fd, NULL, NULL, 0));
  int memory = memfd_create("x", 0);
  if (ftruncate(memory, 8192)) return;
  int p[2];
  pipe(p);
  off_t far = INT64_MAX - 5000;
  TRY(splice(fd, &far, p[1], NULL, 1000, 0));
  TRY(splice(memory, &far, p[1], NULL, 1000, 0));
  TRY(sendfile(memory, memory, NULL, 100000));
  TRY(lseek(memory, 0, SEEK_CUR));
  struct iovec bad[2] = {{(void *)1, 5}, {value, 10}}, half[2] = {{value, 5}, {(void *)1, 10}};
  TRY(preadv(memory, bad, 2, 8192));
  TRY(preadv(memory, bad, 2, 0));
  TRY(preadv(memory, half, 2, 0));
  TRY(preadv(memory, half, 2, 8190));
  TRY(readv(memory, bad, 2));
  TRY(preadv2(memory, &some, 1, 0, RWF_NOWAIT));
  TRY(preadv2(memory, &nothing, 1, 0, RWF_NOWAIT));
  TRY(pwritev2(memory, &some, 1, 0, RWF_NOWAIT));
}

static void locks(void) {
  int fd = open("locked", O_RDWR | O_CREAT, 0600), only = open("locked", O_RDONLY);
  const int64_t most = INT64_MAX;
  if (ftruncate(fd, 100) || lseek(fd, 10, SEEK_SET) != 10) return;
  struct {
    int type, whence;
    int64_t start, length;
    int pid;
  } asked[] = {
      {F_WRLCK, SEEK_SET, most, 2, 0},
      {F_WRLCK, SEEK_SET, 4096, most, 0}, {F_WRLCK, SEEK_CUR, most, 0, 0}, {F_WRLCK, SEEK_END, most - 99, 0, 0},
      {F_WRLCK, SEEK_SET, 4096, most, 5}, {F_WRLCK, SEEK_SET, 2, 0, 5},    {F_WRLCK, SEEK_SET, -1, 5, 0},
      {F_WRLCK, SEEK_CUR, -11, 0, 0},  {F_WRLCK, SEEK_SET, 5, -6, 0},   {F_WRLCK, SEEK_SET, 5, -5, 0},
      {99, SEEK_SET, 4096, most, 0},      {99, SEEK_SET, 2, 0, 5},         {F_UNLCK, SEEK_SET, 4096, most, 0},
      {F_RDLCK, 7, 4096, most, 0},        {F_UNLCK, SEEK_SET, 0, 0, 0},
  };
  for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
    struct flock l = {asked[i].type, asked[i].whence, asked[i].start, asked[i].length, asked[i].pid};
    if (asked[i].type == F_WRLCK) TRY(fcntl(fd, F_OFD_GETLK, &l));
    l = (struct flock){asked[i].type, asked[i].whence, asked[i].start, asked[i].length, asked[i].pid};
    TRY(fcntl(only, F_OFD_SETLK, &l));
    TRY(fcntl(fd, F_OFD_SETLK, &l));
    TRY(fcntl(fd, F_SETLK, &l));
  }
}

static void copies(void) {
  int fd = open("copied", O_RDWR | O_CREAT, 0600), other = open("copy", O_RDWR | O_CREAT, 0600);
  int memory = memfd_create("x", 0), null = open("/dev/null", O_RDWR), more = open("copied", O_RDONLY);
  if (write(fd, "0123456789", 10) != 10 || write(memory, "0123456789", 10) != 10) return;
  int64_t *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), from = 0, to = 0;
#define COPY(in, from, out, to, length, flags) TRY(syscall(SYS_copy_file_range, in, from, out, to, length, flags))
  COPY(more, &from, fd, fixed, 10, 0);
  COPY(fd, &from, other, fixed, 10, 0);
  TRY(lseek(other, 0, SEEK_END));
  TRY(from);
  COPY(fd, fixed, other, &to, 5, 0);
  TRY(to);
  COPY(memory, &to, fd, NULL, 3, 0);
  COPY(memory, NULL, memory, NULL, 3, 0);
  COPY(null, NULL, fd, NULL, 3, 0);
  COPY(fd, NULL, null, NULL, 3, 0);
  COPY(fd, fixed, fd, NULL, 5, 0);
  TRY(lseek(fd, 0, SEEK_CUR));
  to = 5, from = 4;
  COPY(fd, &from, fd, &to, 1, 0);
  from = 4;
  COPY(fd, &from, fd, &to, 2, 0);
  from = -1;
  COPY(fd, &from, fd, &to, 1, 0);
  from = 100;
  COPY(fd, &from, fd, fixed, 10, 0);
  from = 0, to = -5;
  COPY(fd, &from, other, &to, 1, 0);
  COPY(fd, &from, other, &to, 0, 0);
  COPY(fd, (void *)1, other, &to, 1, 1);
  COPY(fd, &from, other, &to, 1, 1);
  struct rlimit l = {4, 4};
  setrlimit(RLIMIT_FSIZE, &l);
  signal(SIGXFSZ, SIG_IGN);
  from = 0, to = 3;
  COPY(fd, &from, other, &to, 5, 0);
  COPY(fd, &from, other, &to, 5, 0);
  COPY(fd, &from, other, &to, 0, 0);
  from = 50;
  COPY(fd, &from, other, &to, 5, 0);
}

/* An access mode of 3 wants both permissions, and gives neither. */
static void neither(void) {
  mkfifo("fifo", 0666);
  int fd = open("neither", O_ACCMODE | O_CREAT, 0666);
  struct stat st;
  char byte = 0;
  struct iovec v = {&byte, 1};
  int p[2];
  pipe(p);
  TRY(fcntl(fd, F_GETFL) & O_ACCMODE);
  TRY(read(fd, &byte, 1));
  TRY(write(fd, &byte, 1));
  TRY(pread(fd, &byte, 1, 0));
  TRY(pwrite(fd, &byte, 1, 0));
  TRY(readv(fd, &v, 1));
  TRY(writev(fd, &v, 1));
  TRY(ftruncate(fd, 5));
  TRY(fallocate(fd, 0, 0, 5));
  TRY(fstat(fd, &st));
  TRY(fchmod(fd, 0644));
  TRY(lseek(fd, 3, SEEK_SET));
  TRY(fsync(fd));
  TRY(flock(fd, LOCK_EX));
  TRY(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_RDLCK}));
  TRY(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK}));
  TRY(splice(fd, NULL, p[1], NULL, 1, 0));
  TRY(sendfile(p[1], fd, NULL, 1));
  TRY(copy_file_range(fd, NULL, fd, NULL, 1, 0));
  TRY0((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == -1 ? -1 : 0);
  TRY0((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == -1 ? -1 : 0);
  TRY0(open("fifo", O_ACCMODE | O_NONBLOCK));
  TRY0(open("fifo", O_ACCMODE));
  TRY0(open("/dev/null", O_ACCMODE));
  TRY0(open(".", O_ACCMODE));
  // Of what is open and cannot be synchronized nobody hears.
  int queue = syscall(SYS_mq_open, "armrun-neither", O_RDWR | O_CREAT, 0600, NULL);
  TRY(fsync(queue));
  sync();
  errno = 0;
  TRY(syscall(SYS_sync));
  syscall(SYS_mq_unlink, "armrun-neither");
}

static void descriptors(void) {
  struct rlimit l;
  getrlimit(RLIMIT_NOFILE, &l);
  FILE *f = fopen("/proc/sys/fs/nr_open", "r");
  unsigned long most = 0;
  TRY(fscanf(f, "%lu", &most));
  fclose(f);
  // Nobody has more than nr_open, and to have more than one had needs a privilege.
  l.rlim_max = most + 1;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
  l.rlim_max = RLIM_INFINITY;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
  l.rlim_cur = l.rlim_max = 20;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
  TRY(dup2(0, 20));
  TRY(dup2(0, 19));
  TRY(fcntl(0, F_DUPFD, 20));
  TRY(fcntl(0, F_DUPFD, 19));
  l.rlim_cur = 3;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
  TRY(accept(0, NULL, NULL));
  TRY(accept(99, NULL, NULL));
  TRY(accept4(0, NULL, NULL, 1));
  TRY(syscall(SYS_mq_open, "none", O_RDONLY, 0, NULL));
  TRY(syscall(SYS_mq_open, "a/b", O_RDONLY, 0, NULL));
  TRY(syscall(SYS_mq_open, "", O_RDONLY, 0, NULL));
  l.rlim_cur = 20;
  l.rlim_max = 21;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  l.rlim_max = 22;
  TRY(setrlimit(RLIMIT_NOFILE, &l));
}

// Both want a privilege, or to be the owner, before they look at the rest.
static void unprivileged(void) {
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  TRY(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));
  int fd = open("/etc/passwd", O_RDONLY);
  TRY(fcntl(fd, F_SETFL, O_NOATIME));
  TRY(fcntl(fd, F_SETFL, O_NONBLOCK));
  TRY(fcntl(fd, F_GETFL) & O_NONBLOCK);
  TRY(mount("none", "/tmp", "tmpfs", 1u << 31, NULL));
  TRY(mount("none", "/tmp", "tmpfs", 0xc0ed0000, NULL));
}

static void timers(void) {
  int id;
  TRY(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, (void *)1, &id));
  TRY(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, (void *)1));
  TRY(syscall(SYS_timer_create, 77, NULL, (void *)1));
  struct sigevent event = {.sigev_notify = 99};
  TRY(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, (void *)1));
  // Of whom a clock of CPU time is, is asked when the number has been told.
  for (int what = 0; what < 8; what++) {
    id = -1;
    printf("%d ", what);
    TRY(syscall(SYS_timer_create, -622224 + what, NULL, &id));
    printf("number %s\n", id < 0 ? "not told" : "told");
    TRY(syscall(SYS_timer_create, -622224 + what, NULL, (void *)1));
  }
}

static void own_descriptors(void) {
  int fd = open("/dev/null", O_RDONLY);
  char path[100];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (getuid() == 0) setresuid(1000, 1000, 1000), prctl(PR_SET_DUMPABLE, 1);
  TRY(access("/proc/self/fd", R_OK | W_OK | X_OK));
  TRY(unlink(path));
  TRY(rmdir(path));
  TRY(rename(path, "/proc/self/fd/77"));
  TRY(mkdir("/proc/self/fd/77", 0700));
  TRY(mknod("/proc/self/fd/77", S_IFREG | 0600, 0));
  TRY(symlink("x", "/proc/self/fd/77"));
  TRY(open("/proc/self/fd/77", O_CREAT | O_RDWR, 0600));
  TRY(unlink("/proc/self/fd/77"));
  TRY(mkdir("/proc/self/77", 0700));
  TRY(access("/proc/1/fd", R_OK));
}

// A file without a name has one yet, for who has it open.
static void nameless(void) {
  int fd = open("nameless", O_RDONLY | O_CREAT, 0600);
  char path[100];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  TRY(unlink("nameless"));
  TRY(chmod(path, 0640));
  TRY(truncate(path, 100));
  struct timeval times[2] = {{5, 7}, {6, 8}};
  TRY(utimes(path, times));
  TRY(chown(path, getuid(), getgid()));
  TRY(access(path, W_OK));
  struct stat s;
  fstat(fd, &s);
  printf("%o %ld %ld %ld %d\n", s.st_mode, (long)s.st_size, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec, (int)s.st_nlink);
  // Both directories are looked for before the names in them.
  TRY(rename("/proc/self/none", "new"));
  TRY(rename("/proc/self/none", "no such/new"));
  TRY(rename("/proc/self/none", "/proc/none"));
}

/* Where nobody makes names. */
static void long_names_in(const char *dir) {
  char name[400];
  int length = sprintf(name, "%s/", dir);
  memset(name + length, 'x', 300);
  name[length + 300] = 0;
  for (int i = 0; i < 2; i++) {
    TRY(access(name, F_OK));
    TRY(mkdir(name, 0700));
    TRY(open(name, O_CREAT | O_RDWR, 0600));
    TRY(unlink(name));
    TRY(rmdir(name));
    TRY(symlink("x", name));
    TRY(link(name, name));
    TRY(rename(name, name));
    name[length + 300 - 1] = '/';
    TRY(access(name, F_OK));
    name[length + 1] = 0;
  }
}

static void long_names(void) {
  long_names_in("/proc");
  long_names_in("/proc/self/fd");
  long_names_in("/proc/sys/kernel");
  long_names_in("/dev/pts");
  char name[300] = "closed/";
  memset(name + 7, 'a', 256);
  mkdir("closed", 0);
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  TRY(open(name, O_RDONLY));
  TRY(open("closed/x", O_RDONLY));
  TRY(open(name + 7, O_RDONLY));
}

// Both directories are looked for first, then the old name, then the new one.
static void long_new_names(void) {
  char name[300];
  memset(name, 'a', 256);
  name[256] = 0;
  mkdir("full", 0755);
  TRY(rename("none", name));
  TRY(rename("full", name));
  TRY(rename(name, (char *)1));
  TRY(rename(name, "full/."));
  TRY(rename(name, "none/none"));
  TRY(rename(name, "/proc/self/none"));
  TRY(rename(name, "none"));
  TRY(renameat(AT_FDCWD, name, 0, "none"));
  TRY(link("none", name));
  TRY(link("full", name));
  TRY(mkdir(name, 0755));
  TRY(rmdir(name));
}

// Flags of a queue's descriptor are kept as they were given, and O_PATH makes a path of it.
static void queues(void) {
  int all = ~(O_DIRECTORY | O_NOFOLLOW | O_DIRECT | O_LARGEFILE);
  int fd = syscall(SYS_mq_open, "kept", O_CREAT | O_RDWR | O_TRUNC | O_APPEND, 0600, NULL);
  TRY(fcntl(fd, F_GETFL) & all);
  int path = syscall(SYS_mq_open, "kept", O_CREAT | O_RDWR | O_PATH, 0600, NULL);
  TRY(fcntl(path, F_GETFL) & all);
  char attributes[100];
  TRY(syscall(SYS_mq_getsetattr, fd, NULL, attributes));
  TRY(syscall(SYS_mq_getsetattr, path, NULL, attributes));
  TRY(syscall(SYS_mq_unlink, "kept"));
}

// What open does not know of flags, it forgets; openat2 does not.
static void flags(void) {
  int fd = open("/dev/null", O_RDONLY | 1 << 27 | 1 << 31);
  TRY(fcntl(fd, F_GETFL) & (1 << 27 | 1 << 31));
  uint64_t how[3] = {1 << 27, 0, 0};
  TRY(syscall(SYS_openat2, AT_FDCWD, "/dev/null", how, sizeof how));
}

static void unreachable(void) {
  if (getuid() != 0) return;
  mkdir("jail", 0755), mkdir("outside", 0755), mkdir("gone", 0755);
  char where[200];
  int outside = open("outside", O_RDONLY | O_DIRECTORY);
  TRY(chroot("jail"));
  TRY(fchdir(outside));
  long length = syscall(SYS_getcwd, where, sizeof where);
  TRY(strncmp(where, "(unreachable)/", 14));
  TRY(length == (long)strlen(where) + 1);
  TRY(strcmp(where + length - 9, "/outside"));
  TRY(syscall(SYS_getcwd, where, 5));
  // The C library finds that out, and looks itself, which it cannot.
  TRY0(getcwd(where, sizeof where) == NULL ? -1 : 0);
  TRY(rmdir("../gone"));
  TRY(fchdir(outside));
  TRY(chdir("../gone"));
  TRY(rmdir("../outside"));
  TRY(syscall(SYS_getcwd, where, sizeof where));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  run(directories);
  run(paths);
  run(records);
  run(exclusive);
  run(ipc);
  run(memory);
  run(protections);
  run(clones);
  run(others);
  run(sizes);
  run(gone);
  run(unmoved);
  run(locks);
  run(copies);
  run(neither);
  run(descriptors);
  run(unprivileged);
  run(timers);
  run(own_descriptors);
  run(nameless);
  run(long_names);
  run(long_new_names);
  run(queues);
  run(flags);
  run(unreachable);
  return 0;
}
