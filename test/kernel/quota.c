// What a program gets when there is no more room in a quota of 1 MiB.
#include "../vfs/programs/try.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char piece[65536];

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  memset(piece, 'x', sizeof piece);
  int fd = open("blocks", O_CREAT | O_RDWR, 0644);
  long long written = 0;
  for (;;) {
    long long count = write(fd, piece, sizeof piece);
    if (count < 0) break;
    written += count;
  }
  int error = errno;
  // What the file system needs for itself is the quota's, too.
  printf("%d: about a MiB, then %s\n", written > 600 * 1024 && written < 1300 * 1024, strerrorname_np(error));
  TRY(fsync(fd));
  TRY(write(fd, piece, sizeof piece));
  TRY(pwrite(fd, piece, sizeof piece, 4 << 20));
  TRY(writev(fd, &(struct iovec){piece, sizeof piece}, 1));
  TRY(fallocate(fd, 0, 8 << 20, 1 << 20));
  TRY(open("other", O_CREAT | O_WRONLY, 0644) < 0 ? -1 : 0);
  TRY(mkdir("d", 0755));
  TRY(symlink("x", "s"));
  TRY(mkfifo("f", 0644));
  TRY(open(".", O_TMPFILE | O_WRONLY, 0644) < 0 ? -1 : 0);
  TRY(link("blocks", "l"));
  TRY(rename("blocks", "renamed"));
  TRY(unlink("blocks"));
  TRY(close(fd));
  sync();
  TRY(mkdir("d", 0755));
  TRY(rmdir("d"));
  return 0;
}
