/* System V IPC as administrators see it: what there is, its limits, and what /proc shows and sets of both. */
#include "cases.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};
struct message {
  long type;
  char text[100];
};

static int queue_of(const char *texts) {
  int id = msgget(IPC_PRIVATE, 0600);
  for (int i = 0; texts[i]; i++) {
    struct message m = {.type = i + 1, .text = {texts[i]}};
    msgsnd(id, &m, i + 1, 0);
  }
  return id;
}

/* A file's lines, with ids, pids and times taken out: those columns differ from run to run. */
static void show_file(const char *path, unsigned hidden) {
  FILE *f = fopen(path, "r");
  char line[400];
  if (!f) { printf("%s: %s\n", path, strerrorname_np(errno)); return; }
  while (fgets(line, sizeof line, f)) {
    int column = 0;
    for (char *p = strtok(line, " \n"); p; p = strtok(NULL, " \n"), column++)
      printf("%s ", hidden >> column & 1 && p[0] >= '0' && p[0] <= '9' ? (strcmp(p, "0") ? "n" : "0") : p);
    puts("");
  }
  fclose(f);
}

static void put_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) { printf("open %s: %s\n", path, strerrorname_np(errno)); return; }
  ssize_t n = write(fd, text, strlen(text));
  if (n < 0) printf("%s <- %s: %s\n", path, text, strerrorname_np(errno));
  else printf("%s <- %s: %zd\n", path, text, n);
  close(fd);
}

CASE(messages_info) {
  struct msginfo i;
  struct msqid_ds d;
  int a = queue_of("abc"), b = queue_of("z");
  SHOW(msgctl(0, IPC_INFO, (void *)&i));
  printf("%d %d %d %d %d %d %d %d\n", i.msgpool, i.msgmap, i.msgmax, i.msgmnb, i.msgmni, i.msgssz, i.msgtql, i.msgseg);
  SHOW(msgctl(-5, MSG_INFO, (void *)&i));
  SHOW(msgctl(0, MSG_INFO, (void *)&i));
  printf("%d %d %d %d %d %d %d %d\n", i.msgpool, i.msgmap, i.msgmax, i.msgmnb, i.msgmni, i.msgssz, i.msgtql, i.msgseg);
  SHOW(msgctl(0, MSG_STAT, &d) == a);
  SHOW(msgctl(1, MSG_STAT, &d) == b);
  printf("%lu %lu\n", (unsigned long)d.msg_qnum, (unsigned long)d.msg_qbytes);
  SHOW(msgctl(1, MSG_STAT_ANY, &d) == b);
  SHOW(msgctl(2, MSG_STAT, &d));
  SHOW(msgctl(0, IPC_INFO, (void *)8));
  msgctl(a, IPC_RMID, NULL);
  SHOW(msgctl(0, MSG_STAT, &d));
  SHOW(msgctl(0, IPC_INFO, (void *)&i));
  msgctl(b, IPC_RMID, NULL);
  SHOW(msgctl(0, IPC_INFO, (void *)&i));
}

CASE(semaphores_info) {
  struct seminfo i;
  struct semid_ds d;
  int a = semget(IPC_PRIVATE, 3, 0600), b = semget(IPC_PRIVATE, 7, 0600);
  union semun u = {.info = &i}, s = {.buf = &d};
  SHOW(semctl(0, 0, IPC_INFO, u));
  printf("%d %d %d %d %d %d %d %d %d %d\n", i.semmap, i.semmni, i.semmns, i.semmnu, i.semmsl, i.semopm, i.semume, i.semusz, i.semvmx, i.semaem);
  SHOW(semctl(0, 0, SEM_INFO, u));
  printf("%d %d\n", i.semusz, i.semaem);
  SHOW(semctl(1, 0, SEM_STAT, s) == b);
  printf("%lu\n", (unsigned long)d.sem_nsems);
  SHOW(semctl(0, 0, SEM_STAT_ANY, s) == a);
  SHOW(semctl(5, 0, SEM_STAT, s));
  SHOW(semctl(a, 0, 99, s));
  u.info = (void *)8;
  SHOW(semctl(0, 0, SEM_INFO, u));
  semctl(a, 0, IPC_RMID);
  semctl(b, 0, IPC_RMID);
}

CASE(shared_memory_info) {
  struct shminfo i;
  struct shm_info n;
  struct shmid_ds d;
  int a = shmget(IPC_PRIVATE, 5000, 0600), b = shmget(IPC_PRIVATE, 1, 0640);
  SHOW(shmctl(0, IPC_INFO, (void *)&i));
  printf("%d %d %d\n", (int)i.shmmin, (int)i.shmmni, (int)i.shmseg);
  char *p = shmat(a, NULL, 0);
  p[0] = 1;
  p[4096] = 1;
  SHOW(shmctl(0, SHM_INFO, (void *)&n));
  printf("%d %d %d %d\n", n.used_ids, (int)n.shm_tot, (int)n.shm_rss, (int)n.shm_swp);
  SHOW(shmctl(0, SHM_STAT, &d) == a);
  printf("%d %d\n", (int)d.shm_segsz, (int)d.shm_nattch);
  SHOW(shmctl(1, SHM_STAT_ANY, &d) == b);
  printf("%o\n", d.shm_perm.mode);
  SHOW(shmctl(9, SHM_STAT, &d));
  SHOW(shmctl(a, 60, &d));
  shmctl(a, IPC_RMID, NULL);
  SHOW(shmctl(0, SHM_STAT, &d) == a);
  printf("%o\n", d.shm_perm.mode);
  shmdt(p);
  shmctl(b, IPC_RMID, NULL);
}

CASE(locked_segments) {
  struct shmid_ds d;
  int id = shmget(IPC_PRIVATE, 8192, 0600);
  SHOW(shmctl(id, SHM_LOCK, NULL));
  shmctl(id, IPC_STAT, &d);
  printf("%o\n", d.shm_perm.mode);
  SHOW(shmctl(id, SHM_LOCK, NULL));
  d.shm_perm.mode = 0644;
  SHOW(shmctl(id, IPC_SET, &d));
  shmctl(id, IPC_STAT, &d);
  printf("%o\n", d.shm_perm.mode);
  SHOW(shmctl(id, SHM_UNLOCK, NULL));
  shmctl(id, IPC_STAT, &d);
  printf("%o\n", d.shm_perm.mode);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_MEMLOCK, &none);
  shmctl(id, IPC_STAT, &d);
  d.shm_perm.uid = 1000;
  shmctl(id, IPC_SET, &d);
  setuid(1000);
  SHOW(shmctl(id, SHM_LOCK, NULL));
  SHOW(shmctl(id, SHM_UNLOCK, NULL));
  SHOW(shmctl(id, IPC_RMID, NULL));
}

CASE(message_copies) {
  struct message m;
  int id = queue_of("abc");
  SHOW(msgrcv(id, &m, sizeof m.text, 1, MSG_COPY | IPC_NOWAIT));
  printf("%ld %.2s\n", m.type, m.text);
  SHOW(msgrcv(id, &m, sizeof m.text, 0, MSG_COPY | IPC_NOWAIT));
  printf("%ld %.1s\n", m.type, m.text);
  SHOW(msgrcv(id, &m, sizeof m.text, 3, MSG_COPY | IPC_NOWAIT));
  SHOW(msgrcv(id, &m, sizeof m.text, 0, MSG_COPY));
  SHOW(msgrcv(id, &m, sizeof m.text, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
  SHOW(msgrcv(id, &m, 1, 2, MSG_COPY | IPC_NOWAIT));
  SHOW(msgrcv(id, &m, 1, 2, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
  struct msqid_ds d;
  msgctl(id, IPC_STAT, &d);
  printf("%lu %d\n", (unsigned long)d.msg_qnum, d.msg_lrpid);
  msgctl(id, IPC_RMID, NULL);
}

CASE(proc_files) {
  int q = queue_of("ab"), s = semget(0x1234, 4, IPC_CREAT | 0640), m = shmget(IPC_PRIVATE, 5000, 0604);
  semctl(s, 0, SETVAL, (union semun){.val = 1});
  shmctl(m, SHM_LOCK, NULL);
  show_file("/proc/sysvipc/msg", 1 << 1 | 1 << 5 | 1 << 6 | 7 << 11);
  show_file("/proc/sysvipc/sem", 1 << 1 | 3 << 8);
  show_file("/proc/sysvipc/shm", 1 << 1 | 1 << 4 | 1 << 5 | 7 << 11 | 3 << 14);
  struct stat st;
  stat("/proc/sysvipc/shm", &st);
  printf("%o\n", st.st_mode);
  msgctl(q, IPC_RMID, NULL);
  semctl(s, 0, IPC_RMID);
  shmctl(m, IPC_RMID, NULL);
  show_file("/proc/sysvipc/msg", 0);
}

CASE(limits_that_can_be_set) {
  put_file("/proc/sys/kernel/msgmni", "1\n");
  int a = msgget(IPC_PRIVATE, 0600);
  SHOW(msgget(IPC_PRIVATE, 0600));
  msgctl(a, IPC_RMID, NULL);
  put_file("/proc/sys/kernel/msgmni", "32000");
  put_file("/proc/sys/kernel/msgmax", "10\n");
  put_file("/proc/sys/kernel/msgmnb", "25\n");
  show_file("/proc/sys/kernel/msgmnb", 0);
  a = msgget(IPC_PRIVATE, 0600);
  struct message m = {.type = 1};
  SHOW(msgsnd(a, &m, 11, IPC_NOWAIT));
  SHOW(msgsnd(a, &m, 10, IPC_NOWAIT));
  SHOW(msgsnd(a, &m, 10, IPC_NOWAIT));
  SHOW(msgsnd(a, &m, 10, IPC_NOWAIT));
  struct msginfo i;
  msgctl(0, IPC_INFO, (void *)&i);
  printf("%d %d\n", i.msgmax, i.msgmnb);
  msgctl(a, IPC_RMID, NULL);
  put_file("/proc/sys/kernel/msgmax", "8192\n");
  put_file("/proc/sys/kernel/msgmnb", "16384\n");
  put_file("/proc/sys/kernel/msgmax", "-1\n");
  put_file("/proc/sys/kernel/msgmni", "many\n");

  show_file("/proc/sys/kernel/sem", 0);
  put_file("/proc/sys/kernel/sem", "5 8 3 2\n");
  show_file("/proc/sys/kernel/sem", 0);
  SHOW(semget(IPC_PRIVATE, 6, 0600));
  a = semget(IPC_PRIVATE, 5, 0600);
  SHOW(semget(IPC_PRIVATE, 4, 0600));
  int b = semget(IPC_PRIVATE, 3, 0600);
  SHOW(semget(IPC_PRIVATE, 1, 0600));
  struct sembuf ops[4] = {{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}};
  SHOW(semop(a, ops, 4));
  SHOW(semop(a, ops, 3));
  semctl(a, 0, IPC_RMID);
  semctl(b, 0, IPC_RMID);
  put_file("/proc/sys/kernel/sem", "32000 1024000000 500 32000\n");

  put_file("/proc/sys/kernel/shmmax", "4096\n");
  SHOW(shmget(IPC_PRIVATE, 4097, 0600));
  put_file("/proc/sys/kernel/shmmax", "1000000000\n");
  put_file("/proc/sys/kernel/shmall", "2\n");
  a = shmget(IPC_PRIVATE, 4097, 0600);
  SHOW(shmget(IPC_PRIVATE, 1, 0600));
  put_file("/proc/sys/kernel/shmall", "1000000\n");
  put_file("/proc/sys/kernel/shmmni", "1\n");
  SHOW(shmget(IPC_PRIVATE, 1, 0600));
  shmctl(a, IPC_RMID, NULL);
  put_file("/proc/sys/kernel/shmmni", "4096\n");
  show_file("/proc/sys/kernel/shm_rmid_forced", 0);
}

CASE(ids_that_can_be_set) {
  put_file("/proc/sys/kernel/msg_next_id", "77\n");
  SHOW(msgget(IPC_PRIVATE, 0600) % 32768);
  show_file("/proc/sys/kernel/msg_next_id", 0);
  show_file("/proc/sys/kernel/sem_next_id", 0);
  put_file("/proc/sys/kernel/shm_next_id", "-5\n");
  show_file("/proc/sys/kernel/auto_msgmni", 0);
  msgctl(77, IPC_RMID, NULL);
}

CASE(segments_die_with_their_users) {
  put_file("/proc/sys/kernel/shm_rmid_forced", "1\n");
  int id = shmget(IPC_PRIVATE, 100, 0600);
  void *p = shmat(id, NULL, 0);
  struct shmid_ds d;
  SHOW(shmctl(id, IPC_STAT, &d));
  shmdt(p);
  SHOW(shmctl(id, IPC_STAT, &d));
  put_file("/proc/sys/kernel/shm_rmid_forced", "0\n");
  put_file("/proc/sys/kernel/shm_rmid_forced", "2\n");
}

static void as_user(void (*f)(int), int id) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setgid(1000);
    setuid(1000);
    f(id);
    exit(0);
  }
  waitpid(pid, NULL, 0);
}
static void look_at_queue(int id) {
  struct msqid_ds d;
  struct msginfo i;
  SHOW(msgctl(id, IPC_STAT, &d));
  SHOW(msgctl(id % 32768, MSG_STAT, &d));
  SHOW(msgctl(id % 32768, MSG_STAT_ANY, &d) == id);
  SHOW(msgctl(0, IPC_INFO, (void *)&i) >= id % 32768);
  SHOW(msgctl(id, IPC_RMID, NULL));
  put_file("/proc/sys/kernel/msgmax", "100\n");
}
CASE(what_others_may) {
  int id = msgget(IPC_PRIVATE, 0600);
  as_user(look_at_queue, id);
  msgctl(id, IPC_RMID, NULL);
}
CASE(what_is_to_be_set_is_read_first) {
  struct semid_ds nothing = {0};
  SHOW(syscall(SYS_semctl, 12345, 0, IPC_SET, 8));
  SHOW(syscall(SYS_semctl, 12345, 0, IPC_STAT, 8));
  SHOW(semctl(12345, 0, IPC_SET, &nothing));
  SHOW(syscall(SYS_msgctl, 12345, IPC_SET, 8));
  SHOW(syscall(SYS_msgctl, 12345, IPC_STAT, 8));
  SHOW(syscall(SYS_shmctl, 12345, IPC_SET, 8));
  SHOW(syscall(SYS_shmctl, 12345, IPC_STAT, 8));
  SHOW(syscall(SYS_shmctl, -1, IPC_SET, 8));
}
