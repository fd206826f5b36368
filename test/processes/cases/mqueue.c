/* POSIX message queues: mq_overview(7). */
#include "cases.h"
#include <dirent.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/resource.h>

static mqd_t make(const char *name, int flags, long maxmsg, long size) {
  struct mq_attr a = {.mq_maxmsg = maxmsg, .mq_msgsize = size};
  mq_unlink(name);
  mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &a);
  if (q == (mqd_t)-1) perror("mq_open");
  return q;
}

static void get(mqd_t q) {
  char b[8192];
  unsigned prio = 99;
  ssize_t n = mq_receive(q, b, sizeof b, &prio);
  if (n < 0) printf("%s\n", strerrorname_np(errno));
  else printf("%.*s %u\n", (int)n, b, prio);
}

CASE(priorities) {
  mqd_t q = make("/p", 0, 10, 100);
  const char *texts[] = {"a", "b", "c", "d", "e", ""};
  unsigned prios[] = {1, 5, 1, 32767, 5, 0};
  for (int i = 0; i < 6; i++) SHOW(mq_send(q, texts[i], strlen(texts[i]), prios[i]));
  SHOW(mq_send(q, "x", 1, 32768));
  for (int i = 0; i < 6; i++) get(q);
  mq_unlink("/p");
}

CASE(attributes) {
  mqd_t q = make("/a", O_NONBLOCK, 3, 16);
  struct mq_attr a;
  SHOW(mq_send(q, "one", 3, 0));
  SHOW(mq_getattr(q, &a));
  printf("%lx %ld %ld %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
  SHOW(mq_send(q, "0123456789abcdefg", 17, 0));
  SHOW(mq_send(q, "", 0, 0));
  SHOW(mq_send(q, "", 0, 0));
  SHOW(mq_send(q, "", 0, 0));
  char small[8];
  SHOW(mq_receive(q, small, sizeof small, NULL));
  struct mq_attr set = {.mq_flags = 0, .mq_maxmsg = 77}, old;
  SHOW(mq_setattr(q, &set, &old));
  printf("%lx %ld\n", old.mq_flags, old.mq_curmsgs);
  SHOW(mq_getattr(q, &a));
  printf("%lx %ld\n", a.mq_flags, a.mq_maxmsg);
  set.mq_flags = 1;
  SHOW(mq_setattr(q, &set, NULL));
  mqd_t d = mq_open("/default", O_CREAT | O_RDWR, 0600, NULL);
  mq_getattr(d, &a);
  printf("%lx %ld %ld %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
  SHOW(fcntl(d, F_GETFD));
  SHOW(mq_close(d));
  SHOW(mq_close(d));
  mq_unlink("/default");
  mq_unlink("/a");
}

CASE(names_and_errors) {
  struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 1};
  SHOW(mq_open("/none", O_RDWR));
  char name300[301];
  memset(name300, 'a', 300);
  name300[300] = 0;
  SHOW(syscall(SYS_mq_open, name300, O_RDWR | O_CREAT, 0600, 8));
  SHOW(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, 8));
  SHOW(syscall(SYS_mq_open, name300, O_RDWR | O_CREAT, 0600, NULL));
  SHOW(mq_open("none", O_RDWR));
  SHOW(mq_open("/", O_RDWR | O_CREAT, 0600, &a));
  SHOW(mq_open("/a/b", O_RDWR | O_CREAT, 0600, &a));
  SHOW(mq_open("/.", O_RDWR | O_CREAT, 0600, &a));
  char name[400] = "/";
  memset(name + 1, 'x', 300);
  SHOW(mq_open(name, O_RDWR | O_CREAT, 0600, &a));
  SHOW(mq_unlink("/none"));
  mqd_t q = make("/e", 0, 1, 1);
  SHOW(mq_open("/e", O_CREAT | O_EXCL | O_RDWR, 0600, &a) == -1);
  mqd_t r = mq_open("/e", O_RDONLY), w = mq_open("/e", O_WRONLY);
  char b[1];
  SHOW(mq_send(r, b, 1, 0));
  SHOW(mq_receive(w, b, 1, NULL));
  SHOW(mq_send(0, b, 1, 0));
  SHOW(mq_send(99, b, 1, 0));
  a.mq_maxmsg = 0;
  SHOW(mq_open("/x", O_CREAT | O_RDWR, 0600, &a));
  a.mq_maxmsg = 70000;
  SHOW(mq_open("/x", O_CREAT | O_RDWR, 0600, &a));
  a.mq_maxmsg = 10;
  a.mq_msgsize = 17 << 20;
  SHOW(mq_open("/x", O_CREAT | O_RDWR, 0600, &a));
  mq_close(q);
  SHOW(mq_unlink("/e"));
  SHOW(mq_unlink("/e"));
  SHOW(mq_send(w, "z", 1, 7));
  get(r);
}

CASE(permissions) {
  mqd_t q = make("/perm", 0, 1, 1);
  (void)q;
  struct mq_attr big = {.mq_maxmsg = 11, .mq_msgsize = 1}, many = {.mq_maxmsg = 10, .mq_msgsize = 8192};
  if (fork() == 0) {
    setuid(1000);
    SHOW(mq_open("/perm", O_RDONLY));
    SHOW(mq_unlink("/perm"));
    SHOW(mq_open("/mine", O_CREAT | O_RDWR, 0600, &big));
    struct rlimit l = {100000, 100000};
    setrlimit(RLIMIT_MSGQUEUE, &l);
    SHOW(mq_open("/mine", O_CREAT | O_RDWR, 0600, &many) >= 0);
    SHOW(mq_open("/mine2", O_CREAT | O_RDWR, 0600, &many));
    SHOW(mq_unlink("/mine"));
    exit(0);
  }
  wait(NULL);
  mq_unlink("/perm");
}

static void until_queued(mqd_t q, long n) {
  struct mq_attr a;
  while (mq_getattr(q, &a), a.mq_curmsgs < n) nap(5);
}

CASE(blocking) {
  mqd_t q = make("/b", 0, 2, 16);
  if (fork() == 0) {
    nap(200);
    mq_send(q, "first", 5, 1);
    for (int i = 0; i < 6; i++) mq_send(q, "more", 4, i);
    exit(0);
  }
  get(q);
  until_queued(q, 2);
  nap(50);
  struct mq_attr a;
  mq_getattr(q, &a);
  printf("%ld queued\n", a.mq_curmsgs);
  // Which message is the first depends on which are there: as many as can be.
  for (int i = 0; i < 6; i++) {
    until_queued(q, i < 5 ? 2 : 1);
    get(q);
  }
  wait(NULL);
  mq_unlink("/b");
}

CASE(timeouts) {
  mqd_t q = make("/t", 0, 1, 16);
  char b[16];
  struct timespec t, past = {1, 0}, bad = {0, 2000000000};
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 1;
  SHOW(mq_timedreceive(q, b, 16, NULL, &past));
  SHOW(mq_timedreceive(q, b, 16, NULL, &bad));
  SHOW(mq_timedreceive(q, b, 16, NULL, &t));
  SHOW(mq_timedsend(q, "x", 1, 0, &past));
  SHOW(mq_timedsend(q, "x", 1, 0, &past));
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_sec += 1;
  SHOW(mq_timedsend(q, "x", 1, 0, &t));
  SHOW(mq_timedreceive(q, b, 16, NULL, &past));
  mq_unlink("/t");
}

static void on_signal(int s) { (void)s; }
/* Again and again, as the first may come before the call that it is for. */
static void alarms(void) { setitimer(ITIMER_REAL, &(struct itimerval){{0, 200000}, {0, 200000}}, NULL); }

CASE(interrupted) {
  mqd_t q = make("/i", 0, 1, 16);
  char b[16];
  struct sigaction a = {.sa_handler = on_signal};
  sigaction(SIGALRM, &a, NULL);
  alarms();
  SHOW(mq_receive(q, b, 16, NULL));
  SHOW(mq_send(q, "x", 1, 0));
  SHOW(mq_send(q, "x", 1, 0));
  a.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &a, NULL);
  if (fork() == 0) { nap(1000); get(q); exit(0); }
  int sent = mq_send(q, "y", 1, 0);
  wait(NULL);
  SHOW(sent);
  mq_unlink("/i");
}

static volatile int told;
static void on_message(int s, siginfo_t *i, void *c) {
  (void)c;
  told++;
  printf("signal %d code %d value %d from child %d\n", s, i->si_code, i->si_value.sival_int, i->si_pid != getpid());
}

CASE(notify_signal) {
  mqd_t q = make("/n", O_NONBLOCK, 4, 16);
  struct sigaction a = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, NULL);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
  SHOW(mq_notify(q, &e));
  SHOW(mq_notify(q, &e));
  if (fork() == 0) { SHOW(mq_notify(q, &e)); mq_send(q, "x", 1, 0); mq_send(q, "y", 1, 0); exit(0); }
  while (wait(NULL) < 0 && errno == EINTR) {}
  printf("told %d\n", told);
  SHOW(mq_notify(q, &e));
  mq_send(q, "z", 1, 0);
  printf("told %d\n", told);
  for (int i = 0; i < 4; i++) get(q);
  mq_send(q, "w", 1, 0);
  printf("told %d\n", told);
  SHOW(mq_notify(q, &e));
  SHOW(mq_notify(q, NULL));
  SHOW(mq_notify(q, NULL));
  e.sigev_notify = SIGEV_NONE;
  SHOW(mq_notify(q, &e));
  mqd_t other = mq_open("/n", O_RDONLY);
  SHOW(mq_notify(other, &e));
  SHOW(mq_close(other));
  e.sigev_notify = 77;
  SHOW(mq_notify(q, &e));
  e.sigev_notify = SIGEV_NONE;
  SHOW(mq_notify(q, &e));
  mq_unlink("/n");
}

/* A receiver that waits gets the message, and nobody is notified. */
CASE(notify_and_receiver) {
  mqd_t q = make("/r", 0, 4, 16);
  struct sigaction a = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &a, NULL);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  mq_notify(q, &e);
  pid_t pid = fork();
  if (pid == 0) { get(q); exit(0); }
  until_asleep(pid);
  mq_send(q, "m", 1, 3);
  wait(NULL);
  printf("told %d\n", told);
  mq_send(q, "m", 1, 3);
  printf("told %d\n", told);
  mq_unlink("/r");
}

CASE(poll_and_files) {
  mqd_t q = make("/f", 0, 1, 16);
  struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
  SHOW(poll(&p, 1, 0));
  printf("%x\n", p.revents);
  mq_send(q, "text", 4, 0);
  SHOW(poll(&p, 1, 0));
  printf("%x\n", p.revents);
  char b[200] = "";
  int fd = open("/dev/mqueue/f", O_RDONLY);
  SHOW(read(fd, b, sizeof b));
  printf("%s", b);
  struct stat s;
  SHOW(stat("/dev/mqueue/f", &s));
  printf("%o %ld\n", s.st_mode, (long)s.st_size);
  struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  get(q);
  mq_notify(q, &e);
  memset(b, 0, sizeof b);
  SHOW(pread(fd, b, sizeof b, 0) == 80 || strlen(b) > 20);
  printf("%.40s\n", b);
  DIR *d = opendir("/dev/mqueue");
  for (struct dirent *n; (n = readdir(d));) if (n->d_name[0] != '.') printf("%s\n", n->d_name);
  SHOW(unlink("/dev/mqueue/f"));
  SHOW(mq_unlink("/f"));
  SHOW(stat("/dev/mqueue", &s));
  printf("%o\n", s.st_mode);
}

CASE(many_processes) {
  mqd_t q = make("/m", 0, 5, 16);
  for (int c = 0; c < 6; c++)
    if (fork() == 0) {
      for (int i = 0; i < 50; i++) mq_send(q, (char *)&i, sizeof i, c);
      exit(0);
    }
  int pipes[2];
  pipe(pipes);
  for (int c = 0; c < 3; c++)
    if (fork() == 0) {
      int sum = 0, v;
      char b[16];
      for (int i = 0; i < 100; i++) { mq_receive(q, b, 16, NULL); memcpy(&v, b, 4); sum += v; }
      write(pipes[1], &sum, sizeof sum);
      exit(0);
    }
  int sum = 0, part;
  for (int c = 0; c < 3; c++) { read(pipes[0], &part, sizeof part); sum += part; }
  while (wait(NULL) > 0) {}
  printf("%d\n", sum);
  mq_unlink("/m");
}

static void *receiver(void *q) { get(*(mqd_t *)q); return NULL; }

CASE(threads) {
  mqd_t q = make("/th", 0, 3, 16);
  pthread_t t[5];
  for (int i = 0; i < 5; i++) pthread_create(&t[i], NULL, receiver, &q);
  nap(200);
  for (int i = 0; i < 5; i++) { mq_send(q, "same", 4, 2); nap(20); }
  for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
  pthread_create(&t[0], NULL, receiver, &q);
  nap(100);
  pthread_cancel(t[0]);
  void *r;
  pthread_join(t[0], &r);
  printf("%d\n", r == PTHREAD_CANCELED);
  mq_unlink("/th");
}
