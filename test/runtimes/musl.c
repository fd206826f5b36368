/* What musl does in its own way: signals 32 to 34 for timers, cancellation and calls on all threads, its locks, its dynamic linker, posix_spawn by
   a vfork-like clone, its locale. Compiled against musl for ARM and for the host, it prints the same. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

static sem_t sem;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int hits, expirations, cleaned;

static void clean(void *arg) { cleaned += *(int *)arg; }

static void unlock(void *m) { pthread_mutex_unlock(m); }

static void *waits(void *arg) {
  long how = (long)arg;
  int one = 1;
  char c;
  int p[2];
  pthread_cleanup_push(clean, &one);
  if (how == 0) pause();
  if (how == 1) sem_wait(&sem);
  if (how == 2) {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, &mutex);
    for (;;) pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(1);
  }
  if (how == 3) pipe(p), read(p[0], &c, 1);
  if (how == 4) nanosleep(&(struct timespec){1000, 0}, NULL);
  if (how == 5) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    usleep(30000);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    for (;;) pthread_testcancel();
  }
  if (how == 6) waitpid(-1, NULL, 0), pause();
  pthread_cleanup_pop(0);
  return NULL;
}

/* No cleanup here: musl 1.2.3 for ARM pops 16 bytes of the frame that an asynchronous cancellation interrupts. */
static void *spins(void *arg) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  for (;;) hits++;
  return arg;
}

static void cancellation(void) {
  sem_init(&sem, 0, 0);
  pthread_t t[8];
  for (long i = 0; i < 8; i++) pthread_create(&t[i], NULL, i == 7 ? spins : waits, (void *)i);
  usleep(20000);
  int canceled = 0;
  for (int i = 0; i < 8; i++) {
    void *result;
    pthread_cancel(t[i]);
    pthread_join(t[i], &result);
    canceled += result == PTHREAD_CANCELED;
  }
  printf("canceled %d cleaned %d mutex %d\n", canceled, cleaned, pthread_mutex_trylock(&mutex));
  pthread_mutex_unlock(&mutex);
}

static void expired(union sigval v) { expirations += v.sival_int; }
static void caught(int n) { (void)n, hits++; }

/* SIGEV_THREAD: musl's timer threads wait for signal 32. */
static void timers(void) {
  timer_t t;
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = expired, .sigev_value.sival_int = 1};
  printf("timer %d\n", timer_create(CLOCK_MONOTONIC, &event, &t));
  struct itimerspec every = {{0, 3000000}, {0, 3000000}};
  timer_settime(t, 0, &every, NULL);
  for (int i = 0; i < 60000 && expirations < 5; i++) usleep(1000);
  printf("expired %d\n", expirations >= 5);
  timer_delete(t);
  hits = 0;
  signal(SIGRTMIN, caught);
  event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  timer_create(CLOCK_REALTIME, &event, &t);
  timer_settime(t, 0, &(struct itimerspec){{0, 0}, {0, 2000000}}, NULL);
  while (!hits) usleep(1000); /* not pause(): the signal may come just before it */
  timer_delete(t);
  printf("signal %d\n", hits);
}

static void *keeps(void *arg) {
  pthread_barrier_wait(arg);
  pthread_barrier_wait(arg);
  return (void *)(long)(prctl(PR_GET_KEEPCAPS) + 10 * (long)(getuid() == geteuid()));
}

/* setuid and the like are made on all threads, by signal 34. */
static void all_threads(void) {
  pthread_t t[10];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, 11);
  for (int i = 0; i < 10; i++) pthread_create(&t[i], NULL, keeps, &barrier);
  pthread_barrier_wait(&barrier);
  int r = 0;
  for (int i = 0; i < 20; i++) r |= setresuid(getuid(), geteuid(), -1) | setgid(getgid());
  pthread_barrier_wait(&barrier);
  long sum = 0;
  void *result;
  for (int i = 0; i < 10; i++) pthread_join(t[i], &result), sum += (long)result;
  printf("set %d seen %ld\n", r, sum);
}

static void *robust(void *m) {
  pthread_mutex_lock(m);
  return NULL;
}
static void *holds_pi(void *m) {
  pthread_mutex_lock(m);
  hits = 1;
  sem_wait(&sem);
  pthread_mutex_unlock(m);
  return NULL;
}
static void *reads(void *l) {
  for (int i = 0; i < 300; i++) pthread_rwlock_rdlock(l), sched_yield(), pthread_rwlock_unlock(l);
  return NULL;
}

static void locks(void) {
  pthread_mutexattr_t attr;
  pthread_mutex_t m;
  pthread_t t[6];
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&m, &attr);
  pthread_create(t, NULL, robust, &m);
  pthread_join(*t, NULL);
  int r = pthread_mutex_lock(&m);
  printf("robust %s", strerror(r));
  printf(" %d", pthread_mutex_consistent(&m));
  printf(" %d\n", pthread_mutex_unlock(&m));
  pthread_mutexattr_init(&attr);
  printf("inherit %d\n", pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
  pthread_mutex_init(&m, &attr);
  hits = 0;
  pthread_create(t, NULL, holds_pi, &m);
  while (!hits) usleep(1000);
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 2000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  printf("timed %s\n", strerror(pthread_mutex_timedlock(&m, &at)));
  sem_post(&sem);
  printf("lock %d\n", pthread_mutex_lock(&m));
  pthread_mutex_unlock(&m);
  pthread_join(*t, NULL);
  pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
  for (int i = 0; i < 6; i++) pthread_create(&t[i], NULL, reads, &l);
  for (int i = 0; i < 100; i++) pthread_rwlock_wrlock(&l), hits++, pthread_rwlock_unlock(&l);
  for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);
  printf("written %d\n", hits);
}

extern char **environ;
static void children(void) {
  char *argv[] = {"sh", "-c", "echo spawned $X; exit 4", NULL}, *env[] = {"X=y", "PATH=/bin:/usr/bin", NULL};
  pid_t pid;
  int status;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 9);
  posix_spawnattr_init(&attr);
  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  int r = posix_spawn(&pid, "/bin/sh", &actions, &attr, argv, env);
  waitpid(pid, &status, 0);
  printf("spawn %d status %d\n", r, WEXITSTATUS(status));
  printf("none: %s\n", strerror(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ)));
  FILE *p = popen("read x; echo got $x >&2; exit 2", "w");
  fputs("line\n", p);
  printf("pclose %d\n", WEXITSTATUS(pclose(p)));
  printf("system %d\n", WEXITSTATUS(system("kill -USR1 $PPID; exit 6")));
}

static sigjmp_buf back;
static void jump(int n, siginfo_t *info, void *context) { (void)context; siglongjmp(back, n * 10 + info->si_code); }

static void signals(void) {
  struct sigaction sa = {.sa_sigaction = jump, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = malloc(SIGSTKSZ * 4), .ss_size = SIGSTKSZ * 4};
  sigaltstack(&stack, NULL);
  sigaction(SIGSEGV, &sa, NULL);
  volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANON, -1, 0);
  int r = sigsetjmp(back, 1);
  if (!r) *page = 1;
  printf("segv %d\n", r);
  r = sigsetjmp(back, 1);
  if (!r) *(volatile char *)NULL = 1;
  printf("segv %d\n", r);
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMAX);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigqueue(getpid(), SIGRTMAX, (union sigval){.sival_int = 5});
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 6});
  sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 7});
  for (int i = 0; i < 3; i++) {
    int n = sigwaitinfo(&set, &info);
    printf("%d %d; ", n, info.si_value.sival_int);
  }
  printf("%d", sigtimedwait(&set, &info, &(struct timespec){0, 1000000}));
  printf(" %s\n", strerror(errno));
  /* The first three real-time signals are musl's own. */
  int refused = signal(33, caught) == SIG_ERR;
  printf("%d %d %s\n", SIGRTMIN, SIGRTMAX, refused ? strerror(errno) : "allowed");
}

static void texts(void) {
  printf("%s\n", setlocale(LC_ALL, "C.UTF-8"));
  printf("%s %d\n", nl_langinfo(CODESET), (int)MB_CUR_MAX);
  wchar_t wide[20];
  printf("%d", (int)mbstowcs(wide, "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 20));
  printf(" %lc %ls\n", towupper(wide[1]), wide);
  regex_t re;
  regmatch_t m[3];
  printf("%d", regcomp(&re, "([a-z]+)-([0-9]{2,3})", REG_EXTENDED));
  printf(" %d", regexec(&re, "xx abc-1234", 3, m, 0));
  printf(" %d-%d %d-%d\n", (int)m[1].rm_so, (int)m[1].rm_eo, (int)m[2].rm_so, (int)m[2].rm_eo);
  char in[] = "\xc3\xa9t\xc3\xa9", out[20] = "", *i = in, *o = out;
  size_t n = 5, left = 20;
  iconv_t c = iconv_open("ISO-8859-1", "UTF-8");
  printf("%d", (int)iconv(c, &i, &n, &o, &left));
  printf(" %02x %d\n", (unsigned char)out[0], (int)(20 - left));
  printf("%a %.20g %Lg %s\n", 0.1, 1e23, (long double)1 / 3, strerror(ENOTTY));
  struct tm tm;
  setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
  time_t at = 4102444800; /* behind 2038 */
  char text[80];
  strftime(text, sizeof text, "%F %T %Z", localtime_r(&at, &tm));
  printf("%s %d\n", text, (int)sizeof(time_t));
  struct addrinfo *ai, hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  printf("%d", getaddrinfo("127.0.0.1", "80", &hints, &ai));
  printf(" %d\n", ai->ai_addrlen);
  printf("%g %g %g\n", sin(1e6), exp(-3.5), fma(3, 4, 5));
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  (void)argc;
  signal(SIGUSR1, caught);
  cancellation();
  timers();
  all_threads();
  locks();
  children();
  signals();
  texts();
  if (strstr(argv[0], "dynamic")) {
    void *self = dlopen(NULL, RTLD_NOW);
    int (*f)(const char *) = (int (*)(const char *))dlsym(self, "atoi");
    printf("dl %d %s\n", f("77"), dlopen("/nonexistent.so", RTLD_NOW) ? "?" : dlerror());
  }
  return 3;
}
