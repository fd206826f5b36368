// Resource limits: the size of files, the address space, the number of processes.
#include "try.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int exceeded;
static void count(int signal) {
  exceeded += signal == SIGXFSZ;
}

static void limit(int what, rlim_t value) {
  struct rlimit l;
  getrlimit(what, &l);
  l.rlim_cur = value;
  TRY(setrlimit(what, &l));
}

static char bytes[100000];

static void file_size(void) {
  signal(SIGXFSZ, count);
  int fd = open("file", O_CREAT | O_RDWR, 0600);
  limit(RLIMIT_FSIZE, 50000);
  struct iovec v[2] = {{bytes, 8000}, {bytes, 8000}};
  struct stat s;
  TRY(write(fd, bytes, 40000));
  TRY(writev(fd, v, 2));
  TRY(exceeded);
  TRY(write(fd, bytes, 1));
  TRY(exceeded);
  TRY(write(fd, bytes, 0));
  TRY(pwrite(fd, bytes, 100, 49990));
  TRY(pwrite(fd, bytes, 100, 50000));
  TRY(pwrite(fd, bytes, 100, 60000));
  TRY(exceeded);
  TRY(ftruncate(fd, 50000));
  TRY(ftruncate(fd, 50001));
  TRY(truncate("file", 70000));
  TRY(exceeded);
  TRY(fallocate(fd, 0, 0, 60000));
  TRY(exceeded);
  TRY(fstat(fd, &s));
  TRY(s.st_size);
  int append = open("file", O_WRONLY | O_APPEND);
  TRY(write(append, bytes, 10));
  TRY(exceeded);
  // Pipes have no size.
  int p[2];
  TRY(pipe(p));
  TRY(write(p[1], bytes, 60000));
  int child = fork(), status;
  if (child == 0) {
    signal(SIGXFSZ, SIG_DFL);
    write(fd, bytes, 1);
    lseek(fd, 0, SEEK_END);
    write(fd, bytes, 1);
    _exit(0);
  }
  waitpid(child, &status, 0);
  TRY(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
  limit(RLIMIT_FSIZE, RLIM_INFINITY);
}

static void address_space(void) {
  limit(RLIMIT_AS, 512 << 20);
  char *p = mmap(NULL, 600 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY(p == MAP_FAILED);
  p = mmap(NULL, 300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY(p == MAP_FAILED);
  TRY(mmap(NULL, 300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  TRY(mmap(p, 300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
  TRY(mremap(p, 300 << 20, 600 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
  TRY(munmap(p, 300 << 20));
  TRY(malloc(600 << 20) == NULL);
  TRY(sbrk(600 << 20) == (void *)-1);
  limit(RLIMIT_AS, RLIM_INFINITY);
}

static void processes(void) {
  if (getuid() != 0) return;
  int child = fork();
  if (child == 0) {
    setresgid(54321, 54321, 54321);
    setresuid(54321, 54321, 54321);
    limit(RLIMIT_NPROC, 4);
    int made = 0, p[2];
    TRY(pipe(p));
    for (;;) {
      int next = fork();
      if (next < 0) break;
      if (next == 0) {
        char c;
        close(p[1]);
        read(p[0], &c, 1);
        _exit(0);
      }
      made++;
    }
    printf("%d processes, then %s\n", made, strerrorname_np(errno));
    close(p[1]);
    while (wait(NULL) > 0);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  file_size();
  address_space();
  processes();
  return 0;
}
