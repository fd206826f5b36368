// Attributes of mounts, and mounting by descriptors. Run in an empty directory, in a mount namespace of its own.
#include "try.h"
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CLONE_TREE 1
#define RECURSIVE 0x8000
struct attributes {
  uint64_t set, clear, propagation, userns;
};
static long open_tree_(int fd, const char *path, unsigned flags) { return syscall(428, fd, path, flags); }
static long move_mount_(int from, const char *path, int to, const char *target, unsigned flags) {
  return syscall(429, from, path, to, target, flags);
}
static long fsopen_(const char *name, unsigned flags) { return syscall(430, name, flags); }
static long config(int fd, unsigned command, const void *key, const void *value, int aux) {
  return syscall(431, fd, command, key, value, aux);
}
static long fsmount_(int fd, unsigned flags, unsigned attributes) { return syscall(432, fd, flags, attributes); }
static long fspick_(int fd, const char *path, unsigned flags) { return syscall(433, fd, path, flags); }
static long setattr_(int fd, const char *path, unsigned flags, const void *attr, size_t size) {
  return syscall(442, fd, path, flags, attr, size);
}
static long change(const char *path, unsigned flags, uint64_t set, uint64_t clear) {
  struct attributes a = {set, clear, 0, 0};
  return setattr_(AT_FDCWD, path, flags, &a, sizeof a);
}

static char top[4096];

static void show(const char *when) {
  printf("-- %s\n", when);
  FILE *f = fopen("/proc/self/mountinfo", "r");
  char line[8192], point[4096], options[4096], rest[4096];
  while (fgets(line, sizeof line, f)) {
    sscanf(line, "%*d %*d %*s %*s %4095s %4095s %4095[^\n]", point, options, rest);
    if (strncmp(point, top, strlen(top))) continue;
    char type[100] = "", source[100] = "", super[100] = "";
    sscanf(strstr(rest, "- "), "- %99s %99s %99s", type, source, super);
    int temporary = strcmp(type, "tmpfs") == 0;
    printf("%s %s %s %s %.2s\n", point + strlen(top), options, temporary ? type : "other", temporary ? source : "", super);
  }
  fclose(f);
}

static void flags_of(const char *path) {
  struct statfs s;
  // What the file system is like, the host's are, too.
  if (statfs(path, &s) == 0) printf("%s flags %lx\n", path, (long)s.f_flags & 0x3c2f);
}

static void touch(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0755);
  printf("%s: %s\n", path, fd < 0 ? strerrorname_np(errno) : "made");
  close(fd);
}

static void copy_to(const char *path, int mode) {
  static char bytes[1 << 20];
  int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
  for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0;) write(to, bytes, n);
  close(from), close(to);
  chmod(path, mode);
}

static void execute(void) {
  char *const args[] = {"a", "ids", NULL};
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    TRY(execv("a/program", args));
    fflush(stdout);
    _exit(7);
  }
  finish(pid);
}

static void by_mount(void) {
  printf("-- attributes by mount\n");
  mkdir("a", 0755), mkdir("b", 0755), mkdir("b/c", 0755);
  TRY(mount("t", "a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, "mode=755,size=4m"));
  chmod("a", 0755);
  show("mounted");
  flags_of("a");
  copy_to("a/program", 04755);
  chown("a/program", 2000, 2000);
  chmod("a/program", 04755);
  TRY(mknod("a/null", S_IFCHR | 0666, makedev(1, 3)));
  TRY0(open("a/null", O_RDWR));
  TRY(access("a/program", X_OK));
  TRY(access("a/program", R_OK));
  execute();
  int fd = open("a/program", O_RDONLY);
  TRY(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED);
  printf("%s\n", strerrorname_np(errno));
  void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  TRY(mprotect(at, 4096, PROT_READ | PROT_EXEC));
  TRY(mprotect(at, 4096, PROT_READ | PROT_WRITE));
  close(fd);
  TRY(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
  show("may be executed");
  TRY(mprotect(at, 4096, PROT_READ | PROT_EXEC));
  TRY0(open("a/null", O_RDWR));
  TRY(access("a/program", X_OK));
  execute();
  TRY(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME | MS_NODIRATIME, NULL));
  execute();
  show("all");
  flags_of("a");
  TRY(mount("a", "b", NULL, MS_BIND | MS_RDONLY, NULL));
  show("a bind has them, too");
  touch("b/x");
  TRY(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSYMFOLLOW, NULL));
  touch("b/x2");
  touch("a/x2");
  symlink("x2", "a/link");
  TRY(access("a/link", F_OK));
  TRY(access("b/link", F_OK));
  TRY(access("b/x2", F_OK));
  char text[10];
  TRY(readlink("b/link", text, sizeof text));
  fd = open("a/x2", O_WRONLY);
  TRY(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  TRY(mount(NULL, "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  close(fd);
  TRY(umount("b"));
  TRY(mount(NULL, "a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  show("read-only");
  TRY(mount(NULL, "a", NULL, MS_REMOUNT, "size=1k"));
  TRY(mount(NULL, "a", NULL, MS_REMOUNT, "nosuch=1"));
  TRY(mount(NULL, "a", NULL, MS_REMOUNT, "size=8m"));
  struct statfs s;
  statfs("a", &s);
  TRY(s.f_blocks);
  TRY(umount("a"));
  TRY(mount("t", "a", "tmpfs", 0, "nosuch"));
  TRY(mount("t", "a", "tmpfs", 0, "size"));
  TRY(mount("t", "a", "tmpfs", 0, "size=x"));
  TRY(mount("t", "a", "tmpfs", 0, "mode=9"));
  TRY(mount("t", "a", "tmpfs", 0, "rw,,size=64k,uid=12,gid=0x10,mode=3700,nr_inodes=3"));
  struct stat st;
  stat("a", &st);
  printf("%d %d %o\n", st.st_uid, st.st_gid, st.st_mode);
  touch("a/1"), touch("a/2"), touch("a/3");
  TRY(umount("a"));
  TRY(mount(NULL, "a", "tmpfs", 0, NULL));
  show("no source");
  TRY(umount("a"));
}

static void log_of(int fd) {
  char text[200];
  for (int i = 0; i < 9; i++) {
    ssize_t n = read(fd, text, sizeof text);
    printf("log %s\n", n < 0 ? strerrorname_np(errno) : "");
    if (n < 0) break;
    // Linux 6.1 names the part of the kernel.
    if (strncmp(text, "e VFS: ", 7) == 0) memmove(text + 2, text + 7, n -= 5);
    printf("%.*s", (int)n, text);
  }
}

static void contexts(void) {
  printf("-- contexts\n");
  TRY(fsopen_("nosuchfs", 0));
  TRY(fsopen_("", 0));
  TRY(fsopen_(NULL, 0));
  TRY(fsopen_("tmpfs", 2));
  int fd = fsopen_("tmpfs", 1);
  TRY(fcntl(fd, F_GETFD));
  TRY(fcntl(fd, F_GETFL) & O_ACCMODE);
  TRY(lseek(fd, 0, SEEK_SET));
  TRY(write(fd, "x", 1));
  char path[64], target[64] = "";
  sprintf(path, "/proc/self/fd/%d", fd);
  readlink(path, target, 63);
  printf("%s\n", target);
  TRY(fsmount_(fd, 0, 0));
  TRY(config(fd, 1, "size", "64k", 0));
  TRY(config(fd, 1, "source", "here", 0));
  TRY(config(fd, 1, "source", "again", 0));
  TRY(config(fd, 0, "source", NULL, 0));
  TRY(config(fd, 1, "nosuch", "1", 0));
  TRY(config(fd, 0, "size", NULL, 0));
  TRY(config(fd, 1, "size", "much", 0));
  TRY(config(fd, 1, "mode", "8", 0));
  TRY(config(fd, 2, "size", "abc", 3));
  TRY(config(fd, 3, "size", "/", AT_FDCWD));
  TRY(config(fd, 5, "size", NULL, 0));
  TRY(config(fd, 5, "size", NULL, 99));
  log_of(fd);
  char small[3];
  TRY(config(fd, 1, "mode", "8", 0));
  TRY(read(fd, small, 3));
  TRY(read(fd, small, 3));
  TRY(config(-1, 1, "size", "64k", 0));
  TRY(config(99, 1, "size", "64k", 0));
  TRY(config(0, 1, "size", "64k", 0));
  TRY(config(fd, 1, NULL, "64k", 0));
  TRY(config(fd, 1, "size", NULL, 0));
  TRY(config(fd, 1, "size", "64k", 1));
  TRY(config(fd, 0, "ro", "64k", 0));
  TRY(config(fd, 2, "size", "64k", 0));
  TRY(config(fd, 3, "size", "64k", -2));
  TRY(config(fd, 5, "size", NULL, -1));
  TRY(config(fd, 6, "size", NULL, 0));
  TRY(config(fd, 7, NULL, "x", 0));
  TRY(config(fd, 100, NULL, NULL, 0));
  TRY(config(fd, 1, (void *)1, "x", 0));
  TRY(config(fd, 1, "size", (void *)1, 0));
  char longer[300];
  memset(longer, 'x', 299), longer[299] = 0;
  TRY(config(fd, 1, longer, "x", 0));
  TRY(config(fd, 1, "size", longer, 0));
  TRY(config(fd, 7, NULL, NULL, 0));
  TRY(config(fd, 1, "mode", "700", 0));
  TRY(config(fd, 0, "sync", NULL, 0));
  TRY(config(fd, 6, NULL, NULL, 0));
  TRY(config(fd, 6, NULL, NULL, 0));
  TRY(config(fd, 1, "mode", "700", 0));
  TRY(fsmount_(fd, 2, 0));
  TRY(fsmount_(fd, 0, 0x30));
  TRY(fsmount_(fd, 0, 0x100));
  TRY(fsmount_(fd, 0, 0x100000));
  TRY(fsmount_(0, 0, 0));
  TRY(fsmount_(99, 0, 0));
  int tree = fsmount_(fd, 1, 8 | 0x10);
  TRY(fcntl(tree, F_GETFD));
  TRY(fsmount_(fd, 0, 0));
  show("not yet");
  TRY(mkdirat(tree, "inside", 0700));
  TRY0(openat(tree, "inside/file", O_CREAT | O_RDWR, 0600));
  TRY(move_mount_(tree, "", AT_FDCWD, "a", 0));
  TRY(move_mount_(tree, "", AT_FDCWD, "a", 0x200 | 0x400));
  TRY(move_mount_(tree, "inside", AT_FDCWD, "a", 4));
  TRY(move_mount_(tree, "", AT_FDCWD, "nowhere", 4));
  TRY(move_mount_(tree, "", AT_FDCWD, "a/program", 4));
  TRY(move_mount_(99, "", AT_FDCWD, "a", 4));
  TRY(move_mount_(0, "", AT_FDCWD, "a", 4));
  TRY(move_mount_(tree, "", tree, "inside", 4));
  TRY(move_mount_(tree, "", AT_FDCWD, "a", 4));
  show("moved");
  TRY(access("a/inside", F_OK));
  TRY(move_mount_(tree, "", AT_FDCWD, "b", 4));
  show("moved once more");
  TRY(config(fd, 0, "ro", NULL, 0));
  TRY(config(fd, 6, NULL, NULL, 0));
  TRY(config(fd, 7, NULL, NULL, 0));
  show("read-only");
  TRY(config(fd, 0, "rw", NULL, 0));
  TRY(config(fd, 7, NULL, NULL, 0));
  int picked = fspick_(AT_FDCWD, "b", 1);
  TRY(fspick_(AT_FDCWD, "b/inside", 0));
  TRY(fspick_(AT_FDCWD, "nowhere", 0));
  TRY(fspick_(AT_FDCWD, "b", 16));
  TRY(fspick_(AT_FDCWD, "", 0));
  TRY0(fspick_(tree, "", 8));
  TRY(fsmount_(picked, 0, 0));
  TRY(config(picked, 1, "size", "1m", 0));
  TRY(config(picked, 7, NULL, NULL, 0));
  struct statfs s;
  statfs("b", &s);
  TRY(s.f_blocks);
  int file = open("b/file", O_CREAT | O_WRONLY, 0600);
  TRY(config(picked, 0, "ro", NULL, 0));
  TRY(config(picked, 7, NULL, NULL, 0));
  TRY(config(picked, 1, "size", "1m", 0));
  close(file);
  TRY(umount("b"));
  TRY(umount2("b", MNT_DETACH));
  TRY(move_mount_(tree, "", AT_FDCWD, "b", 4));
  close(tree), close(fd), close(picked);
  // One that nobody mounts.
  fd = fsopen_("tmpfs", 0);
  TRY(config(fd, 6, NULL, NULL, 0));
  tree = fsmount_(fd, 0, 1);
  TRY(mkdirat(tree, "x", 0700));
  close(tree);
  close(fd);
  show("and nothing is left");
  fd = fsopen_("proc", 0);
  TRY(config(fd, 1, "nosuch", "1", 0));
  TRY(config(fd, 6, NULL, NULL, 0));
  tree = fsmount_(fd, 0, 0);
  TRY(faccessat(tree, "self/status", R_OK, 0));
  TRY(move_mount_(tree, "", AT_FDCWD, "b", 4));
  TRY(access("b/1", F_OK));
  TRY(umount2("b", MNT_DETACH));
}

static void trees(void) {
  printf("-- trees\n");
  TRY(mount("t", "a", "tmpfs", MS_NODEV, "mode=755"));
  mkdir("a/deep", 0755), touch("a/file"), mkdir("a/deep/er", 0755);
  TRY(mount("t2", "a/deep", "tmpfs", MS_NOSUID, NULL));
  touch("a/deep/in");
  TRY(open_tree_(AT_FDCWD, "a", 2));
  TRY(open_tree_(AT_FDCWD, "a", RECURSIVE));
  TRY(open_tree_(AT_FDCWD, "nowhere", CLONE_TREE));
  TRY(open_tree_(AT_FDCWD, "", 0));
  TRY(open_tree_(AT_FDCWD, NULL, 0));
  int plain = open_tree_(AT_FDCWD, "a/file", O_CLOEXEC);
  TRY(fcntl(plain, F_GETFD));
  TRY(fcntl(plain, F_GETFL) == (O_PATH | (fcntl(plain, F_GETFL) & ~O_PATH)));
  TRY(read(plain, top + 4000, 1));
  TRY(move_mount_(plain, "", AT_FDCWD, "b", 4));
  close(plain);
  int alone = open_tree_(AT_FDCWD, "a", CLONE_TREE), all = open_tree_(AT_FDCWD, "a", CLONE_TREE | RECURSIVE | O_CLOEXEC);
  TRY(faccessat(alone, "file", F_OK, 0));
  TRY(faccessat(alone, "deep/in", F_OK, 0));
  TRY(faccessat(all, "deep/in", F_OK, 0));
  TRY(faccessat(all, "deep/../file", F_OK, 0));
  TRY(faccessat(all, "../nowhere", F_OK, 0));
  char path[64];
  sprintf(path, "/proc/self/fd/%d/deep", all);
  TRY(umount(path));
  TRY(mount("t", path, "tmpfs", 0, NULL));
  TRY(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  TRY(move_mount_(all, "deep", AT_FDCWD, "b", 0));
  // Of a tree that is nowhere, too, attributes can be changed.
  struct attributes read_only = {1 | 8, 2, 0, 0};
  TRY(setattr_(all, "", AT_EMPTY_PATH | RECURSIVE, &read_only, sizeof read_only));
  TRY(mkdirat(all, "new", 0700));
  TRY(mkdirat(all, "deep/new", 0700));
  TRY(mkdirat(alone, "new", 0700));
  show("two copies that are nowhere");
  TRY(move_mount_(all, "", AT_FDCWD, "b", 4));
  show("a tree moved");
  TRY(access("b/deep/in", F_OK));
  TRY(move_mount_(AT_FDCWD, "b/deep", AT_FDCWD, "b/deep/../../a/deep/er", 0));
  TRY(move_mount_(AT_FDCWD, "b/deep", AT_FDCWD, "a/new", 0));
  show("and a part of it");
  TRY(move_mount_(AT_FDCWD, "a", AT_FDCWD, "a/new", 0));
  TRY(move_mount_(AT_FDCWD, "a/file", AT_FDCWD, "b", 0));
  TRY(move_mount_(AT_FDCWD, "b", AT_FDCWD, "a/file", 0));
  TRY(umount2("b", MNT_DETACH));
  int one = open_tree_(AT_FDCWD, "a/file", CLONE_TREE);
  TRY(move_mount_(one, "", AT_FDCWD, "b", 4));
  TRY(move_mount_(one, "", AT_FDCWD, "a/deep/in", 4));
  TRY(access("a/deep/in", F_OK));
  show("a file");
  close(one), close(all);
  TRY(umount("a/deep/in"));
  TRY(setns(alone, CLONE_NEWNS));
  TRY(fchdir(alone));
  char where[100];
  TRY(syscall(SYS_getcwd, where, sizeof where));
  printf("%s\n", where);
  TRY(mkdir("below", 0700));
  TRY(chdir("below"));
  TRY(syscall(SYS_getcwd, where, sizeof where));
  printf("%s\n", where);
  TRY(chdir("../.."));
  TRY(chdir(top));
  close(alone);
  TRY(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
  TRY(open_tree_(AT_FDCWD, "a", CLONE_TREE));
  TRY0(open_tree_(AT_FDCWD, "a", 0));
  TRY(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
}

static void attributes(void) {
  printf("-- attributes\n");
  struct attributes a = {0};
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 31));
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 4097));
  TRY(setattr_(AT_FDCWD, "nowhere", 0, &a, 32));
  TRY(setattr_(AT_FDCWD, "nowhere", 1, &a, 32));
  TRY(setattr_(AT_FDCWD, "a", 0, (void *)1, 32));
  struct {
    struct attributes a;
    char more[8];
  } longer = {{8, 0, 0, 0}, {0}};
  TRY(setattr_(AT_FDCWD, "a", 0, &longer, sizeof longer));
  longer.more[3] = 1;
  TRY(setattr_(AT_FDCWD, "a", 0, &longer, sizeof longer));
  show("not to be executed");
  TRY(change("nowhere", 0, 1, 0));
  TRY(change("a/deep/er", 0, 1, 0));
  TRY(change("a/file", 0, 1, 0));
  TRY(change("a", 0, 0x100, 0));
  TRY(change("a", 0, 1ull << 40, 0));
  TRY(change("a", 0, 0x10, 0));
  TRY(change("a", 0, 0x10, 0x10));
  TRY(change("a", 0, 0x30, 0x70));
  TRY(change("a", 0, 0x10, 0x70));
  TRY(change("a", 0, 4, 8));
  show("without times");
  TRY(change("a", 0, 0x20 | 0x80, 0x70));
  TRY(change("a", RECURSIVE, 0x200000, 0));
  show("with times");
  TRY(change("a", RECURSIVE, 0, 0x70 | 0x200000 | 2));
  int fd = open("a/deep/in", O_WRONLY);
  TRY(change("a", RECURSIVE, 1, 0));
  show("written still");
  close(fd);
  TRY(change("a", RECURSIVE, 1, 0));
  touch("a/deep/in");
  show("read-only");
  TRY(change("a", 0, 0, 1));
  touch("a/file");
  a.propagation = MS_PRIVATE | MS_SLAVE;
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 32));
  a.propagation = MS_REC;
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 32));
  a.propagation = MS_UNBINDABLE;
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 32));
  TRY(mount("a", "b", NULL, MS_BIND, NULL));
  a.propagation = MS_PRIVATE;
  TRY(setattr_(AT_FDCWD, "a", RECURSIVE, &a, 32));
  struct attributes mapped = {0x100000, 0, 0, 99};
  TRY(setattr_(AT_FDCWD, "a", 0, &mapped, 32));
  mapped.userns = 1ull << 31;
  TRY(setattr_(AT_FDCWD, "a", 0, &mapped, 32));
  mapped.userns = open("/proc/self/ns/user", O_RDONLY);
  TRY(setattr_(AT_FDCWD, "a", 0, &mapped, 32));
  mapped.userns = open("/proc/self/ns/uts", O_RDONLY);
  TRY(setattr_(AT_FDCWD, "a", 0, &mapped, 32));
  mapped.set = 0, mapped.clear = 0x100000;
  TRY(setattr_(AT_FDCWD, "a", 0, &mapped, 32));
}

static void unprivileged(void) {
  setuid(1000);
  struct attributes a = {1, 0, 0, 0};
  TRY(fsopen_(NULL, 99));
  TRY(fspick_(99, NULL, 99));
  TRY(fsmount_(99, 99, 99));
  TRY(config(99, 6, NULL, NULL, 0));
  TRY(move_mount_(99, NULL, 99, NULL, -1));
  TRY(setattr_(99, NULL, 0, NULL, 32));
  TRY(setattr_(99, NULL, 0, NULL, 31));
  TRY(setattr_(99, NULL, 1, NULL, 32));
  TRY(setattr_(AT_FDCWD, "a", 0, &a, 32));
  TRY(open_tree_(99, NULL, 2));
  TRY(open_tree_(99, NULL, CLONE_TREE));
  TRY0(open_tree_(AT_FDCWD, "a", 0));
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "ids") == 0) {
    printf("ran as %d %d\n", getuid(), geteuid());
    return 3;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  getcwd(top, sizeof top);
  by_mount();
  contexts();
  trees();
  attributes();
  run(unprivileged);
  TRY(umount2("a", MNT_DETACH));
  show("in the end");
  return 0;
}
