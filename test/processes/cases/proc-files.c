/* /proc of one process, and the process that is always there. */
#include "cases.h"
#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static void show(const char *path) {
  char b[4000];
  int fd = open(path, O_RDONLY);
  if (fd < 0) { printf("%s: %s\n", path, strerrorname_np(errno)); return; }
  ssize_t n;
  while ((n = read(fd, b, sizeof b)) > 0) fwrite(b, 1, n, stdout);
  close(fd);
}
static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) { printf("open %s: %s\n", path, strerrorname_np(errno)); return; }
  ssize_t n = write(fd, text, strlen(text));
  if (n < 0) printf("%s <- %s: %s\n", path, text, strerrorname_np(errno));
  else printf("%s <- %s: %zd\n", path, text, n);
  close(fd);
}

static int listed(int pid) {
  DIR *d = opendir("/proc");
  struct dirent *e;
  int found = 0;
  while ((e = readdir(d))) found += atoi(e->d_name) == pid;
  closedir(d);
  return found;
}
static void as_user(void) {
  char b[100];
  setgid(1000);
  setuid(1000);
  SHOW(kill(1, 0));
  SHOW(kill(1, SIGTERM));
  SHOW(syscall(SYS_tgkill, 1, 1, SIGTERM));
  SHOW(sigqueue(1, SIGUSR1, (union sigval){0}));
  SHOW(readlink("/proc/1/exe", b, sizeof b));
  SHOW(open("/proc/1/mem", O_RDONLY));
  SHOW(open("/proc/1/environ", O_RDONLY));
  SHOW(access("/proc/1/fd", R_OK));
  SHOW(access("/proc/1/stat", R_OK));
  SHOW(setpriority(PRIO_PROCESS, 1, 5));
}
CASE(process_one) {
  SHOW(kill(1, 0));
  SHOW(listed(1));
  SHOW(getpgid(1) >= 0);
  SHOW(getsid(1) >= 0);
  SHOW(setpgid(1, 1));
  SHOW(waitpid(1, NULL, 0));
  SHOW(getpriority(PRIO_PROCESS, 1));
  SHOW(sched_getscheduler(1));
  struct rlimit l;
  SHOW(prlimit(1, RLIMIT_NOFILE, NULL, &l));
  int pid, ppid;
  char name[40], state;
  FILE *f = fopen("/proc/1/stat", "r");
  SHOW(fscanf(f, "%d (%39[^)]) %c %d", &pid, name, &state, &ppid));
  printf("%d %c %d\n", pid, state, ppid);
  fclose(f);
  SHOW(access("/proc/1/task/1/status", F_OK));
  SHOW(access("/proc/1/maps", F_OK));
  /* It ignores what would end it. */
  SHOW(kill(1, SIGTERM));
  SHOW(kill(1, SIGKILL));
  SHOW(kill(1, SIGSTOP));
  SHOW(kill(1, 0));
  fflush(stdout);
  pid = fork();
  if (pid == 0) { as_user(); exit(0); }
  waitpid(pid, NULL, 0);
}

CASE(orphans_go_to_it) {
  int p[2];
  char c;
  pipe(p);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {
      prctl(PR_SET_NAME, "orphan");
      while (getppid() != 1) nap(5);
      printf("parent %d\n", getppid());
      fflush(stdout);
      write(p[1], "x", 1);
      _exit(0);
    }
    write(p[1], &grandchild, sizeof grandchild);
    _exit(0);
  }
  pid_t orphan;
  read(p[0], &orphan, sizeof orphan);
  waitpid(child, NULL, 0);
  read(p[0], &c, 1);
  while (kill(orphan, 0) == 0) nap(5);
  printf("%s\n", strerrorname_np(errno));
  SHOW(waitpid(orphan, NULL, 0));
}

CASE(pagemap) {
  char *p = mmap(NULL, 512 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t e[512];
  int fd = open("/proc/self/pagemap", O_RDONLY);
  SHOW(pread(fd, e, sizeof e, (uintptr_t)p / 4096 * 8));
  SHOW(e[1] >> 63);
  /* Pages near by may come with one that is touched. */
  p[4096] = 1;
  p[300 * 4096] = 1;
  SHOW(pread(fd, e, sizeof e, (uintptr_t)p / 4096 * 8));
  SHOW(e[1] >> 63);
  SHOW(e[150] >> 63);
  SHOW(e[300] >> 63);
  SHOW(e[450] >> 63);
  SHOW(pread(fd, e, 7, 0));
  SHOW(pread(fd, e, 8, 3));
  SHOW(pread(fd, e, 0, 0));
  SHOW(pread(fd, e, 8, 0));
  printf("%d\n", (int)(e[0] >> 63));
  SHOW(lseek(fd, (uintptr_t)p / 4096 * 8 + 8, SEEK_SET) > 0);
  SHOW(read(fd, e, 8));
  SHOW(e[0] >> 63);
  SHOW(write(fd, e, 8));
  SHOW(open("/proc/self/pagemap", O_WRONLY));
}

/* The lines of a file's fdinfo that the kind of file adds, with what differs from machine to machine taken out. */
static void info(int fd) {
  char path[40], line[300];
  sprintf(path, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(path, "r");
  while (fgets(line, sizeof line, f)) {
    if (!strncmp(line, "pos:", 4) || !strncmp(line, "mnt_id:", 7) || !strncmp(line, "ino:", 4)) continue;
    if (!strncmp(line, "eventfd-id", 10) || !strncmp(line, "eventfd-semaphore", 17)) continue;
    for (char *p = line; *p; p++) {
      if (!strncmp(p, "ino:", 4)) sprintf(p, "ino:...\n");
      if (!strncmp(p, "it_value: (1000", 15)) sprintf(p, "it_value: (1000, ...)\n");
      if (!strncmp(p, "it_value: (999", 14)) sprintf(p, "it_value: (1000, ...)\n");
    }
    fputs(line, stdout);
  }
  fclose(f);
}
CASE(what_descriptors_tell) {
  int i = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(i, "/tmp", IN_CREATE | IN_DELETE);
  inotify_add_watch(i, "/", IN_ALL_EVENTS | IN_ONLYDIR);
  info(i);
  int e = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abcdefULL};
  epoll_ctl(e, EPOLL_CTL_ADD, i, &ev);
  info(e);
  info(eventfd(77, 0));
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGCHLD);
  info(signalfd(-1, &set, 0));
  int t = timerfd_create(CLOCK_MONOTONIC, 0);
  info(t);
  struct itimerspec s = {.it_value = {1000, 0}, .it_interval = {3, 5}};
  timerfd_settime(t, 0, &s, NULL);
  info(t);
  s = (struct itimerspec){.it_value = {0, 1}};
  timerfd_settime(t, TFD_TIMER_ABSTIME, &s, NULL);
  struct pollfd p = {.fd = t, .events = POLLIN};
  poll(&p, 1, -1);
  info(t);
  int fd = open("locked", O_RDWR | O_CREAT, 0600);
  struct flock l = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
  fcntl(fd, F_SETLK, &l);
  pid_t pid = fork();
  if (pid == 0) pause();
  int pidfd = syscall(SYS_pidfd_open, pid, 0), got[2] = {0, 0};
  char path[40], line[100];
  sprintf(path, "/proc/self/fdinfo/%d", pidfd);
  FILE *f = fopen(path, "r");
  while (fgets(line, sizeof line, f)) {
    sscanf(line, "Pid:\t%d", &got[0]);
    sscanf(line, "NSpid:\t%d", &got[1]);
  }
  fclose(f);
  SHOW(got[0] == pid && got[1] == pid);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  f = fopen(path, "r");
  while (fgets(line, sizeof line, f)) if (!strncmp(line, "Pid", 3)) fputs(line, stdout);
}

CASE(what_goes_into_core_files) {
  show("/proc/self/coredump_filter");
  put("/proc/self/coredump_filter", "0x7f\n");
  show("/proc/self/coredump_filter");
  put("/proc/self/coredump_filter", "010");
  show("/proc/self/coredump_filter");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) { show("/proc/self/coredump_filter"); exit(0); }
  waitpid(pid, NULL, 0);
  put("/proc/self/coredump_filter", "0xffffffff");
  show("/proc/self/coredump_filter");
  put("/proc/self/coredump_filter", "no");
  show("/proc/sys/kernel/tainted");
}

CASE(mounts_can_be_waited_for) {
  int fd = open("/proc/self/mounts", O_RDONLY), e = epoll_create1(0);
  struct pollfd p = {.fd = fd, .events = POLLPRI | POLLIN};
  SHOW(poll(&p, 1, 0));
  printf("%x\n", p.revents);
  p.events = POLLPRI;
  SHOW(poll(&p, 1, 0));
  struct epoll_event ev = {.events = EPOLLPRI};
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, open("/proc/mounts", O_RDONLY), &ev));
  SHOW(epoll_wait(e, &ev, 1, 0));
  mkdir("m", 0755);
  SHOW(mount("x", "m", "tmpfs", 0, NULL));
  SHOW(poll(&p, 1, 0));
  printf("%x\n", p.revents);
  SHOW(poll(&p, 1, 0));
  SHOW(epoll_wait(e, &ev, 1, 0));
  printf("%x\n", ev.events);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    p.revents = 0;
    SHOW(poll(&p, 1, 20000));
    printf("%x\n", p.revents);
    exit(0);
  }
  until_asleep(pid);
  int result = umount("m");
  waitpid(pid, NULL, 0);
  SHOW(result);
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, open("/proc/self/status", O_RDONLY), &ev));
}
