/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fpt %t.*fpdb
 * RUN: %t make %t.pool
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.a.fpdb --only recovery-failure --recover '%t callback %t.pool' | FileCheck --check-prefix=BOTH %s
 * RUN: not %fencepost explore %t.fpt --db %t.b.fpdb --recover '%t print %t.pool' | FileCheck --check-prefix=NEW %s
 * RUN: not %fencepost explore %t.fpt --db %t.c.fpdb --recover '%t beside %t.pool' | FileCheck --check-prefix=NEW %s
 * RUN: %fencepost explore %t.fpt --db %t.d.fpdb --only recovery-failure --recover '%t from-file %t.pool' | FileCheck --check-prefix=ONE %s
 * RUN: not %fencepost explore %t.fpt --db %t.e.fpdb --recover '%t to-file %t.pool' | FileCheck --check-prefix=NEW %s
 *
 * Intent: what only seems to have been read or overwritten stays undecided: a
 * page that a callback of libc has opened by functions of libc, a string beside
 * a load that is printed, and words beside those that a masked store of libc
 * takes (its memset, where there is AVX-512). What is copied between a pool and
 * its file is decided where it is read, and no more where it is written.
 *
 * BOTH: 0 errors, 0 warnings; 1 crash point, 2 runs cover all
 * ONE: 0 errors, 0 warnings; 1 crash point, 1 run covers all
 * NEW: recovery exited with 9
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#define OLD UINT64_C(1)
#define NEW UINT64_C(0x6e6e6e6e6e6e6e6e)

static int compare(const void *a, const void *b) {
  return memcmp(a, b, 8);
}

static int callback(uint64_t *pm) {
  qsort(pm, 3, 8, compare);
  return pm[0] != 0 || pm[1] != 0 || (pm[2] != OLD && pm[2] != NEW);
}

static int print(volatile uint64_t *pm) {
  char text[24];

  snprintf(text, sizeof text, "%d %.4s", (int)pm[100], (const char *)pm);
  return strcmp(text, "0 nnnn") == 0 ? 9 : 0;
}

static int beside(volatile uint64_t *pm, const char *name) {
  size_t size = getenv(name) == NULL ? 3 : 4; /* code without hooks has run */

  memset((void *)(pm - 1), 2, size);
  return pm[0] == NEW ? 9 : 0;
}

/* A word that nothing has stored to, over one that is undecided. */
static int from_file(uint64_t *pm, int fd) {
  if (pread(fd, pm, 8, 16) != 8)
    return 3;
  return pm[0] == 0 ? 0 : 9;
}

static int to_file(uint64_t *pm, int fd) {
  if (pwrite(fd, pm, 8, 16) != 8)
    return 3;
  return pm[2] != pm[0] ? 4 : pm[2] == NEW ? 9 : 0;
}

int main(int argc, char **argv) {
  uint64_t *pm = pm_map(argv[2]);

  if (argc != 3)
    return 2;
  if (strcmp(argv[1], "make") == 0) {
    pm[0] = OLD;
    pm[8] = OLD;
    pm_persist(pm, 128);
    return 0;
  }
  if (strcmp(argv[1], "run") == 0) {
    *(volatile uint64_t *)pm = NEW;
    *(volatile uint64_t *)(pm + 8) = NEW;
    return 0;
  }
  if (strcmp(argv[1], "callback") == 0)
    return callback(pm);
  if (strcmp(argv[1], "print") == 0)
    return print(pm + 8);
  if (strcmp(argv[1], "beside") == 0)
    return beside(pm + 8, "FENCEPOST_NO_SUCH");
  int fd = open(argv[2], O_RDWR);
  return strcmp(argv[1], "from-file") == 0 ? from_file(pm, fd)
                                           : to_file(pm, fd);
}
