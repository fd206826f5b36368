/* pthreads: every kind of synchronization, and how threads begin and end. */
#include "cases.h"
#include <semaphore.h>
#include <sys/prctl.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int counter;

static pthread_t start(void *(*f)(void *), void *arg) {
  pthread_t t;
  int e = pthread_create(&t, NULL, f, arg);
  if (e) printf("pthread_create: %s\n", strerrorname_np(e));
  return t;
}
static void *end(pthread_t t) {
  void *r = NULL;
  int e = pthread_join(t, &r);
  if (e) printf("pthread_join: %s\n", strerrorname_np(e));
  return r;
}
static pthread_mutex_t *new_mutex(int type, int protocol, int robust, int shared) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, type);
  pthread_mutexattr_setprotocol(&a, protocol);
  pthread_mutexattr_setrobust(&a, robust);
  pthread_mutexattr_setpshared(&a, shared);
  pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int e = pthread_mutex_init(m, &a);
  if (e) printf("pthread_mutex_init: %s\n", strerrorname_np(e));
  return m;
}

static void *add(void *m) {
  for (int i = 0; i < 2000; i++) { pthread_mutex_lock(m); counter++; pthread_mutex_unlock(m); }
  return NULL;
}

CASE(mutex_kinds) {
  int types[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_ADAPTIVE_NP};
  int protocols[] = {PTHREAD_PRIO_NONE, PTHREAD_PRIO_INHERIT};
  for (int p = 0; p < 2; p++)
    for (int t = 0; t < 4; t++)
      for (int robust = 0; robust < 2; robust++) {
        pthread_mutex_t *m = new_mutex(types[t], protocols[p], robust, p);
        counter = 0;
        pthread_t ts[8];
        for (int i = 0; i < 8; i++) ts[i] = start(add, m);
        for (int i = 0; i < 8; i++) end(ts[i]);
        printf("%d %d %d: %d\n", p, t, robust, counter);
      }
}

static void *try_lock(void *m) { return (void *)(long)pthread_mutex_trylock(m); }
static void *unlock(void *m) { return (void *)(long)pthread_mutex_unlock(m); }

CASE(mutex_errors) {
  for (int p = 0; p < 2; p++) {
    pthread_mutex_t *e = new_mutex(PTHREAD_MUTEX_ERRORCHECK, p, 0, 0), *r = new_mutex(PTHREAD_MUTEX_RECURSIVE, p, 0, 0);
    SHOW_ERROR(pthread_mutex_lock(e));
    SHOW_ERROR(pthread_mutex_lock(e));
    SHOW_ERROR((int)(long)end(start(try_lock, e)));
    SHOW_ERROR((int)(long)end(start(unlock, e)));
    SHOW_ERROR(pthread_mutex_unlock(e));
    SHOW_ERROR(pthread_mutex_unlock(e));
    SHOW_ERROR(pthread_mutex_lock(r));
    SHOW_ERROR(pthread_mutex_trylock(r));
    SHOW_ERROR(pthread_mutex_unlock(r));
    SHOW_ERROR((int)(long)end(start(try_lock, r)));
    SHOW_ERROR(pthread_mutex_unlock(r));
    SHOW_ERROR((int)(long)end(start(try_lock, r)));
    SHOW_ERROR(pthread_mutex_destroy(e));
  }
}

static void *timed_lock(void *m) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += 100000000;
  if (t.tv_nsec >= 1000000000) { t.tv_nsec -= 1000000000; t.tv_sec++; }
  return (void *)(long)pthread_mutex_timedlock(m, &t);
}
static void *patient_lock(void *m) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 1000;
  return (void *)(long)pthread_mutex_timedlock(m, &t);
}
static void *clock_lock(void *m) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += 1;
  return (void *)(long)pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &t);
}

CASE(mutex_timeouts) {
  for (int p = 0; p < 2; p++) {
    pthread_mutex_t *m = new_mutex(PTHREAD_MUTEX_NORMAL, p, 0, 0);
    pthread_mutex_lock(m);
    SHOW_ERROR((int)(long)end(start(timed_lock, m)));
    if (!p) SHOW_ERROR((int)(long)end(start(clock_lock, m)));
    pthread_t t = start(patient_lock, m);
    pthread_mutex_unlock(m);
    SHOW_ERROR((int)(long)end(t));
  }
}

static void *die_with(void *m) { pthread_mutex_lock(m); return NULL; }

CASE(robust) {
  char c;
  int held[2];
  pipe(held);
  for (int p = 0; p < 2; p++) {
    pthread_mutex_t *m = new_mutex(PTHREAD_MUTEX_NORMAL, p, PTHREAD_MUTEX_ROBUST, 1);
    end(start(die_with, m));
    SHOW_ERROR(pthread_mutex_lock(m));
    SHOW_ERROR(pthread_mutex_consistent(m));
    SHOW_ERROR(pthread_mutex_unlock(m));
    if (fork() == 0) { pthread_mutex_lock(m); kill(getpid(), SIGKILL); }
    wait(NULL);
    SHOW_ERROR(pthread_mutex_trylock(m));
    SHOW_ERROR(pthread_mutex_unlock(m));
    SHOW_ERROR(pthread_mutex_lock(m));
    pthread_mutex_t *n = new_mutex(PTHREAD_MUTEX_ERRORCHECK, p, PTHREAD_MUTEX_ROBUST, 1);
    if (fork() == 0) { pthread_mutex_lock(n); write(held[1], "x", 1); nap(200); _exit(0); }
    read(held[0], &c, 1);
    SHOW_ERROR(pthread_mutex_lock(n));
    wait(NULL);
  }
}

CASE(robust_exec) {
  pthread_mutex_t *m = new_mutex(PTHREAD_MUTEX_NORMAL, 0, PTHREAD_MUTEX_ROBUST, 1);
  char c;
  int held[2];
  pipe(held);
  if (fork() == 0) { pthread_mutex_lock(m); write(held[1], "x", 1); nap(100); execl("/bin/true", "true", NULL); }
  read(held[0], &c, 1);
  SHOW_ERROR(pthread_mutex_lock(m));
  wait(NULL);
}

static int turn;
static void *player(void *me) {
  for (int i = 0; i < 300; i++) {
    pthread_mutex_lock(&mutex);
    while (turn != (int)(long)me) pthread_cond_wait(&cond, &mutex);
    turn = (turn + 1) % 4;
    counter++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

CASE(condition_turns) {
  pthread_t t[4];
  for (long i = 0; i < 4; i++) t[i] = start(player, (void *)i);
  for (int i = 0; i < 4; i++) end(t[i]);
  printf("%d\n", counter);
}

static int woken, waiting_count;
static void *waiter(void *arg) {
  (void)arg;
  pthread_mutex_lock(&mutex);
  waiting_count++;
  int mine = counter;
  while (counter == mine) pthread_cond_wait(&cond, &mutex);
  woken++;
  pthread_mutex_unlock(&mutex);
  return NULL;
}

CASE(condition_broadcast) {
  pthread_t t[50];
  for (int i = 0; i < 50; i++) t[i] = start(waiter, NULL);
  for (int ready = 0; !ready;) {
    pthread_mutex_lock(&mutex);
    ready = waiting_count == 50;
    pthread_mutex_unlock(&mutex);
    nap(1);
  }
  pthread_mutex_lock(&mutex);
  counter++;
  pthread_cond_broadcast(&cond);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 50; i++) end(t[i]);
  printf("%d\n", woken);
}

CASE(condition_timeouts) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec = 0;
  t.tv_sec += 1;
  pthread_mutex_lock(&mutex);
  SHOW_ERROR(pthread_cond_timedwait(&cond, &mutex, &t));
  SHOW_ERROR(pthread_cond_timedwait(&cond, &mutex, &t));
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
  pthread_cond_t c;
  pthread_cond_init(&c, &a);
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += 1;
  SHOW_ERROR(pthread_cond_timedwait(&c, &mutex, &t));
  SHOW_ERROR(pthread_mutex_unlock(&mutex));
}

static pthread_barrier_t barrier;
static void *at_barrier(void *arg) {
  (void)arg;
  for (int i = 0; i < 40; i++) {
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) counter++;
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}
CASE(barriers) {
  pthread_t t[7];
  pthread_barrier_init(&barrier, NULL, 7);
  for (int i = 0; i < 7; i++) t[i] = start(at_barrier, NULL);
  for (int i = 0; i < 7; i++) end(t[i]);
  printf("%d %s\n", counter >= 40 && counter <= 80 ? 1 : 0, pthread_barrier_destroy(&barrier) ? "busy" : "gone");
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int pair[2], torn;
static void *writer(void *arg) {
  for (int i = 0; i < 300; i++) {
    pthread_rwlock_wrlock(&rw);
    pair[0] = i * 10 + (int)(long)arg;
    if (i % 50 == 0) sched_yield();
    pair[1] = pair[0];
    pthread_rwlock_unlock(&rw);
  }
  return NULL;
}
static void *reader(void *arg) {
  (void)arg;
  for (int i = 0; i < 600; i++) {
    pthread_rwlock_rdlock(&rw);
    if (pair[0] != pair[1]) torn++;
    pthread_rwlock_unlock(&rw);
  }
  return NULL;
}
static void *rw_try_read(void *l) { int e = pthread_rwlock_tryrdlock(l); if (!e) pthread_rwlock_unlock(l); return (void *)(long)e; }
static void *rw_try_write(void *l) { int e = pthread_rwlock_trywrlock(l); if (!e) pthread_rwlock_unlock(l); return (void *)(long)e; }
CASE(rwlocks) {
  pthread_t t[8];
  for (long i = 0; i < 8; i++) t[i] = start(i < 2 ? writer : reader, (void *)i);
  for (int i = 0; i < 8; i++) end(t[i]);
  printf("%d\n", torn);
  pthread_rwlock_rdlock(&rw);
  SHOW_ERROR((int)(long)end(start(rw_try_read, &rw)));
  SHOW_ERROR((int)(long)end(start(rw_try_write, &rw)));
  pthread_rwlock_unlock(&rw);
  pthread_rwlock_wrlock(&rw);
  SHOW_ERROR((int)(long)end(start(rw_try_read, &rw)));
  SHOW_ERROR(pthread_rwlock_rdlock(&rw));
  struct timespec past = {1, 0};
  SHOW_ERROR((pthread_rwlock_unlock(&rw), pthread_rwlock_timedwrlock(&rw, &past)));
}

static pthread_spinlock_t spin;
static void *spinner(void *arg) {
  (void)arg;
  for (int i = 0; i < 3000; i++) { pthread_spin_lock(&spin); counter++; pthread_spin_unlock(&spin); }
  return NULL;
}
CASE(spinlocks) {
  pthread_spin_init(&spin, 0);
  pthread_t t[4];
  for (int i = 0; i < 4; i++) t[i] = start(spinner, NULL);
  for (int i = 0; i < 4; i++) end(t[i]);
  printf("%d\n", counter);
}

static sem_t sem_a, sem_b;
static void *ponger(void *arg) {
  (void)arg;
  for (int i = 0; i < 500; i++) { sem_wait(&sem_a); counter++; sem_post(&sem_b); }
  return NULL;
}
CASE(semaphores) {
  sem_init(&sem_a, 0, 0);
  sem_init(&sem_b, 0, 0);
  pthread_t t = start(ponger, NULL);
  for (int i = 0; i < 500; i++) { sem_post(&sem_a); sem_wait(&sem_b); }
  end(t);
  printf("%d\n", counter);
  SHOW(sem_trywait(&sem_a));
  struct timespec past = {1, 0};
  SHOW(sem_timedwait(&sem_a, &past));
  sem_t *n = sem_open("/armrun-sem", O_CREAT | O_EXCL, 0600, 1);
  SHOW(sem_wait(n));
  if (fork() == 0) { nap(200); sem_post(n); _exit(0); }
  SHOW(sem_wait(n));
  int v;
  SHOW(sem_getvalue(n, &v));
  printf("%d\n", v);
  wait(NULL);
  SHOW(sem_unlink("/armrun-sem"));
  SHOW(sem_open("/armrun-sem", 0) == SEM_FAILED);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_once(void) { nap(50); counter++; }
static void *run_once(void *arg) { (void)arg; pthread_once(&once, init_once); return (void *)(long)counter; }
CASE(once) {
  pthread_t t[10];
  for (int i = 0; i < 10; i++) t[i] = start(run_once, NULL);
  for (int i = 0; i < 10; i++) printf("%ld ", (long)end(t[i]));
  printf("%d\n", counter);
}

static __thread int tls_value = 5;
static __thread char tls_big[5000];
static pthread_key_t key;
static void key_gone(void *p) { __sync_fetch_and_add(&counter, (int)(long)p); }
static void *use_tls(void *arg) {
  tls_value += (int)(long)arg;
  memset(tls_big, (int)(long)arg, sizeof tls_big);
  pthread_setspecific(key, arg);
  sched_yield();
  return (void *)(long)(tls_value * 1000 + tls_big[4999]);
}
CASE(thread_local_storage) {
  pthread_key_create(&key, key_gone);
  pthread_t t[20];
  long sum = 0;
  for (long i = 0; i < 20; i++) t[i] = start(use_tls, (void *)i);
  for (int i = 0; i < 20; i++) sum += (long)end(t[i]);
  printf("%ld %d %d\n", sum, counter, tls_value);
}

static void clean(void *text) { printf("clean %s\n", (char *)text); }
static void unlock_it(void *m) { pthread_mutex_unlock(m); }
static void *cancel_me(void *how) {
  pthread_cleanup_push(clean, how);
  char b[1];
  int fds[2];
  if (!strcmp(how, "pause")) pause();
  else if (!strcmp(how, "read")) { pipe(fds); read(fds[0], b, 1); }
  else if (!strcmp(how, "sleep")) sleep(100);
  else if (!strcmp(how, "cond")) { pthread_mutex_lock(&mutex); pthread_cleanup_push(unlock_it, &mutex); pthread_cond_wait(&cond, &mutex); pthread_cleanup_pop(0); }
  else if (!strcmp(how, "sem")) sem_wait(&sem_a);
  else if (!strcmp(how, "join")) pthread_join(pthread_self() + 0, NULL), pause();
  else if (!strcmp(how, "spin")) { pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL); for (;;) ; }
  else if (!strcmp(how, "disabled")) { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); nap(200); puts("went on"); pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL); pthread_testcancel(); }
  else if (!strcmp(how, "wait")) waitpid(-1, NULL, 0), pause();
  pthread_cleanup_pop(1);
  return NULL;
}
CASE(cancellation) {
  char *ways[] = {"pause", "read", "sleep", "cond", "sem", "join", "spin", "disabled", "wait"};
  sem_init(&sem_a, 0, 0);
  for (int i = 0; i < 9; i++) {
    pthread_t t = start(cancel_me, ways[i]);
    nap(60);
    pthread_cancel(t);
    printf("%d\n", end(t) == PTHREAD_CANCELED);
  }
  SHOW_ERROR(pthread_mutex_trylock(&mutex));
}

static void *nothing(void *arg) { return arg; }
static void *wait_for_post(void *arg) { sem_wait(&sem_a); return arg; }
static void *pause_thread(void *arg) { pause(); return arg; }
CASE(join_and_detach) {
  for (long i = 0; i < 500; i++) if (end(start(nothing, (void *)i)) != (void *)i) puts("wrong");
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&a, 65536);
  for (int i = 0; i < 300; i++) {
    pthread_t t;
    int e;
    while ((e = pthread_create(&t, &a, nothing, NULL)) == EAGAIN) nap(1);
    if (e) puts(strerrorname_np(e));
  }
  pthread_t t = start(nothing, NULL);
  SHOW_ERROR(pthread_detach(t));
  SHOW_ERROR(pthread_join(pthread_self(), NULL));
  sem_init(&sem_a, 0, 0);
  t = start(wait_for_post, NULL);
  SHOW_ERROR(pthread_tryjoin_np(t, NULL));
  struct timespec past = {1, 0};
  SHOW_ERROR(pthread_timedjoin_np(t, NULL, &past));
  sem_post(&sem_a);
  SHOW_ERROR(pthread_join(t, NULL));
}

static void *count_to(void *arg) { pthread_barrier_wait(&barrier); for (int i = 0; i < 100; i++) { pthread_mutex_lock(&mutex); counter++; pthread_mutex_unlock(&mutex); if (i % 10 == 0) sched_yield(); } return arg; }
CASE(hundred_threads) {
  pthread_t t[100];
  pthread_barrier_init(&barrier, NULL, 100);
  for (long i = 0; i < 100; i++) t[i] = start(count_to, (void *)i);
  long sum = 0;
  for (int i = 0; i < 100; i++) sum += (long)end(t[i]);
  printf("%d %ld\n", counter, sum);
}

static int *shared_counter;
CASE(process_shared) {
  pthread_mutex_t *m = new_mutex(PTHREAD_MUTEX_NORMAL, 0, 0, 1);
  int fd = open("shared", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  shared_counter = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct { pthread_mutex_t m; pthread_cond_t c; pthread_barrier_t b; sem_t s; } *x = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t ma; pthread_condattr_t ca; pthread_barrierattr_t ba;
  pthread_mutexattr_init(&ma); pthread_condattr_init(&ca); pthread_barrierattr_init(&ba);
  pthread_mutexattr_setpshared(&ma, 1); pthread_condattr_setpshared(&ca, 1); pthread_barrierattr_setpshared(&ba, 1);
  pthread_mutex_init(&x->m, &ma); pthread_cond_init(&x->c, &ca); pthread_barrier_init(&x->b, &ba, 5); sem_init(&x->s, 1, 0);
  for (int p = 0; p < 5; p++)
    if (fork() == 0) {
      pthread_barrier_wait(&x->b);
      for (int i = 0; i < 300; i++) { pthread_mutex_lock(m); ++*shared_counter; pthread_mutex_unlock(m); }
      pthread_mutex_lock(&x->m);
      shared_counter[1]++;
      pthread_cond_broadcast(&x->c);
      while (shared_counter[1] < 5) pthread_cond_wait(&x->c, &x->m);
      pthread_mutex_unlock(&x->m);
      sem_post(&x->s);
      _exit(0);
    }
  for (int p = 0; p < 5; p++) sem_wait(&x->s);
  while (wait(NULL) > 0) {}
  int on_disk;
  pread(fd, &on_disk, 4, 0);
  printf("%d %d %d\n", shared_counter[0], shared_counter[1], on_disk);
}

static void *sig_waiter(void *arg) {
  sigset_t s;
  int got;
  sigfillset(&s);
  sigwait(&s, &got);
  __sync_fetch_and_add((int *)arg, got);
  return NULL;
}
static void until_counted(int sum) { while (__sync_fetch_and_add(&counter, 0) != sum) nap(5); }
CASE(sigwait_threads) {
  sigset_t s;
  sigfillset(&s);
  pthread_sigmask(SIG_BLOCK, &s, NULL);
  pthread_t t[4];
  for (int i = 0; i < 4; i++) t[i] = start(sig_waiter, &counter);
  nap(100);
  kill(getpid(), SIGUSR1);
  until_counted(SIGUSR1);
  kill(getpid(), SIGUSR2);
  until_counted(SIGUSR1 + SIGUSR2);
  pthread_kill(t[0], SIGHUP), pthread_kill(t[1], SIGHUP), pthread_kill(t[2], SIGHUP), pthread_kill(t[3], SIGHUP);
  for (int i = 0; i < 4; i++) end(t[i]);
  printf("%d\n", counter);
}

static volatile sig_atomic_t handled;
static void on_usr1(int s) { (void)s; handled++; }
static void *unblocked(void *arg) { (void)arg; sigset_t s; sigemptyset(&s); pthread_sigmask(SIG_SETMASK, &s, NULL); while (!handled) nap(5); return NULL; }
/* A signal pending for the process goes to the thread that unblocks it, and, when the thread chosen blocks it first, to another. */
CASE(signal_to_any_thread) {
  sigset_t s;
  sigfillset(&s);
  signal(SIGUSR1, on_usr1);
  pthread_sigmask(SIG_BLOCK, &s, NULL);
  kill(getpid(), SIGUSR1);
  pthread_t t = start(unblocked, NULL);
  end(t);
  printf("%d\n", handled);
}

static void *spin_blocked(void *arg) {
  sigset_t s;
  sigfillset(&s);
  for (int i = 0; i < 3000; i++) { pthread_sigmask(SIG_BLOCK, &s, NULL); pthread_sigmask(SIG_UNBLOCK, &s, NULL); }
  return arg;
}
CASE(signals_while_masking) {
  signal(SIGUSR1, on_usr1);
  pthread_t t[3];
  for (int i = 0; i < 3; i++) t[i] = start(spin_blocked, NULL);
  for (int i = 0; i < 100; i++) { int before = handled; kill(getpid(), SIGUSR1); for (int n = 0; handled == before && n < 20000; n++) nap(1); }
  for (int i = 0; i < 3; i++) end(t[i]);
  printf("%d\n", handled);
}

static void *tell_tid(void *arg) { __atomic_store_n((pid_t *)arg, gettid(), __ATOMIC_SEQ_CST); return NULL; }
static void *kill_self(void *arg) { (void)arg; pthread_kill(pthread_self(), SIGUSR1); return (void *)(long)handled; }
CASE(pthread_kill_and_queue) {
  signal(SIGUSR1, on_usr1);
  printf("%ld\n", (long)end(start(kill_self, NULL)));
  SHOW_ERROR(pthread_kill(pthread_self(), 0));
  SHOW_ERROR(pthread_kill(pthread_self(), 99));
  pid_t tid = 0;
  pthread_t t = start(tell_tid, &tid);
  // Until it has ended: a signal sent before would still be handled.
  while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST) || tgkill(getpid(), tid, 0) == 0) nap(5);
  SHOW_ERROR(pthread_kill(t, SIGUSR1));
  end(t);
  SHOW_ERROR(pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = 3}));
  printf("%d\n", handled);
}

static void *exit_late(void *arg) { (void)arg; nap(300); puts("last thread"); return NULL; }
CASE(main_exits_first) { start(exit_late, NULL); pthread_exit(NULL); }

static void *exec_it(void *arg) { (void)arg; execl("/bin/sh", "sh", "-c", "ls /proc/$$/task | wc -l; [ $$ = $P ] && echo same", NULL); return NULL; }
CASE(exec_from_thread) {
  char p[20];
  sprintf(p, "%d", getpid());
  setenv("P", p, 1);
  for (int i = 0; i < 5; i++) start(pause_thread, NULL);
  start(exec_it, NULL);
  pause();
}

static void *fork_it(void *arg) { (void)arg; pid_t c = fork(); if (c == 0) _exit(7); int s; waitpid(c, &s, 0); return (void *)(long)WEXITSTATUS(s); }
static void before_fork(void) { puts("prepare"); }
static void in_parent(void) { puts("parent"); }
CASE(fork_from_threads) {
  pthread_t t[10];
  long sum = 0;
  for (int i = 0; i < 10; i++) t[i] = start(fork_it, NULL);
  for (int i = 0; i < 10; i++) sum += (long)end(t[i]);
  printf("%ld\n", sum);
  pthread_atfork(before_fork, in_parent, NULL);
  if (fork() == 0) _exit(0);
  wait(NULL);
}

static void *crash(void *arg) { (void)arg; nap(50); *(volatile int *)8 = 1; return NULL; }
CASE(crash_in_thread) {
  pid_t c = fork();
  if (c == 0) { start(crash, NULL); for (;;) pause(); }
  int s;
  waitpid(c, &s, 0);
  show_status("child", s);
}

static void *name_it(void *arg) { (void)arg; char n[20]; pthread_setname_np(pthread_self(), "worker"); pthread_getname_np(pthread_self(), n, 20); printf("%s\n", n); prctl(PR_GET_NAME, n); printf("%s %d\n", n, gettid() != getpid()); return NULL; }
CASE(names) {
  end(start(name_it, NULL));
  char n[20];
  prctl(PR_GET_NAME, n);
  printf("%s\n", n);
  SHOW_ERROR(pthread_setname_np(pthread_self(), "much too long a name"));
}

static void *deep(void *arg) { volatile char b[60000]; memset((void *)b, 1, sizeof b); return (long)arg > 0 ? (void *)((long)deep((void *)((long)arg - 1)) + b[17]) : NULL; }
CASE(stacks) {
  pthread_attr_t a;
  pthread_attr_init(&a);
  SHOW_ERROR(pthread_attr_setstacksize(&a, 8 << 20));
  pthread_t t[10];
  for (int i = 0; i < 10; i++) pthread_create(&t[i], &a, deep, (void *)100);
  for (int i = 0; i < 10; i++) printf("%ld ", (long)end(t[i]));
  puts("");
  SHOW_ERROR(pthread_attr_setstacksize(&a, 1000));
  size_t size;
  pthread_getattr_np(pthread_self(), &a);
  pthread_attr_getguardsize(&a, &size);
  SHOW(size > 0);
}

static pthread_mutex_t *pi;
static void *hold_pi(void *arg) { pthread_mutex_lock(pi); nap(100); pthread_mutex_unlock(pi); return arg; }
CASE(pi_contention) {
  pi = new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, 0, 0);
  pthread_t t[6];
  for (int i = 0; i < 6; i++) t[i] = start(hold_pi, NULL);
  for (int i = 0; i < 6; i++) end(t[i]);
  SHOW_ERROR(pthread_mutex_trylock(pi));
  pthread_mutex_unlock(pi);
  pthread_condattr_t ca;
  pthread_condattr_init(&ca);
  pthread_cond_t c;
  pthread_cond_init(&c, &ca);
  struct timespec past = {1, 0};
  pthread_mutex_lock(pi);
  SHOW_ERROR(pthread_cond_timedwait(&c, pi, &past));
  SHOW_ERROR(pthread_mutex_unlock(pi));
  pthread_mutex_t *pp = new_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, 0, 0);
  SHOW_ERROR(pthread_mutex_lock(pp));
}
