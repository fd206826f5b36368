/* Pseudoterminals: the line discipline, settings, sizes, sessions and job control. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static char buffer[10000];

static void text(const char *what, int n) {
  printf("%s %d:", what, n);
  for (int i = 0; i < n; i++) {
    unsigned char c = buffer[i];
    if (c >= ' ' && c < 127) printf("%c", c);
    else printf("\\%o", c);
  }
  puts("");
}

static volatile int hangups;
static void count_hangups(int n) { hangups += n == SIGHUP ? 1 : 100; }

static int ready(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, 50) > 0 ? p.revents : 0;
}

/* Types on the keyboard; shows the echo and what can be read. */
static void type(const char *keys) {
  printf("type ");
  for (const char *k = keys; *k; k++) printf(*k >= ' ' && *k < 127 ? "%c" : "\\%o", (unsigned char)*k);
  puts("");
  write(master, keys, strlen(keys));
  usleep(2000);
  if (ready(master) & POLLIN) text("  echo", read(master, buffer, sizeof buffer));
  while (ready(slave) & POLLIN) {
    int n = read(slave, buffer, sizeof buffer);
    text("  read", n);
    if (n <= 0) break;
  }
}

static void set(int lflag_off, int lflag_on, int iflag_on, int oflag_off) {
  struct termios t;
  tcgetattr(slave, &t);
  t.c_lflag = (t.c_lflag & ~lflag_off) | lflag_on;
  t.c_iflag |= iflag_on;
  t.c_oflag &= ~oflag_off;
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  tcsetattr(slave, TCSANOW, &t);
}

static void lines(void) {
  puts("-- lines");
  type("hello\n");
  type("hello\r");
  type("abc\177d\n");
  type("one two\027three\n");
  type("all gone\025new\n");
  type("a\tb\001c\n");
  type("\026\003literal\n");
  type("two\nlines\n");
  type("unfinished\004");
  type("\004");
  type("x\022y\n");
  type("stop\023ped\021\n");
  TRY(write(slave, "out\nput\tx\r\n", 11));
  text("  screen", read(master, buffer, sizeof buffer));
  set(ECHO, 0, 0, 0);
  type("silent\n");
  set(0, ECHONL, 0, 0);
  type("password\n");
  set(ICANON, 0, 0, 0);
  type("r");
  type("raw\177\004");
  set(ICANON, ECHO, 0, OPOST);
  type("e\r\n\001");
  TRY(write(slave, "a\nb", 3));
  text("  screen", read(master, buffer, sizeof buffer));
  set(0, ICANON, 0, 0);
  write(master, "long line\n", 10);
  usleep(2000);
  TRY(read(slave, buffer, 4));
  TRY(read(slave, buffer, 100));
  read(master, buffer, sizeof buffer);
  TRY(tcflush(slave, TCIOFLUSH));
  int n;
  write(master, "count\n", 6);
  struct pollfd there[] = {{.fd = slave, .events = POLLIN}, {.fd = master, .events = POLLIN}};
  for (int i = 0; i < 2; i++) poll(&there[i], 1, 10000);
  TRY(ioctl(slave, FIONREAD, &n));
  TRY(n);
  TRY(ioctl(master, FIONREAD, &n));
  TRY(n);
  TRY(tcflush(slave, TCIFLUSH));
  TRY(ready(slave));
  struct termios t;
  tcgetattr(slave, &t);
  t.c_lflag &= ~ICANON;
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 0;
  tcsetattr(slave, TCSANOW, &t);
  TRY(read(slave, buffer, 10));
  t.c_cc[VTIME] = 1;
  tcsetattr(slave, TCSANOW, &t);
  TRY(read(slave, buffer, 10));
  fcntl(slave, F_SETFL, O_NONBLOCK);
  t.c_cc[VMIN] = 1;
  t.c_cc[VTIME] = 0;
  tcsetattr(slave, TCSANOW, &t);
  TRY(read(slave, buffer, 10));
  fcntl(slave, F_SETFL, 0);
}

static void handler(int signo) { printf("signal %s\n", sigabbrev_np(signo)); }

/* A session on the terminal. */
static void session(void) {
  signal(SIGINT, handler);
  signal(SIGWINCH, handler);
  signal(SIGHUP, handler);
  signal(SIGTTIN, SIG_DFL);
  TRY(setsid() == getpid());
  TRY0(open("/dev/tty", O_RDWR));
  TRY(ioctl(slave, TIOCSCTTY, 0));
  TRY(ioctl(slave, TIOCSCTTY, 0));
  TRY(tcgetpgrp(slave) == getpid());
  TRY(tcgetsid(slave) == getpid());
  int tty = open("/dev/tty", O_RDWR);
  TRY(isatty(tty));
  TRY(write(tty, "controlled\n", 11));
  write(master, "\003", 1);
  usleep(5000);
  struct winsize w = {24, 80, 0, 0};
  TRY(ioctl(master, TIOCSWINSZ, &w));
  usleep(5000);
  TRY(ioctl(master, TIOCSWINSZ, &w));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    /* In the background: reading stops it, until it is in the foreground. */
    int n = read(slave, buffer, 100);
    printf("the child has read %d\n", n);
    fflush(stdout);
    _exit(7);
  }
  setpgid(child, child);
  int status;
  TRY(waitpid(child, &status, WUNTRACED) == child);
  printf("stopped %d by %s\n", WIFSTOPPED(status), WIFSTOPPED(status) ? sigabbrev_np(WSTOPSIG(status)) : "");
  signal(SIGTTOU, SIG_IGN);
  TRY(tcsetpgrp(slave, child));
  TRY(tcgetpgrp(slave) == child);
  fflush(stdout);
  kill(child, SIGCONT);
  usleep(5000);
  write(master, "for the child\n", 14);
  TRY(waitpid(child, &status, 0) == child);
  printf("exit %d\n", WEXITSTATUS(status));
  /* In the background itself now, with SIGTTOU ignored: it may take the terminal back. */
  TRY(tcsetpgrp(slave, getpid()));
  TRY(tcsetpgrp(slave, 99999));
  fflush(stdout);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("-- opening");
  TRY0(master = posix_openpt(O_RDWR | O_NOCTTY));
  char *name = ptsname(master);
  printf("%.9s\n", name);
  TRY0(open(name, O_RDWR | O_NOCTTY));
  TRY(grantpt(master));
  TRY(unlockpt(master));
  TRY0(slave = open(name, O_RDWR | O_NOCTTY));
  TRY(isatty(master));
  TRY(isatty(slave));
  printf("%d\n", strcmp(ttyname(slave), name));
  struct stat s;
  TRY(fstat(slave, &s));
  printf("%o %d\n", s.st_mode & S_IFMT, (int)(s.st_rdev >> 8));
  struct winsize w = {1, 2, 3, 4};
  TRY(ioctl(slave, TIOCGWINSZ, &w));
  printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
  w.ws_row = 50;
  TRY(ioctl(slave, TIOCSWINSZ, &w));
  TRY(ioctl(master, TIOCGWINSZ, &w));
  printf("%d\n", w.ws_row);
  struct termios t;
  TRY(tcgetattr(slave, &t));
  printf("%o %o %o %o %d\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line);
  for (int i = 0; i < 17; i++) printf(" %d", t.c_cc[i]);
  puts("");
  TRY(lseek(slave, 0, SEEK_SET));
  TRY(tcgetpgrp(slave));
  lines();
  puts("-- sessions");
  t.c_cc[VMIN] = 1;
  TRY(tcsetattr(slave, TCSAFLUSH, &t));
  fflush(stdout);
  if (fork() == 0) {
    session();
    _exit(0);
  }
  int status;
  wait(&status);
  while (ready(master) & POLLIN) read(master, buffer, sizeof buffer);
  puts("-- hanging up");
  int again = open(name, O_RDWR | O_NOCTTY);
  fflush(stdout);
  if (fork() == 0) {
    signal(SIGHUP, count_hangups);
    signal(SIGCONT, count_hangups);
    setsid();
    TRY0(vhangup());
    int own = open(name, O_RDWR);
    TRY(tcgetpgrp(own) == getpid());
    fflush(stdout);
    int inner = fork();
    if (inner == 0) {
      int count = read(own, buffer, 10);
      _exit(count == 0 ? hangups : 99);
    }
    usleep(100000);
    if (geteuid() == 0) TRY(vhangup());
    wait(&status);
    TRY(status);
    TRY(hangups);
    TRY(ready(own));
    TRY(read(own, buffer, 10));
    TRY(write(own, "x", 1));
    TRY(tcgetattr(own, &t));
    TRY(ioctl(own, TIOCSPGRP, &status));
    TRY(open("/dev/tty", O_RDWR));
    TRY0(vhangup());
    setresuid(1000, 1000, 1000);
    TRY(vhangup());
    fflush(stdout);
    _exit(0);
  }
  wait(&status);
  TRY(read(again, buffer, 10));
  TRY(ready(master));
  close(again);
  TRY(ready(master));
  close(slave);
  TRY(ready(master));
  TRY(read(master, buffer, 10));
  slave = open(name, O_RDWR | O_NOCTTY);
  TRY(write(slave, "x", 1));
  TRY(read(master, buffer, 10));
  puts("-- closing");
  close(slave);
  TRY(ready(master));
  TRY(read(master, buffer, 10));
  slave = open(name, O_RDWR | O_NOCTTY);
  TRY(ready(master));
  char path[100];
  strcpy(path, name);
  close(master);
  TRY(ready(slave));
  TRY(read(slave, buffer, 10));
  TRY(write(slave, "x", 1));
  TRY(stat(path, &s));
  return 0;
}
