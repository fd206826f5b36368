/* Processes, signals, timers and descriptors by their system calls. */
#include "cases.h"
#include <linux/sched.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

static pid_t child(void (*f)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid) return pid;
  f();
  _exit(0);
}
static int ended(pid_t pid) { int s = 0; waitpid(pid, &s, 0); return s; }
static void exit3(void) { _exit(3); }
static void wait_forever(void) { for (;;) pause(); }

static int clone_fn(void *arg) { *(int *)arg = 7; return 5; }
CASE(clone_flags) {
  static char stack[65536] __attribute__((aligned(16)));
  int value = 0;
  pid_t pid = clone(clone_fn, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
  show_status("vm", ended(pid));
  printf("%d\n", value);
  value = 0;
  pid = clone(clone_fn, stack + sizeof stack, SIGCHLD, &value);
  show_status("copy", ended(pid));
  printf("%d\n", value);
  pid = clone(clone_fn, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
  printf("%d\n", value);
  show_status("vfork", ended(pid));
  pid = clone(clone_fn, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &value);
  SHOW(waitpid(pid, NULL, 0));
  SHOW(waitpid(pid, NULL, __WCLONE) == pid);
  SHOW(clone(clone_fn, stack + sizeof stack, CLONE_SIGHAND | SIGCHLD, &value));
  SHOW(clone(clone_fn, stack + sizeof stack, CLONE_THREAD | CLONE_VM, &value));
}

static int files_fn(void *arg) { close(*(int *)arg); chdir("/"); return 0; }
CASE(clone_files_and_fs) {
  static char stack[65536] __attribute__((aligned(16)));
  int fd = open("/dev/null", O_RDONLY);
  ended(clone(files_fn, stack + sizeof stack, SIGCHLD, &fd));
  SHOW(fcntl(fd, F_GETFD));
  char b[PATH_MAX];
  SHOW(strcmp(getcwd(b, sizeof b), "/") != 0);
  ended(clone(files_fn, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, &fd));
  SHOW(fcntl(fd, F_GETFD));
  puts(getcwd(b, sizeof b));
}

CASE(clone3) {
  int pidfd = -1, tid = 0;
  struct clone_args a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&pidfd, .parent_tid = (uintptr_t)&tid, .exit_signal = SIGCHLD};
  pid_t pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid == 0) _exit(4);
  SHOW(tid == pid);
  struct pollfd p = {.fd = pidfd, .events = POLLIN};
  SHOW(poll(&p, 1, 20000));
  siginfo_t i;
  SHOW(waitid(P_PIDFD, pidfd, &i, WEXITED));
  printf("%d %d\n", i.si_status, i.si_pid == pid);
  a.flags = CLONE_CLEAR_SIGHAND;
  a.pidfd = 0;
  signal(SIGUSR1, _exit);
  pid = syscall(SYS_clone3, &a, sizeof a);
  if (pid == 0) { raise(SIGUSR1); _exit(0); }
  show_status("cleared", ended(pid));
  SHOW(syscall(SYS_clone3, &a, 10));
  a.exit_signal = 300;
  SHOW(syscall(SYS_clone3, &a, sizeof a));
}

CASE(vfork_and_exec) {
  volatile int x = 1;
  pid_t pid = vfork();
  if (pid == 0) { x = 2; execl("/bin/sh", "sh", "-c", "exit 9", NULL); _exit(1); }
  printf("%d\n", x);
  show_status("vfork", ended(pid));
  pid = vfork();
  if (pid == 0) { execl("/none", "none", NULL); _exit(errno == ENOENT ? 6 : 1); }
  show_status("failed", ended(pid));
}

CASE(wait_options) {
  SHOW(waitpid(-1, NULL, 0));
  pid_t pid = child(wait_forever);
  int s;
  SHOW(waitpid(pid, &s, WNOHANG));
  kill(pid, SIGSTOP);
  SHOW(waitpid(pid, &s, WUNTRACED) == pid);
  show_status("stop", s);
  SHOW(waitpid(pid, &s, WUNTRACED | WNOHANG));
  kill(pid, SIGCONT);
  SHOW(waitpid(pid, &s, WCONTINUED) == pid);
  show_status("cont", s);
  kill(pid, SIGTERM);
  siginfo_t i;
  memset(&i, 0, sizeof i);
  SHOW(waitid(P_PID, pid, &i, WEXITED | WNOWAIT));
  printf("%d %d %d\n", i.si_code, i.si_status, i.si_signo);
  // A child that has ended is none for who does not ask for ends.
  SHOW(waitid(P_ALL, 0, &i, WSTOPPED));
  SHOW(waitid(P_PID, pid, &i, WCONTINUED | WNOHANG));
  SHOW(waitid(P_PID, pid, &i, WEXITED | WNOHANG));
  SHOW(waitid(P_PID, pid, &i, WEXITED | WNOHANG));
  SHOW(waitpid(pid, &s, 1 << 20));
  SHOW(waitid(P_ALL, 0, &i, 0));
  pid = child(exit3);
  struct rusage u;
  SHOW(wait4(pid, &s, 0, &u) == pid);
  show_status("wait4", s);
  SHOW(waitpid(0x80000000, &s, 0));
}

static void in_thread_wait(void) { exit3(); }
static void *wait_in_thread(void *p) { return (void *)(long)WEXITSTATUS(ended(*(pid_t *)p)); }
CASE(wait_from_other_thread) {
  pid_t pid = child(in_thread_wait);
  pthread_t t;
  void *r;
  pthread_create(&t, NULL, wait_in_thread, &pid);
  pthread_join(t, &r);
  printf("%ld\n", (long)r);
  SHOW(waitpid(-1, NULL, __WNOTHREAD | WNOHANG));
}

CASE(zombies_of_many) {
  for (int i = 0; i < 150; i++) child(exit3);
  nap(500);
  int n = 0, s;
  while (waitpid(-1, &s, WNOHANG) > 0) n += WEXITSTATUS(s);
  while (wait(&s) > 0) n += WEXITSTATUS(s);
  printf("%d\n", n);
  SHOW(wait(NULL));
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 20; i++) child(exit3);
  SHOW(wait(NULL));
  struct sigaction a = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &a, NULL);
  child(exit3);
  SHOW(wait(NULL));
}

static int pipe_fds[2];
static pid_t middle_pid;
static void until_orphaned(void) { while (getppid() == middle_pid) nap(5); }
static void orphan(void) { until_orphaned(); char c = '0' + (getppid() == 1); write(pipe_fds[1], &c, 1); }
static void middle(void) { middle_pid = getpid(); child(orphan); }
static pid_t me;
static void orphan_of_reaper(void) { until_orphaned(); char c = 'a' + (getppid() == me); write(pipe_fds[1], &c, 1); _exit(8); }
static void middle2(void) { middle_pid = getpid(); child(orphan_of_reaper); }
CASE(orphans) {
  char c;
  pipe(pipe_fds);
  ended(child(middle));
  read(pipe_fds[0], &c, 1);
  printf("%c\n", c);
  SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
  int on = 0;
  SHOW(prctl(PR_GET_CHILD_SUBREAPER, &on));
  printf("%d\n", on);
  me = getpid();
  ended(child(middle2));
  read(pipe_fds[0], &c, 1);
  printf("%c\n", c);
  int s;
  wait(&s);
  show_status("adopted", s);
}

static void on_death(int s) { (void)s; write(pipe_fds[1], "d", 1); _exit(0); }
static void dies_with_parent(void) { signal(SIGUSR2, on_death); prctl(PR_SET_PDEATHSIG, SIGUSR2); write(pipe_fds[1], "r", 1); wait_forever(); }
static void parent_that_dies(void) { char c; int b[2]; (void)b; child(dies_with_parent); read(pipe_fds[0], &c, 1); }
CASE(parent_death_signal) {
  char c = 0;
  pipe(pipe_fds);
  ended(child(parent_that_dies));
  read(pipe_fds[0], &c, 1);
  printf("%c\n", c);
  int sig = 0;
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  prctl(PR_GET_PDEATHSIG, &sig);
  printf("%d\n", sig);
  SHOW(prctl(PR_SET_PDEATHSIG, 100));
}

static volatile int order[64], count;
static void note(int s) {
  order[count] = s;
  count = count + 1;
}
CASE(delivery_order) {
  struct sigaction a = {.sa_handler = note};
  sigfillset(&a.sa_mask);
  int signals[] = {SIGTERM, SIGUSR2, SIGRTMIN + 3, SIGHUP, SIGRTMIN + 1, SIGUSR1, SIGRTMIN + 1, SIGUSR1};
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &old);
  for (int i = 0; i < 8; i++) { sigaction(signals[i], &a, NULL); kill(getpid(), signals[i]); }
  sigprocmask(SIG_SETMASK, &old, NULL);
  for (int i = 0; i < count; i++) printf("%d ", order[i]);
  count = 0;
  a.sa_flags = 0;
  sigemptyset(&a.sa_mask);
  for (int i = 0; i < 8; i++) sigaction(signals[i], &a, NULL);
  sigprocmask(SIG_BLOCK, &all, &old);
  for (int i = 0; i < 8; i++) raise(signals[i]);
  sigprocmask(SIG_SETMASK, &old, NULL);
  puts("");
  for (int i = 0; i < count; i++) printf("%d ", order[i]);
  puts("");
}

/* What is pending when a process goes on after a stop is delivered at once, the highest number's handler running first. */
static void stopped_child(void) {
  struct sigaction a = {.sa_handler = note};
  sigaction(SIGUSR1, &a, NULL), sigaction(SIGUSR2, &a, NULL), sigaction(SIGHUP, &a, NULL);
  write(pipe_fds[1], "r", 1);
  while (count < 3) pause();
  printf("%d %d %d\n", order[0], order[1], order[2]);
  fflush(stdout);
}
CASE(pending_while_stopped) {
  char c;
  pipe(pipe_fds);
  pid_t pid = child(stopped_child);
  read(pipe_fds[0], &c, 1);
  until_asleep(pid);
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  kill(pid, SIGUSR2), kill(pid, SIGUSR1), kill(pid, SIGHUP);
  nap(50);
  kill(pid, SIGCONT);
  show_status("child", ended(pid));
}

static void info_handler(int s, siginfo_t *i, void *c) {
  (void)c;
  printf("%d: code %d", s, i->si_code);
  if (i->si_code == SI_QUEUE) printf(" value %d mine %d", i->si_value.sival_int, i->si_pid == getpid());
  if (s == SIGCHLD) printf(" status %d", i->si_status);
  puts("");
}
CASE(siginfo) {
  struct sigaction a = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO};
  // Those that are waited for come in sigsuspend only.
  sigset_t late, none;
  sigemptyset(&none), sigemptyset(&late);
  sigaddset(&late, SIGCHLD), sigaddset(&late, SIGALRM);
  sigprocmask(SIG_BLOCK, &late, NULL);
  for (int s = 1; s < 64; s++) if (s != 32 && s != 33) sigaction(s, &a, NULL);
  kill(getpid(), SIGUSR1);
  raise(SIGUSR2);
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77});
  sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = -5});
  child(exit3);
  sigsuspend(&none);
  child(abort);
  sigsuspend(&none);
  alarm(1);
  sigsuspend(&none);
  struct itimerval it = {.it_value = {0, 50000}};
  setitimer(ITIMER_REAL, &it, NULL);
  sigsuspend(&none);
  SHOW(sigqueue(999999, SIGUSR1, (union sigval){.sival_int = 0}));
  SHOW(kill(getpid(), 65));
}

static void nested(int s) { printf("in %d\n", s); if (s == SIGUSR1) { raise(SIGUSR2); raise(SIGUSR1); puts("end of usr1"); } }
CASE(handler_flags) {
  struct sigaction a = {.sa_handler = nested};
  sigaction(SIGUSR1, &a, NULL);
  sigaction(SIGUSR2, &a, NULL);
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR2);
  a.sa_mask = s;
  sigaction(SIGUSR1, &a, NULL);
  count = 0;
  a.sa_flags = SA_RESETHAND;
  sigaction(SIGUSR1, &a, NULL);
  pid_t pid = fork();
  if (pid == 0) { raise(SIGUSR1); _exit(0); }
  show_status("resethand", ended(pid));
}

CASE(sigsuspend_and_mask) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  signal(SIGUSR1, note);
  sigprocmask(SIG_SETMASK, &all, NULL);
  raise(SIGUSR1);
  printf("%d\n", count);
  SHOW(sigsuspend(&none));
  printf("%d\n", count);
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  SHOW(sigismember(&now, SIGUSR1));
  struct timespec t = {0, 1000000};
  SHOW(sigtimedwait(&all, NULL, &t));
  struct pollfd p = {.fd = -1};
  if (fork() == 0) { nap(100); kill(getppid(), SIGUSR1); _exit(0); }
  SHOW(ppoll(&p, 1, NULL, &none));
  printf("%d\n", count);
  wait(NULL);
}

CASE(signalfd_reads) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGUSR1);
  sigaddset(&s, SIGCHLD);
  sigprocmask(SIG_BLOCK, &s, NULL);
  int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo i[3];
  SHOW(read(fd, i, sizeof i));
  kill(getpid(), SIGUSR1);
  siginfo_t ended_child;
  waitid(P_PID, child(exit3), &ended_child, WEXITED | WNOWAIT);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  SHOW(poll(&p, 1, 10000));
  long n = read(fd, i, sizeof i);
  printf("%ld: %d, %d status %d code %d\n", n / (long)sizeof *i, i[0].ssi_signo, i[1].ssi_signo, i[1].ssi_status, i[1].ssi_code);
  SHOW(read(fd, i, 10));
  wait(NULL);
  int e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN};
  epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
  if (fork() == 0) { nap(100); kill(getppid(), SIGUSR1); _exit(0); }
  SHOW(epoll_wait(e, &ev, 1, 10000));
}

CASE(timerfd_and_eventfd) {
  int fd = timerfd_create(CLOCK_MONOTONIC, 0), e = epoll_create1(0), v = eventfd(0, 0);
  struct itimerspec t = {.it_value = {0, 50000000}, .it_interval = {0, 20000000}};
  SHOW(timerfd_settime(fd, 0, &t, NULL));
  uint64_t n;
  SHOW(read(fd, &n, 8));
  SHOW(n >= 1);
  nap(200);
  read(fd, &n, 8);
  SHOW(n >= 5);
  struct epoll_event ev = {.events = EPOLLIN, .data.u32 = 1}, got[2];
  epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
  ev.data.u32 = 2;
  epoll_ctl(e, EPOLL_CTL_ADD, v, &ev);
  t.it_value.tv_nsec = 0;
  timerfd_settime(fd, 0, &t, &t);
  SHOW(epoll_wait(e, got, 2, 0));
  if (fork() == 0) { nap(100); n = 5; write(v, &n, 8); _exit(0); }
  SHOW(epoll_wait(e, got, 2, 10000));
  printf("%u\n", got[0].data.u32);
  read(v, &n, 8);
  printf("%d\n", (int)n);
  wait(NULL);
  SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
}

static void burn(int ms) {
  struct timespec t;
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}
static long cpu_ms(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
static void *burner(void *arg) { long end = cpu_ms(CLOCK_THREAD_CPUTIME_ID) + (long)arg; while (cpu_ms(CLOCK_THREAD_CPUTIME_ID) < end) {} return NULL; }

CASE(cpu_timers) {
  signal(SIGUSR1, note);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_t t;
  SHOW(timer_create(CLOCK_PROCESS_CPUTIME_ID, &e, &t));
  struct itimerspec s = {.it_value = {0, 100000000}, .it_interval = {0, 50000000}}, now;
  SHOW(timer_settime(t, 0, &s, NULL));
  SHOW(timer_gettime(t, &now));
  SHOW(now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 100000000);
  nap(300);
  printf("asleep: %d\n", count);
  while (count < 3) burn(1);
  SHOW(cpu_ms(CLOCK_PROCESS_CPUTIME_ID) >= 190);
  SHOW(timer_delete(t));
  count = 0;
  SHOW(timer_create(CLOCK_THREAD_CPUTIME_ID, &e, &t));
  s.it_interval.tv_nsec = 0;
  SHOW(timer_settime(t, 0, &s, NULL));
  pthread_t th;
  pthread_create(&th, NULL, burner, (void *)200);
  pthread_join(th, NULL);
  printf("another thread: %d\n", count);
  burner((void *)150);
  printf("this thread: %d\n", count);
  timer_gettime(t, &now);
  printf("%ld\n", (long)(now.it_value.tv_sec + now.it_value.tv_nsec));
  clockid_t c;
  SHOW(clock_getcpuclockid(getpid(), &c));
  SHOW(timer_create(c, &e, &t));
  SHOW(timer_create(CLOCK_MONOTONIC_RAW, &e, &t));
  SHOW(timer_create(77, &e, &t));
}

static void *sleep_on_cpu(void *arg) { (void)arg; struct timespec t = {0, 100000000}; return (void *)(long)clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL); }
CASE(cpu_sleep) {
  pthread_t th;
  void *r;
  long before = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
  pthread_create(&th, NULL, sleep_on_cpu, NULL);
  while (pthread_tryjoin_np(th, &r) == EBUSY) {}
  SHOW(cpu_ms(CLOCK_PROCESS_CPUTIME_ID) - before >= 95);
  printf("%ld\n", (long)r);
  struct timespec t = {0, 1};
  SHOW_ERROR(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
}

CASE(interval_timers) {
  signal(SIGALRM, note), signal(SIGVTALRM, note), signal(SIGPROF, note);
  struct itimerval v = {.it_value = {0, 30000}, .it_interval = {0, 30000}}, old;
  SHOW(setitimer(ITIMER_VIRTUAL, &v, NULL));
  while (count < 3) burn(1);
  SHOW(setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, &old));
  SHOW(old.it_interval.tv_usec);
  printf("%d %d\n", order[0], order[2]);
  count = 0;
  SHOW(setitimer(ITIMER_PROF, &v, NULL));
  while (count < 2) {}
  SHOW(setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL));
  printf("%d\n", order[0]);
  SHOW(alarm(1000));
  SHOW(alarm(0) > 900);
  v.it_value.tv_usec = 2000000;
  SHOW(setitimer(ITIMER_REAL, &v, NULL));
  SHOW(setitimer(9, &v, NULL));
}

static void over_cpu(int s) { dprintf(1, "%d\n", s); }
static void burn_to_limits(void) { signal(SIGXCPU, over_cpu); setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2}); for (;;) ; }
static void burn_to_kill(void) { setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1}); for (;;) ; }
CASE(cpu_limit) {
  show_status("soft and hard", ended(child(burn_to_limits)));
  show_status("hard", ended(child(burn_to_kill)));
}

static void big_file(void) {
  setrlimit(RLIMIT_FSIZE, &(struct rlimit){100, 100});
  int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);
  char b[300] = "";
  SHOW(write(fd, b, 300));
  SHOW(lseek(fd, 50, SEEK_SET));
  SHOW(write(fd, b, 300));
  signal(SIGXFSZ, over_cpu);
  SHOW(write(fd, b, 1));
  SHOW(pwrite(fd, b, 10, 95));
  SHOW(pwrite(fd, b, 10, 200));
  SHOW(ftruncate(fd, 101));
  SHOW(ftruncate(fd, 20));
  SHOW(truncate("big", 1000));
  SHOW(lseek(fd, 0, SEEK_END));
  fflush(stdout);
  signal(SIGXFSZ, SIG_DFL);
  pwrite(fd, b, 1, 1000);
}
CASE(file_size_limit) {
  // Standard output is a file, too.
  int f[2], saved = dup(1);
  pipe(f);
  dup2(f[1], 1);
  pid_t pid = child(big_file);
  dup2(saved, 1);
  close(f[1]);
  char b[2000];
  ssize_t n;
  while ((n = read(f[0], b, sizeof b)) > 0) fwrite(b, 1, n, stdout);
  show_status("limit", ended(pid));
}

static void *executes(void *arg) { return (void *)(long)execv("/none", arg); }
CASE(exec_fails_in_thread) {
  pthread_t t;
  void *r;
  char *argv[] = {"x", NULL};
  pthread_create(&t, NULL, executes, argv);
  pthread_join(t, &r);
  printf("%ld\n", (long)r);
}

CASE(execveat_kinds) {
  int fd = open("/bin/sh", O_PATH | O_CLOEXEC), dir = open("/bin", O_RDONLY);
  char *argv[] = {"name", "-c", "echo $0 $A", NULL}, *envp[] = {"A=b", NULL};
  pid_t pid = fork();
  if (pid == 0) { syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH); _exit(99); }
  show_status("empty path", ended(pid));
  pid = fork();
  if (pid == 0) { syscall(SYS_execveat, dir, "sh", argv, envp, 0); _exit(99); }
  show_status("directory", ended(pid));
  SHOW(syscall(SYS_execveat, dir, "sh", argv, envp, AT_SYMLINK_NOFOLLOW));
  SHOW(syscall(SYS_execveat, dir, "", argv, envp, 0));
  SHOW(syscall(SYS_execveat, fd, "sh", argv, envp, 0));
  SHOW(syscall(SYS_execveat, dir, "none", argv, envp, 0));
}

static void group_leader(void) { setpgid(0, 0); child(wait_forever); child(wait_forever); write(pipe_fds[1], "r", 1); wait_forever(); }
CASE(signal_groups) {
  char c;
  pipe(pipe_fds);
  pid_t pid = child(group_leader);
  read(pipe_fds[0], &c, 1);
  SHOW(getpgid(pid) == pid);
  SHOW(kill(-pid, 0));
  SHOW(kill(-pid, SIGTERM));
  show_status("leader", ended(pid));
  while (kill(-pid, 0) == 0) nap(5);
  SHOW(kill(-pid, 0));
  SHOW(killpg(999999, SIGTERM));
  SHOW(setpgid(0, 999999));
  SHOW(setpgid(getppid(), 0));
  SHOW(setsid());
  signal(SIGUSR1, note);
  if (fork() == 0) { signal(SIGUSR1, note); kill(0, SIGUSR1); _exit(count); }
  int s;
  wait(&s);
  printf("%d %d\n", count, WEXITSTATUS(s));
}

static void pipe_writer(void) { int f[2]; pipe(f); close(f[0]); write(f[1], "x", 1); }
CASE(broken_pipes) {
  show_status("pipe", ended(child(pipe_writer)));
  signal(SIGPIPE, note);
  int f[2];
  pipe(f);
  close(f[0]);
  SHOW(write(f[1], "x", 1));
  printf("%d\n", count);
  socketpair(AF_UNIX, SOCK_STREAM, 0, f);
  close(f[0]);
  SHOW(send(f[1], "x", 1, MSG_NOSIGNAL));
  SHOW(send(f[1], "x", 1, 0));
  printf("%d\n", count);
}

static void tick(int s) { (void)s; count = count + 1; }
CASE(restarted_calls) {
  struct sigaction a = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &a, NULL);
  int f[2];
  char b[8];
  pipe(f);
  // Again and again, as the first may come before the call that it is for.
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 200000}, {0, 200000}}, NULL);
  if (fork() == 0) { nap(700); write(f[1], "late", 4); _exit(0); }
  SHOW(read(f[0], b, 8));
  SHOW(count > 0);
  wait(NULL);
  count = 0;
  if (fork() == 0) { nap(700); _exit(0); }
  SHOW(wait(NULL) > 0);
  SHOW(count > 0);
  struct pollfd p = {.fd = f[0], .events = POLLIN};
  SHOW(poll(&p, 1, 100000));
  struct timespec t = {100, 0}, rest = {999, 9};
  SHOW(nanosleep(&t, &rest));
  SHOW(rest.tv_sec < 100);
  SHOW(pause());
  a.sa_flags = 0;
  sigaction(SIGALRM, &a, NULL);
  SHOW(read(f[0], b, 8));
}

CASE(stop_during_sleep) {
  pid_t pid = fork();
  if (pid == 0) { struct timespec t = {0, 600000000}; int r = nanosleep(&t, NULL); _exit(r ? 1 : 0); }
  nap(100);
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  kill(pid, SIGCONT);
  show_status("slept", ended(pid));
  int f[2];
  pipe(f);
  pid = fork();
  if (pid == 0) { char c; _exit(read(f[0], &c, 1) == 1 ? c : 0); }
  nap(50);
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  write(f[1], "A", 1);
  kill(pid, SIGCONT);
  show_status("read", ended(pid));
  int e = epoll_create1(0);
  struct epoll_event ev;
  pid = fork();
  if (pid == 0) _exit(epoll_wait(e, &ev, 1, 100000) == -1 && errno == EINTR ? 4 : 0);
  until_asleep(pid);
  kill(pid, SIGSTOP);
  waitpid(pid, NULL, WUNTRACED);
  kill(pid, SIGCONT);
  show_status("epoll_wait", ended(pid));
}

CASE(passed_descriptors) {
  int s[2], f[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  pid_t pid = fork();
  if (pid == 0) {
    char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
    struct iovec v = {&c, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    recvmsg(s[1], &m, 0);
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    write(fd, "through", 7);
    _exit(0);
  }
  pipe(f);
  char control[CMSG_SPACE(sizeof(int))] = "", c = 'y', b[20] = "";
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET, h->cmsg_type = SCM_RIGHTS, h->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(h), &f[1], sizeof(int));
  SHOW(sendmsg(s[0], &m, 0));
  close(f[1]);
  SHOW(read(f[0], b, 20));
  puts(b);
  ended(pid);
  SHOW(read(f[0], b, 20));
}

CASE(limits_of_processes) {
  pid_t pid = fork();
  if (pid == 0) {
    setuid(4321);
    setrlimit(RLIMIT_NPROC, &(struct rlimit){3, 3});
    int n = 0, failed = 0;
    for (int i = 0; i < 5; i++) {
      pid_t c = fork();
      if (c == 0) { nap(500); _exit(0); }
      if (c < 0) failed = errno;
      else n++;
    }
    while (wait(NULL) > 0) {}
    printf("%d %s\n", n, strerrorname_np(failed));
    fflush(stdout);
    _exit(0);
  }
  ended(pid);
  SHOW(setrlimit(RLIMIT_AS, &(struct rlimit){600 << 20, 600 << 20}));
  SHOW(mmap(NULL, 700 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM);
  SHOW(setrlimit(RLIMIT_NOFILE, &(struct rlimit){5, 4}));
  struct rlimit l;
  SHOW(prlimit(999999, RLIMIT_NOFILE, NULL, &l));
}

CASE(deep_fork_chain) {
  int depth = 0;
  fflush(stdout);
  for (;;) {
    pid_t pid = fork();
    if (pid) { int s = ended(pid); if (depth == 0) printf("%d\n", WEXITSTATUS(s)); fflush(stdout); _exit(depth == 0 ? 0 : WEXITSTATUS(s) + 1); }
    if (++depth == 60) _exit(1);
  }
}
