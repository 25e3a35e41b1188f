/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: %fencepost explore %t.fpt --db %t.one.fpdb --recover '%t check %t.pool' | FileCheck --check-prefix=GOOD %s
 * RUN: not %fencepost explore %t.fpt --db %t.fpdb --depth 2 --recover '%t check %t.pool' | FileCheck %s
 * RUN: %fencepost explore %t.fpt --db %t.good.fpdb --depth 2 --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=GOOD %s
 *
 * Intent: recovery stores two words without an order between them, and reads
 * both when it runs again. It survives; that only a second crash shows it makes
 * no difference.
 *
 * CHECK: WARNING: fencepost: not-robust
 * CHECK-NEXT: store of 8 bytes to pool+0x40{{.*}}depth-not-robust.c:[[#FIRST:]] in main
 * CHECK-NEXT: is not guaranteed before
 * CHECK-NEXT: store of 8 bytes to pool+0x80{{.*}}depth-not-robust.c:[[#SECOND:]] in main
 * CHECK: recovery read the second without the first
 * CHECK: it ran again after a crash in recovery
 * CHECK: fix: flush {{.*}}depth-not-robust.c:[[#FIRST]], then fence, before {{.*}}depth-not-robust.c:[[#SECOND]]
 * CHECK: see it: fencepost replay {{.*}} [[#]]/{{[^:]*}}:[[#]]/
 * CHECK: 0 errors, 1 warning; {{.*}} cover all of
 * GOOD: 0 errors, 0 warnings; {{.*}} cover all of
 */
#include "Inputs/pm.h"

enum { FLAG = 0, FIRST = 8, SECOND = 16 };

int main(int argc, char **argv) {
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (!is_check) {
    pm[FLAG] = 1;
    pm_persist((const void *)&pm[FLAG], 8);
    return 0;
  }
  if (pm[SECOND] == 2 && pm[FIRST] == 1)
    return 0;
  pm[FIRST] = 1;
#ifdef FIXED
  pm_persist((const void *)&pm[FIRST], 8);
#endif
  pm[SECOND] = 2;
  pm_persist((const void *)&pm[FIRST], 72);
  return 0;
}
