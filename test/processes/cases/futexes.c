/* Locks of futex(2), and what is looked at first of their words: who waits for what, and which keys are the same. */
#include "cases.h"
#include <linux/futex.h>
#include <stddef.h>

#define futex(AT, OP, ...) syscall(SYS_futex, AT, OP, __VA_ARGS__)
#define P FUTEX_PRIVATE_FLAG
static uint32_t word, other, lock;
static pid_t tid(void) { return syscall(SYS_gettid); }

/* A thread that waits as it is told. */
struct waiter {
  pthread_t thread;
  uint32_t *at;
  int op;
  uint32_t *second;
  volatile int tid;
  char result[60];
};
static void *waits(void *p) {
  struct waiter *w = p;
  __atomic_store_n(&w->tid, tid(), __ATOMIC_SEQ_CST);
  int r = futex(w->at, w->op, 0, NULL, w->second, FUTEX_BITSET_MATCH_ANY);
  sprintf(w->result, "%s", r < 0 ? strerrorname_np(errno) : "0");
  return NULL;
}
static void start(struct waiter *w, uint32_t *at, int op, uint32_t *second) {
  *w = (struct waiter){.at = at, .op = op, .second = second};
  pthread_create(&w->thread, NULL, waits, w);
  while (!__atomic_load_n(&w->tid, __ATOMIC_SEQ_CST)) nap(1);
  until_tid_asleep(w->tid);
}
static void finish(struct waiter *w) {
  pthread_join(w->thread, NULL);
  puts(w->result);
}
/* A lock's word, the tid of a thread as a letter. */
static void show(const char *name, uint32_t value, struct waiter *w, int n) {
  uint32_t owner = value & FUTEX_TID_MASK;
  const char *who = owner == 0 ? "nobody" : owner == (uint32_t)tid() ? "main" : "other";
  for (int i = 0; i < n; i++)
    if (owner == (uint32_t)w[i].tid) who = (const char *[]){"a", "b", "c", "d"}[i];
  printf("%s: %s%s%s\n", name, who, value & FUTEX_WAITERS ? ", waiters" : "", value & FUTEX_OWNER_DIED ? ", died" : "");
}

CASE(requeue_pi_without_waiters) {
  char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *(uint32_t *)pages = 2;
  uint32_t *read_only = (uint32_t *)(pages + 4096), *gone = (uint32_t *)(pages + 8192);
  *read_only = 4;
  mprotect(pages + 4096, 4096, PROT_READ);
  munmap(pages + 8192, 4096);
  uint32_t *at = (uint32_t *)pages;
  for (int private = 0; private <= P; private += P) {
    lock = 4;
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)100, &lock, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)100, &lock, 3));
    printf("%x\n", lock);
    lock = tid();
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)100, &lock, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)0, &lock, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)-1, &lock, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 0, (void *)1, &lock, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, read_only, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, gone, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, gone, 3));
    SHOW(futex(read_only, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, &lock, 4));
    SHOW(futex(gone, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, &lock, 4));
    SHOW(futex(at, FUTEX_CMP_REQUEUE_PI | private, 1, (void *)1, (char *)&lock + 1, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE | private, 1, (void *)1, read_only, 2));
    SHOW(futex(at, FUTEX_CMP_REQUEUE | private, 1, (void *)1, gone, 2));
    struct timespec past = {1, 0};
    SHOW(futex(at, FUTEX_WAIT_REQUEUE_PI | private, 2, &past, gone, 0));
    SHOW(futex(at, FUTEX_WAIT_REQUEUE_PI | private, 2, &past, read_only, 0));
    SHOW(futex(at, FUTEX_WAIT_REQUEUE_PI | private, 3, &past, gone, 0));
    SHOW(futex(gone, FUTEX_LOCK_PI | private, 0, NULL, NULL, 0));
    SHOW(futex(read_only, FUTEX_LOCK_PI | private, 0, NULL, NULL, 0));
    SHOW(futex(read_only, FUTEX_UNLOCK_PI | private, 0, NULL, NULL, 0));
    SHOW(futex(at, FUTEX_WAKE_OP | private, 1, (void *)1, read_only, 0));
    SHOW(futex(at, FUTEX_WAKE_OP | private, 1, (void *)1, gone, 0));
    SHOW(futex(gone, FUTEX_WAKE | private, 1, NULL, NULL, 0));
  }
  /* One file at two addresses is one futex. */
  int fd = memfd_create("words", 0);
  ftruncate(fd, 4096);
  uint32_t *one = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  uint32_t *two = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct timespec past = {1, 0};
  SHOW(futex(one, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, two, 0));
  SHOW(futex(one, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, two, 0));
  SHOW(futex(one, FUTEX_WAIT_REQUEUE_PI, 0, &past, two, 0));
  SHOW(futex(one, FUTEX_WAIT_REQUEUE_PI, 1, &past, two, 0));
}
CASE(bits_of_a_lock) {
  static const uint32_t values[] = {0, FUTEX_WAITERS, FUTEX_OWNER_DIED, FUTEX_WAITERS | FUTEX_OWNER_DIED};
  for (int i = 0; i < 4; i++) {
    lock = values[i];
    SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
    show("lock", lock, NULL, 0);
    SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
    lock |= values[i];
    SHOW(futex(&lock, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0));
    show("lock", lock, NULL, 0);
  }
  lock = 0x3ffffffe;
  SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  printf("%x\n", lock);
}
/* What waits for a lock is neither woken nor moved as others are, and the other way round. */
CASE(mixed_waiters) {
  struct waiter w[2];
  lock = tid();
  start(&w[0], &lock, FUTEX_LOCK_PI | P, NULL);
  show("lock", lock, w, 1);
  SHOW(futex(&lock, FUTEX_WAKE | P, 1, NULL, NULL, 0));
  SHOW(futex(&lock, FUTEX_REQUEUE | P, 1, (void *)1, &other, 0));
  SHOW(futex(&lock, FUTEX_REQUEUE | P, 0, (void *)0, &other, 0));
  SHOW(futex(&lock, FUTEX_WAKE_OP | P, 1, (void *)1, &word, 0));
  SHOW(futex(&lock, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &other, lock));
  SHOW(futex(&lock, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0));
  show("lock", lock, w, 1);
  finish(&w[0]);
  word = lock = 0;
  start(&w[0], &word, FUTEX_WAIT | P, NULL);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &lock, 0));
  word = tid();
  SHOW(futex(&word, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0));
  word = w[0].tid;
  SHOW(futex(&word, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  word = 0;
  SHOW(futex(&word, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE | P, 1, NULL, NULL, 0));
  finish(&w[0]);
  /* Moved to another lock than it said. */
  word = lock = other = 0;
  start(&w[0], &word, FUTEX_WAIT_REQUEUE_PI | P, &lock);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &other, 0));
  show("other", other, w, 1);
  lock = w[0].tid;
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &lock, 0));
  lock = 0x3ffffffe;
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &lock, 0));
  lock = 0;
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)0, &lock, 0));
  show("lock", lock, w, 1);
  finish(&w[0]);
}
/* The word says another owner than that which is waited for. */
CASE(wrong_owner) {
  struct waiter w[2];
  lock = tid();
  start(&w[0], &lock, FUTEX_LOCK_PI | P, NULL);
  uint32_t right = lock;
  lock = w[0].tid;
  SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  lock = 0;
  SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  lock = FUTEX_OWNER_DIED;
  SHOW(futex(&lock, FUTEX_TRYLOCK_PI | P, 0, NULL, NULL, 0));
  lock = right;
  start(&w[1], &lock, FUTEX_LOCK_PI | P, NULL);
  SHOW(futex(&lock, FUTEX_UNLOCK_PI | P, 0, NULL, NULL, 0));
  finish(&w[0]);
  /* That one has ended with the lock. */
  finish(&w[1]);
  show("lock", lock, w, 2);
}
CASE(requeue_counts) {
  struct waiter w[4];
  word = other = 0;
  for (int i = 0; i < 4; i++) start(&w[i], &word, FUTEX_WAIT | P, NULL);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE | P, 0, (void *)2, &word, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE | P, 1, (void *)2, &other, 0));
  SHOW(futex(&word, FUTEX_CMP_REQUEUE | P, 0, (void *)0, &other, 0));
  SHOW(futex(&other, FUTEX_WAKE | P, 9, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE | P, 9, NULL, NULL, 0));
  for (int i = 0; i < 4; i++) finish(&w[i]);
}
/* The first gets the lock, the others wait for it from now on. */
CASE(requeue_to_a_free_lock_of_several) {
  struct waiter w[3];
  word = lock = 0;
  for (int i = 0; i < 3; i++) start(&w[i], &word, FUTEX_WAIT_REQUEUE_PI | P, &lock);
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)1, &lock, 0));
  finish(&w[0]);
  finish(&w[1]);
  show("lock", lock, w, 3);
  lock = 0;
  SHOW(futex(&word, FUTEX_CMP_REQUEUE_PI | P, 1, (void *)5, &lock, 0));
  finish(&w[2]);
  show("lock", lock, w, 3);
}
/* A word of one's own has two keys. */
CASE(private_and_shared) {
  struct waiter w[2];
  word = 0;
  start(&w[0], &word, FUTEX_WAIT | P, NULL);
  start(&w[1], &word, FUTEX_WAIT, NULL);
  SHOW(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE | P, 9, NULL, NULL, 0));
  for (int i = 0; i < 2; i++) finish(&w[i]);
}
/* A thread ends with robust locks. */
struct node {
  struct robust_list list;
  uint32_t word;
};
static struct {
  struct robust_list_head head;
  struct node locked, lock_pi, others, pending;
} robust;
static void *ends(void *p) {
  (void)p;
  uint32_t self = tid();
  robust.head.list.next = &robust.locked.list;
  robust.head.futex_offset = offsetof(struct node, word);
  robust.locked.list.next = (void *)((char *)&robust.lock_pi.list + 1);
  robust.lock_pi.list.next = &robust.others.list;
  robust.others.list.next = &robust.head.list;
  robust.head.list_op_pending = &robust.pending.list;
  robust.locked.word = self | FUTEX_WAITERS;
  robust.lock_pi.word = self;
  syscall(SYS_set_robust_list, &robust.head, sizeof robust.head);
  while (!(__atomic_load_n(&robust.lock_pi.word, __ATOMIC_SEQ_CST) & FUTEX_WAITERS)) nap(1);
  nap(20);
  syscall(SYS_exit, 0);
  return NULL;
}
CASE(robust) {
  struct waiter w[2];
  pthread_t t;
  robust.others.word = tid();
  start(&w[0], &robust.pending.word, FUTEX_WAIT, NULL);
  pthread_create(&t, NULL, ends, NULL);
  while (!__atomic_load_n(&robust.lock_pi.word, __ATOMIC_SEQ_CST)) nap(1);
  SHOW(futex(&robust.lock_pi.word, FUTEX_LOCK_PI | P, 0, NULL, NULL, 0));
  show("lock", robust.lock_pi.word, w, 1);
  finish(&w[0]);
  show("locked", robust.locked.word, w, 1);
  show("others", robust.others.word, w, 1);
  show("pending", robust.pending.word, w, 1);
}
