/* Takes locks on a file as it is told, one command a line, and says what came of it: for locks.test.ts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void say(int result) {
  if (result < 0) puts(strerrorname_np(errno));
  else puts("ok");
}

int main(int count, char **arguments) {
  if (count < 2) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  int fd = open(arguments[1], O_RDWR), second = open(arguments[1], O_RDWR);
  char line[100], command[20], kind;
  int start, length;
  while (fgets(line, sizeof line, stdin)) {
    kind = 'w', start = length = 0;
    sscanf(line, "%19s %c %d %d", command, &kind, &start, &length);
    struct flock lock = {.l_type = kind == 'r' ? F_RDLCK : kind == 'w' ? F_WRLCK : F_UNLCK, .l_start = start, .l_len = length};
    if (!strcmp(command, "set")) say(fcntl(fd, F_SETLK, &lock));
    else if (!strcmp(command, "wait")) say(fcntl(fd, F_SETLKW, &lock));
    else if (!strcmp(command, "ofd")) say(fcntl(fd, F_OFD_SETLK, &lock));
    else if (!strcmp(command, "second")) say(fcntl(second, F_OFD_SETLK, &lock));
    else if (!strcmp(command, "get")) {
      if (fcntl(fd, F_GETLK, &lock) < 0) say(-1);
      else if (lock.l_type == F_UNLCK) puts("free");
      else printf("%s %d %d\n", lock.l_type == F_WRLCK ? "write" : "read", (int)lock.l_start, (int)lock.l_len);
    } else if (!strcmp(command, "close")) { /* a descriptor of the file: its record locks go */
      close(open(arguments[1], O_RDONLY));
      puts("ok");
    } else if (!strcmp(command, "share")) say(flock(fd, LOCK_SH | LOCK_NB));
    else if (!strcmp(command, "exclusive")) say(flock(fd, LOCK_EX | LOCK_NB));
    else if (!strcmp(command, "await")) say(flock(fd, LOCK_EX));
    else if (!strcmp(command, "unlock")) say(flock(fd, LOCK_UN));
    else if (!strcmp(command, "share2")) say(flock(second, LOCK_SH | LOCK_NB));
    else if (!strcmp(command, "unlock2")) say(flock(second, LOCK_UN));
    else puts("?");
  }
  return 0;
}
