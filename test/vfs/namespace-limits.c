// How many namespaces a user may have (/proc/sys/user; namespaces(7)), in user namespaces of its own. Run by root.
#include "try.h"
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
  const char *name;
  int flag;
} kinds[] = {
  {"user", CLONE_NEWUSER}, {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC}, {"mnt", CLONE_NEWNS}, {"net", CLONE_NEWNET},
  {"pid", CLONE_NEWPID}, {"time", 0x80}, {"uts", CLONE_NEWUTS},
};

static void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) {
    printf("%s: open %s\n", path, strerrorname_np(errno));
    return;
  }
  int n = write(fd, text, strlen(text));
  printf("%s <- %s: %s\n", path, text, n < 0 ? strerrorname_np(errno) : "written");
  close(fd);
}

static const char *path_of(const char *kind) {
  static char path[100];
  sprintf(path, "/proc/sys/user/max_%s_namespaces", kind);
  return path;
}

static void show(const char *path) {
  char text[100] = "";
  int fd = open(path, O_RDONLY);
  read(fd, text, sizeof text - 1);
  struct stat st = {0};
  fstat(fd, &st);
  printf("%s %o %d: %s", path, st.st_mode, st.st_uid, text);
  close(fd);
}

static void own_user_namespace(void) {
  TRY(unshare(CLONE_NEWUSER));
  write_to("/proc/self/uid_map", "0 0 1");
  write_to("/proc/self/setgroups", "deny");
  write_to("/proc/self/gid_map", "0 0 1");
}

static int pipes[2];
// A child that makes a namespace and has it until it is told to end.
static int hold(int flag) {
  fflush(stdout);
  int told[2];
  pipe(pipes);
  pipe(told);
  int pid = fork();
  if (pid == 0) {
    close(pipes[1]);
    TRY(unshare(flag));
    fflush(stdout);
    write(told[1], "", 1);
    read(pipes[0], told, 1);
    _exit(0);
  }
  close(pipes[0]);
  read(told[0], told, 1);
  return pid;
}
static void let_go(int pid) {
  close(pipes[1]);
  waitpid(pid, NULL, 0);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  own_user_namespace();
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) show(path_of(kinds[i].name));
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    printf("-- %s\n", kinds[i].name);
    write_to(path_of(kinds[i].name), "-1");
    write_to(path_of(kinds[i].name), "x");
    write_to(path_of(kinds[i].name), "1");
    show(path_of(kinds[i].name));
    int first = hold(kinds[i].flag);
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
      TRY(unshare(kinds[i].flag));
      if (kinds[i].flag != CLONE_NEWUSER) {
        // Those below count for those above.
        own_user_namespace();
        show(path_of(kinds[i].name));
        TRY(unshare(kinds[i].flag));
      }
      fflush(stdout);
      _exit(0);
    }
    waitpid(pid, NULL, 0);
    let_go(first);
    if (kinds[i].flag == CLONE_NEWUSER) write_to(path_of("user"), "1000");
  }
  // What is let go can be had again; one that is open is not.
  int first = hold(CLONE_NEWUTS);
  char path[100];
  sprintf(path, "/proc/%d/ns/uts", first);
  int fd = open(path, O_RDONLY);
  let_go(first);
  let_go(hold(CLONE_NEWUTS));
  TRY(close(fd));
  let_go(hold(CLONE_NEWUTS));
  write_to(path_of("uts"), "0");
  let_go(hold(CLONE_NEWUTS));
  TRY(syscall(SYS_clone, CLONE_NEWUTS | 17, 0, 0, 0, 0));
  // Who has not CAP_SYS_RESOURCE.
  TRY(prctl(PR_CAPBSET_DROP, 24));
  struct { unsigned version; int pid; } head = {0x20080522, 0};
  struct { unsigned effective, permitted, inheritable; } sets[2];
  TRY(syscall(SYS_capget, &head, sets));
  sets[0].effective &= ~(1u << 24);
  TRY(syscall(SYS_capset, &head, sets));
  show(path_of("uts"));
  write_to(path_of("uts"), "1");
  return 0;
}
