/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O2 %s -o %t
 * RUN: rm -f %t.pool && not %fencepost check --pool %t.pool -- %t run %t.pool | FileCheck %s
 * RUN: %fencepost-clang -g -O2 -DFIXED %s -o %t
 * RUN: rm -f %t.pool && %fencepost check --pool %t.pool -- %t run %t.pool
 *
 * Intent: a loop that the compiler unrolls is several stores and one finding.
 */
#include "Inputs/pm.h"

#define COUNT 20

int main(int argc, char **argv) {
  if (!pm_is_check(argc, argv)) {
    uint64_t *values = pm_map(argv[2]);
    for (int i = 0; i < COUNT; i++)
      values[i] = (uint64_t)(argc + i);
      /* CHECK: ERROR: fencepost: missing-flush
       * CHECK-NEXT: unrolled-loop.c:[[#@LINE-2]]
       * CHECK: SUMMARY: fencepost: 1 error
       */
#ifdef FIXED
    pm_persist(values, COUNT * sizeof *values);
#endif
  }
  return 0;
}
