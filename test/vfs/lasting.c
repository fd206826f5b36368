// Makes what node:fs has no way to make, in its working directory (`make`), and tells of all that is there (`see`).
#include "programs/try.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const names[] = {"fifo", "character", "block", "socket", "capable", "listed", "directory", "exact", "link"};

static void make(void) {
  umask(0);
  TRY(mkfifo("fifo", 0640));
  TRY(chown("fifo", 11, 12));
  TRY(mknod("character", S_IFCHR | 0620, makedev(5, 1)));
  TRY(chown("character", 0, 5));
  TRY(mknod("block", S_IFBLK | 0660, makedev(259, 70000)));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(bind(fd, (void *)&address, sizeof address));
  close(fd);
  TRY(chmod("socket", 0600));
  for (int i = 4; i < 8; i++)
    if (i != 6) close(open(names[i], O_CREAT | O_WRONLY, 0755));
  // VFS_CAP_REVISION_2, effective: cap_net_raw.
  static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
  TRY(setxattr("capable", "security.capability", capability, sizeof capability, 0));
  // Version 2; entries of tag, permissions and id: owner rwx, user 7777 r-x, group r--, mask r-x, others ---.
  static const unsigned char list[] = {2, 0, 0, 0,
                                       1, 0, 7, 0, 255, 255, 255, 255,
                                       2, 0, 5, 0, 0x61, 0x1e, 0, 0,
                                       4, 0, 4, 0, 255, 255, 255, 255,
                                       16, 0, 5, 0, 255, 255, 255, 255,
                                       32, 0, 0, 0, 255, 255, 255, 255};
  TRY(setxattr("listed", "system.posix_acl_access", list, sizeof list, 0));
  TRY(mkdir("directory", 0750));
  TRY(setxattr("directory", "system.posix_acl_default", list, sizeof list, 0));
  TRY(setxattr("exact", "user.mark", "a\0b", 3, 0));
  TRY(symlink("exact", "link"));
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    struct timespec times[2] = {{1000000000 + i, 999999999 - i}, {1500000000 + i, 123456789 + i}};
    TRY(utimensat(AT_FDCWD, names[i], times, AT_SYMLINK_NOFOLLOW));
  }
}

static void see(void) {
  static const char *const attributes[] = {"security.capability", "system.posix_acl_access", "system.posix_acl_default", "user.mark"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    struct stat s;
    if (lstat(names[i], &s)) {
      printf("%s: %s\n", names[i], strerrorname_np(errno));
      continue;
    }
    int device = S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode);
    printf("%s: %o %d:%d device %d,%d time %lld.%09ld\n", names[i], s.st_mode, s.st_uid, s.st_gid, device ? (int)major(s.st_rdev) : 0,
           device ? (int)minor(s.st_rdev) : 0, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    for (unsigned k = 0; k < sizeof attributes / sizeof *attributes; k++) {
      unsigned char value[100];
      int length = lgetxattr(names[i], attributes[k], value, sizeof value);
      if (length < 0) continue;
      printf("  %s ", attributes[k]);
      for (int n = 0; n < length; n++) printf("%02x", value[n]);
      printf("\n");
    }
  }
}

int main(int argc, char **argv) {
  if (argc > 1 && !strcmp(argv[1], "make")) make();
  else see();
  return 0;
}
