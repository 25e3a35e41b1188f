/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.fp* && not %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --only recovery-failure --recover '%t check %t.pool' -- %t run %t.pool | FileCheck %s
 * RUN: %python %S/Inputs/explore.py replay %fencepost %t.fpdb
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t
 * RUN: rm -f %t.pool %t.fp* && %fencepost record -o %t.fpt --pool %t.pool -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.fpdb --recover '%t check %t.pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --fork-runs --recover '%t check %t.pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --explore all --recover '%t check %t.pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --depth 2 --recover '%t check %t.pool' | FileCheck --check-prefix=FIXED %s
 * RUN: rm %t.fpdb && %fencepost explore %t.fpt --db %t.fpdb --recover '%t check %t.pool' --checker '%python -c "import os, sys; sys.exit(len(os.read(os.open(sys.argv[1], 0), 9999)) not in (1000, 5000))" %t.pool' | FileCheck --check-prefix=FIXED %s
 *
 * Intent: a file that ends within a page has its own size in crash states, not
 * that of the pages that show it, and when it grows, the new one.
 *
 * CHECK: ERROR: fencepost: recovery-failure
 * CHECK: store of 8 bytes
 * CHECK: SUMMARY: fencepost: 1 error
 * FIXED: 0 errors, 0 warnings
 * FIXED-SAME: cover all of
 */
#include "Inputs/pm.h"

#include <sys/stat.h>

struct pool {
  uint64_t count;
  uint64_t entries[124]; /* 1,000 bytes */
  uint64_t more[500];    /* 5,000 bytes */
};

_Static_assert(sizeof(struct pool) == 5000, "as the comments say");

static struct pool *map(int fd, size_t size) {
  struct pool *pool =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

  if (pool == MAP_FAILED)
    exit(2);
  return pool;
}

static void add(struct pool *pool, uint64_t *entry) {
  *entry = pool->count + 1;
#ifdef FIXED
  pm_persist(entry, sizeof *entry);
#endif
  pool->count++;
  pm_persist(&pool->count, sizeof pool->count);
}

static int check(int fd) {
  struct stat file;

  if (fstat(fd, &file) != 0 || (file.st_size != 1000 && file.st_size != 5000))
    return 1;
  struct pool *pool = map(fd, (size_t)file.st_size);

  for (uint64_t i = 0; i < pool->count; i++) {
    if (i == 2 && file.st_size != 5000)
      return 1;
    uint64_t entry = i == 0   ? pool->entries[0]
                     : i == 1 ? pool->entries[123]
                              : pool->more[499];
    if (entry != i + 1)
      return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  int checks = pm_is_check(argc, argv);
  int fd = open(argv[2], O_RDWR | O_CREAT, 0600);
  struct pool *pool;

  if (fd < 0)
    return 2;
  if (checks)
    return check(fd);
  if (ftruncate(fd, 1000) != 0)
    return 2;
  pool = map(fd, 1000);
  add(pool, &pool->entries[0]);
  add(pool, &pool->entries[123]);
  munmap(pool, 1000);
  if (ftruncate(fd, 5000) != 0)
    return 2;
  pool = map(fd, 5000);
  add(pool, &pool->more[499]);
  return 0;
}
