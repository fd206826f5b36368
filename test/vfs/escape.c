// Tries by every way known to reach what lies outside the root it was started in. Its argument is the directory outside, as the host names it; there are a file
// `secret`, which must neither be read nor changed, and an empty directory `empty`, which must stay so. What it gets hold of it prints.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char outside[PATH_MAX], secret[PATH_MAX + 16];

// Reads and changes a file in every way there is.
static void attack(int dir, const char *path) {
  char text[64] = {0};
  int fd = openat(dir, path, O_RDONLY);
  if (fd >= 0 && read(fd, text, 63) > 0 && (strstr(text, "SECRET") || strstr(text, "INPUT"))) printf("read by %s: %s\n", path, text);
  close(fd);
  fd = openat(dir, path, O_WRONLY | O_APPEND);
  if (fd >= 0) {
    struct stat s;
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) write(fd, "attacked", 8);
    fchmod(fd, 0777);
  }
  close(fd);
  struct timespec times[2] = {{1, 0}, {1, 0}};
  fchmodat(dir, path, 0777, 0);
  fchownat(dir, path, 1234, 1234, 0);
  fchownat(dir, path, 1234, 1234, AT_SYMLINK_NOFOLLOW);
  utimensat(dir, path, times, 0);
  utimensat(dir, path, times, AT_SYMLINK_NOFOLLOW);
}

// Leaves something in a directory.
static void litter(int dir, const char *path) {
  char name[PATH_MAX + 32];
  snprintf(name, sizeof name, "%s/attacked", path);
  int fd = openat(dir, name, O_CREAT | O_RDWR, 0666);
  if (fd >= 0) close(fd);
  snprintf(name, sizeof name, "%s/attacked.d", path);
  mkdirat(dir, name, 0777);
  snprintf(name, sizeof name, "%s/attacked.l", path);
  symlinkat("x", dir, name);
  snprintf(name, sizeof name, "%s/secret", path);
  linkat(dir, name, AT_FDCWD, "/stolen", 0);
  renameat(dir, name, AT_FDCWD, "/moved");
  unlinkat(dir, name, 0);
  attack(dir, name);
  snprintf(name, sizeof name, "%s/empty", path);
  unlinkat(dir, name, AT_REMOVEDIR);
}

// A directory that has become a link to the outside, while it is still held as `dir` or as the working directory.
static void held(int dir) {
  attack(dir, "secret");
  litter(dir, ".");
  fchmod(dir, 0700);
  fchmodat(dir, ".", 0701, 0);
  fchown(dir, 1234, 1234);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", dir);
  chmod(name, 0702);
  chown(name, 1234, 1234);
  litter(AT_FDCWD, name);
  chmod("/proc/self/cwd", 0703);
  litter(AT_FDCWD, "/proc/self/cwd");
  attack(AT_FDCWD, "secret");
  litter(AT_FDCWD, ".");
}

static void by_links(void) {
  symlink(outside, "/absolute");
  symlink("../../../../../../../../../../", "/up");
  char relative[PATH_MAX + 64];
  snprintf(relative, sizeof relative, "../../../../../../../../../..%s", outside);
  symlink(relative, "/relative");
  snprintf(relative, sizeof relative, "/proc/self/root/../../..%s", outside);
  symlink(relative, "/magic");
  const char *ways[] = {"/absolute", "/relative", "/magic", outside, "/planted", "/planted-relative"};
  for (unsigned n = 0; n < sizeof ways / sizeof *ways; n++) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/secret", ways[n]);
    attack(AT_FDCWD, path);
    litter(AT_FDCWD, ways[n]);
    snprintf(path, sizeof path, "/proc/1/root%s", outside);
    attack(AT_FDCWD, path);
    snprintf(path, sizeof path, "/proc/self/cwd/../..%s", outside);
    litter(AT_FDCWD, path);
  }
  unlink("/absolute"), unlink("/relative"), unlink("/magic"), unlink("/up");
}

static void by_descriptors(void) {
  int root = open("/", O_RDONLY | O_DIRECTORY), path = open("/", O_PATH | O_DIRECTORY);
  char way[PATH_MAX + 64];
  snprintf(way, sizeof way, "../../../../../../../../../../..%s", outside);
  litter(root, way);
  litter(path, way);
  mkdir("/jail", 0755);
  if (fork() == 0) {
    // The old way out of chroot(2): it leads to the root of the tree, and no further.
    chroot("/jail");
    fchdir(root);
    for (int n = 0; n < 30; n++) chdir("..");
    chroot(".");
    litter(AT_FDCWD, outside);
    litter(AT_FDCWD, outside + 1);
    _exit(0);
  }
  wait(NULL);
  rmdir("/jail");
  close(root), close(path);
}

// Removes a directory that is held, and puts a link to the outside in its place.
static void by_removing(void) {
  mkdir("/gone", 0755);
  int dir = open("/gone", O_RDONLY | O_DIRECTORY), path = open("/gone", O_PATH | O_DIRECTORY);
  chdir("/gone");
  rmdir("/gone");
  symlink(outside, "/gone");
  held(dir);
  held(path);
  struct statfs s;
  if (fstatfs(dir, &s) == 0 && s.f_type == 0x9fa0) printf("statfs of /proc\n");
  chdir("/");
  unlink("/gone");
  close(dir), close(path);

  // The same with files: the name is a link to the secret afterwards.
  for (int way = 0; way < 3; way++) {
    int fd = open("/file", O_CREAT | O_RDWR, 0600), only = open("/file", O_PATH);
    if (way == 0) unlink("/file");
    if (way == 1) rename("/file", "/elsewhere");
    if (way == 2) {
      symlink(secret, "/link");
      rename("/link", "/file");
    } else symlink(secret, "/file");
    char name[2][64];
    snprintf(name[0], 64, "/proc/self/fd/%d", fd);
    snprintf(name[1], 64, "/proc/self/fd/%d", only);
    attack(AT_FDCWD, name[0]);
    attack(AT_FDCWD, name[1]);
    syscall(452 /* fchmodat2 */, only, "", 0777, AT_EMPTY_PATH);
    fchownat(only, "", 1234, 1234, AT_EMPTY_PATH);
    truncate(name[1], 0);
    linkat(only, "", AT_FDCWD, "/stolen", AT_EMPTY_PATH);
    attack(AT_FDCWD, "/stolen");
    unlink("/file"), unlink("/elsewhere"), unlink("/stolen");
    close(fd), close(only);
  }
}

// Changes directories under one name while another name of the same directory, made by a bind mount, is trusted.
static void by_mounts(void) {
  mkdir("/a", 0755), mkdir("/b", 0755);
  mkdir("/a/d", 0755), mkdir("/a/d/e", 0755), mkdir("/a/d2", 0755);
  if (mount("/a", "/b", NULL, MS_BIND, NULL)) printf("mount: %s\n", strerror(errno));
  int dir = open("/a/d/e", O_RDONLY | O_DIRECTORY), removed = open("/a/d2", O_PATH | O_DIRECTORY);
  chdir("/a/d");
  rename("/b/d", "/b/moved");
  symlink(outside, "/b/d");
  rmdir("/b/d2");
  symlink(outside, "/b/d2");
  attack(AT_FDCWD, "/a/d/secret");
  litter(AT_FDCWD, "/a/d");
  attack(AT_FDCWD, "/a/d2/secret");
  held(dir);
  held(removed);
  // The directory itself that is bound, and one above it, change.
  chdir("/");
  mkdir("/p", 0755), mkdir("/p/q", 0755), mkdir("/m", 0755);
  mount("/p/q", "/m", NULL, MS_BIND, NULL);
  int bound = open("/m", O_RDONLY | O_DIRECTORY);
  rename("/p", "/p2");
  mkdir("/p", 0755);
  symlink(outside, "/p/q");
  held(bound);
  litter(AT_FDCWD, "/m");
  attack(AT_FDCWD, "/m/secret");
  rename("/p2/q", "/p2/r");
  symlink(outside, "/p2/q");
  litter(AT_FDCWD, "/m");
  rmdir("/p2/r");
  symlink(outside, "/p2/r");
  litter(AT_FDCWD, "/m");
  held(bound);
  close(dir), close(removed), close(bound);
  // Mounting what is outside.
  mkdir("/mnt", 0755);
  const char *sources[] = {outside, "/proc/1/root", "/absolute", "/dev/root", "/dev/sda", "/dev/vda"};
  const char *types[] = {"ext4", "overlay", "9p", "nfs", "fuse", "proc", "sysfs", "devtmpfs"};
  for (int n = 0; n < 6; n++) {
    mount(sources[n], "/mnt", NULL, MS_BIND, NULL);
    for (int k = 0; k < 8; k++) mount(sources[n], "/mnt", types[k], 0, "lowerdir=/,upperdir=/a,workdir=/b");
    litter(AT_FDCWD, "/mnt");
  }
  // Under a mount of our own lie the root's files, not the host's.
  umount2("/dev", MNT_DETACH), umount2("/proc", MNT_DETACH), umount2("/sys", MNT_DETACH);
  attack(AT_FDCWD, "/proc/1/environ");
  syscall(SYS_pivot_root, "/a", "/a");
}

// Devices that an image brings along: `/disk` is a block device of the host in the root, `/null` its null device.
static void by_devices(void) {
  char text[16];
  int fd = open("/disk", O_RDONLY);
  if (fd >= 0 && read(fd, text, 16) == 16) printf("read the host's disk\n");
  fd = open("/memory", O_RDONLY);
  if (fd >= 0 && read(fd, text, 16) == 16) printf("read the host's memory\n");
  mknod("/made", S_IFCHR | 0666, makedev(1, 1));
  fd = open("/made", O_RDONLY);
  if (fd >= 0) printf("opened /dev/mem\n");
  for (unsigned n = 0; n < 300; n += 16) {
    mknod("/made.b", S_IFBLK | 0666, makedev(n, 0));
    fd = open("/made.b", O_RDONLY);
    if (fd >= 0) printf("opened block device %u\n", n);
    unlink("/made.b");
  }
}

// Sockets of the host by their paths, and files that come with standard input.
static void by_others(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "/socket");
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) printf("connected to the host's socket\n");
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/bound", outside);
  bind(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  // Standard input is a file of the host, open for reading only.
  char path[PATH_MAX + 16] = {0};
  fd = open("/proc/self/fd/0", O_WRONLY | O_APPEND);
  if (fd >= 0) write(fd, "attacked", 8);
  fd = open("/dev/stdin", O_RDWR | O_TRUNC);
  truncate("/proc/self/fd/0", 0);
  fchmod(0, 0777);
  chmod("/dev/stdin", 0777);
  if (readlink("/proc/self/fd/0", path, PATH_MAX) > 0) attack(AT_FDCWD, path);
  linkat(AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/stolen", AT_SYMLINK_FOLLOW);
  litter(0, "..");
  litter(0, ".");
  // Processes of the host.
  kill(getppid(), SIGKILL);
  for (int pid = 1; pid < 400; pid++)
    if (pid != getpid()) kill(pid, SIGKILL);
  struct timespec past = {1, 0};
  if (clock_settime(CLOCK_REALTIME, &past) == 0) printf("set the clock\n");
  if (syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, 0) == 0) printf("reboot\n");
  if (sethostname("attacked", 8) == 0) return;
}

// Everything outside by its name, and by as many steps up as there can be, from where the process is and from a directory it holds.
static void from_here(int dir) {
  static const char up[] = "../../../../../../../../../../../../../../../..";
  char name[2 * PATH_MAX];
  attack(AT_FDCWD, secret);
  litter(AT_FDCWD, outside);
  snprintf(name, sizeof name, "%s%s", up, secret);
  attack(AT_FDCWD, name);
  attack(dir, name);
  snprintf(name, sizeof name, "%s%s", up, outside);
  litter(AT_FDCWD, name);
  litter(dir, name);
  snprintf(name, sizeof name, "/proc/self/fd/%d/%s%s", dir, up, secret);
  attack(AT_FDCWD, name);
  snprintf(name, sizeof name, "/proc/1/root%s", secret);
  attack(AT_FDCWD, name);
  snprintf(name, sizeof name, "/proc/self/cwd/%s%s", up, secret);
  attack(AT_FDCWD, name);
}

static void pivoted(int old) {
  mount("t", "/ns", "tmpfs", 0, NULL);
  mkdir("/ns/old", 0755), mkdir("/ns/proc", 0755);
  mount("p", "/ns/proc", "proc", 0, NULL);
  if (syscall(SYS_pivot_root, "/ns", "/ns/old")) printf("pivot_root: %s\n", strerror(errno));
  from_here(old);
  chdir("/old");
  from_here(old);
  chroot("..");
  from_here(old);
  umount2("/old", MNT_DETACH);
  from_here(old);
  fchdir(old);
  from_here(old);
  chroot(".");
  from_here(old);
}
static void pivoted_here(int old) {
  mount("t", "/ns", "tmpfs", 0, NULL);
  mkdir("/ns/proc", 0755);
  mount("p", "/ns/proc", "proc", 0, NULL);
  chdir("/ns");
  if (syscall(SYS_pivot_root, ".", ".")) printf("pivot_root: %s\n", strerror(errno));
  from_here(old);
  umount2(".", MNT_DETACH);
  from_here(old);
  umount2("/", MNT_DETACH);
  from_here(old);
  fchdir(old);
  from_here(old);
}
static void bound_over(int old) {
  static const char *const sources[] = {"/", "/proc/self/root", "/proc/1/root", "/proc/1/cwd", "/proc/self/cwd", "/proc/self/fd/0",
                                        "/dev", "/proc", "/proc/self/ns/mnt", "..", "/ns/.."};
  for (unsigned n = 0; n < sizeof sources / sizeof *sources; n++) {
    for (int how = MS_BIND; how <= (MS_BIND | MS_REC); how += MS_REC) {
      mount(sources[n], "/ns", NULL, how, NULL);
      mount(sources[n], "/ns-file", NULL, how, NULL);
      int fd = open("/ns", O_RDONLY);
      char name[2 * PATH_MAX];
      chdir("/ns");
      from_here(fd);
      snprintf(name, sizeof name, "/ns%s", secret);
      attack(AT_FDCWD, name);
      attack(AT_FDCWD, "/ns-file");
      chroot("/ns");
      from_here(fd);
      fchdir(old);
      chroot(".");
      mount(NULL, "/ns", NULL, MS_REMOUNT | MS_BIND, NULL);
      umount2("/ns", MNT_DETACH);
      from_here(fd);
      close(fd);
      umount2("/ns-file", MNT_DETACH);
    }
  }
}
static void moved_about(int old) {
  mount("t", "/ns", "tmpfs", 0, NULL);
  mkdir("/ns/a", 0755), mkdir("/ns/b", 0755);
  mount("/", "/ns/a", NULL, MS_BIND | MS_REC, NULL);
  int fd = open("/ns/a", O_RDONLY);
  mount("/ns/a", "/ns/b", NULL, MS_MOVE, NULL);
  from_here(fd);
  mount("/ns", "/ns/b/ns", NULL, MS_MOVE, NULL);
  mount("/ns/b", "/", NULL, MS_MOVE, NULL);
  from_here(fd);
  mount("/", "/ns", NULL, MS_MOVE, NULL);
  mount("t", "/", "tmpfs", 0, NULL);
  from_here(old);
  umount("/"), umount("/");
  from_here(fd);
}
static void other_namespace(int old) {
  int first = open("/proc/1/ns/mnt", O_RDONLY), own = open("/proc/self/ns/mnt", O_RDONLY);
  int pair[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  mkdir("/ns/jail", 0755);
  chroot("/ns");
  from_here(old);
  setns(first, CLONE_NEWNS);
  from_here(old);
  unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP);
  umount2("/", MNT_DETACH);
  from_here(old);
  setns(own, 0);
  from_here(old);
  unshare(CLONE_NEWUSER), unshare(CLONE_NEWPID);
  for (int pid = 1; pid < 400; pid++) {
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/ns/mnt", pid);
    int fd = open(name, O_RDONLY);
    if (fd >= 0) setns(fd, 0), close(fd);
  }
  from_here(old);
}

// Each way in a process and mount namespace of its own.
static void by_namespaces(void) {
  static void (*const ways[])(int) = {pivoted, pivoted_here, bound_over, moved_about, other_namespace};
  mkdir("/ns", 0755);
  close(open("/ns-file", O_CREAT, 0644));
  for (unsigned n = 0; n < sizeof ways / sizeof *ways; n++) {
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
      if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", strerror(errno));
      ways[n](open("/", O_RDONLY));
      fflush(stdout);
      _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    if (status) printf("way %u ended by %x\n", n, status);
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  snprintf(outside, sizeof outside, "%s", argv[1]);
  snprintf(secret, sizeof secret, "%s/secret", outside);
  by_links();
  by_descriptors();
  by_removing();
  by_namespaces();
  by_mounts();
  by_devices();
  by_others();
  printf("done\n");
  return 0;
}
