/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --db %t.fpdb --only recovery-failure --depth 2 --recover '%t check %t.pool' | FileCheck %s
 * RUN: not %fencepost explore %t.fpt --db %t.all.fpdb --only recovery-failure --explore all --depth 2 --recover '%t check %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --db %t.good.fpdb --no persistency-race --depth 2 --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * Intent: recovery overwrites, unread, what the first crash had left open. When
 * it is cut off before that has persisted, there is what the program had left,
 * either way; once it has persisted, neither.
 *
 * CHECK-DAG: recovery exited with 10; it ran again after a crash in recovery
 * CHECK-DAG: recovery exited with 11; it ran again after a crash in recovery
 * CHECK: 2 errors, 0 warnings; {{.*}} cover all of
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

enum { DONE = 0, VALUE = 8, TWIN = 16, FLAG = 24 };

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (!is_check) {
    pm[VALUE] = 1;
    pm[TWIN] = 1;
    pm[FLAG] = 1;
    pm_persist((const void *)&pm[FLAG], 8);
    return 0;
  }
  if (pm[DONE] != 0)
    return pm[VALUE] == 5 && (pm[TWIN] & 0xff) == 5 ? 0 : 10 + (int)pm[VALUE];
  pm[VALUE] = 5;
  *(volatile uint8_t *)&pm[TWIN] = 5;
  pm_persist((const void *)&pm[TWIN], 8);
#ifdef FIXED
  pm_persist((const void *)&pm[VALUE], 8);
#endif
  pm[DONE] = 1;
  pm_persist((const void *)&pm[DONE], 8);
  return 0;
}
