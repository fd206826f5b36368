/* inotify: which events come from what is done to files. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int in;
static const char *names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM",
                              "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF"};

static void show(const char *what) {
  static char buffer[10000] __attribute__((aligned(8)));
  printf("%s:", what);
  int n = read(in, buffer, sizeof buffer);
  unsigned cookie = 0;
  for (int at = 0; at < n;) {
    struct inotify_event *e = (struct inotify_event *)(buffer + at);
    printf(" %d", e->wd);
    for (int i = 0; i < 12; i++)
      if (e->mask & (1u << i)) printf(",%s", names[i]);
    if (e->mask & IN_ISDIR) printf(",ISDIR");
    if (e->mask & IN_IGNORED) printf(",IGNORED");
    if (e->len) printf("(%s)", e->name);
    if (e->cookie) printf("%s", e->cookie == cookie ? "=" : "+");
    cookie = e->cookie;
    at += sizeof *e + e->len;
  }
  puts("");
}

int main(void) {
  char c;
  int n;
  TRY0(in = inotify_init1(IN_NONBLOCK));
  TRY(read(in, &c, 1));
  mkdir("d", 0755);
  mkdir("other", 0755);
  TRY(inotify_add_watch(in, "d", IN_ALL_EVENTS));
  TRY(inotify_add_watch(in, "d", IN_ALL_EVENTS));
  TRY(inotify_add_watch(in, "none", IN_ALL_EVENTS));
  TRY(inotify_add_watch(in, "d", 0));
  int fd = open("d/f", O_CREAT | O_RDWR, 0644);
  show("create");
  write(fd, "x", 1);
  write(fd, "y", 1);
  show("write");
  pread(fd, &c, 1, 0);
  show("read");
  fchmod(fd, 0600);
  chmod("d/f", 0644);
  show("chmod");
  ftruncate(fd, 0);
  show("truncate");
  close(fd);
  show("close");
  TRY(inotify_add_watch(in, "d/f", IN_ALL_EVENTS));
  fd = open("d/f", O_RDONLY);
  TRY(ioctl(in, FIONREAD, &n));
  TRY(n);
  close(fd);
  show("both");
  link("d/f", "d/g");
  show("link");
  rename("d/g", "d/h");
  show("rename");
  rename("d/h", "other/h");
  show("out");
  rename("other/h", "d/i");
  show("in");
  unlink("d/i");
  show("unlink one");
  fd = open("d/f", O_RDONLY);
  unlink("d/f");
  show("unlink open");
  close(fd);
  show("last close");
  mkdir("d/sub", 0755);
  symlink("x", "d/l");
  mkfifo("d/p", 0600);
  show("made");
  TRY(inotify_add_watch(in, "d/sub", IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR));
  rename("d/sub", "d/sub2");
  rmdir("d/sub2");
  show("directories");
  TRY(inotify_add_watch(in, "d/l", IN_ALL_EVENTS | IN_DONT_FOLLOW | IN_ONLYDIR));
  TRY(inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT));
  mkdir("d/one", 0755);
  mkdir("d/two", 0755);
  show("one shot");
  TRY(inotify_rm_watch(in, 1));
  TRY(inotify_rm_watch(in, 99));
  TRY(inotify_add_watch(in, "d", IN_DELETE));
  TRY(inotify_add_watch(in, "d", IN_CREATE | IN_MASK_ADD));
  rmdir("d/one");
  mkdir("d/three", 0755);
  show("masks");
  TRY(read(in, &c, 1));
  mkdir("d/a-name-that-is-long-enough-for-two", 0755);
  char small[20];
  TRY(read(in, small, sizeof small));
  show("long");
  return 0;
}
