// Opens files until there are no descriptors, in itself or on the host, twice.
#include "try.h"
#include <fcntl.h>
#include <unistd.h>

static int fill(void) {
  int n = 0, fds[1000];
  for (; n < 1000; n++) {
    fds[n] = open("/proc/../etc/passwd", O_RDONLY);
    if (fds[n] < 0) break;
  }
  printf("%s\n", strerrorname_np(errno));
  for (int i = 0; i < n; i++) close(fds[i]);
  return n;
}

int main(void) {
  int first = fill();
  printf("%s\n", first > 5 ? "some" : "none");
  int second = fill();
  printf("%s\n", first == second ? "the same" : "others");
}
