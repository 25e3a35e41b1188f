/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/*
 * RUN: %clang -g -O1 -c -DPLAIN %s -o %t.plain.o
 * RUN: %fencepost-clang -g -O1 %s %t.plain.o -o %t
 * RUN: rm -f %t.pool %t.fpt %t.fpdb
 * RUN: %fencepost record --pool %t.pool -o %t.fpt -- %t run %t.pool
 * RUN: not %fencepost explore %t.fpt --only recovery-failure --recover '%t check %t.pool' > %t.out
 * RUN: FileCheck %s < %t.out
 *
 * Intent: in which order code without hooks stored the words of a line is not
 * known. Here the flag comes before its data, though it lies behind it: a crash
 * in between must be among the states.
 *
 * CHECK: recovery-failure
 * CHECK: 1 error
 * CHECK-SAME: cover all of 2^2 images
 */
#include "Inputs/pm.h"

void plain_store(volatile uint64_t *pm);

#ifdef PLAIN
void plain_store(volatile uint64_t *pm) {
  pm[2] = 1;
  pm[1] = 7;
}
#else
int main(int argc, char **argv) {
  volatile uint64_t *pm = pm_map(argv[2]);

  if (pm_is_check(argc, argv))
    return pm[2] == 1 && pm[1] != 7;
  plain_store(pm);
  pm_persist((void *)(uintptr_t)pm, 8);
  return 0;
}
#endif
