/* Access control lists decide (acl(5)): users and groups at files with lists of many kinds. Run in an empty directory of one's own; run by
   root it tells most. */
#include "try.h"

#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
#define NOBODY 0xffffffffu
struct entry {
  uint16_t tag, perm;
  uint32_t id;
};

static void set(const char *file, const struct entry *entries, int count) {
  struct {
    uint32_t version;
    struct entry entries[10];
  } acl = {2, {{0}}};
  memcpy(acl.entries, entries, count * sizeof *entries);
  TRY(setxattr(file, "system.posix_acl_access", &acl, 4 + count * sizeof *entries, 0));
  struct stat s;
  stat(file, &s);
  printf("mode %o\n", s.st_mode & 07777);
}
#define SET(file, ...)                                          \
  do {                                                          \
    const struct entry entries_[] = {__VA_ARGS__};              \
    set(file, entries_, sizeof entries_ / sizeof *entries_);    \
  } while (0)

static const struct {
  uid_t uid;
  gid_t gid, more[2];
} people[] = {{10, 10, {0, 0}}, {11, 11, {0, 0}}, {12, 20, {0, 0}}, {13, 13, {20, 21}}, {14, 21, {0, 0}}, {11, 20, {0, 0}}, {15, 15, {0, 0}}};

static void look(const char *what) {
  printf("-- %s\n", what);
  for (unsigned n = 0; n < sizeof people / sizeof *people; n++) {
    fflush(stdout);
    if (fork() == 0) {
      int more = people[n].more[0] ? 2 : 0;
      setgroups(more, people[n].more);
      setgid(people[n].gid), setuid(people[n].uid);
      int r = open("file", O_RDONLY), w = open("file", O_WRONLY);
      printf("%d:%d reads %d writes %d executes %d in directory %d makes %d lists %d\n", people[n].uid, people[n].gid, r >= 0, w >= 0,
             access("file", X_OK) == 0, access("dir/inside", F_OK) == 0, mkdir("dir/new", 0755) == 0, open("dir", O_RDONLY) >= 0);
      rmdir("dir/new");
      fflush(stdout);
      _exit(0);
    }
    wait(NULL);
  }
}

int main(void) {
  umask(0);
  chmod(".", 0755);
  close(open("file", O_CREAT | O_RDWR, 0754));
  mkdir("dir", 0750);
  close(open("dir/inside", O_CREAT | O_RDWR, 0644));
  TRY(chown("file", 10, 20));
  TRY(chown("dir", 10, 20));
  look("no list");
  SET("file", {USER_OBJ, 6, NOBODY}, {USER, 7, 11}, {GROUP_OBJ, 4, NOBODY}, {MASK, 5, NOBODY}, {OTHER, 0, NOBODY});
  SET("dir", {USER_OBJ, 7, NOBODY}, {USER, 7, 11}, {GROUP_OBJ, 1, NOBODY}, {GROUP, 5, 21}, {MASK, 7, NOBODY}, {OTHER, 0, NOBODY});
  look("a user, a group, a mask");
  SET("file", {USER_OBJ, 4, NOBODY}, {USER, 0, 15}, {GROUP_OBJ, 6, NOBODY}, {GROUP, 1, 21}, {MASK, 7, NOBODY}, {OTHER, 7, NOBODY});
  SET("dir", {USER_OBJ, 5, NOBODY}, {USER, 0, 15}, {GROUP_OBJ, 5, NOBODY}, {GROUP, 2, 21}, {MASK, 7, NOBODY}, {OTHER, 7, NOBODY});
  look("some have less than others");
  SET("file", {USER_OBJ, 7, NOBODY}, {USER, 7, 11}, {GROUP_OBJ, 7, NOBODY}, {MASK, 0, NOBODY}, {OTHER, 4, NOBODY});
  SET("dir", {USER_OBJ, 7, NOBODY}, {USER, 7, 11}, {GROUP_OBJ, 7, NOBODY}, {MASK, 1, NOBODY}, {OTHER, 1, NOBODY});
  look("a mask of nothing");
  TRY(chmod("file", 0640));
  TRY(chmod("dir", 0770));
  look("chmod sets the mask");
  TRY(removexattr("file", "system.posix_acl_access"));
  TRY(removexattr("dir", "system.posix_acl_access"));
  look("none again");
  return 0;
}
