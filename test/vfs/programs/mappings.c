/* Mappings of files and what read, write and truncate see of them. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static void on_bus(int n) { siglongjmp(back, n); }

static void touch(const char *what, volatile char *at) {
  int n = sigsetjmp(back, 1);
  if (n == 0) printf("%s: %d\n", what, *at);
  else printf("%s: SIG%s\n", what, sigabbrev_np(n));
}

static void check(int fd, const char *name) {
  char buffer[20000], *map, *other, *private;
  printf("-- %s\n", name);
  memset(buffer, 'a', sizeof buffer);
  TRY(write(fd, buffer, 10000));
  map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
  private = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  printf("%c %c %c\n", map[0], other[0], map[9999]);
  map[1] = 'm';
  map[4097] = 'n';
  TRY(pread(fd, buffer, 3, 0));
  printf("read sees %.3s, the other mapping %.3s, the private one %.3s\n", buffer, other, private);
  TRY(pwrite(fd, "WRITE", 5, 4096));
  printf("mapped %.6s %.6s\n", map + 4096, other);
  private[0] = 'p';
  TRY(pread(fd, buffer, 3, 0));
  printf("read sees %.3s\n", buffer);
  map[9999] = 'e';
  map[10000] = 'x';
  TRY(lseek(fd, 0, SEEK_END));
  fflush(stdout);
  if (fork() == 0) {
    map[100] = 'c';
    private[100] = 'c';
    TRY(pread(fd, buffer, 1, 100));
    fflush(stdout);
    _exit(0);
  }
  int status;
  wait(&status);
  printf("after the child %c %c\n", map[100], private[100]);
  TRY(ftruncate(fd, 4099));
  printf("the end %.3s then %d\n", map + 4096, map[4099]);
  signal(SIGBUS, on_bus);
  touch("within the page", map + 5000);
  touch("behind it", map + 8192);
  TRY(ftruncate(fd, 9000));
  touch("grown", map + 8192);
  TRY(pread(fd, buffer, 2, 9998));
  map[8999] = 'z';
  TRY(msync(map, 12288, MS_SYNC));
  TRY(munmap(map, 12288));
  TRY(pread(fd, buffer, 1, 8999));
  printf("%c\n", buffer[0]);
  munmap(other, 4096);
  munmap(private, 12288);
}

/* O_APPEND rules writes, not what is mapped. */
static void appending(int fd, const char *name) {
  char buffer[100];
  printf("-- appending to %s\n", name);
  fcntl(fd, F_SETFL, O_APPEND);
  TRY(write(fd, "0123456789", 10));
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  map[0] = 'm';
  TRY(write(fd, "more", 4));
  TRY(pwrite(fd, "end", 3, 2)); /* pwrite(2), BUGS */
  map[1] = 'n';
  TRY(msync(map, 4096, MS_SYNC));
  TRY(pread(fd, buffer, 100, 0));
  printf("%.17s\n", buffer);
  TRY(fcntl(fd, F_SETFL, 0));
  TRY(pwrite(fd, "placed", 6, 3));
  map[2] = 'o';
  munmap(map, 4096);
  TRY(pread(fd, buffer, 100, 0));
  printf("%.17s\n", buffer);
  TRY(lseek(fd, 0, SEEK_CUR));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  check(fd, "a file");
  char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  map[0] = 'Z';
  close(fd);
  /* The mapping outlives the descriptor and the name. */
  fd = open("file", O_RDONLY);
  char c = 0;
  TRY(read(fd, &c, 1));
  printf("%c\n", c);
  TRY((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == -1 ? -1 : 0);
  TRY(truncate("file", 0));
  unlink("file");
  signal(SIGBUS, on_bus);
  touch("truncated", map);
  check(memfd_create("memory", 0), "a memfd");
  appending(memfd_create("memory", 0), "a memfd");
  fd = open("log", O_RDWR | O_CREAT | O_APPEND, 0600);
  appending(fd, "a file");
  appending(open("/dev/shm/armrun-log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600), "a file in memory");
  unlink("/dev/shm/armrun-log");
  fd = open("/dev/zero", O_RDWR);
  map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  map[5] = 1;
  printf("zero %d %d\n", map[4], map[5]);
  int p[2];
  pipe(p);
  TRY((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, p[0], 0) == -1 ? -1 : 0);
  fd = open(".", O_RDONLY);
  TRY((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == -1 ? -1 : 0);
  return 0;
}
