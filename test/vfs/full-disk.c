// A disk that is full, and one without inodes: run in the root of a small file system of its own.
#include "try.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static char block[65536];

static void space(void) {
  struct statvfs s;
  statvfs(".", &s);
  printf("available %lu, inodes %lu\n", (unsigned long)s.f_bavail, (unsigned long)s.f_favail);
}

int main(void) {
  memset(block, 'x', sizeof block);
  space();
  int fd = open("fill", O_CREAT | O_RDWR, 0600);
  long long total = 0;
  ssize_t n;
  errno = 0;
  while ((n = write(fd, block, sizeof block)) > 0) total += n;
  printf("filled %lld, then %zd %s\n", total, n, strerrorname_np(errno));
  space();
  TRY(write(fd, "x", 1));
  TRY(pwrite(fd, "y", 1, 0));
  TRY(pwrite(fd, block, 4096, 1 << 26));
  TRY(writev(fd, (struct iovec[]){{block, 10}, {block, 5000}}, 2));
  TRY(fsync(fd));
  TRY(posix_fallocate(fd, total, 1 << 20));
  TRY(fallocate(fd, 0, total, 1 << 20));
  TRY(ftruncate(fd, 1 << 26));
  TRY(ftruncate(fd, total));
  TRY(lseek(fd, 0, SEEK_END) == total);
  TRY0(open("empty", O_CREAT | O_WRONLY, 0600));
  int small = open("small", O_CREAT | O_WRONLY, 0600);
  TRY(write(small, "text", 4));
  TRY(close(small));
  TRY(mkdir("directory", 0755));
  block[3000] = 0;
  TRY(symlink(block, "long"));
  TRY(symlink("short", "link"));
  TRY(rename("empty", "renamed"));
  TRY(setxattr("renamed", "user.big", block, 3000, 0));
  TRY(setxattr("renamed", "user.small", "x", 1, 0));
  int from = open("fill", O_RDONLY);
  int to = open("copy", O_CREAT | O_WRONLY, 0600);
  TRY(copy_file_range(from, NULL, to, NULL, 8192, 0));
  close(from);
  close(to);
  struct stat s;
  TRY(stat("fill", &s));
  printf("size %lld\n", (long long)s.st_size);
  close(fd);
  TRY(unlink("fill"));
  TRY(unlink("copy"));
  fd = open("again", O_CREAT | O_RDWR, 0600);
  TRY(write(fd, "there is room again", 19));
  TRY(ftruncate(fd, 4096));
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(page, "THERE", 5);
  TRY(msync(page, 4096, MS_SYNC));
  char text[20] = "";
  TRY(pread(fd, text, 19, 0));
  printf("%s\n", text);
  close(fd);
  int made = 0;
  char name[20];
  for (;; made++) {
    sprintf(name, "f%d", made);
    errno = 0;
    int one = open(name, O_CREAT | O_WRONLY, 0600);
    if (one < 0) break;
    close(one);
  }
  printf("%d files, then %s\n", made, strerrorname_np(errno));
  space();
  TRY(mkdir("d", 0755));
  TRY(mkfifo("p", 0600));
  TRY(link("f0", "linked"));
  TRY(open(".", O_TMPFILE | O_RDWR, 0600));
  TRY(unlink("f1"));
  TRY(mkdir("d", 0755));
}
