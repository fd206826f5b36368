/* Names: how paths are resolved, and what making, removing and renaming them gives. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"
#include "put.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static void show(const char *path) {
  struct stat s;
  if (lstat(path, &s) < 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  char target[256] = "";
  if (S_ISLNK(s.st_mode)) {
    int n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = 0;
  }
  printf("%s: mode %o links %d size %lld %s\n", path, s.st_mode, S_ISDIR(s.st_mode) ? 0 : (int)s.st_nlink,
         S_ISDIR(s.st_mode) ? 0LL : (long long)s.st_size, target);
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *d = opendir(path);
  if (!d) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  char *names[100];
  int n = 0;
  struct dirent *e;
  while ((e = readdir(d)) != NULL && n < 100) {
    char buffer[300];
    struct stat s;
    snprintf(buffer, sizeof buffer, "%s:%d", e->d_name, e->d_type);
    if (fstatat(dirfd(d), e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && strcmp(e->d_name, "..") != 0 &&
        s.st_ino != e->d_ino)
      strcat(buffer, " (inode differs)");
    names[n++] = strdup(buffer);
  }
  closedir(d);
  qsort(names, n, sizeof *names, compare);
  printf("%s:", path);
  for (int i = 0; i < n; i++) printf(" %s", names[i]);
  printf("\n");
}

static int openat2_(int dir, const char *path, long long flags, long long resolve) {
  struct open_how how = {.flags = flags, .resolve = resolve};
  return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

/* A message queue is in a mount of its own, wherever else its file system is mounted. */
static void queue(void) {
  char path[40], name[100] = "";
  int fd = mq_open("/armrun-paths", O_RDWR | O_CREAT, 0600, NULL);
  sprintf(path, "/proc/self/fd/%d", fd);
  TRY(readlink(path, name, sizeof name));
  puts(name);
  TRY(mq_unlink("/armrun-paths"));
  TRY(readlink(path, name, sizeof name));
  puts(name);
  close(fd);
}

int main(void) {
  struct stat s;
  char buffer[5000];
  int fd;
  setvbuf(stdout, NULL, _IOLBF, 0);
  umask(022);

  queue();
  puts("-- directories");
  TRY(mkdir("d", 0777));
  TRY(mkdir("d", 0777));
  TRY(mkdir("d/", 0777));
  TRY(mkdir("d/e/", 01777));
  TRY(mkdir("none/e", 0777));
  TRY(mkdir(".", 0777));
  TRY(mkdir("..", 0777));
  TRY(mkdir("/", 0777));
  TRY(mkdir("", 0777));
  TRY(rmdir("d"));
  TRY(rmdir("d/."));
  TRY(rmdir("d/e/.."));
  TRY(rmdir("/"));
  TRY(rmdir("none"));
  show("d");
  show("d/e");

  puts("-- files");
  put("f", "hello");
  put("d/g", "world!");
  TRY0(open("f", O_CREAT | O_EXCL | O_RDWR, 0600));
  TRY0(open("f/", O_RDONLY));
  TRY0(open("f/x", O_RDONLY));
  TRY0(open("d", O_WRONLY));
  TRY0(open("d", O_RDONLY | O_CREAT, 0600));
  TRY0(open("d", O_RDONLY | O_TRUNC));
  TRY0(open("new/", O_RDWR | O_CREAT, 0600));
  TRY0(open("new/", O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY0(open("d/", O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY0(open("d/.//", O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY0(open("d/../", O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY0(open("./", O_RDONLY | O_CREAT, 0600));
  TRY0(open("d/./", O_RDONLY | O_CREAT | O_EXCL, 0600));
  TRY0(open("f/./", O_RDONLY | O_CREAT | O_EXCL, 0600));
  TRY0(open("/", O_RDONLY | O_CREAT | O_EXCL, 0600));
  TRY0(open("f", O_DIRECTORY));
  TRY0(open("d", O_DIRECTORY));
  TRY0(open("", O_RDONLY));
  TRY0(open("none", O_RDONLY));
  TRY0(open("none/x", O_RDONLY | O_CREAT, 0600));
  TRY0(open("f", O_RDWR | O_CREAT | O_DIRECTORY, 0600));
  TRY(access("f", R_OK | W_OK));
  TRY(access("f", 8));
  TRY(access("f/", F_OK));
  TRY(unlink("d"));
  TRY(unlink("f/"));
  TRY(unlink("none"));
  TRY(unlink("."));
  TRY(rmdir("f"));
  show("f");
  umask(077);
  put("private", "");
  show("private");
  umask(022);
  TRY(chmod("private", 06755));
  show("private");

  puts("-- symbolic links");
  TRY(symlink("f", "to-f"));
  TRY(symlink("d", "to-d"));
  TRY(symlink("none", "to-none"));
  TRY(symlink("loop", "loop"));
  TRY(symlink("b", "a"));
  TRY(symlink("a", "b"));
  TRY(symlink("f", "to-f"));
  TRY(symlink("", "empty"));
  TRY(symlink("to-f/", "slashed"));
  TRY(symlink("to-d/", "slashed-d"));
  show("to-f");
  show("to-d");
  show("to-d/");
  TRY(stat("to-f", &s));
  printf("size %lld\n", (long long)s.st_size);
  TRY(stat("to-none", &s));
  TRY(stat("loop", &s));
  TRY(stat("a/x", &s));
  TRY(lstat("loop", &s));
  TRY(stat("to-f/", &s));
  TRY(stat("to-d/g", &s));
  TRY(stat("slashed", &s));
  TRY(stat("slashed-d", &s));
  TRY(lstat("slashed-d/", &s));
  TRY0(open("to-f", O_RDONLY | O_NOFOLLOW));
  TRY0(open("to-d/g", O_RDONLY | O_NOFOLLOW));
  TRY0(open("to-d", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
  TRY0(open("to-f", O_CREAT | O_EXCL | O_RDWR, 0600));
  TRY0(open("to-none", O_CREAT | O_EXCL | O_RDWR, 0600));
  TRY0(open("to-none", O_CREAT | O_RDWR, 0600));
  show("none");
  TRY(unlink("none"));
  TRY0(open("loop", O_CREAT | O_RDWR, 0600));
  TRY(mkdir("to-none", 0700));
  TRY(mkdir("to-none/", 0700));
  TRY(rmdir("to-d"));
  TRY(rmdir("to-d/"));
  TRY(unlink("to-d/"));
  TRY(readlink("f", buffer, 100));
  TRY(readlink("to-f", buffer, 0));
  TRY(readlink("to-none", buffer, 2));
  printf("%.2s\n", buffer);
  TRY(readlink("none", buffer, 100));
  memset(buffer, 'x', sizeof buffer);
  buffer[300] = 0;
  TRY(stat(buffer, &s));
  for (int i = 0; i < 4999; i += 2) memcpy(buffer + i, "./", 2);
  buffer[4999] = 0;
  TRY(stat(buffer, &s));
  /* 40 links are followed, 41 are not. */
  TRY(symlink("f", "l0"));
  for (int i = 1; i <= 41; i++) {
    char to[10], name[10];
    snprintf(to, sizeof to, "l%d", i - 1);
    snprintf(name, sizeof name, "l%d", i);
    if (symlink(to, name) < 0) perror(name);
  }
  TRY(stat("l39", &s));
  TRY(stat("l40", &s));
  for (int i = 0; i <= 41; i++) {
    char name[10];
    snprintf(name, sizeof name, "l%d", i);
    unlink(name);
  }

  puts("-- dot dot");
  TRY(stat("/../../../../tmp/..", &s));
  TRY(chdir("d/e"));
  show("../../f");
  show("./../g");
  show("../../to-d/../f");
  TRY(chdir("../.."));
  TRY(chdir("f"));
  TRY(chdir("none"));
  TRY(stat("f/..", &s));
  TRY(stat("f/.", &s));
  TRY(stat("none/..", &s));

  puts("-- directory descriptors");
  int dir = open("d", O_RDONLY | O_DIRECTORY);
  int file = open("f", O_RDONLY);
  int path = open("f", O_PATH);
  TRY(fstatat(dir, "g", &s, 0));
  TRY(fstatat(dir, "../f", &s, 0));
  TRY(fstatat(dir, "", &s, 0));
  TRY(fstatat(dir, "", &s, AT_EMPTY_PATH));
  TRY(fstatat(file, "", &s, AT_EMPTY_PATH));
  printf("size %lld\n", (long long)s.st_size);
  TRY(fstatat(file, "g", &s, 0));
  TRY(fstatat(99, "g", &s, 0));
  TRY(fstatat(99, "/", &s, 0));
  TRY(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH));
  TRY(fstatat(dir, "g", &s, 0x800000));
  TRY(fchdir(file));
  TRY(fchdir(dir));
  show("g");
  TRY(fchdir(99));
  TRY(chdir(".."));
  TRY(read(path, buffer, 1));
  TRY(fstat(path, &s));
  TRY(fchmod(path, 0600));
  TRY(faccessat(path, "", R_OK, AT_EMPTY_PATH));
  TRY(fcntl(path, F_GETFL) & ~O_LARGEFILE & O_PATH ? 1 : 0);
  TRY(lseek(path, 0, SEEK_CUR));
  TRY(rename("d", "moved"));
  TRY(fstatat(dir, "g", &s, 0));
  TRY(fstatat(dir, "../f", &s, 0));
  TRY(mkdirat(dir, "below", 0755));
  list("moved");
  TRY(unlinkat(dir, "below", 0));
  TRY(unlinkat(dir, "below", AT_REMOVEDIR));
  TRY(unlinkat(dir, "g", AT_REMOVEDIR));
  TRY(rename("moved", "d"));

  puts("-- removed directories");
  TRY(mkdir("gone", 0755));
  int gone = open("gone", O_RDONLY | O_DIRECTORY);
  TRY(chdir("gone"));
  TRY(rmdir("../gone"));
  TRY(getcwd(buffer, sizeof buffer) ? 0 : -1);
  TRY(stat(".", &s));
  printf("links %d\n", (int)s.st_nlink);
  TRY0(open("x", O_CREAT | O_RDWR, 0600));
  TRY(mkdir("x", 0700));
  TRY(chdir(".."));
  TRY(fstat(gone, &s));
  TRY(fstatat(gone, "x", &s, 0));

  puts("-- rename");
  put("one", "1");
  put("two", "22");
  TRY(rename("one", "two"));
  show("one");
  show("two");
  TRY(rename("none", "two"));
  TRY(rename("/proc/self/..", ".."));
  TRY(rename("/proc/self/../", "none"));
  TRY(rename("/proc/..", "/proc/self/.."));
  TRY(rename("..", "/proc/self/."));
  TRY(mkdir("x", 0755));
  TRY(mkdir("y", 0755));
  TRY(mkdir("y/z", 0755));
  TRY(rename("x", "y"));
  TRY(rename("y", "y/z/below"));
  TRY(rename("y/z", "y"));
  TRY(rename("two", "x"));
  TRY(rename("x", "two"));
  TRY(rename("x", "y/z"));
  show("x");
  TRY(rename("two", "two/"));
  TRY(rename("two", "three/"));
  TRY(rename("y", "w/"));
  show("w/z");
  TRY(rename(".", "v"));
  TRY(rename("w/..", "v"));
  TRY(rename("w", "."));
  TRY(rename("/", "v"));
  put("three", "333");
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "three", RENAME_NOREPLACE));
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "three", RENAME_EXCHANGE));
  show("two");
  show("three");
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "w", RENAME_EXCHANGE));
  show("two");
  show("w");
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "w", RENAME_EXCHANGE));
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "none", RENAME_EXCHANGE));
  TRY(renameat2(AT_FDCWD, "two", AT_FDCWD, "w", RENAME_EXCHANGE | RENAME_NOREPLACE));
  TRY(rename("to-f", "to-g"));
  show("to-g");
  TRY(rename("to-g", "to-f"));

  puts("-- hard links");
  TRY(link("f", "h"));
  show("h");
  TRY(link("f", "h"));
  TRY(link("d", "hd"));
  TRY(link("none", "hn"));
  TRY(link("to-f", "hl"));
  show("hl");
  TRY(linkat(AT_FDCWD, "to-f", AT_FDCWD, "hf", AT_SYMLINK_FOLLOW));
  show("hf");
  TRY(rename("h", "hf"));
  show("h");
  show("hf");
  TRY(unlink("h"));
  show("f");
  TRY(link("f", "none/h"));
  TRY(link("f", "x/"));
  TRY(unlink("hf"));
  TRY(unlink("hl"));

  puts("-- unlinked but open");
  put("temporary", "content");
  fd = open("temporary", O_RDWR);
  TRY(unlink("temporary"));
  TRY(fstat(fd, &s));
  printf("links %d size %lld\n", (int)s.st_nlink, (long long)s.st_size);
  TRY(fchmod(fd, 0400));
  TRY(ftruncate(fd, 3));
  TRY(pread(fd, buffer, 100, 0));
  TRY(futimens(fd, (struct timespec[]){{1, 2}, {3, 4}}));
  TRY(fstat(fd, &s));
  printf("%lld.%09ld %o\n", (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_mode);
  snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", fd);
  int again = open(buffer, O_RDONLY);
  TRY(read(again, buffer, 100));
  close(fd);

  puts("-- times");
  struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
  TRY(utimensat(AT_FDCWD, "f", times, 0));
  TRY(stat("f", &s));
  printf("%lld.%09ld %lld.%09ld\n", (long long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec,
         s.st_mtim.tv_nsec);
  times[0].tv_nsec = UTIME_OMIT;
  times[1] = (struct timespec){1200000000, 1};
  TRY(utimensat(AT_FDCWD, "f", times, 0));
  TRY(stat("f", &s));
  printf("%lld.%09ld %lld.%09ld\n", (long long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec,
         s.st_mtim.tv_nsec);
  times[1].tv_nsec = 1000000000;
  TRY(utimensat(AT_FDCWD, "f", times, 0));
  TRY(utimensat(AT_FDCWD, "to-none", (struct timespec[]){{5, 6}, {7, 8}}, AT_SYMLINK_NOFOLLOW));
  TRY(lstat("to-none", &s));
  printf("%lld.%09ld\n", (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  TRY(utimensat(AT_FDCWD, "to-none", NULL, 0));
  struct timeval tv[2] = {{9, 10}, {11, 12}};
  TRY(utimes("f", tv));
  TRY(stat("f", &s));
  printf("%lld.%09ld\n", (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);

  puts("-- special files");
  TRY(mkfifo("fifo", 0640));
  show("fifo");
  TRY(mkfifo("fifo", 0640));
  TRY(mkfifo("f", 0640));
  TRY(open("fifo", O_WRONLY | O_NONBLOCK));
  TRY0(fd = open("fifo", O_RDONLY | O_NONBLOCK));
  int writer = open("fifo", O_WRONLY | O_NONBLOCK);
  TRY(write(writer, "through", 7));
  TRY(read(fd, buffer, 100));
  TRY(rename("fifo", "pipe"));
  show("fifo");
  show("pipe");
  TRY(link("f", "pipe"));
  TRY(unlink("pipe"));
  TRY(mknod("empty", S_IFREG | 0600, 0));
  show("empty");
  TRY(mknod("directory", S_IFDIR | 0600, 0));
  list(".");

  puts("-- openat2");
  TRY0(openat2_(dir, "g", O_RDONLY, RESOLVE_BENEATH));
  TRY0(openat2_(dir, "../f", O_RDONLY, RESOLVE_BENEATH));
  TRY0(openat2_(dir, "e/../g", O_RDONLY, RESOLVE_BENEATH));
  TRY0(openat2_(dir, "/etc/passwd", O_RDONLY, RESOLVE_BENEATH));
  TRY0(openat2_(dir, "../../../g", O_RDONLY, RESOLVE_IN_ROOT));
  TRY0(openat2_(dir, "/g", O_RDONLY, RESOLVE_IN_ROOT));
  TRY0(openat2_(AT_FDCWD, "to-f", O_RDONLY, RESOLVE_NO_SYMLINKS));
  TRY0(openat2_(AT_FDCWD, "to-d/g", O_RDONLY, RESOLVE_NO_SYMLINKS));
  TRY0(openat2_(AT_FDCWD, "f", O_RDONLY, 1 << 20));
  TRY0(openat2_(AT_FDCWD, "/proc/self/cwd/f", O_RDONLY, RESOLVE_NO_MAGICLINKS));
  TRY0(openat2_(AT_FDCWD, "/proc/self/cwd/f", O_RDONLY, 0));

  puts("-- links to what was opened with O_PATH");
  int named = open("f", O_PATH), at = open("d", O_PATH | O_DIRECTORY);
  char link[64];
  sprintf(link, "/proc/self/fd/%d", named);
  TRY(access(link, F_OK));
  TRY(stat(link, &s));
  TRY(lstat(link, &s));
  printf("%o\n", s.st_mode);
  TRY(readlink(link, buffer, sizeof buffer) > 0);
  TRY0(open(link, O_RDONLY));
  sprintf(link, "/proc/self/fdinfo/%d", named);
  TRY0(open(link, O_RDONLY));
  sprintf(link, "/proc/self/fd/%d/g", at);
  TRY0(open(link, O_RDONLY));
  close(named), close(at);

  puts("-- a directory that has been removed");
  TRY(mkdir("removed", 0750));
  TRY(mkdir("removed/inside", 0750));
  int removed = open("removed/inside", O_RDONLY | O_DIRECTORY);
  TRY(rmdir("removed/inside"));
  TRY(rmdir("removed"));
  TRY(fchmod(removed, 01705));
  TRY(fchown(removed, -1, -1));
  TRY(futimens(removed, (struct timespec[]){{5, 6}, {7, 8}}));
  TRY(fstat(removed, &s));
  printf("%o %d %lld.%09ld %lld.%09ld\n", s.st_mode, (int)s.st_nlink, (long long)s.st_atim.tv_sec, s.st_atim.tv_nsec,
         (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  struct statfs of;
  TRY(fstatfs(removed, &of));
  TRY(openat(removed, "x", O_CREAT | O_WRONLY, 0600));
  int unnamed = open("unnamed", O_CREAT | O_RDWR, 0600);
  TRY(unlink("unnamed"));
  TRY(fstatfs(unnamed, &of));
  close(removed), close(unnamed);

  puts("-- bad pointers");
  TRY(stat((char *)8, &s));
  TRY(mkdir((char *)8, 0755));
  TRY(read(file, (char *)8, 10));
  TRY(write(99, "x", 1));
  TRY(write(file, "x", 1));
  return 0;
}
