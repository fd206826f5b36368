/* Calls that came to Linux late: requeued locks, barriers, files in memory with seals, processes by descriptors, other processes' memory. */
#include "cases.h"
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE 2
#define CLOSE_RANGE_CLOEXEC 4
#endif

static uint32_t word, lock;
static volatile int waiting_tids[4];
#define futex(AT, OP, ...) syscall(SYS_futex, AT, OP, __VA_ARGS__)
static pid_t tid(void) { return syscall(SYS_gettid); }

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char results[4][100];
static void *requeued(void *p) {
  long i = (long)p;
  __atomic_store_n(&waiting_tids[i], tid(), __ATOMIC_SEQ_CST);
  int r = futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &lock, 0);
  int e = errno;
  pthread_mutex_lock(&order);
  sprintf(results[i], "%s, owner %d", r ? strerrorname_np(e) : "0", (int)(lock & FUTEX_TID_MASK) == tid());
  pthread_mutex_unlock(&order);
  if (r == 0) futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
  return NULL;
}
static void start(pthread_t *t, int n) {
  for (long i = 0; i < n; i++) {
    waiting_tids[i] = 0;
    pthread_create(&t[i], NULL, requeued, (void *)i);
    while (!__atomic_load_n(&waiting_tids[i], __ATOMIC_SEQ_CST)) nap(1);
    until_tid_asleep(waiting_tids[i]);
  }
}
static void finish(pthread_t *t, int n) {
  for (int i = 0; i < n; i++) {
    pthread_join(t[i], NULL);
    puts(results[i]);
  }
  printf("lock %x\n", lock);
}
CASE(requeue_to_a_lock) {
  pthread_t t[3];
  SHOW(futex(&word, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
  SHOW(futex(&lock, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
  word = 0;
  start(t, 3);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100, &lock, 7));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 2, (void *)100, &lock, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100, &word, 0));
  SHOW(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)1, &lock, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100, &lock, 0));
  SHOW((lock & FUTEX_WAITERS) != 0);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100, &lock, 0));
  SHOW(futex(&lock, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
  finish(t, 3);
}
CASE(requeue_to_a_free_lock) {
  pthread_t t[3];
  start(t, 3);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1, &lock, 0));
  pthread_join(t[0], NULL);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)100, &lock, 0));
  for (int i = 1; i < 3; i++) pthread_join(t[i], NULL);
  for (int i = 0; i < 3; i++) puts(results[i]);
  printf("lock %x\n", lock);
}
CASE(requeue_errors) {
  struct timespec past = {1, 0}, bad = {1, -1};
  SHOW(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 5, NULL, &lock, 0));
  SHOW(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &word, 0));
  SHOW(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &past, &lock, 0));
  SHOW(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, 0, &past, &lock, 0));
  SHOW(futex(&word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, &bad, &lock, 0));
  SHOW(futex((char *)&word + 1, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 0, NULL, &lock, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1, &lock, 0));
  SHOW(futex(&word, 99, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_FD, 0, NULL, NULL, 0));
}

static uint32_t words[3] = {1, 2, 3};
static void *wakes_second(void *p) {
  until_tid_asleep(*(int *)p);
  futex(&words[1], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
  return NULL;
}
#define WAITV(N, FLAGS, TIMEOUT, CLOCK) syscall(449, v, N, FLAGS, TIMEOUT, CLOCK)
CASE(several_words) {
  struct { uint64_t val, uaddr; uint32_t flags, reserved; } v[3];
  struct { int64_t s, ns; } past = {1, 0}, bad = {1, -1};
  for (int i = 0; i < 3; i++) {
    v[i].val = words[i];
    v[i].uaddr = (uintptr_t)&words[i];
    v[i].flags = 2 | FUTEX_PRIVATE_FLAG;
    v[i].reserved = 0;
  }
  SHOW(WAITV(3, 0, &past, CLOCK_MONOTONIC));
  SHOW(WAITV(3, 0, &past, CLOCK_REALTIME));
  SHOW(WAITV(3, 0, &past, CLOCK_BOOTTIME));
  SHOW(WAITV(3, 0, &bad, CLOCK_MONOTONIC));
  SHOW(WAITV(0, 0, NULL, 0));
  SHOW(WAITV(129, 0, NULL, 0));
  SHOW(WAITV(3, 1, NULL, 0));
  v[2].reserved = 1;
  SHOW(WAITV(3, 0, NULL, 0));
  v[2].reserved = 0;
  v[1].flags = FUTEX_PRIVATE_FLAG | 16;
  SHOW(WAITV(3, 0, NULL, 0));
  v[1].flags = 2 | FUTEX_PRIVATE_FLAG;
  v[2].val = 9;
  SHOW(WAITV(3, 0, NULL, 0));
  v[2].val = 3;
  v[2].uaddr++;
  SHOW(WAITV(3, 0, NULL, 0));
  v[2].uaddr--;
  int me = tid();
  pthread_t t;
  pthread_create(&t, NULL, wakes_second, &me);
  SHOW(WAITV(3, 0, NULL, 0));
  pthread_join(t, NULL);
  SHOW(futex(&words[0], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
}

CASE(barriers) {
  int all = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  printf("%x\n", all & 0x7f);
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 1, 0));
  SHOW(syscall(SYS_membarrier, 3, 0, 0));
  SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
}

static volatile int notified;
static void in_new_thread(union sigval v) {
  notified = v.sival_int;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
static mqd_t queue(const char *name) {
  struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 10};
  mq_unlink(name);
  return mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &a);
}
CASE(queues_that_start_threads) {
  mqd_t q = queue("/n");
  char b[10];
  struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_new_thread, .sigev_value.sival_int = 42};
  SHOW(mq_notify(q, &e));
  SHOW(mq_notify(q, &e));
  SHOW(mq_send(q, "x", 1, 0));
  for (int i = 0; i < 4000 && !notified; i++) nap(5);
  printf("%d\n", notified);
  notified = 0;
  SHOW(mq_send(q, "x", 1, 0));
  mq_receive(q, b, 10, NULL);
  mq_receive(q, b, 10, NULL);
  e.sigev_value.sival_int = 43;
  SHOW(mq_notify(q, &e));
  SHOW(mq_notify(q, NULL));
  SHOW(mq_send(q, "x", 1, 0));
  mq_receive(q, b, 10, NULL);
  SHOW(mq_notify(q, &e));
  SHOW(mq_send(q, "x", 1, 0));
  for (int i = 0; i < 4000 && !notified; i++) nap(5);
  printf("%d\n", notified);
  mq_unlink("/n");
}

CASE(seals) {
  int fd = memfd_create("m", MFD_ALLOW_SEALING), plain = memfd_create("p", 0);
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(plain, F_GET_SEALS));
  SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(fcntl(open("/dev/null", O_RDWR), F_GET_SEALS));
  SHOW(write(fd, "0123456789", 10));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(ftruncate(fd, 5));
  SHOW(ftruncate(fd, 20));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(ftruncate(fd, 30));
  SHOW(pwrite(fd, "x", 1, 25));
  SHOW(pwrite(fd, "xyz", 3, 18));
  SHOW(fallocate(fd, 0, 0, 100));
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  munmap(p, 4096);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(write(fd, "x", 1));
  SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
  SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) == MAP_FAILED);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
  int f = memfd_create("f", MFD_ALLOW_SEALING);
  ftruncate(f, 4096);
  p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
  SHOW(fcntl(f, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  *(char *)p = 1;
  SHOW(write(f, "x", 1));
  SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0) == MAP_FAILED);
  void *r = mmap(NULL, 4096, PROT_READ, MAP_SHARED, f, 0);
  SHOW(mprotect(r, 4096, PROT_READ | PROT_WRITE));
  char path[40];
  sprintf(path, "/proc/self/fd/%d", f);
  int again = open(path, O_RDONLY);
  SHOW(fcntl(again, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(memfd_create("x", 0x100));
  char name[300];
  memset(name, 'n', 299);
  name[299] = 0;
  SHOW(memfd_create(name, 0));
  name[249] = 0;
  SHOW(memfd_create(name, 0) >= 0);
}

static pid_t child(void (*f)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid) return pid;
  f();
  _exit(0);
}
static void sleep_on(void) { for (;;) pause(); }
static int pidfd(pid_t pid, int flags) { return syscall(SYS_pidfd_open, pid, flags); }
CASE(process_descriptors) {
  SHOW(pidfd(0, 0));
  SHOW(pidfd(-1, 0));
  SHOW(pidfd(getpid(), 1));
  SHOW(pidfd(4194000, 0));
  int p[2];
  pipe(p);
  write(p[1], "hello", 5);
  pid_t pid = child(sleep_on);
  int fd = pidfd(pid, 0), other = pidfd(pid, O_NONBLOCK);
  SHOW(fcntl(fd, F_GETFD));
  SHOW((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  SHOW((fcntl(other, F_GETFL) & O_NONBLOCK) != 0);
  char b[10];
  SHOW(read(fd, b, 1));
  SHOW(write(fd, b, 1));
  SHOW(lseek(fd, 0, SEEK_SET));
  struct pollfd poller = {.fd = fd, .events = POLLIN};
  SHOW(poll(&poller, 1, 0));
  siginfo_t i;
  memset(&i, 0, sizeof i);
  SHOW(waitid(P_PIDFD, other, &i, WEXITED));
  SHOW(waitid(P_PIDFD, fd, &i, WEXITED | WNOHANG));
  SHOW(waitid(P_PIDFD, 99, &i, WEXITED));
  SHOW(waitid(P_PIDFD, p[0], &i, WEXITED));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 8 + 1024));
  SHOW(syscall(SYS_pidfd_send_signal, p[0], SIGUSR1, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, 99, SIGUSR1, NULL, 0));
  memset(&i, 0, sizeof i);
  i.si_signo = SIGUSR2;
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &i, 0));
  i.si_signo = SIGUSR1;
  i.si_code = SI_USER;
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &i, 0));
  int copy = syscall(SYS_pidfd_getfd, fd, p[0], 0);
  SHOW(copy >= 0);
  SHOW(fcntl(copy, F_GETFD));
  SHOW(read(copy, b, 5));
  SHOW(syscall(SYS_pidfd_getfd, fd, 500, 0));
  SHOW(syscall(SYS_pidfd_getfd, fd, p[0], 1));
  SHOW(syscall(SYS_pidfd_getfd, p[0], 0, 0));
  i.si_code = SI_QUEUE;
  i.si_signo = SIGTERM;
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, &i, 0));
  SHOW(poll(&poller, 1, 20000));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
  SHOW(syscall(SYS_pidfd_getfd, fd, 0, 0));
  SHOW(waitid(P_PIDFD, fd, &i, WEXITED));
  printf("%d %d\n", i.si_code, i.si_status);
  SHOW(waitid(P_PIDFD, fd, &i, WEXITED));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
  SHOW(pidfd(pid, 0));
}

static char theirs[3 * 4096];
CASE(memory_of_others) {
  strcpy(theirs, "of the child");
  pid_t pid = child(sleep_on);
  until_asleep(pid);
  memset(theirs, 0, 20);
  char b[100] = {0};
  struct iovec l[3] = {{b, 5}, {b + 10, 50}, {NULL, 0}}, r[3] = {{theirs, 7}, {theirs + 7, 5}, {NULL, 0}}, bad = {(void *)8, 4};
  SHOW(process_vm_readv(pid, l, 2, r, 2, 0));
  printf("%.5s|%.7s\n", b, b + 10);
  SHOW(process_vm_writev(pid, &(struct iovec){"OF", 2}, 1, r, 1, 0));
  SHOW(process_vm_readv(pid, l, 1, r, 1, 0));
  printf("%.5s\n", b);
  SHOW(process_vm_readv(pid, l, 1, r, 1, 1));
  SHOW(process_vm_readv(pid, l, 2000, r, 1, 0));
  SHOW(process_vm_readv(pid, l, 1, r, 2000, 0));
  SHOW(process_vm_readv(pid, l, 0, r, 1, 0));
  SHOW(process_vm_readv(pid, l, 1, r, 0, 0));
  SHOW(process_vm_readv(pid, l, 1, &bad, 1, 0));
  SHOW(process_vm_readv(pid, &bad, 1, r, 1, 0));
  SHOW(process_vm_readv(4194000, l, 1, r, 1, 0));
  r[1] = bad;
  SHOW(process_vm_readv(pid, l, 2, r, 2, 0));
  setresuid(1000, 1000, 0);
  SHOW(process_vm_readv(pid, l, 1, r, 1, 0));
  setresuid(0, 0, 0);
  kill(pid, SIGKILL);
}

CASE(ranges_of_descriptors) {
  int a = open("/dev/null", O_RDONLY), b = dup(a), c = dup2(a, 100);
  SHOW(syscall(SYS_close_range, 5, 4, 0));
  SHOW(syscall(SYS_close_range, 5, 10, 8));
  SHOW(syscall(SYS_close_range, a, a, CLOSE_RANGE_CLOEXEC));
  SHOW(fcntl(a, F_GETFD));
  SHOW(fcntl(b, F_GETFD));
  SHOW(syscall(SYS_close_range, b, 50, CLOSE_RANGE_UNSHARE));
  SHOW(fcntl(b, F_GETFD));
  SHOW(fcntl(c, F_GETFD));
  SHOW(syscall(SYS_close_range, 3, ~0U, 0));
  SHOW(fcntl(a, F_GETFD));
  SHOW(fcntl(c, F_GETFD));
  SHOW(syscall(SYS_close_range, 3, ~0U, 0));
}

CASE(advice_for_others) {
  pid_t pid = child(sleep_on);
  int fd = pidfd(pid, 0);
  char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int self = pidfd(getpid(), 0);
  struct iovec v[2] = {{p, 4096}, {p + 4096, 4096}}, bad = {(void *)4096, 4096};
  SHOW(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, self, v, 2, MADV_PAGEOUT, 0));
  SHOW(syscall(SYS_process_madvise, self, v, 2, MADV_COLD, 1));
  SHOW(syscall(SYS_process_madvise, self, &bad, 1, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, fd, v, 2, 9999, 0));
  SHOW(syscall(SYS_process_madvise, 0, v, 2, MADV_COLD, 0));
  SHOW(syscall(SYS_process_madvise, 99, v, 2, MADV_COLD, 0));
  SHOW(syscall(SYS_process_mrelease, fd, 1));
  SHOW(syscall(SYS_process_mrelease, 0, 0));
  SHOW(syscall(SYS_process_mrelease, fd, 0));
  kill(pid, SIGKILL);
  siginfo_t i;
  waitid(P_PID, pid, &i, WEXITED);
  SHOW(syscall(SYS_process_mrelease, fd, 0));
}

static int own(const char *name) {
  char path[60];
  sprintf(path, "/proc/self/ns/%s", name);
  return open(path, O_RDONLY);
}
CASE(namespaces) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"};
  static const int kinds[] = {0x02000000, 0x08000000, 0x00020000, 0x40000000, 0x20000000, 0x20000000, 0x10000000, 0x04000000};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    char path[60], text[60], expected[60], name[20] = "";
    struct stat of_file, of_link;
    int fd = own(names[i]);
    sprintf(path, "/proc/self/ns/%s", names[i]);
    ssize_t n = readlink(path, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    SHOW(fstat(fd, &of_file));
    SHOW(stat(path, &of_link));
    strncat(name, names[i], strcspn(names[i], "_"));
    sprintf(expected, "%s:[%lu]", name, (unsigned long)of_file.st_ino);
    printf("%s: %d %d %o\n", names[i], !strcmp(text, expected), of_file.st_ino == of_link.st_ino && of_file.st_dev == of_link.st_dev, of_file.st_mode);
    errno = 0;
    printf("NS_GET_NSTYPE %d\n", ioctl(fd, 0xb703) == kinds[i]);
    SHOW(setns(fd, 0));
    SHOW(setns(fd, kinds[i]));
    SHOW(setns(fd, 0x80));
    if (kinds[i] != 0x10000000) {
      SHOW(ioctl(fd, 0xb704, &word));
      if (kinds[i] != 0x20000000) SHOW(ioctl(fd, 0xb702));
    }
    SHOW(read(fd, text, 1));
    close(fd);
  }
  int fd = own("user");
  word = 77;
  SHOW(ioctl(fd, 0xb704, &word));
  printf("%u\n", word);
  SHOW(ioctl(fd, 0xb704, NULL));
  SHOW(ioctl(fd, 0xb701));
  SHOW(ioctl(fd, 0xb702));
  SHOW(ioctl(fd, 0x5401, &word));
  SHOW(setns(-1, 0));
  SHOW(setns(1, 0));
  SHOW(setns(open("/proc/self/ns/uts", O_PATH), 0));
  SHOW(open("/proc/self/ns/nothing", O_RDONLY));
  SHOW(open("/proc/self/ns/uts", O_RDONLY | O_NOFOLLOW));
  int pid = syscall(SYS_pidfd_open, getpid(), 0);
  SHOW(setns(pid, 0));
  SHOW(setns(pid, 0x04000000));
  SHOW(setns(pid, 0x04000000 | 0x08000000));
  SHOW(setns(pid, 0x10000000));
  SHOW(setns(pid, 0x04000000 | 1));
  pid_t child = fork();
  if (child == 0) _exit(0);
  pid = syscall(SYS_pidfd_open, child, 0);
  siginfo_t info;
  waitid(P_PID, child, &info, WEXITED | WNOWAIT);
  SHOW(setns(pid, 0x04000000));
  waitpid(child, NULL, 0);
  SHOW(setns(pid, 0x04000000));
  if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) exit(1);
  SHOW(setns(own("uts"), 0));
  prctl(PR_SET_DUMPABLE, 1);
  int uts = own("uts"), mount = own("mnt"), user = own("user"), wrong = 0x08000000;
  SHOW(setns(uts, 0));
  SHOW(setns(uts, wrong));
  SHOW(setns(mount, 0));
  SHOW(setns(user, 0));
}

CASE(memory_that_a_child_has_not) {
  char *all = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(all, 'x', 4 * 4096);
  SHOW(madvise(all, 4096, MADV_DONTFORK));
  SHOW(madvise(all + 4096, 4096, MADV_WIPEONFORK));
  SHOW(madvise(all + 2 * 4096, 4096, MADV_WIPEONFORK));
  SHOW(madvise(all + 2 * 4096, 4096, MADV_KEEPONFORK));
  SHOW(madvise(all + 3 * 4096, 4096, MADV_DONTFORK));
  SHOW(madvise(all + 3 * 4096, 4096, MADV_DOFORK));
  void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SHOW(madvise(shared, 4096, MADV_WIPEONFORK));
  SHOW(madvise(shared, 4096, MADV_DONTFORK));
  SHOW(madvise(NULL, 4096, MADV_DONTFORK));
  int status;
  if (fork() == 0) {
    SHOW(all[4096]);
    SHOW(all[2 * 4096]);
    SHOW(all[3 * 4096]);
    SHOW(msync(all, 4096, MS_ASYNC));
    SHOW(msync(shared, 4096, MS_ASYNC));
    all[4096] = 'y';
    if (fork() == 0) _exit(all[4096] == 0 ? 3 : 4);
    wait(&status);
    show_status("a child's child", status);
    _exit(((volatile char *)all)[0]);
  }
  wait(&status);
  show_status("a child that looks", status & ~0x80);
  SHOW(all[0]);
  SHOW(all[4096]);
}

CASE(advice_for_locked_memory) {
  char *all = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int advice[] = {MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_DONTFORK, MADV_DONTDUMP};
  mlock(all, 4096);
  mprotect(all, 4096, PROT_NONE);
  for (int i = 0; i < 8; i++) {
    SHOW(madvise(all, 4096, advice[i]));
    SHOW(madvise(all + 4096, 4096, advice[i]));
  }
}

CASE(sockets_are_not_mapped) {
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int s = socket(AF_INET, SOCK_DGRAM, 0), p[2];
  pipe(p);
  SHOW(mmap(page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, p[0], 0) == MAP_FAILED ? -1 : 0);
  SHOW(msync(page, 4096, MS_ASYNC));
  SHOW(mmap(page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, s, 0) == MAP_FAILED ? -1 : 0);
  SHOW(msync(page, 4096, MS_ASYNC));
  SHOW(mmap(page, 4096, PROT_READ, MAP_SHARED, s, 0) == MAP_FAILED ? -1 : 0);
  SHOW(msync(page, 4096, MS_ASYNC));
  SHOW(mmap(page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, s, 0) == MAP_FAILED ? -1 : 0);
  SHOW(msync(page, 4096, MS_ASYNC));
}
