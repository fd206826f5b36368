/* Files that were opened with O_LARGEFILE, and without: where writing ends. For 32 bits only; of 64 all files are large. */
#define _GNU_SOURCE
#include "try.h"
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static const off_t edge = 0x7fffffff;

static void writes(int large) {
  printf("-- %s\n", large ? "large" : "small");
  int fd = syscall(SYS_openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC | (large ? 0400000 : 0), 0644);
  int other = open("other", O_RDWR | O_CREAT, 0644), p[2];
  struct iovec v = {"abcd", 4};
  off_t at = edge, from = 0;
  pipe(p);
  write(p[1], "hello", 5);
  write(other, "hello", 5);
  TRY(pwrite(fd, "abcd", 4, edge));
  TRY(pwrite(fd, "abcd", 4, edge - 2));
  TRY(pwritev(fd, &v, 1, edge + 1));
  TRY(pwrite(fd, "abcd", 0, edge));
  TRY(pwrite(fd, (void *)1, 4, edge + 100));
  TRY(lseek(fd, edge - 1, SEEK_SET) == edge - 1);
  TRY(write(fd, "abcd", 4));
  TRY(lseek(fd, 0, SEEK_CUR) - edge);
  TRY(write(fd, "abcd", 4));
  TRY(writev(fd, &v, 1));
  TRY(splice(p[0], NULL, fd, &at, 5, 0));
  at = edge;
  TRY(copy_file_range(other, &from, fd, &at, 5, 0));
  TRY(ftruncate(fd, edge + 10));
  TRY(pread(fd, &(char[4]){0}, 4, edge + 1));
  close(fd);
  TRY0(syscall(SYS_openat, AT_FDCWD, "file", O_RDONLY | (large ? 0400000 : 0)));
  unlink("file");
}

int main(void) {
  writes(0);
  writes(1);
  return 0;
}
