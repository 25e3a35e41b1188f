/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %fencepost-clang -g -O1 %s -o %t
 * RUN: rm -f %t.one %t.two %t.fpt %t.fpdb && truncate -s 16384 %t.two
 * RUN: %fencepost record --pool '%t.*' -o %t.fpt -- %t run %t.one %t.two
 * RUN: cp %t.two %t.before
 * RUN: %fencepost explore %t.fpt --recover '%t check %t.one %t.two' | FileCheck %s
 * RUN: cmp %t.two %t.before
 *
 * Intent: recovery from a crash before the program mapped its second pool does
 * not get the user's own file for it.
 *
 * CHECK: 0 errors, 0 warnings; 4 crash points
 */
#include "Inputs/pm.h"

int main(int argc, char **argv) {
  volatile uint64_t *one = pm_map(argv[2]);

  if (argc != 4)
    return 2;
  if (strcmp(argv[1], "run") == 0) {
    one[0] = 1;
    pm_persist((const void *)(uintptr_t)one, 8);
    volatile uint64_t *two = pm_map(argv[3]);
    two[0] = 1;
    pm_persist((const void *)(uintptr_t)two, 8);
    return 0;
  }
  volatile uint64_t *two = pm_map(argv[3]);
  if (one[0] > 1 || two[0] > 1)
    return 1;
  one[0] = 99;
  two[0] = 99;
  return 0;
}
