// File systems by path, descriptor and device number.
#include "try.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
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

/* struct ustat (include/linux/types.h): its long is 32 bits wide on ARM. */
struct ustat {
  int f_tfree;
  unsigned long f_tinode;
  char f_fname[6], f_fpack[6];
};

static int ustat(dev_t device, void *into) {
  return syscall(SYS_ustat, (unsigned)device, into);
}

/* Whether ustat tells what statfs does, of a file system that others may write to meanwhile. */
static int is_alike(const char *path, dev_t device) {
  for (int i = 0; i < 100000; i++) {
    struct statfs before, after;
    struct ustat u;
    if (statfs(path, &before) || ustat(device, &u) || statfs(path, &after)) return -1;
    if (before.f_bfree != after.f_bfree || before.f_ffree != after.f_ffree) continue;
    unsigned long files = after.f_ffree > ~0ul ? ~0ul : after.f_ffree;
    return u.f_tfree == (int)after.f_bfree && u.f_tinode == files;
  }
  return -1;
}

static void tell(const char *path) {
  struct stat s;
  struct ustat u;
  memset(&u, 0x55, sizeof u);
  printf("%s\n", path);
  TRY(stat(path, &s));
  TRY(ustat(s.st_dev, &u));
  printf("names %s%s, %s\n", u.f_fname, u.f_fpack, is_alike(path, s.st_dev) == 1 ? "figures of statfs" : "other figures");
}

static void by_device(void) {
  tell("/");
  tell("/proc");

  // Mounted nowhere.
  int ends[2];
  struct stat s;
  struct ustat u;
  memset(&u, 0x55, sizeof u);
  TRY(pipe(ends));
  TRY(fstat(ends[0], &s));
  TRY(ustat(s.st_dev, &u));
  printf("free %d, files %lu\n", u.f_tfree, u.f_tinode);

  // No such device, which is seen first; no such memory, and half of it.
  TRY(ustat(0xfffff, &u));
  TRY(ustat(0xfffff, NULL));
  TRY(stat("/", &s));
  TRY(ustat(s.st_dev, NULL));
  long page = sysconf(_SC_PAGESIZE);
  char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY(mprotect(pages + page, page, PROT_READ));
  TRY(ustat(s.st_dev, pages + page - 8));
  TRY(ustat(s.st_dev, pages + page - sizeof(struct ustat)));
}

int main(void) {
  devices();
  figures("/");
  figures("/proc");
  TRY(statfs("none", (void *)8));
  TRY(statfs("/proc", (void *)8));
  TRY(fstatfs(-1, (void *)8));
  by_device();
  return 0;
}
