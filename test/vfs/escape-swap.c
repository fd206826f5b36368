// Tries to reach what lies outside the root through directories that somebody on the host exchanges for links to it, all the time. Under
// each place given as an argument there are `swap`, a directory or a link to the outside, and `deep/swap/d`, likewise one level up.
// Outside are a file `secret` of 4242 bytes that begins with SECRET, an executable `tool`, a listening socket `listener` and an empty directory
// `empty`. What it gets hold of it prints.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *attempt;

static char *in(const char *dir, const char *name) {
  static char paths[8][PATH_MAX];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, PATH_MAX, "%s/%s", dir, name);
  return path;
}

static void got(const char *what) { printf("%s: %s\n", attempt, what); }

static void see_text(const char *text, int length) {
  if (length >= 6 && memmem(text, length, "SECRET", 6)) got("read the secret");
}
static void see(int fd) {
  char text[64];
  if (fd < 0) return;
  see_text(text, read(fd, text, sizeof text));
  struct stat s;
  if (fstat(fd, &s) == 0 && s.st_size == 4242) got("has it open");
  close(fd);
}
static void see_stat(int result, struct stat *s) {
  if (result == 0 && s->st_size == 4242) got("saw its size");
}
static void see_names(DIR *d) {
  struct dirent *e;
  while (d && (e = readdir(d)))
    if (!strcmp(e->d_name, "secret")) got("saw its name");
  if (d) closedir(d);
}

// ---- by the path of a directory that is exchanged ----

static void opening(const char *d) { see(open(in(d, "secret"), O_RDONLY)); }
static void opening_to_write(const char *d) { see(open(in(d, "secret"), O_RDWR | O_APPEND)); }
static void truncating_open(const char *d) { see(open(in(d, "secret"), O_WRONLY | O_TRUNC)); }
static void path_only(const char *d) {
  int fd = open(in(d, "secret"), O_PATH);
  if (fd < 0) return;
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  see(open(name, O_RDONLY));
  chmod(name, 0777), truncate(name, 0);
  struct stat s;
  see_stat(fstat(fd, &s), &s);
  close(fd);
}
static void resolving(const char *d) {
  // struct open_how: flags, mode, resolve (RESOLVE_IN_ROOT).
  unsigned long long how[3] = {O_RDWR, 0, 0x10};
  see(syscall(SYS_openat2, AT_FDCWD, in(d, "secret"), how, sizeof how));
}
static void looking(const char *d) {
  struct stat s;
  see_stat(stat(in(d, "secret"), &s), &s);
  see_stat(lstat(in(d, "secret"), &s), &s);
  if (access(in(d, "secret"), F_OK) == 0) got("found it");
}
static void listing(const char *d) { see_names(opendir(d)); }
static void creating(const char *d) { close(open(in(d, "attacked"), O_CREAT | O_RDWR, 0666)); }
static void creating_alone(const char *d) { close(open(in(d, "attacked"), O_CREAT | O_EXCL | O_RDWR, 0666)), unlink(in(d, "attacked")); }
static void making_directories(const char *d) { mkdir(in(d, "attacked.d"), 0777), rmdir(in(d, "attacked.d")); }
static void making_links(const char *d) { symlink("x", in(d, "attacked.l")), unlink(in(d, "attacked.l")); }
static void making_special(const char *d) {
  mkfifo(in(d, "attacked.f"), 0777), unlink(in(d, "attacked.f"));
  mknod(in(d, "attacked.n"), S_IFCHR | 0666, makedev(1, 3)), unlink(in(d, "attacked.n"));
}
static void linking_out(const char *d) {
  link("/mine", in(d, "attacked"));
  unlink(in(d, "attacked"));
}
static void linking_in(const char *d) {
  if (link(in(d, "secret"), "/stolen") == 0) see(open("/stolen", O_RDWR));
  unlink("/stolen");
}
static void renaming_in(const char *d) {
  if (rename(in(d, "secret"), "/stolen") == 0) see(open("/stolen", O_RDWR));
}
static void renaming_out(const char *d) {
  rename("/mine", in(d, "attacked")), rename(in(d, "attacked"), "/mine");
  close(open("/mine", O_CREAT | O_RDWR, 0666));
}
static void exchanging(const char *d) {
  if (renameat2(AT_FDCWD, "/mine", AT_FDCWD, in(d, "secret"), RENAME_EXCHANGE) == 0) see(open("/mine", O_RDWR));
}
static void unlinking(const char *d) { unlink(in(d, "secret")); }
static void removing(const char *d) { rmdir(in(d, "empty")); }
static void changing_modes(const char *d) { chmod(in(d, "secret"), 0777), chmod(in(d, "empty"), 0), chmod(d, 0777), chmod(in(d, "."), 0777); }
static void changing_owners(const char *d) { chown(in(d, "secret"), 7, 7), lchown(in(d, "secret"), 7, 7), chown(d, 7, 7), chown(d, 0, 0); }
static void changing_times(const char *d) {
  struct timespec times[2] = {{1, 1}, {1, 1}};
  utimensat(AT_FDCWD, in(d, "secret"), times, 0), utimensat(AT_FDCWD, in(d, "secret"), times, AT_SYMLINK_NOFOLLOW);
  utimensat(AT_FDCWD, d, times, 0);
}
static void truncating(const char *d) { truncate(in(d, "secret"), 0); }
static void attributes(const char *d) {
  char value[64];
  setxattr(in(d, "secret"), "user.attacked", "1", 1, 0), setxattr(d, "user.attacked", "1", 1, 0), lsetxattr(d, "user.attacked", "1", 1, 0);
  if (getxattr(in(d, "secret"), "user.mark", value, sizeof value) > 0) got("read an attribute");
  if (listxattr(in(d, "secret"), value, sizeof value) > 0) got("saw attributes");
  removexattr(in(d, "secret"), "user.mark");
}
static void file_systems(const char *d) {
  struct statfs s;
  if (statfs(in(d, "secret"), &s) == 0) got("statfs of it");
}
static void nameless(const char *d) {
  int fd = open(d, O_TMPFILE | O_RDWR, 0600);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  if (fd >= 0) linkat(AT_FDCWD, name, AT_FDCWD, in(d, "attacked.t"), AT_SYMLINK_FOLLOW), unlink(in(d, "attacked.t"));
  close(fd);
}
static void executing(const char *d) {
  fflush(stdout);
  if (vfork() == 0) {
    execl(in(d, "tool"), "tool", attempt, NULL);
    _exit(0);
  }
  wait(NULL);
}
static void executing_relative(const char *d) {
  fflush(stdout);
  if (fork() == 0) {
    if (chdir(d) == 0) execl("./tool", "tool", attempt, NULL);
    _exit(0);
  }
  wait(NULL);
}
static void sockets(const char *d) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  snprintf(a.sun_path, sizeof a.sun_path, "%.90s/attacked.s", d);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(s, (void *)&a, sizeof a);
  close(s);
  unlink(a.sun_path);
  snprintf(a.sun_path, sizeof a.sun_path, "%.90s/listener", d);
  s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(s, (void *)&a, sizeof a) == 0) got("connected");
  close(s);
}
static void watching(const char *d) {
  int i = inotify_init1(IN_NONBLOCK);
  if (inotify_add_watch(i, in(d, "secret"), IN_ALL_EVENTS) >= 0) got("watches it");
  close(i);
}

// ---- by what is held while it is exchanged ----

static void held_directory(const char *d) {
  int fd = open(d, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  for (int n = 0; n < 3; n++) {
    see(openat(fd, "secret", O_RDWR));
    see(openat(fd, "./../swap/secret", O_RDWR));
    close(openat(fd, "attacked", O_CREAT | O_RDWR, 0666)), unlinkat(fd, "attacked", 0), unlinkat(fd, "secret", 0);
    fchmodat(fd, "secret", 0777, 0), mkdirat(fd, "attacked.d", 0777), unlinkat(fd, "attacked.d", AT_REMOVEDIR);
    struct stat s;
    see_stat(fstatat(fd, "secret", &s, 0), &s);
    see_names(fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY)));
    fchmod(fd, 0755), fsetxattr(fd, "user.held", "1", 1, 0), fsync(fd);
    struct timespec times[2] = {{1, 1}, {1, 1}};
    futimens(fd, times);
  }
  close(fd);
}
static void held_path(const char *d) {
  int fd = open(d, O_PATH | O_DIRECTORY);
  if (fd < 0) return;
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  see(open(in(name, "secret"), O_RDWR)), see(open(in(name, "../swap/secret"), O_RDWR));
  chmod(name, 0777), creating(name), unlink(in(name, "attacked")), see_names(opendir(name));
  close(fd);
}
static void working_directory(const char *d) {
  if (chdir(d)) return;
  see(open("secret", O_RDWR)), see(open("../swap/secret", O_RDWR)), see(open("/proc/self/cwd/secret", O_RDWR));
  creating("."), unlink("attacked"), listing("."), unlink("secret"), chmod(".", 0755), truncate("secret", 0);
  chdir("/");
}
static void new_root(const char *d) {
  fflush(stdout);
  if (fork() == 0) {
    if (chroot(d) == 0) {
      see(open("/secret", O_RDWR)), see(open("/../secret", O_RDWR)), chdir("/"), creating("/"), unlink("/attacked"), listing("/");
      chroot("."), see(open("../../../secret", O_RDWR));
    }
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}
static void mounting(const char *d) {
  mkdir("/mnt", 0755);
  if (mount(d, "/mnt", NULL, MS_BIND, NULL)) return;
  for (int n = 0; n < 3; n++) see(open("/mnt/secret", O_RDWR)), creating("/mnt"), unlink("/mnt/attacked"), listing("/mnt"), changing_modes("/mnt");
  umount("/mnt");
}
static void mounting_on(const char *d) {
  if (mount("none", d, "tmpfs", 0, NULL)) return;
  see(open(in(d, "secret"), O_RDWR)), creating(d);
  umount(d);
}
static void mounting_the_file(const char *d) {
  close(open("/on", O_CREAT | O_RDWR, 0666));
  if (mount(in(d, "secret"), "/on", NULL, MS_BIND, NULL)) return;
  see(open("/on", O_RDWR));
  umount("/on");
}
static void descriptors_sent(const char *d) {
  int pair[2], fd = open(d, O_RDONLY | O_DIRECTORY);
  if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
  char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  sendmsg(pair[0], &m, 0);
  close(fd);
  if (recvmsg(pair[1], &m, 0) == 1) {
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    see(openat(fd, "secret", O_RDWR)), see(openat(fd, "../swap/secret", O_RDWR));
    close(openat(fd, "attacked", O_CREAT | O_RDWR, 0666)), unlinkat(fd, "attacked", 0);
    close(fd);
  }
  close(pair[0]), close(pair[1]);
}
static void mapping(const char *d) {
  int fd = open(in(d, "secret"), O_RDONLY);
  if (fd < 0) return;
  char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) see_text(map, 64);
  close(fd);
}
static void sending_files(const char *d) {
  int from = open(in(d, "secret"), O_RDONLY), to = open("/copy", O_CREAT | O_RDWR | O_TRUNC, 0600);
  if (from >= 0 && sendfile(to, from, NULL, 64) > 0) got("sent it");
  close(from), close(to);
}
static void locking(const char *d) {
  int fd = open(in(d, "secret"), O_RDONLY);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) got("locked it");
  close(fd);
}
static void links_to_it(const char *d) {
  unlink("/to");
  symlink(in(d, "secret"), "/to");
  see(open("/to", O_RDWR));
  unlink("/to");
  symlink(d, "/to");
  see(open("/to/secret", O_RDWR)), creating("/to"), unlink("/to/attacked"), listing("/to");
}
static void processes(const char *d) {
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    chdir(d);
    pause();
  }
  char path[PATH_MAX];
  for (int n = 0; n < 3; n++) {
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    see(open(in(path, "secret"), O_RDWR)), listing(path), creating(path), unlink(in(path, "attacked"));
    sched_yield();
  }
  kill(pid, SIGKILL);
  wait(NULL);
}
static void up_and_down(const char *d) {
  see(open(in(d, "../swap/secret"), O_RDWR)), see(open(in(d, "../../deep/swap/d/../secret"), O_RDWR)), see(open(in(d, "empty/../secret"), O_RDWR));
}

static const struct {
  const char *name;
  void (*try)(const char *);
} attempts[] = {
#define ATTEMPT(f) {#f, f}
    ATTEMPT(opening), ATTEMPT(opening_to_write), ATTEMPT(truncating_open), ATTEMPT(path_only), ATTEMPT(resolving), ATTEMPT(looking), ATTEMPT(listing),
    ATTEMPT(creating), ATTEMPT(creating_alone), ATTEMPT(making_directories), ATTEMPT(making_links), ATTEMPT(making_special), ATTEMPT(linking_out),
    ATTEMPT(linking_in), ATTEMPT(renaming_in), ATTEMPT(renaming_out), ATTEMPT(exchanging), ATTEMPT(unlinking), ATTEMPT(removing), ATTEMPT(changing_modes),
    ATTEMPT(changing_owners), ATTEMPT(changing_times), ATTEMPT(truncating), ATTEMPT(attributes), ATTEMPT(file_systems), ATTEMPT(nameless),
    ATTEMPT(executing), ATTEMPT(executing_relative), ATTEMPT(sockets), ATTEMPT(watching), ATTEMPT(held_directory), ATTEMPT(held_path),
    ATTEMPT(working_directory), ATTEMPT(new_root), ATTEMPT(mounting), ATTEMPT(mounting_on), ATTEMPT(mounting_the_file), ATTEMPT(descriptors_sent),
    ATTEMPT(mapping), ATTEMPT(sending_files), ATTEMPT(locking), ATTEMPT(links_to_it), ATTEMPT(processes), ATTEMPT(up_and_down)};

int main(int count, char **places) {
  int seconds = count > 1 ? atoi(places[1]) : 1, rounds = 0;
  close(open("/mine", O_CREAT | O_RDWR, 0666));
  for (time_t end = time(NULL) + seconds; time(NULL) < end || rounds < 3; rounds++)
    for (int place = 2; place < count; place++)
      for (unsigned n = 0; n < sizeof attempts / sizeof *attempts; n++) {
        attempt = attempts[n].name;
        attempts[n].try(in(places[place], "swap"));
        attempts[n].try(in(places[place], "deep/swap/d"));
      }
  printf("done: %u attempts\n", (unsigned)(sizeof attempts / sizeof *attempts));
  return 0;
}
