// Shared mounts, slaves and private ones: what is mounted and unmounted in one is in the others (mount_namespaces(7)). Run by root
// in an empty directory of a mount namespace of its own.
#include "try.h"
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[4096];

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Mounts below the directory: where, how, of which groups, with letters in the order of the paths. */
static void show(const char *when) {
  static char lines[200][1000];
  char *sorted[200], line[8192];
  int n = 0, groups[100], known = 0;
  FILE *f = fopen("/proc/self/mountinfo", "r");
  while (f && n < 200 && fgets(line, sizeof line, f)) {
    char point[4096], options[200], rest[4096];
    sscanf(line, "%*d %*d %*s %*s %4095s %199s %4095[^\n]", point, options, rest);
    if (strncmp(point, top, strlen(top))) continue;
    char *end = strstr(rest, "- ");
    *end = 0;
    snprintf(lines[n], sizeof *lines, "%.300s %.200s %.400s", point + strlen(top), options, rest);
    sorted[n] = lines[n];
    n++;
  }
  fclose(f);
  qsort(sorted, n, sizeof *sorted, compare);
  printf("-- %s\n", when);
  for (int i = 0; i < n; i++) {
    char *at = sorted[i];
    for (char *p; (p = strpbrk(at, ":")) != NULL; at = p + 1) {
      if (p[1] < '0' || p[1] > '9') continue;
      char *after;
      int id = strtol(p + 1, &after, 10), k = 0;
      while (k < known && groups[k] != id) k++;
      if (k == known) groups[known++] = id;
      printf("%.*s:%c", (int)(p - at), at, 'a' + k);
      at = after;
      p = after - 1;
    }
    printf("%s\n", at);
  }
}

static void exists(const char *path) { printf("%s: %s\n", path, access(path, F_OK) ? strerrorname_np(errno) : "there"); }
static void touch(const char *path) { close(open(path, O_CREAT | O_WRONLY, 0644)); }

static int to_child[2], to_parent[2];
static void say(void) {
  fflush(stdout);
  write(to_parent[1], "", 1);
}
static void wait_for(int fd) {
  char c;
  fflush(stdout);
  read(fd, &c, 1);
}

static void in_namespace(int type, unsigned long type_in) {
  pipe(to_child);
  pipe(to_parent);
  TRY(mount(NULL, "s", NULL, type, NULL));
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    unshare(CLONE_NEWNS);
    if (type_in) TRY(mount(NULL, "s", NULL, type_in, NULL));
    show("copied");
    say();
    wait_for(to_child[0]);
    show("after the parent has mounted");
    exists("s/d/file");
    TRY(mount("t", "s/e", "tmpfs", 0, NULL));
    touch("s/e/file");
    fflush(stdout);
    say();
    wait_for(to_child[0]);
    show("after the parent has unmounted");
    TRY(umount("s/e"));
    fflush(stdout);
    _exit(0);
  }
  wait_for(to_parent[0]);
  TRY(mount("t", "s/d", "tmpfs", 0, NULL));
  touch("s/d/file");
  fflush(stdout);
  write(to_child[1], "", 1);
  wait_for(to_parent[0]);
  show("after the child has mounted");
  exists("s/e/file");
  TRY(umount("s/d"));
  fflush(stdout);
  write(to_child[1], "", 1);
  waitpid(pid, NULL, 0);
  show("at the end");
  umount("s/e");
  TRY(mount(NULL, "s", NULL, MS_PRIVATE, NULL));
}

static void in_user_namespace(void) {
  TRY(mount(NULL, "s", NULL, MS_SHARED, NULL));
  TRY(mount("t", "s/d", "tmpfs", MS_NOSUID | MS_RDONLY, NULL));
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    TRY(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    show("with less power");
    TRY(umount("s/d"));
    TRY(mount(NULL, "s/d", NULL, MS_REMOUNT | MS_BIND, NULL));
    TRY(mount(NULL, "s/d", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_RDONLY | MS_NOEXEC, NULL));
    TRY(mount("s/d", "p", NULL, MS_MOVE, NULL));
    TRY(mount("s", "p", NULL, MS_BIND, NULL));
    TRY(mount("s", "p", NULL, MS_BIND | MS_REC, NULL));
    TRY(mount(NULL, "s", NULL, MS_SHARED, NULL));
    show("bound");
    TRY(umount("p/d"));
    TRY(umount2("p", MNT_DETACH));
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  TRY(umount("s/d"));
  TRY(mount(NULL, "s", NULL, MS_PRIVATE, NULL));
}

/* Whether what is busy in one namespace can be unmounted in another. */
static void busy_elsewhere(int type, const char *where) {
  printf("-- busy elsewhere, %s\n", where);
  pipe(to_child);
  pipe(to_parent);
  TRY(mount(NULL, "s", NULL, type, NULL));
  TRY(mount("t", "s/d", "tmpfs", 0, NULL));
  mkdir("s/d/in", 0755);
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    unshare(CLONE_NEWNS);
    if (strcmp(where, "inside") == 0) TRY(mount("t", "s/d/in", "tmpfs", 0, NULL));
    else TRY(chdir(where));
    say();
    wait_for(to_child[0]);
    if (chdir(top) == 0) show("in the child");
    say();
    wait_for(to_child[0]);
    show("at last in the child");
    fflush(stdout);
    _exit(0);
  }
  wait_for(to_parent[0]);
  TRY(umount("s/d"));
  show("in the parent");
  fflush(stdout);
  write(to_child[1], "", 1);
  wait_for(to_parent[0]);
  TRY(umount("s/d"));
  TRY(umount2("s/d", MNT_DETACH));
  fflush(stdout);
  write(to_child[1], "", 1);
  waitpid(pid, NULL, 0);
  umount2("s/d", MNT_DETACH);
  TRY(mount(NULL, "s", NULL, MS_PRIVATE, NULL));
}

/* Where what a mount's master gets comes from, if the master is not to be seen. */
static void dominated(void) {
  TRY(mount(NULL, "s", NULL, MS_SHARED, NULL));
  TRY(mount("s", "p", NULL, MS_BIND, NULL));
  TRY(mount(NULL, "p", NULL, MS_SLAVE, NULL));
  TRY(mount(NULL, "p", NULL, MS_SHARED, NULL));
  TRY(mount("p", "q", NULL, MS_BIND, NULL));
  TRY(mount(NULL, "q", NULL, MS_SLAVE, NULL));
  show("a slave of a slave");
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    TRY(unshare(CLONE_NEWNS));
    TRY(umount("p"));
    show("its master is elsewhere");
    TRY(umount("s"));
    show("and the master of that");
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  TRY(umount("q"));
  TRY(umount("p"));
  TRY(mount(NULL, "s", NULL, MS_PRIVATE, NULL));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  getcwd(top, sizeof top);
  static const char *const names[] = {"s", "p", "q", "r"};
  for (int i = 0; i < 4; i++) mkdir(names[i], 0755);
  TRY(mount("t", "s", "tmpfs", 0, NULL));
  static const char *const inner[] = {"s/d", "s/e", "s/d2", "s/d2/in", "s/mnt"};
  for (int i = 0; i < 5; i++) mkdir(inner[i], 0755);
  TRY(mount(NULL, "s/d", NULL, MS_SHARED, NULL));
  TRY(mount(NULL, "s", NULL, MS_SHARED | MS_SLAVE, NULL));
  TRY(mount(NULL, "s", NULL, MS_SHARED, NULL));
  show("shared");
  TRY(mount("s", "p", NULL, MS_BIND, NULL));
  TRY(mount("s/d2", "q", NULL, MS_BIND, NULL));
  TRY(mount("s", "r", NULL, MS_BIND, NULL));
  TRY(mount(NULL, "r", NULL, MS_SLAVE, NULL));
  show("bound");
  TRY(mount("t", "s/d2/in", "tmpfs", 0, NULL));
  touch("q/in/file");
  exists("p/d2/in/file");
  exists("r/d2/in/file");
  show("mounted inside");
  TRY(mount("t", "r/e", "tmpfs", 0, NULL));
  TRY(mount("t", "p/d", "tmpfs", MS_NOEXEC, NULL));
  show("in the slave, and in a peer");
  TRY(umount("q/in"));
  show("unmounted in a peer");
  TRY(umount("r/d"));
  show("unmounted in the slave");
  TRY(umount("s/d"));
  TRY(umount("r/e"));
  TRY(mount(NULL, "r", NULL, MS_SHARED, NULL));
  show("a slave that shares");
  mkdir("other", 0755);
  TRY(mount("r", "other", NULL, MS_BIND, NULL));
  TRY(mount("t", "s/e", "tmpfs", 0, NULL));
  show("to it and its peer");
  TRY(umount("s/e"));
  show("and away");
  TRY(mount(NULL, "p", NULL, MS_PRIVATE, NULL));
  TRY(mount(NULL, "q", NULL, MS_UNBINDABLE, NULL));
  TRY(mount("q", "s/mnt", NULL, MS_BIND, NULL));
  show("private and unbindable");
  TRY(mount("t", "s/d", "tmpfs", 0, NULL));
  TRY(mount("s/d", "s/e", NULL, MS_MOVE, NULL));
  TRY(mount("p", "s/e", NULL, MS_MOVE, NULL));
  show("moved into it");
  TRY(mount("q", "s/d2", NULL, MS_MOVE, NULL));
  TRY(mount(NULL, "s", NULL, MS_SLAVE, NULL));
  show("a slave of nobody");
  TRY(mount(NULL, "r", NULL, MS_PRIVATE, NULL));
  show("the end of a group");
  TRY(umount2("other", MNT_DETACH));
  TRY(umount2("r", MNT_DETACH));
  TRY(umount2("q", MNT_DETACH));
  TRY(umount2("s", MNT_DETACH));
  show("nothing");
  TRY(mount("t", "s", "tmpfs", 0, NULL));
  for (int i = 0; i < 5; i++) mkdir(inner[i], 0755);
  TRY(mount("t", "s/d", "tmpfs", 0, NULL));
  mkdir("s/d/x", 0755);
  TRY(mount("t", "s/d/x", "tmpfs", 0, NULL));
  TRY(mount(NULL, "s", NULL, MS_SHARED | MS_REC, NULL));
  show("recursively shared");
  TRY(mount("s", "p", NULL, MS_BIND | MS_REC, NULL));
  TRY(mount("s", "q", NULL, MS_BIND, NULL));
  show("recursively bound");
  TRY(mount("s/d", "s/e", NULL, MS_BIND | MS_REC, NULL));
  show("bound within");
  TRY(umount2("s/e", MNT_DETACH));
  show("and away");
  TRY(mount(NULL, "p", NULL, MS_PRIVATE | MS_REC, NULL));
  TRY(umount2("p", MNT_DETACH));
  TRY(umount2("q", MNT_DETACH));
  TRY(umount2("s/d", MNT_DETACH));
  show("one left");
  TRY(syscall(SYS_pivot_root, "s", "s/mnt"));
  in_namespace(MS_SHARED, 0);
  in_namespace(MS_SHARED, MS_SLAVE);
  in_namespace(MS_SHARED, MS_PRIVATE);
  in_namespace(MS_PRIVATE, 0);
  in_user_namespace();
  busy_elsewhere(MS_PRIVATE, "s/d");
  busy_elsewhere(MS_SHARED, "s/d");
  busy_elsewhere(MS_SHARED, "s/e");
  busy_elsewhere(MS_SHARED, "inside");
  dominated();
}
