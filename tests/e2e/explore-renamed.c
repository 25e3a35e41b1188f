/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool* %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --pool %t.pool.new --recover '%t check %t.pool' -- %t rename %t.pool | FileCheck %s
 * RUN: %fencepost show %t.fpt | FileCheck --check-prefix=SHOW %s
 * RUN: rm -f %t.pool* %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --pool %t.pool.new --recover '%t check %t.pool' -- %t renameat %t.pool | FileCheck %s
 * RUN: rm -f %t.pool* %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t unlink %t.pool | FileCheck %s
 * RUN: rm -f %t.pool* %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t unlink-last %t.pool | FileCheck --check-prefix=LAST %s
 * RUN: rm -f %t.pool* %t.fp* && %fencepost crash --trace %t.fpt --db %t.fpdb --pool %t.pool --recover '%t check %t.pool' -- %t unlink-other %t.pool | FileCheck --check-prefix=LAST %s
 *
 * Intent: crash states have a pool under the name that it had at first. A
 * program that renames, replaces or removes one, and goes on, is told that; one
 * that removes it when all is done is not.
 *
 * CHECK: not all of 2^{{[0-9]+}} images: the run has renamed, replaced or removed the pool '{{.*}}pool{{(.new)?}}' and gone on
 * SHOW: gone pool
 * LAST: cover all of
 */
#define _GNU_SOURCE
#include "Inputs/pm.h"

#include <errno.h>
#include <stdio.h>

static void store(uint64_t *at, uint64_t value) {
  *at = value;
  pm_persist(at, sizeof *at);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    return 2;
  }
  const char *path = argv[2];
  char beside[4096];
  const char *volatile nowhere = NULL; /* is the kernel's to refuse */
  uint64_t *pool = pm_map(path);

  snprintf(beside, sizeof beside, "%s.new", path);
  if (strcmp(argv[1], "check") == 0) {
    return pool[0] > 2;
  }
  store(pool, 1);
  if (unlink(nowhere) == 0 || errno != EFAULT) {
    return 2;
  }
  if (strncmp(argv[1], "rename", 6) == 0) {
    uint64_t *other = pm_map(beside);

    store(other, 2);
    if (strcmp(argv[1], "rename") == 0
            ? rename(beside, path)
            : renameat(AT_FDCWD, beside, AT_FDCWD, path)) {
      return 2;
    }
    store(other, 1);
  } else if (strcmp(argv[1], "unlink-other") == 0) {
    FILE *file = fopen(beside, "w");

    if (file == NULL || fclose(file) != 0 || unlink(beside) != 0) {
      return 2;
    }
    store(pool, 2);
  } else {
    store(pool, 2);
    if (unlink(path) != 0) {
      return 2;
    }
    if (strcmp(argv[1], "unlink") == 0) {
      store(pool, 1);
    }
  }
  return 0;
}
