/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.fpdb --depth 2 --recover '%t check %t.pool' | FileCheck %s
 *
 * Intent: what the first crash left open is read after the second alone. The
 * order of these stores is not recovery's: nothing is said of it. And before
 * recovery's first store there is no second crash: two crash points of the
 * program, and after each the fence and the end of recovery.
 *
 * CHECK: note: 4 of the crash points are in recovery
 * CHECK: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

enum { DONE = 0, FIRST = 8, SECOND = 16, FLAG = 24 };

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (!is_check) {
    pm[FIRST] = 1;
    pm[SECOND] = 1;
    pm[FLAG] = 1;
    pm_persist((const void *)&pm[FLAG], 8);
    return 0;
  }
  if (pm[DONE] != 0)
    return pm[SECOND] > 1 || pm[FIRST] > 1;
  pm[DONE] = 1;
  pm_persist((const void *)&pm[DONE], 8);
  return 0;
}
