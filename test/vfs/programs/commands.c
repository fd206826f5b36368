// Commands of fcntl, ioctl and prctl that few programs give.
#include "try.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int file(const char *name) { return open(name, O_RDWR | O_CREAT, 0600); }

// A path that somebody holds is no open file; and what memfd_create gives counts as written by nobody.
static void leases(void) {
  int path = open("leased", O_PATH | O_CREAT, 0600);
  TRY(path);
  close(file("leased"));
  path = open("leased", O_PATH);
  int fd = open("leased", O_RDONLY), memory = memfd_create("x", MFD_ALLOW_SEALING);
  TRY(fcntl(path, F_SETLEASE, F_RDLCK));
  TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
  TRY(fcntl(fd, F_SETLEASE, F_WRLCK));
  TRY(fcntl(fd, F_SETLEASE, F_UNLCK));
  TRY(fcntl(memory, F_SETLEASE, F_RDLCK));
  TRY(fcntl(memory, F_SETLEASE, F_UNLCK));
  TRY(fcntl(memory, F_SETLEASE, F_WRLCK));
}

static void seals(void) {
  int here = file("file"), shm = file("/dev/shm/armrun-seals"), memory = memfd_create("x", MFD_ALLOW_SEALING);
  int p[2];
  pipe(p);
  unlink("/dev/shm/armrun-seals");
  TRY(fcntl(shm, F_GET_SEALS));
  TRY(fcntl(shm, F_ADD_SEALS, F_SEAL_GROW));
  TRY(fcntl(shm, F_ADD_SEALS, 1 << 20));
  TRY(fcntl(p[0], F_ADD_SEALS, 1 << 20));
  TRY(fcntl(p[0], F_ADD_SEALS, F_SEAL_GROW));
  TRY(fcntl(p[1], F_ADD_SEALS, 1 << 20));
  TRY(fcntl(p[1], F_GET_SEALS));
  TRY(fcntl(here, F_ADD_SEALS, 1 << 20));
  TRY(fcntl(memory, F_ADD_SEALS, 1 << 20));
  TRY(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL));
  TRY(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK));
  TRY(fcntl(memory, F_GET_SEALS));
  // Files in memory have holes, but no ranges of zeros.
  memory = memfd_create("x", 0);
  TRY(fallocate(memory, 0, 0, 5000));
  TRY(fallocate(memory, FALLOC_FL_ZERO_RANGE, 0, 4096));
  TRY(fallocate(memory, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  TRY(fallocate(memory, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
  TRY(fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  TRY(lseek(memory, 0, SEEK_END));
  int listening = socket(AF_UNIX, SOCK_STREAM, 0);
  sa_family_t family = AF_UNIX;
  bind(listening, (struct sockaddr *)&family, sizeof family);
  TRY(listen(listening, 1));
  TRY(ioctl(listening, FIONREAD, (void *)8));
}

static void owners(void) {
  uint32_t ids[2] = {7, 7};
  int p[2];
  pipe(p);
  TRY(fcntl(p[0], 17 /* F_GETOWNER_UIDS */, ids));
  printf("%u %u\n", ids[0], ids[1]);
  if (getuid() == 0) setresuid(1000, 1001, 1002);
  TRY(fcntl(p[0], F_SETOWN, getpid()));
  TRY(fcntl(p[0], 17, ids));
  printf("%u %u\n", ids[0], ids[1]);
  TRY(fcntl(p[0], 17, (void *)8));
}

static void direct(void) {
  int p[2], s[2], fd = eventfd(0, 0), null = open("/dev/null", O_RDWR);
  pipe(p);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  TRY(fcntl(p[1], F_SETFL, O_DIRECT));
  TRY(fcntl(p[1], F_GETFL) == (O_WRONLY | O_DIRECT));
  TRY(fcntl(s[0], F_SETFL, O_DIRECT));
  TRY(fcntl(fd, F_SETFL, O_DIRECT | O_NONBLOCK));
  TRY(fcntl(fd, F_GETFL) & O_NONBLOCK);
  TRY(fcntl(null, F_SETFL, O_DIRECT));
}

static void blocks(void) {
  int fd = file("file"), other = file("other"), all = file("all"), shm = file("/dev/shm/armrun-blocks"), value = 0, p[2];
  int folder = open(".", O_RDONLY), reads = open("file", O_RDONLY);
  unlink("/dev/shm/armrun-blocks");
  pipe(p);
  fcntl(all, F_SETFL, O_APPEND);
  TRY(ioctl(shm, FIGETBSZ, &value));
  TRY(value);
  TRY(ioctl(p[0], FIGETBSZ, &value));
  TRY(value);
  TRY(ioctl(shm, FIGETBSZ, (void *)8));
  TRY(ioctl(shm, FICLONE, 99));
  TRY(ioctl(shm, FICLONE, fd));
  TRY(ioctl(fd, FICLONE, p[0]));
  struct file_clone_range range = {-1, 0, 0, 0};
  TRY(ioctl(shm, FICLONERANGE, (void *)8));
  TRY(ioctl(shm, FICLONERANGE, &range));
  TRY(ioctl(fd, FICLONE, folder));
  TRY(ioctl(folder, FICLONE, fd));
  TRY(ioctl(reads, FICLONE, other));
  TRY(ioctl(all, FICLONE, other));
  TRY(ioctl(p[0], FICLONE, p[1]));
  TRY(ioctl(p[0], FIBMAP, &value));
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  TRY(ioctl(fd, FIBMAP, (void *)8));
}

static void processes(void) {
  TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  TRY(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
  TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 1));
  TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
  TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  TRY(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
  TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  TRY(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 9));
  TRY(prctl(PR_SET_THP_DISABLE, 4, 3, 0, 0));
  TRY(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  fflush(stdout);
  if (fork() == 0) {
    TRY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  TRY(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
  TRY(prctl(PR_GET_TIMING, 0, 0, 0, 0));
  TRY(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL, 0, 0, 0));
  TRY(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP, 0, 0, 0));
  TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
  TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 1, 0));
  TRY(prctl(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0));
  TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
}

static void capabilities(const char *when) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  TRY(syscall(SYS_capget, &header, data));
  printf("%s: permitted %s, effective %s, to change owners %d\n", when, data[0].permitted ? "some" : "none",
         data[0].effective ? "some" : "none", data[0].effective & 1 << CAP_CHOWN ? 1 : 0);
}

// What root's ids do for capabilities.
static void securebits(void) {
  TRY(prctl(PR_GET_SECUREBITS));
  TRY(prctl(PR_SET_KEEPCAPS, 1));
  TRY(prctl(PR_GET_SECUREBITS));
  TRY(prctl(PR_SET_SECUREBITS, 1 << 20));
  TRY(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED));
  TRY(prctl(PR_GET_SECUREBITS));
  TRY(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
  TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
  if (getuid() != 0) return;
  setfsuid(1000);
  capabilities("another of files");
  setfsuid(0);
  TRY(setresuid(1000, 1000, 0));
  capabilities("another user");
  TRY(setresuid(0, 0, 0));
  TRY(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED));
  TRY(prctl(PR_SET_KEEPCAPS, 0));
  TRY(setresuid(1000, 1000, 1000));
  capabilities("another who keeps them");
  TRY(prctl(PR_SET_SECUREBITS, 0xff));
}

// A program of root's has no capabilities by that.
static void without_root(void) {
  TRY(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED));
  fflush(stdout);
  execl("/proc/self/exe", "self", "again", NULL);
}

int main(int argc, char **argv) {
  (void)argv;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1) {
    capabilities("executed");
    TRY(prctl(PR_GET_SECUREBITS));
    return 0;
  }
  run(leases);
  run(seals);
  run(owners);
  run(direct);
  run(blocks);
  run(processes);
  run(securebits);
  run(without_root);
  return 0;
}
