// File systems by path, descriptor and device number.
#include "try.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static const char *const places[] = {"/", "/proc", "/dev", "/dev/pts"};
enum { PLACES = sizeof places / sizeof *places };

/* As mountpoint(1) and find -xdev see it: no two file systems have one device number. */
static void devices(void) {
  dev_t device[PLACES + 1];
  struct stat s;
  int ends[2];
  for (int i = 0; i < PLACES; i++) {
    TRY(stat(places[i], &s));
    device[i] = s.st_dev;
  }
  TRY(pipe(ends));
  TRY(fstat(ends[0], &s));
  device[PLACES] = s.st_dev;
  for (int i = 0; i <= PLACES; i++)
    for (int j = 0; j < i; j++)
      printf("%s and %s: %s\n", i < PLACES ? places[i] : "a pipe", places[j], device[i] == device[j] ? "one" : "two");
}

static void figures(const char *path) {
  struct statfs s;
  printf("%s\n", path);
  TRY(statfs(path, &s));
  printf("names up to %ld, blocks free %d, available %d, files free %d\n", (long)s.f_namelen, s.f_bfree <= s.f_blocks,
         s.f_bavail <= s.f_bfree, s.f_ffree <= s.f_files);
}

int main(void) {
  devices();
  figures("/");
  figures("/proc");
  TRY(statfs("none", (void *)8));
  TRY(statfs("/proc", (void *)8));
  TRY(fstatfs(-1, (void *)8));
  return 0;
}
