// User namespaces: maps of ids, what capabilities in one are good for, and files of owners that have no name in it. Run by root in
// an empty directory of a mount namespace of its own.
#include "try.h"
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int to_parent[2], to_child[2];

static void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) {
    printf("%s: open %s\n", strstr(path, "/self/") ? path : strrchr(path, '/'), strerrorname_np(errno));
    return;
  }
  errno = 0;
  int n = write(fd, text, strlen(text));
  printf("%s <- \"%s\": %s\n", strstr(path, "/self/") ? path : strrchr(path, '/'), text, n < 0 ? strerrorname_np(errno) : n == (int)strlen(text) ? "written" : "part");
  close(fd);
}

static void show(const char *path) {
  char text[4096];
  int fd = open(path, O_RDONLY);
  int n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  printf("%s:\n%.*s", strstr(path, "/self/") ? path : strrchr(path, '/'), n < 0 ? 0 : n, text);
  close(fd);
}

static void ids(void) {
  uid_t r, e, s;
  gid_t a, b, c, groups[100];
  getresuid(&r, &e, &s);
  getresgid(&a, &b, &c);
  printf("uid %u %u %u gid %u %u %u groups", r, e, s, a, b, c);
  int n = getgroups(100, groups);
  for (int i = 0; i < n; i++) printf(" %u", groups[i]);
  printf("\n");
}

static void status_of(const char *who) {
  char path[100], line[300];
  sprintf(path, "/proc/%s/status", who);
  FILE *f = fopen(path, "r");
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, "Uid", 3) || !strncmp(line, "Gid", 3) || !strncmp(line, "Cap", 3) || !strncmp(line, "Groups", 6)) fputs(line, stdout);
  if (f) fclose(f);
}

static void owner(const char *path) {
  struct stat s;
  if (lstat(path, &s)) printf("%s %s\n", path, strerrorname_np(errno));
  else printf("%s %u %u %o\n", path, s.st_uid, s.st_gid, s.st_mode);
}

static void part(const char *name, void (*what)(void)) {
  printf("-- %s\n", name);
  run(what);
}

static void user(void) {
  TRY(setgroups(0, NULL));
  TRY(setgid(1000));
  TRY(setuid(1000));
  TRY(prctl(PR_SET_DUMPABLE, 1));
}

// ---- an ordinary user ----

static void unmapped(void) {
  user();
  TRY(unshare(CLONE_NEWNS));
  TRY(unshare(CLONE_NEWUSER));
  ids();
  status_of("self");
  show("/proc/self/uid_map");
  show("/proc/self/setgroups");
  TRY(setuid(0));
  TRY(setuid(1000));
  TRY(setuid(65534));
  TRY(setgroups(0, NULL));
  owner("theirs");
  owner("mine");
  TRY(chown("mine", 0, 0));
  TRY(chown("mine", 65534, -1));
  TRY(chown("mine", -1, -1));
  TRY(chmod("mine", 0640));
  TRY0(open("mine", O_RDWR));
  TRY0(open("theirs", O_RDONLY));
  TRY0(open("new", O_CREAT | O_WRONLY, 0600));
  owner("new");
  TRY(unshare(CLONE_NEWUSER));
  TRY(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
  TRY(sethostname("inside", 6));
  TRY(mount("t", ".", "tmpfs", 0, NULL));
  owner(".");
}

static void mapped(void) {
  user();
  TRY(unshare(CLONE_NEWUSER));
  write_to("/proc/self/uid_map", "");
  write_to("/proc/self/uid_map", "0 1000");
  write_to("/proc/self/uid_map", "0 1000 1 1");
  write_to("/proc/self/uid_map", "0 1000 0");
  write_to("/proc/self/uid_map", "0 0 1");
  write_to("/proc/self/uid_map", "0 1001 1");
  write_to("/proc/self/uid_map", "0 1000 2");
  write_to("/proc/self/uid_map", "0 1000 1\n5 1000 1");
  write_to("/proc/self/uid_map", "x 1000 1");
  write_to("/proc/self/uid_map", "0 1000 1\n");
  write_to("/proc/self/uid_map", "0 1000 1\n");
  write_to("/proc/self/gid_map", "0 1000 1\n");
  write_to("/proc/self/setgroups", "maybe");
  write_to("/proc/self/setgroups", "deny ");
  write_to("/proc/self/setgroups", "allow");
  write_to("/proc/self/setgroups", "deny\n");
  write_to("/proc/self/gid_map", "0 1000 1\n");
  write_to("/proc/self/setgroups", "deny");
  show("/proc/self/uid_map");
  show("/proc/self/gid_map");
  show("/proc/self/setgroups");
  write_to("/proc/self/projid_map", "0 0 1");
  ids();
  status_of("self");
  TRY(setuid(1));
  TRY(setgroups(0, NULL));
  TRY(setresuid(-1, 0, -1));
  owner("theirs");
  owner("mine");
  owner("shared");
  TRY(chown("mine", 0, 0));
  TRY(chown("mine", 1, 0));
  TRY(chown("theirs", 0, 0));
  TRY(chmod("theirs", 0600));
  TRY0(open("theirs", O_RDONLY));
  TRY0(open("mine", O_RDONLY));
  TRY(unlink("sticky/theirs"));
  TRY(unlink("sticky/mine"));
  TRY(mknod("device", S_IFCHR | 0600, makedev(1, 3)));
  TRY(mknod("whiteout", S_IFCHR | 0600, 0));
  TRY(mkfifo("fifo", 0600));
  owner("fifo");
  TRY(setxattr("mine", "trusted.x", "1", 1, 0));
  TRY(setxattr("mine", "user.x", "1", 1, 0));
  TRY(setpriority(PRIO_PROCESS, 0, -1));
  TRY(kill(getppid(), 0));
  TRY(mount("t", "sticky", "tmpfs", 0, NULL));
  TRY(sethostname("inside", 6));
  TRY(chroot("."));
}

static void with_mounts(void) {
  user();
  TRY(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
  write_to("/proc/self/setgroups", "deny");
  write_to("/proc/self/uid_map", "0 1000 1");
  write_to("/proc/self/gid_map", "0 1000 1");
  TRY(mount("t", "sticky", "tmpfs", 0, "mode=700"));
  TRY(chdir("sticky"));
  owner(".");
  TRY0(open("file", O_CREAT | O_WRONLY, 0666));
  owner("file");
  TRY(chown("file", 7, 7));
  TRY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
  TRY(mkdir("d", 0755));
  TRY(mount("file", "d", NULL, MS_BIND, NULL));
  TRY(mount("d", "d", NULL, MS_BIND, NULL));
  TRY(umount("d"));
  TRY(mount("x", "d", "devtmpfs", 0, NULL));
  TRY(sethostname("inside", 6));
  TRY0(msgget(4321, IPC_CREAT | 0600));
  TRY(setxattr("file", "security.capability", "\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0));
  TRY(getxattr("file", "security.capability", NULL, 0));
  TRY(chroot("."));
  TRY(unshare(CLONE_NEWUSER));
}

// ---- root ----

static void ranges(void) {
  pipe(to_child);
  pipe(to_parent);
  fflush(stdout);
  int pid = fork();
  char c;
  if (pid == 0) {
    unshare(CLONE_NEWUSER);
    write(to_parent[1], "", 1);
    read(to_child[0], &c, 1);
    ids();
    TRY(setgroups(0, NULL));
    TRY(setgroups(2, (gid_t[]){5, 6}));
    TRY(setgroups(1, (gid_t[]){5000}));
    TRY(setresgid(3, 4, 5));
    TRY(setresuid(10, 0, 12));
    TRY(setresuid(1000, -1, -1));
    ids();
    status_of("self");
    owner("theirs");
    owner("mine");
    TRY(chown("mine", 0, 999));
    TRY(chown("mine", 0, 1000));
    TRY(chown("mine", 99, 99));
    owner("mine");
    TRY0(open("theirs", O_RDONLY));
    show("/proc/self/uid_map");
    show("/proc/self/gid_map");
    TRY(setresuid(5, 5, 5));
    status_of("self");
    TRY0(open("mine", O_RDONLY));
    TRY(setuid(0));
    fflush(stdout);
    _exit(0);
  }
  read(to_parent[0], &c, 1);
  char path[100];
  sprintf(path, "/proc/%d/uid_map", pid);
  write_to(path, "0 100000 500\n500 1000 1\n1000 200000 10");
  show(path);
  sprintf(path, "/proc/%d/gid_map", pid);
  write_to(path, "0 100000 1000");
  show(path);
  sprintf(path, "/proc/%d/setgroups", pid);
  write_to(path, "deny");
  sprintf(path, "%d", pid);
  chown("theirs", 1000, 0);
  chown("mine", 100007, 100008);
  chmod("mine", 0600);
  status_of(path);
  write(to_child[1], "", 1);
  int status;
  waitpid(pid, &status, 0);
  printf("ended %x\n", status);
  owner("mine");
}

static void of_root(void) {
  TRY(unshare(CLONE_NEWUSER | CLONE_NEWNS));
  write_to("/proc/self/uid_map", "0 0 1");
  write_to("/proc/self/gid_map", "0 0 1");
  show("/proc/self/uid_map");
  ids();
  owner("theirs");
  TRY0(open("theirs", O_RDWR));
  TRY(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
  TRY(setxattr("theirs", "trusted.x", "1", 1, 0));
  TRY(sethostname("inside", 6));
  TRY(setpriority(PRIO_PROCESS, 0, -1));
  TRY(mount("t", "/", "tmpfs", 0, NULL));
  struct rlimit limit = {100, 100};
  TRY(setrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_max = 1000;
  TRY(setrlimit(RLIMIT_NOFILE, &limit));
}

static void files_of_namespaces(void) {
  int first = open("/proc/self/ns/user", O_RDONLY), uts = open("/proc/self/ns/uts", O_RDONLY), mnt = open("/proc/self/ns/mnt", O_RDONLY);
  uid_t uid = 77;
  TRY(ioctl(first, NS_GET_NSTYPE));
  TRY(ioctl(first, NS_GET_PARENT));
  TRY(ioctl(first, NS_GET_USERNS));
  TRY0(ioctl(uts, NS_GET_USERNS));
  TRY(ioctl(uts, NS_GET_PARENT));
  TRY(ioctl(uts, NS_GET_OWNER_UID, &uid));
  TRY(setns(first, CLONE_NEWUSER));
  TRY(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
  int inner = open("/proc/self/ns/user", O_RDONLY), own = open("/proc/self/ns/uts", O_RDONLY);
  TRY(ioctl(inner, NS_GET_PARENT));
  TRY(ioctl(inner, NS_GET_USERNS));
  TRY(ioctl(first, NS_GET_PARENT));
  TRY0(ioctl(own, NS_GET_USERNS));
  TRY(ioctl(uts, NS_GET_USERNS));
  TRY(ioctl(inner, NS_GET_OWNER_UID, &uid));
  printf("owner %u\n", uid);
  TRY(setns(inner, 0));
  TRY(setns(first, 0));
  TRY(setns(uts, 0));
  TRY(setns(mnt, 0));
  TRY(setns(own, 0));
  struct stat a, b;
  fstat(first, &a);
  TRY(unshare(CLONE_NEWUSER));
  int third = open("/proc/self/ns/user", O_RDONLY);
  int parent = ioctl(third, NS_GET_PARENT);
  TRY(parent >= 0);
  TRY(setns(third, 0));
  TRY(setns(inner, 0));
  fstat(inner, &b);
  printf("%s\n", a.st_ino == b.st_ino ? "the same" : "another");
}

static void join(void) {
  pipe(to_child);
  pipe(to_parent);
  fflush(stdout);
  int pid = fork();
  char c, path[100];
  if (pid == 0) {
    user();
    unshare(CLONE_NEWUSER | CLONE_NEWUTS);
    write_to("/proc/self/uid_map", "0 1000 1");
    fflush(stdout);
    write(to_parent[1], "", 1);
    read(to_child[0], &c, 1);
    _exit(0);
  }
  read(to_parent[0], &c, 1);
  sprintf(path, "/proc/%d/ns/user", pid);
  int user = open(path, O_RDONLY);
  sprintf(path, "/proc/%d/ns/uts", pid);
  int uts = open(path, O_RDONLY);
  fflush(stdout);
  if (fork() == 0) {
    TRY(setns(uts, CLONE_NEWUTS));
    TRY(setns(user, CLONE_NEWUTS));
    TRY(setns(user, CLONE_NEWUSER));
    ids();
    status_of("self");
    TRY(sethostname("joined", 6));
    TRY(setuid(0));
    ids();
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  if (fork() == 0) {
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    TRY(setns(uts, 0));
    TRY(setns(user, 0));
    TRY(setns(uts, 0));
    ids();
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  if (fork() == 0) {
    setresuid(1001, 1001, 1001);
    TRY(setns(user, 0));
    TRY(kill(pid, 0));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  int p = syscall(SYS_pidfd_open, pid, 0);
  if (fork() == 0) {
    TRY(setns(p, CLONE_NEWUSER | CLONE_NEWUTS));
    TRY(gethostname(path, 100));
    printf("%s\n", path);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  write(to_child[1], "", 1);
  waitpid(pid, NULL, 0);
}

static void credentials(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  int on = 1;
  setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  user();
  TRY(unshare(CLONE_NEWUSER));
  write_to("/proc/self/uid_map", "5 1000 1");
  char control[CMSG_SPACE(sizeof(struct ucred))] = {0}, byte;
  struct iovec iov = {&byte, 1};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_CREDENTIALS;
  h->cmsg_len = CMSG_LEN(sizeof(struct ucred));
  struct ucred *c = (struct ucred *)CMSG_DATA(h);
  *c = (struct ucred){getpid(), 0, 0};
  TRY(sendmsg(pair[0], &m, 0));
  *c = (struct ucred){getpid(), 5, 65534};
  TRY(sendmsg(pair[0], &m, 0));
  TRY(write(pair[0], "x", 1));
  TRY(recvmsg(pair[1], &m, 0));
  printf("%d %u %u\n", c->pid == getpid(), c->uid, c->gid);
  struct ucred peer;
  socklen_t n = sizeof peer;
  TRY(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &n));
  printf("%u %u\n", peer.uid, peer.gid);
}

static void flags(void) {
  TRY(unshare(CLONE_NEWUSER | 1));
  TRY0(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
  TRY0(syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0));
  TRY(chroot("sticky"));
  TRY(unshare(CLONE_NEWUSER));
}

static void deep(void) {
  int n = 0;
  while (unshare(CLONE_NEWUSER) == 0) {
    int fd = open("/proc/self/uid_map", O_WRONLY);
    write(fd, "0 0 1", 5);
    close(fd);
    fd = open("/proc/self/gid_map", O_WRONLY);
    write(fd, "0 0 1", 5);
    close(fd);
    n++;
  }
  printf("%d, then %s\n", n, strerrorname_np(errno));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  sethostname("outside", 7);
  chmod(".", 0777);
  close(open("theirs", O_CREAT | O_WRONLY, 0600));
  close(open("mine", O_CREAT | O_WRONLY, 0600));
  close(open("shared", O_CREAT | O_WRONLY, 0644));
  chown("shared", 1000, 0);
  chown("mine", 1000, 1000);
  mkdir("sticky", 0);
  chmod("sticky", 01777);
  close(open("sticky/theirs", O_CREAT | O_WRONLY, 0600));
  close(open("sticky/mine", O_CREAT | O_WRONLY, 0600));
  chown("sticky/mine", 1000, 1000);
  part("unmapped", unmapped);
  part("mapped", mapped);
  part("with mounts", with_mounts);
  part("ranges", ranges);
  part("of root", of_root);
  part("files", files_of_namespaces);
  part("join", join);
  part("credentials", credentials);
  part("flags", flags);
  part("deep", deep);
}
