// Mount, UTS, IPC and network namespaces: what is mounted and named in one is not in the other. Run in an empty directory.
#include "try.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static char top[4096];

/* Mounts below the directory: where, how, what. */
static void show(const char *when) {
  printf("-- %s\n", when);
  FILE *f = fopen("/proc/self/mountinfo", "r");
  if (f == NULL) {
    printf("no mountinfo: %s\n", strerrorname_np(errno));
    return;
  }
  char line[8192], point[4096], options[4096], rest[4096];
  while (fgets(line, sizeof line, f)) {
    sscanf(line, "%*d %*d %*s %*s %4095s %4095s %4095[^\n]", point, options, rest);
    size_t n = strlen(top);
    if (strncmp(point, top, n) && top[1]) continue;
    char *type = strstr(rest, "- ");
    printf("%s %.2s%s %.5s\n", top[1] ? point + n : point, options, strstr(rest, "unbindable") ? " unbindable" : "",
           type && strncmp(type + 2, "tmpfs", 5) == 0 ? "tmpfs" : "other");
  }
  fclose(f);
}

static void touch(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0644);
  printf("%s: %s\n", path, fd < 0 ? strerrorname_np(errno) : "made");
  close(fd);
}

static void names(void) {
  struct utsname u;
  uname(&u);
  printf("host %s\n", strlen(u.nodename) < 20 && strcmp(u.nodename, "first") == 0 ? "first" : strcmp(u.nodename, "second") == 0 ? "second" : "other");
}

static void link_of(const char *kind, char *into) {
  char path[100];
  sprintf(path, "/proc/self/ns/%s", kind);
  int n = readlink(path, into, 99);
  into[n < 0 ? 0 : n] = 0;
}

static void child(void) {
  static const char *const kinds[] = {"mnt", "uts", "ipc", "net", "cgroup", "user", "pid", "time"};
  char before[8][100], after[100];
  for (int i = 0; i < 8; i++) link_of(kinds[i], before[i]);
  TRY(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
  for (int i = 0; i < 8; i++) {
    link_of(kinds[i], after);
    printf("%s %s\n", kinds[i], strcmp(before[i], after) ? "is another" : "is the same");
  }
  TRY(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  TRY(sethostname("second", 6));
  names();
  TRY(msgget(1234, 0600));
  TRY0(msgget(1234, IPC_CREAT | 0600));
  TRY(mount("t", "b", "tmpfs", 0, "size=64k"));
  touch("b/in");
  TRY(umount("a"));
  touch("a/none");
  show("in the child");
  TRY(mount(NULL, "keep", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  touch("keep/x");
}

static void pivot(void) {
  TRY(unshare(CLONE_NEWNS));
  TRY(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  mkdir("new", 0755);
  mkdir("new/old", 0755);
  mkdir("new/proc", 0755);
  TRY(syscall(SYS_pivot_root, "new", "new/old"));
  TRY(mount("new", "new", NULL, MS_BIND, NULL));
  TRY(syscall(SYS_pivot_root, "new", "b"));
  TRY(syscall(SYS_pivot_root, "/", "/"));
  TRY(syscall(SYS_pivot_root, "new/proc", "new/proc"));
  TRY(syscall(SYS_pivot_root, "missing", "b"));
  TRY(mount("p", "new/proc", "proc", 0, NULL));
  touch("new/file");
  TRY(syscall(SYS_pivot_root, "new", "new/old"));
  char where[4096];
  printf("cwd %s\n", getcwd(where, sizeof where) && strncmp(where, "/old/", 5) == 0 ? "below /old" : where);
  TRY(chdir("/"));
  TRY(access("/file", F_OK));
  TRY(access("/old/etc/passwd", F_OK));
  TRY(umount("/old"));
  TRY(umount2("/old", MNT_DETACH));
  TRY(access("/old/etc/passwd", F_OK));
  TRY(umount2("/old", MNT_DETACH));
  TRY(access("/etc/passwd", F_OK));
  TRY(access("/../../etc/passwd", F_OK));
  strcpy(top, "/");
  show("pivoted");
}

static void pivot_here(void) {
  TRY(unshare(CLONE_NEWNS));
  TRY(mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL));
  mkdir("here", 0755);
  TRY(mount("t", "here", "tmpfs", 0, NULL));
  mkdir("here/proc", 0755);
  TRY(mount("p", "here/proc", "proc", 0, NULL));
  TRY(chdir("here"));
  TRY(syscall(SYS_pivot_root, ".", "."));
  TRY(umount2(".", MNT_DETACH));
  TRY(chdir("/"));
  TRY(access("etc/passwd", F_OK));
  TRY(umount2("/", MNT_DETACH));
  touch("/here");
  strcpy(top, "/");
  show("pivoted here");
}

static int cloned(void *unused) {
  (void)unused;
  names();
  TRY(sethostname("second", 6));
  names();
  TRY(mount("t", "b", "tmpfs", 0, NULL));
  show("cloned");
  fflush(stdout);
  _exit(0);
}

static void unprivileged(void) {
  setuid(1000);
  TRY(unshare(CLONE_NEWNS));
  TRY(unshare(CLONE_NEWUTS | CLONE_NEWIPC));
  TRY(mount("t", "b", "tmpfs", 0, NULL));
  TRY(umount("a"));
  TRY(syscall(SYS_pivot_root, "a", "a"));
  TRY(chroot("a"));
  TRY(sethostname("x", 1));
}

int main(void) {
  getcwd(top, sizeof top);
  TRY(sethostname("first", 5));
  static const char *const directories[] = {"a", "b", "c", "c/d", "keep"};
  for (int i = 0; i < 5; i++) mkdir(directories[i], 0755);
  touch("c/file");
  TRY(mount("t", "a", "tmpfs", 0, "size=64k"));
  touch("a/first");
  TRY(mount("t", "a", "tmpfs", MS_RDONLY, NULL));
  TRY(access("a/first", F_OK));
  touch("a/x");
  show("two over each other");
  TRY(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
  touch("a/x");
  TRY(umount("a"));
  TRY(access("a/first", F_OK));
  TRY(mount("c", "b", NULL, MS_BIND, NULL));
  TRY(access("b/file", F_OK));
  TRY(mount("c", "b", NULL, MS_BIND, NULL));
  TRY(mount("t", "b/d", "tmpfs", 0, NULL));
  touch("b/d/here");
  TRY(access("c/d/here", F_OK));
  TRY(rmdir("b/d"));
  TRY(rename("b/d", "b/e"));
  TRY(umount("b"));
  TRY(mount("b", "c/d", NULL, MS_MOVE, NULL));
  show("moved");
  TRY(access("c/d/d/here", F_OK));
  TRY(mount("c/d", "c/d/d", NULL, MS_MOVE, NULL));
  TRY(mount("c", "keep", NULL, MS_MOVE, NULL));
  TRY(umount("c/d"));
  int fd = open("c/d/d/here", O_RDONLY);
  TRY(umount("c/d/d"));
  close(fd);
  TRY(umount("c/d/d"));
  TRY(umount2("c/d", MNT_DETACH));
  TRY(umount("c/d"));
  TRY(umount("missing"));
  TRY(umount("c/file"));
  TRY(mount("c/file", "b", NULL, MS_BIND, NULL));
  TRY(mount("c", "c/file", NULL, MS_BIND, NULL));
  TRY(mount("missing", "b", NULL, MS_BIND, NULL));
  TRY(mount("t", "c/file", "tmpfs", 0, NULL));
  TRY(mount("t", "b", "nosuchfs", 0, NULL));
  TRY(mount(NULL, "c", NULL, MS_PRIVATE, NULL));
  TRY(mount(NULL, "a", NULL, MS_PRIVATE | MS_SLAVE, NULL));
  TRY(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
  TRY(mount("a", "b", NULL, MS_BIND, NULL));
  show("unbindable");
  TRY(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
  TRY(mount("c", "keep", NULL, MS_BIND, NULL));
  // Binds of what is no file of the host, and of what is mounted below.
  touch("a/bound");
  mkdir("a/dir", 0755);
  TRY(mount("a", "b", NULL, MS_BIND, NULL));
  TRY(access("b/bound", F_OK));
  touch("b/new");
  TRY(access("a/new", F_OK));
  TRY(rename("a/new", "b/new2"));
  TRY(rename("b/new", "b/new2"));
  TRY(unlink("a/new2"));
  TRY(access("b/new2", F_OK));
  struct stat s1, s2;
  stat("a/bound", &s1), stat("b/bound", &s2);
  printf("%s file\n", s1.st_ino == s2.st_ino && s1.st_dev == s2.st_dev ? "one" : "another");
  TRY(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  touch("b/no");
  touch("a/yes");
  TRY(umount("b"));
  TRY(mount("/dev/null", "c/file", NULL, MS_BIND, NULL));
  int null = open("c/file", O_RDWR);
  TRY(write(null, "text", 4));
  TRY(read(null, top + 4000, 4));
  close(null);
  TRY(umount("c/file"));
  TRY(mount("t", "a/dir", "tmpfs", 0, NULL));
  touch("a/dir/deep");
  TRY(mount("a", "b", NULL, MS_BIND, NULL));
  TRY(access("b/dir/deep", F_OK));
  TRY(umount("b"));
  TRY(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
  TRY(access("b/dir/deep", F_OK));
  show("bound with what is below");
  TRY(umount("b"));
  TRY(umount2("b", MNT_DETACH));
  TRY(umount("a/dir"));
  show("and not");
  int ends[2];
  char path[64];
  pipe(ends);
  sprintf(path, "/proc/self/fd/%d", ends[0]);
  TRY(mount(path, "c/file", NULL, MS_BIND, NULL));
  TRY(mount("/proc/self/ns/uts", "c/file", NULL, MS_BIND, NULL));
  int named = open("c/file", O_RDONLY);
  TRY(setns(named, CLONE_NEWUTS));
  TRY(setns(named, CLONE_NEWNET));
  close(named);
  TRY(umount("c/file"));
  int other = open("/proc/self/ns/mnt", O_RDONLY), uts = open("/proc/self/ns/uts", O_RDONLY);
  run(child);
  show("after the child");
  names();
  touch("a/still");
  touch("keep/x");
  TRY(access("b/in", F_OK));
  TRY(msgget(1234, 0600));
  run(pivot);
  run(pivot_here);
  show("after those");
  touch("a/still");
  static char stack[65536];
  fflush(stdout);
  int pid = clone(cloned, stack + sizeof stack, CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD, NULL);
  finish(pid);
  names();
  TRY(clone(cloned, stack + sizeof stack, CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL));
  show("after the clone");
  TRY(unshare(CLONE_NEWNS | CLONE_NEWUTS));
  TRY(sethostname("second", 6));
  TRY(umount("a"));
  TRY(chdir("c"));
  show("unshared");
  TRY(setns(uts, CLONE_NEWNS));
  TRY(setns(uts, 0));
  names();
  TRY(setns(other, CLONE_NEWNS));
  char where[100];
  printf("at %s\n", getcwd(where, sizeof where));
  TRY(chdir(top));
  show("back");
  run(unprivileged);
  TRY(umount2("a", MNT_DETACH));
  TRY(umount("keep"));
  return 0;
}
