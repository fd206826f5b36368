// What a program finds of processors, memory and process ids, and what it gets when there are no more of them. The argument says of
// which.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1l << 20)

static const char *outcome(int failed) { return failed ? strerrorname_np(errno) : "done"; }

// ---- processors ----

static void file(const char *path) {
  char text[200] = "";
  FILE *f = fopen(path, "r");
  if (f != NULL && fgets(text, sizeof text, f) == NULL) strcpy(text, "empty\n");
  printf("%s %s", path, f == NULL ? "none\n" : text);
  if (f != NULL) fclose(f);
}

static int count(const char *path, const char *start) {
  char line[4096];
  int n = 0;
  FILE *f = fopen(path, "r");
  while (fgets(line, sizeof line, f) != NULL) n += strncmp(line, start, strlen(start)) == 0;
  fclose(f);
  return n;
}

static void status(const char *name) {
  char line[4096];
  FILE *f = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, name, strlen(name)) == 0) printf("%s", line);
  fclose(f);
}

static void affinity(const char *what) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  printf("%s:", what);
  for (int i = 0; i < 64; i++)
    if (CPU_ISSET(i, &set)) printf(" %d", i);
  printf("\n");
  status("Cpus_allowed_list");
}

static void set(unsigned long mask) {
  int failed = sched_setaffinity(0, sizeof mask, (cpu_set_t *)&mask);
  printf("to %x: %s\n", (unsigned)mask, outcome(failed));
}

static void *thread(void *unused) {
  affinity("thread");
  return unused;
}

static void cpus(void) {
  int n = get_nprocs();
  printf("%d online, %d configured, %ld %ld\n", n, get_nprocs_conf(), sysconf(_SC_NPROCESSORS_ONLN),
         sysconf(_SC_NPROCESSORS_CONF));
  printf("%d in cpuinfo, %d in stat\n", count("/proc/cpuinfo", "processor\t:"), count("/proc/stat", "cpu"));
  file("/sys/devices/system/cpu/online");
  file("/sys/devices/system/cpu/present");
  file("/sys/devices/system/cpu/offline");
  char path[100];
  for (int i = 0; i <= n; i++) {
    sprintf(path, "/sys/devices/system/cpu/cpu%d/topology/core_id", i);
    printf("%d: %s\n", i, outcome(access(path, R_OK)));
  }
  affinity("at first");
  set(1ul << n);
  set(0);
  set(1ul << (n - 1) | 1ul << n);
  affinity("the last and one more");
  unsigned cpu, node;
  printf("getcpu %s", outcome(getcpu(&cpu, &node)));
  printf(" %u %u, %d\n", cpu, node, sched_getcpu());
  pthread_t other;
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  fflush(stdout);
  if (fork() == 0) {
    affinity("child");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  set(~0ul);
  affinity("all");
}

// ---- process ids ----

static void pids(void) {
  int to_child[2];
  pipe(to_child);
  int highest = 0, n = 0, pid;
  while (n < 1000 && (pid = fork()) > 0) {
    if (pid > highest) highest = pid;
    n++;
  }
  int error = errno;
  if (pid == 0) {
    char byte;
    close(to_child[1]);
    read(to_child[0], &byte, 1);
    _exit(0);
  }
  printf("highest %d, then %s\n", highest, pid < 0 ? strerrorname_np(error) : "more");
  close(to_child[1]);
  while (wait(NULL) > 0) {
  }
  int lowest = 1 << 30;
  highest = 0;
  for (int i = 0; i < 250; i++) {
    pid = fork();
    if (pid == 0) _exit(0);
    if (pid < lowest) lowest = pid;
    if (pid > highest) highest = pid;
    waitpid(pid, NULL, 0);
  }
  printf("then from %d to %d\n", lowest <= 305 && lowest >= 300 ? 300 : lowest, highest);
}

// ---- memory: started with a limit of 64 MiB ----

static long meminfo(const char *name) {
  char line[200];
  long kib = -1;
  FILE *f = fopen("/proc/meminfo", "r");
  while (fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, name, strlen(name)) == 0) kib = atol(line + strlen(name) + 1);
  fclose(f);
  return kib;
}

static void *mapped(long bytes, int prot, int how) { return mmap(NULL, bytes, prot, how | MAP_ANONYMOUS, -1, 0); }
static void try(const char *what, void *at, long bytes) {
  printf("%s: %s\n", what, outcome(at == MAP_FAILED));
  if (at != MAP_FAILED && bytes > 0) munmap(at, bytes);
}

static void *wait_long(void *unused) {
  pause();
  return unused;
}

static long depth(long n) {
  volatile char here[65536];
  here[0] = here[65535] = (char)n;
  return n == 0 ? here[0] : depth(n - 1) + here[65535];
}

static void memory(void) {
  const int rw = PROT_READ | PROT_WRITE;
  struct sysinfo s;
  sysinfo(&s);
  printf("sysinfo %ld MiB, meminfo %ld, limit %ld\n", (long)(s.totalram * (unsigned long long)s.mem_unit / MIB),
         meminfo("MemTotal:") / 1024, meminfo("CommitLimit:") / 1024);
  file("/proc/sys/vm/overcommit_memory");
  long before = meminfo("Committed_AS:");
  try("all of it", mapped(64 * MIB, rw, MAP_PRIVATE), 64 * MIB);
  try("without reserve", mapped(64 * MIB, rw, MAP_PRIVATE | MAP_NORESERVE), 64 * MIB);
  try("to read only", mapped(500 * MIB, PROT_READ, MAP_PRIVATE), 500 * MIB);
  try("shared", mapped(65 * MIB, PROT_READ, MAP_SHARED), 0);
  char *none = mapped(500 * MIB, PROT_NONE, MAP_PRIVATE);
  try("not at all", none, 0);
  printf("then 20 MiB of it: %s\n", outcome(mprotect(none, 20 * MIB, rw)));
  printf("promised more: %ld MiB\n", (meminfo("Committed_AS:") - before) / 1024);
  printf("20 again: %s\n", outcome(mprotect(none, 20 * MIB, rw)));
  printf("70: %s\n", outcome(mprotect(none, 70 * MIB, rw)));
  printf("over it: %s\n", outcome(mmap(none, 40 * MIB, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED));
  printf("to 70: %s\n", outcome(mremap(none, 40 * MIB, 70 * MIB, MREMAP_MAYMOVE) == MAP_FAILED));
  printf("fork: %s\n", outcome(fork() < 0));
  printf("vfork: %s\n", outcome(system("exit 0") == -1));
  printf("sbrk: %s\n", outcome(sbrk(30 * MIB) == (void *)-1));
  printf("malloc: %s\n", outcome(malloc(30 * MIB) == NULL));
  printf("shmget: %s\n", outcome(shmget(IPC_PRIVATE, 30 * MIB, 0600) < 0));
  pthread_attr_t large;
  pthread_attr_init(&large);
  pthread_attr_setstacksize(&large, 30 * MIB);
  pthread_t other;
  errno = pthread_create(&other, &large, wait_long, NULL);
  printf("a thread: %s\n", outcome(errno != 0));
  int fd = memfd_create("file", 0);
  printf("a file of 30: %s\n", outcome(ftruncate(fd, 30 * MIB) < 0));
  static char megabyte[1 << 20];
  memset(megabyte, 1, sizeof megabyte);
  int written = 0;
  while (written < 30 && write(fd, megabyte, MIB) == MIB) written++;
  printf("written: %s, %s\n", written > 10 && written < 25 ? "some" : "not so", written < 30 ? strerrorname_np(errno) : "all");
  close(fd);
  munmap(none, 500 * MIB);
  fflush(stdout);
  int pid = fork();
  if (pid == 0) {
    printf("child: %s\n", outcome(mapped(20 * MIB, rw, MAP_PRIVATE) == MAP_FAILED));
    fflush(stdout);
    mapped(36 * MIB, rw, MAP_PRIVATE);
    _exit((int)depth(110));
  }
  int end;
  waitpid(pid, &end, 0);
  printf("its stack: %s\n", WIFSIGNALED(end) ? strsignal(WTERMSIG(end)) : "grown");
  try("afterwards", mapped(40 * MIB, rw, MAP_PRIVATE), 40 * MIB);
  printf("left: %ld MiB\n", (meminfo("Committed_AS:") - before) / 1024);
}

// ---- with 64 MiB: what is unmounted is free again ----

static void tmpfs(void) {
  static char megabyte[1 << 20];
  memset(megabyte, 1, sizeof megabyte);
  for (int round = 0; round < 4; round++) {
    int failed = mount("t", "/t", "tmpfs", 0, "size=80%") < 0;
    int fd = open("/t/file", O_CREAT | O_RDWR, 0600);
    int written = 0;
    while (written < 30 && write(fd, megabyte, MIB) == MIB) written++;
    printf("mount %s, %d written", outcome(failed), written);
    close(fd);
    printf(", umount %s\n", outcome(umount("/t") < 0));
  }
}

int main(int argc, char **argv) {
  (void)argc;
  if (strcmp(argv[1], "cpus") == 0) cpus();
  else if (strcmp(argv[1], "pids") == 0) pids();
  else if (strcmp(argv[1], "tmpfs") == 0) tmpfs();
  else memory();
  return 0;
}
