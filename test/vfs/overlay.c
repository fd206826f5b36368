// Changes over a lower tree: every kind of them, what is seen of it, and what is refused.
#include "try.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *d = opendir(path);
  printf("%s:", path);
  if (d == NULL) {
    printf(" %s\n", strerrorname_np(errno));
    return;
  }
  char *names[1000];
  int n = 0;
  for (struct dirent *e; (e = readdir(d));) names[n++] = strdup(e->d_name);
  closedir(d);
  qsort(names, n, sizeof *names, by_name);
  for (int i = 0; i < n; i++) printf(" %s", names[i]);
  printf("\n");
}

static void show(const char *path) {
  struct stat s;
  char text[100];
  if (lstat(path, &s) < 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  printf("%s: %o %u:%u %ld links, %ld bytes, at %ld", path, s.st_mode, s.st_uid, s.st_gid, (long)s.st_nlink,
         S_ISDIR(s.st_mode) ? 0l : (long)s.st_size, s.st_mtim.tv_sec > 1600000000 ? 0l : (long)s.st_mtim.tv_sec);
  if (S_ISREG(s.st_mode)) {
    int fd = open(path, O_RDONLY);
    int n = read(fd, text, 40);
    printf(", '%.*s'", n < 0 ? 0 : n, text);
    close(fd);
  }
  if (S_ISLNK(s.st_mode)) {
    int n = readlink(path, text, 99);
    printf(", to %.*s", n, text);
  }
  char names[1000];
  int n = llistxattr(path, names, sizeof names);
  for (int i = 0; i < n; i += strlen(names + i) + 1)
    if (strncmp(names + i, "user.", 5) == 0) printf(", %s", names + i);
  printf("\n");
}

static void put(const char *path, int flags, const char *text) {
  int fd = open(path, O_WRONLY | flags, 0640);
  printf("open %s %x: ", path, flags);
  if (fd < 0) {
    printf("%s\n", strerrorname_np(errno));
    return;
  }
  printf("%zd\n", write(fd, text, strlen(text)));
  close(fd);
}

static long number(const char *path) {
  struct stat s;
  return lstat(path, &s) < 0 ? -1 : (long)s.st_ino;
}

int main(void) {
  umask(022);
  struct statfs f;
  statfs("/", &f);
  printf("type %lx\n", (long)f.f_type);
  list("/tree");
  list("/tree/dir");
  show("/tree/file");
  // Data.
  long before = number("/tree/file");
  int old = open("/tree/file", O_RDONLY);
  put("/tree/file", O_APPEND, "more");
  show("/tree/file");
  printf("%s number\n", before == number("/tree/file") ? "the same" : "another");
  char text[100];
  int n = pread(old, text, 99, 0);
  printf("the open one: '%.*s'\n", n, text);
  close(old);
  put("/tree/dir/file", O_TRUNC, "new");
  show("/tree/dir/file");
  put("/tree/dir/made", O_CREAT | O_EXCL, "made");
  put("/tree/dir/made", O_CREAT | O_EXCL, "made");
  show("/tree/dir/made");
  TRY(truncate("/tree/sparse", 3));
  show("/tree/sparse");
  int fd = open("/tree/mapped", O_RDWR);
  char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  m[0] = 'M';
  munmap(m, 4096);
  close(fd);
  show("/tree/mapped");
  // Attributes.
  TRY(chmod("/tree/mode", 0604));
  show("/tree/mode");
  TRY(lchown("/tree/owner", 12, 34));
  show("/tree/owner");
  TRY(setxattr("/tree/attributes", "user.b", "2", 1, 0));
  show("/tree/attributes");
  TRY(removexattr("/tree/attributes", "user.a"));
  TRY(removexattr("/tree/attributes", "user.a"));
  TRY(getxattr("/tree/attributes", "user.b", text, 99));
  show("/tree/attributes");
  struct timespec times[2] = {{1000, 0}, {2000, 0}};
  TRY(utimensat(AT_FDCWD, "/tree/time", times, 0));
  show("/tree/time");
  TRY(lchown("/tree/link", 7, 8));
  show("/tree/link");
  TRY(chmod("/tree/dir", 0711));
  show("/tree/dir");
  fd = open("/tree/fchmod", O_RDONLY);
  TRY(fchmod(fd, 0600));
  TRY(fchown(fd, 1, 2));
  close(fd);
  show("/tree/fchmod");
  // Names.
  TRY(unlink("/tree/gone"));
  show("/tree/gone");
  TRY(unlink("/tree/gone"));
  put("/tree/gone", O_CREAT, "again");
  show("/tree/gone");
  TRY(unlink("/tree/gone"));
  TRY(link("/tree/linked", "/tree/second"));
  put("/tree/second", O_APPEND, "+");
  show("/tree/linked");
  show("/tree/second");
  printf("%s file\n", number("/tree/linked") == number("/tree/second") ? "one" : "another");
  put("/tree/twice-a", O_APPEND, "+");
  show("/tree/twice-a");
  show("/tree/twice-b");
  TRY(symlink("there", "/tree/new-link"));
  show("/tree/new-link");
  TRY(mknod("/tree/fifo", S_IFIFO | 0600, 0));
  show("/tree/fifo");
  TRY(mknod("/tree/device", S_IFCHR | 0600, makedev(1, 3)));
  TRY(mknod("/tree/none", S_IFCHR | 0600, makedev(0, 0)));
  list("/tree");
  // Directories.
  TRY(rmdir("/tree/dir"));
  TRY(unlink("/tree/full/one"));
  list("/tree/full");
  TRY(rmdir("/tree/full"));
  TRY(unlink("/tree/full/two"));
  TRY(rmdir("/tree/full"));
  show("/tree/full");
  list("/tree/full");
  TRY(mkdir("/tree/full", 0750));
  list("/tree/full");
  put("/tree/full/three", O_CREAT, "3");
  list("/tree/full");
  show("/tree/full");
  TRY(mkdir("/tree/dir", 0755));
  TRY(unlink("/tree/dir"));
  TRY(rmdir("/tree/file"));
  // Renames.
  TRY(rename("/tree/moved", "/tree/moved-to"));
  show("/tree/moved");
  show("/tree/moved-to");
  TRY(rename("/tree/moved-to", "/tree/over"));
  show("/tree/over");
  TRY(rename("/tree/lower-dir", "/tree/elsewhere"));
  TRY(rename("/tree/dir", "/tree/elsewhere"));
  TRY(mkdir("/tree/upper-dir", 0755));
  put("/tree/upper-dir/x", O_CREAT, "x");
  TRY(rename("/tree/upper-dir", "/tree/dir"));
  TRY(rename("/tree/upper-dir", "/tree/empty"));
  list("/tree/empty");
  TRY(rename("/tree/empty", "/tree/dir/deep"));
  list("/tree/dir");
  list("/tree/dir/deep");
  TRY(rename("/tree/dir/deep", "/tree/dir/deep/er"));
  TRY(rename("/tree/file", "/tree/dir/deep"));
  TRY(rename("/tree/dir/deep", "/tree/file"));
  TRY(renameat2(AT_FDCWD, "/tree/mode", AT_FDCWD, "/tree/time", RENAME_NOREPLACE));
  TRY(renameat2(AT_FDCWD, "/tree/mode", AT_FDCWD, "/tree/exchanged", RENAME_EXCHANGE));
  show("/tree/mode");
  show("/tree/exchanged");
  TRY(rename("/tree/replaced-a", "/tree/replaced-b"));
  list("/tree");
  put("/tree/replaced-a", O_CREAT, "a");
  show("/tree/replaced-a");
  TRY(unlink("/tree/empty"));
  TRY(mkdir("/tree/empty", 0700));
  list("/tree/empty");
  // Files that are gone.
  fd = open("/tree/held", O_RDWR);
  TRY(unlink("/tree/held"));
  TRY(write(fd, "HELD", 4));
  n = pread(fd, text, 99, 0);
  printf("held: '%.*s'\n", n, text);
  struct stat s;
  TRY(fstat(fd, &s));
  printf("%ld links\n", (long)s.st_nlink);
  close(fd);
  list("/tree");
  return 0;
}
