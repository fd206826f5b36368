/* Queued signals and their limits, timers and clocks at their edges, and what is told of time and memory that were used. */
#include "cases.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/timex.h>

static pid_t gettid_(void) { return syscall(SYS_gettid); }

static volatile int got_signal, got_value;
static volatile pid_t got_in;
static void on_info(int n, siginfo_t *i, void *context) {
  (void)context;
  got_signal = n;
  got_value = i->si_value.sival_int;
  got_in = gettid_();
}
static void catch_info(int signo) {
  struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(signo, &a, NULL);
}
static int queue(pid_t pid, int signo, int code, int value) {
  siginfo_t i;
  memset(&i, 0, sizeof i);
  i.si_signo = signo;
  i.si_code = code;
  i.si_pid = getpid();
  i.si_uid = getuid();
  i.si_value.sival_int = value;
  return syscall(SYS_rt_sigqueueinfo, pid, signo, &i);
}
static int queue_thread(pid_t group, pid_t tid, int signo, int code) {
  siginfo_t i;
  memset(&i, 0, sizeof i);
  i.si_signo = signo;
  i.si_code = code;
  return syscall(SYS_rt_tgsigqueueinfo, group, tid, signo, &i);
}

static volatile pid_t other_tid;
static int gate[2];
static void *blocked_thread(void *unused) {
  char c;
  (void)unused;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  other_tid = gettid_();
  SHOW(queue(getpid(), SIGUSR1, SI_USER, 0));
  SHOW(queue(gettid_(), SIGUSR1, SI_USER, 7));
  SHOW(queue_thread(getpid(), getpid(), SIGUSR1, SI_USER));
  SHOW(queue_thread(getpid(), gettid_(), SIGUSR2, SI_USER));
  write(gate[1], "x", 1);
  while (read(gate[0], &c, 1) != 1 || c != 'q') { }
  return NULL;
}
CASE(queue_to_a_thread) {
  pthread_t t;
  int there[2];
  char c;
  catch_info(SIGUSR1);
  pipe(gate);
  pipe(there);
  int out = gate[1];
  gate[1] = there[1];
  pthread_create(&t, NULL, blocked_thread, NULL);
  while (read(there[0], &c, 1) != 1) { }
  /* The id names the thread's process: a thread that does not block it takes it. */
  SHOW(got_signal == SIGUSR1 && got_value == 7);
  got_signal = 0;
  SHOW(queue(other_tid, SIGUSR1, SI_QUEUE, 5));
  SHOW(got_signal == SIGUSR1 && got_in == getpid());
  printf("%d\n", got_value);
  SHOW(queue(other_tid, SIGUSR1, SI_USER, 5));
  SHOW(queue(4194000, SIGUSR1, SI_QUEUE, 5));
  SHOW(queue(getpid(), 65, SI_QUEUE, 5));
  SHOW(queue(getpid(), 0, SI_QUEUE, 5));
  SHOW(kill(other_tid, 0));
  write(out, "q", 1);
  pthread_join(t, NULL);
}

static void show_queued(void) {
  char line[200];
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, "SigQ:", 5)) fputs(line, stdout);
  fclose(f);
}
CASE(pending_limit) {
  sigset_t set;
  sigemptyset(&set);
  for (int s = SIGRTMIN; s <= SIGRTMIN + 3; s++) sigaddset(&set, s);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  setuid(12345);
  struct rlimit limit = {3, 3};
  SHOW(setrlimit(RLIMIT_SIGPENDING, &limit));
  union sigval v = {.sival_int = 1};
  show_queued();
  for (int i = 0; i < 4; i++) SHOW(sigqueue(getpid(), SIGRTMIN, v));
  show_queued();
  SHOW(kill(getpid(), SIGRTMIN + 1));
  SHOW(kill(getpid(), SIGRTMIN + 1));
  SHOW(kill(getpid(), SIGUSR1));
  SHOW(sigqueue(getpid(), SIGUSR1, v));
  show_queued();
  siginfo_t i;
  struct timespec none = {0, 0};
  for (int n = 0; n < 7; n++) {
    int s = sigtimedwait(&set, &i, &none);
    if (s < 0) printf("%s\n", strerrorname_np(errno));
    else printf("%d %d %d\n", s >= SIGRTMIN ? s - SIGRTMIN : -s, i.si_code, i.si_pid == getpid());
  }
  SHOW(sigqueue(getpid(), SIGRTMIN, v));
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  timer_t t;
  SHOW(timer_create(CLOCK_MONOTONIC, &e, &t));
  SHOW(timer_create(CLOCK_MONOTONIC, &e, &t));
  SHOW(timer_create(CLOCK_MONOTONIC, &e, &t));
  show_queued();
}

CASE(limits) {
  struct rlimit l = {1048577, 1048577};
  SHOW(setrlimit(RLIMIT_NOFILE, &l));
  l = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
  SHOW(setrlimit(RLIMIT_NOFILE, &l));
  l = (struct rlimit){5, 4};
  SHOW(setrlimit(RLIMIT_CORE, &l));
  SHOW(setrlimit(99, &l));
  l = (struct rlimit){12288, 12288};
  SHOW(setrlimit(RLIMIT_MEMLOCK, &l));
  char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  SHOW(mlock(p, 65536));
  SHOW(munlock(p, 65536));
  setuid(1000);
  SHOW(mlock(p, 65536));
  SHOW(mlock(p, 8192));
  SHOW(mlock(p, 8192));
  SHOW(mlock(p + 8192, 4096));
  SHOW(mlock(p + 12288, 4096));
  SHOW(munlock(p, 4096));
  SHOW(mlock(p + 12288, 4096));
  SHOW(mlockall(MCL_CURRENT));
  SHOW(mlockall(MCL_FUTURE));
  SHOW(mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  SHOW(munlockall());
  SHOW(mlockall(0));
  SHOW(mlockall(8));
  SHOW(mlock(p, 12288));
  SHOW(munmap(p, 12288));
  SHOW(mlock(p + 12288, 12288));
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED);
  SHOW(mlock(NULL, 4096));
  l = (struct rlimit){0, 0};
  SHOW(setrlimit(RLIMIT_MEMLOCK, &l));
  SHOW(mlock(p + 40000, 1));
  SHOW(mlockall(MCL_CURRENT));
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED);
}

static void show_locked(void) {
  char line[200];
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f))
    if (!strncmp(line, "VmLck:", 6)) fputs(line, stdout);
  fclose(f);
  int sum = 0, kb;
  f = fopen("/proc/self/smaps", "r");
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "Locked: %d kB", &kb) == 1) sum += kb;
  fclose(f);
  printf("Locked: %d kB\n", sum);
}
CASE(locked_memory) {
  char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  show_locked();
  mlock(p + 4096, 16384);
  show_locked();
  munlock(p + 8192, 4096);
  show_locked();
  mprotect(p, 65536, PROT_READ);
  show_locked();
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    show_locked();
    exit(0);
  }
  waitpid(pid, NULL, 0);
  munmap(p, 8192);
  show_locked();
  p = mmap(p + 8192, 16384, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  show_locked();
  p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  show_locked();
  p = mremap(p, 16384, 65536, MREMAP_MAYMOVE);
  show_locked();
  SHOW(madvise(p, 4096, MADV_DONTNEED));
  munlockall();
  show_locked();
}

#define T32(S, N) {.tv_sec = (S), .tv_nsec = (N)}
CASE(timer_errors) {
  timer_t t, none = (timer_t)12345;
  struct itimerspec i = {.it_value = T32(1, 0)}, old;
  SHOW(timer_create(CLOCK_REALTIME, NULL, &t));
  SHOW(syscall(SYS_timer_settime, t, 0, NULL, NULL));
  SHOW(syscall(SYS_timer_settime, none, 0, NULL, NULL));
  SHOW(syscall(SYS_timer_settime, t, 0, 8, NULL));
  SHOW(timer_settime(none, 0, &i, NULL));
  i.it_value.tv_nsec = 1000000000;
  SHOW(timer_settime(t, 0, &i, &old));
  i.it_value.tv_nsec = -1;
  SHOW(timer_settime(t, 0, &i, &old));
  i.it_value = (struct timespec)T32(-1, 0);
  SHOW(timer_settime(t, 0, &i, &old));
  SHOW(timer_gettime(none, &i));
  SHOW(syscall(SYS_timer_gettime, t, 8));
  SHOW(timer_getoverrun(none));
  SHOW(timer_delete(t));
  SHOW(timer_delete(t));
  SHOW(timer_create(CLOCK_MONOTONIC_RAW, NULL, &t));
  SHOW(timer_create(CLOCK_REALTIME_COARSE, NULL, &t));
  SHOW(timer_create(77, NULL, &t));
  struct sigevent e = {.sigev_notify = 9, .sigev_signo = SIGUSR1};
  SHOW(timer_create(CLOCK_MONOTONIC, &e, &t));
  e = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 66};
  SHOW(timer_create(CLOCK_MONOTONIC, &e, &t));
}

CASE(clock_settime_errors) {
  struct timespec t = T32(1, 0), bad = T32(1, 1000000000);
  SHOW(clock_settime(CLOCK_MONOTONIC, &t));
  SHOW(clock_settime(CLOCK_MONOTONIC_RAW, &t));
  SHOW(clock_settime(CLOCK_BOOTTIME, &t));
  SHOW(clock_settime(CLOCK_MONOTONIC_COARSE, &t));
  SHOW(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &t));
  SHOW(clock_settime(CLOCK_THREAD_CPUTIME_ID, &t));
  SHOW(clock_settime(99, &t));
  SHOW(clock_settime(CLOCK_REALTIME, &bad));
  SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, 8));
  setuid(1000);
  SHOW(clock_settime(CLOCK_REALTIME, &t));
  SHOW(clock_settime(CLOCK_MONOTONIC, &t));
  struct timeval v = {.tv_sec = 1};
  SHOW(settimeofday(&v, NULL));
  v.tv_usec = 1000000;
  SHOW(settimeofday(&v, NULL));
  struct timex x;
  memset(&x, 0, sizeof x);
  SHOW(adjtimex(&x) >= 0);
  SHOW(x.tick);
  x.modes = ADJ_TICK;
  SHOW(adjtimex(&x));
  x.modes = 0;
  SHOW(clock_adjtime(CLOCK_REALTIME, &x) >= 0);
  SHOW(clock_adjtime(CLOCK_MONOTONIC, &x));
  SHOW(clock_adjtime(99, &x));
}

static void woken(int n) { (void)n; }
CASE(rest_of_a_sleep_by_cpu_time) {
  struct timespec t = {100, 0}, rest = {0, 0};
  struct sigaction act = {.sa_handler = woken};
  struct itimerval soon = {.it_value = {.tv_usec = 20000}};
  sigaction(SIGALRM, &act, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, &rest));
  SHOW(rest.tv_sec);
  setitimer(ITIMER_REAL, &soon, NULL);
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, 8));
  setitimer(ITIMER_REAL, &soon, NULL);
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, 8));
}

CASE(stacks_that_change_nothing) {
  stack_t none = {0}, disabled = {.ss_flags = SS_DISABLE}, small = {.ss_sp = (void *)4096, .ss_size = 100}, old;
  SHOW(sigaltstack(&none, NULL));
  SHOW(sigaltstack(&disabled, NULL));
  SHOW(sigaltstack(&none, NULL));
  SHOW(sigaltstack(&small, NULL));
  small.ss_size = 65536;
  SHOW(sigaltstack(&small, NULL));
  SHOW(sigaltstack(&none, NULL));
  SHOW(sigaltstack(&small, &old));
  SHOW(old.ss_size);
}

/* What is negative is a process's or thread's clock, or a descriptor's. */
CASE(clocks_by_number) {
  struct timespec t = {0, 1}, bad = {0, -1};
  struct timex x = {0};
  int clocks[] = {8 * ~4000000 + 2, 8 * ~4000000 + 6, -1, -2, -3, -5, 8 * ~5 + 3, 8 * ~5 + 7, 8 * ~getpid() + 6};
  for (int i = 0; i < (int)(sizeof clocks / sizeof *clocks); i++) {
    SHOW(i);
    SHOW(syscall(SYS_clock_nanosleep, clocks[i], 0, 8, NULL));
    SHOW(syscall(SYS_clock_nanosleep, clocks[i], 0, &bad, NULL));
    SHOW(syscall(SYS_clock_nanosleep, clocks[i], 0, &t, NULL));
    SHOW(syscall(SYS_clock_adjtime, clocks[i], 8));
    SHOW(syscall(SYS_clock_adjtime, clocks[i], &x));
    SHOW(syscall(SYS_clock_settime, clocks[i], 8));
    SHOW(syscall(SYS_clock_settime, clocks[i], &t));
    SHOW(syscall(SYS_clock_getres, clocks[i], &t));
    SHOW(syscall(SYS_clock_gettime, clocks[i], 8));
  }
}

static int overrun_of(clockid_t clock, long interval) {
  timer_t t;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, NULL);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
  timer_create(clock, &e, &t);
  struct itimerspec i = {.it_value = T32(0, 1), .it_interval = T32(0, interval)};
  SHOW(timer_settime(t, TIMER_ABSTIME, &i, NULL));
  siginfo_t info;
  struct timespec patience = T32(20, 0);
  SHOW(sigtimedwait(&set, &info, &patience) == SIGUSR2);
  int n = timer_getoverrun(t);
  SHOW(n == info.si_overrun);
  timer_delete(t);
  return n;
}
CASE(overruns) {
  SHOW(overrun_of(CLOCK_REALTIME, 1));
  SHOW(overrun_of(CLOCK_REALTIME, 1000000));
  SHOW(overrun_of(CLOCK_REALTIME, 900000000) > 1900000000 / 2);
  SHOW(overrun_of(CLOCK_REALTIME, 0));
}

static void show_policy(const char *who) {
  struct sched_param p;
  sched_getparam(0, &p);
  printf("%s: %x priority %d nice %d\n", who, sched_getscheduler(0), p.sched_priority, getpriority(PRIO_PROCESS, 0));
  fflush(stdout);
}
static void in_child(const char *who) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    show_policy(who);
    exit(0);
  }
  waitpid(pid, NULL, 0);
}
CASE(reset_on_fork) {
  struct sched_param p = {.sched_priority = 5}, zero = {0};
  SHOW(sched_setscheduler(0, SCHED_FIFO, &p));
  in_child("fifo");
  SHOW(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p));
  show_policy("self");
  in_child("fifo, reset");
  SHOW(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
  setpriority(PRIO_PROCESS, 0, -5);
  in_child("nice -5, reset");
  setpriority(PRIO_PROCESS, 0, 5);
  in_child("nice 5, reset");
  SHOW(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &zero));
  in_child("batch, reset");
  setuid(1000);
  SHOW(sched_setscheduler(0, SCHED_BATCH, &zero));
  SHOW(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &zero));
  SHOW(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
  SHOW(sched_setscheduler(0, SCHED_FIFO, &p));
}

static void touch(size_t bytes) {
  char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t i = 0; i < bytes; i += 4096) p[i] = 1;
  munmap(p, bytes);
}
CASE(resident_maximum) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  SHOW(u.ru_maxrss > 200 && u.ru_maxrss < 10000);
  touch(20 << 20);
  getrusage(RUSAGE_SELF, &u);
  SHOW(u.ru_maxrss >= 20480 && u.ru_maxrss < 30720);
  getrusage(RUSAGE_CHILDREN, &u);
  SHOW(u.ru_maxrss);
  pid_t pid = fork();
  if (pid == 0) {
    touch(50 << 20);
    _exit(0);
  }
  wait4(pid, NULL, 0, &u);
  SHOW(u.ru_maxrss >= 51200 && u.ru_maxrss < 70000);
  pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, NULL, 0);
  getrusage(RUSAGE_CHILDREN, &u);
  SHOW(u.ru_maxrss >= 51200 && u.ru_maxrss < 70000);
  getrusage(RUSAGE_SELF, &u);
  SHOW(u.ru_maxrss >= 20480 && u.ru_maxrss < 40000);
}

/* Milliseconds of CPU time by now, in the program and in the kernel. */
static void used(int who, long *user, long *system) {
  struct rusage u;
  getrusage(who, &u);
  *user = u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000;
  *system = u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000;
}
static void work(int calls) {
  long u0, s0, u, s;
  char b[4096];
  int fd = open("/dev/zero", O_RDONLY);
  used(RUSAGE_SELF, &u0, &s0);
  do {
    if (calls) for (int i = 0; i < 50; i++) read(fd, b, sizeof b);
    else for (volatile int i = 0; i < 100000; i++) { }
    used(RUSAGE_SELF, &u, &s);
  } while (u + s < u0 + s0 + 400);
}
CASE(time_in_the_kernel) {
  long u, s;
  work(0);
  used(RUSAGE_SELF, &u, &s);
  SHOW(u > 4 * s);
  work(1);
  used(RUSAGE_SELF, &u, &s);
  SHOW(s > 80);
  struct tms t;
  times(&t);
  SHOW(t.tms_stime >= 8 && t.tms_utime >= 20);
  SHOW(t.tms_cstime);
  used(RUSAGE_THREAD, &u, &s);
  SHOW(s > 80);
  pid_t pid = fork();
  if (pid == 0) {
    work(1);
    _exit(0);
  }
  struct rusage r;
  wait4(pid, NULL, 0, &r);
  SHOW(r.ru_stime.tv_usec + r.ru_stime.tv_sec * 1000000 > 80000);
  used(RUSAGE_CHILDREN, &u, &s);
  SHOW(s > 80);
  times(&t);
  SHOW(t.tms_cstime >= 8);
  unsigned long ut, st;
  FILE *f = fopen("/proc/self/stat", "r");
  fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ut, &st);
  fclose(f);
  SHOW(ut >= 20 && st >= 8);
}

static void die_of(int signo, rlim_t limit) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit l = {limit, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &l);
    signal(signo, SIG_DFL);
    raise(signo);
    _exit(0);
  }
  int s;
  siginfo_t i;
  waitid(P_PID, pid, &i, WEXITED | WNOWAIT);
  waitpid(pid, &s, 0);
  printf("SIG%s: %d %d, code %d status %d\n", sigabbrev_np(signo), WTERMSIG(s), WCOREDUMP(s) ? 1 : 0, i.si_code, i.si_status);
  SHOW(access("core", F_OK));
  struct stat st;
  if (stat("core", &st) == 0) {
    char magic[18] = {0};
    int fd = open("core", O_RDONLY);
    read(fd, magic, 18);
    printf("%o %.3s type %d\n", st.st_mode, magic + 1, magic[16]);
    close(fd);
  }
  unlink("core");
}
static void core_pattern(const char *put, char *got, size_t size) {
  int fd = open("/proc/sys/kernel/core_pattern", O_RDWR);
  if (got) got[read(fd, got, size - 1)] = 0;
  pwrite(fd, put, strlen(put), 0);
  close(fd);
}
static long line_of(const char *file, const char *name) {
  char line[200];
  long n = -1;
  FILE *f = fopen(file, "r");
  while (fgets(line, sizeof line, f)) if (!strncmp(line, name, strlen(name))) n = atol(line + strlen(name));
  fclose(f);
  return n;
}
CASE(switches) {
  struct rusage a, b;
  long before = line_of("/proc/self/status", "voluntary_ctxt_switches:"), all = line_of("/proc/stat", "ctxt ");
  getrusage(RUSAGE_SELF, &a);
  for (int i = 0; i < 20; i++) usleep(1000);
  getrusage(RUSAGE_SELF, &b);
  SHOW(b.ru_nvcsw - a.ru_nvcsw >= 20 && b.ru_nvcsw - a.ru_nvcsw < 40);
  SHOW(line_of("/proc/self/status", "voluntary_ctxt_switches:") - before >= 20);
  SHOW(line_of("/proc/stat", "ctxt ") - all >= 20);
  pid_t pid = fork();
  if (pid == 0) {
    for (int i = 0; i < 30; i++) usleep(1000);
    _exit(0);
  }
  wait4(pid, NULL, 0, &a);
  SHOW(a.ru_nvcsw >= 30 && a.ru_nvcsw < 60);
  getrusage(RUSAGE_CHILDREN, &b);
  SHOW(b.ru_nvcsw == a.ru_nvcsw && b.ru_nivcsw == a.ru_nivcsw);
  /* Two that only compute take turns. */
  if ((pid = fork()) == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    fork();
    work(0);
    getrusage(RUSAGE_SELF, &a);
    _exit(a.ru_nivcsw >= 4);
  }
  int status;
  waitpid(pid, &status, 0);
  SHOW(WEXITSTATUS(status));
}

/* What is left of a timer of ten seconds, as milliseconds that have gone. */
static long gone(int which) {
  struct itimerval v;
  getitimer(which, &v);
  return 10000 - v.it_value.tv_sec * 1000 - v.it_value.tv_usec / 1000;
}
CASE(virtual_timer) {
  struct itimerval v = {.it_value.tv_sec = 10};
  SHOW(setitimer(ITIMER_VIRTUAL, &v, NULL));
  SHOW(setitimer(ITIMER_PROF, &v, NULL));
  work(0);
  SHOW(gone(ITIMER_VIRTUAL) > 300);
  SHOW(gone(ITIMER_PROF) >= 390);
  setitimer(ITIMER_VIRTUAL, &v, NULL);
  setitimer(ITIMER_PROF, &v, NULL);
  work(1);
  SHOW(gone(ITIMER_VIRTUAL) < 330);
  SHOW(gone(ITIMER_PROF) >= 390);
}

CASE(core_files) {
  char before[200];
  core_pattern("core", before, sizeof before);
  die_of(SIGQUIT, RLIM_INFINITY);
  die_of(SIGABRT, 0);
  die_of(SIGSEGV, RLIM_INFINITY);
  die_of(SIGTERM, RLIM_INFINITY);
  die_of(SIGXCPU, RLIM_INFINITY);
  prctl(PR_SET_DUMPABLE, 0);
  die_of(SIGABRT, RLIM_INFINITY);
  core_pattern(before, NULL, 0);
}
