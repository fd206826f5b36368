/* What a read-only root with mounts in it allows: for view.test.ts, in a root with /file, /dir, /src (bound), /ro (bound to be read only) and
   /tmp (tmpfs of 64 KiB). */
#include "try.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static void changes(const char *dir) {
  printf("-- %s\n", dir);
  if (chdir(dir)) perror(dir);
  TRY0(open("new", O_CREAT | O_RDWR, 0644));
  TRY0(open("file", O_RDWR));
  TRY0(open("file", O_RDONLY | O_TRUNC));
  TRY0(open("file", O_RDONLY));
  TRY(mkdir("newdir", 0755));
  TRY(symlink("x", "newlink"));
  TRY(mkfifo("newfifo", 0644));
  TRY(link("file", "newname"));
  TRY(rename("file", "moved"));
  TRY(rename("moved", "file"));
  TRY(chmod("file", 0600));
  TRY(chown("file", 1, 1));
  TRY(utimensat(AT_FDCWD, "file", NULL, 0));
  TRY(truncate("file", 1));
  TRY(setxattr("file", "user.x", "1", 1, 0));
  TRY(access("file", W_OK));
  TRY(access(".", W_OK));
  TRY(unlink("absent"));
  struct statfs s;
  statfs(".", &s);
  printf("read-only: %d\n", (s.f_flags & ST_RDONLY) != 0);
  chdir("/");
}

/* Lines of mountinfo without what no two machines have in common. */
static void mounts(void) {
  FILE *f = fopen("/proc/self/mountinfo", "r");
  char line[1000];
  while (f && fgets(line, sizeof line, f)) {
    char path[300], options[300];
    if (sscanf(line, "%*d %*d %*s %*s %299s %299s", path, options) != 2) continue;
    if (!strcmp(path, "/") || !strncmp(path, "/src", 4) || !strcmp(path, "/ro") || !strncmp(path, "/tmp", 4) || !strcmp(path, "/dir"))
      printf("%s %.2s\n", path, options);
  }
  if (f) fclose(f);
}

int main(void) {
  umask(022);
  static const char zeros[40000];
  changes("/"), changes("/src"), changes("/ro");
  close(open("/tmp/file", O_CREAT | O_RDWR, 0644));
  changes("/tmp");
  int fd = open("/tmp/large", O_CREAT | O_RDWR, 0644);
  TRY(write(fd, zeros, sizeof zeros));
  TRY(write(fd, zeros, sizeof zeros) < (int)sizeof zeros);
  TRY(ftruncate(fd, 0));
  puts("-- mounting");
  TRY(mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  close(fd);
  TRY(mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  TRY0(open("/tmp/other", O_CREAT | O_RDWR, 0644));
  TRY0(open("/tmp/file", O_RDWR));
  TRY(mount(NULL, "/tmp", NULL, MS_REMOUNT, NULL));
  TRY0(open("/tmp/other", O_CREAT | O_RDWR, 0644));
  TRY(mkdir("/tmp/a", 0755));
  TRY(mkdir("/tmp/b", 0755));
  TRY(mount("none", "/tmp/a", "tmpfs", 0, NULL));
  TRY(mkdir("/tmp/a/inner", 0755));
  TRY(mount("/tmp/a", "/tmp/b", NULL, MS_MOVE, NULL));
  TRY(access("/tmp/b/inner", F_OK));
  TRY(access("/tmp/a/inner", F_OK));
  TRY(mount("/tmp/b", "/tmp/b/inner", NULL, MS_MOVE, NULL));
  TRY(mount("/tmp/other", "/tmp/a", NULL, MS_MOVE, NULL));
  TRY(mount(NULL, "/tmp/other", NULL, MS_REMOUNT, NULL));
  TRY(umount("/tmp/b"));
  TRY(umount("/tmp/b"));
  TRY(mount("/src", "/dir", NULL, MS_BIND, NULL));
  TRY(mount(NULL, "/dir", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  TRY0(open("/dir/new", O_RDWR));
  TRY0(open("/src/new", O_RDWR));
  mounts();
  TRY(umount("/dir"));
  char name[65];
  gethostname(name, sizeof name);
  puts(name);
  return 0;
}
