// Exchanges pairs of names on the host, all the time, until it is killed: for escape.test.ts.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(int count, char **names) {
  for (unsigned n = 0;; n++)
    for (int pair = 1; pair + 1 < count; pair += 2) {
      renameat2(AT_FDCWD, names[pair], AT_FDCWD, names[pair + 1], RENAME_EXCHANGE);
      for (volatile unsigned wait = 0; wait < n % 32 * 100; wait++) continue;
    }
}
