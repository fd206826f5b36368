/* Mappings of files and what read, write and truncate see of them. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

/* Addresses below all that can be mapped, and lengths that reach beyond. */
static void low(void) {
  for (unsigned long at = 0; at <= 0x1000; at += 0x1000) {
    printf("-- at %lx\n", at);
    char *page = (char *)at;
    TRY(munmap(page, 0x1000));
    TRY(munmap(page, 0x4000));
    TRY(munmap(page, 0));
    TRY(munmap(page + 1, 0x1000));
    TRY(munmap(page, -1));
    TRY(mprotect(page, 0x1000, PROT_READ));
    TRY(mprotect(page, 0, PROT_READ));
    TRY(mprotect(page, 0, 0x100));
    TRY(mprotect(page, 0x1000, 0x100));
    TRY(mprotect(page, -0x2000, PROT_READ));
    TRY(msync(page, 0x1000, MS_SYNC));
    TRY(msync(page, 0, MS_SYNC));
    TRY(msync(page, 0x2000, MS_ASYNC | MS_INVALIDATE));
    TRY(madvise(page, 0x1000, MADV_DONTNEED));
    TRY(madvise(page, 0, MADV_DONTNEED));
    TRY(mlock(page, 0x1000));
    TRY(munlock(page, 0x1000));
    TRY(mremap(page, 0x1000, 0x2000, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    TRY(mincore(page, 0x1000, (void *)&low));
  }
  int id = shmget(IPC_PRIVATE, 0x1000, 0600);
  TRY((long)shmat(id, (void *)1, SHM_RND | SHM_REMAP) == -1 ? -1 : 0);
  TRY((long)shmat(id, NULL, SHM_REMAP) == -1 ? -1 : 0);
  TRY((long)shmat(id, (void *)1, 0) == -1 ? -1 : 0);
  TRY(shmdt(NULL));
  TRY(shmdt((void *)0x1000));
  shmctl(id, IPC_RMID, NULL);
}

static void resident(const char *what, char *at) {
  unsigned char pages[4];
  errno = 0;
  if (mincore(at, 0x4000, pages)) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: %d %d %d %d\n", what, pages[0], pages[1], pages[2], pages[3]);
}

/* mincore tells what is in memory: pages of a window that Linux would not bring in at once are not looked at. */
static void residency(void) {
  char *at = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  resident("untouched", at);
  memset(at, 1, 0x4000);
  resident("written", at);
  madvise(at, 0x4000, MADV_DONTNEED);
  resident("discarded", at);
  munmap(at + 0x2000, 0x1000);
  resident("with a hole", at);
  at = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  resident("shared", at);
  if (fork() == 0) {
    memset(at, 1, 0x4000);
    _exit(0);
  }
  wait(NULL);
  resident("written by another process", at);
  int fd = open("resident", O_RDWR | O_CREAT | O_TRUNC, 0600);
  memset(at, 1, 0x4000);
  write(fd, at, 0x1800);
  at = mmap(NULL, 0x4000, PROT_READ, MAP_SHARED, fd, 0);
  resident("a file of one and a half pages", at);
  TRY(mincore(at + 1, 0x1000, (void *)at));
  TRY(mincore(at, 0x1000, (void *)at));
  TRY(mincore(at, 0x1000, (void *)1));
  TRY(mincore(at, -1, (void *)1));
  unlink("resident");
}

/* Advice on the memory of another process. */
static void remote(void) {
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(map + 4096, 4096);
  map[0] = 1;
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  int pidfd = syscall(SYS_pidfd_open, child, 0);
  struct iovec there = {map, 4096}, both[2] = {{map, 4096}, {map + 4096, 4096}}, none = {map + 4096, 4096};
  TRY(syscall(SYS_process_madvise, pidfd, &there, 1, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, pidfd, both, 2, MADV_WILLNEED, 0));
  TRY(syscall(SYS_process_madvise, pidfd, &none, 1, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, pidfd, &there, 0, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, pidfd, &there, 1, MADV_NORMAL, 0));
  TRY(syscall(SYS_process_madvise, pidfd, &there, 1, MADV_COLD, 1));
  TRY(syscall(SYS_process_madvise, pidfd, &there, 2000, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, pidfd, NULL, 1, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, 0, &there, 1, MADV_COLD, 0));
  TRY(syscall(SYS_process_madvise, 100, &there, 1, MADV_COLD, 0));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  TRY(syscall(SYS_process_madvise, pidfd, &there, 1, MADV_COLD, 0));
}

/* Pages of a shared mapping in another order. */
static void remap(int fd, const char *what) {
  char *map = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
  printf("-- remap_file_pages of %s\n", what);
  for (int i = 0; i < 4; i++) map[i * 4096] = 'a' + i;
  TRY(remap_file_pages(map, 4096, 0, 3, 0));
  TRY(remap_file_pages(map + 3 * 4096, 4096, 0, 0, MAP_NONBLOCK));
  printf("%c%c%c%c\n", map[0], map[4096], map[8192], map[3 * 4096]);
  map[0] = 'D';
  TRY(remap_file_pages(map, 4 * 4096, 0, 0, 0));
  printf("%c%c%c%c\n", map[0], map[4096], map[8192], map[3 * 4096]);
  TRY(remap_file_pages(map + 1, 4096 + 1, 0, 2, 0));
  printf("%c%c%c%c\n", map[0], map[4096], map[8192], map[3 * 4096]);
  TRY(remap_file_pages(map, 4096, PROT_READ, 0, 0));
  TRY(remap_file_pages(map, 0, 0, 0, 0));
  TRY(remap_file_pages(map, 4095, 0, 0, 0));
  TRY(remap_file_pages(map, 5 * 4096, 0, 0, 0));
  TRY(mprotect(map + 4096, 4096, PROT_READ));
  TRY(remap_file_pages(map, 8192, 0, 0, 0));
  TRY(remap_file_pages(map + 4096, 4096, 0, 0, 0));
  printf("%c%c%c%c\n", map[0], map[4096], map[8192], map[3 * 4096]);
  TRY(remap_file_pages(NULL, 4096, 0, 0, 0));
  munmap(map, 4 * 4096);
  map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY(remap_file_pages(map, 4096, 0, 0, 0));
  munmap(map, 4096);
}

/* The C library forgets where to without MREMAP_FIXED. */
static char *remap_(char *at, size_t old, size_t new, int how, char *to) {
  return (char *)syscall(SYS_mremap, at, old, new, how, to);
}

/* MREMAP_DONTUNMAP: the pages go, what they were mapped as stays. */
static void left(char *from, const char *what) {
  printf("-- %s left\n", what);
  char *to = remap_(from, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
  TRY(to == MAP_FAILED ? -1 : 0);
  printf("%d %d\n", to[0], to[4096]);
  touch("where it was", from);
  touch("behind", from + 4096);
  if (from[4096] == 0) from[4096] = 5;
  printf("%d %d\n", to[4096], to != from);
  munmap(to, 8192);
  TRY(munmap(from, 8192));
}

static char *pages(int fd, int how) {
  char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, how, fd, 0);
  at[0] = 1, at[4096] = 2;
  return at;
}

static void moved(void) {
  signal(SIGBUS, on_bus);
  left(pages(-1, MAP_PRIVATE | MAP_ANONYMOUS), "private memory");
  left(pages(-1, MAP_SHARED | MAP_ANONYMOUS), "shared memory");
  int fd = open("remapped", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 5000);
  left(pages(fd, MAP_PRIVATE), "a private mapping");
  left(pages(fd, MAP_SHARED), "a shared mapping");
  char *at = mmap(NULL, 0x8000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *there = at + 0x4000;
  munmap(at + 0x2000, 0x1000);
  at[0] = 3;
  puts("-- what is wrong");
  TRY(remap_(at, 8192, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 8192, 8191, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 8192, 8192, MREMAP_DONTUNMAP, NULL) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, (char *)1) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, at + 4096) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 8192, 8192, 15, there) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 0, 0, 7, there) == MAP_FAILED ? -1 : 0);
  TRY(remap_(at, 12288, 12288, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) == MAP_FAILED ? -1 : 0);
  TRY(remap_((char *)0x1000, 4096, 4096, 7, (char *)1) == MAP_FAILED ? -1 : 0);
  puts("-- to where something is");
  TRY(remap_(at, 8192, 8192, 7, there) == there);
  printf("%d %d\n", at[0], there[0]);
  TRY(remap_(there, 8192, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, at + 0x10000) == MAP_FAILED ? -1 : 0);
  // Shrunk, it may have a hole where it ends.
  TRY(remap_(at, 0x3000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, there) == there);
  touch("what was behind", there + 0x1000);
}

static void validated(void) {
  int fd = open("validated", O_RDWR | O_CREAT, 0600);
  ftruncate(fd, 4096);
  puts("-- MAP_SHARED_VALIDATE");
  for (int bit = 6; bit < 31; bit++) {
    // Another kernel may have huge pages, and x86 has flags of its own.
    if (bit == 6 || bit == 7 || bit == 9 || bit == 10 || bit == 14 || bit == 18 || bit == 20 || bit >= 26) continue;
    char *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | 1 << bit, fd, 0);
    printf("%d %s\n", bit, at == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    if (at != MAP_FAILED) munmap(at, 4096);
  }
  TRY(mmap(NULL, 4096, PROT_READ, MAP_SHARED | 1 << 25, fd, 0) == MAP_FAILED ? -1 : 0);
}

int main(void) {
  remap(-1, "no file");
  int remapped = open("remapped", O_RDWR | O_CREAT, 0600);
  TRY(ftruncate(remapped, 4 * 4096));
  remap(remapped, "a file");
  close(remapped);
  unlink("remapped");
  remote();
  low();
  residency();
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
  moved();
  validated();
  return 0;
}
