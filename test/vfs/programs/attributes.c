/* What node:fs has no calls for: files without names, extended attributes and access control lists, special files, exact times,
   names exchanged, space allocated and given back, holes. Run in an empty directory of one's own. */
#include "try.h"
#include "put.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void show(const char *path) {
  struct stat s;
  if (lstat(path, &s) < 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  printf("%s: mode %o links %d size %lld rdev %x:%x owner %d:%d\n", path, s.st_mode, S_ISDIR(s.st_mode) ? 0 : (int)s.st_nlink,
         S_ISREG(s.st_mode) ? (long long)s.st_size : 0, S_ISBLK(s.st_mode) || S_ISCHR(s.st_mode) ? major(s.st_rdev) : 0,
         S_ISBLK(s.st_mode) || S_ISCHR(s.st_mode) ? minor(s.st_rdev) : 0, s.st_uid, s.st_gid);
}

static void read_back(const char *path) {
  char text[64] = "";
  int fd = open(path, O_RDONLY);
  int n = read(fd, text, sizeof text - 1);
  printf("%s holds %d: %.*s\n", path, n, n < 0 ? 0 : n, text);
  close(fd);
}

static char own[64];
static const char *by_fd(int fd) {
  sprintf(own, "/proc/self/fd/%d", fd);
  return own;
}

static void nameless(void) {
  puts("-- files without names");
  mkdir("dir", 0755);
  put("file", "f");
  symlink("dir", "link");
  TRY0(open("dir", O_TMPFILE | O_RDONLY, 0600));
  TRY0(open("dir", O_TMPFILE | O_RDWR | O_CREAT, 0600));
  TRY0(open("file", O_TMPFILE | O_RDWR, 0600));
  TRY0(open("absent", O_TMPFILE | O_RDWR, 0600));
  TRY0(open("link", O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600));
  int fd;
  umask(027);
  TRY0(fd = open("link", O_TMPFILE | O_RDWR, 0666));
  umask(022);
  struct stat s;
  fstat(fd, &s);
  printf("mode %o links %d flags %x\n", s.st_mode, (int)s.st_nlink, fcntl(fd, F_GETFL) & (O_ACCMODE | O_TMPFILE) & ~O_DIRECTORY);
  TRY(write(fd, "text", 4));
  TRY(lseek(fd, 1, SEEK_SET));
  TRY(fchmod(fd, 0640));
  TRY(fsetxattr(fd, "user.a", "1", 1, 0));
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "dir/absent/x", AT_SYMLINK_FOLLOW));
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "file", AT_SYMLINK_FOLLOW));
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
  show("dir/named");
  read_back("dir/named");
  TRY(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
  show("again");
  fstat(fd, &s);
  printf("links %d\n", (int)s.st_nlink);
  TRY(unlink("dir/named"));
  TRY(unlink("again"));
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
  TRY(write(fd, "more", 4));
  close(fd);
  TRY0(fd = open("dir", O_TMPFILE | O_RDWR | O_EXCL, 0600));
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
  close(fd);
  /* A name that is gone, of a file that has another. */
  put("one", "1");
  link("one", "two");
  fd = open("one", O_RDONLY);
  unlink("one");
  TRY(linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, "three", AT_SYMLINK_FOLLOW));
  show("three");
  close(fd);
  /* On a file system in memory. */
  TRY0(fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0644));
  TRY(write(fd, "text", 4));
  char name[64];
  sprintf(name, "/dev/shm/armrun-attributes-%d", getpid());
  int made = linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
  int again = linkat(AT_FDCWD, by_fd(fd), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
  lstat(name, &s);
  printf("in memory: %d, again %d, links %d size %d\n", made, again, (int)s.st_nlink, (int)s.st_size);
  unlink(name);
  close(fd);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void names_of(const char *path) {
  char names[512], *sorted[20];
  int n = llistxattr(path, names, sizeof names), count = 0;
  for (char *at = names; n > 0 && at < names + n; at += strlen(at) + 1) sorted[count++] = at;
  qsort(sorted, count, sizeof *sorted, by_name);
  printf("%s has %d:", path, n);
  for (int i = 0; i < count; i++) printf(" %s", sorted[i]);
  puts("");
}

/* An access control list of the user, one named user, the group, the mask and all others (acl(5)). */
static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 77, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
                              16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};
/* vfs_cap_data, version 2: cap_net_raw+ep. */
static const uint8_t capability[] = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

static void as_user(void (*body)(void)) {
  fflush(stdout);
  if (fork() == 0) {
    setgid(1234);
    setuid(1234);
    body();
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

static void others_attributes(void) {
  char value[64];
  TRY(setxattr("open", "user.o", "1", 1, 0));
  TRY(setxattr("file", "user.o", "1", 1, 0));
  TRY(getxattr("file", "user.a", value, sizeof value));
  TRY(getxattr("file", "trusted.t", value, sizeof value));
  TRY(setxattr("open", "trusted.t", "1", 1, 0));
  TRY(setxattr("open", "security.capability", capability, sizeof capability, 0));
  TRY(setxattr("open", "system.posix_acl_access", acl, sizeof acl, 0));
  TRY(setxattr("sticky", "user.o", "1", 1, 0));
  names_of("file");
}

static void attributes(void) {
  puts("-- extended attributes");
  char value[64] = "";
  TRY(setxattr("file", "user.a", "one", 3, 0));
  TRY(setxattr("file", "user.a", "two", 3, XATTR_CREATE));
  TRY(setxattr("file", "user.b", "two", 3, XATTR_REPLACE));
  TRY(setxattr("file", "user.a", "twice", 5, XATTR_REPLACE));
  TRY(setxattr("file", "user.empty", "", 0, 0));
  TRY(getxattr("file", "user.a", value, 3));
  TRY(getxattr("file", "user.a", NULL, 0));
  TRY(getxattr("file", "user.a", value, sizeof value));
  puts(value);
  TRY(getxattr("file", "user.empty", value, sizeof value));
  TRY(getxattr("file", "user.none", value, sizeof value));
  TRY(setxattr("file", "nonsense.a", "1", 1, 0));
  TRY(setxattr("file", "trusted.t", "1", 1, 0));
  TRY(getxattr("file", "trusted.t", value, sizeof value));
  TRY(setxattr("link", "user.through", "1", 1, 0));
  TRY(lsetxattr("link", "user.itself", "1", 1, 0));
  TRY(lsetxattr("link", "trusted.itself", "1", 1, 0));
  names_of("link");
  names_of("dir");
  names_of("file");
  TRY(removexattr("file", "user.empty"));
  TRY(removexattr("file", "user.empty"));
  int fd = open("file", O_RDONLY);
  TRY(fsetxattr(fd, "user.c", "3", 1, 0));
  TRY(fgetxattr(fd, "user.c", value, sizeof value));
  TRY(flistxattr(fd, value, 3));
  link("file", "other name");
  TRY(getxattr("other name", "user.c", value, sizeof value));
  rename("file", "moved");
  TRY(fgetxattr(fd, "user.c", value, sizeof value));
  TRY(getxattr("moved", "user.c", value, sizeof value));
  rename("moved", "file");
  TRY(fremovexattr(fd, "user.c"));
  close(fd);
  static char large[65537];
  TRY(setxattr("file", "user.large", large, sizeof large, 0));
  TRY(setxattr("file", "user.large", large, 2000, 0));
  TRY(getxattr("file", "user.large", NULL, 0));
  TRY(removexattr("file", "user.large"));
  TRY(setxattr("file", "security.capability", capability, sizeof capability, 0));
  TRY(getxattr("file", "security.capability", value, sizeof value));
  printf("the same: %d\n", memcmp(value, capability, sizeof capability) == 0);
  TRY(setxattr("file", "security.capability", capability, 3, 0));
  TRY(chown("file", 5, 5)); /* takes it away */
  TRY(getxattr("file", "security.capability", value, sizeof value));
  TRY(chown("file", 0, 0));
  TRY(setxattr("file", "system.posix_acl_access", acl, sizeof acl, 0));
  show("file");
  TRY(getxattr("file", "system.posix_acl_access", value, sizeof value));
  printf("the same: %d\n", memcmp(value, acl, sizeof acl) == 0);
  TRY(setxattr("file", "system.posix_acl_default", acl, sizeof acl, 0));
  TRY(setxattr("dir", "system.posix_acl_default", acl, sizeof acl, 0));
  put("dir/inherits", "");
  show("dir/inherits");
  names_of("dir/inherits");
  TRY(mkdir("dir/below", 0755));
  show("dir/below");
  names_of("dir/below");
  TRY(chmod("file", 0644));
  TRY(getxattr("file", "system.posix_acl_access", value, sizeof value));
  printf("mask %d\n", value[30]);
  TRY(removexattr("file", "system.posix_acl_access"));
  show("file");
  TRY(removexattr("dir", "system.posix_acl_default"));
  mkdir("sticky", 0777);
  chmod("sticky", 01777);
  put("open", "");
  chmod("open", 0666);
  as_user(others_attributes);
}

static void other_devices(void) {
  TRY(mknod("of others", S_IFCHR | 0600, makedev(1, 3)));
  TRY(mkfifo("fifo of others", 0600));
  show("fifo of others");
}

static void special(void) {
  puts("-- special files");
  chmod(".", 0777);
  TRY(mkfifo("fifo", 0622));
  show("fifo");
  TRY(mkfifo("fifo", 0622));
  TRY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
  show("null");
  TRY(mknod("block", S_IFBLK | 0640, makedev(259, 70000)));
  show("block");
  TRY(mknod("socket", S_IFSOCK | 0700, 0));
  show("socket");
  TRY(mknod("plain", S_IFREG | 0600, 0));
  TRY(mknod("dir/none/x", S_IFIFO | 0600, 0));
  TRY(mknod("directory", S_IFDIR | 0600, 0));
  TRY(chmod("fifo", 0604));
  TRY(chown("fifo", 3, 4));
  show("fifo");
  TRY(link("null", "null too"));
  show("null");
  TRY(rename("null too", "dir/null"));
  show("dir/null");
  TRY(rename("fifo", "file-over"));
  show("file-over");
  TRY0(open("socket", O_RDWR));
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un to = {AF_UNIX, "socket"};
  TRY(connect(s, (void *)&to, sizeof to));
  TRY(bind(s, (void *)&to, sizeof to));
  strcpy(to.sun_path, "bound");
  TRY(bind(s, (void *)&to, sizeof to));
  TRY(listen(s, 1));
  show("bound");
  int c = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(connect(c, (void *)&to, sizeof to));
  close(c);
  rename("bound", "dir/elsewhere");
  strcpy(to.sun_path, "dir/elsewhere");
  TRY(connect(c = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, sizeof to));
  close(c);
  close(s);
  show("dir/elsewhere");
  TRY(connect(c = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&to, sizeof to));
  close(c);
  DIR *d = opendir("dir");
  struct dirent *e;
  while ((e = readdir(d)))
    if (strcmp(e->d_name, "null") == 0 || strcmp(e->d_name, "elsewhere") == 0) printf("type %d\n", e->d_type);
  closedir(d);
  TRY(unlink("dir/null"));
  TRY(unlink("dir/elsewhere"));
  as_user(other_devices);
}

static void time_of(const char *path) {
  struct stat s;
  lstat(path, &s);
  printf("%s: %lld.%09ld %lld.%09ld\n", path, (long long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long long)s.st_mtim.tv_sec,
         s.st_mtim.tv_nsec);
}

static void times(void) {
  puts("-- times");
  struct timespec exact[] = {{1234567890, 123456789}, {987654321, 987654321}};
  TRY(utimensat(AT_FDCWD, "file", exact, 0));
  time_of("file");
  struct timespec before[] = {{-1, 999999999}, {-5, 1}};
  TRY(utimensat(AT_FDCWD, "link", before, AT_SYMLINK_NOFOLLOW));
  /* Whoever looks at a link changes when it was last read. */
  struct stat s;
  lstat("link", &s);
  printf("link: %lld.%09ld\n", (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  TRY(utimensat(AT_FDCWD, "link", exact, 0));
  time_of("dir");
  struct timespec one[] = {{0, UTIME_OMIT}, {42, 42}};
  int fd = open("file", O_RDWR);
  TRY(futimens(fd, one));
  time_of("file");
  struct timespec other[] = {{43, 999999999}, {0, UTIME_OMIT}};
  TRY(futimens(fd, other));
  time_of("file");
  one[1].tv_nsec = UTIME_NOW;
  TRY(futimens(fd, one));
  fstat(fd, &s);
  printf("now: %d\n", s.st_mtim.tv_sec > 1500000000);
  close(fd);
  TRY(utimensat(AT_FDCWD, "file-over", exact, 0));
  time_of("file-over");
}

static void exchange(void) {
  puts("-- exchange");
  mkdir("a", 0755);
  mkdir("a/inner", 0755);
  put("a/inner/deep", "deep");
  put("b", "b");
  int fd = open("a/inner", O_RDONLY | O_DIRECTORY);
  TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
  read_back("a");
  read_back("b/inner/deep");
  int deep = openat(fd, "deep", O_RDONLY);
  printf("deep by its directory: %d\n", deep >= 0);
  char path[64] = "";
  int n = readlink(by_fd(fd), path, sizeof path - 1);
  printf("%s\n", n > 7 ? path + n - 7 : path);
  TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "b/inner/deep", RENAME_EXCHANGE));
  TRY(renameat2(AT_FDCWD, "b/inner/deep", AT_FDCWD, "b", RENAME_EXCHANGE));
  TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "absent", RENAME_EXCHANGE));
  TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b/inner/deep", RENAME_EXCHANGE));
  read_back("a");
  read_back("b/inner/deep");
  TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b/inner/deep", RENAME_NOREPLACE));
  TRY(renameat2(AT_FDCWD, "file-over", AT_FDCWD, "b/inner/deep", RENAME_EXCHANGE));
  show("file-over");
  show("b/inner/deep");
}

static void holes(void) {
  puts("-- space and holes");
  int fd = open("sparse", O_CREAT | O_RDWR, 0644);
  TRY(lseek(fd, 0, SEEK_DATA));
  pwrite(fd, "x", 1, 1 << 20);
  fsync(fd);
  TRY(lseek(fd, 0, SEEK_DATA));
  TRY(lseek(fd, 0, SEEK_HOLE));
  TRY(lseek(fd, 1 << 20, SEEK_HOLE));
  TRY(lseek(fd, (1 << 20) + 1, SEEK_DATA));
  TRY(lseek(fd, -1, SEEK_DATA));
  TRY(lseek(fd, 0, SEEK_CUR));
  static char block[65536];
  memset(block, 'y', sizeof block);
  pwrite(fd, block, sizeof block, 0);
  fsync(fd);
  struct stat s;
  fstat(fd, &s);
  long long blocks = s.st_blocks;
  TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
  TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 32768));
  fstat(fd, &s);
  printf("given back: %lld\n", (blocks - s.st_blocks) * 512);
  char bytes[3];
  pread(fd, bytes, 3, 4095);
  printf("%d %d %d\n", bytes[0], bytes[1], bytes[2]);
  TRY(lseek(fd, 4096, SEEK_DATA));
  TRY(lseek(fd, 0, SEEK_HOLE));
  blocks = s.st_blocks;
  TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 << 20, 65536));
  fstat(fd, &s);
  printf("reserved: %lld, size %lld\n", (s.st_blocks - blocks) * 512, (long long)s.st_size);
  TRY(fallocate(fd, 0, 0, 3 << 20));
  TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
  TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 100));
  fstat(fd, &s);
  printf("size %lld\n", (long long)s.st_size);
  TRY(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096));
  TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 40000, 100));
  pread(fd, bytes, 3, 40099);
  printf("%d %d\n", bytes[0], bytes[1]);
  TRY(fallocate(fd, 0x80, 0, 4096));
  TRY(fallocate(fd, 0, 0, 0));
  /* A mapping sees it. */
  char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  map[50000] = 'm';
  map[60000] = 'm';
  TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 49152, 4096));
  printf("%d %d\n", map[50000], map[60000]);
  close(fd);
  fd = open("sparse", O_RDONLY);
  TRY(fallocate(fd, 0, 0, 4096));
  close(fd);
  struct statfs f;
  TRY(statfs(".", &f));
  printf("names of %d\n", (int)f.f_namelen);
  fd = open(".", O_RDONLY);
  TRY(syncfs(fd));
  TRY(syncfs(-1));
}

// A socket has one attribute, which names its protocol.
static void sockets(void) {
  const int kinds[][3] = {{AF_UNIX, SOCK_STREAM, 0}, {AF_UNIX, SOCK_DGRAM, 0}, {AF_UNIX, SOCK_SEQPACKET, 0},
                          {AF_INET, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM, 0}, {AF_INET6, SOCK_STREAM, 0},
                          {AF_INET6, SOCK_DGRAM, 0}, {AF_NETLINK, SOCK_RAW, 0}};
  const char name[] = "system.sockprotoname";
  char text[100];
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int fd = socket(kinds[i][0], kinds[i][1], kinds[i][2]);
    TRY(flistxattr(fd, NULL, 0));
    TRY(flistxattr(fd, text, 20));
    TRY(flistxattr(fd, text, sizeof text));
    printf("%s\n", text);
    TRY(fgetxattr(fd, name, NULL, 0));
    TRY(fgetxattr(fd, name, text, 3));
    TRY(fgetxattr(fd, name, text, sizeof text));
    printf("%s\n", text);
    TRY(fgetxattr(fd, "system.none", text, sizeof text));
    TRY(fsetxattr(fd, name, "x", 1, 0));
    TRY(fremovexattr(fd, name));
    close(fd);
  }
}

/* Those of a directory that has no name any more. */
static void lost(void) {
  char text[64] = "";
  mkdir("lost", 0755);
  int fd = open("lost", O_RDONLY | O_DIRECTORY);
  rmdir("lost");
  TRY(flistxattr(fd, text, sizeof text));
  TRY(fgetxattr(fd, "user.a", text, sizeof text));
  TRY(fremovexattr(fd, "user.a"));
  TRY(fsetxattr(fd, "user.a", "one", 3, XATTR_REPLACE));
  TRY(fsetxattr(fd, "user.a", "one", 3, XATTR_CREATE));
  TRY(fsetxattr(fd, "user.a", "two", 3, XATTR_CREATE));
  TRY(fgetxattr(fd, "user.a", text, sizeof text));
  TRY(flistxattr(fd, text, 3));
  TRY(flistxattr(fd, text, sizeof text));
  puts(text);
  TRY(fremovexattr(fd, "user.a"));
  TRY(flistxattr(fd, text, 0));
  close(fd);
}

int main(void) {
  umask(022);
  nameless();
  attributes();
  lost();
  special();
  times();
  exchange();
  holes();
  sockets();
  return 0;
}
