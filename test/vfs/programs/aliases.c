/* Two pages that are the same memory, one behind the other: accesses that lie on both. */
#include "try.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  int fd = memfd_create("aliases", 0);
  ftruncate(fd, 4096);
  char *p = mmap(0, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 2; i++) mmap(p + 4096 * i, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
  volatile uint32_t *both = (volatile uint32_t *)(p + 4094);
  for (uint32_t i = 1; i <= 24; i++) {
    *both = 0x04030201 * i;
    printf("%08x %02x %02x %02x %02x\n", (unsigned)*both, p[0], p[1], p[4094], p[4095]);
  }
  return 0;
}
