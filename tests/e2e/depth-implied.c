/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * REQUIRES: mount
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.pool %t.*fpdb && %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: sh %S/../tools/Inputs/exit-code 1 %fencepost explore %t.fpt --db %t.fpdb --depth 2 --recover '%t check %t.pool' | FileCheck %s
 *
 * RUN: %fencepost-clang -g -O1 -DFIXED %s -o %t.fixed
 * RUN: rm -f %t.pool && %fencepost record --pool %t.pool -o %t.fixed.fpt -- %t.fixed run %t.pool
 * RUN: %fencepost explore %t.fixed.fpt --db %t.fixed.fpdb --depth 2 --recover '%t.fixed check %t.pool' | FileCheck --check-prefix=FIXED %s
 *
 * Intent: that a later store to the line is there says that the count is there,
 * before recovery reads it. Recovery counts once more each time that it runs;
 * after the second crash its own store of the count is there or not, while the
 * rest of the wide store is still open.
 *
 * CHECK: recovery-failure
 * CHECK: recovery exited with 3
 * FIXED: 0 errors, {{.*}} cover all of
 */
#include "Inputs/pm.h"

#ifdef FIXED
#define COUNTED 1
#else
#define COUNTED pm[COUNT] + 1
#endif

enum { COUNT = 9, TEXT = 11 };

int main(int argc, char **argv) {
  static const uint64_t text[2] = {5, 6};
  int is_check = pm_is_check(argc, argv);
  volatile uint64_t *pm = pm_map(argv[2]);

  if (!is_check) {
    pm[COUNT] = 1;
    memcpy((void *)(uintptr_t)&pm[TEXT], text, sizeof text);
    return 0;
  }
  if (pm[TEXT] == 0)
    return 0;
  if (pm[COUNT] != 1)
    return 3;
  pm[COUNT] = COUNTED;
  pm_persist((const void *)&pm[COUNT], 8);
  return 0;
}
