/* Writes to a file by mapping it, has that written by the call that the argument names, and waits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int fd = open(argv[1], O_RDWR);
  char *p = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(p, "new", 3);
  int r = !strcmp(argv[2], "fsync")       ? fsync(fd)
          : !strcmp(argv[2], "fdatasync") ? fdatasync(fd)
                                          : sync_file_range(fd, 0, 3, SYNC_FILE_RANGE_WRITE);
  printf("%d\n", r);
  fflush(stdout);
  return getchar() != '\n';
}
