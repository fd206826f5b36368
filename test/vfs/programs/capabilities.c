/* File capabilities (capabilities(7)): what a program has that is executed with them, as root and as others. Run in an empty directory of
   one's own. */
#include "try.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void tell(const char *label) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  syscall(SYS_capget, &header, data);
  /* All that every kernel of today has, but for what a machine's root may have been denied. */
  unsigned long long known = ((1ULL << 40) - 1) & ~(1ULL << CAP_SYS_RESOURCE);
  unsigned long long e = data[0].effective | (unsigned long long)data[1].effective << 32;
  unsigned long long p = data[0].permitted | (unsigned long long)data[1].permitted << 32;
  unsigned long long i = data[0].inheritable | (unsigned long long)data[1].inheritable << 32;
  printf("%s: uid %d euid %d effective %llx permitted %llx inheritable %llx ambient %d secure %ld\n", label, getuid(), geteuid(), e & known,
         p & known, i & known, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0), getauxval(AT_SECURE));
  fflush(stdout);
}

/* security.capability: revision 2, or 3 with a root id. */
static void grant(const char *file, int effective, unsigned permitted, unsigned inheritable, int revision) {
  uint32_t words[6] = {(revision << 24) | effective, permitted, inheritable, 0, 0, 0};
  TRY(setxattr(file, "security.capability", words, revision == 3 ? 24 : 20, 0));
}

static void execute(const char *label, void (*before)(void)) {
  fflush(stdout);
  if (fork() == 0) {
    before();
    execl("./self", "self", label, NULL);
    printf("%s: %s\n", label, strerrorname_np(errno));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

static void nothing(void) {}
static void user(void) { setgid(1234), setuid(1234); }
static void no_new(void) { user(), prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static void bounded(void) { prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0), user(); }
static void real_only(void) { setresuid(1234, 0, 0); }
static void inherits(void) {
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), user();
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0, 1 << CAP_NET_RAW | 1 << CAP_CHOWN, 1 << CAP_NET_RAW | 1 << CAP_CHOWN}, {0, 0, 0}};
  syscall(SYS_capset, &header, data);
}
static void ambient(void) { inherits(), prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0); }

static void all(const char *what) {
  printf("-- %s\n", what);
  execute("root", nothing), execute("user", user), execute("no new privileges", no_new), execute("bounded", bounded), execute("real user only", real_only);
  execute("inherits", inherits), execute("ambient", ambient);
}

int main(int count, char **arguments) {
  if (count > 1) {
    tell(arguments[1]);
    return 0;
  }
  chmod(".", 0755);
  int from = open("/proc/self/exe", O_RDONLY), to = open("self", O_CREAT | O_RDWR, 0755);
  static char buffer[65536];
  int n;
  while ((n = read(from, buffer, sizeof buffer)) > 0) write(to, buffer, n);
  close(from), close(to);
  chmod("self", 0755);
  all("without");
  grant("self", 0, 1 << CAP_NET_RAW | 1 << CAP_KILL, 0, 2);
  all("permitted");
  grant("self", 1, 1 << CAP_NET_RAW | 1 << CAP_KILL, 0, 2);
  all("permitted and effective");
  grant("self", 1, 0, 1 << CAP_NET_RAW | 1 << CAP_NET_ADMIN, 2);
  all("inheritable");
  grant("self", 1, 1 << CAP_KILL, 1 << CAP_CHOWN, 3);
  all("with a root id");
  chmod("self", 04755);
  all("of root's S_ISUID, too");
  removexattr("self", "security.capability");
  all("of root's S_ISUID");
  return 0;
}
